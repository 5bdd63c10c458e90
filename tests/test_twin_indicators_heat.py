"""Heat as part of a twin: hours of heat stress on open ground, shade of trees, the night."""

from __future__ import annotations

from dataclasses import replace
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
from layers.errors import MissingInput
from layers.place import Place
from twin.factor import COLUMNS
from twin.factors import Factors, load
from twin.heat.bands import COMFORT, EDGES, draws, uncertain
from twin.heat.comfort import comfort_day
from twin.heat.day import design_day
from twin.heat.night import daily_scale
from twin.heat.parameters import own, recorded
from twin.heat.redraw import TOTALS, feel, open_ground, places

CRS_M = CRS.from_epsg(32650)
WEATHER = layers.toy_town(0)["weather"]
NO_WIND: dict[str, Any] = {"wind_field": {"cell": 0.05}}  # too fine to be solved unasked


def city_of(shapes: list[Any], heights: list[float], side: tuple[float, float] = (160, 120),
            *, weather: xr.Dataset | None = WEATHER) -> layers.City:
    """A city of boxes with the weather of the toy town."""
    raw = gpd.GeoDataFrame({"height": heights, "use": "residential"}, geometry=shapes, crs=CRS_M)
    found: dict[str, Any] = {"buildings": layers.buildings.tidy(raw)}
    if weather is not None:
        found["weather"] = weather
    return layers.City(found, shapely.box(0, 0, *side), CRS_M, place=Place("FR", "", "user"))


@pytest.fixture(scope="module")
def plain() -> twin.Twin:
    """Paved ground but for a kerb of half a metre in a corner."""
    return twin.run(city_of([shapely.box(0, 0, 4, 4)], [0.5]), cell_size=40, want=["utci_mean"],
                    settings=NO_WIND)


def alone(ground: str, sunlit: float, ratio: float, **more: Any) -> xr.Dataset:
    """The design day of one place with the whole sky above it."""
    day = design_day(WEATHER)
    one = {"row": 1, "point": 1}
    return comfort_day(
        day, xr.DataArray(np.full((day.sizes["time"], 1, 1), sunlit), dims=("time", *one)),
        xr.DataArray(np.ones((1, 1)), dims=tuple(one)),
        xr.DataArray(ratio * day["wind_speed"].to_numpy()[:, None, None], dims=("time", *one)),
        ground=ground, **more)


def test_open_paved_ground_is_that_of_one_open_place(plain: twin.Twin) -> None:
    one = alone("paved", 1.0, 0.3)
    table = plain.totals()["value"]
    assert table["utci_mean"] == pytest.approx(float(one["utci"].mean()), abs=0.1)
    assert table["walkable_share"] == pytest.approx(1 - 16 / 19_200)
    for hours, share, index, limit in (
            ("utci_strong_hours", "utci_strong_share", "utci", 32),
            ("utci_very_strong_hours", "utci_very_strong_share", "utci", 38),
            ("pet_strong_hours", "pet_strong_share", "pet", 35),
            ("pet_extreme_hours", "pet_extreme_share", "pet", 41)):
        above = int((one[index] > limit).sum())
        assert table[hours] == pytest.approx(above, abs=0.05)
        assert table[share] == pytest.approx(float(above > 0), abs=0.01)
    assert table["utci_strong_hours"] > 0


def test_the_night_over_open_paved_ground(plain: twin.Twin) -> None:
    """Theeuwes: (2 - SVF - green) times what the weather allows, with all sky and no green."""
    scale = float(daily_scale(WEATHER)["scale"].mean())
    assert plain.totals().loc["night_heat", "value"] == pytest.approx(scale, rel=0.005)


def test_green_ground_is_cooler_by_day_and_night(plain: twin.Twin) -> None:
    park = layers.green.tidy(gpd.GeoDataFrame(
        {"class": ["park"]}, geometry=[shapely.box(0, 0, 160, 120)], crs=CRS_M))
    city = city_of([shapely.box(0, 0, 4, 4)], [0.5]).with_layers("a park", green=park)
    value = twin.run(city, cell_size=40, want=["utci_mean"], settings=NO_WIND).totals()["value"]
    assert value["utci_mean"] == pytest.approx(
        float(alone("grass", 1.0, 0.3)["utci"].mean()), abs=0.1)
    assert value["utci_mean"] < plain.totals().loc["utci_mean", "value"]
    assert value["night_heat"] < 0.05  # full sky over full green leaves nothing


def test_shade_lies_north_of_a_wall_at_noon_and_spares_people() -> None:
    wall = shapely.box(20, 56, 140, 64)
    heat = twin.run(city_of([wall], [24.0]), want=["heat"], settings=NO_WIND).fields["heat"]
    noon = int(np.abs(design_day(WEATHER)["solar_time"].to_numpy() - 12).argmin())
    at = [heat.isel(time=noon).sel(x=80, y=y, method="nearest") for y in (52.0, 66.0)]
    assert float(at[0]["sunlit"]) > 0.99
    assert float(at[1]["sunlit"]) < 0.05
    assert float(at[1]["utci"]) < float(at[0]["utci"]) - 3
    assert np.isnan(heat["utci"].sel(x=80, y=60, method="nearest")).all()
    assert not bool(heat["walkable"].sel(x=80, y=60, method="nearest"))


def test_water_is_no_ground_to_walk_on() -> None:
    pond = layers.water.tidy(gpd.GeoDataFrame(geometry=[shapely.box(40, 40, 120, 80)], crs=CRS_M))
    city = city_of([shapely.box(0, 0, 4, 4)], [0.5]).with_layers("a pond", water=pond)
    found = twin.run(city, cell_size=40, want=["utci_mean"], settings=NO_WIND)
    assert found.totals().loc["walkable_share", "value"] == pytest.approx(
        1 - (16 + 3200) / 19_200)
    assert np.isnan(found.cells["utci_mean"].sel(x=60, y=60))


def test_the_wind_of_the_field_is_taken_where_there_is_one(plain: twin.Twin) -> None:
    city = city_of([shapely.box(0, 0, 4, 4)], [0.5])
    found = twin.run(city, cell_size=40, want=["utci_mean"],
                     settings={"wind_field": {"sectors": 4}})
    ratio = float(found.fields["wind"]["mean_ratio"].sel(level=1.5).mean())
    assert ratio > 0.5  # open ground
    expected = float(alone("paved", 1.0, ratio)["utci"].mean())
    assert found.totals().loc["utci_mean", "value"] == pytest.approx(expected, abs=0.15)
    told = "heat without a wind field: the wind at 1.5 m is 0.3 of that of the station everywhere"
    assert told in plain.record["fallbacks"]
    assert told not in found.record["fallbacks"]


def test_totals_do_not_depend_on_the_cells() -> None:
    town = layers.toy_town(seed=1)
    base, *others = (twin.run(town, cell_size=size, want=["utci_mean"], settings=NO_WIND
                              ).totals()["value"] for size in (40.0, 16.0, 400.0))
    for other in others:
        for name in base.index.intersection(["utci_mean", "night_heat", "utci_strong_hours",
                                             "pet_strong_share", "walkable_share"]):
            assert other[name] == pytest.approx(base[name], rel=0.02), name


def test_the_field_comes_back(plain: twin.Twin, tmp_path: Path) -> None:
    heat = plain.fields["heat"]
    assert heat["utci"].dims == ("time", "y", "x")
    assert heat.sizes["time"] == 9
    xr.testing.assert_identical(twin.open(plain.save(tmp_path / "t")).fields["heat"], heat)


def test_without_wind_in_the_weather_heat_is_left_out_aloud() -> None:
    city = city_of([shapely.box(0, 0, 4, 4)], [0.5])
    still = replace(city, layers={**city.layers, "weather": WEATHER.assign(
        wind_speed=WEATHER["wind_speed"] * np.nan)})
    found = twin.run(still, cell_size=40, settings={"wind_field": {"sectors": 4}})
    assert any(w.startswith("left out, the weather has no wind_speed: ") and "utci_mean" in w
               for w in found.record["fallbacks"])
    assert "utci_mean" not in found.variables
    assert "ground_irradiation" in found.variables
    with pytest.raises(MissingInput, match="no wind"):
        twin.run(still, want=["utci_mean"])


def test_planted_trees_spare_the_ground_below_them_heat() -> None:
    city = city_of([shapely.box(0, 0, 4, 4)], [0.5])
    plan = sc.Scenario("trees", sc.PlantTrees(along="raster", spacing=10, crown=8.0))
    few = {"wind_field": {"sectors": 4}, "sun_field": {"cell": 4.0, "directions": 24}}
    study = sc.study(city, plan, cell_size=40, settings=few)
    row = study.change("trees")["change"]
    assert row["utci_strong_hours"] < -1
    assert row["utci_mean"] < -1
    assert row["night_heat"] < 0  # green counts for more than the sky it takes
    before, after = (study.twins[n].fields["heat"] for n in ("base", "trees"))
    stems = study.cities["trees"]["trees"].geometry
    spot = {"x": xr.DataArray(stems.x.to_numpy()), "y": xr.DataArray(stems.y.to_numpy())}
    was, now = ((h["utci"] > 32).sum("time").sel(spot, method="nearest").mean()
                for h in (before, after))
    assert float(now) < float(was) - 1


# the user's factors ------------------------------------------------------------------------------

def users(tmp_path: Path, **values: float) -> Factors:
    """The factor tables with other values of some ``outdoor.`` rows, dots written as ``__``."""
    own = load()
    lines = [",".join(COLUMNS)]
    for name, value in values.items():
        row = own[f"outdoor.{name.replace('__', '.')}.WORLD"]
        low, high = min(row.low, value), max(row.high, value)
        lines.append(f"{row.factor_id},mine,{value},{row.unit},{low},{high},WORLD,2024,mine,D,")
    file = tmp_path / "mine.csv"
    file.write_text("\n".join(lines), encoding="utf-8")
    return load(user=file)


@pytest.mark.parametrize(("name", "value"), [
    ("albedo.paved", 0.34), ("emissivity.paved", 0.90), ("surface.paved.slope", 0.48),
    ("wind.sheltered", 0.6), ("band.sun", 5.0)])
def test_a_users_row_moves_the_heat_by_what_a_direct_call_gives(
        plain: twin.Twin, tmp_path: Path, name: str, value: float) -> None:
    city = city_of([shapely.box(0, 0, 4, 4)], [0.5])
    found = twin.run(city, cell_size=40, want=["utci_mean"], settings=NO_WIND,
                     factors=users(tmp_path, **{name.replace(".", "__"): value}))
    ratio = value if name == "wind.sheltered" else 0.3
    more = value if name == "band.sun" else 0.0
    one = alone("paved", 1.0, ratio, values={name: value}, radiant_offset=more)
    expected = float(one["utci"].mean() - alone("paved", 1.0, 0.3)["utci"].mean())
    moved = (found.totals()["value"] - plain.totals()["value"])["utci_mean"]
    assert abs(expected) > 0.05
    assert moved == pytest.approx(expected, abs=0.01 + 0.02 * abs(expected))
    assert found.record["factors"][f"outdoor.{name}.WORLD"]["value"] == value


def test_a_users_row_moves_the_night_and_the_limits(plain: twin.Twin, tmp_path: Path) -> None:
    city = city_of([shapely.box(0, 0, 4, 4)], [0.5])
    found = twin.run(city, cell_size=40, want=["night_heat"], settings=NO_WIND, factors=users(
        tmp_path, night__green=1.4, night__heat_capacity=1200.0, utci__strong=45.0))
    was, now = (t.totals()["value"] for t in (plain, found))
    # With the whole sky and no green, (2 - SVF - f) is 1 and all of it is the missing green.
    sky = float(plain.fields["heat"]["night_sky"].mean())
    expected = (1.4 + 1 - sky) / (2 - sky) * (1106 / 1200) ** 0.25
    assert now["night_heat"] == pytest.approx(expected * was["night_heat"], rel=1e-4)
    assert was["utci_strong_hours"] > 1
    assert now["utci_strong_hours"] == 0


@pytest.fixture(scope="module")
def shady() -> tuple[layers.City, twin.Twin]:
    """A wall and a grove on paved ground, and its heat."""
    stems = [shapely.Point(x, y) for x in range(10, 160, 10) for y in (12, 24, 36)]
    trees = layers.green.tidy_trees(gpd.GeoDataFrame(
        {"height": [10.0] * len(stems), "crown": 8.0}, geometry=stems, crs=CRS_M))
    city = city_of([shapely.box(20, 56, 140, 64)], [24.0]).with_layers("a grove", trees=trees)
    return city, twin.run(city, cell_size=40, want=["utci_mean"], settings=NO_WIND)


@pytest.mark.parametrize("name", ["tree.leaf_on", "albedo.wall", "surface.wall.slope",
                                  "wind.sheltered", "band.shade", "night.sky"])
def test_heat_felt_anew_is_that_of_a_run_with_the_same_number(
        shady: tuple[layers.City, twin.Twin], tmp_path: Path, name: str) -> None:
    city, base = shady
    value = own().row(name).high
    there = twin.run(city, cell_size=40, want=["utci_mean"], settings=NO_WIND,
                     factors=users(tmp_path, **{name.replace(".", "__"): value}))
    heat = base.fields["heat"]
    at = np.flatnonzero(open_ground(heat))
    some = places(heat, at, np.ones(at.size), recorded(base.record["factors"]))
    was, now = (t.totals()["value"].reindex(TOTALS).to_numpy() for t in (base, there))
    assert feel(some, {}) == pytest.approx(was, abs=2e-3)
    assert feel(some, {name: value}) - feel(some, {}) == pytest.approx(now - was, abs=4e-3,
                                                                       rel=0.02)
    assert np.abs(now - was).max() > 0.05


def test_totals_of_heat_have_ranges(plain: twin.Twin, tmp_path: Path) -> None:
    """Of open paved ground the ends are those of draws of one place."""
    row = plain.totals().loc["utci_mean"]
    numbers = recorded(plain.record["factors"])
    drawn = draws(uncertain(COMFORT, numbers), 100)
    mean = [float(alone("paved", 1.0, d["wind.sheltered"], values=numbers.but(d),
                        radiant_offset=d["band.sun"])["utci"].mean()) for d in drawn]
    assert row["low"] < row["value"] < row["high"]
    assert (row["low"], row["high"]) == pytest.approx(np.quantile(mean, EDGES)[[0, 2]], abs=0.1)
    shares = plain.totals().loc[["utci_strong_share", "pet_extreme_share"]]
    assert (shares["low"] >= 0).all()
    assert (shares["high"] <= 1).all()
    again = twin.open(plain.save(tmp_path / "t")).totals()
    assert again.equals(plain.totals())
