"""Measured values in place of estimates, with who measured them and in what document."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from layers.errors import SourceError, nearest
from twin.carbon.ledger import ROWS, Ledger
from twin.carbon.parts import QUALITY, Part

NEEDED = ("layer", "id", "value", "unit", "provider", "document")
KNOWN = (*NEEDED, "sector", "item", "low", "high", "digest", "period", "year", "quality")
SURE = 0.05  # 95 % range of a meter where none is given [1]
TO_KG = {"kg": 1.0, "kg a-1": 1.0, "t": 1000.0, "t a-1": 1000.0}


def read_measured(path: str) -> pd.DataFrame:
    """Read a CSV of measured emissions.

    Parameters
    ----------
    path
        Columns ``layer``, ``id`` (as in the layer), ``value``, ``unit`` (``kg a-1`` or ``t a-1``),
        ``provider`` and ``document``; ``sector``, ``item``, ``low``, ``high``, ``digest``,
        ``period``, ``year`` and ``quality`` if known.

    Raises
    ------
    SourceError
        When columns are missing or unknown, or a value is no number: all rows are told.
    """
    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    except (OSError, ValueError) as error:
        raise SourceError(f"{path} cannot be read as CSV: {error}") from error
    lacking = [c for c in NEEDED if c not in table.columns]
    strange = [c for c in table.columns if c not in KNOWN]
    if lacking or strange:
        hint = nearest(strange[0], list(KNOWN)) if strange else ""
        told = f"lacks {', '.join(lacking)}" if lacking else f"has {strange[0]!r}{hint}"
        raise SourceError(f"{path}: {told}", mend=f"The columns are {', '.join(KNOWN)}")
    faults = []
    for column in ("value", "low", "high"):
        if column in table:
            given = table[column].str.strip()
            numbers = pd.to_numeric(given, errors="coerce")
            bad = (numbers.isna() | (numbers < 0)) & ((given != "") | (column == "value"))
            faults += [f"row {i + 2}: {column} is {given[i]!r}" for i in np.flatnonzero(bad)]
            table[column] = numbers
    for column, allowed in (("unit", TO_KG), ("quality", ("", *QUALITY))):
        if column in table:
            bad = ~table[column].isin(list(allowed))
            faults += [f"row {i + 2}: {column} is {table[column][i]!r}, expected "
                       f"{', '.join(map(repr, allowed))}" for i in np.flatnonzero(bad)]
    twice = table.duplicated([c for c in ("layer", "id", "sector", "item") if c in table])
    faults += [f"row {i + 2}: {table['id'][i]!r} stands twice" for i in np.flatnonzero(twice)]
    if faults:
        raise SourceError(f"{path}: {'; '.join(faults[:5])}"
                          + (f" and {len(faults) - 5} more" if len(faults) > 5 else ""),
                          mend="Give a number not below zero and kg a-1 or t a-1")
    return table


def replace_measured(ledger: Ledger, table: pd.DataFrame,
                     features: Mapping[str, pd.DataFrame]) -> Ledger:
    """Return the ledger with measured values in place of the estimates of their sources.

    Parameters
    ----------
    ledger
        The ledger.
    table
        From `read_measured`: a row replaces what a source emits, in a sector and item if these are
        given. The measured value is that of the whole source; the share inside the area counts,
        in its cells as the estimate was. What comes with the energy, upstream and losses, follows.
    features
        By layer, ``id`` of each feature and the share ``inside`` the area.

    Raises
    ------
    SourceError
        When a source is unknown, stands for several features or has no estimate to replace.
    """
    asked = _sources(table, features)
    parts = pd.DataFrame([[getattr(p, c) for c in ("layer", "sector", "item", "stage")]
                          for p in ledger.parts], columns=["layer", "sector", "item", "stage"])
    rows = ledger.rows.join(parts, on="part")
    found = rows.reset_index(names="row").merge(asked, on=["layer", "source"],
                                                suffixes=("", "_asked"))
    fits = pd.Series(True, index=found.index)
    for column in ("sector", "item"):
        if column in table:
            wanted = found[f"{column}_asked"]
            fits &= (wanted == "") | (wanted == found[column])
    follows = found[fits & found["stage"].isin(("upstream", "losses"))]
    found = found[fits & found["stage"].isin(("B6", "tailpipe"))]
    whole = found.groupby("number")["value"].sum().reindex(asked["number"], fill_value=0.0)
    lost = whole.index[whole <= 0]
    twice = found.loc[found["row"].duplicated(), "number"].unique()
    _refuse([f"row {n + 2}: {table['layer'][n]} {table['id'][n]!r} has no estimate to replace"
             for n in lost] + [f"row {n + 2}: {table['layer'][n]} {table['id'][n]!r} is replaced "
                               "by another row too" for n in twice])

    pairs = found[["number", "part"]].drop_duplicates()
    records = {n: table.iloc[n].to_dict() for n in pairs["number"]}
    fresh = {(n, p): _part(ledger.parts[p], records[n])
             for n, p in pairs.itertuples(index=False)}
    unique: dict[Part, int] = {}
    for part in (*ledger.parts, *fresh.values()):
        unique.setdefault(part, len(unique))
    ratio = asked.set_index("number")["measured"] / whole
    rows_now = ledger.rows.copy()
    for column in ("activity", "value"):  # what comes with the energy follows it
        rows_now.loc[rows_now.index[follows["row"]], column] = (
            follows[column] * follows["number"].map(ratio)).to_numpy()
    kept = rows_now.drop(index=rows_now.index[found["row"]])
    kept["part"] = np.array([unique[p] for p in ledger.parts])[kept["part"]]
    measured = found["value"] / whole[found["number"]].to_numpy() * found["measured"]
    added = found[list(ROWS)].assign(
        value=measured, activity=found["activity"] * found["number"].map(ratio), part=[
            unique[fresh[key]] for key in zip(found["number"], found["part"], strict=True)])
    joined = pd.concat([kept, added], ignore_index=True)
    used, number = np.unique(joined["part"].to_numpy(), return_inverse=True)
    every = list(unique)
    return Ledger(tuple(every[i] for i in used), joined.assign(part=number), ledger.cells,
                  ledger.names)


def _sources(table: pd.DataFrame, features: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Return the rows of measured values with the feature each is of, and what counts inside."""
    known = pd.concat([pd.DataFrame({
        "layer": layer, "id": frame["id"].astype(str).to_numpy(),
        "source": np.arange(len(frame)), "inside": frame["inside"].to_numpy()})
        for layer, frame in features.items() if "id" in frame], ignore_index=True)
    count = known.groupby(["layer", "id"]).size().rename("count")
    asked = table.assign(number=np.arange(len(table))).join(count, on=["layer", "id"])
    _refuse([f"row {n + 2}: {table['layer'][n]} {table['id'][n]!r} is "
             f"{'unknown' if np.isnan(asked['count'][n]) else 'the id of several features'}"
             for n in np.flatnonzero(asked["count"].to_numpy() != 1)])
    asked = asked.merge(known, on=["layer", "id"])
    value = asked["value"] * asked["unit"].map(TO_KG) * asked["inside"]
    return asked.assign(measured=value).drop(columns=["value", "unit"])


def _refuse(faults: list[str]) -> None:
    if faults:
        more = f" and {len(faults) - 5} more" if len(faults) > 5 else ""
        raise SourceError(f"measured values: {'; '.join(faults[:5])}{more}",
                          mend="Give ids of features with emissions in the account")


def _part(part: Part, one: Mapping[Any, Any]) -> Part:
    value = float(str(one["value"]))
    low, high = (float(str(one.get(e, "nan"))) for e in ("low", "high"))
    down = (value - low) / value if np.isfinite(low) and value else SURE
    up = (high - value) / value if np.isfinite(high) and value else SURE
    return part.but(method="measured", tier=3, causes=(), own=(down, up), factor_id="",
                    quality=str(one.get("quality") or "H"), provider=str(one["provider"]),
                    document=str(one["document"]), digest=str(one.get("digest", "")),
                    period=str(one.get("period", "")),
                    year=int(float(str(one.get("year") or part.year))))
