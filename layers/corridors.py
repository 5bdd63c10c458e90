"""Planned wind corridors, drawn as a line with a width or as a polygon, in two levels."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from layers.spec import Column, LayerSpec

SPEC = LayerSpec(
    name="corridors",
    geometry="line or polygon",
    about="Wind corridors of the plan: level 1 crosses the city, level 2 feeds a district.",
    columns=(
        Column("id", "str", about="identifier in the source"),
        Column("name", "str", about="name, any script"),
        Column("level", "int", "1", "1 main, 2 secondary", low=1, high=2, default=2),
        Column("width", "float", "m", "width of a corridor drawn as a line", low=0, high=5000),
    ),
)

# Least widths of the Chinese guideline for corridors of level 1 and 2 [m] (QX/T 437-2018).
LEAST_WIDTH = {1: 500.0, 2: 80.0}


def tidy(raw: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return raw lines and polygons as the corridors layer."""
    return SPEC.conform(raw)


def ground(corridors: gpd.GeoDataFrame) -> gpd.GeoSeries:
    """Return the ground each corridor takes: polygons as drawn, lines buffered to their width.

    A line without a width takes the least width of its level in QX/T 437-2018.
    """
    width = corridors["width"].astype("float64")
    least = corridors["level"].astype("float64").map(LEAST_WIDTH).fillna(LEAST_WIDTH[2])
    half = width.fillna(least).to_numpy() / 2
    line = corridors.geom_type.isin(["LineString", "MultiLineString"]).to_numpy()
    wide = shapely.buffer(corridors.geometry.values, np.where(line, half, 0.0), cap_style="flat")
    return gpd.GeoSeries(pd.Series(wide, index=corridors.index), crs=corridors.crs)
