"""The commands and code of the README run as they stand there."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import numpy as np
import pytest
import rasterio
from rasterio.transform import from_origin

from twin.cli import main
from twin.indicators import wind_field

README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")
RUN = re.findall(r"<!-- run -->\n```(sh|python)\n(.*?)```", README, re.S)


@pytest.fixture(autouse=True)
def coarse_wind(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the wind have cells of 10 m: a sixth of the work."""
    monkeypatch.setitem(wind_field.__kwdefaults__, "cell", 10.0)


def put_heights(path: Path) -> None:
    """Write building heights as a GIS would: north up, in metres."""
    heights = np.zeros((40, 60), np.float32)
    heights[12:22, 20:30] = 18.0
    with rasterio.open(path, "w", driver="GTiff", width=60, height=40, count=1, dtype="float32",
                       crs="EPSG:2154", transform=from_origin(355000, 6690000, 4, 4)) as file:
        file.write(heights, 1)


def test_readme_commands_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                             capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    recipe = re.search(r"```yaml\n(.*?)```", README, re.S)
    factors = re.search(r"<!-- file: factors.csv -->\n```csv\n(.*?)```", README, re.S)
    assert recipe
    assert factors
    (tmp_path / "greener.yaml").write_text(recipe[1], encoding="utf-8")
    (tmp_path / "factors.csv").write_text(factors[1], encoding="utf-8")
    put_heights(tmp_path / "heights.tif")
    commands = [line for kind, text in RUN if kind == "sh" for line in text.splitlines()]
    assert len(commands) >= 12
    for command in commands:
        program, *words = shlex.split(command)
        assert program == "citytwin"
        assert main([*words, "--quiet"]) == 0, f"{command}\n{capsys.readouterr().err}"
    assert (tmp_path / "greener.png").stat().st_size > 50_000


def test_readme_python_runs(capsys: pytest.CaptureFixture[str]) -> None:
    blocks = [text for kind, text in RUN if kind == "python"]
    assert blocks
    for text in blocks:
        exec(compile(text, "README.md", "exec"), {})
    assert "co2_net" in capsys.readouterr().out


def test_readme_holds_no_gap() -> None:
    assert not re.findall(r"[A-Z]+_TABLE|TODO|XXX", README)


def test_readme_names_every_verb_and_make_target() -> None:
    makefile = (Path(__file__).parent.parent / "Makefile").read_text(encoding="utf-8")
    for target in re.findall(r"`make (\S+?)`", README):
        assert re.search(rf"^{re.escape(target)}:", makefile, re.M), target
