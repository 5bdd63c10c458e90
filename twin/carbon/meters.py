"""Meters and other heating: what replaces the estimate of a carrier, and what replaces a boiler."""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np
from numpy.typing import NDArray

from layers.buildings import HEATING
from twin.carbon.carriers import CARRIERS
from twin.factor import Factor

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
METERED = {"electricity": "metered_electricity", "gas": "metered_gas", "heat": "metered_heat"}
CARRIED = {"heat_pump": "electricity", "electric": "electricity", "gas": "gas", "district": "heat"}
"""Carrier of each kind of heating."""
FUELS = tuple(c for c in CARRIERS if c != "electricity")
"""Carriers that are for heat; a meter of one tells what the building burns or is brought."""


def put_meters(buildings: gpd.GeoDataFrame, parts: Floats) -> Flags:
    """Put metered energy in place of estimates, split among end uses as they were.

    Parameters
    ----------
    buildings
        The buildings layer.
    parts
        Energy for heating, cooling and all else, (3, buildings, carriers), changed in place
        [kWh a-1].

    Returns
    -------
    numpy.ndarray
        Which carriers of which buildings are metered, (buildings, carriers).

    Notes
    -----
    District heat where none was estimated is for heating, other carriers for all else.
    """
    metered = np.zeros(parts.shape[1:], dtype=bool)
    for carrier, column in METERED.items():
        at = CARRIERS.index(carrier)
        read = buildings[column].to_numpy(dtype=float)
        rows = np.flatnonzero(np.isfinite(read))
        whole = parts[:, rows, at].sum(axis=0)
        some = whole > 0
        parts[:, rows[some], at] *= read[rows[some]] / whole[some]
        parts[0 if carrier == "heat" else 2, rows[~some], at] = read[rows[~some]]
        metered[rows, at] = True
    return metered


def end_fuels(parts: Floats, metered: Flags) -> int:
    """Take the estimate of other fuels from buildings whose gas or district heat is metered.

    Parameters
    ----------
    parts
        As for `put_meters`, changed in place.
    metered
        Which carriers of which buildings are metered.

    Returns
    -------
    int
        Number of buildings from which some was taken.

    Notes
    -----
    The estimate is of the mean of many buildings, each with fuels of its own. A meter above zero
    tells which fuel this building has; what the others have would count its heat twice.
    """
    takes = (parts.sum(axis=0) > 0) & np.isin(CARRIERS, FUELS)
    told = (takes & metered).any(axis=1)
    gone = told[:, None] & takes & ~metered
    parts[:, gone] = 0.0
    return int(gone.any(axis=1).sum())


def efficiencies(factors: Any) -> dict[str, Factor]:
    """Return the heat that each carrier gives to rooms, and a heat pump [1]."""
    out = {c: factors.pick(f"efficiency.{c}", "1") for c in CARRIERS}
    return out | {"heat_pump": factors.pick("heat_pump", "1")}


def put_heating(heated: NDArray[Any], parts: Floats, metered: Flags,
                given: dict[str, Factor]) -> Flags:
    """Heat buildings by what is told for them, with the same heat for the rooms.

    Parameters
    ----------
    heated
        Heating of each building, empty where it is the usual mix.
    parts
        As for `put_meters`, changed in place.
    metered
        Which carriers of which buildings are metered.
    given
        From `efficiencies`.

    Returns
    -------
    numpy.ndarray
        Which carriers of which buildings are no longer as metered.

    Notes
    -----
    Meters tell of the building before this. Its heat is what its carriers gave; where the new
    carrier is metered, what that gave stays, and the heat of the other metered carriers comes to
    it. Hot water stays with its carrier.
    """
    changed = np.zeros_like(metered)
    useful = np.array([given[c].value for c in CARRIERS])
    for kind in HEATING:
        rows = np.flatnonzero(heated == kind)
        if not len(rows):
            continue
        at = CARRIERS.index(CARRIED[kind])
        heat = parts[0, rows] * useful
        mine = metered[rows, at]
        others = np.where(mine[:, None], np.where(metered[rows], heat, 0.0), heat)
        others[mine, at] = 0.0
        stays = np.where(mine, parts[0, rows, at], 0.0)
        power = given["heat_pump" if kind == "heat_pump" else CARRIED[kind]].value
        made = others.sum(axis=1) / power
        gone = parts[0, rows] > 0
        gone[:, at] = made > 0
        changed[rows] = gone & metered[rows]
        parts[0, rows] = 0.0
        parts[0, rows, at] = stays + made
    return changed
