"""The chains of factors of buildings and of traffic, made from the quantities that people count."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from layers.errors import CityTwinError

BUILDINGS = {
    "population": "people", "floor_per_head": "floor area per head",
    "use_share": "mix of uses", "intensity": "energy per floor area",
    "carrier_share": "mix of carriers", "factor": "carbon of carriers"}
"""Factors of buildings and their words; the units are people, m2, 1, kWh m-2 a-1, 1, kg kWh-1."""

TRAFFIC = {
    "population": "people", "vehicles_per_head": "vehicles per head",
    "km_per_vehicle": "distance per vehicle", "mix_share": "mix of vehicles",
    "energy_per_km": "energy per distance", "factor": "carbon of fuels"}
"""Factors of traffic and their words; the units are people, 1, km a-1, 1, MJ km-1, kg MJ-1."""

TRAFFIC_SHORT = {
    "population": "people", "km_per_head": "distance per head", "mix_share": "mix of vehicles",
    "energy_per_km": "energy per distance", "factor": "carbon of fuels"}
"""Factors of traffic where the number of vehicles is not known."""


def building_factors(table: pd.DataFrame, population: float) -> pd.DataFrame:
    """Return the factors of buildings, whose product is what each use emits by each carrier.

    Parameters
    ----------
    table
        Indexed by use and carrier, one row each, with ``floor_area`` of the use [m2], the same in
        all rows of a use, ``energy`` [kWh a-1] and ``co2`` [kg a-1].
    population
        People of the place.

    Returns
    -------
    pandas.DataFrame
        Columns of ``BUILDINGS``, same rows. What cannot be told, since a use or carrier is absent,
        is no number; `twin.carbon.drivers.decompose` takes it as unchanged.
    """
    _check(table, ("floor_area", "energy", "co2"), population)
    use = table.index.get_level_values(0)
    by_use = table["floor_area"].groupby(use, sort=False)
    if (by_use.max() != by_use.min()).any():
        odd = by_use.max().ne(by_use.min()).idxmax()
        raise CityTwinError(f"use {odd!r} has two floor areas, expected that of the whole use in "
                            "the rows of all its carriers")
    floor = table["floor_area"].to_numpy(dtype=float)
    whole = float(by_use.first().sum())
    energy, of_use = _energy(table), _energy(table, use)
    return pd.DataFrame({
        "population": population, "floor_per_head": whole / population,
        "use_share": _over(floor, whole), "intensity": _over(of_use, floor),
        "carrier_share": _over(energy, of_use),
        "factor": _over(table["co2"].to_numpy(dtype=float), energy)}, index=table.index)


def traffic_factors(table: pd.DataFrame, population: float,
                    vehicles: float | None = None) -> pd.DataFrame:
    """Return the factors of traffic, whose product is what each kind of vehicle emits.

    Parameters
    ----------
    table
        Indexed by kind of vehicle, one row each, with ``distance`` driven [km a-1], ``energy``
        [MJ a-1] and ``co2`` [kg a-1].
    population
        People of the place.
    vehicles
        Vehicles of all kinds; the shorter chain is returned when None.

    Returns
    -------
    pandas.DataFrame
        Columns of ``TRAFFIC`` or ``TRAFFIC_SHORT``, same rows.
    """
    _check(table, ("distance", "energy", "co2"), population)
    distance, energy = table["distance"].to_numpy(dtype=float), _energy(table)
    whole = float(distance.sum())
    out: dict[str, float | NDArray[np.float64]] = {"population": population}
    if vehicles is None:
        out["km_per_head"] = whole / population
    elif vehicles > 0:
        out["vehicles_per_head"] = vehicles / population
        out["km_per_vehicle"] = whole / vehicles
    else:
        raise CityTwinError(f"{vehicles:g} vehicles, expected a number above zero",
                            mend="Leave it out for the chain without vehicles")
    return pd.DataFrame(out | {
        "mix_share": _over(distance, whole), "energy_per_km": _over(energy, distance),
        "factor": _over(table["co2"].to_numpy(dtype=float), energy)}, index=table.index)


def _check(table: pd.DataFrame, columns: Sequence[str], population: float) -> None:
    lacking = [c for c in columns if c not in table.columns]
    if lacking:
        raise CityTwinError(f"the table lacks {', '.join(lacking)}",
                            mend=f"Its columns are {', '.join(columns)}")
    if not population > 0:
        raise CityTwinError(f"population is {population:g}, expected a number above zero")
    if not table.index.is_unique:
        raise CityTwinError(f"row {table.index[table.index.duplicated()][0]!r} stands twice")


def _energy(table: pd.DataFrame, by: pd.Index | None = None) -> NDArray[np.float64]:
    energy = table["energy"].astype(float)
    summed = energy if by is None else energy.groupby(by).transform("sum")
    return np.asarray(summed, dtype=float)


def _over(above: NDArray[np.float64], below: NDArray[np.float64] | float) -> NDArray[np.float64]:
    """Return a ratio, no number where both are zero.

    A carrier without energy that emits, or a use without floor that uses energy, has no factors.
    """
    under = np.broadcast_to(np.asarray(below, dtype=float), above.shape)
    if ((under == 0) & (above != 0)).any():
        raise CityTwinError("something is emitted or used where there is no energy, floor area or "
                            "distance", mend="Give all quantities of a row, or none")
    return np.asarray(np.divide(above, under, out=np.full(above.shape, np.nan), where=under != 0))
