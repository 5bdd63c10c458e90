"""Grades at and beside their cuts, carbon weighed and measured, and the tables behind them."""

from __future__ import annotations

import csv

import numpy as np
import pandas as pd
import pytest

from layers.errors import CityTwinError, FactorError, MissingInput, UnitsError
from layers.units import parse
from twin.carbon.balance_methods import (
    add_up,
    mass_balance,
    metered_emission,
    stack_emission,
)
from twin.carbon.benchmarks import corrected_energy, energy_limits
from twin.carbon.grades import (
    SAID,
    building_grades,
    district_grades,
    enterprise_grades,
    grade_of,
    level_cuts,
    neutrality_rate,
    ratio_cuts,
)
from twin.carbon.rows import TABLES, own_pick, own_rows
from twin.estimate import Estimate
from twin.factor import COLUMNS
from twin.factors import DATA, load

# ---- the tables


@pytest.mark.parametrize("table", TABLES)
def test_rows_are_as_those_of_the_other_tables(table: str):
    with (DATA / f"{table}.csv").open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        rows = pd.DataFrame(list(reader))
        assert tuple(reader.fieldnames or ()) == COLUMNS
    value, low, high = (rows[c].astype(float) for c in ("value", "low", "high"))
    assert rows["factor_id"].is_unique
    assert (rows["factor_id"].str.rsplit(".", n=1).str[1] == rows["region"]).all()
    assert rows["tag"].isin(["V", "D", "R"]).all()
    assert (rows["source"].str.len() > 3).all()
    assert ((low <= value) & (value <= high)).all()
    recalled = rows["tag"] == "R"
    assert (value - low >= 0.3 * value - 1e-9)[recalled].all()
    assert (high - value >= 0.3 * value - 1e-9)[recalled].all()
    assert len(set(zip(rows["factor_id"].str.rsplit(".", n=1).str[0], rows["unit"], strict=True))
               ) == rows["factor_id"].str.rsplit(".", n=1).str[0].nunique()
    for unit in rows["unit"].unique():
        parse(unit)


def test_guidance_is_stricter_than_the_limit():
    rows = own_rows()
    limits = [i for i in rows if i.startswith("benchmark.limit.")]
    assert len(limits) == 12
    assert all(rows[i.replace("limit", "guide")].value < rows[i].value for i in limits)


def test_a_row_is_picked_from_near_to_far_and_strangers_are_named():
    pick = own_pick("CN-HSCW", "CN")
    assert pick("abatement.saving.envelope", "1").value == 0.12
    assert pick("abatement.life.envelope", "a").value == 30
    assert own_pick("FR", "EU")("abatement.saving.envelope", "percent").value == 31
    with pytest.raises(FactorError, match=r"'abatement.live.envelope' for CN-HSCW.*did you mean"):
        pick("abatement.live.envelope", "a")


# ---- grades


@pytest.mark.parametrize(("ratio", "grade"), [
    (0.0, 1), (-0.5, 1), (0.6, 1), (np.nextafter(0.6, 1) + 1e-9, 2), (0.8, 2), (0.8 + 1e-9, 3),
    (1.0, 3), (1.2, 3), (1.2 + 1e-9, 4), (2.0, 4), (2.0 + 1e-9, 5), (99.0, 5), (np.inf, 5),
    (np.nan, 0)])
def test_grades_at_and_beside_each_cut(ratio: float, grade: int):
    assert grade_of(ratio) == grade


def test_a_ratio_that_rounding_moved_off_a_cut_lies_on_it():
    ratios = np.array([0.3 * 2, 0.1 * 6, 0.1 * 8, 0.4 * 3, (0.1 + 0.2) * 4])
    assert (ratios > [0.6, 0.6, 0.8, 1.2, 1.2]).any()
    assert grade_of(ratios).tolist() == [1, 1, 2, 3, 3]


def test_cuts_are_those_of_the_standard():
    assert ratio_cuts().tolist() == [0.6, 0.8, 1.2, 2.0]
    assert level_cuts().tolist() == pytest.approx([0.6, 2.0])


@pytest.fixture(scope="module")
def works() -> pd.DataFrame:
    return pd.DataFrame({
        "sector": ["paper"] * 4 + ["dye"] * 2,
        "emission": [600.0, 2000.0, 2001.0, 599.0, 10.0, 300.0],
        "value_added": [1000.0, 1000.0, 1000.0, 1000.0, 0.0, 100.0],
        "own_power": [0.0, 0.0, 0.0, 0.0, 0.0, 40.0], "sink": [np.nan] * 5 + [5.0],
        "ccs": [0.0] * 5 + [15.0]}, index=list("abcdef"))


def test_enterprises_by_hand(works: pd.DataFrame):
    found = enterprise_grades(works)
    assert found["level"].tolist() == ["low", "medium", "high", "low", "", "high"]
    assert found["net"]["f"] == 240
    assert found["intensity"]["f"] == 2.4
    assert found["sector_mean"].tolist()[:4] == [1.3] * 4  # 5200 t over 4000 of 10,000 yuan
    assert found["ratio"]["b"] == pytest.approx(2 / 1.3)
    assert found["grade"].tolist() == [1, 4, 4, 1, pd.NA, 3]
    assert found["peers"].tolist() == [4, 4, 4, 4, 1, 1]
    assert found["note"]["e"] == "no grade: no value added"
    assert found["note"]["a"] == "benchmark grade, not a legal rating"


def test_a_published_mean_of_the_sector_can_stand_in(works: pd.DataFrame):
    means = pd.Series({"paper": 1.0, "dye": 4.0})
    found = enterprise_grades(works, sector_mean=means)
    assert found["grade"].tolist() == [1, 4, 5, 1, pd.NA, 1]
    with pytest.raises(CityTwinError, match="no mean for 'dye'"):
        enterprise_grades(works, sector_mean=means.drop("dye"))


def test_enterprises_are_compared_within_their_period(works: pd.DataFrame):
    two = works.assign(year=[2022, 2023, 2023, 2022, 2022, 2022])
    found = enterprise_grades(two, by=("sector", "year"))
    assert found["sector_mean"]["a"] == pytest.approx(0.5995)
    assert found["grade"]["a"] == 3


def test_what_is_taken_off_must_be_positive(works: pd.DataFrame):
    with pytest.raises(CityTwinError, match="sink is below zero in row 'f'"):
        enterprise_grades(works.assign(sink=[0.0] * 5 + [-5.0]))
    with pytest.raises(CityTwinError, match="lacks value_added"):
        enterprise_grades(works.drop(columns="value_added"))


def _offices(count: int) -> pd.DataFrame:
    """Offices of 1 to ``count`` times 10 kg/m2, so that the median of an odd count is known."""
    return pd.DataFrame({"use": "office", "floor_area": 100.0,
                         "emission": 1000.0 * np.arange(1, count + 1)})


def test_buildings_beside_their_peers():
    found = building_grades(_offices(21))
    assert found["median"].tolist() == [110.0] * 21
    assert (found["basis"] == "peers").all()
    assert found["ratio"].iloc[10] == 1
    # 66 kg/m2 is 0.6 of the median: 60 is the last of grade 1; 88 and 132 and 220 are the others.
    assert found["grade"].tolist() == [1] * 6 + [2] * 2 + [3] * 5 + [4] * 8
    assert found["percentile"].iloc[[0, 10, 20]].tolist() == pytest.approx([50 / 21, 50, 2050 / 21])
    assert found["note"].iloc[0] == f"among 21 peers; {SAID}"


def test_too_few_peers_are_compared_with_the_limit_or_not_at_all():
    few = _offices(19).assign(energy=np.linspace(60, 105, 19))
    alone = building_grades(few)
    assert (alone["basis"] == "none").all()
    assert alone["grade"].isna().all()
    assert alone["percentile"].isna().all()
    assert alone["note"].iloc[0] == "no grade: 19 peers of its kind, 20 needed"
    beside = building_grades(few.join(energy_limits(few["use"])))
    assert (beside["basis"] == "limit").all()
    assert beside["grade"].isna().all()
    words = beside["note"].str.partition(";")[0].tolist()
    assert words == (["within the guidance value of energy"] * 5
                     + ["within the limit of energy"] * 6 + ["above the limit of energy"] * 8)
    assert beside["note"].str.endswith(SAID).all()
    assert (building_grades(_offices(20))["basis"] == "peers").all()


def test_uses_are_not_mixed_and_floorless_buildings_have_no_grade():
    table = pd.concat([_offices(20), _offices(20).assign(use="hotel", emission=5e3)],
                      ignore_index=True)
    table.loc[0, "floor_area"] = 0.0
    found = building_grades(table)
    assert (found["grade"].iloc[20:] == 3).all()
    assert found["peers"].tolist() == [19] * 20 + [20] * 20
    assert found["basis"].tolist() == ["none"] * 20 + ["peers"] * 20
    assert found["note"].iloc[0] == "no grade: no floor area"


def test_own_power_and_sinks_are_taken_off():
    table = _offices(21).assign(own_power=0.0, ccs=np.nan)
    table.loc[20, "own_power"] = 20_000.0
    assert building_grades(table)["intensity"].iloc[20] == pytest.approx(10)
    assert building_grades(table)["grade"].iloc[20] == 1


def test_districts_are_weighted_by_floor_area():
    graded = pd.DataFrame({"ratio": [0.5, 1.5, np.nan, 3.0, np.nan]})
    area = pd.Series([300.0, 100.0, 600.0, 50.0, 10.0])
    found = district_grades(graded, area, pd.Series(["江岸", "江岸", "江岸", "武昌", "汉阳"]))
    assert found.loc["江岸", "ratio"] == 0.75
    assert found["grade"].tolist() == [2, 5, pd.NA]
    assert found.loc["江岸", "graded_share"] == 0.4
    assert found["buildings"].tolist() == [3, 1, 1]
    assert found["note"].tolist() == [SAID, SAID, "no grade: no building has one"]


def test_neutrality_by_hand():
    assert neutrality_rate(1000, sink=50, offsets=100, green_power=350) == 0.5
    found = neutrality_rate([100, 0, 10], sink=[10, 5, 20])
    assert found[[0, 2]].tolist() == [0.1, 2.0]
    assert np.isnan(found[1])
    with pytest.raises(CityTwinError, match="not below zero"):
        neutrality_rate(100, sink=-1)


def test_energy_at_the_hours_and_density_of_the_standard():
    assert corrected_energy(100.0, hours=2500, area_per_person=10) == pytest.approx(100)
    assert corrected_energy([100.0], hours=5000)[0] == pytest.approx(65)
    assert corrected_energy(100.0, area_per_person=20) == pytest.approx(130)
    with pytest.raises(CityTwinError, match="hours of offices must be above zero"):
        corrected_energy(100.0, hours=[2500, 0])


def test_limits_of_energy_by_use():
    found = energy_limits(pd.Series(["office", "school", None, "hotel"]))
    assert found["limit"].tolist()[0] == 85
    assert found["guide"].tolist()[3] == 115
    assert found.isna().to_numpy().tolist() == [[False] * 2, [True] * 2, [True] * 2, [False] * 2]


# ---- mass balance


def test_mass_balance_by_hand():
    # Coke 100 t at 85 %, steel 80 t at 0.5 %, 5 t more coke in stock: (100 - 5) 0.85 - 80 0.005.
    streams = pd.DataFrame({"into": [100.0, 0.0], "out": [0.0, 80.0], "stock_change": [5.0, 0.0],
                            "carbon": [0.85, 0.005]}, index=["coke", "steel"])
    found = mass_balance(streams)
    assert found["value"].tolist() == pytest.approx([95 * 0.85 * 44 / 12, -80 * 0.005 * 44 / 12])
    assert add_up(found).value == pytest.approx(44 / 12 * (80.75 - 0.4))
    assert np.array_equal(found["low"], found["value"])


def test_carbon_that_only_passes_through_is_not_emitted():
    streams = pd.DataFrame({"into": [7.0], "out": [3.0], "stock_change": [4.0], "carbon": [0.6]})
    assert mass_balance(streams)["value"].iloc[0] == 0


def test_units_of_each_row_are_converted():
    streams = pd.DataFrame({"into": [1e6, 10.0, 3000.0], "carbon": [0.54, 0.7, 0.8],
                            "unit": ["m3", "t", "kg"], "carbon_unit": ["kg m-3", "1", "kg kg-1"]})
    found = mass_balance(streams)
    assert found["value"].tolist() == pytest.approx(
        [540 * 44 / 12, 7 * 44 / 12, 2.4 * 44 / 12], rel=1e-12)
    with pytest.raises(UnitsError, match="not the same kind"):
        mass_balance(streams.assign(unit="m3"))


def test_gas_by_weight_agrees_with_its_factor():
    # Natural gas of 15.3 kg of carbon per GJ is 56.1 kg of CO2 per GJ (IPCC 2006, volume 2).
    gas = pd.DataFrame({"into": [1000.0], "carbon": [15.3]})
    found = mass_balance(gas, unit="GJ", carbon_unit="kg GJ-1")
    assert found["value"].iloc[0] == pytest.approx(56.1, rel=1e-12)


def test_ranges_of_amount_and_content_combine():
    streams = pd.DataFrame({"into": [100.0], "into_low": [97.0], "into_high": [103.0],
                            "carbon": [0.8], "carbon_low": [0.768], "carbon_high": [0.832]})
    found = mass_balance(streams).iloc[0]
    assert found["high"] / found["value"] == pytest.approx(1 + np.hypot(0.03, 0.04), rel=1e-12)
    assert found["low"] / found["value"] == pytest.approx(1 - np.hypot(0.03, 0.04), rel=1e-12)
    both = add_up(mass_balance(pd.concat([streams, streams])))
    assert (both.high - both.value) / both.value == pytest.approx(0.05 / np.sqrt(2))


def test_a_range_of_what_leaves_points_the_other_way():
    streams = pd.DataFrame({"into": [100.0], "out": [40.0], "out_low": [40.0], "out_high": [50.0],
                            "carbon": [0.6]})
    found = mass_balance(streams).iloc[0]
    assert found["high"] == found["value"]
    assert found["low"] == pytest.approx(50 * 0.6 * 44 / 12)


def test_impossible_streams_are_told():
    with pytest.raises(MissingInput, match="needs the column carbon"):
        mass_balance(pd.DataFrame({"into": [1.0]}))
    bad = pd.DataFrame({"into": [-1.0], "carbon": [0.6]}, index=["煤"])
    with pytest.raises(CityTwinError, match="into of '煤' is below zero"):
        mass_balance(bad)
    with pytest.raises(CityTwinError, match=r"carbon of 0 is nan"):
        mass_balance(pd.DataFrame({"into": [1.0], "carbon": [np.nan]}))


# ---- measured


def test_a_stack_by_hand():
    # 100,000 m3/h wet with a tenth of vapour, 200 g/m3 dry: 18 t an hour.
    found = stack_emission(np.full(24, 1e5), np.full(24, 200.0), moisture=0.1)
    assert found.estimate.value == pytest.approx(432, rel=1e-12)
    assert found.estimate.high / 432 == pytest.approx(1 + np.hypot(0.05, 0.03))
    assert (found.known_share, found.gaps) == (1.0, 0)


@pytest.mark.parametrize(("flow", "concentration", "times"), [
    ("wet", "wet", 1.0), ("dry", "dry", 1.0), ("wet", "dry", 0.8), ("dry", "wet", 1.25)])
def test_vapour_is_reckoned_with_once(flow: str, concentration: str, times: float):
    found = stack_emission([1e5], [200.0], moisture=0.2, flow_basis=flow,
                           concentration_basis=concentration)
    assert found.estimate.value == pytest.approx(20 * times, rel=1e-12)


def test_a_share_of_the_volume_is_weighed_by_the_gas_law():
    # 44.0095 g/mol over the 22.41396 L of a mole at 0 degC and 101.325 kPa.
    found = stack_emission([1e6], [12.0], concentration_unit="percent")
    assert found.estimate.value == pytest.approx(0.12 * 1e3 * 44.0095 / 22.41396, rel=1e-6)
    warm = stack_emission([1e6], [120_000.0], concentration_unit="ppm", temperature=20.0)
    assert warm.estimate.value == pytest.approx(found.estimate.value * 273.15 / 293.15)


def test_burnt_methane_is_the_same_weighed_and_measured():
    # A kilomole of methane gives one of CO2, two of vapour and, with 20 % excess air, 2.4 of
    # oxygen come with 3.76 times as much nitrogen; 0.4 of oxygen are left.
    moles = 1e6 / 16.0425
    dry = 1 + 0.4 + 2.4 * 3.76
    wet = dry + 2
    stack = stack_emission([moles * wet * 22.41396e-3], [100 / dry], moisture=2 / wet,
                           concentration_unit="percent")
    weighed = mass_balance(pd.DataFrame({"into": [1.0], "carbon": [12.0107 / 16.0425]}))
    assert stack.estimate.value == pytest.approx(weighed["value"].iloc[0], rel=1e-3)


def test_gaps_take_the_mean_and_widen_the_range():
    rate = np.tile([80.0, 120.0], 50)
    whole = stack_emission(rate * 1e3, np.full(100, 100.0))
    rate[:20] = np.nan
    part = stack_emission(rate * 1e3, np.full(100, 100.0))
    assert part.estimate.value == pytest.approx(whole.estimate.value, rel=1e-12)
    assert (part.known_share, part.gaps) == (0.8, 20)
    assert part.estimate.high > whole.estimate.high
    # Twenty hours at 12 in place of the mean of 10 t, and the range of the instruments.
    assert part.estimate.high == pytest.approx(1000 + np.hypot(1000 * np.hypot(0.05, 0.03), 40))
    with pytest.raises(CityTwinError, match="80% of the time was measured, 90% is needed"):
        stack_emission(rate * 1e3, np.full(100, 100.0), least_known=0.9)


def test_units_and_lengths_of_readings_are_converted():
    found = stack_emission([50.0], [150_000.0], hours=2.0, flow_unit="m3 s-1",
                           concentration_unit="mg m-3")
    assert found.estimate.value == pytest.approx(50 * 3600 * 2 * 0.15 / 1000)
    with pytest.raises(UnitsError):
        stack_emission([1.0], [1.0], flow_unit="kg h-1")


@pytest.mark.parametrize(("given_", "message"), [
    ({"flow": [-1.0]}, "flow reaches from -1"), ({"moisture": 1.0}, "moisture reaches from 1"),
    ({"flow_basis": "damp"}, "basis of the flow is 'damp'"),
    ({"flow": [np.nan]}, "0% of the time was measured")])
def test_impossible_readings_are_told(given_: dict[str, object], message: str):
    with pytest.raises(CityTwinError, match=message):
        stack_emission(**{"flow": [1.0], "concentration": [1.0], **given_})  # type: ignore[arg-type]


def test_metered_power_times_the_factor_of_the_grid():
    hubei = load()["grid.CN-Hubei"]
    found = metered_emission([1e6, 5e5], hubei)
    assert found.value.tolist() == pytest.approx([404.4, 202.2])
    assert found.high[0] / 404.4 - 1 == pytest.approx(np.hypot(0.1, 0.02), rel=1e-3)
    heat = metered_emission(1000.0, Estimate(0.11, 0.1, 0.12), unit="GJ", factor_unit="t GJ-1")
    assert heat.value == pytest.approx(110)
    with pytest.raises(UnitsError):
        metered_emission(1.0, hubei, unit="m3")
    with pytest.raises(CityTwinError, match="finite and not below zero"):
        metered_emission([1.0, np.nan], hubei)
