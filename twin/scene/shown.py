"""A result as it is drawn: its values, the colours they get, and where there is any."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr
from matplotlib.colors import Colormap
from numpy.typing import NDArray

from twin.rasters import sample


@dataclass(frozen=True, eq=False)
class Shown:
    """A result drawn on the ground and the colours it is drawn in.

    Parameters
    ----------
    values
        The result on (y, x), rising, NaN where there is none.
    ramp
        Colours from ``low`` to ``high``.
    low, high
        Limits [units of the values].
    smooth
        Whether to blend between cell centres instead of drawing cells.
    over_water
        Whether the values hold over water too, which is then outlined and not filled.
    owner
        Row of the building of each cell on (y, x), -1 in the open; the values are then drawn on
        the roofs too. None where they are of the ground alone.
    """

    values: xr.DataArray
    ramp: Colormap
    low: float
    high: float
    smooth: bool = False
    over_water: bool = False
    owner: xr.DataArray | None = None


def coloured(shown: Shown, at: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the colours of values, (..., 3); those beyond the limits take the end colours."""
    span = (shown.high - shown.low) or 1.0
    return np.asarray(shown.ramp(np.clip((np.nan_to_num(at) - shown.low) / span, 0, 1))[..., :3])


def paint(shown: Shown, x: NDArray[np.float64], y: NDArray[np.float64]
          ) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return the colours of a result at points, and where there is anything to paint.

    Nothing is painted where there is no value, nor within 0.4 % of the limits around zero: the
    colour there is that of the paper.

    Parameters
    ----------
    shown
        The result.
    x, y
        Points of one shape [m].
    """
    values = shown.values
    col, row = _cell(values["x"].to_numpy(), x), _cell(values["y"].to_numpy(), y)
    cells = values.to_numpy().astype(float)
    at = np.where((row >= 0) & (col >= 0), cells[np.maximum(row, 0), np.maximum(col, 0)], np.nan)
    seen = np.isfinite(at)
    if shown.smooth:
        known = np.isfinite(cells)
        weight = sample(values.copy(data=known.astype(float)), x, y)
        total = sample(values.copy(data=np.where(known, cells, 0.0)), x, y)
        at = np.where(seen, total / np.maximum(weight, 1e-9), np.nan)
    at = np.nan_to_num(at)
    seen &= np.abs(at) > 0.004 * max(abs(shown.low), abs(shown.high))
    return coloured(shown, at), seen


def _cell(centres: NDArray[np.float64], at: NDArray[np.float64]) -> NDArray[np.intp]:
    """Index of the cell that holds each place, -1 beyond the raster."""
    step = (centres[-1] - centres[0]) / max(len(centres) - 1, 1) or 1.0
    index = np.floor((at - centres[0]) / step + 0.5).astype(np.intp)
    return np.where((index >= 0) & (index < len(centres)), index, -1)
