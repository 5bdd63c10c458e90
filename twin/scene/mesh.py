"""Buildings as one mesh: walls, roofs and edge lines in NumPy, with no window and no VTK."""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import shapely
import xarray as xr
from numpy.typing import NDArray

from twin.rasters import sample

Origin = tuple[float, float, float]
Floats = NDArray[np.float32]
Ints = NDArray[np.int32]

WALL, ROOF, CROWN = 0, 1, 2
_SINK = 0.5     # how far a base reaches below sloping ground [m]
_CORNER = 0.42  # sine of the least turn (25 degrees) that gets a vertical line


@dataclass(frozen=True, eq=False)
class Mesh:
    """Triangles with the feature each belongs to.

    Parameters
    ----------
    vertices
        (n, 3) in metres from the scene's origin, x east, y north, z up.
    triangles
        (m, 3) rows of ``vertices``, counter-clockwise seen from outside.
    feature
        (m,) row number of the feature in its layer.
    kind
        (m,) `WALL`, `ROOF` or `CROWN`.
    edges
        (k, 2) rows of ``vertices``: roof outlines and corner verticals.
    edge_feature
        (k,) row number of the feature of each edge.
    """

    vertices: Floats
    triangles: Ints
    feature: Ints
    kind: NDArray[np.uint8]
    edges: Ints
    edge_feature: Ints


def buildings_mesh(buildings: gpd.GeoDataFrame, origin: Origin,
                   ground: xr.DataArray | None = None) -> Mesh:
    """Return buildings as upright blocks with flat roofs, courtyards kept.

    A block stands on ``ground_z`` where it is known, else on the mean terrain under its outline,
    else on 0. On a slope its walls reach a little below the lowest ground they touch. Blocks with
    a ``min_height`` start there and have no underside.

    Parameters
    ----------
    buildings
        The buildings layer; ``height``, ``min_height`` and ``ground_z`` [m] are used.
    origin
        x, y, z [m, the layer's CRS and datum] that become (0, 0, 0).
    ground
        Terrain above the datum [m] on (y, x).
    """
    shape, owner = shapely.get_parts(shapely.force_2d(buildings.geometry.values),
                                     return_index=True)
    use = (shapely.get_type_id(shape) == 3) & ~shapely.is_empty(shape)
    shape, owner = shape[use], owner[use]
    shape = shapely.orient_polygons(shapely.remove_repeated_points(shape, 0.0))
    rings, part = shapely.get_rings(shape, return_index=True)
    if len(rings) == 0:
        return empty()
    xy, ring = shapely.get_coordinates(rings, return_index=True)
    # The last point of a ring repeats the first.
    last = np.append(ring[1:] != ring[:-1], True)
    xy, ring = xy[~last], ring[~last]
    count = np.bincount(ring, minlength=len(rings))
    first = np.cumsum(count) - count
    at = np.arange(len(xy))
    after = np.where(at + 1 == (first + count)[ring], first[ring], at + 1)
    before = np.where(at == first[ring], (first + count - 1)[ring], at - 1)

    x0, y0, z0 = origin
    row = owner[part][ring]
    base, top = _levels(buildings, row, sample(ground, xy[:, 0], xy[:, 1]))
    local = xy - (x0, y0)
    n = len(local)
    vertices = np.empty((2 * n, 3), dtype=np.float32)
    vertices[:n, :2] = vertices[n:, :2] = local
    vertices[:n, 2], vertices[n:, 2] = base[row] - z0, top[row] - z0

    quad = np.column_stack([at, after, after + n, at, after + n, at + n]).reshape(-1, 3)
    roof = _roofs(local, part, first, count, after, before)
    triangles = np.concatenate([quad, roof + n]).astype(np.int32)
    kind = np.repeat(np.array([WALL, ROOF], dtype=np.uint8), [len(quad), len(roof)])
    feature = np.concatenate([np.repeat(row, 2), row[roof[:, 0]]]).astype(np.int32)

    turn = np.abs(_turn(local, before, after, unit=True))
    corner = at[turn > _CORNER]
    edges = np.concatenate([np.column_stack([at, after]) + n,
                            np.column_stack([corner, corner + n])]).astype(np.int32)
    edge_feature = np.concatenate([row, row[corner]]).astype(np.int32)
    return Mesh(vertices, triangles, feature, kind, edges, edge_feature)


def empty() -> Mesh:
    """Return a mesh of nothing."""
    pairs, ids = np.zeros((0, 2), np.int32), np.zeros(0, np.int32)
    return Mesh(np.zeros((0, 3), np.float32), np.zeros((0, 3), np.int32), ids,
                np.zeros(0, np.uint8), pairs, ids)


def normals(mesh: Mesh) -> NDArray[np.float64]:
    """Return the outward unit normal of every triangle, (m, 3)."""
    cross = _cross(mesh)
    length = np.linalg.norm(cross, axis=1, keepdims=True)
    return np.asarray(cross / np.where(length > 0, length, 1.0))


def areas(mesh: Mesh) -> NDArray[np.float64]:
    """Return the area of every triangle [m2]."""
    return np.asarray(0.5 * np.linalg.norm(_cross(mesh), axis=1))


def face_light(normal: NDArray[np.float64], *,
               sun: tuple[float, float] = (225.0, 45.0)) -> NDArray[np.float64]:
    """Return how bright a face is drawn [0..1], so that pictures need no lamps.

    Ambient light 0.66, direct sun up to 0.30, open sky up to 0.10 on faces that look up, and up
    to 0.03 more on faces that look east, which tells apart two walls that the sun lights alike.

    Parameters
    ----------
    normal
        (m, 3) outward unit normals, x east, y north, z up.
    sun
        Where the sun stands: azimuth clockwise from north and elevation [degrees].
    """
    azimuth, elevation = np.radians(sun)
    towards = np.array([np.sin(azimuth) * np.cos(elevation),
                        np.cos(azimuth) * np.cos(elevation), np.sin(elevation)])
    light = (0.66 + 0.30 * np.clip(normal @ towards, 0, None)
             + 0.10 * np.clip(normal[:, 2], 0, None) + 0.03 * np.clip(normal[:, 0], 0, None))
    return np.asarray(np.clip(light, 0.0, 1.0))


def _cross(mesh: Mesh) -> NDArray[np.float64]:
    corner = mesh.vertices.astype(np.float64)[mesh.triangles]
    return np.asarray(np.cross(corner[:, 1] - corner[:, 0], corner[:, 2] - corner[:, 0]))


def _levels(buildings: gpd.GeoDataFrame, row: NDArray[np.intp], terrain: NDArray[np.float64]
            ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Bottom and top of every building above the datum [m]."""
    n = len(buildings)
    low, high = np.full(n, np.inf), np.full(n, -np.inf)
    np.minimum.at(low, row, terrain)
    np.maximum.at(high, row, terrain)
    mean = (np.bincount(row, weights=terrain, minlength=n)
            / np.maximum(np.bincount(row, minlength=n), 1))
    known = (buildings["ground_z"].to_numpy(dtype=float) if "ground_z" in buildings.columns
             else np.full(n, np.nan))
    ground = np.where(np.isfinite(known), known, mean)
    under = (np.nan_to_num(buildings["min_height"].to_numpy(dtype=float))
             if "min_height" in buildings.columns else np.zeros(n))
    slope = (high - low > 0.05) | (ground - low > 0.05)
    foot = np.where(slope, np.minimum(ground, low) - _SINK, ground)
    base = np.where(under > 0, ground + under, foot)
    return base, ground + buildings["height"].to_numpy(dtype=float)


def _turn(xy: NDArray[np.float64], before: NDArray[np.intp], after: NDArray[np.intp], *,
          unit: bool) -> NDArray[np.float64]:
    """Cross product of the edges into and out of every point; the sine of the turn if ``unit``."""
    into, out = xy - xy[before], xy[after] - xy
    cross = into[:, 0] * out[:, 1] - into[:, 1] * out[:, 0]
    if not unit:
        return np.asarray(cross)
    size = np.hypot(*into.T) * np.hypot(*out.T)
    straight = (into * out).sum(axis=1) >= 0
    return np.where(straight, cross / np.where(size > 0, size, 1.0), 1.0)


def _roofs(xy: NDArray[np.float64], part: NDArray[np.intp], first: NDArray[np.intp],
           count: NDArray[np.intp], after: NDArray[np.intp], before: NDArray[np.intp]
           ) -> NDArray[np.intp]:
    """Triangles of all polygons, counter-clockwise: fans for convex ones, ears for the rest."""
    import mapbox_earcut

    ring = np.repeat(np.arange(len(first)), count)
    left = _turn(xy, before, after, unit=False) >= 0
    rings_of_part = np.bincount(part)
    fan = (np.bincount(ring, weights=~left) == 0) & (rings_of_part[part] == 1)

    step = np.arange(len(xy)) - first[ring]
    inner = np.flatnonzero(fan[ring] & (step >= 1) & (step <= count[ring] - 2))
    fans = np.column_stack([first[ring[inner]], inner, inner + 1])

    hard = np.flatnonzero(np.bincount(part, weights=fan) == 0)
    first_ring = np.searchsorted(part, hard)
    last_ring = first_ring + rings_of_part[hard]
    cut = [fans]
    for start, stop in zip(first_ring.tolist(), last_ring.tolist(), strict=True):
        begin = first[start]
        ends = (first[start:stop] + count[start:stop] - begin).astype(np.uint32)
        ears = mapbox_earcut.triangulate_float64(xy[begin:begin + ends[-1]], ends)
        cut.append(ears.reshape(-1, 3).astype(np.intp) + begin)
    return np.concatenate(cut)
