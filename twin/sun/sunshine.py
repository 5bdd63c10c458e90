"""For how much of an hour the sun shines, told by the direct light of the whole hour."""

from __future__ import annotations

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from twin.sun.light import Light
from twin.sun.position import mean_of

SUNSHINE = 120.0  # direct irradiance from which the sun shines, after the WMO [W m-2]
# Direct light of hours with sun before and after, over that of a clear sky: mean of five years
# (Wuhan, Shanghai, PVGIS 45 N 8 E, Greensboro, Miami), 0.74 to 0.98 [1].
BRIGHT = 0.83


def sunshine(light: Light, weather: xr.Dataset, latitude: float, longitude: float,
             least: float = SUNSHINE) -> NDArray[np.float64]:
    """Return the share of its time that each sun shines, (suns,) [1].

    Parameters
    ----------
    light
        The light of the weather.
    weather
        Its pressure and elevation are used where it has them.
    latitude, longitude
        Where it was taken [degrees].
    least
        Direct irradiance from which the sun shines [W m-2].

    Notes
    -----
    Clouds come and go within an hour: one with half the direct light of a sunny hour is half an
    hour of sunshine, not a whole one, though its mean is beyond 120 W m-2. A sunny hour has
    `BRIGHT` of the direct light of a clear sky (Ineichen, monthly Linke turbidity), and no less
    than ``least``. Every hour beyond 120 W m-2 as a whole one would be a fifth more at Nantes.

    References
    ----------
    WMO-No. 8, Guide to Instruments and Methods of Observation, vol. I, ch. 8 (sunshine: direct
    light over 120 W m-2). Ineichen & Perez (2002), Sol. Energy 73:151,
    doi:10.1016/S0038-092X(02)00045-2.
    """
    from pvlib import atmosphere, clearsky, irradiance

    suns, hours = light.suns, pd.DatetimeIndex(light.stamps)
    pressure = mean_of(weather, "pressure", float("nan"))
    height = float(weather.attrs.get("elevation", "nan"))
    if not np.isfinite(height):
        height = float(atmosphere.pres2alt(pressure)) if np.isfinite(pressure) else 0.0
    if not np.isfinite(pressure):
        pressure = float(atmosphere.alt2pres(height))
    zenith = np.rad2deg(np.arccos(suns.direction[:, 2]))
    mass = atmosphere.get_absolute_airmass(atmosphere.get_relative_airmass(zenith), pressure)
    turbid = clearsky.lookup_linke_turbidity(hours, latitude, longitude).to_numpy()
    outside = irradiance.get_extra_radiation(hours).to_numpy()
    clear = clearsky.ineichen(zenith, mass, turbid[suns.hour], height, outside[suns.hour])["dni"]
    count = np.bincount(suns.hour, minlength=len(hours))
    sunny = np.bincount(suns.hour, np.maximum(BRIGHT * clear, least), len(hours)) * suns.duration
    share = np.minimum(light.direct / np.where(count > 0, sunny, np.inf), 1.0)
    return np.asarray(share[suns.hour], float)
