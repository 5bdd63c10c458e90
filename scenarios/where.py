"""Where an edit acts: the whole area, along roads, in a corridor, in a square, in a polygon."""

from __future__ import annotations

from typing import Any

import numpy as np
import shapely

from layers import corridors
from layers.city import City
from layers.errors import MissingInput, ScenarioError, nearest


def corridor_ground(city: City, name: str = "", width: float | None = None) -> Any:
    """Return the ground of one corridor, or of all when ``name`` is empty.

    Raises
    ------
    MissingInput
        When the city has no corridors.
    ScenarioError
        When none has that name.
    """
    plan = city.frame("corridors")
    if plan.empty:
        raise MissingInput("the city has no planned corridors",
                           mend="Draw one: OpenCorridor(path=[(x, y), ...], width=40), or read a "
                           "layer with --corridors FILE")
    if name:
        chosen = plan[plan["name"] == name]
        if chosen.empty:
            names = [str(n) for n in plan["name"] if n]
            raise ScenarioError(f"there is no corridor {name!r}{nearest(name, names)} (there are "
                                f"{', '.join(names) or 'only nameless ones'})")
        plan = chosen
    if width is not None:
        plan = plan.assign(width=width)
    return shapely.union_all(corridors.ground(plan).values)


def region(city: City, within: Any) -> Any:
    """Return the polygon an edit is limited to.

    Parameters
    ----------
    city
        The city.
    within
        Empty for the whole area, ``"corridor"`` for all corridors, ``"corridor:NAME"``,
        ``"square:NAME"``, or a list of (x, y) corners in the city's CRS.

    Raises
    ------
    ScenarioError
        When the words are not known or the corners are no polygon of the area.
    """
    if within in ("", None):
        return city.area
    if isinstance(within, str):
        kind, _, name = within.partition(":")
        if kind == "corridor":
            return corridor_ground(city, name)
        if kind == "square":
            squares = city.frame("squares")
            chosen = squares[squares["name"] == name]
            if chosen.empty:
                raise ScenarioError(f"there is no square {name!r}"
                                    f"{nearest(name, [str(n) for n in squares['name']])}")
            return shapely.union_all(chosen.geometry.values)
        raise ScenarioError(f"within is {within!r}, expected 'corridor', 'corridor:NAME', "
                            "'square:NAME' or a list of corners")
    return polygon(city, within)


def polygon(city: City, corners: Any) -> Any:
    """Return a polygon from corners in the city's CRS, checked to lie in the area."""
    shape = shapely.make_valid(shapely.Polygon(points("corners", corners, 3)))
    if shape.area <= 0 or not shape.intersects(city.area):
        bounds = tuple(round(b) for b in city.area.bounds)
        raise ScenarioError(f"the polygon ({shape.area:g} m2) does not meet the study area "
                            f"{bounds}", mend="Give corners in the city's CRS, in metres")
    return shape


def points(what: str, given: Any, least: int) -> np.ndarray:
    """Return (x, y) pairs [m] as an array.

    Raises
    ------
    ScenarioError
        When they are fewer than ``least``, no pairs, or not finite.
    """
    try:
        found = np.array([(float(x), float(y)) for x, y in given])
        if len(found) < least or not np.isfinite(found).all():
            raise ValueError
    except (TypeError, ValueError) as error:
        raise ScenarioError(f"{what}: got {str(given)[:60]!r}, expected at least {least} (x, y) "
                            "pairs in metres") from error
    return found


def word(edit: Any, name: str) -> None:
    """Turn a number in a field for a name into a word, as YAML takes ``7`` for a number.

    Raises
    ------
    ScenarioError
        When the field holds neither.
    """
    value = getattr(edit, name)
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ScenarioError(f"{type(edit).__name__}: {name} is {str(value)[:60]!r}, expected a "
                            "name")
    object.__setattr__(edit, name, str(value))


def share_of(edit: Any, name: str) -> None:
    """Check that a field is a share.

    Raises
    ------
    ScenarioError
        When it is no number between 0 and 1.
    """
    value = getattr(edit, name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise ScenarioError(f"{type(edit).__name__}: {name} is {str(value)[:60]!r}, expected a "
                            "share between 0 and 1")
