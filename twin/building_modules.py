"""What modules on a building can be and yield: sums over its roof planes or its walls."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from twin.sun.ranges import Range, Ranged, summed
from twin.sun.yields import PlaneYields

Floats = NDArray[np.float64]


class SunYear(Protocol):
    """A year of weather, and where it was taken."""

    @property
    def weather(self) -> xr.Dataset:
        """On the right clock, without gaps."""

    @property
    def latitude(self) -> float:
        """Latitude [degrees]."""

    @property
    def longitude(self) -> float:
        """Longitude [degrees]."""


@dataclass(frozen=True, eq=False)
class BuildingModules:
    """Modules of the roofs, or of the walls, of n buildings.

    Parameters
    ----------
    area
        Of roof planes or bare walls, shape (n,) [m2].
    light
        Mean irradiation of that area with all shade, NaN without area, shape (n,)
        [kWh m-2 a-1].
    technical
        Area that modules can use, before rows are spaced, arrays of shape (n,) [m2].
    modules
        Area of the modules [m2].
    capacity
        Rated power [W].
    energy
        Alternating current of the first year [kWh a-1].
    monthly
        Energy of each month, shape (12, n) [kWh].
    specific
        Energy of one kilowatt-peak, NaN without modules [kWh kW-1 a-1].
    """

    area: Floats
    light: Floats
    technical: Range
    modules: Range
    capacity: Range
    energy: Range
    monthly: Floats
    specific: Range


def of_buildings(found: PlaneYields, technical: Ranged, modules: Ranged, *, area: ArrayLike,
                 light: ArrayLike, building: NDArray[np.integer], count: int) -> BuildingModules:
    """Return the modules of buildings from those of their planes.

    Parameters
    ----------
    found
        Yields of the planes.
    technical, modules
        Usable area and area of modules of the planes, arrays of shape (planes,) [m2].
    area
        Of the planes, shape (planes,) [m2].
    light
        Yearly irradiation of the planes, shape (planes,) [kWh m-2].
    building
        Row of the building of each plane, shape (planes,).
    count
        Number of buildings.

    Notes
    -----
    Ranges of planes stem from the same factors, so their ends add up.
    """
    def total(values: ArrayLike) -> Floats:
        return np.asarray(np.bincount(building, np.asarray(values, dtype=float), count), float)

    size, rated = np.asarray(area, dtype=float), np.asarray(found.capacity.value)
    whole, power = total(size), total(rated)
    specific = summed(found.specific, building, count, rated)
    with np.errstate(invalid="ignore", divide="ignore"):
        return BuildingModules(
            whole, total(np.asarray(light) * size) / whole, summed(technical, building, count),
            summed(modules, building, count), summed(found.capacity, building, count),
            summed(found.energy, building, count), np.array([total(m) for m in found.monthly]),
            Range(*(part / power for part in specific)))
