"""Rows of the tables of grades and of abatement, for who asks without factors of a place."""

from __future__ import annotations

import csv
from collections.abc import Callable
from functools import lru_cache
from typing import Any, Protocol

from layers.errors import FactorError, nearest
from twin.factor import Factor, from_row
from twin.factors import DATA

TABLES = ("grades", "abatement")


class Ranged(Protocol):
    """A number with the ends of its 95 % range, such as a factor or an estimate."""

    @property
    def value(self) -> Any:
        """The number."""

    @property
    def low(self) -> Any:
        """The low end."""

    @property
    def high(self) -> Any:
        """The high end."""


Pick = Callable[[str, str], Ranged]


@lru_cache(maxsize=1)
def own_rows() -> dict[str, Factor]:
    """Return the rows of both tables by their id."""
    rows: dict[str, Factor] = {}
    for table in TABLES:
        with (DATA / f"{table}.csv").open(encoding="utf-8", newline="") as file:
            rows |= {row["factor_id"]: from_row(row) for row in csv.DictReader(file)}
    return rows


def own_pick(*regions: str) -> Pick:
    """Return what gives a row of the tables by stem and unit.

    Parameters
    ----------
    *regions
        Codes of the place from near to far, such as ``"CN-HSCW", "CN"``; ``WORLD`` comes last.

    Raises
    ------
    FactorError
        By the picker, when no row fits.
    """
    def pick(stem: str, unit: str) -> Factor:
        rows = own_rows()
        for region in (*regions, "WORLD"):
            if f"{stem}.{region}" in rows:
                return rows[f"{stem}.{region}"].to(unit)
        known = list(dict.fromkeys(f.stem for f in rows.values()))
        raise FactorError(f"no factor {stem!r} for {', '.join((*regions, 'WORLD'))}"
                          f"{nearest(stem, known) if stem not in known else ''}")

    return pick
