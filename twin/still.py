"""The still: scenes drawn in 3D side by side, composed with title, legend, north and sources.

VTK draws the model only; all words are set by Matplotlib.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from layers.errors import MissingInput
from twin.fonts import (
    GREY,
    drawing,
    fitted,
    heading,
    pixels,
    points,
    pretty_label,
)
from twin.furniture import BACK, colour_bar, footer, header, north_arrow, save, swatches
from twin.opengl import probe
from twin.render import render
from twin.scene.build import Scene
from twin.scene.camera import Camera, Points, corners, fit_camera, ground_pixels
from twin.scene.changes import CHANGE
from twin.scene.figures import is_share, legend_units
from twin.scene.ground import CORRIDOR, SHORE, WATER
from twin.scene.palette import extend
from twin.scene.tint import PLANTED, ROOF_GREEN, WHITE, tree_colour

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def draw_still(scenes: Mapping[str, Scene], path: str | Path, *,
               size: tuple[int, int] = (1920, 1080), title: str = "", subtitle: str = "",
               notes: Sequence[str] = (), sources: Sequence[str] | None = None) -> Path:
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
        shown with its cells, its weather where that matters, and the sun of the drawing.
    notes
        A line of figures or words a panel, in order of the panels; by default the total of the
        result shown with its 95 % range, and its change from the first panel.
    sources
        Licence lines; those of the scenes when None.

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
    wide, high = size
    unit = high / 1080
    margin, top = round(40 * unit), round(116 * unit)
    bottom = round((150 if first.shown is not None else 96) * unit)
    gap = round(24 * unit)
    n = len(scenes)
    camera, columns = max(
        ((fit_camera(list(scenes.values()), (
            (wide - 2 * margin - gap * (k - 1)) // k,
            (high - top - bottom - gap * (math.ceil(n / k) - 1)) // math.ceil(n / k))), k)
         for k in {1, n, math.ceil(n / 2)}), key=lambda way: ground_pixels(first, way[0]))
    rows, panel = math.ceil(n / columns), camera.size
    lines = sources if sources is not None else list(dict.fromkeys(
        line for scene in scenes.values() for line in scene.sources))
    with drawing():
        figure = Figure(figsize=(wide / 100, high / 100), dpi=100, facecolor=BACK)
        title = title or _title(next(iter(scenes)), first)
        header(figure, size, title, subtitle or _subtitle(first))
        for k, (name, scene) in enumerate(scenes.items()):
            left = margin + (k % columns) * (panel[0] + gap)
            low = bottom + (rows - 1 - k // columns) * (panel[1] + gap)
            axes = pixels(figure, size, (left, low, *panel))
            axes.imshow(render(scene, camera), extent=(0, panel[0], 0, panel[1]),
                        origin="upper", interpolation="none", aspect="auto")
            if n == 1 and name.strip().casefold() == title.strip().casefold():
                name = ""  # the title has said it
            note = ("", notes[k]) if k < len(notes) else _note(scene, first)
            _furniture(axes, scene, camera, name, note, "ABCD"[k] if n > 1 else "", unit)
        _legend(figure, size, list(scenes.values()), margin, unit)
        footer(figure, size, lines)
        return save(figure, path)


def _furniture(axes: Axes, scene: Scene, camera: Camera, name: str, note: tuple[str, str],
               letter: str, unit: float) -> None:
    """Name, north arrow and a labelled scale along the two front edges of a panel."""
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
    x = fitted(axes, 0, y, strong, 20 * unit, 0.4 * wide, weight="bold") if strong else 0.0
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


def _legend(figure: Figure, size: tuple[int, int], scenes: Sequence[Scene], margin: int,
            unit: float) -> None:
    """Colour bar of the result and what else is drawn."""
    sheet = pixels(figure, size, (0, 0, *size))
    x, y = float(margin), (92 if scenes[0].shown is not None else 58) * unit
    shown, legend = scenes[0].shown, scenes[0].legend
    if shown is not None and legend is not None:
        ends = extend(legend.low, legend.high, *(s.shown.values for s in scenes if s.shown))
        box = (x, 82 * unit, 620 * unit, 18 * unit)
        colour_bar(figure, size, box, shown.ramp, (legend.low, legend.high), ends,
                   pretty_label(legend.label), legend_units(legend.variable, legend.units),
                   percent=is_share(legend.variable, legend.units))
        x += 690 * unit
    swatches(sheet, (x, y), _entries(scenes), unit, size[0] - margin - x)


def _entries(scenes: Sequence[Scene]) -> list[tuple[str, str, str]]:
    """Legend entries of what is drawn: colour, words, and whether it is a line or filled."""
    most = {kind: max(len(s.changed.get(kind, ())) for s in scenes)
            for kind in (*CHANGE, "planted")}
    items = [(WHITE, "building", "fill")]
    if any(s.trees.total > len(s.changed.get("planted", ())) for s in scenes):
        drawn, total = (sum(getattr(s.trees, w) for s in scenes) for w in ("drawn", "total"))
        share = "" if drawn == total else f" ({100 * drawn / total:.0f} % of them drawn)"
        items.append((tree_colour(scenes[0]), f"tree{share}", "fill"))
    if most["planted"]:
        items.append((PLANTED, f"planted ({most['planted']:,})", "fill"))
    if scenes[0].shown is None and any(s.green_roof.any() for s in scenes):
        items.append((ROOF_GREEN, "green roof", "fill"))
    if any(s.water for s in scenes):
        lined = scenes[0].shown is not None and scenes[0].shown.over_water
        items.append((SHORE, "water", "line") if lined else (WATER, "water", "fill"))
    items += [(CHANGE[kind], f"{kind} ({most[kind]:,})", "line") for kind in CHANGE if most[kind]]
    if any(s.corridors for s in scenes):
        items.append((CORRIDOR, "corridor", "line"))
    return items


def _title(name: str, scene: Scene) -> str:
    return scene.place or scene.name or heading(name)


def _subtitle(scene: Scene) -> str:
    """Say what is shown and under which conditions."""
    wind = ("north", "north-east", "east", "south-east", "south", "south-west", "west",
            "north-west")[round(scene.sun[0] / 45) % 8]
    sun = f"sun in the {wind}, {scene.sun[1]:.0f}\u00b0 high"
    wide, deep = (s / 1000 for s in scene.size)
    legend = scene.legend
    said = ([pretty_label(legend.label), f"{legend.cell:g} m cells", legend.weather] if legend
            else [f"{wide:.1f} \u00d7 {deep:.1f} km"])
    return "  ·  ".join(part for part in (*said, sun) if part)


def _note(scene: Scene, first: Scene) -> tuple[str, str]:
    """Say the total of the result in a scene, then its range and its change from the first."""
    if scene.legend is None or first.legend is None:
        return "", ""
    told, base = scene.legend.total, first.legend.total
    said = f"{told.word}, {told.span}" if told.span else f"{told.word} {told.where}"
    if scene is first or scene.legend.variable != first.legend.variable:
        return told.words, said
    change, share = told.change(base)
    return told.words, f"{said} · {share or change} against A"
