"""Roofs of a 3D model: planes seen from above, each with its slope and where it falls to.

A plane and the height of its middle give the roof in space again. A roof is bound to the building
it was modelled with: `twin.roofs` leaves it out where that building has gone or got another height.
"""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from layers.errors import LayerError
from layers.shapes import mend
from layers.spec import Column, LayerSpec

Floats = NDArray[np.float64]

SPEC = LayerSpec(
    name="roofs",
    geometry="polygon",
    about="Roof planes of a 3D model, seen from above, for buildings that keep their height.",
    columns=(
        Column("building", "str", about="id of its building; roofs of none are left out"),
        Column("slope", "float", "degree", "slope against the level", low=0, high=90,
               complete=True),
        Column("aspect", "float", "degree", "where it falls to, clockwise from north, 0 if level",
               low=0, high=360, complete=True),
        Column("z", "float", "m", "its middle above the vertical datum", low=-500, high=10_000),
        Column("building_height", "float", "m", "height of the building it was modelled with",
               low=0, high=1000),
        Column("building_area", "float", "m2", "ground of the building it was modelled with",
               low=0),
    ),
)

LEVEL = 0.01      # a plane less steep falls nowhere [degrees]
ONE_PLANE = 2.0   # surfaces that meet at less may be pieces of one plane [degrees]
OFF_PLANE = 0.05  # and are where their middles lie so near to each other's plane [m]
FLAT = 10.0       # roofs less steep count as flat when a shape is told from planes [degrees]


def tidy(raw: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return roof surfaces as planes: touching pieces of one plane joined, upright ones left out.

    Parameters
    ----------
    raw
        Polygons in a projected CRS with ``building``: with z [m], or seen from above with ``slope``
        and ``aspect`` [degrees].

    Raises
    ------
    LayerError
        When there is no column ``building``.

    Notes
    -----
    The slope is that of the area vector, the sum of the cross products along the rings. A surface
    that looks down is turned over, and left out as a soffit where another covers half of it.

    References
    ----------
    Newell's method: Sutherland, Sproull & Schumacker (1974), ACM Comput. Surv. 6:1,
    doi:10.1145/356625.356626.
    """
    if len(raw) and "building" not in raw.columns:
        raise LayerError("layer 'roofs': the column 'building' is missing, the id of the building "
                         "each roof belongs to", mend="Map one with --map building=NAME")
    parts, of = shapely.get_parts(raw.geometry.values, return_index=True)
    table = pd.DataFrame(raw.drop(columns=raw.geometry.name)).iloc[of].reset_index(drop=True)
    solid = shapely.has_z(parts)
    if not solid.any():
        flat, _ = mend(gpd.GeoDataFrame(table, geometry=parts, crs=raw.crs), 2)
        return SPEC.conform(flat)
    vector = area_vectors(parts)
    down = vector[:, 2] < 0
    vector[down] *= -1
    middle = _centres(parts)
    table = table.assign(_x=vector[:, 0], _y=vector[:, 1], _z=vector[:, 2], _down=down,
                         _mx=middle[:, 0], _my=middle[:, 1], _mz=middle[:, 2])
    seen, _ = mend(gpd.GeoDataFrame(table, geometry=parts, crs=raw.crs)[solid], 2)
    seen = seen[(seen["_z"] > 1e-9) & np.isfinite(seen["_mz"])].reset_index(drop=True)
    east, north = -seen["_x"] / seen["_z"], -seen["_y"] / seen["_z"]
    centre = shapely.centroid(seen.geometry.values)
    seen["z"] = seen["_mz"] + east * (shapely.get_x(centre) - seen["_mx"]) \
        + north * (shapely.get_y(centre) - seen["_my"])
    seen = _joined(seen[~_soffits(seen)].reset_index(drop=True))
    level = np.hypot(seen["_x"], seen["_y"])
    slope = np.degrees(np.arctan2(level, seen["_z"]))
    aspect = np.degrees(np.arctan2(seen["_x"], seen["_y"])) % 360
    return SPEC.conform(seen.assign(slope=slope, aspect=np.where(slope < LEVEL, 0.0, aspect)))


def bound(roofs: gpd.GeoDataFrame, buildings: gpd.GeoDataFrame,
          ground: pd.Series) -> gpd.GeoDataFrame:
    """Return the roofs of buildings that are there, with the height and ground these have.

    Parameters
    ----------
    roofs
        From `tidy`.
    buildings
        The buildings layer. An identifier that several bear is of none.
    ground
        Ground of each building as drawn in the model, before others were cut out of it [m2].
    """
    alone = ~buildings["id"].duplicated(keep=False) & buildings["id"].ne("")
    row = pd.Series(np.flatnonzero(alone), index=buildings["id"][alone].to_numpy())
    at = row.reindex(roofs["building"]).to_numpy()
    there = np.isfinite(at)
    rows = at[there].astype(np.intp)
    return SPEC.conform(roofs[there].assign(
        building_height=buildings["height"].to_numpy()[rows],
        building_area=ground.to_numpy()[rows]).reset_index(drop=True))


def told_shapes(buildings: gpd.GeoDataFrame, roofs: gpd.GeoDataFrame) -> pd.Series:
    """Return ``roof_shape`` with what the planes tell where it was empty: flat, other or nothing.

    A roof is flat where nine tenths of it, seen from above, slope less than 10 degrees, and other
    where nine tenths slope more.
    """
    area = pd.Series(roofs.area.to_numpy()).groupby(roofs["building"].to_numpy()).sum()
    level = pd.Series(np.where(roofs["slope"] < FLAT, roofs.area, 0.0)).groupby(
        roofs["building"].to_numpy()).sum()
    share = (level / area).reindex(buildings["id"]).to_numpy()
    shape: pd.Series = buildings["roof_shape"]
    told = np.where(share >= 0.9, "flat", np.where(share <= 0.1, "other", ""))
    return shape.where(shape != "", pd.Series(told, index=shape.index, dtype=shape.dtype))


def area_vectors(polygons: Any) -> Floats:
    """Return the area vectors of polygons with z: along the normal, as long as the area, (n, 3).

    Holes are taken off whatever their direction. [m2]
    """
    rings, of = shapely.get_rings(polygons, return_index=True)
    xyz, ring = shapely.get_coordinates(rings, include_z=True, return_index=True)
    joined = np.flatnonzero(ring[1:] == ring[:-1])
    # Measured from a corner of the ring itself, as coordinates of maps are large.
    corner = xyz[np.searchsorted(ring, ring[joined])]
    each = np.zeros((len(rings), 3))
    np.add.at(each, ring[joined], np.cross(xyz[joined] - corner, xyz[joined + 1] - corner) / 2)
    outline = np.ones(len(rings), dtype=bool)
    outline[1:] = of[1:] != of[:-1]
    shell = np.flatnonzero(outline)[np.cumsum(outline) - 1] if len(rings) else of
    against = np.einsum("ij,ij->i", each, each[shell])
    each[~outline] *= -np.sign(against[~outline])[:, None]
    out = np.zeros((len(polygons), 3))
    np.add.at(out, of, each)
    return out


def _centres(polygons: Any) -> Floats:
    """Mean corner of each outline, (n, 3) [m]."""
    xyz, of = shapely.get_coordinates(shapely.get_exterior_ring(polygons), include_z=True,
                                      return_index=True)
    count = np.bincount(of, minlength=len(polygons))
    return np.column_stack([np.bincount(of, weights=xyz[:, k], minlength=len(polygons))
                            for k in range(3)]) / np.maximum(count, 1)[:, None]


def _soffits(seen: gpd.GeoDataFrame) -> NDArray[np.bool_]:
    """Which surfaces look down from under others of the same building."""
    down, shapes = seen["_down"].to_numpy(dtype=bool), seen.geometry.values
    under = np.zeros(len(seen), dtype=bool)
    if down.any() and not down.all():
        low, high = np.flatnonzero(down), np.flatnonzero(~down)
        a, b = shapely.STRtree(shapes[high]).query(shapes[low], predicate="intersects")
        same = (seen["building"].to_numpy()[low[a]] == seen["building"].to_numpy()[high[b]])
        a, b = low[a[same]], high[b[same]]
        shared = np.bincount(a, weights=shapely.area(shapely.intersection(shapes[a], shapes[b])),
                             minlength=len(seen))
        under = down & (shared > 0.5 * shapely.area(shapes))
    return under


def _joined(seen: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return surfaces with those joined that touch and lie in one plane, such as triangles."""
    if len(seen) < 2:
        return seen
    shapes, building = seen.geometry.values, seen["building"].to_numpy()
    normal = seen[["_x", "_y", "_z"]].to_numpy()
    normal = normal / np.linalg.norm(normal, axis=1)[:, None]
    centre = shapely.centroid(shapes)
    place = np.column_stack([shapely.get_x(centre), shapely.get_y(centre), seen["z"]])
    a, b = shapely.STRtree(shapes).query(shapes, predicate="intersects")
    near = (a < b) & (building[a] == building[b])
    a, b = a[near], b[near]
    apart = place[b] - place[a]
    one = (np.einsum("ij,ij->i", normal[a], normal[b]) > np.cos(np.deg2rad(ONE_PLANE)))
    one &= np.abs(np.einsum("ij,ij->i", normal[a], apart)) < OFF_PLANE
    one &= np.abs(np.einsum("ij,ij->i", normal[b], apart)) < OFF_PLANE
    if not one.any():
        return seen
    links = coo_array((np.ones(one.sum()), (a[one], b[one])), shape=(len(seen), len(seen)))
    count, group = connected_components(links, directed=False)
    order = np.argsort(group, kind="stable")
    whole: Any = shapely.geometrycollections(shapes[order], indices=group[order])
    merged: Any = shapely.union_all(whole[:, None], axis=1)
    first = order[np.searchsorted(group[order], np.arange(count))]
    area = shapely.area(shapes)
    total = np.bincount(group, weights=area)
    sums = {k: np.bincount(group, weights=seen[k]) for k in ("_x", "_y", "_z")}
    height = np.bincount(group, weights=seen["z"] * area) / total
    return gpd.GeoDataFrame(seen.iloc[first].assign(**sums, z=height).reset_index(drop=True)
                            .set_geometry(merged), crs=seen.crs)
