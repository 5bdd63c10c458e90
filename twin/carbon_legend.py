"""The column beside columns of emissions: colours with their sums, how to read them, a plan."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import xarray as xr

from layers.city import City
from twin.carbon_cells import (
    UNITS,
    Sector,
    boundary_total,
    ledger_of,
    share_words,
    tenth,
    tonnes,
    whole_of,
)
from twin.carbon_classes import class_bar, draw_classes, round_top
from twin.fonts import GREY, INK, Box, axes_at, fitted, heading, pixels, pretty_units
from twin.result import Twin
from twin.scene.columns import FOOTPRINT
from twin.scene.figures import number

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# None of them is green or a blue, which mean vegetation and wind.
COLOURS = {"homes": "#d9694a", "work": "#8c2f4e", "traffic": "#2f3340", "consumption": "#a9764d",
           "construction": "#efe3c8", "sinks": "#1f9e4a"}


def draw_legend(figure: Figure, size: tuple[int, int], box: Box, twin: Twin, city: City,
          sectors: Sequence[Sector], boundary: str, times: int) -> None:
    """Draw the legend with the sums, how columns are read, and a plan of the sums.

    Parameters
    ----------
    figure, size
        The picture and its width and height [pixels].
    box
        Left, bottom, width and height of the column [pixels].
    twin, city
        Results with a ledger, and their city.
    sectors
        As they stand in a column, from the ground up, green last.
    boundary
        One of `twin.carbon.boundaries.BOUNDARIES`.
    times
        How many times too tall uptake is drawn.
    """
    from matplotlib.patches import Rectangle

    unit = size[1] / 1080
    sheet = pixels(figure, size, (0, 0, *size))
    left, low, wide, high = box
    whole, y = whole_of(list(sectors)), low + high - 20 * unit
    area = twin.cells["cell_area"]
    emitting = [s for s in sectors if not s.sink]
    green = next(s for s in sectors if s.sink)
    right, indent = left + wide, 34 * unit

    def row(words: str, value: str, more: str, colour: str) -> None:
        nonlocal y
        sheet.add_patch(Rectangle((left, y - 3 * unit), 22 * unit, 18 * unit, facecolor=colour,
                                  edgecolor="#7d7d7d", linewidth=0.6 * unit))
        drawn = fitted(sheet, right, y, value, 18 * unit, 0.45 * wide, weight="bold", ha="right")
        drawn += indent + 12 * unit
        fitted(sheet, left + indent, y, heading(words), 18 * unit, wide - drawn)
        fitted(sheet, left + indent, y - 21 * unit, more, 14 * unit, wide - indent, color=GREY)
        y -= 53 * unit

    def rule() -> None:
        nonlocal y
        sheet.plot([left, right], [y + 24 * unit] * 2, color="#c9c5bc", lw=0.9 * unit)

    for sector in reversed(emitting):  # as they lie in a column
        value, span = tonnes(sector.total)
        row(sector.words, value, f"{share_words(sector, whole, boundary)}; {_short(span)}",
            COLOURS[sector.key])
    rule()
    total = boundary_total(ledger_of(twin), boundary)
    value, span = tonnes(total)
    drawn = fitted(sheet, right, y - 2 * unit, value, 20 * unit, 0.5 * wide, weight="bold",
                   ha="right")
    fitted(sheet, left, y - 2 * unit, f"{heading(boundary)} boundary", 20 * unit,
           wide - drawn - 12 * unit, weight="bold")
    fitted(sheet, left, y - 23 * unit, span, 14 * unit, wide, color=GREY)
    y -= 58 * unit
    rule()
    value, span = tonnes(green.total)
    drawn_words = "" if not green.total.value else (
        "; drawn to scale" if times == 1 else f"; drawn {times:,} times too tall")
    row(green.words, value, share_words(green, whole, boundary) + drawn_words, COLOURS["sinks"])
    sheet.add_patch(Rectangle((left, y - 3 * unit), 22 * unit, 18 * unit, facecolor=FOOTPRINT,
                              edgecolor="#7d7d7d", linewidth=0.6 * unit))
    fitted(sheet, left + indent, y, "Footprint of a building", 18 * unit, wide - indent)
    y -= 36 * unit
    rule()
    every = sum((s.cells.fillna(0) for s in emitting), start=xr.zeros_like(green.cells))
    per = pretty_units(UNITS)
    mean = float((every * area).sum() / area.sum())
    for line in (f"Height of a column: {per}, all colours, read at the staffs.",
                 f"Mean {number(mean)}, highest cell {number(float(every.max()))} {per}.",
                 f"The densest tenth of the area holds {100 * tenth(every, area):.0f} %."):
        fitted(sheet, left, y, line, 15 * unit, wide, color=INK)
        y -= 21 * unit
    _plan(figure, sheet, size, (left, low, wide, y - low), city, every, unit)


def _short(span: str) -> str:
    return span.removeprefix("95 % range ")


def _plan(figure: Figure, sheet: Axes, size: tuple[int, int], box: Box, city: City,
          every: xr.DataArray, unit: float) -> None:
    """Draw the sums of the columns in plan, with their classes."""
    left, low, wide, high = box
    west, south, east, north = city.area.bounds
    ratio, room = (east - west) / (north - south), high - 86 * unit
    if room < 90 * unit:
        return
    tall = min(room, wide / ratio)
    top = round_top(every.to_numpy())
    draw_classes(axes_at(figure, size, (left, low + 68 * unit, tall * ratio, tall)), city, every,
                 top, False)
    class_bar(sheet, (left, low + 24 * unit, wide, 14 * unit), top, False, unit,
              over=float(every.max()) >= top, label="The same in plan, north up")
