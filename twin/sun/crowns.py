"""Crowns of trees between a cell and the sun: from which height above the horizon to which.

Light passes below a crown and above it; in between some of it comes through. All crowns in one
direction are taken for one, from the lowest rim to the highest.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import ArrayLike, NDArray

from layers.errors import CityTwinError
from twin.sun.horizon import CLOSEST, STRIPS, Codes, as_code, tangent
from twin.sun.lines import WIDTH, Way, ends, gather, scatter, way_to
from twin.sun.rasters import as_raster
from twin.sun.spots import Spots, Threaded, thread_spots
from twin.sun.threads import run

F32 = NDArray[np.float32]
State = tuple[int, int]  # points in both hulls

OVERHEAD = 1e6   # rise per step to a crown above [m]
_FLAT = 1e-3     # what sticks out of a hull by less is left out [m]
_FEW = 8         # points of a hull tried one by one
_UNDER = 0.5     # way from a cell below a crown to the rim of that cell [steps]


@dataclass(frozen=True, eq=False)
class Trees:
    """Crowns of trees.

    Parameters
    ----------
    top, base
        Top and bottom on the datum of the surface; no crown where the top is not above the
        surface, (ny, nx) [m].
    through
        Share of the light that comes through in each period, (periods,) [1].
    """

    top: F32
    base: F32
    through: NDArray[np.float64]


def find_trees(surface: F32, canopy: ArrayLike | None, base: ArrayLike | None,
               through: ArrayLike | None, periods: int) -> Trees | None:
    """Return the crowns on a surface, None when no canopy is given.

    Parameters
    ----------
    surface
        Top of ground and buildings, (ny, nx) [m].
    canopy, base
        Top and bottom of the crowns, NaN where there is none; they reach the surface without a
        base, (ny, nx) [m].
    through
        Share of the light that comes through, one or one a period [1].
    periods
        Number of periods.

    Raises
    ------
    CityTwinError
        When the share is missing or out of its range, or a raster has another shape.
    """
    if canopy is None:
        return None
    if through is None:
        raise CityTwinError("canopy comes without its transmissivity, expected 0 to 1",
                            mend="Give transmissivity, one or one a period")
    share = np.asarray(through, float)
    if share.shape not in ((), (periods,)) or not ((share >= 0) & (share <= 1)).all():
        raise CityTwinError(f"transmissivity is {through}, expected one number of 0 to 1, or"
                            f" {periods}", mend="Give one, or one a period of the table")
    bottom = surface if base is None else as_raster(base, "canopy_base", surface.shape,
                                                    gaps=surface)
    return Trees(as_raster(canopy, "canopy", surface.shape, gaps=surface), bottom,
                 np.broadcast_to(share, periods))


def sweep_crowns(surface: F32, canopy: F32, base: F32, cell: float, azimuths: list[float],
                 out: Codes, spots: Spots, seen: Codes, pad: int = 0) -> None:
    """Write the lower and the upper rim of the crowns in some directions, as sines times `FULL`.

    Parameters
    ----------
    surface
        Top of ground and buildings, (ny, nx) [m].
    canopy, base
        Top and bottom of the crowns on the same datum, (ny, nx); no crown where the top is not
        above the surface [m].
    cell
        Side of a cell [m].
    azimuths
        Directions looked to, clockwise from north [degrees].
    out
        Of each cell, lower then upper, (2, directions, ny - 2 pad, nx - 2 pad). Without a crown
        both are 0; below a crown the upper is overhead.
    spots
        Points looked from, besides the cells.
    seen
        Of each point, (2, directions, points).
    pad
        Rim of cells that are looked at, not from [cells].
    """
    jobs = []
    for n, azimuth in enumerate(azimuths):
        way = way_to(azimuth, *surface.shape)
        met = thread_spots(spots, way)
        bounds = np.linspace(0, way.lines, STRIPS + 1).astype(int)
        jobs += [(int(a), int(b), surface, canopy, base, np.float32(cell), way, pad, out[0, n],
                  out[1, n], spots.z, met, seen[0, n], seen[1, n])
                 for a, b in pairwise(bounds)]
    run(_sweep, jobs)


class Hulls(NamedTuple):
    """Crowns passed that can still be seen: places [steps] and heights [m], the nearest last.

    Parameters
    ----------
    far, top
        Of the tops.
    far_base, base
        Of the bottoms; the heights with their sign changed.
    """

    far: F32
    top: F32
    far_base: F32
    base: F32


@njit(cache=True, nogil=True, error_model="numpy")
def _sweep(start: int, stop: int, surface: F32, canopy: F32, base: F32, cell: np.float32, way: Way,
           pad: int, out_low: Codes, out_high: Codes, height: F32, met: Threaded, seen_low: Codes,
           seen_high: Codes) -> None:
    """Walk the lines ``start`` to ``stop`` of one direction.

    The tops make a hull from above, the bottoms one from below; the latter is kept with its sign
    changed, so that both are looked up alike.
    """
    places = len(way.shift)
    across = surface.shape[1] if way.upright else surface.shape[0]
    size = (WIDTH, places + 33)
    ground, tops, bottoms = np.empty(size, np.float32), np.empty(size, np.float32), np.empty(
        size, np.float32)
    low_codes, high_codes = np.zeros(size, np.uint16), np.zeros(size, np.uint16)
    hulls = Hulls(np.empty(places + 2, np.float32), np.empty(places + 2, np.float32),
                  np.empty(places + 2, np.float32), np.empty(places + 2, np.float32))
    step = np.float32(way.step) * cell
    for first in range(start, stop, WIDTH):
        count = min(WIDTH, stop - first)
        gather(surface, way, first, count, ground)
        gather(canopy, way, first, count, tops)
        gather(base, way, first, count, bottoms)
        for n in range(count):
            low, high = ends(way, first + n, across)
            rises, falls, bases = ground[n], tops[n], bottoms[n]
            state, at = (0, 0), low
            for m in range(met.begin[first + n], met.begin[first + n + 1]):
                state = _walk(rises, falls, bases, at, met.place[m], hulls, state)
                at = met.place[m]
                p, z = met.number[m], height[met.number[m]]
                crown = falls[at] > rises[at] and falls[at] > z
                rise, fall = _rims(hulls, state, met.exact[m], z, crown, bases[at])
                seen_low[p], seen_high[p] = as_code(fall / step), as_code(rise / step)
            _walk(rises, falls, bases, at, high, hulls, state)
            row_low, row_high = low_codes[n], high_codes[n]
            for w in range(low, high):
                row_low[w] = as_code(falls[w] / step)
            for w in range(low, high):
                row_high[w] = as_code(rises[w] / step)
        scatter(low_codes, way, first, count, pad, out_low)
        scatter(high_codes, way, first, count, pad, out_high)


@njit(cache=True, nogil=True, error_model="numpy")
def _walk(rises: F32, falls: F32, bases: F32, start: int, stop: int, hulls: Hulls,
          state: State) -> State:
    """Turn ground and tops of crowns into the rise per step to the upper and the lower rim."""
    far, top, far_base, base = hulls.far, hulls.top, hulls.far_base, hulls.base
    uppers, lowers = state
    nil = np.float32(0.0)
    for w in range(start, stop):
        z, crest, bottom, x = rises[w], falls[w], bases[w], np.float32(w)
        crown = crest > z
        rises[w], falls[w] = nil, nil
        if uppers > 0 or crown:
            up = _tangent(far, top, uppers, x, z)
            down = _tangent(far_base, base, lowers, x, -z)
            rises[w], falls[w] = _angles(uppers, far[up], top[up], far_base[down], base[down], x,
                                         z, crown, bottom)
        if crown:
            uppers = _add(far, top, uppers, x, crest)
            lowers = _add(far_base, base, lowers, x, -bottom)
    return uppers, lowers


@njit(cache=True, nogil=True, error_model="numpy")
def _rims(hulls: Hulls, state: State, place: np.float32, z: np.float32, below: bool,
          bottom: np.float32) -> tuple[np.float32, np.float32]:
    """Return the rise per step from a point to the upper and the lower rim."""
    uppers, lowers = state
    up = tangent(hulls.far, hulls.top, 0, uppers - 1, place, z)
    down = tangent(hulls.far_base, hulls.base, 0, lowers - 1, place, -z)
    return _angles(uppers, hulls.far[up], hulls.top[up], hulls.far_base[down], hulls.base[down],
                   place, z, below, bottom)


@njit(cache=True, nogil=True, error_model="numpy")
def _angles(uppers: int, far: np.float32, top: np.float32, far_base: np.float32, base: np.float32,
            place: np.float32, z: np.float32, below: bool,
            bottom: np.float32) -> tuple[np.float32, np.float32]:
    """Return the rise per step to the upper and the lower rim, given the tangents."""
    nil, closest = np.float32(0.0), np.float32(CLOSEST)
    rise, fall = nil, np.float32(OVERHEAD)
    if uppers > 0:
        rise = (top - z) / max(place - far, closest)
        fall = (-base - z) / max(place - far_base, closest)
    if below:
        rise, fall = np.float32(OVERHEAD), min(fall, (bottom - z) / np.float32(_UNDER))
    rise = max(rise, nil)
    return rise, min(max(fall, nil), rise)


@njit(cache=True, nogil=True, error_model="numpy")
def _tangent(far: F32, top: F32, held: int, place: np.float32, z: np.float32) -> int:
    """Return the point of a hull seen highest: mostly one of the nearest, else found by halving."""
    last = held - 1
    for at in range(last, max(last - _FEW, 0), -1):
        if (top[at - 1] - z) * (place - far[at]) <= (top[at] - z) * (place - far[at - 1]):
            return at
    return tangent(far, top, 0, max(last - _FEW, 0), place, z)


@njit(cache=True, nogil=True, error_model="numpy")
def _add(far: F32, top: F32, held: int, place: np.float32, z: np.float32) -> int:
    """Add a point to a hull, the nearest last; return how many points it has."""
    while held > 1 and ((top[held - 2] - z) * (place - far[held - 1])
                        >= (top[held - 1] - z - np.float32(_FLAT)) * (place - far[held - 2])):
        held -= 1
    far[held], top[held] = place, z
    return held + 1
