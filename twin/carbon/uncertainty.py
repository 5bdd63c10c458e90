"""Monte Carlo over the causes of the ledger.

Drawn on the `twin.carbon.lines.difference` of two scenarios, each draw is the same in both.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import ndtri

from layers.errors import CityTwinError
from twin.carbon.ledger import Ledger
from twin.carbon.parts import Part
from twin.carbon.ranges import LEAST, cause_table, one_sign_of, own_squares

Floats = NDArray[np.float64]
WITHIN = 1.959964  # standard deviations from the middle to the end of a 95 % range
DRAWS = 1000
QUANTILES = (0.025, 0.5, 0.975)


@dataclass(frozen=True, eq=False)
class Draws:
    """Totals of the ledger in many draws.

    Parameters
    ----------
    values
        One total a draw, shape (draws,) [kg a-1].
    causes
        Standard normal number of each cause in each draw, (draws, causes).
    names
        Names of the causes.
    """

    values: Floats
    causes: Floats
    names: tuple[str, ...]

    @property
    def ends(self) -> tuple[float, float, float]:
        """The 2.5 %, 50 % and 97.5 % points [kg a-1]."""
        low, middle, high = np.quantile(self.values, QUANTILES)
        return float(low), float(middle), float(high)

    def contributors(self, most: int = 5) -> pd.Series:
        """Return the causes that move the total most: squared rank correlations, as shares of 1.

        Parameters
        ----------
        most
            Number of causes to name.

        References
        ----------
        Saltelli et al. (2004), Sensitivity Analysis in Practice, section 2.
        """
        if not len(self.names) or np.ptp(self.values) == 0:
            return pd.Series(dtype=float, name="share")
        ranks = np.argsort(np.argsort(self.causes, axis=0), axis=0).astype(float)
        total = np.argsort(np.argsort(self.values)).astype(float)
        ranks -= ranks.mean(axis=0)
        total -= total.mean()
        rho = (ranks * total[:, None]).sum(axis=0) / np.sqrt(
            (ranks ** 2).sum(axis=0) * (total ** 2).sum())
        share = pd.Series(rho ** 2, index=list(self.names), name="share")
        return (share / share.sum()).sort_values(ascending=False).head(most)


def draw(ledger: Ledger, want: Callable[[Part], bool] | None = None, *, count: int = DRAWS,
         seed: int = 0) -> Draws:
    """Return totals of the ledger with every cause drawn.

    Parameters
    ----------
    ledger
        The ledger.
    want
        Says which parts count; all when None.
    count
        Number of draws.
    seed
        Of the random numbers. A cause gets the same numbers for the same seed wherever it stands.

    Raises
    ------
    CityTwinError
        When there are fewer than 2 draws.

    Notes
    -----
    The rows of a part are multiplied by one number per cause. It is 1 in the middle and the ends
    of the range at the 2.5 and 97.5 % points; between them it moves evenly in its logarithm, each
    half on its own. Causes by activity add up in a straight line. What sources have of their own
    is one more such number for the sum of a sector. Draws are a Latin hypercube.

    References
    ----------
    IPCC 2006 Guidelines, volume 1, chapter 3, approach 2; McKay, Beckman & Conover (1979),
    Technometrics 21:239, doi:10.1080/00401706.1979.10489755.
    """
    if count < 2:
        raise CityTwinError(f"{count} draws, expected at least 2")
    mine = ledger.where(want)
    low, high, names = cause_table(mine.parts)
    numbers = np.column_stack([_normal(name, count, seed) for name in names]) if names \
        else np.zeros((count, 0))
    rows = mine.rows
    values, activity = (np.bincount(rows["part"], weights=rows[c], minlength=len(mine.parts))
                        for c in ("value", "activity"))
    added = np.array([p.by_activity for p in mine.parts], dtype=bool)
    times, more = np.ones((count, len(mine.parts))), np.zeros(count)
    for i in range(len(names)):
        far = np.abs(numbers[:, i])[:, None] / WITHIN
        end = np.where(numbers[:, i, None] < 0, low[:, i], high[:, i])
        times[:, ~added] *= np.maximum(1 + end[:, ~added], LEAST) ** far
        more += (far * end[:, added]) @ activity[added]
    total = more
    for sector in dict.fromkeys(p.sector for p in mine.parts):
        own = np.array([p.sector == sector for p in mine.parts])
        z = _normal(f"own range of {sector}", count, seed)
        total = total + _with_own(mine.where(lambda p, s=sector: p.sector == s),  # type: ignore[misc]
                                  times[:, own] @ values[own], z)
    return Draws(total, numbers, tuple(names))


def _normal(name: str, count: int, seed: int) -> Floats:
    """Return standard normal numbers, evenly spread, that depend on name and seed alone."""
    key = hashlib.sha256(f"{seed}:{name}".encode()).digest()[:8]
    random = np.random.default_rng(int.from_bytes(key, "big"))
    return np.asarray(ndtri((random.permutation(count) + random.random(count)) / count))


def _with_own(ledger: Ledger, drawn: Floats, z: Floats) -> Floats:
    """Return drawn sums with what sources have of their own, as one number a sum."""
    rows = ledger.rows
    part, source, value = (rows[c].to_numpy() for c in ("part", "source", "value"))
    here = np.zeros(len(rows), dtype=np.int64)
    down, up = (float(np.sqrt(own_squares(ledger.parts, part, source, here, value, 1, end)[0]))
                for end in (0, 1))
    whole = abs(float(value.sum()))
    if down == up == 0:
        return drawn
    if not one_sign_of(ledger.parts, part, here, value, 1)[0]:
        return np.asarray(drawn + z * (down + up) / 2 / WITHIN)
    ends = np.where(z < 0, np.log(max(1 - down / whole, LEAST)), np.log1p(up / whole))
    return np.asarray(drawn * np.exp(np.abs(z) / WITHIN * ends))
