"""Seven places with exact horizons, and what the sun brings there, hour by hour and ray by ray.

They are what the sweep over a raster and the summed table of the year are checked against.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from twin.sun.irradiance import irradiate
from twin.sun.light import Light
from twin.sun.points import Points
from twin.sun.table import SunTable

F64 = NDArray[np.float64]

SIDE = 441.0    # of the square ground, the place looked from near its middle [m]
ALBEDO = 0.2
_BAND = 5.0     # height of the bright band above the horizon [degrees]
_RAYS = 3600    # around the place, for what comes from sky and walls


@dataclass(frozen=True)
class Scene:
    """One plane among boxes on level ground.

    Parameters
    ----------
    name
        What it is.
    boxes
        West, east, south, north and height of each, from the middle of the ground [m].
    ring
        Radius and height of a round wall about the middle, 0 without one [m].
    y
        How far north of the middle the plane is [m].
    z
        Its height [m].
    slope
        Its tilt [degrees].
    aspect
        Direction it faces, clockwise from north [degrees].
    """

    name: str
    boxes: tuple[tuple[float, float, float, float, float], ...] = ()
    ring: tuple[float, float] = (0.0, 0.0)
    y: float = 0.0
    z: float = 0.0
    slope: float = 0.0
    aspect: float = 180.0


SCENES = (
    Scene("open flat ground"),
    Scene("flat, 30 degree horizon all round", ring=(60.0, 60.0 * float(np.tan(np.pi / 6)))),
    Scene("flat, slab 30 m taller, 20 m south", boxes=((-40.5, 40.5, -32.5, -20.5, 30.0),)),
    Scene("flat, tower east", boxes=((20.5, 45.5, -12.5, 12.5, 60.0),)),
    Scene("east-west canyon, height as width", boxes=((-220.5, 220.5, -30.5, -10.5, 21.0),
                                                       (-220.5, 220.5, 10.5, 30.5, 21.0))),
    Scene("south gable of 30 degrees, tower south-east", z=10.0, slope=30.0,
          boxes=((12.5, 32.5, -32.5, -12.5, 60.0),)),
    Scene("south facade, slab opposite", z=15.0, slope=90.0, y=0.5,
          boxes=((-40.5, 40.5, 0.5, 12.5, 30.0), (-40.5, 40.5, -41.5, -29.5, 30.0))),
)


def horizon_at(scene: Scene, azimuth: F64) -> F64:
    """Return the exact height of the horizon, the plane itself left out.

    Parameters
    ----------
    scene
        The scene.
    azimuth
        Directions looked to, clockwise from north, (directions,) [degrees].

    Returns
    -------
    numpy.ndarray
        (directions,) [degrees].
    """
    turn = np.deg2rad(azimuth)
    ray = np.stack([np.sin(turn), np.cos(turn)])
    rise = np.zeros(len(turn))
    for west, east, south, north, height in scene.boxes:
        low = np.array([[west], [south - scene.y]])
        high = np.array([[east], [north - scene.y]])
        with np.errstate(divide="ignore"):
            to_low, to_high = low / ray, high / ray
        enter = np.minimum(to_low, to_high).max(axis=0)
        leave = np.maximum(to_low, to_high).min(axis=0)
        seen = (enter < leave) & (enter > 1e-9)
        rise = np.maximum(rise, np.where(seen, (height - scene.z) / np.where(seen, enter, 1.0), 0))
    if scene.ring[0] > 0:
        rise = np.maximum(rise, (scene.ring[1] - scene.z) / scene.ring[0])
    return np.rad2deg(np.arctan(rise))


def surface_of(scene: Scene, cell: float = 1.0) -> NDArray[np.float32]:
    """Return the scene as a raster, (ny, nx) [m]."""
    count = round(SIDE / cell)
    at = (np.arange(count) + 0.5) * cell - 0.5 * count * cell
    x, y = np.meshgrid(at, at)
    out = np.zeros((count, count), np.float32)
    for west, east, south, north, height in scene.boxes:
        out[(x > west) & (x < east) & (y > south) & (y < north)] = height
    if scene.ring[0] > 0:
        out[np.hypot(x, y) >= scene.ring[0]] = scene.ring[1]
    return out


def computed(scene: Scene, table: SunTable, cell: float = 1.0) -> F64:
    """Return the irradiation of each period by rays and table, (periods,) [kWh m-2].

    Parameters
    ----------
    scene
        The scene.
    table
        Suns of the periods.
    cell
        Side of a cell of the raster [m].
    """
    surface = surface_of(scene, cell)
    half = 0.5 * cell * len(surface)
    place = Points(half, half + scene.y, scene.z, scene.slope, scene.aspect)
    found = irradiate(surface, cell, table, points=place, albedo=ALBEDO, sunlit=1.0)
    return np.asarray(found["point_irradiation_month"].to_numpy()[0], float)


def computed_cells(scene: Scene, table: SunTable, away: int = 3) -> tuple[tuple[Scene, ...], F64]:
    """Return the scenes of the middle cell and those around it, and their light by the sweep.

    Parameters
    ----------
    scene
        The scene; its plane is not a wall.
    table
        Suns of the periods.
    away
        How many cells of 1 m around the middle one.

    Returns
    -------
    tuple
        Each cell as a scene of its own, and its irradiation of all periods, (cells,) [kWh m-2].
    """
    surface = surface_of(scene)
    middle = len(surface) // 2
    here = np.s_[middle - away:middle + away + 1, middle - away:middle + away + 1]
    surface[here] = scene.z
    tilt = np.zeros_like(surface)
    tilt[here] = scene.slope
    found = irradiate(surface, 1.0, table, slope=tilt, aspect=np.full_like(tilt, scene.aspect),
                      albedo=ALBEDO, sunlit=1.0)["irradiation"].to_numpy()[here]
    steps = range(-away, away + 1)
    return tuple(moved(scene, x, y) for y in steps for x in steps), found.ravel().astype(float)


def moved(scene: Scene, x: float, y: float) -> Scene:
    """Return a scene of boxes seen from elsewhere.

    Parameters
    ----------
    scene
        The scene.
    x, y
        How far to the east and to the north [m].
    """
    return replace(scene, boxes=tuple((west - x, east - x, south - y, north - y, height)
                                      for west, east, south, north, height in scene.boxes))


def reference(scene: Scene, light: Light) -> float:
    """Return the irradiation of the weather from every sun of 10 minutes and rays of 0.1 degrees.

    Parameters
    ----------
    scene
        The scene.
    light
        The light of every sun.

    Returns
    -------
    float
        [kWh m-2]

    References
    ----------
    Perez et al. (1990), Sol. Energy 44:271, doi:10.1016/0038-092X(90)90055-H; Dozier & Frew
    (1990), IEEE Trans. Geosci. Remote Sens. 28:963, doi:10.1109/36.58986.
    """
    suns = light.suns
    tilt, facing = np.deg2rad(scene.slope), np.deg2rad(scene.aspect)
    normal = np.array([np.sin(tilt) * np.sin(facing), np.sin(tilt) * np.cos(facing), np.cos(tilt)])
    free = np.rad2deg(np.arcsin(suns.direction[:, 2])) > horizon_at(scene, suns.azimuth)
    beam = float((light.normal * free * np.maximum(suns.direction @ normal, 0)).sum())

    azimuth = np.asarray((np.arange(_RAYS) + 0.5) * (360 / _RAYS), float)
    turn = np.deg2rad(azimuth)
    ahead = normal[0] * np.sin(turn) + normal[1] * np.cos(turn)
    height = np.deg2rad(horizon_at(scene, azimuth))
    own = np.arctan2(-ahead, max(normal[2], 1e-12))
    zenith = np.pi / 2 - np.maximum(np.maximum(height, own), 0)
    view = float(np.mean(normal[2] * np.sin(zenith)**2
                         + ahead * (zenith - np.sin(zenith) * np.cos(zenith))))
    part = np.clip(1 - np.rad2deg(height) / _BAND, 0, 1)
    band = float(np.maximum(ahead, 0) @ part) * np.pi / _RAYS
    return (beam + float(light.even.sum()) * view + float(light.rim.sum()) * band
            + ALBEDO * float(light.ghi.sum()) * (1 - view)) / 1000
