"""Entries: what the features of one layer emit, by part, before they are laid on cells."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from layers.errors import CityTwinError
from twin.carbon.parts import Part
from twin.carbon.ranges import ranges
from twin.estimate import Estimate

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Entries:
    """What features of a layer emit in a year, one row a feature and part.

    Parameters
    ----------
    layer
        The layer.
    count
        Number of its features.
    parts
        The parts.
    part
        Part of each row, shape (n,).
    source
        Row of the feature in the layer, shape (n,).
    activity
        What the feature does as a whole, in the unit of the part, shape (n,).
    value
        What it emits as a whole, below zero what it takes up, shape (n,) [kg a-1].
    """

    layer: str
    count: int
    parts: tuple[Part, ...]
    part: Whole
    source: Whole
    activity: Floats
    value: Floats

    def by_source(self, want: Callable[[Part], bool] | None = None) -> Estimate:
        """Return what each feature emits, with its range, arrays of shape (count,) [kg a-1].

        Parameters
        ----------
        want
            Says which parts count; all when None.
        """
        mine = self.where(want)
        return ranges(mine.parts, mine.part, mine.source, mine.source, mine.activity, mine.value,
                      self.count)

    def activity_by_source(self, want: Callable[[Part], bool] | None = None) -> Floats:
        """Return the activity of each feature, shape (count,) [unit of the parts]."""
        mine = self.where(want)
        return np.bincount(mine.source, weights=mine.activity, minlength=self.count).astype(float)

    def of_activity(self, want: Callable[[Part], bool] | None = None) -> Estimate:
        """Return the activity of each feature with its range, arrays of shape (count,).

        The ranges of the factors that the activity is multiplied by are not in it.
        """
        mine = self.where(want)
        parts = [p.but(causes=tuple(c for c in p.causes if c.name != p.factor_id))
                 for p in mine.parts]
        return ranges(parts, mine.part, mine.source, mine.source, mine.activity, mine.activity,
                      self.count)

    def where(self, want: Callable[[Part], bool] | None) -> Entries:
        """Return the rows of some parts."""
        if want is None:
            return self
        keep = np.array([bool(want(p)) for p in self.parts], dtype=bool)
        rows = keep[self.part] if len(keep) else np.zeros(0, dtype=bool)
        number = np.cumsum(keep) - 1
        return Entries(self.layer, self.count,
                       tuple(p for p, k in zip(self.parts, keep, strict=True) if k),
                       number[self.part[rows]], self.source[rows], self.activity[rows],
                       self.value[rows])


def entries(layer: str, count: int, blocks: Sequence[tuple[Part, ArrayLike, ArrayLike, ArrayLike]]
            ) -> Entries:
    """Return entries from blocks, one a part.

    Parameters
    ----------
    layer, count
        As in `Entries`.
    blocks
        Part, rows of the features, their activity, and what they emit [kg a-1]. Rows without
        activity and value are left out; parts that are equal are one.

    Raises
    ------
    CityTwinError
        When a number is missing, or a part is of another layer.
    """
    parts: dict[Part, int] = {}
    columns: list[tuple[Any, Any, Any, Any]] = []
    for part, source, activity, value in blocks:
        if part.layer != layer:
            raise CityTwinError(f"a part of {part.layer} among entries of {layer}")
        rows = np.asarray(source, dtype=np.int64)
        done, emitted = (np.broadcast_to(np.asarray(a, dtype=float), rows.shape)
                         for a in (activity, value))
        if not (np.isfinite(done).all() and np.isfinite(emitted).all()):
            raise CityTwinError(f"{part.sector} of {layer} ({part.sub} {part.item}): "
                                f"{int((~np.isfinite(emitted)).sum())} values are no number",
                                mend="Look at the layer with `citytwin check`")
        some = (done != 0) | (emitted != 0)
        number = parts.setdefault(part, len(parts))
        columns.append((np.full(int(some.sum()), number), rows[some], done[some], emitted[some]))
    if not columns:
        none = np.zeros(0)
        return Entries(layer, count, (), none.astype(np.int64), none.astype(np.int64), none, none)
    part_of, source_of, activity_of, value_of = (np.concatenate(c)
                                                 for c in zip(*columns, strict=True))
    return Entries(layer, count, tuple(parts), part_of.astype(np.int64), source_of, activity_of,
                   value_of)
