"""Carbon that stands in vegetation, apart from what it takes up in a year.

The stock is carbon (C), not CO2, and is never part of the account of emissions: it was taken up
before. Its parts have the stage ``D``, which no boundary holds.
"""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np
from numpy.typing import NDArray

from layers.green import crown_area
from twin.carbon.entries import Entries, entries
from twin.carbon.ground import area_once
from twin.carbon.growth import CARBON, growth_of
from twin.carbon.parts import Cause, Part
from twin.carbon.stands import Stands, stands_of
from twin.carbon.uptake import BY_CROWN, check_allometry, dry_mass, mass_causes

Floats = NDArray[np.float64]
Block = tuple[Part, Any, Any, Any]


def stock_of_green(green: gpd.GeoDataFrame, factors: Any) -> Entries:
    """Return the carbon that stands on green surfaces, soil left out.

    Parameters
    ----------
    green
        The green layer.
    factors
        Gives ``stock.<cover>``.

    Returns
    -------
    Entries
        Values in kg of C.
    """
    cover = green["class"].to_numpy(dtype="object")
    area = area_once(green)
    blocks = []
    for kind in np.unique(cover):
        rows = np.flatnonzero(cover == kind)
        blocks.append(_by_area("green", str(kind), factors.pick(f"stock.{kind}", "kg m-2"), rows,
                               area[rows]))
    return entries("green", len(green), blocks)


def stock_of_trees(trees: gpd.GeoDataFrame, green: gpd.GeoDataFrame, factors: Any, *,
                   allometry: str = "jenkins") -> Entries:
    """Return the carbon that stands in single trees with their roots.

    Parameters
    ----------
    trees, green, factors, allometry
        As in `twin.carbon.uptake.uptake_of_trees`; ``stock.tree_crown`` holds for trees that were
        not measured.

    Returns
    -------
    Entries
        Values in kg of C.

    Notes
    -----
    Trees that a plan plants hold what they have taken up since, by the curve of growth, until that
    is the stock of grown trees; of unknown age they hold that.
    """
    check_allometry(allometry)
    if not len(trees):
        return entries("trees", 0, [])
    stands = stands_of(trees, green, factors, measured=allometry != BY_CROWN)
    crown = np.asarray(crown_area(trees))
    stock = factors.pick("stock.tree_crown", "kg m-2")
    share = _share_of_stock(trees, stands, stock.value, factors)
    blocks: list[Block] = []
    if len(stands.measured):
        mass, _ = dry_mass(trees, stands.measured, factors, allometry)
        own = factors.pick("tree.single", "1")
        part = Part("trees", "sinks", f"tree, by {allometry.capitalize()}", "stock", 1, "D", "kg",
                    own.factor_id, mass_causes(factors), own=(1 - own.low, own.high - 1), tier=3,
                    year=own.year, quality="L")
        blocks.append((part, stands.measured, mass, mass * factors.pick("tree.carbon", "1").value))
    if len(stands.by_crown):
        rows = stands.by_crown
        blocks.append(_by_area("trees", "tree, by crown area", stock, rows, (crown * share)[rows]))
    for cover, (rows, counted) in stands.replaced.items():
        lost = factors.pick(f"stock.{cover}", "kg m-2")
        area = crown[rows] * counted * share[rows]
        part = _part("trees", f"tree planted in place of {cover}", stock, lost)
        blocks.append((part, rows, area, area * (stock.value - lost.value)))
    return entries("trees", len(trees), blocks)


def stock_of_roofs(buildings: gpd.GeoDataFrame, factors: Any) -> Entries:
    """Return the carbon in planted roofs, which store it once, in their first two years.

    Parameters
    ----------
    buildings
        The buildings layer.
    factors
        Gives ``sink_once.green_roof`` (of CO2).

    Returns
    -------
    Entries
        Values in kg of C.

    References
    ----------
    Getter et al. (2009), Environ. Sci. Technol. 43:7564.
    """
    planted = buildings["green_roof"].to_numpy(dtype=float) * buildings.area.to_numpy()
    rows = np.flatnonzero(planted > 0)
    if not len(rows):
        return entries("buildings", len(buildings), [])
    once = factors.pick("sink_once.green_roof", "kg m-2")
    cause = Cause.of(once)
    part = Part("buildings", "sinks", "green roof", "stock", 1, "D", "m2", once.factor_id, (cause,),
                year=once.year, quality="M")
    return entries("buildings", len(buildings), [
        (part, rows, planted[rows], planted[rows] * once.value * CARBON)])


def _share_of_stock(trees: gpd.GeoDataFrame, stands: Stands, stock: float,
                    factors: Any) -> Floats:
    """Return the share of the stock of a grown tree that each tree holds [1]."""
    share = np.ones(len(trees))
    if not stands.planted.any():
        return share
    age = trees["age"].to_numpy(dtype=float)
    rate = factors.pick("sink.tree_crown", "kg m-2 a-1").value * CARBON
    held = rate * growth_of(factors).summed(np.nan_to_num(age)) / stock
    young = stands.planted & np.isfinite(age)
    return np.where(young, np.minimum(held, 1.0), share)


def _by_area(layer: str, cover: str, stock: Any, rows: Any, area: Any) -> Block:
    return _part(layer, cover, stock), rows, area, area * stock.value


def _part(layer: str, cover: str, stock: Any, lost: Any = None) -> Part:
    """Return the part of what is stored per area, with its range per square metre."""
    causes = [Cause(stock.factor_id, stock.low - stock.value, stock.high - stock.value)]
    if lost is not None:
        causes.append(Cause(lost.factor_id, lost.value - lost.low, lost.value - lost.high))
    return Part(layer, "sinks", cover, "stock", 1, "D", "m2", stock.factor_id, tuple(causes),
                by_activity=True, year=stock.year, quality="L" if stock.tag == "R" else "M")
