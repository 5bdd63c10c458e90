"""Cities that come with the package: the centre of Nantes, and a toy town made from a seed."""

from __future__ import annotations

from functools import lru_cache
from importlib.resources import files
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
import xarray as xr
from pyproj import CRS

from layers import buildings, green, roads, squares, water
from layers.city import City
from layers.errors import CityTwinError, nearest
from layers.normals import load_normals
from layers.place import Place
from layers.provenance import now
from layers.terrain import terrain_from_points
from layers.typical_year import typical_year

# The demonstration district: west, south, east, north [m, EPSG:2154].
DISTRICT = (354_600.0, 6_688_800.0, 356_100.0, 6_690_300.0)
MARGIN = 300.0  # features this far outside the area are kept as context [m]

_USE = {"Résidentiel": "residential",
        "Industriel": "industrial", "Religieux": "other", "Sportif": "culture",
        "Annexe": "unconditioned"}

# Vehicle kilometres a year [km a-1]: 540 vehicles an hour at 8 h, the mean of 150 permanent
# counting points in 2019, over a peak-hour share of 0.09, on the secondary and tertiary streets of
# the area, and the class default on all others.
COUNTED_DAILY = 540 / 0.09
CONTROL_SOURCE = ("Traffic control total: mean of 150 counting points of Nantes Métropole, 2019 "
                  "(AURAN, in France Bleu, 21 November 2020), peak-hour share 0.09 assumed")

# What the sources do not have; the number is what they do have.
NOT_KNOWN = (
    ("water is basins only: the Loire and the Erdre are missing, none was invented", 9),
    ("trees are those of two squares only, none was invented", 98),
    ("parks and lawns are missing, none was invented", 0),
)

SOURCES = (
    "Buildings, roads, squares, ground: IGN, BD TOPO, edition 2025-06-15, Licence Ouverte 2.0",
    "Trees, water: OpenStreetMap contributors, ODbL 1.0",
)


def sample(name: str = "district") -> City:
    """Return an embedded real city: the centre of Nantes, France.

    Buildings have surveyed heights to the eaves (BD TOPO), storeys, homes and ground; roads have
    widths and lanes. The sources hold few trees (98, all in two places) and no river: none is
    invented. The weather is a typical year generated from published monthly normals, not
    measured.

    Parameters
    ----------
    name
        ``"district"`` for 1.5 x 1.5 km of the old town, ``"nantes"`` for all 5.6 km2.
    """
    if name not in ("district", "nantes"):
        raise CityTwinError(f"there is no sample {name!r}{nearest(name, ['district', 'nantes'])}",
                            mend="Samples are 'district' and 'nantes'")
    whole = _nantes()
    if name == "nantes":
        return whole
    west, south, east, north = DISTRICT
    around = whole.clip((west - MARGIN, south - MARGIN, east + MARGIN, north + MARGIN))
    return City(around.layers, shapely.box(*DISTRICT), whole.crs, name="Nantes, old town",
                place=whole.place, sources=whole.sources,
                history=(*whole.history, f"{now()}: cut to the demonstration district"),
                fallbacks=whole.fallbacks,
                controls=_controls(around.frame("roads"), shapely.box(*DISTRICT)))


@lru_cache(maxsize=1)
def _nantes() -> City:
    raw = {n: _table(n) for n in ("buildings", "roads", "trees", "squares", "water", "terrain",
                                  "area")}
    crs = CRS.from_epsg(2154)
    area = raw["area"].geometry.iloc[0]
    layers: dict[str, Any] = {
        "buildings": nantes_buildings(),
        "roads": roads.tidy(raw["roads"].rename(columns={"speed": "mean_speed"})),
        "green": green.SPEC.empty(crs),
        "trees": green.tidy_trees(raw["trees"]),
        "water": water.tidy(raw["water"]),
        "squares": squares.tidy(raw["squares"]),
        "terrain": terrain_from_points(raw["terrain"], area.bounds),
        "weather": _nantes_weather(),
    }
    return City(layers, area, crs, name="Nantes, centre",
                place=Place("FR", "Pays de la Loire", "user"),
                sources=(*SOURCES, f"Weather: {layers['weather'].attrs['title']}",
                         CONTROL_SOURCE),
                history=(f"{now()}: the embedded sample was read",),
                controls=_controls(layers["roads"], area),
                fallbacks=NOT_KNOWN)


def surveyed_heights() -> int:
    """Return how many buildings of the sample have a surveyed height."""
    return int(_table("buildings")["height"].notna().sum())


def _controls(streets: gpd.GeoDataFrame, area: Any) -> dict[str, float]:
    length = shapely.length(shapely.intersection(streets.geometry.values, area)) / 1000
    by_class = pd.Series(length).groupby(streets["class"].to_numpy()).sum()
    main = by_class.reindex(["secondary", "tertiary"]).sum() * COUNTED_DAILY
    minor = by_class.reindex(["residential", "unclassified"]).sum() * 500 \
        + by_class.reindex(["living_street", "service"]).sum() * 250
    return {"vehicle_km": float(365 * (main + minor))}


def nantes_buildings(*, masked: np.ndarray | None = None) -> gpd.GeoDataFrame:
    """Return the buildings of the sample, tidied.

    Parameters
    ----------
    masked
        Boolean per known height, in file order: those heights are hidden before the inference.
        The answer then has their truth in ``true_height``.
    """
    raw = _table("buildings")
    nature = raw["usage1"].fillna("").astype(str)
    light, small = raw["light"].to_numpy(dtype=bool), (raw.area < 30).to_numpy()
    homes = raw["dwellings"].to_numpy(dtype=float)
    vague = np.where(homes > 0, "residential", np.where(light | small, "unconditioned", "other"))
    # Shops and services are one class in the source: of three storeys and more, mostly offices.
    trade = (nature == "Commercial et services").to_numpy()
    vague[trade] = np.where((raw["num_floors"] >= 3) | (raw["height"] >= 12), "office",
                            "retail")[trade]
    use = nature.map(_USE)
    raw["use"] = use.where(use.notna(), pd.Series(vague, index=raw.index))
    raw["class"] = nature.where(nature != "Indifférencié", raw["nature"].fillna("").astype(str))
    raw["height_from"] = np.where(raw["height"].notna(), "measured", "")
    if masked is None:
        tidied = buildings.tidy(raw, country="FR")
        guessed = use.isna().to_numpy()[raw.index.get_indexer(tidied.index)]
        return tidied.assign(use_from=np.where(guessed, "default", tidied["use_from"]))
    known = np.flatnonzero(raw["height"].notna())
    hidden = known[masked]
    truth = raw["height"].to_numpy(dtype=float, copy=True)
    raw.iloc[hidden, raw.columns.get_loc("height")] = np.nan
    raw.iloc[hidden, raw.columns.get_loc("height_from")] = ""
    tidied = buildings.tidy(raw, country="FR")
    return tidied.assign(true_height=pd.Series(truth, index=raw.index)[tidied.index]) \
        .loc[raw.index[hidden]]


@lru_cache(maxsize=1)
def _nantes_weather() -> xr.Dataset:
    normals, about = load_normals("nantes")
    keys = ("title", "source", "licence", "latitude", "longitude", "elevation", "utc_offset")
    return typical_year(normals, **{k: about[k] for k in keys})


def _table(name: str) -> gpd.GeoDataFrame:
    with (files("layers") / "data" / "nantes" / f"{name}.parquet").open("rb") as stream:
        return gpd.read_parquet(stream)


def toy_town(seed: int = 0, *, blocks: tuple[int, int] = (5, 3),
             country: str = "FR") -> City:
    """Return a small made-up town for tests and examples; never a stand-in for a real one.

    Streets on an 80 m raster, blocks of houses and one tower, a park with trees, a canal, one
    planned wind corridor. West-east it is longer than south-north, and nothing is symmetric.

    Parameters
    ----------
    seed
        Seed of sizes, heights and uses.
    blocks
        Number of blocks east and north.
    country
        ISO code, for factors.
    """
    rng = np.random.default_rng(seed)
    nx, ny = blocks
    pitch, x0, y0 = 80.0, 500_000.0, 3_380_000.0
    crs = CRS.from_epsg(32650)
    width, height = nx * pitch, ny * pitch
    area = shapely.box(x0, y0, x0 + width, y0 + height)

    lots = [(i, j, k) for i in range(nx) for j in range(ny) for k in range(4)
            if (i, j) != (1, 1)]
    i, j, k = np.array(lots).T
    west = x0 + i * pitch + 10 + (k % 2) * 32
    south = y0 + j * pitch + 10 + (k // 2) * 32
    wide, deep = rng.uniform(14, 26, len(lots)), rng.uniform(12, 24, len(lots))
    floors = rng.integers(2, 8, len(lots)).astype(float)
    floors[-1] = 18.0  # one tower, in the north-east
    known = rng.random(len(lots)) < 0.5
    uses = rng.choice(["residential", "office", "retail", "education"], len(lots),
                      p=[0.6, 0.2, 0.15, 0.05])
    built = gpd.GeoDataFrame(
        {"id": [f"b{n}" for n in range(len(lots))], "num_floors": floors, "use": uses,
         "height": np.where(known, floors * 3.2 + 1.0, np.nan), "ground_z": 20.0,
         "roof_shape": np.where(rng.random(len(lots)) < 0.3, "gabled", "")},
        geometry=shapely.box(west, south, west + wide, south + deep), crs=crs)

    lines, kinds, names = [], [], []
    for n in range(nx + 1):
        lines.append(shapely.linestrings([[x0 + n * pitch, y0], [x0 + n * pitch, y0 + height]]))
        kinds.append("secondary" if n == 2 else "residential")
        names.append(f"第{n}街")
    for n in range(ny + 1):
        lines.append(shapely.linestrings([[x0, y0 + n * pitch], [x0 + width, y0 + n * pitch]]))
        kinds.append("primary" if n == 1 else "residential")
        names.append(f"{n} Cross Street")
    streets = gpd.GeoDataFrame({"class": kinds, "name": names, "id": [f"r{n}" for n in
                               range(len(lines))]}, geometry=lines, crs=crs)

    park = shapely.box(x0 + pitch + 12, y0 + pitch + 12, x0 + 2 * pitch - 12, y0 + 2 * pitch - 12)
    stems = rng.uniform(0, 1, (12, 2)) * (2 * pitch, pitch) + (x0 + pitch, y0 + pitch)
    trees = gpd.GeoDataFrame({"height": rng.uniform(5, 15, 12), "crown": rng.uniform(3, 8, 12)},
                             geometry=shapely.points(stems), crs=crs)
    canal = gpd.GeoDataFrame({"class": ["canal"], "name": ["运河"]}, geometry=[
        shapely.box(x0, y0 + height - 8, x0 + width, y0 + height)], crs=crs)
    plan = gpd.GeoDataFrame({"name": ["main"], "level": [2], "width": [40.0]}, geometry=[
        shapely.linestrings([[x0 + 3.5 * pitch, y0 - 5], [x0 + 3.5 * pitch, y0 + height + 5]])],
        crs=crs)
    from layers import corridors

    layers: dict[str, Any] = {
        "buildings": buildings.tidy(built, country=country), "roads": roads.tidy(streets),
        "green": green.tidy(gpd.GeoDataFrame({"class": ["park"]}, geometry=[park], crs=crs)),
        "trees": green.tidy_trees(trees), "water": water.tidy(canal),
        "corridors": corridors.tidy(plan), "weather": _nantes_weather(),
    }
    return City(layers, area, crs, name=f"Toy town {seed}", place=Place(country, "", "user"),
                sources=("Toy town: made up by a program from a seed",),
                history=(f"{now()}: toy town {seed} was made",))
