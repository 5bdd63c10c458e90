"""The camera of a scene: where it stands so that all scenes fill the picture, and its pixels."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from twin.scene.build import Scene

Points = NDArray[np.float64]

_VIEW = 14.0  # vertical opening [degrees]
_STEEPEST = 56  # a steeper view loses the facades [degrees]
_OVER_ROOFS = 46  # a flatter view loses what lies on roofs and in lanes [degrees]


@dataclass(frozen=True)
class Camera:
    """A perspective camera in the scene's metres.

    Parameters
    ----------
    position
        Where it stands [m].
    azimuth, elevation
        Where it looks, clockwise from north, and how far down [degrees].
    size
        Width and height of the picture [pixels].
    view
        Vertical opening [degrees].
    """

    position: tuple[float, float, float]
    azimuth: float
    elevation: float
    size: tuple[int, int]
    view: float = _VIEW

    @property
    def frame(self) -> Points:
        """Unit vectors to the right, up and forward, (3, 3)."""
        a, e = math.radians(self.azimuth), math.radians(self.elevation)
        forward = [math.sin(a) * math.cos(e), math.cos(a) * math.cos(e), -math.sin(e)]
        right = [math.cos(a), -math.sin(a), 0.0]
        return np.array([right, np.cross(right, forward), forward])

    def project(self, points: Points) -> Points:
        """Return pixels (n, 2) of points (n, 3), from the lower left corner."""
        local = (np.asarray(points, dtype=float) - self.position) @ self.frame.T
        scale = self.size[1] / 2 / math.tan(math.radians(self.view / 2))
        return np.asarray(np.array(self.size) / 2 + scale * local[:, :2] / local[:, 2:])


def fit_camera(scenes: Sequence[Scene], size: tuple[int, int]) -> Camera:
    """Return the camera from which all scenes fill the picture best.

    Directions between south-south-east and south are tried with several elevations, steep ones
    where a result lies on the roofs; for each the nearest place is computed from which every
    corner is still in the picture.

    Parameters
    ----------
    scenes
        What must be in the picture.
    size
        Width and height [pixels].
    """
    points = np.concatenate([_hull(scene) for scene in scenes])
    flattest = _OVER_ROOFS if any(scene.draped for scene in scenes) else 34
    best = 0.0, Camera((0.0, 0.0, 0.0), 0.0, 0.0, size)
    for azimuth in range(-30, -9, 4):
        for elevation in range(flattest, _STEEPEST + 1, 2):
            camera = _nearest_camera(points, size, float(azimuth), float(elevation))
            filled = ground_pixels(scenes[0], camera)
            if filled > best[0]:
                best = filled, camera
    return best[1]


def _nearest_camera(points: Points, size: tuple[int, int], azimuth: float,
                    elevation: float) -> Camera:
    """Put the camera where the four sides of its view touch the points."""
    at = Camera((0.0, 0.0, 0.0), azimuth, elevation, size)
    right, up, depth = (points @ at.frame.T).T
    tall = math.tan(math.radians(_VIEW / 2))
    side = tall * size[0] / size[1]
    # Half the opening towards each side, less what words along the edges need [pixels at 1080].
    pad = size[1] / 800
    east, west = (side * (1 - 2 * pad * p / size[0]) for p in (62, 12))
    over, under = (tall * (1 - 2 * pad * p / size[1]) for p in (64, 42))
    far_e, far_w = (right - east * depth).max(), (-right - west * depth).max()
    far_o, far_u = (up - over * depth).max(), (-up - under * depth).max()
    back = min(-(far_e + far_w) / (east + west), -(far_o + far_u) / (over + under))
    # Where one pair of sides has slack, the model stands in the middle of it.
    across = ((far_e + east * back) - (far_w + west * back)) / 2
    along = ((far_o + over * back) - (far_u + under * back)) / 2
    position = across * at.frame[0] + along * at.frame[1] + back * at.frame[2]
    return Camera((float(position[0]), float(position[1]), float(position[2])), azimuth,
                  elevation, size)


def corners(scene: Scene) -> Points:
    """Corners of the plinth: four on top, anticlockwise from the south-west, then four below."""
    wide, deep = (s / 2 for s in scene.size)
    x, y = np.array([-wide, wide, wide, -wide]), np.array([-deep, -deep, deep, deep])
    z = scene.relief[[0, 0, -1, -1], [0, -1, -1, 0]]
    return np.concatenate([np.column_stack([x, y, z]),
                           np.column_stack([x, y, np.full(4, bottom(scene))])])


def ground_pixels(scene: Scene, camera: Camera) -> float:
    """How many pixels of the picture the ground covers."""
    x, y = camera.project(corners(scene)[:4]).T
    return float(0.5 * abs(x @ np.roll(y, -1) - y @ np.roll(x, -1)))


def _hull(scene: Scene) -> Points:
    from scipy.spatial import ConvexHull

    points = np.concatenate([corners(scene), scene.buildings.vertices.astype(float)])
    return np.asarray(points[ConvexHull(points).vertices])


def bottom(scene: Scene) -> float:
    """Return the height of the underside of the plinth [m]."""
    return -0.014 * max(scene.size)
