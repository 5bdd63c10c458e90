"""The engine: order the indicators, call them, spread feature results, check and stamp.

An indicator's positional names are what it needs and are looked up here, in this order: variables
and fields of other indicators, ``grid``, ``cell_area`` (in the study area, flat), ``place``,
``factors``, ``city``, ``all_trees`` (single and in rows), ``weather``, ``terrain``, an overlap
(``<layer>_overlap``, made once), a vector layer, and ``tell(what, done, of)``, which shows how far
long work is. A name with the default None is hoped for: it is None where it cannot be made.
"""

from __future__ import annotations

import logging
import resource
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import xarray as xr

from layers.city import City
from layers.errors import CityTwinError, MissingInput, nearest
from layers.provenance import now
from layers.registry import LAYERS
from twin.estimate import Estimate
from twin.factors import Factors
from twin.factors import load as load_factors
from twin.grid import Grid
from twin.label import Label, Var, label_of
from twin.pool import Overlaps, Picker
from twin.region_codes import region_mend, regions
from twin.result import Twin
from twin.stamp import stamped

log = logging.getLogger(__name__)

Indicator = Callable[..., Any]
Progress = Callable[[str, int, int], None]
GIVEN = ("grid", "place", "factors", "weather", "terrain", "city", "cell_area", "all_trees",
         "all_trees_overlap", "tell")


def run(city: City, *, cell_size: float = 50.0, want: Iterable[str] | None = None,
        settings: Mapping[str, Mapping[str, Any]] | None = None,
        factors: Factors | None = None, grid: Grid | None = None,
        overlaps: Overlaps | None = None, extra: Sequence[Indicator] = (),
        progress: Progress | None = None) -> Twin:
    """Compute the indicators of a city.

    Parameters
    ----------
    city
        The city.
    cell_size
        Side of a cell [m]; ignored when ``grid`` is given.
    want
        Names of the variables or fields to compute, with what they need. All that the city has the
        inputs for when None; what is left out for want of weather or terrain, or because the work
        would be long, is counted as a fallback.
    settings
        Indicator name to keyword settings.
    factors
        Factor tables; the project's own when None.
    grid
        Another grid over the same area.
    overlaps
        Overlaps shared between runs.
    extra
        Further labelled functions.
    progress
        Called with a name, the number done and the number in all.

    Returns
    -------
    Twin
        Cells, features and the record of what went in.

    Raises
    ------
    CityTwinError
        When a name is unknown, an input is missing or a result is impossible.
    """
    from twin.indicators import INDICATORS

    begun = time.perf_counter()
    grid = grid or Grid.over(city.area, city.crs, cell_size)
    picker = Picker(factors or load_factors(), city.place)
    if not city.place.country:
        picker.count("country unknown: world factors", 1)
    shared = overlaps or Overlaps()
    if isinstance(want, str):
        want = [want]
    steps = plan((*INDICATORS, *extra), want)
    settings = dict(settings or {})
    asked = [] if want is None else plan((*INDICATORS, *extra), want, hopes=False)
    _check_settings(settings, steps)
    steps = _possible(steps, asked, city, picker, settings)

    inside = np.asarray(shared.of(shared.area(city), grid).sum(axis=1)).ravel()
    cells: dict[str, xr.DataArray] = {}
    fields: dict[str, xr.Dataset] = {}
    columns: dict[str, dict[str, np.ndarray]] = {}
    given: dict[str, Any] = {
        "grid": grid, "place": city.place, "factors": picker, "city": city, "cell_area": inside,
        "all_trees": shared.trees(city.frame("trees"), city.frame("tree_rows")),
    }
    place = city.place
    if place.country == "CN" and place.region and len(regions(place)) < 4:
        hint = region_mend(f"CN-{place.region}").removeprefix("CN and a province")
        picker.count(f"no province {place.region!r} is known{hint}: factors of all China", 1)
    seconds: dict[str, float] = {"overlap": time.perf_counter() - begun}
    with xr.set_options(keep_attrs=False, arithmetic_join="exact"):
        for number, step in enumerate(steps):
            given["tell"] = _teller(progress, step.__name__, number, len(steps))
            if progress:
                progress(step.__name__, number, len(steps))
            label, started = label_of(step), time.perf_counter()
            needs = [_look_up(name, city, grid, shared, given) for name in label.needs]
            hopes = [given.get(name) for name in label.hopes]
            answer = step(*needs, *hopes, **settings.get(step.__name__, {}))
            if label.field:
                given[label.field] = fields[label.field] = answer
            results = answer if len(label.gives) != 1 else {label.gives[0].name: answer}
            for var in label.gives:
                given[var.name] = _place(var, results[var.name], label, city, grid, shared,
                                         inside, cells, columns)
            seconds[step.__name__] = time.perf_counter() - started
    if progress:
        progress("done", len(steps), len(steps))

    variables = {v.name: v for step in steps for v in label_of(step).gives}
    dataset = stamped(city, grid, inside, cells, variables, steps)
    fallbacks = {**dict(city.fallbacks), **picker.fallbacks}
    seconds["total"] = time.perf_counter() - begun
    record = {
        "made": now(), "city": city.name, "place": str(city.place), "settings": settings,
        "cell_size": grid.cell_size, "fallbacks": fallbacks,
        "factors": {k: {"value": f.value, "unit": f.unit, "low": f.low, "high": f.high,
                        "source": f.source, "tag": f.tag} for k, f in picker.used.items()},
        "seconds": {k: round(v, 4) for k, v in seconds.items()},
        "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
        "sources": list(city.sources), "history": list(city.history),
    }
    if fields:
        record["fields"] = {name: dict(data.attrs) for name, data in fields.items()}
    return Twin(dataset, fields, _features(city, columns, grid, shared), variables, record)


def _teller(progress: Progress | None, name: str, number: int, of: int) -> Progress:
    """Return what a long step says how far it is with."""
    def tell(what: str, done: int, among: int) -> None:
        if progress:
            progress(f"{name}: {what} ({done}/{among})", number, of)

    return tell


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


def _possible(steps: list[Indicator], asked: Sequence[Indicator], city: City, picker: Picker,
              settings: Mapping[str, Mapping[str, Any]]) -> list[Indicator]:
    """Leave out what lacks weather or terrain or is too much work unasked, and say so.

    What is asked for stays, and tells itself what it lacks.
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


def _is_given(name: str) -> bool:
    return name in GIVEN or name in LAYERS or name.removesuffix("_overlap") in LAYERS


def _look_up(name: str, city: City, grid: Grid, shared: Overlaps, given: dict[str, Any]) -> Any:
    if name in given:
        return given[name]
    layer = name.removesuffix("_overlap")
    if layer in LAYERS and layer not in city.frames:
        given["factors"].count(f"the city has no layer {layer!r}: taken as none", 1, once=layer)
    if name.endswith("_overlap"):
        layer = name.removesuffix("_overlap")
        return shared.of(given["all_trees"] if layer == "all_trees" else _frame(city, layer), grid)
    return _frame(city, name) if name in LAYERS else city[name]


def _frame(city: City, name: str) -> gpd.GeoDataFrame:
    if name == "buildings" and name not in city.frames:
        raise MissingInput(f"{city.name or 'the city'} has no buildings layer",
                           mend="Read one with --buildings FILE")
    return city.frame(name)


def _check_settings(settings: Mapping[str, Mapping[str, Any]], steps: list[Indicator]) -> None:
    known = {f.__name__: label_of(f).settings for f in steps}
    for name, chosen in settings.items():
        if name not in known:
            raise CityTwinError(f"settings name an indicator {name!r} that does not run"
                                f"{nearest(name, list(known))}")
        for key in chosen:
            if key not in known[name]:
                raise CityTwinError(f"indicator {name!r} has no setting {key!r}"
                                    f"{nearest(key, list(known[name]))}")


def _place(var: Var, result: Any, label: Label, city: City, grid: Grid, shared: Overlaps,
           inside: np.ndarray, cells: dict[str, xr.DataArray],
           columns: dict[str, dict[str, np.ndarray]]) -> Any:
    """Put a result into the cells (and, per feature, into the features) and give it on."""
    parts = ({"": result.value, "_low": result.low, "_high": result.high}
             if var.estimate else {"": result})
    if label.on:
        table = columns.setdefault(label.on, {})
        layer = city.frame(label.on)
        per_feature = {k: np.broadcast_to(np.asarray(v, dtype="float64"), len(layer))
                       for k, v in parts.items()}
        for values in per_feature.values():
            if np.isnan(values).any():
                raise CityTwinError(f"{var.name} is no number for {int(np.isnan(values).sum())} of "
                                    f"the {label.on}", mend="Look at them with `citytwin check`")
        table.update({var.name + k: v for k, v in per_feature.items()})
        matrix = shared.of(layer, grid)
        whole = _measure(layer)
        share = np.divide(1.0, whole, out=np.zeros_like(whole), where=whole > 0)
        with np.errstate(invalid="ignore", divide="ignore"):
            parts = {k: grid.field((matrix @ (v * share)) / inside)
                     for k, v in per_feature.items()}
    for suffix, values in parts.items():
        data = values if isinstance(values, xr.DataArray) else grid.field(values)
        data = data.copy(data=np.where(inside.reshape(grid.shape) > 0, data.to_numpy(), np.nan))
        _check_range(var, data)
        cells[var.name + suffix] = data
    return Estimate(*(cells[var.name + s] for s in ("", "_low", "_high"))) if var.estimate \
        else cells[var.name]


def _measure(layer: gpd.GeoDataFrame) -> np.ndarray:
    """Area of polygons, length of lines, one for points."""
    area, length = layer.area.to_numpy(), layer.length.to_numpy()
    kind = layer.geom_type.to_numpy()
    line = np.isin(kind, ["LineString", "MultiLineString"])
    return np.where(line, length, np.where(area > 0, area, 1.0))


def _check_range(var: Var, data: xr.DataArray) -> None:
    values = data.to_numpy()
    finite = values[np.isfinite(values)]
    if np.isinf(values).any():
        raise CityTwinError(f"{var.name} became infinite in {int(np.isinf(values).sum())} cells",
                            mend="Please report this with the city file")
    slack = 1e-9 * max(1.0, float(np.abs(finite).max(initial=0.0)))
    for limit, wrong in ((var.low, var.low is not None and (finite < var.low - slack).any()),
                         (var.high, var.high is not None and (finite > var.high + slack).any())):
        if wrong:
            raise CityTwinError(
                f"{var.name} lies outside its limits: {finite.min():g} to {finite.max():g} "
                f"{var.units}, limit {limit:g}",
                mend="Look for overlapping or impossible features with `citytwin check`")


def _features(city: City, columns: dict[str, dict[str, np.ndarray]], grid: Grid,
              shared: Overlaps) -> dict[str, gpd.GeoDataFrame]:
    """Layers with their results, and the share of each feature inside the study area.

    Results are of the whole feature; weighed by ``inside`` they add up to the totals.
    """
    out = {}
    for name, table in columns.items():
        layer = city.frame(name)
        measure = _measure(layer)
        within = np.asarray(shared.of(layer, grid).sum(axis=0)).ravel()
        inside = np.divide(within, measure, out=np.zeros_like(measure), where=measure > 0)
        results = pd.DataFrame({"inside": inside.clip(0, 1), **table}, index=layer.index)
        out[name] = gpd.GeoDataFrame(pd.concat([layer, results], axis=1), crs=city.crs)
    return out
