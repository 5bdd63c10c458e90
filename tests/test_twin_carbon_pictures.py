"""Pictures of carbon: what they say is what was computed, in any script, and names do no harm."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_rgb
from matplotlib.image import imread

from layers.errors import MissingInput
from twin.carbon.abatement import abatement_costs, abatement_curve
from twin.carbon.drivers import Drivers, against, chain, decompose
from twin.carbon_curve import _limits
from twin.carbon_pictures import draw_abatement, draw_drivers, draw_sectors
from twin.carbon_waterfall import SLATE, in_tonnes
from twin.estimate import Estimate
from twin.fonts import has_cjk

SVG = "{http://www.w3.org/2000/svg}"


def _texts(path: Path) -> list[str]:
    """Return the words of an SVG, which must hold drawing alone."""
    root = ElementTree.parse(path).getroot()
    assert not list(root.iter(f"{SVG}script"))
    return ["".join(t.itertext()) for t in root.iter(f"{SVG}text")]


@pytest.fixture(scope="module")
def textbook() -> Drivers:
    """Energy 30 and 20 becomes 80 and 16: effects 32.4, 38.3 and -24.7 of 46."""
    names = ["output", "share", "intensity"]
    before = pd.DataFrame([(50, 0.2, 3), (50, 0.8, 0.5)], ["iron", "glass"], names)
    after = pd.DataFrame([(80, 0.5, 2), (80, 0.5, 0.4)], ["iron", "glass"], names)
    return decompose(before, after)


@pytest.fixture(scope="module")
def curve() -> pd.DataFrame:
    table = pd.DataFrame({
        "capex": [1e5, 4e4, 6e6, 5e5], "life": [10.0, 10.0, 30.0, 10.0],
        "energy_saved": [1e5, 3e4, 4e5, 0.0], "price": 0.7, "co2_factor": 0.4,
        "capex_low": [5e4, 2e4, 4e6, 5e5], "capex_high": [2e5, 8e4, 9e6, 5e5],
        "area": [1e4, 1e4, 1e4, 1e4]}, index=["照明", "controls", "walls & <b>glass</b>", "paint"])
    return abatement_curve(abatement_costs(table, rate=0.05))


def test_the_waterfall_says_what_was_computed(textbook: Drivers, tmp_path: Path):
    path = draw_drivers(textbook, tmp_path / "w.svg", unit="t", labels=("1980", "1990"),
                        names={"output": "产量"}, subtitle="武汉")
    said = _texts(path)
    for word in ("50.0", "+32.4", "+38.3", "−24.7", "96.0", "+46.0 t CO₂, +92.0 %", "产量",
                 "1980", "1990", "武汉", "+50.0", "−4.0", "Iron"):
        assert word in said, word
    assert "1980 to 1990: drivers raise 70.7 and lower 24.7" in said
    assert not any("axis begins" in word for word in said)


def test_bars_stand_where_the_emissions_say(textbook: Drivers, tmp_path: Path):
    path = draw_drivers(textbook, tmp_path / "w.png", unit="t")
    picture = imread(path)[:, :, :3]
    assert picture.shape == (1080, 1920, 3)
    slate = (np.abs(picture - to_rgb(SLATE)) < 0.01).all(axis=2)
    columns = np.flatnonzero(slate.sum(axis=0) > 50)
    first, last = (int(slate[:, c].sum()) for c in (columns[0] + 5, columns[-1] - 5))
    assert first / last == pytest.approx(50 / 96, rel=0.01)


def test_a_small_change_of_much_leaves_zero_and_says_so(tmp_path: Path):
    table = pd.DataFrame([(1e6, 2.0), (1.1e6, 1.9), (1.2e6, 1.8)], ["2020", "2021", "2022"],
                         ["people", "per_head"])
    found = chain(table)
    said = _texts(draw_drivers(found, tmp_path / "a.svg", labels=("2020", "2022")))
    assert any(re.fullmatch(r"the axis begins at [\d,.]+", word) for word in said)
    assert "2,000" in said[0] or any(word == "2,000" for word in said)
    assert "Per head" in said
    one = _texts(draw_drivers(found, tmp_path / "b.svg", step="2022", labels=("2021", "2022")))
    assert "+70.0 t CO₂/yr, +3.3 %" in one
    with pytest.raises(MissingInput, match=r"no step .2023.*Steps are 2021, 2022"):
        draw_drivers(found, tmp_path / "c.svg", step="2023")


def test_a_comparison_of_places_is_drawn_place_by_place(tmp_path: Path):
    table = pd.DataFrame([(100, 4.0), (300, 2.0)], ["江岸", "武昌"], ["people", "per head"])
    said = _texts(draw_drivers(against(table, reference="武昌"), tmp_path / "p.svg", step="江岸",
                               unit="t a-1", labels=("武昌", "江岸")))
    assert "−200 t CO₂/yr, −33.3 %" in said
    assert {"600", "400", "武昌", "江岸"} <= set(said)


def test_the_curve_says_costs_ranges_and_how_it_is_ranked(curve: pd.DataFrame, tmp_path: Path):
    assert list(curve.index) == ["照明", "controls", "walls & <b>glass</b>", "paint"]
    said = _texts(draw_abatement(curve, tmp_path / "m.svg", money="CNY"))
    whole = " ".join(said)
    assert "net present value, not of cost per tonne" in whole
    assert "Taylor 2012" in whole
    assert "Walls & <b>glass</b>" in said  # words, not markup
    assert "照明" in said
    assert "Paint" not in said  # it saves no carbon
    # 100,000 over ten years at 5 % is 12,950 a year; 70,000 are saved with 40 t.
    assert {"−1,430", "CNY/m²", "earns money", "costs money", "212 t CO₂ a year"} <= set(said)
    gain = curve["npv"].iloc[:2].sum() / 1e3
    assert any(f"{gain:.0f} k CNY" in word for word in said)


def test_widths_of_the_curve_are_tonnes(curve: pd.DataFrame, tmp_path: Path):
    picture = imread(draw_abatement(curve, tmp_path / "m.png"))[:, :, :3]
    # A row of pixels in the bar of the walls, whose cost is above zero: 160 of 212 t.
    brown = (picture[..., 0] > picture[..., 2] + 0.25)[:, :1200]
    row = int(np.argmax(brown.sum(axis=1)))
    ink = np.flatnonzero(brown[row])
    box = 0.60 * 1920 - 120
    assert (ink[-1] - ink[0] + 1) / box == pytest.approx(160 / 212, rel=0.01)


def test_a_curve_without_savings_is_refused(curve: pd.DataFrame, tmp_path: Path):
    with pytest.raises(MissingInput, match="no measure of the curve saves carbon"):
        draw_abatement(curve.iloc[3:], tmp_path / "m.png")


def test_one_far_bar_does_not_flatten_the_others():
    cost = np.array([-100.0, -80.0, 50.0, 120.0, 9000.0])
    bottom, top = _limits(cost, cost - 10, cost + 10)
    assert bottom <= -110
    assert 130 < top < 1000
    low, high = _limits(np.array([10.0]), np.array([-np.inf]), np.array([np.inf]))
    assert np.isfinite([low, high]).all()
    assert low < 0 < 10 < high


@pytest.fixture(scope="module")
def sectors() -> pd.DataFrame:
    return pd.DataFrame({"value": [6.2e7, 4.1e7, -9e5], "low": [4.6e7, 2.9e7, -1.4e6],
                         "high": [8.1e7, 5.6e7, -4e5]}, index=["buildings", "traffic", "sinks"])


def test_sectors_say_values_and_ranges(sectors: pd.DataFrame, tmp_path: Path):
    said = _texts(draw_sectors({"base": sectors}, tmp_path / "s.svg",
                               totals={"base": Estimate(1.021e8, 8.0e7, 1.26e8)}))
    assert {"62.0", "46.0 to 81.0", "41.0", "−0.9", "−1.4 to −0.4", "Net total", "102",
            "80.0 to 126"} <= set(said)
    assert "Base" not in said  # one plan needs no legend


def test_plans_share_an_axis_and_a_total_without_range_has_none(sectors: pd.DataFrame,
                                                                tmp_path: Path):
    plans = {"base": sectors, "更绿": sectors * 0.4}
    said = _texts(draw_sectors(plans, tmp_path / "s.svg"))
    assert {"Base", "更绿", "102", "40.8"} <= set(said)
    assert sum(" to " in word for word in said) == 6
    picture = imread(draw_sectors(plans, tmp_path / "s.png", size=(1280, 720)))
    assert picture.shape[:2] == (720, 1280)
    with pytest.raises(MissingInput, match="1 to 4 plans, got 5"):
        draw_sectors({str(n): sectors for n in range(5)}, tmp_path / "no.png")


@pytest.mark.parametrize(("unit", "most", "times", "word"), [
    ("kg a-1", 5e6, 1e-3, "t CO₂/yr"), ("kg a-1", 2e7, 1e-6, "kt CO₂/yr"),
    ("t", 3e7, 1e-6, "Mt CO₂"), ("Gg a-1", 0.5, 1e3, "t CO₂/yr")])
def test_units_people_read(unit: str, most: float, times: float, word: str):
    scale, said = in_tonnes(unit, most)
    assert scale == pytest.approx(times)
    assert said == word


@pytest.mark.skipif(not has_cjk(), reason="no font with Chinese characters is installed")
def test_chinese_names_are_drawn_and_not_boxes(textbook: Drivers, tmp_path: Path):
    plain = imread(draw_drivers(textbook, tmp_path / "a.png", unit="t", title="A"))
    one, two = (imread(draw_drivers(textbook, tmp_path / f"{n}.png", unit="t", title=title))
                for n, title in enumerate(("碳", "汉")))
    assert not np.array_equal(one, two)  # boxes would be alike
    assert not np.array_equal(one, plain)
