"""Energy that buildings use in operation, and their account of CO2."""

from __future__ import annotations

from typing import Any

import geopandas as gpd

from twin.carbon.entries import Entries
from twin.carbon.operation import operation
from twin.estimate import Estimate
from twin.label import Var, indicator


@indicator(account="building_account")
def building_account(buildings: gpd.GeoDataFrame, factors: Any) -> Entries:
    """Operation of buildings, as `twin.carbon.operation.operation` gives it.

    References
    ----------
    IPCC 2006 Guidelines, volume 2, equation 2.1.
    """
    factors.count("buildings whose use is a guess", int((buildings["use_from"] == "default").sum()))
    return operation(buildings, factors)


@indicator(
    Var("building_energy", "kWh m-2 a-1", "Final energy of building operation", total="sum",
        total_units="GWh a-1", estimate=True, better=-1, low=0),
    on="buildings",
)
def building_energy(building_account: Entries) -> Estimate:
    """Return the final energy of all carriers per building [kWh a-1].

    Process energy of industry is not in it.

    References
    ----------
    IPCC 2006 Guidelines, volume 2, equation 2.1; each factor names its own source.
    """
    return building_account.of_activity(lambda p: p.stage == "B6")
