"""Pictures of a study: which panels, which variable; how they look is in sheet and still."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from layers.errors import CityTwinError, nearest


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
    from twin.scene.figures import plan_view
    from twin.sheet import draw_sheet

    if variable not in found.twins[scenario].variables:
        raise CityTwinError(f"there is no variable {variable!r}"
                            f"{nearest(variable, list(found.twins[scenario].variables))}")
    panels = {n: (found.cities[n], plan_view(found.twins[n].cells, variable))
              for n in ("base", scenario)}
    return draw_sheet(panels, variable, path)


def study_still(found: Any, scenario: str, variable: str | None, path: Path) -> Path:
    """Draw base and scenario in 3D, a variable on the ground if one is named."""
    from twin.scene.build import build_study
    from twin.scene.figures import plan_view
    from twin.still import draw_still

    panels = {n: (found.cities[n], plan_view(found.twins[n].cells, variable) if variable
                  else found.twins[n].cells) for n in ("base", scenario)}
    return draw_still(build_study(panels, show=variable), path)
