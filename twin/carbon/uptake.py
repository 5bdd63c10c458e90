"""Carbon sinks: yearly uptake of green surfaces, single trees and planted roofs, as entries.

A green surface takes up its area times the rate of its cover. A single tree whose height and crown
were measured takes up what its stem gains in a year, by allometry; another its crown area times
the rate of crowns. The parts of the entries say which.
"""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np
from numpy.typing import NDArray

from layers.errors import CityTwinError, nearest
from layers.green import crown_area
from twin.carbon.allometry import EQUATIONS, group_of, mass_and_gain
from twin.carbon.entries import Entries, entries
from twin.carbon.ground import ROUNDING, area_once
from twin.carbon.growth import growth_of
from twin.carbon.parts import Cause, Part
from twin.carbon.stands import Stands, stands_of

Floats = NDArray[np.float64]
Block = tuple[Part, Any, Any, Any]

CO2 = 44.0 / 12.0  # of carbon [1]
BY_CROWN = "crown"
ALLOMETRY = (*EQUATIONS, BY_CROWN)


def uptake_of_green(green: gpd.GeoDataFrame, factors: Any) -> Entries:
    """Return the yearly uptake of green surfaces: area times rate of the cover, below zero.

    Parameters
    ----------
    green
        The green layer.
    factors
        Gives ``sink.<cover>``; counts the square metres drawn more than once.

    Notes
    -----
    Each square metre counts once, see `twin.carbon.ground.area_once`.

    References
    ----------
    Chen (2015), Cities 44:73, doi:10.1016/j.cities.2015.01.005; each factor names its own source.
    """
    cover = green["class"].to_numpy(dtype="object")
    area = area_once(green)
    twice = float(green.area.sum() - area.sum())
    if twice > ROUNDING:
        factors.count("m2 of green drawn more than once, counted once", round(twice))
    blocks = []
    for kind in np.unique(cover):
        rows = np.flatnonzero(cover == kind)
        blocks.append(_by_area("green", str(kind), factors.pick(f"sink.{kind}", "kg m-2 a-1"),
                               rows, area[rows]))
    return entries("green", len(green), blocks)


def uptake_of_trees(trees: gpd.GeoDataFrame, green: gpd.GeoDataFrame, factors: Any, *,
                    allometry: str = "jenkins") -> Entries:
    """Return the yearly uptake of single trees and of those in rows, below zero.

    Parameters
    ----------
    trees
        Single trees and those of rows. Where ``size_from`` is ``"tag"`` height and crown were
        measured; what is ``"planted"`` has the size it gets, and takes up less while ``age`` is
        low.
    green
        The green layer. The rates of some of its covers hold the trees that stand in them.
    factors
        Gives ``sink.tree_crown``, ``tree.*`` and ``planting.age_*``.
    allometry
        ``"jenkins"`` or ``"chave"`` for the gain of measured trees by that equation, ``"crown"``
        for the rate of crowns for all.

    Notes
    -----
    A measured tree: ``dry mass gained x 0.8 (open-grown) x (1 + roots) x carbon x 44/12 x (net over
    gross)``, with the stem from height and crown. Equations lie 60 % apart for a community of
    street trees, which all trees share, and over 300 % for a tree, which each has of its own. What
    is planted in a park takes the place of lawn, see `twin.carbon.stands.Stands`.

    References
    ----------
    Nowak et al. (2013), Environ. Pollut. 178:229, doi:10.1016/j.envpol.2013.03.019. Nowak & Crane
    (2002), Environ. Pollut. 116:381, doi:10.1016/S0269-7491(01)00214-7. McHale et al. (2009), Urban
    Ecosystems 12:95, doi:10.1007/s11252-009-0081-3.
    """
    check_allometry(allometry)
    if not len(trees):
        return entries("trees", 0, [])
    stands = stands_of(trees, green, factors, measured=allometry != BY_CROWN)
    crown = np.asarray(crown_area(trees))
    rate = factors.pick("sink.tree_crown", "kg m-2 a-1")
    own = _own(factors)
    share = np.ones(len(trees))
    if stands.planted.any():
        age = trees["age"].to_numpy(dtype=float)
        share = np.where(stands.planted, growth_of(factors).share(age), 1.0)
    blocks = []
    if len(stands.measured):
        blocks += _measured(trees, stands, factors, allometry, own)
    free = stands.by_crown
    if len(free):
        blocks.append(_by_area("trees", "tree, by crown area", rate, free,
                               (crown * share)[free], own))
    for cover, (rows, counted) in stands.replaced.items():
        lawn = factors.pick(f"sink.{cover}", "kg m-2 a-1")
        blocks.append(_in_place_of(cover, rate, lawn, rows, crown[rows] * counted * share[rows],
                                   own))
    return entries("trees", len(trees), blocks)


def uptake_of_roofs(buildings: gpd.GeoDataFrame, factors: Any) -> Entries:
    """Return the yearly uptake of planted roofs, which store once and then stay near zero.

    Parameters
    ----------
    buildings
        The buildings layer.
    factors
        Gives ``sink.green_roof``.

    References
    ----------
    Getter et al. (2009), Environ. Sci. Technol. 43:7564.
    """
    planted = buildings["green_roof"].to_numpy(dtype=float) * buildings.area.to_numpy()
    rows = np.flatnonzero(planted > 0)
    return entries("buildings", len(buildings), [] if not len(rows) else [
        _by_area("buildings", "green roof", factors.pick("sink.green_roof", "kg m-2 a-1"), rows,
                 planted[rows])])


def check_allometry(allometry: str) -> None:
    """Raise where there is no such way to reckon measured trees.

    Parameters
    ----------
    allometry
        One of ``ALLOMETRY``.
    """
    if allometry not in ALLOMETRY:
        raise CityTwinError(f"allometry is {allometry!r}, expected {', '.join(ALLOMETRY)}"
                            f"{nearest(str(allometry), list(ALLOMETRY))}")


def dry_mass(trees: gpd.GeoDataFrame, rows: NDArray[np.int64], factors: Any,
             allometry: str) -> tuple[Floats, Floats]:
    """Return the dry mass of measured trees with their roots, and what it gains in a year.

    Parameters
    ----------
    trees
        The trees.
    rows
        Those wanted.
    factors
        Gives ``tree.increment``, ``tree.open_grown``, ``tree.root_share``, ``tree.wood_density``.
    allometry
        ``"jenkins"`` or ``"chave"``.

    Returns
    -------
    tuple
        Dry mass [kg] and gain [kg a-1], arrays of shape (rows,).
    """
    names = trees["name"].fillna("").astype(str).to_numpy()[rows]
    mass, gain = mass_and_gain(
        trees["height"].to_numpy(dtype=float)[rows], trees["crown"].to_numpy(dtype=float)[rows],
        group_of(names), factors.pick("tree.increment", "cm a-1").value, equation=allometry,
        density=factors.pick("tree.wood_density", "g cm-3").value)
    whole = (factors.pick("tree.open_grown", "1").value
             * (1 + factors.pick("tree.root_share", "1").value))
    return mass * whole, gain * whole


def mass_causes(factors: Any) -> tuple[Cause, ...]:
    """Return what makes the dry mass and the carbon of all measured trees uncertain."""
    roots = factors.pick("tree.root_share", "1")
    return (Cause.of(factors.pick("tree.equation", "1")),
            Cause.of(roots, roots.value / (1 + roots.value)),
            Cause.of(factors.pick("tree.carbon", "1")))


def _measured(trees: gpd.GeoDataFrame, stands: Stands, factors: Any, allometry: str,
              own: tuple[float, float]) -> list[Block]:
    """Return the uptake of measured trees by the gain of their stems."""
    step, net = (factors.pick(f"tree.{name}", unit)
                 for name, unit in (("increment", "cm a-1"), ("net_share", "1")))
    _, gain = dry_mass(trees, stands.measured, factors, allometry)
    part = Part("trees", "sinks", f"tree, by {allometry.capitalize()}", "uptake", 1, "removal",
                "kg a-1", step.factor_id, (*mass_causes(factors), Cause.of(step), Cause.of(net)),
                own=own, tier=3, year=step.year, quality="L")
    carbon = factors.pick("tree.carbon", "1").value
    return [(part, stands.measured, gain, -gain * carbon * CO2 * net.value)]


def _own(factors: Any) -> tuple[float, float]:
    """Return the range a tree has of its own, less and more than reckoned [1]."""
    single = factors.pick("tree.single", "1")
    return 1 - single.low, single.high - 1


def _by_area(layer: str, cover: str, rate: Any, rows: Any, area: Any,
             own: tuple[float, float] = (0.0, 0.0)) -> Block:
    """Return the uptake of some area, with the range of the rate per square metre."""
    cause = Cause(rate.factor_id, rate.value - rate.low, rate.value - rate.high)
    part = Part(layer, "sinks", cover, "uptake", 1, "removal", "m2", rate.factor_id, (cause,),
                own=own, by_activity=True, year=rate.year, quality="L" if rate.tag == "R" else "M")
    return part, rows, area, -area * rate.value


def _in_place_of(cover: str, rate: Any, lost: Any, rows: Any, area: Any,
                 own: tuple[float, float]) -> Block:
    """Return the uptake of crowns that take the place of a cover: the difference of both rates."""
    causes = (Cause(rate.factor_id, rate.value - rate.low, rate.value - rate.high),
              Cause(lost.factor_id, lost.low - lost.value, lost.high - lost.value))
    part = Part("trees", "sinks", f"tree planted in place of {cover}", "uptake", 1, "removal", "m2",
                rate.factor_id, causes, own=own, by_activity=True, year=rate.year,
                quality="L" if rate.tag == "R" else "M")
    return part, rows, area, -area * (rate.value - lost.value)
