"""The wind read at levels: what it equals, where it is empty, and how it is named."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from layers.errors import CityTwinError, GridError
from twin.kernel_cache import find_cache
from twin.wind import levels as module
from twin.wind.composition import at_hour
from twin.wind.flow import Flow, simulate
from twin.wind.inflow import log_profile
from twin.wind.levels import FIELDS, RATIOS, as_ratio, as_ratios, at_levels, check_levels
from twin.wind.turbulence import counted_speed
from twin.wind.warm import compiled, warm

INFLOW = log_profile(5.0, 10.0, 0.1)
CELL = 2.0
WARM = """
import sys
from twin.wind.warm import warm
from numba.core.dispatcher import Dispatcher
said = []
warm(lambda *words: said.append(words[0]))
kernels = {id(t): t for n, m in list(sys.modules.items()) if n.startswith("twin.wind.")
           for t in vars(m).values() if isinstance(t, Dispatcher)}.values()
missed = [k.__name__ for k in kernels if any(k.stats.cache_misses.values())]
print(len(list(kernels)) > 9, missed, said)
"""


def _city() -> np.ndarray:
    heights = np.zeros((18, 30), np.float32)
    heights[10:15, 16:22] = 12.0  # north-east of the middle
    heights[11:13, 18:20] = 21.0
    return heights


@pytest.fixture(scope="module")
def flow() -> Flow:
    return simulate(_city(), CELL, INFLOW, 250.0, margin=5)


@pytest.fixture(scope="module")
def wind(flow: Flow) -> xr.Dataset:
    return at_levels(flow, [1.5, 10.0, 16.0])


def test_over_open_ground_it_is_the_wind_that_comes_in():
    flow = simulate(np.zeros((9, 14), np.float32), CELL, INFLOW, 270.0, margin=3)
    wind = at_levels(flow, [1.5, 10.0, 40.0])
    for z in (1.5, 10.0, 40.0):
        at = wind.sel(level=z)
        np.testing.assert_allclose(at["u"], INFLOW.at(z), rtol=2e-3)
        np.testing.assert_allclose(at["speed"], INFLOW.at(z), rtol=2e-3)
        np.testing.assert_allclose(at["k"], INFLOW.tke(z), rtol=2e-3)
        assert np.abs(at["v"]).max() < 1e-3
    assert float(wind["u"].sel(level=10.0).mean()) == pytest.approx(5.0, rel=2e-3)


def test_it_is_what_the_field_holds_at_the_cell_centres(flow: Flow, wind: xr.Dataset):
    for n, (row, column) in enumerate([(0, 0), (3, 20), (12, 2), (17, 29)]):
        z = (1.5, 10.0, 16.0)[n % 3]
        found = flow.at([(column + 0.5) * CELL], [(row + 0.5) * CELL], [z])
        for name in "uvwk":
            assert wind[name].sel(level=z).values[row, column] == found[name][0]


def test_columns_below_a_roof_are_empty_and_no_others(wind: xr.Dataset):
    tops = _city()
    for z in (1.5, 10.0, 16.0):
        for name in FIELDS:
            empty = np.isnan(wind[name].sel(level=z).values)
            np.testing.assert_array_equal(empty, tops > z)


def test_gust_and_scalar_speed_follow_from_speed_and_turbulence(wind: xr.Dataset):
    u, v, w, k = (wind[n].values.astype(float) for n in "uvwk")
    speed = np.sqrt(u**2 + v**2 + w**2)
    np.testing.assert_allclose(wind["speed"], speed, rtol=1e-5)
    np.testing.assert_allclose(wind["scalar_speed"], np.sqrt(speed**2 + 2 * k), rtol=1e-5)
    np.testing.assert_allclose(wind["gust"], speed + 3.5 * np.sqrt(k / 0.96), rtol=1e-5)
    assert {v.dtype for v in wind.data_vars.values()} == {np.dtype(np.float32)}


def test_reading_in_pieces_changes_nothing(flow: Flow, wind: xr.Dataset,
                                           monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "_AT_ONCE", 65)  # two rows and a part, one row at the end
    xr.testing.assert_identical(at_levels(flow, [1.5, 10.0, 16.0]), wind)


def test_names_units_and_coordinates(flow: Flow):
    x, y = 5e5 + np.arange(30) * CELL, 3.4e6 + np.arange(18) * CELL
    wind = at_levels(flow, 1.5, x=x, y=y)
    assert wind.sizes == {"level": 1, "y": 18, "x": 30}
    np.testing.assert_array_equal(wind["x"], x)
    np.testing.assert_array_equal(wind["y"], y)
    assert wind["level"].attrs["positive"] == "up"
    assert wind["level"].attrs["standard_name"] == "height"
    assert {n: wind[n].attrs.get("standard_name") for n in FIELDS} == {
        "u": "eastward_wind", "v": "northward_wind", "w": "upward_air_velocity",
        "speed": "wind_speed", "scalar_speed": None,
        "k": "specific_turbulent_kinetic_energy_of_air", "gust": "wind_speed_of_gust"}
    assert wind["gust"].attrs["cell_methods"] == "area: point time: maximum"
    assert wind["k"].attrs["units"] == "m2 s-2"
    assert all(v.attrs["long_name"] for v in wind.data_vars.values())


@pytest.mark.parametrize(("levels", "words"), [
    ([-1.0], "level -1 m"), ([0.0], "level 0 m"), ([1.5, 900.0], "level 900 m"),
    ([10.0, 1.5], "expected heights that rise"), ([], "expected heights that rise"),
    ([float("nan")], "level nan m")])
def test_levels_outside_the_box_are_refused(flow: Flow, levels: list[float], words: str):
    with pytest.raises(GridError, match=words):
        at_levels(flow, levels)


def test_a_level_at_the_top_of_the_box_is_outside():
    assert check_levels([199.9], 200.0).tolist() == [199.9]
    with pytest.raises(GridError, match="its top, 200 m"):
        check_levels([200.0], 200.0)


def test_coordinates_that_are_not_those_of_the_cells_are_refused(flow: Flow):
    with pytest.raises(GridError, match="expected 30 that rise"):
        at_levels(flow, 1.5, x=np.arange(29))
    with pytest.raises(GridError, match="expected 18 that rise"):
        at_levels(flow, 1.5, y=np.arange(18)[::-1])


# ---- ratios


def test_ratios_give_back_the_wind_they_were_made_of(wind: xr.Dataset):
    ratios = as_ratios([(180.0, wind * 2), (0.0, wind)], 5.0)
    assert ratios["wind_from"].values.tolist() == [0.0, 180.0]
    assert ratios["speed"].dims == ("wind_from", "level", "y", "x")
    again = at_hour(ratios, 5.0, 0.0)
    for name in RATIOS:
        expected = counted_speed(wind["speed"], wind["k"]) if name == "speed" else wind[name]
        np.testing.assert_allclose(again[name], expected, rtol=1e-6)
    np.testing.assert_allclose(ratios["k"][0], wind["k"] / 25.0, rtol=1e-6)
    assert ratios["k"].attrs["units"] == "1"
    assert "square" in ratios["k"].attrs["long_name"]


def test_ratios_do_not_depend_on_the_speed():
    one, two = (at_levels(simulate(_city(), CELL, log_profile(s, 10.0, 0.1), 250.0, margin=5),
                          1.5) for s in (2.0, 8.0))
    slow, fast = as_ratio(one, 2.0), as_ratio(two, 8.0)
    for name in ("speed", "gust", "k"):
        np.testing.assert_allclose(slow[name], fast[name], rtol=2e-3, atol=2e-4)


@pytest.mark.parametrize("reference", [0.0, -1.0, float("nan")])
def test_ratios_to_no_wind_are_refused(wind: xr.Dataset, reference: float):
    with pytest.raises(CityTwinError, match="expected more than 0"):
        as_ratio(wind, reference)
    with pytest.raises(CityTwinError, match="no wind"):
        as_ratios([], 5.0)


# ---- kernels


def test_nothing_is_compiled_after_warming_up():
    warm()
    before = compiled()
    heights, trees = _city(), np.where(_city() > 0, 0.0, 6.0)
    slope = np.add.outer(np.linspace(0, 6, 18), np.zeros(30))
    for wind_from, extra in ((0.0, {}), (90.0, {"canopy": trees}), (225.0, {"terrain": slope}),
                             (10.0, {"passages": np.where(heights > 0, 4.0, 0.0)})):
        at_levels(simulate(heights, CELL, INFLOW, wind_from, **extra), [1.5, 3.0])
    at_levels(simulate(np.asfortranarray(heights[::-1, ::-1]), CELL, INFLOW, 33.0), 1.5)
    at_levels(simulate(np.zeros((2, 2)), CELL, INFLOW, 33.0), 1.5)
    assert compiled() == before > 9


def test_a_second_process_compiles_nothing():
    warm()
    done = subprocess.run([sys.executable, "-c", WARM], capture_output=True, text=True, check=True,
                          env=dict(os.environ), cwd=Path(__file__).parents[1])
    assert done.stdout.strip() == "True [] []"


def test_kernels_are_kept_where_files_can_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    import numba

    monkeypatch.setitem(vars(numba.config), "CACHE_DIR", numba.config.CACHE_DIR)
    chosen = os.environ["NUMBA_CACHE_DIR"]
    assert find_cache() is None  # the user's choice stands
    assert os.environ["NUMBA_CACHE_DIR"] == chosen
    monkeypatch.delenv("NUMBA_CACHE_DIR")
    assert find_cache(tmp_path) is None  # beside the sources
    blocked = tmp_path / "blocked"
    blocked.write_text("no folder")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "of the user"))
    ours = find_cache(blocked)
    assert ours == tmp_path / "of the user" / "citytwin" / "kernels"
    assert os.environ["NUMBA_CACHE_DIR"] == str(ours)
    monkeypatch.delenv("NUMBA_CACHE_DIR")
    monkeypatch.setenv("XDG_CACHE_HOME", str(blocked))
    own = find_cache(blocked)
    assert own is not None
    assert own.is_dir()
    assert own.stat().st_mode & 0o077 == 0  # what others can write we would run
