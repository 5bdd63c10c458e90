"""`citytwin drivers`: what drove a change from one twin to another, and what it says of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from matplotlib.image import imread

import layers
import scenarios as sc
import twin
from scenarios.energy import Retrofit, SwitchHeating
from scenarios.studies import Study
from twin.carbon.chains import BUILDINGS, TRAFFIC_SHORT
from twin.driver_tables import MODULES, building_drivers, state_of, traffic_drivers
from twin.factors import load as load_factors
from twin.result import Twin

WANT = ["co2_net", "building_co2", "traffic_co2", "residents", "vehicle_km"]
LINES = {"buildings": "building_co2", "traffic": "traffic_co2"}
Call = Callable[..., tuple[int, str, str]]


def run(city: layers.City, **how: Any) -> Twin:
    return twin.run(city, cell_size=40, want=WANT, **how)


def changed(city: layers.City) -> layers.City:
    """Return the toy town with one house less, homes insulated and heated by pumps, less driven."""
    plan = sc.Scenario("plan", Retrofit(saving=0.4, use="residential"),
                       SwitchHeating(to="heat_pump", use="residential"))
    after = plan.apply(city)
    built, roads = after["buildings"], after["roads"]
    use = built["use"].replace({"retail": "office"})
    return replace(after.with_layers(
        "fewer", buildings=built.assign(use=use)[built.index != built.index[3]],
        roads=roads[roads["class"] != "residential"]), controls={"vehicle_km": 1.2e6})


@pytest.fixture(scope="module")
def both(toy: layers.City) -> tuple[Twin, Twin]:
    return run(toy), run(changed(toy))


@pytest.fixture(scope="module")
def folders(both: tuple[Twin, Twin], tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    at = tmp_path_factory.mktemp("驱动 因素")
    return both[0].save(at / "2020 年"), both[1].save(at / "2025 年")


def told(call: Call, *words: object) -> Any:
    code, out, err = call("drivers", *words, "--json")
    assert code == 0, err
    return json.loads(out)


def test_effects_sum_to_the_difference_of_the_two_twins(both: tuple[Twin, Twin],
                                                       folders: tuple[Path, Path],
                                                       call: Call) -> None:
    found = told(call, *folders)
    assert (found["from"], found["to"], found["unit"]) == ("2020 年", "2025 年", "t a-1")
    assert set(found["sectors"]) == set(LINES)
    before, after = (t.totals()["value"] for t in both)
    for name, line in LINES.items():
        sector = found["sectors"][name]
        assert set(sector) == {"before", "after", "change", "effects", "residual"}
        assert sector["before"] == pytest.approx(before[line], rel=1e-9)
        assert sector["after"] == pytest.approx(after[line], rel=1e-9)
        assert sector["change"] < 0
        assert sum(sector["effects"].values()) == pytest.approx(sector["change"], rel=1e-9)
        assert abs(sector["residual"]) < 1e-9 * abs(sector["change"])
    assert list(found["sectors"]["buildings"]["effects"]) == list(BUILDINGS)
    assert list(found["sectors"]["traffic"]["effects"]) == list(TRAFFIC_SHORT)
    assert found["people"]["from"] == pytest.approx(before["residents"])


def test_each_decision_shows_in_its_own_driver(toy: layers.City) -> None:
    base = state_of(run(toy), "base")
    pumps = SwitchHeating(to="heat_pump", use="residential")
    cases = {
        "intensity": Retrofit(saving=0.4), "carrier_share": pumps,
        "factor": None}
    for driver, edit in cases.items():
        other = run(sc.Scenario("x", edit).apply(toy)) if edit else _cleaner_grid(toy)
        found = building_drivers(base, state_of(other, "x"))
        assert found is not None
        shares = (found.by_factor / found.change).drop(
            "intensity" if driver == "carrier_share" else [])
        assert shares.idxmax() == driver
        assert found.by_factor[["population", "floor_per_head", "use_share"]].abs().max() < 1e-6
        if driver == "factor":
            assert shares[driver] == pytest.approx(1.0, rel=1e-9)
    less = traffic_drivers(base, state_of(run(replace(toy, controls={"vehicle_km": 2e6})), "x"))
    assert less is not None
    assert less.by_factor["km_per_head"] == pytest.approx(less.change, rel=1e-6)


def _cleaner_grid(city: layers.City) -> Twin:
    factors = load_factors()
    rows = {i: replace(f, value=f.value / 2, low=f.low / 2, high=f.high / 2)
            if f.stem == "grid" else f for i, f in factors.items()}
    return run(city, factors=type(factors)(rows))


def test_the_same_twin_gives_zeros(folders: tuple[Path, Path], call: Call) -> None:
    found = told(call, folders[0], folders[0], "--by", "use")
    for sector in found["sectors"].values():
        assert sector["change"] == 0
        assert all(v == 0 for v in sector["effects"].values())
        assert sector["residual"] == 0
    uses = found["sectors"]["buildings"]["by"]
    assert sum(u["before"] for u in uses.values()) == pytest.approx(
        found["sectors"]["buildings"]["before"])
    assert "by" not in found["sectors"]["traffic"]


def test_groups_sum_to_the_sector(folders: tuple[Path, Path], call: Call) -> None:
    for by, sector in (("use", "buildings"), ("class", "traffic")):
        one = told(call, *folders, "--by", by)["sectors"][sector]
        for name, whole in one["effects"].items():
            parts = sum(g["effects"][name] for g in one["by"].values())
            assert parts == pytest.approx(whole, rel=1e-9, abs=1e-9 * one["before"])
        for group in one["by"].values():
            assert sum(group["effects"].values()) == pytest.approx(
                group["change"], rel=1e-9, abs=1e-9 * one["before"])
    classes = told(call, *folders, "--by", "class")["sectors"]["traffic"]["by"]
    assert classes["residential"]["after"] == 0  # streets that are gone


def test_districts_sum_to_the_whole(folders: tuple[Path, Path], both: tuple[Twin, Twin],
                                    tmp_path: Path, call: Call) -> None:
    x, y = (both[0].cells[a].to_numpy() for a in ("x", "y"))
    middle = float(np.median(x))
    halves = gpd.GeoDataFrame({"name": ["西区", "东区"]}, geometry=[
        shapely.box(x.min() - 20, y.min() - 20, middle, y.max() + 20),
        shapely.box(middle, y.min() - 20, x.max() + 20, y.max() + 20)],
        crs=both[0].features["buildings"].crs)
    file = tmp_path / "区.geojson"
    halves.to_file(file)
    found = told(call, *folders, "--by", "district", "--districts", file)
    plain = told(call, *folders)
    for name in LINES:
        sector = found["sectors"][name]
        assert set(sector["by"]) == {"西区", "东区"}
        for end in ("before", "after"):
            assert sector[end] == pytest.approx(plain["sectors"][name][end], rel=1e-9)
            assert sum(g[end] for g in sector["by"].values()) == pytest.approx(sector[end])
        assert abs(sector["residual"]) < 1e-9 * abs(sector["change"])
    assert found["people"]["from"] == pytest.approx(plain["people"]["from"])


def test_a_scenario_of_a_study_against_its_base(toy_study: Study, tmp_path: Path,
                                                call: Call) -> None:
    toy_study.save(tmp_path / "研究")
    found = told(call, tmp_path / "研究", "lower")
    assert (found["from"], found["to"]) == ("base", "lower")
    change = toy_study.change("lower").loc["building_co2", "change"]
    assert found["sectors"]["buildings"]["change"] == pytest.approx(change, rel=1e-9)
    assert found["sectors"]["traffic"]["change"] == 0
    code, _, err = call("drivers", tmp_path / "研究", "lowr")
    assert code == 1
    assert "has no scenario 'lowr', did you mean 'lower'? It has greener, lower" in err


def test_what_cannot_be_told_apart_is_said(folders: tuple[Path, Path], call: Call) -> None:
    said = " ".join(told(call, *folders)["notes"])
    assert "no meter stands behind it" in said
    assert "Distances are defaults by class of road" in said
    assert "carbon of fuels holds the mix of fuels" in said


def test_own_modules_are_a_carrier_without_emission(both: tuple[Twin, Twin]) -> None:
    """A tenth of the electricity from the roof: the change is all in the mix of carriers."""
    found = both[0]
    book = found.ledger
    assert book is not None
    power = [i for i, p in enumerate(book.parts) if p.sector == "buildings" and p.stage == "B6"
             and p.item == "electricity"]
    rows = book.rows[book.rows["part"].isin(power)]
    saved = rows.assign(activity=-0.1 * rows["activity"], value=-0.1 * rows["value"])
    more = type(book)(book.parts, pd.concat([book.rows, saved], ignore_index=True), book.cells)
    before, after = state_of(found, "a"), state_of(replace(found, ledger=more), "b")
    assert MODULES in after.used.index.get_level_values("carrier")
    change = building_drivers(before, after)
    assert change is not None
    assert change.change == pytest.approx(-0.1 * rows["value"].sum(), rel=1e-9)
    assert change.by_factor["carrier_share"] == pytest.approx(change.change, rel=1e-9)


def test_people_read_the_same_in_words(folders: tuple[Path, Path], call: Call) -> None:
    code, out, err = call("drivers", *folders, "--by", "use")
    assert (code, err) == (0, "")
    assert out.startswith("2020 年 to 2025 年, t of CO2 a year")
    for word in ("energy per floor area", "distance per head", "residential", "to know:"):
        assert word in out


def test_the_waterfall_is_drawn(folders: tuple[Path, Path], tmp_path: Path, call: Call) -> None:
    file = tmp_path / "瀑布.png"
    code, out, _ = call("drivers", *folders, "--picture", file)
    assert code == 0
    assert str(file) in out
    picture = imread(file)
    assert picture.shape[:2] == (1080, 1920)
    assert 0.02 < (picture[..., :3].min(axis=2) < 0.6).mean() < 0.5


@pytest.mark.parametrize(("words", "says"), [
    (("nowhere", "nowhere"), "nowhere is not a twin (no manifest.json)"),
    (("A", "nowhere"), "nowhere is not a twin (no manifest.json)"),
    (("A", "B", "--by", "district"), "--by district needs the districts"),
    (("A", "B", "--picture", "w.gif"), "expected a name that ends in .png"),
])
def test_wrong_input_gives_one_line(folders: tuple[Path, Path], words: tuple[str, ...], says: str,
                                    call: Call) -> None:
    given = dict(zip("AB", folders, strict=True))
    code, out, err = call("drivers", *(given.get(w, w) for w in words))
    assert (code, out) == (1, "")
    assert says in err
    assert err.count("\n") == 1


def test_a_twin_without_its_account_says_what_to_run(toy: layers.City, tmp_path: Path,
                                                     call: Call) -> None:
    bare = twin.run(toy, cell_size=40, want=["co2_net"]).save(tmp_path / "bare")
    code, _, err = call("drivers", bare, bare)
    assert code == 1
    assert "has no residents. Run it without --want, or with --want co2_net,residents" in err
    form = twin.run(toy, cell_size=40, want=["building_coverage"]).save(tmp_path / "form")
    assert "has no carbon account" in call("drivers", form, form)[2]
