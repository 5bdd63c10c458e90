"""Where on earth a city lies: country and region, for factors and defaults."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Place:
    """Country (ISO 3166-1 alpha-2) and first-order region of a city.

    Parameters
    ----------
    country
        Two letters, such as ``"CN"`` or ``"FR"``; empty when unknown.
    region
        Province or region in English, such as ``"Hubei"``; empty when unknown.
    found_by
        ``"user"``, ``"nearest town"`` or empty.
    """

    country: str = ""
    region: str = ""
    found_by: str = ""

    def __post_init__(self) -> None:
        country = self.country.strip().upper()
        object.__setattr__(self, "country", {"UK": "GB", "EL": "GR"}.get(country, country))

    def __str__(self) -> str:
        where = ", ".join(p for p in (self.region, self.country) if p) or "place unknown"
        return f"{where} (by {self.found_by})" if self.found_by == "nearest town" else where


def lonlat(area: Any, crs: Any) -> tuple[float, float]:
    """Return longitude and latitude of a point in the middle of an area in ``crs`` [degrees]."""
    import shapely
    from pyproj import Transformer

    middle = shapely.point_on_surface(area)
    lon, lat = Transformer.from_crs(crs, 4326, always_xy=True).transform(middle.x, middle.y)
    return float(lon), float(lat)


def locate(lon: float, lat: float) -> Place:
    """Return the country and region of the town nearest to a point [degrees].

    Uses the GeoNames table of the ``reverse-geocode`` package, offline. Near a border the nearest
    town can lie on the other side: name the country yourself there.
    """
    import reverse_geocode

    found = reverse_geocode.get((lat, lon))
    return Place(found.get("country_code", ""), found.get("state", ""), "nearest town")
