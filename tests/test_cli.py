"""The command line: what machines read on stdout, what people read on stderr, and exit codes."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import layers
import twin
from layers.errors import CityTwinError
from layers.version import VERSION
from scenarios.edits import EDITS
from scenarios.studies import Study
from twin.cli_parser import build_parser
from twin.heat.redraw import TOTALS
from twin.indicators import wind_field
from twin.label import label_of

ROOT = Path(__file__).resolve().parents[1]
VERBS = ("demo", "sample", "fetch", "import", "check", "run", "study", "wind", "weather", "sun",
         "carbon", "drivers", "abatement", "compare", "sheet", "still", "export", "list",
         "validate", "bench", "doctor")
Run = Callable[..., "Told"]


class Told:
    """What one call said and how it ended."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err

    @property
    def json(self) -> Any:
        def strict(word: str) -> float:
            raise AssertionError(f"{word} is no JSON")

        return json.loads(self.out, parse_constant=strict)


@pytest.fixture
def run(call: Callable[..., tuple[int, str, str]]) -> Run:
    """Run the command in this process."""
    return lambda *words: Told(*call(*words))


def python(*words: str, **environment: str) -> Told:
    """Run Python as a process of its own, from the root of the project."""
    done = subprocess.run([sys.executable, *words], cwd=ROOT, capture_output=True, timeout=60,
                          env={**os.environ, "PYTHONUTF8": "1", **environment}, check=False)
    return Told(done.returncode, done.stdout.decode(), done.stderr.decode())


@pytest.fixture(scope="module")
def file(toy: layers.City, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The toy town as a user's file, with a Chinese name and path."""
    folder = tmp_path_factory.mktemp("城市 数据")
    return layers.write(replace(toy, name="玩具城"), folder / "玩具城.gpkg")


@pytest.fixture(scope="module")
def study_folder(toy_study: Study, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return toy_study.save(tmp_path_factory.mktemp("s") / "study")


def subparsers() -> dict[str, argparse.ArgumentParser]:
    parser = build_parser()
    action = next(a for a in parser._actions if isinstance(a, argparse._SubParsersAction))
    return dict(action.choices)


# Help, version, exit codes


def test_the_verbs_are_those_of_the_manual() -> None:
    assert tuple(subparsers()) == VERBS


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help_with_an_example(verb: str, run: Run) -> None:
    told = run(verb, "--help")
    assert (told.code, told.err) == (0, "")
    assert told.out.startswith(f"usage: citytwin {verb}")
    assert f"Example: citytwin {verb}" in " ".join(told.out.split())


def test_every_argument_is_explained() -> None:
    for verb, parser in subparsers().items():
        for action in parser._actions:
            assert action.help or action.choices, f"{verb} {action.dest}"


def test_no_verb_prints_the_help_and_exits_2(run: Run) -> None:
    told = run()
    assert told.code == 2
    for verb in VERBS:
        assert f"\n    {verb}" in told.out


def test_the_version_is_the_packages(run: Run) -> None:
    told = run("--version")
    assert (told.code, told.out) == (0, f"citytwin {VERSION}\n")
    (script,) = entry_points(group="console_scripts", name="citytwin")
    assert script.value == "twin.cli:main"


@pytest.mark.parametrize("words", [
    ("fly",), ("run",), ("run", "c.gpkg", "--cell", "big"), ("run", "c.gpkg", "--cell", "nan"),
    ("run", "c.gpkg", "--cell", "inf"), ("list", "colours"), ("import",),
    ("import", "o.gpkg", "--map", "a=b"), ("import", "o.gpkg", "--roads", "r", "--map", "a"),
    ("import", "o.gpkg", "--control", "vehicle_km"), ("study", "c.gpkg", "r.yaml"),
    ("fetch", "-o", "a.gpkg"), ("validate", "trees")])
def test_wrong_usage_exits_2_and_says_so_on_stderr(words: tuple[str, ...], run: Run) -> None:
    told = run(*words)
    assert (told.code, told.out) == (2, "")
    assert told.err.strip().splitlines()[-1].startswith("citytwin")


@pytest.mark.parametrize(("words", "says"), [
    (("check", "no-such-file.gpkg"), "does not exist"),
    (("check", "sample:distrct"), "did you mean 'district'?"),
    (("sample", "nante", "-o", "x.gpkg"), "did you mean 'nantes'?"),
    (("sample", "district", "-o", "x.shp"), ".gpkg"),
    (("list", "factors", "eui.residentail"), "did you mean 'eui.residential"),
    (("compare", "no-such-study"), "no-such-study"),
    (("export", "no-such-twin", "-o", "x"), "no-such-twin"),
    (("study", "sample:district", "no.yaml", "-o", "x"), "no.yaml")])
def test_our_errors_are_one_line_on_stderr_and_exit_1(words: tuple[str, ...], says: str, run: Run,
                                                      tmp_path: Path,
                                                      monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    told = run(*words, *(["--quiet"] if words[0] != "list" else []))
    assert (told.code, told.out) == (1, "")
    assert told.err.startswith("citytwin: ")
    assert told.err.count("\n") == 1
    assert says in told.err
    assert list(tmp_path.iterdir()) == []


def test_debug_shows_the_traceback(run: Run) -> None:
    with pytest.raises(CityTwinError, match="does not exist"):
        run("check", "no-such-file.gpkg", "--debug")


@pytest.mark.parametrize(("error", "code", "says"), [
    (KeyboardInterrupt(), 130, "interrupted; nothing half-written was left"),
    (MemoryError(), 1, "not enough memory"),
    (OSError(28, "No space left on device", "x.gpkg"), 1, "x.gpkg: No space left on device"),
    (ZeroDivisionError("a\nb"), 1, "unexpected ZeroDivisionError: a b (a fault of ours")])
def test_whatever_happens_ends_in_one_line(error: BaseException, code: int, says: str, run: Run,
                                           monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: object) -> None:
        raise error

    monkeypatch.setattr("twin.verbs.check", fail)
    told = run("check", "sample:district")
    assert (told.code, told.out) == (code, "")
    assert told.err.startswith(f"citytwin: {says}")
    assert told.err.count("\n") == 1


# Machine output


def test_run_json_has_exactly_its_schema(run: Run, file: Path) -> None:
    told = run("run", file, "--cell", "40", "--json")
    assert (told.code, told.err) == (0, "")
    found = told.json
    assert list(found) == ["cells", "totals", "fallbacks", "seconds", "peak_mb"]
    assert found["cells"] == 60  # 400 x 240 m in cells of 40 m
    known = {v.name: v for f in twin.INDICATORS for v in label_of(f).gives}
    assert {n for n, v in known.items() if v.total} - set(found["totals"]) == {"pv_policy_area"}
    assert any("pv_policy_area" in told for told in found["fallbacks"])  # none in France
    for name, row in found["totals"].items():
        assert list(row) == ["value", "unit", "low", "high"]
        assert row["unit"] == known[name].local("EUR").unit_of_total
        if known[name].estimate or name in TOTALS:
            assert row["low"] <= row["value"] <= row["high"]
        else:
            assert row["low"] is row["high"] is None
    assert all(isinstance(n, int) for n in found["fallbacks"].values())
    assert found["seconds"]["total"] > 0
    assert found["peak_mb"] > 10


def test_run_json_gives_what_the_library_gives(run: Run, file: Path, toy: layers.City) -> None:
    found = run("run", file, "--cell", "40", "--json", "--want", "building_coverage,co2_net").json
    totals = twin.run(toy, cell_size=40, want=["building_coverage", "co2_net"]).totals()
    for name in ("building_coverage", "co2_net"):
        assert found["totals"][name]["value"] == pytest.approx(totals.loc[name, "value"])
    assert "green_share" not in found["totals"]


def test_run_writes_a_twin_that_opens(run: Run, file: Path, tmp_path: Path) -> None:
    told = run("run", file, "-o", tmp_path / "基准.twin", "--want", "green_share", "--quiet")
    assert (told.code, told.err) == (0, "")
    opened = twin.open(tmp_path / "基准.twin")
    assert float(opened.totals().loc["green_share", "value"]) == pytest.approx(
        56 * 56 / (400 * 240))
    assert "Toy town: made up by a program" in told.out


def test_check_json_counts_layers_and_heights(run: Run, file: Path, toy: layers.City) -> None:
    told = run("check", file, "--json")
    assert (told.code, told.err) == (0, "")
    found = told.json
    assert {"name", "area_km2", "layers", "heights", "faults"} <= set(found)
    assert found["name"] == "玩具城"
    assert "玩具城" in told.out  # not as \u escapes
    assert found["area_km2"] == pytest.approx(0.096)
    assert found["layers"] == {n: len(t) for n, t in toy.frames.items()}
    assert sum(found["heights"].values()) == pytest.approx(1.0)
    assert found["faults"] == []


def test_check_of_the_sample(run: Run) -> None:
    found = run("check", "sample:nantes", "--json").json
    assert found["layers"]["buildings"] == 8619
    assert found["heights"]["measured"] == pytest.approx(8545 / 8619)
    assert found["area_km2"] == pytest.approx(5.65, abs=0.01)


def test_check_says_faults_and_exits_1(run: Run, monkeypatch: pytest.MonkeyPatch,
                                       toy: layers.City) -> None:
    built = toy.frame("buildings")
    bad = replace(toy, layers={**toy.layers, "buildings": built.assign(height=-1.0)})
    monkeypatch.setattr("twin.city_verbs.city_of", lambda _: bad)
    told = run("check", "x", "--json")
    assert told.code == 1
    assert len(told.json["faults"]) == 1
    assert "height is -1 m" in told.json["faults"][0]


def test_study_compare_and_export_speak_json(run: Run, file: Path, tmp_path: Path,
                                             toy_study: Study) -> None:
    recipe = tmp_path / "更绿.yaml"
    recipe.write_text("name: 更绿\nedits:\n  - GreenRoofs: {share: 0.5}\n", encoding="utf-8")
    told = run("study", file, recipe, "-o", tmp_path / "研究", "--cell", "40", "--json")
    assert (told.code, told.err) == (0, "")
    found = told.json
    assert list(found) == ["totals", "fallbacks"]
    assert list(found["totals"]) == ["base", "更绿"]
    roofs = [found["totals"][n]["green_roof_share"]["value"] for n in ("base", "更绿")]
    assert roofs[0] == 0.0 < roofs[1]
    change = run("compare", tmp_path / "研究", "--json", "-o", tmp_path / "c.csv").json
    assert list(change) == ["更绿"]
    assert change["更绿"]["green_roof_share"]["change"] == pytest.approx(roofs[1])
    assert change["更绿"]["traffic_co2"]["change"] == 0
    table = pd.read_csv(tmp_path / "c.csv")
    assert len(table) == len(change["更绿"])


def test_compare_tells_people_what_changes(run: Run, study_folder: Path) -> None:
    told = run("compare", study_folder)
    assert told.code == 0
    assert "greener, against base" in told.out
    assert "lower, against base" in told.out
    assert "Planted roof per ground area" in told.out
    more = run("compare", study_folder, "--all")
    assert len(more.out.splitlines()) > len(told.out.splitlines())
    lines = run("compare", study_folder, "--to", "greener").out
    assert "base, against greener" in lines


def test_export_writes_files_by_scenario(run: Run, study_folder: Path, tmp_path: Path) -> None:
    told = run("export", study_folder, "-o", tmp_path / "gis", "--as", "csv", "--var",
               "building_coverage")
    assert told.code == 0
    assert {p.name for p in (tmp_path / "gis").iterdir()} == {
        "base", "greener", "lower", "totals.csv", "change-greener.csv", "change-lower.csv"}
    count = sum(1 for p in (tmp_path / "gis").rglob("*") if p.is_file())
    assert told.out == f"{count} files in {tmp_path / 'gis'}\n"


@pytest.mark.parametrize(("what", "count", "fields"), [
    ("layers", sum(len(s.columns) for s in layers.LAYERS.values()),
     {"layer", "geometry", "column", "type", "units", "about"}),
    ("indicators", sum(len(label_of(f).gives) for f in twin.INDICATORS),
     {"variable", "units", "total", "range", "settings", "about"}),
    ("edits", len(EDITS), {"edit", "fields", "about"}),
    ("samples", 2, {"sample", "about"}),
    ("factors", 300, {"factor_id", "value", "unit", "low", "high", "source", "region"})])
def test_list_gives_everything_for_people_and_machines(what: str, count: int, fields: set[str],
                                                       run: Run) -> None:
    told = run("list", what, "--json")
    assert (told.code, told.err) == (0, "")
    rows = told.json
    assert len(rows) == count or (what == "factors" and len(rows) >= count)
    for row in rows:
        assert fields <= set(row)
    if what != "factors":
        assert all(row["about"] for row in rows)
    plain = run("list", what)
    assert plain.code == 0
    assert len(plain.out.splitlines()) == len(rows) + 1


def test_list_factors_by_stem(run: Run) -> None:
    rows = run("list", "factors", "eui.residential", "--json").json
    assert 1 < len(rows) < 100
    assert all(row["factor_id"].startswith("eui.residential") for row in rows)


def test_samples_listed_are_samples(run: Run) -> None:
    for row in run("list", "samples", "--json").json:
        assert isinstance(layers.sample(row["sample"]), layers.City)


def test_sample_writes_a_users_file(run: Run, tmp_path: Path) -> None:
    told = run("sample", "-o", tmp_path / "d.gpkg")
    assert told.code == 0
    assert len(layers.read(tmp_path / "d.gpkg").frame("buildings")) == 6649


def test_validate_and_doctor_speak_json(run: Run) -> None:
    rows = run("validate", "heights", "--json").json
    assert rows[0]["source"] == "all"
    assert rows[0]["n"] == 8545
    told = run("doctor", "--json")
    parts = told.json
    assert told.code in (0, 1)
    assert all(set(part) == {"part", "ok", "about"} for part in parts)
    assert any(part["part"].lower().startswith("python") for part in parts)


def test_columns_of_wide_characters_line_up(capsys: pytest.CaptureFixture[str]) -> None:
    from twin.tables import _width, print_table

    assert _width("武汉 ab") == 7
    print_table(pd.DataFrame([{"name": "武汉", "n": 1}, {"name": "abcd", "n": 22}]))
    lines = capsys.readouterr().out.splitlines()
    assert lines == ["name  n", "武汉  1", "abcd  22"]


# As a process


def test_progress_goes_to_stderr_and_answers_to_stdout(file: Path) -> None:
    told = python("-m", "twin", "run", str(file), "--want", "green_share")
    assert told.code == 0
    assert told.err.startswith("run: ")
    assert "run: " not in told.out
    assert "made up by a program from a seed" in told.out
    answer = python("-m", "twin", "run", str(file), "--json", "--want", "green_share")
    assert (answer.code, answer.err) == (0, "")
    assert answer.json["totals"]["green_share"]["unit"] == "1"


def test_python_m_twin_is_the_command() -> None:
    told = python("-m", "twin", "--help")
    assert (told.code, told.err) == (0, "")
    assert told.out.startswith("usage: citytwin ")


def test_a_closed_pipe_is_no_traceback() -> None:
    process = subprocess.Popen([sys.executable, "-m", "twin", "list", "factors"], cwd=ROOT,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stderr is not None
    with process.stdout, process.stderr:
        assert process.stdout.read(9) == b"factor_id"
        process.stdout.close()
        said = process.stderr.read()
        assert process.wait(timeout=60) == 1
    assert said == b""


HEAVY = ("vtk", "vtkmodules", "pyvista", "geopandas", "matplotlib", "pandas", "xarray", "numba",
         "osmnx", "rasterio")


@pytest.mark.parametrize(("code", "absent"), [
    ("import twin", ("vtk", "vtkmodules", "pyvista", "geopandas", "matplotlib", "pandas")),
    ("import layers", ("numpy", *HEAVY)),
    ("import scenarios", ("numpy", *HEAVY)),
    ("from twin import cli; cli.main(['--version'])", ("numpy", *HEAVY)),
    ("from twin import cli; cli.main(['--help'])", ("numpy", *HEAVY)),
    ("from twin import cli; cli.main(['run', '--help'])", ("numpy", *HEAVY)),
    ("import layers; layers.sample()", ("vtk", "pyvista", "matplotlib", "osmnx")),
    ("import twin; twin.run; twin.Grid; twin.INDICATORS; twin.export",
     ("vtk", "vtkmodules", "pyvista", "matplotlib.pyplot", "osmnx")),
])
def test_nothing_heavy_is_imported_before_it_is_needed(code: str, absent: tuple[str, ...]) -> None:
    told = python("-c", f"""
import sys
try:
    {code}
except SystemExit:
    pass
print([m for m in {absent!r} if m in sys.modules], file=sys.stderr)
""")
    assert told.code == 0, told.err
    assert told.err.strip() == "[]"


def test_the_demo_writes_all_it_names(tmp_path: Path, run: Run,
                                      monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(wind_field.__kwdefaults__, "cell", 10.0)  # a sixth of the work
    told = run("demo", "-o", tmp_path / "out", "--no-3d", "--cell", "150", "--json", "--quiet")
    assert (told.code, told.err) == (0, "")
    found = told.json
    assert set(found["totals"]) == {"base", "greener", "airier"}
    assert found["totals"]["greener"]["carbon_sink"]["value"] > \
        found["totals"]["base"]["carbon_sink"]["value"]
    assert found["totals"]["airier"]["frontal_area_index"]["value"] < \
        found["totals"]["base"]["frontal_area_index"]["value"]
    out = tmp_path / "out"
    for name in ("city.gpkg", "recipes/airier.yaml", "study/study.json", "gis/totals.csv",
                 "gis/greener/co2_net.tif", "gis/base/buildings.gpkg", "sheet-greener.png"):
        assert (out / name).is_file(), name
