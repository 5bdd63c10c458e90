"""Carbon sinks: yearly uptake of green surfaces and single trees, as entries."""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np
import shapely

from layers.green import crown_area
from twin.carbon.entries import Entries, entries
from twin.carbon.parts import Cause, Part

# The rates of these covers already hold their trees, so a crown inside them is not added.
WITH_TREES = ("forest", "park", "wetland", "scrub")


def uptake_of_green(green: gpd.GeoDataFrame, factors: Any) -> Entries:
    """Return the yearly uptake of green surfaces: area times rate of the cover, below zero.

    Parameters
    ----------
    green
        The green layer.
    factors
        Gives ``sink.<cover>``.

    References
    ----------
    Chen (2015), Cities 44:73, doi:10.1016/j.cities.2015.01.005; each factor names its own source.
    """
    cover = green["class"].to_numpy(dtype="object")
    area = green.area.to_numpy()
    blocks = []
    for kind in np.unique(cover):
        rows = np.flatnonzero(cover == kind)
        blocks.append(_block("green", str(kind), factors.pick(f"sink.{kind}", "kg m-2 a-1"), rows,
                             area[rows]))
    return entries("green", len(green), blocks)


def uptake_of_trees(trees: gpd.GeoDataFrame, green: gpd.GeoDataFrame, factors: Any) -> Entries:
    """Return the yearly uptake of trees outside woods and parks: crown area times rate.

    Parameters
    ----------
    trees
        Single trees and those of rows.
    green
        The green layer.
    factors
        Gives ``sink.tree_crown``.

    References
    ----------
    Nowak et al. (2013), Environ. Pollut. 178:229, doi:10.1016/j.envpol.2013.03.019.
    """
    if not len(trees):
        return entries("trees", 0, [])
    rows = np.flatnonzero(~_inside(trees, green))
    return entries("trees", len(trees), [
        _block("trees", "tree", factors.pick("sink.tree_crown", "kg m-2 a-1"), rows,
               np.asarray(crown_area(trees))[rows])])


def uptake_of_roofs(buildings: gpd.GeoDataFrame, factors: Any) -> Entries:
    """Return the yearly uptake of planted roofs, which store once and then stay near zero.

    Parameters
    ----------
    buildings
        The buildings layer.
    factors
        Gives ``sink.green_roof``.

    References
    ----------
    Getter et al. (2009), Environ. Sci. Technol. 43:7564.
    """
    planted = buildings["green_roof"].to_numpy(dtype=float) * buildings.area.to_numpy()
    rows = np.flatnonzero(planted > 0)
    return entries("buildings", len(buildings), [] if not len(rows) else [
        _block("buildings", "green roof", factors.pick("sink.green_roof", "kg m-2 a-1"), rows,
               planted[rows])])


def _block(layer: str, cover: str, rate: Any, rows: Any, area: Any) -> tuple[Part, Any, Any, Any]:
    """Return the uptake of some area, with the range of the rate per square metre."""
    cause = Cause(rate.factor_id, rate.value - rate.low, rate.value - rate.high)
    part = Part(layer, "sinks", cover, "uptake", 1, "removal", "m2", rate.factor_id, (cause,),
                by_activity=True, year=rate.year, quality="L" if rate.tag == "R" else "M")
    return part, rows, area, -area * rate.value


def _inside(trees: gpd.GeoDataFrame, green: gpd.GeoDataFrame) -> np.ndarray:
    """Whether each tree stands in a cover whose rate already holds its trees."""
    inside = np.zeros(len(trees), dtype=bool)
    wooded = green[green["class"].isin(WITH_TREES)]
    if len(wooded) and len(trees):
        at, _ = shapely.STRtree(wooded.geometry.values).query(trees.geometry.values,
                                                              predicate="intersects")
        inside[at] = True
    return inside
