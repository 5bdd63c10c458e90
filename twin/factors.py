"""Factor tables: every number that is not computed, with its unit, 95 % range and source.

The tables lie in ``twin/data`` as tidy CSV. A factor is asked for by its stem, such as
``eui.office``, and a place; the row nearest to the place is taken. A user's file of the same
columns replaces rows by ``factor_id`` and may add regions.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from layers.errors import FactorError, nearest
from layers.place import Place
from twin.factor import COLUMNS, Factor, from_row
from twin.factor_files import user_rows
from twin.region_codes import regions

if TYPE_CHECKING:
    import pandas as pd

DATA = Path(__file__).parent / "data"
TABLES = ("building_energy", "carriers", "carbon_factors", "traffic", "sinks", "photovoltaic",
          "people", "wind", "heat", "pv_money", "embodied",
          "grades", "abatement")


@dataclass(frozen=True, eq=False)
class Factors(Mapping[str, Factor]):
    """All factors by id; a mapping ``factor_id -> Factor`` that also picks by place."""

    _rows: dict[str, Factor] = field(repr=False)

    def __getitem__(self, factor_id: str) -> Factor:
        return self._rows[factor_id]

    def __iter__(self) -> Iterator[str]:
        return iter(self._rows)

    def __len__(self) -> int:
        return len(self._rows)

    def __repr__(self) -> str:
        return f"<Factors: {len(self)} rows of {len(self.stems)} stems>"

    @property
    def stems(self) -> list[str]:
        """The ids without their regions, each once, in order."""
        return list(dict.fromkeys(f.stem for f in self._rows.values()))

    @property
    def digest(self) -> str:
        """A short SHA-256 of every row and of the vehicle curves, for the record."""
        from layers.provenance import digest

        return digest((*(self._rows[i] for i in sorted(self._rows)), DATA / "emep_curves.csv"))

    def find(self, stem: str, place: Place) -> Factor | None:
        """Return the factor of ``stem`` nearest to ``place``, or None where there is none."""
        ids = (f"{stem}.{region}" for region in regions(place))
        return next((self._rows[i] for i in ids if i in self._rows), None)

    def pick(self, stem: str, place: Place, unit: str | None = None) -> Factor:
        """Return the factor of ``stem`` nearest to a place.

        Tried in order: the region itself, its climate zone, the country, ``EU`` for the European
        Union, EFTA and the United Kingdom, ``WORLD``.

        Parameters
        ----------
        stem
            Id without region, such as ``"eui.office"``.
        place
            Country and region of the city.
        unit
            Unit wanted; the unit of the table when None.

        Raises
        ------
        FactorError
            When no row fits, or the unit is of another kind.
        """
        found = self.find(stem, place)
        if found is None:
            known = self.stems
            hint = nearest(stem, known) if stem not in known else ""
            raise FactorError(
                f"no factor {stem!r} for {place}: tried {', '.join(regions(place))}{hint}",
                mend=f"Add a row {stem}.{place.country or 'WORLD'} in a factor file of your own"
                if stem in known else "")
        return found if unit is None else found.to(unit)

    def table(self, stem_prefix: str = "") -> pd.DataFrame:
        """Return the rows whose id begins with whole words of ``stem_prefix``, by ``factor_id``."""
        import pandas as pd

        start = stem_prefix.rstrip(".")
        rows = [f for i, f in self._rows.items()
                if not start or i == start or i.startswith(f"{start}.")]
        names = [*COLUMNS, "universal"]
        frame = pd.DataFrame([[getattr(f, n) for n in names] for f in rows], columns=names)
        return frame.set_index("factor_id")


def load(name: str | None = None, *, user: Path | None = None) -> Factors:
    """Return the factor tables, with the rows of a user's file in place of their own.

    Parameters
    ----------
    name
        One of ``TABLES``; all of them when None.
    user
        CSV of the same columns. A row of a known id replaces it; a new id needs a known stem. Its
        unit may differ from the table's, and is converted.

    Raises
    ------
    FactorError
        When the name is unknown, or the user's file has faults: all are told at once.
    """
    if name is not None and name not in TABLES:
        raise FactorError(f"no factor table {name!r}{nearest(name, list(TABLES))}",
                          mend=f"The tables are {', '.join(TABLES)}")
    base = _own()
    rows = {i: f for table in TABLES for i, f in base[table].items()}
    if user is not None:
        rows |= user_rows(Path(user), rows)
    stems: dict[str, set[str]] = {}
    for f in rows.values():
        stems.setdefault(f.stem, set()).add(f.region)
    wanted = {f.stem for f in base[name].values()} if name else set(stems)
    return Factors({i: replace(f, universal=True) if stems[f.stem] == {"WORLD"} else f
                    for i, f in rows.items() if f.stem in wanted})


def emep_curves() -> pd.DataFrame:
    """Return the coefficients of the energy curves of road vehicles, by vehicle and fuel.

    ``EC = (a v2 + b v + g + d / v) / (e v2 + z v + h) (1 - reduction)`` [MJ km-1], with v [km h-1]
    held between ``v_min`` and ``v_max``; ``check_15`` is the guidebook's EC at 15 km/h.

    References
    ----------
    EMEP/EEA air pollutant emission inventory guidebook 2019, 1.A.3.b, Appendix 4.
    """
    return _curves().copy()


@lru_cache(maxsize=1)
def _curves() -> pd.DataFrame:
    import pandas as pd

    return pd.read_csv(DATA / "emep_curves.csv", dtype={"euro": str}).set_index(
        ["vehicle", "fuel"])


@lru_cache(maxsize=1)
def _own() -> dict[str, dict[str, Factor]]:
    tables: dict[str, dict[str, Factor]] = {}
    for table in TABLES:
        with (DATA / f"{table}.csv").open(encoding="utf-8", newline="") as file:
            tables[table] = {row["factor_id"]: from_row(row) for row in csv.DictReader(file)}
    return tables
