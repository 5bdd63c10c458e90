"""Roofs as planes and facades as points: areas kept, normals outward, planes found again."""

from __future__ import annotations

import time

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
import xarray as xr

import layers
from layers.buildings import SPEC
from layers.errors import LayerError
from layers.place import Place
from layers.roofs import bound, tidy
from twin.facades import facade_points, wall_pieces
from twin.factors import load
from twin.pool import Picker
from twin.rasters import burn
from twin.roof_fit import SPREAD, grow_planes, uneven
from twin.roofs import fit_planes, roof_planes
from twin.walls import exposed_walls

L_SHAPE = shapely.Polygon([(0, 0), (20, 0), (20, 8), (8, 8), (8, 16), (0, 16)])
YARD = shapely.Polygon([(0, 0), (30, 0), (30, 30), (0, 30)],
                       [[(10, 10), (20, 10), (20, 20), (10, 20)]])


@pytest.fixture
def factors() -> Picker:
    return Picker(load(), Place("CN", "Hubei"))


def _buildings(*shapes: shapely.Polygon, **columns: object) -> gpd.GeoDataFrame:
    plain = {"height": 9.0, "num_floors": 3.0, "min_height": 0.0, "roof_shape": "",
             "use": "residential", **columns}
    raw = gpd.GeoDataFrame(plain, index=range(len(shapes)), geometry=list(shapes), crs=32650)
    return SPEC.conform(raw)


def _sums(planes: gpd.GeoDataFrame) -> np.ndarray:
    level = planes["area"] * np.cos(np.deg2rad(planes["slope"]))
    return level.groupby(planes["building"]).sum().to_numpy()


# ---- tagged shapes


@pytest.mark.parametrize("shape", ["", "flat", "gabled", "hipped", "pyramidal", "mansard",
                                   "skillion", "round", "other"])
@pytest.mark.parametrize("turn", [0, 33, 90])
def test_planes_of_any_shape_keep_the_footprint(shape: str, turn: float, factors: Picker):
    ground = [shapely.affinity.rotate(g, turn) for g in (L_SHAPE, YARD, shapely.box(0, 0, 25, 10))]
    built = _buildings(*ground, roof_shape=shape, roof_direction=180.0)
    planes = roof_planes(built, factors)
    assert _sums(planes) == pytest.approx(built.area.to_numpy(), rel=1e-9)
    assert planes["plan"].to_numpy() == pytest.approx(planes.geometry.area.to_numpy(), rel=1e-9)


def test_a_gable_faces_both_sides_of_its_long_axis(factors: Picker):
    planes = roof_planes(_buildings(shapely.box(0, 0, 20, 10), roof_shape="gabled"), factors)
    assert sorted(planes["aspect"]) == pytest.approx([0, 180], abs=1e-6)
    assert planes["slope"].to_numpy() == pytest.approx([30, 30])
    assert planes["area"].to_numpy() == pytest.approx(100 / np.cos(np.pi / 6))
    south = planes[planes["aspect"] > 90].geometry.iloc[0]
    assert south.centroid.coords[0] == pytest.approx((10, 2.5))
    assert set(planes["source"]) == {"attributes"}
    assert set(planes["kind"]) == {"tilted"}


def test_height_angle_direction_and_orientation_are_taken(factors: Picker):
    house = shapely.box(0, 0, 20, 10)
    built = _buildings(house, house, house, house, roof_shape="gabled",
                       roof_height=[5.0, np.nan, np.nan, np.nan],
                       roof_angle=[np.nan, 45.0, np.nan, np.nan],
                       roof_direction=[np.nan, np.nan, 90.0, 92.0],
                       roof_orientation=["", "across", "", ""])
    planes = roof_planes(built, factors).set_index("building")
    assert planes.loc[0, "slope"].to_numpy() == pytest.approx([45, 45])  # 5 m over 5 m
    assert planes.loc[1, "slope"].to_numpy() == pytest.approx([45, 45])
    for row in (1, 2, 3):  # ridge across the house
        assert sorted(planes.loc[row, "aspect"]) == pytest.approx([90, 270])


def test_a_hipped_roof_has_four_planes_of_one_slope(factors: Picker):
    planes = roof_planes(_buildings(shapely.box(0, 0, 20, 10), roof_shape="hipped"), factors)
    by_side = planes.assign(aspect=planes["aspect"].round() % 360).set_index("aspect")["plan"]
    # Ends are triangles of 10 m by 5 m, sides the rest: (20 + 10) / 2 * 5.
    assert by_side.to_dict() == pytest.approx({0: 75, 180: 75, 90: 25, 270: 25})
    assert planes["slope"].to_numpy() == pytest.approx(30)


def test_a_pyramid_rises_to_one_point(factors: Picker):
    planes = roof_planes(_buildings(shapely.box(0, 0, 20, 10), roof_shape="pyramidal"), factors)
    by_side = planes.assign(aspect=planes["aspect"].round() % 360).set_index("aspect")["slope"]
    top = 5 * np.tan(np.deg2rad(30))
    assert by_side[180] == pytest.approx(30)
    assert by_side[90] == pytest.approx(np.degrees(np.arctan(top / 10)))


def test_a_lean_to_falls_where_it_is_tagged_or_is_flat(factors: Picker):
    shed = shapely.box(0, 0, 20, 10)
    built = _buildings(shed, shed, roof_shape="skillion", roof_direction=[0.0, np.nan],
                       roof_height=[10.0, np.nan])
    planes = roof_planes(built, factors)
    assert planes["slope"].to_list() == pytest.approx([45, 0])  # 10 m over 10 m
    assert planes["aspect"].iloc[0] % 360 == pytest.approx(0, abs=1e-6)
    assert planes["source"].to_list() == ["attributes", "flat-assumed"]


def test_less_trust_means_a_wider_band(factors: Picker):
    home = shapely.box(0, 0, 20, 10)
    built = _buildings(home, home, home, roof_shape=["flat", "gabled", ""], use="education")
    planes = roof_planes(built, factors).groupby("building").first()
    width = (planes["high"] - planes["low"]).to_numpy()
    assert width[0] < width[1] < width[2]
    assert planes["kind"].to_list() == ["flat_public", "tilted", "unknown"]
    assert ((planes["low"] < 1) & (planes["high"] > 1)).all()


# ---- surfaces of a model


SOUTH = shapely.Polygon([(0, 0, 3), (10, 0, 3), (10, 4, 6), (0, 4, 6)])   # 5 m along the slope
NORTH = shapely.Polygon([(0, 4, 6), (10, 4, 6), (10, 8, 3), (0, 8, 3)])
HOUSE = shapely.box(0, 0, 10, 8)


def _roofs(built: gpd.GeoDataFrame, **surfaces: list[shapely.Polygon]) -> gpd.GeoDataFrame:
    """Roof surfaces by the id of their building, bound to the buildings."""
    raw = gpd.GeoDataFrame({"building": [k for k, v in surfaces.items() for _ in v]},
                           geometry=[s for v in surfaces.values() for s in v], crs=built.crs)
    return bound(tidy(raw), built, built.area)


def test_planes_of_a_model_give_area_slope_and_aspect(factors: Picker):
    hole = shapely.Polygon([(0, 0, 9), (10, 0, 9), (10, 10, 9), (0, 10, 9)],
                           [[(2, 2, 9), (4, 2, 9), (4, 4, 9), (2, 4, 9)]])
    wall = shapely.Polygon([(0, 0, 0), (10, 0.001, 0), (10, 0.001, 3), (0, 0, 3)])
    move = np.array([4e5, 3.4e6, 20.0])
    far = [shapely.transform(s, lambda c: c + move, include_z=True) for s in (SOUTH, NORTH)]
    built = _buildings(shapely.affinity.translate(HOUSE, *move[:2]), shapely.box(0, 0, 10, 10),
                       shapely.box(20, 0, 30, 10), id=["甲", "b", "c"])
    planes = roof_planes(built, factors, surfaces=_roofs(built, b=[wall, hole], 甲=far))
    assert planes["source"].to_list() == ["modelled", "modelled", "modelled", "flat-assumed",
                                          "flat-assumed"]
    assert planes["area"].to_numpy() == pytest.approx([50, 50, 96, 4, 100], abs=1e-6)
    tilt = np.degrees(np.arctan(0.75))
    assert planes["slope"].to_numpy() == pytest.approx([tilt, tilt, 0, 0, 0], abs=1e-6)
    assert planes["aspect"].iloc[:2].to_list() == pytest.approx([180, 0], abs=1e-6)
    # The yard of the second house is ground that no plane covers: no module stands there.
    assert planes["largest"].to_list() == pytest.approx([40, 40, 96, 0, 100])
    assert planes["kind"].to_list() == ["tilted", "tilted", "flat_residential", "unknown",
                                        "unknown"]
    assert planes.geometry.iloc[3].equals(shapely.box(2, 2, 4, 4))
    assert _sums(planes) == pytest.approx(built.area.to_numpy(), abs=1e-6)


def test_a_model_counts_while_its_building_keeps_its_height(factors: Picker):
    built = _buildings(HOUSE, roof_shape="flat", id="a")
    given = _roofs(built, a=[SOUTH, NORTH])
    for height, source in ((9.0, "modelled"), (9.04, "modelled"), (8.9, "attributes"),
                           (12.0, "attributes")):
        planes = roof_planes(built.assign(height=height), factors, surfaces=given)
        assert set(planes["source"]) == {source}, height
    unbound = given.assign(building_height=np.nan)
    planes = roof_planes(built.assign(height=30.0), factors, surfaces=unbound)
    assert set(planes["source"]) == {"modelled"}


def test_a_model_of_a_building_that_has_gone_is_left_out(factors: Picker):
    built = _buildings(HOUSE, shapely.affinity.translate(HOUSE, 50), id=["a", "b"])
    given = _roofs(built, a=[SOUTH, NORTH])
    planes = roof_planes(built.iloc[[1]], factors, surfaces=given)
    assert planes["source"].to_list() == ["flat-assumed"]
    twins = built.assign(id="a")  # whose roof it is cannot be told
    assert set(roof_planes(twins, factors, surfaces=given)["source"]) == {"flat-assumed"}
    assert roof_planes(built.iloc[:0], factors, surfaces=given).empty
    assert set(roof_planes(built, factors, surfaces=given.iloc[:0])["source"]) == {"flat-assumed"}


def test_a_cut_building_keeps_the_roof_over_what_is_left(factors: Picker):
    built = _buildings(HOUSE, id="a")
    given = _roofs(built, a=[SOUTH, NORTH])
    left = built.set_geometry([shapely.box(0, 0, 10, 6)])
    planes = roof_planes(left, factors, surfaces=given)
    assert planes["plan"].to_list() == pytest.approx([40, 20])
    assert planes["area"].to_list() == pytest.approx([50, 25])
    assert _sums(planes) == pytest.approx([60])


def test_eaves_count_and_half_a_roof_does_not(factors: Picker):
    small = _buildings(shapely.box(0, 0.5, 10, 7.5), id="a")
    planes = roof_planes(small, factors, surfaces=_roofs(small, a=[SOUTH, NORTH]))
    assert planes["plan"].to_list() == pytest.approx([40, 40])
    built = _buildings(HOUSE, id="a")
    planes = roof_planes(built, factors, surfaces=_roofs(built, a=[SOUTH]))
    assert planes["source"].to_list() == ["flat-assumed"]


# ---- planes from heights


def _raster(cell: float = 0.5, noise: float = 0.05) -> tuple[gpd.GeoDataFrame, xr.DataArray]:
    """A gable of 35 degrees, a flat roof with a lift house, and rubble."""
    x = np.arange(0, 80, cell) + cell / 2
    y = np.arange(0, 40, cell) + cell / 2
    xx, yy = np.meshgrid(x, y)
    z = np.zeros(xx.shape)
    gable = 6 + np.tan(np.deg2rad(35)) * (6 - np.abs(yy - 16))
    z = np.where((xx > 5) & (xx < 25) & (yy > 10) & (yy < 22), gable, z)
    z = np.where((xx > 30) & (xx < 50) & (yy > 10) & (yy < 30), 12.0, z)
    z = np.where((xx > 36) & (xx < 40) & (yy > 16) & (yy < 21), 15.0, z)
    rng = np.random.default_rng(3)
    rubble = (xx > 55) & (xx < 75) & (yy > 10) & (yy < 30)
    z = z + rng.normal(0, noise, z.shape) + np.where(rubble, rng.uniform(0, 5, z.shape), 0.0)
    built = _buildings(shapely.box(5, 10, 25, 22), shapely.box(30, 10, 50, 30),
                       shapely.box(55, 10, 75, 30), use="industrial")
    return built, xr.DataArray(z, coords={"y": y, "x": x}, dims=("y", "x"))


def test_planes_are_found_again_in_a_surface(factors: Picker):
    built, heights = _raster()
    planes = roof_planes(built, factors, heights=heights)
    assert _sums(planes) == pytest.approx(built.area.to_numpy(), rel=1e-6)
    house = planes[(planes["building"] == 0) & (planes["source"] == "fitted")]
    assert len(house) == 2
    assert house["slope"].to_numpy() == pytest.approx([35, 35], abs=0.5)
    away = np.abs((np.sort(house["aspect"]) - [0, 180] + 180) % 360 - 180)
    assert (away < 1).all()
    assert house["plan"].to_numpy() == pytest.approx([120, 120], rel=0.06)
    hall = planes[(planes["building"] == 1) & (planes["source"] == "fitted")].sort_values("plan")
    # The lift house of 20 m2 is a plane of its own, the rest the other. The rim of the roof that is
    # not looked at is given to both in proportion: 400 m2 for 18.5 m x 18.5 m.
    assert hall["plan"].to_list() == pytest.approx([20 * 400 / 18.5 ** 2, 377], rel=0.06)
    assert (hall["slope"] < 1.0).all()
    assert set(hall["kind"]) == {"flat_industrial"}
    rubble = planes[planes["building"] == 2]
    assert rubble["source"].to_list() == ["flat-assumed"]
    assert rubble["largest"].to_list() == pytest.approx([400])


def test_what_no_plane_explains_carries_no_modules():
    built, heights = _raster()
    strip = np.broadcast_to((heights["x"] > 42) & (heights["x"] < 46), heights.shape)
    noise = np.random.default_rng(5).uniform(-3, 3, heights.shape)
    rough = heights + np.where(strip, noise, 0.0)
    planes = fit_planes(built.iloc[[1]], rough)
    rest = planes[planes["source"] == "flat-assumed"]
    assert rest["largest"].to_list() == [0]
    assert rest["plan"].iloc[0] == pytest.approx(4 * 20, rel=0.1)
    assert planes["plan"].sum() == pytest.approx(400)


def test_cells_of_a_fitted_roof_are_those_of_its_planes_not_of_the_rest(factors: Picker):
    built, heights = _raster()
    strip = np.broadcast_to((heights["x"] > 42) & (heights["x"] < 46), heights.shape)
    noise = np.random.default_rng(5).uniform(-3, 3, heights.shape)
    planes = roof_planes(built, factors, heights=heights + np.where(strip, noise, 0.0))
    x, y = heights["x"].to_numpy(), heights["y"].to_numpy()
    number = burn(planes.geometry.values, np.arange(len(planes)), x, y, fill=-1)
    cells = np.bincount(number[number >= 0], minlength=len(planes)) * 0.25
    hall = planes[planes["building"] == 1].assign(cells=cells[planes["building"] == 1])
    rest = hall["source"] == "flat-assumed"
    assert hall.loc[rest, "cells"].sum() == pytest.approx(4 * 18.5, rel=0.15)
    assert hall.loc[~rest, "cells"].sum() == pytest.approx(14.5 * 18.5, rel=0.05)


def test_a_fit_outline_lies_where_the_roof_is(factors: Picker):
    built, heights = _raster()
    planes = fit_planes(built, heights)
    house = planes[(planes["building"] == 0) & (planes["source"] == "fitted")]
    south = house[(house["aspect"] - 180).abs() < 5]["geometry"].iloc[0]
    assert built.geometry.iloc[0].contains(south)
    assert south.centroid.y < 16 < house[(house["aspect"] - 180).abs() > 5][
        "geometry"].iloc[0].centroid.y
    assert {g.geom_type for g in house["geometry"]} == {"Polygon"}


def test_the_unevenness_is_that_of_least_squares():
    rng = np.random.default_rng(0)
    z, owner = rng.normal(0, 1, (6, 8)), np.zeros((6, 8), np.int32)
    owner[:, 6:] = 1
    got = uneven(z, owner)
    for j in range(6):
        for i in range(8):
            inside = 0 < j < 5 and 0 < i < 7
            if not inside or len(set(owner[j - 1:j + 2, i - 1:i + 2].ravel())) > 1:
                assert np.isnan(got[j, i])
                continue
            b, a = np.mgrid[-1:2, -1:2].reshape(2, -1)
            patch = z[j - 1:j + 2, i - 1:i + 2].ravel()
            design = np.column_stack([np.ones(9), a, b])
            off = patch - design @ np.linalg.lstsq(design, patch, rcond=None)[0]
            assert got[j, i] == pytest.approx(np.sqrt((off ** 2).mean()), abs=1e-12)


def test_grown_planes_are_those_of_least_squares_and_the_plain_kernel_agrees():
    built, heights = _raster(noise=0.1)
    z = heights.to_numpy()
    x, y = np.meshgrid(heights["x"], heights["y"])
    owner = np.full(z.shape, -1, np.int32)
    for row, shape in enumerate(built.geometry):
        west, south, east, north = shape.buffer(-1).bounds
        owner[(x > west) & (x < east) & (y > south) & (y < north)] = row
    rough = uneven(z, owner)
    seeds = np.flatnonzero(np.isfinite(rough))
    seeds = seeds[np.argsort(rough.ravel()[seeds], kind="stable")]
    mark, planes = grow_planes(z, owner, seeds, 0.5, SPREAD, 10.0)
    assert len(planes) >= 4
    for number, (row, cells, east, north) in enumerate(planes):
        on = mark == number
        assert on.sum() == cells
        assert set(owner[on]) == {row}
        design = np.column_stack([np.ones(on.sum()), x[on], y[on]])
        fit, *_ = np.linalg.lstsq(design, z[on], rcond=None)
        assert (east, north) == pytest.approx(fit[1:], abs=1e-6)
        off = (z[on] - design @ fit) / np.sqrt(1 + fit[1] ** 2 + fit[2] ** 2)
        assert np.sqrt((off ** 2).mean()) <= SPREAD + 1e-9
        assert cells * 0.25 * np.sqrt(1 + fit[1] ** 2 + fit[2] ** 2) >= 10.0
    some = seeds[:40]
    plain = grow_planes.py_func(z, owner, some, 0.5, SPREAD, 10.0)
    fast = grow_planes(z, owner, some, 0.5, SPREAD, 10.0)
    assert (plain[0] == fast[0]).all()
    assert plain[1] == pytest.approx(fast[1], rel=1e-9, abs=1e-12)


def test_raised_heights_change_no_plane(factors: Picker):
    built, heights = _raster()
    low, high = (fit_planes(built, heights + up) for up in (0.0, 500.0))
    pd.testing.assert_frame_equal(low.drop(columns="geometry"), high.drop(columns="geometry"),
                                  rtol=1e-6)


def test_a_raster_from_the_north_is_refused():
    built, heights = _raster()
    with pytest.raises(LayerError, match="x and y rising"):
        fit_planes(built, heights[::-1])


# ---- facades


def test_points_of_a_box_cover_its_walls_and_face_outwards():
    built = _buildings(shapely.box(0, 0, 20, 10), height=12.0, num_floors=4.0)
    points = facade_points(built)
    assert points.area.sum() == pytest.approx(60 * 12)
    assert sorted(set(points.azimuth.round())) == [0, 90, 180, 270]
    ahead = shapely.points(points.x + 0.1 * np.sin(np.deg2rad(points.azimuth)),
                           points.y + 0.1 * np.cos(np.deg2rad(points.azimuth)))
    assert not shapely.contains(built.geometry.iloc[0], ahead).any()
    assert sorted(set(points.z.round(3))) == [1.5, 4.5, 7.5, 10.5]
    assert points.storey[points.z < 3].max() == 0
    # 20 m in pieces of at most 3 m are 7, 10 m are 4.
    assert len(points) == (7 + 7 + 4 + 4) * 4


@pytest.mark.parametrize("turn", [0, 50, 210])
def test_every_point_of_a_courtyard_house_faces_open_air(turn: float):
    house = shapely.affinity.rotate(YARD, turn)
    built = _buildings(house)
    points = facade_points(built, offset=0.05)
    assert points.area.sum() == pytest.approx(house.length * 9)
    assert not shapely.contains(house, shapely.points(points.x, points.y)).any()
    # The vector area of a closed front is nothing.
    for part in (np.sin, np.cos):
        assert (points.area * part(np.deg2rad(points.azimuth))).sum() == pytest.approx(0, abs=1e-6)


def test_party_walls_carry_no_points_but_what_stands_above_the_neighbour_does():
    low, high = shapely.box(0, 0, 10, 10), shapely.box(10, 0, 20, 10)
    built = _buildings(low, high, height=[6.0, 15.0], num_floors=[2.0, 3.0])
    points = facade_points(built)
    between = np.abs(points.x - 10) < 1e-6
    assert set(points.building[between]) == {1}
    assert points.area[between].sum() == pytest.approx(10 * 9)
    # The second storey of the high house, 5 to 10 m, shows its upper 4 m.
    assert sorted(set(points.z[between].round(3))) == [8.0, 12.5]
    assert points.storey[between].min() == 1


def test_twins_of_one_height_share_no_facade():
    built = _buildings(shapely.box(0, 0, 10, 10), shapely.box(10, 0, 20, 10))
    points = facade_points(built)
    assert not (np.abs(points.x - 10) < 1e-6).any()
    assert points.area.sum() == pytest.approx(60 * 9)


def test_a_bridge_begins_at_its_underside():
    points = facade_points(_buildings(shapely.box(0, 0, 9, 3), height=9.0, min_height=6.0,
                                      num_floors=1.0))
    assert set(points.z) == {7.5}
    assert points.area.sum() == pytest.approx(24 * 3)


def test_facades_and_walls_of_a_real_town_agree(nantes: layers.City):
    built = nantes.frame("buildings")
    walls = exposed_walls(built)
    bare = (walls.length * walls.exposed).sum()
    # Pieces of 3 m where the walls are cut at 4 m: party walls begin elsewhere by half a piece.
    assert facade_points(built).area.sum() == pytest.approx(bare, rel=2e-3)
    assert wall_pieces(built).length.max() <= 3.0 + 1e-9


def test_spacing_must_be_positive():
    with pytest.raises(LayerError, match="expected more than 0 m"):
        facade_points(_buildings(L_SHAPE), spacing=0.0)


def test_no_buildings_give_no_planes_and_no_points(factors: Picker):
    none = _buildings(L_SHAPE).iloc[:0]
    assert len(roof_planes(none, factors)) == 0
    assert len(facade_points(none)) == 0


def test_a_whole_town_takes_seconds(nantes: layers.City, factors: Picker):
    built = nantes.frame("buildings")
    begun = time.process_time()
    planes, points = roof_planes(built, factors), facade_points(built)
    assert time.process_time() - begun < 5.0
    assert planes["plan"].sum() == pytest.approx(built.area.sum())
    assert len(points) > 100_000
