"""The whole chain: from roads and buildings to the volumes of a mean day."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from layers.errors import CityTwinError, MissingInput
from twin.carbon.traffic.assigned import Assigned
from twin.carbon.traffic.assignment import Tell, assign, quickest
from twin.carbon.traffic.demand import Demand, daily_demand
from twin.carbon.traffic.gates import Volumes, gate_traffic
from twin.carbon.traffic.network import Network
from twin.carbon.traffic.profiles import Week, daily_volumes, driven_mean, traffic_week
from twin.carbon.traffic.roads_network import Picks, road_network
from twin.carbon.traffic.ways import measure
from twin.carbon.traffic.zones import join_zones, road_distance, square_zones, trip_ends

Floats = NDArray[np.float64]

ZONES = 100                   # squares that the size of zones is chosen for
SIZES = (200.0, 1000.0)       # side of a zone, least and most [m]
REACH = 1000.0                # from a zone to the first junction, at most [m]


@dataclass(frozen=True, eq=False)
class Traffic:
    """Traffic of an area before any calibration.

    Parameters
    ----------
    network
        Roads, zones and gates.
    demand
        Trips of a weekday.
    hour
        Equilibrium of the busiest hour.
    daily
        Annual mean daily volume of each link in its direction, shape (m,) [vehicle d-1].
    week
        How it is spread over the week.
    ends
        Residents, jobs and trips of each zone.
    roads
        Number of roads in the layer.
    left_out
        Trips of zones without a road, as a share of all.
    """

    network: Network
    demand: Demand
    hour: Assigned
    daily: Floats
    week: Week
    ends: pd.DataFrame
    roads: int
    left_out: float

    @property
    def per_road(self) -> Floats:
        """Annual mean daily traffic of each road, both directions; NaN where not modelled."""
        return self.network.by_road(self.daily, self.roads)

    @property
    def vehicle_km(self) -> float:
        """Vehicle kilometres in the area in a year [km a-1]."""
        return self.network.vehicle_km(self.daily) * 365.0

    @property
    def induced(self) -> Floats:
        """Share of each road's traffic that ends of trips in the area answer for, (roads,) [1].

        A trip between two ends in the area counts whole, one with an end outside half, one that
        only passes through not. Ways are the quickest of the busiest hour; roads without any get
        the share of all.
        """
        z, trips = self.demand.zones, self.demand.trips
        weight = np.zeros_like(trips)
        weight[:z, :z], weight[:z, z:], weight[z:, :z] = 1.0, 0.5, 0.5
        whole, owed = (quickest(self.network, t, self.hour.time) for t in (trips, trips * weight))
        part, every = (self.network.by_road(v, self.roads) for v in (owed, whole))
        mean = self.network.vehicle_km(owed) / max(self.network.vehicle_km(whole), 1e-9)
        return np.asarray(np.divide(part, every, out=np.full(self.roads, mean),
                                    where=np.nan_to_num(every) > 0))

    def per_vehicle_km(self, of_speed: Callable[[Floats], Floats]) -> Floats:
        """Return the mean of something that depends on speed over the vehicles of each road.

        Parameters
        ----------
        of_speed
            Takes speeds [km h-1], and gives, say, grams per vehicle km.

        Returns
        -------
        numpy.ndarray
            Shape (roads,); NaN where nothing drives.
        """
        each = driven_mean(self.network, self.daily, self.week, of_speed)
        total = self.network.by_road(self.daily * each, self.roads)
        volume = self.per_road
        out = np.full(self.roads, np.nan)
        return np.asarray(np.divide(total, volume, out=out, where=volume > 0))


def model_traffic(roads: gpd.GeoDataFrame, buildings: gpd.GeoDataFrame, area: Any, factors: Picks,
                  *, zones: gpd.GeoDataFrame | float | None = None, volumes: Volumes = "class",
                  residents: NDArray[np.floating] | None = None, target_km: float | None = None,
                  crossing: bool = False, lonely: Literal["error", "leave out"] = "error",
                  gap: float = 1e-4, iterations: int = 200, tell: Tell | None = None,
                  stop: Callable[[], bool] | None = None, threads: int = 1) -> Traffic:
    """Return the traffic of an area from its roads and buildings.

    Parameters
    ----------
    roads, buildings
        Layers of one projected CRS.
    area
        Study area.
    factors
        Factor tables bound to a place.
    zones
        Polygons, or the side of square ones [m]; about 100 squares of 200 to 1000 m when None.
    volumes
        Default traffic at the gates, as in `gate_traffic`.
    residents
        Residents of each building, shape (buildings,); as in `trip_ends` when None.
    target_km
        Mean length of trips that stay in the area [km]; the factor ``deterrence`` when None.
    crossing
        Whether roads that cross on the plan without a shared vertex meet there.
    lonely
        What becomes of zones without a road within 1000 m.
    gap, iterations, tell, stop, threads
        As in `assign`.

    Returns
    -------
    Traffic
        Network, demand, equilibrium of the busiest hour and daily volumes.

    Notes
    -----
    The day has the routes of the busiest hour: ``peak_share`` turns that hour into a weekday, and
    ``weekday_factor`` a weekday into a mean day.
    """
    if lonely not in ("error", "leave out"):
        raise CityTwinError(f"lonely is {lonely!r}, expected 'error' or 'leave out'")
    network = road_network(roads, factors, area=area, crossing=crossing)
    gates = gate_traffic(network, roads, factors, volumes=volumes)
    if zones is None:
        zones = float(np.clip(np.sqrt(area.area / ZONES), *SIZES))
    if not isinstance(zones, gpd.GeoDataFrame):
        zones = square_zones(area, buildings.crs, zones)
    ends = trip_ends(zones, buildings, factors, residents=residents)
    both = (ends["production"] + ends["attraction"]).to_numpy()
    near = road_distance(network, ends)[0][:, 0] <= REACH
    kept = (both > 0) & (near | (lonely == "error"))
    if not kept.any():
        raise MissingInput("no zone with trips has a road nearby", mend="Look at roads and uses")
    lost = 1.0 - float(both[kept].sum() / both.sum())
    ends = ends[kept]
    network = join_zones(network, ends, reach=REACH)
    demand = daily_demand(ends, gates, *measure(network), factors, target_km=target_km)
    peak = factors.pick("peak_share", "1").value
    hour = assign(network, demand.hour(peak), gap=gap, iterations=iterations, tell=tell, stop=stop,
                  threads=threads)
    daily = daily_volumes(hour.volume, peak, factors.pick("weekday_factor", "1").value)
    return Traffic(network, demand, hour, daily, traffic_week(factors), ends, len(roads), lost)
