"""The table of roof planes that all ways to a roof fill."""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

LEVEL = 10.0       # a plane flatter than this takes modules on racks, like a flat roof [degrees]
STEEPEST = 75.0    # what is steeper is a wall [degrees]


def plane_table(building: ArrayLike, shapes: Any, slope: ArrayLike, aspect: ArrayLike,
                source: Any, plan: ArrayLike | None = None,
                largest: ArrayLike | None = None) -> pd.DataFrame:
    """Return planes as a table; areas are those of the outlines unless given."""
    rows = np.asarray(building, dtype=np.intp)
    outline = np.asarray(shapes, dtype=object)
    seen = shapely.area(outline) if plan is None else np.asarray(plan, dtype=float)
    if largest is None:
        parts, of = shapely.get_parts(outline, return_index=True)
        largest = np.zeros(len(rows))
        np.maximum.at(largest, of, shapely.area(parts))
    tilt = np.broadcast_to(np.asarray(slope, dtype=float), rows.shape)
    return pd.DataFrame({
        "building": rows, "area": seen / np.cos(np.deg2rad(tilt)), "plan": seen, "slope": tilt,
        "aspect": np.broadcast_to(np.asarray(aspect, dtype=float), rows.shape),
        "largest": largest, "source": source, "geometry": outline})


def told(buildings: gpd.GeoDataFrame, name: str, rows: NDArray[np.intp]) -> Floats:
    """Return a column of some buildings as numbers, NaN where it is empty or not there."""
    if name not in buildings.columns:
        return np.full(len(rows), np.nan)
    return np.asarray(buildings[name].to_numpy()[rows], dtype=float)


def uncovered(rows: NDArray[np.intp], ground: Any, building: NDArray[np.intp],
              shapes: Any) -> Any:
    """Return what planes leave free of the ground of some buildings.

    Parameters
    ----------
    rows
        Rows of these buildings, (n,).
    ground
        Their ground, (n,).
    building, shapes
        Row of the building and outline of each plane.
    """
    mine = np.isin(building, rows)
    over = gpd.GeoDataFrame({"row": building[mine]}, geometry=shapes[mine]).dissolve("row")
    return shapely.difference(ground, over.geometry.reindex(rows).values)
