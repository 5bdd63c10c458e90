"""The accounts of carbon sinks: green surfaces, single trees, planted roofs."""

from __future__ import annotations

from typing import Any

import geopandas as gpd

from twin.carbon.entries import Entries
from twin.carbon.uptake import uptake_of_green, uptake_of_roofs, uptake_of_trees
from twin.label import indicator


@indicator(account="green_account")
def green_account(green: gpd.GeoDataFrame, factors: Any) -> Entries:
    """Yearly uptake of green surfaces, net of decomposition; the stock is not in it.

    References
    ----------
    Chen (2015), Cities 44:73, doi:10.1016/j.cities.2015.01.005.
    """
    return uptake_of_green(green, factors)


@indicator(account="tree_account")
def tree_account(all_trees: gpd.GeoDataFrame, green: gpd.GeoDataFrame, factors: Any) -> Entries:
    """Yearly uptake of single trees and rows outside woods and parks.

    References
    ----------
    Nowak et al. (2013), Environ. Pollut. 178:229, doi:10.1016/j.envpol.2013.03.019.
    """
    return uptake_of_trees(all_trees, green, factors)


@indicator(account="roof_account")
def roof_account(buildings: gpd.GeoDataFrame, factors: Any) -> Entries:
    """Yearly uptake of planted roofs, which store once and then stay near zero.

    References
    ----------
    Getter et al. (2009), Environ. Sci. Technol. 43:7564.
    """
    return uptake_of_roofs(buildings, factors)
