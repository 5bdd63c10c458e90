"""Roof planes grown on a raster of measured heights."""

from __future__ import annotations

import math
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
import xarray as xr
from numba import njit, prange
from numpy.typing import NDArray

from layers.errors import LayerError
from twin.rasters import burn
from twin.roof_table import STEEPEST, Floats, plane_table, uncovered

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
        As `twin.roofs.roof_planes`. What no plane explains is one flat row of a building,
        ``flat-assumed`` and with ``largest`` 0, as no module stands there.

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
    outlines = _outlines(mark, len(planes), x, y, cell)[kept]
    fitted = plane_table(building[kept], outlines, np.minimum(slope, STEEPEST)[kept], aspect[kept],
                         "fitted", plan=plan[kept], largest=plan[kept])
    rest = np.flatnonzero(good & (full - explained > 1e-6 * full))
    if not len(rest):
        return fitted
    free = uncovered(rest, inner[np.searchsorted(rows, rest)], building[kept], outlines)
    bare = plane_table(rest, free, 0.0, 0.0, "flat-assumed", plan=(full - explained)[rest],
                       largest=np.zeros(len(rest)))
    return pd.concat([fitted, bare], ignore_index=True)


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
