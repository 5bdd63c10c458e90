"""The cooling index of InVEST Urban Cooling: shade, evapotranspiration, albedo and large greens.

The numbers are those of its code, which mixes air by a truncated exponential where the guide says
a Gaussian. It tells districts and nights apart; 500 m of mixing swamp the layout of a block.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from layers.errors import CityTwinError
from twin.heat.parameters import Values, parameter

TAIL = 5  # the exponential is cut at so many of its lengths
LOST = (25, 50, 75)  # steps of lost work [%]
Array = NDArray[np.float64]


@dataclass(frozen=True)
class Cooling:
    """What greenery does to the heat island, (ny, nx) each.

    Parameters
    ----------
    capacity
        Cooling capacity of the cell itself [1].
    park_capacity
        That of the green around it [1].
    green_area
        Green area within the reach of large greens [m2].
    mitigation
        Heat mitigation index, 0 to 1 [1].
    temp_air
        Air temperature after mixing [degC].
    """

    capacity: Array
    park_capacity: Array
    green_area: Array
    mitigation: Array
    temp_air: Array


def cooling_capacity(shade: ArrayLike, albedo: ArrayLike, evapotranspiration: ArrayLike, *,
                     weights: tuple[float, float, float] | None = None,
                     values: Values | None = None) -> Array:
    """Return the cooling capacity of the day [1].

    Parameters
    ----------
    shade
        Share of the ground under crowns of 2 m and more [1].
    albedo
        Share of sunlight reflected [1].
    evapotranspiration
        Index: crop coefficient times reference evapotranspiration over its highest value [1].
    weights
        Of the three; 0.6, 0.2 and 0.2 of the table when None.
    values
        Numbers in place of those of the table, by stem.
    """
    w = weights or tuple(parameter(f"cooling.weight.{n}", values)
                         for n in ("shade", "albedo", "evapotranspiration"))
    return np.asarray(w[0] * np.asarray(shade, dtype=float) + w[1] * np.asarray(albedo, dtype=float)
                      + w[2] * np.asarray(evapotranspiration, dtype=float))


def night_capacity(building_intensity: ArrayLike) -> Array:
    """Return the cooling capacity of the night: one less the building intensity, 0 to 1 [1]."""
    return 1.0 - np.asarray(building_intensity, dtype=float)


def urban_cooling(capacity: ArrayLike, green: ArrayLike, cell: float, *, temp_reference: float,
                  heat_island: float | None = None, reach: float | None = None,
                  mixing: float | None = None, values: Values | None = None) -> Cooling:
    """Return heat mitigation and air temperature.

    Parameters
    ----------
    capacity
        Cooling capacity, NaN outside the study area, (ny, nx) [1].
    green
        Whether a cell is green, (ny, nx).
    cell
        Side of a cell [m].
    temp_reference
        Air temperature of the country around [degC].
    heat_island
        Difference of the warmest part of the city to it [K]; of the table when None.
    reach
        Distance over which large greens cool [m]; of the table when None.
    mixing
        Distance over which air mixes [m]; of the table when None.
    values
        Numbers in place of those of the table, by stem.

    References
    ----------
    Natural Capital Project, InVEST 3.20 Urban Cooling, user's guide and published description;
    Hamel et al. (2021), Geosci. Model Dev. 14:3521, doi:10.5194/gmd-14-3521-2021; skill: Hamel et
    al. (2024), Geosci. Model Dev. 17:4755, doi:10.5194/gmd-17-4755-2024.
    """
    def of_table(given: float | None, name: str) -> float:
        return parameter(f"cooling.{name}", values) if given is None else given

    own = np.asarray(capacity, dtype=float)
    if not cell > 0:
        raise CityTwinError(f"the cell size is {cell}, expected a positive number of metres")
    known = np.isfinite(own)
    is_green = np.where(known, np.asarray(green, dtype=float), np.nan)
    cool = round(of_table(reach, "reach") / cell)
    park = _spread(own * is_green, _exponential(cool))
    disk = _disk(cool)
    # What lies beyond the edge is taken to be as green as what does not.
    area = np.round(_spread(is_green, disk) * disk.sum(), 6)
    least = of_table(None, "large_green") / cell ** 2
    mitigation = np.where((own >= park) | (area < least), own, park)
    unmixed = temp_reference + (1.0 - mitigation) * of_table(heat_island, "heat_island")
    air = _spread(unmixed, _exponential(round(of_table(mixing, "mixing") / cell)))
    return Cooling(own, park, area * cell ** 2, np.where(known, mitigation, np.nan), air)


def globe_temperature(temp_air: ArrayLike, relative_humidity: ArrayLike) -> Array:
    """Return the wet bulb globe temperature without sun, simplified [degC].

    Parameters
    ----------
    temp_air
        Air temperature [degC].
    relative_humidity
        Relative humidity [1].

    References
    ----------
    American College of Sports Medicine (1984), as in InVEST Urban Cooling.
    """
    t = np.asarray(temp_air, dtype=float)
    vapour = np.asarray(relative_humidity, dtype=float) * 6.105 * np.exp(
        17.27 * t / (237.7 + t))
    return np.asarray(0.567 * t + 0.393 * vapour + 3.94)


def work_loss(globe: ArrayLike, work: str = "light", *, values: Values | None = None) -> Array:
    """Return the share of outdoor work lost to heat: 0, 0.25, 0.5 or 0.75 [1].

    Parameters
    ----------
    globe
        Wet bulb globe temperature [degC].
    work
        ``"light"`` or ``"heavy"``.
    values
        Numbers in place of those of the table, by stem.
    """
    steps = [parameter(f"work.{work}.loss_{p}", values) for p in LOST]
    heat = np.asarray(globe, dtype=float)
    lost = np.array([0, *LOST])[np.searchsorted(steps, heat, side="right")] / 100.0
    return np.where(np.isnan(heat), np.nan, lost)


def _spread(field: Array, kernel: Array) -> Array:
    """Return the mean of what is known around each cell, weighted; NaN where it is unknown."""
    from scipy.signal import fftconvolve

    known = np.isfinite(field)
    total = fftconvolve(np.where(known, field, 0.0), kernel, mode="same")
    weight = fftconvolve(known.astype(float), kernel, mode="same")
    out: Array = np.full(field.shape, np.nan)
    np.divide(total, weight, out=out, where=known)
    return out


def _distance(cells: int) -> Array:
    y, x = np.mgrid[-cells:cells + 1, -cells:cells + 1]
    return np.asarray(np.hypot(y, x), dtype=float)


def _exponential(length: int) -> Array:
    far = _distance(TAIL * length)
    kernel = np.where(far <= TAIL * length, np.exp(-far / max(length, 1)), 0.0)
    return np.asarray(kernel / kernel.sum())


def _disk(radius: int) -> Array:
    return np.asarray(_distance(radius) <= radius, dtype=float)
