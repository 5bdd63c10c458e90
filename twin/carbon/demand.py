"""The energy that buildings take in a year, by end use and carrier."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import xarray as xr
from numpy.typing import NDArray

from layers.buildings import gross_floor_area
from twin.carbon.carriers import CARRIERS, group_of
from twin.carbon.degree_days import Stretch, stretch
from twin.carbon.intensity import Mix, Vintages, check_buildings, mix_of, vintages_of
from twin.carbon.meters import Flags, efficiencies, end_fuels, put_heating, put_meters
from twin.factor import Factor

Floats = NDArray[np.float64]
GROUPS = ("residential", "service")


@dataclass(frozen=True, eq=False)
class Demand:
    """What each building takes, and what it was made from.

    Parameters
    ----------
    parts
        Final energy for heating, cooling and all else, (3, buildings, carriers) [kWh a-1].
    times
        What heating and cooling were multiplied by for age, weather and retrofit,
        (2, buildings) [1].
    metered
        Which carriers are as metered, (buildings, carriers).
    follows
        Which carriers follow a meter that a retrofit or other heating changed, of that shape.
    period
        Number of the period of construction, -1 where it is not known, shape (buildings,).
    before
        As ``parts``, with meters but before retrofit and other heating.
    kept
        Share of heating and cooling that a retrofit leaves, shape (buildings,) [1].
    heated
        Heating where it is told, shape (buildings,).
    mixes
        Energy of each use.
    vintages
        By group of uses.
    weather
        How the weather stretches heating and cooling.
    efficiency
        Of heating, by carrier and of heat pumps.
    """

    parts: Floats
    times: Floats
    metered: Flags
    follows: Flags
    period: NDArray[np.int64]
    before: Floats
    kept: Floats
    heated: NDArray[Any]
    mixes: dict[str, Mix]
    vintages: dict[str, Vintages]
    weather: Stretch
    efficiency: dict[str, Factor]

    @property
    def energy(self) -> Floats:
        """Final energy by carrier, (buildings, carriers) [kWh a-1]."""
        return np.asarray(self.parts.sum(axis=0))

    def of(self, carrier: str) -> Floats:
        """Return the final energy of one carrier, shape (buildings,) [kWh a-1]."""
        return np.asarray(self.parts[:, :, CARRIERS.index(carrier)].sum(axis=0))


def demand_of(buildings: gpd.GeoDataFrame, factors: Any, *, weather: xr.Dataset | None = None
              ) -> Demand:
    """Return the energy that buildings take.

    Parameters
    ----------
    buildings
        The buildings layer.
    factors
        Gives the energy of the uses, their vintages, degree days and efficiencies; counts meters.
    weather
        Stretches heating and cooling by its degree days; they are those of the rows when None.

    Notes
    -----
    ``floor area x intensity of the use x share of end use and carrier``. Heating and cooling are
    multiplied by what the year of construction makes of them, by degree days over those the
    intensity holds for, and by what a retrofit leaves. Meters replace the estimate of their
    carrier, before the retrofit, and those of gas and heat all other fuels; other heating comes
    last.

    References
    ----------
    IPCC 2006 Guidelines, volume 2, equation 2.1; each factor names its own source.
    """
    check_buildings(buildings)
    use = buildings["use"].to_numpy(dtype=object)
    mixes = {str(kind): mix_of(factors, str(kind)) for kind in np.unique(use.astype(str))}
    vintages = {g: vintages_of(factors, g) for g in dict.fromkeys(map(group_of, mixes))}
    scale = Stretch() if weather is None else stretch(weather, factors)
    area, year = gross_floor_area(buildings), buildings["year"].to_numpy(dtype=float)
    kept = 1.0 - buildings["retrofit"].to_numpy(dtype=float)

    count = len(buildings)
    parts, times = np.zeros((3, count, len(CARRIERS))), np.ones((2, count))
    period = np.full(count, -1, dtype=np.int64)
    for kind, mix in mixes.items():
        rows = np.flatnonzero(use == kind)
        ages = vintages[group_of(kind)]
        period[rows] = ages.period(year[rows])
        aged = ages.times(period[rows])
        times[0, rows] = aged * scale.heating
        times[1, rows] = (aged if ages.cooled else 1.0) * scale.cooling
        stock = area[rows] * mix.intensity.value
        parts[:, rows] = stock[None, :, None] * mix.split[:, None, :]
    parts[:2] *= times[:, :, None]

    metered = put_meters(buildings, parts)
    factors.count("buildings with metered energy", int(metered.any(axis=1).sum()))
    factors.count("buildings whose meter of gas or heat stands for all their fuels",
                  end_fuels(parts, metered), once="meters for all fuels")
    before = parts.copy()
    saved = (kept < 1)[:, None] & (parts[:2].sum(axis=0) > 0)
    parts[:2] *= kept[None, :, None]
    times = times * kept
    heated = buildings["heating"].to_numpy(dtype=object)
    given = efficiencies(factors) if np.any(heated != "") else {}
    changed = metered & saved
    if given:
        changed |= put_heating(heated, parts, metered, given)
    return Demand(parts, times, metered & ~changed, changed, period, before, kept, heated, mixes,
                  vintages, scale, given)
