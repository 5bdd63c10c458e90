"""The mass-consistency solver against dense algebra, conservation laws and plain NumPy."""

from __future__ import annotations

from dataclasses import replace

import numba
import numpy as np
import pytest
from scipy import ndimage
from scipy.sparse import coo_array, diags_array
from scipy.sparse.linalg import spsolve

from layers.errors import CityTwinError
from twin.wind.domain import make_domain
from twin.wind.poisson import (
    coarsening,
    columns,
    directions,
    fluxes,
    multigrid,
    sharing,
    wide_columns,
)
from twin.wind.poisson.pockets import open_passages
from twin.wind.poisson.sharing import Team
from twin.wind.solver import project

F4 = np.float32


def random_city(ny=9, nx=7, seed=0, density=0.4, cell=3.0, levels=6, passages=True):
    rng = np.random.default_rng(seed)
    height = np.where(rng.random((ny, nx)) < density, rng.uniform(2, 14, (ny, nx)), 0).astype(F4)
    terrain = rng.uniform(0, 3, (ny, nx)).astype(F4)
    passage = np.where((height > 8) & passages & (rng.random((ny, nx)) < 0.5), 4, 0).astype(F4)
    faces = np.concatenate(([0.0], np.cumsum(2.0 * 1.15**np.arange(levels))))
    return make_domain(height, cell, terrain=terrain, passage=passage, faces=faces)


def first_guess(domain, seed=0):
    rng = np.random.default_rng(seed)
    ny, nz, nx = domain.shape
    return tuple(rng.standard_normal(s).astype(F4)
                 for s in ((ny, nz, nx + 1), (ny + 1, nz, nx), (ny, nz + 1, nx)))


def weights(domain, tau=1.0):
    dz = np.diff(domain.faces)
    gaps = np.concatenate((dz[:1], 0.5 * (dz[1:] + dz[:-1]), 0.5 * dz[-1:]))
    tz = tau * domain.cell**2 / gaps
    tz[0] = 0.0
    return dz, tz


def open_faces(is_open):
    """Which faces are open, in the shapes of u, v and w."""
    x = np.pad(is_open, ((0, 0), (0, 0), (1, 1)), mode="edge")
    y = np.pad(is_open, ((1, 1), (0, 0), (0, 0)), mode="edge")
    z = np.pad(is_open, ((0, 0), (1, 1), (0, 0)), mode="edge")
    z[:, 0] = False
    return x[:, :, 1:] & x[:, :, :-1], y[1:] & y[:-1], z[:, 1:] & z[:, :-1]


def outflow(u, v, w, domain):
    """Volume flux out of each cell over the cell side, with closed faces at 0."""
    dz = np.diff(domain.faces)[None, :, None]
    u, v, w = (np.where(m, a, 0).astype(float)
               for a, m in zip((u, v, w), open_faces(domain.is_open()), strict=True))
    return dz * (np.diff(u, axis=2) + np.diff(v, axis=0)) + domain.cell * np.diff(w, axis=1)


def side_weights(domain, tau=1.0):
    t, tz = weights(domain, tau)
    x, y, z = (m.astype(float) for m in open_faces(domain.is_open()))
    x[:, :, [0, -1]] *= 2
    y[[0, -1]] *= 2
    return x * t[None, :, None], y * t[None, :, None], z * tz[None, :, None]


def matrix(x, y, z):
    """Assemble the equations from face weights in the shapes of u, v and w."""
    ny, nz, nx = x.shape[0], x.shape[1], y.shape[2]
    number = np.arange(ny * nz * nx).reshape(ny, nz, nx)
    rows, cols, values = [], [], []
    for one, two, c in ((number[:, :, 1:], number[:, :, :-1], x[:, :, 1:-1]),
                        (number[1:], number[:-1], y[1:-1]),
                        (number[:, 1:], number[:, :-1], z[:, 1:-1])):
        for a, b in ((one, two), (two, one)):
            rows.append(a.ravel())
            cols.append(b.ravel())
            values.append(-c.ravel())
    diagonal = (x[:, :, 1:] + x[:, :, :-1] + y[1:] + y[:-1] + z[:, 1:] + z[:, :-1]).ravel()
    size = number.size
    off = coo_array((np.concatenate(values), (np.concatenate(rows), np.concatenate(cols))),
                    shape=(size, size))
    return (off + diags_array(diagonal)).tocsr()


def exact(u, v, w, domain, tau=1.0):
    """Solve the same problem in double precision with a direct solver."""
    is_open = domain.is_open()
    x, y, z = side_weights(domain, tau)
    a = matrix(x, y, z) + diags_array((~is_open).ravel().astype(float))
    b = outflow(u, v, w, domain).ravel() * is_open.ravel()
    p = spsolve(a.tocsc(), b).reshape(domain.shape)
    t, _ = weights(domain)
    mx, my, mz = open_faces(is_open)
    px = np.pad(p, ((0, 0), (0, 0), (1, 1)))
    py = np.pad(p, ((1, 1), (0, 0), (0, 0)))
    pz = np.pad(p, ((0, 0), (1, 1), (0, 0)))
    return (np.where(mx, u + np.diff(px, axis=2) * x / t[None, :, None], 0),
            np.where(my, v + np.diff(py, axis=0) * y / t[None, :, None], 0),
            np.where(mz, w + np.diff(pz, axis=1) * z / domain.cell, 0))


def split(a, kind=F4):
    """Sort cells by colour, as in `columns`."""
    ny, nz, nx = a.shape
    pair = multigrid.blank((ny, nz, nx), kind)
    for j in range(ny):
        for colour in range(2):
            line = a[j, :, (colour + j) & 1::2]
            pair[colour][j + 1, :, 1:1 + line.shape[1]] = line
    return pair


def joined(pair, shape):
    """Undo `split`."""
    a = np.zeros(shape, pair[0].dtype)
    for j in range(shape[0]):
        for colour in range(2):
            line = a[j, :, (colour + j) & 1::2]
            line[:] = pair[colour][j + 1, :, 1:1 + line.shape[1]]
    return a


def colours(shape):
    ny, _, nx = shape
    return np.broadcast_to(((np.arange(ny)[:, None] + np.arange(nx)) & 1)[:, None], shape)


def blocks(a):
    """Sum a field over two by two columns."""
    a = np.add.reduceat(a, np.arange(0, a.shape[0], 2), axis=0)
    return np.add.reduceat(a, np.arange(0, a.shape[2], 2), axis=2)


def gathered(domain, guess):
    t, tz = weights(domain)
    ny = domain.shape[0]
    codes, rhs = multigrid.blank(domain.shape, np.uint8), multigrid.blank(domain.shape, F4)
    sums, worst = np.zeros(ny), np.zeros(ny, F4)
    fluxes.gather(0, ny, *guess, domain.ground, domain.top, domain.under, t.astype(F4),
                  F4(domain.cell), (1 / t).astype(F4), codes, rhs, sums, worst)
    return t.astype(F4), tz.astype(F4), codes, rhs, sums, worst


SIZES = [(9, 7), (8, 6), (5, 8), (1, 6), (6, 1), (1, 1), (2, 3)]


# --- the whole solver


@pytest.mark.parametrize(("ny", "nx"), SIZES)
@pytest.mark.parametrize("tau", [1.0, 0.04])
def test_equals_a_direct_solution(ny, nx, tau):
    domain = random_city(ny, nx, seed=ny)
    domain = replace(domain, under=open_passages(domain)[0])
    u, v, w = first_guess(domain)
    want = exact(u, v, w, domain, tau)
    report = project(u, v, w, domain, tolerance=1e-6, tau=tau)
    assert report.converged
    for got, expected in zip((u, v, w), want, strict=True):
        np.testing.assert_allclose(got, expected, atol=1e-5)


def test_vertical_weight_may_differ_from_level_to_level():
    domain = random_city()
    domain = replace(domain, under=open_passages(domain)[0])
    tau = np.linspace(0.2, 3.0, len(domain.faces))
    u, v, w = first_guess(domain)
    want = exact(u, v, w, domain, tau)
    project(u, v, w, domain, tolerance=1e-6, tau=tau)
    np.testing.assert_allclose(w, want[2], atol=1e-5)


def test_what_flows_in_flows_out():
    domain = random_city(40, 33, seed=2)
    u, v, w = first_guess(domain)
    report = project(u, v, w, domain, tolerance=1e-5)
    dz, dx = np.diff(domain.faces), domain.cell
    sides = (((u[:, :, -1] - u[:, :, 0]).sum(axis=0, dtype=float)
              + (v[-1] - v[0]).sum(axis=1, dtype=float)) * dz * dx).sum()
    through = (np.abs(u[:, :, [0, -1]]).sum(axis=(0, 2)) * dz * dx).sum()
    assert report.converged
    assert abs(sides + w[:, -1].sum(dtype=float) * dx * dx) < 1e-5 * through
    assert not w[:, 0].any()
    assert not any(a[~m].any() for a, m in zip((u, v, w), open_faces(domain.is_open()),
                                               strict=True))


def test_the_report_is_the_divergence_of_what_is_returned():
    domain = random_city(20, 21)
    u, v, w = first_guess(domain)
    dz = np.diff(domain.faces)[None, :, None]
    before = np.sqrt((outflow(u, v, w, domain)**2 / dz).sum())
    report = project(u, v, w, domain, tolerance=1e-2, reference=2.0)
    after = outflow(u, v, w, domain)
    assert report.residual == pytest.approx(np.sqrt((after**2 / dz).sum()) / before, rel=1e-3)
    assert report.divergence == pytest.approx(np.abs(after / dz).max() / 2.0, rel=1e-3)
    assert report.residual <= 1e-2


def test_the_change_is_the_smallest_there_is():
    """Any further change that keeps the divergence makes the weighted sum of squares larger."""
    domain = random_city(12, 11, passages=False)
    u, v, w = first_guess(domain)
    mask = open_faces(domain.is_open())
    first = [np.where(m, a, 0).astype(float) for a, m in zip((u, v, w), mask, strict=True)]
    project(u, v, w, domain, tolerance=1e-6)
    change = [a - b for a, b in zip((u, v, w), first, strict=True)]
    swirl = first_guess(domain, seed=5)
    project(*swirl, domain, tolerance=1e-6)  # a field without divergence
    _, dz = weights(domain)[0], np.diff(domain.faces)
    gaps = np.concatenate((dz[:1], 0.5 * (dz[1:] + dz[:-1]), 0.5 * dz[-1:]))
    half_x = np.ones(domain.shape[2] + 1)
    half_y = np.ones(domain.shape[0] + 1)
    half_x[[0, -1]] = half_y[[0, -1]] = 0.5
    volume = (half_x[None, None] * dz[None, :, None] * domain.cell,
              half_y[:, None, None] * dz[None, :, None] * domain.cell,
              gaps[None, :, None] * domain.cell)
    across = sum((c * s * vol).sum() for c, s, vol in zip(change, swirl, volume, strict=True))
    along = sum((c * c * vol).sum() for c, vol in zip(change, volume, strict=True))
    assert abs(across) < 1e-5 * along


def test_an_empty_city_and_a_finished_field_are_left_alone():
    domain = make_domain(np.zeros((12, 10), F4), 4.0)
    u, v, w = (np.full_like(a, c) for a, c in zip(first_guess(domain), (3, -2, 0), strict=True))
    report = project(u, v, w, domain)
    assert (report.iterations, report.residual, report.converged) == (0, 0.0, True)
    assert (u == 3).all()
    assert (v == -2).all()
    domain = random_city(16, 16)
    u, v, w = first_guess(domain)
    project(u, v, w, domain, tolerance=1e-6)
    kept = [a.copy() for a in (u, v, w)]
    report = project(u, v, w, domain)
    assert report.iterations == 0
    assert all((a == b).all() for a, b in zip((u, v, w), kept, strict=True))


def test_does_not_depend_on_the_number_of_threads(monkeypatch):
    if numba.config.NUMBA_NUM_THREADS < 2:
        pytest.skip("one core")
    monkeypatch.setattr(sharing, "FEWEST", 0)
    domain = random_city(37, 30)
    results = []
    before = numba.get_num_threads()
    try:
        for threads in (1, 2):
            numba.set_num_threads(threads)
            u, v, w = first_guess(domain)
            report = project(u, v, w, domain)
            assert numba.get_num_threads() == threads
            results.append((report, u, v, w))
    finally:
        numba.set_num_threads(before)
    assert results[0][0] == results[1][0]
    assert all((a == b).all() for a, b in zip(results[0][1:], results[1][1:], strict=True))


@pytest.mark.parametrize("factor", [1e-6, 1e6])
def test_is_linear_in_the_speed(factor):
    domain = random_city(14, 15)
    one = first_guess(domain)
    other = tuple(F4(factor) * a for a in one)
    a, b = project(*one, domain), project(*other, domain)
    assert a.iterations == b.iterations
    assert a.divergence == pytest.approx(b.divergence, rel=1e-3)
    np.testing.assert_allclose(other[0] / F4(factor), one[0], atol=1e-5)


def test_mirrored_cities_have_mirrored_winds():
    domain = random_city(24, 22, passages=False)
    u, v, w = first_guess(domain)
    mirror = replace(domain, **{name: np.ascontiguousarray(getattr(domain, name)[:, ::-1])
                                for name in ("ground", "top", "under")})
    mu, mv, mw = (np.ascontiguousarray(a[:, :, ::-1]) for a in (-u, v, w))
    project(u, v, w, domain, tolerance=1e-5)
    project(mu, mv, mw, mirror, tolerance=1e-5)
    np.testing.assert_allclose(-mu[:, :, ::-1], u, atol=1e-4)
    np.testing.assert_allclose(mw[:, :, ::-1], w, atol=1e-4)


# --- shapes of city that are hard on multigrid


def scattered(n=64):
    rng = np.random.default_rng(3)
    return np.where(rng.random((n, n)) < 0.4, rng.uniform(4, 80, (n, n)), 0)


def lanes(n=64):
    j, i = np.mgrid[:n, :n]
    return np.where(((i + j) % 7 < 4) & ((i - j) % 31 != 0), 20.0, 0.0)


def thin_walls(n=64):
    h = np.zeros((n, n))
    h[::5], h[:, ::9] = 30, 30
    return h


def walls_with_doors(n=64):
    h = np.zeros((n, n))
    h[4:-4:8], h[:, 3:-3:8] = 90, 90
    h[np.random.default_rng(1).random((n, n)) < 0.1] = 0
    return h


def courtyards(n=64):
    h = np.zeros((n, n))
    for j in range(4, n - 12, 13):
        for i in range(4, n - 12, 13):
            h[j:j + 11, i:i + 11] = 40
            h[j + 2:j + 9, i + 2:i + 9] = 0
    return h


def long_wall(n=96):
    h = np.zeros((n, n))
    h[15:-15, 31:32], h[15:-15, 55:56], h[15:16, 31:56] = 150, 150, 150
    return h


@pytest.mark.parametrize(("height", "cell", "faces"), [
    (scattered(), 4.0, None), (lanes(), 4.0, None), (thin_walls(), 4.0, None),
    (walls_with_doors(), 4.0, None), (courtyards(), 4.0, None), (long_wall(), 4.0, None),
    (scattered(65), 2.0, None), (scattered(33)[:, :1], 4.0, None),
    (scattered(), 20.0, np.arange(4) * 2.0), (scattered(), 10.0, np.linspace(0, 200, 101)),
    (np.where(scattered() > 60, 1e4, scattered()), 4.0, np.linspace(0, 90, 31)),
], ids=["scattered", "lanes", "thin walls", "doors", "courtyards", "long wall", "odd", "one column",
        "flat", "fine levels", "up to the top"])
def test_few_iterations_on_hard_shapes(height, cell, faces):
    domain = make_domain(height.astype(F4), cell, faces=faces)
    ny, nz, nx = domain.shape
    speed = (5 * (domain.centres / 10)**0.2).astype(F4)[None, :, None]
    u = np.broadcast_to(speed, (ny, nz, nx + 1)).copy()
    v = np.broadcast_to(F4(0.4) * speed, (ny + 1, nz, nx)).copy()
    w = np.zeros((ny, nz + 1, nx), F4)
    report = project(u, v, w, domain, tolerance=1e-3)
    assert report.converged
    assert report.residual <= 1e-3
    assert report.iterations <= 10


def test_iterations_do_not_grow_with_the_city():
    counts = []
    for n in (48, 192):
        domain = random_city(n, n, cell=4.0, levels=10)
        counts.append(project(*first_guess(domain), domain, tolerance=1e-4).iterations)
    assert counts[1] <= counts[0] + 1


def test_gives_up_and_says_so():
    domain = random_city(20, 20)
    heard = []
    report = project(*first_guess(domain), domain, tolerance=1e-6, most=2,
                     tell=lambda *told: heard.append(told))
    assert not report.converged
    assert report.residual > 1e-6
    assert heard == [("solving", 1, 2), ("solving", 2, 2)]


# --- pockets


def test_a_passage_without_a_way_out_stays_at_rest():
    height = np.full((12, 12), 20.0, F4)
    passage = np.zeros((12, 12), F4)
    passage[2:5, 2:5] = 4  # closed all round
    passage[7:9, 6:] = 4  # leads to the east side
    passage[2:5, 8] = 4  # ends in a shaft
    height[5, 8] = 0
    domain = make_domain(height, 2.0, passage=passage)
    levels = int(domain.under[3, 3])
    u, v, w = first_guess(domain)
    report = project(u, v, w, domain, tolerance=1e-5)
    assert report.sealed == 9 * levels
    assert report.converged
    assert not u[2:5, :levels, 2:6].any()
    assert not v[2:6, :levels, 2:5].any()
    assert u[7:9, :levels, -1].all()
    assert v[4, :levels, 8].any()


@pytest.mark.parametrize("seed", range(6))
def test_pockets_are_those_a_flood_leaves(seed):
    rng = np.random.default_rng(seed)
    domain = random_city(14, 13, seed=seed, density=0.9)
    ground, top = domain.ground, domain.top
    under = np.where(rng.random(top.shape) < 0.5, rng.integers(0, 5, top.shape), 0)
    under = np.where((under > ground) & (under < top), under, 0).astype(np.int16)
    domain = replace(domain, under=under)
    wide = np.pad(domain.is_open(), ((1, 1), (0, 1), (1, 1)), constant_values=True)
    label, _ = ndimage.label(wide)
    sealed = (wide & (label != label[0, 0, 0])).sum()
    left, cells = open_passages(domain)
    assert cells == sealed
    assert (domain.is_open().sum() - replace(domain, under=left).is_open().sum()) == sealed


# --- refusals


def test_refuses_what_does_not_fit():
    domain = random_city()
    u, v, w = first_guess(domain)
    with pytest.raises(CityTwinError, match="u must be"):
        project(v, v, w, domain)
    with pytest.raises(CityTwinError, match="tau"):
        project(u, v, w, domain, tau=0.0)
    u[:] = np.nan
    with pytest.raises(CityTwinError, match="not a number"):
        project(u, v, w, domain, reference=1.0)


# --- kernels against plain NumPy


@pytest.mark.parametrize(("ny", "nx"), SIZES)
def test_gather_is_the_outflow_of_open_cells(ny, nx):
    domain = random_city(ny, nx)
    guess = first_guess(domain)
    want = outflow(*guess, domain)
    t, _, codes, rhs, sums, worst = gathered(domain, guess)
    is_open, faces = domain.is_open(), open_faces(domain.is_open())
    np.testing.assert_allclose(joined(rhs, domain.shape), want, atol=1e-5)
    np.testing.assert_allclose(sums, (want**2 / t[None, :, None]).sum(axis=(1, 2)), rtol=1e-5)
    np.testing.assert_allclose(worst, np.abs(want / t[None, :, None]).max(axis=(1, 2)), rtol=1e-5)
    for a, m in zip(guess, faces, strict=True):
        assert not a[~m].any()
        assert a[m].all()
    x, y, z = (m.astype(int) for m in faces)
    x[:, :, [0, -1]] *= 2
    y[[0, -1]] *= 2
    code = (x[:, :, 1:] + x[:, :, :-1] + y[1:] + y[:-1] + 16 * z[:, :-1] + 32 * z[:, 1:])
    assert (joined(codes, domain.shape) == code * is_open).all()


@pytest.mark.parametrize(("ny", "nx"), SIZES)
def test_correct_adds_the_gradient(ny, nx):
    domain = random_city(ny, nx)
    u, v, w = guess = first_guess(domain)
    lift = np.linspace(0.5, 2.0, len(domain.faces)).astype(F4)
    p = np.random.default_rng(1).standard_normal(domain.shape).astype(F4) * domain.is_open()
    mx, my, mz = open_faces(domain.is_open())
    dx = np.diff(np.pad(p, ((0, 0), (0, 0), (1, 1))), axis=2)
    dy = np.diff(np.pad(p, ((1, 1), (0, 0), (0, 0))), axis=0)
    dx[:, :, [0, -1]] *= 2
    dy[[0, -1]] *= 2
    dp = np.diff(np.pad(p, ((0, 0), (1, 1), (0, 0))), axis=1) * lift[None, :, None]
    want = u + np.where(mx, dx, 0), v + np.where(my, dy, 0), w + np.where(mz, dp, 0)
    fluxes.correct(0, ny, *guess, domain.ground, domain.top, domain.under, lift, split(p))
    for got, expected in zip(guess, want, strict=True):
        np.testing.assert_allclose(got, expected, atol=1e-5)


@pytest.mark.parametrize(("ny", "nx"), [*SIZES, (4, 700)])
@pytest.mark.parametrize("colour", [0, 1])
def test_finest_kernels_are_rows_of_the_matrix(ny, nx, colour):
    domain = random_city(ny, nx)
    domain = replace(domain, under=open_passages(domain)[0])
    shape, is_open = domain.shape, domain.is_open()
    t, tz, codes, _, _, _ = gathered(domain, first_guess(domain))
    a = matrix(*side_weights(domain))
    rng = np.random.default_rng(2)
    field = rng.standard_normal(shape).astype(F4) * is_open
    b = rng.standard_normal(shape).astype(F4) * is_open
    mine = (colours(shape) == colour) & is_open
    for use_rhs, use_other in ((True, True), (False, True), (True, False)):
        pair, sides = split(field if use_other else 0 * field), split(b)
        columns.smooth_finest(0, ny, pair[colour], pair[1 - colour], sides[colour], codes[colour],
                              colour, use_rhs, use_other, t, tz)
        solved = joined(pair, shape)
        left = (a @ solved.ravel()).reshape(shape) - (b if use_rhs else 0)
        assert np.abs(left[mine]).max(initial=0) < 2e-5 * tz.max()
        assert not solved[~is_open].any()
    if colour == 0:
        pair, sides, out = split(field), split(b), np.zeros_like(codes[0], F4)
        image = (a @ field.ravel()).reshape(shape)
        sums = np.zeros(ny)
        columns.multiply_finest(0, ny, *pair, codes[0], t, tz, out, sums)
        got = joined((out, np.zeros_like(out)), shape)
        np.testing.assert_allclose(got, np.where(mine, image, 0), atol=2e-5 * tz.max())
        np.testing.assert_allclose(sums, np.where(mine, field * image, 0).sum(axis=(1, 2)),
                                   atol=1e-4 * tz.max() * np.sqrt(nx))
        wide = ((ny + 1) // 2, shape[1], (nx + 1) // 2)
        first, second = multigrid.blank(wide, F4)
        columns.restrict_finest(0, wide[0], *pair, sides[0], codes[0], t, tz, first, second)
        np.testing.assert_allclose(joined((first, second), wide),
                                   blocks(np.where(mine, b - image, 0)), atol=5e-5 * tz.max())


def test_vector_kernels():
    rng = np.random.default_rng(0)
    x, p, r, q = (np.pad(rng.standard_normal((5, 4, 9)).astype(F4), ((1, 1), (0, 0), (1, 1)))
                  for _ in range(4))
    weight = np.linspace(1, 2, 4).astype(F4)
    sums = np.zeros(5)
    directions.inner(0, 5, x, p, sums)
    np.testing.assert_allclose(sums, (x * p).sum(axis=(1, 2))[1:-1], rtol=1e-5, atol=1e-5)
    y, s = x + F4(0.3) * p, r - F4(0.3) * q
    directions.step(0, 5, x, p, r, q, F4(0.3), weight, sums)
    np.testing.assert_allclose(x, y, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(r, s, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(sums, (s * s * weight[None, :, None]).sum(axis=(1, 2))[1:-1],
                               rtol=1e-5)
    want = q + F4(0.7) * p
    directions.turn(0, 5, p, q, F4(0.7))
    np.testing.assert_allclose(p, want, rtol=1e-6, atol=1e-6)


def openness(domain):
    """Openness of the finest faces, as numbers of `coarsening`."""
    x, y, z = (m.astype(int) for m in open_faces(domain.is_open()))
    x[:, :, [0, -1]] *= 2
    y[[0, -1]] *= 2
    return x * coarsening.SIDE, y * coarsening.SIDE, z[:, 1:] * coarsening.LID


def join_ways(c, n):
    """Openness of the wide faces along axis 0 from narrow ones already summed across."""
    out = np.zeros(((n + 1) // 2 + 1, *c.shape[1:]), int)
    for b in range(out.shape[0]):
        i = min(2 * b, n)
        f = c[i].astype(F4)
        way = np.ones_like(f)
        with np.errstate(divide="ignore", invalid="ignore"):
            if i > 0 and i % 2 == 0:
                way += F4(0.5) * np.fmin(F4(4), f / c[i - 1].astype(F4))
            if i + 1 < n:
                way += F4(0.5) * np.fmin(F4(4), f / c[i + 1].astype(F4))
        out[b] = np.where(f > 0, np.clip((f / way + F4(0.5)).astype(int), 1, 255), 0)
    return out


def pairs(a, axis):
    return np.add.reduceat(a, np.arange(0, a.shape[axis], 2), axis=axis)


def join(x, y, z):
    ny, _, nx = z.shape
    wide_x = np.moveaxis(join_ways(np.moveaxis(pairs(x, 0), 2, 0), nx), 0, 2)
    return wide_x, join_ways(pairs(y, 2), ny), (blocks(z) + 3) // 4


def empty_faces(shape):
    ny, nz, nx = (shape[0] + 1) // 2, shape[1], (shape[2] + 1) // 2
    return (np.empty((ny, nz, nx + 1), np.uint8), np.empty((ny + 1, nz, nx), np.uint8),
            np.empty((ny, nz, nx), np.uint16))


@pytest.mark.parametrize(("ny", "nx"), [s for s in SIZES if s != (1, 1)])
def test_joined_columns_have_joined_faces(ny, nx):
    domain = random_city(ny, nx)
    want = join(*openness(domain))
    got = empty_faces(domain.shape)
    coarsening.join_cells(0, (domain.shape[0] + 1) // 2, domain.ground, domain.top,
                          domain.under, *got)
    for a, b in zip(got, want, strict=True):
        assert (a == b).all()
    wider, expected = empty_faces(got[2].shape), join(*(a.astype(int) for a in got))
    coarsening.join_columns(0, wider[2].shape[0], *got, *wider)
    for a, b in zip(wider, expected, strict=True):
        assert (a == b).all()


def test_in_the_open_a_wide_side_weighs_as_much_as_a_narrow_one():
    domain = make_domain(np.zeros((8, 8), F4), 4.0)
    x, y, z = empty_faces(domain.shape)
    coarsening.join_cells(0, (domain.shape[0] + 1) // 2, domain.ground, domain.top,
                          domain.under, x, y, z)
    assert (x[:, :, 1:-1] == coarsening.SIDE).all()
    assert (x[:, :, [0, -1]] == 2 * coarsening.SIDE).all()
    assert (y[1:-1] == coarsening.SIDE).all()
    assert (z == coarsening.LID).all()


@pytest.mark.parametrize(("ny", "nx"), [s for s in SIZES if s != (1, 1)])
def test_coarse_kernels_are_rows_of_the_coarse_matrix(ny, nx):
    domain = random_city(2 * ny, 2 * nx - 1)
    t, tz = (a.astype(F4) for a in weights(domain))
    level = multigrid.build_levels(domain, t, tz, Team())[0]
    x, y, z = empty_faces(domain.shape)
    coarsening.join_cells(0, (domain.shape[0] + 1) // 2, domain.ground, domain.top,
                          domain.under, x, y, z)
    shape = z.shape
    lids = np.pad(z, ((0, 0), (1, 0), (0, 0))) * level.tz[None, :, None].astype(float)
    a = matrix(x * level.t[None, :, None].astype(float), y * level.t[None, :, None].astype(float),
               lids)
    is_open = (a.diagonal() > 0).reshape(shape)
    rng = np.random.default_rng(4)
    field, b = (rng.standard_normal(shape).astype(F4) * is_open for _ in range(2))
    scale = lids.max()
    for colour in (0, 1):
        mine = (colours(shape) == colour) & is_open
        for fresh in (False, True):
            pair, sides = split(0 * field if fresh else field), split(b)
            wide_columns.smooth_coarse(0, ny, pair[colour], pair[1 - colour], sides[colour],
                                  level.pivots[colour], level.sides, level.lids[colour], colour,
                                  fresh, level.t, level.tz)
            left = (a @ joined(pair, shape).ravel()).reshape(shape) - b
            assert np.abs(left[mine]).max(initial=0) < 3e-5 * scale
    image = (a @ field.ravel()).reshape(shape)
    mine = (colours(shape) == 0) & is_open
    wide = ((shape[0] + 1) // 2, shape[1], (shape[2] + 1) // 2)
    first, second = multigrid.blank(wide, F4)
    wide_columns.restrict_coarse(0, wide[0], *split(field), split(b)[0], level.pivots[0],
                                 level.sides, level.lids[0], level.t, level.tz, first, second)
    np.testing.assert_allclose(joined((first, second), wide),
                               blocks(np.where(mine, b - image, 0)), atol=1e-4 * scale)


@pytest.mark.parametrize(("ny", "nx"), SIZES)
def test_prolong_spreads_each_wide_column_over_its_open_cells(ny, nx):
    domain = random_city(ny, nx)
    shape = domain.shape
    codes = gathered(domain, first_guess(domain))[2]
    wide = ((ny + 1) // 2, shape[1], (nx + 1) // 2)
    rng = np.random.default_rng(6)
    field, step = rng.standard_normal(shape).astype(F4), rng.standard_normal(wide).astype(F4)
    want = field + np.where(domain.is_open(),
                            step.repeat(2, axis=0).repeat(2, axis=2)[:ny, :, :nx], 0)
    pair = split(field)
    for colour in (0, 1):
        wide_columns.prolong(0, wide[0], pair[colour], codes[colour], *split(step))
    np.testing.assert_allclose(joined(pair, shape), want, atol=1e-6)


def test_the_cycle_is_symmetric_and_positive():
    """Conjugate gradients ask this of the way the remainder is turned into a direction."""
    domain = random_city(13, 10, passages=False)
    t, tz, codes, _, _, _ = gathered(domain, first_guess(domain))
    system = multigrid.Equations(codes, t, tz, (1 / t).astype(F4),
                                 multigrid.build_levels(domain, t, tz, Team()), Team())
    rng = np.random.default_rng(7)
    r = [split(rng.standard_normal(domain.shape).astype(F4) * domain.is_open())[0]
         for _ in range(2)]
    z = [np.zeros_like(r[0]) for _ in range(2)]
    for a, b in zip(r, z, strict=True):
        system.precondition(b, np.zeros_like(b), a)
    one, other = float((r[0] * z[1]).sum()), float((r[1] * z[0]).sum())
    assert one == pytest.approx(other, abs=1e-4 * float((r[0] * z[0]).sum()))
    assert all((a * b).sum() > 0 for a, b in zip(r, z, strict=True))
