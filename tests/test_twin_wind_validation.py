"""The wind engine's validation: what the tunnels measured, how it is scored, how it is told."""

from __future__ import annotations

import itertools
import json
import math
import shutil
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from scipy import ndimage

from layers.errors import GridError, SourceError
from twin.wind.tunnels.cases import absent_cases, read_cases
from twin.wind.tunnels.measured import Case, read_sheet, stamp_blocks
from twin.wind.tunnels.scores import mean_score, score
from twin.wind_report import PEERS, as_markdown, draw_trees, misfits, write_section
from twin.wind_validation import as_json, predict, run_case, score_case, validate_wind

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data" / "wind"


@pytest.fixture(scope="module")
def cases() -> dict[tuple[str, float], Case]:
    if not SHARED.is_dir():
        pytest.skip("the shared wind tunnel data are not here")
    return {(c.name, c.wind_from): c for c in read_cases(SHARED)}


class Still:
    """A field that is given by a function of the points."""

    def __init__(self, at: Callable[..., dict[str, np.ndarray]]) -> None:
        self.at = at


def no_model(height, cell, inflow, wind_from, **extra) -> Still:
    """An engine for which nothing stands in the wind."""
    a = math.radians(wind_from)
    return Still(lambda x, y, z: {"u": -inflow.at(z) * math.sin(a), "w": 0 * z,
                                  "v": -inflow.at(z) * math.cos(a), "k": inflow.tke(z)})


def as_measured(case: Case) -> Still:
    """What the probes saw."""
    o, nan = case.observed, np.full(case.x.size, np.nan)
    none = np.zeros(case.x.size)
    u = o.get("u", o["speed"])
    return Still(lambda x, y, z: {"u": u, "v": o.get("v", none), "w": o.get("w", none),
                                  "k": o.get("k", nan if "u" in o else none)})


# Scores ---------------------------------------------------------------------------------------

def test_scores_of_numbers_worked_by_hand():
    # |P-O| = 0.25, 0.5, 0.05, 3 and |P-O|/O = 0.25, 0.25, 0.5, 1: hits 1, 2 and 3 (within 0.06).
    # P/O = 1.25, 0.75, 0.5, 2: all within a factor of two. O = 6.1, P = 8.8 in sum of four.
    got = score([1.0, 2.0, 0.1, 3.0], [1.25, 1.5, 0.05, 6.0])
    assert (got.n, got.walled, got.q, got.fac2) == (4, 0, 0.75, 1.0)
    assert_allclose(got.fb, 2 * (6.1 - 8.8) / (6.1 + 8.8))
    assert_allclose(got.nmse, (0.0625 + 0.25 + 0.0025 + 9) / 4 / (6.1 / 4 * 8.8 / 4))
    assert_allclose(got.mae, 3.8 / 4)
    assert_allclose(got.r, np.corrcoef([1.0, 2.0, 0.1, 3.0], [1.25, 1.5, 0.05, 6.0])[0, 1])


def test_a_model_half_as_fast_everywhere():
    o = np.array([0.4, 0.8, 1.2, 2.0])
    got = score(o, o / 2)
    assert (got.q, got.fac2) == (0.0, 1.0)
    assert_allclose([got.fb, got.r], [2 / 3, 1.0])  # 2 (1 - 1/2) / (1 + 1/2)
    assert_allclose(got.nmse, 0.5 * (o ** 2).mean() / o.mean() ** 2)  # (1/4) / (1/2)
    assert score(o, 2.01 * o).fac2 == 0.0


def test_points_without_a_prediction_are_counted_and_left_out():
    got = score([1.0, 1.0, np.nan, 2.0], [1.0, np.nan, 5.0, 2.0])
    assert (got.n, got.walled, got.q, got.mae) == (2, 1, 1.0, 0.0)
    nothing = score([1.0], [np.nan])
    assert (nothing.n, nothing.walled) == (0, 1)
    assert math.isnan(nothing.q)


def test_metrics_that_mean_nothing_are_not_given():
    assert math.isnan(score([1.0, 1.0, 1.0], [0.9, 1.0, 1.1]).r)  # constant observation
    assert math.isnan(score([0.1 + 0.2, 0.3], [1.0, 2.0]).r)  # constant but for rounding
    signed = score([-1.0, 1.0, 0.5], [-1.0, 1.0, 0.5])
    assert (signed.q, signed.mae) == (1.0, 0.0)
    assert_allclose(signed.r, 1.0)
    assert all(math.isnan(v) for v in (signed.fac2, signed.fb, signed.nmse))
    # 0.1 of 3.1 lies below zero, less than a tenth: a mean still stands for the values, and the
    # one of the wrong sign is no hit of the factor of two
    few = score([-0.1, 1.0, 2.0], [0.1, 1.0, 2.0])
    assert_allclose([few.fac2, few.fb], [2 / 3, 2 * (2.9 - 3.1) / (2.9 + 3.1)])
    still = score([0.0, 1.0], [0.0, 1.0])
    assert (still.fac2, still.q) == (1.0, 1.0)
    assert math.isnan(score([0.0, 0.0], [0.0, 0.0]).fb)


def test_unpaired_values_are_refused():
    with pytest.raises(ValueError, match="3 observed and 2 predicted"):
        score([1, 2, 3], [1, 2])


def test_biases_of_two_runs_do_not_cancel_in_the_mean():
    o = np.array([1.0, 2.0, 3.0])
    both = mean_score([score(o, o / 2), score(o, o * 2)])
    assert_allclose([both.fb, both.r], [2 / 3, 1.0])
    assert both.n == 6


# Cases ----------------------------------------------------------------------------------------

def test_counts_of_points_are_those_the_other_models_were_scored_on(cases):
    counts = {(c.name, c.wind_from, t.plane): int(t.mask.sum())
              for c in cases.values() for t in c.targets}
    assert counts["AIJ A", 270.0, "all"] == 186
    assert counts["AIJ A", 270.0, "y = 0"] == 66
    assert counts["AIJ A", 270.0, "z = 0.125 b"] == counts["AIJ A", 270.0, "z = 1.25 b"] == 60
    nine = [n for (name, *_), n in counts.items() if name.startswith("AIJ C")]
    assert nine == [120] * 9
    assert [counts["EPA 7x11", 270.0, p] for p in ("all", "u", "w")] == [2108, 2139, 9729]
    peers = pd.read_csv(PEERS).dropna(subset="n")
    for row in peers[peers["wind_from"].notna() & (peers["case"] != "AIJ G")].itertuples():
        assert counts[row.case, row.wind_from, row.plane] == row.n
    assert counts["AIJ G", 270.0, "all"] == 28  # seven poles, four heights


def test_the_inflow_has_the_published_speed_at_the_reference(cases):
    # Case A: U_H 4.491 m/s at 2b; case C: 2.434 m/s at 0.02 m; EPA: 2.82 m/s at the roofs
    assert_allclose(cases["AIJ A", 270.0].reference, 4.491)
    assert_allclose(cases["AIJ C 1H", 315.0].reference, 2.434)
    assert_allclose(cases["EPA 7x11", 270.0].reference, 2.82, atol=0.005)
    at = {"AIJ A": 40.0, "AIJ C 2H": 2.0, "EPA 7x11": 20.0, "AIJ G": 9.0}
    for case in cases.values():
        z = at.get(case.name, 2.0)
        assert_allclose(case.inflow.at(z), case.reference, rtol=2e-3)
        assert (np.diff(case.profile.z) > 0).all()
    assert (np.diff(cases["EPA 7x11", 270.0].profile.speed) > 0).all()  # no reading falls


def test_the_turbulence_of_case_a_is_half_the_sum_of_its_variances(cases):
    profile = cases["AIJ A", 270.0].profile
    raw = pd.read_csv(SHARED / "aij_a" / "inflow.csv")
    half = 0.5 * (raw[["sigma_u", "sigma_v", "sigma_w"]] ** 2).sum(axis=1)
    assert_allclose(profile.k, half, rtol=2e-3)


def test_every_point_lies_in_the_open_and_well_inside_the_raster(cases):
    for case in cases.values():
        i, j = (case.x // case.cell).astype(int), (case.y // case.cell).astype(int)
        ny, nx = case.height.shape
        assert ((i > 0) & (i < nx - 1) & (j > 0) & (j < ny - 1)).all(), case.name
        assert not (case.height[j, i] > case.z).any(), case.name


def layout(case: Case) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Centres on the study's own axes, areas and heights of the blocks of a raster [m]."""
    label, n = ndimage.label(case.height)
    index = np.arange(1, n + 1)
    centre = (np.array(ndimage.center_of_mass(label > 0, label, index)) + 0.5) * case.cell
    area = ndimage.sum(label > 0, label, index) * case.cell ** 2
    return (centre[:, ::-1] - case.origin, area, ndimage.maximum(case.height, label, index))


def test_the_lone_block_stands_where_and_as_high_as_it_should(cases):
    centre, area, height = layout(cases["AIJ A", 270.0])
    assert_allclose(centre, [[0, 0]], atol=1e-4)
    assert_allclose([area[0], height[0]], [400, 40])
    ny, nx = cases["AIJ A", 270.0].height.shape
    # 5 heights of 40 m upstream and aside, 10 downstream
    assert (nx * 2, ny * 2) == (200 + 20 + 400, 200 + 20 + 200)


@pytest.mark.parametrize(("variant", "middle"), [("0H", None), ("1H", 20.0), ("2H", 40.0)])
def test_the_nine_blocks_keep_their_places_while_the_wind_turns(cases, variant, middle):
    want = {(x, y) for x in (-40, 0, 40) for y in (-40, 0, 40)}
    for angle in (270.0, 292.5, 315.0):
        centre, area, height = layout(cases[f"AIJ C {variant}", angle])
        found = {(round(x), round(y)): h for (x, y), h in zip(centre, height, strict=True)}
        assert set(found) == (want if middle else want - {(0, 0)})
        assert_allclose(area, 400)
        assert found.pop((0, 0), None) == middle
        assert set(found.values()) == {20.0}


def test_the_wind_of_case_c_blows_along_the_axis_its_readings_are_symmetric_about(cases):
    # The blocks look the same mirrored at the wind's axis, so readings must too: at 270 degrees
    # mirrored at y = 0, at 315 at the line to the south-east. The other diagonal would be that of
    # a wind of the opposite sign, 225 degrees.
    for variant in ("0H", "1H", "2H"):
        for angle, mirror, other in ((270.0, (1, -1, False), (-1, -1, True)),
                                     (315.0, (-1, -1, True), (1, 1, True))):
            case = cases[f"AIJ C {variant}", angle]
            assert mirrored(case, *mirror) > 0.95
            assert mirrored(case, *other) < 0.4


def mirrored(case: Case, a: int, b: int, swap: bool) -> float:
    """Correlation of the readings with those at the mirror images of their points."""
    x, y = case.x - case.origin[0], case.y - case.origin[1]
    mx, my = (a * y, b * x) if swap else (a * x, b * y)
    away = np.hypot(mx[:, None] - x, my[:, None] - y)
    twin, there = away.argmin(axis=1), away.min(axis=1) < 0.1
    there &= twin != np.arange(x.size)
    assert there.sum() > 100
    speed = case.observed["speed"]
    return float(np.corrcoef(speed[there], speed[twin][there])[0, 1])


def test_the_array_has_77_cubes_with_gaps_of_a_height_where_the_layout_file_has_them(cases):
    import pyogrio

    case = cases["EPA 7x11", 270.0]
    centre, area, height = layout(case)
    assert len(centre) == 77
    assert_allclose(area, 400)
    assert_allclose(height, 20)
    filled = np.flatnonzero((case.height > 0).any(axis=0))
    runs = np.split(filled, np.flatnonzero(np.diff(filled) > 1) + 1)
    assert [len(r) * case.cell for r in runs] == [20.0] * 7
    assert {(b[0] - a[-1] - 1) * case.cell for a, b in itertools.pairwise(runs)} == {20.0}
    shapes = pyogrio.read_dataframe(SHARED / "epa_7x11" / "7x11array.shp").geometry.centroid
    drawn = np.column_stack([shapes.x, shapes.y]) * 20 / 15  # the file is in units of 10 mm
    order = np.lexsort(np.round(centre).T)
    assert_allclose(centre[order], drawn[np.lexsort(np.round(drawn).T)], atol=1e-4)


def test_repeated_readings_of_the_array_are_averaged(cases):
    case = cases["EPA 7x11", 270.0]
    raw = pd.read_csv(SHARED / "epa_7x11" / "velocity_points.csv")
    same = raw.groupby(["comp", "x_mm", "y_mm", "z_mm"])["mean_mps"]
    comp, x, y, z = "W", *same.size().loc["W"].idxmax()
    here = (np.isclose(case.x - case.origin[0], x * 2 / 15)
            & np.isclose(case.y - case.origin[1], y * 2 / 15) & np.isclose(case.z, z * 2 / 15))
    assert same.size()[comp, x, y, z] > 1
    assert_allclose(case.observed["w"][here], same.mean()[comp, x, y, z])
    assert len(np.unique(np.column_stack([case.x, case.y, case.z]), axis=0)) == case.x.size


def test_the_trees_have_their_drag_on_any_grid(cases):
    # drag coefficient x leaf area density x thickness of the study, 0.8 x 1.17 x 2, over 0.2
    for cell in (1.0, 2.0, 4.0):
        case = next(c for c in read_cases(SHARED, cell) if c.name == "AIJ G")
        across = case.leaf.sum(axis=1) * cell
        assert_allclose(across, 0.8 * 1.17 * 2 / 0.2, rtol=1e-5)
        assert set(np.unique(case.canopy)) == {0.0, 7.0}
        assert not case.height.any()
    case = cases["AIJ G", 270.0]
    assert_allclose((np.unique(case.x) - case.origin[0]) / 7.0, [0.25, 0.5, 1, 2, 3, 4, 5])
    assert case.observed["speed"].max() / case.reference == pytest.approx(0.600, abs=5e-4)


@pytest.mark.parametrize(("wind_from", "sides"), [
    (270.0, (100, 100, 200, 100)), (0.0, (100, 200, 100, 100)), (45.0, (200, 200, 100, 100))])
def test_open_ground_is_5_heights_upstream_and_10_downstream(wind_from, sides):
    west, south, east, north = sides
    height, origin = stamp_blocks([(0, 20, 0, 20, 20)], 2.0, wind_from)
    assert origin == (west, south)
    assert height.shape == ((south + 20 + north) / 2, (west + 20 + east) / 2)


# Bad input ------------------------------------------------------------------------------------

def small(folder: Path, **change: str) -> Path:
    """Case A with two points, in a folder of its own."""
    home = folder / "aij_a"
    home.mkdir(parents=True)
    files = {"inflow": "z_over_b,U_mps,k_m2s2\n1,4,0.5\n2,5,0.4\n4,6,0.3\n",
             "points": "plane,x_over_b,y_over_b,z_over_b,U_mps,V_mps,W_mps,k_m2s2\n"
                       "vertical-centerplane,1,0,1,1,0,0,0.5\n"
                       "vertical-centerplane,2,0,1,3,4,0,0.5\n"} | change
    for name, text in files.items():
        if text:
            (home / f"{name}.csv").write_text(text, encoding="utf-8")
    return folder


def test_a_folder_with_some_of_the_cases_runs_and_tells_which_are_absent(tmp_path: Path):
    folder = small(tmp_path / "风洞 数据")
    assert absent_cases(folder) == ["aij_c", "epa_7x11", "aij_g"]
    told: list[str] = []
    table = validate_wind(folder, tell=told.append, engine=lambda *a, **k: Still(
        lambda x, y, z: {"u": np.array([1.0, 5.0]), "v": 0 * x, "w": 0 * x, "k": 0 * x}))
    assert [line for line in told if "left out" in line] == [
        f"{name} is not in the folder and is left out" for name in ("aij_c", "epa_7x11", "aij_g")]
    row = table[table["plane"] == "all"].iloc[0]
    assert (row["n"], row["q"], row["mae"]) == (2, 1.0, 0.0)  # 3, 4 is a speed of 5
    row = table[table["plane"] == "u"].iloc[0]
    assert (row["q"], row["mae"]) == (0.5, pytest.approx(0.5 * 2 / 5))  # 2 of 5 m/s at the roof


@pytest.mark.parametrize(("change", "words"), [
    ({"points": ""}, "points.csv is missing"),
    ({"inflow": "z_over_b,U_mps\n1,4\n"}, "inflow.csv: column 'k_m2s2' is missing; it has z_over"),
    ({"inflow": "z_over_b,U_mps,k_m2s2\n1,4,0.5\n2,fast,0.4\n"}, "line 3: 'U_mps' is not a number"),
    ({"inflow": 'z_over_b,U_mps,k_m2s2\n"1,4,0.5\n'}, "is not a table"),
    ({"points": "\n"}, "is not a table"),
    ({"inflow": "z_over_b,U_mps,k_m2s2\n"}, "inflow.csv has no rows"),
])
def test_broken_files_are_named(tmp_path: Path, change: dict[str, str], words: str):
    with pytest.raises(SourceError, match=words):
        read_cases(small(tmp_path / "x", **change))


def test_a_folder_without_cases_is_refused(tmp_path: Path):
    with pytest.raises(SourceError, match="there is no folder"):
        read_cases(tmp_path / "gone")
    with pytest.raises(SourceError, match="expected one of the folders aij_a, aij_c"):
        read_cases(tmp_path)
    for cell in (3.0, 0.0, -2.0, 40.0):
        with pytest.raises(GridError, match="divide the block of 20 m"):
            read_cases(small(tmp_path / f"c{cell}"), cell)


def test_a_component_or_an_approach_that_is_missing_is_named(tmp_path: Path):
    home = tmp_path / "epa_7x11"
    home.mkdir()
    head, row = "comp,x_mm,y_mm,z_mm,mean_mps,rms_raw_mps\n", "{},{},0,{},1,0.2\n"
    file = home / "velocity_points.csv"
    file.write_text(head + row.format("U", 15, 30) + row.format("V", 15, 30))
    with pytest.raises(SourceError, match="no row of component W"):
        read_cases(tmp_path)
    file.write_text(head + "".join(row.format(c, 15, 30) for c in "UVW"))
    with pytest.raises(SourceError, match="approach at x = -500 and -375 mm, y = 0 lacks z = 30"):
        read_cases(tmp_path)


def test_a_workbook_that_is_none_is_refused(tmp_path: Path):
    file = tmp_path / "b.xlsx"
    with pytest.raises(SourceError, match="is missing"):
        read_sheet(file)
    file.write_bytes(b"no zip")
    with pytest.raises(SourceError, match="not a workbook"):
        read_sheet(file)
    space = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    for body, words in (('<c r="B1"><v>1</v></c><c r="A2"><v>2</v></c>', "cell B2 holds none"),
                        ("", "expected numbers"), ('<c r="B1"><v>x</v></c>', "not a workbook")):
        with zipfile.ZipFile(file, "w") as book:
            book.writestr("xl/worksheets/sheet1.xml",
                          f'<worksheet xmlns="{space}"><row>{body}</row></worksheet>')
        with pytest.raises(SourceError, match=words):
            read_sheet(file)


# Runs -----------------------------------------------------------------------------------------

def test_a_perfect_prediction_scores_perfectly_on_every_row(cases):
    for case in cases.values():
        for row in score_case(case, as_measured(case)):
            if case.name == "AIJ G" and row["plane"] == "k":
                continue
            assert row["q"] == 1.0, row
            assert row["mae"] == pytest.approx(0.0, abs=1e-12)
            assert row["r"] == pytest.approx(1.0)
            assert row["walled"] == 0


def test_the_undisturbed_wind_scores_what_the_readings_say(cases):
    # At the probes of case C the inflow is 1 in units of itself, so its scores follow from the
    # measured ratios alone.
    ratio = pd.read_csv(SHARED / "aij_c" / "points.csv")
    case = cases["AIJ C 1H", 292.5]
    o = ratio.loc[ratio["wind_from_deg"] == 292.5, "ratio_1H"].to_numpy()
    mean, with_k = score_case(case, run_case(case, engine=no_model))
    assert mean["q"] == pytest.approx(((abs(1 - o) <= 0.25 * o) | (abs(1 - o) <= 0.06)).mean())
    assert mean["fb"] == pytest.approx(2 * (o.mean() - 1) / (o.mean() + 1))
    assert mean["mae"] == pytest.approx(abs(1 - o).mean())
    assert math.isnan(mean["r"])
    assert (mean["plane"], with_k["plane"]) == ("z = 0.1 D", "z = 0.1 D, with k")
    assert (mean["n"], with_k["n"]) == (120, 120)


def test_a_scalar_probe_sees_the_fluctuations_too(cases):
    case = cases["AIJ C 0H", 270.0]
    found = predict(case, Still(lambda x, y, z: {"u": 3 + 0 * x, "v": 4 + 0 * x, "w": 0 * x,
                                                 "k": 12 + 0 * x}))
    assert_allclose(found["speed"], 5.0)
    assert_allclose(found["magnitude"], 7.0)  # sqrt(25 + 24)


def test_the_engine_gets_the_case_and_the_coefficients(cases):
    got: dict[str, object] = {}

    def engine(height, cell, inflow, wind_from, **extra):
        got.update(extra, height=height, cell=cell, inflow=inflow, wind_from=wind_from)
        return no_model(height, cell, inflow, wind_from)

    case = cases["AIJ C 2H", 315.0]
    run_case(case, coefficients="mine", engine=engine)
    assert (got["wind_from"], got["cell"], got["coefficients"]) == (315.0, 2.0, "mine")
    assert got["height"] is case.height
    assert "canopy" not in got
    run_case(cases["AIJ G", 270.0], engine=engine)
    assert got["canopy"].max() == 7.0
    assert got["leaf"].max() > 0


def test_the_table_has_a_row_a_plane_and_the_mean_of_nine_runs(cases):
    table = validate_wind(SHARED, engine=no_model)
    mean = table[table["plane"] == "z = 0.1 D, mean of 9 runs"].iloc[0]
    nine = table[table["case"].str.startswith("AIJ C ") & (table["plane"] == "z = 0.1 D")]
    assert (len(nine), mean["n"]) == (9, 1080)
    assert mean["q"] == pytest.approx(nine["q"].mean())
    assert mean["fb"] == pytest.approx(nine["fb"].abs().mean())
    assert table.loc[table["case"] == "EPA 7x11", "n"].tolist() == [2108, 984, 608, 2139, 2155,
                                                                     9729]
    # the wind behind the trees is slower than the wind that reaches them
    assert table.loc[(table["case"] == "AIJ G") & (table["plane"] == "all"), "fb"].item() < -0.3
    words = as_markdown(table, command="citytwin validate wind", date="2026-01-02")
    for case in ("AIJ A", "AIJ C 0H", "EPA 7x11", "AIJ G"):
        assert f"| {case} |" in words
    assert "| AIJ C | z = 0.1 D, mean of 9 runs | all | QES [1] | 0.22 | 0.61 | 0.31 |" in words
    told = json.loads(json.dumps(as_json(table), allow_nan=False))["cases"]
    assert len(told) == len(table)
    assert told[0].keys() == {"case", "plane", "wind_from", "n", "q", "fac2", "fb", "nmse", "r",
                              "mae"}
    assert told[0]["n"] == 186
    flat = next(r for r in told if r["case"] == "AIJ C 0H")
    assert flat["r"] is None  # one speed everywhere


# What is told ---------------------------------------------------------------------------------

def rows(**change: float) -> pd.DataFrame:
    base = {"case": "AIJ A", "plane": "all", "wind_from": 270.0, "n": 186, "walled": 0, "q": 0.7,
            "fac2": 0.9, "fb": 0.1, "nmse": 0.2, "r": 0.9, "mae": 0.1}
    return pd.DataFrame([base, base | {"plane": "z = 0.125 b", "n": 60, "q": 0.2, "walled": 3,
                                       "fb": -0.4, "r": math.nan} | change])


def test_misfits_name_the_worst_row_and_the_side_of_the_bias():
    lines = misfits(rows(), worst=1)
    # FB -0.4 means a predicted mean of (2 + 0.4) / (2 - 0.4) = 1.5 of the measured
    assert lines[0] == ("Fewest hits: AIJ A, z = 0.125 b, wind from 270°: q 0.20, R –, mean "
                        "1.50 of the measured.")
    assert "Bias: AIJ A, all: too slow (FB +0.10)." in lines
    assert "Bias: AIJ A, z = 0.125 b: too fast (FB -0.40)." in lines
    assert any(line.startswith("1 of 2 rows miss the hit rate") for line in lines)
    assert lines[-1].startswith("3 readings lie in walls")


def test_the_text_says_when_how_beside_whom_and_whose_data_it_is():
    text = as_markdown(rows(), command="citytwin validate wind", date="2026-01-02",
                       picture="trees.png")
    assert "Run on 2026-01-02" in text
    assert "`citytwin validate wind`" in text
    assert "| AIJ A | z = 0.125 b | 270° | **citytwin** | **0.20** |" in text
    assert "| AIJ A | z = 0.125 b | 270° | QES [1] | 0.13 | 0.73 | -0.42 | 0.80 | – |" in text
    for words in ("processed independently", "does not guarantee", "endorses neither",
                  "10.1002/2475-8876.70083", "10.5359/jawe.1998.76_55", "![", "trees.png"):
        assert words in text
    assert "nan" not in text.replace("Hanna", "")


def test_the_peers_are_whole_and_each_has_a_source():
    peers = pd.read_csv(PEERS)
    assert (peers["source"].str.len() > 20).all()
    for peer in ("QES", "URock"):
        own = peers[peers["peer"] == peer]
        nine, mean = own[own["case"].str.startswith("AIJ C ")], own[own["case"] == "AIJ C"]
        assert len(nine) == 9
        for name in ("q", "fac2", "r"):  # the mean is the mean of the nine, but for rounding
            assert nine[name].mean() == pytest.approx(mean[name].item(), abs=0.011)
        assert nine["fb"].abs().mean() == pytest.approx(mean["fb"].item(), abs=0.011)


def test_the_wind_without_a_model_scores_as_the_list_says(cases):
    table = validate_wind(SHARED, engine=no_model).set_index(["case", "plane"])
    listed = pd.read_csv(PEERS).query("peer == 'no model'")
    assert len(listed) == 20
    for row in listed.itertuples():
        same = table.loc[[(row.case, row.plane)]]
        same = same[same["wind_from"].isna() | (same["wind_from"] == row.wind_from)]
        got = same[["n", "q", "fac2", "fb", "r", "mae"]].iloc[0].astype(float)
        want = [row.n, row.q, row.fac2, row.fb, row.r, row.mae]
        assert_allclose(got, want, atol=0.0051, err_msg=f"{row.case} {row.plane}")


def test_a_section_replaces_only_itself(tmp_path: Path):
    file = tmp_path / "验证.md"
    write_section(file, "Wind", "first")
    assert file.read_text(encoding="utf-8").startswith("# Validation\n\n<!-- begin: Wind -->")
    write_section(file, "Sun", "other engine, 太阳")
    before = file.read_text(encoding="utf-8")
    write_section(file, "Wind", "second")
    after = file.read_text(encoding="utf-8")
    assert after == before.replace("first", "second")
    assert write_section(file, "Wind", "second").read_text(encoding="utf-8") == after
    assert [p.name for p in tmp_path.iterdir()] == ["验证.md"]
    hand = "# Mine\n\nabove\n\n" + after.split("\n\n", 1)[1] + "\nbelow by hand\n"
    file.write_text(hand, encoding="utf-8")
    write_section(file, "Wind", "third")
    assert file.read_text(encoding="utf-8") == hand.replace("second", "third")


@pytest.mark.parametrize("text", [
    "<!-- begin: Wind -->\n", "<!-- end: Wind -->\n<!-- begin: Wind -->\n",
    "<!-- begin: Wind -->\n<!-- begin: Wind -->\n<!-- end: Wind -->\n"])
def test_broken_marks_stop_and_the_file_stays(tmp_path: Path, text: str):
    file = tmp_path / "V.md"
    file.write_text(text)
    with pytest.raises(SourceError, match="marks of section 'Wind' are broken"):
        write_section(file, "Wind", "x")
    assert file.read_text() == text


def test_headings_and_texts_that_would_break_the_marks_are_refused(tmp_path: Path):
    for heading, text in (("", "x"), ("a\nb", "x"), ("a --> b", "x"),
                          ("Wind", "<!-- end: Wind -->")):
        with pytest.raises(ValueError, match=r"heading|marks"):
            write_section(tmp_path / "V.md", heading, text)
    with pytest.raises(SourceError, match="cannot be read or written"):
        write_section(tmp_path / "gone" / "V.md", "Wind", "x")
    assert not list(tmp_path.iterdir())


def test_the_picture_of_the_trees_is_whole(cases, tmp_path: Path):
    case = cases["AIJ G", 270.0]
    file = draw_trees(case, run_case(case, engine=no_model), tmp_path / "树.png")
    data = file.read_bytes()
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    assert struct.unpack(">II", data[16:24]) == (1920, 1080)
    still = Still(lambda x, y, z: dict.fromkeys("uvwk", 0 * z))
    other = draw_trees(case, still, tmp_path / "b.png")
    assert other.read_bytes() != data  # the computed line is in it


def test_shared_data_may_be_elsewhere(cases, tmp_path: Path):
    shutil.copytree(SHARED / "aij_a", tmp_path / "风" / "aij_a")
    assert [c.name for c in read_cases(str(tmp_path / "风"))] == ["AIJ A"]
