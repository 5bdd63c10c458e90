"""Rasters on square cells in metres: read, checked, rows turned to run from the south."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pyproj import CRS

from layers.errors import GridError, SourceError
from layers.vectors import existing_file, label

SMALL_DEGREES = 0.01  # cells in degrees are smaller than this, in metres they are not
TALLEST_TREE = 150.0  # [m]
_WARP = "Bring it into metres with gdalwarp -t_srs EPSG:... -tr 2 2"
Fits = Callable[[int, int, float, str], None]


@dataclass(frozen=True, eq=False)
class Raster:
    """One band on square cells, row 0 south, column 0 west.

    Parameters
    ----------
    values
        Of each cell, NaN where unknown, (ny, nx).
    cell
        Side of a cell [m].
    west, south
        Outer corner [m].
    crs
        Coordinate reference system, None where the file does not say.
    name
        Name of the file.
    notes
        What had to be assumed.
    """

    values: NDArray[np.float32]
    cell: float
    west: float
    south: float
    crs: CRS | None
    name: str
    notes: tuple[str, ...] = ()

    @property
    def x(self) -> NDArray[np.float64]:
        """Centres of the columns, (nx,) [m]."""
        return self.west + self.cell * (np.arange(self.values.shape[1], dtype=np.float64) + 0.5)

    @property
    def y(self) -> NDArray[np.float64]:
        """Centres of the rows, (ny,) [m]."""
        return self.south + self.cell * (np.arange(self.values.shape[0], dtype=np.float64) + 0.5)


def read_raster(path: str | Path, what: str, fits: Fits, *, tell_gaps: bool = True) -> Raster:
    """Read one band, NaN where there is no value.

    Parameters
    ----------
    path
        A raster of one band that GDAL reads.
    what
        What it holds, for the words of an error.
    fits
        Called with rows, columns, side of a cell [m] and name before the values are read; raises
        where they are too many.
    tell_gaps
        Whether a note tells of cells that are not a number, beside those that are nodata.

    Raises
    ------
    SourceError
        When the file is no such raster.
    GridError
        When its cells are no squares in metres.
    """
    import rasterio
    from rasterio.errors import NotGeoreferencedWarning

    file = existing_file(path, f"{what} raster")
    try:
        with warnings.catch_warnings(), rasterio.Env(), rasterio.open(file) as source:
            warnings.simplefilter("ignore", NotGeoreferencedWarning)
            crs, notes = _place(source, file.name)
            t = source.transform
            fits(source.height, source.width, abs(t.a), file.name)
            band = source.read(1, masked=True)
            scale, offset = source.scales[0], source.offsets[0]
            told = source.nodata is not None or source.mask_flag_enums[0][0].name != "all_valid"
    except (SourceError, GridError, MemoryError):
        raise
    except Exception as error:
        raise SourceError(f"{file.name} is no readable raster: "
                          f"{' '.join(str(error).split())[:160]}") from error
    gaps = int(np.isnan(np.asarray(band.data)[~np.ma.getmaskarray(band)]).sum()) \
        if tell_gaps and band.dtype.kind == "f" else 0
    if gaps:
        notes.append(f"{file.name}: {gaps:,} cells are not a number "
                     f"{'beside its nodata' if told else 'and no nodata is declared'}; taken as "
                     "nodata")
    values = np.asarray(np.ma.filled(band.astype(np.float32), np.nan))
    del band
    if scale != 1 or offset != 0:
        values = values * np.float32(scale) + np.float32(offset)
    if t.e < 0:
        values = values[::-1]
    values = np.ascontiguousarray(values[:, ::-1] if t.a < 0 else values)
    ny, nx = values.shape
    return Raster(values, abs(t.a), min(t.c, t.c + t.a * nx), min(t.f, t.f + t.e * ny), crs,
                  file.name, tuple(notes))


def alike(found: Raster, like: Raster) -> Raster:
    """Return a raster if it lies on the grid of another, or say how the two differ.

    Parameters
    ----------
    found
        The raster; it may lack a CRS.
    like
        The heights it belongs to.

    Raises
    ------
    GridError
        When it lies elsewhere or has other cells.
    """
    def told(r: Raster) -> str:
        ny, nx = r.values.shape
        where = label(r.crs) if r.crs else "no CRS"
        return f"{nx} x {ny} cells of {r.cell:g} m from {r.west:.2f} {r.south:.2f} in {where}"

    near = 1e-3 * like.cell
    same = (found.values.shape == like.values.shape and abs(found.cell - like.cell) < 1e-6
            * like.cell and abs(found.west - like.west) < near
            and abs(found.south - like.south) < near
            and (found.crs is None or like.crs is None or found.crs == like.crs))
    if not same:
        raise GridError(f"{found.name} has {told(found)}, {like.name} has {told(like)}",
                        mend="Bring it onto the grid of the heights with gdalwarp -te -tr -t_srs")
    return found


def as_tops(found: Raster, like: Raster) -> Raster:
    """Return tree tops above ground on the grid of the heights, 0 where there are none.

    Parameters
    ----------
    found
        The raster. Nodata is no tree.
    like
        The heights.

    Raises
    ------
    GridError
        When it lies elsewhere or has other cells.
    SourceError
        When a value is no height of a tree.
    """
    tops = np.nan_to_num(alike(found, like).values, nan=0.0)
    check_within(tops, found.name, "tree tops", -1.0, TALLEST_TREE)  # it is noisy about zero
    return replace(found, values=np.maximum(tops, np.float32(0)))


def check_within(values: NDArray[np.float32], name: str, what: str, low: float,
                 high: float) -> None:
    """Raise where a value lies outside its limits, naming one of them.

    Parameters
    ----------
    values
        Without gaps, (ny, nx) [m].
    name
        Name of the file.
    what
        What the values are, for the words of the error.
    low, high
        Limits [m].

    Raises
    ------
    SourceError
        When one lies outside or is no number.
    """
    wrong = ~((values >= low) & (values <= high))
    if wrong.any():
        row, column = (int(i) for i in np.argwhere(wrong)[0])
        raise SourceError(
            f"{name}: {int(wrong.sum()):,} {what} such as {values[row, column]:g} m (row "
            f"{row + 1} from the south, column {column + 1}), expected {low:g} to {high:g} m",
            mend="Declare it with gdal_edit -a_nodata where it stands for nodata"
            if values[row, column] < low else "Check the units")


def filled(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return values whose gaps take the nearest one, (ny, nx)."""
    from scipy.ndimage import distance_transform_edt

    near = distance_transform_edt(np.isnan(values), return_distances=False, return_indices=True)
    return np.asarray(values[tuple(near)])


def _place(source: Any, name: str) -> tuple[CRS | None, list[str]]:
    """Return the CRS of an open raster and what is assumed of it, or say why it will not do."""
    t = source.transform
    if source.count != 1:
        raise SourceError(f"{name} has {source.count} bands, expected one",
                          mend="Take one with gdal_translate -b 1")
    if min(source.width, source.height) < 2:
        raise SourceError(f"{name} has {source.width} x {source.height} cells, expected at least "
                          "2 x 2")
    if np.dtype(source.dtypes[0]).kind not in "iuf":
        raise SourceError(f"{name} holds {source.dtypes[0]} numbers, expected heights")
    if t.b or t.d:
        raise GridError(f"{name} is rotated, its rows do not run from west to east",
                        mend="Turn it north-up with gdalwarp")
    crs = CRS.from_user_input(source.crs) if source.crs else None
    if crs is None and t.is_identity:
        raise SourceError(f"{name} says neither where it lies nor how large its cells are",
                          mend="Set both with gdal_edit -a_ullr -a_srs EPSG:...")
    bounds = (t.c, t.f, t.c + t.a * source.width, t.f + t.e * source.height)
    like_degrees = max(abs(t.a), abs(t.e)) < SMALL_DEGREES and max(
        abs(bounds[0]), abs(bounds[2])) <= 360 and max(abs(bounds[1]), abs(bounds[3])) <= 90
    if (crs is not None and crs.is_geographic) or (crs is None and like_degrees):
        raise GridError(f"{name} lies in degrees ({label(crs) if crs else 'without a CRS'}, cells "
                        f"of {abs(t.a):g}), expected metres", mend=_WARP)
    notes = []
    if crs is None:
        notes.append(f"{name} has no CRS: its coordinates are taken as metres, north up")
    else:
        unit = crs.axis_info[0].unit_name if crs.axis_info else "metre"
        if unit not in ("metre", "meter"):
            raise GridError(f"{name} lies in {label(crs)}, which counts in {unit}, expected "
                            "metres", mend=_WARP)
        if "Pseudo-Mercator" in crs.name or "Mercator_1SP" in crs.name:
            notes.append(f"{name} lies in {crs.name}, whose metres are longer than those on the "
                         "ground away from the equator")
    if abs(abs(t.a) - abs(t.e)) > 1e-6 * abs(t.a):
        raise GridError(f"{name} has cells of {abs(t.a):g} x {abs(t.e):g} m, expected squares",
                        mend="Make them so with gdalwarp -tr 2 2")
    return crs, notes
