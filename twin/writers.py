"""Results as files for others: COGs, GeoPackage, NetCDF, tables. Rows flip to north-up here."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
import xarray as xr

from layers.errors import CityTwinError, SourceError, nearest
from twin.module_table import beside
from twin.result import Twin

NODATA = -9999.0


def export(twin: Twin, path: str | Path, *, formats: Iterable[str] = ("tif", "gpkg"),
           variables: Iterable[str] | None = None) -> list[Path]:
    """Write a twin's cells and features for use in other programs.

    Parameters
    ----------
    twin
        The twin.
    path
        Folder to write into; files of the same name are replaced.
    formats
        ``"tif"`` one cloud-optimised GeoTIFF a variable, ``"gpkg"`` cells and features,
        ``"nc"`` all cells as CF NetCDF, ``"csv"`` totals.
    variables
        Which variables; all when None.

    Returns
    -------
    list of pathlib.Path
        The files written.

    Raises
    ------
    CityTwinError
        When a format or variable is unknown.
    """
    folder = Path(path)
    if folder.exists() and not folder.is_dir():
        raise SourceError(f"{folder} is a file, expected a folder to write into")
    if folder.resolve().name in ("layers", "twin", "scenarios"):
        raise SourceError(f"{folder} has the name of one of our packages and would hide it",
                          mend="Choose another folder with -o")
    for name in formats:
        if name not in WRITERS:
            raise CityTwinError(f"there is no format {name!r}{nearest(name, list(WRITERS))} "
                                f"(formats are {', '.join(WRITERS)})")
    chosen = list(variables) if variables is not None else list(twin.variables)
    for name in chosen:
        if name not in twin.variables:
            raise CityTwinError(f"the twin has no variable {name!r}"
                                f"{nearest(name, list(twin.variables))}")
    folder.mkdir(parents=True, exist_ok=True)
    return [file for name in formats for file in WRITERS[name](twin, folder, chosen)]


def _cogs(twin: Twin, folder: Path, variables: list[str]) -> list[Path]:
    files = []
    for name in variables:
        var = twin.variables[name]
        for end in ("", "_low", "_high") if var.estimate else ("",):
            files.append(write_cog(twin.cells[name + end], folder / f"{name}{end}.tif",
                                   twin.cells.attrs, _crs(twin)))
    return files


def write_cog(data: xr.DataArray, file: Path, about: dict[str, Any], crs: Any) -> Path:
    """Write one variable as a cloud-optimised GeoTIFF, a band per sector if it has sectors."""
    import rasterio
    from rasterio.transform import from_origin

    bands = data.transpose(..., "y", "x").to_numpy()
    bands = bands[None] if bands.ndim == 2 else bands
    x, y = data["x"].to_numpy(), data["y"].to_numpy()
    step = _step(x, y)
    extra = next((d for d in data.dims if d not in ("x", "y")), None)
    with atomic(file) as partial, rasterio.open(
        partial, "w", driver="COG", width=len(x), height=len(y), count=len(bands),
        dtype="float32", crs=crs, nodata=NODATA, compress="DEFLATE", predictor=3,
        transform=from_origin(x[0] - step / 2, y[-1] + step / 2, step, step),
    ) as out:
        north_up = np.nan_to_num(bands[:, ::-1], nan=NODATA).astype("float32")
        out.write(north_up)
        out.update_tags(title=about.get("title", ""), license=about.get("license", ""),
                        source=data.attrs.get("source", ""))
        for number in range(1, len(bands) + 1):
            tail = f" {extra} {data[extra].to_numpy()[number - 1]:g}" if extra else ""
            out.set_band_description(number, str(data.attrs.get("long_name", "")) + tail)
            out.set_band_unit(number, str(data.attrs.get("units", "")))
    return file


def _geopackage(twin: Twin, folder: Path, variables: list[str]) -> list[Path]:
    import pyogrio

    files = []
    with atomic(folder / "cells.gpkg") as partial:
        pyogrio.write_dataframe(cells_table(twin, variables), partial, layer="cells")
    files.append(folder / "cells.gpkg")
    modules = [f for f in twin.fields.values() if "building" in f.dims]
    for name, table in twin.features.items():
        with atomic(folder / f"{name}.gpkg") as partial:
            pyogrio.write_dataframe(beside(table, *modules) if name == "buildings" else table,
                                    partial, layer=name)
        files.append(folder / f"{name}.gpkg")
    return files


def cells_table(twin: Twin, variables: Iterable[str] | None = None) -> gpd.GeoDataFrame:
    """Return the cells inside the study area as polygons with one column a variable.

    Variables with sectors give their mean over sectors.
    """
    cells = twin.cells
    x, y = cells["x"].to_numpy(), cells["y"].to_numpy()
    half = _step(x, y) / 2
    gx, gy = np.meshgrid(x, y)
    inside = cells["cell_area"].to_numpy().ravel() > 0
    data: dict[str, np.ndarray] = {"cell_area": cells["cell_area"].to_numpy().ravel()[inside]}
    for name in variables if variables is not None else twin.variables:
        for end in ("", "_low", "_high") if twin.variables[name].estimate else ("",):
            band = cells[name + end]
            flat = band.mean([d for d in band.dims if d not in ("x", "y")])
            data[name + end] = flat.transpose("y", "x").to_numpy().ravel()[inside]
    boxes = shapely.box(gx - half, gy - half, gx + half, gy + half).ravel()[inside]
    return gpd.GeoDataFrame(data, geometry=boxes, crs=_crs(twin))


def _netcdf(twin: Twin, folder: Path, variables: list[str]) -> list[Path]:
    keep = [n + e for n in variables
            for e in (("", "_low", "_high") if twin.variables[n].estimate else ("",))]
    with atomic(folder / "cells.nc") as partial:
        twin.cells[[*keep, "cell_area"]].to_netcdf(partial, engine="h5netcdf")
    return [folder / "cells.nc"]


def _csv(twin: Twin, folder: Path, variables: list[str]) -> list[Path]:
    table = twin.totals()
    return [export_table(table[table.index.isin(variables)], folder / "totals.csv")]


def export_table(table: pd.DataFrame, file: Path) -> Path:
    """Write a table as CSV in UTF-8 with a mark that spreadsheets understand."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with atomic(file) as partial:
        table.rename_axis("variable").to_csv(partial, encoding="utf-8-sig")
    return file


WRITERS: dict[str, Callable[[Twin, Path, list[str]], list[Path]]] = {
    "tif": _cogs, "gpkg": _geopackage, "nc": _netcdf, "csv": _csv,
}


def _crs(twin: Twin) -> Any:
    from pyproj import CRS

    return CRS.from_wkt(twin.cells["spatial_ref"].attrs["crs_wkt"])


def _step(x: np.ndarray, y: np.ndarray) -> float:
    return float(x[1] - x[0]) if len(x) > 1 else float(y[1] - y[0]) if len(y) > 1 else 1.0


class atomic:
    """A file written beside its target and moved over it at the end, or removed on failure."""

    def __init__(self, target: Path) -> None:
        self.target = target
        self.partial = target.with_name(f".{target.stem}.partial-{os.getpid()}{target.suffix}")

    def __enter__(self) -> Path:
        self.target.absolute().parent.mkdir(parents=True, exist_ok=True)
        self.partial.unlink(missing_ok=True)
        return self.partial

    def __exit__(self, kind: Any, *_: object) -> None:
        if kind is None:
            self.partial.replace(self.target)
        self.partial.unlink(missing_ok=True)
