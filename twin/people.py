"""Who lives in buildings: homes times persons a home, else housing floor area per head."""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np

from layers.buildings import gross_floor_area
from twin.estimate import Estimate, relative, spread


def residents_of(buildings: gpd.GeoDataFrame, factors: Any) -> Estimate:
    """Return the residents of each building.

    Parameters
    ----------
    buildings
        The buildings layer.
    factors
        Gives ``persons_per_dwelling`` and ``floor_per_head``.

    Returns
    -------
    Estimate
        Persons per building.
    """
    homes = buildings["dwellings"].to_numpy(dtype=float)
    per_home = factors.pick("persons_per_dwelling", "person dwelling-1")
    per_head = factors.pick("floor_per_head", "m2 person-1")
    housing = (buildings["use"] == "residential").to_numpy()
    by_floor = np.where(housing, gross_floor_area(buildings) / per_head.value, 0.0)
    counted = np.isfinite(homes)
    factors.count("buildings whose residents come from floor area",
                  int((housing & ~counted).sum()), once="residents")
    people = np.where(counted, homes * per_home.value, by_floor)
    down = np.where(counted, relative(per_home)[0], relative(per_head)[0])
    up = np.where(counted, relative(per_home)[1], relative(per_head)[1])
    return spread(people, (down, up))
