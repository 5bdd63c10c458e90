"""Height rasters for the wind: read, checked, rows turned to run from the south."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pyproj import CRS

from layers.errors import GridError, SourceError
from layers.vectors import existing_file, label
from twin.wind.domain import level_faces
from twin.wind_memory import check_memory

HIGHEST = 1000.0  # above any building [m]
SMALL_DEGREES = 0.01  # cells in degrees are smaller than this, in metres they are not
_WARP = "Bring it into metres with gdalwarp -t_srs EPSG:... -tr 2 2"


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
    _within(heights, found.name, "heights", 0.0, HIGHEST)
    if (heights > 0).all():
        raise SourceError(f"{found.name}: no cell is open, the lowest is {heights.min():g} m; "
                          "expected heights above ground, 0 in the open",
                          mend="Subtract the terrain from a surface model")
    low = int(((heights > 0) & (heights < 1)).sum())
    if low:
        notes.append(f"{low:,} cells are lower than 1 m and count as open ground")
    return Raster(heights, found.cell, found.west, found.south, found.crs, found.name,
                  tuple(notes))


def read_canopy(path: str | Path, like: Raster) -> Raster:
    """Read tree tops above ground on the grid of the heights, 0 where there are none.

    Parameters
    ----------
    path
        A raster of one band. Nodata is no tree.
    like
        The heights.
    """
    found = _alike(_read(path, "tree tops"), like)
    tops = np.nan_to_num(found.values, nan=0.0)
    _within(tops, found.name, "tree tops", -1.0, 150.0)  # a canopy model is noisy about zero
    return Raster(np.maximum(tops, np.float32(0)), found.cell, found.west, found.south, found.crs,
                  found.name, found.notes)


def read_ground(path: str | Path, like: Raster) -> Raster:
    """Read the elevation of the ground on the grid of the heights; gaps take the nearest value.

    Parameters
    ----------
    path
        A raster of one band.
    like
        The heights.
    """
    found = _alike(_read(path, "elevation"), like)
    values, notes = found.values, list(found.notes)
    empty = np.isnan(values)
    if empty.all():
        raise SourceError(f"{found.name}: every cell is nodata")
    if empty.any():
        from scipy.ndimage import distance_transform_edt

        near = distance_transform_edt(empty, return_distances=False, return_indices=True)
        values = values[tuple(near)]
        notes.append(f"{found.name}: {int(empty.sum()):,} cells without elevation took that of "
                     "the nearest one")
    _within(values, found.name, "elevation", -500.0, 9000.0)
    return Raster(values, found.cell, found.west, found.south, found.crs, found.name, tuple(notes))


def _read(path: str | Path, what: str) -> Raster:
    import warnings

    import rasterio
    from rasterio.errors import NotGeoreferencedWarning

    file = existing_file(path, f"{what} raster")
    try:
        with warnings.catch_warnings(), rasterio.Env(), rasterio.open(file) as source:
            warnings.simplefilter("ignore", NotGeoreferencedWarning)
            crs, notes = _place(source, file.name)
            t = source.transform
            check_memory(source.height, source.width, len(level_faces(0.0)) - 1,
                         cell=abs(t.a), margin=0, name=file.name)  # at the least, before reading
            band = source.read(1, masked=True)
            scale, offset = source.scales[0], source.offsets[0]
            told = source.nodata is not None or source.mask_flag_enums[0][0].name != "all_valid"
    except (SourceError, GridError):
        raise
    except MemoryError:
        raise
    except Exception as error:
        raise SourceError(f"{file.name} is no readable raster: "
                          f"{' '.join(str(error).split())[:160]}") from error
    values = np.asarray(np.ma.filled(band.astype(np.float32), np.nan)) * np.float32(scale)
    values += np.float32(offset)
    gaps = int(np.isnan(np.asarray(band.data)[~np.ma.getmaskarray(band)]).sum()) \
        if band.dtype.kind == "f" else 0
    if gaps:
        notes.append(f"{file.name}: {gaps:,} cells are not a number "
                     f"{'beside its nodata' if told else 'and no nodata is declared'}; taken as "
                     "nodata")
    if t.e < 0:
        values = values[::-1]
    values = np.ascontiguousarray(values[:, ::-1] if t.a < 0 else values)
    ny, nx = values.shape
    return Raster(values, abs(t.a), min(t.c, t.c + t.a * nx), min(t.f, t.f + t.e * ny), crs,
                  file.name, tuple(notes))


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


def _alike(found: Raster, like: Raster) -> Raster:
    """Return a raster that lies on the grid of the heights, or say how the two differ."""
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


def _within(values: NDArray[np.float32], name: str, what: str, low: float, high: float) -> None:
    wrong = ~((values >= low) & (values <= high))
    if wrong.any():
        row, column = (int(i) for i in np.argwhere(wrong)[0])
        raise SourceError(
            f"{name}: {int(wrong.sum()):,} {what} such as {values[row, column]:g} m (row "
            f"{row + 1} from the south, column {column + 1}), expected {low:g} to {high:g} m",
            mend="Declare it with gdal_edit -a_nodata where it stands for nodata"
            if values[row, column] < low else "Check the units")
