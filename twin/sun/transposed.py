"""The light of open planes as pvlib transposes it, sun by sun."""

from __future__ import annotations

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from twin.sun.light import middle_fit
from twin.sun.position import STEP, hourly_light, mean_of, sun_positions


def transposed(weather: xr.Dataset, latitude: float, longitude: float, *, slope: ArrayLike,
               aspect: ArrayLike, albedo: float = 0.2, step: int = STEP) -> NDArray[np.float64]:
    """Return the irradiation of open planes after pvlib, (planes,) [kWh m-2].

    Parameters
    ----------
    weather
        Whole hours without a gap: ghi, dni, dhi [W m-2] over ``time``, UTC, middle of the hour.
    latitude, longitude
        Where the weather was taken; north and east count up [degrees].
    slope
        Tilt, (planes,) [degrees].
    aspect
        Direction the planes face, clockwise from north, (planes,) [degrees].
    albedo
        Share of light that the ground sends back [1].
    step
        Time between two positions of the sun, a divisor of 60 [min].

    Notes
    -----
    The suns and the light of each are those of `twin.sun.light`: the same weather, spread over
    its hours alike. All else is pvlib's: the split of the diffuse light for each sun, its parts on
    each plane, and the plane's own shade. Diffuse light without a sun is isotropic.

    References
    ----------
    Perez et al. (1990), Sol. Energy 44:271, doi:10.1016/0038-092X(90)90055-H.
    """
    import pvlib

    stamps, ghi, dni, dhi = hourly_light(weather)
    air = {"pressure": mean_of(weather, "pressure", 101325.0),
           "temperature": mean_of(weather, "temp_air", 12.0)}
    suns = sun_positions(stamps, latitude, longitude, step=step, **air)
    middle = sun_positions(stamps, latitude, longitude, step=60, **air)
    hour = suns.hour
    direct = (dni * middle_fit(suns, middle, len(ghi)))[hour]
    zenith = np.rad2deg(np.arccos(suns.direction[:, 2]))
    outside = pvlib.irradiance.get_extra_radiation(pd.DatetimeIndex(stamps)).to_numpy()[hour]
    mass = pvlib.atmosphere.get_relative_airmass(zenith)
    count = np.bincount(hour, minlength=len(ghi))
    dark = count == 0
    out = []
    for tilt, facing in zip(*map(np.ravel, np.broadcast_arrays(slope, aspect)), strict=True):
        plane = pvlib.irradiance.get_total_irradiance(
            tilt, facing, zenith, suns.azimuth, direct, ghi[hour], dhi[hour], albedo=albedo,
            dni_extra=outside, airmass=mass, model="perez")
        sky = (1 + np.cos(np.deg2rad(tilt))) / 2
        out.append(float(np.nansum(plane["poa_global"] / count[hour]))
                   + float(dhi[dark].sum()) * sky + albedo * float(ghi[dark].sum()) * (1 - sky))
    return np.array(out) / 1000
