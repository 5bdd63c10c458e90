"""The stamp: units, names, sources and licences as CF attributes, in this one place."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from layers.city import City
from layers.provenance import now
from twin.grid import Grid
from twin.label import Var, label_of


def stamped(city: City, grid: Grid, inside: np.ndarray, cells: dict[str, xr.DataArray],
             variables: dict[str, Var], steps: list[Any]) -> xr.Dataset:
    """Return all cells as one Dataset with CF-1.11 attributes, history and licences."""
    source = {v.name: f"{f.__module__}.{f.__name__}" for f in steps for v in label_of(f).gives}
    dataset = xr.Dataset(cells)
    for name, data in dataset.data_vars.items():
        base = str(name).removesuffix("_low").removesuffix("_high")
        var = variables[base] if base in variables else variables[str(name)]
        end = str(name)[len(var.name):].strip("_")
        tail = f" ({end} end of the 95 % range)" if end else ""
        kept = {k: v for k, v in data.attrs.items() if k == "total_range"}
        data.attrs = {**kept, "units": var.units, "long_name": var.long_name + tail,
                      "cell_methods": "area: mean", "grid_mapping": "spatial_ref",
                      "source": f"citytwin: {source[var.name]}"}
    dataset["cell_area"] = grid.field(inside).assign_attrs(
        units="m2", long_name="Part of the cell inside the study area", standard_name="cell_area",
        grid_mapping="spatial_ref")
    for axis in ("x", "y"):
        dataset[axis].attrs = {"standard_name": f"projection_{axis}_coordinate", "units": "m",
                               "axis": axis.upper()}
    dataset = dataset.assign_coords(spatial_ref=xr.DataArray(0, attrs=grid.crs.to_cf()))
    weather = city.layers.get("weather")
    dataset.attrs = {
        "Conventions": "CF-1.11", "title": f"citytwin of {city.name}", "history":
        "\n".join((*city.history, f"{now()}: indicators computed on {grid!r}")),
        "license": "\n".join(city.sources), "place": str(city.place),
        "weather": str(weather.attrs.get("title", "")) if weather is not None else "none",
    }
    return dataset
