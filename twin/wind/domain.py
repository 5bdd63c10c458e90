"""The box the wind is computed in: columns of ground and buildings, and the levels above them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Short = NDArray[np.int16]


@dataclass(frozen=True, eq=False)
class Domain:
    """Columns on a grid of square cells, row 0 south, and the levels they are cut into.

    Parameters
    ----------
    cell
        Side of a cell [m].
    faces
        Heights of the level boundaries above the lowest ground, rising from 0, (nz + 1,) [m].
    ground
        Levels filled by terrain, (ny, nx).
    top
        Levels filled by terrain and building, (ny, nx): the first open level above the roof.
    under
        First level that is closed again above a passage, 0 where there is none, (ny, nx).
    height
        Building height above its ground, 0 in the open, (ny, nx) [m].
    margin
        Cells of open ground that were added on every side of the user's raster.
    """

    cell: float
    faces: NDArray[np.float64]
    ground: Short
    top: Short
    under: Short
    height: NDArray[np.float32]
    margin: int = 0

    @property
    def shape(self) -> tuple[int, int, int]:
        """Rows, levels and columns."""
        ny, nx = self.top.shape
        return ny, len(self.faces) - 1, nx

    @property
    def centres(self) -> NDArray[np.float64]:
        """Heights of the level centres [m]."""
        return 0.5 * (self.faces[1:] + self.faces[:-1])

    @property
    def above_ground(self) -> NDArray[np.float64]:
        """Heights of the level centres above each level of ground, (levels of ground, nz) [m].

        0 where a level lies in that ground.
        """
        floors = self.faces[:int(self.ground.max()) + 1, None]
        return np.maximum(self.centres[None, :] - floors, 0.0)

    def is_open(self) -> NDArray[np.bool_]:
        """Return which cells hold air, (ny, nz, nx)."""
        k = np.arange(self.shape[1])[None, :, None]
        top, ground, under = (a[:, None, :] for a in (self.top, self.ground, self.under))
        return (k >= top) | ((k >= ground) & (k < under))


def level_faces(highest: float, *, relief: float = 0.0, step: float = 2.0, growth: float = 1.15,
                lowest_top: float = 200.0) -> NDArray[np.float64]:
    """Return level boundaries: even steps near the ground, then growing ones [m].

    Parameters
    ----------
    highest
        Top of the highest building above the lowest ground [m].
    relief
        Highest ground above the lowest [m]; steps stay even over it.
    step
        Thickness near the ground [m].
    growth
        Factor from one level to the next above the even ones, at most 1.2.
    lowest_top
        The box is at least so high [m]; else three times `highest`.

    Notes
    -----
    Steps are even up to the relief plus 20 m, the layer people and most roofs are in.
    """
    even = int(np.ceil((relief + 20.0) / step))
    faces = list(step * np.arange(even + 1))
    top, thick = max(lowest_top, 3.0 * highest), step
    while faces[-1] < top:
        thick *= growth
        faces.append(faces[-1] + thick)
    return np.asarray(faces, dtype=np.float64)


def make_domain(height: NDArray[np.float32], cell: float, *,
                terrain: NDArray[np.float32] | None = None,
                passage: NDArray[np.float32] | None = None,
                faces: NDArray[np.float64] | None = None, margin: int = 0) -> Domain:
    """Cut heights above ground into columns of levels.

    Parameters
    ----------
    height
        Building height above its ground, 0 in the open, (ny, nx) [m].
    cell
        Side of a cell [m].
    terrain
        Ground above any datum, (ny, nx) [m]; flat when None. The ground becomes steps of whole
        levels.
    passage
        Clear height under a building, 0 where there is none, (ny, nx) [m].
    faces
        Level boundaries [m]; `level_faces` when None.
    margin
        Cells of open ground to add on every side.

    Notes
    -----
    A level is closed where its centre lies in the ground or the building, so that a height is
    kept to half a level and what is lower than half a level is open ground.
    """
    def padded(values: NDArray[np.float32], mode: str) -> NDArray[np.float64]:
        wide = np.pad(values, margin, mode="edge" if mode == "edge" else "constant")
        return wide.astype(np.float64)

    roof = padded(height, "constant")
    ground = padded(terrain, "edge") if terrain is not None else np.zeros(roof.shape)
    ground = ground - ground.min()
    if faces is None:
        faces = level_faces(float((ground + roof).max()), relief=float(ground.max()))
    centres = 0.5 * (faces[1:] + faces[:-1])

    def levels(z: NDArray[np.float64]) -> Short:
        return np.searchsorted(centres, z, side="right").astype(np.int16)

    bottom = levels(ground)
    floor = faces[bottom]  # the stepped ground the building stands on
    top = np.where(roof > 0, levels(floor + roof), bottom)
    under = np.zeros(top.shape, dtype=np.int16)
    if passage is not None:
        clear = levels(floor + padded(passage, "constant"))
        under = np.where((clear > bottom) & (clear < top), clear, 0).astype(np.int16)
    return Domain(float(cell), faces, bottom, top.astype(np.int16), under, roof.astype(np.float32),
                  margin)
