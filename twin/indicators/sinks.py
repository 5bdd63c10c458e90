"""Carbon sinks: yearly uptake of green surfaces, single trees and planted roofs."""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np
import shapely
from scipy.sparse import csr_array

from layers.green import CLASSES, crown_area
from twin.estimate import Estimate
from twin.label import Var, indicator

# The rates of these covers already hold their trees, so a crown inside them is not added.
WITH_TREES = ("forest", "park", "wetland", "scrub")


@indicator(
    Var("carbon_sink", "kg m-2 a-1", "CO2 taken up by green", total="sum", total_units="t a-1",
        estimate=True, better=1),
)
def carbon_sink(green: gpd.GeoDataFrame, green_overlap: csr_array, all_trees: gpd.GeoDataFrame,
                all_trees_overlap: csr_array, buildings: gpd.GeoDataFrame,
                buildings_overlap: csr_array, cell_area: np.ndarray, grid: Any,
                factors: Any) -> Estimate:
    """Area times yearly rate by cover, crowns of single trees outside woods and parks added.

    This is the annual uptake net of decomposition, not the stock. A planted roof stores once and
    then stays near zero.

    References
    ----------
    Nowak et al. (2013), Environ. Pollut. 178:229, doi:10.1016/j.envpol.2013.03.019.
    Chen (2015), Cities 44:73, doi:10.1016/j.cities.2015.01.005.
    Getter et al. (2009), Environ. Sci. Technol. 43:7564.
    """
    crown = crown_area(all_trees) * ~_inside(all_trees, green)
    roofs = buildings["green_roof"].to_numpy(dtype=float)
    rates = {c: factors.pick(f"sink.{c}", "kg m-2 a-1") for c in CLASSES
             if (green["class"] == c).any()}
    cover = green["class"].to_numpy(dtype="object")
    tree = factors.pick("sink.tree_crown", "kg m-2 a-1") if len(all_trees) else None
    roof = factors.pick("sink.green_roof", "kg m-2 a-1") if roofs.any() else None
    ends = {}
    for end in ("value", "low", "high"):
        per_m2 = np.array([getattr(rates[c], end) for c in cover], dtype=float)
        taken = green_overlap @ per_m2 if len(green) else np.zeros(grid.size)
        if tree is not None:
            taken = taken + all_trees_overlap @ (crown * getattr(tree, end))
        if roof is not None:
            taken = taken + buildings_overlap @ (roofs * getattr(roof, end))
        with np.errstate(invalid="ignore", divide="ignore"):
            ends[end] = grid.field(taken / cell_area)
    return Estimate(ends["value"], ends["low"], ends["high"])


def _inside(trees: gpd.GeoDataFrame, green: gpd.GeoDataFrame) -> np.ndarray:
    """Whether each tree stands in a cover whose rate already holds its trees."""
    inside = np.zeros(len(trees), dtype=bool)
    wooded = green[green["class"].isin(WITH_TREES)]
    if len(wooded) and len(trees):
        at, _ = shapely.STRtree(wooded.geometry.values).query(trees.geometry.values,
                                                              predicate="intersects")
        inside[at] = True
    return inside
