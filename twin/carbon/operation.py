"""Operation of buildings: floor area, energy by carrier, and the CO2 of it, as entries."""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np

from layers.buildings import gross_floor_area
from twin.carbon.entries import Entries, entries
from twin.carbon.parts import Cause, Part
from twin.factor import Factor

CARRIERS = ("electricity", "gas", "oil", "coal", "heat", "biomass")
EMITS = {"electricity": "grid", "gas": "fuel.gas", "oil": "fuel.oil", "coal": "fuel.coal",
         "heat": "heat", "biomass": "fuel.biomass"}
BROUGHT = ("electricity", "heat")  # scope 2

# How well the floor area of all buildings is known, 95 %, by where the storeys come from [1].
FLOOR_RANGE = {"tag": 0.15, "height": 0.40}


def operation(buildings: gpd.GeoDataFrame, factors: Any) -> Entries:
    """Return the CO2 of operating buildings by use and carrier.

    Parameters
    ----------
    buildings
        The buildings layer.
    factors
        Gives ``eui.<use>``, ``carrier.<group>.<carrier>`` and what carriers emit.

    Returns
    -------
    Entries
        Activity in kWh a-1.

    Notes
    -----
    ``floor area x intensity of the use x share of the carrier x factor``. A larger share of one
    carrier takes from all alike. Electricity and district heat count where they are used.

    References
    ----------
    IPCC 2006 Guidelines, volume 2, equation 2.1; each factor names its own source.
    """
    area = gross_floor_area(buildings)
    use = buildings["use"].to_numpy(dtype="object")
    told = buildings["floors_from"].to_numpy(dtype="object")
    blocks = []
    for kind in np.unique(use):
        intensity = factors.pick(f"eui.{kind}", "kWh m-2 a-1")
        shares = carrier_shares(factors, kind)
        for source, wide in FLOOR_RANGE.items():
            rows = np.flatnonzero((use == kind) & (told == source))
            energy = area[rows] * intensity.value
            known = Cause(f"floor area, storeys by {source}", -wide, wide)
            for carrier, share in shares.items():
                emits = factors.pick(EMITS[carrier], "kg kWh-1")
                part = Part(
                    "buildings", "buildings", str(kind), carrier, 2 if carrier in BROUGHT else 1,
                    "B6", "kWh a-1", emits.factor_id,
                    (Cause.of(intensity), known, Cause.of(emits), *_mixed(shares, carrier)),
                    year=intensity.year, tier=1 if intensity.region == "WORLD" else 2,
                    quality="M" if source == "tag" else "L")
                activity = energy * share.value
                blocks.append((part, rows, activity, activity * emits.value))
    return entries("buildings", len(buildings), blocks)


def carrier_shares(factors: Any, use: str) -> dict[str, Factor]:
    """Return the shares of the carriers in the final energy of a use, those above zero."""
    group = "residential" if use == "residential" else "service"
    every = {c: factors.pick(f"carrier.{group}.{c}", "1") for c in CARRIERS}
    return {c: s for c, s in every.items() if s.value > 0}


def _mixed(shares: dict[str, Factor], carrier: str) -> list[Cause]:
    """Return how the rows of a carrier move with the share of each carrier."""
    causes = []
    for other, share in shares.items():
        ends = []
        for end in (share.low, share.high):
            step = end - share.value
            own = (share.value + step) / share.value if other == carrier else 1.0
            ends.append(own / (1 + step) - 1)
        causes.append(Cause(share.factor_id, ends[0], ends[1]))
    return causes
