"""Roofs of 3D models: planes with the right slope, aspect and area, bound to their buildings."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from pyproj import CRS, Transformer

import layers
import scenarios as sc
from layers.checking import city_faults
from layers.errors import LayerError, SourceError
from layers.place import Place
from layers.roofs import SPEC, area_vectors, tidy
from layers.spec import faults
from twin.factors import load
from twin.pool import Picker
from twin.roofs import roof_planes

MODELS = Path(__file__).resolve().parents[2] / "shared" / "data" / "citymodels"
WEST, SOUTH, GROUND = 520_000.0, 3_380_000.0, 20.0
TILT = np.degrees(np.arctan(0.75))  # 3.75 m over 5 m

# A house of 20 m by 10 m, eaves at 6 m, ridge at 9.75 m along its long middle [m].
CORNERS = [(0, 0, 0), (20, 0, 0), (20, 10, 0), (0, 10, 0), (0, 0, 6), (20, 0, 6), (20, 10, 6),
           (0, 10, 6), (0, 5, 9.75), (20, 5, 9.75)]
FACES = {"GroundSurface": [[0, 3, 2, 1]],
         "RoofSurface": [[4, 5, 9, 8], [6, 7, 8, 9]],
         "WallSurface": [[0, 1, 5, 4], [1, 2, 6, 9, 5], [2, 3, 7, 6], [3, 0, 4, 8, 7]]}


def turned(corners: list[tuple[float, ...]]) -> list[tuple[float, ...]]:
    """Turn anticlockwise by the angle of a 3-4-5 triangle, 36.87 degrees, in whole millimetres."""
    return [(0.8 * x - 0.6 * y, 0.6 * x + 0.8 * y, z) for x, y, z in corners]


def house(kind: str = "MultiSurface", lod: str = "2.2",
          faces: dict[str, list[list[int]]] = FACES) -> dict[str, Any]:
    """Return the geometry of the house, its surfaces marked."""
    names = list(faces)
    rings = [[ring] for shape in faces.values() for ring in shape]
    marks: list[Any] = [names.index(n) for n, shape in faces.items() for _ in shape]
    deep = kind == "Solid"
    return {"type": kind, "lod": lod, "boundaries": [rings] if deep else rings,
            "semantics": {"surfaces": [{"type": n} for n in names],
                          "values": [marks] if deep else marks}}


def model(objects: dict[str, Any], corners: list[tuple[float, ...]],
          epsg: int | None = 32650, at: tuple[float, ...] = (WEST, SOUTH, GROUND),
          scale: float = 0.001) -> dict[str, Any]:
    """Return CityJSON 2.0 with vertices in whole millimetres."""
    return {"type": "CityJSON", "version": "2.0",
            "metadata": {"referenceSystem": f"https://www.opengis.net/def/crs/EPSG/0/{epsg}"}
            if epsg else {},
            "transform": {"scale": [scale] * 3, "translate": list(at)}, "CityObjects": objects,
            "vertices": [[round(v / scale) for v in corner] for corner in corners]}


def save(folder: Path, content: dict[str, Any], name: str = "楼.city.json") -> Path:
    file = folder / name
    file.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
    return file


def one(folder: Path, geometry: dict[str, Any] | None = None,
        corners: list[tuple[float, ...]] | None = None, **more: Any) -> layers.City:
    """Return the city of one house."""
    thing = {"type": "Building", "geometry": [geometry or house()],
             "attributes": {"function": "住宅", "storeysAboveGround": 2}}
    return layers.read(save(folder, model({"栋-1": thing}, corners or turned(CORNERS), **more)),
                       country="CN")


def planes_of(city: layers.City, **given: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return the roof planes as an indicator asks for them."""
    built = given.get("buildings", city.frame("buildings"))
    return roof_planes(built, Picker(load(), Place("CN", "Hubei")), surfaces=city.frame("roofs"))


# ---- what a model says


@pytest.mark.parametrize("kind", ["MultiSurface", "Solid"])
def test_a_gabled_house_has_two_planes_of_known_slope_aspect_and_area(kind: str,
                                                                      tmp_path: Path) -> None:
    city = one(tmp_path, house(kind))
    built, roofs = city.frame("buildings"), city.frame("roofs")
    assert faults(roofs, SPEC) == []
    assert roofs["building"].tolist() == ["栋-1", "栋-1"] == [*built["id"], *built["id"]]
    assert roofs["slope"].to_list() == pytest.approx([TILT, TILT], abs=1e-6)
    # South and north, turned anticlockwise by atan(3/4).
    turn = np.degrees(np.arctan(0.75))
    assert roofs["aspect"].to_list() == pytest.approx([180 - turn, 360 - turn], abs=1e-6)
    assert roofs.area.to_list() == pytest.approx([100, 100], abs=1e-6)
    assert roofs.area.sum() == pytest.approx(built.area.sum(), abs=1e-6)
    assert roofs["z"].to_list() == pytest.approx([GROUND + 7.875] * 2, abs=1e-6)
    assert set(roofs["building_height"]) == {9.75} == set(built["height"])
    assert roofs["building_area"].to_list() == pytest.approx([200, 200], abs=1e-6)
    planes = planes_of(city)
    assert planes["source"].tolist() == ["modelled", "modelled"]
    assert planes["area"].to_list() == pytest.approx([125, 125], abs=1e-6)  # 20 m by 6.25 m
    assert planes["aspect"].to_list() == pytest.approx([180 - turn, 360 - turn], abs=1e-6)
    assert planes["plan"].sum() == pytest.approx(200, abs=1e-6)


def test_the_plane_and_its_middle_give_back_every_corner(tmp_path: Path) -> None:
    corners = turned(CORNERS)
    roofs = one(tmp_path, corners=corners).frame("roofs")
    for row, numbers in zip(roofs.itertuples(), FACES["RoofSurface"], strict=True):
        centre = row.geometry.centroid
        down = np.deg2rad(row.aspect)
        for x, y, z in (corners[n] for n in numbers):
            along = (WEST + x - centre.x) * np.sin(down) + (SOUTH + y - centre.y) * np.cos(down)
            assert row.z - along * np.tan(np.deg2rad(row.slope)) == pytest.approx(GROUND + z,
                                                                                  abs=1e-6)


def test_roofs_survive_the_city_file(tmp_path: Path) -> None:
    city = one(tmp_path)
    again = layers.read(layers.write(city, tmp_path / "城.gpkg"))
    pd.testing.assert_frame_equal(pd.DataFrame(again.frame("roofs").drop(columns="geometry")),
                                  pd.DataFrame(city.frame("roofs").drop(columns="geometry")))
    assert shapely.equals_exact(again.frame("roofs").geometry.values,
                                city.frame("roofs").geometry.values, 1e-9).all()
    assert city_faults(again) == []
    assert "roofs: 2 features" in repr(again)
    assert planes_of(again)["area"].to_list() == pytest.approx([125, 125], abs=1e-6)
    bad = city.frame("roofs").assign(slope=[95.0, np.nan], aspect=[400.0, 0.0])
    words = "\n".join(str(f) for f in faults(bad, SPEC))
    for part in ("slope is 95 degree, expected at most 90", "slope has no value",
                 "aspect is 400 degree"):
        assert part in words


def test_triangles_of_one_plane_are_joined(tmp_path: Path) -> None:
    split = {**FACES, "RoofSurface": [[4, 5, 9], [4, 9, 8], [6, 7, 8], [6, 8, 9]]}
    planes = planes_of(one(tmp_path, house(faces=split)))
    assert planes["area"].to_list() == pytest.approx([125, 125], abs=1e-6)
    assert planes["largest"].to_list() == pytest.approx([100, 100], abs=1e-6)
    assert planes["slope"].to_list() == pytest.approx([TILT, TILT], abs=1e-6)
    assert {g.geom_type for g in planes.geometry} == {"Polygon"}


def test_two_floors_of_one_height_apart_in_level_stay_two_planes(tmp_path: Path) -> None:
    corners = [(0, 0, 0), (20, 0, 0), (20, 10, 0), (0, 10, 0), (0, 0, 6), (10, 0, 6), (10, 10, 6),
               (0, 10, 6), (10, 0, 9), (20, 0, 9), (20, 10, 9), (10, 10, 9)]
    faces = {"GroundSurface": [[0, 3, 2, 1]], "RoofSurface": [[4, 5, 6, 7], [8, 9, 10, 11]]}
    roofs = one(tmp_path, house(faces=faces), corners).frame("roofs")
    assert roofs["z"].to_list() == [26.0, 29.0]
    assert roofs["slope"].to_list() == roofs["aspect"].to_list() == [0.0, 0.0]


def test_a_courtyard_stays_open_in_footprint_and_roof(tmp_path: Path) -> None:
    square = [(0, 0), (30, 0), (30, 30), (0, 30)]
    yard = [(10, 10), (20, 10), (20, 20), (10, 20)]
    corners = [(x, y, z) for z in (0.0, 9.0) for x, y in (*square, *yard)]
    for hole in ([12, 13, 14, 15], [15, 14, 13, 12]):  # whichever way the hole is drawn
        geometry = {"type": "MultiSurface", "lod": 2, "semantics": {
            "surfaces": [{"type": "GroundSurface"}, {"type": "RoofSurface"}], "values": [0, 1]},
            "boundaries": [[[3, 2, 1, 0], [4, 5, 6, 7]], [[8, 9, 10, 11], hole]]}
        city = one(tmp_path, geometry, corners)
        assert city.frame("buildings").area.sum() == pytest.approx(800)
        planes = planes_of(city)
        assert planes["area"].to_list() == pytest.approx([800])
        assert city.frame("buildings")["roof_shape"].tolist() == ["flat"]


def test_area_vectors_are_those_of_newell() -> None:
    rng = np.random.default_rng(2)
    corner = rng.normal(0, 10, (50, 3, 3))
    triangles = shapely.polygons(corner + np.array([5e5, 4e6, 100.0]))
    exact = np.cross(corner[:, 1] - corner[:, 0], corner[:, 2] - corner[:, 0]) / 2
    np.testing.assert_allclose(area_vectors(triangles), exact, rtol=1e-6, atol=1e-6)


def test_a_soffit_is_no_roof_and_a_roof_drawn_upside_down_is_one() -> None:
    top = shapely.Polygon([(0, 0, 6), (20, 0, 6), (20, 5, 9.75), (0, 5, 9.75)])
    under = shapely.Polygon([(0, 5, 9.5), (20, 5, 9.5), (20, 0, 5.75), (0, 0, 5.75)])
    for shapes, count in (([top, under], 1), ([under], 1), ([top], 1)):
        raw = gpd.GeoDataFrame({"building": "a"}, geometry=shapes, index=range(len(shapes)),
                               crs=32650)
        done = tidy(raw)
        assert len(done) == count
        assert done["slope"].iloc[0] == pytest.approx(TILT)
        assert done["aspect"].iloc[0] == pytest.approx(180)


def test_unmarked_surfaces_and_blocks_of_level_one_bring_no_roofs(tmp_path: Path) -> None:
    bare = {k: v for k, v in house().items() if k != "semantics"}
    for geometry in (bare, house(lod="1.3")):
        city = one(tmp_path, geometry)
        assert "roofs" not in city or city.frame("roofs").empty
        assert city.frame("buildings").area.sum() == pytest.approx(200)
        assert city.frame("buildings")["roof_shape"].tolist() == [""]


def test_shells_without_marks_are_passed_over(tmp_path: Path) -> None:
    solid = house("Solid")
    solid["semantics"]["values"] = [None]
    assert "roofs" not in one(tmp_path, solid)
    solid["semantics"]["values"] = [[None, 1, 99, None, None, None, None]]
    roofs = one(tmp_path, solid).frame("roofs")
    assert len(roofs) == 1
    assert roofs["slope"].to_list() == pytest.approx([TILT])


def test_the_finest_level_that_marks_its_roofs_is_taken(tmp_path: Path) -> None:
    bare = {k: v for k, v in house("Solid").items() if k != "semantics"}
    thing = {"type": "Building", "geometry": [bare, house(), house(lod="1.2")]}
    city = layers.read(save(tmp_path, model({"a": thing}, CORNERS)), country="CN")
    assert len(city.frame("roofs")) == 2


def test_what_planes_tell_fills_the_shape_of_the_roof(tmp_path: Path) -> None:
    assert one(tmp_path).frame("buildings")["roof_shape"].tolist() == ["other"]
    thing = {"type": "Building", "geometry": [house()], "attributes": {"roof_shape": "gabled"}}
    city = layers.read(save(tmp_path, model({"a": thing}, CORNERS)), country="CN")
    assert city.frame("buildings")["roof_shape"].tolist() == ["gabled"]


# ---- how models are put together


def test_an_outline_gives_its_place_to_its_parts(tmp_path: Path) -> None:
    outline = {"type": "MultiSurface", "lod": "0", "boundaries": [[[0, 1, 2, 3]]]}
    objects = {
        "NL.1": {"type": "Building", "geometry": [outline], "children": ["NL.1-0"],
                 "attributes": {"oorspronkelijkbouwjaar": 1980, "dwellings": 6}},
        "NL.1-0": {"type": "BuildingPart", "geometry": [house()], "parents": ["NL.1"]}}
    city = layers.read(save(tmp_path, model(objects, CORNERS)), country="NL")
    built = city.frame("buildings")
    assert built["id"].tolist() == ["NL.1"]
    assert (built["year"].iloc[0], built["dwellings"].iloc[0]) == (1980, 6)
    assert built["height"].iloc[0] == pytest.approx(9.75)
    assert len(planes_of(city)) == 2
    apart = [(x + 40, y, z) for x, y, z in CORNERS]
    second = json.loads(json.dumps(house()))
    second["boundaries"] = [[[n + 10 for n in ring] for ring in face]
                            for face in second["boundaries"]]
    objects["NL.1"]["children"] = ["NL.1-0", "NL.1-1"]
    objects["NL.1-1"] = {"type": "BuildingPart", "geometry": [second], "parents": ["NL.1"]}
    city = layers.read(save(tmp_path, model(objects, [*CORNERS, *apart])), country="NL")
    built = city.frame("buildings")
    assert built["id"].tolist() == ["NL.1-0", "NL.1-1"]
    assert built["year"].tolist() == [1980, 1980]
    assert built["dwellings"].isna().all()  # six homes of the whole, not of each part
    assert len(planes_of(city)) == 4


def test_a_text_sequence_is_read_like_a_file(tmp_path: Path) -> None:
    head = model({}, [])
    lines = [head]
    for number, shift in enumerate((0, 40)):
        corners = [(x + shift, y, z) for x, y, z in CORNERS]
        part = model({f"楼{number}": {"type": "Building", "geometry": [house()]}}, corners)
        lines.append({"type": "CityJSONFeature", "id": f"楼{number}",
                      "CityObjects": part["CityObjects"], "vertices": part["vertices"]})
    file = tmp_path / "城.city.jsonl"
    file.write_text("\n".join(json.dumps(x, ensure_ascii=False) for x in lines), encoding="utf-8")
    city = layers.read(file, country="CN")
    assert city.frame("buildings")["id"].tolist() == ["楼0", "楼1"]
    assert city.frame("buildings").geometry.centroid.x.to_list() == [WEST + 10, WEST + 50]
    assert planes_of(city)["area"].to_list() == pytest.approx([125] * 4)
    # A feature must not reach into the vertices of the next one.
    lines[1]["CityObjects"]["楼0"]["geometry"][0]["boundaries"][0] = [[0, 3, 12]]
    file.write_text("\n".join(json.dumps(x) for x in lines), encoding="utf-8")
    with pytest.raises(SourceError, match="vertices that do not exist"):
        layers.read(file, country="CN")
    file.write_text(json.dumps(head) + '\n{"type": "CityJSONFeature"', encoding="utf-8")
    with pytest.raises(SourceError, match="no readable CityJSON"):
        layers.read(file, country="CN")


@pytest.mark.parametrize(("epsg", "lon", "lat", "unit"), [
    (3857, 10.9, 51.8, 1.0),           # metres that are 1.6 times too long
    (2263, -73.98, 40.75, 1200 / 3937),  # US survey feet, heights too
    (32650, 114.3, 30.6, 1.0)])
def test_slopes_are_true_in_any_crs(epsg: int, lon: float, lat: float, unit: float,
                                    tmp_path: Path) -> None:
    utm = CRS.from_epsg(32600 + int((lon + 180) // 6) + 1)
    x, y = Transformer.from_crs(4326, utm, always_xy=True).transform(lon, lat)
    there = Transformer.from_crs(utm, epsg, always_xy=True)
    corners = [(*there.transform(x + a, y + b), c / unit) for a, b, c in CORNERS]
    base = (*corners[0][:2], GROUND / unit)
    flat = [(a - base[0], b - base[1], c) for a, b, c in corners]
    city = one(tmp_path, corners=flat, epsg=epsg, at=base, scale=1e-5)
    assert city.frame("buildings")["height"].to_list() == pytest.approx([9.75], abs=1e-3)
    assert city.frame("buildings")["ground_z"].to_list() == pytest.approx([GROUND], abs=1e-3)
    roofs = city.frame("roofs")
    assert roofs["slope"].to_list() == pytest.approx([TILT, TILT], abs=0.02)
    off = (roofs["aspect"].to_numpy() - [180, 0] + 180) % 360 - 180
    assert np.abs(off).max() < 0.02
    assert roofs["z"].to_list() == pytest.approx([GROUND + 7.875] * 2, abs=1e-3)
    assert roofs["building_area"].to_list() == pytest.approx([roofs.area.sum()] * 2, rel=1e-6)


# ---- roofs of a file of their own


def own(folder: Path, **columns: Any) -> Callable[[Any], layers.City]:
    """Return a reader of one block and a file of roofs."""
    block = gpd.GeoDataFrame({"id": ["栋"], "height": [9.75]},
                             geometry=[shapely.box(WEST, SOUTH, WEST + 20, SOUTH + 10)], crs=32650)
    block.to_file(folder / "b.gpkg")

    def reader(shapes: Any) -> layers.City:
        gpd.GeoDataFrame(columns, geometry=shapes, crs=32650).to_file(folder / "r.gpkg")
        return layers.read(buildings=folder / "b.gpkg", roofs=folder / "r.gpkg", country="CN")

    return reader


def test_roofs_are_read_from_polygons_in_space_or_with_slopes(tmp_path: Path) -> None:
    solid = [shapely.Polygon([(WEST + x, SOUTH + y, z) for x, y, z in (CORNERS[n] for n in ring)])
             for ring in FACES["RoofSurface"]]
    city = own(tmp_path, building=["栋", "栋"])(solid)
    assert city.frame("roofs")["slope"].to_list() == pytest.approx([TILT, TILT])
    assert city.frame("roofs")["z"].to_list() == pytest.approx([7.875] * 2)
    halves = [shapely.box(WEST, SOUTH + a, WEST + 20, SOUTH + a + 5) for a in (0, 5)]
    read = own(tmp_path, building=["栋", "栋"], slope=[30.0, 30.0], aspect=[180.0, 0.0])
    planes = planes_of(read(halves))
    assert planes["area"].to_list() == pytest.approx([100 / np.cos(np.pi / 6)] * 2)
    assert planes["source"].tolist() == ["modelled"] * 2


def test_roofs_of_other_buildings_are_counted_and_left_out(tmp_path: Path) -> None:
    read = own(tmp_path, building=["栋", "其他"], slope=[0.0, 0.0], aspect=[0.0, 0.0])
    city = read([shapely.box(WEST, SOUTH, WEST + 20, SOUTH + 10)] * 2)
    assert city.frame("roofs")["building"].tolist() == ["栋"]
    assert ("roofs: of no building here, left out", 1) in city.fallbacks


@pytest.mark.parametrize(("columns", "words"), [
    ({"slope": [30.0], "aspect": [0.0]}, "r.gpkg: .*column 'building' is missing"),
    ({"building": ["栋"], "aspect": [0.0]}, "r.gpkg: layer 'roofs', row 0: slope has no value"),
    ({"building": ["栋"], "slope": [95.0], "aspect": [0.0]}, "slope is 95 degree, expected at mo"),
    ({"building": ["栋"], "slope": ["steep"], "aspect": [0.0]},
     "r.gpkg: layer 'roofs', row 0: slope is 'steep', expected a number in degree"),
])
def test_a_bad_roof_is_named(columns: dict[str, Any], words: str, tmp_path: Path) -> None:
    with pytest.raises(LayerError, match=words):
        own(tmp_path, **columns)([shapely.box(WEST, SOUTH, WEST + 20, SOUTH + 10)])


# ---- edits


def test_edits_take_roofs_with_their_buildings(tmp_path: Path) -> None:
    corners = [*CORNERS, *((x + 40, y, z) for x, y, z in CORNERS)]
    second = json.loads(json.dumps(house()))
    second["boundaries"] = [[[n + 10 for n in ring] for ring in face]
                            for face in second["boundaries"]]
    objects = {"甲": {"type": "Building", "geometry": [house()]},
               "乙": {"type": "Building", "geometry": [second]}}
    city = layers.read(save(tmp_path, model(objects, corners)), country="CN")
    assert planes_of(city)["source"].tolist() == ["modelled"] * 4

    gone = sc.RemoveBuildings(ids=["甲"])(city)
    assert len(gone.frame("roofs")) == 4  # what it was is not forgotten
    assert planes_of(gone)["building"].tolist() == [0, 0]
    assert planes_of(gone).geometry.centroid.x.min() > WEST + 40

    lower = sc.CapHeights(height=8.0)(city)
    assert planes_of(lower)["source"].tolist() == ["flat-assumed"] * 2

    north = sc.OpenCorridor(path=[(WEST - 5, SOUTH + 8.5), (WEST + 25, SOUTH + 8.5)], width=3)(city)
    planes = planes_of(north)
    assert planes["source"].tolist() == ["modelled"] * 4
    # Of the north side of the first house, 5 m deep, 3 m have gone.
    assert planes["plan"].to_list() == pytest.approx([100, 40, 100, 100])
    sums = planes["plan"].groupby(planes["building"]).sum()
    assert sums.to_numpy() == pytest.approx(north.frame("buildings").area.to_numpy())


# ---- real models


def real(name: str, **more: Any) -> tuple[layers.City, dict[str, Any]]:
    """Return a stored city model and the attributes of its objects, or skip where it is not."""
    file = MODELS / name
    if not file.is_file():
        pytest.skip(f"the stored city model {name} is not here")
    told: dict[str, Any] = {}
    with file.open(encoding="utf-8") as lines:
        for line in lines:
            told |= {k: v.get("attributes", {}) for k, v in json.loads(line)["CityObjects"].items()}
    return layers.read(file, **more), told


def test_roofs_of_delft_cover_their_buildings_and_slope_where_the_register_says() -> None:
    begun = time.process_time()
    city, told = real("delft_3dbag_901.city.jsonl")
    assert time.process_time() - begun < 20  # 52 buildings, 0.3 s once all is loaded
    built, roofs = city.frame("buildings"), city.frame("roofs")
    assert len(built) == 52
    assert set(built["id"]) <= set(told)  # the numbers of the register, not of the parts
    area = roofs.area.groupby(roofs["building"]).sum().reindex(built["id"]).to_numpy()
    assert area == pytest.approx(built.area.to_numpy(), rel=1e-6)
    sloped = (roofs.area * (roofs["slope"] >= 10)).groupby(roofs["building"]).sum().reindex(
        built["id"]).to_numpy() / area
    kind = np.array([told[i]["dak_type"] for i in built["id"]])
    assert (sloped[kind != "slanted"] == 0).all()
    assert (sloped[kind == "slanted"] > 0.5).all()
    planes = planes_of(city)
    assert set(planes["source"]) == {"modelled"}
    sums = planes["plan"].groupby(planes["building"]).sum().to_numpy()
    assert sums == pytest.approx(built.area.to_numpy(), rel=1e-6)
    assert city_faults(city) == []


def test_roofs_of_vienna_are_of_the_type_their_survey_says() -> None:
    city, told = real("vienna_lod2.city.jsonl", crs="EPSG:31256", country="AT")
    built, roofs = city.frame("buildings"), city.frame("roofs")
    area = roofs.area.groupby(roofs["building"]).sum().reindex(built["id"]).to_numpy()
    assert area == pytest.approx(built.area.to_numpy(), rel=1e-4)
    sloped = (roofs.area * (roofs["slope"] >= 10)).groupby(roofs["building"]).sum().reindex(
        built["id"]).to_numpy() / area
    kind = np.array([told.get(i, {}).get("roofType", "") for i in built["id"]])
    flat, gable = sloped[kind == "FLACHDACH"], sloped[kind == "SATTELDACH"]
    assert (len(flat), len(gable)) == (270, 120)
    # A flat roof may carry a sloping head house, a gable a terrace.
    assert np.quantile(flat, 0.9) < 0.01
    assert np.quantile(gable, 0.1) > 0.6
    measured = [told[i]["measuredHeight"] for i in built["id"]]
    assert built["height"].to_list() == pytest.approx(measured, abs=0.01)
