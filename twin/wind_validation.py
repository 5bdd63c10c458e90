"""The wind engine against measurements: every case run, every point scored."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from twin.wind.tunnels.cases import absent_cases, read_cases
from twin.wind.tunnels.measured import Case
from twin.wind.tunnels.scores import Score, mean_score, score

HIT_SHARE, HIT_SPEED = 0.25, 0.06  # of the observation, and in units of the reference speed
METRICS = ["q", "fac2", "fb", "nmse", "r", "mae"]
COLUMNS = ["case", "plane", "wind_from", "n", "walled", *METRICS]


class Readable(Protocol):
    """A wind field that can be read at points."""

    def at(self, x: NDArray[np.float64], y: NDArray[np.float64],
           z: NDArray[np.float64]) -> Mapping[str, NDArray[Any]]:
        """Return u, v, w and k at points, NaN inside buildings."""


def validate_wind(folder: str | Path, *, cell: float = 2.0, coefficients: Any = None,
                  tell: Callable[[str], None] | None = None,
                  engine: Callable[..., Readable] | None = None) -> pd.DataFrame:
    """Run the measured cases that are there and score them.

    Parameters
    ----------
    folder
        Holds the folders of the cases; those that are not there are told and left out.
    cell
        Side of a cell; it must divide the block of 20 m [m].
    coefficients
        Numbers of the engine; its own when None.
    tell
        Called with a line on each step, such as `print`.
    engine
        What makes a field of a case; `twin.wind.flow.simulate` when None.

    Returns
    -------
    pandas.DataFrame
        A row a case, wind and plane with the scores, and the mean of the runs of AIJ C. Speeds are
        in units of the reference speed, k in those of its square.

    Raises
    ------
    SourceError
        When no case is there, or a file or column of one is missing.
    """
    say = tell or (lambda _: None)
    cases = read_cases(folder, cell)
    for name in absent_cases(folder):
        say(f"{name} is not in the folder and is left out")
    rows: list[dict[str, Any]] = []
    for number, case in enumerate(cases, 1):
        say(f"{number} of {len(cases)}: {case.name}, wind from {case.wind_from:g}°")
        rows += score_case(case, run_case(case, coefficients=coefficients, engine=engine))
    return pd.DataFrame(_with_means(rows), columns=COLUMNS)


def run_case(case: Case, *, coefficients: Any = None,
             engine: Callable[..., Readable] | None = None) -> Readable:
    """Compute the wind of a case.

    Parameters
    ----------
    case
        What was measured.
    coefficients, engine
        As for `validate_wind`.
    """
    extra: dict[str, Any] = {}
    if coefficients is not None:
        extra["coefficients"] = coefficients
    if case.canopy is not None:
        extra |= {"canopy": case.canopy, "leaf": case.leaf}
    make = engine or _own_engine()
    return make(case.height, case.cell, case.inflow, case.wind_from, **extra)


def _own_engine() -> Callable[..., Any]:
    from twin.wind.flow import simulate

    return simulate


def score_case(case: Case, flow: Readable) -> list[dict[str, Any]]:
    """Return the rows of scores of one run.

    Parameters
    ----------
    case
        What was measured.
    flow
        The field computed for it.

    Notes
    -----
    A probe that sees the magnitude is compared twice: with the speed of the mean wind, as models
    without turbulence are, and with ``sqrt(u^2 + v^2 + w^2 + 2k)``. The latter is the root mean
    square of the magnitude and so a little above its mean.
    """
    found = predict(case, flow)
    rows = []
    for target in case.targets:
        pairs = [(target.plane, target.quantity)]
        if case.kind == "scalar" and target.quantity == "speed":
            pairs.append((f"{target.plane}, with k", "magnitude"))
        unit, hit = case.reference, HIT_SPEED
        if target.quantity == "k":
            unit, hit = unit ** 2, hit ** 2
        for plane, quantity in pairs:
            got = score(case.observed[target.quantity][target.mask] / unit,
                        found[quantity][target.mask] / unit, d=HIT_SHARE, w=hit)
            rows.append({"case": case.name, "plane": plane, "wind_from": case.wind_from,
                         **asdict(got)})
    return rows


def predict(case: Case, flow: Readable) -> dict[str, NDArray[np.float64]]:
    """Return u, v, w, k, speed and magnitude at the points of a case [m/s, k in m²/s²]."""
    read = flow.at(case.x, case.y, case.z)
    found = {name: np.asarray(read[name], dtype=np.float64) for name in "uvwk"}
    square = found["u"] ** 2 + found["v"] ** 2 + found["w"] ** 2
    return {**found, "speed": np.sqrt(square),
            "magnitude": np.sqrt(square + 2 * np.maximum(found["k"], 0.0))}


def as_json(table: pd.DataFrame) -> dict[str, list[dict[str, Any]]]:
    """Return the table as plain numbers and words, None where a score means nothing."""
    keep = [c for c in COLUMNS if c != "walled"]
    return {"cases": [{name: _plain(row[name]) for name in keep}
                      for row in table[keep].to_dict("records")]}


def _plain(value: Any) -> Any:
    if isinstance(value, str):
        return value
    if not np.isfinite(value):
        return None
    return int(value) if isinstance(value, (int, np.integer)) else float(value)


def _with_means(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Add the means of the runs of AIJ C behind its last run."""
    runs = [r for r in rows if r["case"].startswith("AIJ C ")]
    if not runs:
        return rows
    names = [f.name for f in Score.__dataclass_fields__.values()]
    means = []
    for plane in dict.fromkeys(r["plane"] for r in runs):
        of = [Score(**{n: r[n] for n in names}) for r in runs if r["plane"] == plane]
        means.append({"case": "AIJ C", "plane": f"{plane}, mean of {len(of)} runs",
                      "wind_from": float("nan"), **asdict(mean_score(of))})
    last = max(i for i, r in enumerate(rows) if r["case"].startswith("AIJ C "))
    return [*rows[:last + 1], *means, *rows[last + 1:]]
