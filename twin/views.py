"""Results in plan for pictures: a variable on its fine field, or a field by its dotted name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import shapely
import xarray as xr

from layers.city import City
from layers.errors import MissingInput, nearest
from twin.heat.parameters import parameter
from twin.rasters import burn
from twin.result import Twin
from twin.scene.facades import WALLS
from twin.scene.figures import plan_view

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
    "night_heat": ("heat", lambda f: f["night"])}
# Hours above a limit of an index of heat, by variable and by dotted name: index and class.
HOURS = {"utci_strong_hours": ("utci", "strong"), "pet_strong_hours": ("pet", "strong"),
         "utci_very_strong_hours": ("utci", "very_strong"), "pet_extreme_hours": ("pet", "extreme"),
         "heat.utci_hours": ("utci", "strong"), "heat.pet_hours": ("pet", "strong")}
# What the mean of a variable is weighed by, on the cells of its field.
WEIGHTS: dict[str, Pick] = {
    "open_ground_share": lambda f: f["mean_ratio"][0].notnull().drop_vars("level"),
    "sun_ground_share": lambda f: f["building"] < 0,
    "sun_roof_share": lambda f: f["building"] >= 0,
    "walkable_share": lambda f: f["walkable"]}
WORDS = {"sun.irradiation": "Irradiation of the year, shade counted",
         "sun.sun_hours": "Sunshine of the year, shade counted", "sun.sky_view": "Sky in view",
         "wind.mean_ratio": "Wind over that of a weather station in the open"}
OVER = {"heat": "of the walkable ground", "wind": "of the open ground"}  # where a field has values


def limit_of(twin: Twin, index: str, name: str = "strong") -> float:
    """Return where a class of heat stress begins: the factor of the run, else of the table [degC].

    Parameters
    ----------
    twin
        The results.
    index
        ``"utci"`` or ``"pet"``.
    name
        The class, such as ``"very_strong"``.
    """
    stem = f"outdoor.{index}.{name}."
    used = (f["value"] for k, f in twin.record.get("factors", {}).items() if k.startswith(stem))
    return float(next(used, parameter(f"{index}.{name}")))


def hours_above(heat: xr.Dataset, index: str, limit: float) -> xr.DataArray:
    """Return how many hours of the design day an index of heat is above a limit [h].

    Parameters
    ----------
    heat
        The field of heat, ``index`` over (time, y, x).
    index
        ``"utci"`` or ``"pet"``.
    limit
        The limit [degC].

    Returns
    -------
    xarray.DataArray
        On (y, x), NaN where nobody walks. Each time of the field stands for one hour.
    """
    hours = (heat[index] > limit).sum("time").where(heat[index].notnull().any("time"))
    return hours.astype(float).assign_attrs(units="h")


def finest_view(city: City, twin: Twin, variable: str, *, walls: bool = False) -> xr.Dataset:
    """Return results in which a variable is on (y, x): its fine field, where it has one.

    Parameters
    ----------
    city, twin
        The city and its results.
    variable
        Name of a result, or of a field and what is on it, such as ``"sun.irradiation"``,
        ``"heat.utci_hours"`` or ``"wind.mean_ratio"``.
    walls
        Whether to add the light on walls to ``"sun.irradiation"``, where the field has any.

    Returns
    -------
    xarray.Dataset
        The variable with ``cell_area`` [m2], the part of each cell in the study area, and what
        weighs its mean. What lies on roofs too has ``building``, as `twin.scene.build.build`
        reads it.

    Raises
    ------
    MissingInput
        When the twin has no such variable or field.
    """
    if "." in variable:
        found = _field_view(city, twin, variable)
        if walls and variable == "sun.irradiation" and set(WALLS) <= set(twin.fields["sun"]):
            found = found.assign({name: twin.fields["sun"][name] for name in WALLS})
        return found
    name, read = ("heat", None) if variable in HOURS else FIELDS.get(variable, ("", None))
    if name not in twin.fields:
        return plan_view(twin.cells, variable)
    field, weight = twin.fields[name], twin.variables[variable].weight
    known = WEIGHTS[weight](field)
    values = _hours(twin, field, variable) if read is None else read(field)
    if name != "wind":
        values = values.where(known)
    return _view(city, twin, field, variable, values.assign_attrs(twin.cells[variable].attrs)
                 ).assign({weight: known.astype(float)})


def field_of(twin: Twin, name: str) -> xr.Dataset:
    """Return a field of a twin.

    Raises
    ------
    MissingInput
        When the twin has none of that name.
    """
    if name in twin.fields:
        return twin.fields[name]
    from twin.indicators import INDICATORS
    from twin.label import label_of

    known = [label_of(f).field for f in INDICATORS if label_of(f).field]
    if name not in known:
        raise MissingInput(f"there is no field {name!r}{nearest(name, known)}",
                           mend=f"Fields are {', '.join(sorted(known))}")
    have = ", ".join(sorted(twin.fields)) or "none"
    raise MissingInput(f"the twin of {twin.record.get('city') or 'this city'} has no field "
                       f"{name!r} (it has {have})",
                       mend=f"Ask for it by name: citytwin run CITY -o TWIN --want {name}, or "
                            f'twin.run(city, want=["{name}"])')


def drawn_city(twin: Twin, city: City | None) -> City:
    """Return the city of a twin: the one given, else one of its buildings and roads alone.

    Parameters
    ----------
    twin
        The results.
    city
        The city they are of; None where it is not at hand. Water and green are then not known,
        and the study area is that of the cells.

    Raises
    ------
    MissingInput
        When there is no city and the twin keeps no buildings.
    """
    if city is not None:
        return city
    name = str(twin.record.get("city", ""))
    if "buildings" not in twin.features:
        raise MissingInput(f"the twin of {name or 'this city'} keeps no buildings to draw",
                           mend="Give the city too: city=layers.read(FILE)")
    layers = {k: v for k, v in twin.features.items() if k in ("buildings", "roads")}
    x, y = np.meshgrid(twin.cells["x"], twin.cells["y"])
    on, half = twin.cells["cell_area"].to_numpy() > 0, float(twin.record["cell_size"]) / 2
    boxes = shapely.box(x[on] - half, y[on] - half, x[on] + half, y[on] + half)
    area: Any = shapely.union_all(boxes)
    fine = (field for field in twin.fields.values() if {"x", "y"} <= set(field.sizes))
    for field in fine:  # cells reach over the edge of the area, fields do not
        half = float(field.attrs["cell"]) / 2
        ends = [float(v) for axis in ("x", "y") for v in (field[axis].min(), field[axis].max())]
        area = area.intersection(shapely.box(ends[0] - half, ends[2] - half, ends[1] + half,
                                             ends[3] + half))
    return City(layers, area, layers["buildings"].crs, name=name,
                sources=tuple(twin.record.get("sources", ())))


def _field_view(city: City, twin: Twin, variable: str) -> xr.Dataset:
    """Return what a dotted name stands for, on (y, x)."""
    name, _, part = variable.partition(".")
    field = field_of(twin, name)
    if variable in HOURS:
        return _view(city, twin, field, variable,
                     _hours(twin, field, variable).assign_attrs(over=OVER[name]))
    flat = [str(v) for v in field.data_vars if {"y", "x"} <= set(field[v].dims)
            and field[v].dtype.kind == "f"]
    if part not in flat:
        made = [h.partition(".")[2] for h in HOURS if h.startswith(f"{name}.")]
        raise MissingInput(f"the field {name!r} has no {part!r}{nearest(part, flat + made)}",
                           mend=f"It has {', '.join(sorted(flat + made))}")
    values = field[part]
    words = WORDS.get(variable, str(values.attrs.get("long_name", part)))
    if "level" in values.dims:
        at = float(values["level"][0])
        values, words = values.isel(level=0, drop=True), f"{words}, {at:g} m above the ground"
    if "time" in values.dims:
        values, words = values.mean("time"), f"{words}, mean of {values.sizes['time']} hours"
    return _view(city, twin, field, variable, values.assign_attrs(
        units=field[part].attrs.get("units", ""), long_name=words[:1].upper() + words[1:],
        **({"over": OVER[name]} if name in OVER else {})))


def _hours(twin: Twin, field: xr.Dataset, variable: str) -> xr.DataArray:
    """Return the hours above the limit that a variable stands for."""
    index, name = HOURS[variable]
    limit = limit_of(twin, index, name)
    return hours_above(field, index, limit).assign_attrs(
        long_name=f"Hours of the design day with {index.upper()} above {limit:g} °C")


def _view(city: City, twin: Twin, field: xr.Dataset, variable: str, values: xr.DataArray
          ) -> xr.Dataset:
    """Return values with the area of their cells, and their buildings where there are any."""
    x, y = field["x"].to_numpy(), field["y"].to_numpy()
    inside = burn([city.area], np.ones(1, dtype=int), x, y, fill=0) == 1
    area = inside * float(field.attrs["cell"]) ** 2
    found = xr.Dataset({variable: values, "cell_area": (("y", "x"), area)}, attrs=twin.cells.attrs)
    return found.assign(building=field["building"]) if "building" in field else found
