"""The wind in plan: its speed shaded and its paths as lines, near the ground and over the roofs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from layers.city import City
from layers.errors import MissingInput
from layers.provenance import now
from twin.fonts import GREY, INK, Box, axes_at, drawing, fitted, pixels, points
from twin.furniture import BACK, colour_bar, footer, header, north_arrow, save
from twin.rasters import crossing, surface
from twin.scene.palette import extend, nice_ceil, palette
from twin.scene.planview import draw_map, rings

if TYPE_CHECKING:
    from matplotlib.axes import Axes

NAMES = ("north", "north-east", "east", "south-east", "south", "south-west", "west", "north-west")
SOLID, EDGE = "#d9d9d6", "#9a9ca3"
OTHER = ("Weather", "Traffic")  # sources of nothing that is drawn here
SAID = ("Lines: paths of the mean wind. Grey: buildings that reach higher. Mass-consistent model "
        "with empirical wakes; beyond the edge nothing is known.")


def draw_wind(city: City, path: str | Path, *, wind_from: float = 225.0,
              levels: tuple[float, ...] = (2.0, 22.0), cell: float = 3.0,
              size: tuple[int, int] = (1920, 1180)) -> Path:
    """Compute the wind of one direction over a city and draw it at one to three heights.

    Parameters
    ----------
    city
        The city; its terrain is taken as flat.
    path
        File to write, PNG, SVG or PDF by its ending.
    wind_from
        Direction the wind comes from, clockwise from north [degrees].
    levels
        Heights above the ground, rising, one to three [m].
    cell
        Side of a cell [m].
    size
        Width and height [pixels].

    Returns
    -------
    pathlib.Path
        The file.
    """
    from matplotlib.figure import Figure

    from twin.wind.sectors import solve_direction

    if not 1 <= len(levels) <= 3:
        raise MissingInput(f"a picture shows 1 to 3 heights, got {len(levels)}")
    stands = surface(city, cell)
    found = solve_direction(stands["height"].to_numpy(), cell, levels, wind_from,
                            canopy=stands["canopy"].to_numpy(), x=stands["x"], y=stands["y"])
    unit, count = size[1] / 1080, len(levels)
    west, south, east, north = city.area.bounds
    gap, margin, upper, lower = (v * unit for v in (28, 40, 150, 156))
    wide = min((size[0] - 2 * margin - gap * (count - 1)) / count,
               (size[1] - upper - lower) * (east - west) / (north - south))
    high = wide * (north - south) / (east - west)
    left = (size[0] - count * wide - gap * (count - 1)) / 2
    ramp = palette("wind_speed").ramp()
    blows = NAMES[round(wind_from % 360 / 45) % 8]
    with drawing():
        figure = Figure(figsize=(size[0] / 100, size[1] / 100), dpi=100, facecolor=BACK)
        header(figure, size, f"Wind from the {blows}",
               f"{city.name}  ·  {cell:g} m cells  ·  neutral air, flat ground  ·  divergence left "
               f"{float(found['residual']):.0e}  ·  {now()[:10]}")
        sheet = pixels(figure, size, (0, 0, *size))
        for n, level in enumerate(levels):
            box = (left + n * (wide + gap), size[1] - upper - high, wide, high)
            axes = axes_at(figure, size, box)
            wind = found.sel(level=level)
            top = nice_ceil(float(np.nanpercentile(wind["speed"], 99)))
            _map(axes, city, wind, float(level), ramp, top)
            fitted(sheet, box[0], box[1] + high + 12 * unit, f"{level:g} m above the ground",
                   22 * unit, wide, weight="bold", color=INK)
            _furniture(sheet, box, east - west, wind_from, unit)
            colour_bar(figure, size, (box[0], 104 * unit, wide, 16 * unit), ramp, (0.0, top),
                       extend(0.0, top, wind["speed"]),
                       "Speed over that of a weather station in the open at 10 m", "")
        fitted(sheet, left, 60 * unit, SAID, 15 * unit, size[0] - 2 * left, color=GREY)
        footer(figure, size, [line for line in city.sources if not line.startswith(OTHER)])
        return save(figure, path)


def _map(axes: Axes, city: City, wind: xr.Dataset, level: float, ramp: Any, top: float) -> None:
    """Draw the speed, what reaches above the level in grey, and the paths of the air."""
    from matplotlib.collections import PolyCollection
    from matplotlib.colors import ListedColormap

    draw_map(axes, city, wind["speed"], ramp, (0.0, top), blank=0.0)
    frame = (*axes.get_xlim(), *axes.get_ylim())
    x, y = (np.linspace(float(a[0]), float(a[-1]), len(a)) for a in (wind["x"], wind["y"]))
    half = 0.5 * (x[1] - x[0])
    axes.imshow(np.where(np.isnan(wind["speed"]), 1.0, np.nan), cmap=ListedColormap([SOLID]),
                extent=(x[0] - half, x[-1] + half, y[0] - half, y[-1] + half), origin="lower",
                interpolation="nearest", zorder=5.5)
    footprints = crossing(city.frame("buildings"), city.area.bounds)
    high = footprints[footprints["height"] > level]
    axes.add_collection(PolyCollection(rings(high), facecolors=SOLID, edgecolors=EDGE,
                                       linewidths=0.35, zorder=6))
    u, v = (np.ma.masked_invalid(wind[name].to_numpy()) for name in "uv")
    speed = np.hypot(u, v).filled(0.0)
    closed = float(np.isnan(wind["speed"]).mean())  # lines in streets are short, so more of them
    axes.streamplot(x, y, u, v, density=1.6 + 5.0 * closed, color="#15223f", arrowsize=0.5,
                    linewidth=0.25 + 0.65 * np.clip(speed / (0.6 * top), 0, 1), minlength=0.035,
                    zorder=5)
    axes.set(xlim=frame[:2], ylim=frame[2:])


def _furniture(sheet: Axes, box: Box, metres: float, wind_from: float, unit: float) -> None:
    """Draw scale bar, north arrow and the arrow of the wind on a map."""
    x, y, wide, high = box
    length = nice_ceil(0.16 * metres)
    bar, at, down, pad = length / metres * wide, x + 16 * unit, y + 18 * unit, 9 * unit
    sheet.fill([at - pad, at + bar + pad, at + bar + pad, at - pad],
               [down - pad, down - pad, down + 28 * unit, down + 28 * unit], color="white",
               alpha=0.85, lw=0)
    sheet.plot([at, at, at + bar, at + bar], [down + 6 * unit, down, down, down + 6 * unit],
               color=INK, lw=1.6 * unit, solid_joinstyle="miter")
    sheet.text(at + bar / 2, down + 9 * unit, f"{length:,.0f} m", fontsize=points(14, unit),
               ha="center", va="bottom", color=INK)
    east, low = x + wide - 24 * unit, y + high - 60 * unit
    sheet.fill([east - 96 * unit, east + 18 * unit, east + 18 * unit, east - 96 * unit],
               [low - 10 * unit, low - 10 * unit, low + 54 * unit, low + 54 * unit],
               color="white", alpha=0.85, lw=0)
    north_arrow(sheet, (east, low), (0.0, 1.0), unit)
    angle = np.deg2rad(wind_from)
    along = np.array([-np.sin(angle), -np.cos(angle)])
    middle = np.array([east - 58 * unit, low + 22 * unit])
    tail, tip = middle - 24 * unit * along, middle + 24 * unit * along
    sheet.annotate("", tuple(tip), tuple(tail), arrowprops={
        "arrowstyle": "-|>", "color": "#2a6aa6", "lw": 3.2 * unit, "mutation_scale": 17 * unit})
