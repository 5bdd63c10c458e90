"""Walls that the air can reach: party walls between touching buildings are taken out."""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import shapely

PIECE = 4.0    # walls are looked at in pieces of at most this length [m]
PROBE = 0.25   # how far outside the wall the neighbour is looked for [m]


@dataclass(frozen=True)
class Walls:
    """Pieces of exposed wall.

    Parameters
    ----------
    feature
        Row number of the building, shape (n,).
    length
        Length of the piece [m], shape (n,).
    exposed
        Height of the part that no neighbour covers [m], shape (n,).
    normal
        Outward normal (east, north), unit length, shape (n, 2).
    """

    feature: np.ndarray
    length: np.ndarray
    exposed: np.ndarray
    normal: np.ndarray

    def frontal_area(self, wind_from: np.ndarray, count: int) -> np.ndarray:
        """Return the wall area each building shows to the wind.

        Parameters
        ----------
        wind_from
            Directions the wind comes from, clockwise from north, shape (s,) [degrees].
        count
            Number of buildings.

        Returns
        -------
        numpy.ndarray
            Shape (s, ``count``) [m2].
        """
        angle = np.deg2rad(np.asarray(wind_from, dtype=float))
        area = self.length * self.exposed
        shown = [np.bincount(self.feature, minlength=count, weights=area * np.maximum(
            0.0, self.normal[:, 0] * np.sin(a) + self.normal[:, 1] * np.cos(a))) for a in angle]
        return np.asarray(shown)


def exposed_walls(buildings: gpd.GeoDataFrame) -> Walls:
    """Return the walls of buildings, less what touching neighbours cover.

    Each wall is cut into pieces; a neighbour found just outside a piece covers it up to the
    neighbour's own height.
    """
    shapes = shapely.orient_polygons(buildings.geometry.values)
    parts, owner = shapely.get_parts(shapes, return_index=True)
    rings, of_part = shapely.get_rings(parts, return_index=True)
    xy, ring = shapely.get_coordinates(rings, return_index=True)
    joined = ring[1:] == ring[:-1]
    start, end = xy[:-1][joined], xy[1:][joined]
    feature = owner[of_part][ring][:-1][joined]
    length = np.hypot(*(end - start).T)
    solid = length > 1e-6
    start, end, feature, length = start[solid], end[solid], feature[solid], length[solid]

    # Only walls of buildings that touch another one need cutting and probing.
    near = _touching(buildings.geometry.values)[feature]
    pieces = np.where(near, np.maximum(1, np.ceil(length / PIECE).astype(int)), 1)
    wall = np.repeat(np.arange(len(length)), pieces)
    step = np.arange(len(wall)) - np.repeat(np.cumsum(pieces) - pieces, pieces)
    t = ((step + 0.5) / pieces[wall])[:, None]
    along = (end - start)[wall] / length[wall][:, None]
    normal = np.column_stack([along[:, 1], -along[:, 0]])  # rings run counter-clockwise

    top = buildings["height"].to_numpy(dtype=float)
    base = buildings["min_height"].to_numpy(dtype=float)
    mine = feature[wall]
    asking = np.flatnonzero(near[wall])
    probe = (start[wall] + t * (end - start)[wall] + PROBE * normal)[asking]
    at, other = shapely.STRtree(buildings.geometry.values).query(shapely.points(probe),
                                                                 predicate="intersects")
    at = asking[at]
    apart = other != mine[at]
    covered = np.zeros(len(wall))
    np.maximum.at(covered, at[apart], top[other[apart]])
    exposed = np.maximum(0.0, top[mine] - np.maximum(base[mine], covered))
    seen = exposed > 0
    return Walls(mine[seen], (length / pieces)[wall][seen], exposed[seen], normal[seen])


def _touching(shapes: np.ndarray) -> np.ndarray:
    """Whether each building has another one within reach of a probe."""
    left, right = shapely.STRtree(shapes).query(shapes, predicate="dwithin", distance=PROBE)
    touched = np.zeros(len(shapes), dtype=bool)
    touched[left[left != right]] = True
    return touched
