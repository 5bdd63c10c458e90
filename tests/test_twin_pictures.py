"""Pictures: the right size, in the right place, not flat, and different when the city is."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from itertools import combinations
from xml.etree import ElementTree

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
from layers.errors import CityTwinError, GridError, MissingExtra, MissingInput, SourceError
from layers.provenance import now
from layers.registry import LAYERS
from twin import fonts, opengl, still
from twin.furniture import footer, layout, swatches
from twin.heat_picture import MEAN, draw_heat
from twin.heat_summary import heat_stress_of
from twin.pictures import city_still, study_sheet, study_still
from twin.render import render
from twin.scene.build import build, build_study
from twin.scene.camera import fit_camera
from twin.scene.changes import CHANGE
from twin.scene.drape import owners
from twin.scene.figures import Total, number, total_of
from twin.scene.mesh import WALL, areas
from twin.scene.palette import palette
from twin.scene.parts import parts_of
from twin.scene.planview import draw_map
from twin.sheet import draw_sheet
from twin.sun_picture import draw_sun
from twin.views import drawn_city, finest_view, hours_above, limit_of

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


def words_of(path):
    """Lines of text of an SVG."""
    texts = ElementTree.parse(path).getroot().iter("{http://www.w3.org/2000/svg}text")
    return ["".join(t.itertext()).strip() for t in texts]


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
    rows, cols = np.nonzero(near(image, CHANGE["removed"]))
    assert cols.min() > 1920 * 0.6
    assert len(rows) > 200


def test_the_sheet_counts_cut_buildings_apart_from_removed_ones(tmp_path):
    plan = town(gone=[2, 9])
    blocks = plan.frame("buildings").copy()
    for row in (0, 5, 7):
        west, south, east, north = blocks.geometry.iloc[row].bounds
        blocks.iloc[row, blocks.columns.get_loc("geometry")] = box(west, south, east - 9, north)
    plan = replace(plan, layers={"buildings": blocks})
    study = {"base": (town(), results()), "plan": (plan, results())}
    drawn = words_of(draw_sheet(study, "building_co2", tmp_path / "a.svg"))
    assert {"removed (2)", "cut (3)"} <= set(drawn)
    image = pixels(draw_sheet(study, "building_co2", tmp_path / "a.png"))
    assert near(image, CHANGE["cut"]).sum() > 200


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
    plan = layout((1920, 1080), count, change, ratio)
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
    value, low, high, units, word, percent, where = total_of(results(), "building_co2")
    assert not percent
    total = float((results()["building_co2"] * 625).sum()) / 1000
    assert (units, word, where) == ("t a-1", "total", "of the study area")
    assert value == pytest.approx(total)
    assert low == pytest.approx(0.8 * total)
    assert high == pytest.approx(1.5 * total)
    wind = results().rename(building_co2="wind_speed")
    half = wind["cell_area"].copy()
    half[:, :6] = 0.0
    value, low, _, _, word, *_ = total_of(wind.assign(cell_area=half), "wind_speed")
    assert word == "mean"
    assert value == pytest.approx(float(wind["wind_speed"][:, 6:].mean()))
    assert np.isnan(low)


def test_figures_are_those_of_the_table_of_totals(toy_study):
    found = toy_study.twins["greener"]
    table = found.totals()
    flat = [name for name in table.index if set(found.cells[name].dims) == {"y", "x"}]
    assert {"co2_net", "height_mean", "pv_yield"} <= set(flat)
    for name in flat:
        row = total_of(found.cells, name)
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
        drawn = [t.get_text() for t in axes.texts]
        assert drawn[0] == "short"
        assert all(text.endswith("…") for text in drawn[1:])
        whole = "total, 95 % range 37,500 to 87,800 · −1.9 % against A"
        wide = fonts.text_width(axes, whole, 17)
        for room in np.linspace(0.75, 1.0, 26) * wide:  # smaller letters do, nothing is cut
            assert fonts.fitted(axes, 0, 50, whole, 17, room) <= room
            assert axes.texts[-1].get_text() == whole
    lines = fonts.wrap("one two three " + "武汉" * 10, 12)
    assert "".join(lines).replace(" ", "") == "onetwothree" + "武汉" * 10
    assert max(sum(2 if c > "⺀" else 1 for c in line) for line in lines) <= 12


def test_totals_in_words():
    told = Total(71_483.2, 46_504.0, 97_910.0, "t a-1", "total")
    assert (told.words, told.span) == ("71,500 t/yr", "95 % range 46,500 to 97,900")
    after = told._replace(value=70_289.0)
    assert after.change(told) == ("−1,190 t/yr", "−1.7 %")
    assert told.change(told) == ("no change", "")
    assert told._replace(value=71_483.2 * 1.0004).change(told)[1] == "+0.04 %"
    share = Total(0.0343, np.nan, np.nan, "1", "mean", percent=True)
    assert (share.words, share.span) == ("3.43 %", "")
    assert share.change(share._replace(value=0.000855)) == ("+3.34 points", "")
    assert number(np.nan) == "unknown"


def test_the_outlines_of_changes_differ_from_one_another():
    colours = [np.array(mpl.colors.to_rgb(c)) for c in CHANGE.values()]
    assert len(colours) == 5
    assert min(np.abs(a - b).max() for a, b in combinations(colours, 2)) > 0.2


def test_legend_entries_go_on_below_where_their_line_is_full():
    figure = Figure(figsize=(4, 1), dpi=100)
    axes = fonts.pixels(figure, (400, 100), (0, 0, 400, 100))
    with fonts.drawing():
        swatches(axes, (10, 80), [("#000000", f"words {k}", "fill") for k in range(7)], 1.0, 300)
    canvas = FigureCanvasAgg(figure)
    boxes = [t.get_window_extent(canvas.get_renderer()) for t in axes.texts]
    assert max(b.x1 for b in boxes) <= 310
    assert {round(t.get_position()[1]) for t in axes.texts} == {79, 55, 31}
    assert not any(a.overlaps(b) for a, b in combinations(boxes, 2))


@pytest.mark.parametrize("words", ["Roads: a long licence line ", "来源资料许可说明"])
def test_the_foot_keeps_clear_of_the_version_in_any_font(words, only_one_weight):
    figure = Figure(figsize=(9.6, 5.4), dpi=100)
    with fonts.drawing():
        footer(figure, SMALL, [words * 8] * 5)
        canvas = FigureCanvasAgg(figure)
        version, *lines = [t.get_window_extent(canvas.get_renderer())
                           for t in figure.axes[0].texts]
    assert len(lines) == 2
    assert all(line.x1 < version.x0 for line in lines)


# --- fonts ----------------------------------------------------------------------------------


@pytest.fixture
def installed(monkeypatch):
    """Make Matplotlib know DejaVu Sans and the faces given, drawn with the files of DejaVu."""
    from matplotlib import font_manager

    manager = font_manager.fontManager
    plain = font_manager.findfont("DejaVu Sans")

    def set_fonts(*faces):
        own = [f for f in manager.ttflist if f.name == "DejaVu Sans" and "mpl-data" in f.fname]
        named = [font_manager.FontEntry(fname=plain, name=n, weight=w, style="normal",
                                        variant="normal", stretch="normal", size="scalable")
                 for n, w in faces]
        monkeypatch.setattr(manager, "ttflist", [*named, *own])
        monkeypatch.setattr(font_manager, "findSystemFonts", lambda *_, **__: [])
        manager._findfont_cached.cache_clear()
        fonts.families.cache_clear()
        return fonts.families()

    yield set_fonts
    monkeypatch.undo()
    manager._findfont_cached.cache_clear()
    fonts.families.cache_clear()


@pytest.fixture
def only_one_weight(installed):
    return installed(("WenQuanYi Zen Hei", 500))


def test_a_chinese_font_of_one_weight_stands_behind_dejavu_and_one_with_bold_before(installed):
    assert installed(("WenQuanYi Zen Hei", 500)) == ("DejaVu Sans", "WenQuanYi Zen Hei")
    noto = [("Noto Sans CJK SC", 400), ("Noto Sans CJK SC", 700)]
    assert installed(("WenQuanYi Zen Hei", 500), *noto) == ("Noto Sans CJK SC", "DejaVu Sans")
    assert installed(("SimHei", "normal"), ("Inter", 400)) == ("Inter", "DejaVu Sans", "SimHei")
    assert installed(("Microsoft YaHei", "bold")) == ("Microsoft YaHei", "DejaVu Sans")


def test_latin_letters_stay_bold_beside_a_chinese_font_of_one_weight(only_one_weight):
    from matplotlib.font_manager import FontProperties, findfont

    with fonts.drawing():
        family = mpl.rcParams["font.family"]
        first = findfont(FontProperties(family=[family[0]], weight="bold"))
    assert list(family) == ["DejaVu Sans", "WenQuanYi Zen Hei"]
    assert first.endswith("DejaVuSans-Bold.ttf")


def test_missing_weights_are_not_told_while_drawing_and_are_again_after(only_one_weight, caplog,
                                                                        tmp_path):
    from matplotlib import font_manager

    def told():
        return [r.getMessage() for r in caplog.records if r.name == "matplotlib.font_manager"]

    draw_sheet({"现状": (town(), results())}, "building_co2", tmp_path / "a.png", size=SMALL)
    assert told() == []
    font_manager.fontManager._findfont_cached.cache_clear()
    font_manager.findfont(font_manager.FontProperties(family="WenQuanYi Zen Hei", weight="bold"))
    assert any("font weight" in line for line in told())


# --- the still ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def drawn_in_3d():
    try:
        return opengl.probe()
    except MissingExtra as error:
        pytest.skip(f"no 3D pictures on this machine: {error}")


def study():
    return {"base": (town(), results()), "plan": (town(gone=[2, 9]), results(0.7))}


def test_the_still_has_its_size_is_not_flat_and_shows_what_goes(drawn_in_3d, tmp_path):
    scenes = build_study(study(), size=256)
    image = pixels(still.draw_still(scenes, tmp_path / "a.png"))
    assert image.shape == (1080, 1920, 3)
    assert len(np.unique(image.reshape(-1, 3), axis=0)) > 300
    marked = near(image[:900], CHANGE["removed"], 25)
    assert marked[:, 960:].sum() > 100  # outlined in the plan
    assert marked[:, :960].sum() == 0   # and not in the base


def test_the_still_names_the_place_what_is_shown_and_its_total(drawn_in_3d, tmp_path):
    scenes = build_study(study(), size=128, show="building_co2")
    drawn = words_of(still.draw_still(scenes, tmp_path / "a.svg", size=SMALL))
    assert "Nantes" in drawn
    assert f"CO₂ of building operation · 25 m cells · {now()[:10]}" in drawn
    total = float(results()["building_co2"].sum()) * 625 / 1000
    for value in (total, 0.7 * total):
        assert f"{value:,.0f} t/yr" in drawn
    span = f"95 % range {number(0.8 * total)} to {number(1.5 * total)}"
    assert f"total, {span}" in drawn
    assert sum("−30.0 % against A" in line for line in drawn) == 1
    assert {"CO₂ of building operation [kg/(m² yr)]", "removed (2)", "Base", "Plan"} <= set(drawn)
    drawn = words_of(still.draw_still(scenes, tmp_path / "b.svg", size=SMALL, title="T",
                                      notes=["one", "two"]))
    assert {"T", "one", "two"} <= set(drawn)
    assert not any("range" in line for line in drawn)


@pytest.mark.parametrize(("name", "times"), [("Nantes", 1), ("nantes ", 1), ("Today", 1)])
def test_one_panel_does_not_repeat_the_title(drawn_in_3d, tmp_path, name, times):
    path = still.draw_still({name: build(town(), size=64)}, tmp_path / "a.svg", size=SMALL)
    drawn = words_of(path)
    assert [w.casefold() for w in drawn].count("nantes") == times
    assert ("Today" in drawn) == (name == "Today")
    both = {name: build(town(), size=64), "plan": build(town(gone=[3]), size=64)}
    drawn = words_of(still.draw_still(both, tmp_path / "b.svg", size=SMALL))
    assert [w.casefold() for w in drawn].count("nantes") == (1 if name == "Today" else 2)


def test_shares_are_read_in_percent_in_the_still_too(drawn_in_3d, tmp_path):
    data = results(0.05).rename(building_co2="crown_share")
    data["crown_share"] = data["crown_share"].assign_attrs(units="1", long_name="Crowns")
    scene = build(town(), cells=data, show="crown_share", size=64)
    drawn = words_of(still.draw_still({"a": scene}, tmp_path / "a.svg", size=SMALL))
    assert "Crowns [%]" in drawn
    assert f"{100 * scene.legend.high:g}" in drawn  # the last tick
    assert f"{number(100 * float(data['crown_share'].mean()))} %" in drawn


def test_a_changed_city_or_result_gives_a_different_still(drawn_in_3d):
    base, plan = build_study(study(), size=256).values()
    shown, _ = build_study(study(), size=256, show="building_co2").values()
    camera = fit_camera([base], (320, 240))
    first, again, other, data = (render(s, camera) for s in (base, base, plan, shown))
    assert (first == again).all()
    assert (first != other).any(axis=-1).mean() > 0.01
    assert (first != data).any(axis=-1).mean() > 0.1


def test_a_coloured_cell_is_drawn_where_the_camera_says(drawn_in_3d):
    """Ties the texture, the camera of VTK and the camera of the labels to one another."""
    lone = results()
    lone["building_co2"] = lone["building_co2"] * 0
    lone["building_co2"][-2, -1] = 10.0  # between two blocks, near the north-east corner
    empty = replace(town(), layers={"buildings": town().frame("buildings").iloc[:1]})
    scene = build(empty, cells=lone, show="building_co2", limits=(0.0, 10.0), size=512)
    camera = fit_camera([scene], (400, 300))
    image = render(scene, camera)
    at = np.array([[EAST + 287.5 - scene.origin[0], NORTH + 162.5 - scene.origin[1], 0.0]])
    x, y = camera.project(at)[0]
    want = 255 * np.array(palette("building_co2").ramp()(1.0)[:3])
    assert image[round(300 - y), round(x)] == pytest.approx(want, abs=6)
    assert x > 200  # right of the middle
    assert y > 150  # and above it


def sunny(roofs, ground=300.0, step=2.0):
    """A field of light over the town: one value a roof and one on the ground."""
    x, y = EAST + step * (np.arange(300 / step) + 0.5), NORTH + step * (np.arange(200 / step) + 0.5)
    row = owners(town(), x, y)
    values = np.append(np.asarray(roofs, dtype=float), ground)[row]
    attrs = {"units": "kWh m-2 a-1", "long_name": "Irradiation"}
    return xr.Dataset({"sun.irradiation": (("y", "x"), values, attrs),
                       "building": (("y", "x"), row),
                       "cell_area": (("y", "x"), np.full(row.shape, step * step))},
                      {"y": y, "x": x})


def test_roofs_and_ground_have_the_colours_of_the_field_where_the_camera_says(drawn_in_3d):
    """One bright roof, the tallest one in the north-east, all others darker."""
    roofs = np.full(24, 800.0)
    roofs[23] = 1400.0
    scene = build(town(), cells=sunny(roofs), show="sun.irradiation", limits=(200.0, 1400.0),
                  size=1024)
    camera = fit_camera([scene], (800, 600))
    image = render(scene, camera)
    ramp = palette("sun.irradiation").ramp()

    def seen(east, north, height):
        at = np.array([[EAST + east - scene.origin[0], NORTH + north - scene.origin[1], height]])
        x, y = camera.project(at)[0]
        return image[round(600 - y), round(x)], x, y

    blocks = town().frame("buildings")
    for (east, north), row, value in (((275, 172), 23, 1400.0), ((25, 22), 0, 800.0),
                                      ((225, 172), 22, 800.0)):
        colour, x, y = seen(east, north, float(blocks["height"].iloc[row]))
        want = 255 * np.array(ramp((value - 200) / 1200)[:3])
        assert colour == pytest.approx(want, abs=3), row
        assert (x > 400) == (east > 150)
        assert (y > 300) == (north > 100)
    colour, *_ = seen(45, 5, 0.0)
    assert colour == pytest.approx(255 * np.array(ramp(100 / 1200)[:3]), abs=3)
    dull = build(town(), cells=sunny(np.full(24, 800.0)), show="sun.irradiation",
                 limits=(200.0, 1400.0), size=1024)
    rows, cols = np.nonzero((render(dull, camera) != image).any(axis=-1))
    assert len(rows) > 300
    assert rows.max() < 300
    assert cols.min() > 400


def test_a_still_of_roofs_and_ground_says_the_mean_of_each(drawn_in_3d, tmp_path):
    roofs = np.linspace(900.0, 1360.0, 24)
    scene = build(town(), cells=sunny(roofs), show="sun.irradiation", size=64)
    drawn = words_of(still.draw_still({"a": scene}, tmp_path / "a.svg", date="2026-01-02"))
    assert {"Roofs", "Open ground", "1,130 kWh/(m² yr)", "300 kWh/(m² yr)",
            "Share of that area by value [%]", "Irradiation [kWh/(m² yr)]",
            "Irradiation · 2 m cells · 2026-01-02"} <= set(drawn)
    assert {"wall", "N"} <= set(drawn)
    less = build(town(), cells=sunny(0.9 * roofs, 240.0), show="sun.irradiation", size=64)
    drawn = words_of(still.draw_still({"a": scene, "b": less}, tmp_path / "b.svg"))
    assert {"Roofs 1,130 · open ground 300", "Roofs 1,020 (−10.0 %) · open ground 240 (−20.0 %)",
            "kWh/(m² yr), mean, change from A"} <= set(drawn)


def test_the_camera_keeps_every_corner_in_the_picture_and_looks_from_the_south():
    scene = build(town(), size=64)
    for size in ((900, 700), (1800, 700), (500, 900)):
        camera = fit_camera([scene], size)
        seen = camera.project(scene.buildings.vertices.astype(float))
        assert (seen > 0).all()
        assert (seen < size).all()
        assert np.ptp(seen, axis=0).max() > 0.5 * min(size)  # and fills it
        tail, tip = camera.project(np.array([[0, 0, 0], [0, 50.0, 0]]))
        assert tip[1] > tail[1]


def test_a_machine_without_opengl_is_told_what_to_install(monkeypatch):
    """The child dies as VTK does there; the parent lives and says what is missing."""
    monkeypatch.setattr(opengl, "_TRIAL", "import os; os.abort()")
    monkeypatch.delenv(opengl.VARIABLE, raising=False)
    opengl._working_window.cache_clear()
    with pytest.raises(MissingExtra, match="apt-get install libegl1 libgl1-mesa-dri"):
        opengl.probe()


def test_a_machine_without_pyvista_is_told_the_extra(monkeypatch):
    monkeypatch.setattr(opengl.importlib.util, "find_spec", lambda _: None)
    with pytest.raises(MissingExtra, match=r"pip install 'citytwin\[3d\]'"):
        opengl.probe()


def test_the_scene_and_the_sheet_do_without_vtk():
    code = ("import sys, twin.scene.build, twin.sheet, twin.still, twin.sun_picture;"
            "import twin.heat_picture, twin.pictures;"
            "print([m for m in sys.modules if m.startswith(('vtk', 'pyvista'))])")
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"




# --- fields by their dotted names -----------------------------------------------------------


def test_fields_are_read_by_their_dotted_names(toy, toy_study):
    base = toy_study.twins["base"]
    sun = finest_view(toy, base, "sun.irradiation")
    field = base.fields["sun"]
    assert (sun["sun.irradiation"].to_numpy() == field["irradiation"].to_numpy()).all()
    assert float(sun["cell_area"].sum()) == pytest.approx(toy.area.area)
    totals = base.totals()["value"]
    parts = {p.total.where: p.total.value for p in parts_of(sun, "sun.irradiation", (0, 1))}
    assert parts["of the roofs"] == pytest.approx(totals["roof_irradiation"], rel=1e-6)
    assert parts["of the open ground"] == pytest.approx(totals["ground_irradiation"], rel=1e-6)
    wind = finest_view(toy, base, "wind.mean_ratio")["wind.mean_ratio"]
    lowest = base.fields["wind"]["mean_ratio"].isel(level=0)
    assert np.array_equal(wind, lowest, equal_nan=True)
    assert "building" not in finest_view(toy, base, "wind.mean_ratio")
    hours = finest_view(toy, base, "heat.utci_hours")
    assert total_of(hours, "heat.utci_hours")[0] == pytest.approx(totals["utci_strong_hours"])
    assert total_of(hours, "heat.utci_hours").where == "of the walkable ground"


def test_light_on_walls_is_added_where_it_is_asked_for(toy, toy_study):
    base = toy_study.twins["base"]
    if "wall_irradiation" not in base.fields["sun"]:
        pytest.skip("this field of the sun has no walls")
    assert "wall_irradiation" not in finest_view(toy, base, "sun.irradiation")
    view = finest_view(toy, base, "sun.irradiation", walls=True)
    roofs, walls, ground = (p.total.value for p in parts_of(view, "sun.irradiation", (0, 1400)))
    field = base.fields["sun"]
    light = field["wall_irradiation"].to_numpy()
    assert light[np.isfinite(light)].min() < walls < light[np.isfinite(light)].max()
    assert walls < ground < roofs
    scene = build(toy, cells=view, show="sun.irradiation", size=64)
    known = np.isfinite(scene.walls)
    assert (scene.buildings.kind[known] == WALL).all()
    area = areas(scene.buildings)
    covered = area[known].sum()
    assert covered > 0.9 * area[scene.buildings.kind == WALL].sum()  # few walls are shared
    mean = (scene.walls[known] * area[known]).sum() / covered
    assert mean == pytest.approx(walls, rel=0.02)


@pytest.mark.parametrize(("name", "told"), [
    ("sun.irradiation", r"no field 'sun' \(it has none\)\. .*--want sun"),
    ("sum.irradiation", r"no field 'sum', did you mean 'sun'"),
    ("heat.utci_hours", r"no field 'heat'.*--want heat"),
])
def test_a_missing_field_says_how_to_get_it(toy, name, told):
    import twin

    bare = twin.run(toy, cell_size=80, want=["building_coverage"])
    with pytest.raises(MissingInput, match=told) as caught:
        finest_view(toy, bare, name)
    assert "\n" not in str(caught.value)
    with pytest.raises(MissingInput, match=told.split(r"\.")[0]):
        draw_sun(bare, "never.png", city=toy, variable=name)


def test_what_a_field_does_not_hold_is_named_with_what_it_does(toy, toy_study):
    base = toy_study.twins["base"]
    with pytest.raises(MissingInput, match="has no 'iradiation', did you mean 'irradiation'"):
        finest_view(toy, base, "sun.iradiation")
    with pytest.raises(MissingInput, match=r"has no 'x'.*pet_hours.*utci_hours"):
        finest_view(toy, base, "heat.x")
    with pytest.raises(MissingInput, match=r"irradiation_month' is on .*month"):
        build(toy, cells=finest_view(toy, base, "sun.irradiation_month"),
              show="sun.irradiation_month")
    with pytest.raises(MissingInput, match="does not lie on roofs and ground"):
        draw_sun(base, "never.png", city=toy, variable="heat.utci")


def test_hours_above_a_limit_count_times_strictly_above_it():
    values = np.array([[[31.0, np.nan]], [[32.0, np.nan]], [[32.5, np.nan]], [[40.0, np.nan]]])
    heat = xr.Dataset({"utci": (("time", "y", "x"), values)})
    hours = hours_above(heat, "utci", 32.0).to_numpy()
    assert hours[0, 0] == 2
    assert np.isnan(hours[0, 1])  # where nobody walks


# --- the sun in plan ------------------------------------------------------------------------


def test_the_sun_picture_says_what_roofs_and_ground_get(toy, toy_study, tmp_path):
    base = toy_study.twins["base"]
    path = draw_sun(base, tmp_path / "a.svg", city=toy, date="2026-01-02")
    drawn = words_of(path)
    totals = base.totals()["value"]
    for name in ("roof_irradiation", "ground_irradiation"):
        assert f"{number(totals[name])} kWh/(m² yr)" in drawn
    assert {"Irradiation of the year, shade counted [kWh/(m² yr)]", "Roofs", "Open ground",
            "N"} <= set(drawn)
    assert any("4 m cells" in line and line.endswith("2026-01-02") for line in drawn)
    assert any(line.startswith("Sources: ") for line in drawn)
    chinese = words_of(draw_sun(base, tmp_path / "b.svg", city=toy, title="太阳辐照量",
                                label="全年辐照量", words={"roofs": "屋顶", "open ground": "地面"}))
    assert {"太阳辐照量", "全年辐照量 [kWh/(m² yr)]", "屋顶", "地面"} <= set(chinese)


def test_the_sun_picture_without_the_city_draws_the_buildings_of_the_twin(toy, toy_study, tmp_path):
    base = toy_study.twins["base"]
    assert drawn_city(base, None).area.equals(toy.area)
    first, second = (pixels(draw_sun(base, tmp_path / f"{k}.png", city=city, size=(1280, 860)))
                     for k, city in enumerate((toy, None)))
    assert (first != second).any(axis=-1).mean() < 0.05  # but for water, green and their lines
    other = replace(base, features={})
    with pytest.raises(MissingInput, match=r"keeps no buildings.*city="):
        draw_sun(other, tmp_path / "c.png")


def test_a_bright_corner_of_the_sun_field_is_in_the_upper_right_of_the_picture(toy, toy_study,
                                                                              tmp_path):
    base = toy_study.twins["base"]
    field = base.fields["sun"].copy()
    dull = xr.where(field["irradiation"] > 0, 400.0, 400.0)
    lone = dull.copy()
    lone[-6:, -8:] = 1300.0  # 24 m of 240, 32 m of 400: the north-east
    limits = (200.0, 1400.0)
    images = []
    for k, light in enumerate((dull, lone)):
        field["irradiation"] = (("y", "x"), light.to_numpy().astype(np.float32), {"units": "1"})
        twin = replace(base, fields={**base.fields, "sun": field.copy()})
        images.append(pixels(draw_sun(twin, tmp_path / f"{k}.png", city=toy, limits=limits,
                                      size=(1280, 860), date="2026-01-01")))
    ramp = palette("sun.irradiation").ramp()
    bright = near(images[1], ramp(1100 / 1200)[:3], 3) & ~near(images[0], ramp(1100 / 1200)[:3], 3)
    bright[:, 900:] = False  # the column beside the map
    dark = near(images[0], ramp(200 / 1200)[:3], 3)
    dark[:, 900:] = False
    (top, bottom), (left, right) = (np.flatnonzero(dark.any(axis=k))[[0, -1]] for k in (1, 0))
    rows, cols = np.nonzero(bright)
    assert len(rows) > 500
    assert rows.max() < top + 0.12 * (bottom - top)
    assert cols.min() > right - 0.10 * (right - left)


# --- heat before and after ------------------------------------------------------------------


def test_heat_in_figures_is_that_of_the_table_of_totals(toy_study):
    for name, found in toy_study.twins.items():
        told = heat_stress_of(found, toy_study.cities[name], 32.0)
        row = found.totals()["value"]
        assert told.mean == pytest.approx(row["utci_strong_hours"], rel=1e-6)
        assert told.share == pytest.approx(row["utci_strong_share"], rel=1e-6)
    assert limit_of(found, "utci") == 32.0
    own = replace(found, record={"factors": {"outdoor.utci.strong.CN": {"value": 33.5}}})
    assert limit_of(own, "utci") == 33.5
    assert limit_of(replace(found, record={}), "utci", "very_strong") == 38.0  # of the table


def test_the_heat_picture_says_hours_and_shares_and_what_changes(toy_study, tmp_path):
    base, greener = (toy_study.twins[n] for n in ("base", "greener"))
    both = tuple(toy_study.cities[n] for n in ("base", "greener"))
    told = [heat_stress_of(t, c, 32.0) for t, c in zip((base, greener), both, strict=True)]
    assert told[1].mean < told[0].mean  # trees shade
    drawn = words_of(draw_heat(base, greener, tmp_path / "a.svg", cities=both, date="2026-01-02"))
    for stress in told:
        assert {f"{stress.mean:.1f} h", f"{100 * stress.share:.0f} %"} <= set(drawn)
    row = base.totals().loc["utci_strong_hours"]
    if np.isfinite(row["low"]):
        span = f"95 % range {row['low']:.1f} to {row['high']:.1f} h"
        assert f"mean of the walkable ground, {span}" in drawn
    less = told[0].mean - told[1].mean
    assert f"−{less:.1f} h (−{100 * less / told[0].mean:.0f} %)" in drawn
    assert f"−{100 * (told[0].share - told[1].share):.0f} points" in drawn
    assert {"Hours of the design day with UTCI above 32 °C", "Before", "After", "A", "B"} <= set(
        drawn)
    assert {str(k) for k in range(10)} <= set(drawn)  # the classes of nine hours
    back = words_of(draw_heat(greener, base, tmp_path / "b.svg", cities=both[::-1]))
    assert f"+{less:.1f} h (+{100 * less / told[1].mean:.0f} %)" in back
    words = words_of(draw_heat(base, greener, tmp_path / "c.svg", cities=both, limit=30.0,
                               names=("现状", "方案"), words={MEAN: "可步行地面平均"}))
    assert {"现状", "方案", "可步行地面平均",
            "Hours of the design day with UTCI above 30 °C"} <= set(words)


def test_fewer_hours_of_heat_are_blue_and_more_are_brown(toy_study, tmp_path):
    base, greener = (toy_study.twins[n] for n in ("base", "greener"))

    def tints(before, after, name):
        image = pixels(draw_heat(before, after, tmp_path / name, size=(1600, 800)))
        panel = image[120:480, 1090:]
        return ((panel[..., 2] > panel[..., 0] + 30).sum(),
                (panel[..., 0] > panel[..., 2] + 30).sum())

    blue, brown = tints(base, greener, "a.png")
    assert blue > 1000
    assert blue > 5 * max(brown, 1)
    blue, brown = tints(greener, base, "b.png")
    assert brown > 5 * max(blue, 1)


def test_heat_on_other_cells_or_none_is_refused(toy_study, tmp_path):
    base = toy_study.twins["base"]
    half = replace(base, fields={**base.fields,
                                 "heat": base.fields["heat"].isel(x=slice(0, 50))})
    with pytest.raises(GridError, match="different cells"):
        draw_heat(base, half, tmp_path / "a.png")
    with pytest.raises(MissingInput, match=r"no field 'heat'.*--want heat"):
        draw_heat(replace(base, fields={}), base, tmp_path / "a.png")
    assert list(tmp_path.iterdir()) == []


def test_pictures_of_a_study_take_dotted_names(drawn_in_3d, toy_study, tmp_path):
    for kind, draw in (("sheet", study_sheet), ("still", study_still)):
        image = pixels(draw(toy_study, "greener", "sun.irradiation", tmp_path / f"{kind}.png"))
        assert len(np.unique(image.reshape(-1, 3), axis=0)) > 500
        with pytest.raises(MissingInput, match="no field 'snow'"):
            draw(toy_study, "greener", "snow.depth", tmp_path / "b.png")
        with pytest.raises(CityTwinError, match="did you mean 'utci_mean'"):
            draw(toy_study, "greener", "utcimean", tmp_path / "b.png")
    result = toy_study.twins["base"]
    path = city_still(toy_study.cities["base"], "heat.utci_hours", tmp_path / "c.svg",
                      result=result)
    assert any(line.startswith("Hours of the design day with UTCI above 32 °C · 4 m cells")
               for line in words_of(path))
