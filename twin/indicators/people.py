"""Who lives here: residents from homes, else from housing floor area."""

from __future__ import annotations

from typing import Any

import geopandas as gpd

from twin.estimate import Estimate
from twin.label import Var, indicator
from twin.people import residents_of


@indicator(
    Var("residents", "person m-2", "Residents", total="sum", total_units="person",
        estimate=True, low=0),
    on="buildings",
)
def residents(buildings: gpd.GeoDataFrame, factors: Any) -> Estimate:
    """Residents of each building: homes x persons a home, else housing floor area / m2 a head.

    Returns
    -------
    Estimate
        Persons per building.

    References
    ----------
    Censuses of the place, as the factors ``persons_per_dwelling`` and ``floor_per_head`` name them.
    """
    return residents_of(buildings, factors)
