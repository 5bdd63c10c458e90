"""The carbon account in a twin and on the command line: lines, boundaries, groups, files."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

import layers
import scenarios as sc
import twin
from layers.buildings import gross_floor_area
from layers.errors import ScenarioError
from twin.carbon.boundaries import inside
from twin.carbon.lines import LINES, line_total

WANT = ("building_co2", "traffic_co2", "carbon_sink", "construction_co2", "co2_net",
        "co2_territorial", "co2_supply", "co2_lifecycle", "residents", "vehicle_km",
        "building_energy")


@pytest.fixture(scope="module")
def town() -> layers.City:
    """Return the toy town."""
    return layers.toy_town()


@pytest.fixture(scope="module")
def found(town: layers.City) -> twin.Twin:
    """Return its account."""
    return twin.run(town, cell_size=40, want=WANT)


@pytest.fixture(scope="module")
def folder(found: twin.Twin, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return its folder."""
    return found.save(tmp_path_factory.mktemp("账") / "base.twin")


def test_every_line_is_a_sum_of_the_ledger(found: twin.Twin) -> None:
    assert found.ledger is not None
    totals = found.totals()
    area = found.cells["cell_area"].to_numpy()
    for name in LINES:
        line = line_total(found.ledger, name)
        cells = float(np.nansum(found.cells[name].to_numpy() * area))
        assert cells == pytest.approx(line.value, rel=1e-9)
        assert totals.loc[name, "value"] * 1000 == pytest.approx(line.value, rel=1e-9)
        assert totals.loc[name, "low"] * 1000 == pytest.approx(line.low, rel=1e-9)
    homes = found.features["buildings"]
    assert (homes["building_co2"] * homes["inside"]).sum() / 1000 == pytest.approx(
        totals.loc["building_co2", "value"], rel=1e-9)


def test_boundaries_nest_in_every_cell(found: twin.Twin) -> None:
    e1, e2, e4 = (found.cells[f"co2_{b}"].to_numpy()
                  for b in ("territorial", "supply", "lifecycle"))
    known = np.isfinite(e1)
    assert (e1 <= e2 + 1e-12)[known].all()
    assert (e2 <= e4 + 1e-12)[known].all()
    made = found.cells["construction_co2"].to_numpy()
    assert (e4 - e2)[known] == pytest.approx(made[known], abs=1e-9)


def test_totals_and_ranges_do_not_depend_on_the_grid(town: layers.City) -> None:
    fine, coarse = (twin.run(town, cell_size=c, want=WANT).totals() for c in (20, 90))
    for name in LINES:
        for end in ("value", "low", "high"):
            assert fine.loc[name, end] == pytest.approx(coarse.loc[name, end], rel=1e-9)


def test_a_twin_keeps_its_ledger(found: twin.Twin, folder: Path) -> None:
    again = twin.open(folder)
    assert again.ledger is not None
    assert found.ledger is not None
    assert again.ledger.total() == found.ledger.total()
    (folder / "ledger.parquet").write_bytes(b"")
    with pytest.raises(layers.CityTwinError, match=r"ledger\.parquet is damaged"):
        twin.open(folder)
    found.save(folder)


def test_a_change_has_the_range_of_what_changed(town: layers.City) -> None:
    study = sc.study(town, sc.Scenario("fewer", sc.CutTraffic(0.2)), cell_size=40)
    change = study.change("fewer")
    assert change.loc["building_co2", "words"] == "indistinguishable"
    assert change.loc["building_co2", ["change", "low", "high"]].tolist() == [0.0, 0.0, 0.0]
    cut = change.loc["traffic_co2"]
    assert cut["words"] == "less"
    assert cut["change"] == pytest.approx(-0.2 * cut["base"], rel=1e-9)
    base = study.twins["base"].totals().loc["traffic_co2"]
    # The change is a fifth of what there is, and so is its range.
    assert cut["low"] == pytest.approx(-0.2 * base["high"], rel=1e-9)
    assert cut["high"] == pytest.approx(-0.2 * base["low"], rel=1e-9)


def test_a_retrofit_tells_its_payback_and_cost(town: layers.City) -> None:
    study = sc.study(town, sc.Scenario("warm", sc.Retrofit(0.4, use="office")), cell_size=40)
    told = study.retrofits("warm")
    offices = study.twins["base"].features["buildings"].query("use == 'office' and inside > 0")
    area = (gross_floor_area(offices) * offices["inside"]).sum()
    assert told.buildings == len(offices)
    assert told.floor_area == pytest.approx(area)
    change = study.change("warm").loc["building_co2"]
    assert told.saved == pytest.approx(-change["change"])
    assert told.made.value == pytest.approx(40 * area / 1000)  # 40 kg per m2
    assert told.payback.value == pytest.approx(told.made.value / told.saved)
    assert 0.5 < told.payback.value < 30
    assert (told.cost_per_m2.value, told.money) == (150, "EUR")
    plan = sc.study(town, sc.Scenario("none", sc.CutTraffic(0.1)), cell_size=40)
    with pytest.raises(ScenarioError, match="retrofits no building"):
        plan.retrofits("none")


class Told(NamedTuple):
    """What a command said."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The JSON on stdout."""
        return json.loads(self.out)


def test_energy_and_traffic_edits_cut_what_they_are_about(town: layers.City) -> None:
    before = twin.run(town, want=["co2_supply"]).totals()["value"]

    def after(*edits: Any) -> pd.Series:
        plan = sc.Scenario("plan", *edits).apply(town)
        found: pd.Series = twin.run(plan, want=["co2_supply"]).totals()["value"]
        return found / before

    retrofit = after(sc.Retrofit(0.4))
    assert 0.6 < retrofit["co2_territorial"] < 1
    assert retrofit["construction_co2"] > 1  # it has to be made
    pumps = after(sc.SwitchHeating("heat_pump"))
    assert pumps["co2_territorial"] < 0.5    # nothing is burnt to heat any more
    assert pumps["co2_supply"] < 1
    driven = after(sc.ElectrifyFleet(0.5))
    assert 0 < driven["co2_territorial"] < 1
    modules = after(sc.RooftopPV(1.0))
    assert modules["co2_territorial"] == pytest.approx(1)  # power is scope 2
    assert modules["co2_supply"] < 1
    both = after(sc.Retrofit(0.4), sc.SwitchHeating("heat_pump"))
    assert both["co2_supply"] < min(retrofit["co2_supply"], pumps["co2_supply"])


Run = Callable[..., Told]


@pytest.fixture
def run(call: Callable[..., tuple[int, str, str]]) -> Run:
    """Run the command."""
    return lambda *words: Told(*call(*words))


def test_the_verb_tells_one_boundary(run: Run, folder: Path, found: twin.Twin) -> None:
    told = run("carbon", folder, "--boundary", "territorial", "--by", "scope", "--json").json
    assert found.ledger is not None
    whole = found.ledger.total(inside("territorial"))
    assert list(told)[:5] == ["boundary", "unit", "total", "by", "sinks"]
    assert (told["boundary"], told["unit"]) == ("territorial", "t a-1")
    assert told["total"]["value"] == pytest.approx(whole.value / 1000)
    assert list(told["by"]) == ["1"]
    assert told["sinks"]["value"] < 0
    people = found.totals().loc["residents", "value"]
    assert told["per"]["head"] == pytest.approx(whole.value / 1000 / people)


@pytest.mark.parametrize("by", ["sector", "cell", "district"])
def test_groups_add_up(run: Run, folder: Path, town: layers.City, tmp_path: Path, by: str) -> None:
    west, south, east, north = town.area.bounds
    cut = west + (east - west) * 0.37
    file = tmp_path / "区.gpkg"
    gpd.GeoDataFrame({"名称": ["西区", "东区"]}, crs=town.crs, geometry=[
        shapely.box(west, south, cut, north), shapely.box(cut, south, east, north)]).to_file(file)
    told = run("carbon", folder, "--by", by, "--districts", file, "--draws", "500",
                "--json").json
    assert sum(g["value"] for g in told["by"].values()) == pytest.approx(
        told["total"]["value"], rel=1e-9)
    if by == "district":
        assert list(told["by"]) == ["西区", "东区"]
    drawn = told["draws"]
    assert drawn["p2.5"] < told["total"]["value"] < drawn["p97.5"]
    assert drawn["p97.5"] - drawn["p50"] == pytest.approx(
        told["total"]["high"] - told["total"]["value"], rel=0.35)
    assert sum(drawn["largest"].values()) <= 1.001


def test_the_verb_writes_the_gpc_and_the_ledger(run: Run, folder: Path, tmp_path: Path,
                                                found: twin.Twin) -> None:
    gpc, rows = tmp_path / "gpc.csv", tmp_path / "ledger.parquet"
    assert run("carbon", folder, "--gpc", gpc, "--ledger", rows).code == 0
    assert found.ledger is not None
    whole = found.ledger.total().value / 1000
    used = found.ledger.total(lambda p: p.sector == "consumption").value / 1000
    assert pd.read_csv(gpc)["value_t"].sum() == pytest.approx(whole - used)
    assert pd.read_parquet(rows)["value"].sum() / 1000 == pytest.approx(whole)


def test_buildings_are_graded_beside_their_use(run: Run, folder: Path, found: twin.Twin,
                                               tmp_path: Path) -> None:
    told = run("carbon", folder, "--grades", tmp_path / "g.csv", "--json").json["grades"]
    table = pd.read_csv(tmp_path / "g.csv")
    assert len(table) == len(found.features["buildings"])
    assert sum(told["buildings"].values()) + told["not_graded"] == len(table)
    homes = table[table["use"] == "residential"]
    middle = homes["intensity"].median()
    assert homes["ratio"].to_numpy() == pytest.approx(homes["intensity"].to_numpy() / middle)
    few = table.groupby("use")["use"].transform("size") < 20
    assert table.loc[few, "grade"].isna().all()
    assert "not a legal rating" in told["note"]
    assert 0 <= told["neutrality_rate"] < 1


def test_a_meter_on_the_command_line(run: Run, folder: Path, found: twin.Twin,
                                     tmp_path: Path) -> None:
    homes = found.features["buildings"]
    one = homes[homes["inside"] > 0.999].nlargest(1, "building_co2").iloc[0]
    file = tmp_path / "m.csv"
    file.write_text("layer,id,value,unit,provider,document\n"
                    f"buildings,{one['id']},1.5,t a-1,utility,bill\n", encoding="utf-8")
    before = run("carbon", folder, "--json").json
    after = run("carbon", folder, "--measured", file, "--json").json
    assert after["measured_share"] == pytest.approx(1.5 / after["total"]["value"])
    assert before["measured_share"] == 0


@pytest.mark.parametrize(("words", "error"), [
    (["--boundary", "all"], "there is no boundary 'all'"),
    (["--by", "street"], "cannot be told by 'street'"),
    (["--by", "district"], "needs the districts"),
    (["--measured", "none.csv"], "none.csv cannot be read"),
])
def test_bad_words(run: Run, folder: Path, words: list[str], error: str) -> None:
    told = run("carbon", folder, *words)
    assert told.code == 1
    assert error in told.err


def test_a_twin_without_an_account(run: Run, town: layers.City, tmp_path: Path) -> None:
    bare = twin.run(town, cell_size=40, want=["building_coverage"]).save(tmp_path / "bare.twin")
    told = run("carbon", bare)
    assert told.code == 1
    assert "has no carbon account" in told.err
