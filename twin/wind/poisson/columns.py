"""Kernels over whole columns of cells: vertical line solves and the ways between two levels.

Cells lie in two colours like a chess board seen from above: colour (i + j) & 1, each an array
(ny + 2, nz, nh + 2) with nh = (nx + 1) // 2 and one ring of zeros around it, so that the columns
of one colour depend on the other colour only and a row of them is worked on side by side. In row
j colour c holds i = 2 h + o with o = (c + j) & 1; west and east of slot h lie the slots
h - 1 + o and h + o of the other colour, south and north of it slot h of the rows beside.

Two by two columns make one column of the next level, and slot h of both colours and both rows
falls into the same one: column h of that level.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

Cells = NDArray[np.float32]
Codes = NDArray[np.uint8]
Sums = NDArray[np.float64]

WIDTH = 320  # columns solved side by side: their scratch stays in the second cache
LEAST = np.float32(1e-6)  # smallest pivot in units of the diagonal, against rounding


@njit(cache=True, nogil=True, fastmath={"contract"}, error_model="numpy")
def smooth_finest(start: int, stop: int, x: Cells, other: Cells, rhs: Cells, code: Codes,
                  colour: int, use_rhs: bool, use_other: bool, t: Cells, tz: Cells) -> None:
    """Solve every column of one colour of the finest level, the other colour held.

    Parameters
    ----------
    start, stop
        Rows to work on.
    x
        Unknown of this colour, overwritten; 0 in closed cells.
    other
        Unknown of the other colour.
    rhs
        Right-hand side of this colour.
    code
        Open sides of each cell: bits 0-3 their number, bit 4 below, bit 5 above; 0 if closed.
    colour
        0 or 1.
    use_rhs, use_other
        False to take the right-hand side, or else the other colour, as zero.
    t
        Weight of an open side per level.
    tz
        Weight of an open lid per level boundary, 0 at the ground.
    """
    nz, nh = x.shape[1], x.shape[2] - 2
    pivots = np.zeros((nz + 1, WIDTH), np.float32)  # row k + 1 is level k, row 0 the ground
    for j in range(start + 1, stop + 1):
        o = (colour + j + 1) & 1
        for h0 in range(1, nh + 1, WIDTH):
            n = min(WIDTH, nh + 1 - h0)
            for k in range(nz):
                side, low, high = t[k], tz[k], tz[k + 1]
                square = low * low
                c, m, before = code[j, k, h0:h0 + n], pivots[k + 1], pivots[k]
                for h in range(n):
                    q = np.float32(c[h])
                    lids = np.floor(q * np.float32(0.0625))
                    upper = np.floor(lids * np.float32(0.5))
                    d = (side * (q - np.float32(16.0) * lids)
                         + low * (lids - np.float32(2.0) * upper) + high * upper)
                    d = d if q != np.float32(0.0) else np.float32(np.inf)
                    left = d - square * before[h]
                    least = LEAST * d
                    m[h] = np.float32(1.0) / (left if left > least else least)
                a, r = x[j, k, h0:h0 + n], rhs[j, k, h0:h0 + n]
                west, east = other[j, k, h0 - 1 + o:], other[j, k, h0 + o:]
                south, north = other[j - 1, k, h0:], other[j + 1, k, h0:]
                if use_other and use_rhs:
                    for h in range(n):
                        beside = (west[h] + east[h]) + (south[h] + north[h])
                        a[h] = r[h] + side * beside
                elif use_other:
                    for h in range(n):
                        a[h] = side * ((west[h] + east[h]) + (south[h] + north[h]))
                else:
                    for h in range(n):
                        a[h] = r[h]
                if k > 0:
                    below = x[j, k - 1, h0:]
                    for h in range(n):
                        a[h] = (a[h] + low * below[h]) * m[h]
                else:
                    for h in range(n):
                        a[h] *= m[h]
            for k in range(nz - 2, -1, -1):
                a, up, m = x[j, k, h0:h0 + n], x[j, k + 1, h0:], pivots[k + 1]
                high = tz[k + 1]
                for h in range(n):
                    a[h] += high * m[h] * up[h]




@njit(cache=True, nogil=True, fastmath={"contract"}, error_model="numpy")
def multiply_finest(start: int, stop: int, x: Cells, other: Cells, code: Codes, t: Cells, tz: Cells,
                    out: Cells, sums: Sums) -> None:
    """Apply the finest level's equations to colour 0.

    Parameters
    ----------
    start, stop
        Rows to work on.
    x, other
        Unknown of colour 0 and of colour 1.
    code
        Open sides of colour 0.
    t, tz
        Weights as in `smooth_finest`.
    out
        What the equations of colour 0 give, overwritten.
    sums
        Inner product of `x` and `out` per row, overwritten.
    """
    nz, nh = x.shape[1], x.shape[2] - 2
    for j in range(start + 1, stop + 1):
        dots = np.zeros(nh, np.float32)
        nought = np.zeros(nh, np.float32)
        s = (j + 1) & 1
        for k in range(nz):
            side, low, high = t[k], tz[k], tz[k + 1]
            a, c, to = x[j, k, 1:], code[j, k, 1:], out[j, k, 1:]
            west, east = other[j, k, s:], other[j, k, 1 + s:]
            south, north = other[j - 1, k, 1:], other[j + 1, k, 1:]
            down = x[j, k - 1, 1:] if k > 0 else nought
            up = x[j, k + 1, 1:] if k < nz - 1 else nought
            for h in range(nh):
                beside = (west[h] + east[h]) + (south[h] + north[h])
                to[h] = side * beside + low * down[h] + high * up[h]
            for h in range(nh):
                q = np.float32(c[h])
                lids = np.floor(q * np.float32(0.0625))
                upper = np.floor(lids * np.float32(0.5))
                d = (side * (q - np.float32(16.0) * lids)
                     + low * (lids - np.float32(2.0) * upper) + high * upper)
                left = d * a[h] - to[h]
                to[h] = left if q != np.float32(0.0) else np.float32(0.0)
                dots[h] += to[h] * a[h]
        total = 0.0
        for h in range(nh):
            total += dots[h]
        sums[j - 1] = total


@njit(cache=True, nogil=True, fastmath={"contract"}, error_model="numpy")
def restrict_finest(start: int, stop: int, x: Cells, other: Cells, rhs: Cells, code: Codes,
                    t: Cells, tz: Cells, first: Cells, second: Cells) -> None:
    """Sum what colour 0 of the finest level leaves unsolved into the next level.

    Right after a sweep over colour 1 nothing is left in that colour.

    Parameters
    ----------
    start, stop
        Rows of the next level to work on.
    x, other
        Unknown of colour 0 and of colour 1.
    rhs, code
        Right-hand side and open sides of colour 0.
    t, tz
        Weights as in `smooth_finest`.
    first, second
        Right-hand side of the next level, its colours 0 and 1, overwritten.
    """
    rows, nz, nh = x.shape[0] - 2, x.shape[1], x.shape[2] - 2
    for b in range(start, stop):
        gathered = np.empty(nh, np.float32)
        nought = np.zeros(nh + 2, np.float32)
        o = b & 1
        for k in range(nz):
            side, low, high = t[k], tz[k], tz[k + 1]
            gathered[:] = np.float32(0.0)
            for j in range(2 * b + 1, min(2 * b + 3, rows + 1)):
                s = (j + 1) & 1
                a, r, c = x[j, k, 1:], rhs[j, k, 1:], code[j, k, 1:]
                west, east = other[j, k, s:], other[j, k, 1 + s:]
                south, north = other[j - 1, k, 1:], other[j + 1, k, 1:]
                down = x[j, k - 1, 1:] if k > 0 else nought
                up = x[j, k + 1, 1:] if k < nz - 1 else nought
                for h in range(nh):
                    q = np.float32(c[h])
                    lids = np.floor(q * np.float32(0.0625))
                    upper = np.floor(lids * np.float32(0.5))
                    d = (side * (q - np.float32(16.0) * lids)
                         + low * (lids - np.float32(2.0) * upper) + high * upper)
                    beside = (west[h] + east[h]) + (south[h] + north[h])
                    left = r[h] + side * beside + low * down[h] + high * up[h] - d * a[h]
                    gathered[h] += left if q != np.float32(0.0) else np.float32(0.0)
            a = first[b + 1, k, 1:]
            for h in range((nh - o + 1) // 2):
                a[h] = gathered[2 * h + o]
            a = second[b + 1, k, 1:]
            for h in range((nh + o) // 2):
                a[h] = gathered[2 * h + 1 - o]
