"""What modules cost and earn over their life, low and high.

Prices are those of the year of their row; say it next to every number made of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from twin.sun.cash import internal_rate, payback
from twin.sun.ranges import Ranged, around

Floats = NDArray[np.float64]


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


def prices(given: Mapping[str, Ranged]) -> list[float]:
    """Return what a kilowatt-hour earns, then with each price and share at its ends.

    Parameters
    ----------
    given
        The fields of `Terms`, with their ranges.
    """
    base = _middle(given)
    return [base.price, *(
        replace(base, **{name: float(getattr(given[name], end))}).price
        for name in ("retail", "feed_in", "self_use") for end in ("low", "high"))]


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
    base_terms = _middle(given)

    def run(name: str, end: str) -> Economics:
        if name == "yield":
            return economics(getattr(specific_yield, end), base_terms)
        return economics(specific_yield.value,
                         replace(base_terms, **{name: float(getattr(given[name], end))}))

    base = economics(specific_yield.value, base_terms)
    moved = [run(name, end) for name in ("yield", *given) for end in ("low", "high")]
    return Economics(**{f.name: around(getattr(base, f.name), [getattr(m, f.name) for m in moved])
                        for f in fields(Economics)})


def _middle(given: Mapping[str, Ranged]) -> Terms:
    return Terms(**{name: float(r.value) for name, r in given.items()})
