"""A user's factor file: every row checked and all faults told at once, with line and mend."""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Mapping
from pathlib import Path

from layers.errors import FactorError, UnitsError, nearest
from layers.units import factor as unit_factor
from twin.factor import COLUMNS, Factor, from_row
from twin.region_codes import region_mend

_SHARES = {"carrier": 2, "fleet": 1}  # first word of a stem -> words that name a group of shares


def user_rows(path: Path, own: Mapping[str, Factor]) -> dict[str, Factor]:
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
            found = from_row(row).to(unit)
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
    missing = [c for c in COLUMNS if c not in head and c != "note"]
    if head and missing:
        split = "; it is split by ';', save it with commas" if ";" in head[0] else ""
        raise FactorError(f"{path.name}: line 1 lacks the columns {', '.join(missing)}{split}",
                          mend=f"The columns are {','.join(COLUMNS)}")
    rows = []
    for raw in reader:
        row = {c: (raw.get(c) or "").strip() for c in COLUMNS}
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
    elif mend := region_mend(region):
        out.append(f"{factor_id}: {region!r} is no region; write {mend}")
    if stem in limits:
        unit = limits[stem][0]
        try:
            unit_factor(row["unit"], unit)
        except UnitsError:
            out.append(f"{factor_id}: unit {row['unit']!r} is not of the kind {unit!r}; "
                       f"give it in {unit!r}")
    out += [f"{factor_id}: {text}" for text in _number_faults(row)]
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


def _number_faults(row: Mapping[str, str]) -> list[str]:
    """Return what is wrong with the value of a row and its range."""
    out = []
    number = {}
    for column in ("value", "low", "high"):
        try:
            number[column] = float(row[column])
        except ValueError:
            point = "; write the decimal point as '.'" if "," in row[column] else ""
            out.append(f"{column} {row[column]!r} is no number{point}")
            continue
        if not math.isfinite(number[column]):
            out.append(f"{column} must be finite")
    if number.get("low", -math.inf) > number.get("value", math.inf):
        out.append(f"low {row['low']} is above value {row['value']}; swap or mend")
    if number.get("high", math.inf) < number.get("value", -math.inf):
        out.append(f"high {row['high']} is below value {row['value']}; swap or mend")
    return out


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
