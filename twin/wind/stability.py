"""How far stable or unstable air holds back what rises."""

from __future__ import annotations

import math

from layers.errors import CityTwinError, nearest

_ALPHA = {"very unstable": 5.0, "slightly unstable": 2.0, "neutral": 1.0, "slightly stable": 0.5,
          "very stable": 0.2}


def stability_weight(stability: str | float) -> float:
    """Return the weight of vertical motion in the mass-consistent solver, 1 in neutral air [1].

    Parameters
    ----------
    stability
        `very stable`, `slightly stable`, `neutral`, `slightly unstable`, `very unstable`, or the
        number H N/U: height of the relief times buoyancy frequency over speed, negative where the
        air is unstable [1].

    Notes
    -----
    The square of ``a = sqrt(exp(-1.5 S^1.5))``, with the sign turned for unstable air, kept
    between 0.1 and 5; the classes have a 0.2, 0.5, 1, 2 and 5. Less than 1 holds air down.

    References
    ----------
    WindNinja (US Forest Service, public domain), classes and continuous rule of its stability.
    """
    if isinstance(stability, str):
        key = stability.strip().lower().replace("_", " ").replace("-", " ")
        if key not in _ALPHA:
            raise CityTwinError(f"stability is {stability!r}{nearest(key, list(_ALPHA))}",
                                mend=f"Take one of {', '.join(_ALPHA)}, or a number")
        return _ALPHA[key] ** 2
    if not math.isfinite(stability):
        raise CityTwinError(f"stability is {stability}, expected a class or a number")
    power = math.copysign(min(abs(stability), 10.0) ** 1.5, stability)
    return min(max(math.exp(-0.75 * power), 0.1), 5.0) ** 2
