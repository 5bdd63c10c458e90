"""What drives a change of emissions: factors whose product is the emission, taken apart by LMDI.

The change between two states is shared among the factors without a remainder. Zeros are taken to
their analytic limits, so that a use or fuel that comes or goes does no harm.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from layers.errors import CityTwinError
from twin.carbon.states import not_there, states_of, values_of

Floats = NDArray[np.float64]
Zeros = Literal["limits", "small"]

SMALL = 1e-20  # stands for zero where zeros are replaced (Ang & Liu 2007)
MEAN = "mean of the places"


@dataclass(frozen=True, eq=False)
class Drivers:
    """What each factor adds to a change, step by step and group by group.

    Parameters
    ----------
    effects
        Columns are factors; the index is the step (the later year, or the place) and the group
        [unit of the emission].
    before, after
        Emission of every step and group in the first and in the second state [same unit].
    """

    effects: pd.DataFrame
    before: pd.Series
    after: pd.Series

    @property
    def totals(self) -> pd.DataFrame:
        """Effects summed over groups, with ``change`` and ``residual``, one row a step."""
        table: pd.DataFrame = self.effects.groupby(level=0, sort=False).sum()
        table["change"] = (self.after - self.before).groupby(level=0, sort=False).sum()
        table["residual"] = table["change"] - table[list(self.effects.columns)].sum(axis=1)
        return table

    @property
    def cumulated(self) -> pd.DataFrame:
        """`totals` summed from the first step on."""
        return self.totals.cumsum()

    @property
    def by_group(self) -> pd.DataFrame:
        """Effects summed over steps, one row a group."""
        levels = list(range(1, self.effects.index.nlevels))
        return self.effects.groupby(level=levels, sort=False).sum()

    @property
    def by_factor(self) -> pd.Series:
        """Effects summed over steps and groups."""
        return self.effects.sum()

    @property
    def change(self) -> float:
        """Change of the emission over all steps."""
        return float((self.after - self.before).sum())

    @property
    def residual(self) -> float:
        """What of the change no factor explains; rounding alone."""
        return self.change - float(self.by_factor.sum())

    def apart(self, one: Hashable, other: Hashable) -> pd.Series:
        """Return what sets one place apart from another, both compared with one reference.

        Parameters
        ----------
        one, other
            Steps of the index; the effects sum to the emission of ``one`` less that of ``other``.
        """
        sums: pd.DataFrame = self.effects.groupby(level=0, sort=False).sum()
        for name in (one, other):
            if name not in sums.index:
                raise CityTwinError(not_there("place", name, sums.index))
        rows = sums.to_numpy()
        at = sums.index.get_indexer(pd.Index([one, other]))
        return pd.Series(rows[at[0]] - rows[at[1]], index=sums.columns, name="effect")


def log_mean(a: ArrayLike, b: ArrayLike) -> Floats:
    """Return the logarithmic mean ``L(a, b) = (a - b) / ln(a / b)`` with ``L(a, a) = a``.

    Parameters
    ----------
    a, b
        Numbers not below zero; the mean is zero where one of them is.

    References
    ----------
    Ang (2005), Energy Policy 33:867, doi:10.1016/j.enpol.2003.10.010.
    """
    one, two = np.broadcast_arrays(np.asarray(a, dtype=float), np.asarray(b, dtype=float))
    low, high = np.minimum(one, two), np.maximum(one, two)
    log = np.abs(_log_ratio(two, one)).reshape(one.shape)
    return np.asarray(np.divide(high - low, log, out=np.array(low), where=log > 0))


def _log_ratio(after: Floats, before: Floats) -> Floats:
    """Return ``ln(after / before)``, exact for close values and odd in its sign; 0 at zeros."""
    before, after = np.atleast_1d(before), np.atleast_1d(after)
    low, high = np.minimum(before, after), np.maximum(before, after)
    some = low > 0
    with np.errstate(over="ignore"):
        log = np.log1p(np.divide(high - low, low, out=np.zeros_like(low), where=some))
    far = np.isinf(log)  # a ratio beyond the largest number
    log[far] = np.log(high[far]) - np.log(low[far])
    return np.asarray(np.sign(after - before) * log)


def decompose(before: pd.DataFrame, after: pd.DataFrame, *, factors: Sequence[str] | None = None,
              zeros: Zeros = "limits") -> Drivers:
    """Return what each factor adds to the change between two states.

    Parameters
    ----------
    before, after
        Factors by group: one row a group (use, carrier, vehicle, district), one column a factor.
        The product of a row is the emission of the group. No factor is below zero. A factor that
        is not a number where its group is absent in one state counts as unchanged.
    factors
        Columns to take, in order; all of ``before`` when None.
    zeros
        ``"limits"`` takes zeros to their analytic limit: what comes or goes is shared equally by
        the factors that are zero. ``"small"`` puts 1e-20 in their place, as older studies do, and
        leaves a few per cent of it with the other factors.

    Returns
    -------
    Drivers
        With the one step ``"change"``.

    Raises
    ------
    CityTwinError
        When the groups differ, a factor is missing, below zero or no number.

    Notes
    -----
    ``dC_x = sum_i L(C_i1, C_i0) ln(x_i1 / x_i0)`` over groups ``i``.

    References
    ----------
    Ang (2015), Energy Policy 86:233, doi:10.1016/j.enpol.2015.07.007. Ang & Liu (2007), Energy
    Policy 35:238, doi:10.1016/j.enpol.2005.11.001.
    """
    names = list(before.columns if factors is None else factors)
    x0, x1 = (values_of(t, names, before.index, told)
              for t, told in ((before, "before"), (after, "after")))
    return _drivers(x0[None], x1[None], ["change"], "step", before.index, names, zeros)


def chain(table: pd.DataFrame, *, factors: Sequence[str] | None = None, first: Any = None,
          last: Any = None, zeros: Zeros = "limits") -> Drivers:
    """Return what each factor adds from year to year; `Drivers.cumulated` sums it up.

    Parameters
    ----------
    table
        As in `decompose`, with the year as the first level of the index and the group as the
        others; years alone where there is one group.
    factors, zeros
        As in `decompose`.
    first, last
        Years to begin and end with; those of the table when None.

    Returns
    -------
    Drivers
        One step a year after the first.
    """
    names = list(table.columns if factors is None else factors)
    states, groups = states_of(table, names, "year")
    years = sorted(states)
    for name, year in (("first", first), ("last", last)):
        if year is not None and year not in states:
            raise CityTwinError(f"{name} year {year} is not in the table, which has "
                                f"{', '.join(map(str, years))}", mend="Choose two of these")
    years = years[years.index(first) if first is not None else 0:
                  years.index(last) + 1 if last is not None else None]
    if len(years) < 2:
        raise CityTwinError(f"a chain needs two years, got {', '.join(map(str, years)) or 'none'}",
                            mend="Let the first year be before the last")
    x = np.stack([states[year] for year in years])
    return _drivers(x[:-1], x[1:], years[1:], str(table.index.names[0] or "year"), groups, names,
                    zeros)


def against(table: pd.DataFrame, *, reference: Hashable = None,
            factors: Sequence[str] | None = None, zeros: Zeros = "limits") -> Drivers:
    """Return what sets places apart from a reference: the multi-regional comparison.

    Parameters
    ----------
    table
        As in `decompose`, with the place as the first level of the index and the group as the
        others; places alone where there is one group.
    reference
        A place of the table. The mean of the places when None: every quantity of the chain (the
        product of the first factors up to one) is averaged over the places, and the factors are
        the ratios of these means. The factors must then stand in the order of their chain.
    factors, zeros
        As in `decompose`.

    Returns
    -------
    Drivers
        One step a place; ``before`` is the reference.

    References
    ----------
    Ang, Xu & Su (2015), Multi-country comparisons of energy performance, Energy Economics 47:68.
    """
    names = list(table.columns if factors is None else factors)
    states, groups = states_of(table, names, "place")
    places = list(states)
    x = np.stack([states[place] for place in places])
    if reference is None:
        known = np.where(np.isnan(x), 0.0, x)
        quantity = np.cumprod(known, axis=-1).mean(axis=0)
        under = np.concatenate([np.ones_like(quantity[:, :1]), quantity[:, :-1]], axis=1)
        base = np.divide(quantity, under, out=np.full_like(quantity, np.nan), where=under > 0)
    elif reference in states:
        base = states[reference]
    else:
        raise CityTwinError(not_there("reference", reference, pd.Index(places)))
    return _drivers(np.broadcast_to(base, x.shape), x, places,
                    str(table.index.names[0] or "place"), groups, names, zeros)


def _drivers(x0: Floats, x1: Floats, steps: Sequence[Any], step_name: str, groups: pd.Index,
             names: Sequence[str], zeros: Zeros) -> Drivers:
    """Return the effects of factors in arrays of shape (steps, groups, factors)."""
    if zeros not in ("limits", "small"):
        raise CityTwinError(f"zeros {zeros!r}, expected 'limits' or 'small'")
    none0, none1 = np.isnan(x0), np.isnan(x1)
    x0, x1 = np.where(none0, x1, x0), np.where(none1, x0, x1)
    x0, x1 = (np.where(none0 & none1, 1.0, x) for x in (x0, x1))
    v0, v1 = x0.prod(axis=-1), x1.prod(axis=-1)
    if zeros == "small":
        s0, s1 = (np.where(x == 0, SMALL, x) for x in (x0, x1))
        weight = log_mean(s0.prod(axis=-1), s1.prod(axis=-1))
        effects = weight[..., None] * _log_ratio(s1, s0)
    else:
        effects = log_mean(v0, v1)[..., None] * _log_ratio(x1, x0)
        gone0, gone1 = x0 == 0, x1 == 0
        for absent, other, sign in ((gone0, gone1, 1.0), (gone1, gone0, -1.0)):
            count = absent.sum(axis=-1, keepdims=True)
            share = np.divide(absent, count, out=np.zeros(absent.shape), where=count > 0)
            moved = (count[..., 0] > 0) & ~other.any(axis=-1)
            effects = np.where(moved[..., None], sign * (v1 if sign > 0 else v0)[..., None] * share,
                               effects)
    frame = pd.DataFrame(index=groups)
    index = pd.concat(dict.fromkeys(steps, frame), names=[step_name]).index
    return Drivers(
        pd.DataFrame(effects.reshape(-1, len(names)), index=index, columns=list(names)),
        pd.Series(v0.ravel(), index=index, name="before"),
        pd.Series(v1.ravel(), index=index, name="after"))
