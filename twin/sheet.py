"""The sheet: one variable in plan, before, after and the change, with all that a reader needs."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import shapely
import xarray as xr
from matplotlib.colors import Colormap

from layers.city import City
from layers.errors import GridError, MissingInput, SourceError
from layers.provenance import now
from twin.fonts import (
    GREY,
    INK,
    MINUS,
    Box,
    axes_at,
    drawing,
    fitted,
    footer,
    header,
    heading,
    pixels,
    points,
    pretty_label,
    pretty_units,
    text_width,
)
from twin.label import Var
from twin.rasters import burn, crossing
from twin.result import Twin
from twin.scene.build import FINE, cell_step, change_colour, plan_changes, values_of
from twin.scene.ground import CORRIDOR, ground_image
from twin.scene.palette import (
    Extend,
    dead_band,
    declared,
    extend,
    nice_ceil,
    nice_limits,
    palette,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Panels = Mapping[str, tuple[City, xr.Dataset]]

BACK = "#ffffff"
_TIP = 0.035  # length of an arrow end, as a share of a legend bar


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


def figures(cells: xr.Dataset, variable: str) -> tuple[float, float, float, str, str]:
    """Return the total or mean of a result over the study area, as `Twin.totals` has it.

    Parameters
    ----------
    cells
        Results with ``cell_area`` [m2], the part of each cell inside the study area; whole cells
        where it is missing.
    variable
        Name of the result.

    Returns
    -------
    tuple
        Value, low and high end (NaN without a range), their units, and ``"total"`` or ``"mean"``.
    """
    values = values_of(cells, variable)
    if "cell_area" not in cells:
        cells = cells.assign(cell_area=xr.full_like(values, cell_step(values) ** 2, dtype=float))
    var = declared(variable)
    if var is None or var.total is None:
        var = Var(variable, str(values.attrs.get("units", "1")), variable, total="mean",
                  estimate=True)
    parts = [declared(part.removeprefix("-")) for part in var.parts]
    whole = {p.name: p for p in parts if p is not None and {p.name, f"{p.name}_low"} <= set(cells)}
    var = replace(var, estimate=var.estimate and {f"{variable}_low", f"{variable}_high"}
                  <= set(cells), parts=var.parts if len(whole) == len(parts) else ())
    row: Any = Twin(cells, variables={**whole, variable: var}).totals().loc[variable]
    return (float(row["value"]), float(row["low"]), float(row["high"]), str(row["unit"]),
            "total" if var.total == "sum" else "mean")


def draw_map(axes: Axes, city: City, values: xr.DataArray, ramp: Colormap,
             limits: tuple[float, float], *, blank: float | None = None,
             outlines: Mapping[str, gpd.GeoDataFrame] | None = None, solid: bool = False) -> None:
    """Draw a result in plan over the pale ground of a city, with its footprints on top.

    Parameters
    ----------
    axes
        Matplotlib axes; they get the city's metres and the study area's frame.
    city
        The city.
    values
        The result on (y, x), rising.
    ramp, limits
        Colours and the values of their ends.
    blank
        Values no further from zero let the ground through; 0.4 % of the limits by default.
    outlines
        Buildings to outline by kind of change.
    solid
        Whether to fill the footprints, for fields that mean nothing inside buildings.
    """
    from matplotlib.collections import PolyCollection

    west, south, east, north = bounds = city.area.bounds
    # Lines are thinner where a pixel is more ground.
    pen = min(1.0, max(0.35, axes.get_window_extent().width / (east - west) * 2.2))
    axes.imshow(ground_image(city, bounds, size=900, muted=True), extent=(west, east, south, north),
                origin="lower", interpolation="antialiased", zorder=0)
    step = cell_step(values)
    x, y = values["x"].to_numpy(), values["y"].to_numpy()
    blank = 0.004 * max(map(abs, limits)) if blank is None else blank
    seen = values.where(np.abs(values) > blank).to_numpy()
    axes.imshow(np.ma.masked_invalid(seen), cmap=ramp, vmin=limits[0], vmax=limits[1],
                extent=(x[0] - step / 2, x[-1] + step / 2, y[0] - step / 2, y[-1] + step / 2),
                origin="lower", interpolation="antialiased" if step < FINE else "nearest",
                zorder=1)
    footprints = crossing(city.frame("buildings"), bounds)
    axes.add_collection(PolyCollection(
        _rings(footprints), facecolors="#fdfdfc" if solid else "none",
        edgecolors="#8d9099" if solid else "#30343c73", linewidths=0.32 * pen, zorder=2))
    corridors = crossing(city.frame("corridors"), bounds)
    if len(corridors):
        from layers.corridors import ground

        wide = gpd.GeoDataFrame(geometry=ground(corridors))
        for colour, line in (("#ffffff", 3.2), (CORRIDOR, 1.6)):
            axes.add_collection(PolyCollection(_rings(wide), facecolors="none", edgecolors=colour,
                                               linewidths=line * pen, zorder=3))
    for kind, part in (outlines or {}).items():
        for colour, line in (("#ffffff", 2.4), (change_colour(kind), 1.3)):
            axes.add_collection(PolyCollection(
                _rings(crossing(part, bounds)), facecolors="none", edgecolors=colour,
                linewidths=line * pen, zorder=4))
    edge = gpd.GeoDataFrame(geometry=[city.area], crs=city.crs)
    axes.add_collection(PolyCollection(_rings(edge), facecolors="none", edgecolors=GREY,
                                       linewidths=0.9, zorder=5, clip_on=False))
    axes.set(xlim=(west, east), ylim=(south, north), xticks=[], yticks=[], aspect="equal")
    axes.set_axis_off()


def _rings(layer: gpd.GeoDataFrame) -> list[Any]:
    rings = shapely.get_rings(shapely.get_parts(layer.geometry.values))
    points, ring = shapely.get_coordinates(rings, return_index=True)
    return np.split(points, np.flatnonzero(np.diff(ring)) + 1) if len(rings) else []


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
            shapes = [g for k in ("removed", "new") if k in parts for g in parts[k].geometry]
            if shapes:
                x, y = change["x"].to_numpy(), change["y"].to_numpy()
                change = change.where(burn(shapes, np.ones(len(shapes), int), x, y, fill=0) == 0)
        found[name] = change
    return found


def _conditions(city: City, cells: xr.Dataset, values: xr.DataArray, weather: str,
                date: str) -> str:
    if not weather and palette(str(values.name)).family in ("sun", "wind", "heat"):
        weather = str(cells.attrs.get("weather", ""))
    said = [city.name, f"{cell_step(values):g} m cells",
            "" if weather == "none" else weather, date or now()[:10]]
    return "  ·  ".join(part for part in said if part)


def _fill(figure: Figure, size: tuple[int, int], panels: Panels, variable: str,
          changes: Mapping[str, xr.DataArray]) -> None:
    """Lay out maps, the figures under them and the legends."""
    unit = size[1] / 1080
    names = list(panels)
    city, cells = panels[names[0]]
    fields = {name: values_of(data, variable) for name, (_, data) in panels.items()}
    scale, base = palette(variable), fields[names[0]]
    limits = nice_limits(*fields.values())
    ramp = scale.ramp(*limits)
    top = nice_limits(*changes.values(), symmetric=True)[1]
    west, south, east, north = city.area.bounds
    plan = _layout(size, len(names), bool(changes), (east - west) / (north - south))
    sheet = pixels(figure, size, (0, 0, *size))
    told = {name: figures(data, variable) for name, (_, data) in panels.items()}
    percent = _percent(variable, str(base.attrs.get("units", "")))
    solid = cell_step(base) < FINE and scale.family in ("wind", "heat")

    for name, letter, box in zip(names, "ABCD", plan.maps, strict=False):
        draw_map(axes_at(figure, size, box), panels[name][0], fields[name], ramp, limits,
                 solid=solid)
        _dress(sheet, box, name, letter if len(names) > 1 else "", east - west, unit,
               0.0 if plan.chart else plan.beside)
        _say(sheet, plan.words(box), told[name], percent, unit)
    for (name, change), letter, box in zip(changes.items(), "BCD", plan.changes, strict=False):
        after = panels[name][0]
        parts = plan_changes(city, after)
        draw_map(axes_at(figure, size, box), after, change, scale.change(), (-top, top),
                 blank=dead_band(top), outlines=parts, solid=solid)
        _dress(sheet, box, f"Change  {letter} {MINUS} A", "", east - west, unit, plan.beside)
        _say_change(sheet, plan.words(box), told[names[0]], told[name], percent, unit, parts)

    label = pretty_label(str(base.attrs.get("long_name", variable)))
    units = "%" if percent else pretty_units(str(base.attrs.get("units", "")))
    ends = extend(*limits, *fields.values())
    if plan.chart:
        x, y, wide, high = plan.chart
        tips = {"neither": (0, 0), "min": (1, 0), "max": (0, 1), "both": (1, 1)}[ends]
        body = wide / (1 + _TIP * sum(tips))
        _histogram(figure, size, (x + tips[0] * _TIP * body, y, body, high), base, cells, ramp,
                   limits, unit)
    colour_bar(figure, size, plan.bars[0], ramp, limits, ends, label, units, percent=percent)
    if changes:
        dead = _short(dead_band(top) * (100 if percent else 1))
        note = ", ".join(w for w in (scale.good_word, f"no colour = less than ±{dead}") if w)
        colour_bar(figure, size, plan.bars[1], scale.change(), (-top, top),
                   extend(-top, top, *changes.values()), "Change",
                   "percentage points" if percent else units, note=note, percent=percent)


@dataclass(frozen=True)
class _Layout:
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


def _layout(size: tuple[int, int], count: int, change: bool, ratio: float) -> _Layout:
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
        return _Layout([box], [], [(x, lower + 28 * unit, 0.6 * full, bar)], 0.0, unit,
                       (x, lower + 108 * unit, 0.6 * full, max(deep - 60 * unit, 40 * unit)))
    if count == 1:
        high = min(upper - lower - head - 6 * unit, (full - 700 * unit) / ratio)
        box = (side, upper - head - high, high * ratio, high)
        x = side + high * ratio + 84 * unit
        wide = size[0] - side - x
        return _Layout([box], [], [(x, box[1] + 30 * unit, wide, bar)], wide, unit,
                       (x, box[1] + 112 * unit, wide, min(0.64 * high, 560 * unit)))
    if count == 2 and change and ratio > 1.9:
        step = (upper - lower) / 3
        high = min(step - head - 12 * unit, (full - 520 * unit) / ratio)
        beside = full - high * ratio - 16 * unit
        boxes = [(side, upper - head - high - k * step, high * ratio, high) for k in range(3)]
        x = side + full - beside
        bars = [(x, boxes[k][1] + 26 * unit, beside, bar) for k in (0, 2)]
        return _Layout(boxes[:2], boxes[2:], bars, beside, unit)

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
        return _Layout(boxes[:count], boxes[count:], bars, beside, unit)
    y = upper - step - head - 40 * unit
    bars = [(side, y - k * 110 * unit, 0.94 * column, bar) for k in range(2)]
    return _Layout(boxes[:count], boxes[count + 1:], bars, beside, unit)


def _histogram(figure: Figure, size: tuple[int, int], box: Box, values: xr.DataArray,
               cells: xr.Dataset, ramp: Colormap, limits: tuple[float, float],
               unit: float) -> None:
    """Share of the study area by value, standing on the legend bar."""
    axes = axes_at(figure, size, box)
    at = values.to_numpy().ravel()
    weight = (values_of(cells, "cell_area").to_numpy().ravel() if "cell_area" in cells
              else np.ones(at.size))
    known = np.isfinite(at)
    edges = np.linspace(*limits, 31)
    share, _ = np.histogram(np.clip(at[known], *limits), bins=edges, weights=weight[known])
    share = 100 * share / max(float(weight[known].sum()), 1e-12)
    middle = (edges[1:] + edges[:-1]) / 2
    axes.bar(middle, share, width=0.92 * (edges[1] - edges[0]), edgecolor="#8d9099",
             linewidth=0.4, color=ramp((middle - limits[0]) / (limits[1] - limits[0])))
    axes.set(xlim=limits, xticks=[])
    axes.set_title("Share of the study area by value [%]; values beyond the ends in the last bars",
                   loc="left", fontsize=points(15, unit), color=GREY, pad=8)
    axes.tick_params(labelsize=points(14, unit))
    for name in ("top", "right"):
        axes.spines[name].set_visible(False)


def _dress(sheet: Axes, box: Box, name: str, letter: str, metres: float, unit: float,
           more: float = 0.0) -> None:
    """Name above a map, scale bar and north arrow on it."""
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


def _say(sheet: Axes, box: Box, told: tuple[float, float, float, str, str], percent: bool,
         unit: float) -> None:
    value, low, high, units, word = told
    x, y, wide, _ = box
    times = 100 if percent else 1
    text = f"{_number(value * times)} {'%' if percent else pretty_units(units)}".strip()
    fitted(sheet, x, y, text, 26 * unit, wide, weight="bold", color=INK)
    lines = [f"{word} of the study area"]
    if math.isfinite(low) and math.isfinite(high):
        span = f"95 % range {_number(low * times)} to {_number(high * times)}"
        lines = ([f"{word}, {span}"] if wide > 320 * unit else
                 [*lines, "95 % range", span.removeprefix("95 % range ")])
    for k, line in enumerate(lines):
        fitted(sheet, x, y - (25 + 20 * k) * unit, line, 15 * unit, wide, color=GREY)


def _say_change(sheet: Axes, box: Box, base: tuple[float, float, float, str, str],
                plan: tuple[float, float, float, str, str], percent: bool, unit: float,
                parts: Mapping[str, gpd.GeoDataFrame]) -> None:
    x, y, wide, _ = box
    change = (plan[0] - base[0]) * (100 if percent else 1)
    units = "points" if percent else pretty_units(base[3])
    value = f"{_number(change, sign=True, like=base[0])} {units}".strip() if change else "no change"
    share = (f"({100 * (plan[0] / base[0] - 1):+.1f} %)".replace("-", MINUS)
             if change and base[0] and math.isfinite(change) and not percent else "")
    items = [(change_colour(kind), f"{kind} ({len(part):,})", "line")
             for kind, part in parts.items()]
    if wide > 320 * unit:
        fitted(sheet, x, y, f"{value}  {share}".strip(), 26 * unit, wide, weight="bold", color=INK)
        swatches(sheet, (x, y - 26 * unit), items, unit)
        return
    fitted(sheet, x, y, value, 26 * unit, wide, weight="bold", color=INK)
    fitted(sheet, x, y - 30 * unit, share, 20 * unit, wide, weight="bold", color=INK)
    for k, item in enumerate(items):
        swatches(sheet, (x, y - (64 + 26 * k) * unit), [item], unit)


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
                   extend=ends, extendfrac=_TIP)
    ticks = _ticks(*limits)
    bar.set_ticks(ticks, labels=[_short(t * (100 if percent else 1)) for t in ticks])
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
             unit: float) -> float:
    """Draw a line of legend entries (colour, words, ``line`` or ``fill``); return where it ends."""
    from matplotlib.patches import Rectangle

    sizes = [text_width(axes, words, 15 * unit) + 44 * unit for _, words, _ in items]
    x, y = at
    for (colour, words, kind), wide in zip(items, sizes, strict=True):
        fill = colour if kind == "fill" else "none"
        edge = colour if kind == "line" else "#7d7d7d"
        axes.add_patch(Rectangle((x, y - 2 * unit), 20 * unit, 14 * unit, facecolor=fill,
                                 edgecolor=edge, linewidth=(2.2 if kind == "line" else 0.6) * unit))
        axes.text(x + 27 * unit, y - 1 * unit, words, fontsize=points(15, unit), color=INK)
        x += wide
    return x


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


def _percent(variable: str, units: str) -> bool:
    return units in ("1", "") and variable.endswith(("share", "coverage"))


def _ticks(low: float, high: float) -> list[float]:
    """Five to seven even ticks; of the ways to cut, the one with the shortest numbers."""
    cuts = (4, 6) if low == -high else (4, 5, 6)
    ways = [[float(f"{low + (high - low) * k / n:.9g}") for k in range(n + 1)] for n in cuts]
    return min(ways, key=lambda ticks: (max(len(_short(t)) for t in ticks), len(ticks)))


def _short(value: float) -> str:
    return (f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}").replace("-", MINUS)


def _number(value: float, *, sign: bool = False, like: float | None = None) -> str:
    """Three figures, but no more than one place beyond those of ``like``; thousands apart."""
    if not math.isfinite(value):
        return "unknown"
    places = 2 - math.floor(math.log10(abs(value))) if value else 0
    if like:
        places = min(places, 3 - math.floor(math.log10(abs(like))))
    rounded = round(value, places)
    text = f"{rounded:{'+' if sign and rounded else ''},.{max(0, places)}f}"
    return text.replace("-", MINUS)
