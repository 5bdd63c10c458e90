"""The city file: one GeoPackage that holds a whole city, written and read by us.

Vector layers are feature tables, terrain and canopy raster tables, the weather an attribute table;
name, place, sources, history and controls stand in the table ``citytwin_city``.
"""

from __future__ import annotations

import json
import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
import xarray as xr
from pyproj import CRS

from layers.checking import check
from layers.city import City, as_area
from layers.errors import LayerError, SourceError
from layers.place import Place
from layers.registry import LAYERS
from layers.vectors import label

META = "citytwin_city"
NODATA = -9999.0


def write(city: City, path: str | Path) -> Path:
    """Write a whole city into one GeoPackage, replaced only when it is complete.

    Raises
    ------
    SourceError
        When the name does not end in ``.gpkg`` or is a directory.
    """
    import pyogrio

    target = Path(path)
    if target.suffix.lower() != ".gpkg":
        raise SourceError(f"a city is written as .gpkg, got {target.name!r}",
                          mend=f"Use -o {target.stem or 'city'}.gpkg")
    if target.is_dir():
        raise SourceError(f"{target} is a directory, expected a file name")
    if not target.parent.exists():
        target.parent.mkdir(parents=True)
    partial = target.with_name(f".{target.stem}.partial-{os.getpid()}.gpkg")
    partial.unlink(missing_ok=True)
    try:
        area = gpd.GeoDataFrame({"name": [city.name]}, geometry=[city.area], crs=city.crs)
        for number, (name, table) in enumerate({"area": area, **city.frames}.items()):
            pyogrio.write_dataframe(table, partial, layer=name, append=number > 0,
                                    promote_to_multi=False if name == "trees" else None)
        for name in ("terrain", "canopy"):
            band = city.layers.get(name)
            if isinstance(band, xr.DataArray):
                _write_raster(band, partial, name, city.crs)
        weather = city.layers.get("weather")
        units: dict[str, Any] = {}
        if isinstance(weather, xr.Dataset):
            units = {str(k): dict(v.attrs) for k, v in weather.variables.items()}
            pyogrio.write_dataframe(weather.to_dataframe().reset_index(), partial,
                                    layer="weather", append=True)
        meta = {
            "name": city.name, "country": city.place.country, "region": city.place.region,
            "found_by": city.place.found_by, "sources": list(city.sources),
            "history": list(city.history), "fallbacks": list(city.fallbacks),
            "controls": dict(city.controls),
            "weather": dict(weather.attrs) if weather is not None else {},
            "weather_units": units,
        }
        table = pd.DataFrame({"key": list(meta), "value": [
            json.dumps(v, ensure_ascii=False, default=str) for v in meta.values()]})
        pyogrio.write_dataframe(table, partial, layer=META, append=True)
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)
        partial.with_name(partial.name + "-journal").unlink(missing_ok=True)
    return target


def _write_raster(band: xr.DataArray, file: Path, table: str, crs: CRS) -> None:
    import rasterio
    from rasterio.transform import from_origin

    x, y = band["x"].to_numpy(), band["y"].to_numpy()
    dx, dy = float(x[1] - x[0]), float(y[1] - y[0])
    with rasterio.open(
        file, "w", driver="GPKG", width=len(x), height=len(y), count=1, dtype="float32",
        crs=crs, transform=from_origin(x[0] - dx / 2, y[-1] + dy / 2, dx, dy), nodata=NODATA,
        RASTER_TABLE=table, APPEND_SUBDATASET="YES", TILE_FORMAT="TIFF",
    ) as out:
        out.write(np.nan_to_num(band.to_numpy()[::-1], nan=NODATA).astype("float32"), 1)
    with closing(sqlite3.connect(file)) as database, database:  # the driver leaves it out
        database.execute("UPDATE gpkg_2d_gridded_coverage_ancillary SET data_null = ?", (NODATA,))


def read_package(file: Path, found: list[str]) -> City:
    """Return the city that `write` put into a file with the tables ``found``.

    Raises
    ------
    LayerError
        When a layer misses its specification.
    SourceError
        When the file is damaged.
    """
    try:
        city = _unpacked(file, found)
        check(city)
    except LayerError as error:
        raise LayerError(f"{file}: {error}") from error
    except Exception as error:
        raise SourceError(f"{file} is a damaged city file: {' '.join(str(error).split())[:160]}",
                          mend="Write it again") from error
    return city


def _unpacked(file: Path, found: list[str]) -> City:
    """Return what `write` wrote; any error here means that the file is damaged."""
    import pyogrio

    table = pyogrio.read_dataframe(file, layer=META)
    meta = {k: json.loads(v) for k, v in zip(table["key"], table["value"], strict=True)}
    kinds = {"name": str, "country": str, "region": str, "found_by": str, "sources": list,
             "history": list, "fallbacks": list, "controls": dict, "weather": dict,
             "weather_units": dict}
    for key, kind in kinds.items():
        if not isinstance(meta.get(key), kind):
            raise TypeError(f"{key!r} in the table {META} is no {kind.__name__}")
    area = pyogrio.read_dataframe(file, layer="area")
    if len(area) != 1:
        raise ValueError(f"the table 'area' has {len(area)} rows, expected 1")
    layers: dict[str, Any] = {}
    for name, spec in LAYERS.items():
        if name in found:
            frame = pyogrio.read_dataframe(file, layer=name)
            layers[name] = spec.conform(frame.set_geometry(_single(frame.geometry)))
    for name in ("terrain", "canopy"):
        band = _read_raster_table(file, name)
        if band is not None:
            layers[name] = band
    if "weather" in found:
        hours = pyogrio.read_dataframe(file, layer="weather").set_index("time")
        if len(hours) not in (8760, 8784):
            raise ValueError(f"the table 'weather' holds {len(hours)} hours, expected a year")
        weather = hours.to_xarray()
        weather["time"] = pd.DatetimeIndex(hours.index).tz_localize(None).astype("datetime64[ns]")
        weather.attrs = meta["weather"]
        for key, attrs in meta["weather_units"].items():
            weather[key].attrs = attrs
        layers["weather"] = weather
    return City(layers, as_area(area.geometry.iloc[0]), CRS.from_user_input(area.crs),
                name=meta["name"], place=Place(meta["country"], meta["region"], meta["found_by"]),
                sources=tuple(map(str, meta["sources"])), history=tuple(map(str, meta["history"])),
                fallbacks=tuple((str(k), int(v)) for k, v in meta["fallbacks"]),
                controls={str(k): float(v) for k, v in meta["controls"].items()})


def _single(shapes: gpd.GeoSeries) -> gpd.GeoSeries:
    """Undo the promotion to multi-parts that the file format asks for."""
    many = shapely.get_num_geometries(shapes.values)
    kinds = shapely.get_type_id(shapes.values)
    alone = (many == 1) & (kinds >= shapely.GeometryType.MULTIPOINT)
    out = np.asarray(shapes.values, dtype=object)
    out[alone] = shapely.get_geometry(out[alone], 0)
    return gpd.GeoSeries(out, index=shapes.index, crs=shapes.crs)


def _read_raster_table(file: Path, name: str) -> xr.DataArray | None:
    import rasterio

    try:
        with rasterio.open(f"GPKG:{file}:{name}") as band:
            values = band.read(1, masked=True).astype("float64").filled(np.nan)[::-1]
            values[values == NODATA] = np.nan
            left, _, _, top = band.bounds
            dx, dy = band.res
            ny, nx = values.shape
            crs = label(band.crs)
    except rasterio.errors.RasterioIOError:
        return None
    return xr.DataArray(
        values, dims=("y", "x"),
        coords={"y": top - (np.arange(ny)[::-1] + 0.5) * dy,
                "x": left + (np.arange(nx) + 0.5) * dx},
        attrs={"units": "m", "long_name": "Elevation" if name == "terrain" else "Canopy height",
               "crs": crs})
