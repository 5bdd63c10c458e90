"""What a plan changes in heat, with its range: shared draws, places, trees, no range for wind."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

import layers
import scenarios as sc
import twin
from scenarios.heat_bands import felt_as_drawn, heat_bands, places_of
from scenarios.studies import Study
from twin.factor import COLUMNS
from twin.factors import load
from twin.heat.bands import COMFORT, draws, uncertain
from twin.heat.redraw import TOTALS, feel_all, open_ground, places
from twin.rasters import burn

SIDE = 160.0
WIND: dict[str, Any] = {"wind_field": {"sectors": 4}}
ENDS = (0.025, 0.975)


def run(city: layers.City, **more: Any) -> twin.Twin:
    """The heat of a city on cells of 40 m."""
    return twin.run(city, cell_size=40, want=["utci_mean"], settings=WIND, **more)


@pytest.fixture(scope="module")
def block(district: layers.City) -> layers.City:
    """A block of the old town of Nantes, 160 m wide, with what stands around it."""
    middle = district.area.centroid
    return replace(district, area=shapely.box(*(
        v + d for d in (-SIDE / 2, SIDE / 2) for v in (middle.x, middle.y))))


@pytest.fixture(scope="module")
def base(block: layers.City) -> twin.Twin:
    return run(block)


def with_trees(city: layers.City, stems: list[shapely.Point]) -> layers.City:
    """The same with trees of 12 m."""
    trees = layers.green.tidy_trees(gpd.GeoDataFrame(
        {"height": [12.0] * len(stems), "crown": 9.0}, geometry=stems, crs=city.crs))
    return city.with_layers("trees", trees=pd.concat(
        [city.frame("trees"), trees], ignore_index=True))


@pytest.fixture(scope="module")
def sunny(base: twin.Twin) -> list[shapely.Point]:
    """Six places with most hours of strong heat stress, 12 m apart at least."""
    heat = base.fields["heat"]
    hours = np.where(open_ground(heat), (heat["utci"].to_numpy() > 32).sum(axis=0), -1)
    stems: list[shapely.Point] = []
    for number in np.argsort(-hours.ravel(), kind="stable"):
        row, column = divmod(int(number), hours.shape[1])
        here = shapely.Point(heat["x"].to_numpy()[column], heat["y"].to_numpy()[row])
        if all(here.distance(s) >= 12 for s in stems):
            stems.append(here)
        if len(stems) == 6:
            break
    return stems


@pytest.fixture(scope="module")
def planted(block: layers.City, sunny: list[shapely.Point]) -> twin.Twin:
    return run(with_trees(block, sunny))


def width(moved: np.ndarray) -> np.ndarray:
    """How wide 95 % of draws lie, by total."""
    low, high = np.quantile(moved, ENDS, axis=0)
    return high - low


def test_no_change_has_a_band_of_exactly_zero(block: layers.City, base: twin.Twin) -> None:
    study = Study({"base": base, "nothing": run(block)})
    rows = study.change("nothing").loc[list(TOTALS)]
    assert (rows[["change", "low", "high"]] == 0).to_numpy().all()
    assert not rows["distinct"].any()
    assert set(rows["words"]) == {"indistinguishable"}


def test_common_draws_give_a_narrower_band(base: twin.Twin, planted: twin.Twin) -> None:
    found = places_of(base, planted)
    assert found is not None
    was, now = (felt_as_drawn(some) for some in found)
    apart = felt_as_drawn(found[1], seed=1)
    shares = dict(zip(TOTALS, width(now - was) / width(apart - was), strict=True))
    for name in ("utci_mean", "night_heat", "utci_strong_hours", "pet_strong_hours"):
        assert shares[name] < 0.3, (name, shares[name])
    # Two independent ones are the root of two times as wide as one.
    alone = width(was)[0]
    assert width(apart - was)[0] == pytest.approx(np.sqrt(2) * alone, rel=0.25)


def test_trees_lower_the_hours_of_heat_stress_where_they_stand(
        base: twin.Twin, planted: twin.Twin, sunny: list[shapely.Point]) -> None:
    row = Study({"base": base, "trees": planted}).change("trees").loc["utci_strong_hours"]
    assert row["low"] <= row["change"] <= row["high"] < 0
    assert bool(row["distinct"])
    assert row["words"] == "less"
    heat = base.fields["heat"]
    below = burn([s.buffer(3) for s in sunny], np.ones(len(sunny), dtype=int),
                 heat["x"].to_numpy(), heat["y"].to_numpy(), fill=0) == 1
    at = np.flatnonzero(below & open_ground(heat) & open_ground(planted.fields["heat"]))
    assert len(at) >= 6
    sides = [places(t.fields["heat"], at, np.ones(len(at)), some.numbers) for t, some in zip(
        (base, planted), places_of(base, planted) or (), strict=True)]
    drawn = draws(uncertain(COMFORT, sides[0].numbers), 100)
    moved = feel_all(sides[1], drawn) - feel_all(sides[0], drawn)
    low, high = np.quantile(moved[:, TOTALS.index("utci_strong_hours")], ENDS)
    # In a sunny street of Nantes, trees take at least an hour, and no more than the day has.
    assert -9 <= low < high < -1


def test_the_sample_stands_for_all_walkable_ground(base: twin.Twin, planted: twin.Twin) -> None:
    few = places_of(base, planted, most=250)
    assert few is not None
    for some, one in zip(few, (base, planted), strict=True):
        assert some.weight.sum() == pytest.approx(int(open_ground(one.fields["heat"]).sum()))
        assert len(some.weight) <= 250
    whole, part = (heat_bands(base, planted, most=most) for most in (100_000, 500))
    for name in ("utci_mean", "utci_strong_hours", "night_heat"):
        size = whole.loc[name, "high"] - whole.loc[name, "low"]
        assert (part.loc[name] - whole.loc[name]).abs().max() < 0.35 * size, name


def test_a_new_building_takes_ground_and_shades_the_rest(block: layers.City, base: twin.Twin,
                                                         sunny: list[shapely.Point]) -> None:
    tower = layers.buildings.tidy(gpd.GeoDataFrame(
        {"height": [30.0], "use": "office"}, geometry=[sunny[0].buffer(8).envelope],
        crs=block.crs))
    there = run(block.with_layers("a tower", buildings=pd.concat(
        [block.frame("buildings"), tower], ignore_index=True)))
    gone = open_ground(base.fields["heat"]) & ~open_ground(there.fields["heat"])
    assert gone.sum() > 4
    found = places_of(base, there)
    assert found is not None
    assert found[0].weight.sum() - found[1].weight.sum() == pytest.approx(gone.sum())
    rows = Study({"base": base, "tower": there}).change("tower").loc[list(TOTALS)]
    assert np.isfinite(rows[["low", "high"]].to_numpy()).all()
    assert (rows["low"] <= rows["change"]).all()
    assert (rows["change"] <= rows["high"]).all()
    assert rows.loc["night_heat", "words"] == "more"  # it takes sky, for sure
    # The way back is the same with the sign turned.
    back = heat_bands(there, base)
    assert -back["high"].to_numpy() == pytest.approx(rows["low"].to_numpy(), abs=1e-9)


def test_a_users_range_narrows_the_band(block: layers.City, sunny: list[shapely.Point],
                                        base: twin.Twin, planted: twin.Twin,
                                        tmp_path: Path) -> None:
    own = load()
    lines = [",".join(COLUMNS)]
    for stem in COMFORT:
        row = own[f"outdoor.{stem}.WORLD"]
        low, high = (row.value + 0.1 * (end - row.value) for end in (row.low, row.high))
        lines.append(f"{row.factor_id},mine,{row.value},{row.unit},{low},{high},WORLD,2024,mine,D,")
    file = tmp_path / "mine.csv"
    file.write_text("\n".join(lines), encoding="utf-8")
    known = load(user=file)
    sure = heat_bands(run(block, factors=known), run(with_trees(block, sunny), factors=known))
    wide = heat_bands(base, planted)
    for name in ("utci_mean", "night_heat"):
        size = [float(t.loc[name, "high"] - t.loc[name, "low"]) for t in (sure, wide)]
        assert 0.05 * size[1] < size[0] < 0.2 * size[1], name


def test_a_study_that_comes_back_gives_the_same_ranges(base: twin.Twin, planted: twin.Twin,
                                                       tmp_path: Path) -> None:
    study = Study({"base": base, "更凉": planted})
    assert "total_range" in planted.cells["utci_mean"].attrs
    assert "total_range" not in study.change_cells("更凉")["utci_mean"].attrs
    assert "total_range" not in study.cells["utci_mean"].attrs
    assert "total_range" in base.cells["utci_mean"].attrs
    again = sc.open_study(study.save(tmp_path / "s"))
    pd.testing.assert_frame_equal(again.change("更凉"), study.change("更凉"))


def test_what_has_no_range_is_never_sure(base: twin.Twin, planted: twin.Twin) -> None:
    nothing = twin.Twin(base.cells, {}, base.features, base.variables, base.record)
    assert heat_bands(nothing, planted).empty
    rows = Study({"base": nothing, "trees": planted}).change("trees")
    assert rows.loc["utci_mean", "change"] < 0
    assert rows.loc["utci_mean", "words"] == "no range"
    assert rows["distinct"].isna()["utci_mean"]
    assert rows.loc["walkable_share", "words"] == "unchanged"
    assert not rows.loc["walkable_share", "distinct"]
    assert rows[rows["distinct"]].empty  # a mask of the unknown takes nothing


def test_the_wind_has_no_range(toy_study: Study) -> None:
    rows = toy_study.change("lower")
    wind = rows.loc[["wind_speed_ratio", "wind_speed"]]
    assert (wind["change"] != 0).all()
    assert wind["distinct"].isna().all()
    assert set(wind["words"]) == {"no range"}
    assert wind[["low", "high"]].isna().to_numpy().all()
    known = rows[rows["low"].notna()]
    assert known["distinct"].notna().all()
    assert set(known["words"]) <= {"less", "more", "indistinguishable"}
