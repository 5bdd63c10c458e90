"""Which planes can carry modules: their size and tilt, where they face, and the light on them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

Floats = NDArray[np.float64]

LEAST_AREA = 10.0   # smaller planes carry no modules [m2]
STEEPEST = 60.0     # steeper roofs carry no modules [degrees]
LEAST_LIGHT = 0.70  # share of the light of the open plane below which no module pays [1]
AWAY = 112.5        # planes turned further from the equator carry no modules [degrees]


def fitting_planes(largest: ArrayLike, slope: ArrayLike, aspect: ArrayLike, *, level: ArrayLike,
                   equator: float | None) -> NDArray[np.bool_]:
    """Return which planes pass the hard filters of size, tilt and direction.

    Parameters
    ----------
    largest
        Largest piece of the plane, shape (n,) [m2].
    slope, aspect
        Tilt, and the direction the plane faces, clockwise from north [degrees].
    level
        Whether the plane is flat enough that its direction does not matter.
    equator
        Direction of the equator; None in the tropics, where no side is much worse [degrees].

    References
    ----------
    Gagnon et al. (2016), Rooftop solar photovoltaic technical potential in the United States,
    NREL/TP-6A20-65298, doi:10.2172/1236153: at least 10 m2 in one piece, at most 60 degrees, none
    facing north-west to north-east.
    """
    off = 0.0 if equator is None else np.asarray(aspect, dtype=float) - equator
    turned = np.abs((off + 180.0) % 360.0 - 180.0)
    return np.asarray((np.asarray(largest) >= LEAST_AREA) & (np.asarray(slope) <= STEEPEST)
                      & (np.asarray(level, dtype=bool) | (turned <= AWAY)))


def plane_means(values: NDArray[np.floating[Any]], plane: NDArray[np.integer[Any]],
                count: int) -> Floats:
    """Return the mean of cells over each plane by month, NaN for planes without a cell.

    Parameters
    ----------
    values
        Of the cells, shape (months, ny, nx).
    plane
        Number of the plane of each cell, -1 for none, (ny, nx).
    count
        Number of planes.

    Returns
    -------
    numpy.ndarray
        Shape (months, ``count``).
    """
    on = plane >= 0
    own = plane[on]
    cells = np.bincount(own, minlength=count).astype(float)
    cells[cells == 0] = np.nan
    sums = [np.bincount(own, weights=month[on], minlength=count) for month in values]
    return np.asarray(np.reshape(sums, (len(values), count)) / cells, float)


def bright_share(light: NDArray[np.floating[Any]], open_light: ArrayLike,
                 plane: NDArray[np.integer[Any]], cell: float) -> Floats:
    """Return the share of each plane that is bright in one piece of at least 10 m2.

    Parameters
    ----------
    light
        Yearly irradiation of the cells with shade, (ny, nx) [kWh m-2].
    open_light
        That of each plane without shade, shape (n,) [kWh m-2].
    plane
        Number of the plane of each cell, -1 for none, (ny, nx).
    cell
        Side of a cell [m].

    Returns
    -------
    numpy.ndarray
        Shape (n,), 0 for planes without a cell [1].

    Notes
    -----
    Cells joined by a side are one piece; areas are seen from above.

    References
    ----------
    Gagnon et al. (2016), as for `fitting_planes`: 70 % of the open yield.
    """
    least = np.asarray(open_light, dtype=float) * LEAST_LIGHT
    count = len(least)
    on = plane >= 0
    bright = np.zeros(plane.shape, dtype=bool)
    bright[on] = light[on] >= least[plane[on]]
    number = np.full(plane.shape, -1)
    number[bright] = np.arange(int(bright.sum()))
    own = plane[bright]
    pairs = []
    for a, b in ((np.s_[:, :-1], np.s_[:, 1:]), (np.s_[:-1], np.s_[1:])):
        joined = bright[a] & bright[b] & (plane[a] == plane[b])
        pairs.append((number[a][joined], number[b][joined]))
    left, right = (np.concatenate(side) for side in zip(*pairs, strict=True))
    graph = coo_array((np.ones(len(left), dtype=np.int8), (left, right)), shape=(len(own),) * 2)
    piece = connected_components(graph, directed=False)[1]
    big = np.bincount(piece, minlength=1)[piece] * cell * cell >= LEAST_AREA - 1e-9
    cells = np.bincount(plane[on], minlength=count)
    return np.bincount(own[big], minlength=count) / np.maximum(cells, 1)
