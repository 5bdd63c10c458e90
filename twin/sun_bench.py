"""How fast the sun of a year is on a machine: horizons, the months, and modules on a whole city."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from itertools import pairwise
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

# What of a whole city is timed: the steps of a run by the function that takes the time.
CITY_WANTS = ("ground_irradiation", "pv_yield", "pv_specific_yield", "facade_pv_yield",
              "facade_irradiation", "pv_npv", "pv_lcoe", "facade_pv_npv", "facade_pv_lcoe")
CITY_STEPS = {"sun_field": "light on ground, roofs and walls", "roof_pv_field": "modules on roofs",
              "facade_pv_field": "modules in walls", "roof_money_field": "money",
              "wall_money_field": "money"}


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


def measure(sizes: Sequence[int] = SIZES, *, city: bool | None = None,
            tell: Progress | None = None) -> dict[str, Any]:
    """Return how long the steps take on cities of several sizes, as plain data.

    Parameters
    ----------
    sizes
        Cells along the side.
    city
        Whether to time the embedded city too; with the usual sizes only when None.
    tell
        Called with how far it is.

    Returns
    -------
    dict
        ``runs`` with cells, directions, ``peak_mb`` of the process so far, and per step seconds on
        the wall and of all processors; ``bytes_per_cell``, by which memory grows from the smallest
        run to the largest, None for one size; ``compile_s``; ``table_s``, the summing of the year;
        ``threads``; ``city``, from `whole_city`, None where it is not timed.
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
            "threads": int(numba.get_num_threads()),
            "city": whole_city(say) if (tuple(sizes) == SIZES if city is None else city) else None}


def whole_city(tell: Progress | None = None) -> dict[str, Any]:
    """Return how long modules on the whole embedded city take, from its layers to its cells.

    Parameters
    ----------
    tell
        Called with how far it is.

    Returns
    -------
    dict
        ``buildings``, ``walls`` (patches), ``cells`` of the sun, ``area_km2``, ``peak_mb`` of the
        process so far; and per step, the whole with it, seconds on the wall and of all processors.
    """
    import layers
    from twin.engine import run

    city = layers.sample("nantes")
    marks: list[tuple[str, float, float]] = []

    def mark(name: str, number: int, of: int) -> None:
        """Note when a step begins; a step says itself how far it is with a colon in its name."""
        if ":" not in name:
            marks.append((name, time.perf_counter(), time.process_time()))
        if tell is not None:
            tell(f"a whole city: {name}", number, of)

    begun = (time.perf_counter(), time.process_time())
    found = run(city, want=CITY_WANTS, progress=mark)
    ended = (time.perf_counter(), time.process_time())
    steps = {name: [0.0, 0.0] for name in (*dict.fromkeys(CITY_STEPS.values()), "cells", "all")}
    for (name, *start), (_, *stop) in pairwise([*marks, ("", *ended)]):
        for n in range(2):
            steps[CITY_STEPS.get(name, "cells")][n] += stop[n] - start[n]
    steps["all"] = [b - a for a, b in zip(begun, ended, strict=True)]
    sun = found.fields["sun"]
    return {"buildings": len(city.frame("buildings")), "walls": sun.sizes["wall"],
            "cells": sun.sizes["y"] * sun.sizes["x"], "area_km2": round(city.area.area / 1e6, 3),
            "peak_mb": round(peak_mb(), 1),
            "steps": {name: {"wall_s": round(wall, 4), "cpu_s": round(cpu, 4)}
                      for name, (wall, cpu) in steps.items()}}


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
    rows = [{"cells": f"{run['cells'] / 1e6:.2f} M", "step": step,
             "wall [s]": f"{took['wall_s']:.3f}", "CPU [s]": f"{took['cpu_s']:.3f}",
             "M cell directions / s": f"{took['cell_directions_per_s'] / 1e6:.0f}",
             "/ CPU s": f"{took['cell_directions_per_cpu_s'] / 1e6:.0f}",
             "bytes a cell": "" if each is None else f"{each:.0f}"}
            for run in found["runs"] for step, took in run["steps"].items()]
    city = found["city"]
    if city is not None:
        about = f"{city['area_km2']:.2f} km2, {city['buildings']:,} buildings, "
        rows += [{"cells": f"{city['cells'] / 1e6:.2f} M",
                  "step": f"{about}{city['walls']:,} patches of wall: all"
                  if step == "all" else f"city: {step}", "wall [s]": f"{took['wall_s']:.3f}",
                  "CPU [s]": f"{took['cpu_s']:.3f}"} for step, took in city["steps"].items()]
    return rows
