"""Edits that let the wind in: open a corridor, cap heights, take buildings away."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from layers import corridors
from layers.city import City
from layers.errors import ScenarioError
from scenarios.greening import _in_range
from scenarios.where import corridor_ground, points, region, word


@dataclass(frozen=True)
class OpenCorridor:
    """Open a wind corridor: buildings whose ground it takes go, or are cut at its edge.

    Parameters
    ----------
    name
        A planned corridor of the city, or the name of a new one.
    width
        Width [m]; the planned one when None.
    path
        Points (x, y) of a new corridor's middle line in the city's CRS [m].
    keep_below
        Buildings up to this height may stay [m].
    """

    name: str = ""
    width: float | None = None
    path: Any = ()
    keep_below: float = 0.0

    def __post_init__(self) -> None:
        if self.width is not None:
            _in_range(self, "width", 1, 2000)
        _in_range(self, "keep_below", 0, 500)
        word(self, "name")
        if self.path and self.width is None:
            raise ScenarioError("OpenCorridor: a new path needs a width")

    def __call__(self, city: City) -> City:
        """Return the city with the corridor open."""
        name = self.name
        if self.path:
            name = name or f"corridor {len(city.frame('corridors')) + 1}"
            city = self._drawn(city, name)
        ground = corridor_ground(city, name, self.width)
        built = city.frame("buildings")
        shapely.prepare(ground)
        hit = shapely.intersects(built.geometry.values, ground) & \
            (built["height"].to_numpy() > self.keep_below)
        shared = np.zeros(len(built))
        shared[hit] = shapely.area(shapely.intersection(built.geometry.values[hit], ground))
        share = shared / np.maximum(built.area.to_numpy(), 1e-9)
        gone, cut = share > 0.5, (share > 0) & (share <= 0.5)
        shapes = np.asarray(built.geometry.values, dtype=object).copy()
        shapes[cut] = shapely.difference(shapes[cut], ground)
        left = built.set_geometry(gpd.GeoSeries(shapes, index=built.index, crs=city.crs))[~gone]
        left = left[left.geom_type.isin(["Polygon", "MultiPolygon"]) & (left.area > 1.0)]
        # Homes go with the ground they stood on.
        left = left.assign(dwellings=left["dwellings"] * (1 - share)[~gone][
            np.isin(built.index[~gone], left.index)])
        return city.with_layers(
            f"opened a corridor of {ground.area:.0f} m2, {int(gone.sum())} buildings gone, "
            f"{int(cut.sum())} cut: {self!r}", buildings=left)

    def _drawn(self, city: City, name: str) -> City:
        line = shapely.LineString(points("path", self.path, 2))
        if not line.intersects(city.area):
            raise ScenarioError("the path does not meet the study area "
                                f"{tuple(round(b) for b in city.area.bounds)}")
        new = corridors.tidy(gpd.GeoDataFrame(
            {"name": [name], "level": [2], "width": [self.width]}, geometry=[line],
            crs=city.crs))
        plan = city.frame("corridors")
        if (plan["name"] == name).any():
            raise ScenarioError(f"there is a corridor {name!r} already",
                                mend="Give the new path another name")
        both = gpd.GeoDataFrame(pd.concat([plan, new], ignore_index=True), crs=city.crs)
        return city.with_layers(f"drew the corridor {name!r}",
                                corridors=corridors.SPEC.conform(both))


@dataclass(frozen=True)
class CapHeights:
    """Cap the height of buildings; storeys and homes go in proportion.

    Parameters
    ----------
    height
        Greatest height [m].
    within
        Where: see `scenarios.where.region`.
    """

    height: float
    within: Any = ""

    def __post_init__(self) -> None:
        _in_range(self, "height", 2, 1000)

    def __call__(self, city: City) -> City:
        """Return the city with the heights capped."""
        ground = region(city, self.within)
        built = city.frame("buildings")
        shapely.prepare(ground)
        at = shapely.intersects(built.geometry.values, ground) & \
            (built["height"].to_numpy() > self.height)
        cap = np.maximum(self.height, built["min_height"].to_numpy() + 0.5)
        ratio = np.where(at, np.minimum(1.0, cap / built["height"].to_numpy()), 1.0)
        floors = np.where(ratio < 1, np.maximum(1.0, np.floor(built["num_floors"] * ratio)),
                          built["num_floors"])
        lower = built.assign(height=np.where(at, np.minimum(cap, built["height"]),
                                             built["height"]),
                             num_floors=floors, dwellings=built["dwellings"] * ratio)
        return city.with_layers(f"capped {int((ratio < 1).sum())} buildings: {self!r}",
                                buildings=lower)


@dataclass(frozen=True)
class RemoveBuildings:
    """Take buildings away, by id or by place.

    Parameters
    ----------
    ids
        Identifiers in the buildings layer.
    within
        Where, when no ids are given: see `scenarios.where.region`.
    lower_than
        Only buildings lower than this [m].
    """

    ids: Any = ()
    within: Any = ""
    lower_than: float = 1000.0

    def __post_init__(self) -> None:
        _in_range(self, "lower_than", 0, 2000)
        if isinstance(self.ids, str | int):
            object.__setattr__(self, "ids", (self.ids,))
        if not self.ids and self.within in ("", None, ()):
            raise ScenarioError("RemoveBuildings needs ids or a place (within)")

    def __call__(self, city: City) -> City:
        """Return the city without them."""
        built = city.frame("buildings")
        low = (built["height"] < self.lower_than).to_numpy()
        if self.ids:
            wanted = [str(i) for i in self.ids]
            unknown = sorted(set(wanted) - set(built["id"]))
            if unknown:
                raise ScenarioError(f"there is no building {unknown[0]!r} ({len(unknown)} of "
                                    f"{len(wanted)} ids are unknown)")
            gone = built["id"].isin(wanted).to_numpy() & low
        else:
            ground = region(city, self.within)
            inside = shapely.area(shapely.intersection(built.geometry.values, ground))
            gone = (inside > 0.5 * built.area.to_numpy()) & low
        return city.with_layers(f"removed {int(gone.sum())} buildings: {self!r}",
                                buildings=built[~gone])
