"""From fine cells to the cells of the grid: means over those inside the study area."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twin.grid import Grid
from twin.rasters import burn

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Bins:
    """Which cell of a grid each fine cell counts in.

    Parameters
    ----------
    grid
        The grid.
    number
        Flat number of the cell, -1 outside the study area, (ny, nx).
    near
        Flat number of the fine cell nearest to the middle of each cell, (grid.size,): it stands
        in where no centre of a fine cell lies in the cell.
    """

    grid: Grid
    number: NDArray[np.int64]
    near: NDArray[np.int64]

    def mean(self, values: Any, where: Any = True) -> Floats:
        """Return the mean of fine values in each cell, NaN where there are none, (size,).

        Parameters
        ----------
        values
            On the fine cells, (ny, nx); NaN is left out.
        where
            Which of them count, (ny, nx).
        """
        flat = np.asarray(values, dtype=np.float64).ravel()
        good = (np.isfinite(flat) & np.broadcast_to(where, self.number.shape).ravel())
        inside = good & (self.number.ravel() >= 0)
        at, size = self.number.ravel()[inside], self.grid.size
        count = np.bincount(at, minlength=size)
        total = np.bincount(at, flat[inside], minlength=size)
        alone = np.where(good[self.near], flat[self.near], np.nan)
        empty = np.bincount(self.number[self.number >= 0], minlength=size) == 0
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.where(empty, alone, total / count)


def bins(x: Floats, y: Floats, grid: Grid) -> Bins:
    """Return which cell of the grid each fine cell counts in: that of its centre.

    Parameters
    ----------
    x, y
        Centres of the fine cells, rising and evenly spaced [m].
    grid
        The grid.
    """
    column = np.floor((x - grid.x0) / grid.cell_size).astype(np.int64)
    row = np.floor((y - grid.y0) / grid.cell_size).astype(np.int64)
    fits = (((row >= 0) & (row < grid.ny))[:, None] & ((column >= 0) & (column < grid.nx))[None]
            & (burn([grid.area], np.ones(1, dtype=int), x, y, fill=0) == 1))
    number = np.where(fits, row[:, None] * grid.nx + column[None], -1)

    def nearest(at: Floats, centres: Floats) -> NDArray[np.int64]:
        step = centres[1] - centres[0] if len(centres) > 1 else 1.0
        place = np.rint((at - centres[0]) / step).astype(np.int64)
        return np.asarray(np.clip(place, 0, len(centres) - 1))

    near = nearest(grid.y, y)[:, None] * len(x) + nearest(grid.x, x)[None]
    return Bins(grid, number, near.ravel())
