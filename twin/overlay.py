"""From vector to cells: one sparse matrix, the only way.

``overlap(layer, grid)`` holds, for every cell (row) and feature (column), the area [m2], length
[m] or count of the feature inside the cell and inside the study area. Products with it conserve
totals by construction.

Areas are exact. Each edge is cut at the grid lines; each piece covers, seen from the left, a part
of its own cell and all cells to its right in that row. With Green's theorem the signed sum over a
closed ring is the area of the polygon in each cell (the coverage accumulation of font
rasterisers), which needs no geometry operation at all for features inside the study area.
"""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import shapely
from scipy.sparse import csr_array

from layers.errors import GridError
from twin.grid import Grid


def overlap(layer: gpd.GeoDataFrame | gpd.GeoSeries, grid: Grid) -> csr_array:
    """Return how much of each feature lies in each cell.

    Parameters
    ----------
    layer
        Polygons, lines or points in the grid's CRS; kinds may be mixed.
    grid
        The cells, and the study area that cuts the features.

    Returns
    -------
    scipy.sparse.csr_array
        Shape (``grid.size``, ``len(layer)``): m2 of polygons, m of lines, count of points.

    Raises
    ------
    GridError
        When the layer is in another CRS than the grid.
    """
    if layer.crs is not None and layer.crs != grid.crs:
        raise GridError(f"the layer is in {layer.crs.name}, the grid in {grid.crs.name}",
                        mend="Reproject the layer with to_crs(grid.crs)")
    geometry = within_area(np.asarray(layer.geometry.values), grid)
    dimension = shapely.get_dimensions(geometry)
    cells: list[np.ndarray] = []
    features: list[np.ndarray] = []
    amounts: list[np.ndarray] = []
    for dim, measure in ((2, _areas), (1, _lengths), (0, _counts)):
        at = np.flatnonzero((dimension == dim) & ~shapely.is_empty(geometry))
        if len(at):
            cell, feature, amount = measure(geometry[at], grid)
            cells.append(cell)
            features.append(at[feature])
            amounts.append(amount)
    if not cells:
        return csr_array((grid.size, len(geometry)))
    matrix = csr_array(
        (np.concatenate(amounts), (np.concatenate(cells), np.concatenate(features))),
        shape=(grid.size, len(geometry)))
    matrix.sum_duplicates()
    return matrix


def within_area(geometry: np.ndarray, grid: Grid) -> np.ndarray:
    """Return geometries cut to the study area; those inside it come back as they are."""
    area = grid.area
    shapely.prepare(area)
    crossing = ~shapely.covers(area, geometry) & ~shapely.is_empty(geometry)
    if not crossing.any():
        return geometry
    cut = geometry.copy()
    cut[crossing] = shapely.intersection(geometry[crossing], area)
    # A polygon that only touches the edge leaves a line or point there: not a part of it.
    mixed = shapely.get_type_id(cut) == shapely.GeometryType.GEOMETRYCOLLECTION
    lower = shapely.get_dimensions(cut) < shapely.get_dimensions(geometry)
    cut[lower] = shapely.from_wkt("POLYGON EMPTY")
    cut[mixed & ~lower] = shapely.buffer(cut[mixed & ~lower], 0)
    return cut


def _areas(polygons: np.ndarray, grid: Grid) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    parts, owner = shapely.get_parts(shapely.orient_polygons(polygons), return_index=True)
    rings, of_part = shapely.get_rings(parts, return_index=True)
    xy, ring = shapely.get_coordinates(rings, return_index=True)
    start, end, edge_owner = _segments(xy, owner[of_part][ring], ring, grid)

    bounds = shapely.bounds(polygons)
    i0, j0 = _cell(bounds[:, 0], grid.x0, grid.nx, grid), _cell(bounds[:, 1], grid.y0, grid.ny,
                                                               grid)
    i1, j1 = _cell(bounds[:, 2], grid.x0, grid.nx, grid), _cell(bounds[:, 3], grid.y0, grid.ny,
                                                               grid)
    width, height = i1 - i0 + 1, j1 - j0 + 1
    offset = np.concatenate([[0], np.cumsum(width * height)])

    start, end, edge_owner = _cut_at_lines(start, end, edge_owner)
    middle = (start + end) / 2
    i = np.clip(np.floor(middle[:, 0]).astype(np.int64), i0[edge_owner], i1[edge_owner])
    j = np.clip(np.floor(middle[:, 1]).astype(np.int64), j0[edge_owner], j1[edge_owner])
    slot = offset[edge_owner] + (j - j0[edge_owner]) * width[edge_owner] + i - i0[edge_owner]
    rise = end[:, 1] - start[:, 1]
    total = int(offset[-1])
    own = np.bincount(slot, weights=-rise * (i + 1 - middle[:, 0]), minlength=total)
    right = np.bincount(slot, weights=-rise, minlength=total)

    # Sum of the rises to the left in the same row of the same feature.
    row_length = np.repeat(width, height)
    row_start = np.concatenate([[0], np.cumsum(row_length)[:-1]])
    running = np.cumsum(right) - right
    running -= np.repeat(running[row_start], row_length)
    covered = own + running

    feature = np.repeat(np.arange(len(polygons)), width * height)
    local = np.arange(total) - offset[feature]
    column = i0[feature] + local % width[feature]
    line = j0[feature] + local // width[feature]
    keep = covered > 1e-13
    return ((line * grid.nx + column)[keep], feature[keep],
            covered[keep] * grid.cell_size ** 2)


def _lengths(lines: np.ndarray, grid: Grid) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    parts, owner = shapely.get_parts(lines, return_index=True)
    xy, part = shapely.get_coordinates(parts, return_index=True)
    start, end, edge_owner = _segments(xy, owner[part], part, grid)
    start, end, edge_owner = _cut_at_lines(start, end, edge_owner)
    middle = (start + end) / 2
    i = np.clip(np.floor(middle[:, 0]).astype(np.int64), 0, grid.nx - 1)
    j = np.clip(np.floor(middle[:, 1]).astype(np.int64), 0, grid.ny - 1)
    length = np.hypot(*(end - start).T) * grid.cell_size
    return j * grid.nx + i, edge_owner, length


def _counts(points: np.ndarray, grid: Grid) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    xy, owner = shapely.get_coordinates(points, return_index=True)
    i = _cell(xy[:, 0], grid.x0, grid.nx, grid)
    j = _cell(xy[:, 1], grid.y0, grid.ny, grid)
    return j * grid.nx + i, owner, np.ones(len(xy))


def _cell(values: np.ndarray, origin: float, most: int, grid: Grid) -> np.ndarray:
    return np.clip(np.floor((values - origin) / grid.cell_size).astype(np.int64), 0, most - 1)


def _segments(xy: np.ndarray, owner: np.ndarray, chain: np.ndarray,
              grid: Grid) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Edges of vertex chains in units of cells."""
    unit = (xy - (grid.x0, grid.y0)) / grid.cell_size
    joined = chain[1:] == chain[:-1]
    return unit[:-1][joined], unit[1:][joined], owner[:-1][joined]


def _cut_at_lines(start: np.ndarray, end: np.ndarray,
                  owner: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Cut edges where they cross whole numbers of x or y."""
    low = np.floor(np.minimum(start, end))
    high = np.ceil(np.maximum(start, end))
    crossings = np.maximum(high - low - 1, 0).astype(np.int64)
    whole = crossings.sum(axis=1) == 0
    pieces = [(start[whole], end[whole], owner[whole])]
    if not whole.all():
        a, b, mine = start[~whole], end[~whole], owner[~whole]
        first, many = low[~whole] + 1, crossings[~whole]
        edge_ids, at = [np.arange(len(a)), np.arange(len(a))], [np.zeros(len(a)), np.ones(len(a))]
        for axis in (0, 1):
            count = many[:, axis]
            edge = np.repeat(np.arange(len(a)), count)
            step = np.arange(len(edge)) - np.repeat(np.cumsum(count) - count, count)
            line = first[edge, axis] + step
            at.append((line - a[edge, axis]) / (b[edge, axis] - a[edge, axis]))
            edge_ids.append(edge)
        edge, t = np.concatenate(edge_ids), np.clip(np.concatenate(at), 0.0, 1.0)
        order = np.lexsort((t, edge))
        edge, t = edge[order], t[order]
        point = a[edge] + t[:, None] * (b[edge] - a[edge])
        last = t == 1.0
        point[last] = b[edge[last]]
        same = edge[1:] == edge[:-1]
        pieces.append((point[:-1][same], point[1:][same], mine[edge[:-1][same]]))
    return (np.concatenate([p[0] for p in pieces]), np.concatenate([p[1] for p in pieces]),
            np.concatenate([p[2] for p in pieces]))
