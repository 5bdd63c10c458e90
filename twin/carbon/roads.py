"""Road traffic: energy by fuel at the speed of each road, and the CO2 of it, as entries."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from layers.roads import MOTOR
from twin.carbon.carriers import gas_of, grid_factor
from twin.carbon.driving import Driving
from twin.carbon.entries import Entries, entries
from twin.carbon.operation import Afar
from twin.carbon.parts import Cause, Part
from twin.carbon.traffic.profiles import DAYS, HOURS, traffic_week
from twin.carbon.volumes import Volumes

Block = tuple[Part, ArrayLike, ArrayLike, ArrayLike]
WEEKS = 365.0 / 7.0             # of a year
MADE_FROM = {"hybrid": "petrol"}  # fuels of the fleet that are another one at the pump


def road_entries(roads: gpd.GeoDataFrame, volumes: Volumes, drive: Driving, factors: Any, *,
                 grid: str = "province", grid_year: float | None = None) -> Entries:
    """Return the CO2 of roads by class and fuel.

    Parameters
    ----------
    roads
        The roads layer; ``electric_share``, where given, is in place of that of the fleet.
    volumes
        Vehicle kilometres of the roads.
    drive
        What a vehicle kilometre takes on them.
    factors
        Gives what fuels and the grid emit.
    grid, grid_year
        As in `twin.carbon.carriers.grid_factor`.

    Returns
    -------
    Entries
        Stage ``"tailpipe"`` of scope 1 is fuel burnt, activity in MJ a-1, and of scope 2
        electricity charged, in kWh a-1; ``"upstream"`` is the making and bringing of fuels,
        ``"losses"`` those of the grid.

    Notes
    -----
    The fleet of the place drives on every road. (The heavy shares of the noise guide are made for
    noise: they are too high for fuel.)

    References
    ----------
    EMEP/EEA air pollutant emission inventory guidebook 2019, 1.A.3.b, appendix 4.
    """
    power = grid_factor(factors, grid, grid_year)
    afar = Afar(factors, life_cycle=gas_of(power) == "CO2e")
    given = roads["electric_share"].to_numpy(dtype=float) if "electric_share" in roads \
        else np.full(len(roads), np.nan)
    burning, own, more = drive.shares(given)
    emits = {f: factors.pick(f"fuel.{f}", "kg MJ-1") for f in drive.burnt}
    made = {f: factors.pick(f"upstream.{MADE_FROM.get(f, f)}", "1") for f in drive.burnt}
    blocks: list[Block] = []
    for base, rows in _alike(roads, volumes):
        km = volumes.km[rows]
        sold = volumes.calibration.method == "fuel sales" and base.tier < 3
        sure = () if sold else drive.causes  # fuel sold tells what is burnt, whatever the curves
        for fuel, per_km in drive.burnt.items():
            energy = km * per_km[rows] * burning[rows]
            part = base.but(item=fuel, factor_id=emits[fuel].factor_id, year=emits[fuel].year,
                            causes=(*sure, *base.causes, Cause.of(emits[fuel])))
            emitted = energy * emits[fuel].value
            blocks.append((part, rows, energy, emitted))
            blocks.append((part.but(scope=3, stage="upstream", factor_id=made[fuel].factor_id,
                                    gas="CO2e", causes=(*part.causes, Cause.of(made[fuel]))),
                           rows, energy, emitted * made[fuel].value))
        for per_km_kwh, share, causes in ((drive.plugged, own, drive.plugged_causes),
                                          (drive.swapped, more, drive.swapped_causes)):
            energy = km * per_km_kwh * share[rows]
            if not energy.any():
                continue
            part = base.but(item="electricity", scope=2, unit="kWh a-1", gas=gas_of(power),
                            factor_id=power.factor_id, year=power.year,
                            causes=(*causes, *base.causes, Cause.of(power)))
            emitted = energy * power.value
            blocks += [(part, rows, energy, emitted), *afar.blocks(part, rows, energy, emitted)]
    return entries("roads", len(roads), blocks)


def traffic_hours(total: float, factors: Any) -> pd.DataFrame:
    """Return a year's total of traffic by the hours of a mean week.

    Parameters
    ----------
    total
        Of a year, such as vehicle km [km a-1] or CO2 [kg a-1].
    factors
        Gives ``traffic_hour``, ``traffic_day`` and ``traffic_month``.

    Returns
    -------
    pandas.DataFrame
        Rows ``mon`` to ``sun``, columns 0 to 23 h local time [unit of ``total`` h-1]. 365 / 7 such
        weeks are the total.

    References
    ----------
    Denier van der Gon H. et al. (2011), TNO report TNO-060-UT-2011-00588.
    """
    return pd.DataFrame(traffic_week(factors).shares * total / WEEKS, index=pd.Index(DAYS),
                        columns=range(HOURS))


def _alike(roads: gpd.GeoDataFrame,
           volumes: Volumes) -> Iterator[tuple[Part, NDArray[np.int64]]]:
    """Yield roads of one class whose volumes are known in one way, and what they share."""
    kind = roads["class"].to_numpy(dtype="object")
    for name in np.intersect1d(MOTOR, kind):
        for number, known in enumerate(volumes.known):
            rows = np.flatnonzero((kind == name) & (volumes.way == number) & (volumes.km > 0))
            if len(rows):
                yield Part("roads", "traffic", str(name), "", 1, "tailpipe", "MJ a-1", "",
                           causes=known.causes, own=known.own, tier=known.tier,
                           quality=known.quality), rows
