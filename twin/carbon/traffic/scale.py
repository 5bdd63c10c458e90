"""Scaling of modelled traffic to what is known: counts, a control total or fuel sold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from layers.errors import CityTwinError

Floats = NDArray[np.float64]
How = Literal["counts", "control total", "fuel sales", "uncalibrated"]
GOOD_GEH = 5.0  # a modelled hour nearer to its count than this is called good


@dataclass(frozen=True)
class Calibration:
    """What modelled traffic was scaled by, and by which knowledge.

    Parameters
    ----------
    method
        ``"counts"``, ``"control total"``, ``"fuel sales"`` or ``"uncalibrated"``.
    factor
        What volumes are multiplied by: the known over the modelled.
    known, modelled
        What was compared, before scaling, in ``unit``.
    unit
        Unit of both.
    links
        Number of counted links.
    error
        Root mean square difference from the counts after scaling, as a share of their mean; NaN
        without counts.
    good
        Share of counted links whose hour is within a GEH of 5 after scaling; NaN without counts.
    """

    method: How
    factor: float
    known: float = float("nan")
    modelled: float = float("nan")
    unit: str = ""
    links: int = 0
    error: float = float("nan")
    good: float = float("nan")

    def __str__(self) -> str:
        if self.method == "uncalibrated":
            return "uncalibrated: no count, control total or fuel sales"
        at = f" of {self.links} links" if self.links else ""
        return (f"scaled by {self.factor:.3g} to {self.method}{at}: {self.known:.4g} known, "
                f"{self.modelled:.4g} modelled [{self.unit}]")


UNCALIBRATED = Calibration("uncalibrated", 1.0)


def scale_to_counts(modelled: ArrayLike, counted: ArrayLike, length: ArrayLike, *,
                    peak: float = 0.09) -> Calibration:
    """Return the factor that gives counted links their counted vehicle km.

    Parameters
    ----------
    modelled
        Annual mean daily volume by the model, shape (n,) [vehicle d-1].
    counted
        Counted volume of the same links or roads; NaN where there is none, shape (n,)
        [vehicle d-1].
    length
        Shape (n,) [m].
    peak
        Share of a day's traffic in its busiest hour, for the GEH.

    Raises
    ------
    CityTwinError
        When nothing is counted, or the model has no traffic where it is.

    Notes
    -----
    The ratio of the two sums of volume times length, so that short links count for little.
    ``GEH = sqrt(2 (m - c)^2 / (m + c))`` of hourly volumes.
    """
    m, c, km = (np.asarray(a, dtype=float) for a in (modelled, counted, length))
    at = np.isfinite(c) & np.isfinite(m)
    if not at.any():
        raise CityTwinError("no link has a counted volume",
                            mend="Give counts in the column volume of the roads")
    m, c, km = m[at], c[at], km[at] / 1000.0
    known, got = float((c * km).sum()), float((m * km).sum())
    factor = _ratio(known, got, "counted links")
    fitted = m * factor
    error = float(np.sqrt(np.mean((fitted - c) ** 2)) / c.mean()) if c.mean() > 0 else float("nan")
    both = np.maximum(fitted + c, 1e-12)
    geh = np.sqrt(2.0 * peak * (fitted - c) ** 2 / both)
    return Calibration("counts", factor, known, got, "vehicle km d-1", int(at.sum()), error,
                       float((geh < GOOD_GEH).mean()))


def scale_to_total(vehicle_km: float, control_total: float, *,
                   counted_km: float = 0.0) -> Calibration:
    """Return the factor that gives a city its known vehicle kilometres.

    Parameters
    ----------
    vehicle_km
        Modelled in a year, inside the same area, on all roads [km a-1].
    control_total
        Known [km a-1].
    counted_km
        Part of both on counted roads, which keep their counts [km a-1].
    """
    known, got = control_total - counted_km, vehicle_km - counted_km
    if known < 0:
        raise CityTwinError(f"counted roads carry {counted_km:g} km a year, more than the control "
                            f"total of {control_total:g}", mend="Look at the unit of both")
    return Calibration("control total", _ratio(known, got, "the network"), known, got, "km a-1")


def scale_to_fuel(used: Mapping[str, float], sold: Mapping[str, float]) -> Calibration:
    """Return the factor that makes traffic burn the fuel that is sold.

    Parameters
    ----------
    used
        Energy of modelled traffic by fuel [MJ a-1].
    sold
        Energy of the fuel sold, by fuel: mass times ``heating_value`` [MJ a-1].

    Raises
    ------
    CityTwinError
        When a fuel that is sold is not used at all.

    Notes
    -----
    The ratio of the sums over the fuels named in ``sold``: one factor, as volumes are scaled and
    not the fleet. Fuel is not always burnt where it is sold.
    """
    strange = sorted(set(sold) - set(used))
    if strange or not sold:
        raise CityTwinError(f"fuel sold is {', '.join(strange) or 'none'}, expected some of "
                            f"{', '.join(sorted(used))}")
    known, got = (float(sum(each[fuel] for fuel in sold)) for each in (sold, used))
    return Calibration("fuel sales", _ratio(known, got, "the network"), known, got, "MJ a-1")


def _ratio(known: float, modelled: float, where: str) -> float:
    if not (np.isfinite(known) and known >= 0):
        raise CityTwinError(f"known traffic is {known!r}, expected a number of at least 0")
    if not modelled > 0:
        raise CityTwinError(f"the model has no traffic on {where} to scale",
                            mend="Look at the demand and the network")
    return known / modelled


def keep_counts(scaled: ArrayLike, counted: ArrayLike) -> Floats:
    """Return volumes with the counts where there are any, shape (n,) [vehicle d-1]."""
    values, counts = np.asarray(scaled, dtype=float), np.asarray(counted, dtype=float)
    return np.where(np.isfinite(counts), counts, values)
