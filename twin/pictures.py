"""Pictures of a study: which panels, which variable; how they look is in sheet and still."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from layers.errors import CityTwinError, nearest
from twin.heat.parameters import parameter

Pick = Callable[[xr.Dataset], xr.DataArray]

# Variables whose field is drawn in place of their cells: the field, and how they are read from it.
FIELDS: dict[str, tuple[str, Pick]] = {
    "wind_speed_ratio": ("wind", lambda f: f["mean_ratio"].sel(level=1.5, drop=True)),
    "wind_speed_ratio_22m": ("wind", lambda f: f["mean_ratio"].sel(level=22.0, drop=True)),
    "wind_speed": ("wind", lambda f: f["mean_speed"].sel(level=1.5, drop=True)),
    "ground_irradiation": ("sun", lambda f: f["irradiation"].where(f["building"] < 0)),
    "ground_sun_hours": ("sun", lambda f: f["sun_hours"].where(f["building"] < 0)),
    "roof_irradiation": ("sun", lambda f: f["irradiation"].where(f["building"] >= 0)),
    "utci_mean": ("heat", lambda f: f["utci"].mean("time")),
    "utci_strong_hours": ("heat", lambda f: (f["utci"] > parameter("utci.strong")).sum("time")),
    "night_heat": ("heat", lambda f: f["night"])}
# What the mean of a variable is weighed by, on the cells of its field.
WEIGHTS: dict[str, Pick] = {
    "open_ground_share": lambda f: f["mean_ratio"][0].notnull().drop_vars("level"),
    "sun_ground_share": lambda f: f["building"] < 0,
    "sun_roof_share": lambda f: f["building"] >= 0,
    "walkable_share": lambda f: f["walkable"]}


def scenario_of(found: Any, name: str | None) -> str:
    """Return a scenario of a study, the first beside the base when none is named."""
    if len(found.names) < 2:
        raise CityTwinError("the study has no scenario beside the base")
    chosen = name or found.names[1]
    if chosen not in found.names:
        raise CityTwinError(f"there is no scenario {chosen!r}{nearest(chosen, found.names)}")
    return str(chosen)


def study_sheet(found: Any, scenario: str, variable: str, path: Path) -> Path:
    """Draw base, scenario and change of one variable in plan."""
    from twin.sheet import draw_sheet

    if variable not in found.twins[scenario].variables:
        raise CityTwinError(f"there is no variable {variable!r}"
                            f"{nearest(variable, list(found.twins[scenario].variables))}")
    panels = {n: (found.cities[n], finest_view(found.cities[n], found.twins[n], variable))
              for n in ("base", scenario)}
    return draw_sheet(panels, variable, path)


def study_still(found: Any, scenario: str, variable: str | None, path: Path) -> Path:
    """Draw base and scenario in 3D, a variable on the ground if one is named."""
    from twin.scene.build import build_study
    from twin.still import draw_still

    panels = {n: (found.cities[n], finest_view(found.cities[n], found.twins[n], variable)
                  if variable else found.twins[n].cells) for n in ("base", scenario)}
    return draw_still(build_study(panels, show=variable), path)


def finest_view(city: Any, twin: Any, variable: str) -> xr.Dataset:
    """Return results in which a variable is on (y, x): its fine field, where it has one.

    Parameters
    ----------
    city, twin
        The city and its results.
    variable
        Name of a result.
    """
    from twin.rasters import burn
    from twin.scene.figures import plan_view

    name, read = FIELDS.get(variable, ("", None))
    if read is None or name not in twin.fields:
        return plan_view(twin.cells, variable)
    field, weight = twin.fields[name], twin.variables[variable].weight
    known = WEIGHTS[weight](field)
    x, y = field["x"].to_numpy(), field["y"].to_numpy()
    inside = burn([city.area], np.ones(1, dtype=int), x, y, fill=0) == 1
    area = inside * float(field.attrs["cell"]) ** 2
    values = read(field)
    if name != "wind":
        values = values.where(known)
    return xr.Dataset({
        variable: values.assign_attrs(twin.cells[variable].attrs), weight: known.astype(float),
        "cell_area": (("y", "x"), area)}, attrs=twin.cells.attrs)
