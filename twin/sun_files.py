"""Surface rasters for the sun: ground and buildings in one, read and checked."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pyproj import CRS, Proj, Transformer

from layers.errors import SourceError
from layers.vectors import label
from twin.raster_files import Raster, as_tops, check_within, filled, read_raster
from twin.sun_memory import TREES, check_room

MOST_HOLES = 0.01   # share of cells without a height that are filled [1]
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
    found = _read(path, "surface", more)
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
        values = filled(values)
        notes.append(f"{found.name}: {holes:,} cells without a height took the nearest one to look "
                     "over, and have no result")
    check_within(values, found.name, "heights", -500.0, 9000.0)
    return replace(found, values=values, notes=tuple(notes)), empty


def read_crowns(path: str | Path, like: Raster) -> Raster:
    """Read tree tops above ground on the grid of the surface, 0 where there are none.

    Parameters
    ----------
    path
        A raster of one band. Nodata is no tree.
    like
        The surface.
    """
    return as_tops(_read(path, "tree tops", TREES), like)


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


def told_crs(raster: Raster) -> str:
    """Return the CRS of a raster in words."""
    return label(raster.crs) if raster.crs is not None else "no CRS"


def _read(path: str | Path, what: str, more: float) -> Raster:
    def fits(rows: int, columns: int, cell: float, name: str) -> None:
        check_room(rows, columns, cell=cell, name=name, more=more)

    return read_raster(path, what, fits, tell_gaps=False)  # they are told as holes
