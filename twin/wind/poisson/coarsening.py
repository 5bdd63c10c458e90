"""Kernels that join columns two by two into wider ones, and lay out what these need.

The openness of a wide face is F / (1 + (a + b) / 2): F is the sum of its narrow faces, a and b
say how much narrower than F the way is from the face to the middle of either wide column, as
F over the sum of the faces inside, at most 4. In the open this is the F / 2 of a doubled
distance; where a column was left without a partner that half of the way is short. Behind a wall
it is less than in the open, but never so little that neighbours lose each other.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from twin.wind.poisson.fluxes import mark_open

Cells = NDArray[np.float32]
Codes = NDArray[np.uint8]
Parts = NDArray[np.uint16]
Short = NDArray[np.int16]

SIDE = 32  # openness of a fully open side; a byte holds that of a narrow column at the edge
LID = 16384  # openness of a fully open lid
NARROWEST = np.float32(4.0)


@njit(cache=True, nogil=True, error_model="numpy")
def _openness(face: float, left: float, right: float, has_left: bool, has_right: bool) -> int:
    if face == 0:
        return 0
    f, way = np.float32(face), np.float32(1.0)
    if has_left:
        way += np.float32(0.5) * min(NARROWEST, f / np.float32(left))
    if has_right:
        way += np.float32(0.5) * min(NARROWEST, f / np.float32(right))
    return min(max(1, int(f / way + np.float32(0.5))), 255)


@njit(cache=True, nogil=True)
def _join_west(a: Codes, b: Codes, out: Codes) -> None:
    nx = a.shape[0] - 1
    for block in range(out.shape[0]):
        i = min(2 * block, nx)
        low, high = max(i - 1, 0), min(i + 1, nx)
        out[block] = _openness(a[i] + b[i], a[low] + b[low], a[high] + b[high],
                               i > 0 and (i & 1) == 0, i < nx - 1)


@njit(cache=True, nogil=True)
def _join_south(below: Codes, face: Codes, above: Codes, has_below: bool, has_above: bool,
                out: Codes) -> None:
    nx = face.shape[0]
    for block in range(out.shape[0]):
        i, e = 2 * block, min(2 * block + 1, nx - 1)
        n = 1 if e > i else 0
        out[block] = _openness(face[i] + n * face[e], below[i] + n * below[e],
                               above[i] + n * above[e], has_below, has_above)


@njit(cache=True, nogil=True)
def _join_lids(a: Parts, b: Parts, out: Parts) -> None:
    nx = a.shape[0]
    for block in range(out.shape[0]):
        i, e = 2 * block, min(2 * block + 1, nx - 1)
        total = np.int64(a[i]) + b[i]
        if e > i:
            total += np.int64(a[e]) + b[e]
        out[block] = (total + 3) >> 2


@njit(cache=True, nogil=True, error_model="numpy")
def join_cells(start: int, stop: int, ground: Short, top: Short, under: Short, cx: Codes, cy: Codes,
               cz: Parts) -> None:
    """Write the openness of the first wide columns.

    Parameters
    ----------
    start, stop
        Rows of wide columns to work on.
    ground, top, under
        Columns as in `Domain`.
    cx, cy, cz
        Openness of the west, south and upper faces, overwritten; cx with the last east face,
        cy with the last north one, a row of columns together.
    """
    ny, nx, nz = top.shape[0], top.shape[1], cz.shape[1]
    for b in range(start, stop):
        lines = np.zeros((6, nx + 2), np.uint8)
        west = np.zeros((2, nx + 1), np.uint8)
        south = np.zeros((5, nx), np.uint8)
        lids = np.zeros((2, nx), np.uint16)
        for k in range(nz):
            for r in range(5):  # rows 2 b - 2 to 2 b + 2
                j = 2 * b - 2 + r
                if 0 <= j < ny:
                    mark_open(lines[r], ground, top, under, j, k)
                else:
                    lines[r][:] = 0
            for r in range(2):
                here = lines[2 + r]
                for i in range(nx - 1):
                    west[r, i + 1] = SIDE * (here[i + 1] & here[i + 2])
                west[r, 0], west[r, nx] = 2 * SIDE * here[1], 2 * SIDE * here[nx]
                if k < nz - 1:
                    if 2 * b + r < ny:
                        mark_open(lines[5], ground, top, under, 2 * b + r, k + 1)
                    for i in range(nx):
                        lids[r, i] = LID * (here[i + 1] & lines[5][i + 1])
                else:
                    for i in range(nx):
                        lids[r, i] = LID * here[i + 1]
            for r in range(1, 5):  # the face south of row 2 b - 2 + r
                j = 2 * b - 2 + r
                for i in range(nx):
                    if j == 0:
                        south[r, i] = 2 * SIDE * lines[r][i + 1]
                    elif j == ny:
                        south[r, i] = 2 * SIDE * lines[r - 1][i + 1]
                    else:
                        south[r, i] = SIDE * (lines[r - 1][i + 1] & lines[r][i + 1])
            _join_west(west[0], west[1], cx[b, k])
            _join_lids(lids[0], lids[1], cz[b, k])
            _join_south(south[1], south[2], south[3], b > 0, 2 * b + 1 < ny, cy[b, k])
            if b == cz.shape[0] - 1:
                last = ny - 2 * b  # 1 or 2 rows in the last block
                _join_south(south[1 + last], south[2 + last], south[2 + last], last == 2, False,
                            cy[b + 1, k])


@njit(cache=True, nogil=True, error_model="numpy")
def join_columns(start: int, stop: int, fx: Codes, fy: Codes, fz: Parts, cx: Codes, cy: Codes,
                 cz: Parts) -> None:
    """Write the openness of columns twice as wide.

    Parameters
    ----------
    start, stop
        Rows of wide columns to work on.
    fx, fy, fz
        Openness of the narrow columns, laid out as in `join_cells`.
    cx, cy, cz
        Openness of the wide columns, overwritten.
    """
    ny, nz, nx = fz.shape
    for b in range(start, stop):
        none, bare = np.zeros(nx + 1, np.uint8), np.zeros(nx, np.uint16)
        for k in range(nz):
            paired = 2 * b + 1 < ny
            _join_west(fx[2 * b, k], fx[2 * b + 1, k] if paired else none, cx[b, k])
            _join_lids(fz[2 * b, k], fz[2 * b + 1, k] if paired else bare, cz[b, k])
            _join_south(fy[max(2 * b - 1, 0), k], fy[2 * b, k], fy[2 * b + 1, k], b > 0, paired,
                        cy[b, k])
            if b == cz.shape[0] - 1:
                _join_south(fy[ny - 1, k], fy[ny, k], fy[ny, k], paired, False, cy[b + 1, k])


@njit(cache=True, nogil=True, fastmath={"contract"}, error_model="numpy")
def lay_out(start: int, stop: int, cx: Codes, cy: Codes, cz: Parts, t: Cells, tz: Cells,
            sides: Codes, lids: tuple[Parts, Parts], pivots: tuple[Cells, Cells]) -> None:
    """Sort openness by colour and eliminate the columns.

    Parameters
    ----------
    start, stop
        Rows to work on, the ring counted.
    cx, cy, cz
        Openness as in `join_cells`.
    t, tz
        Weight per unit of openness, of a side and of a lid.
    sides
        Openness of the west, east, south and north side of colour 0, overwritten.
    lids, pivots
        Openness of the upper side and reciprocal pivot per colour, overwritten.
    """
    ny, nz, nx = cz.shape
    nh = (nx + 1) // 2
    for row in range(start, stop):
        j = row - 1  # the ring has the outer faces of colour 1
        o = j & 1
        inside = 0 <= j < ny
        pivot = np.zeros(2 * nh, np.float32)
        up = np.zeros(2 * nh, np.float32)
        for k in range(nz):
            for h in range(nh + 2):
                i = 2 * (h - 1) + o
                if inside and 0 <= i <= nx:
                    sides[0, row, k, h] = cx[j, k, i]
                if inside and -1 <= i < nx:
                    sides[1, row, k, h] = cx[j, k, i + 1]
                if 0 <= i < nx and j >= 0:
                    sides[2, row, k, h] = cy[j, k, i]
                if 0 <= i < nx and j < ny:
                    sides[3, row, k, h] = cy[j + 1, k, i]
            if inside:
                for i in range(nx):
                    around = (np.float32(cx[j, k, i]) + np.float32(cx[j, k, i + 1])
                              + np.float32(cy[j, k, i]) + np.float32(cy[j + 1, k, i]))
                    low, lid = up[i], tz[k + 1] * np.float32(cz[j, k, i])
                    whole = t[k] * around + low + lid
                    d = max(whole - low * low * pivot[i], np.float32(1e-6) * whole)
                    pivot[i] = np.float32(1.0) / d if whole > 0 else np.float32(0.0)
                    up[i] = lid
                for colour in range(2):
                    s = o if colour == 0 else 1 - o
                    z, m = lids[colour][row, k, 1:], pivots[colour][row, k, 1:]
                    for h in range(nh):
                        if 2 * h + s < nx:
                            z[h] = cz[j, k, 2 * h + s]
                            m[h] = pivot[2 * h + s]
