"""Zones: where trips begin and end, how many, and how zones are joined to the roads."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from layers.buildings import gross_floor_area
from layers.errors import CityTwinError, MissingInput
from layers.uses import USES
from twin.carbon.traffic.network import NO_ROAD, Network
from twin.carbon.traffic.roads_network import Picks
from twin.people import residents_of

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]

DETOUR = 1.3          # length of a way over the straight line, on small streets
CRAWL = 15.0          # speed between a building and the first junction [km h-1]
FURTHER = 200.0       # how much farther than the nearest a door of a small zone may be [m]
WITHOUT_JOBS = ("residential", "unconditioned")
JOBS = tuple(use for use in USES if use not in WITHOUT_JOBS)


def square_zones(area: Any, crs: Any, size: float = 500.0) -> gpd.GeoDataFrame:
    """Return square zones over a study area, cut at its edge.

    Parameters
    ----------
    area
        Polygon in metres.
    crs
        Its projected CRS.
    size
        Side of a zone [m].

    Raises
    ------
    CityTwinError
        When the size is no length, or makes more than 4,000 zones.
    """
    west, south, east, north = shapely.bounds(area)
    if not (np.isfinite(size) and size > 0):
        raise CityTwinError(f"size of zones is {size!r}, expected metres above zero")
    nx, ny = (max(1, int(np.ceil(span / size - 1e-9))) for span in (east - west, north - south))
    if nx * ny > 4000:
        raise CityTwinError(f"zones of {size:g} m are {nx * ny:,}, expected at most 4,000",
                            mend="Take larger zones")
    x, y = np.meshgrid(west + size * np.arange(nx), south + size * np.arange(ny))
    cells = shapely.intersection(shapely.box(x, y, x + size, y + size).ravel(), area)
    return gpd.GeoDataFrame(geometry=cells[shapely.area(cells) > 0], crs=crs)


def trip_ends(zones: gpd.GeoDataFrame, buildings: gpd.GeoDataFrame, factors: Picks, *,
              residents: NDArray[np.floating] | None = None) -> pd.DataFrame:
    """Return how many vehicle trips a day residents of each zone make, and jobs there attract.

    Parameters
    ----------
    zones
        Polygons that do not overlap.
    buildings
        Buildings layer, in the same CRS.
    factors
        Factor tables bound to a place.
    residents
        Residents of each building, shape (buildings,); from homes, else from housing floor area,
        when None.

    Returns
    -------
    pandas.DataFrame
        One row per zone: ``residents`` and ``jobs``, ``production`` and ``attraction``
        [vehicle d-1], the middle of what makes the trips, ``x`` and ``y`` [m], and the ``radius``
        of a circle of the zone's area [m]. In ``attrs``, ``outside`` is the share of all floor area
        that lies in no zone.

    Raises
    ------
    MissingInput
        When no building lies in a zone.

    Notes
    -----
    A person makes ``trips_per_head`` trips, ``car_share`` of them by car with ``car_occupancy``
    aboard; vans, lorries and buses add ``commercial_share``. A job attracts ``job_trips``, an
    inhabitant ``home_trips``, in the same way. A building belongs to the zone of a point in it.
    """
    floor = gross_floor_area(buildings)
    inside = shapely.point_on_surface(buildings.geometry.to_numpy())
    at, zone = shapely.STRtree(zones.geometry.to_numpy()).query(inside, predicate="intersects")
    at, once = np.unique(at, return_index=True)
    zone = zone[once]
    if not len(at):
        raise MissingInput("no building lies in the zones", mend="Make zones over the buildings")
    use = buildings["use"].to_numpy(dtype="object")
    people = residents_of(buildings, factors).value if residents is None \
        else np.asarray(residents, dtype=float)
    if people.shape != floor.shape:
        raise CityTwinError(f"residents have shape {people.shape}, expected ({len(floor)},)")
    jobs, drawn = np.zeros(len(floor)), people * factors.pick("home_trips", "person-1 d-1").value
    for name in JOBS:
        there = use == name
        if there.any():
            jobs[there] = floor[there] / factors.pick(f"floor_per_job.{name}",
                                                      "m2 person-1").value
            drawn[there] += jobs[there] * factors.pick(f"job_trips.{name}",
                                                       "person-1 d-1").value
    by_car = (factors.pick("car_share", "1").value
              / factors.pick("car_occupancy", "person vehicle-1").value
              / (1.0 - factors.pick("commercial_share", "1").value))
    made = people * factors.pick("trips_per_head", "person-1 d-1").value * by_car
    drawn = drawn * by_car
    table = pd.DataFrame({"residents": people, "jobs": jobs, "production": made,
                          "attraction": drawn}).iloc[at].groupby(zone).sum()
    table = table.reindex(range(len(zones)), fill_value=0.0)
    weight = np.maximum((made + drawn)[at], 1e-12)
    xy = shapely.get_coordinates(inside[at])
    total = np.bincount(zone, weight, len(zones))
    own = shapely.get_coordinates(shapely.point_on_surface(zones.geometry.to_numpy()))
    for k, name in enumerate(("x", "y")):
        moment = np.bincount(zone, weight * xy[:, k], len(zones))
        table[name] = np.divide(moment, total, out=own[:, k].copy(), where=total > 0)
    table["radius"] = np.sqrt(zones.area.to_numpy() / np.pi)
    table.index = zones.index
    table.attrs["outside"] = 1.0 - float(floor[at].sum() / floor.sum()) if floor.sum() > 0 else 0.0
    return table


def road_distance(network: Network, ends: pd.DataFrame, doors: int = 1) -> tuple[Floats, Ints]:
    """Return how far zones are from the nearest junctions where trips may begin, and which.

    Parameters
    ----------
    network
        Road network.
    ends
        Zones with ``x``, ``y`` [m].
    doors
        Number of junctions wanted.

    Returns
    -------
    distance, node : numpy.ndarray
        Shape (zones, doors), fewer columns where there are fewer junctions [m, 1].

    Raises
    ------
    MissingInput
        When trips can begin nowhere.
    """
    junction = np.flatnonzero(network.access)
    if not len(junction):
        raise MissingInput("the network has no junction where trips could begin",
                           mend="Read streets besides motorways and trunk roads")
    far, near = cKDTree(network.xy[junction]).query(
        ends[["x", "y"]].to_numpy(dtype=float), k=np.arange(1, min(doors, len(junction)) + 1))
    return far, junction[near].astype(np.int32)


def join_zones(network: Network, ends: pd.DataFrame, *, doors: int = 6,
               reach: float = 1000.0) -> Network:
    """Return a network whose zones are those given, and after them the gates of the area.

    Each zone gets a node of its own at the middle of its trips, joined to the nearest junctions;
    trips choose among them by time, and no trip passes through a zone.

    Parameters
    ----------
    network
        Road network; zones and gates it has already are replaced.
    ends
        Zones with ``x``, ``y`` and ``radius`` [m], as `trip_ends` gives them.
    doors
        Junctions a zone is joined to at most. None is farther than the nearest by more than 200 m
        or half the radius of the zone.
    reach
        How far these may be [m].

    Raises
    ------
    MissingInput
        When a zone that makes or attracts trips has no road within ``reach``.
    """
    xy = ends[["x", "y"]].to_numpy(dtype=float)
    far, near = road_distance(network, ends, doors)
    spare = np.maximum(FURTHER, ends["radius"].to_numpy()[:, None] / 2 if "radius" in ends else 0.0)
    found = (far <= reach) & (far <= far[:, :1] + spare)
    busy = np.ones(len(ends), dtype=bool)
    if {"production", "attraction"} <= set(ends.columns):
        busy = (ends["production"] + ends["attraction"]).to_numpy() > 0
    alone = np.flatnonzero(~found[:, 0] & busy)
    if len(alone):
        names = ", ".join(str(name) for name in ends.index[alone[:5]])
        raise MissingInput(
            f"{len(alone)} of {len(ends)} zones have trips but no connected road within {reach:g} "
            f"m: {names}", mend="Read the roads there, raise reach, or leave these zones out")
    zone, door = np.nonzero(found)
    centre = network.nodes + zone
    junction = near[zone, door]
    length = np.maximum(far[zone, door], 1.0) * DETOUR
    time = length * 3.6 / CRAWL
    zones = np.concatenate([network.nodes + np.arange(len(ends)), network.gates])
    return _grown(network, xy, np.concatenate([centre, junction]).astype(np.int32),
                  np.concatenate([junction, centre]).astype(np.int32), np.tile(length, 2),
                  np.tile(time, 2), zones.astype(np.int32))


def _grown(network: Network, xy: Floats, tail: Ints, head: Ints, length: Floats, time: Floats,
           zones: Ints) -> Network:
    """Return a network with closed nodes and links to them that volume does not slow."""
    j, k = len(tail), len(xy)
    no = np.zeros(k, dtype=bool)
    return replace(
        network, tail=np.concatenate([network.tail, tail]).astype(np.int32),
        head=np.concatenate([network.head, head]).astype(np.int32),
        length=np.concatenate([network.length, length]),
        free_time=np.concatenate([network.free_time, time]),
        capacity=np.concatenate([network.capacity, np.full(j, np.inf)]),
        alpha=np.concatenate([network.alpha, np.zeros(j)]),
        beta=np.concatenate([network.beta, np.ones(j)]),
        nodes=network.nodes + k, xy=np.concatenate([network.xy, xy]),
        road=np.concatenate([network.road, np.full(j, NO_ROAD)]).astype(np.int32),
        along=np.concatenate([network.along, np.ones(j, dtype=bool)]),
        access=np.concatenate([network.access, no]),
        lines=np.concatenate([network.lines, np.full(j, None, dtype=object)]),
        closed=np.concatenate([network.closed, ~no]), zones=zones)
