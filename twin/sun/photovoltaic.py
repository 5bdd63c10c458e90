"""What a kilowatt of modules yields in a year, and how close rows of modules may stand.

The chain is pvlib's: sun position (NREL SPA), Perez transposition, Faiman cell temperature, PVWatts
direct current and inverter. Shading by other buildings is not in it.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import xarray as xr

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
              for k in ("ghi", "dni", "dhi", "temp_air", "wind_speed")}
    plane = pvlib.irradiance.get_total_irradiance(
        tilt, azimuth, sun["apparent_zenith"], sun["azimuth"], series["dni"], series["ghi"],
        series["dhi"], dni_extra=pvlib.irradiance.get_extra_radiation(times), model="perez",
        airmass=pvlib.atmosphere.get_relative_airmass(sun["apparent_zenith"]))
    incident = plane["poa_global"].fillna(0.0).clip(lower=0.0)
    wind = series["wind_speed"].fillna(1.0)
    cell = pvlib.temperature.faiman(incident, series["temp_air"], wind)
    direct = pvlib.pvsystem.pvwatts_dc(incident, cell, 1000.0, temperature_coefficient)
    # PVWatts' inverter rated at the module power: DC/AC ratio one.
    power = pvlib.inverter.pvwatts(direct * (1 - losses), 1000.0 / inverter_efficiency,
                                   inverter_efficiency)
    return float(np.nansum(power.to_numpy())) / 1000.0 * 8760 / len(times)


def split_radiation(weather: xr.Dataset, *, latitude: float, longitude: float) -> xr.Dataset:
    """Return weather whose missing dni and dhi are split from ghi.

    References
    ----------
    Erbs, Klein & Duffie (1982), Sol. Energy 28:293, doi:10.1016/0038-092X(82)90302-4.
    """
    import pvlib

    times = pd.DatetimeIndex(weather["time"].to_numpy()).tz_localize("UTC")
    zenith = pvlib.solarposition.get_solarposition(times, latitude, longitude)["apparent_zenith"]
    split = pvlib.irradiance.erbs(pd.Series(weather["ghi"].to_numpy(), index=times), zenith, times)
    hole = np.isnan(weather["dni"]) | np.isnan(weather["dhi"])
    return weather.assign({k: weather[k].where(~hole, split[k].to_numpy()) for k in ("dni", "dhi")})
