"""Factor tables: every number that is not computed, with its unit, 95 % range and source.

The tables lie in ``twin/data`` as tidy CSV. A factor is asked for by its stem, such as
``eui.office``, and a place; the row nearest to the place is taken. A user's file of the same
columns replaces rows by ``factor_id`` and may add regions.
"""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from layers.errors import FactorError, UnitsError, nearest
from layers.place import Place
from layers.units import factor as unit_factor

if TYPE_CHECKING:
    import pandas as pd

DATA = Path(__file__).parent / "data"
TABLES = ("building_energy", "carriers", "carbon_factors", "traffic", "sinks", "photovoltaic",
          "people")
EUROPE = frozenset((
    "AT", "BE", "BG", "CH", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GB", "GR", "HR", "HU",
    "IE", "IS", "IT", "LI", "LT", "LU", "LV", "MT", "NL", "NO", "PL", "PT", "RO", "SE", "SI", "SK"))

_COLUMNS = ("factor_id", "name", "value", "unit", "low", "high", "region", "year", "source", "tag",
            "note")
_REGION = re.compile(r"WORLD|EU|[A-Z]{2}(-[^.,]+)?")
_SHARES = {"carrier": 2, "fleet": 1}  # first word of a stem -> words that name a group of shares
_OTHER_CODES = {"UK": "GB", "EL": "GR"}  # of Eurostat, not of ISO 3166
_PROVINCE_END = re.compile(r"( province| municipality| sheng| shi|( \w+)? autonomous region"
                           r"|壮族自治区|回族自治区|维吾尔自治区|自治区|省|市)$", re.IGNORECASE)


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
        names = [*_COLUMNS, "universal"]
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
        rows |= _user_rows(Path(user), rows)
    stems: dict[str, set[str]] = {}
    for f in rows.values():
        stems.setdefault(f.stem, set()).add(f.region)
    wanted = {f.stem for f in base[name].values()} if name else set(stems)
    return Factors({i: replace(f, universal=True) if stems[f.stem] == {"WORLD"} else f
                    for i, f in rows.items() if f.stem in wanted})


def regions(place: Place) -> list[str]:
    """Return the region codes to try for a place, nearest first."""
    out = []
    if place.country and place.region:
        english = _province(place.region) if place.country == "CN" else None
        out.append(f"{place.country}-{english or place.region}")
        if english:
            out.append(_zones()[english])
    if place.country:
        out.append(place.country)
    if place.country in EUROPE:
        out.append("EU")
    return [*out, "WORLD"]


def china_zone(region: str) -> str:
    """Return the climate zone of a Chinese province, such as ``"CN-HSCW"`` for Hubei.

    A province is given the one zone most of its people live in: severe cold and cold ``CN-SC``,
    hot-summer cold-winter ``CN-HSCW``, hot-summer warm-winter ``CN-HSWW`` or temperate ``CN-T``.
    Many provinces reach into a second one, told in ``china_zones.csv``.

    Parameters
    ----------
    region
        Province in English or Chinese.

    Raises
    ------
    FactorError
        When there is no such province.

    References
    ----------
    GB 50176-2016, Code for thermal design of civil building.
    """
    english = _province(region)
    if english is None:
        raise FactorError(f"no Chinese province {region!r}{nearest(region, list(_zones()))}")
    return _zones()[english]


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
            tables[table] = {row["factor_id"]: _factor(row) for row in csv.DictReader(file)}
    return tables


@lru_cache(maxsize=1)
def _provinces() -> dict[str, tuple[str, str]]:
    """Return the folded English and Chinese names of provinces -> English name and zone."""
    with (DATA / "china_zones.csv").open(encoding="utf-8", newline="") as file:
        return {name.casefold(): (row["province"], row["zone"]) for row in csv.DictReader(file)
                for name in (row["province"], row["province_zh"])}


def _zones() -> dict[str, str]:
    return dict(_provinces().values())


def _province(region: str) -> str | None:
    text = region.strip().casefold()
    found = _provinces().get(text) or _provinces().get(_PROVINCE_END.sub("", text))
    return found[0] if found else None


def _factor(row: Mapping[str, str]) -> Factor:
    return Factor(row["factor_id"], row["name"], float(row["value"]), row["unit"],
                  float(row["low"]), float(row["high"]), row["region"], int(row["year"]),
                  row["source"], row["tag"], row["note"])


def _user_rows(path: Path, own: Mapping[str, Factor]) -> dict[str, Factor]:
    """Return the checked rows of a user's file, in the units of the tables."""
    faults: list[str] = []
    rows: dict[str, Factor] = {}
    seen: dict[str, int] = {}
    limits = _limits(own)
    for line, row in _read(path):
        factor_id = row["factor_id"]
        wrong = _faults(row, limits)
        if factor_id in seen:
            wrong.append(f"{factor_id} stands in line {seen[factor_id]} too; keep one")
        seen.setdefault(factor_id, line)
        if not wrong:
            unit, least, most = limits[factor_id.rpartition(".")[0]]
            found = _factor(row).to(unit)
            rows[factor_id] = found
            if found.low < least or found.high > most:
                wrong.append(f"{factor_id}: must lie between {least:g} and {most:g} {unit!r}; "
                             "mend value, low or high")
        faults += [f"line {line}: {text}" for text in wrong]
    if not faults:
        faults = _share_faults({**own, **rows}, rows)
    if faults:
        more = f"; and {len(faults) - 20} more" if len(faults) > 20 else ""
        raise FactorError(f"{path.name}: {'; '.join(faults[:20])}{more}")
    return rows


def _read(path: Path) -> list[tuple[int, dict[str, str]]]:
    """Return line numbers and stripped rows of a user's CSV."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise FactorError(f"{path.name} is not UTF-8 text",
                          mend='Save it as "CSV UTF-8"') from error
    except OSError as error:
        raise FactorError(f"{path.name} cannot be read: {error.strerror}",
                          mend="Give the path of a CSV file") from error
    reader = csv.DictReader(io.StringIO(text.replace("\0", ""), newline=""))
    head = [(name or "").strip() for name in reader.fieldnames or []]
    reader.fieldnames = head
    missing = [c for c in _COLUMNS if c not in head and c != "note"]
    if head and missing:
        split = "; it is split by ';', save it with commas" if ";" in head[0] else ""
        raise FactorError(f"{path.name}: line 1 lacks the columns {', '.join(missing)}{split}",
                          mend=f"The columns are {','.join(_COLUMNS)}")
    rows = []
    for raw in reader:
        row = {c: (raw.get(c) or "").strip() for c in _COLUMNS}
        if any(row.values()):
            row["surplus"] = "".join(raw.get(None) or []).strip()
            row["moved"] = "yes" if raw.get(None) else ""
            rows.append((reader.line_num, row))
    if not rows:
        raise FactorError(f"{path.name} holds no rows", mend="Give it a header and a row at least")
    return rows


def _limits(own: Mapping[str, Factor]) -> dict[str, tuple[str, float, float]]:
    """Return stem -> unit, least and most: shares stay in 0 to 1, what is never negative above."""
    out: dict[str, tuple[str, float, float]] = {}
    for f in own.values():
        _, least, most = out.get(f.stem, ("", 0.0, 1.0 if f.unit == "1" else math.inf))
        out[f.stem] = (f.unit, least if f.low >= 0 else -math.inf,
                       most if f.high <= 1 else math.inf)
    return out


def _faults(row: Mapping[str, str], limits: Mapping[str, tuple[str, float, float]]) -> list[str]:
    """Return what is wrong with one row of a user's file."""
    out = []
    factor_id, region = row["factor_id"], row["region"]
    stem, _, ending = factor_id.rpartition(".")
    if stem not in limits:
        out.append(f"unknown factor {factor_id!r}{nearest(stem or factor_id, list(limits))}")
    elif ending != region:
        out.append(f"{factor_id} ends in {ending!r} but its region is {region!r}; make them equal")
    elif mend := _region_mend(region):
        out.append(f"{factor_id}: {region!r} is no region; write {mend}")
    if stem in limits:
        unit = limits[stem][0]
        try:
            unit_factor(row["unit"], unit)
        except UnitsError:
            out.append(f"{factor_id}: unit {row['unit']!r} is not of the kind {unit!r}; "
                       f"give it in {unit!r}")
    number = {}
    for column in ("value", "low", "high"):
        try:
            number[column] = float(row[column])
        except ValueError:
            point = "; write the decimal point as '.'" if "," in row[column] else ""
            out.append(f"{factor_id}: {column} {row[column]!r} is no number{point}")
            continue
        if not math.isfinite(number[column]):
            out.append(f"{factor_id}: {column} must be finite")
    if number.get("low", -math.inf) > number.get("value", math.inf):
        out.append(f"{factor_id}: low {row['low']} is above value {row['value']}; swap or mend")
    if number.get("high", math.inf) < number.get("value", -math.inf):
        out.append(f"{factor_id}: high {row['high']} is below value {row['value']}; swap or mend")
    if not re.fullmatch(r"\d{4}", row["year"]):
        out.append(f"{factor_id}: year {row['year']!r} is no year; write four digits")
    if not row["source"]:
        out.append(f"{factor_id}: source is empty; name the publication or the meter")
    if row["tag"] not in ("V", "D", "R"):
        out.append(f"{factor_id}: tag {row['tag']!r} is not V (read), D (derived) or R (recalled)")
    if row["surplus"] or (out and row["moved"]):
        return [f"{factor_id} has more cells than columns; put text with commas in quotes, write "
                "decimals with '.'"]
    return out


def _region_mend(region: str) -> str:
    """Return how to write a region that no place would ever find, or an empty string."""
    if not _REGION.fullmatch(region):
        return "FR, CN-Hubei, EU or WORLD"
    country, _, part = region.partition("-")
    if country in _OTHER_CODES:
        return _OTHER_CODES[country] + region[2:]
    if country == "CN" and part and part not in _zones() and region not in _zones().values():
        english = _province(part)
        return f"CN-{english}" if english else f"CN and a province{nearest(part, list(_zones()))}"
    return ""


def _share_faults(rows: Mapping[str, Factor], touched: Mapping[str, Factor]) -> list[str]:
    """Return the groups of shares that a user's rows leave incomplete or with a sum not 1."""
    def group(f: Factor) -> str:
        words = f.stem.split(".")
        return ".".join(words[:_SHARES.get(words[0], 0)])

    members: dict[str, set[str]] = {}
    shares: dict[tuple[str, str], dict[str, float]] = {}
    for f in rows.values():
        members.setdefault(group(f), set()).add(f.stem)
        shares.setdefault((group(f), f.region), {})[f.stem] = f.value
    out = []
    for name, region in dict.fromkeys((group(f), f.region) for f in touched.values() if group(f)):
        have = shares[name, region]
        if absent := sorted(members[name] - set(have)):
            out.append(f"{name}.*.{region} lacks {', '.join(absent)}; give all shares of a region")
        elif abs(sum(have.values()) - 1) > 1e-3:
            out.append(f"the shares {name}.*.{region} sum to {sum(have.values()):.4g}, not 1; "
                       "mend them together")
    return out
