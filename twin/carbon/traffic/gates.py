"""The gates of an area: how much traffic comes in, goes out, and only passes through."""

from __future__ import annotations

from typing import Literal

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from layers.errors import CityTwinError
from twin.carbon.traffic.gravity import balance
from twin.carbon.traffic.network import Network
from twin.carbon.traffic.roads_network import Picks

Floats = NDArray[np.float64]
Volumes = Literal["class", "lanes"]


def gate_traffic(network: Network, roads: gpd.GeoDataFrame, factors: Picks, *,
                 volumes: Volumes = "class") -> pd.DataFrame:
    """Return the daily traffic through each gate.

    Parameters
    ----------
    network
        Road network with gates.
    roads
        The roads layer it was made from.
    factors
        Factor tables bound to a place.
    volumes
        Where a road is not counted: ``"class"`` for the defaults by class of small European towns,
        ``"lanes"`` for those by lane of a metropolis.

    Returns
    -------
    pandas.DataFrame
        One row per gate: ``entering`` and ``leaving`` [vehicle d-1], ``through`` (share of it that
        only passes), ``counted`` and ``x``, ``y`` [m]. As many leave as enter: where one-way roads
        make the two differ, both are scaled to their mean.
    """
    if volumes not in ("class", "lanes"):
        raise CityTwinError(f"volumes is {volumes!r}, expected 'class' or 'lanes'")
    gates = network.gates
    place = np.full(network.nodes, -1)
    place[gates] = np.arange(len(gates))
    out = pd.DataFrame({"entering": 0.0, "leaving": 0.0, "through": 0.0, "counted": False,
                        "x": network.xy[gates, 0], "y": network.xy[gates, 1]},
                       index=pd.RangeIndex(len(gates), name="gate"))
    for name, ends in (("entering", network.tail), ("leaving", network.head)):
        link = np.flatnonzero((place[ends] >= 0) & network.is_road)
        road, gate = network.road[link], place[ends[link]]
        each, share, counted = _each_way(roads, road, factors, volumes)
        out.loc[gate, name] = each
        out.loc[gate, "through"] = share
        out.loc[gate, "counted"] = counted
    enter, leave = float(out["entering"].sum()), float(out["leaving"].sum())
    if min(enter, leave) > 0:
        mean = (enter + leave) / 2
        out["entering"] *= mean / enter
        out["leaving"] *= mean / leave
    else:  # what only enters or only leaves a closed area is nothing
        out[["entering", "leaving"]] = 0.0
    return out


def _each_way(roads: gpd.GeoDataFrame, road: NDArray[np.int32], factors: Picks,
              volumes: str) -> tuple[Floats, Floats, NDArray[np.bool_]]:
    """Return volume in one direction, share that passes through, and whether it is counted."""
    kind = roads["class"].to_numpy(dtype="object")[road]
    one_way = roads["oneway"].to_numpy(dtype=bool)[road]
    lanes = np.maximum(roads["lanes"].to_numpy(dtype=float)[road], 1.0)
    count = roads["volume"].to_numpy(dtype=float)[road]
    usual, share = np.zeros(len(road)), np.zeros(len(road))
    for name in np.unique(kind):
        at = kind == name
        if volumes == "class":  # both directions together
            usual[at] = factors.pick(f"volume.{name}", "vehicle d-1").value / 2
        else:
            lane = factors.pick(f"lane_volume.{name}", "vehicle d-1").value
            usual[at] = lane * lanes[at] * np.where(one_way[at], 1.0, 0.5)
        share[at] = factors.pick(f"through_share.{name}", "1").value
    counted = np.isfinite(count)
    return np.where(counted, count * np.where(one_way, 1.0, 0.5), usual), share, counted


def through_trips(enter: Floats, leave: Floats, xy: Floats,
                  possible: NDArray[np.bool_]) -> Floats:
    """Return the trips a day from gate to gate.

    Parameters
    ----------
    enter, leave
        Vehicles through each gate that only pass through the area, shape (g,) [vehicle d-1].
    xy
        Places of the gates, shape (g, 2) [m].
    possible
        Whether a way leads from one gate to another, shape (g, g).

    Returns
    -------
    numpy.ndarray
        Shape (g, g) [vehicle d-1]. No gate has more than it is given; where the ways allow it, it
        has as much.

    Notes
    -----
    The seed of the balancing is ``(1 - cos angle) / 2``, at least 0.01, with the angle between two
    gates as seen from the middle of all: nobody turns round, and who comes in on one side goes out
    on the other.
    """
    side = xy - xy.mean(axis=0) if len(xy) else xy
    far = np.hypot(*side.T)
    side = np.divide(side, far[:, None], out=np.zeros_like(side), where=far[:, None] > 0)
    seed = np.where(possible, np.maximum((1.0 - side @ side.T) / 2.0, 0.01), 0.0)
    np.fill_diagonal(seed, 0.0)
    enter = np.where(seed @ (leave > 0) > 0, enter, 0.0)
    leave = np.where((enter > 0) @ seed > 0, leave, 0.0)
    enter = np.where(seed @ (leave > 0) > 0, enter, 0.0)
    total = min(float(enter.sum()), float(leave.sum()))
    if total <= 0:
        return np.zeros(seed.shape)
    return balance(seed, enter * (total / enter.sum()), leave * (total / leave.sum()),
                   tolerance=1e-6, iterations=500, exact=False)
