"""Planted trees over the years: how they grow into their uptake, how many live, what is gained."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import root
from scipy.special import betainc

from layers.errors import CityTwinError

Floats = NDArray[np.float64]

EARLY, HALF = 0.05, 0.5   # shares of the grown uptake at the first two ages of the curve [1]
YOUNG = 5.0               # years in which planted trees die most [a]
CARBON = 12.0 / 44.0      # carbon in CO2 [1]


@dataclass(frozen=True)
class Growth:
    """How a planted tree grows into the uptake it has once grown.

    Parameters
    ----------
    a, b
        Shape of the curve, the cumulative beta distribution over ``full`` years.
    full
        Age at which it is grown [a].

    Notes
    -----
    The curve is an S that begins at nothing and ends at one with level ends; its integral is
    known.
    """

    a: float
    b: float
    full: float

    def share(self, age: ArrayLike) -> Floats:
        """Return the share of the grown uptake at an age, 1 where the age is no number [1].

        Parameters
        ----------
        age
            Years since planting [a].
        """
        x = np.clip(np.asarray(age, dtype=float) / self.full, 0.0, 1.0)
        return np.asarray(np.where(np.isnan(x), 1.0, betainc(self.a, self.b, np.nan_to_num(x))))

    def summed(self, age: ArrayLike) -> Floats:
        """Return the integral of the share from planting to an age [a].

        Parameters
        ----------
        age
            Years since planting [a].
        """
        years = np.asarray(age, dtype=float)
        x = np.clip(years / self.full, 0.0, 1.0)
        inner = x * betainc(self.a, self.b, x) - (
            self.a / (self.a + self.b) * betainc(self.a + 1, self.b, x))
        return np.asarray(self.full * inner + np.maximum(years - self.full, 0.0))


@lru_cache(maxsize=64)
def growth_through(early: float, half: float, full: float) -> Growth:
    """Return the curve through 5 %, 50 % and all of the grown uptake.

    Parameters
    ----------
    early, half, full
        Ages of these shares [a].

    Raises
    ------
    CityTwinError
        When the ages do not rise, or no curve goes through them.
    """
    if not 0 < early < half < full < np.inf:
        raise CityTwinError(f"ages of growth are {early:g}, {half:g} and {full:g} years, expected "
                            "three that rise")

    def misses(shape: Floats) -> Floats:
        a, b = np.exp(shape)
        return np.asarray([betainc(a, b, early / full) - EARLY, betainc(a, b, half / full) - HALF])

    found = root(misses, np.log([2.0, 2.0]), tol=1e-13)
    a, b = (float(v) for v in np.exp(found.x))
    if not (np.isfinite([a, b]).all() and np.abs(misses(found.x)).max() < 1e-9):
        raise CityTwinError(f"no curve of growth has 5 % at {early:g}, half at {half:g} and all at "
                            f"{full:g} years", mend="Move the ages apart")
    return Growth(a, b, full)


def growth_of(factors: Any) -> Growth:
    """Return the curve of a place.

    Parameters
    ----------
    factors
        Gives ``planting.age_early``, ``planting.age_half`` and ``planting.age_full``.
    """
    early, half, full = (factors.pick(f"planting.age_{name}", "a").value
                         for name in ("early", "half", "full"))
    return growth_through(early, half, full)


def survivors(age: ArrayLike, early: float, later: float) -> Floats:
    """Return the share of planted trees that live.

    Parameters
    ----------
    age
        Years since planting [a].
    early, later
        Share that dies in each of the first five years, and in each year after [a-1].

    Returns
    -------
    numpy.ndarray
        Shares, as ``age`` [1].
    """
    years = np.asarray(age, dtype=float)
    return np.asarray((1 - early) ** np.minimum(years, YOUNG)
                      * (1 - later) ** np.maximum(years - YOUNG, 0.0))


def planting(grown: float, trees: float, years: int, *, growth: Growth, early: float = 0.04,
             later: float = 0.015, emission: float = 7.5) -> pd.DataFrame:
    """Return what a planting takes up year by year; dead trees are not replaced.

    Parameters
    ----------
    grown
        Uptake of all of them a year once grown, if none died [kg a-1].
    trees
        Number planted.
    years
        Years to tell.
    growth
        The curve.
    early, later
        As in `survivors` [a-1].
    emission
        CO2 of planting one tree [kg].

    Returns
    -------
    pandas.DataFrame
        One row a year from 1: ``alive``, trees at its end; ``share``, of the grown uptake of a
        tree that lives, mean of the year [1]; ``uptake`` [kg a-1]; ``balance``, all uptake so far
        less what planting emitted [kg]; ``carbon``, stored so far [kg of C].

    Notes
    -----
    The uptake of grown trees is net of decay, so what dead ones give off is not taken off again.
    """
    year = np.arange(1, _whole(years) + 1, dtype=float)
    steps = growth.summed(year) - growth.summed(year - 1)
    uptake = grown * steps * survivors(year - 0.5, early, later)
    return pd.DataFrame({
        "alive": trees * survivors(year, early, later), "share": steps, "uptake": uptake,
        "balance": np.cumsum(uptake) - trees * emission, "carbon": np.cumsum(uptake) * CARBON},
        index=pd.Index(year.astype(int), name="year"))


def mean_share(growth: Growth, early: float, later: float, years: int) -> float:
    """Return the mean uptake of the first years over that of grown trees of which none died [1].

    Parameters
    ----------
    growth, early, later
        As in `planting`.
    years
        Number of years.
    """
    table = planting(1.0, 1.0, years, growth=growth, early=early, later=later, emission=0.0)
    return float(table["uptake"].mean())


def _whole(years: float) -> int:
    if isinstance(years, bool) or not 1 <= years <= 200 or years != int(years):
        raise CityTwinError(f"{years!r} years of a planting, expected a whole number from 1 to 200")
    return int(years)
