"""The column beside a picture: a result over roofs and ground, how it is spread, its bar."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.colors import Colormap

from twin.fonts import GREY, INK, Box, axes_at, fitted, heading, pixels, points
from twin.furniture import TIP, colour_bar
from twin.scene.palette import Extend
from twin.scene.parts import CLASSES, Part

if TYPE_CHECKING:
    from matplotlib.figure import Figure


SPREAD = "Share of that area by value [%]"


def side_column(figure: Figure, size: tuple[int, int], box: Box, parts: Sequence[Part],
                ramp: Colormap, limits: tuple[float, float], ends: Extend, label: str, units: str,
                *, percent: bool = False, words: Mapping[str, str] | None = None) -> None:
    """Draw means and histograms one above the other over one colour bar.

    Parameters
    ----------
    figure, size
        The picture and its width and height [pixels].
    box
        Left, bottom, width and height of the column [pixels].
    parts
        From `twin.scene.figures.parts_of`, from the top.
    ramp, limits, ends
        Colours, the values of their ends, and which of these have an arrow.
    label, units
        What the bar says.
    percent
        Whether shares are read in percent.
    words
        What stands in for our own words, such as ``{"roofs": "屋顶"}``.
    """
    words = words or {}
    from matplotlib.ticker import MaxNLocator

    unit = size[1] / 1080
    left, low, wide, high = box
    sheet = pixels(figure, size, (0, 0, *size))
    tips = {"neither": (0, 0), "min": (1, 0), "max": (0, 1), "both": (1, 1)}[ends]
    body = wide / (1 + TIP * sum(tips))
    foot, head = 66 * unit, 86 * unit
    step = (high - foot) / len(parts)
    middle = (np.arange(CLASSES) + 0.5) / CLASSES
    for k, part in enumerate(parts):
        top = low + high - k * step
        told = part.total
        name = told.where.removeprefix("of the ")
        drawn = fitted(sheet, left, top - 26 * unit, heading(words.get(name, name)), 22 * unit,
                       0.5 * wide, weight="bold", color=INK)
        fitted(sheet, left + wide, top - 26 * unit, told.words, 22 * unit,
               wide - drawn - 16 * unit, weight="bold", color=INK, ha="right")
        fitted(sheet, left + wide, top - 48 * unit, words.get(told.word, told.word), 15 * unit,
               wide, color=GREY, ha="right")
        axes = axes_at(figure, size, (left + tips[0] * TIP * body, top - step + 20 * unit, body,
                                      step - head))
        axes.bar(middle, part.share, width=0.92 / CLASSES, color=ramp(middle),
                 edgecolor="#8d9099", linewidth=0.4 * unit)
        axes.set(xlim=(0, 1), ylim=(0, 1.04 * max(part.share) or 1.0), xticks=[])
        axes.yaxis.set_major_locator(MaxNLocator(4, integer=True))
        axes.tick_params(labelsize=points(13, unit), length=3 * unit, pad=2 * unit)
        axes.patch.set_alpha(0.0)
        for name in ("top", "right"):
            axes.spines[name].set_visible(False)
        if k == 0:
            axes.set_title(words.get(SPREAD, SPREAD), loc="left", color=GREY,
                           fontsize=points(14, unit), pad=4 * unit)
    colour_bar(figure, size, (left, low + 24 * unit, wide, 18 * unit), ramp, limits, ends, label,
               units, percent=percent)
