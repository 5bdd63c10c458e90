"""How sure metered energy is after a retrofit or other heating: meters do not tell end uses."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from twin.carbon.carriers import CARRIERS
from twin.carbon.demand import Demand
from twin.carbon.intensity import Mix
from twin.carbon.meters import CARRIED
from twin.carbon.parts import Cause

Rows = NDArray[np.int64]


def edited_causes(demand: Demand, mix: Mix, carrier: int, rows: Rows) -> tuple[Cause, ...]:
    """Return what is assumed about metered energy of one carrier after an edit.

    Parameters
    ----------
    demand
        The energy of the buildings.
    mix
        Energy of their use.
    carrier
        Number of the carrier.
    rows
        The buildings: of one use and heating, the carrier metered and changed.

    Notes
    -----
    The reading stays whatever the split: with more heating in it there is less of all else. So the
    energy after the edit moves with the share of heating as far as the edit moved heating, and
    likewise with that of cooling. What other carriers gave as heat and this one gives now moves
    with the efficiency of both.
    """
    whole = float(demand.parts[:, rows, carrier].sum())
    causes = [Cause.of(share, moved / whole) for share, moved in
              zip((mix.heating, mix.cooling), _moved(demand, carrier, rows), strict=True)
              if share.value > 0]
    told = str(demand.heated[rows[0]])
    if told and CARRIED[told] == CARRIERS[carrier]:
        power = demand.efficiency["heat_pump" if told == "heat_pump" else CARRIED[told]]
        stays = float((demand.kept[rows] * demand.before[0, rows, carrier]).sum())
        part = (float(demand.parts[0, rows, carrier].sum()) - stays) / whole
        causes.append(Cause(power.factor_id, part * (power.value / power.low - 1),
                            part * (power.value / power.high - 1)))
        metered = demand.metered[rows] | demand.follows[rows]
        for at, name in enumerate(CARRIERS):
            if at != carrier:
                old = demand.efficiency[name]
                gave = float((demand.kept[rows] * demand.before[0, rows, at]
                              * metered[:, at]).sum())
                causes.append(Cause.of(old, gave * old.value / power.value / whole))
    return tuple(c for c in causes if c.low or c.high)


def edited_own(demand: Demand, carrier: int, rows: Rows, meter: tuple[float, float],
               estimate: tuple[float, float]) -> tuple[float, float]:
    """Return the 95 % range that each building has of its own after an edit, down and up [1].

    Parameters
    ----------
    demand, carrier, rows
        As for `edited_causes`.
    meter
        That of a reading [1].
    estimate
        That of a building without a meter [1].

    Notes
    -----
    Heating and cooling of one building stray from the mean of its use as its energy would. What
    the edit moved of them adds to the range of the reading, by the root of the sum of squares; it
    is no wider than that of the estimate and of the reading together.
    """
    whole = float(demand.parts[:, rows, carrier].sum())
    share = min(sum(abs(m) for m in _moved(demand, carrier, rows)) / whole, 1.0)
    down, up = (float(np.hypot(m, share * e)) for m, e in zip(meter, estimate, strict=True))
    return down, up


def _moved(demand: Demand, carrier: int, rows: Rows) -> tuple[float, float]:
    """Return by how much the edit changed heating and cooling of one carrier [kWh a-1]."""
    heat, cold = (demand.parts[:2, rows, carrier] - demand.before[:2, rows, carrier]).sum(axis=1)
    return float(heat), float(cold)
