"""How large sinks are: against the emissions around them, and in the first years of a planting."""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from twin.carbon.boundaries import is_sink
from twin.carbon.growth import growth_through, mean_share
from twin.carbon.ledger import Ledger
from twin.carbon.ledger import ledger as laid_on_cells
from twin.carbon.lines import is_operation, is_tailpipe
from twin.carbon.parts import Part
from twin.carbon.uptake import BY_CROWN, uptake_of_trees
from twin.estimate import Estimate

Floats = NDArray[np.float64]


def is_emitted(part: Part) -> bool:
    """Return whether a part is the CO2 of running buildings or of driving."""
    return is_operation(part) or is_tailpipe(part)


def taken_up(ledger: Ledger) -> Estimate:
    """Return the share of the emissions of each cell that green takes up there.

    Parameters
    ----------
    ledger
        The ledger.

    Returns
    -------
    Estimate
        Arrays of shape (cells,), no number where nothing is emitted [1].
    """
    return _ratio(ledger.by_cell(is_sink), ledger.by_cell(is_emitted))


def taken_up_in_all(ledger: Ledger) -> Estimate:
    """Return the share of all emissions of the area that its green takes up [1].

    Parameters
    ----------
    ledger
        The ledger.
    """
    found = _ratio(ledger.total(is_sink), ledger.total(is_emitted))
    return Estimate(*(float(end) for end in (found.value, found.low, found.high)))


def first_years(trees: gpd.GeoDataFrame, green: gpd.GeoDataFrame, shares: csr_array, factors: Any,
                cells: int, years: int) -> tuple[Estimate, Estimate]:
    """Return the mean uptake of planted trees over their first years, less that of planting them.

    Parameters
    ----------
    trees, green
        The layers.
    shares
        Share of each tree in each cell, (cells, trees) [1].
    factors
        Gives ``planting.*`` and what `twin.carbon.uptake.uptake_of_trees` needs.
    cells
        Number of cells.
    years
        Years that the mean is of.

    Returns
    -------
    tuple
        Of each cell, arrays of shape (cells,), and of all [kg a-1].
    """
    share = _mean_share(factors, years)
    planted = np.asarray(trees["size_from"] == "planted", dtype=bool)
    if not planted.any():
        none = np.zeros(cells)
        return Estimate(none, none, none), Estimate(0.0, 0.0, 0.0)
    emission = factors.pick("planting.emission", "kg")
    grown = trees.assign(age=np.nan)[planted]
    book = laid_on_cells([uptake_of_trees(grown, green, factors, allometry=BY_CROWN)],
                         {"trees": csr_array(shares.tocsc()[:, np.flatnonzero(planted)])}, cells)
    per_year = Estimate(*(end / years for end in (emission.value, emission.low, emission.high)))
    count = np.asarray(shares @ planted.astype(float))
    return (_mean_of(book.by_cell(), share, count, per_year),
            _mean_of(book.total(), share, count.sum(), per_year))


def _mean_of(grown: Estimate, share: Estimate, count: Any, planting: Estimate) -> Estimate:
    """Return share of the grown uptake less the planting, of independent ranges."""
    value = -grown.value * share.value - count * planting.value
    moves = {-1: (-(grown.high - grown.value) * share.value,
                  -grown.value * (share.low - share.value),
                  -count * (planting.high - planting.value)),
             1: (-(grown.low - grown.value) * share.value,
                 -grown.value * (share.high - share.value),
                 -count * (planting.low - planting.value))}
    low, high = (value + sign * np.sqrt(sum(np.square(m) for m in moved))
                 for sign, moved in moves.items())
    return Estimate(value, low, high)


def _mean_share(factors: Any, years: int) -> Estimate:
    """Return the mean uptake of the first years over the grown one, with its range [1]."""
    ages = [factors.pick(f"planting.age_{name}", "a") for name in ("early", "half", "full")]
    early, later = (factors.pick(f"planting.loss_{name}", "a-1") for name in ("early", "later"))

    def mean(age: str, loss: str) -> float:
        curve = growth_through(*(getattr(a, age) for a in ages))
        return mean_share(curve, getattr(early, loss), getattr(later, loss), years)

    value = mean("value", "value")
    down = np.hypot(mean("high", "value") - value, mean("value", "high") - value)
    up = np.hypot(mean("low", "value") - value, mean("value", "low") - value)
    return Estimate(value, max(0.0, value - float(down)), value + float(up))


def _ratio(sinks: Estimate, emitted: Estimate) -> Estimate:
    """Return uptake over emission with its range, no number where nothing is emitted [1]."""
    some = np.asarray(emitted.value) > 0
    under = np.where(some, emitted.value, np.nan)
    value = 0.0 - sinks.value / under
    least, most = np.where(some, emitted.low, np.nan), np.where(some, emitted.high, np.nan)
    with np.errstate(divide="ignore", invalid="ignore"):
        down = np.hypot((sinks.high - sinks.value) / under, value * (1 - under / most))
        up = np.hypot((sinks.value - sinks.low) / under,
                      np.where(value == 0, 0.0, value * (under / least - 1)))
    return Estimate(value, value - down, value + up)
