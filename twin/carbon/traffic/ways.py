"""Time and length of the quickest ways between zones."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from twin.carbon.traffic.network import Network
from twin.carbon.traffic.trees import measure_trees

Floats = NDArray[np.float64]


def measure(network: Network, time: Floats | None = None) -> tuple[Floats, Floats]:
    """Return time and length of the quickest ways between all zones.

    Parameters
    ----------
    network
        The network.
    time
        Time of each link, shape (m,) [s]; the free one when None.

    Returns
    -------
    times, lengths : numpy.ndarray
        Shape (z, z) [s, m]; inf where no way leads.
    """
    by_tail = network.order
    z = len(network.zones)
    times, lengths = np.empty((z, z)), np.empty((z, z))
    measure_trees(network.first, network.tail[by_tail], network.head[by_tail],
                  (network.free_time if time is None else np.asarray(time, float))[by_tail],
                  network.length[by_tail], network.closed, network.zones, times, lengths)
    return times, lengths
