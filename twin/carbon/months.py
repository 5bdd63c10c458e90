"""The energy of buildings by month."""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from layers.errors import MissingInput
from twin.carbon.carriers import CARRIERS, find
from twin.carbon.degree_days import bases, month_shapes
from twin.carbon.demand import Demand

Floats = NDArray[np.float64]
MONTHS = tuple(range(1, 13))


def metered_months(factors: Any, use: str) -> Floats | None:
    """Return the shares of the months in the electricity of a use as metered, shape (12,) [1].

    Parameters
    ----------
    factors
        Gives ``month.<use>.<month>`` where buildings of the place were metered.
    use
        Use, as in the buildings layer.
    """
    rows = [find(factors, f"month.{use}.{m}", "1") for m in MONTHS]
    values = np.array([0.0 if row is None else row.value for row in rows])
    return None if None in rows or values.sum() <= 0 else values / values.sum()


def monthly_energy(demand: Demand, buildings: gpd.GeoDataFrame, factors: Any,
                   weather: xr.Dataset | None = None) -> pd.DataFrame:
    """Return the final energy of buildings by use, carrier and month.

    Parameters
    ----------
    demand
        Their energy in the year, from `twin.carbon.demand.demand_of`.
    buildings
        The buildings layer.
    factors
        Gives metered months where there are some.
    weather
        Its degree days spread heating and cooling.

    Returns
    -------
    pandas.DataFrame
        One row a use and carrier, one column a month, 1 to 12 [kWh]. Rows sum to the year.

    Raises
    ------
    MissingInput
        When no months were metered at the place and there is no weather.

    Notes
    -----
    Electricity of uses whose months were metered follows these, less what other heating than the
    usual takes; all else follows degree days for heating and cooling, and days.

    References
    ----------
    Wang H. et al., Green Building 2026(1), Table 2, for metered months; ASHRAE Guideline 14-2014,
    annex D, for degree days.
    """
    shapes = None if weather is None else month_shapes(weather, bases(factors))
    use = buildings["use"].to_numpy(dtype=object)
    told = demand.heated != ""
    rows: dict[tuple[str, str], Floats] = {}
    for kind in demand.mixes:
        mine = use == kind
        for at, carrier in enumerate(CARRIERS):
            whole = demand.parts[:, mine, at].sum(axis=1)
            if not whole.any():
                continue
            known = metered_months(factors, kind) if carrier == "electricity" else None
            if known is None:
                rows[kind, carrier] = whole @ _needed(shapes, kind, carrier)
                continue
            other = float(demand.parts[0, mine & told, at].sum())
            rows[kind, carrier] = known * (whole.sum() - other)
            if other:
                rows[kind, carrier] += other * _needed(shapes, kind, carrier)[0]
    index = pd.MultiIndex.from_tuples(list(rows), names=["use", "carrier"])
    values = np.array(list(rows.values())).reshape(len(rows), len(MONTHS))
    return pd.DataFrame(values, index=index, columns=pd.Index(MONTHS, name="month"))


def _needed(shapes: Floats | None, use: str, carrier: str) -> Floats:
    if shapes is None:
        raise MissingInput(f"the months of {carrier} of {use} buildings need weather",
                           mend="Add a weather file with `citytwin weather`")
    return shapes
