"""An account: one boundary of the ledger by group, its sinks apart, its largest doubts named."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_array, diags_array, hstack

from layers.errors import CityTwinError, LayerError, nearest
from twin.carbon.boundaries import inside, is_sink
from twin.carbon.ledger import Ledger
from twin.carbon.ranges import ranges
from twin.carbon.uncertainty import draw
from twin.estimate import Estimate

Floats = NDArray[np.float64]
GROUPS = ("sector", "scope", "cell", "district")
TONNE = 1000.0  # [kg]
REST = "outside the districts"


def account(ledger: Ledger, boundary: str = "supply", by: str = "sector", *,
            districts: tuple[list[str], csr_array] | None = None,
            draws: int = 0) -> dict[str, Any]:
    """Return an account as plain data, tonnes a year.

    Parameters
    ----------
    ledger
        The ledger.
    boundary
        One of `twin.carbon.boundaries.BOUNDARIES`.
    by
        One of ``GROUPS``.
    districts
        Names, and the share of each cell in each district from `district_shares`.
    draws
        Number of Monte Carlo draws for the total, none when 0.

    Returns
    -------
    dict
        ``boundary``, ``unit``, ``total`` (value, low, high), ``by``, ``sinks``, and ``draws`` with
        its quantiles and largest causes.

    Raises
    ------
    CityTwinError
        When the boundary or grouping is unknown, or districts are missing.
    """
    if by not in GROUPS:
        raise CityTwinError(f"an account cannot be told by {by!r}{nearest(by, list(GROUPS))}",
                            mend=f"By {', '.join(GROUPS)}")
    want = inside(boundary)
    mine = ledger.where(want)
    out: dict[str, Any] = {
        "boundary": boundary, "unit": "t a-1", "total": _ends(mine.total()),
        "by": _grouped(mine, by, districts), "sinks": _ends(ledger.total(is_sink)),
        "measured_share": _measured_share(mine)}
    if draws:
        drawn = draw(mine, count=draws)
        low, middle, high = (e / TONNE for e in drawn.ends)
        out["draws"] = {"count": draws, "p2.5": low, "p50": middle, "p97.5": high,
                        "largest": {k: round(float(v), 4)
                                    for k, v in drawn.contributors().items()}}
    return out


def district_shares(overlap: csr_array, names: list[str],
                    cell_area: Floats) -> tuple[list[str], csr_array]:
    """Return names of districts and the share of each cell that counts in each.

    Parameters
    ----------
    overlap
        Area of the districts in whole cells, (cells, districts) [m2].
    names
        Name of each district.
    cell_area
        Area of each cell in the study area, flat [m2]. Cells at its edge may reach beyond it: what
        the districts hold of them then counts in full.

    Raises
    ------
    LayerError
        When districts lie over each other, or none meets the study area.
    """
    held = np.asarray(overlap.sum(axis=1)).ravel()
    over = float(np.maximum(held - cell_area.max(initial=0.0), 0.0).sum())
    if over > 1.0:
        raise LayerError(f"districts lie over each other on at least {over:,.0f} m2",
                         mend="Cut them so that each place is in one district")
    if not (held[cell_area > 0] > 0).any():
        raise LayerError("no district meets the study area", mend="Check the CRS of the file")
    inner = csr_array(diags_array(1 / np.maximum(np.maximum(held, cell_area), 1e-9)) @ overlap)
    rest = np.where(cell_area > 0, 1 - np.asarray(inner.sum(axis=1)).ravel(), 0.0)
    rest[rest < 1e-9] = 0.0
    if not rest.any():
        return names, inner
    return [*names, REST], csr_array(hstack([inner, csr_array(rest[:, None])]))


def _grouped(mine: Ledger, by: str, districts: tuple[list[str], csr_array] | None
             ) -> dict[str, Any]:
    if by in ("sector", "scope"):
        table = mine.by(by)
        return {str(key): _ends(Estimate(r["value"], r["low"], r["high"]))
                for key, r in table.iterrows()}
    if by == "cell":
        cells = mine.by_cell()
        some = np.flatnonzero(cells.value != 0)
        return {str(i): _ends(Estimate(cells.value[i], cells.low[i], cells.high[i]))
                for i in some}
    if districts is None:
        raise CityTwinError("an account by district needs the districts",
                            mend="Give a file of polygons with --districts FILE")
    names, spread = districts
    cell = mine.rows["cell"].to_numpy()
    lengths = np.diff(spread.indptr)[cell]
    row = np.repeat(np.arange(len(cell)), lengths)
    first = np.repeat(spread.indptr[cell] - (np.cumsum(lengths) - lengths), lengths)
    at = first + np.arange(len(row))
    weight = spread.data[at]
    rows = mine.rows.iloc[row]
    found = ranges(mine.parts, rows["part"].to_numpy(), rows["source"].to_numpy(),
                   spread.indices[at].astype(np.int64), rows["activity"].to_numpy() * weight,
                   rows["value"].to_numpy() * weight, len(names))
    return {name: _ends(Estimate(found.value[i], found.low[i], found.high[i]))
            for i, name in enumerate(names)}


def _ends(found: Estimate) -> dict[str, float]:
    return {end: float(getattr(found, end)) / TONNE for end in ("value", "low", "high")}


def _measured_share(mine: Ledger) -> float:
    """Return the share of the total that was measured [1]."""
    sums = pd.Series(mine.rows["value"]).groupby(mine.rows["part"]).sum()
    whole = float(sums.sum())
    measured = sum(float(sums.get(i, 0.0)) for i, p in enumerate(mine.parts)
                   if p.method == "measured")
    return measured / whole if whole else 0.0
