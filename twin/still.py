"""The still: scenes drawn in 3D side by side, composed with title, legend, north and sources.

VTK draws the model only; all words are set by Matplotlib.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from layers.errors import MissingInput
from twin.fonts import GREY, drawing, fitted, heading, pixels, points, pretty_label
from twin.furniture import BACK, colour_bar, footer, header, north_arrow, save, swatches
from twin.opengl import probe
from twin.render import render
from twin.scene.build import Scene
from twin.scene.camera import Camera, Points, corners, fit_camera, ground_pixels
from twin.scene.figures import is_share, legend_units
from twin.scene.palette import extend
from twin.side_column import side_column
from twin.still_words import conditions_of, entries, note_of, title_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MARGIN, _COLUMN = 40, 400  # width of the rim and of a column beside the picture [pixels at 1080]


def draw_still(scenes: Mapping[str, Scene], path: str | Path, *,
               size: tuple[int, int] = (1920, 1080), title: str = "", subtitle: str = "",
               notes: Sequence[str] = (), sources: Sequence[str] | None = None,
               date: str = "") -> Path:
    """Draw scenes side by side from the same place and write a PNG.

    Parameters
    ----------
    scenes
        Panel name to scene, left to right, one to four of them.
    path
        File to write; it is replaced whole.
    size
        Width and height [pixels].
    title, subtitle
        Head line and one line of conditions; by default the name of the city, and the result
        shown with its cells and its weather where that matters, or the sun of a plain view, and
        the date.
    notes
        A line of figures or words a panel, in order of the panels; by default the total of the
        result shown with its 95 % range, and its change from the first panel. A single scene with
        a result on roofs and ground has their means and how they are spread in a column beside it.
    sources
        Licence lines; those of the scenes when None.
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
        When there is no scene, or more than four.
    """
    from matplotlib.figure import Figure

    if not 1 <= len(scenes) <= 4:
        raise MissingInput(f"a still shows 1 to 4 scenes, got {len(scenes)}")
    probe()
    first = next(iter(scenes.values()))
    unit, n = size[1] / 1080, len(scenes)
    at, camera = _panels(list(scenes.values()), size)
    lines = sources if sources is not None else list(dict.fromkeys(
        line for scene in scenes.values() for line in scene.sources))
    with drawing():
        figure = Figure(figsize=(size[0] / 100, size[1] / 100), dpi=100, facecolor=BACK)
        title = title or title_of(next(iter(scenes)), first)
        header(figure, size, title, subtitle or conditions_of(first, date))
        for k, (name, scene) in enumerate(scenes.items()):
            axes = pixels(figure, size, (*at[k], *camera.size))
            axes.imshow(render(scene, camera), extent=(0, camera.size[0], 0, camera.size[1]),
                        origin="upper", interpolation="none", aspect="auto")
            if n == 1 and name.strip().casefold() == title.strip().casefold():
                name = ""  # the title has said it
            note = ("", notes[k]) if k < len(notes) else note_of(scene, first)
            if _beside(scenes.values()) and not notes:
                note = "", ""  # the column says it
            dress_view(axes, scene, camera, name, note, "ABCD"[k] if n > 1 else "", unit)
        _legend(figure, size, list(scenes.values()))
        footer(figure, size, lines)
        return save(figure, path)


def _beside(scenes: Collection[Scene]) -> bool:
    """Whether the legend stands in a column beside the picture: one scene, on roofs and ground."""
    first = next(iter(scenes))
    return len(scenes) == 1 and first.legend is not None and bool(first.legend.parts)


def _panels(scenes: Sequence[Scene], size: tuple[int, int]
            ) -> tuple[list[tuple[int, int]], Camera]:
    """Return the lower left corner of each panel, and the camera of all, with their size."""
    unit, n, beside = size[1] / 1080, len(scenes), _beside(scenes)
    bar = scenes[0].shown is not None and not beside
    margin, top, bottom, gap = (round(v * unit) for v in (_MARGIN, 116, 150 if bar else 96, 24))
    wide = size[0] - 2 * margin - (round((_COLUMN + 24) * unit) if beside else 0)
    camera, columns = max(
        ((fit_camera(scenes, ((wide - gap * (k - 1)) // k,
                              (size[1] - top - bottom - gap * (math.ceil(n / k) - 1))
                              // math.ceil(n / k))), k)
         for k in {1, n, math.ceil(n / 2)}), key=lambda way: ground_pixels(scenes[0], way[0]))
    rows, panel = math.ceil(n / columns), camera.size
    return [(margin + k % columns * (panel[0] + gap),
             bottom + (rows - 1 - k // columns) * (panel[1] + gap)) for k in range(n)], camera


def dress_view(axes: Axes, scene: Scene, camera: Camera, name: str, note: tuple[str, str],
               letter: str, unit: float) -> None:
    """Set name and note on a view, a north arrow, and a scale along the two front edges.

    Parameters
    ----------
    axes
        Axes over the view, in its pixels.
    scene, camera
        What is drawn, and from where.
    name, note
        What stands above it: its name, and what is said in bold and then in grey.
    letter
        A letter before the name, none where it is empty.
    unit
        Pixels of the picture per pixel of one with 1080 lines.
    """
    wide, high = camera.size
    x, y = 0.0, high - 24 * unit
    if letter:
        axes.text(0, y, letter, fontsize=points(26, unit), fontweight="bold", color="#1864ab")
        x = 32 * unit
    if name:
        fitted(axes, x, y, heading(name), 26 * unit, 0.7 * wide, weight="bold")
    if name or letter:
        y -= 30 * unit
    strong, more = note
    x = fitted(axes, 0, y, strong, 20 * unit, 0.6 * wide, weight="bold") if strong else 0.0
    x += 12 * unit if strong else 0.0
    if more:
        fitted(axes, x, y, more, 17 * unit, wide - 80 * unit - x, color=GREY)
    corner = corners(scene)
    step = next(s for s in (50, 100, 200, 250, 500, 1000, 2000, 2500, 5000, 10_000, 50_000, 1e9)
                if max(scene.size) / s < 5.5)
    _scale(axes, camera, corner[4], corner[5], step, unit, "center")
    _scale(axes, camera, corner[5], corner[6], step, unit, "left")
    middle = corner[:4].mean(axis=0)
    ahead = np.array([[0.0, 0.0, 0.0], [0.0, 0.05 * max(scene.size), 0.0]])
    tail, tip = camera.project(middle + ahead)
    north_arrow(axes, (wide - 40 * unit, high - 44 * unit), tuple((tip - tail).tolist()), unit)


def _scale(axes: Axes, camera: Camera, start: Points, end: Points, step: float, unit: float,
           side: str) -> None:
    """Ticks with metres along an edge of the plinth, outside it."""
    length = float(np.linalg.norm(end - start))
    along = (end - start) / length
    out = np.array([along[1], -along[0], 0.0])
    out = out if out @ camera.frame[2] < 0 else -out
    at = np.arange(step if side == "left" else 0, length + 1e-6, step)
    marks = start + at[:, None] * along
    # A tick and the gap to its number, in metres that look the same on both edges.
    tick = 14 * unit * np.linalg.norm(start - camera.position) * math.tan(
        math.radians(camera.view / 2)) * 2 / camera.size[1]
    inner, outer = camera.project(marks), camera.project(marks + tick * out)
    text = camera.project(marks + (2.6 if side == "center" else 1.5) * tick * out)
    for k, metres in enumerate(at):
        axes.plot(*np.stack([inner[k], outer[k]], axis=1), color="#6b6f78", lw=1.0 * unit)
        words = "0" if metres == 0 else f"{metres:,.0f} m"
        axes.text(text[k, 0], text[k, 1], words, fontsize=points(14, unit), color="#4a4e57",
                  ha=side, va="center")


def _legend(figure: Figure, size: tuple[int, int], scenes: Sequence[Scene]) -> None:
    """Colour bar of the result, below or in a column beside it, and what else is drawn."""
    unit, first, beside = size[1] / 1080, scenes[0], _beside(scenes)
    sheet = pixels(figure, size, (0, 0, *size))
    x, y = _MARGIN * unit, 58 * unit
    shown, legend = first.shown, first.legend
    if shown is not None and legend is not None:
        limits = legend.low, legend.high
        ends = extend(*limits, *(s.shown.values for s in scenes if s.shown))
        words = pretty_label(legend.label), legend_units(legend.variable, legend.units)
        percent = is_share(legend.variable, legend.units)
        if beside:
            tall = min(size[1] - 330 * unit, (66 + 370 * len(legend.parts)) * unit)
            box = (size[0] - (_MARGIN + _COLUMN) * unit, 118 * unit, _COLUMN * unit, tall)
            side_column(figure, size, box, legend.parts, shown.ramp, limits, ends, *words,
                        percent=percent)
        else:
            colour_bar(figure, size, (x, 82 * unit, 620 * unit, 18 * unit), shown.ramp, limits,
                       ends, *words, percent=percent)
            x, y = x + 690 * unit, 92 * unit
    swatches(sheet, (x, y), entries(scenes), unit, size[0] - _MARGIN * unit - x)
