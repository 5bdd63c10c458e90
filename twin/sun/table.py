"""The year's sun summed first: what comes from each direction, above each height.

A horizon then needs one look-up per direction, however many hours the year has.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from layers.errors import CityTwinError
from twin.sun.light import light_of_suns
from twin.sun.position import STEP, Suns
from twin.sun.sunshine import SUNSHINE as SUNSHINE
from twin.sun.sunshine import sunshine

DIRECTIONS = 72
LEVELS = 361


@dataclass(frozen=True, eq=False)
class SunTable:
    """Sun and sky of some periods, ready for any horizon and any plane.

    Parameters
    ----------
    periods
        Name of each period.
    beam
        Beam and circumsolar light as a vector to the east, to the north and up: the sum over the
        suns of a sector that stand at or above a level, (periods, directions, levels, 3)
        [kWh m-2]. The dot product with the normal of a plane is what the plane gets.
    hours
        Time the sun stands in a sector at or above a level, (periods, directions, levels) [h].
    isotropic
        Diffuse light of the even sky on an open horizontal plane, (periods,) [kWh m-2].
    horizon
        Diffuse light of the bright (or, below zero, dark) horizon on an open vertical plane,
        (periods,) [kWh m-2].
    ghi
        Global horizontal irradiation as the weather gives it, (periods,) [kWh m-2].

    Notes
    -----
    Sector k looks to ``azimuths[k]``; a sun between two of them is shared linearly, and counts in
    each as if it stood half-way to it. Level l is the sine ``sines[l]`` of a height above the
    horizon; between levels the tables are linear.
    """

    periods: tuple[str, ...]
    beam: NDArray[np.float32]
    hours: NDArray[np.float32]
    isotropic: NDArray[np.float64]
    horizon: NDArray[np.float64]
    ghi: NDArray[np.float64]

    @property
    def azimuths(self) -> NDArray[np.float64]:
        """Direction of each sector, clockwise from north [degrees]."""
        count = self.hours.shape[1]
        return np.linspace(0.0, 360.0, count, endpoint=False)

    @property
    def sines(self) -> NDArray[np.float64]:
        """Sine of the height of each level [1]."""
        return np.linspace(0.0, 1.0, self.hours.shape[2])

    @property
    def closure(self) -> NDArray[np.float64]:
        """Light on open horizontal ground over that of the weather, less one, (periods,) [1].

        NaN where the weather has no light.
        """
        ground = self.beam[:, :, 0, 2].sum(axis=1, dtype=float) + self.isotropic
        lit = np.where(self.ghi > 0, self.ghi, np.nan)
        return np.asarray(ground / lit - 1, float)


def sun_table(weather: xr.Dataset, latitude: float, longitude: float, *,
              directions: int = DIRECTIONS, levels: int = LEVELS,
              periods: Literal["year", "months"] | ArrayLike = "year", step: int = STEP,
              least_beam: float = 0.0) -> SunTable:
    """Return the sun and sky of the weather, summed by direction and height.

    Parameters
    ----------
    weather
        Whole hours without a gap: ghi, dni, dhi [W m-2] over ``time``, UTC, middle of the hour.
    latitude, longitude
        Where the weather was taken; north and east count up [degrees].
    directions
        Number of sectors; the first looks north.
    levels
        Number of levels of the sine of the height, from 0 to 1.
    periods
        The whole, its months in the standard time of the place (attribute ``utc_offset``), or how
        much each hour counts, (hours,) or (periods, hours): true and false, or weights [1].
    step
        Time between two positions of the sun, a divisor of 60 [min].
    least_beam
        Direct irradiance from which the sun shines, for ``hours``; 0 counts every sun, `SUNSHINE`
        those of the WMO's sunshine duration, parts of hours as `twin.sun.sunshine.sunshine` tells
        them [W m-2].

    Raises
    ------
    LayerError
        When an hour or a value is missing or negative.
    UnitsError
        When the irradiance is not in W m-2.

    Notes
    -----
    How the light of an hour is spread over its suns is told by `twin.sun.light.light_of_suns`.

    References
    ----------
    Perez et al. (1990), Sol. Energy 44:271, doi:10.1016/0038-092X(90)90055-H. WMO-No. 8, Guide to
    Instruments and Methods of Observation, vol. I, ch. 8 (sunshine: direct light over 120 W m-2).
    """
    if directions < 4 or levels < 2:
        raise CityTwinError(f"{directions} directions and {levels} levels, expected at least 4"
                            " and 2", mend=f"Give {DIRECTIONS} and {LEVELS}")
    light = light_of_suns(weather, latitude, longitude, step=step)
    names, counts = _periods(weather, light.stamps, periods)
    suns = light.suns
    shines = (sunshine(light, weather, latitude, longitude, least_beam) if least_beam > 0
              else np.ones(len(suns.hour)))
    place, part, sides = _bins(suns, directions, levels)
    each = light.normal / 1000
    what = np.stack([sides[0] * each, sides[1] * each, part * (suns.direction[:, 2] * each),
                     part * (suns.duration * shines)])
    sums = np.empty((len(names), directions, levels, 4), np.float32)
    for p, count in enumerate(counts):
        weight = count[suns.hour]
        on = np.flatnonzero(weight)
        for c in range(4):
            table = np.bincount(place[:, on].ravel(), (what[c][:, on] * weight[on]).ravel(),
                                directions * levels)
            above = table.reshape(directions, levels)[:, ::-1].cumsum(axis=1)[:, ::-1]
            sums[p, :, :, c] = above
    return SunTable(names, np.ascontiguousarray(sums[..., :3]), sums[..., 3].copy(),
                    counts @ light.even / 1000, counts @ light.rim / 1000,
                    counts @ light.ghi / 1000)


def _periods(weather: xr.Dataset, stamps: NDArray[np.datetime64],
             periods: str | ArrayLike) -> tuple[tuple[str, ...], NDArray[np.float64]]:
    """Return names and how much each hour counts in each period, (periods, hours)."""
    if isinstance(periods, str) and periods == "year":
        return ("year",), np.ones((1, len(stamps)))
    if isinstance(periods, str) and periods == "months":
        ahead = float(weather.attrs.get("utc_offset", 0.0))
        month = (pd.DatetimeIndex(stamps) + pd.Timedelta(hours=ahead)).month.to_numpy()
        return tuple(str(m) for m in range(1, 13)), (month == np.arange(1, 13)[:, None]) * 1.0
    try:
        counts = np.atleast_2d(np.asarray(periods, float))
    except (TypeError, ValueError):
        counts = np.empty((0, 0))
    if counts.shape[1:] != stamps.shape or not len(counts) or not (counts >= 0).all():
        raise CityTwinError(
            f"periods is {periods if isinstance(periods, str) else counts.shape!r}, expected"
            f" 'year', 'months' or weights of 0 or more for {len(stamps)} hours",
            mend="Give one row of weights per period")
    return tuple(str(p + 1) for p in range(len(counts))), counts


def _bins(suns: Suns, directions: int, levels: int) -> tuple[NDArray[np.int64], NDArray[np.float64],
                                                             NDArray[np.float64]]:
    """Return where each sun goes, sector times levels plus level, and what goes there of it.

    What goes there is its share, (2, suns), and that share of its direction to the east and to the
    north, (2, 2, suns).

    Notes
    -----
    A sun at the part p of the way between two sectors counts 1 - p in one and p in the other, and
    in each as if it stood half-way between there and where it is: the two parts sum to the sun
    itself. A plane cuts its sun at the azimuth of the sector. Light taken from where the sun is
    would then be too little by the square of the way to the cut, light taken from the azimuth of
    the sector too much by as much; half-way the mean over all cuts is right.
    """
    width = 2 * np.pi / directions
    at = suns.azimuth * (directions / 360.0)
    first = np.floor(at).astype(np.int64)
    p = at - first
    level = np.minimum((suns.direction[:, 2] * (levels - 1)).astype(np.int64), levels - 1)
    place = np.stack([first % directions, (first + 1) % directions]) * levels + level
    far = np.hypot(suns.direction[:, 0], suns.direction[:, 1])
    aside = far * np.sin(np.stack([1 - p, p]) * width / 2) / np.sin(width / 2)
    turn = (first + np.stack([p, 1 + p]) / 2) * width
    return place, np.stack([1 - p, p]), np.stack([np.sin(turn), np.cos(turn)]) * aside
