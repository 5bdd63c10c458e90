"""How far buildings and trees slow the wind behind and beside them.

The classical zones know one building at a time. The streets of a city slow down over many: every
wall takes momentum, the wakes merge, and only mixing with the air above and beside brings it back.
Here the share of the undisturbed wind that is left, m, is carried along the wind, one slab of cells
after the other: the momentum equation of a boundary layer, linear about the undisturbed wind::

    dm/ds = d/dn (a_n L dm/dn) + d/dz (a_z L dm/dz) - Cd a m

with s along and n across the wind, m = 0 in buildings, L the height of what stands around and Cd a
the drag of leaves. It costs about one sweep over the cells near the ground.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter

from twin.wind.canopy import Canopy
from twin.wind.domain import Domain, Short

F32 = NDArray[np.float32]
AROUND = 50.0  # half the side of the square that counts as around a column [m]
CHUNK = 16     # slabs kept before they are written, so that a cache line is written once
PARTS = 16     # pieces a slab is cut into across the wind
STEADY = 0.8   # largest sideways exchange of one pass, below the limit of stability


class Mixing(NamedTuple):
    """How fast lost momentum is mixed, over the height of what stands around.

    Parameters
    ----------
    side, up
        Mixing across and upwards [1].
    above
        Upward mixing above the roofs over that between them [1].
    wall, roof
        Share of the momentum a wall beside and a roof below take at each exchange, 0 to 1.
    """

    side: float = 0.063
    up: float = 0.316
    above: float = 3.19
    wall: float = 0.275
    roof: float = 0.046


def mixing_height(domain: Domain, canopy: Canopy) -> F32:
    """Return the height of what stands around each column, 0 far from any, (ny, nx) [m].

    Notes
    -----
    The mean over what is built or grown, weighted by height, so that a tower among low houses
    counts.
    """
    width = 2 * round(AROUND / domain.cell) + 1
    h = np.maximum(domain.height, canopy.height)
    total = uniform_filter(h, width, mode="constant")
    square = uniform_filter(h * h, width, mode="constant")
    return np.where(total > 1e-3, square / np.maximum(total, 1e-3), 0.0).astype(np.float32)


def shelter(share: F32, domain: Domain, canopy: Canopy, length: F32, along: tuple[float, float],
            mixing: Mixing) -> int:
    """Write the share of the undisturbed wind that is left into ``share[:, :, :nx]``.

    Parameters
    ----------
    share
        (ny, nz, at least nx), written in place [1].
    length
        Height of what stands around each column, `mixing_height` [m].
    along
        Unit vector the wind blows towards.

    Returns
    -------
    int
        Levels that were computed; the share is 1 above them.
    """
    _, nz, nx = domain.shape
    share[:] = 1.0
    if not (length > 0).any():
        return 0
    highest = int(max(domain.top.max(), canopy.high.max()))
    levels = min(nz, int(np.searchsorted(domain.faces, 2.0 * domain.faces[highest])) + 1)
    turned = abs(along[0]) >= abs(along[1])  # slabs are columns, else rows
    main, cross = along if turned else along[::-1]
    back = main < 0

    def ordered(values: NDArray[Any]) -> NDArray[Any]:
        rows = values.T if turned else values
        return np.ascontiguousarray(rows[::-1] if back else rows)

    step = domain.cell / abs(main)
    rate = 2.0 * mixing.side * step / domain.cell ** 2
    drift = cross / abs(main)
    spread = abs(drift) * (1 - abs(drift))  # by the interpolation, taken off the mixing
    passes = max(1, math.ceil((rate * float(length.max()) - spread) / STEADY))
    f32 = np.float32
    top, size = ordered(domain.top), ordered(length)
    slabs, across = top.shape
    before = np.ones((levels, across), f32)
    carried = np.zeros(across, f32)
    kept = np.empty((CHUNK, levels, across), f32)
    ground = _Slabs(top, ordered(domain.top > domain.ground), ordered(canopy.low),
                    ordered(canopy.high), ordered(np.exp(-canopy.drag * f32(step))), size)
    rates = _Rates(f32(drift), f32(spread), f32(rate), f32(mixing.up * step), f32(mixing.above),
                   f32(mixing.wall), f32(mixing.roof))
    faces = domain.faces.astype(f32)
    for start in range(0, slabs, CHUNK):
        stop = min(start + CHUNK, slabs)
        _march(before, carried, kept, ground, faces, start, stop, passes, rates)
        if turned:
            _turn(share, kept, start, stop, slabs, back)
        else:
            rows = slice(slabs - stop, slabs - start) if back else slice(start, stop)
            part = kept[:stop - start]
            share[rows, :levels, :nx] = part[::-1] if back else part
    return levels


class _Slabs(NamedTuple):
    """Columns in the order the wind meets them, (slabs, across)."""

    top: Short
    built: NDArray[np.bool_]
    low: Short
    high: Short
    leaves: F32
    length: F32


class _Rates(NamedTuple):
    """Numbers of one march: sideways drift and spread, exchange sideways and upwards."""

    drift: np.float32
    spread: np.float32
    side: np.float32
    up: np.float32
    above: np.float32
    wall: np.float32
    roof: np.float32


@njit(cache=True, nogil=True, parallel=True)
def _turn(share: F32, kept: F32, start: int, stop: int, slabs: int, back: bool) -> None:
    """Write slabs that are columns."""
    for j in prange(kept.shape[2]):
        for k in range(kept.shape[1]):
            for s in range(start, stop):
                share[j, k, slabs - 1 - s if back else s] = kept[s - start, k, j]


@njit(cache=True, nogil=True, parallel=True)
def _march(before: F32, carried: F32, kept: F32, g: _Slabs, faces: F32, start: int, stop: int,
           passes: int, r: _Rates) -> None:
    """Carry ``before`` (levels, across) over the slabs start to stop and keep each one."""
    levels, across = before.shape
    one, nil = np.float32(1.0), np.float32(0.0)
    way = 1 if r.drift >= 0 else -1
    t = abs(r.drift)
    for s in range(start, stop):
        now = kept[s - start]
        length = np.empty(across, np.float32)  # of the largest eddies met so far
        for n in range(across):
            far = carried[n - way] if 0 <= n - way < across else nil
            length[n] = max(g.length[s, n], (one - t) * carried[n] + t * far)
        carried[:] = length
        for k in prange(levels):
            _sideways(before[k], now[k], k, s, g, length, way, t, passes, r)
        for part in prange(PARTS):
            _upwards(now, s, part * across // PARTS, (part + 1) * across // PARTS, g, faces,
                     length, r)
        for k in prange(levels):
            before[k] = now[k]


@njit(cache=True, nogil=True)
def _sideways(before: F32, now: F32, k: int, s: int, g: _Slabs, length: F32, way: int,
              t: np.float32, passes: int, r: _Rates) -> None:
    """Carry one level of a slab with the wind, then mix it sideways."""
    one, nil = np.float32(1.0), np.float32(0.0)
    half = np.float32(0.5) / np.float32(passes)
    across = len(now)
    for n in range(across):
        far = before[n - way] if 0 <= n - way < across else one
        now[n] = (one - t) * before[n] + t * far
    for n in range(across):
        if k < g.top[s, n]:
            now[n] = nil
        elif g.low[s, n] <= k < g.high[s, n]:
            now[n] *= g.leaves[s, n]
    last = np.empty(across, np.float32)
    for _ in range(passes):
        last[:] = now
        for n in range(across):
            if k >= g.top[s, n]:
                here = last[n]
                left = last[n - 1] if n > 0 else one
                right = last[n + 1] if n < across - 1 else one
                if n > 0 and k < g.top[s, n - 1]:
                    left = (one - r.wall) * here
                if n < across - 1 and k < g.top[s, n + 1]:
                    right = (one - r.wall) * here
                rate = max(r.side * length[n] - r.spread, nil) * half
                now[n] = here + rate * (left + right - here - here)


@njit(cache=True, nogil=True)
def _upwards(now: F32, s: int, n0: int, n1: int, g: _Slabs, faces: F32, length: F32,
             r: _Rates) -> None:
    """Mix a piece of a slab upwards, implicitly; the wind above is undisturbed."""
    one = np.float32(1.0)
    levels = len(now)
    c = np.empty((levels, n1 - n0), np.float32)
    for k in range(levels):
        dz = faces[k + 1] - faces[k]
        gap = np.float32(0.5) * (faces[min(k + 2, levels)] - faces[k])
        under = np.float32(0.5) * (faces[k + 1] - faces[max(k - 1, 0)])
        for n in range(n0, n1):
            q = n - n0
            rate = r.up * length[n] / dz
            above = rate / gap * _rest(faces[k + 1], length[n], r.above)
            below = rate / under * _rest(faces[k], length[n], r.above)
            if k < g.top[s, n]:
                c[k, q] = 0.0
            elif k == g.top[s, n]:
                taken = below * r.roof if g.built[s, n] else np.float32(0.0)
                m = one / (one + above + taken)
                c[k, q] = above * m
                now[k, n] *= m
            else:
                m = one / (one + above + below - below * c[k - 1, q])
                c[k, q] = above * m
                now[k, n] = (now[k, n] + below * now[k - 1, n]) * m
    for n in range(n0, n1):
        now[levels - 1, n] += c[levels - 1, n - n0]
    for k in range(levels - 2, -1, -1):
        for n in range(n0, n1):
            if k >= g.top[s, n]:
                now[k, n] += c[k, n - n0] * now[k + 1, n]


@njit(cache=True, nogil=True, inline="always")
def _rest(z: np.float32, length: np.float32, above: np.float32) -> np.float32:
    """Return the upward mixing over that between the roofs: 1 below L, `above` from 1.5 L."""
    part = (z - length) / (np.float32(0.5) * length + np.float32(1e-6))
    part = min(max(part, np.float32(0.0)), np.float32(1.0))
    return np.float32(1.0) + (above - np.float32(1.0)) * part
