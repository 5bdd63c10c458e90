"""What a measured case is, and the tools to read one: tables, sheets, and blocks on open ground."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from xml.etree import ElementTree

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from layers.errors import SourceError

if TYPE_CHECKING:
    from twin.wind.inflow import Inflow

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]
Box = tuple[float, float, float, float, float]  # west, east, south, north, height [m]
UPSTREAM, DOWNSTREAM, ASIDE = 5.0, 10.0, 5.0  # open ground in heights of the highest block
LARGEST_SHEET = 1 << 20  # of the sheet when unpacked [bytes]
MEND = "Point to a folder laid out like the one the data README describes"


class Profile(NamedTuple):
    """The wind that comes in: heights [m], speed [m/s], and k [m²/s²] or sigma_u [m/s]."""

    z: Floats
    speed: Floats
    k: Floats | None = None
    sigma_u: Floats | None = None


class Target(NamedTuple):
    """A line of the table of scores: quantity "speed", "u", "v", "w" or "k" at some points."""

    plane: str
    quantity: str
    mask: Mask


@dataclass(frozen=True, eq=False)
class Case:
    """One run of a wind tunnel or a field study.

    Parameters
    ----------
    name
        Such as "AIJ C 1H".
    kind
        "scalar" where the probe sees the mean of the magnitude, fluctuations too; "vector" where
        it sees the components of the mean wind.
    wind_from
        Direction the wind comes from, clockwise from north [degrees].
    height
        Height of buildings, 0 in the open, row 0 south, (ny, nx) [m].
    cell
        Side of a cell [m].
    profile
        The wind that comes in.
    x, y, z
        Points from the south-west corner of the raster and above ground, (n,) [m].
    observed
        Measured values by quantity, NaN where a point has none, (n,) [m/s, k in m²/s²].
    reference
        Speed that speeds are divided by, and its square k, before they are scored [m/s].
    targets
        The lines to score.
    origin
        Where the zero of the study's own axes lies in the raster [m].
    canopy
        Height of trees, 0 where there are none, (ny, nx) [m].
    leaf
        Leaf area density in the trees, (ny, nx) [m²/m³].
    """

    name: str
    kind: str
    wind_from: float
    height: NDArray[np.float32]
    cell: float
    profile: Profile
    x: Floats
    y: Floats
    z: Floats
    observed: dict[str, Floats]
    reference: float
    targets: tuple[Target, ...]
    origin: tuple[float, float]
    canopy: NDArray[np.float32] | None = None
    leaf: NDArray[np.float32] | None = None

    @property
    def inflow(self) -> Inflow:
        """The profile as the engine takes it."""
        from twin.wind.profile_tables import table_profile

        p = self.profile
        return table_profile(p.z, p.speed, k=p.k, sigma_u=p.sigma_u)


def read_table(path: Path, numbers: Sequence[str], words: Sequence[str] = ()) -> pd.DataFrame:
    """Read columns of a CSV file; numbers must be finite."""
    if not path.is_file():
        raise SourceError(f"{path} is missing", mend=MEND)
    try:
        table = pd.read_csv(path, encoding="utf-8-sig")
    except (ValueError, UnicodeError) as error:  # pandas' parser errors are ValueErrors
        raise SourceError(f"{path} is not a table of comma-separated values", mend=MEND) from error
    if table.empty:
        raise SourceError(f"{path} has no rows", mend=MEND)
    for name in (*numbers, *words):
        if name not in table.columns:
            raise SourceError(f"{path}: column {name!r} is missing; it has "
                              f"{', '.join(map(str, table.columns))}", mend=MEND)
    for name in numbers:
        table[name] = pd.to_numeric(table[name], errors="coerce").astype(float)
        bad = np.flatnonzero(~np.isfinite(table[name].to_numpy()))
        if bad.size:
            raise SourceError(f"{path}, line {bad[0] + 2}: {name!r} is not a number", mend=MEND)
    return table


def stamp_blocks(boxes: Sequence[Box], cell: float, wind_from: float, *, spread: float = 1.0,
                 ) -> tuple[NDArray[np.float32], tuple[float, float]]:
    """Stamp blocks on open ground: 5 heights upstream and aside, 10 downstream.

    Parameters
    ----------
    boxes
        West, east, south, north and height of each block on the study's own axes [m].
    cell
        Side of a cell; cell edges fall on the west and south edge of the first corner [m].
    wind_from
        Direction the wind comes from, clockwise from north [degrees].
    spread
        Factor on the open ground.

    Returns
    -------
    tuple
        The heights, row 0 south (ny, nx) [m], and where the zero of the axes lies [m].
    """
    to = np.deg2rad(wind_from + 180.0)
    ahead = {"west": -np.sin(to), "east": np.sin(to), "south": -np.cos(to), "north": np.cos(to)}
    highest = spread * max(b[4] for b in boxes)

    def fetch(side: str) -> float:
        heights = DOWNSTREAM if ahead[side] > 0.1 else UPSTREAM if ahead[side] < -0.1 else ASIDE
        return float(cell * np.ceil(heights * highest / cell))

    west, south = min(b[0] for b in boxes), min(b[2] for b in boxes)
    left, low = west - fetch("west"), south - fetch("south")
    nx = round((max(b[1] for b in boxes) + fetch("east") - left) / cell)
    ny = round((max(b[3] for b in boxes) + fetch("north") - low) / cell)
    x, y = left + cell * (np.arange(nx) + 0.5), low + cell * (np.arange(ny) + 0.5)
    height = np.zeros((ny, nx), dtype=np.float32)
    for x0, x1, y0, y1, high in boxes:
        height[np.ix_((y > y0) & (y < y1), (x > x0) & (x < x1))] = high
    return height, (-float(left), -float(low))


def read_sheet(path: Path) -> pd.DataFrame:
    """Read the first sheet of a workbook whose first row and column are numbers.

    Parameters
    ----------
    path
        Workbook in Office Open XML.

    Returns
    -------
    pandas.DataFrame
        Numbers, the first column as index and the first row as columns.
    """
    if not path.is_file():
        raise SourceError(f"{path} is missing", mend=MEND)
    space = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
    cells: dict[tuple[str, str], float] = {}
    try:
        with zipfile.ZipFile(path) as book:
            name = "xl/worksheets/sheet1.xml"
            if book.getinfo(name).file_size > LARGEST_SHEET:
                raise ValueError("too large")
            for cell in ElementTree.fromstring(book.read(name)).iter(f"{space}c"):
                value, place = cell.find(f"{space}v"), cell.get("r", "")
                if value is not None and cell.get("t", "n") == "n":
                    column = place.rstrip("0123456789")
                    cells[place[len(column):], column] = float(value.text or "nan")
    except (zipfile.BadZipFile, KeyError, ValueError, ElementTree.ParseError) as error:
        raise SourceError(f"{path} is not a workbook of numbers", mend=MEND) from error
    rows = sorted({row for row, column in cells if column == "A"}, key=int)
    columns = sorted(column for row, column in cells if row == "1")
    missing = [c + r for r in rows for c in columns if not np.isfinite(cells.get((r, c), np.nan))]
    if missing or not rows or not columns:
        raise SourceError(f"{path}: expected numbers in row 1, in column A and between them"
                          + (f", cell {missing[0]} holds none" if missing else ""), mend=MEND)
    return pd.DataFrame([[cells[r, c] for c in columns] for r in rows],
                        index=[cells[r, "A"] for r in rows],
                        columns=[cells["1", c] for c in columns])
