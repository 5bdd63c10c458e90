"""From OpenStreetMap's tags to layers: raw features become a city, whoever read them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from pyproj import CRS
from shapely.geometry import MultiPolygon, Polygon

from layers import buildings
from layers.city import City, as_area
from layers.errors import LayerError, SourceError, nearest
from layers.place import Place, locate
from layers.provenance import now
from layers.registry import LAYERS, TIDY
from layers.roof_tags import roof_doubts
from layers.shapes import mend
from layers.uses import LANDUSE_USE

Area: TypeAlias = Polygon | MultiPolygon

REACH = 2000.0  # how far lakes, woods and the like go on beyond the study area [m]

# Grounds that tell the use of the buildings on them.
GROUNDS = {"landuse": list(LANDUSE_USE),
           "amenity": ["school", "university", "college", "hospital"]}

# What each layer's `tidy` reads. All other tags stay behind: they are many, and some bear the
# name of a column of ours without its meaning.
_TAGS = {
    "buildings": "building building:part name height building:height building:levels min_height "
                 "building:use building:flats building:structure start_date roof:shape "
                 "roof:height roof:angle roof:direction roof:orientation roof:levels amenity shop "
                 "office tourism healthcare leisure aeroway location layer",
    "roads": "highway name lanes width est_width maxspeed oneway junction aadt",
    "green": "natural landuse leisure surface name",
    "trees": "natural name species genus height diameter_crown",
    "tree_rows": "natural name species genus height diameter_crown",
    "water": "natural water waterway landuse name width tunnel",
    "squares": "place highway name",
    "landuse": "landuse amenity building",
}
# Where a column has several names in OpenStreetMap, in order of trust.
_SAME = {"height": ("height", "building:height"), "width": ("width", "est_width"),
         "name": ("name", "species", "genus")}
# Tags by which a closed way is a surface and not a ring.
_SURFACE = ("area type area:highway barrier boundary craft golf historic indoor man_made military "
            "power public_transport railway ruins")
KEPT = frozenset(" ".join([*_TAGS.values(), _SURFACE]).split())
# Polygons, lines or points: what each layer is drawn as, and who makes it from raw features.
_DRAWN = {"buildings": (2,), "roads": (1,), "green": (2,), "trees": (0,), "tree_rows": (1,),
          "water": (2, 1), "squares": (2,), "landuse": (2,)}
# What `tidy` had to assume: layer, column, value, words for the count.
_GUESSED = (
    ("buildings", "height_from", "neighbours", "building heights taken from neighbours"),
    ("buildings", "height_from", "default", "building heights assumed from the use"),
    ("buildings", "use_from", "default", "building uses assumed residential"),
    ("roads", "width_from", "default", "road widths assumed from the class"),
    ("trees", "size_from", "default", "tree sizes assumed"),
    ("tree_rows", "size_from", "default", "tree row sizes assumed"),
)


def city_from_features(features: gpd.GeoDataFrame, area: Area, *, name: str = "",
                       layers: Iterable[str] | None = None, country: str = "", region: str = "",
                       sources: Sequence[str] = (), history: Sequence[str] = (),
                       fallbacks: Sequence[tuple[str, int]] = ()) -> City:
    """Return a city from raw OpenStreetMap features, whoever read them.

    Parameters
    ----------
    features
        One row a feature, one column a tag, values as text; ``element`` and ``id`` as index or
        columns. Geometries of all kinds may be mixed and broken.
    area
        The study area, in the CRS of ``features``. Features that do not meet it are left out.
    name, country, region
        As in `layers.osm.fetch`.
    layers
        Names of the layers to make; all when None.
    sources, history, fallbacks
        What to write into the city; counts of what was guessed here are added.
    """
    wanted = wanted_layers(layers)
    if features.crs is None:
        raise LayerError("the OpenStreetMap features have no CRS", mend="Set one: EPSG:4326")
    crs = local_crs(area, features.crs)
    # A parallel is no straight line in UTM: corners 2 km apart keep within 0.1 m of it.
    outline = shapely.segmentize(area, 0.02) if features.crs.is_geographic else area
    ground = as_area(gpd.GeoSeries([outline], crs=features.crs).to_crs(crs).iloc[0])
    found = _Raw.of(features, area, ground, crs)
    if country:
        place = Place(country.upper(), region, "user")
    else:
        lonlat = gpd.GeoSeries([ground.representative_point()], crs=crs).to_crs(4326)
        place = locate(float(lonlat.x.iloc[0]), float(lonlat.y.iloc[0]))
        place = replace(place, region=region) if region else place
    made = {layer: _layer(layer, found, place) for layer in wanted}
    if all(layer.empty for layer in made.values()):
        raise SourceError(f"{name or 'the study area'}: OpenStreetMap has no {', '.join(wanted)} "
                          "there", mend="Check that the area and the data are of one place")
    guesses = [(words, int(made[layer][column].eq(value).sum()))
               for layer, column, value, words in _GUESSED if layer in made]
    return City(made, ground, crs, name=name, place=place, sources=tuple(sources),
                history=(*history, f"{now()}: layers {', '.join(wanted)} made from tags"),
                fallbacks=tuple((what, n) for what, n in
                                (*fallbacks, *found.notes.items(), *guesses) if n))


def wanted_layers(layers: Iterable[str] | None) -> list[str]:
    """Return the names of the layers to make, checked; all that OpenStreetMap has when None."""
    known = [name for name, spec in LAYERS.items() if spec.osm and name in _DRAWN]
    wanted = known if layers is None else list(dict.fromkeys(layers))
    for name in wanted:
        if name not in known:
            raise LayerError(f"OpenStreetMap has no layer {name!r}{nearest(name, known)}",
                             mend=f"Choose from {', '.join(known)}")
    if not wanted:
        raise LayerError("no layer was asked for", mend=f"Choose from {', '.join(known)}")
    return wanted


def local_crs(area: Area, crs: CRS) -> CRS:
    """Return the UTM zone of an area that is given in ``crs``."""
    try:
        return CRS(gpd.GeoSeries([area], crs=crs).estimate_utm_crs())
    except RuntimeError as error:
        raise SourceError("the area has no UTM zone: it lies too far north or south",
                          mend="Choose one from 80 degrees south to 84 degrees north") from error


@dataclass(frozen=True)
class _Raw:
    """Raw features near a study area, in its CRS, and counts of what was done to them."""

    features: gpd.GeoDataFrame
    ground: Area
    notes: dict[str, int]

    @classmethod
    def of(cls, features: gpd.GeoDataFrame, area: Area, ground: Area, crs: CRS) -> _Raw:
        near = np.sort(features.sindex.query(shapely.box(*area.bounds)))
        blank = features.geometry.isna() | features.geometry.is_empty
        named = set(features.index.names) - {None}
        flat = features.iloc[near].reset_index(drop=not named or named <= set(features.columns))
        kept = flat[[c for c in flat.columns if c in KEPT or c == flat.geometry.name]].to_crs(crs)
        number = (flat["id"] if "id" in flat.columns else flat.index.to_series()).astype(str)
        kind = flat["element"].astype(str) + "/" if "element" in flat.columns else ""
        return cls(kept.assign(id=kind + number), ground,
                   {"features without a geometry dropped": int(blank.sum())})

    def note(self, what: str, count: int) -> None:
        self.notes[what] = self.notes.get(what, 0) + count

    def has(self, osm: Mapping[str, Any]) -> pd.Series:
        """Whether each feature bears one of the tags with a value that means something."""
        hit = pd.Series(False, index=self.features.index)
        for key, values in osm.items():
            if key not in self.features.columns:
                continue
            column = self.features[key]
            if values is True:
                hit |= column.notna() & ~column.isin(["", "no"])
            else:
                hit |= column.isin([values] if isinstance(values, str) else values)
        return hit

    def take(self, layer: str, which: pd.Series) -> gpd.GeoDataFrame:
        """Return the features of a layer that meet the study area: mended, only tags it reads."""
        rows, tags = self.features[which], _TAGS[layer].split()
        drawn = shapely.get_dimensions(rows.geometry.values)
        parts = []
        for dimension in _DRAWN[layer]:
            part, counts = mend(rows[drawn == dimension], dimension)
            self.note("broken geometries mended", counts["mended"])
            self.note("features without a usable geometry dropped", counts["dropped"])
            parts.append(part)
        gdf = gpd.GeoDataFrame(pd.concat(parts), crs=rows.crs)
        gdf = gdf.iloc[np.sort(gdf.sindex.query(self.ground, predicate="intersects"))]
        for column, names in _SAME.items():
            known = [n for n in names if n in tags and n in gdf.columns]
            if known:
                first = gdf[known[0]]
                for name in known[1:]:
                    first = first.fillna(gdf[name])
                gdf = gdf.assign(**{column: first})
        used = [c for c in gdf.columns if c in tags and gdf[c].notna().any()]
        return gdf[["id", *used, gdf.geometry.name]].reset_index(drop=True)

    def cut(self, gdf: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
        """Return features without what lies far beyond the study area, such as a whole lake."""
        reach = np.array([-REACH, -REACH, REACH, REACH])
        frame = shapely.box(*(np.array(self.ground.bounds) + reach))
        shapes = np.asarray(gdf.geometry.values, dtype=object)
        far = ~shapely.covered_by(shapes, frame)
        if not far.any():
            return gdf
        self.note(f"lakes, rivers and greens cut {REACH:g} m beyond the area", int(far.sum()))
        shapes[far] = shapely.intersection(shapes[far], frame)
        mixed = shapely.get_type_id(shapes) == shapely.GeometryType.GEOMETRYCOLLECTION
        shapes[mixed] = shapely.buffer(shapes[mixed], 0)
        return gdf.set_geometry(gpd.GeoSeries(shapes, index=gdf.index, crs=gdf.crs))


def _layer(name: str, raw: _Raw, place: Place) -> gpd.GeoDataFrame:
    spec, which = LAYERS[name], raw.has(LAYERS[name].osm)
    if name == "buildings":
        drawn = shapely.get_dimensions(raw.features.geometry[which].array)
        raw.note("buildings drawn as a point or line dropped", int((drawn < 2).sum()))
    if name == "water":
        covered = which & raw.has({"tunnel": True})
        raw.note("covered watercourses left out", int(covered.sum()))
        raw.note("coastlines: the sea is not in the water layer",
                 int(raw.has({"natural": "coastline"}).sum()))
        which &= ~covered
    rows = raw.take(name, which)
    if rows.empty:
        return spec.empty(raw.features.crs)
    if name == "buildings":
        tidied = buildings.tidy(rows.rename(columns={"building:use": "use"}),
                                landuse=_landuse(raw), country=place.country)
        raw.note(f"buildings: {buildings.DRAWN_TWICE}", round(rows.area.sum() - tidied.area.sum()))
        for what, count in roof_doubts(rows, tidied).items():
            raw.note(what, count)
        return tidied
    return TIDY[name](raw.cut(rows) if name in ("green", "water") else rows)


def _landuse(raw: _Raw) -> gpd.GeoDataFrame:
    """Polygons of ground with the use that buildings on them have."""
    built = raw.has({"building": True, "building:part": True})
    rows = raw.take("landuse", raw.has(GROUNDS) & ~built)
    use = pd.Series(None, index=rows.index, dtype="object")
    for key in ("amenity", "landuse"):
        if key in rows.columns:
            use = use.where(use.notna(), rows[key].map(LANDUSE_USE).astype("object"))
    return rows.assign(use=use)[use.notna()]
