"""Edits that green a city: street trees, a park, planted roofs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from layers.city import City
from layers.errors import MissingInput, ScenarioError
from layers.green import SPEC, TREES
from layers.roads import MOTOR
from scenarios.where import points, polygon, region, word


@dataclass(frozen=True)
class PlantTrees:
    """Plant trees along roads, or on a raster inside corridors or a polygon.

    Trees stand on free ground only: not in buildings, in water, on carriageways of other roads,
    or where their crown would meet the crown of a tree that is there.

    Parameters
    ----------
    along
        ``"roads"`` for both sides of every street, or the name of one street, or ``"raster"`` for
        free ground inside ``within``.
    spacing
        Distance between stems [m].
    height, crown
        Size of a tree once grown [m].
    within
        Where: see `scenarios.where.region`.
    least_width
        Streets narrower than this between the kerbs get none [m].
    age
        Years since planting, for the uptake of carbon; without it they count as grown, as their
        size does [a].
    """

    along: str = "roads"
    spacing: float = 8.0
    height: float = 10.0
    crown: float = 6.0
    within: Any = ""
    least_width: float = 5.0
    age: float | None = None

    def __post_init__(self) -> None:
        for name, low, high in (("spacing", 2, 200), ("height", 1, 60), ("crown", 0.5, 40),
                                ("least_width", 0, 100), ("age", 0, 500)):
            if name != "age" or self.age is not None:
                _in_range(self, name, low, high)
        word(self, "along")

    def __call__(self, city: City) -> City:
        """Return the city with the trees."""
        where = shapely.intersection(region(city, self.within), city.area)
        if where.is_empty:
            raise ScenarioError(f"within {self.within!r} does not meet the study area")
        stems = self._raster(where) if self.along == "raster" else self._streets(city, where)
        stems = self._on_free_ground(city, stems)
        old = city.frame("trees")
        new = gpd.GeoDataFrame({
            "id": [f"planted-{n}" for n in range(len(old), len(old) + len(stems))],
            "height": self.height, "crown": self.crown, "size_from": "planted",
            "age": np.nan if self.age is None else float(self.age)},
            geometry=stems, crs=city.crs)
        trees = gpd.GeoDataFrame(pd.concat([old, TREES.conform(new)], ignore_index=True),
                                 crs=city.crs)
        return city.with_layers(f"planted {len(stems)} trees: {self!r}", trees=trees)

    def _streets(self, city: City, where: Any) -> np.ndarray:
        roads = city.frame("roads")
        if roads.empty:
            raise MissingInput("the city has no roads to plant along")
        streets = roads[roads["class"].isin([*MOTOR[2:], "pedestrian"])
                        & (roads["width"] >= self.least_width)]
        if self.along != "roads":
            named = roads[roads["name"] == self.along]
            if named.empty:
                from layers.errors import nearest

                known = ["roads", "raster", *(str(n) for n in roads["name"].unique() if n)]
                raise ScenarioError(f"there is no street {self.along!r}"
                                    f"{nearest(self.along, known)}",
                                    mend="Use along: roads for every street")
            streets = named
        lines, row = shapely.get_parts(streets.geometry.values, return_index=True)
        offset = streets["width"].to_numpy()[row] / 2 + 1.5  # behind the kerb
        sides = np.concatenate([_beside(lines, offset), _beside(lines, -offset)])
        sides = shapely.intersection(sides[~shapely.is_empty(sides)], where)
        sides = shapely.get_parts(sides)
        sides = sides[shapely.get_dimensions(sides) == 1]
        return _spaced(sides, self.spacing)

    def _raster(self, where: Any) -> np.ndarray:
        west, south, east, north = where.bounds
        x, y = np.meshgrid(np.arange(west + self.spacing / 2, east, self.spacing),
                           np.arange(south + self.spacing / 2, north, self.spacing))
        shapely.prepare(where)
        keep = shapely.contains_xy(where, x.ravel(), y.ravel())
        return np.asarray(shapely.points(x.ravel()[keep], y.ravel()[keep]))

    def _on_free_ground(self, city: City, stems: np.ndarray) -> np.ndarray:
        """Stems clear of walls, water, carriageways, other crowns and each other."""
        roads, there = city.frame("roads"), city.frame("trees")
        ways = roads[roads["class"].isin(MOTOR)]
        tree = shapely.STRtree(stems)
        taken = np.zeros(len(stems), dtype=bool)
        for shapes, gap in (
            (city.frame("buildings").geometry.values, 2.0),
            (city.frame("water").geometry.values, 0.0),
            (ways.geometry.values, ways["width"].to_numpy() / 2 + 0.5),
            (there.geometry.values, (there["crown"].to_numpy() + self.crown) / 2),
        ):
            if len(shapes) and len(stems):
                taken[tree.query(shapes, predicate="dwithin", distance=gap)[1]] = True
        stems = stems[~taken]
        return np.asarray(stems[_apart(stems, self.crown)])


@dataclass(frozen=True)
class NewPark:
    """Turn ground into a park: buildings on it go, green and trees come.

    Parameters
    ----------
    corners
        Corners (x, y) in the city's CRS [m]; or use ``centre`` and ``radius``.
    centre
        Middle (x, y) of a round park [m].
    radius
        Radius of a round park [m].
    tree_spacing
        Distance between its trees [m]; 0 for none.
    name
        Its name, any script.
    """

    corners: Any = ()
    centre: Any = ()
    radius: float = 40.0
    tree_spacing: float = 0.0
    name: str = ""

    def __post_init__(self) -> None:
        _in_range(self, "radius", 1, 10_000)
        _in_range(self, "tree_spacing", 0, 200)
        word(self, "name")
        if bool(self.corners) == bool(self.centre):
            raise ScenarioError("NewPark needs corners or a centre, one of the two")

    def __call__(self, city: City) -> City:
        """Return the city with the park."""
        if self.corners:
            ground = polygon(city, self.corners)
        else:
            x, y = points("centre", [self.centre], 1)[0]
            turn = np.linspace(0, 2 * np.pi, 49)[:-1]
            ring = np.column_stack([x + self.radius * np.cos(turn),
                                    y + self.radius * np.sin(turn)])
            ground = polygon(city, ring)
        built = city.frame("buildings")
        gone = shapely.area(shapely.intersection(built.geometry.values, ground)) > \
            0.5 * built.area.to_numpy()
        free = ground
        left = built.geometry.values[~gone]
        for shapes in (left, city.frame("water").geometry.values):
            near = shapes[shapely.STRtree(shapes).query(ground, predicate="intersects")]
            free = shapely.difference(free, shapely.union_all(near))
        park = gpd.GeoDataFrame({"id": ["new-park"], "name": [self.name], "class": ["park"]},
                                geometry=[free], crs=city.crs)
        old = city.frame("green")  # the park takes the place of what grew there
        old = old.set_geometry(old.geometry.difference(free))
        old = old[old.geom_type.isin(["Polygon", "MultiPolygon"]) & (old.area > 0.01)]
        green = gpd.GeoDataFrame(pd.concat([old, SPEC.conform(park)], ignore_index=True),
                                 crs=city.crs)
        note = f"new park of {free.area:.0f} m2, {int(gone.sum())} buildings gone: {self!r}"
        out = city.with_layers(note, green=SPEC.conform(green), buildings=built[~gone])
        if self.tree_spacing:
            corners = shapely.get_coordinates(shapely.convex_hull(free)).tolist()
            out = PlantTrees(along="raster", spacing=self.tree_spacing, within=corners)(out)
        return out


@dataclass(frozen=True)
class GreenRoofs:
    """Plant flat roofs, the largest first, until a share of their area is green.

    Parameters
    ----------
    share
        Share of the flat roof area that becomes green [1]. Roofs of unknown shape on anything but
        housing count as flat.
    """

    share: float = 0.3

    def __post_init__(self) -> None:
        _in_range(self, "share", 0, 1)

    def __call__(self, city: City) -> City:
        """Return the city with the planted roofs."""
        built = city.frame("buildings")
        shape, use = built["roof_shape"], built["use"]
        flat = ((shape == "flat") | ((shape == "") & ~use.isin(["residential", "unconditioned"]))
                ).to_numpy() & (built.area.to_numpy() >= 50.0)
        inside = shapely.intersects(built.geometry.values, city.area)
        area = np.where(flat & inside, built.area.to_numpy(), 0.0)
        if not area.any():
            raise ScenarioError("no flat roof of 50 m2 or more is known in the area",
                                mend="Give roof_shape in the buildings layer")
        roof = built["green_roof"].to_numpy(dtype=float, copy=True)
        bare = area * (1 - roof)
        wanted = max(0.0, self.share * area.sum() - (area * roof).sum())
        order = np.argsort(-area, kind="stable")
        before = np.cumsum(bare[order]) - bare[order]
        planted = np.clip(wanted - before, 0.0, bare[order])
        roof[order] += np.divide(planted, area[order], out=np.zeros(len(built)),
                                 where=area[order] > 0)
        return city.with_layers(f"planted {float((roof * area).sum()):.0f} m2 of roof: {self!r}",
                                buildings=built.assign(green_roof=roof))


def _beside(lines: np.ndarray, offset: np.ndarray) -> np.ndarray:
    return np.asarray(shapely.offset_curve(lines, offset, quad_segs=2, join_style="mitre",
                                           mitre_limit=2.0))


def _spaced(lines: np.ndarray, spacing: float) -> np.ndarray:
    """Points along lines, half a step from each end."""
    length = shapely.length(lines)
    count = np.floor(length / spacing).astype(int)
    row = np.repeat(np.arange(len(lines)), count)
    step = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
    rest = (length - count * spacing)[row] / 2
    return np.asarray(shapely.line_interpolate_point(lines[row], rest + (step + 0.5) * spacing))


def _apart(points: np.ndarray, distance: float) -> np.ndarray:
    """Mask that keeps, of points nearer to each other than a distance, the first."""
    from scipy.spatial import cKDTree

    keep = np.ones(len(points), dtype=bool)
    if len(points) < 2:
        return keep
    pairs = cKDTree(shapely.get_coordinates(points)).query_pairs(distance, output_type="ndarray")
    pairs = pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))]
    for first, second in pairs:  # each drop depends on the drops before it
        if keep[first]:
            keep[second] = False
    return keep


def _in_range(edit: Any, name: str, low: float, high: float) -> None:
    value = getattr(edit, name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise ScenarioError(f"{type(edit).__name__}: {name} is {value!r}, expected a number from "
                            f"{low:g} to {high:g}")

