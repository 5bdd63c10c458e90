"""From the roads layer to a network: capacity, free speed, directions and the connected part."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import breadth_first_order, connected_components

from layers.errors import MissingInput
from layers.roads import MOTOR
from twin.carbon.traffic.meeting import SNAP, Pieces, cut_where_they_meet
from twin.carbon.traffic.network import Network
from twin.factor import Factor

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]

AT_BORDER = 1.0                     # a dead end this near to the border leaves the area [m]
NO_DOOR = ("motorway", "trunk", "service")  # no trip begins or ends on these, if there are others
LEAST_LANES = 0.5                   # of one direction: a single lane that both ways share


class Picks(Protocol):
    """Factor tables bound to a place, such as `twin.pool.Picker`."""

    def pick(self, stem: str, unit: str | None = None) -> Factor:
        """Return the factor of a stem that is nearest to the place."""
        ...

    def count(self, what: str, number: int, *, once: str = "") -> None:
        """Count a fallback."""
        ...


def road_network(roads: gpd.GeoDataFrame, factors: Picks, *, area: Any = None,
                 classes: Sequence[str] = MOTOR, snap: float = SNAP, crossing: bool = False,
                 least: float = 0.5) -> Network:
    """Return the network of a roads layer that can be driven from everywhere to everywhere.

    Parameters
    ----------
    roads
        Roads layer: lines with ``class``, ``lanes``, ``oneway`` and ``speed_limit``.
    factors
        Factor tables bound to a place: ``capacity``, ``free_speed``, ``bpr_alpha`` and
        ``bpr_beta`` of each class.
    area
        Study area; what lies outside is cut off, and roads that leave it end in gates. All roads
        when None.
    classes
        Classes that are driven.
    snap
        How far the end of a road may be from the road it is meant to meet [m].
    crossing
        Whether roads that cross on the plan without a shared vertex meet there.
    least
        Share of the length of all roads the connected part must hold.

    Returns
    -------
    Network
        Without zones; ``left_out`` counts the ``roads`` and ``km`` that are not in it, and the
        ``parts`` beside the largest one.

    Raises
    ------
    MissingInput
        When no road can be driven, or too few roads hang together.

    Notes
    -----
    Roads meet at ends and at shared vertices. A link has the lanes of its direction: all of them
    on one-way roads, half of them, at least half a lane, else. Free speed is that of the class, or
    the limit where it is lower. Kept is the largest part in which every node can be reached from
    every other one, and what leads to it from a gate, from it to a gate, or from gate to gate.
    """
    kind = roads["class"].to_numpy(dtype="object")
    chosen = np.isin(kind, list(classes)) & ~roads.geometry.is_empty.to_numpy()
    shapes, part = shapely.get_parts(roads.geometry.to_numpy()[chosen], return_index=True)
    row = np.flatnonzero(chosen)[part]
    good = (shapely.get_type_id(shapes) == shapely.GeometryType.LINESTRING) \
        & (shapely.length(shapes) > 0)
    if not good.any():
        raise MissingInput(f"the roads layer has no line of the classes {', '.join(classes)}",
                           mend="Read roads, or map another column to class")
    shapes, row = shapes[good], row[good]
    border = None if area is None else shapely.boundary(area)
    pieces = cut_where_they_meet(shapes, snap=snap, crossing=crossing, border=border)
    if area is not None:
        middle = shapely.line_interpolate_point(pieces.shape, 0.5, normalized=True)
        shapely.prepare(area)
        pieces = pieces.kept(shapely.intersects(area, middle))
    if not len(pieces.line):
        raise MissingInput("no road lies in the study area", mend="Read roads of this place")
    loop = pieces.tail == pieces.head
    one_way = roads["oneway"].to_numpy(dtype=bool)[row[pieces.line]]
    gates = _gates(pieces, border, max(AT_BORDER, snap))
    piece = np.concatenate([np.flatnonzero(~loop), np.flatnonzero(~loop & ~one_way)])
    along = np.arange(len(piece)) < int((~loop).sum())
    tail = np.where(along, pieces.tail[piece], pieces.head[piece])
    head = np.where(along, pieces.head[piece], pieces.tail[piece])
    core, kept = _drivable(tail, head, len(pieces.xy), pieces.length[piece], gates)

    km = pieces.length.sum() / 1000
    used = np.zeros(len(pieces.line), dtype=bool)
    used[piece[kept]] = True
    inside = pieces.length[used & core[pieces.tail] & core[pieces.head]].sum() / 1000
    if inside < least * km:
        raise MissingInput(
            f"the roads do not hang together: the largest part that can be driven both ways holds "
            f"{inside:.1f} of {km:.1f} km",
            mend="Look at the one-way roads, raise snap, or set crossing where the source draws no "
                 "shared vertices")
    rows = row[pieces.line]
    left_out = {"roads": float(len(np.unique(rows)) - len(np.unique(rows[used]))),
                "km": float(pieces.length[~used].sum() / 1000),
                "parts": float(_parts(tail, head, len(pieces.xy)) - 1)}
    return _network(roads, factors, pieces, row, piece[kept], along[kept], core, gates, left_out)


def _gates(pieces: Pieces, border: Any, near: float) -> Bools:
    """Return the dead ends at the border, shape (nodes,)."""
    n = len(pieces.xy)
    if border is None:
        return np.zeros(n, dtype=bool)
    ends = np.bincount(np.concatenate([pieces.tail, pieces.head]), minlength=n)
    shapely.prepare(border)
    dead = np.flatnonzero(ends == 1)
    out = np.zeros(n, dtype=bool)
    out[dead] = shapely.dwithin(border, shapely.points(pieces.xy[dead]), near)
    return out


def _parts(tail: NDArray[np.int64], head: NDArray[np.int64], n: int) -> int:
    """Return the number of parts that no road joins, nodes without a road aside."""
    used = np.zeros(n, dtype=bool)
    used[tail] = used[head] = True
    count, _ = connected_components(coo_array((np.ones(len(tail)), (tail, head)), shape=(n, n)),
                                    directed=False)
    return int(count - (~used).sum())


def _drivable(tail: NDArray[np.int64], head: NDArray[np.int64], n: int, length: Floats,
              gates: Bools) -> tuple[Bools, Bools]:
    """Return the nodes of the largest part driven both ways, and the links kept with it."""
    graph = coo_array((np.ones(len(tail)), (tail, head)), shape=(n, n)).tocsr()
    _, label = connected_components(graph, directed=True, connection="strong")
    within = label[tail] == label[head]
    core = label == np.bincount(label[tail[within]], length[within], minlength=1).argmax() \
        if within.any() else np.zeros(n, dtype=bool)
    start = np.flatnonzero(core | gates)

    def reached(a: NDArray[np.int64], b: NDArray[np.int64]) -> Bools:
        """Nodes that a way leads to from the core or a gate; one more node leads to these."""
        rows, columns = np.concatenate([a, np.full(len(start), n)]), np.concatenate([b, start])
        wide = coo_array((np.ones(len(rows)), (rows, columns)), shape=(n + 1, n + 1)).tocsr()
        out = np.zeros(n + 1, dtype=bool)
        out[breadth_first_order(wide, n, return_predecessors=False)] = True
        return out[:n]

    both = reached(tail, head) & reached(head, tail)
    return core, both[tail] & both[head]


def _network(roads: gpd.GeoDataFrame, factors: Picks, pieces: Pieces, row: NDArray[np.int64],
             piece: NDArray[np.int64], along: Bools, core: Bools, gates: Bools,
             left_out: dict[str, float]) -> Network:
    road = row[pieces.line[piece]]
    tail = np.where(along, pieces.tail[piece], pieces.head[piece])
    head = np.where(along, pieces.head[piece], pieces.tail[piece])
    nodes, both = np.unique(np.concatenate([tail, head]), return_inverse=True)
    tail, head = both[:len(tail)], both[len(tail):]
    kind = roads["class"].to_numpy(dtype="object")[road]
    one_way = roads["oneway"].to_numpy(dtype=bool)[road]
    lanes = roads["lanes"].to_numpy(dtype=float)[road]
    lanes = np.where(one_way, np.maximum(lanes, 1.0), np.maximum(lanes / 2, LEAST_LANES))
    of_class = {name: np.zeros(len(road)) for name in ("capacity", "free_speed", "bpr_alpha",
                                                       "bpr_beta")}
    for name in np.unique(kind):
        at = kind == name
        for stem, unit in (("capacity", "vehicle h-1"), ("free_speed", "km h-1"),
                           ("bpr_alpha", "1"), ("bpr_beta", "1")):
            of_class[stem][at] = factors.pick(f"{stem}.{name}", unit).value
    limit = roads["speed_limit"].to_numpy(dtype=float)[road]
    speed = np.fmin(of_class["free_speed"], np.where(limit > 0, limit, np.nan))
    length = pieces.length[piece]
    access = np.zeros(len(nodes), dtype=bool)
    street = ~np.isin(kind, NO_DOOR)
    if not street[core[nodes][tail]].any():
        street = ~np.isin(kind, NO_DOOR[:2])
    access[tail[street]] = access[head[street]] = True
    shape = np.where(along, pieces.shape[piece], shapely.reverse(pieces.shape[piece]))
    return Network(
        tail.astype(np.int32), head.astype(np.int32), length, 3.6 * length / speed,
        lanes * of_class["capacity"], of_class["bpr_alpha"], of_class["bpr_beta"], len(nodes),
        np.empty(0, dtype=np.int32), np.zeros(len(nodes), dtype=bool), road.astype(np.int32),
        along, pieces.xy[nodes], np.flatnonzero(gates[nodes]).astype(np.int32),
        access & core[nodes], shape, left_out)
