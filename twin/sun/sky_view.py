"""How much of the sky open ground sees between buildings."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from twin.sun.horizon import FULL, sweep
from twin.sun.spots import NOWHERE

AZIMUTHS = 16


def sky_view(height: NDArray[np.floating], cell: float, *,
             azimuths: int = AZIMUTHS) -> NDArray[np.float32]:
    """Return the sky view factor of the ground, NaN under buildings.

    Parameters
    ----------
    height
        Buildings above their ground, 0 in the open, row 0 south, (ny, nx) [m].
    cell
        Side of a cell [m].
    azimuths
        Directions to look into.

    Notes
    -----
    ``1/n sum cos^2 h`` over even azimuths, with h the horizon there: the share of the radiation
    of an even sky that reaches flat ground. Terrain and trees are left out.

    References
    ----------
    Dozier & Frew (1990), IEEE Trans. Geosci. Remote Sens. 28:963, doi:10.1109/36.58986.
    """
    tops = np.ascontiguousarray(height, np.float32)
    codes = np.empty((1, *tops.shape), np.uint16)
    seen = np.zeros(tops.shape, np.float32)
    for azimuth in np.linspace(0.0, 360.0, azimuths, endpoint=False):
        sweep(tops, cell, [float(azimuth)], codes, NOWHERE, codes[:, 0, :0])
        seen += 1 - (codes[0] / np.float32(FULL)) ** 2
    return np.where(tops > 0, np.float32(np.nan), seen / np.float32(azimuths))
