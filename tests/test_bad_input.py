"""Bad and nasty inputs through the command line: one clear line, or a correct result."""

import errno
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import pytest
import rasterio
import shapely
from rasterio.transform import from_origin

import layers
import scenarios
import twin
from twin.cli import main

X0, Y0 = 500_000.0, 3_380_000.0  # south-west corner of the toy town [m, EPSG:32650]
SCRIPT = "<script>alert('城')</script>"
EDIT = "edits:\n  - GreenRoofs: {share: 0.3}\n"
OLD = b"what was there before"


# What the tests share

@dataclass(frozen=True)
class Told:
    """What a call of the command line said."""

    code: Any
    out: str
    err: str


def tree(folder: Path) -> dict[str, bytes | None]:
    """Every file below a folder with its bytes, and every folder."""
    return {p.relative_to(folder).as_posix(): p.read_bytes() if p.is_file() else None
            for p in folder.rglob("*")}


def clean(text: str, *folders: Path) -> str:
    """The text without the names of temporary folders, which hold the names of the tests."""
    for folder in folders:
        text = text.replace(str(folder), "~")
    return text


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Callable[..., Told]:
    """Run the command line in this process."""

    def run(*words: object) -> Told:
        capsys.readouterr()
        try:
            code: Any = main([str(w) for w in words])
        except SystemExit as stop:
            code = stop.code
        said = capsys.readouterr()
        return Told(code, clean(said.out, tmp_path), clean(said.err, tmp_path))

    return run


@pytest.fixture
def refused(call: Callable[..., Told], tmp_path: Path) -> Callable[..., Told]:
    """Run the command line, expect one clear line, and nothing written or changed."""

    def run(words: list[object], *expected: str, code: int = 1) -> Told:
        before = tree(tmp_path)
        told = call(*words)
        assert told.code == code, told
        check_line(told, code)
        for word in expected:
            assert word in told.err
        assert tree(tmp_path) == before, "something was written or changed"
        return told

    return run


def check_line(told: Told, code: int) -> None:
    """One line that is ours, or argparse's usage; no traceback and no fault of ours."""
    assert "Traceback" not in told.err
    assert "unexpected" not in told.err
    lines = told.err.strip().splitlines()
    if code == 2 and lines[0].startswith("usage: "):
        assert lines[-1].startswith("citytwin")
        assert "error: " in lines[-1]
    else:
        assert len(lines) == 1, told.err
        assert lines[0].startswith("citytwin: ")


@pytest.fixture
def imported(call: Callable[..., Told], tmp_path: Path) -> Callable[..., tuple[layers.City, Told]]:
    """Import files that are merely unusual, and read the city back."""

    def run(*words: object) -> tuple[layers.City, Told]:
        out = tmp_path / "out.gpkg"
        told = call("import", "-q", out, *words)
        assert told.code == 0, told
        assert told.err == ""
        assert not list(tmp_path.rglob(".*")), "a temporary file was left"
        return layers.read(out), told

    return run


@pytest.fixture(scope="session")
def town() -> layers.City:
    """A toy town of four blocks: 12 buildings, 160 x 160 m."""
    return layers.toy_town(seed=1, blocks=(2, 2))


@pytest.fixture(scope="session")
def town_file(town: layers.City, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return layers.write(town, tmp_path_factory.mktemp("town") / "town.gpkg")


@pytest.fixture(scope="session")
def whole_twin(town: layers.City, tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = twin.run(town, want=["building_coverage", "building_co2"])
    return found.save(tmp_path_factory.mktemp("twin") / "town.twin")


@pytest.fixture(scope="session")
def whole_study(town: layers.City, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study of a city and scenarios with nasty names, one of which removes all buildings."""
    roofs = scenarios.GreenRoofs(share=0.3)
    far = [(X0 - 1e4, Y0 - 1e4), (X0 + 1e4, Y0 - 1e4), (X0 + 1e4, Y0 + 1e4), (X0 - 1e4, Y0 + 1e4)]
    found = scenarios.study(
        replace(town, name=SCRIPT, sources=(f"from {SCRIPT}",)),
        scenarios.Scenario(SCRIPT, roofs), scenarios.Scenario("更绿的城市", roofs),
        scenarios.Scenario("../../x", roofs),
        scenarios.Scenario("empty", scenarios.RemoveBuildings(within=far)))
    return found.save(tmp_path_factory.mktemp("study") / "研究")


def houses(count: int = 4, crs: Any = 32650, **columns: Any) -> gpd.GeoDataFrame:
    """Houses of 20 x 15 m in a row along the south edge of the toy town."""
    west = X0 + 30.0 * np.arange(count)
    return gpd.GeoDataFrame({"Height": [9.0, 12.0, 6.0, 15.0][:count], **columns},
                            geometry=shapely.box(west, Y0, west + 20, Y0 + 15), crs=crs)


def with_shape(shape: Any, **columns: Any) -> gpd.GeoDataFrame:
    """The houses and one more of another shape."""
    more = gpd.GeoDataFrame({"Height": [7.0], **columns}, geometry=[shape], crs=32650)
    return pd.concat([houses(), more], ignore_index=True)


def put(folder: Path, table: gpd.GeoDataFrame, name: str = "b.gpkg", **options: Any) -> Path:
    file = folder / name
    if file.suffix == ".parquet":
        table.to_parquet(file)
    else:
        pyogrio.write_dataframe(table, file, **options)
    return file


def text(folder: Path, name: str, content: str | bytes) -> Path:
    file = folder / name
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return file


def cut(file: Path, share: float = 0.5) -> Path:
    whole = file.read_bytes()
    file.write_bytes(whole[:int(len(whole) * share)])
    return file


def shapefile(folder: Path, without: str) -> Path:
    file = put(folder, houses(), "b.shp")
    file.with_suffix(without).unlink()
    return file


def area(folder: Path, shape: Any, name: str = "area.gpkg", crs: Any = 32650) -> list[object]:
    """The houses and a study area for them."""
    return ["--buildings", put(folder, houses()), "--area",
            put(folder, gpd.GeoDataFrame(geometry=[shape], crs=crs), name)]


def mapped(folder: Path, column: str, values: list[Any]) -> list[object]:
    """The houses with a column of ours mapped to one of theirs."""
    return ["--buildings", put(folder, houses(theirs=values)), "--map", f"{column}=theirs"]


def cityjson(folder: Path, **changed: Any) -> Path:
    """A CityJSON file of one block, 20 x 20 m and 10 m high, with parts of it changed."""
    corners = [[x, y, z] for z in (0, 10) for x, y in ((0, 0), (20, 0), (20, 20), (0, 20))]
    solid = {"type": "MultiSurface", "lod": "1", "boundaries": [[[0, 1, 2, 3]], [[4, 5, 6, 7]]]}
    model = {"type": "CityJSON", "version": "1.1", "vertices": corners,
             "transform": {"scale": [1, 1, 1], "translate": [X0, Y0, 20]},
             "metadata": {"referenceSystem": "https://www.opengis.net/def/crs/EPSG/0/32650"},
             "CityObjects": {"block": {"type": "Building", "geometry": [solid]}}, **changed}
    return text(folder, "b.city.json", json.dumps(model))


def building(**geometry: Any) -> dict[str, Any]:
    return {"block": {"type": "Building", "geometry": [{"lod": 1, **geometry}]}}


def raster(folder: Path, value: float = 30.0, *, crs: Any = "EPSG:32650", cells: int = 20,
           west: float = X0, north: float = Y0 + 200) -> list[object]:
    """The houses and a raster of elevation in cells of 10 m."""
    file = folder / "dem.tif"
    values = np.full((cells, cells), value, dtype="float32")
    with rasterio.open(file, "w", driver="GTiff", width=cells, height=cells, count=1,
                       dtype="float32", crs=crs, transform=from_origin(west, north, 10, 10),
                       nodata=-9999) as out:
        out.write(values, 1)
    return ["--buildings", put(folder, houses()), "--terrain", file]


def weather(folder: Path, name: str, content: str | bytes) -> list[object]:
    return ["--buildings", put(folder, houses()), "--weather", text(folder, name, content)]


def epw(hours: int = 8760, temperature: str = "15.0") -> str:
    head = ["LOCATION,Wuhan,HB,CHN,CSWD,574940,30.62,114.13,8.0,23.0", "DESIGN", "TYPICAL",
            "GROUND", "HOLIDAYS", "C1", "C2", "DATA PERIODS,1,1,Data,Sunday, 1/ 1,12/31"]
    times = pd.date_range("2001-01-01", periods=hours, freq="h")
    rows = [f"2001,{t.month},{t.day},{t.hour + 1},0,?9,{temperature},10.0,70,101300,0,0,300,0,0,0,"
            "0,0,0,0,180,2.0,5,5,10,100,0,999999999,100,0.1,0,88,0,0,0" for t in times]
    return "\n".join([*head, *rows]) + "\n"


def bowtie() -> Any:
    """Two triangles of 100 m2 that meet in a point, drawn as one ring."""
    ring = [(0, 40), (20, 60), (20, 40), (0, 60)]
    return shapely.Polygon([(X0 + x, Y0 + y) for x, y in ring])


def broken(value: float, x: float = X0, y: float = Y0) -> Any:
    """A triangle with one coordinate that is no number."""
    with np.errstate(invalid="ignore"):
        return shapely.Polygon([(x, y), (value, y), (x + 5, y + 5)])


def tables(folder: Path, *names: str) -> Path:
    for number, name in enumerate(names):
        put(folder, houses(), layer=name, append=number > 0)
    return folder / "b.gpkg"


def plain_table(folder: Path) -> Path:
    file = folder / "b.gpkg"
    pyogrio.write_dataframe(pd.DataFrame({"Height": [1.0, 2.0]}), file, layer="heights")
    return file


def plain_parquet(folder: Path) -> Path:
    pd.DataFrame({"Height": [1.0, 2.0]}).to_parquet(folder / "b.parquet")
    return folder / "b.parquet"


def beside(folder: Path, name: str) -> Path:
    """A file beside the one that is meant."""
    put(folder, houses(), name)
    return folder / "houses.gpkg"


# Files of buildings that cannot be read

Make = Callable[[Path], Any]
BUILDINGS: list[tuple[str, Make, tuple[str, ...]]] = [
    ("missing", lambda t: t / "houses.gpkg", ("houses.gpkg does not exist",)),
    ("near miss", lambda t: beside(t, "house.gpkg"), ("did you mean 'house.gpkg'?",)),
    ("folder", lambda t: t, ("is a directory, expected a file", "Name the file inside it")),
    ("0 bytes", lambda t: text(t, "b.gpkg", ""), ("b.gpkg is empty (0 bytes)",)),
    ("text", lambda t: text(t, "b.gpkg", "hello\n" * 99), ("b.gpkg cannot be read", ".gpkg, ")),
    ("gpkg cut early", lambda t: cut(put(t, houses()), 0.05), ("b.gpkg", "damaged or cut short")),
    ("gpkg cut late", lambda t: cut(put(t, houses()), 0.97), ("b.gpkg", "damaged or cut short")),
    ("parquet cut", lambda t: cut(put(t, houses(), "b.parquet")),
     ("b.parquet is no readable GeoParquet",)),
    ("parquet plain", plain_parquet, ("b.parquet is no readable GeoParquet", "geo metadata")),
    ("no shx", lambda t: shapefile(t, ".shx"), ("b.shx is missing beside it", "Copy all files")),
    ("no dbf", lambda t: shapefile(t, ".dbf"), ("b.dbf is missing beside it", "Copy all files")),
    ("no prj", lambda t: shapefile(t, ".prj"), ("b.shp", "does not say its CRS", "--crs")),
    ("shp cut", lambda t: cut(put(t, houses(), "b.shp")), ("b.shp is cut short", "of 644 bytes")),
    ("dbf cut", lambda t: [put(t, houses(), "b.shp"), cut(t / "b.dbf")][0], ("b.shp", "DBF")),
    ("zip", lambda t: text(t, "b.zip", "PK\x03\x04"), ("b.zip cannot be read",)),
    ("geojson cut", lambda t: cut(put(t, houses(), "b.geojson")), ("b.geojson cannot be read",)),
    ("geojson text", lambda t: text(t, "b.geojson", "hello"), ("b.geojson cannot be read",)),
    ("geojson none", lambda t: text(t, "b.geojson", '{"type":"FeatureCollection","features":[]}'),
     ("b.geojson: the layer has no features",)),
    ("geojson null", lambda t: text(t, "b.geojson", '{"type":"FeatureCollection","features":[{'
                                    '"type":"Feature","properties":{"a":1},"geometry":null}]}'),
     ("b.geojson: layer 'b' has rows but no geometry",)),
    ("json list", lambda t: text(t, "b.json", "[1, 2]"), ("b.json cannot be read",)),
    ("csv", lambda t: text(t, "b.csv", "id,height\n1,2\n"), ("layer 'b' has no geometry",)),
    ("table", plain_table, ("b.gpkg: layer 'heights' has no geometry",)),
    ("two layers", lambda t: tables(t, "old", "new"), ("has 2 layers: old, new", "b.gpkg:old")),
    ("layer typo", lambda t: f"{tables(t, 'old', 'new')}:ald", ("no layer 'ald'", "'old'?")),
    ("cityjson cut", lambda t: cut(cityjson(t)), ("b.city.json is no readable CityJSON",)),
    ("cityjson kind", lambda t: cityjson(t, type="CityJSONFeature"),
     ("its type is 'CityJSONFeature', expected 'CityJSON'",)),
    ("cityjson vertices", lambda t: cityjson(t, vertices=[[0, 0, 0], [1, 1, 1]]),
     ("b.city.json", "'block'", "vertices that do not exist")),
    ("cityjson flat", lambda t: cityjson(t, vertices=[[0, 0], [1, 1]]), ("no readable CityJSON",)),
    ("cityjson words", lambda t: cityjson(t, vertices=[["a", "b", "c"]] * 8), ("'a'",)),
    ("cityjson nan", lambda t: cityjson(t, vertices=[[float("nan")] * 3] * 8),
     ("'block'", "is no number")),
    ("cityjson below zero", lambda t: cityjson(t, CityObjects=building(boundaries=[[[0, 1, -1]]])),
     ("'block'", "vertices that do not exist")),
    ("cityjson bare", lambda t: cityjson(t, CityObjects=building()), ("'boundaries' is missing",)),
    ("cityjson objects", lambda t: cityjson(t, CityObjects=[1]), ("no readable CityJSON",)),
    ("cityjson roads", lambda t: cityjson(t, CityObjects={"r": {"type": "Road"}}),
     ("no Building or BuildingPart",)),
    ("cityjson deep", lambda t: text(t, "b.city.json", '{"type": "CityJSON", "x": ' + "[" * 99_999),
     ("no readable CityJSON", "recursion")),
    ("cityjson crs", lambda t: cityjson(t, metadata={"referenceSystem": "EPSG:999999"}),
     ("there is no CRS 'EPSG:999999'",)),
    ("points", lambda t: put(t, houses().set_geometry(houses().centroid)),
     ("layer 'buildings' needs polygon geometry", "has Point")),
    ("all broken", lambda t: put(t, houses(1).set_geometry([broken(np.nan)]), "b.parquet"),
     ("needs polygon geometry with finite coordinates",)),
    ("degrees as metres", lambda t: put(t, houses().to_crs(4326).set_crs(
        32650, allow_override=True)), ("says EPSG:32650", "look like degrees", "right CRS")),
    ("metres as degrees", lambda t: put(t, houses(crs=4326)), ("says EPSG:4326", "not degrees")),
    ("far out", lambda t: put(t, with_shape(shapely.box(X0 + 1e7, Y0, X0 + 1e7 + 9, Y0 + 9))),
     ("row 4 lies farthest out", "outside the area of EPSG:32650")),
]


@pytest.mark.parametrize(("make", "words"), [c[1:] for c in BUILDINGS], ids=[c[0] for c in
                                                                             BUILDINGS])
def test_buildings_that_cannot_be_read(make: Make, words: tuple[str, ...], refused: Any,
                                       tmp_path: Path) -> None:
    out, source = tmp_path / "city.gpkg", make(tmp_path)
    command = ["import", "-q", out, "--buildings", source]
    refused(command, *words)
    assert not out.exists()
    out.write_bytes(OLD)
    refused(command, *words)
    assert out.read_bytes() == OLD


# Other files and options of an import

OTHERS: list[tuple[str, Make, tuple[str, ...]]] = [
    ("no buildings", lambda t: ["--roads", put(t, houses())], ("no buildings", "--buildings")),
    ("polygons as roads", lambda t: ["--buildings", put(t, houses()), "--roads", t / "b.gpkg"],
     ("b.gpkg: layer 'roads' needs line geometry", "has Polygon", "--roads")),
    ("polygons as trees", lambda t: ["--buildings", put(t, houses()), "--trees", t / "b.gpkg"],
     ("b.gpkg: layer 'trees' needs point geometry", "has Polygon", "--trees")),
    ("extract", lambda t: ["--osm", text(t, "x.osm.pbf", "hello")],
     ("x.osm.pbf is no readable OSM extract",)),
    ("crs", lambda t: ["--buildings", shapefile(t, ".prj"), "--crs", "EPSG:999999"],
     ("--crs 'EPSG:999999' is no CRS", "Write EPSG:32650")),
    ("crs word", lambda t: ["--buildings", put(t, houses()), "--crs", "mars"], ("'mars'",)),
    ("map ours", lambda t: ["--buildings", put(t, houses()), "--map", "hieght=Height"],
     ("no column 'hieght'", "did you mean 'height'?")),
    ("map theirs", lambda t: ["--buildings", put(t, houses()), "--map", "height=Hight"],
     ("b.gpkg: there is no column 'Hight'", "did you mean 'Height'?")),
    ("map shape", lambda t: ["--buildings", put(t, houses()), "--map", "height=geometry"],
     ("no column 'geometry'", "the file has Height")),
    ("ground word", lambda t: mapped(t, "ground_z", ["1", "abc", "2", "3"]),
     ("b.gpkg: layer 'buildings', row 1: ground_z is 'abc'", "number in m", "--map")),
    ("ground high", lambda t: mapped(t, "ground_z", [1.0, 2.0, 99_999.0, 3.0]),
     ("row 2: ground_z is 99999 m, expected at most 9000 m", "Correct these rows")),
    ("traffic", lambda t: ["--buildings", put(t, houses()), "--roads", put(t, houses(
        volume=[1, 2, 3, -4]).set_geometry(houses().boundary), "r.gpkg")],
     ("r.gpkg: layer 'roads', row 3: volume is -4 vehicle d-1, expected at least 0",)),
    ("roof share", lambda t: mapped(t, "green_roof", [0.0, 7.0, 8.0, 0.0]),
     ("row 1: green_roof is 7, expected at most 1 (2 rows)",)),
    ("area missing", lambda t: ["--buildings", put(t, houses()), "--area", t / "area.gpkg"],
     ("area.gpkg does not exist",)),
    ("area flat", lambda t: area(t, shapely.Polygon([(X0, Y0), (X0 + 9, Y0), (X0, Y0)])),
     ("area.gpkg: the study area is a Polygon of 0 m2", "--area")),
    ("area line", lambda t: area(t, shapely.LineString([(X0, Y0), (X0 + 9, Y0)])),
     ("is a LineString of 0 m2, expected a polygon",)),
    ("area nan", lambda t: area(t, broken(np.nan), "area.parquet"), ("expected a polygon",)),
    ("area elsewhere", lambda t: area(t, shapely.box(X0 + 9e3, Y0, X0 + 9.1e3, Y0 + 99)),
     ("none of the 4 buildings lies in the study area", "CRS of both files")),
    ("area 10,000 km", lambda t: area(t, shapely.box(X0 - 5e6, Y0 - 3e6, X0 + 5e6, Y0 + 5e6)),
     ("area.gpkg", "outside the area of EPSG:32650")),
    ("control", lambda t: ["--buildings", put(t, houses()), "--control", "vehicle=3"],
     ("vehicle_km",)),
    ("control sign", lambda t: ["--buildings", put(t, houses()), "--control", "vehicle_km=-3"],
     ("-3", "positive")),
    ("raster text", lambda t: [*raster(t)[:3], text(t, "dem.tif", "hello")],
     ("dem.tif is no readable raster",)),
    ("raster cut", lambda t: [*raster(t)[:3], cut(t / "dem.tif", 0.6)],
     ("dem.tif is damaged or cut short", "Copy it again")),
    ("raster missing", lambda t: [*raster(t)[:3], t / "den.tif"], ("did you mean 'dem.tif'?",)),
    ("raster crs", lambda t: raster(t, crs=None), ("does not say its CRS", "gdal_edit -a_srs")),
    ("raster degrees", lambda t: raster(t, crs="EPSG:4326"), ("its CRS is likely wrong",)),
    ("raster nodata", lambda t: raster(t, -9999), ("dem.tif: every cell is nodata",)),
    ("raster nan", lambda t: raster(t, np.nan), ("every cell is nodata",)),
    ("raster absurd", lambda t: raster(t, 1e6), ("1e+06", "elevation in metres between -500 and")),
    ("raster cell", lambda t: raster(t, cells=1), ("1 x 1 cells, expected at least 2 x 2",)),
    ("raster elsewhere", lambda t: raster(t, west=X0 + 5e4),
     ("dem.tif: the raster", "does not meet the study area", "Check its CRS")),
    ("canopy absurd", lambda t: [*raster(t, 500.0)[:2], "--canopy", t / "dem.tif"],
     ("canopy height in metres between -1 and 150",)),
    ("weather missing", lambda t: ["--buildings", put(t, houses()), "--weather", t / "w.epw"],
     ("no weather file", "w.epw")),
    ("weather cut", lambda t: weather(t, "w.epw", epw(5000)), ("w.epw holds 5000 hours", "8760")),
    ("weather absurd", lambda t: weather(t, "w.epw", epw(temperature="-99")),
     ("w.epw: temp_air is -99", "expected -90 to 60")),
    ("weather words", lambda t: weather(t, "w.epw", epw(temperature="warm")),
     ("temp_air is missing in 100% of the hours",)),
    ("weather csv", lambda t: weather(t, "w.csv", "a,b\n1,2\n"), ("w.csv is neither a TMY3 nor",)),
    ("weather txt", lambda t: weather(t, "w.txt", "x"), ("a .txt file, expected .epw, .csv",)),
    ("weather bytes", lambda t: weather(t, "w.epw", bytes(range(256))), ("is no EPW file",)),
    ("weather deep", lambda t: weather(t, "w.json", "[" * 99_999), ("w.json cannot be read",)),
    ("weather json", lambda t: weather(t, "w.json", "{"), ("w.json cannot be read",)),
]


@pytest.mark.parametrize(("make", "words"), [c[1:] for c in OTHERS], ids=[c[0] for c in OTHERS])
def test_import_that_cannot_be_made(make: Make, words: tuple[str, ...], refused: Any,
                                    tmp_path: Path) -> None:
    options, out = make(tmp_path), tmp_path / "new" / "city.gpkg"
    refused(["import", "-q", out, *options], *words)
    assert not out.parent.exists()
    out.parent.mkdir()
    out.write_bytes(OLD)
    refused(["import", "-q", out, *options], *words)


@pytest.mark.parametrize(("out", "words"), [
    ("city.shp", ("-o", "city.shp", "ends in .gpkg")),
    ("b.gpkg/city.gpkg", ("b.gpkg is a file, expected a folder",)),
    ("b.gpkg/new/city.gpkg", ("b.gpkg is a file, expected a folder",)),
    ("folder.gpkg", ("folder.gpkg is a directory",)),
])
def test_places_where_no_city_can_be_written(out: str, words: tuple[str, ...], refused: Any,
                                             tmp_path: Path) -> None:
    source = put(tmp_path, houses())
    (tmp_path / "folder.gpkg").mkdir()
    refused(["import", "-q", tmp_path / out, "--buildings", source], *words)


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="everything is writable")
def test_folder_that_is_read_only(refused: Any, tmp_path: Path) -> None:
    source = put(tmp_path, houses())
    (tmp_path / "locked").mkdir(mode=0o555)
    refused(["import", "-q", tmp_path / "locked" / "city.gpkg", "--buildings", source],
            "locked cannot be written to", "another place")


@pytest.mark.parametrize(("words", "expected"), [
    (["import", "o.gpkg", "--map", "height=Height", "--buildings", "b.gpkg"],
     "--map must follow the layer it belongs to"),
    (["import", "o.gpkg", "--buildings", "b.gpkg", "--map", "height"], "our_name=their_name"),
    (["import", "o.gpkg", "--buildings", "b.gpkg", "--map", "=Height"], "got '=Height'"),
    (["import", "o.gpkg", "--buildings", "b.gpkg", "--control", "vehicle_km=many"],
     "--control vehicle_km=many: expected NAME=NUMBER"),
    (["import", "o.gpkg", "--buildings", "b.gpkg", "--country", "Atlantis"],
     "'Atlantis' is no country, expected two letters such as CN"),
    (["run", "c.gpkg", "--cell", "nan"], "'nan' is no usable number"),
    (["run", "c.gpkg", "--cell", "inf"], "'inf' is no usable number"),
    (["run", "c.gpkg", "--cell", "fifty"], "'fifty' is no number"),
    (["run", "c.gpkg", "--cell", "0"], "0 m is no cell size"),
    (["run", "c.gpkg", "--cell", "-50"], "-50 m is no cell size"),
    (["run", "c.gpkg", "--cell", "1e9"], "at most 100,000 m"),
    (["run"], "CITY"),
    (["rum", "c.gpkg"], "invalid choice: 'rum'"),
    (["list", "layer"], "invalid choice: 'layer'"),
    (["validate", "heights", "--seed", "x"], "--seed"),
    (["fetch", "-o", "o.gpkg"], "give a PLACE, or --bbox W S E N, or --polygon FILE"),
    (["fetch", "Delft", "--bbox", "1", "2", "3", "4", "-o", "o.gpkg"], "give a PLACE, or --bbox"),
    (["fetch", "--bbox", "1", "2", "3", "x", "-o", "o.gpkg"], "'x' is no number"),
], ids=lambda value: " ".join(value) if isinstance(value, list) else "")
def test_wrong_usage(words: list[object], expected: str, refused: Any, tmp_path: Path,
                     monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    refused(words, expected, code=2)


# Inputs that are merely unusual

def footprint(city: layers.City) -> float:
    return float(city.frame("buildings").area.sum())


def test_degrees_are_brought_to_metres(imported: Any, tmp_path: Path) -> None:
    city, told = imported("--buildings", put(tmp_path, houses().to_crs(4326)))
    assert "layer 'buildings': reprojected from EPSG:4326 to EPSG:32650" in told.out
    assert footprint(city) == pytest.approx(4 * 300, rel=1e-6)


def test_web_mercator_is_brought_to_true_metres(imported: Any, tmp_path: Path) -> None:
    drawn = houses().to_crs(3857)
    assert drawn.area.sum() > 1.3 * 4 * 300  # 1 / cos2 of the latitude: what must not be kept
    city, told = imported("--buildings", put(tmp_path, drawn))
    assert "reprojected from EPSG:3857 to EPSG:32650" in told.out
    assert footprint(city) == pytest.approx(4 * 300, rel=1e-6)


def test_feet_are_brought_to_metres(imported: Any, tmp_path: Path) -> None:
    east, north = 985_000.0, 200_000.0  # Brooklyn in EPSG:2263 [US survey feet]
    block = gpd.GeoDataFrame({"Height": [30.0]}, crs=2263,
                             geometry=[shapely.box(east, north, east + 100, north + 50)])
    city, told = imported("--buildings", put(tmp_path, block))
    assert "reprojected from EPSG:2263 to EPSG:32618" in told.out
    assert footprint(city) == pytest.approx(5000 * (1200 / 3937) ** 2, rel=1e-3)


def test_layers_in_two_crs_end_in_one(imported: Any, tmp_path: Path) -> None:
    stems = houses().set_geometry(houses().centroid)
    city, told = imported("--buildings", put(tmp_path, houses()), "--trees",
                          put(tmp_path, stems.to_crs(4326), "t.gpkg"))
    assert "layer 'trees': reprojected from EPSG:4326 to EPSG:32650" in told.out
    assert city.frame("trees").crs == city.crs
    assert city.frame("trees").distance(stems, align=False).max() < 1e-3


def test_a_crs_can_be_named_for_a_file_without_one(imported: Any, tmp_path: Path) -> None:
    city, _ = imported("--buildings", shapefile(tmp_path, ".prj"), "--crs", "EPSG:32650")
    assert city.crs.to_epsg() == 32650
    assert footprint(city) == pytest.approx(4 * 300)


def test_area_in_degrees_is_cut_in_metres(imported: Any, tmp_path: Path) -> None:
    box = shapely.box(X0, Y0, X0 + 100, Y0 + 50)
    degrees = gpd.GeoSeries([box], crs=32650).to_crs(4326).iloc[0]
    city, told = imported(*area(tmp_path, degrees, crs=4326))
    assert "the study area (area.gpkg): reprojected from EPSG:4326" in told.out
    assert city.area.area == pytest.approx(5000, rel=1e-6)


def test_a_bow_tie_is_mended_and_counted(imported: Any, tmp_path: Path) -> None:
    city, told = imported("--buildings", put(tmp_path, with_shape(bowtie())))
    assert "buildings: geometries mended: 1" in told.out
    assert footprint(city) == pytest.approx(4 * 300 + 2 * 100)


@pytest.mark.parametrize(("shape", "name"), [
    (shapely.Polygon(), "b.gpkg"), (None, "b.gpkg"), (broken(np.nan), "b.parquet"),
    (broken(np.inf), "b.parquet"),
    (shapely.Polygon([(X0, Y0 + 70), (X0 + 20, Y0 + 70), (X0 + 40, Y0 + 70)]), "b.gpkg"),
    (shapely.Point(X0, Y0), "b.parquet"),
], ids=["empty", "none", "nan", "inf", "no area", "point"])
def test_useless_shapes_are_dropped_and_counted(shape: Any, name: str, imported: Any,
                                                tmp_path: Path) -> None:
    city, told = imported("--buildings", put(tmp_path, with_shape(shape), name))
    assert "buildings: geometries dropped: 1" in told.out
    assert footprint(city) == pytest.approx(4 * 300)


def test_a_broken_shape_in_degrees_harms_no_other(imported: Any, tmp_path: Path) -> None:
    city, told = imported("--buildings", put(tmp_path, pd.concat(
        [houses().to_crs(4326), gpd.GeoDataFrame(
            {"Height": [1.0]}, geometry=[broken(np.nan, 117, 30)], crs=4326)],
        ignore_index=True), "b.parquet"))
    assert "buildings: geometries dropped: 1" in told.out
    assert footprint(city) == pytest.approx(4 * 300, rel=1e-6)


def test_shapes_with_a_third_coordinate_are_flattened(imported: Any, tmp_path: Path) -> None:
    lifted = houses().set_geometry(shapely.force_3d(houses().geometry.values, 25.0))
    city, _ = imported("--buildings", put(tmp_path, lifted))
    assert not shapely.has_z(city.frame("buildings").geometry.values).any()
    assert footprint(city) == pytest.approx(4 * 300)


def test_buildings_there_twice_count_once(imported: Any, call: Any, tmp_path: Path) -> None:
    twice = pd.concat([houses(), houses()], ignore_index=True)
    city, told = imported("--buildings", put(tmp_path, twice), "--map", "height=Height")
    assert "drawn more than once or underground, cut: 1,200" in told.out
    assert footprint(city) == pytest.approx(4 * 300)
    assert sorted(city.frame("buildings")["height"]) == [6, 9, 12, 15]


def test_storeys_that_hang_over_others_stay(imported: Any, tmp_path: Path) -> None:
    above = houses(low=[40.0, 40.0, 40.0, 40.0])
    above["Height"] = 50.0
    stack = pd.concat([houses(low=0.0), above], ignore_index=True)
    city, told = imported("--buildings", put(tmp_path, stack), "--map",
                          "height=Height,min_height=low")
    assert "drawn more than once" not in told.out
    assert len(city.frame("buildings")) == 8


def test_a_building_over_all_others_covers_the_ground_once(imported: Any, call: Any,
                                                           tmp_path: Path) -> None:
    over = with_shape(shapely.box(X0 - 10, Y0 - 10, X0 + 190, Y0 + 90))
    _, told = imported("--buildings", put(tmp_path, over), "--map", "height=Height")
    assert "drawn more than once" in told.out
    told = call("run", tmp_path / "out.gpkg", "--want", "building_coverage", "--json")
    found = json.loads(told.out)
    assert found["totals"]["building_coverage"]["value"] == pytest.approx(1.0)


@pytest.mark.parametrize(("given", "height", "counted"), [
    ("12.13 m", 12.13, False), ("40 ft", 40 * 0.3048, False), ("12,5", 12.5, False),
    ("１２", 12.0, False), ("abc", None, True), ("1e9", None, True), ("-5", None, True),
    ("inf", None, True), ("", None, False), ("nan", None, False), (1e9, None, True),
    (-5.0, None, True), (np.inf, None, True), (0.0, None, True), (np.nan, None, False),
])
def test_heights_that_people_write(given: Any, height: float | None, counted: bool, imported: Any,
                                   tmp_path: Path) -> None:
    values = ["9", given, "8", "7"] if isinstance(given, str) else [9.0, given, 8.0, 7.0]
    city, told = imported(*mapped(tmp_path, "height", values))
    built = city.frame("buildings")
    assert ("heights that cannot be right, inferred: 1" in told.out) is counted
    assert built["height"].iloc[[0, 2, 3]].tolist() == [9, 8, 7]
    if height is None:
        assert built["height_from"].iloc[1] in ("neighbours", "default")
        assert 2 < built["height"].iloc[1] < 40
    else:
        assert built["height_from"].iloc[1] == "tag"
        assert built["height"].iloc[1] == pytest.approx(height)


@pytest.mark.parametrize("given", ["many", "-3", "1e9"])
def test_storeys_that_cannot_be_are_counted(given: str, imported: Any, tmp_path: Path) -> None:
    city, told = imported(*mapped(tmp_path, "num_floors", ["3", given, "3", "4"]))
    assert "storeys that cannot be right, inferred: 1" in told.out
    assert city.frame("buildings")["floors_from"].tolist() == ["tag", "height", "tag", "tag"]


def test_chinese_names_and_markup_come_through_unchanged(imported: Any, call: Any,
                                                         tmp_path: Path) -> None:
    names = ["黄鹤楼", SCRIPT, "'; DROP TABLE buildings; --", "a\u0000b".replace("\u0000", "\\0")]
    folder = tmp_path / "武汉 数据"
    folder.mkdir()
    source = put(folder, houses(名称=names, 高度=[9.0, 8.0, 7.0, 6.0]), "房屋.gpkg")
    city, _ = imported("--buildings", source, "--map", "name=名称,height=高度", "--name", SCRIPT)
    assert city.frame("buildings")["name"].tolist() == names
    assert city.name == SCRIPT
    assert "<script" not in city._repr_html_()
    out = folder / "双胞胎"
    assert call("run", "-q", tmp_path / "out.gpkg", "--want", "building_coverage", "-o",
                out).code == 0
    assert "<script" not in twin.open(out)._repr_html_()


def test_one_single_building(imported: Any, call: Any, tmp_path: Path) -> None:
    imported("--buildings", put(tmp_path, houses(1)))
    told = call("run", tmp_path / "out.gpkg", "--want", "building_coverage", "--json")
    found = json.loads(told.out)
    assert found["cells"] == 1
    assert found["totals"]["building_coverage"]["value"] == pytest.approx(1.0)


def test_terrain_in_degrees_is_brought_to_metres(imported: Any, tmp_path: Path) -> None:
    given = raster(tmp_path)
    with rasterio.open(given[-1]) as old:
        profile, values = old.profile, old.read(1)
    profile.update(crs="EPSG:4326", transform=from_origin(116.999, 30.554, 1e-4, 1e-4))
    with rasterio.open(given[-1], "w", **profile) as new:
        new.write(values, 1)
    city, _ = imported(*given)
    ground = city["terrain"]
    assert float(ground.max()) == pytest.approx(30.0)
    assert ground["y"].to_numpy()[0] < Y0 + 20 < ground["y"].to_numpy()[-1]


# Cities of ours that are damaged or lack a layer

def changed_city(town: layers.City, folder: Path, **changed: Any) -> Path:
    return layers.write(replace(town, **changed), folder / "c.gpkg")


def without(town: layers.City, *gone: str) -> dict[str, Any]:
    return {k: v for k, v in town.layers.items() if k not in gone}


def meta_table(file: Path, key: str, value: str | None) -> Path:
    """Change or delete one row of the table in which a city keeps its name and sources."""
    table = pyogrio.read_dataframe(file, layer="citytwin_city")
    table.loc[table["key"] == key, "value"] = value
    pyogrio.write_dataframe(table.dropna(), file, layer="citytwin_city", append=False)
    return file


@pytest.mark.parametrize(("key", "value", "words"), [
    ("name", "{", ("damaged city file", "line 1")), ("name", "[1]", ("'name'", "no str")),
    ("sources", None, ("'sources'", "no list")), ("sources", "3", ("'sources'", "no list")),
    ("fallbacks", "[[1]]", ("damaged city file",)), ("controls", '{"x": 1}', ("vehicle_km",)),
])
def test_city_whose_record_is_damaged(key: str, value: str | None, words: tuple[str, ...],
                                      town_file: Path, refused: Any, tmp_path: Path) -> None:
    file = meta_table(Path(shutil.copy(town_file, tmp_path / "c.gpkg")), key, value)
    refused(["check", file], "c.gpkg", *words)


def test_city_whose_tables_are_damaged(town: layers.City, town_file: Path, refused: Any,
                                       tmp_path: Path) -> None:
    file = Path(shutil.copy(town_file, tmp_path / "c.gpkg"))
    hours = pyogrio.read_dataframe(file, layer="weather")
    pyogrio.write_dataframe(hours.iloc[:10], file, layer="weather", append=False)
    refused(["check", file], "c.gpkg", "'weather' holds 10 hours, expected a year")
    cut(file)
    refused(["check", file], "c.gpkg", "damaged or cut short")
    low = town.frame("buildings").assign(height=[-4.0, *town.frame("buildings")["height"][1:]])
    file = changed_city(town, tmp_path, layers={**town.layers, "buildings": low})
    refused(["run", "-q", file, "-o", tmp_path / "t"], "c.gpkg", "layer 'buildings', row 0",
            "height is -4 m, expected at least 0.5 m")


@pytest.mark.parametrize(("gone", "want", "words"), [
    ("buildings", "floor_area", ("no buildings layer", "--buildings FILE")),
    ("weather", "pv_yield", ("no layer 'weather'", "--weather FILE")),
])
def test_city_that_lacks_what_a_run_needs(gone: str, want: str, words: tuple[str, ...],
                                          town: layers.City, refused: Any,
                                          tmp_path: Path) -> None:
    file = changed_city(town, tmp_path, layers=without(town, gone))
    refused(["run", "-q", file, "-o", tmp_path / "t", "--want", want], *words)


def test_city_without_weather_has_no_sun_and_says_so(town: layers.City, call: Any,
                                                     tmp_path: Path) -> None:
    file = changed_city(town, tmp_path, layers=without(town, "weather"))
    found = json.loads(call("run", file, "--json").out)
    assert "pv_yield" not in found["totals"]
    assert found["totals"]["floor_area"]["value"] > 0
    assert any("no weather" in what and "pv_yield" in what for what in found["fallbacks"])


def test_city_without_roads_has_no_traffic(town: layers.City, call: Any, tmp_path: Path) -> None:
    file = changed_city(town, tmp_path, layers=without(town, "roads"))
    told = call("run", file, "--want", "traffic_co2,building_coverage", "--json")
    totals = json.loads(told.out)["totals"]
    assert totals["traffic_co2"]["value"] == 0
    assert totals["building_coverage"]["value"] > 0


def test_area_without_buildings_gives_zeros(town: layers.City, call: Any, tmp_path: Path) -> None:
    file = changed_city(town, tmp_path, area=shapely.box(X0 + 300, Y0 + 300, X0 + 400, Y0 + 400))
    told = call("run", file, "--json")
    assert told.code == 0
    totals = {k: v["value"] for k, v in json.loads(told.out)["totals"].items()}
    for name in ("building_coverage", "floor_area", "residents", "building_co2", "pv_yield"):
        assert totals[name] == 0
    assert totals["height_mean"] is None


def test_area_of_10_000_km_is_refused(town: layers.City, refused: Any, tmp_path: Path) -> None:
    file = changed_city(town, tmp_path, area=shapely.box(X0, Y0, X0 + 1e7, Y0 + 1e7))
    refused(["run", "-q", file, "--want", "building_coverage", "-o", tmp_path / "t"],
            "200000 x 200000 cells of 50 m", "more than 50,000,000", "smaller area")


# Runs and exports

@pytest.mark.parametrize(("options", "words", "code"), [
    (["--cell", "0.01"], ("16000 x 16000 cells", "more than 50,000,000", "at least 0.03 m"), 1),
    (["--want", "building_coverag"], ("no variable 'building_coverag'", "'building_coverage'?"), 1),
    (["--want", ","], ("--want ',' names nothing",), 2),
    (["--set", "building_for.x=1"], ("'building_for'", "did you mean 'building_form'?"), 1),
    (["--set", "road_traffic.volume=lanes"], ("no setting 'volume'", "'volumes'?"), 1),
    (["--set", "road_traffic=1"], ("--set road_traffic=1: expected INDICATOR.SETTING=VALUE",), 2),
    (["--set", "road_traffic.volumes"], ("expected INDICATOR.SETTING=VALUE",), 2),
    (["--factors", "none.csv"], ("none.csv cannot be read", "No such file"), 1),
], ids=lambda value: " ".join(value) if isinstance(value, list) else "")
def test_run_with_impossible_options(options: list[object], words: tuple[str, ...], code: int,
                                     town_file: Path, refused: Any, tmp_path: Path) -> None:
    refused(["run", "-q", town_file, "-o", tmp_path / "t", *options], *words, code=code)


HEAD = "factor_id,name,value,unit,low,high,region,year,source,tag,note\n"


def row(**changed: str) -> str:
    fields = {"factor_id": "eui.residential.FR", "name": "a", "value": "130",
              "unit": "kWh m-2 a-1", "low": "95", "high": "175", "region": "FR", "year": "2022",
              "source": "a meter", "tag": "V", "note": "", **changed}
    return ",".join(fields.values()) + "\n"


@pytest.mark.parametrize(("content", "words"), [
    (HEAD + row(unit="kg"), ("line 2", "unit 'kg'", "give it in 'kWh m-2 a-1'")),
    (HEAD + row(unit="apples"), ("line 2", "unit 'apples'")),
    (HEAD + row() + row(), ("line 3: eui.residential.FR stands in line 2 too", "keep one")),
    (HEAD + row(factor_id="eui.residental.FR"), ("'eui.residental.FR'", "'eui.residential'?")),
    (HEAD + row(value="many"), ("value 'many' is no number",)),
    (HEAD + row(value="nan"), ("value must be finite",)),
    (HEAD + row(low="200"), ("low 200 is above value 130", "swap or mend")),
    ("factor_id,value\na,1\n", ("lacks the columns name, unit, low",)),
    ((HEAD + row()).replace(",", ";"), ("split by ';'", "save it with commas")),
    ((HEAD + row(name="名")).encode("gb18030"), ("is not UTF-8 text", "CSV UTF-8")),
    ("", ("holds no rows",)),
], ids=["unit", "no unit", "twice", "unknown", "word", "nan", "low", "columns", "semicolons",
        "gb18030", "empty"])
def test_factors_that_cannot_be_used(content: str | bytes, words: tuple[str, ...], town_file: Path,
                                     refused: Any, tmp_path: Path) -> None:
    file = text(tmp_path, "f.csv", content)
    refused(["run", "-q", town_file, "-o", tmp_path / "t", "--factors", file], "f.csv", *words)


@pytest.mark.parametrize(("verb", "source"), [
    ("run", "nope.gpkg"), ("check", "nope.gpkg"), ("study", "nope.gpkg"), ("still", "nope.gpkg"),
    ("export", "nope.twin"), ("compare", "nope"), ("sheet", "nope"), ("run", "sample:distric"),
    ("sample", "distric"),
])
def test_source_that_is_not_there(verb: str, source: str, refused: Any, tmp_path: Path) -> None:
    given = source if verb == "sample" or ":" in source else tmp_path / source
    recipe = [text(tmp_path, "r.yaml", f"name: a\n{EDIT}")] if verb == "study" else []
    out = {"check": [], "sample": ["-o", tmp_path / "s.gpkg"], "sheet": ["-o", tmp_path / "s.png"],
           "still": ["-o", tmp_path / "s.png"], "compare": ["-o", tmp_path / "s.csv"]}
    refused([verb, given, *recipe, *out.get(verb, ["-o", tmp_path / "out"])],
            source.rpartition(":")[2])


@pytest.mark.parametrize(("verb", "out", "words"), [
    ("run", "foreign", ("foreign exists and is not ours to replace", "-o")),
    ("run", "note.txt", ("note.txt exists and is not ours to replace",)),
    ("run", "note.txt/t", ("note.txt is a file, expected a folder", "-o")),
    ("run", "webapp", ("webapp exists and is not ours to replace", "-o")),
    ("study", "webapp", ("webapp exists and is not ours to replace", "-o")),
    ("run", "layers", ("name of one of our packages", "-o")),
    ("study", "foreign", ("foreign exists and is not ours to replace", "-o")),
    ("study", "note.txt", ("note.txt exists and is not ours to replace",)),
    ("study", "layers", ("name of one of our packages", "-o")),
    ("export", "note.txt", ("note.txt is a file, expected a folder",)),
    ("export", "note.txt/gis", ("note.txt is a file, expected a folder",)),
    ("export", "scenarios", ("name of one of our packages", "-o")),
    ("sheet", "plan.jpg", ("plan.jpg", "ends in .png")),
    ("still", "plan", ("plan", "ends in .png")),
    ("compare", "change.txt", ("change.txt", "ends in .csv")),
    ("sample", "s.shp", ("s.shp", "ends in .gpkg")),
    ("fetch", "delft", ("delft", "ends in .gpkg")),
])
def test_places_that_are_not_ours(verb: str, out: str, words: tuple[str, ...], town_file: Path,
                                  whole_twin: Path, whole_study: Path, refused: Any,
                                  tmp_path: Path) -> None:
    (tmp_path / "foreign").mkdir()
    text(tmp_path / "foreign", "thesis.doc", "four years of work")
    text(tmp_path, "note.txt", "a note")
    (tmp_path / "webapp").mkdir()  # other programs have files of these names too
    for name in ("manifest.json", "study.json"):
        text(tmp_path / "webapp", name, '{"name": "my web app"}')
    recipe = text(tmp_path, "r.yaml", f"name: a\n{EDIT}")
    source: dict[str, list[object]] = {
        "run": [town_file], "study": [town_file, recipe], "export": [whole_twin],
        "sheet": [whole_study], "still": [whole_study], "compare": [whole_study],
        "sample": ["district"], "fetch": ["Delft", "--offline"]}
    refused([verb, "-q", *source[verb], "-o", tmp_path / out], *words)


def test_an_old_twin_survives_a_run_that_fails(town_file: Path, whole_twin: Path, refused: Any,
                                               call: Any, tmp_path: Path) -> None:
    old = shutil.copytree(whole_twin, tmp_path / "t")
    refused(["run", "-q", town_file, "-o", old, "--want", "nothing"], "'nothing'")
    assert call("export", "-q", old, "-o", tmp_path / "gis", "--as", "csv").code == 0


def test_an_empty_folder_is_taken(town_file: Path, call: Any, tmp_path: Path) -> None:
    (tmp_path / "t").mkdir()
    assert call("run", "-q", town_file, "-o", tmp_path / "t", "--want",
                "building_coverage").code == 0
    assert twin.open(tmp_path / "t").totals().loc["building_coverage", "value"] > 0
    assert [p.name for p in tmp_path.iterdir()] == ["t"]


@pytest.mark.parametrize(("options", "words", "code"), [
    (["--as", "shp"], ("no format 'shp'", "formats are tif, gpkg, nc, csv"), 1),
    (["--as", "gpk"], ("did you mean 'gpkg'?",), 1),
    (["--as", ","], ("--as ',' names nothing",), 2),
    (["--var", "building_cover"], ("'building_cover'", "did you mean 'building_coverage'?"), 1),
])
def test_export_with_impossible_options(options: list[object], words: tuple[str, ...], code: int,
                                        whole_twin: Path, refused: Any, tmp_path: Path) -> None:
    refused(["export", whole_twin, "-o", tmp_path / "gis", *options], *words, code=code)


def change_byte(file: Path) -> None:
    raw = bytearray(file.read_bytes())
    raw[len(raw) // 2] ^= 1
    file.write_bytes(raw)


def edit_json(file: Path, edit: Callable[[Any], Any]) -> None:
    about = json.loads(file.read_text(encoding="utf-8"))
    answer = edit(about)
    file.write_text(json.dumps(about if answer is None else answer), encoding="utf-8")


def manifest(**changed: Any) -> Callable[[Path], None]:
    return lambda t: edit_json(t / "manifest.json", lambda about: about.update(changed))


@pytest.mark.parametrize(("damage", "words"), [
    (lambda t: change_byte(t / "features" / "buildings.parquet"),
     ("features/buildings.parquet is damaged", "Run again")),
    (lambda t: change_byte(t / "cells.zarr" / "building_coverage" / "0.0"),
     ("cells.zarr/building_coverage/0.0 is damaged",)),
    (lambda t: (t / "features" / "buildings.parquet").unlink(),
     ("features/buildings.parquet is missing", "Run again")),
    (lambda t: (t / "manifest.json").unlink(), ("is not a twin", "citytwin run CITY -o FOLDER")),
    (lambda t: (t / "manifest.json").write_text("{"), ("manifest.json cannot be read",)),
    (lambda t: (t / "manifest.json").write_text("null"), ("manifest.json cannot be read",)),
    (lambda t: (t / "manifest.json").write_bytes(b"\xff{}"), ("manifest.json cannot be read",)),
    (lambda t: edit_json(t / "manifest.json", lambda _: [1]), ("manifest.json cannot be read",)),
    (manifest(format=99), ("of format 99", "reads 1", "Run again")),
    (manifest(digests={"../secret.txt": "0" * 16}), ("../secret.txt is missing",)),
    (lambda t: (t / "manifest.json").write_text("[" * 99_999), ("manifest.json cannot be read",)),
    (manifest(digests=["a"]), ("manifest.json cannot be read",)),
    (manifest(digests={}), ("is not in the manifest", "Run again")),
    (manifest(features=["../../secret"]), ("is damaged", "'../../secret' is no plain name")),
    (manifest(fields=["../../secret"]), ("is damaged", "'../../secret' is no plain name")),
    (manifest(variables=[{"name": "x"}]), ("is damaged", "Run again")),
    (lambda t: text(t / "features", "more.parquet", "x"), ("more.parquet is not in the",)),
], ids=["byte", "byte of cells", "file", "no manifest", "cut manifest", "null", "latin", "list",
        "format", "dots", "deep", "digests list", "no digests", "feature dots", "field dots",
        "variables", "foreign file"])
def test_twin_that_is_damaged(damage: Callable[[Path], Any], words: tuple[str, ...],
                              whole_twin: Path, refused: Any, tmp_path: Path) -> None:
    text(tmp_path, "secret.txt", "secret")
    damage(shutil.copytree(whole_twin, tmp_path / "town.twin"))
    refused(["export", tmp_path / "town.twin", "-o", tmp_path / "gis"], *words)


# Recipes and studies

CAP = "name: a\nedits:\n  - CapHeights: "
RECIPES: list[tuple[str, str | bytes, tuple[str, ...]]] = [
    ("no yaml", "a: [1,", ("is no YAML", "line 1")),
    ("tab", "name: a\nedits:\n\t- GreenRoofs\n", ("is no YAML", "line 3")),
    ("empty", "", ("is empty (0 bytes)",)),
    ("comment", "# later\n", ("expected 'name:' and 'edits:', got an empty file",)),
    ("list", "- a\n- b\n", ("expected 'name:' and 'edits:', got list",)),
    ("word", "hello\n", ("got str",)),
    ("key", f"nam: a\n{EDIT}", ("unknown key 'nam'", "did you mean 'name'?")),
    ("edits", "name: a\nedits: {GreenRoofs: {}}\n", ("edits is a dict, expected a list",)),
    ("edit", "name: a\nedits:\n  - GreenRoof: {}\n", ("'GreenRoof'", "'GreenRoofs'?")),
    ("field", "name: a\nedits:\n  - GreenRoofs: {shar: 1}\n", ("'shar'", "'share'?")),
    ("needed", CAP + "{}\n", ("edit 1 (CapHeights): 'height' is missing",)),
    ("type", "name: a\nedits:\n  - GreenRoofs: {share: lots}\n", ("'lots'", "from 0 to 1")),
    ("range", "name: a\nedits:\n  - GreenRoofs: {share: 3}\n", ("share is 3", "from 0 to 1")),
    ("nan", "name: a\nedits:\n  - GreenRoofs: {share: .nan}\n", ("share is nan",)),
    ("yes", "name: a\nedits:\n  - GreenRoofs: {share: yes}\n", ("share is True",)),
    ("huge", "name: a\nedits:\n  - GreenRoofs: {share: " + "9" * 5000 + "}\n", ("is no YAML",)),
    ("two in one", "name: a\nedits:\n  - {GreenRoofs: {}, CapHeights: {height: 9}}\n",
     ("edit 1", "expected one edit")),
    ("laughs", "a: &a [x, x, x]\nb: &b [*a, *a, *a]\nc: [*b, *b, *b]\n", ("aliases", "line 2")),
    ("deep", "name: " + "[" * 5000 + "]" * 5000, ("is no YAML", "recursion")),
    ("tag", f"name: !!python/object/apply:os.mkdir [pwned]\n{EDIT}", ("tag", "os.mkdir")),
    ("twice", f"name: a\nname: b\n{EDIT}", ("'name' is there twice", "line 2")),
    ("2 MB", "name: " + "a" * 2_000_000, ("2,000,006 bytes", "at most 1,000,000")),
    ("latin", f"name: é\n{EDIT}".encode("latin-1"), ("is not UTF-8 text",)),
    ("nul", b"name: a\x00b\n", ("is no YAML",)),
    ("named list", f"name: [a]\n{EDIT}", ("name is \"['a']\"", "in quotes")),
    ("long name", f"name: {'a' * 500}\n{EDIT}", ("500 characters", "at most 80")),
    ("bell", f'name: "a\\x07"\n{EDIT}', ("'a\\x07'", "can be printed")),
    ("base", f"name: base\n{EDIT}", ("'base' is the city as it is", "Use another name")),
    ("base in spaces", f'name: " base\\n"\n{EDIT}', ("'base' is the city as it is",)),
    ("corridor", "name: a\nedits:\n  - OpenCorridor: {name: mian}\n", ("'mian'", "'main'?")),
    ("street", "name: a\nedits:\n  - PlantTrees: {along: 1 Cros Street}\n",
     ("no street '1 Cros Street'", "'1 Cross Street'?")),
    ("building", "name: a\nedits:\n  - RemoveBuildings: {ids: [b1, nope]}\n",
     ("no building 'nope'", "1 of 2")),
    ("square", CAP + '{height: 9, within: "square:x"}\n', ("no square 'x'",)),
    ("within", CAP + "{height: 9, within: town}\n", ("within is 'town'", "'corridor:NAME'")),
    ("outside", CAP + "{height: 9, within: [[0, 0], [10, 0], [10, 10]]}\n",
     ("edit 1 (CapHeights)", "does not meet the study area", "in the city's CRS")),
    ("two corners", CAP + "{height: 9, within: [[0, 0], [10, 0]]}\n", ("(x, y) pairs",)),
    ("corner words", CAP + "{height: 9, within: [[a, b], [c, d], [e, f]]}\n", ("(x, y) pairs",)),
    ("path", "name: a\nedits:\n  - OpenCorridor: {name: x, width: 9, path: [[0, 0], [1, 1]]}\n",
     ("path does not meet the study area",)),
    ("no width", "name: a\nedits:\n  - OpenCorridor: {path: [[0, 0], [1, 1]]}\n", ("a width",)),
    ("park", "name: a\nedits:\n  - NewPark: {}\n", ("corners or a centre",)),
    ("corner nan", CAP + "{height: 9, within: [[.nan, 0], [1, .inf], [2, 2]]}\n", ("corners",)),
    ("centre", "name: a\nedits:\n  - NewPark: {centre: [500040]}\n", ("centre", "(500040,)")),
    ("centre word", "name: a\nedits:\n  - NewPark: {centre: here}\n", ("centre", "here")),
    ("one point", "name: a\nedits:\n  - OpenCorridor: {width: 9, path: [[500000, 3380000]]}\n",
     ("path", "at least 2")),
    ("path nan", "name: a\nedits:\n  - OpenCorridor: {width: 9, path: [[.nan, 0], [1, 1]]}\n",
     ("path", "at least 2")),
    ("along list", "name: a\nedits:\n  - PlantTrees: {along: [a]}\n", ("along", "a name")),
    ("corridor list", "name: a\nedits:\n  - OpenCorridor: {name: [a]}\n", ("name is", "a name")),
    ("id 7", "name: a\nedits:\n  - RemoveBuildings: {ids: 7}\n", ("no building '7'", "1 of 1")),
    ("id word", "name: a\nedits:\n  - RemoveBuildings: {ids: nope}\n", ("no building 'nope'",)),
]


@pytest.mark.parametrize(("content", "words"), [c[1:] for c in RECIPES], ids=[c[0] for c in
                                                                              RECIPES])
def test_recipe_that_cannot_be_applied(content: str | bytes, words: tuple[str, ...],
                                       town_file: Path, refused: Any, tmp_path: Path,
                                       monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # where a tag that runs code would leave its folder
    file = text(tmp_path, "r.yaml", content)
    told = refused(["study", "-q", town_file, file, "-o", tmp_path / "s"], *words)
    assert "r.yaml" in told.err or "scenario 'a'" in told.err


def test_two_scenarios_of_one_name(town_file: Path, refused: Any, tmp_path: Path) -> None:
    recipes = [text(tmp_path, f"{n}.yaml", f"name: greener\n{EDIT}") for n in "ab"]
    refused(["study", "-q", town_file, *recipes, "-o", tmp_path / "s"],
            "two scenarios are called 'greener'")


@pytest.mark.parametrize(("verb", "options", "words"), [
    ("compare", ["--to", "bas"], ("no scenario 'bas'", "did you mean 'base'?")),
    ("sheet", ["--scenario", "emty"], ("no scenario 'emty'", "did you mean 'empty'?")),
    ("sheet", ["--var", "co2"], ("no variable 'co2'", "did you mean 'co2_net'?")),
    ("export", ["--var", "co2"], ("no variable 'co2'",)),
], ids=["to", "scenario", "variable", "export"])
def test_study_asked_for_what_it_has_not(verb: str, options: list[object], words: tuple[str, ...],
                                         whole_study: Path, refused: Any, tmp_path: Path) -> None:
    out = {"compare": "c.csv", "sheet": "s.png", "export": "gis"}[verb]
    refused([verb, "-q", whole_study, *options, "-o", tmp_path / out], *words)


@pytest.mark.parametrize(("damage", "words"), [
    (lambda s: (s / "study.json").unlink(), ("is not a study", "citytwin study CITY RECIPE")),
    (lambda s: (s / "study.json").write_text("{"), ("is not a study",)),
    (lambda s: edit_json(s / "study.json", lambda _: [1]), ("is not a study",)),
    (lambda s: edit_json(s / "study.json", lambda m: m["names"].update(empty="../../elsewhere")),
     ("elsewhere is not a twin",)),
    (lambda s: shutil.rmtree(s / "04"), ("04 is not a twin",)),
    (lambda s: cut(s / "04" / "city.gpkg"), ("04/city.gpkg", "damaged or cut short")),
    (lambda s: (s / "study.json").write_text("[" * 99_999), ("is not a study",)),
    (lambda s: edit_json(s / "study.json", lambda m: m["names"].pop("base") and None),
     ("is not a study",)),
    (lambda s: edit_json(s / "study.json", lambda m: m.update(recipes=["["])),
     ("study.json: a recipe is no YAML",)),
    (lambda s: edit_json(s / "study.json", lambda m: m.update(
        recipes=["!!python/object/apply:os.mkdir [pwned]"])), ("study.json: a recipe", "tag")),
], ids=["no marker", "cut marker", "list", "dots", "twin gone", "city cut", "deep", "no base",
        "recipe cut", "recipe tag"])
def test_study_that_is_damaged(damage: Callable[[Path], Any], words: tuple[str, ...],
                               whole_study: Path, refused: Any, tmp_path: Path) -> None:
    damage(shutil.copytree(whole_study, tmp_path / "s"))
    refused(["compare", tmp_path / "s", "-o", tmp_path / "c.csv"], *words)


def test_markup_in_names_comes_out_escaped(whole_study: Path) -> None:
    found = scenarios.open_study(whole_study)
    pages = [found._repr_html_(), found.twins[SCRIPT]._repr_html_(),
             found.cities[SCRIPT]._repr_html_()]
    for page in pages:
        assert "<script" not in page.lower()
        assert "&lt;script&gt;" in page
        assert "城" in page


def test_names_never_become_paths(whole_study: Path, call: Any, tmp_path: Path) -> None:
    assert sorted(p.name for p in whole_study.iterdir()) == ["00", "01", "02", "03", "04",
                                                             "study.json"]
    out = tmp_path / "a" / "b" / "gis"
    told = call("export", whole_study, "-o", out, "--as", "csv", "--var", "floor_area")
    assert told.code == 0, told
    folders = sorted(p.name for p in out.iterdir() if p.is_dir())
    assert len(folders) == 5
    assert "更绿的城市" in folders
    assert "x" in folders
    assert [p.name for p in tmp_path.iterdir()] == ["a"]
    assert [p.name for p in (tmp_path / "a" / "b").iterdir()] == ["gis"]


def test_scenario_without_any_building(whole_study: Path, call: Any, tmp_path: Path) -> None:
    told = call("compare", whole_study, "--json", "--all", "-o", tmp_path / "c.csv")
    assert told.code == 0, told
    change = json.loads(told.out)["empty"]
    for name in ("building_coverage", "floor_area", "residents", "building_co2", "pv_yield"):
        assert change[name]["base"] > 0
        assert change[name]["empty"] == 0
        assert change[name]["percent"] == pytest.approx(-100)
    assert change["height_mean"]["empty"] is None
    assert change["traffic_co2"]["change"] == 0
    table = pd.read_csv(tmp_path / "c.csv", encoding="utf-8-sig").set_index(["scenario",
                                                                             "variable"])
    assert table.loc[("empty", "floor_area"), "value"] == 0
    assert table.loc[("更绿的城市", "floor_area"), "change"] == 0


def test_scenarios_that_would_share_a_folder(whole_study: Path, refused: Any,
                                             tmp_path: Path) -> None:
    shutil.copytree(whole_study, tmp_path / "s")
    edit_json(tmp_path / "s" / "study.json", lambda about: about.update(
        names={"base": "00", "a/b": "01", "a b": "02"}))
    refused(["export", tmp_path / "s", "-o", tmp_path / "gis"], "'a/b'", "share a folder",
            "Rename it")


# Failure in the middle of the work

def full_disk(*_: Any, **__: Any) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_disk_that_is_full_leaves_the_old_city(refused: Any, tmp_path: Path,
                                               monkeypatch: pytest.MonkeyPatch) -> None:
    source, out = put(tmp_path, houses()), text(tmp_path, "out.gpkg", OLD)
    write, done = pyogrio.write_dataframe, []

    def write_once(*words: Any, **options: Any) -> None:
        if done:
            full_disk()
        done.append(write(*words, **options))

    monkeypatch.setattr(pyogrio, "write_dataframe", write_once)
    refused(["import", "-q", out, "--buildings", source], "No space left on device")
    assert done
    assert out.read_bytes() == OLD


def test_disk_that_is_full_leaves_the_old_twin(town_file: Path, whole_twin: Path, refused: Any,
                                               tmp_path: Path,
                                               monkeypatch: pytest.MonkeyPatch) -> None:
    old = shutil.copytree(whole_twin, tmp_path / "t")
    monkeypatch.setattr(gpd.GeoDataFrame, "to_parquet", full_disk)
    refused(["run", "-q", town_file, "-o", old, "--want", "building_co2"],
            "No space left on device")


def test_interrupt_leaves_the_old_twin(town_file: Path, whole_twin: Path, refused: Any,
                                       tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = shutil.copytree(whole_twin, tmp_path / "t")

    def stop(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(gpd.GeoDataFrame, "to_parquet", stop)
    refused(["run", "-q", town_file, "-o", old, "--want", "building_co2"], "interrupted", code=130)


# The same through a process of its own, where C libraries write to the terminal too

def process(tmp_path: Path, *words: object) -> Told:
    root = Path(twin.__file__).parents[1]
    done = subprocess.run([sys.executable, "-m", "twin", *map(str, words)], cwd=tmp_path,
                          env={**os.environ, "PYTHONPATH": str(root)}, capture_output=True,
                          text=True, encoding="utf-8", check=False)
    return Told(done.returncode, clean(done.stdout, tmp_path), clean(done.stderr, tmp_path))


@pytest.mark.parametrize(("make", "words", "code"), [
    (lambda t: ["run", t / "nope.gpkg"], ("nope.gpkg does not exist",), 1),
    (lambda t: ["import", "-q", t / "o.gpkg", "--buildings", cut(put(t, houses()))],
     ("b.gpkg", "damaged or cut short"), 1),
    (lambda t: ["import", "-q", t / "o.gpkg", *raster(t)[:3], cut(t / "dem.tif", 0.6)],
     ("dem.tif is damaged or cut short",), 1),
    (lambda t: ["import", "-q", t / "o.gpkg", *area(t, broken(np.nan), "area.parquet")],
     ("area.parquet", "expected a polygon"), 1),
    (lambda t: ["run", "c.gpkg", "--cell", "fifty"], ("'fifty' is no number",), 2),
], ids=["missing", "gpkg cut", "raster cut", "nan", "usage"])
def test_a_process_says_one_line(make: Make, words: tuple[str, ...], code: int,
                                 tmp_path: Path) -> None:
    command = make(tmp_path)
    before = tree(tmp_path)
    told = process(tmp_path, *command)
    assert told.code == code
    check_line(told, code)
    for word in words:
        assert word in told.err
    assert told.out == ""
    assert tree(tmp_path) == before


def test_a_process_takes_chinese_folders(tmp_path: Path) -> None:
    folder = tmp_path / "武汉 <数据>"
    folder.mkdir()
    source = put(folder, houses(名称=["一", "二", "三", "四"]), "房屋.gpkg")
    told = process(tmp_path, "import", "-q", folder / "城市.gpkg", "--buildings", source, "--map",
                   "name=名称", "--name", "武汉")
    assert told.code == 0, told
    assert told.err == ""
    assert "City '武汉'" in told.out
    assert layers.read(folder / "城市.gpkg").frame("buildings")["name"].tolist() == [
        "一", "二", "三", "四"]
