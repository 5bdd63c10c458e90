"""Public squares: paved open ground where people stand and walk."""

from __future__ import annotations

import geopandas as gpd

from layers.spec import Column, LayerSpec

SPEC = LayerSpec(
    name="squares",
    geometry="polygon",
    about="Public squares and pedestrian areas.",
    columns=(
        Column("id", "str", about="identifier in the source"),
        Column("name", "str", about="name, any script"),
    ),
    osm={"place": "square", "highway": "pedestrian"},
)


def tidy(raw: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return raw polygons as the squares layer; lines and points are left out."""
    return SPEC.conform(raw[raw.geom_type.isin(["Polygon", "MultiPolygon"])])
