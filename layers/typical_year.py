"""A typical year of hourly weather made from published monthly normals, the same every time."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline
from scipy.optimize import brentq
from scipy.special import betaincinv

from layers.errors import LayerError
from layers.normals import SECTORS, checked
from layers.weather import as_weather, year_of_hours

Vector = NDArray[np.float64]

NOT_MEASURED = "typical year generated from monthly normals (not measured)"

# Measured on five real years (Greensboro TMY3, Miami TMY2, PVGIS 45 N 8 E, Wuhan and Shanghai
# TMYx): clear-sky index of an hour, standard deviation 0.25-0.38, of which days 0.18-0.31 and hours
# within a day 0.14-0.22; lag-one of days 0.31-0.45, of hours within a day 0.42-0.62. On three:
# day-to-day temperature 2.2-4.0 K, 0.66-0.79; hourly wind lag-one 0.77-0.88; warmest hour 14 to 15
# of local time.
CLEAR_LOW, CLEAR_HIGH, CLEAR_SPREAD = 0.07, 1.05, 0.29
CLEAR_OF_DAY, CLEAR_MEMORY, CLOUD_MEMORY = 0.7, 0.35, 0.65  # share of variance; of days, of hours
DAY_SPREAD, DAY_MEMORY = 2.5, 0.7
WIND_MEMORY, TURN_MEMORY, WEIBULL_SHAPE = 0.85, 0.95, 2.0
WARMEST_HOUR = 14.5


def typical_year(normals: pd.DataFrame, *, latitude: float, longitude: float, elevation: float,
                 utc_offset: float, seed: int = 0, title: str, source: str,
                 licence: str = "as its source") -> xr.Dataset:
    """Make an hourly year whose months have the means and sums of ``normals``.

    Parameters
    ----------
    normals
        Twelve rows (index ``month`` 1 to 12) of ``temp_min`` and ``temp_max`` [degC],
        ``ghi_kwh_m2`` [kWh m-2 a month] or ``sunshine_hours`` [h a month], ``relative_humidity``
        [1], ``wind_speed`` [m s-1] and the wind rose ``rose_N``, ``rose_NNE`` ... [1] in 16, 8 or
        4 sectors.
    latitude, longitude
        Of the place, north and east positive [degree].
    elevation
        Of the place [m]; sets the pressure of the standard atmosphere.
    utc_offset
        Standard time of the place less UTC [h].
    seed
        Another number gives another order of days, with the same months.
    title, source, licence
        Of the normals, for the attributes; the title says that the year is not measured.

    Returns
    -------
    xr.Dataset
        Weather like that of `layers.weather.read_weather`, with ``synthetic`` = "yes".

    Raises
    ------
    LayerError
        When the normals lack something or no sky can give their radiation.

    Notes
    -----
    Radiation: a clear sky (Ineichen, monthly Linke turbidity) times a clear-sky index for each
    hour, beta-distributed between 0.07 and 1.05 and scaled so that the month sums to the normal:
    seven tenths of its variance are the day's, the rest passing clouds. Erbs splits off the diffuse
    part. Made from the monthly sums of PVGIS 45 N 8 E and of Greensboro, the year has a diffuse
    share of 0.41 and 0.43 where these files have 0.40 and 0.44; from those of Miami, with small
    quick clouds, 0.40 instead of 0.45. Temperature: a sine each day between the mean minimum and
    maximum, plus a day-to-day wave that cancels over a month; no heat wave or cold spell goes
    beyond it. Humidity: one dew point a day, lower only where the air would be more than
    saturated, so damp nights reach saturation more often than in truth. Wind: Weibull speeds in a
    chain, scaled to the monthly mean; directions turn slowly and keep the shares of the rose.
    Speed, direction, cloud and temperature do not know of one another, so a storm from the west is
    no likelier than one from the east.

    References
    ----------
    Ineichen and Perez (2002), doi:10.1016/S0038-092X(02)00045-2. Erbs, Klein and Duffie (1982),
    doi:10.1016/0038-092X(82)90302-4. Allen et al. (1998), FAO Irrigation and Drainage Paper 56,
    eq. 35 (sunshine to radiation). Alduchov and Eskridge (1996),
    doi:10.1175/1520-0450(1996)035<0601:IMFAOS>2.0.CO;2. Wilks and Wilby (1999), the weather
    generation game, doi:10.1177/030913339902300302.
    """
    from pvlib.atmosphere import alt2pres

    normals = checked(normals)
    time = year_of_hours(8760, start=-utc_offset)
    local = time + pd.Timedelta(hours=utc_offset)
    rng = np.random.default_rng(seed)
    sun = _radiation(normals, time, local, latitude, longitude, elevation, rng)
    temp, wave = _temperature(normals, local, longitude / 15 - utc_offset, rng)
    speed, direction = _wind(normals, local, rng)
    humid = _humidity(normals["relative_humidity"].to_numpy(), temp, wave, local)
    columns = {**sun, "temp_air": temp, "relative_humidity": humid, "wind_speed": speed,
               "wind_direction": direction,
               "pressure": np.full(len(time), float(alt2pres(elevation)))}
    name = title if NOT_MEASURED in title else f"{title}: {NOT_MEASURED}"
    return as_weather(
        columns, time, where=name, title=name, source=source, licence=licence, latitude=latitude,
        longitude=longitude, elevation=elevation, utc_offset=utc_offset, synthetic="yes", seed=seed,
        time_note="each hour is stamped by its middle, in UTC, in the nominal year 2001 (standard"
                  " time of the place); the sun stands where it is at that moment")


def sunshine_ghi(sunshine: Vector, extraterrestrial: Vector, daylight: NDArray[Any]) -> Vector:
    """Return global irradiation from hours of sunshine, in the units of ``extraterrestrial``.

    Parameters
    ----------
    sunshine, daylight
        Hours of bright sun and of day in the month [h].
    extraterrestrial
        Irradiation on a horizontal plane above the atmosphere.

    References
    ----------
    Allen et al. (1998), FAO Irrigation and Drainage Paper 56, eq. 35 with a = 0.25, b = 0.50.
    """
    return np.asarray(extraterrestrial * (0.25 + 0.50 * sunshine / daylight))


def _radiation(normals: pd.DataFrame, time: pd.DatetimeIndex, local: pd.DatetimeIndex,
               latitude: float, longitude: float, elevation: float,
               rng: np.random.Generator) -> dict[str, Vector]:
    from pvlib import atmosphere, clearsky, irradiance, solarposition

    place = solarposition.get_solarposition(time, latitude, longitude, elevation)
    zenith = place["apparent_zenith"]
    extra = irradiance.get_extra_radiation(time)
    air = atmosphere.get_absolute_airmass(atmosphere.get_relative_airmass(zenith),
                                          atmosphere.alt2pres(elevation))
    turbid = clearsky.lookup_linke_turbidity(time, latitude, longitude)
    clear = clearsky.ineichen(zenith, air, turbid, elevation, extra)["ghi"].to_numpy("float64")
    month, day = np.asarray(local.month), np.asarray(local.day_of_year) - 1
    up = np.cos(np.radians(place["zenith"].to_numpy())).clip(0)
    wanted = _wanted_ghi(normals, month, up * extra.to_numpy(), up > 0)
    possible = np.bincount(month, weights=clear, minlength=13)[1:] / 1000
    index = np.zeros(len(clear))
    # Clouds have numbers of their own, so that a seed gives the winds it gave without them.
    passing = _chain(len(clear), CLOUD_MEMORY, rng.spawn(1)[0])
    latent = (np.sqrt(CLEAR_OF_DAY) * _chain(365, CLEAR_MEMORY, rng)[day]
              + np.sqrt(1 - CLEAR_OF_DAY) * passing)
    for number, target in enumerate(wanted, start=1):
        most = CLEAR_HIGH * possible[number - 1]
        if target == 0 and most < 1:
            continue  # the sun does not rise
        if not 0 < target < most:
            raise LayerError(f"the normals give {target:.0f} kWh m-2 of sun in month {number},"
                             f" expected 0 to {most:.0f} (a clear sky)",
                             mend="Check ghi_kwh_m2, or sunshine_hours, and the latitude")
        lit = (month == number) & (clear > 0)
        index[lit] = _clear_index(latent[lit], clear[lit] / 1000, target)
    ghi = clear * index
    split = irradiance.erbs(ghi, zenith.to_numpy(), time)
    return {"ghi": ghi, "dni": np.asarray(split["dni"], dtype="float64"),
            "dhi": np.asarray(split["dhi"], dtype="float64")}


def _wanted_ghi(normals: pd.DataFrame, month: NDArray[Any], above: Vector,
                day: NDArray[np.bool_]) -> Vector:
    """Return the irradiation each month shall have [kWh m-2]."""
    energy = np.bincount(month, weights=above, minlength=13)[1:] / 1000
    hours = np.bincount(month, weights=day, minlength=13)[1:]
    both = normals.reindex(columns=["ghi_kwh_m2", "sunshine_hours"]).to_numpy("float64").T
    found = np.where(np.isnan(both[0]), sunshine_ghi(both[1], energy, hours.clip(1)), both[0])
    if np.isnan(found).any():
        raise LayerError("the monthly normals lack ghi_kwh_m2 and sunshine_hours in month"
                         f" {int(np.isnan(found).argmax()) + 1}")
    return np.asarray(found, dtype="float64")


def _clear_index(latent: Vector, energy: Vector, target: float) -> Vector:
    """Return a clear-sky index for each hour that brings the month to ``target`` [kWh m-2]."""
    span = CLEAR_HIGH - CLEAR_LOW
    mean = np.clip((target / energy.sum() - CLEAR_LOW) / span, 0.02, 0.98)
    strength = max(mean * (1 - mean) / (CLEAR_SPREAD / span) ** 2 - 1, 0.5)
    drawn = CLEAR_LOW + span * betaincinv(mean * strength, (1 - mean) * strength, _shares(latent))

    def short(scale: float) -> float:
        return float((np.minimum(scale * drawn, CLEAR_HIGH) * energy).sum() - target)

    scale = brentq(short, 0.0, CLEAR_HIGH / CLEAR_LOW, xtol=1e-15, rtol=1e-14)
    return np.asarray(np.minimum(scale * drawn, CLEAR_HIGH))


def _temperature(normals: pd.DataFrame, local: pd.DatetimeIndex, sun_late: float,
                 rng: np.random.Generator) -> tuple[Vector, Vector]:
    """Return the air temperature and the day-to-day wave in it [degC, K]."""
    low, high = normals["temp_min"].to_numpy("float64"), normals["temp_max"].to_numpy("float64")
    noon = np.arange(365) * 24.0 + 12
    hour = np.arange(len(local)) + 0.5
    chain = DAY_SPREAD * _chain(365, DAY_MEMORY, rng)
    wave = CubicSpline(np.r_[noon, noon[-1] + 24], np.r_[chain, chain[0]], bc_type="periodic")(
        np.where(hour < 12, hour + 8760, hour))
    wave = wave - _smooth(_by_month(wave, local), local)
    turn = 2 * np.pi * (hour % 24 + sun_late - WARMEST_HOUR) / 24
    day = _smooth((high - low) / 2, local) * np.cos(turn)
    base = _smooth((low + high) / 2 - _by_month(day, local), local)
    return base + day + wave, wave


def _humidity(share: Vector, temp: Vector, wave: Vector, local: pd.DatetimeIndex) -> Vector:
    """Return hourly relative humidity [1] of a steady dew point with the monthly means given."""
    daily = np.arange(len(temp)) // 24
    follow = np.bincount(daily, weights=wave)[daily] / 24
    dew = _by_month(temp, local) + np.log(share) / 0.065
    for _ in range(60):
        point = _smooth(dew, local)
        point = np.bincount(daily, weights=point)[daily] / 24 + follow
        found = np.minimum(_vapour(point) / _vapour(temp), 1.0)
        # 6.5 % more vapour for each kelvin of dew point.
        dew = dew + np.log(share / _by_month(found, local)) / 0.065
    return found


def _wind(normals: pd.DataFrame, local: pd.DatetimeIndex,
          rng: np.random.Generator) -> tuple[Vector, Vector]:
    """Return hourly speed [m s-1] and the direction it comes from [degree]."""
    rose = [f"rose_{s}" for s in SECTORS if f"rose_{s}" in normals]
    width = 360 / len(rose)
    quick, turn = _chain(len(local), WIND_MEMORY, rng), _chain(len(local), TURN_MEMORY, rng)
    speed, direction = np.empty(len(local)), np.empty(len(local))
    for month, row in normals.iterrows():
        here = np.asarray(local.month) == month
        drawn = (-np.log1p(-_shares(quick[here]))) ** (1 / WEIBULL_SHAPE)
        speed[here] = drawn * row["wind_speed"] / drawn.mean()
        shares = row[rose].to_numpy("float64")
        # The chain has two ends and the compass none: cut it where the wind comes from least.
        cut = int(shares.argmin())
        upto = np.r_[0, np.cumsum(np.roll(shares, -cut))]
        steps = np.interp(_shares(turn[here]) * upto[-1], upto, np.arange(len(rose) + 1.0))
        direction[here] = ((steps + cut - 0.5) * width) % 360
    return speed, direction


def _chain(count: int, memory: float, rng: np.random.Generator) -> Vector:
    """Return a first-order chain of unit normal numbers, the first following the last."""
    from scipy.signal import lfilter

    noise = rng.standard_normal(count) * np.sqrt(1 - memory**2)
    return np.asarray(lfilter([1.0], [1.0, -memory], np.r_[noise, noise])[count:])


def _shares(values: Vector) -> Vector:
    """Return ranks as shares between 0 and 1, so that a month holds the whole distribution."""
    return np.asarray((values.argsort().argsort() + 0.5) / len(values))


def _by_month(values: Vector, local: pd.DatetimeIndex) -> Vector:
    month = np.asarray(local.month)
    return np.bincount(month, weights=values)[1:] / np.bincount(month)[1:]


def _smooth(means: Vector, local: pd.DatetimeIndex) -> Vector:
    """Return an hourly curve without steps that has these monthly means."""
    hour: Vector = np.arange(0.5, len(local))
    middle = _by_month(hour, local)
    knots = np.r_[middle, middle[0] + len(local)]
    where = np.where(hour < middle[0], hour + len(local), hour)
    spline = CubicSpline(knots, np.vstack([np.eye(12), np.eye(12)[:1]]), bc_type="periodic")
    basis = spline(where)
    months = np.array([_by_month(column, local) for column in basis.T]).T
    return np.asarray(basis @ np.linalg.solve(months, means))


def _vapour(temp: Vector) -> Vector:
    """Return the saturation vapour pressure over water [Pa] (Alduchov and Eskridge 1996)."""
    return np.asarray(610.94 * np.exp(17.625 * temp / (temp + 243.04)))
