"""All that one look at a horizon tells, side by side: periods, year, hours of sun, sky view.

What a plane gets from one direction above a horizon is linear in its normal. The beam of every
period, the even sky and the sky view are vectors in a table by direction and horizon, the periods
innermost, so that one look-up adds all of them.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from twin.sun.table import SunTable

F32 = NDArray[np.float32]

LANES = 16
MOST = LANES - 4  # periods that have room
FINEST = 1e-3     # the sums of the periods are never kept finer than this [kWh m-2]
BAND = 5.0        # height of the bright band above the horizon [degrees]


class Sums(NamedTuple):
    """What has been added so far, a row a cell or point.

    Parameters
    ----------
    unit
        What the irradiation of the periods is counted in, `unit_of` [kWh m-2].
    period
        Irradiation of each period, (cells, periods) [unit].
    year
        Irradiation of all periods, (cells,) [kWh m-2].
    hours
        Time with sun in front of the plane, (cells,) [h].
    sky
        Sky view factor, (cells,) [1].
    band
        Open share of the band at the horizon that a plane faces, times the sine of its slope;
        (cells,), or empty where all planes are level [1].
    """

    unit: float
    period: NDArray[np.uint16]
    year: F32
    hours: F32
    sky: F32
    band: F32


def unit_of(table: SunTable) -> float:
    """Return a unit in which 16 bits hold what any plane can get in a period [kWh m-2]."""
    beam = np.linalg.norm(table.beam[:, :, 0], axis=-1).sum(axis=1, dtype=float)
    most = float((beam + table.isotropic + np.abs(table.horizon) + table.ghi).max(initial=0.0))
    return max(most / 60000, FINEST)


def no_sums(count: int, table: SunTable, *, tilted: bool) -> Sums:
    """Return sums of nothing.

    Parameters
    ----------
    count
        Number of cells.
    table
        What will be added.
    tilted
        Whether some planes are not level.
    """
    year, hours, sky = (np.zeros(count, np.float32) for _ in range(3))
    return Sums(unit_of(table), np.zeros((count, len(table.periods)), np.uint16), year, hours, sky,
                np.zeros(count if tilted else 0, np.float32))


def pack(table: SunTable, through: NDArray[np.floating] | None = None) -> F32:
    """Return the table with all that is added, side by side.

    Parameters
    ----------
    table
        Suns of at most `MOST` periods.
    through
        Share of the light let through in each period; all of it when None [1].

    Returns
    -------
    numpy.ndarray
        (directions, levels + 1, 3, LANES), the last level doubled.

    Notes
    -----
    For a plane with the normal n and the azimuth a looked to, above the zenith angle H of the
    horizon::

        V = 1/2pi sum [n_z sin^2 H + (n_x sin a + n_y cos a) (H - sin H cos H)] da

    References
    ----------
    Dozier & Frew (1990), IEEE Trans. Geosci. Remote Sens. 28:963, doi:10.1109/36.58986.
    """
    periods, directions, levels, _ = table.beam.shape
    turn = np.deg2rad(table.azimuths)
    sine = table.sines  # of the horizon: the cosine of H
    facing = np.column_stack([np.sin(turn), np.cos(turn), np.zeros(directions)])
    up = np.array([0.0, 0.0, 1.0])
    side = np.arccos(sine) - sine * np.sqrt(1 - sine**2)
    sky = (facing[:, None, :] * side[:, None] + up * (1 - sine**2)[:, None]) / directions
    rim = np.clip(1 - np.rad2deg(np.arcsin(sine)) / BAND, 0, 1)
    share = np.ones(periods) if through is None else np.asarray(through, float)
    total = float(table.isotropic.sum())
    mean = float(share @ table.isotropic / total) if total > 0 else float(share.mean())

    out = np.zeros((directions, levels + 1, 3, LANES), np.float32)
    lane = out[:, :levels]
    for p in range(periods):
        lane[..., p] = share[p] * (table.beam[p] + table.isotropic[p] * sky)
        lane[..., periods] += lane[..., p]
    if through is None:  # light through leaves is not sunshine
        lane[..., 2, periods + 1] = table.hours.sum(axis=0)
    lane[..., periods + 2] = mean * sky
    lane[..., periods + 3] = (mean * np.pi / directions) * facing[:, None, :] * rim[:, None]
    out[:, levels] = out[:, levels - 1]
    return out
