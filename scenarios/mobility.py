"""Edits of traffic: fewer vehicles, electric ones, a zone for clean ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from layers.city import City
from layers.errors import MissingInput, ScenarioError, nearest
from layers.roads import MOTOR
from scenarios.where import region, share_of
from twin.carbon.driving import electric_share
from twin.factors import load
from twin.fleet import Fleet
from twin.pool import Picker


@dataclass(frozen=True)
class CutTraffic:
    """Take a share of the traffic off roads; it is gone, and does not drive elsewhere.

    Parameters
    ----------
    share
        Share of the vehicle kilometres that go [1].
    classes
        Only roads of these classes.
    within
        Where: see `scenarios.where.region`.
    """

    share: float = 0.2
    classes: tuple[str, ...] = ()
    within: Any = ""

    def __post_init__(self) -> None:
        share_of(self, "share")
        for name in self.classes:
            if name not in MOTOR:
                raise ScenarioError(f"CutTraffic: there is no road class {name!r}"
                                    f"{nearest(str(name), list(MOTOR))}")

    def __call__(self, city: City) -> City:
        """Return the city with less traffic."""
        part = roads_within(city, self.within)
        roads = city.frame("roads")
        if self.classes:
            part = part * roads["class"].isin(self.classes).to_numpy()
        _some(part, self)
        left = roads["traffic_factor"].to_numpy(dtype=float) * (1 - self.share * part)
        return city.with_layers(f"less traffic on {int((part > 0).sum())} roads: {self!r}",
                                roads=roads.assign(traffic_factor=left))


@dataclass(frozen=True)
class ElectrifyFleet:
    """Let a share of all vehicle kilometres be driven electrically.

    Parameters
    ----------
    share
        Share of the vehicle kilometres [1]; roads where it is higher keep theirs.
    within
        Where: see `scenarios.where.region`.

    Notes
    -----
    Roads that tell no share have that of the fleet of the place, as the tables here have it.
    """

    share: float = 0.5
    within: Any = ""

    def __post_init__(self) -> None:
        share_of(self, "share")

    def __call__(self, city: City) -> City:
        """Return the city with the fleet."""
        part = roads_within(city, self.within)
        _some(part, self)
        return city.with_layers(f"electric traffic on {int((part > 0).sum())} roads: {self!r}",
                                roads=_electric(city, part, self.share))


@dataclass(frozen=True)
class LowEmissionZone:
    """Let only clean vehicles into a zone: some stay away, more of the rest are electric.

    Parameters
    ----------
    within
        The zone: see `scenarios.where.region`.
    electric
        Share of the vehicle kilometres in the zone that are electric [1].
    stay_away
        Share of the vehicle kilometres that go [1].
    """

    within: Any
    electric: float = 0.5
    stay_away: float = 0.1

    def __post_init__(self) -> None:
        for name in ("electric", "stay_away"):
            share_of(self, name)

    def __call__(self, city: City) -> City:
        """Return the city with the zone."""
        part = roads_within(city, self.within)
        _some(part, self)
        roads = _electric(city, part, self.electric)
        left = roads["traffic_factor"].to_numpy(dtype=float) * (1 - self.stay_away * part)
        return city.with_layers(f"low emission zone on {int((part > 0).sum())} roads: {self!r}",
                                roads=roads.assign(traffic_factor=left))


def roads_within(city: City, within: Any) -> NDArray[np.float64]:
    """Return the share of each road that lies within, motor roads only, shape (n,) [1]."""
    roads = city.frame("roads")
    if roads.empty:
        raise MissingInput("the city has no roads")
    where = region(city, within)
    motor = roads["class"].isin(MOTOR).to_numpy()
    if within in ("", None):
        return np.asarray(motor, dtype=float)
    inside = shapely.length(shapely.intersection(roads.geometry.values, where))
    whole = roads.length.to_numpy()
    return np.asarray(np.divide(inside, whole, out=np.zeros_like(whole), where=whole > 0) * motor)


def _electric(city: City, part: NDArray[np.float64], share: float) -> Any:
    """Return the roads with a share of electric driving on what part of them lies within."""
    roads = city.frame("roads")
    there = roads["electric_share"].to_numpy(dtype=float)
    fleet = electric_share(Fleet.of(Picker(load(), city.place)))
    known = np.where(np.isnan(there), fleet, there)
    mixed = part * share + (1 - part) * known
    return roads.assign(electric_share=np.where((part > 0) & (known < share), mixed, there))


def _some(part: NDArray[np.float64], edit: Any) -> None:
    if not (part > 0).any():
        raise ScenarioError(f"{edit!r} is of no road", mend="Widen it")
