"""Cities from OpenStreetMap: the only module that touches the network.

Requests go one at a time through osmnx, tile by tile, with its global settings borrowed and given
back. Each answer is judged before osmnx reads it: one that a server cut short is asked for again
or is an error, never a city with holes. What was answered whole is kept on disk.
"""

from __future__ import annotations

import hashlib
import json
import logging
import math
import os
import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from pyproj import CRS, Geod
from shapely.geometry import MultiPolygon, Polygon
from shapely.geometry.base import BaseGeometry

from layers import buildings, green, roads, squares, water
from layers.city import City, as_area
from layers.errors import LayerError, SourceError, nearest
from layers.place import Place, locate
from layers.provenance import now
from layers.registry import LAYERS
from layers.shapes import mend
from layers.uses import LANDUSE_USE

if TYPE_CHECKING:
    from requests import Response

Area: TypeAlias = Polygon | MultiPolygon
Where: TypeAlias = str | Sequence[float] | BaseGeometry | gpd.GeoDataFrame | gpd.GeoSeries
Box: TypeAlias = tuple[float, float, float, float]

LARGEST = 5000.0  # study area beyond which an extract is the better way [km2]
TILE = 8000.0     # side of the ground asked for in one request [m]
REACH = 2000.0    # how far lakes, woods and the like go on beyond the study area [m]
PATIENCE = 120.0  # longest wait before asking again [s]

_MEND = ("Try again later or with a smaller area, use --offline for what was fetched before, or "
         "read a .osm.pbf extract instead")
_LOG = logging.getLogger(__name__)
_LOCK = threading.RLock()

# Grounds that tell the use of the buildings on them.
_GROUNDS = {"landuse": list(LANDUSE_USE),
            "amenity": ["school", "university", "college", "hospital"]}

# What each layer's `tidy` reads. All other tags stay behind: they are many, and some bear the
# name of a column of ours without its meaning.
_TAGS = {
    "buildings": "building building:part name height building:height building:levels min_height "
                 "building:use building:flats start_date roof:shape amenity shop office tourism "
                 "healthcare leisure aeroway location layer",
    "roads": "highway name lanes width est_width maxspeed oneway aadt",
    "green": "natural landuse leisure surface name",
    "trees": "natural name species genus height diameter_crown",
    "tree_rows": "natural name species genus height diameter_crown",
    "water": "natural water waterway landuse name width tunnel",
    "squares": "place highway name",
    "landuse": "landuse amenity building",
}
# Where a column has several names in OpenStreetMap, in order of trust.
_SAME = {"height": ("height", "building:height"), "width": ("width", "est_width"),
         "name": ("name", "species", "genus")}
# Tags by which a closed way is a surface and not a ring.
_SURFACE = ("area type area:highway barrier boundary craft golf historic indoor man_made military "
            "power public_transport railway ruins")
_KEPT = frozenset(" ".join([*_TAGS.values(), _SURFACE]).split())
# Polygons, lines or points: what each layer is drawn as, and who makes it from raw features.
_DRAWN = {"buildings": (2,), "roads": (1,), "green": (2,), "trees": (0,), "tree_rows": (1,),
          "water": (2, 1), "squares": (2,), "landuse": (2,)}
_TIDY: dict[str, Callable[[gpd.GeoDataFrame], gpd.GeoDataFrame]] = {
    "roads": roads.tidy, "green": green.tidy, "trees": green.tidy_trees,
    "tree_rows": green.tidy_tree_rows, "water": water.tidy, "squares": squares.tidy,
}
# What `tidy` had to assume: layer, column, value, words for the count.
_GUESSED = (
    ("buildings", "height_from", "neighbours", "building heights taken from neighbours"),
    ("buildings", "height_from", "default", "building heights assumed from the use"),
    ("buildings", "use_from", "default", "building uses assumed residential"),
    ("roads", "width_from", "default", "road widths assumed from the class"),
    ("trees", "size_from", "default", "tree sizes assumed"),
    ("tree_rows", "size_from", "default", "tree row sizes assumed"),
)


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
    wanted = _wanted(layers)
    if retries < 0 or not timeout > 0 or not backoff >= 0:
        raise SourceError(f"retries {retries}, timeout {timeout} s and backoff {backoff} s: "
                          "expected none below zero and some time to answer in")
    service = _Service(_cache_folder(cache), offline, timeout, min(int(retries), 20), backoff)
    area, label, told = _resolve(where, service, name)
    tags, boxes = _query_tags(wanted), _tiles(area)
    tell = progress or (lambda *_: None)
    keys = [service.key("Overpass", {"tags": tags, "box": box}) for box in boxes]
    parts: list[gpd.GeoDataFrame] = []
    for done, (key, box) in enumerate(zip(keys, boxes, strict=True)):
        tell(done, len(boxes), f"OpenStreetMap, {label}")
        parts.append(service.answer(key, "Overpass", label, partial(_features, box, tags)))
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


def _resolve(where: Where, service: _Service, name: str) -> tuple[Area, str, str]:
    """Return the study area [degrees], what to call it and what it was found to be."""
    told = ""
    if isinstance(where, str):
        label = where.strip()
        if not label:
            raise SourceError("no place was named", mend="Give a name such as 'Wuhan, China'")
        key = service.key("Nominatim", {"place": label})
        found = service.answer(key, "Nominatim", label, partial(_geocoded, label))
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
    _local_crs(area, CRS(4326))  # better told before a server is asked
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


def _local_crs(area: Area, crs: CRS) -> CRS:
    try:
        return CRS(gpd.GeoSeries([area], crs=crs).estimate_utm_crs())
    except RuntimeError as error:
        raise SourceError("the area has no UTM zone: it lies too far north or south",
                          mend="Choose one from 80 degrees south to 84 degrees north") from error


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


def _wanted(layers: Iterable[str] | None) -> list[str]:
    known = [name for name, spec in LAYERS.items() if spec.osm and name in _DRAWN]
    wanted = known if layers is None else list(dict.fromkeys(layers))
    for name in wanted:
        if name not in known:
            raise LayerError(f"OpenStreetMap has no layer {name!r}{nearest(name, known)}",
                             mend=f"Choose from {', '.join(known)}")
    if not wanted:
        raise LayerError("no layer was asked for", mend=f"Choose from {', '.join(known)}")
    return wanted


def _query_tags(wanted: Sequence[str]) -> dict[str, Any]:
    """Return the tags of all wanted layers, for one query.

    A key with many values is asked for with any value: a server looks once for the key, and what
    is not wanted is left out here.
    """
    tags: dict[str, Any] = {}
    specs = [LAYERS[name].osm for name in wanted] + [_GROUNDS] * ("buildings" in wanted)
    for key, values in (item for osm in specs for item in osm.items()):
        words = [values] if isinstance(values, str) else values
        have = tags.get(key, [])
        tags[key] = True if True in (have, words) else sorted({*have, *words})
    return {k: True if v is True or len(v) > 4 else v for k, v in sorted(tags.items())}


def _cache_folder(cache: str | Path | None) -> Path:
    import platformdirs

    chosen = cache or os.environ.get("CITYTWIN_CACHE") or platformdirs.user_cache_dir("citytwin")
    return Path(chosen).expanduser() / "osm"


class _BusyError(Exception):
    """An answer that is worth asking for again, and how long to leave the server alone [s]."""

    def __init__(self, why: str, wait: float = 0.0) -> None:
        self.wait = wait
        super().__init__(why)


class _RefusedError(Exception):
    """An answer that will be no better next time."""


@dataclass(frozen=True)
class _Service:
    """How to come by an answer: from the cache, else from a server, asked with patience."""

    folder: Path
    offline: bool
    timeout: float
    retries: int
    backoff: float

    def key(self, service: str, question: Mapping[str, Any]) -> str:
        """Return the name of an answer in the cache."""
        from osmnx import settings

        url = settings.overpass_url if service == "Overpass" else settings.nominatim_url
        text = json.dumps([1, service, url, settings.overpass_settings, question], sort_keys=True)
        return f"{service.lower()}-{hashlib.sha256(text.encode()).hexdigest()[:24]}"

    def answer(self, key: str, service: str, label: str,
               ask: Callable[[], gpd.GeoDataFrame]) -> gpd.GeoDataFrame:
        """Return what is cached under ``key``, else ask and cache what is not empty."""
        path = self.folder / f"{key}.parquet"
        if path.is_file():
            try:
                return gpd.read_parquet(path)
            except (OSError, ValueError) as error:
                _LOG.warning("cached answer %s cannot be read: %s", path, error)
        if self.offline:
            raise SourceError(f"{label}: the answer of {service} is not in the cache {self.folder}",
                              mend="Fetch the same place and layers once without --offline, or "
                                   "read a .osm.pbf extract")
        found = self._patiently(service, label, ask)
        if not found.empty:
            self.keep(key, found)
        return found

    def keep(self, key: str, frame: gpd.GeoDataFrame) -> None:
        """Write an answer to the cache in one step; a cache that cannot be written is no fault."""
        part = self.folder / f"{key}.{os.getpid()}.part"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            frame.to_parquet(part)
            part.replace(self.folder / f"{key}.parquet")
        except OSError as error:
            _LOG.warning("cannot keep %s: %s", part, error)
            part.unlink(missing_ok=True)

    def _patiently(self, service: str, label: str,
                   ask: Callable[[], gpd.GeoDataFrame]) -> gpd.GeoDataFrame:
        from requests import exceptions as net

        passing = (net.ConnectionError, net.Timeout, net.ChunkedEncodingError,
                   net.ContentDecodingError)
        why = ""
        for tried in range(self.retries + 1):
            try:
                with _osmnx(self.timeout) as heard:
                    found = ask()
                found.attrs = dict(heard)
                return found
            except _BusyError as error:
                why, wait = str(error), max(error.wait, 3 * self.backoff * 2**tried)
            except passing as error:
                why, wait = _reason(error), self.backoff * 2**tried
            except (_RefusedError, net.RequestException) as error:
                raise SourceError(f"{label}: {service} {error}", mend=_MEND) from error
            if tried < self.retries:
                wait = min(wait, PATIENCE)
                _LOG.warning("%s: %s %s; asking again in %.0f s", label, service, why, wait)
                time.sleep(wait)
        raise SourceError(f"{label}: {service} {why}, {self.retries + 1} times", mend=_MEND)


def _reason(error: Exception) -> str:
    from requests import exceptions as net

    if isinstance(error, net.Timeout):
        return "did not answer in time"
    if isinstance(error, net.ChunkedEncodingError | net.ContentDecodingError):
        return "broke off in the middle of an answer"
    return "cannot be reached"


@contextmanager
def _osmnx(timeout: float) -> Iterator[dict[str, Any]]:
    """Lend osmnx our settings, judge each answer before it does, and put everything back.

    Left to itself osmnx sleeps 55 s and asks again without end on 429 and 504, takes a partial
    answer for a whole one, asks a public resolver where a name is unknown, and leaves the
    process' name look-up changed.
    """
    from osmnx import settings

    heard: dict[str, Any] = {"date": "", "broken": 0}

    def judge(response: Response, *_: object, **__: object) -> Response:
        return response if response.is_redirect else _judged(response, heard)

    given = settings.requests_kwargs.get("hooks", {}).get("response", [])
    hooks = [*(given if isinstance(given, list) else [given]), judge]
    ours = {
        "use_cache": False, "cache_only_mode": False, "overpass_rate_limit": False,
        "doh_url_template": None, "max_query_area_size": math.inf, "default_crs": "epsg:4326",
        # A little longer than the server has, so that its own word on a time-out arrives.
        "requests_timeout": 1.25 * timeout,
        "overpass_settings": settings.overpass_settings.replace(
            "{timeout}", str(max(1, math.ceil(timeout)))),
        "requests_kwargs": {**settings.requests_kwargs, "hooks": {"response": hooks}},
        "http_user_agent": f"citytwin, {settings.http_user_agent}",
    }
    with _LOCK:
        theirs = {k: getattr(settings, k) for k in ours}
        look_up = socket.getaddrinfo
        try:
            for k, v in ours.items():
                setattr(settings, k, v)
            yield heard
        finally:
            for k, v in theirs.items():
                setattr(settings, k, v)
            socket.getaddrinfo = look_up


def _judged(response: Response, heard: dict[str, Any]) -> Response:
    """Return an answer that is whole, with no more than we read in it; raise on any other."""
    code = response.status_code
    if code == 429 or code >= 500:
        wait = response.headers.get("Retry-After", "")
        raise _BusyError(f"is too busy (HTTP {code})", float(wait) if wait.isdigit() else 0.0)
    if code >= 400:
        raise _RefusedError(f"refuses the request (HTTP {code})")
    try:
        answer = response.json()
    except ValueError as error:
        raise _BusyError("gave no JSON, or JSON cut short") from error
    if response.url.partition("?")[0].endswith("/search") and isinstance(answer, list):
        return response
    if not isinstance(answer, dict) or not isinstance(answer.get("elements"), list):
        raise _RefusedError("gave an answer of another kind than expected")
    if "remark" in answer:
        raise _BusyError(f"gave only part of the data ({str(answer['remark'])[:120]!r})")
    heard["date"] = str(answer.get("osm3s", {}).get("timestamp_osm_base", ""))[:20]
    return _slim(response, answer, heard)


def _slim(response: Response, answer: dict[str, Any], heard: dict[str, Any]) -> Response:
    """Return the answer with the tags we read and the ways that have all their nodes.

    A big city has thousands of tag keys, and each would become a column; a way without its nodes
    would stop osmnx.
    """
    import requests

    elements = answer["elements"]
    try:
        nodes = {e["id"] for e in elements if e["type"] == "node"}
        whole = [e for e in elements if e["type"] != "way"
                 or (len(e["nodes"]) > 1 and nodes.issuperset(e["nodes"]))]
        for element in whole:
            tags = element.pop("tags", {})
            element["tags"] = {k: str(v) for k, v in tags.items() if k in _KEPT}
    except (KeyError, TypeError, AttributeError) as error:
        raise _RefusedError("gave an answer of another kind than expected") from error
    heard["broken"] = len(elements) - len(whole)
    slim = requests.Response()
    slim.status_code, slim.url, slim.encoding = response.status_code, response.url, "utf-8"
    slim.raw = BytesIO(json.dumps({"elements": whole}).encode())
    return slim


def _geocoded(place: str) -> gpd.GeoDataFrame:
    import osmnx

    try:
        found = osmnx.geocode_to_gdf(place)
    except TypeError as error:
        raise SourceError(f"{place}: Nominatim knows a point of that name but no boundary",
                          mend="Name the town or district, or give a box: west, south, east, "
                               "north in degrees") from error
    except KeyError as error:
        raise _RefusedError("gave an answer of another kind than expected") from error
    except osmnx._errors.InsufficientResponseError as error:
        raise SourceError(f"{place}: Nominatim knows no such place",
                          mend="Write it as 'district, city, country', or give a box: west, "
                               "south, east, north in degrees") from error
    return found[["display_name", found.geometry.name]]


def _features(box: Box, tags: dict[str, Any]) -> gpd.GeoDataFrame:
    import osmnx
    from shapely.errors import ShapelyError

    try:
        found = osmnx.features_from_polygon(shapely.box(*box), tags)
    except osmnx._errors.InsufficientResponseError:
        return gpd.GeoDataFrame({"element": [], "id": []}, geometry=[], crs=4326)
    except (ShapelyError, KeyError, TypeError, ValueError) as error:
        raise _RefusedError(f"gave features that cannot be put together ({error})") from error
    return found.reset_index()


def city_from_features(features: gpd.GeoDataFrame, area: Area, *, name: str = "",
                       layers: Iterable[str] | None = None, country: str = "", region: str = "",
                       sources: Sequence[str] = (), history: Sequence[str] = (),
                       fallbacks: Sequence[tuple[str, int]] = ()) -> City:
    """Return a city from raw OpenStreetMap features, whoever read them.

    Parameters
    ----------
    features
        One row a feature, one column a tag, values as text; ``element`` and ``id`` as index or
        columns. Geometries of all kinds may be mixed and broken.
    area
        The study area, in the CRS of ``features``. Features that do not meet it are left out.
    name, country, region
        As in `fetch`.
    layers
        Names of the layers to make; all when None.
    sources, history, fallbacks
        What to write into the city; counts of what was guessed here are added.
    """
    wanted = _wanted(layers)
    if features.crs is None:
        raise LayerError("the OpenStreetMap features have no CRS", mend="Set one: EPSG:4326")
    crs = _local_crs(area, features.crs)
    # A parallel is no straight line in UTM: corners 2 km apart keep within 0.1 m of it.
    outline = shapely.segmentize(area, 0.02) if features.crs.is_geographic else area
    ground = as_area(gpd.GeoSeries([outline], crs=features.crs).to_crs(crs).iloc[0])
    found = _Raw.of(features, area, ground, crs)
    if country:
        place = Place(country.upper(), region, "user")
    else:
        lonlat = gpd.GeoSeries([ground.representative_point()], crs=crs).to_crs(4326)
        place = locate(float(lonlat.x.iloc[0]), float(lonlat.y.iloc[0]))
        place = replace(place, region=region) if region else place
    made = {layer: _layer(layer, found, place) for layer in wanted}
    if all(layer.empty for layer in made.values()):
        raise SourceError(f"{name or 'the study area'}: OpenStreetMap has no {', '.join(wanted)} "
                          "there", mend="Check that the area and the data are of one place")
    guesses = [(words, int(made[layer][column].eq(value).sum()))
               for layer, column, value, words in _GUESSED if layer in made]
    return City(made, ground, crs, name=name, place=place, sources=tuple(sources),
                history=(*history, f"{now()}: layers {', '.join(wanted)} made from tags"),
                fallbacks=tuple((what, n) for what, n in
                                (*fallbacks, *found.notes.items(), *guesses) if n))


@dataclass(frozen=True)
class _Raw:
    """Raw features near a study area, in its CRS, and counts of what was done to them."""

    features: gpd.GeoDataFrame
    ground: Area
    notes: dict[str, int]

    @classmethod
    def of(cls, features: gpd.GeoDataFrame, area: Area, ground: Area, crs: CRS) -> _Raw:
        near = np.sort(features.sindex.query(shapely.box(*area.bounds)))
        blank = features.geometry.isna() | features.geometry.is_empty
        named = set(features.index.names) - {None}
        flat = features.iloc[near].reset_index(drop=not named or named <= set(features.columns))
        kept = flat[[c for c in flat.columns if c in _KEPT or c == flat.geometry.name]].to_crs(crs)
        number = (flat["id"] if "id" in flat.columns else flat.index.to_series()).astype(str)
        kind = flat["element"].astype(str) + "/" if "element" in flat.columns else ""
        return cls(kept.assign(id=kind + number), ground,
                   {"features without a geometry dropped": int(blank.sum())})

    def note(self, what: str, count: int) -> None:
        self.notes[what] = self.notes.get(what, 0) + count

    def has(self, osm: Mapping[str, Any], never: Sequence[str] = ("", "no")) -> pd.Series:
        """Whether each feature bears one of the tags with a value that means something."""
        hit = pd.Series(False, index=self.features.index)
        for key, values in osm.items():
            if key not in self.features.columns:
                continue
            column = self.features[key]
            words = [values] if isinstance(values, str) else values
            hit |= column.notna() & ~column.isin(never) if values is True else column.isin(words)
        return hit

    def take(self, layer: str, which: pd.Series) -> gpd.GeoDataFrame:
        """Return the features of a layer that meet the study area: mended, only tags it reads."""
        rows, tags = self.features[which], _TAGS[layer].split()
        drawn = shapely.get_dimensions(rows.geometry.values)
        parts = []
        for dimension in _DRAWN[layer]:
            part, counts = mend(rows[drawn == dimension], dimension)
            self.note("broken geometries mended", counts["mended"])
            self.note("features without a usable geometry dropped", counts["dropped"])
            parts.append(part)
        gdf = gpd.GeoDataFrame(pd.concat(parts), crs=rows.crs)
        gdf = gdf.iloc[np.sort(gdf.sindex.query(self.ground, predicate="intersects"))]
        for column, names in _SAME.items():
            known = [n for n in names if n in tags and n in gdf.columns]
            if known:
                first = gdf[known[0]]
                for name in known[1:]:
                    first = first.fillna(gdf[name])
                gdf = gdf.assign(**{column: first})
        used = [c for c in gdf.columns if c in tags and gdf[c].notna().any()]
        return gdf[["id", *used, gdf.geometry.name]].reset_index(drop=True)

    def cut(self, gdf: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
        """Return features without what lies far beyond the study area, such as a whole lake."""
        reach = np.array([-REACH, -REACH, REACH, REACH])
        frame = shapely.box(*(np.array(self.ground.bounds) + reach))
        shapes = np.asarray(gdf.geometry.values, dtype=object)
        far = ~shapely.covered_by(shapes, frame)
        if not far.any():
            return gdf
        self.note(f"lakes, rivers and greens cut {REACH:g} m beyond the area", int(far.sum()))
        shapes[far] = shapely.intersection(shapes[far], frame)
        mixed = shapely.get_type_id(shapes) == shapely.GeometryType.GEOMETRYCOLLECTION
        shapes[mixed] = shapely.buffer(shapes[mixed], 0)
        return gdf.set_geometry(gpd.GeoSeries(shapes, index=gdf.index, crs=gdf.crs))


def _layer(name: str, raw: _Raw, place: Place) -> gpd.GeoDataFrame:
    spec, which = LAYERS[name], raw.has(LAYERS[name].osm)
    if name == "buildings":
        drawn = shapely.get_dimensions(raw.features.geometry[which].array)
        raw.note("buildings drawn as a point or line dropped", int((drawn < 2).sum()))
    if name == "water":
        covered = which & raw.has({"tunnel": True})
        raw.note("covered watercourses left out", int(covered.sum()))
        raw.note("coastlines: the sea is not in the water layer",
                 int(raw.has({"natural": "coastline"}).sum()))
        which &= ~covered
    rows = raw.take(name, which)
    if rows.empty:
        return spec.empty(raw.features.crs)
    if name == "buildings":
        return buildings.tidy(rows.rename(columns={"building:use": "use"}),
                              landuse=_landuse(raw), country=place.country)
    return _TIDY[name](raw.cut(rows) if name in ("green", "water") else rows)


def _landuse(raw: _Raw) -> gpd.GeoDataFrame:
    """Polygons of ground with the use that buildings on them have."""
    built = raw.has({"building": True, "building:part": True})
    rows = raw.take("landuse", raw.has(_GROUNDS) & ~built)
    use = pd.Series(None, index=rows.index, dtype="object")
    for key in ("amenity", "landuse"):
        if key in rows.columns:
            use = use.where(use.notna(), rows[key].map(LANDUSE_USE).astype("object"))
    return rows.assign(use=use)[use.notna()]
