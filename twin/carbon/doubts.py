"""How sure the energy of buildings is: what whole uses share, and what each building has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twin.carbon.carriers import CARRIERS, mixed_causes
from twin.carbon.demand import Demand
from twin.carbon.intensity import Mix
from twin.carbon.meters import CARRIED
from twin.carbon.parts import Cause
from twin.factor import Factor

WITHIN = 1.959964  # standard deviations from the middle to the end of a 95 % range


@dataclass(frozen=True)
class Spreads:
    """How far single buildings lie from the mean of their use.

    Parameters
    ----------
    known, inferred
        Standard deviation of the logarithm of energy where the use is told, and where it is a
        guess [1].
    floor_area
        95 % range of the floor area of one building by where its storeys come from [1].
    floor_mean
        The same of many buildings.
    meter
        95 % range of a metered year, down and up [1].
    """

    known: float
    inferred: float
    floor_area: dict[str, float]
    floor_mean: dict[str, float]
    meter: tuple[float, float]

    def of(self, known: bool, storeys: str) -> tuple[float, float]:
        """Return the 95 % range of one building about the mean, down and up [1].

        Parameters
        ----------
        known
            Whether its use is told.
        storeys
            Where its storeys come from, ``"tag"`` or ``"height"``.

        Notes
        -----
        The energy of buildings of a use is lognormal about the mean of the use.
        """
        floor = self.floor_area[storeys] / WITHIN
        sigma = float(np.hypot(self.known if known else self.inferred, floor))
        mean, end = np.exp(sigma ** 2 / 2), np.exp(WITHIN * sigma)
        return float(1 - 1 / end / mean), float(end / mean - 1)


def spreads(factors: Any) -> Spreads:
    """Return how far single buildings lie from the mean, as the tables have it."""
    def pick(stem: str) -> float:
        return float(factors.pick(f"spread.{stem}", "1").value)

    of = {what: {s: pick(f"{what}.{s}") for s in ("tag", "height")}
          for what in ("floor_area", "floor_mean")}
    meter = pick("meter")
    return Spreads(pick("energy.known"), pick("energy.inferred"), of["floor_area"],
                   of["floor_mean"], (meter, meter))


def causes_of(demand: Demand, group: str, mix: Mix, carrier: int, rows: NDArray[np.int64],
              storeys: str, emits: Factor, wide: Spreads) -> tuple[Cause, ...]:
    """Return what buildings that are alike are uncertain about together, for one carrier.

    Parameters
    ----------
    demand
        The energy of the buildings.
    group
        Group of their use.
    mix
        Energy of their use.
    carrier
        Number of the carrier.
    rows
        The buildings: of one use, period and heating.
    storeys
        Where their storeys come from.
    emits
        What the carrier emits.
    wide
        From `spreads`.
    """
    heat, cold, rest = (float(demand.parts[e, rows, carrier].sum()) for e in range(3))
    whole = heat + cold + rest
    told = str(demand.heated[rows[0]])
    period = int(demand.period[rows[0]])
    causes = [Cause.of(mix.intensity), Cause.of(emits),
              Cause(f"floor area, storeys by {storeys}", -wide.floor_mean[storeys],
                    wide.floor_mean[storeys])]
    causes += mixed_causes(mix.shares, CARRIERS[carrier], 1 - heat / whole if told else 1.0)
    ages = demand.vintages[group]
    if period >= 0:
        moved = (heat + (cold if ages.cooled else 0.0)) / whole
        causes.append(Cause.of(ages.factors[period], moved))
    for end, share in ((0, mix.heating), (1, mix.cooling)):
        mine, times = demand.parts[end, rows, carrier], demand.times[end, rows]
        # Of a larger share the unchanged use gives as much as heating or cooling gains.
        gain = float((mine * (1 - 1 / np.where(times > 0, times, 1.0))).sum()) / whole
        if gain and share.value > 0:
            causes.append(Cause.of(share, gain))
        row = demand.weather.references[end]
        part = (heat, cold)[end] / whole
        if row is not None and part:
            causes.append(Cause(row.factor_id, part * (row.value / row.low - 1),
                                part * (row.value / row.high - 1)))
    if told and heat and CARRIED[told] == CARRIERS[carrier]:
        power = demand.efficiency["heat_pump" if told == "heat_pump" else CARRIED[told]]
        causes.append(Cause(power.factor_id, heat / whole * (power.value / power.low - 1),
                            heat / whole * (power.value / power.high - 1)))
    return tuple(c for c in causes if c.low or c.high)
