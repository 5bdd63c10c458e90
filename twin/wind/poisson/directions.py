"""Kernels for the vectors of conjugate gradients: one colour, rows from `start` to `stop`."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

Cells = NDArray[np.float32]
Sums = NDArray[np.float64]


@njit(cache=True, nogil=True, fastmath={"contract"}, error_model="numpy")
def step(start: int, stop: int, x: Cells, p: Cells, r: Cells, q: Cells, alpha: np.float32,
         weight: Cells, sums: Sums) -> None:
    """Go a step along `p` and take its image `q` off the remainder.

    Parameters
    ----------
    start, stop
        Rows to work on.
    x, r
        Unknown and remainder, changed in place.
    p, q
        Direction and its image.
    alpha
        Length of the step.
    weight
        Weight of each level in the sum of squares.
    sums
        Weighted sum of squares of the remainder per row, overwritten.
    """
    nz, nh = x.shape[1], x.shape[2] - 2
    for j in range(start + 1, stop + 1):
        squares = np.zeros(nh, np.float32)
        for k in range(nz):
            a, b, c, d = x[j, k, 1:], p[j, k, 1:], r[j, k, 1:], q[j, k, 1:]
            share = weight[k]
            for h in range(nh):
                a[h] += alpha * b[h]
            for h in range(nh):
                c[h] -= alpha * d[h]
                squares[h] += share * c[h] * c[h]
        total = 0.0
        for h in range(nh):
            total += squares[h]
        sums[j - 1] = total


@njit(cache=True, nogil=True, fastmath={"contract"}, error_model="numpy")
def inner(start: int, stop: int, a: Cells, b: Cells, sums: Sums) -> None:
    """Write the inner product of two arrays per row into `sums`, rows `start` to `stop`."""
    nz, nh = a.shape[1], a.shape[2] - 2
    for j in range(start + 1, stop + 1):
        dots = np.zeros(nh, np.float32)
        for k in range(nz):
            one, two = a[j, k, 1:], b[j, k, 1:]
            for h in range(nh):
                dots[h] += one[h] * two[h]
        total = 0.0
        for h in range(nh):
            total += dots[h]
        sums[j - 1] = total


@njit(cache=True, nogil=True, fastmath={"contract"}, error_model="numpy")
def turn(start: int, stop: int, p: Cells, z: Cells, beta: np.float32) -> None:
    """Make the direction `z` plus `beta` times the last one, rows `start` to `stop`."""
    nz, nh = p.shape[1], p.shape[2] - 2
    for j in range(start + 1, stop + 1):
        for k in range(nz):
            a, b = p[j, k, 1:], z[j, k, 1:]
            for h in range(nh):
                a[h] = b[h] + beta * a[h]
