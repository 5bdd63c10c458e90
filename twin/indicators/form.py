"""Urban form: how much is built, how high, and what covers the rest."""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np
from scipy.sparse import csr_array

from layers.buildings import gross_floor_area
from layers.green import crown_area
from twin.label import Var, indicator


@indicator(
    Var("building_coverage", "1", "Plan area share of buildings", total="mean", low=0, high=1),
    Var("floor_area_ratio", "1", "Floor area ratio (gross floor area per ground area)",
        total="mean", low=0),
    Var("floor_area", "m2 m-2", "Gross floor area", total="sum", total_units="m2", low=0),
    Var("height_mean", "m", "Mean building height, weighed by footprint", total="mean",
        weight="building_coverage", low=0),
    Var("height_sigma", "m", "Standard deviation of building height, weighed by footprint",
        low=0),
    Var("height_max", "m", "Highest building", low=0),
    Var("height_known_share", "1", "Share of footprint with a measured or tagged height",
        total="mean", weight="building_coverage", low=0, high=1),
)
def building_form(buildings: gpd.GeoDataFrame, buildings_overlap: csr_array,
                  cell_area: np.ndarray, grid: Any, factors: Any) -> dict[str, Any]:
    """Coverage, floor area and heights of buildings per cell.

    Returns
    -------
    dict
        DataArrays on (y, x). Heights are NaN in cells without buildings.

    References
    ----------
    Grimmond & Oke (1999), J. Appl. Meteorol. 38:1262,
    doi:10.1175/1520-0450(1999)038<1262:APOUAD>2.0.CO;2.
    """
    height = buildings["height"].to_numpy(dtype=float)
    footprint = buildings.area.to_numpy()
    # Weight by plan area; the overlap holds m2 of footprint per cell and building.
    weight = np.asarray(buildings_overlap.sum(axis=1)).ravel()
    with np.errstate(invalid="ignore", divide="ignore"):
        coverage = weight / cell_area
        over = coverage > 1 + 1e-9
        factors.count("cells whose footprints overlap (coverage cut at 1)", int(over.sum()))
        mean = buildings_overlap @ height / weight
        square = buildings_overlap @ height ** 2 / weight
        known = buildings["height_from"].isin(["measured", "tag"]).to_numpy(dtype=float)
        share = np.clip(buildings_overlap @ known / weight, 0, 1)
        floors = gross_floor_area(buildings) / np.where(footprint > 0, footprint, 1.0)
        ratio = buildings_overlap @ floors / cell_area
    # Rounding makes square - mean**2 slightly negative where all heights are equal.
    sigma = np.sqrt(np.maximum(square - mean ** 2, 0.0))
    highest = np.where(weight > 0, _row_max(height, buildings_overlap), np.nan)
    return {
        "building_coverage": grid.field(np.minimum(coverage, 1.0)),
        "floor_area_ratio": grid.field(ratio), "floor_area": grid.field(ratio),
        "height_mean": grid.field(mean), "height_sigma": grid.field(sigma),
        "height_max": grid.field(highest), "height_known_share": grid.field(share),
    }


def _row_max(height: np.ndarray, matrix: csr_array) -> np.ndarray:
    """Largest height among the buildings of each cell."""
    out = np.zeros(matrix.shape[0])
    rows = np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))
    np.maximum.at(out, rows, height[matrix.indices])
    return out


@indicator(
    Var("green_share", "1", "Share of ground that is park, grass, wood, scrub, wetland or field",
        total="mean", low=0, high=1, better=1),
    Var("crown_share", "1", "Share of ground under single tree crowns", total="mean", low=0,
        better=1),
    Var("water_share", "1", "Share of ground that is open water", total="mean", low=0, high=1),
    Var("green_roof_share", "1", "Planted roof per ground area", total="mean", low=0, high=1,
        better=1),
)
def ground_cover(green_overlap: csr_array, water_overlap: csr_array, all_trees: gpd.GeoDataFrame,
                 all_trees_overlap: csr_array, buildings: gpd.GeoDataFrame,
                 buildings_overlap: csr_array, cell_area: np.ndarray,
                 grid: Any) -> dict[str, Any]:
    """Share of green, tree crowns, water and planted roofs per cell.

    A crown counts in the cell of its stem; crowns over green surfaces count in both shares.

    References
    ----------
    Stewart & Oke (2012), Bull. Am. Meteorol. Soc. 93:1879, doi:10.1175/BAMS-D-11-00019.1 (surface
    fractions of local climate zones).
    """
    crown = crown_area(all_trees)
    planted = buildings["green_roof"].to_numpy(dtype=float)
    with np.errstate(invalid="ignore", divide="ignore"):
        return {
            "green_share": grid.field(np.minimum(_rows(green_overlap) / cell_area, 1.0)),
            "crown_share": grid.field(all_trees_overlap @ crown / cell_area),
            "water_share": grid.field(np.minimum(_rows(water_overlap) / cell_area, 1.0)),
            "green_roof_share": grid.field(
                np.minimum(buildings_overlap @ planted / cell_area, 1.0)),
        }


def _rows(matrix: csr_array) -> np.ndarray:
    return np.asarray(matrix.sum(axis=1)).ravel()
