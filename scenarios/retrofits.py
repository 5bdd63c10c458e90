"""What retrofits of a plan save, take to make and cost: carbon payback and cost per floor area."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from layers.buildings import gross_floor_area
from layers.errors import FactorError, ScenarioError
from layers.place import Place
from twin.estimate import Estimate
from twin.factor import Factor
from twin.factors import Factors
from twin.region_codes import regions
from twin.result import Twin
from twin.sun.tariffs import currency


@dataclass(frozen=True)
class Retrofitted:
    """Retrofits of a plan, those inside the study area.

    Parameters
    ----------
    buildings
        Number of buildings.
    floor_area
        Gross floor area [m2].
    saved
        CO2 of operation saved [t a-1], whatever else the plan does to these buildings with it.
    made
        CO2e of making the retrofits [t].
    payback
        Years until the making is saved, infinite where nothing is [a].
    cost_per_m2
        Price per floor area in ``money``, None where none is tabled [m-2].
    money
        Currency, empty where no prices are tabled.
    """

    buildings: int
    floor_area: float
    saved: float
    made: Estimate
    payback: Estimate
    cost_per_m2: Factor | None
    money: str


def retrofits_of(before: Twin, after: Twin, place: Place, factors: Factors) -> Retrofitted:
    """Return what the retrofits of a plan save, take to make and cost.

    Parameters
    ----------
    before, after
        Twins with ``building_co2``.
    place
        Country and region.
    factors
        The tables: ``embodied.retrofit`` and ``abatement.capex_<money>.envelope``.

    Raises
    ------
    ScenarioError
        When the plan retrofits nothing, or a twin has no CO2 of buildings.
    """
    sides = [t.features.get("buildings") for t in (before, after)]
    if any(s is None or "building_co2" not in s for s in sides):
        raise ScenarioError("a twin has no CO2 of its buildings", mend="Run it without --want")
    old, new = (s.set_index("id") for s in sides if s is not None)
    new = new[new["retrofit"] > 0]
    was = old.reindex(new.index)
    fresh = ((new["retrofit"] > was["retrofit"].fillna(0)) & (new["inside"] > 0)).to_numpy()
    if not fresh.any():
        raise ScenarioError("the plan retrofits no building")
    new, was = new[fresh], was[fresh]
    inside = new["inside"].to_numpy()
    area = float((gross_floor_area(new) * inside).sum())
    saved = float(((was["building_co2"].fillna(new["building_co2"]) - new["building_co2"])
                   * inside).sum()) / 1000
    made = factors.pick("embodied.retrofit", place, "kg m-2")
    weight = Estimate(*(end * area / 1000 for end in (made.value, made.low, made.high)))
    years = Estimate(*(end / saved if saved > 0 else np.inf
                       for end in (weight.value, weight.low, weight.high)))
    money = currency(regions(place)) or ""
    price = None
    if money:
        try:
            price = factors.pick(f"abatement.capex_{money.lower()}.envelope", place)
        except FactorError:
            money = ""
    return Retrofitted(int(fresh.sum()), area, saved, weight, years, price, money)
