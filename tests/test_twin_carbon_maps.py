"""Emissions per cell in pictures: where they stand, how high, in which colour, and their sums."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import geopandas as gpd
import numpy as np
import pytest
import xarray as xr
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from scipy.sparse import csr_array
from shapely.geometry import box

from layers.city import City
from layers.errors import CityTwinError, MissingExtra, MissingInput
from layers.registry import LAYERS
from twin import opengl
from twin.carbon.boundaries import BOUNDARIES, inside, is_sink
from twin.carbon.entries import entries
from twin.carbon.ledger import ledger
from twin.carbon.lines import is_built
from twin.carbon.parts import Part
from twin.carbon_cells import sectors_of, share_words, tenth, tonnes, whole_of
from twin.carbon_classes import EDGES, classes, draw_classes, round_top
from twin.carbon_columns import TALL, draw_carbon_columns, in_order, stacked
from twin.carbon_legend import COLOURS
from twin.carbon_map import draw_carbon_maps
from twin.result import Twin
from twin.scene.columns import SLIM, WIDE, boxes_mesh
from twin.scene.mesh import areas, normals
from twin.scene.palette import palette

CRS = "EPSG:2154"
EAST, NORTH, STEP = 355_000.0, 6_689_000.0, 50.0
NX, NY = 6, 4
SMALL = (960, 720)

HOME = Part("buildings", "buildings", "residential", "gas", 1, "B6", "kWh a-1", "fuel.gas.FR")
SHOP = HOME.but(sub="retail", item="electricity", scope=2, factor_id="grid.FR")
BUILT = HOME.but(sector="construction", sub="building", item="concrete", scope=3, stage="A1-A3",
                 factor_id="concrete.FR")
CAR = Part("roads", "traffic", "primary", "petrol", 1, "tailpipe", "km a-1", "fuel.petrol.FR")
TREE = Part("green", "sinks", "tree", "uptake", 1, "removal", "m2", "sink.tree.FR")


def town() -> City:
    """Six by four cells, a house in each."""
    shapes = [box(EAST + STEP * x + 10, NORTH + STEP * y + 10, EAST + STEP * x + 40,
                  NORTH + STEP * y + 35) for y in range(NY) for x in range(NX)]
    table = gpd.GeoDataFrame({"id": [f"b{k}" for k in range(len(shapes))], "height": 9.0},
                             geometry=shapes, crs=CRS)
    area = box(EAST, NORTH, EAST + STEP * NX, NORTH + STEP * NY)
    return City({"buildings": LAYERS["buildings"].conform(table)}, area, table.crs, name="Nantes")


def twin_of(homes: dict[int, float], *, more: Any = (), area: Any = None) -> Twin:
    """Return a twin in which homes emit so much in some cells [kg a-1], and nothing else does."""
    count = NX * NY
    rows, values = list(homes), list(homes.values())
    given = [entries("buildings", count, [(HOME, rows, values, values), *more])]
    book = ledger(given, {"buildings": csr_array(np.eye(count))}, count)
    x = EAST + STEP * (np.arange(NX) + 0.5)
    y = NORTH + STEP * (np.arange(NY) + 0.5)
    held = np.full((NY, NX), STEP**2) if area is None else area
    cells = xr.Dataset({"cell_area": (("y", "x"), held)}, coords={"x": x, "y": y})
    return Twin(cells, record={"city": "Nantes", "cell_size": STEP}, ledger=book)


def full_twin() -> Twin:
    """Return a twin with all sectors: homes in the north-east, traffic along the south."""
    count, every = NX * NY, np.arange(NX * NY)
    east = every[-3:]
    book = ledger(
        [entries("buildings", count, [(HOME, east, 0.0, [1e5, 2e5, 4e5]), (SHOP, [0], 0.0, [5e4]),
                                      (BUILT, east, 0.0, 5e4)]),
         entries("roads", count, [(CAR, every[:NX], 0.0, 2e4)]),
         entries("green", count, [(TREE, [7], 0.0, [-600.0])])],
        {name: csr_array(np.eye(count)) for name in ("buildings", "roads", "green")}, count)
    return replace(twin_of({0: 1.0}), ledger=book)


NORTH_EAST = NX * NY - 1  # row 0 is the south, column 0 the west


def test_emissions_in_the_north_east_alone_raise_one_column_there() -> None:
    city, found = town(), twin_of({NORTH_EAST: 2.0e5})
    sectors = sectors_of(found, uses=True)
    assert [s.key for s in sectors] == ["homes", "sinks"]
    # 200 t on a quarter of a hectare.
    assert float(sectors[0].cells[-1, -1]) == pytest.approx(800.0)
    scene, tick, marks, _ = stacked(city, sectors, found.cells["cell_area"])
    assert tick * marks == 800.0
    mesh, wide = scene.buildings, STEP * NX
    column = mesh.triangles[mesh.feature == NORTH_EAST]
    assert set(mesh.feature.tolist()) == {NORTH_EAST, -1}
    corner = mesh.vertices[column].reshape(-1, 3).astype(float)
    assert corner[:, 2].min() == 0.0
    assert corner[:, 2].max() == pytest.approx(TALL * wide, rel=1e-6)
    middle = (corner.min(axis=0) + corner.max(axis=0))[:2] / 2 + scene.origin[:2]
    assert middle == pytest.approx([EAST + 5.5 * STEP, NORTH + 3.5 * STEP], abs=1e-3)
    assert np.ptp(corner[:, 0]) == pytest.approx(WIDE * STEP, abs=1e-3)
    assert scene.tones is not None
    assert (scene.tones[mesh.feature == NORTH_EAST] == to_rgb(COLOURS["homes"])).all()


def test_a_column_is_stacked_without_gaps_and_its_layers_have_their_heights() -> None:
    found = full_twin()
    sectors = in_order(sectors_of(found, uses=True))
    assert [s.key for s in sectors] == ["construction", "traffic", "work", "homes", "sinks"]
    scene, tick, marks, times = stacked(town(), sectors, found.cells["cell_area"], top=2000.0)
    mesh, per_tonne = scene.buildings, TALL * STEP * NX / 2000.0
    assert tick * marks == 2000.0
    assert scene.tones is not None
    tops = {}
    for key in ("construction", "homes"):
        mine = (mesh.feature == NORTH_EAST) & (scene.tones == to_rgb(COLOURS[key])).all(axis=1)
        z = mesh.vertices[mesh.triangles[mine]][..., 2]
        tops[key] = float(z.min()), float(z.max())
    # 50 t and 400 t on a quarter of a hectare: 200 and 1,600 t a hectare.
    assert tops["construction"] == pytest.approx((0.0, 200 * per_tonne), rel=1e-6)
    assert tops["homes"] == pytest.approx((200 * per_tonne, 1800 * per_tonne), rel=1e-6)
    green = (scene.tones == to_rgb(COLOURS["sinks"])).all(axis=1)
    assert set(mesh.feature[green].tolist()) == {7}
    crown = mesh.vertices[mesh.triangles[green]].reshape(-1, 3)
    # 2.4 t a hectare, drawn 200 times taller: 480 of the 500 of a quarter of the staff.
    assert times == 200
    assert float(crown[:, 2].max()) == pytest.approx(2.4 * 200 * per_tonne, rel=1e-6)
    assert np.ptp(crown[:, 0]) == pytest.approx(SLIM * STEP, abs=1e-3)


def test_the_volume_of_a_column_at_the_edge_is_what_its_cell_holds() -> None:
    area = np.full((NY, NX), STEP**2)
    area[-1, -1] = STEP**2 / 4
    found = twin_of({0: 1e5, NORTH_EAST: 5e4}, area=area)
    scene, *_ = stacked(town(), sectors_of(found, uses=True), found.cells["cell_area"])
    mesh = scene.buildings
    volume = {}
    for cell in (0, NORTH_EAST):
        p = mesh.vertices[mesh.triangles[mesh.feature == cell]].reshape(-1, 3).astype(float)
        volume[cell] = np.prod(np.ptp(p, axis=0))
    assert volume[NORTH_EAST] / volume[0] == pytest.approx(0.5, rel=1e-4)


def test_boxes_look_outward_and_have_the_area_of_boxes() -> None:
    one = np.ones(1)
    mesh = boxes_mesh(3 * one, -2 * one, 4 * one, 1 * one, 6 * one, np.array([9]))
    assert areas(mesh).sum() == pytest.approx(4 * 4 * 5 + 4 * 4)  # four walls and a roof
    middle = mesh.vertices[mesh.triangles].mean(axis=1) - np.array([3.0, -2.0, 3.5])
    assert ((normals(mesh) * middle).sum(axis=1) > 0).all()
    none = np.zeros(0)
    assert len(boxes_mesh(none, none, none, none, none, none.astype(int)).triangles) == 0


def test_cells_and_sums_are_those_of_the_ledger() -> None:
    found = full_twin()
    assert found.ledger is not None
    area = found.cells["cell_area"]
    for boundary in BOUNDARIES[:2] + BOUNDARIES[3:]:
        sectors = sectors_of(found, boundary)
        whole = found.ledger.total(inside(boundary)).value / 1000
        assert whole_of(sectors) == pytest.approx(whole, rel=1e-9)
        for one in sectors:
            on_cells = float((one.cells.fillna(0) * area).sum()) / 1e4
            assert on_cells == pytest.approx(float(one.total.value), rel=1e-9)
        green = found.ledger.total(is_sink)
        assert sectors[-1].total.value == pytest.approx(-green.value / 1000) == 0.6
        built = next(s for s in sectors if s.key == "construction")
        assert built.total.value == pytest.approx(found.ledger.total(is_built).value / 1000)
        assert built.counted == (boundary == "lifecycle")
    alone = found.ledger.where(lambda p: p.sector == "construction")
    with pytest.raises(MissingInput, match="nothing is emitted inside the territorial"):
        sectors_of(replace(found, ledger=alone), "territorial")


def test_cells_are_those_of_the_variables(district_twin: Twin) -> None:
    sectors = {s.key: s for s in sectors_of(district_twin, "lifecycle")}
    for key, name in (("construction", "construction_co2"), ("sinks", "carbon_sink")):
        told = district_twin.cells[name]
        mine = sectors[key].cells * 1000 / 1e4
        assert told.attrs["units"] == "kg m-2 a-1"
        assert mine.to_numpy() == pytest.approx(told.to_numpy(), rel=1e-6, abs=1e-6)


@pytest.fixture(scope="module")
def district_twin(toy: City) -> Twin:
    import twin

    return twin.run(toy, cell_size=40,
                    want=["construction_co2", "building_co2", "residents", "co2_net"])


def test_classes_are_round_rise_and_take_the_colours_of_their_family() -> None:
    for top in (1.0, 2.0, 400.0, 5000.0):
        edges, ramp = classes(top, sink=False)
        assert edges == pytest.approx(np.array(EDGES) * top)
        light = np.asarray(ramp(np.arange(len(edges))))[:, :3] @ [0.2126, 0.7152, 0.0722]
        assert (np.diff(light) < 0).all()  # darker is more
    green = np.asarray(classes(1.0, sink=True)[1](np.arange(len(EDGES))))[:, :3]
    assert (green[:, 1] > green[:, 0]).all()
    assert (green[:, 1] > green[:, 2]).all()
    assert round_top(np.array([0.0, np.nan, 730.0])) == 800.0
    assert round_top(np.zeros(3)) == 1.0


def test_a_map_colours_the_north_east_cell_and_lets_the_ground_through_elsewhere() -> None:
    city, found = town(), twin_of({NORTH_EAST: 2.0e5, 0: 1.5e3})
    cells = sectors_of(found)[0].cells
    figure = Figure(figsize=(3, 2), dpi=100)
    axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
    draw_classes(axes, city, cells, 800.0, sink=False)
    drawn = axes.images[1]
    shown = np.ma.getmaskarray(np.ma.asarray(drawn.get_array()))
    # 6 t a hectare in the south-west lie below the first class, 8.
    assert not shown[-1, -1]
    assert shown.sum() == NX * NY - 1
    colour = np.asarray(drawn.cmap(drawn.norm(np.ma.asarray(drawn.get_array()))))[-1, -1, :3]
    assert colour == pytest.approx(palette("co2").ramp()(1.0)[:3], abs=0.02)
    assert tuple(drawn.get_extent()) == (EAST, EAST + NX * STEP, NORTH, NORTH + NY * STEP)


def words_of(path: Path) -> list[str]:
    """Return the texts of an SVG."""
    return ["".join(t.itertext()).strip() for t in ElementTree.parse(path).iter()
            if t.tag.endswith("}text")]


def test_the_plan_prints_the_sums_of_the_ledger(tmp_path: Path) -> None:
    found = full_twin()
    out = draw_carbon_maps(found, tmp_path / "城市.svg", city=town(), size=SMALL,
                           date="2026-01-31")
    said = words_of(out)
    # 700 t of homes, 50 of a shop, 120 of cars; 150 of construction beside them; 0.6 taken up.
    for words in ("750 t/yr", "120 t/yr", "150 t/yr", "0.600 t/yr", "86 % of the supply total",
                  "14 % of the supply total", "not in the supply total; equals 17 % of it",
                  "offsets 0.069 % of the supply total"):
        assert words in said, words
    assert any("Supply boundary: 870 t/yr" in s and "2026-01-31" in s for s in said)
    assert "[t/(ha yr)]" in " ".join(said)


def test_the_columns_print_the_sums_of_the_ledger(tmp_path: Path) -> None:
    try:
        opengl.probe()
    except MissingExtra as error:
        pytest.skip(f"no 3D here: {error}")
    out = draw_carbon_columns(full_twin(), tmp_path / "columns.svg", city=town(), size=SMALL)
    said = words_of(out)
    for words in ("700 t/yr", "50.0 t/yr", "120 t/yr", "150 t/yr", "870 t/yr", "0.600 t/yr"):
        assert words in said, words
    assert any(re.search(r"drawn 200 times too tall", s) for s in said)
    # The staffs are read in steps of 500 up to above the highest column, 1,800.
    assert {"500", "1,000", "1,500", "2,000"} <= set(said)


def test_shares_are_told_in_words() -> None:
    sectors = {s.key: s for s in sectors_of(full_twin())}
    assert share_words(sectors["traffic"], 1200.0, "supply") == "10 % of the supply total"
    assert share_words(sectors["sinks"], 1e9, "supply").startswith("offsets less than 0.001 %")
    assert tonnes(sectors["buildings"].total)[0] == "750 t/yr"
    even = sectors["traffic"].cells.copy(data=np.ones((NY, NX)))
    area = full_twin().cells["cell_area"]
    assert tenth(even, area) == pytest.approx(0.1)
    one = even.copy(data=np.eye(NY, NX, 2))  # 4 of 24 cells, so a tenth is 2.4 of the 4
    assert tenth(one, area) == pytest.approx(0.6)


def test_a_twin_without_a_ledger_is_one_clear_error(tmp_path: Path) -> None:
    bare = replace(full_twin(), ledger=None)
    for draw in (draw_carbon_maps, draw_carbon_columns):
        with pytest.raises(MissingInput, match="Nantes has no carbon account") as found:
            draw(bare, tmp_path / "no.png", city=town())
        assert "co2_net" in str(found.value)
        assert "\n" not in str(found.value)
    assert not list(tmp_path.iterdir())
    with pytest.raises(CityTwinError, match="there is no boundary 'suply'"):
        draw_carbon_maps(full_twin(), tmp_path / "no.png", city=town(), boundary="suply")


def test_another_city_is_refused(tmp_path: Path, toy: City) -> None:
    with pytest.raises(MissingInput, match="not the study area"):
        draw_carbon_maps(full_twin(), tmp_path / "no.png", city=toy)


def test_the_command_draws_the_maps(tmp_path: Path, district_twin: Twin, call: Any) -> None:
    district_twin.save(tmp_path / "a.twin")
    code, out, err = call("carbon", tmp_path / "a.twin", "--picture", tmp_path / "maps.png")
    assert code == 0, err
    assert str(tmp_path / "maps.png") in out
    assert (tmp_path / "maps.png").read_bytes().startswith(b"\x89PNG")
