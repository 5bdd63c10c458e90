"""The city: frozen, checked, told apart by its digest, and shown without trusting any text."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, replace
from typing import Any

import geopandas as gpd
import numpy as np
import pytest
import shapely
import xarray as xr

import layers
from layers.checking import check, city_faults
from layers.city import as_area
from layers.errors import CityTwinError, LayerError, MissingInput, nearest
from layers.place import Place
from layers.provenance import digest

SCRIPT = "<script>alert('&')</script>"


def moved(table: gpd.GeoDataFrame, by: float, row: int = 0) -> gpd.GeoDataFrame:
    shapes = table.geometry.to_numpy().copy()
    shapes[row] = shapely.transform(shapes[row], lambda xy: xy + np.array([by, 0.0]))
    return table.set_geometry(gpd.GeoSeries(shapes, index=table.index, crs=table.crs))


@pytest.mark.parametrize("field", ["layers", "area", "crs", "name", "controls", "sources"])
def test_a_city_is_frozen(toy: layers.City, field: str) -> None:
    with pytest.raises(FrozenInstanceError):
        setattr(toy, field, None)


def test_its_mappings_are_frozen_too(toy: layers.City) -> None:
    with pytest.raises(TypeError):
        toy.layers["roads"] = None  # type: ignore[index]
    with pytest.raises(TypeError):
        toy.controls["vehicle_km"] = 1.0  # type: ignore[index]
    with pytest.raises(TypeError):
        toy["roads"] = None  # type: ignore[index]


def test_a_city_is_a_mapping_from_name_to_layer(toy: layers.City) -> None:
    assert list(toy) == ["buildings", "roads", "green", "trees", "water", "corridors", "weather"]
    assert len(toy) == 7
    assert "roads" in toy
    assert "terrain" not in toy
    assert set(toy.frames) == set(toy) - {"weather"}
    assert toy.frame("squares").empty
    assert toy.frame("squares").crs == toy.crs
    with pytest.raises(MissingInput, match=r"has no layer 'terrain' .it has buildings, roads"):
        toy["terrain"]


def test_changing_a_layer_makes_another_city(toy: layers.City) -> None:
    fewer = toy.with_layers("ten left", buildings=toy.frame("buildings").head(10))
    assert len(fewer["buildings"]) == 10
    assert len(toy["buildings"]) == 56
    assert fewer["roads"] is toy["roads"]
    assert fewer.history[:-1] == toy.history
    assert fewer.history[-1].endswith("Z: ten left")


def test_a_layer_in_another_crs_is_refused(toy: layers.City) -> None:
    with pytest.raises(LayerError, match=r"'roads' is in EPSG:4326, the city in EPSG:32650.*crs"):
        toy.with_layers("x", roads=toy.frame("roads").to_crs(4326))


def test_a_layer_that_misses_its_specification_is_refused(toy: layers.City) -> None:
    built = toy.frame("buildings")
    with pytest.raises(LayerError, match=r"row 3: height is -1 m, expected at least 0\.5 m"):
        toy.with_layers("x", buildings=built.assign(height=built["height"].where(
            built.index != 3, -1.0)))
    with pytest.raises(LayerError, match="the column 'use' is missing"):
        toy.with_layers("x", buildings=built.drop(columns="use"))
    with pytest.raises(LayerError, match="expected line geometry, got polygon"):
        toy.with_layers("x", roads=toy.frame("roads").set_geometry(
            toy.frame("roads").buffer(1.0)))


def test_an_unknown_layer_is_refused(toy: layers.City) -> None:
    with pytest.raises(LayerError, match=r"there is no layer 'rodas'.*roads"):
        toy.with_layers("x", rodas=toy.frame("roads"))


def test_the_nearest_word_is_offered() -> None:
    known = ["roads", "buildings", "green", "Wuhan"]
    assert nearest("rodas", known) == ", did you mean 'roads'?"
    assert nearest("BUILDING", known) == ", did you mean 'buildings'?"
    assert nearest("wuhan", known) == ", did you mean 'Wuhan'?"
    assert nearest("xyz", known) == ""
    assert nearest("x", []) == ""


def test_equal_cities_have_equal_digests(toy: layers.City) -> None:
    twin = layers.toy_town(seed=1)
    assert twin is not toy
    assert twin.digest() == toy.digest()
    assert replace(toy, layers=dict(reversed(list(toy.layers.items())))).digest() == toy.digest()
    assert replace(toy, name="other", history=()).digest() == toy.digest()


def changed(toy: layers.City, what: str) -> layers.City:
    built, roads = toy.frame("buildings"), toy.frame("roads")
    weather = toy["weather"]
    assert isinstance(weather, xr.Dataset)
    hours = weather["temp_air"].to_numpy().copy()
    hours[4000] += 0.1
    if what == "coordinate":
        return toy.with_layers("x", buildings=moved(built, 1e-6, row=55))
    if what == "height":
        return toy.with_layers("x", buildings=built.assign(
            height=built["height"] + np.where(built.index == 7, 1e-9, 0.0)))
    if what == "name":
        return toy.with_layers("x", roads=roads.assign(name=["第零街", *roads["name"].iloc[1:]]))
    if what == "order":
        return toy.with_layers("x", roads=roads.iloc[::-1])
    if what == "weather":
        return toy.with_layers("x", weather=weather.assign(temp_air=("time", hours)))
    if what == "area":
        return replace(toy, area=toy.area.buffer(1e-6))
    if what == "crs":
        return replace(toy, crs=32651)
    return toy.with_layers("x", squares=toy.frame("squares"))


@pytest.mark.parametrize("what", ["coordinate", "height", "name", "order", "weather", "area",
                                  "crs", "one more layer"])
def test_any_change_changes_the_digest(toy: layers.City, what: str) -> None:
    assert changed(toy, what).digest() != toy.digest()


def test_the_digest_of_a_file_is_that_of_its_bytes(tmp_path: Any) -> None:
    one, two = tmp_path / "一.bin", tmp_path / "two.bin"
    one.write_bytes(b"x" * 3_000_000)
    two.write_bytes(b"x" * 2_999_999 + b"y")
    assert digest(one) == digest(b"x" * 3_000_000)
    assert digest(one) != digest(two)


def test_clipping_cuts_the_area_and_keeps_whole_features(toy: layers.City) -> None:
    west, south, east, _ = toy.area.bounds
    part = toy.clip((west, south, west + 100.0, south + 100.0))
    assert part.area.area == pytest.approx(100.0 * 100.0)
    built = part.frame("buildings")
    assert 0 < len(built) < len(toy["buildings"])
    whole = toy.frame("buildings").loc[built.index]
    assert built.area.sum() == pytest.approx(whole.area.sum())
    assert built.intersects(shapely.box(*part.area.bounds)).all()
    # A road that leaves the box is kept to its end.
    assert part.frame("roads").length.max() == pytest.approx(east - west)
    assert part.history[-1].startswith(toy.history[-1][:4])
    assert "clipped" in part.history[-1]


def test_clipping_cuts_the_terrain_and_drops_the_totals(nantes: layers.City) -> None:
    west, south, east, north = (354_600.0, 6_689_000.0, 355_000.0, 6_689_300.0)
    part = nantes.clip((west, south, east, north))
    ground = part["terrain"]
    assert isinstance(ground, xr.DataArray)
    assert west <= ground["x"].min() <= west + 10
    assert east - 10 <= ground["x"].max() <= east
    assert ground["y"].to_numpy()[0] < ground["y"].to_numpy()[-1]
    assert ground.shape == (30, 40)
    assert nantes.controls["vehicle_km"] > 0
    assert dict(part.controls) == {}
    xr.testing.assert_identical(part["weather"], nantes["weather"])


def test_a_box_beside_the_city_is_an_error(toy: layers.City) -> None:
    with pytest.raises(LayerError, match="does not meet the study area"):
        toy.clip((0.0, 0.0, 1.0, 1.0))


def test_a_city_reads_like_a_sentence(toy: layers.City, district: layers.City) -> None:
    lines = repr(toy).splitlines()
    assert lines[0] == "City 'Toy town 1', 0.10 km2, EPSG:32650, FR"
    assert lines[1] == "  buildings: 56 features"
    assert len(lines) == 1 + len(toy)
    text = repr(district)
    assert "2.25 km2, EPSG:2154, Pays de la Loire, FR" in text
    assert "210 x 197 cells, 3.9 to 35.6 m" in text
    assert "8760 hours, Nantes-Bouguenais: typical year generated" in text


def test_no_text_of_a_city_becomes_markup(toy: layers.City) -> None:
    weather = toy["weather"]
    assert isinstance(weather, xr.Dataset)
    evil = replace(toy, name=SCRIPT, sources=(SCRIPT, "高德 & Co"), place=Place(SCRIPT, SCRIPT),
                   layers={**toy.layers, "weather": weather.assign_attrs(title=SCRIPT),
                           f"x{SCRIPT}": weather})
    html = evil._repr_html_()
    assert "<script" not in html
    assert html.lower().count("&lt;script&gt;") == 6
    assert "高德 &amp; Co" in html
    assert "56 features" in html


@pytest.mark.parametrize(("controls", "words"), [
    ({"vehicle_km": 0.0}, "vehicle_km=0"), ({"vehicle_km": -1.0}, "vehicle_km=-1"),
    ({"vehicle_km": float("nan")}, "vehicle_km=nan"),
    ({"vehicle_km": float("inf")}, "vehicle_km=inf"), ({"cars": 1.0}, "cars=1")])
def test_a_control_is_a_known_name_and_a_positive_total(
        toy: layers.City, controls: dict[str, float], words: str) -> None:
    with pytest.raises(LayerError, match=f"control {words}.*is not one of vehicle_km"):
        replace(toy, controls=controls)
    assert replace(toy, controls={"vehicle_km": 7e7}).controls["vehicle_km"] == 7e7


def test_the_middle_in_degrees(nantes: layers.City, toy: layers.City) -> None:
    lon, lat = nantes.lonlat
    assert lon == pytest.approx(-1.553, abs=0.02)  # the castle of Nantes: 1.549 W, 47.216 N
    assert lat == pytest.approx(47.216, abs=0.02)
    lon, lat = toy.lonlat
    assert lon == pytest.approx(117.002, abs=0.002)  # central meridian of zone 50
    assert lat == pytest.approx(30.55, abs=0.02)


def test_an_area_is_whatever_has_a_surface() -> None:
    assert as_area(shapely.box(0, 0, 2, 3)).area == 6.0
    bow = shapely.Polygon([(0, 0), (10, 10), (10, 0), (0, 10)])
    assert as_area(bow).area == 50.0
    mixed = shapely.GeometryCollection([shapely.Point(0, 0), shapely.box(0, 0, 1, 1)])
    assert as_area(mixed).area == 1.0
    for flat in (shapely.Point(1, 1), shapely.LineString([(0, 0), (1, 1)]), shapely.Polygon()):
        with pytest.raises(LayerError, match=f"study area is a {flat.geom_type} of 0 m2"):
            as_area(flat)


def test_check_names_the_faults_of_all_layers_at_once(toy: layers.City) -> None:
    check(toy)
    assert city_faults(toy) == []
    built, roads = toy.frame("buildings"), toy.frame("roads")
    bad = replace(toy, layers={**toy.layers, "buildings": built.assign(height=-1.0),
                               "roads": roads.to_crs(32651)})
    with pytest.raises(LayerError) as told:
        check(bad)
    assert "Toy town 1 has 2 faults" in str(told.value)
    assert "height is -1 m" in str(told.value)
    assert "(56 rows)" in str(told.value)
    assert "CRS is EPSG:32651, the city's is EPSG:32650" in str(told.value)
    assert isinstance(told.value, CityTwinError)
    assert isinstance(told.value, ValueError)


def test_places_read_plainly() -> None:
    assert str(Place()) == "place unknown"
    assert str(Place("CN", "Hubei", "user")) == "Hubei, CN"
    assert str(Place("CN", "", "nearest town")) == "CN (by nearest town)"
