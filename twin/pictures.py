"""Pictures of a city or a study: which panels, which variable; how they look is in sheet, still."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from layers.city import City
from layers.errors import CityTwinError, nearest
from twin.result import Twin
from twin.views import finest_view


def scenario_of(found: Any, name: str | None) -> str:
    """Return a scenario of a study, the first beside the base when none is named."""
    if len(found.names) < 2:
        raise CityTwinError("the study has no scenario beside the base")
    chosen = name or found.names[1]
    if chosen not in found.names:
        raise CityTwinError(f"there is no scenario {chosen!r}{nearest(chosen, found.names)}")
    return str(chosen)


def study_sheet(found: Any, scenario: str, variable: str, path: Path) -> Path:
    """Draw base, scenario and change of one variable, or of a field by its dotted name, in plan."""
    from twin.sheet import draw_sheet

    _check_variable(found.twins[scenario], variable)
    panels = {n: (found.cities[n], finest_view(found.cities[n], found.twins[n], variable))
              for n in ("base", scenario)}
    return draw_sheet(panels, variable, path)


def study_still(found: Any, scenario: str, variable: str | None, path: Path) -> Path:
    """Draw base and scenario in 3D, a variable or field on what it is of if one is named."""
    from twin.scene.build import build_study
    from twin.still import draw_still

    if variable:
        _check_variable(found.twins[scenario], variable)
    panels = {}
    for name in ("base", scenario):
        city, result = found.cities[name], found.twins[name]
        panels[name] = city, (finest_view(city, result, variable, walls=True) if variable
                              else result.cells)
    return draw_still(build_study(panels, show=variable), path)


def city_still(city: City, variable: str | None, path: Path, *, result: Twin | None = None,
               settings: Mapping[str, Mapping[str, Any]] | None = None) -> Path:
    """Draw a city in 3D, a variable or a field on what it is of if one is named.

    Parameters
    ----------
    city
        The city.
    variable
        Name of a variable, or of a field and what is on it, such as ``"sun.irradiation"``.
    path
        File to write.
    result
        Results of this city; they are computed when None and a variable is named.
    settings
        As in `twin.run`, where they are computed.
    """
    from twin.scene.build import build
    from twin.still import draw_still

    cells = None
    if variable:
        if result is None:
            from twin.engine import run

            result = run(city, want=[variable.partition(".")[0]], settings=settings)
        _check_variable(result, variable)
        cells = finest_view(city, result, variable, walls=True)
    name = city.name or "City"
    return draw_still({name: build(city, cells=cells, show=variable)}, path)


def _check_variable(result: Twin, variable: str) -> None:
    if "." not in variable and variable not in result.variables:
        raise CityTwinError(f"there is no variable {variable!r}"
                            f"{nearest(variable, list(result.variables))}")
