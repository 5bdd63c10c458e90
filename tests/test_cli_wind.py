"""The wind on the command line: what it writes, where it lies, and what it refuses."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from gis_rasters import CELL, NORTH, WEST, put, written
from pyproj import CRS
from rasterio.transform import Affine, from_origin

from layers.errors import GridError
from twin import cli, wind_files, wind_memory
from twin.wind.inflow import log_profile, roughness_of
from twin.wind.levels import FIELDS, RATIOS
from twin.wind.sectors import station_count
from twin.wind_bench import STEPS, copy_speed, made_city, measure, stopped
from twin.wind_memory import BASE, PER_CELL, available, check_memory, needed

SUMMARY = ["columns", "levels", "cells", "iterations", "residual", "divergence", "seconds",
           "peak_mb", "threads"]
SECONDS = ["compile", "blocks", "zones", "solve", "turbulence", "write", "total"]
Call = Callable[..., tuple[int, str, str]]


def _north_east() -> np.ndarray:
    rows = np.zeros((30, 44), np.float32)
    rows[4:11, 24:30] = 14.0  # a block in the north-east of the middle
    return rows


@pytest.fixture(scope="module")
def heights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return put(tmp_path_factory.mktemp("风 场") / "高度.tif", _north_east())


@pytest.fixture(scope="module")
def west_wind(heights: Path) -> tuple[xr.Dataset, dict[str, Any]]:
    out, about = heights.with_name("风.nc"), heights.with_name("摘要.json")
    assert cli.main(["wind", str(heights), "-o", str(out), "--from", "270", "--speed", "6",
                     "--at", "10", "--z0", "0.1", "--levels", "10,1.5", "-q",
                     "--json", str(about)]) == 0
    return written(out), json.loads(about.read_text(encoding="utf-8"))


# ---- what is written


def test_the_wake_lies_behind_the_building_and_nowhere_else(west_wind):
    speed = west_wind[0]["speed"].sel(level=1.5)
    east, north = WEST + CELL * 32.5, NORTH - CELL * 7.5  # behind the middle of the block
    free = float(log_profile(6.0, 10.0, 0.1).at(1.5))
    behind = float(speed.sel(x=east, y=north))
    mirrored = [speed.sel(x=east, y=NORTH - CELL * 22.5),   # as far from the south
                speed.sel(x=WEST + CELL * 11.5, y=north)]   # as far from the west
    assert behind < 0.5 * free
    for other in mirrored:
        assert float(other) > 0.85 * free
    assert np.isnan(speed.sel(x=WEST + CELL * 26.5, y=north))


def test_buildings_are_empty_where_the_raster_has_them(west_wind):
    speed = west_wind[0]["speed"].sel(level=1.5)
    np.testing.assert_array_equal(np.isnan(speed.values[::-1]), _north_east() > 0)


def test_coordinates_are_cell_centres_that_rise(west_wind):
    data = west_wind[0]
    np.testing.assert_allclose(data["x"], WEST + CELL * (np.arange(44) + 0.5))
    np.testing.assert_allclose(data["y"], NORTH - CELL * (29.5 - np.arange(30)))
    assert data["level"].values.tolist() == [1.5, 10.0]
    assert float(data["wind_from"]) == 270.0
    assert data["wind_from"].attrs["standard_name"] == "wind_from_direction"
    assert CRS.from_wkt(data["spatial_ref"].attrs["crs_wkt"]) == CRS.from_epsg(32650)


def test_attributes_follow_the_conventions(west_wind):
    data = west_wind[0]
    assert list(data.data_vars) == list(FIELDS)
    for name, field in data.data_vars.items():
        assert field.encoding["grid_mapping"] == "spatial_ref"
        assert field.attrs["units"] == FIELDS[str(name)][0]
        assert field.dims == ("level", "y", "x")
        assert field.dtype == np.float32
    assert {a: data[a].attrs["standard_name"] for a in "xy"} == {
        "x": "projection_x_coordinate", "y": "projection_y_coordinate"}
    assert data.attrs["Conventions"] == "CF-1.11"
    assert data.attrs["source"].startswith("citytwin ")
    assert "citytwin wind" in data.attrs["history"]
    assert "高度.tif" in data.attrs["history"]
    assert "doi:" in data.attrs["references"]
    assert "neutral" in data.attrs["comment"]
    assert data.attrs["reference_speed"] == pytest.approx(6.0)
    assert data.attrs["roughness_length"] == pytest.approx(0.1)
    assert 0 < data.attrs["residual"] < 1e-3


def test_the_undisturbed_wind_is_that_asked_for(west_wind):
    upwind = west_wind[0].sel(level=10.0).isel(x=0)
    assert float(upwind["u"].mean()) == pytest.approx(6.0, rel=0.03)
    assert abs(float(upwind["v"].mean())) < 0.1


def test_summary(west_wind):
    summary = west_wind[1]
    assert list(summary) == SUMMARY
    assert list(summary["seconds"]) == SECONDS
    assert summary["columns"] == [30 + 80, 44 + 80]  # with the margin of 80 m
    assert summary["cells"] == 110 * 124 * summary["levels"]
    assert summary["residual"] < 1e-3
    assert summary["divergence"] < 1e-2
    assert summary["iterations"] >= 1
    parts = [summary["seconds"][s] for s in SECONDS[:-1]]
    assert all(p >= 0 for p in parts)
    assert sum(parts) <= summary["seconds"]["total"] + 1e-3
    assert summary["peak_mb"] > 50
    assert summary["threads"] >= 1


def test_json_without_a_name_goes_to_stdout(call: Call, heights: Path, tmp_path: Path):
    code, out, err = call("wind", heights, "-o", tmp_path / "w.nc", "--from", "0", "--json")
    assert code == 0
    assert list(json.loads(out)) == SUMMARY
    assert "from the form of the upwind 500 m" in err


def test_people_are_told_the_numbers(call: Call, heights: Path, tmp_path: Path):
    code, out, err = call("wind", heights, "-o", tmp_path / "w.nc", "--from", "360")
    assert code == 0
    assert "110 x 124, margin included" in out
    assert "wind: solving" in err
    assert float(written(tmp_path / "w.nc")["wind_from"]) == 0.0


@pytest.mark.parametrize("turned", ["south up", "west last"])
def test_rows_and_columns_in_any_order_give_the_same(turned: str, west_wind, call: Call,
                                                     tmp_path: Path):
    rows, place = _north_east(), from_origin(WEST, NORTH, CELL, CELL)
    if turned == "south up":
        rows, place = rows[::-1], Affine(CELL, 0, WEST, 0, CELL, NORTH - 30 * CELL)
    else:
        rows, place = rows[:, ::-1], Affine(-CELL, 0, WEST + 44 * CELL, 0, -CELL, NORTH)
    file = put(tmp_path / "h.tif", rows, transform=place)
    assert call("wind", file, "-o", tmp_path / "w.nc", "--from", "270", "--speed", "6", "--z0",
                "0.1", "-q")[0] == 0
    again = written(tmp_path / "w.nc")
    for name in FIELDS:
        np.testing.assert_array_equal(again[name], west_wind[0][name])
    np.testing.assert_allclose(again["y"], west_wind[0]["y"])


def test_nodata_is_open_and_what_is_no_number_is_told(call: Call, west_wind, tmp_path: Path):
    rows = _north_east()
    gaps = np.where(rows > 0, rows, -9999.0)
    gaps[20, 3:6] = np.nan
    file = put(tmp_path / "h.tif", gaps, nodata=-9999.0)
    code, out, _ = call("wind", file, "-o", tmp_path / "w.nc", "--from", "270", "--speed", "6",
                        "--z0", "0.1", "-q")
    assert code == 0
    assert "3 cells are not a number beside its nodata" in out
    np.testing.assert_array_equal(written(tmp_path / "w.nc")["speed"], west_wind[0]["speed"])


def test_a_raster_without_crs_is_taken_in_metres_and_said(call: Call, tmp_path: Path):
    file = put(tmp_path / "h.tif", _north_east(), crs=None)
    code, out, _ = call("wind", file, "-o", tmp_path / "w.nc", "--from", "0", "-q")
    assert code == 0
    assert "has no CRS: its coordinates are taken as metres" in out
    data = written(tmp_path / "w.nc")
    assert "spatial_ref" not in data.coords
    assert "has no CRS" in data.attrs["comment"]


def test_roughness_is_that_of_the_form_upwind(call: Call, heights: Path, tmp_path: Path):
    assert call("wind", heights, "-o", tmp_path / "w.nc", "--from", "200", "-q")[0] == 0
    expected = roughness_of(_north_east()[::-1], CELL, 200.0, reach=500.0)[0]
    assert written(tmp_path / "w.nc").attrs["roughness_length"] == pytest.approx(expected)
    put(tmp_path / "flat.tif", np.zeros((12, 12), np.float32))
    assert call("wind", tmp_path / "flat.tif", "-o", tmp_path / "f.nc", "--from", "200",
                "-q")[0] == 0
    assert written(tmp_path / "f.nc").attrs["roughness_length"] == pytest.approx(0.03)


@pytest.mark.parametrize(("extra", "at_ten"), [((), 4.0), (("--speed", "8", "--at", "10"), 8.0),
                                               (("--speed", "8"), 8.0)])
def test_a_profile_is_taken_as_it_is_or_scaled(call: Call, tmp_path: Path, extra, at_ten):
    put(tmp_path / "flat.tif", np.zeros((12, 12), np.float32))
    (tmp_path / "廓线.csv").write_text("z,U\n2,3\n10,4\n100,6\n", encoding="utf-8")
    code, _, err = call("wind", tmp_path / "flat.tif", "-o", tmp_path / "w.nc", "--from", "90",
                        "--profile", tmp_path / "廓线.csv", *extra, "-q")
    assert code == 0, err
    at = written(tmp_path / "w.nc").sel(level=10.0)
    np.testing.assert_allclose(at["u"], -at_ten, rtol=5e-3)


def test_trees_and_ground_are_used(call: Call, heights: Path, west_wind, tmp_path: Path):
    tops = np.zeros((30, 44), np.float32)
    tops[18:26, 8:12] = 8.0
    put(tmp_path / "c.tif", tops)
    hill = np.tile(np.linspace(0, 6, 44, dtype=np.float32), (30, 1))
    hill[0, 0] = np.nan
    put(tmp_path / "d.tif", hill)
    code, out, _ = call("wind", heights, "-o", tmp_path / "w.nc", "--from", "270", "--speed", "6",
                        "--z0", "0.1", "--canopy", tmp_path / "c.tif", "--leaf", "1", "--terrain",
                        tmp_path / "d.tif", "-q")
    assert code == 0
    assert "1 cells without elevation" in out
    lee = {"x": WEST + CELL * 13.5, "y": NORTH - CELL * 21.5, "level": 1.5}
    bare = float(west_wind[0]["speed"].sel(**lee))
    assert float(written(tmp_path / "w.nc")["speed"].sel(**lee)) < 0.9 * bare


# ---- a year


@pytest.fixture(scope="module")
def weather(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A year of west wind at 4 m/s by day and calm nights."""
    head = ["LOCATION,武汉,-,CHN,made,574940,30.6,114.1,8.0,26.0", "DESIGN CONDITIONS,0",
            "TYPICAL/EXTREME PERIODS,0", "GROUND TEMPERATURES,0",
            "HOLIDAYS/DAYLIGHT SAVINGS,No,0,0,0", "COMMENTS 1,a", "COMMENTS 2,b",
            "DATA PERIODS,1,1,Data,Sunday, 1/ 1,12/31"]
    hours = np.datetime64("2001-01-01T00") + np.arange(8760)
    rows = []
    for t in hours.tolist():
        day = 6 <= t.hour < 18
        rows.append(f"1990,{t.month},{t.day},{t.hour + 1},60,?9,15.0,9.9,60,101000,0,0,300,"
                    f"{300 * day},0,{100 * day},0,0,0,0,270,{4.0 * day:.1f},5,5,9999,99999,9,"
                    "999999999,0,0.1,0,88,0.2,0,1")
    file = tmp_path_factory.mktemp("w") / "武汉.epw"
    file.write_text("\r\n".join([*head, *rows]) + "\r\n", encoding="utf-8")
    return file


@pytest.fixture(scope="module")
def year(heights: Path, weather: Path) -> tuple[xr.Dataset, dict[str, Any]]:
    out, about = heights.with_name("年.nc"), heights.with_name("年.json")
    assert cli.main(["wind", str(heights), "-o", str(out), "--weather", str(weather), "--sectors",
                     "8", "--levels", "1.5", "--json", str(about), "-q"]) == 0
    return written(out), json.loads(about.read_text(encoding="utf-8"))


def test_a_year_holds_every_direction(year):
    data, summary = year
    assert data["wind_from"].values.tolist() == [0.0, 45.0, 90.0, 135.0, 180.0, 225.0, 270.0, 315.0]
    for name in RATIOS:
        assert data[name].dims == ("wind_from", "level", "y", "x")
        assert data[name].encoding["grid_mapping"] == "spatial_ref"
        assert data[name].attrs["units"] == "1"
        np.testing.assert_array_equal(np.isnan(data[name].values[:, 0, ::-1]),
                                      np.broadcast_to(_north_east() > 0, (8, 30, 44)))
    assert list(summary) == SUMMARY
    assert data.attrs["weather"].startswith("武汉")


def test_each_direction_has_its_wake_on_its_lee(year):
    data = year[0].sel(level=1.5)
    speed = np.hypot(data["u"], data["v"])  # of the mean vector: wakes are turbulent
    row, column = NORTH - CELL * 7.5, WEST + CELL * 26.5
    lee = {0.0: (column, NORTH - CELL * 16.5), 90.0: (WEST + CELL * 18.5, row),
           270.0: (WEST + CELL * 35.5, row)}
    for wind_from, (x, y) in lee.items():
        here = speed.sel(x=x, y=y)
        assert float(here.sel(wind_from=wind_from)) < 0.8 * float(
            here.sel(wind_from=(wind_from + 180.0) % 360.0))


def test_the_year_is_what_its_hours_make_of_the_directions(year):
    data = year[0]
    west = data.sel(wind_from=270.0)
    np.testing.assert_allclose(data["mean_speed"], 2.0 * west["speed"], rtol=1e-5)  # half the time
    np.testing.assert_allclose(data["mean_u"], 2.0 * west["u"], rtol=1e-4, atol=1e-6)
    assert data["mean_speed"].attrs["standard_name"] == "wind_speed"
    np.testing.assert_allclose(data["frequency"].sel(wind_from=270.0), 1.0, atol=1e-6)
    local = 4.0 * west["speed"]
    expected = xr.where(local < 1.0, 1.0, 0.5).where(local.notnull())
    np.testing.assert_allclose(data["weak"], expected, atol=1e-5)
    assert (data["still"] >= 0.5).where(local.notnull(), True).all()
    often = (local > 5.0) * 0.5  # share of time above the speed of the classes of NEN 8100
    calm = data["nen_8100"].where(often.isel(level=0) == 0)
    assert float(calm.max()) == 0.0  # class A
    assert np.isnan(data["lawson_lddc"].values[::-1][_north_east() > 0]).all()
    assert data["lawson_lddc"].attrs["flag_meanings"].split()[0] == "frequent_sitting"


def test_the_mast_and_the_city_have_one_wind_aloft(call: Call, weather: Path, tmp_path: Path):
    put(tmp_path / "flat.tif", np.zeros((12, 12), np.float32))
    for rough, expected in ((None, 1.0), (0.5, np.log1p(20) / np.log1p(120) * np.log1p(2000)
                                          / np.log1p(10 / 0.03))):
        words = ["--z0", rough] if rough else []
        code, out, _ = call("wind", tmp_path / "flat.tif", "-o", tmp_path / "w.nc", "--weather",
                            weather, "--sectors", "8", "--levels", "10", *words, "-q")
        assert code == 0
        data = written(tmp_path / "w.nc")
        mean = np.hypot(data["u"], data["v"]) * station_count()
        np.testing.assert_allclose(mean, expected, rtol=5e-3)
        assert "no comfort classes" in out
        assert "lawson_lddc" not in data


# ---- what is refused


@pytest.fixture(scope="module")
def bad(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[list[Any], int, str]]:
    """Words, exit code and a piece of the error of every fault."""
    rows, tmp_path = _north_east(), tmp_path_factory.mktemp("bad")

    def file(name: str, values: np.ndarray = rows, **changed: Any) -> Path:
        return put(tmp_path / f"{name}.tif", values, **changed)

    (tmp_path / "out").mkdir()
    good, out = file("good"), tmp_path / "out" / "wind.nc"
    one = ["-o", out, "--from", "270"]
    (tmp_path / "broken.tif").write_bytes(good.read_bytes()[:300])
    (tmp_path / "falls.csv").write_text("z,U\n2,3\n10,4\n100,1\n", encoding="utf-8")
    (tmp_path / "folder.nc").mkdir()
    degrees = {"transform": from_origin(114.3, 30.6, 2e-5, 2e-5)}
    absurd, islands = rows.copy(), rows.copy()
    absurd[3, 3], islands[islands == 0] = 1200.0, 1.0
    return {
        "degrees": ([file("lonlat", crs="EPSG:4326", **degrees), *one], 1, "degrees"),
        "degrees without a CRS": ([file("bare", crs=None, **degrees), *one], 1, "degrees"),
        "feet": ([file("feet", crs="EPSG:2263"), *one], 1, "expected metres"),
        "nowhere": ([file("nowhere", crs=None, transform=None), *one], 1, "neither"),
        "negative": ([file("negative", rows - 5), *one], 1, "such as -5 m"),
        "absurd": ([file("absurd", absurd), *one], 1, "such as 1200 m"),
        "no open cell": ([file("islands", islands), *one], 1, "no cell is open"),
        "nothing": ([file("nothing", rows * 0 - 1, nodata=-1), *one], 1, "every cell is nodata"),
        "infinite": ([file("inf", np.where(rows > 0, np.inf, 0)), *one], 1, "such as inf"),
        "one cell": ([file("one", rows[:1, :1]), *one], 1, "expected at least 2 x 2"),
        "not square": ([file("wide", transform=from_origin(WEST, NORTH, 2, 3)), *one], 1,
                       "2 x 3 m"),
        "rotated": ([file("turned", transform=from_origin(WEST, NORTH, 2, 2)
                          @ Affine.rotation(20)), *one], 1, "rotated"),
        "bands": ([file("bands", np.stack([rows, rows])), *one], 1, "2 bands"),
        "complex": ([file("complex", rows, dtype="complex64"), *one], 1, "complex64"),
        "broken": ([tmp_path / "broken.tif", *one], 1, "no readable raster"),
        "missing": ([tmp_path / "goood.tif", *one], 1, "did you mean 'good.tif'"),
        "a folder": ([tmp_path, *one], 1, "is a directory"),
        "speed 0": ([good, *one, "--speed", 0], 1, "--speed 0"),
        "speed negative": ([good, *one, "--speed=-3"], 1, "--speed -3"),
        "at 0": ([good, *one, "--at", 0], 1, "--at 0"),
        "direction": ([good, "-o", out, "--from", 400], 1, "--from 400"),
        "direction negative": ([good, "-o", out, "--from=-90"], 1, "--from -90"),
        "tolerance": ([good, *one, "--tolerance", 1], 1, "--tolerance 1"),
        "margin": ([good, *one, "--margin=-1"], 1, "--margin -1"),
        "z0": ([good, *one, "--z0", 0], 1, "--z0 0"),
        "level negative": ([good, *one, "--levels=-1.5"], 1, "--levels -1.5"),
        "level too high": ([good, *one, "--levels", "1.5,4000"], 1, "level 4000 m is not in"),
        "profile falls": ([good, *one, "--profile", tmp_path / "falls.csv"], 1, "falls with"),
        "canopy elsewhere": ([good, *one, "--canopy", file("c", rows[1:])], 1,
                             "44 x 29 cells of 2 m"),
        "terrain shifted": ([good, *one, "--terrain", file(
            "t", transform=from_origin(WEST + 1, NORTH, 2, 2))], 1, "from 500001.00"),
        "terrain of another CRS": ([good, *one, "--terrain", file("u", crs="EPSG:32649")], 1,
                                   "EPSG:32649"),
        "sectors": ([good, "-o", out, "--weather", "w.epw", "--sectors", 12], 1, "--sectors 12"),
        "no weather": ([good, "-o", out, "--weather", tmp_path / "no.epw"], 1, "no weather file"),
        "output folder": ([good, "-o", tmp_path / "folder.nc", "--from", 1], 1, "is a directory"),
        "output name": ([good, "-o", tmp_path / "w.tif", "--from", 1], 1, "ends in .nc"),
        "json name": ([good, *one, "--json", tmp_path / "s.txt"], 1, "ends in .json"),
        "neither": ([good, "-o", out], 2, "--weather FILE for a year"),
        "both": ([good, *one, "--weather", "w.epw"], 2, "--weather FILE for a year"),
        "z0 and profile": ([good, *one, "--z0", 1, "--profile", "p.csv"], 2, "exclude"),
        "at without speed": ([good, *one, "--at", 5, "--profile", "p.csv"], 2, "needs --speed"),
        "leaf": ([good, *one, "--leaf", 1], 2, "needs --canopy"),
        "speed of a year": ([good, "-o", out, "--weather", "w.epw", "--speed", 3], 2, "--speed"),
        "no number": ([good, *one, "--levels", "1.5,high"], 2, "'high' is no number"),
        "no levels": ([good, *one, "--levels", ","], 2, "holds no numbers"),
    }


BAD = (
    "degrees", "degrees without a CRS", "feet", "nowhere", "negative", "absurd", "no open cell",
    "nothing", "infinite", "one cell", "not square", "rotated", "bands", "complex", "broken",
    "missing", "a folder", "speed 0", "speed negative", "at 0", "direction", "direction negative",
    "tolerance", "margin", "z0", "level negative", "level too high", "profile falls",
    "canopy elsewhere", "terrain shifted", "terrain of another CRS", "sectors", "no weather",
    "output folder", "output name", "json name", "neither", "both", "z0 and profile",
    "at without speed", "leaf", "speed of a year", "no number", "no levels")


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_told_in_one_line_and_nothing_is_written(case: str, call: Call, bad):
    words, expected, told = bad[case]
    folder = Path(bad["neither"][0][0]).parent
    before = sorted(folder.rglob("*"))
    code, out, err = call("wind", *words, "-q")
    assert code == expected, err
    assert told in err
    assert out == ""
    if expected == 1:
        assert len(err.strip().splitlines()) == 1
        assert err.startswith("citytwin: ")
        assert "unexpected" not in err
    assert sorted(folder.rglob("*")) == before


def test_every_fault_is_tried(bad):
    assert set(BAD) == set(bad)


def test_weather_without_wind_is_refused(call: Call, heights: Path, weather: Path, tmp_path: Path):
    lines = weather.read_text(encoding="utf-8").splitlines()
    rows = [",".join([*(c := line.split(","))[:20], "999", *c[21:]]) for line in lines[8:]]
    still = tmp_path / "still.epw"
    still.write_text("\r\n".join([*lines[:8], *rows]) + "\r\n", encoding="utf-8")
    code, _, err = call("wind", heights, "-o", tmp_path / "w.nc", "--weather", still, "-q")
    assert code == 1
    assert "wind_direction" in err
    assert not (tmp_path / "w.nc").exists()


def test_the_heights_are_not_written_over(call: Call, heights: Path, tmp_path: Path):
    own = tmp_path / "h.nc"
    own.write_bytes(heights.read_bytes())
    code, _, err = call("wind", own, "-o", own, "--from", "0", "-q")
    assert code == 1
    assert "one of the files to read" in err
    assert own.read_bytes() == heights.read_bytes()


def test_an_older_file_stays_when_the_run_fails(call: Call, heights: Path, tmp_path: Path,
                                                monkeypatch: pytest.MonkeyPatch):
    from twin import wind_output

    out = tmp_path / "w.nc"
    out.write_bytes(b"old")

    def fails(_: xr.Dataset, file: Path) -> None:
        file.write_bytes(b"half")
        raise OSError(28, "No space left on device", str(file))

    monkeypatch.setattr(wind_output, "write_netcdf", fails)
    code, _, err = call("wind", heights, "-o", out, "--from", "0", "-q")
    assert code == 1
    assert "No space left" in err
    assert [p.name for p in tmp_path.iterdir()] == ["w.nc"]
    assert out.read_bytes() == b"old"


# ---- memory


def test_what_is_kept_of_other_directions_counts():
    assert needed(100, 100, 30, kept=512.0) - needed(100, 100, 30) == 512.0 * 100 * 100


def test_folders_of_results_are_made(call: Call, heights: Path, tmp_path: Path):
    out, told = tmp_path / "新" / "w.nc", tmp_path / "more" / "s.json"
    code, _, err = call("wind", heights, "-o", out, "--from", "0", "--json", told, "-q")
    assert code == 0, err
    assert list(json.loads(told.read_text())) == SUMMARY
    assert out.is_file()


def test_more_than_fits_is_refused_before_the_solve(call: Call, heights: Path, tmp_path: Path,
                                                    monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(wind_memory, "available", lambda: BASE + PER_CELL * 104 * 118 * 29)
    code, _, err = call("wind", heights, "-o", tmp_path / "w.nc", "--from", "0", "-q")
    assert code == 1
    assert "110 x 124 columns of 29 levels need 0.3 GiB, 0.3 GiB are free" in err
    assert "Take cells of" in err
    assert not (tmp_path / "w.nc").exists()


def test_what_is_recommended_fits():
    free = 4 * 2.0**30
    with pytest.raises(GridError) as told:
        check_memory(20_000, 30_000, 30, cell=2.0, margin=8, name="h.tif", free=free)
    words = str(told.value).replace(",", "").split()
    coarse, side = float(words[words.index("of", words.index("Take")) + 1]), int(
        words[words.index("tiles") + 2])
    factor = 2.0 / coarse
    assert needed(int(20_000 * factor) + 17, int(30_000 * factor) + 17, 30) <= free
    assert needed(side + 16, side + 16, 30) <= free < needed(side + 40, side + 40, 30)
    check_memory(side, side, 30, cell=2.0, margin=8, name="h.tif", free=free)


def test_a_raster_too_large_to_read_is_refused_by_its_header(tmp_path: Path,
                                                             monkeypatch: pytest.MonkeyPatch):
    file = put(tmp_path / "h.tif", np.zeros((200, 200), np.float32))
    monkeypatch.setattr(wind_memory, "available", lambda: BASE + 1e6)
    with pytest.raises(GridError, match="200 x 200 columns"):
        wind_files.read_heights(file)


def test_free_memory_is_known_here():
    free = available()
    assert free is None or 0 < free < 2.0**46


# ---- how fast


def test_bench_measures_what_simulate_does():
    from twin.wind import flow

    own = {name: getattr(flow, name) for names in STEPS.values() for name in names}
    found = measure((40,))
    assert {name: getattr(flow, name) for name in own} == own
    run = found["runs"][0]
    assert run["columns"] == [120, 120]
    assert run["cells"] == 120 * 120 * run["levels"]
    assert set(run["steps"]) == {*STEPS, "reading", "total"}
    for took in run["steps"].values():
        assert took["wall_s"] > 0
        assert took["cells_per_s"] == pytest.approx(run["cells"] / took["wall_s"], rel=0.2)
    parts = sum(t["wall_s"] for n, t in run["steps"].items() if n != "total")
    assert run["steps"]["total"]["wall_s"] == pytest.approx(parts, rel=1e-2)
    assert run["residual"] < 1e-3
    assert found["copy_gb_s"] > 0.1


def test_bench_puts_the_steps_back_after_a_fault():
    from twin.wind import flow

    own = flow.project
    with pytest.raises(RuntimeError), stopped():
        raise RuntimeError
    assert flow.project is own


def test_the_city_of_the_bench_is_two_fifths_built():
    city = made_city(240)
    assert 0.35 < (city > 0).mean() < 0.45
    assert 4.0 <= city[city > 0].min() <= city.max() <= 150.0
    np.testing.assert_array_equal(city, made_city(240))
    assert (city != made_city(240, seed=1)).any()


def test_copying_memory_takes_time():
    assert 0.1 < copy_speed(2**20) < 10_000


def test_bench_on_the_command_line(call: Call, monkeypatch: pytest.MonkeyPatch):
    from twin import wind_bench

    monkeypatch.setattr(wind_bench, "COPIED", 2**20)
    code, out, _ = call("bench", "wind", "--size", "40", "--json", "-q")
    assert code == 0
    assert json.loads(out)["runs"][0]["columns"] == [120, 120]
    code, out, _ = call("bench", "wind", "--size", "40", "-q")
    assert code == 0
    assert "M cells / s" in out.splitlines()[0]
    assert "GB/s" in out
    assert call("bench", "wind", "--size", "4")[0] == 1
    assert call("bench", "heat")[0] == 2


# ---- against measurements


@pytest.mark.parametrize(("words", "code", "told"), [
    (("wind",), 2, "needs --data FOLDER"), (("wind", "--data", "no such"), 1, "no folder"),
    (("wind", "--data", "d", "--only", "A", "-o", "v.md"), 2, "leave out --only"),
    (("wind", "--data", "d", "-o", "v.txt"), 1, "ends in .md"),
    (("heights", "--data", "d"), 2, "go with validate wind")])
def test_validation_is_told_what_is_wrong(words, code: int, told: str, call: Call):
    ended, out, err = call("validate", *words)
    assert (ended, out) == (code, "")
    assert told in err
