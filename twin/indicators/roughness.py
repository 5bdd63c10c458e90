"""How rough the city is to the wind: frontal area by direction, roughness, displacement."""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np
import xarray as xr
from scipy.ndimage import maximum_filter, uniform_filter
from scipy.sparse import csr_array

from layers.errors import CityTwinError
from twin.aerodynamic import kanda, macdonald
from twin.label import Var, indicator
from twin.walls import exposed_walls

SECTORS = np.arange(16) * 22.5  # directions the wind comes from [degrees]


@indicator(
    Var("frontal_area_index", "1", "Wall area shown to the wind per ground area, by direction",
        total="mean", low=0),
)
def frontal_area(buildings: gpd.GeoDataFrame, buildings_overlap: csr_array,
                 cell_area: np.ndarray, grid: Any) -> xr.DataArray:
    """Frontal area index for 16 directions the wind comes from.

    The wall area a building shows, less party walls, is spread over its footprint, so that sums
    do not depend on the cells.

    Returns
    -------
    xarray.DataArray
        Dimensions (sector, y, x).

    References
    ----------
    Grimmond & Oke (1999), J. Appl. Meteorol. 38:1262.
    """
    shown = exposed_walls(buildings).frontal_area(SECTORS, len(buildings))
    footprint = np.maximum(buildings.area.to_numpy(), 1e-9)
    with np.errstate(invalid="ignore", divide="ignore"):
        index = np.stack([(buildings_overlap @ (s / footprint)) / cell_area for s in shown])
    return xr.DataArray(
        index.reshape(len(SECTORS), *grid.shape), dims=("sector", "y", "x"),
        coords={"sector": ("sector", SECTORS, {"units": "degree", "long_name":
                           "Direction the wind comes from, clockwise from north"}),
                "y": grid.y, "x": grid.x})


@indicator(
    Var("roughness_length", "m", "Aerodynamic roughness length of the neighbourhood (Kanda 2013)",
        low=0),
    Var("displacement_height", "m", "Zero-plane displacement of the neighbourhood (Kanda 2013)",
        low=0),
    Var("roughness_length_macdonald", "m",
        "Aerodynamic roughness length of the neighbourhood (Macdonald 1998)", low=0),
    Var("displacement_height_macdonald", "m",
        "Zero-plane displacement of the neighbourhood (Macdonald 1998)", low=0),
    reach=150.0,
)
def roughness(building_coverage: xr.DataArray, height_mean: xr.DataArray,
              height_sigma: xr.DataArray, height_max: xr.DataArray,
              frontal_area_index: xr.DataArray, cell_area: np.ndarray, grid: Any, *,
              neighbourhood: float = 300.0) -> dict[str, xr.DataArray]:
    """Roughness and displacement of the ground around each cell, mean over wind directions.

    The formulas hold for neighbourhoods, not for one tower in a small cell, so the form is first
    averaged over a square around the cell.

    Parameters
    ----------
    neighbourhood
        Side of that square, to the nearest odd number of cells [m].

    References
    ----------
    Macdonald et al. (1998), Atmos. Environ. 32:1857, doi:10.1016/S1352-2310(97)00403-2.
    Kanda et al. (2013), Boundary-Layer Meteorol. 148:357, doi:10.1007/s10546-013-9818-x.
    """
    if not (isinstance(neighbourhood, int | float) and 0 < neighbourhood < 1e5):
        raise CityTwinError(f"neighbourhood is {neighbourhood!r}, expected metres above zero")
    width = max(1, 2 * round((neighbourhood / grid.cell_size - 1) / 2) + 1)
    area = cell_area.reshape(grid.shape)

    def around(values: Any) -> np.ndarray:
        total = uniform_filter(np.nan_to_num(values) * area, width, mode="constant")
        return np.asarray(np.maximum(total, 0.0))  # the running sum may leave a negative rounding

    ground = np.maximum(around(np.ones(grid.shape)), 1e-9)
    covered = building_coverage.to_numpy()
    mean, sigma = height_mean.to_numpy(), height_sigma.to_numpy()
    built = np.maximum(around(covered), 1e-9)
    plan, frontal = around(covered) / ground, around(frontal_area_index.mean("sector")) / ground
    height = around(covered * mean) / built
    square = around(covered * (mean ** 2 + sigma ** 2)) / built
    spread = np.sqrt(np.maximum(square - height ** 2, 0.0))
    highest = maximum_filter(np.nan_to_num(height_max.to_numpy()), width, mode="constant")

    z0_mac, d_mac = macdonald(plan, frontal, height)
    z0_kan, d_kan = kanda(plan, z0_mac, height, spread, highest)
    return {"roughness_length": grid.field(z0_kan), "displacement_height": grid.field(d_kan),
            "roughness_length_macdonald": grid.field(z0_mac),
            "displacement_height_macdonald": grid.field(d_mac)}
