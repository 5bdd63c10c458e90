"""Places besides the cells: on walls, on roofs, on stands."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from layers.errors import GridError
from twin.sun.planes import LEVEL, Planes, planes_of
from twin.sun.spots import NOWHERE, Spots

REACH = 300.0    # how far a surface should go on beyond what is looked from [m]
WALL = 60.0      # planes steeper than this are looked from in front of their wall [degrees]
IN_FRONT = 0.75  # so far, lest the corners of its cells hide the view [cells]


@dataclass(frozen=True, eq=False)
class Points:
    """Places on walls, roofs or stands for which light is wanted besides that of the cells.

    Parameters
    ----------
    x, y
        East and north of the south-west corner of the surface, (points,) [m].
    z
        Height on the datum of the surface, (points,) [m].
    slope
        Tilt of the plane there, 0 level, 90 a wall, (points,) or one for all [degrees].
    aspect
        Direction the plane faces, clockwise from north, (points,) or one for all [degrees].
    """

    x: ArrayLike
    y: ArrayLike
    z: ArrayLike
    slope: ArrayLike = 0.0
    aspect: ArrayLike = 0.0


def stand(points: Points | None, surface: NDArray[np.float32],
          cell: float) -> tuple[Spots, Planes, dict[str, int]]:
    """Return where the points stand among the cells, their planes, and how many stand badly.

    Parameters
    ----------
    points
        The points; none when None.
    surface
        Top of ground and buildings, (ny, nx) [m].
    cell
        Side of a cell [m].

    Raises
    ------
    GridError
        When a point is not on the surface.
    """
    if points is None:
        return NOWHERE, LEVEL, {}
    x, y, z, slope, aspect = (np.atleast_1d(np.asarray(v, float)) for v in np.broadcast_arrays(
        points.x, points.y, points.z, points.slope, points.aspect))
    ny, nx = surface.shape
    bad = ~(np.isfinite(z) & (x >= 0) & (y >= 0) & (x <= nx * cell) & (y <= ny * cell))
    if bad.any():
        at = int(bad.argmax())
        raise GridError(f"point {at} is at x {x[at]:g}, y {y[at]:g}, z {z[at]:g} m, expected one"
                        f" on the surface of {nx * cell:g} by {ny * cell:g} m",
                        mend="Measure x and y from the south-west corner of the surface")
    planes = planes_of(slope, aspect)
    ahead = np.where(slope >= WALL, IN_FRONT, 0.0) / np.maximum(
        np.hypot(planes.east, planes.north), 1e-6)
    east, north = x / cell, y / cell
    column = np.clip(np.floor(east + ahead * planes.east), 0, nx - 1).astype(np.int64)
    row = np.clip(np.floor(north + ahead * planes.north), 0, ny - 1).astype(np.int64)
    f32 = np.float32
    spots = Spots(row, column, (north - row - 0.5).astype(f32), (east - column - 0.5).astype(f32),
                  z.astype(f32))
    rim = np.min([x, y, nx * cell - x, ny * cell - y], axis=0)
    return spots, planes, {"short_pad_points": int((rim < REACH).sum()),
                           "buried_points": int((surface[row, column] > z + cell).sum())}
