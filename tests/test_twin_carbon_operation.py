"""Operation of buildings: intensity, age, weather, carriers, meters, heating, modules, doubts."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
import xarray as xr
from scipy.sparse import csr_array
from scipy.stats import lognorm

import layers
import twin
from layers.errors import CityTwinError, FactorError, LayerError, MissingInput
from layers.place import Place
from layers.uses import USES
from layers.weather import year_of_hours
from twin.carbon.boundaries import inside
from twin.carbon.carriers import CARRIERS, carrier_shares, end_uses, gas_of, grid_factor
from twin.carbon.degree_days import bases, month_shapes, stretch
from twin.carbon.demand import Demand, demand_of
from twin.carbon.doubts import spreads
from twin.carbon.entries import Entries
from twin.carbon.intensity import mix_of, vintages_of
from twin.carbon.ledger import ledger
from twin.carbon.lines import LINES
from twin.carbon.months import metered_months, monthly_energy
from twin.carbon.operation import energy_entries, operation
from twin.carbon.parts import Part
from twin.estimate import Estimate
from twin.factors import load
from twin.pool import Picker

HUBEI, PARIS, PRAGUE = Place("CN", "Hubei"), Place("FR"), Place("CZ")
SHARED = Path(__file__).resolve().parents[2] / "shared" / "data" / "carbon"


def town(*uses: str, area: float = 100.0, **columns: Any) -> gpd.GeoDataFrame:
    """Buildings of two storeys and a known use, each with the floor area."""
    x = np.arange(len(uses)) * 1000.0
    raw = gpd.GeoDataFrame({"height": 6.0, "num_floors": 2.0, "use": list(uses), **columns},
                           geometry=shapely.box(x, 0, x + 10, area / 20), crs=32650)
    return layers.buildings.tidy(raw)


def at(place: Place) -> Picker:
    return Picker(load(), place)


def is_used(part: Part) -> bool:
    return part.stage == "B6"


def item(found: Entries, name: str, stage: str = "B6") -> np.ndarray:
    """Activity of an item by building [kWh a-1]."""
    return found.activity_by_source(lambda p: p.item == name and p.stage == stage)


def emitted(found: Entries, name: str, stage: str) -> float:
    """CO2 of an item and stage [kg a-1]."""
    return float(found.by_source(lambda p: p.item == name and p.stage == stage).value.sum())


def demand(buildings: gpd.GeoDataFrame, place: Place, **more: Any) -> Demand:
    return demand_of(buildings, at(place), **more)


def steady(*months: float) -> xr.Dataset:
    """A year whose months are each of one temperature [degC]."""
    time = year_of_hours(8760)
    return xr.Dataset({"temp_air": ("time", np.array(months)[time.month - 1])},
                      coords={"time": time}, attrs={"utc_offset": 0.0, "synthetic": "no"})


# ---- intensity, end uses, age


def test_end_uses_sum_to_the_carriers_and_take_no_more_than_there_is() -> None:
    shares = carrier_shares(at(PARIS), "residential")
    whole = [shares[c].value if c in shares else 0.0 for c in CARRIERS]
    split = end_uses(shares, 0.7, 0.01, 0.15)
    assert split.sum(axis=0) == pytest.approx(whole, abs=1e-12)
    assert split.sum(axis=1) == pytest.approx([0.7, 0.01, 0.29])
    assert split[0, 1] / split[0, 2] == pytest.approx(whole[1] / whole[2])
    greedy = end_uses(shares, 1.0, 0.9, 0.5)  # more than fuels and electricity give
    assert greedy.sum(axis=0) == pytest.approx(whole, abs=1e-12)
    assert (greedy >= 0).all()
    assert greedy[1, 0] == pytest.approx(max(0.0, whole[0] - 0.5), abs=1e-12)


@pytest.mark.parametrize("place", [HUBEI, PARIS, PRAGUE, Place("US"), Place("ZZ"), Place("FI"),
                                   Place("CN", "Heilongjiang"), Place("CN", "Guangdong"),
                                   Place("CN", "Yunnan"), Place("CN")])
def test_every_use_has_an_energy_that_adds_up_everywhere(place: Place) -> None:
    for use in USES:
        mix = mix_of(at(place), use)
        assert mix.split.sum() == pytest.approx(1, abs=1e-9)
        assert (mix.split >= 0).all()
        assert mix.split[0].sum() <= mix.heating.value + 1e-12


def test_age_multiplies_heating_alone_in_europe_and_cooling_too_in_china() -> None:
    years = [1930, 1950, 2015, np.nan]
    home = town(*["residential"] * 4, year=years)
    found, plain = demand(home, PARIS), demand(home.assign(year=np.nan), PARIS)
    rows = [load()[f"vintage.residential.{y}.EU"].value for y in (0, 1945, 2011)] + [1.0]
    assert found.parts[0].sum(axis=1) / plain.parts[0].sum(axis=1) == pytest.approx(rows)
    assert found.parts[1:] == pytest.approx(plain.parts[1:])
    chinese, mean = (demand(home.assign(year=y), HUBEI) for y in ([1980, 1990, 2023, 2005], np.nan))
    for end in (0, 1):
        assert chinese.parts[end].sum(axis=1) / mean.parts[end].sum(axis=1) == pytest.approx(
            [1.25, 1.1, 0.7, 1.0])
    assert demand(home, Place("US")).times.tolist() == np.ones((2, 4)).tolist()


def test_stock_mean_stays_where_no_year_is_known() -> None:
    eui = load()["eui.office.FR"].value
    assert demand(town("office"), PARIS).energy.sum() == pytest.approx(100 * eui)


@pytest.mark.skipif(not SHARED.exists(), reason="the building stock table is not here")
def test_vintages_keep_the_mean_of_the_european_stock() -> None:
    stock = pd.read_csv(SHARED / "eu27_building_stock_2020_moderate.csv")
    stock = stock[(stock["country_code"] == "EU27") & (stock["subsector"] != "Total")]
    flats = stock[stock["subsector"].isin(["Multifamily houses", "Apartment blocks"])]
    for group, part in (("residential", flats), ("service", stock[stock["sector"]
                                                                  == "Service sector"])):
        area = part.groupby("bage")["area_Mm2"].sum()
        order = ["Before 1945", "1945 - 1969", "1970 - 1979", "1980 - 1989", "1990 - 1999",
                 "2000 - 2010", "2011 - 2020"]
        ages = vintages_of(at(Place("DE")), group)
        times = ages.times(ages.period(np.array([1900., 1960, 1975, 1985, 1995, 2005, 2015])))
        assert (times * area[order].to_numpy()).sum() / area.sum() == pytest.approx(1, abs=0.002)


def test_prague_is_of_the_published_size() -> None:
    """35 m2 of home and 15 m2 of services a head, 1.2 times that of gross floor.

    City report of 2024: 6.22 Mt in all for 1.40 million, of which buildings about 3.1 t a head.
    """
    services = {"office": 127, "retail": 43, "education": 49, "hospital": 20, "hotel": 4.5,
                "other": 78}  # Mm2 in Czechia, MODERATE
    head = [("residential", 35 * 1.2), *((u, 15 * 1.2 * a / sum(services.values()))
                                         for u, a in services.items())]
    built = pd.concat([town(use, area=area) for use, area in head], ignore_index=True)
    factors = at(PRAGUE)
    found = operation(built, factors)
    tonnes = found.by_source(is_used).value.sum() / 1000
    assert tonnes == pytest.approx(3.1, rel=0.20)
    # Czech homes: 65 GJ in each of 4.3 million for 10.5 million people (CSO, ENERGO 2015).
    assert energy_entries(found).by_source().value[0] == pytest.approx(
        65 / 3.6 * 1000 * 4.3 / 10.5, rel=0.05)
    assert factors.used["eui.residential.CZ"].tag == "D"
    assert factors.used["grid.CZ"].value == pytest.approx(0.45, abs=0.001)


@pytest.mark.parametrize(("use", "kwh_per_ft2"), [("education", 11.0), ("hospital", 31.0),
                                                  ("hotel", 15.3), ("retail", 18.3),
                                                  ("other", 14.6)])
def test_american_services_buy_the_surveyed_electricity(use: str, kwh_per_ft2: float) -> None:
    found = demand(town(use), Place("US")).of("electricity")[0] / 100
    assert found == pytest.approx(kwh_per_ft2 * 10.764, rel=0.005)


# ---- weather


def test_degree_days_stretch_heating_and_cooling() -> None:
    factors = at(HUBEI)
    cold = 18 - load()["hdd_ref.CN-HSCW"].value / 31  # January gives the degree days of the row
    hot = 26 + 2 * load()["cdd_ref.CN-HSCW"].value / 31  # July gives twice those
    year = steady(cold, *[20.0] * 5, hot, *[20.0] * 5)
    found = stretch(year, factors)
    assert (found.heating, found.cooling) == pytest.approx((1.0, 2.0))
    home = town("residential")
    usual, hotter = demand(home, HUBEI), demand(home, HUBEI, weather=year)
    assert hotter.parts[1].sum() == pytest.approx(2 * usual.parts[1].sum())
    assert hotter.parts[[0, 2]] == pytest.approx(usual.parts[[0, 2]])
    assert bases(factors) == (18.0, 26.0)
    assert bases(at(PARIS)) == (15.5, 22.0)


def test_weather_beyond_reason_is_held_and_counted() -> None:
    factors = at(PARIS)
    found = stretch(steady(*[-20.0] * 12), factors)
    assert (found.heating, found.cooling) == pytest.approx((3.0, 1 / 3))
    assert any("taken as 3 times" in k and n == 2 for k, n in factors.fallbacks.items())
    nowhere = at(Place("BR"))
    assert stretch(steady(*[5.0] * 12), nowhere).heating == 1.0
    assert any("not scaled" in k for k in nowhere.fallbacks)


def test_a_run_scales_by_weather_only_when_asked_and_says_so(toy: layers.City) -> None:
    plain = twin.run(toy, cell_size=40, want=["building_energy"])
    asked = twin.run(toy, cell_size=40, want=["building_energy"],
                     settings={"building_account": {"weather_scaling": True}})
    assert any("weather_scaling" in k for k in plain.record["fallbacks"])
    assert any("not measured" in k for k in asked.record["fallbacks"])
    factor = stretch(toy["weather"], at(PARIS)).heating
    kinds, area = toy["buildings"]["use"], plain.features["buildings"]["building_energy"]
    home = (kinds == "residential").to_numpy()
    heated = mix_of(at(PARIS), "residential").split[0].sum()
    ratio = asked.features["buildings"]["building_energy"][home] / area[home]
    cooled = mix_of(at(PARIS), "residential").split[1].sum()
    cooling = stretch(toy["weather"], at(PARIS)).cooling
    assert ratio.to_numpy() == pytest.approx(
        1 + heated * (factor - 1) + cooled * (cooling - 1), rel=1e-9)


# ---- carriers: grids, upstream, losses


@pytest.mark.parametrize(("grid", "year", "value"), [
    ("province", 2021, 0.3672), ("province", 2022, 0.4364), ("province", 2023, 0.4044),
    ("province", None, 0.4044), ("region", 2021, 0.5354), ("region", 2022, 0.5395),
    ("region", None, 0.5271), ("country", 2022, 0.5366), ("country", None, 0.5306)])
def test_grid_factors_of_hubei_are_as_published(grid: str, year: int | None, value: float) -> None:
    assert grid_factor(at(HUBEI), grid, year).value == pytest.approx(value, abs=1e-12)


@pytest.mark.parametrize(("place", "region"), [
    ("Sichuan", 0.2472), ("Guangdong", 0.4042), ("Beijing", 0.6361), ("Liaoning", 0.5122),
    ("Shanghai", 0.55), ("Xinjiang", 0.5543), ("Tibet", 0.2472)])
def test_provinces_are_in_their_grid_region(place: str, region: float) -> None:
    assert grid_factor(at(Place("CN", place)), "region").value == pytest.approx(region)


def test_every_province_has_three_years_and_its_latest_is_the_usual_one() -> None:
    rows = load()
    for factor in rows.table("grid").itertuples():
        if factor.region.startswith("CN"):
            assert rows[f"grid_province.2023.{factor.region}"].value == factor.value
            assert f"grid_province.2021.{factor.region}" in rows


@pytest.mark.parametrize(("place", "grid", "year", "words"), [
    (HUBEI, "province", 2019, "no grid factor of the year 2019 for Hubei, CN: there are 2021, "
                              "2022, 2023"),
    (PARIS, "province", 1990, "no grid factor of the year 1990 for FR: there are 2023"),
    (PARIS, "region", None, "no grid regions are tabled for FR"),
    (HUBEI, "provinz", None, "grid is 'provinz', expected province, region, country, did you")])
def test_a_grid_that_is_not_tabled_is_told(place: Place, grid: str, year: int | None,
                                           words: str) -> None:
    with pytest.raises(FactorError, match=words):
        grid_factor(at(place), grid, year)


def test_the_basis_of_grid_factors_is_told() -> None:
    factors = at(PARIS)
    assert grid_factor(factors, "country", 2023).value == pytest.approx(0.056)
    assert gas_of(grid_factor(factors)) == "CO2e"
    assert gas_of(grid_factor(at(HUBEI))) == "CO2"
    found = operation(town("office"), factors)
    assert {p.gas for p in found.parts if p.item == "electricity"} == {"CO2e"}
    assert {p.gas for p in found.parts if p.item == "gas" and p.stage == "B6"} == {"CO2"}
    assert sum("life-cycle" in k for k in factors.fallbacks) == 1
    chinese = at(HUBEI)
    operation(town("office"), chinese)
    assert not any("life-cycle" in k for k in chinese.fallbacks)


def test_upstream_and_losses_come_with_what_is_used() -> None:
    rows = load()
    for place, fuel in ((HUBEI, "fuel.gas.CN"), (PARIS, "fuel.gas.WORLD")):
        found = operation(town("residential"), at(place))
        gas, power = item(found, "gas"), item(found, "electricity")

        assert emitted(found, "gas", "upstream") == pytest.approx(
            gas.sum() * rows[fuel].value * rows["upstream.gas.WORLD"].value)
        grid = grid_factor(at(place)).value
        more = rows["upstream.electricity.WORLD"].value if place is HUBEI else 0.0
        assert emitted(found, "electricity", "upstream") == pytest.approx(power.sum() * grid * more)
        lost = at(place).pick("grid_loss").value
        assert item(found, "electricity", "losses").sum() == pytest.approx(
            power.sum() * lost / (1 - lost))
        assert emitted(found, "electricity", "losses") == pytest.approx(
            power.sum() * grid * lost / (1 - lost))
        assert {p.scope for p in found.parts if p.stage in ("upstream", "losses")} == {3}
        supply, used = (found.by_source(w).value.sum() for w in (inside("supply"), is_used))
        assert supply > used
        assert found.by_source(LINES["building_co2"]).value.sum() == pytest.approx(used)


# ---- meters, retrofit, heating


def test_meters_replace_the_estimate_of_their_carrier() -> None:
    nan = np.nan
    built = town("office", "office", metered_electricity=[12_345.0, nan], metered_gas=[0.0, nan])
    factors = at(HUBEI)
    found, plain = operation(built, factors), operation(town("office", "office"), at(HUBEI))
    assert item(found, "electricity").tolist() == pytest.approx(
        [12_345.0, item(plain, "electricity")[1]])
    assert item(found, "gas").tolist() == pytest.approx([0.0, item(plain, "gas")[1]])
    assert item(found, "coal").tolist() == pytest.approx(item(plain, "coal").tolist())
    assert factors.fallbacks["buildings with metered energy"] == 1
    part = next(p for p in found.parts if p.method == "measured" and is_used(p))
    assert (part.tier, part.quality, part.own) == (3, "H", (0.05, 0.05))
    assert [c.name for c in part.causes] == ["grid.CN-Hubei"]
    energy = energy_entries(found.where(lambda p: p.item == "electricity")).by_source()
    assert energy.high[0] / energy.value[0] == pytest.approx(1.05)
    assert energy.high[1] / energy.value[1] > 1.5


def test_a_meter_of_gas_or_heat_stands_for_all_fuels_of_its_building() -> None:
    nan, plain = np.nan, demand(town("office"), PARIS)
    need = plain.energy[0, 1:].sum()  # all but electricity
    gas = plain.of("gas")[0]
    assert need > 1.2 * gas  # oil, district heat and biomass are in the mean
    built = town(*["office"] * 4, metered_gas=[need, 0.0, nan, 700.0],
                 metered_heat=[nan, nan, 800.0, 900.0])
    factors = at(PARIS)
    energy = demand_of(built, factors).energy
    power = plain.of("electricity")[0]
    assert energy[0].tolist() == pytest.approx([power, need, 0, 0, 0, 0])
    assert energy[1].tolist() == pytest.approx([power, 0, *plain.energy[0, 2:]])
    assert energy[2].tolist() == pytest.approx([power, 0, 0, 0, 800, 0])
    assert energy[3].tolist() == pytest.approx([power, 700, 0, 0, 900, 0])
    told = [n for k, n in factors.fallbacks.items() if "stands for all their fuels" in k]
    assert told == [3]
    burnt = load()["fuel.gas.WORLD"].value
    found = operation(built.iloc[:1], at(PARIS)).by_source(is_used).value[0]
    assert found == pytest.approx(need * burnt + power * grid_factor(at(PARIS)).value)


def test_metered_energy_after_a_retrofit_is_as_sure_as_the_share_of_heating() -> None:
    built = town("office", "office", retrofit=[0.0, 0.4], metered_gas=[9000.0, 9000.0])
    asked = operation(built, at(PARIS))
    read, after = (next(p for p in asked.parts if p.item == "gas" and is_used(p)
                        and p.method == m) for m in ("measured", "factor"))
    assert [c.name for c in read.causes] == ["fuel.gas.WORLD"]
    assert read.own == (0.05, 0.05)
    split, heating = mix_of(at(PARIS), "office").split, mix_of(at(PARIS), "office").heating
    share = split[0, 1] / split[:, 1].sum()
    cause = next(c for c in after.causes if c.name == heating.factor_id)
    for end, to in ((cause.low, heating.low), (cause.high, heating.high)):
        left = 1 - 0.4 * share * to / heating.value  # of the same reading, by the other share
        assert 1 + end == pytest.approx(left / (1 - 0.4 * share))
    moved = 0.4 * share / (1 - 0.4 * share)
    assert after.own == pytest.approx(np.hypot(0.05, moved * np.array(
        spreads(at(PARIS)).of(True, "tag"))))


def test_metered_energy_after_other_heating_names_both_efficiencies() -> None:
    built = town("residential", heating=["heat_pump"], metered_gas=[20_000.0],
                 metered_electricity=[3000.0])
    part = next(p for p in operation(built, at(PARIS)).parts
                if p.item == "electricity" and is_used(p))
    split, heating = (getattr(mix_of(at(PARIS), "residential"), n) for n in ("split", "heating"))
    pump, boiler = at(PARIS).pick("heat_pump"), at(PARIS).pick("efficiency.gas")

    def power(cop: float, burns: float, times: float) -> float:
        """Electricity after the edit, with the share of heating that many times its value."""
        return 3000 + 20_000 * times * split[0, 1] / split[:, 1].sum() * burns / cop

    usual = power(pump.value, boiler.value, 1.0)
    causes = {c.name: c for c in part.causes}
    for name, low, high in (
            (pump.factor_id, power(pump.low, boiler.value, 1), power(pump.high, boiler.value, 1)),
            (boiler.factor_id, power(pump.value, boiler.low, 1),
             power(pump.value, boiler.high, 1)),
            (heating.factor_id, power(pump.value, boiler.value, heating.low / heating.value),
             power(pump.value, boiler.value, heating.high / heating.value))):
        assert (1 + causes[name].low, 1 + causes[name].high) == pytest.approx(
            (low / usual, high / usual))
    energy = energy_entries(operation(built, at(PARIS)).where(
        lambda p: p.item == "electricity")).by_source()
    assert energy.high[0] / energy.value[0] > 1 + causes[pump.factor_id].low > 1.2


def test_heat_metered_where_none_is_estimated_heats() -> None:
    south = demand(town("residential", metered_heat=[5000.0]), Place("CN", "Guangdong"))
    assert south.parts[0, 0, CARRIERS.index("heat")] == 5000.0
    assert south.of("heat").tolist() == [5000.0]


def test_a_retrofit_saves_heating_and_cooling_only_with_or_without_a_meter() -> None:
    built = town("office", "office", "office", retrofit=[0.0, 0.4, 0.4],
                 metered_gas=[np.nan, np.nan, 9000.0])
    found = demand(built, PARIS)
    plain, saved, metered = found.parts[:, 0], found.parts[:, 1], found.parts[:, 2]
    assert saved[:2] == pytest.approx(0.6 * plain[:2])
    assert saved[2] == pytest.approx(plain[2])
    gas = CARRIERS.index("gas")
    heats = plain[0, gas] / plain[:, gas].sum()
    assert metered[:, gas].sum() == pytest.approx(9000 * (1 - 0.4 * heats))
    part = next(p for p in operation(built, at(PARIS)).parts
                if p.item == "gas" and p.tier == 3 and is_used(p))
    assert part.method == "factor"  # no longer what the meter read
    whole = demand(town("office", retrofit=[1.0]), PARIS)
    assert whole.parts[:2].sum() == 0
    assert np.isfinite(operation(town("office", retrofit=[1.0]), at(PARIS)).by_source().high).all()


@pytest.mark.parametrize(("kind", "carrier"), [("heat_pump", "electricity"),
                                               ("electric", "electricity"), ("gas", "gas"),
                                               ("district", "heat")])
def test_other_heating_gives_the_rooms_the_same_heat(kind: str, carrier: str) -> None:
    factors = at(PARIS)
    plain, other = (demand(town("residential", heating=[h]), PARIS) for h in ("", kind))
    given = {c: factors.pick(f"efficiency.{c}").value for c in CARRIERS}
    heat = sum(plain.parts[0, 0, i] * given[c] for i, c in enumerate(CARRIERS))
    power = factors.pick("heat_pump").value if kind == "heat_pump" else given[carrier]
    assert other.parts[0, 0].sum() == pytest.approx(heat / power)
    assert other.parts[0, 0, CARRIERS.index(carrier)] == pytest.approx(heat / power)
    assert other.parts[1:] == pytest.approx(plain.parts[1:])


def test_a_heat_pump_beats_gas_on_the_french_grid_and_names_its_doubt() -> None:
    built = town("residential", "residential", heating=["gas", "heat_pump"])
    found = operation(built, at(PARIS))
    gas, pump = found.by_source(inside("supply")).value
    assert pump < 0.5 * gas
    causes = {c.name for p in found.parts if p.item == "electricity" for c in p.causes}
    assert "heat_pump.EU" in causes


def test_heating_that_the_meters_hold_already_changes_nothing() -> None:
    told = demand(town("residential", heating=["gas"], metered_gas=[20_000.0],
                       metered_electricity=[3000.0]), PARIS)
    mix = mix_of(at(PARIS), "residential").split
    gave = 3000 * mix[0, 0] / mix[:, 0].sum()  # electric heating, now of gas
    assert told.of("gas")[0] == pytest.approx(
        20_000 + gave / at(PARIS).pick("efficiency.gas").value)
    assert told.parts[0, 0, CARRIERS.index("oil")] == 0
    pump = demand(town("residential", heating=["heat_pump"], metered_gas=[20_000.0],
                       metered_electricity=[3000.0]), PARIS)
    burnt = 20_000 * mix[0, 1] / mix[:, 1].sum()
    heat = burnt * at(PARIS).pick("efficiency.gas").value
    assert pump.of("gas")[0] == pytest.approx(20_000 - burnt)
    assert pump.of("electricity")[0] == pytest.approx(
        3000 + heat / at(PARIS).pick("heat_pump").value)


# ---- modules


def test_modules_lower_the_grid_electricity_and_what_goes_to_others_is_a_memo() -> None:
    built = town("residential", "office", "office", pv_share=[1.0, 0.5, 0.0])
    most = np.array([1e6, 4000.0, 9e9])
    found = operation(built, at(HUBEI), pv_energy=Estimate(most, 0.8 * most, 1.2 * most))
    power = item(found, "electricity")
    used, sold = item(found, "pv self-use"), item(found, "pv export", "D")
    assert used.tolist() == pytest.approx([-power[0], -0.7 * 2000, 0.0])  # no more than it needs
    assert (used + sold).tolist() == pytest.approx([-1e6, -2000, 0.0])
    grid = grid_factor(at(HUBEI)).value
    saved = found.by_source(lambda p: p.item == "pv self-use" and is_used(p)).value
    assert saved == pytest.approx(used * grid)
    assert found.by_source(LINES["building_co2"]).value[0] == pytest.approx(
        found.by_source(lambda p: is_used(p) and p.item not in ("electricity", "pv self-use"))
        .value[0])
    memo = [p for p in found.parts if p.item == "pv export"]
    assert memo
    assert not any(inside(b)(p) for p in memo
                   for b in ("territorial", "supply", "lifecycle", "consumption"))
    assert all(p.scope == 2 for p in found.parts if p.item == "pv self-use" and is_used(p))
    # With the electricity go its losses and, in China, the fuels of its plants.
    plain = operation(built, at(HUBEI))
    for stage in ("upstream", "losses"):
        of = [b.by_source(lambda p, s=stage: p.stage == s and p.item in (
            "electricity", "pv self-use")).value for b in (found, plain)]
        assert of[0] == pytest.approx(of[1] * (power + used) / power, abs=1e-9)
    assert energy_entries(found).by_source().value == pytest.approx(
        energy_entries(plain).by_source().value)


def test_modules_of_unknown_yield_are_counted_and_a_wrong_yield_is_refused() -> None:
    built, factors = town("office", pv_share=[0.5]), at(PARIS)
    operation(built, factors)
    assert factors.fallbacks["buildings with modules whose electricity is not known and not "
                             "counted"] == 1
    for wrong in ([1.0, 2.0], [-1.0], [np.nan]):
        with pytest.raises(CityTwinError, match="pv_energy has shape"):
            operation(built, at(PARIS), pv_energy=np.array(wrong))


# ---- doubts


@pytest.mark.parametrize(("known", "storeys"), [(True, "tag"), (False, "tag"), (True, "height")])
def test_single_buildings_are_lognormal_about_the_mean_of_their_use(known: bool,
                                                                    storeys: str) -> None:
    rows, place = load(), at(PARIS)
    sigma = np.hypot(rows[f"spread.energy.{'known' if known else 'inferred'}.WORLD"].value,
                     rows[f"spread.floor_area.{storeys}.WORLD"].value / 1.96)
    law = lognorm(sigma)
    down, up = spreads(place).of(known, storeys)
    assert (1 - down, 1 + up) == pytest.approx(law.ppf([0.025, 0.975]) / law.mean(), rel=1e-3)


def test_many_buildings_are_surer_than_one() -> None:
    one, many = (operation(town(*["office"] * n), at(PARIS)) for n in (1, 100))

    def ends(found: Entries) -> np.ndarray:
        """Logarithms of the low and high end of a total over its value."""
        book = ledger((found,), {"buildings": csr_array(np.ones((1, found.count)))}, 1)
        total = book.total(is_used)
        return np.log(np.array([total.low, total.high]) / total.value)

    shared = one.where(is_used)
    shared = replace(shared, parts=tuple(p.but(own=(0.0, 0.0)) for p in shared.parts))
    common = ends(shared)
    down, up = spreads(at(PARIS)).of(True, "tag")
    # What is shared stays; what each has of its own shrinks by the root of their number.
    for found, count in ((one, 1), (many, 100)):
        own = np.log1p(np.array([-down, up]) / np.sqrt(count))
        assert np.abs(ends(found)) == pytest.approx(np.hypot(common, own), rel=1e-6)
    assert (np.abs(ends(many)) < 0.6 * np.abs(ends(one))).all()


def test_guessed_uses_and_storeys_are_less_sure() -> None:
    built = town("office", "office", "office")
    built["use_from"] = ["tag", "default", "tag"]
    built["floors_from"] = ["tag", "tag", "height"]
    found = operation(built, at(PARIS))
    sums = found.by_source(is_used)
    sure, guessed, inferred = sums.high / sums.value
    assert sure < inferred < guessed
    assert {p.quality for p in found.parts if p.own[1] == max(q.own[1] for q in found.parts)} == \
        {"L"}


def test_totals_of_a_run_are_those_of_the_ledger_and_narrower_than_buildings(
        toy: layers.City) -> None:
    found = twin.run(toy, cell_size=40, want=["building_energy", "building_co2"])
    table, built = found.totals(), found.features["buildings"]
    for name in ("building_energy", "building_co2"):
        cells = found.cells[name].to_numpy() * found.cells["cell_area"].to_numpy()
        assert np.nansum(cells) / (1e6 if name == "building_energy" else 1e3) == pytest.approx(
            table.loc[name, "value"], rel=1e-9)
        single = (built[f"{name}_high"] / built[name]).median()
        assert table.loc[name, "high"] / table.loc[name, "value"] < 0.75 * single
        assert table.loc[name, "low"] < table.loc[name, "value"]


# ---- months


def test_months_sum_to_the_year_and_follow_the_metered_ones() -> None:
    built = town("office", "residential", heating=["", "heat_pump"])
    year = steady(2, 4, 10, 16, 22, 25, 30, 29, 24, 18, 12, 5)
    found = demand(built, HUBEI)
    table = monthly_energy(found, built, at(HUBEI), year)
    for (use, carrier), row in table.iterrows():
        rows = (built["use"] == use).to_numpy()
        assert row.sum() == pytest.approx(found.of(carrier)[rows].sum(), rel=1e-9)
    office = table.loc[("office", "electricity")] / table.loc[("office", "electricity")].sum()
    assert office[8] == pytest.approx((10.2 + 11.1) / (85.3 + 95.8), abs=2e-4)
    assert office.idxmin() in (4, 11)
    home = table.loc[("residential", "electricity")]
    assert home[1] > home[4]  # the heat pump
    assert home[7] > home[4]  # cooling


def test_metered_shares_are_those_of_shanghai_and_sum_to_one() -> None:
    for use in ("office", "retail", "hotel", "hospital", "education", "culture", "transport",
                "other"):
        rows = [load()[f"month.{use}.{m}.CN-HSCW"].value for m in range(1, 13)]
        assert sum(rows) == pytest.approx(1, abs=1e-9)
        assert metered_months(at(HUBEI), use) == pytest.approx(rows)
        assert metered_months(at(PARIS), use) is None


def test_months_elsewhere_follow_degree_days() -> None:
    shapes = month_shapes(steady(5.5, *[15.5] * 5, 24, 26, *[15.5] * 4), (15.5, 22.0))
    assert shapes.sum(axis=1) == pytest.approx(1)
    assert shapes[0].tolist() == pytest.approx([1.0] + [0.0] * 11)
    assert shapes[1, 6:8] == pytest.approx([2 / 6, 4 / 6])
    assert shapes[2, 1] == pytest.approx(28 / 365)
    flat = month_shapes(steady(*[18.0] * 12), (15.5, 22.0))
    assert flat[0] == pytest.approx(flat[2])
    built = town("office")
    with pytest.raises(MissingInput, match="electricity of office buildings need weather"):
        monthly_energy(demand(built, PARIS), built, at(PARIS))
    built = town("hotel", metered_gas=[0.0], metered_heat=[0.0])
    found = demand(built, HUBEI)
    found.parts[:, :, 2:] = 0.0  # electricity alone
    assert monthly_energy(found, built, at(HUBEI)).index.tolist() == [("hotel", "electricity")]


# ---- limits and bad input


@pytest.mark.parametrize(("kind", "zone", "limit", "guide"), [
    ("office", "CN-HSCW", 85, 70), ("office_sealed", "CN-HSCW", 110, 80),
    ("government", "CN-HSCW", 70, 55), ("hotel_5_sealed", "CN-HSWW", 220, 160),
    ("mall_sealed", "CN-SC", 175, 135), ("shop", "CN-T", 55, 40)])
def test_limits_of_the_standard_are_rows(kind: str, zone: str, limit: float, guide: float) -> None:
    rows = load()
    both = [rows[f"benchmark.{what}.{kind}.{zone}"] for what in ("limit", "guide")]
    assert [f.value for f in both] == [limit, guide]
    assert {f.tag for f in both} == ({"V"} if kind.startswith("office") else {"R"})


def test_limits_of_homes_are_per_home() -> None:
    row = at(HUBEI).pick("benchmark.limit.home_electricity", "kWh dwelling-1 a-1")
    assert (row.value, row.tag) == (3100, "V")
    assert at(HUBEI).pick("benchmark.limit.home_gas").value == 240


@pytest.mark.parametrize(("column", "value", "words"), [
    ("num_floors", -3.0, "row 0: num_floors is -3, expected a number above zero"),
    ("num_floors", np.nan, "num_floors is nan, expected a number above zero"),
    ("use", "offise", "there is no use 'offise', did you mean 'office'"),
    ("metered_gas", -1.0, "metered_gas is -1, expected no less than zero"),
    ("retrofit", 1.5, "retrofit is 1.5, expected 0 to 1"),
    ("pv_share", -0.1, "pv_share is -0.1, expected 0 to 1")])
def test_buildings_whose_energy_cannot_be_told(column: str, value: Any, words: str) -> None:
    built = town("office", "office").assign(**{column: value})
    with pytest.raises(LayerError, match=words) as caught:
        operation(built, at(PARIS))
    assert "(2 such rows)" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_no_buildings_give_no_entries() -> None:
    none = town("office").iloc[:0]
    assert operation(none, at(PARIS)).count == 0
    assert len(operation(none, at(PARIS)).parts) == 0
