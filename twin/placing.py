"""Results put where they belong: into the cells of the grid and beside the features of a layer."""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import xarray as xr
from scipy.sparse import csr_array, diags_array

from layers.city import City
from layers.errors import CityTwinError
from layers.units import factor
from twin.estimate import Estimate, Laid
from twin.grid import Grid
from twin.label import Label, Var
from twin.pool import Overlaps


def put_result(var: Var, result: Any, label: Label, city: City, grid: Grid, shared: Overlaps,
               inside: np.ndarray, cells: dict[str, xr.DataArray],
               columns: dict[str, dict[str, np.ndarray]]) -> xr.DataArray | Estimate:
    """Put a result into the cells (and, per feature, into the features) and give it on.

    Parameters
    ----------
    var
        What the result is.
    result
        Of each cell, or of each feature of the layer that the label is on.
    label
        Of the indicator.
    city, grid, shared
        Where it belongs.
    inside
        Area of each cell in the study area, flat [m2].
    cells
        Gets the result per cell.
    columns
        Gets the result per feature, by layer.

    Raises
    ------
    CityTwinError
        When a feature has no number, or a cell one that is impossible.
    """
    laid = result if isinstance(result, Laid) else None
    if laid is not None:
        result = laid.features if label.on else laid.cells
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
        if laid is None:
            share = shares(layer, shared.of(layer, grid))
            with np.errstate(invalid="ignore", divide="ignore"):
                parts = {k: grid.field((share @ v) / inside) for k, v in per_feature.items()}
        else:
            parts = {"": laid.cells.value, "_low": laid.cells.low, "_high": laid.cells.high}
    for suffix, values in parts.items():
        data = values if isinstance(values, xr.DataArray) else grid.field(values)
        data = data.copy(data=np.where(inside.reshape(grid.shape) > 0, data.to_numpy(), np.nan))
        _check_range(var, data)
        cells[var.name + suffix] = data
    if laid is not None:
        ends = np.array([laid.total.low, laid.total.high]) * factor(f"{var.units} m2",
                                                                    var.unit_of_total)
        cells[var.name].attrs["total_range"] = ends.tolist()
    return Estimate(*(cells[var.name + s] for s in ("", "_low", "_high"))) if var.estimate \
        else cells[var.name]


def with_results(city: City, columns: dict[str, dict[str, np.ndarray]], grid: Grid,
                 shared: Overlaps) -> dict[str, gpd.GeoDataFrame]:
    """Layers with their results, and the share of each feature inside the study area.

    Results are of the whole feature; weighed by ``inside`` they add up to the totals.
    """
    out = {}
    for name, table in columns.items():
        layer = city.frame(name)
        size = measure(layer)
        within = np.asarray(shared.of(layer, grid).sum(axis=0)).ravel()
        inside = np.divide(within, size, out=np.zeros_like(size), where=size > 0)
        results = pd.DataFrame({"inside": inside.clip(0, 1), **table}, index=layer.index)
        out[name] = gpd.GeoDataFrame(pd.concat([layer, results], axis=1), crs=city.crs)
    return out


def shares(layer: gpd.GeoDataFrame, matrix: csr_array) -> csr_array:
    """Return the share of each feature that lies in each cell, (cells, features) [1].

    Parameters
    ----------
    layer
        The features.
    matrix
        Their overlap with the cells.
    """
    size = measure(layer)
    return csr_array(matrix @ diags_array(np.divide(1.0, size, out=np.zeros_like(size),
                                                    where=size > 0)))


def measure(layer: gpd.GeoDataFrame) -> np.ndarray:
    """Return the area of polygons, the length of lines, one for points."""
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
