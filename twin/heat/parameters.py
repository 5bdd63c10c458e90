"""The numbers of ``twin/data/heat.csv``: surfaces, limits of comfort and what scenarios share.

Each row has unit, range, source and tag. They are asked for by their stem without the leading
``outdoor.``.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from layers.errors import FactorError, nearest

DATA = Path(__file__).parent.parent / "data" / "heat.csv"
GROUNDS = ("paved", "asphalt", "grass", "water")
Values = Mapping[str, float]


@lru_cache(maxsize=1)
def _rows() -> dict[str, tuple[float, float, float, str]]:
    """Return value, low, high and unit of every row by its stem."""
    with DATA.open(encoding="utf-8", newline="") as file:
        return {row["factor_id"].removeprefix("outdoor.").rpartition(".")[0]:
                (float(row["value"]), float(row["low"]), float(row["high"]), row["unit"])
                for row in csv.DictReader(file)}


def parameter(name: str, values: Values | None = None) -> float:
    """Return a number of the table, or that of the user instead.

    Parameters
    ----------
    name
        Stem of the row without the leading ``outdoor.``, such as ``"utci.strong"``.
    values
        Numbers by stem that stand in for those of the table, in the unit of the table. A leading
        ``outdoor.`` is passed over.

    Raises
    ------
    FactorError
        When there is no such row, or the number is not finite.
    """
    rows = _rows()
    given = {k.removeprefix("outdoor."): v for k, v in (values or {}).items()}
    for stem in (name, *given):
        if stem not in rows:
            raise FactorError(f"no outdoor heat factor {stem!r}{nearest(stem, list(rows))}")
    number = float(given.get(name, rows[name][0]))
    if not math.isfinite(number):
        raise FactorError(f"outdoor heat factor {name!r} is {number:g}, expected a number")
    return number


def limits(index: str, values: Values | None = None) -> dict[str, float]:
    """Return where the classes of heat stress of ``"utci"`` or ``"pet"`` begin [degC], by name."""
    start = f"{index}."
    found = [stem for stem in _rows() if stem.startswith(start)]
    if not found:
        raise FactorError(f"no classes of heat stress for {index!r}", mend="Take 'utci' or 'pet'")
    return {stem.removeprefix(start): parameter(stem, values) for stem in found}


def parameter_range(name: str) -> tuple[float, float, float, str]:
    """Return value, low and high end of the 95 % range of a row, and their unit."""
    parameter(name)
    return _rows()[name]
