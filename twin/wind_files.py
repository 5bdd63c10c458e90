"""Height rasters for the wind: buildings, tree tops and the ground on one grid, checked."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from layers.errors import SourceError
from twin.raster_files import Raster as Raster
from twin.raster_files import alike, as_tops, check_within, filled, read_raster
from twin.wind.domain import level_faces
from twin.wind_memory import check_memory

HIGHEST = 1000.0  # above any building [m]


def read_heights(path: str | Path) -> Raster:
    """Read building heights above ground, 0 in the open.

    Parameters
    ----------
    path
        A raster of one band that GDAL reads. Nodata is open ground.

    Raises
    ------
    SourceError
        When the file is no such raster, or its values are no heights above ground.
    """
    found = _read(path, "heights")
    values, notes = found.values, list(found.notes)
    empty = np.isnan(values)
    if empty.all():
        raise SourceError(f"{found.name}: every cell is nodata")
    heights = np.where(empty, np.float32(0), values)
    check_within(heights, found.name, "heights", 0.0, HIGHEST)
    if (heights > 0).all():
        raise SourceError(f"{found.name}: no cell is open, the lowest is {heights.min():g} m; "
                          "expected heights above ground, 0 in the open",
                          mend="Subtract the terrain from a surface model")
    low = int(((heights > 0) & (heights < 1)).sum())
    if low:
        notes.append(f"{low:,} cells are lower than 1 m and count as open ground")
    return replace(found, values=heights, notes=tuple(notes))


def read_canopy(path: str | Path, like: Raster) -> Raster:
    """Read tree tops above ground on the grid of the heights, 0 where there are none.

    Parameters
    ----------
    path
        A raster of one band. Nodata is no tree.
    like
        The heights.
    """
    return as_tops(_read(path, "tree tops"), like)


def read_ground(path: str | Path, like: Raster) -> Raster:
    """Read the elevation of the ground on the grid of the heights; gaps take the nearest value.

    Parameters
    ----------
    path
        A raster of one band.
    like
        The heights.
    """
    found = alike(_read(path, "elevation"), like)
    values, notes = found.values, list(found.notes)
    empty = np.isnan(values)
    if empty.all():
        raise SourceError(f"{found.name}: every cell is nodata")
    if empty.any():
        values = filled(values)
        notes.append(f"{found.name}: {int(empty.sum()):,} cells without elevation took that of "
                     "the nearest one")
    check_within(values, found.name, "elevation", -500.0, 9000.0)
    return replace(found, values=values, notes=tuple(notes))


def _read(path: str | Path, what: str) -> Raster:
    def fits(rows: int, columns: int, cell: float, name: str) -> None:  # at the least
        check_memory(rows, columns, len(level_faces(0.0)) - 1, cell=cell, margin=0, name=name)

    return read_raster(path, what, fits)
