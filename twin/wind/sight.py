"""What a column sees: walls along the wind, the edge of its own roof, side walls near it."""

from __future__ import annotations

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

from twin.wind.formulas import edge_scale, fade

Short = NDArray[np.int16]
F32 = NDArray[np.float32]


@njit(cache=True, nogil=True)
def steps(offset: float) -> int:
    """Return the whole cells of an offset; halves go outwards, so that mirrored views agree."""
    return math.floor(offset + 0.5) if offset >= 0 else -math.floor(0.5 - offset)


@njit(cache=True, nogil=True)
def walls(j: int, i: int, dx: float, dy: float, aside: float, top: Short, ground: Short,
          reach: F32, cell: float, at: NDArray[np.int64], away: F32) -> int:
    """Collect the walls seen from a column towards (dx, dy), each higher than the one before.

    Parameters
    ----------
    aside
        How far left of the column's middle the look begins [cells].
    reach
        How far walls above a level can act, (levels,) [m].
    at, away
        Filled with the flat index of the wall's column and its distance [m].

    Returns
    -------
    int
        How many there are. A hill ends the view.
    """
    ny, nx = top.shape
    count, level, n = 0, int(top[j, i]), 1
    while level < len(reach):
        d = (n - 0.5) * cell
        if d > reach[level]:
            break
        jj, ii = j + steps(n * dy + aside * dx), i + steps(n * dx - aside * dy)
        if jj < 0 or jj >= ny or ii < 0 or ii >= nx:
            break
        if top[jj, ii] > level:
            if top[jj, ii] == ground[jj, ii]:
                break
            count = min(count + 1, len(at))  # the highest is kept whatever stands before it
            at[count - 1], away[count - 1] = jj * nx + ii, d
            level = int(top[jj, ii])
        n += 1
    return count


@njit(cache=True, nogil=True)
def roof_edge(j: int, i: int, cx: float, cy: float, top: Short, normal: F32, longest: float,
              cell: float) -> tuple[float, float]:
    """Return how far upwind the edge of the roof is and how square the wind meets it.

    The distance is 0 where there is no edge within ``longest`` or a higher wall comes first [m].
    """
    ny, nx = top.shape
    n = 1
    while (n - 0.5) * cell <= longest:
        jj, ii = j - steps(n * cy), i - steps(n * cx)
        if jj < 0 or jj >= ny or ii < 0 or ii >= nx or top[jj, ii] > top[j, i]:
            break
        if top[jj, ii] < top[j, i]:
            je, ie = j - steps((n - 1) * cy), i - steps((n - 1) * cx)
            square = -(normal[0, je, ie] * cx + normal[1, je, ie] * cy)
            return (n - 0.5) * cell, max(square, 0.0)
        n += 1
    return 0.0, 0.0


@njit(cache=True, nogil=True)
def side_wall(j: int, i: int, cx: float, cy: float, cells: int, top: Short, ground: Short,
              leaf: NDArray[np.int32], width: F32, height: F32, normal: F32,
              cell: float) -> tuple[int, float, float]:
    """Return the top of a side wall near an open column, the place in its layer and its weight.

    The layer is 0.11 R wide and 0.9 R long from the windward corner; the place is 0 at the wall
    and 1 at the layer's edge. The top is 0 where there is none.
    """
    ny, nx = top.shape
    best, place, heaviest = 0, 0.0, 0.0
    for s in range(1, cells + 1):
        for way in (-1, 1):
            jj, ii = j + way * steps(s * cx), i - way * steps(s * cy)
            if jj < 0 or jj >= ny or ii < 0 or ii >= nx:
                continue
            if top[jj, ii] <= max(top[j, i], ground[jj, ii]):
                continue
            block = leaf[jj, ii]
            size = edge_scale(width[block], height[block])
            slant = abs(normal[0, jj, ii] * cx + normal[1, jj, ii] * cy)
            d = (s - 0.5) * cell
            n = 1
            while d <= 0.11 * size and (n - 0.5) * cell < 0.9 * size:
                je, ie = jj - steps(n * cy), ii - steps(n * cx)
                if je < 0 or je >= ny or ie < 0 or ie >= nx:
                    break
                if top[je, ie] < top[jj, ii]:
                    weight = max(1.0 - slant, 0.0) * fade((n - 0.5) * cell / (0.9 * size))
                    if weight > heaviest:
                        best, place, heaviest = int(top[jj, ii]), d / (0.11 * size), weight
                    break
                n += 1
    return best, place, heaviest
