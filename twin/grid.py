"""The grid: square cells over the study area. Row 0 is south, column 0 is west.

This is the axis contract of the project. Arrays are (y, x), y ascending; coordinates are cell
centres; rows flip only in readers and writers of rasters.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import shapely
import xarray as xr
from pyproj import CRS

from layers.errors import GridError

MOST_CELLS = 50_000_000
WIDEST = 100_000.0  # side of a cell [m]


@dataclass(frozen=True)
class Grid:
    """Square cells in a projected CRS.

    Parameters
    ----------
    crs
        Projected CRS in metres.
    x0, y0
        South-west corner [m].
    cell_size
        Side of a cell [m].
    nx, ny
        Number of columns and rows.
    area
        The study area; cells are weighed by the part of them inside it.
    """

    crs: CRS
    x0: float
    y0: float
    cell_size: float
    nx: int
    ny: int
    area: Any

    @classmethod
    def over(cls, area: Any, crs: Any, cell_size: float = 50.0,
             *, offset: tuple[float, float] = (0.0, 0.0)) -> Grid:
        """Lay a grid over a study area, its lines on whole multiples of the cell size.

        Parameters
        ----------
        area
            Polygon in ``crs``.
        crs
            Projected CRS in metres.
        cell_size
            Side of a cell [m].
        offset
            Shift of the grid lines east and north [m]; totals do not depend on it.

        Raises
        ------
        GridError
            When the CRS has no metres, the area no surface, or the cells are too many.
        """
        crs = CRS.from_user_input(crs)
        if not crs.is_projected or any(a.unit_conversion_factor != 1 for a in crs.axis_info[:2]):
            raise GridError(f"the grid needs a projected CRS in metres, got {crs.name}",
                            mend="Reproject the city first")
        if not (isinstance(cell_size, int | float) and 0 < cell_size <= WIDEST):
            raise GridError(f"cell size is {cell_size!r} m, expected a positive number up to "
                            f"{WIDEST:,.0f}")
        if shapely.is_empty(area) or area.area <= 0:
            raise GridError(f"the study area has {area.area:g} m2",
                            mend="Give a polygon with some surface")
        west, south, east, north = area.bounds
        x0 = math.floor((west - offset[0]) / cell_size) * cell_size + offset[0]
        y0 = math.floor((south - offset[1]) / cell_size) * cell_size + offset[1]
        nx = max(1, math.ceil((east - x0) / cell_size - 1e-9))
        ny = max(1, math.ceil((north - y0) / cell_size - 1e-9))
        if nx * ny > MOST_CELLS:
            fit = cell_size * math.sqrt(nx * ny / MOST_CELLS)
            raise GridError(f"{nx} x {ny} cells of {cell_size:g} m are more than "
                            f"{MOST_CELLS:,}", mend=f"Use cells of at least "
                            f"{math.ceil(fit * 100) / 100:g} m or a "
                            "smaller area")
        return cls(crs, x0, y0, float(cell_size), nx, ny, area)

    def fine(self, factor: int) -> Grid:
        """Return the same ground in cells ``factor`` times finer."""
        if factor < 1 or int(factor) != factor:
            raise GridError(f"factor is {factor!r}, expected a whole number from 1")
        return replace(self, cell_size=self.cell_size / factor, nx=self.nx * factor,
                       ny=self.ny * factor)

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.ny, self.nx

    @property
    def size(self) -> int:
        """Number of cells."""
        return self.ny * self.nx

    @property
    def x(self) -> np.ndarray:
        """Easting of the cell centres, ascending [m]."""
        return np.asarray(self.x0 + (np.arange(self.nx) + 0.5) * self.cell_size)

    @property
    def y(self) -> np.ndarray:
        """Northing of the cell centres, ascending [m]."""
        return np.asarray(self.y0 + (np.arange(self.ny) + 0.5) * self.cell_size)

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """West, south, east and north edge [m]."""
        return (self.x0, self.y0, self.x0 + self.nx * self.cell_size,
                self.y0 + self.ny * self.cell_size)

    def field(self, values: np.ndarray) -> xr.DataArray:
        """Return values per cell, flat from the south-west or (ny, nx), as a DataArray."""
        return xr.DataArray(np.asarray(values, dtype="float64").reshape(self.shape),
                            coords={"y": self.y, "x": self.x}, dims=("y", "x"))

    def boxes(self) -> np.ndarray:
        """Return the cells as polygons, flat from the south-west."""
        west = self.x0 + np.arange(self.nx) * self.cell_size
        south = self.y0 + np.arange(self.ny) * self.cell_size
        left, low = np.meshgrid(west, south)
        return np.asarray(shapely.box(left, low, left + self.cell_size,
                                      low + self.cell_size)).ravel()

    def __repr__(self) -> str:
        code = self.crs.to_epsg()
        return (f"Grid of {self.nx} x {self.ny} cells of {self.cell_size:g} m, "
                f"{f'EPSG:{code}' if code else self.crs.name}")
