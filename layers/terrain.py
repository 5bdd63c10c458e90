"""Terrain and canopy: rasters of elevation and of vegetation height, rows from the south."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import xarray as xr
from pyproj import CRS

from layers.errors import SourceError
from layers.vectors import existing_file, label

MOST_CELLS = 100_000_000


def read_raster(path: str | Path, *, crs: CRS | None = None, what: str = "elevation",
                limits: tuple[float, float] = (-500.0, 9000.0)) -> xr.DataArray:
    """Return one band as a DataArray (y, x), y ascending, in metres.

    Parameters
    ----------
    path
        GeoTIFF or what else GDAL reads.
    crs
        CRS to bring it to; its own when None.
    what
        Word for messages and attributes.
    limits
        Lowest and highest value believed [m].

    Raises
    ------
    SourceError
        When the file cannot be read, has no CRS, or holds values that are no such heights.
    """
    import rasterio
    import rioxarray

    file = existing_file(path, f"{what} raster")
    try:
        with rasterio.Env():  # its warnings go to the log, not to the terminal
            opened = rioxarray.open_rasterio(file, masked=True)
    except Exception as error:
        raise SourceError(f"{file} is no readable raster: {' '.join(str(error).split())[:160]}"
                          ) from error
    raster: Any = opened
    if not isinstance(raster, xr.DataArray) or raster.rio.crs is None:
        raise SourceError(f"{file}: the raster does not say its CRS",
                          mend="Set it with gdal_edit -a_srs EPSG:...")
    if raster.sizes["band"] != 1:
        raster = raster.isel(band=[0])
    if raster.size > MOST_CELLS:
        raise SourceError(f"{file} has {raster.size:,} cells, more than {MOST_CELLS:,}",
                          mend="Clip it to the study area first")
    if min(raster.sizes["x"], raster.sizes["y"]) < 2:
        raise SourceError(f"{file} has {raster.sizes['x']} x {raster.sizes['y']} cells, expected "
                          "at least 2 x 2")
    try:
        with rasterio.Env():
            raster = raster.load()
    except Exception as error:
        raise SourceError(f"{file} is damaged or cut short", mend="Copy it again") from error
    if crs is not None and CRS.from_user_input(raster.rio.crs) != crs:
        from rasterio.enums import Resampling

        try:
            raster = raster.rio.reproject(crs, resampling=Resampling.bilinear)
        except Exception as error:
            raise SourceError(f"{file}: the raster cannot be brought from "
                              f"{label(raster.rio.crs)} to {label(crs)}; its CRS is likely wrong",
                              mend="Set it with gdal_edit -a_srs EPSG:...") from error
    band = raster.isel(band=0, drop=True).sortby("y").sortby("x").astype("float64")
    values = band.to_numpy()
    known = values[np.isfinite(values)]
    if not known.size:
        raise SourceError(f"{file}: every cell is nodata")
    if known.min() < limits[0] or known.max() > limits[1]:
        raise SourceError(f"{file}: values from {known.min():g} to {known.max():g}, expected "
                          f"{what} in metres between {limits[0]:g} and {limits[1]:g}")
    return xr.DataArray(values, dims=("y", "x"),
                        coords={"y": band["y"].to_numpy(), "x": band["x"].to_numpy()},
                        attrs={"units": "m", "long_name": what.capitalize(),
                               "crs": label(raster.rio.crs)})


def terrain_from_points(points: gpd.GeoDataFrame, bounds: tuple[float, float, float, float],
                        cell: float = 10.0) -> xr.DataArray:
    """Return elevation on a regular grid from ground points with ``z`` [m].

    A triangulated network between the points, the nearest point outside their hull.

    Parameters
    ----------
    points
        Points with a ``z`` column.
    bounds
        West, south, east, north [m].
    cell
        Grid spacing [m].
    """
    from scipy.interpolate import LinearNDInterpolator, NearestNDInterpolator

    west, south, east, north = bounds
    x = np.arange(west + cell / 2, east, cell)
    y = np.arange(south + cell / 2, north, cell)
    at = np.column_stack([points.geometry.x, points.geometry.y])
    z = points["z"].to_numpy(dtype=float)
    gx, gy = np.meshgrid(x, y)
    surface = LinearNDInterpolator(at, z)(gx, gy)
    hole = np.isnan(surface)
    if hole.any():
        surface[hole] = NearestNDInterpolator(at, z)(gx[hole], gy[hole])
    # Single precision, as files keep it: a city that was written and read again is the same.
    return xr.DataArray(surface.astype("float32").astype("float64"), dims=("y", "x"),
                        coords={"y": y, "x": x}, attrs={
                            "units": "m", "long_name": "Elevation", "crs": label(points.crs)})
