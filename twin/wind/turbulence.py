"""How turbulent the wind is: what came with it, and what walls and wakes add."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

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
    fall
        Power of the share of wind that is left, with which what the wind brings falls [1]; at 2
        the intensity is about constant between buildings (Macdonald 2000,
        doi:10.1023/A:1002785830512).
    """

    shear: float = 3.2
    wake: float = 0.05
    most: float = 0.1
    fall: float = 2.0


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


def counted_speed(speed: ArrayLike, k: ArrayLike) -> NDArray[np.float32]:
    """Return the mean horizontal speed that an anemometer counts [m s-1].

    Parameters
    ----------
    speed
        Speed of the mean wind [m s-1].
    k
        Turbulent kinetic energy, taken as alike in all directions [m2 s-2].

    Notes
    -----
    The mean of a Rice distribution with ``s^2 = 2 k / 3``: the speed itself where the air flows
    steadily, ``1.02 sqrt(k)`` where the mean wind is nothing.

    References
    ----------
    Rice (1945), Bell Syst. Tech. J. 24:46, doi:10.1002/j.1538-7305.1945.tb00453.x.
    """
    from scipy.special import i0e, i1e

    u = np.asarray(speed, dtype=np.float32)
    spread = np.maximum(np.asarray(k, dtype=np.float32) * np.float32(2 / 3), np.float32(1e-12))
    half = u * u / (np.float32(4) * spread)
    mean = (1 + 2 * half) * i0e(half) + 2 * half * i1e(half)
    return np.asarray(np.sqrt(np.float32(np.pi / 2) * spread) * mean, dtype=np.float32)
