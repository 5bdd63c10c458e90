"""Carbon sinks: their accounts, the stock apart from them, and how much of the emissions they are.

The uptake of a plan is told as it is once its trees are grown, as are their shade and the wind
around them. `young_sink` tells beside it what the planted trees take up in their first years.
"""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np
from scipy.sparse import csr_array

from twin.carbon.entries import Entries
from twin.carbon.ledger import Ledger
from twin.carbon.ledger import ledger as laid_on_cells
from twin.carbon.offset import first_years, taken_up
from twin.carbon.stocks import stock_of_green, stock_of_roofs, stock_of_trees
from twin.carbon.uptake import uptake_of_green, uptake_of_roofs, uptake_of_trees
from twin.estimate import Estimate, Laid
from twin.label import Var, indicator
from twin.placing import shares


@indicator(account="green_account")
def green_account(green: gpd.GeoDataFrame, factors: Any) -> Entries:
    """Yearly uptake of green surfaces, net of decomposition; the stock is not in it.

    References
    ----------
    Chen (2015), Cities 44:73, doi:10.1016/j.cities.2015.01.005.
    """
    return uptake_of_green(green, factors)


@indicator(account="tree_account")
def tree_account(all_trees: gpd.GeoDataFrame, green: gpd.GeoDataFrame, factors: Any, *,
                 allometry: str = "jenkins") -> Entries:
    """Yearly uptake of single trees and rows, and of what is planted in parks.

    Parameters
    ----------
    allometry
        How trees of measured height and crown are reckoned: ``"jenkins"`` or ``"chave"`` by the
        gain of their stems, ``"crown"`` by crown area, as all others are.

    References
    ----------
    Nowak et al. (2013), Environ. Pollut. 178:229, doi:10.1016/j.envpol.2013.03.019.
    """
    planted = all_trees["size_from"] == "planted"
    factors.count("planted trees counted as grown (young_sink tells of their first years)",
                  int((planted & all_trees["age"].isna()).sum()) if planted.any() else 0)
    return uptake_of_trees(all_trees, green, factors, allometry=allometry)


@indicator(account="roof_account")
def roof_account(buildings: gpd.GeoDataFrame, factors: Any) -> Entries:
    """Yearly uptake of planted roofs, which store once and then stay near zero.

    References
    ----------
    Getter et al. (2009), Environ. Sci. Technol. 43:7564.
    """
    return uptake_of_roofs(buildings, factors)


@indicator(
    Var("carbon_stock", "kg m-2", "Carbon (C, not CO2) stored in trees and green, without soil",
        total="sum", total_units="t", estimate=True, better=1),
)
def carbon_stock(green: gpd.GeoDataFrame, green_overlap: csr_array, all_trees: gpd.GeoDataFrame,
                 all_trees_overlap: csr_array, buildings: gpd.GeoDataFrame,
                 buildings_overlap: csr_array, factors: Any, grid: Any, cell_area: np.ndarray, *,
                 allometry: str = "jenkins") -> Laid:
    """Carbon that stands in green surfaces, single trees and planted roofs.

    It was taken up before: it is never part of the account of a year's emissions.

    Parameters
    ----------
    allometry
        As in `tree_account`.

    References
    ----------
    Nowak et al. (2013), Environ. Pollut. 178:229, doi:10.1016/j.envpol.2013.03.019.
    """
    book = laid_on_cells(
        (stock_of_green(green, factors),
         stock_of_trees(all_trees, green, factors, allometry=allometry),
         stock_of_roofs(buildings, factors)),
        {"green": shares(green, green_overlap), "trees": shares(all_trees, all_trees_overlap),
         "buildings": shares(buildings, buildings_overlap)}, grid.size)
    return Laid(None, _per_area(book.by_cell(), cell_area), book.total())


@indicator(
    Var("young_sink", "kg m-2 a-1", "CO2 taken up by planted trees, mean of their first years, "
        "less what planting emits", total="sum", total_units="t a-1", estimate=True, better=1),
)
def young_sink(all_trees: gpd.GeoDataFrame, all_trees_overlap: csr_array,
               green: gpd.GeoDataFrame, factors: Any, grid: Any, cell_area: np.ndarray, *,
               years: int = 20) -> Laid:
    """Mean yearly uptake of what a plan plants over its first years, dead trees not replaced.

    Parameters
    ----------
    years
        Years from planting that the mean is of [a].

    References
    ----------
    Roman & Scatena (2011), Urban For. Urban Green. 10:269, doi:10.1016/j.ufug.2011.05.008.
    """
    cells, total = first_years(all_trees, green, shares(all_trees, all_trees_overlap), factors,
                               grid.size, years)
    return Laid(None, _per_area(cells, cell_area), total)


@indicator(
    Var("share_of_emissions_taken_up", "1", "Share of the CO2 of buildings and traffic that green "
        "takes up in the same place", estimate=True, better=1),
)
def share_of_emissions_taken_up(ledger: Ledger) -> Estimate:
    """Uptake over emission of each cell; no number where nothing is emitted.

    That of a whole area is `twin.carbon.offset.taken_up_in_all`: 0.2 to 2 % in core cities.

    References
    ----------
    Chen (2015), Cities 44:73, doi:10.1016/j.cities.2015.01.005.
    """
    return taken_up(ledger)


def _per_area(found: Estimate, cell_area: np.ndarray) -> Estimate:
    with np.errstate(invalid="ignore", divide="ignore"):
        return Estimate(*(end / cell_area for end in (found.value, found.low, found.high)))
