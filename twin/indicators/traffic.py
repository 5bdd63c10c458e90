"""Road traffic: how many vehicle kilometres each road carries, and the account of its CO2."""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np
from scipy.sparse import csr_array

from twin.carbon.entries import Entries
from twin.carbon.roads import road_entries
from twin.carbon.volumes import Volumes, volumes_of
from twin.estimate import Estimate
from twin.label import Var, indicator


@indicator(account="road_volumes")
def road_traffic(roads: gpd.GeoDataFrame, roads_overlap: csr_array, city: Any, factors: Any, *,
                 volumes: str | None = None, control_total: float | None = None) -> Volumes:
    """Vehicle kilometres of each road, scaled to a control total when there is one.

    Parameters
    ----------
    volumes
        ``"class"`` for the defaults by road class of small European towns, ``"lanes"`` for
        volumes by lane as in the core of a metropolis; None takes what fits the control total
        best, without one lanes in China and class elsewhere.
    control_total
        Vehicle kilometres driven inside the area in a year [km a-1]; the city's own control
        ``vehicle_km`` when None.

    References
    ----------
    EC WG-AEN (2007), Good Practice Guide for Strategic Noise Mapping, toolkits 2.5 and 4.5.
    """
    target = control_total if control_total is not None else city.controls.get("vehicle_km")
    length = roads.length.to_numpy()
    inside = np.divide(np.asarray(roads_overlap.sum(axis=0)).ravel(), length,
                       out=np.zeros_like(length), where=length > 0)
    return volumes_of(roads, inside, factors, volumes=volumes, control_total=target,
                      country=city.place.country)


@indicator(
    Var("vehicle_km", "km m-2 a-1", "Vehicle kilometres driven", total="sum",
        total_units="km a-1", estimate=True, low=0),
    on="roads",
)
def vehicle_km(road_volumes: Volumes) -> Estimate:
    """Vehicle kilometres of each road in a year, of counts where the road has one.

    References
    ----------
    EC WG-AEN (2007), Good Practice Guide for Strategic Noise Mapping, toolkit 2.5.
    """
    return road_volumes.estimate


@indicator(account="road_account")
def road_account(roads: gpd.GeoDataFrame, road_volumes: Volumes, factors: Any) -> Entries:
    """Volume x length x energy at the speed of the class x factor of the fuel.

    References
    ----------
    EMEP/EEA air pollutant emission inventory guidebook 2019, 1.A.3.b, appendix 4.
    """
    return road_entries(roads, road_volumes, factors)
