"""From heights to the wind: a first guess, made free of divergence, and read off at any point."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from layers.errors import GridError
from twin.wind.blocks import block_shapes, find_blocks
from twin.wind.canopy import LEAF_DENSITY, Canopy, make_canopy
from twin.wind.domain import Domain, make_domain
from twin.wind.inflow import Inflow
from twin.wind.reading import read_points, to_faces
from twin.wind.shelter import Mixing, mixing_height, shelter
from twin.wind.solver import Report, project
from twin.wind.turbulence import Turbulence
from twin.wind.zones import Zones, stamp

F32 = NDArray[np.float32]
MARGIN, LEAST_MARGIN = 80.0, 8  # open ground around the raster [m], and in cells at least


@dataclass(frozen=True)
class Coefficients:
    """Every number that was fitted, one set for all places."""

    zones: Zones = field(default_factory=Zones)
    mixing: Mixing = field(default_factory=Mixing)
    turbulence: Turbulence = field(default_factory=Turbulence)


FITTED = Coefficients()


@dataclass(frozen=True, eq=False)
class Flow:
    """The wind of one direction on the faces of the cells.

    Parameters
    ----------
    domain, canopy, inflow, wind_from
        What it was computed for.
    u, v, w
        Eastward (ny, nz, nx + 1), northward (ny + 1, nz, nx) and upward (ny, nz + 1, nx) wind on
        the faces, margin included [m s-1].
    gain
        Undisturbed speed of each column over the inflow's, (ny, nx) [1].
    mixing
        Height of what stands around each column, (ny, nx) [m].
    report
        How well it is free of divergence.
    seconds
        What each step took.
    coefficients
        What the first guess was made with.
    """

    domain: Domain
    canopy: Canopy
    gain: F32
    inflow: Inflow
    wind_from: float
    u: F32
    v: F32
    w: F32
    mixing: F32
    report: Report
    seconds: dict[str, float]
    coefficients: Coefficients

    def at(self, x: ArrayLike, y: ArrayLike, z: ArrayLike) -> dict[str, NDArray[np.float32]]:
        """Return u, v, w [m s-1] and k [m2 s-2] at points, NaN in walls and outside the box.

        Parameters
        ----------
        x, y
            From the south-west corner of the raster, of one shape [m].
        z
            Above the ground of the column, of the same shape or one number [m].
        """
        d, turbulence = self.domain, self.coefficients.turbulence
        shift = d.margin * d.cell
        px, py, pz = (np.ascontiguousarray(a, np.float64) for a in np.broadcast_arrays(
            np.asarray(x, float) + shift, np.asarray(y, float) + shift, np.asarray(z, float)))
        heights, back = np.unique(pz, return_inverse=True)
        ny, nx = d.top.shape
        gain = self.gain[np.clip(py / d.cell, 0, ny - 1).astype(int),
                         np.clip(px / d.cell, 0, nx - 1).astype(int)].astype(np.float64)
        speed = gain * self.inflow.at(heights)[back].reshape(px.shape)
        k = gain ** 2 * self.inflow.tke(heights)[back].reshape(px.shape)
        out = np.empty((4, px.size), np.float32)
        read_points(self.u, self.v, self.w, d.top, d.ground, d.under, d.faces,
                    np.asarray(self.inflow.at(d.above_ground), np.float32), self.gain,
                    px.ravel(), py.ravel(),
                    pz.ravel(), speed.ravel(), k.ravel(), d.cell, self.mixing,
                    np.asarray(self.gain * self.inflow.at(self.mixing), np.float32),
                    *turbulence, out)
        return dict(zip("uvwk", out.reshape(4, *px.shape), strict=True))


def towards(wind_from: float) -> tuple[float, float]:
    """Return the unit vector (east, north) a wind blows towards.

    Parameters
    ----------
    wind_from
        Direction it comes from, clockwise from north [degrees].
    """
    angle = math.radians(wind_from % 360.0)
    # exact along the axes, so that turned cities give turned fields
    return round(-math.sin(angle), 15) + 0.0, round(-math.cos(angle), 15) + 0.0


def simulate(heights: ArrayLike, cell: float, inflow: Inflow, wind_from: float, *,
             canopy: ArrayLike | None = None, leaf: ArrayLike = LEAF_DENSITY,
             terrain: ArrayLike | None = None, passages: ArrayLike | None = None,
             background: tuple[F32, F32] | None = None, faces: NDArray[np.float64] | None = None,
             margin: int | None = None, tolerance: float = 1e-3,
             stability: NDArray[Any] | float = 1.0,
             coefficients: Coefficients = FITTED,
             tell: Callable[[str, int, int], None] | None = None) -> Flow:
    """Compute the wind of one direction over a raster of heights.

    Parameters
    ----------
    heights
        Buildings above their ground, 0 in the open, row 0 south, (ny, nx) [m].
    cell
        Side of a cell [m].
    inflow
        The undisturbed wind.
    wind_from
        Direction it comes from, clockwise from north [degrees].
    canopy
        Tree tops above the ground, 0 where there are none, (ny, nx) [m].
    leaf
        Leaf area density of the crowns, one number or (ny, nx) [m2 m-3].
    terrain
        Ground above any datum, (ny, nx) [m]; it becomes steps of whole levels.
    passages
        Clear height under buildings, 0 where there is none, (ny, nx) [m].
    background
        Undisturbed wind of each column over the inflow's speed, eastward and northward, (ny, nx),
        such as `twin.wind.stations` gives; one direction everywhere when None. Zones take its
        speed, but lie along `wind_from`.
    faces
        Level boundaries [m]; `twin.wind.domain.level_faces` when None.
    margin
        Cells of open ground around the raster; those of `margin_cells` when None. The sides are
        open there, which buildings at the edge would feel.
    tolerance
        Divergence left over the divergence at first.
    stability
        Weight of vertical against horizontal change, `twin.wind.inflow.stability_weight`.
    coefficients
        Strengths of zones, mixing and turbulence.
    tell
        Called with a word and how much of the solve is done.

    Raises
    ------
    GridError
        When rasters differ in shape.

    References
    ----------
    Sasaki (1970), Mon. Weather Rev. 98:875; Röckle (1990), dissertation TH Darmstadt.
    """
    clock = _Clock()
    height = np.asarray(heights, np.float32)
    extra = {"canopy": canopy, "terrain": terrain, "passages": passages}
    rasters = {n: None if a is None else np.asarray(a, np.float32) for n, a in extra.items()}
    for name, raster in rasters.items():
        if raster is not None and raster.shape != height.shape:
            raise GridError(f"{name} is {raster.shape}, the heights are {height.shape}",
                            mend="Give rasters of one grid")
    domain = make_domain(height, cell, terrain=rasters["terrain"], passage=rasters["passages"],
                         faces=faces, margin=margin_cells(cell) if margin is None else margin)
    trees = make_canopy(domain, rasters["canopy"], leaf=np.asarray(leaf, np.float32))
    along = towards(wind_from)
    blocks = find_blocks(domain)
    shape = block_shapes(blocks, domain, along)
    mixing = mixing_height(domain, trees)
    clock.lap("blocks")
    ny, nz, nx = domain.shape
    u = np.empty((ny, nz, nx + 1), np.float32)
    v = np.empty((ny + 1, nz, nx), np.float32)
    w = np.empty((ny, nz + 1, nx), np.float32)
    wind = _background(background, along, domain)
    shelter(u, domain, trees, mixing, along, coefficients.mixing)
    stamp(u, v, w, domain, blocks, shape, inflow, along, coefficients.zones, wind)
    to_faces(u, v, w)
    clock.lap("zones")
    report = project(u, v, w, domain, tolerance=tolerance, tau=stability, tell=tell)
    clock.lap("solve")
    return Flow(domain, trees, np.hypot(*wind), inflow, wind_from, u, v, w, mixing, report,
                clock.seconds, coefficients)


def margin_cells(cell: float) -> int:
    """Return the cells of open ground around a raster."""
    return max(round(MARGIN / cell), LEAST_MARGIN)


class _Clock:
    """Seconds of each step."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._last = time.perf_counter()

    def lap(self, name: str) -> None:
        now = time.perf_counter()
        self.seconds[name] = now - self._last
        self._last = now


def _background(given: tuple[F32, F32] | None, along: tuple[float, float],
                domain: Domain) -> tuple[F32, F32]:
    shape = domain.top.shape
    if given is None:
        east, north = (np.full(shape, c, np.float32) for c in along)
    else:
        east, north = (np.pad(np.asarray(g, np.float32), domain.margin, mode="edge")
                       for g in given)
        if east.shape != shape:
            raise GridError(f"the background wind is {given[0].shape}, expected the shape of the "
                            f"heights", mend="Give it on the grid of the heights")
    return east, north
