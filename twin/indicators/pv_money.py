"""Money of photovoltaics: what modules on roofs and in walls cost and earn, at dated prices."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import geopandas as gpd
import xarray as xr

from layers.errors import MissingInput
from layers.units import MONEY, in_currency
from twin.estimate import Estimate
from twin.label import Var, indicator
from twin.module_returns import module_money
from twin.module_table import as_table, cell_mean, estimate_of, range_of
from twin.region_codes import regions
from twin.sun.tariffs import currency

NOTE = ("Prices are those of the years of their rows and are held; no subsidy, tax or loan is "
        "counted. Roof and walls are reckoned apart, each as if the building used its share of "
        "that electricity alone.")
_WORDS = {"revenue": (f"{MONEY} a-1", "what the first year earns or saves"),
          "npv": (MONEY, "present value of all that is paid and earned"),
          "lcoe": (f"{MONEY} kWh-1", "cost of a kilowatt-hour over the life"),
          "irr": ("a-1", "internal rate of return"),
          "payback": ("a", "years until the price is earned"),
          "discounted_payback": ("a", "years until the price is earned, later money counting less")}


def _no_prices(city: Any, _settings: Mapping[str, Any]) -> str:
    """Say why there is no money."""
    if currency(regions(city.place)):
        return ""
    return f"no prices of modules are tabled for {city.place}"


def _table(data: xr.Dataset, before: str, buildings: gpd.GeoDataFrame, city: Any,
           factors: Any) -> xr.Dataset:
    """Return the money of the modules of one place."""
    money = currency(regions(city.place))
    if money is None:
        raise MissingInput(f"no prices of modules are tabled for {city.place}",
                           mend="They are tabled for China and Europe; give the country of the "
                                "city with --country")
    capacity, energy, specific = (range_of(data, f"{before}_{name}")
                                  for name in ("capacity", "yield", "specific_yield"))
    found = module_money(capacity, energy, specific, buildings["use"].to_numpy(dtype="object"),
                         factors.pick, money, facade=before == "facade_pv")
    return as_table({f"{before}_{name}": (found[name], in_currency(units, money), words)
                     for name, (units, words) in _WORDS.items()}).assign_attrs(
        title=f"money of modules in {city.name}", note=NOTE, currency=money)


@indicator(field="pv_money", reach=None, unless=_no_prices)
def roof_money_field(roof_pv: xr.Dataset, buildings: gpd.GeoDataFrame, city: Any,
                     factors: Any) -> xr.Dataset:
    """Return what the modules on the roof of each building cost and earn.

    Returns
    -------
    xarray.Dataset
        Over ``building``, in the currency of the place (attribute ``currency``), with ``_low`` and
        ``_high``: ``pv_revenue``, ``pv_npv``, ``pv_lcoe``, ``pv_irr``, ``pv_payback`` and
        ``pv_discounted_payback``; NaN without modules, paybacks infinite where the life is too
        short.

    References
    ----------
    As of `twin.sun.money.economics`.
    """
    return _table(roof_pv, "pv", buildings, city, factors)


@indicator(field="facade_pv_money", reach=None, unless=_no_prices)
def wall_money_field(facade_pv: xr.Dataset, buildings: gpd.GeoDataFrame, city: Any,
                     factors: Any) -> xr.Dataset:
    """Return what the modules in the walls of each building cost and earn, as of the roof.

    The cladding they replace is not taken off.

    References
    ----------
    As of `twin.sun.money.economics`.
    """
    return _table(facade_pv, "facade_pv", buildings, city, factors)


@indicator(
    Var("pv_revenue", f"{MONEY} m-2 a-1", "What rooftop PV earns or saves in its first year",
        total="sum", total_units=f"{MONEY} a-1", estimate=True, better=1, low=0),
    Var("pv_npv", f"{MONEY} m-2", "Present value of rooftop PV", total="sum", total_units=MONEY,
        estimate=True, better=1),
    on="buildings",
)
def roof_money(pv_money: xr.Dataset) -> dict[str, Estimate]:
    """Revenue of the first year and net present value of modules on roofs.

    References
    ----------
    As of `twin.sun.money.economics`.
    """
    return {name: estimate_of(pv_money, name) for name in ("pv_revenue", "pv_npv")}


@indicator(
    Var("facade_pv_revenue", f"{MONEY} m-2 a-1", "What facade PV earns or saves in its first year",
        total="sum", total_units=f"{MONEY} a-1", estimate=True, better=1, low=0),
    Var("facade_pv_npv", f"{MONEY} m-2", "Present value of facade PV", total="sum",
        total_units=MONEY, estimate=True, better=1),
    on="buildings",
)
def wall_money(facade_pv_money: xr.Dataset) -> dict[str, Estimate]:
    """Revenue of the first year and net present value of modules in walls.

    References
    ----------
    As of `twin.sun.money.economics`.
    """
    return {name: estimate_of(facade_pv_money, name)
            for name in ("facade_pv_revenue", "facade_pv_npv")}


@indicator(
    Var("pv_lcoe", f"{MONEY} kWh-1", "Cost of a kilowatt-hour from roofs over the life",
        total="mean", weight="pv_yield", estimate=True, better=-1, low=0),
    reach=None,
)
def roof_money_means(pv_money: xr.Dataset, roof_pv: xr.Dataset, pv_yield: Estimate,
                     buildings: gpd.GeoDataFrame, buildings_overlap: Any,
                     cell_area: Any) -> Estimate:
    """Mean over the modules on the roofs of each cell by their yield; NaN where there are none.

    References
    ----------
    As of `twin.sun.money.economics`.
    """
    return Estimate(*(
        cell_mean(end, roof_pv["pv_yield"], pv_yield.value, overlap=buildings_overlap,
                  buildings=buildings, cell_area=cell_area)
        for end in range_of(pv_money, "pv_lcoe")))


@indicator(
    Var("facade_pv_lcoe", f"{MONEY} kWh-1", "Cost of a kilowatt-hour from walls over the life",
        total="mean", weight="facade_pv_yield", estimate=True, better=-1, low=0),
    reach=None,
)
def wall_money_means(facade_pv_money: xr.Dataset, facade_pv: xr.Dataset, facade_pv_yield: Estimate,
                     buildings: gpd.GeoDataFrame, buildings_overlap: Any,
                     cell_area: Any) -> Estimate:
    """Mean over the modules in the walls of each cell by their yield; NaN where there are none.

    References
    ----------
    As of `twin.sun.money.economics`.
    """
    return Estimate(*(
        cell_mean(end, facade_pv["facade_pv_yield"], facade_pv_yield.value,
                  overlap=buildings_overlap, buildings=buildings, cell_area=cell_area)
        for end in range_of(facade_pv_money, "facade_pv_lcoe")))
