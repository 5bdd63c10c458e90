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
LEAST = 0.01  # share of a sum that one cause leaves at least [1]


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
    and combine by the root of the sum of squares: of their logarithms where the rows of a sum have
    one sign, so that it keeps it, else of themselves.

    References
    ----------
    IPCC 2006 Guidelines, volume 1, chapter 3, equations 3.1 and 3.2, with correlated inputs.
    """
    total = np.bincount(target, weights=value, minlength=count).astype(float)
    if not len(parts) or not len(value):
        return Estimate(total, total, total)
    one_sign = one_sign_of(parts, part, target, value, count)
    squares = [np.zeros(count), np.zeros(count)]

    def add(*ends: Floats) -> None:
        """Add the effect of one cause, at its two ends, to the squares below and above."""
        for square, effect in zip(squares, (np.minimum.reduce([*ends, np.zeros(count)]),
                                            np.maximum.reduce([*ends, np.zeros(count)])),
                                  strict=True):
            share = np.divide(effect, total, out=np.zeros(count), where=one_sign)
            square += np.where(one_sign, np.log1p(np.maximum(share, LEAST - 1)), effect) ** 2

    moved = np.where(np.array([p.by_activity for p in parts])[part], activity, value)
    sums: csr_array = coo_array((moved, (target, part)), shape=(count, len(parts))).tocsr()
    low, high, names = cause_table(parts)
    for i in range(len(names)):
        add(np.asarray(sums @ low[:, i]), np.asarray(sums @ high[:, i]))
    down, up = (np.sqrt(own_squares(parts, part, source, target, value, count, end))
                for end in (0, 1))
    add(np.where(total < 0, down, -down), np.where(total < 0, -up, up))
    below, above = (np.sqrt(s) for s in squares)
    with np.errstate(over="ignore"):
        ends = [np.where(one_sign, total * np.exp(np.where(one_sign, side, 0.0)), total + step)
                for side, step in ((np.where(total < 0, below, -below), -below),
                                   (np.where(total < 0, -above, above), above))]
    return Estimate(total, ends[0], ends[1])


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


def one_sign_of(parts: Sequence[Part], part: Whole, target: Whole, value: Floats,
              count: int) -> NDArray[np.bool_]:
    """Return which targets hold rows of one sign that no cause can turn."""
    free = np.array([p.by_activity for p in parts], dtype=bool)[part]
    plus, minus = (np.bincount(target, weights=side.astype(float), minlength=count) > 0
                   for side in ((value > 0) | free, (value < 0) | free))
    return np.asarray(plus ^ minus)


def own_squares(parts: Sequence[Part], part: Whole, source: Whole, target: Whole, value: Floats,
         count: int, end: int) -> Floats:
    """Return the squared ranges that sources have of their own, in each target.

    Parameters
    ----------
    parts, part, source, target, value, count
        As in `ranges`.
    end
        0 for the range down, 1 for that up.
    """
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
