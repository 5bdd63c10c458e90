"""The approach flow: laws with known values, measured tables, and the form of a city."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from layers.errors import CityTwinError, SourceError
from twin.aerodynamic import (
    form_indices,
    hanna_britter,
    kanda,
    macdonald,
    roughness_of_exponent,
    stability_correction,
)
from twin.wind.inflow import (
    Inflow,
    canopy_profile,
    log_profile,
    power_profile,
    roughness_of,
    stability_weight,
)
from twin.wind.profile_tables import read_profile, table_profile

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data" / "wind"


def shared(name: str) -> Path:
    if not (SHARED / name).is_file():
        pytest.skip(f"the shared wind file {name} is not here")
    return SHARED / name


# Laws


def test_the_log_law_has_the_values_of_its_formula():
    wind = log_profile(5.0, 10.0, 0.1)
    friction = 0.4 * 5.0 / math.log(101.0)
    assert wind.u_star == pytest.approx(friction)
    assert wind.at(10.0) == pytest.approx(5.0)
    for z in (0.05, 0.5, 2.0, 47.0, 300.0):
        assert wind.at(z) == pytest.approx(friction / 0.4 * math.log(z / 0.1 + 1), rel=2e-3)
    assert wind.at([-1.0, 0.0]).tolist() == [0.0, 0.0]
    assert wind.at(5000.0) == wind.at(600.0)


def test_turbulence_of_the_log_law_is_that_of_the_neutral_surface_layer():
    wind = log_profile(5.0, 10.0, 0.1)
    sigmas = np.array([2.39, 1.92, 1.25]) * wind.u_star
    assert wind.tke(5.0) == pytest.approx(0.5 * (sigmas ** 2).sum())
    assert wind.tke(100.0) / wind.tke(10.0) == pytest.approx(10.0 ** -0.1, rel=1e-3)


def test_the_air_stands_still_below_the_displacement():
    wind = log_profile(6.0, 40.0, 1.0, displacement=8.0)
    assert (wind.at([0.0, 4.0, 8.0]) == 0).all()
    friction = 0.4 * 6.0 / math.log(33.0)
    assert wind.at(40.0) == pytest.approx(6.0)
    assert wind.at(10.0) == pytest.approx(friction / 0.4 * math.log(3.0), rel=2e-3)


@pytest.mark.parametrize("ratio", [-4.0, -0.7, -0.01, 0.01, 0.5, 3.0])
def test_the_correction_is_the_integral_of_the_measured_gradient(ratio):
    # r dpsi/dr = phi - 1, with phi = (1 - 15 r)^-1/4 unstable and 1 + 4.7 r stable, to r = 1.
    step = 1e-5 * abs(ratio)
    slope = (stability_correction(ratio + step) - stability_correction(ratio - step)) / (2 * step)
    phi = (1 - 15 * ratio) ** -0.25 if ratio < 0 else 1 + 4.7 * min(ratio, 1.0)
    assert 1 + ratio * slope == pytest.approx(phi, rel=1e-5)


def test_the_correction_has_no_step_at_neutral_nor_at_very_stable():
    below, at, above = stability_correction([-1e-7, 0.0, 1e-7])
    assert at == 0
    assert below == pytest.approx(0, abs=1e-6)
    assert above == pytest.approx(0, abs=1e-6)
    assert stability_correction(1 + 1e-9) == pytest.approx(float(stability_correction(1.0)))


def test_stable_air_shears_more_and_unstable_less():
    free, stable, unstable = (log_profile(5.0, 10.0, 0.3, length=length)
                              for length in (math.inf, 80.0, -80.0))
    for wind in (free, stable, unstable):
        assert wind.at(10.0) == pytest.approx(5.0)
    assert stable.at(100.0) > 1.2 * free.at(100.0) > 1.2 * unstable.at(100.0)
    assert stable.u_star < free.u_star < unstable.u_star
    far = log_profile(5.0, 10.0, 0.3, length=1e7)
    np.testing.assert_allclose(far.speed, free.speed, rtol=1e-3)
    # Holtslag's hand value: at z = L the stable wind is u*/0.4 (ln(z/z0 + 1) + 4.7).
    expected = stable.u_star / 0.4 * (math.log(80 / 0.3 + 1) + 4.7)
    assert stable.at(80.0) == pytest.approx(expected, rel=2e-3)


@pytest.mark.parametrize("length", [-3.0, -10.0, -200.0, 3.0, 30.0])
def test_the_wind_never_falls_with_height(length):
    assert (np.diff(log_profile(4.0, 10.0, 0.3, length=length).speed) > 0).all()


def test_the_power_law_touches_the_log_law_of_its_roughness():
    wind = power_profile(4.0, 10.0, 0.2)
    for z in (0.7, 30.0, 250.0):
        assert wind.at(z) == pytest.approx(4.0 * (z / 10.0) ** 0.2, rel=1e-3)
    touch = wind.z0 * math.exp(1 / 0.2)
    log_law = wind.u_star / 0.4 * np.log(np.array([0.9, 1.0, 1.1]) * touch / wind.z0)
    power = 4.0 * (np.array([0.9, 1.0, 1.1]) * touch / 10.0) ** 0.2
    assert log_law[1] == pytest.approx(power[1])
    assert np.diff(log_law) == pytest.approx(np.diff(power), rel=0.02)  # one slope


def test_turbulence_of_the_power_law_follows_the_aij_guide():
    wind = power_profile(4.0, 10.0, 0.2)
    assert math.sqrt(wind.tke(10.0)) / 4.0 == pytest.approx(0.1 * (10 / 450) ** -0.25, rel=1e-3)
    high = wind.at(450.0)
    assert math.sqrt(wind.tke(450.0)) / high == pytest.approx(0.1, rel=1e-3)


def test_roughness_of_an_exponent_turns_counihan_round():
    assert roughness_of_exponent(0.24) == pytest.approx(1.0)
    for exponent in (0.12, 0.16, 0.22, 0.3):
        decade = math.log10(roughness_of_exponent(exponent))
        assert 0.24 + 0.096 * decade + 0.016 * decade ** 2 == pytest.approx(exponent)
    assert roughness_of_exponent(0.05) == roughness_of_exponent(0.1)
    assert roughness_of_exponent(0.9) == pytest.approx(5.0, rel=0.02)


@pytest.mark.parametrize("frontal", [0.1, 0.2, 0.3])
def test_the_canopy_joins_the_log_law_with_one_speed_and_one_slope(frontal):
    wind = canopy_profile(6.0, 80.0, 15.0, frontal, 0.25)
    assert wind.at(80.0) == pytest.approx(6.0)
    z0, d = wind.z0, wind.displacement
    roof = wind.u_star / 0.4 * math.log((15.0 - d + z0) / z0)
    assert wind.at(15.0) == pytest.approx(roof)
    assert z0 == pytest.approx(float(macdonald(0.25, frontal, 15.0)[0]))
    decay = 9.6 * frontal
    assert wind.at(5.0) == pytest.approx(roof * math.exp(decay * (5 / 15 - 1)), rel=5e-3)
    assert 0 < d < 15
    above = wind.u_star / 0.4 / (15.0 - d + z0)
    assert roof * decay / 15.0 == pytest.approx(above, rel=1e-6)


def test_intensity_is_even_inside_the_canopy_and_thin_buildings_displace_nothing():
    wind = canopy_profile(6.0, 80.0, 15.0, 0.2, 0.25)
    ratio = wind.k / wind.speed ** 2
    inside = wind.z < 15.0
    assert inside.sum() > 50
    np.testing.assert_allclose(ratio[inside], ratio[np.argmin(abs(wind.z - 15.0))], rtol=1e-9)
    thin = canopy_profile(6.0, 80.0, 15.0, 0.02, 0.02)
    assert thin.displacement == 0
    assert canopy_profile(2.0, 5.0, 15.0, 0.2, 0.25).at(5.0) == pytest.approx(2.0)


def test_a_scaled_wind_keeps_its_shape():
    wind = log_profile(5.0, 10.0, 0.1).scaled(0.4)
    assert wind.at(10.0) == pytest.approx(2.0)
    assert wind.u_star == pytest.approx(0.4 * 2.0 / math.log(101.0))
    assert wind.tke(10.0) / wind.at(10.0) ** 2 == pytest.approx(
        float(log_profile(5.0, 10.0, 0.1).tke(10.0)) / 25.0)


@pytest.mark.parametrize("make", [
    lambda: log_profile(0.0, 10.0, 0.1), lambda: log_profile(5.0, 10.0, 0.0),
    lambda: log_profile(5.0, 10.0, 0.1, displacement=12.0),
    lambda: log_profile(5.0, 10.0, 0.1, length=0.5), lambda: log_profile(5.0, 10.0, 0.1, top=8.0),
    lambda: log_profile(math.nan, 10.0, 0.1), lambda: power_profile(5.0, 10.0, 1.4),
    lambda: power_profile(5.0, 10.0, 0.2, -1.0), lambda: canopy_profile(5.0, 50.0, 15.0, 0.2, 1.0),
    lambda: canopy_profile(5.0, 50.0, 0.0, 0.2, 0.3),
    lambda: Inflow(np.array([1.0, 1.0]), np.ones(2), np.ones(2), 0.1),
    lambda: Inflow(np.array([1.0, 2.0]), np.ones(2), np.ones(3), 0.1),
])
def test_numbers_that_cannot_be_are_refused(make):
    with pytest.raises(CityTwinError, match=r"expected|needs"):
        make()


# Tables


def test_a_table_is_linear_in_the_logarithm_of_height():
    wind = table_profile([2.0, 8.0, 32.0], [2.0, 3.0, 5.0], [0.5, 0.7, 0.3], z0=0.02)
    assert wind.at(4.0) == pytest.approx(2.5)
    assert wind.at(16.0) == pytest.approx(4.0)
    assert wind.tke([1.0, 4.0, 90.0]).tolist() == pytest.approx([0.5, 0.6, 0.3])
    assert wind.at(90.0) == 5.0
    assert wind.at(1.0) == pytest.approx(2.0 * math.log1p(50.0) / math.log1p(100.0))
    assert wind.at([[0.02, 0.0]]).tolist() == [[
        pytest.approx(2.0 * math.log(2.0) / math.log1p(100.0)), 0.0]]
    assert wind.at(1.999999) == pytest.approx(2.0, abs=1e-5)


def test_a_table_made_from_a_log_law_gives_the_law_back():
    z = np.array([1.0, 2, 4, 8, 16, 32, 64, 128])
    wind = table_profile(z, 0.3 / 0.4 * np.log(z / 0.01))
    assert wind.z0 == pytest.approx(0.01, rel=1e-6)
    assert wind.u_star == pytest.approx(0.3, rel=5e-3)  # z + z0 for z
    assert wind.tke(3.0) == pytest.approx(5.48 * 0.09, rel=0.01)


def test_turbulence_comes_from_what_was_measured():
    z, speed, sigma = [1.0, 2.0, 4.0], [2.0, 2.5, 3.0], np.array([0.5, 0.6, 0.4])
    alone = table_profile(z, speed, sigma_u=sigma)
    share = 0.5 * (1 + (1.92 / 2.39) ** 2 + (1.25 / 2.39) ** 2)
    np.testing.assert_allclose(alone.k, share * sigma ** 2)
    assert share == pytest.approx(0.96, abs=0.005)  # AIJ takes k = sigma_u^2
    three = table_profile(z, speed, sigma_u=sigma, sigma_v=sigma, sigma_w=sigma)
    np.testing.assert_allclose(three.k, 1.5 * sigma ** 2)
    ratio = table_profile(z, speed, intensity=sigma / speed)
    np.testing.assert_allclose(ratio.k, alone.k)
    np.testing.assert_allclose(table_profile(z, speed, sigma, sigma_u=sigma).k, sigma)


def test_small_dips_are_kept_and_doubled_heights_joined():
    wind = table_profile([0.0, 1.0, 2.0, 2.0, 4.0], [0.0, 3.0, 2.93, 2.97, 3.5])
    assert wind.z.tolist() == [1.0, 2.0, 4.0]
    assert wind.speed.tolist() == pytest.approx([3.0, 2.95, 3.5])


def test_an_even_wind_has_hardly_any_roughness():
    wind = table_profile([1.0, 2.0, 4.0], [3.0, 3.0, 3.0])
    assert wind.z0 == pytest.approx(1e-6)
    assert wind.at([0.5, 3.0]) == pytest.approx([3.0, 3.0], rel=0.06)


@pytest.mark.parametrize(("z", "speed", "more", "told"), [
    ([1, 2, 4], [3.0, 2.8, 3.5], {}, "row 2: the wind falls.*at least 2.91 m/s at 2 m, got 2.8"),
    ([1, 4, 2], [1.0, 2.0, 3.0], {}, "row 3: height 2 m after 4 m"),
    ([1, 2, 2], [1.0, 2.0, 3.0], {}, "row 3: 3 and 2 m/s at one height"),
    ([1, 2], [1.0, -2.0], {}, "row 2: speed is -2"),
    ([1, 2], [1.0, math.nan], {}, "row 2: speed is nan"),
    ([1, 2], [1.0, 2.0], {"k": [1.0, -1.0]}, "row 2: k is -1"),
    ([1, 2], [1.0, 2.0], {"k": [1.0]}, "1 values of k, expected 2"),
    ([0, 1], [0.0, 2.0], {}, "1 heights above 0"),
    ([1, 2], [0.0, 0.0], {}, "expected two heights and some wind"),
    ([0, 1, 2], [1.0, 2.0, 3.0], {}, "speed 1 m/s at height 0"),
    ([1, 2], [1.0, 2.0], {"z0": -1.0}, "expected z0 above 0"),
    ([1, 2], [1.0, 2.0], {"displacement": 2.0}, "below the second height"),
])
def test_a_table_that_cannot_be_is_refused_with_its_row(z, speed, more, told):
    with pytest.raises(SourceError, match=told):
        table_profile(z, speed, **more)


# Files


@pytest.mark.parametrize("text", [
    "z,u\n1,2\n10,4\n", "Z [m],U [m/s]\n1,2\n10,4\n", "height_m;U_mps\n1,0;2,0\n10;4\n",
    "speed\tZ (m)\n2\t1\n4\t10\n", "# tunnel\n\numag,tke,height\n2,0.3,1\n4,0.2,10\n\n",
    "高度,风速\n1,2\n10,4\n", "n,wind_speed (m s-1),h\na,2,1\nb,4,10\n",
])
@pytest.mark.parametrize("code", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
def test_a_profile_is_read_whatever_its_columns_are_called(tmp_path, text, code):
    file = tmp_path / "来流 风.csv"
    file.write_bytes(text.encode(code))
    wind = read_profile(file)
    assert wind.z.tolist() == [1.0, 10.0]
    assert wind.speed.tolist() == [2.0, 4.0]
    assert wind.name == "来流 风.csv"


def test_turbulence_columns_are_read(tmp_path):
    file = tmp_path / "p.csv"
    file.write_text("z,U,Iu [%]\n1,2,25\n10,4,15\n", encoding="utf-8")
    percent = read_profile(file)
    share = 0.5 * (2.39 ** 2 + 1.92 ** 2 + 1.25 ** 2) / 2.39 ** 2
    np.testing.assert_allclose(percent.k, share * np.array([0.5, 0.6]) ** 2)
    file.write_text("z,U,σu,σv,σw\n1,2,1,2,3\n10,4,1,1,1\n", encoding="utf-8")
    assert read_profile(file).k.tolist() == pytest.approx([7.0, 1.5])
    file.write_text("z_over_b,U,k (m²/s²)\n1,2,0.5\n10,4,0.4\n", encoding="utf-8")
    scaled = read_profile(file, scale=20.0, z0=0.5)
    assert scaled.z.tolist() == [20.0, 200.0]
    assert scaled.k.tolist() == [0.5, 0.4]
    assert scaled.z0 == 0.5


@pytest.mark.parametrize(("raw", "told"), [
    (b"", "empty"), (b"  \n \n", "empty"), (b"#z,u\n,,\n", "holds no rows"),
    (b"\x00\x01\x02\x03", "no text"), (b"z,u\n\xff\xff,1\n", "no text"),
    (b"1,2\n3,4\n", "line 1 names no height"), (b"z,wind_kmh\n1,2\n3,4\n", "names no speed"),
    (b"z,u\n1,2\n", "1 heights above 0"), (b"z,u\n", "0 heights above 0"),
    (b"z,u\n1,2\n3,fast\n", "line 3: u is 'fast', expected a number"),
    (b"z,u\n1,2\n3\n", "line 3: u is '', expected a number"),
    (b"z,u\n1,2\n\n3,nan\n", "row 4: speed is nan"), (b"z,u\n1,2\n3,inf\n", "speed is inf"),
    (b"z,u\n1,5\n3,6\n9,4\n", "row 4: the wind falls with height, expected at least 5.82"),
    (b"z_over_b,u\n1,5\n3,6\n", "units of a length"),
])
def test_a_bad_file_is_told_in_one_line(tmp_path, raw, told):
    file = tmp_path / "p.csv"
    file.write_bytes(raw)
    with pytest.raises(SourceError, match=told) as caught:
        read_profile(file)
    assert "p.csv" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(SourceError, match=r"none\.csv cannot be read"):
        read_profile(tmp_path / "none.csv")
    with pytest.raises(SourceError, match=r"scale is -1"):
        read_profile(tmp_path / "none.csv", scale=-1)


def test_the_profile_of_aij_a_is_read_as_measured():
    file = shared("aij_a/inflow.csv")
    with pytest.raises(SourceError, match="z_over_b"):
        read_profile(file)
    wind = read_profile(file, scale=0.08)
    assert len(wind.z) == 24
    assert wind.at(0.16) == pytest.approx(4.491)
    assert wind.tke(0.16) == pytest.approx(0.652461)
    table = np.loadtxt(file, delimiter=",", skiprows=1)
    parts = table_profile(table[:, 0], table[:, 1], sigma_u=table[:, 2], sigma_v=table[:, 3],
                          sigma_w=table[:, 4])
    np.testing.assert_allclose(parts.k, wind.k, rtol=1e-5)
    alone = table_profile(table[:, 0], table[:, 1], sigma_u=table[:, 2])
    ratio = wind.k / alone.k  # what taking the ratios for the parts costs
    assert ratio.mean() == pytest.approx(1.036, abs=0.01)
    assert (ratio.min(), ratio.max()) == pytest.approx((0.88, 1.17), abs=0.01)


def test_the_other_measured_profiles_are_read():
    blocks = read_profile(shared("aij_c/inflow.csv"))
    assert blocks.at(0.02) == pytest.approx(2.434)
    assert blocks.at(0.01) == pytest.approx(2.372)
    trees = read_profile(shared("aij_g/pole0_inflow.csv"))
    assert len(trees.z) == 324 - 86  # pairs of readings at one height are joined
    assert trees.at(7.05) == pytest.approx(5.13, rel=1e-3)
    assert trees.tke(7.05) == pytest.approx(2.65, rel=1e-3)


# The form of a city


def cubes(side: int, gap: int, count: int, height: float) -> np.ndarray:
    unit = np.zeros((side + gap, side + gap), dtype=np.float32)
    unit[gap // 2:gap // 2 + side, gap // 2:gap // 2 + side] = height
    return np.tile(unit, (count, count))


def test_a_city_of_cubes_has_the_indices_of_its_drawing():
    plan, frontal, mean = form_indices(cubes(10, 10, 6, 20.0), 2.0, 270.0)
    assert plan == 0.25
    assert mean == 20.0
    assert frontal == pytest.approx(0.25, rel=0.01)
    askew = form_indices(cubes(10, 10, 6, 20.0), 2.0, 225.0)[1]
    assert askew == pytest.approx(0.25 * math.sqrt(2), rel=0.08)  # width a (sin + cos)
    z0, d = roughness_of(cubes(10, 10, 6, 10.0), 2.0, 270.0)
    expected = macdonald(0.25, form_indices(cubes(10, 10, 6, 10.0), 2.0, 270.0)[1], 10.0)
    assert z0 == pytest.approx(expected[0], rel=0.02)
    assert d == pytest.approx(expected[1])


@pytest.mark.parametrize("turn", [0.0, 20.0, 45.0, 70.0])
def test_a_wall_askew_to_the_raster_is_as_wide_as_it_is(turn):
    x, y = np.meshgrid(np.arange(-60, 60, 2.0) + 1, np.arange(-60, 60, 2.0) + 1)
    c, s = math.cos(math.radians(turn)), math.sin(math.radians(turn))
    height = np.where((abs(x * c + y * s) < 12) & (abs(y * c - x * s) < 24), 10.0, 0.0)
    for off, slack in ((0.0, 0.1), (30.0, 0.1), (90.0, 0.35)):  # the steps of long walls count
        # The normal of the long face lies `turn` north of east.
        index = form_indices(height, 2.0, 90.0 - turn + off)[1] * 120.0 * 120.0
        a = math.radians(off)
        assert index == pytest.approx(10.0 * (48 * abs(math.cos(a)) + 24 * abs(math.sin(a))),
                                      rel=slack)


def test_roughness_knows_the_direction_and_the_windward_side():
    slabs = np.zeros((60, 60), dtype=np.float32)
    slabs[5::12, :] = slabs[6::12, :] = slabs[7::12, :] = 15.0  # rows along the x axis
    along, across = (form_indices(slabs, 2.0, angle)[1] for angle in (270.0, 180.0))
    assert along == pytest.approx(0.0, abs=1e-6)
    assert across == pytest.approx(5 * 60 * 2 * 15.0 / 120.0 ** 2, rel=0.01)

    height = np.zeros((80, 50), dtype=np.float32)
    height[60:] = cubes(5, 5, 5, 20.0)[:20]  # the last rows are the north
    assert roughness_of(height, 4.0, 0.0, reach=60.0)[0] > 1.0
    assert roughness_of(height, 4.0, 180.0, reach=200.0) == (0.03, 0.0)
    whole = roughness_of(height, 4.0, 180.0)
    assert 0.03 < whole[0] < roughness_of(height, 4.0, 0.0, reach=60.0)[0]
    assert roughness_of(np.zeros((9, 9)), 4.0, 180.0) == (0.03, 0.0)


def test_towers_are_no_rougher_than_the_upper_limit():
    towers = cubes(4, 8, 4, 120.0)
    assert macdonald(1 / 9, form_indices(towers, 4.0, 270.0)[1], 120.0)[0] > 0.15 * 120.0
    assert roughness_of(towers, 4.0, 270.0)[0] == 2.0


def test_formulas_of_roughness_have_their_limits():
    z0, d = macdonald(np.array([1e-6, 0.999999]), np.array([1e-6, 0.5]), 10.0)
    assert z0 == pytest.approx([0.0, 0.0], abs=1e-3)
    assert d == pytest.approx([0.0, 10.0], abs=1e-3)
    mean = 1 + 4.43 ** -0.25 * -0.75
    assert macdonald(0.25, 0.25, 10.0)[1] == pytest.approx(10 * mean)
    z0, d = hanna_britter(np.array([0.0, 0.05, 0.1, 0.15, 0.15001, 1.0, 3.0]), 20.0)
    assert z0 == pytest.approx([0.0, 1.0, 2.0, 3.0, 3.0, 3.0, 3.0])
    assert d == pytest.approx([0.0, 3.0, 8.5, 14.0, 14.0, 19.95, 19.95], abs=1e-3)
    z0, d = kanda(0.3, 1.0, 10.0, 0.0, 10.0)  # even heights: X = 1, Y = 0
    assert (z0, d) == pytest.approx((0.71, 12.9 * 0.3 ** 0.36))


# Stability of the solver


def test_stable_air_is_held_down():
    assert [stability_weight(c) for c in ("very stable", "slightly_stable", "Neutral",
                                          "slightly unstable", "very unstable")] == pytest.approx(
        [0.04, 0.25, 1.0, 4.0, 25.0])
    assert stability_weight(0.0) == 1.0
    assert stability_weight(0.5) == pytest.approx(math.exp(-1.5 * 0.5 ** 1.5))
    assert stability_weight(-0.5) == pytest.approx(math.exp(1.5 * 0.5 ** 1.5))
    assert stability_weight(50.0) == pytest.approx(0.01)
    assert stability_weight(-50.0) == 25.0
    with pytest.raises(CityTwinError, match=r"did you mean 'very stable'"):
        stability_weight("very stabel")
    with pytest.raises(CityTwinError, match="a class or a number"):
        stability_weight(math.nan)
