"""The city: named layers in one projected CRS over one study area, never changed in place."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TypeAlias

import geopandas as gpd
import shapely
import xarray as xr
from pyproj import CRS
from shapely.geometry import GeometryCollection, MultiPolygon, Polygon
from shapely.geometry.base import BaseGeometry

from layers.errors import LayerError, MissingInput, nearest
from layers.place import Place, lonlat
from layers.provenance import digest, now
from layers.registry import LAYERS
from layers.spec import faults

Layer: TypeAlias = gpd.GeoDataFrame | xr.DataArray | xr.Dataset
CONTROLS = ("vehicle_km", "fuel_mj")  # [km a-1], fuel of road vehicles [MJ a-1]


@dataclass(frozen=True, eq=False)
class City(Mapping[str, Layer]):
    """A frozen mapping from layer name to layer.

    Parameters
    ----------
    layers
        Layer name to GeoDataFrame, to a DataArray for ``terrain`` (elevation [m], rows from south)
        or to a Dataset over ``time`` for ``weather``. All in ``crs``.
    area
        The study area, a polygon in ``crs``. Every result is an integral over it.
    crs
        One projected CRS in metres.
    name
        What people call the place, in any script.
    place
        Country and region, for factors and defaults.
    sources
        One line a source: what, from where, licence. They travel with every result.
    history
        One line an act, oldest first.
    fallbacks
        What had to be guessed or mended on the way in, with counts.
    controls
        Known totals of the study area that estimates are scaled to: ``vehicle_km`` [km a-1] or
        ``fuel_mj``, fuel sold to vehicles [MJ a-1]; their source stands in ``sources``.
    """

    layers: Mapping[str, Layer]
    area: Polygon | MultiPolygon
    crs: CRS
    name: str = ""
    place: Place = field(default_factory=Place)
    sources: tuple[str, ...] = ()
    history: tuple[str, ...] = ()
    fallbacks: tuple[tuple[str, int], ...] = ()
    controls: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "layers", MappingProxyType(dict(self.layers)))
        object.__setattr__(self, "controls", MappingProxyType(dict(self.controls)))
        for name, total in self.controls.items():
            if name not in CONTROLS or not 0 < total < 1e15:
                raise LayerError(f"control {name}={total} is not one of "
                                 f"{', '.join(CONTROLS)} with a positive total")
        object.__setattr__(self, "crs", CRS.from_user_input(self.crs))

    def __getitem__(self, name: str) -> Layer:
        if name not in self.layers:
            raise MissingInput(
                f"{self.name or 'the city'} has no layer {name!r} (it has "
                f"{', '.join(self.layers) or 'none'})",
                mend=f"Read one with --{name.replace('_', '-')} FILE, or "
                f"city.with_layers('added {name}', {name}=...)",
            )
        return self.layers[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.layers)

    def __len__(self) -> int:
        return len(self.layers)

    def __contains__(self, name: object) -> bool:
        return name in self.layers

    @property
    def frames(self) -> dict[str, gpd.GeoDataFrame]:
        """The vector layers."""
        return {k: v for k, v in self.layers.items() if isinstance(v, gpd.GeoDataFrame)}

    def frame(self, name: str) -> gpd.GeoDataFrame:
        """Return a vector layer, empty where the city has none of that name."""
        found = self.frames.get(name)
        return LAYERS[name].empty(self.crs) if found is None else found

    def with_layers(self, note: str, **changed: Layer) -> City:
        """Return a city with some layers replaced or added and a line of history.

        Raises
        ------
        LayerError
            When a vector layer is in another CRS or misses its specification.
        """
        for name, layer in changed.items():
            if not isinstance(layer, gpd.GeoDataFrame):
                continue
            if name not in LAYERS:
                raise LayerError(f"there is no layer {name!r}{nearest(name, list(LAYERS))} (layers "
                                 f"are {', '.join(LAYERS)})")
            if layer.crs != self.crs:
                raise LayerError(f"layer {name!r} is in {layer.crs}, the city in {self.crs}",
                                 mend=f"Reproject it: {name}.to_crs(city.crs)")
            found = faults(layer, LAYERS[name])
            if found:
                raise LayerError("; ".join(str(f) for f in found[:5]))
        return replace(self, layers={**self.layers, **changed},
                       history=(*self.history, f"{now()}: {note}"))

    def clip(self, bounds: tuple[float, float, float, float]) -> City:
        """Return the part of the city inside (west, south, east, north) [m, ``crs``].

        Features that cross the edge are kept whole; the study area is cut.
        """
        box = shapely.box(*bounds)
        area = shapely.intersection(self.area, box)
        if not isinstance(area, Polygon | MultiPolygon) or area.area <= 0:
            raise LayerError(f"the box {bounds} does not meet the study area "
                             f"{tuple(round(b) for b in self.area.bounds)}")
        kept: dict[str, Layer] = {}
        for name, layer in self.layers.items():
            if isinstance(layer, gpd.GeoDataFrame):
                kept[name] = layer[layer.intersects(box)]
            elif isinstance(layer, xr.DataArray):
                west, south, east, north = bounds
                kept[name] = layer.sel(x=slice(west, east), y=slice(south, north))
            else:
                kept[name] = layer
        roofs, houses = self.frame("roofs"), kept.get("buildings")
        if len(roofs) and isinstance(houses, gpd.GeoDataFrame):  # those of houses kept whole
            kept["roofs"] = roofs[roofs["building"].isin(houses["id"])]
        return replace(self, layers=kept, area=area,
                       controls={}, history=(*self.history, f"{now()}: clipped to {bounds}"))

    def digest(self) -> str:
        """Return a hash of all layers and the area; equal cities have equal digests."""
        parts = [digest(self.layers[name]) for name in sorted(self.layers)]
        return digest([shapely.to_wkb(self.area), self.crs.to_wkt(), *sorted(self.layers), *parts])

    @property
    def lonlat(self) -> tuple[float, float]:
        """Longitude and latitude of the middle of the study area [degrees]."""
        return lonlat(self.area, self.crs)

    def __repr__(self) -> str:
        code = self.crs.to_epsg()
        head = (f"City {self.name!r}, {self.area.area / 1e6:.2f} km2, "
                f"{f'EPSG:{code}' if code else self.crs.name}, {self.place}")
        return "\n".join([head, *(f"  {k}: {describe(v)}" for k, v in self.layers.items())])

    def _repr_html_(self) -> str:
        from html import escape

        rows = "".join(f"<tr><th>{escape(k)}</th><td>{escape(describe(v))}</td></tr>"
                       for k, v in self.layers.items())
        head = escape(repr(self).splitlines()[0])
        notes = "<br>".join(escape(s) for s in self.sources)
        return f"<p><b>{head}</b></p><table>{rows}</table><p><small>{notes}</small></p>"


def describe(layer: Layer) -> str:
    """Return one line on a layer: how many of what."""
    if isinstance(layer, gpd.GeoDataFrame):
        return f"{len(layer):,} features"
    if isinstance(layer, xr.DataArray):
        ny, nx = layer.shape
        return f"{nx} x {ny} cells, {float(layer.min()):.1f} to {float(layer.max()):.1f} m"
    label = layer.attrs.get("title", "")
    return f"{layer.sizes['time']} hours{', ' + label if label else ''}"


def as_area(geometry: BaseGeometry) -> Polygon | MultiPolygon:
    """Return a study area from any geometry, or say why it cannot be one.

    Raises
    ------
    LayerError
        When the geometry holds no surface.
    """
    valid = shapely.make_valid(geometry)
    if isinstance(valid, GeometryCollection):
        valid = shapely.union_all([g for g in valid.geoms if g.area > 0])
    if not isinstance(valid, Polygon | MultiPolygon) or valid.area <= 0:
        raise LayerError(f"the study area is a {geometry.geom_type} of {geometry.area:g} m2, "
                         "expected a polygon with some surface",
                         mend="Give a polygon layer with --area")
    return valid
