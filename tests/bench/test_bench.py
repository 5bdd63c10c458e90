"""How long the heavy steps take, and that what they give is right. Run by ``make bench``."""

from __future__ import annotations

import resource
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from pytest_benchmark.fixture import BenchmarkFixture

import layers
import twin
from layers.buildings import gross_floor_area
from layers.city import City
from layers.samples import nantes_buildings
from scenarios import CapHeights, GreenRoofs, OpenCorridor, PlantTrees, Scenario, study
from twin.grid import Grid
from twin.indicators import INDICATORS
from twin.label import label_of
from twin.overlay import overlap
from twin.result import Twin
from twin.walls import exposed_walls

pytestmark = pytest.mark.bench

ASTANA = Path(__file__).parents[2] / "bench-data" / "astana.gpkg"
EXACT = 1e-9

# No published hourly year or monthly normals of Astana are at hand: what needs weather is left out,
# and the fine fields, which 384 km2 are too much for unasked.
NEEDS_WEATHER = {"weather", "wind", "sun", "heat", "roof_pv", "facade_pv", "pv_money",
                 "facade_pv_money"}
WITHOUT_WEATHER = [v.name for f in INDICATORS
                   if not NEEDS_WEATHER & set(label_of(f).needs) and not label_of(f).unless
                   for v in label_of(f).gives]


def seeded_buildings(count: int, side: float, seed: int = 0) -> gpd.GeoDataFrame:
    """L-shaped footprints of 6 to 30 m, turned at random, some across the edge of the square."""
    rng = np.random.default_rng(seed)
    x, y = rng.uniform(0, side, (2, count, 1))
    wide, deep = rng.uniform(6, 30, (2, count, 1))
    turn = rng.uniform(0, np.pi, (count, 1))
    east = wide * np.array([-0.5, 0.5, 0.5, 0.25, 0.25, -0.5])
    north = deep * np.array([-0.5, -0.5, 0.5, 0.5, 0.25, 0.25])
    corners = np.stack([x + east * np.cos(turn) - north * np.sin(turn),
                        y + east * np.sin(turn) + north * np.cos(turn)], axis=-1)
    return gpd.GeoDataFrame(geometry=shapely.polygons(corners), crs=32650)


def floor_area_inside(city: City) -> float:
    """Gross floor area in the study area, cut by shapely and not by the overlap [m2]."""
    built = city.frame("buildings")
    inside = shapely.area(shapely.intersection(built.geometry.values, city.area))
    return float((gross_floor_area(built) * inside / built.area.to_numpy()).sum())


def assert_sound(result: Twin, city: City) -> pd.Series:
    """All totals are numbers, and the floor area is that of the buildings."""
    totals = result.totals()["value"]
    assert np.isfinite(totals).all(), totals[~np.isfinite(totals)]
    assert totals["floor_area"] == pytest.approx(floor_area_inside(city), rel=EXACT)
    inside = result.cells["cell_area"].to_numpy().sum()
    assert inside == pytest.approx(city.area.area, rel=EXACT)
    return totals


def test_overlap_of_a_city(benchmark: BenchmarkFixture) -> None:
    side, cell = 6000.0, 20.0
    buildings = seeded_buildings(48_192, side)
    area = shapely.box(0, 0, side, side)
    grid = Grid.over(area, 32650, cell)
    matrix = benchmark(overlap, buildings, grid)
    assert matrix.shape == (90_000, 48_192)
    inside = shapely.area(shapely.intersection(buildings.geometry.values, area))
    assert matrix.sum() == pytest.approx(inside.sum(), rel=EXACT)
    np.testing.assert_allclose(np.asarray(matrix.sum(axis=0)).ravel(), inside, atol=1e-6)
    some = np.random.default_rng(1).integers(0, grid.size, 300)
    boxes = grid.boxes()[some]
    shapes = np.asarray(buildings.geometry)
    at, which = shapely.STRtree(shapes).query(boxes)
    shared = shapely.area(shapely.intersection(boxes[at], shapes[which]))
    per_cell = np.asarray(matrix.sum(axis=1)).ravel()[some]
    np.testing.assert_allclose(per_cell, np.bincount(at, shared, len(some)), atol=1e-6)
    benchmark.extra_info["entries"] = matrix.nnz


def test_run_of_the_district(benchmark: BenchmarkFixture) -> None:
    city = layers.sample()
    result = benchmark(twin.run, city, cell_size=50)
    assert_sound(result, city)
    benchmark.extra_info["steps_s"] = result.record["seconds"]


def test_study_of_three_scenarios(benchmark: BenchmarkFixture) -> None:
    city = layers.sample()
    west, south, east, north = city.area.bounds
    path = [((west + east) / 2, south), ((west + east) / 2, north)]
    scenarios = (Scenario("greener", PlantTrees(along="roads", spacing=8), GreenRoofs(share=0.3)),
                 Scenario("airier", OpenCorridor(path=path, width=40)),
                 Scenario("lower", CapHeights(12.0)))
    result = benchmark(study, city, *scenarios, cell_size=50)
    assert result.names == ["base", "greener", "airier", "lower"]
    totals = {n: assert_sound(result.twins[n], result.cities[n]) for n in result.names}
    pd.testing.assert_series_equal(totals["base"], twin.run(city, cell_size=50).totals()["value"])
    assert totals["greener"]["carbon_sink"] > totals["base"]["carbon_sink"]
    assert totals["airier"]["floor_area"] < totals["base"]["floor_area"]
    assert float(result.twins["lower"].cells["height_max"].max()) <= 12.0 * (1 + EXACT)


def test_heights_of_nantes(benchmark: BenchmarkFixture) -> None:
    known = int((layers.sample("nantes").frame("buildings")["height_from"] == "measured").sum())
    masked = np.random.default_rng(0).random(known) < 0.2
    found = benchmark(lambda: nantes_buildings(masked=masked))
    assert len(found) == masked.sum()
    assert not found["height_from"].eq("measured").any()
    truth = found["true_height"]
    error = (found["height"] - truth).abs().mean()
    assert error < (truth - truth.median()).abs().mean()  # better than one height for all
    benchmark.extra_info["mean_absolute_error_m"] = round(float(error), 2)


def test_walls_of_nantes(benchmark: BenchmarkFixture) -> None:
    built = layers.sample("nantes").frame("buildings").reset_index(drop=True)
    walls = benchmark(exposed_walls, built)
    area = np.bincount(walls.feature, walls.length * walls.exposed, len(built))
    whole = (built.length * (built["height"] - built["min_height"])).to_numpy()
    left, right = shapely.STRtree(built.geometry.values).query(
        built.geometry.values, predicate="dwithin", distance=1.0)
    alone = np.setdiff1d(np.arange(len(built)), left[left != right])
    assert len(alone) > 100
    np.testing.assert_allclose(area[alone], whole[alone], rtol=EXACT)
    assert (area <= whole * (1 + EXACT)).all()
    assert area.sum() < 0.9 * whole.sum()  # an old town has many party walls


def astana() -> tuple[City, Twin]:
    """Read the benchmark city and run it on cells of 100 m."""
    city = layers.read(ASTANA)
    return city, twin.run(city, cell_size=100, want=WITHOUT_WEATHER)


def peak_of_astana() -> float:
    """Peak memory of a process that does nothing else [MB]."""
    astana()
    status = Path("/proc/self/status")
    if status.is_file():  # of this program alone; the other number starts at the parent's
        line = next(s for s in status.read_text().splitlines() if s.startswith("VmHWM"))
        return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


@pytest.mark.skipif(not ASTANA.is_file(), reason=f"no {ASTANA.parent.name}/{ASTANA.name}: make "
                                                 "it with `make bench-data`")
def test_astana_read_and_run(benchmark: BenchmarkFixture) -> None:
    city, result = benchmark.pedantic(astana, rounds=3, warmup_rounds=1)  # type: ignore[no-untyped-call]
    assert len(city.frame("buildings")) > 30_000
    assert result.cells["cell_area"].shape == (160, 240)
    totals = assert_sound(result, city)
    roads = city.frame("roads")
    inside = shapely.length(shapely.intersection(roads.geometry.values, city.area))
    share = inside / roads.length.to_numpy()
    driven = (result.features["roads"]["vehicle_km"].to_numpy() * share).sum()
    assert totals["vehicle_km"] == pytest.approx(driven, rel=EXACT)
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        peak = pool.submit(peak_of_astana).result()
    benchmark.extra_info.update(
        buildings=len(city.frame("buildings")), cells=result.cells["cell_area"].size,
        peak_mb=round(peak), steps_s=result.record["seconds"],
        totals={k: float(f"{v:.6g}") for k, v in totals.items()})
