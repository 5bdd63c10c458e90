"""The design day: the clearest day of the hottest week of a year of weather."""

from __future__ import annotations

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from layers.errors import MissingInput

NEEDED = ("ghi", "dni", "dhi", "temp_air", "relative_humidity")
WEEK = 7
_NEW = {"elevation": ("degree", "height of the sun"),
        "azimuth": ("degree", "direction of the sun, clockwise from north"),
        "solar_time": ("h", "true solar time"),
        "clearness": ("1", "global radiation over that of a clear sky, at most 1")}


def design_day(weather: xr.Dataset, *, latitude: float | None = None,
               longitude: float | None = None, first: float = 9.0,
               last: float = 18.0) -> xr.Dataset:
    """Return the hours of a hot, clear day, with the sun.

    Parameters
    ----------
    weather
        Hourly ghi, dni, dhi [W m-2], temp_air [degC], relative_humidity [1] and wind_speed [m s-1]
        over ``time`` in UTC at the middle of each hour, and the attribute ``utc_offset`` [h].
    latitude, longitude
        Place; the attributes of the weather when None [degrees].
    first, last
        Hours whose middle lies between these true solar times are kept [h]. From 9 to 18 h they
        are nine.

    Returns
    -------
    xarray.Dataset
        The variables of the weather over ``time`` with ``elevation`` and ``azimuth`` of the sun
        [degrees], ``solar_time`` [h] and ``clearness`` [1]. Attributes: ``date``, ``highest_sun``
        [degrees], ``sunrise`` [h solar time], ``week_mean`` [degC] and ``day_mean`` [degC].

    Raises
    ------
    MissingInput
        When a needed variable is missing or no day is complete.

    Notes
    -----
    The hottest week is the seven days running, in local standard time and around the turn of the
    year, with the highest mean air temperature. Its clearest day has most global radiation for
    what comes in above the air. Days with a gap are passed over; a week without any whole day
    gives way to the next hottest one.
    """
    import pvlib

    lat, lon = (float(weather.attrs.get(name, np.nan)) if given is None else given
                for name, given in (("latitude", latitude), ("longitude", longitude)))
    if not (np.isfinite(lat) and np.isfinite(lon)):
        raise MissingInput("the weather has no latitude and longitude", mend="Give both")
    for name in NEEDED:
        if name not in weather or bool(np.isnan(weather[name]).all()):
            raise MissingInput(f"the weather has no {name}, needed for a design day",
                               mend="Split dni and dhi from ghi first" if name in ("dni", "dhi")
                               else "Use a weather file that has it")
    times = pd.DatetimeIndex(weather["time"].to_numpy())
    local = times + pd.Timedelta(hours=float(weather.attrs.get("utc_offset", lon / 15)))
    sun = pvlib.solarposition.get_solarposition(times.tz_localize("UTC"), lat, lon)
    above = np.maximum(np.sin(np.deg2rad(sun["elevation"].to_numpy())), 0.0)
    extra = pvlib.irradiance.get_extra_radiation(times.day_of_year.to_numpy()) * above
    day, week_mean = _choose(weather, local, extra)

    turn = pvlib.solarposition.equation_of_time_spencer71(times.day_of_year.to_numpy())
    hour = (times.hour + times.minute / 60).to_numpy()
    solar = np.asarray((hour + lon / 15 + turn / 60) % 24)
    on_day = np.asarray(local.floor("D") == day)
    kept = on_day & (solar >= first) & (solar < last)
    if not kept.any():
        raise MissingInput(f"no hour between {first:g} and {last:g} h solar time",
                           mend="Widen the hours")
    noon = int(np.flatnonzero(on_day)[on_day.sum() // 2])
    tilt = float(pvlib.solarposition.declination_spencer71(int(times.day_of_year[noon])))
    rise = np.arccos(np.clip(-np.tan(np.deg2rad(lat)) * np.tan(tilt), -1, 1))
    # Haurwitz (1945): global radiation of a clear sky from the height of the sun alone.
    clear = 1098.0 * above * np.exp(-0.057 / np.maximum(above, 1e-3))
    ratio = np.clip(weather["ghi"].to_numpy() / np.maximum(clear, 1.0), 0.0, 1.0)
    out = weather.isel(time=kept)
    for name, values in {"elevation": sun["elevation"].to_numpy(),
                         "azimuth": sun["azimuth"].to_numpy(), "solar_time": solar,
                         "clearness": ratio}.items():
        units, words = _NEW[name]
        out[name] = ("time", values[kept], {"units": units, "long_name": words})
    return out.assign_attrs(
        weather.attrs, latitude=lat, longitude=lon, date=f"{day:%m-%d}", week_mean=week_mean,
        day_mean=float(weather["temp_air"].to_numpy()[on_day].mean()),
        highest_sun=90.0 - abs(lat - float(np.rad2deg(tilt))),
        sunrise=12.0 - float(np.rad2deg(rise)) / 15.0)


def _choose(weather: xr.Dataset, local: pd.DatetimeIndex,
            extra: NDArray[np.float64]) -> tuple[pd.Timestamp, float]:
    """Return the clearest whole day of the hottest week and the mean temperature of that week."""
    frame = pd.DataFrame({name: weather[name].to_numpy() for name in NEEDED})
    whole = frame.notna().all(axis=1)
    groups = local.floor("D")
    daily = pd.DataFrame({"hours": 1, "whole": whole, "temp": frame["temp_air"],
                          "sun": frame["ghi"], "extra": extra}).groupby(groups).agg(
        {"hours": "sum", "whole": "all", "temp": "mean", "sun": "sum", "extra": "sum"})
    daily = daily[daily["hours"] >= 24]
    if not daily["whole"].any():
        raise MissingInput("the weather has no day with all its hours", mend="Use another file")
    temp = daily["temp"].to_numpy()
    length = min(WEEK, len(temp))
    around = np.arange(len(temp))[:, None] + np.arange(length)
    weeks = np.ma.masked_invalid(temp[around % len(temp)]).mean(axis=1).filled(-np.inf)
    index = (daily["sun"] / daily["extra"].clip(lower=1.0)).where(daily["whole"]).to_numpy()
    for start in np.argsort(-weeks, kind="stable"):
        days = (start + np.arange(length)) % len(temp)
        if np.isfinite(index[days]).any():
            return daily.index[days[int(np.nanargmax(index[days]))]], float(weeks[start])
    raise MissingInput("the weather has no day with all its hours", mend="Use another file")
