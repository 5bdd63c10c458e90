"""What an assignment gives: volumes, times and speeds, and how near they are to equilibrium."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from twin.carbon.traffic.delay import beckmann
from twin.carbon.traffic.network import Network

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Memory:
    """Where the last two steps went, so that work can go on as if it had never stopped.

    Parameters
    ----------
    targets
        The ends of the last steps, the latest first, each of shape (m,) [vehicle h-1].
    step
        How far the last one was gone, 0 to 1.
    """

    targets: tuple[Floats, ...] = ()
    step: float = 0.0


@dataclass(frozen=True, eq=False)
class Assigned:
    """Volumes on a network, and how near they are to the equilibrium.

    Parameters
    ----------
    volume
        Volume of each link in its direction, shape (m,) [vehicle h-1].
    time
        Time at that volume, shape (m,) [s].
    speed
        Speed at that volume, shape (m,) [km h-1].
    gap
        Relative gap: the share of all time driven that would be saved if everybody could take
        the way that is quickest now [1].
    iterations
        Loadings of all trips, those before a resumption included.
    why
        ``"gap"``, ``"iterations"``, ``"stopped"`` or ``"no better step"``.
    objective
        Beckmann's sum [vehicle s h-1].
    vehicle_km, vehicle_hours
        Driven on roads in the hour [km h-1, h h-1].
    history
        One row per iteration: ``iteration``, ``gap``, ``step``, ``objective``.
    memory
        What a resumption needs.
    """

    volume: Floats
    time: Floats
    speed: Floats
    gap: float
    iterations: int
    why: str
    objective: float
    vehicle_km: float
    vehicle_hours: float
    history: pd.DataFrame
    memory: Memory

    def __repr__(self) -> str:
        return (f"<Assigned: {self.vehicle_km:,.0f} vehicle km and {self.vehicle_hours:,.0f} "
                f"vehicle hours in the hour, gap {self.gap:.2g} after {self.iterations}>")


def node_balance(network: Network, volume: Floats, trips: Floats) -> Floats:
    """Return what leaves each node less what comes and begins there; 0 where nothing is lost.

    Parameters
    ----------
    network
        The network.
    volume
        Volume of each link, shape (m,) [vehicle h-1].
    trips
        Trips between zones, shape (z, z) [vehicle h-1].

    Returns
    -------
    numpy.ndarray
        Shape (nodes,) [vehicle h-1].
    """
    n = network.nodes
    begun = np.bincount(network.zones, trips.sum(axis=1), n)
    ended = np.bincount(network.zones, trips.sum(axis=0), n)
    out = np.bincount(network.tail, volume, n)
    come = np.bincount(network.head, volume, n)
    return np.asarray(out + ended - come - begun, dtype=float)


def told(network: Network, volume: Floats, short: float, done: int, why: str,
         rows: list[tuple[int, float, float, float]], memory: Memory) -> Assigned:
    """Return the result of an assignment whose links are in the order of the kernels."""

    def back(values: Floats) -> Floats:
        out = np.empty_like(values)
        out[network.order] = values
        return out

    flow = back(volume)
    time = network.time(flow)
    history = pd.DataFrame(rows, columns=["iteration", "gap", "step", "objective"])
    road = network.is_road
    return Assigned(
        flow, time, network.speed(flow), float(short), done, why,
        beckmann(flow, network.free_time, network.capacity, network.alpha, network.beta),
        network.vehicle_km(flow), float((flow * time)[road].sum() / 3600.0), history,
        Memory(tuple(back(t) for t in memory.targets), memory.step))
