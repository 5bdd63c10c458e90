"""What a layer must hold: typed columns with units, and every fault of one that does not."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Literal

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from layers.errors import LayerError

Kind = Literal["float", "int", "str", "bool"]
Geometry = Literal["polygon", "line", "point", "line or polygon"]

_GEOMETRY_IDS = {
    "point": (0, 4),
    "line": (1, 2, 5),
    "polygon": (3, 6),
    "line or polygon": (1, 2, 5, 3, 6),
}


@dataclass(frozen=True)
class Column:
    """One attribute of a layer.

    Parameters
    ----------
    name
        Column name; Overture's where Overture has one.
    kind
        Storage type. Numbers that may be unknown are ``float`` with NaN.
    units
        UDUNITS string, ``"1"`` for a count or share, empty for text.
    about
        One line for people.
    low, high
        Physical limits, inclusive. Values outside are faults.
    choices
        Allowed words for a ``str`` column.
    complete
        Whether every row must have a value once the layer is tidied.
    default
        Value given to rows of a column that the source does not have.
    """

    name: str
    kind: Kind
    units: str = ""
    about: str = ""
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()
    complete: bool = False
    default: Any = None

    @property
    def missing(self) -> Any:
        """The value of this column in a row that has none."""
        if self.default is not None:
            return self.default
        return {"float": np.nan, "int": pd.NA, "str": "", "bool": False}[self.kind]

    @property
    def dtype(self) -> str:
        """The pandas dtype the column is stored in."""
        return {"float": "float64", "int": "Int64", "str": "str", "bool": "bool"}[self.kind]


@dataclass(frozen=True)
class LayerSpec:
    """A layer of a city: its geometry, its columns and where OpenStreetMap keeps it."""

    name: str
    geometry: Geometry
    columns: tuple[Column, ...]
    about: str = ""
    osm: dict[str, Any] = field(default_factory=dict)

    def column(self, name: str) -> Column:
        """Return the column of that name."""
        return next(c for c in self.columns if c.name == name)

    @property
    def names(self) -> list[str]:
        """Column names in order, geometry left out."""
        return [c.name for c in self.columns]

    def empty(self, crs: Any) -> gpd.GeoDataFrame:
        """Return the layer with no rows."""
        data = {c.name: pd.Series([], dtype=c.dtype) for c in self.columns}
        return gpd.GeoDataFrame(data, geometry=gpd.GeoSeries([], crs=crs), crs=crs)

    def conform(self, gdf: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
        """Return ``gdf`` with exactly the columns of this layer, typed, missing ones filled.

        Raises
        ------
        LayerError
            When a column holds values that its type cannot take.
        """
        data: dict[str, Any] = {}
        for col in self.columns:
            if col.name not in gdf.columns:
                data[col.name] = pd.Series(
                    [col.missing] * len(gdf), index=gdf.index, dtype=col.dtype
                )
                continue
            data[col.name] = self._typed(gdf[col.name], col)
        return gpd.GeoDataFrame(data, geometry=gdf.geometry.array, index=gdf.index, crs=gdf.crs)

    def _typed(self, values: pd.Series, col: Column) -> pd.Series:
        if col.kind in ("float", "int"):
            number = pd.to_numeric(values, errors="coerce")
            bad = number.isna() & values.notna() & (values.astype(str).str.strip() != "")
            if bad.any():
                row: Any = bad.idxmax()
                got = values[row]
                raise LayerError(
                    f"layer {self.name!r}, row {row}: {col.name} is {str(got)[:40]!r}, expected a"
                    f" number in {col.units} ({int(bad.sum())} such rows)",
                    mend="Correct the column or map another one with --map",
                )
            number = number.astype("float64").replace([np.inf, -np.inf], np.nan)
            filled = number if col.default is None else number.fillna(col.default)
            return filled.round().astype("Int64") if col.kind == "int" else filled
        if col.kind == "bool":
            said = values.map(truth)
            return said.fillna(bool(col.missing)).astype("bool")
        text = values.where(values.notna(), col.missing).astype("str")
        return text.where(text.str.strip() != "", col.missing).astype("str")


_TRUE, _FALSE = {"yes", "true", "1", "1.0", "-1", "y", "t"}, {"no", "false", "0", "0.0", "n", "f"}


def truth(value: Any) -> bool | None:
    """Return what a word says: true, false, or None when it says neither."""
    word = str(value).strip().lower()
    return True if word in _TRUE else False if word in _FALSE else None


@dataclass(frozen=True)
class Fault:
    """One thing wrong with a layer, found by `faults`."""

    layer: str
    what: str
    rows: tuple[Any, ...] = ()
    count: int = 1

    def __str__(self) -> str:
        where = f", row {self.rows[0]}" if self.rows else ""
        more = f" ({self.count} rows)" if self.count > 1 else ""
        return f"layer {self.layer!r}{where}: {self.what}{more}"


def faults(gdf: gpd.GeoDataFrame, spec: LayerSpec) -> list[Fault]:
    """Return everything in which a tidied layer misses its specification."""
    found: list[Fault] = []

    def note(what: str, bad: Iterable[bool]) -> None:
        mask = np.asarray(bad, dtype=bool)
        if mask.any():
            rows = tuple(gdf.index[mask][:5].tolist())
            found.append(Fault(spec.name, what, rows, int(mask.sum())))

    if gdf.crs is None or not gdf.crs.is_projected:
        found.append(Fault(spec.name, f"expected a projected CRS in metres, got {gdf.crs}"))
    geometry = gdf.geometry.values
    note("the geometry is missing or empty", shapely.is_missing(geometry) | _empty(geometry))
    kinds = shapely.get_type_id(geometry)
    note(
        f"expected {spec.geometry} geometry, got {_kind_names(kinds, spec)}",
        ~np.isin(kinds, _GEOMETRY_IDS[spec.geometry]) & ~shapely.is_missing(geometry),
    )
    note("the geometry is invalid (crosses itself)", ~shapely.is_valid(geometry))
    for col in spec.columns:
        if col.name not in gdf.columns:
            found.append(Fault(spec.name, f"the column {col.name!r} is missing"))
            continue
        values = gdf[col.name]
        if col.kind in ("float", "int"):
            number = values.astype("float64").to_numpy()
            if col.low is not None:
                note(_beyond(col, number, number < col.low, f"at least {col.low:g}"),
                     number < col.low)
            if col.high is not None:
                note(_beyond(col, number, number > col.high, f"at most {col.high:g}"),
                     number > col.high)
            if col.complete:
                note(f"{col.name} has no value", np.isnan(number))
        elif col.choices:
            allowed = [*col.choices, *([] if col.complete else [""])]
            wrong = ~values.isin(allowed)
            got = str(values[wrong].iloc[0])[:40] if wrong.any() else ""
            note(f"{col.name} is {got!r}, expected one of {', '.join(col.choices)}", wrong)
    return found


def _beyond(col: Column, number: np.ndarray, bad: np.ndarray, limit: str) -> str:
    unit = "" if col.units in ("", "1") else f" {col.units}"
    got = f"{number[bad][0]:g}" if bad.any() else ""
    return f"{col.name} is {got}{unit}, expected {limit}{unit}"


def _empty(geometry: Any) -> Any:
    return shapely.is_empty(geometry)


def _kind_names(kinds: Any, spec: LayerSpec) -> str:
    wrong = kinds[~np.isin(kinds, (*_GEOMETRY_IDS[spec.geometry], -1))]
    return "".join(shapely.GeometryType(int(wrong[0])).name.lower() if len(wrong) else "another")
