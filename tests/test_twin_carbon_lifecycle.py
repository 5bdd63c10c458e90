"""Life cycle of buildings and the proxy of consumption."""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np
import pytest
import shapely

from layers.errors import CityTwinError, MissingInput
from layers.place import Place
from twin.carbon.consumption import consumption
from twin.carbon.lifecycle import height_class, life_cycle, structure_of
from twin.factors import load
from twin.pool import Picker


def houses(*rows: dict[str, Any]) -> gpd.GeoDataFrame:
    """Return houses of 10 m x 10 m with the given columns."""
    usual = {"use": "residential", "num_floors": 3.0, "floors_from": "tag", "year": np.nan,
             "structure": "", "retrofit": 0.0, "dwellings": np.nan}
    return gpd.GeoDataFrame([{**usual, **row} for row in rows], crs="EPSG:32650", geometry=[
        shapely.box(20 * i, 0, 20 * i + 10, 10) for i in range(len(rows))])


def hubei() -> Picker:
    """Return the factors of Hubei."""
    return Picker(load(), Place("CN", "Hubei"))


def test_structure_is_told_else_guessed() -> None:
    found, guess = structure_of(houses(
        {"structure": "timber"}, {"num_floors": 7.0}, {"num_floors": 6.0}, {"year": 1990.0},
        {"year": 1989.0}, {"use": "industrial", "num_floors": 1.0}))
    assert found.tolist() == ["timber", "concrete", "masonry", "concrete", "masonry", "steel"]
    assert guess.tolist() == [False, *[True] * 5]
    floors = np.array([1, 6, 7, 18, 19, 33, 34, 200.0])
    assert height_class(floors).tolist() == [0, 0, 1, 1, 2, 2, 3, 3]


def test_a_tower_by_hand() -> None:
    """20 storeys of concrete in China: 400 x 1.3 and so on, over 50 years."""
    tower = houses({"num_floors": 20.0, "structure": "reinforced concrete"})
    found = life_cycle(tower, hubei())
    by_stage = {p.stage: found.value[found.part == i].sum() for i, p in enumerate(found.parts)}
    area = 100 * 20.0
    assert by_stage == pytest.approx({
        "A1-A3": area * 400 * 1.3 / 50, "A4-A5": area * 14 * 1.3 / 50,
        "B1-B5": area * 66 * 1.3 / 50, "C1-C4": area * 25 * 1.3 / 50})
    whole = found.by_source()
    assert whole.low[0] < whole.value[0] < whole.high[0]
    # Whole life per m2, to compare with 500-520 (practice, RC) times the height factor.
    assert 500 <= whole.value[0] / area * 50 / 1.3 <= 520


def test_flow_counts_what_is_built_in_the_year_in_full() -> None:
    two = houses({"year": 2025.0}, {"year": 2024.0})
    flow = life_cycle(two, hubei(), count="flow", year=2025)
    assert {p.stage for p in flow.parts} == {"A1-A3", "A4-A5"}
    assert flow.by_source().value.tolist() == pytest.approx([300 * (400 + 14), 0.0])
    with pytest.raises(CityTwinError, match="needs its year"):
        life_cycle(two, hubei(), count="flow")
    with pytest.raises(CityTwinError, match="expected 'stock' or 'flow'"):
        life_cycle(two, hubei(), count="both")


def test_sheds_are_light_and_retrofits_are_added() -> None:
    shed, home, better = (life_cycle(houses(row), hubei()).by_source().value[0] for row in (
        {"use": "unconditioned"}, {}, {"retrofit": 0.3}))
    assert shed == pytest.approx(home / 2)
    assert better - home == pytest.approx(300 * 40 / 30)


def test_consumption_is_a_proxy_per_head() -> None:
    found = consumption(houses({}, {"use": "office"}, {"use": "office", "dwellings": 2.0}), hubei())
    heads = found.activity_by_source()
    assert heads[0] == pytest.approx(300 / 36.52)
    assert heads[1] == 0
    assert heads[2] > 2
    assert found.value.sum() == pytest.approx(heads.sum() * 4800)
    assert {p.stage for p in found.parts} == {"proxy"}


def test_upkeep_is_spread_over_the_years_it_was_summed_over() -> None:
    """66 kg m-2 over 50 years, in a country whose buildings live 60."""
    factors = Picker(load(), Place("FR"))
    assert factors.pick("embodied.life").value == 60
    found = life_cycle(houses({"structure": "masonry"}), factors)
    by_stage = {p.stage: found.value[found.part == i].sum() for i, p in enumerate(found.parts)}
    assert by_stage == pytest.approx({"A1-A3": 300 * 313 / 60, "A4-A5": 300 * 39 / 60,
                                      "B1-B5": 300 * 66 / 50, "C1-C4": 300 * 25 / 60})
    for part in found.parts:
        ages = {c.name for c in part.causes if "life" in c.name or "span" in c.name}
        assert ages == (set() if part.stage == "B1-B5" else {"embodied.life.WORLD"})


def test_a_flow_tells_of_buildings_without_a_year() -> None:
    factors = hubei()
    some = houses({"year": 2025.0}, {}, {})
    flow = life_cycle(some, factors, count="flow", year=2025)
    assert flow.by_source().value.tolist() == pytest.approx([300 * (400 + 14), 0.0, 0.0])
    assert factors.fallbacks["buildings without a year, not counted as built in 2025"] == 2
    with pytest.raises(MissingInput, match=r"no building has a year.*Give the column year"):
        life_cycle(houses({}, {}), hubei(), count="flow", year=2025)
    assert len(life_cycle(houses({}).iloc[:0], hubei(), count="flow", year=2025).value) == 0
