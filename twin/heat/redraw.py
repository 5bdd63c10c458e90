"""The heat of some places once more, for other numbers than those a heat field was made with.

What a number of the table does to UTCI and PET is not a factor on the result, so it is felt anew:
at a sample of places, from the sun, sky, ground and wind that the field keeps of each.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from twin.heat.bands import COMFORT, EDGES, Draw, draws, uncertain
from twin.heat.field import DAY, Stand, felt
from twin.heat.night import heat_island
from twin.heat.parameters import Parameters, Values

STRESS = (("utci", "strong"), ("utci", "very_strong"), ("pet", "strong"), ("pet", "extreme"))
TOTALS = ("utci_mean", "night_heat", *(f"{index}_{name}_{what}" for what in ("hours", "share")
                                       for index, name in STRESS))
"""Totals of a heat field that are felt anew, in the order `feel` gives them."""

NEEDED = (*DAY, "utci", "pet", "sunlit", "sky_view", "wind_ratio", "ground", "night_sky",
          "night_green", "within", "walkable")
Array = NDArray[np.float64]
Cells = NDArray[np.integer[Any]]


@dataclass(frozen=True, eq=False)
class Places:
    """Some places of a heat field and what their heat stems from.

    Parameters
    ----------
    day
        Hours of the design day.
    stand
        What people stand in.
    bare
        The same without crowns.
    weight
        Ground each place stands for, any unit, (n,).
    beyond
        Mean of all walkable ground less that of the places, by index, (hours,) [K].
    night
        Sky and green around, means over all walkable ground [1].
    night_scale
        What the weather allows of a heat island [K].
    numbers
        What the field was made with.
    guessed
        Whether no wind was computed.
    """

    day: xr.Dataset
    stand: Stand
    bare: Stand
    weight: Array
    beyond: Mapping[str, Array]
    night: tuple[float, float]
    night_scale: float
    numbers: Parameters
    guessed: bool


def can_redraw(heat: xr.Dataset) -> bool:
    """Return whether a heat field keeps what a redraw needs: those of early versions do not."""
    return all(name in heat for name in NEEDED) and {"night_scale", "wind"} <= heat.attrs.keys()


def open_ground(heat: xr.Dataset) -> NDArray[np.bool_]:
    """Return which cells are walkable ground of the study area, (ny, nx)."""
    return np.asarray(heat["walkable"].to_numpy() & heat["within"].to_numpy())


def places(heat: xr.Dataset, at: Cells, weight: Array, numbers: Parameters) -> Places:
    """Return some places of a heat field.

    Parameters
    ----------
    heat
        A heat field, see `can_redraw`.
    at
        Flat numbers of walkable cells, (n,).
    weight
        Ground each of them stands for, any unit, (n,).
    numbers
        What the field was made with.
    """
    def pick(name: str) -> Array:
        field = heat[name].to_numpy()
        flat = field.reshape(*field.shape[:-2], -1)
        return np.asarray(flat[..., at], dtype=float)

    ground, wind = heat["ground"].to_numpy().ravel()[at], pick("wind_ratio")
    stand = Stand(pick("sunlit"), pick("sky_view"), wind, ground)
    bare = (Stand(pick("bare_sunlit"), pick("bare_sky_view"), wind, ground)
            if "bare_sunlit" in heat else stand)
    walk, weight = open_ground(heat), np.asarray(weight, dtype=float)
    beyond = {index: heat[index].to_numpy()[:, walk].mean(axis=1, dtype=float)
              - pick(index) @ weight / weight.sum() for index in ("utci", "pet")}
    sky, green = (float(heat[name].to_numpy()[walk].mean(dtype=float)) if walk.any() else np.nan
                  for name in ("night_sky", "night_green"))
    return Places(heat[list(DAY)].assign_attrs(heat.attrs), stand, bare, weight, beyond,
                  (sky, green),
                  float(heat.attrs["night_scale"]), numbers, heat.attrs["wind"] != "field")


def feel(some: Places, draw: Values) -> Array:
    """Return the totals of places for other numbers, in the order of `TOTALS`.

    Parameters
    ----------
    some
        The places.
    draw
        Numbers in place of those the field was made with, by stem.

    Notes
    -----
    A crown lets a share of beam and sky light through, once, so that both follow linearly from
    those with the first share and those without crowns. Where the wind was guessed, its guess is
    drawn, not its error. The worst hour is that of all walkable ground: what is beyond the places
    is taken to shift with them. The night is linear in sky and green, so it is that of all walkable
    ground, too.
    """
    numbers = some.numbers.but(draw)
    first = some.numbers["tree.leaf_on"]
    more = (numbers["tree.leaf_on"] - first) / (1.0 - first) if first < 1.0 else 0.0
    was, bare = some.stand, some.bare
    guess = numbers["wind.sheltered"] / some.numbers["wind.sheltered"] if some.guessed else 1.0
    stand = Stand(np.clip(was.sunlit + more * (bare.sunlit - was.sunlit), 0.0, 1.0),
                  np.clip(was.sky + more * (bare.sky - was.sky), 0.0, 1.0),
                  guess * was.wind, was.ground)
    found = felt(some.day, stand, numbers, guessed=some.guessed)
    values = {index: found[index].to_numpy()[:, 0] for index in ("utci", "pet")}
    scale = some.night_scale * (some.numbers["night.heat_capacity"]
                                / numbers["night.heat_capacity"]) ** 0.25
    night = heat_island(*some.night, scale, values=numbers)

    weight = some.weight / some.weight.sum()
    worst = {index: int((hours @ weight + some.beyond[index]).argmax())
             for index, hours in values.items()}
    above = {(i, name): (values[i] > numbers[f"{i}.{name}"]) @ weight for i, name in STRESS}
    return np.array([float((values["utci"] @ weight).mean()), float(night),
                     *(share.sum() for share in above.values()),
                     *(share[worst[i]] for (i, _), share in above.items())])


def feel_all(some: Places, drawn: Sequence[Draw]) -> Array:
    """Return the totals of places for each draw, (draws, len(TOTALS))."""
    return np.stack([feel(some, draw) for draw in drawn])


def own_ranges(heat: xr.Dataset, numbers: Parameters, *, count: int = 100, most: int = 2000,
               seed: int = 0) -> dict[str, tuple[float, float]]:
    """Return how far the 95 % range of each total reaches below and above its value.

    Parameters
    ----------
    heat
        A heat field, see `can_redraw`.
    numbers
        What it was made with.
    count
        Number of draws.
    most
        Number of places; all walkable ones where they are fewer.
    seed
        Of the random numbers.

    Returns
    -------
    dict
        By name of `TOTALS`, a distance of at most 0 and one of at least 0; empty without walkable
        ground.
    """
    at = np.flatnonzero(open_ground(heat))
    if not at.size:
        return {}
    if at.size > most:
        at = np.sort(np.random.default_rng(seed).choice(at, most, replace=False))
    some = places(heat, at, np.ones(at.size), numbers)
    off = feel_all(some, draws(uncertain(COMFORT, numbers), count, seed=seed)) - feel(some, {})
    low, _, high = np.quantile(off, EDGES, axis=0)
    return {name: (min(float(a), 0.0), max(float(b), 0.0))
            for name, a, b in zip(TOTALS, low, high, strict=True)}
