"""Heat in plan: hours above a limit of UTCI before and after a plan, and what changes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr
from matplotlib.colors import Colormap, ListedColormap

from layers.city import City
from layers.errors import GridError
from layers.provenance import now
from twin.fonts import GREY, INK, MINUS, Box, axes_at, drawing, fitted, pixels, points
from twin.furniture import BACK, footer, header, save, swatches
from twin.heat_summary import Stress, heat_stress_of, range_of_hours
from twin.plan_panels import dress
from twin.result import Twin
from twin.scene.changes import CHANGE, plan_changes
from twin.scene.figures import weather_of
from twin.scene.palette import palette
from twin.scene.planview import draw_map
from twin.views import drawn_city, limit_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

OTHER = ("Traffic",)  # sources of nothing that is drawn here
VARIABLE = "heat.utci_hours"
MEAN, WORST = "mean of the walkable ground", "of it above {limit} at {hour}"
CHANGED, POINTS = "Change  B − A", "points"
CHANGED_SHARE = "of that above {limit} in the worst hour"
BAR = "Hours of the design day with UTCI above {limit}"
BAR_CHANGE = "Change of the hours; blue = fewer"
SAID = ("Design day {date}: a clear day of the hottest week. White: buildings. Air temperature and "
        "humidity are those of the weather file everywhere; compare places and plans, not degrees.")


def draw_heat(before: Twin, after: Twin, path: str | Path, *,
              cities: tuple[City, City] | None = None, limit: float | None = None,
              names: tuple[str, str] = ("Before", "After"),
              size: tuple[int, int] = (2400, 1190), title: str = "", subtitle: str = "",
              words: Mapping[str, str] | None = None, sources: Sequence[str] | None = None,
              date: str = "") -> Path:
    """Draw the hours above a limit of UTCI before and after a plan, and the difference, in plan.

    Parameters
    ----------
    before, after
        Results with the field of heat, on the same cells.
    path
        File to write, PNG, SVG or PDF by its ending.
    cities
        The cities of both, for water, green and the edge of the study area; the twins' own
        buildings and roads when None.
    limit
        UTCI; where strong heat stress begins, as the run has it, when None [degC].
    names
        What stands above the two panels, any script.
    size
        Width and height [pixels].
    title, subtitle
        Head line and line of conditions; made of the limit, the place, the cells, the weather and
        the date when empty.
    words
        What stands in for our own words, by `MEAN`, `WORST`, `CHANGED`, `CHANGED_SHARE`, `POINTS`,
        `BAR`, `BAR_CHANGE`, `SAID` and the kinds of change.
    sources
        Licence lines; those of the cities when None.
    date
        Date on the picture; today when empty.

    Returns
    -------
    pathlib.Path
        The file.

    Raises
    ------
    MissingInput
        When a twin has no field of heat or no buildings to draw.
    GridError
        When the fields lie on different cells.

    References
    ----------
    Bröde et al. (2012), doi:10.1007/s00484-011-0454-1 (classes of UTCI).
    """
    from matplotlib.figure import Figure

    say = {**{w: w for w in (MEAN, WORST, CHANGED, CHANGED_SHARE, POINTS, BAR, BAR_CHANGE, SAID,
                             *CHANGE)}, **(words or {})}
    drawn = [drawn_city(twin, city) for twin, city in zip((before, after), cities or (None, None),
                                                          strict=True)]
    limit = limit_of(before, "utci") if limit is None else limit
    told = [heat_stress_of(twin, city, limit)
            for twin, city in zip((before, after), drawn, strict=True)]
    try:
        first, second = xr.align(told[0].hours, told[1].hours, join="exact")
    except ValueError as error:
        raise GridError("the two fields of heat lie on different cells, so there is no change to "
                        "draw", mend="Run both with the same study area and heat_field.cell"
                        ) from error
    heat = before.fields["heat"]
    many = heat.sizes["time"]
    change = second - first
    most = max(2, min(many, int(np.ceil(np.nanpercentile(np.abs(change), 99.5)))
                      if np.isfinite(change).any() else 0))
    shades = palette(VARIABLE)
    ramp = ListedColormap(shades.ramp()(np.linspace(0.04, 1.0, many + 1)), name="hours")
    turn = ListedColormap(shades.change()(np.linspace(0.0, 1.0, 2 * most + 1)), name="change")
    degrees = f"{limit:g} °C"
    conditions = [drawn[0].name, f"{float(heat.attrs['cell']):g} m cells",
                  weather_of(before.cells, VARIABLE), date or now()[:10]]
    lines = sources if sources is not None else list(dict.fromkeys(
        line for city in drawn for line in city.sources if not line.startswith(OTHER)))
    unit = size[1] / 1080
    west, south, east, north = drawn[0].area.bounds
    boxes = _boxes(size, (east - west) / (north - south))
    parts = plan_changes(*drawn)
    with drawing():
        figure = Figure(figsize=(size[0] / 100, size[1] / 100), dpi=100, facecolor=BACK)
        header(figure, size, title or say[BAR].format(limit=degrees),
               subtitle or "  ·  ".join(part for part in conditions if part))
        sheet = pixels(figure, size, (0, 0, *size))
        for k, (stress, values) in enumerate(zip(told, (first, second), strict=True)):
            draw_map(axes_at(figure, size, boxes[k]), drawn[k], values, ramp, (-0.5, many + 0.5),
                     blank=-1.0, solid=True)
            dress(sheet, boxes[k], names[k], "AB"[k], east - west, unit)
            span = range_of_hours((before, after)[k]) if limit == limit_of(before, "utci") else ""
            _caption(figure, size, boxes[k],
                     (f"{stress.mean:.1f} h", say[MEAN] + (f", {span}" if span else "")),
                     (f"{100 * stress.share:.0f} %",
                      say[WORST].format(limit=degrees, hour=stress.worst)))
        draw_map(axes_at(figure, size, boxes[2]), drawn[1], change, turn,
                 (-most - 0.5, most + 0.5), blank=-1.0, solid=True, outlines=parts)
        dress(sheet, boxes[2], say[CHANGED], "", east - west, unit)
        _caption(figure, size, boxes[2], *_difference(told[0], told[1], say, degrees))
        x, _, wide, _ = boxes[0]
        _classes(figure, size, (x, 92 * unit, 0.9 * (boxes[1][0] + wide - x), 18 * unit), ramp, 0,
                 say[BAR].format(limit=degrees), many)
        _classes(figure, size, (boxes[2][0], 92 * unit, wide, 18 * unit), turn, -most,
                 say[BAR_CHANGE], many)
        swatches(sheet, (boxes[2][0], boxes[2][1] - 88 * unit),
                 [(CHANGE[kind], f"{say[kind]} ({len(part):,})", "line")
                  for kind, part in parts.items()], unit, wide)
        fitted(sheet, x, 50 * unit, say[SAID].format(date=heat.attrs.get("date", "")), 14 * unit,
               size[0] - 2 * x, color=GREY)
        footer(figure, size, lines)
        return save(figure, path)


def _difference(before: Stress, after: Stress, say: Mapping[str, str], degrees: str
                ) -> tuple[tuple[str, str], tuple[str, str]]:
    """Return what the caption of the change says: of the hours, and of the share."""
    hours, share = after.mean - before.mean, 100 * (after.share - before.share)
    percent = f" ({100 * hours / before.mean:+.0f} %)" if before.mean > 0 else ""
    return ((f"{hours:+.1f} h{percent}".replace("-", MINUS), say[MEAN]),
            (f"{share:+.0f} {say[POINTS]}".replace("-", MINUS),
             say[CHANGED_SHARE].format(limit=degrees)))


def _boxes(size: tuple[int, int], ratio: float) -> list[Box]:
    """Return the boxes of three maps in a row, as large as they can be [pixels]."""
    unit = size[1] / 1080
    rim, gap, head, foot = (v * unit for v in (40, 30, 152, 232))
    wide = min((size[0] - 2 * rim - 2 * gap) / 3, (size[1] - head - foot) * ratio)
    high = wide / ratio
    left = (size[0] - 3 * wide - 2 * gap) / 2
    return [(left + k * (wide + gap), size[1] - head - high, wide, high) for k in range(3)]


def _caption(figure: Figure, size: tuple[int, int], box: Box,
             *lines: tuple[str, str]) -> None:
    """Set lines under a map, each a figure and what it is of."""
    unit = size[1] / 1080
    sheet = pixels(figure, size, (0, 0, *size))
    x, y, wide, _ = box
    for k, (strong, more) in enumerate(lines):
        at = y - (32 + 30 * k) * unit
        drawn = fitted(sheet, x, at, strong, 24 * unit, 0.5 * wide, weight="bold", color=INK)
        fitted(sheet, x + drawn + 10 * unit, at, more, 17 * unit, wide - drawn - 10 * unit,
               color=GREY)


def _classes(figure: Figure, size: tuple[int, int], box: Box, ramp: Colormap, first: int,
             label: str, last: int) -> None:
    """Draw a legend of whole numbers, one box of colour each, with its label above it."""
    unit = size[1] / 1080
    count = last - first + 1
    axes = axes_at(figure, size, box)
    axes.imshow(np.arange(count)[None], cmap=ramp, vmin=-0.5, vmax=count - 0.5, aspect="auto",
                extent=(first - 0.5, last + 0.5, 0, 1))
    axes.vlines(np.arange(first, last) + 0.5, 0, 1, colors="#8d9099", linewidths=0.4 * unit)
    step = max(1, round(count / 11))
    ticks = [n for n in range(first, last + 1) if n % step == 0]
    axes.set_xticks(ticks, [str(n).replace("-", MINUS) for n in ticks])
    axes.set(yticks=[])
    axes.tick_params(labelsize=points(14, unit), length=3 * unit, pad=2 * unit)
    for spine in axes.spines.values():
        spine.set_linewidth(0.5)
    sheet = pixels(figure, size, (0, 0, *size))
    fitted(sheet, box[0], box[1] + box[3] + 8 * unit, label, 16 * unit, box[2], weight="bold",
           color=INK)
