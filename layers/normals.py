"""Monthly normals: those in the package, and what any must hold before a year is made of them."""

from __future__ import annotations

import re
from importlib import resources
from io import StringIO
from typing import Any

import pandas as pd

from layers.errors import LayerError, SourceError

SECTORS = ("N", "NNE", "NE", "ENE", "E", "ESE", "SE", "SSE",
           "S", "SSW", "SW", "WSW", "W", "WNW", "NW", "NNW")
NEEDED = ("temp_min", "temp_max", "relative_humidity", "wind_speed")


def load_normals(name: str) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Return the monthly normals of a place in the package and what is known of them.

    Parameters
    ----------
    name
        Name of the place, ``"nantes"``.

    Returns
    -------
    pd.DataFrame
        Twelve rows for `layers.typical_year.typical_year`, index ``month``.
    dict
        ``title``, ``source``, ``licence``, ``latitude``, ``longitude``, ``elevation``,
        ``utc_offset``; ``columns``, column name to its source and tag (V: read in the source, R:
        recalled); ``checks``, other sources that the columns were held against.

    Raises
    ------
    SourceError
        When the package has no such normals.
    """
    folder = resources.files("layers").joinpath("data", "normals")
    known = sorted(f.name[:-4] for f in folder.iterdir() if f.name.endswith(".csv"))
    if name not in known:
        raise SourceError(f"there are no normals {name[:40]!r}, known are {', '.join(known)}",
                          mend="Make a table of your own for typical_year")
    text = folder.joinpath(f"{name}.csv").read_text(encoding="utf-8")
    notes = re.findall(r"^# ([\w ]+?): (.*)$", text, re.M)
    meta: dict[str, Any] = {key: words for key, words in notes if " " not in key}
    for key in ("latitude", "longitude", "elevation", "utc_offset"):
        meta[key] = float(meta[key])
    for kind in ("column", "check"):
        meta[f"{kind}s"] = {key.removeprefix(f"{kind} "): words for key, words in notes
                            if key.startswith(f"{kind} ")}
    rows = "\n".join(line for line in text.splitlines() if not line.startswith("#"))
    return pd.read_csv(StringIO(rows), index_col="month"), meta


def checked(normals: pd.DataFrame) -> pd.DataFrame:
    """Return the normals in the order of months; raise on what no place can have."""
    missing = [c for c in NEEDED if c not in normals or normals[c].isna().any()]
    if not {"ghi_kwh_m2", "sunshine_hours"} & set(normals.columns):
        missing.append("ghi_kwh_m2 or sunshine_hours")
    rose = [c for c in normals.columns if str(c).startswith("rose_")]
    if missing or sorted(normals.index) != list(range(1, 13)):
        raise LayerError(f"the monthly normals lack {', '.join(missing) or 'a month from 1 to 12'}",
                         mend="Give twelve rows with index month and all columns")
    turns = [f"rose_{s}" for s in SECTORS[::16 // len(rose)]] if len(rose) in (4, 8, 16) else []
    if set(turns) != set(rose) or not rose:
        raise LayerError(f"the wind rose has the columns {', '.join(map(str, rose)) or 'none'},"
                         " expected rose_N, rose_NNE ... in 16, 8 or 4 sectors")
    normals = normals.sort_index()
    total = normals[rose].sum(axis=1)
    if (normals[rose] < 0).any(axis=None) or (total - 1).abs().max() > 0.005:
        raise LayerError(f"the wind rose sums to {total.iloc[(total - 1).abs().argmax()]:.3f} in a"
                         " month, expected shares that sum to 1")
    limits = {"relative_humidity": (0.05, 1.0), "wind_speed": (0.0, 40.0)}
    for name, (least, most) in limits.items():
        if not normals[name].between(least, most).all():
            raise LayerError(f"{name} of the normals goes from {normals[name].min():g} to"
                             f" {normals[name].max():g}, expected {least:g} to {most:g}")
    if (normals["temp_min"] > normals["temp_max"]).any():
        raise LayerError("temp_min of the normals is above temp_max in some month")
    return normals
