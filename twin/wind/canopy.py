"""Trees in the wind: where their crowns are, and how strongly they hold it back.

A crown takes momentum along every metre of the wind's way, ``dU/ds = -Cd a U`` with the leaf area
density a; the mixing of `twin.wind.shelter` brings it back. A wood so gets the canopy profile of
Cionco, a single tree its wake, and trees in a row shelter each other, without a rule for each.

References
----------
Shaw & Schumann (1992), doi:10.1007/BF00120767 [drag of leaves]. Cionco (1965), J. Appl. Meteorol.
4:517.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from twin.wind.domain import Domain, Short

# Recalled (tag R), about +/-30 %: mean of street trees in leaf.
LEAF_DENSITY = 0.5  # leaf area over crown volume [m2 m-3]
DRAG = 0.2          # of a leaf [1]
CROWN_BASE = 0.25   # height below the crown over the height of the tree [1]


@dataclass(frozen=True, eq=False)
class Canopy:
    """Crowns of a domain's columns.

    Parameters
    ----------
    low, high
        First level of the crown and first above it, (ny, nx); equal where there is none.
    drag
        Drag coefficient times leaf area density, (ny, nx) [m-1].
    height
        Tree tops above the ground, (ny, nx) [m].
    """

    low: Short
    high: Short
    drag: NDArray[np.float32]
    height: NDArray[np.float32]


def make_canopy(domain: Domain, height: NDArray[np.float32] | None, *,
                leaf: NDArray[np.float32] | float = LEAF_DENSITY,
                base: NDArray[np.float32] | float = CROWN_BASE) -> Canopy:
    """Return the crowns of a raster of tree tops; none inside buildings.

    Parameters
    ----------
    domain
        The box, whose margin the raster lacks.
    height
        Tree tops above ground, 0 where there are none, (ny, nx) without margin [m].
    leaf
        Leaf area density, one number or (ny, nx) [m2 m-3].
    base
        Height of the crown's base over that of its top [1].
    """
    shape = domain.top.shape
    if height is None:
        none = np.zeros(shape, np.int16)
        return Canopy(none, none, np.zeros(shape, np.float32), np.zeros(shape, np.float32))

    def padded(values: NDArray[np.float32] | float) -> NDArray[np.float32]:
        whole = np.broadcast_to(np.asarray(values, np.float32), np.shape(height))
        return np.pad(whole, domain.margin)

    tops = np.where(domain.top > domain.ground, 0.0, padded(height)).astype(np.float32)
    floor = domain.faces[domain.ground]
    high = np.searchsorted(domain.centres, floor + tops, side="right").astype(np.int16)
    low = np.searchsorted(domain.centres, floor + tops * padded(base)).astype(np.int16)
    low = np.minimum(np.maximum(low, domain.ground), high).astype(np.int16)
    drag = np.where(high > low, DRAG * padded(leaf), 0.0).astype(np.float32)
    return Canopy(low, high, drag, tops)
