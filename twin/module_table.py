"""Results along the buildings of a layer as a Dataset, and their means per cell of the grid."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from twin.estimate import Estimate
from twin.sun.ranges import Range

Floats = NDArray[np.float64]

ENDS = ("", "_low", "_high")


def as_table(columns: Mapping[str, tuple[Any, str, str]]) -> xr.Dataset:
    """Return results along ``building``, by month where they have twelve rows.

    Parameters
    ----------
    columns
        Name to values, unit and words. Values are an array (n,) or (12, n), or a `Range` of
        arrays (n,), whose ends become columns of their own.
    """
    found: dict[str, tuple[tuple[str, ...], NDArray[Any], dict[str, str]]] = {}
    for name, (given, units, words) in columns.items():
        about = {"units": units, "long_name": words}
        parts = given if isinstance(given, Range) else (given,)
        for end, part in zip(ENDS, parts, strict=False):
            values = np.asarray(part, dtype=np.float64).T
            found[name + end] = (("building", "month")[:values.ndim], values, about)
    table = xr.Dataset(found)
    return table.assign_coords(month=np.arange(1, 13)) if "month" in table.dims else table


def range_of(table: xr.Dataset, name: str) -> Range:
    """Return a result of `as_table` with its ends."""
    return Range(*(table[name + end].to_numpy() for end in ENDS))


def estimate_of(table: xr.Dataset, name: str) -> Estimate:
    """Return a result of `as_table` as indicators give it."""
    return Estimate(*range_of(table, name))


def beside(buildings: gpd.GeoDataFrame, *tables: xr.Dataset) -> gpd.GeoDataFrame:
    """Return the buildings with results of `as_table` as columns, for tables and GIS.

    Parameters
    ----------
    buildings
        The buildings layer, or the buildings of a twin with their results.
    tables
        Fields of the twin along ``building``. Months become columns ``_01`` to ``_12`` of the name
        without ``_month``; what the buildings have already stays.
    """
    columns: dict[str, NDArray[Any]] = {}
    for name, values in ((str(n), v) for table in tables for n, v in table.data_vars.items()):
        if values.dims == ("building",):
            columns[name] = values.to_numpy()
        elif values.dims == ("building", "month"):
            stem = name.removesuffix("_month")
            columns |= {f"{stem}_{month:02d}": values.to_numpy()[:, month - 1]
                        for month in range(1, 13)}
    new = {name: values for name, values in columns.items() if name not in buildings.columns}
    return gpd.GeoDataFrame(pd.concat(
        [buildings, pd.DataFrame(new, index=buildings.index)], axis=1), crs=buildings.crs)


def cell_mean(values: ArrayLike, weight: ArrayLike, density: xr.DataArray, *, overlap: Any,
              buildings: gpd.GeoDataFrame, cell_area: Floats) -> xr.DataArray:
    """Return the mean of buildings in each cell, NaN where they weigh nothing, (y, x).

    Parameters
    ----------
    values
        Of the buildings, shape (n,); what weighs nothing may be NaN.
    weight
        Of whole buildings, shape (n,).
    density
        The same spread over the cells, per m2 of study area.
    overlap
        Ground that each cell shares with each building, sparse (cells, n) [m2].
    buildings
        The buildings layer.
    cell_area
        Part of the cells in the study area, flat [m2].
    """
    weighs, ground = np.asarray(weight, dtype=float), buildings.area.to_numpy()
    known = weighs * np.where(weighs > 0, np.asarray(values, dtype=float), 0.0)
    share = np.divide(known, ground, out=np.zeros_like(ground), where=ground > 0)
    whole = density.to_numpy().ravel() * cell_area
    mean = np.divide(overlap @ share, whole, out=np.full(len(whole), np.nan), where=whole > 0)
    return density.copy(data=mean.reshape(density.shape))
