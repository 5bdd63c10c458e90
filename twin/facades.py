"""Facades as points: one for each storey of each few metres of wall that the sun can reach."""

from __future__ import annotations

from dataclasses import dataclass, fields

import geopandas as gpd
import numpy as np
from numpy.typing import NDArray

from layers.errors import LayerError
from twin.walls import PROBE, cut, hidden, sides, touching

SPACING = 3.0     # length of a piece of wall [m]
THINNEST = 0.05   # lower bands of bare wall are left out [m]


@dataclass(frozen=True)
class WallPieces:
    """Pieces of outer wall, those hidden by neighbours with them.

    Parameters
    ----------
    building
        Row number of the building, shape (n,).
    x, y
        Middle of the piece [m], shape (n,).
    length
        Length of the piece [m], shape (n,).
    normal
        Outward normal (east, north), unit length, shape (n, 2).
    covered
        Height above the ground up to which a neighbour hides the piece [m], shape (n,).
    """

    building: NDArray[np.intp]
    x: NDArray[np.float64]
    y: NDArray[np.float64]
    length: NDArray[np.float64]
    normal: NDArray[np.float64]
    covered: NDArray[np.float64]


@dataclass(frozen=True)
class FacadePoints:
    """Middles of patches of bare wall.

    Parameters
    ----------
    building
        Row number of the building, shape (n,).
    storey
        Storey band, 0 the lowest of the building, shape (n,).
    x, y
        Position [m], shape (n,).
    z
        Height above the ground at the building [m], shape (n,).
    azimuth
        Where the wall faces, clockwise from north, shape (n,) [degrees].
    area
        Bare wall that the point stands for [m2], shape (n,).
    """

    building: NDArray[np.intp]
    storey: NDArray[np.intp]
    x: NDArray[np.float64]
    y: NDArray[np.float64]
    z: NDArray[np.float64]
    azimuth: NDArray[np.float64]
    area: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.building)

    def take(self, which: NDArray[np.bool_]) -> FacadePoints:
        """Return some of the points.

        Parameters
        ----------
        which
            Those to keep, shape (n,).
        """
        return FacadePoints(*(getattr(self, f.name)[which] for f in fields(self)))


def facade_points(buildings: gpd.GeoDataFrame, *, spacing: float = SPACING,
                  offset: float = 0.0) -> FacadePoints:
    """Return points on the walls of buildings, a storey high and a few metres wide each.

    Party walls are left out up to the height of the neighbour; of a storey that a neighbour hides
    in part, the bare part counts. Walls of courtyards are outer walls too.

    Parameters
    ----------
    buildings
        The buildings layer.
    spacing
        Walls are cut into equal pieces of at most this length [m].
    offset
        How far in front of the wall the points stand; with rasters half a cell or more [m].

    Returns
    -------
    FacadePoints
        Their areas sum to the bare wall of the buildings.

    Raises
    ------
    LayerError
        When the spacing is not positive.
    """
    if not spacing > 0:
        raise LayerError(f"the spacing of facade points is {spacing}, expected more than 0 m",
                         mend=f"Take {SPACING:g} m")
    wall = wall_pieces(buildings, spacing=spacing)
    top = buildings["height"].to_numpy(dtype=float)
    base = buildings["min_height"].to_numpy(dtype=float)
    floors = buildings["num_floors"].to_numpy(dtype=float)
    storeys = np.maximum(1, np.round(np.nan_to_num(floors, nan=1.0))).astype(np.intp)
    band = np.maximum(top - base, 0.0) / storeys

    own = wall.building
    from_z = np.maximum(base[own], wall.covered)
    hidden = np.floor((from_z - base[own]) / np.maximum(band[own], 1e-9) + 1e-9)
    first = np.clip(hidden, 0, storeys[own]).astype(np.intp)
    count = storeys[own] - first
    piece = np.repeat(np.arange(len(own)), count)
    storey = first[piece] + np.arange(len(piece)) - np.repeat(np.cumsum(count) - count, count)
    own = own[piece]
    upper = base[own] + (storey + 1) * band[own]
    lower = np.maximum(upper - band[own], from_z[piece])
    bare = upper - lower
    seen = bare > THINNEST
    piece, own, storey, upper, lower, bare = (
        a[seen] for a in (piece, own, storey, upper, lower, bare))
    east, north = wall.normal[piece].T
    return FacadePoints(
        own, storey, wall.x[piece] + offset * east, wall.y[piece] + offset * north,
        (lower + upper) / 2, np.degrees(np.arctan2(east, north)) % 360,
        wall.length[piece] * bare)


def wall_pieces(buildings: gpd.GeoDataFrame, *, spacing: float = SPACING) -> WallPieces:
    """Return the walls of buildings in pieces, and how high neighbours hide each.

    A neighbour found just outside the middle of a piece hides it up to the neighbour's top, as in
    `twin.walls.exposed_walls`.

    Parameters
    ----------
    buildings
        The buildings layer.
    spacing
        Longest piece [m].
    """
    start, step, feature, length = sides(buildings)
    count = np.maximum(1, np.ceil(length / spacing - 1e-9)).astype(np.intp)
    wall, middle, normal = cut(start, step, length, count)
    building = feature[wall]
    covered = hidden(buildings, building, middle + PROBE * normal,
                     touching(buildings.geometry.values)[building])
    return WallPieces(building, middle[:, 0], middle[:, 1], (length / count)[wall], normal,
                      covered)
