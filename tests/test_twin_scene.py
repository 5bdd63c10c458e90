"""The scene: meshes that close, shadows that fall the right way, colours that mean something."""

from __future__ import annotations

from dataclasses import replace

import geopandas as gpd
import numpy as np
import pytest
import shapely
import xarray as xr
from matplotlib.colors import to_hex, to_rgb
from shapely.geometry import MultiPolygon, Polygon, box

from layers.city import City
from layers.errors import GridError, MissingInput
from layers.registry import LAYERS
from twin.rasters import FOREST_HEIGHT, sample, surface, terrain
from twin.scene import mesh as m
from twin.scene.build import build, build_study
from twin.scene.camera import fit_camera
from twin.scene.changes import CHANGE, differences
from twin.scene.drape import check_owners, drape, owners
from twin.scene.facades import wall_values
from twin.scene.ground import BARE, SHORE, WATER, ground_image, shadow, sun_position
from twin.scene.palette import PAPER, dead_band, extend, nice_ceil, nice_limits, palette
from twin.scene.parts import parts_of, share_by_value
from twin.scene.shown import Shown, coloured, paint
from twin.scene.tint import FACADE, PLANTED, TREE, TREE_OVER, building_colours, tree_colours
from twin.scene.trees import trees_mesh

CRS = "EPSG:2154"
EAST, NORTH = 355_000.0, 6_689_000.0  # coordinates as large as real ones
COURTYARD = Polygon(box(0, 0, 40, 30).exterior, [box(10, 10, 30, 20).exterior])
LSHAPE = Polygon([(0, 0), (20, 0), (20, 8), (8, 8), (8, 25), (0, 25)])
HEXAGON = Polygon([(10 * np.cos(a), 10 * np.sin(a)) for a in np.radians(np.arange(0, 360, 60))])


def move(shape, x, y):
    return shapely.transform(shape, lambda c: c + np.array([x, y]))


def layer(name, shapes, **columns):
    shapes = list(shapes)
    table = gpd.GeoDataFrame(columns, index=range(len(shapes)), geometry=shapes, crs=CRS)
    return LAYERS[name].conform(table)


def houses(shapes, height=10.0, **columns):
    columns = {"id": [f"b{k}" for k in range(len(shapes))], "height": height, **columns}
    return layer("buildings", shapes, **columns)


def city(shapes=(), area=None, height=10.0, **layers):
    area = area or move(box(0, 0, 200, 120), EAST, NORTH)
    buildings = houses(list(shapes), height) if len(shapes) else LAYERS["buildings"].empty(CRS)
    return City({"buildings": buildings, **layers}, area, CRS, name="南特")


def volume(mesh, feature=None):
    """Signed volume over z = 0 by the divergence theorem; open bottoms at z = 0 add nothing."""
    corner = mesh.vertices.astype(float)[mesh.triangles]
    part = np.einsum("ij,ij->i", corner[:, 0], np.cross(corner[:, 1], corner[:, 2])) / 6
    return part.sum() if feature is None else part[mesh.feature == feature].sum()


# --- buildings ------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [COURTYARD, LSHAPE, HEXAGON, MultiPolygon(
    [LSHAPE, move(COURTYARD, 50, 0)])], ids=["courtyard", "concave", "convex", "two parts"])
def test_roofs_walls_and_volume_are_those_of_the_footprint(shape):
    mesh = m.buildings_mesh(houses([move(shape, EAST, NORTH)], 12.5), (EAST, NORTH, 0.0))
    area = m.areas(mesh)
    assert area[mesh.kind == m.ROOF].sum() == pytest.approx(shape.area, rel=1e-6)
    assert area[mesh.kind == m.WALL].sum() == pytest.approx(shape.length * 12.5, rel=1e-6)
    assert volume(mesh) == pytest.approx(shape.area * 12.5, rel=1e-6)


@pytest.mark.parametrize("shape", [COURTYARD, LSHAPE, HEXAGON])
def test_a_block_is_closed_but_for_its_underside(shape):
    mesh = m.buildings_mesh(houses([shape]), (0.0, 0.0, 0.0))
    pairs = np.concatenate([mesh.triangles[:, [a, b]] for a, b in ((0, 1), (1, 2), (2, 0))])
    there = {tuple(p) for p in pairs.tolist()}
    open_edges = [p for p in there if p[::-1] not in there]
    assert len(pairs) == len(there)
    assert len(open_edges) == shapely.get_num_coordinates(shape) - len(shape.interiors) - 1
    assert (mesh.vertices[np.array(open_edges)][..., 2] == 0).all()


def test_roof_area_of_the_real_town_agrees_with_shapely():
    import layers

    buildings = layers.sample().frame("buildings")
    middle = shapely.box(*buildings.total_bounds).centroid
    mesh = m.buildings_mesh(buildings, (middle.x, middle.y, 0.0), None)
    area = m.areas(mesh)
    roof = mesh.kind == m.ROOF
    assert area[roof].sum() == pytest.approx(buildings.area.sum(), rel=1e-6)
    each = np.bincount(mesh.feature[roof], weights=area[roof], minlength=len(buildings))
    # float32 metres a kilometre away from the origin are good to 0.1 mm
    slack = 1e-4 * buildings.length.to_numpy() + 1e-6
    assert (np.abs(each - buildings.area.to_numpy()) <= slack).all()


def test_feature_numbers_map_back_to_rows():
    shapes = [LSHAPE, MultiPolygon([move(HEXAGON, 60, 0), move(HEXAGON, 90, 0)]),
              move(COURTYARD, 0, 60)]
    mesh = m.buildings_mesh(houses(shapes, [5.0, 6.0, 7.0]), (0.0, 0.0, 0.0))
    for row, (shape, height) in enumerate(zip(shapes, (5, 6, 7), strict=True)):
        assert volume(mesh, row) == pytest.approx(shape.area * height, rel=1e-6)
        assert mesh.vertices[mesh.edges[mesh.edge_feature == row]][..., 2].max() == height


def test_empty_and_missing_shapes_keep_the_row_numbers():
    gdf = houses([Polygon(), LSHAPE])
    mesh = m.buildings_mesh(gdf, (0.0, 0.0, 0.0))
    assert set(mesh.feature.tolist()) == {1}
    assert len(m.buildings_mesh(gdf.iloc[:0], (0.0, 0.0, 0.0)).triangles) == 0


def test_a_part_in_the_air_starts_at_its_own_height():
    mesh = m.buildings_mesh(houses([LSHAPE], 12.0, min_height=4.0), (0.0, 0.0, 0.0))
    assert mesh.vertices[:, 2].min() == pytest.approx(4)
    assert m.areas(mesh)[mesh.kind == m.WALL].sum() == pytest.approx(LSHAPE.length * 8, rel=1e-6)


def slope(rise=0.1):
    x, y = np.arange(-50, 251, 10.0), np.arange(-50, 251, 10.0)
    return xr.DataArray(5 + rise * np.meshgrid(x, y)[0], dims=("y", "x"), coords={"y": y, "x": x})


def test_on_a_slope_the_base_reaches_the_ground_and_the_roof_stays_level():
    square = box(20, 20, 40, 40)
    mesh = m.buildings_mesh(houses([square], 10.0), (0.0, 0.0, 0.0), slope())
    top = mesh.vertices[mesh.triangles[mesh.kind == m.ROOF]][..., 2]
    base = mesh.vertices[:, 2].min()
    assert np.allclose(top, 5 + 0.1 * 30 + 10)       # mean ground of the corners plus the height
    assert 5 + 0.1 * 20 - 1.0 <= base < 5 + 0.1 * 20  # just under the lowest corner


def test_a_known_ground_height_wins_over_the_terrain():
    mesh = m.buildings_mesh(houses([box(20, 20, 40, 40)], 10.0, ground_z=6.5), (0.0, 0.0, 2.0),
                            slope())
    assert mesh.vertices[:, 2].max() == pytest.approx(6.5 + 10 - 2)


def test_edges_are_the_roof_outline_and_the_corners_only():
    octagon = Polygon([(10 * np.cos(a), 10 * np.sin(a)) for a in np.radians(np.arange(0, 360, 15))])
    for shape, corners in ((box(0, 0, 10, 10), 4), (octagon, 0), (LSHAPE, 6)):
        mesh = m.buildings_mesh(houses([shape]), (0.0, 0.0, 0.0))
        upright = np.ptp(mesh.vertices[mesh.edges][..., 2], axis=1) > 0
        assert upright.sum() == corners
        length = np.linalg.norm(np.diff(mesh.vertices[mesh.edges][~upright], axis=1), axis=-1)
        assert length.sum() == pytest.approx(shape.length, rel=1e-6)


def test_light_of_faces():
    up, north, south, east = (np.array([v], float) for v in
                              ((0, 0, 1), (0, 1, 0), (0, -1, 0), (1, 0, 0)))
    sun = (180.0, 30.0)
    assert m.face_light(up, sun=sun)[0] == pytest.approx(0.66 + 0.30 * 0.5 + 0.10)
    assert m.face_light(north, sun=sun)[0] == pytest.approx(0.66)
    assert m.face_light(south, sun=sun)[0] == pytest.approx(0.66 + 0.30 * np.cos(np.pi / 6))
    assert m.face_light(east, sun=sun)[0] == pytest.approx(0.69)


# --- trees ----------------------------------------------------------------------------------


def grove(n):
    at = shapely.points(np.arange(n) * 10.0, np.zeros(n))
    return layer("trees", at, height=12.0, crown=6.0, size_from="tag")


def test_crowns_have_the_size_of_the_trees_and_face_outward():
    trees = trees_mesh(grove(3), (0.0, 0.0, 0.0))
    assert (trees.drawn, trees.total) == (3, 3)
    last = trees.mesh.vertices[trees.mesh.triangles[trees.mesh.feature == 2]].reshape(-1, 3)
    assert last[:, 2].max() == pytest.approx(12)
    assert 0 < last[:, 2].min() < 4
    covered = shapely.MultiPoint(last[:, :2].astype(float)).convex_hull
    assert covered.area == pytest.approx(np.pi * 3 ** 2, rel=1e-4)  # the ground of a crown of 6 m
    assert (covered.centroid.x, covered.centroid.y) == pytest.approx((20, 0), abs=1e-4)
    decagon = 2.5 * np.sin(np.pi / 5) * 1.6  # what an icosahedron of circumradius one covers
    solid = 2.53615 * np.pi * 3 ** 2 / decagon * 0.5 * 12 * (1 - 0.22)  # its volume, scaled
    assert volume(trees.mesh, 2) == pytest.approx(solid, rel=1e-3)


def test_thinning_is_told_and_the_same_every_time():
    first, second = (trees_mesh(grove(500), (0.0, 0.0, 0.0), limit=100) for _ in range(2))
    assert (first.drawn, first.total) == (100, 500)
    assert len(np.unique(first.mesh.feature)) == 100
    assert (first.mesh.feature == second.mesh.feature).all()
    assert first.mesh.feature.max() > 400  # from everywhere, not the first hundred


# --- sun and shadow -------------------------------------------------------------------------


def test_sun_at_noon_and_on_both_sides_of_the_equator():
    azimuth, elevation = sun_position(47.2, day=172, hour=12)
    assert azimuth == pytest.approx(180)
    assert elevation == pytest.approx(90 - 47.2 + 23.45, abs=0.01)
    assert sun_position(-33.9, day=172, hour=12)[0] == pytest.approx(0, abs=1e-6)
    assert sun_position(47.2, hour=15)[0] > 180 > sun_position(47.2, hour=9)[0]


def tower():
    height = np.zeros((60, 41), dtype=np.float32)
    height[20:24, 18:23] = 20.0
    return height


def test_at_noon_in_the_north_the_shadow_falls_north_by_height_over_tangent():
    dark = shadow(tower(), 1.0, (180.0, 45.0))
    rows, cols = np.nonzero(dark)
    assert rows.min() == 24
    assert rows.max() == pytest.approx(23 + 20, abs=1)
    assert (cols.min(), cols.max()) == (18, 22)
    assert not dark[20:24, 18:23].any()  # the roof itself is lit


def test_afternoon_shadows_fall_east_and_a_low_sun_makes_them_longer():
    rows, cols = np.nonzero(shadow(tower(), 1.0, (270.0, 60.0)))
    assert cols.min() == 23
    assert cols.max() == pytest.approx(22 + 20 / np.tan(np.pi / 3), abs=1)
    assert (rows.min(), rows.max()) == (20, 23)
    assert shadow(tower(), 1.0, (180.0, 30.0)).sum() > 1.5 * dark_cells(45.0)


def dark_cells(elevation):
    return shadow(tower(), 1.0, (180.0, elevation)).sum()


def test_rising_ground_cuts_a_shadow_short():
    hill = np.zeros((60, 41), dtype=np.float32)
    hill[30:] = 10.0
    dark = shadow(tower(), 1.0, (180.0, 45.0), hill)
    assert np.nonzero(dark)[0].max() == pytest.approx(23 + 10, abs=1)


# --- rasters and the axis contract ----------------------------------------------------------


def test_a_lone_house_in_the_north_east_stays_there():
    """A wide area with one house, one pond and one cell, all in the north-east."""
    house, pond = (move(box(x, 90, x + 20, 110), EAST, NORTH) for x in (170, 140))
    town = city([house], water=layer("water", [pond], **{"class": "pond"}))
    raster = surface(town, 2.0)
    assert dict(raster.sizes) == {"y": 60, "x": 100}
    rows, cols = np.nonzero(raster["height"].to_numpy())
    assert (rows.min(), cols.min()) == (45, 85)
    assert (raster["height"] > 0).sum() * 4 == pytest.approx(house.area)
    assert float(raster["y"][rows.min()]) > float(raster["y"].mean())

    image = ground_image(town, town.area.bounds, size=200, sun=(180.0, 45.0))
    assert image.shape == (120, 200, 3)
    blue = np.abs(image.astype(int) - np.array(to_rgb(WATER)) * 255).max(axis=-1) < 3
    rows, cols = np.nonzero(blue)
    assert (rows.min(), cols.min()) == pytest.approx((90, 140), abs=1)

    mesh = build(town, size=64).buildings
    assert (mesh.vertices[:, :2] > 0).all()  # the origin is the middle of the area


def test_the_highest_of_overlapping_houses_is_kept_with_its_row():
    low, high = (move(box(x, 20, x + 20, 40), EAST, NORTH) for x in (20, 30))
    for order in ([low, high], [high, low]):
        heights = [8.0 if shape is low else 15.0 for shape in order]
        raster = surface(city(order, height=heights), 1.0)
        here = raster.sel(x=EAST + 35.5, y=NORTH + 30.5)
        assert float(here["height"]) == 15
        assert int(here["building"]) == order.index(high)
    assert int(raster["building"].min()) == -1


def test_canopy_has_single_trees_over_woods_or_the_canopy_raster():
    wood = layer("green", [move(box(0, 0, 50, 50), EAST, NORTH)], **{"class": "forest"})
    tree = layer("trees", [shapely.Point(EAST + 25, NORTH + 25)], height=20.0, crown=10.0,
                 size_from="tag")
    canopy = surface(city(green=wood, trees=tree), 1.0)["canopy"]
    assert float(canopy.max()) == 20
    assert float(canopy.sel(x=EAST + 5.5, y=NORTH + 5.5)) == FOREST_HEIGHT
    assert float((canopy == 20).sum()) == pytest.approx(np.pi * 25, rel=0.05)
    x, y = EAST + np.arange(5, 200, 10.0), NORTH + np.arange(5, 120, 10.0)
    seen = xr.DataArray(np.full((12, 20), 7.0), dims=("y", "x"), coords={"y": y, "x": x})
    assert float(surface(city(green=wood, canopy=seen), 1.0)["canopy"].max()) == 7


def test_sampling_is_exact_on_a_plane_and_held_beyond_the_edge():
    plane = slope(0.3)
    x, y = np.array([0.0, 13.7, 249.0]), np.array([3.3, 77.7, 12.0])
    assert sample(plane, x, y) == pytest.approx(5 + 0.3 * x)
    assert sample(plane, [9e9], [0.0])[0] == pytest.approx(5 + 0.3 * 250)
    assert (sample(None, x, y) == 0).all()


def test_gaps_in_the_terrain_take_the_nearest_height():
    broken = slope().copy()
    broken[3, 4] = np.nan
    found = terrain(city(terrain=broken.isel(y=slice(None, None, -1))))
    assert found is not None
    assert (np.diff(found["y"]) > 0).all()
    assert float(found[3, 4]) == pytest.approx(float(slope()[3, 4]), abs=1.01)


@pytest.mark.parametrize("cell", [0.0, -1.0, float("nan"), 1e-6])
def test_impossible_cells_are_refused(cell):
    with pytest.raises(GridError):
        surface(city(), cell)


# --- palette --------------------------------------------------------------------------------


@pytest.mark.parametrize(("value", "expected"), [(0.037, 0.04), (1.01, 1.2), (873.0, 1000.0),
                                                 (250.0, 250.0), (2.0e-7, 2.0e-7)])
def test_round_numbers(value, expected):
    assert nice_ceil(value) == pytest.approx(expected, rel=1e-9)


def test_limits_hold_most_values_and_ignore_an_outlier():
    values = np.r_[np.linspace(0, 38, 999), 1e6, np.nan]
    assert nice_limits(values) == (0, 40)
    assert nice_limits(values, np.full(2000, 90.0)) == (0, 100)
    assert nice_limits(np.array([np.nan])) == (0, 1)
    low, high = nice_limits(np.linspace(18.2, 21.9, 100))  # a temperature: not from zero
    assert 15 < low <= 18.3
    assert 21.8 <= high < 25


def test_change_limits_are_symmetric_and_see_a_small_spot():
    change = np.zeros(10_000)
    change[:20] = -3.7
    assert nice_limits(change, symmetric=True) == (-4, 4)
    assert nice_limits(np.zeros(5), symmetric=True) == (-1, 1)


def test_arrow_ends_tell_of_values_beyond():
    values = np.array([-2.0, 0, 5])
    assert extend(-2, 5, values) == "neither"
    assert extend(-1, 5, values) == "min"
    assert extend(-2, 4, values) == "max"
    assert extend(-1, 4, values) == "both"


@pytest.mark.parametrize("variable", ["building_co2", "pv_yield", "carbon_sink", "wind_speed_2m",
                                      "utci", "floor_area_ratio"])
def test_ramps_go_from_paper_to_dark_without_turning(variable):
    colours = palette(variable).ramp()(np.linspace(0, 1, 64))[:, :3]
    light = colours @ [0.2126, 0.7152, 0.0722]
    assert np.abs(colours[0] - to_rgb(PAPER)).max() < 0.02
    assert (np.diff(light) < 0.01).all()
    assert light[0] - light[-1] > 0.5


def test_light_goes_from_dark_to_bright_and_begins_near_the_darkest_place():
    for variable in ("sun.irradiation", "ground_irradiation", "ground_sun_hours", "sun.sky_view"):
        assert palette(variable).family == "light"
    light = palette("sun.irradiation")
    colours = light.ramp()(np.linspace(0, 1, 64))[:, :3]
    bright = colours @ [0.2126, 0.7152, 0.0722]
    assert (np.diff(bright) > 0).all()
    assert bright[-1] - bright[0] > 0.6
    assert np.abs(colours - to_rgb(PAPER)).max(axis=1).min() > 0.2  # none is the paper
    assert light.limits(np.linspace(214, 1308, 1000)) == (200, 1400)
    assert light.limits(np.linspace(0.05, 1.0, 500)) == pytest.approx((0, 1))
    assert light.limits(np.array([np.nan])) == (0, 1)
    assert palette("co2_net").limits(np.linspace(0, 38, 99)) == nice_limits(np.linspace(0, 38, 99))


def test_green_is_vegetation_only_and_wind_is_blue():
    def greenest(variable):
        red, green, blue, _ = palette(variable).ramp()(0.6)
        return green > red + 0.05 and green > blue + 0.05

    greens = {v for v in ("building_co2", "pv_yield", "carbon_sink", "wind_speed", "utci",
                          "floor_area_ratio", "crown_share", "residents") if greenest(v)}
    assert greens == {"carbon_sink", "crown_share"}
    red, green, blue, _ = palette("wind_speed").ramp()(0.6)
    assert blue > green > red


def test_blue_is_the_better_end_of_a_change_and_neutral_has_none():
    def is_blue(colour):
        return colour[2] > colour[0] + 0.2

    less, more, neutral = (palette(v) for v in ("building_co2", "pv_yield", "floor_area_ratio"))
    assert (less.better, more.better, neutral.better) == ("less", "more", "neutral")
    assert is_blue(less.change()(0.0))
    assert not is_blue(less.change()(1.0))
    assert is_blue(more.change()(1.0))
    assert not is_blue(more.change()(0.0))
    assert neutral.good_word == ""
    assert to_hex(neutral.change()(0.5)) == PAPER
    half = 0.5 + 0.5 * dead_band(1.0)
    assert to_hex(less.change()(half - 0.01)) == PAPER
    assert to_hex(less.change()(half + 0.01)) != PAPER


def test_a_balance_that_crosses_zero_is_green_below_it():
    ramp = palette("co2_net").ramp(-10, 30)
    red, green, blue, _ = ramp(0.1)
    assert green > max(red, blue)
    red, green, blue, _ = ramp(0.6)
    assert red > green
    assert np.abs(np.array(ramp(0.25)[:3]) - to_rgb(PAPER)).max() < 0.05


# --- what a plan changes --------------------------------------------------------------------


def rows(found):
    assert list(found) == list(CHANGE)
    return {kind: part["row"].tolist() for kind, part in found.items() if len(part)}


def test_differences_by_id():
    base = houses([box(0, 0, 10, 10), box(20, 0, 30, 10), box(40, 0, 50, 10), box(60, 0, 80, 10)],
                  [10.0, 10.0, 10.0, 10.0])
    plan = base.drop(index=0).reset_index(drop=True)
    plan.loc[0, "height"] = 6.0
    plan.loc[1, "height"] = 14.0
    plan.loc[2, "geometry"] = box(60, 0, 70, 10)
    plan.loc[3] = plan.loc[2]
    plan.loc[3, ["id", "geometry"]] = ["new", box(90, 0, 99, 10)]
    assert rows(differences(base, plan)) == {"removed": [0], "cut": [2], "lowered": [0],
                                             "raised": [1], "new": [3]}
    assert differences(base, plan)["cut"].area.tolist() == [100]  # the part that went
    assert rows(differences(base, base)) == {}


def test_differences_without_ids_go_by_outline():
    base = houses([box(0, 0, 10, 10), box(20, 0, 30, 10)], id=["", ""])
    plan = base.iloc[[1]].assign(height=4.0)
    assert rows(differences(base, plan)) == {"removed": [0], "lowered": [0]}


@pytest.mark.parametrize("ids", [["", "", "", ""], ["a", "a", "a", "a"], ["a", "a", "", "d"]],
                         ids=["empty", "repeated", "mixed"])
def test_without_usable_ids_a_cut_building_is_the_one_it_shares_most_ground_with(ids):
    shapes = [box(0, 0, 20, 10), box(20, 0, 40, 10), box(50, 0, 60, 10), box(70, 0, 80, 10)]
    base = houses(shapes, [9.0, 9.0, 9.0, 9.0], id=ids)
    # Half of the first goes, which leaves exactly half; the others turn, are taken, are extended.
    turned = shapely.reverse(shapes[1])
    plan = houses([box(70, 0, 82, 10), turned, box(0, 0, 10, 10)], [9.0, 9.0, 9.0],
                  id=[ids[3], ids[1], ids[0]])
    found = differences(base, plan)
    assert rows(found) == {"removed": [2], "cut": [2], "new": [0]}
    assert found["cut"].area.tolist() == [100]
    assert found["new"].area.tolist() == [20]  # of an extension the part that came


def test_less_than_half_in_common_is_another_building_unless_the_id_says_so():
    old, new = box(0, 0, 20, 10), box(0, 0, 9, 10)
    for name, expected in (("", {"removed": [0], "new": [0]}), ("a", {"cut": [0]})):
        assert rows(differences(houses([old], id=[name]), houses([new], id=[name]))) == expected


def test_two_ids_that_differ_are_two_buildings_on_the_same_ground():
    shapes = [LSHAPE, move(COURTYARD, 100, 0)]
    old, new = houses(shapes, id=["a", ""]), houses(shapes, [30.0, 10.0], id=["b", ""])
    assert rows(differences(old, new)) == {"removed": [0], "new": [0]}
    assert rows(differences(old, new.assign(id=""))) == {"raised": [0]}


def test_a_building_that_moved_away_is_removed_and_new_and_none_is_counted_twice():
    base, plan = houses([LSHAPE]), houses([move(LSHAPE, 100, 0)], 3.0)
    assert rows(differences(base, plan)) == {"removed": [0], "new": [0]}
    both = houses([box(0, 0, 10, 10)], 5.0)  # cut and lowered is one building under two words
    assert rows(differences(houses([box(0, 0, 20, 10)]), both)) == {"cut": [0], "lowered": [0]}


def test_parts_on_one_outline_are_told_apart_by_their_height():
    base = houses([LSHAPE, LSHAPE, COURTYARD], [6.0, 30.0, 9.0], id=["a", "a", "a"])
    assert rows(differences(base, base.iloc[[1, 2]])) == {"removed": [0]}
    assert rows(differences(base, base.iloc[[2, 1, 0]])) == {}


def test_the_airier_plan_of_the_demonstration_counts_as_its_history_does():
    from importlib.resources import files

    import layers
    from scenarios import read_recipe

    base = layers.sample()
    plan = read_recipe(files("scenarios") / "data" / "airier.yaml").apply(base)
    found = differences(base.frame("buildings"), plan.frame("buildings"))
    history = " ".join(plan.history)
    assert f"{len(found['removed'])} buildings gone, {len(found['cut'])} cut" in history
    assert f"capped {len(found['lowered'])} buildings" in history
    assert len(found["raised"]) == len(found["new"]) == 0
    blind = [c.frame("buildings").assign(id="") for c in (base, plan)]
    assert {k: len(v) for k, v in differences(*blind).items()} == {
        k: len(v) for k, v in found.items()}


def test_the_scene_outlines_what_goes_and_counts_what_is_planted():
    shapes = [move(box(x, 40, x + 20, 60), EAST, NORTH) for x in (20, 60, 100)]
    base = city(shapes)
    trees = layer("trees", [shapely.Point(EAST + 30, NORTH + 50)], height=9.0, crown=4.0,
                  size_from="planted")
    plan = replace(base, layers={"buildings": base.frame("buildings").iloc[1:], "trees": trees})
    scene = build(plan, base=base, size=128)
    assert set(scene.changed) == {"removed", "planted"}
    segments = scene.outlines["removed"]
    length = np.linalg.norm(segments[:, 0] - segments[:, 1], axis=1).sum()
    assert length == pytest.approx(80, rel=1e-4)
    assert set(scene.buildings.feature.tolist()) == {0, 1}
    assert build(base, base=base, size=128).changed == {}


def test_a_cut_building_is_outlined_on_the_ground_and_tinted_where_it_stands():
    whole, half = (move(box(20, 40, x, 60), EAST, NORTH) for x in (60, 45))
    scene = build(city([half]), base=city([whole]), size=128)
    assert {k: v.tolist() for k, v in scene.changed.items()} == {"cut": [0]}
    segments = scene.outlines["cut"]
    assert np.ptp(segments[..., 0]) == pytest.approx(15, abs=1e-3)
    assert segments[..., 2].max() < 1.0
    assert (building_colours(scene) == building_colours(scene)[0]).all()
    assert building_colours(scene)[0] != pytest.approx(building_colours(build(city([half])))[0])


def test_buildings_are_cut_at_the_edge_and_keep_their_row():
    shapes = [move(box(x, 40, x + 40, 60), EAST, NORTH) for x in (400, 20, 180)]
    scene = build(city(shapes), size=64)  # the first lies outside
    half = scene.size[0] / 2
    assert scene.buildings.vertices[:, 0].max() == pytest.approx(half, abs=1e-3)
    assert set(scene.buildings.feature.tolist()) == {1, 2}
    roof = (scene.buildings.kind == m.ROOF) & (scene.buildings.feature == 2)
    assert m.areas(scene.buildings)[roof].sum() == pytest.approx(30 * 20, rel=1e-5)


def test_context_outside_the_study_area_is_told_apart():
    shapes = [move(box(x, 40, x + 20, 60), EAST, NORTH) for x in (20, 100)]
    area = move(Polygon([(60, 0), (200, 0), (200, 120), (0, 120)]), EAST, NORTH)
    scene = build(city(shapes, area=area), size=64)
    assert scene.outside.tolist() == [0]
    assert set(scene.buildings.feature.tolist()) == {0, 1}


def cells(values, units="kg m-2 a-1", step=20.0):
    ny, nx = values.shape
    x, y = EAST + step * (np.arange(nx) + 0.5), NORTH + step * (np.arange(ny) + 0.5)
    data = xr.DataArray(values, dims=("y", "x"), coords={"y": y, "x": x},
                        attrs={"units": units, "long_name": "CO2 of building operation"})
    return xr.Dataset({"building_co2": data})


def test_results_are_painted_cell_by_cell_and_gaps_let_the_ground_through():
    values = np.zeros((6, 10))
    values[5, 9], values[0, 0], values[2, 3] = 8.0, np.nan, 4.0
    data = cells(values)["building_co2"]
    ramp = palette("building_co2").ramp()
    x, y = EAST + np.array([195.0, 5, 70, 300]), NORTH + np.array([115.0, 5, 50, 5])
    colour, seen = paint(Shown(data, ramp, 0.0, 8.0), x, y)
    assert seen.tolist() == [True, False, True, False]
    assert colour[0] == pytest.approx(ramp(1.0)[:3])
    assert colour[2] == pytest.approx(ramp(0.5)[:3])
    town = city()
    image = ground_image(town, town.area.bounds, size=200, shown=Shown(data, ramp, 0.0, 8.0))
    assert image[110, 190] == pytest.approx(255 * np.array(ramp(1.0)[:3]), abs=1)
    plain = ground_image(town, town.area.bounds, size=200, muted=True)
    assert (image[5, 5] == plain[5, 5]).all()


def test_smooth_painting_blends_known_cells_only():
    values = np.full((6, 10), 2.0)
    values[:, 5:] = np.nan
    shown = Shown(cells(values)["building_co2"], palette("wind").ramp(), 0.0, 4.0, smooth=True)
    colour, seen = paint(shown, EAST + np.array([30.0, 99.0, 101.0]), NORTH + np.full(3, 50.0))
    assert seen.tolist() == [True, True, False]
    assert colour[1] == pytest.approx(colour[0])


def test_scenes_of_a_study_share_their_limits():
    base, plan = city(), city()
    study = {"base": (base, cells(np.full((6, 10), 3.0))),
             "plan": (plan, cells(np.full((6, 10), 38.0)))}
    scenes = build_study(study, show="building_co2", size=64)
    limits = {(s.legend.low, s.legend.high) for s in scenes.values()}
    assert limits == {(0.0, 40.0)}
    value, low, high, units, *_ = scenes["base"].legend.total
    assert (value, units) == (pytest.approx(3.0 * 200 * 120 / 1000), "t a-1")
    assert np.isnan([low, high]).all()
    assert scenes["base"].legend.cell == 20


def test_a_wrong_result_is_named_with_the_nearest():
    with pytest.raises(MissingInput, match="did you mean 'building_co2'"):
        build(city(), cells=cells(np.ones((6, 10))), show="building_co")
    hourly = cells(np.ones((6, 10))).expand_dims(hour=3)
    with pytest.raises(MissingInput, match="hour"):
        build(city(), cells=hourly, show="building_co2")


# --- what stands on a result ----------------------------------------------------------------


def grown(n, *, start=0, x=5.0):
    at = shapely.points(EAST + x + np.arange(start, start + n) % 19 * 10.0,
                        NORTH + 5 + np.arange(start, start + n) // 19 * 3.0)
    return layer("trees", at, height=12.0, crown=6.0, size_from="tag")


def test_over_a_result_trees_are_fewer_slimmer_and_grey_but_planted_ones_stay():
    before, after = city(trees=grown(300)), city(trees=grown(320))
    data = cells(np.full((6, 10), 3.0))
    scene = build(after, base=before, cells=data, show="building_co2", size=64, trees=400)
    assert (scene.trees.drawn, scene.trees.total) == (100, 320)
    assert scene.changed["planted"].tolist() == list(range(300, 320))
    drawn = scene.trees.mesh.feature
    assert set(range(300, 320)) <= set(drawn.tolist())

    crowns = scene.trees.mesh.vertices.reshape(-1, 12, 3)[..., :2].astype(float)
    reach = np.linalg.norm(crowns - crowns.mean(axis=1, keepdims=True), axis=-1).max(axis=1)
    planted = np.unique(drawn) >= 300
    widest = 3 * np.sqrt(np.pi / (5 * np.sin(np.pi / 5)))  # corners of a decagon of that ground
    assert reach[planted] == pytest.approx(np.full(20, widest), rel=1e-3)
    assert reach[~planted] == pytest.approx(np.full(80, 0.7 * widest), rel=1e-3)
    colour = tree_colours(scene)
    for rows_, tone in ((drawn >= 300, PLANTED), (drawn < 300, TREE_OVER)):
        ratio = colour[rows_] / np.array(to_rgb(tone))
        assert ratio == pytest.approx(np.ones_like(ratio), abs=0.09)
    red, green, blue = to_rgb(TREE_OVER)
    assert max(red, green, blue) - min(red, green, blue) < 0.06 < to_rgb(PLANTED)[1] - 0.5


def test_trees_that_are_all_drawn_over_a_result_keep_their_width():
    data = cells(np.full((6, 10), 3.0))
    over, plain = (build(city(trees=grown(80)), cells=c, show=s, size=64, trees=400)
                   for c, s in ((data, "building_co2"), (None, None)))
    assert (over.trees.mesh.vertices == plain.trees.mesh.vertices).all()


def test_over_a_result_of_vegetation_trees_are_drawn_as_ever():
    data = cells(np.full((6, 10), 0.2)).rename(building_co2="crown_share")
    plain = build(city(trees=grown(300)), size=64)
    scene = build(city(trees=grown(300)), cells=data, show="crown_share", size=64)
    assert (scene.trees.mesh.vertices == plain.trees.mesh.vertices).all()
    ratio = tree_colours(scene) / np.array(to_rgb(TREE))
    assert ratio == pytest.approx(np.ones_like(ratio), abs=0.09)


def test_water_lies_on_results_of_the_ground_and_is_lined_under_the_wind():
    pond = move(box(60, 40, 120, 80), EAST, NORTH)
    town = city(water=layer("water", [pond], **{"class": "pond"}))

    def share(name, tone):
        data = cells(np.full((6, 10), 3.0), step=20.0).rename(building_co2=name)
        scene = build(town, cells=data, show=name, size=220, limits=(0.0, 3.0))
        assert scene.water
        near = np.abs(scene.ground.astype(int) - np.array(to_rgb(tone)) * 255).max(axis=-1) < 3
        return near.mean() * scene.size[0] * scene.size[1] / pond.area

    assert share("building_co2", WATER) == pytest.approx(1, abs=0.1)
    assert share("wind_speed", WATER) == 0
    assert 0.05 < share("wind_speed", SHORE) < 0.3
    assert not build(city(), size=64).water


def test_walls_take_more_of_the_colour_of_their_ground_than_roofs():
    values = np.zeros((6, 10))
    values[2, 3] = 8.0
    shapes = [move(box(65, 45, 75, 55), EAST, NORTH), move(box(125, 45, 135, 55), EAST, NORTH)]
    scene = build(city(shapes), cells=cells(values), show="building_co2", limits=(0.0, 8.0),
                  size=64)
    colour, mesh = building_colours(scene), scene.buildings
    white = colour[mesh.feature == 1]
    assert (white == white[0]).all()
    assert white.min() > 0.95
    away = np.abs(colour - white[0]).sum(axis=1)
    wall, roof = (away[(mesh.feature == 0) & (mesh.kind == kind)] for kind in (m.WALL, m.ROOF))
    assert wall.min() > 3 * roof.max() > 0
    assert roof.max() < 0.25  # still a white building


def test_a_legend_names_its_cells_and_the_weather_where_that_matters():
    data = cells(np.full((6, 10), 3.0)).assign_attrs(weather="a July day")
    assert build(city(), cells=data, show="building_co2", size=64).legend.weather == ""
    data = data.rename(building_co2="wind_speed")
    assert build(city(), cells=data, show="wind_speed", size=64).legend.weather == "a July day"


# --- a result on roofs and ground -----------------------------------------------------------

LOW, HIGH = 200.0, 1400.0


def lit(town, ground=400.0, *roofs, step=4.0):
    """A field over a town: one value on the ground and one on each roof."""
    x, y = EAST + step * (np.arange(200 / step) + 0.5), NORTH + step * (np.arange(120 / step) + 0.5)
    row = owners(town, x, y)
    values = np.append(np.array(roofs, dtype=float), ground)[row]
    dims = {"dims": ("y", "x"), "coords": {"y": y, "x": x}}
    attrs = {"units": "kWh m-2 a-1", "long_name": "Irradiation"}
    return xr.Dataset({"sun.irradiation": xr.DataArray(values, attrs=attrs, **dims),
                       "building": xr.DataArray(row, **dims),
                       "cell_area": xr.DataArray(np.full(row.shape, step * step), **dims)})


def draped(town, field, size=400):
    """The image of a town under a field, and the colours it may have by value."""
    ramp = palette("sun.irradiation").ramp()
    shown = Shown(field["sun.irradiation"], ramp, LOW, HIGH, smooth=True, over_water=True,
                  owner=field["building"])
    image = ground_image(town, town.area.bounds, size=size, shown=shown)

    def is_of(value):
        want = 255 * np.array(ramp((value - LOW) / (HIGH - LOW))[:3])
        return np.abs(image.astype(int) - want).max(axis=-1) < 1.01

    return image, is_of


def test_a_bright_cell_in_the_north_east_is_bright_there_and_nowhere_else():
    town = city([move(box(150, 80, 180, 100), EAST, NORTH)])
    field = lit(town, 400.0, 900.0)
    field["sun.irradiation"][-2, -3] = 1400.0
    image, is_of = draped(town, field)
    bright = image @ [0.2126, 0.7152, 0.0722]  # rises with the value
    rows, cols = np.nonzero(bright > bright[is_of(900.0)].max() + 1)
    x, y = 0.5 * (cols + 0.5), 0.5 * (rows + 0.5)  # half a metre a pixel
    assert (x.mean(), y.mean()) == pytest.approx((190, 114), abs=0.5)
    assert np.ptp(x) <= 4 >= np.ptp(y)  # more than half of the step lies within one cell
    assert bright.max() == pytest.approx(bright[round(114 / 0.5), round(190 / 0.5)], abs=4)


def test_colours_are_those_of_the_palette_at_the_values_of_the_field():
    town = city([move(box(20, 20, 60, 60), EAST, NORTH), move(box(100, 20, 140, 60), EAST, NORTH)])
    field = lit(town, 350.0, 1250.0, 800.0)
    image, _ = draped(town, field)
    ramp = palette("sun.irradiation").ramp(LOW, HIGH)
    for (x, y), value in (((40, 40), 1250.0), ((120, 40), 800.0), ((80, 100), 350.0)):
        want = 255 * np.array(ramp((value - LOW) / (HIGH - LOW))[:3])
        assert image[2 * y, 2 * x] == pytest.approx(want, abs=1)
    shown = Shown(field["sun.irradiation"], ramp, LOW, HIGH)
    ends = coloured(shown, np.array([-1e9, LOW, HIGH, 1e9]))
    assert ends == pytest.approx(np.array([ramp(0.0), ramp(0.0), ramp(1.0), ramp(1.0)])[:, :3])


def test_no_colour_of_a_roof_runs_onto_the_ground_or_a_neighbour():
    """Walls that cut through cells: every pixel still has the value of what it lies on."""
    shapes = [move(box(31, 33, 62, 71), EAST, NORTH), move(box(62, 33, 79, 71), EAST, NORTH),
              move(HEXAGON, EAST + 130, NORTH + 61)]
    town = city(shapes)
    _, is_of = draped(town, lit(town, 300.0, 1300.0, 700.0, 1000.0))
    x, y = EAST + 0.5 * (np.arange(400) + 0.5), NORTH + 0.5 * (np.arange(240) + 0.5)
    own = owners(town, x, y)
    for row, value in enumerate((1300.0, 700.0, 1000.0)):
        assert (is_of(value) == (own == row)).all()
    assert (is_of(300.0) == (own < 0)).all()


def test_a_field_is_blended_within_a_roof_and_exact_on_a_plane():
    town = city([move(box(0, 0, 200, 120), EAST, NORTH)])
    field = lit(town, 0.0, 1.0)
    plane = 3.0 * (field["x"] - EAST) + 2.0 * (field["y"] - NORTH)
    x, y = EAST + np.array([2.0, 33.3, 198.0]), NORTH + np.array([2.0, 50.0, 117.5])
    found = drape(plane.transpose("y", "x"), field["building"], x, y, np.zeros((3, 3), int))
    assert found == pytest.approx(np.add.outer(2.0 * (y - NORTH), 3.0 * (x - EAST)))


def test_what_has_no_cell_of_its_own_takes_the_mean_of_its_roof_or_the_nearest_lane():
    thin, tiny = move(box(10, 50.5, 90, 51.5), EAST, NORTH), move(box(120.5, 50.5, 121, 51), EAST,
                                                                NORTH)
    wide = move(box(80, 40, 110, 60), EAST, NORTH)
    town = city([shapely.union(thin, wide), tiny])
    field = lit(town, 300.0, 900.0, 500.0)
    assert set(np.unique(field["building"])) == {-1, 0}
    _, is_of = draped(town, field, size=800)
    assert is_of(900.0)[204, 40:360].all()  # the thin part, 51 m north
    image, _ = draped(town, field, size=800)
    bare = np.abs(image.astype(int) - 255 * np.array(to_rgb(BARE))).max(axis=-1) < 1.01
    assert bare.sum() * 0.25 ** 2 == pytest.approx(0.25)  # the tiny house, white
    # A lane of a metre between two long houses lies on no centre of a cell.
    pair = city([move(box(0, 0, 200, 58.5), EAST, NORTH), move(box(0, 59.5, 200, 100), EAST,
                                                              NORTH)])
    field = lit(pair, 300.0, 900.0, 900.0)
    own = owners(pair, EAST + np.array([101.0, 103.0]), NORTH + np.array([57.0, 59.0]))
    assert own.tolist() == [[0, 0], [-1, -1]]
    value = drape(field["sun.irradiation"], field["building"], EAST + np.array([101.0, 103.0]),
                  NORTH + np.array([57.0, 59.0]), own)
    assert (value[0] == 900).all()
    assert np.isnan(value[1]).all()  # open ground is ten cells away: nothing is made up
    near = drape(field["sun.irradiation"], field["building"], EAST + np.array([101.0, 103.0]),
                 NORTH + np.array([95.0, 97.0]), np.full((2, 2), -1))
    assert (near == 300).all()


def test_nothing_of_the_ground_is_drawn_on_a_roof():
    pond = move(box(60, 40, 120, 80), EAST, NORTH)
    town = city([move(box(90, 20, 100, 100), EAST, NORTH)],
                water=layer("water", [pond], **{"class": "pond"}))
    image, is_of = draped(town, lit(town, 300.0, 1300.0))
    own = owners(town, EAST + 0.5 * (np.arange(400) + 0.5), NORTH + 0.5 * (np.arange(240) + 0.5))
    assert is_of(1300.0)[own == 0].all()
    shore = np.abs(image.astype(int) - 255 * np.array(to_rgb(SHORE))).max(axis=-1) < 1.01
    assert shore.any()  # but beside the house it is


def test_a_field_of_other_buildings_is_refused_with_the_mend():
    here, there = (city([move(box(x, 20, x + 40, 80), EAST, NORTH)]) for x in (20, 120))
    field = lit(there, 300.0, 900.0)
    check_owners(there, field["building"], "sun.irradiation")
    with pytest.raises(MissingInput, match=r"20 % of its cells .* Run this city again"):
        check_owners(here, field["building"], "sun.irradiation")
    with pytest.raises(MissingInput, match="other buildings"):
        build(here, cells=field, show="sun.irradiation", size=64)


def test_a_scene_on_roofs_ends_at_its_field_and_tells_roofs_from_ground():
    town = city([move(box(20, 20, 60, 60), EAST, NORTH)])  # 1,600 of 24,000 m2
    scene = build(town, cells=lit(town, 400.0, 1300.0), show="sun.irradiation", size=128)
    assert scene.draped
    assert scene.bounds == town.area.bounds
    roofs, ground = scene.legend.parts
    assert (roofs.total.value, ground.total.value) == pytest.approx((1300, 400))
    assert (roofs.total.where, ground.total.where) == ("of the roofs", "of the open ground")
    assert scene.legend.total.value == pytest.approx((1600 * 1300 + 22_400 * 400) / 24_000)
    walls = building_colours(scene)[scene.buildings.kind == m.WALL]
    assert walls == pytest.approx(np.tile(to_rgb(FACADE), (len(walls), 1)))
    flat = build(town, cells=lit(town, 400.0, 1300.0).drop_vars("building"),
                 show="sun.irradiation", size=64)
    assert not flat.draped
    assert flat.legend.parts == ()
    wide = (1800, 700)
    assert fit_camera([scene], wide).elevation >= 46 > fit_camera([flat], wide).elevation


def test_shares_by_value_count_area_and_put_what_is_beyond_into_the_ends():
    values = xr.DataArray([[-5.0, 0.5, 29.5, 99.0], [np.nan, 10.5, 10.2, 10.9]], dims=("y", "x"))
    area = xr.DataArray([[1.0, 1.0, 1.0, 3.0], [9.0, 1.0, 1.0, 2.0]], dims=("y", "x"))
    share = share_by_value(values, area, (0.0, 30.0))
    assert len(share) == 30
    assert sum(share) == pytest.approx(100)
    assert [share[0], share[10], share[29]] == pytest.approx([20, 40, 40])


def test_a_result_of_roofs_alone_has_one_part():
    town = city([move(box(20, 20, 60, 60), EAST, NORTH)])
    field = lit(town, np.nan, 1300.0)
    (roofs,) = parts_of(field, "sun.irradiation", (LOW, HIGH))
    assert roofs.total.where == "of the roofs"
    assert roofs.total.value == pytest.approx(1300)
    image, is_of = draped(town, field)
    assert is_of(1300.0).sum() * 0.25 == pytest.approx(1600)
    plain = ground_image(town, town.area.bounds, size=400, muted=True)
    assert (image[200, 300] == plain[200, 300]).all()


def patches(rows):
    """Patches of wall: building, x, y, azimuth, area, irradiation."""
    names = ("building", "x", "y", "azimuth", "area", "irradiation")
    return xr.Dataset({f"wall_{name}": ("wall", np.array(column, dtype=float))
                       for name, column in zip(names, zip(*rows, strict=True), strict=True)})


def test_each_wall_has_the_mean_of_its_own_patches_by_area():
    """Two houses wall to wall: a patch on the shared line counts for its own house alone."""
    left, right = box(0, 0, 10, 10), box(10, 0, 20, 10)
    mesh = m.buildings_mesh(houses([move(left, EAST, NORTH), move(right, EAST, NORTH)],
                                   [6.0, 12.0]), (EAST, NORTH, 0.0))
    found = wall_values(mesh, (EAST, NORTH, 0.0), patches([
        (0, EAST + 2, NORTH, 180.0, 10.0, 1000.0), (0, EAST + 7, NORTH, 180.0, 30.0, 800.0),
        (0, EAST + 5, NORTH + 10, 0.0, 60.0, 300.0), (0, EAST, NORTH + 5, 270.0, 60.0, 650.0),
        (1, EAST + 10, NORTH + 5, 270.0, 60.0, 500.0), (1, EAST + 20, NORTH + 5, 90.0, 99.0, 640.0),
        (1, EAST + 15, NORTH, 180.0, 120.0, np.nan), (1, EAST + 15, NORTH + 3, 180.0, 9.0, 9e9)]))
    ahead = np.round(m.normals(mesh)).astype(int)

    def wall(row, *towards):
        own = (mesh.feature == row) & (mesh.kind == m.WALL) & (ahead[:, :2] == towards).all(axis=1)
        assert own.sum() == 2
        return found[own]

    assert wall(0, 0, -1) == pytest.approx(850)  # a quarter of 1,000, three of 800
    assert wall(0, 0, 1) == pytest.approx(300)
    assert wall(0, -1, 0) == pytest.approx(650)
    assert wall(1, -1, 0) == pytest.approx(500)
    assert wall(1, 1, 0) == pytest.approx(640)
    for row, towards in ((0, (1, 0)), (1, (0, 1)), (1, (0, -1))):  # hidden, unknown, off the wall
        assert np.isnan(wall(row, *towards)).all()
    assert np.isnan(found[mesh.kind == m.ROOF]).all()


def test_walls_with_light_have_the_colour_of_the_legend_and_a_mean_of_their_own():
    town = city([move(box(20, 20, 60, 60), EAST, NORTH)])
    walls = patches([(0, EAST + 40, NORTH + 20, 180.0, 400.0, 1000.0),
                     (0, EAST + 40, NORTH + 60, 0.0, 100.0, 400.0)])
    scene = build(town, cells=lit(town, 400.0, 1300.0).merge(walls), show="sun.irradiation",
                  size=64, limits=(LOW, HIGH))
    assert [p.total.where for p in scene.legend.parts] == ["of the roofs", "of the walls",
                                                           "of the open ground"]
    assert scene.legend.parts[1].total.value == pytest.approx(0.8 * 1000 + 0.2 * 400)
    colour, ahead = building_colours(scene), np.round(m.normals(scene.buildings))
    ramp = palette("sun.irradiation").ramp()
    for north, value in ((-1, 1000.0), (1, 400.0)):
        own = ahead[:, 1] == north
        want = ramp((value - LOW) / (HIGH - LOW))[:3]
        assert colour[own] == pytest.approx(np.tile(want, (2, 1)))
    side = np.abs(ahead[:, 0]) == 1
    assert colour[side] == pytest.approx(np.tile(to_rgb(FACADE), (4, 1)))
