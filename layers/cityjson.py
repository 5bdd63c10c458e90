"""CityJSON: buildings of any level of detail become footprints with a height."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import shapely
from pyproj import CRS
from pyproj.exceptions import CRSError

from layers.errors import LayerError, SourceError


def is_cityjson(file: Path) -> bool:
    """Return whether a file begins like CityJSON, without reading the whole of it."""
    if file.suffix.lower() not in (".json", ".city", ".cityjson"):
        return False
    with file.open("rb") as stream:
        head = stream.read(4096)
    return b'"CityJSON"' in head or (file.name.lower().endswith((".city.json", ".cityjson")))


def read_cityjson(file: Path) -> gpd.GeoDataFrame:
    """Return the buildings of a CityJSON 1.0 to 2.0 file as footprints.

    The footprint is the union of the ground surfaces, or of all surfaces seen from above where
    they are not marked; the height is the distance from the lowest to the highest vertex.

    Raises
    ------
    SourceError
        When the file is not CityJSON.
    LayerError
        When it holds no building with geometry.
    """
    try:
        model = json.loads(file.read_text(encoding="utf-8"))
        if model["type"] != "CityJSON":
            raise ValueError(f"its type is {str(model['type'])[:40]!r}, expected 'CityJSON'")
        vertices = np.asarray(model["vertices"], dtype=float).reshape(-1, 3)
        transform = model.get("transform")
        if transform:
            vertices = vertices * np.asarray(transform["scale"], dtype=float) \
                + np.asarray(transform["translate"], dtype=float)
        objects = dict(model["CityObjects"])
        system = str(model.get("metadata", {}).get("referenceSystem", ""))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise SourceError(f"{file} is no readable CityJSON: {_why(error)}") from error
    code = system.replace("::", ":").rstrip("/").split("/")[-1].split(":")[-1]
    try:
        crs = CRS.from_epsg(int(code)) if code.isdecimal() else None
    except CRSError as error:
        raise LayerError(f"{file}: there is no CRS {system[:80]!r}",
                         mend="Correct referenceSystem, such as EPSG:32650") from error

    rows: list[dict[str, Any]] = []
    shapes: list[Any] = []
    for name, thing in objects.items():
        try:
            found = _footprint(thing, vertices)
        except (ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError,
                shapely.errors.ShapelyError) as error:
            raise SourceError(f"{file}: object {str(name)[:60]!r} cannot be read: {_why(error)}"
                              ) from error
        if found is not None:
            shape, low, high = found
            rows.append({**_plain(thing.get("attributes", {})), "id": str(name),
                         "height": high - low, "height_from": "measured", "ground_z": low})
            shapes.append(shape)
    if not rows:
        raise LayerError(f"{file}: no Building or BuildingPart with geometry")
    return gpd.GeoDataFrame(rows, geometry=shapes, crs=crs)


def _footprint(thing: dict[str, Any], vertices: np.ndarray) -> tuple[Any, float, float] | None:
    """Footprint, lowest and highest point of a building; None for what is no building."""
    if thing.get("type") not in ("Building", "BuildingPart") or not thing.get("geometry"):
        return None
    best = max(thing["geometry"], key=lambda g: float(str(g.get("lod", 0))[:3]))
    rings = [np.asarray(r, dtype=int) for r in _rings(best["boundaries"])]
    used = np.unique(np.concatenate(rings)) if rings else np.array([], dtype=int)
    if len(used) < 3 or used.min() < 0 or used.max() >= len(vertices):
        raise ValueError("it points at vertices that do not exist")
    if not np.isfinite(vertices[used]).all():
        raise ValueError("a vertex of it is no number")
    flat = [vertices[r][:, :2] for r in rings if len(r) >= 3]
    polygons = [p for p in (shapely.make_valid(shapely.polygons(c)) for c in flat)
                if p.area > 0.05]
    if not polygons:
        return None
    z = vertices[used, 2]
    return shapely.union_all(polygons), float(z.min()), float(z.max())


def _why(error: Exception) -> str:
    word = f"{error} is missing" if isinstance(error, KeyError) else str(error)
    return " ".join(word.split())[:120]


def _rings(boundaries: Any) -> Any:
    """Outer rings of a MultiSurface or Solid, however deep."""
    if boundaries and isinstance(boundaries[0], list) and boundaries[0] \
            and isinstance(boundaries[0][0], int):
        yield boundaries[0]
        return
    for part in boundaries:
        if isinstance(part, list):
            yield from _rings(part)


def _plain(attributes: dict[str, Any]) -> dict[str, Any]:
    """Attributes that are plain values, 3DBAG's floor number under our name."""
    plain = {k: v for k, v in attributes.items() if isinstance(v, str | int | float | bool)}
    for theirs, ours in (("storeysAboveGround", "num_floors"), ("b3_bouwlagen", "num_floors"),
                         ("yearOfConstruction", "year"), ("oorspronkelijkbouwjaar", "year"),
                         ("function", "class"), ("usage", "class")):
        if theirs in plain and ours not in plain:
            plain[ours] = plain[theirs]
    return plain
