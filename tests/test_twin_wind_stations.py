"""Wind between stations: what Barnes' scheme must keep, and what it may lose."""

from __future__ import annotations

import math

import numpy as np
import pytest

import twin.wind.stations as rooms
from layers.errors import CityTwinError
from twin.wind.inflow import log_profile
from twin.wind.stations import Stations, StationWind, station_wind


def readings(x, y, speed, wind_from, *, height=10.0, z0=0.1) -> Stations:
    n = len(x)
    return Stations(np.asarray(x, float), np.asarray(y, float), np.broadcast_to(height, n),
                    np.broadcast_to(np.asarray(speed, float), n),
                    np.broadcast_to(np.asarray(wind_from, float), n), np.broadcast_to(z0, n))


def plain_barnes(wind: StationWind, values: np.ndarray, x: float, y: float) -> float:
    """Barnes (1964) as it is written, one point at a time."""
    spacing = np.mean([min(math.hypot(a - c, b - d) for k, (c, d) in enumerate(places) if k != i)
                       for places in [list(zip(wind.x, wind.y, strict=True))]
                       for i, (a, b) in enumerate(places)])
    kappa = 5.052 * (2 * spacing / math.pi) ** 2

    def mean(px: float, py: float, what: np.ndarray, width: float) -> float:
        weights = [math.exp(-((px - a) ** 2 + (py - b) ** 2) / width)
                   for a, b in zip(wind.x, wind.y, strict=True)]
        return float(np.dot(weights, what) / sum(weights))

    missed = np.array([v - mean(a, b, values, kappa)
                       for v, a, b in zip(values, wind.x, wind.y, strict=True)])
    return mean(x, y, values, kappa) + mean(x, y, missed, 0.2 * kappa)


@pytest.fixture
def scattered() -> StationWind:
    rng = np.random.default_rng(7)
    return station_wind(readings(rng.uniform(0, 9000, 25), rng.uniform(0, 6000, 25),
                                 rng.uniform(1, 6, 25), rng.uniform(0, 360, 25)), height=10.0)


def test_the_scheme_is_the_published_one(scattered):
    x, y = np.array([100.0, 4500.0, 8800.0]), np.array([50.0, 3100.0, 5900.0])
    u, v = scattered.at(x, y)
    for i in range(3):
        assert u[i] == pytest.approx(plain_barnes(scattered, scattered.u, x[i], y[i]))
        assert v[i] == pytest.approx(plain_barnes(scattered, scattered.v, x[i], y[i]))


def test_kappa_comes_from_the_spacing_of_the_stations():
    x, y = (a.ravel() for a in np.meshgrid(np.arange(4) * 500.0, np.arange(3) * 500.0))
    wind = station_wind(readings(x, y, 3.0, 200.0))
    assert wind.spacing == pytest.approx(500.0)
    assert wind.kappa == pytest.approx(5.052 * (1000.0 / math.pi) ** 2)
    # Koch et al. set 5.052 so that waves of twice the spacing keep 1/e after the second pass.
    first = math.exp(-wind.kappa * (math.pi / 1000.0) ** 2)
    assert first * (1 + first ** -0.8 - first ** 0.2) == pytest.approx(math.exp(-1), rel=0.005)


@pytest.mark.parametrize("waves", [5.0, 8.0])
def test_a_wave_keeps_what_the_response_function_says(waves):
    line = np.arange(31) * 100.0
    x, y = (a.ravel() for a in np.meshgrid(line, line))
    length = waves * 100.0
    u = np.cos(2 * math.pi * (x - 1500.0) / length)
    wind = StationWind(x, y, u, np.zeros_like(u), 10.0, len(u), 0, 100.0)
    first = math.exp(-wind.kappa * (math.pi / length) ** 2)
    expected = first * (1 + first ** -0.8 - first ** 0.2)
    # The response holds for stations without end and without gaps; a lattice comes near it.
    assert wind.at(1500.0, 1500.0)[0] == pytest.approx(expected, rel=0.03)


def test_an_even_wind_stays_even(scattered):
    even = station_wind(readings(scattered.x, scattered.y, 4.0, 240.0), height=10.0)
    x, y = np.linspace(-50_000, 80_000, 40), np.linspace(-30_000, 40_000, 30)
    u, v = even.at(x[None, :], y[:, None])
    assert u.shape == (30, 40)
    np.testing.assert_allclose(u, 4 * math.sin(math.radians(60)), rtol=1e-12)
    np.testing.assert_allclose(v, 4 * math.cos(math.radians(60)), rtol=1e-12)


def test_the_second_pass_pulls_to_the_readings(scattered):
    first = scattered._means(scattered.x, scattered.y, scattered.u[:, None])[0][:, 0]
    second = scattered.at(scattered.x, scattered.y)[0]
    missed_first = np.sqrt(np.mean((first - scattered.u) ** 2))
    missed_second = np.sqrt(np.mean((second - scattered.u) ** 2))
    assert missed_second < 0.6 * missed_first
    assert scattered.u.min() <= first.min()
    assert first.max() <= scattered.u.max()
    # The second pass adds a mean of what was missed, so it can add no more than the worst miss.
    x, y = np.linspace(-5e3, 15e3, 50), np.linspace(-5e3, 15e3, 50)
    u = scattered.at(x[None, :], y[:, None])[0]
    worst = abs(first - scattered.u).max()
    assert u.max() <= scattered.u.max() + worst
    assert u.min() >= scattered.u.min() - worst


def test_far_away_the_nearest_station_speaks(scattered):
    u, v = scattered.at(5e6, 3000.0)
    assert np.isfinite([u, v]).all()
    east = int(np.argmin((scattered.x - 5e6) ** 2 + (scattered.y - 3000.0) ** 2))
    first = scattered._means(scattered.x, scattered.y, scattered.u[:, None])[0][east, 0]
    assert u == pytest.approx(scattered.u[east] + (scattered.u[east] - first), abs=1e-6)


def test_directions_turn_through_north():
    wind = station_wind(readings([0, 1000], [0, 0], 5.0, [350, 10]), height=10.0)
    u, v = wind.at(500.0, 0.0)
    assert u == pytest.approx(0.0, abs=1e-12)
    assert v == pytest.approx(-5 * math.cos(math.radians(10)))  # from the north, to the south


def test_south_west_wind_blows_north_east():
    u, v = station_wind(readings([0], [0], 2.0, 225.0), height=10.0).at([1.0, 2.0], [3.0, 4.0])
    np.testing.assert_allclose([u, v], math.sqrt(2.0))


def test_one_station_is_everywhere_the_same():
    wind = station_wind(readings([700], [300], 3.0, 270.0), height=10.0)
    u, v = wind.at(np.linspace(-1e5, 1e5, 7)[None, :], np.zeros((3, 1)))
    assert u.shape == v.shape == (3, 7)
    np.testing.assert_allclose(u, 3.0)
    np.testing.assert_allclose(v, 0.0, atol=1e-12)


def test_stations_at_one_place_are_one():
    stations = readings([0, 0.5, 4000], [0, 0, 0], [2.0, 4.0, 6.0], 270.0)
    wind = station_wind(stations, height=10.0)
    assert len(wind.u) == 2
    assert sorted(wind.u) == pytest.approx([3.0, 6.0])
    assert wind.used == 3
    assert wind.spacing == pytest.approx(4000.0, abs=1.0)
    same = station_wind(readings([5, 5], [5, 5], [2.0, 4.0], 270.0), height=10.0)
    assert same.at(99.0, 99.0)[0] == pytest.approx(3.0)


def test_readings_move_along_the_log_law_of_their_own_ground():
    stations = readings([0, 5000], [0, 0], [4.0, 2.0], 270.0, height=[10.0, 25.0], z0=[0.03, 1.0])
    wind = station_wind(stations)
    assert wind.height == 60.0
    assert wind.u[0] == pytest.approx(4 * math.log(60 / 0.03 + 1) / math.log(10 / 0.03 + 1))
    assert wind.u[1] == pytest.approx(2 * math.log(61) / math.log(26))
    assert log_profile(4.0, 10.0, 0.03).at(60.0) == pytest.approx(wind.u[0], rel=1e-3)


def test_missing_readings_are_left_out_and_counted():
    stations = readings([0, 1000, 2000, 3000], [0, 0, 0, 0], [3.0, math.nan, 3.0, 0.0],
                        [90.0, 90.0, math.nan, math.nan])
    wind = station_wind(stations, height=10.0)
    assert (wind.used, wind.left_out) == (2, 2)  # calm air needs no direction
    assert sorted(wind.u) == pytest.approx([-3.0, 0.0])
    with pytest.raises(CityTwinError, match="none of 1 stations"):
        station_wind(readings([0], [0], math.nan, 90.0))
    with pytest.raises(CityTwinError, match="none of 0 stations"):
        station_wind(readings([], [], [], []))


@pytest.mark.parametrize(("speed", "wind_from", "more", "told"), [
    (-1.0, 90.0, {}, "station 1: speed is -1"), (999.0, 90.0, {}, "speed is 999"),
    (3.0, 999.0, {}, "wind_from is 999, expected 0 to 360"),
    (3.0, 90.0, {"height": 0.0}, "height is 0"), (3.0, 90.0, {"z0": 0.0}, "z0 is 0"),
])
def test_impossible_readings_are_refused(speed, wind_from, more, told):
    with pytest.raises(CityTwinError, match=told):
        station_wind(readings([0, 9], [0, 9], speed, wind_from, **more))


def test_columns_must_be_of_one_length_and_the_height_above_zero():
    stations = readings([0, 9], [0, 9], 3.0, 90.0)
    with pytest.raises(CityTwinError, match="1 x, 2 y"):
        station_wind(Stations(np.zeros(1), stations.y, stations.height, stations.speed,
                              stations.wind_from, stations.z0))
    with pytest.raises(CityTwinError, match="the height is 0 m"):
        station_wind(stations, height=0.0)


def test_pieces_give_the_whole(scattered, monkeypatch):
    x, y = np.linspace(0, 9000, 23), np.linspace(0, 6000, 17)
    whole = scattered.at(x[None, :], y[:, None])
    monkeypatch.setattr(rooms, "_PAIRS", 60)
    np.testing.assert_allclose(scattered.at(x[None, :], y[:, None]), whole, rtol=1e-13)


def test_factors_carry_the_inflow_to_the_stations(scattered):
    inflow = log_profile(7.0, 50.0, 0.5)
    east, north = scattered.factors(4000.0, 3000.0, inflow)
    u, v = scattered.at(4000.0, 3000.0)
    assert east * inflow.at(10.0) == pytest.approx(u)
    assert north * inflow.at(10.0) == pytest.approx(v)
    with pytest.raises(CityTwinError, match="no wind at 10 m"):
        scattered.factors(0.0, 0.0, log_profile(7.0, 50.0, 0.5, displacement=12.0))
