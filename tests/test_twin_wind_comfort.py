"""Comfort and danger classes, stagnation and velocity ratios, and the thresholds behind them."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from layers.errors import CityTwinError, FactorError, MissingInput
from layers.units import parse
from twin.factor import COLUMNS, Factor, from_row
from twin.wind.comfort import (
    NOWHERE,
    classify,
    comfort,
    gem,
    green_building,
    shares,
    spatial_ratios,
    velocity_ratio,
    weak_wind,
)
from twin.wind.composition import exceedance
from twin.wind.criteria import CHINESE, CRITERIA, DATA, criterion, threshold
from twin.wind.statistics import lay_out, sector_statistics


@pytest.fixture(scope="module")
def rows() -> dict[str, Factor]:
    with DATA.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        assert tuple(reader.fieldnames or ()) == COLUMNS
        found = [from_row(row) for row in reader]
    assert len({f.factor_id for f in found}) == len(found)
    return {f.stem.removeprefix("wind."): f for f in found}


def _ratios(speed: object, k: object = None, *, n: int = 8) -> xr.Dataset:
    """The same ratios for every direction, over x."""
    values = np.tile(np.asarray(speed, dtype=np.float32), (n, 1))
    data = {"speed": (("wind_from", "x"), values)}
    if k is not None:
        data["k"] = (("wind_from", "x"), np.tile(np.asarray(k, dtype=np.float32), (n, 1)))
    return xr.Dataset(data, {"wind_from": np.arange(n) * 360.0 / n,
                             "x": np.arange(values.shape[1], dtype=float)})


def _windy(above: int, speed: float, total: int = 10_000) -> object:
    """A wind climate with `above` of `total` hours at `speed` and the others at 1 m/s."""
    speeds = np.where(np.arange(total) < above, speed, 1.0)
    return lay_out(speeds, np.zeros(total), np.arange(8) * 45.0)


def _class(name: str, above: int, speed: float) -> str:
    out = comfort(_ratios([1.0], [0.0]), _windy(above, speed), [name])[name]
    return out.attrs["flag_meanings"].split()[int(out[0])]


# ---- thresholds


def test_rows_are_sound(rows: dict[str, Factor]):
    for f in rows.values():
        parse(f.unit)
        assert f.low <= f.value <= f.high, f
        assert f.tag in ("V", "D", "R"), f
        assert f.region == "WORLD"
        assert f.factor_id.startswith("wind.")
        assert len(f.source) > 3, f
        if f.tag == "R":
            assert min(f.value - f.low, f.high - f.value) >= 0.3 * f.value - 1e-9, f


@pytest.mark.parametrize("name", CRITERIA)
def test_criteria_take_their_numbers_from_the_table(name: str, rows: dict[str, Factor]):
    found = criterion(name)
    used = {i: rows[i.removeprefix("wind.").removesuffix(".WORLD")] for i in found.factors}
    numbers = {f.value for f in used.values()}
    assert set(found.speeds) | set(found.probabilities) == numbers
    assert found.tags == tuple(sorted({f.tag for f in used.values()}))
    assert len(found.classes) == len(found.speeds) + 1
    assert {name, *found.classes} <= set(CHINESE)


@pytest.mark.parametrize(("name", "speeds", "percent"), [
    ("lawson_lddc", (2.5, 4, 6, 8), (5, 5, 5, 5)), ("lawson_lddc_safety", (15,), (0.022,)),
    ("lawson_2001", (4, 6, 8, 10), (5, 5, 5, 5)), ("lawson_2001_safety", (15, 20), (0.023, 0.023)),
    ("nen_8100", (5, 5, 5, 5), (2.5, 5, 10, 20)), ("nen_8100_danger", (15, 15), (0.05, 0.3))])
def test_criteria_are_as_published(name: str, speeds: tuple[float, ...],
                                   percent: tuple[float, ...]):
    found = criterion(name)
    assert found.speeds == speeds
    assert [100 * p for p in found.probabilities] == pytest.approx(percent)


def test_users_values_stand_in_and_faults_are_named():
    assert criterion("nen_8100", {"wind.nen_8100.speed": 4.0}).speeds == (4.0,) * 4
    with pytest.raises(FactorError, match=r"did you mean 'nen_8100\.speed'"):
        criterion("nen_8100", {"nen_8100.sped": 4.0})
    with pytest.raises(FactorError, match="must rise from class to class"):
        criterion("lawson_lddc", {"lawson_lddc.standing": 3.0})
    with pytest.raises(FactorError, match="above zero"):
        threshold("still", {"still": 0.0})
    with pytest.raises(FactorError, match="did you mean 'nen_8100'"):
        criterion("nen_810")


# ---- classes


@pytest.mark.parametrize(("above", "expected"), [
    (0, "A"), (249, "A"), (250, "B"), (499, "B"), (500, "C"), (999, "C"), (1000, "D"),
    (1999, "D"), (2000, "E"), (9999, "E")])
def test_dutch_classes_by_hours_above_five(above: int, expected: str):
    assert _class("nen_8100", above, 5.01) == expected
    assert _class("nen_8100", above, 5.0) == "A"  # not above


@pytest.mark.parametrize(("above", "expected"), [
    (4, "no_risk"), (5, "limited_risk"), (29, "limited_risk"), (30, "dangerous")])
def test_dutch_danger_by_hours_above_fifteen(above: int, expected: str):
    assert _class("nen_8100_danger", above, 16.0) == expected


@pytest.mark.parametrize(("speed", "lddc", "lawson"), [
    (2.4, "frequent_sitting", "sitting"), (3.9, "occasional_sitting", "sitting"),
    (5.0, "standing", "standing"), (7.0, "walking", "strolling"),
    (9.0, "uncomfortable", "business_walking"), (11.0, "uncomfortable", "uncomfortable")])
def test_lawson_classes_by_the_speed_passed_in_five_percent(speed: float, lddc: str, lawson: str):
    assert _class("lawson_lddc", 501, speed) == lddc
    assert _class("lawson_2001", 501, speed) == lawson
    assert _class("lawson_lddc", 500, speed) == "frequent_sitting"  # five percent may be above


@pytest.mark.parametrize(("above", "speed", "lddc", "lawson"), [
    (2, 25.0, "safe", "safe"), (3, 14.0, "safe", "safe"), (3, 16.0, "unsafe", "unsafe_for_frail"),
    (3, 21.0, "unsafe", "unsafe_for_all")])
def test_lawson_safety_by_hours_above_fifteen_and_twenty(above: int, speed: float, lddc: str,
                                                         lawson: str):
    assert _class("lawson_lddc_safety", above, speed) == lddc
    assert _class("lawson_2001_safety", above, speed) == lawson


def test_gust_equivalent_mean_by_hand():
    found = gem(_ratios([1.0, 1.0, 1.0, 0.2, np.nan], [0.0, 0.24**2, 1.0, 0.25, np.nan]))[0]
    assert found.values == pytest.approx([1, 1, 4.5 / 1.85, 1.95 / 1.85, np.nan], nan_ok=True)
    assert found.dtype == np.float32
    isotropic = gem(_ratios([1.0], [1.5]), {"gust.isotropy": 2 / 3})
    assert float(isotropic[0, 0]) == pytest.approx(4.5 / 1.85)
    with pytest.raises(MissingInput, match="'k'"):
        gem(_ratios([1.0]))


def test_gusts_count_where_the_criterion_says_so():
    found = comfort(_ratios([1.0], [1.0]), _windy(9000, 4.0))  # gust equivalent 9.7 m/s
    assert int(found["nen_8100"][0]) == 0
    assert int(found["lawson_lddc"][0]) == 4
    assert int(found["lawson_2001"][0]) == 3
    with pytest.raises(MissingInput, match="'speed'"):
        comfort(_ratios([1.0]).drop_vars("speed"), _windy(1, 1.0))


@pytest.mark.parametrize("climate", ["hours", "sectors"])
def test_more_wind_never_makes_a_calmer_class(climate: str):
    rng = np.random.default_rng(2)
    speed, wind_from = rng.weibull(1.8, 8760) * 6.0, rng.uniform(0, 360, 8760)
    ratios = _ratios(np.linspace(0.05, 3.0, 120), np.linspace(0.01, 0.3, 120))
    year = (sector_statistics(speed, wind_from, 8) if climate == "sectors"
            else lay_out(speed, wind_from, np.arange(8) * 45.0))
    found = comfort(ratios, year)
    assert set(found) == set(CRITERIA)
    for name in CRITERIA:
        classes = found[name].values
        assert (np.diff(classes) >= 0).all(), name
        assert classes[0] == 0
        assert classes[-1] == len(criterion(name).classes) - 1, name


def test_classes_are_those_of_the_shares_of_time():
    rng = np.random.default_rng(8)
    values = rng.uniform(0.2, 1.3, (6, 7)) * rng.uniform(0.8, 1.2, (8, 6, 7))
    ratio = xr.DataArray(values.astype(np.float32),
                         dims=("wind_from", "y", "x"),
                         coords={"wind_from": np.arange(8) * 45.0, "y": range(6), "x": range(7)})
    ratio[:, 2, 3] = np.nan
    year = lay_out(rng.weibull(2, 2000) * 4, rng.uniform(0, 360, 2000), np.arange(8) * 45.0)
    found = comfort(ratio.to_dataset(name="speed"), year, ["nen_8100"])["nen_8100"]
    above = exceedance(ratio, year, [5.0])[0].values
    expected = np.digitize(above, [0.025, 0.05, 0.1, 0.2])
    expected[2, 3] = NOWHERE
    np.testing.assert_array_equal(found, expected)
    assert set(np.unique(expected)) == {NOWHERE, 0, 1, 2, 3, 4}
    assert found.dtype == np.int8
    again = classify(exceedance(ratio, year, [2.0, 5.0]), criterion("nen_8100"))
    xr.testing.assert_identical(again, found)


def test_classes_keep_their_flags_in_a_file(tmp_path: Path):
    found = comfort(_ratios([0.5, np.nan], [0.1, np.nan]), _windy(600, 9.0))
    path = tmp_path / "风舒适度.nc"
    found.to_netcdf(path, engine="h5netcdf")
    with xr.open_dataset(path, engine="h5netcdf") as read:
        for name in CRITERIA:
            assert read[name].dtype == np.int8
            assert int(read[name][1]) == NOWHERE
            flags = read[name].attrs
            assert list(flags["flag_values"]) == list(range(len(flags["flag_meanings"].split())))
            assert flags["long_name"].startswith("pedestrian wind")
            assert "wind." in flags["factors"]


# ---- stagnation, shares, the Chinese standard


def test_weak_wind_counts_calms_as_still():
    speed, wind_from = [0.0, 0.4, 1.0, 2.0, 4.0], [0.0, 10.0, 20.0, 30.0, 40.0]
    found = weak_wind(_ratios([0.5, np.nan])["speed"],
                      lay_out(speed, wind_from, np.arange(8) * 45.0))
    # Locally 0, 0.2, 0.5, 1 and 2 m/s: a wind of just 1 m/s is not below 1.
    assert [float(found[n][0]) for n in ("still", "weak", "weak_upper")] == pytest.approx(
        [2 / 5, 3 / 5, 4 / 5])
    assert np.isnan(found["still"][1])


def test_shares_are_of_the_open_ground_with_a_class():
    classes = xr.DataArray(np.array([[0, 0, 1], [2, NOWHERE, 2]], dtype=np.int8), dims=("y", "x"),
                           attrs={"flag_meanings": "calm fair windy rough"})
    ground = np.array([[True, False, True], [True, True, True]])
    found = shares(classes, ground)
    assert found.values == pytest.approx([1 / 4, 1 / 4, 2 / 4, 0])
    assert list(found["class"].values) == ["calm", "fair", "windy", "rough"]
    assert np.isnan(shares(classes, ground & False)).all()


def test_green_building_limits_by_hand():
    ratios = _ratios([0.1, 0.45, 0.6, 0.85, 1.3, np.nan])
    rest = np.array([False, True, True, False, False, True])
    found = green_building(ratios, winter=(4.0, 30.0), summer=(2.5, 200.0), rest=rest,
                           undisturbed=0.4)
    winter = found["winter"].attrs["flag_meanings"].split()
    assert winter == ["meets", "amplified", "rest_area_windy", "too_windy"]
    assert set(winter) <= set(CHINESE)
    # 0.4, 1.8, 2.4 at rest, 3.4 against twice 1.6, and 5.2 m/s
    assert found["winter"].values.tolist() == [0, 0, 2, 1, 3, NOWHERE]
    assert found["summer"].values.tolist() == [1, 0, 0, 0, 0, NOWHERE]
    assert set(found["summer"].attrs["flag_meanings"].split()) <= set(CHINESE)
    plain = green_building(ratios, winter=(4.0, 30.0))
    assert plain["winter"].values.tolist() == [0, 0, 0, 0, 3, NOWHERE]
    assert "summer" not in plain


# ---- Hong Kong


def test_velocity_ratio_is_weighted_by_frequency():
    ratio = xr.DataArray([[0.2, 0.4], [0.6, np.nan]], dims=("wind_from", "x"),
                         coords={"wind_from": [0.0, 180.0]})
    often = xr.DataArray([0.75, 0.25], dims="wind_from", coords={"wind_from": [0.0, 180.0]})
    assert velocity_ratio(ratio, often).values == pytest.approx([0.3, np.nan], nan_ok=True)
    assert float(velocity_ratio(ratio, often, aloft=1.5)[0]) == pytest.approx(0.2)
    with pytest.raises(CityTwinError, match="expected the same"):
        velocity_ratio(ratio, often.assign_coords(wind_from=[90.0, 270.0]))


def _plot(ny: int = 40, nx: int = 50, cell: float = 5.0) -> tuple[xr.DataArray, np.ndarray]:
    """A field that grows eastward, and a site of 100 m x 75 m in it."""
    x, y = np.arange(nx) * cell + cell / 2, np.arange(ny) * cell + cell / 2
    site = np.zeros((ny, nx), dtype=bool)
    site[10:25, 15:35] = True
    field = xr.DataArray(np.tile(x / 1000, (ny, 1)), dims=("y", "x"), coords={"y": y, "x": x})
    return field, site


@pytest.mark.parametrize("spacing", [10.0, 30.0, 50.0])
def test_site_points_ring_the_site(spacing: float):
    field, site = _plot()
    found = spatial_ratios(field, site, ~site, spacing=spacing)
    rows, columns = np.nonzero(found["test_point"].values)
    ring = np.zeros_like(site)
    ring[9:26, 14:36] = True
    assert (ring & ~site)[rows, columns].all()
    at = 5.0 * np.column_stack([rows, columns])
    apart = np.hypot(*(at[:, None] - at[None]).T)
    assert apart[apart > 0].min() >= spacing
    edge = 5.0 * np.argwhere(ring & ~site)
    gap = np.hypot(*(edge[:, None] - at[None]).transpose(2, 0, 1)).min(axis=1)
    assert gap.max() < spacing
    middle = float(field["x"][15:35].mean()) / 1000  # the site is even about its middle
    assert float(found["svr"]) == pytest.approx(middle, abs=spacing / 2000)
    assert float(found["lvr"]) == pytest.approx(field.values[~site].mean())


def test_site_points_stand_on_open_ground_only():
    field, site = _plot()
    ground = ~site
    ground[:, :25] = False
    found = spatial_ratios(field, site, ground, mean_speed=field * 10.0)
    assert not (found["test_point"].values & ~ground).any()
    assert found["test_point"].values.any()
    assert float(found["lvr"]) == pytest.approx(field.values[ground].mean())
    reached = (field.values * 10 >= 1.5) & ground
    assert float(found["target_share"]) == pytest.approx(reached.sum() / ground.sum())
    with pytest.raises(MissingInput, match="no open ground along its edge"):
        spatial_ratios(field, site, site)
