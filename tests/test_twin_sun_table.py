"""Where the sun stands, the split of the sky, and the year summed by direction and height."""

import math
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pvlib
import pytest
import xarray as xr
from numpy.typing import NDArray

from layers.errors import CityTwinError, LayerError, UnitsError
from layers.normals import load_normals
from layers.typical_year import typical_year
from layers.weather import as_weather, read_weather, year_of_hours
from twin.sun.audit import audit_weather, corrected
from twin.sun.light import light_of_suns
from twin.sun.perez import split_sky
from twin.sun.position import hourly_light, sun_positions
from twin.sun.sunshine import BRIGHT, SUNSHINE
from twin.sun.table import SunTable, sun_table

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data" / "weather"
PVLIB = Path(pvlib.__file__).parent / "data"
FILES = [SHARED / "CHN_HB_Tianhe-Wuhan.574940_TMYx.epw",
         SHARED / "Shanghai-Hongqiao_1956_2023_TMYx.epw",
         SHARED / "pvgis_tmy_45.000_8.000_2005_2023.csv",
         PVLIB / "723170TYA.CSV", PVLIB / "703165TY.csv", PVLIB / "12839.tm2"]


@pytest.fixture(scope="module")
def greensboro() -> xr.Dataset:
    return read_weather(PVLIB / "723170TYA.CSV")


def place(weather: xr.Dataset) -> tuple[float, float]:
    return weather.attrs["latitude"], weather.attrs["longitude"]


def even(hours: int = 8760, dni: float = 500.0, dhi: float = 100.0) -> xr.Dataset:
    """Return weather that does not change: only the sun moves."""
    light = {"ghi": np.full(hours, dhi + dni), "dni": np.full(hours, dni),
             "dhi": np.full(hours, dhi), "temp_air": np.full(hours, 12.0),
             "pressure": np.full(hours, 101325.0)}
    return as_weather(light, year_of_hours(hours), where="even")


def open_plane(table: SunTable, tilt: float, azimuth: float) -> float:
    """Return what an unobstructed plane gets, its own horizon looked up sector by sector."""
    b, a = np.deg2rad([tilt, azimuth])
    normal = np.array([np.sin(b) * np.sin(a), np.sin(b) * np.cos(a), np.cos(b)])
    total = 0.0
    for k, turn in enumerate(np.deg2rad(table.azimuths)):
        rise = np.arctan2(-(normal[0] * np.sin(turn) + normal[1] * np.cos(turn)), normal[2])
        own = np.sin(max(rise, 0.0))
        seen = [np.interp(own, table.sines, table.beam[0, k, :, c]) for c in range(3)]
        total += float(np.dot(seen, normal))
    return total + float(table.isotropic[0] * (1 + np.cos(b)) / 2 + table.horizon[0] * np.sin(b))


def pvlib_plane(weather: xr.Dataset, tilt: float, azimuth: float) -> tuple[float, float,
                                                                           NDArray[np.bool_]]:
    """Return pvlib's own Perez chain at the middle of each hour, summed [kWh m-2].

    Of the year; of the hours whose sun is above 1 degree; and which hours these are.
    """
    times = pd.DatetimeIndex(weather["time"].to_numpy(), tz="UTC")
    sun = pvlib.solarposition.spa_python(times, *place(weather),
                                         pressure=float(weather["pressure"].mean()),
                                         temperature=float(weather["temp_air"].mean()))
    dni, dhi = weather["dni"].to_numpy(), weather["dhi"].to_numpy()
    zenith = sun["apparent_zenith"].to_numpy()
    diffuse = pvlib.irradiance.perez(
        tilt, azimuth, dhi, dni, pvlib.irradiance.get_extra_radiation(times).to_numpy(),
        zenith, sun["azimuth"].to_numpy(), pvlib.atmosphere.get_relative_airmass(zenith))
    cos = pvlib.irradiance.aoi_projection(tilt, azimuth, zenith, sun["azimuth"].to_numpy())
    up = np.where(zenith < 90, np.maximum(cos, 0), 0)
    light, high = np.nan_to_num(diffuse + dni * up) / 1000, zenith <= 89
    return float(light.sum()), float(light[high].sum()), high


def test_the_sun_of_the_published_example() -> None:
    """Reda & Andreas (2004), table A5.1: zenith 50.11162, azimuth 194.34024 degrees."""
    suns = sun_positions(np.array(["2003-10-17T19:30:30"], "datetime64[ns]"), 39.742476,
                         -105.1786, step=60, pressure=82000.0, temperature=11.0)
    assert np.rad2deg(np.arccos(suns.direction[0, 2])) == pytest.approx(50.11162, abs=1e-3)
    assert suns.azimuth[0] == pytest.approx(194.34024, abs=1e-3)


def test_suns_of_a_year_are_those_of_its_hours() -> None:
    stamps = year_of_hours(8760).to_numpy()
    began = time.process_time()
    suns = sun_positions(stamps, 30.6, 114.3)
    assert time.process_time() - began < 2  # 0.2 s where nothing else runs
    assert suns.duration == pytest.approx(1 / 6)
    assert np.linalg.norm(suns.direction, axis=1) == pytest.approx(1)
    assert suns.direction[:, 2].min() >= np.sin(np.deg2rad(1.0)) - 1e-12
    # The sun is up half of the year: 4380 h, more by refraction, less by the lowest degree.
    assert len(suns.hour) * suns.duration == pytest.approx(4380, rel=0.01)
    turn = np.arctan2(suns.direction[:, 0], suns.direction[:, 1])
    assert np.rad2deg(turn) % 360 == pytest.approx(suns.azimuth % 360)
    # The six moments of the hour around 12 UTC on the first of June, from 25 min before.
    hour = 151 * 24 + 12
    alone = sun_positions(stamps[hour:hour + 1], 30.6, 0.0)
    assert len(alone.hour) == 6
    middle = sun_positions(stamps[hour:hour + 1], 30.6, 0.0, step=60)
    both = alone.azimuth[2:4].mean(), alone.direction[2:4, 2].mean()
    assert both == pytest.approx((middle.azimuth[0], middle.direction[0, 2]), rel=2e-3)


@pytest.mark.parametrize(("latitude", "step"), [(95.0, 10), (float("nan"), 10), (30.0, 7),
                                                (30.0, 0), (30.0, 120)])
def test_no_sun_off_the_globe_or_out_of_step(latitude: float, step: int) -> None:
    with pytest.raises(CityTwinError, match=r"expected (degrees|a divisor of 60)"):
        sun_positions(year_of_hours(8760).to_numpy()[:2], latitude, 0.0, step=step)


def test_the_sky_is_split_as_pvlib_splits_it(greensboro: xr.Dataset) -> None:
    stamps, _, dni, dhi = hourly_light(greensboro)
    suns = sun_positions(stamps, *place(greensboro), step=60)
    glow, flat, rim = split_sky(stamps, dni, dhi, suns)
    zenith = np.rad2deg(np.arccos(suns.direction[:, 2]))
    outside = pvlib.irradiance.get_extra_radiation(pd.DatetimeIndex(stamps)).to_numpy()
    at = suns.hour
    assert len(glow) == len(flat) == len(rim) == len(at)
    # A tilt of 10 degrees towards the sun: pvlib keeps all parts there.
    parts = pvlib.irradiance.perez(10.0, suns.azimuth, dhi[at], dni[at], outside[at], zenith,
                                   suns.azimuth, pvlib.atmosphere.get_relative_airmass(zenith),
                                   return_components=True)
    tilt = np.deg2rad(10.0)
    lit = dhi[at] > 0
    assert lit.sum() > 4000
    assert (flat * (1 + np.cos(tilt)) / 2)[lit] == pytest.approx(
        parts["poa_isotropic"][lit], abs=1e-6)
    assert (rim * np.sin(tilt))[lit] == pytest.approx(parts["poa_horizon"][lit], abs=1e-6)
    assert (glow + flat) == pytest.approx(dhi[at])


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.name[:20])
def test_open_ground_gets_the_light_of_the_file(path: Path) -> None:
    if not path.is_file():
        pytest.skip(f"the weather file {path.name} is not here")
    weather = read_weather(path)
    weather = corrected(weather, audit_weather(weather))
    table = sun_table(weather, *place(weather), periods="months")
    ground = open_plane(sun_table(weather, *place(weather)), 0.0, 0.0)
    assert ground == pytest.approx(float(weather["ghi"].sum()) / 1000, rel=0.01)
    assert table.ghi.sum() == pytest.approx(float(weather["ghi"].sum()) / 1000)
    assert np.abs(table.closure).max() < 0.03  # month by month, as far as the file itself closes


@pytest.mark.parametrize(("tilt", "azimuth", "same"), [
    (0, 0, 1e-5), (20, 180, 1e-4), (30, 180, 1e-4), (30, 90, 1e-4), (30, 270, 1e-4), (30, 0, 1e-4),
    (60, 0, 3e-4), (60, 302, 3e-4),
    # The sectors a wall runs along are cut at their middle.
    (90, 180, 1.5e-3), (90, 90, 1.5e-3), (90, 2.5, 1.5e-3)])
def test_an_open_plane_gets_what_pvlib_gives_it(greensboro: xr.Dataset, tilt: float,
                                                azimuth: float, same: float) -> None:
    """With the sun of the middle of the hour, as pvlib's users have it."""
    year, high, hours = pvlib_plane(greensboro, tilt, azimuth)
    table = sun_table(greensboro, *place(greensboro), step=60, periods=hours)
    assert open_plane(table, tilt, azimuth) == pytest.approx(high, rel=same)
    # A sun in sight for a part of an hour is on the plane for a part of it.
    assert open_plane(sun_table(greensboro, *place(greensboro)), tilt, azimuth) == pytest.approx(
        year, rel=1e-2 if tilt == 90 else 6e-3)


def test_the_table_is_the_sum_of_its_suns(greensboro: xr.Dataset) -> None:
    """A loop over suns, sectors and levels of one week gives the same numbers."""
    week = greensboro.isel(time=slice(4000, 4168))
    table = sun_table(week, *place(week), directions=8, levels=21)
    stamps, _, dni, dhi = hourly_light(week)
    air = {"pressure": float(week["pressure"].mean()),
           "temperature": float(week["temp_air"].mean())}
    suns = sun_positions(stamps, *place(week), **air)
    middle = sun_positions(stamps, *place(week), step=60, **air)
    noon = dict(zip(middle.hour.tolist(), middle.direction[:, 2].tolist(), strict=True))
    of_hour = {h: suns.direction[suns.hour == h, 2] for h in np.unique(suns.hour)}
    fit = np.array([noon[h] / of_hour[h].mean() if len(of_hour.get(h, ())) == 6 else 1.0
                    for h in range(len(stamps))])
    glow, even, rim = split_sky(stamps, dni * fit, dhi, suns)
    beam, hours, flat, band = np.zeros((8, 21, 3)), np.zeros((8, 21)), 0.0, 0.0
    for n, (hour, azimuth, s) in enumerate(zip(suns.hour, suns.azimuth, suns.direction,
                                               strict=True)):
        count = len(of_hour[hour])
        flat, band = flat + even[n] / count, band + rim[n] / count
        light = (dni[hour] * fit[hour] + glow[n] / max(s[2], np.cos(np.deg2rad(85)))) / count
        far = math.hypot(s[0], s[1])
        for k in range(8):
            off = (azimuth - 45 * k + 180) % 360 - 180
            if abs(off) < 45:
                # Half-way to the sector, and as much of it as sums to the sun with its neighbour.
                aside = far * math.sin(math.radians(45 - abs(off)) / 2) / math.sin(
                    math.radians(22.5))
                turn = math.radians(45 * k + off / 2)
                stored = np.array([aside * math.sin(turn), aside * math.cos(turn),
                                   s[2] * (1 - abs(off) / 45)])
                for level in range(21):
                    if s[2] >= level / 20:
                        beam[k, level] += light / 1000 * stored
                        hours[k, level] += (1 - abs(off) / 45) / 6
    flat += dhi[[h for h in range(len(stamps)) if h not in of_hour]].sum()
    assert table.beam[0] == pytest.approx(beam, rel=1e-5, abs=1e-6)
    assert table.hours[0] == pytest.approx(hours, rel=1e-5, abs=1e-5)
    assert table.isotropic[0] == pytest.approx(flat / 1000)
    assert table.horizon[0] == pytest.approx(band / 1000)


def test_the_sectors_sum_to_every_sun(greensboro: xr.Dataset) -> None:
    """No light is lost or turned by sharing it among directions, however few."""
    light = light_of_suns(greensboro, *place(greensboro))
    exact = (light.normal[:, None] * light.suns.direction).sum(axis=0) / 1000
    for directions in (4, 16, 72):
        table = sun_table(greensboro, *place(greensboro), directions=directions)
        assert table.beam[0, :, 0].sum(axis=0, dtype=float) == pytest.approx(
            exact, abs=2e-6 * np.linalg.norm(exact))


def test_less_is_seen_above_a_higher_horizon(greensboro: xr.Dataset) -> None:
    table = sun_table(greensboro, *place(greensboro), periods="months")
    assert (np.diff(table.hours, axis=2) <= 0).all()
    assert (np.diff(table.beam[..., 2], axis=2) <= 1e-6).all()
    assert table.beam.dtype == table.hours.dtype == np.float32
    assert table.beam.shape == (12, 72, 361, 3)
    assert (table.hours[:, :, -1] == 0).all()  # Greensboro has no sun in the zenith


def test_sun_hours_are_those_of_a_count(greensboro: xr.Dataset) -> None:
    table = sun_table(greensboro, *place(greensboro))
    suns = sun_positions(greensboro["time"].to_numpy(), *place(greensboro),
                         pressure=float(greensboro["pressure"].mean()),
                         temperature=float(greensboro["temp_air"].mean()))
    for level in (0, 90, 180, 300):  # sines of 0, 0.25, 0.5 and 0.83
        count = (suns.direction[:, 2] >= table.sines[level]).sum() / 6
        assert table.hours[0, :, level].sum() == pytest.approx(count, rel=1e-5)
    south = np.abs(table.azimuths - 180) < 45
    # Of the suns within 42.5 degrees of the south, plus half of the five degrees beside.
    weight = np.clip((45 - np.abs(suns.azimuth - 180)) / 5, 0, 1)
    assert table.hours[0, south, 0].sum() == pytest.approx(weight.sum() / 6, rel=1e-5)


def clear_sky(cloud: float = 1.0) -> xr.Dataset:
    """Return a year whose direct light is a share of what pvlib gives a clear sky at 30 N."""
    stamps = year_of_hours(8760)
    site = pvlib.location.Location(30.0, 0.0, altitude=0)
    sky = site.get_clearsky(pd.DatetimeIndex(stamps, tz="UTC"))
    return as_weather({"ghi": sky["ghi"].to_numpy(), "dni": cloud * sky["dni"].to_numpy(),
                       "dhi": sky["dhi"].to_numpy(), "temp_air": np.full(8760, 12.0),
                       "pressure": np.full(8760, 101325.0)}, stamps, where="clear", elevation=0.0)


def test_sunshine_is_the_part_of_an_hour_without_clouds() -> None:
    def sunny(cloud: float) -> float:
        table = sun_table(clear_sky(cloud), 30.0, 0.0, least_beam=SUNSHINE)
        return float(table.hours[0, :, 0].sum())

    whole = float(sun_table(clear_sky(), 30.0, 0.0).hours[0, :, 0].sum())
    # Low suns, and those of hours in whose middle the sun is not up yet, are no sunshine.
    assert 0.94 * whole < sunny(1.0) < whole
    assert sunny(BRIGHT) == pytest.approx(sunny(1.0), rel=0.02)
    for part in (0.25, 0.5, 0.75):
        assert sunny(BRIGHT * part) == pytest.approx(part * sunny(BRIGHT), rel=0.03)
    assert sunny(0.0) == 0
    # The light itself does not change.
    assert sun_table(clear_sky(), 30.0, 0.0, least_beam=SUNSHINE).beam == pytest.approx(
        sun_table(clear_sky(), 30.0, 0.0).beam)


def test_sunshine_of_open_ground_is_that_of_the_normals() -> None:
    """Hours of sunshine are measured minute by minute; the year has hours."""
    normals, meta = load_normals("nantes")
    keys = ("title", "source", "licence", "latitude", "longitude", "elevation", "utc_offset")
    weather = typical_year(normals, **{k: meta[k] for k in keys})
    table = sun_table(weather, *place(weather), periods="months", least_beam=SUNSHINE)
    hours = table.hours[:, :, 0].sum(axis=1)
    assert hours.sum() == pytest.approx(normals["sunshine_hours"].sum(), rel=0.1)
    # June to August, read in the source: 647 h.
    assert hours[5:8].sum() == pytest.approx(647, rel=0.1)
    assert (weather["dni"] > SUNSHINE).sum() > 1.15 * hours.sum()


def test_months_and_chosen_hours_are_parts_of_the_year(greensboro: xr.Dataset) -> None:
    year = sun_table(greensboro, *place(greensboro))
    months = sun_table(greensboro, *place(greensboro), periods="months")
    assert year.periods == ("year",)
    assert months.periods == tuple(str(m) for m in range(1, 13))
    for name in ("beam", "hours", "isotropic", "horizon", "ghi"):
        assert getattr(months, name).sum(axis=0) == pytest.approx(
            getattr(year, name)[0], rel=1e-4, abs=1e-4)
    # Local time: 720 h of June, five hours after those of UTC.
    june = np.zeros(8760)
    june[3624:4344] = 1
    chosen = sun_table(greensboro, *place(greensboro), periods=np.stack([june, june / 2]))
    assert chosen.beam[0] == pytest.approx(months.beam[5])
    assert chosen.ghi[1] == pytest.approx(months.ghi[5] / 2)
    assert chosen.periods == ("1", "2")


@pytest.mark.parametrize("periods", ["weeks", np.ones(24), np.full(8760, -1.0), [["a"]], []])
def test_periods_that_are_none(periods: object) -> None:
    with pytest.raises(CityTwinError, match="expected 'year', 'months' or weights"):
        sun_table(even(), 30.0, 0.0, periods=periods)  # type: ignore[arg-type]


def test_the_south_is_the_mirror_of_the_north() -> None:
    """June at 35 N is December at 35 S with north and south exchanged."""
    weather = even(dhi=0.0)
    june, december = np.zeros(8760), np.zeros(8760)
    june[171 * 24:172 * 24] = december[354 * 24:355 * 24] = 1  # the 21st and the 21st
    # Solar noon is 1.7 min late in June and 2.1 min early in December: 0.95 degrees of turn.
    north = sun_table(weather, 35.0, 0.0, periods=june)
    south = sun_table(weather, -35.0, -0.95, periods=december)
    mirror = (36 - np.arange(72)) % 72
    assert south.hours[0, mirror] == pytest.approx(north.hours[0], abs=1 / 6)  # a moment
    total = north.beam[0].sum(axis=(0, 1))
    assert south.beam[0].sum(axis=(0, 1))[1:] == pytest.approx(total[1:] * [-1, 1], rel=5e-3)
    assert np.abs(south.beam[0, mirror, 0, 2] - north.beam[0, :, 0, 2]).sum() < 0.02 * abs(
        north.beam[0, :, 0, 2].sum())


def test_leap_year() -> None:
    plain, leap = (sun_table(even(h), 30.0, 0.0, periods="months") for h in (8760, 8784))
    assert leap.ghi.sum() - plain.ghi.sum() == pytest.approx(24 * 0.6)
    ratio = leap.hours[:, :, 0].sum(axis=1) / plain.hours[:, :, 0].sum(axis=1)
    assert ratio[1] == pytest.approx(29 / 28, rel=3e-3)
    assert np.delete(ratio, 1) == pytest.approx(1, abs=3e-3)


def test_polar_night_and_midnight_sun() -> None:
    months = sun_table(even(dhi=30.0, dni=0.0), 80.0, 15.0, periods="months")
    december, june = months.hours[11], months.hours[5]
    assert (december == 0).all()
    assert (months.beam[11] == 0).all()
    assert months.horizon[11] == 0
    assert months.isotropic[11] == pytest.approx(744 * 0.03)
    assert june[:, 0].sum() == pytest.approx(720)
    assert (june[:, 0] > 8).all()  # from every side: 720 h over 72 sectors are 10 h each
    assert np.isfinite(months.beam).all()


def test_a_table_of_darkness() -> None:
    dark = sun_table(even(dhi=0.0, dni=0.0).isel(time=slice(0, 24)), 85.0, 0.0)
    assert not dark.beam.any()
    assert np.isnan(dark.closure).all()


@pytest.mark.parametrize("name", ["ghi", "dni", "dhi"])
@pytest.mark.parametrize("value", [np.nan, -5.0, np.inf])
def test_gaps_are_told(name: str, value: float) -> None:
    weather = even()
    weather[name][100:103] = value
    with pytest.raises(LayerError, match=rf"{name} of the weather is .*01-05 04:30.*\(3 such"):
        sun_table(weather, 30.0, 0.0)


def test_hours_that_are_missing_are_told() -> None:
    weather = even()
    some = weather.isel(time=np.delete(np.arange(8760), [50, 51, 800]))
    with pytest.raises(LayerError, match="2 gaps after 01-03 01:30 UTC"):
        sun_table(some, 30.0, 0.0)
    with pytest.raises(LayerError, match="has no dni"):
        sun_table(weather.drop_vars("dni"), 30.0, 0.0)


def test_wrong_units_are_told(greensboro: xr.Dataset) -> None:
    small = greensboro.assign({k: greensboro[k] / 1000 for k in ("ghi", "dni", "dhi")})
    with pytest.raises(UnitsError, match=r"at most 1\.01 while the sun climbs to 77 degrees"):
        sun_table(small, *place(greensboro))
    named = greensboro.copy(deep=True)
    named["dni"].attrs["units"] = "kWh m-2"
    with pytest.raises(UnitsError, match="'kWh m-2', expected 'W m-2'"):
        sun_table(named, *place(greensboro))


@pytest.mark.parametrize(("directions", "levels"), [(3, 361), (72, 1)])
def test_a_table_needs_directions_and_levels(directions: int, levels: int) -> None:
    with pytest.raises(CityTwinError, match="expected at least 4 and 2"):
        sun_table(even(), 30.0, 0.0, directions=directions, levels=levels)


def test_finer_tables_agree(greensboro: xr.Dataset) -> None:
    """Halving sectors and levels moves a wall under a slanting horizon by less than 1 %."""
    def wall(table: SunTable) -> NDArray[np.float64]:
        rise = 0.3 * np.abs(np.sin(np.deg2rad(table.azimuths)))  # sine of the horizon
        front = np.cos(np.deg2rad(table.azimuths - 180)) > 0
        return np.array([sum(np.interp(rise[k], table.sines, table.beam[0, k, :, c])
                             for k in np.flatnonzero(front)) for c in range(3)])

    coarse = wall(sun_table(greensboro, *place(greensboro), directions=36, levels=181))
    fine = wall(sun_table(greensboro, *place(greensboro)))
    finest = wall(sun_table(greensboro, *place(greensboro), directions=288, levels=1441))
    assert fine[1] == pytest.approx(finest[1], rel=0.01)
    assert coarse[1] == pytest.approx(finest[1], rel=0.02)
