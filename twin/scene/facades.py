"""What the walls of a scene get: each wall the mean of the patches that were computed on it."""

from __future__ import annotations

import numpy as np
import shapely
import xarray as xr
from numpy.typing import NDArray

from twin.scene.mesh import WALL, Mesh, Origin, normals

WALLS = ("wall_building", "wall_x", "wall_y", "wall_azimuth", "wall_area", "wall_irradiation")
_NEAR = 0.1    # a patch lies on a wall no further off [m]
_ALIKE = 0.99  # cosine of the angle between two directions that are one


def wall_values(mesh: Mesh, origin: Origin, walls: xr.Dataset) -> NDArray[np.float32]:
    """Return the irradiation of every triangle of a mesh, NaN on roofs and where none is known.

    Parameters
    ----------
    mesh
        Buildings; ``feature`` is the row of the building.
    origin
        Point of the CRS that is (0, 0, 0) in the mesh [m].
    walls
        `WALLS` along ``wall``: patches of bare wall with their middle, direction and area.

    Returns
    -------
    numpy.ndarray
        (m,) [units of the irradiation]; both triangles of a wall have the mean of its patches by
        area.
    """
    values = np.full(len(mesh.triangles), np.nan, dtype=np.float32)
    at = np.flatnonzero(mesh.kind == WALL)
    if len(at) == 0 or walls.sizes["wall"] == 0:
        return values
    # The two triangles of a wall follow one another; the first begins with its lower edge.
    edge = mesh.vertices[mesh.triangles[at[::2], :2], :2].astype(float) + origin[:2]
    ahead = normals(mesh)[at[::2], :2]
    place = shapely.points(walls["wall_x"].to_numpy(), walls["wall_y"].to_numpy())
    patch, wall = shapely.STRtree(shapely.linestrings(edge)).query(
        place, predicate="dwithin", distance=_NEAR)
    angle = np.deg2rad(walls["wall_azimuth"].to_numpy().astype(float))[patch]
    alike = ahead[wall, 0] * np.sin(angle) + ahead[wall, 1] * np.cos(angle) > _ALIKE
    own = walls["wall_building"].to_numpy()[patch] == mesh.feature[at[::2]][wall]
    patch, wall = patch[alike & own], wall[alike & own]
    light = walls["wall_irradiation"].to_numpy().astype(float)[patch]
    area = np.where(np.isfinite(light), walls["wall_area"].to_numpy().astype(float)[patch], 0.0)
    with np.errstate(invalid="ignore"):
        mean = (np.bincount(wall, area * np.nan_to_num(light), minlength=len(edge))
                / np.bincount(wall, area, minlength=len(edge)))
    values[at] = np.repeat(mean, 2)
    return values
