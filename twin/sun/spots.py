"""Points among the cells, and the order in which the lines of a direction meet them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from twin.sun.lines import Way

F32 = NDArray[np.float32]


class Spots(NamedTuple):
    """Points whose horizon is wanted, besides the cells.

    Parameters
    ----------
    row, column
        Cell in which each point stands, (points,).
    north, east
        Where it is from the centre of that cell, (points,) [cells].
    z
        Height on the datum of the surface, (points,) [m].
    """

    row: NDArray[np.int64]
    column: NDArray[np.int64]
    north: F32
    east: F32
    z: F32


_NONE, _NO_ROW = np.zeros(0, np.float32), np.zeros(0, np.int64)
NOWHERE = Spots(_NO_ROW, _NO_ROW, _NONE, _NONE, _NONE)


class Threaded(NamedTuple):
    """Points in the order in which the lines of one direction meet them.

    Parameters
    ----------
    begin
        First point of each line, (lines + 1,).
    number
        Number of the point, (points,).
    place
        Place of its cell in the walk, (points,).
    exact
        Where it is itself in the walk, (points,) [steps].
    """

    begin: NDArray[np.int64]
    number: NDArray[np.int64]
    place: NDArray[np.int64]
    exact: F32


def thread_spots(spots: Spots, way: Way) -> Threaded:
    """Return the points in the order of the walk along the lines of one direction."""
    along, across = (spots.row, spots.column) if way.upright else (spots.column, spots.row)
    off, aside = (spots.north, spots.east) if way.upright else (spots.east, spots.north)
    line = across - way.shift[along] - way.first
    forth = (off + way.slope * aside) / way.step**2
    place = len(way.shift) - 1 - along if way.rising else along
    order, _ = _sorted(np.arange(len(line)), place, len(way.shift))
    order, begin = _sorted(order, line, way.lines)
    exact = place + (-forth if way.rising else forth)
    return Threaded(begin, order, place[order], exact[order].astype(np.float32))


@njit(cache=True, nogil=True)
def _sorted(order: NDArray[np.int64], keys: NDArray[np.int64],
            most: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return numbers in the order of their keys, equal ones as they were, and where keys begin."""
    begin = np.zeros(most + 1, np.int64)
    for n in order:
        begin[keys[n] + 1] += 1
    for k in range(most):
        begin[k + 1] += begin[k]
    to = begin[:-1].copy()
    out = np.empty_like(order)
    for n in order:
        out[to[keys[n]]] = n
        to[keys[n]] += 1
    return out, begin
