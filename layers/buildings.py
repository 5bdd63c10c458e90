"""Buildings: footprints with heights that say where they come from, and how sure they are."""

from __future__ import annotations

import geopandas as gpd
import pandas as pd

from layers.heights import complete_heights, drop_outlines_with_parts
from layers.spec import Column, LayerSpec
from layers.uses import USES, building_use

HEIGHT_SOURCES = ("measured", "tag", "parts", "levels", "neighbours", "default")
ROOF_SHAPES = ("flat", "gabled", "hipped", "pyramidal", "mansard", "skillion", "round", "other")

SPEC = LayerSpec(
    name="buildings",
    geometry="polygon",
    about="Building footprints, one row a building or a building part. Overture names.",
    columns=(
        Column("id", "str", about="identifier in the source"),
        Column("name", "str", about="name, any script"),
        Column("height", "float", "m", "roof top above the ground", low=0.5, high=1000,
               complete=True),
        Column("height_from", "str", about="where the height comes from",
               choices=HEIGHT_SOURCES, complete=True),
        Column("height_sigma", "float", "m", "standard deviation of the height", low=0, high=500,
               complete=True),
        Column("min_height", "float", "m", "underside above the ground (parts, bridges)", low=0,
               high=1000, default=0.0),
        Column("ground_z", "float", "m", "ground above the vertical datum", low=-500, high=9000),
        Column("num_floors", "float", "1", "storeys above the ground", low=0.5, high=250,
               complete=True),
        Column("floors_from", "str", about="where the storeys come from",
               choices=("tag", "height"), complete=True),
        Column("class", "str", about="the source's own type"),
        Column("use", "str", about="use, for energy", choices=USES, complete=True),
        Column("use_from", "str", about="where the use comes from",
               choices=("tag", "landuse", "default"), complete=True),
        Column("year", "float", "1", "year of construction", low=0, high=2200),
        Column("dwellings", "float", "1", "homes in the building", low=0, high=20000),
        Column("roof_shape", "str", about="roof shape", choices=ROOF_SHAPES),
        Column("green_roof", "float", "1", "share of the roof that is planted", low=0, high=1,
               default=0.0),
    ),
    osm={"building": True, "building:part": True},
)

# Names other sources use, so that `tidy` takes an OSM, Overture or plain table alike.
ALIASES = {
    "levels": "num_floors",
    "floors": "num_floors",
    "building:levels": "num_floors",
    "building": "class",
    "building:part": "part",
    "building:height": "height",
    "roof:shape": "roof_shape",
    "start_date": "year",
    "building:flats": "dwellings",
}


def tidy(raw: gpd.GeoDataFrame, *, landuse: gpd.GeoDataFrame | None = None,
         country: str = "") -> gpd.GeoDataFrame:
    """Return raw footprints as the buildings layer: every height, use and storey number filled.

    Parameters
    ----------
    raw
        Polygons in a projected CRS. Text heights such as ``"12.13 m"`` or ``"574'"`` are parsed.
    landuse
        Polygons with a ``use`` column for buildings whose own tags do not tell.
    country
        ISO code for the typical number of storeys where nothing else is known.

    Returns
    -------
    geopandas.GeoDataFrame
        The buildings layer, one row a building or part; outlines covered by their parts are gone.
    """
    gdf = raw.rename(columns={k: v for k, v in ALIASES.items()
                              if k in raw.columns and v not in raw.columns})
    gdf = drop_outlines_with_parts(_above_ground(gdf))
    gdf = building_use(gdf, landuse)
    gdf = complete_heights(gdf, country=country)
    gdf["year"] = _year(gdf)
    gdf["roof_shape"] = _roof(gdf)
    return SPEC.conform(gdf)


def height_shares(buildings: gpd.GeoDataFrame) -> dict[str, float]:
    """Return the share of buildings by source of the height, in order of trust [0..1]."""
    share = buildings["height_from"].value_counts(normalize=True)
    return {k: float(share[k]) for k in HEIGHT_SOURCES if k in share.index}


def _above_ground(gdf: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    below = pd.Series(False, index=gdf.index)
    if "location" in gdf.columns:
        below |= gdf["location"].astype(str).eq("underground")
    if "is_underground" in gdf.columns:
        below |= gdf["is_underground"].astype(str).str.lower().isin(["true", "yes", "1"])
    if "layer" in gdf.columns:
        level = pd.to_numeric(gdf["layer"], errors="coerce").fillna(0)
        has_height = gdf["height"].notna() if "height" in gdf.columns else False
        below |= (level < 0) & ~pd.Series(has_height, index=gdf.index)
    return gdf[~below]


def _year(gdf: gpd.GeoDataFrame) -> pd.Series:
    if "year" not in gdf.columns:
        return pd.Series(float("nan"), index=gdf.index)
    four = gdf["year"].astype(str).str.extract(r"(?<!\d)(1[0-9]{3}|20[0-9]{2})(?!\d)")[0]
    return pd.to_numeric(four, errors="coerce")


def _roof(gdf: gpd.GeoDataFrame) -> pd.Series:
    if "roof_shape" not in gdf.columns:
        return pd.Series("", index=gdf.index)
    shape = gdf["roof_shape"].fillna("").astype(str).str.lower()
    known = {"half-hipped": "hipped", "gambrel": "mansard", "dome": "round", "onion": "round",
             "saltbox": "gabled", "lean_to": "skillion", "hipped_flat": "hipped"}
    shape = shape.replace(known)
    return shape.where(shape.isin(ROOF_SHAPES) | shape.eq(""), "other")
