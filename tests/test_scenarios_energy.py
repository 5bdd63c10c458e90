"""Edits of energy and traffic: what they change in the city, and what they refuse."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import shapely

import layers
import scenarios as sc
from layers.city import City
from layers.errors import ScenarioError
from layers.place import Place
from layers.roads import MOTOR
from scenarios.recipes import read_text


@pytest.fixture(scope="module")
def town() -> City:
    """Return the toy town."""
    return layers.toy_town()


def half(town: City) -> tuple[tuple[float, float], ...]:
    """Return the corners of the western half of a city."""
    west, south, east, north = town.area.bounds
    middle = (west + east) / 2
    return ((west, south), (middle, south), (middle, north), (west, north))


def test_a_retrofit_saves_of_what_is_left(town: City) -> None:
    once = sc.Retrofit(saving=0.3)(town)
    twice = sc.Retrofit(saving=0.5)(once)
    assert once.frame("buildings")["retrofit"].to_numpy() == pytest.approx(0.3)
    assert twice.frame("buildings")["retrofit"].to_numpy() == pytest.approx(1 - 0.7 * 0.5)
    homes = sc.Retrofit(saving=0.3, use="residential")(town).frame("buildings")
    assert (homes["retrofit"] > 0).equals(homes["use"] == "residential")


def test_edits_stay_within(town: City) -> None:
    corners = half(town)
    where = shapely.Polygon(corners)
    chosen = sc.RooftopPV(share=0.4, within=corners)(town).frame("buildings")
    inner = shapely.intersects(where, shapely.point_on_surface(chosen.geometry.values))
    assert 0 < inner.sum() < len(chosen)
    assert (chosen["pv_share"] > 0).to_numpy().tolist() == inner.tolist()
    heated = sc.SwitchHeating("heat_pump", within=corners)(town).frame("buildings")
    assert (heated["heating"] == "heat_pump").to_numpy().tolist() == inner.tolist()


def test_traffic_is_cut_by_the_part_of_a_road_that_lies_within(town: City) -> None:
    corners = half(town)
    where = shapely.Polygon(corners)
    roads = sc.CutTraffic(share=0.4, within=corners)(town).frame("roads")
    motor = roads["class"].isin(MOTOR).to_numpy()
    part = np.where(motor, shapely.length(shapely.intersection(roads.geometry.values, where))
                    / roads.length.to_numpy(), 0.0)
    assert roads["traffic_factor"].to_numpy() == pytest.approx(1 - 0.4 * part)
    again = sc.CutTraffic(share=0.5)(sc.CutTraffic(share=0.5)(town)).frame("roads")
    assert again["traffic_factor"].to_numpy()[motor] == pytest.approx(0.25)


def test_a_fleet_never_gets_less_electric(town: City) -> None:
    first = sc.ElectrifyFleet(0.6)(town)
    second = sc.ElectrifyFleet(0.2)(first).frame("roads")
    known = second["electric_share"].dropna()
    assert len(known)
    assert known.to_numpy() == pytest.approx(0.6)
    zone = sc.LowEmissionZone(half(town), electric=0.8, stay_away=0.25)(town).frame("roads")
    assert zone["electric_share"].max() == pytest.approx(0.8)
    assert zone["traffic_factor"].min() == pytest.approx(0.75)


def test_a_fleet_is_never_less_electric_than_that_of_the_place(town: City) -> None:
    there = replace(town, place=Place("CN", "Hubei"))
    motor = there.frame("roads")["class"].isin(MOTOR).to_numpy()
    own = 0.11 + 0.01 + 0.0175  # cars, vans and buses of the table of traffic
    few, many = (sc.ElectrifyFleet(s)(there).frame("roads")["electric_share"] for s in (0.05, 0.3))
    assert few.isna().all()
    assert many.to_numpy()[motor] == pytest.approx(0.3)
    roads = there.frame("roads").assign(electric_share=0.08)
    told = sc.ElectrifyFleet(0.1)(there.with_layers("told", roads=roads)).frame("roads")
    assert told["electric_share"].to_numpy()[motor] == pytest.approx(0.1)
    corners = half(there)
    zone = sc.LowEmissionZone(corners, electric=0.5)(there).frame("roads")
    part = shapely.length(shapely.intersection(roads.geometry.values, shapely.Polygon(corners))
                          ) / roads.length.to_numpy()
    cut = motor & (part > 0)
    assert ((part > 0.1) & (part < 0.9) & motor).any()
    assert zone["electric_share"].to_numpy()[cut] == pytest.approx(
        (part * 0.5 + (1 - part) * own)[cut])
    assert zone["electric_share"].isna().to_numpy().tolist() == (~cut).tolist()


@pytest.mark.parametrize(("make", "words"), [
    (lambda: sc.Retrofit(saving=1.5), "saving is '1.5', expected a share between 0 and 1"),
    (lambda: sc.RooftopPV(share="all"), "share is 'all'"),
    (lambda: sc.SwitchHeating("heatpump"), "did you mean 'heat_pump'"),
    (lambda: sc.CutTraffic(classes=("primry",)), "no road class 'primry', did you mean 'primary'"),
    (lambda: sc.LowEmissionZone("", electric=-1), "electric is '-1'"),
])
def test_bad_fields_are_refused(make: Any, words: str) -> None:
    with pytest.raises(ScenarioError, match=words):
        make()


def test_edits_of_nothing_are_refused(town: City) -> None:
    with pytest.raises(ScenarioError, match="no use 'offices', did you mean 'office'"):
        sc.Retrofit(use="offices")(town)
    with pytest.raises(ScenarioError, match="is of no building"):
        sc.Retrofit(built_before=1700)(town)


def test_recipes_know_them() -> None:
    plan = sc.Scenario("低碳", sc.Retrofit(0.3, use="office"), sc.CutTraffic(0.1, ("primary",)),
                       sc.SwitchHeating("district"), sc.RooftopPV(0.5), sc.ElectrifyFleet(0.3))
    assert read_text(sc.recipe_text(plan), "a recipe") == plan
