"""Planes that light falls on: roofs, walls, level ground."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from layers.errors import CityTwinError
from twin.sun.rasters import as_raster


class Planes(NamedTuple):
    """Unit normals.

    Parameters
    ----------
    east, north
        Parts of the normal, (cells,), or empty where all planes are level [1].
    """

    east: NDArray[np.float32]
    north: NDArray[np.float32]


LEVEL = Planes(np.zeros(0, np.float32), np.zeros(0, np.float32))


def planes_of(slope: NDArray[np.floating], aspect: NDArray[np.floating]) -> Planes:
    """Return the normals of planes; where slope or aspect is NaN they are level.

    Parameters
    ----------
    slope
        Tilt, 0 level, 90 a wall, (cells,) [degrees].
    aspect
        Direction the plane faces, clockwise from north, (cells,) [degrees].
    """
    turn = np.deg2rad(aspect, dtype=np.float32)
    side = np.sin(np.deg2rad(slope, dtype=np.float32))
    return Planes(*(np.nan_to_num(side * part(turn)).astype(np.float32)
                    for part in (np.sin, np.cos)))


def cell_planes(slope: ArrayLike | None, aspect: ArrayLike | None, shape: tuple[int, int],
                pad: int) -> Planes:
    """Return the planes of the cells inside a rim, `LEVEL` when nothing is given.

    Parameters
    ----------
    slope, aspect
        As in `planes_of`, of `shape`, or both None.
    shape
        Shape of the surface.
    pad
        Width of the rim [cells].

    Raises
    ------
    CityTwinError
        When one of the two is missing or has another shape.
    """
    if slope is None and aspect is None:
        return LEVEL
    if slope is None or aspect is None:
        raise CityTwinError("only one of slope and aspect is given, expected both or none",
                            mend="Give both")
    inner = (slice(pad, shape[0] - pad), slice(pad, shape[1] - pad))
    return planes_of(as_raster(slope, "slope", shape)[inner].ravel(),
                     as_raster(aspect, "aspect", shape)[inner].ravel())
