"""Retrofits of buildings as rows of the abatement table, from floor area, energy and prices."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from layers.errors import CityTwinError, nearest
from twin.carbon.rows import Pick, Ranged

RETROFITS = ("controls", "lighting", "plant", "envelope")
COMPUTED = ("envelope",)  # savings computed from heat need, of which people realise a part
Number = float | Ranged


def retrofit_options(pick: Pick, money: str, *, floor_area: Number, energy: Number, co2: Number,
                     price: Number, retrofits: Sequence[str] = RETROFITS) -> pd.DataFrame:
    """Return what retrofits of buildings cost and save, for `twin.carbon.abatement`.

    Parameters
    ----------
    pick
        Gives a factor by stem and unit.
    money
        ``"CNY"`` or ``"EUR"``.
    floor_area
        Floor area that is retrofitted [m2].
    energy
        Energy these buildings use [kWh a-1].
    co2
        Carbon of that energy, on the mean of its carriers [kg kWh-1].
    price
        Its price [money kWh-1].
    retrofits
        Some of ``RETROFITS``. Each is reckoned alone: savings of several overlap, so put those of
        `twin.carbon.potential` in their place.

    Returns
    -------
    pandas.DataFrame
        One row a retrofit, with the low and high end of every column.
    """
    unknown = [r for r in retrofits if r not in RETROFITS]
    if unknown:
        raise CityTwinError(f"no retrofit {unknown[0]!r}{nearest(unknown[0], list(RETROFITS))}",
                            mend=f"Retrofits are {', '.join(RETROFITS)}")
    rows = [_row(pick, money, name, floor_area, energy, co2, price) for name in retrofits]
    return pd.DataFrame(rows, index=pd.Index(list(retrofits), name="measure"))


def _row(pick: Pick, money: str, name: str, floor_area: Number, energy: Number, co2: Number,
         price: Number) -> dict[str, float]:
    area = _ends(floor_area)
    capex = _product(_ends(pick(f"abatement.capex_{money.lower()}.{name}", f"{money} m-2")), area)
    parts = [_ends(pick(f"abatement.saving.{name}", "1")), _ends(energy)]
    if name in COMPUTED:
        parts.append(_ends(pick("abatement.realised", "1")))
    columns = {
        "area": area, "capex": capex, "energy_saved": _product(*parts), "price": _ends(price),
        "upkeep_share": _ends(pick(f"abatement.upkeep.{name}", "a-1")), "co2_factor": _ends(co2),
        "life": _ends(pick(f"abatement.life.{name}", "a"))}
    return {f"{column}{end}": float(values[i]) for column, values in columns.items()
            for i, end in enumerate(("", "_low", "_high"))}


def _ends(given: Number) -> np.ndarray:
    """Return value, low and high."""
    if isinstance(given, (int, float)):
        return np.full(3, float(given))
    return np.array([given.value, given.low, given.high], dtype=float)


def _product(*parts: Any) -> np.ndarray:
    """Return a product with its range, of independent parts that are not below zero."""
    value = float(np.prod([p[0] for p in parts]))
    known = [p for p in parts if p[0] > 0]
    down = np.sqrt(sum((1 - p[1] / p[0]) ** 2 for p in known))
    up = np.sqrt(sum((p[2] / p[0] - 1) ** 2 for p in known))
    if value == 0:
        return np.array([value, np.prod([p[1] for p in parts]), np.prod([p[2] for p in parts])])
    return np.array([value, value * max(0.0, 1 - down), value * (1 + up)])
