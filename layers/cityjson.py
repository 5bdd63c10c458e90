"""CityJSON: buildings of any level of detail become footprints with a height, and their roofs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, TypeAlias

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import CRS
from pyproj.exceptions import CRSError

from layers.cityjson_surfaces import Faces, drawn, rank, read_faces
from layers.errors import LayerError, SourceError

ROOFS = "roof_surfaces"  # column of the footprints: roof surfaces, polygons with z [m], or None
Objects: TypeAlias = dict[str, tuple[dict[str, Any], int, int]]
_BROKEN = (ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError)


def is_cityjson(file: Path) -> bool:
    """Return whether a file begins like CityJSON, without reading the whole of it."""
    if file.suffix.lower() not in (".json", ".jsonl", ".city", ".cityjson"):
        return False
    with file.open("rb") as stream:
        head = stream.read(4096)
    return b'"CityJSON"' in head or (file.name.lower().endswith((".city.json", ".cityjson")))


def read_cityjson(file: Path) -> gpd.GeoDataFrame:
    """Return the buildings of a CityJSON 1.0 to 2.0 file or text sequence as footprints.

    The footprint is the union of the ground surfaces, or of all surfaces seen from above where
    they are not marked; the height is the distance from the lowest to the highest vertex. A
    building that is but an outline around its parts is left out; its only part takes its
    identifier. Roof surfaces of level 2 and finer stand in the column ``roof_surfaces``.

    Raises
    ------
    SourceError
        When the file is not CityJSON.
    LayerError
        When it holds no building with geometry.
    """
    try:
        head, objects, vertices = _opened(file)
        system = str(head.get("metadata", {}).get("referenceSystem", ""))
    except _BROKEN as error:
        raise SourceError(f"{file} is no readable CityJSON: {_why(error)}") from error
    crs = _crs(file, system)
    if crs is not None:
        vertices[:, 2] *= _metres(crs)
        crs = crs.sub_crs_list[0] if crs.sub_crs_list and _metres(crs) != 1.0 else crs

    rows: list[dict[str, Any]] = []
    found: list[Faces] = []
    for name, (thing, first, count) in objects.items():
        try:
            label = _label(name, thing, objects)
            faces = read_faces(thing, vertices[first:first + count], first) if label else None
            if faces is None:
                continue
            told = _told(thing, objects)
        except _BROKEN as error:
            raise SourceError(f"{file}: object {str(name)[:60]!r} cannot be read: {_why(error)}"
                              ) from error
        tall = {"height": faces.high - faces.low} if faces.high > faces.low else {}
        rows.append({**told, "id": label, **tall, "height_from": "measured",
                     "ground_z": faces.low})
        found.append(faces)
    shapes, roofs = drawn(found, vertices)
    kept = [at for at, shape in enumerate(shapes) if shape is not None]
    if not kept:
        raise LayerError(f"{file}: no Building or BuildingPart with geometry")
    table = gpd.GeoDataFrame([rows[at] for at in kept], geometry=shapes[kept], crs=crs)
    return table if shapely.is_missing(roofs[kept]).all() else table.assign(**{ROOFS: roofs[kept]})


def _opened(file: Path) -> tuple[dict[str, Any], Objects, NDArray[np.float64]]:
    """Return the head, each object with where its vertices begin and how many, and the vertices."""
    if file.suffix.lower() == ".jsonl":
        with file.open(encoding="utf-8") as lines:
            head, *parts = [json.loads(line) for line in lines if line.strip()]
    else:
        head = json.loads(file.read_text(encoding="utf-8"))
        parts = []
    if head["type"] != "CityJSON":
        raise ValueError(f"its type is {str(head['type'])[:40]!r}, expected 'CityJSON'")
    objects: Objects = {}
    points = [np.empty((0, 3))]
    first = 0
    for part in (head, *parts):
        points.append(np.asarray(part["vertices"], dtype=float).reshape(-1, 3))
        count = len(points[-1])
        objects |= {str(k): (v, first, count) for k, v in dict(part["CityObjects"]).items()}
        first += count
    vertices = np.concatenate(points)
    if transform := head.get("transform"):
        vertices = vertices * np.asarray(transform["scale"], dtype=float) \
            + np.asarray(transform["translate"], dtype=float)
    return head, objects, vertices


def _crs(file: Path, system: str) -> CRS | None:
    code = system.replace("::", ":").rstrip("/").split("/")[-1].split(":")[-1]
    try:
        return CRS.from_epsg(int(code)) if code.isdecimal() else None
    except CRSError as error:
        raise LayerError(f"{file}: there is no CRS {system[:80]!r}",
                         mend="Correct referenceSystem, such as EPSG:32650") from error


def _metres(crs: CRS) -> float:
    """Metres in a unit of z; that of x where the CRS does not say, as in feet of a state plane."""
    axes = crs.axis_info
    axis = axes[2] if len(axes) > 2 else axes[0]
    return 1.0 if len(axes) < 3 and crs.is_geographic else float(axis.unit_conversion_factor)


def _label(name: str, thing: dict[str, Any], objects: Objects) -> str:
    """Return the identifier an object bears as a building, empty where it is none of its own."""
    if thing.get("type") not in ("Building", "BuildingPart") or not thing.get("geometry"):
        return ""
    inside = [objects[str(c)][0] for c in thing.get("children", []) if str(c) in objects]
    if _level(thing) < 1 and any(_level(part) >= 1 for part in inside
                                 if part.get("type") == "BuildingPart"):
        return ""
    for parent in thing.get("parents", []):
        owner = objects.get(str(parent), ({}, 0, 0))[0]
        if len(owner.get("children", [])) == 1 and _level(owner) < 1 <= _level(thing):
            return str(parent)
    return name


def _told(thing: dict[str, Any], objects: Objects) -> dict[str, Any]:
    """Attributes of a building, those it does not have from the one it is a part of."""
    told: dict[str, Any] = {}
    for parent in thing.get("parents", []):
        owner = objects.get(str(parent), ({}, 0, 0))[0]
        told |= _plain(owner.get("attributes"))
        if len(owner.get("children", [])) > 1:
            told.pop("dwellings", None)  # those of all parts
    return told | _plain(thing.get("attributes"))


def _level(thing: dict[str, Any]) -> float:
    return max((rank(g)[0] for g in thing.get("geometry") or []), default=-1.0)


def _why(error: Exception) -> str:
    word = f"{error} is missing" if isinstance(error, KeyError) else str(error)
    return " ".join(word.split())[:120]


def _plain(attributes: Any) -> dict[str, Any]:
    """Attributes that are plain values, those of common city models under our names."""
    plain = {k: v for k, v in dict(attributes or {}).items()
             if isinstance(v, str | int | float | bool)}
    for theirs, ours in (("storeysAboveGround", "num_floors"), ("b3_bouwlagen", "num_floors"),
                         ("yearOfConstruction", "year"), ("oorspronkelijkbouwjaar", "year"),
                         ("function", "class"), ("usage", "class"), ("measuredHeight", "height")):
        if theirs in plain and ours not in plain:
            plain[ours] = plain[theirs]
    return plain
