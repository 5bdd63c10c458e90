"""How fast the sun of a year is on a machine: horizons alone, and the year with twelve months."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import numba
import numpy as np
import xarray as xr
from numpy.typing import NDArray

from twin.progress import Progress
from twin.sun.horizon import sweep
from twin.sun.irradiance import irradiate
from twin.sun.spots import NOWHERE
from twin.sun.table import DIRECTIONS, SunTable, sun_table
from twin.sun_run import warm
from twin.wind_bench import CELL, made_city, peak_mb

SIZES = (500, 1000)    # cells along the side
LATITUDE, LONGITUDE = 30.6, 114.1
GROUND = 20.0          # datum of the made surface [m]
_BATCH = 4             # directions whose horizons are held at a time


def clear_year() -> xr.Dataset:
    """Return a year of hours without a cloud, made up, since only its speed matters.

    Direct light is 800 W m-2 times the sine to the power 0.2, diffuse light 100 W m-2.
    """
    import pandas as pd
    import pvlib

    from layers.weather import as_weather, year_of_hours

    time_ = year_of_hours(8760, start=-8.0)
    sun = pvlib.solarposition.spa_python(pd.DatetimeIndex(time_, tz="UTC"), LATITUDE, LONGITUDE)
    sine = np.maximum(np.sin(np.deg2rad(sun["apparent_elevation"].to_numpy())), 0.0)
    dni, dhi = 800.0 * sine**0.2 * (sine > 0), 100.0 * (sine > 0)
    return as_weather({"ghi": dni * sine + dhi, "dni": dni, "dhi": dhi,
                       "temp_air": np.full(8760, 15.0)}, time_, where="a clear year",
                      utc_offset=8.0, latitude=LATITUDE, longitude=LONGITUDE)


def measure(sizes: Sequence[int] = SIZES, *, tell: Progress | None = None) -> dict[str, Any]:
    """Return how long the steps take on cities of several sizes, as plain data.

    Parameters
    ----------
    sizes
        Cells along the side.
    tell
        Called with how far it is.

    Returns
    -------
    dict
        ``runs`` with cells, directions, ``peak_mb`` of the process so far, and per step seconds on
        the wall and of all processors; ``bytes_per_cell``, by which memory grows from the smallest
        run to the largest, None for one size; ``compile_s``; ``table_s``, the summing of the year;
        ``threads``.
    """
    say = tell or (lambda *_: None)
    say("loading the kernels", 0, len(sizes))
    compiling = warm()
    begun = time.perf_counter()
    table = sun_table(clear_year(), LATITUDE, LONGITUDE, periods="months")
    summing = time.perf_counter() - begun
    runs = []
    for n, side in enumerate(sorted(sizes)):
        say(f"a city of {side} x {side} cells", n, len(sizes))
        runs.append(_run(side, table))
    grown = runs[-1]["cells"] - runs[0]["cells"]
    each = (runs[-1]["peak_mb"] - runs[0]["peak_mb"]) * 2**20 / grown if grown else None
    return {"runs": runs, "bytes_per_cell": None if each is None else round(each, 1),
            "compile_s": round(compiling, 4), "table_s": round(summing, 4),
            "threads": int(numba.get_num_threads())}


def _run(side: int, table: SunTable) -> dict[str, Any]:
    surface = made_city(side) + np.float32(GROUND)
    steps = {"horizon": _timed(lambda: _horizons(surface)),
             "year and months": _timed(lambda: _year(surface, table))}
    looks = side * side * DIRECTIONS
    return {"cells": side * side, "directions": DIRECTIONS, "peak_mb": round(peak_mb(), 1),
            "steps": {name: {"wall_s": round(wall, 4), "cpu_s": round(cpu, 4),
                             "cell_directions_per_s": round(looks / max(wall, 1e-9)),
                             "cell_directions_per_cpu_s": round(looks / max(cpu, 1e-9))}
                      for name, (wall, cpu) in steps.items()}}


def _horizons(surface: NDArray[np.float32]) -> None:
    out = np.empty((_BATCH, *surface.shape), np.uint16)
    for start in range(0, DIRECTIONS, _BATCH):
        ways = [360.0 / DIRECTIONS * d for d in range(start, min(start + _BATCH, DIRECTIONS))]
        sweep(surface, CELL, ways, out[:len(ways)], NOWHERE, np.empty((len(ways), 0), np.uint16))


def _year(surface: NDArray[np.float32], table: SunTable) -> None:
    irradiate(surface, CELL, table)


def _timed(work: Callable[[], None]) -> tuple[float, float]:
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - wall, time.process_time() - cpu


def rows_of(found: dict[str, Any]) -> list[dict[str, str]]:
    """Return what was measured as rows for people."""
    each = found["bytes_per_cell"]
    return [{"cells": f"{run['cells'] / 1e6:.2f} M", "step": step,
             "wall [s]": f"{took['wall_s']:.3f}", "CPU [s]": f"{took['cpu_s']:.3f}",
             "M cell directions / s": f"{took['cell_directions_per_s'] / 1e6:.0f}",
             "/ CPU s": f"{took['cell_directions_per_cpu_s'] / 1e6:.0f}",
             "bytes a cell": "" if each is None else f"{each:.0f}"}
            for run in found["runs"] for step, took in run["steps"].items()]
