"""Time on a link by its volume (BPR), the sum that a user equilibrium makes least, and steps."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@njit(cache=True, nogil=True)
def _power(base: float, exponent: float) -> float:
    if exponent == 4.0:
        return (base * base) * (base * base)
    if exponent == 3.0:
        return base * base * base
    if exponent == 1.0:
        return base
    return base ** exponent  # type: ignore[no-any-return]


@njit(cache=True, nogil=True)
def fill_times(volume: Floats, free: Floats, capacity: Floats, alpha: Floats, beta: Floats,
               time: Floats, rise: Floats) -> float:
    """Set the time of each link and how fast it rises with volume.

    Parameters
    ----------
    volume, free, capacity, alpha, beta
        As in `travel_time`, one array each, shape (m,).
    time, rise
        Set: time [s], and its derivative by volume [s h vehicle-1].

    Returns
    -------
    float
        Time of all vehicles together [vehicle s h-1].
    """
    spent = 0.0
    for a in range(len(volume)):
        full = volume[a] / capacity[a]
        if alpha[a] == 0.0 or full <= 0.0:
            time[a] = free[a]
            rise[a] = free[a] * alpha[a] / capacity[a] if beta[a] == 1.0 else 0.0
        else:
            slope = free[a] * alpha[a] * _power(full, beta[a] - 1.0)
            time[a] = free[a] + slope * full
            rise[a] = slope * beta[a] / capacity[a]
        spent += volume[a] * time[a]
    return spent


@njit(cache=True, nogil=True)
def best_step(volume: Floats, target: Floats, free: Floats, capacity: Floats, alpha: Floats,
              beta: Floats) -> float:
    """Find how far to go from volumes to other ones for the least Beckmann sum.

    Parameters
    ----------
    volume, target
        Where the step begins and where a whole one ends, shape (m,) [vehicle h-1].
    free, capacity, alpha, beta
        As in `travel_time`, shape (m,).

    Returns
    -------
    float
        The step, 0 to 1; 0 where the sum only rises.

    Notes
    -----
    The derivative of the sum along the step, ``sum (target - volume) time``, rises with the step.
    Its root is kept between two bounds, of which one moves each time (bisection), at the point
    Newton's rule gives where that lies between them.
    """
    low, high, at = 0.0, 1.0, 1.0
    begun = 0.0
    for turn in range(120):
        value, slope = 0.0, 0.0
        here = 0.0 if turn == 0 else at
        for a in range(len(volume)):
            way = target[a] - volume[a]
            if way == 0.0:
                continue
            full = max(0.0, volume[a] + here * way) / capacity[a]
            if alpha[a] == 0.0 or (full == 0.0 and beta[a] != 1.0):
                value += way * free[a]
            else:
                part = free[a] * alpha[a] * _power(full, beta[a] - 1.0)
                value += way * (free[a] + part * full)
                slope += way * way * part * beta[a] / capacity[a]
        if turn == 0:
            if value >= 0.0:
                return 0.0
            begun = value
            at = 1.0
            continue
        if turn == 1 and value <= 0.0:
            return 1.0
        if value == 0.0:
            return at
        if value < 0.0:
            low = at
        else:
            high = at
        if abs(value) <= 1e-14 * abs(begun) or high - low <= 1e-15:
            break
        newton = at - value / slope if slope > 0.0 else -1.0
        at = newton if low < newton < high else 0.5 * (low + high)
        if at in (low, high):
            break
    return at


def travel_time(volume: NDArray[np.floating], free: NDArray[np.floating],
                capacity: NDArray[np.floating], alpha: NDArray[np.floating],
                beta: NDArray[np.floating]) -> Floats:
    """Return the time a link takes at a volume: ``free (1 + alpha (volume / capacity)^beta)``.

    Parameters
    ----------
    volume
        Volume of each link in its direction, any shape that ends in (m,) [vehicle h-1].
    free
        Time without other traffic [s].
    capacity
        Volume at which the time is ``1 + alpha`` times the free one; may be inf [vehicle h-1].
    alpha, beta
        Shape of the curve [1].

    Returns
    -------
    numpy.ndarray
        Shape of ``volume`` [s].

    References
    ----------
    Bureau of Public Roads (1964), Traffic Assignment Manual, U.S. Department of Commerce.
    """
    full = np.maximum(np.asarray(volume, dtype=float), 0.0) / capacity
    return np.asarray(free * (1.0 + alpha * full ** beta), dtype=float)


def beckmann(volume: Floats, free: Floats, capacity: Floats, alpha: Floats,
             beta: Floats) -> float:
    """Return the sum over links of the integral of time over volume [vehicle s h-1].

    The volumes of a user equilibrium, in which no driver can save time by another way, are those
    that make this sum least.

    References
    ----------
    Beckmann M., McGuire C. B., Winsten C. B. (1956), Studies in the Economics of Transportation,
    Yale University Press.
    """
    full = np.maximum(volume, 0.0) / capacity
    return float((free * volume * (1.0 + alpha * full ** beta / (beta + 1.0))).sum())
