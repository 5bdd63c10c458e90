"""Whether the wind of a raster fits into memory, said before the work begins."""

from __future__ import annotations

import math
import os
from pathlib import Path

from layers.errors import GridError

PER_CELL, BASE = 35.0, 300e6  # measured: 27 to 32 bytes a cell and 210 MB of libraries
GIB = 2.0**30


def available() -> float | None:
    """Return how much memory can still be taken [bytes], None where the system does not say."""
    free: list[float] = []
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        free += [1024.0 * float(n.split()[1]) for n in lines if n.startswith("MemAvailable:")]
    except (OSError, ValueError, IndexError):
        pass
    try:  # a container may have less than the machine
        group = Path("/sys/fs/cgroup")
        most = (group / "memory.max").read_text(encoding="ascii").strip()
        if most != "max":
            held = float((group / "memory.current").read_text(encoding="ascii"))
            stat = (group / "memory.stat").read_text(encoding="ascii").split()
            files = dict(zip(stat[::2], stat[1::2], strict=False))
            held -= float(files.get("inactive_file", 0)) + float(files.get("active_file", 0))
            free.append(float(most) - held)
    except (OSError, ValueError):
        pass
    if not free:
        try:
            free.append(float(os.sysconf("SC_AVPHYS_PAGES")) * os.sysconf("SC_PAGE_SIZE"))
        except (OSError, ValueError, AttributeError):
            return None
    return max(min(free), 0.0)


def needed(rows: int, columns: int, levels: int, kept: float = 0.0) -> float:
    """Return the memory a solve takes [bytes].

    Parameters
    ----------
    rows, columns, levels
        Of the box, margin included.
    kept
        What is held of other directions meanwhile, a column [bytes].
    """
    return BASE + (PER_CELL * levels + kept) * rows * columns


def check_memory(rows: int, columns: int, levels: int, *, cell: float, margin: int,
                 name: str, kept: float = 0.0, free: float | None = None) -> None:
    """Raise unless a solve fits into memory.

    Parameters
    ----------
    rows, columns
        Of the raster, without margin.
    levels
        Of the box.
    cell
        Side of a cell [m].
    margin
        Cells added on every side.
    name
        Name of the raster, for the words of the error.
    kept
        What is held of other directions meanwhile, a column [bytes].
    free
        Memory that can be taken; what the system says when None [bytes].

    Raises
    ------
    GridError
        With what is needed, what there is, and which cells or tiles would fit.
    """
    most = available() if free is None else free
    wide = rows + 2 * margin, columns + 2 * margin
    need = needed(*wide, levels, kept)
    if most is None or need <= most:
        return
    room = max(most - BASE, 0.0) / (PER_CELL * levels + kept)  # columns of cells that fit
    side = math.isqrt(int(room)) - 2 * margin
    coarse = cell
    for _ in range(60):  # the margin does not shrink with the cells
        if needed(math.ceil(rows * cell / coarse) + 2 * margin,
                  math.ceil(columns * cell / coarse) + 2 * margin, levels, kept) <= most:
            break
        coarse *= 1.1
    else:
        coarse = math.inf
    mend = "Free some memory"
    if side > 0 and math.isfinite(coarse):
        mend = (f"Take cells of {math.ceil(10 * coarse) / 10:g} m, or tiles of {side:,} x {side:,} "
                "cells")
    raise GridError(
        f"{name}: {wide[0]:,} x {wide[1]:,} columns of {levels} levels need {need / GIB:.1f} GiB, "
        f"{most / GIB:.1f} GiB are free",
        mend=mend)
