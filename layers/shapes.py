"""Small geometry helpers that several layers share."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

SLIVER = 0.01  # overlap below this is the rounding of coordinates, not a real one [m2]


def dissolve_overlaps(part: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return polygons with those that overlap each other merged, the others as they are.

    A merged polygon keeps the attributes of the first one it was made of.
    """
    shapes = part.geometry.values
    left, right = shapely.STRtree(shapes).query(shapes, predicate="intersects")
    pairs = left < right
    left, right = left[pairs], right[pairs]
    shared = shapely.area(shapely.intersection(shapes[left], shapes[right]))
    touched = np.unique(np.concatenate([left[shared > SLIVER], right[shared > SLIVER]]))
    if len(touched) == 0:
        return part
    meeting = part.iloc[touched]
    merged = gpd.GeoSeries([shapely.union_all(meeting.geometry.values)],
                           crs=part.crs).explode(ignore_index=True)
    inside = shapely.point_on_surface(meeting.geometry.values)
    owner = shapely.STRtree(merged.values).nearest(inside)
    first = pd.Series(np.arange(len(meeting))).groupby(owner).first()
    kept = meeting.iloc[first.to_numpy()]
    fused = kept.set_geometry(merged.iloc[first.index].set_axis(kept.index))
    rest = part.drop(index=meeting.index)
    return gpd.GeoDataFrame(pd.concat([rest, fused]), crs=part.crs)


def mend(gdf: gpd.GeoDataFrame, dimension: int) -> tuple[gpd.GeoDataFrame, dict[str, int]]:
    """Return features with valid geometries of one dimension, and what was done to get there.

    Parameters
    ----------
    gdf
        Features as read.
    dimension
        2 for polygons, 1 for lines, 0 for points; parts of another dimension are dropped.

    Returns
    -------
    geopandas.GeoDataFrame
        Flat (two-dimensional), valid, not empty.
    dict
        Counts of ``mended`` and ``dropped`` features.
    """
    shapes = shapely.force_2d(gdf.geometry.values)
    gone = shapely.is_missing(shapes) | shapely.is_empty(shapes)
    corner, row = shapely.get_coordinates(shapes, return_index=True)
    gone[row[~np.isfinite(corner).all(axis=1)]] = True
    shapes = np.array(shapes, dtype=object)
    shapes[gone] = None
    broken = ~gone & ~shapely.is_valid(shapes)
    if broken.any():
        shapes[broken] = shapely.make_valid(shapes[broken])
    mixed = shapely.get_type_id(shapes) == shapely.GeometryType.GEOMETRYCOLLECTION
    for at in np.flatnonzero(mixed & ~gone):  # rare: what make_valid leaves of a bow tie
        same = [g for g in shapes[at].geoms if shapely.get_dimensions(g) == dimension]
        shapes[at] = shapely.union_all(same) if same else None
    gone |= shapely.is_missing(shapes) | (shapely.get_dimensions(shapes) != dimension)
    out = gdf.set_geometry(gpd.GeoSeries(shapes, index=gdf.index, crs=gdf.crs))[~gone]
    counts = {"mended": int((broken & ~gone).sum()), "dropped": int(gone.sum())}
    return out, counts
