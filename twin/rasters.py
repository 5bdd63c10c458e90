"""Rasters of a city on a fine grid: heights, building numbers, tree crowns and the ground.

Rows run from south to north and columns from west to east; coordinates are cell centres.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import geopandas as gpd
import numpy as np
import shapely
import xarray as xr
from numpy.typing import ArrayLike, NDArray
from shapely.geometry.base import BaseGeometry

from layers.city import City
from layers.errors import GridError

Bounds = tuple[float, float, float, float]

# Top of a closed wood where no single tree is known [m]; assumed, the range is 8 to 20 m.
FOREST_HEIGHT = 12.0
_MOST_CELLS = 400_000_000


def surface(city: City, cell: float, *, bounds: Bounds | None = None) -> xr.Dataset:
    """Return what stands on the ground of ``city`` on a fine grid.

    Parameters
    ----------
    city
        Layers ``buildings``, ``trees``, ``tree_rows``, ``green``, ``canopy`` and ``terrain`` are
        used. Woods take their height from ``canopy``, or `FOREST_HEIGHT` without it.
    cell
        Cell size [m].
    bounds
        West, south, east, north [m]; the bounds of the study area by default. They are widened
        to whole cells.

    Returns
    -------
    xarray.Dataset
        ``height`` [m] of the highest building above its ground, 0 where there is none;
        ``building``, its row number in the layer, -1 where there is none; ``canopy``, tree tops
        above the ground [m]; ``ground``, terrain above the datum [m], 0 without terrain. A cell
        belongs to what covers its centre; where footprints overlap the highest is kept.
    """
    from layers.green import all_trees, crowns

    x, y = axes(city.area.bounds if bounds is None else bounds, cell)
    buildings = city.frame("buildings")
    tops = buildings["height"].to_numpy(dtype=float)
    order = np.argsort(tops, kind="stable")
    row = burn(buildings.geometry.values[order], order, x, y, fill=-1)
    height = np.append(tops, 0.0)[row].astype(np.float32)

    canopy = _wood(city, x, y)
    trees = all_trees(city.frame("trees"), city.frame("tree_rows"))
    if len(trees):
        trees = trees.iloc[np.argsort(trees["height"].to_numpy(), kind="stable")]
        disc = crowns(trees).values
        canopy = np.maximum(canopy, burn(disc, trees["height"].to_numpy(), x, y, fill=0.0))
    ground = sample(terrain(city), *np.meshgrid(x, y)).astype(np.float32)
    dims = ("y", "x")
    return xr.Dataset(
        {
            "height": (dims, height, {"units": "m", "long_name": "building height above ground"}),
            "building": (dims, row.astype(np.int32),
                         {"units": "1", "long_name": "row of the building, -1 for none"}),
            "canopy": (dims, canopy.astype(np.float32),
                       {"units": "m", "long_name": "tree top above ground"}),
            "ground": (dims, ground, {"units": "m", "long_name": "ground above the datum"}),
        },
        coords={"x": ("x", x, {"units": "m"}), "y": ("y", y, {"units": "m"})},
    )


def _wood(city: City, x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[Any]:
    """Tree tops that are no single trees: the canopy layer, or woods of a typical height."""
    layer = city.layers.get("canopy")
    if isinstance(layer, xr.DataArray) and layer.size:
        tops = layer.transpose("y", "x").sortby(["y", "x"])
        return np.maximum(sample(tops.fillna(0.0), *np.meshgrid(x, y)), 0.0)
    green = city.frame("green")
    wood = green[green["class"] == "forest"]
    return burn(wood.geometry.values, np.full(len(wood), FOREST_HEIGHT), x, y, fill=0.0)


def axes(bounds: Bounds, cell: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return cell centres along x and y, both rising, that cover ``bounds`` in whole cells.

    Raises
    ------
    GridError
        When the cell size is not positive or the grid would be too large to hold.
    """
    west, south, east, north = bounds
    if not cell > 0 or not math.isfinite(cell):
        raise GridError(f"the cell size is {cell}, expected a positive number of metres")
    nx = max(1, math.ceil((east - west) / cell - 1e-9))
    ny = max(1, math.ceil((north - south) / cell - 1e-9))
    if nx * ny > _MOST_CELLS:
        raise GridError(f"{nx} x {ny} cells of {cell:g} m are too many to hold",
                        mend=f"Take cells of {cell * math.sqrt(nx * ny / _MOST_CELLS):.1f} m")
    x: NDArray[np.float64] = west + cell * (np.arange(nx, dtype=np.float64) + 0.5)
    y: NDArray[np.float64] = south + cell * (np.arange(ny, dtype=np.float64) + 0.5)
    return x, y


def burn(shapes: Iterable[BaseGeometry], values: ArrayLike, x: NDArray[np.float64],
         y: NDArray[np.float64], *, fill: float) -> NDArray[Any]:
    """Return ``values`` of the last shape that covers each cell centre, ``fill`` elsewhere.

    Parameters
    ----------
    shapes
        Polygons in the coordinates of ``x`` and ``y``. Empty and missing ones are passed over.
    values
        One number a shape.
    x, y
        Cell centres, rising and evenly spaced [m].
    fill
        Value of cells that no shape covers.
    """
    from rasterio.features import rasterize
    from rasterio.transform import Affine

    values = np.asarray(values)
    whole = values.dtype.kind in "iu"
    dtype = "int32" if whole else "float32"
    pairs = [(shape, value) for shape, value in zip(shapes, values.tolist(), strict=True)
             if shape is not None and not shape.is_empty]
    if not pairs:
        return np.full((len(y), len(x)), fill, dtype=dtype)
    step_x = (x[-1] - x[0]) / max(len(x) - 1, 1) or 1.0
    step_y = (y[-1] - y[0]) / max(len(y) - 1, 1) or step_x
    step_x = step_x if len(x) > 1 else step_y
    # GDAL counts rows from the north; the result is turned once, here.
    down = Affine(step_x, 0, x[0] - step_x / 2, 0, -step_y, y[-1] + step_y / 2)
    image = rasterize(pairs, out_shape=(len(y), len(x)), transform=down, fill=fill, dtype=dtype)
    return np.asarray(image[::-1])


def terrain(city: City) -> xr.DataArray | None:
    """Return the terrain of a city with rows from south and gaps filled, None where it has none.

    Gaps take the height of the nearest cell that has one.
    """
    layer = city.layers.get("terrain")
    if not isinstance(layer, xr.DataArray) or layer.size == 0:
        return None
    layer = layer.transpose("y", "x").sortby(["y", "x"])
    values = layer.to_numpy().astype(float)
    gap = ~np.isfinite(values)
    if gap.all():
        return None
    if gap.any():
        from scipy.ndimage import distance_transform_edt

        near = distance_transform_edt(gap, return_distances=False, return_indices=True)
        layer = layer.copy(data=values[tuple(near)])
    return layer


def sample(raster: xr.DataArray | None, x: ArrayLike, y: ArrayLike) -> NDArray[np.float64]:
    """Return values of a raster at points, bilinear between cell centres, held beyond the edge.

    Parameters
    ----------
    raster
        Values on evenly spaced (y, x), rising; None counts as 0 everywhere.
    x, y
        Points [m, the raster's CRS], of one shape.
    """
    x, y = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
    if raster is None:
        return np.zeros(x.shape)
    values = raster.to_numpy()
    row, up = _place(y, raster["y"].to_numpy())
    col, right = _place(x, raster["x"].to_numpy())
    next_row = np.minimum(row + 1, values.shape[0] - 1)
    next_col = np.minimum(col + 1, values.shape[1] - 1)
    lower = values[row, col] * (1 - right) + values[row, next_col] * right
    upper = values[next_row, col] * (1 - right) + values[next_row, next_col] * right
    return np.asarray(lower * (1 - up) + upper * up, dtype=float)


def crossing(layer: gpd.GeoDataFrame, bounds: Bounds) -> gpd.GeoDataFrame:
    """Return the features whose bounding boxes meet ``bounds``."""
    west, south, east, north = bounds
    return layer.cx[west:east, south:north] if len(layer) else layer


def clip(layer: gpd.GeoDataFrame, bounds: Bounds) -> tuple[NDArray[np.intp], gpd.GeoDataFrame]:
    """Return the row numbers of the features in ``bounds``, and these, cut off at the edge."""
    frame = shapely.box(*bounds)
    rows = np.flatnonzero(shapely.intersects(layer.geometry.values, frame))
    part = layer.iloc[rows]
    over = ~shapely.covers(frame, part.geometry.values)
    if over.any():
        inside = part.geometry.values.copy()
        inside[over] = shapely.intersection(inside[over], frame)
        part = part.set_geometry(gpd.GeoSeries(inside, index=part.index, crs=layer.crs))
    return rows, part


def _place(at: NDArray[np.float64],
           centres: NDArray[np.float64]) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    if len(centres) == 1:
        return np.zeros(at.shape, dtype=np.intp), np.zeros(at.shape)
    step = (centres[-1] - centres[0]) / (len(centres) - 1)
    position = np.clip((at - centres[0]) / step, 0, len(centres) - 1)
    index = np.minimum(position.astype(np.intp), len(centres) - 2)
    return index, position - index
