"""Light on points: the gap between two directions is looked into where their horizons differ.

A cell takes the horizon of a direction for that of its whole sector: at the edge of a tower it is
2.5 degrees off either way, which the cells beside it make good. A point has none beside it. Where
two neighbouring directions differ, rays halve the gap until the edge is found, and each sector is
read from the table at the horizons of its fan.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from twin.sun.horizon import FULL, Codes
from twin.sun.lanes import Sums
from twin.sun.planes import Planes
from twin.sun.rays import Eyes, Relief, eyes_of, relief_of, rise_along
from twin.sun.spots import Spots
from twin.sun.threads import run

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]

PARTS = 8       # of a gap between two directions, a power of two
UNLIKE = 0.05   # horizons whose sines differ by more are looked between [1]
EVEN = 0.003    # parts of a fan whose sines differ by less are read from the table together [1]
UPRIGHT = 1e-6  # square of the upward part of a normal below which it is that of a wall [1]
_SHARE = 512    # points a thread takes at a time


def add_fans(surface: F32, cell: float, edges: NDArray[np.bool_] | None, spots: Spots,
             planes: Planes, leaves: Codes, open_table: F32, leaf_table: F32, sums: Sums,
             parts: int = PARTS) -> None:
    """Write what comes from all directions to the sums of points.

    Parameters
    ----------
    surface
        Top of ground and buildings, (ny, nx) [m].
    cell
        Side of a cell [m].
    edges
        Cells at the rim of a building; those that rise steeply when None.
    spots, planes
        The points and their normals.
    leaves
        Lower and upper rim of the crowns, as sines times `FULL`, (2, directions, points), or
        without points where there are none.
    open_table, leaf_table
        `pack` of all directions, without and with leaves.
    sums
        Written to.
    parts
        Into how many parts a gap between two directions is cut at most, a power of two.
    """
    relief, eyes = relief_of(surface, cell, edges), eyes_of(spots)
    count = len(spots.z)
    run(_add, [(a, min(a + _SHARE, count), relief, eyes, planes, leaves, open_table, leaf_table,
                parts, sums) for a in range(0, count, _SHARE)])


@njit(cache=True, nogil=True, error_model="numpy")
def _add(start: int, stop: int, relief: Relief, eyes: Eyes, planes: Planes, leaves: Codes,
         open_table: F32, leaf_table: F32, parts: int, sums: Sums) -> None:
    directions, levels, lanes = len(open_table), open_table.shape[1] - 1, open_table.shape[3]
    periods = sums.period.shape[1]
    azimuth = 2 * np.pi / (directions * parts) * np.arange(directions * parts)
    sin, cos = np.sin(azimuth), np.cos(azimuth)
    # A sun at the part t of the gap between two directions counts 1 - t in the nearer. The light
    # of the table stands half-way to its direction: what that spreads already is taken off again.
    turn = 2 * np.pi / (directions * parts) * np.arange(-parts, parts + 1)
    weight = (parts - np.abs(np.arange(-parts, parts + 1))) / parts**2
    weight[parts] += 1 / 6
    weight[0] = weight[2 * parts] = -1 / 12
    turn_sin, turn_cos = np.sin(turn), np.cos(turn)
    spread = (weight * turn_cos).sum()
    seen = np.empty(directions * parts)
    got = np.empty(lanes, np.float32)
    normal = np.empty(3)
    turned = np.empty(3, np.float32)
    one = np.float32(1.0)
    for p in range(start, stop):
        normal[0], normal[1] = planes.east[p], planes.north[p]
        up = 1 - normal[0]**2 - normal[1]**2
        normal[2] = np.sqrt(up) if up > UPRIGHT else 0.0
        _look_round(relief, eyes, p, normal, sin, cos, parts, seen)
        got[:] = np.float32(0.0)
        for d in range(directions):
            crown_low = leaves[0, d, p] / FULL if leaves.shape[2] else 0.0
            crown_high = leaves[1, d, p] / FULL if leaves.shape[2] else 0.0
            j = -parts
            while j <= parts:
                # Neighbours with one horizon are read together.
                turned[:], share, s = 0.0, 0.0, seen[(d * parts + j) % len(seen)]
                while j <= parts and abs(seen[(d * parts + j) % len(seen)] - s) < EVEN:
                    w, n = weight[j + parts], j + parts
                    turned[0] += w / spread * (turn_cos[n] * normal[0] - turn_sin[n] * normal[1])
                    turned[1] += w / spread * (turn_cos[n] * normal[1] + turn_sin[n] * normal[0])
                    turned[2] += w * normal[2]
                    share += w
                    j += 1
                sign = one if share > 0 else -one
                if share < 0:
                    turned[:] = -turned
                    share = -share
                _read(got, open_table[d], s, levels, turned, share, periods, sign)
                upper = max(s, crown_high)
                lower = min(max(s, crown_low), upper)
                if upper > lower:
                    _read(got, open_table[d], upper, levels, turned, share, periods, sign)
                    _read(got, open_table[d], lower, levels, turned, share, periods, -sign)
                    _read(got, leaf_table[d], lower, levels, turned, share, periods, sign)
                    _read(got, leaf_table[d], upper, levels, turned, share, periods, -sign)
        got[:] = np.maximum(got, np.float32(0.0))
        for n in range(periods):
            units = got[n] / np.float32(sums.unit) + np.float32(0.5)
            sums.period[p, n] = np.uint16(min(units, np.float32(65535.0)))
        sums.year[p], sums.hours[p], sums.sky[p], sums.band[p] = got[periods:periods + 4]


@njit(cache=True, nogil=True, error_model="numpy")
def _look_round(relief: Relief, eyes: Eyes, p: int, normal: F64, sin: F64, cos: F64, parts: int,
                seen: F64) -> None:
    """Write the sines of the horizon of a point and its plane, all parts of all gaps."""
    count = len(seen)
    gap = parts
    while gap >= 1:
        for n in range(0, count, gap):
            if gap < parts:
                if n // gap % 2 == 0:
                    continue
                before, after = seen[n - gap], seen[(n + gap) % count]
                if abs(after - before) < UNLIKE:
                    seen[n] = 0.5 * (before + after)
                    continue
            ahead = normal[0] * sin[n] + normal[1] * cos[n]
            if normal[2] == 0 and ahead < 0:
                seen[n] = 1.0  # a wall hides all that is behind it
                continue
            own = max(-ahead, 0.0) / max(normal[2], 1e-9)
            rise = rise_along(relief, eyes, p, sin[n], cos[n], own)
            seen[n] = rise / np.sqrt(1 + rise * rise)
        gap //= 2


@njit(cache=True, nogil=True, fastmath={"contract"}, error_model="numpy")
def _read(got: F32, table: F32, sine: float, levels: int, normal: F32, share: float, periods: int,
          sign: np.float32) -> None:
    """Add what comes from a share of a direction above a horizon, on a normal times that share.

    The lane of hours knows no normal.
    """
    at = sine * (levels - 1)
    k = int(at)
    b = np.float32(at - k)
    a = np.float32(1.0) - b
    low, high = table[k], table[k + 1]
    for n in range(got.shape[0]):
        light = (normal[0] * (a * low[0, n] + b * high[0, n])
                 + normal[1] * (a * low[1, n] + b * high[1, n])
                 + normal[2] * (a * low[2, n] + b * high[2, n]))
        got[n] += sign * max(light, np.float32(0.0))
    hours = periods + 1
    got[hours] += sign * (np.float32(share) - normal[2]) * (a * low[2, hours] + b * high[2, hours])
