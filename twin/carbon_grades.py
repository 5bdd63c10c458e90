"""How the buildings of a twin stand beside others of their use."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from layers.buildings import gross_floor_area
from layers.errors import MissingInput
from twin.carbon.grades import building_grades, neutrality_rate
from twin.carbon.lines import LINES
from twin.result import Twin

NOTE = ("A benchmark beside other buildings of the same use in this run, by the cuts of DB33/T "
        "1347-2023; not a legal rating.")


def graded_buildings(found: Twin) -> pd.DataFrame:
    """Return the grades of the buildings of a twin, one row a building.

    Parameters
    ----------
    found
        A twin with ``building_co2``.

    Returns
    -------
    pandas.DataFrame
        ``id``, ``name``, ``use``, ``floor_area`` [m2], and the columns of
        `twin.carbon.grades.building_grades`.

    Raises
    ------
    MissingInput
        When the twin has no CO2 of buildings.
    """
    buildings = found.features.get("buildings")
    if buildings is None or "building_co2" not in buildings:
        raise MissingInput("the twin has no CO2 of its buildings",
                           mend="Run it with building_co2, or without --want")
    table = pd.DataFrame({
        "emission": _emission(found, buildings), "floor_area": gross_floor_area(buildings),
        "use": buildings["use"].to_numpy()})
    graded = building_grades(table)
    told = buildings[[c for c in ("id", "name") if c in buildings]].reset_index(drop=True)
    out: pd.DataFrame = pd.concat([told, table[["use", "floor_area"]], graded], axis=1)
    return out


def _emission(found: Twin, buildings: pd.DataFrame) -> NDArray[np.float64]:
    """Return the CO2 of each building: what was measured where it was, else the estimate."""
    estimate = buildings["building_co2"].to_numpy(dtype=float)
    if found.ledger is None:
        return estimate
    rows = found.ledger.where(LINES["building_co2"]).rows
    book = np.bincount(rows["source"], weights=rows["value"], minlength=len(buildings))
    inside = buildings["inside"].to_numpy(dtype=float)
    return np.where(inside > 0, np.divide(book, inside, out=np.zeros_like(book),
                                          where=inside > 0), estimate)


def grades_told(graded: pd.DataFrame, total: float, sinks: float) -> dict[str, Any]:
    """Return how many buildings have each grade, and the neutrality rate, as plain data.

    Parameters
    ----------
    graded
        From `graded_buildings`.
    total, sinks
        Emissions of the boundary, and uptake above zero [t a-1].
    """
    counts = graded["grade"].value_counts().sort_index()
    rate = float(neutrality_rate(np.array([max(total, 0.0)]), sink=max(sinks, 0.0))[0])
    return {"buildings": {f"{k:.0f}": int(v) for k, v in zip(counts.index, counts, strict=True)},
            "not_graded": int(graded["grade"].isna().sum()),
            "neutrality_rate": rate if np.isfinite(rate) else None, "note": NOTE}
