"""How traffic volumes are known: the defaults of classes, and how sure volumes are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
from numpy.typing import NDArray

from layers.roads import MOTOR
from twin.carbon.parts import Cause
from twin.carbon.traffic.scale import Calibration
from twin.estimate import relative

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
WITHIN = 1.959964  # standard deviations from the middle to the end of a 95 % range


@dataclass(frozen=True)
class Known:
    """How the volumes of some roads are known.

    Parameters
    ----------
    causes
        What is uncertain about them together.
    own
        Relative 95 % range of each single road, down and up [1].
    tier, quality
        As in `twin.carbon.parts.Part`.
    counted
        Whether they were counted.
    """

    causes: tuple[Cause, ...]
    own: tuple[float, float]
    tier: int = 2
    quality: str = "L"
    counted: bool = False


def defaults_of(roads: gpd.GeoDataFrame, pattern: str,
           factors: Any) -> tuple[Floats, dict[str, Cause]]:
    """Return default vehicles a day on each road, and what is uncertain about each class.

    Parameters
    ----------
    roads
        The roads layer.
    pattern
        ``"class"`` or ``"lanes"``.
    factors
        Gives ``volume.<class>`` and ``lane_volume.<class>``.

    References
    ----------
    EC WG-AEN (2007), Good Practice Guide for Strategic Noise Mapping, toolkit 2.5.
    """
    kind = roads["class"].to_numpy(dtype="object")
    daily = np.zeros(len(kind))
    causes: dict[str, Cause] = {}
    lanes = np.maximum(roads["lanes"].to_numpy(dtype=float), 1.0)
    one_way = np.where(roads["oneway"].to_numpy(dtype=bool), 0.5, 1.0)
    stem = "volume" if pattern == "class" else "lane_volume"
    for name in np.intersect1d(MOTOR, kind):
        factor = factors.pick(f"{stem}.{name}", "vehicle d-1")
        daily[kind == name] = factor.value
        causes[str(name)] = Cause(factor.factor_id, -relative(factor)[0], relative(factor)[1])
    return daily * (one_way if pattern == "class" else lanes), causes


def known_of(roads: gpd.GeoDataFrame, counted: Bools, model: Bools, pattern: str, usual: str,
           calibration: Calibration, factors: Any) -> tuple[tuple[Known, ...], NDArray[np.int64]]:
    """Return the ways volumes are known, and which of them each road has.

    Parameters
    ----------
    roads
        The roads layer.
    counted, model
        Whether a road was counted, and whether a model has it, shape (n,).
    pattern
        ``"class"``, ``"lanes"`` or ``"assigned"``.
    usual
        Which defaults stand in where the model has no road.
    calibration
        What volumes were scaled to.
    factors
        Gives how sure volumes are.
    """
    def sigma(stem: str) -> tuple[float, float]:
        return scatter(float(factors.pick(stem, "1").value))

    known = [Known((), sigma("count_sigma"), 3, "M", counted=True)]
    way = np.zeros(len(counted), dtype=np.int64)
    total: tuple[Cause, ...] = ()
    if calibration.method in ("control total", "fuel sales"):
        wide = float(factors.pick("spread.traffic.total", "1").value)
        what = "vehicle kilometres" if calibration.method == "control total" else "fuel sold"
        total = (Cause(f"control total of {what}", -wide, wide),)
    elif calibration.method == "counts":  # the mean of so many roads, each with its own scatter
        one = float(factors.pick("assignment_sigma", "1").value) / np.sqrt(calibration.links)
        total = (Cause("scale to counted roads", -scatter(one)[0], scatter(one)[1]),)
    sure = "M" if total else "L"
    if pattern == "assigned":
        wide = float(factors.pick("spread.traffic.assigned", "1").value)
        known.append(Known(total or (Cause("demand of modelled traffic", -wide, wide),),
                           sigma("assignment_sigma"), quality=sure))
        way[model & ~counted] = 1
    rest = ~counted & ~model
    if not rest.any():
        return tuple(known), way
    own = sigma("volume_sigma")
    if total:
        way[rest] = len(known)
        known.append(Known(total, own, quality=sure))
        return tuple(known), way
    kind = roads["class"].to_numpy(dtype="object")
    for name, cause in defaults_of(roads, usual if pattern == "assigned" else pattern,
                              factors)[1].items():
        at = rest & (kind == name)
        if at.any():
            way[at] = len(known)
            known.append(Known((cause,), own))
    return tuple(known), way


def scatter(sigma: float) -> tuple[float, float]:
    """Return the 95 % range of a lognormal about its mean, down and up [1].

    Parameters
    ----------
    sigma
        Standard deviation of the logarithm [1].
    """
    mean, end = np.exp(sigma ** 2 / 2), np.exp(WITHIN * sigma)
    return float(1 - 1 / end / mean), float(end / mean - 1)
