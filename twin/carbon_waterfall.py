"""The drivers of a change drawn as a waterfall, beside the change of each group."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from matplotlib.colors import to_hex
from numpy.typing import NDArray

from layers.errors import MissingInput
from layers.units import factor as unit_factor
from twin.carbon.drivers import Drivers
from twin.fonts import (
    GREY,
    INK,
    MINUS,
    Box,
    axes_at,
    drawing,
    fitted,
    heading,
    pixels,
    points,
    pretty_label,
    safe,
    text_width,
    wrap,
)
from twin.furniture import BACK, footer, header, save, swatches
from twin.scene.figures import number, short
from twin.scene.palette import nice_ceil, palette

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Floats = NDArray[np.float64]
Size = tuple[int, int]

SLATE, RULE, LINE = "#5d5e6b", "#e6e3db", "#9a9ca3"
STEPS = ((1e7, "Mt", 1e-6), (1e4, "kt", 1e-3), (0.0, "t", 1.0))
SAID = "Additive logarithmic mean Divisia index (LMDI-I): the drivers add up to the change."
MOST = 8  # groups named beside the waterfall
BROKEN = 0.55  # the axis leaves zero when all bars end above this share of the highest


def draw_drivers(found: Drivers, path: str | Path, *, names: Mapping[str, str] | None = None,
                 labels: tuple[str, str] = ("before", "after"), step: Hashable = None,
                 unit: str = "kg a-1", title: str = "", subtitle: str = "",
                 sources: Sequence[str] = (), size: Size = (1920, 1080)) -> Path:
    """Draw what each factor added to a change as a waterfall, with the change of each group.

    Parameters
    ----------
    found
        The decomposition. Its steps are summed, from the first state to the last.
    path
        File to write, PNG, SVG or PDF by its ending.
    names
        Words of the factors, such as `twin.carbon.chains.BUILDINGS`.
    labels
        Words of the two states, such as years or places.
    step
        The one step to draw, such as the place of a comparison.
    unit
        Unit of the emission.
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
        When the step is not in the decomposition.
    """
    from matplotlib.figure import Figure

    first, last = _ends(found, step)
    effects = (found.effects if step is None
               else found.effects[found.effects.index.get_level_values(0) == step])
    levels = list(range(1, effects.index.nlevels))
    groups = effects.sum(axis=1).groupby(level=levels, sort=False).sum()
    scale, told = in_tonnes(unit, max(first, last))
    change = last - first
    share = f", {100 * change / first:+.1f} %".replace("-", MINUS) if first > 0 else ""
    with drawing():
        figure = Figure(figsize=(size[0] / 100, size[1] / 100), dpi=100, facecolor=BACK)
        header(figure, size, title or "What drove the change of emissions", subtitle)
        unit_px = size[1] / 1080
        wide = size[0] - 40 * unit_px
        box = (120 * unit_px, 190 * unit_px, 0.64 * wide - 120 * unit_px, size[1] - 390 * unit_px)
        words = [(names or {}).get(str(c), str(c).replace("_", " ")) for c in effects.columns]
        values = effects.sum().to_numpy(dtype=float) * scale
        _waterfall(figure, size, box, values, first * scale, last * scale,
                   [labels[0], *words, labels[1]], told)
        sheet = pixels(figure, size, (0, 0, *size))
        left = 0.64 * wide + 90 * unit_px
        room = wide - left
        fitted(sheet, left, size[1] - 175 * unit_px,
               f"{number(change * scale, sign=True)} {told}{share}", 32 * unit_px, room,
               weight="bold")
        ups, downs = (number(float(abs(part.sum())), like=first * scale or None)
                      for part in (values[values > 0], values[values < 0]))
        fitted(sheet, left, size[1] - 206 * unit_px,
               f"{labels[0]} to {labels[1]}: drivers raise {ups} and lower {downs}",
               17 * unit_px, room, color=GREY)
        _groups(figure, size, (left, 190 * unit_px, room, size[1] - 460 * unit_px), groups * scale,
                told)
        fitted(sheet, 40 * unit_px, 60 * unit_px, SAID, 15 * unit_px, size[0] - 80 * unit_px,
               color=GREY)
        footer(figure, size, sources)
        return save(figure, path)


def in_tonnes(unit: str, most: float) -> tuple[float, str]:
    """Return what a number is multiplied by to be read, and its unit in words.

    Parameters
    ----------
    unit
        Unit of emission, of a year or not.
    most
        The largest number [``unit``].
    """
    yearly = bool({"a-1", "year-1"} & set(unit.split()))
    tonne = unit_factor(unit, "t a-1" if yearly else "t")
    times, word = next((t, w) for least, w, t in STEPS if abs(most) * tonne >= least)
    return times * tonne, pretty_label(f"{word} CO2") + ("/yr" if yearly else "")


def _ends(found: Drivers, step: Hashable) -> tuple[float, float]:
    """Return the emission of the first and of the last state."""
    before, after = (s.groupby(level=0, sort=False).sum() for s in (found.before, found.after))
    if step is None:
        return float(before.iloc[0]), float(after.iloc[-1])
    if step not in before.index:
        raise MissingInput(f"there is no step {step!r}",
                           mend=f"Steps are {', '.join(map(str, before.index[:8]))}")
    at = before.index.get_indexer(pd.Index([step]))[0]
    return float(before.iloc[at]), float(after.iloc[at])


def _better_worse() -> tuple[str, str]:
    """Return the colours of less and of more emission, as in a change on the sheet."""
    ramp = palette("co2_net").change()
    return to_hex(ramp(0.2)), to_hex(ramp(0.78))


def _waterfall(figure: Figure, size: Size, box: Box, effects: Floats, first: float, last: float,
               words: Sequence[str], told: str) -> None:
    """Draw the two states and the effects between them."""
    unit = size[1] / 1080
    axes = axes_at(figure, size, box)
    tops = np.concatenate([[first], first + np.cumsum(effects)])
    low, high = float(min(tops.min(), last)), float(max(tops.max(), last))
    floor = 0.0
    if low > BROKEN * high:
        step = nice_ceil(high - low) / 2
        floor = max(0.0, np.floor((low - 0.6 * (high - low)) / step) * step)
    top = high + 0.10 * (high - floor)
    axes.set(xlim=(-0.6, len(words) - 0.4), ylim=(floor if low >= 0 else low, top), xticks=[])
    less, more = _better_worse()
    at = np.arange(len(words))
    for k, height in ((0, first), (len(words) - 1, last)):
        axes.bar(k, height - floor, bottom=floor, width=0.62, color=SLATE, zorder=3)
    colours = [LINE if abs(e) < 1e-9 * high else more if e > 0 else less for e in effects]
    axes.bar(at[1:-1], effects, bottom=tops[:-1], width=0.62, color=colours, zorder=3)
    for k in range(len(words) - 1):
        flat = 1.31 if k < len(effects) and abs(effects[k]) < 1e-9 * high else 0.69
        axes.plot([k + 0.31, k + flat], [tops[min(k, len(effects))]] * 2, color=LINE,
                  lw=1.2 * unit, zorder=2)
    _quiet(axes, unit)
    axes.spines["bottom"].set_color(INK)
    column = box[2] / (len(words) + 0.2)
    sheet = pixels(figure, size, (0, 0, *size))
    per = box[3] / (axes.get_ylim()[1] - axes.get_ylim()[0])
    base = axes.get_ylim()[0]
    for k, word in enumerate(words):
        middle = box[0] + (k + 0.6) * column
        edge = (first if k == 0 else last) if k in (0, len(words) - 1) \
            else max(tops[k - 1], tops[k])
        value = (number(edge) if k in (0, len(words) - 1)
                 else number(float(effects[k - 1]), sign=True, like=high))
        colour = INK if k in (0, len(words) - 1) else colours[k - 1]
        y = box[1] + (edge - base) * per + 9 * unit
        half = text_width(sheet, value, 21 * unit, "bold") / 2 + 3 * unit
        sheet.fill([middle - half, middle + half, middle + half, middle - half],
                   [y - 3 * unit] * 2 + [y + 17 * unit] * 2, color=BACK, lw=0)
        fitted(sheet, middle, y, value, 21 * unit, column, weight="bold", color=colour,
               ha="center")
        lines = wrap(safe(heading(word)), max(6, int(column / (9.6 * unit))))[:3]
        for n, line in enumerate(lines):
            fitted(sheet, middle, box[1] - (30 + 22 * n) * unit, line, 18 * unit, 0.98 * column,
                   ha="center", weight="bold" if k in (0, len(words) - 1) else "normal")
    fitted(sheet, box[0] - 80 * unit, box[1] + box[3] + 16 * unit, told, 17 * unit, 300 * unit,
           color=GREY)
    items = [(more, "raises emissions", "fill"), (less, "lowers them", "fill")]
    swatches(sheet, (box[0] + 0.42 * box[2], box[1] + box[3] + 16 * unit), items, unit)
    if floor > 0:
        for k in (0, len(words) - 1):
            _tear(sheet, box[0] + (k + 0.6) * column, box[1] + 26 * unit, 0.66 * column, unit)
        fitted(sheet, box[0] + box[2], box[1] + box[3] + 16 * unit,
               f"the axis begins at {short(floor)}", 15 * unit, 260 * unit, color=GREY, ha="right")


def _groups(figure: Figure, size: Size, box: Box, groups: pd.Series, told: str) -> None:
    """Draw the change of each group as bars to the left and right of zero."""
    unit = size[1] / 1080
    sheet = pixels(figure, size, (0, 0, *size))
    ordered = groups.reindex(groups.abs().sort_values(ascending=False).index)
    if len(ordered) > MOST:
        rest = ordered.iloc[MOST - 1:]
        ordered = pd.concat([ordered.iloc[:MOST - 1],
                             pd.Series({f"{len(rest)} others": float(rest.sum())})])
    if len(groups) < 2:
        return
    fitted(sheet, box[0], box[1] + box[3] + 14 * unit, f"Change by group [{told}]", 18 * unit,
           box[2], weight="bold")
    less, more = _better_worse()
    step = min(46 * unit, box[3] / len(ordered))
    reach = float(ordered.abs().max()) or 1.0
    words = 0.36 * box[2]
    down, up = max(-float(ordered.min()), 0.0), max(float(ordered.max()), 0.0)
    figures = 74 * unit  # room for the numbers on either side
    per = (box[2] - words - figures * ((down > 0) + (up > 0))) / ((down + up) or 1.0)
    zero = box[0] + words + (figures + down * per if down > 0 else 0.0)
    for k, (name, value) in enumerate(ordered.items()):
        y = box[1] + box[3] - (k + 1) * step
        label = ", ".join(map(str, name)) if isinstance(name, tuple) else str(name)
        fitted(sheet, box[0], y + 0.32 * step, heading(label.replace("_", " ")), 17 * unit,
               words - 12 * unit)
        end = zero + float(value) * per
        sheet.fill([zero, end, end, zero], [y + 0.20 * step] * 2 + [y + 0.72 * step] * 2,
                   color=more if value > 0 else less, lw=0)
        fitted(sheet, end + (8 if value > 0 else -8) * unit, y + 0.33 * step,
               number(float(value), sign=True, like=10 * reach), 16 * unit, 66 * unit, color=INK,
               ha="left" if value > 0 else "right")
    sheet.plot([zero, zero], [box[1] + box[3] - len(ordered) * step, box[1] + box[3]], color=LINE,
               lw=1.0 * unit)


def _quiet(axes: Axes, unit: float) -> None:
    """Leave an axis of values with light lines only."""
    axes.grid(axis="y", color=RULE, lw=1.0 * unit, zorder=0)
    axes.set_axisbelow(True)
    axes.tick_params(labelsize=points(15, unit), length=0, pad=6 * unit)
    axes.yaxis.set_major_formatter(lambda v, _: short(v))
    for name in ("top", "right", "left"):
        axes.spines[name].set_visible(False)


def _tear(sheet: Axes, x: float, y: float, wide: float, unit: float) -> None:
    """Draw a torn band across the foot of a bar whose axis does not begin at zero."""
    across = np.linspace(x - wide / 2, x + wide / 2, 9)
    wave = np.where(np.arange(9) % 2, 5.0, -5.0) * unit
    sheet.fill_between(across, y + wave - 4 * unit, y + wave + 4 * unit, color=BACK, lw=0)
