"""Mean speed and turbulence over height of the wind that reaches the city."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from layers.errors import CityTwinError
from twin.aerodynamic import VON_KARMAN

Floats = NDArray[np.float64]

# Speed fluctuations along, across and upwards over the friction velocity, neutral flow near the
# ground; Panofsky & Dutton (1984), Atmospheric Turbulence.
SIGMAS = (2.39, 1.92, 1.25)
_TKE = 0.5 * sum(s * s for s in SIGMAS)


@dataclass(frozen=True, eq=False)
class Inflow:
    """Mean speed over height of the approaching wind, with its turbulence.

    Parameters
    ----------
    z
        Rising heights above ground, (n,) [m].
    speed
        Mean speed at these heights, (n,) [m/s].
    k
        Turbulent kinetic energy at these heights, (n,) [m2 s-2].
    z0
        Roughness length of the ground upwind [m].
    displacement
        Zero-plane displacement [m].
    name
        What the profile is, for the record.
    friction
        Friction velocity where a law gives it; else it is read from the lower heights [m/s].
    """

    z: Floats
    speed: Floats
    k: Floats
    z0: float
    displacement: float = 0.0
    name: str = ""
    friction: float | None = None

    def __post_init__(self) -> None:
        same = self.z.shape == self.speed.shape == self.k.shape and self.z.ndim == 1
        numbers = (self.z, self.speed, self.k, self.z0, self.displacement)
        if not (same and len(self.z) > 1 and all(np.isfinite(a).all() for a in numbers)
                and self.z[0] > 0 and (np.diff(self.z) > 0).all() and self.speed.min() >= 0
                and self.k.min() >= 0 and self.z0 > 0 and self.displacement >= 0):
            raise CityTwinError(
                "the inflow needs two rising heights above zero or more, as many speeds and k, "
                "none negative, and a roughness length above zero")

    @property
    def u_star(self) -> float:
        """Friction velocity [m/s]."""
        if self.friction is not None:
            return self.friction
        return surface_layer(self.z, self.speed, self.z0, self.displacement)[1]

    def at(self, z: ArrayLike) -> Floats:
        """Return the mean speed at heights above ground [m/s].

        Parameters
        ----------
        z
            Heights, any shape [m].

        Notes
        -----
        Linear in the logarithm of height. Below the lowest height the log law of `z0`, 0 at the
        displacement. Held above the highest.
        """
        heights = np.asarray(z, dtype=np.float64)
        lowest, ground, above = self.z[0], self.displacement, self._held(heights, self.speed)
        ground = ground if ground < lowest else 0.0
        share = (np.log1p(np.maximum(heights - ground, 0.0) / self.z0)
                 / math.log1p((lowest - ground) / self.z0))
        return np.where(heights < lowest, share * self.speed[0], above)

    def tke(self, z: ArrayLike) -> Floats:
        """Return the turbulent kinetic energy at heights, held beyond the table [m2 s-2]."""
        return self._held(np.asarray(z, dtype=np.float64), self.k)

    def scaled(self, factor: float) -> Inflow:
        """Return the profile of a wind `factor` times as strong; exact in neutral flow."""
        friction = None if self.friction is None else self.friction * factor
        return replace(self, speed=self.speed * factor, k=self.k * factor ** 2, friction=friction)

    def _held(self, z: Floats, values: Floats) -> Floats:
        logs = np.log(np.maximum(z, self.z[0]))
        return np.asarray(np.interp(logs, np.log(self.z), values), dtype=np.float64)


def surface_tke(friction: float, above: Floats) -> Floats:
    """Return the turbulent kinetic energy of a neutral surface layer [m2 s-2]."""
    return _TKE * friction ** 2 * (np.maximum(above, 10.0) / 10.0) ** -0.1


def surface_layer(z: Floats, speed: Floats, z0: float | None,
                  displacement: float) -> tuple[float, float]:
    """Return roughness length and friction velocity of the log law through the lower heights."""
    free = z > displacement
    above, wind = z[free] - displacement, speed[free]
    low = above <= max(above[-1] / 5, above[min(2, len(above) - 1)])
    above, wind = above[low], wind[low]
    if z0 is None:
        least, most = 1e-6 * above[0], 0.5 * above[0]
        slope, start = np.polyfit(np.log(above), wind, 1) if len(above) > 1 else (0.0, 0.0)
        steep = slope * 20 > abs(start)  # else the length is too small to be told from nothing
        z0 = float(np.clip(math.exp(-start / slope), least, most)) if steep else float(least)
    logs = np.log1p(above / z0)
    return z0, float(VON_KARMAN * (wind @ logs) / (logs @ logs))


def check_positive(**values: float) -> None:
    """Raise where one of the numbers of a profile is not above zero, saying which."""
    for name, value in values.items():
        if not (math.isfinite(value) and value > 0):
            short = {"at": "the height of the speed above the displacement",
                     "top": "the top of the profile above the height of the speed"}
            raise CityTwinError(f"{short.get(name, name)} is {value:g}, expected more than 0")
