"""Water: rivers, lakes and canals as surfaces; lines are given their width."""

from __future__ import annotations

import geopandas as gpd
import pandas as pd
import shapely

from layers.heights import parse_number
from layers.shapes import dissolve_overlaps
from layers.spec import Column, LayerSpec

CLASSES = ("river", "canal", "lake", "pond", "reservoir", "stream", "basin", "sea", "other")

SPEC = LayerSpec(
    name="water",
    geometry="polygon",
    about="Open water seen from above.",
    columns=(
        Column("id", "str", about="identifier in the source"),
        Column("name", "str", about="name, any script"),
        Column("class", "str", about="kind of water", choices=CLASSES, complete=True),
    ),
    osm={"natural": ["water", "bay"], "waterway": ["riverbank", "river", "canal", "stream"],
         "landuse": ["reservoir", "basin"]},
)

# Width of a watercourse drawn as a line and without a width tag [m].
_LINE_WIDTH = {"river": 20.0, "canal": 10.0, "stream": 2.0}


def tidy(raw: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return raw polygons and lines as the water layer, lines buffered to their width."""
    gdf = raw.copy()
    kind = gdf["class"] if "class" in gdf.columns else None
    for column in ("water", "waterway", "landuse", "natural"):
        if column in gdf.columns:
            kind = gdf[column] if kind is None else kind.fillna(gdf[column])
    if kind is None:
        kind = pd.Series("other", index=gdf.index)
    words = kind.fillna("other").astype(str).str.lower()
    words = words.replace({"riverbank": "river", "oxbow": "lake", "bay": "sea"})
    gdf["class"] = words.where(words.isin(CLASSES), "other")
    line = gdf.geom_type.isin(["LineString", "MultiLineString"])
    if line.any():
        width = gdf.loc[line, "class"].map(_LINE_WIDTH).fillna(3.0)
        if "width" in gdf.columns:
            told = parse_number(gdf.loc[line, "width"])
            width = told.where(told.between(0.1, 5000)).fillna(width)
        ribbon = shapely.buffer(gdf.geometry[line].values, width.to_numpy() / 2, cap_style="flat")
        gdf.loc[line, gdf.geometry.name] = gpd.GeoSeries(ribbon, index=gdf.index[line],
                                                         crs=gdf.crs)
    gdf = gdf[gdf.geom_type.isin(["Polygon", "MultiPolygon"])]
    return SPEC.conform(dissolve_overlaps(gdf.explode(ignore_index=True)))
