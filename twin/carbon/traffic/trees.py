"""Quickest ways from one node to all others, and trips put on them. Kernels over plain arrays.

Links are sorted by the node they leave: those of node ``n`` are ``first[n]`` to
``first[n + 1]``. Several links between the same two nodes are fine. Of equally quick ways the one
found first is kept, in the order of the links: the result is the same on every run.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]


@njit(cache=True, nogil=True)
def _raise(heap: Ints, place: Ints, far: Floats, at: int) -> None:
    """Move an entry of the heap of four children up to where it belongs."""
    node = heap[at]
    key = far[node]
    while at > 0:
        above = (at - 1) >> 2
        other = heap[above]
        if far[other] <= key:
            break
        heap[at] = other
        place[other] = at
        at = above
    heap[at] = node
    place[node] = at


@njit(cache=True, nogil=True)
def _take(heap: Ints, place: Ints, far: Floats, size: int) -> int:
    """Take the nearest node off the heap, which then holds one less than ``size``."""
    top = heap[0]
    size -= 1
    if size > 0:
        node = heap[size]
        key = far[node]
        at = 0
        while True:
            child = 4 * at + 1
            if child >= size:
                break
            best = child
            for c in range(child + 1, min(child + 4, size)):
                if far[heap[c]] < far[heap[best]]:
                    best = c
            other = heap[best]
            if far[other] >= key:
                break
            heap[at] = other
            place[other] = at
            at = best
        heap[at] = node
        place[node] = at
    return top  # type: ignore[no-any-return]


@njit(cache=True, nogil=True)
def grow_tree(first: Ints, head: Ints, time: Floats, closed: NDArray[np.bool_], origin: int,
              wanted: NDArray[np.bool_], left: int, far: Floats, way: Ints, heap: Ints,
              place: Ints, order: Ints) -> int:
    """Find the quickest ways from a node to those wanted (Dijkstra).

    Parameters
    ----------
    first, head, time
        Links sorted by the node they leave: where those of each node begin, shape (n + 1,), where
        each leads, and how long it takes, shape (m,) [s].
    closed
        Nodes that no way passes through, shape (n,).
    origin
        Where all ways begin.
    wanted
        Nodes whose ways are asked for, shape (n,).
    left
        How many are wanted; the search ends when all are found.
    far, way, heap, place, order
        Room to work in, shape (n,). After: time to each node (inf where not reached) [s], the last
        link of the way to it (-1 for the origin), and in ``order`` the nodes reached, nearest
        first.

    Returns
    -------
    int
        Number of nodes in ``order``.

    References
    ----------
    Dijkstra E. W. (1959), Numerische Mathematik 1, 269-271, doi:10.1007/BF01386390.
    """
    far[:] = np.inf
    place[:] = -1
    far[origin] = 0.0
    way[origin] = -1
    heap[0] = origin
    place[origin] = 0
    size = 1
    found = 0
    while size > 0:
        node = _take(heap, place, far, size)
        size -= 1
        order[found] = node
        found += 1
        if wanted[node]:
            left -= 1
            if left == 0:
                break
        if closed[node] and node != origin:
            continue
        here = far[node]
        for link in range(first[node], first[node + 1]):
            other = head[link]
            there = here + time[link]
            if there < far[other]:
                far[other] = there
                way[other] = link
                at = place[other]
                if at < 0:
                    at = size
                    size += 1
                heap[at] = other
                _raise(heap, place, far, at)
    return found


@njit(cache=True, nogil=True)
def load_trees(first: Ints, tail: Ints, head: Ints, time: Floats, closed: NDArray[np.bool_],
               zones: Ints, trips: Floats, begin: int, end: int, volume: Floats,
               lost: Floats) -> float:
    """Put all trips from some zones on their quickest ways (all or nothing).

    Parameters
    ----------
    first, tail, head, time, closed
        The links, as in `grow_tree`, with the node each leaves.
    zones
        Node of each zone, shape (z,).
    trips
        Trips from zone to zone, shape (z, z) [vehicle h-1].
    begin, end
        The zones the trips start from.
    volume
        Added to: volume of each link, shape (m,) [vehicle h-1].
    lost
        Set: trips from each zone that found no way, shape (z,) [vehicle h-1].

    Returns
    -------
    float
        Time of all these trips together on their quickest ways [vehicle s h-1].
    """
    n, z = len(first) - 1, len(zones)
    far = np.empty(n)
    need = np.zeros(n)
    wanted = np.zeros(n, dtype=np.bool_)
    way = np.empty(n, dtype=np.int32)
    heap = np.empty(n, dtype=np.int32)
    place = np.empty(n, dtype=np.int32)
    order = np.empty(n, dtype=np.int32)
    spent = 0.0
    for i in range(begin, end):
        origin = zones[i]
        left = 0
        for j in range(z):
            node = zones[j]
            if trips[i, j] > 0.0 and node != origin:
                need[node] += trips[i, j]
                if not wanted[node]:
                    wanted[node] = True
                    left += 1
        if left == 0:
            continue
        found = grow_tree(first, head, time, closed, origin, wanted, left, far, way, heap, place,
                          order)
        for k in range(found - 1, 0, -1):
            node = order[k]
            load = need[node]
            if wanted[node]:
                wanted[node] = False
                left -= 1
            if load > 0.0:
                link = way[node]
                volume[link] += load
                spent += load * time[link]
                need[tail[link]] += load
                need[node] = 0.0
        need[origin] = 0.0
        if left > 0:
            for j in range(z):
                node = zones[j]
                if wanted[node]:
                    lost[i] += need[node]
                    wanted[node] = False
                    need[node] = 0.0
    return spent


@njit(cache=True, nogil=True)
def measure_trees(first: Ints, tail: Ints, head: Ints, time: Floats, length: Floats,
                  closed: NDArray[np.bool_], zones: Ints, times: Floats,
                  lengths: Floats) -> None:
    """Measure the quickest ways between all zones.

    Parameters
    ----------
    first, tail, head, time, closed, zones
        As in `load_trees`.
    length
        Length of each link, shape (m,) [m].
    times, lengths
        Set: time [s] and length [m] of the quickest way, shape (z, z); inf where there is none.
    """
    n, z = len(first) - 1, len(zones)
    far = np.empty(n)
    along = np.empty(n)
    wanted = np.zeros(n, dtype=np.bool_)
    way = np.empty(n, dtype=np.int32)
    heap = np.empty(n, dtype=np.int32)
    place = np.empty(n, dtype=np.int32)
    order = np.empty(n, dtype=np.int32)
    for i in range(z):
        left = 0
        for j in range(z):
            if not wanted[zones[j]]:
                wanted[zones[j]] = True
                left += 1
        found = grow_tree(first, head, time, closed, zones[i], wanted, left, far, way, heap,
                          place, order)
        along[:] = np.inf
        along[zones[i]] = 0.0
        for k in range(1, found):
            node = order[k]
            along[node] = along[tail[way[node]]] + length[way[node]]
        for j in range(z):
            node = zones[j]
            reached = np.isfinite(along[node])
            times[i, j] = far[node] if reached else np.inf
            lengths[i, j] = along[node]
            wanted[node] = False
