"""A result in plan, over the pale ground of a city, with footprints and what a plan changes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import shapely
import xarray as xr
from matplotlib.colors import Colormap

from layers.city import City
from twin.fonts import GREY
from twin.rasters import crossing
from twin.scene.changes import CHANGE
from twin.scene.figures import FINE, cell_step
from twin.scene.ground import CORRIDOR, ground_image
from twin.scene.shown import Shown

if TYPE_CHECKING:
    from matplotlib.axes import Axes


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
        rings(footprints), facecolors="#fdfdfc" if solid else "none",
        edgecolors="#8d9099" if solid else "#30343c73", linewidths=0.32 * pen, zorder=2))
    corridors = crossing(city.frame("corridors"), bounds)
    if len(corridors):
        from layers.corridors import ground

        wide = gpd.GeoDataFrame(geometry=ground(corridors))
        for colour, line in (("#ffffff", 3.2), (CORRIDOR, 1.6)):
            axes.add_collection(PolyCollection(rings(wide), facecolors="none", edgecolors=colour,
                                               linewidths=line * pen, zorder=3))
    for kind, part in (outlines or {}).items():
        for colour, line in (("#ffffff", 2.4), (CHANGE[kind], 1.3)):
            axes.add_collection(PolyCollection(
                rings(crossing(part, bounds)), facecolors="none", edgecolors=colour,
                linewidths=line * pen, zorder=4))
    _edge(axes, city)


def draw_draped(axes: Axes, city: City, shown: Shown, *, size: int) -> None:
    """Draw a result on roofs and ground in plan, each roof in the colours of its own cells.

    Parameters
    ----------
    axes
        Matplotlib axes; they get the city's metres and the study area's frame.
    city
        The city.
    shown
        The result, with the owner of each cell.
    size
        Pixels along the longer side.
    """
    from matplotlib.collections import PolyCollection

    west, south, east, north = bounds = city.area.bounds
    axes.imshow(ground_image(city, bounds, size=size, shown=shown),
                extent=(west, east, south, north), origin="lower", interpolation="antialiased",
                zorder=0)
    pen = min(1.0, max(0.35, axes.get_window_extent().width / (east - west) * 1.1))
    axes.add_collection(PolyCollection(
        rings(crossing(city.frame("buildings"), bounds)), facecolors="none",
        edgecolors="#1d2026b0", linewidths=0.35 * pen, zorder=2))
    _edge(axes, city)


def _edge(axes: Axes, city: City) -> None:
    """Draw the edge of the study area and set the frame to it."""
    from matplotlib.collections import PolyCollection

    west, south, east, north = city.area.bounds
    edge = gpd.GeoDataFrame(geometry=[city.area], crs=city.crs)
    axes.add_collection(PolyCollection(rings(edge), facecolors="none", edgecolors=GREY,
                                       linewidths=0.9, zorder=5, clip_on=False))
    axes.set(xlim=(west, east), ylim=(south, north), xticks=[], yticks=[], aspect="equal")
    axes.set_axis_off()


def rings(layer: gpd.GeoDataFrame) -> list[Any]:
    """Return the rings of polygons as arrays of points, (n, 2) each."""
    found = shapely.get_rings(shapely.get_parts(layer.geometry.values))
    points, ring = shapely.get_coordinates(found, return_index=True)
    return np.split(points, np.flatnonzero(np.diff(ring)) + 1) if len(found) else []
