"""Kernels between the faces of the grid and its cells: what flows in, and the correction."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

Cells = NDArray[np.float32]
Codes = NDArray[np.uint8]
Short = NDArray[np.int16]
Sums = NDArray[np.float64]


@njit(cache=True, nogil=True)
def mark_open(line: Codes, ground: Short, top: Short, under: Short, j: int, k: int) -> None:
    """Write which cells of a row hold air, from slot 1 on."""
    for i in range(top.shape[1]):
        line[i + 1] = (k >= top[j, i]) | ((k >= ground[j, i]) & (k < under[j, i]))


@njit(cache=True, nogil=True, fastmath={"contract"}, error_model="numpy")
def gather(start: int, stop: int, u: Cells, v: Cells, w: Cells, ground: Short, top: Short,
           under: Short, dz: Cells, cell: np.float32, weight: Cells, codes: tuple[Codes, Codes],
           rhs: tuple[Cells, Cells], sums: Sums, worst: Cells) -> None:
    """Close the faces of closed cells and lay out what flows out of each cell, by colour.

    Parameters
    ----------
    start, stop
        Rows to work on.
    u, v, w
        Velocities on the faces; set to 0 in place on closed faces.
    ground, top, under
        Columns as in `Domain`.
    dz
        Thickness of the levels [m].
    cell
        Side of a cell [m].
    weight
        Weight of each level in the sum of squares.
    codes
        Open sides per colour as in `columns.smooth_finest`, overwritten.
    rhs
        Outflow per colour over the cell side [m2/s], overwritten.
    sums, worst
        Weighted sum of squares of the outflow per row, and its largest size over the cell side
        and the level's thickness.
    """
    ny, nz, nx = w.shape[0], w.shape[1] - 1, w.shape[2]
    nh = (nx + 1) // 2
    for j in range(start, stop):
        lines = np.zeros((5, nx + 2), np.uint8)
        code = np.zeros(2 * nh, np.uint8)
        out = np.zeros(2 * nh, np.float32)
        squares = np.zeros(nx, np.float32)
        most = np.zeros(nx, np.float32)
        o = j & 1
        here, above, below, south, north = lines[0], lines[1], lines[2], lines[3], lines[4]
        mark_open(here, ground, top, under, j, 0)
        for k in range(nz):
            if k < nz - 1:
                mark_open(above, ground, top, under, j, k + 1)
            else:
                above[:] = here
            if j > 0:
                mark_open(south, ground, top, under, j - 1, k)
            else:
                south[:] = here
            if j < ny - 1:
                mark_open(north, ground, top, under, j + 1, k)
            else:
                north[:] = here
            here[0], here[nx + 1] = here[1], here[nx]
            uk, vs, vn, wb, wt = u[j, k], v[j, k], v[j + 1, k], w[j, k], w[j, k + 1]
            for i in range(nx + 1):
                uk[i] = uk[i] if here[i] & here[i + 1] else np.float32(0.0)
            for i in range(nx):
                vs[i] = vs[i] if here[i + 1] & south[i + 1] else np.float32(0.0)
            for i in range(nx):
                wb[i] = wb[i] if here[i + 1] & below[i + 1] else np.float32(0.0)
            if k == nz - 1:
                for i in range(nx):
                    wt[i] = wt[i] if here[i + 1] else np.float32(0.0)
            if j == ny - 1:
                for i in range(nx):
                    vn[i] = vn[i] if here[i + 1] else np.float32(0.0)
            side, share = dz[k], weight[k]
            scale = np.float32(1.0) / side
            for i in range(nx):
                r = uk[i + 1] - uk[i] - vs[i]
                r += vn[i] if here[i + 1] & north[i + 1] else np.float32(0.0)
                out[i] = side * r
            for i in range(nx):
                r = (wt[i] if here[i + 1] & above[i + 1] else np.float32(0.0)) - wb[i]
                out[i] += cell * r
            for i in range(nx):
                squares[i] += share * out[i] * out[i]
                most[i] = max(most[i], abs(scale * out[i]))
            for i in range(nx):
                count = here[i] + here[i + 2] + south[i + 1] + north[i + 1]
                code[i] = here[i + 1] * (count + (below[i + 1] << 4) + (above[i + 1] << 5))
            code[0] += here[1]
            code[nx - 1] += here[nx]
            if j == 0:
                for i in range(nx):
                    code[i] += here[i + 1]
            if j == ny - 1:
                for i in range(nx):
                    code[i] += here[i + 1]
            for colour in range(2):
                s = o if colour == 0 else 1 - o
                c, r1 = codes[colour][j + 1, k, 1:], rhs[colour][j + 1, k, 1:]
                for h in range(nh):
                    c[h] = code[2 * h + s]
                    r1[h] = out[2 * h + s]
            below[:] = here
            here[:] = above
        total = 0.0
        largest = np.float32(0.0)
        for i in range(nx):
            total += squares[i]
            largest = max(largest, most[i])
        sums[j] = total
        worst[j] = largest


@njit(cache=True, nogil=True, fastmath={"contract"}, error_model="numpy")
def correct(start: int, stop: int, u: Cells, v: Cells, w: Cells, ground: Short, top: Short,
            under: Short, lift: Cells, x: tuple[Cells, Cells]) -> None:
    """Add the gradient of the unknown to the open faces.

    Parameters
    ----------
    start, stop
        Rows to work on.
    u, v, w
        Velocities on the faces, changed in place.
    ground, top, under
        Columns as in `Domain`.
    lift
        What a unit step of the unknown adds to w, per level boundary.
    x
        Unknown per colour.
    """
    ny, nz, nx = w.shape[0], w.shape[1] - 1, w.shape[2]
    nh = (nx + 1) // 2
    for j in range(start, stop):
        opens = np.zeros((3, nx + 2), np.uint8)
        value = np.zeros((4, 2 * nh + 2), np.float32)
        here, south, below = opens[0], opens[1], opens[2]
        for k in range(nz):
            mark_open(here, ground, top, under, j, k)
            a, c, d = value[k & 1], value[2], value[1 - (k & 1)]
            for row in range(2):
                if row == 0 or j > 0:
                    o = (j - row) & 1
                    p = a if row == 0 else c
                    for colour in range(2):
                        s = o if colour == 0 else 1 - o
                        y = x[colour][j + 1 - row, k, 1:]
                        for h in range(nh):
                            p[2 * h + 1 + s] = y[h]
            a[0], a[nx + 1] = -a[1], -a[nx]
            here[0], here[nx + 1] = here[1], here[nx]
            uk, vs, vn, wb, wt = u[j, k], v[j, k], v[j + 1, k], w[j, k], w[j, k + 1]
            for i in range(nx + 1):
                uk[i] += a[i + 1] - a[i] if here[i] & here[i + 1] else np.float32(0.0)
            if j > 0:
                mark_open(south, ground, top, under, j - 1, k)
                for i in range(nx):
                    step = a[i + 1] - c[i + 1]
                    vs[i] += step if here[i + 1] & south[i + 1] else np.float32(0.0)
            else:
                for i in range(nx):
                    vs[i] += np.float32(2.0) * a[i + 1] if here[i + 1] else np.float32(0.0)
            if j == ny - 1:
                for i in range(nx):
                    vn[i] -= np.float32(2.0) * a[i + 1] if here[i + 1] else np.float32(0.0)
            if k > 0:
                for i in range(nx):
                    step = lift[k] * (a[i + 1] - d[i + 1])
                    wb[i] += step if here[i + 1] & below[i + 1] else np.float32(0.0)
            if k == nz - 1:
                for i in range(nx):
                    wt[i] -= lift[nz] * a[i + 1] if here[i + 1] else np.float32(0.0)
            below[:] = here
