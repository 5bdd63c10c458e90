"""A made city to assign traffic to, and AequilibraE doing the same."""

from __future__ import annotations

import logging
import warnings

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from twin.carbon.traffic.network import Network


def grid_city(side: int = 40, zones: int = 8, trips_an_hour: float = 160_000.0, *,
              one_way: bool = False,
              seed: int = 1) -> tuple[Network, NDArray[np.float64]]:
    """40 x 40 junctions, 3,120 streets and 64 zones; every fifth street is a main one.

    Streets have two directions (6,240 links), or one way in turn (3,120 links).
    """
    rng = np.random.default_rng(seed)
    node = np.arange(side * side).reshape(side, side)
    a = np.concatenate([node[:, :-1].ravel(), node[:-1].ravel()])
    b = np.concatenate([node[:, 1:].ravel(), node[1:].ravel()])
    number = np.concatenate([np.repeat(np.arange(side), side - 1),
                             np.tile(np.arange(side), side - 1)])
    main = number % 5 == 0
    time = np.where(main, 6.0, 9.0) * rng.uniform(0.9, 1.1, len(a))
    capacity = np.where(main, 1800.0, 700.0)
    tail, head = np.concatenate([a, b]), np.concatenate([b, a])
    if one_way:
        turned = (number + (np.arange(len(a)) >= len(a) // 2)) % 2 == 1
        tail, head = np.where(turned, b, a), np.where(turned, a, b)
    else:
        time, capacity = np.tile(time, 2), np.tile(capacity, 2)
    step = side // zones
    centres = node[step // 2::step, step // 2::step][:zones, :zones].ravel()
    network = Network.of_links(tail, head, free_time=time, capacity=capacity, length=100.0,
                               zones=centres)
    xy = np.stack(np.divmod(centres, side), axis=1) * 100.0
    far = np.abs(xy[:, None] - xy[None]).sum(axis=-1)
    trips = rng.gamma(1.0, 1.0, far.shape) * np.exp(-far / 1500.0)
    np.fill_diagonal(trips, 0.0)
    return network, trips * trips_an_hour / trips.sum()


def by_aequilibrae(net: Network, trips: NDArray[np.float64], *, gap: float,
                   iterations: int) -> tuple[NDArray[np.float64], float, int]:
    """Volumes, relative gap and iterations of AequilibraE's bi-conjugate Frank-Wolfe."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # those of another project's package
        return _assigned(net, trips, gap, iterations)


def _assigned(net: Network, trips: NDArray[np.float64], gap: float,
              iterations: int) -> tuple[NDArray[np.float64], float, int]:
    paths = pytest.importorskip("aequilibrae.paths", reason="aequilibrae is not installed")
    from aequilibrae.matrix import AequilibraeMatrix

    logging.getLogger("aequilibrae").setLevel(logging.ERROR)
    z = len(net.zones)
    number = np.full(net.nodes, -1)
    number[net.zones] = np.arange(z)
    number[number < 0] = z + np.arange(net.nodes - z)
    ids = np.arange(1, len(net.tail) + 1)
    graph = paths.Graph()
    graph.network = pd.DataFrame(
        {"link_id": ids, "a_node": number[net.tail] + 1, "b_node": number[net.head] + 1,
         "direction": 1, "free_flow_time": net.free_time, "capacity": net.capacity,
         "distance": net.length, "b": net.alpha, "power": net.beta, "id": ids})
    graph.mode, graph.network_ok, graph.status = "c", True, "OK"
    graph.prepare_graph(np.arange(1, z + 1))
    graph.set_graph("free_flow_time")
    graph.set_blocked_centroid_flows(False)
    graph.set_skimming([])
    matrix = AequilibraeMatrix()
    matrix.create_empty(zones=z, matrix_names=["car"], memory_only=True)
    matrix.index[:] = np.arange(1, z + 1)
    matrix.matrices[:, :, 0] = trips
    matrix.computational_view(["car"])
    work = paths.TrafficAssignment()
    work.set_classes([paths.TrafficClass("car", graph, matrix)])
    work.set_vdf("BPR")
    work.set_vdf_parameters({"alpha": "b", "beta": "power"})
    work.set_capacity_field("capacity")
    work.set_time_field("free_flow_time")
    work.set_algorithm("bfw")
    work.max_iter, work.rgap_target = iterations, gap
    work.set_cores(1)
    work.execute()
    last = work.report().iloc[-1]
    volume = work.results()["PCE_AB"].reindex(ids).fillna(0.0).to_numpy(dtype=float)
    return volume, float(last["rgap"]), int(last["iteration"])
