"""One scene drawn by VTK, without a word: ground, buildings with edges, trees and outlines."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.colors import to_rgb
from numpy.typing import NDArray

from twin.opengl import probe
from twin.scene.build import Scene
from twin.scene.camera import Camera, Points, bottom
from twin.scene.changes import CHANGE
from twin.scene.mesh import ROOF, WALL, face_light, normals
from twin.scene.tint import building_colours, tree_colours

_OVER = 2  # pixels drawn per pixel kept, along each side
BACK, _PLINTH = "#ffffff", "#bdb7aa"


def render(scene: Scene, camera: Camera) -> NDArray[np.uint8]:
    """Return the picture of one scene as (height, width, 3), row 0 on top."""
    probe()
    import pyvista as pv

    wide, high = camera.size
    plotter = pv.Plotter(off_screen=True, window_size=[wide * _OVER, high * _OVER])
    try:
        plotter.set_background(BACK)
        plotter.disable_anti_aliasing()
        _add_ground(plotter, scene)
        _add_mesh(plotter, scene)
        for kind, segments in scene.outlines.items():
            if scene.shown is not None:  # a white seam keeps them apart from dark colours
                below = segments - np.array([0, 0, 0.3], dtype=np.float32)
                plotter.add_mesh(_lines(below), color="#ffffff", lighting=False,
                                 line_width=4.0 * _OVER)
            plotter.add_mesh(_lines(segments), color=CHANGE[kind], lighting=False,
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
    plotter.add_mesh(land, texture=_texture(scene), lighting=False)

    rim = np.concatenate([node[0, :-1], node[:-1, -1], node[-1, :0:-1], node[:0:-1, 0]])
    top = land.points[rim]
    n = len(rim)
    foot = np.column_stack([top[:, :2], np.full(n, bottom(scene))])
    k, after = np.arange(n), (np.arange(n) + 1) % n
    skirt = pv.PolyData.from_regular_faces(np.concatenate([top, foot]),
                                           np.column_stack([k + n, after + n, after, k]))
    out = np.cross(top[after] - top, [0.0, 0.0, 1.0])
    out = out / np.linalg.norm(out, axis=1, keepdims=True)
    colour = np.array(to_rgb(_PLINTH)) * face_light(out, sun=scene.sun)[:, None]
    skirt.cell_data["rgb"] = _bytes(colour)
    plotter.add_mesh(skirt, scalars="rgb", rgb=True, lighting=False)


def _add_mesh(plotter: Any, scene: Scene) -> None:
    import pyvista as pv

    mesh = scene.buildings
    if len(mesh.triangles):
        light = face_light(normals(mesh), sun=scene.sun)
        if scene.walls is not None:  # colours of a result are those of its legend
            light = np.where(np.isfinite(scene.walls), 1.0, light)
        mine = mesh.kind == WALL if scene.draped else slice(None)
        solid = pv.PolyData.from_regular_faces(mesh.vertices, mesh.triangles[mine])
        solid.cell_data["rgb"] = _bytes(light[:, None] * building_colours(scene))[mine]
        body = plotter.add_mesh(solid, scalars="rgb", rgb=True, lighting=False)
        body.mapper.SetResolveCoincidentTopologyToPolygonOffset()
        if scene.draped:
            _add_roofs(plotter, scene)
        plotter.add_mesh(_lines(mesh.vertices[mesh.edges]), color="#808080", lighting=False,
                         line_width=0.5 * _OVER, opacity=0.55)
    crowns = scene.trees.mesh
    if len(crowns.triangles):
        light = face_light(normals(crowns), sun=scene.sun)
        green = pv.PolyData.from_regular_faces(crowns.vertices, crowns.triangles)
        green.cell_data["rgb"] = _bytes(light[:, None] * tree_colours(scene))
        plotter.add_mesh(green, scalars="rgb", rgb=True, lighting=False)


def _add_roofs(plotter: Any, scene: Scene) -> None:
    """Draw the roofs in the colours of the result, with no light on them."""
    import pyvista as pv

    mesh = scene.buildings
    wide, deep = scene.size
    roofs = pv.PolyData.from_regular_faces(mesh.vertices, mesh.triangles[mesh.kind == ROOF])
    roofs.active_texture_coordinates = np.column_stack(
        [mesh.vertices[:, 0] / wide + 0.5, mesh.vertices[:, 1] / deep + 0.5]).astype(np.float32)
    body = plotter.add_mesh(roofs, texture=_texture(scene), lighting=False)
    body.mapper.SetResolveCoincidentTopologyToPolygonOffset()


def _texture(scene: Scene) -> Any:
    import pyvista as pv

    texture = pv.Texture(np.ascontiguousarray(scene.ground[::-1]))
    texture.interpolate, texture.mipmap = True, True
    return texture


def _lines(segments: NDArray[np.float32]) -> Any:
    import pyvista as pv

    n = len(segments)
    cells = np.column_stack([np.full(n, 2), 2 * np.arange(n), 2 * np.arange(n) + 1])
    return pv.PolyData(segments.reshape(-1, 3), lines=cells.ravel())


def _bytes(colour: Points) -> NDArray[np.uint8]:
    return np.asarray(np.clip(colour, 0, 1) * 255, dtype=np.uint8)
