"""Buildings over their life: making, building, keeping and taking down, spread over the years."""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np
from numpy.typing import NDArray

from layers.buildings import gross_floor_area
from layers.errors import CityTwinError, MissingInput
from twin.carbon.entries import Entries, entries
from twin.carbon.parts import Cause, Part

STAGES = {"A1-A3": "a1a3", "A4-A5": "a4a5", "B1-B5": "b1b5", "C1-C4": "c1c4"}
STOREYS = ((6, "low"), (18, "middle"), (33, "high"), (np.inf, "super"))
WORDS = {"reinforced concrete": "concrete", "masonry": "masonry", "steel": "steel",
         "timber": "timber"}
TALL = 7        # storeys from which walls no longer carry a building
MODERN = 1990   # year from which low buildings are of concrete
COUNTS = ("stock", "flow")


def structure_of(buildings: gpd.GeoDataFrame) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """Return the structure of each building, and whether it is a guess.

    Parameters
    ----------
    buildings
        The buildings layer; ``structure`` counts where it is given.

    Returns
    -------
    tuple
        ``"concrete"``, ``"masonry"``, ``"steel"`` or ``"timber"``, shape (n,); halls of industry
        are of steel, buildings of 7 storeys or of 1990 and later of concrete, others of masonry.
    """
    told = buildings["structure"].map(WORDS)
    floors, year = (buildings[c].to_numpy(dtype=float) for c in ("num_floors", "year"))
    guess = np.select(
        [(buildings["use"] == "industrial").to_numpy(), floors >= TALL, year >= MODERN],
        ["steel", "concrete", "concrete"], "masonry")
    unknown = told.isna().to_numpy()
    return np.where(unknown, guess, told.to_numpy(dtype=object)), unknown


def height_class(floors: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return which of ``STOREYS`` each number of storeys is in."""
    return np.searchsorted([most for most, _ in STOREYS], floors - 1e-9).astype(np.int64)


def life_cycle(buildings: gpd.GeoDataFrame, factors: Any, *, count: str = "stock",
               year: float | None = None) -> Entries:
    """Return what buildings emit over their life, by structure, height and stage.

    Parameters
    ----------
    buildings
        The buildings layer.
    factors
        Gives ``embodied.*``.
    count
        ``"stock"`` spreads all stages of all buildings over their life; ``"flow"`` counts the
        making of what is built in ``year``, in full. The two are never added.
    year
        Year of the flow.

    Returns
    -------
    Entries
        Activity in m2 of gross floor area. A retrofit is a part of B1-B5 of its own.

    Raises
    ------
    CityTwinError
        When ``count`` is unknown, the year is missing, or a flow is asked and no building has one.

    Notes
    -----
    B1-B5 is spread over the years it was summed over, ``embodied.b1b5_span``, the other stages over
    the life.

    References
    ----------
    EN 15978:2011; GB/T 51366-2019; Luo et al. (2014) for the height.
    """
    if count not in COUNTS:
        raise CityTwinError(f"buildings are counted as {count!r}, expected 'stock' or 'flow'")
    if count == "flow" and year is None:
        raise CityTwinError("a flow of buildings needs its year", mend="Give year=2025")
    area = gross_floor_area(buildings)
    if count == "flow":
        built = buildings["year"].to_numpy(dtype=float)
        unknown = np.isnan(built)
        if len(built) and unknown.all():
            raise MissingInput("layer 'buildings': no building has a year, so none is known to be "
                               f"built in {year:g}",
                               mend="Give the column year, or take count=stock")
        factors.count(f"buildings without a year, not counted as built in {year:g}",
                      int(unknown.sum()))
        area = np.where(built == year, area, 0.0)
    structure, guess = structure_of(buildings)
    factors.count("buildings whose structure is a guess", int((guess & (area > 0)).sum()))
    tall = height_class(buildings["num_floors"].to_numpy(dtype=float))
    light = (buildings["use"] == "unconditioned").to_numpy()
    life = factors.pick("embodied.life", "a")
    span = factors.pick("embodied.b1b5_span", "a")
    stages = {s: STAGES[s] for s in (("A1-A3", "A4-A5") if count == "flow" else STAGES)}
    blocks = []
    for kind in np.unique(structure):
        for level in np.unique(tall[structure == kind]):
            for shed in (False, True):
                rows = np.flatnonzero((structure == kind) & (tall == level) & (light == shed)
                                      & (area > 0))
                if not len(rows):
                    continue
                height = factors.pick(f"embodied.height.{STOREYS[level][1]}", "1")
                times = [height, *([factors.pick("embodied.light", "1")] if shed else [])]
                for stage, stem in stages.items():
                    years = span if stage == "B1-B5" else life
                    spread = 1.0 if count == "flow" else years.value
                    spreading = () if count == "flow" or years.low == years.high \
                        else (_over(years),)
                    per_m2 = factors.pick(f"embodied.{stem}" + (f".{kind}" if stem == "a1a3"
                                                                else ""), "kg m-2")
                    value = per_m2.value * np.prod([t.value for t in times]) / spread
                    part = Part("buildings", "construction", "shed" if shed else "building",
                                str(kind), 3, stage, "m2", per_m2.factor_id,
                                (Cause.of(per_m2), *map(Cause.of, times), *spreading), gas="CO2e",
                                tier=1 if per_m2.region == "WORLD" else 2,
                                year=int(year or per_m2.year), quality="L")
                    blocks.append((part, rows, area[rows], area[rows] * value))
    if count == "stock":
        blocks += _retrofits(buildings, area, factors)
    return entries("buildings", len(buildings), blocks)


def _retrofits(buildings: gpd.GeoDataFrame, area: NDArray[np.float64], factors: Any) -> list[Any]:
    """Return the making of retrofits, spread over theirs."""
    rows = np.flatnonzero((buildings["retrofit"].to_numpy(dtype=float) > 0) & (area > 0))
    if not len(rows):
        return []
    made = factors.pick("embodied.retrofit", "kg m-2")
    life = factors.pick("embodied.retrofit_life", "a")
    part = Part("buildings", "construction", "building", "retrofit", 3, "B1-B5", "m2",
                made.factor_id, (Cause.of(made), _over(life)), gas="CO2e", year=made.year,
                quality="L")
    return [(part, rows, area[rows], area[rows] * made.value / life.value)]


def _over(life: Any) -> Cause:
    """Return how rows that are divided by a life move with it."""
    return Cause(life.factor_id, life.value / life.low - 1, life.value / life.high - 1)
