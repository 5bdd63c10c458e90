"""PET, the physiological equivalent temperature: tabulated for an hour, and by regression.

The heat balance of the body takes a millisecond per point. Air temperature and humidity of an hour
are the same everywhere, so it is solved on a table over radiant temperature and wind, and read off
between.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from twin.heat.radiant import FREEZING, SIGMA

BELOW, ABOVE, STEP = -20.0, 60.0, 4.0   # of the radiant over the air temperature [K]
CALM, STORM, SPEEDS = 0.1, 12.0, 16     # wind at the height of the body [m s-1]
MEAN_PRESSURE = 1013.25                 # [hPa]
Array = NDArray[np.float64]


@dataclass(frozen=True)
class Person:
    """Whom PET is of; the standard person of VDI 3787-2 by default.

    Parameters
    ----------
    posture
        ``"standing"`` or ``"sitting"``.
    clothing
        Insulation [clo].
    activity
        Work metabolism, 1.37 met are 80 W [met].
    age
        Age [a].
    weight, height
        Of the body [kg, m].
    """

    posture: str = "standing"
    clothing: float = 0.9
    activity: float = 1.37
    age: int = 35
    weight: float = 75.0
    height: float = 1.75


@dataclass(frozen=True)
class Index:
    """A field of a comfort index and what was held at the limits of its validity.

    Parameters
    ----------
    value
        The index [degC].
    clipped
        Number of cells held at a limit, by what was beyond it.
    """

    value: Array
    clipped: dict[str, int]


def hold(values: Array, low: float | Array, high: float | Array) -> tuple[Array, int]:
    """Return values held between limits, and how many were beyond them."""
    beyond = int(((values < low) | (values > high)).sum())
    return (np.clip(values, low, high) if beyond else values), beyond


def pet(temp_air: float, radiant: ArrayLike, wind: ArrayLike, relative_humidity: float, *,
        person: Person | None = None) -> Index:
    """Return the physiological equivalent temperature of an hour.

    Parameters
    ----------
    temp_air
        Air temperature [degC].
    radiant
        Mean radiant temperature [degC].
    wind
        Wind speed at 1.1 m [m s-1].
    relative_humidity
        Relative humidity [1].
    person
        Whom it is of; the standard person when None.

    Returns
    -------
    Index
        PET, NaN where an input is. The radiant temperature is held between 20 K below and 60 K
        above the air, the wind between 0.1 and 12 m/s.

    Notes
    -----
    Read linearly between solutions 4 K apart and at 16 wind speeds. Against the solution itself
    the error is below 0.3 K, 0.03 K in the mean square. Tables are kept for later calls.

    References
    ----------
    Höppe (1999), Int. J. Biometeorol. 43:71, doi:10.1007/s004840050118; Walther & Goestchel (2018),
    Build. Environ. 137:1, doi:10.1016/j.buildenv.2018.03.054.
    """
    from scipy.ndimage import map_coordinates

    if not (np.isfinite(temp_air) and np.isfinite(relative_humidity)):
        return Index(np.full(np.broadcast_shapes(np.shape(radiant), np.shape(wind)), np.nan), {})
    table = _table(round(float(temp_air), 2), round(float(relative_humidity), 3),
                   person or Person())
    over, hot = hold(np.asarray(radiant, dtype=float) - temp_air, BELOW, ABOVE)
    speed, windy = hold(np.asarray(wind, dtype=float), CALM, STORM)
    row, column = np.broadcast_arrays(
        (over - BELOW) / STEP, np.log(speed / CALM) * ((SPEEDS - 1) / np.log(STORM / CALM)))
    hole = np.isnan(row) | np.isnan(column)
    if hole.any():
        row, column = (np.where(hole, 0.0, a) for a in (row, column))
    read = map_coordinates(table, [row.ravel(), column.ravel()], order=1, mode="nearest")
    return Index(np.where(hole, np.nan, read.reshape(hole.shape)), {"radiant": hot, "wind": windy})


@lru_cache(maxsize=128)
def _table(temp_air: float, relative_humidity: float, person: Person) -> Array:
    """Return PET over radiant temperature and wind, (radiant, wind) [degC]."""
    from pythermalcomfort.models import pet_steady

    radiant = temp_air + np.arange(BELOW, ABOVE + STEP / 2, STEP)
    wind = np.geomspace(CALM, STORM, SPEEDS)
    solved = pet_steady(tdb=temp_air, tr=radiant[:, None], v=wind[None, :],
                        rh=100.0 * relative_humidity, met=person.activity, clo=person.clothing,
                        p_atm=MEAN_PRESSURE, position=person.posture, age=person.age,
                        weight=person.weight, height=person.height)
    return np.asarray(solved.pet, dtype=float)


def pet_regression(temp_air: float, relative_humidity: float, wind: ArrayLike, *, ghi: float,
                   dhi: float, elevation: float, sunlit: ArrayLike, svf: ArrayLike,
                   bowen: ArrayLike) -> Array:
    """Return PET by a regression for hot Dutch afternoons, to cross-check the heat balance [degC].

    Parameters
    ----------
    temp_air
        Air temperature [degC].
    relative_humidity
        Relative humidity [1].
    wind
        Wind speed at 1.2 m, at least 0.5 is taken [m s-1].
    ghi, dhi
        Global and diffuse radiation [W m-2].
    elevation
        Height of the sun [degrees].
    sunlit
        Share of the sun's beam that arrives; more than half is sun, less is shade [1].
    svf
        Sky view factor [1].
    bowen
        Bowen ratio of the ground: 0.4 where vegetated, else 3 [1].

    References
    ----------
    Koopmans et al. (2020), Build. Environ. 181:106984, doi:10.1016/j.buildenv.2020.106984; wet-bulb
    temperature by Stull (2011), doi:10.1175/JAMC-D-11-0143.1.
    """
    log = np.log(np.maximum(np.asarray(wind, dtype=float), 0.5))
    wet = wet_bulb(temp_air, relative_humidity)
    sky, sine = np.asarray(svf, dtype=float), np.sin(np.deg2rad(elevation))
    sun = (-13.26 + 1.25 * temp_air + 0.011 * ghi - 3.37 * log + 0.078 * wet
           + 0.0055 * ghi * log + 5.56 * sine - 0.0103 * ghi * log * sine
           + 0.546 * np.asarray(bowen, dtype=float) + 1.94 * sky)
    shade = (-12.14 + 1.25 * temp_air - 1.47 * log + 0.060 * wet + 0.015 * sky * dhi
             + 0.0060 * (1.0 - sky) * SIGMA * (temp_air + FREEZING) ** 4)
    beam = np.asarray(sunlit, dtype=float)
    return np.where(np.isnan(beam), np.nan, np.where(beam > 0.5, sun, shade))


def wet_bulb(temp_air: ArrayLike, relative_humidity: ArrayLike) -> Array:
    """Return the wet-bulb temperature after Stull (2011) [degC]."""
    t, rh = np.asarray(temp_air, dtype=float), 100.0 * np.asarray(relative_humidity, dtype=float)
    return np.asarray(t * np.arctan(0.151977 * np.sqrt(rh + 8.313659)) + np.arctan(t + rh)
                      - np.arctan(rh - 1.676331) + 0.00391838 * rh ** 1.5
                      * np.arctan(0.023101 * rh) - 4.686035)
