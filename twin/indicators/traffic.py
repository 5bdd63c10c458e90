"""Road traffic: how many vehicle kilometres each road carries, and the CO2 of it."""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np
from scipy.sparse import csr_array

from layers.errors import CityTwinError
from layers.roads import MOTOR
from twin.estimate import Estimate, relative, spread
from twin.fleet import Fleet
from twin.label import Var, indicator

DAYS = 365.0
COUNTED = (0.15, 0.15)  # 95 % range of a counted volume [1]
VOLUMES = ("class", "lanes")
SCALED = (0.15, 0.15)   # of a sum that was scaled to a control total [1]


@indicator(
    Var("vehicle_km", "km m-2 a-1", "Vehicle kilometres driven", total="sum",
        total_units="km a-1", estimate=True, low=0),
    Var("traffic_co2", "kg m-2 a-1", "CO2 of road traffic", total="sum", total_units="t a-1",
        estimate=True, better=-1, low=0),
    on="roads",
)
def road_traffic(roads: gpd.GeoDataFrame, roads_overlap: csr_array, city: Any, factors: Any, *,
                 volumes: str | None = None,
                 control_total: float | None = None) -> dict[str, Estimate]:
    """Volume x length x emission at the speed of the class, by vehicle and fuel.

    Volumes are counts where the road has one, else the default of the class, half of it on
    one-way roads. What comes from defaults is scaled to a control total when one is given; the
    record says which. Tailpipe CO2 of what is driven inside the area (territorial): the
    electricity of electric vehicles is not in it.

    Parameters
    ----------
    volumes
        ``"class"`` for the defaults by road class of small European towns, ``"lanes"`` for
        volumes by lane as in the core of a metropolis; None takes what fits the control total
        best, without one lanes in China and class elsewhere.
    control_total
        Vehicle kilometres driven inside the area in a year [km a-1]; the city's own control
        ``vehicle_km`` when None.

    Returns
    -------
    dict
        ``vehicle_km`` [km a-1] and ``traffic_co2`` [kg a-1] per road.

    References
    ----------
    EC WG-AEN (2007), Good Practice Guide for Strategic Noise Mapping, toolkits 2.5 and 4.5;
    EMEP/EEA air pollutant emission inventory guidebook 2019, 1.A.3.b, appendix 4.
    """
    target = control_total if control_total is not None else city.controls.get("vehicle_km")
    if target is not None and not (isinstance(target, int | float) and 0 < target < 1e15):
        raise CityTwinError(f"control_total is {target!r}, expected vehicle km a year above zero")
    if volumes not in (None, *VOLUMES):
        raise CityTwinError(f"volumes is {volumes!r}, expected {' or '.join(map(repr, VOLUMES))}")
    counted = roads["volume"].notna().to_numpy()
    length = roads.length.to_numpy()
    inside = np.divide(np.asarray(roads_overlap.sum(axis=0)).ravel(), length,
                       out=np.zeros_like(length), where=length > 0)

    def driven(which: str) -> tuple[np.ndarray, float]:
        """Vehicle km a year of each road, and the factor its defaults need to meet the total."""
        daily = np.where(counted, roads["volume"].fillna(0.0), _daily(roads, which, factors)[0])
        km = daily * DAYS * length / 1000.0
        guessed = float((km * inside)[~counted].sum())
        if target is None or guessed <= 0:
            return km, 1.0
        return km, max(0.0, target - float((km * inside)[counted].sum())) / guessed

    if volumes is None and target is not None:  # the pattern that fits the known total best
        volumes = min(VOLUMES, key=lambda v: abs(np.log(max(driven(v)[1], 1e-9))))
    volumes = volumes or ("lanes" if city.place.country == "CN" else "class")
    km, scale = driven(volumes)
    wide = _daily(roads, volumes, factors)[1]
    guesses = int((~counted & (km > 0)).sum())
    if target is None:
        down, up = np.where(counted, COUNTED[0], wide[0]), np.where(counted, COUNTED[1], wide[1])
        told = {"class": "of small towns (a big city has 3 to 6 times more: volumes=lanes)",
                "lanes": "by lane of a metropolis"}[volumes]
        factors.count(f"roads with default traffic {told}, no control total", guesses)
    else:
        km = np.where(counted, km, km * scale)
        down, up = (np.where(counted, COUNTED[end], SCALED[end]) for end in (0, 1))
        factors.count(f"roads with default traffic by {volumes}, scaled by {scale:.3g} to the "
                      "control total", guesses)

    grams, ef = emission_per_km(roads, factors)
    return {"vehicle_km": spread(km, (down, up)),
            "traffic_co2": spread(km * grams / 1000.0, (down, up), ef)}


def _daily(roads: gpd.GeoDataFrame, volumes: str,
           factors: Any) -> tuple[np.ndarray, tuple[np.ndarray, np.ndarray]]:
    """Default vehicles a day on each road and their relative range."""
    kind = roads["class"].to_numpy(dtype="object")
    daily = np.zeros(len(kind))
    down, up = np.zeros(len(kind)), np.zeros(len(kind))
    lanes = np.maximum(roads["lanes"].to_numpy(dtype=float), 1.0)
    one_way = np.where(roads["oneway"].to_numpy(dtype=bool), 0.5, 1.0)
    stem = "volume" if volumes == "class" else "lane_volume"
    for name in np.intersect1d(MOTOR, kind):
        at = kind == name
        factor = factors.pick(f"{stem}.{name}", "vehicle d-1")
        daily[at] = factor.value
        down[at], up[at] = relative(factor)
    return daily * (one_way if volumes == "class" else lanes), (down, up)


def emission_per_km(roads: gpd.GeoDataFrame,
                    factors: Any) -> tuple[np.ndarray, tuple[float, float]]:
    """Return the mean tailpipe CO2 of a vehicle kilometre on each road [g km-1].

    The fleet of the place drives on every road at the mean speed of the class, or at the limit
    where that is lower. (The heavy shares of the noise guide are made for noise: they are too high
    for fuel.)
    """
    kind = roads["class"].to_numpy(dtype="object")
    limit = roads["speed_limit"].to_numpy(dtype=float)
    grams = np.zeros(len(kind))
    fleet = Fleet.of(factors)
    for name in np.intersect1d(MOTOR, kind):
        at = kind == name
        speed = np.minimum(factors.pick(f"speed.{name}", "km h-1").value, limit[at])
        steps, back = np.unique(speed, return_inverse=True)
        grams[at] = fleet.grams(steps)[back]
    cold = factors.pick("cold_start", "1")
    ranges = np.array([relative(cold), (0.15, 0.15), (0.10, 0.10)])  # + curve class, + speed
    total = np.sqrt((ranges ** 2).sum(axis=0))
    return grams * cold.value, (float(total[0]), float(total[1]))

