"""What a kilowatt of modules yields in a year, and how close rows of modules may stand.

The chain is pvlib's: sun position (NREL SPA), Perez transposition, Faiman cell temperature, PVWatts
direct current and inverter. Shading by other buildings is not in it.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import lru_cache

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import ArrayLike, NDArray

DECLINATION = np.deg2rad(-23.44)  # of the sun at the winter solstice of the hemisphere
LOWEST_SUN = np.deg2rad(6.0)      # rows are not spaced for a sun below this


def row_cover_ratio(latitude: float, tilt: float, *, hour: float = 9.0) -> float:
    """Return the ground cover ratio of module rows free of mutual shade at the winter solstice.

    Parameters
    ----------
    latitude
        Latitude; the rows face the equator [degrees].
    tilt
        Tilt of the modules [degrees].
    hour
        Solar time from which, and to the same time before sunset, no row shades the next [h].

    Returns
    -------
    float
        Module length per row pitch [1].

    Notes
    -----
    ``pitch/length = cos b + sin b cos g / tan a`` with the sun at height a and g off the equator.
    Where the sun stays below 6 degrees at that hour, 6 degrees are taken.

    References
    ----------
    GB 50797-2012, 7.2.1 (no shade from 9 to 15 h solar time at the winter solstice).
    """
    lat, beta = np.deg2rad(abs(latitude)), np.deg2rad(tilt)
    angle = np.deg2rad(15.0 * (12.0 - hour))
    sine = np.sin(lat) * np.sin(DECLINATION) + np.cos(lat) * np.cos(DECLINATION) * np.cos(angle)
    height = max(float(np.arcsin(np.clip(sine, -1, 1))), float(LOWEST_SUN))
    off = np.arcsin(np.clip(np.cos(DECLINATION) * np.sin(angle) / np.cos(height), -1, 1))
    return float(1 / (np.cos(beta) + np.sin(beta) * np.cos(off) / np.tan(height)))


def specific_yield(weather: xr.Dataset, *, latitude: float, longitude: float, tilt: float,
                   azimuth: float, losses: float, temperature_coefficient: float,
                   inverter_efficiency: float) -> float:
    """Return the energy one kilowatt-peak gives in a year.

    Parameters
    ----------
    weather
        Hourly ghi, dni, dhi [W m-2], temp_air [degC], wind_speed [m s-1] over ``time`` in UTC at
        the middle of each hour.
    latitude, longitude
        Place [degrees].
    tilt, azimuth
        Of the modules; azimuth clockwise from north [degrees].
    losses
        Share lost to soiling, mismatch, wiring and the like, shading left out [1].
    temperature_coefficient
        Change of power with cell temperature [1/K].
    inverter_efficiency
        Nominal efficiency of the inverter [1].

    Returns
    -------
    float
        [kWh per kWp and year]

    References
    ----------
    Perez et al. (1990), Sol. Energy 44:271; Faiman (2008), Prog. Photovolt. 16:307;
    Dobos (2014), PVWatts version 5, NREL/TP-6A20-62641.
    """
    import pvlib

    times = pd.DatetimeIndex(weather["time"].to_numpy()).tz_localize("UTC")
    sun = pvlib.solarposition.get_solarposition(times, latitude, longitude)
    series = {k: pd.Series(weather[k].to_numpy(), index=times)
              for k in ("ghi", "dni", "dhi", "wind_speed")}
    plane = pvlib.irradiance.get_total_irradiance(
        tilt, azimuth, sun["apparent_zenith"], sun["azimuth"], series["dni"], series["ghi"],
        series["dhi"], dni_extra=pvlib.irradiance.get_extra_radiation(times), model="perez",
        airmass=pvlib.atmosphere.get_relative_airmass(sun["apparent_zenith"]))
    incident = plane["poa_global"].fillna(0.0).clip(lower=0.0)
    wind = series["wind_speed"].fillna(1.0)
    cell = pvlib.temperature.faiman(incident, _air(weather), wind.to_numpy())
    direct = pvlib.pvsystem.pvwatts_dc(incident, cell, 1000.0, temperature_coefficient)
    # PVWatts' inverter rated at the module power: DC/AC ratio one.
    power = pvlib.inverter.pvwatts(direct * (1 - losses), 1000.0 / inverter_efficiency,
                                   inverter_efficiency)
    return float(np.nansum(power.to_numpy())) / 1000.0 * 8760 / len(times)


STEPS = (0.1, 1.0, 2.0, 5.0)  # planes this close in tilt and azimuth share one run [degrees]
MOST_RUNS = 720
TOGETHER = 120      # runs held in memory at a time
ALBEDO = 0.2        # of the ground in front of a plane
PANES = np.arange(0.0, 91.0, 5.0)  # tilts at which the hemispherical means of a pane are taken


@dataclass(frozen=True)
class Chain:
    """What lies between sunlight on the glass and alternating current.

    Parameters
    ----------
    losses
        Share lost to soiling, mismatch, wiring and the like, shading left out [1].
    temperature_coefficient
        Change of power with cell temperature [1/K].
    inverter_efficiency
        Nominal efficiency of the inverter [1].
    heat_loss
        Heat that leaves a module in still air [W m-2 K-1].
    heat_loss_wind
        What each metre per second of wind adds [W s m-3 K-1].
    """

    losses: float
    temperature_coefficient: float
    inverter_efficiency: float
    heat_loss: float = 25.0
    heat_loss_wind: float = 6.84


@dataclass(frozen=True)
class OpenYear:
    """A year of open planes by month, January first.

    Parameters
    ----------
    incident
        Irradiation of the plane, shape (12, n) [kWh m-2].
    energy
        Alternating current of one kilowatt-peak, shape (12, n) [kWh].
    warmth, heating
        Cell temperature above 25 degC and above the air, weighted with the light, shape (n,) [K].
    wind
        Wind weighted with the light, shape (n,) [m s-1].
    """

    incident: NDArray[np.float64]
    energy: NDArray[np.float64]
    warmth: NDArray[np.float64]
    heating: NDArray[np.float64]
    wind: NDArray[np.float64]


def open_year(weather: xr.Dataset, *, latitude: float, longitude: float, tilt: ArrayLike,
              azimuth: ArrayLike, chain: Chain) -> OpenYear:
    """Return what open planes receive and yield, month by month, in one pass over the hours.

    Parameters
    ----------
    weather
        As for `specific_yield`. Months are those of its ``utc_offset``, else of the longitude.
    latitude, longitude
        Place [degrees].
    tilt, azimuth
        Of the planes; azimuth clockwise from north, shape (n,) [degrees].
    chain
        Losses and how warm the modules get.

    Notes
    -----
    As `specific_yield`, and the glass reflects: the physical model of a pane for the beam, its
    hemispherical means for the light of sky and ground. An hour without radiation counts as dark,
    one without wind as 1 m/s; a year of other than 8760 hours is scaled to that.

    References
    ----------
    De Soto, Klein & Beckman (2006), Sol. Energy 80:78, doi:10.1016/j.solener.2005.06.010; Marion
    (2017), Sol. Energy 147:344, doi:10.1016/j.solener.2017.03.027; and those of `specific_yield`.
    """
    import pvlib

    tilt, azimuth = (np.atleast_1d(np.asarray(a, dtype=float)) for a in (tilt, azimuth))
    light = {k: np.nan_to_num(weather[k].to_numpy().astype(float)) for k in ("ghi", "dni", "dhi")}
    lit = np.any([values > 0 for values in light.values()], axis=0)
    times = pd.DatetimeIndex(weather["time"].to_numpy()).tz_localize("UTC")[lit]
    sun = pvlib.solarposition.get_solarposition(times, latitude, longitude)
    zenith, sun_azimuth = (sun[k].to_numpy()[:, None] for k in ("apparent_zenith", "azimuth"))
    ghi, dni, dhi = (light[k][lit][:, None] for k in ("ghi", "dni", "dhi"))
    extra = pvlib.irradiance.get_extra_radiation(times).to_numpy()[:, None]
    mass = pvlib.atmosphere.get_relative_airmass(zenith)
    incidence = pvlib.irradiance.aoi(tilt, azimuth, zenith, sun_azimuth)

    beam = np.maximum(dni * np.cos(np.deg2rad(incidence)), 0.0)
    sky = np.nan_to_num(pvlib.irradiance.perez(tilt, azimuth, dhi, dni, extra, zenith, sun_azimuth,
                                               mass))
    ground = pvlib.irradiance.get_ground_diffuse(tilt, ghi, ALBEDO)
    incident = beam + sky + ground
    of_sky, of_ground = (np.interp(tilt, PANES, part) for part in _pane())
    taken = (beam * np.nan_to_num(pvlib.iam.physical(incidence)) + sky * of_sky
             + ground * of_ground)
    air = _air(weather)[lit][:, None]
    wind = np.nan_to_num(weather["wind_speed"].to_numpy()[lit], nan=1.0)[:, None]
    cell = pvlib.temperature.faiman(incident, air, wind, u0=chain.heat_loss,
                                    u1=chain.heat_loss_wind)
    direct = pvlib.pvsystem.pvwatts_dc(taken, cell, 1000.0, chain.temperature_coefficient)
    power = np.nan_to_num(pvlib.inverter.pvwatts(
        direct * (1 - chain.losses), 1000.0 / chain.inverter_efficiency, chain.inverter_efficiency))

    hours_off = float(weather.attrs.get("utc_offset", np.round(longitude / 15)))
    month = (times + pd.Timedelta(hours=hours_off)).month.to_numpy() - 1
    scale = 8760 / len(lit) / 1000.0
    of_month = (month == np.arange(12)[:, None]).astype(float)
    weight = np.where(np.isfinite(cell), taken, 0.0)
    weight /= np.maximum(weight.sum(axis=0), 1e-9)
    means = (np.nansum(what * weight, axis=0) for what in (cell - 25.0, cell - air, wind))
    return OpenYear(of_month @ incident * scale, of_month @ power * scale, *means)


def open_planes(weather: xr.Dataset, *, latitude: float, longitude: float, slope: ArrayLike,
                aspect: ArrayLike, chain: Chain) -> OpenYear:
    """Return the year of open planes, computed once for all that nearly share tilt and azimuth.

    Parameters
    ----------
    weather, latitude, longitude
        As for `open_year`.
    slope, aspect
        Of the planes; aspect clockwise from north, shape (n,) [degrees].
    chain
        Losses and how warm the modules get.

    Notes
    -----
    Tilt and azimuth are rounded to a tenth of a degree, or to 1, 2 or 5 degrees where more than
    720 runs would be needed. At 5 degrees the performance ratio is off by 0.3 % at most.
    """
    slope, aspect = np.asarray(slope, dtype=float), np.asarray(aspect, dtype=float)
    for step in STEPS:
        tilt = np.round(slope / step) * step
        turn = np.where(tilt == 0, 0.0, np.round(aspect / step) * step % 360)
        classes, of = np.unique(np.column_stack([tilt, turn]), axis=0, return_inverse=True)
        if len(classes) <= MOST_RUNS:
            break
    runs = [open_year(weather, latitude=latitude, longitude=longitude,
                      tilt=classes[i:i + TOGETHER, 0], azimuth=classes[i:i + TOGETHER, 1],
                      chain=chain) for i in range(0, len(classes), TOGETHER)]
    if not runs:
        return OpenYear(*[np.zeros((12, 0))] * 2, *[np.zeros(0)] * 3)
    return OpenYear(*(np.concatenate([getattr(r, f.name) for r in runs], axis=-1)[..., of.ravel()]
                      for f in fields(OpenYear)))


def _air(weather: xr.Dataset) -> NDArray[np.float64]:
    """Return the temperature of the air with gaps filled between the hours beside them [degC]."""
    known = pd.Series(weather["temp_air"].to_numpy().astype(float))
    return np.asarray(known.interpolate(limit_direction="both"))


@lru_cache(maxsize=1)
def _pane() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Shares of the light of an even sky and ground that pass a pane at `PANES`."""
    import pvlib

    means = [pvlib.iam.marion_diffuse("physical", tilt) for tilt in PANES]
    return np.array([m["sky"] for m in means]), np.array([m["ground"] for m in means])
