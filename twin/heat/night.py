"""The heat island of the night per cell, from sky view, green and the weather of the country.

Fitted on cities of north-western Europe: read it as differences between places and plans.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from layers.errors import MissingInput
from twin.heat.parameters import Values, given, parameter

START = 8            # the day of the equation runs from this hour, standard time
STILL = 0.5          # slower winds are taken as this [m s-1]
FOOTPRINT = 500.0    # ground that shapes the air of a place reaches this far [m]
Array = NDArray[np.float64]


@dataclass(frozen=True)
class NightHeat:
    """Highest difference to the air of the country, over the days of summer [K].

    Parameters
    ----------
    mean, p10, p90
        Mean and percentiles of the days.
    """

    mean: Array
    p10: Array
    p90: Array


def heat_island(svf: ArrayLike, vegetation: ArrayLike, scale: ArrayLike, *,
                values: Values | None = None) -> Array:
    """Return the highest difference of the day between the air of city and country [K].

    Parameters
    ----------
    svf
        Sky view factor of the streets around, see `footprint_mean` [1].
    vegetation
        Share of the ground around that is vegetated [1].
    scale
        What the weather of the day allows, see `daily_scale` [K].
    values
        Numbers in place of those of the table, by stem.

    Notes
    -----
    ``(a (1 - SVF) + b (1 - f_veg)) (S DTR^3 / U)^(1/4)``. The published a and b are 1, which makes
    it 2 - SVF - f_veg.

    References
    ----------
    Theeuwes et al. (2017), Int. J. Climatol. 37:443, doi:10.1002/joc.4717.
    """
    numbers = given(values)
    shape = (numbers["night.sky"] * (1.0 - np.asarray(svf, dtype=float))
             + numbers["night.green"] * (1.0 - np.asarray(vegetation, dtype=float)))
    return np.asarray(shape * np.asarray(scale, dtype=float))


def weather_scale(ghi: ArrayLike, temp_range: ArrayLike, wind: ArrayLike, *,
                  values: Values | None = None) -> Array:
    """Return ``(S DTR^3 / U)^(1/4)`` [K].

    Parameters
    ----------
    ghi
        Global radiation, mean of 24 hours [W m-2].
    temp_range
        Difference of highest and lowest air temperature in the country [K].
    wind
        Mean wind speed at 10 m in the country, at least 0.5 is taken [m s-1].
    values
        Numbers in place of those of the table, by stem.
    """
    kinematic = np.asarray(ghi, dtype=float) / parameter("night.heat_capacity", values)
    speed = np.maximum(np.asarray(wind, dtype=float), STILL)
    return np.asarray((kinematic * np.asarray(temp_range, dtype=float) ** 3 / speed) ** 0.25)


def daily_scale(weather: xr.Dataset, *, latitude: float | None = None,
                values: Values | None = None) -> pd.DataFrame:
    """Return what the weather of each summer day allows of a heat island.

    Parameters
    ----------
    weather
        Hourly ghi [W m-2], temp_air [degC] and wind_speed [m s-1] over ``time`` in UTC at the
        middle of each hour, and the attribute ``utc_offset`` [h].
    latitude
        Its sign tells the summer, June to August or December to February; the attribute of the
        weather when None [degrees].
    values
        Numbers in place of those of the table, by stem.

    Returns
    -------
    pandas.DataFrame
        A row a day: ``ghi``, mean from midnight [W m-2]; ``temp_range`` [K] and ``wind`` [m s-1],
        from 8 h to 7 h of the next day; and ``scale`` [K]. Days with a gap are left out.

    Raises
    ------
    MissingInput
        When no summer day is whole.
    """
    names = ("ghi", "temp_air", "wind_speed")
    frame = pd.DataFrame({name: weather[name].to_numpy() for name in names})
    times = pd.DatetimeIndex(weather["time"].to_numpy())
    local = times + pd.Timedelta(hours=float(weather.attrs.get("utc_offset", 0.0)))
    calendar, shifted = local.floor("D"), (local - pd.Timedelta(hours=START)).floor("D")
    sun = frame["ghi"].groupby(calendar).agg(["mean", "count"])
    air = frame["temp_air"].groupby(shifted).agg(["max", "min", "count"])
    wind = frame["wind_speed"].groupby(shifted).agg(["mean", "count"])
    table = pd.DataFrame({"ghi": sun["mean"][sun["count"] >= 24],
                          "temp_range": (air["max"] - air["min"])[air["count"] >= 24],
                          "wind": wind["mean"][wind["count"] >= 24]}).dropna()
    place = float(weather.attrs.get("latitude", 0.0)) if latitude is None else latitude
    summer = (6, 7, 8) if place >= 0 else (12, 1, 2)
    table = table[pd.DatetimeIndex(table.index).month.isin(summer)]
    if table.empty:
        raise MissingInput("the weather has no summer day with all its hours of ghi, temp_air and"
                           " wind_speed", mend="Use another weather file")
    return table.assign(scale=weather_scale(table["ghi"], table["temp_range"], table["wind"],
                                            values=values))


def night_heat(svf: ArrayLike, vegetation: ArrayLike, scales: ArrayLike, *,
               values: Values | None = None) -> NightHeat:
    """Return the heat island of the summer nights.

    Parameters
    ----------
    svf, vegetation
        Means over the footprint, see `footprint_mean` [1].
    scales
        What the weather of each day allows, the column ``scale`` of `daily_scale` [K].
    values
        Numbers in place of those of the table, by stem.
    """
    days = np.asarray(scales, dtype=float)
    low, high = np.quantile(days, [0.1, 0.9])
    one = heat_island(svf, vegetation, 1.0, values=values)
    return NightHeat(one * days.mean(), one * low, one * high)


def footprint_mean(field: ArrayLike, cell: float, *, reach: float = FOOTPRINT,
                   wind_from: float | None = None, half_width: float = 45.0) -> Array:
    """Return the mean of what is known around each cell, or upwind of it.

    Parameters
    ----------
    field
        Values, row 0 south; NaN, as sky views under roofs are, does not count, (ny, nx).
    cell
        Side of a cell [m].
    reach
        How far to look [m].
    wind_from
        Where the wind comes from, clockwise from north; all around when None [degrees].
    half_width
        How far to each side of the wind to look [degrees].

    Returns
    -------
    numpy.ndarray
        Means, NaN where nothing is known within reach. The edge of the field counts as unknown.
    """
    from scipy.signal import fftconvolve

    values = np.asarray(field, dtype=float)
    steps = max(int(reach / cell), 0)
    north, east = np.mgrid[-steps:steps + 1, -steps:steps + 1] * cell
    far = np.hypot(north, east)
    seen = far <= max(reach, 0.0)
    if wind_from is not None:
        turn = (np.rad2deg(np.arctan2(east, north)) - wind_from + 180.0) % 360.0 - 180.0
        seen &= (np.abs(turn) <= half_width) | (far == 0)
    known = np.isfinite(values)
    # To convolve turns the window round; turned beforehand, it looks towards the wind.
    window = seen[::-1, ::-1].astype(float)
    total = fftconvolve(np.where(known, values, 0.0), window, mode="same")
    count = np.round(fftconvolve(known.astype(float), window, mode="same"))
    out: Array = np.full(values.shape, np.nan)
    np.divide(total, count, out=out, where=count > 0)
    return out
