"""How turbulent the wind is: what came with it, and what walls and wakes add."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

PEAK = 3.5  # of a gust of about 3 s over the standard deviation (tag S: Eddy3D's comfort code)
SIGMA_U = 0.96 ** -0.5  # sigma_u over the root of k, neutral surface layer


class Turbulence(NamedTuple):
    """Strengths of what is added to the turbulence of the inflow.

    Parameters
    ----------
    shear
        Of the production by horizontal shear over the mixing length squared [1].
    wake
        Of the energy in wakes over the roof speed squared and the share of wind lost [1].
    most
        Limit of the shear's part over the roof speed squared [1].
    """

    shear: float = 3.2
    wake: float = 0.03
    most: float = 0.06


def gust(speed: NDArray[np.float32], k: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the gust of about 3 s, ``U + 3.5 sigma_u`` [m s-1].

    Parameters
    ----------
    speed
        Mean speed [m s-1].
    k
        Turbulent kinetic energy [m2 s-2].

    Notes
    -----
    sigma_u^2 is k / 0.96, the share of the along-wind part in a neutral surface layer (Panofsky &
    Dutton 1984: sigmas 2.39, 1.92, 1.25 of the friction velocity).
    """
    return np.asarray(speed + PEAK * SIGMA_U * np.sqrt(k), dtype=np.float32)


def scalar_speed(speed: NDArray[np.float32], k: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the speed a probe without direction sees, ``sqrt(U^2 + 2 k)`` [m s-1].

    Thermistors and cups see the mean of the magnitude, fluctuations too; this is its root mean
    square, a little above it.
    """
    return np.asarray(np.sqrt(speed ** 2 + 2.0 * k), dtype=np.float32)
