"""`citytwin abatement`: the scenarios of a study as measures, alone, last and on the mean."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib.image import imread

import layers
import scenarios as sc
import twin
from layers.buildings import gross_floor_area
from layers.errors import CityTwinError
from layers.place import Place
from scenarios.energy import Retrofit, RooftopPV, SwitchHeating
from scenarios.studies import Study
from twin.carbon.abatement import recovery_factor
from twin.carbon.coalitions import coalitions
from twin.carbon.measures import Measure
from twin.carbon.potential import potential
from twin.factors import load as load_factors
from twin.result import Twin

HUBEI = Place("CN", "Hubei", "user")
PLANS = (sc.Scenario("保温", Retrofit(saving=0.3)),
         sc.Scenario("pumps", SwitchHeating(to="heat_pump")),
         sc.Scenario("roofs", RooftopPV(share=0.5)))
COARSE = {"sun_field": {"cell": 4.0, "directions": 24}}
Call = Callable[..., tuple[int, str, str]]


def test_measures_that_multiply_share_as_their_potential_says() -> None:
    """The general rule on all combinations gives what the rule for multipliers gives."""
    times = np.array([0.7, 0.5, 0.9, 0.6])
    base = pd.DataFrame({"stock": [1000.0]}, index=["all"])
    known = potential(base, [Measure(str(i), stock=float(t)) for i, t in enumerate(times)]).table
    bits = (np.arange(16)[:, None] >> np.arange(4)) & 1
    saved = 1000 * (1 - np.where(bits == 1, times, 1.0).prod(axis=1))
    found = coalitions(saved, ["0", "1", "2", "3"])
    for column in ("first_in", "last_in", "shapley"):
        assert found[column].to_numpy() == pytest.approx(known[column].to_numpy(), rel=1e-12)
    assert found["shapley"].sum() == pytest.approx(saved[-1], rel=1e-12)


def test_measures_that_do_not_meet_add_up() -> None:
    found = coalitions([0.0, 3.0, 5.0, 8.0], ["a", "b"])
    assert found.to_numpy().tolist() == [[3, 3, 3], [5, 5, 5]]
    with pytest.raises(CityTwinError, match="3 numbers for the combinations of 2 measures"):
        coalitions([0.0, 1.0, 2.0], ["a", "b"])


def net_of(city: layers.City, *, sun: bool) -> Twin:
    """Run the account; the sun is needed where modules stand."""
    return twin.run(city, cell_size=50, want=["co2_net"], settings=COARSE if sun else {})


@pytest.fixture(scope="module")
def city(toy: layers.City) -> layers.City:
    return replace(toy, place=HUBEI)


@pytest.fixture(scope="module")
def study(city: layers.City) -> Study:
    cities = {"base": city, **{p.name: p.apply(city) for p in PLANS}}
    want = ["co2_net", "residents", "pv_capacity", "pv_revenue"]
    twins = {"base": twin.run(city, cell_size=50, settings=COARSE, want=want)}
    twins |= {n: net_of(c, sun=n == "roofs") for n, c in cities.items() if n != "base"}
    return Study(twins, cities, PLANS)


@pytest.fixture(scope="module")
def folder(study: Study, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return study.save(tmp_path_factory.mktemp("减排") / "研究")


def price(stem: str, unit: str) -> float:
    return load_factors().pick(stem, HUBEI, unit).value


def test_what_scenarios_save_alone_last_and_together(study: Study, city: layers.City,
                                                     folder: Path, call: Call) -> None:
    code, out, err = call("abatement", folder, "--json")
    assert (code, err) == (0, "")
    told: dict[str, Any] = json.loads(out)
    assert (told["unit"], told["money"]) == ("t a-1", "CNY")
    net = {n: t.totals()["value"]["co2_net"] for n, t in study.twins.items()}
    assert told["before"] == pytest.approx(net["base"], rel=1e-9)
    measures = told["measures"]
    assert list(measures) == ["保温", "pumps", "roofs"]
    for name, one in measures.items():
        assert one["first_in"] == pytest.approx(net["base"] - net[name], rel=1e-9, abs=1e-9)
    whole = told["before"] - told["after"]
    assert sum(m["shapley"] for m in measures.values()) == pytest.approx(whole, rel=1e-9)
    assert measures["roofs"]["shapley"] > 0
    # Insulation saves less once pumps heat, and pumps less once less heat is needed.
    for name in ("保温", "pumps"):
        one = measures[name]
        assert one["last_in"] < one["shapley"] < one["first_in"]
    everything = city
    for plan in PLANS:
        everything = plan.apply(everything)
    after = net_of(everything, sun=True).totals()["value"]["co2_net"]
    assert told["after"] == pytest.approx(after, rel=1e-9)


def test_costs_by_hand(study: Study, city: layers.City, folder: Path, call: Call) -> None:
    told = json.loads(call("abatement", folder, "--json", "--price", "0.6")[1])["measures"]
    built = study.twins["base"].features["buildings"]
    inside = built["inside"].to_numpy()
    area = float((gross_floor_area(built) * inside).sum())
    walls = told["保温"]
    assert walls["capex"] == pytest.approx(
        area * price("abatement.capex_cny.envelope", "CNY m-2"), rel=1e-9)
    assert walls["capex_per_m2"] == pytest.approx(price("abatement.capex_cny.envelope", "CNY m-2"))
    yearly = walls["capex"] * float(recovery_factor(0.05, 30.0)) - walls["bill_saved"]
    assert walls["annual_cost"] == pytest.approx(yearly, rel=1e-9)
    assert walls["mac"] == pytest.approx(yearly / walls["shapley"], rel=1e-9)
    assert walls["mac_low"] < walls["mac"] < walls["mac_high"]
    homes = (built["use"] == "residential").to_numpy()
    per_watt = np.where(homes, price("pv_money.cny.capex_home", "CNY W-1"),
                        price("pv_money.cny.capex_business", "CNY W-1"))
    modules = told["roofs"]
    assert modules["capex"] == pytest.approx(
        float((0.5 * built["pv_capacity"] * inside * per_watt).sum()), rel=1e-9)
    assert modules["bill_saved"] == pytest.approx(
        float((0.5 * built["pv_revenue"] * inside).sum()), rel=1e-9)
    assert told["pumps"]["mac"] is None
    assert told["pumps"]["why"] == "no price of SwitchHeating is tabled"


def test_a_price_of_all_energy_saves_more_on_the_bill(folder: Path, call: Call) -> None:
    free, paid = (json.loads(call("abatement", folder, "--json", "--price", p)[1])
                  ["measures"]["保温"] for p in ("0", "0.6"))
    assert free["bill_saved"] == 0
    assert paid["bill_saved"] > 0
    assert paid["mac"] < free["mac"]


def test_words_and_curve(folder: Path, tmp_path: Path, call: Call) -> None:
    file = tmp_path / "曲线.png"
    code, out, err = call("abatement", folder, "--quiet", "--picture", file)
    assert (code, err) == (0, "")
    assert out.startswith("net CO2 ")
    for word in ("saves alone", "no price of SwitchHeating", "from 8 runs", str(file)):
        assert word in out
    assert imread(file).shape[:2] == (1080, 1920)


def test_five_scenarios_are_too_many(study: Study, tmp_path: Path, call: Call) -> None:
    more = tuple(sc.Scenario(f"p{i}", Retrofit(saving=0.1)) for i in range(5))
    base = study.twins["pumps"]  # it holds no fields, so it is saved at once
    many = Study({"base": base, **{p.name: base for p in more}},
                 {"base": study.cities["base"]}, more)
    code, _, err = call("abatement", many.save(tmp_path / "many"))
    assert code == 1
    assert "has 5 scenarios, expected 1 to 4" in err


@pytest.mark.parametrize(("words", "says"), [
    (("nowhere",), "is not a study"), (("F", "--price", "-1"), "--price -1: expected a price"),
    (("F", "--picture", "c.txt"), "expected a name that ends in .png"),
])
def test_wrong_input_gives_one_line(folder: Path, words: tuple[str, ...], says: str,
                                    call: Call) -> None:
    code, out, err = call("abatement", *(folder if w == "F" else w for w in words), "--quiet")
    assert (code, out) == (1, "")
    assert says in err
    assert err.count("\n") == 1
