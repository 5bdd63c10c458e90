"""The wind of one direction over a height raster: the box, the inflow and what a run took."""

from __future__ import annotations

import resource
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from layers.errors import GridError
from twin.wind import canopy, flow
from twin.wind.domain import level_faces
from twin.wind.inflow import Inflow, log_profile, roughness_of
from twin.wind.levels import check_levels
from twin.wind.sectors import FETCH
from twin.wind.solver import Report
from twin.wind_files import Raster
from twin.wind_memory import check_memory

REFERENCE = 5.0  # speed the directions are solved for; their ratios do not depend on it [m s-1]
STEPS = ("compile", "blocks", "zones", "solve", "turbulence", "write", "total")


@dataclass(frozen=True, eq=False)
class Site:
    """What the wind blows over.

    Parameters
    ----------
    heights
        Buildings.
    canopy, ground
        Tree tops and elevation on the same grid, None without.
    leaf
        Leaf area density of the crowns [m2 m-3].
    levels
        Heights above the ground to read the wind at, (n,) [m].
    faces
        Level boundaries [m].
    margin
        Cells of open ground around the raster.
    tolerance
        Divergence left over the divergence at first.
    """

    heights: Raster
    canopy: Raster | None
    ground: Raster | None
    leaf: float
    levels: NDArray[np.float64]
    faces: NDArray[np.float64]
    margin: int
    tolerance: float

    @property
    def columns(self) -> tuple[int, int]:
        """Rows and columns that are solved, margin included."""
        ny, nx = self.heights.values.shape
        return ny + 2 * self.margin, nx + 2 * self.margin

    @property
    def notes(self) -> tuple[str, ...]:
        """What the rasters had to be assumed to be."""
        beside = (self.canopy, self.ground)
        return (*self.heights.notes, *(n for r in beside if r is not None for n in r.notes))

    def solve(self, inflow: Inflow, wind_from: float,
              tell: Callable[[str, int, int], None] | None = None) -> flow.Flow:
        """Return the wind of one direction.

        Parameters
        ----------
        inflow
            The undisturbed wind.
        wind_from
            Direction it comes from [degrees].
        tell
            Called with how much of the solve is done.
        """
        return flow.simulate(
            self.heights.values, self.heights.cell, inflow, wind_from, leaf=self.leaf,
            canopy=None if self.canopy is None else self.canopy.values,
            terrain=None if self.ground is None else self.ground.values, faces=self.faces,
            margin=self.margin, tolerance=self.tolerance, tell=tell)


def make_site(heights: Raster, *, crowns: Raster | None = None, ground: Raster | None = None,
               leaf: float | None = None, levels: NDArray[np.float64], margin: int | None = None,
               tolerance: float = 1e-3) -> Site:
    """Return what the wind blows over, once it is known to fit into memory.

    Parameters
    ----------
    heights, crowns, ground
        Rasters of one grid.
    leaf, levels, margin, tolerance
        As in `Site`; the engine's own leaf area density and margin when None.

    Raises
    ------
    GridError
        When it does not fit, or a level lies outside the box.
    """
    base = np.zeros(1) if ground is None else ground.values - ground.values.min()
    highest = float((heights.values + base.astype(np.float64)).max())
    faces = level_faces(highest, relief=float(base.max()))
    wide = flow.margin_cells(heights.cell) if margin is None else margin
    check_levels(levels, float(faces[-1] - base.max()))
    ny, nx = heights.values.shape
    check_memory(ny, nx, len(faces) - 1, cell=heights.cell, margin=wide, name=heights.name)
    return Site(heights, crowns, ground, canopy.LEAF_DENSITY if leaf is None else leaf, levels,
                 faces, wide, tolerance)


def inflow_of(site: Site, wind_from: float, *, speed: float | None, at: float,
              z0: float | None = None, profile: Inflow | None = None) -> tuple[Inflow, str]:
    """Return the undisturbed wind of a direction, and where it is from in words.

    Parameters
    ----------
    site
        What it blows over.
    wind_from
        Direction it comes from [degrees].
    speed, at
        Speed [m s-1] at a height above ground [m]; the profile's own when None.
    z0
        Roughness length; that of the form of the raster along its upwind edge when None [m].
    profile
        Measured profile in place of the log law.

    Notes
    -----
    The log law stands on the ground, without displacement: what stands in the raster shelters in
    the model itself, and air below a displacement would not move at all. So only the roughness
    length is taken from the form. Where the raster's upwind edge is open it is that of open
    ground, 0.03 m.
    """
    if profile is not None:
        own = float(profile.at(at))
        if speed is None:
            return profile, f"profile {profile.name}"
        if own <= 0:
            raise GridError(f"{profile.name} has no wind at {at:g} m to scale",
                            mend="Give another height with --at")
        return profile.scaled(speed / own), (f"profile {profile.name} scaled to {speed:g} m s-1 "
                                             f"at {at:g} m")
    rough, words = z0, "as given"
    if rough is None:
        rough = roughness_of(site.heights.values, site.heights.cell, wind_from, reach=FETCH)[0]
        words = f"from the form of the upwind {FETCH:g} m"
    v = REFERENCE if speed is None else speed
    return log_profile(v, at, rough), (f"log law, {v:g} m s-1 at {at:g} m, roughness length "
                                       f"{rough:.3g} m {words}")


@dataclass
class Tally:
    """What the solves took, summed over directions, the worst of how well they went."""

    reports: dict[float, Report] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=lambda: dict.fromkeys(STEPS, 0.0))

    def add(self, found: flow.Flow) -> None:
        """Count a solve."""
        self.reports[found.wind_from] = found.report
        for step, value in found.seconds.items():
            self.seconds[step if step in STEPS else "zones"] += value

    def summary(self, site: Site) -> dict[str, Any]:
        """Return the numbers of the run as plain data."""
        import numba

        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        ny, nx = site.columns
        nz = len(site.faces) - 1
        every = self.reports.values()
        return {"columns": [ny, nx], "levels": nz, "cells": ny * nx * nz,
                "iterations": max(r.iterations for r in every),
                "residual": float(max(r.residual for r in every)),
                "divergence": float(max(r.divergence for r in every)),
                "seconds": {k: round(v, 4) for k, v in self.seconds.items()},
                "peak_mb": round(peak / (2**20 if sys.platform == "darwin" else 2**10), 1),
                "threads": int(numba.get_num_threads())}

    def notes(self, tolerance: float) -> tuple[str, ...]:
        """Return what went less well than asked for."""
        late = [a for a, r in self.reports.items() if not r.converged]
        sealed = max(r.sealed for r in self.reports.values())
        return (*([f"not solved to {tolerance:g} for wind from "
                   f"{', '.join(f'{a:g}' for a in late)} degrees"] if late else []),
                *([f"{sealed:,} cells have no way to the open air and are at rest"] if sealed
                  else []))


def words_of(summary: Mapping[str, Any]) -> list[dict[str, str]]:
    """Return a summary as rows for people."""
    rows, columns = summary["columns"]
    seconds = summary["seconds"]
    return [{"": "columns", "value": f"{rows:,} x {columns:,}, margin included"},
            {"": "levels", "value": str(summary["levels"])},
            {"": "cells", "value": f"{summary['cells']:,}"},
            {"": "cycles of the solver", "value": str(summary["iterations"])},
            {"": "divergence left", "value": f"{summary['residual']:.1e} of that at first"},
            {"": "seconds", "value": ", ".join(f"{k} {v:.2f}" for k, v in seconds.items())},
            {"": "memory at most", "value": f"{summary['peak_mb']:,.0f} MB"},
            {"": "threads", "value": str(summary["threads"])}]
