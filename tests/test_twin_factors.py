"""Factor tables: every row sound, the picks right, a user's file checked to the last cell."""

from __future__ import annotations

import pickle
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from layers.errors import FactorError
from layers.place import Place
from layers.units import parse
from layers.uses import USES
from twin import factors, region_codes
from twin.carbon.carriers import gas_of, grid_factor
from twin.factor import Factor
from twin.factors import Factors, emep_curves, load
from twin.pool import Picker
from twin.region_codes import china_zone, regions

FRANCE = Place("FR", "Bretagne")
HUBEI = Place("CN", "Hubei")
CARRIERS = ("electricity", "gas", "oil", "heat", "coal", "biomass")
COUNTRIES = ("AT", "BE", "CZ", "DE", "DK", "ES", "FI", "IT", "NL", "PL", "SE")
HEADER = "factor_id,name,value,unit,low,high,region,year,source,tag,note\n"
GOOD = "eui.office.CN-Hubei,办公建筑,88,kWh m-2 a-1,80,96,CN-Hubei,2024,武汉市能耗监测平台,V,表计\n"


@pytest.fixture(scope="module")
def tables() -> Factors:
    return load()


@pytest.fixture(scope="module")
def frame(tables: Factors) -> pd.DataFrame:
    return tables.table()


def _file(folder: Path, text: str | bytes) -> Path:
    path = folder / "mine.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8"))
    return path


# ---- the tables themselves


def test_ids_are_unique_over_all_files_and_end_in_their_region():
    rows = pd.concat([pd.read_csv(factors.DATA / f"{t}.csv", keep_default_na=False)
                      for t in factors.TABLES])
    assert rows["factor_id"].is_unique
    assert (rows["factor_id"].str.rsplit(".", n=1).str[1] == rows["region"]).all()
    assert rows["region"].str.fullmatch(region_codes._REGION.pattern).all()


def test_every_data_file_is_read():
    found = {p.stem for p in factors.DATA.glob("*.csv")}
    assert found == {*factors.TABLES, "emep_curves", "china_zones"}


def test_every_row_has_source_tag_and_a_range_around_its_value(frame: pd.DataFrame):
    assert (frame["source"].str.len() > 3).all()
    assert not frame["source"].str.contains(r"\.csv|\.json|shared/|/work|https?://").any()
    assert frame["tag"].isin(["V", "D", "R"]).all()
    assert (frame["low"] <= frame["value"]).all()
    assert (frame["value"] <= frame["high"]).all()
    assert np.isfinite(frame[["value", "low", "high"]].to_numpy()).all()


def test_units_parse_and_are_one_per_stem(frame: pd.DataFrame):
    for unit in frame["unit"].unique():
        parse(unit)
    stem = frame.index.str.rsplit(".", n=1).str[0]
    assert len(set(zip(stem, frame["unit"], strict=True))) == len(set(stem))


def test_recalled_numbers_have_at_least_thirty_percent(frame: pd.DataFrame):
    recalled = frame[frame["tag"] == "R"]
    size = 0.3 * recalled["value"].abs() - 1e-9
    capped = (recalled["unit"] == "1") & (recalled["high"] == 1)
    assert (recalled["value"] - recalled["low"] >= size).all()
    assert ((recalled["high"] - recalled["value"] >= size) | capped).all()


@pytest.mark.parametrize("prefix", ["carrier.residential", "carrier.service", "fleet"])
def test_shares_of_a_region_are_complete_and_sum_to_one(tables: Factors, prefix: str):
    rows = tables.table(prefix)
    per_region = rows.groupby("region")["value"].agg(["sum", "size"])
    assert per_region["sum"].to_numpy() == pytest.approx(1, abs=1e-9)
    assert len(set(per_region["size"])) == 1
    expected = {"FR", "EU", "CN", "WORLD"}
    if prefix != "fleet":
        expected |= {"CN-SC", "CN-HSCW", "CN-HSWW", "CN-T", "US", *COUNTRIES}
    assert set(per_region.index) == expected


def test_every_use_has_energy_in_every_region(tables: Factors):
    for region in ("WORLD", "EU", "FR", "CN", "CN-SC", "CN-HSCW", "CN-HSWW", "CN-T"):
        for use in USES:
            assert f"eui.{use}.{region}" in tables
        assert 0 <= tables[f"eui.unconditioned.{region}"].high <= 10


@pytest.mark.parametrize(("factor_id", "value"), [
    ("grid.CN-Hubei", 0.4044), ("grid.CN-Shanghai", 0.5737), ("grid.CN-Yunnan", 0.1333),
    ("grid.CN-Inner Mongolia", 0.6479), ("grid.CN", 0.5306), ("grid.FR", 0.056),
    ("grid.DE", 0.381), ("grid.GB", 0.2376), ("grid.US", 0.3695), ("heat.CN", 0.396)])
def test_published_factors_are_as_published(tables: Factors, factor_id: str, value: float):
    assert tables[factor_id].value == pytest.approx(value, abs=1e-12)


def test_the_hubei_range_holds_the_hydro_years(tables: Factors):
    hubei = tables["grid.CN-Hubei"]
    assert hubei.year == 2023
    assert hubei.low <= 0.3672
    assert hubei.high >= 0.4364


def test_fuels_agree_with_their_energy_basis(tables: Factors):
    assert tables["fuel.gas.WORLD"].value == pytest.approx(56.1 * 0.0036, abs=1e-5)
    assert tables["fuel.oil.WORLD"].value == pytest.approx(74.07 * 0.0036, abs=1e-5)
    assert tables["fuel.petrol.WORLD"].value == pytest.approx(3.169 / 43.8, abs=1e-4)
    assert tables["fuel.diesel.WORLD"].value == pytest.approx(3.169 / 42.7, abs=1e-4)


def test_no_sink_is_an_annual_green_roof(tables: Factors):
    assert tables["sink.green_roof.WORLD"].value == 0
    once = tables["sink_once.green_roof.WORLD"]
    assert once.value == pytest.approx(0.375 * 44 / 12, abs=0.01)
    parse(once.unit)
    assert once.unit == "kg m-2"


def test_pv_losses_are_the_pvwatts_product_without_shading(tables: Factors):
    from pvlib.pvsystem import pvwatts_losses

    assert tables["pv.losses.WORLD"].value == pytest.approx(pvwatts_losses(shading=0) / 100,
                                                            abs=1e-4)


def test_cold_start_follows_the_guidebook(tables: Factors):
    def factor(trip: float, degrees: float) -> float:
        cold = 0.6474 - 0.02545 * trip - (0.00974 - 0.000385 * trip) * degrees
        return 1 + cold * (1.34 - 0.008 * degrees - 1)

    row = tables["cold_start.WORLD"]
    assert row.value == pytest.approx(factor(10, 12), abs=0.005)
    assert row.low <= factor(15, 20)
    assert row.high >= factor(8, 5) - 0.005


# ---- curves of vehicles


def _energy(row: pd.Series, speed: float) -> float:
    speed = min(max(speed, row["v_min"]), row["v_max"])
    top = row["a"] * speed**2 + row["b"] * speed + row["g"] + row["d"] / speed
    return top / (row["e"] * speed**2 + row["z"] * speed + row["h"]) * (1 - row["reduction"])


@pytest.mark.parametrize("key", list(emep_curves().index))
def test_curve_reproduces_the_check_value_of_the_guidebook(key: tuple[str, str]):
    row = emep_curves().loc[key]
    assert _energy(row, 15.0) == pytest.approx(row["check_15"], rel=1e-8)
    assert row["v_min"] < row["v_max"]


@pytest.mark.parametrize(("vehicle", "fuel", "grams"), [
    ("car_small", "petrol", (183, 146, 143)), ("car_medium", "petrol", (215, 178, 167)),
    ("car_large", "petrol", (317, 245, 209)), ("car_medium", "diesel", (171, 145, 137)),
    ("car_medium", "hybrid", (101, 97, 106)), ("lcv", "diesel", (236, 204, 206)),
    ("lcv", "petrol", (202, 156, 141)), ("truck_light", "diesel", (322, 287, 325)),
    ("truck_medium", "diesel", (678, 550, 486)), ("truck_artic", "diesel", (1100, 850, 706)),
    ("bus", "diesel", (862, 687, 627)), ("motorcycle", "petrol", (53, 48, 53))])
def test_curve_gives_the_tabled_grams(tables: Factors, vehicle: str, fuel: str,
                                      grams: tuple[int, int, int]):
    row = emep_curves().loc[(vehicle, fuel)]
    per_mj = tables[f"fuel.{fuel}.WORLD"].value * 1000
    got = [_energy(row, v) * per_mj for v in (30.0, 50.0, 80.0)]
    assert got == pytest.approx(grams, abs=0.6)


def test_every_vehicle_of_a_fleet_has_a_curve_or_a_plug(tables: Factors):
    curves = set(emep_curves().index)
    for stem in {f.stem for f in tables.values() if f.stem.startswith("fleet.")}:
        _, vehicle, fuel = stem.split(".")
        if fuel == "electric":
            assert f"ev.kwh_per_km.{vehicle}.WORLD" in tables
        else:
            assert (vehicle, fuel) in curves
            assert tables[f"fuel.{fuel}.WORLD"].unit == "kg MJ-1"


def test_curves_handed_out_are_copies():
    mine = emep_curves()
    mine["check_15"] = 0.0
    assert emep_curves()["check_15"].min() > 1


# ---- figures that can be checked against statistics


def _building(tables: Factors, use: str, place: Place) -> float:
    group = "residential" if use == "residential" else "service"
    stems = {"electricity": "grid", "heat": "heat"}
    per_kwh = sum(tables.pick(f"carrier.{group}.{c}", place).value
                  * tables.pick(stems.get(c, f"fuel.{c}"), place, "kg kWh-1").value
                  for c in CARRIERS)
    return tables.pick(f"eui.{use}", place).value * per_kwh


@pytest.mark.parametrize(("use", "place", "low", "high"), [
    ("residential", FRANCE, 12, 20), ("office", FRANCE, 10, 30),
    ("residential", HUBEI, 10, 30), ("office", HUBEI, 35, 60)])
def test_carbon_per_floor_area_is_of_the_known_size(tables: Factors, use: str, place: Place,
                                                    low: float, high: float):
    assert low < _building(tables, use, place) < high


def test_french_service_energy_adds_up_to_the_national_total(tables: Factors):
    area = {"office": 276.3, "retail": 310.4, "education": 278.3, "hospital": 175.3,
            "hotel": 100.4, "other": 85.4}  # Mm2, MODERATE 2020
    twh = sum(tables[f"eui.{use}.FR"].value * mm2 for use, mm2 in area.items()) / 1000
    assert twh == pytest.approx(243.7, rel=0.1)  # SDES 2022


def test_french_homes_buy_the_electricity_of_the_statistics(tables: Factors):
    twh = tables["eui.residential.FR"].value * tables["carrier.residential.electricity.FR"].value
    assert twh * 3632 / 1000 == pytest.approx(163, rel=0.2)  # SDES 2022, MODERATE floor area


@pytest.mark.parametrize("country", COUNTRIES)
def test_every_country_row_is_of_its_own_and_between_south_and_north(tables: Factors,
                                                                     country: str):
    for use in ("residential", "office", "retail", "hotel", "hospital", "education", "culture",
                "other"):
        row = tables[f"eui.{use}.{country}"]
        assert 0.4 < row.value / tables[f"eui.{use}.EU"].value < 1.7
        assert row.low <= 0.75 * row.value
        assert row.high >= 1.3 * row.value
    assert tables["eui.residential.ES"].value < tables["eui.residential.FR"].value
    assert tables["eui.residential.FR"].value < tables["eui.residential.PL"].value


@pytest.mark.parametrize(("country", "twh", "mm2"), [
    ("CZ", 77.6, 456), ("DE", 660, 4481), ("IT", 355, 3958), ("NL", 115, 832), ("SE", 88, 572)])
def test_homes_of_a_country_use_about_what_statistics_say(tables: Factors, country: str,
                                                          twh: float, mm2: float):
    """CSO for Czechia, Eurostat's households elsewhere; floor area of MODERATE 2020."""
    assert tables[f"eui.residential.{country}"].value * mm2 / 1000 == pytest.approx(twh, rel=0.2)


def test_shares_of_heating_fit_the_european_statistics(tables: Factors):
    assert tables["share.heating.residential.EU"].value == pytest.approx(0.625, abs=0.04)
    assert tables["share.heating.residential.CZ"].value == pytest.approx(196.6 / 279.5, abs=0.02)
    for row in tables.table("share.heating").itertuples():
        other = tables[row.Index.replace("heating", "cooling")]
        assert row.value + other.value < 0.95


def test_the_heat_of_the_north_is_the_tabled_district_heat(tables: Factors):
    heat = tables["share.heating.office.CN-SC"].value * tables["eui.office.CN-SC"].value
    assert heat == pytest.approx(0.35 / 3.6 * 1000, rel=0.01)


def test_grid_factors_by_year_fit_the_usual_rows(tables: Factors):
    for row in tables.table("grid").itertuples():
        if row.region.startswith("CN"):
            assert tables[f"grid_province.2023.{row.region}"].value == row.value
            for year in (2021, 2022):
                assert row.low - 1e-9 <= tables[f"grid_province.{year}.{row.region}"].value
                assert tables[f"grid_province.{year}.{row.region}"].value <= row.high + 1e-9
    regions_of = tables.table("grid_region.2023")
    assert regions_of["value"].round(4).nunique() == 8  # seven grids and all China


def test_chinese_offices_use_the_metered_electricity(tables: Factors):
    kwh = tables["eui.office.CN-HSCW"].value * tables["carrier.service.electricity.CN-HSCW"].value
    assert kwh == pytest.approx((85.3 + 95.8) / 2, rel=0.05)


@pytest.mark.parametrize(("place", "low", "high"), [(FRANCE, 0.17, 0.20),
                                                    (Place("CN"), 0.20, 0.24)])
def test_carbon_per_vehicle_km_at_30(tables: Factors, place: Place, low: float, high: float):
    curves, total = emep_curves(), 0.0
    for stem in {f.stem for f in tables.values() if f.stem.startswith("fleet.")}:
        _, vehicle, fuel = stem.split(".")
        if fuel == "electric":
            per_km = (tables.pick(f"ev.kwh_per_km.{vehicle}", place, "kWh km-1").value
                      * tables.pick("grid", place).value)
        else:
            per_km = _energy(curves.loc[(vehicle, fuel)], 30.0) * tables[f"fuel.{fuel}.WORLD"].value
        total += tables.pick(stem, place).value * per_km
    assert low < total < high


# ---- picking


@pytest.mark.parametrize(("stem", "place", "expected"), [
    ("grid", HUBEI, "grid.CN-Hubei"),
    ("grid", Place("CN", "Tibet"), "grid.CN"),
    ("grid", Place("CN"), "grid.CN"),
    ("grid", Place(), "grid.WORLD"),
    ("eui.office", HUBEI, "eui.office.CN-HSCW"),
    ("eui.office", Place("CN", "湖北省"), "eui.office.CN-HSCW"),
    ("eui.office", Place("CN", "Heilongjiang"), "eui.office.CN-SC"),
    ("eui.office", Place("CN", "Nowhere"), "eui.office.CN"),
    ("eui.office", FRANCE, "eui.office.FR"),
    ("eui.office", Place("NO", "Oslo"), "eui.office.EU"),
    ("eui.office", Place("GB"), "eui.office.EU"),
    ("eui.office", Place("US", "Texas"), "eui.office.US"),
    ("eui.office", Place("CA"), "eui.office.WORLD"),
    ("eui.residential", Place("CZ", "Prague"), "eui.residential.CZ"),
    ("eui.transport", Place("CZ"), "eui.transport.EU"),
    ("carrier.residential.gas", Place("NL"), "carrier.residential.gas.NL"),
    ("vintage.residential.1945", Place("DE"), "vintage.residential.1945.EU"),
    ("vintage.service.1986", HUBEI, "vintage.service.1986.CN"),
    ("heating_electric.service", Place("PL"), "heating_electric.service.EU"),
    ("floor_per_head", Place("CN", "Beijing"), "floor_per_head.CN-Beijing"),
    ("speed.primary", FRANCE, "speed.primary.WORLD")])
def test_pick_takes_the_nearest_row(tables: Factors, stem: str, place: Place, expected: str):
    assert tables.pick(stem, place).factor_id == expected


def test_regions_go_from_near_to_far():
    assert regions(HUBEI) == ["CN-Hubei", "CN-HSCW", "CN", "WORLD"]
    assert regions(FRANCE) == ["FR-Bretagne", "FR", "EU", "WORLD"]
    assert regions(Place()) == ["WORLD"]


def test_fallback_is_told_only_where_something_nearer_could_be(tables: Factors):
    ontario = Place("CA", "Ontario")
    assert tables.pick("eui.office", ontario).is_fallback(ontario)
    assert not tables.pick("eui.office", Place()).is_fallback(Place())
    assert not tables.pick("eui.office", FRANCE).is_fallback(FRANCE)
    assert not tables.pick("eui.office", Place("NO")).is_fallback(Place("NO"))
    assert not tables.pick("speed.primary", FRANCE).is_fallback(FRANCE)


def test_pick_converts_value_and_range(tables: Factors):
    have, want = tables.pick("eui.office", HUBEI), tables.pick("eui.office", HUBEI, "MJ m-2 a-1")
    assert want.value == pytest.approx(3.6 * have.value)
    assert (want.low, want.high) == pytest.approx((3.6 * have.low, 3.6 * have.high))
    assert want.unit == "MJ m-2 a-1"
    with pytest.raises(FactorError, match=r"eui\.office\.CN-HSCW is in 'kWh m-2 a-1'"):
        tables.pick("eui.office", HUBEI, "kg m-2 a-1")


def test_pick_names_stem_and_what_was_tried(tables: Factors):
    with pytest.raises(FactorError, match=r"'eui.offise' .*FR-Bretagne, FR, EU, WORLD.*eui.office"):
        tables.pick("eui.offise", FRANCE)
    with pytest.raises(FactorError, match=r"pv\.floor\.office\.FR in a factor file"):
        tables.pick("pv.floor.office", FRANCE)
    assert tables.find("pv.floor.office", FRANCE) is None
    assert tables.find("pv.floor.office", HUBEI) is not None


def test_every_province_has_a_zone_and_all_but_tibet_a_grid(tables: Factors):
    zones = region_codes._zones()
    assert len(zones) == 31
    assert set(zones.values()) == {"CN-SC", "CN-HSCW", "CN-HSWW", "CN-T"}
    with_grid = {r.partition("-")[2] for r in tables.table("grid")["region"]
                 if r.startswith("CN-")}
    assert set(zones) - with_grid == {"Tibet"}
    assert with_grid <= set(zones)


@pytest.mark.parametrize(("name", "zone"), [
    ("Hubei", "CN-HSCW"), ("hubei province", "CN-HSCW"), ("湖北省", "CN-HSCW"),
    ("上海市", "CN-HSCW"), ("Guangxi Zhuang Autonomous Region", "CN-HSWW"),
    ("内蒙古自治区", "CN-SC"), ("Shaanxi", "CN-SC"), ("Yunnan", "CN-T")])
def test_china_zone_reads_english_and_chinese(name: str, zone: str):
    assert china_zone(name) == zone


def test_china_zone_of_a_stranger_is_an_error():
    with pytest.raises(FactorError, match="did you mean 'Hubei'"):
        china_zone("Hubey")


def test_load_one_table_and_no_other():
    sinks = load("sinks")
    words = {f.stem.split(".")[0] for f in sinks.values()}
    assert {"sink", "sink_once"} <= words
    assert not words & {"eui", "grid", "carrier"}
    with pytest.raises(FactorError, match="did you mean 'sinks'"):
        load("sink")


def test_table_takes_whole_words(tables: Factors):
    assert all(i.startswith("sink.") for i in tables.table("sink").index)
    assert len(tables.table()) == len(tables)
    assert list(tables.table("grid.FR").index) == ["grid.FR"]


def test_loading_is_quick():
    def once() -> float:
        factors._own.cache_clear()
        begun = time.perf_counter()
        load()
        return time.perf_counter() - begun

    assert min(once() for _ in range(3)) < 0.1


def test_tables_travel_to_other_processes(tables: Factors):
    assert pickle.loads(pickle.dumps(tables)).digest == tables.digest


def test_a_factor_cannot_be_changed(tables: Factors):
    with pytest.raises(AttributeError):
        tables["grid.FR"].value = 0.0  # type: ignore[misc]


# ---- a user's file


def test_user_file_replaces_and_adds(tmp_path: Path, tables: Factors):
    text = HEADER + GOOD + "grid.FR,supplier,0.04,kg kWh-1,0.03,0.05,FR,2024,bill,V,\n"
    mine = load(user=_file(tmp_path, text))
    assert mine.pick("eui.office", HUBEI) == Factor(
        "eui.office.CN-Hubei", "办公建筑", 88.0, "kWh m-2 a-1", 80.0, 96.0, "CN-Hubei", 2024,
        "武汉市能耗监测平台", "V", "表计")
    assert mine.pick("eui.office", Place("CN", "Hunan")).factor_id == "eui.office.CN-HSCW"
    assert mine["grid.FR"].value == 0.04
    assert tables["grid.FR"].value == 0.056
    assert mine.digest != tables.digest
    assert len(mine) == len(tables) + 1


def test_user_file_may_come_from_a_spreadsheet_and_in_another_unit(tmp_path: Path):
    text = HEADER + "eui.office.FR,x,720,MJ m-2 a-1,360,1080,FR,2024,meter,V,\n\n,,,,,,,,,,\n"
    got = load(user=_file(tmp_path, text.replace("\n", "\r\n").encode("utf-8-sig")))
    office = got["eui.office.FR"]
    assert (office.value, office.low, office.high) == pytest.approx((200, 100, 300))
    assert office.unit == "kWh m-2 a-1"


def test_user_row_for_a_country_ends_the_universality_of_the_world_row(tmp_path: Path):
    text = HEADER + "speed.primary.FR,x,30,km h-1,25,35,FR,2024,probe,V,\n"
    mine = load("traffic", user=_file(tmp_path, text))
    assert mine.pick("speed.primary", FRANCE).value == 30
    assert mine.pick("speed.primary", Place("DE")).is_fallback(Place("DE"))


def test_user_file_without_note_column_is_fine(tmp_path: Path):
    text = (HEADER + "grid.FR,x,0.05,kg kWh-1,0.04,0.06,FR,2024,meter,V,\n").replace(",note", "")
    assert load(user=_file(tmp_path, text.replace("V,\n", "V\n")))["grid.FR"].note == ""


@pytest.mark.parametrize(("row", "message"), [
    ("eui.offise.FR,x,100,kWh m-2 a-1,80,120,FR,2024,m,V,", r"unknown factor 'eui.offise.FR', did "
                                                            r"you mean 'eui.office'"),
    ("eui.office.FR,x,100,kg m-2 a-1,80,120,FR,2024,m,V,", "unit 'kg m-2 a-1' is not of the kind "
                                                           "'kWh m-2 a-1'"),
    ("eui.office.FR,x,100,kwatthours,80,120,FR,2024,m,V,", "unit 'kwatthours' is not of the kind"),
    ("eui.office.FR,x,hundred,kWh m-2 a-1,80,120,FR,2024,m,V,", "value 'hundred' is no number"),
    ('eui.office.FR,x,"100,5",kWh m-2 a-1,80,120,FR,2024,m,V,', "write the decimal point as '.'"),
    ("eui.office.FR,x,100,5,kWh m-2 a-1,80,120,FR,2024,m,V,", "more cells than columns"),
    ("eui.office.FR,x,100,kWh m-2 a-1,80,120,FR,2024,m,V,one, two", "more cells than columns"),
    ("eui.office.FR,x,nan,kWh m-2 a-1,80,120,FR,2024,m,V,", "value must be finite"),
    ("eui.office.FR,x,,kWh m-2 a-1,80,120,FR,2024,m,V,", "value '' is no number"),
    ("eui.office.FR,x,100,kWh m-2 a-1,110,120,FR,2024,m,V,", "low 110 is above value 100"),
    ("eui.office.FR,x,100,kWh m-2 a-1,80,90,FR,2024,m,V,", "high 90 is below value 100"),
    ("eui.office.FR,x,-5,kWh m-2 a-1,-9,0,FR,2024,m,V,", "must lie between 0 and inf"),
    ("heavy_share.primary.FR,x,15,1,10,20,FR,2024,m,V,", "must lie between 0 and 1"),
    ("eui.office.FR,x,100,kWh m-2 a-1,80,120,FR,2024,,V,", "source is empty"),
    ("eui.office.FR,x,100,kWh m-2 a-1,80,120,FR,2024,m,X,", r"tag 'X' is not V \(read\)"),
    ("eui.office.FR,x,100,kWh m-2 a-1,80,120,FR,last,m,V,", "year 'last' is no year"),
    ("eui.office.FR,x,100,kWh m-2 a-1,80,120,DE,2024,m,V,", "ends in 'FR' but its region is 'DE'"),
    ("eui.office.France,x,100,kWh m-2 a-1,80,120,France,2024,m,V,", "'France' is no region"),
    ("grid.CN-湖北,x,0.4,kg kWh-1,0.3,0.5,CN-湖北,2024,m,V,", "is no region; write CN-Hubei"),
    ("grid.CN-Hubey,x,0.4,kg kWh-1,0.3,0.5,CN-Hubey,2024,m,V,", "did you mean 'Hubei'"),
    ("grid.UK,x,0.2,kg kWh-1,0.1,0.3,UK,2024,m,V,", "'UK' is no region; write GB"),
    ("carrier.service.gas.FR,x,0.5,1,0.4,0.6,FR,2024,m,V,", "sum to 1.24, not 1"),
    ("carrier.service.gas.PT,x,1,1,0.9,1,PT,2024,m,V,", r"carrier.service.\*.PT lacks "
                                                        "carrier.service.biomass"),
    ("fleet.bus.electric.CN,x,0.5,1,0.4,0.6,CN,2024,m,V,", r"shares fleet.\*.CN sum to")])
def test_a_bad_row_is_told_with_file_line_and_mend(tmp_path: Path, row: str, message: str):
    with pytest.raises(FactorError, match=message) as caught:
        load(user=_file(tmp_path, HEADER + row + "\n"))
    assert "mine.csv" in str(caught.value)
    assert "line 2" in str(caught.value) or "shares" in str(caught.value)


def test_a_doubled_id_is_told_with_both_lines(tmp_path: Path):
    with pytest.raises(FactorError, match=r"line 3: eui.office.CN-Hubei stands in line 2 too"):
        load(user=_file(tmp_path, HEADER + GOOD + GOOD))


def test_all_faults_are_told_at_once(tmp_path: Path):
    text = (HEADER + "eui.office.FR,x,a,kWh m-2 a-1,1,2,FR,2024,,V,\n" + GOOD
            + "grid.FR,x,5,kg,9,6,FR,2024,m,V,\n")
    with pytest.raises(FactorError) as caught:
        load(user=_file(tmp_path, text))
    told = str(caught.value)
    for part in ("line 2: eui.office.FR: value 'a'", "line 2: eui.office.FR: source is empty",
                 "line 4: grid.FR: unit 'kg'", "line 4: grid.FR: low 9"):
        assert part in told
    assert "line 3" not in told


def test_a_long_list_of_faults_is_cut(tmp_path: Path):
    rows = "".join(f"nothing{n}.FR,x,1,1,1,1,FR,2024,m,V,\n" for n in range(30))
    with pytest.raises(FactorError, match="and 10 more"):
        load(user=_file(tmp_path, HEADER + rows))


@pytest.mark.parametrize(("content", "message"), [
    (b"", "holds no rows"),
    (HEADER.encode(), "holds no rows"),
    ((HEADER + GOOD).encode("gb18030"), "is not UTF-8"),
    ((HEADER + GOOD).encode("utf-16"), "is not UTF-8"),
    ((HEADER + GOOD).replace(",", ";").encode(), "split by ';'"),
    ((HEADER.replace("source", "src") + GOOD).encode(), "lacks the columns source"),
    (b"\x89PNG\r\n\x1a\n\xff\x00", "is not UTF-8")])
def test_a_bad_file_is_told(tmp_path: Path, content: bytes, message: str):
    with pytest.raises(FactorError, match=message) as caught:
        load(user=_file(tmp_path, content))
    assert "mine.csv" in str(caught.value)


def test_a_file_that_is_not_there_is_told(tmp_path: Path):
    with pytest.raises(FactorError, match=r"none\.csv cannot be read"):
        load(user=tmp_path / "none.csv")


# ---- a user's grid factor


def _grid(folder: Path, row: str, place: Place) -> Picker:
    factor_id, name, value, year = row.split(",")
    low, high = 0.9 * float(value), 1.1 * float(value)
    region = factor_id.rpartition(".")[2]
    return Picker(load(user=_file(folder, f"{HEADER}{factor_id},{name},{value},kg kWh-1,{low},"
                                          f"{high},{region},{year},bill,V,\n")), place)


@pytest.mark.parametrize(("row", "grid", "year", "value", "told"), [
    ("grid.CN,own,0.3,2024", "country", None, 0.3, 0),
    ("grid.CN,own,0.3,2024", "country", 2024, 0.3, 0),   # a year that is not tabled
    ("grid.CN,own,0.3,2023", "country", 2023, 0.3, 0),
    ("grid.CN,own,0.3,2024", "country", 2022, 0.5366, 1),
    ("grid.CN-Hubei,own,0.3,2024", "province", None, 0.3, 0),
    ("grid.CN-Hubei,own,0.3,2023", "province", 2023, 0.3, 0),
    ("grid.CN-Hubei,own,0.3,2024", "province", 2021, None, 1),
    ("grid.CN-Hubei,own,0.3,2024", "country", None, 0.5306, 1),
    ("grid.CN-Hubei,own,0.3,2024", "region", None, 0.5271, 1),
    ("grid_country.2023.CN,own,0.3,2023", "country", None, 0.3, 0)])
def test_a_given_grid_factor_is_taken_or_told(tmp_path: Path, tables: Factors, row: str, grid: str,
                                              year: int | None, value: float | None, told: int):
    mine = _grid(tmp_path, row, HUBEI)
    found = grid_factor(mine, grid, year)
    usual = tables["grid_province.2021.CN-Hubei"].value
    assert found.value == pytest.approx(usual if value is None else value)
    assert sum("is not taken" in k for k in mine.fallbacks) == told


def test_the_tables_alone_tell_nothing_of_given_factors(tables: Factors):
    for grid in ("province", "region", "country"):
        plain = Picker(tables, HUBEI)
        grid_factor(plain, grid)
        assert plain.fallbacks == {}


@pytest.mark.parametrize(("row", "place", "basis", "told"), [
    ("grid.FR,electricity of our supplier,0.04,2024", FRANCE, "CO2e", 0),
    ("grid.CN-Hubei,our CO2e,0.4,2024", HUBEI, "CO2", 0),
    ("grid.FR-Bretagne,electricity of our supplier,0.04,2024", FRANCE, "CO2", 1),
    ("grid.FR-Bretagne,CO2e of our supplier,0.04,2024", FRANCE, "CO2e", 0)])
def test_a_given_grid_factor_keeps_the_basis_of_the_tables(tmp_path: Path, row: str, place: Place,
                                                           basis: str, told: int):
    mine = _grid(tmp_path, row, place)
    found = grid_factor(mine)
    assert (found.value, gas_of(found)) == (float(row.split(",")[2]), basis)
    grid_factor(mine)
    assert [n for k, n in mine.fallbacks.items() if "taken as direct CO2" in k] == [1] * told
