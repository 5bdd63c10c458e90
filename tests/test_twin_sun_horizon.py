"""The horizon sweep against plain NumPy, rays through the raster, and exact shapes."""

from __future__ import annotations

import math

import numpy as np
import pytest

from twin.sun.crowns import sweep_crowns
from twin.sun.horizon import FULL, STEEP, horizons, sweep
from twin.sun.lines import ends, gather, scatter, way_to
from twin.sun.spots import NOWHERE, Spots

F4 = np.float32
AZIMUTHS = (0, 13, 45, 50, 90, 118, 135, 180, 201.5, 225, 270, 290, 315, 333)
CODE = math.degrees(math.asin(2 / FULL)) * 1.5  # what the rounding of a sine may do to an angle


def rough(ny=17, nx=23, seed=0):
    rng = np.random.default_rng(seed)
    built = rng.random((ny, nx)) < 0.4
    return np.where(built, rng.uniform(0, 20, (ny, nx)), rng.uniform(0, 1, (ny, nx))).astype(F4)


def cells_towards(way, j, i, shape):
    """Cells of the line through (j, i) beyond it, the nearest first, with their steps."""
    p, q = (j, i) if way.upright else (i, j)
    c, sign = q - way.shift[p], 1 if way.rising else -1
    found = []
    for n in range(1, len(way.shift)):
        a = p + sign * n
        if not 0 <= a < len(way.shift):
            break
        b = c + way.shift[a]
        if not 0 <= b < (shape[1] if way.upright else shape[0]):
            break
        found.append(((a, b) if way.upright else (b, a), n))
    return found


def plain_rise(z, cell, way, j, i, height, back=0.0, edges=None):
    """Steepest rise from above a cell, moved back by some steps, over all cells of its line."""
    best, before = 0.0, z[j, i]
    for at, n in cells_towards(way, j, i, z.shape):
        up = z[at] - before
        wall = up > STEEP * cell if edges is None else bool(edges[at]) and up > 0
        away = max(n - 0.5 * wall + back, 0.25) * way.step * cell
        best = max(best, (z[at] - height) / away)
        before = z[at]
    return best


@pytest.mark.parametrize("shape", [(7, 12), (12, 7), (1, 5), (9, 9)])
@pytest.mark.parametrize("azimuth", AZIMUTHS)
def test_every_cell_lies_on_one_line(shape, azimuth):
    way = way_to(azimuth, *shape)
    numbers = np.arange(1, math.prod(shape) + 1, dtype=np.uint16).reshape(shape)
    places, across = len(way.shift), shape[1] if way.upright else shape[0]
    met = []
    back = np.zeros(shape, np.uint16)
    lines = np.zeros((16, places), np.uint16)
    for first in range(0, way.lines, 16):
        count = min(16, way.lines - first)
        gather(numbers, way, first, count, lines)
        for n in range(count):
            low, high = ends(way, first + n, across)
            met += lines[n, low:high].tolist()
        scatter(lines, way, first, count, 0, back)
    assert sorted(met) == numbers.ravel().tolist()
    np.testing.assert_array_equal(back, numbers)


@pytest.mark.parametrize("azimuth", AZIMUTHS)
@pytest.mark.parametrize("rims", [False, True])
def test_sweep_equals_looking_at_every_cell(azimuth, rims):
    z, cell = rough(), 2.0
    edges = np.random.default_rng(3).random(z.shape) < 0.5 if rims else None
    way = way_to(azimuth, *z.shape)
    plain = [[plain_rise(z, cell, way, j, i, z[j, i], edges=edges) for i in range(z.shape[1])]
             for j in range(z.shape[0])]
    found, _ = horizons(z, cell, azimuth, edges=edges)
    np.testing.assert_allclose(found, np.rad2deg(np.arctan(plain)), atol=0.02)


@pytest.mark.parametrize("azimuth", AZIMUTHS)
def test_points_find_the_tangent_of_the_same_line(azimuth):
    z, cell = rough(seed=5), 1.5
    rng = np.random.default_rng(1)
    row, column = rng.integers(0, z.shape[0], 60), rng.integers(0, z.shape[1], 60)
    row[:2], column[:2] = row[2], column[2]  # three in one cell
    north, east = (rng.uniform(-0.5, 0.5, 60).astype(F4) for _ in range(2))
    height = (z[row, column] + rng.uniform(0, 12, 60)).astype(F4)
    _, seen = horizons(z, cell, azimuth, spots=Spots(row, column, north, east, height))
    way = way_to(azimuth, *z.shape)
    turn = math.radians(azimuth)
    forth = (north * math.cos(turn) + east * math.sin(turn)) / way.step
    plain = [plain_rise(z, cell, way, row[p], column[p], height[p], -forth[p]) for p in range(60)]
    np.testing.assert_allclose(seen, np.rad2deg(np.arctan(plain)), atol=0.02)


@pytest.mark.parametrize("azimuth", AZIMUTHS)
def test_crowns_equal_looking_at_every_crown(azimuth):
    z, cell = (rough(seed=7) * F4(0.3)).astype(F4), 2.0
    rng = np.random.default_rng(2)
    top = np.where(rng.random(z.shape) < 0.2, z + rng.uniform(2, 12, z.shape), 0).astype(F4)
    base = (z + 0.3 * (top - z)).astype(F4)
    spot = Spots(np.array([8]), np.array([11]), np.zeros(1, F4), np.zeros(1, F4),
                 np.array([9.0], F4))
    out, seen = np.empty((2, 1, *z.shape), np.uint16), np.empty((2, 1, 1), np.uint16)
    sweep_crowns(z, top, base, cell, [azimuth], out, spot, seen)
    way = way_to(azimuth, *z.shape)

    def plain(j, i, height):
        crowns = [((base[at] - height) / n, (top[at] - height) / n)
                  for at, n in cells_towards(way, j, i, z.shape) if top[at] > z[at]]
        low = min((c[0] for c in crowns), default=np.inf)
        high = max((c[1] for c in crowns), default=0.0)
        if top[j, i] > z[j, i] and top[j, i] > height:
            low, high = min(low, (base[j, i] - height) / 0.5), np.inf
        if not np.isfinite(low):
            return 0.0, 0.0
        return tuple(math.sin(math.atan(max(v, 0) / way.step / cell)) for v in (low, high))

    for j in range(z.shape[0]):
        for i in range(z.shape[1]):
            assert out[:, 0, j, i] / FULL == pytest.approx(plain(j, i, z[j, i]), abs=3e-5)
    assert seen[:, 0, 0] / FULL == pytest.approx(plain(8, 11, 9.0), abs=3e-5)


def test_lines_agree_with_rays_of_any_direction_on_average():
    rng = np.random.default_rng(11)
    z = np.zeros((90, 90), F4)
    for _ in range(14):
        j, i = rng.integers(0, 76, 2)
        z[j:j + 14, i:i + 9] = rng.uniform(5, 30)
    view = np.zeros(z.shape)
    marched = np.zeros(z.shape)
    y, x = np.mgrid[0:90, 0:90] + 0.5
    for azimuth in np.arange(0, 360, 10):
        found, _ = horizons(z, 1.0, float(azimuth))
        view += np.cos(np.deg2rad(found))**2 / 36
        turn, rise = np.deg2rad(azimuth), np.zeros(z.shape)
        for far in np.arange(0.05, 128, 0.1):
            a = np.floor(y + far * np.cos(turn)).astype(int)
            b = np.floor(x + far * np.sin(turn)).astype(int)
            on = (a >= 0) & (b >= 0) & (a < 90) & (b < 90)
            a, b = np.clip(a, 0, 89), np.clip(b, 0, 89)
            rise = np.maximum(rise, np.where(on, (z[a, b] - z) / far, 0))
        marched += 1 / (1 + rise**2) / 36
    assert view.mean() == pytest.approx(marched.mean(), rel=0.01)
    assert np.sqrt(np.mean((view - marched)**2)) < 0.03


@pytest.mark.parametrize(("height", "elevation"), [(10.0, 45.0), (20.0, 30.0), (6.0, 12.0)])
def test_shadow_of_a_box_has_the_length_of_geometry(height, elevation):
    z = np.zeros((121, 121), F4)
    z[55:66, 55:66] = height
    lengths = {}
    for azimuth in range(0, 360, 45):
        found, _ = horizons(z, 1.0, azimuth)
        turn = math.radians(azimuth)
        step = (round(math.cos(turn)), round(math.sin(turn)))
        line = [found[60 - n * step[0], 60 - n * step[1]] for n in range(6, 60)]
        shaded = sum(h > elevation for h in line)
        assert all(h > elevation for h in line[:shaded])
        lengths[azimuth] = shaded * math.hypot(*step)
        exact = height / math.tan(math.radians(elevation))
        assert lengths[azimuth] == pytest.approx(exact, abs=math.hypot(*step))
    assert len({lengths[a] for a in (0, 90, 180, 270)}) == 1
    assert len({lengths[a] for a in (45, 135, 225, 315)}) == 1


@pytest.mark.parametrize("azimuth", [0, 10, 35, 45, 80, 200])
def test_turning_the_raster_turns_its_horizon(azimuth):
    z = rough(20, 20, seed=2)
    found, _ = horizons(z, 1.0, azimuth)
    turned, _ = horizons(np.ascontiguousarray(z.T[:, ::-1]), 1.0, (azimuth - 90) % 360)
    np.testing.assert_allclose(turned, found.T[:, ::-1], atol=CODE)


def test_a_constant_height_more_changes_nothing():
    z = np.round(rough(seed=4) * 8) / 8
    for azimuth in AZIMUTHS:
        np.testing.assert_allclose(horizons(z + F4(512), 1.0, azimuth)[0],
                                   horizons(z, 1.0, azimuth)[0], atol=CODE)


def test_the_rim_is_looked_at_but_not_from():
    z = rough(30, 26, seed=8)
    whole, _ = horizons(z, 1.0, 50)
    inner, _ = horizons(z, 1.0, 50, pad=6)
    np.testing.assert_array_equal(inner, whole[6:-6, 6:-6])


def test_directions_are_told_apart_on_a_lopsided_raster():
    z = np.zeros((20, 40), F4)
    z[16:19, 34:38] = 9.0  # in the north-east
    found = {a: horizons(z, 1.0, a)[0] for a in (0, 90, 180, 270)}
    assert found[0][5, 35] > 30
    assert found[0][17, 5] == 0
    assert found[90][17, 30] > 60
    assert found[180][19, 35] > 80
    assert found[270][17, 39] > 75
    assert found[90][5, 30] == 0


def test_several_directions_at_once_equal_one_after_the_other():
    z = rough(seed=9)
    out, seen = np.empty((3, *z.shape), np.uint16), np.empty((3, 0), np.uint16)
    sweep(z, 1.0, [0.0, 75.0, 250.0], out, NOWHERE, seen)
    for n, azimuth in enumerate((0.0, 75.0, 250.0)):
        alone, _ = horizons(z, 1.0, azimuth)
        np.testing.assert_allclose(np.rad2deg(np.arcsin(out[n] / FULL)), alone, rtol=1e-6)
