"""The formulas of the zones, one function each, on plain numbers inside kernels.

Lengths in metres. ``eta`` is the crosswind place over the block's half width, ``zeta`` the height
over the block's.

References
----------
Röckle (1990), dissertation TH Darmstadt [displacement, cavity, canyon]. Fackrell (1984),
doi:10.1016/0167-6105(84)90058-5 [cavity length]. Bagal et al. (2004), 5th Symp. Urban Environment
[displacement with vortex]. Pol et al. (2006), 6th Symp. Urban Environment [rooftop]. Hayati et al.
(2017), doi:10.1007/s10652-017-9537-8 [side wall].
"""

from __future__ import annotations

import math

from numba import njit


@njit(cache=True, nogil=True)
def fade(at: float) -> float:
    """Return 1 below 0.9, 0 above 1.1, smooth between: the edge of a zone at 1."""
    s = min(max((1.1 - at) / 0.2, 0.0), 1.0)
    return s * s * (3.0 - 2.0 * s)


@njit(cache=True, nogil=True)
def ellipsoid(length: float, eta: float, zeta: float) -> float:
    """Return how far a zone reaches from the wall, ``L sqrt((1 - eta^2)(1 - zeta^2))``."""
    inside = (1.0 - eta * eta) * (1.0 - zeta * zeta)
    return length * math.sqrt(inside) if inside > 0 and abs(eta) < 1 else 0.0


@njit(cache=True, nogil=True)
def cavity_speed(x: float, depth: float) -> float:
    """Return the speed against the wind behind a block over the roof's, ``(1 - x/d)^2``."""
    return max(1.0 - x / depth, 0.0) ** 2


@njit(cache=True, nogil=True)
def canyon_speed(place: float, height: float) -> float:
    """Return the speed against the wind in a canyon over the roof's, ``4 x/S (1 - x/S) (1 - z/H)``.

    Röckle's has no ``(1 - z/H)``; the array of cubes measured by Brown et al. (2000) falls so.
    """
    return 4.0 * place * (1.0 - place) * (1.0 - height)


@njit(cache=True, nogil=True)
def canyon_rise(place: float) -> float:
    """Return the upward speed in a canyon over the roof's: up at the lee wall, down at the next."""
    return 0.5 * (1.0 - 2.0 * place)


@njit(cache=True, nogil=True)
def front_vortex(x: float, z: float, length: float, tall: float) -> tuple[float, float]:
    """Return the speeds against the wind and upwards of the vortex before a wall, over the roof's.

    ``(0.6 cos(pi z/0.5H) + 0.05) 0.6 sin(pi x/L)`` and ``-(0.1 cos(pi x/L) + 0.05)``.
    """
    turn = math.pi * x / length
    back = (0.6 * math.cos(math.pi * z / (0.5 * tall)) + 0.05) * 0.6 * math.sin(turn)
    return back, -(0.1 * math.cos(turn) + 0.05)


@njit(cache=True, nogil=True)
def edge_scale(width: float, height: float) -> float:
    """Return the size of what separates at an edge, ``Bs^(2/3) Bl^(1/3)`` of width and height."""
    small, large = min(width, height), max(width, height)
    scale: float = small ** (2.0 / 3.0) * large ** (1.0 / 3.0)
    return scale


@njit(cache=True, nogil=True)
def roof_crest(x: float, scale: float) -> float:
    """Return how deep the rooftop vortex is at x behind the edge: 0.22 R at most, 0.9 R long."""
    half = 0.45 * scale
    inside = 1.0 - ((half - x) / half) ** 2
    return 0.22 * scale * math.sqrt(inside) if inside > 0 else 0.0
