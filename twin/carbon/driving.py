"""Driving: what a mean vehicle kilometre takes on each road, warm and cold, fuel or electricity."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from layers.roads import MOTOR
from twin.carbon.parts import Cause
from twin.fleet import Fleet

Floats = NDArray[np.float64]

TRIPS = (8.0, 15.0)  # lengths of trips that the equation of cold starts holds for [km]
SHORT = ("car_small", "car_medium", "car_large", "lcv")  # the others are warm all day
COLD = {"diesel": (1.34, 0.008), "petrol": (1.47, 0.009), "hybrid": (1.47, 0.009)}
"""Energy cold over warm at 0 degC, and its fall per degree, by fuel."""


@dataclass(frozen=True, eq=False)
class Driving:
    """What a mean vehicle kilometre takes on each road.

    Parameters
    ----------
    burnt
        By fuel, with cold starts, at the fleet's own share of electric driving, each of shape (n,)
        [MJ km-1].
    electric
        The fleet's own share of electric driving [1].
    plugged
        What its electric vehicles take in a mean vehicle kilometre [kWh km-1].
    swapped
        What those that burn fuel would take there if they were electric [kWh km-1].
    causes
        What is uncertain about energy burnt.
    plugged_causes, swapped_causes
        The same of the electricity.
    """

    burnt: dict[str, Floats]
    electric: float
    plugged: float
    swapped: float
    causes: tuple[Cause, ...]
    plugged_causes: tuple[Cause, ...]
    swapped_causes: tuple[Cause, ...]

    def shares(self, electric: ArrayLike) -> tuple[Floats, Floats, Floats]:
        """Return what to multiply ``burnt``, ``plugged`` and ``swapped`` by on roads.

        Parameters
        ----------
        electric
            Share of the vehicle kilometres that is electric, NaN for the fleet's own, shape (n,).

        Notes
        -----
        All that burn fuel give way alike, so that cars stay cars and lorries lorries.
        """
        given = np.asarray(electric, dtype=float)
        share = np.where(np.isnan(given), self.electric, given)
        rest = 1.0 - self.electric
        burning = (1.0 - share) / rest if rest > 0 else np.zeros_like(share)
        own = np.minimum(share / self.electric, 1.0) if self.electric > 0 else np.zeros_like(share)
        more = np.maximum(share - self.electric, 0.0) / rest if rest > 0 else np.zeros_like(share)
        return burning, own, more


def driving(roads: gpd.GeoDataFrame, factors: Any, *, speed: Floats | None = None,
            weather: xr.Dataset | None = None) -> Driving:
    """Return what driving on roads takes.

    Parameters
    ----------
    roads
        The roads layer.
    factors
        Gives the fleet, ``speed.<class>``, ``trip_length``, ``cold_start`` and ``ev.*``.
    speed
        Mean speed on each road, NaN where not known, shape (n,) [km h-1].
    weather
        Its mean temperature makes engines cold, its frost the batteries; without it ``cold_start``
        holds for all vehicles.

    References
    ----------
    EMEP/EEA air pollutant emission inventory guidebook 2019, 1.A.3.b, chapter 3.4 and appendix 4.
    """
    fleet = Fleet.of(factors)
    cold = factors.pick("cold_start", "1")
    if weather is None:
        times = dict.fromkeys(fleet.shares, cold.value)
    else:
        trip = factors.pick("trip_length", "km").value
        mean = float(weather["temp_air"].mean())
        times = {(vehicle, fuel): cold_factor(fuel, trip, mean) if vehicle in SHORT else 1.0
                 for vehicle, fuel in fleet.shares}
    steps, back = np.unique(road_speed(roads, factors, speed), return_inverse=True)
    burnt = {fuel: each[back] for fuel, each in fleet.energy(steps, times).items()}
    curve, pace = (factors.pick(f"spread.traffic.{what}", "1").value for what in ("curve", "speed"))
    frost = 0.0 if weather is None else float((weather["temp_air"] < 0).mean())
    winter = 1.0 + frost * factors.pick("ev.frost", "1").value
    plugged, plug_causes = _electric(fleet, factors, winter, own=True)
    swapped, swap_causes = _electric(fleet, factors, winter, own=False)
    return Driving(burnt, electric_share(fleet), plugged, swapped,
                   (Cause.of(cold), Cause("energy curves of vehicles", -curve, curve),
                    Cause("speed of traffic", -pace, pace)), plug_causes, swap_causes)


def electric_share(fleet: Fleet) -> float:
    """Return the share of the vehicle kilometres of a fleet that is electric [1]."""
    return sum(share for (_, fuel), share in fleet.shares.items() if fuel == "electric")


def cold_factor(fuel: str, trip: float, temperature: float) -> float:
    """Return the energy of driving with cold starts over that of warm engines [1].

    Parameters
    ----------
    fuel
        A fuel; others than those of cars have no cold starts.
    trip
        Mean length of a trip, held between 8 and 15 km [km].
    temperature
        Mean of the air [degC].

    Notes
    -----
    A share ``beta = 0.6474 - 0.02545 l - (0.00974 - 0.000385 l) T`` of the way is driven cold, at
    1.34 - 0.008 T of the warm energy with diesel and 1.47 - 0.009 T with petrol.

    References
    ----------
    EMEP/EEA air pollutant emission inventory guidebook 2019, 1.A.3.b.i-iv, chapter 3.4.
    """
    if fuel not in COLD:
        return 1.0
    length = min(max(trip, TRIPS[0]), TRIPS[1])
    beta = 0.6474 - 0.02545 * length - (0.00974 - 0.000385 * length) * temperature
    base, fall = COLD[fuel]
    return 1.0 + min(max(beta, 0.0), 1.0) * max(base - fall * temperature - 1.0, 0.0)


def road_speed(roads: gpd.GeoDataFrame, factors: Any, speed: Floats | None = None) -> Floats:
    """Return the mean speed on each road, shape (n,) [km h-1].

    It is the given one, else that of the class, or the limit where that is lower.
    """
    kind = roads["class"].to_numpy(dtype="object")
    usual = np.full(len(kind), np.nan)
    for name in np.intersect1d(MOTOR, kind):
        usual[kind == name] = factors.pick(f"speed.{name}", "km h-1").value
    usual = np.fmin(usual, roads["speed_limit"].to_numpy(dtype=float))
    return usual if speed is None else np.where(np.isfinite(speed), speed, usual)


def _electric(fleet: Fleet, factors: Any, winter: float, *,
              own: bool) -> tuple[float, tuple[Cause, ...]]:
    """Return the electricity of a mean vehicle km [kWh km-1] and what is uncertain about it.

    Of the fleet's own electric vehicles, else of all others as if they were electric.
    """
    chosen: dict[str, float] = {}
    for (vehicle, fuel), share in fleet.shares.items():
        if (fuel == "electric") == own and share > 0:
            chosen[vehicle] = chosen.get(vehicle, 0.0) + share
    need = {v: factors.pick(f"ev.kwh_per_km.{v}", "kWh km-1") for v in chosen}
    total = sum(share * need[v].value for v, share in chosen.items())
    causes = []
    for vehicle, share in chosen.items():
        weight = share * need[vehicle].value / total
        causes.append(Cause.of(need[vehicle], weight))
        if own:
            causes.append(Cause.of(factors.pick(f"fleet.{vehicle}.electric", "1"), weight))
    return total * winter, tuple(causes)
