"""What changes from one twin to another, with its range and what can be said of it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from layers.units import factor
from twin.carbon.lines import LINES, difference, line_total
from twin.estimate import Estimate
from twin.heat.redraw import TOTALS
from twin.label import Var
from twin.result import Twin

GROUPS = {"buildings": "use", "roads": "class"}  # features whose factors differ by this column


def change_table(before: Twin, after: Twin, heat: pd.DataFrame) -> pd.DataFrame:
    """Return what changes in every total, as `scenarios.Study.change` says.

    Parameters
    ----------
    before, after
        Twins of one city on one grid.
    heat
        ``low`` and ``high`` of what changes in heat, see `scenarios.heat_bands.heat_bands`.

    Returns
    -------
    pandas.DataFrame
        One row a variable: name, unit, before, after, change, percent, low, high, distinct, words.
    """
    new, old = after.totals(), before.totals()
    value = new["value"] - old["value"]
    ends = pd.concat([value, new["low"] - old["low"], new["high"] - old["high"]], axis=1)
    known = new["low"].notna() & old["low"].notna()
    low, high = ends.min(axis=1).where(known), ends.max(axis=1).where(known)
    variables = after.variables
    for key in value.index[known]:
        groups = _by_group(before, after, variables[key])
        if groups is not None:
            below = groups["value"] - groups.min(axis=1)
            above = groups.max(axis=1) - groups["value"]
            low[key] = value[key] - np.sqrt((below ** 2).sum())
            high[key] = value[key] + np.sqrt((above ** 2).sum())
    for key, found in _of_ledger(before, after, variables).items():
        value[key], low[key], high[key] = found.value, found.low, found.high
    felt = value.index.intersection(list(TOTALS))
    low[felt], high[felt] = heat.reindex(felt)["low"], heat.reindex(felt)["high"]
    base = old["value"].abs()
    return pd.DataFrame({
        "name": new["name"], "unit": new["unit"], "before": old["value"], "after": new["value"],
        "change": value, "percent": (value / base * 100).where(base > 0), "low": low,
        "high": high, "distinct": distinct(value, low, high), "words": in_words(value, low, high)})


def _of_ledger(before: Twin, after: Twin, variables: Mapping[str, Var]) -> dict[str, Estimate]:
    """Return what changes in the lines of the carbon ledger, with its range."""
    if before.ledger is None or after.ledger is None:
        return {}
    change = difference(before.ledger, after.ledger)
    out = {}
    for name in LINES:
        if name in variables and name in before.variables:
            times = factor("kg a-1", variables[name].unit_of_total)
            found = line_total(change, name)
            whole = abs(line_total(after.ledger, name).value)
            ends = (found.value, found.low, found.high)
            # Sums in another order differ in their last figures.
            out[name] = Estimate(*(0.0 if abs(e) < 1e-9 * whole else e * times for e in ends))
    return out


def distinct(value: pd.Series, low: pd.Series, high: pd.Series) -> pd.Series:
    """Return whether a range leaves out zero; missing where there is none and something changes.

    Parameters
    ----------
    value, low, high
        Changes with the ends of their ranges, NaN where there is none.
    """
    found = ((low > 0) | (high < 0)).astype("boolean")
    return found.mask(low.isna() & (value != 0))


def in_words(value: pd.Series, low: pd.Series, high: pd.Series) -> pd.Series:
    """Return what can be said of changes: ``"less"`` and ``"more"`` are sure.

    Parameters
    ----------
    value, low, high
        Changes with the ends of their ranges, NaN where there is none.

    Returns
    -------
    pandas.Series
        Also ``"indistinguishable"``, ``"unchanged"``, ``"no range"``, and nothing where a change is
        unknown.
    """
    words = np.select(
        [value.isna(), low.isna() & (value == 0), low.isna(), high < 0, low > 0],
        ["", "unchanged", "no range", "less", "more"], "indistinguishable")
    return pd.Series(words, index=value.index, dtype=object)


def _by_group(before: Twin, after: Twin, var: Var) -> pd.DataFrame | None:
    """Return the change of a variable of features by group: value, low and high."""
    for layer, group in GROUPS.items():
        sides = [t.features[layer] for t in (after, before)
                 if layer in t.features and var.name in t.features[layer].columns]
        if len(sides) < 2:
            continue
        ends = {end: var.name + ("" if end == "value" else f"_{end}")
                for end in ("value", "low", "high")}
        new, old = (pd.DataFrame({end: s[column] * s["inside"] for end, column in ends.items()}
                                 ).groupby(s[group].to_numpy()).sum() for s in sides)
        times = factor(f"{var.units} m2", var.unit_of_total)
        return new.sub(old, fill_value=0.0) * times
    return None
