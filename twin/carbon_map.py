"""Where CO2 comes from, in plan: one map a sector, all emitting ones in the same colours."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from layers.city import City
from layers.provenance import now
from twin.carbon_cells import (
    UNITS,
    Sector,
    boundary_total,
    conditions,
    ground_of,
    ledger_of,
    sectors_of,
    share_words,
    tenth,
    tonnes,
    whole_of,
)
from twin.carbon_classes import class_bar, draw_classes, round_top
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
    pretty_units,
)
from twin.furniture import BACK, footer, header, north_arrow, save, swatches
from twin.result import Twin
from twin.scene.figures import number
from twin.scene.ground import CORRIDOR, SHORE
from twin.scene.palette import nice_ceil, palette

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_TRACK = "#e9e6df"  # the whole, behind a share of it
# Width of the words beside a map, of the gap between panels; room above and below all maps, and
# above and below each [pixels at 1080]; width of the picture where none is given [pixels].
_WORDS, _GAP, _HEAD, _FOOT, _NAME, _WIDTH = 300, 34, 112, 128, 48, 2400


def draw_carbon_maps(twin: Twin, path: str | Path, *, city: City | None = None,
                     boundary: str = "supply", top: float | None = None,
                     size: tuple[int, int] | None = None, title: str = "",
                     subtitle: str = "", sources: Sequence[str] | None = None,
                     date: str = "") -> Path:
    """Draw what each sector emits per cell, and what green takes up, and write the picture.

    All sectors that emit share one set of colours, in classes by the square root, so that streets
    are seen beside buildings. Uptake has its own. Construction is spread over the life of the
    buildings; where the boundary leaves it out it is shown beside it.

    Parameters
    ----------
    twin
        Results with a carbon account.
    path
        File to write, PNG, SVG or PDF by its ending.
    city
        The city of the twin, for water, green and the edge of the study area; the twin's own
        buildings and roads when None.
    boundary
        One of `twin.carbon.boundaries.BOUNDARIES`.
    top
        Where the last class of emissions begins [t ha-1 a-1]; a round number when None. Two
        pictures to be compared need the same.
    size
        Width and height [pixels]; 2400 wide and as high as the maps need when None.
    title, subtitle
        Head line and line of conditions; made of the place, the boundary, its sum, the cells and
        the date when empty.
    sources
        Licence lines; those of the city when None.
    date
        Date on the picture; today when empty.

    Returns
    -------
    pathlib.Path
        The file.

    Raises
    ------
    MissingInput
        When the twin has no carbon account, nothing is emitted inside the boundary, or the city
        is another.
    CityTwinError
        When there is no such boundary.
    """
    from matplotlib.figure import Figure

    sectors = sectors_of(twin, boundary)
    city = ground_of(twin, city)
    emitting = [s.cells.to_numpy() for s in sectors if not s.sink]
    top = top or round_top(*emitting)
    taken = [s.cells.to_numpy() for s in sectors if s.sink]
    green = round_top(*taken)
    west, south, east, north = city.area.bounds
    ratio = (east - west) / (north - south)
    size = size or _size(len(sectors), ratio)
    unit = size[1] / 1080
    boxes = _boxes(len(sectors), size, ratio)
    whole = whole_of(sectors)
    lines = city.sources if sources is None else sources
    with drawing():
        figure = Figure(figsize=(size[0] / 100, size[1] / 100), dpi=100, facecolor=BACK)
        header(figure, size, title or "Where CO₂ comes from", subtitle or conditions(
            twin, boundary, boundary_total(ledger_of(twin), boundary), date or now()[:10]))
        sheet = pixels(figure, size, (0, 0, *size))
        for k, (sector, box) in enumerate(zip(sectors, boxes, strict=True)):
            draw_classes(axes_at(figure, size, box), city, sector.cells,
                         green if sector.sink else top, sector.sink)
            _name(sheet, box, sector.words, "ABCDEF"[k], unit)
            _words(sheet, box, sector, whole, boundary, twin.cells["cell_area"], unit)
        y, long = 74 * unit, size[0] - 80 * unit
        for sink, values, end, at, share in ((False, emitting, top, 0.0, 0.48),
                                             (True, taken, green, 0.50, 0.26)):
            class_bar(sheet, (40 * unit + at * long, y, share * long, 18 * unit), end, sink, unit,
                      over=max(float(np.nanmax(v)) for v in values) >= end)
        _key(sheet, (40 * unit + 0.785 * long, y, 0.215 * long, 0.0),
             boxes[0][2] / (east - west), city, unit)
        footer(figure, size, lines)
        return save(figure, path)


def _name(sheet: Axes, box: Box, name: str, letter: str, unit: float) -> None:
    """Set the name of a map above it."""
    y = box[1] + box[3] + 11 * unit
    sheet.text(box[0], y, letter, fontsize=points(22, unit), weight="bold", color="#1864ab")
    fitted(sheet, box[0] + 28 * unit, y, heading(name), 22 * unit,
           box[2] + (_WORDS - 10) * unit, weight="bold")


def _key(sheet: Axes, box: Box, scale: float, city: City, unit: float) -> None:
    """Draw what holds for all maps, beside them so that it hides no cell: lines, scale, north.

    ``scale`` is in pixels of the picture a metre.
    """
    x, y, wide, _ = box
    lines = (("#8d9099", "building", "buildings"), (SHORE, "water", "water"),
             (CORRIDOR, "corridor", "corridors"))
    items = [(tone, name, "line") for tone, name, layer in lines if len(city.frame(layer))]
    swatches(sheet, (x, y + 28 * unit), items, unit)
    length = nice_ceil(0.3 * wide / scale)
    bar, low = length * scale, y - 8 * unit
    sheet.plot([x, x, x + bar, x + bar], [low + 6 * unit, low, low, low + 6 * unit], color=INK,
               lw=1.6 * unit, solid_joinstyle="miter")
    sheet.text(x + bar / 2, low + 7 * unit, f"{length:,.0f} m" if length < 1000
               else f"{length / 1000:g} km", fontsize=points(13, unit), ha="center", va="bottom")
    north_arrow(sheet, (x + wide - 14 * unit, y - 4 * unit), (0.0, 1.0), unit)


def _words(sheet: Axes, box: Box, sector: Sector, whole: float, boundary: str,
           area: xr.DataArray, unit: float) -> None:
    """Set the sum, range and share of a sector beside its map, with a bar of the share."""
    from matplotlib.patches import Rectangle

    x, y = box[0] + box[2] + 18 * unit, box[1] + box[3] - 24 * unit
    room = _WORDS * unit
    value, span = tonnes(sector.total)
    fitted(sheet, x, y, value, 28 * unit, room, weight="bold")
    fitted(sheet, x, y - 26 * unit, span, 15 * unit, room, color=GREY)
    share = min(1.0, float(sector.total.value) / whole)
    colour = palette("sinks" if sector.sink else "co2").ramp()(0.6)
    bar = y - 62 * unit
    sheet.add_patch(Rectangle((x, bar), 0.9 * room, 12 * unit, facecolor=_TRACK, linewidth=0))
    sheet.add_patch(Rectangle((x, bar), 0.9 * room * share, 12 * unit, facecolor=colour,
                              linewidth=0, hatch=None if sector.counted else "///",
                              edgecolor="#ffffff"))
    fitted(sheet, x, bar - 22 * unit, share_words(sector, whole, boundary), 15 * unit, room)
    if not sector.total.value:
        return
    per = pretty_units(UNITS)
    mean = float((sector.cells.fillna(0) * area).sum() / area.sum())
    said = [("mean", f"{number(mean)} {per}"),
            ("densest cell", f"{number(float(sector.cells.max()))} {per}"),
            ("densest tenth of the area holds", f"{100 * tenth(sector.cells, area):.0f} %")]
    for k, (name, words) in enumerate(said):
        low = bar - (66 + 46 * k) * unit
        fitted(sheet, x, low, heading(name), 14 * unit, room, color=GREY)
        fitted(sheet, x, low - 20 * unit, words, 17 * unit, room, color=INK)


def _size(count: int, ratio: float) -> tuple[int, int]:
    """Return the size of a picture in which maps of a width to height ``ratio`` fill their rows."""
    rows, across = math.ceil(count / 2), 80 + _GAP + 2 * (_WORDS + 18)
    step = (1080 - _HEAD - _FOOT) / rows - _NAME
    unit = _WIDTH / (2 * ratio * step + across)
    return _WIDTH, round(1080 * min(max(unit, 1.0), 1.9))


def _boxes(count: int, size: tuple[int, int], ratio: float) -> list[Box]:
    """Return the places of the maps: two in a row, words to the right of each."""
    unit = size[1] / 1080
    head, foot, name = _HEAD * unit, _FOOT * unit, 34 * unit
    columns, rows = min(count, 2), math.ceil(count / 2)
    slot = (size[0] - 80 * unit - (columns - 1) * _GAP * unit) / columns
    step = (size[1] - head - foot) / rows
    high = min(step - _NAME * unit, (slot - (_WORDS + 18) * unit) / ratio)
    wide = high * ratio
    left = 40 * unit
    return [(left + k % 2 * (slot + _GAP * unit),
             size[1] - head - k // 2 * step - name - high, wide, high) for k in range(count)]
