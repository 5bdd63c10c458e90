"""Buildings: footprints with heights that say where they come from, and how sure they are."""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from layers.energy_tags import ALIASES as ENERGY_ALIASES
from layers.energy_tags import COLUMNS as ENERGY_COLUMNS
from layers.energy_tags import HEATING as HEATING
from layers.energy_tags import STRUCTURES as STRUCTURES
from layers.energy_tags import energy_tags
from layers.heights import complete_heights, parse_number
from layers.roof_tags import ALIASES as ROOF_ALIASES
from layers.roof_tags import COLUMNS as ROOF_COLUMNS
from layers.roof_tags import roof_tags
from layers.shapes import SLIVER
from layers.spec import Column, LayerSpec
from layers.uses import USES, building_use

HEIGHT_SOURCES = ("measured", "tag", "parts", "levels", "neighbours", "default")
RAISED = 3.0  # a part that begins higher than this stands over open ground or another part [m]
DRAWN_TWICE = "m2 of ground drawn more than once or underground, cut"
ROUNDING = 1.0  # footprints overlap by less than this where coordinates were rounded [m2]

SPEC = LayerSpec(
    name="buildings",
    geometry="polygon",
    about="Building footprints, one row a building or a building part. Overture names.",
    columns=(
        Column("id", "str", about="identifier in the source"),
        Column("name", "str", about="name, any script"),
        Column("height", "float", "m", "top of the walls (eaves) or roof above the ground",
               low=0.5, high=1000, complete=True),
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
        *ROOF_COLUMNS,
        Column("green_roof", "float", "1", "share of the roof that is planted", low=0, high=1,
               default=0.0),
        *ENERGY_COLUMNS,
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
    "start_date": "year",
    "building:flats": "dwellings",
    **ROOF_ALIASES,
    **ENERGY_ALIASES,
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
        The buildings layer, one row a building or part; outlines keep the ground their parts
        leave free.
    """
    names: dict[str, str] = {}
    for theirs, ours in ALIASES.items():
        if theirs in raw.columns and ours not in {*raw.columns, *names.values()}:
            names[theirs] = ours
    gdf = raw.rename(columns=names)
    gdf = drop_outlines_with_parts(_above_ground(gdf))
    gdf = building_use(gdf, landuse)
    gdf = cut_stacked(complete_heights(gdf, country=country))
    gdf["year"] = _year(gdf)
    if "dwellings" in gdf.columns:  # people write "4;5"
        homes = parse_number(gdf["dwellings"])
        gdf["dwellings"] = homes.where(homes.between(0, 20000))
    return SPEC.conform(energy_tags(roof_tags(gdf)))


FLOOR_SHARE = 0.95  # floor area per footprint where storeys are inferred from the height


def gross_floor_area(buildings: gpd.GeoDataFrame) -> np.ndarray:
    """Return the gross floor area of each building: footprint times storeys [m2].

    Where the storeys are inferred from the height the area is taken at 95 %, as roofs and halls
    make the inference too high on average.
    """
    floors = buildings["num_floors"].to_numpy(dtype=float)
    inferred = (buildings["floors_from"] == "height").to_numpy()
    return np.asarray(buildings.area.to_numpy() * floors * np.where(inferred, FLOOR_SHARE, 1.0))


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
    return pd.Series(pd.to_numeric(four, errors="coerce"))


def drop_outlines_with_parts(gdf: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return footprints in which building parts replace the outline they cover.

    An outline keeps the ground its parts leave free, and goes when that is less than a tenth.
    Parts that know neither height nor storeys take the outline's; such a height is marked
    ``height_from = "parts"``.
    """
    part = _is_part(gdf)
    if not part.any() or part.all():
        return gdf
    outlines, parts = gdf[~part], gdf[part].copy()
    ground = parts.geometry.values
    of_part, of_outline, shared = _overlaps(ground, outlines.geometry.values)
    within = shared > 0.5 * shapely.area(ground)[of_part]
    owner = pd.Series(of_outline[within], index=of_part[within])
    owner = owner[~owner.index.duplicated()]
    rows = parts.index[owner.index.to_numpy()]
    sizes = [c for c in ("height", "num_floors") if c in gdf.columns]
    mute = np.logical_and.reduce([_blank(parts[c])[rows].to_numpy() for c in sizes]) \
        if sizes else np.zeros(len(rows), dtype=bool)
    for column in (*sizes, "use", "class", "amenity", "shop", "office", "name", "year",
                   "structure", "heating"):
        if column not in gdf.columns:
            continue
        inherited = pd.Series(outlines[column].to_numpy()[owner.to_numpy()], index=rows)
        fill = mute if column in sizes else _blank(parts[column])[rows].to_numpy()
        parts[column] = parts[column].astype("object")
        parts.loc[rows[fill], column] = inherited[fill].astype("object")
        if column == "height":
            given = parts["height_from"] if "height_from" in parts.columns else None
            parts["height_from"] = pd.Series(given, index=parts.index, dtype="object")
            parts.loc[rows[fill & ~_blank(inherited).to_numpy()], "height_from"] = "parts"
    outlines = _without(outlines, of_outline, ground[of_part], least=0.1)
    return gpd.GeoDataFrame(pd.concat([outlines, parts]), crs=gdf.crs)


def cut_stacked(gdf: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return footprints that end where a higher one stands on the same ground.

    People draw a terraced building as parts in each other, and a tower over its podium, all
    counted from the street. Cut, each square metre of ground and of floor counts once. Overlaps of
    less than a square metre are the rounding of coordinates and stay.
    """
    ground = gdf.geometry.values
    low, high, shared = _overlaps(ground, ground)
    rank = np.argsort(np.argsort(gdf["height"].to_numpy(dtype=float), kind="stable"))
    # A part that begins at or below the top of another stands on it; one that begins higher hangs.
    stands = gdf["min_height"].to_numpy()[high] <= gdf["height"].to_numpy()[low] + RAISED
    covers = (rank[high] > rank[low]) & stands
    covers &= shared > ROUNDING
    return _without(gdf, low[covers], ground[high[covers]])


def _is_part(gdf: gpd.GeoDataFrame) -> np.ndarray:
    if "part" not in gdf.columns:
        return np.zeros(len(gdf), dtype=bool)
    return np.asarray(~_blank(gdf["part"]) & (gdf["part"].astype(str) != "no"))


def _blank(values: pd.Series) -> pd.Series:
    return values.isna() | values.astype(str).isin(["", "nan", "None"])


def _overlaps(left: Any, right: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the rows of polygons that share ground, and how much [m2]."""
    at, of = shapely.STRtree(right).query(left, predicate="intersects")
    shared = shapely.area(shapely.intersection(left[at], right[of]))
    real = shared > SLIVER
    return at[real], of[real], shared[real]


def _without(gdf: gpd.GeoDataFrame, rows: np.ndarray, taken: Any,
             least: float = 0.0) -> gpd.GeoDataFrame:
    """Return polygons less the ground ``taken`` from each row; gone where little is left."""
    if not len(rows):
        return gdf
    over = gpd.GeoDataFrame({"row": rows}, geometry=taken, crs=gdf.crs).dissolve("row")
    at = over.index.to_numpy()
    shapes = np.asarray(gdf.geometry.values, dtype=object).copy()
    whole = shapely.area(shapes[at])
    shapes[at] = shapely.difference(shapes[at], over.geometry.values)
    kept = np.ones(len(gdf), dtype=bool)
    kept[at] = shapely.area(shapes[at]) > np.maximum(least * whole, 1.0)
    return gdf.set_geometry(gpd.GeoSeries(shapes, index=gdf.index, crs=gdf.crs))[kept]
