"""When what is paid at the start is earned back, and at which rate."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

RATES = (-0.9, 10.0)  # between which the internal rate of return is looked for [1/a]


def internal_rate(price: float, net: Floats) -> Floats:
    """Return the yearly rate at which what is earned is worth what was paid.

    Parameters
    ----------
    price
        Paid at the start.
    net
        Earned at the end of each year, shape (..., years).

    Returns
    -------
    numpy.ndarray
        The root between -0.9 and 10, by halving; NaN where there is none [a-1].
    """
    def worth(factor: Floats) -> Floats:
        """Value of a year's money being ``factor`` times that of the year before, by Horner."""
        total = np.zeros(factor.shape)
        for year in range(net.shape[-1] - 1, -1, -1):
            total = (total + net[..., year]) * factor
        return np.asarray(total - price)

    low, high = (np.full(net.shape[:-1], 1 / (1 + rate)) for rate in reversed(RATES))
    rooted = (worth(low) < 0) & (worth(high) > 0)
    for _ in range(60):
        middle = (low + high) / 2
        above = worth(middle) > 0
        low, high = np.where(above, low, middle), np.where(above, middle, high)
    return np.where(rooted, 2 / (low + high) - 1, np.nan)


def payback(price: ArrayLike, net: Floats) -> Floats:
    """Return the years until a price is earned back, infinite where it never is.

    Parameters
    ----------
    price
        Paid at the start, a number or shape (...).
    net
        Earned in each year, shape (..., years).
    """
    start = -np.broadcast_to(np.asarray(price, dtype=float), net.shape[:-1])
    stand = np.concatenate([start[..., None], start[..., None] + np.cumsum(net, axis=-1)], axis=-1)
    there = stand[..., 1:] >= 0
    first = np.argmax(there, axis=-1)
    before = np.take_along_axis(stand, first[..., None], axis=-1)[..., 0]
    gain = np.take_along_axis(net, first[..., None], axis=-1)[..., 0]
    part = np.divide(-before, gain, out=np.zeros_like(before), where=gain > 0)
    return np.where(there.any(axis=-1), first + np.clip(part, 0.0, 1.0), np.inf)
