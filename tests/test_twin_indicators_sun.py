"""The sun as part of a twin: light on ground and roofs, modules, what is left out, plans."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pytest
import shapely
import xarray as xr
from pyproj import CRS

import layers
import scenarios as sc
import twin
from layers.errors import CityTwinError, MissingInput
from layers.place import Place
from layers.weather import annual_ghi
from twin.factors import load as load_factors
from twin.sun.photovoltaic import Chain, open_planes, row_cover_ratio
from twin.sun.table import SUNSHINE, sun_table

CRS_M = CRS.from_epsg(2154)
FEW: dict[str, Any] = {"sun_field": {"cell": 4.0, "directions": 36}}
WEATHER = layers.toy_town(0)["weather"]
PLACE = Place("FR", "", "user")


def city_of(shapes: list[Any], heights: list[float], side: tuple[float, float] = (200, 120),
            *, weather: xr.Dataset | None = WEATHER, **columns: Any) -> layers.City:
    """A city of boxes with the weather of the toy town."""
    raw = gpd.GeoDataFrame({"height": heights, "use": "residential", **columns},
                           geometry=shapes, crs=CRS_M)
    found: dict[str, Any] = {"buildings": layers.buildings.tidy(raw)}
    if weather is not None:
        found["weather"] = weather
    return layers.City(found, shapely.box(0, 0, *side), CRS_M, place=PLACE)


@pytest.fixture(scope="module")
def town() -> twin.Twin:
    return twin.run(layers.toy_town(seed=1), cell_size=40, settings=FEW,
                    want=["ground_irradiation", "pv_yield"])


def open_light(slope: float, aspect: float) -> float:
    """Light of the year on an open plane, by pvlib's Perez model hour by hour [kWh m-2]."""
    chain = Chain(0.1, -0.0035, 0.96)
    return float(open_planes(WEATHER, latitude=WEATHER.attrs["latitude"],
                             longitude=WEATHER.attrs["longitude"], slope=[slope],
                             aspect=[aspect], chain=chain).incident.sum())


# ---- open ground


def test_open_ground_gets_the_light_of_the_weather() -> None:
    city = city_of([shapely.box(80, 40, 90, 50)], [0.5])
    table = twin.run(city, cell_size=40, want=["ground_irradiation"]).totals()["value"]
    assert table["ground_irradiation"] == pytest.approx(annual_ghi(WEATHER), rel=0.01)
    assert table["roof_irradiation"] == pytest.approx(annual_ghi(WEATHER), rel=0.01)
    assert table["sun_roof_share"] == pytest.approx(100 / 24_000)
    assert table["sun_ground_share"] == pytest.approx(1 - 100 / 24_000)
    where = (WEATHER.attrs["latitude"], WEATHER.attrs["longitude"])
    shine = sun_table(WEATHER, *where, least_beam=SUNSHINE).hours[:, :, 0].sum()
    assert table["ground_sun_hours"] == pytest.approx(shine, rel=0.02)
    bright = int((WEATHER["dni"] > SUNSHINE).sum())  # each of which holds some sunshine
    assert 0.7 * bright < shine < 1.01 * bright


def test_a_roof_north_of_a_tower_gets_less() -> None:
    south, north, tower = (shapely.box(90, y, 110, y + 20) for y in (20, 80, 50))
    found = twin.run(city_of([south, north, tower], [6.0, 6.0, 40.0]), cell_size=20,
                     want=["roof_irradiation", "pv_yield"])
    sun = found.fields["sun"]
    light = [float(sun["irradiation"].where(sun["building"] == i).mean()) for i in range(3)]
    assert light[1] < 0.9 * light[0]
    assert light[2] == pytest.approx(annual_ghi(WEATHER), rel=0.01)
    ground = sun["sun_hours"].where(sun["building"] < 0)
    hours = [float(ground.sel(x=100, y=y, method="nearest")) for y in (45.0, 75.0)]
    assert hours[1] < hours[0] * 2 / 3  # behind the tower and in front of it
    yields = found.features["buildings"]["pv_yield"].to_numpy() / 400
    assert yields[1] < yields[0] < yields[2] * 1.001


def test_roof_planes_get_the_light_of_their_tilt() -> None:
    city = city_of([shapely.box(60, 40, 140, 80)], [8.0], roof_shape="gabled")
    run = twin.run(city, want=["pv_yield"])
    found = run.fields["sun"]
    north_south = [float(found["irradiation"].where(found["plane"] == i).mean()) for i in (0, 1)]
    expected = sorted(open_light(30.0, a) for a in (0.0, 180.0))
    assert sorted(north_south) == pytest.approx(expected, rel=0.01)
    assert expected[0] < 0.75 * expected[1]
    share, density = (load_factors().pick(stem, PLACE).value for stem in (
        "pv.usable.tilted", "pv.module_density"))
    half = 40 * 40 / np.cos(np.deg2rad(30)) * share * density  # none on the north side
    assert run.features["buildings"]["pv_capacity"].tolist() == pytest.approx([half])
    assert run.features["buildings"]["pv_yield"].sum() < half / 1000 * expected[1]


def test_crowns_shade_in_summer_more_than_in_winter() -> None:
    city = city_of([shapely.box(0, 0, 4, 4)], [3.0])
    trees = layers.green.tidy_trees(gpd.GeoDataFrame(
        {"height": [12.0], "crown": [12.0]}, geometry=[shapely.Point(100, 60)], crs=CRS_M))
    sun = twin.run(city.with_layers("a tree", trees=trees), want=["sun"]).fields["sun"]
    under = sun["irradiation_month"].sel(x=100, y=60, method="nearest")
    far = sun["irradiation_month"].sel(x=20, y=100, method="nearest")
    share = (under / far).to_numpy()
    assert share[5:8].max() < 0.5 * share[[0, 1, 11]].min()
    assert float(sun["sun_hours"].sel(x=100, y=60, method="nearest")) < 0.5 * float(
        sun["sun_hours"].sel(x=20, y=100, method="nearest"))


# ---- cells and files


def test_totals_do_not_depend_on_the_cells(town: twin.Twin) -> None:
    base = town.totals()["value"]
    for size in (16.0, 55.0, 400.0):
        other = twin.run(layers.toy_town(seed=1), cell_size=size, settings=FEW,
                         want=["ground_irradiation", "pv_yield"]).totals()["value"]
        for name in ("ground_irradiation", "ground_sun_hours", "roof_irradiation",
                     "sun_ground_share", "pv_capacity", "pv_yield"):
            assert other[name] == pytest.approx(base[name], rel=0.02), (size, name)


def test_coarser_cells_and_fewer_directions_change_little(town: twin.Twin) -> None:
    fine = twin.run(layers.toy_town(seed=1), cell_size=40,
                    want=["ground_irradiation", "pv_yield"]).totals()["value"]
    for name, slack in (("ground_irradiation", 0.03), ("roof_irradiation", 0.02),
                        ("pv_yield", 0.03)):
        assert town.totals()["value"][name] == pytest.approx(fine[name], rel=slack)


def test_the_field_says_what_it_is_and_comes_back(town: twin.Twin, tmp_path: Path) -> None:
    sun = town.fields["sun"]
    assert sun["irradiation_month"].dims == ("y", "x", "month")
    assert sun["irradiation_month"].sum("month").to_numpy() == pytest.approx(
        sun["irradiation"].to_numpy(), abs=0.2)
    assert abs(sun.attrs["closure"]) < 0.01
    assert town.record["fields"]["sun"]["ghi"] == pytest.approx(annual_ghi(
        layers.toy_town(seed=1)["weather"]))
    again = twin.open(town.save(tmp_path / "t")).fields["sun"]
    xr.testing.assert_identical(again, sun)


# ---- modules


def test_modules_on_an_open_flat_roof() -> None:
    """Capacity by hand, and the yield of open racks in the open."""
    roof = shapely.box(80, 40, 120, 60)
    found = twin.run(city_of([roof], [10.0], roof_shape="flat"), want=["pv_yield"], settings=FEW)
    built, factors = found.features["buildings"], load_factors()
    share, density, tilt = (factors.pick(stem, PLACE).value for stem in (
        "pv.usable.flat_residential", "pv.module_density", "pv.rack_tilt"))
    lat = city_of([roof], [10.0]).lonlat[1]
    rows = factors.pick("pv.row_loss", PLACE).value
    expected = 800 * share * row_cover_ratio(lat, tilt) * density
    assert built["pv_capacity"].tolist() == pytest.approx([expected])
    chain = Chain(*(factors.pick(f"pv.{stem}", PLACE).value for stem in (
        "losses", "temperature_coefficient", "inverter_efficiency", "heat_loss.rack",
        "heat_loss_wind.rack")))
    free = open_planes(WEATHER, latitude=WEATHER.attrs["latitude"],
                       longitude=WEATHER.attrs["longitude"], slope=[tilt], aspect=[180.0],
                       chain=chain)
    assert built["pv_yield"].tolist() == pytest.approx(
        [expected / 1000 * float(free.energy.sum()) * (1 - rows)], rel=0.01)


def test_dark_and_small_roofs_carry_no_modules() -> None:
    well = shapely.box(60, 20, 140, 100).difference(shapely.box(95, 55, 105, 65))
    hut, kiosk = shapely.box(96, 56, 104, 64), shapely.box(10, 10, 13, 13)
    found = twin.run(city_of([well, hut, kiosk], [40.0, 3.0, 3.0]),
                     want=["pv_yield"]).features["buildings"]
    assert found["pv_capacity"].to_numpy()[0] > 0
    assert found["pv_capacity"].to_numpy()[1:].tolist() == [0, 0]
    assert found["pv_yield"].to_numpy()[1:].tolist() == [0, 0]


# ---- left out, refused


def test_without_weather_the_sun_is_left_out_aloud() -> None:
    city = city_of([shapely.box(40, 40, 80, 80)], [10.0], weather=None)
    found = twin.run(city, cell_size=40, settings={"wind_field": {"sectors": 4}})
    told = next(w for w in found.record["fallbacks"] if "ground_irradiation" in w)
    assert told.startswith("left out, the city has no weather: ")
    assert "pv_yield" in told
    assert not {"ground_irradiation", "pv_yield", "utci_mean"} & set(found.variables)
    with pytest.raises(MissingInput, match="weather"):
        twin.run(city, want=["ground_irradiation"])


def test_a_large_city_has_unshaded_roofs_and_says_so() -> None:
    shapes = [shapely.box(40, 40, 80, 80), shapely.box(45, 85, 75, 100)]
    wide, narrow = (city_of(shapes, [40.0, 6.0], side) for side in ((9000, 9000), (200, 120)))
    for want in (None, ["pv_yield"]):
        found = twin.run(wide, cell_size=1000, want=want)
        words = " ".join(found.record["fallbacks"])
        assert "left out, 1.5 thousand million looks at the sky" in words
        assert "sun_field.cell=4," in words
        assert found.record["fallbacks"]["roofs whose shade is not known, taken as unshaded"] == 2
        assert "sun" not in found.fields
    bare = found.features["buildings"]["pv_yield"].to_numpy()
    shaded = twin.run(narrow, want=["pv_yield"]).features["buildings"]["pv_yield"].to_numpy()
    assert shaded[0] == pytest.approx(bare[0], rel=0.01)
    assert shaded[1] < 0.95 * bare[1]


@pytest.mark.parametrize(("chosen", "words"), [
    ({"cell": 0.0}, "positive number of metres"), ({"directions": 3}, "at least 4"),
    ({"height": 2.0}, "no setting 'height'")])
def test_wrong_settings_are_answered(chosen: dict[str, Any], words: str) -> None:
    city = city_of([shapely.box(40, 40, 80, 80)], [10.0])
    with pytest.raises(CityTwinError, match=words):
        twin.run(city, want=["sun"], settings={"sun_field": chosen})


# ---- plans


def test_lower_roofs_give_their_neighbours_light() -> None:
    rows = [shapely.box(20, y, 180, y + 12) for y in (10, 34, 58, 82)]
    city = city_of(rows, [24.0, 6.0, 24.0, 6.0])
    study = sc.study(city, sc.Scenario("lower", sc.CapHeights(6.0)), cell_size=40,
                     settings={**FEW, "wind_field": {"sectors": 4}})
    row = study.change("lower")["change"]
    assert row["ground_irradiation"] > 50
    assert row["roof_irradiation"] > 50
    before, after = (study.twins[n].fields["sun"] for n in ("base", "lower"))
    for low in (1, 3):  # roofs that were low before
        was, now = (float(s["irradiation"].where(s["building"] == low).mean())
                    for s in (before, after))
        assert now > 1.05 * was
    assert row["pv_yield"] > 0
