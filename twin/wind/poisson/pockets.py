"""Passages that lead nowhere: air in them has no way out and stays at rest."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from twin.wind.domain import Domain

ALL, LATER, EARLIER = slice(None), slice(1, None), slice(None, -1)


def open_passages(domain: Domain) -> tuple[NDArray[np.int16], int]:
    """Return `under` without the passages that lead nowhere, and how many cells these had.

    Parameters
    ----------
    domain
        The box.

    Notes
    -----
    Air above a roof reaches the top of the box, so only the cells of a passage can be cut off. A
    passage is open at the edge of the box, beside a column whose upper air reaches down to it,
    and beside an open passage at a common level.
    """
    ground, top = domain.ground, domain.top
    ny, nz, nx = domain.shape
    under = np.ascontiguousarray(np.minimum(domain.under, nz), np.int16)
    has = under > ground
    if not has.any():
        return under, 0
    name = np.where(has, np.cumsum(has).reshape(ny, nx), 0)  # 0 is the air outside
    out = has.copy()
    out[1:-1, 1:-1] = False
    pairs = []
    for here, there in (((ALL, LATER), (ALL, EARLIER)), ((LATER, ALL), (EARLIER, ALL))):
        for a, b in ((here, there), (there, here)):
            out[a] |= has[a] & (top[b] < under[a])
        both = has[here] & has[there]
        both &= np.maximum(ground[here], ground[there]) < np.minimum(under[here], under[there])
        pairs.append(np.stack((name[here][both], name[there][both])))
    pairs.append(np.stack((name[out], np.zeros_like(name[out]))))
    a, b = np.concatenate(pairs, axis=1)
    size = int(name.max()) + 1
    group = connected_components(coo_array((np.ones(len(a)), (a, b)), shape=(size, size)),
                                 directed=False)[1]
    lost = has & (group[name] != group[0])
    cells = int((under[lost] - ground[lost]).sum())
    return np.where(lost, 0, under).astype(np.int16), cells
