"""The embedded cities: real, small, attributed, honest on what is not known, and offline."""

from __future__ import annotations

import math
import socket
import urllib.request
from importlib.resources import files
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
import xarray as xr

import layers
from layers.buildings import gross_floor_area, height_shares
from layers.checking import check
from layers.errors import CityTwinError
from layers.samples import DISTRICT, MARGIN, nantes_buildings, surveyed_heights

DATA = Path(str(files("layers"))) / "data"


def test_all_embedded_data_is_small() -> None:
    sizes = {p: p.stat().st_size for p in DATA.rglob("*") if p.is_file()
             and "__pycache__" not in p.parts}
    assert len(sizes) >= 8
    assert 100_000 < sum(sizes.values()) <= 3_000_000


def test_the_data_says_whose_it_is() -> None:
    text = (DATA / "nantes" / "ATTRIBUTION.md").read_text(encoding="utf-8")
    for word in ("BD TOPO", "IGN", "Licence Ouverte", "OpenStreetMap", "ODbL"):
        assert word in text
    for table in (DATA / "nantes").glob("*.parquet"):
        assert table.stem in text, table.name


def test_the_centre_of_nantes_is_all_there(nantes: layers.City) -> None:
    check(nantes)
    assert nantes.area.area / 1e6 == pytest.approx(5.65, abs=0.01)
    assert nantes.crs.to_epsg() == 2154
    built = nantes.frame("buildings")
    assert len(built) == 8619
    assert (built["height_from"] == "measured").sum() == surveyed_heights() == 8545
    assert height_shares(built)["measured"] == pytest.approx(8545 / 8619)
    assert len(nantes.frame("trees")) == 98
    assert nantes.frame("green").empty  # none is invented
    assert nantes.place == layers.Place("FR", "Pays de la Loire", "user")


def test_the_buildings_of_nantes_are_a_european_centre(nantes: layers.City) -> None:
    """Coverage, storeys and heights as in dense European centres (Oke et al. 2017, LCZ 2)."""
    built = nantes.frame("buildings")
    inside = built.intersection(nantes.area).area
    assert 0.25 < inside.sum() / nantes.area.area < 0.70
    assert 8 < np.average(built["height"], weights=built.area) < 25
    assert 1.0 < gross_floor_area(built).sum() / nantes.area.area < 3.0
    assert built["dwellings"].sum() > 10_000
    assert built["ground_z"].dropna().between(-5, 60).all()
    overlap = built.area.sum() - shapely.union_all(built.geometry.values).area
    assert overlap / built.area.sum() < 1e-4


def test_the_ground_of_nantes_agrees_with_its_buildings(nantes: layers.City) -> None:
    ground = nantes["terrain"]
    assert isinstance(ground, xr.DataArray)
    assert np.isfinite(ground).all()
    built = nantes.frame("buildings").dropna(subset="ground_z")
    point = built.representative_point()
    at = ground.interp(x=xr.DataArray(point.x.to_numpy()), y=xr.DataArray(point.y.to_numpy()))
    gap = (at.to_numpy() - built["ground_z"].to_numpy())
    assert np.nanmedian(np.abs(gap)) < 1.0


def test_the_district_is_a_cut_of_nantes(district: layers.City, nantes: layers.City) -> None:
    check(district)
    assert district.area.area == pytest.approx(1500.0 * 1500.0)
    assert district.area.bounds == DISTRICT
    assert district.crs == nantes.crs
    built = district.frame("buildings")
    assert len(built) == 6649
    assert set(built["id"]) <= set(nantes.frame("buildings")["id"])
    west, south, east, north = DISTRICT
    reach = shapely.box(west - MARGIN, south - MARGIN, east + MARGIN, north + MARGIN)
    assert built.intersects(reach).all()
    assert not built.intersects(district.area).all()  # some context lies outside
    assert 0 < district.controls["vehicle_km"] < nantes.controls["vehicle_km"]


def test_the_weather_is_a_full_year_and_not_measured(district: layers.City,
                                                     toy: layers.City) -> None:
    for city in (district, toy):
        weather = city["weather"]
        assert isinstance(weather, xr.Dataset)
        assert weather.sizes["time"] == 8760
        assert "not measured" in weather.attrs["title"]
    assert any("not measured" in source for source in district.sources)
    assert "not measured" in repr(district)


def test_each_source_names_its_licence(district: layers.City) -> None:
    text = "\n".join(district.sources)
    for word in ("BD TOPO", "Licence Ouverte 2.0", "OpenStreetMap contributors, ODbL 1.0",
                 "Weather: Nantes-Bouguenais", "Traffic control total"):
        assert word in text
    missing = dict(district.fallbacks)
    assert missing["trees are those of two squares only, none was invented"] == 98
    assert any("Loire" in what for what in missing)


def test_the_control_total_follows_from_the_streets(nantes: layers.City) -> None:
    roads = nantes.frame("roads")
    length = shapely.length(shapely.intersection(roads.geometry.values, nantes.area)) / 1000
    daily = pd.Series({"secondary": 6000.0, "tertiary": 6000.0, "residential": 500.0,
                       "unclassified": 500.0, "living_street": 250.0, "service": 250.0})
    total = 365 * (length * roads["class"].map(daily).fillna(0.0)).sum()
    assert nantes.controls["vehicle_km"] == pytest.approx(total)
    assert 3e7 < total < 3e8


def test_masking_hides_what_it_says_and_nothing_else() -> None:
    mask = np.zeros(surveyed_heights(), dtype=bool)
    mask[[0, 10, 8544]] = True
    hidden = nantes_buildings(masked=mask)
    assert len(hidden) == 3
    assert not (hidden["height_from"] == "measured").any()
    whole = nantes_buildings().set_index("id")
    assert whole.loc[hidden["id"], "height"].tolist() == hidden["true_height"].tolist()


@pytest.mark.parametrize(("name", "near"), [("Nante", "'nantes'"), ("distrikt", "'district'")])
def test_an_unknown_sample_gives_the_nearest(name: str, near: str) -> None:
    with pytest.raises(CityTwinError, match=f"no sample '{name}', did you mean {near}"):
        layers.sample(name)
    with pytest.raises(CityTwinError, match="Samples are 'district' and 'nantes'"):
        layers.sample("../../etc/passwd")


def test_a_toy_town_is_its_seed() -> None:
    assert layers.toy_town(seed=4).digest() == layers.toy_town(seed=4).digest()
    digests = {layers.toy_town(seed=seed).digest() for seed in range(6)}
    assert len(digests) == 6


def test_a_toy_town_is_lopsided(toy: layers.City) -> None:
    west, south, east, north = toy.area.bounds
    assert (east - west, north - south) == (400.0, 240.0)
    built = toy.frame("buildings")
    tower = built.loc[built["num_floors"].idxmax()]
    assert tower["num_floors"] == 18.0
    assert tower.geometry.centroid.x > west + 0.8 * (east - west)
    assert tower.geometry.centroid.y > south + 0.8 * (north - south)
    assert 0.3 < (built["height_from"] == "tag").mean() < 0.7
    assert set(built["height_from"]) == {"tag", "levels"}
    assert toy.frame("water").union_all().bounds[3] == north
    assert toy.frame("roads")["name"].str.contains("街").any()


def test_a_toy_town_can_be_larger() -> None:
    town = layers.toy_town(seed=0, blocks=(3, 6), country="CN")
    assert town.area.bounds[2] - town.area.bounds[0] == 240.0
    assert town.area.bounds[3] - town.area.bounds[1] == 480.0
    assert len(town.frame("buildings")) == (3 * 6 - 1) * 4
    assert town.place.country == "CN"
    check(town)


def test_layers_of_a_sample_cannot_change_the_next_one() -> None:
    first = layers.sample()
    table = first.frame("buildings")
    assert isinstance(table, gpd.GeoDataFrame)
    height = table["height"].iloc[0]
    changed = first.with_layers("x", buildings=table.assign(height=99.0))
    assert changed.frame("buildings")["height"].iloc[0] == 99.0
    assert layers.sample().frame("buildings")["height"].iloc[0] == height
    assert math.isclose(layers.sample().area.area, 2.25e6)


def test_no_test_can_reach_the_network() -> None:
    with pytest.raises(PermissionError, match=r"reached for the network: '192\.0\.2\.1'"):
        socket.create_connection(("192.0.2.1", 80), timeout=1)
    with socket.socket() as line, pytest.raises(PermissionError):
        line.connect_ex(("192.0.2.1", 80))
    with pytest.raises(PermissionError, match=r"example\.com"):
        socket.getaddrinfo("example.com", 443)
    with pytest.raises(OSError, match="reached for the network"):
        urllib.request.urlopen("http://example.com", timeout=1)
    with socket.create_server(("127.0.0.1", 0)) as server:
        socket.create_connection(server.getsockname(), timeout=1).close()
