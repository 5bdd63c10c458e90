"""The engine, the result and what is written: names, units, faults, round trips."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pytest
import rasterio
import xarray as xr

import layers
import scenarios as sc
import twin
from layers.errors import CityTwinError, SourceError
from layers.units import factor
from twin.engine import plan
from twin.estimate import Estimate, spread
from twin.factors import load as load_factors
from twin.indicators import INDICATORS
from twin.label import Var, indicator, label_of


@pytest.fixture(scope="module")
def town() -> layers.City:
    return layers.toy_town(seed=2)


@pytest.fixture(scope="module")
def base(town: layers.City) -> twin.Twin:
    return twin.run(town, cell_size=40)


def test_every_need_of_every_indicator_resolves() -> None:
    order = plan(INDICATORS)
    assert set(order) == set(INDICATORS)
    seen: set[str] = set()
    givers = {v.name for f in INDICATORS for v in label_of(f).gives}
    for function in order:
        assert not [n for n in label_of(function).needs if n in givers and n not in seen]
        seen |= {v.name for v in label_of(function).gives}


def test_every_indicator_has_unit_reference_and_test() -> None:
    tested = "\n".join(p.read_text(encoding="utf-8") for p in Path(__file__).parent.glob("*.py"))
    for function in INDICATORS:
        doc = function.__doc__ or ""
        for var in label_of(function).gives:
            assert factor(var.units, var.units) == 1.0
            assert var.long_name[0].isupper() or var.long_name.startswith("CO2")
            assert var.name in tested, f"{var.name} is in no test"
            if var.total == "sum":
                assert factor(f"{var.units} m2", var.unit_of_total) > 0
        assert "References\n    ----------" in doc, f"{function.__name__} names no reference"


def test_cells_carry_cf_attributes(base: twin.Twin) -> None:
    assert base.cells.attrs["Conventions"] == "CF-1.11"
    assert "Toy town" in base.cells.attrs["license"]
    assert "not measured" in base.cells.attrs["weather"]
    for name, data in base.cells.data_vars.items():
        assert data.attrs["units"], name
        assert data.attrs["long_name"], name
        assert data.attrs["grid_mapping"] == "spatial_ref"
        assert data.dims[-2:] == ("y", "x")
    assert base.cells["y"].attrs["standard_name"] == "projection_y_coordinate"
    assert base.cells["co2_net_low"].attrs["long_name"].endswith("(low end of the 95 % range)")


def test_ranges_enclose_values(base: twin.Twin) -> None:
    table = base.totals()
    known = table["low"].notna()
    told = {v.name for v in base.variables.values() if v.total
            and (v.estimate or "total_range" in base.cells[v.name].attrs)}
    assert set(table.index[known]) == told
    assert (table["low"] <= table["value"])[known].all()
    assert (table["value"] <= table["high"])[known].all()
    net = table.loc["co2_net"]
    parts = table.loc[["building_co2", "traffic_co2"]]
    assert net["high"] - net["value"] < (parts["high"] - parts["value"]).sum()


def test_want_computes_what_is_needed_and_no_more(town: layers.City) -> None:
    found = twin.run(town, want=["carbon_sink"])
    assert "carbon_sink" in found.variables
    assert "pv_yield" not in found.variables
    net = twin.run(town, want=["co2_net"])
    assert net.ledger is not None
    assert "building_co2" not in net.variables
    assert "pv_yield" not in net.variables


@pytest.mark.parametrize(("how", "words"), [
    ({"want": ["co2_nett"]}, "did you mean 'co2_net'"),
    ({"settings": {"road_trafic": {}}}, "did you mean 'road_traffic'"),
    ({"settings": {"road_traffic": {"volume": 1}}}, "did you mean 'volumes'"),
    ({"settings": {"road_traffic": {"volumes": "many"}}}, "expected 'class' or 'lanes'"),
])
def test_misspelt_names_are_answered(town: layers.City, how: dict[str, Any], words: str) -> None:
    with pytest.raises(CityTwinError, match=words):
        twin.run(town, **how)


def test_an_own_indicator_joins_the_line(town: layers.City) -> None:
    @indicator(Var("people_per_roof", "person m-2", "People per roof", total="mean"))
    def people_per_roof(residents: Estimate, building_coverage: Any) -> Any:
        """Residents over covered ground."""
        return residents.value / building_coverage.where(building_coverage > 0)

    found = twin.run(town, want=["people_per_roof"], extra=[people_per_roof])
    assert found.totals().loc["people_per_roof", "value"] > 0
    assert people_per_roof(Estimate(6.0, 5.0, 7.0), xr.DataArray(2.0)) == 3.0


def test_impossible_results_are_refused(town: layers.City) -> None:
    @indicator(Var("too_much", "1", "Too much", high=1.0))
    def too_much(grid: Any) -> Any:
        """Two in every cell."""
        return grid.field(np.full(grid.shape, 2.0))

    with pytest.raises(CityTwinError, match="outside its limits"):
        twin.run(town, want=["too_much"], extra=[too_much])


def test_indicators_in_a_circle_are_refused(town: layers.City) -> None:
    @indicator(Var("hen", "1", "Hen"))
    def hen(egg: Any) -> Any:
        """Needs the egg."""
        return egg

    @indicator(Var("egg", "1", "Egg"))
    def egg(hen: Any) -> Any:
        """Needs the hen."""
        return hen

    with pytest.raises(CityTwinError, match="circle"):
        plan((hen, egg))


def test_independent_ranges_add_by_the_root_of_squares() -> None:
    left, right = Estimate(10.0, 7.0, 14.0), Estimate(5.0, 1.0, 8.0)
    both, less = left + right, left - right
    assert (both.value, both.low, both.high) == pytest.approx((15, 10, 20))
    assert (less.value, less.low, less.high) == pytest.approx((5, 5 - np.hypot(3, 3),
                                                               5 + np.hypot(4, 4)))
    product = spread(100.0, (0.3, 0.3), (0.4, 0.4))
    assert (product.low, product.high) == pytest.approx((50, 150))


def test_cells_add_up_to_the_features(base: twin.Twin, town: layers.City) -> None:
    for name, layer in (("building_co2", "buildings"), ("traffic_co2", "roads")):
        table = base.features[layer]
        assert table.within(town.area).all() or layer == "roads"
        assert base.totals().loc[name, "value"] == pytest.approx(
            table[name].sum() / 1000, rel=1e-9)


def test_a_twin_comes_back_from_disk_as_it_was(base: twin.Twin, tmp_path: Path) -> None:
    wind = xr.Dataset({"speed": (("y", "x"), np.arange(6.0).reshape(2, 3))})
    whole = twin.Twin(base.cells, {"wind": wind}, base.features, base.variables, base.record)
    path = whole.save(tmp_path / "武汉" / "base.twin")
    again = twin.open(path)
    xr.testing.assert_identical(again.cells, whole.cells)
    xr.testing.assert_identical(again.fields["wind"], wind)
    assert again.totals().equals(whole.totals())
    assert again.variables == dict(whole.variables)
    assert list(again.features) == list(whole.features)
    assert again.features["buildings"].geometry.geom_equals(
        whole.features["buildings"].geometry).all()
    assert whole.save(path) == path
    assert [p.name for p in path.parent.iterdir()] == ["base.twin"]


def test_a_damaged_twin_is_named(base: twin.Twin, tmp_path: Path) -> None:
    path = base.save(tmp_path / "t")
    victim = next(p for p in (path / "features").iterdir())
    victim.write_bytes(victim.read_bytes()[:-10])
    with pytest.raises(SourceError, match=victim.name):
        twin.open(path)
    manifest = json.loads((path / "manifest.json").read_text(encoding="utf-8"))
    manifest["format"] = 99
    (path / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    with pytest.raises(SourceError, match="format 99"):
        twin.open(path)


def test_a_failing_save_leaves_the_old_twin(base: twin.Twin, tmp_path: Path,
                                            monkeypatch: pytest.MonkeyPatch) -> None:
    path = base.save(tmp_path / "t")
    before = (path / "manifest.json").read_bytes()
    monkeypatch.setattr(gpd.GeoDataFrame, "to_parquet", lambda *_, **__: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        base.save(path)
    assert (path / "manifest.json").read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["t"]


def test_exports_are_north_up_with_units(base: twin.Twin, tmp_path: Path) -> None:
    files = twin.export(base, tmp_path / "gis", formats=["tif", "gpkg", "nc", "csv"],
                        variables=["co2_net", "frontal_area_index"])
    assert {f.suffix for f in files} == {".tif", ".gpkg", ".nc", ".csv"}
    with rasterio.open(tmp_path / "gis" / "co2_net.tif") as band:
        assert band.units == ("kg m-2 a-1",)
        assert band.crs.to_epsg() == 32650
        assert band.transform.e < 0
        np.testing.assert_allclose(band.read(1)[::-1], base.cells["co2_net"], rtol=1e-6)
        assert "Toy town" in band.tags()["license"]
    with rasterio.open(tmp_path / "gis" / "frontal_area_index.tif") as bands:
        assert bands.count == 16
        assert bands.descriptions[4].endswith("sector 90")
    cells = gpd.read_file(tmp_path / "gis" / "cells.gpkg")
    assert (cells["co2_net"] * cells["cell_area"]).sum() / 1000 == pytest.approx(
        base.totals().loc["co2_net", "value"])
    assert (cells.geometry.area - 1600).abs().max() < 1e-6


def test_a_study_keeps_one_grid_and_comes_back(town: layers.City, tmp_path: Path) -> None:
    study = sc.study(town, sc.Scenario("更绿", sc.PlantTrees(spacing=6)),
                     sc.Scenario("lower", sc.CapHeights(8)), cell_size=40)
    assert study.cells.sizes["scenario"] == 3
    assert study.cells["scenario"].to_numpy().tolist() == ["base", "更绿", "lower"]
    change = study.change("lower")
    assert change.loc["building_co2", "change"] < 0
    assert change.loc["building_co2", "distinct"]
    assert change.loc["building_co2", "high"] < 0
    assert not change.loc["green_share", "distinct"]
    delta = study.change_cells("更绿")
    assert float(delta["crown_share"].sum()) > 0
    assert delta["crown_share"].attrs["long_name"].startswith("Change of ")
    again = sc.open_study(study.save(tmp_path / "s"))
    assert again.names == study.names
    assert again.totals().equals(study.totals())
    assert again.scenarios == study.scenarios
    assert again.cities["lower"].digest() == study.cities["lower"].digest()
    files = again.export(tmp_path / "out")
    assert (tmp_path / "out" / "更绿" / "co2_net.tif") in files


def test_the_range_of_a_net_change_is_that_of_what_changed(town: layers.City) -> None:
    change = sc.study(town, sc.Scenario("trees", sc.PlantTrees(spacing=6)),
                      cell_size=40).change("trees")
    sink, net = change.loc["carbon_sink"], change.loc["co2_net"]
    assert sink["low"] < sink["change"] < sink["high"]
    assert net["change"] == pytest.approx(-sink["change"])
    assert net["low"] == pytest.approx(-sink["high"])
    assert net["high"] == pytest.approx(-sink["low"])


def test_a_swap_of_uses_is_less_sure_than_a_demolition(town: layers.City) -> None:
    @dataclass(frozen=True)
    class Offices:
        """Make every shop an office."""

        def __call__(self, city: layers.City) -> layers.City:
            """Return the city without shops."""
            built = city.frame("buildings")
            use = built["use"].replace({"retail": "office"})
            return city.with_layers("offices", buildings=built.assign(use=use))

    study = sc.study(town, sc.Scenario("swap", Offices()), cell_size=40)
    swap = study.change("swap").loc["building_energy"]
    shops = study.twins["base"].features["buildings"].query("use == 'retail'")
    eui = {u: load_factors().pick(f"eui.{u}", town.place) for u in ("retail", "office")}
    area = shops["building_energy"].sum() / eui["retail"].value
    assert swap["change"] == pytest.approx(
        area * (eui["office"].value - eui["retail"].value) / 1e6, rel=1e-6)
    # The range of a swap is at least that of its two intensities, taken apart.
    apart = np.hypot(eui["retail"].high - eui["retail"].value,
                     eui["office"].value - eui["office"].low) * area / 1e6
    assert swap["change"] - swap["low"] >= apart


def test_features_weighed_by_their_share_inside_add_up(district: layers.City) -> None:
    found = twin.run(district, want=["building_co2"])
    table = found.features["buildings"]
    assert (table["inside"] < 1).any()
    assert (table["inside"] * table["building_co2"]).sum() / 1000 == pytest.approx(
        found.totals().loc["building_co2", "value"], rel=1e-9)


def test_a_province_that_is_none_is_told(town: layers.City) -> None:
    place = layers.Place("CN", "Hubai", "user")
    found = twin.run(replace(town, place=place), want=["building_co2"])
    assert any("'Hubai'" in k and "Hubei" in k for k in found.record["fallbacks"])
    fine = twin.run(replace(town, place=layers.Place("CN", "湖北省", "user")),
                    want=["building_co2"])
    assert not any("province" in k for k in fine.record["fallbacks"])


def test_scenarios_share_overlaps_of_layers_they_leave_alone(town: layers.City) -> None:
    from twin.pool import Overlaps

    shared = Overlaps()
    grid = twin.Grid.over(town.area, town.crs, 40)
    twin.run(town, grid=grid, overlaps=shared)
    made = len(shared.made)
    twin.run(sc.PlantTrees()(town), grid=grid, overlaps=shared)
    assert len(shared.made) == made + 1  # the trees alone
