"""Columns on the ground plan of a city: one a cell, stacked by what it is made of."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr
from matplotlib.colors import to_rgb
from numpy.typing import NDArray

from layers.city import City
from twin.rasters import Bounds, axes, burn, crossing
from twin.scene.build import Scene
from twin.scene.figures import cell_step
from twin.scene.ground import Image, ground_bounds, ground_image, sun_position
from twin.scene.mesh import ROOF, WALL, Mesh, empty
from twin.scene.trees import Trees

Floats = NDArray[np.float64]

WIDE = 0.72      # side of a column as a share of its cell
SLIM = 0.20      # side of a column that stands beside it
FOOTPRINT = "#d8d4ca"
_STAFF = 0.011   # side of a staff as a share of the ground
_BANDS = ("#1d2026", "#ffffff")


def boxes_mesh(x: Floats, y: Floats, side: Floats, low: Floats, high: Floats,
               feature: NDArray[np.integer]) -> Mesh:
    """Return upright square boxes without undersides, twelve lines each.

    Parameters
    ----------
    x, y
        Middle of each box [m], shape (n,).
    side
        Length of its sides [m].
    low, high
        Where it begins and ends [m].
    feature
        What it belongs to.
    """
    n = len(x)
    if n == 0:
        return empty()
    half = np.asarray(side, dtype=float)[:, None] / 2
    across, along = np.array([-1.0, 1, 1, -1]), np.array([-1.0, -1, 1, 1])
    foot = np.stack([x[:, None] + half * across, y[:, None] + half * along,
                     np.broadcast_to(low[:, None], (n, 4))], axis=-1)
    roof = foot.copy()
    roof[..., 2] = high[:, None]
    vertices = np.concatenate([foot, roof], axis=1).reshape(-1, 3)
    walls = [[k, (k + 1) % 4, (k + 1) % 4 + 4] for k in range(4)] + [
        [k, (k + 1) % 4 + 4, k + 4] for k in range(4)]
    faces = np.array([*walls, [4, 5, 6], [4, 6, 7]])
    lines = np.array([[4, 5], [5, 6], [6, 7], [7, 4], [0, 4], [1, 5], [2, 6], [3, 7]])
    start = 8 * np.arange(n)[:, None, None]
    kind = np.array([WALL] * 8 + [ROOF] * 2, dtype=np.uint8)
    return Mesh(vertices.astype(np.float32), (faces[None] + start).reshape(-1, 3).astype(np.int32),
                np.repeat(feature, len(faces)).astype(np.int32), np.tile(kind, n),
                (lines[None] + start).reshape(-1, 2).astype(np.int32),
                np.repeat(feature, len(lines)).astype(np.int32))


def columns_scene(city: City, stacks: Sequence[tuple[xr.DataArray, str]], *, rise: float,
                  tick: float, marks: int, beside: tuple[xr.DataArray, str, float] | None = None,
                  area: xr.DataArray | None = None, size: int = 2048) -> Scene:
    """Return the scene of columns on the flat ground plan of a city, with a staff to read them.

    A column is stacked from the ground up. In a cell that is cut by the edge of the study area it
    is slimmer, so that its volume stays what the cell holds.

    Parameters
    ----------
    city
        The city; its footprints are drawn on the ground.
    stacks
        Values of each layer on (y, x), rising, none below zero, and its colour; the lowest first.
    rise
        Height of a column per unit of the values [m].
    tick, marks
        What a band of the staff stands for [units of the values], and number of bands.
    beside
        Values, colour and exaggeration of a slim column at the front of each cell.
    area
        Area of each cell in the study area [m2]; whole cells when None.
    size
        Pixels along the longer side of the ground.
    """
    values = stacks[0][0]
    step, (x, y) = cell_step(values), np.meshgrid(values["x"], values["y"])
    held = np.ones(values.shape) if area is None else (
        area.transpose("y", "x").sortby(["y", "x"]).to_numpy() / step**2)
    thin = np.sqrt(np.clip(held, 0, 1))
    bounds = _reach(city, x[held > 0], y[held > 0], step)
    origin = ((bounds[0] + bounds[2]) / 2, (bounds[1] + bounds[3]) / 2, 0.0)
    local_x, local_y = x - origin[0], y - origin[1]
    parts: list[Mesh] = []
    tones: list[Floats] = []
    cell = np.arange(values.size).reshape(values.shape)

    def add(on: NDArray[np.bool_], dx: float, dy: float, share: float, low: Floats, high: Floats,
            colour: str) -> None:
        mesh = boxes_mesh(local_x[on] + dx, local_y[on] + dy, share * step * thin[on], low[on],
                          high[on], cell[on])
        parts.append(mesh)
        tones.append(np.tile(to_rgb(colour), (len(mesh.triangles), 1)))

    top = np.zeros(values.shape)
    back = (1 - WIDE) / 2 * 0.7 * step if beside else 0.0  # leaves room at the front
    for layer, colour in stacks:
        more = rise * np.nan_to_num(layer.to_numpy())
        add(more > 0, -back, back, WIDE, top, top + more, colour)
        top = top + more
    if beside is not None:
        more = rise * beside[2] * np.nan_to_num(beside[0].to_numpy())
        at = (0.5 - SLIM / 2 - 0.01) * step
        add(more > 0, at, -at, SLIM, np.zeros(more.shape), more, beside[1])
    for mesh, tone in _staffs(bounds, rise * tick, marks):
        parts.append(mesh)
        tones.append(tone)
    return Scene(city.name, bounds, origin, _joined(parts), Trees(empty(), 0, 0),
                 np.zeros((2, 2), dtype=np.float32), footprint_ground(city, bounds, size=size),
                 sun_position(city.lonlat[1]), tones=np.concatenate(tones), place=city.name,
                 sources=city.sources)


def staff_feet(bounds: Bounds) -> Floats:
    """Return the feet of the staffs, south-west and north-east, from the middle [m]."""
    wide, deep = bounds[2] - bounds[0], bounds[3] - bounds[1]
    off = 1.6 * _STAFF * max(wide, deep)
    return np.array([[-wide / 2 - off, -deep / 2 + off], [wide / 2 + off, deep / 2 - off]])


def footprint_ground(city: City, bounds: Bounds, *, size: int) -> Image:
    """Return the pale ground of a city with its footprints, row 0 south.

    Parameters
    ----------
    city, bounds, size
        As in `twin.scene.ground.ground_image`.
    """
    image = ground_image(city, bounds, size=size, muted=True)
    x, y = axes(bounds, max(bounds[2] - bounds[0], bounds[3] - bounds[1]) / size)
    shapes = crossing(city.frame("buildings"), bounds).geometry.values
    inside = burn(shapes, np.ones(len(shapes), dtype=int), x, y, fill=0) == 1
    image[inside] = np.round(255 * np.array(to_rgb(FOOTPRINT))).astype(np.uint8)
    return image


def _reach(city: City, x: Floats, y: Floats, step: float) -> Bounds:
    """Return the ground that holds the study area and all cells with a part in it."""
    west, south, east, north = ground_bounds(city)
    half = step / 2
    return (min(west, float(x.min()) - half), min(south, float(y.min()) - half),
            max(east, float(x.max()) + half), max(north, float(y.max()) + half))


def _staffs(bounds: Bounds, band: float, marks: int) -> list[tuple[Mesh, Floats]]:
    """Return the staffs, their bands dark and white in turn, and the colours of their faces."""
    side = _STAFF * max(bounds[2] - bounds[0], bounds[3] - bounds[1])
    k = np.arange(marks, dtype=np.intp)
    at: Floats = k.astype(np.float64)
    colours = np.array([to_rgb(c) for c in _BANDS])[k % 2]
    found = []
    for foot in staff_feet(bounds):
        mesh = boxes_mesh(np.full(marks, foot[0]), np.full(marks, foot[1]), np.full(marks, side),
                          at * band, (at + 1) * band, np.full(marks, -1))
        found.append((mesh, np.repeat(colours, len(mesh.triangles) // marks, axis=0)))
    return found


def _joined(parts: Sequence[Mesh]) -> Mesh:
    """Return meshes as one."""
    start = np.cumsum([0, *(len(p.vertices) for p in parts)])[:-1]
    return Mesh(
        np.concatenate([p.vertices for p in parts]),
        np.concatenate([p.triangles + s for p, s in zip(parts, start, strict=True)]
                       ).astype(np.int32),
        np.concatenate([p.feature for p in parts]), np.concatenate([p.kind for p in parts]),
        np.concatenate([p.edges + s for p, s in zip(parts, start, strict=True)]).astype(np.int32),
        np.concatenate([p.edge_feature for p in parts]))
