"""The sun on the command line: what it writes, where it lies, what it refuses, what it says."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pvlib
import pytest
import shapely
import xarray as xr
from gis_rasters import CELL, NORTH, WEST, put, written
from pyproj import CRS
from rasterio.transform import from_origin

from layers.errors import GridError
from layers.weather import as_weather, year_of_hours
from twin import cli, sun_run
from twin.sun_bench import clear_year, measure
from twin.sun_memory import BASE, PER_CELL, check_room
from twin.sun_report import LIMITS, as_markdown, group_of, misfits
from twin.sun_validation import claims, validate_rows, weather_year

TMY = Path(pvlib.__path__[0]) / "data" / "723170TYA.CSV"
SECONDS = ["compile", "weather", "horizon", "total"]
AUDIT = ["offset_minutes", "closure_rmse", "ghi", "dni", "dhi", "diffuse_share", "flags"]
UNITS = {"irradiation": "kWh m-2 a-1", "irradiation_month": "kWh m-2", "sky_view": "1",
         "sun_hours": "h a-1"}
Call = Callable[..., tuple[int, str, str]]


def town() -> np.ndarray:
    """A tower in the north-east of the middle, on ground 100 m above the sea."""
    rows = np.full((30, 44), 100.0, np.float32)
    rows[10:14, 26:30] = 140.0
    return rows


@pytest.fixture(scope="module")
def surface(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return put(tmp_path_factory.mktemp("日 照") / "表面.tif", town())


@pytest.fixture(scope="module")
def lit(surface: Path) -> tuple[xr.Dataset, dict[str, Any]]:
    out, about = surface.with_name("日.nc"), surface.with_name("摘要.json")
    assert cli.main(["sun", str(surface), "-o", str(out), "--weather", str(TMY), "-q",
                     "--json", str(about)]) == 0
    return written(out), json.loads(about.read_text(encoding="utf-8"))


def at(field: xr.DataArray, row: float, column: float) -> float:
    """Value at a row from the north and a column from the west."""
    return float(field.sel(x=WEST + CELL * (column + 0.5), y=NORTH - CELL * (row + 0.5)))


# ---- what is written


def test_a_tower_shades_what_lies_north_of_it(lit):
    year = lit[0]["irradiation"]
    north, south = at(year, 8, 28), at(year, 15, 28)
    east, west = at(year, 11, 31), at(year, 11, 24)  # as far from its walls
    assert north < 0.7 * south
    assert north < min(east, west) < max(east, west) < south
    december = lit[0]["irradiation_month"].isel(month=11)
    assert at(december, 8, 28) < 0.5 * at(december, 15, 28)
    mirrored = at(year, 29 - 8, 28)  # were the rows upside down the shade would lie there
    assert mirrored > 0.95 * float(year.max())


def test_open_ground_gets_what_the_weather_has_and_months_sum_to_the_year(lit):
    data, _ = lit
    assert at(data["irradiation"], 29, 0) == pytest.approx(1566, rel=0.03)
    assert float(data["irradiation"].max()) == pytest.approx(1566.2, rel=0.01)
    np.testing.assert_allclose(data["irradiation_month"].sum("month"), data["irradiation"],
                               atol=0.3)
    assert data["irradiation_month"].mean(("y", "x")).argmax("month") in (4, 5, 6)
    assert float(data["sky_view"].max()) == pytest.approx(1.0, abs=1e-3)
    assert at(data["sky_view"], 11, 27) == pytest.approx(1.0, abs=1e-3)  # the roof
    # The sun is up half of the year, less what lies below 1 degree.
    assert 0.45 * 8760 < float(data["sun_hours"].max()) < 0.51 * 8760


def test_coordinates_and_attributes_follow_the_conventions(lit, surface):
    data, _ = lit
    np.testing.assert_allclose(data["x"], WEST + CELL * (np.arange(44) + 0.5))
    np.testing.assert_allclose(data["y"], NORTH - CELL * (29.5 - np.arange(30)))
    assert data["month"].values.tolist() == list(range(1, 13))
    assert CRS.from_wkt(data["spatial_ref"].attrs["crs_wkt"]) == CRS.from_epsg(32650)
    assert set(data.data_vars) == set(UNITS)
    for name, units in UNITS.items():
        field = data[name]
        assert field.attrs["units"] == units
        assert field.encoding["grid_mapping"] == "spatial_ref"
        assert field.dims[-2:] == ("y", "x")
        assert field.dtype == np.float32
    assert data["irradiation_month"].dims == ("month", "y", "x")
    assert data.attrs["Conventions"] == "CF-1.11"
    assert surface.name in data.attrs["history"]
    assert "doi:" in data.attrs["references"]
    assert data.attrs["latitude"] == pytest.approx(36.1)


def test_the_summary_has_just_these_numbers(lit):
    about = lit[1]
    assert list(about) == ["cells", "directions", "seconds", "peak_mb"]
    assert (about["cells"], about["directions"]) == (30 * 44, 72)
    assert list(about["seconds"]) == SECONDS
    assert about["seconds"]["total"] > about["seconds"]["horizon"] > 0
    assert 50 < about["peak_mb"] < 8000


def test_json_on_stdout_and_notes_on_stderr(call, surface, tmp_path):
    code, out, err = call("sun", surface, "-o", tmp_path / "s.nc", "--weather", TMY, "--json",
                          "--directions", "36", "--scale-to-ghi", "1285")
    assert code == 0
    assert json.loads(out)["directions"] == 36
    assert "times 0.820 to 1285 kWh m-2" in err
    assert "km from the surface" in err
    assert float(written(tmp_path / "s.nc")["irradiation"].max()) == pytest.approx(1285, rel=0.01)


def test_height_of_the_datum_changes_nothing(call, surface, lit, tmp_path):
    low = put(tmp_path / "low.tif", town() - 430.0)
    assert call("sun", low, "-o", tmp_path / "s.nc", "--weather", TMY, "-q")[0] == 0
    np.testing.assert_allclose(written(tmp_path / "s.nc")["irradiation"], lit[0]["irradiation"],
                               rtol=1e-4)


def test_trees_take_light_from_north_of_them(call, surface, lit, tmp_path):
    tops = np.zeros((30, 44), np.float32)
    tops[20:22, 8:14] = 12.0
    trees = put(tmp_path / "树.tif", tops)
    found = {}
    for through in ("0.0", "0.3"):
        assert call("sun", surface, "-o", tmp_path / "s.nc", "--weather", TMY, "-q", "--canopy",
                    trees, "--through", through)[0] == 0
        found[through] = written(tmp_path / "s.nc")["irradiation"]
    free = lit[0]["irradiation"]
    dark, leafy = (at(found[t], 18, 11) for t in ("0.0", "0.3"))
    assert dark < leafy < at(free, 18, 11)
    assert dark + 0.3 * (at(free, 18, 11) - dark) == pytest.approx(leafy, rel=0.02)
    assert at(found["0.0"], 24, 11) > 0.9 * at(free, 24, 11)


def test_few_holes_are_looked_over_and_have_no_result(call, lit, tmp_path):
    rows = town()
    rows[20, 5:9] = -9999
    holed = put(tmp_path / "h.tif", rows, nodata=-9999)
    code, out, _ = call("sun", holed, "-o", tmp_path / "s.nc", "--weather", TMY, "-q")
    assert code == 0
    assert "4 cells without a height" in out
    year = written(tmp_path / "s.nc")["irradiation"]
    assert int(np.isnan(year).sum()) == 4
    assert np.isnan(at(year, 20, 6))
    np.testing.assert_allclose(year.values[~np.isnan(year)],
                               lit[0]["irradiation"].values[~np.isnan(year)], rtol=1e-5)


# ---- roofs


def test_a_gable_gets_its_planes_and_its_yield(call, tmp_path):
    y = np.arange(30)[:, None] * np.ones(44)
    rows = np.full((30, 44), 50.0)
    ridge = 64 - np.abs(y - 14.5) * CELL * math.tan(math.radians(30))
    rows[10:20, 10:34] = ridge[10:20, 10:34]
    house = shapely.box(WEST + 20, NORTH - 40, WEST + 68, NORTH - 20)
    feet = tmp_path / "房屋.gpkg"
    gpd.GeoDataFrame({"height": [14.0]}, geometry=[house], crs="EPSG:32650").to_file(feet)
    raster = put(tmp_path / "s.tif", rows)
    code, _, err = call("sun", raster, "-o", tmp_path / "roof.nc", "--weather", TMY, "-q",
                        "--buildings", feet)
    assert (code, err) == (0, "")
    year = written(tmp_path / "roof.nc")["irradiation"]
    # pvlib's open planes of 30 degrees, 1776 to the south and 1092 to the north.
    assert at(year, 17, 22) == pytest.approx(1776, rel=0.01)
    assert at(year, 12, 22) == pytest.approx(1092, rel=0.01)
    table = gpd.read_file(tmp_path / "roof.gpkg")
    (row,) = table.to_dict("records")
    assert row["planes"] == 2
    assert row["roof_source"] == "fitted"
    assert row["roof_area"] == pytest.approx(960 / math.cos(math.radians(30)), rel=0.02)
    assert row["irradiation"] == pytest.approx((1776 + 1092) / 2, rel=0.015)
    assert row["kwp"] == pytest.approx(0.215 * row["module_area"], rel=1e-3)
    assert 0.7 < row["kwh"] / row["kwp"] / 1776 < 0.85  # performance ratio of the sunny side
    assert row["kwh_low"] < row["kwh"] < row["kwh_high"]


def test_buildings_that_lie_elsewhere_are_told(call, surface, tmp_path):
    feet = tmp_path / "b.gpkg"
    gpd.GeoDataFrame({"height": [9.0]}, geometry=[shapely.box(0, 0, 20, 20)],
                     crs="EPSG:32650").set_geometry(
        [shapely.box(WEST + 5000, NORTH, WEST + 5020, NORTH + 20)], crs="EPSG:32650").to_file(feet)
    code, out, err = call("sun", surface, "-o", tmp_path / "s.nc", "--weather", TMY, "-q",
                          "--buildings", feet)
    assert (code, out) == (1, "")
    assert "none of 1 buildings lies on 表面.tif" in err
    assert not (tmp_path / "s.nc").exists()


# ---- weather


def test_the_audit_has_just_these_numbers(call):
    code, out, err = call("weather", TMY, "--json")
    assert (code, err) == (0, "")
    found = json.loads(out)
    assert list(found) == AUDIT
    assert found["offset_minutes"] == pytest.approx(30, abs=1)
    assert found["ghi"] == pytest.approx(1566, abs=1)
    assert found["dni"] == pytest.approx(1477, abs=1)
    assert found["diffuse_share"] == pytest.approx(found["dhi"] / found["ghi"], abs=1e-3)
    assert found["flags"] == []


def test_the_audit_scales_and_compares(call, tmp_path):
    scaled = json.loads(call("weather", TMY, "--scale-to-ghi", "1285", "--json")[1])
    assert scaled["ghi"] == pytest.approx(1285)
    assert scaled["dni"] == pytest.approx(1477 * 1285 / 1566.2, rel=1e-3)
    assert "scaled" in scaled["flags"][0]
    both = json.loads(call("weather", TMY, TMY, "--json")[1])
    assert [row["file"] for row in both] == [TMY.name] * 2
    told = call("weather", TMY)[1]
    assert "1,566, 1,477, 682 kWh m-2" in told
    assert "nothing doubtful" in told


def test_a_sum_beyond_belief_is_refused(call):
    code, out, err = call("weather", TMY, "--scale-to-ghi", "12850")
    assert (code, out) == (1, "")
    assert "expected 783 to 3132 kWh m-2" in err


def made_year(latitude: float, longitude: float = 0.0, hours: int = 8760) -> xr.Dataset:
    """Cloudless weather anywhere: a sine of the sun's height, exactly closed."""
    stamps = year_of_hours(hours)
    sun = pvlib.solarposition.spa_python(pd.DatetimeIndex(stamps, tz="UTC"), latitude, longitude)
    sine = np.maximum(np.sin(np.deg2rad(sun["apparent_elevation"].to_numpy())), 0.0)
    dni, dhi = 850.0 * sine**0.4, 60.0 * (sine > 0)
    return as_weather({"ghi": dni * sine + dhi, "dni": dni, "dhi": dhi,
                       "temp_air": np.full(hours, 10.0)}, stamps, where="made",
                      utc_offset=0.0, latitude=latitude, longitude=longitude)


@pytest.mark.parametrize(("latitude", "hours"), [(-33.9, 8760), (36.0, 8784), (78.2, 8760)])
def test_south_leap_years_and_polar_nights_work(call, surface, tmp_path, monkeypatch, latitude,
                                                hours):
    weather = made_year(latitude, hours=hours)
    monkeypatch.setattr(sun_run, "read_weather", lambda _: weather)
    code, _, err = call("sun", surface, "-o", tmp_path / "s.nc", "--weather", "made.epw", "-q",
                        "--directions", "36")
    assert (code, err) == (0, "")
    data = written(tmp_path / "s.nc")
    year, ghi = data["irradiation"], float(weather["ghi"].sum()) / 1000
    # The corner towards the sun, which the tower shades least.
    assert at(year, 29 if latitude > 0 else 0, 0) == pytest.approx(ghi, rel=0.03)
    north, south = at(year, 8, 27), at(year, 15, 27)
    assert (south < north) is (latitude < 0)
    december = data["irradiation_month"].isel(month=11)
    assert np.isfinite(data["irradiation_month"]).all()
    if latitude > 70:
        np.testing.assert_array_equal(december, 0.0)
        assert float(data["sun_hours"].max()) > 4000


def test_weather_without_a_place_takes_that_of_the_surface(call, surface, tmp_path, monkeypatch):
    weather = made_year(30.7, 117.0)
    del weather.attrs["latitude"], weather.attrs["longitude"]
    monkeypatch.setattr(sun_run, "read_weather", lambda _: weather)
    code, out, _ = call("sun", surface, "-o", tmp_path / "s.nc", "--weather", "made.epw", "-q")
    assert code == 0
    assert "30.73 N 117.00 E, is taken" in out
    bare = put(tmp_path / "bare.tif", town(), crs=None)
    code, _, err = call("sun", bare, "-o", tmp_path / "t.nc", "--weather", "made.epw", "-q")
    assert code == 1
    assert "does not say where it was taken" in err


# ---- what is refused


def _with(rows: np.ndarray, **changed: Any) -> Callable[[Path], Path]:
    return lambda folder: put(folder / "x.tif", rows, **changed)


def holed() -> np.ndarray:
    rows = town()
    rows[:10, :10] = -9999
    return rows


@pytest.mark.parametrize(("make", "words"), [
    (_with(holed(), nodata=-9999), ("100 of 1,320 cells have no height", "at most 1%")),
    (_with(np.full((5, 5), np.nan)), ("every cell is nodata",)),
    (_with(town() * 1000), ("heights such as", "expected -500 to 9000 m")),
    (_with(town(), crs="EPSG:4326", transform=from_origin(114, 31, 1e-5, 1e-5)),
     ("lies in degrees", "gdalwarp")),
    (_with(np.full((1, 1), 9.0)), ("1 x 1 cells, expected at least 2 x 2",)),
    (_with(np.stack([town(), town()])), ("2 bands, expected one",)),
    (_with(town(), transform=from_origin(WEST, NORTH, 2.0, 3.0)), ("expected squares",)),
    (lambda folder: folder / "none.tif", ("none.tif",))])
def test_a_bad_surface_is_one_clear_line(call, tmp_path, make, words):
    code, out, err = call("sun", make(tmp_path), "-o", tmp_path / "o.nc", "--weather", TMY, "-q")
    assert (code, out) == (1, "")
    assert err.startswith("citytwin: ")
    assert len(err.splitlines()) == 1
    for word in words:
        assert word in err
    assert not (tmp_path / "o.nc").exists()


@pytest.mark.parametrize(("flags", "words"), [
    (("--directions", "3"), "--directions 3: expected 8 to 720"),
    (("--canopy", "other.tif"), "Bring it onto the grid"),
    (("--canopy", "other.tif", "--through", "2"), "--through 2: expected 0 to 1"),
    (("--weather", "none.epw"), "there is no weather file none.epw"),
    (("--weather", "cut.epw"), "cut.epw"),
    (("--weather", "kilo.csv"), "ghi of the weather is at most"),
    (("--json", "x.txt"), "ends in .json"),
    (("-o", "o.tif"), "ends in .nc")])
def test_bad_words_are_one_clear_line(call, surface, tmp_path, monkeypatch, flags, words):
    monkeypatch.chdir(tmp_path)
    put(tmp_path / "other.tif", town()[:20])
    (tmp_path / "cut.epw").write_text("LOCATION,somewhere\n", encoding="utf-8")
    small = TMY.read_text(encoding="utf-8").splitlines()
    head = small[1].split(",")
    columns = [head.index(f"{k} (W/m^2)") for k in ("GHI", "DNI", "DHI")]
    rows = [line.split(",") for line in small[2:]]
    for row in rows:
        for column in columns:
            row[column] = str(float(row[column]) / 1000)
    (tmp_path / "kilo.csv").write_text(
        "\n".join([*small[:2], *(",".join(row) for row in rows)]) + "\n", encoding="utf-8")
    code, out, err = call("sun", surface, "-o", "o.nc", "--weather", TMY, "-q", *flags)
    assert (code, out) == (1, "")
    assert len(err.splitlines()) == 1
    assert words in err
    assert not (tmp_path / "o.nc").exists()


def test_leaves_without_trees_are_wrong_usage(call, surface, tmp_path):
    code, _, err = call("sun", surface, "-o", tmp_path / "o.nc", "--weather", TMY, "--through",
                        "0.2")
    assert code == 2
    assert "--through needs --canopy" in err


def test_a_raster_too_large_says_what_would_fit():
    check_room(1000, 1000, cell=1.0, name="a.tif", free=BASE + PER_CELL * 1e6)
    with pytest.raises(GridError, match=r"a.tif: 20,000 x 20,000 cells need .* GiB, 4.0 GiB are"):
        check_room(20_000, 20_000, cell=1.0, name="a.tif", free=4 * 2.0**30)
    with pytest.raises(GridError, match=r"Take cells of \d") as told:
        check_room(20_000, 20_000, cell=1.0, name="a.tif", free=4 * 2.0**30)
    side = int(str(told.value).rsplit("tiles of ", 1)[1].split(" x ")[0].replace(",", ""))
    check_room(side, side, cell=1.0, name="a.tif", free=4 * 2.0**30)
    with pytest.raises(GridError):
        check_room(side + 2, side + 2, cell=1.0, name="a.tif", free=4 * 2.0**30)


# ---- validation and speed


@pytest.fixture(scope="module")
def rows() -> list[dict[str, Any]]:
    return validate_rows(weather_year(None))


def test_the_sun_is_what_geometry_and_pvlib_say(rows):
    assert list(rows[0]) == ["case", "quantity", "expected", "got", "error"]
    groups = {name: [r for r in rows if group_of(r) == name] for name in LIMITS}
    assert {name: len(own) for name, own in groups.items()} == {
        "sky view": 23, "shadow": 16, "light of scenes": 7, "mean of cells": 4, "worst cell": 4,
        "light of planes": 9, "light of upright cells": 1, "light of open ground": 1}
    for name, own in groups.items():
        worst = max(abs(r["error"]) for r in own)
        assert worst < LIMITS[name], name
    for row in rows:
        assert row["error"] == pytest.approx(row["got"] / row["expected"] - 1, abs=6e-4)
    exact = {r["quantity"]: r["expected"] for r in rows if r["case"] == "canyon, H/W 1"}
    assert list(exact.values()) == pytest.approx([0.4472, 0.4142, 0.2764, 0.2929], abs=1e-4)


def test_what_misses_is_named(rows):
    bad = {**rows[0], "got": 0.5, "error": 0.5 / rows[0]["expected"] - 1}
    lines = misfits([bad, *rows[1:]])
    assert any(line.startswith("Misses: canyon, H/W 0.5") for line in lines)
    assert len([line for line in lines if not line.startswith("Misses")]) == len(LIMITS)


def test_the_section_says_what_was_run_and_names_the_claim(rows):
    year = weather_year(None)
    lines = claims(year)
    assert "5.61 MWp" in lines[0]
    assert "km from the plant" in lines[1]
    text = as_markdown(rows, lines, year, command="citytwin validate sun", date="2026-01-01")
    assert text.count("\n| ") == len(rows) + 2  # and the head
    assert "GREENSBORO" in text
    assert "**Where it misses**" in text


def test_validate_sun_refuses_flags_of_the_wind(call):
    code, _, err = call("validate", "sun", "--data", "x")
    assert code == 2
    assert "go with validate wind" in err
    assert call("validate", "wind", "--weather", "x")[0] == 2


def test_the_bench_measures_what_it_says():
    found = measure((48, 96))
    assert [run["cells"] for run in found["runs"]] == [48**2, 96**2]
    for run in found["runs"]:
        assert set(run["steps"]) == {"horizon", "year and months"}
        for step in run["steps"].values():
            assert step["cell_directions_per_s"] == pytest.approx(
                run["cells"] * 72 / step["wall_s"], rel=0.1)
    assert found["compile_s"] >= 0
    year = clear_year()
    assert len(year["time"]) == 8760


def test_the_bench_speaks_json(call):
    code, out, err = call("bench", "sun", "--size", "40", "--json")
    assert (code, err) == (0, "")
    assert json.loads(out)["runs"][0]["cells"] == 1600
    assert call("bench", "sun", "--size", "3")[0] == 1
