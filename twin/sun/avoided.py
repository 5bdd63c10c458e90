"""What modules save in carbon dioxide over their life, low and high."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from twin.sun.cash import payback
from twin.sun.ranges import Ranged, around


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
