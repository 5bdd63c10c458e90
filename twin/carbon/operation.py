"""Operation of buildings: their energy by carrier, and the CO2 of it, as entries."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import geopandas as gpd
import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from twin.carbon.carriers import BROUGHT, CARRIERS, EMITS, UPSTREAM, gas_of, grid_factor, group_of
from twin.carbon.demand import Demand, demand_of
from twin.carbon.doubts import causes_of, spreads
from twin.carbon.edited import edited_causes, edited_own
from twin.carbon.entries import Entries, entries
from twin.carbon.meters import METERED
from twin.carbon.parts import Cause, Part
from twin.carbon.self_use import module_blocks
from twin.estimate import Estimate
from twin.factor import Factor

Floats = NDArray[np.float64]
Block = tuple[Part, ArrayLike, ArrayLike, ArrayLike]
BASIS = ("the grid factor is life-cycle CO2e, that of fuels burnt is direct CO2; what comes with "
         "fuels from afar stands apart")


def operation(buildings: gpd.GeoDataFrame, factors: Any, *, weather: xr.Dataset | None = None,
              grid: str = "province", grid_year: float | None = None,
              pv_energy: Estimate | ArrayLike | None = None) -> Entries:
    """Return the CO2 of operating buildings by use and carrier.

    Parameters
    ----------
    buildings
        The buildings layer.
    factors
        Gives energy of uses, what carriers emit, and how single buildings stray; counts what is
        metered and on which basis electricity stands.
    weather
        Stretches heating and cooling by its degree days; not stretched when None.
    grid, grid_year
        As in `twin.carbon.carriers.grid_factor`.
    pv_energy
        What all modules that each roof can carry give in a year, shape (n,) [kWh a-1]; the share
        that stands is taken. None where it is not known.

    Returns
    -------
    Entries
        Activity in kWh a-1. Stage ``"B6"`` is what is used, with the electricity that modules
        save below zero; ``"upstream"`` is the making and bringing of fuels and ``"losses"`` those
        of grids; ``"D"`` is electricity of modules that others use, in no boundary.

    Notes
    -----
    Electricity and district heat count where they are used. The energy is as
    `twin.carbon.demand.demand_of` gives it.

    References
    ----------
    IPCC 2006 Guidelines, volume 2, equation 2.1; EN 15978:2011; each factor names its own source.
    """
    demand = demand_of(buildings, factors, weather=weather)
    power = grid_factor(factors, grid, grid_year)
    emits = {c: power if c == "electricity" else factors.pick(EMITS[c], "kg kWh-1")
             for c in CARRIERS}
    if gas_of(power) == "CO2e":
        factors.count(BASIS, 1, once="basis of the grid")
    afar = Afar(factors, life_cycle=gas_of(power) == "CO2e")
    blocks: list[Block] = []
    for part, rows, energy in _used(buildings, demand, factors, emits):
        emitted = energy * emits[part.item].value
        blocks += [(part, rows, energy, emitted), *afar.blocks(part, rows, energy, emitted)]
    for part, rows, energy, emitted in module_blocks(buildings, demand, factors, power, pv_energy):
        blocks.append((part, rows, energy, emitted))
        if part.stage == "B6":
            blocks += afar.blocks(part, rows, energy, emitted)
    return entries("buildings", len(buildings), blocks)


def energy_entries(account: Entries) -> Entries:
    """Return the final energy of an account of `operation`, as entries whose value is in kWh a-1.

    Notes
    -----
    What carriers emit is not among its causes. Electricity of modules is in it.
    """
    used = account.where(lambda p: p.stage == "B6" and p.item in CARRIERS)
    parts = tuple(p.but(causes=tuple(c for c in p.causes if c.name != p.factor_id))
                  for p in used.parts)
    return Entries(used.layer, used.count, parts, used.part, used.source, used.activity,
                   used.activity)


class Afar:
    """What comes with energy from elsewhere: fuels made and brought, and losses of grids.

    Parameters
    ----------
    factors
        Gives ``upstream.<carrier>`` and ``grid_loss``.
    life_cycle
        Whether the grid factor holds the fuels of its plants already.
    """

    def __init__(self, factors: Any, *, life_cycle: bool) -> None:
        self.upstream: dict[str, Factor] = {
            c: factors.pick(f"upstream.{c}", "1") for c in UPSTREAM
            if not (life_cycle and c == "electricity")}
        self.lost: Factor = factors.pick("grid_loss", "1")

    def blocks(self, part: Part, rows: NDArray[np.int64], energy: Floats,
               emitted: Floats) -> Iterator[Block]:
        """Yield the blocks that come with one of energy used.

        Notes
        -----
        What is lost is ``used x share / (1 - share)``, as the share is of what is sent out.
        """
        carrier = part.item if part.item in CARRIERS else "electricity"
        more = self.upstream.get(carrier)
        if more is not None and more.value > 0:
            yield (part.but(scope=3, stage="upstream", factor_id=more.factor_id, gas="CO2e",
                            causes=(*part.causes, Cause.of(more))),
                   rows, energy, emitted * more.value)
        if carrier == "electricity" and self.lost.value > 0:
            share, ends = self.lost.value, (self.lost.low, self.lost.high)
            over = share / (1 - share)
            low, high = (end / (1 - end) / over - 1 for end in ends)
            yield (part.but(scope=3, stage="losses",
                            causes=(*part.causes, Cause(self.lost.factor_id, low, high))),
                   rows, energy * over, emitted * over)


def _used(buildings: gpd.GeoDataFrame, demand: Demand, factors: Any, emits: dict[str, Factor]
          ) -> Iterator[tuple[Part, NDArray[np.int64], Floats]]:
    """Yield parts of energy used, their buildings, and the energy [kWh a-1]."""
    energy = demand.energy
    wide = spreads(factors)
    for rows in _alike(buildings, demand):
        use = str(buildings["use"].iloc[rows[0]])
        told = str(buildings["floors_from"].iloc[rows[0]])
        known = bool(buildings["use_from"].iloc[rows[0]] == "tag")
        mix = demand.mixes[use]
        for at, carrier in enumerate(CARRIERS):
            part = Part(
                "buildings", "buildings", use, carrier, 2 if carrier in BROUGHT else 1, "B6",
                "kWh a-1", emits[carrier].factor_id, gas=gas_of(emits[carrier]),
                year=mix.intensity.year, tier=1 if mix.intensity.region == "WORLD" else 2,
                quality="M" if told == "tag" and known else "L")
            read, after = demand.metered[rows, at], demand.follows[rows, at]
            for mine, fresh in (
                    (read, part.but(method="measured", tier=3, quality="H", own=wide.meter,
                                    provider="meter",
                                    document=f"buildings layer, {METERED.get(carrier, '')}")),
                    (after, part.but(tier=3)),
                    (~read & ~after, part.but(own=wide.of(known, told)))):
                some = rows[mine]
                if not (len(some) and energy[some, at].any()):
                    continue
                causes: tuple[Cause, ...] = (Cause.of(emits[carrier]),)
                if mine is after:
                    causes += edited_causes(demand, mix, at, some)
                    fresh = fresh.but(quality="M", own=edited_own(
                        demand, at, some, wide.meter, wide.of(known, told)))
                elif mine is not read:
                    causes = causes_of(demand, group_of(use), mix, at, some, told,
                                       emits[carrier], wide)
                yield fresh.but(causes=causes), some, energy[some, at]


def _alike(buildings: gpd.GeoDataFrame, demand: Demand) -> Sequence[NDArray[np.int64]]:
    """Return rows of buildings that share use, sources, period and heating."""
    keys = [buildings["use"], buildings["floors_from"], buildings["use_from"] == "tag",
            demand.period, demand.heated]
    code = np.zeros(len(buildings), dtype=np.int64)
    for key in keys:
        _, number = np.unique(np.asarray(key).astype(str), return_inverse=True)
        code = code * (number.max(initial=0) + 1) + number
    order = np.argsort(code, kind="stable")
    cuts = np.flatnonzero(np.diff(code[order])) + 1
    return [rows for rows in np.split(order, cuts) if len(rows)]
