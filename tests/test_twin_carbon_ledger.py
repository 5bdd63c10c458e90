"""The ledger: sums, ranges, boundaries, draws."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_array

from layers.errors import CityTwinError
from twin.carbon.boundaries import inside, is_sink
from twin.carbon.entries import entries
from twin.carbon.ledger import Ledger, ledger, told_apart
from twin.carbon.lines import difference, line_total
from twin.carbon.parts import Cause, Part
from twin.carbon.uncertainty import draw

GRID = Cause("grid.CN-Hubei", -0.1, 0.1)
OFFICE = Cause("eui.office.CN", -0.2, 0.3)
POWER = Part("buildings", "buildings", "office", "electricity", 2, "B6", "kWh a-1",
             "grid.CN-Hubei", (GRID, OFFICE))
GAS = POWER.but(item="gas", scope=1, factor_id="fuel.gas.CN",
                causes=(Cause("fuel.gas.CN", -0.03, 0.04), OFFICE))
DRIVEN = Part("roads", "traffic", "primary", "petrol", 1, "tailpipe", "km a-1",
              "fuel.petrol.WORLD", (Cause("speed", -0.1, 0.1),), own=(0.5, 0.5))
WOOD = Part("green", "sinks", "forest", "uptake", 1, "removal", "m2", "sink.forest.WORLD",
            (Cause("sink.forest.WORLD", -0.5, 1.0),))


@pytest.fixture
def book() -> Ledger:
    """Two buildings, the second a quarter outside, two roads and a wood on two cells."""
    homes = entries("buildings", 2, [(POWER, [0, 1], [100.0, 200.0], [40.0, 80.0]),
                                     (GAS, [0, 1], [50.0, 0.0], [10.0, 0.0])])
    roads = entries("roads", 2, [(DRIVEN, [0, 1], [10.0, 10.0], [3.0, 4.0])])
    wood = entries("green", 1, [(WOOD, [0], [7.0], [-5.0])])
    return ledger([homes, roads, wood], {
        "buildings": csr_array([[1.0, 0.5], [0.0, 0.25]]),
        "roads": csr_array([[1.0, 0.5], [0.0, 0.5]]),
        "green": csr_array([[0.0], [1.0]])}, 2)


def test_cells_sources_and_ledger_agree(book: Ledger) -> None:
    whole = 40 + 80 * 0.75 + 10 + 7 - 5
    assert book.total().value == pytest.approx(whole, rel=1e-12)
    assert book.by_cell().value.sum() == pytest.approx(whole, rel=1e-12)
    assert book.table()["value"].sum() == pytest.approx(whole, rel=1e-12)
    assert book.by("sector")["value"].sum() == pytest.approx(whole, rel=1e-12)
    assert book.rows["activity"].sum() == pytest.approx(100 + 150 + 50 + 20 + 7)


def spread(*shares: float) -> float:
    """Return how much larger a sum gets by causes that each move it by a share."""
    return float(np.exp(np.sqrt(sum(np.log1p(s) ** 2 for s in shares))))


def test_shared_causes_add_up_and_others_combine(book: Ledger) -> None:
    offices = book.total(lambda p: p.sector == "buildings")
    assert offices.low == pytest.approx(110 / spread(-100 * 0.1 / 110, -0.2, -10 * 0.03 / 110))
    assert offices.high == pytest.approx(110 * spread(100 * 0.1 / 110, 0.3, 10 * 0.04 / 110))


def test_what_a_source_has_of_its_own_is_shared_by_its_cells(book: Ledger) -> None:
    driven = book.total(lambda p: p.sector == "traffic")
    assert driven.high == pytest.approx(7 * spread(0.1, np.hypot(3, 4) * 0.5 / 7))
    cells = book.by_cell(lambda p: p.sector == "traffic")
    assert cells.high[1] == pytest.approx(2 * spread(0.1, 0.5))


def test_sums_of_both_signs_combine_as_they_are(book: Ledger) -> None:
    both = book.total(lambda p: p.item in ("gas", "uptake"))
    assert both.value == pytest.approx(5.0)
    assert both.high - 5 == pytest.approx(np.sqrt((10 * 0.3) ** 2 + (10 * 0.04) ** 2 + 2.5**2))
    assert 5 - both.low == pytest.approx(np.sqrt((10 * 0.2) ** 2 + (10 * 0.03) ** 2 + 5.0**2))


def test_uptake_is_below_zero_with_its_range_the_right_way_round(book: Ledger) -> None:
    taken = book.total(is_sink)
    assert (taken.value, taken.low, taken.high) == pytest.approx((-5.0, -10.0, -2.5))


def test_features_keep_what_lies_outside() -> None:
    homes = entries("buildings", 3, [(POWER, [0, 2], [1.0, 2.0], [4.0, 8.0]),
                                     (GAS, [2], [1.0], [2.0])])
    found = homes.by_source()
    assert found.value.tolist() == [4.0, 0.0, 10.0]
    assert found.high[0] == pytest.approx(4 * spread(0.1, 0.3))
    assert homes.where(lambda p: p == GAS).by_source().value.tolist() == [0.0, 0.0, 2.0]
    assert homes.activity_by_source(lambda p: p == POWER).tolist() == [1.0, 0.0, 2.0]


def test_boundaries_nest(book: Ledger) -> None:
    built = POWER.but(sector="construction", stage="A1-A3", scope=3, item="concrete")
    more = entries("buildings", 2, [(built, [0], [9.0], [9.0])])
    wider = ledger([more], {"buildings": csr_array(np.eye(2))}, 2)
    e1, e2, e4 = (book.total(inside(b)).value + wider.total(inside(b)).value
                  for b in ("territorial", "supply", "lifecycle"))
    assert (e1, e2, e4) == pytest.approx((17.0, 117.0, 126.0))
    assert not any(inside(b)(WOOD) for b in ("territorial", "supply", "lifecycle"))
    with pytest.raises(CityTwinError, match=r"no boundary .teritorial..*territorial"):
        inside("teritorial")


def test_empty_and_broken_entries() -> None:
    none = ledger([entries("roads", 0, [])], {"roads": csr_array((2, 0))}, 2)
    assert none.total().value == 0
    assert none.table().empty
    assert none.by("sector").empty
    with pytest.raises(CityTwinError, match="1 values are no number"):
        entries("roads", 1, [(DRIVEN, [0], [1.0], [np.nan])])
    with pytest.raises(CityTwinError, match="scope 4, expected 1, 2, 3"):
        DRIVEN.but(scope=4)


def test_draws_meet_the_analytic_range_and_name_the_largest_cause(book: Ledger) -> None:
    want = inside("supply")
    drawn, sure = draw(book, want, count=20_000), book.total(want)
    low, middle, high = drawn.ends
    assert middle == pytest.approx(sure.value, rel=0.01)
    assert high - middle == pytest.approx(sure.high - sure.value, rel=0.12)
    assert middle - low == pytest.approx(sure.value - sure.low, rel=0.12)
    first = drawn.contributors()
    assert first.index[0] == "eui.office.CN"
    # Of the variances: 27.5^2 (mean of both sides), 10^2, 0.35^2 and 0.7^2.
    assert first.iloc[0] == pytest.approx(27.5**2 / (27.5**2 + 100 + 0.5), abs=0.05)


def test_scenarios_share_their_draws(book: Ledger) -> None:
    def halved(part: Part) -> bool:
        return part.item == "gas"

    rows = book.rows.copy()
    gas = next(i for i, p in enumerate(book.parts) if halved(p))
    rows.loc[rows["part"] == gas, "value"] *= 0.5
    after = Ledger(book.parts, rows, book.cells)
    low, middle, high = draw(difference(book, after), count=4000).ends
    assert middle == pytest.approx(-5.0, rel=0.02)
    # Only what moves gas moves the change: the intensity and the fuel.
    assert high - low == pytest.approx(5 * (np.hypot(0.2, 0.03) + np.hypot(0.3, 0.04)), rel=0.12)
    same = difference(book, book)
    assert draw(same).ends == (0.0, 0.0, 0.0)
    assert (same.total().low, same.total().high) == (0.0, 0.0)
    # Roads that are other roads each have what is their own.
    fresh = Ledger(book.parts, book.rows, book.cells, {"roads": np.array(["x", "y"])})
    other = difference(book, fresh).total(lambda p: p.sector == "traffic")
    assert other.high == pytest.approx(np.sqrt(2 * (1.5**2 + 2**2)))
    # A cut is surely less, however unsure its size.
    rows["value"] = book.rows["value"] * 0.8
    cut = difference(book, Ledger(book.parts, rows, book.cells))
    driven = cut.total(lambda p: p.sector == "traffic")
    assert driven.value == pytest.approx(-1.4)
    assert driven.low == pytest.approx(-1.4 * spread(0.1, np.hypot(3, 4) * 0.5 / 7))
    assert driven.high == pytest.approx(-1.4 / spread(-0.1, -np.hypot(3, 4) * 0.5 / 7))


def test_what_stays_when_one_goes_is_sure() -> None:
    """Houses a, b, c; b is taken away: its neighbours, now rows 0 and 1, stay the same."""
    doubtful = POWER.but(own=(0.5, 1.0), causes=())
    three = ledger([entries("buildings", 3, [(doubtful, [0, 1, 2], [1.0] * 3, [1e3, 10.0, 2e3])])],
                   {"buildings": csr_array([[1.0, 1.0, 1.0]])}, 1, {"buildings": ["a", "b", "c"]})
    two = ledger([entries("buildings", 2, [(doubtful, [0, 1], [1.0] * 2, [1e3, 2e3])])],
                 {"buildings": csr_array([[1.0, 1.0]])}, 1, {"buildings": ["a", "c"]})
    gone = difference(three, two).total()
    assert (gone.value, gone.low, gone.high) == pytest.approx((-10.0, -20.0, -5.0))
    # Empty and repeated names are told apart by their order.
    assert told_apart(["", "a", "a", None]).tolist() == ["#0", "a", "a#1", "#1"]


def test_draws_of_a_small_sum_keep_their_sign() -> None:
    road = ledger([entries("roads", 1, [(DRIVEN.but(own=(0.85, 2.48)), [0], [1.0], [400.0])])],
                  {"roads": csr_array([[1.0]])}, 1)
    drawn, sure = draw(road, count=4000), road.total()
    assert drawn.values.min() > 0
    assert (drawn.ends[0], drawn.ends[2]) == pytest.approx((sure.low, sure.high), rel=0.05)
    timber = POWER.but(causes=(Cause("embodied", -1.0, 0.8),), own=(0.0, 0.0))
    wood = ledger([entries("buildings", 1, [(timber, [0], [1.0], [200.0])])],
                  {"buildings": csr_array([[1.0]])}, 1)
    assert draw(wood).values.min() > 0


def test_uptake_is_told_above_zero(book: Ledger) -> None:
    found = line_total(book, "carbon_sink")
    assert (found.value, found.low, found.high) == pytest.approx((5.0, 2.5, 10.0))
    net, parts = line_total(book, "co2_net"), ("building_co2", "traffic_co2")
    assert net.value == pytest.approx(sum(line_total(book, p).value for p in parts) - 5)


def test_a_range_over_zero_can_change_sign() -> None:
    lawn = WOOD.but(sub="grass", by_activity=True,
                    causes=(Cause("sink.grass.WORLD", 0.2, -0.15),))
    grass = ledger([entries("green", 1, [(lawn, [0], [2.0], [-0.1])])],
                   {"green": csr_array([[1.0]])}, 1)
    low, _, high = draw(grass, count=20_000).ends
    assert (low, high) == pytest.approx((-0.1 - 0.3, -0.1 + 0.4), rel=0.01)
    sure = grass.total()
    assert (sure.low, sure.high) == pytest.approx((-0.4, 0.3))
    with pytest.raises(CityTwinError, match="1 draws, expected at least 2"):
        draw(grass, count=1)
