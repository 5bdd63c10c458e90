"""Money and carbon of modules: by hand, by identity, and next to a public claim."""

from __future__ import annotations

import csv

import numpy as np
import pytest
from scipy.optimize import brentq

from layers.place import Place
from layers.units import parse
from twin.factor import from_row
from twin.factors import DATA, Factors, load
from twin.pool import Picker
from twin.region_codes import regions
from twin.sun.avoided import carbon, carbon_range
from twin.sun.cash import internal_rate, payback
from twin.sun.claims import DAXING, FREIGHT, beside
from twin.sun.money import Terms, economics, economics_range, prices
from twin.sun.ranges import Range, around
from twin.sun.tariffs import currency, payer, terms

PLAIN = Terms(capex=1.0, upkeep=0.01, discount=0.1, retail=1.0, feed_in=0.5, self_use=0.6,
              degradation=0.0, life=2)
YEARS = Terms(capex=2.76, upkeep=0.048, discount=0.06, retail=0.75, feed_in=0.36, self_use=0.7,
              degradation=0.005, life=25)


@pytest.fixture(scope="module")
def tables() -> Factors:
    with (DATA / "pv_money.csv").open(encoding="utf-8", newline="") as file:
        money = {row["factor_id"]: from_row(row) for row in csv.DictReader(file)}
    return Factors({**load(), **money})


def _range(value: float, low: float, high: float) -> Range:
    return Range(*(np.array([v]) for v in (value, low, high)))


def test_two_years_by_hand():
    found = economics([1000.0], PLAIN)
    # 1 W makes 1 kWh a year: 1 + 0.01/1.1 + 0.01/1.21 over 1/1.1 + 1/1.21.
    worth = 1 / 1.1 + 1 / 1.21
    assert found.lcoe[0] == pytest.approx((1 + 0.01 * worth) / worth)
    assert found.lcoe[0] == pytest.approx(0.586190, abs=1e-6)
    assert found.revenue[0] == pytest.approx(0.6 * 1.0 + 0.4 * 0.5)
    assert found.npv[0] == pytest.approx(0.79 * worth - 1)
    # 0.79 each year: paid back 0.21/0.79 into the second.
    assert found.payback[0] == pytest.approx(1 + 0.21 / 0.79)
    # 1 = 0.79 (q + q^2), q = 1/(1+r).
    q = (-1 + np.sqrt(1 + 4 / 0.79)) / 2
    assert found.irr[0] == pytest.approx(1 / q - 1, abs=1e-9)


def test_a_price_equal_to_the_cost_of_a_kilowatt_hour_earns_nothing():
    cost = float(economics([1050.0], YEARS).lcoe[0])
    even = Terms(**{**YEARS.__dict__, "retail": cost, "feed_in": cost})
    found = economics([1050.0], even)
    assert found.npv[0] == pytest.approx(0, abs=1e-9)
    assert found.irr[0] == pytest.approx(YEARS.discount, abs=1e-9)
    assert found.discounted_payback[0] == pytest.approx(25, abs=1e-6)


def test_the_value_at_the_internal_rate_is_nothing():
    yields = np.array([600.0, 900.0, 1300.0])
    rates = economics(yields, YEARS).irr
    for kwh, rate in zip(yields, rates, strict=True):
        again = economics([kwh], Terms(**{**YEARS.__dict__, "discount": float(rate)}))
        assert again.npv[0] == pytest.approx(0, abs=1e-9)
        net = kwh / 1000 * YEARS.health * YEARS.price - YEARS.upkeep
        root = brentq(lambda r, net=net: (net * (1 + r) ** -np.arange(1.0, 26)).sum()
                      - YEARS.capex, -0.5, 5)
        assert rate == pytest.approx(root, abs=1e-9)
    assert (np.diff(rates) > 0).all()


def test_paybacks_grow_with_the_price_and_discounting_lengthens_them():
    prices = np.linspace(1.0, 12.0, 23)
    found = [economics([1050.0], Terms(**{**YEARS.__dict__, "capex": p})) for p in prices]
    simple = np.array([f.payback[0] for f in found])
    later = np.array([f.discounted_payback[0] for f in found])
    finite = np.isfinite(simple)
    assert (np.diff(simple[finite]) > 0).all()
    assert (later >= simple)[np.isfinite(later)].all()
    assert np.isinf(later[-1])
    assert (np.diff([f.npv[0] for f in found]) == pytest.approx(-0.5))


def test_a_payback_without_degradation_is_a_quotient():
    assert payback(10.0, np.full((1, 30), 0.7))[0] == pytest.approx(10 / 0.7)
    assert payback(10.0, np.full((1, 14), 0.7))[0] == np.inf
    assert payback([0.0, 1.4], np.full((2, 14), 0.7)).tolist() == pytest.approx([0.0, 2.0])


def test_what_never_earns_has_no_rate_and_no_payback():
    found = economics([0.0], YEARS)
    assert np.isnan(found.irr[0])
    assert np.isinf(found.payback[0])
    assert np.isinf(found.lcoe[0])
    assert found.npv[0] < -YEARS.capex


def test_a_loss_has_a_rate_below_nothing():
    # 10 back of 20 in ten equal years: the sum of q^t is 20.
    assert internal_rate(20.0, np.full((1, 10), 1.0))[0] < 0


def test_ageing_takes_the_same_each_year():
    assert YEARS.health[0] == 1
    assert YEARS.health[-1] == pytest.approx(1 - 24 * 0.005)
    assert len(YEARS.health) == 25


# ---- ranges


def test_one_uncertain_input_gives_its_own_ends():
    sure = {k: Range(v, v, v) for k, v in YEARS.__dict__.items()}
    given = {**sure, "capex": Range(2.76, 1.93, 3.6)}
    found = economics_range(_range(1050, 1050, 1050), given)
    for end, price in (("low", 1.93), ("high", 3.6)):
        alone = economics([1050.0], Terms(**{**YEARS.__dict__, "capex": price}))
        assert getattr(found.lcoe, end) == pytest.approx(alone.lcoe)
        assert getattr(found.payback, end) == pytest.approx(alone.payback)
        other = "high" if end == "low" else "low"
        assert getattr(found.npv, other) == pytest.approx(alone.npv)


def test_two_uncertain_inputs_combine_by_squares():
    assert tuple(around([10.0], [[7.0], [14.0], [6.0], [13.0]])) == (10.0, 5.0, 15.0)


def test_a_payback_beyond_the_life_keeps_its_near_end():
    found = around([np.inf], [[np.inf], [18.0], [22.0]])
    assert (found.low[0], found.high[0]) == (18.0, np.inf)
    found = around([np.nan], [[0.1], [np.nan]])
    assert np.isnan([found.value[0], found.low[0]]).all()


@pytest.mark.parametrize(("place", "use", "money"), [
    (Place("CN", "Hubei"), "office", "CNY"), (Place("CN", "Hubei"), "residential", "CNY"),
    (Place("CN", "Beijing"), "industrial", "CNY"), (Place("FR", "Bretagne"), "residential", "EUR"),
    (Place("DE"), "retail", "EUR")])
def test_terms_of_a_place_are_whole_and_give_ordered_ranges(tables: Factors, place: Place,
                                                            use: str, money: str):
    assert currency(regions(place)) == money
    pick = Picker(tables, place).pick
    given = terms(pick, money, use)
    assert set(given) == set(Terms.__dataclass_fields__)
    found = economics_range(_range(1050, 900, 1200), given)
    for name in ("lcoe", "npv", "payback", "revenue"):
        band = getattr(found, name)
        assert band.low[0] < band.value[0] < band.high[0]


def test_a_chinese_office_earns_more_than_a_home(tables: Factors):
    pick = Picker(tables, Place("CN", "Hubei")).pick
    office, home = (economics_range(_range(1050, 900, 1200), terms(pick, "CNY", use))
                    for use in ("office", "residential"))
    assert office.npv.value[0] > home.npv.value[0] > 0
    # Business systems in central China are said to be paid back in 4 to 7 years.
    assert 3.5 < office.payback.value[0] < 7


def test_modules_in_walls_have_a_price_of_their_own(tables: Factors):
    for place, money in ((Place("CN", "Hubei"), "CNY"), (Place("FR"), "EUR")):
        pick = Picker(tables, place).pick
        roof, wall = (terms(pick, money, "office", facade=f) for f in (False, True))
        assert wall["capex"].value > 1.5 * roof["capex"].value
        assert {k: v for k, v in wall.items() if k != "capex"} == {
            k: v for k, v in roof.items() if k != "capex"}


def test_the_price_of_a_kilowatt_hour_moves_with_its_parts(tables: Factors):
    given = terms(Picker(tables, Place("CN", "Hubei")).pick, "CNY", "office")
    base, *moved = prices(given)
    assert base == pytest.approx(0.7 * 0.75 + 0.3 * 0.36)
    assert moved == pytest.approx([
        0.7 * 0.5 + 0.3 * 0.36, 0.7 * 1.0 + 0.3 * 0.36, 0.7 * 0.75 + 0.3 * 0.25,
        0.7 * 0.75 + 0.3 * 0.47, 0.49 * 0.75 + 0.51 * 0.36, 0.91 * 0.75 + 0.09 * 0.36])
    assert payer("residential") == "home"
    assert payer("transport") == "industrial"
    assert payer("culture") == "office"


def test_places_without_prices_have_no_currency():
    assert currency(regions(Place("US", "Texas"))) is None
    assert currency(regions(Place())) is None


def test_the_table_of_prices_is_sound(tables: Factors):
    with (DATA / "pv_money.csv").open(encoding="utf-8", newline="") as file:
        rows = [from_row(row) for row in csv.DictReader(file)]
    assert len({r.factor_id for r in rows}) == len(rows)
    units: dict[str, str] = {}
    for row in rows:
        parse(row.unit)
        assert row.factor_id.endswith(f".{row.region}")
        assert units.setdefault(row.stem, row.unit) == row.unit
        assert row.year >= 2024
        assert len(row.source) > 3
        assert row.low <= row.value <= row.high
        if row.tag == "R":
            assert row.value - row.low >= 0.3 * row.value - 1e-9
            assert row.high - row.value >= 0.3 * row.value - 1e-9 or (
                row.unit == "1" and row.high == 1)


# ---- carbon


def test_carbon_by_hand():
    # 215 W/m2 at 223 kg/m2 are 1.0372 kg/W; 1050 kWh/kWp at 0.4044 kg/kWh save 0.42462 kg/W a year.
    found = carbon([1050.0], density=215, embodied=223, grid=0.4044, degradation=0.0, life=25)
    assert found.avoided[0] == pytest.approx(0.42462)
    assert found.payback[0] == pytest.approx(1.03721 / 0.42462, rel=1e-4)
    assert found.lifetime[0] == pytest.approx(25 * 0.42462 - 1.03721, rel=1e-4)


def test_a_grid_that_gets_cleaner_saves_less():
    same = {"density": 215, "embodied": 223, "grid": 0.4044, "degradation": 0.005, "life": 25}
    still, falling = (carbon([1050.0], **same, decline=d) for d in (0.0, 0.04))
    assert falling.avoided[0] == still.avoided[0]
    assert falling.lifetime[0] < still.lifetime[0]
    assert falling.payback[0] > still.payback[0]


@pytest.mark.parametrize(("region", "low", "high"), [("Hubei", 1.5, 3.0), ("Anhui", 1.2, 2.0)])
def test_modules_in_china_pay_their_carbon_back_in_two_years(tables: Factors, region: str,
                                                             low: float, high: float):
    pick = Picker(tables, Place("CN", region)).pick
    found = carbon_range(
        _range(1050, 900, 1200), density=pick("pv.module_density", "W m-2"),
        embodied=pick("pv.embodied", "kg m-2"), grid=pick("grid", "kg kWh-1"),
        degradation=pick("pv.degradation", "a-1"), life=pick("pv_money.life", "a"))
    assert low < found.payback.value[0] < high
    assert found.payback.low[0] < found.payback.value[0] < found.payback.high[0]
    assert found.lifetime.low[0] > 0


# ---- the claim


def test_the_claim_of_daxing_implies_what_it_implies():
    assert DAXING.specific == pytest.approx(1087, abs=0.5)
    assert DAXING.grid == pytest.approx(0.158, abs=5e-4)
    assert FREIGHT.specific == pytest.approx(1447, abs=0.5)


def test_the_claim_next_to_ours_says_why_they_differ(tables: Factors):
    grid = tables["grid.CN-Beijing"]
    lines = beside(DAXING, Range(1180.0, 1000.0, 1360.0), grid, weather="Wuhan TMYx",
                   degradation=0.005, life=25)
    told = " ".join(lines)
    assert "1,087 kWh/kWp" in told
    assert "8% below the first year and within our range" in told
    assert "1,109 on the mean of 25 years" in told     # 1180 x (1 - 0.005 x 12)
    assert "0.28 times the grid's" in told or "0.29 times the grid's" in told
    assert "3,388 t" in told                           # 6.1 GWh x 0.5554
    assert "3,542 t (0.58 kg/kWh)" in told             # 966 t x 44/12
    assert "5,268 t of CO2 (0.86 kg/kWh)" in told      # 1900 t x 29.3076 GJ/t x 94.6 kg/GJ


def test_a_claim_without_carbon_is_compared_by_its_energy_only(tables: Factors):
    lines = beside(FREIGHT, Range(1180.0, 1000.0, 1360.0), tables["grid.CN-Beijing"],
                   weather="Wuhan TMYx", degradation=0.005, life=25)
    assert len(lines) == 2
    assert "23% above the first year and outside our range" in lines[1]
    assert "nan" not in " ".join(lines)
