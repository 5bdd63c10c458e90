"""Roof planes of a 3D model, for the buildings that still are as they were modelled."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from twin.roof_table import STEEPEST, plane_table, uncovered

SAME_HEIGHT = 0.05  # a building this near to its height in the model has not changed [m]
SAME_GROUND = 1e-3  # and one whose ground differs by less has not been cut [1]
WHOLE = 0.9         # of the footprint that planes must cover to be the roof [1]


def modelled_planes(buildings: gpd.GeoDataFrame, roofs: gpd.GeoDataFrame) -> pd.DataFrame:
    """Return the planes of buildings whose roofs a model shows.

    Parameters
    ----------
    buildings
        The buildings layer.
    roofs
        The roofs layer.

    Returns
    -------
    pandas.DataFrame
        As `twin.roofs.roof_planes`. What they leave free of a footprint is one flat row,
        ``flat-assumed`` and with ``largest`` 0, as no module stands there.

    Notes
    -----
    Planes belong to the one building with their ``building`` as ``id``. They count while its height
    is within `SAME_HEIGHT` of ``building_height``, or where that is not known. Eaves beyond the
    footprint count too, unless its area is no longer ``building_area``: then planes are cut at its
    edge. What is steeper than `STEEPEST` is a wall. Buildings of which less than `WHOLE` is covered
    have no modelled roof.
    """
    ids = buildings["id"]
    alone = (~ids.duplicated(keep=False) & ids.ne("")).to_numpy()
    found = pd.Series(np.flatnonzero(alone), index=ids.to_numpy()[alone]).reindex(
        roofs["building"].to_numpy()).to_numpy(dtype=float)
    there = np.isfinite(found)
    row = np.where(there, found, 0).astype(np.intp)
    lift = buildings["height"].to_numpy()[row] - roofs["building_height"].to_numpy(dtype=float) \
        if len(buildings) else np.zeros(len(roofs))
    there &= ~(np.abs(lift) > SAME_HEIGHT) & (roofs["slope"].to_numpy() <= STEEPEST)
    row, planes = row[there], roofs[there]

    footprint = buildings.geometry.values
    ground = buildings.geometry.area.to_numpy()
    shapes = np.asarray(planes.geometry.values, dtype=object)
    inside = shapely.intersection(shapes, footprint[row])
    covered = np.bincount(row, weights=shapely.area(inside), minlength=len(buildings))
    whole = covered >= WHOLE * ground
    was = planes["building_area"].to_numpy(dtype=float)
    cut = np.abs(ground[row] - was) > SAME_GROUND * was
    shapes[cut] = inside[cut]
    kept = whole[row] & (shapely.area(shapes) > 0)
    row, shapes, planes = row[kept], shapes[kept], planes[kept]
    table = plane_table(row, shapes, planes["slope"].to_numpy(), planes["aspect"].to_numpy(),
                        "modelled")

    rest = np.flatnonzero(whole & (ground - covered > SAME_GROUND * ground))
    if not len(rest):
        return table
    bare = uncovered(rest, footprint[rest], row, shapes)
    return pd.concat([table, plane_table(rest, bare, 0.0, 0.0, "flat-assumed",
                                         largest=np.zeros(len(rest)))], ignore_index=True)
