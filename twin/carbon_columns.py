"""Where CO2 comes from, in 3D: one column a cell on the ground plan, stacked by sector."""

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
)
from twin.carbon_legend import COLOURS, draw_legend
from twin.fonts import (
    GREY,
    INK,
    drawing,
    pixels,
    points,
    pretty_units,
)
from twin.furniture import BACK, footer, header, save
from twin.opengl import probe
from twin.render import render
from twin.result import Twin
from twin.scene.build import Scene
from twin.scene.camera import Camera, fit_camera
from twin.scene.columns import columns_scene, staff_feet
from twin.scene.figures import short
from twin.still import dress_view

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# From the ground up. Uses of buildings end on top, where they are seen, and what the boundary may
# leave out stands below them.
ORDER = ("construction", "traffic", "consumption", "work", "homes")
TALL = 0.26     # height of the staff as a share of the ground
_COLUMN = 430   # width of the side column [pixels at 1080]
_SEEN = 0.25    # most of the staff's height that exaggerated uptake takes


def draw_carbon_columns(twin: Twin, path: str | Path, *, city: City | None = None,
                        boundary: str = "supply", top: float | None = None,
                        size: tuple[int, int] = (2400, 1350), title: str = "",
                        subtitle: str = "", sources: Sequence[str] | None = None,
                        date: str = "") -> Path:
    """Draw a column of emissions on every cell in 3D, stacked by sector, and write the picture.

    The height of a column is t CO2 per hectare and year, read at the staffs. Construction is
    spread over the life of the buildings and drawn too where the boundary leaves it out. Uptake is
    so small that it is drawn beside the columns, as many times taller as the picture says.
    Perspective hides cells at the back, so a small plan of the sums stands in the side column.

    Parameters
    ----------
    twin
        Results with a carbon account.
    path
        File to write, PNG, SVG or PDF by its ending.
    city
        The city of the twin; the twin's own buildings and roads when None.
    boundary
        One of `twin.carbon.boundaries.BOUNDARIES`.
    top
        Height of the staffs [t ha-1 a-1]; a round number above the highest column when None. Two
        pictures to be compared need the same.
    size
        Width and height [pixels].
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
    MissingExtra
        When PyVista or OpenGL is missing.
    MissingInput
        When the twin has no carbon account, nothing is emitted inside the boundary, or the city
        is another.
    CityTwinError
        When there is no such boundary.
    """
    from matplotlib.figure import Figure

    sectors = in_order(sectors_of(twin, boundary, uses=True))
    probe()
    city = ground_of(twin, city)
    scene, tick, marks, times = stacked(city, sectors, twin.cells["cell_area"], top)
    unit = size[1] / 1080
    column = _COLUMN * unit
    box = (90 * unit, 70 * unit, size[0] - column - 190 * unit, size[1] - 190 * unit)
    camera = fit_camera([scene], (round(box[2]), round(box[3])))
    lines = city.sources if sources is None else sources
    with drawing():
        figure = Figure(figsize=(size[0] / 100, size[1] / 100), dpi=100, facecolor=BACK)
        axes = pixels(figure, size, (box[0], box[1], *camera.size))
        axes.imshow(render(scene, camera), extent=(0, camera.size[0], 0, camera.size[1]),
                    origin="upper", interpolation="none", aspect="auto")
        dress_view(axes, scene, camera, "", ("", ""), "", unit)
        _label_staffs(axes, scene, camera, tick, marks, unit)
        header(figure, size, title or "CO₂ per hectare and year", subtitle or conditions(
            twin, boundary, boundary_total(ledger_of(twin), boundary), date or now()[:10]))
        draw_legend(figure, size, (size[0] - column - 40 * unit, 64 * unit, column,
                             size[1] - 190 * unit), twin, city, sectors, boundary, times)
        footer(figure, size, lines)
        return save(figure, path)


def in_order(sectors: Sequence[Sector]) -> list[Sector]:
    """Return sectors as they stand in a column, from the ground up, green last."""
    return sorted(sectors, key=lambda s: (s.sink, ORDER.index(s.key) if s.key in ORDER else 0))


def stacked(city: City, sectors: Sequence[Sector], area: xr.DataArray, top: float | None = None
            ) -> tuple[Scene, float, int, int]:
    """Return the scene of the columns, and how it is read.

    Parameters
    ----------
    city
        The city.
    sectors
        From `in_order`.
    area
        Area of each cell in the study area [m2].
    top
        Height of the staffs; a round number above the highest column when None [t ha-1 a-1].

    Returns
    -------
    tuple
        The scene, what a band of a staff stands for [t ha-1 a-1], number of bands, and how many
        times too tall uptake is drawn.
    """
    emitting = [s for s in sectors if not s.sink]
    green = next(s for s in sectors if s.sink)
    highest = top or float(np.nanmax(sum(s.cells.to_numpy() for s in emitting)))
    tick = _band(highest)
    marks = math.ceil(highest / tick - 1e-9)
    wide = max(city.area.bounds[2] - city.area.bounds[0], city.area.bounds[3] - city.area.bounds[1])
    most = float(np.nanmax(green.cells.to_numpy()))
    times = 1
    if most > 0:
        times = _below(_SEEN * tick * marks / most)
    scene = columns_scene(city, [(s.cells, COLOURS[s.key]) for s in emitting],
                          rise=TALL * wide / (tick * marks), tick=tick, marks=marks, area=area,
                          beside=(green.cells, COLOURS["sinks"], times) if most > 0 else None)
    return scene, tick, marks, times


def _band(highest: float) -> float:
    """Return a round step that cuts a height into four to eight bands."""
    power = 10.0 ** math.floor(math.log10(highest))
    return next(s * power for s in (0.2, 0.25, 0.5, 1.0, 2.0) if highest / (s * power) <= 8)


def _below(value: float) -> int:
    """Return the largest of 1, 2, 5, 10, 20, ... that is not above a value; 1 at the least."""
    if value < 1:
        return 1
    power = int(10 ** math.floor(math.log10(value)))
    return power * next(s for s in (5, 2, 1) if s * power <= value * (1 + 1e-9))


def _label_staffs(axes: Axes, scene: Scene, camera: Camera, tick: float, marks: int,
                  unit: float) -> None:
    """Set what a column so high stands for beside the staffs."""
    aside = camera.frame[0][:2] * 0.013 * max(scene.size)
    rise = _staff_height(scene) / marks
    for first, foot in enumerate(staff_feet(scene.bounds)):
        at = camera.project(np.column_stack([np.tile(foot - aside, (marks + 1, 1)),
                                             rise * np.arange(marks + 1)]))
        for k, (x, y) in list(enumerate(at))[first:]:  # at the back 0 lies behind columns
            axes.text(x, y, short(k * tick), fontsize=points(14, unit), ha="right", va="center",
                      color=INK)
        axes.text(at[-1, 0], at[-1, 1] + 22 * unit, pretty_units(UNITS),
                  fontsize=points(14, unit), ha="right", va="center", color=GREY)


def _staff_height(scene: Scene) -> float:
    """Return the height of the staffs of a scene [m]."""
    staff = scene.buildings.feature == -1
    return float(scene.buildings.vertices[scene.buildings.triangles[staff]][..., 2].max())
