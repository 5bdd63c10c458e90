"""The wind as part of a twin: means over open ground, the year, what is left out, plans."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pytest
import shapely
import xarray as xr
from pyproj import CRS
from scipy.integrate import quad
from scipy.stats import rice

import layers
import scenarios as sc
import twin
from layers.errors import CityTwinError, GridError, MissingInput
from layers.place import Place
from twin.fine import bins
from twin.grid import Grid
from twin.pictures import finest_view
from twin.scene.figures import total_of
from twin.sun.sky_view import sky_view
from twin.wind.sectors import station_inflow
from twin.wind.turbulence import counted_speed

CRS_M = CRS.from_epsg(32650)
FEW: dict[str, Any] = {"wind_field": {"sectors": 4}}


def city_of(shapes: list[Any], heights: list[float], side: tuple[float, float] = (200, 120),
            *, weather: xr.Dataset | None = None, **columns: Any) -> layers.City:
    """A city of boxes, wider than high, with a wind climate if one is given."""
    raw = gpd.GeoDataFrame({"height": heights, "use": "residential", **columns},
                           geometry=shapes, crs=CRS_M)
    found: dict[str, Any] = {"buildings": layers.buildings.tidy(raw)}
    if weather is not None:
        found["weather"] = weather
    return layers.City(found, shapely.box(0, 0, *side), CRS_M, place=Place("FR", "", "user"))


def winds(speed: Any, wind_from: Any) -> xr.Dataset:
    """The typical year of the toy town with other winds, repeated over the year."""
    year = layers.toy_town(0)["weather"]
    return year.assign({name: ("time", np.resize(np.asarray(values, float), year.sizes["time"]))
                        for name, values in (("wind_speed", speed),
                                             ("wind_direction", wind_from))})


def blocks(columns: int, rows: int, side: float, gap: float, at: float = 20.0) -> list[Any]:
    return [shapely.box(x, y, x + side, y + side)
            for x in at + (side + gap) * np.arange(columns)
            for y in at + (side + gap) * np.arange(rows)]


@pytest.fixture(scope="module")
def plain() -> layers.City:
    """Open ground but for a hut of a metre and a half in one corner."""
    return city_of([shapely.box(1, 1, 3, 3)], [1.5], weather=winds([0.2, 2.0, 6.0, 9.0], [90.0]))


@pytest.fixture(scope="module")
def town() -> twin.Twin:
    return twin.run(layers.toy_town(seed=1), cell_size=40, settings=FEW)


# ---- open ground


def law(z: float) -> float:
    """Rice's mean speed at a height of the log law over 0.03 m, over that at 10 m."""
    def counted(height: float) -> float:
        speed = math.log1p(height / 0.03) / math.log1p(10 / 0.03)
        friction = 0.4 / math.log1p(10 / 0.03)
        k = 0.5 * (2.39**2 + 1.92**2 + 1.25**2) * friction**2 * max(height / 10, 1) ** -0.1
        sigma = math.sqrt(2 * k / 3)
        return float(rice(speed / sigma, scale=sigma).mean())

    return counted(z) / counted(10.0)


def test_open_ground_has_the_speed_of_the_profile(plain: layers.City) -> None:
    found = twin.run(plain, cell_size=40, want=["wind_speed", "wind_speed_ratio_22m"],
                     settings=FEW)
    table = found.totals()["value"]
    assert table["wind_speed_ratio"] == pytest.approx(law(1.5), rel=2e-3)
    assert table["wind_speed_ratio_22m"] == pytest.approx(law(22.0), rel=2e-3)
    assert table["open_ground_share"] == pytest.approx(1 - 1 / 1500)  # one cell of 4 m
    assert float(found.fields["wind"]["roughness"].max()) == pytest.approx(0.03)
    assert found.fields["wind"]["approach"].to_numpy() == pytest.approx(1.0)
    # a quarter of the hours each: 0.2, 2, 6 and 9 m/s at the station
    assert table["wind_speed"] == pytest.approx(law(1.5) * 17.2 / 4, rel=2e-3)
    assert table["still_air_share"] == pytest.approx(0.25, abs=1e-3)
    assert table["weak_wind_share"] == pytest.approx(0.25, abs=1e-3)
    # a quarter of the hours has 9 m/s, which makes 6.1: above 5 more often than any class allows
    assert table["nen_sitting_share"] < 1e-3
    assert table["nen_walking_share"] < 1e-3


def test_all_winds_that_stay_low_are_good_for_sitting(plain: layers.City) -> None:
    calm = replace(plain, layers={**plain.layers, "weather": winds([3.0], [10.0, 200.0])})
    table = twin.run(calm, want=["nen_sitting_share", "lawson_sitting_share"],
                     settings=FEW).totals()["value"]
    assert table["nen_sitting_share"] == 1.0  # never above 5 m/s
    assert table["lawson_sitting_share"] == 1.0  # gust equivalent mean below 4 m/s


def test_directions_count_by_how_often_they_blow() -> None:
    wall = [shapely.box(96, 0, 104, 120)]
    east, south = (twin.run(city_of(wall, [20.0], weather=winds([4.0], [a])), cell_size=40,
                            want=["wind_speed_ratio"], settings=FEW) for a in (90.0, 180.0))
    both = twin.run(city_of(wall, [20.0], weather=winds([4.0], [90.0, 90.0, 180.0])), cell_size=40,
                    want=["wind_speed_ratio"], settings=FEW)
    one, other, mixed = (t.totals().loc["wind_speed_ratio", "value"] for t in (east, south, both))
    assert one < 0.9 * other  # across the wall it is calmer than along it
    assert mixed == pytest.approx((2 * one + other) / 3, rel=1e-5)
    assert both.fields["wind"]["frequency"].to_numpy() == pytest.approx([0, 2 / 3, 1 / 3, 0],
                                                                        abs=1e-3)


def test_a_walled_yard_is_calmer_than_the_street() -> None:
    square = shapely.box(60, 30, 120, 90).difference(shapely.box(72, 42, 108, 78))
    wind = twin.run(city_of([square], [12.0]), want=["wind"],
                    settings=FEW).fields["wind"].sel(level=1.5)
    yard, street = (wind.sel(x=x, y=60, method="nearest") for x in (90, 170))
    assert float(yard["mean_ratio"]) < 0.8 * float(street["mean_ratio"])
    flow = [float(np.hypot(w["u"], w["v"]).mean()) for w in (yard, street)]
    assert flow[0] < 0.75 * flow[1]
    assert np.isnan(wind["mean_ratio"].sel(x=66, y=60, method="nearest"))


def test_wind_passes_under_a_raised_building() -> None:
    slab = shapely.box(90, 0, 110, 120)
    closed, raised = (
        twin.run(city_of([slab], [20.0], min_height=[lift]), want=["wind"], settings=FEW
                 ).fields["wind"]["speed"].sel(level=1.5, wind_from=90.0).sel(
                     x=100, y=60, method="nearest") for lift in (0.0, 6.0))
    assert np.isnan(closed)
    assert float(raised) > 0.2


# ---- speeds


@pytest.mark.parametrize(("speed", "k"), [(0.0, 0.5), (0.3, 0.2), (1.0, 0.05), (2.0, 1e-4)])
def test_an_anemometer_counts_the_mean_of_the_horizontal_speed(speed: float, k: float) -> None:
    s2 = 2 * k / 3
    reach = 8 * math.sqrt(s2)

    def part(along: float) -> float:
        def density(across: float) -> float:
            return math.hypot(speed + along, across) * math.exp(-(along**2 + across**2) / (2 * s2))
        return quad(density, -reach, reach, epsrel=1e-6)[0]

    expected = quad(part, -reach, reach, epsrel=1e-6)[0] / (2 * math.pi * s2)
    assert float(counted_speed(speed, k)) == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("z0", [0.03, 0.7])
def test_town_and_country_have_the_same_wind_at_the_blending_height(z0: float) -> None:
    inflow = station_inflow(z0)
    aloft = math.log1p(60 / 0.03) / math.log1p(10 / 0.03)
    assert float(inflow.at(60.0)) == pytest.approx(aloft)
    assert float(inflow.at(10.0)) == pytest.approx(
        aloft * math.log1p(10 / z0) / math.log1p(60 / z0), rel=1e-4)


# ---- cells


def test_totals_do_not_depend_on_the_cells(town: twin.Twin) -> None:
    base = town.totals()["value"]
    for size in (16.0, 55.0, 400.0):
        other = twin.run(layers.toy_town(seed=1), cell_size=size, settings=FEW,
                         want=["wind_speed", "lawson_standing_share"]).totals()["value"]
        for name in ("wind_speed_ratio", "wind_speed_ratio_22m", "wind_speed",
                     "lawson_standing_share", "open_ground_share"):
            assert other[name] == pytest.approx(base[name], rel=0.02), (size, name)


def test_shares_rise_from_sitting_to_walking(town: twin.Twin) -> None:
    cells = town.cells
    for names in (("lawson_sitting_share", "lawson_standing_share", "lawson_walking_share"),
                  ("nen_sitting_share", "nen_strolling_share", "nen_walking_share")):
        calm, middle, most = (cells[n].to_numpy() for n in names)
        known = np.isfinite(calm)
        assert known.any()
        assert (calm <= middle)[known].all()
        assert (middle <= most)[known].all()
    assert (cells["still_air_share"] <= cells["weak_wind_share"]).where(
        cells["open_ground_share"] > 0, True).all()


def test_a_cell_without_open_ground_has_no_wind() -> None:
    city = city_of([shapely.box(40, 40, 80, 80)], [10.0], weather=winds([4.0], [90.0]))
    cells = twin.run(city, cell_size=40, want=["wind_speed"], settings=FEW).cells
    inside = cells.sel(x=60, y=60)
    assert float(inside["open_ground_share"]) == 0.0
    assert np.isnan(inside["wind_speed_ratio"])
    assert np.isnan(inside["wind_speed"])
    assert np.isfinite(cells["wind_speed"]).sum() == cells["wind_speed"].size - 1


def test_fine_cells_count_in_the_cell_of_their_centre() -> None:
    grid = Grid.over(shapely.box(0, 0, 30, 10), CRS_M, 10.0)
    x, y = np.arange(2.0, 30, 4), np.array([2.0, 6.0])
    values = np.array([[1.0, 2, 3, 4, 5, 6, 7], [np.nan] * 7])
    assert bins(x, y, grid).mean(values).tolist() == pytest.approx([1.5, 4.0, 6.5])
    one = Grid.over(shapely.box(0, 0, 30, 10), CRS_M, 2.0)  # finer than what is averaged
    assert bins(x, y, one).mean(values)[:5].tolist() == pytest.approx([1, 1, 2, 2, 3])


def test_the_fine_picture_has_the_total_of_the_cells(town: twin.Twin) -> None:
    view = finest_view(layers.toy_town(seed=1), town, "wind_speed")
    assert float(view["x"][1] - view["x"][0]) == 4.0
    assert total_of(view, "wind_speed").value == pytest.approx(
        town.totals().loc["wind_speed", "value"], rel=0.01)
    assert "frontal_area_index" in finest_view(layers.toy_town(seed=1), town, "frontal_area_index")


# ---- the field in the twin


def test_the_field_says_how_well_it_was_solved_and_comes_back(town: twin.Twin,
                                                              tmp_path: Path) -> None:
    wind = town.fields["wind"]
    assert wind["speed"].dims == ("wind_from", "level", "y", "x")
    assert wind["speed"].dtype == np.float32
    assert wind["wind_from"].to_numpy().tolist() == [0, 90, 180, 270]
    assert 0 < float(wind["residual"].max()) <= 1e-3
    assert wind["roughness"].to_numpy() == pytest.approx(wind["roughness"].to_numpy().clip(0.03, 5))
    told = town.record["fields"]["wind"]
    assert told["residual"] == float(wind["residual"].max())
    assert "neutral air" in told["note"]
    assert wind.attrs["weather"] == town.cells.attrs["weather"]
    again = twin.open(town.save(tmp_path / "t")).fields["wind"]
    xr.testing.assert_identical(again, wind)


def test_directions_are_told_as_they_are_solved(plain: layers.City) -> None:
    heard: list[str] = []
    twin.run(plain, want=["wind"], settings=FEW, progress=lambda what, *_: heard.append(what))
    assert [w for w in heard if "wind from" in w] == [
        f"wind_field: wind from {a}° ({n}/4)" for n, a in enumerate((0, 90, 180, 270))]


def test_an_interrupt_between_directions_ends_the_run(plain: layers.City) -> None:
    def stop(what: str, *_: int) -> None:
        if "from 90" in what:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        twin.run(plain, want=["wind"], settings=FEW, progress=stop)


# ---- left out, refused


def test_without_weather_the_ratios_stay_and_the_year_is_left_out_aloud() -> None:
    found = twin.run(city_of(blocks(3, 2, 20, 20), [10.0] * 6), cell_size=40, settings=FEW)
    assert "wind_speed_ratio" in found.variables
    assert not {"wind_speed", "nen_sitting_share"} & set(found.variables)
    assert [what for what in found.record["fallbacks"]
            if what.startswith("left out, the city has no weather: ") and "wind_speed" in what]
    wind = found.fields["wind"]
    assert wind["frequency"].to_numpy().tolist() == [0.25] * 4
    assert wind["mean_ratio"].to_numpy() == pytest.approx(
        wind["speed"].mean("wind_from").to_numpy(), rel=1e-5, nan_ok=True)


def test_weather_without_wind_is_told() -> None:
    still = city_of([shapely.box(40, 40, 80, 80)], [10.0], weather=winds([np.nan], [np.nan]))
    found = twin.run(still, cell_size=40, settings=FEW)
    assert "left out, the weather has no wind: " in " ".join(found.record["fallbacks"])
    assert "wind_speed" not in found.variables
    with pytest.raises(MissingInput, match="no wind"):
        twin.run(still, want=["wind_speed"], settings=FEW)


def test_too_large_a_city_is_told_what_would_fit_and_is_run_when_asked() -> None:
    wide = city_of([shapely.box(40, 40, 80, 80)], [10.0], (9000, 9000))
    found = twin.run(wide, cell_size=1000, settings={"ventilation_class": {"cell": 20.0}})
    words = next(w for w in found.record["fallbacks"] if "wind_speed_ratio" in w)
    assert words.startswith("left out, 2.")  # 2.3e3 ** 2 columns x 29 levels x 16 directions
    assert "wind" not in found.fields
    fit = float(words.partition("wind_field.cell=")[2].partition(",")[0])
    work = ((9000 / fit + 16) ** 2) * 30 * 16
    assert 0.7e9 < work < 1.05e9
    with pytest.raises(GridError, match=r"GiB.*are free.*Take cells of"):
        twin.run(wide, want=["wind"], settings={"wind_field": {"cell": 0.3}})
    asked = twin.run(wide, cell_size=1000, want=["wind_speed_ratio"],
                     settings={"wind_field": {"sectors": 4, "cell": 60.0}})
    assert asked.totals().loc["wind_speed_ratio", "value"] > 0.5


@pytest.mark.parametrize(("chosen", "words"), [
    ({"sectors": 3}, "from 4 to 72"), ({"sectors": 8.0}, "from 4 to 72"),
    ({"cell": 0.0}, "positive number of metres"), ({"cell": math.nan}, "positive number"),
    ({"sectors": 4, "roughness": [0.5]}, "expected 4 lengths"),
    ({"sectors": 4, "roughness": [0.5, 0.5, -1, 0.5]}, "expected 4 lengths"),
    ({"height": 2.0}, "no setting 'height'")])
def test_wrong_settings_are_answered(plain: layers.City, chosen: dict[str, Any],
                                     words: str) -> None:
    with pytest.raises(CityTwinError, match=words):
        twin.run(plain, want=["wind"], settings={"wind_field": chosen})


# ---- plans


@pytest.fixture(scope="module")
def dense() -> layers.City:
    """Rows of blocks across a west wind."""
    shapes = blocks(8, 6, 24, 8)
    return city_of(shapes, [12.0] * len(shapes), (296, 232), weather=winds([5.0], [270.0]))


def test_a_corridor_along_the_wind_raises_it_there(dense: layers.City) -> None:
    plan = sc.Scenario("open", sc.OpenCorridor("along", width=36, path=((0, 116), (296, 116))))
    study = sc.study(dense, plan, cell_size=40, settings=FEW)
    before, after = (study.twins[n].fields["wind"]["mean_ratio"].sel(level=1.5)
                     for n in ("base", "open"))
    lane = {"x": slice(40, 256), "y": slice(100, 132)}
    both = np.isfinite(before.sel(lane)) & np.isfinite(after.sel(lane))
    assert both.sum() > 20
    was, now = (float(a.sel(lane).where(both).mean()) for a in (before, after))
    assert now > 1.15 * was
    row = study.change("open").loc["wind_speed_ratio"]
    assert row["change"] > 0
    assert row["words"] == "no range"
    cells = study.change_cells("open")["wind_speed_ratio"]
    assert float(cells.sel(y=116, method="nearest").mean()) > 0.02
    assert cells.attrs["long_name"] == ("Change of Wind at 1.5 m over that of a weather station in "
                                        "the open")
    upwind = [study.twins[n].fields["wind"]["roughness"].to_numpy() for n in ("base", "open")]
    assert upwind[0].tolist() == upwind[1].tolist()  # what lies beyond stays as it is


def test_lower_roofs_let_the_wind_down_and_trees_hold_it(dense: layers.City) -> None:
    study = sc.study(
        dense, sc.Scenario("lower", sc.CapHeights(4.0)),
        sc.Scenario("trees", sc.PlantTrees(along="raster", spacing=10)), cell_size=40,
        settings=FEW)
    lower, trees = (study.change(n)["change"] for n in ("lower", "trees"))
    assert lower["wind_speed_ratio_22m"] > 0.02
    assert lower["still_air_share"] <= 0
    assert trees["wind_speed_ratio"] < -0.002
    assert trees["wind_speed_ratio_22m"] < 0


# ---- sky and ventilation


def test_the_sky_over_an_endless_street() -> None:
    """The middle of a street of height h and width w sees cos(atan(2h/w)) of the sky."""
    height = np.zeros((801, 21), np.float32)
    height[:, :5] = height[:, 16:] = 15.0  # 11 cells of 2 m between the walls
    seen = sky_view(height, 2.0, azimuths=720)[400, 10]
    assert seen == pytest.approx(math.cos(math.atan(15.0 / 11.0)), abs=5e-4)
    assert np.isnan(sky_view(height, 2.0)[400, 2])
    assert (sky_view(np.zeros((5, 7), np.float32), 2.0) == 1.0).all()


def test_ventilation_classes_follow_roughness_and_sky() -> None:
    towers = city_of(blocks(4, 3, 20, 20), [60.0, 15.0, 30.0] * 4)
    huts = city_of(blocks(4, 3, 10, 30), [4.0] * 12)
    for city, number in ((towers, 1.0), (huts, 5.0)):
        cells = twin.run(city, cell_size=40, want=["ventilation_potential"]).cells
        rough, sky = cells["roughness_length"], cells["sky_view_factor"]
        assert (cells["ventilation_potential"] == number).all()
        assert bool((rough > 1).all()) == (number == 1)
        assert bool(((rough <= 0.5) & (sky >= 0.65)).all()) == (number == 5)
