"""States of factors by group, as arrays: the same groups in each, no factor below zero."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from layers.errors import CityTwinError, nearest

Floats = NDArray[np.float64]


def not_there(what: str, name: Hashable, known: pd.Index) -> str:
    """Return the words for a year, place or step that a table does not have."""
    some = ", ".join(str(k) for k in known[:8])
    return f"{what} {name!r} is not in the table{nearest(str(name), [str(k) for k in known])}; " \
           f"it has {some}{' …' if len(known) > 8 else ''}"


def states_of(table: pd.DataFrame, names: Sequence[str],
            what: str) -> tuple[dict[Any, Floats], pd.Index]:
    """Return the factors of each year or place, all on the groups of the first, and the groups.

    Parameters
    ----------
    table
        Factors by year or place, the first level of the index, and group.
    names
        Factors to take, in order.
    what
        ``"year"`` or ``"place"``, for what is said of faults.

    Raises
    ------
    CityTwinError
        As `values_of`, or when there are no rows.
    """
    if not len(table):
        raise CityTwinError(f"the table of factors has no rows, expected some for each {what}")
    if table.index.nlevels == 1:
        table = pd.concat({"all": table}, names=["group"]).swaplevel()
    parts = {key: part.droplevel(0) for key, part in table.groupby(level=0, sort=False)}
    groups = next(iter(parts.values())).index
    return {key: values_of(part, names, groups, f"{what} {key}") for key, part in parts.items()}, \
        groups


def values_of(table: pd.DataFrame, names: Sequence[str], groups: pd.Index, told: str) -> Floats:
    """Return the factors of one state on the given groups, (groups, factors).

    Parameters
    ----------
    table
        Factors by group.
    names
        Factors to take, in order.
    groups
        Groups in the order wanted.
    told
        Name of the state, for what is said of faults.

    Raises
    ------
    CityTwinError
        When the groups are others, a factor is missing, below zero or no number.
    """
    if not names:
        raise CityTwinError("no factors to take apart", mend="Give columns whose product is the "
                            "emission")
    for name in names:
        if name in ("change", "residual"):
            raise CityTwinError(f"a factor cannot be called {name!r}, a column of the result")
        if name not in table.columns:
            raise CityTwinError(f"{told} has no factor {name!r}"
                                f"{nearest(name, [str(c) for c in table.columns])}")
    if not table.index.is_unique or not groups.is_unique:
        twice = (table.index if not table.index.is_unique else groups)
        raise CityTwinError(f"{told} has group {twice[twice.duplicated()][0]!r} twice")
    odd = table.index.symmetric_difference(groups)
    if len(odd):
        where = "only there" if odd[0] in table.index else "not there"
        raise CityTwinError(f"{told} has other groups than the first state: {odd[0]!r} is {where}",
                            mend="Give every group in every state, with zeros where it is absent")
    frame = table.reindex(groups)[list(names)]
    try:
        values = frame.to_numpy(dtype=float)
    except (TypeError, ValueError) as error:
        raise CityTwinError(f"{told} has a factor that is no number: {error}") from error
    bad = (values < 0) | np.isinf(values)
    bad |= np.isnan(values) & ~(np.nan_to_num(values, nan=1.0) == 0).any(axis=1, keepdims=True)
    if bad.any():
        row, column = np.argwhere(bad)[0]
        value = values[row, column]
        mend = ("Leave uptake out: logarithms know no negative emissions" if value < 0 else
                "Give a finite number, or make another factor zero where the group is absent")
        raise CityTwinError(f"{told}, group {groups[row]!r}: factor {names[column]!r} is {value:g},"
                            " expected a finite number not below zero", mend=mend)
    return values
