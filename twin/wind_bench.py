"""How fast the steps of the wind are on a machine, on a made city, beside how fast memory is."""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from twin.progress import Progress
from twin.wind import flow
from twin.wind.inflow import log_profile
from twin.wind.levels import at_levels
from twin.wind.warm import warm

SIZES = (236, 770)  # cells along the side: about 2 and 20 million with margin and levels
CELL, PITCH = 2.0, 12  # side of a cell [m], cells from one building to the next
LEVELS = (1.5, 10.0)
# Step to the functions `twin.wind.flow.simulate` does it with.
STEPS = {"blocks": ("make_domain", "make_canopy", "find_blocks", "block_shapes", "mixing_height"),
         "shelter": ("shelter",), "zones": ("stamp", "to_faces"), "solve": ("project",)}
COPIED = 32 * 2**20  # numbers copied to see how fast memory is, 256 MB


def made_city(side: int, seed: int = 0) -> NDArray[np.float32]:
    """Return heights of a city of rectangles on a lattice, two fifths built over, (side, side) [m].

    Parameters
    ----------
    side
        Cells along the side.
    seed
        Of the sizes and heights.
    """
    rng = np.random.default_rng(seed)
    heights = np.zeros((side, side), np.float32)
    for south in range(0, side - PITCH + 1, PITCH):
        for west in range(0, side - PITCH + 1, PITCH):
            deep, wide = rng.integers(6, 10, 2)  # the mean area is 0.39 of the lattice cell
            j, i = (start + 1 + int(rng.integers(0, 2)) for start in (south, west))
            heights[j:j + deep, i:i + wide] = np.clip(rng.lognormal(2.7, 0.6), 4.0, 150.0)
    return heights


def measure(sizes: Sequence[int] = SIZES, *, tell: Progress | None = None) -> dict[str, Any]:
    """Return how long the steps take on cities of several sizes, as plain data.

    Parameters
    ----------
    sizes
        Cells along the side, without margin.
    tell
        Called with how far it is.

    Returns
    -------
    dict
        ``runs`` with columns, levels, cells, peak memory and per step the seconds on the wall and
        of all processors; ``copy_gb_s``, bytes read and written by a copy over time; ``compile_s``;
        ``threads``.
    """
    say = tell or (lambda *_: None)
    say("loading the kernels", 0, len(sizes))
    compiling = warm(say)
    runs = []
    for n, side in enumerate(sorted(sizes)):
        say(f"a city of {side} x {side} cells", n, len(sizes))
        runs.append(_run(side))
    say("copying memory", len(sizes), len(sizes))
    return {"runs": runs, "copy_gb_s": copy_speed(), "compile_s": compiling,
            "threads": int(numba.get_num_threads())}


def _run(side: int) -> dict[str, Any]:
    heights, inflow = made_city(side), log_profile(5.0, 10.0, 0.5)
    before = peak_mb()
    with stopped() as steps:
        found = flow.simulate(heights, CELL, inflow, 240.0)
        with _timed(steps, "reading"):
            at_levels(found, LEVELS)
    ny, nz, nx = found.domain.shape
    cells = ny * nz * nx
    most = peak_mb()
    whole = [sum(s[i] for s in steps.values()) for i in (0, 1)]
    return {"columns": [ny, nx], "levels": nz, "cells": cells,
            "built": round(float((heights > 0).mean()), 4),
            "iterations": found.report.iterations, "residual": float(found.report.residual),
            "peak_mb": round(most, 1), "bytes_per_cell": round((most - before) * 2**20 / cells, 2),
            "steps": {name: {"wall_s": round(wall, 5), "cpu_s": round(cpu, 5),
                             "cells_per_s": round(cells / max(wall, 1e-9)),
                             "cells_per_cpu_s": round(cells / max(cpu, 1e-9))}
                      for name, (wall, cpu) in {**steps, "total": whole}.items()}}


Piece = tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any]]


def copied(args: Sequence[Any]) -> tuple[Any, ...]:
    """Return what a function is given, arrays copied, since steps write into them."""
    return tuple(a.copy() if isinstance(a, np.ndarray) else a for a in args)


@contextmanager
def stopped(kept: dict[str, list[Piece]] | None = None) -> Iterator[dict[str, list[float]]]:
    """Time the steps of `twin.wind.flow.simulate` while it runs inside.

    Parameters
    ----------
    kept
        Takes the pieces of each step: what was called, with copies of what it was given.

    Yields
    ------
    dict
        Step to seconds on the wall and of all processors.
    """
    spent = {step: [0.0, 0.0] for step in STEPS}
    own = {name: getattr(flow, name) for names in STEPS.values() for name in names}

    def watched(step: str, work: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **named: Any) -> Any:
            if kept is not None:
                kept.setdefault(step, []).append((work, copied(args), named))
            with _timed(spent, step):
                return work(*args, **named)

        return call

    for step, names in STEPS.items():
        for name in names:
            setattr(flow, name, watched(step, own[name]))
    try:
        yield spent
    finally:
        for name, work in own.items():
            setattr(flow, name, work)


@contextmanager
def _timed(spent: dict[str, list[float]], step: str) -> Iterator[None]:
    wall, cpu = time.perf_counter(), time.process_time()
    yield
    total = spent.setdefault(step, [0.0, 0.0])
    total[0] += time.perf_counter() - wall
    total[1] += time.process_time() - cpu


def copy_speed(count: int = COPIED) -> float:
    """Return how fast an array is copied, bytes read and written, the best of three [GB s-1]."""
    source, target = np.ones(count), np.zeros(count)
    best = np.inf
    for _ in range(3):
        begun = time.perf_counter()
        np.copyto(target, source)
        best = min(best, time.perf_counter() - begun)
    return round(2e-9 * source.nbytes / float(best), 2)


def peak_mb() -> float:
    """Return the most memory this process has held [MB]."""
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most / (2**20 if sys.platform == "darwin" else 2**10)


def rows_of(found: dict[str, Any]) -> list[dict[str, str]]:
    """Return what was measured as rows for people."""
    return [{"cells": f"{run['cells'] / 1e6:.2f} M", "step": step,
             "wall [s]": f"{took['wall_s']:.3f}", "CPU [s]": f"{took['cpu_s']:.3f}",
             "M cells / s": f"{took['cells_per_s'] / 1e6:.1f}",
             "M cells / CPU s": f"{took['cells_per_cpu_s'] / 1e6:.1f}"}
            for run in found["runs"] for step, took in run["steps"].items()]
