"""How far buildings and trees slow the wind behind and beside them.

The classical zones know one building at a time. The streets of a city slow down over many: every
wall takes momentum, the wakes merge, and only mixing with the air above and beside brings it back.
Here the share of the undisturbed wind that is left, m, is carried along the wind, one slab of cells
after the other: the momentum equation of a boundary layer, linear about the undisturbed wind::

    dm/ds = d/dn (a_n L dm/dn) + d/dz (a_z L dm/dz) - Cd a m

with s along and n across the wind, m = 0 in buildings, L the height of what stands around and Cd a
the drag of leaves. Heights are above the ground of each column: the air follows the ground here,
and what hills do to it is left to the solver. It costs about one sweep over the cells near the
ground.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numba import get_num_threads, njit, prange
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter

from twin.wind.canopy import Canopy
from twin.wind.domain import Domain, Short

F32 = NDArray[np.float32]
AROUND = 50.0  # half the side of the square that counts as around a column [m]
POROUS = 0.1   # mixing height of a crown over its height
NEAR = 5.0    # from the diagonal, where slabs of columns and of rows are mixed [degrees]
RIM = 2        # columns beside a band that the wind can come from
CHUNK = 16     # slabs kept before they are written, so that a cache line is written once
NARROWEST = 64 # columns of a thread's band at least
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
        Drag of the walls beside and of the roofs below: momentum taken per metre of way, over the
        distance it is taken from [1].
    """

    side: float = 0.064
    up: float = 0.37
    above: float = 3.4
    wall: float = 0.22
    roof: float = 0.02


def mixing_height(domain: Domain, canopy: Canopy) -> F32:
    """Return the height of what stands around each column, 0 far from any, (ny, nx) [m].

    Notes
    -----
    The mean over what is built or grown, weighted by height, so that a tower among low houses
    counts.
    """
    width = 2 * round(AROUND / domain.cell) + 1
    h = np.maximum(domain.height, POROUS * canopy.height)
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
    share[:] = 1.0
    if not (length > 0).any():
        return 0
    nz = domain.shape[1]
    highest = int(max((domain.top - domain.ground).max(), (canopy.high - domain.ground).max()))
    levels = min(nz, int(np.searchsorted(domain.faces, 2.0 * domain.faces[highest])) + 1)
    turned = abs(along[0]) >= abs(along[1])  # slabs are columns, else rows
    other = _other_way(along)
    _carry(share, domain, canopy, length, along, mixing, levels, turned, 1.0 - other)
    if other > 0:
        _carry(share, domain, canopy, length, along, mixing, levels, not turned, other)
    return levels


def _other_way(along: tuple[float, float]) -> float:
    """Return the weight of slabs the other way: half at the diagonal, none 5 degrees from it."""
    off = abs(math.degrees(math.atan2(abs(along[1]), abs(along[0]))) - 45.0) / NEAR
    part = min(max(1.0 - off, 0.0), 1.0)
    return 0.5 * part * part * (3.0 - 2.0 * part)


def _carry(share: F32, domain: Domain, canopy: Canopy, length: F32, along: tuple[float, float],
           mixing: Mixing, levels: int, turned: bool, weight: float) -> None:
    """Take what one march loses, times ``weight``, off the share."""
    main, cross = along if turned else along[::-1]
    back = main < 0

    def ordered(values: NDArray[Any]) -> NDArray[Any]:
        rows = values.T if turned else values
        return np.ascontiguousarray(rows[::-1] if back else rows)

    step = domain.cell / abs(main)
    rate = 2.0 * mixing.side * step / domain.cell ** 2
    drift = cross / abs(main)
    part = abs(drift) % 1.0
    spread = part * (1 - part)  # by the interpolation, taken off the mixing
    passes = max(1, math.ceil((rate * float(length.max()) - spread) / STEADY))
    f32 = np.float32
    top, size = ordered(domain.top - domain.ground), ordered(length)
    slabs, across = top.shape
    before, after = (np.ones((levels, across + 2 * RIM), f32) for _ in range(2))
    met, met_after = (np.zeros(across, f32) for _ in range(2))
    kept = np.empty((CHUNK, levels, across), f32)
    ground = _Slabs(top, ordered(domain.top > domain.ground),
                    ordered(canopy.low - domain.ground), ordered(canopy.high - domain.ground),
                    ordered(np.exp(-canopy.drag * f32(step))), size)
    rates = _Rates(f32(drift), f32(spread), f32(rate), f32(mixing.up * step), f32(mixing.above),
                   f32(mixing.wall * step / domain.cell), f32(mixing.roof * step))
    faces = domain.faces.astype(f32)
    found = np.searchsorted(domain.faces, domain.above_ground, side="right") - 1
    level = np.where(domain.above_ground > 0, found, -1).astype(np.int16)
    bands = max(1, min(get_num_threads(), across // NARROWEST))
    for start in range(0, slabs, CHUNK):
        stop = min(start + CHUNK, slabs)
        _march(before, after, met, met_after, kept, ground, faces, start, stop, passes, bands,
               rates)
        before, after, met, met_after = after, before, met_after, met
        _put(share, kept, domain.ground, level, start, stop, slabs, back, turned, f32(weight))


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
def _put(share: F32, kept: F32, ground: Short, level: Short, start: int, stop: int, slabs: int,
         back: bool, turned: bool, weight: np.float32) -> None:
    """Take what was lost in some slabs off the share, at the levels their heights lie in."""
    levels, across = kept.shape[1], kept.shape[2]
    nz = share.shape[1] if len(level) > 1 else levels  # one level of ground: heights are levels
    one = np.float32(1.0)
    rows = across if turned else stop - start
    columns = stop - start if turned else across
    for row in prange(rows):
        for k in range(nz):
            if len(level) == 1:
                for column in range(columns):
                    s = column if turned else np.int64(row)
                    at = slabs - 1 - start - s if back else start + s
                    if turned:
                        share[row, k, at] -= weight * (one - kept[s, k, row])
                    else:
                        share[at, k, column] -= weight * (one - kept[s, k, column])
                continue
            for column in range(columns):
                n = np.int64(row if turned else column)
                s = np.int64(column if turned else row)
                at = slabs - 1 - start - s if back else start + s
                j = n if turned else at
                i = at if turned else n
                above = level[ground[j, i], k]
                if 0 <= above < levels:
                    share[j, k, i] -= weight * (one - kept[s, above, n])


@njit(cache=True, nogil=True, parallel=True)
def _march(before: F32, after: F32, met: F32, met_after: F32, kept: F32, g: _Slabs, faces: F32,
           start: int, stop: int, passes: int, bands: int, r: _Rates) -> None:
    """Carry ``before`` (levels, across + 2 RIM) over the slabs start to stop and keep each one.

    Every thread carries a band of columns, and beside it as many as can reach the band within
    these slabs, so that threads meet once and any number of them gives the same result.
    """
    levels, across = len(before), len(met)
    halo = (stop - start) * (passes + RIM)
    for band in prange(bands):
        n0, n1 = band * across // bands, (band + 1) * across // bands
        low, high = max(n0 - halo, 0), min(n1 + halo, across)
        width = high - low
        now = before[:, low:high + 2 * RIM].copy()  # two columns more on either side
        length = met[low:high].copy()
        scratch = np.empty(width + 2 * RIM, np.float32)
        rate = np.empty(width + 2 * RIM, np.float32)
        c = np.empty((levels, width + 2 * RIM), np.float32)
        top = np.zeros(width + 2 * RIM, np.int16)
        for s in range(start, stop):
            top[RIM:-RIM] = g.top[s, low:high]
            _eddies(length, g.length[s, low:high], rate, passes, r)
            for k in range(levels):
                _sideways(now[k], scratch, k, top, rate, g.low[s, low:high], g.high[s, low:high],
                          g.leaves[s, low:high], passes, r)
            _upwards(now, c, top, g.built[s, low:high], length, faces, r)
            for k in range(levels):
                for n in range(n0, n1):
                    kept[s - start, k, n] = now[k, n - low + RIM]
        after[:, n0 + RIM:n1 + RIM] = now[:, n0 - low + RIM:n1 - low + RIM]
        met_after[n0:n1] = length[n0 - low:n1 - low]


@njit(cache=True, nogil=True)
def _eddies(length: F32, here: F32, rate: F32, passes: int, r: _Rates) -> None:
    """Carry the size of the largest eddies met so far; write the exchange sideways per pass."""
    width = len(length)
    way, near = 1 if r.drift >= 0 else -1, int(abs(r.drift))
    t = np.float32(abs(r.drift) - near)
    last = length.copy()
    for n in range(width):
        a, b = n - way * near, n - way * (near + 1)
        close = last[a] if 0 <= a < width else np.float32(0.0)
        far = last[b] if 0 <= b < width else np.float32(0.0)
        length[n] = max(here[n], (np.float32(1.0) - t) * close + t * far)
        rate[n + RIM] = (max(r.side * length[n] - r.spread, np.float32(0.0)) * np.float32(0.5)
                       / np.float32(passes))


@njit(cache=True, nogil=True)
def _sideways(now: F32, last: F32, k: int, top: Short, rate: F32, low: Short, high: Short,
              leaves: F32, passes: int, r: _Rates) -> None:
    """Carry one level of a slab with the wind, then mix it sideways."""
    one, nil = np.float32(1.0), np.float32(0.0)
    way, near = 1 if r.drift >= 0 else -1, int(abs(r.drift))
    t = np.float32(abs(r.drift) - near)
    end = len(now) - RIM
    last[:] = now
    first, second = way * near, way * (near + 1)
    for n in range(RIM, end):
        m = (one - t) * last[n - first] + t * last[n - second]
        m *= leaves[n - RIM] if low[n - RIM] <= k < high[n - RIM] else one
        now[n] = nil if k < top[n] else m
    taken = r.wall / np.float32(passes)
    for _ in range(passes):
        last[:] = now
        for n in range(RIM, end):
            here = last[n]
            walls = (one if k < top[n - 1] else nil) + (one if k < top[n + 1] else nil)
            left = here if k < top[n - 1] else last[n - 1]
            right = here if k < top[n + 1] else last[n + 1]
            mixed = here + rate[n] * (left + right - here - here) - taken * walls * here
            now[n] = nil if k < top[n] else mixed


@njit(cache=True, nogil=True)
def _upwards(now: F32, c: F32, top: Short, built: NDArray[np.bool_], length: F32, faces: F32,
             r: _Rates) -> None:
    """Mix a slab upwards, implicitly; the wind above is undisturbed."""
    one, nil = np.float32(1.0), np.float32(0.0)
    levels, end = len(now), now.shape[1] - RIM
    for k in range(levels):
        dz = faces[k + 1] - faces[k]
        gap = np.float32(0.5) * (faces[min(k + 2, levels)] - faces[k])
        under = np.float32(0.5) * (faces[k + 1] - faces[max(k - 1, 0)])
        row, row_c = now[k], c[k]
        past, past_c = now[max(k - 1, 0)], c[max(k - 1, 0)]
        for n in range(RIM, end):
            size = length[n - RIM]
            rate = r.up * size / dz
            above = rate / gap * _rest(faces[k + 1], size, r.above)
            below = rate / under * _rest(faces[k], size, r.above)
            on_roof = k == top[n]
            taken = r.roof / dz if built[n - RIM] else nil
            m = one / (one + above + (taken if on_roof else below - below * past_c[n]))
            solid = k < top[n]
            row_c[n] = nil if solid else above * m
            row[n] = nil if solid else (row[n] + (nil if on_roof else below * past[n])) * m
    for n in range(RIM, end):
        now[levels - 1, n] += c[levels - 1, n]
    for k in range(levels - 2, -1, -1):
        row, row_c, past = now[k], c[k], now[k + 1]
        for n in range(RIM, end):
            row[n] += row_c[n] * past[n]


@njit(cache=True, nogil=True)
def _rest(z: np.float32, length: np.float32, above: np.float32) -> np.float32:
    """Return the upward mixing over that between the roofs: 1 below L, `above` from 1.5 L."""
    part = (z - length) / (np.float32(0.5) * length + np.float32(1e-6))
    part = min(max(part, np.float32(0.0)), np.float32(1.0))
    return np.float32(1.0) + (above - np.float32(1.0)) * part
