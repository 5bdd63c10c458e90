"""A road network to drive on: nodes, links one way each, and the zones where trips end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from layers.errors import CityTwinError
from twin.carbon.traffic.delay import travel_time

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]
NO_ROAD = -1  # of links that only join a zone to the roads


@dataclass(frozen=True, eq=False)
class Network:
    """Links between nodes, one direction each, and what they can carry.

    Parameters
    ----------
    tail, head
        Node a link leaves and node it leads to, shape (m,).
    length
        Shape (m,) [m].
    free_time
        Time without other traffic, shape (m,) [s].
    capacity
        Volume at which the time is ``1 + alpha`` times the free one, shape (m,); inf where volume
        does not matter [vehicle h-1].
    alpha, beta
        Of the BPR curve, shape (m,) [1].
    nodes
        Number of nodes.
    zones
        Node at which the trips of each zone begin and end, shape (z,).
    closed
        Nodes no trip passes through, shape (nodes,).
    road
        Row of the road in the roads layer, shape (m,); -1 where a link is no road.
    along
        Whether a link runs the way its road is drawn, shape (m,).
    xy
        Places of the nodes, shape (nodes, 2) [m]; empty where unknown.
    gates
        Nodes where roads leave the study area, shape (g,).
    access
        Nodes at which trips may begin and end, shape (nodes,).
    lines
        Shape of each link, shape (m,); empty where unknown.
    left_out
        What of the roads is not in the network: ``roads``, ``km`` and ``parts``.
    """

    tail: Ints
    head: Ints
    length: Floats
    free_time: Floats
    capacity: Floats
    alpha: Floats
    beta: Floats
    nodes: int
    zones: Ints
    closed: NDArray[np.bool_]
    road: Ints
    along: NDArray[np.bool_]
    xy: Floats
    gates: Ints
    access: NDArray[np.bool_]
    lines: NDArray[np.object_]
    left_out: Mapping[str, float] = field(default_factory=dict)

    def __repr__(self) -> str:
        km = self.length[self.road != NO_ROAD].sum() / 1000
        return (f"<Network: {self.nodes:,} nodes, {len(self.tail):,} links, {km:,.1f} km of "
                f"directions, {len(self.zones)} zones>")

    @classmethod
    def of_links(cls, tail: ArrayLike, head: ArrayLike, *, free_time: ArrayLike,
                 capacity: ArrayLike, length: ArrayLike = 0.0, alpha: ArrayLike = 0.15,
                 beta: ArrayLike = 4.0, zones: ArrayLike, closed: ArrayLike = ()) -> Network:
        """Return a network from a table of links.

        Parameters
        ----------
        tail, head
            Node a link leaves and leads to, counted from 0, shape (m,).
        free_time, capacity, length, alpha, beta
            As in `Network`; one number for all links or shape (m,) [s, vehicle h-1, m, 1, 1].
        zones
            Node of each zone, shape (z,).
        closed
            Nodes no trip passes through, shape (any,).

        Raises
        ------
        CityTwinError
            When the table is at fault: every fault is told at once.
        """
        leaves = np.asarray(tail, dtype=np.int32).ravel()
        leads = np.asarray(head, dtype=np.int32).ravel()
        ends = np.asarray(zones, dtype=np.int32).ravel()
        shut = np.asarray(closed, dtype=np.int64).ravel()
        m = len(leaves)
        faults = [] if len(leads) == m else [f"{m} tails but {len(leads)} heads"]
        known = [array for array in (leaves, leads, ends, shut) if len(array)]
        if not m or not len(ends):
            faults.append(f"{m} links and {len(ends)} zones, expected at least one of each")
        elif min(int(array.min()) for array in known) < 0:
            faults.append("a node below 0")
        numbers: dict[str, Floats] = {}
        for name, given, least in (("free_time", free_time, 0.0), ("capacity", capacity, None),
                                   ("length", length, 0.0), ("alpha", alpha, 0.0),
                                   ("beta", beta, 1.0)):
            try:
                values = np.ascontiguousarray(
                    np.broadcast_to(np.asarray(given, dtype=float), (m,)))
            except ValueError:
                faults.append(f"{name} has shape {np.shape(given)}, expected ({m},)")
                continue
            good = values > 0 if least is None else values >= least
            good &= np.isfinite(values) | (name == "capacity")
            if not good.all():
                limit = "above 0" if least is None else f"at least {least:g}"
                faults.append(f"{name} of link {int(np.argmin(good))} is "
                              f"{values[np.argmin(good)]:g}, expected {limit}")
            numbers[name] = values
        if faults:
            raise CityTwinError(f"the network is at fault: {'; '.join(faults)}")
        nodes = max(int(array.max()) for array in known) + 1
        mask = np.zeros(nodes, dtype=bool)
        mask[shut] = True
        return cls(leaves, leads, numbers["length"], numbers["free_time"], numbers["capacity"],
                   numbers["alpha"], numbers["beta"], nodes, ends, mask,
                   np.arange(m, dtype=np.int32), np.ones(m, dtype=bool), np.empty((0, 2)),
                   np.empty(0, dtype=np.int32), np.ones(nodes, dtype=bool),
                   np.empty(0, dtype=object))

    @cached_property
    def order(self) -> NDArray[np.intp]:
        """Links sorted by the node they leave, as the kernels want them, shape (m,)."""
        return np.argsort(self.tail, kind="stable")

    @cached_property
    def first(self) -> Ints:
        """Where the links of each node begin in `order`, shape (nodes + 1,)."""
        counts = np.bincount(self.tail, minlength=self.nodes)
        return np.concatenate([[0], np.cumsum(counts)]).astype(np.int32)

    @property
    def is_road(self) -> NDArray[np.bool_]:
        """Links that are roads, and not ways between a zone and the roads, shape (m,)."""
        return np.asarray(self.road != NO_ROAD)

    def time(self, volume: ArrayLike) -> Floats:
        """Return the time of each link at volumes of shape (..., m) [vehicle h-1 -> s]."""
        return travel_time(np.asarray(volume, dtype=float), self.free_time, self.capacity,
                           self.alpha, self.beta)

    def speed(self, volume: ArrayLike) -> Floats:
        """Return the speed on each link at volumes of shape (..., m) [vehicle h-1 -> km h-1]."""
        time = self.time(volume)
        return np.divide(3.6 * self.length, time, out=np.zeros_like(time), where=time > 0)

    def vehicle_km(self, volume: ArrayLike) -> float:
        """Return what is driven on roads at volumes of shape (m,) [vehicle h-1 -> km h-1]."""
        driven = np.asarray(volume, dtype=float) * self.length
        return float(driven[self.is_road].sum() / 1000.0)

    def by_road(self, per_link: ArrayLike, roads: int, *, both: bool = True) -> Floats:
        """Return values of links per road: means over its length, of both directions together.

        Parameters
        ----------
        per_link
            Values, shape (m,), such as volumes.
        roads
            Number of roads in the layer.
        both
            Whether the two directions add up (volumes) or are averaged (speeds).

        Returns
        -------
        numpy.ndarray
            Shape (roads,); NaN for roads that are not in the network.
        """
        values = np.asarray(per_link, dtype=float)
        at = np.flatnonzero(self.is_road)
        row, length = self.road[at], self.length[at]
        total = np.bincount(row, values[at] * length, roads)
        over = np.bincount(row, length, roads)
        if both:  # a piece with two directions has its length twice
            over = np.maximum(np.bincount(row, length * self.along[at], roads),
                              np.bincount(row, length * ~self.along[at], roads))
        return np.asarray(np.divide(total, over, out=np.full(roads, np.nan), where=over > 0))
