"""Modules built into walls: which patches of wall have light enough, and what they yield."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from twin.building_modules import BuildingModules, SunYear, of_buildings
from twin.sun.photovoltaic import open_planes
from twin.sun.ranges import Pick, Range, around
from twin.sun.yields import modules, plane_yields

Floats = NDArray[np.float64]

TURN = 5.0  # walls that face the same way within half of this share one open wall [degrees]


def facade_modules(walls: xr.Dataset, count: int, year: SunYear, pick: Pick) -> BuildingModules:
    """Return the modules that walls can carry.

    Parameters
    ----------
    walls
        Patches of bare wall over ``wall``: ``wall_building`` (row), ``wall_azimuth`` [degrees],
        ``wall_area`` [m2], ``wall_irradiation`` [kWh m-2 a-1] and ``wall_irradiation_month`` over
        (wall, month) [kWh m-2].
    count
        Number of buildings.
    year
        Weather.
    pick
        Gives a factor by stem and unit.

    Notes
    -----
    Patches with the least light of the table carry modules on the share of the wall that windows,
    doors and balconies leave. The range of that light counts as all patches at its low or high
    end would. Walls of a building that face the same way within 5 degrees are one.

    References
    ----------
    Brito et al. (2017), Renew. Energy 111:85, doi:10.1016/j.renene.2017.03.085 (facades as points
    with their own horizon); the chain is that of `twin.sun.photovoltaic.open_year`.
    """
    building = walls["wall_building"].to_numpy()
    area = walls["wall_area"].to_numpy().astype(float)
    light = walls["wall_irradiation"].to_numpy().astype(float)
    month = walls["wall_irradiation_month"].to_numpy()
    least, usable = pick("pv.least_light.facade", "kWh m-2 a-1"), pick("pv.usable.facade", "1")
    kind = modules(pick, "facade")
    sure = pick("pv.plane.facade", "1")

    some = light >= least.low
    turns = round(360 / TURN)
    facing = np.rint(walls["wall_azimuth"].to_numpy() / TURN).astype(np.intp) % turns
    groups, group = np.unique(building[some].astype(np.intp) * turns + facing[some],
                              return_inverse=True)
    owner, faces = groups // turns, groups % turns * TURN
    open_air = open_planes(year.weather, latitude=year.latitude, longitude=year.longitude,
                           slope=np.full(len(groups), 90.0), aspect=faces, chain=kind.chain)

    def above(limit: float) -> BuildingModules:
        """Modules on the patches with this much light."""
        kept = np.where(light[some] >= limit, area[some], 0.0)
        size = np.bincount(group, kept, minlength=len(groups))
        sums = np.array([np.bincount(group, kept * m[some], minlength=len(groups))
                         for m in month.T]).reshape(12, len(groups))
        lit = np.divide(sums, size, out=np.zeros(sums.shape), where=size > 0)
        fits = Range(*(size * getattr(usable, end) for end in ("value", "low", "high")))
        made = plane_yields(lit, fits, open_air, kind, light=Range(
            1.0, sure.low / sure.value, sure.high / sure.value))
        return of_buildings(made, fits, fits, area=size, light=lit.sum(axis=0), building=owner,
                            count=count)

    base, others = above(least.value), [above(least.high), above(least.low)]
    whole = np.asarray(np.bincount(building, area, count), float)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.bincount(building, area * light, minlength=count) / whole
    technical, capacity, energy = (_with(name, base, others)
                                   for name in ("technical", "capacity", "energy"))
    return BuildingModules(whole, mean, technical, technical, capacity, energy, base.monthly,
                           base.specific)


def _with(name: str, base: BuildingModules, others: list[BuildingModules]) -> Range:
    """Return a result whose range also holds what more or fewer patches give."""
    given: Any = getattr(base, name)
    found = around(given.value, [given.low, given.high,
                                 *(getattr(other, name).value for other in others)])
    return Range(found.value, np.maximum(found.low, 0.0), found.high)
