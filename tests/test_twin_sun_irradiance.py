"""Light on cells, planes and walls: exact shapes, plain NumPy, conservation, every sun."""

from __future__ import annotations

import math
import tracemalloc
from pathlib import Path

import numba
import numpy as np
import pandas as pd
import pvlib
import pytest
import xarray as xr

from layers.errors import CityTwinError, GridError
from layers.normals import load_normals
from layers.typical_year import typical_year
from layers.weather import as_weather, read_weather, year_of_hours
from twin.sun.adding import add_light, finish
from twin.sun.audit import audit_weather, corrected
from twin.sun.horizon import FULL
from twin.sun.irradiance import irradiate
from twin.sun.lanes import no_sums, pack
from twin.sun.light import light_of_suns
from twin.sun.planes import LEVEL, planes_of
from twin.sun.points import Points
from twin.sun.scenes import (
    ALBEDO,
    SCENES,
    computed,
    computed_cells,
    horizon_at,
    reference,
    surface_of,
)
from twin.sun.table import SunTable, sun_table
from twin.sun.transposed import transposed

F4 = np.float32
LATITUDE, LONGITUDE = 36.1, -79.95  # Greensboro, North Carolina
SHARED = Path(__file__).resolve().parents[2] / "shared" / "data" / "weather"


@pytest.fixture(scope="module")
def weather():
    return read_weather(Path(pvlib.__path__[0]) / "data" / "723170TYA.CSV")


@pytest.fixture(scope="module")
def table(weather):
    return sun_table(weather, LATITUDE, LONGITUDE, periods="months")


def made_up_table(directions=72, periods=2, seed=0):
    """Random suns in every direction, above random heights."""
    rng = np.random.default_rng(seed)
    height = rng.uniform(0, 1.4, (400, periods))
    level = (np.sin(height) * 360).astype(int)
    sector = rng.integers(0, directions, (400, periods))
    turn = 2 * np.pi * sector / directions
    sun = np.stack([np.cos(height) * np.sin(turn), np.cos(height) * np.cos(turn), np.sin(height),
                    np.ones_like(height)], -1)
    sums = np.zeros((periods, directions, 361, 4))
    for p in range(periods):
        np.add.at(sums[p], (sector[:, p], level[:, p]), sun[:, p])
    sums = sums[:, :, ::-1].cumsum(axis=2)[:, :, ::-1].astype(F4)
    one = np.arange(1.0, periods + 1)
    return SunTable(tuple(str(p) for p in range(periods)), np.ascontiguousarray(sums[..., :3]),
                    sums[..., 3].copy(), 30 * one, 4 * one, 250 * one)


def town(side=60, seed=1, count=9):
    rng = np.random.default_rng(seed)
    z = np.zeros((side, side), F4)
    for _ in range(count):
        j, i = rng.integers(0, side - 12, 2)
        z[j:j + 11, i:i + 8] = rng.uniform(4, 25)
    return z


def canyon(ratio, width=21, length=1601):
    z = np.full((width + 20, length), ratio * width, F4)
    z[10:-10] = 0
    return z


# --- exact shapes ---------------------------------------------------------------------------------

@pytest.mark.parametrize(("ratio", "centre", "mean"), [
    (0.5, 0.7071, 0.6180), (1.0, 0.4472, 0.4142), (2.0, 0.2425, 0.2361)])
def test_canyon_floor_sees_what_geometry_says(table, ratio, centre, mean):
    view = irradiate(canyon(ratio), 1.0, table)["sky_view"].to_numpy()[10:-10, 800]
    assert view[10] == pytest.approx(centre, rel=0.01)
    assert view.mean() == pytest.approx(mean, rel=0.01)
    np.testing.assert_allclose(view, view[::-1], atol=2e-3)


@pytest.mark.parametrize(("ratio", "middle", "mean"), [
    (0.5, 0.3787, 0.3820), (1.0, 0.2764, 0.2929), (2.0, 0.1464, 0.1910)])
@pytest.mark.parametrize("north", [True, False])
def test_canyon_wall_sees_what_geometry_says(table, ratio, middle, mean, north):
    z = canyon(ratio)
    heights = (np.arange(16) + 0.5) / 16 * ratio * 21
    y, aspect = (31.0, 180.0) if north else (10.0, 0.0)
    walls = Points(800.5, y, np.append(heights, ratio * 10.5), 90.0, aspect)
    view = irradiate(z, 1.0, table, points=walls)["point_sky_view"].to_numpy()
    assert view[-1] == pytest.approx(middle, rel=0.002)
    assert view[:-1].mean() == pytest.approx(mean, rel=0.002)


@pytest.mark.parametrize(("angle", "exact"), [(10, 0.970), (30, 0.750), (45, 0.500), (60, 0.250)])
def test_round_pit_sees_cos_squared(table, angle, exact):
    y, x = np.mgrid[-60:61, -60:61]
    depth = 50 * math.tan(math.radians(angle))  # so that sin^2(atan(R/D)) = cos^2(angle)
    z = np.where(np.hypot(x, y) < 50, 0, depth).astype(F4)
    view = irradiate(z, 1.0, table)["sky_view"].to_numpy()
    assert view[60, 60] == pytest.approx(exact, abs=0.006)


@pytest.mark.parametrize("tilt", [0, 3, 20, 45, 70, 90])
@pytest.mark.parametrize("aspect", [0, 77, 180, 301])
def test_open_tilted_plane_sees_its_half_angle(table, tilt, aspect):
    z, full = np.zeros((4, 5), F4), np.ones((4, 5))
    view = irradiate(z, 1.0, table, slope=full * tilt, aspect=full * aspect)["sky_view"]
    np.testing.assert_allclose(view, (1 + math.cos(math.radians(tilt))) / 2, atol=7e-4)


def test_open_level_ground_gets_the_global_irradiation(table):
    found = irradiate(np.zeros((4, 4), F4), 1.0, table)
    assert float(found["irradiation"][0, 0]) == pytest.approx(table.ghi.sum(), rel=0.01)
    np.testing.assert_allclose(found["irradiation_month"][0, 0],
                               table.ghi * (1 + table.closure), atol=0.05)
    assert found["sky_view"].values == pytest.approx(1, abs=1e-5)
    np.testing.assert_allclose(found["sun_hours"], table.hours[:, :, 0].sum(), rtol=1e-5)


def test_sun_hours_above_an_even_horizon_are_counted_by_the_clock(table, weather):
    y, x = np.mgrid[-60:61, -60:61]
    z = np.where(np.hypot(x, y) < 50, 0, 50 * math.tan(math.radians(30))).astype(F4)
    hours = float(irradiate(z, 1.0, table)["sun_hours"][60, 60])
    stamps = weather["time"].to_index().tz_localize("UTC")
    every = stamps.repeat(6) + np.tile(np.arange(-25, 30, 10), len(stamps)) * np.timedelta64(1, "m")
    sun = pvlib.solarposition.get_solarposition(every, LATITUDE, LONGITUDE)
    assert hours == pytest.approx(float((sun["apparent_elevation"] > 30).sum()) / 6, rel=0.01)


@pytest.fixture(scope="module")
def light(weather):
    return light_of_suns(weather, LATITUDE, LONGITUDE)


def test_scenes_agree_with_every_sun_and_exact_shapes(light, table):
    exact = np.array([reference(s, light) for s in SCENES])
    off = np.array([computed(s, table).sum() for s in SCENES]) / exact - 1
    assert np.abs(off).max() < 0.0025
    assert np.sqrt(np.mean(off**2)) < 0.0015


@pytest.mark.parametrize("scene", [s for s in SCENES if s.boxes and s.slope < 90],
                         ids=lambda s: s.name[:20])
def test_cells_of_a_scene_agree_on_average(light, table, scene):
    """The edge of a tower moves what a cell sees by up to 2.5 degrees, one way or the other."""
    places, found = computed_cells(scene, table)
    exact = np.array([reference(place, light) for place in places])
    assert len(places) == 49
    assert found.mean() == pytest.approx(exact.mean(), rel=0.004)
    assert found == pytest.approx(exact, rel=0.025)


def clear_kathmandu():
    """Return a year without a cloud at 27.7 N 85.3 E, 1400 m: as much direct light as can be."""
    stamps = year_of_hours(8760, start=-5.75)
    site = pvlib.location.Location(27.7, 85.3, altitude=1400)
    sky = site.get_clearsky(pd.DatetimeIndex(stamps, tz="UTC"), model="ineichen",
                            linke_turbidity=3.0)
    return as_weather({k: sky[k].to_numpy() for k in ("ghi", "dni", "dhi")} | {
        "temp_air": np.full(8760, 15.0), "pressure": np.full(8760, 85600.0)}, stamps,
        where="clear", latitude=27.7, longitude=85.3, utc_offset=5.75)


def weather_of(name):
    if name == "clear Kathmandu":
        return clear_kathmandu()
    if name == "typical Nantes":
        normals, meta = load_normals("nantes")
        return typical_year(normals, **{k: meta[k] for k in (
            "title", "source", "licence", "latitude", "longitude", "elevation", "utc_offset")})
    path = (Path(pvlib.__path__[0]) / "data" if name == "12839.tm2" else SHARED) / name
    if not path.is_file():
        pytest.skip(f"the weather file {name} is not here")
    found = read_weather(path)
    return corrected(found, audit_weather(found))


@pytest.mark.parametrize("name", [
    "typical Nantes", "clear Kathmandu", "12839.tm2", "CHN_HB_Tianhe-Wuhan.574940_TMYx.epw",
    "Shanghai-Hongqiao_1956_2023_TMYx.epw", "pvgis_tmy_45.000_8.000_2005_2023.csv"])
def test_open_planes_get_what_pvlib_gives_them_sun_by_sun(name):
    """The same suns and hours; what remains is the table and, in cells, the cut of a wall."""
    weather = weather_of(name)
    where = weather.attrs["latitude"], weather.attrs["longitude"]
    table = sun_table(weather, *where)
    aspect = np.arange(0, 360, 22.5)  # a wall along a direction, and half-way between two
    for tilt, points, cells in ((0, 1e-5, 1e-5), (15, 1e-4, 1e-4), (30, 1e-4, 1e-4),
                                (60, 3e-4, 4e-4), (90, 6e-4, 2.5e-3)):
        exact = transposed(weather, *where, slope=tilt, aspect=aspect, albedo=ALBEDO)
        full = np.ones((2, len(aspect)))
        found = irradiate(0 * full, 1.0, table, slope=full * tilt, aspect=full * aspect,
                          albedo=ALBEDO, sunlit=1.0, points=Points(1.0, 1.0, 0.0, tilt, aspect))
        np.testing.assert_allclose(found["point_irradiation"], exact, rtol=points)
        np.testing.assert_allclose(found["irradiation"][0], exact, rtol=cells)


def test_scene_horizons_equal_those_of_their_rasters():
    for scene in SCENES:
        if scene.z or scene.y:
            continue
        z = surface_of(scene, 1.0)
        y, x = np.mgrid[0:len(z), 0:len(z)] - len(z) // 2
        away = np.where((x != 0) | (y != 0), np.hypot(x, y), np.inf)
        highest = float(horizon_at(scene, np.arange(0.0, 360.0, 0.25)).max())
        assert highest == pytest.approx(math.degrees(math.atan((z / away).max())), abs=1.5)


# --- plain NumPy ----------------------------------------------------------------------------------

@pytest.mark.parametrize("tilted", [False, True])
@pytest.mark.parametrize("leafy", [False, True])
def test_adding_light_equals_plain_numpy(tilted, leafy):
    table = made_up_table(directions=8)
    rng = np.random.default_rng(4)
    count, through = 300, np.array([0.3, 0.7])
    codes = (rng.random((8, count)) ** 2 * FULL).astype(np.uint16)
    leaves = np.sort(rng.integers(0, FULL, (2, 8, count)), axis=0).astype(np.uint16)
    slope = np.where(rng.random(count) < 0.5, rng.uniform(1, 89, count), 0) * tilted
    aspect = rng.uniform(0, 360, count)
    planes = planes_of(slope, aspect) if tilted else LEVEL
    sums = no_sums(count, table, tilted=tilted)
    turn = np.deg2rad(table.azimuths)
    add_light(0, count, codes, leaves if leafy else leaves[:, :, :0], pack(table),
                    pack(table, through), turn.astype(F4), planes, F4(0.5), sums)

    b, f = np.deg2rad(slope), np.deg2rad(aspect)
    normal = np.stack([np.sin(b) * np.sin(f), np.sin(b) * np.cos(f), np.cos(b)])

    def above(level, d, p):
        """Irradiation, hours and view above a sine, after the formulas."""
        beam = np.array([np.interp(level, table.sines, table.beam[p, d, :, c]) for c in range(3)])
        zenith = np.arccos(level)
        ahead = normal[0] * np.sin(turn[d]) + normal[1] * np.cos(turn[d])
        view = (normal[2] * np.sin(zenith)**2
                + ahead * (zenith - np.sin(zenith) * np.cos(zenith))) / 8
        return (np.maximum((beam * normal).sum(axis=0), 0) + table.isotropic[p] * view,
                np.interp(level, table.sines, table.hours[p, d]), view)

    light, hours, sky = np.zeros((2, count)), np.zeros(count), np.zeros(count)
    mean = float(through @ table.isotropic / table.isotropic.sum())
    for d in range(8):
        ahead = normal[0] * np.sin(turn[d]) + normal[1] * np.cos(turn[d])
        own = np.sin(np.arctan2(np.maximum(-ahead, 0), normal[2]))
        low = np.maximum(codes[d] / FULL, own)
        high = np.maximum(low, leaves[1, d] / FULL if leafy else low)
        mid = np.clip(leaves[0, d] / FULL if leafy else low, low, high)
        for p in range(2):
            at_low, at_mid, at_high = (above(v, d, p) for v in (low, mid, high))
            light[p] += (at_low[0] - at_mid[0] + at_high[0]
                         + through[p] * (at_mid[0] - at_high[0]))
            hours += at_low[1] - at_mid[1] + at_high[1]
        sky += at_low[2] - at_mid[2] + at_high[2] + mean * (at_mid[2] - at_high[2])
    np.testing.assert_allclose(sums.period.T * sums.unit, light, atol=0.01,
                               rtol=2e-4)
    np.testing.assert_allclose(sums.year, light.sum(axis=0), atol=0.02, rtol=2e-4)
    np.testing.assert_allclose(sums.hours, hours, atol=0.02, rtol=1e-4)
    np.testing.assert_allclose(sums.sky, sky, atol=2e-4)


def test_finishing_adds_horizon_and_reflection():
    sums = no_sums(3, made_up_table(), tilted=True)
    sums.sky[:], sums.band[:] = (1.0, 0.5, 0.2), (0.0, 1.0, 0.4)
    sums.period[:], sums.year[:] = round(10 / sums.unit), 20.0
    finish(0, 3, sums, np.array([5.0, -30.0], F4), np.array([40.0, 10.0], F4))
    more = np.array([[0, 0], [5 + 20, -30 + 5], [2 + 32, -12 + 8]])
    np.testing.assert_allclose(sums.period * sums.unit, np.maximum(10.0 + more, 0),
                               atol=1.01 * sums.unit)
    np.testing.assert_allclose(sums.year, 20.0 + more.sum(axis=1), atol=1e-4)


# --- what must hold anywhere ----------------------------------------------------------------------

def test_months_sum_to_the_year(table):
    found = irradiate(town(), 1.0, table)
    assert found["irradiation_month"].dtype.kind == "f"
    np.testing.assert_allclose(found["irradiation_month"].sum("month"), found["irradiation"],
                               atol=0.25)


def test_a_table_of_the_year_gives_the_year(weather, table):
    year = sun_table(weather, LATITUDE, LONGITUDE, directions=72)
    found, months = (irradiate(town(), 1.0, t) for t in (year, table))
    np.testing.assert_allclose(found["irradiation"], months["irradiation"], rtol=3e-3)
    # The single period is kept in steps of 0.075 kWh m-2, cut 36 times.
    np.testing.assert_allclose(found["irradiation_month"][..., 0], found["irradiation"], atol=0.8)


def test_turning_town_and_sun_turns_the_light():
    table, z = made_up_table(), town(40)
    beam = np.roll(table.beam, -18, axis=1)
    turned = SunTable(table.periods, np.stack([-beam[..., 1], beam[..., 0], beam[..., 2]], -1),
                      np.roll(table.hours, -18, axis=1), table.isotropic, table.horizon, table.ghi)
    slope = np.where(z > 10, 25.0, 0.0)
    before = irradiate(z, 1.0, table, slope=slope, aspect=np.full(z.shape, 130.0))
    after = irradiate(z.T[:, ::-1], 1.0, turned, slope=slope.T[:, ::-1],
                      aspect=np.full(z.shape, 40.0))
    for name in ("irradiation", "sky_view", "sun_hours"):
        np.testing.assert_allclose(after[name], before[name].to_numpy().T[:, ::-1], rtol=2e-3,
                                   atol=0.02)


def test_more_obstruction_never_adds_light(table):
    z = town()
    before = irradiate(z, 1.0, table, albedo=0.0)
    rng = np.random.default_rng(0)
    for _ in range(4):
        j, i = rng.integers(0, 52, 2)
        z[j:j + 6, i:i + 6] += 12
        after = irradiate(z, 1.0, table, albedo=0.0)
        same = z == town()
        for name, slack in (("irradiation", 0.05), ("sky_view", 1e-5), ("sun_hours", 0.01)):
            more = (after[name] - before[name]).to_numpy()[same]
            assert more.max() <= slack
            assert more.min() < -slack


def test_a_constant_height_more_changes_nothing(table):
    z = np.round(town() * 8) / 8
    low, high = (irradiate(z + F4(add), 1.0, table) for add in (0, 256))
    np.testing.assert_allclose(high["irradiation"], low["irradiation"], rtol=1e-4)


def test_a_place_higher_up_sees_more(table):
    mast = Points(30.5, 20.5, np.arange(0.0, 30, 2))
    found = irradiate(town(), 1.0, table, points=mast, albedo=0.0)
    for name in ("point_irradiation", "point_sky_view", "point_sun_hours"):
        assert (np.diff(found[name]) >= -1e-3).all()
    assert float(found["point_sky_view"][0]) < 0.9
    assert float(found["point_sky_view"][-1]) == pytest.approx(1, abs=1e-5)


def test_points_on_the_ground_get_what_their_cells_get(table):
    z = town()
    j, i = (np.ravel(a) for a in np.mgrid[0:60:3, 0:60:3])
    found = irradiate(z, 2.0, table, points=Points(2 * i + 1.0, 2 * j + 1.0, z[j, i]))
    # A ray meets the corners of cells that a line of cells passes between: points see less.
    for name, mean, each in (("irradiation", 0.008, 0.035), ("sky_view", 0.008, 0.035),
                             ("sun_hours", 0.012, 0.06)):
        cells, points = found[name].to_numpy()[j, i], found["point_" + name].to_numpy()
        assert (1 - mean) * cells.mean() < points.mean() < cells.mean()
        assert np.sqrt(np.mean((points / cells - 1)**2)) < each
    far = (cells == cells.max())  # on top of all, where nothing is in sight
    np.testing.assert_allclose(points[far], cells[far], rtol=1e-4)


def test_looking_closer_finds_the_edge_of_a_tower(light, table):
    """At 72 directions a point misses up to half a gap of 5 degrees at each edge."""
    scene = SCENES[5]
    exact, z = reference(scene, light), surface_of(scene)
    place = Points(220.5, 220.5, scene.z, scene.slope, scene.aspect)
    off = [abs(float(irradiate(z, 1.0, table, points=place, albedo=ALBEDO, sunlit=1.0,
                               parts=parts)["point_irradiation"][0]) / exact - 1)
           for parts in (1, 8)]
    assert off[0] > 0.005
    assert off[1] < 0.0015


def test_any_number_of_threads_gives_the_same(table):
    z, results = town(90), []
    crowns = np.where(np.random.default_rng(0).random(z.shape) < 0.05, z + 7, 0)
    before = numba.get_num_threads()
    try:
        for threads in (1, before):
            numba.set_num_threads(threads)
            results.append(irradiate(z, 1.0, table, canopy=crowns, transmissivity=0.2,
                                     points=Points([5.0, 20.0], 30.0, 9.0, 90.0, 90.0)).load())
    finally:
        numba.set_num_threads(before)
    xr.testing.assert_identical(*results)


def test_walls_of_low_houses_are_placed_by_their_edges(table):
    z = np.zeros((31, 401), F4)
    z[:10], z[-10:] = 3.0, 3.0  # rises too little for a cell of 2.5 m to be a wall
    edges = np.zeros(z.shape, bool)
    edges[9], edges[-10] = True, True
    centre = [float(irradiate(z, 2.5, table, edges=e)["sky_view"][15, 200]) for e in (None, edges)]
    exact = math.cos(math.atan(2 * 3 / (11 * 2.5)))
    assert abs(centre[1] - exact) < abs(centre[0] - exact)
    assert centre[1] == pytest.approx(exact, abs=0.0015)


# --- trees ----------------------------------------------------------------------------------------

def test_below_a_closed_crown_light_is_its_transmissivity(table):
    z = np.zeros((12, 12), F4)
    through = np.linspace(0.1, 0.6, 12)
    found = irradiate(z, 1.0, table, canopy=z + 8, transmissivity=through, albedo=0.0)
    open_ground = table.ghi * (1 + table.closure)
    np.testing.assert_allclose(found["irradiation_month"][5, 5], through * open_ground, atol=0.1)
    point = irradiate(z, 1.0, table, canopy=z + 8, transmissivity=through, albedo=0.0,
                      points=Points(5.5, 5.5, 0.0))
    np.testing.assert_allclose(point["point_irradiation_month"][0], through * open_ground,
                               atol=0.1)
    assert float(point["point_sun_hours"][0]) == pytest.approx(0, abs=1e-2)
    mean = float(through @ table.isotropic / table.isotropic.sum())
    assert float(found["sky_view"][5, 5]) == pytest.approx(mean, abs=1e-4)
    assert float(found["sun_hours"].max()) == pytest.approx(0, abs=1e-2)


def test_crowns_that_let_all_through_are_none_and_those_that_let_none_are_walls(table):
    z = np.zeros((50, 50), F4)
    trees = np.full(z.shape, np.nan)
    trees[20:30, 10:20] = 18.0
    bare, clear, dark = (irradiate(z, 1.0, table, albedo=0.0, **kind) for kind in (
        {}, {"canopy": trees, "transmissivity": 1.0}, {"canopy": trees, "transmissivity": 0.0}))
    np.testing.assert_allclose(clear["irradiation"], bare["irradiation"], rtol=2e-4)
    wall = irradiate(np.fmax(z, trees), 1.0, table, albedo=0.0, edges=np.zeros(z.shape, bool))
    beside = np.isnan(trees)
    for name, slack in (("sky_view", 1e-4), ("irradiation", 0.3), ("sun_hours", 0.1)):
        np.testing.assert_allclose(dark[name].to_numpy()[beside], wall[name].to_numpy()[beside],
                                   atol=slack)
        assert float((dark[name] - bare[name]).max()) <= slack


def test_low_sun_passes_below_a_crown(table):
    z = np.zeros((41, 41), F4)
    top, base = np.full(z.shape, np.nan), np.full(z.shape, np.nan)
    top[:, 25:29], base[:, 25:29] = 12.0, 8.0
    options = {"canopy": top, "transmissivity": 0.0, "albedo": 0.0}
    raised = irradiate(z, 1.0, table, canopy_base=base, **options)
    grounded = irradiate(z, 1.0, table, **options)
    gain = (raised["sky_view"] - grounded["sky_view"]).to_numpy()
    # Looking east, from 5 cells away, the sky is open below atan(8/8), seen at the far rim.
    assert gain[20, 20] > 0.05
    assert (gain >= -1e-5).all()
    assert gain[20, 2] < gain[20, 20]


# --- bounds, errors, memory -----------------------------------------------------------------------

def test_short_rims_are_counted(table):
    z = np.zeros((400, 300), F4)
    assert irradiate(z, 4.0, table, pad=75).attrs["short_pad_cells"] == 0
    assert irradiate(z, 4.0, table, pad=70).attrs["short_pad_cells"] == 260 * 160 - 250 * 150
    found = irradiate(z, 4.0, table, points=Points([200.0, 600.0], 800.0, [0.0, -20.0]))
    assert found.attrs["short_pad_points"] == 1
    assert found.attrs["buried_points"] == 1
    assert found.attrs["short_pad_cells"] == 400 * 300 - 250 * 150


@pytest.mark.parametrize(("tilted", "most"), [(False, 42), (True, 54)])
def test_memory_stays_below_sixty_bytes_a_cell(table, tilted, most):
    z = town(700, count=60)
    planes = {"slope": z, "aspect": z} if tilted else {}
    irradiate(z[:40, :40], 1.0, table)
    tracemalloc.start()
    try:
        found = irradiate(z, 1.0, table, **planes)
        kept, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    packed = 72 * 362 * 3 * 16 * 4  # does not grow with the cells
    assert (peak - 1.5 * packed) / z.size < most
    assert kept / z.size < 38
    assert found["irradiation"].shape == z.shape


@pytest.mark.parametrize(("change", "words"), [
    ({"surface": np.zeros(5)}, "surface is"),
    ({"surface": np.full((3, 3), np.nan)}, "9 cells without a height"),
    ({"cell": 0.0}, "cell size"),
    ({"pad": 2}, "leaves nothing"),
    ({"slope": np.zeros((4, 4))}, "slope and aspect"),
    ({"slope": np.zeros((2, 4)), "aspect": np.zeros((2, 4))}, "slope is"),
    ({"canopy": np.zeros((4, 4))}, "transmissivity"),
    ({"canopy": np.zeros((4, 4)), "transmissivity": 1.5}, "transmissivity is 1.5"),
    ({"edges": np.zeros((3, 4))}, "edges"),
    ({"albedo": 2.0}, "albedo"),
    ({"sunlit": [0.5, 0.6]}, "sunlit"),
    ({"points": Points(9.0, 1.0, 0.0)}, "point 0 is at x 9"),
    ({"parts": 3}, "parts is 3"),
    ({"table": made_up_table(8, 13)}, "13 periods"),
])
def test_faults_are_named(table, change, words):
    given = {"surface": np.zeros((4, 4)), "cell": 1.0, "table": table} | change
    surface, cell, suns = (given.pop(k) for k in ("surface", "cell", "table"))
    with pytest.raises(CityTwinError, match=words) as caught:
        irradiate(surface, cell, suns, **given)
    assert isinstance(caught.value, GridError) or "expected" in str(caught.value)
