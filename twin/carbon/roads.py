"""Road traffic: energy by fuel at the speed of each road, and the CO2 of it, as entries."""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np
from numpy.typing import NDArray

from layers.roads import MOTOR
from twin.carbon.entries import Entries, entries
from twin.carbon.parts import Cause, Part
from twin.carbon.volumes import Volumes
from twin.fleet import Fleet

CURVE, SPEED = 0.15, 0.10  # 95 % range of the curves of a class, and of what speed does to them


def road_entries(roads: gpd.GeoDataFrame, volumes: Volumes, factors: Any) -> Entries:
    """Return the tailpipe CO2 of roads by class and fuel.

    Parameters
    ----------
    roads
        The roads layer.
    volumes
        Vehicle kilometres of the roads.
    factors
        Gives the fleet, ``speed.<class>``, ``cold_start`` and what fuels emit.

    Returns
    -------
    Entries
        Activity in MJ a-1 of fuel.

    Notes
    -----
    The fleet of the place drives on every road at the mean speed of the class, or at the limit
    where that is lower. (The heavy shares of the noise guide are made for noise: they are too high
    for fuel.)

    References
    ----------
    EMEP/EEA air pollutant emission inventory guidebook 2019, 1.A.3.b, appendix 4.
    """
    kind = roads["class"].to_numpy(dtype="object")
    limit = roads["speed_limit"].to_numpy(dtype=float)
    fleet = Fleet.of(factors)
    cold = factors.pick("cold_start", "1")
    common = (Cause.of(cold), Cause("energy curves of vehicles", -CURVE, CURVE),
              Cause("speed of traffic", -SPEED, SPEED))
    blocks: list[tuple[Part, NDArray[np.int64], Any, Any]] = []
    for name in np.intersect1d(MOTOR, kind):
        speed = np.minimum(factors.pick(f"speed.{name}", "km h-1").value, limit)
        for number, known in enumerate(volumes.causes):
            rows = np.flatnonzero((kind == name) & (volumes.cause == number) & (volumes.km > 0))
            if not len(rows):
                continue
            steps, back = np.unique(speed[rows], return_inverse=True)
            counted = bool(volumes.counted[rows[0]])
            for fuel, per_km in fleet.energy(steps).items():
                emits = factors.pick(f"fuel.{fuel}", "kg MJ-1")
                energy = volumes.km[rows] * per_km[back] * cold.value
                part = Part("roads", "traffic", str(name), fuel, 1, "tailpipe", "MJ a-1",
                            emits.factor_id, (*common, known, Cause.of(emits)), year=emits.year,
                            tier=3 if counted else 2, quality="M" if counted else "L")
                blocks.append((part, rows, energy, energy * emits.value))
    return entries("roads", len(roads), blocks)
