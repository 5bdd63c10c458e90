"""Carbon in pictures: emissions by sector, what drove a change, and what measures cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from matplotlib.colors import to_hex

from layers.errors import MissingInput
from twin.carbon_curve import draw_abatement
from twin.carbon_waterfall import LINE, RULE, SLATE, Size, draw_drivers, in_tonnes
from twin.estimate import Estimate
from twin.fonts import (
    GREY,
    INK,
    Box,
    axes_at,
    drawing,
    fitted,
    heading,
    pixels,
    points,
    safe,
)
from twin.furniture import BACK, footer, header, save, swatches
from twin.scene.figures import number, short
from twin.scene.palette import palette

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["draw_abatement", "draw_drivers", "draw_sectors"]

PLANS = ("#8d9099", "#2a6aa6", "#c1743c", "#5b4a8a")  # the base, and up to three plans


def draw_sectors(tables: Mapping[str, pd.DataFrame], path: str | Path, *,
                 totals: Mapping[str, Estimate] | None = None, unit: str = "kg a-1",
                 title: str = "", subtitle: str = "", sources: Sequence[str] = (),
                 size: Size = (1920, 1080)) -> Path:
    """Draw emissions by sector as bars with their 95 % ranges, one colour a plan.

    Parameters
    ----------
    tables
        Name of a plan to its ``value``, ``low`` and ``high`` by sector, one to four, the base
        first; what is taken up is below zero.
    path
        File to write, PNG, SVG or PDF by its ending.
    totals
        Net total of each plan with its range, such as `twin.carbon.ledger.Ledger.total` gives; the
        sum without a range when None.
    unit
        Unit of the tables.
    title, subtitle, sources, size
        As in `draw_drivers`.

    Returns
    -------
    pathlib.Path
        The file.

    Raises
    ------
    MissingInput
        When there are no plans or more than four, or a table has no sectors.
    """
    from matplotlib.figure import Figure

    if not 1 <= len(tables) <= 4 or not all(len(t) for t in tables.values()):
        raise MissingInput(f"a picture shows sectors of 1 to 4 plans, got {len(tables)}",
                           mend="Leave some plans out, and give each at least one sector")
    sectors = list(dict.fromkeys(s for table in tables.values() for s in table.index))
    most = pd.concat([t["value"] for t in tables.values()], axis=1).max(axis=1).reindex(sectors)
    sectors = list(most.sort_values(ascending=False).index)
    net = {name: (totals or {}).get(name) or Estimate(float(t["value"].sum()), np.nan, np.nan)
           for name, t in tables.items()}
    scale, told = in_tonnes(unit, max(abs(float(e.value)) for e in net.values()))
    rows = [{s: Estimate(*(float(t[c].get(s, np.nan)) for c in ("value", "low", "high")))
             for s in sectors} | {"net total": net[name]} for name, t in tables.items()]
    with drawing():
        figure = Figure(figsize=(size[0] / 100, size[1] / 100), dpi=100, facecolor=BACK)
        header(figure, size, title or "Emissions by sector", subtitle)
        px = size[1] / 1080
        box = (300 * px, 150 * px, size[0] - 640 * px, size[1] - 330 * px)
        _bars(figure, size, box, rows, [*sectors, "net total"], scale)
        sheet = pixels(figure, size, (0, 0, *size))
        items = [(c, heading(safe(name)), "fill")
                 for c, name in zip(PLANS, tables, strict=False)] if len(tables) > 1 else []
        swatches(sheet, (box[0], size[1] - 150 * px), items, px, box[2])
        fitted(sheet, size[0] - 40 * px, size[1] - 150 * px,
               f"{told}; lines: 95 % range; below zero: taken up", 16 * px, 620 * px, color=GREY,
               ha="right")
        footer(figure, size, sources)
        return save(figure, path)


def _bars(figure: Figure, size: Size, box: Box, rows: Sequence[Mapping[str, Estimate]],
          sectors: Sequence[str], scale: float) -> None:
    """Draw bars of sectors, the last one apart from the others."""
    unit = size[1] / 1080
    axes = axes_at(figure, size, box)
    values = np.array([[float(r[s].value) for s in sectors] for r in rows]) * scale
    ends = np.array([[(float(r[s].low), float(r[s].high)) for s in sectors] for r in rows]) * scale
    at = np.arange(len(sectors), dtype=float)[::-1]
    at[-1] -= 0.35  # the net total stands apart
    high = float(np.nanmax(np.concatenate([values.ravel(), ends.ravel()])))
    low = float(min(0.0, np.nanmin(np.concatenate([values.ravel(), ends.ravel()]))))
    axes.set(ylim=(at.min() - 0.5, at.max() + 0.5), xlim=(low * 1.02, high * 1.02), yticks=[])
    thick = 0.72 / len(rows)
    sink = palette("sinks").ramp()
    for n in range(len(rows)):
        y = at + (0.36 - thick * (n + 0.5))
        colours = [to_hex(sink(0.75 - 0.12 * n)) if v < 0 else
                   (PLANS[n] if len(rows) > 1 else PLANS[0]) for v in values[n]]
        if len(rows) == 1:
            colours[-1] = SLATE
        axes.barh(y, np.nan_to_num(values[n]), height=0.92 * thick, color=colours, zorder=3)
        known = np.isfinite(ends[n]).all(axis=1)
        for colour, width, strength in ((BACK, 4.2, 0.5), (INK, 1.6, 1.0)):
            axes.hlines(y[known], ends[n, known, 0], ends[n, known, 1], color=colour,
                        lw=width * unit, alpha=strength, zorder=4)
    axes.axvline(0, color=INK, lw=0.9 * unit, zorder=5)
    axes.grid(axis="x", color=RULE, lw=1.0 * unit, zorder=0)
    axes.set_axisbelow(True)
    axes.tick_params(labelsize=points(15, unit), length=0, pad=6 * unit)
    axes.xaxis.set_major_formatter(lambda v, _: short(v))
    for name in ("top", "right", "left", "bottom"):
        axes.spines[name].set_visible(False)
    sheet = pixels(figure, size, (0, 0, *size))
    bottom, span = axes.get_ylim()[0], axes.get_ylim()[1] - axes.get_ylim()[0]
    left, width = axes.get_xlim()[0], axes.get_xlim()[1] - axes.get_xlim()[0]
    rule = box[1] + (at[-1] + 0.68 - bottom) / span * box[3]
    sheet.plot([40 * unit, size[0] - 40 * unit], [rule, rule], color=LINE, lw=1.0 * unit)
    small = min(20.0, 0.62 * thick / span * box[3] / unit)
    for k, sector in enumerate(sectors):
        middle = box[1] + (at[k] - bottom) / span * box[3]
        fitted(sheet, box[0] - 24 * unit, middle - 8 * unit, heading(str(sector).replace("_", " ")),
               22 * unit, box[0] - 64 * unit, ha="right",
               weight="bold" if k == len(sectors) - 1 else "normal")
        for n in range(len(rows)):
            if not np.isfinite(values[n, k]):
                continue
            y = middle + (0.36 - thick * (n + 0.5)) / span * box[3] - 0.36 * small * unit
            reach = float(np.nanmax([values[n, k], ends[n, k, 1], 0.0]))
            x = box[0] + (reach - left) / width * box[2] + 14 * unit
            known = np.isfinite(ends[n, k]).all()
            drawn = fitted(sheet, x, y, number(values[n, k], like=high), small * unit, 240 * unit,
                           weight="bold") + 10 * unit
            if known:
                low_end, high_end = (number(float(e), like=high) for e in ends[n, k])
                fitted(sheet, x + drawn, y, f"{low_end} to {high_end}", 0.86 * small * unit,
                       max(size[0] - 30 * unit - x - drawn, 60 * unit), color=GREY)
