"""Overpass and Nominatim on the loopback, answering from a district drawn by hand.

The Overpass half reads the query it is sent: it returns what bears the tags asked for and meets
the polygon asked for, with the members and nodes below, as the real service does.
"""

from __future__ import annotations

import json
import re
import threading
from collections import deque
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any
from urllib.parse import parse_qs, urlsplit

from pyproj import Transformer

DATE = "2026-11-20T06:30:00Z"

_STATEMENT = re.compile(
    r"\((node|way|relation)\['([^']+)'(?:='([^']*)')?\]\(poly:'([^']+)'\);\(\._;>;\);\);")
_HTML = ("<html><body><p><strong>Error</strong>: runtime error: open64: 0 Success "
         "Dispatcher_Client::request_read_and_idx::timeout. The server is probably too busy to "
         "handle your request.</p></body></html>")


class District:
    """OpenStreetMap elements drawn in metres east and north of an origin.

    Parameters
    ----------
    origin
        Easting and northing of the origin [m, ``epsg``].
    epsg
        Projected CRS of the drawing.
    """

    def __init__(self, origin: tuple[float, float], epsg: int) -> None:
        self.origin = origin
        self.elements: list[dict[str, Any]] = []
        self._degrees = Transformer.from_crs(epsg, 4326, always_xy=True)
        self._corner: dict[tuple[float, float], int] = {}

    def lonlat(self, x: float, y: float) -> tuple[float, float]:
        """Return longitude and latitude of a point of the drawing [degrees]."""
        lon, lat = self._degrees.transform(self.origin[0] + x, self.origin[1] + y)
        return round(lon, 7), round(lat, 7)

    def box(self, west: float, south: float, east: float,
            north: float) -> tuple[float, float, float, float]:
        """Return a rectangle of the drawing as the box around it [degrees]."""
        corners = [self.lonlat(x, y) for x in (west, east) for y in (south, north)]
        lon, lat = zip(*corners, strict=True)
        return min(lon), min(lat), max(lon), max(lat)

    def node(self, x: float, y: float, **tags: str) -> int:
        """Add a point; one without tags is shared by all ways through it."""
        if not tags and (x, y) in self._corner:
            return self._corner[x, y]
        lon, lat = self.lonlat(x, y)
        number = self._add({"type": "node", "lon": lon, "lat": lat}, tags)
        if not tags:
            self._corner[x, y] = number
        return number

    def way(self, *points: tuple[float, float], **tags: str) -> int:
        """Add a line through points."""
        return self._add({"type": "way", "nodes": [self.node(*p) for p in points]}, tags)

    def ring(self, west: float, south: float, east: float, north: float, **tags: str) -> int:
        """Add a closed rectangle."""
        return self.way((west, south), (east, south), (east, north), (west, north),
                        (west, south), **tags)

    def relation(self, members: dict[int, str], **tags: str) -> int:
        """Add a multipolygon of ways and their roles."""
        listed = [{"type": "way", "ref": ref, "role": role} for ref, role in members.items()]
        return self._add({"type": "relation", "members": listed},
                         {"type": "multipolygon", **tags})

    def _add(self, element: dict[str, Any], tags: dict[str, str]) -> int:
        number = 1000 + len(self.elements)
        renamed = {k.replace("__", ":"): v for k, v in tags.items()}
        self.elements.append({**element, "id": number, **({"tags": renamed} if tags else {})})
        return number

    def answer(self, query: str) -> list[dict[str, Any]]:
        """Return the elements an Overpass features query asks for, each once."""
        by_id = {e["id"]: e for e in self.elements}
        found: dict[int, dict[str, Any]] = {}
        for kind, key, value, poly in _STATEMENT.findall(query):
            numbers = [float(v) for v in poly.split()]
            lat, lon = numbers[0::2], numbers[1::2]
            frame = min(lon), min(lat), max(lon), max(lat)
            for element in self.elements:
                tags = element.get("tags", {})
                if (element["type"] == kind and key in tags and value in ("", tags[key])
                        and _meets(self._bounds(element, by_id), frame)):
                    self._with_members(element, by_id, found)
        return [found[number] for number in sorted(found)]

    def _bounds(self, element: dict[str, Any], by_id: dict[int, Any]) -> tuple[float, ...]:
        below: dict[int, dict[str, Any]] = {}
        self._with_members(element, by_id, below)
        nodes = [e for e in below.values() if e["type"] == "node"]
        return (min(n["lon"] for n in nodes), min(n["lat"] for n in nodes),
                max(n["lon"] for n in nodes), max(n["lat"] for n in nodes))

    def _with_members(self, element: dict[str, Any], by_id: dict[int, Any],
                      found: dict[int, dict[str, Any]]) -> None:
        found[element["id"]] = element
        for ref in [*element.get("nodes", []), *(m["ref"] for m in element.get("members", []))]:
            if ref in by_id:  # a node that is gone is what a broken way looks like
                self._with_members(by_id[ref], by_id, found)


def _meets(a: tuple[float, ...], b: tuple[float, ...]) -> bool:
    return a[0] <= b[2] and b[0] <= a[2] and a[1] <= b[3] and b[1] <= a[3]


@dataclass
class FakeServer:
    """The two services on an ephemeral port of 127.0.0.1; a context manager.

    Parameters
    ----------
    district
        What Overpass knows.
    places
        What Nominatim answers to a name; nothing for other names.
    mode
        How to answer: ``ok``, ``empty``, ``remark`` (half of the data and a time-out), ``cut``
        (half a JSON text), ``drop`` (the connection ends early), ``html``, ``slow``, ``kind``
        (JSON of another kind), or a status code such as ``504``.
    script
        Modes for the next requests, before ``mode`` holds.
    """

    district: District
    places: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    mode: str = "ok"
    script: deque[str] = field(default_factory=deque)
    headers: dict[str, str] = field(default_factory=dict)
    queries: list[str] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    agents: set[str] = field(default_factory=set)

    @property
    def requests(self) -> int:
        """How many requests of either kind have come."""
        return len(self.queries) + len(self.names)

    @property
    def url(self) -> str:
        """Root of both services."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> FakeServer:
        self.halt = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.halt.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def overpass(self, query: str) -> tuple[int, str, bytes]:
        """Return status, kind of content and body of an answer to a query."""
        self.queries.append(query)
        mode = self._next()
        whole: dict[str, Any] = {
            "version": 0.6, "generator": "Overpass API 0.7.62.8 e802775f",
            "osm3s": {"timestamp_osm_base": DATE, "copyright": "The data included in this "
                      "document is made available under ODbL."},
            "elements": self.district.answer(query),
        }
        if mode == "empty":
            whole["elements"] = []
        if mode == "remark":
            whole["elements"] = whole["elements"][: len(whole["elements"]) // 2]
            whole["remark"] = 'runtime error: Query timed out in "query" at line 1 after 181 s.'
        if mode == "kind":
            whole["elements"] = {"not": "a list"}
        return self._sent(mode, whole)

    def nominatim(self, name: str) -> tuple[int, str, bytes]:
        """Return status, kind of content and body of an answer to a name."""
        self.names.append(name)
        return self._sent(self._next(), self.places.get(name, []))

    def _next(self) -> str:
        return self.script.popleft() if self.script else self.mode

    def _sent(self, mode: str, whole: object) -> tuple[int, str, bytes]:
        body = json.dumps(whole, ensure_ascii=False).encode()
        if mode.isdigit():
            return int(mode), "text/html", _HTML.encode()
        if mode == "html":
            return 200, "text/html", _HTML.encode()
        if mode == "cut":
            return 200, "application/json", body[: len(body) // 2]
        if mode == "drop":
            return -1, "application/json", body
        if mode == "slow":
            self.halt.wait(3.0)
        return 200, "application/json", body


def _handler(fake: FakeServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers["Content-Length"])
            form = parse_qs(self.rfile.read(length).decode())
            self._send(*fake.overpass(form["data"][0]))

        def do_GET(self) -> None:
            self._send(*fake.nominatim(parse_qs(urlsplit(self.path).query)["q"][0]))

        def _send(self, status: int, kind: str, body: bytes) -> None:
            fake.agents.add(self.headers["User-Agent"])
            try:
                self.send_response(200 if status < 0 else status)
                self.send_header("Content-Type", f"{kind}; charset=utf-8")
                self.send_header("Content-Length", str(len(body)))
                for key, value in fake.headers.items():
                    self.send_header(key, value)
                self.end_headers()
                self.wfile.write(body[: len(body) // 2] if status < 0 else body)
            except ConnectionError:  # the other side gave up waiting, as a test wants it to
                return

        def log_message(self, *_: object) -> None:
            return

    return Handler
