"""Parallel digital lines: every cell of a raster lies on exactly one line of each direction.

A line steps along the axis that the direction follows more, one cell at a time, and moves sideways
whenever the direction has moved by half a cell. Lines are walked from the far end of the direction
they look to, so that what can hide the sky is met before what it hides it from.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

WIDTH = 16  # lines copied together: one cache line of a row


class Way(NamedTuple):
    """The lines of one direction.

    Parameters
    ----------
    shift
        Sideways step of a line at each place along it, (places,) [cells].
    upright
        True where lines step along y, false along x.
    rising
        True where the direction looks to rising y (or x), so that walking starts at the high end.
    slope
        Sideways way over the way along the axis [1].
    step
        Way between two cells of a line [cells].
    first
        Sideways place at which the lowest line would be without a shift [cells].
    lines
        Number of lines.
    """

    shift: NDArray[np.int64]
    upright: bool
    rising: bool
    slope: float
    step: float
    first: int
    lines: int


def way_to(azimuth: float, ny: int, nx: int) -> Way:
    """Return the lines of a raster that look to one direction.

    Parameters
    ----------
    azimuth
        Direction looked to, clockwise from north [degrees].
    ny, nx
        Size of the raster [cells].

    Notes
    -----
    The lines are laid out from the middle of the raster, so that a raster turned by 90 degrees has
    the same lines, turned.
    """
    quarter = round(azimuth / 90.0)
    # Within 45 degrees of an axis; rounded so that a diagonal is one.
    off = round(math.tan(math.radians(azimuth - 90.0 * quarter)), 12)
    quarter %= 4
    upright = quarter % 2 == 0
    rising = quarter in (0, 1)
    # Seen along the axis, clockwise is to the right: east of north, south of east.
    slope = off if upright else -off
    places, across = (ny, nx) if upright else (nx, ny)
    middle = 0.5 * (places - 1)
    shift = np.floor((np.arange(places) - middle) * slope + 0.5).astype(np.int64)
    first = -int(shift.max())
    lines = across - int(shift.min()) - first
    return Way(shift, upright, rising, slope, math.hypot(1.0, slope), first, lines)


@njit(cache=True, nogil=True)
def ends(way: Way, line: int, across: int) -> tuple[int, int]:
    """Return where a walk along a line begins and the place after its end.

    Parameters
    ----------
    way
        The direction.
    line
        Number of the line.
    across
        Size of the raster across the lines [cells].
    """
    places = len(way.shift)
    c = way.first + line
    if way.slope >= 0:  # inside from the first shift >= -c to the last < across - c
        low = np.searchsorted(way.shift, -c)
        high = np.searchsorted(way.shift, across - c)
    else:
        low = places - np.searchsorted(way.shift[::-1], across - c)
        high = places - np.searchsorted(way.shift[::-1], -c)
    if way.rising:
        low, high = places - high, places - low
    return int(low), int(high)


@njit(cache=True, nogil=True)
def gather(values: NDArray[Any], way: Way, first: int, count: int, out: NDArray[Any]) -> None:
    """Copy some lines of a raster, in walking order.

    Parameters
    ----------
    values
        (ny, nx).
    way
        The direction.
    first, count
        Lines to copy.
    out
        (count or more, places or more), written inside the ends of each line.
    """
    places = len(way.shift)
    across = values.shape[1] if way.upright else values.shape[0]
    for w in range(places):
        p = places - 1 - w if way.rising else w
        c = way.first + first + way.shift[p]
        low, high = max(0, -c), min(count, across - c)
        if way.upright:
            for n in range(low, high):
                out[n, w] = values[p, c + n]
        else:
            for n in range(low, high):
                out[n, w] = values[c + n, p]


@njit(cache=True, nogil=True)
def scatter(lines: NDArray[np.uint16], way: Way, first: int, count: int, pad: int,
            out: NDArray[np.uint16]) -> None:
    """Copy some lines, in walking order, into a raster that leaves out the rim.

    Parameters
    ----------
    lines
        (count or more, places or more).
    way
        The direction.
    first, count
        Lines to copy.
    pad
        Width of the rim [cells].
    out
        (ny - 2 pad, nx - 2 pad), written where these lines are.
    """
    ny, nx = out.shape
    inner, across = (ny, nx) if way.upright else (nx, ny)
    places = len(way.shift)
    for p in range(pad, pad + inner):
        w = places - 1 - p if way.rising else p
        c = way.first + first + way.shift[p] - pad
        low, high = max(0, -c), min(count, across - c)
        if way.upright:
            for n in range(low, high):
                out[p - pad, c + n] = lines[n, w]
        else:
            for n in range(low, high):
                out[c + n, p - pad] = lines[n, w]
