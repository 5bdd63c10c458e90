"""Compile every kernel of the wind on a tiny city, so that what follows is only computing."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from twin.kernel_cache import find_cache


def warm(tell: Callable[[str, int, int], None] | None = None) -> float:
    """Load the kernels, compile what no earlier run has left, and return how long it took [s].

    Parameters
    ----------
    tell
        Called with a word when they have to be compiled.
    """
    begun = time.perf_counter()
    find_cache()
    import numba

    from twin.wind import reading
    from twin.wind.composition import exceedance
    from twin.wind.flow import simulate
    from twin.wind.inflow import log_profile
    from twin.wind.levels import as_ratios, at_levels
    from twin.wind.statistics import lay_out

    small = np.zeros((2, 2, 3), np.float32), np.zeros((3, 2, 2), np.float32)
    reading.to_faces(*small, np.zeros((2, 3, 2), np.float32))
    if tell is not None and any(reading.to_faces.stats.cache_misses.values()):
        tell("compiling the wind kernels, once", 0, 1)
    height = np.zeros((20, 24), np.float32)
    height[6:11, 8:14], height[8:10, 9:12], height[14:17, 4:10] = 9.0, 24.0, 12.0
    trees, passage, hill = np.zeros_like(height), np.zeros_like(height), np.zeros_like(height)
    trees[3:5, 4:20], passage[6:11, 13], hill[:, 20:] = 8.0, 4.0, 3.0
    inflow = log_profile(5.0, 10.0, 0.3)
    threads = numba.get_num_threads()
    both: tuple[tuple[float, dict[str, Any]], ...] = (
        (270.0, {}), (30.0, {"canopy": trees, "terrain": hill, "passages": passage}))
    for wind_from, extra in both:
        flow = simulate(height, 2.0, inflow, wind_from, margin=4, **extra)
        wind = at_levels(flow, [1.5, 10.0])
    ratios = as_ratios({0.0: wind, 180.0: wind}, 5.0)
    exceedance(ratios["speed"], lay_out([3.0, 6.0], [10.0, 200.0], [0.0, 180.0]), [2.0])
    numba.set_num_threads(threads)
    return time.perf_counter() - begun


def compiled() -> int:
    """Return how many forms of kernels this process holds, to see that none is added later."""
    import sys

    from numba.core.dispatcher import Dispatcher

    found: dict[int, Any] = {}
    for name, module in list(sys.modules.items()):
        if name.startswith("twin.wind."):
            for thing in vars(module).values():
                if isinstance(thing, Dispatcher):
                    found[id(thing)] = thing
    return sum(len(d.signatures) for d in found.values())
