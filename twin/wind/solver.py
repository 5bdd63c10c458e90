"""Make a first guess of the wind free of divergence with the least change."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from layers.errors import CityTwinError
from twin.wind.domain import Domain
from twin.wind.poisson import columns, directions, fluxes, multigrid
from twin.wind.poisson.pockets import open_passages
from twin.wind.poisson.sharing import team

Cells = NDArray[np.float32]
Tell = Callable[[str, int, int], None]

NOTHING = 1e-5  # divergence over the reference speed that is no work for a solver
SAFETY = 0.97  # of the tolerance: the remainder runs along in single precision


@dataclass(frozen=True)
class Report:
    """How well a field was made free of divergence.

    Parameters
    ----------
    iterations
        Iterations run.
    residual
        Root of the volume-weighted mean square of the divergence, over that before.
    divergence
        Largest divergence times the cell side, over the reference speed.
    converged
        Whether the residual came down to the tolerance.
    sealed
        Open cells with no way to the open boundary, left at rest.
    """

    iterations: int
    residual: float
    divergence: float
    converged: bool
    sealed: int = 0


def _check(u: Cells, v: Cells, w: Cells, domain: Domain, tau: NDArray[np.float64]) -> None:
    ny, nz, nx = domain.shape
    for name, a, shape in (("u", u, (ny, nz, nx + 1)), ("v", v, (ny + 1, nz, nx)),
                           ("w", w, (ny, nz + 1, nx))):
        if a.shape != shape or a.dtype != np.float32 or not a.flags.c_contiguous:
            raise CityTwinError(
                f"wind: {name} must be a contiguous float32 array {shape}, got {a.dtype} {a.shape}",
                mend="Lay the first guess out on the faces of the domain.")
    if not (np.isfinite(tau).all() and (tau > 0).all()):
        raise CityTwinError("wind: the weight tau of vertical changes must be above 0",
                            mend="Give (alpha_H / alpha_V) squared, 1 in neutral air.")


def conjugate(system: multigrid.Equations, x: Cells, y: Cells, r: Cells, p: Cells, z: Cells, *,
              start: float, goal: float, done: int, most: int, tell: Tell | None) -> int:
    """Run conjugate gradients on colour 0, colour 1 being eliminated; return iterations run.

    Parameters
    ----------
    system
        The equations.
    x
        Unknown of colour 0, zero at first, changed in place.
    y, p
        Scratch for the eliminated colour and the direction.
    r, z
        Right-hand side of colour 0 and of colour 1, used up.
    start
        Root of the weighted sum of squares to hold the remainder against.
    goal
        Share of `start` to come down to.
    done, most
        Iterations run before and at most in all.
    tell
        Called with a word, the iterations run and `most`.

    References
    ----------
    Conjugate gradients on the red-black reduced system: Saad (2003), Iterative Methods for
    Sparse Linear Systems, 9.2 and 10.7, doi:10.1137/1.9780898718003. Line smoothing and
    horizontal coarsening: Mueller & Scheichl (2014), doi:10.1002/qj.2327.
    """
    sums = np.zeros(r.shape[0] - 2)
    x[:] = 0.0
    system.smooth(y, x, z, 1, use_other=False)
    system.share(columns.multiply_finest, x, y, system.codes[0], system.t, system.tz, z, sums)
    system.share(directions.step, x, p, r, z, np.float32(1.0), system.weight, sums)  # r only
    x[:] = 0.0
    last = np.inf
    while float(np.sqrt(sums.sum())) > goal * start and done < most:
        system.precondition(z, y, r)
        system.share(directions.inner, r, z, sums)
        product = float(sums.sum())
        system.share(directions.turn, p, z, np.float32(product / last))
        system.smooth(y, p, r, 1, use_rhs=False)
        system.share(columns.multiply_finest, p, y, system.codes[0], system.t, system.tz, z, sums)
        curvature = float(sums.sum())
        if not (product > 0.0 and curvature > 0.0):  # nothing left but rounding
            break
        system.share(directions.step, x, p, r, z, np.float32(product / curvature), system.weight,
                     sums)
        last = product
        done += 1
        if tell is not None:
            tell("solving", done, most)
    return done


def project(u: Cells, v: Cells, w: Cells, domain: Domain, *, tolerance: float = 1e-3,
            tau: NDArray[np.floating] | float = 1.0, most: int = 60, tell: Tell | None = None,
            reference: float | None = None) -> Report:
    """Make a first guess free of divergence, changing it as little as can be.

    Air may enter and leave through the four sides and the top; ground and walls are closed.

    Parameters
    ----------
    u, v, w
        Velocities on the faces, changed in place; closed faces become 0 [m/s].
    domain
        The box.
    tolerance
        Residual to reach, see `Report`.
    tau
        Weight of vertical against horizontal changes, one number or one per level boundary.
    most
        Iterations after which to give up.
    tell
        Called with a word, the iterations run and `most`.
    reference
        Speed the divergence is held against, the largest on any face when None [m/s].

    Notes
    -----
    The change is the gradient of the potential that solves div(grad) = -div of the first guess,
    its vertical part times tau, with the potential 0 half a cell outside the open boundary. The
    result does not depend on the number of threads.

    References
    ----------
    Sherman (1978), doi:10.1175/1520-0450(1978)017<0312:AMCMFW>2.0.CO;2.
    """
    nz = domain.shape[1]
    thickness = np.diff(domain.faces)
    gaps = np.concatenate((thickness[:1], 0.5 * (thickness[1:] + thickness[:-1]),
                           0.5 * thickness[-1:]))
    ratio = np.broadcast_to(np.asarray(tau, np.float64), nz + 1)
    _check(u, v, w, domain, ratio)
    lift = ratio * domain.cell / gaps
    t, tz = thickness.astype(np.float32), (lift * domain.cell).astype(np.float32)
    tz[0] = 0.0
    under, sealed = open_passages(domain)
    domain = replace(domain, ground=np.ascontiguousarray(domain.ground, np.int16),
                     top=np.ascontiguousarray(domain.top, np.int16), under=under)
    if reference is None:
        reference = max(max(float(a.max()), -float(a.min())) for a in (u, v, w))
    with team() as threads:
        system = multigrid.Equations(multigrid.blank(domain.shape, np.uint8), t, tz,
                                     (1.0 / thickness).astype(np.float32), [], threads)
        return _solve(u, v, w, domain, system, lift.astype(np.float32), tolerance, most, tell,
                      reference or 1.0, sealed)


def _solve(u: Cells, v: Cells, w: Cells, domain: Domain, system: multigrid.Equations, lift: Cells,
           tolerance: float, most: int, tell: Tell | None, reference: float,
           sealed: int) -> Report:
    solids = (domain.ground, domain.top, domain.under)
    sums, worst = np.zeros(domain.shape[0]), np.zeros(domain.shape[0], np.float32)

    def measure(outflow: multigrid.Pair) -> tuple[float, float]:
        system.share(fluxes.gather, u, v, w, *solids, system.t, np.float32(domain.cell),
                     system.weight, system.codes, outflow, sums, worst)
        return float(np.sqrt(sums.sum())), float(worst.max()) / reference

    r, z = multigrid.blank(domain.shape, np.float32)
    start, largest = measure((r, z))
    if not np.isfinite(start):
        raise CityTwinError("wind: the first guess holds a value that is not a number",
                            mend="Fill the gaps of the inflow and of the heights.")
    if largest <= NOTHING:
        return Report(0, 1.0 if start > 0.0 else 0.0, largest, True, sealed)
    system.levels.extend(multigrid.build_levels(domain, system.t, system.tz, system.team))
    p, y = multigrid.blank(domain.shape, np.float32)
    x = np.zeros_like(r)
    done, now = 0, start
    while True:  # a second round only where the tolerance is near rounding
        done = conjugate(system, x, y, r, p, z, start=start, goal=SAFETY * tolerance, done=done,
                         most=most, tell=tell)
        measure((p, z))  # the right-hand side of colour 1 was used up
        system.smooth(y, x, z, 1)
        system.share(fluxes.correct, u, v, w, *solids, lift, (x, y))
        before, (now, largest) = now, measure((r, z))
        if now <= tolerance * start or done >= most or now > 0.5 * before:
            break
    return Report(done, now / start, largest, now <= tolerance * start, sealed)
