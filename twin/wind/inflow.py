"""The wind that reaches the city: mean speed and turbulence over height, from law or reading."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from layers.errors import CityTwinError, nearest
from twin.aerodynamic import (
    VON_KARMAN,
    form_indices,
    macdonald,
    roughness_of_exponent,
    stability_correction,
)

Floats = NDArray[np.float64]

# Speed fluctuations along, across and upwards over the friction velocity, neutral flow near the
# ground; Panofsky & Dutton (1984), Atmospheric Turbulence.
SIGMAS = (2.39, 1.92, 1.25)
_TKE = 0.5 * sum(s * s for s in SIGMAS)
# Exponent and gradient height [m] of the terrain categories of AIJ (2004); recalled, tag R, 30 %.
_CATEGORIES = ((0.10, 0.15, 0.20, 0.27, 0.35), (250.0, 350.0, 450.0, 550.0, 650.0))
ROUGHEST = 2.0  # [m]
_ALPHA = {"very unstable": 5.0, "slightly unstable": 2.0, "neutral": 1.0, "slightly stable": 0.5,
          "very stable": 0.2}


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


def log_profile(speed: float, at: float, z0: float, *, displacement: float = 0.0,
                length: float = math.inf, top: float = 600.0) -> Inflow:
    """Return the logarithmic profile that has a given speed at a given height.

    Parameters
    ----------
    speed
        Mean speed [m/s].
    at
        Height of that speed above ground [m].
    z0
        Roughness length [m].
    displacement
        Zero-plane displacement; the air stands still below it [m].
    length
        Obukhov length: positive stable, negative unstable, infinite neutral [m].
    top
        Highest height of the table [m].

    Notes
    -----
    ``U = u*/0.4 [ln((z-d+z0)/z0) + psi((z-d)/L)]``. The kinetic energy is 5.48 u*^2, that of
    Panofsky & Dutton's fluctuations 2.39, 1.92 and 1.25 u*, up to 10 m, and falls with z^-0.1
    above, as the power law times the AIJ turbulence intensity does. Convection adds none.

    References
    ----------
    Panofsky & Dutton (1984), Atmospheric Turbulence.
    Tominaga et al. (2008), J. Wind Eng. Ind. Aerodyn. 96:1749, doi:10.1016/j.jweia.2008.02.058.
    """
    _positive(speed=speed, at=at - displacement, z0=z0, top=top - at)
    if math.isnan(length) or abs(length) < 10 * z0:
        raise CityTwinError(f"the Obukhov length is {length:g} m, expected at least 10 z0, "
                            f"{10 * z0:g} m, on either side of zero",
                            mend="Leave it out for neutral air")
    above = _heights(0.1 * z0, top - displacement, at - displacement)
    shape = np.log1p(above / z0) + stability_correction(above / length)
    friction = VON_KARMAN * speed / float(shape[above == at - displacement][0])
    return Inflow(above + displacement, friction / VON_KARMAN * shape,
                  surface_tke(friction, above), z0, displacement, "log law", friction)


def power_profile(speed: float, at: float, exponent: float, z0: float | None = None, *,
                  top: float = 600.0) -> Inflow:
    """Return the power law that has a given speed at a given height.

    Parameters
    ----------
    speed
        Mean speed [m/s].
    at
        Height of that speed above ground [m].
    exponent
        Exponent, such as 0.15 in the open and 0.3 in cities [1].
    z0
        Roughness length; that of the exponent after Counihan (1975) when None [m].
    top
        Highest height of the table [m].

    Notes
    -----
    ``k = (I U)^2`` with the AIJ turbulence intensity ``I = 0.1 (z/zG)^(-p-0.05)``, held below
    10 m; the gradient height zG follows the exponent through the AIJ terrain categories. The
    friction velocity is that of the log law of `z0` which touches the power law at
    ``z0 exp(1/p)``.

    References
    ----------
    Tominaga et al. (2008), J. Wind Eng. Ind. Aerodyn. 96:1749, doi:10.1016/j.jweia.2008.02.058.
    Counihan (1975), Atmos. Environ. 9:871.
    """
    _positive(speed=speed, at=at, exponent=exponent, top=top - at)
    if exponent > 1:
        raise CityTwinError(f"the exponent is {exponent:g}, expected 0 to 1")
    rough = roughness_of_exponent(exponent) if z0 is None else z0
    _positive(z0=rough)
    z = _heights(0.1, top, at)
    wind = speed * (z / at) ** exponent
    share = np.maximum(z, 10.0) / np.interp(exponent, *_CATEGORIES)
    intensity = 0.1 * share ** (-exponent - 0.05)
    touch = min(rough * math.exp(min(1 / exponent, 50.0)), top)
    friction = VON_KARMAN * exponent * speed * (touch / at) ** exponent
    return Inflow(z, wind, (np.minimum(intensity, 1.0) * wind) ** 2, rough, 0.0,
                  f"power law {exponent:g}", friction)


def canopy_profile(speed: float, at: float, roof: float, frontal: float, plan: float, *,
                   top: float = 600.0) -> Inflow:
    """Return the profile over and between the buildings of a city that goes on upwind.

    Parameters
    ----------
    speed
        Mean speed [m/s].
    at
        Height of that speed above ground [m].
    roof
        Mean building height [m].
    frontal, plan
        Frontal and plan area index [1].
    top
        Highest height of the table [m].

    Notes
    -----
    Log law above the roofs with Macdonald's roughness length; ``U = U_H exp(a (z/H - 1))`` with
    ``a = 9.6 f`` between them, f at most 0.33, where the measurements end. The displacement makes
    the slope of the wind continuous at the roofs; where buildings stand too thin for that it
    is 0. Turbulence intensity is constant between the buildings, since a constant mixing length,
    from which the exponential follows, makes the stress go with the square of the speed.

    References
    ----------
    Macdonald (2000), Boundary-Layer Meteorol. 97:25, doi:10.1023/A:1002785830512.
    """
    _positive(speed=speed, at=at, roof=roof, frontal=frontal, plan=plan, top=top - max(at, roof))
    if plan >= 1:
        raise CityTwinError(f"the plan area index is {plan:g}, expected below 1")
    z0 = max(float(macdonald(plan, frontal, roof)[0]), 1e-4 * roof)
    decay = 9.6 * min(frontal, 0.33)
    low, high = z0, roof + z0  # of roof - displacement + z0, the slope there falls as it rises
    for _ in range(60):
        mid = 0.5 * (low + high)
        low, high = (mid, high) if decay * math.log(mid / z0) < roof / mid else (low, mid)
    displacement = max(roof + z0 - high, 0.0)
    z = _heights(0.01 * roof, top, at, roof)
    above = np.log1p(np.maximum(z, roof) / z0 - displacement / z0)
    inside = np.exp(decay * (np.minimum(z, roof) / roof - 1.0))
    friction = VON_KARMAN * speed / float((above * inside)[z == at][0])
    k = surface_tke(friction, np.maximum(z, roof) - displacement) * inside ** 2
    return Inflow(z, friction / VON_KARMAN * above * inside, k, z0, displacement,
                  "urban canopy", friction)


def roughness_of(height: NDArray[np.floating], cell: float, wind_from: float, *,
                 reach: float | None = None, open_ground: float = 0.03) -> tuple[float, float]:
    """Return roughness length and displacement of a city's own form [m].

    Parameters
    ----------
    height
        Building height above ground, row 0 south, 0 in the open, (ny, nx) [m].
    cell
        Side of a cell [m].
    wind_from
        Direction the wind comes from, clockwise from north [degrees].
    reach
        How far downwind of the raster's edge cells count; all when None [m].
    open_ground
        Roughness length of ground without buildings, the least that is returned [m].

    Notes
    -----
    Macdonald et al. (1998) from the mean height and the plan and frontal area index, the length
    at most 0.15 of the mean height, the upper end given by Hanna & Britter (2002), and 2 m, the
    roughest class of Davenport (Wieringa 1992): among towers the law would not hold at 10 m.
    """
    _positive(cell=cell, open_ground=open_ground)
    inside = None
    if reach is not None:
        _positive(reach=reach)
        ny, nx = height.shape
        u, v = -math.sin(math.radians(wind_from)), -math.cos(math.radians(wind_from))
        x, y = cell * (np.arange(nx) + 0.5), cell * (np.arange(ny) + 0.5)
        from_side = (x if u > 0 else x[::-1]) / max(abs(u), 1e-9)
        from_end = (y if v > 0 else y[::-1]) / max(abs(v), 1e-9)
        inside = np.minimum(from_side[None, :], from_end[:, None]) <= max(reach, cell)
    plan, frontal, mean = form_indices(height, cell, wind_from, inside)
    if plan == 0 or frontal == 0:
        return open_ground, 0.0
    z0, displacement = macdonald(plan, frontal, mean)
    return max(min(float(z0), 0.15 * mean, ROUGHEST), open_ground), float(displacement)


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


def _positive(**values: float) -> None:
    for name, value in values.items():
        if not (math.isfinite(value) and value > 0):
            short = {"at": "the height of the speed above the displacement",
                     "top": "the top of the profile above the height of the speed"}
            raise CityTwinError(f"{short.get(name, name)} is {value:g}, expected more than 0")


def _heights(low: float, top: float, *marks: float) -> Floats:
    """Return heights in even ratios, with `marks` among them."""
    even = np.geomspace(min(low, *marks), top, 256)
    apart = np.all([np.abs(even / mark - 1) > 1e-6 for mark in marks], axis=0)
    return np.unique(np.r_[even[apart], marks])


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
