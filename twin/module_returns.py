"""What the modules of buildings earn and what carbon dioxide they save, low and high."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from twin.sun.avoided import carbon_range
from twin.sun.money import economics_range, prices
from twin.sun.ranges import Pick, Range, around
from twin.sun.tariffs import payer, terms

Texts = NDArray[np.object_]


def module_money(capacity: Range, energy: Range, specific: Range, use: Texts, pick: Pick,
                 money: str, *, facade: bool = False) -> dict[str, Range]:
    """Return what the modules of each building cost and earn.

    Parameters
    ----------
    capacity
        Rated power, arrays of shape (n,) [W].
    energy
        Of the first year [kWh a-1].
    specific
        Energy of one kilowatt-peak [kWh kW-1 a-1].
    use
        Use of the building, as in the buildings layer, shape (n,).
    pick
        Gives a factor by stem and unit.
    money
        ``"CNY"`` or ``"EUR"``.
    facade
        Whether the modules are built into walls.

    Returns
    -------
    dict
        ``revenue`` of the first year [currency a-1], ``npv`` [currency], ``lcoe``
        [currency kWh-1], ``irr`` [a-1], ``payback`` and ``discounted_payback`` [a]. The first two
        are 0 and the others NaN where there are no modules.

    Notes
    -----
    What the area and the rating leave open adds to the range of sums, not to that of LCOE, rate
    and paybacks, which are those of one watt.
    """
    names = ("revenue", "npv", "lcoe", "irr", "payback", "discounted_payback")
    out = {name: _blank(len(use), 0.0 if name in ("revenue", "npv") else np.nan)
           for name in names}
    built = np.asarray(capacity.high) > 0
    some = np.where(np.asarray(capacity.value) > 0, specific.value, np.divide(
        energy.high, capacity.high, out=np.zeros(len(use)), where=built) * 1000)
    specific = Range(some, *(np.where(np.isfinite(end), end, some)
                             for end in (specific.low, specific.high)))
    payers = np.array([payer(u) for u in use], dtype=object)
    for who in np.unique(payers[built]):
        rows = np.flatnonzero(built & (payers == who))
        given = terms(pick, money, use[rows[0]], facade=facade)
        found = economics_range(_rows(specific, rows), given)
        watts, made, price = capacity.value[rows], _rows(energy, rows), prices(given)
        _put(out["revenue"], rows, _not_below_zero(around(made.value * price[0], [
            made.low * price[0], made.high * price[0], *(made.value * p for p in price[1:])])))
        worth = found.npv
        _put(out["npv"], rows, around(worth.value * watts, [
            worth.value * capacity.low[rows], worth.value * capacity.high[rows],
            worth.low * watts, worth.high * watts]))
        told = watts > 0  # what may stand has no cost of a kilowatt-hour to tell
        for name in names[2:]:
            band = getattr(found, name)
            _put(out[name], rows[told], _rows(band if name == "irr" else _not_below_zero(band),
                                              told))
    return out


def module_carbon(capacity: Range, energy: Range, specific: Range, pick: Pick, *,
                  facade: bool = False) -> dict[str, Range]:
    """Return what carbon dioxide the modules of each building save.

    Parameters
    ----------
    capacity, energy, specific, pick, facade
        As for `module_money`.

    Returns
    -------
    dict
        ``avoided`` on the grid in the first year [kg a-1], 0 where there are no modules;
        ``payback``, years until their making is saved, NaN where there are none [a].
    """
    grid = pick("grid", "kg kWh-1")
    avoided = around(energy.value * grid.value, [
        energy.low * grid.value, energy.high * grid.value, energy.value * grid.low,
        energy.value * grid.high])
    rows = np.flatnonzero(capacity.value > 0)
    found = carbon_range(
        _rows(specific, rows), grid=grid, embodied=pick("pv.embodied", "kg m-2"),
        density=pick(f"pv.module_density{'_facade' if facade else ''}", "W m-2"),
        degradation=pick("pv.degradation", "a-1"), life=pick("pv_money.life", "a"))
    payback = _blank(len(capacity.value), np.nan)
    _put(payback, rows, _not_below_zero(found.payback))
    return {"avoided": _not_below_zero(avoided), "payback": payback}


def _not_below_zero(given: Range) -> Range:
    return Range(given.value, np.maximum(given.low, 0.0), given.high)


def _blank(count: int, value: float) -> Range:
    return Range(*(np.full(count, value) for _ in range(3)))


def _rows(given: Range, rows: NDArray[np.intp]) -> Range:
    return Range(*(np.asarray(part)[rows] for part in given))


def _put(to: Range, rows: NDArray[np.intp], what: Any) -> None:
    for part, values in zip(to, what, strict=True):
        part[rows] = values
