"""Where lines meet: cut into pieces from one meeting to the next."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

Floats = NDArray[np.float64]
Index = NDArray[np.int64]

SNAP = 0.5       # an end this near to another line meets it [m]
SAME = 0.001     # vertices are the same point when equal to this [m]


@dataclass(frozen=True, eq=False)
class Pieces:
    """Lines cut where they meet.

    Parameters
    ----------
    line
        Row of the line each piece is of, shape (k,).
    tail, head
        Node a piece begins and ends at, as drawn, shape (k,).
    length
        Shape (k,) [m].
    shape
        The pieces as lines, shape (k,).
    xy
        Places of the nodes, shape (n, 2) [m].
    """

    line: Index
    tail: Index
    head: Index
    length: Floats
    shape: NDArray[np.object_]
    xy: Floats

    def kept(self, mask: NDArray[np.bool_]) -> Pieces:
        """Return some of the pieces; nodes keep their numbers."""
        return Pieces(self.line[mask], self.tail[mask], self.head[mask], self.length[mask],
                      self.shape[mask], self.xy)


def cut_where_they_meet(lines: NDArray[np.object_], *, snap: float = SNAP,
                        crossing: bool = False, border: Any = None) -> Pieces:
    """Cut lines at their meetings.

    Lines meet where an end of one is within ``snap`` of another, and where they share a vertex.
    Lines that cross without a shared vertex do not meet (one is a bridge), unless ``crossing``.

    Parameters
    ----------
    lines
        LineStrings in metres, shape (any,).
    snap
        How far an end may be from the line or vertex it is meant to touch [m].
    crossing
        Whether lines that cross on the plan meet there, for sources that draw no shared vertices.
    border
        A line or ring that cuts the others where they cross it; none when None.

    Returns
    -------
    Pieces
        Without those shorter than ``snap`` that begin and end in one node.
    """
    xy, of = shapely.get_coordinates(lines, return_index=True)
    rows = pd.DataFrame({"x": xy[:, 0], "y": xy[:, 1], "line": of})
    same_line = np.concatenate([[False], of[1:] == of[:-1]])
    step = np.where(same_line, np.hypot(*np.diff(xy, axis=0, prepend=xy[:1]).T), 0.0)
    run = np.cumsum(step)
    begin = np.flatnonzero(~same_line)
    rows["along"] = run - np.repeat(run[begin], np.diff([*begin, len(of)]))
    rows["sticky"] = ~same_line | ~np.concatenate([same_line[1:], [False]])
    extra = [_touching(lines, rows, snap)]
    if crossing:
        first, second = shapely.STRtree(lines).query(lines, predicate="intersects")
        two = first != second
        extra.append(_crossings(lines, first[two], lines[second[two]]))
    if border is not None:
        at = shapely.STRtree(lines).query(border, predicate="intersects")
        extra.append(_crossings(lines, at, np.full(len(at), border, dtype=object)))
    rows = pd.concat([rows, *extra], ignore_index=True)
    rows["node"], place = _nodes(rows, snap)

    rows = rows.sort_values(["line", "along"], kind="stable", ignore_index=True)
    again = (rows["node"].eq(rows["node"].shift()) & rows["line"].eq(rows["line"].shift()))
    uses = rows.loc[~again, "node"].value_counts().reindex(range(len(place)), fill_value=0)
    sticky = np.zeros(len(place), dtype=bool)
    sticky[rows.loc[rows["sticky"], "node"].to_numpy()] = True
    stop = np.flatnonzero((sticky | (uses.to_numpy() > 1))[rows["node"].to_numpy()])
    line, node = rows["line"].to_numpy(), rows["node"].to_numpy()
    along = rows["along"].to_numpy()
    a, b = stop[:-1], stop[1:]
    length = along[b] - along[a]
    real = (line[a] == line[b]) & ((node[a] != node[b]) | (length > snap))
    a, b = a[real], b[real]
    size = b - a + 1
    inside = np.arange(size.sum()) - np.repeat(np.cumsum(size) - size, size) + np.repeat(a, size)
    shape = shapely.linestrings(rows[["x", "y"]].to_numpy()[inside],
                                indices=np.repeat(np.arange(len(a)), size))
    return Pieces(line[a], node[a], node[b], along[b] - along[a], np.asarray(shape, dtype=object),
                  place)


def _touching(lines: NDArray[np.object_], rows: pd.DataFrame, snap: float) -> pd.DataFrame:
    """Return the points on lines that an end of another line touches."""
    ends = rows[rows["sticky"]]
    points = np.asarray(shapely.points(ends[["x", "y"]].to_numpy()))
    at, on = shapely.STRtree(lines).query(points, predicate="dwithin", distance=snap)
    other = ends["line"].to_numpy()[at] != on
    at, on = at[other], on[other]
    return pd.DataFrame({"x": ends["x"].to_numpy()[at], "y": ends["y"].to_numpy()[at], "line": on,
                         "along": shapely.line_locate_point(lines[on], points[at]),
                         "sticky": True})


def _crossings(lines: NDArray[np.object_], at: Index, others: NDArray[np.object_]) -> pd.DataFrame:
    """Return the points on the lines ``at`` where they cross others, one for each."""
    parts, pair = shapely.get_parts(shapely.intersection(lines[at], others), return_index=True)
    point = shapely.get_type_id(parts) == shapely.GeometryType.POINT
    parts, on = parts[point], at[pair[point]]
    xy = shapely.get_coordinates(parts)
    return pd.DataFrame({"x": xy[:, 0], "y": xy[:, 1], "line": on,
                         "along": shapely.line_locate_point(lines[on], parts), "sticky": True})


def _nodes(rows: pd.DataFrame, snap: float) -> tuple[Index, Floats]:
    """Return the node of each vertex, and the places of the nodes.

    The same points are one node, and so are an end and what lies within ``snap`` of it.
    """
    xy = rows[["x", "y"]].to_numpy()
    key = np.round((xy - xy.min(axis=0)) / SAME).astype(np.int64)
    _, kept, point = np.unique(key[:, 0] * (key[:, 1].max() + 1) + key[:, 1], return_index=True,
                               return_inverse=True)
    sticky = np.zeros(len(kept), dtype=bool)
    sticky[point[rows["sticky"].to_numpy()]] = True
    place = xy[kept]
    near = cKDTree(place).query_pairs(snap, output_type="ndarray")
    near = near[sticky[near].any(axis=1)]
    count, node = connected_components(
        coo_array((np.ones(len(near)), (near[:, 0], near[:, 1])), shape=(len(kept),) * 2),
        directed=False)
    weight = np.where(sticky, 1.0, 1e-9)  # a node lies at the ends that meet there
    total = np.bincount(node, weight, count)
    middle = np.stack([np.bincount(node, weight * place[:, k], count) / total for k in (0, 1)],
                      axis=1)
    return node[point].astype(np.int64), middle
