"""Raw features become typed layers: every column, no overlap, no area lost, any script."""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from layers import buildings, corridors, green, roads, squares, water
from layers.city import City
from layers.errors import LayerError
from layers.place import locate
from layers.registry import LAYERS, TIDY
from layers.roof_tags import parse_angle, parse_direction, roof_doubts
from layers.shapes import mend
from layers.spec import Column, LayerSpec, faults
from layers.uses import LANDUSE_USE, USE_OF, USES

EPSG = 32650
box = shapely.box


def frame(shapes: list[Any], **columns: Any) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(columns, geometry=shapes, crs=EPSG)


def line(*points: tuple[float, float]) -> Any:
    return shapely.LineString(points)


RAW = {
    "buildings": frame([box(0, 0, 10, 10), box(20, 0, 30, 10)], building=["apartments", "yes"],
                       name=["武汉天地", None], height=["12 m", ""], start_date=["1932", "~C19"],
                       **{"building:flats": ["4;5", "many"], "roof:shape": ["Gambrel", "zigzag"]}),
    "roads": frame([line((0, 0), (100, 0)), line((0, 50), (100, 50)), line((0, 9), (9, 9))],
                   highway=["primary_link", "residential", "proposed"],
                   name=["解放大道", None, "none"], oneway=["-1", None, "no"],
                   aadt=["12000", "", 3]),
    "green": frame([box(0, 0, 50, 50), box(40, 40, 90, 90)], leisure=["park", None],
                   natural=[None, "wood"], name=["东湖公园", None]),
    "trees": frame([shapely.Point(0, 0), shapely.Point(5, 5)], natural="tree",
                   species=["银杏", None], height=["15 m", None]),
    "tree_rows": frame([line((0, 0), (20, 0))], natural=["tree_row"], name=["梧桐"]),
    "water": frame([box(0, 0, 50, 50), line((0, 60), (100, 60))], natural=["water", None],
                   water=["lake", None], waterway=[None, "canal"], name=["东湖", "运河"]),
    "squares": frame([box(0, 0, 50, 50), line((0, 0), (9, 9))], place="square",
                     name=["广场", "line"]),
    "corridors": frame([line((0, 0), (0, 900)), box(0, 0, 90, 900)], name=["一级风道", "B"],
                       level=["1", None], width=[None, "60"]),
    "roofs": frame([shapely.Polygon([(0, 0, 3), (20, 0, 3), (20, 4, 6), (0, 4, 6)]),
                    shapely.Polygon([(0, 4, 6), (20, 4, 6), (20, 8, 3), (0, 8, 3)])],
                   building=["甲栋", "甲栋"]),
}
TIDIED = {name: TIDY[name](raw) for name, raw in RAW.items()}


@pytest.mark.parametrize("name", LAYERS)
def test_a_tidied_layer_has_every_column_typed(name: str) -> None:
    tidied, spec = TIDIED[name], LAYERS[name]
    assert faults(tidied, spec) == []
    assert tidied.columns.tolist() == [*spec.names, "geometry"]
    for column in spec.columns:
        assert str(tidied[column.name].dtype) == column.dtype, column.name
    assert tidied.crs.to_epsg() == EPSG


@pytest.mark.parametrize("name", LAYERS)
def test_conforming_twice_changes_nothing(name: str) -> None:
    tidied, spec = TIDIED[name], LAYERS[name]
    again = spec.conform(tidied)
    pd.testing.assert_frame_equal(pd.DataFrame(again), pd.DataFrame(tidied))
    pd.testing.assert_frame_equal(pd.DataFrame(spec.conform(spec.empty(EPSG))),
                                  pd.DataFrame(spec.empty(EPSG)))


@pytest.mark.parametrize("name", LAYERS)
def test_nothing_in_gives_an_empty_layer_with_all_columns(name: str) -> None:
    nothing = gpd.GeoDataFrame({"name": pd.Series([], dtype="object")},
                               geometry=gpd.GeoSeries([], crs=EPSG), crs=EPSG)
    tidied = TIDY[name](nothing)
    assert len(tidied) == 0
    assert tidied.columns.tolist() == [*LAYERS[name].names, "geometry"]


@pytest.mark.parametrize(("layer", "text"), [
    ("buildings", "武汉天地"), ("roads", "解放大道"),  ("trees", "银杏"),
    ("tree_rows", "梧桐"), ("water", "东湖"), ("squares", "广场"), ("corridors", "一级风道")])
def test_chinese_names_survive(layer: str, text: str) -> None:
    assert TIDIED[layer]["name"].iloc[0] == text
    assert "东湖公园" in TIDIED["green"]["name"].tolist()


def test_what_a_column_cannot_take_is_said_with_layer_row_and_value() -> None:
    raw = frame([box(0, 0, 9, 9), box(20, 0, 29, 9)], green_roof=["0.5", "<b>half</b>"])
    with pytest.raises(LayerError, match=r"layer 'buildings', row 1: green_roof is '<b>half</b>'"):
        buildings.tidy(raw)


def test_types_are_kept_in_their_bounds() -> None:
    spec = LayerSpec("x", "point", (Column("n", "int", default=2), Column("b", "bool"),
                                    Column("s", "str", default="?"), Column("f", "float")))
    done = spec.conform(frame([shapely.Point(0, 0)] * 3, n=["1", None, " "],
                              b=["yes", "T", "perhaps"], s=[None, " ", "水"],
                              f=["1.5", np.inf, ""]))
    assert done["n"].tolist() == [1, 2, 2]
    assert done["b"].tolist() == [True, True, False]
    assert done["s"].tolist() == ["?", "?", "水"]
    np.testing.assert_array_equal(done["f"], [1.5, np.nan, np.nan])


# Buildings


def test_a_building_keeps_what_its_tags_say() -> None:
    done = TIDIED["buildings"]
    assert done["class"].tolist() == ["apartments", "yes"]
    assert done["dwellings"].fillna(-1).tolist() == [5.0, -1.0]
    assert done["year"].fillna(-1).tolist() == [1932.0, -1.0]
    assert done["roof_shape"].tolist() == ["mansard", "other"]
    assert done["height"].iloc[0] == 12.0


@pytest.mark.parametrize(("tags", "use", "source"), [
    ({"building": "apartments"}, "residential", "tag"),
    ({"building": "yes", "amenity": "school"}, "education", "tag"),
    ({"building": "house", "amenity": "clinic"}, "hospital", "tag"),
    ({"building": "yes", "shop": "car;tyres"}, "retail", "tag"),
    ({"building": "yes", "shop": "vacant"}, "residential", "default"),
    ({"building": "yes", "office": "yes"}, "office", "tag"),
    ({"building": "yes", "tourism": "hotel"}, "hotel", "tag"),
    ({"building": "Warehouse"}, "industrial", "tag"),
    ({"building": "garages"}, "unconditioned", "tag"),
    ({"building": "yes", "use": "culture"}, "culture", "tag"),
    ({"building": "住宅"}, "residential", "tag"),
    ({"building": "办公楼"}, "office", "tag"),
    ({"building": "医院"}, "hospital", "tag"),
    ({"building": "建筑"}, "residential", "default"),
    ({"building": "yes"}, "residential", "default"),
])
def test_a_building_is_used_for_what_its_tags_say(tags: dict[str, str], use: str,
                                                  source: str) -> None:
    done = buildings.tidy(frame([box(0, 0, 9, 9)], **{k: [v] for k, v in tags.items()}))
    assert done["use"].tolist() == [use]
    assert done["use_from"].tolist() == [source]
    assert done["class"].tolist() == [tags["building"]]


def test_the_smallest_ground_tells_the_use_where_the_tags_do_not() -> None:
    raw = frame([box(0, 0, 10, 10), box(50, 50, 60, 60), box(52, 70, 58, 76), box(500, 0, 510, 9)],
                building=["yes", "yes", "church", "yes"])
    landuse = frame([box(-10, -10, 100, 100), box(45, 45, 65, 80)],
                    use=["industrial", "education"])
    done = buildings.tidy(raw, landuse=landuse)
    assert done["use"].tolist() == ["industrial", "education", "other", "residential"]
    assert done["use_from"].tolist() == ["landuse", "landuse", "tag", "default"]


def test_every_word_for_a_use_means_a_use() -> None:
    assert set(USE_OF.values()) == set(USES)
    assert set(LANDUSE_USE.values()) <= set(USES)
    assert "yes" not in USE_OF


def test_what_is_below_the_ground_is_no_building_seen_from_above() -> None:
    raw = frame([box(i * 20, 0, i * 20 + 9, 9) for i in range(5)], building="yes",
                location=["underground", None, None, None, None],
                layer=[None, "-1", "-1", "1", "x"], height=[None, None, "9", None, None])
    assert buildings.tidy(raw).index.tolist() == [2, 3, 4]


def test_two_names_for_one_column_do_not_meet() -> None:
    raw = frame([box(0, 0, 9, 9)], levels=[4], floors=[7])
    done = buildings.tidy(raw)
    assert done["num_floors"].tolist() == [4.0]
    assert done["floors_from"].tolist() == ["tag"]


# Roads


def road(**tags: Any) -> pd.Series:
    done = roads.tidy(frame([line((0, 0), (100, 0))], **{k: [v] for k, v in tags.items()}))
    return done.iloc[0]


@pytest.mark.parametrize(("tags", "lanes", "width", "source"), [
    ({"highway": "primary"}, 4, 4 * 3.25, "default"),
    ({"highway": "primary", "lanes": "6"}, 6, 6 * 3.25, "lanes"),
    ({"highway": "primary", "lanes": "2;3"}, 3, 3 * 3.25, "lanes"),
    ({"highway": "primary", "lanes": "6", "width": "18.5 m"}, 6, 18.5, "tag"),
    ({"highway": "primary", "lanes": "many", "width": "wide"}, 4, 13.0, "default"),
    ({"highway": "primary", "lanes": "-2", "width": "0"}, 4, 13.0, "default"),
    ({"highway": "tertiary", "width": "20'"}, 2, 6.096, "tag"),
    ({"highway": "footway"}, 0, 2.0, "default"),
])
def test_width_and_lanes_say_where_they_come_from(tags: dict[str, str], lanes: float,
                                                  width: float, source: str) -> None:
    done = road(**tags)
    assert done["lanes"] == lanes
    assert done["width"] == pytest.approx(width)
    assert done["width_from"] == source


@pytest.mark.parametrize(("word", "limit"), [
    ("30 mph", 48.28032), ("50", 50), ("walk", 6), ("none", 110), (None, 110), ("999", 110),
    ("0", 110)])
def test_speed_limits_are_in_kilometres_an_hour(word: str | None, limit: float) -> None:
    assert road(highway="motorway", maxspeed=word)["speed_limit"] == pytest.approx(limit)


def test_classes_are_openstreetmaps_and_others_are_left_out() -> None:
    done = TIDIED["roads"]
    assert done["class"].tolist() == ["primary", "residential"]
    assert done["oneway"].tolist() == [True, False]
    assert done["volume"].fillna(-1).tolist() == [12000.0, -1.0]
    assert road(highway="busway")["class"] == "service"
    plain = roads.tidy(frame([line((0, 0), (9, 0))], id=["a"]))
    assert plain["class"].tolist() == ["unclassified"]


def test_every_class_has_its_defaults() -> None:
    done = roads.tidy(frame([line((0, i), (9, i)) for i in range(len(roads.CLASSES))],
                            highway=list(roads.CLASSES)))
    assert done["class"].tolist() == list(roads.CLASSES)
    assert (done["width"] > 0).all()
    assert (done["speed_limit"] > 0).all()
    motor = done["class"].isin(roads.MOTOR)
    assert (done.loc[motor, "lanes"] >= 1).all()
    assert (done.loc[~motor & (done["class"] != "track"), "lanes"] == 0).all()


# Green


def test_the_more_particular_cover_stays_where_two_overlap() -> None:
    done = TIDIED["green"]
    assert done.set_index("class").area.to_dict() == pytest.approx(
        {"forest": 2500.0, "park": 2400.0})


@pytest.mark.parametrize(("tags", "cover"), [
    ({"landuse": "meadow"}, "grass"), ({"natural": "heath"}, "scrub"),
    ({"landuse": "farmland"}, "cropland"), ({"natural": "wetland"}, "wetland"),
    ({"leisure": "park", "natural": "wood"}, "forest"),
    ({"landuse": "religious", "leisure": "garden"}, "park"),
    ({"leisure": "pitch"}, "grass"), ({"leisure": "pitch", "surface": "artificial_turf"}, None),
    ({"natural": "water", "leisure": "nature_reserve"}, None), ({"landuse": "residential"}, None),
    ({"class": "forest"}, "forest"),
])
def test_cover_is_read_from_the_tags(tags: dict[str, str], cover: str | None) -> None:
    done = green.tidy(frame([box(0, 0, 9, 9)], **{k: [v] for k, v in tags.items()}))
    assert done["class"].tolist() == ([cover] if cover else [])


boxes = st.tuples(st.integers(0, 40), st.integers(0, 40), st.integers(1, 25), st.integers(1, 25))
patches = st.lists(st.tuples(st.lists(boxes, min_size=1, max_size=3),
                             st.sampled_from(green.CLASSES)), min_size=1, max_size=10)


@given(patches)
def test_green_never_overlaps_and_no_area_is_lost(drawn: list[Any]) -> None:
    shapes = [shapely.union_all([box(x, y, x + w, y + h) for x, y, w, h in parts])
              for parts, _ in drawn]
    done = green.tidy(frame(shapes, **{"class": [cover for _, cover in drawn]}))
    whole = shapely.union_all(shapes).area
    assert faults(done, green.SPEC) == []
    assert done.area.sum() == pytest.approx(whole, abs=0.01)
    assert shapely.union_all(done.geometry.values).area == pytest.approx(whole, abs=0.01)
    first = min(green.CLASSES.index(cover) for _, cover in drawn)
    kept = shapely.union_all([s for s, (_, c) in zip(shapes, drawn, strict=True)
                              if c == green.CLASSES[first]])
    assert done[done["class"] == green.CLASSES[first]].area.sum() == pytest.approx(kept.area)


def test_a_far_piece_of_a_park_is_not_lost_when_another_piece_is_merged() -> None:
    park = shapely.MultiPolygon([box(0, 0, 100, 100), box(500, 0, 510, 10)])
    done = green.tidy(frame([box(95, 0, 120, 50), park], leisure=["park"] * 2, name=["a", "b"]))
    assert done.area.sum() == pytest.approx(100 * 100 + 20 * 50 + 10 * 10)
    lake = water.tidy(frame([box(95, 0, 120, 50), park], natural=["water"] * 2))
    assert lake.area.sum() == pytest.approx(100 * 100 + 20 * 50 + 10 * 10)


# Trees


@pytest.mark.parametrize(("tags", "height", "crown", "source"), [
    ({"height": "16", "diameter_crown": "6 m"}, 16.0, 6.0, "tag"),
    ({"height": "16 m"}, 16.0, 10.0, "part tag"),
    ({"diameter_crown": "10"}, 16.0, 10.0, "part tag"),
    ({"natural": "tree"}, 8.0, 5.0, "default"),
    ({"height": "900", "crown": "0"}, 8.0, 5.0, "default"),
    ({"height": "2000 ft", "crown": 7.0}, 11.2, 7.0, "part tag"),
])
def test_trees_say_where_their_size_comes_from(tags: dict[str, Any], height: float, crown: float,
                                               source: str) -> None:
    done = green.tidy_trees(frame([shapely.Point(0, 0)], **{k: [v] for k, v in tags.items()}))
    assert done["height"].tolist() == pytest.approx([height])
    assert done["crown"].tolist() == pytest.approx([crown])
    assert done["size_from"].tolist() == [source]


def test_each_tree_of_a_multipoint_is_a_tree() -> None:
    group = shapely.MultiPoint([(0, 0), (9, 0), (18, 0)])
    raw = frame([group, shapely.Point(50, 0)], height=[9, 8])
    done = green.tidy_trees(raw)
    assert done["height"].tolist() == [9.0, 9.0, 9.0, 8.0]
    assert set(done.geom_type) == {"Point"}


@pytest.mark.parametrize(("length", "spacing", "stems"), [(80, 8, 11), (79, 8, 10), (5, 8, 1),
                                                          (100, 12.5, 9)])
def test_a_row_has_a_stem_every_spacing(length: float, spacing: float, stems: int) -> None:
    row = green.tidy_tree_rows(frame([line((0, 0), (length, 0))], spacing=[spacing],
                                     height=[12.0], crown=[4.0]))
    trees = green.all_trees(green.TREES.empty(EPSG), row)
    assert len(trees) == stems
    np.testing.assert_allclose(trees.geometry.x, np.arange(stems) * spacing)
    assert faults(trees, green.TREES) == []
    assert set(trees["height"]) == {12.0}


def test_rows_of_several_lines_join_the_single_trees() -> None:
    bent = shapely.MultiLineString([[(0, 0), (10, 0), (10, 10)], [(50, 0), (58, 0)]])
    rows = green.tidy_tree_rows(frame([bent, line((0, 90), (24, 90))], name=["樟", "柳"]))
    single = TIDIED["trees"]
    trees = green.all_trees(single, rows)
    assert trees["name"].value_counts().to_dict() == {"樟": 5, "柳": 4, "银杏": 1, "": 1}
    assert trees.geometry.iloc[len(single):].tolist()[2] == shapely.Point(10, 6)
    assert green.all_trees(single, green.TREE_ROWS.empty(EPSG)).equals(single)


@given(st.lists(st.floats(0.2, 50), min_size=1, max_size=20))
def test_crowns_have_the_area_of_their_circle(diameters: list[float]) -> None:
    trees = frame(list(shapely.points(np.arange(len(diameters)) * 100.0, 0.0)), crown=diameters)
    circle = np.pi * np.square(diameters) / 4
    np.testing.assert_allclose(green.crowns(trees).area, circle, rtol=1e-9)
    np.testing.assert_allclose(green.crown_area(trees), circle, rtol=1e-12)


# Water, squares, corridors


@pytest.mark.parametrize(("tags", "kind", "width"), [
    ({"waterway": "river"}, "river", 20.0), ({"waterway": "canal"}, "canal", 10.0),
    ({"waterway": "stream"}, "stream", 2.0), ({"waterway": "ditch"}, "other", 3.0),
    ({"waterway": "canal", "width": "12 m"}, "canal", 12.0),
    ({"waterway": "canal", "width": "0"}, "canal", 10.0),
    ({"waterway": "canal", "width": "wide"}, "canal", 10.0),
])
def test_a_line_of_water_is_given_its_width(tags: dict[str, str], kind: str,
                                            width: float) -> None:
    done = water.tidy(frame([line((0, 0), (100, 0))], **{k: [v] for k, v in tags.items()}))
    assert done["class"].tolist() == [kind]
    assert done.area.tolist() == pytest.approx([100 * width])
    assert faults(done, water.SPEC) == []


def test_a_river_drawn_twice_counts_once() -> None:
    raw = frame([box(0, -15, 100, 15), line((0, 0), (130, 0))], natural=["water", None],
                waterway=[None, "river"], name=["长江", None])
    done = water.tidy(raw)
    assert done.area.sum() == pytest.approx(100 * 30 + 30 * 20)
    assert done["name"].tolist() == ["长江"]


@pytest.mark.parametrize(("tags", "kind"), [
    ({"natural": "water", "water": "oxbow"}, "lake"), ({"waterway": "riverbank"}, "river"),
    ({"landuse": "reservoir"}, "reservoir"), ({"natural": "bay"}, "sea"),
    ({"natural": "water"}, "other"), ({"class": "pond"}, "pond"), ({"name": "?"}, "other")])
def test_kinds_of_water(tags: dict[str, str], kind: str) -> None:
    done = water.tidy(frame([box(0, 0, 9, 9)], **{k: [v] for k, v in tags.items()}))
    assert done["class"].tolist() == [kind]


def test_a_square_is_a_surface() -> None:
    assert TIDIED["squares"]["name"].tolist() == ["广场"]


def test_a_corridor_takes_its_width_or_the_least_of_its_level() -> None:
    plan = corridors.tidy(frame(
        [line((0, 0), (0, 1000))] * 3 + [box(0, 0, 70, 1000)], level=[1, 2, None, 1],
        width=[None, None, 40.0, 999.0]))
    assert plan["level"].tolist() == [1, 2, 2, 1]
    assert corridors.ground(plan).area.tolist() == pytest.approx(
        [500e3, 80e3, 40e3, 70e3])  # least widths of QX/T 437-2018: 500 m and 80 m


# Mending, faults, place


def test_mending_counts_what_it_did_and_keeps_the_surface() -> None:
    bow = shapely.Polygon([(0, 0), (10, 10), (10, 0), (0, 10)])
    raised = shapely.force_3d(box(20, 0, 30, 10), 5.0)
    raw = frame([bow, raised, None, shapely.Polygon(), shapely.Point(0, 0),
                 shapely.Polygon([(0, 0), (np.inf, 0), (1, 1)])], id=list("abcdef"))
    done, counts = mend(raw, 2)
    assert done["id"].tolist() == ["a", "b"]
    assert counts == {"mended": 1, "dropped": 4}
    assert done.area.tolist() == pytest.approx([50.0, 100.0])
    assert not done.has_z.any()
    assert done.is_valid.all()


def test_all_faults_of_a_layer_are_found_at_once() -> None:
    good = TIDIED["buildings"]
    bad = good.assign(height=[0.1, np.nan], use=["castle", "office"],
                      geometry=[shapely.Point(0, 0),
                                shapely.Polygon([(0, 0), (9, 9), (9, 0), (0, 9)])])
    found = [str(f) for f in faults(bad.drop(columns="year"), buildings.SPEC)]
    words = "\n".join(found)
    for part in ("got point", "crosses itself", "height is 0.1 m, expected at least 0.5 m",
                 "height has no value", "use is 'castle', expected one of residential",
                 "column 'year' is missing"):
        assert part in words
    assert len(found) == 6


def test_a_layer_in_degrees_is_a_fault() -> None:
    found = [str(f) for f in faults(TIDIED["trees"].to_crs(4326), green.TREES)]
    assert len(found) == 1
    assert "expected a projected CRS in metres" in found[0]


@pytest.mark.parametrize(("lon", "lat", "country", "region"), [
    (114.30, 30.59, "CN", "Hubei"), (-1.55, 47.22, "FR", "Pays de la Loire"),
    (24.94, 60.17, "FI", "Uusimaa"), (121.47, 31.23, "CN", "Shanghai")])
def test_the_nearest_town_tells_the_country(lon: float, lat: float, country: str,
                                            region: str) -> None:
    place = locate(lon, lat)
    assert (place.country, place.region, place.found_by) == (country, region, "nearest town")
    assert str(place) == f"{region}, {country} (by nearest town)"


def test_every_layer_of_the_samples_meets_its_specification(toy: City, nantes: City) -> None:
    for city in (toy, nantes):
        for name, table in city.frames.items():
            assert faults(table, LAYERS[name]) == [], name
            assert table.columns.tolist() == [*LAYERS[name].names, "geometry"], name
    assert squares.SPEC is LAYERS["squares"]


# Roofs as people tell them


@pytest.mark.parametrize(("told", "degrees"), [
    ("N", 0.0), ("nne", 22.5), ("NE", 45.0), ("E", 90.0), ("ESE", 112.5), ("S", 180.0),
    ("sw", 225.0), ("NNW", 337.5), ("north", 0.0), ("North-East", 45.0), ("south_west", 225.0),
    ("east north east", 67.5), ("180", 180.0), ("180°", 180.0), ("92.5 deg", 92.5), ("360", 0.0),
    ("-90", 270.0), (270.0, 270.0), ("南", 180.0), ("东北", 45.0), ("朝东南", 135.0),
    ("正西", 270.0), ("90度", 90.0),
    ("", np.nan), ("across", np.nan), ("400", np.nan), ("N;S", np.nan), ("10-20", np.nan),
    ("<b>", np.nan)])
def test_a_direction_is_degrees_clockwise_from_north(told: object, degrees: float) -> None:
    np.testing.assert_equal(parse_direction(told), degrees)


@pytest.mark.parametrize(("told", "degrees"), [
    ("30", 30.0), ("30°", 30.0), ("32,5 Deg", 32.5), ("30-40", 35.0), (25, 25.0), ("35度", 35.0),
    ("steep", np.nan), ("20%", np.nan), ("", np.nan)])
def test_a_slope_is_read_from_what_people_write(told: object, degrees: float) -> None:
    np.testing.assert_equal(parse_angle(told), degrees)


def test_roof_tags_become_numbers_and_what_cannot_be_is_counted() -> None:
    raw = frame([box(20 * i, 0, 20 * i + 9, 9) for i in range(6)], building="yes", height="9 m",
                **{"roof:shape": ["gabled", "skillion", "flat", "Half-hipped", "双坡", "歇山"],
                   "roof:height": ["2.5 m", "10'", None, "-3", "600", None],
                   "roof:angle": ["30", "95", "", "steep", None, None],
                   "roof:direction": ["NNE", "400", None, "180°", "upwards", "朝南"],
                   "roof:orientation": ["across", "Along", None, "aslant", None, None],
                   "roof:levels": ["1", None, "1", "2", "1", "2"]})
    done = buildings.tidy(raw)
    assert done["roof_shape"].tolist() == ["gabled", "skillion", "flat", "hipped", "gabled",
                                           "hipped"]
    # A storey in the roof is 2.5 m, used where neither height nor slope is told; flat roofs have
    # none.
    np.testing.assert_allclose(done["roof_height"], [2.5, 3.048, np.nan, 5.0, 2.5, 5.0])
    np.testing.assert_equal(done["roof_angle"].to_numpy(), [30.0] + [np.nan] * 5)
    np.testing.assert_equal(done["roof_direction"].to_numpy(),
                            [22.5, np.nan, np.nan, 180.0, np.nan, 180.0])
    assert done["roof_orientation"].tolist() == ["across", "along", "", "", "", ""]
    assert faults(done, buildings.SPEC) == []
    assert dict(+roof_doubts(raw, done)) == {
        "roof heights that cannot be right, left out": 2,
        "roof angles that cannot be right, left out": 2,
        "roof directions that cannot be right, left out": 2,
        "roof orientations that cannot be right, left out": 1,
        "roof heights made from the storeys in the roof": 3}


def test_roof_columns_under_our_own_names_are_taken_too() -> None:
    raw = frame([box(0, 0, 9, 9), box(20, 0, 29, 9)], roof_shape=["gabled", None],
                roof_height=[2.0, np.nan], roof_angle=[np.nan, 20.0],
                roof_direction=[np.nan, "SSE"], roof_orientation=["along", None])
    done = buildings.tidy(raw)
    np.testing.assert_equal(done["roof_height"].to_numpy(), [2.0, np.nan])
    np.testing.assert_equal(done["roof_angle"].to_numpy(), [np.nan, 20.0])
    np.testing.assert_equal(done["roof_direction"].to_numpy(), [np.nan, 157.5])
    assert not +roof_doubts(raw, done)
    again = buildings.tidy(done).filter(like="roof_")
    pd.testing.assert_frame_equal(again, pd.DataFrame(done).filter(like="roof_"))


def test_a_roof_value_beyond_its_limits_is_a_fault() -> None:
    bad = TIDIED["buildings"].assign(roof_angle=[91.0, 30.0], roof_direction=[0.0, -1.0],
                                     roof_orientation=["", "up"])
    words = "\n".join(str(f) for f in faults(bad, buildings.SPEC))
    for part in ("roof_angle is 91 degree, expected at most 90 degree",
                 "roof_direction is -1 degree, expected at least 0 degree",
                 "roof_orientation is 'up', expected one of along, across"):
        assert part in words


def test_roof_tags_of_openstreetmap_reach_the_city_and_bad_ones_are_named() -> None:
    from layers.osm_features import city_from_features

    raw = frame([box(0, 0, 20, 10), box(40, 0, 60, 10)], building="yes",
                **{"roof:shape": ["skillion", "gabled"], "roof:direction": ["E", "sideways"],
                   "roof:angle": ["15", None]}).to_crs(4326).assign(element="way", id=[1, 2])
    city = city_from_features(raw, box(*raw.total_bounds), country="CN", layers=["buildings"])
    built = city.frame("buildings")
    assert built["roof_direction"].fillna(-1).tolist() == [90.0, -1.0]
    assert built["roof_angle"].fillna(-1).tolist() == [15.0, -1.0]
    assert ("roof directions that cannot be right, left out", 1) in city.fallbacks
