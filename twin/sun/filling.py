"""Light that a weather file does not have: gaps filled, direct and diffuse split from global."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from layers.errors import LayerError
from twin.sun.position import mean_of

Decomposition = Literal["erbs", "dirint"]
Light = tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]


def whole_light(weather: xr.Dataset, stamps: NDArray[np.datetime64],
                moved: NDArray[np.datetime64], place: tuple[float, float],
                how: Decomposition) -> tuple[Light, int, int]:
    """Return the light without gaps, and how many hours were filled and how many split.

    Parameters
    ----------
    weather
        Light that may have gaps [W m-2].
    stamps
        Middle of each hour as the weather has it, UTC, (hours,).
    moved
        The moments the light belongs to, UTC, (hours,).
    place
        Latitude and longitude [degrees].
    how
        How ghi is split where direct or diffuse light is missing.

    Raises
    ------
    LayerError
        When an hour is missing on every day of a month.

    Notes
    -----
    An hour without ghi gets the mean of the same hour on the other days of its month.
    """
    ghi, dni, dhi = light_of(weather)
    gap = np.isnan(ghi)
    local = pd.DatetimeIndex(stamps) + pd.Timedelta(hours=hours_ahead(weather))
    like = pd.Series(ghi).groupby([local.month, local.hour]).transform("mean").to_numpy()
    ghi = np.where(gap, like, ghi)
    if np.isnan(ghi).any():
        raise LayerError(f"the weather has no ghi in {int(np.isnan(ghi).sum())} hours that no day"
                         " of their month has", mend="Use another weather file")
    hole = gap | np.isnan(dni) | np.isnan(dhi)
    if hole.any():
        direct, diffuse = split_global(ghi, moved, place, how, weather)
        dni, dhi = np.where(hole, direct, dni), np.where(hole, diffuse, dhi)
    return (ghi, dni, dhi), int(gap.sum()), int((hole & ~gap).sum())


def split_global(ghi: NDArray[np.float64], moved: NDArray[np.datetime64],
                 place: tuple[float, float], how: Decomposition,
                 weather: xr.Dataset) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the direct normal and the diffuse light that ghi is likely made of [W m-2].

    References
    ----------
    Erbs, Klein & Duffie (1982), Sol. Energy 28:293, doi:10.1016/0038-092X(82)90302-4. Perez et al.
    (1992), Dynamic global-to-direct irradiance conversion models, ASHRAE Trans. 98:354.
    """
    import pvlib

    times = pd.DatetimeIndex(moved, tz="UTC")
    zenith = pvlib.solarposition.spa_python(times, *place)["zenith"]
    if how == "erbs":
        parts = pvlib.irradiance.erbs(ghi, zenith.to_numpy(), times)
        return parts["dni"].to_numpy(), parts["dhi"].to_numpy()
    dni = pvlib.irradiance.dirint(pd.Series(ghi, times), zenith, times,
                                  pressure=mean_of(weather, "pressure", 101325.0))
    sine = np.cos(np.deg2rad(zenith.to_numpy())).clip(0)
    direct = np.minimum(dni.fillna(0).to_numpy(), ghi / np.maximum(sine, 1e-3))
    return direct, ghi - direct * sine


def light_of(weather: xr.Dataset) -> Light:
    """Return ghi, dni and dhi, NaN where the weather has none, (hours,) [W m-2]."""
    ghi, dni, dhi = (weather[k].to_numpy().astype(float) if k in weather
                     else np.full(weather.sizes["time"], np.nan) for k in ("ghi", "dni", "dhi"))
    return ghi, dni, dhi


def hours_ahead(weather: xr.Dataset) -> float:
    """Return how far the standard time of the place is ahead of UTC [h]."""
    return float(weather.attrs.get("utc_offset", 0.0))
