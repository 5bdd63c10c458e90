"""User equilibrium: no driver can save time by another way. Bi-conjugate Frank-Wolfe."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from layers.errors import CityTwinError, MissingInput
from twin.carbon.traffic.assigned import Assigned, Memory, node_balance, told
from twin.carbon.traffic.delay import beckmann, best_step, fill_times
from twin.carbon.traffic.network import Network
from twin.carbon.traffic.trees import load_trees

Floats = NDArray[np.float64]
Tell = Callable[[str, int, int], None]
Method = Literal["bfw", "cfw", "fw"]
METHODS = ("bfw", "cfw", "fw")
SHARES = 8     # the zones are loaded in this many shares, whatever the number of threads
NEAR = 0.01    # a step nearer to 1 than this leaves no direction to be conjugate to


def assign(network: Network, trips: ArrayLike, *, gap: float = 1e-4, iterations: int = 200,
           method: Method = "bfw", start: Assigned | ArrayLike | None = None,
           tell: Tell | None = None, stop: Callable[[], bool] | None = None,
           threads: int = 1) -> Assigned:
    """Put trips on a network so that no driver can save time by another way.

    Parameters
    ----------
    network
        Links and zones.
    trips
        Trips from zone to zone, shape (z, z) [vehicle h-1]. Those within a zone are not driven on
        links.
    gap
        Relative gap at which to end [1].
    iterations
        Most loadings in this call.
    method
        ``"bfw"`` bi-conjugate, ``"cfw"`` conjugate or ``"fw"`` plain Frank-Wolfe.
    start
        A result for the same trips to go on from, or volumes that carry them, shape (m,)
        [vehicle h-1]; an empty network when None.
    tell
        Called with a name, the number done and the number in all.
    stop
        Asked before each iteration; when true, what there is is given back.
    threads
        Threads that load the trips. The result does not depend on it.

    Returns
    -------
    Assigned
        Volumes, times, speeds, gap and history.

    Raises
    ------
    MissingInput
        When no way leads from a zone to another one that has trips to it.
    CityTwinError
        When an argument is impossible, or ``start`` does not carry these trips.

    Notes
    -----
    Every iteration puts all trips on the ways that are quickest now (all or nothing), combines
    this with the ends of the last two steps so that the new direction is conjugate to both with
    respect to the second derivative of Beckmann's sum, and goes there as far as makes that sum
    least. ``gap = (sum volume time - sum quickest time) / sum volume time``, in which the second
    sum is of the times of the volumes at hand.

    References
    ----------
    Mitradjieva M., Lindberg P. O. (2013), Transportation Science 47(2), 280-293,
    doi:10.1287/trsc.1120.0409; Frank M., Wolfe P. (1956), doi:10.1002/nav.3800030109; Beckmann M.
    et al. (1956), Studies in the Economics of Transportation.
    """
    matrix = _checked(network, trips, gap, iterations, method)
    order = network.order
    links = tuple(np.ascontiguousarray(a[order]) for a in (
        network.free_time, network.capacity, network.alpha, network.beta))
    free, capacity, alpha, beta = links
    tail, head = network.tail[order], network.head[order]
    time, rise = free.copy(), np.empty_like(free)

    def load() -> tuple[Floats, float]:
        return _loaded(network, tail, head, time, matrix, threads)

    memory, done, most = Memory(), 0, iterations
    rows: list[tuple[int, float, float, float]] = []
    if start is None:
        volume, _ = load()
        done = 1
    else:
        volume = _started(network, matrix, start)[order]
        if isinstance(start, Assigned):
            done = start.iterations - 1  # its last loading made no step: it is done again
            most += start.iterations
            memory = Memory(tuple(t[order] for t in start.memory.targets), start.memory.step)
            rows = list(start.history.iloc[:-1].itertuples(index=False, name=None))
    why = "iterations"
    while True:
        spent = fill_times(volume, free, capacity, alpha, beta, time, rise)
        if stop is not None and stop():
            why = "stopped"
        goal, least = load()
        done += 1
        short = max(0.0, spent - least) / spent if spent > 0 else 0.0
        now = beckmann(volume, *links)
        if tell is not None:
            tell(f"traffic, gap {short:.1e}", done, most)
        if short <= gap:
            why = "gap"
        if why in ("gap", "stopped") or done >= most:
            rows.append((done, short, np.nan, now))
            break
        target, memory = _directed(volume, goal, rise, memory, method)
        step = best_step(volume, target, *links)
        if step <= 0.0 and len(memory.targets) > 1:  # not downhill: go straight
            target, memory = goal, Memory((goal,))
            step = best_step(volume, goal, *links)
        rows.append((done, short, step, now))
        if step <= 0.0:
            why = "no better step"
            rows[-1] = (done, short, np.nan, now)
            break
        memory = Memory(memory.targets, step)
        volume = volume + step * (target - volume)
    return told(network, volume, short, done, why, rows, memory)


def quickest(network: Network, trips: ArrayLike, time: Floats) -> Floats:
    """Return volumes of trips that all take the quickest ways at given times, shape (m,).

    Parameters
    ----------
    network
        Links and zones.
    trips
        From zone to zone, shape (z, z) [vehicle h-1].
    time
        Of each link, shape (m,) [s].

    Raises
    ------
    MissingInput
        When no way leads from a zone to another one that has trips to it.
    """
    order = network.order
    matrix = _checked(network, trips, 1e-4, 1, METHODS[0])
    volume, _ = _loaded(network, network.tail[order], network.head[order],
                        np.ascontiguousarray(time[order]), matrix, 1)
    out = np.empty_like(volume)
    out[order] = volume
    return out


def _directed(volume: Floats, goal: Floats, rise: Floats, memory: Memory,
              method: Method) -> tuple[Floats, Memory]:
    """Return the end of the next step, and the memory with it put first."""
    kept = memory.targets[:{"bfw": 2, "cfw": 1, "fw": 0}[method]]
    target = goal
    if memory.step >= 1.0 - NEAR:
        kept = ()
    if kept:
        here = goal - volume
        last = kept[0] - volume
        bent = rise * last
        across, along = float(bent @ here), float(bent @ last)
        if len(kept) == 2:
            step = memory.step
            older = step * kept[0] + (1.0 - step) * kept[1] - volume
            curved = rise * older
            below = float(curved @ (kept[1] - kept[0]))
            mu = max(0.0, -float(curved @ here) / below) if below > 0 else 0.0
            nu = max(0.0, -across / along + mu * step / (1.0 - step)) if along > 0 else 0.0
            total = 1.0 + mu + nu
            target = (goal + nu * kept[0] + mu * kept[1]) / total
        else:
            below = across - along
            share = across / below if below != 0 else 0.0
            share = min(max(share, 0.0), 1.0 - NEAR)
            target = share * kept[0] + (1.0 - share) * goal
    return target, Memory((target, *kept)[:2], memory.step)


def _loaded(network: Network, tail: NDArray[np.int32], head: NDArray[np.int32], time: Floats,
            trips: Floats, threads: int) -> tuple[Floats, float]:
    """Return all trips on the quickest ways, and their time; links in the order of the kernels."""
    z = len(network.zones)
    cuts = np.linspace(0, z, min(SHARES, z) + 1).astype(int)
    volumes = np.zeros((len(cuts) - 1, len(tail)))
    lost = np.zeros(z)

    def one(k: int) -> float:
        return float(load_trees(network.first, tail, head, time, network.closed, network.zones,
                                trips, cuts[k], cuts[k + 1], volumes[k], lost))

    if threads > 1:
        with ThreadPoolExecutor(threads, thread_name_prefix="traffic") as pool:
            spent = list(pool.map(one, range(len(volumes))))
    else:
        spent = [one(k) for k in range(len(volumes))]
    if lost.any():
        at = np.flatnonzero(lost)
        raise MissingInput(
            f"no way leads from zone {at[0]} to all zones it has trips to ({lost.sum():g} trips an "
            f"hour from {len(at)} zones are lost)",
            mend="Build the network with its largest connected part, or join the zones to it")
    return volumes.sum(axis=0), sum(spent)


def _checked(network: Network, trips: ArrayLike, gap: float, iterations: int,
             method: str) -> Floats:
    matrix = np.ascontiguousarray(np.asarray(trips, dtype=float))
    z = len(network.zones)
    if matrix.shape != (z, z):
        raise CityTwinError(f"trips have shape {matrix.shape}, expected ({z}, {z}): zones by zones")
    if not np.isfinite(matrix).all() or (matrix < 0).any():
        raise CityTwinError("trips hold a number that is negative or not finite")
    if not gap >= 0 or iterations < 1 or method not in METHODS:
        raise CityTwinError(f"gap {gap!r}, iterations {iterations!r} and method {method!r}: "
                            "expected a gap of at least 0, at least one iteration and one of "
                            f"{', '.join(METHODS)}")
    return matrix


def _started(network: Network, trips: Floats, start: Assigned | ArrayLike) -> Floats:
    """Return volumes to start from, which must carry these trips out of and into every node."""
    given = start.volume if isinstance(start, Assigned) else np.asarray(start, dtype=float)
    if given.shape != network.tail.shape or not np.isfinite(given).all() or (given < 0).any():
        raise CityTwinError(f"start has shape {given.shape} or impossible volumes, expected "
                            f"({len(network.tail)},) of at least 0")
    gone = node_balance(network, given, trips)
    scale = max(float(trips.sum()), 1.0)
    if np.abs(gone).max(initial=0.0) > 1e-6 * scale:
        node = int(np.abs(gone).argmax())
        raise CityTwinError(f"start does not carry these trips: {gone[node]:g} vehicles an hour "
                            f"are missing or too many at node {node}",
                            mend="Start from nothing when the trips have changed")
    return given
