"""What measures cost per tonne: the abatement curve, and how those that earn money are ranked.

A cost per tonne ranks measures that cost money. It must not rank those that earn money: the gain
divided by the tonnes looks better the less carbon is saved. They are ranked by net present value.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from layers.errors import CityTwinError
from twin.carbon.rows import Ranged, own_pick

Floats = NDArray[np.float64]

NEEDED = ("capex", "life")
BESIDES = ("upkeep", "upkeep_share", "energy_saved", "price", "bill_saved", "co2_saved",
           "co2_factor")
EARNS = "earns money: ranked by net present value, since a gain per tonne grows when less is saved"
COSTS = "costs money: ranked by cost per tonne"
NOTHING = "saves no carbon: not in the curve"


def recovery_factor(rate: ArrayLike, life: ArrayLike) -> Floats:
    """Return the yearly payment that pays back one unit with interest over a life.

    Parameters
    ----------
    rate
        Yearly rate at which later money counts less [a-1].
    life
        Years [a].

    Notes
    -----
    ``CRF = r / (1 - (1 + r)^-n)``, and ``1 / n`` for ``r = 0``.
    """
    r, n = np.broadcast_arrays(np.asarray(rate, dtype=float), np.asarray(life, dtype=float))
    if (r <= -1).any() or (n <= 0).any():
        raise CityTwinError("a recovery factor needs a rate above -1 and a life above zero")
    share = -np.expm1(-n * np.log1p(r))
    return np.asarray(np.divide(r, share, out=np.array(1.0 / n), where=share != 0))


def abatement_costs(table: pd.DataFrame, *, rate: float | Ranged | None = None) -> pd.DataFrame:
    """Return what each measure costs a year, per tonne and per floor area, with its range.

    Parameters
    ----------
    table
        One row a measure: ``capex`` [money] and ``life`` [a]; where there is any, ``upkeep`` that
        it adds [money a-1], or as ``upkeep_share`` of the capex [a-1], ``energy_saved``
        [kWh a-1], its ``price`` [money kWh-1] and its carbon, ``co2_factor`` [kg kWh-1],
        ``bill_saved`` [money a-1] and ``co2_saved`` [t a-1] besides that of the energy; ``area``
        it is taken on [m2]. Columns such as ``capex_low`` and ``capex_high`` give ranges. Savings
        of measures that overlap should be those of `twin.carbon.potential`.
    rate
        Yearly rate at which later money counts less, a number or one with its range; that of the
        table of abatement when None [a-1].

    Returns
    -------
    pandas.DataFrame
        ``co2_saved`` [t a-1], ``annual_cost`` [money a-1], ``mac`` [money t-1], ``npv`` over the
        life [money], and where an area is given ``capex_per_m2`` [money m-2] and ``cost_per_m2``
        [money m-2 a-1], each with ``_low`` and ``_high``. No number where no carbon is saved.

    Raises
    ------
    CityTwinError
        When a column is missing or a number impossible.

    Notes
    -----
    ``MAC = (CRF capex + upkeep - energy_saved price - bill_saved) / co2_saved`` and
    ``NPV = -annual_cost / CRF``. For the range each input is moved alone to its ends; moves up,
    and those down, combine by the root of the sum of squares. Give the carbon of saved energy by
    its factor: then more energy saved is more money and more carbon at once.
    """
    inputs = _inputs(table)
    given = own_pick()("abatement.rate", "a-1") if rate is None else rate
    middle, *ends = ((float(given),) if isinstance(given, (int, float))
                     else (float(given.value), float(given.low), float(given.high)))
    base = {name: three[0] for name, three in inputs.items()}
    base["rate"] = np.full(len(table), middle)
    moved = [base | {name: three[end]} for name, three in inputs.items() for end in (1, 2)
             if not np.array_equal(three[0], three[end])]
    moved += [base | {"rate": np.full(len(table), end)} for end in ends if end != middle]
    found, others = _costs(base), [_costs(one) for one in moved]
    columns: dict[str, Floats] = {}
    for name, value in found.items():
        low, high = _range(value, [one[name] for one in others])
        columns |= {name: value, f"{name}_low": low, f"{name}_high": high}
    return pd.DataFrame(columns, index=table.index)


def abatement_curve(costs: pd.DataFrame) -> pd.DataFrame:
    """Return measures in the order of the curve, and from where to where each of them reaches.

    Parameters
    ----------
    costs
        From `abatement_costs`.

    Returns
    -------
    pandas.DataFrame
        The rows that save carbon, those that earn money first by falling net present value, the
        others by rising cost per tonne, then those that save none. Added columns: ``order``;
        ``start`` and ``end``, saved by those before and with it [t a-1]; ``front``, for those
        that earn money how many rounds of better ones, in both money and carbon, stand before
        them plus one; ``why`` it stands where it does.

    References
    ----------
    Taylor (2012), The ranking of negative-cost emissions reduction measures, Energy Policy
    48:430.
    """
    saved, money = costs["co2_saved"].to_numpy(), costs["annual_cost"].to_numpy()
    drawn, earns = saved > 0, (saved > 0) & (money < 0)
    rank = np.where(earns, 0, np.where(drawn, 1, 2))
    key = np.where(earns, -costs["npv"].to_numpy(), np.where(drawn, costs["mac"].to_numpy(), 0.0))
    order = np.lexsort((key, rank))
    out = costs.iloc[order].copy()
    width = np.where(drawn, saved, 0.0)[order]
    out["order"] = np.arange(1, len(out) + 1)
    out["start"], out["end"] = np.cumsum(width) - width, np.cumsum(width)
    out["front"] = pd.array(_fronts(costs["npv"].to_numpy(), saved, earns)[order], dtype="Int64")
    out.loc[out["front"] == 0, "front"] = pd.NA
    out["why"] = np.choose(rank[order], [EARNS, COSTS, NOTHING])
    return out


def _fronts(npv: Floats, saved: Floats, among: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return the Pareto front of each measure that earns money, 0 for the others."""
    better = ((npv[:, None] >= npv) & (saved[:, None] >= saved)
              & ((npv[:, None] > npv) | (saved[:, None] > saved)))
    front, left, number = np.zeros(len(npv), dtype=np.int64), among.copy(), 0
    while left.any():
        number += 1
        first = left & ~(better & left[:, None]).any(axis=0)
        front[first], left = number, left & ~first
    return front


def _inputs(table: pd.DataFrame) -> dict[str, tuple[Floats, Floats, Floats]]:
    """Return value, low and high of each input."""
    lacking = [c for c in NEEDED if c not in table.columns]
    if not {"co2_saved", "co2_factor"} & set(table.columns):
        lacking.append("co2_saved or co2_factor")
    if lacking:
        raise CityTwinError(f"the table of measures lacks {', '.join(lacking)}",
                            mend=f"Its columns are {', '.join((*NEEDED, *BESIDES, 'area'))}")
    if not table.index.is_unique:
        raise CityTwinError(f"measure {table.index[table.index.duplicated()][0]!r} stands twice")
    out = {}
    for name in (*NEEDED, *BESIDES, *(["area"] if "area" in table.columns else [])):
        value = _column(table, name, 0.0)
        low, high = (_column(table, f"{name}_{end}", value) for end in ("low", "high"))
        bad = ~(np.isfinite(value) & (low <= value) & (value <= high))
        if name in ("life", "area"):
            bad |= low <= 0
        if name in ("capex", "price", "upkeep_share", "co2_factor"):
            bad |= low < 0
        if bad.any():
            row = int(np.flatnonzero(bad)[0])
            raise CityTwinError(f"measure {table.index[row]!r}: {name} is {value[row]:g} "
                                f"({low[row]:g} to {high[row]:g}), expected a possible number "
                                "within its range")
        out[name] = (value, low, high)
    return out


def _column(table: pd.DataFrame, name: str, rest: Any) -> Floats:
    if name not in table.columns:
        return np.broadcast_to(np.asarray(rest, dtype=float), (len(table),)).copy()
    try:
        return table[name].to_numpy(dtype=float)
    except (TypeError, ValueError) as error:
        raise CityTwinError(f"column {name} of the measures is no number: {error}") from error


def _costs(given: Mapping[str, Floats]) -> dict[str, Floats]:
    factor = recovery_factor(given["rate"], given["life"])
    saved = given["co2_saved"] + given["energy_saved"] * given["co2_factor"] / 1000
    cost = ((factor + given["upkeep_share"]) * given["capex"] + given["upkeep"]
            - given["energy_saved"] * given["price"] - given["bill_saved"])
    per_tonne = np.divide(cost, saved, out=np.full(cost.shape, np.nan), where=saved > 0)
    out = {"co2_saved": saved, "annual_cost": cost, "mac": per_tonne, "npv": -cost / factor}
    if "area" in given:
        out |= {"capex_per_m2": given["capex"] / given["area"], "cost_per_m2": cost / given["area"]}
    return out


def _range(value: Floats, moved: list[Floats]) -> tuple[Floats, Floats]:
    """Return the ends of a range from values with one input moved at a time.

    Where a move leaves no carbon saved there is no cost per tonne, so that end is open.
    """
    if not moved:
        return value.copy(), value.copy()
    step = np.stack(moved) - value
    lost = np.isnan(step) & np.isfinite(value)
    step = np.where(np.isnan(step), 0.0, step)
    down = np.sqrt((np.minimum(step, 0.0) ** 2).sum(axis=0))
    up = np.sqrt((np.maximum(step, 0.0) ** 2).sum(axis=0))
    open_end = lost.any(axis=0)
    return (np.where(open_end & (value < 0), -np.inf, value - down),
            np.where(open_end & (value >= 0), np.inf, value + up))
