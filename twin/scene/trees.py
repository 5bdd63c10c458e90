"""Trees as one mesh: the same low-poly crown, moved and scaled to every tree."""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import shapely
import xarray as xr
from numpy.typing import NDArray

from twin.rasters import sample
from twin.scene.mesh import CROWN, Mesh, Origin, empty

LIMIT = 12_000      # crowns a software renderer draws in a fraction of a second
_CLEAR = 0.22       # share of a tree's height below its crown
# From above the icosahedron is a decagon of radius 2/sqrt(5); so much wider it covers a circle's
# ground.
_ROUND = float(np.sqrt(np.pi / (5 * 0.8 * np.sin(np.pi / 5))))


@dataclass(frozen=True, eq=False)
class Trees:
    """Tree crowns and how many of the trees they stand for.

    Parameters
    ----------
    mesh
        All crowns; ``feature`` is the row number of the tree.
    drawn, total
        Number of trees drawn and number there are.
    """

    mesh: Mesh
    drawn: int
    total: int


def trees_mesh(trees: gpd.GeoDataFrame, origin: Origin, ground: xr.DataArray | None = None, *,
               limit: int = LIMIT, slim: float = 1.0,
               first: NDArray[np.bool_] | None = None) -> Trees:
    """Return the crowns of trees, thinned evenly where there are more than ``limit``.

    A crown covers as much ground as the disc of its diameter.

    Parameters
    ----------
    trees
        Points with ``height`` and ``crown`` [m], as `layers.green.all_trees` gives them.
    origin
        x, y, z [m] that become (0, 0, 0).
    ground
        Terrain above the datum [m] on (y, x).
    limit
        Most crowns to draw. Which ones are kept depends on their number and ``first`` alone.
    slim
        Width of a crown as it is drawn where not all of them are, as a share of its own.
    first
        Trees that are kept before the others and never drawn slim.
    """
    whole = len(trees)
    if whole == 0:
        return Trees(empty(), 0, 0)
    row = np.arange(whole)
    if whole > limit:
        row = np.random.default_rng(whole).permutation(whole)
        if first is not None:
            row = row[np.argsort(~first[row], kind="stable")]
        row = np.sort(row[:limit])
    xy = shapely.get_coordinates(shapely.centroid(trees.geometry.values[row]))
    height = trees["height"].to_numpy(dtype=float)[row]
    crown = trees["crown"].to_numpy(dtype=float)[row]
    ball, faces = _crown()
    # Every crown is turned by its own angle, so that a row of trees does not look stamped.
    angle = 2.399963 * row
    cos, sin = np.cos(angle)[:, None], np.sin(angle)[:, None]
    tall = 0.5 * height * (1 - _CLEAR)
    middle = sample(ground, xy[:, 0], xy[:, 1]) + height - tall
    x = ball[:, 0] * cos - ball[:, 1] * sin
    y = ball[:, 0] * sin + ball[:, 1] * cos
    own = np.full(len(row), whole <= limit) if first is None else (whole <= limit) | first[row]
    wide = 0.5 * _ROUND * (crown * np.where(own, 1.0, slim))[:, None]
    vertices = np.stack([(xy[:, :1] - origin[0]) + wide * x, (xy[:, 1:] - origin[1]) + wide * y,
                         (middle[:, None] - origin[2]) + tall[:, None] * ball[:, 2]], axis=-1)
    n = len(row)
    triangles = (faces[None] + len(ball) * np.arange(n)[:, None, None]).reshape(-1, 3)
    mesh = Mesh(vertices.reshape(-1, 3).astype(np.float32), triangles.astype(np.int32),
                np.repeat(row, len(faces)).astype(np.int32),
                np.full(n * len(faces), CROWN, dtype=np.uint8),
                np.zeros((0, 2), np.int32), np.zeros(0, np.int32))
    return Trees(mesh, n, whole)


def _crown() -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Vertices and outward faces of an icosahedron of radius one, one vertex on top."""
    level, ring = 1 / np.sqrt(5), 2 / np.sqrt(5)
    turn = 2 * np.pi * np.arange(5) / 5
    upper = np.column_stack([ring * np.cos(turn), ring * np.sin(turn), np.full(5, level)])
    lower = np.column_stack([ring * np.cos(turn + np.pi / 5), ring * np.sin(turn + np.pi / 5),
                             np.full(5, -level)])
    points = np.vstack([[0, 0, 1], upper, lower, [0, 0, -1]])
    k = np.arange(5)
    after = (k + 1) % 5
    faces = np.concatenate([
        np.column_stack([np.zeros(5, int), 1 + k, 1 + after]),
        np.column_stack([1 + k, 6 + k, 1 + after]),
        np.column_stack([1 + after, 6 + k, 6 + after]),
        np.column_stack([np.full(5, 11), 6 + after, 6 + k]),
    ])
    return points, faces
