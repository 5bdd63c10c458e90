"""What the command line prints: tables, JSON, counts and sources, on stdout."""

from __future__ import annotations

import json
import shutil
import sys
from argparse import Namespace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from layers.city import City
from twin.result import Twin, in_words, range_in_words


def dump(thing: Any) -> None:
    """Print a thing as JSON."""
    print(json.dumps(thing, ensure_ascii=False, indent=1, default=str, allow_nan=False))


def tell_summary(args: Namespace, summary: dict[str, Any], notes: tuple[str, ...],
                 words: list[dict[str, str]]) -> None:
    """Tell how a computation went, as ``--json`` asks: to a file, as JSON, or in words.

    Parameters
    ----------
    args
        With ``json`` (a file name, True or False) and ``output``.
    summary
        Plain data.
    notes
        What is to be known; on stderr beside JSON on stdout.
    words
        Rows for people.
    """
    if isinstance(args.json, str):
        from twin.writers import atomic

        with atomic(Path(args.json)) as partial:
            partial.write_text(json.dumps(summary, indent=1) + "\n", encoding="utf-8")
    if args.json is True:
        dump(summary)
        for note in notes:
            print(f"citytwin: {note}", file=sys.stderr)
        return
    print_table(pd.DataFrame(words))
    if notes:
        print("\nto know:")
        print("\n".join(f"  {n}" for n in notes))
    print(f"\n{args.output}")


def totals(found: Twin) -> dict[str, dict[str, Any]]:
    """Return a twin's totals as plain data, unknown ends as None."""
    def plain(value: Any) -> float | None:
        return float(value) if np.isfinite(value) else None

    return {str(n): {"value": plain(r["value"]), "unit": r["unit"], "low": plain(r["low"]),
                     "high": plain(r["high"])} for n, r in found.totals().iterrows()}


def say_city(city: City) -> None:
    """Print what a city holds, where its heights come from, and what had to be assumed."""
    from layers.buildings import height_shares

    print(repr(city))
    shares = height_shares(city.frame("buildings"))
    print("heights by source: " + ", ".join(f"{k} {v:.0%}" for k, v in shares.items()))
    for line in city.history:
        print(f"  {line}")
    print_fallbacks(dict(city.fallbacks))


def city_record(city: City) -> dict[str, Any]:
    """Return what a city holds as plain data."""
    from layers.buildings import height_shares

    return {"name": city.name, "area_km2": city.area.area / 1e6, "place": str(city.place),
            "layers": {k: len(v) for k, v in city.frames.items()},
            "heights": height_shares(city.frame("buildings")), "fallbacks": dict(city.fallbacks)}


def print_study(found: Any) -> None:
    """Print the totals of every scenario with their ranges."""
    tables = {n: found.twins[n].totals() for n in found.names}
    table = tables[found.names[0]]
    rows = [{"": r["name"], "unit": r["unit"], **{
        n: range_in_words(tables[n].loc[str(i)]) for n in found.names}}
        for i, r in table.iterrows()]
    people = [tables[n]["value"].get("residents", np.nan) for n in found.names]
    if "co2_net" in table.index and np.isfinite(people).all() and min(people) > 0:
        rows.append({"": "Net CO2 per resident", "unit": "t a-1", **{
            n: in_words(tables[n]["value"]["co2_net"] / p)
            for n, p in zip(found.names, people, strict=True)}})
    print_table(pd.DataFrame(rows))
    if len(set(people)) > 1:
        print("\nWhat is removed is gone: people and floor space that move elsewhere take their "
              "emissions along,\nwhich is not counted here.")


def print_change(name: str, to: str, table: pd.DataFrame) -> None:
    """Print what one scenario changes."""
    print(f"\n{name}, against {to}")
    rows = [{"": r["name"], "unit": r["unit"], to: in_words(r[to]), name: in_words(r[name]),
             "change": in_words(r["change"]), "%": in_words(r["percent"]),
             "95 % range": f"{in_words(r['low'])} to {in_words(r['high'])}"
             if np.isfinite(r["low"]) else "",
             "sure": {"less": "yes", "more": "yes"}.get(r["words"], r["words"])}
            for _, r in table.iterrows()]
    print_table(pd.DataFrame(rows) if rows else pd.DataFrame([{"": "nothing changes"}]))
    if (table["change"].reindex(["construction_co2"]) < 0).any():
        print("\nConstruction is spread over the life of what stands. What was spent on buildings "
              "that go is not\ngiven back, and taking them down is not counted: this is no saving.")


def print_table(table: pd.DataFrame) -> None:
    """Columns as wide as their widest word; no library draws into a pipe as plainly."""
    words = [[str(c) for c in table.columns],
             *[["" if pd.isna(v) else str(v) for v in row] for row in table.itertuples(False)]]
    widths = [max(_width(row[i]) for row in words) for i in range(len(words[0]))]
    most = shutil.get_terminal_size((200, 40)).columns if sys.stdout.isatty() else 10_000
    for row in words:
        line = "  ".join(w + " " * (widths[i] - _width(w)) for i, w in enumerate(row)).rstrip()
        print(line[:most])


def _width(text: str) -> int:
    """Columns of a terminal; Chinese characters take two."""
    from unicodedata import east_asian_width

    return sum(2 if east_asian_width(c) in "WF" else 1 for c in text)


def print_fallbacks(fallbacks: dict[str, int]) -> None:
    """Print what was assumed, with counts."""
    if fallbacks:
        print("\nassumed, not known:")
        for what, count in fallbacks.items():
            print(f"  {what}: {count:,}")


def print_sources(city: City) -> None:
    """Print the licence lines."""
    print("\nsources:")
    for line in city.sources:
        print(f"  {line}")
