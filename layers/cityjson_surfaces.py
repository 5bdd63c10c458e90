"""The surfaces of buildings in a CityJSON file: rings of vertices become polygons."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

SMALLEST = 0.05  # surfaces that are smaller seen from above are walls [m2]
_GROUND, _ROOF = "GroundSurface", "RoofSurface"


@dataclass(frozen=True, eq=False)
class Faces:
    """The surfaces of a building in its finest level of detail.

    Parameters
    ----------
    rings
        Vertices of each ring, numbers in the file.
    face
        Which surface each ring belongs to; the first one of a surface is its outline.
    kinds
        What each surface is, empty where it is not marked.
    low, high
        Lowest and highest vertex [m].
    """

    rings: list[NDArray[np.intp]]
    face: list[int]
    kinds: list[str]
    low: float
    high: float


def rank(geometry: dict[str, Any]) -> tuple[float, bool]:
    """Level of detail of a geometry, and whether it marks its surfaces."""
    return float(str(geometry.get("lod", 0))[:3]), bool(geometry.get("semantics"))


def read_faces(thing: dict[str, Any], own: NDArray[np.float64], first: int) -> Faces | None:
    """Return the surfaces of a building whose vertices are ``own``."""
    best = max(thing["geometry"], key=rank)
    marks = best.get("semantics") or {}
    names = [str(s.get("type", "")) for s in marks.get("surfaces", [])]
    rings: list[NDArray[np.intp]] = []
    face: list[int] = []
    kinds: list[str] = []
    for surface, mark in _surfaces(best["boundaries"], marks.get("values")):
        numbers = [np.asarray(ring, dtype=np.intp) for ring in surface]
        for ring in numbers:
            if len(ring) and (ring.min() < 0 or ring.max() >= len(own)):
                raise ValueError("it points at vertices that do not exist")
        if len(set(numbers[0].tolist())) < 3:
            continue
        rings += [ring + first for ring in numbers if len(set(ring.tolist())) >= 3]
        face += [len(kinds)] * (len(rings) - len(face))
        named = names[mark] if isinstance(mark, int) and 0 <= mark < len(names) else ""
        kinds.append("" if named == _ROOF and rank(best)[0] < 2 else named)
    if not rings:
        raise ValueError("it points at vertices that do not exist")
    used = own[np.unique(np.concatenate(rings)) - first]
    if not np.isfinite(used).all():
        raise ValueError("a vertex of it is no number")
    return Faces(rings, face, kinds, float(used[:, 2].min()), float(used[:, 2].max()))


def _surfaces(boundaries: Any, marks: Any) -> Iterator[tuple[list[Any], Any]]:
    """Yield the surfaces of a MultiSurface or Solid, however deep, each with its mark."""
    if boundaries and isinstance(boundaries[0], list) and boundaries[0] \
            and isinstance(boundaries[0][0], int):
        yield boundaries, marks
        return
    for at, part in enumerate(boundaries):
        if isinstance(part, list):
            told = marks[at] if isinstance(marks, list) and at < len(marks) else None
            yield from _surfaces(part, told)


def drawn(found: list[Faces],
          vertices: NDArray[np.float64]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return the footprint of each building and its roof surfaces, None where there is none."""
    shapes, roofs = (np.full(len(found), None, dtype=object) for _ in range(2))
    if not found:
        return shapes, roofs
    count = np.array([len(f.kinds) for f in found])
    row = np.repeat(np.arange(len(found)), count)
    begin = np.cumsum(count) - count
    kind = np.array([k for f in found for k in f.kinds])
    rings = [ring for f in found for ring in f.rings]
    of = np.concatenate([np.array(f.face) + b for f, b in zip(found, begin, strict=True)])
    linear: Any = shapely.linearrings(
        vertices[np.concatenate(rings)],
        indices=np.repeat(np.arange(len(rings)), [len(ring) for ring in rings]))
    faces: Any = shapely.polygons(linear, indices=of)

    flat: Any = shapely.force_2d(faces)
    wide = shapely.area(flat) > SMALLEST
    marked = np.bincount(row, weights=wide & (kind == _GROUND)) > 0
    part = wide & (~marked[row] | (kind == _GROUND))
    whole: Any = shapely.geometrycollections(shapely.make_valid(flat[part]), indices=row[part])
    there = np.unique(row[part])
    shapes[there] = shapely.union_all(whole[there][:, None], axis=1)
    roof = kind == _ROOF
    if roof.any():
        roofs[np.unique(row[roof])] = shapely.multipolygons(
            faces[roof], indices=np.unique(row[roof], return_inverse=True)[1])
    return shapes, roofs
