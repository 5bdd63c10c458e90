"""Photovoltaics: modules on roofs and in walls, their areas, power, yearly and monthly yields."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import geopandas as gpd
import numpy as np
import xarray as xr

from layers.errors import MissingInput
from twin.estimate import Estimate
from twin.label import Var, indicator
from twin.module_table import as_table, cell_mean, estimate_of, range_of


def _columns(found: Any, saved: Any, area: str, before: str, where: str) -> dict[str, Any]:
    """Return what the fields of roofs and of walls have in common."""
    return {
        f"{area}_technical_area": (found.technical, "m2", f"{where} that modules can use"),
        f"{before}_module_area": (found.modules, "m2", "area of the modules"),
        f"{before}_capacity": (found.capacity, "W", "rated power"),
        f"{before}_yield": (found.energy, "kWh a-1", "electricity of the first year"),
        f"{before}_yield_month": (found.monthly, "kWh", "electricity of the month"),
        f"{before}_specific_yield": (found.specific, "kWh kW-1 a-1",
                                     "electricity of a kilowatt-peak in the first year"),
        f"{before}_avoided_co2": (saved["avoided"], "kg a-1",
                                  "CO2 of the grid avoided in the first year"),
        f"{before}_carbon_payback": (saved["payback"], "a",
                                     "years until the making of the modules is saved")}


@indicator(field="roof_pv", reach=None)
def roof_pv_field(buildings: gpd.GeoDataFrame, weather: xr.Dataset, city: Any, factors: Any,
                  sun: xr.Dataset | None = None) -> xr.Dataset:
    """Return what modules on the roofs of each building can be, yield and save.

    Without the sun field roofs are taken as unshaded.

    Returns
    -------
    xarray.Dataset
        Over ``building``, rows of the layer, with ``_low`` and ``_high``: areas [m2],
        ``pv_capacity`` [W], ``pv_yield`` [kWh a-1] and over ``month`` too ``pv_yield_month`` [kWh],
        ``pv_specific_yield`` [kWh kW-1 a-1], ``pv_avoided_co2`` [kg a-1], ``pv_carbon_payback``
        [a]; ``pv_roof_irradiation`` [kWh m-2 a-1].

    References
    ----------
    As of `twin.roof_modules.roof_modules` and `twin.sun.photovoltaic.open_year`.
    """
    from twin.module_returns import module_carbon
    from twin.roof_modules import CellLight, roof_modules
    from twin.roofs import roof_planes
    from twin.weather_year import year_of

    year = year_of(weather, city.lonlat, factors)
    planes = roof_planes(buildings, factors, surfaces=city.frame("roofs"))
    light = None if sun is None else CellLight(
        sun["irradiation"].to_numpy(),
        sun["irradiation_month"].transpose("month", "y", "x").to_numpy(),
        sun["plane"].to_numpy(), float(sun.attrs["cell"]))
    made = roof_modules(planes, len(buildings), year, factors.pick, latitude=city.lonlat[1],
                        light=light)
    if sun is None:
        factors.count("roofs whose shade is not known, taken as unshaded", len(buildings))
    else:
        missed = planes.geometry.values[made.unseen].intersects(city.area)
        factors.count("roof planes between the cells of the sun, taken as unshaded",
                      int(missed.sum()))
    factors.count("roofs of unknown shape taken as flat",
                  planes.loc[planes["source"].eq("flat-assumed") & planes["largest"].gt(0),
                             "building"].nunique())
    found = made.buildings
    saved = module_carbon(found.capacity, found.energy, found.specific, factors.pick)
    return as_table({
        "pv_roof_area": (found.area, "m2", "area of roof planes"),
        "pv_roof_irradiation": (found.light, "kWh m-2 a-1", "irradiation of roof planes"),
        **_columns(found, saved, "pv", "pv", "roof"),
    }).assign_attrs(title=f"modules on the roofs of {city.name}")


@indicator(field="facade_pv", reach=None)
def facade_pv_field(buildings: gpd.GeoDataFrame, weather: xr.Dataset, city: Any, factors: Any,
                    sun: xr.Dataset) -> xr.Dataset:
    """Return what modules in the walls of each building can be, yield and save.

    Returns
    -------
    xarray.Dataset
        As of the roofs, with ``facade_area`` of bare wall [m2], ``facade_irradiation``
        [kWh m-2 a-1], ``facade_technical_area`` and ``facade_pv_`` before the other names.
        Buildings off the study area have none.

    References
    ----------
    As of `twin.facade_modules.facade_modules`.
    """
    from twin.facade_modules import facade_modules
    from twin.module_returns import module_carbon
    from twin.weather_year import year_of

    year = year_of(weather, city.lonlat, factors)
    found = facade_modules(sun, len(buildings), year, factors.pick)
    saved = module_carbon(found.capacity, found.energy, found.specific, factors.pick, facade=True)
    return as_table({
        "facade_area": (found.area, "m2", "bare wall"),
        "facade_irradiation": (found.light, "kWh m-2 a-1", "irradiation of bare walls"),
        **_columns(found, saved, "facade", "facade_pv", "bare wall"),
    }).assign_attrs(title=f"modules in the walls of {city.name}")


@indicator(
    Var("pv_roof_area", "m2 m-2", "Roof planes", total="sum", total_units="m2", low=0),
    Var("pv_technical_area", "m2 m-2", "Roof that modules can use", total="sum", total_units="m2",
        estimate=True, low=0),
    Var("pv_capacity", "W m-2", "Rooftop PV capacity", total="sum", total_units="MW",
        estimate=True, better=1, low=0),
    Var("pv_yield", "kWh m-2 a-1", "Rooftop PV yield", total="sum", total_units="GWh a-1",
        estimate=True, better=1, low=0),
    Var("pv_avoided_co2", "kg m-2 a-1", "CO2 of the grid avoided by rooftop PV", total="sum",
        total_units="t a-1", estimate=True, better=1, low=0),
    on="buildings",
)
def rooftop_pv(roof_pv: xr.Dataset) -> dict[str, Any]:
    """Areas, power, first-year yield and avoided CO2 of modules on the usable part of each roof.

    References
    ----------
    As of `twin.roof_modules.roof_modules`. Dobos (2014), PVWatts version 5, NREL/TP-6A20-62641.
    """
    return {"pv_roof_area": roof_pv["pv_roof_area"].to_numpy(), **{
        name: estimate_of(roof_pv, name)
        for name in ("pv_technical_area", "pv_capacity", "pv_yield", "pv_avoided_co2")}}


@indicator(
    Var("facade_area", "m2 m-2", "Bare wall", total="sum", total_units="m2", low=0),
    Var("facade_technical_area", "m2 m-2", "Bare wall that modules can use", total="sum",
        total_units="m2", estimate=True, low=0),
    Var("facade_pv_capacity", "W m-2", "Facade PV capacity", total="sum", total_units="MW",
        estimate=True, better=1, low=0),
    Var("facade_pv_yield", "kWh m-2 a-1", "Facade PV yield", total="sum", total_units="GWh a-1",
        estimate=True, better=1, low=0),
    Var("facade_pv_avoided_co2", "kg m-2 a-1", "CO2 of the grid avoided by facade PV",
        total="sum", total_units="t a-1", estimate=True, better=1, low=0),
    on="buildings",
)
def wall_pv(facade_pv: xr.Dataset) -> dict[str, Any]:
    """Areas, power, first-year yield and avoided CO2 of modules built into the brighter walls.

    References
    ----------
    As of `twin.facade_modules.facade_modules`.
    """
    return {"facade_area": facade_pv["facade_area"].to_numpy(), **{
        name: estimate_of(facade_pv, name)
        for name in ("facade_technical_area", "facade_pv_capacity", "facade_pv_yield",
                     "facade_pv_avoided_co2")}}


def _no_floor(city: Any, _settings: Mapping[str, Any]) -> str:
    """Say why there is no policy to compare with."""
    from twin.factors import load

    known = load("photovoltaic").find("pv.floor.education", city.place)
    return "" if known else f"no least share of roofs with modules is tabled for {city.place}"


@indicator(
    Var("pv_policy_area", "m2 m-2", "Roof that the policy of pilot counties wants covered",
        total="sum", total_units="m2", low=0),
    on="buildings", unless=_no_floor,
)
def policy_pv(roof_pv: xr.Dataset, buildings: gpd.GeoDataFrame, factors: Any) -> Any:
    """Least area of modules by policy: a share of the roof by use of the building.

    It may exceed what modules can use. Homes take the share of rural homes, for which alone the
    notice names one.

    References
    ----------
    National Energy Administration of China, county roof pilot notice of June 2021: 50 % of the
    roofs of offices of the state, 40 % of public buildings, 30 % of commerce and industry, 20 % of
    rural homes.
    """
    use = buildings["use"].to_numpy(dtype="object")
    share = np.zeros(len(use))
    tabled = [u for u in np.unique(use) if factors.factors.find(f"pv.floor.{u}", factors.place)]
    if len(use) and not tabled:
        raise MissingInput(f"no least share of roofs with modules is tabled for {factors.place}",
                           mend="It is tabled for CN")
    for kind in tabled:
        share[use == kind] = factors.pick(f"pv.floor.{kind}", "1").value
    factors.count("homes given the least share of rural roofs, in towns there is none",
                  int((use == "residential").sum()))
    return share * roof_pv["pv_roof_area"].to_numpy()


@indicator(
    Var("pv_specific_yield", "kWh kW-1 a-1", "Yield of a kilowatt-peak on roofs", total="mean",
        weight="pv_capacity", estimate=True, better=1, low=0),
    reach=None,
)
def roof_pv_means(roof_pv: xr.Dataset, pv_capacity: Estimate, buildings: gpd.GeoDataFrame,
                  buildings_overlap: Any, cell_area: Any) -> Estimate:
    """Mean over the modules on the roofs of each cell by their power; NaN where there are none.

    References
    ----------
    IEC 61724-1:2021, Photovoltaic system performance, part 1 (final yield).
    """
    return Estimate(*(
        cell_mean(end, roof_pv["pv_capacity"], pv_capacity.value, overlap=buildings_overlap,
                  buildings=buildings, cell_area=cell_area)
        for end in range_of(roof_pv, "pv_specific_yield")))


@indicator(
    Var("facade_irradiation", "kWh m-2 a-1", "Irradiation of bare walls, shade counted",
        total="mean", weight="facade_area", better=1, low=0),
    Var("facade_pv_specific_yield", "kWh kW-1 a-1", "Yield of a kilowatt-peak in walls",
        total="mean", weight="facade_pv_capacity", estimate=True, better=1, low=0),
    reach=None,
)
def wall_pv_means(facade_pv: xr.Dataset, facade_area: Any, facade_pv_capacity: Estimate,
                  buildings: gpd.GeoDataFrame, buildings_overlap: Any,
                  cell_area: Any) -> dict[str, Any]:
    """Means over the walls of the buildings of each cell; NaN where there are none.

    References
    ----------
    IEC 61724-1:2021, Photovoltaic system performance, part 1 (final yield).
    """
    where = {"overlap": buildings_overlap, "buildings": buildings, "cell_area": cell_area}
    return {
        "facade_irradiation": cell_mean(facade_pv["facade_irradiation"], facade_pv["facade_area"],
                                        facade_area, **where),
        "facade_pv_specific_yield": Estimate(*(
            cell_mean(end, facade_pv["facade_pv_capacity"], facade_pv_capacity.value, **where)
            for end in range_of(facade_pv, "facade_pv_specific_yield")))}
