"""Roofs as planes: from a 3D model, a raster of heights, what people told, or taken as flat.

A plane knows its building, its area, where it faces and how far to trust it. ``source`` says where
it comes from, in order of trust: ``modelled`` (the roofs layer), ``attributes`` (tagged shape),
``fitted`` (a raster of real roof heights) and ``flat-assumed``.
"""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import xarray as xr

from twin.roof_fit import fit_planes as fit_planes
from twin.roof_model import modelled_planes
from twin.roof_shapes import pitched_planes
from twin.roof_table import LEVEL as LEVEL
from twin.roof_table import plane_table, told

SOURCES = ("modelled", "attributes", "fitted", "flat-assumed")
COLUMNS = ("building", "area", "plan", "slope", "aspect", "largest", "source", "kind", "low",
           "high")
# Stems of the ranges, by source; a roof tagged flat is surer than a tagged slope.
BANDS = {"modelled": "modelled", "attributes": "tagged", "fitted": "fitted",
         "flat-assumed": "assumed"}

# Which usable share a flat roof of this use takes.
FLAT_KIND = {"residential": "flat_residential", "hotel": "flat_commercial",
             "retail": "flat_commercial", "office": "flat_commercial",
             "education": "flat_public", "hospital": "flat_public", "culture": "flat_public",
             "transport": "flat_public", "industrial": "flat_industrial"}


def roof_planes(buildings: gpd.GeoDataFrame, factors: Any, *,
                heights: xr.DataArray | None = None,
                surfaces: gpd.GeoDataFrame | None = None) -> gpd.GeoDataFrame:
    """Return the roofs of buildings as planes.

    Parameters
    ----------
    buildings
        The buildings layer: ``roof_shape``, ``roof_height`` [m], ``roof_angle``, ``roof_direction``
        [degrees] and ``roof_orientation``.
    factors
        Picks ``pv.roof_tilt`` and the ranges ``pv.plane.*``.
    heights
        Measured heights of roofs on (y, x), both rising, such as a LiDAR surface [m]. Not a raster
        burnt from the building heights: all its roofs would be flat.
    surfaces
        The roofs layer of a city, for buildings that still have the height they were modelled with.

    Returns
    -------
    geopandas.GeoDataFrame
        A row a plane, by building: ``building`` (row number), ``area`` of the plane and ``plan``,
        the same seen from above [m2], ``slope`` and ``aspect`` (downhill, clockwise from north, 0
        on flat ones) [degrees], ``largest``, its largest piece seen from above [m2], ``source``,
        ``kind`` (name of its usable share), ``low`` and ``high``, the range of its light over the
        value [1], and its outline. The plans of a building sum to its footprint, those of a model
        to that and its eaves.

    Notes
    -----
    A tagged roof without height and angle is fitted where there is a raster, else gets the tilt of
    the table. A gabled roof is cut along the long middle line of the smallest box around the
    footprint, a hipped one as a hipped box, a pyramidal one to the middle; mansards count as
    hipped. Lean-to roofs of unknown direction, round and other shapes are taken as flat.
    """
    left = np.ones(len(buildings), dtype=bool)
    shape = buildings["roof_shape"].to_numpy(dtype="object")
    found: list[pd.DataFrame] = []

    def keep(planes: pd.DataFrame) -> None:
        found.append(planes)
        left[planes["building"]] = False

    if surfaces is not None and len(surfaces):
        keep(modelled_planes(buildings, surfaces))
    if heights is not None:
        whole = np.arange(len(buildings))
        known = (shape == "flat") | ((shape != "") & (
            (told(buildings, "roof_height", whole) > 0)
            | (told(buildings, "roof_angle", whole) > 0)))
        keep(fit_planes(buildings, heights, among=left & ~known))
    keep(pitched_planes(buildings, left, shape, factors.pick("pv.roof_tilt", "degree").value))
    rows = np.flatnonzero(left)
    keep(plane_table(rows, buildings.geometry.values[rows], 0.0, 0.0,
                     np.where(shape[rows] == "flat", "attributes", "flat-assumed")))
    table = pd.concat([part for part in found if len(part)] or found[-1:], ignore_index=True)
    table = table.sort_values("building", kind="stable", ignore_index=True)

    source, level = table["source"].to_numpy(dtype="object"), table["slope"].to_numpy() < LEVEL
    use = buildings["use"].map(FLAT_KIND).fillna("unknown").to_numpy(dtype="object")
    table["kind"] = np.where(source == "flat-assumed", "unknown",
                             np.where(level, use[table["building"]], "tilted"))
    stem = np.array([BANDS[s] for s in source], dtype="object")
    stem[(source == "attributes") & (table["slope"] == 0)] = "tagged_flat"
    band = {s: factors.pick(f"pv.plane.{s}", "1") for s in pd.unique(stem)}
    table["low"] = [band[s].low / band[s].value for s in stem]
    table["high"] = [band[s].high / band[s].value for s in stem]
    return gpd.GeoDataFrame(table[list(COLUMNS)], geometry=table["geometry"].to_numpy(),
                            crs=buildings.crs)
