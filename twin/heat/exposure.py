"""How much of the open ground of a grid cell is how long under heat stress."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from layers.errors import CityTwinError

Array = NDArray[np.float64]


def heat_exposure(index: xr.DataArray, walkable: NDArray[np.bool_], cells: NDArray[np.integer[Any]],
                  number: int, limits: Mapping[str, float]) -> dict[str, Array]:
    """Return how much of the open ground of each grid cell is how long above limits.

    Parameters
    ----------
    index
        UTCI or PET over (time, y, x), an hour each [degC].
    walkable
        Ground people can walk on, (ny, nx).
    cells
        Grid cell that each of the fine cells lies in, -1 outside, (ny, nx). `block_cells` gives
        it for a grid whose cells are whole blocks.
    number
        Number of grid cells.
    limits
        Limits by name, such as those of `twin.heat.parameters.limits` [degC].

    Returns
    -------
    dict
        Per grid cell: ``walkable``, the known walkable share of its ground [1]; for each limit
        ``hours.NAME``, hours above it, a mean over the walkable ground [h]; ``share.NAME``, the
        walkable share above it in the worst hour [1]. NaN where there is no walkable ground.
    """
    values = index.to_numpy()
    known = walkable & np.isfinite(values).all(axis=0)
    inside = cells >= 0
    all_of = np.bincount(cells[inside], minlength=number)
    use = known & inside
    at = cells[use]
    ground = np.bincount(at, minlength=number).astype(float)
    none = np.where(ground > 0, ground, np.nan)
    out = {"walkable": ground / np.where(all_of > 0, all_of, np.nan)}
    on_ground = values[:, use]
    for name, limit in limits.items():
        above = on_ground > limit
        out[f"hours.{name}"] = np.bincount(at, weights=above.sum(axis=0), minlength=number) / none
        worst = np.zeros(number)
        for hour in above:
            worst = np.maximum(worst, np.bincount(at, weights=hour, minlength=number))
        out[f"share.{name}"] = worst / none
    return out


def block_cells(shape: tuple[int, int], times: int) -> NDArray[np.int64]:
    """Return the number of the block of ``times`` x ``times`` cells each cell lies in, row-wise.

    Parameters
    ----------
    shape
        Cells along y and x, whole blocks.
    times
        Cells along a side of a block.

    Raises
    ------
    CityTwinError
        When the shape is not of whole blocks.
    """
    ny, nx = shape
    if times < 1 or ny % times or nx % times:
        raise CityTwinError(f"{ny} x {nx} cells are no whole blocks of {times} x {times}")
    rows, columns = np.arange(ny) // times, np.arange(nx) // times
    return np.asarray(rows[:, None] * (nx // times) + columns[None, :], dtype=np.int64)
