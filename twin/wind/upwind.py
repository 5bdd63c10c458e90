"""How rough the ground upwind is, by the form of the city at the edge of the raster."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from twin.aerodynamic import form_indices, macdonald
from twin.wind.profile import check_positive

ROUGHEST = 2.0  # [m]


def roughness_of(height: NDArray[np.floating], cell: float, wind_from: float, *,
                 reach: float | None = None, open_ground: float = 0.03) -> tuple[float, float]:
    """Return roughness length and displacement of a city's own form [m].

    Parameters
    ----------
    height
        Building height above ground, row 0 south, 0 in the open, (ny, nx) [m].
    cell
        Side of a cell [m].
    wind_from
        Direction the wind comes from, clockwise from north [degrees].
    reach
        How far downwind of the raster's edge cells count; all when None [m].
    open_ground
        Roughness length of ground without buildings, the least that is returned [m].

    Notes
    -----
    Macdonald et al. (1998) from the mean height and the plan and frontal area index, the length
    at most 0.15 of the mean height, the upper end given by Hanna & Britter (2002), and 2 m, the
    roughest class of Davenport (Wieringa 1992): among towers the law would not hold at 10 m.
    """
    check_positive(cell=cell, open_ground=open_ground)
    inside = None
    if reach is not None:
        check_positive(reach=reach)
        ny, nx = height.shape
        u, v = -math.sin(math.radians(wind_from)), -math.cos(math.radians(wind_from))
        x, y = cell * (np.arange(nx) + 0.5), cell * (np.arange(ny) + 0.5)
        from_side = (x if u > 0 else x[::-1]) / max(abs(u), 1e-9)
        from_end = (y if v > 0 else y[::-1]) / max(abs(v), 1e-9)
        inside = np.minimum(from_side[None, :], from_end[:, None]) <= max(reach, cell)
    plan, frontal, mean = form_indices(height, cell, wind_from, inside)
    if plan == 0 or frontal == 0:
        return open_ground, 0.0
    z0, displacement = macdonald(plan, frontal, mean)
    return max(min(float(z0), 0.15 * mean, ROUGHEST), open_ground), float(displacement)
