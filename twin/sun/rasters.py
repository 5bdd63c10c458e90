"""Rasters as the kernels take them."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from layers.errors import GridError


def as_raster(values: ArrayLike, name: str, shape: tuple[int, ...] | None = None, *,
              gaps: NDArray[np.float32] | None = None) -> NDArray[np.float32]:
    """Return an array of two dimensions, copied only where it must be.

    Parameters
    ----------
    values
        What was given.
    name
        Its name, for the words of an error.
    shape
        The shape it must have; any when None.
    gaps
        What stands where there is NaN; NaN stays when None.

    Raises
    ------
    GridError
        When the shape is another.
    """
    array = np.ascontiguousarray(values, np.float32)
    if array.ndim != 2 or (shape is not None and array.shape != shape):
        raise GridError(f"{name} is {array.shape}, expected"
                        f" {'(ny, nx)' if shape is None else f'{shape} like the surface'}",
                        mend="Make all rasters on one grid")
    if gaps is not None and np.isnan(array).any():
        return np.where(np.isnan(array), gaps, array)
    return array
