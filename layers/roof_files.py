"""Roofs on their way into a city: from a 3D model or a file of their own to the buildings."""

from __future__ import annotations

from collections import Counter
from typing import Any

import geopandas as gpd
import pandas as pd
import shapely

from layers import roofs
from layers.cityjson import ROOFS
from layers.vectors import to_metres


def split_roofs(layer: str, table: gpd.GeoDataFrame) -> tuple[gpd.GeoDataFrame,
                                                             gpd.GeoDataFrame | None]:
    """Return a table as read without its roofs, and the roofs, None where it has none.

    Parameters
    ----------
    layer
        What the table was read for: roofs are a model's, or the table itself.
    table
        As read.
    """
    if ROOFS not in table.columns:
        return table, table if layer == "roofs" else None
    rest = table.drop(columns=ROOFS)
    if layer not in ("buildings", "roofs"):
        return rest, None
    surfaces, of = shapely.get_parts(table[ROOFS].to_numpy(), return_index=True)
    return rest, gpd.GeoDataFrame({"building": table["id"].to_numpy()[of]}, geometry=surfaces,
                                  crs=table.crs)


def join_roofs(model: gpd.GeoDataFrame, buildings: gpd.GeoDataFrame, ground: pd.Series,
               ) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame, Counter[str]]:
    """Return the buildings with the shapes that their roofs tell, the roofs layer, and counts.

    Parameters
    ----------
    model
        From `split_roofs`, in any CRS.
    buildings
        The buildings layer.
    ground
        Ground of each building before others were cut out of it, in the order of ``buildings``
        [m2].
    """
    moved, _ = to_metres(model, buildings.crs, "layer 'roofs'")
    planes = roofs.tidy(moved)
    layer = roofs.bound(planes, buildings, ground)
    alone = planes["building"].isin(layer["building"])
    counts: Counter[Any] = Counter({"roofs: of no building here, left out": int((~alone).sum())})
    return (buildings.assign(roof_shape=roofs.told_shapes(buildings, layer)), layer, counts)
