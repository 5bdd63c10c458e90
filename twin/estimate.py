"""A value with its 95 % range, and how ranges combine.

Within one indicator the range of every cell stems from the same factors, so the ranges of cells
add up linearly. Between indicators the factors are apart, so ranges combine by the root of the sum
of squares (IPCC 2006 Guidelines, volume 1, chapter 3, approach 1).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from twin.factor import Factor


@dataclass(frozen=True)
class Estimate:
    """A value with the low and high end of its 95 % range, arrays of one shape."""

    value: Any
    low: Any
    high: Any

    def __add__(self, other: Estimate) -> Estimate:
        """Return the sum of two independent estimates."""
        return self._joined(other, self.value + other.value, other.value - other.low,
                            other.high - other.value)

    def __sub__(self, other: Estimate) -> Estimate:
        """Return the difference of two independent estimates."""
        return self._joined(other, self.value - other.value, other.high - other.value,
                            other.value - other.low)

    def _joined(self, _: Estimate, value: Any, down: Any, up: Any) -> Estimate:
        low = value - np.sqrt((self.value - self.low) ** 2 + down ** 2)
        high = value + np.sqrt((self.high - self.value) ** 2 + up ** 2)
        return Estimate(value, low, high)


@dataclass(frozen=True, eq=False)
class Laid:
    """A result of features already laid on cells, where ranges are not the sums of theirs.

    Parameters
    ----------
    features
        Of each feature as a whole, arrays of shape (features,).
    cells
        Densities, flat arrays of shape (cells,).
    total
        Of the study area, in the unit of the cells times m2.
    """

    features: Estimate | None
    cells: Estimate
    total: Estimate


def relative(factor: Factor) -> tuple[float, float]:
    """Return how far a factor may lie below and above its value, as shares of the value."""
    if factor.value == 0:
        return 0.0, 0.0
    size = abs(factor.value)
    return (factor.value - factor.low) / size, (factor.high - factor.value) / size


def spread(value: Any, *ranges: tuple[Any, Any]) -> Estimate:
    """Return an estimate of a product from the relative ranges of its independent parts.

    Parameters
    ----------
    value
        The product, not negative.
    ranges
        Relative distance down and up of each part [1]; arrays or numbers.
    """
    down = np.sqrt(sum(np.square(r[0]) for r in ranges))
    up = np.sqrt(sum(np.square(r[1]) for r in ranges))
    return Estimate(value, value * np.maximum(0.0, 1 - down), value * (1 + up))
