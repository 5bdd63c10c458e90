"""Build the scene of a city: meshes, ground, a result on it, and what a plan changes.

A scene is plain data in local metres (x east, y north, z up). It opens no window.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import shapely
import xarray as xr
from numpy.typing import NDArray

from layers.city import City
from twin.rasters import Bounds, clip, sample, terrain
from twin.scene.changes import new_places, outline, plan_changes
from twin.scene.drape import check_owners
from twin.scene.facades import WALLS, wall_values
from twin.scene.figures import values_of
from twin.scene.ground import Image, ground_bounds, ground_image, sun_position
from twin.scene.legend import Legend, shown_of
from twin.scene.mesh import Mesh, Origin, buildings_mesh
from twin.scene.palette import palette
from twin.scene.shown import Shown
from twin.scene.trees import LIMIT, Trees, trees_mesh

log = logging.getLogger(__name__)

_NODES = 160    # ground nodes along the longer side
_FEWER = 4      # over a result, one tree in so many of the most that may be drawn
_SLIM = 0.7     # and where some are left out crowns so much narrower, to leave ground in sight


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
        RGB image of the ground, row 0 south; under a building the colour of its roof where the
        result lies on roofs too.
    outlines
        What differs from the base, by the words of `twin.scene.changes.CHANGE`: line segments
        (k, 2, 3).
    changed
        Row numbers of the buildings under each of these words, in the city's layer; of removed
        ones in the base's. ``planted`` holds the new trees among the drawn ones, as row numbers of
        the city's trees and tree rows together.
    sun
        Azimuth and elevation of the drawing's sun [degrees].
    shown, legend
        The result on the ground, None for a plain view.
    walls
        Value of the result on every triangle of the buildings, NaN where none is known and on
        roofs; None where it is not on walls.
    corridors, water
        Whether any are drawn on the ground.
    outside
        Row numbers of the buildings outside the study area, drawn as context.
    green_roof
        Planted share of each roof by row number in the city's buildings [0..1].
    tones
        Colour of every triangle of the buildings before any light, (m, 3); those of
        `twin.scene.tint.building_colours` when None.
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
    walls: NDArray[np.float32] | None = None
    corridors: bool = False
    water: bool = False
    outside: NDArray[np.intp] = field(default_factory=lambda: np.zeros(0, np.intp))
    green_roof: NDArray[np.float32] = field(default_factory=lambda: np.zeros(0, np.float32))
    tones: NDArray[np.float64] | None = None
    place: str = ""
    sources: tuple[str, ...] = ()

    @property
    def size(self) -> tuple[float, float]:
        """Width and depth of the ground [m]."""
        west, south, east, north = self.bounds
        return east - west, north - south

    @property
    def draped(self) -> bool:
        """Whether the result lies on the roofs too."""
        return self.shown is not None and self.shown.owner is not None


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
        Results on (y, x); needed with ``show``. With ``building``, the row of the building of each
        cell, -1 in the open, the result is drawn on the roofs too, and with the patches of
        `twin.scene.facades.WALLS` on the walls.
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
        Most tree crowns to draw. Over a result there are fewer, planted ones first, and where not
        all are drawn the others are slimmer, unless the result is itself of vegetation.
    sun
        Azimuth and elevation [degrees]; an April afternoon of the place when None.

    Raises
    ------
    MissingInput
        When ``show`` is not in ``cells``, has more dimensions than (y, x), or was computed over
        other buildings.
    """
    shown, legend = shown_of(cells, show, limits)
    draped = shown is not None and shown.owner is not None
    bounds = city.area.bounds if draped else ground_bounds(city)  # no roof without a result
    sun = sun or sun_position(city.lonlat[1])
    land = terrain(city)
    relief, zero = _relief(land, bounds)
    origin = ((bounds[0] + bounds[2]) / 2, (bounds[1] + bounds[3]) / 2, zero)
    buildings = city.frame("buildings")
    if land is None:  # on flat ground a known ground height would leave houses in the air
        buildings = buildings.assign(ground_z=0.0)
    rows, cut = clip(buildings, bounds)
    mesh = buildings_mesh(cut, origin, land)
    mesh = replace(mesh, feature=rows.astype(np.int32)[mesh.feature],
                   edge_feature=rows.astype(np.int32)[mesh.edge_feature])
    if shown is not None and shown.owner is not None:
        check_owners(city, shown.owner, str(show))
    found = {} if base is None else plan_changes(base, city)
    changed = {k: part["row"].to_numpy(dtype=np.intp) for k, part in found.items()}
    crowns, planted = _crowns(city, base, bounds, origin, land,
                              trees if legend is None or legend.green else trees // _FEWER,
                              1.0 if legend is None or legend.green else _SLIM)
    changed |= {"planted": planted} if len(planted) else {}
    return Scene(
        name=name or city.name, bounds=bounds, origin=origin, buildings=mesh, trees=crowns,
        relief=relief, ground=ground_image(city, bounds, size=size, sun=sun, shown=shown), sun=sun,
        walls=wall_values(mesh, origin, cells) if cells is not None and draped
        and set(WALLS) <= set(cells) else None,
        outlines={k: outline(part, k, origin, land) for k, part in found.items()},
        changed=changed, shown=shown, legend=legend,
        corridors=len(city.frame("corridors")) > 0,
        water=len(clip(city.frame("water"), bounds)[0]) > 0, place=city.name, sources=city.sources,
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
        limits = palette(show).limits(*(values_of(cells, show) for _, cells in study.values()))
    first = next(iter(study.values()))[0]
    return {name: build(city, cells=cells, show=show, base=None if city is first else first,
                        limits=limits, name=name, size=size)
            for name, (city, cells) in study.items()}


def _crowns(city: City, base: City | None, bounds: Bounds, origin: Origin,
            land: xr.DataArray | None, limit: int, slim: float
            ) -> tuple[Trees, NDArray[np.intp]]:
    """Crowns of the trees on the ground, and the rows of those that the base does not have."""
    from layers.green import all_trees

    before, stems = (all_trees(c.frame("trees"), c.frame("tree_rows"))
                     for c in (city if base is None else base, city))
    near = clip(stems, bounds)[0]
    fresh = new_places(stems.iloc[near], before)
    crowns = trees_mesh(stems.iloc[near], origin, land, limit=limit, slim=slim, first=fresh)
    crowns = replace(crowns, mesh=replace(crowns.mesh,
                                          feature=near.astype(np.int32)[crowns.mesh.feature]))
    if crowns.drawn < crowns.total:
        log.info("%s: %d of %d trees are drawn", city.name, crowns.drawn, crowns.total)
    return crowns, near[fresh]


def _relief(land: xr.DataArray | None, bounds: Bounds) -> tuple[NDArray[np.float32], float]:
    west, south, east, north = bounds
    longest = max(east - west, north - south)
    nx = max(2, math.ceil(_NODES * (east - west) / longest) + 1)
    ny = max(2, math.ceil(_NODES * (north - south) / longest) + 1)
    height = sample(land, *np.meshgrid(np.linspace(west, east, nx), np.linspace(south, north, ny)))
    zero = float(height.min())
    return (height - zero).astype(np.float32), zero
