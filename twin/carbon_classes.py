"""Classes of emissions per hectare, even on a square root: their colours, maps and bar."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr
from matplotlib.colors import Colormap, ListedColormap
from numpy.typing import ArrayLike, NDArray

from layers.city import City
from twin.carbon_cells import UNITS
from twin.fonts import Box, fitted, points, pretty_units, text_width
from twin.rasters import crossing
from twin.scene.figures import short
from twin.scene.ground import SHORE
from twin.scene.palette import palette
from twin.scene.planview import draw_map, rings

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Class edges as shares of the top one, near even steps of a square root; all are round where the
# top is.
EDGES = (0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.4, 0.6, 0.8, 1.0)
_TOPS = (1.0, 2.0, 4.0, 5.0, 6.0, 8.0, 10.0)


def round_top(*values: ArrayLike) -> float:
    """Return the round number near or above all but the densest two in a hundred of the cells.

    Cells that hold nothing are left out; 1 where all are.
    """
    flat = np.concatenate([np.ravel(v) for v in values] or [np.zeros(0)])
    flat = flat[np.isfinite(flat) & (flat > 0)]
    if not flat.size:
        return 1.0
    high = float(np.percentile(flat, 98))
    power = 10.0 ** math.floor(math.log10(high))
    return float(f"{next(s for s in _TOPS if s * power >= 0.95 * high) * power:.6g}")


def classes(top: float, sink: bool) -> tuple[NDArray[np.float64], Colormap]:
    """Return the edges of the classes and a colour for each: the one that begins at each edge.

    Parameters
    ----------
    top
        Where the last class begins.
    sink
        Whether it is uptake.
    """
    edges = np.array(EDGES) * top
    root = np.sqrt(EDGES)
    middle = np.append((root[:-1] + root[1:]) / 2, 1.06) / 1.06
    ramp = palette("sinks" if sink else "co2").ramp()
    return edges, ListedColormap(ramp(middle), name="sinks" if sink else "emissions")


def draw_classes(axes: Axes, city: City, cells: xr.DataArray, top: float, sink: bool) -> None:
    """Draw a result per cell in its classes over the pale ground of a city.

    Parameters
    ----------
    axes
        Matplotlib axes.
    city
        The city.
    cells
        The result on (y, x), rising. What is below the first class lets the ground through.
    top
        Where the last class begins [units of the result].
    sink
        Whether it is uptake.
    """
    from matplotlib.collections import PolyCollection

    edges, ramp = classes(top, sink)
    number_of = np.digitize(np.nan_to_num(cells.to_numpy()), edges * (1 - 1e-12))
    draw_map(axes, city, cells.copy(data=number_of.astype(float)), ramp,
             (0.5, len(edges) + 0.5), blank=0.25)
    water = rings(crossing(city.frame("water"), city.area.bounds))
    axes.add_collection(PolyCollection(water, facecolors="none", edgecolors=SHORE,
                                       linewidths=1.1, zorder=3))


def class_bar(sheet: Axes, box: Box, top: float, sink: bool, unit: float, *,
              over: bool, label: str = "") -> None:
    """Draw the classes as a bar, each as wide as it is on a square root.

    Parameters
    ----------
    sheet
        Axes over the whole picture, in its pixels.
    box
        Left, bottom, width and height of the bar [pixels].
    top
        Where the last class begins.
    sink
        Whether it is uptake.
    unit
        Pixels of the picture per pixel of one with 1080 lines.
    over
        Whether any value is in the last class, which has no end.
    label
        What stands above it.
    """
    from matplotlib.patches import Polygon, Rectangle

    edges, ramp = classes(top, sink)
    x, y, wide, high = box
    tip = 0.045 * wide if over else 0.0
    at = x + np.sqrt(np.concatenate([[0.0], EDGES])) * (wide - tip)
    for k in range(len(at) - 1):
        colour = "#f7f6f2" if k == 0 else ramp(k - 1)
        sheet.add_patch(Rectangle((at[k], y), at[k + 1] - at[k], high, facecolor=colour,
                                  edgecolor="#8d9099", linewidth=0.5 * unit))
    if over:
        sheet.add_patch(Polygon([(at[-1], y), (x + wide, y + high / 2), (at[-1], y + high)],
                                facecolor=ramp(len(edges) - 1), edgecolor="#8d9099",
                                linewidth=0.5 * unit))
    free = -math.inf
    for place, value in zip(at, [0.0, *edges], strict=True):
        told = short(float(f"{value:.4g}"))
        half = text_width(sheet, told, 13 * unit) / 2
        if place - half < free:
            continue  # there is no room for this one
        free = place + half + 5 * unit
        sheet.text(place, y - 6 * unit, told, fontsize=points(13, unit), ha="center", va="top",
                   color="#4a4e57")
    words = label or ("Taken up by green" if sink else "Emitted")
    fitted(sheet, x, y + high + 8 * unit, f"{words} [{pretty_units(UNITS)}], square-root classes",
           15 * unit, wide, weight="bold")
