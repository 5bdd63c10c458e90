"""The wind at points: velocities between the faces, and how turbulent it is there."""

from __future__ import annotations

import math

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

F32 = NDArray[np.float32]


@njit(cache=True, nogil=True)
def _is_open(k: int, top: int, ground: int, under: int) -> bool:
    return k >= top or (ground <= k < under)


@njit(cache=True, nogil=True, parallel=True)
def read_points(u: F32, v: F32, w: F32, top: NDArray[np.int16], ground: NDArray[np.int16],
                under: NDArray[np.int16], faces: NDArray[np.float64], speed: F32, gain: F32,
                x: NDArray[np.float64], y: NDArray[np.float64], z: NDArray[np.float64],
                z_speed: NDArray[np.float64], z_k: NDArray[np.float64], cell: float,
                length: F32, roof_speed: F32, shear: float, wake: float, cap: float,
                fall: float, out: F32) -> None:
    """Write u, v, w and k at points into ``out`` (4, n); NaN in walls and outside.

    Between cell centres the velocity over the undisturbed speed of its height is linear, in the
    open neighbours alone; so the wind follows the profile down to the ground.
    """
    ny, nx = top.shape
    nz = len(faces) - 1
    for p in prange(len(x)):
        for q in range(4):
            out[q, p] = math.nan
        gx, gy = x[p] / cell - 0.5, y[p] / cell - 0.5
        ci, cj = math.floor(x[p] / cell), math.floor(y[p] / cell)
        if ci < 0 or cj < 0 or ci >= nx or cj >= ny or z[p] < 0:
            continue
        floor = ground[cj, ci]
        height = z[p] + faces[floor]
        if height >= faces[nz]:
            continue
        own = int(np.searchsorted(faces, height, side="right")) - 1
        if not _is_open(own, top[cj, ci], floor, under[cj, ci]):
            continue
        centre = 0.5 * (faces[own] + faces[own + 1])
        k0 = own if height >= centre else own - 1
        c0 = 0.5 * (faces[k0] + faces[k0 + 1]) if k0 >= 0 else 0.0
        c1 = 0.5 * (faces[k0 + 1] + faces[k0 + 2]) if k0 + 1 < nz else c0 + 1.0
        tz = (height - c0) / (c1 - c0) if k0 >= 0 else 1.0
        i0, j0 = math.floor(gx), math.floor(gy)
        tx, ty = gx - i0, gy - j0
        total = 0.0
        su, sv, sw, sg = 0.0, 0.0, 0.0, 0.0
        for a in range(2):
            k = k0 + a
            if k < 0 or k >= nz:
                continue
            wz = tz if a else 1.0 - tz
            for b in range(2):
                j = j0 + b
                if j < 0 or j >= ny:
                    continue
                wy = ty if b else 1.0 - ty
                for c in range(2):
                    i = i0 + c
                    if i < 0 or i >= nx:
                        continue
                    weight = wz * wy * (tx if c else 1.0 - tx)
                    if weight <= 0 or not _is_open(k, top[j, i], ground[j, i], under[j, i]):
                        continue
                    free = speed[ground[j, i], k] * gain[j, i]
                    scale = min(z_speed[p] / free, 2.0) if free > 0 else 1.0
                    uc = 0.5 * (u[j, k, i] + u[j, k, i + 1])
                    vc = 0.5 * (v[j, k, i] + v[j + 1, k, i])
                    wc = 0.5 * (w[j, k, i] + w[j, k + 1, i])
                    total += weight
                    su += weight * uc * scale
                    sv += weight * vc * scale
                    sw += weight * wc * scale
                    sg += weight * _strain(u, v, w, j, k, i, cell)
        if total <= 0:
            continue
        out[0, p], out[1, p], out[2, p] = su / total, sv / total, sw / total
        left = math.sqrt(su * su + sv * sv + sw * sw) / total
        lost = max(1.0 - left / z_speed[p], 0.0) if z_speed[p] > 0 else 0.0
        size = 0.4 * min(z[p] + 0.5, 0.25 * length[cj, ci])
        ref = roof_speed[cj, ci] ** 2
        brought = z_k[p] * (1.0 - lost) ** fall
        out[3, p] = (brought + min(shear * size * size * sg / total, cap * ref)
                     + wake * ref * lost)


@njit(cache=True, nogil=True)
def _strain(u: F32, v: F32, w: F32, j: int, k: int, i: int, cell: float) -> float:
    """Return 2 S_ij S_ij of the horizontal gradients of a cell [s-2]."""
    ny, nx = w.shape[0], w.shape[2]
    ux = (u[j, k, i + 1] - u[j, k, i]) / cell
    vy = (v[j + 1, k, i] - v[j, k, i]) / cell
    jm, jp, im, ip = max(j - 1, 0), min(j + 1, ny - 1), max(i - 1, 0), min(i + 1, nx - 1)
    uy = 0.5 * (u[jp, k, i] + u[jp, k, i + 1] - u[jm, k, i] - u[jm, k, i + 1]
                ) / (max(jp - jm, 1) * cell)
    vx = 0.5 * (v[j, k, ip] + v[j + 1, k, ip] - v[j, k, im] - v[j + 1, k, im]
                ) / (max(ip - im, 1) * cell)
    strain: float = 2.0 * (ux * ux + vy * vy) + (uy + vx) ** 2
    return strain


@njit(cache=True, nogil=True, parallel=True)
def to_faces(u: F32, v: F32, w: F32) -> None:
    """Turn values of cells, kept at the low side of each, into values of faces, in place."""
    ny, nz, nx = w.shape[0], w.shape[1] - 1, w.shape[2]
    half = np.float32(0.5)
    for j in prange(ny):
        for k in range(nz):
            u[j, k, nx] = u[j, k, nx - 1]
            for i in range(nx - 1, 0, -1):
                u[j, k, i] = half * (u[j, k, i] + u[j, k, i - 1])
        w[j, nz] = w[j, nz - 1]
        for k in range(nz - 1, 0, -1):
            for i in range(nx):
                w[j, k, i] = half * (w[j, k, i] + w[j, k - 1, i])
    for k in prange(nz):
        v[ny, k] = v[ny - 1, k]
        for j in range(ny - 1, 0, -1):
            for i in range(nx):
                v[j, k, i] = half * (v[j, k, i] + v[j - 1, k, i])
