"""Measures: what lowers emissions, as multipliers of what the emissions are the product of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from layers.errors import ScenarioError, nearest

Floats = NDArray[np.float64]
Multiplier = float | Mapping[str, float]

QUANTITIES = ("stock", "activity", "intensity", "factor")


@dataclass(frozen=True)
class Measure:
    """Something that lowers emissions, by what it multiplies where it is taken.

    Parameters
    ----------
    name
        What people call it.
    stock, activity, intensity, factor, sink
        What it multiplies the quantity by, 0.8 for a fifth less; a number for all groups, or one
        each for some groups, such as ``{"gas": 0.5, "electricity": 1.15}`` for heat pumps [1].
    added_sink
        Uptake it adds; a number where there is one group, else by group [unit of the emission].
    share
        Share of the stock that it reaches; the rest stays as it is [1].
    """

    name: str
    stock: Multiplier = 1.0
    activity: Multiplier = 1.0
    intensity: Multiplier = 1.0
    factor: Multiplier = 1.0
    sink: Multiplier = 1.0
    added_sink: float | Mapping[str, float] = 0.0
    share: float = 1.0


def base_of(base: pd.DataFrame) -> tuple[Floats, Floats]:
    """Return gross emission and sink of each group, arrays of shape (groups,).

    Parameters
    ----------
    base
        One row a group; columns of ``QUANTITIES`` and ``sink``, some or all of them.

    Raises
    ------
    ScenarioError
        When a column is unknown, a group stands twice or a number is impossible.
    """
    odd = [c for c in base.columns if c not in (*QUANTITIES, "sink")]
    if odd:
        raise ScenarioError(f"unknown column {odd[0]!r}"
                            f"{nearest(str(odd[0]), [*QUANTITIES, 'sink'])}",
                            mend=f"The columns are {', '.join((*QUANTITIES, 'sink'))}")
    if not base.index.is_unique:
        raise ScenarioError(f"group {base.index[base.index.duplicated()][0]!r} stands twice")
    values = base.to_numpy(dtype=float)
    if not len(base) or not np.isfinite(values).all() or (values < 0).any():
        raise ScenarioError("the base needs groups with finite numbers not below zero")
    gross = base[[c for c in QUANTITIES if c in base]].prod(axis=1).to_numpy(dtype=float)
    sink = base["sink"].to_numpy(dtype=float) if "sink" in base else np.zeros(len(base))
    return gross, sink


def operators(measures: Sequence[Measure], groups: pd.Index) -> tuple[Floats, Floats, Floats]:
    """Return multipliers of emissions and of sinks, and added sinks, each (measures, groups).

    Parameters
    ----------
    measures
        The measures.
    groups
        The groups they act on.

    Raises
    ------
    ScenarioError
        When a measure acts on an unknown group or has an impossible number.
    """
    times = np.ones((len(measures), len(groups)))
    uptake, added = np.ones_like(times), np.zeros_like(times)
    for row, measure in enumerate(measures):
        if not 0 <= measure.share <= 1:
            raise ScenarioError(f"measure {measure.name!r} reaches a share of {measure.share:g}, "
                                "expected 0 to 1")
        for name in QUANTITIES:
            times[row] *= _each(measure, name, groups, 1.0)
        times[row] = 1 - measure.share * (1 - times[row])
        uptake[row] = 1 - measure.share * (1 - _each(measure, "sink", groups, 1.0))
        added[row] = measure.share * _each(measure, "added_sink", groups, 0.0)
    return times, uptake, added


def _each(measure: Measure, name: str, groups: pd.Index, rest: float) -> Floats:
    """Return a number for each group, ``rest`` for those that are not named."""
    given = getattr(measure, name)
    told = f"measure {measure.name!r}: {name}"
    if isinstance(given, Mapping):
        unknown = [key for key in given if key not in groups]
        if unknown:
            raise ScenarioError(f"{told} names group {unknown[0]!r}"
                                f"{nearest(str(unknown[0]), [str(g) for g in groups])}",
                                mend=f"Groups are {', '.join(map(str, groups[:8]))}")
        values = np.full(len(groups), rest)
        for key, value in given.items():
            values[groups.get_loc(key)] = value
    else:
        if name == "added_sink" and given and len(groups) > 1:
            raise ScenarioError(f"{told} is one number for {len(groups)} groups",
                                mend="Say which group takes it up, as {group: number}")
        values = np.full(len(groups), float(given))
    if not np.isfinite(values).all() or (values < 0).any():
        raise ScenarioError(f"{told} is {given}, expected finite numbers not below zero")
    return values
