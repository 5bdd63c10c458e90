"""The still: scenes drawn in 3D side by side, composed with title, legend, north and sources.

VTK draws the model only; all words are set by Matplotlib. VTK can end the whole process where the
system has no OpenGL, so a child process tries it first.
"""

from __future__ import annotations

import importlib.util
import math
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from layers.errors import MissingExtra, MissingInput
from twin.fonts import (
    GREY,
    drawing,
    fitted,
    footer,
    header,
    heading,
    pixels,
    points,
    pretty_label,
    pretty_units,
)
from twin.scene.build import Scene, change_colour
from twin.scene.ground import CORRIDOR, paint
from twin.scene.mesh import ROOF, face_light, normals
from twin.scene.palette import extend
from twin.sheet import colour_bar, north_arrow, save, swatches

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Points = NDArray[np.float64]

VARIABLE = "VTK_DEFAULT_OPENGL_WINDOW"
_TRIAL = """
from vtkmodules.vtkRenderingCore import vtkRenderer, vtkRenderWindow
from vtkmodules.vtkCommonCore import vtkUnsignedCharArray
import vtkmodules.vtkRenderingOpenGL2
window, scene = vtkRenderWindow(), vtkRenderer()
window.SetOffScreenRendering(1)
window.SetSize(64, 64)
scene.SetBackground(1, 0, 0)
window.AddRenderer(scene)
window.Render()
pixels = vtkUnsignedCharArray()
window.GetPixelData(32, 32, 33, 33, 1, pixels, 0)
lines = [line.split(":", 1)[1].strip() for line in window.ReportCapabilities().splitlines()
         if "renderer string" in line]
print("drawn", pixels.GetTuple(0) == (255.0, 0.0, 0.0), window.GetClassName(), *lines[:1])
"""
_TINT = 0.25       # how much of the ground's colour a building takes over a result
_OVER = 2          # pixels drawn per pixel kept, along each side
_VIEW = 14.0       # vertical opening of the camera [degrees]
_PLINTH, _BACK, _CONTEXT = "#bdb7aa", "#ffffff", "#dcd9d2"
TREE, PLANTED, ROOF_GREEN = "#87a06c", "#2f9e44", "#a9cf86"
_WHITE = np.array([0.985, 0.98, 0.97])


@dataclass(frozen=True)
class Camera:
    """A perspective camera in the scene's metres.

    Parameters
    ----------
    position
        Where it stands [m].
    azimuth, elevation
        Where it looks, clockwise from north, and how far down [degrees].
    size
        Width and height of the picture [pixels].
    view
        Vertical opening [degrees].
    """

    position: tuple[float, float, float]
    azimuth: float
    elevation: float
    size: tuple[int, int]
    view: float = _VIEW

    @property
    def frame(self) -> Points:
        """Unit vectors to the right, up and forward, (3, 3)."""
        a, e = math.radians(self.azimuth), math.radians(self.elevation)
        forward = [math.sin(a) * math.cos(e), math.cos(a) * math.cos(e), -math.sin(e)]
        right = [math.cos(a), -math.sin(a), 0.0]
        return np.array([right, np.cross(right, forward), forward])

    def project(self, points: Points) -> Points:
        """Return pixels (n, 2) of points (n, 3), from the lower left corner."""
        local = (np.asarray(points, dtype=float) - self.position) @ self.frame.T
        scale = self.size[1] / 2 / math.tan(math.radians(self.view / 2))
        return np.asarray(np.array(self.size) / 2 + scale * local[:, :2] / local[:, 2:])


def probe() -> str:
    """Return what VTK draws with on this machine, trying it in a child process.

    The first answer is kept for the life of the process, and the way that works is set in the
    environment for VTK to find.

    Raises
    ------
    MissingExtra
        When PyVista is not installed or no OpenGL works.
    """
    if importlib.util.find_spec("pyvista") is None:
        raise MissingExtra("3D pictures need PyVista, which is not installed",
                           mend="pip install 'citytwin[3d]'")
    window, told = _working_window()
    if window:
        os.environ[VARIABLE] = window
    return told


@lru_cache(maxsize=1)
def _working_window() -> tuple[str, str]:
    chosen = os.environ.get(VARIABLE, "")
    headless = sys.platform.startswith("linux") and not os.environ.get("DISPLAY")
    others = ["vtkEGLRenderWindow", "vtkOSOpenGLRenderWindow"]
    ways = [chosen] if chosen else others if headless else ["", *others]
    if not sys.platform.startswith("linux"):
        ways = [chosen]
    for way in ways:
        environment = {**os.environ, VARIABLE: way}
        if not way:
            environment.pop(VARIABLE)
        try:
            child = subprocess.run([sys.executable, "-c", _TRIAL], env=environment, timeout=60,
                                   capture_output=True, text=True, check=False)
        except (OSError, subprocess.TimeoutExpired):
            continue
        said = [line for line in child.stdout.splitlines() if line.startswith("drawn True")]
        if child.returncode == 0 and said:
            _, _, name, *rest = said[0].split(maxsplit=3)
            return way, f"{name}: {rest[0]}" if rest else name
    raise MissingExtra(
        "3D pictures need OpenGL, and no way to draw without a screen works here (tried "
        f"{', '.join(w or 'the default' for w in ways)} in a child process)",
        mend="On Debian or Ubuntu: apt-get install libegl1 libgl1-mesa-dri libxrender1")


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
        Head line and one line of conditions; the names of the scenes by default.
    notes
        A line of figures or words a panel, in order of the panels.
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
         for k in {1, n, math.ceil(n / 2)}), key=lambda way: _ground_pixels(first, way[0]))
    rows, panel = math.ceil(n / columns), camera.size
    lines = sources if sources is not None else list(dict.fromkeys(
        line for scene in scenes.values() for line in scene.sources))
    with drawing():
        figure = Figure(figsize=(wide / 100, high / 100), dpi=100, facecolor=_BACK)
        header(figure, size, title or _title(first), subtitle or _subtitle(first))
        for k, (name, scene) in enumerate(scenes.items()):
            left = margin + (k % columns) * (panel[0] + gap)
            low = bottom + (rows - 1 - k // columns) * (panel[1] + gap)
            axes = pixels(figure, size, (left, low, *panel))
            axes.imshow(render(scene, camera), extent=(0, panel[0], 0, panel[1]),
                        origin="upper", interpolation="none", aspect="auto")
            _furniture(axes, scene, camera, name, notes[k] if k < len(notes) else "",
                       "ABCD"[k] if len(scenes) > 1 else "", unit)
        _legend(figure, size, list(scenes.values()), margin, unit)
        footer(figure, size, lines)
        return save(figure, path)


def render(scene: Scene, camera: Camera) -> NDArray[np.uint8]:
    """Return the picture of one scene as (height, width, 3), row 0 on top."""
    probe()
    import pyvista as pv

    wide, high = camera.size
    plotter = pv.Plotter(off_screen=True, window_size=[wide * _OVER, high * _OVER])
    try:
        plotter.set_background(_BACK)
        plotter.disable_anti_aliasing()
        _add_ground(plotter, scene)
        _add_mesh(plotter, scene)
        for kind, segments in scene.outlines.items():
            if scene.shown is not None:  # a white seam keeps them apart from dark colours
                below = segments - np.array([0, 0, 0.3], dtype=np.float32)
                plotter.add_mesh(_lines(below), color="#ffffff", lighting=False,
                                 line_width=4.0 * _OVER)
            plotter.add_mesh(_lines(segments), color=change_colour(kind), lighting=False,
                             line_width=2.2 * _OVER)
        look = camera.frame
        plotter.camera.position = camera.position
        plotter.camera.focal_point = tuple(np.array(camera.position) + 1000 * look[2])
        plotter.camera.up = tuple(look[1])
        plotter.camera.view_angle = camera.view
        plotter.reset_camera_clipping_range()
        plotter.render()  # a picture taken without it can be the one before
        image = np.asarray(plotter.screenshot(return_img=True))[..., :3]
    finally:
        plotter.close()
    blocks = image.reshape(high, _OVER, wide, _OVER, 3)
    return np.asarray(blocks.mean(axis=(1, 3)).round(), dtype=np.uint8)


def fit_camera(scenes: Sequence[Scene], size: tuple[int, int]) -> Camera:
    """Return the camera from which all scenes fill the picture best.

    Directions between south-south-east and south are tried with several elevations; for each the
    nearest place is computed from which every corner is still in the picture.

    Parameters
    ----------
    scenes
        What must be in the picture.
    size
        Width and height [pixels].
    """
    points = np.concatenate([_hull(scene) for scene in scenes])
    best = 0.0, Camera((0.0, 0.0, 0.0), 0.0, 0.0, size)
    for azimuth in range(-30, -9, 4):
        for elevation in range(34, 53, 2):  # a steeper view loses the facades
            camera = _nearest_camera(points, size, float(azimuth), float(elevation))
            filled = _ground_pixels(scenes[0], camera)
            if filled > best[0]:
                best = filled, camera
    return best[1]


def _nearest_camera(points: Points, size: tuple[int, int], azimuth: float,
                    elevation: float) -> Camera:
    """Put the camera where the four sides of its view touch the points."""
    at = Camera((0.0, 0.0, 0.0), azimuth, elevation, size)
    right, up, depth = (points @ at.frame.T).T
    tall = math.tan(math.radians(_VIEW / 2))
    side = tall * size[0] / size[1]
    # Half the opening towards each side, less what words along the edges need [pixels at 1080].
    pad = size[1] / 800
    east, west = (side * (1 - 2 * pad * p / size[0]) for p in (62, 12))
    over, under = (tall * (1 - 2 * pad * p / size[1]) for p in (48, 42))
    far_e, far_w = (right - east * depth).max(), (-right - west * depth).max()
    far_o, far_u = (up - over * depth).max(), (-up - under * depth).max()
    back = min(-(far_e + far_w) / (east + west), -(far_o + far_u) / (over + under))
    # Where one pair of sides has slack, the model stands in the middle of it.
    across = ((far_e + east * back) - (far_w + west * back)) / 2
    along = ((far_o + over * back) - (far_u + under * back)) / 2
    position = across * at.frame[0] + along * at.frame[1] + back * at.frame[2]
    return Camera((float(position[0]), float(position[1]), float(position[2])), azimuth,
                  elevation, size)


def _furniture(axes: Axes, scene: Scene, camera: Camera, name: str, note: str, letter: str,
               unit: float) -> None:
    """Name, north arrow and a labelled scale along the two front edges of a panel."""
    wide, high = camera.size
    x = 0.0
    if letter:
        axes.text(0, high - 24 * unit, letter, fontsize=points(26, unit), fontweight="bold",
                  color="#1864ab")
        x = 32 * unit
    fitted(axes, x, high - 24 * unit, heading(name), 26 * unit, 0.7 * wide, weight="bold")
    if note:
        fitted(axes, 0, high - 50 * unit, note, 17 * unit, 0.62 * wide, color=GREY)
    corner = _corners(scene)
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
    """Colour bar of the result and a line of what else is drawn."""
    sheet = pixels(figure, size, (0, 0, *size))
    x, y = float(margin), (88 if scenes[0].shown is not None else 58) * unit
    shown, legend = scenes[0].shown, scenes[0].legend
    if shown is not None and legend is not None:
        ends = extend(legend.low, legend.high, *(s.shown.values for s in scenes if s.shown))
        box = (x, 82 * unit, 620 * unit, 18 * unit)
        colour_bar(figure, size, box, shown.ramp, (legend.low, legend.high), ends,
                   pretty_label(legend.label), pretty_units(legend.units))
        x += 690 * unit
    items = [("#fbfaf8", "building", "fill")]
    if any(s.trees.drawn for s in scenes):
        drawn, total = (sum(getattr(s.trees, w) for s in scenes) for w in ("drawn", "total"))
        share = "" if drawn == total else f" ({100 * drawn / total:.0f} % of them drawn)"
        items.append((TREE, f"tree{share}", "fill"))
        count = max(len(s.changed.get("planted", ())) for s in scenes)
        items += [(PLANTED, f"planted ({count:,})", "fill")] if count else []
    if scenes[0].shown is None and any(s.green_roof.any() for s in scenes):
        items.append((ROOF_GREEN, "green roof", "fill"))
    for kind in ("removed", "new", "lowered", "raised"):
        count = max(len(s.changed.get(kind, ())) for s in scenes)
        if count:
            items.append((change_colour(kind), f"{kind} ({count:,})", "line"))
    if any(s.corridors for s in scenes):
        items.append((CORRIDOR, "corridor", "line"))
    swatches(sheet, (x, y), items, unit)


def _title(scene: Scene) -> str:
    return pretty_label(scene.legend.label) if scene.legend else scene.place or scene.name


def _subtitle(scene: Scene) -> str:
    wide, deep = (s / 1000 for s in scene.size)
    wind = ("north", "north-east", "east", "south-east", "south", "south-west", "west",
            "north-west")[round(scene.sun[0] / 45) % 8]
    light = ("" if scene.shown is not None
             else f"  ·  sun in the {wind}, {scene.sun[1]:.0f}° high")
    return f"{wide:.1f} \u00d7 {deep:.1f} km{light}"


def _corners(scene: Scene) -> Points:
    """Corners of the plinth: four on top, anticlockwise from the south-west, then four below."""
    wide, deep = (s / 2 for s in scene.size)
    x, y = np.array([-wide, wide, wide, -wide]), np.array([-deep, -deep, deep, deep])
    z = scene.relief[[0, 0, -1, -1], [0, -1, -1, 0]]
    return np.concatenate([np.column_stack([x, y, z]),
                           np.column_stack([x, y, np.full(4, _bottom(scene))])])


def _ground_pixels(scene: Scene, camera: Camera) -> float:
    """How many pixels of the picture the ground covers."""
    x, y = camera.project(_corners(scene)[:4]).T
    return float(0.5 * abs(x @ np.roll(y, -1) - y @ np.roll(x, -1)))


def _hull(scene: Scene) -> Points:
    from scipy.spatial import ConvexHull

    points = np.concatenate([_corners(scene), scene.buildings.vertices.astype(float)])
    return np.asarray(points[ConvexHull(points).vertices])


def _bottom(scene: Scene) -> float:
    return -0.014 * max(scene.size)


def _add_ground(plotter: Any, scene: Scene) -> None:
    import pyvista as pv

    ny, nx = scene.relief.shape
    wide, deep = (s / 2 for s in scene.size)
    x, y = np.meshgrid(np.linspace(-wide, wide, nx), np.linspace(-deep, deep, ny))
    node = np.arange(ny * nx).reshape(ny, nx)
    quads = np.stack([node[:-1, :-1], node[:-1, 1:], node[1:, 1:], node[1:, :-1]], axis=-1)
    land = pv.PolyData.from_regular_faces(
        np.column_stack([x.ravel(), y.ravel(), scene.relief.ravel()]), quads.reshape(-1, 4))
    land.active_texture_coordinates = np.column_stack(
        [(x.ravel() + wide) / (2 * wide), (y.ravel() + deep) / (2 * deep)]).astype(np.float32)
    texture = pv.Texture(np.ascontiguousarray(scene.ground[::-1]))
    texture.interpolate, texture.mipmap = True, True
    plotter.add_mesh(land, texture=texture, lighting=False)

    rim = np.concatenate([node[0, :-1], node[:-1, -1], node[-1, :0:-1], node[:0:-1, 0]])
    top = land.points[rim]
    n = len(rim)
    foot = np.column_stack([top[:, :2], np.full(n, _bottom(scene))])
    k, after = np.arange(n), (np.arange(n) + 1) % n
    skirt = pv.PolyData.from_regular_faces(np.concatenate([top, foot]),
                                           np.column_stack([k + n, after + n, after, k]))
    out = np.cross(top[after] - top, [0.0, 0.0, 1.0])
    out = out / np.linalg.norm(out, axis=1, keepdims=True)
    colour = np.array(_rgb(_PLINTH)) * face_light(out, sun=scene.sun)[:, None]
    skirt.cell_data["rgb"] = _bytes(colour)
    plotter.add_mesh(skirt, scalars="rgb", rgb=True, lighting=False)


def _add_mesh(plotter: Any, scene: Scene) -> None:
    import pyvista as pv

    mesh = scene.buildings
    if len(mesh.triangles):
        light = face_light(normals(mesh), sun=scene.sun)
        solid = pv.PolyData.from_regular_faces(mesh.vertices, mesh.triangles)
        solid.cell_data["rgb"] = _bytes(light[:, None] * _colours(scene))
        body = plotter.add_mesh(solid, scalars="rgb", rgb=True, lighting=False)
        body.mapper.SetResolveCoincidentTopologyToPolygonOffset()
        plotter.add_mesh(_lines(mesh.vertices[mesh.edges]), color="#808080", lighting=False,
                         line_width=0.5 * _OVER, opacity=0.55)
    crowns = scene.trees.mesh
    if len(crowns.triangles):
        light = face_light(normals(crowns), sun=scene.sun)
        tone = 0.92 + 0.16 * ((crowns.feature * 0.618034) % 1.0)
        colour = np.tile(_rgb(TREE), (len(light), 1))
        colour[np.isin(crowns.feature, scene.changed.get("planted", ()))] = _rgb(PLANTED)
        green = pv.PolyData.from_regular_faces(crowns.vertices, crowns.triangles)
        green.cell_data["rgb"] = _bytes((light * tone)[:, None] * colour)
        plotter.add_mesh(green, scalars="rgb", rgb=True, lighting=False)


def _colours(scene: Scene) -> Points:
    """Colour of every triangle of the buildings: white, tinted by what the plan changes."""
    mesh = scene.buildings
    colour = np.tile(_WHITE, (len(mesh.triangles), 1))
    if scene.shown is None and scene.green_roof.any():
        roof = np.flatnonzero(mesh.kind == ROOF)
        share = 0.8 * scene.green_roof[mesh.feature[roof], None]
        colour[roof] = share * np.array(_rgb(ROOF_GREEN)) + (1 - share) * _WHITE
    elif scene.shown is not None and not scene.shown.smooth:
        n = int(mesh.feature.max()) + 1
        middle = mesh.vertices[mesh.triangles].mean(axis=1)
        count = np.maximum(np.bincount(mesh.feature, minlength=n), 1)
        x, y = (np.bincount(mesh.feature, weights=middle[:, k], minlength=n) / count
                + scene.origin[k] for k in (0, 1))
        tone, seen = paint(scene.shown, x, y)
        share = _TINT * seen[:, None]
        colour = (share * tone + (1 - share) * _WHITE)[mesh.feature]
    for kind in ("new", "lowered", "raised"):
        mine = np.isin(mesh.feature, scene.changed.get(kind, ()))
        colour[mine] = 0.3 * np.array(_rgb(change_colour(kind))) + 0.7 * _WHITE
    context = np.isin(mesh.feature, scene.outside)
    colour[context] = 0.3 * colour[context] + 0.7 * np.array(_rgb(_CONTEXT))
    return colour


def _lines(segments: NDArray[np.float32]) -> Any:
    import pyvista as pv

    n = len(segments)
    cells = np.column_stack([np.full(n, 2), 2 * np.arange(n), 2 * np.arange(n) + 1])
    return pv.PolyData(segments.reshape(-1, 3), lines=cells.ravel())


def _bytes(colour: Points) -> NDArray[np.uint8]:
    return np.asarray(np.clip(colour, 0, 1) * 255, dtype=np.uint8)


def _rgb(colour: str) -> tuple[float, float, float]:
    from matplotlib.colors import to_rgb

    return to_rgb(colour)
