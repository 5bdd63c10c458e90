"""Properties that hold for any city, grid and plan."""

from __future__ import annotations

from dataclasses import replace

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

import layers
import scenarios as sc
import twin
from layers.corridors import SPEC as CORRIDORS
from layers.weather import annual_ghi
from twin.grid import Grid

settings.register_profile("quick", deadline=None, print_blob=True,
                          phases=(Phase.explicit, Phase.reuse, Phase.generate))
settings.load_profile("quick")

SUMS = ["floor_area", "residents", "pv_capacity", "pv_yield", "building_energy", "building_co2",
        "vehicle_km", "traffic_co2", "carbon_sink", "co2_net"]
MEANS = ["building_coverage", "floor_area_ratio", "height_mean", "height_known_share",
         "frontal_area_index", "green_share", "crown_share", "water_share"]
TOWN = layers.toy_town(seed=3)
BASE = twin.run(TOWN, cell_size=40)


def totals(city: layers.City, **how: object) -> dict[str, tuple[float, float, float]]:
    table = twin.run(city, want=SUMS + MEANS, **how).totals()
    return {n: tuple(table.loc[n, ["value", "low", "high"]].astype(float)) for n in SUMS + MEANS}


@settings(max_examples=12)
@given(cell=st.floats(7.0, 400.0), east=st.floats(0.0, 400.0), north=st.floats(0.0, 400.0))
def test_totals_do_not_depend_on_the_grid(cell: float, east: float, north: float) -> None:
    grid = Grid.over(TOWN.area, TOWN.crs, cell, offset=(east, north))
    there, here = totals(TOWN, grid=grid), totals(TOWN, cell_size=40)
    for name in SUMS + MEANS:
        assert there[name] == pytest.approx(here[name], rel=1e-9, nan_ok=True), name


def test_totals_do_not_depend_on_the_grid_in_a_real_district(district: layers.City) -> None:
    fine, coarse = totals(district, cell_size=50), totals(district, cell_size=137.0)
    for name in SUMS + MEANS:
        assert fine[name] == pytest.approx(coarse[name], rel=1e-9, nan_ok=True), name


def test_a_ragged_study_area_counts_only_what_is_inside() -> None:
    triangle = shapely.Polygon(np.array(TOWN.area.exterior.coords)[:3])
    half = twin.run(replace(TOWN, area=triangle), cell_size=30)
    area = float(half.cells["cell_area"].sum())
    assert area == pytest.approx(TOWN.area.area / 2, rel=1e-12)
    inside = shapely.area(shapely.intersection(TOWN["buildings"].geometry.values, triangle))
    share = inside / TOWN["buildings"].area.to_numpy()
    per_building = half.features["buildings"]["building_co2"].to_numpy()
    assert half.totals().loc["building_co2", "value"] == pytest.approx(
        (share * per_building).sum() / 1000, rel=1e-9)


def mirrored(city: layers.City) -> layers.City:
    """The city seen in a mirror that stands north-south through the middle of its area."""
    west, _, east, _ = city.area.bounds

    def flip(shapes: object) -> object:
        return shapely.transform(shapes, lambda xy: np.column_stack([west + east - xy[:, 0],
                                                                     xy[:, 1]]))

    frames = {n: t.set_geometry(gpd.GeoSeries(flip(t.geometry.values), index=t.index,
                                              crs=city.crs)) for n, t in city.frames.items()}
    return replace(city, layers={**city.layers, **frames}, area=flip(city.area))


def test_a_mirrored_city_gives_the_mirrored_result() -> None:
    west, _, east, _ = TOWN.area.bounds
    cell = (east - west) / 11  # no street lies on a grid line, where it could count left or right
    grid = Grid.over(TOWN.area, TOWN.crs, cell, offset=(west % cell, 0.0))
    base, other = twin.run(TOWN, grid=grid), twin.run(mirrored(TOWN), grid=grid)
    turn = (360 - base.cells["sector"].to_numpy()) % 360
    # Morning and afternoon of the weather are not mirrored: shaded roofs may differ a little.
    for name, rtol in {"building_coverage": 1e-8, "height_max": 1e-8, "co2_net": 1e-8,
                       "crown_share": 1e-8, "pv_yield": 0.02}.items():
        np.testing.assert_allclose(other.cells[name].to_numpy()[:, ::-1],
                                   base.cells[name].to_numpy(), rtol=rtol, atol=1e-9)
    seen = other.cells["frontal_area_index"].sel(sector=turn).to_numpy()[..., ::-1]
    np.testing.assert_allclose(seen, base.cells["frontal_area_index"].to_numpy(), rtol=1e-8,
                               atol=1e-9)


def test_a_building_in_the_north_east_ends_in_the_last_row_and_column() -> None:
    west, south, east, north = TOWN.area.bounds
    assert east - west != north - south
    one = TOWN["buildings"].iloc[[0]].set_geometry(
        gpd.GeoSeries([shapely.box(east - 15, north - 15, east - 5, north - 5)],
                      index=TOWN["buildings"].index[[0]], crs=TOWN.crs))
    cells = twin.run(TOWN.with_layers("one building", buildings=one), cell_size=20,
                     want=["building_coverage"]).cells["building_coverage"]
    row, column = np.unravel_index(np.argmax(cells.to_numpy()), cells.shape)
    assert (row, column) == (cells.sizes["y"] - 1, cells.sizes["x"] - 1)
    assert float(cells["y"][-1]) > float(cells["y"][0])
    assert float(cells["x"][-1]) > float(cells["x"][0])
    assert float(cells.max()) == pytest.approx(100 / 400)


def test_no_edits_give_the_base_bit_for_bit() -> None:
    study = sc.study(TOWN, sc.Scenario("nothing"), cell_size=40)
    base, same = study.twins["base"].cells, study.twins["nothing"].cells
    for name in base.data_vars:
        assert base[name].to_numpy().tobytes() == same[name].to_numpy().tobytes(), name
    assert (study.change("nothing")["change"].fillna(0) == 0).all()
    assert not study.change("nothing")["distinct"].any()


EDITS = [
    sc.PlantTrees(), sc.PlantTrees(along="raster", spacing=15, within="corridor"),
    sc.GreenRoofs(0.5), sc.OpenCorridor("main"), sc.CapHeights(9.0),
    sc.RemoveBuildings(ids=("b1", "b2")),
    sc.NewPark(centre=(500_200, 3_380_120), radius=50, tree_spacing=10),
    sc.OpenCorridor("new", width=30, path=((500_000, 3_380_010), (500_400, 3_380_200))),
]


@pytest.mark.parametrize("edit", EDITS, ids=[type(e).__name__ + str(i) for i, e in
                                             enumerate(EDITS)])
def test_an_edit_leaves_its_input_alone_and_gives_a_sound_city(edit: sc.Edit) -> None:
    before = TOWN.digest()
    after = edit(TOWN)
    assert TOWN.digest() == before
    assert after.digest() != before
    layers.check(after)
    assert len(after.history) > len(TOWN.history)
    assert after.area is TOWN.area
    assert sc.recipe_text(sc.Scenario("x", edit)).startswith("name: x")


@settings(max_examples=8)
@given(spacing=st.floats(4.0, 40.0), crown=st.floats(2.0, 10.0))
def test_more_trees_never_raise_net_co2(spacing: float, crown: float) -> None:
    planted = sc.PlantTrees(spacing=spacing, crown=crown)(TOWN)
    assert len(planted["trees"]) >= len(TOWN["trees"])
    greener = twin.run(planted, cell_size=40, want=["co2_net"]).totals().loc["co2_net", "value"]
    assert greener <= BASE.totals().loc["co2_net", "value"] + 1e-9


def test_planted_trees_stand_on_free_ground(district: layers.City) -> None:
    after = sc.PlantTrees(spacing=8)(district)
    new = after["trees"][after["trees"]["size_from"] == "planted"]
    assert len(new) > 500
    tree = shapely.STRtree(after["buildings"].geometry.values)
    assert len(tree.query(new.geometry.values, predicate="intersects")[0]) == 0
    assert new.within(district.area.buffer(1e-6)).all()
    gap = shapely.STRtree(new.geometry.values).query_nearest(
        new.geometry.values, exclusive=True, return_distance=True)[1]
    assert gap.min() >= 0.9 * 6.0 - 1e-9


@settings(max_examples=8)
@given(times=st.floats(1.0, 3.0))
def test_pv_is_linear_in_area_and_below_the_irradiation(times: float) -> None:
    square = shapely.box(500_000, 3_380_000, 500_030, 3_380_020)
    wide = shapely.box(500_000, 3_380_000, 500_000 + 30 * times, 3_380_020)
    built = TOWN["buildings"].iloc[[0]].assign(roof_shape="", use="office")
    yields = []
    for shape in (square, wide):
        city = TOWN.with_layers("one", buildings=built.set_geometry(
            gpd.GeoSeries([shape], index=built.index, crs=TOWN.crs)))
        found = twin.run(city, want=["pv_yield"], cell_size=50).features["buildings"]
        yields.append(float(found["pv_yield"].iloc[0]))
        assert 0 < found["pv_yield_high"].iloc[0] < annual_ghi(
            TOWN["weather"]) * shape.area
    assert yields[1] == pytest.approx(times * yields[0], rel=1e-3)  # as cells see the roof


@pytest.mark.parametrize("share", [0.0, 0.2, 0.75, 1.0])
def test_green_roofs_plant_the_share_that_was_asked(share: float) -> None:
    flat = TOWN["buildings"].assign(roof_shape="flat")
    town = TOWN.with_layers("all roofs flat", buildings=flat)
    roof = flat.area[flat.area >= 50].sum()
    planted = twin.run(sc.GreenRoofs(share)(town), want=["green_roof_share"], cell_size=40)
    assert planted.totals().loc["green_roof_share", "value"] == pytest.approx(
        share * roof / TOWN.area.area)
    after = sc.GreenRoofs(share)(town)["buildings"]
    assert (after["green_roof"] == 1).sum() >= int(share * len(flat)) // 2
    assert ((after["green_roof"] > 0) & (after["green_roof"] < 1)).sum() <= 1


def test_corridor_frees_its_ground() -> None:
    after = sc.OpenCorridor("main")(TOWN)
    ground = layers.corridors.ground(after["corridors"]).iloc[0]
    left = shapely.area(shapely.intersection(after["buildings"].geometry.values, ground)).sum()
    before = shapely.area(shapely.intersection(TOWN["buildings"].geometry.values, ground)).sum()
    assert before > 100
    assert left < 1e-6
    assert len(CORRIDORS.names) == 4


def test_capping_cuts_height_storeys_and_homes_alike() -> None:
    capped = sc.CapHeights(10.0)(TOWN)["buildings"]
    before = TOWN["buildings"]
    assert capped["height"].max() == 10.0
    high = (before["height"] > 10.0).to_numpy()
    assert (capped["num_floors"][high] < before["num_floors"][high]).all()
    assert (capped["num_floors"][~high] == before["num_floors"][~high]).all()
