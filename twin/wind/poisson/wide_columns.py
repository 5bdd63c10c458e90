"""Kernels over the wide columns of the coarser levels, laid out as in `columns`."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

Cells = NDArray[np.float32]
Codes = NDArray[np.uint8]
Parts = NDArray[np.uint16]


@njit(cache=True, nogil=True, fastmath={"contract"}, error_model="numpy")
def smooth_coarse(start: int, stop: int, x: Cells, other: Cells, rhs: Cells, pivot: Cells,
                  sides: Codes, lids: Parts, colour: int, fresh: bool, t: Cells, tz: Cells) -> None:
    """Solve every column of one colour of a coarser level, the other colour held.

    Parameters
    ----------
    start, stop
        Rows to work on.
    x, other, rhs
        As in `columns.smooth_finest`.
    pivot
        Reciprocal pivots of the columns of this colour.
    sides
        Openness of the west, east, south and north side of colour 0, see `coarsening.SIDE`.
    lids
        Openness of the upper side of each cell of this colour, see `coarsening.LID`.
    colour
        0 or 1.
    fresh
        Take the other colour as zero.
    t, tz
        Weight per unit of openness, of a side and of a lid.
    """
    nz, nh = x.shape[1], x.shape[2] - 2
    for j in range(start + 1, stop + 1):
        o = (colour + j + 1) & 1
        for k in range(nz):
            a, r, m = x[j, k, 1:], rhs[j, k, 1:], pivot[j, k, 1:]
            side, low = t[k], tz[k]
            if fresh:
                for h in range(nh):
                    a[h] = r[h]
            else:
                west, east = other[j, k, o:], other[j, k, 1 + o:]
                south, north = other[j - 1, k, 1:], other[j + 1, k, 1:]
                if colour == 0:
                    cw, ce = sides[0, j, k, 1:], sides[1, j, k, 1:]
                    cs, cn = sides[2, j, k, 1:], sides[3, j, k, 1:]
                else:
                    cw, ce = sides[1, j, k, o:], sides[0, j, k, 1 + o:]
                    cs, cn = sides[3, j - 1, k, 1:], sides[2, j + 1, k, 1:]
                for h in range(nh):
                    a[h] = r[h] + side * (np.float32(np.int32(cw[h])) * west[h]
                                          + np.float32(np.int32(ce[h])) * east[h])
                for h in range(nh):
                    a[h] += side * (np.float32(np.int32(cs[h])) * south[h]
                                    + np.float32(np.int32(cn[h])) * north[h])
            if k > 0:
                lid, down = lids[j, k - 1, 1:], x[j, k - 1, 1:]
                for h in range(nh):
                    a[h] = (a[h] + low * np.float32(np.int32(lid[h])) * down[h]) * m[h]
            else:
                for h in range(nh):
                    a[h] *= m[h]
        for k in range(nz - 2, -1, -1):
            a, up, m, lid = x[j, k, 1:], x[j, k + 1, 1:], pivot[j, k, 1:], lids[j, k, 1:]
            high = tz[k + 1]
            for h in range(nh):
                a[h] += high * np.float32(np.int32(lid[h])) * m[h] * up[h]


@njit(cache=True, nogil=True, fastmath={"contract"}, error_model="numpy")
def restrict_coarse(start: int, stop: int, x: Cells, other: Cells, rhs: Cells, pivot: Cells,
                    sides: Codes, lids: Parts, t: Cells, tz: Cells, first: Cells,
                    second: Cells) -> None:
    """Sum what colour 0 of a coarser level leaves unsolved into the level after it.

    Parameters
    ----------
    start, stop
        Rows of the next level to work on.
    x, other, rhs, pivot, sides, lids, t, tz
        As in `smooth_coarse`, of colour 0.
    first, second
        Right-hand side of the level after, its colours 0 and 1, overwritten.
    """
    rows, nz, nh = x.shape[0] - 2, x.shape[1], x.shape[2] - 2
    for b in range(start, stop):
        gathered = np.empty(nh, np.float32)
        left = np.empty(nh, np.float32)
        o = b & 1
        for k in range(nz):
            side, low, high = t[k], tz[k], tz[k + 1]
            gathered[:] = np.float32(0.0)
            for j in range(2 * b + 1, min(2 * b + 3, rows + 1)):
                s = (j + 1) & 1
                a, r, m = x[j, k, 1:], rhs[j, k, 1:], pivot[j, k, 1:]
                west, east = other[j, k, s:], other[j, k, 1 + s:]
                south, north = other[j - 1, k, 1:], other[j + 1, k, 1:]
                cw, ce = sides[0, j, k, 1:], sides[1, j, k, 1:]
                cs, cn = sides[2, j, k, 1:], sides[3, j, k, 1:]
                for h in range(nh):
                    left[h] = (
                        r[h] + side * (np.float32(np.int32(cw[h])) * (west[h] - a[h])
                                       + np.float32(np.int32(ce[h])) * (east[h] - a[h])))
                for h in range(nh):
                    left[h] += side * (np.float32(np.int32(cs[h])) * (south[h] - a[h])
                                           + np.float32(np.int32(cn[h])) * (north[h] - a[h]))
                if k > 0:
                    lid, down = lids[j, k - 1, 1:], x[j, k - 1, 1:]
                    for h in range(nh):
                        left[h] += low * np.float32(np.int32(lid[h])) * (down[h] - a[h])
                lid = lids[j, k, 1:]
                if k < nz - 1:
                    up = x[j, k + 1, 1:]
                    for h in range(nh):
                        left[h] += high * np.float32(np.int32(lid[h])) * (up[h] - a[h])
                else:
                    for h in range(nh):
                        left[h] -= high * np.float32(np.int32(lid[h])) * a[h]
                for h in range(nh):
                    gathered[h] += left[h] if m[h] != np.float32(0.0) else np.float32(0.0)
            a = first[b + 1, k, 1:]
            for h in range((nh - o + 1) // 2):
                a[h] = gathered[2 * h + o]
            a = second[b + 1, k, 1:]
            for h in range((nh + o) // 2):
                a[h] = gathered[2 * h + 1 - o]


@njit(cache=True, nogil=True, fastmath={"contract"}, error_model="numpy")
def prolong(start: int, stop: int, x: Cells, mask: NDArray[np.generic], first: Cells,
            second: Cells) -> None:
    """Add the next level's unknown to one colour of open cells.

    Parameters
    ----------
    start, stop
        Rows of the next level to work on.
    x
        Unknown of one colour, changed in place.
    mask
        Not 0 in the open cells of that colour.
    first, second
        Unknown of the next level, its colours 0 and 1.
    """
    rows, nz, nh = x.shape[0] - 2, x.shape[1], x.shape[2] - 2
    for b in range(start, stop):
        spread = np.empty(nh, np.float32)
        o = b & 1
        for k in range(nz):
            a = first[b + 1, k, 1:]
            for h in range((nh - o + 1) // 2):
                spread[2 * h + o] = a[h]
            a = second[b + 1, k, 1:]
            for h in range((nh + o) // 2):
                spread[2 * h + 1 - o] = a[h]
            for j in range(2 * b + 1, min(2 * b + 3, rows + 1)):
                a, c = x[j, k, 1:], mask[j, k, 1:]
                for h in range(nh):
                    a[h] += spread[h] if c[h] != 0 else np.float32(0.0)
