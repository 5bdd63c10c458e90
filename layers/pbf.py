"""OpenStreetMap extracts: an ``.osm.pbf`` file becomes a city as a download would."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import pandas as pd
import shapely

from layers.city import City
from layers.errors import LayerError, MissingExtra, SourceError
from layers.provenance import now

FILTER = {
    "building": True, "building:part": True, "highway": True, "natural": True, "landuse": True,
    "leisure": True, "waterway": True, "water": True, "place": ["square"],
    "amenity": ["school", "university", "college", "hospital", "kindergarten"],
}


def read_pbf(path: str | Path, *, name: str = "", country: str = "", region: str = "") -> City:
    """Return a city from an ``.osm.pbf`` extract; the study area is the box of its buildings.

    Needs the extra ``pbf``.

    Raises
    ------
    MissingExtra
        When pyrosm is not installed.
    SourceError
        When the file is no OSM extract.
    """
    try:
        from pyrosm import OSM
    except ImportError as error:
        raise MissingExtra("reading .osm.pbf needs pyrosm",
                           mend="pip install 'citytwin[pbf]'") from error
    from layers.osm_features import KEPT, city_from_features

    file = Path(path)
    try:
        found = OSM(str(file)).get_data_by_custom_criteria(
            custom_filter=FILTER, tags_as_columns=sorted(KEPT), keep_nodes=True, keep_ways=True,
            keep_relations=True)
    except Exception as error:
        raise SourceError(f"{file} is no readable OSM extract: "
                          f"{' '.join(str(error).split())[:160]}") from error
    if found is None or len(found) == 0:
        raise LayerError(f"{file}: the extract has no buildings, roads or green")
    features = gpd.GeoDataFrame(found, crs=4326)
    index = pd.MultiIndex.from_arrays([features["osm_type"], features["id"]],
                                      names=["element", "id"])
    features = features.drop(columns=[c for c in ("id", "osm_type", "tags", "version", "timestamp",
                                                  "changeset") if c in features.columns])
    features = features.set_index(index)
    built = features[features["building"].notna()] if "building" in features.columns else None
    if built is None or built.empty:
        raise LayerError(f"{file}: the extract has no buildings")
    return city_from_features(
        features, shapely.box(*built.total_bounds), name=name or file.name.split(".")[0],
        country=country, region=region, history=(f"{now()}: read {file.name}",),
        sources=(f"OpenStreetMap contributors, ODbL 1.0, {file.name}",))
