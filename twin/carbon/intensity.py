"""How much energy a square metre of a use takes, for what, and how that follows age and place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
from numpy.typing import NDArray

from layers.errors import LayerError, nearest
from layers.uses import USES
from twin.carbon.carriers import carrier_shares, end_uses, find, group_of
from twin.factor import Factor

Floats = NDArray[np.float64]
STARTS = (0, 1945, 1970, 1980, 1986, 1990, 2000, 2001, 2011, 2022)
"""Years in which periods of construction begin somewhere; a place has rows for some of them."""


@dataclass(frozen=True, eq=False)
class Mix:
    """The energy of a use at a place.

    Parameters
    ----------
    intensity
        Final energy per gross floor area [kWh m-2 a-1].
    shares
        Shares of the carriers in it, those above zero [1].
    heating, cooling
        Shares of heating and cooling in it [1].
    split
        Heating, cooling and all else by carrier, (3, carriers) [1].
    """

    intensity: Factor
    shares: dict[str, Factor]
    heating: Factor
    cooling: Factor
    split: Floats


def mix_of(factors: Any, use: str) -> Mix:
    """Return the energy of a use at a place.

    Parameters
    ----------
    factors
        Gives ``eui.<use>``, ``carrier.<group>.<carrier>``, ``share.heating.<use>``,
        ``share.cooling.<use>`` and ``heating_electric.<group>``.
    use
        Use, as in the buildings layer.
    """
    shares = carrier_shares(factors, use)
    heating, cooling = (factors.pick(f"share.{what}.{use}", "1") for what in ("heating", "cooling"))
    electric = factors.pick(f"heating_electric.{group_of(use)}", "1").value
    return Mix(factors.pick(f"eui.{use}", "kWh m-2 a-1"), shares, heating, cooling,
               end_uses(shares, heating.value, cooling.value, electric))


@dataclass(frozen=True, eq=False)
class Vintages:
    """What the year of construction makes of the energy for heating, and for cooling.

    Parameters
    ----------
    starts
        First years of the periods, rising.
    factors
        Energy of each period over the mean of the stock [1].
    cooled
        Whether cooling follows too.
    """

    starts: tuple[int, ...] = ()
    factors: tuple[Factor, ...] = ()
    cooled: bool = False

    def period(self, year: Floats) -> NDArray[np.int64]:
        """Return the number of the period of each year, -1 where it is not known."""
        if not self.starts:
            return np.full(len(year), -1)
        found = np.searchsorted(np.array(self.starts), np.nan_to_num(year, nan=-1.0),
                                side="right") - 1
        return found.astype(np.int64)

    def times(self, period: NDArray[np.int64]) -> Floats:
        """Return what the energy is multiplied by in each period, 1 where it is not known."""
        values = np.array([*(f.value for f in self.factors), 1.0])
        return values[period]


def vintages_of(factors: Any, group: str) -> Vintages:
    """Return the periods of construction of a group of uses at a place, none where none are known.

    Parameters
    ----------
    factors
        Gives ``vintage.<group>.<first year>``.
    group
        ``"residential"`` or ``"service"``.

    Notes
    -----
    In China heating and cooling follow the building codes; in Europe heating alone follows the
    stock model, in which newer buildings are cooled more, not less.
    """
    rows = {y: f for y in STARTS if (f := find(factors, f"vintage.{group}.{y}", "1")) is not None}
    return Vintages(tuple(rows), tuple(rows.values()),
                    any(f.region.split("-")[0] == "CN" for f in rows.values()))


def check_buildings(buildings: gpd.GeoDataFrame) -> None:
    """Refuse buildings whose energy cannot be told.

    Raises
    ------
    LayerError
        When a use is unknown, storeys are missing or not above zero, or a meter or share is out of
        its limits.
    """
    use = buildings["use"].astype(str)
    strange = ~use.isin(USES).to_numpy()
    if strange.any():
        row = int(np.argmax(strange))
        raise LayerError(f"layer 'buildings', row {buildings.index[row]}: there is no use "
                         f"{use.iloc[row]!r}{nearest(use.iloc[row], list(USES))} "
                         f"({int(strange.sum())} such rows)",
                         mend=f"The uses are {', '.join(USES)}")
    limits = [("num_floors", 0.0, np.inf, False), ("retrofit", 0.0, 1.0, False),
              ("pv_share", 0.0, 1.0, False)]
    limits += [(f"metered_{c}", 0.0, np.inf, True) for c in ("electricity", "gas", "heat")]
    for column, low, high, free in limits:
        values = buildings[column].to_numpy(dtype=float)
        bad = (values < low) | (values > high) | (np.isnan(values) & (not free))
        if column == "num_floors":
            bad |= values == 0
        if bad.any():
            row = int(np.argmax(bad))
            wanted = {"num_floors": "a number above zero"}.get(
                column, f"{low:g} to {high:g}" if np.isfinite(high) else "no less than zero")
            raise LayerError(f"layer 'buildings', row {buildings.index[row]}: {column} is "
                             f"{values[row]:g}, expected {wanted} ({int(bad.sum())} such rows)",
                             mend="See all faults with `citytwin check`")
