"""Green: parks, grass, forest, scrub, wetland and cropland as surfaces, trees and tree rows."""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from layers.heights import parse_number
from layers.shapes import dissolve_overlaps
from layers.spec import Column, LayerSpec

# From the most particular cover to the most general: the first wins where two overlap.
CLASSES = ("wetland", "forest", "scrub", "grass", "cropland", "park")

SPEC = LayerSpec(
    name="green",
    geometry="polygon",
    about="Green surfaces by cover.",
    columns=(
        Column("id", "str", about="identifier in the source"),
        Column("name", "str", about="name, any script"),
        Column("class", "str", about="cover", choices=CLASSES, complete=True),
    ),
    osm={
        "leisure": ["park", "garden", "golf_course", "pitch", "nature_reserve"],
        "landuse": ["grass", "forest", "meadow", "village_green", "recreation_ground", "cemetery",
                    "orchard", "farmland", "allotments", "greenfield", "flowerbed", "vineyard"],
        "natural": ["wood", "scrub", "grassland", "heath", "wetland", "tree", "tree_row"],
    },
)

_TREE_COLUMNS = (
    Column("id", "str", about="identifier in the source"),
    Column("name", "str", about="species or name, any script"),
    Column("height", "float", "m", "tree top above the ground", low=0.3, high=120, complete=True),
    Column("crown", "float", "m", "crown diameter", low=0.2, high=50, complete=True),
    Column("size_from", "str", about="where height and crown come from",
           choices=("tag", "part tag", "default", "planted"), complete=True),
    Column("age", "float", "a", "years since planting of what a plan plants; its size is that once "
           "grown, and unknown counts as grown", low=0, high=500),
)

TREES = LayerSpec("trees", "point", _TREE_COLUMNS, "Single trees.", {"natural": "tree"})

TREE_ROWS = LayerSpec(
    "tree_rows", "line",
    (*_TREE_COLUMNS, Column("spacing", "float", "m", "distance between stems", low=1, high=100,
                            default=8.0)),
    "Rows of trees drawn as lines.", {"natural": "tree_row"},
)

TREE_HEIGHT, TREE_CROWN = 8.0, 5.0  # a mid-aged street tree [m]; assumed, counted in `size_from`

WORDS = {
    "park": "park", "garden": "park", "cemetery": "park", "nature_reserve": "park",
    "village_green": "grass", "recreation_ground": "grass", "golf_course": "grass",
    "pitch": "grass", "grass": "grass", "meadow": "grass", "grassland": "grass",
    "greenfield": "grass", "flowerbed": "grass", "lawn": "grass",
    "forest": "forest", "wood": "forest", "orchard": "forest",
    "scrub": "scrub", "heath": "scrub", "vineyard": "scrub",
    "公园": "park", "公园绿地": "park", "花园": "park", "广场绿地": "park", "绿地": "grass",
    "草地": "grass", "草坪": "grass", "防护绿地": "forest", "林地": "forest", "树林": "forest",
    "灌木": "scrub", "湿地": "wetland", "农田": "cropland", "耕地": "cropland",
    "wetland": "wetland", "farmland": "cropland", "allotments": "cropland", "cropland": "cropland",
}


def tidy(raw: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return raw polygons as the green layer; no two of them overlap.

    Where two overlap, the more particular cover stays (a wood in a park is forest), so that areas
    can be added.
    """
    gdf = raw[raw.geom_type.isin(["Polygon", "MultiPolygon"])].copy()
    cover = pd.Series(None, index=gdf.index, dtype="object")
    for column in ("class", "natural", "landuse", "leisure"):
        cover = cover.fillna(_first(gdf, column).str.lower().map(WORDS))
    hard = _first(gdf, "surface").isin(["artificial_turf", "asphalt", "tartan", "concrete"])
    wet = _first(gdf, "natural").isin(["water", "bay"])  # a lake in a reserve is no park
    gdf["class"] = cover
    gdf = gdf[cover.notna() & ~hard & ~wet]
    return SPEC.conform(without_overlap(gdf))


def tidy_trees(raw: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return raw points as the trees layer, missing heights and crowns filled and counted."""
    gdf = raw[raw.geom_type.isin(["Point", "MultiPoint"])].explode(ignore_index=True)
    return TREES.conform(_sized(gdf))


def tidy_tree_rows(raw: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return raw lines as the tree_rows layer."""
    gdf = raw[raw.geom_type.isin(["LineString", "MultiLineString"])].copy()
    return TREE_ROWS.conform(_sized(gdf))


def all_trees(trees: gpd.GeoDataFrame, tree_rows: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return single trees and the stems of tree rows as one table of points."""
    if tree_rows.empty:
        return trees
    parts = tree_rows.explode(ignore_index=True)
    length = parts.geometry.length.to_numpy()
    count = np.maximum(1, np.floor(length / parts["spacing"].to_numpy()).astype(int) + 1)
    row = np.repeat(np.arange(len(parts)), count)
    place = (np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)).astype(float)
    along = np.minimum(place * parts["spacing"].to_numpy()[row], length[row])
    stems = parts.iloc[row].drop(columns="spacing").reset_index(drop=True)
    stems = stems.set_geometry(
        gpd.GeoSeries(shapely.line_interpolate_point(parts.geometry.values[row], along),
                      crs=tree_rows.crs))
    return gpd.GeoDataFrame(pd.concat([trees, stems], ignore_index=True), crs=trees.crs)


def crown_area(trees: gpd.GeoDataFrame) -> np.ndarray:
    """Return the ground each crown covers [m2]."""
    return np.asarray(np.pi / 4 * trees["crown"].to_numpy(dtype=float) ** 2)


def crowns(trees: gpd.GeoDataFrame) -> gpd.GeoSeries:
    """Return each tree's crown as a disc (a 16-gon of the same area)."""
    gon = 0.5 * 16 * np.sin(2 * np.pi / 16)  # area of a 16-gon of radius one
    radius = trees["crown"].to_numpy() / 2 * np.sqrt(np.pi / gon)
    return gpd.GeoSeries(shapely.buffer(trees.geometry.values, radius, quad_segs=4),
                         index=trees.index, crs=trees.crs)


def without_overlap(gdf: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return polygons of which no two overlap, the cover first in `CLASSES` kept."""
    kept: list[gpd.GeoDataFrame] = []
    taken: Any = None
    for cover in CLASSES:
        part = gdf[gdf["class"] == cover]
        if part.empty:
            continue
        part = dissolve_overlaps(part.explode(ignore_index=True))
        if taken is not None:
            part = part.set_geometry(part.geometry.difference(taken))
        part = part.explode(ignore_index=True)
        part = part[(part.geom_type == "Polygon") & (part.area > 0.01)]
        merged = shapely.union_all(part.geometry.values)
        taken = merged if taken is None else shapely.union(taken, merged)
        kept.append(part)
    return gpd.GeoDataFrame(pd.concat(kept, ignore_index=True), crs=gdf.crs) if kept else gdf


def _sized(gdf: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    height = parse_number(gdf["height"]) if "height" in gdf.columns else _nan(gdf)
    crown = _nan(gdf)
    for column in ("diameter_crown", "crown"):
        if column in gdf.columns:
            crown = crown.fillna(parse_number(gdf[column]))
    height, crown = height.where(height.between(0.3, 120)), crown.where(crown.between(0.2, 50))
    known = height.notna().astype(int) + crown.notna().astype(int)
    gdf["size_from"] = np.select([known == 2, known == 1], ["tag", "part tag"], "default")
    ratio = TREE_CROWN / TREE_HEIGHT
    gdf["height"] = height.fillna((crown / ratio).clip(2, 40)).fillna(TREE_HEIGHT)
    gdf["crown"] = crown.fillna((height * ratio).clip(1, 20)).fillna(TREE_CROWN)
    if "name" not in gdf.columns:
        gdf["name"] = _first(gdf, "species", "genus")
    return gdf


def _first(gdf: gpd.GeoDataFrame, *columns: str) -> pd.Series:
    value = pd.Series(None, index=gdf.index, dtype="object")
    for column in columns:
        if column in gdf.columns:
            value = value.where(value.notna() & (value != ""), gdf[column].astype("object"))
    return value.where(value.notna(), "").astype(str)


def _nan(gdf: gpd.GeoDataFrame) -> pd.Series:
    return pd.Series(np.nan, index=gdf.index)
