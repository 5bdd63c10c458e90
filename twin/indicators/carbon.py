"""The carbon account per cell: one ledger, and the CO2 variables as sums of it."""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np
from scipy.sparse import csr_array

from twin.carbon.consumption import consumption
from twin.carbon.entries import Entries
from twin.carbon.ledger import Ledger
from twin.carbon.ledger import ledger as laid_on_cells
from twin.carbon.lifecycle import life_cycle
from twin.carbon.lines import LINES, line_total, of_line
from twin.estimate import Estimate, Laid
from twin.label import Var, indicator
from twin.placing import shares


@indicator(account="life_account")
def life_account(buildings: gpd.GeoDataFrame, factors: Any, *, count: str = "stock",
                 year: float | None = None) -> Entries:
    """Count making, building, keeping and taking down of buildings.

    Parameters
    ----------
    count
        ``"stock"`` spreads all stages of all buildings over their life, ``"flow"`` counts the
        making of what is built in ``year``.
    year
        Year of the flow.

    References
    ----------
    EN 15978:2011; GB/T 51366-2019.
    """
    return life_cycle(buildings, factors, count=count, year=year)


@indicator(account="resident_account")
def resident_account(buildings: gpd.GeoDataFrame, factors: Any) -> Entries:
    """Count goods and services that residents use, by head: a proxy.

    References
    ----------
    PAS 2070:2013.
    """
    return consumption(buildings, factors)


@indicator(account="ledger", reach=None)
def carbon_ledger(building_account: Entries, road_account: Entries, green_account: Entries,
                  tree_account: Entries, roof_account: Entries, life_account: Entries,
                  resident_account: Entries, buildings: gpd.GeoDataFrame,
                  buildings_overlap: csr_array, roads: gpd.GeoDataFrame,
                  roads_overlap: csr_array, green: gpd.GeoDataFrame, green_overlap: csr_array,
                  all_trees: gpd.GeoDataFrame, all_trees_overlap: csr_array, grid: Any) -> Ledger:
    """All accounts on the cells: each source counts with the share of it that lies in a cell.

    References
    ----------
    WRI, C40 and ICLEI (2021), Global Protocol for Community-Scale Greenhouse Gas Inventories 1.1.
    """
    return laid_on_cells(
        (building_account, road_account, green_account, tree_account, roof_account, life_account,
         resident_account),
        {"buildings": shares(buildings, buildings_overlap), "roads": shares(roads, roads_overlap),
         "green": shares(green, green_overlap), "trees": shares(all_trees, all_trees_overlap)},
        grid.size, {"buildings": buildings["id"], "roads": roads["id"], "green": green["id"],
                    "trees": all_trees["id"]})


def _line(name: str, ledger: Ledger, cell_area: np.ndarray,
          features: Estimate | None = None) -> Laid:
    """Return a line of the ledger as densities on cells, with the total it has."""
    found = of_line(name, ledger.by_cell(LINES[name]))
    with np.errstate(invalid="ignore", divide="ignore"):
        cells = Estimate(*(end / cell_area for end in (found.value, found.low, found.high)))
    return Laid(features, cells, line_total(ledger, name))


@indicator(
    Var("building_co2", "kg m-2 a-1", "CO2 of building operation", total="sum",
        total_units="t a-1", estimate=True, better=-1),
    on="buildings",
)
def building_co2(ledger: Ledger, building_account: Entries, cell_area: np.ndarray) -> Laid:
    """CO2 of building operation; electricity and district heat count where they are used.

    References
    ----------
    IPCC 2006 Guidelines, volume 2, equation 2.1.
    """
    return _line("building_co2", ledger, cell_area,
                 building_account.by_source(LINES["building_co2"]))


@indicator(
    Var("traffic_co2", "kg m-2 a-1", "CO2 of road traffic", total="sum", total_units="t a-1",
        estimate=True, better=-1),
    on="roads",
)
def traffic_co2(ledger: Ledger, road_account: Entries, cell_area: np.ndarray) -> Laid:
    """Tailpipe CO2 of what is driven inside the area; electric driving is not in it.

    References
    ----------
    EMEP/EEA air pollutant emission inventory guidebook 2019, 1.A.3.b, appendix 4.
    """
    return _line("traffic_co2", ledger, cell_area, road_account.by_source(LINES["traffic_co2"]))


@indicator(
    Var("carbon_sink", "kg m-2 a-1", "CO2 taken up by green", total="sum", total_units="t a-1",
        estimate=True, better=1),
    Var("construction_co2", "kg m-2 a-1", "CO2 of making and keeping buildings, per year of life",
        total="sum", total_units="t a-1", estimate=True, better=-1),
    Var("co2_net", "kg m-2 a-1", "Net CO2: buildings and traffic less uptake", total="sum",
        total_units="t a-1", estimate=True, better=-1),
    Var("co2_territorial", "kg m-2 a-1", "CO2 emitted inside the area (scope 1)", total="sum",
        total_units="t a-1", estimate=True, better=-1),
    Var("co2_supply", "kg m-2 a-1", "CO2 inside and of the energy brought in (scopes 1 to 3)",
        total="sum", total_units="t a-1", estimate=True, better=-1),
    Var("co2_lifecycle", "kg m-2 a-1", "CO2 inside, of energy brought in and of building",
        total="sum", total_units="t a-1", estimate=True, better=-1),
)
def co2(ledger: Ledger, cell_area: np.ndarray) -> dict[str, Laid]:
    """Sum the ledger by cell: uptake, construction, net CO2 and the boundaries.

    References
    ----------
    IPCC 2006 Guidelines, volume 1, chapter 3, equation 3.2; WRI, C40 and ICLEI (2021), Global
    Protocol for Community-Scale Greenhouse Gas Inventories 1.1.
    """
    return {name: _line(name, ledger, cell_area)
            for name in ("carbon_sink", "construction_co2", "co2_net", "co2_territorial",
                         "co2_supply", "co2_lifecycle")}
