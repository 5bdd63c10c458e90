"""Build the scene of a city: meshes, ground, outlines of what a plan changes, and the camera.

A scene is plain data in local metres (x east, y north, z up). It opens no window.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
import xarray as xr
from numpy.typing import NDArray

from layers.city import City
from layers.errors import MissingInput, nearest
from twin.rasters import Bounds, sample, terrain
from twin.scene.ground import CHANGE, Image, Shown, ground_image, sun_position
from twin.scene.mesh import Mesh, Origin, buildings_mesh
from twin.scene.palette import Extend, extend, nice_limits, palette
from twin.scene.trees import LIMIT, Trees, trees_mesh

log = logging.getLogger(__name__)

_MARGIN = 10.0     # ground drawn around the study area [m]
_NODES = 160       # ground nodes along the longer side
_DIFFERS = 0.25    # a change of height below this is none [m]
FINE = 20.0       # smaller cells are drawn blended [m]


@dataclass(frozen=True)
class Legend:
    """What the colours on the ground mean."""

    variable: str
    label: str
    units: str
    low: float
    high: float
    extend: Extend


@dataclass(frozen=True, eq=False)
class Scene:
    """A city ready to be drawn, in metres from ``origin``.

    Parameters
    ----------
    name, place
        What the picture calls it, and the name of the city.
    bounds
        West, south, east, north of the ground [m, the city's CRS].
    origin
        Point of the city's CRS and datum that is (0, 0, 0) here [m].
    buildings, trees
        Meshes.
    relief
        Height of the ground at nodes spread evenly over the bounds, row 0 south [m].
    ground
        RGB image of the ground, row 0 south.
    outlines
        What differs from the base, ``removed``, ``new``, ``lowered`` or ``raised``: line segments
        (k, 2, 3).
    changed
        Row numbers of the buildings under each of these words, in the city's layer; of removed
        ones in the base's. ``planted`` holds the new trees among the drawn ones, as row numbers of
        the city's trees and tree rows together.
    sun
        Azimuth and elevation of the drawing's sun [degrees].
    shown, legend
        The result on the ground, None for a plain view.
    corridors
        Whether corridors are drawn on the ground.
    outside
        Row numbers of the buildings outside the study area, drawn as context.
    green_roof
        Planted share of each roof by row number in the city's buildings [0..1].
    sources
        Licence lines.
    """

    name: str
    bounds: Bounds
    origin: Origin
    buildings: Mesh
    trees: Trees
    relief: NDArray[np.float32]
    ground: Image
    sun: tuple[float, float]
    outlines: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)
    changed: Mapping[str, NDArray[np.intp]] = field(default_factory=dict)
    shown: Shown | None = None
    legend: Legend | None = None
    corridors: bool = False
    outside: NDArray[np.intp] = field(default_factory=lambda: np.zeros(0, np.intp))
    green_roof: NDArray[np.float32] = field(default_factory=lambda: np.zeros(0, np.float32))
    place: str = ""
    sources: tuple[str, ...] = ()

    @property
    def size(self) -> tuple[float, float]:
        """Width and depth of the ground [m]."""
        west, south, east, north = self.bounds
        return east - west, north - south


def build(city: City, *, cells: xr.Dataset | None = None, show: str | None = None,
          base: City | None = None, limits: tuple[float, float] | None = None, name: str = "",
          size: int = 2048, trees: int = LIMIT,
          sun: tuple[float, float] | None = None) -> Scene:
    """Build the scene of one city.

    Parameters
    ----------
    city
        The city.
    cells
        Results on (y, x); needed with ``show``.
    show
        Variable of ``cells`` to draw on the ground; a plain view when None.
    base
        The city before the plan; what differs from it is outlined.
    limits
        Low and high end of the colours [units of ``show``]; round ones when None.
    name
        What the picture calls it; the city's name when empty.
    size
        Pixels along the longer side of the ground.
    trees
        Most tree crowns to draw; none are drawn over a result.
    sun
        Azimuth and elevation [degrees]; an April afternoon of the place when None.

    Raises
    ------
    MissingInput
        When ``show`` is not in ``cells`` or has more dimensions than (y, x).
    """
    from layers.green import all_trees

    bounds = _ground_bounds(city)
    sun = sun or sun_position(city.lonlat[1])
    land = terrain(city)
    relief, zero = _relief(land, bounds)
    origin = ((bounds[0] + bounds[2]) / 2, (bounds[1] + bounds[3]) / 2, zero)
    buildings = city.frame("buildings")
    if land is None:  # on flat ground a known ground height would leave houses in the air
        buildings = buildings.assign(ground_z=0.0)
    rows, cut = _clip(buildings, bounds)
    mesh = buildings_mesh(cut, origin, land)
    mesh = replace(mesh, feature=rows.astype(np.int32)[mesh.feature],
                   edge_feature=rows.astype(np.int32)[mesh.edge_feature])
    stems = all_trees(city.frame("trees"), city.frame("tree_rows"))
    near = _clip(stems, bounds)[0].astype(np.int32)
    shown, legend = _shown(cells, show, limits)
    found = {} if base is None else plan_changes(base, city)
    crowns = trees_mesh(stems.iloc[near], origin, land, limit=trees if shown is None else 0)
    crowns = replace(crowns, mesh=replace(crowns.mesh, feature=near[crowns.mesh.feature]))
    changed = {k: part["row"].to_numpy(dtype=np.intp) for k, part in found.items()}
    if base is not None:
        planted = near[_new_places(stems.iloc[near], all_trees(base.frame("trees"),
                                                               base.frame("tree_rows")))]
        changed |= {"planted": planted.astype(np.intp)} if len(planted) else {}
    if shown is None and crowns.drawn < crowns.total:
        log.info("%s: %d of %d trees are drawn", city.name, crowns.drawn, crowns.total)
    return Scene(
        name=name or city.name, bounds=bounds, origin=origin, buildings=mesh, trees=crowns,
        relief=relief, ground=ground_image(city, bounds, size=size, sun=sun, shown=shown), sun=sun,
        outlines={k: _outline(part, k, origin, land) for k, part in found.items()},
        changed=changed, shown=shown, legend=legend,
        corridors=len(city.frame("corridors")) > 0, place=city.name, sources=city.sources,
        outside=rows[~shapely.intersects(city.area, shapely.centroid(cut.geometry.values))],
        green_roof=city.frame("buildings")["green_roof"].to_numpy(dtype=np.float32),
    )


def build_study(study: Mapping[str, tuple[City, xr.Dataset | None]], *, show: str | None = None,
                size: int = 2048) -> dict[str, Scene]:
    """Build the scenes of a study, the first one the base, with one set of colours for all.

    Parameters
    ----------
    study
        Name to city and its results; the first is what the others are compared with.
    show
        Variable to draw on the ground; plain views when None.
    size
        Pixels along the longer side of the ground.
    """
    limits = None
    if show is not None:
        limits = nice_limits(*(values_of(cells, show) for _, cells in study.values()))
    first = next(iter(study.values()))[0]
    return {name: build(city, cells=cells, show=show, base=None if city is first else first,
                        limits=limits, name=name, size=size)
            for name, (city, cells) in study.items()}


def differences(base: gpd.GeoDataFrame, plan: gpd.GeoDataFrame) -> dict[str, gpd.GeoDataFrame]:
    """Return the buildings a plan removes, adds, lowers and raises.

    Buildings are the same when they have the same ``id``, or the same outline where ids are
    missing or repeated. Of a building with another outline, the part that went counts as removed
    and the part that came as new.

    Parameters
    ----------
    base, plan
        The buildings layer before and after.

    Returns
    -------
    dict
        ``removed``, ``new``, ``lowered`` and ``raised``: buildings with a column ``row``, their
        row number in ``plan``, or in ``base`` where they are removed.
    """
    base, plan = (layer.assign(row=np.arange(len(layer))) for layer in (base, plan))
    ids = [set(layer["id"]) for layer in (base, plan)]
    by_id = all(len(names) == len(layer) and "" not in names
                for names, layer in zip(ids, (base, plan), strict=True))
    before, after = (
        layer.set_axis(pd.Index(layer["id"] if by_id else shapely.to_wkb(shapely.normalize(
            layer.geometry.values))), axis=0) for layer in (base, plan))
    before = before[~before.index.duplicated()]
    after = after[~after.index.duplicated()]
    both = before.index.intersection(after.index)
    old, new = before.loc[both], after.loc[both]
    gone = [before.drop(both)]
    came = [after.drop(both)]
    moved = ~shapely.equals_exact(old.geometry.values, new.geometry.values, 0.01)
    if moved.any():
        had, has = old[moved], new[moved]
        left = had.set_geometry(had.geometry.difference(has.geometry, align=False))
        added = has.set_geometry(has.geometry.difference(had.geometry, align=False))
        gone.append(left[left.area > 1.0])
        came.append(added[added.area > 1.0])
    rise = new["height"].to_numpy(dtype=float) - old["height"].to_numpy(dtype=float)
    return {
        "removed": gpd.GeoDataFrame(pd.concat(gone), crs=base.crs),
        "new": gpd.GeoDataFrame(pd.concat(came), crs=base.crs),
        "lowered": new[rise < -_DIFFERS], "raised": new[rise > _DIFFERS],
    }


def plan_changes(base: City, plan: City) -> dict[str, gpd.GeoDataFrame]:
    """Return the `differences` on the drawn ground, cut at its edge, without the empty ones."""
    bounds = _ground_bounds(plan)
    found = {kind: _clip(part, bounds)[1] for kind, part in
             differences(base.frame("buildings"), plan.frame("buildings")).items()}
    return {kind: part for kind, part in found.items() if len(part)}


def change_colour(kind: str) -> str:
    """Return the colour in which a kind of difference is outlined."""
    return CHANGE[kind]


def values_of(cells: xr.Dataset | None, show: str) -> xr.DataArray:
    """Return a result on (y, x), rising.

    Raises
    ------
    MissingInput
        When there is none of that name, or it has more dimensions.
    """
    if cells is None or show not in cells:
        known = [str(v) for v in cells.data_vars] if cells is not None else []
        raise MissingInput(f"there is no result {show!r}{nearest(show, known)}",
                           mend=f"Results are {', '.join(known[:8]) or 'none'}")
    values = cells[show]
    if set(values.dims) != {"y", "x"}:
        extra = ", ".join(str(d) for d in values.dims if d not in ("y", "x"))
        raise MissingInput(f"result {show!r} is on {', '.join(map(str, values.dims))}, a picture "
                           "needs (y, x)", mend=f"Choose one of {extra} or take the mean first")
    return values.transpose("y", "x").sortby(["y", "x"])


def cell_step(values: xr.DataArray) -> float:
    """Return the cell size of a result [m]."""
    x, y = values["x"].to_numpy(), values["y"].to_numpy()
    along = x if len(x) > 1 else y
    return float(abs(along[-1] - along[0]) / (len(along) - 1)) if len(along) > 1 else 1.0


def _shown(cells: xr.Dataset | None, show: str | None, limits: tuple[float, float] | None
           ) -> tuple[Shown | None, Legend | None]:
    if show is None:
        return None, None
    values = values_of(cells, show)
    low, high = limits or nice_limits(values)
    legend = Legend(show, str(values.attrs.get("long_name", show)),
                    str(values.attrs.get("units", "")), low, high, extend(low, high, values))
    smooth = cell_step(values) < FINE
    return Shown(values, palette(show).ramp(low, high), low, high, smooth), legend


def _clip(layer: gpd.GeoDataFrame, bounds: Bounds) -> tuple[NDArray[np.intp], gpd.GeoDataFrame]:
    """Row numbers of the features on the ground, and these features, cut off at its edge."""
    box = shapely.box(*bounds)
    shapes = layer.geometry.values
    rows = np.flatnonzero(shapely.intersects(shapes, box))
    part = layer.iloc[rows]
    over = ~shapely.covers(box, part.geometry.values)
    if over.any():
        inside = part.geometry.values.copy()
        inside[over] = shapely.intersection(inside[over], box)
        part = part.set_geometry(gpd.GeoSeries(inside, index=part.index, crs=layer.crs))
    return rows, part


def _new_places(points: gpd.GeoDataFrame, known: gpd.GeoDataFrame) -> NDArray[np.bool_]:
    """Which points are nowhere among the known ones, to a decimetre."""
    keys = [np.round(10 * shapely.get_coordinates(shapely.centroid(p.geometry.values)))
            for p in (points, known)]
    here, there = (k[:, 0] + 1j * k[:, 1] for k in keys)
    return ~np.isin(here, there)


def _ground_bounds(city: City) -> Bounds:
    west, south, east, north = city.area.bounds
    return west - _MARGIN, south - _MARGIN, east + _MARGIN, north + _MARGIN


def _relief(land: xr.DataArray | None, bounds: Bounds) -> tuple[NDArray[np.float32], float]:
    west, south, east, north = bounds
    longest = max(east - west, north - south)
    nx = max(2, math.ceil(_NODES * (east - west) / longest) + 1)
    ny = max(2, math.ceil(_NODES * (north - south) / longest) + 1)
    height = sample(land, *np.meshgrid(np.linspace(west, east, nx), np.linspace(south, north, ny)))
    zero = float(height.min())
    return (height - zero).astype(np.float32), zero


def _outline(part: gpd.GeoDataFrame, kind: str, origin: Origin,
             land: xr.DataArray | None) -> NDArray[np.float32]:
    """Edges of buildings as segments: on the ground where they are gone, else on the roof."""
    mesh = buildings_mesh(part if land is not None else part.assign(ground_z=0.0), origin, land)
    segments = mesh.vertices[mesh.edges].copy()
    flat = np.abs(segments[:, 0, 2] - segments[:, 1, 2]) < 1e-3
    if kind == "removed":
        segments = segments[flat]
        x, y = segments[..., 0] + origin[0], segments[..., 1] + origin[1]
        segments[..., 2] = sample(land, x, y) - origin[2]
    segments[..., 2] += 0.6
    return segments
