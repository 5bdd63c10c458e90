"""The numbers of ``twin/data/heat.csv``: surfaces, limits of comfort and what scenarios share.

Each row has unit, range, source and tag. They are asked for by their stem without the leading
``outdoor.``. Every function that needs them takes ``values``: some numbers by stem that stand in
for those of the table, or whole `Parameters`, as a run makes them from the user's factors.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from layers.errors import FactorError, nearest
from twin.factor_rows import FOLDER, Row, read_rows

DATA = FOLDER / "heat.csv"
START = "outdoor."
GROUNDS = ("paved", "asphalt", "grass", "water")
FELT = (*(f"{what}.{of}" for of in ("paved", "grass", "wall") for what in ("albedo", "emissivity")),
        *(f"surface.{of}.{n}" for of in ("paved", "grass", "wall")
          for n in ("slope", "start", "peak")),
        "tree.leaf_on", "wind.roughness", "wind.sheltered", "night.heat_capacity", "night.sky",
        "night.green", "band.wind", "band.sun", "band.shade", "utci.strong", "utci.very_strong",
        "pet.strong", "pet.extreme")
"""Stems that the heat of a twin and its ranges draw on."""

Values = Mapping[str, float]


@dataclass(frozen=True, eq=False)
class Parameters(Mapping[str, float]):
    """All numbers of the table by stem, some of them the user's; a mapping of stem to value.

    Parameters
    ----------
    rows
        Value, range and unit by stem.
    """

    rows: Mapping[str, Row]

    def __getitem__(self, stem: str) -> float:
        return self.row(stem).value

    def __iter__(self) -> Iterator[str]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    def row(self, stem: str) -> Row:
        """Return the number of a stem with its range.

        Raises
        ------
        FactorError
            When there is no such row.
        """
        try:
            return self.rows[stem]
        except KeyError:
            raise FactorError(f"no outdoor heat factor {stem!r}{nearest(stem, list(self.rows))}"
                              ) from None

    def but(self, values: Values) -> Parameters:
        """Return the same with other values, in the units of the table; ranges stay.

        Parameters
        ----------
        values
            Numbers by stem. A leading ``outdoor.`` is passed over.

        Raises
        ------
        FactorError
            When there is no such row, or a number is not finite.
        """
        found = dict(self.rows)
        for name, value in values.items():
            stem = name.removeprefix(START)
            if not math.isfinite(value):
                raise FactorError(f"outdoor heat factor {stem!r} is {value:g}, expected a number")
            found[stem] = replace(self.row(stem), value=float(value))
        return Parameters(found)


@lru_cache(maxsize=1)
def own() -> Parameters:
    """Return the numbers of the table."""
    return Parameters(read_rows(DATA, START))


def given(values: Values | None = None) -> Parameters:
    """Return whole parameters as they are, and those of the table for the rest of some values."""
    if isinstance(values, Parameters):
        return values
    return own().but(values) if values else own()


def picked(pick: Callable[[str, str], Any]) -> Parameters:
    """Return the numbers a run has picked for its place, the user's rows among them.

    Parameters
    ----------
    pick
        Takes an id without region and a unit, gives the row: value, low and high.
    """
    rows = dict(own().rows)
    for stem in FELT:
        found, unit = pick(START + stem, rows[stem].unit), rows[stem].unit
        rows[stem] = Row(found.value, found.low, found.high, unit, found.tag, found.factor_id)
    return Parameters(rows)


def recorded(factors: Mapping[str, Mapping[str, Any]]) -> Parameters:
    """Return the numbers of the record of a run, those of the table where it has none.

    Parameters
    ----------
    factors
        What the run picked, by id: value, low, high, unit and tag.
    """
    rows = dict(own().rows)
    for factor_id, row in factors.items():
        stem = factor_id.removeprefix(START).rpartition(".")[0]
        if factor_id.startswith(START) and stem in rows and row["unit"] == rows[stem].unit:
            rows[stem] = Row(float(row["value"]), float(row["low"]), float(row["high"]),
                             row["unit"], str(row.get("tag", "")), factor_id)
    return Parameters(rows)


def parameter(name: str, values: Values | None = None) -> float:
    """Return a number of the table, or that of the user instead.

    Parameters
    ----------
    name
        Stem of the row without the leading ``outdoor.``, such as ``"utci.strong"``.
    values
        Numbers by stem that stand in for those of the table, or whole `Parameters`.

    Raises
    ------
    FactorError
        When there is no such row, or the number is not finite.
    """
    return given(values)[name]


def limits(index: str, values: Values | None = None) -> dict[str, float]:
    """Return where the classes of heat stress of ``"utci"`` or ``"pet"`` begin [degC], by name."""
    numbers, start = given(values), f"{index}."
    found = [stem for stem in numbers if stem.startswith(start)]
    if not found:
        raise FactorError(f"no classes of heat stress for {index!r}", mend="Take 'utci' or 'pet'")
    return {stem.removeprefix(start): numbers[stem] for stem in found}


def parameter_range(name: str, values: Values | None = None) -> Row:
    """Return a number with the ends of its 95 % range and its unit."""
    return given(values).row(name)
