"""Where single trees stand: free, in a cover whose rate holds its trees, or planted into one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray

from layers.green import crown_area

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]

# The rates of these covers already hold their trees, so a crown inside them is not added.
WITH_TREES = ("forest", "park", "wetland", "scrub")
# What a tree planted into such a cover takes the place of; woods and wetlands have no room.
GIVES_WAY = {"park": "grass", "scrub": "scrub"}
NEW_PARK = "new-park"  # id of a park that a plan makes: its trees are those its rate holds


@dataclass(frozen=True, eq=False)
class Stands:
    """Which trees count, and how.

    Parameters
    ----------
    planted
        Whether a plan plants the tree, shape (n,).
    measured
        Rows of trees on free ground that are reckoned by their height and crown.
    by_crown
        Rows of the others on free ground.
    replaced
        For planted trees in a park or scrub, by the cover that gives way: their rows, and the
        share of the crown that counts [1].

    Notes
    -----
    The rate of a park is that of its crowns and its lawn. What is planted there stands on the lawn,
    so it adds the rate of crowns less that of lawn, and no more crowns count than there is lawn.
    The trees of a park that the plan itself makes are those that the rate of a park holds: only
    what they cover beyond that is added. Woods are closed: what is planted there is not added.
    """

    planted: NDArray[np.bool_]
    measured: Rows
    by_crown: Rows
    replaced: dict[str, tuple[Rows, Floats]]


def stands_of(trees: gpd.GeoDataFrame, green: gpd.GeoDataFrame, factors: Any, *,
              measured: bool = True) -> Stands:
    """Return which trees count, and how.

    Parameters
    ----------
    trees, green
        The layers.
    factors
        Gives ``sink_share.park_crown`` and ``sink_share.park_lawn``, if trees are planted there.
    measured
        Whether trees of measured size are reckoned by it.
    """
    told = trees["size_from"].to_numpy(dtype="object")
    planted = np.asarray(told == "planted", dtype=bool)
    inside = _cover_of(trees, green)
    free = inside < 0
    sized = free & (told == "tag") & measured
    replaced: dict[str, tuple[Rows, Floats]] = {}
    cover = green["class"].to_numpy(dtype="object")
    crown = np.asarray(crown_area(trees))
    for kind, gives_way in GIVES_WAY.items():
        rows = np.flatnonzero(planted & ~free & (cover[np.maximum(inside, 0)] == kind)) \
            if len(green) else np.zeros(0, dtype=np.int64)
        if len(rows):
            share = _counted(kind, green, inside[rows], crown[rows], factors)
            replaced[gives_way] = (rows, share)
    return Stands(planted, np.flatnonzero(sized), np.flatnonzero(free & ~sized), replaced)


def _counted(kind: str, green: gpd.GeoDataFrame, at: Rows, crown: Floats,
             factors: Any) -> Floats:
    """Return the share of each planted crown that counts, from the room in its surface."""
    area = green.area.to_numpy()
    held, room = np.zeros(len(green)), area.copy()
    if kind == "park":
        room *= factors.pick("sink_share.park_lawn", "1").value
        made = (green["id"] == NEW_PARK).to_numpy(dtype=bool)
        if made[at].any():
            held = np.where(made, factors.pick("sink_share.park_crown", "1").value * area, 0.0)
    crowns = np.bincount(at, weights=crown, minlength=len(green))
    counts = np.clip(crowns - held, 0.0, room)
    return np.asarray(np.divide(counts, crowns, out=np.zeros(len(green)), where=crowns > 0)[at])


def _cover_of(trees: gpd.GeoDataFrame, green: gpd.GeoDataFrame) -> Rows:
    """Return the row of the surface whose rate holds a tree, -1 where it stands free."""
    inside = np.full(len(trees), -1, dtype=np.int64)
    wooded = np.flatnonzero(green["class"].isin(WITH_TREES).to_numpy())
    if len(wooded) and len(trees):
        at, surface = shapely.STRtree(green.geometry.values[wooded]).query(
            trees.geometry.values, predicate="intersects")
        inside[at[::-1]] = wooded[surface[::-1]]  # of several the first
    return inside
