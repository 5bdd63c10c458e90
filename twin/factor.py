"""One factor: a number that is not computed, with its unit, 95 % range and source."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from layers.errors import FactorError, UnitsError
from layers.place import Place
from layers.units import factor as unit_factor

COLUMNS = ("factor_id", "name", "value", "unit", "low", "high", "region", "year", "source", "tag",
           "note")


@dataclass(frozen=True)
class Factor:
    """One number with its range and where it comes from.

    Parameters
    ----------
    factor_id
        Stem, a point and the region, such as ``"grid.CN-Hubei"``.
    name
        What it is, in words.
    value, low, high
        The number and its 95 % range [``unit``].
    unit
        UDUNITS string.
    region
        ISO country, ``CN-`` and province or climate zone, ``EU`` or ``WORLD``.
    year
        Year it holds for.
    source
        Publication, standard or DOI.
    tag
        ``"V"`` read in the source, ``"D"`` derived from such, ``"R"`` recalled.
    note
        Derivation, basis and cautions.
    universal
        Whether the tables hold this stem for the world only, so that ``WORLD`` is no second best.
    """

    factor_id: str
    name: str
    value: float
    unit: str
    low: float
    high: float
    region: str
    year: int
    source: str
    tag: str
    note: str = ""
    universal: bool = False

    @property
    def stem(self) -> str:
        """The id without its region."""
        return self.factor_id.rpartition(".")[0]

    def is_fallback(self, place: Place) -> bool:
        """Return whether the world's value stands in for that of a known country."""
        return self.region == "WORLD" and bool(place.country) and not self.universal

    def to(self, unit: str) -> Factor:
        """Return the factor in another unit of the same kind."""
        if unit == self.unit:
            return self
        try:
            times = unit_factor(self.unit, unit)
        except UnitsError as error:
            raise FactorError(f"{self.factor_id} is in {self.unit!r}: {error}") from error
        return replace(self, value=self.value * times, low=self.low * times,
                       high=self.high * times, unit=unit)


def from_row(row: Mapping[str, str]) -> Factor:
    """Return the factor of a row of a table, which must be sound."""
    return Factor(row["factor_id"], row["name"], float(row["value"]), row["unit"],
                  float(row["low"]), float(row["high"]), row["region"], int(row["year"]),
                  row["source"], row["tag"], row["note"])
