"""Under which prices modules pay back: the currency of a place, and the terms of a building."""

from __future__ import annotations

from collections.abc import Sequence

from twin.sun.ranges import Pick, Ranged

CURRENCY = {"CN": "CNY", "EU": "EUR"}  # of a country or group of countries in the table
SELF_USE = {"residential": "home", "industrial": "industrial", "transport": "industrial"}


def currency(regions: Sequence[str]) -> str | None:
    """Return the currency whose prices are tabled for a place, None where there are none.

    Parameters
    ----------
    regions
        Codes of the place from near to far, such as ``["CN-Hubei", "CN", "WORLD"]``.
    """
    return next((CURRENCY[code] for code in regions if code in CURRENCY), None)


def payer(use: str) -> str:
    """Return whose terms hold for a use of the buildings layer: home, office or industrial."""
    return SELF_USE.get(use, "office")


def terms(pick: Pick, money: str, use: str, *, facade: bool = False) -> dict[str, Ranged]:
    """Return the terms of a building of some use, each with its range.

    Parameters
    ----------
    pick
        Gives a factor by stem and unit.
    money
        ``"CNY"`` or ``"EUR"``.
    use
        Use of the building, as in the buildings layer.
    facade
        Whether the modules are built into the walls instead of standing on the roof.
    """
    who = payer(use)
    pays = "home" if who == "home" else "business"
    stem = f"pv_money.{money.lower()}"
    return {
        "capex": pick(f"{stem}.capex_{'facade' if facade else pays}", f"{money} W-1"),
        "upkeep": pick(f"{stem}.upkeep", f"{money} W-1 a-1"),
        "discount": pick("pv_money.discount", "a-1"),
        "retail": pick(f"{stem}.retail_{pays}", f"{money} kWh-1"),
        "feed_in": pick(f"{stem}.feed_in", f"{money} kWh-1"),
        "self_use": pick(f"pv_money.self_use.{who}", "1"),
        "degradation": pick("pv.degradation", "a-1"),
        "life": pick("pv_money.life", "a")}
