"""Surface rasters for the sun: ground and buildings in one, read and checked."""

from __future__ import annotations

import math
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pyproj import CRS, Proj, Transformer

from layers.errors import GridError, SourceError
from layers.vectors import existing_file, label
from twin.sun_memory import TREES, check_room
from twin.wind_files import Raster, _alike, _place, _within

MOST_HOLES = 0.01   # share of cells without a height that are filled [1]
TALLEST_TREE = 150.0  # [m]
TURNED = 1.0        # grid north this far from true north is told [degrees]


def read_surface(path: str | Path, *, more: float = 0.0) -> tuple[Raster, NDArray[np.bool_]]:
    """Read the heights of ground and buildings together, on any datum.

    Parameters
    ----------
    path
        A raster of one band that GDAL reads.
    more
        Memory that a cell takes for what comes with it [bytes].

    Returns
    -------
    tuple
        The surface without holes, and which cells had no height, (ny, nx). A hole takes the
        nearest height.

    Raises
    ------
    SourceError
        When the file is no such raster, has too many holes, or its values are no heights.
    GridError
        When its cells are no squares in metres, or do not fit into memory.
    """
    found = _band(path, "surface", more)
    empty = np.isnan(found.values)
    holes, notes = int(empty.sum()), list(found.notes)
    if holes == empty.size:
        raise SourceError(f"{found.name}: every cell is nodata")
    if holes > MOST_HOLES * empty.size:
        raise SourceError(f"{found.name}: {holes:,} of {empty.size:,} cells have no height, "
                          f"expected at most {MOST_HOLES:.0%}",
                          mend="Fill them with gdal_fillnodata, or cut the raster with "
                          "gdal_translate -projwin")
    values = found.values
    if holes:
        from scipy.ndimage import distance_transform_edt

        near = distance_transform_edt(empty, return_distances=False, return_indices=True)
        values = values[tuple(near)]
        notes.append(f"{found.name}: {holes:,} cells without a height took the nearest one to look "
                     "over, and have no result")
    _within(values, found.name, "heights", -500.0, 9000.0)
    return Raster(values, found.cell, found.west, found.south, found.crs, found.name,
                  tuple(notes)), empty


def read_crowns(path: str | Path, like: Raster) -> Raster:
    """Read tree tops above ground on the grid of the surface, 0 where there are none.

    Parameters
    ----------
    path
        A raster of one band. Nodata is no tree.
    like
        The surface.
    """
    found = _alike(_band(path, "tree tops", TREES), like)
    tops = np.nan_to_num(found.values, nan=0.0)
    _within(tops, found.name, "tree tops", -1.0, TALLEST_TREE)
    return Raster(np.maximum(tops, np.float32(0)), found.cell, found.west, found.south, found.crs,
                  found.name, found.notes)


def centre_of(raster: Raster) -> tuple[float, float, float] | None:
    """Return latitude, longitude and how far grid north lies east of true north [degrees].

    None where the raster does not say where it is.
    """
    if raster.crs is None:
        return None
    ny, nx = raster.values.shape
    east, north = raster.west + nx * raster.cell / 2, raster.south + ny * raster.cell / 2
    try:
        globe = Transformer.from_crs(raster.crs, CRS.from_epsg(4326), always_xy=True)
        longitude, latitude = globe.transform(east, north)
        turn = float(Proj(raster.crs).get_factors(longitude, latitude).meridian_convergence)
    except Exception:  # a CRS of an engineer lies nowhere
        return None
    if not (math.isfinite(latitude) and math.isfinite(longitude)):
        return None
    return latitude, longitude, turn if math.isfinite(turn) else 0.0


def _band(path: str | Path, what: str, more: float) -> Raster:
    import rasterio
    from rasterio.errors import NotGeoreferencedWarning

    file = existing_file(path, f"{what} raster")
    try:
        with warnings.catch_warnings(), rasterio.Env(), rasterio.open(file) as source:
            warnings.simplefilter("ignore", NotGeoreferencedWarning)
            crs, notes = _place(source, file.name)
            check_room(source.height, source.width, cell=abs(source.transform.a), name=file.name,
                       more=more)
            values = _values(source)
            t = source.transform
    except (SourceError, GridError, MemoryError):
        raise
    except Exception as error:
        raise SourceError(f"{file.name} is no readable raster: "
                          f"{' '.join(str(error).split())[:160]}") from error
    if t.e < 0:
        values = values[::-1]
    values = np.ascontiguousarray(values[:, ::-1] if t.a < 0 else values)
    ny, nx = values.shape
    return Raster(values, abs(t.a), min(t.c, t.c + t.a * nx), min(t.f, t.f + t.e * ny), crs,
                  file.name, tuple(notes))


def _values(source: Any) -> NDArray[np.float32]:
    band = source.read(1, masked=True)
    values = np.asarray(np.ma.filled(band.astype(np.float32), np.nan))
    if source.scales[0] != 1 or source.offsets[0] != 0:
        values = values * np.float32(source.scales[0]) + np.float32(source.offsets[0])
    return values


def told_crs(raster: Raster) -> str:
    """Return the CRS of a raster in words."""
    return label(raster.crs) if raster.crs is not None else "no CRS"
