"""Traffic on a road network: its ways, its equilibrium, its demand, its week and its scale."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components, dijkstra
from traffic_grid import by_aequilibrae, grid_city

import layers
from layers.buildings import gross_floor_area
from layers.errors import CityTwinError, MissingInput
from layers.place import Place
from layers.roads import MOTOR
from layers.roads import tidy as tidy_roads
from twin.carbon.traffic.assigned import Assigned, Memory, node_balance
from twin.carbon.traffic.assignment import _directed, assign
from twin.carbon.traffic.delay import beckmann, best_step, fill_times, travel_time
from twin.carbon.traffic.demand import Demand, daily_demand
from twin.carbon.traffic.gates import gate_traffic, through_trips
from twin.carbon.traffic.gravity import balance, fit_deterrence, mean_cost, spread_trips
from twin.carbon.traffic.meeting import cut_where_they_meet
from twin.carbon.traffic.model import model_traffic
from twin.carbon.traffic.network import Network
from twin.carbon.traffic.profiles import (
    Week,
    daily_volumes,
    driven_mean,
    hourly_speeds,
    traffic_week,
)
from twin.carbon.traffic.roads_network import road_network
from twin.carbon.traffic.scale import (
    UNCALIBRATED,
    keep_counts,
    scale_to_counts,
    scale_to_fuel,
    scale_to_total,
)
from twin.carbon.traffic.trees import load_trees
from twin.carbon.traffic.ways import measure
from twin.carbon.traffic.zones import join_zones, square_zones, trip_ends
from twin.factors import emep_curves, load
from twin.fleet import curve_energy
from twin.pool import Picker

DATA = Path(__file__).parent / "data"
OBJECTIVE = 4_231_335.28710744  # Sioux Falls, published for the network files below [1]

# [1] Transportation Networks for Research Core Team, "Sioux Falls": link flows of average excess
# cost 3.9e-15 and objective 42.31335287107440e5. Network and trips: LeBlanc L. J., Morlok E. K.,
# Pierskalla W. P. (1975), Transportation Research 9, 309-318, table 1 (trips x 100).


@pytest.fixture(scope="module")
def factors() -> Picker:
    return Picker(load(), Place("FR", "Pays de la Loire"))


@pytest.fixture(scope="module")
def sioux() -> tuple[Network, NDArray[np.float64], NDArray[np.float64]]:
    """Network, trips and best known link flows of Sioux Falls."""
    links = pd.read_csv(DATA / "sioux_falls_links.csv")
    trips = pd.read_csv(DATA / "sioux_falls_trips.csv", index_col=0).to_numpy(dtype=float)
    network = Network.of_links(links["from"] - 1, links["to"] - 1, free_time=links["free_time"],
                               capacity=links["capacity"], length=1000.0, zones=np.arange(24))
    return network, trips, links["volume"].to_numpy()


def random_network(seed: int, nodes: int = 60, links: int = 220, zones: int = 9) -> Network:
    """A ring, so that all is connected, and random links on it, some of them double."""
    rng = np.random.default_rng(seed)
    ring = np.arange(nodes)
    tail = np.concatenate([ring, rng.integers(0, nodes, links)])
    head = np.concatenate([(ring + 1) % nodes, rng.integers(0, nodes, links)])
    loop = tail == head
    tail, head = tail[~loop], head[~loop]
    centres = np.sort(rng.choice(nodes, zones, replace=False))
    return Network.of_links(tail, head, free_time=rng.uniform(1, 9, len(tail)),
                            capacity=rng.uniform(200, 900, len(tail)),
                            length=rng.uniform(50, 500, len(tail)), zones=centres,
                            alpha=rng.choice([0.15, 0.6], len(tail)),
                            beta=rng.choice([1.0, 3.0, 4.0, 5.5], len(tail)))


def some_trips(network: Network, seed: int, total: float = 3000.0) -> NDArray[np.float64]:
    rng = np.random.default_rng(seed)
    trips = rng.gamma(1.0, 1.0, (len(network.zones),) * 2)
    np.fill_diagonal(trips, 0.0)
    return trips * total / trips.sum()


# ---- time by volume


def test_time_at_capacity_is_that_of_the_classic_curve():
    assert travel_time(np.array([1000.0]), 60.0, 1000.0, 0.15, 4.0) == pytest.approx([69.0])
    assert travel_time(np.array([0.0]), 60.0, 1000.0, 0.15, 4.0) == pytest.approx([60.0])
    assert travel_time(np.array([5e3]), 60.0, np.inf, 0.0, 1.0) == pytest.approx([60.0])


def test_compiled_times_are_those_of_numpy_and_the_rise_is_the_derivative():
    net = random_network(1)
    volume = np.random.default_rng(2).uniform(0, 1200, len(net.tail))
    volume[:3] = 0.0
    curve = (net.free_time, net.capacity, net.alpha, net.beta)
    time, rise = np.empty_like(volume), np.empty_like(volume)
    spent = fill_times(volume, *curve, time, rise)
    assert time == pytest.approx(travel_time(volume, *curve), rel=1e-13)
    assert spent == pytest.approx(float(volume @ time), rel=1e-12)
    up, down = travel_time(volume + 1e-3, *curve), travel_time(volume - 1e-3, *curve)
    later = volume > 1
    assert rise[later] == pytest.approx(((up - down) / 2e-3)[later], rel=1e-5, abs=1e-12)


def test_the_sum_made_least_is_the_integral_of_time():
    net = random_network(3)
    curve = (net.free_time, net.capacity, net.alpha, net.beta)
    volume = np.random.default_rng(4).uniform(0, 900, len(net.tail))
    at, weight = np.polynomial.legendre.leggauss(12)
    levels = 0.5 * (at[:, None] + 1) * volume
    integral = (0.5 * weight[:, None] * volume * travel_time(levels, *curve)).sum()
    assert beckmann(volume, *curve) == pytest.approx(integral, rel=1e-9)


@given(seed=st.integers(0, 10_000))
def test_the_step_is_the_root_of_the_slope(seed: int):
    net = random_network(seed % 7)
    rng = np.random.default_rng(seed)
    curve = (net.free_time, net.capacity, net.alpha, net.beta)
    a, b = rng.uniform(0, 900, (2, len(net.tail)))

    def slope(step: float) -> float:
        return float((b - a) @ travel_time(a + step * (b - a), *curve))

    step = best_step(a, b, *curve)
    if slope(0.0) >= 0:
        assert step == 0
    elif slope(1.0) <= 0:
        assert step == 1
    else:
        assert step == pytest.approx(brentq(slope, 0, 1, xtol=1e-15), abs=1e-11)


# ---- ways


def loaded_by_numpy(net: Network, time: NDArray[np.float64],
                    trips: NDArray[np.float64]) -> tuple[NDArray[np.float64], float]:
    """All or nothing with SciPy's Dijkstra; of parallel links the quicker one is taken."""
    order = np.lexsort((time, net.head, net.tail))
    first = np.concatenate([[True], (np.diff(net.tail[order]) != 0) | (np.diff(net.head[order])
                                                                       != 0)])
    best = order[first]
    number = coo_array((best + 1, (net.tail[best], net.head[best])),
                       shape=(net.nodes, net.nodes)).tocsr()
    volume, spent = np.zeros(len(time)), 0.0
    for i, origin in enumerate(net.zones):
        shut = net.closed.copy()
        shut[origin] = False
        way = best[~shut[net.tail[best]]]
        graph = coo_array((time[way], (net.tail[way], net.head[way])),
                          shape=(net.nodes, net.nodes)).tocsr()
        far, before = dijkstra(graph, indices=origin, return_predecessors=True)
        need = np.bincount(net.zones, trips[i], net.nodes)
        need[origin] = 0.0
        spent += float((need * np.where(need > 0, far, 0)).sum())
        for node in np.argsort(-np.where(np.isfinite(far), far, -1), kind="stable"):
            if node != origin and need[node] > 0:
                volume[number[before[node], node] - 1] += need[node]
                need[before[node]] += need[node]
    return volume, spent


@pytest.mark.parametrize("seed", range(6))
def test_loading_is_that_of_scipy(seed: int):
    net = random_network(seed)
    closed = np.zeros(net.nodes, dtype=bool)
    closed[net.zones[::2]] = seed % 2 == 1
    net = replace(net, closed=closed)
    trips = some_trips(net, seed)
    trips[:, 3] = 0.0
    order, lost = net.order, np.zeros(len(net.zones))
    time = net.free_time[order]
    volume = np.zeros(len(time))
    spent = load_trees(net.first, net.tail[order], net.head[order], time, net.closed, net.zones,
                       trips, 0, len(net.zones), volume, lost)
    expected, total = loaded_by_numpy(net, net.free_time, trips)
    assert volume == pytest.approx(expected[order], abs=1e-9)
    assert spent == pytest.approx(total, rel=1e-12)
    assert not lost.any()


def test_ways_are_measured_as_scipy_measures_them():
    net = random_network(11)
    times, lengths = measure(net)
    graph = np.full((net.nodes, net.nodes), np.inf)
    np.minimum.at(graph, (net.tail, net.head), net.free_time)
    assert times == pytest.approx(dijkstra(graph)[np.ix_(net.zones, net.zones)], rel=1e-12)
    assert np.diag(lengths) == pytest.approx(0.0)
    steady = replace(net, length=net.free_time * 10.0)  # 10 m/s on all links: length is time
    assert measure(steady)[1] == pytest.approx(10.0 * times, rel=1e-12)


def test_no_trip_passes_through_a_closed_node():
    # 0 -> 1 -> 2 is quick but passes through zone 1; 0 -> 3 -> 2 takes longer.
    net = Network.of_links([0, 1, 0, 3], [1, 2, 3, 2], free_time=[1, 1, 5, 5], capacity=100,
                           zones=[0, 1, 2], closed=[0, 1, 2])
    trips = np.array([[0, 7, 10], [0, 0, 3], [0, 0, 0.0]])
    assert assign(net, trips).volume == pytest.approx([7, 3, 10, 10])


# ---- equilibrium


def test_two_ways_share_so_that_they_take_equally_long():
    # 10 + v = 15 + w / 2 and v + w = 20: v = w = 10, both take 20.
    net = Network.of_links([0, 0], [1, 1], free_time=[10, 15], capacity=[10, 30], alpha=1, beta=1,
                           zones=[0, 1])
    found = assign(net, [[0, 20], [0, 0]], gap=1e-12)
    assert found.volume == pytest.approx([10, 10], abs=1e-6)
    assert found.time == pytest.approx([20, 20], abs=1e-6)


@pytest.mark.parametrize("demand", [500.0, 1500.0, 4000.0])
def test_two_ways_of_the_fourth_power(demand: float):
    net = Network.of_links([0, 0], [1, 1], free_time=[300, 420], capacity=[800, 1500],
                           alpha=[0.6, 0.15], zones=[0, 1])

    def times(v: float) -> NDArray[np.float64]:
        return net.time(np.array([v, demand - v]))

    alone = times(demand)[0] <= times(demand)[1]
    expected = demand if alone else brentq(lambda v: np.subtract(*times(v)), 0, demand, xtol=1e-12)
    found = assign(net, [[0, demand], [0, 0]], gap=1e-12)
    assert found.volume == pytest.approx([expected, demand - expected], rel=1e-6)
    if not alone:
        assert found.time[0] == pytest.approx(found.time[1], rel=1e-6)


def braess(bridge: bool) -> Network:
    """Braess 1968: times 10 v, 50 + v, 50 + v, 10 v and, on the bridge, 10 + v."""
    free = np.array([1e-8, 50, 50, 1e-8, 10])
    alpha = np.array([1e9, 0.02, 0.02, 1e9, 0.1])
    kept = slice(None) if bridge else slice(4)
    return Network.of_links(np.array([0, 0, 2, 3, 2])[kept], np.array([2, 3, 1, 1, 3])[kept],
                            free_time=free[kept], capacity=1.0, alpha=alpha[kept], beta=1.0,
                            zones=[0, 1])


def test_braess_paradox():
    with_bridge = assign(braess(True), [[0, 6], [0, 0]], gap=1e-13, iterations=500)
    without = assign(braess(False), [[0, 6], [0, 0]], gap=1e-13)
    assert with_bridge.volume == pytest.approx([4, 2, 2, 4, 2], abs=1e-6)
    a, b, c, d, e = with_bridge.time
    assert (a + c, b + d, a + e + d) == pytest.approx((92, 92, 92), abs=1e-5)
    assert without.volume == pytest.approx([3, 3, 3, 3], abs=1e-6)
    assert without.time[0] + without.time[2] == pytest.approx(83, abs=1e-5)


def test_sioux_falls_has_the_published_objective_and_flows(sioux: Any):
    net, trips, best = sioux
    assert trips.sum() == 360_600
    assert beckmann(best, net.free_time, net.capacity, net.alpha, net.beta) == pytest.approx(
        OBJECTIVE, rel=1e-12)  # the table is typed without a slip
    assert np.abs(node_balance(net, best, trips)).max() < 1e-6
    found = assign(net, trips, gap=1e-6, iterations=1000)
    assert found.why == "gap"
    assert found.gap <= 1e-6
    assert OBJECTIVE * (1 - 1e-12) <= found.objective <= OBJECTIVE * (1 + 2e-7)
    assert found.volume == pytest.approx(best, rel=2e-3)
    assert found.volume.sum() == pytest.approx(best.sum(), rel=1e-4)


def test_the_gap_bounds_how_far_the_objective_is_from_its_least(sioux: Any):
    net, trips, _ = sioux
    found = assign(net, trips, gap=1e-4, iterations=300)
    spent = float(found.volume @ found.time)
    assert 0 <= found.objective - OBJECTIVE <= found.gap * spent  # convexity
    history = found.history
    assert (np.diff(history["objective"]) <= 1e-9 * OBJECTIVE).all()
    assert history["gap"].iloc[-1] == found.gap


def test_conjugate_directions_need_a_fraction_of_the_steps(sioux: Any):
    net, trips, _ = sioux
    steps = {m: assign(net, trips, gap=1e-4, iterations=3000, method=m).iterations
             for m in ("fw", "cfw", "bfw")}
    assert steps["bfw"] < steps["cfw"] < steps["fw"]
    assert steps["bfw"] * 5 < steps["fw"]


def test_a_direction_is_conjugate_to_the_two_before_it():
    rng = np.random.default_rng(8)
    free = 0
    for _ in range(200):
        begun, older, last, noise = rng.uniform(0, 900, (4, 30))
        rise, step = rng.uniform(0.1, 3.0, 30), rng.uniform(0.1, 0.9)
        # The two steps before: towards ``older`` from somewhere, then ``step`` towards ``last``,
        # which is moved so that the second step is conjugate to the first one.
        first = older - begun
        second = last - begun
        second = second - first * ((rise * first) @ second) / ((rise * first) @ first)
        last, volume = begun + second, begun + step * second
        goal = volume - rng.uniform(0, 1) * first - rng.uniform(0, 1) * second + noise - 450.0
        target, memory = _directed(volume, goal, rise, Memory((last, older), step), "bfw")
        assert memory.targets[0] is target
        new = target - volume
        bent = [abs((rise * d) @ new) / np.sqrt(((rise * d) @ d) * ((rise * new) @ new))
                for d in (first, second)]
        inside = np.linalg.lstsq(np.stack([goal, last, older], axis=1), target, rcond=None)[0]
        assert inside.sum() == pytest.approx(1)
        assert inside.min() > -1e-9
        if inside[1:].min() > 1e-6:  # neither share was held at 0
            assert bent == pytest.approx([0, 0], abs=1e-9)
            free += 1
    assert free > 10


@pytest.mark.parametrize("seed", range(4))
def test_nothing_is_lost_at_a_node(seed: int, sioux: Any):
    net = random_network(seed)
    trips = some_trips(net, seed)
    np.fill_diagonal(trips, 40.0)  # trips within a zone are not driven on links
    found = assign(net, trips, iterations=30, gap=0)
    assert np.abs(node_balance(net, found.volume, trips)).max() <= 1e-9 * trips.sum()
    net, trips, _ = sioux
    found = assign(net, trips, iterations=30 + seed, gap=0)
    assert np.abs(node_balance(net, found.volume, trips)).max() <= 1e-9 * trips.sum()


def test_going_on_is_as_never_having_stopped(sioux: Any):
    net, trips, _ = sioux
    whole = assign(net, trips, gap=0, iterations=40)
    half = assign(net, trips, gap=0, iterations=20)
    rest = assign(net, trips, gap=0, iterations=20, start=half)
    assert (half.iterations, rest.iterations, whole.iterations) == (20, 40, 40)
    assert np.array_equal(rest.volume, whole.volume)
    pd.testing.assert_frame_equal(rest.history, whole.history)


def test_starting_from_volumes_at_equilibrium_ends_at_once(sioux: Any):
    net, trips, best = sioux
    found = assign(net, trips, gap=1e-9, iterations=5, start=best)
    assert (found.why, found.iterations) == ("gap", 1)
    assert np.array_equal(found.volume, best)
    with pytest.raises(CityTwinError, match=r"start does not carry these trips.*Start from"):
        assign(net, trips * 1.01, start=best)
    with pytest.raises(CityTwinError, match="start has shape"):
        assign(net, trips, start=best[:-1])


def test_work_is_told_and_can_be_stopped(sioux: Any):
    net, trips, _ = sioux
    heard: list[tuple[str, int, int]] = []
    found = assign(net, trips, gap=0, iterations=50, tell=lambda *a: heard.append(a),
                   stop=lambda: len(heard) >= 7)
    assert found.why == "stopped"
    assert [done for _, done, _ in heard] == list(range(2, 10))
    assert {of for *_, of in heard} == {50}
    assert heard[0][0].startswith("traffic, gap ")
    assert np.abs(node_balance(net, found.volume, trips)).max() <= 1e-9 * trips.sum()
    more = assign(net, trips, gap=1e-4, iterations=300, start=found)
    assert more.why == "gap"


def test_the_result_does_not_depend_on_threads_or_the_run(sioux: Any):
    net, trips, _ = sioux
    one, again, two = (assign(net, trips, gap=0, iterations=12, threads=n) for n in (1, 1, 2))
    assert np.array_equal(one.volume, again.volume)
    assert np.array_equal(one.volume, two.volume)


def test_sums_of_the_result(sioux: Any):
    net, trips, _ = sioux
    found = assign(net, trips, gap=1e-3)
    assert found.vehicle_km == pytest.approx(found.volume.sum(), rel=1e-12)  # links of 1 km
    assert found.vehicle_hours == pytest.approx(float(found.volume @ found.time) / 3600)
    assert found.speed == pytest.approx(3600 / found.time)
    assert (found.time >= net.free_time).all()
    assert "vehicle km" in repr(found)


@pytest.mark.parametrize(("kwargs", "told"), [
    ({"gap": -1}, "gap -1"), ({"iterations": 0}, "iterations 0"), ({"method": "msa"}, "'msa'"),
])
def test_impossible_arguments_are_told(sioux: Any, kwargs: dict[str, Any], told: str):
    net, trips, _ = sioux
    with pytest.raises(CityTwinError, match=told):
        assign(net, trips, **kwargs)


def test_impossible_trips_and_networks_are_told(sioux: Any):
    net, trips, _ = sioux
    with pytest.raises(CityTwinError, match=r"trips have shape \(24, 23\)"):
        assign(net, trips[:, :-1])
    with pytest.raises(CityTwinError, match="negative or not finite"):
        assign(net, -trips)
    with pytest.raises(CityTwinError, match=r"free_time of link 1 is -2.*capacity of link 0 is 0"):
        Network.of_links([0, 1], [1, 0], free_time=[1, -2], capacity=0, zones=[0, 1])
    lonely = Network.of_links([0, 2], [1, 3], free_time=1, capacity=1, zones=[0, 1, 3])
    with pytest.raises(MissingInput, match=r"no way leads from zone 0 .*5 trips"):
        assign(lonely, [[0, 4, 5], [0, 0, 0], [0, 0, 0.0]])


# ---- lines that meet


def lines(*coords: Any) -> NDArray[np.object_]:
    return np.array([shapely.LineString(c) for c in coords], dtype=object)


def test_lines_meet_at_shared_vertices_and_ends_but_not_where_a_bridge_crosses():
    street = [(0, 0), (50, 0), (100, 0)]
    side = [(50, 0), (50, 80)]          # begins at a vertex of the street
    near = [(80.0, 0.3), (80, 60)]      # its end misses the street by 0.3 m
    over = [(20, -40), (20, 40)]        # crosses it on a bridge
    pieces = cut_where_they_meet(lines(street, side, near, over))
    assert np.bincount(pieces.line).tolist() == [3, 1, 1, 1]
    assert pieces.length[pieces.line == 0] == pytest.approx([50, 30, 20])
    assert len(pieces.xy) == 8
    crossed = cut_where_they_meet(lines(street, side, near, over), crossing=True)
    assert np.bincount(crossed.line).tolist() == [4, 1, 1, 2]
    tight = cut_where_they_meet(lines(street, side, near, over), snap=0.1)
    assert np.bincount(tight.line).tolist() == [2, 1, 1, 1]


def test_ends_within_the_tolerance_are_one_node():
    pieces = cut_where_they_meet(lines([(0, 0), (10, 0)], [(10.3, 0.2), (20, 5)],
                                       [(11.5, 0), (11.5, -9)]))
    assert pieces.head[0] == pieces.tail[1]
    assert pieces.tail[2] not in (pieces.head[0], pieces.tail[1])


def test_a_line_crossed_by_the_border_is_cut_there_and_keeps_its_direction():
    ring = shapely.boundary(shapely.box(0, 0, 10, 10))
    pieces = cut_where_they_meet(lines([(-5, 5), (15, 5)]), border=ring)
    assert pieces.length == pytest.approx([5, 10, 5])
    assert shapely.get_coordinates(pieces.shape[1]) == pytest.approx(np.array([[0, 5], [10, 5]]))
    assert pieces.xy[pieces.tail[1]] == pytest.approx([0, 5])


def test_cutting_real_roads_loses_no_metre(nantes: layers.City):
    roads = nantes.frame("roads")
    roads = roads[roads["class"].isin(MOTOR) & (roads.geom_type == "LineString")]
    shapes = roads.geometry.to_numpy()
    for snap in (0.01, 0.5):
        pieces = cut_where_they_meet(shapes, snap=snap)
        lost = shapely.length(shapes).sum() - pieces.length.sum()
        assert 0 <= lost + 1e-6 <= 2 * snap * len(shapes) * 0.05
    assert shapely.length(pieces.shape) == pytest.approx(pieces.length, abs=1.0)
    each = np.bincount(pieces.line, pieces.length, len(shapes))
    assert each == pytest.approx(shapely.length(shapes), abs=1.1)


# ---- roads as a network


def roads_of(*rows: tuple[str, Any], **columns: Any) -> gpd.GeoDataFrame:
    raw = gpd.GeoDataFrame({"class": [r[0] for r in rows], **columns},
                           geometry=[shapely.LineString(r[1]) for r in rows], crs=2154)
    return tidy_roads(raw)


SQUARE = [(0, 0), (300, 0), (300, 300), (0, 300), (0, 0)]


def test_links_have_the_lanes_speed_and_curve_of_their_class(factors: Picker):
    roads = roads_of(("primary", [(0, 0), (300, 0)]), ("residential", [(300, 0), (0, 0.0)]),
                     lanes=[4, 1], speed_limit=[30, 50], oneway=["yes", "no"])
    net = road_network(roads, factors)
    assert len(net.tail) == 3
    main = net.road == 0
    assert net.capacity[main] == pytest.approx([4 * 1500])
    assert net.free_time[main] == pytest.approx([300 / (30 / 3.6)])       # the limit is lower
    assert net.capacity[~main] == pytest.approx([0.5 * 600] * 2)          # one lane for both ways
    assert net.free_time[~main] == pytest.approx([300 / (25 / 3.6)] * 2)  # the class is lower
    assert set(net.alpha) == {0.6}
    assert set(net.beta) == {4.0}
    assert net.by_road([10.0, 20.0, 5.0], 3)[:2] == pytest.approx([10, 25])
    assert np.isnan(net.by_road([10.0, 20.0, 5.0], 3)[2])
    assert net.by_road([10.0, 20.0, 5.0], 2, both=False) == pytest.approx([10, 12.5])


def test_what_cannot_be_driven_both_ways_is_left_out_and_counted(factors: Picker):
    roads = roads_of(("secondary", SQUARE), ("residential", [(0, 0), (-100, 0)]),
                     ("residential", [(300, 300), (400, 300)]), ("service", [(900, 0), (950, 0)]),
                     ("footway", [(0, 0), (-9, 9)]), oneway=["no", "no", "yes", "no", "no"])
    net = road_network(roads, factors)
    assert set(net.road) == {0, 1}
    assert net.left_out["roads"] == 2
    assert net.left_out["km"] == pytest.approx(0.15)
    assert net.left_out["parts"] == 1


def test_roads_that_do_not_hang_together_are_an_error(factors: Picker):
    apart = roads_of(*[("residential", [(1000 * k, 0), (1000 * k + 100, 0)]) for k in range(5)])
    with pytest.raises(MissingInput, match=r"largest part .* 0\.1 of 0\.5 km.*crossing"):
        road_network(apart, factors)
    assert len(road_network(apart, factors, least=0.1).tail) == 2
    with pytest.raises(MissingInput, match="no line of the classes motorway"):
        road_network(roads_of(("footway", [(0, 0), (9, 9)])), factors)
    with pytest.raises(MissingInput, match="no road lies in the study area"):
        road_network(apart, factors, area=shapely.box(0, 500, 10, 510))


def test_the_toy_town_needs_its_crossings(toy: layers.City, factors: Picker):
    roads = toy.frame("roads")  # six streets and four across, drawn without shared vertices
    net = road_network(roads, factors, crossing=True)
    assert (net.nodes, len(net.tail)) == (24, 2 * (5 * 4 + 6 * 3))
    assert net.length.sum() == pytest.approx(2 * roads.length.sum())


def test_the_network_of_nantes_holds_its_roads(nantes: layers.City, factors: Picker):
    roads = nantes.frame("roads")
    net = road_network(roads, factors)
    driven = roads["class"].isin(MOTOR)
    once = net.length[net.along].sum() / 1000
    against = np.setdiff1d(net.road[~net.along], net.road[net.along])
    assert len(against) == 0
    assert once + net.left_out["km"] == pytest.approx(roads[driven].length.sum() / 1000, abs=0.05)
    assert once / (roads[driven].length.sum() / 1000) > 0.9
    graph = coo_array((np.ones(len(net.tail)), (net.tail, net.head)), shape=(net.nodes,) * 2)
    assert connected_components(graph, connection="strong")[0] == 1
    one_way = roads["oneway"].to_numpy()[net.road]
    assert net.along[one_way].all()
    shape = net.lines[~net.along]
    ends = shapely.get_coordinates(shapely.get_point(shape, 0))
    assert ends == pytest.approx(net.xy[net.tail[~net.along]], abs=0.6)


def test_an_area_cuts_roads_and_makes_gates(factors: Picker):
    # A square of streets in the area, a street out of it to the east and one-way roads through.
    roads = roads_of(("secondary", SQUARE), ("primary", [(300, 100), (600, 100)]),
                     ("tertiary", [(-500, 300), (0, 300)]), ("tertiary", [(0, 0), (-500, 0)]),
                     oneway=["no", "no", "yes", "yes"])
    area = shapely.box(-200, -100, 400, 400)
    net = road_network(roads, factors, area=area)
    assert sorted(net.xy[net.gates, 0]) == pytest.approx([-200, -200, 400])
    inside = shapely.length(shapely.intersection(roads.geometry.to_numpy(), area)).sum()
    assert net.length[net.along].sum() == pytest.approx(inside)
    table = gate_traffic(net, roads, factors)
    east, north = (table[table["x"] > 0].iloc[0], table[table["y"] > 200].iloc[0])
    assert (north["entering"], north["leaving"]) == (500, 0)     # half of 1000 both ways
    assert east["entering"] == pytest.approx(8905 / 2)
    assert table["entering"].sum() == pytest.approx(table["leaving"].sum())
    assert not net.access[net.gates[net.xy[net.gates, 0] < 0]].any()  # no trip begins on these


def test_trips_begin_on_streets_and_not_on_service_roads_or_motorways(factors: Picker):
    roads = roads_of(("residential", SQUARE), ("tertiary", [(0, 0), (300, 300)]),
                     ("service", [(300, 300), (500, 300)]), ("trunk", [(0, 0), (-400, 0)]))
    net = road_network(roads, factors)
    assert sorted(net.xy[net.access].tolist()) == [[0, 0], [300, 300]]
    yard = roads_of(("service", SQUARE), ("service", [(0, 0), (300, 300)]))
    assert road_network(yard, factors).access.all()  # there is nothing else


def test_the_count_of_a_one_way_road_is_all_of_one_direction(factors: Picker):
    roads = roads_of(("primary", [(-300, 9), (300, 9)]), ("primary", [(300, -9), (-300, -9)]),
                     ("tertiary", [(0, 9), (0, -9)]), ("tertiary", [(20, 9), (20, -9)]),
                     volume=[7000, 7000, np.nan, np.nan], oneway=["yes", "yes", "no", "no"])
    net = road_network(roads, factors, area=shapely.box(-200, -200, 200, 200), least=0.0)
    table = gate_traffic(net, roads, factors)
    assert sorted(table["entering"]) == [0, 0, 7000, 7000]
    assert sorted(table["leaving"]) == [0, 0, 7000, 7000]
    assert (table["entering"] + table["leaving"]).tolist() == [7000] * 4


def test_an_area_of_two_parts_cuts_a_road_into_its_two_parts(factors: Picker):
    roads = roads_of(("primary", [(0, 0), (1000, 0)]))
    area = shapely.MultiPolygon([shapely.box(100, -9, 400, 9), shapely.box(600, -9, 700, 9)])
    net = road_network(roads, factors, area=area)
    assert sorted(net.length) == pytest.approx([100, 100, 300, 300])
    assert sorted(net.xy[net.gates, 0]) == pytest.approx([100, 400, 600, 700])


def test_counts_go_before_defaults_at_gates(factors: Picker):
    roads = roads_of(("primary", [(-300, 0), (300, 0)]), ("primary", [(0, -300), (0, 300)]),
                     volume=[12_000, np.nan], lanes=[2, 4])
    net = road_network(roads, factors, area=shapely.box(-200, -200, 200, 200), crossing=True)
    by_class = gate_traffic(net, roads, factors)
    assert by_class["counted"].sum() == 2
    assert by_class.loc[by_class["counted"], "entering"].to_numpy() == pytest.approx([6000, 6000])
    assert by_class.loc[~by_class["counted"], "leaving"].to_numpy() == pytest.approx([8905 / 2] * 2)
    by_lane = gate_traffic(net, roads, factors, volumes="lanes")
    assert by_lane.loc[~by_lane["counted"], "leaving"].to_numpy() == pytest.approx([2 * 8167] * 2)
    with pytest.raises(CityTwinError, match="expected 'class' or 'lanes'"):
        gate_traffic(net, roads, factors, volumes="many")  # type: ignore[arg-type]


# ---- gravity


def test_balancing_keeps_the_cross_ratio():
    # The 2 x 2 case is a quadratic: x (x + 10 - 20) / ((10 - x) (20 - x)) = ratio of the seed.
    seed = np.array([[3.0, 1.0], [2.0, 5.0]])
    ratio = seed[0, 0] * seed[1, 1] / (seed[0, 1] * seed[1, 0])
    found = balance(seed, [10, 30], [20, 20])
    x = brentq(lambda t: t * (20 - (10 - t)) - ratio * (10 - t) * (20 - t), 0, 10)
    assert found[0, 0] == pytest.approx(x, abs=1e-8)
    assert found.sum(axis=1) == pytest.approx([10, 30])
    assert found.sum(axis=0) == pytest.approx([20, 20])


@given(seed=arrays(float, (5, 4), elements=st.floats(0.01, 10)),
       rows=arrays(float, 5, elements=st.floats(0.1, 50)),
       columns=arrays(float, 4, elements=st.floats(0.1, 50)))
def test_balanced_sums_are_those_wanted(seed: Any, rows: Any, columns: Any):
    columns = columns * rows.sum() / columns.sum()
    found = balance(seed, rows, columns)
    assert found.sum(axis=1) == pytest.approx(rows, abs=1e-8 * rows.sum())
    assert found.sum(axis=0) == pytest.approx(columns, abs=1e-8 * rows.sum())


def test_sums_that_cannot_be_met_are_told_or_not_passed():
    with pytest.raises(CityTwinError, match="rows sum to 3 and the columns to 4"):
        balance(np.ones((2, 2)), [1, 2], [2, 2])
    with pytest.raises(CityTwinError, match="row 1 has 2 trips but no way"):
        balance([[1, 1], [0, 0]], [1, 2], [2, 1])
    stuck = np.array([[1.0, 1.0], [1.0, 0.0]])
    with pytest.raises(CityTwinError, match="sums are missed"):
        balance(stuck, [1, 9], [2, 8], iterations=50)
    least = balance(stuck, [1, 9], [2, 8], iterations=50, exact=False)
    assert (least.sum(axis=1) <= np.array([1, 9]) + 1e-12).all()
    assert (least.sum(axis=0) <= np.array([2, 8]) + 1e-12).all()


@pytest.mark.parametrize("deterrence", [0.0, 0.05, 0.1, 0.6])
def test_the_deterrence_is_found_again_from_the_mean(deterrence: float):
    rng = np.random.default_rng(5)
    xy = rng.uniform(0, 20, (12, 2))
    cost = np.hypot(*(xy[:, None] - xy[None]).T) + 1.0
    made, drawn = rng.uniform(10, 90, (2, 12))
    drawn *= made.sum() / drawn.sum()
    trips = spread_trips(made, drawn, cost, deterrence)
    assert np.log(trips[0, 1] * trips[2, 3] / (trips[0, 3] * trips[2, 1])) == pytest.approx(
        -deterrence * (cost[0, 1] + cost[2, 3] - cost[0, 3] - cost[2, 1]), abs=1e-7)
    found, again = fit_deterrence(made, drawn, cost, mean_cost(trips, cost))
    assert found == pytest.approx(deterrence, abs=1e-7)
    assert again == pytest.approx(trips, abs=1e-5)


def test_a_mean_out_of_reach_is_told_with_what_can_be():
    cost = np.array([[1.0, 4.0], [4.0, 1.0]])
    with pytest.raises(CityTwinError, match=r"of 9 cannot be met.*from 1 to 2\.5"):
        fit_deterrence([5, 5], [5, 5], cost, 9.0)
    assert fit_deterrence([5, 5], [5, 5], cost, 1.6)[0] == pytest.approx(np.log(4) / 3)  # 4 : 1
    shut = np.array([[1.0, np.inf], [4.0, 1.0]])
    assert spread_trips([5, 5], [6, 4], shut, 0.0)[0] == pytest.approx([5, 0])


def test_nobody_passes_through_and_out_by_the_gate_they_came_in():
    xy = np.array([[0, 0], [10, 0], [10, 10], [0, 10.0]])
    all_ways = np.ones((4, 4), dtype=bool)
    found = through_trips(np.full(4, 9.0), np.full(4, 9.0), xy, all_ways)
    assert np.diag(found) == pytest.approx(0.0)
    assert found.sum(axis=0) == pytest.approx([9] * 4, rel=1e-5)
    assert found[0, 2] > found[0, 1]  # straight on rather than round the corner
    none = through_trips(np.full(4, 9.0), np.full(4, 9.0), xy, ~all_ways)
    assert none.sum() == 0


# ---- trip ends and the day


def houses(rows: list[tuple[float, float, str, float]]) -> gpd.GeoDataFrame:
    """Squares of 10 x 10 m at a place, of a use, with storeys."""
    return gpd.GeoDataFrame(
        {"use": [r[2] for r in rows], "num_floors": [r[3] for r in rows], "floors_from": "tag",
         "dwellings": np.nan},
        geometry=[shapely.box(r[0], r[1], r[0] + 10, r[1] + 10) for r in rows], crs=2154)


def test_trip_ends_by_hand(factors: Picker):
    built = houses([(10, 10, "residential", 4), (60, 10, "office", 8), (160, 10, "retail", 1),
                    (500, 10, "residential", 9)])
    built["dwellings"] = [5.0, np.nan, np.nan, np.nan]
    zones = square_zones(shapely.box(0, 0, 200, 100), 2154, 100.0)
    ends = trip_ends(zones, built, factors)
    by_car = 0.48 / 1.43 / (1 - 0.15)
    assert ends["residents"].tolist() == pytest.approx([5 * 2.15, 0])
    assert ends["production"].tolist() == pytest.approx([5 * 2.15 * 3 * by_car, 0])
    assert ends["jobs"].tolist() == pytest.approx([800 / 16, 100 / 25])
    assert ends["attraction"].tolist() == pytest.approx(
        [(800 / 16 * 4.35 + 5 * 2.15 * 0.6) * by_car, 100 / 25 * 9 * by_car])
    assert ends.loc[1, ["x", "y"]].tolist() == pytest.approx([165, 15])
    assert ends["radius"].tolist() == pytest.approx([100 / np.sqrt(np.pi)] * 2)
    assert 15 < ends.loc[0, "x"] < 65
    assert ends.attrs["outside"] == pytest.approx(900 / 2200)
    twice = trip_ends(zones, built, factors, residents=np.array([20.0, 0, 0, 0]))
    assert twice["residents"].tolist() == pytest.approx([20, 0])


def test_zones_cover_the_area_and_each_building_counts_once(nantes: layers.City, factors: Picker):
    zones = square_zones(nantes.area, nantes.crs, 400.0)
    assert zones.area.sum() == pytest.approx(nantes.area.area)
    built = nantes.frame("buildings")
    ends = trip_ends(zones, built, factors)
    homes = built["dwellings"].fillna(0) * 2.15 + np.where(
        built["dwellings"].isna() & (built["use"] == "residential"),
        gross_floor_area(built) / 47, 0)
    inside = shapely.intersects(nantes.area, shapely.point_on_surface(built.geometry.to_numpy()))
    assert ends["residents"].sum() == pytest.approx(homes[inside].sum(), rel=1e-9)
    with pytest.raises(CityTwinError, match="at most 4,000"):
        square_zones(nantes.area, nantes.crs, 10.0)
    with pytest.raises(MissingInput, match="no building lies"):
        trip_ends(square_zones(shapely.box(0, 0, 9, 9), 2154, 9.0), built, factors)


def test_a_zone_with_trips_and_no_road_is_named(factors: Picker):
    net = road_network(roads_of(("residential", SQUARE), ("tertiary", [(0, 0), (300, 300)])),
                       factors)
    ends = pd.DataFrame({"x": [150.0, 9000.0], "y": [150.0, 0.0], "production": [5.0, 5.0],
                         "attraction": 0.0}, index=["市中心", "乡村"])
    with pytest.raises(MissingInput, match=r"1 of 2 zones .* within 1000 m: 乡村"):
        join_zones(net, ends)
    joined = join_zones(net, ends.assign(production=[5.0, 0.0]), doors=2)
    assert (joined.nodes, len(joined.zones)) == (net.nodes + 2, 2)
    door = joined.road == -1
    assert door.sum() == 4
    assert joined.closed[joined.zones].all()
    assert joined.vehicle_km(np.ones(len(joined.tail))) == pytest.approx(net.length.sum() / 1000)
    straight = np.hypot(150, 150)
    assert joined.length[door] == pytest.approx([1.3 * straight] * 4)
    assert joined.free_time[door] == pytest.approx([1.3 * straight * 3.6 / 15] * 4)
    corner = join_zones(net, ends.iloc[:1].assign(x=20.0, y=20.0))
    assert (corner.road == -1).sum() == 2  # the other junction is 368 m farther: no door
    wide = join_zones(net, ends.iloc[:1].assign(x=20.0, y=20.0, radius=800.0))
    assert (wide.road == -1).sum() == 4    # but in a wide zone it is one


def day_of(made: Any, drawn: Any, enter: Any, leave: Any, factors: Picker,
           through: float = 0.3, target: float | None = None) -> Demand:
    z, g = len(made), len(enter)
    angle = np.linspace(0, 2 * np.pi, g, endpoint=False) if g else np.empty(0)
    rng = np.random.default_rng(0)
    xy = np.concatenate([rng.uniform(-500, 500, (z, 2)),
                         1000 * np.stack([np.cos(angle), np.sin(angle)], axis=1)])
    lengths = 1.3 * np.hypot(*(xy[:, None] - xy[None]).T) + 50.0
    ends = pd.DataFrame({"production": made, "attraction": drawn})
    gates = pd.DataFrame({"entering": enter, "leaving": leave, "through": through,
                          "x": xy[z:, 0], "y": xy[z:, 1]})
    return daily_demand(ends, gates, lengths / 8.0, lengths, factors, target_km=target)


@given(made=arrays(float, 5, elements=st.floats(0, 2000)),
       drawn=arrays(float, 5, elements=st.floats(0, 2000)),
       enter=arrays(float, 4, elements=st.floats(0, 3000)),
       through=st.floats(0, 0.9))
def test_the_day_adds_up(made: Any, drawn: Any, enter: Any, through: float):
    factors = Picker(load(), Place("FR"))
    if made.sum() + drawn.sum() < 1:
        return
    leave = np.roll(enter, 1)
    day = day_of(made, drawn, enter, leave, factors, through)
    z, t = 5, day.trips
    scale = max(1.0, t.sum())
    assert (t >= 0).all()
    assert t[:z].sum(axis=1) == pytest.approx(t[:, :z].sum(axis=0), abs=1e-5 * scale)  # home again
    assert (t[z:].sum(axis=1) <= enter * (1 + 1e-5) + 1e-6).all()
    assert (t[:, z:].sum(axis=0) <= leave * (1 + 1e-5) + 1e-6).all()
    crossing = t[z:, :z].sum() + t[:z, z:].sum()
    stay = t[:z, :z].sum()
    # Trips of residents and trips attracted, each counted once where it begins and once where it
    # ends inside, are those that stay, twice, and those that cross.
    assert 2 * stay + crossing == pytest.approx(
        made.sum() + drawn.sum() * day.attraction_scale if drawn.sum() > 0 else 2 * stay + crossing,
        abs=1e-5 * scale)
    assert sum(day.parts.values()) == pytest.approx(t.sum())


def test_residents_leave_and_workers_come_as_the_traffic_at_the_gates_tells(factors: Picker):
    # 1000 + 600 trip ends and 800 crossings that end inside: 400 stay.
    day = day_of([600, 400], [300, 300], [400, 400], [400, 400], factors, through=0.5)
    parts = day.parts
    assert parts["within"] + parts["between"] == pytest.approx(400, rel=1e-6)
    assert (parts["in"], parts["out"]) == pytest.approx((400, 400), rel=1e-6)
    assert parts["through"] == pytest.approx(400, rel=1e-5)
    assert day.attraction_scale == 1.0
    assert day.not_placed == pytest.approx(0.0, abs=0.1)
    closed = day_of([600, 400], [300, 300], [], [], factors)
    assert closed.attraction_scale == pytest.approx(1000 / 600)
    assert closed.trips.sum() == pytest.approx(1000)
    assert closed.hour(0.09).sum() == pytest.approx(90)


def test_the_day_meets_a_mean_trip_length(factors: Picker):
    rng = np.random.default_rng(9)
    made, drawn = rng.uniform(50, 500, (2, 10))
    free = day_of(made, drawn, [400] * 3, [400] * 3, factors)
    day = day_of(made, drawn, [400] * 3, [400] * 3, factors, target=0.9 * free.mean_km)
    assert day.mean_km == pytest.approx(0.9 * free.mean_km, rel=1e-6)
    assert day.deterrence > free.deterrence == 0.1
    with pytest.raises(CityTwinError, match="cannot be met"):
        day_of(made, drawn, [400] * 3, [400] * 3, factors, target=40.0)
    with pytest.raises(CityTwinError, match="no zone makes"):
        day_of([0, 0], [0, 0], [], [], factors)


# ---- the week


def test_the_week_is_the_published_one(factors: Picker):
    week = traffic_week(factors)
    assert week.shares.shape == (7, 24)
    assert week.shares.sum() == pytest.approx(1)
    assert week.months.mean() == pytest.approx(1)
    assert week.shares.sum(axis=1) * 7 == pytest.approx(
        [1.02, 1.06, 1.08, 1.10, 1.14, 0.81, 0.79])
    hours = week.shares.sum(axis=0) * 24
    assert (hours[3], hours[7], hours[17]) == pytest.approx((0.05, 1.84, 2.08))
    assert week.peak == pytest.approx(2.08 / 24)
    assert week.weekday == pytest.approx(factors.pick("weekday_factor").value, abs=1e-3)


def test_hours_of_a_day_give_back_its_volume(factors: Picker):
    week = traffic_week(factors)
    assert (week.per_day * 1000.0).sum() == pytest.approx(7000)
    assert daily_volumes([90.0], 0.09, 0.5) == pytest.approx([500])
    with pytest.raises(CityTwinError, match="share of the hour is 0"):
        daily_volumes([90.0], 0)
    flat = Week(np.full((7, 24), 1 / 168), np.ones(12))
    assert flat.peak == pytest.approx(1 / 24)


def test_speeds_of_the_week_are_those_of_its_volumes(sioux: Any, factors: Picker):
    net, _, best = sioux
    week = traffic_week(factors)
    daily = best * 10.0
    speed = hourly_speeds(net, daily, week)
    assert speed.shape == (7, 24, 76)
    assert speed[4, 17] == pytest.approx(net.speed(daily * week.per_day[4, 17]), rel=1e-6)
    assert (speed[4, 17] <= speed[4, 3]).all()
    assert (speed.reshape(-1, 76) <= 3.6 * net.length / net.free_time * (1 + 1e-6)).all()
    assert np.unravel_index(speed.mean(axis=2).argmin(), (7, 24)) == (4, 17)


def test_the_driven_mean_is_that_of_all_hours(sioux: Any, factors: Picker):
    net, _, best = sioux
    net = replace(net, length=net.length / 60.0)  # so that its speeds are those of a town
    week = traffic_week(factors)
    daily = best * 10.0
    car = pd.Series(emep_curves().loc[("car_medium", "petrol")])

    def energy(speed: NDArray[np.float64]) -> NDArray[np.float64]:
        return curve_energy(car, speed)

    found = driven_mean(net, daily, week, energy)
    speed = hourly_speeds(net, daily, week).astype(float)
    expected = (energy(speed) * week.shares[:, :, None]).sum(axis=(0, 1))
    assert found == pytest.approx(expected, rel=1e-5)
    slow = net.speed(daily) < 30
    assert slow.any()
    assert (found[slow] > energy(net.speed(0 * daily))[slow]).all()  # congestion costs energy
    assert driven_mean(net, daily, week, np.ones_like) == pytest.approx(1.0)


# ---- scale


def test_counts_give_back_the_factor_they_were_made_with():
    rng = np.random.default_rng(3)
    model, length = rng.uniform(500, 20_000, 40), rng.uniform(50, 900, 40)
    counted = np.where(rng.random(40) < 0.4, 1.7 * model, np.nan)
    found = scale_to_counts(model, counted, length)
    assert (found.method, found.factor) == ("counts", pytest.approx(1.7))
    assert found.links == int(np.isfinite(counted).sum())
    assert (found.error, found.good) == (pytest.approx(0, abs=1e-12), 1.0)
    noisy = scale_to_counts(model, counted * rng.lognormal(0, 0.3, 40), length)
    at = np.isfinite(counted)
    assert noisy.factor * (model * length)[at].sum() == pytest.approx(noisy.known * 1000)
    assert 0.1 < noisy.error < 0.6
    assert noisy.good < 1
    assert "counts of" in str(noisy)


def test_geh_of_one_link_by_hand():
    # 1000 and 1200 an hour: sqrt(2 * 200^2 / 2200) = 6.03; 1000 and 1100 an hour: 3.09.
    far = scale_to_counts([10_000, 10_000], [12_000, 8_000], [1, 1], peak=0.1)
    near = scale_to_counts([10_000, 10_000], [11_000, 9_000], [1, 1], peak=0.1)
    assert (far.factor, near.factor) == (1.0, 1.0)
    assert (far.good, near.good) == (0.0, 1.0)


def test_a_control_total_leaves_counted_roads_alone():
    found = scale_to_total(9e6, 12e6, counted_km=3e6)
    assert found.factor == pytest.approx(9 / 6)
    assert found.factor * (9e6 - 3e6) + 3e6 == pytest.approx(12e6)
    assert str(found).startswith("scaled by 1.5 to control total")
    with pytest.raises(CityTwinError, match="more than the control total"):
        scale_to_total(9e6, 2e6, counted_km=3e6)
    with pytest.raises(CityTwinError, match="no traffic on the network"):
        scale_to_total(0.0, 2e6)


def test_fuel_sold_scales_what_is_burnt(factors: Picker):
    petrol = 1000.0 * 1000 * factors.pick("heating_value.petrol", "MJ kg-1").value  # 1000 t
    found = scale_to_fuel({"petrol": 2e7, "diesel": 3e7}, {"petrol": petrol})
    assert found.factor == pytest.approx(43.8e6 / 2e7)
    both = scale_to_fuel({"petrol": 2e7, "diesel": 3e7}, {"petrol": 1e7, "diesel": 1.5e7})
    assert (both.method, both.factor) == ("fuel sales", 0.5)
    with pytest.raises(CityTwinError, match="kerosene, expected some of diesel, petrol"):
        scale_to_fuel({"petrol": 1.0, "diesel": 1.0}, {"kerosene": 1.0})
    assert str(UNCALIBRATED).startswith("uncalibrated")
    assert keep_counts([5.0, 6.0], [np.nan, 9.0]).tolist() == [5, 9]
    with pytest.raises(CityTwinError, match="no link has a counted volume"):
        scale_to_counts([1.0], [np.nan], [1.0])


# ---- a real place, all the way


def test_nantes_from_roads_to_vehicle_kilometres(nantes: layers.City, factors: Picker):
    roads = nantes.frame("roads")
    found = model_traffic(roads, nantes.frame("buildings"), nantes.area, factors, gap=1e-3)
    net, hour = found.network, found.hour
    assert hour.why == "gap"
    trips = found.demand.hour(factors.pick("peak_share").value)
    assert np.abs(node_balance(net, hour.volume, trips)).max() <= 1e-9 * trips.sum()
    # Before any calibration, against 540 vehicles at 8 h at 150 counting points.
    assert 0.6 < found.vehicle_km / nantes.controls["vehicle_km"] < 1.6
    per_road = found.per_road
    driven = pd.Series(per_road).groupby(roads["class"].to_numpy()).mean()
    assert driven["secondary"] > driven["tertiary"] > driven["residential"] > driven["service"]
    assert 15 < hour.vehicle_km / hour.vehicle_hours < 35  # km/h in the busiest hour
    # Vehicle kilometres are the same from links and from roads.
    ok = np.isfinite(per_road)
    along = net.is_road & net.along
    back = np.bincount(net.road[net.is_road & ~net.along],
                       net.length[net.is_road & ~net.along], len(roads))
    whole = np.maximum(np.bincount(net.road[along], net.length[along], len(roads)), back)
    assert 365 * (per_road * whole)[ok].sum() / 1000 == pytest.approx(found.vehicle_km, rel=1e-9)
    # An energy curve driven at the speeds of the week costs more than at free speed.
    car = pd.Series(emep_curves().loc[("car_medium", "petrol")])
    used = found.per_vehicle_km(lambda speed: curve_energy(car, np.maximum(speed, 1.0)))
    free = 3.6 * net.length / net.free_time
    least = curve_energy(car, np.array([free[net.is_road].max()]))[0]
    assert np.nanmin(used) >= least * (1 - 1e-9)
    assert 2.3 < np.nansum(used * per_road * whole) / np.nansum(per_road * whole) < 3.5  # MJ/km


def test_a_zone_far_from_roads_can_be_left_out(factors: Picker):
    roads = roads_of(("residential", SQUARE), ("tertiary", [(0, 0), (300, 300)]))
    built = houses([(10, 20, "residential", 4), (280, 250, "office", 4),
                    (4000, 4000, "residential", 1)])
    area = shapely.box(-100, -100, 4100, 4100)
    with pytest.raises(MissingInput, match="no connected road within 1000 m"):
        model_traffic(roads, built, area, factors, zones=300.0)
    found = model_traffic(roads, built, area, factors, zones=300.0, lonely="leave out")
    # Trip ends of 100 m2 of homes of 400 + 100 m2, and of 400 m2 of offices.
    home = 3 + 0.6
    assert found.left_out == pytest.approx(
        100 / 47 * home / (500 / 47 * home + 400 / 16 * 4.35))
    assert found.demand.parts["between"] > 0
    assert found.vehicle_km > 0


# ---- AequilibraE


def test_total_flow_is_that_of_aequilibrae():
    net, trips = grid_city(side=20, zones=5, trips_an_hour=30_000.0)
    theirs, their_gap, _ = by_aequilibrae(net, trips, gap=1e-5, iterations=300)
    ours = assign(net, trips, gap=1e-5, iterations=300)
    assert their_gap <= 1e-5
    assert ours.volume.sum() == pytest.approx(theirs.sum(), rel=1e-3)
    curve = (net.free_time, net.capacity, net.alpha, net.beta)
    assert ours.objective == pytest.approx(beckmann(theirs, *curve), rel=1e-4)
    assert np.sqrt(np.mean((ours.volume - theirs) ** 2)) < 0.01 * theirs.mean()


def test_a_start_can_be_a_result(sioux: Any):
    net, trips, _ = sioux
    first: Assigned = assign(net, trips, gap=1e-2)
    assert assign(net, trips, gap=1e-2, start=first).volume == pytest.approx(first.volume)
