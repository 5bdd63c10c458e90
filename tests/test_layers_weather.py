"""Weather files and the typical year made from monthly normals."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pvlib
import pytest
import xarray as xr
from numpy.typing import NDArray

from layers.errors import LayerError, SourceError
from layers.normals import SECTORS, load_normals
from layers.typical_year import NOT_MEASURED, typical_year
from layers.units import parse
from layers.weather import (
    VARIABLES,
    annual_ghi,
    as_weather,
    degree_days,
    local_time,
    monthly,
    read_weather,
    wind_rose,
    year_of_hours,
)

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data" / "weather"
PVLIB = Path(pvlib.__file__).parent / "data"
PLACE = ("title", "source", "licence", "latitude", "longitude", "elevation", "utc_offset")


def shared(name: str) -> Path:
    path = SHARED / name
    if not path.exists():
        pytest.skip(f"the shared weather file {name} is not here")
    return path


def sun(ds: xr.Dataset) -> pd.DataFrame:
    return pd.DataFrame(pvlib.solarposition.get_solarposition(
        pd.DatetimeIndex(ds["time"].to_numpy()), ds.attrs["latitude"], ds.attrs["longitude"],
        ds.attrs["elevation"]))


def closure(ds: xr.Dataset) -> NDArray[np.float64]:
    up = np.cos(np.radians(sun(ds)["apparent_zenith"].to_numpy())).clip(0)
    return np.asarray(ds["ghi"] - ds["dhi"] - ds["dni"] * up)


@pytest.fixture(scope="module")
def normals() -> pd.DataFrame:
    return load_normals("nantes")[0]


def make(normals: pd.DataFrame, **changed: float) -> xr.Dataset:
    _, meta = load_normals("nantes")
    return typical_year(normals, **({key: meta[key] for key in PLACE} | changed))


@pytest.fixture(scope="module")
def nantes(normals: pd.DataFrame) -> xr.Dataset:
    return make(normals)


def epw_lines(ds: xr.Dataset, city: str = "NANTES", offset: float = 1.0) -> list[str]:
    head = [f"LOCATION,{city},-,FRA,made,072220,47.15,-1.61,{offset},26.0", "DESIGN CONDITIONS,0",
            "TYPICAL/EXTREME PERIODS,0", "GROUND TEMPERATURES,0",
            "HOLIDAYS/DAYLIGHT SAVINGS,No,0,0,0", "COMMENTS 1,a", "COMMENTS 2,b",
            "DATA PERIODS,1,1,Data,Sunday, 1/ 1,12/31"]
    begins = local_time(ds) - pd.Timedelta(minutes=30)
    hours: Any = ds.to_dataframe().itertuples()
    rows = [f"{1980 + t.month},{t.month},{t.day},{t.hour + 1},60,?9,{r.temp_air:.2f},9.9,"
            f"{100 * r.relative_humidity:.2f},{r.pressure:.0f},0,0,300,{r.ghi:.3f},{r.dni:.3f},"
            f"{r.dhi:.3f},0,0,0,0,{r.wind_direction:.2f},{r.wind_speed:.3f},5,5,9999,99999,9,"
            "999999999,0,0.1,0,88,0.2,0,1"
            for t, r in zip(begins, hours, strict=True)]
    return head + rows


@pytest.fixture(scope="module")
def lines(nantes: xr.Dataset) -> list[str]:
    return epw_lines(nantes)


def put(path: Path, lines: list[str], encoding: str = "utf-8") -> Path:
    path.write_bytes(("\r\n".join(lines) + "\r\n").encode(encoding))
    return path


# the generator


def test_typical_year_has_the_months_of_its_normals(
    nantes: xr.Dataset, normals: pd.DataFrame,
) -> None:
    table = monthly(nantes)
    np.testing.assert_allclose(table["ghi"], normals["ghi_kwh_m2"], rtol=1e-6)
    means = (normals["temp_min"] + normals["temp_max"]) / 2
    np.testing.assert_allclose(table["temp_air"], means, atol=0.05)
    np.testing.assert_allclose(table["relative_humidity"], normals["relative_humidity"], atol=0.005)
    np.testing.assert_allclose(table["wind_speed"], normals["wind_speed"], rtol=1e-6)


def test_typical_year_has_the_daily_range_of_its_normals(
    nantes: xr.Dataset, normals: pd.DataFrame,
) -> None:
    daily: Any = pd.Series(nantes["temp_air"].to_numpy()).groupby(local_time(nantes).floor("D"))
    for found, name in ((daily.min(), "temp_min"), (daily.max(), "temp_max")):
        np.testing.assert_allclose(found.groupby(found.index.month).mean(), normals[name], atol=0.3)


def test_typical_year_does_not_jump_between_months(nantes: xr.Dataset) -> None:
    step = np.abs(np.diff(nantes["temp_air"]))
    first = (local_time(nantes)[1:].day == 1) & (local_time(nantes)[1:].hour == 0)
    assert step[first].max() < 2.0
    assert step.max() < 3.0


def test_sun_of_the_typical_year_closes(nantes: xr.Dataset) -> None:
    rest = closure(nantes)
    assert np.sqrt((rest**2).mean()) < 1.0
    assert np.abs(rest).max() < 5.0
    assert nantes["ghi"].to_numpy()[sun(nantes)["zenith"] > 93].max() == 0
    # Real skies at this latitude: 45 to 55 % diffuse; PVGIS, who gives the sums, has 1 % less.
    assert 0.43 < float(nantes["dhi"].sum() / nantes["ghi"].sum()) < 0.50


def of_months(ds: xr.Dataset, normals: pd.DataFrame) -> xr.Dataset:
    """Return the typical year of the place and of the monthly light of a measured one."""
    light = normals.assign(ghi_kwh_m2=monthly(ds)["ghi"].to_numpy())
    keep = {k: float(ds.attrs[k]) for k in ("latitude", "longitude", "elevation", "utc_offset")}
    return make(light, **keep)


@pytest.mark.parametrize(("path", "share", "direct"), [
    (SHARED / "pvgis_tmy_45.000_8.000_2005_2023.csv", 0.02, 0.12),
    (PVLIB / "723170TYA.CSV", 0.02, 0.08), (PVLIB / "12839.tm2", 0.06, 0.05)],
    ids=lambda v: v.name[:12] if isinstance(v, Path) else "")
def test_sun_of_the_typical_year_is_split_like_that_of_real_ones(
    path: Path, share: float, direct: float, normals: pd.DataFrame,
) -> None:
    if not path.exists():
        pytest.skip(f"the shared weather file {path.name} is not here")
    real = read_weather(path)
    made = of_months(real, normals)
    total, wanted = (monthly(ds)[["ghi", "dni", "dhi"]].sum() for ds in (made, real))
    assert total["ghi"] == pytest.approx(wanted["ghi"], rel=1e-6)
    assert total["dhi"] / total["ghi"] == pytest.approx(wanted["dhi"] / wanted["ghi"], abs=share)
    assert total["dni"] == pytest.approx(wanted["dni"], rel=direct)
    # Hours of strong direct light, which make shadows.
    strong = [int((ds["dni"] > 400).sum()) for ds in (made, real)]
    assert strong[0] == pytest.approx(strong[1], rel=0.12)


def test_clouds_pass_within_the_days_of_the_typical_year(nantes: xr.Dataset) -> None:
    time = pd.DatetimeIndex(nantes["time"].to_numpy())
    clear = pvlib.location.Location(47.15, -1.61, altitude=26).get_clearsky(time)["ghi"].to_numpy()
    high = clear > 50
    day = np.asarray(local_time(nantes).day_of_year)
    ghi = nantes["ghi"].to_numpy()
    daily = np.bincount(day, ghi * high)[1:] / np.bincount(day, clear * high)[1:]
    away = pd.Series(np.where(high, ghi / np.maximum(clear, 1) - daily[day - 1], np.nan))
    # Five real years: 0.14 to 0.22, from hour to hour 0.42 to 0.62; days 0.18 to 0.31.
    assert 0.13 < away.std() < 0.22
    assert 0.38 < away.autocorr(1) < 0.65
    assert 0.18 < daily.std() < 0.31


def test_sun_of_the_typical_year_is_never_far_above_a_clear_sky(nantes: xr.Dataset) -> None:
    time = pd.DatetimeIndex(nantes["time"].to_numpy())
    place = pvlib.location.Location(47.15, -1.61, altitude=26)
    clear = place.get_clearsky(time, model="ineichen")["ghi"].to_numpy()
    assert (nantes["ghi"].to_numpy() <= 1.05 * clear + 1e-6).all()
    high = clear > 100
    ratio = nantes["ghi"].to_numpy()[high] / clear[high]
    assert ratio.min() < 0.3  # dull days
    assert ratio.max() > 0.95  # fine days


def test_wind_of_the_typical_year_keeps_the_rose(nantes: xr.Dataset, normals: pd.DataFrame) -> None:
    rose = wind_rose(nantes, calm=0.0)
    shares = normals[[f"rose_{s}" for s in SECTORS]].to_numpy()
    hours = np.bincount(local_time(nantes).month)[1:]
    np.testing.assert_allclose(rose["frequency"], shares.T @ hours / hours.sum(), atol=0.003)
    july = nantes.isel(time=local_time(nantes).month == 7)
    np.testing.assert_allclose(wind_rose(july, calm=0.0)["frequency"], shares[6], atol=0.005)


def test_wind_of_nantes_blows_as_hard_as_its_station(nantes: xr.Dataset) -> None:
    # ASHRAE 2009 for WMO 072220: 8.0, 9.1 and 10.4 m/s are exceeded in 5, 2.5 and 1 % of hours.
    found = np.quantile(nantes["wind_speed"], [0.95, 0.975, 0.99])
    np.testing.assert_allclose(found, [8.0, 9.1, 10.4], rtol=0.15)
    speed = pd.Series(nantes["wind_speed"].to_numpy())
    assert 0.7 < speed.autocorr(1) < 0.95


def test_an_eight_sector_rose_of_one_month_only(normals: pd.DataFrame) -> None:
    eight = normals.drop(columns=[c for c in normals if str(c).startswith("rose_")])
    for sector in SECTORS[::2]:
        eight[f"rose_{sector}"] = 0.1 if sector != "SW" else 0.3
    eight.loc[7, [f"rose_{s}" for s in SECTORS[::2]]] = [0, 0, 1, 0, 0, 0, 0, 0]
    made = make(eight)
    july = local_time(made).month == 7
    rose = wind_rose(made.isel(time=july), sectors=8, calm=0.0)
    assert float(rose["frequency"].sel(sector=90)) == pytest.approx(1.0)
    rose = wind_rose(made.isel(time=~july), sectors=8, calm=0.0)
    assert float(rose["frequency"].sel(sector=225)) == pytest.approx(0.3, abs=0.005)


def test_a_seed_gives_one_year(nantes: xr.Dataset, normals: pd.DataFrame) -> None:
    xr.testing.assert_identical(nantes, make(normals))
    other = make(normals, seed=1)
    assert not np.allclose(other["ghi"], nantes["ghi"])
    np.testing.assert_allclose(monthly(other)["ghi"], monthly(nantes)["ghi"], rtol=1e-6)


def test_typical_year_says_that_it_is_not_measured(nantes: xr.Dataset) -> None:
    assert nantes.attrs["synthetic"] == "yes"
    assert NOT_MEASURED in nantes.attrs["title"]
    assert all(isinstance(value, str | int | float) for value in nantes.attrs.values())


def test_typical_year_is_hourly_and_has_units(nantes: xr.Dataset) -> None:
    time = pd.DatetimeIndex(nantes["time"].to_numpy())
    assert len(time) == 8760
    assert set(np.diff(time)) == {np.timedelta64(1, "h")}
    assert time[0] == pd.Timestamp("2000-12-31 23:30")  # half past midnight in winter Nantes
    for name in VARIABLES:
        assert nantes[name].dtype == "float64"
        assert nantes[name].attrs["long_name"]
        parse(nantes[name].attrs["units"])
        assert np.isfinite(nantes[name].to_numpy()).all()


def test_sunshine_alone_gives_the_radiation_within_a_seventh(normals: pd.DataFrame) -> None:
    made = make(normals.drop(columns="ghi_kwh_m2"))
    assert annual_ghi(made) == pytest.approx(1308, rel=0.15)


def test_the_other_side_of_the_world(normals: pd.DataFrame) -> None:
    south = normals.set_index(np.roll(np.arange(1, 13), 6)).sort_index().rename_axis("month")
    made = make(south, latitude=-41.0, longitude=174.0, utc_offset=12.0)
    np.testing.assert_allclose(monthly(made)["ghi"], south["ghi_kwh_m2"], rtol=1e-6)
    assert np.sqrt((closure(made) ** 2).mean()) < 1.0
    noon = pd.Series(made["ghi"].to_numpy()).groupby(local_time(made).hour).mean()
    assert noon.idxmax() in (11, 12)


@pytest.mark.parametrize(("change", "words"), [
    ({"ghi_kwh_m2": 320.0}, "clear sky"),
    ({"ghi_kwh_m2": -1.0}, "clear sky"),
    ({"relative_humidity": 88.0}, "relative_humidity"),
    ({"wind_speed": np.nan}, "wind_speed"),
    ({"temp_min": 40.0}, "temp_min"),
    ({"rose_N": 0.5}, "sums to"),
])
def test_impossible_normals_are_refused(
    normals: pd.DataFrame, change: dict[str, float], words: str,
) -> None:
    with pytest.raises(LayerError, match=words):
        make(normals.assign(**change))


def test_incomplete_normals_are_refused(normals: pd.DataFrame) -> None:
    with pytest.raises(LayerError, match="month from 1 to 12"):
        make(normals.iloc[:11])
    with pytest.raises(LayerError, match="temp_max, ghi_kwh_m2 or sunshine_hours"):
        make(normals.drop(columns=["temp_max", "ghi_kwh_m2", "sunshine_hours"]))
    with pytest.raises(LayerError, match="16, 8 or 4 sectors"):
        make(normals.drop(columns="rose_N"))


# the normals of Nantes


def test_normals_of_nantes_agree_with_what_was_read(normals: pd.DataFrame) -> None:
    quarter = (normals.index - 1) // 3
    np.testing.assert_allclose(normals["ghi_kwh_m2"].groupby(quarter).sum(), [194, 491, 471, 152],
                               atol=0.2)
    mean = (normals["temp_min"] + normals["temp_max"]) / 2
    np.testing.assert_allclose(mean.groupby(quarter).mean(), [7.18, 14.57, 18.64, 10.33], atol=0.6)
    assert normals.loc[1, "sunshine_hours"] == 73
    assert normals.loc[6:8, "sunshine_hours"].sum() == 647
    np.testing.assert_allclose(normals[[f"rose_{s}" for s in SECTORS]].sum(axis=1), 1.0)


def test_normals_tell_the_source_and_tag_of_each_column(normals: pd.DataFrame) -> None:
    _, meta = load_normals("nantes")
    for column in normals:
        words = meta["columns"]["rose" if str(column).startswith("rose_") else column]
        assert words.startswith(("V", "R"))
        assert "[" in words  # its unit
    assert (meta["latitude"], meta["longitude"], meta["utc_offset"]) == (47.15, -1.61, 1.0)


@pytest.mark.parametrize("name", ["atlantis", "../normals/nantes", "", "nantes.csv"])
def test_unknown_normals_are_refused(name: str) -> None:
    with pytest.raises(SourceError, match="known are nantes"):
        load_normals(name)


# real files


def test_wuhan_epw() -> None:
    ds = read_weather(shared("CHN_HB_Tianhe-Wuhan.574940_TMYx.epw"))
    table = monthly(ds)
    np.testing.assert_allclose(table[["ghi", "dni", "dhi"]].sum(), [1459, 1363, 566], rtol=0.005)
    assert table.loc[7, "temp_air"] == pytest.approx(29.5, abs=0.1)
    np.testing.assert_allclose(
        table["ghi"], [83, 81, 115, 142, 155, 143, 172, 156, 127, 113, 87, 84], atol=0.6)
    assert float(ds["wind_speed"].mean()) == pytest.approx(2.4, abs=0.05)
    assert float(ds["relative_humidity"].mean()) == pytest.approx(0.77, abs=0.01)
    assert ds["time"].to_numpy()[0] == np.datetime64("2000-12-31T16:30")
    assert ds.attrs["synthetic"] == "no"
    assert "Tianhe-Wuhan" in ds.attrs["title"]


def test_greensboro_tmy3() -> None:
    ds = read_weather(PVLIB / "723170TYA.CSV")
    total = monthly(ds)[["ghi", "dni", "dhi"]].sum()
    np.testing.assert_allclose(total, [1566, 1477, 682], rtol=0.005)
    assert annual_ghi(ds) == pytest.approx(total["ghi"])
    assert float(ds["pressure"].mean()) == pytest.approx(98_700, abs=300)  # 273 m above the sea
    assert ds["time"].to_numpy()[0] == np.datetime64("2001-01-01T05:30")
    # Direct, diffuse and global agree best with the sun of the middle of the hour.
    rest = {late: float(np.sqrt((closure(ds.assign_coords(
        time=ds["time"] + np.timedelta64(late, "m"))) ** 2).mean())) for late in range(-60, 61, 20)}
    assert min(rest, key=rest.__getitem__) == 0
    assert rest[0] < 2


def test_miami_tmy2() -> None:
    ds = read_weather(PVLIB / "12839.tm2")
    frame, _ = pvlib.iotools.read_tmy2(str(PVLIB / "12839.tm2"))
    assert annual_ghi(ds) == pytest.approx(frame["GHI"].sum() / 1000)
    assert float(ds["temp_air"].mean()) == pytest.approx(24.3, abs=0.1)
    assert float(ds["wind_speed"].mean()) == pytest.approx(4.34, abs=0.01)
    assert float(ds["pressure"].mean()) == pytest.approx(101_700, abs=200)
    rose = wind_rose(ds, sectors=4)
    assert rose["frequency"].to_numpy().argmax() == 1  # the trade wind is from the east
    assert np.sqrt((closure(ds) ** 2).mean()) < 8


def test_pvgis_csv() -> None:
    ds = read_weather(shared("pvgis_tmy_45.000_8.000_2005_2023.csv"))
    np.testing.assert_allclose(monthly(ds)[["ghi", "dni", "dhi"]].sum(), [1436, 1592, 571],
                               rtol=0.005)
    assert np.sqrt((closure(ds) ** 2).mean()) < 1.0  # the offset in its header is used
    assert ds.attrs["elevation"] == 250


# what a file may hold


def test_epw_gives_back_what_was_written(
    tmp_path: Path, nantes: xr.Dataset, lines: list[str],
) -> None:
    back = read_weather(put(tmp_path / "a.epw", lines))
    np.testing.assert_array_equal(back["time"], nantes["time"])
    for name, tolerance in (("ghi", 1e-3), ("dni", 1e-3), ("dhi", 1e-3), ("temp_air", 0.01),
                            ("relative_humidity", 1e-3), ("wind_speed", 1e-3),
                            ("wind_direction", 0.01), ("pressure", 1.0)):
        np.testing.assert_allclose(back[name], nantes[name], atol=tolerance)


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030"])
def test_epw_of_a_chinese_city(tmp_path: Path, lines: list[str], encoding: str) -> None:
    named = [lines[0].replace("NANTES", "武汉").replace("FRA", "CHN"), *lines[1:]]
    assert "武汉" in read_weather(put(tmp_path / "武汉.epw", named, encoding)).attrs["title"]


def test_epw_marks_of_missing_values_become_nan(tmp_path: Path, lines: list[str]) -> None:
    rows = [line.split(",") for line in lines]
    for row, (column, mark) in enumerate(
            [(6, "99.9"), (8, "999"), (9, "999999"), (13, "9999"), (14, "9999"), (15, "9999"),
             (20, "999"), (21, "999")], start=20):
        rows[row][column] = mark
    ds = read_weather(put(tmp_path / "a.epw", [",".join(row) for row in rows]))
    missing = {name: int(np.isnan(ds[name]).sum()) for name in VARIABLES}
    assert missing == dict.fromkeys(VARIABLES, 1)


def test_too_many_missing_values_are_refused(tmp_path: Path, lines: list[str]) -> None:
    rows = [line.split(",") for line in lines]
    for row in rows[8:1000]:
        row[6] = "99.9"
    path = put(tmp_path / "a.epw", [",".join(row) for row in rows])
    with pytest.raises(LayerError, match="temp_air is missing in 11%"):
        read_weather(path)


@pytest.mark.parametrize(("column", "value", "name"), [
    (13, "-5", "ghi"), (13, "1800", "ghi"), (6, "75", "temp_air"), (21, "150", "wind_speed"),
    (20, "400", "wind_direction"), (8, "150", "relative_humidity")])
def test_values_that_cannot_be_true_are_refused(
    tmp_path: Path, lines: list[str], column: int, value: str, name: str,
) -> None:
    row = lines[2008].split(",")
    row[column] = value
    path = put(tmp_path / "a.epw", [*lines[:2008], ",".join(row), *lines[2009:]])
    with pytest.raises(LayerError, match=rf"{name} is .* 03-25 07:30 UTC"):
        read_weather(path)


def pvgis_csv(ds: xr.Dataset, late: str = "Irradiance Time Offset (h): 0.5000\r\n") -> str:
    begins = pd.DatetimeIndex(year_of_hours(8760, start=-0.5)).strftime("%Y%m%d:%H%M")
    hours: Any = ds.to_dataframe().itertuples()
    rows = "".join(
        f"{t},{r.temp_air:.2f},{100 * r.relative_humidity:.2f},{r.ghi:.2f},{r.dni:.2f},{r.dhi:.2f},"
        f"300.0,{r.wind_speed:.2f},{r.wind_direction:.1f},{r.pressure:.1f}\r\n"
        for t, r in zip(begins, hours, strict=True))
    months = "".join(f"{month},{2006 + month}\r\n" for month in range(1, 13))
    return ("Latitude (decimal degrees): 47.150\r\nLongitude (decimal degrees): -1.610\r\n"
            f"Elevation (m): 26.0\r\n{late}month,year\r\n{months}"
            f"time(UTC),T2m,RH,G(h),Gb(n),Gd(h),IR(h),WS10m,WD10m,SP\r\n{rows}"
            "T2m: 2-m air temperature (degree Celsius)\r\n\r\nPVGIS (c) European Union\r\n")


def test_pvgis_json_is_like_its_csv(tmp_path: Path, nantes: xr.Dataset) -> None:
    text = pvgis_csv(nantes)
    (tmp_path / "a.csv").write_text(text, newline="")
    table = [line.split(",") for line in text.splitlines()[17:17 + 8761]]
    hours = [{k: v if k == "time(UTC)" else float(v) for k, v in zip(table[0], row, strict=True)}
             for row in table[1:]]
    place = {"latitude": 47.15, "longitude": -1.61, "elevation": 26.0,
             "irradiance_time_offset": 0.5}
    found = {"inputs": {"location": place}, "meta": {"inputs": {}},
             "outputs": {"months_selected": [], "tmy_hourly": hours}}
    (tmp_path / "a.json").write_text(json.dumps(found))
    first, second = read_weather(tmp_path / "a.csv"), read_weather(tmp_path / "a.json")
    xr.testing.assert_equal(first, second)
    np.testing.assert_allclose(first["ghi"], nantes["ghi"], atol=0.01)
    assert first["time"].to_numpy()[0] == np.datetime64("2001-01-01T00:30")
    (tmp_path / "b.csv").write_text(pvgis_csv(nantes, late=""), newline="")
    assert "assumed" in read_weather(tmp_path / "b.csv").attrs["time_note"]


# files that are none


def test_bad_files_are_told_in_one_line(
    tmp_path: Path, nantes: xr.Dataset, lines: list[str],
) -> None:
    (tmp_path / "folder.epw").mkdir()
    (tmp_path / "empty.epw").write_text("  \n")
    put(tmp_path / "short.epw", lines[:5008])
    put(tmp_path / "head.epw", lines[:3])
    (tmp_path / "prose.epw").write_text("Dear sir,\nplease find no weather here.\n")
    (tmp_path / "prose.csv").write_text("a,b\n1,2\n")
    (tmp_path / "noise.epw").write_bytes(bytes(range(256)) * 40)
    (tmp_path / "noise.tm2").write_bytes(bytes(range(256)) * 40)
    (tmp_path / "list.json").write_text("[1, 2]")
    (tmp_path / "prose.json").write_text("no json")
    (tmp_path / "year.docx").write_text("x")
    put(tmp_path / "order.epw", [*lines[:8], *lines[1000:], *lines[8:1000]])
    put(tmp_path / "words.epw", [*lines[:8], *["a,b,c,d,e,f,g"] * 8760])
    put(tmp_path / "place.epw", [lines[0].replace("47.15", "north"), *lines[1:]])
    (tmp_path / "short.csv").write_text(pvgis_csv(nantes)[:200_000], newline="")
    tmy3 = (PVLIB / "723170TYA.CSV").read_text().splitlines()
    put(tmp_path / "tmy3.csv", tmy3[:3002])
    words = {
        "nowhere.epw": "there is no weather file", "folder.epw": "is a folder",
        "empty.epw": "is empty", "short.epw": "holds 5000 hours, expected 8760",
        "head.epw": "holds 0 hours", "prose.epw": "is no EPW file",
        "prose.csv": "neither a TMY3 nor a PVGIS", "noise.epw": "is no EPW file",
        "noise.tm2": "hours, expected 8760", "list.json": "tmy_hourly",
        "prose.json": "cannot be read", "year.docx": "expected .epw, .csv, .tm2, .json",
        "order.epw": "hour 1: 02-11 08 h, expected 01-01 00 h", "words.epw": "cannot be read",
        "place.epw": "cannot be read", "short.csv": "hours, expected 8760",
        "tmy3.csv": "holds 3000 hours",
    }
    for name, expected in words.items():
        with pytest.raises(SourceError) as caught:
            read_weather(tmp_path / name)
        told = str(caught.value)
        assert expected in told, f"{name}: {told}"
        assert name in told
        assert "\n" not in told
        assert caught.value.mend
        assert caught.value.__cause__ is None
        assert caught.value.__context__ is None or caught.value.__suppress_context__


# summaries


def steady(hours: int = 8760, utc_offset: float = 0.0,
           **columns: NDArray[np.float64] | float) -> xr.Dataset:
    full = {"ghi": 100.0, "temp_air": 10.0} | columns
    return as_weather({k: np.broadcast_to(v, hours) for k, v in full.items()},
                      year_of_hours(hours, start=-utc_offset), where="test", utc_offset=utc_offset)


def test_a_leap_year_has_a_longer_february() -> None:
    table = monthly(steady(8784))
    assert table.loc[2, "ghi"] == pytest.approx(29 * 24 * 0.1)
    assert table["ghi"].sum() == pytest.approx(878.4)


@pytest.mark.parametrize("offset", [-9.5, 0.0, 8.0])
def test_months_are_those_of_the_place(offset: float) -> None:
    month = year_of_hours(8760).month.to_numpy()
    table = monthly(steady(utc_offset=offset, temp_air=month.astype(float)))
    np.testing.assert_array_equal(table["temp_air"], np.arange(1, 13))


def test_wind_rose_of_a_lopsided_wind() -> None:
    speed, direction = np.full(8760, 4.0), np.full(8760, 45.0)
    direction[:2190], speed[:2190] = 355.0, 2.0
    speed[2190:2628] = 0.2
    rose = wind_rose(steady(wind_speed=speed, wind_direction=direction), sectors=8)
    assert float(rose["frequency"].sel(sector=0)) == pytest.approx(0.25)
    assert float(rose["frequency"].sel(sector=45)) == pytest.approx(0.70)
    assert float(rose["calm"]) == pytest.approx(0.05)
    assert float(rose["frequency"].sum() + rose["calm"]) == pytest.approx(1.0)
    assert float(rose["mean_speed"].sel(sector=0)) == pytest.approx(2.0)
    assert np.isnan(rose["mean_speed"].sel(sector=180))


def test_no_wind_gives_no_rose() -> None:
    ds = steady()
    assert np.isnan(ds["wind_speed"]).all()
    with pytest.raises(LayerError, match="0 hours with wind"):
        wind_rose(ds)


def test_degree_days_of_a_steady_year() -> None:
    assert degree_days(steady(temp_air=10.0)) == pytest.approx((365 * 8, 0))
    assert degree_days(steady(temp_air=30.0)) == pytest.approx((0, 365 * 4))
    # Warm days and cold nights: only the mean of the day counts.
    swing = 22 + 8 * np.sin(2 * np.pi * (np.arange(8760) + 0.5) / 24)
    assert degree_days(steady(temp_air=swing)) == pytest.approx((0, 0), abs=1e-9)
