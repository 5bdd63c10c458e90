"""Measured profiles of the wind: arrays and tables of text, checked row by row."""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from layers.errors import SourceError
from twin.wind.inflow import SIGMAS, Floats, Inflow, surface_layer, surface_tke

_DIP = 0.03  # a reading may lie so far below one beneath it


def table_profile(z: ArrayLike, speed: ArrayLike, k: ArrayLike | None = None, *,
                  sigma_u: ArrayLike | None = None, sigma_v: ArrayLike | None = None,
                  sigma_w: ArrayLike | None = None, intensity: ArrayLike | None = None,
                  z0: float | None = None, displacement: float = 0.0, name: str = "the profile",
                  rows: Sequence[int] | None = None) -> Inflow:
    """Return a measured profile.

    Parameters
    ----------
    z
        Rising heights above ground, (n,) [m]. Neighbours of one height and speed become one.
    speed
        Mean speed, (n,) [m/s]. It may fall by up to 3 % below a reading beneath it.
    k
        Turbulent kinetic energy, (n,) [m2 s-2].
    sigma_u, sigma_v, sigma_w
        Standard deviation along, across and upwards, (n,) [m/s].
    intensity
        Standard deviation along the wind over the mean speed, (n,) [1].
    z0
        Roughness length; that of the log law through the lowest fifth of the table, three rows at
        least, when None [m].
    displacement
        Zero-plane displacement [m].
    name
        Where it is from, for the record and for errors.
    rows
        What to call the rows in errors, (n,); 1 to n when None.

    Notes
    -----
    Without `k` it is half the sum of the variances. Those not given follow from `sigma_u` by
    Panofsky & Dutton's ratios, 2.39 to 1.92 to 1.25, so that k is 0.96 sigma_u^2; the AIJ guide
    takes 1, and the 24 heights measured for AIJ case A have 0.85 to 1.12, 0.99 in the mean.
    Without any turbulence it is that of `log_profile`.
    """
    heights, wind = np.ravel(z).astype(np.float64), np.ravel(speed).astype(np.float64)
    label = list(range(1, len(heights) + 1)) if rows is None else list(rows)
    given = {key: np.ravel(v).astype(np.float64) for key, v in (
        ("k", k), ("sigma_u", sigma_u), ("sigma_v", sigma_v), ("sigma_w", sigma_w),
        ("intensity", intensity)) if v is not None}
    for key, values in {"height": heights, "speed": wind, **given}.items():
        if len(values) != len(heights):
            raise SourceError(f"{name}: {len(values)} values of {key}, expected {len(heights)}")
        wrong = np.flatnonzero(~(np.isfinite(values) & (values >= 0)))
        if len(wrong):
            raise SourceError(f"{name}: row {label[wrong[0]]}: {key} is {values[wrong[0]]:g}, "
                              "expected a number of at least 0")
    heights, wind, given = _rising(heights, wind, given, label, name)
    if displacement >= heights[1] or displacement < 0 or (z0 is not None and not z0 > 0):
        raise SourceError(f"{name}: displacement {displacement:g} m, z0 {z0} m; expected z0 above "
                          f"0 and a displacement of 0 to below the second height, {heights[1]:g} m")
    rough, friction = surface_layer(heights, wind, z0, displacement)
    if "intensity" in given:
        given.setdefault("sigma_u", given["intensity"] * wind)
    if "k" not in given:
        along = given.get("sigma_u")
        if along is None:
            given["k"] = surface_tke(friction, heights - displacement)
        else:
            parts = [given.get(f"sigma_{c}", along * s / SIGMAS[0])
                     for c, s in zip("uvw", SIGMAS, strict=True)]
            given["k"] = 0.5 * np.sum(np.square(parts), axis=0)
    return Inflow(heights, wind, given["k"], rough, displacement, name, friction)


def read_profile(path: str | Path, *, scale: float | None = None, z0: float | None = None,
                 displacement: float = 0.0) -> Inflow:
    """Read a measured profile from a table of text.

    Parameters
    ----------
    path
        CSV with a header, split by commas, semicolons or tabs, in UTF-8, UTF-16 or GBK. A height
        (such as `z`, `z_m`, `height`) and a speed (`U`, `speed`, `wind_speed`, `umag`) are
        needed; `k` or `tke`, `sigma_u` with or without `sigma_v` and `sigma_w`, or `intensity`
        are taken where they are.
    scale
        Metres in one unit of height, needed for columns such as `z_over_b`; 1 when None [m].
    z0, displacement
        As in `table_profile` [m].
    """
    file = Path(path)
    where = file.name
    if scale is not None and not (math.isfinite(scale) and scale > 0):
        raise SourceError(f"{where}: the scale is {scale:g}, expected metres above 0")
    head, lines, cells = _split(_text(file), where)
    column = {key: next((i for i, n in enumerate(head) if _means(n, key)), None) for key in _NAMES}
    for key in ("height", "speed"):
        if column[key] is None:
            raise SourceError(
                f"{where}: line {lines[0]} names no {key}, expected a column such as "
                f"{', '.join(_NAMES[key][:3])} [{_UNITS[key][0]}]; got {', '.join(head)[:120]}",
                mend="Name the columns in the first line")
    values = {key: np.array([_number(row, i, head, line, where)
                             for line, row in zip(lines[1:], cells, strict=True)])
              for key, i in column.items() if i is not None}
    height = head[column["height"] or 0]
    if scale is None and "_over_" in _plain(height):
        raise SourceError(f"{where}: the heights {height!r} are in units of a length",
                          mend="Give that length in metres as scale")
    if "%" in head[column["intensity"] or 0] and "intensity" in values:
        values["intensity"] = values["intensity"] / 100.0
    z = values.pop("height") * (1.0 if scale is None else scale)
    return table_profile(z, values.pop("speed"), z0=z0, displacement=displacement, name=where,
                         rows=lines[1:], **values)


def _rising(z: Floats, speed: Floats, more: dict[str, Floats], rows: list[int],
            name: str) -> tuple[Floats, Floats, dict[str, Floats]]:
    """Leave out the ground, join doubled heights, and make sure that heights and speeds rise."""
    keep: list[list[int]] = []
    fastest = 0.0
    for i, (height, wind) in enumerate(zip(z.tolist(), speed.tolist(), strict=True)):
        if height == 0:
            if wind > 0:
                raise SourceError(f"{name}: row {rows[i]}: speed {wind:g} m/s at height 0, "
                                  "expected 0")
            continue
        last = keep[-1][-1] if keep else None
        if last is not None and height < z[last]:
            raise SourceError(f"{name}: row {rows[i]}: height {height:g} m after {z[last]:g} m, "
                              "expected rising heights", mend="Sort the rows by height")
        if wind < (1 - _DIP) * fastest:
            raise SourceError(
                f"{name}: row {rows[i]}: the wind falls with height, expected at least "
                f"{(1 - _DIP) * fastest:.4g} m/s at {height:g} m, got {wind:.4g}",
                mend="End the table at its fastest height")
        if last is not None and height == z[last]:
            if wind * (1 - _DIP) > speed[last]:
                raise SourceError(f"{name}: row {rows[i]}: {wind:g} and {speed[last]:g} m/s at one "
                                  f"height, {height:g} m", mend="Keep one of the rows")
            keep[-1].append(i)
        else:
            keep.append([i])
        fastest = max(fastest, wind)
    if len(keep) < 2 or fastest == 0:
        raise SourceError(f"{name}: {len(keep)} heights above 0 and a highest speed of "
                          f"{fastest:g} m/s, expected two heights and some wind")

    def joined(values: Floats) -> Floats:
        return np.array([values[same].mean() for same in keep])

    return joined(z), joined(speed), {key: joined(values) for key, values in more.items()}


_NAMES: dict[str, tuple[str, ...]] = {
    "height": ("z", "height", "h", "z_over_b", "z_over_h", "z_over_d", "altitude", "高度", "高"),
    "speed": ("u", "speed", "wind_speed", "umag", "u_mean", "mean_speed", "windspeed", "ws",
              "velocity", "风速", "平均风速"),
    "k": ("k", "tke", "湍动能"),
    "sigma_u": ("sigma_u", "sigmau", "u_rms", "urms", "std_u", "u_std"),
    "sigma_v": ("sigma_v", "sigmav", "v_rms", "vrms", "std_v", "v_std"),
    "sigma_w": ("sigma_w", "sigmaw", "w_rms", "wrms", "std_w", "w_std"),
    "intensity": ("intensity", "turbulence_intensity", "ti", "iu", "i_u", "i", "湍流强度"),
}
_SPEED_UNITS = ("m/s", "mps", "ms", "ms_1", "m_s", "m_s_1", "米_秒")
_UNITS = {"height": ("m", "metres", "meters", "米"), "speed": _SPEED_UNITS,
          "k": ("m2/s2", "m2s2", "m2_s2", "m2_s_2", "m2s_2"), "sigma_u": _SPEED_UNITS,
          "sigma_v": _SPEED_UNITS, "sigma_w": _SPEED_UNITS, "intensity": ("1", "%")}


def _plain(name: str) -> str:
    return re.sub(r"[^0-9a-z%\u4e00-\u9fff]+", "_",
                  name.lower().replace("²", "2").replace("^", "").replace("σ", "sigma_")).strip("_")


def _means(name: str, key: str) -> bool:
    plain = _plain(name)
    return any(plain == known or plain in {f"{known}_{unit}" for unit in _UNITS[key]}
               for known in _NAMES[key])


def _text(file: Path) -> str:
    try:
        raw = file.read_bytes()
    except OSError as error:
        raise SourceError(f"{file.name} cannot be read: {error.strerror}",
                          mend="Give the path of a CSV file") from error
    if not raw.strip():
        raise SourceError(f"{file.name} is empty", mend="Give it a header and two rows at least")
    wide = raw[:2] in (b"\xff\xfe", b"\xfe\xff")
    for code in ("utf-16",) if wide else ("utf-8-sig", "gb18030"):
        try:
            text = raw.decode(code)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return text
    raise SourceError(f"{file.name} is no text in UTF-8, UTF-16 or GBK",
                      mend='Save it as "CSV UTF-8"')


def _split(text: str, where: str) -> tuple[list[str], list[int], list[list[str]]]:
    """Return header, line numbers (the header's first) and rows of cells; "#" starts a remark."""
    kept = [(n, line) for n, line in enumerate(text.splitlines(), 1)
            if line.strip(" \t,;") and not line.startswith("#")]
    if not kept:
        raise SourceError(f"{where} holds no rows", mend="Give it a header and two rows at least")
    first = kept[0][1]
    comma = max(",;\t", key=first.count)
    try:
        table = [next(csv.reader(io.StringIO(line), delimiter=comma)) for _, line in kept]
    except csv.Error as error:
        raise SourceError(f"{where} is no table: {error}", mend="Save it as CSV") from error
    if comma == ";":
        table[1:] = [[cell.replace(",", ".") for cell in row] for row in table[1:]]
    return [name.strip() for name in table[0]], [n for n, _ in kept], table[1:]


def _number(row: list[str], column: int, head: list[str], line: int, where: str) -> float:
    cell = row[column].strip() if column < len(row) else ""
    try:
        return float(cell)
    except ValueError:
        raise SourceError(f"{where}: line {line}: {head[column]} is {cell[:30]!r}, "
                          "expected a number") from None
