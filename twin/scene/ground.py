"""The ground as one baked image: paper, roads, squares, water, green, sun shadow, and a result."""

from __future__ import annotations

import math

import geopandas as gpd
import numpy as np
import shapely
from matplotlib.colors import to_rgb
from numpy.typing import NDArray

from layers.city import City
from twin.rasters import Bounds, axes, burn, crossing, sample, terrain
from twin.scene.drape import drape, owners
from twin.scene.shown import Shown, coloured, paint

Image = NDArray[np.uint8]

LAND, ROAD, PATH, SQUARE, WATER = "#e6e1d5", "#f7f5ef", "#eeeae0", "#efe3cd", "#a3c3d6"
GREEN = {"park": "#c9d8ac", "grass": "#d3dfb8", "forest": "#a9c390", "scrub": "#bccda0",
         "wetland": "#b5cfb9", "cropland": "#dcdfb6"}
BARE = "#fbfaf7"  # a roof with no result on it
CORRIDOR, SHORE = "#0b7285", "#5b8fae"
_MARGIN = 10.0  # ground drawn around the study area [m]
_PATHS = ("footway", "path", "steps", "cycleway", "track")
_SHADE = np.array([0.70, 0.72, 0.78])  # how much light a shadow leaves, by red, green, blue


def sun_position(latitude: float, *, day: int = 110, hour: float = 14.5) -> tuple[float, float]:
    """Return where the sun of the drawing stands: azimuth from north and elevation [degrees].

    Parameters
    ----------
    latitude
        Latitude, north positive [degrees].
    day
        Day of the year; 110 is 20 April. South of the equator half a year is added, so that a
        drawing always shows an afternoon of the warm half of the year.
    hour
        Solar time, 12 at noon [h].

    References
    ----------
    Duffie and Beckman (2013), Solar Engineering of Thermal Processes, eqs. 1.6.1, 1.6.5, 1.6.6.
    """
    day = day if latitude >= 0 else day + 182
    declination = math.radians(23.45 * math.sin(math.radians(360 * (284 + day) / 365)))
    angle, phi = math.radians(15 * (hour - 12)), math.radians(latitude)
    up = (math.sin(phi) * math.sin(declination)
          + math.cos(phi) * math.cos(declination) * math.cos(angle))
    east = -math.cos(declination) * math.sin(angle)
    north = (math.cos(phi) * math.sin(declination)
             - math.sin(phi) * math.cos(declination) * math.cos(angle))
    return math.degrees(math.atan2(east, north)) % 360, math.degrees(math.asin(up))


def shadow(height: NDArray[np.floating], cell: float, sun: tuple[float, float],
           ground: NDArray[np.floating] | None = None) -> NDArray[np.bool_]:
    """Return which cells of the ground lie in the shadow of something higher.

    The height raster is shifted away from the sun step by step and lowered by what the ray falls.

    Parameters
    ----------
    height
        Heights above the ground on (y, x), row 0 south [m].
    cell
        Cell size [m].
    sun
        Azimuth clockwise from north and elevation [degrees]. Nothing is lit at or below 0.
    ground
        Ground above the datum [m]; flat when None.
    """
    azimuth, elevation = sun
    if elevation <= 0:
        return np.ones(height.shape, dtype=bool)
    land = np.zeros_like(height) if ground is None else ground
    top = (land + height).astype(np.float32)
    floor = land.astype(np.float32)
    drop = cell * math.tan(math.radians(elevation))
    east, north = -math.sin(math.radians(azimuth)), -math.cos(math.radians(azimuth))
    longest = max(abs(east), abs(north))
    step = 1 / longest  # cells walked so that the longer axis moves by one
    dark = np.zeros(height.shape, dtype=bool)
    reach = float(top.max() - floor.min()) if top.size else 0.0
    for k in range(1, int(reach / (drop * step)) + 2):
        rows, cols = round(k * step * north), round(k * step * east)
        here, there = _shifted(height.shape, rows, cols)
        if here is None:
            break
        dark[here] |= top[there] - k * step * drop > floor[here] + 0.05
    return dark & (height <= 0.05)


def ground_image(city: City, bounds: Bounds, *, size: int = 2048,
                 sun: tuple[float, float] = (225.0, 45.0), shown: Shown | None = None,
                 muted: bool = False) -> Image:
    """Return the ground of a city as an RGB image, row 0 south.

    Parameters
    ----------
    city
        Layers ``roads``, ``squares``, ``water``, ``green``, ``corridors`` and, for the shadow,
        ``buildings`` and ``terrain`` are drawn.
    bounds
        West, south, east, north [m].
    size
        Pixels along the longer side.
    sun
        Azimuth and elevation of the sun [degrees].
    shown
        A result to draw over the ground; its NaN cells let the ground through. No shadow is
        drawn then, so that its colours are those of the legend.
    muted
        Whether to draw a pale context alone, without shadow and corridors, for a plan.
    """
    cell = max(bounds[2] - bounds[0], bounds[3] - bounds[1]) / size
    x, y = axes(bounds, cell)
    image = _context(city, bounds, x, y, cell)
    if muted or shown is not None:
        image = _pale(image)
    else:
        image *= 1 - (1 - _SHADE) * _blur(_shade(city, bounds, x, y, cell, sun))
    roofs = np.zeros((len(y), len(x)), dtype=bool)
    if shown is not None:
        colour, seen, roofs = _laid(shown, city, x, y)
        image[seen] = colour[seen]
        water = crossing(city.frame("water"), bounds).geometry.values
        if shown.over_water:
            _line(image, water, x, y, 2.4 * cell, "#ffffff")
        else:
            image[burn(water, np.ones(len(water), int), x, y, fill=0) == 1] = to_rgb(WATER)
        _line(image, water, x, y, 1.2 * cell, SHORE)
    if not muted:
        wide = _corridors(city, bounds)
        if shown is None:
            inside = burn(wide, np.ones(len(wide), int), x, y, fill=0) == 1
            image[inside] = 0.86 * image[inside] + 0.14 * np.array(to_rgb(CORRIDOR))
        for tone, pen in (("#ffffff", 3.6), (CORRIDOR, 2.0)):
            _line(image, wide, x, y, max(pen * cell, 0.75 * pen), tone)
    if roofs.any():  # nothing that is drawn on the ground lies on a roof
        image[roofs] = np.where(seen[roofs, None], colour[roofs], to_rgb(BARE))
    if not shapely.covers(city.area, shapely.box(*bounds)):
        outside = burn([city.area], [1], x, y, fill=0) == 0
        image[outside] = 0.35 * image[outside] + 0.65 * np.array(to_rgb("#f7f6f2"))
    return np.asarray(np.round(255 * np.clip(image, 0, 1)), dtype=np.uint8)


def _laid(shown: Shown, city: City, x: NDArray[np.float64], y: NDArray[np.float64]
          ) -> tuple[NDArray[np.float64], NDArray[np.bool_], NDArray[np.bool_]]:
    """Return the colours of a result at pixels, where there is any, and which are roofs with it."""
    if shown.owner is None:
        colour, seen = paint(shown, *np.meshgrid(x, y))
        return colour, seen, np.zeros_like(seen)
    own = owners(city, x, y)
    at = drape(shown.values, shown.owner, x, y, own)
    return coloured(shown, at), np.isfinite(at), own >= 0


def _line(image: NDArray[np.float64], shapes: NDArray[np.object_], x: NDArray[np.float64],
          y: NDArray[np.float64], half: float, colour: str) -> None:
    """Draw the outlines of shapes into an image, so many metres to both sides."""
    lines = shapely.buffer(shapely.boundary(np.asarray(shapes, dtype=object)), half)
    image[burn(lines, np.ones(len(lines), int), x, y, fill=0) == 1] = to_rgb(colour)


def ground_bounds(city: City) -> Bounds:
    """Return west, south, east, north of the ground that is drawn of a city [m]."""
    west, south, east, north = city.area.bounds
    return west - _MARGIN, south - _MARGIN, east + _MARGIN, north + _MARGIN


def _pale(image: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return a context too pale and grey to be read as data."""
    grey = image.mean(axis=-1, keepdims=True)
    return np.asarray(0.965 - 0.42 * (0.93 - (0.55 * image + 0.45 * grey)))


def _context(city: City, bounds: Bounds, x: NDArray[np.float64], y: NDArray[np.float64],
             cell: float) -> NDArray[np.float64]:
    colours = [LAND]
    code = np.zeros((len(y), len(x)), dtype=np.uint8)

    def paint(layer: gpd.GeoDataFrame | gpd.GeoSeries, colour: str) -> None:
        shapes = crossing(layer, bounds).geometry.values
        if len(shapes):
            code[burn(shapes, np.ones(len(shapes), int), x, y, fill=0) == 1] = len(colours)
            colours.append(colour)

    green = city.frame("green")
    for cover, colour in reversed(GREEN.items()):
        paint(green[green["class"] == cover], colour)
    paint(city.frame("squares"), SQUARE)
    paint(city.frame("water"), WATER)
    roads = crossing(city.frame("roads"), bounds)
    if len(roads):
        half = np.maximum(roads["width"].to_numpy(dtype=float), 2 * cell) / 2
        wide = gpd.GeoSeries(shapely.buffer(roads.geometry.values, half, quad_segs=2),
                             crs=roads.crs)
        foot = roads["class"].isin(_PATHS).to_numpy()
        paint(wide[foot], PATH)
        paint(wide[~foot], ROAD)
    return np.array([to_rgb(c) for c in colours])[code]


def _shade(city: City, bounds: Bounds, x: NDArray[np.float64], y: NDArray[np.float64],
           cell: float, sun: tuple[float, float]) -> NDArray[np.float32]:
    buildings = crossing(city.frame("buildings"), bounds)
    tops = buildings["height"].to_numpy(dtype=float)
    order = np.argsort(tops, kind="stable")
    height = burn(buildings.geometry.values[order], tops[order], x, y, fill=0.0)
    relief = terrain(city)
    land = None
    if relief is not None:
        land = sample(relief, *np.meshgrid(x, y)).astype(np.float32)
    return shadow(height, cell, sun, land).astype(np.float32)


def _blur(dark: NDArray[np.float32]) -> NDArray[np.float32]:
    from scipy.ndimage import uniform_filter

    return np.asarray(uniform_filter(dark, 3))[..., None]


def _corridors(city: City, bounds: Bounds) -> NDArray[np.object_]:
    from layers.corridors import ground

    corridors = crossing(city.frame("corridors"), bounds)
    return np.asarray(ground(corridors).values, dtype=object)


def _shifted(shape: tuple[int, ...], rows: int, cols: int
             ) -> tuple[tuple[slice, slice] | None, tuple[slice, slice]]:
    """Slices that lay a raster, moved by so many rows and columns, over itself."""
    ny, nx = shape
    if abs(rows) >= ny or abs(cols) >= nx:
        return None, (slice(0), slice(0))
    here = (slice(max(rows, 0), ny + min(rows, 0)), slice(max(cols, 0), nx + min(cols, 0)))
    there = (slice(max(-rows, 0), ny + min(-rows, 0)), slice(max(-cols, 0), nx + min(-cols, 0)))
    return here, there
