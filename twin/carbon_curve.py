"""The abatement curve drawn: what measures save, what a tonne costs, which of them earn money."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from matplotlib.colors import to_hex, to_rgb
from numpy.typing import NDArray

from layers.errors import MissingInput
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
    pretty_label,
    wrap,
)
from twin.furniture import BACK, footer, header, save
from twin.scene.figures import number, short
from twin.scene.palette import nice_ceil, palette

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Floats = NDArray[np.float64]
Size = tuple[int, int]

RULE, LINE = "#e6e3db", "#9a9ca3"
ROOM = 16      # measures named beside the curve
FAR = 4.0      # a bar beyond so many times the median is cut
RANKED = ("Measures that earn money stand left of the mark in the order of net present value, not "
          "of cost per tonne: a gain divided by tonnes looks better the less is saved (Taylor "
          "2012, Energy Policy 48:430). To the right of it, the cheapest tonne comes first.")


def draw_abatement(curve: pd.DataFrame, path: str | Path, *, money: str = "CNY",
                   names: Mapping[str, str] | None = None, title: str = "", subtitle: str = "",
                   sources: Sequence[str] = (), size: Size = (1920, 1080)) -> Path:
    """Draw the abatement curve: widths are tonnes a year, heights the cost of a tonne.

    Parameters
    ----------
    curve
        From `twin.carbon.abatement.abatement_curve`.
    path
        File to write, PNG, SVG or PDF by its ending.
    money
        Name of the currency.
    names
        Words of the measures; their names when None.
    title, subtitle
        Head line and one line of conditions.
    sources
        Licence lines.
    size
        Width and height [pixels].

    Returns
    -------
    pathlib.Path
        The file.

    Raises
    ------
    MissingInput
        When no measure saves carbon.
    """
    from matplotlib.figure import Figure

    drawn = curve[(curve["co2_saved"] > 0).to_numpy()]
    if not len(drawn):
        raise MissingInput("no measure of the curve saves carbon, so there is nothing to draw")
    words = [(names or {}).get(str(n), str(n)) for n in drawn.index]
    earns = (drawn["annual_cost"] < 0).to_numpy()
    colours = _colours(earns)
    unit = size[1] / 1080
    with drawing():
        figure = Figure(figsize=(size[0] / 100, size[1] / 100), dpi=100, facecolor=BACK)
        header(figure, size, title or "What a tonne less costs, and how many there are", subtitle)
        wide = 0.60 * size[0] - 120 * unit
        box = (130 * unit, 200 * unit, wide, size[1] - 400 * unit)
        _steps(figure, size, box, drawn, colours, earns, money)
        left = box[0] + box[2] + 70 * unit
        _key(figure, size, (left, 130 * unit, size[0] - 40 * unit - left, size[1] - 290 * unit),
             drawn, words, colours, earns, money)
        sheet = pixels(figure, size, (0, 0, *size))
        for n, line in enumerate(wrap(RANKED, int(box[2] / (7.3 * unit)))[:3]):
            fitted(sheet, box[0] - 90 * unit, (108 - 20 * n) * unit, line, 15 * unit,
                   box[2] + 90 * unit, color=GREY)
        footer(figure, size, sources)
        return save(figure, path)


def _colours(earns: NDArray[np.bool_]) -> list[str]:
    """Return one colour a measure: blue where it earns, browner the dearer it is."""
    ramp = palette("co2_net").change()
    gain, cost = np.cumsum(earns) - 1, np.cumsum(~earns) - 1
    blue = 0.12 + 0.22 * gain / max(1, earns.sum() - 1)
    brown = 0.68 + 0.22 * cost / max(1, (~earns).sum() - 1)
    return [to_hex(ramp(float(at))) for at in np.where(earns, blue, brown)]


def _steps(figure: Figure, size: Size, box: Box, drawn: pd.DataFrame, colours: Sequence[str],
           earns: NDArray[np.bool_], money: str) -> None:
    """Draw the bars, their ranges and their numbers."""
    unit = size[1] / 1080
    cost, low, high = (drawn[c].to_numpy(dtype=float) for c in ("mac", "mac_low", "mac_high"))
    start, end = drawn["start"].to_numpy(), drawn["end"].to_numpy()
    bottom, top = _limits(cost, low, high)
    axes = axes_at(figure, size, box)
    axes.set(xlim=(0, end.max()), ylim=(bottom, top))
    axes.bar(start, np.clip(cost, bottom, top), width=end - start, align="edge", color=colours,
             edgecolor=BACK, linewidth=1.4 * unit, zorder=3)
    middle = (start + end) / 2
    within = np.clip(low, bottom, top), np.clip(high, bottom, top)
    axes.vlines(middle, *within, color=INK, lw=1.6 * unit, zorder=4)
    light = (end - start) / end.max() * box[2] > 14 * unit  # a thin bar would vanish behind it
    axes.vlines(middle[light], within[0][light], within[1][light], color=BACK, alpha=0.5,
                lw=3.6 * unit, zorder=3.5)
    for beyond, at, mark in ((high > top, top, "^"), (low < bottom, bottom, "v")):
        axes.plot(middle[beyond], np.full(int(beyond.sum()), at), mark, color=INK, ls="none",
                  markersize=6 * unit, clip_on=False, zorder=6)
    axes.axhline(0, color=INK, lw=1.2 * unit, zorder=5)
    axes.grid(axis="y", color=RULE, lw=1.0 * unit, zorder=0)
    axes.set_axisbelow(True)
    axes.tick_params(labelsize=points(15, unit), length=0, pad=7 * unit)
    axes.yaxis.set_major_formatter(lambda v, _: short(v))
    axes.xaxis.set_major_formatter(lambda v, _: short(v))
    for name in ("top", "right", "left", "bottom"):
        axes.spines[name].set_visible(False)
    sheet = pixels(figure, size, (0, 0, *size))
    fitted(sheet, box[0] - 90 * unit, box[1] + box[3] + 18 * unit,
           pretty_label(f"{money} per tonne of CO2"), 17 * unit, 600 * unit, color=GREY)
    fitted(sheet, box[0] + box[2], box[1] - 54 * unit, pretty_label("saved, t CO2/yr"), 17 * unit,
           400 * unit, color=GREY, ha="right")
    _numbers(sheet, box, drawn, (bottom, top), colours)
    if earns.any() and not earns.all():
        x = box[0] + end[earns].max() / end.max() * box[2]
        sheet.plot([x, x], [box[1], box[1] + box[3]], color=LINE, lw=1.4 * unit,
                   ls=(0, (4, 3)))
        for room, off, word in ((x - box[0] - 80 * unit, -10, "earns money"),
                                (box[0] + box[2] + 40 * unit - x, 10, "costs money")):
            if room > 110 * unit:
                at = max(x, box[0] + 170 * unit) if off > 0 else x  # clear of the unit
                fitted(sheet, at + off * unit, box[1] + box[3] + 18 * unit, word, 17 * unit, room,
                       color=INK, ha="right" if off < 0 else "left")


def _numbers(sheet: Axes, box: Box, drawn: pd.DataFrame, limits: tuple[float, float],
             colours: Sequence[str]) -> None:
    """Set the number of each measure in its bar, or over zero and its range where that is thin."""
    bottom, top = limits
    unit = box[3] / (1080 - 400)
    per = box[3] / (top - bottom)
    zero = box[1] - bottom * per
    whole = float(drawn["end"].max())
    row, before = 0, -np.inf
    for k in range(len(drawn)):
        cost, low, high = (float(drawn[c].iloc[k]) for c in ("mac", "mac_low", "mac_high"))
        start, end = (box[0] + float(drawn[c].iloc[k]) / whole * box[2] for c in ("start", "end"))
        tall = abs(np.clip(cost, bottom, top)) * per
        if end - start >= 64 * unit and tall >= 30 * unit:
            dark = float(np.dot(to_rgb(colours[k]), (0.3, 0.59, 0.11))) < 0.62
            fitted(sheet, start + 9 * unit, zero + (10 if cost > 0 else -25) * unit, str(k + 1),
                   19 * unit, 60 * unit, weight="bold", color=BACK if dark else INK)
        else:
            x = (start + end) / 2
            row = (row + 1) % 3 if x - before < 26 * unit else 0
            before = x
            over = min(max(high, 0.0), top) * per if cost <= 0 else max(min(low, 0.0), bottom) * per
            y = zero + over + (10 + 22 * row if cost <= 0 else -26 - 22 * row) * unit
            fitted(sheet, x, y, str(k + 1), 17 * unit, 60 * unit, weight="bold", ha="center")
        if not bottom <= cost <= top:
            edge = box[1] + box[3] + 12 * unit if cost > 0 else box[1] - 26 * unit
            fitted(sheet, (start + end) / 2 + 10 * unit, edge, number(cost), 15 * unit, 110 * unit)


def _limits(cost: Floats, low: Floats, high: Floats) -> tuple[float, float]:
    """Return the ends of the axis of cost: all bars, and what of the ranges is not far beyond."""
    far = FAR * float(np.median(np.abs(cost))) or 1.0
    bars = np.clip(cost, -far, far)
    reach = float(np.abs(bars).max()) or 1.0
    ends = np.clip(np.concatenate([low, high]), bars.min() - 0.6 * reach, bars.max() + 0.6 * reach)
    bottom, top = float(min(0.0, ends.min())), float(max(0.0, ends.max()))
    step = nice_ceil((top - bottom) / 8)
    # A little of the other side of zero is left for the numbers.
    return (min(np.floor(bottom / step) * step, -0.5 * step),
            max(np.ceil(top / step) * step, 0.5 * step))


def _key(figure: Figure, size: Size, box: Box, drawn: pd.DataFrame, words: Sequence[str],
         colours: Sequence[str], earns: NDArray[np.bool_], money: str) -> None:
    """Name the measures beside the curve with what they save and cost."""
    from matplotlib.patches import Rectangle

    unit = size[1] / 1080
    sheet = pixels(figure, size, (0, 0, *size))
    x, y, wide, high = box
    saved = drawn["co2_saved"].to_numpy()
    fitted(sheet, x, y + high, pretty_label(f"{number(float(saved.sum()))} t CO2 a year"),
           30 * unit, wide, weight="bold")
    gain = float(drawn["npv"].to_numpy()[earns].sum())
    said = (f"{number(float(saved[earns].sum()))} t of it earn money: {_millions(gain)} {money} of "
            "net present value" if earns.any() else "none of it earns money")
    fitted(sheet, x, y + high - 28 * unit, said, 17 * unit, wide, color=GREY)
    per_area = "capex_per_m2" in drawn
    heads = ["t/yr", f"{money}/t", "95 % range", *([f"{money}/m²"] if per_area else [])]
    places = (0.53, 0.67, 0.88, 1.0) if per_area else (0.60, 0.76, 1.0)
    head = y + high - 76 * unit
    for at, word in zip(places, heads, strict=True):
        fitted(sheet, x + at * wide, head, word, 15 * unit, 0.2 * wide, color=GREY, ha="right")
    shown = min(len(drawn), ROOM)
    step = min(58 * unit, (head - y - 40 * unit) / max(shown, 1))
    for k in range(shown):
        foot = head - 12 * unit - (k + 1) * step
        sheet.plot([x, x + wide], [foot + step] * 2, color=RULE, lw=1.0 * unit)
        low = foot + (step - 26 * unit) / 2
        sheet.add_patch(Rectangle((x, low), 26 * unit, 26 * unit, facecolor=colours[k], lw=0))
        dark = float(np.dot(to_rgb(colours[k]), (0.3, 0.59, 0.11))) < 0.62
        fitted(sheet, x + 13 * unit, low + 7 * unit, str(k + 1), 16 * unit, 24 * unit,
               weight="bold", color=BACK if dark else INK, ha="center")
        fitted(sheet, x + 38 * unit, low + 6 * unit, heading(words[k]), 18 * unit,
               (places[0] - 0.11) * wide - 38 * unit)
        row = drawn.iloc[k]
        texts = [number(float(row["co2_saved"])), number(float(row["mac"])),
                 f"{_end(row['mac_low'])} to {_end(row['mac_high'])}",
                 *([short(float(f"{row['capex_per_m2']:.3g}"))] if per_area else [])]
        for n, (at, text) in enumerate(zip(places, texts, strict=True)):
            fitted(sheet, x + at * wide, low + 6 * unit, text, (15 if n == 2 else 17) * unit,
                   0.21 * wide, ha="right", weight="bold" if n == 1 else "normal",
                   color=GREY if n == 2 else INK)
    more = [f"and {len(drawn) - shown} more"] if len(drawn) > shown else []
    if per_area:
        more.append(f"{money}/m²: price of the measure, by the floor area it is taken on")
    fitted(sheet, x, head - shown * step - 36 * unit, "; ".join(more), 15 * unit, wide, color=GREY)


def _end(value: float) -> str:
    return number(float(value)) if np.isfinite(value) else "open"


def _millions(value: float) -> str:
    """Return a sum of money in a short form."""
    for least, word in ((1e9, " bn"), (1e6, " M"), (1e3, " k")):
        if abs(value) >= least:
            return f"{number(value / least)}{word}"
    return number(value)
