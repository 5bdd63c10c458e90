"""A whole city from files and into a file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from pyproj import CRS

from layers import buildings, roads
from layers.buildings import DRAWN_TWICE
from layers.checking import check
from layers.city import City, as_area
from layers.citygpkg import META, read_package
from layers.doubts import not_believed, not_understood
from layers.errors import LayerError, MissingInput, nearest
from layers.place import Place, locate, lonlat
from layers.provenance import now
from layers.registry import LAYERS, TIDY
from layers.roof_files import join_roofs, split_roofs
from layers.roof_tags import roof_doubts
from layers.shapes import mend
from layers.spec import faults
from layers.terrain import read_raster
from layers.vectors import (
    existing_file,
    metric_crs,
    read_mapped,
    split_layer,
    to_metres,
    vector_layers,
)
from layers.weather import read_weather

MARGIN = 500.0  # features this far outside the study area are kept as context [m]

_ALIASES = {"buildings": list(buildings.ALIASES), "roads": list(roads.ALIASES)}
_DIMENSION = {"polygon": (2,), "line": (1,), "point": (0,), "line or polygon": (1, 2)}
_MIXED = {"water": (2, 1)}  # layers whose raw features may be of another kind


def read(path: str | Path | None = None, *, columns: Mapping[str, Mapping[str, str]] | None = None,
         area: str | Path | None = None, terrain: str | Path | None = None,
         canopy: str | Path | None = None, weather: str | Path | None = None, crs: Any = None,
         name: str = "", country: str = "", region: str = "",
         controls: Mapping[str, float] | None = None, **sources: str | Path) -> City:
    """Return a city from a file of ours, an OSM extract, or one file a layer.

    Parameters
    ----------
    path
        A GeoPackage written by `write`, any file with layers named as ours, an ``.osm.pbf``
        extract, or one file of building footprints.
    columns
        Layer to {our column: the file's column}.
    area
        Polygon file of the study area; the box of the buildings when None, said in the history.
    terrain, canopy
        Rasters of elevation and of vegetation height [m].
    weather
        EPW or TMY file.
    crs
        CRS of files that do not say their own.
    name, country, region
        What the place is called and where it is; found from the nearest town when empty.
    controls
        Known totals to scale estimates to, see `layers.City`.
    sources
        ``buildings=``, ``roofs=``, ``roads=``, ``green=``, ``trees=``, ``tree_rows=``, ``water=``,
        ``squares=``, ``corridors=``: a file, or ``FILE:LAYER``. A 3D model of the buildings brings
        its roofs.

    Raises
    ------
    SourceError, LayerError
        Naming the file, layer and row, what was expected, what came and the mend.
    """
    columns = dict(columns or {})
    for layer in (*sources, *columns):
        if layer not in LAYERS:
            raise LayerError(f"there is no layer {layer!r}{nearest(layer, list(LAYERS))} (layers "
                             f"are {', '.join(LAYERS)})")
    if crs is not None:
        try:
            crs = CRS.from_user_input(crs)
        except Exception as error:
            raise LayerError(f"--crs {crs!r} is no CRS", mend="Write EPSG:32650") from error
    if path is not None:
        file, part = split_layer(str(path))
        existing_file(file, "city file")
        extract = file.name.endswith(".pbf")
        found = vector_layers(file) if file.suffix.lower() == ".gpkg" and part is None else []
        if extract or META in found:
            if sources or columns:
                given = ", ".join(f"--{n}" for n in dict.fromkeys([*sources, *columns]))
                raise LayerError(f"{file} holds all layers; {given} cannot be added to it",
                                 mend="Name each layer's file instead, without this one")
            if extract:
                from layers.pbf import read_pbf

                city = read_pbf(file, name=name, country=country, region=region)
            else:
                city = read_package(file, found)
            city = _renamed(_recut(city, area, crs), name, country, region)
            return with_rasters(_controlled(city, controls), terrain, canopy, weather)
        ours = [n for n in found if n in LAYERS]
        if ours:
            sources = {**{n: f"{file}:{n}" for n in ours}, **sources}
            area = area or (f"{file}:area" if "area" in found else None)
        else:
            sources = {"buildings": str(path), **sources}
    if "buildings" not in sources:
        raise MissingInput("no buildings were given", mend="Name a file with --buildings FILE")
    name = name or Path(str(sources["buildings"])).stem
    city = _assemble(dict(sources), columns, area, crs, name,
                     Place(country, region, "user") if country else None)
    return with_rasters(_controlled(city, controls), terrain, canopy, weather)


def _renamed(city: City, name: str, country: str, region: str) -> City:
    place = Place(country, region, "user") if country else city.place
    return replace(city, name=name or city.name, place=place)


def _recut(city: City, area: str | Path | None, crs: Any) -> City:
    """Return a city over another study area inside what it holds."""
    if area is None:
        return city
    shape, _, notes = _study_area(area, city.frame("buildings"), crs)
    if not city.frame("buildings").intersects(shape).any():
        raise LayerError(f"{area}: no building of the city lies in that study area",
                         mend="Check the CRS of the file")
    return replace(city, area=shape, controls={}, history=(*city.history, *notes,
                                                           f"{now()}: study area from {area}"))


def _controlled(city: City, controls: Mapping[str, float] | None) -> City:
    return replace(city, controls={**city.controls, **controls}) if controls else city


def _assemble(sources: dict[str, str | Path], columns: dict[str, Mapping[str, str]],
              area: str | Path | None, crs: Any, name: str, place: Place | None) -> City:
    raw: dict[str, gpd.GeoDataFrame] = {}
    done: dict[str, Counter[str]] = {}
    model: gpd.GeoDataFrame | None = None  # roofs as they stand in space
    for layer, source in sources.items():
        file, part = split_layer(str(source))
        known = [*LAYERS[layer].names, *_ALIASES.get(layer, [])]
        table = read_mapped(file, columns.get(layer, {}), known, layer=part, crs=crs)
        table, found = split_roofs(layer, table)
        if found is not None and (layer == "roofs" or "roofs" not in sources):
            model = found
        if layer != "roofs":
            raw[layer], done[layer] = _mended(layer, table, str(source))
    shape, target, notes = _study_area(area, raw["buildings"], crs)
    told = ", ".join(f"{k} from {Path(str(v)).name}" for k, v in sources.items())
    history = [f"{now()}: read {told}"]
    where = place or locate(*lonlat(shape, target))
    near = shapely.box(*shape.bounds).buffer(MARGIN, join_style="mitre")
    layers: dict[str, Any] = {}
    fallbacks: list[tuple[str, int]] = []
    wrong: list[str] = []
    for layer, gdf in raw.items():
        moved, note = to_metres(gdf, target, f"layer {layer!r}")
        notes += [note] if note else []
        table, counts = _mended(layer, moved, str(sources[layer])) if note else (moved, Counter())
        table = table[table.intersects(near)]
        if layer == "buildings" and table.empty:
            raise LayerError(f"{sources[layer]}: none of the {len(gdf)} buildings lies in the "
                             "study area", mend="Check the CRS of both files")
        try:
            extra = {"country": where.country} if layer == "buildings" else {}
            tidied = TIDY[layer](table, **extra)
        except LayerError as error:
            raise LayerError(f"{sources[layer]}: {error}") from error
        wrong += [f"{sources[layer]}: {fault}" for fault in faults(tidied, LAYERS[layer])]
        counts += done[layer]
        if layer == "buildings":
            counts += not_believed(table, tidied) + roof_doubts(table, tidied)
            drawn = table.area[tidied.index]
            counts[DRAWN_TWICE] = round(table.area.sum() - tidied.area.sum())
        counts += not_understood(layer, table, tidied)
        fallbacks += [(f"{layer}: {k}", v) for k, v in counts.items() if v]
        layers[layer] = tidied.reset_index(drop=True)
    if model is not None:
        source = sources.get("roofs", sources["buildings"])
        try:
            layers["buildings"], layers["roofs"], left = join_roofs(model, layers["buildings"],
                                                                    drawn)
        except LayerError as error:
            raise LayerError(f"{source}: {error}") from error
        fallbacks += [(k, v) for k, v in left.items() if v]
        wrong += [f"{source}: {fault}" for fault in faults(layers["roofs"], LAYERS["roofs"])]
    if wrong:
        more = f"; and {len(wrong) - 10} more" if len(wrong) > 10 else ""
        raise LayerError("; ".join(wrong[:10]) + more,
                         mend="Correct these rows, or map another column with --map")
    city = City(layers, shape, target, name=name, place=where,
                sources=tuple(f"{Path(str(v)).name}: the user's own file" for v in
                              sources.values()),
                history=(*history, *notes), fallbacks=tuple(fallbacks))
    check(city)
    return city


def _study_area(area: str | Path | None, built: gpd.GeoDataFrame,
                crs: Any) -> tuple[Any, CRS, list[str]]:
    target = metric_crs(built)
    if area is None:
        moved, note = to_metres(built, target, "layer 'buildings'")
        shape = shapely.box(*moved.total_bounds)
        if not np.isfinite(moved.total_bounds).all() or shape.area <= 0:
            raise LayerError("the buildings span no area", mend="Give one with --area FILE")
        return shape, target, [f"no study area was given: the box of the buildings is taken, "
                               f"{shape.area / 1e6:.2f} km2"]
    file, part = split_layer(str(area))
    from layers.vectors import read_vector

    given = read_vector(file, layer=part, crs=crs)
    whole, _ = mend(given, 2)
    if whole.empty:
        kinds = ", ".join(sorted(set(given.geom_type.dropna())))
        raise LayerError(f"{file}: the study area is a {kinds} of {given.area.sum():g} m2, "
                         "expected a polygon with some surface",
                         mend="Give a polygon layer with --area")
    gdf, note = to_metres(whole, target, f"the study area ({file.name})")
    try:
        return as_area(shapely.union_all(shapely.make_valid(gdf.geometry.values))), target, \
            [note] if note else []
    except LayerError as error:
        raise LayerError(f"{file}: {error}") from error


def _mended(layer: str, gdf: gpd.GeoDataFrame,
            source: str) -> tuple[gpd.GeoDataFrame, Counter[str]]:
    """Return valid features of the dimensions the layer takes, and what was done."""
    wanted = _MIXED.get(layer, _DIMENSION[LAYERS[layer].geometry])
    parts, counts = [], Counter[str]()
    for dimension in wanted:
        table, done = mend(gdf, dimension)
        parts.append(table)
        counts["geometries mended"] += done["mended"]
    out = gpd.GeoDataFrame(pd.concat(parts), crs=gdf.crs)
    counts["geometries dropped"] = len(gdf) - len(out)
    if out.empty:
        kinds = ", ".join(sorted(set(gdf.geom_type.dropna()))) or "nothing"
        raise LayerError(f"{source}: layer {layer!r} needs {LAYERS[layer].geometry} geometry with "
                         f"finite coordinates, the file has {kinds}",
                         mend=f"Give the right file with --{layer.replace('_', '-')}")
    return out, counts


def with_rasters(city: City, terrain: Any = None, canopy: Any = None,
                 weather: Any = None) -> City:
    """Return a city with terrain, canopy and weather read from files, and their source lines."""
    extra: dict[str, Any] = {}
    if terrain is not None:
        extra["terrain"] = read_raster(terrain, crs=city.crs)
    if canopy is not None:
        extra["canopy"] = read_raster(canopy, crs=city.crs, what="canopy height",
                                      limits=(-1.0, 150.0))
    if weather is not None:
        extra["weather"] = read_weather(weather)
    for name, path in (("terrain", terrain), ("canopy", canopy)):
        if name in extra:
            x, y = extra[name]["x"].to_numpy(), extra[name]["y"].to_numpy()
            if not shapely.box(x[0], y[0], x[-1], y[-1]).intersects(city.area):
                raise LayerError(f"{path}: the raster (from {x[0]:.0f} {y[0]:.0f} to {x[-1]:.0f} "
                                 f"{y[-1]:.0f}) does not meet the study area "
                                 f"{tuple(round(b) for b in city.area.bounds)}",
                                 mend="Check its CRS")
    if not extra:
        return city
    told = [f"Terrain: {Path(terrain).name}"] if terrain is not None else []
    told += [f"Canopy: {Path(canopy).name}"] if canopy is not None else []
    told += [f"Weather: {extra['weather'].attrs['title']}"] if weather is not None else []
    return replace(city.with_layers(f"added {', '.join(extra)}", **extra),
                   sources=(*city.sources, *told))
