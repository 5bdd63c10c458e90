"""Colours of the triangles of a scene, before any light: buildings, green roofs and trees."""

from __future__ import annotations

import numpy as np
from matplotlib.colors import to_rgb
from numpy.typing import NDArray

from twin.scene.build import Scene
from twin.scene.changes import CHANGE
from twin.scene.ground import BARE
from twin.scene.mesh import ROOF, WALL
from twin.scene.shown import coloured, paint

Colours = NDArray[np.float64]

WHITE, TREE, PLANTED, ROOF_GREEN = BARE, "#87a06c", "#2f9e44", "#a9cf86"
FACADE = "#eceae6"      # a wall where roofs carry the result
TREE_OVER = "#8e968b"   # a tree over a result, too grey to be read as data
_CONTEXT = "#dcd9d2"
_ROOF, _WALL = 0.06, 0.30  # share of the ground's colour that falls on roofs and walls
_CHANGED = 0.3             # share of the outline's colour on a changed building


def building_colours(scene: Scene) -> Colours:
    """Return the colour of every triangle of the buildings, (m, 3).

    They are white. Over a result their walls take some of the colour of the ground they stand on,
    so that it can be followed through narrow streets; without one, planted roofs are green. Where
    the result lies on the roofs the walls are grey, or have their own values of it, and the roofs
    are drawn from the ground image.
    """
    if scene.tones is not None:
        return scene.tones
    mesh = scene.buildings
    white = np.array(to_rgb(WHITE))
    colour = np.tile(white, (len(mesh.triangles), 1))
    if len(colour) == 0:
        return colour
    if scene.draped:
        colour[mesh.kind == WALL] = to_rgb(FACADE)
        if scene.walls is not None and scene.shown is not None:
            known = np.isfinite(scene.walls)
            colour[known] = coloured(scene.shown, scene.walls[known].astype(float))
    elif scene.shown is not None and not scene.shown.smooth:
        n = int(mesh.feature.max()) + 1
        middle = mesh.vertices[mesh.triangles].mean(axis=1)
        count = np.maximum(np.bincount(mesh.feature, minlength=n), 1)
        x, y = (np.bincount(mesh.feature, weights=middle[:, k], minlength=n) / count
                + scene.origin[k] for k in (0, 1))
        tone, seen = paint(scene.shown, x, y)
        share = np.where(mesh.kind == WALL, _WALL, _ROOF) * seen[mesh.feature]
        colour = _mixed(white, tone[mesh.feature], share)
    elif scene.shown is None and scene.green_roof.any():
        share = np.where(mesh.kind == ROOF, 0.8 * scene.green_roof[mesh.feature], 0.0)
        colour = _mixed(white, np.array(to_rgb(ROOF_GREEN)), share)
    for kind in ("cut", "lowered", "raised", "new"):
        mine = np.isin(mesh.feature, scene.changed.get(kind, ()))
        colour[mine] = _CHANGED * np.array(to_rgb(CHANGE[kind])) + (1 - _CHANGED) * white
    context = np.isin(mesh.feature, scene.outside)
    colour[context] = 0.3 * colour[context] + 0.7 * np.array(to_rgb(_CONTEXT))
    return colour


def tree_colour(scene: Scene) -> str:
    """Return the colour of a tree that was there: grey where a result could be read from it."""
    return TREE if scene.legend is None or scene.legend.green else TREE_OVER


def tree_colours(scene: Scene) -> Colours:
    """Return the colour of every triangle of the crowns, planted ones green, (m, 3)."""
    feature = scene.trees.mesh.feature
    colour = np.tile(to_rgb(tree_colour(scene)), (len(feature), 1))
    colour[np.isin(feature, scene.changed.get("planted", ()))] = to_rgb(PLANTED)
    # Neighbours differ a little, so that a row does not look stamped.
    return np.asarray(colour * (0.92 + 0.16 * ((feature * 0.618034) % 1.0))[:, None])


def _mixed(under: Colours, over: Colours, share: NDArray[np.float64]) -> Colours:
    return np.asarray(under + share[:, None] * (over - under))
