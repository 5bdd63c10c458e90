"""Radiant temperature, UTCI and PET, the night, the cooling index, and bands of differences."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from numpy.typing import NDArray

from layers.errors import CityTwinError, FactorError, MissingInput
from layers.units import parse
from layers.weather import as_weather, read_weather, year_of_hours
from twin.factor import COLUMNS, Factor, from_row
from twin.heat import radiant
from twin.heat.bands import (
    SHARED,
    WEIGHTS,
    Uncertain,
    band,
    difference_band,
    draws,
    evaluate,
    uncertain,
)
from twin.heat.comfort import comfort_day, utci, wind_at
from twin.heat.day import design_day
from twin.heat.exposure import block_cells, heat_exposure
from twin.heat.invest import (
    cooling_capacity,
    globe_temperature,
    night_capacity,
    urban_cooling,
    work_loss,
)
from twin.heat.night import (
    daily_scale,
    footprint_mean,
    heat_island,
    night_heat,
    weather_scale,
)
from twin.heat.parameters import (
    DATA,
    FELT,
    GROUNDS,
    Parameters,
    given,
    limits,
    own,
    parameter,
    parameter_range,
    picked,
    recorded,
)
from twin.heat.physiological import Person, pet, pet_regression, wet_bulb
from twin.heat.radiant import (
    Hour,
    Surfaces,
    fluxes,
    radiant_temperature,
    sky_emissivity,
    sunlit_walls,
    surface_excess,
    surfaces,
)

NOON = Hour(34.0, 0.55, 750.0, 150.0, 75.0)
NIGHT = Hour(24.0, 0.6, 0.0, 0.0, -20.0)
AT_NOON = {"solar_time": 12.5, "highest_sun": 75.0, "sunrise": 5.2}
PAVED = surfaces("paved", **AT_NOON)


def _tmrt(hour: Hour, place: Surfaces, sunlit: object, svf: object) -> NDArray[np.float64]:
    return radiant_temperature(fluxes(hour, place, sunlit, svf))


@pytest.fixture(scope="module")
def greensboro() -> xr.Dataset:
    import pvlib

    return read_weather(Path(pvlib.__file__).parent / "data" / "723170TYA.CSV")


@pytest.fixture(scope="module")
def hot_day(greensboro: xr.Dataset) -> xr.Dataset:
    return design_day(greensboro)


def _year(hot: range = range(200, 207), clear: int = 203, **more: float) -> xr.Dataset:
    """A year at 30 N 120 E: all days alike but for a hot week with one clear day."""
    time = year_of_hours(8760, start=-8.0)
    hour = np.arange(8760) % 24
    day = np.arange(8760) // 24
    sun = np.maximum(np.sin((hour - 5.5) / 13 * np.pi), 0) * (hour > 5) * (hour < 19)
    share = np.where(day == clear, 1.0, 0.5)
    columns = {"ghi": 900 * sun * share, "dni": 700 * sun * share, "dhi": 300 * sun * share,
               "temp_air": 20 + 10 * np.isin(day, list(hot)) + 3 * sun,
               "relative_humidity": np.full(8760, 0.6), "wind_speed": np.full(8760, 2.0)}
    return as_weather(columns, time, where="test", latitude=30.0, longitude=120.0, utc_offset=8.0,
                      **more)


# the table ---------------------------------------------------------------------------------------

def test_rows_have_units_sources_and_ranges():
    with DATA.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        assert tuple(reader.fieldnames or ()) == COLUMNS
        rows: list[Factor] = [from_row(row) for row in reader]
    assert len({f.factor_id for f in rows}) == len(rows)
    for f in rows:
        parse(f.unit)
        assert f.low <= f.value <= f.high, f.factor_id
        assert f.tag in "VDR"
        assert len(f.source) > 3
        if f.tag == "R":
            capped = f.unit == "1" and f.high == 1
            assert f.value - f.low >= 0.3 * abs(f.value) - 1e-9, f.factor_id
            assert f.high - f.value >= 0.3 * abs(f.value) - 1e-9 or capped, f.factor_id


def test_published_limits_of_the_classes():
    assert list(limits("utci").values()) == [26, 32, 38, 46]
    assert list(limits("pet").values()) == [23, 29, 35, 41]
    assert limits("pet", {"outdoor.pet.strong": 36.0})["strong"] == 36


def test_unknown_parameters_are_named_with_their_neighbour():
    with pytest.raises(FactorError, match=r"utci\.strong"):
        parameter("utci.stronk")
    with pytest.raises(FactorError, match=r"no outdoor heat factor 'albedo\.lawn'"):
        parameter("albedo.grass", {"albedo.lawn": 0.2})
    with pytest.raises(FactorError, match="expected a number"):
        parameter("albedo.grass", {"albedo.grass": float("nan")})


def test_parameters_are_those_of_the_table_but_for_the_users():
    assert given() is own()
    assert given({"outdoor.albedo.paved": 0.3})["albedo.paved"] == 0.3
    mine = own().but({"albedo.paved": 0.3})
    assert given(mine) is mine
    assert own()["albedo.paved"] == 0.2
    assert (mine.row("albedo.paved").low, mine.row("albedo.paved").high) == (0.1, 0.35)
    assert len(mine) == len(list(own())) > len(FELT)
    with pytest.raises(FactorError, match=r"did you mean 'albedo\.paved'"):
        mine["albedo.pavd"]
    one, many = surfaces("paved", values=mine, **AT_NOON), surfaces(
        "paved", values={"albedo.paved": 0.3}, **AT_NOON)
    assert one == many
    assert one.albedo == 0.3


def test_parameters_of_a_run_are_found_again_in_its_record():
    def pick(stem: str, unit: str) -> Factor:
        found = {f.stem: f for f in _factors()}[stem].to(unit)
        if stem == "outdoor.tree.leaf_on":
            return replace(found, factor_id=f"{stem}.CN-Hubei", value=0.1, low=0.08, high=0.12)
        return found

    numbers = picked(pick)
    assert isinstance(numbers, Parameters)
    assert numbers["tree.leaf_on"] == 0.1
    kept = {row.factor_id: {"value": row.value, "unit": row.unit, "low": row.low,
                            "high": row.high, "source": "", "tag": row.tag}
            for stem, row in numbers.rows.items() if stem in FELT}
    again = recorded({**kept, "grid.FR": {"value": 1.0, "unit": "1", "low": 1.0, "high": 1.0}})
    assert dict(again.rows) == dict(numbers.rows)
    assert recorded({}).rows == own().rows


def _factors() -> list[Factor]:
    with DATA.open(encoding="utf-8", newline="") as file:
        return [from_row(row) for row in csv.DictReader(file)]


# the design day ----------------------------------------------------------------------------------

def test_design_day_is_the_clear_day_of_the_hot_week():
    day = design_day(_year())
    assert day.attrs["date"] == "07-23"  # day 203 counted from 0
    assert day.attrs["week_mean"] == pytest.approx(30 + 3 * 0.3448, abs=0.02)
    assert day.sizes["time"] == 9
    assert (day["solar_time"] >= 9).all()
    assert (day["solar_time"] < 18).all()
    assert (day["temp_air"] > 30).all()


def test_hot_week_may_run_over_the_turn_of_the_year():
    year = _year(hot=range(0), clear=1)
    days = np.arange(8760) // 24
    year["temp_air"] = year["temp_air"] + 10.0 * ((days <= 3) | (days >= 362))
    assert design_day(year).attrs["date"] == "01-02"


def test_a_day_with_a_gap_is_passed_over():
    year = _year()
    year["dni"][203 * 24 + 12] = np.nan
    day = design_day(year)
    assert day.attrs["date"] != "07-23"
    assert day.attrs["week_mean"] > 30


def test_design_day_of_a_measured_year(greensboro: xr.Dataset, hot_day: xr.Dataset):
    local = pd.DatetimeIndex(greensboro["time"].to_numpy()) - pd.Timedelta(hours=5)
    daily = pd.Series(greensboro["temp_air"].to_numpy()).groupby(local.floor("D")).mean()
    week = daily.rolling(7).mean()
    assert hot_day.attrs["week_mean"] == pytest.approx(week.max())
    last = week.idxmax()
    chosen = pd.Timestamp(f"2001-{hot_day.attrs['date']}")
    assert last - pd.Timedelta(days=6) <= chosen <= last
    sun = pd.Series(greensboro["ghi"].to_numpy()).groupby(local.floor("D")).sum()
    assert sun[chosen] >= 0.99 * sun[last - pd.Timedelta(days=6):last].max()
    # An almanac gives 76.4 degrees and sunrise 7 h 11 min before noon for 8 July at 36.1 N.
    assert hot_day.attrs["highest_sun"] == pytest.approx(76.4, abs=0.3)
    assert hot_day.attrs["sunrise"] == pytest.approx(12 - 7.18, abs=0.05)
    noon = int(np.abs(hot_day["solar_time"].to_numpy() - 12).argmin())
    assert float(hot_day["elevation"][noon]) == pytest.approx(76.4, abs=0.5)


@pytest.mark.parametrize("name", ["dni", "relative_humidity"])
def test_design_day_needs_its_variables(name: str):
    with pytest.raises(MissingInput, match=f"no {name}"):
        design_day(_year().assign({name: xr.full_like(_year()[name], np.nan)}))


# radiation ---------------------------------------------------------------------------------------

def test_weights_of_a_standing_person_sum_to_one():
    total = 4 * radiant.SIDE + 2 * radiant.END
    assert total == pytest.approx(1.0)


@pytest.mark.parametrize("azimuth_steps", [360])
def test_beam_on_the_sides_is_that_of_a_box_turned_round(azimuth_steps: int):
    hour = Hour(30.0, 0.5, 800.0, 0.0, 40.0)
    black = Surfaces(0.0, 1.0, 0.0, 0.0, 1.0, 0.0)
    turn = np.deg2rad(np.arange(azimuth_steps))
    box = sum(np.maximum(np.cos(turn - a), 0) for a in np.deg2rad([0, 90, 180, 270]))
    expected = 800 * np.cos(np.deg2rad(40)) * box.mean() / 4
    got = fluxes(hour, black, 1.0, 1.0)
    assert got.short_side == pytest.approx(expected, rel=1e-4)
    assert got.short_down == pytest.approx(800 * np.sin(np.deg2rad(40)))
    assert got.short_up == 0


def test_without_sun_and_sky_the_walls_are_all_there_is():
    dark = Hour(27.0, 0.5, 0.0, 0.0, -10.0)
    for wall, ground in ((0.9, 0.95), (0.5, 0.6)):
        place = Surfaces(0.2, ground, 0.0, 0.2, wall, 0.0)
        assert _tmrt(dark, place, 0.0, 0.0) == pytest.approx(27.0, abs=1e-9)


def test_deep_shade_is_near_the_walls_and_clear_nights_are_cold():
    assert _tmrt(NOON, PAVED, 0.0, 0.02) == pytest.approx(34.0, abs=2.0)
    night = _tmrt(NIGHT, PAVED, 0.0, np.array([1.0, 0.5, 0.0]))
    assert 24 - 15 < night[0] < 24 - 4
    assert night[0] < night[1] < night[2] <= 24.0001


def test_open_ground_at_noon_is_25_to_35_kelvin_above_the_air():
    sun, shade = _tmrt(NOON, PAVED, np.array([1.0, 0.0]), np.array([1.0, 0.6]))
    assert 25 < sun - NOON.temp_air < 35
    assert 3 < shade - NOON.temp_air < 12
    assert 18 < sun - shade < 32  # Lindberg et al. 2016, Thorsson et al. 2007: 20 to 30 K


def test_radiant_temperature_rises_with_beam_albedo_and_warmth():
    beam = _tmrt(NOON, PAVED, np.linspace(0, 1, 11), 0.6)
    assert (np.diff(beam) > 0).all()
    bright = [float(_tmrt(NOON, Surfaces(a, 0.95, 20.0, 0.2, 0.93, 20.0), 1.0, 0.6))
              for a in (0.1, 0.2, 0.4)]
    assert bright == sorted(bright)
    warm = [float(_tmrt(NOON, Surfaces(0.2, 0.95, x, 0.2, 0.93, 20.0), 1.0, 0.6))
            for x in (0.0, 10.0, 25.0)]
    assert warm == sorted(warm)
    lawn = _tmrt(NOON, surfaces("grass", **AT_NOON), 1.0, 0.8)
    assert 1 < _tmrt(NOON, PAVED, 1.0, 0.8) - lawn < 6


def test_nan_stays_nan_and_only_there():
    svf = np.array([[0.5, np.nan], [1.0, 0.2]])
    out = _tmrt(NOON, PAVED, np.ones((2, 2)), svf)
    assert np.isnan(out).tolist() == [[False, True], [False, False]]
    mixed = surfaces(np.array([[0, 2], [-1, 3]]), kinds=GROUNDS, **AT_NOON)
    assert np.isnan(_tmrt(NOON, mixed, 1.0, 0.5)).tolist() == [[False, False], [True, False]]


def test_sky_emissivity_agrees_with_another_formula_and_clouds_close_it():
    # Brutsaert (1975): 1.24 (e/T)^(1/7); both fit clear skies within 0.03.
    t, rh = np.array([5.0, 15.0, 25.0, 34.0]), np.array([0.7, 0.6, 0.5, 0.55])
    vapour = rh * 6.112 * np.exp(17.67 * t / (t + 243.5))
    assert sky_emissivity(t, rh) == pytest.approx(1.24 * (vapour / (t + 273.15)) ** (1 / 7),
                                                  abs=0.03)
    assert sky_emissivity(20.0, 0.5, 1.0) == 1
    assert sky_emissivity(20.0, 0.5) < sky_emissivity(20.0, 0.9) < 1


def test_surfaces_are_warmest_in_the_afternoon_as_published():
    # Gothenburg at midsummer: 0.37 x 55.7 - 3.41 = 17.2 K on paving, 0.58 x 55.7 - 9.78 on asphalt.
    day = {"highest_sun": 55.7, "sunrise": 3.3}
    assert surface_excess("paved", solar_time=15.0, **day) == pytest.approx(17.2, abs=0.01)
    assert surface_excess("asphalt", solar_time=15.0, **day) == pytest.approx(22.53, abs=0.01)
    assert surface_excess("grass", solar_time=14.0, **day) == pytest.approx(8.32, abs=0.01)
    hours = surface_excess("paved", solar_time=np.array([2.0, 3.3, 9.0, 12.0, 15.0, 18.0]), **day)
    assert hours[:2] == pytest.approx(0)
    assert (np.diff(hours[1:5]) > 0).all()
    assert hours[5] < hours[4]
    assert surface_excess("paved", solar_time=15.0, highest_sun=5.0, sunrise=9.0) == 0


@pytest.mark.parametrize(("aspect", "elevation", "share"),
                         [(1.0, 45.0, 1.0), (1.0, 26.565, 0.5), (2.0, 45.0, 0.5), (4.0, 45.0, .25)])
def test_sunlit_share_of_canyon_walls(aspect: float, elevation: float, share: float):
    svf = np.cos(np.arctan(2 * aspect))
    assert sunlit_walls(svf, elevation) == pytest.approx(share, abs=1e-4)


def test_no_sun_no_lit_walls_and_none_without_sky():
    assert sunlit_walls(0.5, -5.0) == 0
    assert sunlit_walls(0.0, 80.0) == 0
    assert sunlit_walls(1.0, 10.0) == 1


# UTCI --------------------------------------------------------------------------------------------

def test_utci_published_values():
    assert utci(25.0, 25.0, 1.0, 0.5).value == pytest.approx(24.6, abs=0.06)
    ten = wind_at(1.0, height=1.1, to=10.0)
    assert ten == pytest.approx(np.log(1000) / np.log(110))
    hot, shade = utci(34.0, np.array([60.0, 40.0]), ten, 0.55).value
    assert hot == pytest.approx(41.7, abs=0.06)
    assert shade == pytest.approx(37.0, abs=0.06)


def test_utci_is_held_at_its_limits_and_counted():
    got = utci(34.0, np.array([150.0, 104.0, 60.0, 0.0]), np.array([1.0, 0.1, 20.0, 0.5]), 0.5)
    assert got.clipped == {"air": 0, "radiant": 2, "wind": 2, "humidity": 0}
    limit = utci(34.0, np.array([104.0, 104.0, 60.0, 4.0]), np.array([1.0, 0.5, 17.0, 0.5]), 0.5)
    assert got.value == pytest.approx(limit.value)
    assert limit.clipped == {"air": 0, "radiant": 0, "wind": 0, "humidity": 0}
    damp = utci(40.0, 40.0, 1.0, np.array([0.95, 0.6]))  # 7.0 and 4.4 kPa
    assert damp.clipped["humidity"] == 1
    assert np.isfinite(damp.value).all()


def test_humidity_is_held_where_the_official_limit_is():
    from pythermalcomfort.models import utci as official

    air = np.linspace(34, 50, 17)
    share = 4.97 / (0.61121 * np.exp((18.678 - air / 234.5) * air / (257.14 + air)))
    valid = official(tdb=air, tr=air, v=1.0, rh=100 * share, round_output=False).utci
    assert np.isfinite(valid).all()
    with pytest.warns(UserWarning, match="applicability limits"):
        beyond = official(tdb=air, tr=air, v=1.0, rh=101 * share).utci
    assert np.isnan(beyond).all()
    ours = utci(air, air, 1.0, np.ones(17))
    assert ours.clipped["humidity"] == 17
    assert ours.value == pytest.approx(valid, abs=1e-6)


def test_utci_keeps_nan_and_rises_with_radiation():
    got = utci(34.0, np.array([np.nan, 40.0]), np.array([1.0, np.nan]), 0.5)
    assert np.isnan(got.value).all()
    assert sum(got.clipped.values()) == 0
    line = utci(30.0, np.linspace(20, 80, 30), 1.5, 0.5).value
    assert (np.diff(line) > 0).all()


# PET ---------------------------------------------------------------------------------------------

def test_pet_published_values():
    light = Person(posture="sitting", clothing=0.5, age=23, height=1.8)
    assert pet(34.0, np.array([60.0, 40.0]), 1.0, 0.55, person=light).value == pytest.approx(
        [45.8, 36.7], abs=0.06)


def test_pet_of_the_reference_room_is_its_temperature():
    # By definition: 0.1 m/s, radiant = air, vapour 12 hPa, the standard person.
    for air in (20.0, 24.0, 30.0):
        vapour = 6.112 * np.exp(17.62 * air / (243.12 + air))
        assert pet(air, air, 0.1, 12 / vapour).value == pytest.approx(air, abs=0.35)


@pytest.mark.parametrize(("air", "humid"), [(34.0, 0.55), (38.0, 0.3), (27.0, 0.85)])
def test_pet_read_off_the_table_is_the_heat_balance(air: float, humid: float):
    from pythermalcomfort.models import pet_steady

    random = np.random.default_rng(7)
    hot, wind = random.uniform(air - 15, air + 50, 150), np.exp(random.uniform(-2.3, 2.4, 150))
    solved = pet_steady(tdb=air, tr=hot, v=wind, rh=100 * humid, met=1.37, clo=0.9,
                        position="standing", age=35, weight=75, height=1.75).pet
    error = pet(air, hot, wind, humid).value - solved
    assert np.abs(error).max() < 0.3
    assert np.sqrt((error ** 2).mean()) < 0.05


def test_pet_is_held_counted_and_keeps_nan():
    got = pet(34.0, np.array([120.0, 50.0, np.nan, 50.0]), np.array([1.0, 0.0, 1.0, 20.0]), 0.5)
    assert got.clipped == {"radiant": 1, "wind": 2}
    assert np.isnan(got.value).tolist() == [False, False, True, False]
    assert got.value[0] == pytest.approx(pet(34.0, 94.0, 1.0, 0.5).value)
    assert np.isnan(pet(float("nan"), np.ones(3), 1.0, 0.5).value).all()
    assert (np.diff(pet(34.0, np.linspace(25, 75, 25), 1.0, 0.5).value) > 0).all()


def _regression(**change: float) -> float:
    base = {"ghi": 850.0, "dhi": 260.0, "elevation": 70.0, "sunlit": 1.0, "svf": 0.7, "bowen": 3.0}
    wind = change.pop("wind", 1.0)
    return float(pet_regression(34.0, 0.55, wind, **(base | change)))


def test_pet_regression_published_values():
    assert _regression() == pytest.approx(48.9, abs=0.06)
    assert _regression(bowen=0.4) == pytest.approx(47.5, abs=0.06)
    assert _regression(sunlit=0.0) == pytest.approx(35.6, abs=0.06)
    assert _regression(wind=2.0) - _regression(wind=0.5) == pytest.approx(-9.6, abs=0.06)
    assert _regression(wind=0.1) == _regression(wind=0.5)
    assert np.isnan(_regression(sunlit=float("nan")))
    assert wet_bulb(20.0, 0.5) == pytest.approx(13.7, abs=0.05)  # the example of Stull (2011)


def test_radiative_route_and_regression_agree():
    hour = Hour(34.0, 0.55, 590 / np.sin(np.deg2rad(70)), 260.0, 70.0)
    for sunlit in (1.0, 0.0):
        hot = _tmrt(hour, surfaces("paved", solar_time=13.0, highest_sun=72.0, sunrise=5.0),
                    sunlit, 0.7)
        both = pet(34.0, hot, 1.0, 0.55).value, _regression(sunlit=sunlit)
        assert abs(both[0] - both[1]) < 4


# a day on a grid ---------------------------------------------------------------------------------

def _grid(day: xr.Dataset) -> tuple[xr.DataArray, xr.DataArray, xr.DataArray]:
    dims, hours = ("y", "x"), day.sizes["time"]
    svf = xr.DataArray([[0.9, 0.9, 0.9], [0.5, 0.5, np.nan]], dims=dims,
                       coords={"y": [1.0, 3.0], "x": [1.0, 3.0, 5.0]})
    sunlit = xr.DataArray(np.tile([[1.0, 0.05, 0.0], [1.0, 0.0, 1.0]], (hours, 1, 1)),
                          dims=("time", *dims))
    return sunlit, svf, xr.full_like(svf, 1.0)


def test_a_day_in_sun_and_shade(hot_day: xr.Dataset):
    sunlit, svf, wind = _grid(hot_day)
    out = comfort_day(hot_day, sunlit, svf, wind)
    assert out["utci"].dims == ("time", "y", "x")
    assert np.isnan(out["pet"][:, 1, 2]).all()
    assert np.isfinite(out["pet"].to_numpy()[:, np.isfinite(svf.to_numpy())]).all()
    at = out.isel(time=4)
    for name, least, most in (("radiant", 18, 35), ("utci", 4, 9), ("pet", 8, 15)):
        shade = float(at[name][0, 0] - at[name][0, 2])
        assert least < shade < most  # Koopmans et al. 2020: PET in shade 13 K less
        assert at[name][0, 2] < at[name][0, 1] < at[name][0, 0]
    assert (out["pet"].attrs["clipped_radiant"], out["pet"].attrs["clipped_wind"]) == (0, 0)
    assert out["utci"].attrs["clipped_wind"] == 0


def test_wind_cools_and_errors_shift(hot_day: xr.Dataset):
    sunlit, svf, wind = _grid(hot_day)
    base = comfort_day(hot_day, sunlit, svf, wind)
    airy = comfort_day(hot_day, sunlit, svf, 2 * wind)
    hourly = comfort_day(hot_day, sunlit, svf, (2 * wind).expand_dims(time=hot_day.sizes["time"]))
    known = np.isfinite(svf.to_numpy())
    assert (airy["pet"] < base["pet"]).to_numpy()[:, known].all()
    xr.testing.assert_equal(airy, hourly)
    moved = comfort_day(hot_day, sunlit, svf, wind, indices=(), radiant_offset=5.0)
    assert (moved["radiant"] - base["radiant"]).to_numpy()[:, known] == pytest.approx(5, abs=1e-4)
    assert set(moved.data_vars) == {"radiant"}


def test_fields_of_another_shape_are_refused(hot_day: xr.Dataset):
    sunlit, svf, wind = _grid(hot_day)
    with pytest.raises(MissingInput, match="for 9 hours"):
        comfort_day(hot_day, sunlit[:4], svf, wind)
    with pytest.raises(CityTwinError, match="no comfort index 'set'"):
        comfort_day(hot_day, sunlit, svf, wind, indices=("set",))


def test_exposure_is_counted_on_walkable_ground():
    values = np.zeros((3, 2, 4))
    values[:, 0, 0] = [39, 33, 20]
    values[:, 0, 1] = [31, 33, 20]
    values[:, 1, 0] = [50, 50, 50]  # a roof terrace: not walkable
    values[0, 1, 1] = np.nan
    values[:, :, 2:] = 30
    index = xr.DataArray(values, dims=("time", "y", "x"))
    walkable = np.array([[True, True, True, True], [False, True, False, False]])
    out = heat_exposure(index, walkable, block_cells((2, 4), 2), 2, {"strong": 32, "worse": 38})
    assert out["walkable"] == pytest.approx([0.5, 0.5])
    assert out["hours.strong"] == pytest.approx([1.5, 0])   # two hours and one hour
    assert out["share.strong"] == pytest.approx([1.0, 0])   # both in the second hour
    assert out["hours.worse"] == pytest.approx([0.5, 0])
    assert out["share.worse"] == pytest.approx([0.5, 0])


def test_cells_without_walkable_ground_are_unknown():
    index = xr.DataArray(np.full((2, 2, 2), 40.0), dims=("time", "y", "x"))
    cells = np.array([[0, 0], [1, -1]])
    out = heat_exposure(index, np.array([[True, True], [False, True]]), cells, 2, {"hot": 32})
    assert out["walkable"] == pytest.approx([1, 0])
    assert out["hours.hot"][0] == 2
    assert np.isnan(out["hours.hot"][1])


def test_blocks_run_from_the_south_west():
    assert block_cells((2, 6), 2).tolist() == [[0, 0, 1, 1, 2, 2]] * 2
    assert block_cells((4, 2), 2)[:, 0].tolist() == [0, 0, 1, 1]
    with pytest.raises(CityTwinError, match="no whole blocks"):
        block_cells((5, 4), 2)


# the night ---------------------------------------------------------------------------------------

def test_heat_island_of_a_wuhan_summer():
    scale = weather_scale(214.0, 7.0, 2.5)
    assert scale == pytest.approx(2.29, abs=0.03)
    assert heat_island(0.4, 0.1, 2.29) == pytest.approx(3.4, abs=0.05)
    assert heat_island(0.6, 0.3, 2.29) == pytest.approx(2.5, abs=0.05)
    greener = heat_island(0.5, 0.3, 2.29) - heat_island(0.5, 0.2, 2.29)
    assert greener == pytest.approx(-0.23, abs=0.005)
    for times, less in ((1.5, -0.096), (2.0, -0.159)):
        assert weather_scale(214.0, 7.0, 2.5 * times) / scale - 1 == pytest.approx(less, abs=5e-4)


def test_days_of_summer_from_hourly_weather():
    year = _year(hot=range(0), clear=-1)
    table = daily_scale(year)
    assert len(table) == 92
    assert table.index[0] == pd.Timestamp("2001-06-01")
    assert table["temp_range"].to_numpy() == pytest.approx(
        float(year["temp_air"].max() - year["temp_air"].min()))
    assert table["ghi"].to_numpy() == pytest.approx(float(year["ghi"].mean()))
    assert table["scale"].to_numpy() == pytest.approx(
        float(weather_scale(float(year["ghi"].mean()), table["temp_range"].iloc[0], 2.0)))
    assert set(daily_scale(year, latitude=-30.0).index.month) == {12, 1, 2}


def test_the_day_of_the_night_runs_from_eight_to_seven():
    year = _year(hot=range(0), clear=-1)
    at = 180 * 24  # 30 June, local midnight
    year["temp_air"][at + 7] = 0.0   # cold before 8 h: counts for the day before
    ranges = daily_scale(year)["temp_range"]
    assert ranges[pd.Timestamp("2001-06-29")] > 20
    assert ranges[pd.Timestamp("2001-06-30")] < 4
    year["wind_speed"][at + 10] = np.nan
    assert pd.Timestamp("2001-06-30") not in daily_scale(year).index


def test_measured_summer_gives_a_plausible_band(greensboro: xr.Dataset):
    scales = daily_scale(greensboro)["scale"]
    got = night_heat(np.array([0.4, 0.6, np.nan]), np.array([0.1, 0.3, 0.1]), scales)
    assert (got.p10[:2] < got.mean[:2]).all()
    assert (got.mean[:2] < got.p90[:2]).all()
    assert 2.5 < got.mean[0] < 6
    assert got.mean[0] / got.mean[1] == pytest.approx(1.5 / 1.1)
    assert np.isnan(got.mean[2])


@pytest.mark.parametrize("wind_from", [None, 0.0, 90.0, 225.0])
def test_footprint_means_are_plain_means_of_what_is_upwind(wind_from: float | None):
    random = np.random.default_rng(3)
    field = random.random((14, 17))
    field[random.random(field.shape) < 0.3] = np.nan
    got = footprint_mean(field, 10.0, reach=45.0, wind_from=wind_from)
    y, x = np.mgrid[:14, :17] * 10.0
    for j, i in ((0, 0), (7, 8), (9, 3), (5, 12), (13, 16)):
        north, east = y - y[j, i], x - x[j, i]
        near = np.hypot(north, east) <= 45
        if wind_from is not None:
            towards = np.deg2rad(wind_from)
            along = north * np.cos(towards) + east * np.sin(towards)
            near &= along >= np.hypot(north, east) * np.cos(np.deg2rad(45)) - 1e-9
        known = field[near & np.isfinite(field)]
        assert got[j, i] == pytest.approx(known.mean() if known.size else np.nan, nan_ok=True)


def test_footprint_of_nothing_is_unknown():
    field = np.full((9, 9), np.nan)
    field[0, 0] = 0.5
    got = footprint_mean(field, 10.0, reach=20.0)
    assert got[2, 0] == pytest.approx(0.5)
    assert np.isnan(got[8, 8])


# the cooling index -------------------------------------------------------------------------------

def _golden() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    i, j = np.mgrid[:120, :120]
    use = 1 + (i // 3 + j // 3) % 2
    use[30:54, 30:54] = 4
    use[90:, :40] = 3
    use[:, 100:] = 5
    table = np.array([(0.3, 0, 0, 0.20), (0.2, 0, 0.05, 0.12), (0.85, 1, 0.10, 0.22),
                      (1.0, 1, 0.85, 0.16), (0.7, 0, 0, 0.07)])[use - 1]
    return cooling_capacity(table[..., 2], table[..., 3], table[..., 0]), table[..., 1]


def test_golden_case_of_invest():
    capacity, green = _golden()
    got = urban_cooling(capacity, green, 20.0, temp_reference=30.0, heat_island=3.0, reach=450.0,
                        mixing=500.0)
    assert got.capacity.mean() == pytest.approx(0.147050, abs=1e-6)
    assert got.capacity.max() == pytest.approx(0.742, abs=1e-9)
    assert got.park_capacity.mean() == pytest.approx(0.054600, abs=1e-6)
    assert got.park_capacity.max() == pytest.approx(0.159017, abs=1e-6)
    assert (got.green_area / 400).mean() == pytest.approx(187.127, abs=1e-3)
    assert (got.green_area / 400).max() == pytest.approx(1517, abs=1e-6)
    assert got.mitigation.mean() == pytest.approx(0.147236, abs=1e-6)
    t = got.temp_air
    assert [t.min(), t.mean(), t.max(), t[60, 60], t[0, 0]] == pytest.approx(
        [32.398002, 32.554659, 32.626484, 32.540010, 32.583174], abs=1e-4)


def test_uniform_city_keeps_its_mean_and_holes_stay_holes():
    capacity = np.full((30, 40), 0.25)
    capacity[10:13, 5:9] = np.nan
    got = urban_cooling(capacity, np.zeros((30, 40)), 25.0, temp_reference=28.0, heat_island=2.0)
    hole = np.isnan(capacity)
    for field in (got.temp_air, got.mitigation, got.park_capacity):
        assert (np.isnan(field) == hole).all()
    assert got.temp_air[~hole] == pytest.approx(28 + 0.75 * 2, abs=1e-9)


def test_a_large_park_cools_and_a_small_one_does_not_reach():
    def beside(wide: int) -> tuple[float, float]:
        capacity, green = np.full((60, 60), 0.02), np.zeros((60, 60))
        capacity[25:25 + wide, 25:25 + wide], green[25:25 + wide, 25:25 + wide] = 0.8, 1.0
        got = urban_cooling(capacity, green, 20.0, temp_reference=30.0, heat_island=3.0)
        assert got.temp_air[26, 26] < got.temp_air[5, 5] < 33
        return float(got.mitigation[24, 26]), float(got.park_capacity[24, 26])

    small, large = beside(7), beside(9)  # 1.96 ha, 3.24 ha
    assert small[1] > 0.02   # it would cool its neighbour, were it large enough
    assert small[0] == pytest.approx(0.02)
    assert large[0] == pytest.approx(large[1])
    assert large[0] > 0.02


def test_night_and_work():
    assert night_capacity(np.array([0.0, 0.3])) == pytest.approx([1.0, 0.7])
    # 35 degC and 50 %: steam tables give e = 28.1 hPa.
    assert globe_temperature(35.0, 0.5) == pytest.approx(0.567 * 35 + 0.393 * 28.1 + 3.94, abs=0.05)
    heat = np.array([27.0, 27.5, 31.6, 32.2, 33.0, np.nan])
    assert work_loss(heat)[:5].tolist() == [0, 0, 0.25, 0.5, 0.75]
    assert work_loss(heat, "heavy")[:5].tolist() == [0, 0.25, 0.75, 0.75, 0.75]
    assert np.isnan(work_loss(heat)[5])
    with pytest.raises(FactorError):
        work_loss(heat, "idle")


# bands -------------------------------------------------------------------------------------------

def test_draws_have_the_median_and_range_asked_for():
    one = Uncertain("a", 1.0, 0.7, 1.6)
    got = np.array([d["a"] for d in draws([one], 4000)])
    assert np.quantile(got, [0.025, 0.5, 0.975]) == pytest.approx([0.7, 1.0, 1.6], abs=0.01)
    assert draws([one], 50) == draws([one], 50)
    assert draws([one], 50) != draws([one], 50, seed=1)
    with pytest.raises(CityTwinError, match="at least 2"):
        draws([one], 1)


def test_shared_numbers_stay_possible_and_weights_sum_to_one():
    found = {u.name: u for u in uncertain()}
    assert set(found) == set(SHARED)
    ends = {name: (row.low, row.high) for name in SHARED for row in [parameter_range(name)]}
    assert ends["cooling.heat_island"] == (2, 4)
    assert ends["band.wind"] == (0.7, 1.3)
    assert ends["band.sun"] == ends["band.shade"] == (-5, 5)
    all_of = draws(uncertain(), 500)
    for draw in all_of:
        assert sum(draw[w] for w in WEIGHTS) == pytest.approx(1)
        assert 0 <= draw["tree.leaf_on"] <= 1
        assert draw["band.wind"] > 0
    first, second = (np.array([d[n] for d in all_of]) for n in ("band.wind", "band.sun"))
    assert abs(np.corrcoef(first, second)[0, 1]) < 0.15


def _shaded(share: float):
    """PET on a hot noon where crowns shade a share of the ground."""
    def model(draw: dict[str, float]) -> float:
        warm = np.array([draw["band.sun"], draw["band.shade"]])
        values = {"albedo.paved": draw["albedo.paved"]}
        place = surfaces("paved", values=values, **AT_NOON)
        sun, shade = _tmrt(NOON, place, np.array([1.0, draw["tree.leaf_on"]]), 0.7) + warm
        wind = 1.2 * draw["band.wind"]
        felt = pet(34.0, np.array([sun, shade]), wind, 0.55).value
        return float((1 - share) * felt[0] + share * felt[1])
    return model


def test_shared_errors_cancel_in_the_difference():
    drawn, other = draws(uncertain(), 120), draws(uncertain(), 120, seed=9)
    before, after = _shaded(0.1), _shaded(0.25)
    shared = difference_band(before, after, drawn)
    apart = band(evaluate(after, other) - evaluate(before, drawn))
    assert (shared.high - shared.low) < 0.3 * (apart.high - apart.low)
    assert shared.distinct
    assert str(shared.words) == "less"
    assert -3 < shared.median < -1  # a seventh of the 10 to 14 K that shade takes
    assert not apart.distinct
    assert str(apart.words) == "indistinguishable"


def test_no_change_is_indistinguishable_and_unknown_is_empty():
    drawn = draws([Uncertain("a", 0.0, -1.0, 1.0)], 64)
    got = difference_band(lambda d: np.array([0.0, 0.0, 0.0, np.nan]),
                          lambda d: np.array([d["a"], 3 + d["a"], -3 + d["a"], d["a"]]), drawn)
    assert got.words.tolist() == ["indistinguishable", "more", "less", ""]
    assert got.low[1] == pytest.approx(2, abs=0.1)  # the low end of a 95 % range
    with pytest.raises(CityTwinError, match="expected one shape"):
        difference_band(lambda d: np.zeros(2), lambda d: np.zeros(3), drawn)
