"""Vector files of any common format, read with one clear error for whatever is wrong with them."""

from __future__ import annotations

import codecs
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from pyproj import CRS, Transformer

from layers.errors import LayerError, SourceError, nearest

BEYOND = 10.0  # how far outside the area of its CRS a layer may lie [degrees]
SUFFIXES = (".gpkg", ".parquet", ".geoparquet", ".fgb", ".shp", ".geojson", ".json", ".gml",
            ".kml", ".gpx", ".sqlite", ".gdb", ".zip")


def existing_file(path: str | Path, what: str = "file") -> Path:
    """Return ``path`` when it is a readable, not empty file.

    Raises
    ------
    SourceError
        Naming the path and what is there instead.
    """
    file = Path(path)
    if not file.exists():
        near = nearest(file.name, [p.name for p in file.parent.iterdir()]) \
            if file.parent.is_dir() else ""
        raise SourceError(f"{what} {file} does not exist{near}")
    if file.is_dir() and file.suffix.lower() != ".gdb":
        raise SourceError(f"{file} is a directory, expected a file ({what})",
                          mend="Name the file inside it")
    if file.is_file() and file.stat().st_size == 0:
        raise SourceError(f"{file} is empty (0 bytes)")
    return file


def vector_layers(path: Path) -> list[str]:
    """Return the names of the vector layers of a file."""
    import pyogrio

    try:
        return [str(name) for name, _ in pyogrio.list_layers(path)]
    except Exception as error:
        raise SourceError(f"{path} cannot be read: {_reason(error)}",
                          mend=f"Known formats: {', '.join(SUFFIXES)}") from error


def read_vector(path: str | Path, *, layer: str | None = None,
                crs: Any = None) -> gpd.GeoDataFrame:
    """Return the features of one layer of a file, with a CRS.

    Parameters
    ----------
    path
        GeoPackage, GeoParquet, FlatGeobuf, Shapefile, GeoJSON, CityJSON or what else GDAL reads.
    layer
        Layer of a file that has several.
    crs
        CRS of a file that does not say its own.

    Raises
    ------
    SourceError
        When the file is missing, broken, of no known kind, or has several layers.
    LayerError
        When it has no geometry, no rows or no CRS.
    """
    from layers.cityjson import is_cityjson, read_cityjson

    file = existing_file(path)
    if is_cityjson(file):
        gdf = read_cityjson(file)
    elif file.suffix.lower() in (".parquet", ".geoparquet"):
        gdf = _parquet(file)
    else:
        gdf = _ogr(file, layer)
    if crs is not None and gdf.crs is None:
        gdf = gdf.set_crs(CRS.from_user_input(crs))
    if len(gdf) == 0:
        raise LayerError(f"{file}: the layer has no features")
    if gdf.crs is None:
        west, south, east, north = gdf.total_bounds
        guess = "EPSG:4326" if abs(west) <= 180 and abs(north) <= 90 else "EPSG:32650"
        raise LayerError(f"{file}: the file does not say its CRS (bounds {west:g} {south:g} "
                         f"{east:g} {north:g})", mend=f"Name it, for instance --crs {guess}")
    _check_place(file, gdf)
    return gdf


def _check_place(file: Path, gdf: gpd.GeoDataFrame) -> None:
    """Raise where the coordinates cannot be in the CRS that the file says."""
    bounds = gdf.total_bounds
    if not np.isfinite(bounds).all():
        return  # single features without usable coordinates are dropped and counted later
    crs = CRS.from_user_input(gdf.crs)
    degrees = np.abs(bounds[::2]).max() <= (360 if crs.is_geographic else 180) \
        and np.abs(bounds[1::2]).max() <= 90
    told = "{:g} {:g} to {:g} {:g}".format(*bounds)
    mend = "Save the file with its right CRS, and without features that lie far away"
    if crs.is_geographic != degrees:
        kind = "degrees" if degrees else "metres or feet, not degrees"
        raise LayerError(f"{file}: the file says {label(crs)}, but its coordinates ({told}) look "
                         f"like {kind}", mend=mend)
    use = crs.area_of_use
    if use is None or crs.is_geographic:
        return
    west, south, east, north = Transformer.from_crs(crs, 4326, always_xy=True).transform_bounds(
        *bounds)
    if not (use.west - BEYOND <= west <= east <= use.east + BEYOND
            and use.south - BEYOND <= south <= north <= use.north + BEYOND) \
            and use.west < use.east:
        corner = gdf.bounds[["minx", "miny"]]
        row = ((corner - corner.median()) ** 2).sum(axis=1).idxmax()
        raise LayerError(
            f"{file}: the coordinates ({told}; row {row} lies farthest out) are outside the area "
            f"of {label(crs)} (longitude {use.west:g} to {use.east:g}, latitude {use.south:g} to "
            f"{use.north:g})", mend=mend)


def read_mapped(path: str | Path, columns: Mapping[str, str], known: list[str], *,
                layer: str | None = None, crs: Any = None) -> gpd.GeoDataFrame:
    """Return the features of a file with columns renamed to ours.

    Parameters
    ----------
    path, layer, crs
        As in `read_vector`.
    columns
        Our name to the file's name.
    known
        Names that may stand on the left.

    Raises
    ------
    LayerError
        When a name on either side is unknown, with the nearest one.
    """
    gdf = read_vector(path, layer=layer, crs=crs)
    for ours, theirs in columns.items():
        if ours not in known:
            raise LayerError(f"--map {ours}={theirs}: we have no column {ours!r}"
                             f"{nearest(ours, known)} (ours are {', '.join(known)})")
        have = [str(c) for c in gdf.columns if c != gdf.geometry.name]
        if theirs not in have:
            raise LayerError(f"{path}: there is no column {theirs!r}{nearest(theirs, have)} "
                             f"(the file has {', '.join(have) or 'none'})")
    out = gpd.GeoDataFrame(geometry=gdf.geometry)
    taken = set(columns.values()) | {gdf.geometry.name}
    for ours, theirs in columns.items():
        out[ours] = gdf[theirs]
    for name in gdf.columns:
        if name not in taken and name not in out.columns:
            out[name] = gdf[name]
    return out


def to_metres(gdf: gpd.GeoDataFrame, target: CRS, where: str) -> tuple[gpd.GeoDataFrame, str]:
    """Return features in ``target`` and a line that says so when they had to be moved."""
    if gdf.crs == target:
        return gdf, ""
    moved = gdf.to_crs(target)
    if not np.isfinite(moved.total_bounds).all():
        raise LayerError(f"{where}: coordinates cannot be brought from {label(gdf.crs)} to "
                         f"{label(target)}; the file's CRS is likely wrong",
                         mend="Save the file with its right CRS")
    return moved, f"{where}: reprojected from {label(gdf.crs)} to {label(target)}"


def metric_crs(gdf: gpd.GeoDataFrame) -> CRS:
    """Return the layer's own CRS when it is projected in metres, else the local UTM zone.

    Web Mercator is projected but not in true metres away from the equator, so it is not kept.
    """
    crs = CRS.from_user_input(gdf.crs)
    metre = crs.is_projected and all(a.unit_conversion_factor == 1.0 for a in crs.axis_info[:2])
    if metre and crs.to_epsg() not in (3857, 3395) and "Mercator (Spherical)" not in crs.name:
        return crs
    try:
        return CRS.from_user_input(gdf.estimate_utm_crs())
    except Exception as error:
        told = "{:g} {:g} to {:g} {:g}".format(*gdf.total_bounds)
        raise LayerError(f"no UTM zone fits the bounds {told} in {label(crs)}; the coordinates are "
                         "likely not in that CRS", mend="Save the file with its right CRS"
                         ) from error


def label(crs: Any) -> str:
    """Return EPSG:n, or the name of a CRS that has no number."""
    if crs is None:
        return "no CRS"
    crs = CRS.from_user_input(crs)
    code = crs.to_epsg()
    return f"EPSG:{code}" if code else str(crs.name)


def _parquet(file: Path) -> gpd.GeoDataFrame:
    try:
        return gpd.read_parquet(file)
    except Exception as error:
        raise SourceError(f"{file} is no readable GeoParquet: {_reason(error)}") from error


def _ogr(file: Path, layer: str | None) -> gpd.GeoDataFrame:
    import pyogrio

    if file.suffix.lower() == ".shp":
        beside = {p.name.lower() for p in file.parent.iterdir()}
        for suffix in (".shx", ".dbf"):
            if f"{file.stem}{suffix}".lower() not in beside:
                raise SourceError(f"{file}: {file.stem}{suffix} is missing beside it",
                                  mend="Copy all files of the shapefile: .shp, .shx, .dbf, .prj")
        with file.open("rb") as stream:
            words = int.from_bytes(stream.read(28)[24:28], "big")  # of two bytes, the whole file
        if file.stat().st_size < 2 * words:
            raise SourceError(f"{file} is cut short: {file.stat().st_size:,} of {2 * words:,} "
                              "bytes", mend="Copy it again")
    names = vector_layers(file)
    if layer is not None and layer not in names:
        raise SourceError(f"{file} has no layer {layer!r}{nearest(layer, names)} (it has "
                          f"{', '.join(names)})")
    if layer is None and len(names) != 1:
        raise SourceError(f"{file} has {len(names)} layers: {', '.join(names)}",
                          mend=f"Name one: {file.name}:{names[0] if names else 'LAYER'}")
    try:
        gdf = pyogrio.read_dataframe(file, layer=layer or names[0], encoding=_encoding(file))
    except UnicodeDecodeError:
        gdf = _cut_words(pyogrio.read_dataframe(file, layer=layer or names[0], encoding="latin1"))
    except Exception as error:
        raise SourceError(f"{file} cannot be read: {_reason(error)}") from error
    if not isinstance(gdf, gpd.GeoDataFrame):
        raise LayerError(f"{file}: layer {layer or names[0]!r} has no geometry")
    if shapely.is_missing(gdf.geometry.values).all() and len(gdf):
        raise LayerError(f"{file}: layer {layer or names[0]!r} has rows but no geometry")
    return gdf


def _encoding(file: Path) -> str | None:
    """Return the encoding of a shapefile that does not name one: UTF-8, else Chinese GB 18030."""
    table = next((p for p in file.parent.glob(f"{file.stem}.*") if p.suffix.lower() == ".dbf"),
                 None)
    if file.suffix.lower() != ".shp" or table is None \
            or any(p.suffix.lower() == ".cpg" for p in file.parent.glob(f"{file.stem}.*")):
        return None
    with table.open("rb") as stream:
        head = stream.read(1 << 16)
    first = int.from_bytes(head[8:10], "little")  # of the records; before it 32 bytes a field
    names = b"".join(head[at:at + 11].split(b"\0")[0] for at in range(32, first - 1, 32))
    for encoding in ("utf-8", "gb18030"):
        try:  # the last character may be cut where reading stopped
            codecs.getincrementaldecoder(encoding)().decode(head[first:])
            codecs.getincrementaldecoder(encoding)().decode(names)
        except UnicodeDecodeError:
            continue
        return encoding
    return None


def _cut_words(gdf: Any) -> Any:
    """Return a shapefile's table whose UTF-8 names were cut inside a character at ten bytes."""
    def whole(word: Any) -> Any:
        return word.encode("latin1", "ignore").decode("utf-8", "ignore") \
            if isinstance(word, str) else word

    text = {c: gdf[c].map(whole) for c in gdf.columns
            if c != gdf.geometry.name and not pd.api.types.is_numeric_dtype(gdf[c])}
    return gdf.assign(**text).rename(columns=whole)


def _reason(error: Exception) -> str:
    text = " ".join(str(error).split()).split(".; It might help")[0]
    if "sqlite3_" in text:
        return "the database in it is damaged or cut short"
    return text[:160].rstrip(" .;") or type(error).__name__


def split_layer(text: str) -> tuple[Path, str | None]:
    """Return path and layer of ``FILE`` or ``FILE:LAYER``."""
    whole = Path(text)
    if whole.exists() or ":" not in text:
        return whole, None
    head, _, tail = text.rpartition(":")
    return (Path(head), tail) if Path(head).exists() else (whole, None)


def is_json(file: Path) -> Any:
    """Return the parsed JSON of a file, or None when it is none."""
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except (ValueError, UnicodeDecodeError):
        return None
