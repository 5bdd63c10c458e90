"""Rasters as GIS programs write them, near 117 E, and the results read back."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
import xarray as xr
from rasterio.errors import NotGeoreferencedWarning
from rasterio.transform import from_origin

WEST, NORTH, CELL = 500_000.0, 3_400_000.0, 2.0  # of the rasters, [m] in EPSG:32650


def put(path: Path, rows: np.ndarray, **changed: Any) -> Path:
    """Write a raster whose first row is the north, as GIS programs do."""
    bands = rows[None] if rows.ndim == 2 else rows
    kept = {"crs": "EPSG:32650", "dtype": "float32", "nodata": None, "driver": "GTiff",
            "transform": from_origin(WEST, NORTH, CELL, CELL)} | changed
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)  # one test wants no place
        with rasterio.open(path, "w", width=bands.shape[2], height=bands.shape[1],
                           count=len(bands), **kept) as out:
            out.write(bands.astype(kept["dtype"]))
    return path


def written(path: Path) -> xr.Dataset:
    """Read a result whole, so that its file can be written over."""
    with xr.open_dataset(path, engine="h5netcdf", decode_coords="all") as data:
        return data.load()
