"""Carriers of energy: their shares by use, what they emit, and what comes with them from afar."""

from __future__ import annotations

import dataclasses
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from layers.errors import FactorError, nearest
from layers.place import Place
from twin.carbon.parts import Cause
from twin.factor import Factor
from twin.factors import Factors, load

CARRIERS = ("electricity", "gas", "oil", "coal", "heat", "biomass")
EMITS = {"electricity": "grid", "gas": "fuel.gas", "oil": "fuel.oil", "coal": "fuel.coal",
         "heat": "heat", "biomass": "fuel.biomass"}
BROUGHT = ("electricity", "heat")  # scope 2
UPSTREAM = ("electricity", "gas", "oil", "coal")
GRIDS = ("province", "region", "country")
GRID_YEARS = (2021, 2022, 2023)


def find(factors: Any, stem: str, unit: str) -> Factor | None:
    """Return the factor of a stem at the place, None where the tables have none."""
    try:
        found: Factor = factors.pick(stem, unit)
    except FactorError:
        return None
    return found


def group_of(use: str) -> str:
    """Return the group of uses whose shares of carriers hold for a use."""
    return "residential" if use == "residential" else "service"


def carrier_shares(factors: Any, use: str) -> dict[str, Factor]:
    """Return the shares of the carriers in the final energy of a use, those above zero."""
    every = {c: factors.pick(f"carrier.{group_of(use)}.{c}", "1") for c in CARRIERS}
    return {c: s for c, s in every.items() if s.value > 0}


def mixed_causes(shares: dict[str, Factor], carrier: str, part: float = 1.0) -> list[Cause]:
    """Return how the rows of a carrier move with the share of each carrier.

    Parameters
    ----------
    shares
        Shares of the carriers.
    carrier
        The carrier.
    part
        Share of the rows that follows them [1].

    Notes
    -----
    A larger share of one carrier takes from all alike.
    """
    if carrier not in shares or part <= 0:
        return []
    causes = []
    for other, share in shares.items():
        ends = []
        for end in (share.low, share.high):
            step = end - share.value
            own = (share.value + step) / share.value if other == carrier else 1.0
            ends.append(part * (own / (1 + step) - 1))
        causes.append(Cause(share.factor_id, ends[0], ends[1]))
    return causes


def end_uses(shares: dict[str, Factor], heating: float, cooling: float,
             electric: float) -> NDArray[np.float64]:
    """Return the shares of heating, cooling and all else in the carriers of a use.

    Parameters
    ----------
    shares
        Shares of the carriers in the final energy [1].
    heating, cooling
        Shares of heating and cooling in it [1].
    electric
        Share of the energy for heating that is electric [1].

    Returns
    -------
    numpy.ndarray
        Shape (3, carriers); columns sum to the shares of the carriers.

    Notes
    -----
    Cooling is electric. The fuels heat in proportion to their shares. Where a carrier has less
    than heating or cooling would take, all of it is theirs.
    """
    total = np.array([shares[c].value if c in shares else 0.0 for c in CARRIERS])
    fuel = np.where(np.array(CARRIERS) == "electricity", 0.0, total)
    power, burnt = total[0], float(fuel.sum())
    split = np.zeros((3, len(CARRIERS)))
    if burnt > 0:
        split[0] = fuel / burnt * min(heating * (1 - electric), burnt)
    split[0, 0] = min(heating * electric, power)
    split[1, 0] = min(cooling, power - split[0, 0])
    split[2] = np.maximum(total - split[0] - split[1], 0.0)
    return split


def gas_of(factor: Factor) -> str:
    """Return what a factor counts: ``"CO2e"`` where the tables say so, else ``"CO2"``.

    Notes
    -----
    A row in place of one of the tables counts what that one does, whatever its name. Of a row that
    the tables do not have, the name tells.
    """
    return "CO2e" if "CO2e" in _tables().get(factor.factor_id, factor).name else "CO2"


def grid_factor(factors: Any, grid: str = "province", year: float | None = None) -> Factor:
    """Return what electricity emits at the place.

    Parameters
    ----------
    factors
        Gives ``grid``, and ``grid_province.<year>``, ``grid_region.<year>`` and
        ``grid_country.<year>`` where they are tabled.
    grid
        One of ``GRIDS``: whose mean. Only China has provinces and grid regions; elsewhere province
        and country are the same.
    year
        Year of the factor; the latest when None.

    Raises
    ------
    FactorError
        When there is no such choice, or no factor of that year.

    Notes
    -----
    A user's own ``grid`` of the place, or of the country with ``grid="country"``, goes before the
    tabled years: before all when no year is asked, else before that of its own year. Where it is
    not taken, or does not tell what it counts, the record says so.
    """
    found = _grid_factor(factors, grid, year)
    if found.factor_id not in _tables() and "CO2" not in found.name:
        factors.count(f"the name of {found.factor_id} does not tell CO2 or CO2e: taken as direct "
                      "CO2", 1, once=f"basis of {found.factor_id}")
    return found


def _grid_factor(factors: Any, grid: str, year: float | None) -> Factor:
    if grid not in GRIDS:
        raise FactorError(f"grid is {grid!r}, expected {', '.join(GRIDS)}"
                          f"{nearest(str(grid), list(GRIDS))}")
    latest: Factor = factors.pick("grid", "kg kWh-1")
    if grid == "province" and year is None:
        return latest
    plain = latest
    if grid == "country" and getattr(factors, "place", Place()).region:
        plain = dataclasses.replace(factors, place=Place(factors.place.country)).pick(
            "grid", "kg kWh-1")
    tabled = {y: f for y in GRID_YEARS
              if (f := find(factors, f"grid_{grid}.{y}", "kg kWh-1")) is not None}
    if not tabled and grid == "region":
        raise FactorError(f"no grid regions are tabled for {_where(factors)}",
                          mend="Leave grid=province")
    tabled = tabled or {plain.year: plain}
    wanted = max(tabled) if year is None else year
    found = tabled.get(int(wanted)) if wanted == int(wanted) else None
    if (grid != "region" and year in (None, plain.year) and _is_given(plain)
            and not (found is not None and _is_given(found))):
        return plain
    if found is None:
        raise FactorError(f"no grid factor of the year {year} for {_where(factors)}: there are "
                          f"{', '.join(map(str, tabled))}",
                          mend="Choose one of them, or give the factor in a file of your own")
    for given in {f.factor_id: f for f in (plain, latest)}.values():
        if given.factor_id != found.factor_id and _is_given(given):
            factors.count(f"the given {given.factor_id} of {given.year} is not taken: grid={grid} "
                          f"of {found.year} is {found.factor_id}", 1,
                          once=f"given {given.factor_id}")
    return found


def _is_given(factor: Factor) -> bool:
    """Return whether a row is a user's: not of the tables, or of another number or year."""
    own = _tables().get(factor.factor_id)
    return own is None or any(getattr(own.to(factor.unit), n) != getattr(factor, n)
                              for n in ("value", "low", "high", "year"))


@lru_cache(maxsize=1)
def _tables() -> Factors:
    """Return the tables as they are, without a user's rows."""
    return load()


def _where(factors: Any) -> str:
    return str(getattr(factors, "place", "this place"))
