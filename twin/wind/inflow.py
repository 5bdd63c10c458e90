"""The wind that reaches the city, by law: logarithmic, power, or that of a city upwind.

What a profile is stands in `twin.wind.profile`, how rough the ground upwind is in
`twin.wind.upwind`, and how stable the air in `twin.wind.stability`.
"""

from __future__ import annotations

import math

import numpy as np

from layers.errors import CityTwinError
from twin.aerodynamic import (
    VON_KARMAN,
    macdonald,
    roughness_of_exponent,
    stability_correction,
)
from twin.wind.profile import SIGMAS as SIGMAS
from twin.wind.profile import Floats as Floats
from twin.wind.profile import Inflow as Inflow
from twin.wind.profile import check_positive
from twin.wind.profile import surface_layer as surface_layer
from twin.wind.profile import surface_tke as surface_tke
from twin.wind.stability import stability_weight as stability_weight
from twin.wind.upwind import roughness_of as roughness_of

# Exponent and gradient height [m] of the terrain categories of AIJ (2004); recalled, tag R, 30 %.
_CATEGORIES = ((0.10, 0.15, 0.20, 0.27, 0.35), (250.0, 350.0, 450.0, 550.0, 650.0))


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
    check_positive(speed=speed, at=at - displacement, z0=z0, top=top - at)
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
    check_positive(speed=speed, at=at, exponent=exponent, top=top - at)
    if exponent > 1:
        raise CityTwinError(f"the exponent is {exponent:g}, expected 0 to 1")
    rough = roughness_of_exponent(exponent) if z0 is None else z0
    check_positive(z0=rough)
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
    check_positive(speed=speed, at=at, roof=roof, frontal=frontal, plan=plan,
                   top=top - max(at, roof))
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


def _heights(low: float, top: float, *marks: float) -> Floats:
    """Return heights in even ratios, with `marks` among them."""
    even = np.geomspace(min(low, *marks), top, 256)
    apart = np.all([np.abs(even / mark - 1) > 1e-6 for mark in marks], axis=0)
    return np.unique(np.r_[even[apart], marks])
