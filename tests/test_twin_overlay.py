"""The grid and the one way from vector to cells, against shapely itself."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from layers.errors import GridError
from twin.grid import Grid
from twin.overlay import overlap

AREA = shapely.box(0, 0, 97, 61)


def by_shapely(shapes: np.ndarray, grid: Grid, measure: object) -> np.ndarray:
    """The plain way: cut every feature with every cell."""
    cells = shapely.intersection(grid.boxes(), grid.area)
    pieces = shapely.intersection(cells[:, None], shapes[None, :])
    return np.asarray(measure(pieces))


@given(seed=st.integers(0, 10_000), cell=st.floats(3.0, 40.0))
def test_areas_match_shapely(seed: int, cell: float) -> None:
    rng = np.random.default_rng(seed)
    points = shapely.points(rng.uniform(-20, 120, (12, 2)))
    blobs = shapely.buffer(points, rng.uniform(1, 25, 12), quad_segs=3)
    ring = shapely.difference(blobs[0], shapely.buffer(points[0], 0.8))
    both = shapely.union(blobs[1], shapely.box(150, 0, 151, 1))  # partly outside, two parts
    shapes = np.array([*blobs[2:], ring, both, shapely.box(0, 0, 97, 61),
                       shapely.box(10, 10, 20, 20)])
    grid = Grid.over(AREA, 32650, cell)
    ours = overlap(gpd.GeoSeries(shapes, crs=32650), grid).toarray()
    np.testing.assert_allclose(ours, by_shapely(shapes, grid, shapely.area), atol=1e-9)


@given(seed=st.integers(0, 10_000), cell=st.floats(3.0, 40.0))
def test_lengths_match_shapely(seed: int, cell: float) -> None:
    rng = np.random.default_rng(seed)
    lines = np.array([shapely.linestrings(rng.uniform(-20, 120, (5, 2))) for _ in range(6)])
    grid = Grid.over(AREA, 32650, cell)
    ours = overlap(gpd.GeoSeries(lines, crs=32650), grid).toarray()
    np.testing.assert_allclose(ours, by_shapely(lines, grid, shapely.length), atol=1e-9)


def test_points_are_counted_once_and_only_inside() -> None:
    grid = Grid.over(AREA, 32650, 10)
    points = gpd.GeoSeries(shapely.points([[5, 5], [15, 5], [96.9, 60.9], [98, 5], [50, -1]]),
                           crs=32650)
    counts = overlap(points, grid)
    assert np.asarray(counts.sum(axis=0)).tolist() == [1, 1, 1, 0, 0]
    assert counts[0, 0] == 1
    assert counts[grid.size - 1, 2] == 1


def test_edges_on_grid_lines_lose_nothing() -> None:
    grid = Grid.over(shapely.box(0, 0, 100, 100), 32650, 10)
    tiles = gpd.GeoSeries([shapely.box(20, 20, 40, 30), shapely.box(0, 0, 100, 100)], crs=32650)
    matrix = overlap(tiles, grid)
    assert matrix[:, [0]].nnz == 2
    assert np.asarray(matrix.sum(axis=0)).tolist() == [200, 10_000]
    assert (matrix.toarray()[:, 1] == 100).all()


def test_another_crs_is_refused() -> None:
    grid = Grid.over(AREA, 32650, 10)
    with pytest.raises(GridError, match="Reproject the layer"):
        overlap(gpd.GeoSeries([AREA], crs=2154), grid)


def test_the_grid_lies_on_multiples_and_covers_the_area() -> None:
    grid = Grid.over(shapely.box(103, 207, 398, 411), 32650, 50)
    assert (grid.x0, grid.y0, grid.nx, grid.ny) == (100, 200, 6, 5)
    assert grid.bounds == (100, 200, 400, 450)
    assert (np.diff(grid.x) == 50).all()
    assert (np.diff(grid.y) == 50).all()
    fine = grid.fine(4)
    assert (fine.cell_size, fine.nx, fine.ny, fine.bounds) == (12.5, 24, 20, grid.bounds)
    assert repr(grid) == "Grid of 6 x 5 cells of 50 m, EPSG:32650"


@pytest.mark.parametrize(("how", "words"), [
    ({"cell_size": 0}, "positive"), ({"cell_size": float("nan")}, "positive"),
    ({"cell_size": -5}, "positive"), ({"cell_size": 0.001}, "at least"),
])
def test_impossible_grids_are_refused(how: dict[str, float], words: str) -> None:
    with pytest.raises(GridError, match=words):
        Grid.over(AREA, 32650, **how)


def test_degrees_and_empty_areas_are_refused() -> None:
    with pytest.raises(GridError, match="projected"):
        Grid.over(AREA, 4326, 10)
    with pytest.raises(GridError, match="0 m2"):
        Grid.over(shapely.Polygon(), 32650, 10)
