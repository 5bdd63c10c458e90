"""The horizon of every cell and of points above or beside them, one look at each cell a direction.

Along a line the cells passed so far that can still hide the sky from a cell to come form a convex
hull: nearer ones low, farther ones high. A cell drops from it what itself will hide, and the
tangent to what is left is its horizon. Each cell enters and leaves the hull once.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numba import njit
from numpy.typing import NDArray

from twin.sun.lines import WIDTH, Way, ends, gather, scatter, way_to
from twin.sun.spots import NOWHERE, Spots, Threaded, thread_spots
from twin.sun.threads import run

F32 = NDArray[np.float32]
Codes = NDArray[np.uint16]

FULL = 65535      # code of a horizon overhead; 0 is level
STEEP = 1.5       # a rise per cell from which on it is taken for a wall: 56 degrees
CLOSEST = 0.25    # nothing is looked at from closer than this [steps]
STRIPS = 8        # shares of a direction that threads take


def horizons(surface: F32, cell: float, azimuth: float, *, spots: Spots = NOWHERE, pad: int = 0,
             edges: NDArray[np.bool_] | None = None) -> tuple[F32, F32]:
    """Return the height of the horizon in one direction.

    Parameters
    ----------
    surface
        Top of ground and buildings, row 0 south, (ny, nx) [m].
    cell
        Side of a cell [m].
    azimuth
        Direction looked to, clockwise from north [degrees].
    spots
        Points looked from, besides the cells.
    pad
        Rim of cells that are looked at, not from [cells].
    edges
        Cells at the rim of a building; those that rise more than `STEEP` to the next when None.

    Returns
    -------
    tuple
        Of each cell, (ny - 2 pad, nx - 2 pad), and of each point [degrees]. Not below 0.
    """
    ny, nx = surface.shape
    out = np.empty((1, ny - 2 * pad, nx - 2 * pad), np.uint16)
    seen = np.empty((1, len(spots.z)), np.uint16)
    sweep(np.ascontiguousarray(surface, np.float32), cell, [azimuth], out, spots, seen, pad, edges)
    return _degrees(out[0]), _degrees(seen[0])


def _degrees(codes: Codes) -> F32:
    return np.rad2deg(np.arcsin(codes / np.float32(FULL))).astype(np.float32)


def sweep(surface: F32, cell: float, azimuths: list[float], out: Codes, spots: Spots, seen: Codes,
          pad: int = 0, edges: NDArray[np.bool_] | None = None) -> None:
    """Write the horizon in some directions, as sines times `FULL`.

    Parameters
    ----------
    surface, cell, spots, pad, edges
        As in `horizons`.
    azimuths
        Directions looked to, clockwise from north [degrees].
    out
        Of each cell, (directions, ny - 2 pad, nx - 2 pad).
    seen
        Of each point, (directions, points).
    """
    no_edges = np.zeros((0, 0), np.bool_)
    jobs = []
    for n, azimuth in enumerate(azimuths):
        way = way_to(azimuth, *surface.shape)
        met = thread_spots(spots, way)
        bounds = np.linspace(0, way.lines, STRIPS + 1).astype(int)
        jobs += [(int(a), int(b), surface, np.float32(cell), way,
                  no_edges if edges is None else edges, pad, out[n], spots.z, met, seen[n])
                 for a, b in pairwise(bounds)]
    run(_sweep, jobs)


@njit(cache=True, nogil=True, error_model="numpy")
def _sweep(start: int, stop: int, surface: F32, cell: np.float32, way: Way,
           edges: NDArray[np.bool_], pad: int, out: Codes, height: F32, met: Threaded,
           seen: Codes) -> None:
    """Walk the lines ``start`` to ``stop`` of one direction."""
    places = len(way.shift)
    across = surface.shape[1] if way.upright else surface.shape[0]
    # Lines lie a few cache lines more than a power of two apart, lest they push each other out.
    lines = np.empty((WIDTH, places + 33), np.float32)
    codes = np.empty((WIDTH, places + 33), np.uint16)
    given = edges.size > 0
    walls = np.zeros((WIDTH if given else 0, places + 33 if given else 0), np.bool_)
    far = np.empty(places + 2, np.float32)
    top = np.empty(places + 2, np.float32)
    far[0], top[0] = np.float32(-1e9), np.float32(np.inf)
    nil = np.float32(0.0)
    step = np.float32(way.step) * cell
    jump = np.float32(STEEP) * cell
    for first in range(start, stop, WIDTH):
        count = min(WIDTH, stop - first)
        gather(surface, way, first, count, lines)
        if given:
            gather(edges, way, first, count, walls)
        for n in range(count):
            low, high = ends(way, first + n, across)
            if high <= low:
                continue
            line = lines[n]
            wall = walls[n] if given else walls[0:0].ravel()
            held = 0
            at = low
            for m in range(met.begin[first + n], met.begin[first + n + 1]):
                held = _walk(line, wall, at, met.place[m], high, jump, far, top, held)
                at = met.place[m]
                p = met.number[m]
                t = tangent(far, top, 1, held, met.exact[m], height[p])
                away = max(met.exact[m] - far[t], np.float32(CLOSEST))
                seen[p] = as_code(max((top[t] - height[p]) / away, nil) / step if held else nil)
            _walk(line, wall, at, high, high, jump, far, top, held)
            row = codes[n]
            for w in range(low, high):
                row[w] = as_code(line[w] / step)
        scatter(codes, way, first, count, pad, out)


@njit(cache=True, nogil=True, error_model="numpy")
def as_code(rise: np.float32) -> np.uint16:
    """Return the sine of a horizon from its tangent, in units of 1 / `FULL`."""
    one = np.float32(1.0)
    sine = rise / np.sqrt(one + rise * rise)
    return np.uint16(sine * np.float32(FULL) + np.float32(0.5))


@njit(cache=True, nogil=True, error_model="numpy")
def _walk(line: F32, wall: NDArray[np.bool_], start: int, stop: int, end: int, jump: np.float32,
          far: F32, top: F32, held: int) -> int:
    """Turn heights into the rise per step of their horizons; return the points now in the hull.

    A point of the hull is a place in the walk, ``far`` [steps], and a height, ``top`` [m]; number
    0 is one that nothing reaches. What is not above the newest cell can hide nothing from a cell
    to come that it does not hide itself.
    """
    nil, half = np.float32(0.0), np.float32(0.5)
    given = len(wall) > 0
    for w in range(start, stop):
        z = line[w]
        x = np.float32(w)
        while top[held] <= z:
            held -= 1
        rise = nil
        if held > 0:
            up, away = top[held] - z, x - far[held]
            while held > 1:
                up_next, away_next = top[held - 1] - z, x - far[held - 1]
                if up_next * away < up * away_next:
                    break
                held -= 1
                up, away = up_next, away_next
            rise = up / away
        least = (nil if wall[w] else np.float32(np.inf)) if given else jump
        if w + 1 < end and z - line[w + 1] > least:
            x += half  # the face of a wall stands half a cell before the centre of its cell
            while held > 1 and ((top[held - 1] - z) * (x - far[held])
                                >= (top[held] - z) * (x - far[held - 1])):
                held -= 1
        line[w] = rise
        held += 1
        far[held], top[held] = x, z
    return held


@njit(cache=True, nogil=True, error_model="numpy")
def tangent(far: F32, top: F32, low: int, high: int, place: np.float32, z: np.float32) -> int:
    """Return the point of a hull that is seen highest.

    Parameters
    ----------
    far, top
        Places [steps] and heights [m] of the hull, the farthest point first.
    low, high
        First and last point looked at.
    place, z
        Where it is seen from.

    Notes
    -----
    The hull is seen from outside: the rise grows from the nearest point to the tangent and falls
    behind it, so that halving finds it.
    """
    closest = np.float32(CLOSEST)
    while low < high:
        mid = (low + high + 1) // 2
        near = max(place - far[mid], closest)
        beyond = max(place - far[mid - 1], closest)
        if (top[mid - 1] - z) * near > (top[mid] - z) * beyond:
            high = mid - 1
        else:
            low = mid
    return low
