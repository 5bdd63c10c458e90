"""Road traffic: how many vehicle kilometres each road carries, and the account of its CO2."""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np
from scipy.sparse import csr_array

from layers.errors import MissingInput
from twin.carbon.driving import driving
from twin.carbon.entries import Entries
from twin.carbon.ledger import ledger as laid_on_cells
from twin.carbon.roads import road_entries
from twin.carbon.volumes import Volumes, model_speed, volumes_of
from twin.estimate import Estimate, Laid
from twin.label import Var, indicator
from twin.placing import shares

GAP = 1e-3  # of the assignment: what is left is far below the scatter of single roads


@indicator(account="road_volumes")
def road_traffic(roads: gpd.GeoDataFrame, roads_overlap: csr_array, city: Any, factors: Any,
                 tell: Any, *, volumes: str | None = None,
                 control_total: float | None = None,
                 allocation: str = "territorial") -> Volumes:
    """Vehicle kilometres of each road, scaled to a control total when there is one.

    Counts stand wherever a road has one. The city's own controls are ``vehicle_km`` and, in its
    absence, ``fuel_mj``.

    Parameters
    ----------
    volumes
        Where roads are not counted: ``"class"`` for the defaults by road class of small European
        towns, ``"lanes"`` for volumes by lane as in the core of a metropolis, ``"assigned"`` for
        trips between homes, jobs and the outside that take the quickest ways; None takes the
        defaults that fit the control total best, without one lanes in China and class elsewhere.
    control_total
        Vehicle kilometres driven inside the area in a year [km a-1]; the city's own when None.
    allocation
        ``"territorial"`` counts all that is driven inside; ``"induced"``, with assigned volumes,
        half of it for each end of a trip that lies inside.

    References
    ----------
    EC WG-AEN (2007), Good Practice Guide for Strategic Noise Mapping, toolkits 2.5 and 4.5.
    """
    target = control_total if control_total is not None else city.controls.get("vehicle_km")
    fuel = None if target is not None else city.controls.get("fuel_mj")
    length = roads.length.to_numpy()
    inside = np.divide(np.asarray(roads_overlap.sum(axis=0)).ravel(), length,
                       out=np.zeros_like(length), where=length > 0)
    country = city.place.country
    modelled = _modelled(city, roads, factors, tell) if volumes == "assigned" else None
    per_km = None
    if fuel is not None:
        speed = None if modelled is None else model_speed(modelled)
        drive = driving(roads, factors, speed=speed, weather=city.layers.get("weather"))
        per_km = np.sum(list(drive.burnt.values()), axis=0)
    return volumes_of(roads, inside, factors, volumes=volumes, control_total=target,
                      fuel_total=fuel, per_km=per_km, country=country, modelled=modelled,
                      allocation=allocation)


@indicator(
    Var("vehicle_km", "km m-2 a-1", "Vehicle kilometres driven", total="sum",
        total_units="km a-1", estimate=True, low=0),
    on="roads",
)
def vehicle_km(road_volumes: Volumes, roads: gpd.GeoDataFrame, roads_overlap: csr_array,
               grid: Any, cell_area: np.ndarray) -> Laid:
    """Vehicle kilometres of each road in a year, of counts where the road has one.

    References
    ----------
    EC WG-AEN (2007), Good Practice Guide for Strategic Noise Mapping, toolkit 2.5.
    """
    driven = road_volumes.entries
    book = laid_on_cells((driven,), {"roads": shares(roads, roads_overlap)}, grid.size)
    cells = book.by_cell()
    with np.errstate(invalid="ignore", divide="ignore"):
        return Laid(driven.by_source(), Estimate(*(end / cell_area for end in (
            cells.value, cells.low, cells.high))), book.total())


@indicator(account="road_account")
def road_account(roads: gpd.GeoDataFrame, road_volumes: Volumes, city: Any, factors: Any, *,
                 grid: str = "province", grid_year: float | None = None) -> Entries:
    """Volume x length x energy at the speed of the road x factor of the fuel or the grid.

    Parameters
    ----------
    grid
        Whose electricity: ``"province"``, ``"region"`` or ``"country"``; outside China province
        and country are the same.
    grid_year
        Year of its factor; the latest when None.

    References
    ----------
    EMEP/EEA air pollutant emission inventory guidebook 2019, 1.A.3.b, appendix 4.
    """
    drive = driving(roads, factors, speed=road_volumes.speed, weather=city.layers.get("weather"))
    return road_entries(roads, road_volumes, drive, factors, grid=grid, grid_year=grid_year)


def _modelled(city: Any, roads: gpd.GeoDataFrame, factors: Any, tell: Any) -> Any:
    """Return the traffic of the city by demand and user equilibrium."""
    from twin.carbon.traffic.model import model_traffic

    buildings = city.frame("buildings")
    if buildings.empty:
        raise MissingInput("volumes=assigned needs buildings, where trips begin and end",
                           mend="Read them with --buildings FILE, or take volumes=class or lanes")
    found = model_traffic(roads, buildings, city.area, factors,
                          volumes="lanes" if city.place.country == "CN" else "class",
                          lonely="leave out", gap=GAP, tell=tell)
    if found.left_out >= 5e-4:
        factors.count(f"zones without a road nearby: {found.left_out:.1%} of the trips are left "
                      "out", 1)
    if found.hour.why != "gap":
        factors.count(f"traffic is not in equilibrium: gap {found.hour.gap:.1e} where {GAP:g} was "
                      "asked", 1)
    return found
