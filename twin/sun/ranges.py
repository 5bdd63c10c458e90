"""Numbers with the ends of their 95 % range, and how the ranges of independent parts combine."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import ArrayLike


class Ranged(Protocol):
    """A number with the ends of its 95 % range, such as a factor."""

    @property
    def value(self) -> Any:
        """The number."""

    @property
    def low(self) -> Any:
        """The low end."""

    @property
    def high(self) -> Any:
        """The high end."""


class Range(NamedTuple):
    """A number, or array, with the ends of its 95 % range."""

    value: Any
    low: Any
    high: Any


Pick = Callable[[str, str], Ranged]


def relative(given: Ranged) -> tuple[Any, Any]:
    """Return how far a number may lie below and above its value, as shares of the value."""
    value = np.asarray(given.value, dtype=float)
    size = np.where(value == 0, 1.0, np.abs(value))
    return (value - given.low) / size, (given.high - value) / size


def ends(one: Any, other: Any) -> tuple[Any, Any]:
    """Return how far two relative changes reach below and above nothing."""
    return (-np.minimum(np.minimum(one, other), 0.0), np.maximum(np.maximum(one, other), 0.0))


def spread(value: Any, *parts: tuple[Any, Any]) -> Range:
    """Return a product with its range, from the relative ranges of independent parts."""
    down = np.sqrt(sum(np.square(p[0]) for p in parts))
    up = np.sqrt(sum(np.square(p[1]) for p in parts))
    return Range(value, value * np.maximum(0.0, 1 - down), value * (1 + up))


def around(base: Any, moved: Sequence[Any]) -> Range:
    """Return a value with its range from the values that inputs moved one by one give.

    Parameters
    ----------
    base
        The value, an array or a number.
    moved
        The same with one input at one end of its range, a row a move.

    Notes
    -----
    The moves up, and those down, combine by the root of the sum of squares. Where the value is
    infinite the low end is the least of the moved values.
    """
    value, others = np.asarray(base, dtype=float), np.asarray(moved, dtype=float)
    sure = np.isfinite(value)
    with np.errstate(invalid="ignore"):
        step = np.where(np.isnan(others), 0.0, others - np.where(sure, value, 0.0))
        down = np.sqrt((np.minimum(step, 0.0) ** 2).sum(axis=0))
        up = np.sqrt((np.maximum(step, 0.0) ** 2).sum(axis=0))
    least = np.where(np.isnan(value), np.nan, np.fmin.reduce(others, axis=0))
    return Range(value, np.where(sure, value - down, least), np.where(sure, value + up, value))


def summed(given: Ranged, group: Any, count: int, weight: ArrayLike = 1.0) -> Range:
    """Return sums over groups of numbers whose ranges stem from the same factors.

    Parameters
    ----------
    given
        Arrays of shape (n,).
    group
        Number of the group of each, shape (n,).
    count
        Number of groups.
    weight
        What each counts, (n,) [1].

    Returns
    -------
    Range
        Arrays of shape (``count``,): low ends add up to the low end, high ends to the high end.
    """
    parts = (np.broadcast_to(np.asarray(getattr(given, end)) * weight, np.shape(group))
             for end in ("value", "low", "high"))
    return Range(*(np.bincount(group, weights=part, minlength=count) for part in parts))
