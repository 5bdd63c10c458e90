"""Roofs of a surface raster: planes for the light, and what modules on each building yield."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
import xarray as xr
from numpy.typing import NDArray

import layers
from layers.errors import GridError, SourceError
from layers.place import Place
from twin.factors import load as load_factors
from twin.rasters import burn
from twin.roof_modules import CellLight, roof_modules
from twin.roofs import roof_planes
from twin.sun_files import told_crs
from twin.sun_run import Year
from twin.wind_files import Raster

TRUSTED = 0.5  # a roof needs so much of itself on the raster to be counted [1]


@dataclass(frozen=True, eq=False)
class Roofs:
    """Buildings, their roofs as planes, and which cells these cover.

    Parameters
    ----------
    buildings
        Those on the raster, in its coordinates.
    planes
        From `twin.roofs.roof_planes`.
    number
        Plane of each cell, -1 for none, (ny, nx).
    slope, aspect
        Of the cells, 0 where no plane is, (ny, nx) [degrees].
    place
        Country and region, for the factors.
    notes
        What to know of them.
    """

    buildings: gpd.GeoDataFrame
    planes: gpd.GeoDataFrame
    number: NDArray[np.integer[Any]]
    slope: NDArray[np.float32]
    aspect: NDArray[np.float32]
    place: Place
    notes: tuple[str, ...]


def read_roofs(path: str | Path, surface: Raster, holes: NDArray[np.bool_]) -> Roofs:
    """Read footprints and fit planes to their roofs.

    Parameters
    ----------
    path
        A city file, or any file of footprints.
    surface
        Heights of ground and buildings.
    holes
        Cells whose heights are not known, (ny, nx).

    Raises
    ------
    GridError
        When the surface does not say where it lies.
    SourceError
        When no footprint lies on it.
    """
    name = Path(path).name
    if surface.crs is None:
        raise GridError(f"{surface.name} has no CRS, so that {name} cannot be laid on it",
                        mend="Set one with gdal_edit -a_srs EPSG:...")
    city = layers.read(path)
    every = city.frame("buildings").to_crs(surface.crs)
    ny, nx = surface.values.shape
    frame = shapely.box(surface.west, surface.south, surface.west + nx * surface.cell,
                        surface.south + ny * surface.cell)
    on = shapely.area(shapely.intersection(every.geometry.values, frame))
    inside = on >= TRUSTED * every.geometry.area.to_numpy()
    if not inside.any():
        spans = " ".join(f"{v:,.0f}" for v in every.total_bounds)
        raise SourceError(f"{name}: none of {len(every):,} buildings lies on {surface.name}, they "
                          f"span {spans} in {told_crs(surface)}, the raster "
                          f"{' '.join(f'{v:,.0f}' for v in frame.bounds)}",
                          mend="Check the CRS of both")
    buildings = every[inside].reset_index(drop=True)
    factors, place = load_factors(), city.place
    heights = xr.DataArray(np.where(holes, np.nan, surface.values), dims=("y", "x"),
                           coords={"y": surface.y, "x": surface.x})
    planes = roof_planes(buildings, _At(factors, place), heights=heights,
                         surfaces=city.frame("roofs").to_crs(surface.crs))
    number = burn(planes.geometry.values, np.arange(len(planes)), surface.x, surface.y, fill=-1)
    safe = np.where(number >= 0, number, 0)
    slope, aspect = (np.where(number >= 0, planes[c].to_numpy()[safe], 0.0).astype(np.float32)
                     for c in ("slope", "aspect"))
    fitted = buildings.index.isin(planes.loc[planes["source"] == "fitted", "building"])
    notes = [f"{int(fitted.sum()):,} of {len(buildings):,} roofs are planes fitted to the surface, "
             "the others are as tagged or flat"]
    if not inside.all():
        notes.append(f"{int((~inside).sum()):,} buildings of {name} lie off the raster and are "
                     "left out")
    return Roofs(buildings, planes, number, slope, aspect, place, tuple(notes))


def write_roofs(rows: gpd.GeoDataFrame, file: Path) -> None:
    """Write what modules on each building yield.

    Parameters
    ----------
    rows
        From `roof_yields`.
    file
        GeoPackage to write; the caller moves it where it belongs.
    """
    rows.to_file(file, layer="roofs", driver="GPKG", engine="pyogrio")


def roof_yields(roofs: Roofs, data: xr.Dataset, year: Year) -> gpd.GeoDataFrame:
    """Return area, light, capacity and energy of each building.

    Parameters
    ----------
    roofs
        From `read_roofs`.
    data
        The light, ``irradiation_month`` over (month, y, x) [kWh m-2].
    year
        Its weather.

    Returns
    -------
    geopandas.GeoDataFrame
        A row a building: ``roof_area`` [m2], ``irradiation`` [kWh m-2 a-1], ``module_area`` [m2],
        ``kwp`` [kW], ``kwh`` [kWh a-1] with ``kwh_low`` and ``kwh_high``, ``planes``,
        ``roof_source`` and the footprint.

    Notes
    -----
    The modules are those of `twin.roof_modules.roof_modules`.
    """
    x = data["x"].to_numpy()
    light = CellLight(data["irradiation"].to_numpy(),
                      data["irradiation_month"].transpose("month", "y", "x").to_numpy(),
                      roofs.number, abs(float(x[1] - x[0])))
    found = roof_modules(roofs.planes, len(roofs.buildings), year, _At(load_factors(),
                         roofs.place).pick, latitude=year.latitude, light=light).buildings
    planes = roofs.planes.groupby("building")["source"]
    rows = range(len(roofs.buildings))
    table = pd.DataFrame({
        "roof_area": found.area, "irradiation": found.light, "module_area": found.modules.value,
        "kwp": found.capacity.value / 1000, "kwh": found.energy.value,
        "kwh_low": found.energy.low, "kwh_high": found.energy.high}).round(3).assign(
        planes=planes.size().reindex(rows, fill_value=0).to_numpy(),
        roof_source=planes.first().reindex(rows, fill_value="").to_numpy())
    return gpd.GeoDataFrame(table, geometry=roofs.buildings.geometry.to_numpy(),
                            crs=roofs.buildings.crs)


@dataclass(frozen=True)
class _At:
    """The factors of one place."""

    factors: Any
    place: Place

    def pick(self, stem: str, unit: str) -> Any:
        """Return the factor of the place."""
        return self.factors.pick(stem, self.place, unit)
