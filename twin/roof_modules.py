"""Modules on roofs: how many fit on each plane, in what light they stand, what they yield."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
from numpy.typing import ArrayLike, NDArray

from twin.building_modules import BuildingModules, SunYear, of_buildings
from twin.roofs import LEVEL
from twin.sun.photovoltaic import OpenYear, open_planes, row_cover_ratio
from twin.sun.plane_light import LEAST_LIGHT, bright_share, fitting_planes, plane_means
from twin.sun.ranges import Pick, Range
from twin.sun.yields import Modules, PlaneYields, modules, plane_yields, roof_areas

Floats = NDArray[np.float64]
TROPICS = 23.44  # [degrees]
COVERED = 4.0    # cells that a plane has room for at least where none lies on it [1]


@dataclass(frozen=True, eq=False)
class CellLight:
    """Light of the year on fine cells, per area of their plane.

    Parameters
    ----------
    year
        With all shade, NaN where it is not known, (ny, nx) [kWh m-2].
    monthly
        Of each month, (12, ny, nx) [kWh m-2].
    plane
        Number of the roof plane of each cell, -1 for none, (ny, nx).
    cell
        Side of a cell [m].
    """

    year: NDArray[np.floating[Any]]
    monthly: NDArray[np.floating[Any]]
    plane: NDArray[np.integer[Any]]
    cell: float


@dataclass(frozen=True, eq=False)
class RoofModules:
    """Modules on the roofs of buildings.

    Parameters
    ----------
    buildings
        Sums over the planes of each building.
    unseen
        Planes that could carry modules but lie on no cell of known light, taken as unshaded,
        shape (planes,).
    """

    buildings: BuildingModules
    unseen: NDArray[np.bool_]


def roof_modules(planes: gpd.GeoDataFrame, count: int, year: SunYear, pick: Pick, *,
                 latitude: float, light: CellLight | None = None) -> RoofModules:
    """Return the modules that roofs can carry.

    Parameters
    ----------
    planes
        From `twin.roofs.roof_planes`.
    count
        Number of buildings.
    year
        Weather.
    pick
        Gives a factor by stem and unit.
    latitude
        Of the buildings, for the spacing of rows [degrees].
    light
        On the cells; all roofs are taken as unshaded when None.

    Notes
    -----
    Level planes carry racks towards the equator, rows spaced for the winter solstice; the others
    carry modules flat on them. Planes that face away from the equator, parts of a plane with less
    than 70 % of its open light and pieces below 10 m2 carry none; in the tropics all directions do.
    Racks get the light of their level roof times what an open rack gets over open level ground in
    that month, less what rows take from each other. Planes under another building carry none.

    References
    ----------
    GB 50797-2012, 7.2.1 (row spacing); Gagnon et al. (2016), NREL/TP-6A20-65298 (which planes).
    """
    slope, aspect = planes["slope"].to_numpy(), planes["aspect"].to_numpy()
    level = slope < LEVEL
    tilt = float(pick("pv.rack_tilt", "degree").value)
    equator = 180.0 if year.latitude >= 0 else 0.0
    fits = fitting_planes(planes["largest"], slope, aspect, level=level,
                          equator=None if abs(year.latitude) < TROPICS else equator)

    def of_open(slope: ArrayLike, aspect: ArrayLike, kind: Modules) -> OpenYear:
        return open_planes(year.weather, latitude=year.latitude, longitude=year.longitude,
                           slope=slope, aspect=aspect, chain=kind.chain)

    many = len(planes)
    bare, gain = np.zeros((12, many)), np.ones((12, many))
    kits: list[tuple[NDArray[np.bool_], Modules, OpenYear]] = []
    if level.any():
        kind, none = modules(pick, "rack"), np.zeros(int(level.sum()))
        free = of_open(none + tilt, none + equator, kind)
        bare[:, level] = flat = of_open(none, none, kind).incident
        rows = pick("pv.row_loss", "1")
        gain[:, level] = (1 - rows.value) * np.divide(free.incident, flat,
                                                      out=np.zeros_like(flat), where=flat > 0)
        kits.append((level, kind, free))
    if not level.all():
        kind = modules(pick, "roof")
        free = of_open(slope[~level], aspect[~level], kind)
        bare[:, ~level] = free.incident
        kits.append((~level, kind, free))

    whole, lit, bright = _on_planes(light, bare)
    unseen = np.isnan(whole).any(axis=0)
    whole, lit = np.where(unseen, bare, whole), np.where(unseen, bare, lit)
    bright = np.where(unseen, 1.0, bright)
    if light is not None:  # planes that have room for cells and none lie under something else
        covered = unseen & (planes.area.to_numpy() > COVERED * light.cell ** 2)
        fits &= ~covered
        unseen &= ~covered
    share = {k: pick(f"pv.usable.{k}", "1") for k in planes["kind"].unique()}
    usable = Range(*(np.array([getattr(share[k], end) for k in planes["kind"]], dtype=float)
                     for end in ("value", "low", "high")))
    areas = roof_areas(planes["area"].to_numpy(), usable, suitable=fits * bright,
                       cover=np.where(level, row_cover_ratio(latitude, tilt), 1.0))
    dark = np.where(unseen, pick("pv.plane.unshaded", "1").low, 1.0)  # shade that nobody knows
    low, high = planes["low"].to_numpy() * dark, planes["high"].to_numpy()
    parts = [(on, plane_yields((lit * gain)[:, on], _of(areas.modules, on), free, kind,
                               light=Range(1.0, low[on], high[on])))
             for on, kind, free in kits]
    found = of_buildings(_joined(parts, many), areas.technical, areas.modules, area=areas.geometric,
                         light=whole.sum(axis=0), building=planes["building"].to_numpy(),
                         count=count)
    return RoofModules(found, unseen & fits)


def _of(given: Range, on: NDArray[np.bool_]) -> Range:
    return Range(*(np.asarray(part)[..., on] for part in given))


def _joined(parts: list[tuple[NDArray[np.bool_], PlaneYields]], count: int) -> PlaneYields:
    """Return the yields of all planes from those of each kind."""
    def put(name: str, end: int) -> Floats:
        out = np.zeros(count)
        for on, found in parts:
            out[on] = getattr(found, name)[end]
        return out

    monthly = np.zeros((12, count))
    for on, found in parts:
        monthly[:, on] = found.monthly
    capacity, energy, specific = (Range(*(put(name, end) for end in range(3)))
                                  for name in ("capacity", "energy", "specific"))
    return PlaneYields(capacity, energy, monthly, specific)


def _on_planes(light: CellLight | None, bare: Floats) -> tuple[Floats, Floats, Floats]:
    """Return the light of each plane, that of its bright part (12, n), and the share of this (n,).

    Light is NaN for planes that no cell lies on.
    """
    open_light, count = bare.sum(axis=0), bare.shape[1]
    if light is None:
        none = np.full(bare.shape, np.nan)
        return none, none, np.ones(count)
    known = np.where(np.isfinite(light.year), light.plane, -1)
    share = bright_share(light.year, open_light, known, light.cell)
    least = LEAST_LIGHT * np.append(open_light, 0.0)[known]
    good = np.where((known >= 0) & (light.year >= least), known, -1)
    whole, lit = (plane_means(light.monthly, which, count) for which in (known, good))
    return whole, np.where(np.isnan(lit), whole, lit), share
