"""Light on facades: points of walls on a raster, what falls on them, means per storey."""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
import xarray as xr

from twin.facades import FacadePoints, facade_points
from twin.rasters import sample
from twin.sun.points import Points

WALL = 90.0  # slope of a wall [degrees]
UNITS = {"wall_building": ("1", "row of the building"),
         "wall_storey": ("1", "storey band, 0 the lowest"),
         "wall_x": ("m", "east of the middle of the patch"),
         "wall_y": ("m", "north of the middle of the patch"),
         "wall_height": ("m", "middle of the patch above the ground"),
         "wall_azimuth": ("degrees", "where the wall faces, clockwise from north"),
         "wall_area": ("m2", "bare wall of the patch"),
         "wall_irradiation": ("kWh m-2 a-1", "irradiation of the year"),
         "wall_irradiation_month": ("kWh m-2", "irradiation")}


def walls_on(buildings: gpd.GeoDataFrame, area: Any, stands: xr.Dataset, *,
             spacing: float) -> tuple[FacadePoints, Points]:
    """Return the patches of wall of the buildings in an area, and where they are on a raster.

    Parameters
    ----------
    buildings
        The buildings layer.
    area
        Study area; buildings that do not touch it are left out.
    stands
        From `twin.rasters.surface`; what lies off it is left out.
    spacing
        Longest patch; no walls at all when 0 [m].

    Returns
    -------
    tuple
        The patches, and the same as points from the south-west corner of the raster, their heights
        on its datum.
    """
    x, y = stands["x"].to_numpy(), stands["y"].to_numpy()
    cell = float(x[1] - x[0]) if len(x) > 1 else float(y[1] - y[0]) if len(y) > 1 else 1.0
    shapely.prepare(area)
    there = shapely.intersects(area, buildings.geometry.values)
    # Neighbours off the area hide walls too, so all walls are cut before any is left out.
    every = facade_points(buildings if spacing > 0 else buildings.iloc[:0],
                          spacing=spacing if spacing > 0 else 1.0)
    east, north = every.x - (x[0] - cell / 2), every.y - (y[0] - cell / 2)
    kept = (there[every.building] & (east >= 0) & (north >= 0) & (east <= cell * len(x))
            & (north <= cell * len(y)))
    points = every.take(kept)
    ground = sample(stands["ground"], points.x, points.y)
    return points, Points(east[kept], north[kept], points.z + ground, WALL, points.azimuth)


def as_walls(points: FacadePoints, found: xr.Dataset) -> xr.Dataset:
    """Return the light on patches of wall along ``wall``, with what is known of each.

    Parameters
    ----------
    points
        The patches.
    found
        From `twin.sun.irradiance.irradiate`, with ``point_irradiation`` of each if there are any.
    """
    f32 = np.float32
    year, month = (found["point_irradiation"].to_numpy(),
                   found["point_irradiation_month"].to_numpy()) if len(points) else (
        np.zeros(0, f32), np.zeros((0, found.sizes["month"]), f32))
    columns: dict[str, Any] = {
        "wall_building": points.building.astype(np.int32),
        "wall_storey": points.storey.astype(np.int16),
        "wall_x": points.x, "wall_y": points.y, "wall_height": points.z.astype(f32),
        "wall_azimuth": points.azimuth.astype(f32), "wall_area": points.area.astype(f32),
        "wall_irradiation": year, "wall_irradiation_month": month}
    return xr.Dataset({
        name: (("wall", "month")[:values.ndim], values,
               {"units": UNITS[name][0], "long_name": UNITS[name][1]})
        for name, values in columns.items()})


def storey_means(walls: xr.Dataset) -> pd.DataFrame:
    """Return the light on the walls of each storey of each building.

    Parameters
    ----------
    walls
        The sun field, or `as_walls`.

    Returns
    -------
    pandas.DataFrame
        By ``building`` and ``storey``: ``area`` of bare wall [m2], ``height`` of its middle above
        the ground [m], ``irradiation`` [kWh m-2 a-1].
    """
    area = walls["wall_area"].to_numpy().astype(float)
    table = pd.DataFrame({
        "building": walls["wall_building"].to_numpy(), "storey": walls["wall_storey"].to_numpy(),
        "area": area, "height": area * walls["wall_height"].to_numpy(),
        "irradiation": area * walls["wall_irradiation"].to_numpy()})
    sums = table.groupby(["building", "storey"]).sum()
    return sums.assign(height=sums["height"] / sums["area"],
                       irradiation=sums["irradiation"] / sums["area"])
