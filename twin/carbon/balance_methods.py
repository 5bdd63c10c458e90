"""Carbon that is weighed or measured in place of activity times factor: three more ways to a row.

Mass balance: what goes in as carbon and comes out neither as product nor into stock has been
emitted. Measured: the flow of a stack times its concentration. Metered: energy times its factor.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from layers.errors import CityTwinError, MissingInput
from layers.units import factor as unit_factor
from twin.carbon.rows import Ranged
from twin.estimate import Estimate, spread

Floats = NDArray[np.float64]

DIOXIDE = 44 / 12            # carbon dioxide per carbon
MOLAR = 44.0095e-3           # of carbon dioxide [kg mol-1]
GAS = 8.314462618            # gas constant [J mol-1 K-1]
ZERO = 273.15                # 0 degC [K]
LEAST_KNOWN = 0.75           # share of the time that must have been measured [1]
MOVED = ("into", "out", "stock_change")
BASES = ("wet", "dry")


def mass_balance(streams: pd.DataFrame, *, unit: str = "t",
                 carbon_unit: str = "kg kg-1") -> pd.DataFrame:
    """Return what each material emits by what becomes of its carbon.

    Parameters
    ----------
    streams
        One row a material: ``into``, ``out`` and ``stock_change``, what goes in, leaves as product
        or waste and is added to the stock in a year, zero where a column is missing [``unit``],
        and ``carbon``, its content [``carbon_unit``]. Columns ``unit`` and ``carbon_unit`` give
        units row by row; ``into_low``, ``into_high`` and so on give 95 % ranges.
    unit, carbon_unit
        Units of all rows, such as ``"m3"`` and ``"kg m-3"`` for a gas.

    Returns
    -------
    pandas.DataFrame
        ``value``, ``low`` and ``high`` [t a-1]; below zero where a product carries carbon away.
        Rows are independent of each other: see `add_up`.

    Notes
    -----
    ``E = (into - out - stock_change) C 44/12``, summed over the materials.

    References
    ----------
    IPCC 2006 Guidelines, volume 3; GB/T 32150-2015.
    """
    lacking = [c for c in ("carbon",) if c not in streams.columns]
    if lacking or not any(c in streams.columns for c in MOVED):
        raise MissingInput("a mass balance needs the column carbon and one of "
                           f"{', '.join(MOVED)}, got {', '.join(map(str, streams.columns))}")
    value: dict[str, Floats] = {}
    down, up = np.zeros(len(streams)), np.zeros(len(streams))
    ends: dict[str, tuple[Floats, Floats]] = {}
    for name in (*MOVED, "carbon"):
        value[name], *two = _with_range(streams, name)
        ends[name] = (two[0] - value[name], two[1] - value[name])
        if name != "stock_change" and (value[name] < 0).any():
            raise CityTwinError(f"{name} of {streams.index[int(np.argmax(value[name] < 0))]!r} is "
                                "below zero", mend="Name what leaves in the column out")
    net = value["into"] - value["out"] - value["stock_change"]
    scale = _scale(streams, unit, carbon_unit) * DIOXIDE
    emitted = net * value["carbon"] * scale
    for name, sign in (("into", 1.0), ("out", -1.0), ("stock_change", -1.0)):
        for move in ends[name]:
            step = sign * move * value["carbon"] * scale
            down, up = down + np.minimum(step, 0.0) ** 2, up + np.maximum(step, 0.0) ** 2
    for move in ends["carbon"]:
        step = net * move * scale
        down, up = down + np.minimum(step, 0.0) ** 2, up + np.maximum(step, 0.0) ** 2
    return pd.DataFrame({"value": emitted, "low": emitted - np.sqrt(down),
                         "high": emitted + np.sqrt(up)}, index=streams.index)


def add_up(rows: pd.DataFrame) -> Estimate:
    """Return the sum of independent rows with ``value``, ``low`` and ``high`` [unit of the rows].

    References
    ----------
    IPCC 2006 Guidelines, volume 1, chapter 3, equation 3.2.
    """
    value = float(rows["value"].sum())
    down, up = (float(np.sqrt(((rows[end] - rows["value"]) ** 2).sum())) for end in ("low", "high"))
    return Estimate(value, value - down, value + up)


@dataclass(frozen=True)
class StackEmission:
    """What a stack emitted while it was measured, gaps filled.

    Parameters
    ----------
    estimate
        Carbon dioxide over the whole time [t].
    known_share
        Share of the time that was measured [1].
    gaps
        Number of times filled with the mean of the others.
    """

    estimate: Estimate
    known_share: float
    gaps: int


def stack_emission(flow: ArrayLike, concentration: ArrayLike, *, hours: ArrayLike = 1.0,
                   moisture: ArrayLike = 0.0, flow_unit: str = "m3 h-1",
                   concentration_unit: str = "g m-3", flow_basis: str = "wet",
                   concentration_basis: str = "dry", flow_range: float = 0.05,
                   concentration_range: float = 0.03, temperature: float = 0.0,
                   pressure: float = 101.325, least_known: float = LEAST_KNOWN) -> StackEmission:
    """Return what a stack emits by its flow and concentration.

    Parameters
    ----------
    flow
        Volume flow at ``temperature`` and ``pressure``, shape (n,), NaN where it was not measured
        [``flow_unit``].
    concentration
        Carbon dioxide in the gas, same shape [``concentration_unit``]; a share of the volume in
        ``"percent"`` or ``"1"`` is turned into mass at ``temperature`` and ``pressure``.
    hours
        How long each value holds [h].
    moisture
        Water vapour in the gas, a share of its volume [0..1].
    flow_unit, concentration_unit
        Units of the two.
    flow_basis, concentration_basis
        ``"wet"`` or ``"dry"``: whether vapour is counted in the volume.
    flow_range, concentration_range
        Relative 95 % ranges, of the instruments and so the same all the time [1].
    temperature, pressure
        Conditions of the volumes [degC, kPa]: 0 in China and Europe, 20 in the United States.
    least_known
        Least share of the time that must have been measured [1].

    Returns
    -------
    StackEmission
        Gaps are filled with the mean of what was measured; the range holds that they may have been
        as low or as high as 95 % of the measured values.

    Raises
    ------
    CityTwinError
        When values are impossible or too few.

    Notes
    -----
    ``E = sum Q c dt``, times ``1 - w`` where a dry concentration meets a wet flow, over it where a
    wet one meets a dry flow. Volumes to mass: ``rho = p M / (R T)``, 1.964 kg m-3 at 0 degC.

    References
    ----------
    40 CFR 75, appendix F; ISO 14164; HJ 75-2017.
    """
    for name, basis in (("flow", flow_basis), ("concentration", concentration_basis)):
        if basis not in BASES:
            raise CityTwinError(f"basis of the {name} is {basis!r}, expected 'wet' or 'dry'")
    volume, held, vapour, time = (np.atleast_1d(a).astype(float) for a in np.broadcast_arrays(
        flow, concentration, moisture, hours))
    for name, values, most in (("flow", volume, np.inf), ("concentration", held, np.inf),
                               ("moisture", vapour, 0.99), ("hours", time, np.inf)):
        if (values < 0).any() or (values > most).any() or np.isinf(values).any():
            raise CityTwinError(f"{name} reaches from {np.nanmin(values):g} to "
                                f"{np.nanmax(values):g}, expected 0 to {most:g}")
    dry = {("wet", "dry"): 1 - vapour, ("dry", "wet"): 1 / (1 - vapour)}
    rate = (volume * unit_factor(flow_unit, "m3 h-1") * held
            * _mass_per_volume(concentration_unit, temperature, pressure)
            * dry.get((flow_basis, concentration_basis), 1.0)) / 1000
    known = np.isfinite(rate) & (time > 0)
    whole = float(time.sum())
    share = float(time[known].sum()) / whole if whole > 0 else 0.0
    if share < max(least_known, 1e-9):
        raise CityTwinError(f"{share:.0%} of the time was measured, {least_known:.0%} is needed",
                            mend="Estimate the year by fuel and factor instead")
    measured = float((rate[known] * time[known]).sum())
    missing = whole * (1 - share)
    ends = np.percentile(rate[known], [2.5, 97.5])
    mean = measured / float(time[known].sum())
    value = measured + mean * missing
    sure = spread(value, (flow_range, flow_range), (concentration_range, concentration_range))
    low = value - np.hypot(value - sure.low, max(mean - ends[0], 0.0) * missing)
    high = value + np.hypot(sure.high - value, max(ends[1] - mean, 0.0) * missing)
    return StackEmission(Estimate(value, float(max(low, 0.0)), float(high)), share,
                         int((~known).sum()))


def metered_emission(energy: ArrayLike, factor: Ranged, *, unit: str = "kWh",
                     factor_unit: str = "kg kWh-1", meter_range: float = 0.02) -> Estimate:
    """Return what metered energy emits, by meter.

    Parameters
    ----------
    energy
        Readings, shape (..., meters), not below zero [``unit``].
    factor
        Carbon of the energy, a factor or estimate [``factor_unit``]; the own unit of a factor that
        has one is used instead.
    unit, factor_unit
        Units of the two.
    meter_range
        Relative 95 % range of the meters [1].

    Returns
    -------
    Estimate
        Arrays in the shape of ``energy`` [t]. The factor is common to all, so that ranges of a
        sum add up.
    """
    read = np.asarray(energy, dtype=float)
    if not np.isfinite(read).all() or (read < 0).any():
        raise CityTwinError("metered energy must be finite and not below zero",
                            mend="Give what was fed in as a meter of its own")
    scale = unit_factor(f"{unit} {getattr(factor, 'unit', factor_unit)}", "t")
    size = abs(float(factor.value)) or 1.0
    away = ((factor.value - factor.low) / size, (factor.high - factor.value) / size)
    return spread(read * float(factor.value) * scale, away, (meter_range, meter_range))


def _mass_per_volume(unit: str, temperature: float, pressure: float) -> float:
    """Return what turns a concentration into kilograms per cubic metre."""
    if unit in ("1", "percent", "%", "ppm"):
        share = 1e-6 if unit == "ppm" else unit_factor(unit, "1")
        return share * 1000 * pressure * MOLAR / (GAS * (temperature + ZERO))
    return unit_factor(unit, "kg m-3")


def _with_range(table: pd.DataFrame, name: str) -> tuple[Floats, Floats, Floats]:
    value = _numbers(table, name, 0.0)
    low, high = (_numbers(table, f"{name}_{end}", value) for end in ("low", "high"))
    bad = ~(np.isfinite(value) & (low <= value) & (value <= high))
    if bad.any():
        row = int(np.argmax(bad))
        raise CityTwinError(f"{name} of {table.index[row]!r} is {value[row]:g} ({low[row]:g} to "
                            f"{high[row]:g}), expected a number within its range")
    return value, low, high


def _numbers(table: pd.DataFrame, name: str, rest: Any) -> Floats:
    if name not in table.columns:
        return np.broadcast_to(np.asarray(rest, dtype=float), (len(table),)).copy()
    return table[name].to_numpy(dtype=float)


def _scale(table: pd.DataFrame, unit: str, carbon_unit: str) -> Floats:
    """Return what turns amount times content of each row into tonnes."""
    amounts = table["unit"].astype(str) if "unit" in table else pd.Series(unit, table.index)
    contents = (table["carbon_unit"].astype(str) if "carbon_unit" in table
                else pd.Series(carbon_unit, table.index))
    both = amounts + " " + contents.where(contents != "1", "")
    times = {pair: unit_factor(pair.strip(), "t") for pair in both.unique()}
    return both.map(times).to_numpy(dtype=float)
