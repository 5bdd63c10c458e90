"""How much of the sky open ground sees between buildings."""

from __future__ import annotations

import math

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

REACH = 200.0  # buildings further away are not looked at [m]
AZIMUTHS = 16


def sky_view(height: NDArray[np.float32], cell: float, *, azimuths: int = AZIMUTHS,
             reach: float = REACH) -> NDArray[np.float32]:
    """Return the sky view factor of the ground, NaN under buildings.

    Parameters
    ----------
    height
        Buildings above their ground, 0 in the open, row 0 south, (ny, nx) [m].
    cell
        Side of a cell [m].
    azimuths
        Directions to look into.
    reach
        How far to look [m].

    Notes
    -----
    ``1/n sum cos^2 h`` over even azimuths, with h the highest elevation angle of a roof seen
    there: the share of the radiation of an even sky that reaches flat ground. Terrain and trees
    are left out. A building of 30 m beyond the reach would take 2 % off.

    References
    ----------
    Dozier & Frew (1990), IEEE Trans. Geosci. Remote Sens. 28:963, doi:10.1109/36.58986.
    """
    h = np.ascontiguousarray(height, np.float32)
    angle = np.arange(azimuths) * (2.0 * np.pi / azimuths)
    out = np.empty(h.shape, np.float32)
    _look(h, np.sin(angle), np.cos(angle), cell, int(reach / cell), float(h.max(initial=0.0)), out)
    return out


@njit(cache=True, nogil=True, parallel=True)
def _look(height: NDArray[np.float32], east: NDArray[np.float64], north: NDArray[np.float64],
          cell: float, steps: int, highest: float, out: NDArray[np.float32]) -> None:
    ny, nx = height.shape
    for j in prange(ny):
        for i in range(nx):
            if height[j, i] > 0:
                out[j, i] = math.nan
                continue
            seen = 0.0
            for a in range(len(east)):
                steepest = 0.0
                for s in range(1, steps + 1):
                    if steepest * s * cell >= highest:
                        break
                    jj = math.floor(j + 0.5 + s * north[a])
                    ii = math.floor(i + 0.5 + s * east[a])
                    if jj < 0 or ii < 0 or jj >= ny or ii >= nx:
                        break
                    steepest = max(steepest, height[jj, ii] / (s * cell))
                seen += 1.0 / (1.0 + steepest * steepest)
            out[j, i] = seen / len(east)
