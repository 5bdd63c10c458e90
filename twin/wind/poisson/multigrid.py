"""The equations of one field: the finest level, ever wider columns above it, and the cycle."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from twin.wind.domain import Domain
from twin.wind.poisson import coarsening, columns, wide_columns
from twin.wind.poisson.sharing import Team

Cells = NDArray[np.float32]
Codes = NDArray[np.uint8]
Parts = NDArray[np.uint16]
Pair = tuple[Cells, Cells]
Faces = tuple[Codes, Codes, Parts]
Kind = TypeVar("Kind", bound=np.generic)

SWEEPS = 2  # before and after the wider levels; one costs an iteration more


@dataclass(frozen=True, eq=False)
class Coarse:
    """A level of wide columns.

    Parameters
    ----------
    sides
        Openness of the four sides of colour 0.
    lids, pivots
        Openness of the upper sides and reciprocal pivots, per colour.
    t, tz
        Weight per unit of openness, of a side per level and of a lid per level boundary.
    x, rhs
        Unknown and right-hand side, per colour.
    """

    sides: Codes
    lids: tuple[Parts, Parts]
    pivots: Pair
    t: Cells
    tz: Cells
    x: Pair
    rhs: Pair


@dataclass(frozen=True, eq=False)
class Equations:
    """The equations of the finest level and the levels that help to solve them.

    Parameters
    ----------
    codes
        Open sides of each cell, per colour.
    t, tz
        Weight of an open side per level and of an open lid per level boundary.
    weight
        Weight of each level in the sum of squares.
    levels
        From narrow to wide columns.
    team
        Threads to work with.
    """

    codes: tuple[Codes, Codes]
    t: Cells
    tz: Cells
    weight: Cells
    levels: list[Coarse]
    team: Team

    def share(self, kernel: Callable[..., None], *args: Any) -> None:
        """Run a kernel over the rows of the finest level."""
        code = self.codes[0]
        self.team.share(kernel, code.shape[0] - 2, code.size, *args)

    def smooth(self, x: Cells, other: Cells, rhs: Cells, colour: int, *, use_rhs: bool = True,
               use_other: bool = True) -> None:
        """Solve the columns of one colour, see `columns.smooth_finest`."""
        self.share(columns.smooth_finest, x, other, rhs, self.codes[colour], colour, use_rhs,
                   use_other, self.t, self.tz)

    def precondition(self, z: Cells, y: Cells, r: Cells) -> None:
        """Make `z` a rough solution for the remainder `r` of colour 0, none being in colour 1.

        Parameters
        ----------
        z
            Colour 0, overwritten.
        y
            Scratch for colour 1.
        r
            Remainder of colour 0.
        """
        self.smooth(z, y, r, 0, use_other=False)
        self.smooth(y, z, r, 1, use_rhs=False)
        if self.levels:
            wide = self.levels[0]
            rows = wide.rhs[0].shape[0] - 2
            self.team.share(columns.restrict_finest, rows, z.size, z, y, r, self.codes[0], self.t,
                            self.tz, *wide.rhs)
            _cycle(self.levels, 0, self.team)
            self.team.share(wide_columns.prolong, rows, z.size, z, self.codes[0], *wide.x)
        self.smooth(y, z, r, 1, use_rhs=False)
        self.smooth(z, y, r, 0)


def blank(shape: tuple[int, int, int], kind: type[Kind]) -> tuple[NDArray[Kind], NDArray[Kind]]:
    """Return the two colours of a grid, zero, with their ring.

    Parameters
    ----------
    shape
        Rows, levels and columns.
    kind
        Type of the elements.
    """
    size = (shape[0] + 2, shape[1], (shape[2] + 1) // 2 + 2)
    return np.zeros(size, kind), np.zeros(size, kind)


def build_levels(domain: Domain, t: Cells, tz: Cells, team: Team) -> list[Coarse]:
    """Return the levels above the finest, from narrow to wide columns.

    Parameters
    ----------
    domain
        The box.
    t, tz
        Weight of an open side per level and of an open lid per level boundary.
    team
        Threads to work with.
    """
    levels: list[Coarse] = []
    (ny, nz, nx), area = domain.shape, 1.0
    faces: Faces | None = None
    while max(ny, nx) > 1:
        ny, nx, area = (ny + 1) // 2, (nx + 1) // 2, 4.0 * area
        wide = (np.empty((ny, nz, nx + 1), np.uint8), np.empty((ny + 1, nz, nx), np.uint8),
                np.empty((ny, nz, nx), np.uint16))
        if faces is None:
            team.share(coarsening.join_cells, ny, wide[2].size, domain.ground, domain.top,
                       domain.under, *wide)
        else:
            team.share(coarsening.join_columns, ny, wide[2].size, *faces, *wide)
        faces, shape = wide, (ny, nz, nx)
        side, lid = t / np.float32(coarsening.SIDE), tz * np.float32(area / coarsening.LID)
        sides = np.zeros((4, ny + 2, nz, (nx + 1) // 2 + 2), np.uint8)
        lids, pivots = blank(shape, np.uint16), blank(shape, np.float32)
        team.share(coarsening.lay_out, ny + 2, wide[2].size, *faces, side, lid, sides, lids, pivots)
        levels.append(Coarse(sides, lids, pivots, side, lid, blank(shape, np.float32),
                             blank(shape, np.float32)))
    return levels


def _smooth(level: Coarse, colour: int, team: Team, *, fresh: bool = False) -> None:
    x = level.x[colour]
    team.share(wide_columns.smooth_coarse, x.shape[0] - 2, x.size, x, level.x[1 - colour],
               level.rhs[colour], level.pivots[colour], level.sides, level.lids[colour], colour,
               fresh, level.t, level.tz)


def _cycle(levels: list[Coarse], n: int, team: Team) -> None:
    """Run one symmetric cycle from a zero guess on level `n` and the wider ones."""
    level = levels[n]
    _smooth(level, 0, team, fresh=True)
    _smooth(level, 1, team)
    if n + 1 == len(levels):
        return
    for _ in range(SWEEPS - 1):
        _smooth(level, 0, team)
        _smooth(level, 1, team)
    wider = levels[n + 1]
    rows, cells = wider.x[0].shape[0] - 2, level.x[0].size
    team.share(wide_columns.restrict_coarse, rows, cells, *level.x, level.rhs[0], level.pivots[0],
               level.sides, level.lids[0], level.t, level.tz, *wider.rhs)
    _cycle(levels, n + 1, team)
    team.share(wide_columns.prolong, rows, cells, level.x[0], level.pivots[0], *wider.x)
    for _ in range(SWEEPS):
        _smooth(level, 1, team)
        _smooth(level, 0, team)
