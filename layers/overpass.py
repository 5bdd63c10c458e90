"""Asking OpenStreetMap's services: the only module that touches the network.

Requests go one at a time through osmnx, with its global settings borrowed and given back. Each
answer is judged before osmnx reads it: one that a server cut short is asked for again or is an
error, never a city with holes. What was answered whole is kept on disk.
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
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import geopandas as gpd
import shapely

from layers.errors import SourceError
from layers.osm_features import KEPT

if TYPE_CHECKING:
    from requests import Response

Box: TypeAlias = tuple[float, float, float, float]

PATIENCE = 120.0  # longest wait before asking again [s]

_MEND = ("Try again later or with a smaller area, use --offline for what was fetched before, or "
         "read a .osm.pbf extract instead")
_LOG = logging.getLogger(__name__)
_LOCK = threading.RLock()


def cache_folder(cache: str | Path | None) -> Path:
    """Return the folder for answers: given, of the environment, or the user's own."""
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
class Service:
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
            element["tags"] = {k: str(v) for k, v in tags.items() if k in KEPT}
    except (KeyError, TypeError, AttributeError) as error:
        raise _RefusedError("gave an answer of another kind than expected") from error
    heard["broken"] = len(elements) - len(whole)
    slim = requests.Response()
    slim.status_code, slim.url, slim.encoding = response.status_code, response.url, "utf-8"
    slim.raw = BytesIO(json.dumps({"elements": whole}).encode())
    return slim


def geocode(place: str) -> gpd.GeoDataFrame:
    """Ask Nominatim for the boundary of a place."""
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


def download(box: Box, tags: dict[str, Any]) -> gpd.GeoDataFrame:
    """Ask Overpass for the features of a box [degrees] that bear one of the tags."""
    import osmnx
    from shapely.errors import ShapelyError

    try:
        found = osmnx.features_from_polygon(shapely.box(*box), tags)
    except osmnx._errors.InsufficientResponseError:
        return gpd.GeoDataFrame({"element": [], "id": []}, geometry=[], crs=4326)
    except (ShapelyError, KeyError, TypeError, ValueError) as error:
        raise _RefusedError(f"gave features that cannot be put together ({error})") from error
    return found.reset_index()
