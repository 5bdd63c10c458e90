"""Edits of how buildings use energy: better envelopes, other heating, modules on roofs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from layers.buildings import HEATING
from layers.city import City
from layers.errors import MissingInput, ScenarioError, nearest
from layers.uses import USES
from scenarios.where import region, share_of, word


@dataclass(frozen=True)
class Retrofit:
    """Insulate buildings, so that they need less energy for heating and cooling.

    Parameters
    ----------
    saving
        Share of the energy for heating and cooling that is saved [1]. Measured savings are about
        half to two thirds of what is calculated.
    use
        Only buildings of this use.
    built_before
        Only buildings whose year is known and earlier.
    within
        Where: see `scenarios.where.region`.
    """

    saving: float = 0.3
    use: str = ""
    built_before: float | None = None
    within: Any = ""

    def __post_init__(self) -> None:
        share_of(self, "saving")
        word(self, "use")

    def __call__(self, city: City) -> City:
        """Return the city with the buildings retrofitted."""
        chosen = chosen_buildings(city, self.use, self.within)
        buildings = city.frame("buildings")
        if self.built_before is not None:
            chosen &= (buildings["year"] < self.built_before).to_numpy()
        _some(chosen, self)
        need = 1 - buildings["retrofit"].to_numpy(dtype=float)
        saved = np.where(chosen, 1 - need * (1 - self.saving), 1 - need)
        return city.with_layers(f"retrofitted {int(chosen.sum())} buildings: {self!r}",
                                buildings=buildings.assign(retrofit=saved))


@dataclass(frozen=True)
class SwitchHeating:
    """Heat buildings by other means.

    Parameters
    ----------
    to
        ``"heat_pump"``, ``"electric"``, ``"gas"`` or ``"district"``.
    use
        Only buildings of this use.
    within
        Where: see `scenarios.where.region`.
    """

    to: str = "heat_pump"
    use: str = ""
    within: Any = ""

    def __post_init__(self) -> None:
        word(self, "use")
        if self.to not in HEATING:
            raise ScenarioError(f"SwitchHeating: to is {self.to!r}, expected "
                                f"{', '.join(HEATING)}{nearest(str(self.to), list(HEATING))}")

    def __call__(self, city: City) -> City:
        """Return the city with the heating switched."""
        chosen = chosen_buildings(city, self.use, self.within)
        _some(chosen, self)
        buildings = city.frame("buildings")
        heating = buildings["heating"].where(~chosen, self.to)
        return city.with_layers(f"switched the heating of {int(chosen.sum())} buildings: {self!r}",
                                buildings=buildings.assign(heating=heating))


@dataclass(frozen=True)
class RooftopPV:
    """Put modules on roofs.

    Parameters
    ----------
    share
        Share of what the roofs can carry [1].
    use
        Only buildings of this use.
    within
        Where: see `scenarios.where.region`.
    """

    share: float = 1.0
    use: str = ""
    within: Any = ""

    def __post_init__(self) -> None:
        share_of(self, "share")
        word(self, "use")

    def __call__(self, city: City) -> City:
        """Return the city with the modules."""
        chosen = chosen_buildings(city, self.use, self.within)
        _some(chosen, self)
        buildings = city.frame("buildings")
        there = buildings["pv_share"].to_numpy(dtype=float)
        share = np.where(chosen, np.maximum(there, self.share), there)
        return city.with_layers(f"modules on {int(chosen.sum())} roofs: {self!r}",
                                buildings=buildings.assign(pv_share=share))


def chosen_buildings(city: City, use: str, within: Any) -> NDArray[np.bool_]:
    """Return which buildings an edit is of: their inner point lies within, their use fits.

    Parameters
    ----------
    city
        The city.
    use
        A use, or empty for all.
    within
        See `scenarios.where.region`.

    Raises
    ------
    ScenarioError
        When there is no such use.
    """
    buildings = city.frame("buildings")
    if buildings.empty:
        raise MissingInput("the city has no buildings")
    if use and use not in USES:
        raise ScenarioError(f"there is no use {use!r}{nearest(use, list(USES))}",
                            mend=f"The uses are {', '.join(USES)}")
    where = region(city, within)
    shapely.prepare(where)
    inner = shapely.point_on_surface(buildings.geometry.values)
    chosen = np.asarray(shapely.intersects(where, inner))
    return chosen & (buildings["use"] == use).to_numpy() if use else chosen


def _some(chosen: NDArray[np.bool_], edit: Any) -> None:
    if not chosen.any():
        raise ScenarioError(f"{edit!r} is of no building", mend="Widen it, or look at uses and "
                            "years with `citytwin check`")
