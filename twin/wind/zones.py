"""The first guess of the wind: each column asks what stands upwind, downwind and beside it.

Every column looks along the wind for the walls it sees, and takes from each the zone it stands in:
the recirculating cavity behind a block, the canyon between two, the displacement zone with its
vortex before one, the vortex behind a roof's edge, the separated layer along a side wall, and where
a higher cavity reaches over a low block, its flow comes from behind. No column writes into another,
so neither the order nor the tiling nor the number of threads can change the result. Zones fade over
a tenth of their length and follow the angle between wind and wall continuously: what runs along a
wall is kept, what runs against it is turned. Far wakes, and streets that many walls have slowed,
come from `twin.wind.shelter`.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from twin.wind.blocks import Blocks, Shape
from twin.wind.domain import Domain
from twin.wind.formulas import (
    canyon_rise,
    canyon_speed,
    cavity_speed,
    edge_scale,
    ellipsoid,
    fade,
    front_vortex,
    roof_crest,
)
from twin.wind.inflow import Inflow
from twin.wind.sight import roof_edge, side_wall, walls

F32 = NDArray[np.float32]
MOST_WALLS = 12  # walls a column keeps of those it sees one above the other
SIDE_CELLS = 8   # cells a column looks sideways at most
SMOOTH = 3.0     # how far stepped walls are smoothed to find which way they face [m]


class Zones(NamedTuple):
    """Strengths and lengths of the zones, one set for every place.

    Parameters
    ----------
    cavity_length, cavity_reverse, cavity_along, cavity_turn
        Behind a block: length over Fackrell's; speed against the wind over the formula's; share of
        the wind along the wall that is kept; how soon it begins as the wall turns to the wind.
    canyon_across, canyon_down, canyon_step
        Between blocks: speeds across and upwards over the formula's; what a higher wall downwind
        adds.
    front_length, front_share, front_vortex
        Before a block: length over Bagal's, share of the wind that is kept, strength of its vortex.
    front_along, front_down, front_reach, front_turn
        Along a wall the wind meets at an angle: speed along it and down it over the roof's, how
        far from it over Bagal's length, how soon it begins as the wall turns to the wind.
    roof_vortex, side_vortex
        Strength of what separates at the roof's edge and along side walls.
    """

    cavity_length: float = 1.1
    cavity_reverse: float = 1.0
    cavity_along: float = 1.0
    cavity_turn: float = 0.5
    canyon_across: float = 1.1
    canyon_down: float = 0.1
    canyon_step: float = 0.9
    front_length: float = 0.3
    front_share: float = 0.5
    front_vortex: float = 0.9
    front_along: float = 2.4
    front_down: float = 0.8
    front_reach: float = 0.7
    front_turn: float = 0.3
    roof_vortex: float = 0.4
    side_vortex: float = 0.3


class View(NamedTuple):
    """The blocks as one wind sees them, arrays by block, for the kernel."""

    top: NDArray[np.int16]
    base: NDArray[np.int16]
    parent: NDArray[np.int32]
    height: F32
    width: F32
    axis: F32
    half: F32
    cavity: F32
    front: F32
    speed: F32


def wall_normals(domain: Domain) -> F32:
    """Return the outward horizontal normal of the walls at each column, (2, ny, nx)."""
    smooth = gaussian_filter(domain.height, max(SMOOTH / domain.cell, 1.0), mode="nearest")
    up = np.diff(smooth, axis=0, prepend=smooth[:1], append=smooth[-1:])
    right = np.diff(smooth, axis=1, prepend=smooth[:, :1], append=smooth[:, -1:])
    gy, gx = up[1:] + up[:-1], right[:, 1:] + right[:, :-1]
    size = np.maximum(np.hypot(gx, gy), 1e-6)
    return np.stack([-gx / size, -gy / size]).astype(np.float32)


def stamp(u: F32, v: F32, w: F32, domain: Domain, blocks: Blocks, shape: Shape, inflow: Inflow,
          along: tuple[float, float], zones: Zones, background: tuple[F32, F32]) -> None:
    """Write the first guess of each cell at the low faces of u, v and w.

    Parameters
    ----------
    u, v, w
        Staggered velocities, written in place; ``u[:, :, :nx]`` holds the share of the wind that
        is left [m s-1].
    along
        Unit vector the wind blows towards.
    background
        Undisturbed wind of each column over the inflow's speed, eastward and northward, (ny, nx).
    """
    highest = int(domain.top.max())
    reach = np.zeros(max(highest, 1), np.float32)
    far = np.maximum(shape.cavity * max(zones.cavity_length, 1.0),
                     shape.front * max(zones.front_length, zones.front_reach)) * 1.1
    np.maximum.at(reach, np.maximum(blocks.top - 1, 0), far)
    reach = np.ascontiguousarray(np.maximum.accumulate(reach[::-1])[::-1])
    edges = np.minimum(shape.width, blocks.height) ** (2 / 3) * np.maximum(
        shape.width, blocks.height) ** (1 / 3)
    side = int(min(0.11 * edges.max(initial=0.0) / domain.cell + 0.5, SIDE_CELLS))
    view = View(blocks.top, blocks.base, blocks.parent, blocks.height, shape.width, shape.axis,
                shape.half, shape.cavity, shape.front,
                np.asarray(inflow.at(blocks.height), np.float32))
    _stamp(u, v, w, domain.top, domain.ground, blocks.leaf, view, wall_normals(domain),
           domain.faces.astype(np.float32), np.asarray(inflow.at(domain.above_ground), np.float32),
           reach, *background, side, float(domain.cell), float(along[0]), float(along[1]),
           Zones(*map(float, zones)))


@njit(cache=True, nogil=True)
def _block(leaf: int, k: int, view: View) -> int:
    """Return the block of a stack that a level cuts."""
    while view.base[leaf] > k and view.parent[leaf] >= 0:
        leaf = view.parent[leaf]
    return leaf


@njit(cache=True, nogil=True, parallel=True)
def _stamp(u: F32, v: F32, w: F32, top: NDArray[np.int16], ground: NDArray[np.int16],
           leaf: NDArray[np.int32], view: View, normal: F32, faces: F32, speed: F32, reach: F32,
           east: F32, north: F32, side_cells: int, cell: float, cx: float, cy: float,
           c: Zones) -> None:
    ny, nx = top.shape
    nz = len(faces) - 1
    flat_leaf, flat_top = leaf.ravel(), top.ravel()
    for j in prange(ny):
        up_at, down_at = np.empty(MOST_WALLS, np.int64), np.empty(MOST_WALLS, np.int64)
        up_d, down_d = np.empty(MOST_WALLS, np.float32), np.empty(MOST_WALLS, np.float32)
        share = np.empty(nz, np.float32)
        for i in range(nx):
            first, floor = int(top[j, i]), int(ground[j, i])
            gain = math.sqrt(east[j, i] ** 2 + north[j, i] ** 2)
            crest, square, side_top, side_place, side_weight = 0.0, 0.0, 0, 0.0, 0.0
            lowest = first  # above it the wind has only been slowed
            if first > floor:
                scale = edge_scale(view.width[leaf[j, i]], view.height[leaf[j, i]])
                edge, square = roof_edge(j, i, cx, cy, top, normal, 0.9 * scale, cell)
                if edge > 0:
                    crest = roof_crest(edge, scale)
                    while lowest < nz and faces[lowest] < faces[first] + crest:
                        lowest += 1
            elif side_cells > 0:
                side_top, side_place, side_weight = side_wall(
                    j, i, cx, cy, side_cells, top, ground, leaf, view.width, view.height, normal,
                    cell)
                lowest = max(lowest, side_top)
            across_wind = (cx * j - cy * i) * cell
            for k in range(nz):
                share[k] = u[j, k, i]
                u[j, k, i] = v[j, k, i] = w[j, k, i] = 0.0
            for look in range(2):  # two looks, left and right of the middle: softer steps
                aside = 0.25 if look else -0.25
                ups = walls(j, i, -cx, -cy, -aside, top, ground, reach, cell, up_at, up_d)
                downs = walls(j, i, cx, cy, aside, top, ground, reach, cell, down_at, down_d)
                highest = lowest
                if ups:
                    highest = max(highest, int(flat_top[up_at[ups - 1]]))
                if downs:
                    highest = max(highest, int(flat_top[down_at[downs - 1]]))
                up, down = 0, 0
                for k in range(first, nz):
                    here = share[k] * speed[floor, k]
                    U, V, W = here * east[j, i], here * north[j, i], 0.0
                    here *= gain
                    if k >= highest:
                        u[j, k, i] += 0.5 * U
                        v[j, k, i] += 0.5 * V
                        continue
                    z = 0.5 * (faces[k] + faces[k + 1])
                    while up < ups and flat_top[up_at[up]] <= k:
                        up += 1
                    while down < downs and flat_top[down_at[down]] <= k:
                        down += 1
                    beside, wall_x, wall_y, wall_t, wall_w = 0.0, 0.0, 0.0, 0.0, 0.0
                    ahead = -1
                    if down < downs:  # before a block
                        ahead = _block(flat_leaf[down_at[down]], k, view)
                        h, x = view.height[ahead], down_d[down]
                        zb = z - faces[view.top[ahead]] + h
                        jj, ii = down_at[down] // nx, down_at[down] % nx
                        ax, ay = normal[0, jj, ii], normal[1, jj, ii]
                        cos = -(ax * cx + ay * cy)
                        if cos > 0:
                            roof = gain * share[min(view.top[ahead], nz - 1)] * view.speed[ahead]
                            near = max(1.0 - x * cos / (c.front_reach * view.front[ahead]), 0.0)
                            beside = min(2.0 * c.front_turn * cos, 1.0) * near
                            part = min(zb / h, 1.0)
                            wall_x, wall_y, wall_t = ax, ay, c.front_along * roof
                            wall_w = c.front_down * roof * cos * 4.0 * part * (1.0 - part)
                            eta = (across_wind - view.axis[ahead]) / view.half[ahead]
                            depth = ellipsoid(c.front_length * view.front[ahead], eta,
                                              zb / (0.6 * h))
                            if depth > 0:
                                f = fade(x / depth) * cos
                                onto = U * ax + V * ay
                                less, rise = c.front_share * onto, 0.0
                                tall = min(view.width[ahead], h)
                                if x < 0.4 * depth and zb < 0.5 * tall:
                                    less, rise = front_vortex(x, zb, 0.4 * depth, tall)
                                    less *= c.front_vortex * roof * cos
                                    rise *= c.front_vortex * roof * cos
                                U += f * (less - onto) * ax
                                V += f * (less - onto) * ay
                                W += f * (rise - W)
                    if k < side_top:
                        f = side_weight * fade(side_place)
                        back = -c.side_vortex * here * max(1.0 - side_place, 0.0)
                        U += f * (back * cx - U)
                        V += f * (back * cy - V)
                    if crest > 0:
                        zr = z - faces[first]
                        f = c.roof_vortex * square * fade(zr / crest)
                        back = -here * max(1.0 - zr / crest, 0.0)
                        U += f * (back * cx - U)
                        V += f * (back * cy - V)
                    if up < ups:  # behind a block
                        behind = _block(flat_leaf[up_at[up]], k, view)
                        h, x = view.height[behind], up_d[up]
                        zb = z - faces[view.top[behind]] + h
                        eta = (across_wind - view.axis[behind]) / view.half[behind]
                        depth = ellipsoid(c.cavity_length * view.cavity[behind], eta, zb / h)
                        if depth > 0:
                            jj, ii = up_at[up] // nx, up_at[up] % nx
                            ax, ay = normal[0, jj, ii], normal[1, jj, ii]
                            cos = max(ax * cx + ay * cy, 0.0)
                            left = gain * share[min(view.top[behind], nz - 1)]
                            roof = view.speed[behind] * left * cos
                            free = c.cavity_along * speed[floor, k] * left
                            tx, ty = free * (cx - cos * ax), free * (cy - cos * ay)
                            f = fade(x / depth) * min(2.0 * c.cavity_turn * cos, 1.0)
                            back = c.cavity_reverse * roof * cavity_speed(x, depth)
                            # where a higher cavity reaches, its flow comes from behind
                            for over in range(up + 1, ups):
                                tall = flat_leaf[up_at[over]]
                                eta = (across_wind - view.axis[tall]) / view.half[tall]
                                deep = ellipsoid(c.cavity_length * view.cavity[tall], eta,
                                                 zb / view.height[tall])
                                if deep > up_d[over]:
                                    strong = c.cavity_reverse * gain * view.speed[tall] * cos
                                    back = max(back, strong * cavity_speed(up_d[over], deep))
                            U += f * (tx - back * ax - U)
                            V += f * (ty - back * ay - V)
                            W -= f * W
                            if ahead >= 0:
                                gap = x + down_d[down]
                                low = min(h, faces[view.top[ahead]] - faces[view.top[behind]] + h)
                                f = fade(1.1 * gap / (c.cavity_length * view.cavity[behind]))
                                if f > 0 and low > 0 and zb < low:
                                    step = min(view.height[ahead] / h - 1.0, 1.0)
                                    if step > 0:  # the higher wall brings faster air down
                                        roof += (c.canyon_step * step * cos * view.speed[ahead]
                                                 * gain * share[min(view.top[ahead], nz - 1)])
                                    back = c.canyon_across * roof * canyon_speed(x / gap, zb / low)
                                    rise = c.canyon_down * roof * canyon_rise(x / gap)
                                    U += f * (tx - back * ax - U)
                                    V += f * (ty - back * ay - V)
                                    W += f * (rise - W)
                    if beside > 0:
                        onto = U * wall_x + V * wall_y
                        cos = cx * wall_x + cy * wall_y
                        U += beside * (wall_t * (cx - cos * wall_x) + onto * wall_x - U)
                        V += beside * (wall_t * (cy - cos * wall_y) + onto * wall_y - V)
                        W -= beside * wall_w
                    u[j, k, i] += 0.5 * U
                    v[j, k, i] += 0.5 * V
                    w[j, k, i] += 0.5 * W
