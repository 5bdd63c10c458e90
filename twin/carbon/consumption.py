"""What residents use that is made elsewhere: a stand-in per head, as no spending is known."""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np

from twin.carbon.entries import Entries, entries
from twin.carbon.parts import Cause, Part
from twin.people import residents_of


def consumption(buildings: gpd.GeoDataFrame, factors: Any) -> Entries:
    """Return the CO2e of what residents buy, beside the energy of their homes.

    Parameters
    ----------
    buildings
        The buildings layer.
    factors
        Gives ``consumption_per_head`` and what tells residents.

    Returns
    -------
    Entries
        Activity in residents. It is a proxy: it does not know what people of the place buy.

    References
    ----------
    PAS 2070:2013, consumption-based method; each factor names its own source.
    """
    heads = residents_of(buildings, factors).value
    rows = np.flatnonzero(heads > 0)
    if not len(rows):
        return entries("buildings", len(buildings), [])
    each = factors.pick("consumption_per_head", "kg person-1 a-1")
    room = factors.pick("floor_per_head", "m2 person-1")
    crowded = Cause(room.factor_id, room.value / room.low - 1, room.value / room.high - 1)
    part = Part("buildings", "consumption", "household", "goods and services", 3, "proxy", "person",
                each.factor_id, (Cause.of(each), crowded), gas="CO2e", year=each.year, quality="L")
    return entries("buildings", len(buildings),
                   [(part, rows, heads[rows], heads[rows] * each.value)])
