"""Heat stress over a study area in figures: hours, share of the ground, the worst hour."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from layers.city import City
from layers.errors import MissingInput
from twin.rasters import burn
from twin.result import Twin
from twin.views import field_of, hours_above


@dataclass(frozen=True, eq=False)
class Stress:
    """Heat stress on the walkable ground of a study area over a design day.

    Parameters
    ----------
    hours
        Hours above the limit on (y, x), NaN where nobody walks [h].
    mean
        Their mean over the walkable ground of the study area [h].
    share
        Share of that ground above the limit in its worst hour [1].
    worst
        Middle of the hour with the highest mean UTCI there, in words.
    """

    hours: xr.DataArray
    mean: float
    share: float
    worst: str


def heat_stress_of(twin: Twin, city: City, limit: float) -> Stress:
    """Return how long and on how much of the ground UTCI is above a limit.

    Parameters
    ----------
    twin
        Results with the field of heat.
    city
        Its city; only what lies in its study area counts.
    limit
        UTCI [degC].
    """
    heat = field_of(twin, "heat")
    x, y = heat["x"].to_numpy(), heat["y"].to_numpy()
    inside = burn([city.area], np.ones(1, dtype=int), x, y, fill=0) == 1
    utci = heat["utci"].transpose("time", "y", "x")
    hours = hours_above(heat.assign(utci=utci), "utci", limit)
    felt = utci.to_numpy()[:, inside & np.isfinite(hours.to_numpy())].astype(float)
    if felt.shape[1] == 0:
        raise MissingInput(f"nobody walks on the heat field of {city.name or 'this city'}",
                           mend="Look at its water and buildings with `citytwin check`")
    worst = int(felt.mean(axis=1).argmax())
    return Stress(hours, float((felt > limit).sum(axis=0).mean()),
                  float((felt[worst] > limit).mean()), _clock(heat.isel(time=worst)))


def range_of_hours(twin: Twin) -> str:
    """Return the 95 % range of the mean hours of strong heat stress in words, "" without one."""
    name = "utci_strong_hours"
    if name not in twin.variables:
        return ""
    row: Any = twin.totals().loc[name]
    if not np.isfinite([row["low"], row["high"]]).all():
        return ""
    return f"95 % range {row['low']:.1f} to {row['high']:.1f} h"


def _clock(hour: xr.Dataset) -> str:
    """Return the middle of an hour of the design day: in solar time where it is known."""
    if "solar_time" in hour:
        minutes = round(float(hour["solar_time"]) * 60)
        return f"{minutes // 60:02d}:{minutes % 60:02d} solar time"
    return f"{pd.Timestamp(hour['time'].item()):%H:%M} UTC"
