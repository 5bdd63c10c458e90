"""Energy that buildings use in operation, and their account of CO2."""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np
import xarray as xr
from scipy.sparse import csr_array

from twin.carbon.entries import Entries
from twin.carbon.ledger import ledger as laid_on_cells
from twin.carbon.operation import energy_entries, operation
from twin.estimate import Estimate, Laid
from twin.label import Var, indicator
from twin.module_table import estimate_of
from twin.placing import shares

UNSCALED = ("heating and cooling of buildings are those of the usual weather of the country or "
            "zone (building_account.weather_scaling takes the weather of the city)")


def _no_modules(city: Any, _: Any) -> str:
    """Say that no modules stand on the roofs, so that nobody need know what they yield."""
    stand = (city.frame("buildings")["pv_share"] > 0).any()
    return "" if stand else "no modules stand on the roofs"


@indicator(account="full_roofs", unless=_no_modules)
def full_roofs(roof_pv: xr.Dataset) -> Estimate:
    """Yield of modules on all that roofs can carry, per building [kWh a-1].

    References
    ----------
    As of `twin.indicators.photovoltaic`.
    """
    return estimate_of(roof_pv, "pv_yield")


@indicator(account="building_account")
def building_account(buildings: gpd.GeoDataFrame, city: Any, factors: Any,
                     full_roofs: Estimate | None = None, *, weather_scaling: bool = False,
                     grid: str = "province", grid_year: float | None = None) -> Entries:
    """Operation of buildings, as `twin.carbon.operation.operation` gives it.

    Parameters
    ----------
    weather_scaling
        Whether heating and cooling follow the degree days of the city's weather. What intensities
        hold for is known to a third only, so they are not stretched unless asked.
    grid
        Whose electricity: ``"province"``, ``"region"`` or ``"country"``; outside China province
        and country are the same.
    grid_year
        Year of its factor; the latest when None.

    References
    ----------
    IPCC 2006 Guidelines, volume 2, equation 2.1.
    """
    factors.count("buildings whose use is a guess", int((buildings["use_from"] == "default").sum()))
    weather = city.layers.get("weather")
    if weather is not None and not weather_scaling:
        factors.count(UNSCALED, 1, once="weather of buildings")
    return operation(buildings, factors, weather=weather if weather_scaling else None, grid=grid,
                     grid_year=grid_year, pv_energy=full_roofs)


@indicator(
    Var("building_energy", "kWh m-2 a-1", "Final energy of building operation", total="sum",
        total_units="GWh a-1", estimate=True, better=-1, low=0),
    on="buildings",
)
def building_energy(building_account: Entries, buildings: gpd.GeoDataFrame,
                    buildings_overlap: csr_array, grid: Any, cell_area: np.ndarray) -> Laid:
    """Return the final energy of all carriers per building [kWh a-1].

    Process energy of industry is not in it; electricity of modules of its own is.

    References
    ----------
    IPCC 2006 Guidelines, volume 2, equation 2.1; each factor names its own source.
    """
    energy = energy_entries(building_account)
    book = laid_on_cells((energy,), {"buildings": shares(buildings, buildings_overlap)}, grid.size)
    cells = book.by_cell()
    with np.errstate(invalid="ignore", divide="ignore"):
        return Laid(energy.by_source(), Estimate(*(end / cell_area for end in (
            cells.value, cells.low, cells.high))), book.total())
