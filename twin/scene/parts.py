"""What a result is over roofs, walls and open ground apart: means, and shares by value."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import xarray as xr

from twin.scene.figures import Total, cell_step, total_of, values_of

CLASSES = 30  # of the bars that show how values are spread


class Part(NamedTuple):
    """What a result is over a part of the study area, such as its roofs.

    Parameters
    ----------
    total
        Its mean.
    share
        Share of that part by class of value, `CLASSES` even ones between the limits [%].
    """

    total: Total
    share: tuple[float, ...]


def parts_of(cells: xr.Dataset, variable: str, limits: tuple[float, float]) -> tuple[Part, ...]:
    """Return what a result is over the roofs, the walls and the open ground, where it has any.

    Parameters
    ----------
    cells
        Results with ``cell_area`` [m2]; ``building`` is the row of the building of each cell, -1
        in the open; `twin.scene.facades.WALLS` where it is known on walls.
    variable
        Name of the result.
    limits
        Low and high end of the classes [units of the result].
    """
    if "building" not in cells:
        return ()
    values, roof = values_of(cells, variable), values_of(cells, "building") >= 0
    parts = [(values.where(on).assign_attrs(values.attrs), where)
             for on, where in ((roof, "of the roofs"), (~roof, "of the open ground"))]
    area = values_of(cells, "cell_area") if "cell_area" in cells else xr.ones_like(values)
    found = [Part(total_of(cells.assign({variable: part}), variable)._replace(where=where),
                  share_by_value(part, area, limits)) for part, where in parts
             if np.isfinite(part).any()]
    if found and {"wall_irradiation", "wall_area", "wall_x", "wall_y"} <= set(cells):
        light, bare = cells["wall_irradiation"], _inside(cells, area)
        if float(bare.sum()) > 0:
            mean = float((light.fillna(0.0) * bare).sum() / bare.sum())
            found.insert(1, Part(found[0].total._replace(value=mean, where="of the walls"),
                                 share_by_value(light, bare, limits)))
    return tuple(found)


def _inside(cells: xr.Dataset, area: xr.DataArray) -> xr.DataArray:
    """Area of the patches of wall that have light and stand in the study area, 0 of others [m2]."""
    there = area.sel(x=cells["wall_x"], y=cells["wall_y"], method="nearest").to_numpy() > 0
    half = cell_step(area) / 2
    for axis in ("x", "y"):
        at, ends = cells[f"wall_{axis}"].to_numpy(), area[axis].to_numpy()
        there &= (at >= ends[0] - half) & (at <= ends[-1] + half)
    there &= np.isfinite(cells["wall_irradiation"].to_numpy())
    return cells["wall_area"].astype(float) * there


def share_by_value(values: xr.DataArray, area: xr.DataArray, limits: tuple[float, float]
                   ) -> tuple[float, ...]:
    """Return the shares of an area in `CLASSES` even classes of a result [%].

    Parameters
    ----------
    values, area
        The result, and the area that each value stands for.
    limits
        Where the first class begins and the last ends; values beyond count in these.
    """
    at, weight = values.to_numpy().ravel(), area.to_numpy().ravel()
    known = np.isfinite(at)
    share, _ = np.histogram(np.clip(at[known], *limits), bins=np.linspace(*limits, CLASSES + 1),
                            weights=weight[known])
    return tuple((100 * share / max(float(weight[known].sum()), 1e-12)).tolist())
