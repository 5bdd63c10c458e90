"""Modules on roofs and in walls: light on walls, yields, areas, money, cells that add up."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
import xarray as xr
from pyproj import CRS

import layers
import twin
from layers.errors import MissingInput, UnitsError
from layers.place import Place
from layers.units import factor, in_currency
from twin.facade_light import storey_means
from twin.facade_modules import facade_modules
from twin.factors import load as load_factors
from twin.module_table import beside
from twin.pool import Picker
from twin.roof_modules import CellLight, roof_modules
from twin.sun.irradiance import irradiate
from twin.sun.light import light_of_suns
from twin.sun.money import Terms, economics, economics_range
from twin.sun.photovoltaic import Chain, open_planes
from twin.sun.ranges import Range
from twin.sun.scenes import Scene, reference
from twin.sun.table import sun_table
from twin.sun.tariffs import terms
from twin.sun.yields import modules
from twin.sun_bench import measure, rows_of
from twin.weather_year import WeatherYear, year_of

CRS_M = CRS.from_epsg(2154)
WEATHER = layers.toy_town(0)["weather"]
FRANCE, HUBEI, TEXAS = Place("FR", "", "user"), Place("CN", "Hubei", "user"), Place("US", "Texas",
                                                                                   "user")
FEW: dict[str, Any] = {"sun_field": {"cell": 4.0, "directions": 36}}
ALL = ["pv_yield", "pv_specific_yield", "facade_pv_yield", "facade_irradiation",
       "facade_pv_specific_yield", "pv_npv", "pv_revenue", "pv_lcoe", "facade_pv_npv",
       "facade_pv_revenue", "facade_pv_lcoe"]
SUMS = ["pv_roof_area", "pv_technical_area", "pv_capacity", "pv_yield", "pv_avoided_co2",
        "facade_area", "facade_technical_area", "facade_pv_capacity", "facade_pv_yield",
        "facade_pv_avoided_co2", "pv_revenue", "pv_npv", "facade_pv_revenue", "facade_pv_npv"]
MEANS = {"pv_specific_yield": ("roof_pv", "pv_capacity"),
         "facade_pv_specific_yield": ("facade_pv", "facade_pv_capacity"),
         "facade_irradiation": ("facade_pv", "facade_area"),
         "pv_lcoe": ("pv_money", "pv_yield"),
         "facade_pv_lcoe": ("facade_pv_money", "facade_pv_yield")}


def city_of(shapes: list[Any], heights: list[float], side: tuple[float, float] = (200, 120), *,
            place: Place = FRANCE, **columns: Any) -> layers.City:
    """A city of boxes with the weather of the toy town."""
    raw = gpd.GeoDataFrame({"height": heights, "use": "residential", **columns},
                           geometry=shapes, crs=CRS_M)
    return layers.City({"buildings": layers.buildings.tidy(raw), "weather": WEATHER},
                       shapely.box(0, 0, *side), CRS_M, place=place)


def year() -> WeatherYear:
    """The weather as the indicators see it."""
    return year_of(WEATHER, (0.0, 0.0), Picker(load_factors(), FRANCE))


@pytest.fixture(scope="module")
def town() -> twin.Twin:
    return twin.run(layers.toy_town(seed=1), cell_size=40, settings=FEW, want=[*ALL, "sun"])


@pytest.fixture(scope="module")
def alone() -> twin.Twin:
    """A block of six storeys in the open, each wall 20 m long."""
    return twin.run(city_of([shapely.box(90, 50, 110, 70)], [18.0], num_floors=[6.0]),
                    want=[*ALL, "sun"])


def facing(sun: xr.Dataset, azimuth: float) -> xr.Dataset:
    """Patches of wall that face one way."""
    return sun.isel(wall=np.flatnonzero(np.abs(sun["wall_azimuth"].to_numpy() - azimuth) < 1))


# ---- light on walls


@pytest.mark.parametrize("azimuth", [0.0, 90.0, 180.0, 270.0])
def test_a_lone_wall_gets_the_light_of_an_upright_plane(alone: twin.Twin, azimuth: float) -> None:
    when, walls = year(), facing(alone.fields["sun"], azimuth)
    table = sun_table(when.weather, when.latitude, when.longitude, periods="months")
    full = np.ones((3, 3))
    plane = irradiate(np.zeros((3, 3)), 2.0, table, slope=90 * full, aspect=azimuth * full,
                      sunlit=1.0)
    by_month = plane["irradiation_month"].to_numpy()[1, 1]
    pvlib = open_planes(when.weather, latitude=when.latitude, longitude=when.longitude,
                        slope=[90.0], aspect=[azimuth], chain=Chain(0.1, -0.0035, 0.96)).incident
    assert by_month.sum() == pytest.approx(pvlib.sum(), rel=0.012)
    light = walls["wall_irradiation"].to_numpy()
    assert len(light) == 5 * 6
    assert light == pytest.approx(by_month.sum(), rel=0.01)
    months = walls["wall_irradiation_month"].to_numpy()
    assert months.mean(axis=0) == pytest.approx(by_month, rel=0.015, abs=0.3)
    assert months.sum(axis=1) == pytest.approx(light, abs=0.3)


def test_walls_are_those_of_the_building(alone: twin.Twin) -> None:
    walls = alone.fields["sun"]
    assert float(walls["wall_area"].sum()) == pytest.approx(80 * 18)
    assert sorted(set(walls["wall_height"].to_numpy().round(3))) == [1.5, 4.5, 7.5, 10.5, 13.5,
                                                                     16.5]
    assert set(walls["wall_building"].to_numpy()) == {0}
    ahead = np.deg2rad(walls["wall_azimuth"].to_numpy())
    x, y = walls["wall_x"] + 0.1 * np.sin(ahead), walls["wall_y"] + 0.1 * np.cos(ahead)
    assert not shapely.contains(shapely.box(90, 50, 110, 70), shapely.points(x, y)).any()


def test_a_slab_opposite_takes_light_from_the_storeys_below_its_top() -> None:
    """Each storey against every sun of ten minutes over the exact horizon."""
    wall, slab = shapely.box(160, 100, 240, 112), shapely.box(160, 58, 240, 70)
    found = twin.run(city_of([wall, slab], [30.0, 15.0], (400, 200), num_floors=[10.0, 5.0]),
                     want=["sun"], settings={"sun_field": {"cell": 1.0}}).fields["sun"]
    middle = facing(found, 180.0)
    middle = middle.isel(wall=np.flatnonzero((middle["wall_building"].to_numpy() == 0)
                                             & (np.abs(middle["wall_x"].to_numpy() - 200) < 3)))
    light = storey_means(middle)["irradiation"].loc[0]
    when = year()
    suns = light_of_suns(when.weather, when.latitude, when.longitude)
    for storey in range(10):
        scene = Scene("", boxes=((-40, 40, 0.0, 12, 30.0), (-40, 40, -42, -30, 15.0)), y=-1e-6,
                      z=1.5 + 3 * storey, slope=90.0)
        expected = reference(scene, suns)
        assert light[storey] == pytest.approx(expected, rel=0.02), storey
    assert (np.diff(light[:5]) > 0).all()
    assert light[5:].to_numpy() == pytest.approx(light[9], rel=0.01)
    assert light[0] < 0.85 * light[9]


def test_means_of_storeys_weigh_by_area() -> None:
    walls = xr.Dataset({name: ("wall", np.asarray(values)) for name, values in {
        "wall_building": [0, 0, 1], "wall_storey": [2, 2, 0], "wall_area": [1.0, 3.0, 5.0],
        "wall_height": [7.0, 7.0, 1.0], "wall_irradiation": [100.0, 500.0, 60.0]}.items()})
    found = storey_means(walls)
    assert found.loc[(0, 2)].tolist() == pytest.approx([4.0, 7.0, 400.0])
    assert found.loc[(1, 0)].tolist() == pytest.approx([5.0, 1.0, 60.0])


def test_walls_stand_on_the_ground_of_the_terrain() -> None:
    """On a plateau 300 m up a wall sees what it sees at the sea."""
    x, y = np.arange(-10.0, 220, 10), np.arange(-10.0, 140, 10)
    high = xr.DataArray(np.full((len(y), len(x)), 300.0), {"y": y, "x": x}, ("y", "x"))
    city = city_of([shapely.box(90, 50, 110, 70)], [18.0], num_floors=[6.0])
    found = twin.run(city.with_layers("a plateau", terrain=high), want=["sun"],
                     settings=FEW).fields["sun"]
    low = twin.run(city, want=["sun"], settings=FEW).fields["sun"]
    assert found["wall_irradiation"].to_numpy() == pytest.approx(
        low["wall_irradiation"].to_numpy(), rel=1e-3)


# ---- modules in walls


def test_modules_in_a_wall_by_hand() -> None:
    """Two patches of one wall, one too dark: area, power and energy of the other."""
    when, pick = year(), Picker(load_factors(), FRANCE).pick
    free = open_planes(when.weather, latitude=when.latitude, longitude=when.longitude,
                       slope=[90.0], aspect=[180.0], chain=Chain(*(
                           pick(f"pv.{stem}").value for stem in (
                               "losses", "temperature_coefficient", "inverter_efficiency",
                               "heat_loss.facade", "heat_loss_wind.facade"))))
    light = free.incident[:, 0] * np.array([[0.9], [0.3]])
    walls = xr.Dataset({
        "wall_building": ("wall", [1, 1]), "wall_azimuth": ("wall", [181.0, 179.0]),
        "wall_area": ("wall", [40.0, 60.0]), "wall_irradiation": ("wall", light.sum(axis=1)),
        "wall_irradiation_month": (("wall", "month"), light)})
    found = facade_modules(walls, 3, when, pick)
    power = 40 * pick("pv.usable.facade").value * pick("pv.module_density_facade").value
    assert found.area.tolist() == [0, 100, 0]
    assert found.light[1] == pytest.approx(0.4 * light[0].sum() + 0.6 * light[1].sum())
    assert found.capacity.value.tolist() == pytest.approx([0, power, 0])
    energy = 0.9 * free.energy[:, 0] * power / 1000
    assert found.monthly[:, 1] == pytest.approx(energy)
    assert found.energy.value[1] == pytest.approx(energy.sum())
    assert found.specific.value[1] == pytest.approx(0.9 * free.energy.sum())
    assert np.isnan(found.specific.value[[0, 2]]).all()
    # A limit of 800 leaves the brighter patch, one of 400 none but it.
    assert light.sum(axis=1)[0] > 800
    assert light.sum(axis=1)[1] < 400
    usable = pick("pv.usable.facade")
    for end in ("low", "high"):
        assert getattr(found.technical, end)[1] == pytest.approx(40 * getattr(usable, end))


def test_the_least_light_widens_the_range() -> None:
    when, pick = year(), Picker(load_factors(), FRANCE).pick
    even = np.full((3, 12), 1 / 12) * np.array([[700.0], [500.0], [300.0]])
    walls = xr.Dataset({
        "wall_building": ("wall", [0, 1, 2]), "wall_azimuth": ("wall", [180.0] * 3),
        "wall_area": ("wall", [10.0] * 3), "wall_irradiation": ("wall", [700.0, 500.0, 300.0]),
        "wall_irradiation_month": (("wall", "month"), even)})
    found = facade_modules(walls, 3, when, pick)
    share = pick("pv.usable.facade").value
    assert found.technical.value.tolist() == pytest.approx([10 * share, 0, 0])
    assert found.technical.low.tolist() == [0, 0, 0]              # at 800 it would have none
    assert found.technical.high[1:].tolist() == pytest.approx([10 * share, 0])  # at 400
    assert found.energy.high[1] > found.energy.value[1] == 0


def test_only_the_brighter_walls_carry_modules(alone: twin.Twin) -> None:
    built, sun = alone.features["buildings"], alone.fields["sun"]
    factors = load_factors()
    least, usable, density = (factors.pick(stem, FRANCE).value for stem in (
        "pv.least_light.facade", "pv.usable.facade", "pv.module_density_facade"))
    bright = sun["wall_irradiation"].to_numpy() >= least
    assert set(sun["wall_azimuth"].to_numpy()[bright].round()) == {90, 180, 270}
    area = float(sun["wall_area"].to_numpy()[bright].sum())
    assert area == pytest.approx(60 * 18)
    assert built["facade_area"].tolist() == pytest.approx([80 * 18])
    assert built["facade_technical_area"].tolist() == pytest.approx([area * usable])
    assert built["facade_pv_capacity"].tolist() == pytest.approx([area * usable * density])


def test_yield_in_walls_is_linear_in_their_area(alone: twin.Twin) -> None:
    wide = twin.run(city_of([shapely.box(80, 40, 120, 80)], [18.0], num_floors=[6.0]),
                    want=ALL).features["buildings"]
    one = alone.features["buildings"]
    for name in ("facade_area", "facade_pv_capacity", "facade_pv_yield", "facade_pv_yield_low",
                 "facade_pv_yield_high", "facade_pv_avoided_co2"):
        # Its longer shadow takes 0.4 % of what the ground sends up.
        assert wide[name].iloc[0] == pytest.approx(2 * one[name].iloc[0], rel=5e-3), name
    when, pick, sun = year(), Picker(load_factors(), FRANCE).pick, alone.fields["sun"]
    plain, double = (facade_modules(sun.assign(wall_area=k * sun["wall_area"]), 1, when, pick)
                     for k in (1, 2))
    for end in ("value", "low", "high"):
        assert getattr(double.energy, end) == pytest.approx(2 * getattr(plain.energy, end))
    assert double.specific.value == pytest.approx(plain.specific.value)


def test_months_sum_to_the_year(town: twin.Twin) -> None:
    for field, name in (("roof_pv", "pv_yield"), ("facade_pv", "facade_pv_yield")):
        data = town.fields[field]
        months = data[f"{name}_month"]
        assert months.dims == ("building", "month")
        assert months.sum("month").to_numpy() == pytest.approx(data[name].to_numpy())
        assert int(months.sum("building").to_numpy().argmax()) in (4, 5, 6, 7)
        assert data[name].attrs["units"] == "kWh a-1"
        assert data[f"{name}_month"].attrs["units"] == "kWh"


def test_areas_of_a_roof_are_ordered(town: twin.Twin) -> None:
    data = town.fields["roof_pv"]
    assert (data["pv_module_area"] <= data["pv_technical_area"] + 1e-9).all()
    assert (data["pv_technical_area"] <= data["pv_roof_area"] + 1e-9).all()
    assert float(data["pv_roof_area"].sum()) >= town.features["buildings"].area.sum() - 1e-6


def test_avoided_carbon_is_the_yield_times_the_grid(town: twin.Twin) -> None:
    grid = load_factors().pick("grid", layers.toy_town(seed=1).place, "kg kWh-1")
    for field, before in (("roof_pv", "pv"), ("facade_pv", "facade_pv")):
        data = town.fields[field]
        made = data[f"{before}_yield"].to_numpy()
        assert data[f"{before}_avoided_co2"].to_numpy() == pytest.approx(made * grid.value)
        down = np.hypot(made * (grid.value - grid.low),
                        grid.value * (made - data[f"{before}_yield_low"].to_numpy()))
        assert data[f"{before}_avoided_co2_low"].to_numpy() == pytest.approx(
            np.maximum(made * grid.value - down, 0))
        some = made > 0
        payback = data[f"{before}_carbon_payback"].to_numpy()
        assert np.isnan(payback[~some]).all()
        assert (payback[some] > 1).all()


# ---- cells add up


@pytest.mark.parametrize("size", [23.0, 60.0])
def test_cells_add_up_to_the_buildings(town: twin.Twin, size: float) -> None:
    other = twin.run(layers.toy_town(seed=1), cell_size=size, settings=FEW, want=ALL)
    table, built = other.totals(), town.features["buildings"]
    inside = built["inside"].to_numpy()
    per = {"MW": 1e6, "GWh a-1": 1e6, "t a-1": 1e3}
    for name in SUMS:
        row = table.loc[name]
        for end, suffix in (("value", ""), ("low", "_low"), ("high", "_high")):
            if name + suffix in built:
                assert row[end] * per.get(row["unit"], 1.0) == pytest.approx(
                    float((built[name + suffix] * inside).sum()), rel=1e-6), name + suffix
    for name, (field, weight) in MEANS.items():
        values = town.fields[field][name].to_numpy()
        weights = np.where(np.isnan(values), 0.0, built[weight].to_numpy() * inside)
        expected = float((np.nan_to_num(values) * weights).sum() / weights.sum())
        assert table.loc[name, "value"] == pytest.approx(expected, rel=1e-6), name


def test_cells_without_modules_have_no_mean(alone: twin.Twin) -> None:
    there = alone.cells["pv_capacity"].to_numpy() > 0
    for name in ("pv_specific_yield", "pv_lcoe", "facade_irradiation"):
        assert (np.isfinite(alone.cells[name].to_numpy()) == there).all(), name


# ---- money


def _field(found: twin.Twin, name: str, end: str = "") -> float:
    data = found.fields["facade_pv_money" if name.startswith("facade") else "pv_money"]
    return float(data[name + end].to_numpy()[0])


def test_money_of_an_office_by_hand() -> None:
    """Watts, kilowatt-hours and the prices of the table, summed year by year."""
    city = city_of([shapely.box(80, 40, 120, 60)], [12.0], place=HUBEI, use="office",
                   roof_shape="flat", num_floors=[4.0])
    found = twin.run(city, settings=FEW, want=ALL)
    power, energy = (float(found.fields["roof_pv"][n].to_numpy()[0])
                     for n in ("pv_capacity", "pv_yield"))
    price = 0.7 * 0.75 + 0.3 * 0.36  # CNY/kWh: share used at the price of business, rest sold
    cost, upkeep = 2.76 * power, 0.048 * power
    earned = paid = made = 0.0
    stand, back = -cost, np.inf
    for n in range(1, 26):
        kwh = energy * (1 - 0.005 * (n - 1))
        net = kwh * price - upkeep
        earned += net / 1.06**n
        paid += upkeep / 1.06**n
        made += kwh / 1.06**n
        if stand < 0 <= stand + net:
            back = n - 1 - stand / net
        stand += net
    assert _field(found, "pv_revenue") == pytest.approx(energy * price)
    assert _field(found, "pv_npv") == pytest.approx(earned - cost)
    assert _field(found, "pv_lcoe") == pytest.approx((cost + paid) / made)
    assert _field(found, "pv_payback") == pytest.approx(back)
    assert 3.5 < back < 7  # years said of business systems in central China
    money = found.fields["pv_money"]
    assert money.attrs["currency"] == "CNY"
    assert money["pv_npv"].attrs["units"] == "CNY"
    assert money["pv_lcoe"].attrs["units"] == "CNY kWh-1"
    assert found.totals().loc["pv_npv", "value"] == pytest.approx(earned - cost)
    # An office buys a third more dearly than the same house full of homes, which buys at 0.56.
    home = twin.run(city.with_layers("homes", buildings=city["buildings"].assign(
        use="residential")), settings=FEW, want=["pv_npv"])
    assert _field(home, "pv_npv") < _field(found, "pv_npv")


def test_money_of_buildings_is_that_of_their_specific_yield(town: twin.Twin) -> None:
    built, data = town.features["buildings"], town.fields["pv_money"]
    money = data.attrs["currency"]
    roof, pick = town.fields["roof_pv"], Picker(load_factors(), layers.toy_town(seed=1).place).pick
    power = roof["pv_capacity"].to_numpy()
    uses = built["use"].to_numpy()
    checked = 0
    for row in np.flatnonzero(power > 0)[::7]:
        specific = Range(*(roof["pv_specific_yield" + e].to_numpy()[[row]]
                           for e in ("", "_low", "_high")))
        given = terms(pick, money, uses[row])
        found = economics_range(specific, given)
        for name, band in (("lcoe", found.lcoe), ("payback", found.payback), ("irr", found.irr),
                           ("discounted_payback", found.discounted_payback)):
            for end, values in zip(("", "_low", "_high"), band, strict=True):
                assert data[f"pv_{name}{end}"].to_numpy()[row] == pytest.approx(
                    values[0]), (name, end)
        plain = economics(specific.value, Terms(**{k: float(f.value) for k, f in given.items()}))
        assert data["pv_npv"].to_numpy()[row] == pytest.approx(plain.npv[0] * power[row])
        assert data["pv_revenue"].to_numpy()[row] == pytest.approx(plain.revenue[0] * power[row])
        # The range of a sum is at least that of its watts and that of each watt.
        low = data["pv_npv_low"].to_numpy()[row]
        assert low <= found.npv.low[0] * power[row] + 1e-6
        checked += 1
    assert checked > 3


def test_walls_cost_more_and_earn_less_than_roofs(alone: twin.Twin) -> None:
    assert _field(alone, "facade_pv_lcoe") > 2 * _field(alone, "pv_lcoe")
    assert _field(alone, "facade_pv_npv") < 0
    assert alone.fields["facade_pv_money"].attrs["currency"] == "EUR"
    built = alone.features["buildings"]
    for name in ("pv_npv", "facade_pv_npv", "pv_revenue", "facade_pv_revenue"):
        assert built[f"{name}_low"].iloc[0] < built[name].iloc[0] < built[f"{name}_high"].iloc[0]


def test_roofs_without_modules_have_no_money() -> None:
    city = city_of([shapely.box(80, 40, 120, 60), shapely.box(10, 10, 12, 12)], [12.0, 3.0])
    found = twin.run(city, settings=FEW, want=ALL)
    assert found.features["buildings"]["pv_npv"].iloc[1] == 0
    data = found.fields["pv_money"]
    for name in ("pv_lcoe", "pv_payback", "pv_irr"):
        assert np.isfinite(data[name].to_numpy()).tolist() == [True, False]


def test_where_no_prices_are_tabled_money_is_left_out_aloud() -> None:
    city = city_of([shapely.box(80, 40, 120, 60)], [12.0], place=TEXAS)
    found = twin.run(city, settings={**FEW, "wind_field": {"sectors": 4}})
    told = next(w for w in found.record["fallbacks"] if "pv_npv" in w)
    assert told.startswith("left out, no prices of modules are tabled for Texas, US")
    assert "facade_pv_lcoe" in told
    assert "pv_yield" not in told
    assert not {"pv_npv", "facade_pv_revenue"} & set(found.variables)
    assert found.totals().loc["pv_avoided_co2", "value"] > 0
    with pytest.raises(MissingInput, match="no prices of modules are tabled for Texas, US"):
        twin.run(city, settings=FEW, want=["pv_npv"])


def test_money_waits_for_the_currency_of_a_place() -> None:
    assert in_currency("currency m-2 a-1", "EUR") == "EUR m-2 a-1"
    assert in_currency("currency kWh-1", "") == "currency kWh-1"
    assert in_currency("kWh m-2 a-1", "CNY") == "kWh m-2 a-1"
    assert factor("currency m-2 a-1 m2", "currency a-1") == 1.0
    with pytest.raises(UnitsError, match="not the same kind"):
        factor("currency", "EUR")


# ---- policy


def test_the_least_area_is_that_of_the_notice() -> None:
    uses = ["office", "education", "retail", "industrial", "residential", "other"]
    shapes = [shapely.box(20 * i, 0, 20 * i + 10, 10) for i in range(6)]
    city = city_of(shapes, [9.0] * 6, place=HUBEI, use=uses, roof_shape="flat")
    found = twin.run(city, settings=FEW, want=["pv_policy_area"])
    assert found.features["buildings"]["pv_policy_area"].tolist() == pytest.approx(
        [30, 40, 30, 30, 20, 0])
    row = found.totals().loc["pv_policy_area"]
    assert (row["value"], row["unit"]) == (pytest.approx(150), "m2")
    assert found.record["fallbacks"]["homes given the least share of rural roofs, in towns there "
                                     "is none"] == 1


def test_places_without_such_a_policy_say_so(town: twin.Twin) -> None:
    city = city_of([shapely.box(80, 40, 120, 60)], [12.0])
    found = twin.run(city, settings={**FEW, "wind_field": {"sectors": 4}})
    assert "left out, no least share of roofs with modules is tabled for FR: pv_policy_area" in \
        found.record["fallbacks"]
    with pytest.raises(MissingInput, match="no least share"):
        twin.run(city, settings=FEW, want=["pv_policy_area"])
    assert "pv_policy_area" not in town.variables  # nobody asked


# ---- edges


def test_a_city_without_walls_has_none(tmp_path: Path) -> None:
    bare = city_of([shapely.box(80, 40, 120, 60)], [12.0])
    for city, settings in (
            (bare, {"sun_field": {**FEW["sun_field"], "spacing": 0.0}}),
            (bare.with_layers("nothing", buildings=bare["buildings"].iloc[:0]), FEW)):
        found = twin.run(city, settings=settings, want=[*ALL, "sun"])
        assert found.fields["sun"].sizes["wall"] == 0
        table = found.totals()["value"]
        assert table["facade_pv_yield"] == table["facade_area"] == 0
        assert np.isnan(table["facade_irradiation"])
        again = twin.open(found.save(tmp_path / "t"))
        xr.testing.assert_identical(again.fields["sun"], found.fields["sun"])


def test_fields_of_modules_come_back_from_disk(town: twin.Twin, tmp_path: Path) -> None:
    again = twin.open(town.save(tmp_path / "屋顶"))
    for name in ("roof_pv", "facade_pv", "pv_money", "facade_pv_money"):
        xr.testing.assert_identical(again.fields[name], town.fields[name])
    assert len(again.fields["pv_money"]["building"]) == len(again.features["buildings"])


def test_results_of_buildings_become_columns(town: twin.Twin) -> None:
    built = town.features["buildings"]
    money, roof = town.fields["pv_money"], town.fields["roof_pv"]
    table = beside(built, roof, money)
    assert table.crs == built.crs
    assert table.index.equals(built.index)
    assert table["pv_yield"].equals(built["pv_yield"])
    assert table["pv_lcoe_low"].to_numpy() == pytest.approx(money["pv_lcoe_low"].to_numpy(),
                                                            nan_ok=True)
    months = table[[f"pv_yield_{m:02d}" for m in range(1, 13)]]
    assert months.sum(axis=1).to_numpy() == pytest.approx(built["pv_yield"].to_numpy())
    assert months["pv_yield_06"].sum() > 2 * months["pv_yield_12"].sum()


def test_buildings_off_the_area_have_no_walls_but_shade() -> None:
    inside, beyond = shapely.box(40, 20, 60, 40), shapely.box(40, -40, 60, -10)
    both = twin.run(city_of([inside, beyond], [9.0, 40.0], (100, 60)), want=["facade_pv_yield"],
                    settings=FEW)
    one = twin.run(city_of([inside], [9.0], (100, 60)), want=["facade_pv_yield"], settings=FEW)
    table = both.features["buildings"]
    assert table["facade_area"].tolist() == pytest.approx([80 * 9, 0])
    south = [facing(t.fields["sun"], 180.0)["wall_irradiation"].mean() for t in (both, one)]
    assert float(south[0]) < 0.85 * float(south[1])
    assert isinstance(table, pd.DataFrame)


def test_the_bench_times_each_step_of_a_city(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layers, "sample", lambda _: layers.toy_town(seed=1))
    found = measure((40,), city=True)
    city = found["city"]
    assert city["buildings"] == 56
    assert city["walls"] > 1000
    steps = city["steps"]
    assert list(steps) == ["light on ground, roofs and walls", "modules on roofs",
                           "modules in walls", "money", "cells", "all"]
    parts = sum(took["wall_s"] for name, took in steps.items() if name != "all")
    assert parts == pytest.approx(steps["all"]["wall_s"], rel=0.2)
    assert min(took["cpu_s"] for took in steps.values()) > 0
    rows = rows_of(found)
    assert rows[-1]["step"].endswith("patches of wall: all")
    assert len(rows) == 2 + 6
    assert measure((40,))["city"] is None


def test_roofs_under_another_building_carry_nothing() -> None:
    """A house under a slab that hangs over it: what no sun reaches yields nothing."""
    below = shapely.box(0, 0, 20, 20)
    planes = gpd.GeoDataFrame({
        "building": [0, 1], "area": 400.0, "largest": 400.0, "slope": 0.0, "aspect": 0.0,
        "kind": "flat_public", "low": 1.0, "high": 1.0, "source": "tagged"},
        geometry=[below, below], crs="EPSG:32650")
    pick = Picker(load_factors(), Place("CN", "Hubei"))
    year = year_of(WEATHER, (114.0, 30.6), pick)
    seen = CellLight(np.full((10, 10), 1200.0), np.full((12, 10, 10), 100.0),
                     np.ones((10, 10), dtype=int), 2.0)
    made = roof_modules(planes, 2, year, pick.pick, latitude=30.6, light=seen)
    assert made.buildings.energy.value[0] == 0
    assert made.buildings.energy.value[1] > 0
    assert not made.unseen.any()


def test_gaps_in_the_temperature_do_not_stop_modules() -> None:
    holed = WEATHER.copy()
    holed["temp_air"] = WEATHER["temp_air"].where(np.arange(WEATHER.sizes["time"]) % 10 != 0)
    chain = modules(Picker(load_factors(), FRANCE).pick, "roof").chain
    whole, gaps = (open_planes(one, latitude=47.2, longitude=-1.6, slope=[30.0], aspect=[180.0],
                               chain=chain).energy.sum() for one in (WEATHER, holed))
    assert gaps == pytest.approx(whole, rel=1e-3)
