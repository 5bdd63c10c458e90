"""Energy that buildings use in operation, and the CO2 of it."""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np

from layers.buildings import gross_floor_area
from twin.estimate import Estimate, relative, spread
from twin.label import Var, indicator

CARRIERS = ("electricity", "gas", "oil", "coal", "heat", "biomass")
EMITS = {"electricity": "grid", "gas": "fuel.gas", "oil": "fuel.oil", "coal": "fuel.coal",
         "heat": "heat", "biomass": "fuel.biomass"}

# How well the floor area is known, 95 %, by where the storeys come from [1].
FLOOR_RANGE = {"tag": 0.15, "height": 0.40}


@indicator(
    Var("building_energy", "kWh m-2 a-1", "Final energy of building operation", total="sum",
        total_units="GWh a-1", estimate=True, better=-1, low=0),
    Var("building_co2", "kg m-2 a-1", "CO2 of building operation", total="sum",
        total_units="t a-1", estimate=True, better=-1, low=0),
    on="buildings",
)
def building_energy(buildings: gpd.GeoDataFrame, factors: Any) -> dict[str, Estimate]:
    """Gross floor area x energy use intensity by use and climate x carriers x factors.

    Electricity and district heat count where they are used (scope 2). Process energy of industry
    is not in it.

    Returns
    -------
    dict
        ``building_energy`` [kWh a-1] and ``building_co2`` [kg a-1] per building.

    References
    ----------
    IPCC 2006 Guidelines, volume 2, equation 2.1; each factor names its own source.
    """
    area = gross_floor_area(buildings)
    use = buildings["use"].to_numpy(dtype="object")
    known = np.array([FLOOR_RANGE[f] for f in buildings["floors_from"]])
    intensity, emission = np.zeros(len(use)), np.zeros(len(use))
    eui = np.zeros((2, len(use)))
    mix = np.zeros((2, len(use)))
    for kind in np.unique(use):
        at = use == kind
        per_m2 = factors.pick(f"eui.{kind}", "kWh m-2 a-1")
        per_kwh = carbon_intensity(factors, kind)
        intensity[at], emission[at] = per_m2.value, per_kwh.value
        eui[:, at] = np.array(relative(per_m2))[:, None]
        mix[:, at] = np.array([[per_kwh.value - per_kwh.low],
                               [per_kwh.high - per_kwh.value]]) / max(per_kwh.value, 1e-12)
    default = int((buildings["use_from"] == "default").sum())
    factors.count("buildings whose use is a guess", default)
    energy = area * intensity
    floor, uses, mixes = (known, known), (eui[0], eui[1]), (mix[0], mix[1])
    return {"building_energy": spread(energy, floor, uses),
            "building_co2": spread(energy * emission, floor, uses, mixes)}


def carbon_intensity(factors: Any, use: str) -> Estimate:
    """Return kg CO2 per kWh of final energy of a use: carrier shares times their factors."""
    group = "residential" if use == "residential" else "service"
    shares = {c: factors.pick(f"carrier.{group}.{c}", "1") for c in CARRIERS}
    shares = {c: s for c, s in shares.items() if s.high > 0}
    emits = {c: factors.pick(EMITS[c], "kg kWh-1") for c in shares}
    value = sum(s.value * emits[c].value for c, s in shares.items())
    low2 = high2 = 0.0
    for carrier, share in shares.items():
        below, above = relative(emits[carrier])
        part = share.value * emits[carrier].value
        low2, high2 = low2 + (part * below) ** 2, high2 + (part * above) ** 2
        # A larger share of one carrier takes from the mean of all.
        for step in (share.high - share.value, share.low - share.value):
            shift = step * (emits[carrier].value - value)
            low2, high2 = low2 + min(shift, 0.0) ** 2, high2 + max(shift, 0.0) ** 2
    return Estimate(value, max(0.0, value - low2 ** 0.5), value + high2 ** 0.5)
