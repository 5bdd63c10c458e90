"""A result on roofs and ground together: each pixel is coloured from cells of its own roof."""

from __future__ import annotations

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from layers.city import City
from layers.errors import MissingInput
from twin.rasters import burn

Rows = NDArray[np.integer]
Floats = NDArray[np.float64]

OPEN = -1          # owner of a cell or pixel that no building stands on
_STRANGE = 0.02    # share of cells that may name another building than the layer does [1]
_NARROW = 3        # a lane takes the value of open ground up to so many cells away


def owners(city: City, x: Floats, y: Floats) -> Rows:
    """Return the row of the building on each place, the highest where several are, else `OPEN`.

    Parameters
    ----------
    city
        The city.
    x, y
        Places, rising and evenly spaced [m].
    """
    buildings = city.frame("buildings")
    order = np.argsort(buildings["height"].to_numpy(dtype=float), kind="stable")
    return burn(buildings.geometry.values[order], order, x, y, fill=OPEN)


def check_owners(city: City, owner: xr.DataArray, name: str) -> None:
    """Raise unless a field was computed over the buildings of this city.

    Parameters
    ----------
    city
        The city.
    owner
        Row of the building on (y, x), as the field has it.
    name
        What the field is called.

    Raises
    ------
    MissingInput
        When more than 2 % of the cells name another building.
    """
    own = owners(city, owner["x"].to_numpy(), owner["y"].to_numpy())
    strange = float((own != owner.to_numpy()).mean())
    if strange > _STRANGE:
        raise MissingInput(f"{name!r} was computed over other buildings: {100 * strange:.0f} % of "
                           "its cells lie on another roof or none",
                           mend="Run this city again, or give the city of that run")


def drape(values: xr.DataArray, owner: xr.DataArray, x: Floats, y: Floats, own: Rows) -> Floats:
    """Return a result at pixels, blended between cells of the same roof, or of the open ground.

    Parameters
    ----------
    values
        The result on (y, x), rising.
    owner
        Row of the building of each cell on (y, x), -1 in the open.
    x, y
        Pixel centres, rising (nx,) and (ny,) [m].
    own
        Row of the building of each pixel, -1 in the open, (ny, nx).

    Returns
    -------
    numpy.ndarray
        (ny, nx). A roof too small for a cell of its own has NaN. Where none of the four cells
        around is of the pixel's own roof it takes the mean of that roof, and open ground the
        nearest cell that is open, at most three cells away.
    """
    cells, rows = values.to_numpy().astype(float), owner.to_numpy()
    (row, up, in_y), (col, right, in_x) = (_place(values[a].to_numpy(), at)
                                           for a, at in (("y", y), ("x", x)))
    total, weight = np.zeros(own.shape), np.zeros(own.shape)
    for i, along in ((0, 1 - up), (1, up)):
        at_y = np.minimum(row + i, len(cells) - 1)
        for j, across in ((0, 1 - right), (1, right)):
            at = np.ix_(at_y, np.minimum(col + j, cells.shape[1] - 1))
            there = cells[at]
            share = np.where((rows[at] == own) & np.isfinite(there),
                             along[:, None] * across[None], 0.0)
            total += share * np.where(np.isfinite(there), there, 0.0)
            weight += share
    with np.errstate(invalid="ignore", divide="ignore"):
        found = total / weight
    for missed, instead in _instead(cells, rows, row, col, own, weight <= 0):
        found[missed] = instead
    found[~(in_y[:, None] & in_x[None])] = np.nan
    return found


def _instead(cells: Floats, rows: Rows, row: Rows, col: Rows, own: Rows,
             missed: NDArray[np.bool_]) -> tuple[tuple[NDArray[np.bool_], Floats], ...]:
    """Values of pixels with no cell of their own around: the mean of the roof, the nearest lane."""
    from scipy.ndimage import distance_transform_edt

    known = (rows >= 0) & np.isfinite(cells)
    many = int(max(rows.max(initial=0), own.max(initial=0))) + 1
    count = np.bincount(rows[known], minlength=many)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.bincount(rows[known], weights=cells[known], minlength=many) / count
    roofs, lanes = missed & (own >= 0), missed & (own < 0)
    free = (rows < 0) & np.isfinite(cells)
    if not free.any():
        return (roofs, mean[own[roofs]]), (lanes, np.full(int(lanes.sum()), np.nan))
    away, near = distance_transform_edt(~free, return_indices=True)
    at = tuple(np.broadcast_to(a, own.shape)[lanes] for a in (row[:, None], col[None]))
    lane = np.where(away[at] <= _NARROW, cells[tuple(n[at] for n in near)], np.nan)
    return (roofs, mean[own[roofs]]), (lanes, lane)


def _place(centres: Floats, at: Floats) -> tuple[Rows, Floats, NDArray[np.bool_]]:
    """Cell before each place, how far on it lies towards the next, and whether it is in any."""
    step = (centres[-1] - centres[0]) / max(len(centres) - 1, 1) or 1.0
    position = (at - centres[0]) / step
    inside = (position > -0.5 - 1e-9) & (position < len(centres) - 0.5 + 1e-9)
    position = np.clip(position, 0, len(centres) - 1)
    index = np.minimum(position.astype(np.intp), max(len(centres) - 2, 0))
    return index, position - index, inside
