"""The balance: what is emitted less what is taken up."""

from __future__ import annotations

from twin.estimate import Estimate
from twin.label import Var, indicator


@indicator(
    Var("co2_net", "kg m-2 a-1", "Net CO2: buildings and traffic less uptake", total="sum",
        total_units="t a-1", estimate=True, better=-1,
        parts=("building_co2", "traffic_co2", "-carbon_sink")),
)
def co2_net(building_co2: Estimate, traffic_co2: Estimate, carbon_sink: Estimate) -> Estimate:
    """Net CO2 of each cell; the ranges of the three parts combine as independent ones.

    References
    ----------
    IPCC 2006 Guidelines, volume 1, chapter 3, equation 3.2.
    """
    return building_co2 + traffic_co2 - carbon_sink
