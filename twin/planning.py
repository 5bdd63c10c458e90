"""Which indicators run, and in which order: each after what it needs, none without its inputs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from typing import Any

from layers.city import City
from layers.errors import CityTwinError, nearest
from layers.registry import LAYERS
from twin.label import label_of
from twin.pool import Picker

Indicator = Callable[..., Any]
GIVEN = ("grid", "place", "factors", "weather", "terrain", "city", "cell_area", "all_trees",
         "all_trees_overlap", "tell")


def plan(indicators: Sequence[Indicator], want: Iterable[str] | None = None, *,
         hopes: bool = True) -> list[Indicator]:
    """Return the indicators to call, each after what it needs, in registry order.

    Parameters
    ----------
    indicators
        Labelled functions.
    want
        Names of what is asked for; all when None.
    hopes
        Whether to call what is only hoped for, too.

    Raises
    ------
    CityTwinError
        When ``want`` names no variable, a need cannot be met, or needs form a circle.
    """
    giver = {name: f for f in indicators for name in label_of(f).names}
    known = list(giver)
    graph: dict[Indicator, list[Indicator]] = {}
    for function in indicators:
        for need in label_of(function).needs:
            if need not in giver and not _is_given(need):
                raise CityTwinError(f"indicator {function.__name__!r} needs {need!r}, which is no "
                                    f"variable, layer or input{nearest(need, known)}")
        label = label_of(function)
        asked = label.needs + (label.hopes if hopes else ())
        graph[function] = [giver[n] for n in asked if n in giver]
    try:
        order = list(TopologicalSorter(graph).static_order())
    except CycleError as error:
        names = ", ".join(f.__name__ for f in error.args[1])
        raise CityTwinError(f"indicators need each other in a circle: {names}") from error
    if want is None:
        return order
    chosen: set[Indicator] = set()
    queue: list[Indicator] = []
    for name in want:
        if name not in giver:
            raise CityTwinError(f"there is no variable {name!r}{nearest(name, known)}",
                                mend="See `citytwin list indicators`")
        queue.append(giver[name])
    while queue:
        function = queue.pop()
        if function not in chosen:
            chosen.add(function)
            queue += graph[function]
    return [f for f in order if f in chosen]


def idle(function: Indicator, city: City, settings: Mapping[str, Mapping[str, Any]]) -> bool:
    """Return whether an account would hold nothing, so that what it needs need not be computed."""
    label = label_of(function)
    return bool(label.account and label.unless
                and label.unless(city, settings.get(function.__name__, {})))


def possible(steps: list[Indicator], asked: Sequence[Indicator], city: City, picker: Picker,
             settings: Mapping[str, Mapping[str, Any]]) -> list[Indicator]:
    """Leave out what lacks weather or terrain or is too much work unasked, and say so.

    Parameters
    ----------
    steps
        Indicators in order.
    asked
        Those asked for by name: they stay, and tell themselves what they lack.
    city
        The city.
    picker
        Counts what is left out, with the reason.
    settings
        Indicator name to keyword settings.
    """
    kept: list[Indicator] = []
    gone: dict[str, str] = {}
    for step in steps:
        label = label_of(step)
        if step in asked:
            kept.append(step)
            continue
        lacking = [gone.get(n) or f"the city has no {n}" for n in label.needs
                   if n in gone or (n in ("weather", "terrain") and n not in city)]
        if not lacking and label.unless:
            lacking = [label.unless(city, settings.get(step.__name__, {}))]
        if any(lacking):
            gone.update(dict.fromkeys(label.names, lacking[0]))
        else:
            kept.append(step)
    for why in dict.fromkeys(gone.values()):
        names = ", ".join(name for name, reason in gone.items() if reason == why)
        picker.count(f"left out, {why}: {names}", 1)
    return kept


def check_settings(settings: Mapping[str, Mapping[str, Any]], steps: Sequence[Indicator]) -> None:
    """Raise where settings name an indicator that does not run, or one it does not have."""
    known = {f.__name__: label_of(f).settings for f in steps}
    for name, chosen in settings.items():
        if name not in known:
            raise CityTwinError(f"settings name an indicator {name!r} that does not run"
                                f"{nearest(name, list(known))}")
        for key in chosen:
            if key not in known[name]:
                raise CityTwinError(f"indicator {name!r} has no setting {key!r}"
                                    f"{nearest(key, list(known[name]))}")


def _is_given(name: str) -> bool:
    return name in GIVEN or name in LAYERS or name.removesuffix("_overlap") in LAYERS
