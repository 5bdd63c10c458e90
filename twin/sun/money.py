"""What modules cost, earn and save in carbon over their life, low and high, and claims to compare.

Prices are those of the year of their row; say it next to every number made of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from twin.sun.yields import Pick, Range, Ranged

Floats = NDArray[np.float64]

CURRENCY = {"CN": "CNY", "EU": "EUR"}  # of a country or group of countries in the table
SELF_USE = {"residential": "home", "industrial": "industrial", "transport": "industrial"}
RATES = (-0.9, 10.0)  # between which the internal rate of return is looked for [1/a]


@dataclass(frozen=True)
class Terms:
    """Prices and habits under which modules pay back.

    Parameters
    ----------
    capex
        Price of the finished system per watt [currency W-1].
    upkeep
        Yearly cost of upkeep per watt, new inverters with it [currency W-1 a-1].
    discount
        Yearly rate at which later money counts less [a-1].
    retail
        Price of the electricity that need not be bought [currency kWh-1].
    feed_in
        Price of the electricity that is sold [currency kWh-1].
    self_use
        Share that is used in the building [1].
    degradation
        Yearly loss of power after the first year, of its power then; the first year's own loss is
        in the losses of the chain [a-1].
    life
        Whole years the modules run [a].
    """

    capex: float
    upkeep: float
    discount: float
    retail: float
    feed_in: float
    self_use: float
    degradation: float
    life: float

    @property
    def health(self) -> Floats:
        """Power in each year of the life, of that in the first [1]."""
        years = np.arange(max(1, round(self.life)))
        return np.asarray(np.maximum(1.0 - self.degradation * years, 0.0))

    @property
    def price(self) -> float:
        """What a kilowatt-hour earns, used or sold [currency kWh-1]."""
        return self.self_use * self.retail + (1 - self.self_use) * self.feed_in


def currency(regions: Sequence[str]) -> str | None:
    """Return the currency whose prices are tabled for a place, None where there are none.

    Parameters
    ----------
    regions
        Codes of the place from near to far, such as ``["CN-Hubei", "CN", "WORLD"]``.
    """
    return next((CURRENCY[code] for code in regions if code in CURRENCY), None)


def terms(pick: Pick, money: str, use: str) -> dict[str, Ranged]:
    """Return the terms of a building of some use, each with its range.

    Parameters
    ----------
    pick
        Gives a factor by stem and unit.
    money
        ``"CNY"`` or ``"EUR"``.
    use
        Use of the building, as in the buildings layer.
    """
    who = SELF_USE.get(use, "office")
    payer = "home" if who == "home" else "business"
    stem = f"pv_money.{money.lower()}"
    return {
        "capex": pick(f"{stem}.capex_{payer}", f"{money} W-1"),
        "upkeep": pick(f"{stem}.upkeep", f"{money} W-1 a-1"),
        "discount": pick("pv_money.discount", "a-1"),
        "retail": pick(f"{stem}.retail_{payer}", f"{money} kWh-1"),
        "feed_in": pick(f"{stem}.feed_in", f"{money} kWh-1"),
        "self_use": pick(f"pv_money.self_use.{who}", "1"),
        "degradation": pick("pv.degradation", "a-1"),
        "life": pick("pv_money.life", "a")}


@dataclass(frozen=True)
class Economics:
    """What modules earn; arrays of shape (n,), or ranges of such.

    Parameters
    ----------
    lcoe
        Cost of a kilowatt-hour over the life, later ones discounted [currency kWh-1].
    npv
        Present value of all that is paid and earned, per watt [currency W-1].
    irr
        Rate at which that value is zero, NaN where no year earns anything [a-1].
    payback, discounted_payback
        Years until the price is earned, later money counting in full or less; infinite where the
        life is too short [a].
    revenue
        What the first year earns or saves, upkeep not taken off, per watt [currency W-1 a-1].
    """

    lcoe: Any
    npv: Any
    irr: Any
    payback: Any
    discounted_payback: Any
    revenue: Any


def economics(specific_yield: ArrayLike, given: Terms) -> Economics:
    """Return what modules of a yield earn under given terms.

    Parameters
    ----------
    specific_yield
        Energy of the first year, shape (n,) [kWh kW-1 a-1].
    given
        The terms.

    Notes
    -----
    ``LCOE = (I + sum O/(1+r)^t) / sum E_t/(1+r)^t``, money and energy falling at the end of years
    1 to the life. Within a year money is earned evenly when paybacks are read off.

    References
    ----------
    Short, Packey & Holt (1995), A manual for the economic evaluation of energy efficiency and
    renewable energy technologies, NREL/TP-462-5173.
    """
    energy = np.asarray(specific_yield, dtype=float)[..., None] / 1000 * given.health
    years = np.arange(1, len(given.health) + 1)
    worth = (1 + given.discount) ** -years
    net = energy * given.price - given.upkeep
    made = (energy * worth).sum(axis=-1)
    paid = given.capex + given.upkeep * worth.sum()
    return Economics(
        np.divide(paid, made, out=np.full(made.shape, np.inf), where=made > 0),
        (net * worth).sum(axis=-1) - given.capex,
        internal_rate(given.capex, net), payback(given.capex, net),
        payback(given.capex, net * worth), energy[..., 0] * given.price)


def internal_rate(price: float, net: Floats) -> Floats:
    """Return the yearly rate at which what is earned is worth what was paid.

    Parameters
    ----------
    price
        Paid at the start.
    net
        Earned at the end of each year, shape (..., years).

    Returns
    -------
    numpy.ndarray
        The root between -0.9 and 10, by halving; NaN where there is none [a-1].
    """
    years = np.arange(1, net.shape[-1] + 1)

    def worth(rate: Floats) -> Floats:
        return np.asarray((net * (1 + rate[..., None]) ** -years).sum(axis=-1) - price)

    low, high = (np.full(net.shape[:-1], end) for end in RATES)
    rooted = (worth(low) > 0) & (worth(high) < 0)
    for _ in range(60):
        middle = (low + high) / 2
        above = worth(middle) > 0
        low, high = np.where(above, middle, low), np.where(above, high, middle)
    return np.where(rooted, (low + high) / 2, np.nan)


def payback(price: ArrayLike, net: Floats) -> Floats:
    """Return the years until a price is earned back, infinite where it never is.

    Parameters
    ----------
    price
        Paid at the start, a number or shape (...).
    net
        Earned in each year, shape (..., years).
    """
    start = -np.broadcast_to(np.asarray(price, dtype=float), net.shape[:-1])
    stand = np.concatenate([start[..., None], start[..., None] + np.cumsum(net, axis=-1)], axis=-1)
    there = stand[..., 1:] >= 0
    first = np.argmax(there, axis=-1)
    before = np.take_along_axis(stand, first[..., None], axis=-1)[..., 0]
    gain = np.take_along_axis(net, first[..., None], axis=-1)[..., 0]
    part = np.divide(-before, gain, out=np.zeros_like(before), where=gain > 0)
    return np.where(there.any(axis=-1), first + np.clip(part, 0.0, 1.0), np.inf)


def economics_range(specific_yield: Ranged, given: Mapping[str, Ranged]) -> Economics:
    """Return what modules earn with its range: each input moved alone, the moves combined.

    Parameters
    ----------
    specific_yield
        With its range, arrays of shape (n,) [kWh kW-1 a-1].
    given
        The fields of `Terms`, with their ranges.

    Returns
    -------
    Economics
        Of `Range`. Moves are combined by the root of the sum of squares.
    """
    base_terms = Terms(**{name: float(r.value) for name, r in given.items()})

    def run(name: str, end: str) -> Economics:
        if name == "yield":
            return economics(getattr(specific_yield, end), base_terms)
        return economics(specific_yield.value,
                         replace(base_terms, **{name: float(getattr(given[name], end))}))

    base = economics(specific_yield.value, base_terms)
    moved = [run(name, end) for name in ("yield", *given) for end in ("low", "high")]
    return Economics(**{f.name: around(getattr(base, f.name), [getattr(m, f.name) for m in moved])
                        for f in fields(Economics)})


def around(base: Any, moved: Sequence[Any]) -> Range:
    """Return a value with its range from the values that inputs moved one by one give.

    The moves up, and those down, combine by the root of the sum of squares. Where the value is
    infinite the low end is the least of the moved values.
    """
    value, others = np.asarray(base, dtype=float), np.asarray(moved, dtype=float)
    sure = np.isfinite(value)
    with np.errstate(invalid="ignore"):
        step = np.where(np.isnan(others), 0.0, others - np.where(sure, value, 0.0))
        down = np.sqrt((np.minimum(step, 0.0) ** 2).sum(axis=0))
        up = np.sqrt((np.maximum(step, 0.0) ** 2).sum(axis=0))
    least = np.where(np.isnan(value), np.nan, np.fmin.reduce(others, axis=0))
    return Range(value, np.where(sure, value - down, least), np.where(sure, value + up, value))


@dataclass(frozen=True)
class Carbon:
    """What modules save in carbon dioxide; arrays of shape (n,), or ranges of such.

    Parameters
    ----------
    avoided
        Of the grid in the first year, per watt [kg W-1 a-1].
    lifetime
        Of the grid over the life less the making of the modules, per watt [kg W-1].
    payback
        Years until the making is saved, infinite where it never is [a].
    """

    avoided: Any
    lifetime: Any
    payback: Any


def carbon(specific_yield: ArrayLike, *, density: float, embodied: float, grid: float,
           degradation: float, life: float, decline: float = 0.0) -> Carbon:
    """Return what modules save in carbon dioxide.

    Parameters
    ----------
    specific_yield
        Energy of the first year, shape (n,) [kWh kW-1 a-1].
    density
        Rated power per module area [W m-2].
    embodied
        Carbon of making modules; racks, cables and inverters are not in it [kg m-2].
    grid
        Carbon of the electricity they stand in for, in the first year [kg kWh-1].
    degradation, life
        As in `Terms`.
    decline
        Share by which the grid gets cleaner each year [a-1].
    """
    years = np.arange(max(1, round(life)))
    path = np.maximum(1 - degradation * years, 0.0) * grid * (1 - decline) ** years
    saved = np.asarray(specific_yield, dtype=float)[..., None] / 1000 * path
    made = embodied / density
    return Carbon(saved[..., 0], saved.sum(axis=-1) - made, payback(made, saved))


def carbon_range(specific_yield: Ranged, **given: Ranged) -> Carbon:
    """Return what modules save with its range, as `economics_range` does.

    Parameters
    ----------
    specific_yield
        With its range, arrays of shape (n,) [kWh kW-1 a-1].
    **given
        The numbers of `carbon`, with their ranges.
    """
    numbers = {name: float(r.value) for name, r in given.items()}
    base = carbon(specific_yield.value, **numbers)
    moved = []
    for end in ("low", "high"):
        moved.append(carbon(getattr(specific_yield, end), **numbers))
        moved += [carbon(specific_yield.value, **{**numbers, n: float(getattr(r, end))})
                  for n, r in given.items()]
    return Carbon(**{f.name: around(getattr(base, f.name), [getattr(m, f.name) for m in moved])
                     for f in fields(Carbon)})


# ---- what others say of their plants

COAL = 29.3076 * 0.0946  # CO2 of a tonne of coal equivalent: 94.6 kg/GJ, IPCC 2006 [t]
DIOXIDE = 44 / 12        # carbon dioxide per carbon


@dataclass(frozen=True)
class Claim:
    """What is said of a plant in public.

    Parameters
    ----------
    name
        The plant.
    power
        Rated power [MW].
    energy
        Electricity of a year [GWh a-1].
    avoided
        Carbon dioxide said to be avoided, NaN where nothing is said [t a-1].
    coal
        Coal said to be saved, NaN where nothing is said [t a-1 of coal equivalent].
    source
        Where it is said, and when.
    """

    name: str
    power: float
    energy: float
    avoided: float
    coal: float
    source: str

    @property
    def specific(self) -> float:
        """Yield implied [kWh kW-1 a-1]."""
        return 1000 * self.energy / self.power

    @property
    def grid(self) -> float:
        """Carbon dioxide per electricity implied [kg kWh-1]."""
        return self.avoided / self.energy / 1000


DAXING = Claim("Beijing Daxing airport", 5.61, 6.1, 966.0, 1900.0, "pvnews.cn, September 2019")
FREIGHT = Claim("Freight base of Beijing Capital airport", 26.4, 38.2, np.nan, np.nan,
                "Beijing Youth Daily, reported for 2022")


def beside(claim: Claim, ours: Ranged, grid: Ranged, *, weather: str,
           degradation: float, life: float) -> list[str]:
    """Return a claim and our numbers next to each other, in words, with why they differ.

    Parameters
    ----------
    claim
        What is said.
    ours
        Our yield of such a plant in its first year [kWh kW-1 a-1].
    grid
        Factor of the grid the plant feeds [kg kWh-1].
    weather
        Name of the weather our yield is from, and of its place where that is another one.
    degradation, life
        As in `Terms`.
    """
    mean = 1 - degradation * (max(1, round(life)) - 1) / 2
    apart = claim.specific / ours.value - 1
    within = "within" if ours.low <= claim.specific <= ours.high else "outside"
    lines = [
        f"{claim.name} ({claim.source}): {claim.power:g} MWp, {claim.energy:g} GWh a year, so "
        f"{claim.specific:,.0f} kWh/kWp.",
        f"Ours, {weather}: {ours.value:,.0f} ({ours.low:,.0f} to {ours.high:,.0f}) kWh/kWp in the "
        f"first year, {ours.value * mean:,.0f} on the mean of {life:g} years. The claim is "
        f"{abs(apart):.0%} {'below' if apart < 0 else 'above'} the first year and {within} our "
        "range; it does not name the tilt, the weather or the age it holds for.",
    ]
    if np.isfinite(claim.avoided):
        lines.append(
            f"It avoids {claim.avoided:,.0f} t of CO2 a year, so {claim.grid:.3f} kg/kWh: "
            f"{claim.grid / grid.value:.2f} times the grid's {grid.value:.3f} ({grid.low:.3f} to "
            f"{grid.high:.3f}), by which it would be {1000 * claim.energy * grid.value:,.0f} t.")
    if np.isfinite(claim.coal):
        as_coal, as_carbon = claim.coal * COAL, claim.avoided * DIOXIDE
        per_kwh = as_carbon / claim.energy / 1000
        lines.append(
            f"The claim does not agree with itself: the {claim.coal:,.0f} t of coal it saves would "
            f"give {as_coal:,.0f} t of CO2 ({as_coal / claim.energy / 1000:.2f} kg/kWh). Were its "
            f"{claim.avoided:,.0f} t carbon and not carbon dioxide, they would be {as_carbon:,.0f} "
            f"t ({per_kwh:.2f} kg/kWh), {per_kwh / grid.value:.2f} times the grid's. We take the "
            "published factor of the grid.")
    return lines
