"""The wind of one direction: what physics asks of it, whatever the coefficients."""

from __future__ import annotations

from itertools import pairwise

import numba
import numpy as np
import pytest

from layers.errors import GridError
from twin.wind.blocks import block_shapes, find_blocks
from twin.wind.canopy import DRAG, make_canopy
from twin.wind.domain import level_faces, make_domain
from twin.wind.flow import simulate, towards
from twin.wind.inflow import log_profile
from twin.wind.shelter import Mixing, mixing_height, shelter
from twin.wind.zones import Zones, stamp

INFLOW = log_profile(5.0, 10.0, 0.3)
CELL = 4.0


def town(ny=48, nx=64, seed=3):
    """Blocks of random size and height, lopsided, with open ground around."""
    rng = np.random.default_rng(seed)
    height = np.zeros((ny, nx), np.float32)
    for j in range(10, ny - 16, 9):
        for i in range(10, nx - 20, 9):
            a, b = rng.integers(3, 8, 2)
            height[j:j + a, i:i + b] = rng.integers(3, 14) * 2.0
    return height


def speed_at(flow, z=3.0):
    ny, nx = (n - 2 * flow.domain.margin for n in flow.domain.top.shape)
    y, x = np.meshgrid((np.arange(ny) + 0.5) * flow.domain.cell,
                       (np.arange(nx) + 0.5) * flow.domain.cell, indexing="ij")
    return flow.at(x, y, z)


@pytest.mark.parametrize("wind_from", [0.0, 90.0, 200.0, 291.5])
def test_open_ground_keeps_the_inflow(wind_from):
    flow = simulate(np.zeros((20, 30)), CELL, INFLOW, wind_from)
    cx, cy = towards(wind_from)
    centre = INFLOW.at(flow.domain.centres)[None, :, None]
    np.testing.assert_allclose(flow.u, np.broadcast_to(cx * centre, flow.u.shape), atol=5e-6)
    np.testing.assert_allclose(flow.v, np.broadcast_to(cy * centre, flow.v.shape), atol=5e-6)
    assert not flow.w.any()
    at = flow.at([50.0], [40.0], [1.5])
    assert np.hypot(at["u"], at["v"])[0] == pytest.approx(INFLOW.at(1.5), rel=1e-6)
    assert at["k"][0] == pytest.approx(INFLOW.tke(1.5), rel=1e-5)


def test_what_flows_in_flows_out():
    flow = simulate(town(), CELL, INFLOW, 245.0, tolerance=1e-5)
    dz = np.diff(flow.domain.faces)[None, :]
    area, lid = dz * CELL, CELL ** 2
    u, v, w = (a.astype(np.float64) for a in (flow.u, flow.v, flow.w))
    out = [(u[:, :, -1] * area).sum(), (-u[:, :, 0] * area).sum(), (v[-1].T * area).sum(),
           (-v[0].T * area).sum(), w[:, -1].sum() * lid]
    assert abs(sum(out)) < 1e-5 * sum(abs(o) for o in out)
    assert np.abs(w[:, 0]).max() == 0  # nothing through the ground


def test_walls_let_nothing_through():
    flow = simulate(town(), CELL, INFLOW, 210.0)
    air = flow.domain.is_open()
    between = air[:, :, 1:] != air[:, :, :-1]
    assert between.any()
    assert np.abs(flow.u[:, :, 1:-1][between]).max() == 0
    between = air[1:] != air[:-1]
    assert np.abs(flow.v[1:-1][between]).max() == 0
    assert np.isnan(flow.at([12.5 * CELL], [11.5 * CELL], [1.5])["u"]).all()


@pytest.mark.parametrize("wind_from", [270.0, 250.0])
def test_the_divergence_it_reports_is_the_one_of_the_field(wind_from):
    flow = simulate(town(), CELL, INFLOW, wind_from)
    dz = np.diff(flow.domain.faces)[None, :, None]
    u, v, w = (a.astype(np.float64) for a in (flow.u, flow.v, flow.w))
    div = np.diff(u, axis=2) / CELL + np.diff(v, axis=0) / CELL + np.diff(w, axis=1) / dz
    worst = np.abs(div[flow.domain.is_open()]).max() * CELL
    fastest = max(np.abs(a).max() for a in (u, v, w))
    assert flow.report.converged
    assert flow.report.residual <= 1e-3
    assert flow.report.divergence == pytest.approx(worst / fastest, rel=0.2)


@pytest.mark.parametrize("wind_from", [270.0, 250.0, 225.0])
def test_a_mirrored_city_has_the_mirrored_wind(wind_from):
    height = town()
    height[30:34, 40:50], height[35:41, 40:50] = 40.0, 8.0  # with a narrow alley
    height[34, 40:50] = 0.0
    here = speed_at(simulate(height, CELL, INFLOW, wind_from, tolerance=1e-5))
    there = speed_at(simulate(height[::-1], CELL, INFLOW, 540.0 - wind_from, tolerance=1e-5))
    for name, sign in (("u", 1), ("v", -1), ("w", 1), ("k", 1)):
        difference = here[name] - sign * there[name][::-1]
        assert np.nanmax(np.abs(difference)) < 0.2  # where both sides of an alley count alike
        assert np.sqrt(np.nanmean(difference ** 2)) < 6e-3


@pytest.mark.parametrize("wind_from", [270.0, 240.0])
def test_a_turned_city_has_the_turned_wind(wind_from):
    height = town()
    here = speed_at(simulate(height, CELL, INFLOW, wind_from, tolerance=1e-5))
    turned = np.rot90(height)  # counter-clockwise on rows that run north: south becomes west
    there = speed_at(simulate(np.ascontiguousarray(turned), CELL, INFLOW, wind_from + 90,
                              tolerance=1e-5))
    # np.rot90 of a raster whose row 0 is the south turns the city clockwise
    east, north = np.rot90(here["v"]), -np.rot90(here["u"])
    assert np.sqrt(np.nanmean((there["u"] - east) ** 2)) < 1e-3
    assert np.sqrt(np.nanmean((there["v"] - north) ** 2)) < 1e-3
    assert np.sqrt(np.nanmean((there["w"] - np.rot90(here["w"])) ** 2)) < 1e-3


def test_any_number_of_threads_gives_the_same_wind():
    if numba.config.NUMBA_NUM_THREADS < 2:
        pytest.skip("one thread only")
    height = np.tile(town(), (1, 3))
    fields = []
    for threads in (1, 2):
        numba.set_num_threads(threads)
        flow = simulate(height, CELL, INFLOW, 200.0)
        fields.append(np.concatenate([a.ravel() for a in (flow.u, flow.v, flow.w)]))
    numba.set_num_threads(numba.config.NUMBA_NUM_THREADS)
    np.testing.assert_allclose(fields[0], fields[1], atol=1e-5)


def test_twice_the_wind_gives_twice_the_field():
    height = town()
    once = speed_at(simulate(height, CELL, INFLOW, 225.0))
    twice = speed_at(simulate(height, CELL, INFLOW.scaled(2.0), 225.0))
    for name, power in (("u", 1), ("v", 1), ("w", 1), ("k", 2)):
        np.testing.assert_allclose(twice[name], 2.0 ** power * once[name], rtol=2e-4, atol=2e-5)


def test_finer_cells_converge():
    """Cells of 4, 2 and 1 m around a block 48 m wide and 24 m high: the observed order."""
    x, y = np.meshgrid(np.arange(4.0, 320, 8), np.arange(4.0, 240, 8))
    found = []
    for cell in (4.0, 2.0, 1.0):
        height = np.zeros((round(240 / cell), round(320 / cell)), np.float32)
        height[round(96 / cell):round(144 / cell), round(112 / cell):round(160 / cell)] = 24.0
        flow = simulate(height, cell, INFLOW, 270.0, margin=0,
                        faces=level_faces(24.0, step=cell / 2))
        found.append(np.stack([flow.at(x, y, z)["u"] for z in (6.0, 18.0, 30.0)]))
    coarse, fine = (float(np.nanmean(np.abs(found[n] - found[n + 1]))) for n in (0, 1))
    assert fine < 0.01 * 5.0
    assert np.log2(coarse / fine) > 0.5  # the order; walls are steps, zones have edges


def one_block(wind_from=270.0, zones=None, wide=10):
    """A block 2 x 2 H wide and H = 20 m high; the first guess alone, with no mixing."""
    height = np.zeros((60, 90), np.float32)
    height[25:25 + wide, 30:40] = 20.0
    domain = make_domain(height, 2.0)
    ny, nz, nx = domain.shape
    u, v, w = (np.ones(s, np.float32) for s in ((ny, nz, nx + 1), (ny + 1, nz, nx),
                                                (ny, nz + 1, nx)))
    blocks = find_blocks(domain)
    along = towards(wind_from)
    shape = block_shapes(blocks, domain, along)
    background = tuple(np.full((ny, nx), c, np.float32) for c in along)
    stamp(u, v, w, domain, blocks, shape, INFLOW, along, zones or Zones(), background)
    return domain, blocks, shape, u, v, w


def test_block_lengths_are_fackrells_and_bagals():
    _, blocks, shape, *_ = one_block()
    assert len(blocks) == 1
    assert blocks.height[0] == 20
    assert (shape.width[0], shape.length[0]) == (20, 20)
    assert shape.cavity[0] == pytest.approx(1.8 * 20 / (1 + 0.24))
    assert shape.front[0] == pytest.approx(1.5 * 20 / (1 + 0.8))


def test_width_of_a_turned_square_changes_without_a_jump():
    widths = []
    for wind_from in np.arange(270.0, 316.0, 5.0):
        *_, shape, _, _, _ = one_block(wind_from)
        widths.append((shape.width[0], shape.length[0], shape.cavity[0]))
    widths = np.asarray(widths)
    assert widths[-1, 0] == pytest.approx(20 / np.sqrt(2), rel=1e-3)
    assert (np.abs(np.diff(widths, axis=0)) < 0.1 * widths[:-1]).all()


def test_cavity_follows_its_formula():
    zones = Zones(cavity_length=1.0, cavity_reverse=1.0, cavity_turn=9.0)
    domain, _, shape, u, _, w = one_block(zones=zones)
    k, row = 4, 30  # z 9 m, half a cell beside the axis
    z, eta = domain.centres[k], (row + 0.5 - 30) / 5
    depth = shape.cavity[0] * np.sqrt((1 - eta ** 2) * (1 - (z / 20) ** 2))
    roof = INFLOW.at(20.0)
    for x in (1.0, 5.0, 11.0):  # 40 is the first column behind the wall
        assert x < 0.9 * depth
        assert u[row, k, 40 + int(x // 2)] == pytest.approx(-roof * (1 - x / depth) ** 2, rel=2e-3)
        assert w[row, k, 40 + int(x // 2)] == 0
    beyond = 40 + int(1.2 * depth / 2)
    assert u[row, k, beyond] == pytest.approx(INFLOW.at(z), rel=1e-5)


def test_displacement_and_its_vortex_follow_their_formulas():
    zones = Zones(front_length=1.0, front_share=0.4, front_vortex=1.0, front_reach=1e-6)
    domain, _, shape, u, _, w = one_block(zones=zones)
    k, row = 1, 30
    z, eta = domain.centres[k], (row + 0.5 - 30) / 5
    depth = shape.front[0] * np.sqrt((1 - eta ** 2) * (1 - (z / 12) ** 2))
    outer = 29 - int(0.7 * depth / 2)
    assert u[row, k, outer] == pytest.approx(0.4 * INFLOW.at(z), rel=1e-3)
    x, length = 3.0, 0.4 * depth
    vortex = (0.6 * np.cos(np.pi * z / 10) + 0.05) * 0.6 * np.sin(np.pi * x / length)
    assert u[row, k, 28] == pytest.approx(-INFLOW.at(20.0) * vortex, rel=2e-3)
    fall = -(0.1 * np.cos(np.pi * x / length) + 0.05)
    assert w[row, k, 28] == pytest.approx(INFLOW.at(20.0) * fall, rel=2e-3)


def test_rooftop_and_side_layers_stay_inside_their_bounds():
    *_, u, _, _ = one_block(zones=Zones(roof_vortex=1.0, side_vortex=1.0))
    domain, _, _, still, _, _ = one_block(zones=Zones(roof_vortex=0.0, side_vortex=0.0))
    changed = np.abs(u - still) > 1e-6
    scale = 20.0  # R of a block as wide as it is high
    z = domain.centres
    roof = changed[25:35, :, 30:40]
    assert roof.any()
    assert z[roof.any(axis=(0, 2))].max() < 20 + 1.1 * 0.22 * scale
    assert roof.any(axis=(0, 1)).sum() * 2.0 <= 0.9 * scale + 2.0
    beside = changed[:25].any(axis=(1, 2))
    assert beside[24]
    assert not beside[:24].any()  # 0.11 R is one cell


def test_canyon_follows_its_formula():
    height = np.zeros((60, 110), np.float32)
    height[20:40, 30:40] = height[20:40, 50:60] = 20.0
    domain = make_domain(height, 2.0)
    ny, nz, nx = domain.shape
    u, v, w = (np.ones(s, np.float32) for s in ((ny, nz, nx + 1), (ny + 1, nz, nx),
                                                (ny, nz + 1, nx)))
    blocks, along = find_blocks(domain), (1.0, 0.0)
    zones = Zones(canyon_across=1.0, canyon_down=1.0, front_vortex=0.0, front_share=1.0,
                  front_down=0.0)
    stamp(u, v, w, domain, blocks, block_shapes(blocks, domain, along), INFLOW, along, zones,
          (np.ones((ny, nx), np.float32), np.zeros((ny, nx), np.float32)))
    k, i, row = 3, 43, 30
    x, gap, z = 7.0, 20.0, domain.centres[k]
    roof = INFLOW.at(20.0)
    across = 4 * x / gap * (1 - x / gap) * (1 - z / 20)
    assert u[row, k, i] == pytest.approx(-roof * across, rel=1e-3)
    assert w[row, k, i] == pytest.approx(roof * 0.5 * (1 - 2 * x / gap), rel=1e-3)
    assert w[row, k, 40] > 0 > w[row, k, 49]  # up at the lee wall, down at the next


def test_a_tower_on_a_podium_is_two_blocks():
    height = np.zeros((30, 30), np.float32)
    height[8:20, 8:20] = 10.0
    height[12:16, 12:16] = 30.0
    height[24:27, 24:27] = 10.0
    blocks = find_blocks(make_domain(height, 4.0))
    assert len(blocks) == 3
    tower = int(blocks.leaf[13, 13])
    podium = int(blocks.parent[tower])
    assert blocks.area[tower] == 16 * 16
    assert blocks.area[podium] == 144 * 16
    assert blocks.base[tower] == blocks.top[podium]
    assert blocks.parent[podium] == -1
    assert blocks.leaf[25, 25] not in (tower, podium)


def test_momentum_is_only_lost_and_comes_back():
    height = town()
    domain = make_domain(height, CELL)
    trees = make_canopy(domain, None)
    share = np.empty((*domain.shape[:2], domain.shape[2] + 1), np.float32)
    mixing = mixing_height(domain, trees)
    levels = shelter(share, domain, trees, mixing, (1.0, 0.0), Mixing())
    assert share.min() >= 0
    assert share.max() <= 1 + 1e-5
    assert (share[:, levels:] == 1).all()
    np.testing.assert_allclose(share[:, :, :9], 1, atol=1e-5)  # nothing upwind of the blocks
    lee, far = share[12, 0, 24], share[12, 0, -2]
    assert lee < far <= 1


def test_leaves_take_what_beers_law_says():
    """A wide wood with no mixing: the share is exp(-Cd a s) along the way."""
    domain = make_domain(np.zeros((20, 40), np.float32), 5.0)
    canopy = np.zeros((20, 40), np.float32)
    canopy[:, 10:20] = 12.0
    trees = make_canopy(domain, canopy, leaf=0.5, base=0.0)
    share = np.empty((20, domain.shape[1], 41), np.float32)
    still = Mixing(side=0.0, up=0.0, above=1.0, wall=0.0, roof=0.0)
    shelter(share, domain, trees, mixing_height(domain, trees), (1.0, 0.0), still)
    assert share[10, 2, 19] == pytest.approx(np.exp(-DRAG * 0.5 * 50.0), rel=1e-5)
    assert share[10, 2, 35] == pytest.approx(share[10, 2, 19], rel=1e-5)
    assert share[10, 8, 19] == 1  # 17 m, above the crowns


def test_trees_slow_the_wind_behind_them():
    canopy = np.zeros((30, 50), np.float32)
    canopy[12:18, 15:18] = 12.0
    flow = simulate(np.zeros((30, 50)), CELL, INFLOW, 270.0, canopy=canopy)
    behind, beside = (flow.at([80.0], [y], [5.0])["u"][0] for y in (60.0, 10.0))
    assert behind < 0.9 * INFLOW.at(5.0) < beside


def test_a_plateau_is_flat_ground():
    """All but one corner cell lie 60 m up: levels, profile, mixing and zones count from there."""
    height = town()
    terrain = np.full(height.shape, 60.0, np.float32)
    terrain[0, 0] = 0.0
    flat, high = (speed_at(simulate(height, CELL, INFLOW, 240.0, terrain=t, margin=0), z=5.0)
                  for t in (None, terrain))
    away = np.s_[14:, 14:]  # from the hole
    assert np.nanmean(np.abs(flat["u"] - high["u"])[away]) < 0.02 * 5.0


@pytest.mark.parametrize("slope", [-0.08, 0.08])
def test_one_house_does_not_still_the_wind_of_a_slope(slope):
    terrain = np.broadcast_to(slope * CELL * np.arange(80), (40, 80)).astype(np.float32)
    house = np.zeros((40, 80), np.float32)
    house[33:36, 70:73] = 8.0
    bare, built = (speed_at(simulate(h, CELL, INFLOW, 270.0, terrain=terrain), z=2.0)["u"]
                   for h in (np.zeros_like(house), house))
    away = np.s_[:20, 5:65]
    assert np.nanmean(np.abs(bare - built)[away]) < 0.02 * np.nanmean(bare[away])


def test_twice_the_background_is_twice_the_inflow():
    height = town()
    wide = tuple(np.full(height.shape, 2 * c, np.float32) for c in towards(250.0))
    here = speed_at(simulate(height, CELL, INFLOW, 250.0, background=wide))
    there = speed_at(simulate(height, CELL, INFLOW.scaled(2.0), 250.0))
    for name in "uvwk":
        np.testing.assert_allclose(here[name], there[name], rtol=2e-3, atol=2e-3)


def test_nothing_jumps_as_the_wind_turns():
    """Steps of 0.1 degree: no larger than a few times the usual change, at the diagonal too."""
    height = town()
    angles = [*np.arange(224.6, 225.5, 0.1), *np.arange(209.8, 210.3, 0.1)]
    fields = [np.stack(list(speed_at(simulate(height, CELL, INFLOW, a)).values())[:2])
              for a in angles]
    steps = np.array([np.nanmean(np.abs(b - a)) for a, b in pairwise(fields)])
    far = int(np.argmax(np.abs(np.diff(angles))))  # between the two runs of angles
    near = np.delete(steps, far)
    assert near.max() < 3 * np.median(near)
    assert near.max() < 0.05 * steps[far]


def test_a_tower_behind_rising_roofs_is_still_seen():
    height = np.zeros((41, 90), np.float32)
    height[12:29, 30:36] = 100.0
    for n in range(15):  # a stepped house between the tower and the one who looks
        height[18:23, 50 - n] = 2.0 + 2.0 * (14 - n)
    stepped = simulate(height, CELL, INFLOW, 270.0).at([52.5 * CELL], [20.5 * CELL], [60.0])["u"]
    height[:, 36:51] = 0.0
    bare = simulate(height, CELL, INFLOW, 270.0).at([52.5 * CELL], [20.5 * CELL], [60.0])["u"]
    assert bare[0] < 0
    assert stepped[0] < 0


def test_wind_is_faster_over_a_hill_than_over_its_foot():
    x = np.arange(60)
    hill = 24 * np.exp(-((x - 30) / 8.0) ** 2)
    terrain = np.broadcast_to(hill, (40, 60)).astype(np.float32)
    flow = simulate(np.zeros((40, 60)), 8.0, INFLOW, 270.0, terrain=terrain)
    foot, top = (flow.at([8.0 * i], [160.0], [15.0])["u"][0] for i in (17.5, 30.5))
    assert top > 1.1 * foot


def test_wind_blows_through_a_passage_and_not_into_a_sealed_one():
    height = np.zeros((30, 40), np.float32)
    height[5:25, 18:22] = 20.0
    through = np.zeros_like(height)
    through[14:16, 18:22] = 6.0
    flow = simulate(height, CELL, INFLOW, 270.0, passages=through)
    assert flow.at([20 * CELL], [15 * CELL], [2.5])["u"][0] > 0.5
    sealed = np.zeros_like(height)
    sealed[14:16, 19:21] = 6.0
    flow = simulate(height, CELL, INFLOW, 270.0, passages=sealed)
    assert flow.report.sealed == 2 * 2 * 3
    m = flow.domain.margin
    assert np.abs(flow.u[14 + m:16 + m, :3, 20 + m:21 + m]).max() == 0


def test_rasters_of_another_shape_are_told():
    with pytest.raises(GridError, match=r"canopy is .*heights are"):
        simulate(np.zeros((10, 10)), CELL, INFLOW, 270.0, canopy=np.zeros((9, 10)))
