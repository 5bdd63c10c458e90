"""Roads: centre lines with class, lanes, width, speed limit and, where known, traffic volume."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from layers.heights import parse_number, parse_speed
from layers.spec import Column, LayerSpec, truth

MOTOR = ("motorway", "trunk", "primary", "secondary", "tertiary", "residential", "unclassified",
         "service", "living_street")
CLASSES = (*MOTOR, "pedestrian", "footway", "cycleway", "path", "steps", "track")

SPEC = LayerSpec(
    name="roads",
    geometry="line",
    about="Road centre lines; classes are OpenStreetMap's highway values.",
    columns=(
        Column("id", "str", about="identifier in the source"),
        Column("name", "str", about="name, any script"),
        Column("class", "str", about="highway class", choices=CLASSES, complete=True),
        Column("lanes", "float", "1", "lanes, both directions together", low=0, high=24,
               complete=True),
        Column("width", "float", "m", "carriageway width", low=0, high=150, complete=True),
        Column("width_from", "str", about="where the width comes from",
               choices=("tag", "lanes", "default"), complete=True),
        Column("speed_limit", "float", "km h-1", "legal speed", low=0, high=300, complete=True),
        Column("oneway", "bool", about="one direction only"),
        Column("volume", "float", "vehicle d-1",
               "annual mean daily traffic, both directions; NaN when not counted", low=0,
               high=400_000),
        Column("traffic_factor", "float", "1", "what a plan makes of the traffic, of its volume",
               low=0, high=10, default=1.0),
        Column("electric_share", "float", "1",
               "share of the vehicle kilometres that is electric; NaN is that of the fleet",
               low=0, high=1),
    ),
    osm={"highway": [*CLASSES, *(f"{c}_link" for c in MOTOR[:5]), "busway"]},
)

# Lanes (both ways), lane width [m] and legal speed [km/h] of a class where the source is silent.
_DEFAULTS = pd.DataFrame.from_dict(
    {
        "motorway": (4, 3.75, 110), "trunk": (4, 3.5, 80), "primary": (4, 3.25, 50),
        "secondary": (2, 3.25, 50), "tertiary": (2, 3.0, 50), "residential": (2, 2.75, 30),
        "unclassified": (2, 2.75, 50), "service": (1, 3.0, 20), "living_street": (1, 4.0, 20),
        "pedestrian": (0, 6.0, 6), "footway": (0, 2.0, 6), "cycleway": (0, 2.0, 20),
        "path": (0, 1.5, 6), "steps": (0, 2.0, 6), "track": (1, 3.0, 30),
    },
    orient="index", columns=["lanes", "lane_width", "speed_limit"], dtype="float64",
)

# Classes of GB/T 51328, as city files name them.
_CHINESE = {"高速公路": "motorway", "高速": "motorway", "快速路": "trunk", "主干路": "primary",
            "主干道": "primary", "次干路": "secondary", "次干道": "secondary", "支路": "tertiary",
            "支道": "tertiary", "街巷": "residential", "巷道": "residential",
            "居住区道路": "residential", "小区道路": "residential", "步行街": "pedestrian",
            "人行道": "footway"}

_BACKWARD = ("-1", "-1.0", "reverse")  # OpenStreetMap: one-way, against the line as drawn

ALIASES = {"highway": "class", "maxspeed": "speed_limit", "aadt": "volume"}


def tidy(raw: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return raw lines as the roads layer: unknown classes dropped, lanes, width and speed filled.

    Widths come from the tag, else from lanes, else from the class; ``width_from`` tells.
    """
    gdf = raw.rename(columns={k: v for k, v in ALIASES.items()
                              if k in raw.columns and v not in raw.columns}).copy()
    if "class" not in gdf.columns:
        gdf["class"] = "unclassified"
    words = gdf["class"].fillna("").astype(str).str.lower()
    link = words.str.endswith("_link")
    kind = words.str.removesuffix("_link")
    kind = kind.replace(_CHINESE)
    kind = kind.replace({"busway": "service", "road": "unclassified", "": "unclassified"})
    gdf["class"] = kind
    link = link[kind.isin(CLASSES)]
    gdf = gdf[kind.isin(CLASSES)].copy()
    default = _DEFAULTS.reindex(gdf["class"]).set_axis(gdf.index)

    lanes = parse_number(gdf["lanes"]) if "lanes" in gdf.columns else _nan(gdf)
    lanes = lanes.where((lanes > 0) & (lanes <= 24))
    width = parse_number(gdf["width"]) if "width" in gdf.columns else _nan(gdf)
    width = width.where((width > 0.5) & (width <= 150))
    lane_width = default["lane_width"]
    gdf["width_from"] = np.select([width.notna(), lanes.notna()], ["tag", "lanes"], "default")
    gdf = _forward(gdf)
    one_way = one_way_of(gdf, link)
    usual = default["lanes"]
    usual = usual.where(~one_way, (usual / 2).clip(lower=1).where(usual > 0, 0.0))
    filled = lanes.fillna(usual.where(~link, usual.clip(upper=1)))
    gdf["oneway"] = one_way
    gdf["width"] = width.fillna(filled.clip(lower=1) * lane_width)
    gdf["lanes"] = filled
    speed = parse_speed(gdf["speed_limit"]) if "speed_limit" in gdf.columns else _nan(gdf)
    gdf["speed_limit"] = speed.where((speed > 0) & (speed <= 300)).fillna(default["speed_limit"])
    volume = parse_number(gdf["volume"]) if "volume" in gdf.columns else _nan(gdf)
    gdf["volume"] = volume
    return SPEC.conform(gdf)


def one_way_of(gdf: gpd.GeoDataFrame, link: pd.Series) -> pd.Series:
    """Return which roads run one way: as tagged, else motorways, slip roads and roundabouts."""
    implied = link | gdf["class"].eq("motorway")
    if "junction" in gdf.columns:
        implied |= gdf["junction"].isin(["roundabout", "circular"])
    if "oneway" not in gdf.columns:
        return pd.Series(implied)
    tagged = gdf["oneway"].map(truth)
    return pd.Series(tagged.where(tagged.notna(), implied).astype("bool"))


def _forward(gdf: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return the roads with those one-way against their line turned round."""
    if "oneway" not in gdf.columns:
        return gdf
    word = gdf["oneway"].astype(str).str.strip().str.lower()
    back = word.isin(_BACKWARD).to_numpy()
    if not back.any():
        return gdf
    shapes = gdf.geometry.to_numpy()
    turned = np.where(back, shapely.reverse(shapes), shapes)
    return gdf.assign(oneway=gdf["oneway"].astype(object).mask(back, "yes")).set_geometry(
        gpd.GeoSeries(turned, index=gdf.index, crs=gdf.crs))


def _nan(gdf: gpd.GeoDataFrame) -> pd.Series:
    return pd.Series(np.nan, index=gdf.index)
