"""What others say of their plants, next to what we compute."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from twin.sun.ranges import Ranged

COAL = 29.3076 * 0.0946  # CO2 of a tonne of coal equivalent: 94.6 kg/GJ, IPCC 2006 [t]
DIOXIDE = 44 / 12        # carbon dioxide per carbon


@dataclass(frozen=True)
class Claim:
    """What is said of a plant in public.

    Parameters
    ----------
    name
        The plant.
    power
        Rated power [MW].
    energy
        Electricity of a year [GWh a-1].
    avoided
        Carbon dioxide said to be avoided, NaN where nothing is said [t a-1].
    coal
        Coal said to be saved, NaN where nothing is said [t a-1 of coal equivalent].
    source
        Where it is said, and when.
    """

    name: str
    power: float
    energy: float
    avoided: float
    coal: float
    source: str

    @property
    def specific(self) -> float:
        """Yield implied [kWh kW-1 a-1]."""
        return 1000 * self.energy / self.power

    @property
    def grid(self) -> float:
        """Carbon dioxide per electricity implied [kg kWh-1]."""
        return self.avoided / self.energy / 1000


DAXING = Claim("Beijing Daxing airport", 5.61, 6.1, 966.0, 1900.0, "pvnews.cn, September 2019")
FREIGHT = Claim("Freight base of Beijing Capital airport", 26.4, 38.2, np.nan, np.nan,
                "Beijing Youth Daily, reported for 2022")


def beside(claim: Claim, ours: Ranged, grid: Ranged, *, weather: str,
           degradation: float, life: float) -> list[str]:
    """Return a claim and our numbers next to each other, in words, with why they differ.

    Parameters
    ----------
    claim
        What is said.
    ours
        Our yield of such a plant in its first year [kWh kW-1 a-1].
    grid
        Factor of the grid the plant feeds [kg kWh-1].
    weather
        Name of the weather our yield is from, and of its place where that is another one.
    degradation, life
        As in `Terms`.
    """
    mean = 1 - degradation * (max(1, round(life)) - 1) / 2
    apart = claim.specific / ours.value - 1
    within = "within" if ours.low <= claim.specific <= ours.high else "outside"
    lines = [
        f"{claim.name} ({claim.source}): {claim.power:g} MWp, {claim.energy:g} GWh a year, so "
        f"{claim.specific:,.0f} kWh/kWp.",
        f"Ours, {weather}: {ours.value:,.0f} ({ours.low:,.0f} to {ours.high:,.0f}) kWh/kWp in the "
        f"first year, {ours.value * mean:,.0f} on the mean of {life:g} years. The claim is "
        f"{abs(apart):.0%} {'below' if apart < 0 else 'above'} the first year and {within} our "
        "range; it does not name the tilt, the weather or the age it holds for.",
    ]
    if np.isfinite(claim.avoided):
        lines.append(
            f"It avoids {claim.avoided:,.0f} t of CO2 a year, so {claim.grid:.3f} kg/kWh: "
            f"{claim.grid / grid.value:.2f} times the grid's {grid.value:.3f} ({grid.low:.3f} to "
            f"{grid.high:.3f}), by which it would be {1000 * claim.energy * grid.value:,.0f} t.")
    if np.isfinite(claim.coal):
        as_coal, as_carbon = claim.coal * COAL, claim.avoided * DIOXIDE
        per_kwh = as_carbon / claim.energy / 1000
        lines.append(
            f"The claim does not agree with itself: the {claim.coal:,.0f} t of coal it saves would "
            f"give {as_coal:,.0f} t of CO2 ({as_coal / claim.energy / 1000:.2f} kg/kWh). Were its "
            f"{claim.avoided:,.0f} t carbon and not carbon dioxide, they would be {as_carbon:,.0f} "
            f"t ({per_kwh:.2f} kg/kWh), {per_kwh / grid.value:.2f} times the grid's. We take the "
            "published factor of the grid.")
    return lines
