"""From light on planes to what modules on them yield: areas, capacity and energy, low and high."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from twin.sun.photovoltaic import Chain, OpenYear
from twin.sun.ranges import Pick, Range, Ranged, ends, relative, spread

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Modules:
    """What modules of one kind of place are rated at and lose.

    Parameters
    ----------
    density
        Rated power per module area [W m-2].
    losses, temperature_coefficient, inverter_efficiency, heat_loss, heat_loss_wind
        As in `twin.sun.photovoltaic.Chain`.
    weather
        Yearly light of other weather files over that of this one [1].
    """

    density: Ranged
    losses: Ranged
    temperature_coefficient: Ranged
    inverter_efficiency: Ranged
    heat_loss: Ranged
    heat_loss_wind: Ranged
    weather: Ranged

    @property
    def chain(self) -> Chain:
        """The chain of the middle values."""
        return Chain(self.losses.value, self.temperature_coefficient.value,
                     self.inverter_efficiency.value, self.heat_loss.value,
                     self.heat_loss_wind.value)


def modules(pick: Pick, where: str) -> Modules:
    """Return the modules of a place from the factor tables.

    Parameters
    ----------
    pick
        Gives a factor by stem and unit.
    where
        ``"rack"`` on flat roofs, ``"roof"`` flat on sloping ones, ``"facade"`` built into walls.
    """
    sigma = 1.96 * pick("pv.weather_sigma", "1").value
    stem = "pv.module_density_facade" if where == "facade" else "pv.module_density"
    return Modules(
        pick(stem, "W m-2"), pick("pv.losses", "1"), pick("pv.temperature_coefficient", "K-1"),
        pick("pv.inverter_efficiency", "1"), pick(f"pv.heat_loss.{where}", "W m-2 K-1"),
        pick(f"pv.heat_loss_wind.{where}", "W s m-3 K-1"), Range(1.0, 1.0 - sigma, 1.0 + sigma))


@dataclass(frozen=True)
class PlaneYields:
    """What modules on planes give.

    Parameters
    ----------
    capacity
        Rated power [W], arrays of shape (n,).
    energy
        Alternating current of the first year [kWh a-1], arrays of shape (n,).
    monthly
        Energy of each month, shape (12, n) [kWh].
    specific
        Energy of one kilowatt-peak [kWh kW-1 a-1], arrays of shape (n,).
    """

    capacity: Range
    energy: Range
    monthly: Floats
    specific: Range


def plane_yields(irradiation: ArrayLike, area: Ranged, open_air: OpenYear, kind: Modules, *,
                 light: Ranged | None = None) -> PlaneYields:
    """Return what modules on planes yield, from the light that reaches them.

    Parameters
    ----------
    irradiation
        Of the planes of the modules with all shade, by month (12, n) or by year (n,) [kWh m-2].
    area
        Area of modules, arrays of shape (n,) [m2].
    open_air
        The same planes without shade, of the same weather.
    kind
        The modules.
    light
        Range of the light on each plane, such as its ``low`` and ``high`` [1].

    Returns
    -------
    PlaneYields
        With ranges of weather, plane, losses, temperature and inverter taken as independent.

    Notes
    -----
    ``E = P sum_m H_m PR_m``, PR_m being the yield of the open plane over its light. Shade is
    thus taken to fall on hours of mean efficiency; a shaded module is a little cooler, which is
    left out. A module yields nothing in a month without light on the open plane.
    """
    light_in = np.asarray(irradiation, dtype=float)
    if light_in.ndim == 1:
        year = open_air.incident.sum(axis=0)
        share = np.divide(open_air.incident, year, out=np.zeros_like(open_air.incident),
                          where=year > 0)
        light_in = light_in * share
    ratio = np.divide(open_air.energy, open_air.incident, out=np.zeros_like(open_air.energy),
                      where=open_air.incident > 0)
    by_month = light_in * ratio
    specific = by_month.sum(axis=0)

    gamma, loss = kind.temperature_coefficient, kind.losses
    output = 1 + gamma.value * open_air.warmth
    warm = gamma.value * open_air.warmth / output

    def cooling(end: str) -> Any:
        return getattr(kind.heat_loss, end) + getattr(kind.heat_loss_wind, end) * open_air.wind

    def heat(end: str) -> Any:
        """Relative change of the output when heat leaves as at one end of its range."""
        return gamma.value * open_air.heating / output * (cooling("value") / cooling(end) - 1)

    parts = [
        relative(kind.weather), relative(kind.inverter_efficiency),
        ends((1 - loss.high) / (1 - loss.value) - 1, (1 - loss.low) / (1 - loss.value) - 1),
        ends(warm * (gamma.low / gamma.value - 1), warm * (gamma.high / gamma.value - 1)),
        ends(heat("low"), heat("high"))]
    if light is not None:
        parts.append(relative(light))
    per_kw = spread(specific, *parts)
    watts = np.asarray(area.value) * kind.density.value
    rating = [relative(area), relative(kind.density)]
    return PlaneYields(spread(watts, *rating), spread(specific * watts / 1000, *rating, *parts),
                       by_month * watts / 1000, per_kw)


@dataclass(frozen=True)
class RoofAreas:
    """What a roof has, and what of it modules can use.

    Parameters
    ----------
    geometric
        The planes themselves, shape (n,) [m2].
    technical
        What modules can use before the spacing of rows, not more than ``geometric``, arrays of
        shape (n,) [m2].
    modules
        Modules that fit there, rows on level planes spaced [m2].
    """

    geometric: Floats
    technical: Range
    modules: Range


def roof_areas(area: ArrayLike, usable: Ranged, *, suitable: ArrayLike,
               cover: ArrayLike = 1.0) -> RoofAreas:
    """Return the areas of roofs, and the modules that fit.

    Parameters
    ----------
    area
        Of the planes, shape (n,) [m2].
    usable
        Share that modules can use, by type of roof [1].
    suitable
        Whether the plane passes the hard filters, or the share of it that does [1].
    cover
        Module area per usable area: `twin.sun.photovoltaic.row_cover_ratio` on level planes, 1 on
        the others [1].
    """
    whole = np.asarray(area, dtype=float)
    good = whole * np.clip(np.asarray(suitable, dtype=float), 0.0, 1.0)
    share = [np.clip(getattr(usable, end), 0.0, 1.0) for end in ("value", "low", "high")]
    rows = np.asarray(cover, dtype=float)
    return RoofAreas(whole, Range(*(good * s for s in share)),
                     Range(*(good * s * rows for s in share)))
