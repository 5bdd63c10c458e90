"""Fetching from OpenStreetMap, against services on the loopback that behave and misbehave."""

from __future__ import annotations

import json
import socket
import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from fake_overpass import DATE, District, FakeServer
from osmnx import settings
from shapely.geometry import MultiPolygon, Point, Polygon, mapping
from shapely.geometry.base import BaseGeometry

from layers import osm, osm_features
from layers.checking import city_faults
from layers.city import as_area
from layers.errors import CityTwinError, LayerError, SourceError
from layers.heights import STOREY, levels_height
from layers.osm_features import REACH, city_from_features
from layers.overpass import PATIENCE
from layers.registry import LAYERS

EPSG = 32650  # Wuhan lies in UTM zone 50 north
ORIGIN = (241_000.0, 3_383_000.0)
SCRIPT = "<script>alert(1)</script>"
LAKE_SIDE = 20_000.0


def draw() -> District:
    """Return a district of 600 m by 500 m in Wuhan: every shape and habit that once broke one."""
    d = District(ORIGIN, EPSG)
    d.ring(20, 20, 50, 40, building="apartments", name="武汉天地", height="12.13 m")
    d.ring(100, 20, 140, 60, building="office", height="574'", name="tower")
    d.ring(200, 20, 230, 40, building="residential", building__levels="5")
    outer, inner = d.ring(300, 20, 380, 100), d.ring(320, 40, 360, 80)
    d.relation({outer: "outer", inner: "inner"}, building="yes", amenity="school", name=SCRIPT)
    d.node(250, 60, building="yes")
    d.node(260, 60, building="house")
    d.ring(500, -20, 520, 30, building="yes", building__height="9", name="on the edge")
    d.ring(700, 20, 720, 40, building="yes", name="outside")
    d.ring(60, 60, 70, 70, building="no")
    d.ring(420, 20, 460, 60, building="yes", name="outline")
    d.ring(420, 20, 440, 60, building__part="yes", height="20", name="high part")
    d.ring(440, 20, 460, 60, building__part="yes", building__levels="3", name="low part")
    d.ring(20, 100, 30, 110, building="yes", name="works", id="7", element="node",
           height_from="measured", use="culture", geometry="x", ref__x="1")
    d.way((540, 100), (560, 120), (560, 100), (540, 120), (540, 100), building="shed",
          name="bow tie")
    d.ring(0, 90, 60, 120, landuse="industrial")
    d.way((0, 150), (600, 150), highway="primary", lanes="4", maxspeed="30 mph", name="解放大道")
    d.way((300, 0), (300, 500), highway="residential")
    d.way((-900, 200), (1500, 200), highway="trunk_link", oneway="-1")
    d.way((0, 10), (600, 10), highway="proposed")
    d.node(300, 150, highway="crossing")
    d.ring(100, 200, 150, 240, highway="pedestrian", area="yes", name="广场")
    d.ring(160, 200, 200, 240, place="square")
    d.ring(0, 300, 200, 500, leisure="park")
    d.ring(50, 350, 100, 400, natural="wood")
    d.node(10, 310, natural="tree", height="15 m", diameter_crown="6")
    d.node(20, 310, natural="tree", species="Platanus")
    d.node(30, 310, natural="tree")
    d.way((0, 160), (100, 160), natural="tree_row")
    d.ring(400, 320, 400 + LAKE_SIDE, 320 + LAKE_SIDE, natural="water", water="lake", name="东湖")
    d.way((0, 260), (300, 260), waterway="canal", width="12 m")
    d.way((0, 270), (300, 270), waterway="stream", tunnel="culvert")
    d.elements.append({"type": "way", "id": 90, "nodes": [1000, 99_999_999],
                       "tags": {"highway": "service", "name": "half a way"}})
    return d


DISTRICT = draw()
BOX = DISTRICT.box(0, 0, 600, 500)


def found(name: str, geometry: BaseGeometry, importance: float = 0.7) -> dict[str, Any]:
    """Return a place as Nominatim tells it."""
    west, south, east, north = geometry.bounds
    return {"place_id": 1, "osm_type": "relation", "osm_id": 3076268, "class": "boundary",
            "type": "administrative", "lat": str(geometry.centroid.y), "name": name,
            "lon": str(geometry.centroid.x), "importance": importance, "display_name": name,
            "boundingbox": [str(south), str(north), str(west), str(east)],
            "geojson": mapping(geometry)}


@pytest.fixture(autouse=True)
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The waits asked for, none of which is made."""
    asked: list[float] = []
    monkeypatch.setattr(time, "sleep", asked.append)
    return asked


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[FakeServer]:
    """Both services on the loopback, and no way to any other address."""
    connect, look_up, by_name = socket.socket.connect, socket.getaddrinfo, socket.gethostbyname

    def near(self: socket.socket, address: tuple[str, int]) -> None:
        assert address[0] == "127.0.0.1", f"reached for {address}"
        connect(self, address)

    def only(host: str, *port_and_more: int, **kinds: int) -> list[Any]:
        assert host == "127.0.0.1", f"looked up {host}"
        return [*look_up(host, *port_and_more, **kinds)]

    def plain(host: str) -> str:
        assert host == "127.0.0.1", f"looked up {host}"
        return by_name(host)

    monkeypatch.setattr(socket.socket, "connect", near)
    monkeypatch.setattr(socket, "getaddrinfo", only)
    monkeypatch.setattr(socket, "gethostbyname", plain)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("CITYTWIN_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    here = shapely.box(*BOX)
    places = {
        "武汉": [found("武汉市, 湖北省, 中国", here)],
        "Somewhere": [found("a pub", here.centroid, 0.9), found("the district", here, 0.3)],
        "Peak": [found("a peak", Point(114.3, 30.55))],
        "Gallia": [found("Gallia", shapely.box(-4.5, 42.5, 7.5, 51.0))],
    }
    with FakeServer(DISTRICT, places) as fake:
        monkeypatch.setattr(settings, "overpass_url", f"{fake.url}/api")
        monkeypatch.setattr(settings, "nominatim_url", fake.url)
        yield fake


def cached(tmp_path: Path, kind: str = "overpass") -> list[Path]:
    """Return the answers kept on disk."""
    return sorted((tmp_path / "cache").rglob(f"{kind}-*"))


def row(frame: gpd.GeoDataFrame, name: str) -> pd.Series:
    """Return the one row of that name."""
    rows = frame[frame["name"] == name]
    assert len(rows) == 1, f"{len(rows)} rows are called {name!r}"
    one: pd.Series = rows.iloc[0]
    return one


def test_city_is_whole_and_measured(server: FakeServer) -> None:
    city = osm.fetch("武汉")
    assert city.name == "武汉"
    assert city.crs.to_epsg() == EPSG
    assert city_faults(city) == []
    counts = {name: len(city.frame(name)) for name in city}
    assert counts == {"buildings": 9, "roads": 3, "green": 2, "trees": 3, "tree_rows": 1,
                      "water": 2, "squares": 2}
    # The box around a rectangle that UTM's grid has turned by 1.4 degrees is a little larger.
    assert 300_000 < city.area.area < 320_000
    assert (city.place.country, city.place.region) == ("CN", "Hubei")
    assert server.names == ["武汉"]
    assert len(server.queries) == 1
    assert "fetched 武汉 (武汉市, 湖北省, 中国) from OpenStreetMap" in city.history[0]


@pytest.mark.usefixtures("server")
def test_buildings_are_measured_in_metres() -> None:
    buildings = osm.fetch(BOX).frame("buildings")
    flats, tower = row(buildings, "武汉天地"), row(buildings, "tower")
    assert flats["height"] == pytest.approx(12.13)
    assert flats["height_from"] == "tag"
    assert flats.geometry.area == pytest.approx(30 * 20, rel=1e-3)
    west, south, _, _ = flats.geometry.bounds
    assert (west, south) == pytest.approx((ORIGIN[0] + 20, ORIGIN[1] + 20), abs=0.02)
    assert tower["height"] == pytest.approx(574 * 0.3048)
    storeys = buildings[buildings["height_from"] == "levels"]
    by_hand = levels_height(np.array([5.0]), np.array([STOREY["residential"]]))[0]
    assert storeys["height"].max() == pytest.approx(by_hand)
    assert row(buildings, "on the edge")["height"] == 9.0


@pytest.mark.usefixtures("server")
def test_courtyard_parts_edge_and_bow_tie() -> None:
    buildings = osm.fetch(BOX).frame("buildings")
    school = row(buildings, SCRIPT)
    assert school.geometry.area == pytest.approx(80 * 80 - 40 * 40, rel=1e-3)
    assert len(school.geometry.interiors) == 1
    assert school["use"] == "education"
    assert "outline" not in set(buildings["name"])
    assert row(buildings, "high part")["height"] == 20.0
    assert row(buildings, "on the edge").geometry.area == pytest.approx(20 * 50, rel=1e-3)
    assert "outside" not in set(buildings["name"])
    assert row(buildings, "bow tie").geometry.area == pytest.approx(2 * 20 * 10 / 2, rel=2e-3)


@pytest.mark.usefixtures("server")
def test_tags_that_bear_our_column_names_are_not_believed() -> None:
    works = row(osm.fetch(BOX).frame("buildings"), "works")
    assert works["id"].startswith("way/")
    assert works["id"] != "way/7"
    assert works["height_from"] != "measured"
    assert (works["use"], works["use_from"]) == ("industrial", "landuse")


@pytest.mark.usefixtures("server")
def test_roads_green_water_and_squares() -> None:
    city = osm.fetch(BOX)
    avenue = row(city.frame("roads"), "解放大道")
    assert avenue["speed_limit"] == pytest.approx(30 * 1.609344)
    assert (avenue["class"], avenue["lanes"]) == ("primary", 4.0)
    trunk = city.frame("roads")[city.frame("roads")["class"] == "trunk"].iloc[0]
    assert trunk["oneway"]
    assert trunk.geometry.length == pytest.approx(2400, rel=1e-3)
    green = city.frame("green").set_index("class").geometry.area
    assert green["forest"] == pytest.approx(50 * 50, rel=1e-3)
    assert green["park"] == pytest.approx(200 * 200 - 50 * 50, rel=1e-3)
    tall = city.frame("trees")[city.frame("trees")["size_from"] == "tag"].iloc[0]
    assert (tall["height"], tall["crown"]) == (15.0, 6.0)
    assert "Platanus" in set(city.frame("trees")["name"])
    assert city.frame("tree_rows").geometry.length.sum() == pytest.approx(100, rel=1e-3)
    canal = city.frame("water")[city.frame("water")["class"] == "canal"].iloc[0]
    assert canal.geometry.area == pytest.approx(300 * 12, rel=1e-3)
    squares = sorted(city.frame("squares").geometry.area)
    assert squares == pytest.approx([40 * 40, 50 * 40], rel=1e-3)


@pytest.mark.usefixtures("server")
def test_lake_is_cut_a_little_beyond_the_area() -> None:
    city = osm.fetch(BOX)
    lake = row(city.frame("water"), "东湖")
    _, _, east, north = city.area.bounds
    assert lake.geometry.bounds[2:] == pytest.approx((east + REACH, north + REACH))
    assert lake.geometry.bounds[:2] == pytest.approx((ORIGIN[0] + 400, ORIGIN[1] + 320), abs=0.02)


@pytest.mark.usefixtures("server")
def test_everything_guessed_is_counted() -> None:
    city = osm.fetch(BOX)
    counts = dict(city.fallbacks)
    assert counts["buildings drawn as a point or line dropped"] == 2
    assert counts["ways without all their nodes dropped"] == 1
    assert counts["covered watercourses left out"] == 1
    assert counts["tree sizes assumed"] == 2
    assert counts["road widths assumed from the class"] == 2
    assert 0 not in counts.values()
    guessed = city.frame("buildings")["height_from"].isin(["neighbours", "default"]).sum()
    told = sum(n for what, n in city.fallbacks if what.startswith("building heights"))
    assert told == guessed > 0
    assert city.sources == (f"OpenStreetMap contributors, ODbL 1.0, {DATE}",)
    assert city.history[0].endswith("in 1 tile")


def test_second_fetch_asks_nothing(server: FakeServer) -> None:
    first = osm.fetch("武汉")
    asked = server.requests
    again = osm.fetch("武汉")
    assert server.requests == asked == 2
    assert again.digest() == first.digest()
    assert again.sources == first.sources
    assert again.fallbacks == first.fallbacks


def test_offline_is_answered_from_the_cache_without_a_socket(
        server: FakeServer, monkeypatch: pytest.MonkeyPatch) -> None:
    first = osm.fetch("武汉")

    def never(*args: object, **_: object) -> None:
        pytest.fail(f"the network was touched: {args}")

    for what in ("socket", "create_connection", "getaddrinfo", "gethostbyname"):
        monkeypatch.setattr(socket, what, never)
    asked = server.requests
    assert osm.fetch("武汉", offline=True).digest() == first.digest()
    with pytest.raises(SourceError, match=r"Atlantis: the answer of Nominatim is not in the cache"):
        osm.fetch("Atlantis", offline=True)
    with pytest.raises(SourceError, match="Overpass is not in the cache"):
        osm.fetch("武汉", layers=["trees"], offline=True)
    assert server.requests == asked


@pytest.mark.usefixtures("server")
def test_cache_folder_can_be_given(tmp_path: Path) -> None:
    osm.fetch(BOX, cache=tmp_path / "elsewhere")
    assert not cached(tmp_path)
    assert len(list((tmp_path / "elsewhere").rglob("overpass-*.parquet"))) == 1
    assert not (tmp_path / "cache").exists()
    assert list((tmp_path / "elsewhere").rglob("*.part")) == []


def test_cached_answer_that_is_broken_is_asked_for_again(server: FakeServer,
                                                         tmp_path: Path) -> None:
    first = osm.fetch(BOX)
    [file] = cached(tmp_path)
    file.write_bytes(file.read_bytes()[:200])
    with pytest.raises(SourceError, match="not in the cache"):
        osm.fetch(BOX, offline=True)
    assert osm.fetch(BOX).digest() == first.digest()
    assert len(server.queries) == 2
    assert osm.fetch(BOX, offline=True).digest() == first.digest()


@pytest.mark.parametrize("script", [["remark"], ["429", "429"], ["504"], ["503"], ["cut"],
                                    ["drop"], ["html"], ["slow"], ["remark", "504", "cut"]])
def test_trouble_that_passes_is_waited_out(server: FakeServer, script: list[str]) -> None:
    server.script = deque(script)
    timeout = 1.0 if "slow" in script else 180.0
    city = osm.fetch(BOX, backoff=0, timeout=timeout)
    assert len(server.queries) == len(script) + 1
    assert len(city.frame("buildings")) == 9


@pytest.mark.parametrize(("mode", "words"), [
    ("remark", "only part of the data"), ("504", "HTTP 504"), ("429", "HTTP 429"),
    ("cut", "cut short"), ("html", "no JSON"), ("drop", "broke off")])
def test_trouble_that_stays_is_one_error_and_is_never_kept(
        server: FakeServer, tmp_path: Path, mode: str, words: str) -> None:
    server.script = deque(["ok"])
    server.mode = mode
    with pytest.raises(SourceError, match=words) as error:
        osm.fetch("武汉", backoff=0, retries=2)
    for word in ("武汉", "Overpass", "3 times", "later", "smaller", "--offline", ".osm.pbf"):
        assert word in str(error.value)
    assert "\n" not in str(error.value)
    assert len(server.queries) == 3
    assert cached(tmp_path) == []
    with pytest.raises(SourceError, match="not in the cache"):
        osm.fetch("武汉", offline=True)
    server.mode = "ok"
    assert len(osm.fetch("武汉").frame("buildings")) == 9


def test_half_an_answer_would_have_looked_like_a_city(server: FakeServer) -> None:
    """The partial answer holds buildings enough to pass for a whole one, were it believed."""
    server.mode = "remark"
    body = json.loads(server.overpass(ask_for_buildings())[2])
    kept = [e for e in body["elements"] if "building" in e.get("tags", {})]
    assert 0 < len(kept) < 9


def ask_for_buildings() -> str:
    """Return a query for the buildings of the district as osmnx writes it."""
    west, south, east, north = BOX
    poly = f"{south} {west} {south} {east} {north} {east} {north} {west}"
    return "".join(f"({kind}['building'](poly:'{poly}');(._;>;););"
                   for kind in ("node", "way", "relation"))


@pytest.mark.usefixtures("server")
def test_service_that_is_gone(monkeypatch: pytest.MonkeyPatch, waits: list[float]) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    monkeypatch.setattr(settings, "overpass_url", f"http://127.0.0.1:{port}/api")
    with pytest.raises(SourceError, match="Overpass cannot be reached, 5 times"):
        osm.fetch(BOX)
    assert [w for w in waits if w] == [5, 10, 20, 40]


def test_waits_double_and_heed_the_server(server: FakeServer, waits: list[float]) -> None:
    server.mode = "429"
    with pytest.raises(SourceError):
        osm.fetch(BOX, backoff=5)
    assert [w for w in waits if w] == [15, 30, 60, 120]
    waits.clear()
    server.headers = {"Retry-After": "70"}
    with pytest.raises(SourceError):
        osm.fetch(BOX, backoff=5, retries=2)
    assert [w for w in waits if w] == [70, 70]
    waits.clear()
    server.headers = {"Retry-After": "86400"}
    with pytest.raises(SourceError):
        osm.fetch(BOX, backoff=5, retries=1)
    assert [w for w in waits if w] == [PATIENCE]


@pytest.mark.parametrize("mode", ["400", "403", "kind"])
def test_refusal_is_not_asked_again(server: FakeServer, mode: str) -> None:
    server.mode = mode
    with pytest.raises(SourceError, match=r"Overpass (refuses|gave an answer of another kind)"):
        osm.fetch(BOX)
    assert len(server.queries) == 1


def test_nothing_there(server: FakeServer, tmp_path: Path) -> None:
    server.script = deque(["ok", "empty"])
    with pytest.raises(SourceError, match=r"武汉: OpenStreetMap has no buildings, roads.* there"):
        osm.fetch("武汉")
    assert server.requests == 2
    assert cached(tmp_path) == []
    assert len(osm.fetch("武汉").frame("buildings")) == 9


@pytest.mark.parametrize(("place", "words"), [
    ("Atlantis", "Atlantis: Nominatim knows no such place"),
    ("Peak", "Peak: Nominatim knows a point of that name but no boundary"),
    ("Gallia", r"Gallia has [78]\d\d,\d{3} km2, more than the 5,000 km2"),
    ("  ", "no place was named")])
def test_places_that_cannot_be_fetched(server: FakeServer, place: str, words: str) -> None:
    with pytest.raises(SourceError, match=words) as error:
        osm.fetch(place)
    assert error.value.mend
    assert server.queries == []


@pytest.mark.usefixtures("server")
def test_first_boundary_wins_over_a_point() -> None:
    assert len(osm.fetch("Somewhere").frame("buildings")) == 9


def test_nominatim_has_the_same_patience(server: FakeServer) -> None:
    server.script = deque(["429", "html", "ok"])
    assert len(osm.fetch("武汉", backoff=0).frame("buildings")) == 9
    assert server.names == ["武汉"] * 3
    server.mode = "504"
    with pytest.raises(SourceError, match="Somewhere: Nominatim is too busy"):
        osm.fetch("Somewhere", backoff=0, retries=1)
    assert len(server.names) == 5


@pytest.mark.parametrize(("where", "words"), [
    ((114.4, 30.5, 114.3, 30.6), "west must be less than east"),
    ((114.3, 30.6, 114.4, 30.5), "south than north"),
    ((114.3, 30.5, 114.3, 30.6), "no surface"),
    ((30.5, 114.3, 30.6, 114.4), "order is west, south, east, north"),
    ((241_000, 3_383_000, 242_000, 3_384_000), "not on earth"),
    ((179.9, -17.0, -179.9, -16.8), "crosses the 180 degree meridian in two"),
    ((-179.9, -17.0, 179.9, -16.8), "crosses the 180 degree meridian"),
    ((113.0, 30.0, 115.0, 31.0), r"has 21,\d{3} km2"),
    ((float("nan"), 30.0, 115.0, 31.0), "no bounds"),
    ((10.0, 85.0, 10.2, 85.1), "no UTM zone"),
    ((114.3, 30.5, 114.4), "expected a name, four numbers"),
    (Polygon(), "no bounds"),
    (Point(114.3, 30.5), "expected a polygon"),
    (Polygon([(241_000, 3_383_000), (242_000, 3_383_000), (242_000, 3_384_000)]), "not on earth"),
    (gpd.GeoSeries([shapely.box(0, 0, 1, 1)]), "no CRS"),
    (7, "expected a name")])
def test_areas_that_cannot_be(server: FakeServer, where: osm.Where, words: str) -> None:
    with pytest.raises(CityTwinError, match=words):
        osm.fetch(where)
    assert server.requests == 0


@pytest.mark.usefixtures("server")
def test_polygons_and_frames_are_areas_too() -> None:
    west, south, east, north = BOX
    middle = (west + east) / 2
    halves = [shapely.box(west, south, middle, north), shapely.box(middle, south, east, north)]
    by_box = osm.fetch(BOX)
    by_polygon = osm.fetch(shapely.box(*BOX))
    by_frame = osm.fetch(gpd.GeoDataFrame(geometry=halves, crs=4326).to_crs(EPSG), name="halves")
    assert by_polygon.digest() == by_box.digest()
    assert by_frame.name == "halves"
    assert by_frame.area.area == pytest.approx(by_box.area.area, rel=1e-4)
    left = osm.fetch(MultiPolygon([shapely.box(*DISTRICT.box(0, 0, 160, 500)),
                                   shapely.box(*DISTRICT.box(280, 0, 400, 110))]))
    assert set(left.frame("buildings")["name"]) == {"武汉天地", "tower", "works", SCRIPT}


def test_layers_can_be_chosen(server: FakeServer) -> None:
    city = osm.fetch(BOX, layers=["trees", "roads"])
    assert set(city) == {"trees", "roads"}
    assert len(city.frame("trees")) == 3
    assert "building" not in server.queries[0]
    with pytest.raises(LayerError, match="no layer 'tree', did you mean 'trees'"):
        osm.fetch(BOX, layers=["tree"])
    with pytest.raises(LayerError, match="no layer 'corridors'"):
        osm.fetch(BOX, layers=["corridors"])
    assert server.requests == 1


@pytest.mark.usefixtures("server")
def test_layer_with_nothing_in_it_is_empty_not_absent() -> None:
    city = osm.fetch(DISTRICT.box(0, 0, 160, 80))
    assert len(city.frame("buildings")) == 2
    assert len(city.frame("water")) == len(city.frame("squares")) == 0
    assert city_faults(city) == []


@pytest.mark.usefixtures("server")
def test_country_and_region_can_be_said() -> None:
    city = osm.fetch(BOX, country="mn", region="Töv")
    assert (city.place.country, city.place.region, city.place.found_by) == ("MN", "Töv", "user")
    assert osm.fetch(BOX, region="Hubei Sheng").place.country == "CN"


def test_settings_of_osmnx_come_back(server: FakeServer, monkeypatch: pytest.MonkeyPatch,
                                     tmp_path: Path) -> None:
    heard: list[int] = []
    monkeypatch.setattr(settings, "requests_kwargs",
                        {"hooks": {"response": lambda r, **_: heard.append(r.status_code)}})
    names = [n for n in dir(settings) if n.islower() and not n.startswith("_")]
    before = {n: getattr(settings, n) for n in names}
    look_up = socket.getaddrinfo
    osm.fetch(BOX)
    server.mode = "504"
    with pytest.raises(SourceError):
        osm.fetch("武汉", backoff=0, retries=0)
    assert {n: getattr(settings, n) for n in names} == before
    assert socket.getaddrinfo is look_up
    assert heard == [200, 504]  # the user's own hook is still called
    assert sorted(p.name for p in tmp_path.iterdir()) == ["cache"]
    assert all(agent.startswith("citytwin") for agent in server.agents)


def test_server_is_given_whole_seconds(server: FakeServer) -> None:
    osm.fetch(BOX, timeout=0.5)
    osm.fetch(DISTRICT.box(0, 0, 160, 80), timeout=89.2)
    assert "[timeout:1]" in server.queries[0]
    assert "[timeout:90]" in server.queries[1]


def test_query_is_short_for_a_boundary_of_many_corners(server: FakeServer) -> None:
    centre = shapely.box(*BOX).centroid
    osm.fetch(centre.buffer(0.002, quad_segs=2000))
    assert len(server.queries[0]) < 10_000


def test_large_area_goes_by_tiles_and_goes_on_where_it_stopped(
        server: FakeServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    whole = osm.fetch(BOX)
    monkeypatch.setattr(osm, "TILE", 310.0)
    server.queries.clear()
    server.script, server.mode = deque(["ok", "ok"]), "remark"
    with pytest.raises(SourceError, match="only part"):
        osm.fetch(BOX, backoff=0, retries=1)
    assert len(cached(tmp_path)) == 1 + 2
    server.mode = "ok"
    seen: list[tuple[int, int, str]] = []
    tiled = osm.fetch(BOX, progress=lambda *told: seen.append(told))
    tiles = seen[-1][1]
    assert tiles == 4
    assert len(server.queries) == 2 + 2 + (tiles - 2)
    assert [done for done, _, _ in seen] == list(range(tiles + 1))
    for name in whole:
        assert sorted(tiled.frame(name)["id"]) == sorted(whole.frame(name)["id"])
    assert tiled.frame("buildings").geometry.area.sum() == pytest.approx(
        whole.frame("buildings").geometry.area.sum())


def test_every_layer_of_openstreetmap_can_be_made() -> None:
    tagged = {name for name, spec in LAYERS.items() if spec.osm}
    assert set(osm_features._DRAWN) == set(osm_features._TAGS) == tagged | {"landuse"}
    keys = {key for name in tagged for key in LAYERS[name].osm}
    assert keys <= osm_features.KEPT


def test_tiles_cover_the_area_and_skip_the_rest() -> None:
    middle = Point(114.3, 30.55)
    ring = as_area(middle.buffer(0.3) - middle.buffer(0.25))
    tiles = [shapely.box(*t) for t in osm._tiles(ring)]
    assert shapely.union_all(tiles).covers(ring)
    apart = MultiPolygon([shapely.box(0, 0, 0.01, 0.01), shapely.box(0.5, 0.5, 0.51, 0.51)])
    assert len(osm._tiles(apart)) == 2
    assert shapely.area(tiles).sum() < 0.8 * shapely.box(*ring.bounds).area
    side = np.array([[t.bounds[2] - t.bounds[0], t.bounds[3] - t.bounds[1]] for t in tiles])
    assert (side * 111_320 * [np.cos(np.radians(30.55)), 1]).max() < osm.TILE * 1.01


def test_empty_tile_is_kept_only_with_the_others(server: FakeServer, tmp_path: Path,
                                                 monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(osm, "TILE", 400.0)
    west, south, east, _ = DISTRICT.box(0, 0, 160, 80)
    osm.fetch((west, south, east, south + 0.0005), layers=["buildings"])
    area = MultiPolygon([shapely.box(*DISTRICT.box(0, 0, 160, 80)),
                         shapely.box(*DISTRICT.box(0, -3000, 160, -2900))])
    osm.fetch(area, layers=["buildings"])
    asked = len(server.queries)
    assert len(cached(tmp_path)) == 3
    assert len(osm.fetch(area, layers=["buildings"], offline=True).frame("buildings")) == 2
    assert len(server.queries) == asked


@pytest.mark.usefixtures("server")
def test_features_from_elsewhere_make_the_same_city() -> None:
    """Rows as a PBF reader gives them: broken, mixed, without an index of their own."""
    x, y = ORIGIN
    bow = Polygon([(x, y), (x + 20, y + 20), (x + 20, y), (x, y + 20)])
    rows = gpd.GeoDataFrame(
        {"element": ["way"] * 6, "id": [1, 2, 3, 4, 5, 6],
         "building": ["shed", "yes", "yes", None, None, "house"],
         "height": [None, "40 ft", None, None, None, None],
         "highway": [None, None, None, "residential", None, None],
         "natural": [None, None, None, None, "coastline", None]},
        geometry=[bow, shapely.box(x + 30, y, x + 40, y + 10), Point(x + 5, y + 50),
                  shapely.LineString([(x, y + 30), (x + 60, y + 30)]),
                  shapely.LineString([(x, y + 40), (x + 60, y + 40)]), None],
        crs=EPSG)
    city = city_from_features(rows, shapely.box(x, y, x + 100, y + 100), name="town",
                              sources=("a file",), fallbacks=(("read", 1),))
    assert city.crs.to_epsg() == EPSG
    assert city_faults(city) == []
    buildings = city.frame("buildings").set_index("id")
    assert set(buildings.index) == {"way/1", "way/2"}
    assert buildings.geometry["way/1"].area == pytest.approx(200.0)
    assert buildings["height"]["way/2"] == pytest.approx(40 * 0.3048)
    assert dict(city.fallbacks)["broken geometries mended"] == 1
    assert dict(city.fallbacks)["buildings drawn as a point or line dropped"] == 1
    assert dict(city.fallbacks)["features without a geometry dropped"] == 1
    assert dict(city.fallbacks)["coastlines: the sea is not in the water layer"] == 1
    assert dict(city.fallbacks)["read"] == 1
    assert city.sources == ("a file",)
    with pytest.raises(SourceError, match="town: OpenStreetMap has no"):
        city_from_features(rows, shapely.box(x + 500, y, x + 600, y + 100), name="town")
    with pytest.raises(LayerError, match="no CRS"):
        city_from_features(rows.set_crs(None, allow_override=True),
                           shapely.box(x, y, x + 100, y + 100))
