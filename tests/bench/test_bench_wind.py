"""How long the steps of the wind take on made cities of about 2 and 20 million cells."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from twin.wind.flow import Flow, simulate
from twin.wind.inflow import log_profile
from twin.wind.levels import at_levels
from twin.wind.warm import compiled, warm
from twin.wind_bench import (
    CELL,
    LEVELS,
    SIZES,
    STEPS,
    Piece,
    copied,
    copy_speed,
    made_city,
    stopped,
)

pytestmark = pytest.mark.bench

Steps = dict[str, list[Piece]]


@pytest.fixture(scope="module", params=SIZES, ids=lambda n: f"{n} cells wide")
def solved(request: pytest.FixtureRequest) -> tuple[Flow, Steps]:
    """A solve, and what each of its steps was given."""
    warm()
    before = compiled()
    kept: Steps = {}
    with stopped(kept):
        flow = simulate(made_city(request.param), CELL, log_profile(5.0, 10.0, 0.5), 240.0)
    assert compiled() == before
    assert flow.report.residual < 1e-3
    return flow, kept


def about(benchmark: BenchmarkFixture, flow: Flow) -> None:
    cells = int(np.prod(flow.domain.shape))
    benchmark.extra_info |= {"cells": cells, "copy_gb_s": copy_speed()}
    if benchmark.stats is not None:  # None while benchmarks are disabled
        benchmark.extra_info["cells_per_s"] = round(cells / benchmark.stats.stats.min)


@pytest.mark.parametrize("step", list(STEPS))
def test_step(benchmark: BenchmarkFixture, solved: tuple[Flow, Steps], step: str):
    flow, kept = solved

    def fresh() -> tuple[tuple[Any, ...], dict[str, Any]]:
        return ([(work, copied(args), named) for work, args, named in kept[step]],), {}

    def again(pieces: list[Piece]) -> Any:
        return [work(*args, **named) for work, args, named in pieces][-1]

    found = benchmark.pedantic(again, setup=fresh, rounds=3)
    about(benchmark, flow)
    if step == "solve":
        assert found.iterations == flow.report.iterations  # the same work each round


def test_reading_two_levels(benchmark: BenchmarkFixture, solved: tuple[Flow, Steps]):
    flow, _ = solved
    wind = benchmark.pedantic(at_levels, (flow, LEVELS), rounds=3)
    about(benchmark, flow)
    ny, nx = (n - 2 * flow.domain.margin for n in flow.domain.top.shape)
    assert wind["speed"].shape == (2, ny, nx)
    assert np.isfinite(wind["speed"].sel(level=1.5)).mean() == pytest.approx(0.61, abs=0.05)


def test_whole(benchmark: BenchmarkFixture, solved: tuple[Flow, Steps]):
    flow, _ = solved
    m = flow.domain.margin
    heights = flow.domain.height[m:-m, m:-m]
    again = benchmark.pedantic(simulate, (heights, CELL, flow.inflow, 240.0), rounds=2)
    about(benchmark, flow)
    np.testing.assert_allclose(again.u, flow.u, atol=1e-5)
