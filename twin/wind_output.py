"""The wind as NetCDF that other programs understand: CF names, coordinates and where it lies."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import h5netcdf  # type: ignore[import-untyped]
import numpy as np
import xarray as xr

from layers.provenance import now
from layers.version import VERSION
from twin.wind.levels import DIRECTION, RATIOS, ratio_attributes
from twin.wind.solver import Report
from twin.wind_files import Raster

CHUNK = (64, 512)  # rows and columns packed together
REFERENCES = (
    "Röckle (1990), dissertation TH Darmstadt; Sasaki (1970), Mon. Weather Rev. 98:875; "
    "Macdonald et al. (1998), doi:10.1016/S1352-2310(97)00403-2; Tominaga et al. (2008), "
    "doi:10.1016/j.jweia.2008.02.058")
LIMITS = ("Mean wind of neutral air, steady: no heat, no single gusts, no time. Buildings and "
          "ground are steps of whole cells and levels, so that slopes and roofs are stairs. "
          "Judge it over streets and squares, not over single cells.")


def about(*, title: str, command: str, reports: Mapping[float, Report], seconds: float,
          notes: tuple[str, ...], more: Mapping[str, Any]) -> dict[str, Any]:
    """Return the attributes of a file.

    Parameters
    ----------
    title
        What it shows.
    command
        What was typed.
    reports
        How well each direction is free of divergence.
    seconds
        What the computing took [s].
    notes
        What was assumed.
    more
        Further attributes.
    """
    residual = max(r.residual for r in reports.values())
    divergence = max(r.divergence for r in reports.values())
    words = [LIMITS, f"Divergence left: {residual:.2g} of that of the first guess, at most "
             f"{divergence:.2g} of the highest speed over a cell side.", *notes]
    made = {"Conventions": "CF-1.11", "title": title, "source": f"citytwin {VERSION}",
            "history": f"{now()}: {command}", "references": REFERENCES,
            "comment": "\n".join(words), "residual": float(residual),
            "divergence": float(divergence), "seconds": round(seconds, 3), **more}
    # names of files may hold bytes that are no text
    return {k: v.encode("utf-8", "replace").decode() if isinstance(v, str) else v
            for k, v in made.items()}


def placed(data: xr.Dataset, raster: Raster) -> xr.Dataset:
    """Return data on the grid of a raster with coordinates that say where it lies.

    Parameters
    ----------
    data
        Fields over (..., y, x).
    raster
        The heights.
    """
    axes = {a: (a, values, {"standard_name": f"projection_{a}_coordinate", "units": "m",
                            "long_name": words, "axis": a.upper()})
            for a, values, words in (("x", raster.x, "Easting"), ("y", raster.y, "Northing"))}
    out = data.assign_coords(axes)
    if raster.crs is None:
        return out
    for field in out.data_vars.values():
        if {"y", "x"} <= set(field.dims):
            field.attrs["grid_mapping"] = "spatial_ref"
    return out.assign_coords(spatial_ref=xr.DataArray(np.int32(0), attrs=raster.crs.to_cf()))


def write_netcdf(data: xr.Dataset, file: Path) -> None:
    """Write a Dataset, packed, with NaN where there is nothing.

    Parameters
    ----------
    data
        From `placed`.
    file
        To write; the caller moves it where it belongs.
    """
    encoding: dict[str, dict[str, Any]] = {
        str(n): {"zlib": True, "complevel": 1, "shuffle": True, "_FillValue": np.float32("nan"),
                 "chunksizes": _chunks(v.shape)}
        for n, v in data.data_vars.items() if v.ndim >= 2}
    encoding |= {str(n): {"_FillValue": None} for n in data.coords}
    data.to_netcdf(file, engine="h5netcdf", encoding=encoding)


def create_ratios(file: Path, raster: Raster, directions: np.ndarray, levels: xr.DataArray) -> None:
    """Make a file for the ratios of all directions, which `put_ratios` fills one by one.

    Parameters
    ----------
    file
        To write; the caller moves it where it belongs.
    raster
        The heights.
    directions
        The winds come from, (n,) [degrees].
    levels
        Coordinate of the levels.
    """
    head = placed(xr.Dataset(coords={"wind_from": ("wind_from", directions, DIRECTION),
                                     "level": levels}), raster)
    write_netcdf(head, file)
    shape = (len(directions), levels.size, *raster.values.shape)
    with h5netcdf.File(file, "a") as out:
        for name in RATIOS:
            _variable(out, name, ("wind_from", "level", "y", "x"), shape, np.dtype(np.float32),
                      np.float32("nan"), ratio_attributes(name), raster.crs is not None)


def put_ratios(file: Path, n: int, ratio: xr.Dataset) -> None:
    """Write the ratios of direction `n`."""
    with h5netcdf.File(file, "a") as out:
        for name in RATIOS:
            out.variables[name][n] = ratio[name].to_numpy()


def add_fields(file: Path, fields: xr.Dataset, attrs: Mapping[str, Any], raster: Raster) -> None:
    """Add fields on dimensions the file has, and its attributes.

    Parameters
    ----------
    file
        From `create_ratios`.
    fields
        Fields; classes are whole numbers with -1 where there is none.
    attrs
        Attributes of the file.
    raster
        The heights.
    """
    with h5netcdf.File(file, "a") as out:
        for name, field in fields.data_vars.items():
            values = field.to_numpy()
            fill = np.int8(-1) if values.dtype == np.int8 else np.float32("nan")
            kind = values.dtype if values.dtype == np.int8 else np.dtype(np.float32)
            made = _variable(out, str(name), tuple(map(str, field.dims)), values.shape, kind, fill,
                             field.attrs, raster.crs is not None)
            made[...] = values.astype(kind)
        for key, value in attrs.items():
            out.attrs[key] = value


def _variable(out: Any, name: str, dims: tuple[str, ...], shape: tuple[int, ...],
              kind: np.dtype[Any], fill: Any, attrs: Mapping[str, Any], mapped: bool) -> Any:
    packed = {"chunks": _chunks(shape), "compression": "gzip", "compression_opts": 1,
              "shuffle": True} if len(dims) >= 2 else {}
    made = out.create_variable(name, dims, kind, fillvalue=fill, **packed)
    for key, value in attrs.items():
        made.attrs[key] = value
    if mapped and {"y", "x"} <= set(dims):
        made.attrs["grid_mapping"] = "spatial_ref"
    return made


def _chunks(shape: tuple[int, ...]) -> tuple[int, ...]:
    ny, nx = shape[-2:]
    return (*([1] * (len(shape) - 2)), min(ny, CHUNK[0]), min(nx, CHUNK[1]))
