"""What scenarios cost, as far as prices are tabled: insulation of buildings, modules on roofs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from layers.buildings import gross_floor_area
from layers.city import City
from layers.errors import CityTwinError, FactorError
from layers.place import Place
from twin.carbon.ledger import Ledger
from twin.carbon.lines import is_operation
from twin.factor import Factor
from twin.factors import Factors
from twin.region_codes import regions
from twin.result import Twin
from twin.sun.tariffs import currency

Floats = NDArray[np.float64]
Row = dict[str, float]

PRICED = ("Retrofit", "RooftopPV")
NO_PRICE = ("Only electricity has a tabled price: what is saved on other energy is not counted, so "
            "a tonne looks dearer than it is. Give a price of all energy with --price.")


@dataclass(frozen=True, eq=False)
class Prices:
    """Prices of a place.

    Parameters
    ----------
    money
        Currency, empty where no prices are tabled.
    rate
        Yearly rate at which later money counts less [a-1].
    place, factors
        Where, and the tables.
    flat
        Price of all energy of buildings, None for tabled prices [money kWh-1].
    notes
        What is to be known of them.
    """

    money: str
    rate: Factor
    place: Place
    factors: Factors
    flat: float | None = None
    notes: tuple[str, ...] = field(default=())

    @classmethod
    def of(cls, place: Place, factors: Factors, flat: float | None = None) -> Prices:
        """Return the prices of a place.

        Parameters
        ----------
        place
            Country and region.
        factors
            The tables.
        flat
            As of `Prices` [money kWh-1].
        """
        if flat is not None and not 0 <= flat < 1e6:
            raise CityTwinError(f"--price {flat:g}: expected a price of a kWh, not below zero")
        money = currency(regions(place)) or ""
        notes = [] if money else [f"No prices are tabled for {place}."]
        if flat is None and money:
            notes.append(NO_PRICE)
        return cls(money, factors.pick("abatement.rate", place, "a-1"), place, factors, flat,
                   tuple(notes))

    def pick(self, stem: str, unit: str) -> Factor:
        """Return a row of the tables for the place.

        Parameters
        ----------
        stem, unit
            As of `twin.factors.Factors.pick`.
        """
        return self.factors.pick(stem, self.place, unit)

    def bill(self, book: Ledger, end: str = "value") -> float:
        """Return what the energy that buildings buy costs a year [money a-1].

        Parameters
        ----------
        book
            The ledger.
        end
            ``"value"``, ``"low"`` or ``"high"`` of the prices.

        Notes
        -----
        What own modules save is not taken off, as their earnings stand apart.
        """
        if not self.money and self.flat is None:
            return 0.0
        used = book.where(is_operation)
        rows = used.rows[used.rows["activity"] > 0]
        energy = np.bincount(rows["part"], weights=rows["activity"], minlength=len(used.parts))
        if self.flat is not None:
            return float(energy.sum()) * self.flat
        retail = {pays: getattr(self.pick(f"pv_money.{self.money.lower()}.retail_{pays}",
                                          f"{self.money} kWh-1"), end)
                  for pays in ("home", "business")}
        price = [retail["home" if p.sub == "residential" else "business"]
                 if p.item == "electricity" else 0.0 for p in used.parts]
        return float(energy @ np.array(price))


def plan_cost(scenario: Any, before: City, after: City, base: Twin, prices: Prices) -> Row | str:
    """Return what a scenario costs, as a row of `twin.carbon.abatement`, or why nobody knows.

    Parameters
    ----------
    scenario
        With its ``edits``.
    before, after
        The city without and with it.
    base
        The twin of the city without it, with what modules on its roofs yield and earn.
    prices
        Of the place.

    Returns
    -------
    dict or str
        ``capex``, ``life`` and others, with ``_low`` and ``_high``.
    """
    kinds = list(dict.fromkeys(type(edit).__name__ for edit in scenario.edits))
    unknown = [k for k in kinds if k not in PRICED]
    if not prices.money:
        return "no prices are tabled here"
    if unknown or not kinds:
        return f"no price of {', '.join(unknown) or 'nothing'} is tabled"
    if len(kinds) > 1:
        return "several kinds of measure in one: make a scenario of each"
    built, changed = before.frame("buildings"), after.frame("buildings")
    if len(built) != len(changed):
        return "buildings come or go"
    try:
        if kinds[0] == "Retrofit":
            more = changed["retrofit"].to_numpy(float) > built["retrofit"].to_numpy(float)
            return _insulation(gross_floor_area(built) * more * _inside(base), prices)
        more_share = changed["pv_share"].to_numpy(float) - built["pv_share"].to_numpy(float)
        return _modules(base, np.maximum(more_share, 0.0), gross_floor_area(built),
                        built["use"].to_numpy(object), prices)
    except FactorError as error:
        return str(error)


def _insulation(area: Floats, prices: Prices) -> Row | str:
    """Return the price of insulation and windows of some floor area [m2]."""
    whole = float(area.sum())
    if whole <= 0:
        return "no building is retrofitted"
    stem = f"abatement.capex_{prices.money.lower()}.envelope"
    capex = prices.pick(stem, f"{prices.money} m-2")
    return {"area": whole, **_ends("capex", capex, whole),
            **_ends("life", prices.pick("abatement.life.envelope", "a")),
            **_ends("upkeep_share", prices.pick("abatement.upkeep.envelope", "a-1"))}


def _modules(base: Twin, share: Floats, floor: Floats, use: NDArray[np.object_],
             prices: Prices) -> Row | str:
    """Return the price of modules on a share of what each roof can carry, and what they earn."""
    roofs = base.features["buildings"]
    if not {"pv_capacity", "pv_revenue"} <= set(roofs.columns):
        return "the study does not know what modules yield: it has no weather"
    watts = roofs["pv_capacity"].to_numpy(float) * share * _inside(base)
    if not watts.any():
        return "no modules are added"
    row: Row = {}
    for end in ("value", "low", "high"):
        capex = [getattr(prices.pick(f"pv_money.{prices.money.lower()}.capex_{pays}",
                                     f"{prices.money} W-1"), end) for pays in ("home", "business")]
        mine = np.where(use == "residential", capex[0], capex[1])
        tail = "" if end == "value" else f"_{end}"
        row[f"capex{tail}"] = float(watts @ mine)
        earned = roofs[f"pv_revenue{tail}"].to_numpy(float)
        row[f"bill_saved{tail}"] = float((earned * share * _inside(base)).sum())
    upkeep = prices.pick(f"pv_money.{prices.money.lower()}.upkeep", f"{prices.money} W-1 a-1")
    area = float((floor * (watts > 0) * _inside(base)).sum())
    return {**row, "area": area, **_ends("upkeep", upkeep, float(watts.sum())),
            **_ends("life", prices.pick("pv_money.life", "a"))}


def _inside(base: Twin) -> Floats:
    return np.asarray(base.features["buildings"]["inside"].to_numpy(float))


def _ends(name: str, known: Factor, times: float = 1.0) -> Row:
    return {name: known.value * times, f"{name}_low": known.low * times,
            f"{name}_high": known.high * times}
