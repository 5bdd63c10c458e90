"""What a plan changes: buildings removed, cut, lowered, raised or new, and their outlines."""

from __future__ import annotations

from collections.abc import Sequence

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
import xarray as xr
from numpy.typing import NDArray

from layers.city import City
from twin.rasters import clip, sample
from twin.scene.ground import ground_bounds
from twin.scene.mesh import Origin, buildings_mesh

Objects = NDArray[np.object_]

# Outline of each kind of change, in the order of a legend.
CHANGE = {"removed": "#c2255c", "cut": "#c94be8", "lowered": "#e8590c", "raised": "#1b37b8",
          "new": "#16181d"}
_GONE = ("removed", "cut")  # kinds whose outline is ground that no building stands on any more
_DIFFERS = 0.25   # a change of height below this is none [m]
_SLIVER = 1.0     # a difference of footprints up to this is none [m2]
_SHARED = 0.5     # least share of the larger footprint that makes two outlines one building
_ABOVE = 0.6      # how far an outline floats above what it outlines [m]


def plan_changes(base: City, plan: City) -> dict[str, gpd.GeoDataFrame]:
    """Return the `differences` on the drawn ground, cut at its edge, without the empty ones."""
    bounds = ground_bounds(plan)
    found = {kind: clip(part, bounds)[1] for kind, part in
             differences(base.frame("buildings"), plan.frame("buildings")).items()}
    return {kind: part for kind, part in found.items() if len(part)}


def differences(base: gpd.GeoDataFrame, plan: gpd.GeoDataFrame) -> dict[str, gpd.GeoDataFrame]:
    """Return the buildings a plan removes, cuts, lowers, raises and adds.

    Two buildings are the same when they share an ``id`` that is not empty and not repeated in its
    layer. Where either has no such id they are the same when their outlines are, or else when
    they have half of the larger footprint in common. A building can be both cut and lowered. One
    that moved away from its footprint counts as removed and new, an extension as new.

    Parameters
    ----------
    base, plan
        The buildings layer before and after.

    Returns
    -------
    dict
        By the words of `CHANGE`, buildings with a column ``row``: their row number in ``base``
        where they are removed, else in ``plan``. The geometry is the whole footprint, but of a
        cut building the part that went, and of an extended one the part that came.
    """
    base, plan = (layer.assign(row=np.arange(len(layer))) for layer in (base, plan))
    first, second = _same(base, plan)
    old, new = base.iloc[first], plan.iloc[second]
    went, came = (_difference(*pair) for pair in ((old, new), (new, old)))
    moved = ~shapely.intersects(old.geometry.values, new.geometry.values)
    smaller = (went.area > _SLIVER).to_numpy() & ~moved
    larger = (came.area > _SLIVER).to_numpy()
    rise = new["height"].to_numpy(dtype=float) - old["height"].to_numpy(dtype=float)
    gone = np.setdiff1d(np.arange(len(base)), first[~moved])
    fresh = [plan.iloc[np.setdiff1d(np.arange(len(plan)), second)], came[larger]]
    return {
        "removed": base.iloc[gone],
        "cut": new.set_geometry(went.geometry.values)[smaller],
        "lowered": new[(rise < -_DIFFERS) & ~moved],
        "raised": new[(rise > _DIFFERS) & ~moved],
        "new": gpd.GeoDataFrame(pd.concat(fresh), crs=base.crs),
    }


def outline(part: gpd.GeoDataFrame, kind: str, origin: Origin,
            land: xr.DataArray | None) -> NDArray[np.float32]:
    """Return edges of buildings as segments (k, 2, 3): on the ground where gone, else all.

    Parameters
    ----------
    part
        Buildings of one kind of change.
    kind
        One of `CHANGE`.
    origin
        x, y, z [m] that become (0, 0, 0).
    land
        Terrain above the datum [m], None where it is flat.
    """
    mesh = buildings_mesh(part if land is not None else part.assign(ground_z=0.0), origin, land)
    segments = mesh.vertices[mesh.edges].copy()
    if kind in _GONE:
        segments = segments[np.abs(segments[:, 0, 2] - segments[:, 1, 2]) < 1e-3]
        x, y = segments[..., 0] + origin[0], segments[..., 1] + origin[1]
        segments[..., 2] = sample(land, x, y) - origin[2]
    segments[..., 2] += _ABOVE
    return segments


def new_places(points: gpd.GeoDataFrame, known: gpd.GeoDataFrame) -> NDArray[np.bool_]:
    """Return which points are nowhere among the known ones, to a decimetre."""
    keys = [np.round(10 * shapely.get_coordinates(shapely.centroid(p.geometry.values)))
            for p in (points, known)]
    here, there = (k[:, 0] + 1j * k[:, 1] for k in keys)
    return ~np.isin(here, there)


def _same(base: gpd.GeoDataFrame, plan: gpd.GeoDataFrame
          ) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Row numbers of the buildings that are the same, the surest signs first."""
    layers = base, plan
    names = [layer["id"].fillna("").astype(str).to_numpy(dtype=object) for layer in layers]
    known = [(n != "") & ~pd.Series(n).duplicated(keep=False).to_numpy() for n in names]
    first, second = _matched(names, known)
    if all(k.all() for k in known):
        return first, second
    shapes = [np.asarray(layer.geometry.values, dtype=object) for layer in layers]
    outlines = [np.asarray(shapely.to_wkb(shapely.normalize(s)), dtype=object) for s in shapes]
    tops = [layer["height"].to_numpy(dtype=float).round(2).astype("S").astype(object)
            for layer in layers]
    stacked = [o + t for o, t in zip(outlines, tops, strict=True)]  # tells parts in the air apart
    for match, signs in ((_matched, stacked), (_matched, outlines), (_overlapping, shapes)):
        free = [np.isin(np.arange(len(layer)), used, invert=True)
                for layer, used in zip(layers, (first, second), strict=True)]
        i, j = match(signs, free)
        apart = known[0][i] & known[1][j]  # two ids that differ
        first, second = np.append(first, i[~apart]), np.append(second, j[~apart])
    return first, second


def _matched(keys: Sequence[Objects], use: Sequence[NDArray[np.bool_]]
             ) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Row numbers of equal keys; a repeated key is matched in the order of the rows."""
    tables = [pd.DataFrame({"key": k[u], "row": np.flatnonzero(u)})
              for k, u in zip(keys, use, strict=True)]
    before, after = (t.assign(turn=t.groupby("key").cumcount()) for t in tables)
    both = before.merge(after, on=["key", "turn"])
    return both["row_x"].to_numpy(dtype=np.intp), both["row_y"].to_numpy(dtype=np.intp)


def _overlapping(shapes: Sequence[Objects], use: Sequence[NDArray[np.bool_]]
                 ) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Row numbers of footprints with half of the larger one in common, each used once."""
    rows = [np.flatnonzero(u) for u in use]
    old, new = (s[r] for s, r in zip(shapes, rows, strict=True))
    i, j = shapely.STRtree(new).query(old, predicate="intersects")
    larger = np.maximum(shapely.area(old[i]), shapely.area(new[j]))
    share = shapely.area(shapely.intersection(old[i], new[j])) / np.maximum(larger, 1e-9)
    pairs = pd.DataFrame({"i": i, "j": j, "share": share})
    pairs = pairs[pairs["share"] >= _SHARED].sort_values("share", ascending=False, kind="stable")
    pairs = pairs[~pairs["i"].duplicated()]
    pairs = pairs[~pairs["j"].duplicated()]
    return rows[0][pairs["i"].to_numpy()], rows[1][pairs["j"].to_numpy()]


def _difference(of: gpd.GeoDataFrame, less: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Footprints less those of another layer, row by row; nothing where both are alike."""
    shapes, others = (np.asarray(g.geometry.values, dtype=object) for g in (of, less))
    left = np.full(len(shapes), shapely.Polygon(), dtype=object)
    moved = ~shapely.equals_exact(shapes, others, 0.01)
    left[moved] = shapely.difference(shapes[moved], others[moved])
    return of.set_geometry(gpd.GeoSeries(left, index=of.index, crs=of.crs))
