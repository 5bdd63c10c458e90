"""Heights of buildings: one parser of what people write, and one inference for the rest.

The order of trust is measured, tag, parts, levels, neighbours of the same use, default. Each
height has a standard deviation; the constants below were fitted on the surveyed heights of the
embedded city (``citytwin validate heights`` shows the fit and its misfits).
"""

from __future__ import annotations

import re

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from scipy.spatial import cKDTree

FOOT, INCH = 0.3048, 0.0254

_NUMBER = r"[-+]?\d+(?:[.,]\d+)?"
_FEET = re.compile(
    rf"^({_NUMBER})\s*(?:'|′|’|ft|feet|foot)\s*(?:({_NUMBER})\s*(?:\"|″|”|''|in)?)?$")
_METRES = re.compile(rf"^[~<>≈约]?\s*({_NUMBER})\s*(?:m|metres?|meters?|mètres?|米)?\.?$")
_RANGE = re.compile(rf"^({_NUMBER})\s*(?:-|–|to|\.\.)\s*({_NUMBER})\s*(m|'|ft)?$")

# Storey height [m] by use (GB 50352 and design practice) and what a roof adds above the eaves.
STOREY = {"residential": 3.0, "hotel": 3.6, "office": 3.9, "education": 3.9, "hospital": 4.2,
          "retail": 4.5, "industrial": 6.0, "transport": 6.0, "culture": 5.0, "other": 4.0,
          "unconditioned": 3.0}

# Storeys where nothing is known: by use, and the taller housing of Chinese cities.
_FLOORS = {"residential": 2.0, "hotel": 5.0, "office": 4.0, "education": 3.0, "hospital": 4.0,
           "retail": 2.0, "industrial": 1.0, "transport": 1.0, "culture": 2.0, "other": 2.0,
           "unconditioned": 1.0}
_FLOORS_CHINA = {**_FLOORS, "residential": 6.0, "office": 8.0, "hotel": 8.0, "hospital": 6.0}

NEIGHBOURS = 8         # how many neighbours with a known height are asked
NEIGHBOUR_REACH = 150  # how far away they may be [m]


def parse_length(text: object) -> float:
    """Return a length in metres from what people write, NaN when it is none.

    Takes ``12.13``, ``12.13 m``, ``2,5``, ``574'``, ``6' 2"``, ``40 ft``, ``3;4`` (the highest),
    ``10-12`` (the middle).

    Examples
    --------
    >>> parse_length("12.13 m"), round(parse_length("574'"), 2), parse_length("3;4")
    (12.13, 174.96, 4.0)
    """
    if isinstance(text, int | float | np.number):
        return float(text)
    words = str(text).strip().lower()
    if ";" in words or "/" in words:
        many = [parse_length(part) for part in re.split(r"[;/]", words)]
        known = [value for value in many if value == value]
        return max(known) if known else float("nan")
    if found := _METRES.match(words):
        return _number(found[1])
    if found := _FEET.match(words):
        return _number(found[1]) * FOOT + (_number(found[2]) * INCH if found[2] else 0.0)
    if found := _RANGE.match(words):
        unit = FOOT if found[3] in ("'", "ft") else 1.0
        return (_number(found[1]) + _number(found[2])) / 2 * unit
    return float("nan")


def parse_number(values: pd.Series) -> pd.Series:
    """Return a column of lengths or counts as numbers; text is read with `parse_length`."""
    if values.dtype.kind in "fiu":
        return values.astype("float64")
    words = values.astype("object").where(values.notna(), "")
    distinct = {word: parse_length(word) for word in set(words)}
    return words.map(distinct).astype("float64")


def parse_speed(values: pd.Series) -> pd.Series:
    """Return speed limits in km/h; ``30 mph`` is converted, ``walk`` is 6, words are NaN."""
    if values.dtype.kind in "fiu":
        return values.astype("float64")
    words = values.astype("object").where(values.notna(), "").astype(str).str.lower()
    mph = words.str.contains("mph")
    number = pd.to_numeric(words.str.extract(r"(\d+(?:\.\d+)?)")[0], errors="coerce")
    number = number.where(~mph, number * 1.609344)
    return number.where(~words.str.contains("walk"), 6.0).astype("float64")


def complete_heights(gdf: gpd.GeoDataFrame, *, country: str = "") -> gpd.GeoDataFrame:
    """Return footprints with ``height``, ``height_from``, ``height_sigma`` and storeys filled.

    Parameters
    ----------
    gdf
        Footprints with ``use``; ``height`` and ``num_floors`` where known, as numbers or text.
    country
        ISO code; ``"CN"`` has taller defaults.
    """
    n = len(gdf)
    floors = _within(gdf, "num_floors", 0.5, 250)
    height = _within(gdf, "height", 0.5, 1000).to_numpy(copy=True)
    base = _within(gdf, "min_height", 0, 999).fillna(0.0).to_numpy()
    given = (gdf["height_from"].astype("object").to_numpy(copy=True)
             if "height_from" in gdf.columns else np.full(n, None, dtype="object"))
    source = np.where(pd.isna(given) | (given == ""), "tag", given).astype("object")
    known = ~np.isnan(height)
    sigma = np.where(source == "measured", np.maximum(1.0, 0.05 * height),
                     np.maximum(1.5, 0.10 * height))

    storey = gdf["use"].map(STOREY).to_numpy(dtype=float)
    from_levels = ~known & floors.notna().to_numpy()
    by_levels = levels_height(floors.to_numpy(), storey)
    # Neighbours answer from heights or storeys that are known, never from guesses.
    heard = np.where(known, height, np.where(from_levels, by_levels, np.nan))
    near, spread = _neighbours(gdf, heard, ~known)
    height[from_levels] = by_levels[from_levels]
    source[from_levels] = "levels"
    sigma[from_levels] = levels_sigma(by_levels, near)[from_levels]

    from_near = ~known & ~from_levels & ~np.isnan(near)
    height[from_near] = near[from_near]
    source[from_near] = "neighbours"
    sigma[from_near] = np.maximum(2.0, 1.1 * spread + 0.18 * near)[from_near]

    rest = ~(known | from_levels | from_near)
    typical = gdf["use"].map(_FLOORS_CHINA if country == "CN" else _FLOORS).to_numpy(dtype=float)
    guess = levels_height(typical, storey)
    height[rest] = guess[rest]
    source[rest] = "default"
    sigma[rest] = np.maximum(3.0, 0.75 * guess)[rest]

    height = np.maximum(height, base + 0.5)
    floors_from = np.where(floors.notna(), "tag", "height")
    guessed = np.maximum(1.0, np.round((height - base - ROOF) / storey))
    return gdf.assign(height=height, height_from=source, height_sigma=sigma, min_height=base,
                      num_floors=floors.fillna(pd.Series(guessed, index=gdf.index)),
                      floors_from=floors_from)


TOWER = 20  # storeys from which a building is a tower
ROOF = 1.0  # what roof and parapet add above the storeys [m]


def levels_height(floors: np.ndarray, storey: np.ndarray) -> np.ndarray:
    """Return the height of a building of so many storeys [m].

    The high halls of shops and works are no towers: from 20 storeys on a storey has at most 3.7 m.
    """
    capped = np.where(floors >= TOWER, np.minimum(storey, 3.7), storey)
    return np.asarray(floors * capped + ROOF)


def levels_sigma(height: np.ndarray, near: np.ndarray) -> np.ndarray:
    """Return the standard deviation of a height made from storeys [m].

    It grows with the distance to what the neighbours suggest, as wrong storey numbers stand out.
    """
    gap = np.minimum(np.nan_to_num(np.abs(height - near), nan=3.0), 8.0)
    return np.asarray(1.1 + 0.07 * height + 0.55 * gap)


def _neighbours(gdf: gpd.GeoDataFrame, heard: np.ndarray,
                asking: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Median and spread of the nearest known heights of the same use and like size."""
    point = shapely.get_coordinates(shapely.centroid(gdf.geometry.values))
    # A small shed says little about a block: size is a third coordinate, 40 m a factor of e.
    size = 40.0 * np.log(np.maximum(gdf.area.to_numpy(), 1.0))
    place = np.column_stack([point, size])
    near, spread = np.full(len(gdf), np.nan), np.full(len(gdf), np.nan)
    use = gdf["use"].to_numpy(dtype="object")
    for kind in pd.unique(use):
        have = np.flatnonzero((use == kind) & ~np.isnan(heard))
        ask = np.flatnonzero((use == kind) & asking)
        if len(have) < 4 or not len(ask):
            continue
        distance, at = cKDTree(place[have]).query(place[ask], k=NEIGHBOURS + 1,
                                                  distance_upper_bound=NEIGHBOUR_REACH)
        at = np.minimum(at, len(have) - 1)
        usable = np.isfinite(distance) & (have[at] != ask[:, None])
        enough = usable.sum(axis=1) >= 3
        values = np.where(usable, heard[have][at], np.nan)[enough]
        near[ask[enough]] = np.nanmedian(values, axis=1)
        spread[ask[enough]] = np.nanstd(values, axis=1)
    return near, spread


def _number(text: str) -> float:
    return float(text.replace(",", "."))


def _within(gdf: gpd.GeoDataFrame, column: str, low: float, high: float) -> pd.Series:
    """Return a column as numbers, NaN where it is missing or cannot be true."""
    if column not in gdf.columns:
        return pd.Series(np.nan, index=gdf.index)
    value = parse_number(gdf[column])
    return value.where(value.between(low, high))
