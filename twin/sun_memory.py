"""Whether the sun of a raster fits into memory, said before the raster is read."""

from __future__ import annotations

import math

from layers.errors import GridError
from twin.wind_memory import GIB, available

PER_CELL, BASE = 185.0, 400e6  # measured: 165 bytes a cell and 390 MB of libraries and tables
TREES, ROOFS = 50.0, 150.0     # more with crowns (measured 14) and roof planes (76) [bytes a cell]


def check_room(rows: int, columns: int, *, cell: float, name: str, more: float = 0.0,
               free: float | None = None) -> None:
    """Raise unless the sun over a raster fits into memory.

    Parameters
    ----------
    rows, columns
        Of the raster.
    cell
        Side of a cell [m].
    name
        Name of the raster, for the words of the error.
    more
        What a cell takes besides, `TREES` and `ROOFS` [bytes].
    free
        Memory that can be taken; what the system says when None [bytes].

    Raises
    ------
    GridError
        With what is needed, what there is, and which cells or tiles would fit.
    """
    most = available() if free is None else free
    each = PER_CELL + more
    need = BASE + each * rows * columns
    if most is None or need <= most:
        return
    room = max(most - BASE, 0.0) / each
    if room < 10_000:
        mend = "Free some memory"
    else:
        side = math.isqrt(int(room))
        coarse = math.ceil(10 * cell * math.sqrt(rows * columns / room)) / 10
        mend = f"Take cells of {coarse:g} m, or tiles of {side:,} x {side:,} cells"
    raise GridError(f"{name}: {rows:,} x {columns:,} cells need {need / GIB:.1f} GiB, "
                    f"{most / GIB:.1f} GiB are free", mend=mend)
