"""What measures save together and each for itself, without counting anything twice.

A measure multiplies what it acts on. Two measures on the same emission overlap: what each saves
depends on which comes first. First-in and last-in are the ends; the Shapley value is the mean over
all orders, and its parts sum to the whole.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from layers.errors import ScenarioError
from twin.carbon.measures import Measure, base_of, operators

Floats = NDArray[np.float64]

EXACT = 12          # measures up to which all subsets are computed: 4,096
CELLS = 4_000_000   # numbers held at once
WITHIN = 1.959964   # standard errors from the middle to the end of a 95 % range


@dataclass(frozen=True, eq=False)
class Potential:
    """What measures save.

    Parameters
    ----------
    table
        One row a measure: ``first_in``, saved when it comes alone; ``last_in``, when it comes
        after all others; ``shapley``, the mean over all orders; ``error``, half the 95 % range of
        that mean, zero where all orders are counted; ``in_order``, saved when measures come as
        given, and ``left``, what is then still emitted [unit of the emission].
    by_group
        The Shapley value of each measure in each group, (measures, groups) [same unit].
    before, after
        Net emission without and with all measures [same unit].
    method
        How the mean over orders was taken, in words.
    """

    table: pd.DataFrame
    by_group: pd.DataFrame
    before: float
    after: float
    method: str

    @property
    def saved(self) -> float:
        """What all measures save together."""
        return self.before - self.after


def emission(base: pd.DataFrame) -> pd.Series:
    """Return the net emission of each group, ``stock activity intensity factor - sink``.

    Parameters
    ----------
    base
        One row a group; columns ``stock``, ``activity``, ``intensity`` and ``factor``, one where a
        column is missing, and ``sink``, none where it is missing. The product must be in the unit
        of the sink.
    """
    gross, sink = base_of(base)
    return pd.Series(gross - sink, index=base.index, name="emission")


def potential(base: pd.DataFrame, measures: Sequence[Measure], *, exact: int = EXACT,
              orders: int = 4000, seed: int = 0) -> Potential:
    """Return what measures save together, and what part of it is whose.

    Parameters
    ----------
    base
        As in `emission`.
    measures
        The measures, in the order in which they would be taken.
    exact
        Number of measures up to which all subsets are computed.
    orders
        Orders that are drawn beyond that number, half of them the others reversed.
    seed
        Of the random orders.

    Returns
    -------
    Potential
        The Shapley values sum to what is saved, in either case.

    Raises
    ------
    ScenarioError
        When a measure is named twice, acts on an unknown group or has an impossible number.

    References
    ----------
    Shapley (1953), in Contributions to the Theory of Games II, doi:10.1515/9781400881970-018.
    Castro, Gomez & Tejada (2009), Computers & Operations Research 36:1726,
    doi:10.1016/j.cor.2008.04.004.
    """
    gross, sink = base_of(base)
    if not measures:
        raise ScenarioError("no measures to compare", mend="Give one at least")
    names = [m.name for m in measures]
    if len(set(names)) < len(names):
        raise ScenarioError(f"two measures are named {max(names, key=names.count)!r}",
                            mend="Give each a name of its own")
    times, uptake, added = operators(measures, base.index)
    before = gross - sink
    alone = times * gross - uptake * sink
    first = (before - alone + added).sum(axis=1)
    last = np.array([
        (_all_but(times, i) * (1 - times[i]) * gross
         - _all_but(uptake, i) * (1 - uptake[i]) * sink + added[i]).sum()
        for i in range(len(measures))])
    steps = _marginals(np.arange(len(measures))[None], times, uptake, gross, sink)[0] + added
    left = before.sum() - np.cumsum(steps.sum(axis=1))
    if len(measures) <= exact:
        mean, error = _exact(times, uptake, gross, sink), np.zeros(len(measures))
        method = f"exact, mean over all orders by {2 ** len(measures):,} subsets"
    else:
        pairs = max(orders // 2, 2)
        mean, error = _sampled(times, uptake, gross, sink, pairs, seed)
        method = f"sampled, {2 * pairs:,} orders in pairs; error is half the 95 % range"
    mean = mean + added
    table = pd.DataFrame({"first_in": first, "last_in": last, "shapley": mean.sum(axis=1),
                          "error": error, "in_order": steps.sum(axis=1), "left": left},
                         index=pd.Index(names, name="measure"))
    after = float((times.prod(axis=0) * gross - uptake.prod(axis=0) * sink
                   - added.sum(axis=0)).sum())
    return Potential(table, pd.DataFrame(mean, index=table.index, columns=base.index),
                     float(before.sum()), after, method)


def _all_but(values: Floats, row: int) -> Floats:
    return np.asarray(np.delete(values, row, axis=0).prod(axis=0))


def _exact(times: Floats, uptake: Floats, gross: Floats, sink: Floats) -> Floats:
    """Return Shapley values by group from all subsets, (measures, groups)."""
    count, groups = times.shape
    bits = (np.arange(2 ** count)[:, None] >> np.arange(count)) & 1
    size = bits.sum(axis=1)
    # The weight of a subset of s measures for one outside it is s! (n - s - 1)! / n!.
    weight = np.ones(count)
    for s in range(1, count):
        weight[s] = weight[s - 1] * s / (count - s)
    weight /= count
    joins = np.where(bits == 1, weight[np.maximum(size - 1, 0)][:, None],
                     -weight[np.minimum(size, count - 1)][:, None])
    out = np.zeros_like(times)
    step = max(1, CELLS // 2 ** count)
    for at in range(0, groups, step):
        part = slice(at, at + step)
        emitted = _subsets(times[:, part], gross[part]) - _subsets(uptake[:, part], sink[part])
        out[:, part] = -joins.T @ (emitted - emitted[0])
    return out


def _subsets(times: Floats, start: Floats) -> Floats:
    """Return what every subset of measures leaves of each group, (subsets, groups)."""
    left = start[None]
    for row in times:
        left = np.concatenate([left, left * row])
    return left


def _sampled(times: Floats, uptake: Floats, gross: Floats, sink: Floats, pairs: int,
             seed: int) -> tuple[Floats, Floats]:
    """Return Shapley values by group from random orders, and their errors by measure."""
    random = np.random.default_rng(seed)
    count, groups = times.shape
    block = max(1, CELLS // (count * groups))
    total, of_pair = np.zeros_like(times), np.zeros((pairs, count))
    for at in range(0, pairs, block):
        drawn = np.argsort(random.random((min(block, pairs - at), count)), axis=1)
        both = (_marginals(drawn, times, uptake, gross, sink)
                + _marginals(drawn[:, ::-1], times, uptake, gross, sink)) / 2
        total += both.sum(axis=0)
        of_pair[at:at + len(drawn)] = both.sum(axis=2)
    return total / pairs, WITHIN * of_pair.std(axis=0, ddof=1) / np.sqrt(pairs)


def _marginals(orders: NDArray[np.intp], times: Floats, uptake: Floats, gross: Floats,
               sink: Floats) -> Floats:
    """Return what each measure saves in each order, (orders, measures, groups)."""
    def steps(factors: Floats, start: Floats) -> Floats:
        left = np.cumprod(factors[orders], axis=1) * start
        ahead = np.concatenate([np.broadcast_to(start, (len(orders), 1, len(start))),
                                left[:, :-1]], axis=1)
        return ahead - left

    saved = steps(times, gross) - steps(uptake, sink)
    out = np.empty_like(saved)
    np.put_along_axis(out, orders[:, :, None], saved, axis=1)
    return out
