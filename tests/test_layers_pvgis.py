"""Asking PVGIS for a typical year: a stored answer given by a server on the loopback."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from layers.errors import CityTwinError, SourceError
from layers.files import read
from layers.pvgis import fetch_typical_year
from layers.weather import annual_ghi, read_weather, year_of_hours

STORED = (Path(__file__).resolve().parents[2] / "shared" / "data" / "weather"
          / "pvgis_tmy_45.000_8.000_2005_2023.csv")


class Service:
    """PVGIS on the loopback: gives one answer after the other, the last again and again."""

    def __init__(self) -> None:
        self.answers: list[tuple[int, bytes, dict[str, str]]] = []
        self.asked: list[dict[str, list[str]]] = []
        service = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                service.asked.append(parse_qs(urlsplit(self.path).query))
                code, body, headers = service.answers[0]
                if len(service.answers) > 1:
                    service.answers.pop(0)
                self.send_response(code)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/api/v5_3/tmy"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True)
        self.thread.start()


@pytest.fixture
def pvgis() -> Iterator[Service]:
    service = Service()
    yield service
    service.server.shutdown()
    service.server.server_close()
    service.thread.join()


def answer() -> bytes:
    """Return a year as PVGIS writes it: the header of a real answer, hours made up."""
    head = ("Latitude (decimal degrees): 45.000\r\nLongitude (decimal degrees): 8.000\r\n"
            "Elevation (m): 250.0\r\nIrradiance Time Offset (h): 0.1761\r\nmonth,year\r\n")
    months = "".join(f"{m},{2004 + m}\r\n" for m in range(1, 13))
    names = "time(UTC),T2m,RH,G(h),Gb(n),Gd(h),IR(h),WS10m,WD10m,SP\r\n"
    rows = "".join(f"{2004 + t.month}{t:%m%d:%H}00,9.5,80.0,{100 if 6 < t.hour < 18 else 0}.0,0.0,"
                   "50.0,260.0,1.5,297.0,99000.0\r\n" for t in year_of_hours(8760))
    legend = "".join(f"{name}: words\r\n" for name in names.strip().split(",")[1:])
    return (head + months + names + rows + "\r\n" + legend
            + "\r\nPVGIS (c) European Union, 2001-2025\r\n").encode()


def test_a_year_is_asked_for_once(pvgis: Service, tmp_path: Path) -> None:
    pvgis.answers = [(200, answer(), {})]
    path = fetch_typical_year(45.0, 8.0, cache=tmp_path / "缓存", url=pvgis.url)
    assert path.parent == tmp_path / "缓存" / "pvgis"
    assert pvgis.asked == [{"lat": ["45.00"], "lon": ["8.00"], "outputformat": ["csv"]}]
    weather = read_weather(path)
    assert annual_ghi(weather) == pytest.approx(365 * 1.1)
    assert (weather.attrs["latitude"], weather.attrs["longitude"]) == (45.0, 8.0)
    assert str(weather["time"].to_numpy()[0])[11:19] == "00:10:33"
    assert fetch_typical_year(45.001, 8.0, cache=tmp_path / "缓存", offline=True) == path
    assert len(pvgis.asked) == 1
    assert [p.name for p in path.parent.iterdir()] == [path.name]


def test_a_real_answer(pvgis: Service, tmp_path: Path) -> None:
    if not STORED.is_file():
        pytest.skip("the stored answer of PVGIS is not here")
    pvgis.answers = [(200, STORED.read_bytes(), {})]
    path = fetch_typical_year(45.0, 8.0, cache=tmp_path, url=pvgis.url)
    assert path.read_bytes() == STORED.read_bytes()
    assert annual_ghi(read_weather(path)) == pytest.approx(1435.9, abs=0.1)


def test_a_busy_server_is_asked_again(pvgis: Service, tmp_path: Path) -> None:
    pvgis.answers = [(429, b"", {"Retry-After": "0"}), (529, b"", {}), (200, answer(), {})]
    path = fetch_typical_year(45.0, 8.0, cache=tmp_path, backoff=0.01, url=pvgis.url)
    assert path.is_file()
    assert len(pvgis.asked) == 3
    pvgis.answers = [(503, b"", {})]
    with pytest.raises(SourceError, match=r"is too busy \(HTTP 503\), 2 times"):
        fetch_typical_year(1.0, 8.0, cache=tmp_path, backoff=0.01, retries=1, url=pvgis.url)


def test_a_place_at_sea_is_told(pvgis: Service, tmp_path: Path) -> None:
    said = {"message": "Location over the sea.\u001b[31m Please, select another", "status": 400}
    pvgis.answers = [(400, json.dumps(said).encode(), {})]
    with pytest.raises(SourceError, match=r"Location over the sea\. \[31m Please") as caught:
        fetch_typical_year(0.0, -30.0, cache=tmp_path, url=pvgis.url)
    assert "0.00 N -30.00 E" in str(caught.value)
    assert len(pvgis.asked) == 1
    pvgis.answers = [(404, b"<html>", {})]
    with pytest.raises(SourceError, match=r"refuses \(HTTP 404\)"):
        fetch_typical_year(0.0, -30.0, cache=tmp_path, url=pvgis.url)


@pytest.mark.parametrize("body", [b"", b"<html>hello</html>", b"{}", answer()[:200_000]],
                         ids=["empty", "html", "json", "cut short"])
def test_what_is_no_year_is_not_kept(pvgis: Service, tmp_path: Path, body: bytes) -> None:
    pvgis.answers = [(200, body, {})]
    with pytest.raises(SourceError, match="something else than a year of weather"):
        fetch_typical_year(45.0, 8.0, cache=tmp_path, url=pvgis.url)
    assert not list((tmp_path / "pvgis").iterdir())


def test_without_a_server_or_a_place(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="not in the cache"):
        fetch_typical_year(45.0, 8.0, cache=tmp_path, offline=True)
    with pytest.raises(SourceError, match="cannot be reached, 1 times"):
        fetch_typical_year(45.0, 8.0, cache=tmp_path, retries=0, url="http://127.0.0.1:9/tmy")
    with pytest.raises(CityTwinError, match="is no place"):
        fetch_typical_year(114.0, 300.0, cache=tmp_path)


def test_the_word_pvgis_on_the_command_line(call, toy, tmp_path, monkeypatch):
    if not STORED.is_file():
        pytest.skip("the shared weather files are not there")
    longitude, latitude = toy.lonlat
    kept = tmp_path / "pvgis" / f"pvgis_tmy_v5_3_{latitude:.2f}_{longitude:.2f}.csv"
    kept.parent.mkdir()
    kept.write_bytes(STORED.read_bytes())
    monkeypatch.setenv("CITYTWIN_CACHE", str(tmp_path))
    toy.frame("buildings").to_file(tmp_path / "b.gpkg")
    code, _, err = call("import", tmp_path / "城.gpkg", "--buildings", tmp_path / "b.gpkg",
                        "--weather", "pvgis", "-q")
    assert (code, err) == (0, "")
    weather = read(tmp_path / "城.gpkg")["weather"]
    assert annual_ghi(weather) == pytest.approx(annual_ghi(read_weather(STORED)), rel=1e-6)
