"""The engine: look up what each indicator needs, call it, stamp what came of it.

An indicator's positional names are what it needs and are looked up here, in this order: variables
and fields of other indicators, ``grid``, ``cell_area`` (in the study area, flat), ``place``,
``factors``, ``city``, ``all_trees`` (single and in rows), ``weather``, ``terrain``, an overlap
(``<layer>_overlap``, made once), a vector layer, and ``tell(what, done, of)``, which shows how far
long work is. A name with the default None is hoped for: it is None where it cannot be made.
"""

from __future__ import annotations

import resource
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import geopandas as gpd
import numpy as np
import xarray as xr

from layers.city import City
from layers.errors import MissingInput
from layers.provenance import now
from layers.registry import LAYERS
from twin.carbon.ledger import Ledger
from twin.factors import Factors
from twin.factors import load as load_factors
from twin.grid import Grid
from twin.label import label_of
from twin.placing import put_result, with_results
from twin.planning import Indicator, check_settings, idle, plan, possible
from twin.pool import Overlaps, Picker
from twin.region_codes import region_mend, regions
from twin.result import Twin
from twin.stamp import stamped
from twin.sun.tariffs import currency

Progress = Callable[[str, int, int], None]


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
    settings = dict(settings or {})
    every = [f for f in (*INDICATORS, *extra) if not idle(f, city, settings)]
    steps = plan(every, want)
    asked = [] if want is None else plan(every, want, hopes=False)
    check_settings(settings, steps)
    steps = possible(steps, asked, city, picker, settings)

    inside = np.asarray(shared.of(shared.area(city), grid).sum(axis=1)).ravel()
    cells: dict[str, xr.DataArray] = {}
    fields: dict[str, xr.Dataset] = {}
    columns: dict[str, dict[str, np.ndarray]] = {}
    ledger: Ledger | None = None
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
            if label.account:
                given[label.account] = answer
                ledger = answer if isinstance(answer, Ledger) else ledger
            results = answer if len(label.gives) != 1 else {label.gives[0].name: answer}
            for var in label.gives:
                given[var.name] = put_result(var, results[var.name], label, city, grid, shared,
                                             inside, cells, columns)
            seconds[step.__name__] = time.perf_counter() - started
    if progress:
        progress("done", len(steps), len(steps))

    money = currency(regions(place)) or ""
    variables = {v.name: v.local(money) for step in steps for v in label_of(step).gives}
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
    return Twin(dataset, fields, with_results(city, columns, grid, shared), variables, record,
                ledger)


def _teller(progress: Progress | None, name: str, number: int, of: int) -> Progress:
    """Return what a long step says how far it is with."""
    def tell(what: str, done: int, among: int) -> None:
        if progress:
            progress(f"{name}: {what} ({done}/{among})", number, of)

    return tell


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
