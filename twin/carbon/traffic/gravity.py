"""The gravity model: trips between zones from their ends and the ways between them."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import brentq

from layers.errors import CityTwinError

Floats = NDArray[np.float64]
STEEPEST = 50.0  # deterrence times the mean cost, past which the nearest zone takes all


def balance(seed: ArrayLike, rows: ArrayLike, columns: ArrayLike, *, tolerance: float = 1e-10,
            iterations: int = 5000, exact: bool = True) -> Floats:
    """Scale the rows and columns of a matrix until they have given sums (Furness, IPF).

    Parameters
    ----------
    seed
        Matrix of at least 0, shape (n, m); what is 0 stays 0.
    rows, columns
        Sums wanted, shape (n,) and (m,); both have the same total.
    tolerance
        Largest difference of a sum, as a share of the total.
    iterations
        Most rounds.
    exact
        Whether sums that cannot be met are an error; else no sum is more than wanted.

    Returns
    -------
    numpy.ndarray
        Shape (n, m).

    Raises
    ------
    CityTwinError
        When the totals differ, a row or column with a sum has no entry, or the zeros of the seed
        allow no such matrix.

    References
    ----------
    Furness K. P. (1965), Traffic Engineering and Control 7, 458-460; Deming W. E., Stephan F. F.
    (1940), doi:10.1214/aoms/1177731829.
    """
    base, a, b = (np.asarray(values, dtype=float) for values in (seed, rows, columns))
    if base.shape != (len(a), len(b)):
        raise CityTwinError(f"the seed has shape {base.shape}, expected ({len(a)}, {len(b)})")
    if min(base.min(initial=0.0), a.min(initial=0.0), b.min(initial=0.0)) < 0 or not (
            np.isfinite(base).all() and np.isfinite(a).all() and np.isfinite(b).all()):
        raise CityTwinError("the seed or a sum is negative or not finite")
    total = float(a.sum())
    if abs(total - b.sum()) > 1e-9 * max(total, 1.0):
        raise CityTwinError(f"the rows sum to {total:g} and the columns to {b.sum():g}, expected "
                            "the same")
    if total == 0:
        return np.zeros(base.shape)
    u, v = (a > 0).astype(float), (b > 0).astype(float)
    for what, sums, entries in (("row", a, base @ v), ("column", b, u @ base)):
        empty = (sums > 0) & (entries <= 0)
        if empty.any():
            raise CityTwinError(f"{what} {int(np.argmax(empty))} has {sums[empty][0]:g} trips but "
                                "no way to any zone that could take them")
    worst = np.inf
    for _ in range(iterations):
        over = u @ base
        v = np.divide(b, over, out=np.zeros_like(b), where=over > 0)
        across = base @ v
        worst = float(np.abs(u * across - a).max())
        if worst <= tolerance * total:
            break
        u = np.divide(a, across, out=np.zeros_like(a), where=across > 0)
    if worst > tolerance * total and exact:
        raise CityTwinError(f"the sums are missed by {worst / total:.1e} of the total after "
                            f"{iterations} rounds: no ways between zones that need them")
    matrix: Floats = u[:, None] * base * v[None, :]
    if worst > tolerance * total:
        for wanted, axis in ((a[:, None], 1), (b[None, :], 0)):
            have = matrix.sum(axis=axis, keepdims=True)
            matrix *= np.minimum(1.0, np.divide(wanted, have, out=np.ones_like(have),
                                                where=have > 0))
    return matrix


def spread_trips(productions: ArrayLike, attractions: ArrayLike, cost: ArrayLike,
                 deterrence: float) -> Floats:
    """Return trips between zones: ``T_ij = a_i P_i b_j A_j exp(-deterrence c_ij)``.

    Parameters
    ----------
    productions, attractions
        Trips that begin and end in each zone, shape (n,) and (m,), of the same total.
    cost
        Time or length of the way, shape (n, m); inf where there is none.
    deterrence
        How steeply trips fall with it [1 / unit of cost].

    References
    ----------
    Wilson A. G. (1967), Transportation Research 1, 253-269, doi:10.1016/0041-1647(67)90035-4.
    """
    c = np.asarray(cost, dtype=float)
    open_way = np.isfinite(c)
    power = np.where(open_way, -deterrence * np.where(open_way, c, 0.0), -np.inf)
    top = power.max(axis=1, keepdims=True, initial=-np.inf)  # factors of rows change no result
    power = power - np.where(np.isfinite(top), top, 0.0)
    return balance(np.exp(power), productions, attractions)


def mean_cost(trips: ArrayLike, cost: ArrayLike) -> float:
    """Return the mean cost of a trip, in the unit of the cost."""
    t, c = np.asarray(trips, dtype=float), np.asarray(cost, dtype=float)
    return float((t * np.where(t > 0, c, 0.0)).sum() / t.sum())


def fit_deterrence(productions: ArrayLike, attractions: ArrayLike, cost: ArrayLike,
                   target: float, *, length: ArrayLike | None = None,
                   counted: ArrayLike | None = None) -> tuple[float, Floats]:
    """Return the deterrence that gives trips of a mean length, and these trips.

    Parameters
    ----------
    productions, attractions, cost
        As in `spread_trips`.
    target
        Mean length wanted, in the unit of ``length``.
    length
        Length of the ways, shape (n, m); ``cost`` itself when None.
    counted
        Which trips the mean is of, shape (n, m); all when None.

    Returns
    -------
    deterrence : float
        In 1 / unit of cost.
    trips : numpy.ndarray
        Shape (n, m).

    Raises
    ------
    CityTwinError
        When no deterrence of at least 0 gives that mean.

    References
    ----------
    Hyman G. M. (1969), Environment and Planning 1, 105-112, doi:10.1068/a010105.
    """
    c = np.asarray(cost, dtype=float)
    way = c if length is None else np.asarray(length, dtype=float)
    mask = np.ones(c.shape, dtype=bool) if counted is None else np.asarray(counted, dtype=bool)

    def mean(deterrence: float) -> float:
        return mean_cost(np.where(mask, spread_trips(productions, attractions, c, deterrence), 0),
                         way)

    finite = np.isfinite(c)
    usual = float(c[finite].mean())
    longest = mean(0.0)
    steep = 1.0 / usual
    while mean(steep) > target and steep * usual < STEEPEST:
        steep *= 2.0
    if not mean(steep) <= target <= longest:
        raise CityTwinError(f"a mean trip length of {target:g} cannot be met: between these zones "
                            f"it lies from {mean(STEEPEST / usual):.3g} to {longest:.3g}",
                            mend="Give the mean of trips that stay in the area, or None")
    deterrence = float(brentq(lambda b: mean(b) - target, 0.0, steep, xtol=1e-12, rtol=1e-10))
    return deterrence, spread_trips(productions, attractions, c, deterrence)
