"""Bands of the difference between two plans, with the errors that both share.

What is uncertain about surfaces, wind and method is the same before and after a plan. Each draw is
used for both, so that common errors cancel, and the band is that of the difference.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from layers.errors import CityTwinError
from twin.heat.parameters import Values, parameter_range

COMFORT = ("albedo.paved", "albedo.grass", "albedo.wall", "emissivity.paved", "emissivity.grass",
           "emissivity.wall", "surface.paved.slope", "surface.grass.slope", "surface.wall.slope",
           "tree.leaf_on", "wind.sheltered", "band.wind", "band.sun", "band.shade", "night.sky",
           "night.green")
"""Stems that are uncertain about UTCI, PET and the night, and shared by scenarios.

``surface.*.start`` goes with the slope. The hour of the peak is left out: its range in the table
is that of a recalled number, not one that anyone expects of it.
"""

COOLING = ("crop.tree", "crop.grass", "cooling.weight.shade", "cooling.weight.albedo",
           "cooling.weight.evapotranspiration", "cooling.heat_island")
"""Stems that are uncertain about the cooling index."""

SHARED = COMFORT + COOLING
WITHIN = 1.959964  # standard deviations from the middle to the end of a 95 % range
EDGES = (0.025, 0.5, 0.975)
WEIGHTS = tuple(f"cooling.weight.{n}" for n in ("shade", "albedo", "evapotranspiration"))
Draw = Mapping[str, float]
Model = Callable[[Draw], ArrayLike]
Array = NDArray[np.float64]


@dataclass(frozen=True)
class Uncertain:
    """A number that is drawn.

    Parameters
    ----------
    name
        Key in a draw.
    value, low, high
        Median and 95 % range.
    least, most
        Limits that are never passed.
    """

    name: str
    value: float
    low: float
    high: float
    least: float = -np.inf
    most: float = np.inf


@dataclass(frozen=True)
class Band:
    """The ends of the 95 % range and the median of a difference, and whether it differs from none.

    Parameters
    ----------
    low, median, high
        Of the draws, in the shape of what was compared.
    distinct
        Whether the band leaves out zero.
    """

    low: Array
    median: Array
    high: Array
    distinct: NDArray[np.bool_]

    @property
    def words(self) -> NDArray[np.str_]:
        """``"less"``, ``"more"`` or ``"indistinguishable"``; empty where it is unknown."""
        side = np.where(self.median < 0, "less", "more")
        told = np.where(self.distinct, side, "indistinguishable")
        return np.asarray(np.where(np.isnan(self.median), "", told))


def uncertain(names: Sequence[str] = SHARED,
              values: Values | None = None) -> tuple[Uncertain, ...]:
    """Return rows of the table as numbers to draw.

    Parameters
    ----------
    names
        Stems without the leading ``outdoor.``. What is never negative stays so, and shares stay
        below one.
    values
        `twin.heat.parameters.Parameters` whose rows are taken, or numbers in place of those of the
        table, by stem.
    """
    rows = [parameter_range(name, values) for name in names]
    return tuple(Uncertain(name, row.value, row.low, row.high, 0.0 if row.low >= 0 else -np.inf,
                           1.0 if row.unit == "1" and row.high <= 1 else np.inf)
                 for name, row in zip(names, rows, strict=True))


def draws(numbers: Sequence[Uncertain], count: int = 200, *,
          seed: int = 0) -> list[dict[str, float]]:
    """Return draws of numbers that are independent of each other.

    Parameters
    ----------
    numbers
        What is drawn.
    count
        Number of draws.
    seed
        Of the random numbers; the same seed gives the same draws.

    Notes
    -----
    A Latin hypercube over normal distributions of two halves, whose 2.5 and 97.5 % points are the
    ends of the range. Weights of the cooling capacity, drawn together, are scaled to sum to one.

    References
    ----------
    McKay, Beckman & Conover (1979), Technometrics 21:239, doi:10.1080/00401706.1979.10489755.
    """
    from scipy.special import ndtri

    if count < 2:
        raise CityTwinError(f"{count} draws, expected at least 2")
    random = np.random.default_rng(seed)
    columns: dict[str, Array] = {}
    for n in numbers:
        share = (random.permutation(count) + random.random(count)) / count
        off = ndtri(share) / WITHIN
        column = n.value + np.where(off < 0, off * (n.value - n.low), off * (n.high - n.value))
        columns[n.name] = np.clip(column, n.least, n.most)
    if all(name in columns for name in WEIGHTS):
        total = np.sum([columns[name] for name in WEIGHTS], axis=0)
        columns |= {name: columns[name] / total for name in WEIGHTS}
    return [{name: float(column[i]) for name, column in columns.items()} for i in range(count)]


def evaluate(model: Model, drawn: Sequence[Draw]) -> Array:
    """Return what a model gives for each draw, (draws, ...)."""
    return np.stack([np.asarray(model(draw), dtype=float) for draw in drawn])


def band(differences: ArrayLike) -> Band:
    """Return the band of differences, NaN where any of them is.

    Parameters
    ----------
    differences
        One difference per draw, (draws, ...).
    """
    low, median, high = np.quantile(np.asarray(differences, dtype=float), EDGES, axis=0)
    return Band(low, median, high, np.asarray((low > 0) | (high < 0)))


def difference_band(before: Model, after: Model, drawn: Sequence[Draw]) -> Band:
    """Return the band of what a plan changes, each draw being used before and after.

    Parameters
    ----------
    before, after
        Take a draw and give a number or an array of one shape.
    drawn
        Draws, see `draws`.

    Raises
    ------
    CityTwinError
        When before and after differ in shape.
    """
    changes = []
    for draw in drawn:
        was, becomes = (np.asarray(model(draw), dtype=float) for model in (before, after))
        if was.shape != becomes.shape:
            raise CityTwinError(f"before is {was.shape}, after {becomes.shape}, expected one shape",
                                mend="Lay both on one grid")
        changes.append(becomes - was)
    return band(np.stack(changes))
