"""What the validation of the sun says: the worst of each group, and a section of VALIDATION.md."""

from __future__ import annotations

import math
from collections.abc import Sequence

from layers.provenance import now
from layers.version import VERSION
from twin.sun_run import Year
from twin.sun_validation import Row

# Errors beyond these are named; of the shadow it is a cell's diagonal on the shortest [1].
LIMITS = {"sky view": 0.01, "shadow": 0.071, "light of scenes": 0.005, "mean of cells": 0.005,
          "worst cell": 0.025, "light of planes": 0.001, "light of upright cells": 0.002,
          "light of open ground": 0.01}


def group_of(row: Row) -> str:
    """Return which limit of `LIMITS` a row is held to."""
    if row["quantity"].startswith("sky view"):
        return "sky view"
    if row["quantity"].startswith("shadow"):
        return "shadow"
    if row["case"].endswith("beside pvlib"):
        upright = row["case"].startswith("open cells of 90 ")
        return "light of upright cells" if upright else "light of planes"
    for kind in ("worst cell", "mean of"):
        if f": {kind}" in row["case"]:
            return kind.replace("mean of", "mean of cells")
    return "light of open ground" if row["case"].endswith("beside ghi") else "light of scenes"


def misfits(rows: Sequence[Row]) -> list[str]:
    """Return the worst row of each group and every row beyond its limit, in words."""
    lines = []
    for group, limit in LIMITS.items():
        own = sorted((r for r in rows if group_of(r) == group), key=lambda r: -abs(r["error"]))
        if not own:
            continue
        beyond = [r for r in own if abs(r["error"]) > limit]
        mean = math.sqrt(sum(r["error"]**2 for r in own) / len(own))
        lines.append(f"{group.capitalize()}: {len(own)} rows, root mean square {mean:.2%}, at most "
                     f"{abs(own[0]['error']):.2%} ({own[0]['case']}); {len(beyond)} beyond "
                     f"{limit:.1%}.")
        lines += [f"Misses: {r['case']}, {r['quantity']}: {r['got']:g} for {r['expected']:g} "
                  f"({r['error']:+.1%})." for r in beyond]
    return lines


def as_markdown(rows: Sequence[Row], lines: Sequence[str], year: Year, *, command: str,
                date: str = "") -> str:
    """Return the table, the misfits and the claim as Markdown.

    Parameters
    ----------
    rows
        From `validate_rows`.
    lines
        From `claims`.
    year
        The weather.
    command
        What was run, as a reader would type it.
    date
        Day of the run; today when empty.
    """
    title = str(year.weather.attrs.get("title", "")) or "the weather given"
    body = [f"| {r['case']} | {r['quantity']} | {r['expected']:.4g} | {r['got']:.4g} | "
            f"{r['error']:+.2%} |" for r in rows]
    return "\n\n".join([
        f"Run on {date or now()[:10]} with citytwin {VERSION}: `{command}`. Weather: {title}, "
        f"{year.latitude:.2f} N {year.longitude:.2f} E, {year.audit.ghi:,.0f} kWh m-2 of global "
        "light. Cells of 1 m, 72 directions, months.",
        "Sky views are held to exact shapes, shadows to geometry, the seven scenes to every sun of "
        "10 minutes and rays of 0.1 degrees on exact boxes, planes to pvlib's Perez transposition "
        "of the same suns and hours, open ground to the ghi of the file. A scene is looked at from "
        "a point, which looks closer between two directions, and from cells, which do not: at the "
        "edge of a tower one cell is off by what 2.5 degrees of it hide, either way, and the mean "
        "of many is not. The error is got over expected less one.",
        "\n".join(["| case | quantity | expected | got | error |",
                   "| --- | --- | ---: | ---: | ---: |", *body]),
        "**Where it misses**", "\n".join(f"- {line}" for line in misfits(rows)),
        "**A public claim beside our yield**", "\n".join(f"- {line}" for line in lines)])
