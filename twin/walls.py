"""Walls that the air can reach: party walls between touching buildings are taken out."""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray

Floats = NDArray[np.float64]

PIECE = 4.0    # walls are looked at in pieces of at most this length [m]
HANGS = 0.5      # underside from which a building hides no wall down to the ground [m]
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
    start, step, feature, length = sides(buildings)
    # Only walls of buildings that touch another one need cutting and probing.
    near = touching(buildings.geometry.values)[feature]
    pieces = np.where(near, np.maximum(1, np.ceil(length / PIECE).astype(int)), 1)
    wall, middle, normal = cut(start, step, length, pieces)
    mine = feature[wall]
    covered = hidden(buildings, mine, middle + PROBE * normal, near[wall])
    top = buildings["height"].to_numpy(dtype=float)
    base = buildings["min_height"].to_numpy(dtype=float)
    exposed = np.maximum(0.0, top[mine] - np.maximum(base[mine], covered))
    seen = exposed > 0
    return Walls(mine[seen], (length / pieces)[wall][seen], exposed[seen], normal[seen])


def sides(buildings: gpd.GeoDataFrame) -> tuple[Floats, Floats, NDArray[np.intp], Floats]:
    """Return start and step of each side of the outlines, its building and its length.

    Parameters
    ----------
    buildings
        The buildings layer.

    Returns
    -------
    tuple of numpy.ndarray
        Start and step to the end, (n, 2) [m]; row of the building, (n,); length, (n,) [m]. Outer
        rings run counter-clockwise, those of courtyards clockwise.
    """
    shapes = shapely.orient_polygons(buildings.geometry.values)
    parts, owner = shapely.get_parts(shapes, return_index=True)
    rings, of_part = shapely.get_rings(parts, return_index=True)
    xy, ring = shapely.get_coordinates(rings, return_index=True)
    joined = ring[1:] == ring[:-1]
    start, step = xy[:-1][joined], (xy[1:] - xy[:-1])[joined]
    feature = owner[of_part][ring][:-1][joined]
    length = np.hypot(*step.T)
    solid = length > 1e-6
    return start[solid], step[solid], feature[solid], length[solid]


def cut(start: Floats, step: Floats, length: Floats,
        pieces: NDArray[np.intp]) -> tuple[NDArray[np.intp], Floats, Floats]:
    """Return sides cut into equal pieces: the side of each, its middle and its outward normal.

    Parameters
    ----------
    start, step, length
        From `sides`.
    pieces
        Number of pieces of each side, (n,).
    """
    wall = np.repeat(np.arange(len(length)), pieces)
    number = np.arange(len(wall)) - np.repeat(np.cumsum(pieces) - pieces, pieces)
    middle = start[wall] + ((number + 0.5) / pieces[wall])[:, None] * step[wall]
    along = step / length[:, None]
    return wall, middle, np.column_stack([along[:, 1], -along[:, 0]])[wall]


def hidden(buildings: gpd.GeoDataFrame, building: NDArray[np.intp], probe: Floats,
           asking: NDArray[np.bool_]) -> Floats:
    """Return the top of what stands in front of each piece of wall, 0 where nothing does [m].

    Parameters
    ----------
    buildings
        The buildings layer.
    building
        Row of the building of each piece, (n,).
    probe
        Just outside each piece, (n, 2) [m].
    asking
        Pieces that a neighbour may hide, (n,).
    """
    some = np.flatnonzero(asking)
    at, other = shapely.STRtree(buildings.geometry.values).query(shapely.points(probe[some]),
                                                                 predicate="intersects")
    at = some[at]
    apart = other != building[at]
    covered = np.zeros(len(building))
    top, base = (buildings[c].to_numpy(dtype=float) for c in ("height", "min_height"))
    apart &= base[other] <= HANGS  # what hangs higher leaves the wall below it bare
    np.maximum.at(covered, at[apart], top[other[apart]])
    return covered


def touching(shapes: np.ndarray) -> NDArray[np.bool_]:
    """Return whether each building has another one within reach of a probe."""
    left, right = shapely.STRtree(shapes).query(shapes, predicate="dwithin", distance=PROBE)
    touched = np.zeros(len(shapes), dtype=bool)
    touched[left[left != right]] = True
    return touched
