"""Kernels that add the light above the horizons of some directions to the sums of cells."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from twin.sun.horizon import FULL, Codes
from twin.sun.lanes import Sums
from twin.sun.planes import Planes

F32 = NDArray[np.float32]

_BLOCK = 128  # cells worked on while the table of a direction is at hand


class Looks(NamedTuple):
    """Look-ups of one direction: of level cells and of tilted ones, then the same through leaves.

    Parameters
    ----------
    cell
        Which of the block, (4, looks).
    at
        Above which height, (4, looks) [levels].
    sign
        1 to add, -1 to take off, (4, looks).
    number
        How many, (4,).
    """

    cell: NDArray[np.int64]
    at: F32
    sign: F32
    number: NDArray[np.int64]


@njit(cache=True, nogil=True, error_model="numpy")
def add_light(start: int, stop: int, codes: Codes, leaves: Codes, open_table: F32,
              leaf_table: F32, azimuth: F32, planes: Planes, dither: np.float32,
              sums: Sums) -> None:
    """Add what comes from some directions to the sums of some cells.

    Parameters
    ----------
    start, stop
        Cells to work on.
    codes
        Horizon of each direction and cell, as sines times `FULL`, (directions, cells).
    leaves
        Lower and upper rim of the crowns, as sines times `FULL`, (2, directions, cells), or
        without cells where there are none.
    open_table, leaf_table
        `pack` of these directions, without and with leaves.
    azimuth
        Of each direction, (directions,) [radians].
    planes
        Normal of each cell.
    dither
        What is added before units are cut to whole ones: numbers spread evenly over 0 to 1 from
        call to call, so that what is cut off cancels [1].
    sums
        Added to.
    """
    unit = np.float32(1.0 / sums.unit)
    periods, lanes = sums.period.shape[1], open_table.shape[3]
    scale = np.float32((open_table.shape[1] - 2) / FULL)
    plain = len(planes.east) == 0 and leaves.shape[2] == 0
    got = np.empty((_BLOCK, lanes), np.float32)
    normal = np.zeros((_BLOCK, 3), np.float32)
    looks = Looks(np.zeros((4, 4 * _BLOCK), np.int64), np.zeros((4, 4 * _BLOCK), np.float32),
                  np.ones((4, 4 * _BLOCK), np.float32), np.zeros(4, np.int64))
    looks.cell[0, :_BLOCK] = np.arange(_BLOCK)
    for block in range(start, stop, _BLOCK):
        count = min(_BLOCK, stop - block)
        got[:] = np.float32(0.0)
        _normals(block, count, planes, normal)
        for d in range(len(azimuth)):
            if plain:
                row, at = codes[d, block:block + count], looks.at[0]
                for n in range(count):
                    at[n] = scale * np.float32(row[n])
                looks.number[0] = count
            else:
                _find_looks(block, count, codes[d], leaves[:, d], np.sin(azimuth[d]),
                            np.cos(azimuth[d]), normal, scale, looks)
            _add_level(got, open_table[d], looks, 0)
            if not plain:
                _add_tilted(got, open_table[d], looks, 1, normal, periods + 1)
                _add_level(got, leaf_table[d], looks, 2)
                _add_tilted(got, leaf_table[d], looks, 3, normal, periods + 1)
        for n in range(count):
            i = block + n
            for p in range(periods):
                sums.period[i, p] = np.uint16(np.float32(sums.period[i, p])
                                              + (unit * got[n, p] + dither))
            sums.year[i] += got[n, periods]
            sums.hours[i] += got[n, periods + 1]
            sums.sky[i] += got[n, periods + 2]
            if len(sums.band):
                sums.band[i] += got[n, periods + 3]


@njit(cache=True, nogil=True, error_model="numpy")
def _normals(block: int, count: int, planes: Planes, normal: F32) -> None:
    """Write the normals of some cells."""
    one, nil = np.float32(1.0), np.float32(0.0)
    normal[:, 2] = one
    if len(planes.east):
        for n in range(count):
            east, north = planes.east[block + n], planes.north[block + n]
            normal[n, 0], normal[n, 1] = east, north
            normal[n, 2] = np.sqrt(max(one - east * east - north * north, nil))


@njit(cache=True, nogil=True, error_model="numpy")
def _find_looks(block: int, count: int, codes: Codes, leaves: Codes, sin: np.float32,
                cos: np.float32, normal: F32, scale: np.float32, looks: Looks) -> None:
    """List the look-ups of one direction: above the horizon, and through the crowns above it."""
    one, nil, full = np.float32(1.0), np.float32(0.0), np.float32(FULL)
    leafy = leaves.shape[1] > 0
    looks.number[:] = 0
    for n in range(count):
        i = block + n
        low = np.float32(codes[i])
        tilted = 1 if normal[n, 0] != nil or normal[n, 1] != nil else 0
        if tilted:
            back = -(normal[n, 0] * sin + normal[n, 1] * cos)
            if back > nil:  # a plane hides the sky behind it
                low = max(low, full * back / np.sqrt(back * back + normal[n, 2] * normal[n, 2]))
        _list(looks, tilted, n, low * scale, one)
        if leafy:
            high = max(low, np.float32(leaves[1, i]))
            mid = min(max(low, np.float32(leaves[0, i])), high)
            if high > mid:
                _list(looks, tilted, n, high * scale, one)
                _list(looks, tilted, n, mid * scale, -one)
                _list(looks, tilted + 2, n, mid * scale, one)
                _list(looks, tilted + 2, n, high * scale, -one)


@njit(cache=True, nogil=True)
def _list(looks: Looks, kind: int, cell: int, at: np.float32, sign: np.float32) -> None:
    m = looks.number[kind]
    looks.cell[kind, m], looks.at[kind, m], looks.sign[kind, m] = cell, at, sign
    looks.number[kind] = m + 1


@njit(cache=True, nogil=True, fastmath={"contract"}, error_model="numpy")
def _add_level(got: F32, table: F32, looks: Looks, kind: int) -> None:
    """Add what level cells get."""
    lanes = got.shape[1]  # told at run time: the compiler leaves a loop it knows in pieces
    cell, at, sign = looks.cell[kind], looks.at[kind], looks.sign[kind]
    for m in range(looks.number[kind]):
        k = int(at[m])
        part = at[m] - np.float32(k)
        a, b = sign[m] * (np.float32(1.0) - part), sign[m] * part
        low, high, row = table[k, 2], table[k + 1, 2], got[cell[m]]
        for p in range(lanes):
            row[p] += a * low[p] + b * high[p]


@njit(cache=True, nogil=True, fastmath={"contract"}, error_model="numpy")
def _add_tilted(got: F32, table: F32, looks: Looks, kind: int, normal: F32, hours: int) -> None:
    """Add what tilted cells get; the lane of hours knows no normal."""
    lanes = got.shape[1]
    cell, at, sign = looks.cell[kind], looks.at[kind], looks.sign[kind]
    for m in range(looks.number[kind]):
        k = int(at[m])
        b = at[m] - np.float32(k)
        a = np.float32(1.0) - b
        east, north, up = normal[cell[m], 0], normal[cell[m], 1], normal[cell[m], 2]
        low, high, row = table[k], table[k + 1], got[cell[m]]
        for p in range(lanes):
            light = (east * (a * low[0, p] + b * high[0, p])
                     + north * (a * low[1, p] + b * high[1, p])
                     + up * (a * low[2, p] + b * high[2, p]))
            row[p] += sign[m] * max(light, np.float32(0.0))
        row[hours] += sign[m] * (np.float32(1.0) - up) * (a * low[2, hours] + b * high[2, hours])


@njit(cache=True, nogil=True, error_model="numpy")
def finish(start: int, stop: int, sums: Sums, rim: F32, mirrored: F32) -> None:
    """Add the light of the horizon and what the surroundings reflect.

    Parameters
    ----------
    start, stop
        Cells to work on.
    sums
        Added to.
    rim
        Light of the horizon on an open wall, (periods,) [kWh m-2].
    mirrored
        Light the surroundings send up, (periods,) [kWh m-2].
    """
    half, unit = np.float32(0.5), np.float32(1.0 / sums.unit)
    for i in range(start, stop):
        band = sums.band[i] if len(sums.band) else np.float32(0.0)
        unseen = max(np.float32(1.0) - sums.sky[i], np.float32(0.0))
        for p in range(len(rim)):
            more = rim[p] * band + mirrored[p] * unseen
            sums.year[i] += more
            whole = np.float32(sums.period[i, p]) + np.floor(unit * more + half)
            sums.period[i, p] = np.uint16(min(max(whole, np.float32(0.0)), np.float32(65535.0)))
