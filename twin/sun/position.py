"""The hours of the weather, and where the sun stands several times in each."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from layers.errors import CityTwinError, LayerError, UnitsError

STEP = 10      # minutes between two positions
LOWEST = 1.0   # a sun below this is taken to be hidden by the rim of the land [degrees]
HIGH_SUN = 0.17  # sine of the height of a sun that lights even the darkest day [1]
LEAST_GHI = 5.0  # by more than this [W m-2]


@dataclass(frozen=True, eq=False)
class Suns:
    """The moments at which the sun is up, in the order of time, and where it stands then.

    Parameters
    ----------
    hour
        Which hour of the weather the moment belongs to, (suns,).
    azimuth
        Direction of the sun, clockwise from north, (suns,) [degrees].
    direction
        Unit vector to the sun: east, north, up, (suns, 3) [1].
    duration
        How long each moment stands for [h].
    """

    hour: NDArray[np.int64]
    azimuth: NDArray[np.float64]
    direction: NDArray[np.float64]
    duration: float


def sun_positions(stamps: NDArray[np.datetime64], latitude: float, longitude: float, *,
                  step: int = STEP, lowest: float = LOWEST, pressure: float = 101325.0,
                  temperature: float = 12.0) -> Suns:
    """Return the suns of all hours, refraction of the air included.

    Parameters
    ----------
    stamps
        Middle of each hour, UTC, (hours,).
    latitude, longitude
        Place; north and east count up [degrees].
    step
        Time between two positions, a divisor of 60; 60 gives the middle of the hour [min].
    lowest
        Suns less high than this are left out [degrees].
    pressure
        Mean air pressure, for the refraction [Pa].
    temperature
        Mean air temperature, for the refraction [degC].

    Returns
    -------
    Suns
        Empty where the sun does not rise.

    Raises
    ------
    CityTwinError
        When the place is not on the globe or the step does not divide an hour.

    References
    ----------
    Reda & Andreas (2004), Sol. Energy 76:577, doi:10.1016/j.solener.2003.12.003.
    """
    import pvlib

    if not (abs(latitude) <= 90 and abs(longitude) <= 360):
        raise CityTwinError(f"the place of the sun is {latitude:g} N {longitude:g} E, expected"
                            " degrees", mend="Give latitude and longitude of the place")
    if not (isinstance(step, int | np.integer) and 0 < step <= 60 and 60 % step == 0):
        raise CityTwinError(f"{step} minutes between sun positions, expected a divisor of 60",
                            mend="Give 10")
    within = (np.arange(0, 60, step) + step / 2 - 30) * 60
    hours = np.asarray(stamps, "datetime64[ns]")
    moments = hours[:, None] + (within * 1e9).astype("timedelta64[ns]")
    sun = pvlib.solarposition.spa_python(
        pd.DatetimeIndex(moments.ravel(), tz="UTC"), latitude, longitude,
        pressure=pressure, temperature=temperature)
    height = sun["apparent_elevation"].to_numpy()
    up = height >= lowest
    azimuth, height = sun["azimuth"].to_numpy()[up] % 360, np.deg2rad(height[up])
    turn = np.deg2rad(azimuth)
    direction = np.stack([np.cos(height) * np.sin(turn), np.cos(height) * np.cos(turn),
                          np.sin(height)], axis=1)
    hour = np.repeat(np.arange(len(hours)), len(within))[up]
    return Suns(hour, azimuth, direction, step / 60)


def hourly_light(weather: xr.Dataset) -> tuple[NDArray[np.datetime64], NDArray[np.float64],
                                             NDArray[np.float64], NDArray[np.float64]]:
    """Return stamps, ghi, dni and dhi of weather without a gap [W m-2].

    Raises
    ------
    LayerError
        When an hour or a value is missing or negative.
    UnitsError
        When a variable says that it is in another unit.
    """
    stamps = hour_stamps(weather)
    columns = []
    for name in ("ghi", "dni", "dhi"):
        if name not in weather:
            raise LayerError(f"the weather has no {name}, expected ghi, dni and dhi",
                             mend="Audit and correct it first: dni and dhi are split from ghi")
        units = str(weather[name].attrs.get("units", "W m-2"))
        if units.replace("**", "").replace("^", "").replace(" ", "") not in ("Wm-2", "W/m2"):
            raise UnitsError(f"{name} of the weather is in {units!r}, expected 'W m-2'",
                             mend="Convert it to W m-2")
        values = weather[name].to_numpy().astype(float)
        bad = ~((values >= 0) & np.isfinite(values))
        if bad.any():
            at = int(bad.argmax())
            raise LayerError(
                f"{name} of the weather is {values[at]:g} at {pd.Timestamp(stamps[at]):%m-%d %H:%M}"
                f" UTC, expected 0 or more W m-2 ({int(bad.sum())} such hours)",
                mend="Audit and correct it first, or use another file")
        columns.append(values)
    return stamps, columns[0], columns[1], columns[2]


def hour_stamps(weather: xr.Dataset) -> NDArray[np.datetime64]:
    """Return the middles of the hours, checked to follow each other without a gap.

    Raises
    ------
    LayerError
        When an hour is missing or doubled.
    """
    stamps = np.asarray(weather["time"].to_numpy(), "datetime64[ns]")
    wrong = np.diff(stamps) != np.timedelta64(1, "h")
    if not len(stamps) or wrong.any():
        after = f" after {pd.Timestamp(stamps[int(wrong.argmax())]):%m-%d %H:%M} UTC" \
            if wrong.any() else ""
        raise LayerError(f"the weather has {len(stamps)} hours with {int(wrong.sum())} gaps{after},"
                         " expected hour after hour", mend="Put in the missing hours")
    return stamps


def mean_of(weather: xr.Dataset, name: str, default: float) -> float:
    """Return the mean of a variable, ``default`` where the weather has none."""
    values = weather[name].to_numpy() if name in weather else np.array([np.nan])
    return float(np.nanmean(values)) if np.isfinite(values).any() else default


def doubt_units(ghi: NDArray[np.float64], highest: float) -> str:
    """Return why ghi cannot be in W m-2, or an empty string.

    Parameters
    ----------
    ghi
        Global horizontal irradiance, (hours,).
    highest
        Sine of the height of the highest sun of these hours [1].
    """
    most = float(np.nanmax(ghi, initial=0.0))
    if highest <= HIGH_SUN or most >= LEAST_GHI:
        return ""
    return (f"ghi of the weather is at most {most:.3g} while the sun climbs to"
            f" {np.rad2deg(np.arcsin(min(highest, 1.0))):.0f} degrees, expected hundreds of W m-2")
