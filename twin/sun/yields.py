"""From light on planes to what modules on them yield: areas, capacity and energy, low and high."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from twin.sun.photovoltaic import Chain, OpenYear

Floats = NDArray[np.float64]

LEAST_AREA = 10.0   # smaller planes carry no modules [m2]
STEEPEST = 60.0     # steeper roofs carry no modules [degrees]
LEAST_LIGHT = 0.70  # share of the light of the open plane below which no module pays [1]


class Ranged(Protocol):
    """A number with the ends of its 95 % range, such as a factor."""

    @property
    def value(self) -> Any:
        """The number."""

    @property
    def low(self) -> Any:
        """The low end."""

    @property
    def high(self) -> Any:
        """The high end."""


class Range(NamedTuple):
    """A number, or array, with the ends of its 95 % range."""

    value: Any
    low: Any
    high: Any


Pick = Callable[[str, str], Ranged]


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


def relative(given: Ranged) -> tuple[Any, Any]:
    """Return how far a number may lie below and above its value, as shares of the value."""
    value = np.asarray(given.value, dtype=float)
    size = np.where(value == 0, 1.0, np.abs(value))
    return (value - given.low) / size, (given.high - value) / size


def ends(one: Any, other: Any) -> tuple[Any, Any]:
    """Return how far two relative changes reach below and above nothing."""
    return (-np.minimum(np.minimum(one, other), 0.0), np.maximum(np.maximum(one, other), 0.0))


def spread(value: Any, *parts: tuple[Any, Any]) -> Range:
    """Return a product with its range, from the relative ranges of independent parts."""
    down = np.sqrt(sum(np.square(p[0]) for p in parts))
    up = np.sqrt(sum(np.square(p[1]) for p in parts))
    return Range(value, value * np.maximum(0.0, 1 - down), value * (1 + up))


@dataclass(frozen=True)
class RoofAreas:
    """What a roof has, what of it modules can use, and what a policy asks for.

    Parameters
    ----------
    geometric
        The planes themselves, arrays of shape (n,) [m2].
    technical
        What modules can use before the spacing of rows, not more than ``geometric`` [m2].
    modules
        Modules that fit there, rows on level planes spaced [m2].
    floor
        Least area by policy, 0 where there is none [m2]. It can exceed ``technical``.
    """

    geometric: Range
    technical: Range
    modules: Range
    floor: Range


def roof_areas(area: ArrayLike, usable: Ranged, *, suitable: ArrayLike, cover: ArrayLike = 1.0,
               floor_share: Ranged | None = None) -> RoofAreas:
    """Return the three areas of roofs, and the modules that fit.

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
    floor_share
        Share of the roof that a policy asks for; none when None [1].
    """
    whole = np.asarray(area, dtype=float)
    good = whole * np.clip(np.asarray(suitable, dtype=float), 0.0, 1.0)
    share = [np.clip(getattr(usable, end), 0.0, 1.0) for end in ("value", "low", "high")]
    rows = np.asarray(cover, dtype=float)
    asked = [0.0] * 3 if floor_share is None else [
        getattr(floor_share, end) for end in ("value", "low", "high")]
    return RoofAreas(Range(whole, whole, whole), Range(*(good * s for s in share)),
                     Range(*(good * s * rows for s in share)),
                     Range(*(whole * np.asarray(s, dtype=float) for s in asked)))


def suitable_planes(largest: ArrayLike, slope: ArrayLike, light: ArrayLike,
                    open_light: ArrayLike) -> NDArray[np.bool_]:
    """Return which planes pass the hard filters: size, tilt and shade.

    Parameters
    ----------
    largest
        Largest piece of the plane, shape (n,) [m2].
    slope
        Tilt [degrees].
    light, open_light
        Yearly irradiation with and without shade [kWh m-2].

    References
    ----------
    Gagnon et al. (2016), Rooftop solar photovoltaic technical potential in the United States,
    NREL/TP-6A20-65298, doi:10.2172/1236153; the least contiguous area and light of its data
    (10 m2, 70 % of the open yield).
    """
    return np.asarray((np.asarray(largest) >= LEAST_AREA) & (np.asarray(slope) <= STEEPEST)
                      & (np.asarray(light) >= LEAST_LIGHT * np.asarray(open_light)))


def plane_means(values: Floats, plane: NDArray[np.integer[Any]], count: int) -> Floats:
    """Return the mean of cells over each plane, NaN for planes without a cell.

    Parameters
    ----------
    values
        Of the cells, shape (..., ny, nx).
    plane
        Number of the plane of each cell, -1 for none, (ny, nx).
    count
        Number of planes.

    Returns
    -------
    numpy.ndarray
        Shape (..., ``count``).
    """
    on = plane >= 0
    own = plane[on]
    cells = np.bincount(own, minlength=count).astype(float)
    cells[cells == 0] = np.nan
    rows = values.reshape(-1, *plane.shape)
    sums = np.array([np.bincount(own, weights=row[on], minlength=count) for row in rows])
    return np.asarray((sums / cells).reshape(*values.shape[:-2], count))


def bright_share(light: Floats, open_light: ArrayLike, plane: NDArray[np.integer[Any]],
                 cell: float) -> Floats:
    """Return the share of each plane that is bright in one piece of at least 10 m2.

    Parameters
    ----------
    light
        Yearly irradiation of the cells with shade, (ny, nx) [kWh m-2].
    open_light
        That of each plane without shade, shape (n,) [kWh m-2].
    plane
        Number of the plane of each cell, -1 for none, (ny, nx).
    cell
        Side of a cell [m].

    Returns
    -------
    numpy.ndarray
        Shape (n,), 0 for planes without a cell [1].

    Notes
    -----
    Cells joined by a side are one piece; areas are seen from above.
    """
    least = np.asarray(open_light, dtype=float) * LEAST_LIGHT
    count = len(least)
    on = plane >= 0
    bright = np.zeros(plane.shape, dtype=bool)
    bright[on] = light[on] >= least[plane[on]]
    number = np.full(plane.shape, -1)
    number[bright] = np.arange(int(bright.sum()))
    own = plane[bright]
    pairs = []
    for a, b in ((np.s_[:, :-1], np.s_[:, 1:]), (np.s_[:-1], np.s_[1:])):
        joined = bright[a] & bright[b] & (plane[a] == plane[b])
        pairs.append((number[a][joined], number[b][joined]))
    left, right = (np.concatenate(side) for side in zip(*pairs, strict=True))
    graph = coo_array((np.ones(len(left), dtype=np.int8), (left, right)), shape=(len(own),) * 2)
    piece = connected_components(graph, directed=False)[1]
    big = np.bincount(piece, minlength=1)[piece] * cell * cell >= LEAST_AREA - 1e-9
    cells = np.bincount(plane[on], minlength=count)
    return np.bincount(own[big], minlength=count) / np.maximum(cells, 1)
