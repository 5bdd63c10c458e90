"""What of a city holds the sun off: ground, buildings and crowns, here and some way beyond."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from layers.city import City
from twin.rasters import surface
from twin.sun.points import REACH

TRUNK = 0.25  # height of a crown's bottom over that of its top [1]


@dataclass(frozen=True, eq=False)
class Shading:
    """Rasters for `twin.sun.irradiance.irradiate`.

    Parameters
    ----------
    stands
        What `twin.rasters.surface` gives, the rim included.
    pad
        Width of the rim around the study area [cells].
    """

    stands: xr.Dataset
    pad: int

    @property
    def top(self) -> NDArray[Any]:
        """Top of ground and buildings above the datum, (ny, nx) [m]."""
        return np.asarray(self.stands["ground"].to_numpy() + self.stands["height"].to_numpy())

    @property
    def inner(self) -> xr.Dataset:
        """What stands in the study area, without the rim."""
        return self.stands.isel({a: slice(self.pad, self.stands.sizes[a] - self.pad)
                                 for a in ("y", "x")})

    def crowns(self, through: Any) -> dict[str, Any]:
        """Return the crowns, letting a share of the light through; nothing where there are none.

        Parameters
        ----------
        through
            Share of the light, one or one a period [1].
        """
        ground, tops = (self.stands[n].to_numpy() for n in ("ground", "canopy"))
        if not (tops > self.stands["height"].to_numpy()).any():
            return {}
        return {"canopy": np.where(tops > 0, ground + tops, np.nan),
                "canopy_base": ground + TRUNK * tops, "transmissivity": through}


def shading(city: City, cell: float) -> Shading:
    """Return what holds the sun off in a city.

    Parameters
    ----------
    city
        The city.
    cell
        Side of a cell [m].

    Notes
    -----
    The rim is as wide as buildings are known beyond the study area, 300 m at most. Crowns begin at
    a quarter of the height of the tree.

    References
    ----------
    Lindberg & Grimmond (2011), Theor. Appl. Climatol. 105:311, doi:10.1007/s00704-010-0382-8.
    """
    west, south, east, north = city.area.bounds
    buildings = city.frame("buildings")
    over = 0.0
    if len(buildings):
        a, b, c, d = buildings.total_bounds
        over = min(max(west - a, south - b, c - east, d - north, 0.0), REACH)
    pad = math.ceil(over / cell) if cell > 0 else 0
    more = pad * cell
    return Shading(surface(city, cell, bounds=(west - more, south - more, east + more,
                                               north + more)), pad)
