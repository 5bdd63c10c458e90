"""What stands around a picture: head, foot, legends, north arrow, the layout, and its file."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.colors import Colormap

from layers.errors import SourceError
from layers.version import VERSION
from twin.fonts import (
    GREY,
    INK,
    Box,
    fitted,
    pixels,
    points,
    safe,
    text_width,
    wrap,
)
from twin.scene.figures import short
from twin.scene.palette import Extend

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BACK = "#ffffff"
TIP = 0.035  # length of an arrow end, as a share of a legend bar


def header(figure: Figure, size: tuple[int, int], title: str, subtitle: str) -> None:
    """Set the title and the line of conditions at the top of a picture."""
    wide, high = size
    unit = high / 1080
    sheet = pixels(figure, size, (0, 0, wide, high))
    fitted(sheet, 40 * unit, high - 60 * unit, title, 36 * unit, wide - 80 * unit, weight="bold",
           color=INK)
    fitted(sheet, 40 * unit, high - 94 * unit, subtitle, 20 * unit, wide - 80 * unit, color=GREY)


def footer(figure: Figure, size: tuple[int, int], sources: Sequence[str]) -> None:
    """Set the sources with their licences and the version at the foot of a picture."""
    wide, high = size
    unit = high / 1080
    sheet = pixels(figure, size, (0, 0, wide, high))
    small = points(12.5, unit)
    sheet.text(wide - 40 * unit, 16 * unit, f"citytwin {VERSION}", fontsize=small, color=GREY,
               ha="right")
    words = "Sources: " + "; ".join(safe(line, 400) for line in sources) if sources else ""
    room = wide - 190 * unit  # the version stands at the end of the last line
    letters = 300
    while letters > 40 and any(text_width(sheet, line, 12.5 * unit) > room
                               for line in wrap(words, letters)[:2]):
        letters -= 10
    lines = wrap(words, letters)
    if len(lines) > 2:
        more = " … (all in the report)"
        lines = [lines[0], wrap(lines[1], letters - len(more))[0] + more]
    for k, line in enumerate(reversed(lines)):
        sheet.text(40 * unit, (16 + 17 * k) * unit, line, fontsize=small, color=GREY)


def colour_bar(figure: Figure, size: tuple[int, int], box: Box, ramp: Colormap,
               limits: tuple[float, float], ends: Extend, label: str, units: str, *, note: str = "",
               percent: bool = False) -> None:
    """Draw a legend bar at ``box`` (x, y, width, height in pixels) with its label above it."""
    from matplotlib.cm import ScalarMappable
    from matplotlib.colorbar import Colorbar
    from matplotlib.colors import Normalize

    unit = size[1] / 1080
    x, y, wide, high = box
    axes = figure.add_axes((x / size[0], y / size[1], wide / size[0], high / size[1]))
    bar = Colorbar(axes, ScalarMappable(Normalize(*limits), ramp), orientation="horizontal",
                   extend=ends, extendfrac=TIP)
    ticks = _ticks(*limits)
    bar.set_ticks(ticks, labels=[short(t * (100 if percent else 1)) for t in ticks])
    bar.ax.tick_params(labelsize=points(14, unit), length=3 * unit, pad=2 * unit)
    bar.outline.set_linewidth(0.5)
    sheet = pixels(figure, size, (0, 0, *size))
    words = f"{label} [{units}]" if units else label
    drawn = fitted(sheet, x, y + high + 8 * unit, words, 16 * unit,
                   wide * (0.45 if note else 1), weight="bold", color=INK)
    if note:
        fitted(sheet, x + wide, y + high + 8 * unit, note, 14 * unit, wide - drawn - 14 * unit,
               color=GREY, ha="right")


def north_arrow(axes: Axes, at: tuple[float, float], towards: tuple[float, float],
                unit: float) -> None:
    """Draw a north arrow in an axes of pixels, from ``at`` in the direction ``towards``."""
    from matplotlib.patches import Polygon

    ahead = np.array(towards, dtype=float) / (np.hypot(*towards) or 1.0)
    across = np.array([ahead[1], -ahead[0]])
    tip, tail = np.array(at) + 30 * unit * ahead, np.array(at) - 4 * unit * ahead
    notch = np.array(at) + 3 * unit * ahead
    for way, colour in ((-1, INK), (1, "#ffffff")):
        axes.add_patch(Polygon([tip, tail + way * 9 * unit * across, notch], closed=True,
                               facecolor=colour, edgecolor=INK, linewidth=0.9 * unit, zorder=9))
    over = tip + 10 * unit * ahead
    axes.text(over[0], over[1], "N", fontsize=points(15, unit), weight="bold", ha="center",
              va="center", color=INK, zorder=9)


def swatches(axes: Axes, at: tuple[float, float], items: Sequence[tuple[str, str, str]],
             unit: float, width: float = math.inf) -> None:
    """Draw legend entries (colour, words, ``line`` or ``fill``) in lines of at most ``width``.

    The first line stands at ``at``, the next ones below it [pixels].
    """
    from matplotlib.patches import Rectangle

    x, y = at
    for colour, words, kind in items:
        wide = text_width(axes, words, 15 * unit) + 27 * unit
        if x > at[0] and x + wide > at[0] + width:
            x, y = at[0], y - 24 * unit
        fill = colour if kind == "fill" else "none"
        edge = colour if kind == "line" else "#7d7d7d"
        axes.add_patch(Rectangle((x, y - 2 * unit), 20 * unit, 14 * unit, facecolor=fill,
                                 edgecolor=edge, linewidth=(2.2 if kind == "line" else 0.6) * unit))
        axes.text(x + 27 * unit, y - 1 * unit, words, fontsize=points(15, unit), color=INK)
        x += wide + 17 * unit


def save(figure: Figure, path: str | Path) -> Path:
    """Write a figure as PNG, SVG or PDF; an older file is replaced only by a whole new one.

    Raises
    ------
    SourceError
        When the ending is another or the file cannot be written.
    """
    path = Path(path)
    kind = path.suffix.lower().lstrip(".") or "png"
    known: dict[str, dict[str, Any]] = {
        "png": {"Software": "citytwin"}, "svg": {"Date": None}, "pdf": {"CreationDate": None}}
    if kind not in known:
        raise SourceError(f"{path.name}: pictures are PNG, SVG or PDF, got .{kind}",
                          mend=f"Name it {path.stem}.png")
    path = path if path.suffix else path.with_suffix(".png")
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(partial, format=kind, dpi=100, facecolor=figure.get_facecolor(),
                       metadata=known[kind])
        partial.replace(path)
    except OSError as error:
        raise SourceError(f"{path} cannot be written: {error}",
                          mend="Choose another place") from error
    finally:
        partial.unlink(missing_ok=True)
    return path


def _ticks(low: float, high: float) -> list[float]:
    """Five to seven even ticks; of the ways to cut, the one with the shortest numbers."""
    cuts = (4, 6) if low == -high else (4, 5, 6)
    ways = [[float(f"{low + (high - low) * k / n:.9g}") for k in range(n + 1)] for n in cuts]
    return min(ways, key=lambda ticks: (max(len(short(t)) for t in ticks), len(ticks)))


@dataclass(frozen=True)
class Layout:
    """Where things stand on the sheet [pixels]: x, y, width, height from the lower left."""

    maps: list[Box]
    changes: list[Box]
    bars: list[Box]
    beside: float          # width for words to the right of a map, 0 when they stand below
    unit: float
    chart: Box | None = None

    def words(self, box: Box) -> Box:
        """Return where the figures of a map stand: x, baseline and width."""
        x, y, wide, high = box
        if self.chart and self.beside:
            return self.chart[0], y + high - 24 * self.unit, self.beside, 0.0
        if self.beside:
            return x + wide + 16 * self.unit, y + high - 24 * self.unit, self.beside, 0.0
        room = self.chart[0] - x - 60 * self.unit if self.chart else wide
        return x, y - 30 * self.unit, min(wide, room), 0.0


def layout(size: tuple[int, int], count: int, change: bool, ratio: float) -> Layout:
    """Place maps of a width to height ``ratio`` so that they are large.

    One map stands over or beside its chart. Two and their change stand in a row, or in a column
    where the area is wide. More stand in a row with their changes below.
    """
    unit = size[1] / 1080
    side, gap, head, foot, bar = (v * unit for v in (40, 26, 40, 74, 18))
    upper, lower, full = size[1] - 116 * unit, 60 * unit, size[0] - 80 * unit
    if count == 1 and ratio > 1.9:
        high = min(0.55 * (upper - lower), full / ratio)
        box = (side, upper - head - high, high * ratio, high)
        x, deep = side + 0.4 * full, box[1] - lower - 122 * unit
        return Layout([box], [], [(x, lower + 28 * unit, 0.6 * full, bar)], 0.0, unit,
                       (x, lower + 108 * unit, 0.6 * full, max(deep - 60 * unit, 40 * unit)))
    if count == 1:
        high = min(upper - lower - head - 6 * unit, (full - 700 * unit) / ratio)
        box = (side, upper - head - high, high * ratio, high)
        x = side + high * ratio + 84 * unit
        wide = size[0] - side - x
        return Layout([box], [], [(x, box[1] + 30 * unit, wide, bar)], wide, unit,
                       (x, box[1] + 112 * unit, wide, min(0.64 * high, 560 * unit)))
    if count == 2 and change and ratio > 1.9:
        step = (upper - lower) / 3
        high = min(step - head - 12 * unit, (full - 520 * unit) / ratio)
        beside = full - high * ratio - 16 * unit
        boxes = [(side, upper - head - high - k * step, high * ratio, high) for k in range(3)]
        x = side + full - beside
        bars = [(x, boxes[k][1] + 26 * unit, beside, bar) for k in (0, 2)]
        return Layout(boxes[:2], boxes[2:], bars, beside, unit)

    rows = 2 if change and count > 2 else 1
    columns = count + (1 if change and rows == 1 else 0)
    column = (full - gap * (columns - 1)) / columns
    room = (upper - lower - (92 * unit if rows == 1 else 0.0)) / rows - head
    room -= 14 * unit if rows == 2 else 0.0
    beside = column - min(room, column / ratio) * ratio - 16 * unit
    if beside < 150 * unit:
        beside, room = 0.0, room - foot
    high = min(room, column / ratio)
    step, slack = (upper - lower) / 2, (room - high if rows == 1 else 0.0)
    boxes = [(side + k % columns * (column + gap),
              upper - 0.3 * slack - head - high - k // columns * step, high * ratio, high)
             for k in range(rows * columns)]
    if rows == 1:
        y = lower + 34 * unit + 0.35 * slack
        reach = count * column + (count - 1) * gap
        bars = [(side, y, min(reach, 900 * unit), bar), (boxes[-1][0], y, column, bar)]
        return Layout(boxes[:count], boxes[count:], bars, beside, unit)
    y = upper - step - head - 40 * unit
    bars = [(side, y - k * 110 * unit, 0.94 * column, bar) for k in range(2)]
    return Layout(boxes[:count], boxes[count + 1:], bars, beside, unit)


