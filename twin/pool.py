"""What a run draws on: factors bound to a place, and overlaps made once and shared."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import geopandas as gpd
from scipy.sparse import csr_array

from layers.city import City
from layers.green import all_trees
from layers.place import Place
from twin.factor import Factor
from twin.factors import Factors
from twin.grid import Grid
from twin.overlay import overlap


@dataclass
class Picker:
    """Factor tables bound to a place; remembers what was picked and what fell back."""

    factors: Factors
    place: Place
    used: dict[str, Factor] = field(default_factory=dict)
    fallbacks: dict[str, int] = field(default_factory=dict)

    def pick(self, stem: str, unit: str | None = None) -> Factor:
        """Return the factor of ``stem`` nearest to the place, in ``unit`` if given."""
        found = self.factors.pick(stem, self.place, unit)
        self.used[found.factor_id] = found
        constant = stem.startswith("fuel.")  # what a fuel emits does not depend on the country
        if found.is_fallback(self.place) and not constant:
            self.count(f"{stem.split('.')[0]}: world factors for {self.place}", 1, once=stem)
        return found

    def count(self, what: str, number: int, *, once: str = "") -> None:
        """Count a fallback; with ``once`` the same thing is counted one time only."""
        if once and once in self._seen:
            return
        self._seen.add(once)
        if number:
            self.fallbacks[what] = self.fallbacks.get(what, 0) + number

    _seen: set[str] = field(default_factory=set)


@dataclass
class Overlaps:
    """Overlap matrices by layer object and grid, so that scenarios share what an edit left."""

    made: dict[tuple[int, tuple[Any, ...]], tuple[Any, csr_array]] = field(default_factory=dict)
    areas: dict[tuple[int, str], gpd.GeoDataFrame] = field(default_factory=dict)
    stems: dict[tuple[int, int], tuple[Any, Any, gpd.GeoDataFrame]] = field(default_factory=dict)

    def of(self, layer: gpd.GeoDataFrame, grid: Grid) -> csr_array:
        """Return the overlap of a layer with the grid, made on first use."""
        key = (id(layer), (grid.x0, grid.y0, grid.cell_size, grid.nx, grid.ny, id(grid.area)))
        if key not in self.made:
            self.made[key] = (layer, overlap(layer, grid))  # the layer is kept, so its id stays
        return self.made[key][1]

    def area(self, city: City) -> gpd.GeoDataFrame:
        """Return the study area as a table, one table for the same area."""
        key = (id(city.area), city.crs.to_wkt())
        if key not in self.areas:
            self.areas[key] = gpd.GeoDataFrame(geometry=[city.area], crs=city.crs)
        return self.areas[key]

    def trees(self, trees: gpd.GeoDataFrame, rows: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
        """Return single trees and those of rows, one table for the same two layers."""
        key = (id(trees), id(rows))
        if key not in self.stems:
            self.stems[key] = (trees, rows, all_trees(trees, rows))
        return self.stems[key][2]
