"""The heat field of a twin: what it holds of each cell, so that its heat can be felt anew."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from twin.heat.comfort import comfort_day
from twin.heat.parameters import Parameters

HEAD = 1.5      # height of the wind [m]
KINDS = ("paved", "grass")
WATER = len(KINDS)
DAY = ("temp_air", "relative_humidity", "dni", "dhi", "elevation", "solar_time", "clearness",
       "wind_speed")
PLAIN = {"sky_view": ("1", "sky view factor in summer"),
         "bare_sky_view": ("1", "sky view factor without crowns"),
         "night": ("K", "highest difference to the air of the country"),
         "wind_ratio": ("1", "wind at 1.5 m over that of the station"),
         "night_sky": ("1", "sky view factor between the buildings of 500 m around"),
         "night_green": ("1", "vegetated share of the 500 m around")}
SUNS = {"sunlit": "share of the beam that arrives",
        "bare_sunlit": "share of the beam that would arrive without crowns"}
Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Stand:
    """What people stand in at some places, (n,) or (hours, n).

    Parameters
    ----------
    sunlit
        Share of the sun's beam that arrives, (hours, n) [1].
    sky
        Sky view factor, (n,) [1].
    wind
        Wind at 1.5 m over that of the station, (n,) [1].
    ground
        Number of the kind of ground in `KINDS`, (n,).
    """

    sunlit: Array
    sky: Array
    wind: Array
    ground: NDArray[np.integer[Any]]


def felt(day: xr.Dataset, stand: Stand, numbers: Parameters, *,
         guessed: bool = False) -> xr.Dataset:
    """Return UTCI and PET of some places over the hours of a day, (time, row, point), one row.

    Parameters
    ----------
    day
        Hours as of `twin.heat.day.design_day`.
    stand
        What people stand in.
    numbers
        Among them errors to be tried or biases to be taken off: ``band.wind`` is a factor on the
        wind, ``band.sun`` and ``band.shade`` are added to the radiant temperature.
    guessed
        Whether the wind was not computed; then it has no error beyond that of the guess.
    """
    row = ("row", "point")
    wind = (1.0 if guessed else numbers["band.wind"]) * stand.wind
    error = stand.sunlit * numbers["band.sun"] + (1.0 - stand.sunlit) * numbers["band.shade"]
    return comfort_day(
        day, xr.DataArray(stand.sunlit[:, None], dims=("time", *row)),
        xr.DataArray(stand.sky[None], dims=row),
        xr.DataArray((wind * day["wind_speed"].to_numpy()[:, None])[:, None],
                     dims=("time", *row)),
        wind_height=HEAD, ground=xr.DataArray(stand.ground[None], dims=row), kinds=KINDS,
        radiant_offset=error[:, None], values=numbers)


def lay_out(day: xr.Dataset, comfort: xr.Dataset, walkable: NDArray[np.bool_],
            ground: NDArray[Any], fields: dict[str, Array], coords: dict[str, Any]) -> xr.Dataset:
    """Return a heat field: UTCI and PET, what they stem from and the weather of the day.

    Parameters
    ----------
    day
        Hours as of `twin.heat.day.design_day`.
    comfort
        UTCI and PET of the walkable cells, as of `felt`.
    walkable
        Open ground that is no water, (ny, nx).
    ground
        Number of the kind of ground in `KINDS`, or `WATER`, (ny, nx).
    fields
        Those of `SUNS`, (ny, nx, hours), and of `PLAIN`, (ny, nx), that there are.
    coords
        ``x`` and ``y``, rising, and others.
    """
    over = ("time", "y", "x")
    out: dict[str, Any] = {name: (over, _spread(comfort[name].to_numpy()[:, 0], walkable),
                                  comfort[name].attrs) for name in ("utci", "pet")}
    for name, words in SUNS.items():
        if name in fields:
            light = np.where(walkable, np.moveaxis(fields[name], -1, 0), np.nan)
            out[name] = (over, light.astype(np.float32), {"units": "1", "long_name": words})
    for name, (units, words) in PLAIN.items():
        if name in fields:
            values = np.where(walkable, fields[name], np.nan).astype(np.float32)
            out[name] = (("y", "x"), values, {"units": units, "long_name": words})
    out["ground"] = (("y", "x"), ground.astype(np.int8), {
        "long_name": "kind of ground", "flag_values": list(range(WATER + 1)),
        "flag_meanings": " ".join((*KINDS, "water"))})
    out["walkable"] = (("y", "x"), walkable, {"long_name": "open ground that is no water"})
    out |= {name: ("time", day[name].to_numpy(), dict(day[name].attrs)) for name in DAY}
    found = xr.Dataset(out, coords={**coords, "time": day["time"]})
    for axis in ("x", "y"):
        found[axis].attrs = {"standard_name": f"projection_{axis}_coordinate", "units": "m"}
    return found


def _spread(values: NDArray[Any], where: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Return values of the chosen cells on all cells, NaN elsewhere, (hours, ny, nx)."""
    out = np.full((len(values), *where.shape), np.nan, dtype=np.float32)
    out[:, where] = values
    return out
