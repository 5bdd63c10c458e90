"""Ventilation potential: how well form lets air through, from roughness and open sky."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

from twin.fine import bins
from twin.label import Var, indicator

CELL = 4.0
MOST = 4_000_000  # fine cells that are made unasked


def _too_large(city: Any, settings: Mapping[str, Any]) -> str:
    """Say why the sky is not looked at unasked."""
    west, south, east, north = city.area.bounds
    cell = float(settings.get("cell", CELL))
    many = (east - west) * (north - south) / cell ** 2 if cell > 0 else 0.0
    if many <= MOST:
        return ""
    fit = np.ceil(cell * np.sqrt(many / MOST))
    return (f"{many / 1e6:.0f} million cells of sky are a long work unasked (fits with "
            f"ventilation_class.cell={fit:.0f}, or ask for it by name)")


@indicator(
    Var("sky_view_factor", "1", "Sky view factor of open ground, buildings only", total="mean",
        low=0, high=1),
    Var("ventilation_potential", "1", "Ventilation potential, 1 none to 5 high", total="mean",
        better=1, low=1, high=5),
    reach=None, unless=_too_large,
)
def ventilation_class(city: Any, roughness_length: xr.DataArray, grid: Any, *,
                      cell: float = CELL) -> dict[str, Any]:
    """Class of roughness length and sky view factor; NaN where a cell has no open ground.

    Roughness above 1 m is class 1; above 0.5 m, 2 or with much sky 3; below, 4 or with much sky 5;
    much is from 0.65. These limits are recalled, not read in the standard (30 % either way). The
    roughness is that of the cell's surroundings.

    Parameters
    ----------
    cell
        Side of the fine cells the sky is seen from [m].

    References
    ----------
    QX/T 437-2018, Specification for climatic feasibility demonstration: urban ventilation corridor.
    """
    from twin.rasters import surface
    from twin.sun.sky_view import sky_view
    from twin.wind.criteria import threshold

    stands = surface(city, cell)
    fine = bins(stands["x"].to_numpy(), stands["y"].to_numpy(), grid)
    sky = fine.mean(sky_view(stands["height"].to_numpy(), cell))
    rough = roughness_length.to_numpy().ravel()
    better = sky >= threshold("ventilation.sky")
    number = np.select([rough > threshold("ventilation.rough"),
                        rough > threshold("ventilation.smooth")],
                       [np.ones(len(sky)), 2.0 + better], 4.0 + better)
    number[np.isnan(sky)] = np.nan
    return {"sky_view_factor": grid.field(sky), "ventilation_potential": grid.field(number)}
