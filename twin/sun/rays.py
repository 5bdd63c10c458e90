"""Horizons of points, looked for cell by cell along exact rays.

The sweep lets a line of cells stand for all rays near it. A wall is looked from in front of it and
along it, where half a cell tells; its points are few, and a ray from each is dear but exact.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from twin.sun.horizon import CLOSEST, STEEP
from twin.sun.spots import Spots

F32 = NDArray[np.float32]

SHIFT = 4
BLOCK = 1 << SHIFT  # cells on the side of a block that a ray may skip
_INSIDE = 1e-4     # a ray starts at least so far inside its cell [cells]


class Relief(NamedTuple):
    """A surface to be looked over.

    Parameters
    ----------
    top
        Heights, (ny, nx) [m].
    peaks
        Highest of each block of `BLOCK` by `BLOCK` cells [m].
    walls
        Cells at the rim of a building, (ny, nx); empty where steep rises tell them.
    cell
        Side of a cell [m].
    """

    top: F32
    peaks: F32
    walls: NDArray[np.bool_]
    cell: float


class Eyes(NamedTuple):
    """Where is looked from.

    Parameters
    ----------
    row, column
        Cell in which a ray starts, (points,).
    y, x
        Where in the raster it starts, inside of that cell, (points,) [cells].
    north, east
        Way from there to the point itself, (points,) [cells].
    z
        Height, (points,) [m].
    """

    row: NDArray[np.int64]
    column: NDArray[np.int64]
    y: NDArray[np.float64]
    x: NDArray[np.float64]
    north: NDArray[np.float64]
    east: NDArray[np.float64]
    z: NDArray[np.float64]


def relief_of(surface: F32, cell: float, edges: NDArray[np.bool_] | None = None) -> Relief:
    """Return a surface with the heights of its blocks.

    Parameters
    ----------
    surface
        Top of ground and buildings, (ny, nx) [m].
    cell
        Side of a cell [m].
    edges
        Cells at the rim of a building; those that rise more than `STEEP` to the next when None.
    """
    ny, nx = surface.shape
    rows, columns = -(-ny // BLOCK), -(-nx // BLOCK)
    full = np.pad(surface, ((0, rows * BLOCK - ny), (0, columns * BLOCK - nx)), mode="edge")
    peaks = full.reshape(rows, BLOCK, columns, BLOCK).max(axis=(1, 3))
    return Relief(surface, peaks, np.zeros((0, 0), np.bool_) if edges is None else edges, cell)


def eyes_of(spots: Spots) -> Eyes:
    """Return where rays from points start: a point outside of its cell looks from its rim."""
    true = [(place + 0.5 + off.astype(float)) for place, off in (
        (spots.row, spots.north), (spots.column, spots.east))]
    y, x = (np.clip(at, place + _INSIDE, place + 1 - _INSIDE)
            for at, place in zip(true, (spots.row, spots.column), strict=True))
    return Eyes(spots.row, spots.column, y, x, true[0] - y, true[1] - x, spots.z.astype(float))


@njit(cache=True, nogil=True, error_model="numpy")
def rise_along(relief: Relief, eyes: Eyes, p: int, sin: float, cos: float, least: float) -> float:
    """Return the tangent of the horizon of a point.

    Parameters
    ----------
    relief
        What is looked over.
    eyes, p
        Where is looked from, and which of these.
    sin, cos
        Of the azimuth looked to, clockwise from north.
    least
        Tangent below which the horizon is not wanted.

    Notes
    -----
    The ray goes from cell to cell (Amanatides & Woo 1987). A wall is seen where the ray enters its
    cell, ground that rises less in the middle of its way through the cell. Blocks of cells that do
    not reach above the horizon found so far are passed in one step.

    References
    ----------
    Amanatides & Woo (1987), A fast voxel traversal algorithm for ray tracing, Eurographics,
    doi:10.2312/egtp.19871000.
    """
    ny, nx = relief.top.shape
    z, y, x = eyes.z[p], eyes.y[p], eyes.x[p]
    row, column = eyes.row[p], eyes.column[p]
    # The point itself is so much farther from what the ray meets.
    lead = -(eyes.east[p] * sin + eyes.north[p] * cos)
    given = relief.walls.size > 0
    jump = STEEP * relief.cell
    up, right = (1 if cos > 0 else -1), (1 if sin > 0 else -1)
    each_y = 1 / abs(cos) if cos != 0 else np.inf
    each_x = 1 / abs(sin) if sin != 0 else np.inf
    next_y = (row + (cos > 0) - y) / cos if cos != 0 else np.inf
    next_x = (column + (sin > 0) - x) / sin if sin != 0 else np.inf
    best = least * relief.cell
    of_row, of_column = row >> SHIFT, column >> SHIFT
    while True:
        if next_x < next_y:
            way, before_row, before_column = next_x, row, column
            column += right
            next_x += each_x
        else:
            way, before_row, before_column = next_y, row, column
            row += up
            next_y += each_y
        if row < 0 or column < 0 or row >= ny or column >= nx:
            break
        if row >> SHIFT != of_row or column >> SHIFT != of_column:
            of_row, of_column = row >> SHIFT, column >> SHIFT
            if relief.peaks[of_row, of_column] - z <= best * max(way + lead, CLOSEST):
                # Leave the block: the last of its cells is the one the next step leaves.
                last_row = (of_row << SHIFT) + (BLOCK - 1 if up > 0 else 0)
                last_column = (of_column << SHIFT) + (BLOCK - 1 if right > 0 else 0)
                out_y = next_y + each_y * abs(last_row - row) if cos != 0 else np.inf
                out_x = next_x + each_x * abs(last_column - column) if sin != 0 else np.inf
                if out_x < out_y:
                    more = 0 if next_y > out_x else int((out_x - next_y) / each_y) + 1
                    more = min(more, abs(last_row - row))
                    row += up * more
                    next_y += each_y * more
                    column, next_x = last_column, out_x
                else:
                    more = 0 if next_x > out_y else int((out_y - next_x) / each_x) + 1
                    more = min(more, abs(last_column - column))
                    column += right * more
                    next_x += each_x * more
                    row, next_y = last_row, out_y
                continue
        height = relief.top[row, column]
        if height - z > best * max(way + lead, CLOSEST):
            before = relief.top[before_row, before_column]
            wall = (relief.walls[row, column] and height > before) if given \
                else height - before > jump
            far = way if wall else 0.5 * (way + min(next_x, next_y))
            best = max(best, (height - z) / max(far + lead, CLOSEST))
    return best / relief.cell
