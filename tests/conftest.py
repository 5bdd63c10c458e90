"""What all tests share: embedded cities, a small study, the command, no way to the network."""

from __future__ import annotations

import ipaddress
import os
import socket
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

os.environ["MPLBACKEND"] = "Agg"  # before anything imports Matplotlib
os.environ.setdefault("NUMBA_CACHE_DIR", str(Path(tempfile.gettempdir()) / "citytwin-numba"))

import pytest
from hypothesis import HealthCheck, settings

import layers
import scenarios
from scenarios.studies import Study
from twin import cli

settings.register_profile("ci", max_examples=12, deadline=None, derandomize=True,
                          suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("dev", settings.get_profile("ci"), max_examples=50, derandomize=False)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))


def _is_near(host: object) -> bool:
    if host is None or host in ("", b"", "localhost", b"localhost"):
        return True
    try:
        text = host.decode() if isinstance(host, bytes) else str(host)
        return ipaddress.ip_address(text.partition("%")[0]).is_loopback
    except ValueError:
        return False


@pytest.fixture(scope="session", autouse=True)
def no_network() -> Iterator[None]:
    """Let sockets reach the loopback only, and names be looked up for it only."""
    patch = pytest.MonkeyPatch()
    connect, connect_ex = socket.socket.connect, socket.socket.connect_ex
    look_up, by_name = socket.getaddrinfo, socket.gethostbyname

    def guard(host: object) -> None:
        if not _is_near(host):
            raise PermissionError(f"a test reached for the network: {host!r}")

    def near(self: socket.socket, address: object) -> None:
        if isinstance(address, tuple):  # the others are files of this machine
            guard(address[0])
        connect(self, address)  # type: ignore[arg-type]

    def near_ex(self: socket.socket, address: object) -> int:
        if isinstance(address, tuple):
            guard(address[0])
        return connect_ex(self, address)  # type: ignore[arg-type]

    def known(host: object, *port_and_more: object, **kinds: object) -> object:
        guard(host)
        return look_up(host, *port_and_more, **kinds)  # type: ignore[arg-type, call-overload]

    def plain(host: str) -> str:
        guard(host)
        return by_name(host)

    patch.setattr(socket.socket, "connect", near)
    patch.setattr(socket.socket, "connect_ex", near_ex)
    patch.setattr(socket, "getaddrinfo", known)
    patch.setattr(socket, "gethostbyname", plain)
    yield
    patch.undo()


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """Run the command in this process: its exit code, and what it said on stdout and stderr."""
    def run(*words: object) -> tuple[int, str, str]:
        try:
            code = cli.main([str(w) for w in words])
        except SystemExit as error:
            code = error.code if isinstance(error.code, int) else 0 if error.code is None else 1
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


@pytest.fixture(scope="session")
def toy() -> layers.City:
    """The toy town of seed 1: 56 buildings, longer west to east than south to north."""
    return layers.toy_town(seed=1)


@pytest.fixture(scope="session")
def district() -> layers.City:
    """The demonstration district: 1.5 x 1.5 km of the old town of Nantes."""
    return layers.sample()


@pytest.fixture(scope="session")
def nantes() -> layers.City:
    """The centre of Nantes."""
    return layers.sample("nantes")


@pytest.fixture(scope="session")
def toy_study(toy: layers.City) -> Study:
    """The toy town as it is, greener, and with lower roofs in its planned corridor."""
    return scenarios.study(
        toy,
        scenarios.Scenario("greener", scenarios.PlantTrees(along="roads", spacing=8.0),
                           scenarios.GreenRoofs(share=0.3)),
        scenarios.Scenario("lower", scenarios.CapHeights(height=12.0, within="corridor")),
        cell_size=40, settings={"wind_field": {"sectors": 4},
                                "sun_field": {"cell": 4.0, "directions": 24}},
    )
