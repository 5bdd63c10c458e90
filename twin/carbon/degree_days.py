"""Degree days of a city's weather: how they stretch heating and cooling and fill the months."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from layers.weather import degree_days, local_time
from twin.carbon.carriers import find
from twin.factor import Factor

Floats = NDArray[np.float64]
BASES = {"CN": (18.0, 26.0), "": (15.5, 22.0)}  # heated up to and cooled down to [degC]
MOST = 3.0  # heating and cooling are stretched or shrunk by no more than this [1]


@dataclass(frozen=True)
class Stretch:
    """How the weather of the city stretches heating and cooling over what their rows hold for.

    Parameters
    ----------
    heating, cooling
        Factors [1].
    references
        Degree days that the rows hold for [K d].
    """

    heating: float = 1.0
    cooling: float = 1.0
    references: tuple[Factor | None, Factor | None] = (None, None)


def bases(factors: Any) -> tuple[float, float]:
    """Return the temperatures heated up to and cooled down to at the place [degC].

    References
    ----------
    GB 50176-2016 for China (HDD18 and CDD26); elsewhere 15.5 and 22 degC.
    """
    row = find(factors, "hdd_ref", "K d")
    return BASES["CN" if row is not None and row.region.split("-")[0] == "CN" else ""]


def stretch(weather: xr.Dataset, factors: Any) -> Stretch:
    """Return how the weather of a city stretches the energy for heating and cooling.

    Parameters
    ----------
    weather
        The weather layer.
    factors
        Gives ``hdd_ref`` and ``cdd_ref``; counts what is done.

    Notes
    -----
    Energy is taken as proportional to degree days. Few cooling degree days say little, so neither
    factor goes beyond a third and three.

    References
    ----------
    ASHRAE Guideline 14-2014, annex D, degree-day models without a base load.
    """
    heat, cool = find(factors, "hdd_ref", "K d"), find(factors, "cdd_ref", "K d")
    if heat is None or cool is None:
        factors.count("heating and cooling are not scaled to the weather: no degree days are "
                      "tabled for what the intensities hold for", 1, once="degree days")
        return Stretch()
    if str(weather.attrs.get("synthetic", "no")) == "yes":
        factors.count("heating and cooling are scaled to a weather year that is not measured", 1,
                      once="degree days not measured")
    found = degree_days(weather, *bases(factors))
    raw = [mine / row.value if row.value > 0 else 1.0
           for mine, row in zip(found, (heat, cool), strict=True)]
    kept = [float(np.clip(r, 1 / MOST, MOST)) for r in raw]
    factors.count("heating or cooling whose degree days are beyond 3 times those of the rows, "
                  "taken as 3 times", sum(r != k for r, k in zip(raw, kept, strict=True)))
    return Stretch(kept[0], kept[1], (heat, cool))


def month_shapes(weather: xr.Dataset, base: tuple[float, float]) -> Floats:
    """Return the shares of the months in heating, in cooling and in what is always used.

    Parameters
    ----------
    weather
        The weather layer.
    base
        Temperatures heated up to and cooled down to [degC].

    Returns
    -------
    numpy.ndarray
        Shape (3, 12); rows sum to 1. Heating and cooling follow the degree days of the months, all
        else their days; so do heating and cooling in a year without degree days.
    """
    daily = pd.Series(weather["temp_air"].to_numpy()).groupby(
        local_time(weather).floor("D")).mean()
    month = pd.DatetimeIndex(daily.index).month.to_numpy()
    value = daily.to_numpy(dtype=float)
    days = np.bincount(month, minlength=13)[1:].astype(float)
    rows = [np.bincount(month, weights=w, minlength=13)[1:]
            for w in (np.maximum(base[0] - value, 0.0), np.maximum(value - base[1], 0.0))]
    return np.array([r / r.sum() if r.sum() > 0 else days / days.sum() for r in (*rows, days)])
