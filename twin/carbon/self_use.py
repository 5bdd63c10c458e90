"""Electricity of modules on buildings: what they use themselves, and what goes to others."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import geopandas as gpd
import numpy as np
from numpy.typing import ArrayLike, NDArray

from layers.errors import CityTwinError
from twin.carbon.carriers import gas_of
from twin.carbon.demand import Demand
from twin.carbon.parts import Cause, Part
from twin.estimate import Estimate
from twin.factor import Factor
from twin.sun.tariffs import payer

Floats = NDArray[np.float64]
USED, SOLD = "pv self-use", "pv export"


def module_blocks(buildings: gpd.GeoDataFrame, demand: Demand, factors: Any, grid: Factor,
                  pv_energy: Estimate | ArrayLike | None
                  ) -> Iterator[tuple[Part, NDArray[np.int64], Floats, Floats]]:
    """Yield what modules that stand save and give away: parts, buildings, energy and CO2.

    Parameters
    ----------
    buildings
        The buildings layer, with ``pv_share``.
    demand
        Their energy.
    factors
        Gives ``pv_money.self_use.<payer>``; counts modules whose yield is not known.
    grid
        What electricity of the grid emits.
    pv_energy
        What all modules that each roof can carry give, shape (n,) [kWh a-1].

    Raises
    ------
    CityTwinError
        When the energy is not one number a building, none below zero.

    Notes
    -----
    Both are below zero. A building uses the share that is usual for its use, and no more than its
    electricity. What it gives away is a memo in stage D, outside every boundary.

    References
    ----------
    EN 15978:2011, B6 and D; EN 15804:2012+A2:2019 for exported energy.
    """
    stands = buildings["pv_share"].to_numpy(dtype=float)
    if pv_energy is None:
        factors.count("buildings with modules whose electricity is not known and not counted",
                      int((stands > 0).sum()))
        return
    ends = (pv_energy.value, pv_energy.low, pv_energy.high) \
        if isinstance(pv_energy, Estimate) else (pv_energy,) * 3
    value, low, high = (np.asarray(e, dtype=float) for e in ends)
    if value.shape != stands.shape or not (np.isfinite(value) & (value >= 0)).all():
        raise CityTwinError(f"pv_energy has shape {value.shape}, expected one number not below "
                            f"zero for each of {len(stands)} buildings")
    made, power = value * stands, demand.of("electricity")
    use = buildings["use"].to_numpy(dtype=object)
    for kind in np.unique(use[made > 0].astype(str)):
        rows = np.flatnonzero((use == kind) & (made > 0))
        share = factors.pick(f"pv_money.self_use.{payer(kind)}", "1")
        whole = float(made[rows].sum())
        down, up = (float((e[rows] * stands[rows]).sum()) / whole - 1 for e in (low, high))
        used = np.minimum(share.value * made[rows], power[rows])
        part = Part("buildings", "buildings", kind, USED, 2, "B6", "kWh a-1", grid.factor_id,
                    (Cause("yield of modules on roofs", down, up), Cause.of(share),
                     Cause.of(grid)), gas=gas_of(grid), year=grid.year, tier=2)
        yield part, rows, -used, -used * grid.value
        sold = made[rows] - used
        given = share.value / (1 - share.value) if share.value < 1 else 0.0
        memo = part.but(item=SOLD, scope=3, stage="D", causes=(
            part.causes[0], Cause.of(share, -given), part.causes[2]))
        yield memo, rows, -sold, -sold * grid.value
