"""Which moment of the hour the light of a weather file agrees with."""

from __future__ import annotations

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from twin.sun.filling import Light, hours_ahead

MOST_RMSE = 15.0    # closure worse than this is told [W m-2]
NEAR_ENOUGH = 5.0   # a clock this far off is left alone [min]
FLAT = 1.0          # closure that changes less over the sweep tells no time [W m-2]
SWEEP = np.arange(-60.0, 61.0, 15.0)  # [min]
_LOW = np.sin(np.deg2rad(3.0))


def best_moment(stamps: NDArray[np.datetime64], lag: float, place: tuple[float, float],
                given: Light) -> tuple[float, float, list[str]]:
    """Return the moment at which the light closes best, how well it does, and what is doubtful.

    Parameters
    ----------
    stamps
        Middle of each hour, UTC, (hours,).
    lag
        How long after the hour of the file's clock the stamps lie [min].
    place
        Latitude and longitude [degrees].
    given
        ghi, dni and dhi as the file has them, NaN where it has none, (hours,) [W m-2].

    Returns
    -------
    tuple
        Minutes after the hour, root mean square of ``ghi - dhi - dni cos z`` there for suns above
        3 degrees [W m-2], and flags. Where the light does not tell, the moment of the stamps.

    Notes
    -----
    A sweep from an hour before to an hour after, then two parabolas through the mean square,
    which is nearly one: the error of the sun's height grows in proportion to that of the clock.
    """
    lit = np.isfinite(np.sum(given, axis=0)) & (given[0] > 0)
    if not lit.any():
        return lag, np.nan, ["time: without direct and diffuse light the clock cannot be checked"]
    hours, known = stamps[lit] - minutes(lag), [values[lit] for values in given]

    def miss(offset: float) -> float:
        sine = sun_sine(hours + minutes(offset), place)
        rest = (known[0] - known[2] - known[1] * sine)[sine > _LOW]
        return float((rest**2).mean()) if len(rest) else np.nan

    found = np.array([miss(offset) for offset in SWEEP])
    if not np.isfinite(found).all() or np.ptp(np.sqrt(found)) < FLAT:
        return lag, float(np.sqrt(miss(lag))), ["time: the light is too diffuse to tell the clock"]
    best = float(SWEEP[found.argmin()])
    for reach in (7.5, 2.0):
        before, here, after = (miss(best + step) for step in (-reach, 0.0, reach))
        bend = before - 2 * here + after
        step = reach * (before - after) / (2 * bend) if bend > 0 else 0.0
        best = float(np.clip(best + np.clip(step, -reach, reach), -60, 60))
    rmse, flags = float(np.sqrt(miss(best))), []
    if abs(best - lag) >= NEAR_ENOUGH:
        flags.append(f"time: the light agrees best with the sun {best:.0f} min after the hour, the"
                     f" stamps are {lag:.0f} min after it")
    if abs(best) > SWEEP[-1] - 1:
        flags.append("time: that is as far as was looked; check the time zone and the place")
    if rmse > MOST_RMSE:
        flags.append(f"closure: ghi, dni and dhi disagree by {rmse:.0f} W m-2 even then")
    return best, rmse, flags


def sun_sine(moments: NDArray[np.datetime64], place: tuple[float, float]) -> NDArray[np.float64]:
    """Return the sine of the apparent height of the sun at moments in UTC [1]."""
    import pvlib

    sun = pvlib.solarposition.spa_python(pd.DatetimeIndex(moments, tz="UTC"), *place)
    return np.asarray(np.sin(np.deg2rad(sun["apparent_elevation"].to_numpy())))


def stamp_lag(weather: xr.Dataset, stamps: NDArray[np.datetime64]) -> float:
    """Return how long after the hour of the file's clock the stamps lie [min]."""
    if "stamp_minutes" in weather.attrs:
        return float(weather.attrs["stamp_minutes"])
    clock = stamps[0] + minutes(60 * hours_ahead(weather))
    return float((clock - clock.astype("datetime64[h]")) / np.timedelta64(1, "s")) / 60


def minutes(count: float) -> np.timedelta64:
    """Return a span of so many minutes."""
    return np.timedelta64(round(count * 60e9), "ns")
