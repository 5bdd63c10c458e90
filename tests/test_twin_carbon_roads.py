"""Road traffic in the ledger: volumes, what scales them, what a plan makes of them, fuel, power."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from pyproj import CRS

import layers
import scenarios as sc
import twin
from layers.errors import CityTwinError, LayerError, MissingInput
from layers.place import Place
from twin.carbon.boundaries import inside
from twin.carbon.driving import cold_factor, driving, road_speed
from twin.carbon.lines import is_tailpipe
from twin.carbon.parts import Part
from twin.carbon.roads import traffic_hours
from twin.carbon.traffic.model import Traffic, model_traffic
from twin.carbon.volume_doubts import scatter
from twin.carbon.volumes import Volumes, model_speed, volumes_of
from twin.factors import emep_curves
from twin.factors import load as load_factors
from twin.fleet import Fleet, curve_energy
from twin.pool import Picker

UTM = CRS.from_epsg(32650)


@pytest.fixture
def factors() -> Picker:
    """Return the tables bound to France."""
    return Picker(load_factors(), Place("FR"))


@pytest.fixture(scope="module")
def town() -> layers.City:
    """Return the toy town, one street counted."""
    toy = layers.toy_town(seed=1)
    roads = toy["roads"].assign(volume=np.nan)
    roads.loc[roads["class"] == "primary", "volume"] = 10_000.0
    return toy.with_layers("counts", roads=roads)


@pytest.fixture(scope="module")
def assigned(nantes: layers.City) -> Traffic:
    """Return the modelled traffic of Nantes."""
    return model_traffic(nantes.frame("roads"), nantes.frame("buildings"), nantes.area,
                         Picker(load_factors(), nantes.place), gap=1e-2, lonely="leave out")


def streets(*rows: dict[str, Any]) -> gpd.GeoDataFrame:
    """Return roads of 1 km beside each other."""
    lines = [shapely.LineString([(0, 100 * i), (1000, 100 * i)]) for i in range(len(rows))]
    return layers.roads.tidy(gpd.GeoDataFrame(list(rows), geometry=lines, crs=UTM))


def ran(city: layers.City, *want: str, **settings: Any) -> twin.Twin:
    """Return a run with settings of road_traffic."""
    return twin.run(city, want=list(want), settings={"road_traffic": settings} if settings else {})


def sums(found: twin.Twin) -> pd.DataFrame:
    """Return the traffic of a ledger by stage and item."""
    assert found.ledger is not None
    table = found.ledger.table()
    table = table[table["sector"] == "traffic"]
    return table.groupby(["stage", "scope", "item"])[["activity", "value"]].sum()


def told(found: twin.Twin) -> str:
    """Return what the record says of traffic."""
    return " | ".join(k for k in found.record["fallbacks"] if "traffic" in k)


# ---- volumes


def test_the_record_tells_the_source_and_its_calibration(town: layers.City) -> None:
    free = replace(town, controls={})
    assert "by lane of a metropolis, uncalibrated" in told(ran(free, "vehicle_km", volumes="lanes"))
    total = told(ran(free, "vehicle_km", volumes="class", control_total=5e6))
    assert "of small towns" in total
    assert "scaled by" in total
    assert "to control total" in total
    fuel = told(ran(replace(town, controls={"fuel_mj": 2e7}), "traffic_co2"))
    assert "to fuel sales: " in fuel


def test_fuel_sold_is_what_is_burnt(town: layers.City) -> None:
    found = ran(replace(town, controls={"fuel_mj": 2.5e7}), "traffic_co2")
    burnt = sums(found).loc[("tailpipe", 1)]["activity"].sum()
    assert burnt == pytest.approx(2.5e7, rel=1e-9)
    assert found.ledger is not None
    for part in filter(is_tailpipe, found.ledger.parts):  # curves tell nothing of fuel sold
        names = {c.name for c in part.causes}
        assert ("energy curves of vehicles" in names) == (part.tier == 3)
        assert ("control total of fuel sold" in names) == (part.tier == 2)


def test_a_plan_is_not_scaled_away(town: layers.City) -> None:
    for controls in ({"vehicle_km": 6e6}, {"fuel_mj": 2.5e7}, {}):
        city = replace(town, controls=controls)
        base = ran(city, "vehicle_km", "traffic_co2").totals()["value"]
        cut = ran(sc.CutTraffic(share=0.3)(city), "vehicle_km", "traffic_co2").totals()["value"]
        assert cut["vehicle_km"] == pytest.approx(0.7 * base["vehicle_km"], rel=1e-9)
        assert cut["traffic_co2"] == pytest.approx(0.7 * base["traffic_co2"], rel=1e-9)
        plugged = ran(sc.ElectrifyFleet(share=1.0)(city), "vehicle_km", "traffic_co2")
        assert plugged.totals()["value"]["vehicle_km"] == pytest.approx(base["vehicle_km"])
        assert plugged.totals()["value"]["traffic_co2"] == 0


def test_a_cut_counts_on_counted_roads_too(factors: Picker) -> None:
    roads = streets({"class": "primary", "volume": 8000.0}, {"class": "primary"})
    roads["traffic_factor"] = [0.5, 0.25]
    found = volumes_of(roads, np.ones(2), factors, volumes="class")
    usual = factors.pick("volume.primary").value
    assert found.km == pytest.approx([4000 * 365, 0.25 * usual * 365])


def test_each_link_strays_by_itself(factors: Picker) -> None:
    roads = streets(*[{"class": "primary", "volume": 8000.0} for _ in range(100)])
    book = volumes_of(roads, np.ones(100), factors).entries
    one, all_of_them = book.by_source(), book.by_source()
    down, up = scatter(0.2)
    assert one.high / one.value - 1 == pytest.approx(up)
    # Counts that stray apart give a sum that is ten times as sure.
    found = Picker(load_factors(), Place("FR"))
    city = layers.City({"roads": roads, "buildings": layers.toy_town(0).frame("buildings")},
                       shapely.box(-10, -10, 1010, 10_000), UTM, place=found.place)
    line = twin.run(city, cell_size=500, want=["vehicle_km"]).totals().loc["vehicle_km"]
    assert line["value"] == pytest.approx(all_of_them.value.sum())
    assert line["high"] / line["value"] - 1 == pytest.approx(up / 10)
    assert 1 - line["low"] / line["value"] == pytest.approx(down / 10)


@pytest.mark.parametrize("sigma", [0.2, 0.5, 0.8])
def test_scatter_is_that_of_a_lognormal_of_mean_one(sigma: float) -> None:
    from scipy.stats import lognorm

    known = lognorm(sigma, scale=np.exp(-sigma ** 2 / 2))
    assert known.mean() == pytest.approx(1)
    down, up = scatter(sigma)
    assert [1 - down, 1 + up] == pytest.approx(known.ppf([0.025, 0.975]), rel=1e-6)


def test_people_counted_on_a_footway_are_no_vehicles(factors: Picker) -> None:
    roads = streets({"class": "footway", "volume": 9000.0}, {"class": "service"})
    found = volumes_of(roads, np.ones(2), factors, volumes="class")
    assert found.km == pytest.approx([0.0, 250 * 365])


# ---- a model of the traffic


def test_assigned_volumes_meet_the_control_total(nantes: layers.City, assigned: Traffic,
                                                 factors: Picker) -> None:
    roads = nantes.frame("roads")
    share = shapely.length(shapely.intersection(roads.geometry.values, nantes.area)) \
        / roads.length.to_numpy()
    total = nantes.controls["vehicle_km"]
    found = volumes_of(roads, share, factors, volumes="assigned", control_total=total,
                       modelled=assigned)
    assert (found.km * share).sum() == pytest.approx(total, rel=1e-9)
    modelled = assigned.per_road > 0
    ratio = found.km[modelled] / (assigned.per_road * roads.length.to_numpy() * 0.365)[modelled]
    assert ratio == pytest.approx(found.calibration.factor)
    assert found.known[1].own == scatter(0.5)
    # Distance over time: between the slowest and the free speed of the road.
    speed = model_speed(assigned)
    some = np.isfinite(speed)
    assert some.sum() > 0.5 * len(roads)
    assert (speed[some] <= roads["speed_limit"].to_numpy()[some] + 1e-6).all()
    drive = driving(roads, factors, speed=found.speed)
    at = int(np.flatnonzero(some & (speed > 15))[0])
    assert road_speed(roads, factors, found.speed)[at] == speed[at]
    fleet, cold = Fleet.of(factors), factors.pick("cold_start").value
    assert drive.burnt["diesel"][at] == pytest.approx(
        fleet.energy(speed[[at]])["diesel"][0] * cold)


def test_counts_calibrate_the_model(nantes: layers.City, assigned: Traffic,
                                    factors: Picker) -> None:
    per_road = assigned.per_road
    busy = np.flatnonzero(per_road > 2000)[:25]
    roads = nantes.frame("roads").copy()
    roads.loc[roads.index[busy], "volume"] = 1.5 * per_road[busy]
    found = volumes_of(roads, np.ones(len(roads)), factors, volumes="assigned", modelled=assigned)
    assert found.calibration.method == "counts"
    assert found.calibration.factor == pytest.approx(1.5)
    assert found.known[1].causes[0].high == pytest.approx(scatter(0.5 / 5)[1])
    kept = found.km[busy] / roads.length.to_numpy()[busy] / 0.365
    assert kept == pytest.approx(1.5 * per_road[busy])


def test_a_run_with_the_model_conserves(nantes: layers.City) -> None:
    found = ran(nantes, "traffic_co2", "vehicle_km", volumes="assigned")
    assert "user equilibrium), scaled by" in told(found)
    km2 = nantes.area.area / 1e6
    value = found.totals()["value"]
    assert value["vehicle_km"] == pytest.approx(nantes.controls["vehicle_km"], rel=1e-9)
    assert 2.0 < value["traffic_co2"] / km2 / 1000 < 6.0  # kt per km2; Berlin 4.1, Prague 4.4
    table = sums(found)
    assert table.loc[("tailpipe", 1), "value"].sum() == pytest.approx(
        value["traffic_co2"] * 1000, rel=1e-9)


# ---- fuel and electricity


def test_what_is_driven_is_conserved_by_electric_shares(factors: Picker) -> None:
    roads = streets(*[{"class": "primary"}] * 4)
    drive = driving(roads, factors)
    fleet = Fleet.of(factors)
    own = sum(s for (_, f), s in fleet.shares.items() if f == "electric")
    assert drive.electric == pytest.approx(own) == pytest.approx(0.042)
    given = np.array([np.nan, 0.0, 0.3, 1.0])
    burning, plugged, swapped = drive.shares(given)
    assert own * plugged + (1 - own) * (burning + swapped) == pytest.approx(1)
    assert own * plugged + (1 - own) * swapped == pytest.approx([own, 0, 0.3, 1])
    # A fleet all electric takes what each of its vehicles takes.
    need = sum(s * factors.pick(f"ev.kwh_per_km.{v}").value for (v, _), s in fleet.shares.items())
    assert drive.plugged + swapped[3] * drive.swapped == pytest.approx(need)


def test_electric_plans_never_raise_the_co2_of_traffic(town: layers.City) -> None:
    place = replace(town, place=Place("CN", "Hubei"))
    west, south, east, north = town.area.bounds
    corners = ((west, south), ((west + east) / 2, south), ((west + east) / 2, north), (west, north))
    plans = (sc.ElectrifyFleet(0.05), sc.ElectrifyFleet(0.3), sc.LowEmissionZone(corners, 0.2, 0.0))
    now = ran(place, "traffic_co2").totals()["value"]["traffic_co2"]
    few, many, zone = (ran(plan(place), "traffic_co2").totals()["value"]["traffic_co2"]
                       for plan in plans)
    assert few == now
    assert many == pytest.approx(now * 0.7 / (1 - 0.1375))
    assert 0.8 / (1 - 0.1375) * now < zone < now


def test_electric_driving_is_of_the_grid_and_not_of_the_line(town: layers.City) -> None:
    place = replace(town, place=Place("CN", "Hubei"), controls={"vehicle_km": 1e7})
    found = ran(sc.ElectrifyFleet(share=1.0)(place), "traffic_co2", "co2_supply", "vehicle_km")
    table = sums(found)
    kwh, kg = table.loc[("tailpipe", 2, "electricity")]
    assert kg == pytest.approx(kwh * 0.4044)
    assert 0.15 < kwh / 1e7 < 0.45  # kWh of a mean vehicle km, lorries and buses in it
    assert table.loc[("losses", 3, "electricity"), "value"] == pytest.approx(
        kg * 0.045 / 0.955)
    assert table.loc[("upstream", 3, "electricity"), "value"] == pytest.approx(kg * 0.1)
    assert found.totals()["value"]["traffic_co2"] == 0
    assert found.ledger is not None

    def supply(part: Part) -> bool:
        return part.sector == "traffic" and inside("supply")(part)

    assert found.ledger.total(supply).value == pytest.approx(kg * (1 + 0.1 + 0.045 / 0.955))


def test_fuels_come_with_what_they_take_to_make(town: layers.City) -> None:
    table = sums(ran(town, "traffic_co2"))["value"]
    for fuel in ("petrol", "diesel", "hybrid"):
        assert table["upstream", 3, fuel] == pytest.approx(0.25 * table["tailpipe", 1, fuel])
    found = ran(town, "traffic_co2")
    assert found.ledger is not None
    assert found.ledger.total(is_tailpipe).value == pytest.approx(table["tailpipe", 1].sum())
    assert found.ledger.by_cell().value.sum() == pytest.approx(found.ledger.total().value,
                                                               rel=1e-9)


def test_frost_makes_batteries_poor(factors: Picker) -> None:
    roads = streets({"class": "primary"})
    weather = layers.toy_town(0)["weather"]
    frozen = weather.assign(temp_air=weather["temp_air"] * 0 - 5.0)
    warm = driving(roads, factors)
    assert driving(roads, factors, weather=frozen).plugged == pytest.approx(1.3 * warm.plugged)


# ---- cold starts and curves


def test_cold_starts_follow_the_guidebook() -> None:
    # 10 km at 12 degC: beta 0.3218, diesel 1.244, petrol 1.362.
    beta = 0.6474 - 0.2545 - (0.00974 - 0.00385) * 12
    assert cold_factor("diesel", 10, 12) == pytest.approx(1 + beta * 0.244)
    assert cold_factor("petrol", 10, 12) == pytest.approx(1 + beta * 0.362)
    assert cold_factor("petrol", 3, 12) == cold_factor("petrol", 8, 12)
    assert cold_factor("petrol", 10, 60) == cold_factor("electric", 10, 0) == 1


@pytest.mark.parametrize("place", [Place("FR"), Place("DE"), Place("CN", "Hubei"), Place("ZZ")])
@pytest.mark.parametrize("temperature", [5.0, 12.0, 20.0])
def test_equations_and_the_constant_of_cold_starts_agree(place: Place, temperature: float) -> None:
    bound = Picker(load_factors(), place)
    fleet, constant = Fleet.of(bound), bound.pick("cold_start")
    trip = bound.pick("trip_length").value
    times = {(v, f): cold_factor(f, trip, temperature) if v.startswith(("car", "lcv")) else 1.0
             for v, f in fleet.shares}
    speed = np.array([30.0])
    ratio = sum(fleet.energy(speed, times).values()) / sum(fleet.energy(speed).values())
    assert constant.low <= ratio[0] <= constant.high


def test_the_pole_of_motorcycles_is_bridged() -> None:
    curve = pd.Series(emep_curves().loc[("motorcycle", "petrol")])
    speed = np.arange(10.0, 20.0, 0.005)
    energy = curve_energy(curve, speed)
    assert 0.8 < energy.min() < energy.max() < 1.4
    assert np.abs(np.diff(energy)).max() < 0.005
    assert curve_energy(curve, np.array([15.0]))[0] == pytest.approx(curve["check_15"], rel=1e-8)


# ---- roads drawn the other way, hours


def test_a_road_one_way_against_its_line_is_turned_round() -> None:
    line = shapely.LineString([(0, 0), (50, 10), (100, 0)])
    found = layers.roads.tidy(gpd.GeoDataFrame(
        {"class": ["primary"] * 5, "oneway": ["-1", -1.0, "yes", "reverse", "no"]},
        geometry=[line] * 5, crs=UTM))
    first = [g.coords[0][0] for g in found.geometry]
    assert first == [100, 100, 0, 100, 0]
    assert found["oneway"].tolist() == [True, True, True, True, False]
    assert found.length.to_numpy() == pytest.approx(line.length)


def test_hours_of_a_week_sum_to_the_year(factors: Picker) -> None:
    table = traffic_hours(365e3, factors)
    assert table.shape == (7, 24)
    assert table.to_numpy().sum() * 365 / 7 == pytest.approx(365e3)
    assert table.loc["mon", 17] / table.loc["mon", 3] == pytest.approx(2.08 / 0.05)
    assert table.loc["fri"].sum() / table.loc["sun"].sum() == pytest.approx(1.14 / 0.79)


# ---- bad input


def test_bad_counts_and_totals_are_refused(factors: Picker) -> None:
    roads = streets({"class": "primary", "volume": 8000.0}, {"class": "primary"})

    def give(layer: gpd.GeoDataFrame, **how: Any) -> Volumes:
        return volumes_of(layer, np.ones(2), factors, **how)

    with pytest.raises(LayerError, match="1 counts have no line, the first in row 0"):
        give(roads.set_geometry(gpd.GeoSeries([None, roads.geometry.iloc[1]], crs=UTM)))
    with pytest.raises(LayerError, match="row 0: volume is -5, expected at least 0"):
        give(roads.assign(volume=[-5.0, np.nan]))
    with pytest.raises(CityTwinError, match="more than the control total"):
        give(roads, control_total=1000.0)
    with pytest.raises(CityTwinError, match="more than the control fuel_mj"):
        give(roads, fuel_total=1000.0, per_km=np.full(2, 3.0))
    with pytest.raises(CityTwinError, match="needs a model of the traffic"):
        give(roads, volumes="assigned")


def test_a_city_that_cannot_be_modelled_says_why(town: layers.City) -> None:
    crs = town.crs
    bare = town.with_layers("no houses", buildings=town.frame("buildings").iloc[:0])
    with pytest.raises(MissingInput, match="volumes=assigned needs buildings"):
        ran(bare, "vehicle_km", volumes="assigned")
    west, south, east, north = town.area.bounds

    def only(*lines: Any) -> layers.City:
        raw = gpd.GeoDataFrame({"class": ["residential"] * len(lines)}, geometry=list(lines),
                               crs=crs)
        return town.with_layers("roads", roads=layers.roads.tidy(raw))

    apart = only(*[shapely.LineString([(west + 10, south + 20 * i), (west + 90, south + 20 * i)])
                   for i in range(1, 9)])
    with pytest.raises(MissingInput, match="the roads do not hang together"):
        ran(apart, "vehicle_km", volumes="assigned")
    far = only(shapely.LineString([(east + 5000, north), (east + 6000, north)]))
    with pytest.raises(MissingInput, match="no road lies in the study area"):
        ran(far, "vehicle_km", volumes="assigned")


def test_counts_of_all_roads_are_set_beside_a_total(factors: Picker) -> None:
    """1 km with 8,000 and 1 km with 2,000 vehicles a day: 3.65 million km a year."""
    roads = streets({"class": "primary", "volume": 8000.0}, {"class": "primary", "volume": 2000.0})

    def give(**how: Any) -> Volumes:
        return volumes_of(roads, np.ones(2), factors, **how)

    assert give(control_total=5e6).km.sum() == pytest.approx(3.65e6)
    said = ("counts cover all roads: the control vehicle_km is not used, they make 0.73 of it")
    assert factors.fallbacks[said] == 1
    give(fuel_total=3.65e6 * 2.5, per_km=np.full(2, 3.0))
    assert "counts cover all roads: the control fuel_mj is not used, they make 1.2 of it" \
        in factors.fallbacks
    for total, times in ((5e7, "0.073"), (1e6, "3.6")):
        with pytest.raises(CityTwinError, match=rf"make 3.65e\+06 km a year, {times}.* times the "
                                                "control vehicle_km"):
            give(control_total=total)
    with pytest.raises(CityTwinError, match="times the control fuel_mj"):
        give(fuel_total=1e5, per_km=np.full(2, 3.0))


def test_induced_traffic_counts_the_ends_of_trips_inside() -> None:
    """Trips inside count whole, those across the border half, those through not."""
    city = layers.sample()
    modelled = model_traffic(city.frame("roads"), city.frame("buildings"), city.area,
                             Picker(load_factors(), city.place), lonely="leave out", gap=1e-2)
    share = modelled.induced
    assert share.shape == (len(city.frame("roads")),)
    assert (share >= 0).all()
    assert (share <= 1 + 1e-12).all()
    kinds = modelled.demand.parts
    ends = kinds["between"] + 0.5 * (kinds["out"] + kinds["in"])
    across = ends + 0.5 * (kinds["out"] + kinds["in"]) + kinds["through"]
    mean = float(np.nansum(share * modelled.per_road) / np.nansum(modelled.per_road))
    # Trips through are longer inside than others, so that by distance the share is lower.
    assert 0.3 * ends / across < mean < 1.3 * ends / across
    with pytest.raises(CityTwinError, match="allocation='induced' needs trips"):
        twin.run(city, want=["traffic_co2"], settings={"road_traffic": {"allocation": "induced"}})
    with pytest.raises(CityTwinError, match="allocation is 'both'"):
        twin.run(city, want=["traffic_co2"], settings={"road_traffic": {"allocation": "both"}})
