"""The wind of a year over a height raster: every direction solved, then its hours laid over."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from layers.errors import MissingInput
from twin.progress import Progress
from twin.wind.comfort import comfort, weak_wind
from twin.wind.composition import mean_over
from twin.wind.inflow import Inflow
from twin.wind.levels import as_ratio, at_levels
from twin.wind.sectors import STATION_Z0, station_count
from twin.wind.stations import BLENDING
from twin.wind.statistics import Hours, lay_out
from twin.wind_output import create_ratios, put_ratios
from twin.wind_run import REFERENCE, Site, Tally

SECTORS = (8, 16, 32)
PEDESTRIAN = (1.0, 2.5)  # levels that comfort is judged at [m]


def from_mast(at: float) -> tuple[float, float]:
    """Return speed [m s-1] and height [m] above any ground for `REFERENCE` at a mast.

    Parameters
    ----------
    at
        Height of the mast [m].

    Notes
    -----
    The mast stands on open ground; at the blending height its wind is that above the city.

    References
    ----------
    Wieringa (1986), Q. J. R. Meteorol. Soc. 112:867.
    """
    blend = max(BLENDING, at)
    return REFERENCE * math.log1p(blend / STATION_Z0) / math.log1p(at / STATION_Z0), blend


def hours_of(weather: xr.Dataset, sectors: int) -> Hours:
    """Return the hours of a year between the directions of the solves.

    Parameters
    ----------
    weather
        From `layers.weather.read_weather`.
    sectors
        Number of directions.
    """
    for name in ("wind_speed", "wind_direction"):
        if name not in weather or not np.isfinite(weather[name]).any():
            raise MissingInput(f"{weather.attrs.get('title', 'the weather')} has no {name}",
                               mend="Use a weather file with wind")
    return lay_out(weather["wind_speed"], weather["wind_direction"],
                   np.arange(sectors) * 360.0 / sectors)


def solve_sectors(site: Site, directions: NDArray[np.float64], file: Path,
                  inflow: Callable[[float], Inflow], mast: float, tally: Tally, tell: Progress,
                  clock: Callable[[], float]) -> None:
    """Solve every direction and write its ratios to the wind at the mast, one after the other.

    Parameters
    ----------
    site
        What the wind blows over.
    directions
        They come from, (n,) [degrees].
    file
        To write.
    inflow
        Gives the undisturbed wind of a direction, for `REFERENCE` at the mast.
    mast
        Height of the mast, whose anemometer the ratios are to [m].
    tally
        Counts what they take.
    tell
        Called with how far it is.
    clock
        Gives the seconds since it was asked last.
    """
    for n, wind_from in enumerate(directions):
        def told(what: str, *_: int, n: int = n) -> None:
            tell(f"{n + 1} of {len(directions)} directions: {what}", n, len(directions))

        told("zones")
        clock()
        found = site.solve(inflow(float(wind_from)), float(wind_from), told)
        tally.add(found)
        clock()
        told("turbulence")
        ratio = as_ratio(at_levels(found, site.levels, x=site.heights.x, y=site.heights.y),
                         REFERENCE * station_count(mast))
        del found
        tally.seconds["turbulence"] += clock()
        if n == 0:
            create_ratios(file, site.heights, directions, ratio["level"])
        put_ratios(file, n, ratio)
        tally.seconds["write"] += clock()


def year_of(file: Path, hours: Hours) -> tuple[xr.Dataset, tuple[str, ...]]:
    """Return what the year makes of the ratios in a file, and what was left out.

    Parameters
    ----------
    file
        From `solve_sectors`.
    hours
        The year.
    """
    share = {"cell_methods": "area: point time: mean"}
    with xr.open_dataset(file, engine="h5netcdf") as ratios:
        mean = mean_over(ratios[["u", "v", "speed"]], hours)
        out: dict[str, Any] = {}
        for name, standard in (("u", "eastward_wind"), ("v", "northward_wind"),
                               ("speed", "wind_speed")):
            out[f"mean_{name}"] = mean[name].drop_vars(mean[name].coords).assign_attrs(
                standard_name=standard, long_name=f"Annual mean {mean[name].attrs['long_name']}",
                **share)
        weak = weak_wind(ratios["speed"], hours)
        out |= {str(n): v.drop_vars(v.coords).assign_attrs(share) for n, v in weak.items()}
        levels = ratios["level"].to_numpy()
        low = [z for z in levels if PEDESTRIAN[0] <= z <= PEDESTRIAN[1]]
        notes: tuple[str, ...] = ()
        if low:
            z = min(low, key=lambda z: abs(z - 1.6))
            at = ratios[["speed", "k"]].sel(level=z, drop=True)
            classes = comfort(at, hours)
            out |= {str(n): v.drop_vars(v.coords).assign_attrs(level=float(z))
                    for n, v in classes.items()}
        else:
            notes = (f"no comfort classes: no level between {PEDESTRIAN[0]:g} and "
                     f"{PEDESTRIAN[1]:g} m",)
        out["frequency"] = ("wind_from", hours.rose,
                            {"units": "1", "long_name": "Share of time of each direction"})
    return xr.Dataset(out), notes
