"""Pictures of a study: which panels, which variable; how they look is in sheet and still."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from layers.errors import CityTwinError, nearest

# Variables whose field is drawn in place of their cells: field, variable and level in it.
FIELDS = {"wind_speed_ratio": ("wind", "mean_ratio", 1.5),
          "wind_speed_ratio_22m": ("wind", "mean_ratio", 22.0),
          "wind_speed": ("wind", "mean_speed", 1.5)}


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

    name, inner, level = FIELDS.get(variable, ("", "", 0.0))
    if name not in twin.fields or inner not in twin.fields[name]:
        return plan_view(twin.cells, variable)
    field = twin.fields[name]
    values = field[inner].sel(level=level, drop=True)
    x, y = field["x"].to_numpy(), field["y"].to_numpy()
    inside = burn([city.area], np.ones(1, dtype=int), x, y, fill=0) == 1
    area = inside * float(field.attrs["cell"]) ** 2
    return xr.Dataset({
        variable: values.assign_attrs(twin.cells[variable].attrs),
        "open_ground_share": np.isfinite(field["mean_ratio"][0]).drop_vars("level").astype(float),
        "cell_area": (("y", "x"), area)}, attrs=twin.cells.attrs)
