"""Sectors to hours, regimes and years: interpolation, the wind climate, and exceedance."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from scipy.stats import weibull_min

from layers.errors import CityTwinError, MissingInput
from twin.wind import composition
from twin.wind.composition import at_hour, exceedance, hourly, mean_over
from twin.wind.statistics import (
    FEWEST,
    directions_of,
    fit_weibull,
    lay_out,
    sector_statistics,
)

NAMES = ("u", "v", "w", "speed", "gust", "k")


def _solves(n: int, shape: tuple[int, ...] = (1, 3, 4), *, seed: int = 0,
            dtype: str = "float64") -> xr.Dataset:
    """Random ratios of `n` solves; the first column is a building."""
    rng = np.random.default_rng(seed)
    dims = ("level", "y", "x")[3 - len(shape):]
    data = {}
    for name in NAMES:
        values = rng.uniform(0.05, 1.6, (n, *shape))
        if name in ("u", "v", "w"):
            values -= 0.8
        values[..., 0] = np.nan
        data[name] = (("wind_from", *dims), values.astype(dtype))
    coords = {d: np.arange(s, dtype=float) for d, s in zip(dims, shape, strict=True)}
    return xr.Dataset(data, {"wind_from": np.arange(n) * 360.0 / n, **coords},
                      {"reference_height": 10.0})


def _year(count: int, *, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.weibull(2.0, count) * 5.0, rng.uniform(0.0, 360.0, count)


def _pair() -> xr.DataArray:
    """One open cell, half as fast as the reference with north wind and as fast with south wind."""
    return xr.DataArray([[0.5, np.nan], [1.0, np.nan]], dims=("wind_from", "x"),
                        coords={"wind_from": [0.0, 180.0]}, name="speed")


FOUR = [4.0, 8.0, 6.0, 2.0], [0.0, 180.0, 90.0, 270.0]


# ---- an hour


@pytest.mark.parametrize("n", [8, 16, 32])
def test_at_the_direction_of_a_solve_it_comes_back_exactly(n: int):
    ratios = _solves(n, dtype="float32")
    for i, wind_from in enumerate(ratios["wind_from"].values):
        wind = at_hour(ratios, 4.0, wind_from + 360.0 * (i % 3 - 1))
        for name in NAMES:
            times = 16 if name == "k" else 4
            np.testing.assert_array_equal(wind[name], ratios[name][i] * np.float32(times))
            assert wind[name].dtype == np.float32


@pytest.mark.parametrize("wind_from", [0.0, 7.3, 22.5, 180.0, 300.0, 359.9, 360.0, -10.0, 725.0])
def test_open_ground_keeps_the_reference_wind_at_every_direction(wind_from: float):
    at = np.arange(8) * 45.0
    ratios = xr.Dataset({"u": ("wind_from", -np.sin(np.deg2rad(at))),
                         "v": ("wind_from", -np.cos(np.deg2rad(at))),
                         "speed": ("wind_from", np.ones(8))}, {"wind_from": at})
    wind = at_hour(ratios, 3.0, wind_from)
    angle = np.deg2rad(wind_from)
    assert float(wind["u"]) == pytest.approx(-3 * np.sin(angle), abs=1e-12)
    assert float(wind["v"]) == pytest.approx(-3 * np.cos(angle), abs=1e-12)
    assert float(wind["speed"]) == pytest.approx(3.0, abs=1e-12)


def test_scalars_are_interpolated_over_north():
    ratios = _solves(16)
    wind = at_hour(ratios, 2.0, 360 - 22.5 / 4)
    for name, times in (("speed", 2), ("gust", 2), ("w", 2), ("k", 4)):
        expected = times * (0.25 * ratios[name][15] + 0.75 * ratios[name][0])
        np.testing.assert_allclose(wind[name], expected, rtol=1e-12)


def test_the_wind_is_continuous_where_sectors_meet():
    ratios = _solves(8)
    assert lay_out([1.0], [-1e-20], directions_of(ratios)).lower.tolist() == [0]
    for edge in (0.0, 45.0, 315.0):
        before, after = at_hour(ratios, 5.0, edge - 1e-7), at_hour(ratios, 5.0, edge + 1e-7)
        for name in NAMES:
            np.testing.assert_allclose(before[name], after[name], rtol=1e-5, atol=1e-6)


def test_turning_the_city_turns_the_wind():
    ratios = _solves(8)
    quarter = ratios.roll(wind_from=2)  # the city and every wind a quarter clockwise
    quarter["u"], quarter["v"] = quarter["v"], -quarter["u"]
    wind, turned = at_hour(ratios, 3.0, 17.0), at_hour(quarter, 3.0, 107.0)
    np.testing.assert_allclose(turned["u"], wind["v"], atol=1e-12)
    np.testing.assert_allclose(turned["v"], -wind["u"], atol=1e-12)
    np.testing.assert_allclose(turned["k"], wind["k"], atol=1e-12)


def test_the_wind_is_linear_in_the_speed():
    ratios = _solves(16)
    once, twice = at_hour(ratios, 2.5, 100.0), at_hour(ratios, 5.0, 100.0)
    for name in NAMES:
        np.testing.assert_allclose(twice[name], once[name] * (4 if name == "k" else 2), rtol=1e-12)


def test_buildings_stay_empty_and_the_open_does_not():
    wind = at_hour(_solves(8), 3.0, 12.0)
    for name in NAMES:
        assert np.isnan(wind[name][..., 0]).all()
        assert np.isfinite(wind[name][..., 1:]).all()
    assert wind["k"].attrs["units"] == "m2 s-2"
    assert set(wind.coords) == {"level", "y", "x"}


def test_an_hour_without_direction_is_known_only_when_still():
    wind = at_hour(_solves(8), [0.0, 3.0, np.nan], [np.nan, np.nan, 90.0])
    assert (wind["speed"][0, ..., 1:] == 0).all()
    assert np.isnan(wind["speed"][1:]).all()


def test_hours_come_in_blocks_and_one_by_one():
    ratios = _solves(8)
    speed, wind_from = _year(50)
    blocks = list(hourly(ratios, speed, wind_from, block=24))
    assert [b.sizes["hour"] for b in blocks] == [24, 24, 2]
    together = xr.concat(blocks, "hour")
    np.testing.assert_array_equal(together["hour"], np.arange(50))
    for hour in (0, 23, 24, 49):
        one = at_hour(ratios, speed[hour], wind_from[hour])
        for name in NAMES:
            np.testing.assert_array_equal(together[name][hour], one[name])


def test_points_give_a_series():
    ratios = _solves(8)
    where = {"y": xr.DataArray([0, 2], dims="point"), "x": xr.DataArray([1, 3], dims="point")}
    series = at_hour(ratios.isel(where), *_year(20))
    fields = at_hour(ratios, *_year(20))
    assert series["speed"].dims == ("hour", "level", "point")
    np.testing.assert_array_equal(series["speed"], fields["speed"].isel(where))


@pytest.mark.parametrize("at", [[0.0], [0.0, 90.0, 180.0], [0.0, 100.0, 180.0, 270.0],
                                [270.0, 180.0, 90.0, 0.0]])
def test_directions_must_divide_the_circle(at: list[float]):
    field = xr.DataArray(np.ones(len(at)), dims="wind_from", coords={"wind_from": at})
    with pytest.raises(CityTwinError, match="evenly around the circle"):
        directions_of(field)


def test_ratios_without_a_known_variable_are_refused():
    with pytest.raises(MissingInput, match="u with v"):
        at_hour(_solves(8)[["u", "speed"]], 1.0, 0.0)


# ---- a year


def test_four_hours_by_hand():
    speed, wind_from = FOUR
    linear = lay_out(speed, wind_from, [0.0, 180.0])  # 2, 8, 4.5 and 1.5 m/s in the cell
    share = exceedance(_pair(), linear, [1.9, 2.0, 5.0])[:, 0]
    assert share.values == pytest.approx([0.75, 0.5, 0.25])
    assert float(exceedance(_pair(), linear, [2.0], or_equal=True)[0, 0]) == pytest.approx(0.75)
    mean = mean_over(_pair().to_dataset(), linear)["speed"]
    assert float(mean[0]) == pytest.approx(4.0)
    assert np.isnan(mean[1])
    nearest = lay_out(speed, wind_from, [0.0, 180.0], between="nearest")  # 2, 8, 6 and 1 m/s
    share = exceedance(_pair(), nearest, [1.5, 5.0, 7.0])[:, 0]
    assert share.values == pytest.approx([0.75, 0.5, 0.25])
    assert nearest.rose == pytest.approx([0.5, 0.5])
    assert linear.rose == pytest.approx([0.5, 0.5])


def test_a_year_is_the_mean_of_its_hours():
    ratios = _solves(16)
    speed, wind_from = _year(400)
    speed[:20], wind_from[:10] = 0.0, np.nan
    mean = mean_over(ratios, lay_out(speed, wind_from, directions_of(ratios)))
    fields = xr.concat(list(hourly(ratios, speed, wind_from)), "hour").mean("hour", skipna=False)
    for name in NAMES:
        np.testing.assert_allclose(mean[name], fields[name], rtol=1e-9, atol=1e-12)


def test_a_regime_that_counts_twice_is_two_hours():
    ratios = _solves(8)
    at = directions_of(ratios)
    once = lay_out([3.0, 5.0], [20.0, 200.0], at, weight=[2.0, 1.0])
    twice = lay_out([3.0, 3.0, 5.0], [20.0, 20.0, 200.0], at)
    xr.testing.assert_allclose(mean_over(ratios, once), mean_over(ratios, twice))
    xr.testing.assert_allclose(exceedance(ratios["speed"], once, [2.0]),
                               exceedance(ratios["speed"], twice, [2.0]))


def _counted(ratio: np.ndarray, at: np.ndarray, speed: np.ndarray, wind_from: np.ndarray,
             limits: list[float], between: str, or_equal: bool) -> np.ndarray:
    """The plain twin of the counting kernel: one hour after the other."""
    n = len(at)
    out = np.zeros((len(limits), *ratio.shape[1:]))
    for v, a in zip(speed, wind_from, strict=True):
        position = a / (360.0 / n)
        lower = int(position) % n
        share = position - int(position)
        if between == "nearest":
            lower, share = (lower + (share >= 0.5)) % n, 0.0
        local = v * ((1 - share) * ratio[lower] + share * ratio[(lower + 1) % n])
        for i, limit in enumerate(limits):
            out[i] += (local >= limit) if or_equal else (local > limit)
    out[:, np.isnan(ratio).any(axis=0)] = np.nan
    return out / len(speed)


@pytest.mark.parametrize("between", ["linear", "nearest"])
@pytest.mark.parametrize("or_equal", [False, True])
def test_the_count_of_hours_is_that_of_a_loop(between: str, or_equal: bool):
    ratios = _solves(8, (5, 6), seed=3)
    ratio = ratios["speed"].copy()
    ratio[:, 1, 1], ratio[:, 1, 2] = 1.0, 0.0  # open ground and dead air
    speed, wind_from = _year(700)
    speed = np.round(speed * 2) / 2  # reports in half metres a second: ties at whole thresholds
    limits = [0.3, 1.0, 2.0, 5.0, 8.0, 15.0]
    hours = lay_out(speed, wind_from, directions_of(ratio), between=between)
    expected = _counted(ratio.values, ratio["wind_from"].values, speed, wind_from, limits, between,
                        or_equal)
    found = exceedance(ratio, hours, limits, or_equal=or_equal)
    np.testing.assert_allclose(found, expected, atol=1e-7)
    assert np.isnan(found[:, :, 0]).all()


def test_the_kernel_is_its_plain_python_self():
    ratios = _solves(8, (4, 5), seed=5)["speed"]
    hours = lay_out(*_year(60), directions_of(ratios))
    start = np.searchsorted(hours.lower, np.arange(9))
    passed = np.concatenate([[0.0], np.cumsum(hours.weight)])
    flat = np.ascontiguousarray(ratios.values.reshape(8, -1))
    limits = np.array([1.0, 4.0])
    args = (flat, start, hours.share, hours.speed, hours.weight, passed, limits, False)
    np.testing.assert_array_equal(composition._count_kernel(*args),
                                  composition._count_kernel.py_func(*args))


def test_pieces_change_nothing(monkeypatch: pytest.MonkeyPatch):
    ratio = _solves(16, (2, 7, 5))["speed"]
    hours = lay_out(*_year(300), directions_of(ratio))
    whole = exceedance(ratio, hours, [1.0, 5.0])
    monkeypatch.setattr(composition, "_AT_ONCE", 16 * 2 * 5 * 3)
    assert len(list(composition.pieces(ratio))) == 3
    xr.testing.assert_identical(exceedance(ratio, hours, [1.0, 5.0]), whole)


def test_twice_the_wind_passes_twice_the_threshold():
    ratio = _solves(8)["speed"]
    speed, wind_from = _year(500)
    at = directions_of(ratio)
    once = exceedance(ratio, lay_out(speed, wind_from, at), [1.5, 4.0])
    twice = exceedance(ratio, lay_out(2 * speed, wind_from, at), [3.0, 8.0])
    np.testing.assert_array_equal(once, twice)


def test_thresholds_and_hours_must_fit():
    ratio = _solves(8)["speed"]
    hours = lay_out(*_year(10), np.arange(16) * 22.5)
    with pytest.raises(CityTwinError, match=r"laid out for 16 directions .* have 8"):
        exceedance(ratio, hours, [1.0])
    with pytest.raises(CityTwinError, match="speeds above zero"):
        exceedance(ratio, lay_out(*_year(10), directions_of(ratio)), [0.0])
    with pytest.raises(CityTwinError, match="below zero"):
        lay_out([-1.0], [0.0], directions_of(ratio))
    with pytest.raises(CityTwinError, match="'linear' or 'nearest'"):
        lay_out([1.0], [0.0], directions_of(ratio), between="cubic")
    with pytest.raises(CityTwinError, match="one number an hour"):
        lay_out([1.0, 2.0], [0.0], directions_of(ratio))


# ---- the climate


def test_hours_without_direction_go_where_light_winds_go():
    at = np.arange(4) * 90.0
    speed = [1.0, 1.0, 1.5, 6.0, 0.8, 7.0, np.nan, 0.0]
    wind_from = [0.0, 0.0, 90.0, 180.0, np.nan, np.nan, 270.0, 270.0]
    hours = lay_out(speed, wind_from, at)
    assert hours.missing == pytest.approx(2 / 8)  # no direction in a fresh wind, and no speed
    expected = (np.array([2, 1, 1, 1]) + np.array([2, 1, 0, 0]) / 3) / 6
    assert hours.rose == pytest.approx(expected)  # the calm itself tells nothing of directions
    with pytest.raises(MissingInput, match="no hour with a wind"):
        lay_out([np.nan], [0.0], at)


def test_frequencies_by_hand():
    speed = [0.0, 0.2, 1.0, 1.0, 1.5, 6.0, 6.0, 6.0]
    wind_from = [0.0, np.nan, 90.0, 90.0, 180.0, 270.0, 270.0, 270.0]
    found = sector_statistics(speed, wind_from, 4)
    assert float(found["calm"]) == pytest.approx(0.25)
    assert found["moving"].values == pytest.approx([0, 2 / 8, 1 / 8, 3 / 8])
    assert found["frequency"].values == pytest.approx([0, 2 / 8 + 1 / 6, 1 / 8 + 1 / 12, 3 / 8])
    assert float(found["frequency"].sum()) == pytest.approx(1.0)
    assert found["mean_speed"].values == pytest.approx(
        [np.nan, (2 / 8 + 0.1 / 6) / (5 / 12), (1.5 / 8 + 0.1 / 12) / (5 / 24), 6.0], nan_ok=True)
    assert not found["fitted"].any()


def test_the_mean_speed_of_the_sectors_is_that_of_the_hours():
    speed, wind_from = _year(3000)
    speed[:200] = 0.0
    found = sector_statistics(speed, wind_from, 16)
    assert float((found["frequency"] * found["mean_speed"]).sum()) == pytest.approx(speed.mean())
    assert float(found["frequency"].sum()) == pytest.approx(1.0, abs=1e-12)
    assert float(found["moving"].sum() + found["calm"]) == pytest.approx(1.0, abs=1e-12)


def test_tens_of_degrees_favour_the_cardinal_sectors_unless_spread():
    wind_from = np.arange(0, 360, 10)
    speed = np.full(36, 5.0)
    plain = sector_statistics(speed, wind_from, 16)["frequency"]
    assert plain.values[[0, 1, 4]] == pytest.approx([3 / 36, 2 / 36, 3 / 36])
    even = sector_statistics(speed, wind_from, 16, rounding=10.0)["frequency"]
    assert even.values == pytest.approx(np.full(16, 1 / 16), abs=1e-12)
    rose = lay_out(speed, wind_from, np.arange(16) * 22.5).rose
    assert rose == pytest.approx(np.full(16, 1 / 16), rel=0.05)


def test_an_always_calm_place_has_no_wind():
    found = sector_statistics([0.0, 0.1, 0.4], [0.0, 90.0, np.nan], 8)
    assert float(found["calm"]) == 1.0
    assert found["frequency"].values == pytest.approx(np.full(8, 1 / 8))
    ratio = _solves(8)["speed"]
    assert (exceedance(ratio, found, [1.0])[..., 1:] == 0).all()


@pytest.mark.parametrize(("shape", "scale"), [(1.4, 2.2), (2.0, 5.0), (3.1, 8.0)])
def test_weibull_parameters_come_back_within_sampling_error(shape: float, scale: float):
    n = 20_000
    sample = np.random.default_rng(7).weibull(shape, n) * scale
    k, a = fit_weibull(sample)
    assert abs(k - shape) < 4 * 0.780 * shape / np.sqrt(n)  # asymptotic standard errors
    assert abs(a - scale) < 4 * 1.053 * scale / (shape * np.sqrt(n))
    reference = weibull_min.fit(sample, floc=0)
    assert (k, a) == pytest.approx((reference[0], reference[2]), rel=1e-3)


def test_weights_are_repeats():
    sample = np.random.default_rng(3).weibull(2.0, 200) * 4.0
    times = np.random.default_rng(4).integers(1, 5, 200)
    assert fit_weibull(sample, times) == pytest.approx(fit_weibull(np.repeat(sample, times)))


def test_a_cut_off_sample_still_gives_its_parameters():
    sample = np.random.default_rng(11).weibull(2.0, 200_000) * 5.0
    cut = sample[sample >= 2.0]
    k, a = fit_weibull(cut, above=2.0)
    assert (k, a) == pytest.approx((2.0, 5.0), rel=0.02)
    assert fit_weibull(cut)[0] > 2.2  # taking the cut for the whole makes winds too steady


def test_speeds_all_alike_or_too_heavy_in_the_tail_have_no_weibull():
    heavy = np.exp(1.5 * np.random.default_rng(6).exponential(1.0, 500) ** 2)
    assert np.isnan(fit_weibull(heavy, above=1.0)).all()
    assert np.isnan(fit_weibull(np.full(50, 4.0))).all()
    assert np.isnan(fit_weibull([])).all()
    alike = sector_statistics(np.full(50, 4.0), np.zeros(50), 8)
    with pytest.raises(MissingInput, match="too few or too alike"):
        exceedance(_solves(8)["speed"], alike, [5.0])


def test_sectors_get_their_own_parameters_and_poor_ones_the_common_shape():
    rng = np.random.default_rng(5)
    east, south = rng.weibull(2.0, 20_000) * 4.0, rng.weibull(3.0, 20_000) * 7.0
    few = rng.weibull(2.0, FEWEST - 5) * 6.0 + 0.5
    speed = np.concatenate([east, south, few])
    wind_from = np.repeat([90.0, 180.0, 270.0], [len(east), len(south), len(few)])
    found = sector_statistics(speed, wind_from, 4)
    assert found["fitted"].values.tolist() == [False, True, True, False]
    assert found["shape"].values[1:3] == pytest.approx([2.0, 3.0], rel=0.03)
    assert found["scale"].values[1:3] == pytest.approx([4.0, 7.0], rel=0.02)
    common = fit_weibull(speed[speed >= 0.5], above=0.5)
    assert found["shape"].values[[0, 3]] == pytest.approx([common[0]] * 2, rel=1e-9)
    assert float(found["scale"][0]) == pytest.approx(common[1], rel=1e-9)
    assert abs(float(found["scale"][3]) - common[1]) > 0.1


def test_weibull_exceedance_is_the_analytic_one():
    ratio = _solves(8)["speed"]
    ratio[:] = xr.where(np.isnan(ratio), np.nan, 0.6)
    sectors = xr.Dataset(
        {"moving": ("wind_from", np.full(8, 1 / 8)), "shape": ("wind_from", np.full(8, 1.8)),
         "scale": ("wind_from", np.full(8, 4.5)), "calm_below": 0.0},
        {"wind_from": np.arange(8) * 45.0})
    found = exceedance(ratio, sectors, [1.0, 3.0, 5.0])
    for limit, share in zip([1.0, 3.0, 5.0], found[:, 0, 0, 1].values, strict=True):
        assert share == pytest.approx(np.exp(-((limit / (0.6 * 4.5))**1.8)), rel=1e-6)
    assert np.isnan(found[..., 0]).all()
    calmer = sectors.assign(calm_below=0.5, moving=sectors["moving"] * 0.9)
    slow, fast = exceedance(ratio, calmer, [0.2, 3.0])[:, 0, 0, 1].values
    assert slow == pytest.approx(0.9)  # 0.33 m/s at the mast, where nothing is known but calms
    assert fast == pytest.approx(0.9 * np.exp((0.5 / 4.5)**1.8 - (5.0 / 4.5)**1.8), rel=1e-6)
    other = sectors.assign_coords(wind_from=np.arange(8) * 45.0 + 5.0)
    with pytest.raises(CityTwinError, match="not those of the ratios"):
        exceedance(ratio, other, [1.0])


def test_weibull_and_counted_exceedance_agree_within_sampling_error():
    rng = np.random.default_rng(21)
    n, at = 100_000, np.arange(8) * 45.0
    wind_from = rng.choice(at, n, p=[0.3, 0.1, 0.05, 0.15, 0.2, 0.1, 0.05, 0.05])
    speed = rng.weibull(1.5 + wind_from / 300) * (3 + wind_from / 100)
    ratio = _solves(8, (3, 4), seed=9)["speed"]
    limits = [0.6, 1.0, 2.0, 4.0]
    counted = exceedance(ratio, lay_out(speed, wind_from, at, between="nearest"), limits)
    fitted = exceedance(ratio, sector_statistics(speed, wind_from, 8), limits)
    error = 5 * np.sqrt(counted * (1 - counted) / n) + 1e-4
    known = np.isfinite(counted)
    assert known.sum() == len(limits) * 3 * 3
    # Below the calm limit the fit knows no winds: a cell is compared where none count.
    sure = known & (xr.DataArray(limits, dims="threshold") / ratio.max("wind_from") > 0.5)
    assert int(sure.sum()) > 20
    assert bool((np.abs(fitted - counted) <= error).values[sure.values].all())
