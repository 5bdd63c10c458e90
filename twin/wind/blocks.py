"""Blocks of a height raster: nested slices of touching buildings, and how wide the wind sees them.

A block is a connected set of cells whose roofs reach a level; it stands on the wider block it is
part of, so that a tower on a podium is two stacked blocks. The blocks of a raster form a tree (the
max-tree of the image), which one pass over the sorted cells builds.

References
----------
Berger et al. (2007), Effective component tree computation, doi:10.1109/ICIP.2007.4379949.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from twin.wind.domain import Domain

NARROWEST, LONGEST, WIDEST = 0.3, 3.0, 10.0  # limits of L/H and W/H (Pardyjak & Brown 2003)


@dataclass(frozen=True, eq=False)
class Blocks:
    """Stacked blocks, children before parents.

    Parameters
    ----------
    leaf
        The highest block each column belongs to, -1 in the open, (ny, nx).
    parent
        The block a block stands on, -1 on the ground.
    top, base
        First open level above it, and the level it begins at.
    height
        Of its top above its lowest ground [m].
    area
        Of its footprint [m2].
    """

    leaf: NDArray[np.int32]
    parent: NDArray[np.int32]
    top: NDArray[np.int16]
    base: NDArray[np.int16]
    height: NDArray[np.float32]
    area: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.parent)


def find_blocks(domain: Domain) -> Blocks:
    """Return the stacked blocks of a domain."""
    built = domain.top > domain.ground
    cells = np.flatnonzero(built).astype(np.int64)
    tops = domain.top.ravel()[cells]
    order = cells[np.argsort(-tops, kind="stable")]
    leaf, parent, top, area, low = _tree(order, domain.top, domain.ground)
    base = np.where(parent >= 0, top[parent], low)
    height = (domain.faces[top] - domain.faces[low]).astype(np.float32)
    return Blocks(leaf, parent, top, base.astype(np.int16), height,
                  (area * domain.cell ** 2).astype(np.float32))


@njit(cache=True, nogil=True)
def _root(up: NDArray[np.int64], at: int) -> int:
    while up[at] != at:
        up[at] = up[up[at]]
        at = up[at]
    return at


@njit(cache=True, nogil=True)
def _tree(order: NDArray[np.int64], top: NDArray[np.int16],
          ground: NDArray[np.int16]) -> tuple[NDArray[np.int32], NDArray[np.int32],
                                              NDArray[np.int16], NDArray[np.int64],
                                              NDArray[np.int16]]:
    """Join cells from the highest to the lowest; return leaf, parent, top, cells and ground."""
    ny, nx = top.shape
    flat_top, flat_ground = top.ravel(), ground.ravel()
    up = np.full(ny * nx, -1, np.int64)  # union-find over cells
    node = np.full(ny * nx, -1, np.int32)  # block of a root cell
    leaf = np.full((ny, nx), -1, np.int32)
    flat_leaf = leaf.ravel()
    most = len(order)
    parent = np.full(most, -1, np.int32)
    tops = np.zeros(most, np.int16)
    cells = np.zeros(most, np.int64)
    low = np.zeros(most, np.int16)
    merged = np.full(most, -1, np.int32)  # blocks of one level that grew together
    count = 0
    for at in order:
        level, g = flat_top[at], flat_ground[at]
        mine = count
        tops[mine], cells[mine], low[mine] = level, 1, g
        count += 1
        up[at], node[at] = at, mine
        flat_leaf[at] = mine
        j, i = at // nx, at % nx
        for dj in range(-1, 2):
            for di in range(-1, 2):
                jj, ii = j + dj, i + di
                if (dj == 0 and di == 0) or jj < 0 or jj >= ny or ii < 0 or ii >= nx:
                    continue
                other = jj * nx + ii
                if up[other] < 0:
                    continue
                root, here = _root(up, other), _root(up, at)
                if root == here:
                    continue
                theirs, ours = node[root], node[here]
                up[root] = here
                if tops[theirs] == tops[ours]:
                    keep, gone = min(theirs, ours), max(theirs, ours)
                    merged[gone] = keep
                    cells[keep] = cells[theirs] + cells[ours]
                    low[keep] = min(low[theirs], low[ours])
                    node[here] = keep
                else:  # theirs is higher: it stands on ours
                    parent[theirs] = ours
                    cells[ours] += cells[theirs]
                    low[ours] = min(low[theirs], low[ours])
    number = np.full(count, -1, np.int32)
    kept = 0
    for n in range(count):
        if merged[n] < 0:
            number[n] = kept
            kept += 1
    out_parent = np.full(kept, -1, np.int32)
    out_top = np.zeros(kept, np.int16)
    out_cells = np.zeros(kept, np.int64)
    out_low = np.zeros(kept, np.int16)
    for n in range(count):
        if merged[n] < 0:
            p = parent[n]
            while p >= 0 and merged[p] >= 0:
                p = merged[p]
            m = number[n]
            out_parent[m] = number[p] if p >= 0 else -1
            out_top[m], out_cells[m], out_low[m] = tops[n], cells[n], low[n]
    for at in order:
        n = flat_leaf[at]
        while merged[n] >= 0:
            n = merged[n]
        flat_leaf[at] = number[n]
    return leaf, out_parent, out_top, out_cells, out_low


@dataclass(frozen=True, eq=False)
class Shape:
    """Blocks as one wind sees them, one value a block.

    Parameters
    ----------
    width, length
        Effective crosswind and alongwind size [m]: the area over the extent the other way, which
        for a rectangle facing the wind are its sides.
    axis, half
        Middle and half of the crosswind extent [m], the middle counted from cell (0, 0).
    cavity
        Length of the recirculating cavity behind it [m].
    front
        Length of the displacement zone before it [m].
    """

    width: NDArray[np.float32]
    length: NDArray[np.float32]
    axis: NDArray[np.float32]
    half: NDArray[np.float32]
    cavity: NDArray[np.float32]
    front: NDArray[np.float32]


def block_shapes(blocks: Blocks, domain: Domain, along: tuple[float, float]) -> Shape:
    """Return the blocks' sizes across and along a wind that blows towards ``along`` (unit vector).

    Notes
    -----
    Cavity ``1.8 W / ((L/H)^0.3 (1 + 0.24 W/H))`` (Fackrell 1984), front ``1.5 W / (1 + 0.8 W/H)``
    (Bagal et al. 2004), with L/H within 0.3 to 3 and W/H at most 10.
    """
    low_x, high_x, low_y, high_y = _extents(blocks.leaf, blocks.parent, *along)
    edge = abs(along[0]) + abs(along[1])
    extent_x = (high_x - low_x + edge) * domain.cell
    extent_y = (high_y - low_y + edge) * domain.cell
    width, length = blocks.area / extent_x, blocks.area / extent_y
    h = np.maximum(blocks.height, 1e-3)
    w = np.minimum(width / h, WIDEST)
    slender = np.clip(length / h, NARROWEST, LONGEST)
    f32 = np.float32
    return Shape(width.astype(f32), length.astype(f32),
                 (0.5 * (low_y + high_y) * domain.cell).astype(f32),
                 (0.5 * extent_y).astype(f32),
                 (1.8 * h * w / (slender ** 0.3 * (1 + 0.24 * w))).astype(f32),
                 (1.5 * h * w / (1 + 0.8 * w)).astype(f32))


@njit(cache=True, nogil=True)
def _extents(leaf: NDArray[np.int32], parent: NDArray[np.int32], cx: float, cy: float
             ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64],
                        NDArray[np.float64]]:
    """Return lowest and highest alongwind and crosswind position of each block [cells]."""
    n, (ny, nx) = len(parent), leaf.shape
    low_x, high_x = np.full(n, math.inf), np.full(n, -math.inf)
    low_y, high_y = np.full(n, math.inf), np.full(n, -math.inf)
    for j in range(ny):
        for i in range(nx):
            b = leaf[j, i]
            if b >= 0:
                x, y = cx * i + cy * j, cx * j - cy * i
                low_x[b], high_x[b] = min(low_x[b], x), max(high_x[b], x)
                low_y[b], high_y[b] = min(low_y[b], y), max(high_y[b], y)
    for b in range(n):  # children come before their parents
        p = parent[b]
        if p >= 0:
            low_x[p], high_x[p] = min(low_x[p], low_x[b]), max(high_x[p], high_x[b])
            low_y[p], high_y[p] = min(low_y[p], low_y[b]), max(high_y[p], high_y[b])
    return low_x, high_x, low_y, high_y
