"""The check of a whole city, which gathers every fault and raises once."""

from __future__ import annotations

from layers.city import City
from layers.errors import LayerError
from layers.registry import LAYERS
from layers.spec import Fault, faults
from layers.vectors import label


def check(city: City) -> None:
    """Raise one error that names every fault of every layer of ``city``.

    Raises
    ------
    LayerError
        With up to ten faults spelled out and the rest counted.
    """
    found = city_faults(city)
    if found:
        lines = [str(f) for f in found[:10]]
        more = f"; and {len(found) - 10} more faults" if len(found) > 10 else ""
        raise LayerError(f"{city.name or 'the city'} has {len(found)} faults: "
                         + "; ".join(lines) + more)


def city_faults(city: City) -> list[Fault]:
    """Return the faults of all vector layers of ``city``, and layers in another CRS."""
    found: list[Fault] = []
    for name, spec in LAYERS.items():
        if name in city.frames:
            gdf = city.frames[name]
            if gdf.crs != city.crs:
                found.append(Fault(name, f"CRS is {label(gdf.crs)}, the city's is "
                                         f"{label(city.crs)}"))
            found += faults(gdf, spec)
    if city.area.area <= 0:
        found.append(Fault("area", "the study area has no surface (0 m2)"))
    return found
