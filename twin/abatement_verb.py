"""The verb `abatement`: the scenarios of a study as measures, what they save and cost together.

Every combination of the scenarios is applied to the city and computed, so nothing is assumed on
how they work on each other.
"""

from __future__ import annotations

from argparse import Namespace
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

import twin
from layers.city import City
from layers.errors import CityTwinError, MissingInput
from twin.carbon.abatement import abatement_costs, abatement_curve
from twin.carbon.coalitions import coalitions
from twin.carbon.ledger import Ledger
from twin.carbon.lines import difference, line_total
from twin.factor import Factor
from twin.factors import Factors
from twin.factors import load as load_factors
from twin.grid import Grid
from twin.picture_files import check_picture
from twin.plan_costs import Prices, plan_cost
from twin.planning import idle, plan
from twin.pool import Overlaps
from twin.progress import Progress, progress
from twin.result import in_words
from twin.tables import dump, print_table

MOST = 4
WANT = ["co2_net"]
TONNE = 1000.0  # [kg]
COSTS = ("capex", "life", "bill_saved", "annual_cost", "mac", "mac_low", "mac_high", "npv",
         "capex_per_m2", "cost_per_m2")


def abatement(args: Namespace) -> None:
    """Say what the scenarios of a study save and cost, alone and together."""
    from scenarios import open_study

    check_picture(args.picture)
    study = open_study(args.study)
    plans = list(study.scenarios)
    if not 1 <= len(plans) <= MOST:
        raise CityTwinError(f"{args.study} has {len(plans)} scenarios, expected 1 to {MOST}: every "
                            "combination of them is computed",
                            mend="Make a study of those you want to compare")
    if any(n not in study.cities for n in study.names):
        raise MissingInput(f"{args.study} keeps no cities", mend="Make the study again")
    base = study.twins["base"]
    factors = _factors(base.record)
    with progress("abatement", quiet=args.quiet or args.json) as tell:
        books, lost = _combinations(study, factors, tell)
    prices = Prices.of(study.cities["base"].place, factors, args.price)
    told = _told(study, books, prices)
    told["notes"] += lost
    again, kept = line_total(books[0], "co2_net").value / TONNE, base.totals()["value"]["co2_net"]
    if abs(again - kept) > 1e-6 * abs(kept):
        told["notes"].append(f"The study says {in_words(kept)} t a year for the base, computed "
                             f"again {in_words(again)}: it is of another version or setting.")
    if args.picture:
        _draw(told, base.record, args.picture)
    if args.json:
        dump({**told, "curve": None} if told["curve"] is None else
             {**told, "curve": list(told["curve"].index)})
    else:
        _say(told, args)


def _combinations(study: Any, factors: Factors, tell: Progress) -> tuple[list[Ledger], list[str]]:
    """Return the ledger of the city under every combination, and what none of them could count."""
    city: City = study.cities["base"]
    record = study.twins["base"].record
    settings = dict(record.get("settings", {}))
    grid = Grid.over(city.area, city.crs, float(record["cell_size"]))
    shared, books, lost = Overlaps(), [], set[str]()
    count = 2 ** len(study.scenarios)
    for number in range(count):
        chosen = [s for i, s in enumerate(study.scenarios) if number >> i & 1]
        tell(" + ".join(s.name for s in chosen) or "base", number, count)
        after = city
        for scenario in chosen:
            after = scenario.apply(after)
        runs = plan([f for f in twin.INDICATORS if not idle(f, after, settings)], WANT)
        mine = {f.__name__: settings[f.__name__] for f in runs if f.__name__ in settings}
        found = twin.run(after, grid=grid, want=WANT, settings=mine, factors=factors,
                         overlaps=shared)
        assert found.ledger is not None
        books.append(found.ledger)
        lost |= {k for k in found.record["fallbacks"] if "not counted" in k}
    return books, [f"Not in the account: {k}." for k in sorted(lost)]


def _told(study: Any, books: list[Ledger], prices: Prices) -> dict[str, Any]:
    """Return what measures save and cost as plain data, with the curve of those with a price."""
    names = [s.name for s in study.scenarios]
    net = np.array([line_total(b, "co2_net").value for b in books]) / TONNE
    saved = coalitions(net[0] - net, names)
    bills = {end: coalitions(_bill(books, prices, end), names)["shapley"]
             for end in ("value", "low", "high")}
    rows, why = {}, {}
    for i, scenario in enumerate(study.scenarios):
        cost = plan_cost(scenario, study.cities["base"], study.cities[scenario.name],
                         study.twins["base"], prices)
        if isinstance(cost, str):
            why[scenario.name] = cost
            continue
        rows[scenario.name] = cost | _with_bill(cost, bills, scenario.name) | _range(
            books[0], books[1 << i], saved.loc[scenario.name])
    curve = None
    if rows:
        table = pd.DataFrame.from_dict(rows, orient="index").fillna(0.0)
        costs = abatement_costs(table, rate=prices.rate)
        costs = costs.assign(**{c: table[c] for c in ("capex", "life", "bill_saved")})
        curve = abatement_curve(costs)
    measures = {}
    for name in names:
        one: dict[str, Any] = saved.loc[name].to_dict()
        for column in COSTS:
            known = curve is not None and name in curve.index and column in curve
            one[column] = _plain(curve.loc[name, column]) if known else None  # type: ignore[union-attr]
        one["why"] = why.get(name) or str(curve.loc[name, "why"])  # type: ignore[union-attr]
        measures[name] = one
    return {"unit": "t a-1", "money": prices.money, "before": float(net[0]),
            "after": float(net[-1]), "measures": measures, "curve": curve,
            "notes": [*prices.notes, f"What they save is the mean over all orders of "
                      f"{len(names)} measures, from {len(books)} runs."]}


def _bill(books: list[Ledger], prices: Prices, end: str) -> list[float]:
    """Return what each combination saves on the bill for energy of buildings [money a-1]."""
    paid = [prices.bill(book, end) for book in books]
    return [paid[0] - p for p in paid]


def _with_bill(cost: dict[str, float], bills: dict[str, pd.Series], name: str
               ) -> dict[str, float]:
    """Return the bill saved, with what modules earn in place of what they save on it."""
    if "bill_saved" in cost:
        return {}
    ends = [float(bills[end][name]) for end in ("value", "low", "high")]
    return {"bill_saved": ends[0], "bill_saved_low": min(ends), "bill_saved_high": max(ends)}


def _range(before: Ledger, after: Ledger, saved: pd.Series) -> dict[str, float]:
    """Return what a measure saves on the mean of orders, its range that of it alone [t a-1]."""
    found = line_total(difference(before, after), "co2_net")
    times = float(saved["shapley"]) / -found.value if found.value else 0.0
    ends = sorted((-found.low * times, -found.high * times))
    value = float(saved["shapley"])
    return {"co2_saved": value, "co2_saved_low": min(ends[0], value),
            "co2_saved_high": max(ends[1], value)}


def _factors(record: Any) -> Factors:
    """Return the factor tables with the rows that the study was made with."""
    own = load_factors()
    rows = dict(own)
    for key, row in record.get("factors", {}).items():
        stem, _, region = key.rpartition(".")
        known = rows.get(key) or Factor(key, stem, 0.0, row["unit"], 0.0, 0.0, region, 0,
                                        row["source"], row["tag"])
        if known.unit == row["unit"]:
            rows[key] = replace(known, value=row["value"], low=row["low"], high=row["high"])
    return Factors(rows)


def _plain(value: Any) -> float | None:
    return float(value) if np.isfinite(value) else None


def _draw(told: dict[str, Any], record: Any, path: str) -> None:
    from twin.carbon_pictures import draw_abatement

    if told["curve"] is None:
        raise MissingInput("no scenario has a price, so there is no curve to draw",
                           mend="Prices are tabled for Retrofit and RooftopPV in China and Europe")
    bare = [n for n in told["measures"] if n not in told["curve"].index]
    left = f"; without a price and left out: {', '.join(bare)}" if bare else ""
    draw_abatement(told["curve"], path, money=told["money"],
                   subtitle=f"{record.get('city', '')}: savings are the mean over all orders of "
                   f"the measures{left}", sources=list(record.get("sources", [])))


def _say(told: dict[str, Any], args: Namespace) -> None:
    print(f"net CO2 {in_words(told['before'])} t a year, with all measures "  # noqa: T201
          f"{in_words(told['after'])}")
    money = told["money"] or "money"

    def amount(value: float | None) -> str:
        return "-" if value is None else in_words(value)

    print_table(pd.DataFrame([{
        "measure": name, "saves alone": in_words(m["first_in"]), "last": in_words(m["last_in"]),
        "mean": in_words(m["shapley"]), f"price {money}": amount(m["capex"]),
        f"{money} a year": amount(m["annual_cost"]), f"{money} per t": amount(m["mac"]),
        "": m["why"]} for name, m in told["measures"].items()]))
    print("\nto know:")  # noqa: T201
    print("\n".join(f"  {n}" for n in told["notes"]))  # noqa: T201
    if args.picture:
        print(f"\n{args.picture}")  # noqa: T201

