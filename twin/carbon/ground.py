"""Ground that green surfaces cover, each square metre once."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray

from layers.green import CLASSES

Floats = NDArray[np.float64]

ROUNDING = 1.0  # an overlap of less is the rounding of coordinates [m2]


def area_once(green: gpd.GeoDataFrame) -> Floats:
    """Return the area of surfaces less what others take from them, shape (n,) [m2].

    Parameters
    ----------
    green
        The green layer.

    Notes
    -----
    Where surfaces overlap, the more particular cover stays, as in `layers.green.tidy`; of one cover
    the smaller surface. Overlaps of less than a square metre stay.
    """
    ground = np.asarray(green.geometry.values, dtype=object)
    area = np.asarray(shapely.area(ground))
    cover = green["class"].map({c: n for n, c in enumerate(CLASSES)}).fillna(len(CLASSES))
    rank = np.empty(len(green), dtype=np.int64)
    rank[np.lexsort((area, cover.to_numpy(dtype=float)))] = np.arange(len(green))
    low, high = shapely.STRtree(ground).query(ground, predicate="intersects")
    below = rank[low] > rank[high]
    low, high = low[below], high[below]
    real = shapely.area(shapely.intersection(ground[low], ground[high])) > ROUNDING
    if real.any():
        taken = gpd.GeoDataFrame({"row": low[real]}, geometry=ground[high[real]]).dissolve("row")
        at = taken.index.to_numpy()
        area[at] = shapely.area(shapely.difference(ground[at], taken.geometry.values))
    return area
