"""The ledger: one account of what is emitted and taken up, by source, cell, scope and sector."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_array

from twin.carbon.entries import Entries
from twin.carbon.parts import Part
from twin.carbon.ranges import ranges
from twin.estimate import Estimate

Floats = NDArray[np.float64]
ROWS = ("part", "source", "cell", "activity", "value")
META = tuple(k for k in Part.__dataclass_fields__ if k not in ("causes", "own", "by_activity"))


@dataclass(frozen=True, eq=False)
class Ledger:
    """Emissions and uptake inside the study area, one row a source, cell and part.

    Parameters
    ----------
    parts
        What rows share: sector, scope, stage, factor, method and causes of uncertainty.
    rows
        ``part``, number of the part; ``source``, row of the feature in its layer; ``cell``, flat
        number in the grid; ``activity`` in the part's unit and ``value`` [kg a-1], both of what
        lies in the cell. Uptake is below zero.
    cells
        Number of cells of the grid.
    names
        What the sources of a layer are called, unlike each other, by layer; by their rows where it
        is missing.
    """

    parts: tuple[Part, ...]
    rows: pd.DataFrame
    cells: int
    names: Mapping[str, NDArray[Any]] = field(default_factory=dict)

    def total(self, want: Callable[[Part], bool] | None = None) -> Estimate:
        """Return the sum of some parts with its range [kg a-1].

        Parameters
        ----------
        want
            Says which parts count; all when None.
        """
        mine = self.where(want)
        sums = mine._sum(np.zeros(len(mine.rows), dtype=np.int64), 1)
        return Estimate(*(float(end[0]) for end in (sums.value, sums.low, sums.high)))

    def by_cell(self, want: Callable[[Part], bool] | None = None) -> Estimate:
        """Return the sum in each cell with its range, arrays of shape (cells,) [kg a-1]."""
        mine = self.where(want)
        return mine._sum(mine.rows["cell"].to_numpy(), self.cells)

    def by(self, *columns: str, want: Callable[[Part], bool] | None = None) -> pd.DataFrame:
        """Return sums by what parts have in common, with ranges.

        Parameters
        ----------
        columns
            Fields of `Part`, such as ``"sector"`` and ``"scope"``.
        want
            As in `total`.

        Returns
        -------
        pandas.DataFrame
            ``value``, ``low`` and ``high`` [kg a-1], indexed by ``columns``.
        """
        mine = self.where(want)
        keys = pd.DataFrame([[getattr(p, c) for c in columns] for p in mine.parts],
                            columns=list(columns))
        if keys.empty:
            return pd.DataFrame(columns=["value", "low", "high"], dtype=float)
        number = keys.groupby(list(columns), sort=True).ngroup().to_numpy()
        index = keys.drop_duplicates().sort_values(list(columns)).set_index(list(columns)).index
        sums = mine._sum(number[mine.rows["part"].to_numpy()], len(index))
        return pd.DataFrame({"value": sums.value, "low": sums.low, "high": sums.high}, index=index)

    def where(self, want: Callable[[Part], bool] | None) -> Ledger:
        """Return the rows of some parts."""
        if want is None:
            return self
        keep = np.array([bool(want(p)) for p in self.parts], dtype=bool)
        number = np.cumsum(keep) - 1
        rows = self.rows[keep[self.rows["part"].to_numpy()]] if len(keep) else self.rows
        return Ledger(tuple(p for p, k in zip(self.parts, keep, strict=True) if k),
                      rows.assign(part=number[rows["part"].to_numpy()]).reset_index(drop=True),
                      self.cells, self.names)

    def called(self) -> NDArray[Any]:
        """Return what the source of each row is called, shape (n,)."""
        part, source = self.rows["part"].to_numpy(), self.rows["source"].to_numpy()
        out = np.array([f"row {s}" for s in range(int(source.max(initial=-1)) + 1)],
                       dtype=object)[source]
        layer = np.array([p.layer for p in self.parts], dtype=object)
        for name, known in self.names.items():
            mine = layer[part] == name if len(layer) else np.zeros(0, dtype=bool)
            out[mine] = np.asarray(known, dtype=object)[source[mine]]
        return np.asarray(out)

    def table(self) -> pd.DataFrame:
        """Return one long table: every row with the words of its part, its low and its high end.

        Words are categories, so that the table stays small.
        """
        part = self.rows["part"].to_numpy()
        sums = self._sum(np.arange(len(self.rows)), len(self.rows))
        out: dict[str, Any] = {}
        for name in META:
            words = pd.Series([getattr(p, name) for p in self.parts], dtype=object)
            out[name] = words.astype("category").take(part).to_numpy()
        frame = pd.DataFrame(out).assign(
            source=self.rows["source"].to_numpy(), source_id=self.called(),
            cell=self.rows["cell"].to_numpy(), activity=self.rows["activity"].to_numpy(),
            value=sums.value, low=sums.low, high=sums.high)
        first = ["layer", "source", "source_id", "cell", "scope", "sector", "sub", "item",
                 "stage", "gas", "activity", "unit", "factor_id", "value", "low", "high"]
        return frame[[*first, *(c for c in frame.columns if c not in first)]]

    def _sum(self, target: NDArray[np.int64], count: int) -> Estimate:
        part, source, activity, value = (self.rows[c].to_numpy()
                                         for c in ("part", "source", "activity", "value"))
        return ranges(self.parts, part, source, np.asarray(target), activity, value, count)

    def __repr__(self) -> str:
        return (f"<Ledger: {len(self.rows):,} rows of {len(self.parts)} parts in {self.cells:,} "
                "cells>")


def told_apart(names: Sequence[Any]) -> NDArray[Any]:
    """Return names unlike each other: what stands again gets its number.

    Parameters
    ----------
    names
        Identifiers of features, which may be empty or stand more than once.
    """
    plain = pd.Series(list(names), dtype=object).fillna("").astype(str)
    again = plain.groupby(plain).cumcount()
    return np.asarray(np.where((again > 0) | (plain == ""), plain + "#" + again.astype(str), plain))


def ledger(given: Sequence[Entries], shares: Mapping[str, csr_array], cells: int,
           names: Mapping[str, Sequence[Any]] | None = None) -> Ledger:
    """Return the ledger of entries laid on cells.

    Parameters
    ----------
    given
        Entries of the layers.
    shares
        Share of each feature in each cell by layer, (cells, features) [1].
    cells
        Number of cells.
    names
        Identifiers of the features by layer; the same feature has the same before and after a plan.
    """
    parts: dict[Part, int] = {}
    frames = []
    for one in given:
        number = np.array([parts.setdefault(p, len(parts)) for p in one.parts], dtype=np.int64)
        by_feature = shares[one.layer].tocsc()
        lengths = np.diff(by_feature.indptr)[one.source]
        row = np.repeat(np.arange(len(one.source)), lengths)
        first = np.repeat(by_feature.indptr[one.source], lengths)
        within = np.arange(len(row)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        at = first + within
        share = by_feature.data[at]
        frames.append(pd.DataFrame({
            "part": number[one.part[row]] if len(number) else np.zeros(0, dtype=np.int64),
            "source": one.source[row], "cell": by_feature.indices[at].astype(np.int64),
            "activity": one.activity[row] * share, "value": one.value[row] * share}))
    rows = pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(
        {c: np.zeros(0, dtype=float if c in ("activity", "value") else np.int64) for c in ROWS})
    return Ledger(tuple(parts), rows, cells,
                  {layer: told_apart(ids) for layer, ids in (names or {}).items()})
