"""Roof planes from tagged shapes: ridges along the smallest box around the footprint."""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from twin.roof_table import STEEPEST, plane_table, told

SHED_TILT = 10.0   # of tagged lean-to roofs whose height and angle nobody gave [degrees]


def pitched_planes(buildings: gpd.GeoDataFrame, among: NDArray[np.bool_], shape: NDArray[Any],
             tilt: float) -> pd.DataFrame:
    """Planes of buildings whose tagged roof slopes, each clipped to the footprint."""
    tagged = np.isin(shape, ("gabled", "hipped", "mansard", "pyramidal", "skillion"))
    rows = np.flatnonzero(among & tagged)
    facing = told(buildings, "roof_direction", rows)
    known = (shape[rows] != "skillion") | np.isfinite(facing)
    rows, facing, form = rows[known], facing[known], shape[rows[known]]
    footprint = buildings.geometry.values[rows]
    corner = np.zeros((len(rows), 3, 2))
    if len(rows):
        box = shapely.minimum_rotated_rectangle(footprint)
        corner = shapely.get_coordinates(shapely.get_exterior_ring(box)).reshape(-1, 5, 2)[:, :3]
    middle = (corner[:, 0] + corner[:, 2]) / 2
    sides = corner[:, 1:] - corner[:, :-1]
    length = np.linalg.norm(sides, axis=2)
    every = np.arange(len(rows))
    along = sides[every, length.argmax(axis=1)] / length.max(axis=1)[:, None]
    half, wide = length.max(axis=1) / 2, length.min(axis=1) / 2

    # The ridge lies across the box where people say so or the tagged direction is nearer to that.
    downhill = np.column_stack([np.sin(np.deg2rad(facing)), np.cos(np.deg2rad(facing))])
    turned = np.nan_to_num(np.abs((downhill * along).sum(axis=1))) > np.sqrt(0.5)
    if "roof_orientation" in buildings.columns:
        said = buildings["roof_orientation"].iloc[rows].astype(str).to_numpy()
        turned |= (said == "across") & ~np.isfinite(facing)
    lean = form == "skillion"
    across = np.column_stack([-along[:, 1], along[:, 0]])
    along = np.where(turned[:, None], across, along)
    half, wide = np.where(turned, wide, half), np.where(turned, half, wide)
    across = np.column_stack([-along[:, 1], along[:, 0]])
    backward = np.nan_to_num((downhill * across).sum(axis=1)) < 0
    across[backward & lean] *= -1  # a lean-to falls to its plus side

    ridge = np.where(np.isin(form, ("hipped", "mansard")), np.maximum(half - wide, 0.0), 0.0)
    ridge = np.where((form == "gabled") | lean, half, ridge)
    run = np.where(lean, 2 * wide, wide)
    rise, angle = told(buildings, "roof_height", rows), told(buildings, "roof_angle", rows)
    steep = np.where(lean, min(SHED_TILT, tilt), tilt)
    steep = np.where(rise > 0, np.degrees(np.arctan2(rise, run)), steep)
    steep = np.clip(np.where((angle > 0) & (angle < 90), angle, steep), 0.0, STEEPEST)
    drop = np.tan(np.deg2rad(steep)) * run

    tables = []
    k = 1.01  # the sectors reach a little over the box
    for u, v in ((0, 1), (0, -1), (1, 0), (-1, 0)):
        has = np.where(lean, v == 1, True) if v else half - ridge > 0.01
        at = np.flatnonzero(has)
        r, a, b = ridge[at], half[at], wide[at]
        top = np.where(lean[at], -k * b, 0.0)  # the ridge of a lean-to is its upper wall
        end = np.where(r < a, r, k * a)
        low_u, low_v = np.where(r < a, r + k * (a - r), k * a), k * b
        if v:
            ends = [(-end, v * top), (-low_u, v * low_v), (low_u, v * low_v), (end, v * top)]
            slope, away = steep[at], v * across[at]
        else:
            ends = [(u * r, 0 * r), (u * low_u, low_v), (u * low_u, -low_v)]
            slope, away = np.degrees(np.arctan(drop[at] / (a - r))), u * along[at]
        ring = np.stack([middle[at] + p[:, None] * along[at] + q[:, None] * across[at]
                         for p, q in [*ends, ends[0]]], axis=1)
        clipped = shapely.intersection(footprint[at], shapely.polygons(ring))
        some = shapely.area(clipped) > 0
        aspect = np.degrees(np.arctan2(away[:, 0], away[:, 1])) % 360
        tables.append(plane_table(rows[at][some], clipped[some], np.minimum(slope, STEEPEST)[some],
                             aspect[some], "attributes"))
    return pd.concat(tables, ignore_index=True)
