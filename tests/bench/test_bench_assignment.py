"""How long a user equilibrium takes, beside AequilibraE where that is installed."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest
from pytest_benchmark.fixture import BenchmarkFixture
from traffic_grid import by_aequilibrae, grid_city

import layers
from layers.place import Place
from twin.carbon.traffic.assigned import node_balance
from twin.carbon.traffic.assignment import assign
from twin.carbon.traffic.model import model_traffic
from twin.carbon.traffic.network import Network
from twin.carbon.traffic.roads_network import road_network
from twin.factors import load
from twin.pool import Picker

pytestmark = pytest.mark.bench

PEER = 4.5  # seconds of a Frank-Wolfe on SciPy's Dijkstra for the same 60 iterations


@pytest.fixture(scope="module", params=[True, False], ids=["3,120 links", "6,240 links"])
def city(request: pytest.FixtureRequest) -> tuple[Network, Any]:
    """64 zones on a grid, full enough that streets pass their capacity; kernels compiled."""
    network, trips = grid_city(one_way=request.param,
                               trips_an_hour=60_000.0 if request.param else 160_000.0)
    assign(network, trips, iterations=2)
    return network, trips


def test_sixty_iterations(benchmark: BenchmarkFixture, city: tuple[Network, Any]):
    network, trips = city
    found = benchmark.pedantic(assign, (network, trips), {"gap": 0.0, "iterations": 60}, rounds=3)
    benchmark.extra_info |= {"gap": found.gap, "vehicle_km": found.vehicle_km,
                             "fullest": float((found.volume / network.capacity).max())}
    assert found.iterations == 60
    assert found.gap < 1e-3
    assert np.abs(node_balance(network, found.volume, trips)).max() <= 1e-9 * trips.sum()
    if benchmark.stats is not None:  # None while benchmarks are disabled
        assert benchmark.stats.stats.min < PEER


def test_beside_aequilibrae(city: tuple[Network, Any]):
    network, trips = city
    begun = time.process_time()
    theirs, their_gap, _ = by_aequilibrae(network, trips, gap=0.0, iterations=60)
    their_time = time.process_time() - begun
    begun = time.process_time()
    ours = assign(network, trips, gap=0.0, iterations=60)
    our_time = time.process_time() - begun
    print(f"\n{len(network.tail)} links: {our_time:.2f} s of processor time to gap {ours.gap:.1e}; "
          f"AequilibraE {their_time:.2f} s to gap {their_gap:.1e}; total flow differs by "
          f"{ours.volume.sum() / theirs.sum() - 1:.1e}")
    assert ours.volume.sum() == pytest.approx(theirs.sum(), rel=1e-3)
    assert our_time < their_time


@pytest.fixture(scope="module")
def centre() -> tuple[layers.City, Picker]:
    """The centre of Nantes and its factors."""
    return layers.sample("nantes"), Picker(load(), Place("FR", "Pays de la Loire"))


def test_network_of_a_city_centre(benchmark: BenchmarkFixture, centre: tuple[layers.City, Picker]):
    place, factors = centre
    network = benchmark.pedantic(road_network, (place.frame("roads"), factors),
                                 {"area": place.area}, rounds=3)
    benchmark.extra_info["links"] = len(network.tail)
    assert network.left_out["km"] < 0.02 * network.length[network.along].sum() / 1000


def test_traffic_of_a_city_centre(benchmark: BenchmarkFixture, centre: tuple[layers.City, Picker]):
    place, factors = centre
    found = benchmark.pedantic(
        model_traffic, (place.frame("roads"), place.frame("buildings"), place.area, factors),
        {"gap": 1e-4}, rounds=2)
    benchmark.extra_info |= {"iterations": found.hour.iterations, "links": len(found.daily)}
    assert found.hour.why == "gap"
