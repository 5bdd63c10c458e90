"""Rays from points, and the light read at the horizons of a fan."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numba import njit

from twin.sun.fans import EVEN, UNLIKE, add_fans
from twin.sun.horizon import CLOSEST, FULL, STEEP, horizons
from twin.sun.lanes import no_sums, pack
from twin.sun.planes import planes_of
from twin.sun.points import Points, stand
from twin.sun.rays import BLOCK, eyes_of, relief_of, rise_along
from twin.sun.scenes import SCENES, horizon_at, surface_of
from twin.sun.spots import Spots
from twin.sun.table import SunTable

F4 = np.float32


@njit
def rises(relief, eyes, sin, cos, least):
    out = np.empty((len(eyes.z), len(sin)))
    for p in range(len(eyes.z)):
        for k in range(len(sin)):
            out[p, k] = rise_along(relief, eyes, p, sin[k], cos[k], least)
    return out


def tangents(z, cell, spots, turn, edges=None, least=0.0):
    return rises(relief_of(z, cell, edges), eyes_of(spots), np.sin(turn), np.cos(turn), least)


def plain(z, cell, spots, p, turn, edges=None):
    """The steepest rise to all cells that a ray crosses, found from where it crosses their rims."""
    eye = eyes_of(spots)
    y, x, sin, cos = eye.y[p], eye.x[p], math.sin(turn), math.cos(turn)
    rims = [(np.arange(z.shape[0] + 1) - y) / cos, (np.arange(z.shape[1] + 1) - x) / sin]
    way = np.sort(np.concatenate([r[r > 0] for r in rims]))
    middle = 0.5 * (way[1:] + way[:-1])
    row, column = np.floor(y + middle * cos).astype(int), np.floor(x + middle * sin).astype(int)
    lead = -(eye.east[p] * sin + eye.north[p] * cos)
    best, before = 0.0, z[eye.row[p], eye.column[p]]
    for n, (j, i) in enumerate(zip(row, column, strict=True)):
        if not (0 <= j < z.shape[0] and 0 <= i < z.shape[1]):
            break
        up = z[j, i] - before
        wall = up > STEEP * cell if edges is None else edges[j, i] and up > 0
        far = way[n] if wall else middle[n]
        best = max(best, (float(z[j, i]) - float(spots.z[p])) / max(far + lead, CLOSEST))
        before = z[j, i]
    return best / cell


def land(shape=(3 * BLOCK + 5, 2 * BLOCK + 3), seed=0):
    rng = np.random.default_rng(seed)
    z = (2 * rng.random(shape)).astype(F4)
    for _ in range(12):
        j, i = rng.integers(0, shape[0] - 5), rng.integers(0, shape[1] - 4)
        z[j:j + 5, i:i + 4] = rng.uniform(3, 30)
    return z


@pytest.mark.parametrize("rims", [False, True])
def test_rays_meet_what_lies_on_their_way(rims):
    z, cell = land(), 2.0
    rng = np.random.default_rng(1)
    edges = rng.random(z.shape) < 0.4 if rims else None
    places = Points(rng.uniform(0, 2 * z.shape[1], 40), rng.uniform(0, 2 * z.shape[0], 40),
                    rng.uniform(0, 25, 40), rng.choice([0.0, 90.0], 40), rng.uniform(0, 360, 40))
    spots, _, _ = stand(places, z, cell)
    turn = np.deg2rad(np.arange(0.37, 360, 7.3))
    found = tangents(z, cell, spots, turn, edges)
    exact = [[plain(z, cell, spots, p, t, edges) for t in turn] for p in range(40)]
    np.testing.assert_allclose(found, exact, rtol=1e-9, atol=1e-12)
    # What is below the least is not looked for.
    np.testing.assert_allclose(tangents(z, cell, spots, turn, edges, 0.4),
                               np.maximum(exact, 0.4), rtol=1e-9)


@pytest.mark.parametrize("scene", [s for s in SCENES if s.boxes], ids=lambda s: s.name[:20])
def test_rays_over_boxes_are_exact(scene):
    """Boxes end where cells do: no ray is off, whichever way it looks."""
    z = surface_of(scene)
    half = 0.5 * len(z)
    spots, _, _ = stand(Points(half, half + scene.y, scene.z, scene.slope, scene.aspect), z, 1.0)
    azimuth = np.arange(0.23, 360, 0.9)
    front = np.cos(np.deg2rad(azimuth - scene.aspect)) > 0 if scene.slope == 90 else azimuth > 0
    found = np.rad2deg(np.arctan(tangents(z, 1.0, spots, np.deg2rad(azimuth))[0]))
    np.testing.assert_allclose(found[front], horizon_at(scene, azimuth)[front], atol=0.02)


@pytest.mark.parametrize("azimuth", [0, 90, 180, 270])
def test_rays_along_the_axes_agree_with_the_sweep(azimuth):
    z = land(seed=3)
    rng = np.random.default_rng(2)
    row, column = rng.integers(0, z.shape[0], 50), rng.integers(0, z.shape[1], 50)
    off = np.zeros(50, F4)
    spots = Spots(row, column, off, off, z[row, column])
    _, swept = horizons(z, 1.0, azimuth, spots=spots)
    found = tangents(z, 1.0, spots, np.deg2rad([float(azimuth)]))[:, 0]
    np.testing.assert_allclose(np.rad2deg(np.arctan(found)), swept, atol=0.02)


def bright(directions, seed=0):
    """Random light from everywhere in two periods, as much from each part of a sector."""
    rng = np.random.default_rng(seed)
    levels = 91
    turn = np.arange(directions) * 2 * np.pi / directions
    part = rng.random((2, directions, levels)) * np.cos(np.linspace(0, 1.5, levels))
    sine = np.linspace(0, 1, levels)
    far = np.sqrt(1 - sine**2)
    one = np.stack([part * far * np.sin(turn)[:, None], part * far * np.cos(turn)[:, None],
                    part * sine, part], -1)
    sums = one[:, :, ::-1].cumsum(axis=2)[:, :, ::-1].astype(F4)
    return SunTable(("1", "2"), np.ascontiguousarray(sums[..., :3]), sums[..., 3].copy(),
                    np.array([30.0, 60.0]), np.array([4.0, 8.0]), np.array([250.0, 500.0]))


@pytest.mark.parametrize("leafy", [False, True])
@pytest.mark.parametrize("parts", [1, 4])
def test_adding_fans_equals_plain_numpy(leafy, parts):
    directions, count, z = 12, 30, land(seed=5)
    table, through = bright(directions), np.array([0.3, 0.7])
    rng = np.random.default_rng(4)
    slope = np.repeat([0.0, 25.0, 90.0], 10)
    places = Points(rng.uniform(5, z.shape[1] - 5, count), rng.uniform(5, z.shape[0] - 5, count),
                    rng.uniform(2, 12, count), slope, rng.uniform(0, 360, count))
    spots, planes, _ = stand(places, z, 1.0)
    leaves = np.sort(rng.integers(0, FULL, (2, directions, count if leafy else 0)),
                     axis=0).astype(np.uint16)
    sums = no_sums(count, table, tilted=True)
    add_fans(z, 1.0, None, spots, planes, leaves, pack(table), pack(table, through), sums, parts)

    b, f = np.deg2rad(slope), np.deg2rad(places.aspect)
    normal = np.stack([np.sin(b) * np.sin(f), np.sin(b) * np.cos(f), np.cos(b)])
    turn = np.arange(directions * parts) * 2 * np.pi / (directions * parts)
    rise = tangents(z, 1.0, spots, turn)
    ahead = normal[0][:, None] * np.sin(turn) + normal[1][:, None] * np.cos(turn)
    own = np.sin(np.arctan2(np.maximum(-ahead, 0), normal[2][:, None]))
    seen = np.maximum(np.sin(np.arctan(rise)), own)
    # Between two directions that agree nobody looks.
    gap = parts // 2
    while gap:
        for n in range(gap, directions * parts, 2 * gap):
            alike = np.abs(seen[:, n - gap] - seen[:, (n + gap) % (directions * parts)]) < UNLIKE
            seen[alike, n] = 0.5 * (seen[alike, n - gap]
                                    + seen[alike, (n + gap) % (directions * parts)])
        gap //= 2

    mean = float(through @ table.isotropic / table.isotropic.sum())
    light, hours, sky = np.zeros((2, count)), np.zeros(count), np.zeros(count)
    for d in range(directions):
        for j in range(-parts, parts + 1):
            # The fan, less what the table has spread already.
            weight = (parts - abs(j)) / parts**2 + {0: 1 / 6, parts: -1 / 12}.get(abs(j), 0)
            back = j * 2 * np.pi / (directions * parts)
            n = np.stack([normal[0] * np.cos(back) - normal[1] * np.sin(back),
                          normal[1] * np.cos(back) + normal[0] * np.sin(back), normal[2]])
            n[:2] /= sum(((parts - abs(m)) / parts**2 + {0: 1 / 6, parts: -1 / 12}.get(abs(m), 0))
                         * math.cos(m * 2 * np.pi / (directions * parts))
                         for m in range(-parts, parts + 1))
            low = seen[:, (d * parts + j) % (directions * parts)]
            high = np.maximum(low, leaves[1, d] / FULL if leafy else low)
            mid = np.clip(leaves[0, d] / FULL if leafy else low, low, high)
            facing = n[0] * math.sin(d * 2 * np.pi / directions) + n[1] * math.cos(
                d * 2 * np.pi / directions)

            def above(level, p, n=n, d=d, facing=facing):
                beam = [np.interp(level, table.sines, table.beam[p, d, :, c]) for c in range(3)]
                zenith = np.arccos(np.minimum(level, 1))
                view = (n[2] * np.sin(zenith)**2 + facing * (
                    zenith - np.sin(zenith) * np.cos(zenith))) / directions
                return (np.maximum(np.sum(beam * n, axis=0) + table.isotropic[p] * view, 0),
                        np.interp(level, table.sines, table.hours[p, d]), np.maximum(view, 0))

            for p in range(2):
                parts_of = [above(level, p) for level in (low, mid, high)]
                open_, crown = (parts_of[0][0] - parts_of[1][0] + parts_of[2][0],
                                parts_of[1][0] - parts_of[2][0])
                light[p] += weight * (open_ + through[p] * crown)
                hours += weight * (parts_of[0][1] - parts_of[1][1] + parts_of[2][1])
            views = [v[2] for v in parts_of]
            sky += weight * (views[0] - views[1] + views[2] + mean * (views[1] - views[2]))
    slack = 2 * EVEN * 1.5  # horizons read together
    np.testing.assert_allclose(sums.period.T * sums.unit, np.maximum(light, 0),
                               atol=slack * light.max())
    np.testing.assert_allclose(sums.year, light.sum(axis=0), atol=slack * light.max())
    np.testing.assert_allclose(sums.sky, np.maximum(sky, 0), atol=slack)
    np.testing.assert_allclose(sums.hours, hours, atol=slack * hours.max())


@pytest.mark.parametrize("parts", [1, 2, 8, 32])
def test_an_open_point_gets_the_whole_table(parts):
    """However finely it looks, a level point in the open gets every sun once."""
    table = bright(24)
    z = np.zeros((9, 9), F4)
    spots, planes, _ = stand(Points(4.5, 4.5, 0.0), z, 1.0)
    sums = no_sums(1, table, tilted=True)
    add_fans(z, 1.0, None, spots, planes, np.zeros((2, 24, 0), np.uint16), pack(table),
             pack(table), sums, parts)
    assert sums.year[0] == pytest.approx(table.beam[:, :, 0, 2].sum() + 90, rel=1e-5)
    assert sums.hours[0] == pytest.approx(table.hours[:, :, 0].sum(), rel=1e-5)
    assert sums.sky[0] == pytest.approx(1, abs=1e-5)


def test_a_wall_gets_what_stands_before_it():
    """Light from everywhere alike: a wall gets 1/pi of what a plane turned to it would, each way.

    A sun that goes round evenly at height 0 gives a wall the mean of max(cos, 0), which is 1 / pi,
    wherever the wall looks between the directions of the table.
    """
    directions = 24
    turn = np.arange(directions) * 2 * np.pi / directions
    beam = np.zeros((1, directions, 3, 3), F4)
    beam[0, :, 0, 0], beam[0, :, 0, 1] = np.sin(turn), np.cos(turn)
    table = SunTable(("1",), beam, np.zeros((1, directions, 3), F4), np.zeros(1), np.zeros(1),
                     np.zeros(1))
    z = np.zeros((9, 9), F4)
    aspect = np.arange(0, 360, 1.0)
    places = Points(4.5, 4.5, 0.0, 90.0, aspect)
    spots, planes, _ = stand(places, z, 1.0)
    assert planes.east == pytest.approx(planes_of(np.full(360, 90.0), aspect).east)
    sums = no_sums(360, table, tilted=True)
    add_fans(z, 1.0, None, spots, planes, np.zeros((2, directions, 0), np.uint16), pack(table),
             pack(table), sums)
    np.testing.assert_allclose(sums.year, directions / np.pi, rtol=1.5e-3)
