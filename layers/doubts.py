"""What a file says that cannot be true, or that means nothing to us, counted for the user."""

from __future__ import annotations

from collections import Counter

import geopandas as gpd
import pandas as pd

from layers import green

# Columns whose words decide what a feature is, and the words that say nothing.
_WORDS = {"buildings": ("use", "class"), "roads": ("class", "highway"), "green": ("class",)}
_MUTE = ("", "yes", "no", "nan", "none", "null", "unclassified", "其他", "不详")


def not_believed(raw: gpd.GeoDataFrame, tidied: gpd.GeoDataFrame) -> Counter[str]:
    """Return how many buildings have a height or storeys in the file that none can have."""
    counts = Counter[str]()
    for what, columns, source, inferred in (
            ("heights", ("height", "building:height"), "height_from",
             ("levels", "neighbours", "default")),
            ("storeys", ("num_floors", "levels", "floors", "building:levels"), "floors_from",
             ("height",))):
        given = pd.Series(False, index=raw.index)
        for column in set(columns) & set(raw.columns):
            word = raw[column].astype(str).str.strip().str.lower()
            given |= raw[column].notna() & ~word.isin(["", "nan", "none", "null"])
        lost = given[tidied.index] & tidied[source].isin(inferred)
        if source in raw.columns:  # the file says itself that they are inferred
            lost &= ~raw.loc[tidied.index, source].isin(inferred)
        counts[f"{what} that cannot be right, inferred"] = int(lost.sum())
    return counts


def not_understood(layer: str, raw: gpd.GeoDataFrame, tidied: gpd.GeoDataFrame) -> Counter[str]:
    """Return the words of a file that mean nothing to us, with how many rows have each."""
    column = next((c for c in _WORDS.get(layer, ()) if c in raw.columns), None)
    if column is None:
        return Counter()
    words = raw[column].astype(str).str.strip()
    if layer == "buildings":
        lost = tidied["use_from"].reindex(raw.index).eq("default")
    elif layer == "roads":
        lost = ~raw.index.isin(tidied.index)
    else:
        lost = ~words.str.lower().isin(green.WORDS)
    told = words[lost & ~words.str.lower().isin(_MUTE)].value_counts()
    what = "taken as residential" if layer == "buildings" else "left out"
    return Counter({f"{column} {word[:30]!r} not understood, {what}": int(n)
                    for word, n in told.head(8).items()})
