"""How many vehicle kilometres each road carries: counts, else a model or defaults, scaled."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
from numpy.typing import NDArray

from layers.errors import CityTwinError, LayerError
from layers.roads import MOTOR
from twin.carbon.entries import Entries, entries
from twin.carbon.parts import Part
from twin.carbon.traffic.scale import (
    UNCALIBRATED,
    Calibration,
    scale_to_counts,
    scale_to_fuel,
    scale_to_total,
)
from twin.carbon.volume_doubts import Known, defaults_of, known_of

if TYPE_CHECKING:
    from twin.carbon.traffic.model import Traffic

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
ALLOCATIONS = ("territorial", "induced")
DAYS = 365.0
FAR = 2.0  # times that counts of all roads and a total may lie apart
PATTERNS = ("class", "lanes")
WAYS = (*PATTERNS, "assigned")
TOLD = {"class": "default traffic of small towns (a big city has 3 to 6 times more: volumes=lanes)",
        "lanes": "default traffic by lane of a metropolis",
        "assigned": "modelled traffic (gravity demand, user equilibrium)"}


@dataclass(frozen=True, eq=False)
class Volumes:
    """Vehicle kilometres of roads, and how they are known.

    Parameters
    ----------
    km
        Of each road as a whole, shape (n,) [km a-1].
    known
        The ways they are known.
    way
        Which of ``known`` each road has, shape (n,).
    pattern
        Where roads are not counted: ``"class"``, ``"lanes"`` or ``"assigned"``.
    calibration
        What roads that are not counted were scaled to.
    speed
        Mean speed by the model, NaN where there is none, shape (n,) [km h-1].
    """

    km: Floats
    known: tuple[Known, ...]
    way: NDArray[np.int64]
    pattern: str
    calibration: Calibration
    speed: Floats

    @property
    def entries(self) -> Entries:
        """Vehicle kilometres with their range, as entries whose value is in km a-1."""
        part = Part("roads", "traffic", "", "vehicle_km", 1, "tailpipe", "km a-1", "")
        blocks = []
        for number, known in enumerate(self.known):
            rows = np.flatnonzero((self.way == number) & (self.km > 0))
            blocks.append((part.but(causes=known.causes, own=known.own, tier=known.tier),
                           rows, self.km[rows], self.km[rows]))
        return entries("roads", len(self.km), blocks)


def volumes_of(roads: gpd.GeoDataFrame, inside: Floats, factors: Any, *,
               volumes: str | None = None, control_total: float | None = None,
               fuel_total: float | None = None, per_km: Floats | None = None, country: str = "",
               modelled: Traffic | None = None, allocation: str = "territorial") -> Volumes:
    """Return the vehicle kilometres of roads.

    Volumes are counts where the road has one, else those of a model, else the default of the
    class, half of it on one-way roads, or of its lanes. All but counts are scaled to what is
    known; the record says to what.

    Parameters
    ----------
    roads
        The roads layer.
    inside
        Share of each road inside the study area, shape (n,) [1].
    factors
        Gives ``volume.<class>`` and ``lane_volume.<class>``, and how sure volumes are.
    volumes
        One of ``WAYS``; what fits the total best, else what fits the country, when None.
    control_total
        Vehicle kilometres driven inside the area [km a-1].
    fuel_total
        Energy of the fuel that vehicles burn inside the area; only asked without a
        ``control_total`` [MJ a-1].
    per_km
        Energy a mean vehicle burns on each road, shape (n,) [MJ km-1].
    country
        ISO code; without a total, lanes are taken in China.
    modelled
        Of `twin.carbon.traffic.model.model_traffic`, for ``"assigned"``.
    allocation
        ``"territorial"`` counts all that is driven inside, ``"induced"`` half of it for each end of
        a trip that lies inside; what is driven beyond the border is not known. Needs ``modelled``.

    Raises
    ------
    CityTwinError
        When the pattern is unknown, a total is no positive number or less than what is counted, a
        volume has no place or is below zero, or all roads are counted and the total is more than
        twice or less than half of that.

    Notes
    -----
    The columns ``traffic_factor`` and ``electric_share`` are what a plan makes of the traffic: the
    scale is found without them, and the volumes are multiplied afterwards. A plan keeps the scale
    of today, so that a cut is not scaled away.
    """
    _check(roads, volumes, control_total, fuel_total)
    motor = roads["class"].isin(MOTOR).to_numpy()
    count = roads["volume"].to_numpy(dtype=float)
    counted = np.isfinite(count) & motor
    length = roads.length.to_numpy()
    usual = "lanes" if country == "CN" else "class"

    def driven(pattern: str) -> tuple[Floats, Calibration]:
        """Vehicle km a year of each road before any plan, and what scaled them."""
        daily = defaults_of(roads, usual if pattern == "assigned" else pattern, factors)[0]
        if pattern == "assigned" and modelled is not None:
            daily = np.where(np.isfinite(modelled.per_road), modelled.per_road, daily)
        km = np.where(counted, count, daily) * DAYS * length / 1000.0
        here = np.where(inside > 0, km * inside, 0.0)
        read, guessed = float(here[counted].sum()), float(here[~counted].sum())
        if guessed <= 0:
            if read > 0 and control_total is not None:
                _compare(read, control_total, "vehicle_km", "km", factors)
            elif read > 0 and fuel_total is not None and per_km is not None:
                _compare(float((here * np.nan_to_num(per_km)).sum()), fuel_total, "fuel_mj", "MJ",
                         factors)
            return km, UNCALIBRATED
        if control_total is not None:
            found = scale_to_total(read + guessed, control_total, counted_km=read)
        elif fuel_total is not None and per_km is not None:
            burnt = np.where(here > 0, here * np.nan_to_num(per_km), 0.0)
            sure, rest = float(burnt[counted].sum()), float(burnt[~counted].sum())
            if fuel_total < sure:
                raise CityTwinError(f"counted roads burn {sure:.4g} MJ a year, more than the "
                                    f"control fuel_mj of {fuel_total:.4g}",
                                    mend="Look at the unit of both")
            found = scale_to_fuel({"fuel": rest}, {"fuel": fuel_total - sure})
        elif pattern == "assigned" and modelled is not None and (
                counted & (modelled.per_road > 0)).any():
            found = scale_to_counts(modelled.per_road, np.where(counted, count, np.nan),
                                    length * inside)
        else:
            return km, UNCALIBRATED
        return np.where(counted, km, km * found.factor), found

    if volumes is None and not (control_total is None and fuel_total is None):
        volumes = min(PATTERNS, key=lambda p: abs(np.log(max(driven(p)[1].factor, 1e-9))))
    pattern = volumes or usual
    if pattern == "assigned" and modelled is None:
        raise CityTwinError("volumes='assigned' needs a model of the traffic",
                            mend="Give the city buildings, or take volumes=class or lanes")
    if allocation not in ALLOCATIONS:
        raise CityTwinError(f"allocation is {allocation!r}, expected "
                            f"{' or '.join(map(repr, ALLOCATIONS))}")
    if allocation == "induced" and pattern != "assigned":
        raise CityTwinError(f"allocation='induced' needs trips, volumes are {pattern!r}",
                            mend="Take road_traffic.volumes=assigned")
    km, calibration = driven(pattern)
    model = modelled.per_road if modelled is not None and pattern == "assigned" \
        else np.full(len(km), np.nan)
    known, way = known_of(roads, counted, np.isfinite(model), pattern, usual, calibration, factors)
    guesses = ~counted & motor & (km > 0)
    off = int((guesses & ~np.isfinite(model)).sum()) if pattern == "assigned" else 0
    factors.count(f"roads with {TOLD[pattern]}, {calibration}", int(guesses.sum()) - off)
    factors.count(f"roads beside the modelled network, with {TOLD[usual]}", off)
    plan = roads["traffic_factor"].fillna(1.0).to_numpy(dtype=float) \
        if "traffic_factor" in roads else 1.0
    if allocation == "induced" and modelled is not None:
        plan = plan * modelled.induced
        factors.count("traffic counts by the ends of its trips (induced): driven beyond the border "
                      "is not known", 1)
    return Volumes(km * plan, known, way, pattern, calibration,
                   model_speed(modelled) if modelled is not None and pattern == "assigned"
                   else np.full(len(km), np.nan))


def _compare(counted: float, control: float, name: str, unit: str, factors: Any) -> None:
    """Say how far the counts of all roads are from a total; raise where that is too far."""
    share = counted / control
    if not 1 / FAR <= share <= FAR:
        raise CityTwinError(f"counts cover all roads and make {counted:.4g} {unit} a year, "
                            f"{share:.2g} times the control {name} of {control:.4g}",
                            mend="Look at the unit of both, or leave one of them out")
    factors.count(f"counts cover all roads: the control {name} is not used, they make {share:.3g} "
                  "of it", 1, once=f"counts and {name}")


def model_speed(modelled: Traffic) -> Floats:
    """Return distance over time of all vehicles of a week on each road, shape (n,) [km h-1]."""
    hours = modelled.per_vehicle_km(lambda v: 1.0 / np.maximum(v, 0.1))
    return np.asarray(1.0 / np.where(hours > 0, hours, np.nan))


def _check(roads: gpd.GeoDataFrame, volumes: str | None, control_total: Any,
           fuel_total: Any) -> None:
    for name, total, unit in (("control_total", control_total, "vehicle km"),
                              ("fuel_mj", fuel_total, "MJ of fuel")):
        if total is not None and not (isinstance(total, int | float) and 0 < total < 1e15):
            raise CityTwinError(f"{name} is {total!r}, expected {unit} a year above zero")
    if volumes not in (None, *WAYS):
        raise CityTwinError(f"volumes is {volumes!r}, expected {' or '.join(map(repr, WAYS))}")
    count = roads["volume"].to_numpy(dtype=float)
    nowhere = np.asarray(roads.geometry.isna() | roads.geometry.is_empty) & np.isfinite(count)
    if nowhere.any():
        raise LayerError(f"layer 'roads': {int(nowhere.sum())} counts have no line, the first in "
                         f"row {roads.index[nowhere][0]}", mend="Give each count its road")
    if (count < 0).any():
        row = roads.index[count < 0][0]
        raise LayerError(f"layer 'roads', row {row}: volume is {count[count < 0][0]:g}, expected "
                         f"at least 0 vehicle d-1 ({int((count < 0).sum())} such rows)",
                         mend="Leave it empty where nothing was counted")
