"""The wind from every direction: one solve each, over the wind a weather station reports.

The station's wind, at 10 m over open country, is carried up to the blending height, where town and
country have the same wind, and down again over the roughness of what lies upwind. There is no
displacement in that profile: the buildings themselves stand in the box.

Speeds are what an anemometer counts, the mean of the horizontal speed with its fluctuations, here
and at the station. In a yard the mean vector is next to nothing while the air still moves.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import numba
import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from layers.errors import CityTwinError
from twin.wind.flow import simulate
from twin.wind.inflow import Inflow, log_profile, roughness_of
from twin.wind.levels import DIRECTION, as_ratio, at_levels
from twin.wind.stations import BLENDING
from twin.wind.turbulence import counted_speed
from twin.wind.warm import warm

STATION = 10.0       # height of the mast of a weather station [m], WMO-No. 8
STATION_Z0 = 0.03    # roughness length around it, open level country [m], WMO-No. 8
FETCH = 500.0        # how deep the upwind edge of the raster stands for what lies beyond it [m]
SMALL = 50_000       # columns; the threads of smaller boxes would wait for each other
_WORDS = {"u": "Eastward wind, mean vector,", "v": "Northward wind, mean vector,",
          "speed": "Wind speed", "k": "Turbulent kinetic energy"}
_MADE = (("residual", "1", "divergence left over that of the first guess"),
         ("divergence", "1", "largest divergence times the cell side over the fastest wind"),
         ("iterations", "1", "cycles of the solver"),
         ("seconds", "s", "time the direction took"),
         ("roughness", "m", "roughness length of what lies upwind"),
         ("approach", "1", "undisturbed wind at 10 m over that of the station"))


def directions(sectors: int) -> NDArray[np.float64]:
    """Return directions evenly around the circle, north first [degrees clockwise from north]."""
    if not (isinstance(sectors, int) and 4 <= sectors <= 72):
        raise CityTwinError(f"sectors is {sectors!r}, expected a whole number from 4 to 72")
    return np.arange(sectors) * 360.0 / sectors


def station_inflow(z0: float) -> Inflow:
    """Return the wind that comes in where a station in open country would report 1 m/s at 10 m.

    Parameters
    ----------
    z0
        Roughness length of what lies upwind [m].

    Notes
    -----
    Two neutral log laws that meet at the blending height. Over open country itself both are the
    same, and the wind at 10 m is 1 m/s.

    References
    ----------
    Wieringa (1986), Q. J. R. Meteorol. Soc. 112:867.
    """
    aloft = log_profile(1.0, STATION, STATION_Z0).at(BLENDING)
    return log_profile(float(aloft), BLENDING, z0)


def solve_direction(heights: NDArray[np.float32], cell: float, levels: ArrayLike,
                    wind_from: float, *, canopy: NDArray[np.float32] | None = None,
                    terrain: NDArray[np.float32] | None = None,
                    passages: NDArray[np.float32] | None = None, roughness: float | None = None,
                    x: ArrayLike | None = None, y: ArrayLike | None = None) -> xr.Dataset:
    """Return the wind of one direction over the wind a weather station reports at 10 m.

    Parameters
    ----------
    heights, cell, canopy, terrain, passages
        As in `twin.wind.flow.simulate`.
    levels
        Heights above the ground to keep, rising [m].
    wind_from
        Direction it comes from, clockwise from north [degrees].
    roughness
        Roughness length of what lies upwind [m]; that of the upwind edge of the raster when None,
        since nothing is known beyond it.
    x, y
        Coordinates of columns and rows [m].

    Returns
    -------
    xarray.Dataset
        ``u`` and ``v`` of the mean vector and the counted ``speed`` over the station's speed,
        ``k`` over its square, (level, y, x), single precision, NaN in buildings; and how the solve
        went: ``residual``, ``divergence``, ``iterations``, ``seconds``, ``roughness``,
        ``approach``.
    """
    begun = time.perf_counter()
    z0 = roughness_of(heights, cell, wind_from, reach=FETCH)[0] if roughness is None else roughness
    inflow = station_inflow(z0)
    flow = simulate(heights, cell, inflow, wind_from, canopy=canopy, terrain=terrain,
                    passages=passages)
    one = at_levels(flow, levels, x=x, y=y)
    r = flow.report
    went = (r.residual, r.divergence, r.iterations, time.perf_counter() - begun, z0,
            float(inflow.at(STATION)))
    over = "that a weather station reports at 10 m"
    return xr.Dataset(
        {name: (("level", "y", "x"), values.to_numpy(), {
            "units": "1", "long_name": f"{_WORDS[name]} over {'the square of ' * (name == 'k')}"
                                       f"{over}"})
         for name, values in as_ratio(one, station_count()).items() if name in _WORDS}
        | {name: ((), value, {"units": units, "long_name": words})
           for (name, units, words), value in zip(_MADE, went, strict=True)}, coords=one.coords)


def solve_sectors(heights: NDArray[np.float32], cell: float, levels: ArrayLike, sectors: int, *,
                  roughness: Sequence[float] | None = None,
                  tell: Callable[[str, int, int], None] | None = None, **site: Any) -> xr.Dataset:
    """Return the wind of every direction, as `solve_direction` does, over ``wind_from``.

    Parameters
    ----------
    heights, cell, levels
        As in `solve_direction`.
    sectors
        How many directions, evenly around the circle.
    roughness
        Roughness length of what lies upwind of each direction, (sectors,) [m].
    tell
        Called with words and how many directions are done.
    **site
        ``canopy``, ``terrain``, ``passages``, ``x`` and ``y`` of `solve_direction`.
    """
    at = directions(sectors)
    if roughness is not None and (len(roughness) != sectors or not all(
            np.isfinite(r) and 0 < r <= 10 for r in roughness)):
        raise CityTwinError(f"roughness holds {len(roughness)} values, expected {sectors} lengths "
                            "above 0 and up to 10 m")
    warm(tell)
    threads = numba.get_num_threads()
    numba.set_num_threads(1 if heights.size < SMALL else threads)
    whole = xr.Dataset()
    try:
        for n, wind_from in enumerate(at.tolist()):
            if tell:
                tell(f"wind from {wind_from:g}°", n, sectors)
            one = solve_direction(heights, cell, levels, wind_from,
                                  roughness=None if roughness is None else float(roughness[n]),
                                  **site)
            if n == 0:  # held once: joining the directions at the end would hold them twice
                whole = xr.Dataset({str(name): (("wind_from", *v.dims),
                                                np.empty((sectors, *v.shape), v.dtype), v.attrs)
                                    for name, v in one.items()},
                                   coords={"wind_from": ("wind_from", at, DIRECTION), **one.coords})
            for name, values in one.items():
                whole[name].to_numpy()[n] = values.to_numpy()
    finally:
        numba.set_num_threads(threads)
    return whole


def station_count(at: float = STATION) -> float:
    """Return what an anemometer at a mast in open country counts where the mean wind is 1 m/s.

    Parameters
    ----------
    at
        Height of the mast [m].
    """
    country = log_profile(1.0, at, STATION_Z0)
    return float(counted_speed(1.0, float(country.tke(at))))
