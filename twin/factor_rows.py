"""Rows of one factor table by stem, for physics that takes arrays and knows no places."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType

FOLDER = Path(__file__).parent / "data"


@dataclass(frozen=True)
class Row:
    """A number with its 95 % range.

    Parameters
    ----------
    value, low, high
        The number and its range [``unit``].
    unit
        UDUNITS string.
    tag
        ``"V"`` read in the source, ``"D"`` derived from such, ``"R"`` recalled.
    factor_id
        Id of the row.
    """

    value: float
    low: float
    high: float
    unit: str
    tag: str = ""
    factor_id: str = ""


@lru_cache(maxsize=8)
def read_rows(file: Path, start: str) -> Mapping[str, Row]:
    """Return the rows of a table by their stem, which must be sound and of the world only.

    Parameters
    ----------
    file
        CSV with the columns of `twin.factor.COLUMNS`.
    start
        What every stem begins with; it is left away, such as ``"wind."``.
    """
    with file.open(encoding="utf-8", newline="") as text:
        return MappingProxyType({
            row["factor_id"].removeprefix(start).rpartition(".")[0]:
            Row(float(row["value"]), float(row["low"]), float(row["high"]), row["unit"],
                row["tag"], row["factor_id"]) for row in csv.DictReader(text)})
