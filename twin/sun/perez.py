"""The diffuse light of the sky in three parts: around the sun, the even sky, the horizon."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from twin.sun.position import Suns

# Bins of the sky's clearness and, for each, F11 F12 F13 F21 F22 F23: Perez et al. (1990), table 6.
CLEARNESS = (1.065, 1.23, 1.5, 1.95, 2.8, 4.5, 6.2)
PEREZ = np.array([
    [-0.008, 0.588, -0.062, -0.060, 0.072, -0.022],
    [0.130, 0.683, -0.151, -0.019, 0.066, -0.029],
    [0.330, 0.487, -0.221, 0.055, -0.064, -0.026],
    [0.568, 0.187, -0.295, 0.109, -0.152, -0.014],
    [0.873, -0.392, -0.362, 0.226, -0.462, 0.001],
    [1.132, -1.237, -0.412, 0.288, -0.823, 0.056],
    [1.060, -1.600, -0.359, 0.264, -1.127, 0.131],
    [0.678, -0.327, -0.250, 0.156, -1.377, 0.251],
])

LOW_SUN = np.cos(np.deg2rad(85.0))  # light around the sun is divided by no less


def split_sky(stamps: NDArray[np.datetime64], dni: NDArray[np.float64], dhi: NDArray[np.float64],
              suns: Suns) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return the diffuse light around each sun, of its even sky and of its horizon.

    Parameters
    ----------
    stamps
        Middle of each hour, UTC, (hours,).
    dni, dhi
        Direct normal and diffuse horizontal irradiance, (hours,) [W m-2].
    suns
        Where the sun stands in these hours.

    Returns
    -------
    tuple
        ``dhi F1``, ``dhi (1 - F1)`` and ``dhi F2`` with the light of the hour and the height of
        each sun, (suns,) [W m-2].

    References
    ----------
    Perez et al. (1990), Sol. Energy 44:271, doi:10.1016/0038-092X(90)90055-H; air mass of Kasten &
    Young (1989), Appl. Opt. 28:4735, doi:10.1364/AO.28.004735.
    """
    import pvlib

    outside = pvlib.irradiance.get_extra_radiation(pd.DatetimeIndex(stamps)).to_numpy()
    hour = suns.hour[dhi[suns.hour] > 0]
    lit = dhi[suns.hour] > 0
    zenith = np.arccos(np.clip(suns.direction[lit, 2], 0, 1))
    cube = 1.041 * zenith**3
    clear = ((dhi[hour] + dni[hour]) / dhi[hour] + cube) / (1 + cube)
    mass = pvlib.atmosphere.get_relative_airmass(np.rad2deg(zenith))
    bright = dhi[hour] * mass / outside[hour]
    f = PEREZ[np.digitize(clear, CLEARNESS)]
    f1, f2 = np.zeros(len(lit)), np.zeros(len(lit))
    f1[lit] = np.maximum(f[:, 0] + f[:, 1] * bright + f[:, 2] * zenith, 0)
    f2[lit] = f[:, 3] + f[:, 4] * bright + f[:, 5] * zenith
    light = dhi[suns.hour]
    return light * f1, light * (1 - f1), light * f2
