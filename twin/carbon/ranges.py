"""Ranges of sums whose rows share causes: what is shared adds up, what is apart combines."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array, csr_array

from twin.carbon.parts import Part
from twin.estimate import Estimate

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]


def ranges(parts: Sequence[Part], part: Whole, source: Whole, target: Whole, activity: Floats,
           value: Floats, count: int) -> Estimate:
    """Return sums over targets with their 95 % ranges.

    Parameters
    ----------
    parts
        The parts.
    part, source, target, activity, value
        Of the rows: its part, its source, where it counts, its activity and its value, shape (n,).
    count
        Number of targets.

    Returns
    -------
    Estimate
        Arrays of shape (count,).

    Notes
    -----
    Each cause moves all rows that name it together: its effect on a sum is the sum of its effects
    on the rows. Effects of different causes, and what each source has of its own, are independent
    and combine by the root of the sum of squares. What cannot be less than nothing ends at zero.

    References
    ----------
    IPCC 2006 Guidelines, volume 1, chapter 3, equations 3.1 and 3.2, with correlated inputs.
    """
    total = np.bincount(target, weights=value, minlength=count).astype(float)
    down2, up2 = np.zeros(count), np.zeros(count)
    if len(parts) and len(value):
        moved = np.where(np.array([p.by_activity for p in parts])[part], activity, value)
        sums: csr_array = coo_array((moved, (target, part)), shape=(count, len(parts))).tocsr()
        low, high, _ = cause_table(parts)
        for at_low, at_high in zip(_columns(sums, low), _columns(sums, high), strict=True):
            down2 += np.minimum(np.minimum(at_low, at_high), 0.0) ** 2
            up2 += np.maximum(np.maximum(at_low, at_high), 0.0) ** 2
        for end, into in ((0, down2), (1, up2)):
            into += _own(parts, part, source, target, value, count, end)
    low = total - np.sqrt(down2)
    return Estimate(total, np.where(_never_below_zero(parts, part, target, value, count),
                                    np.maximum(low, 0.0), low), total + np.sqrt(up2))


def cause_table(parts: Sequence[Part]) -> tuple[Floats, Floats, list[str]]:
    """Return how each part moves with each cause at its low and its high end.

    Returns
    -------
    tuple
        Relative changes, two arrays of shape (parts, causes), and the names of the causes.
    """
    names = list(dict.fromkeys(c.name for p in parts for c in p.causes))
    at = {name: i for i, name in enumerate(names)}
    low, high = np.zeros((len(parts), len(names))), np.zeros((len(parts), len(names)))
    for row, one in enumerate(parts):
        for cause in one.causes:
            low[row, at[cause.name]] += cause.low
            high[row, at[cause.name]] += cause.high
    return low, high, names


def _never_below_zero(parts: Sequence[Part], part: Whole, target: Whole, value: Floats,
                      count: int) -> NDArray[np.bool_]:
    """Return which targets hold nothing that is, or could become, less than nothing."""
    free = np.array([p.by_activity for p in parts], dtype=bool)
    could = (value < 0) | (free[part] if len(parts) else False)
    return np.asarray(np.bincount(target, weights=could.astype(float), minlength=count) == 0)


def _columns(sums: csr_array, effect: Floats) -> list[Floats]:
    return [np.asarray(sums @ effect[:, i]) for i in range(effect.shape[1])]


def _own(parts: Sequence[Part], part: Whole, source: Whole, target: Whole, value: Floats,
         count: int, end: int) -> Floats:
    """Return the squared ranges that sources have of their own, in each target."""
    own = np.array([p.own[end] for p in parts])[part]
    some = own != 0
    if not some.any():
        return np.zeros(count)
    layers = list(dict.fromkeys(p.layer for p in parts))
    layer = np.array([layers.index(p.layer) for p in parts])[part[some]]
    each: csr_array = coo_array(
        (value[some] * own[some], (target[some], source[some] * len(layers) + layer)),
        shape=(count, (int(source.max()) + 1) * len(layers))).tocsr()
    each.sum_duplicates()
    rows = np.repeat(np.arange(count), np.diff(each.indptr))
    return np.bincount(rows, weights=each.data ** 2, minlength=count).astype(float)
