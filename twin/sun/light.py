"""The light of each moment of the year: from the sun and around it, from the sky and its rim."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from layers.errors import UnitsError
from twin.sun.perez import LOW_SUN, split_sky
from twin.sun.position import STEP, Suns, doubt_units, hourly_light, mean_of, sun_positions

F64 = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Light:
    """Suns, and what comes from each and from the sky of each hour.

    Parameters
    ----------
    stamps
        Middle of each hour, UTC, (hours,).
    suns
        Where the sun stands while it is up.
    direct
        Irradiance of the hour on a plane that faces the sun, (hours,) [W m-2].
    normal
        Light of each sun on a plane that faces it, circumsolar light included; those of an hour
        sum to its irradiation, (suns,) [Wh m-2].
    even
        Light of the even sky on open level ground, (hours,) [Wh m-2].
    rim
        Light of the horizon on an open wall, (hours,) [Wh m-2].
    ghi
        Global horizontal irradiation as the weather gives it, (hours,) [Wh m-2].
    """

    stamps: NDArray[np.datetime64]
    suns: Suns
    direct: F64
    normal: F64
    even: F64
    rim: F64
    ghi: F64


def light_of_suns(weather: xr.Dataset, latitude: float, longitude: float, *,
                  step: int = STEP) -> Light:
    """Return the light of the weather, moment by moment.

    Parameters
    ----------
    weather
        Whole hours without a gap: ghi, dni, dhi [W m-2] over ``time``, UTC, middle of the hour.
    latitude, longitude
        Where the weather was taken; north and east count up [degrees].
    step
        Time between two positions of the sun, a divisor of 60 [min].

    Raises
    ------
    LayerError
        When an hour or a value is missing or negative.
    UnitsError
        When the irradiance is not in W m-2.

    Notes
    -----
    The direct light of an hour is spread evenly over the time its sun is up and, as weather files
    are made with the sun of the middle of the hour, scaled to give open ground what that sun
    would. The diffuse light of the hour is spread alike and split by F1 and F2 of each sun; without
    a sun all of it is isotropic. Suns below 1 degree are left out.

    References
    ----------
    Perez et al. (1990), Sol. Energy 44:271, doi:10.1016/0038-092X(90)90055-H.
    """
    stamps, ghi, dni, dhi = hourly_light(weather)
    air = {"pressure": mean_of(weather, "pressure", 101325.0),
           "temperature": mean_of(weather, "temp_air", 12.0)}
    suns = sun_positions(stamps, latitude, longitude, step=step, **air)
    sine, hour, hours = suns.direction[:, 2], suns.hour, len(ghi)
    doubt = doubt_units(ghi, float(sine.max(initial=0.0)))
    if doubt:
        raise UnitsError(doubt, mend="Multiply by 1000 if it is in kWh, by 278 if in MJ per hour")
    count = np.bincount(hour, minlength=hours)
    share = 1 / count[hour]
    fit = middle_fit(suns, sun_positions(stamps, latitude, longitude, step=60, **air), hours)
    glow, even, rim = (part * share for part in split_sky(stamps, dni * fit, dhi, suns))
    normal = (dni * fit)[hour] * share + glow / np.maximum(sine, LOW_SUN)
    sky, band = (np.bincount(hour, part, hours).astype(float) for part in (even, rim))
    return Light(stamps, suns, dni, normal, sky + np.where(count == 0, dhi, 0.0), band, ghi)


def middle_fit(suns: Suns, middle: Suns, hours: int) -> F64:
    """Return by what the direct light of hours is scaled, (hours,) [1].

    Parameters
    ----------
    suns
        Several an hour.
    middle
        Those of the middle of the hours.
    hours
        Number of hours.

    Notes
    -----
    With it, the suns of an hour that is light throughout give open ground what the sun of its
    middle would. Hours of sunrise and sunset are left as they are.
    """
    count = np.bincount(suns.hour, minlength=hours)
    mean = np.bincount(suns.hour, suns.direction[:, 2], hours) / np.maximum(count, 1)
    noon, fit = np.zeros(hours), np.ones(hours)
    noon[middle.hour] = middle.direction[:, 2]
    whole = (noon > 0) & (count * suns.duration > 0.999)
    fit[whole] = noon[whole] / mean[whole]
    return fit
