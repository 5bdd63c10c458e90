"""The sheet: one variable in plan, before, after and the change, with all that a reader needs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import xarray as xr
from matplotlib.colors import Colormap

from layers.city import City
from layers.errors import GridError, MissingInput
from layers.provenance import now
from twin.fonts import (
    GREY,
    INK,
    MINUS,
    Box,
    axes_at,
    drawing,
    fitted,
    pixels,
    points,
    pretty_label,
)
from twin.furniture import (
    BACK,
    TIP,
    colour_bar,
    footer,
    header,
    layout,
    save,
    swatches,
)
from twin.plan_panels import dress
from twin.rasters import burn
from twin.scene.changes import CHANGE, plan_changes
from twin.scene.figures import (
    FINE,
    Total,
    cell_step,
    is_share,
    legend_units,
    short,
    total_of,
    values_of,
    weather_of,
)
from twin.scene.palette import dead_band, extend, nice_limits, palette
from twin.scene.parts import CLASSES, share_by_value
from twin.scene.planview import draw_map

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Panels = Mapping[str, tuple[City, xr.Dataset]]


def draw_sheet(panels: Panels, variable: str, path: str | Path, *, change: bool = True,
               size: tuple[int, int] = (1920, 1080), title: str = "", subtitle: str = "",
               sources: Sequence[str] | None = None, weather: str = "",
               date: str = "") -> Path:
    """Draw one variable of a base and its scenarios in plan and write the picture.

    Base and scenarios share their limits. With two panels a third shows the change; with more, a
    second row does.

    Parameters
    ----------
    panels
        Name to city and its results; the first is the base. One to four.
    variable
        Name of a result on (y, x).
    path
        File to write, PNG, SVG or PDF by its ending; it is replaced whole.
    change
        Whether to draw the change from the base.
    size
        Width and height [pixels].
    title, subtitle
        Head line and one line of conditions; made from the variable, the place, the cell size, the
        weather and the date when empty.
    sources
        Licence lines; those of the cities when None.
    weather
        What weather the results are for; from the results when empty.
    date
        Date on the sheet; today when empty.

    Returns
    -------
    pathlib.Path
        The file.

    Raises
    ------
    MissingInput
        When a result is missing or not on (y, x), or the number of panels is not 1 to 4.
    GridError
        When the grids of two panels differ and the change is asked for.
    """
    from matplotlib.figure import Figure

    if not 1 <= len(panels) <= 4:
        raise MissingInput(f"a sheet shows 1 to 4 cities, got {len(panels)}")
    fields = {name: values_of(cells, variable) for name, (_, cells) in panels.items()}
    names = list(panels)
    base_city, base_cells = panels[names[0]]
    changes = _changes(panels, fields) if change and len(panels) > 1 else {}
    first = fields[names[0]]
    words = {"title": title or pretty_label(str(first.attrs.get("long_name", variable))),
             "subtitle": subtitle or _conditions(base_city, base_cells, first, weather, date)}
    lines = sources if sources is not None else list(dict.fromkeys(
        line for city, _ in panels.values() for line in city.sources))
    with drawing():
        figure = Figure(figsize=(size[0] / 100, size[1] / 100), dpi=100, facecolor=BACK)
        header(figure, size, words["title"], words["subtitle"])
        _fill(figure, size, panels, variable, changes)
        footer(figure, size, lines)
        return save(figure, path)


def _changes(panels: Panels, fields: Mapping[str, xr.DataArray]) -> dict[str, xr.DataArray]:
    """Scenario less base, name by name; where a fine field meets a changed building, nothing."""
    names = list(panels)
    base_city, base = panels[names[0]][0], fields[names[0]]
    found = {}
    for name in names[1:]:
        try:
            before, after = xr.align(base, fields[name], join="exact")
        except ValueError as error:
            raise GridError(f"{name!r} and {names[0]!r} are on different grids, so there is no "
                            "change to draw", mend="Run both with the same grid") from error
        change = after - before
        if cell_step(base) < FINE:
            parts = plan_changes(base_city, panels[name][0])
            shapes = [g for k in ("removed", "cut", "new") if k in parts for g in parts[k].geometry]
            if shapes:
                x, y = change["x"].to_numpy(), change["y"].to_numpy()
                change = change.where(burn(shapes, np.ones(len(shapes), int), x, y, fill=0) == 0)
        found[name] = change
    return found


def _conditions(city: City, cells: xr.Dataset, values: xr.DataArray, weather: str,
                date: str) -> str:
    said = [city.name, f"{cell_step(values):g} m cells",
            weather or weather_of(cells, str(values.name)), date or now()[:10]]
    return "  ·  ".join(part for part in said if part)


def _fill(figure: Figure, size: tuple[int, int], panels: Panels, variable: str,
          changes: Mapping[str, xr.DataArray]) -> None:
    """Lay out maps, the figures under them and the legends."""
    unit = size[1] / 1080
    names = list(panels)
    city, cells = panels[names[0]]
    fields = {name: values_of(data, variable) for name, (_, data) in panels.items()}
    scale, base = palette(variable), fields[names[0]]
    limits = scale.limits(*fields.values())
    ramp = scale.ramp(*limits)
    top = nice_limits(*changes.values(), symmetric=True)[1]
    west, south, east, north = city.area.bounds
    plan = layout(size, len(names), bool(changes), (east - west) / (north - south))
    sheet = pixels(figure, size, (0, 0, *size))
    told = {name: total_of(data, variable) for name, (_, data) in panels.items()}
    percent = is_share(variable, str(base.attrs.get("units", "")))
    solid = cell_step(base) < FINE and scale.family in ("wind", "heat")

    for name, letter, box in zip(names, "ABCD", plan.maps, strict=False):
        draw_map(axes_at(figure, size, box), panels[name][0], fields[name], ramp, limits,
                 solid=solid)
        dress(sheet, box, name, letter if len(names) > 1 else "", east - west, unit,
               0.0 if plan.chart else plan.beside)
        _say(sheet, plan.words(box), told[name], unit)
    for (name, change), letter, box in zip(changes.items(), "BCD", plan.changes, strict=False):
        after = panels[name][0]
        parts = plan_changes(city, after)
        draw_map(axes_at(figure, size, box), after, change, scale.change(), (-top, top),
                 blank=dead_band(top), outlines=parts, solid=solid)
        dress(sheet, box, f"Change  {letter} {MINUS} A", "", east - west, unit, plan.beside)
        _say_change(sheet, plan.words(box), told[names[0]], told[name], unit, parts)

    label = pretty_label(str(base.attrs.get("long_name", variable)))
    units = legend_units(variable, str(base.attrs.get("units", "")))
    ends = extend(*limits, *fields.values())
    if plan.chart:
        x, y, wide, high = plan.chart
        tips = {"neither": (0, 0), "min": (1, 0), "max": (0, 1), "both": (1, 1)}[ends]
        body = wide / (1 + TIP * sum(tips))
        _histogram(figure, size, (x + tips[0] * TIP * body, y, body, high), base, cells, ramp,
                   limits, unit)
    colour_bar(figure, size, plan.bars[0], ramp, limits, ends, label, units, percent=percent)
    if changes:
        dead = short(dead_band(top) * (100 if percent else 1))
        note = ", ".join(w for w in (scale.good_word, f"no colour = less than ±{dead}") if w)
        colour_bar(figure, size, plan.bars[1], scale.change(), (-top, top),
                   extend(-top, top, *changes.values()), "Change",
                   "percentage points" if percent else units, note=note, percent=percent)


def _histogram(figure: Figure, size: tuple[int, int], box: Box, values: xr.DataArray,
               cells: xr.Dataset, ramp: Colormap, limits: tuple[float, float],
               unit: float) -> None:
    """Share of the study area by value, standing on the legend bar."""
    axes = axes_at(figure, size, box)
    area = values_of(cells, "cell_area") if "cell_area" in cells else xr.ones_like(values)
    share = share_by_value(values, area, limits)
    edges = np.linspace(*limits, CLASSES + 1)
    middle = (edges[1:] + edges[:-1]) / 2
    axes.bar(middle, share, width=0.92 * (edges[1] - edges[0]), edgecolor="#8d9099",
             linewidth=0.4, color=ramp((middle - limits[0]) / (limits[1] - limits[0])))
    axes.set(xlim=limits, xticks=[])
    axes.set_title("Share of the study area by value [%]; values beyond the ends in the last bars",
                   loc="left", fontsize=points(15, unit), color=GREY, pad=8)
    axes.tick_params(labelsize=points(14, unit))
    for name in ("top", "right"):
        axes.spines[name].set_visible(False)


def _say(sheet: Axes, box: Box, told: Total, unit: float) -> None:
    x, y, wide, _ = box
    fitted(sheet, x, y, told.words, 26 * unit, wide, weight="bold", color=INK)
    lines = [f"{told.word} {told.where}"]
    if told.span:
        lines = ([f"{told.word}, {told.span}"] if wide > 320 * unit else
                 [*lines, "95 % range", told.span.removeprefix("95 % range ")])
    for k, line in enumerate(lines):
        fitted(sheet, x, y - (25 + 20 * k) * unit, line, 15 * unit, wide, color=GREY)


def _say_change(sheet: Axes, box: Box, base: Total, plan: Total, unit: float,
                parts: Mapping[str, gpd.GeoDataFrame]) -> None:
    x, y, wide, _ = box
    value, share = plan.change(base)
    share = f"({share})" if share else ""
    items = [(CHANGE[kind], f"{kind} ({len(part):,})", "line") for kind, part in parts.items()]
    below = y - 26 * unit
    if wide > 320 * unit:
        fitted(sheet, x, y, f"{value}  {share}".strip(), 26 * unit, wide, weight="bold", color=INK)
    else:
        fitted(sheet, x, y, value, 26 * unit, wide, weight="bold", color=INK)
        fitted(sheet, x, y - 30 * unit, share, 20 * unit, wide, weight="bold", color=INK)
        below = y - 64 * unit
    swatches(sheet, (x, below), items, unit, wide)
