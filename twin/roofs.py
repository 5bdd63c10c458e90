"""Roofs as planes: from surfaces of a 3D model, a height raster, tags, or taken as flat.

A plane knows its building, its area, where it faces and how far to trust it. ``source`` says where
it comes from, in order of trust: ``lod2`` (surfaces of a model), ``attributes`` (tagged shape),
``fitted`` (a raster of real roof heights) and ``flat-assumed``.
"""

from __future__ import annotations

import math
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
import xarray as xr
from numba import njit, prange
from numpy.typing import ArrayLike, NDArray

from layers.errors import LayerError
from twin.rasters import burn

Floats = NDArray[np.float64]

SOURCES = ("lod2", "attributes", "fitted", "flat-assumed")
COLUMNS = ("building", "area", "plan", "slope", "aspect", "largest", "source", "kind", "low",
           "high")
SHED_TILT = 10.0   # of tagged lean-to roofs whose height and angle nobody gave [degrees]
LEVEL = 10.0       # a plane flatter than this takes modules on racks, like a flat roof [degrees]
STEEPEST = 75.0    # what is steeper is a wall [degrees]
# Stems of the ranges, by source; a roof tagged flat is surer than a tagged slope.
BANDS = {"lod2": "modelled", "attributes": "tagged", "fitted": "fitted", "flat-assumed": "assumed"}

# Which usable share a flat roof of this use takes.
FLAT_KIND = {"residential": "flat_residential", "hotel": "flat_commercial",
             "retail": "flat_commercial", "office": "flat_commercial",
             "education": "flat_public", "hospital": "flat_public", "culture": "flat_public",
             "transport": "flat_public", "industrial": "flat_industrial"}

_COMPASS = ("n", "nne", "ne", "ene", "e", "ese", "se", "sse", "s", "ssw", "sw", "wsw", "w", "wnw",
            "nw", "nnw")


def roof_planes(buildings: gpd.GeoDataFrame, factors: Any, *,
                heights: xr.DataArray | None = None,
                surfaces: gpd.GeoDataFrame | None = None) -> gpd.GeoDataFrame:
    """Return the roofs of buildings as planes.

    Parameters
    ----------
    buildings
        The buildings layer. ``roof_shape`` is used, and where the table has them ``roof_height``
        [m], ``roof_angle`` [degrees], ``roof_direction`` (degrees or compass word, downhill) and
        ``roof_orientation`` (``along`` or ``across``).
    factors
        Picks ``pv.roof_tilt`` and the ranges ``pv.plane.*``.
    heights
        Measured heights of roofs on (y, x), both rising, such as a LiDAR surface [m]. Not a raster
        burnt from the building heights: all its roofs would be flat.
    surfaces
        Roof surfaces of a 3D model: polygons with z [m] and the column ``building``, row numbers.

    Returns
    -------
    geopandas.GeoDataFrame
        A row a plane, by building: ``building`` (row number), ``area`` of the plane and ``plan``,
        the same seen from above [m2], ``slope`` and ``aspect`` (downhill, clockwise from north, 0
        on flat ones) [degrees], ``largest``, its largest piece seen from above [m2], ``source``,
        ``kind`` (name of its usable share), ``low`` and ``high``, the range of its light over the
        value [1], and its outline. The plans of a building sum to its footprint, those of a model
        to what the model gives.

    Notes
    -----
    A tagged roof without height and angle is fitted where there is a raster, else gets the tilt of
    the table. A gabled roof is cut along the long middle line of the smallest box around the
    footprint, a hipped one as a hipped box, a pyramidal one to the middle; mansards count as
    hipped. Lean-to roofs of unknown direction, round and other shapes are taken as flat.
    """
    left = np.ones(len(buildings), dtype=bool)
    shape = buildings["roof_shape"].to_numpy(dtype="object")
    found: list[pd.DataFrame] = []

    def keep(planes: pd.DataFrame) -> None:
        found.append(planes)
        left[planes["building"]] = False

    if surfaces is not None:
        keep(_modelled(surfaces, len(buildings)))
    if heights is not None:
        whole = np.arange(len(buildings))
        told = (shape == "flat") | ((shape != "") & (
            (_column(buildings, "roof_height", whole) > 0)
            | (_column(buildings, "roof_angle", whole) > 0)))
        keep(fit_planes(buildings, heights, among=left & ~told))
    keep(_pitched(buildings, left, shape, factors.pick("pv.roof_tilt", "degree").value))
    rows = np.flatnonzero(left)
    keep(_table(rows, buildings.geometry.values[rows], 0.0, 0.0,
                np.where(shape[rows] == "flat", "attributes", "flat-assumed")))
    table = pd.concat([part for part in found if len(part)] or found[-1:], ignore_index=True)
    table = table.sort_values("building", kind="stable", ignore_index=True)

    source, level = table["source"].to_numpy(dtype="object"), table["slope"].to_numpy() < LEVEL
    use = buildings["use"].map(FLAT_KIND).fillna("unknown").to_numpy(dtype="object")
    table["kind"] = np.where(source == "flat-assumed", "unknown",
                             np.where(level, use[table["building"]], "tilted"))
    stem = np.array([BANDS[s] for s in source], dtype="object")
    stem[(source == "attributes") & (table["slope"] == 0)] = "tagged_flat"
    band = {s: factors.pick(f"pv.plane.{s}", "1") for s in pd.unique(stem)}
    table["low"] = [band[s].low / band[s].value for s in stem]
    table["high"] = [band[s].high / band[s].value for s in stem]
    return gpd.GeoDataFrame(table[list(COLUMNS)], geometry=table["geometry"].to_numpy(),
                            crs=buildings.crs)


def _table(building: ArrayLike, shapes: Any, slope: ArrayLike, aspect: ArrayLike, source: Any,
           plan: ArrayLike | None = None, largest: ArrayLike | None = None) -> pd.DataFrame:
    """Return planes as a table; areas are those of the outlines unless given."""
    rows = np.asarray(building, dtype=np.intp)
    outline = np.asarray(shapes, dtype=object)
    seen = shapely.area(outline) if plan is None else np.asarray(plan, dtype=float)
    if largest is None:
        parts, of = shapely.get_parts(outline, return_index=True)
        largest = np.zeros(len(rows))
        np.maximum.at(largest, of, shapely.area(parts))
    tilt = np.broadcast_to(np.asarray(slope, dtype=float), rows.shape)
    return pd.DataFrame({
        "building": rows, "area": seen / np.cos(np.deg2rad(tilt)), "plan": seen, "slope": tilt,
        "aspect": np.broadcast_to(np.asarray(aspect, dtype=float), rows.shape),
        "largest": largest, "source": source, "geometry": outline})


def _modelled(surfaces: gpd.GeoDataFrame, count: int) -> pd.DataFrame:
    """Planes of roof surfaces: area vectors by Newell's rule, walls left out."""
    rows = surfaces["building"].to_numpy()
    if len(rows) and not ((rows >= 0) & (rows < count)).all():
        raise LayerError(f"roof surfaces: a row has building {rows.min()} to {rows.max()}, expected"
                         f" row numbers from 0 to {count - 1}",
                         mend="Give the row of each surface's building in the layer")
    shapes = shapely.orient_polygons(surfaces.geometry.values)
    parts, of = shapely.get_parts(shapes, return_index=True)
    rings, of_part = shapely.get_rings(parts, return_index=True)
    xyz, ring = shapely.get_coordinates(rings, include_z=True, return_index=True)
    joined = ring[1:] == ring[:-1]
    first = np.searchsorted(ring, ring[:-1][joined])  # measured from a corner of the ring itself
    a, b = xyz[:-1][joined] - xyz[first], xyz[1:][joined] - xyz[first]
    vector = np.zeros((len(shapes), 3))
    np.add.at(vector, of[of_part][ring[:-1][joined]], np.cross(a, b) / 2)
    size = np.linalg.norm(vector, axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        slope = np.degrees(np.arccos(np.abs(vector[:, 2]) / size))
    is_roof = np.isfinite(slope) & (slope <= STEEPEST)
    east, north = vector[is_roof, 0], vector[is_roof, 1]
    aspect = np.where(slope[is_roof] < 0.01, 0.0, np.degrees(np.arctan2(east, north)) % 360)
    return _table(rows[is_roof], np.asarray(shapes, dtype=object)[is_roof], slope[is_roof], aspect,
                  "lod2", plan=np.abs(vector[is_roof, 2]))


def _column(buildings: gpd.GeoDataFrame, name: str, rows: NDArray[np.intp]) -> Floats:
    if name not in buildings.columns:
        return np.full(len(rows), np.nan)
    values = pd.to_numeric(buildings[name].iloc[rows], errors="coerce")
    return np.asarray(values.to_numpy(dtype=float))


def _directions(buildings: gpd.GeoDataFrame, rows: NDArray[np.intp]) -> Floats:
    """Downhill direction people tagged, NaN where they did not [degrees]."""
    if "roof_direction" not in buildings.columns:
        return np.full(len(rows), np.nan)
    words = buildings["roof_direction"].iloc[rows].astype(str).str.strip().str.lower()
    number = pd.to_numeric(words, errors="coerce")
    named = words.map({w: 22.5 * i for i, w in enumerate(_COMPASS)})
    return np.asarray(number.fillna(named).to_numpy(dtype=float) % 360)


def _pitched(buildings: gpd.GeoDataFrame, among: NDArray[np.bool_], shape: NDArray[Any],
             tilt: float) -> pd.DataFrame:
    """Planes of buildings whose tagged roof slopes, each clipped to the footprint."""
    tagged = np.isin(shape, ("gabled", "hipped", "mansard", "pyramidal", "skillion"))
    rows = np.flatnonzero(among & tagged)
    facing = _directions(buildings, rows)
    known = (shape[rows] != "skillion") | np.isfinite(facing)
    rows, facing, form = rows[known], facing[known], shape[rows[known]]
    footprint = buildings.geometry.values[rows]
    corner = np.zeros((len(rows), 3, 2))
    if len(rows):
        box = shapely.minimum_rotated_rectangle(footprint)
        corner = shapely.get_coordinates(shapely.get_exterior_ring(box)).reshape(-1, 5, 2)[:, :3]
    middle = (corner[:, 0] + corner[:, 2]) / 2
    sides = corner[:, 1:] - corner[:, :-1]
    length = np.linalg.norm(sides, axis=2)
    every = np.arange(len(rows))
    along = sides[every, length.argmax(axis=1)] / length.max(axis=1)[:, None]
    half, wide = length.max(axis=1) / 2, length.min(axis=1) / 2

    # The ridge lies across the box where people say so or the tagged direction is nearer to that.
    downhill = np.column_stack([np.sin(np.deg2rad(facing)), np.cos(np.deg2rad(facing))])
    turned = np.nan_to_num(np.abs((downhill * along).sum(axis=1))) > np.sqrt(0.5)
    if "roof_orientation" in buildings.columns:
        said = buildings["roof_orientation"].iloc[rows].astype(str).to_numpy()
        turned |= (said == "across") & ~np.isfinite(facing)
    lean = form == "skillion"
    across = np.column_stack([-along[:, 1], along[:, 0]])
    along = np.where(turned[:, None], across, along)
    half, wide = np.where(turned, wide, half), np.where(turned, half, wide)
    across = np.column_stack([-along[:, 1], along[:, 0]])
    backward = np.nan_to_num((downhill * across).sum(axis=1)) < 0
    across[backward & lean] *= -1  # a lean-to falls to its plus side

    ridge = np.where(np.isin(form, ("hipped", "mansard")), np.maximum(half - wide, 0.0), 0.0)
    ridge = np.where((form == "gabled") | lean, half, ridge)
    run = np.where(lean, 2 * wide, wide)
    rise, angle = _column(buildings, "roof_height", rows), _column(buildings, "roof_angle", rows)
    steep = np.where(lean, min(SHED_TILT, tilt), tilt)
    steep = np.where(rise > 0, np.degrees(np.arctan2(rise, run)), steep)
    steep = np.clip(np.where((angle > 0) & (angle < 90), angle, steep), 0.0, STEEPEST)
    drop = np.tan(np.deg2rad(steep)) * run

    tables = []
    k = 1.01  # the sectors reach a little over the box
    for u, v in ((0, 1), (0, -1), (1, 0), (-1, 0)):
        has = np.where(lean, v == 1, True) if v else half - ridge > 0.01
        at = np.flatnonzero(has)
        r, a, b = ridge[at], half[at], wide[at]
        top = np.where(lean[at], -k * b, 0.0)  # the ridge of a lean-to is its upper wall
        end = np.where(r < a, r, k * a)
        low_u, low_v = np.where(r < a, r + k * (a - r), k * a), k * b
        if v:
            ends = [(-end, v * top), (-low_u, v * low_v), (low_u, v * low_v), (end, v * top)]
            slope, away = steep[at], v * across[at]
        else:
            ends = [(u * r, 0 * r), (u * low_u, low_v), (u * low_u, -low_v)]
            slope, away = np.degrees(np.arctan(drop[at] / (a - r))), u * along[at]
        ring = np.stack([middle[at] + p[:, None] * along[at] + q[:, None] * across[at]
                         for p, q in [*ends, ends[0]]], axis=1)
        clipped = shapely.intersection(footprint[at], shapely.polygons(ring))
        some = shapely.area(clipped) > 0
        aspect = np.degrees(np.arctan2(away[:, 0], away[:, 1])) % 360
        tables.append(_table(rows[at][some], clipped[some], np.minimum(slope, STEEPEST)[some],
                             aspect[some], "attributes"))
    return pd.concat(tables, ignore_index=True)


# ---- planes from a raster of heights

SHRINK = 0.75      # roof edges are left out of the fit: gutters, walls, shifted outlines [m]
SPREAD = 0.30      # root mean square distance from a plane that is still one [m]
LEAST = 10.0       # smaller planes are obstacles [m2]
SHARE = 0.5        # of the roof that planes must explain, else it is taken as flat [1]


def fit_planes(buildings: gpd.GeoDataFrame, heights: xr.DataArray, *,
               among: NDArray[np.bool_] | None = None) -> pd.DataFrame:
    """Return the planes that a raster of roof heights shows, for buildings where they explain it.

    Parameters
    ----------
    buildings
        The buildings layer.
    heights
        Measured heights on (y, x), both rising; NaN where there is none [m].
    among
        Which buildings to look at; all when None.

    Returns
    -------
    pandas.DataFrame
        As `roof_planes`. What no plane explains is one flat row of a building, ``flat-assumed``
        and with ``largest`` 0, as no module stands there.

    Notes
    -----
    Regions grow from the cells whose surroundings are the most even, over side neighbours within
    three standard deviations of the plane, but 0.5 to 1.5 times `SPREAD`; it is fitted again as the
    region grows. A region of at least `LEAST` whose cells are within `SPREAD` (root mean square) of
    their plane is kept.
    """
    rows = np.arange(len(buildings)) if among is None else np.flatnonzero(among)
    heights = heights.transpose("y", "x")
    x, y = heights["x"].to_numpy().astype(float), heights["y"].to_numpy().astype(float)
    if len(x) < 3 or len(y) < 3 or x[1] <= x[0] or y[1] <= y[0]:
        raise LayerError("the heights of roofs need at least 3 x 3 cells, x and y rising",
                         mend="Sort the raster by x and y")
    cell = float(x[1] - x[0])
    z = heights.to_numpy().astype(np.float64)
    inner = shapely.buffer(buildings.geometry.values[rows], -SHRINK, join_style="mitre")
    owner = burn(inner, rows, x, y, fill=-1).astype(np.int32)
    inside = np.bincount(owner[owner >= 0], minlength=len(buildings))
    owner[~np.isfinite(z)] = -1
    rough = uneven(z, owner)
    seeds = np.flatnonzero(np.isfinite(rough))
    seeds = seeds[np.argsort(rough.ravel()[seeds], kind="stable")]
    mark, planes = grow_planes(z, owner, seeds, cell, SPREAD, LEAST)

    building = planes[:, 0].astype(np.intp)
    # The footprint is wider than what was fitted: planes take it in proportion.
    full = buildings.geometry.area.to_numpy()
    per_cell = full / np.maximum(inside, 1)
    plan = planes[:, 1] * per_cell[building]
    explained = np.bincount(building, weights=plan, minlength=len(buildings))
    good = explained >= SHARE * full
    kept = good[building]
    gx, gy = planes[:, 2], planes[:, 3]
    slope = np.degrees(np.arctan(np.hypot(gx, gy)))
    aspect = np.where(slope < 0.01, 0.0, np.degrees(np.arctan2(-gx, -gy)) % 360)
    fitted = _table(building[kept], _outlines(mark, len(planes), x, y, cell)[kept],
                    np.minimum(slope, STEEPEST)[kept], aspect[kept], "fitted", plan=plan[kept],
                    largest=plan[kept])
    rest = np.flatnonzero(good & (full - explained > 1e-6 * full))
    bare = _table(rest, buildings.geometry.values[rest], 0.0, 0.0, "flat-assumed",
                  plan=(full - explained)[rest], largest=np.zeros(len(rest)))
    return pd.concat([fitted, bare], ignore_index=True) if len(bare) else fitted


def _outlines(mark: NDArray[np.int32], count: int, x: Floats, y: Floats, cell: float) -> Any:
    """Outline of the cells of each plane; a region joined by sides is one polygon."""
    from rasterio.features import shapes
    from rasterio.transform import Affine

    place = Affine(cell, 0, x[0] - cell / 2, 0, cell, y[0] - cell / 2)
    outlines = np.full(count, shapely.Polygon(), dtype=object)
    for ring, value in shapes(mark, mask=mark >= 0, connectivity=4, transform=place):
        outlines[int(value)] = shapely.geometry.shape(ring)
    return outlines


@njit(cache=True, nogil=True, parallel=True)
def uneven(z: Floats, owner: NDArray[np.int32]) -> Floats:
    """Return how far the 3 x 3 cells around each are from one plane, NaN where not all are roof.

    Parameters
    ----------
    z
        Heights, (ny, nx) [m].
    owner
        Row of the building, -1 for none, (ny, nx).

    Returns
    -------
    numpy.ndarray
        Root mean square distance from the plane of least squares, (ny, nx) [m].
    """
    ny, nx = z.shape
    out = np.full((ny, nx), np.nan)
    for j in prange(1, ny - 1):
        for i in range(1, nx - 1):
            mine = owner[j, i]
            whole = mine >= 0
            mean = gx = gy = 0.0
            for b in range(-1, 2):
                for a in range(-1, 2):
                    whole = whole and owner[j + b, i + a] == mine
                    value = z[j + b, i + a]
                    mean += value / 9
                    gx += a * value / 6
                    gy += b * value / 6
            if whole:
                square = 0.0
                for b in range(-1, 2):
                    for a in range(-1, 2):
                        square += (z[j + b, i + a] - mean - a * gx - b * gy) ** 2
                out[j, i] = math.sqrt(square / 9)
    return out


@njit(cache=True, nogil=True)
def grow_planes(z: Floats, owner: NDArray[np.int32], seeds: NDArray[np.intp], cell: float,
                spread: float, least: float) -> tuple[NDArray[np.int32], Floats]:
    """Return which plane each cell belongs to, and the planes.

    Parameters
    ----------
    z, owner
        As for `uneven`.
    seeds
        Cells to start from, the most even ones first, as positions in the flattened raster.
    cell
        Side of a cell [m].
    spread
        Largest root mean square distance of a plane's cells from it [m].
    least
        Smallest plane, along its slope [m2].

    Returns
    -------
    tuple of numpy.ndarray
        Number of the plane, -1 for none, (ny, nx); and building row, cells and gradient (east,
        north) of the n planes, (n, 4) [1].
    """
    ny, nx = z.shape
    mark = np.full((ny, nx), -1, np.int32)
    tried = np.zeros((ny, nx), np.bool_)
    queue = np.empty(ny * nx, np.int64)
    found = [(0.0, 0.0, 0.0, 0.0) for _ in range(0)]
    s = np.empty(10)
    for seed in seeds:
        j0, i0 = seed // nx, seed % nx
        if mark[j0, i0] >= 0 or tried[j0, i0]:
            continue
        number, mine, z0 = len(found), owner[j0, i0], z[j0, i0]
        gx = (z[j0, i0 + 1] - z[j0, i0 - 1]) / 2  # per cell
        gy = (z[j0 + 1, i0] - z[j0 - 1, i0]) / 2
        level, reach, next_fit = 0.0, 1.5 * spread, 9
        s[:] = 0.0
        queue[0], first, last = seed, 0, 1
        mark[j0, i0] = number
        while first < last:
            j, i = queue[first] // nx, queue[first] % nx
            first += 1
            a, b, c = float(i - i0), float(j - j0), z[j, i] - z0
            s[0] += 1.0
            s[1] += a
            s[2] += b
            s[3] += c
            s[4] += a * a
            s[5] += a * b
            s[6] += b * b
            s[7] += a * c
            s[8] += b * c
            s[9] += c * c
            if first == next_fit:
                level, gx, gy, rms = _plane(s)
                free = math.sqrt(first / (first - 3.0))  # three numbers were fitted
                reach = min(max(3.0 * rms * free, 0.5 * spread), 1.5 * spread)
                next_fit = int(1.3 * next_fit) + 1
            for dj, di in ((0, 1), (0, -1), (1, 0), (-1, 0)):
                jj, ii = j + dj, i + di
                if jj < 0 or ii < 0 or jj >= ny or ii >= nx or owner[jj, ii] != mine \
                        or mark[jj, ii] >= 0:
                    continue
                off = z[jj, ii] - z0 - level - gx * (ii - i0) - gy * (jj - j0)
                if abs(off) <= reach:
                    mark[jj, ii] = number
                    queue[last] = jj * nx + ii
                    last += 1
        accepted = False
        if last >= 9:
            level, gx, gy, rms = _plane(s)
            steep = math.sqrt(1 + (gx * gx + gy * gy) / (cell * cell))
            accepted = rms <= spread * steep and last * cell * cell * steep >= least
        if accepted:
            found.append((float(mine), float(last), gx / cell, gy / cell))
        else:
            for n in range(last):
                mark[queue[n] // nx, queue[n] % nx] = -1
                tried[queue[n] // nx, queue[n] % nx] = True
    table = np.empty((len(found), 4))
    for n in range(len(found)):
        for k in range(4):
            table[n, k] = found[n][k]
    return mark, table


@njit(cache=True, nogil=True)
def _plane(s: Floats) -> tuple[float, float, float, float]:
    """Level, gradient per cell and root mean square height error from sums over the cells."""
    n = s[0]
    a, b, c = s[1] / n, s[2] / n, s[3] / n
    aa, ab, bb = s[4] / n - a * a, s[5] / n - a * b, s[6] / n - b * b
    ac, bc, cc = s[7] / n - a * c, s[8] / n - b * c, s[9] / n - c * c
    whole = aa * bb - ab * ab
    gx = gy = 0.0
    if whole > 1e-9:
        gx, gy = (ac * bb - bc * ab) / whole, (bc * aa - ac * ab) / whole
    left = max(cc - gx * ac - gy * bc, 0.0)
    return c - gx * a - gy * b, gx, gy, math.sqrt(left)
