"""What the sun of a year brings to every cell of a surface, and to points on its walls.

One direction after the other is looked to: its horizons are found by a sweep, and the light that
comes over them is read from the table of the year. Nothing is kept of a direction but sums.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from layers.errors import CityTwinError, GridError
from twin.sun.adding import add_light, finish
from twin.sun.crowns import find_trees, sweep_crowns
from twin.sun.fans import PARTS, add_fans
from twin.sun.horizon import Codes, sweep
from twin.sun.lanes import MOST, Sums, no_sums, pack
from twin.sun.planes import Planes, cell_planes
from twin.sun.points import REACH, Points, stand
from twin.sun.rasters import as_raster
from twin.sun.spots import NOWHERE
from twin.sun.table import SunTable
from twin.sun.threads import run

F32 = NDArray[np.float32]
Tell = Callable[[str, int, int], None]

GOLDEN = 0.5 * (math.sqrt(5) - 1)  # its multiples spread evenly over 0 to 1
_BATCH = 2       # directions between two additions: each takes 2 bytes a cell
_SHARE = 32768   # cells a thread takes at a time


@dataclass(frozen=True, eq=False)
class _Work:
    """What the cells see in some directions, and what they got so far."""

    codes: Codes
    leaves: Codes
    sums: Sums


def irradiate(surface: ArrayLike, cell: float, table: SunTable, *, slope: ArrayLike | None = None,
              aspect: ArrayLike | None = None, canopy: ArrayLike | None = None,
              canopy_base: ArrayLike | None = None, transmissivity: ArrayLike | None = None,
              edges: ArrayLike | None = None, points: Points | None = None, albedo: float = 0.2,
              sunlit: ArrayLike | None = None, pad: int = 0,
              parts: int = PARTS, tell: Tell | None = None) -> xr.Dataset:
    """Return the light that reaches each cell of a surface, and points beside it.

    Parameters
    ----------
    surface
        Top of ground and buildings, row 0 south, (ny, nx) [m].
    cell
        Side of a cell [m].
    table
        Suns and sky of at most 12 periods.
    slope, aspect
        Tilt of the plane in each cell, and the direction it faces, clockwise from north; NaN or
        slope 0 where level. All cells are level without them, (ny, nx) [degrees].
    canopy
        Tops of tree crowns on the datum of the surface; no tree where it is NaN or not above the
        surface, (ny, nx) [m].
    canopy_base
        Bottoms of these crowns; they reach the surface without it, (ny, nx) [m].
    transmissivity
        Share of the light that crowns let through, one or one a period; needed with `canopy` [1].
    edges
        Cells at the rim of a building, whose walls stand half a cell before their centre. Found
        from steep rises without it, (ny, nx).
    points
        Places besides the cells, on walls for instance.
    albedo
        Share of light that ground and walls send back [1].
    sunlit
        Light on the surroundings over that on open ground, one or one a period; the mean over the
        level cells without it [1].
    pad
        Width of a rim of the surface that is looked at, but not from [cells].
    parts
        For points, into how many parts the gap between two directions is cut where their horizons
        differ, a power of two up to 32; 1 looks at the directions of the table only.
    tell
        Called with what is done, how much of it, and of how much.

    Returns
    -------
    xarray.Dataset
        Over ``y, x``, the surface without its rim: ``irradiation`` [kWh m-2 a-1] of all periods,
        ``irradiation_month`` over ``month``, the periods of the table [kWh m-2], ``sky_view`` [1]
        and ``sun_hours`` [h a-1]; the same with ``point_`` before it over ``point``; ``sunlit``
        over ``month`` [1]. Its attributes count the cells and points nearer to the edge of the
        surface than `REACH` (``short_pad_cells``, ``short_pad_points``), and the points that lie
        inside what they should stand on (``buried_points``).

    Raises
    ------
    GridError
        When the rasters do not fit each other or hold no numbers.
    CityTwinError
        When a number is out of its range.

    Notes
    -----
    A plane with the tilt b gets, over the suns s above the horizon and its own plane::

        E = sum I max(n.s, 0) + iso V + rim sin(b) B + albedo k GHI (1 - V)

    with V the sky view factor of the plane, B the open share of the lowest 5 degrees of sky in
    front of it, k = `sunlit`, and one reflection. Areas are those of the plane, not of the map.
    Below and behind crowns, beam and diffuse light are multiplied by their transmissivity; such
    light is no sunshine. The sky view counts it with its mean over the year.

    A cell sees what lies in the middle of each direction of the table: among towers one cell can be
    off by 2 %, the mean of many is not. A point looks along exact rays, and between two directions
    where they differ. To a ray cells are boxes with corners, to the sweep they are not: among
    houses aslant to cells of 2 m, points see 1 % less of the sky than there is, cells 1 % more.

    Sums of the periods are kept in 16 bits, in steps of about 0.01 kWh m-2 for months, and become
    floating-point numbers when they are read.

    References
    ----------
    Dozier & Frew (1990), IEEE Trans. Geosci. Remote Sens. 28:963, doi:10.1109/36.58986. Perez et
    al. (1990), Sol. Energy 44:271, doi:10.1016/0038-092X(90)90055-H.
    """
    surface = as_raster(surface, "surface")
    ny, nx = surface.shape
    _check(surface, cell, table, albedo, pad, parts)
    shape = (ny - 2 * pad, nx - 2 * pad)
    planes = cell_planes(slope, aspect, (ny, nx), pad)
    trees = find_trees(surface, canopy, canopy_base, transmissivity, len(table.periods))
    rims = None if edges is None else np.ascontiguousarray(edges, np.bool_)
    if rims is not None and rims.shape != (ny, nx):
        raise GridError(f"edges are {rims.shape}, expected {(ny, nx)} like the surface",
                        mend="Make all rasters on one grid")
    if sunlit is not None and np.shape(sunlit) not in ((), (len(table.periods),)):
        raise CityTwinError(f"sunlit is {np.shape(sunlit)}, expected one number or"
                            f" {len(table.periods)}, one a period of the table")
    spots, tilts, counts = stand(points, surface, cell)

    batch = 1 if trees else _BATCH
    directions, count = len(table.azimuths), len(spots.z)
    cells = _work(batch, math.prod(shape), planes, table, trees is not None)
    marks = no_sums(count, table, tilted=True)
    crowns = np.zeros((2, directions, count if trees else 0), np.uint16)
    free = pack(table)
    leaf = free if trees is None else pack(table, trees.through)
    turn = np.deg2rad(table.azimuths).astype(np.float32)
    unseen = np.zeros((batch, 0), np.uint16)
    for start in range(0, directions, batch):
        stop = min(start + batch, directions)
        if tell is not None:
            tell("sun", start, directions)
        ways = [float(a) for a in table.azimuths[start:stop]]
        sweep(surface, cell, ways, cells.codes.reshape(batch, *shape), NOWHERE, unseen, pad, rims)
        if trees is not None:
            sweep_crowns(surface, trees.top, trees.base, cell, ways,
                         cells.leaves.reshape(2, batch, *shape), spots, crowns[:, start:stop], pad)
        dither = np.float32((GOLDEN * (1 + start // batch)) % 1)
        run(add_light, [(a, b, cells.codes, cells.leaves, free[start:stop], leaf[start:stop],
                         turn[start:stop], planes, dither, cells.sums)
                        for a, b in _shares(len(cells.sums.year))])
    if count:
        add_fans(surface, cell, rims, spots, tilts, crowns, free, leaf, marks, parts)
    k = _sunlit(cells.sums, planes, table) if sunlit is None else (
        np.broadcast_to(np.asarray(sunlit, float), len(table.periods)))
    mirrored = (albedo * k * table.ghi).astype(np.float32)
    run(finish, [(a, b, s, table.horizon.astype(np.float32), mirrored)
                 for s in (cells.sums, marks) for a, b in _shares(len(s.year))])
    if tell is not None:
        tell("sun", directions, directions)
    found = _variables(cells.sums, ("y", "x"), shape, "")
    if points is not None:
        found |= _variables(marks, ("point",), (len(spots.z),), "point_")
    found["sunlit"] = (("month",), k, {"units": "1", "long_name": "light on the surroundings over"
                                                                 " that on open ground"})
    counts["short_pad_cells"] = _near_edge(ny, nx, pad, cell)
    # Decoding is put off until the sums are read: they take 2 bytes until then.
    return xr.decode_cf(xr.Dataset(found, coords={"month": list(table.periods)}, attrs=counts),
                        decode_times=False)


def _check(surface: F32, cell: float, table: SunTable, albedo: float, pad: int,
           parts: int) -> None:
    if not np.isfinite(surface).all():
        raise GridError(f"surface has {int((~np.isfinite(surface)).sum())} cells without a height",
                        mend="Fill them first, with the ground around for instance")
    if not (cell > 0 and math.isfinite(cell)):
        raise GridError(f"the cell size is {cell}, expected a positive number of metres")
    if pad < 0 or 2 * pad >= min(surface.shape):
        raise GridError(f"a pad of {pad} cells leaves nothing of {surface.shape} cells",
                        mend="Give a larger surface or a narrower pad")
    if not 0 <= albedo <= 1:
        raise CityTwinError(f"albedo is {albedo}, expected 0 to 1")
    if parts not in (1, 2, 4, 8, 16, 32):
        raise CityTwinError(f"parts is {parts}, expected a power of two up to 32",
                            mend=f"Give {PARTS}")
    if len(table.periods) > MOST:
        raise CityTwinError(f"the table has {len(table.periods)} periods, expected at most {MOST}",
                            mend="Make several tables")


def _work(batch: int, count: int, planes: Planes, table: SunTable, leafy: bool) -> _Work:
    codes = np.empty((batch, count), np.uint16)
    leaves = np.empty((2, batch, count if leafy else 0), np.uint16)
    return _Work(codes, leaves, no_sums(count, table, tilted=len(planes.east) > 0))


def _shares(count: int) -> list[tuple[int, int]]:
    return [(a, min(a + _SHARE, count)) for a in range(0, count, _SHARE)]


def _sunlit(sums: Sums, planes: Planes, table: SunTable) -> NDArray[np.float64]:
    """Return the mean light on level cells, on all where none is, over that on open ground."""
    level = (planes.east == 0) & (planes.north == 0)
    some = level.size and level.any() and not level.all()
    mean = np.mean(sums.period, axis=0, dtype=float, where=level[:, None] if some else True)
    lit = np.where(table.ghi > 0, table.ghi, 1.0)
    return np.where(table.ghi > 0, sums.unit * mean / lit, 0.0)


def _near_edge(ny: int, nx: int, pad: int, cell: float) -> int:
    """Return how many cells are looked from that lie nearer to the edge than `REACH`."""
    short = max(math.ceil(REACH / cell), pad)
    far = max(ny - 2 * short, 0) * max(nx - 2 * short, 0)
    return (ny - 2 * pad) * (nx - 2 * pad) - far


def _variables(sums: Sums, dims: tuple[str, ...], shape: tuple[int, ...], before: str) -> dict[
        str, tuple[tuple[str, ...], NDArray[np.generic], dict[str, object]]]:
    """Return the sums with names, units and shape."""
    what = {"irradiation": (sums.year, "kWh m-2 a-1", "irradiation of the year"),
            "sky_view": (sums.sky, "1", "sky view factor of the plane"),
            "sun_hours": (sums.hours, "h a-1", "time with sun on the plane")}
    found: dict[str, tuple[tuple[str, ...], NDArray[np.generic], dict[str, object]]] = {
        before + name: (dims, values.reshape(shape), {"units": units, "long_name": words})
        for name, (values, units, words) in what.items()}
    found[before + "irradiation_month"] = (
        (*dims, "month"), sums.period.reshape(*shape, -1),
        {"units": "kWh m-2", "long_name": "irradiation", "scale_factor": np.float32(sums.unit)})
    return found
