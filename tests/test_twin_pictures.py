"""Pictures: the right size, in the right place, not flat, and different when the city is."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import geopandas as gpd
import matplotlib as mpl
import numpy as np
import pytest
import xarray as xr
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.image import imread
from shapely.geometry import box

from layers.city import City
from layers.errors import GridError, MissingExtra, MissingInput, SourceError
from layers.registry import LAYERS
from twin import fonts, still
from twin.scene.build import build, build_study
from twin.scene.palette import palette
from twin.sheet import _layout, draw_map, draw_sheet, figures

CRS = "EPSG:2154"
EAST, NORTH = 355_000.0, 6_689_000.0
SMALL = (960, 540)


def houses(shapes, height):
    table = gpd.GeoDataFrame({"id": [f"b{k}" for k in range(len(shapes))], "height": height},
                             geometry=shapes, crs=CRS)
    return LAYERS["buildings"].conform(table)


def town(*, gone=(), name="Nantes"):
    """A wide town of 6 x 4 blocks, some of them gone, the tallest in the north-east."""
    place = [(x, y) for y in range(4) for x in range(6)]
    shapes = [box(EAST + 50 * x + 10, NORTH + 50 * y + 10, EAST + 50 * x + 40, NORTH + 50 * y + 35)
              for x, y in place]
    layer = houses(shapes, [8.0 + 4 * x + 3 * y for x, y in place]).drop(index=list(gone))
    return City({"buildings": layer}, box(EAST, NORTH, EAST + 300, NORTH + 200), CRS, name=name,
                sources=("Buildings: invented for a test, CC0",))


def results(scale=1.0, step=25.0, **more):
    x, y = np.arange(EAST + step / 2, EAST + 300, step), np.arange(NORTH + step / 2, NORTH + 200,
                                                                  step)
    values = scale * np.add.outer((y - NORTH) / 40, (x - EAST) / 60)
    attrs = {"units": "kg m-2 a-1", "long_name": "CO2 of building operation"}
    data = {"building_co2": values, "building_co2_low": 0.8 * values,
            "building_co2_high": 1.5 * values, **more}
    made = xr.Dataset({k: (("y", "x"), v, attrs) for k, v in data.items()}, {"y": y, "x": x})
    made["cell_area"] = (("y", "x"), np.full(values.shape, step * step), {"units": "m2"})
    return made


def pixels(path):
    return np.round(imread(path)[..., :3] * 255).astype(int)


def near(image, colour, slack=12):
    want = np.round(255 * np.array(mpl.colors.to_rgb(colour))).astype(int)
    return np.abs(image - want).max(axis=-1) <= slack


# --- the sheet ------------------------------------------------------------------------------


def test_the_sheet_has_its_size_and_is_not_flat(tmp_path):
    path = draw_sheet({"base": (town(), results())}, "building_co2", tmp_path / "one.png")
    image = pixels(path)
    assert image.shape == (1080, 1920, 3)
    assert len(np.unique(image.reshape(-1, 3), axis=0)) > 500
    assert (image == 255).all(axis=-1).mean() < 0.75  # not mostly empty paper


def test_another_scenario_gives_another_sheet_and_the_same_gives_the_same(tmp_path):
    base = (town(), results())
    same, again, less, fewer = (
        pixels(draw_sheet({"base": base, "plan": plan}, "building_co2", tmp_path / f"{k}.png",
                          size=SMALL, date="2026-01-01"))
        for k, plan in enumerate([base, base, (town(), results(0.7)),
                                  (town(gone=[2, 9]), results())]))
    assert (same == again).all()
    assert (same != less).any(axis=-1).mean() > 0.05
    assert (same != fewer).any()


def test_removed_buildings_are_outlined_in_the_change_panel_only(tmp_path):
    study = {"base": (town(), results()), "plan": (town(gone=[2, 9]), results())}
    image = pixels(draw_sheet(study, "building_co2", tmp_path / "a.png"))
    rows, cols = np.nonzero(near(image, "#c2255c"))
    assert cols.min() > 1920 * 0.6
    assert len(rows) > 200


def test_less_emission_is_drawn_blue_and_more_brown(tmp_path):
    def tints(scale):
        study = {"base": (town(), results()), "plan": (town(), results(scale))}
        path = draw_sheet(study, "building_co2", tmp_path / f"{scale}.png", size=SMALL)
        panel = pixels(path)[80:370, 650:]
        return ((panel[..., 2] > panel[..., 0] + 30).sum(),
                (panel[..., 0] > panel[..., 2] + 30).sum())

    blue, brown = tints(0.6)
    assert blue > 10 * max(brown, 1)
    blue, brown = tints(1.4)
    assert brown > 10 * max(blue, 1)


def map_image(values, city):
    figure = Figure(figsize=(3, 2), dpi=100)
    axes = figure.add_axes((0, 0, 1, 1))
    draw_map(axes, city, values, palette("building_co2").ramp(), (0.0, 10.0))
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].astype(int)


def test_a_lone_cell_and_house_in_the_north_east_are_in_the_upper_right_of_the_map():
    lone = results()["building_co2"] * 0
    lone[-1, -1] = 10.0
    rows, cols = np.nonzero(near(map_image(lone, town()), palette("building_co2").ramp()(1.0), 30))
    assert len(rows) > 300
    assert rows.max() < 30     # rows of the picture count from above
    assert cols.min() > 270
    with_house, without = (map_image(lone, town(gone=gone)) for gone in ([], [23]))
    rows, cols = np.nonzero((with_house != without).any(axis=-1))
    assert 10 < rows.min() <= rows.max() < 45
    assert 255 < cols.min() <= cols.max() < 295


@pytest.mark.parametrize("ratio", [0.2, 0.6, 1.0, 1.4, 1.8, 2.5, 5.0])
@pytest.mark.parametrize(("count", "change"), [(1, False), (2, True), (2, False), (3, True),
                                               (4, True), (4, False)])
def test_nothing_overlaps_whatever_the_shape_of_the_area(ratio, count, change):
    plan = _layout((1920, 1080), count, change, ratio)
    maps = [(x, y, w, h + 36) for x, y, w, h in (*plan.maps, *plan.changes)]  # with their names
    assert len(maps) == (count if not change else 2 * count - 1)
    bars = [(x, y - 26, w, h + 52) for x, y, w, h in plan.bars[:1 + change]]  # ticks and label
    words = [(x, y - 50, w, 70) for x, y, w, _ in map(plan.words, (*plan.maps, *plan.changes))]
    boxes = [box(x, y, x + w, y + h) for x, y, w, h in
             [*maps, *bars, *words, *([plan.chart] if plan.chart else [])]]
    page = box(20, 45, 1900, 1080 - 100)
    for k, one in enumerate(boxes):
        assert one.within(page)
        for other in boxes[k + 1:]:
            assert one.intersection(other).area < 1, (ratio, count)
    for *_, w, h in (*plan.maps, *plan.changes):
        assert w / h == pytest.approx(ratio)


def test_figures_are_integrals_and_means_over_the_area():
    value, low, high, units, word = figures(results(), "building_co2")
    total = float((results()["building_co2"] * 625).sum()) / 1000
    assert (units, word) == ("t a-1", "total")
    assert value == pytest.approx(total)
    assert low == pytest.approx(0.8 * total)
    assert high == pytest.approx(1.5 * total)
    wind = results().rename(building_co2="wind_speed")
    half = wind["cell_area"].copy()
    half[:, :6] = 0.0
    value, low, _, _, word = figures(wind.assign(cell_area=half), "wind_speed")
    assert word == "mean"
    assert value == pytest.approx(float(wind["wind_speed"][:, 6:].mean()))
    assert np.isnan(low)


def test_figures_are_those_of_the_table_of_totals():
    import layers
    import twin

    found = twin.run(layers.sample(), cell_size=150)
    table = found.totals()
    flat = [name for name in table.index if set(found.cells[name].dims) == {"y", "x"}]
    assert {"co2_net", "height_mean", "pv_yield"} <= set(flat)
    for name in flat:
        row = figures(found.cells, name)
        assert row[:3] == pytest.approx(table.loc[name, ["value", "low", "high"]].tolist(),
                                        nan_ok=True), name
        assert row[3] == table.loc[name, "unit"]


def test_sheets_of_three_and_four_cities_and_other_formats(tmp_path):
    many = {f"plan {k}": (town(gone=[k]), results(1 - 0.1 * k)) for k in range(4)}
    assert pixels(draw_sheet(many, "building_co2", tmp_path / "4.png", size=SMALL)).shape[0] == 540
    three = dict(list(many.items())[:3])
    path = draw_sheet(three, "building_co2", tmp_path / "3.svg", size=SMALL, change=False)
    assert "<svg" in path.read_text(encoding="utf-8")[:1000]
    assert draw_sheet(three, "building_co2", tmp_path / "3.pdf").read_bytes()[:4] == b"%PDF"


@pytest.mark.parametrize(("wrong", "error", "match"), [
    ({"variable": "building_c02"}, MissingInput, "did you mean 'building_co2'"),
    ({"panels": {}}, MissingInput, "1 to 4"),
    ({"path": "a.gif"}, SourceError, "PNG, SVG or PDF"),
    ({"panels": {"a": (town(), results()), "b": (town(), results(step=50.0))}}, GridError,
     "different grids"),
])
def test_faults_of_a_sheet_are_named(tmp_path, wrong, error, match):
    panels = wrong.get("panels", {"a": (town(), results())})
    with pytest.raises(error, match=match):
        draw_sheet(panels, wrong.get("variable", "building_co2"),
                   tmp_path / wrong.get("path", "a.png"), size=SMALL)
    assert list(tmp_path.iterdir()) == []


def test_a_failed_drawing_leaves_the_older_picture(tmp_path, monkeypatch):
    path = tmp_path / "a.png"
    path.write_bytes(b"older")

    def full(*_, **__):
        raise OSError("no space left on device")

    monkeypatch.setattr(Figure, "savefig", full)
    with pytest.raises(SourceError, match="no space left"):
        draw_sheet({"a": (town(), results())}, "building_co2", path, size=SMALL)
    assert path.read_bytes() == b"older"
    assert [p.name for p in tmp_path.iterdir()] == ["a.png"]


# --- words ----------------------------------------------------------------------------------


def test_names_from_files_cannot_be_read_as_formulas(tmp_path):
    odd = r"$\frac{1}{$ \$ $$ x_2^{ \input{/etc/passwd}"
    study = {odd: (town(name="$" * 5), results()), "B\x00\n\u202e$": (town(), results())}
    draw_sheet(study, "building_co2", tmp_path / "a.svg", title=odd, sources=[odd])
    drawn = (tmp_path / "a.svg").read_text(encoding="utf-8")
    assert r"$\frac{1}{$" in drawn
    assert "\u202e" not in drawn


def test_safe_text_is_one_short_line():
    assert fonts.safe("a\n b\tc\x07") == "a b c"
    assert fonts.safe("5 $ and $6") == r"5 \$ and \$6"
    assert len(fonts.safe("x" * 999, 50)) == 50


def test_chinese_names_are_drawn_as_different_letters(tmp_path):
    if not fonts.has_cjk():
        pytest.skip("no font with Chinese characters is installed on this machine")
    first, second = (pixels(draw_sheet({"现状": (town(), results())}, "building_co2",
                                       tmp_path / f"{k}.png", size=SMALL, title=name,
                                       date="2026-01-01"))
                     for k, name in enumerate(["武汉市", "南京市"]))
    assert (first[:50] != second[:50]).any()
    assert (first[60:] == second[60:]).all()


@pytest.mark.parametrize(("units", "expected"), [
    ("kg m-2 a-1", "kg/(m² yr)"), ("m s-1", "m/s"), ("1", ""), ("GWh a-1", "GWh/yr"),
    ("vehicle d-1", "vehicles/d"), ("W m-2", "W/m²"), ("m2 m-2", "m²/m²"), ("degC", "°C"),
])
def test_units_as_people_write_them(units, expected):
    assert fonts.pretty_units(units) == expected


def test_formulas_in_labels():
    assert fonts.pretty_label("Net CO2 and NOx, PM10") == "Net CO₂ and NOₓ, PM₁₀"
    assert fonts.pretty_label("Wind at 2 m") == "Wind at 2 m"


def test_long_lines_are_cut_to_their_room_and_wrapped_by_width():
    figure = Figure(figsize=(4, 1), dpi=100)
    axes = fonts.pixels(figure, (400, 100), (0, 0, 400, 100))
    with fonts.drawing():
        for words in ("short", "a name that is much longer than its panel " * 4, "廊道" * 60):
            assert fonts.fitted(axes, 0, 50, words, 20, 150) <= 150
    lines = fonts.wrap("one two three " + "武汉" * 10, 12)
    assert "".join(lines).replace(" ", "") == "onetwothree" + "武汉" * 10
    assert max(sum(2 if c > "⺀" else 1 for c in line) for line in lines) <= 12


# --- the still ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def opengl():
    try:
        return still.probe()
    except MissingExtra as error:
        pytest.skip(f"no 3D pictures on this machine: {error}")


def study():
    return {"base": (town(), results()), "plan": (town(gone=[2, 9]), results(0.7))}


def test_the_still_has_its_size_is_not_flat_and_shows_what_goes(opengl, tmp_path):
    scenes = build_study(study(), size=256)
    image = pixels(still.draw_still(scenes, tmp_path / "a.png"))
    assert image.shape == (1080, 1920, 3)
    assert len(np.unique(image.reshape(-1, 3), axis=0)) > 300
    marked = near(image[:900], "#c2255c", 25)
    assert marked[:, 960:].sum() > 100  # outlined in the plan
    assert marked[:, :960].sum() == 0   # and not in the base


def test_a_changed_city_or_result_gives_a_different_still(opengl):
    base, plan = build_study(study(), size=256).values()
    shown, _ = build_study(study(), size=256, show="building_co2").values()
    camera = still.fit_camera([base], (320, 240))
    first, again, other, data = (still.render(s, camera) for s in (base, base, plan, shown))
    assert (first == again).all()
    assert (first != other).any(axis=-1).mean() > 0.01
    assert (first != data).any(axis=-1).mean() > 0.1


def test_a_coloured_cell_is_drawn_where_the_camera_says(opengl):
    """Ties the texture, the camera of VTK and the camera of the labels to one another."""
    lone = results()
    lone["building_co2"] = lone["building_co2"] * 0
    lone["building_co2"][-2, -1] = 10.0  # between two blocks, near the north-east corner
    empty = replace(town(), layers={"buildings": town().frame("buildings").iloc[:1]})
    scene = build(empty, cells=lone, show="building_co2", limits=(0.0, 10.0), size=512)
    camera = still.fit_camera([scene], (400, 300))
    image = still.render(scene, camera)
    at = np.array([[EAST + 287.5 - scene.origin[0], NORTH + 162.5 - scene.origin[1], 0.0]])
    x, y = camera.project(at)[0]
    want = 255 * np.array(palette("building_co2").ramp()(1.0)[:3])
    assert image[round(300 - y), round(x)] == pytest.approx(want, abs=6)
    assert x > 200  # right of the middle
    assert y > 150  # and above it


def test_the_camera_keeps_every_corner_in_the_picture_and_looks_from_the_south():
    scene = build(town(), size=64)
    for size in ((900, 700), (1800, 700), (500, 900)):
        camera = still.fit_camera([scene], size)
        seen = camera.project(scene.buildings.vertices.astype(float))
        assert (seen > 0).all()
        assert (seen < size).all()
        assert np.ptp(seen, axis=0).max() > 0.5 * min(size)  # and fills it
        tail, tip = camera.project(np.array([[0, 0, 0], [0, 50.0, 0]]))
        assert tip[1] > tail[1]


def test_a_machine_without_opengl_is_told_what_to_install(monkeypatch):
    """The child dies as VTK does there; the parent lives and says what is missing."""
    monkeypatch.setattr(still, "_TRIAL", "import os; os.abort()")
    monkeypatch.delenv(still.VARIABLE, raising=False)
    still._working_window.cache_clear()
    with pytest.raises(MissingExtra, match="apt-get install libegl1 libgl1-mesa-dri"):
        still.probe()


def test_a_machine_without_pyvista_is_told_the_extra(monkeypatch):
    monkeypatch.setattr(still.importlib.util, "find_spec", lambda _: None)
    with pytest.raises(MissingExtra, match=r"pip install 'citytwin\[3d\]'"):
        still.probe()


def test_the_scene_and_the_sheet_do_without_vtk():
    code = ("import sys, twin.scene.build, twin.sheet, twin.still;"
            "print([m for m in sys.modules if m.startswith(('vtk', 'pyvista'))])")
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"


