"""How many vehicle kilometres each road carries: counts, else defaults, scaled to a total."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
from numpy.typing import NDArray

from layers.errors import CityTwinError
from layers.roads import MOTOR
from twin.carbon.parts import Cause
from twin.estimate import Estimate, relative, spread

Floats = NDArray[np.float64]
DAYS = 365.0
COUNTED = (0.15, 0.15)  # 95 % range of a counted volume [1]
SCALED = (0.15, 0.15)   # of a sum that was scaled to a control total [1]
PATTERNS = ("class", "lanes")


@dataclass(frozen=True, eq=False)
class Volumes:
    """Vehicle kilometres of roads, and how they are known.

    Parameters
    ----------
    km
        Of each road as a whole, shape (n,) [km a-1].
    counted
        Whether the road has a count, shape (n,).
    causes
        What is uncertain about them, by the number in ``cause``.
    cause
        Which of ``causes`` each road has, shape (n,).
    calibration
        What they were brought to: ``"control total"`` or ``"uncalibrated"``.
    scale
        What defaults were multiplied by [1].
    """

    km: Floats
    counted: NDArray[np.bool_]
    causes: tuple[Cause, ...]
    cause: NDArray[np.int64]
    calibration: str
    scale: float

    @property
    def estimate(self) -> Estimate:
        """Vehicle kilometres with their range [km a-1]."""
        down, up = (np.array([getattr(c, end) for c in self.causes])[self.cause]
                    for end in ("low", "high"))
        return spread(self.km, (-down, up))


def volumes_of(roads: gpd.GeoDataFrame, inside: Floats, factors: Any, *,
               volumes: str | None = None, control_total: float | None = None,
               country: str = "") -> Volumes:
    """Return the vehicle kilometres of roads.

    Volumes are counts where the road has one, else the default of the class, half of it on
    one-way roads, or of its lanes. What comes from defaults is scaled to a control total when one
    is given; the record says which.

    Parameters
    ----------
    roads
        The roads layer.
    inside
        Share of each road inside the study area, shape (n,) [1].
    factors
        Gives ``volume.<class>`` and ``lane_volume.<class>``.
    volumes
        ``"class"``, ``"lanes"`` or None for what fits best.
    control_total
        Vehicle kilometres driven inside the area [km a-1].
    country
        ISO code; without a total, lanes are taken in China.

    Raises
    ------
    CityTwinError
        When the pattern is unknown or the total is no positive number.
    """
    if control_total is not None and not (isinstance(control_total, int | float)
                                          and 0 < control_total < 1e15):
        raise CityTwinError(f"control_total is {control_total!r}, expected vehicle km a year "
                            "above zero")
    if volumes not in (None, *PATTERNS):
        raise CityTwinError(f"volumes is {volumes!r}, expected {' or '.join(map(repr, PATTERNS))}")
    counted = roads["volume"].notna().to_numpy()
    length = roads.length.to_numpy()

    def driven(which: str) -> tuple[Floats, float]:
        """Vehicle km a year of each road, and the factor its defaults need to meet the total."""
        daily = np.where(counted, roads["volume"].fillna(0.0), _daily(roads, which, factors)[0])
        km = daily * DAYS * length / 1000.0
        guessed = float((km * inside)[~counted].sum())
        if control_total is None or guessed <= 0:
            return km, 1.0
        return km, max(0.0, control_total - float((km * inside)[counted].sum())) / guessed

    if volumes is None and control_total is not None:  # the pattern that fits the total best
        volumes = min(PATTERNS, key=lambda v: abs(np.log(max(driven(v)[1], 1e-9))))
    volumes = volumes or ("lanes" if country == "CN" else "class")
    km, scale = driven(volumes)
    causes = [Cause("counted volumes", -COUNTED[0], COUNTED[1])]
    cause = np.zeros(len(km), dtype=np.int64)
    guesses = int((~counted & (km > 0)).sum())
    if control_total is None:
        kind = roads["class"].to_numpy(dtype="object")
        for name, known in _daily(roads, volumes, factors)[1].items():
            cause[(kind == name) & ~counted] = len(causes)
            causes.append(known)
        told = {"class": "of small towns (a big city has 3 to 6 times more: volumes=lanes)",
                "lanes": "by lane of a metropolis"}[volumes]
        factors.count(f"roads with default traffic {told}, no control total", guesses)
    else:
        km = np.where(counted, km, km * scale)
        cause[~counted] = 1
        causes.append(Cause("control total of vehicle kilometres", -SCALED[0], SCALED[1]))
        factors.count(f"roads with default traffic by {volumes}, scaled by {scale:.3g} to the "
                      "control total", guesses)
    return Volumes(km, counted, tuple(causes), cause,
                   "uncalibrated" if control_total is None else "control total", scale)


def _daily(roads: gpd.GeoDataFrame, volumes: str,
           factors: Any) -> tuple[Floats, dict[str, Cause]]:
    """Default vehicles a day on each road, and what is uncertain about each class."""
    kind = roads["class"].to_numpy(dtype="object")
    daily = np.zeros(len(kind))
    causes: dict[str, Cause] = {}
    lanes = np.maximum(roads["lanes"].to_numpy(dtype=float), 1.0)
    one_way = np.where(roads["oneway"].to_numpy(dtype=bool), 0.5, 1.0)
    stem = "volume" if volumes == "class" else "lane_volume"
    for name in np.intersect1d(MOTOR, kind):
        factor = factors.pick(f"{stem}.{name}", "vehicle d-1")
        daily[kind == name] = factor.value
        causes[str(name)] = Cause(factor.factor_id, -relative(factor)[0], relative(factor)[1])
    return daily * (one_way if volumes == "class" else lanes), causes
