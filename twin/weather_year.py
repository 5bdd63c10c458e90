"""The year of weather a run stands on: audited, put on the right clock, whole."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from twin.sun.audit import Audit, audit_weather, corrected

FAR = 100.0  # a weather station further away than this is told [km]
_last: list[tuple[Any, tuple[float, float], Any, Audit]] = []  # scenarios share their weather


@dataclass(frozen=True, eq=False)
class WeatherYear:
    """A year of weather without gaps, and where it was taken.

    Parameters
    ----------
    weather
        As `twin.sun.audit.corrected` gives it.
    latitude, longitude
        Where it was taken, that of the city where the weather does not say [degrees].
    audit
        What the weather tells of itself.
    """

    weather: xr.Dataset
    latitude: float
    longitude: float
    audit: Audit

    @property
    def equator(self) -> float:
        """Direction of the equator, clockwise from north [degrees]."""
        return 180.0 if self.latitude >= 0 else 0.0


def year_of(weather: xr.Dataset, place: tuple[float, float], factors: Any) -> WeatherYear:
    """Return the weather of a city audited and corrected; what is doubtful is counted.

    Parameters
    ----------
    weather
        The weather layer.
    place
        Longitude and latitude of the city [degrees].
    factors
        Counts doubts and a station more than 100 km away.

    Notes
    -----
    The sun is computed where the weather was taken, so that radiation and sun agree. Direct and
    diffuse radiation that the file does not have are split from the global one after Erbs et al.
    (1982).
    """
    from pyproj import Geod

    lon, lat = (float(weather.attrs.get(k, "nan")) for k in ("longitude", "latitude"))
    if not (np.isfinite(lon) and np.isfinite(lat)):
        lon, lat = place
    away = Geod(ellps="WGS84").inv(lon, lat, *place)[2] / 1000
    if away > FAR:
        factors.count("weather from a station this far away [km]", round(away), once="station")
    if not (_last and _last[0][0] is weather and _last[0][1] == (lon, lat)):
        audit = audit_weather(weather, latitude=lat, longitude=lon)
        _last[:] = [(weather, (lon, lat), corrected(weather, audit, latitude=lat, longitude=lon),
                     audit)]
    _, _, whole, audit = _last[0]
    for flag in audit.flags:
        factors.count(f"weather, {flag}", 1, once=flag)
    return WeatherYear(whole, lat, lon, audit)
