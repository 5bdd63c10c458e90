"""What stands around a map in a picture: its name, a scale bar and a north arrow."""

from __future__ import annotations

from typing import TYPE_CHECKING

from twin.fonts import INK, Box, fitted, heading, points
from twin.furniture import north_arrow
from twin.scene.palette import nice_ceil

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def dress(sheet: Axes, box: Box, name: str, letter: str, metres: float, unit: float,
          more: float = 0.0) -> None:
    """Set the name above a map, and a scale bar and a north arrow on it.

    Parameters
    ----------
    sheet
        Axes over the whole picture, in its pixels.
    box
        Left, bottom, width and height of the map [pixels].
    name, letter
        What stands above it; a letter before the name, none where it is empty.
    metres
        Width of the map on the ground [m].
    unit
        Pixels of the picture per pixel of one with 1080 lines.
    more
        Room for the name beyond the width of the map [pixels].
    """
    x, y, wide, high = box
    indent = 0.0
    if letter:
        sheet.text(x, y + high + 12 * unit, letter, fontsize=points(22, unit), weight="bold",
                   color="#1864ab")
        indent = 28 * unit
    fitted(sheet, x + indent, y + high + 12 * unit, heading(name), 22 * unit, wide + more - indent,
           weight="bold", color=INK)
    length = nice_ceil(0.16 * metres)
    bar = length / metres * wide
    at, down = x + 14 * unit, y + 16 * unit
    pad = 7 * unit
    plate = f"{length:,.0f} m" if length < 1000 else f"{length / 1000:g} km"
    sheet.fill([at - pad, at + bar + pad, at + bar + pad, at - pad],
               [down - pad, down - pad, down + 26 * unit, down + 26 * unit], color="white",
               alpha=0.82, lw=0)
    sheet.plot([at, at, at + bar, at + bar], [down + 6 * unit, down, down, down + 6 * unit],
               color=INK, lw=1.6 * unit, solid_joinstyle="miter")
    sheet.text(at + bar / 2, down + 8 * unit, plate, fontsize=points(13, unit), ha="center",
               va="bottom", color=INK)
    east, low = x + wide - 24 * unit, y + high - 60 * unit
    sheet.fill([east - 17 * unit, east + 17 * unit, east + 17 * unit, east - 17 * unit],
               [low - 10 * unit, low - 10 * unit, low + 54 * unit, low + 54 * unit],
               color="white", alpha=0.82, lw=0)
    north_arrow(sheet, (east, low), (0.0, 1.0), unit)
