"""Ranges of what a plan changes in heat: each draw of what is uncertain is used before and after.

What is not known about surfaces, crowns, wind and method is the same with and without the plan, so
it cancels where the plan leaves a place alone and mostly where it does not. A range made of two
independent ones would be many times too wide.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from twin.heat.bands import COMFORT, EDGES, draws, uncertain
from twin.heat.parameters import recorded
from twin.heat.redraw import TOTALS, Places, can_redraw, feel, feel_all, open_ground, places
from twin.result import Twin

FROM = ("sunlit", "bare_sunlit", "sky_view", "bare_sky_view", "wind_ratio", "ground")
KINDS_OF_PLACE = ("only before", "only after", "alike", "little changed", "much changed")


def heat_bands(before: Twin, after: Twin, *, count: int = 200, most: int = 2000,
               seed: int = 0) -> pd.DataFrame:
    """Return the 95 % range of what changes in the totals of the heat.

    Parameters
    ----------
    before, after
        Twins of one city on one grid, as of a study.
    count
        Number of draws.
    most
        Number of places whose heat is felt anew.
    seed
        Of the random numbers; the same seed gives the same ranges.

    Returns
    -------
    pandas.DataFrame
        ``low`` and ``high`` by variable, in its unit. Empty where the twins do not keep what a
        redraw needs, lie on different fine cells or have no walkable ground.

    Notes
    -----
    ``change = (after - before) + [(after - before) drawn - (after - before) undrawn]``, the first
    on all places, the bracket on a sample of them. Twins with factors of their own take the same
    share of their own ranges in a draw.

    A place that only one of the two has, such as ground that became a building, counts in the mean
    of that one alone, as it does in the totals. So the range holds what the plan does to the ground
    that stays and which ground it takes or gives.

    Not in the range: what the models get wrong about a change itself, such as the air between new
    buildings, and another weather.

    References
    ----------
    Law (2015), Simulation Modeling and Analysis, 5th ed., section 11.2: common random numbers.
    """
    sides = places_of(before, after, most=most, seed=seed)
    if sides is None:
        return pd.DataFrame(columns=["low", "high"], dtype=float)
    was, now = (felt_as_drawn(one, count=count, seed=seed) for one in sides)
    low, _, high = np.quantile(now - was, EDGES, axis=0)
    old, new = (t.totals()["value"].reindex(TOTALS).to_numpy() for t in (before, after))
    change = new - old
    known = np.isfinite(change)
    ends = np.sort(np.stack([change, change + low, change + high]), axis=0)[:, known]
    return pd.DataFrame({"low": ends[0], "high": ends[2]}, index=np.array(TOTALS)[known])


def felt_as_drawn(some: Places, *, count: int = 200, seed: int = 0) -> NDArray[np.float64]:
    """Return how draws move the totals of places, (draws, len(TOTALS)).

    Parameters
    ----------
    some
        The places.
    count
        Number of draws.
    seed
        Of the random numbers; the same seed draws the same share of every range.
    """
    drawn = draws(uncertain(COMFORT, some.numbers), count, seed=seed)
    return feel_all(some, drawn) - feel(some, {})


def places_of(before: Twin, after: Twin, *, most: int = 2000,
              seed: int = 0) -> tuple[Places, Places] | None:
    """Return the same sample of places of two twins, weighed; None where there can be none.

    Parameters
    ----------
    before, after
        Twins of one city on one grid.
    most
        Number of places.
    seed
        Of the random numbers.

    Notes
    -----
    The walkable cells of the study area fall into those only one of the two has, those alike in
    sun, sky, wind and ground, and those whose mean UTCI the plan changes by less or by more than
    the mean of the changed ones. Of each kind the same number is drawn at random, or all where it
    has fewer, and each stands for as many cells as its kind has for each drawn.
    """
    heats = [t.fields.get("heat") for t in (before, after)]
    old, new = heats
    if old is None or new is None or not (can_redraw(old) and can_redraw(new)):
        return None
    if not all(old[axis].equals(new[axis]) for axis in ("x", "y", "time")):
        return None
    walk = [open_ground(heat).ravel() for heat in (old, new)]
    if not all(w.any() for w in walk):
        return None
    kind = _kinds(old, new, *walk)
    random = np.random.default_rng(seed)
    chosen, weight = [], []
    for number in range(len(KINDS_OF_PLACE)):
        all_of = np.flatnonzero(kind == number)
        some = all_of if len(all_of) <= most // len(KINDS_OF_PLACE) else np.sort(
            random.choice(all_of, most // len(KINDS_OF_PLACE), replace=False))
        chosen.append(some)
        weight.append(np.full(len(some), len(all_of) / max(len(some), 1)))
    at, stands_for = np.concatenate(chosen), np.concatenate(weight)
    found = []
    for twin, heat, there in zip((before, after), (old, new), walk, strict=True):
        has = there[at]
        found.append(places(heat, at[has], stands_for[has],
                            recorded(twin.record.get("factors", {}))))
    return found[0], found[1]


def _kinds(old: xr.Dataset, new: xr.Dataset, before: NDArray[np.bool_],
           after: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return the number of the kind of each cell in `KINDS_OF_PLACE`, -1 for no ground, (n,)."""
    both = before & after
    other = np.zeros(both.shape, dtype=bool)
    for name in FROM:
        first, second = (h[name if name in h else name.removeprefix("bare_")].to_numpy()
                         for h in (old, new))
        differs = first != second
        other |= (differs.any(axis=0) if differs.ndim > 2 else differs).ravel()
    warmer = np.abs(new["utci"].to_numpy() - old["utci"].to_numpy()).mean(axis=0).ravel()
    changed = both & other
    limit = float(warmer[changed].mean()) if changed.any() else 0.0
    return np.select([before & ~after, after & ~before, both & ~other, changed & ~(warmer > limit),
                      changed], [0, 1, 2, 3, 4], -1)
