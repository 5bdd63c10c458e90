"""Cities from OpenStreetMap: what is asked for a place, tile by tile.

`layers.overpass` does the asking and `layers.osm_features` makes the city of what came.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from pyproj import CRS, Geod
from shapely.geometry.base import BaseGeometry

from layers.city import City, as_area
from layers.errors import SourceError
from layers.osm_features import GROUNDS, Area, city_from_features, local_crs, wanted_layers
from layers.overpass import Box, Service, cache_folder, download, geocode
from layers.provenance import now
from layers.registry import LAYERS

Where: TypeAlias = str | Sequence[float] | BaseGeometry | gpd.GeoDataFrame | gpd.GeoSeries

LARGEST = 5000.0  # study area beyond which an extract is the better way [km2]
TILE = 8000.0     # side of the ground asked for in one request [m]


def fetch(where: Where, *, name: str = "", layers: Iterable[str] | None = None,
          offline: bool = False, cache: str | Path | None = None, timeout: float = 180.0,
          retries: int = 4, backoff: float = 5.0, country: str = "", region: str = "",
          progress: Callable[[int, int, str], None] | None = None) -> City:
    """Return a city from OpenStreetMap, by Nominatim and Overpass or from the cache.

    Parameters
    ----------
    where
        Name of a place in any script; or (west, south, east, north) [degrees]; or a polygon
        [degrees]; or a GeoDataFrame or GeoSeries with a CRS, whose union is taken.
    name
        What to call the city; the name that was asked for when empty.
    layers
        Names of the layers to fetch; all that OpenStreetMap has when None.
    offline
        Answer from the cache only and never touch the network.
    cache
        Folder for answers. Else the environment's ``CITYTWIN_CACHE``, else the user's own.
    timeout
        Longest a server may work on one request [s].
    retries
        How often a request that failed is made again.
    backoff
        Wait before the first of those [s]; doubled each time, threefold where a server is busy.
    country, region
        ISO 3166-1 alpha-2 code and first-order region; found by the nearest town when empty.
    progress
        Called before each tile and at the end with tiles done, tiles in all, and a line of text.

    Returns
    -------
    City
        In the local UTM zone, with sources, history and what had to be guessed on the way.

    Raises
    ------
    SourceError
        When the place cannot be found or is too large, when a service does not answer in full, or
        when an offline answer is not in the cache.
    """
    wanted = wanted_layers(layers)
    if retries < 0 or not timeout > 0 or not backoff >= 0:
        raise SourceError(f"retries {retries}, timeout {timeout} s and backoff {backoff} s: "
                          "expected none below zero and some time to answer in")
    service = Service(cache_folder(cache), offline, timeout, min(int(retries), 20), backoff)
    area, label, told = _resolve(where, service, name)
    tags, boxes = _query_tags(wanted), _tiles(area)
    tell = progress or (lambda *_: None)
    keys = [service.key("Overpass", {"tags": tags, "box": box}) for box in boxes]
    parts: list[gpd.GeoDataFrame] = []
    for done, (key, box) in enumerate(zip(keys, boxes, strict=True)):
        tell(done, len(boxes), f"OpenStreetMap, {label}")
        parts.append(service.answer(key, "Overpass", label, partial(download, box, tags)))
    features = _together(parts)
    if features.empty:
        raise SourceError(f"{label}: OpenStreetMap has no {', '.join(wanted)} there",
                          mend="Check the place, and that the order is west, south, east, north")
    for key, part in zip(keys, parts, strict=True):
        if part.empty:  # a tile of open sea is an answer only where other tiles have something
            service.keep(key, part)
    tell(len(boxes), len(boxes), f"{len(features):,} features")
    dates = sorted({str(p.attrs["date"]) for p in parts if p.attrs.get("date")})
    date = " to ".join(dict.fromkeys((dates[0], dates[-1]))) if dates else "date unknown"
    broken = sum(int(p.attrs.get("broken", 0)) for p in parts)
    return city_from_features(
        features, area, name=name or (where.strip() if isinstance(where, str) else ""),
        layers=wanted, country=country, region=region,
        sources=(f"OpenStreetMap contributors, ODbL 1.0, {date}",),
        history=(f"{now()}: fetched {told} from OpenStreetMap, {len(features):,} features in "
                 f"{len(boxes)} tile{'s' * (len(boxes) > 1)}",),
        fallbacks=(("ways without all their nodes dropped", broken),))


def _resolve(where: Where, service: Service, name: str) -> tuple[Area, str, str]:
    """Return the study area [degrees], what to call it and what it was found to be."""
    told = ""
    if isinstance(where, str):
        label = where.strip()
        if not label:
            raise SourceError("no place was named", mend="Give a name such as 'Wuhan, China'")
        key = service.key("Nominatim", {"place": label})
        found = service.answer(key, "Nominatim", label, partial(geocode, label))
        area: BaseGeometry = found.geometry.union_all()
        told = f"{label} ({found['display_name'].iloc[0]})"
    elif isinstance(where, gpd.GeoDataFrame | gpd.GeoSeries):
        label = name or "the area"
        if where.crs is None:
            raise SourceError(f"{label} has no CRS", mend="Set one, such as EPSG:4326")
        area = where.to_crs(4326).geometry.make_valid().union_all()
    elif isinstance(where, BaseGeometry):
        label, area = name or "the polygon", where
    else:
        label, area = _boxed(where, name)
    _on_earth(area.bounds, label)
    area = as_area(area)
    size = abs(Geod(ellps="WGS84").geometry_area_perimeter(shapely.orient_polygons(area))[0]) / 1e6
    if size > LARGEST:
        raise SourceError(f"{label} has {size:,.0f} km2, more than the {LARGEST:,.0f} km2 that "
                          "public servers should be asked for",
                          mend="Choose a smaller area, or read a .osm.pbf extract")
    local_crs(area, CRS(4326))  # better told before a server is asked
    return area, label, told or label


def _boxed(where: Sequence[float], name: str) -> tuple[str, BaseGeometry]:
    try:
        west, south, east, north = (float(v) for v in where)
    except (TypeError, ValueError) as error:
        raise SourceError(f"{str(where)[:80]!r} is no place: expected a name, four numbers (west, "
                          "south, east, north) in degrees or a polygon") from error
    label = name or f"the box {west:g}, {south:g}, {east:g}, {north:g}"
    _on_earth((west, south, east, north), label)
    if west >= east or south >= north:
        raise SourceError(f"{label} has no surface: west must be less than east, south than north",
                          mend="Cut a box that crosses the 180 degree meridian in two there")
    return label, shapely.box(west, south, east, north)


def _on_earth(bounds: Sequence[float], label: str) -> None:
    west, south, east, north = bounds
    if not all(map(math.isfinite, bounds)):
        raise SourceError(f"{label} has no bounds", mend="Give numbers in degrees")
    if max(abs(south), abs(north)) > 90 or max(abs(west), abs(east)) > 180:
        raise SourceError(f"{label} is not on earth: expected longitude -180..180 and latitude "
                          f"-90..90, got {west:g}..{east:g} and {south:g}..{north:g}",
                          mend="The order is west, south, east, north in degrees; give metres as "
                               "a GeoDataFrame with its CRS")
    if east - west > 180:
        raise SourceError(f"{label} crosses the 180 degree meridian",
                          mend="Cut the area in two there")


def _tiles(area: Area) -> list[Box]:
    """Return the boxes to ask for [degrees]: a grid over the area, each shrunk to its part of it.

    A box is quicker for a server than a boundary of a thousand corners. Boxes are rounded outward
    to a metre, so that the same question has the same name in the cache.
    """
    west, south, east, north = area.bounds
    high = (north - south) * 111_320.0
    wide = (east - west) * 111_320.0 * math.cos(math.radians((south + north) / 2))
    x = np.linspace(west, east, math.ceil(wide / TILE) + 1)
    y = np.linspace(south, north, math.ceil(high / TILE) + 1)
    at_x, at_y = (a.ravel() for a in np.meshgrid(np.arange(len(x) - 1), np.arange(len(y) - 1)))
    cells = shapely.box(x[at_x], y[at_y], x[at_x + 1], y[at_y + 1])
    parts = shapely.intersection(cells, area)
    bounds = shapely.bounds(parts[shapely.area(parts) > 0]) * 1e5
    outward = np.column_stack([np.floor(bounds[:, :2]), np.ceil(bounds[:, 2:])]) / 1e5
    return [(w, s, e, n) for w, s, e, n in np.round(outward, 5).tolist()]


def _together(parts: Sequence[gpd.GeoDataFrame]) -> gpd.GeoDataFrame:
    """Return the features of all tiles, those on a seam once."""
    some = [p for p in parts if not p.empty]
    if not some:
        return parts[0]
    every = gpd.GeoDataFrame(pd.concat(some, ignore_index=True), crs=some[0].crs)
    return every.drop_duplicates(["element", "id"]).sort_values(["element", "id"],
                                                                ignore_index=True)


def _query_tags(wanted: Sequence[str]) -> dict[str, Any]:
    """Return the tags of all wanted layers, for one query.

    A key with many values is asked for with any value: a server looks once for the key, and what
    is not wanted is left out here.
    """
    tags: dict[str, Any] = {}
    specs = [LAYERS[name].osm for name in wanted] + [GROUNDS] * ("buildings" in wanted)
    for key, values in (item for osm in specs for item in osm.items()):
        words = [values] if isinstance(values, str) else values
        have = tags.get(key, [])
        tags[key] = True if True in (have, words) else sorted({*have, *words})
    return {k: True if v is True or len(v) > 4 else v for k, v in sorted(tags.items())}
