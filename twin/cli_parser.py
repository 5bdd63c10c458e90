"""What each verb of the command line takes. What it does is in `twin.verbs`."""

from __future__ import annotations

import argparse
from collections.abc import Callable

from twin.cli_flags import (
    cell_flag,
    choice_flags,
    layer_flags,
    number,
    output_flag,
    place_flags,
    scale_flag,
    sun_flags,
    wind_flags,
)

Verb = Callable[[str, str, str], argparse.ArgumentParser]


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of all verbs."""
    parser = argparse.ArgumentParser(
        prog="citytwin", description="An open urban digital twin: load a city, compute it per "
        "cell, change it, compare.",
        epilog="Begin with: citytwin demo -o out/    Every verb has --help with an example.")
    from layers.version import VERSION

    parser.add_argument("--version", action="version", version=f"citytwin {VERSION}")
    parser.set_defaults(debug=False, quiet=False, verb=None)
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", title="verbs")

    def verb(name: str, about: str, example: str) -> argparse.ArgumentParser:
        sub = verbs.add_parser(name, help=about, description=about + ".",
                               epilog=f"Example: {example}")
        sub.add_argument("--debug", action="store_true", help="show the traceback of an error")
        sub.add_argument("-q", "--quiet", action="store_true", help="no progress")
        if name in ("wind", "sun"):
            sub.add_argument("--json", nargs="?", const=True, default=False, metavar="FILE",
                             help="numbers of the run as JSON, to a file or on stdout")
        else:
            sub.add_argument("--json", action="store_true", help="JSON on stdout, for machines")
        return sub

    for group in (_loading, _computing, _accounting, _showing, _telling):
        group(verb)
    return parser


def _loading(verb: Verb) -> None:
    """Add the verbs that make a city."""
    sub = verb("demo", "Load the embedded district, run it and two scenarios, write everything",
               "citytwin demo -o out/")
    output_flag(sub, "folder for all results")
    cell_flag(sub)
    sub.add_argument("--no-3d", action="store_true", help="leave out the 3D picture")

    sub = verb("sample", "Write an embedded city as a user's file would be",
               "citytwin sample nantes -o nantes.gpkg")
    sub.add_argument("sample_name", nargs="?", default="district", metavar="NAME",
                     help="district (default) or nantes")
    output_flag(sub, "GeoPackage to write")

    sub = verb("fetch", "Load a place from OpenStreetMap",
               'citytwin fetch "Delft, Netherlands" -o delft.gpkg')
    sub.add_argument("where", nargs="?", default="", metavar="PLACE", help="name of a place")
    sub.add_argument("--bbox", nargs=4, type=number, metavar=("W", "S", "E", "N"),
                     help="box in degrees instead of a name")
    sub.add_argument("--polygon", metavar="FILE", help="polygon file instead of a name")
    sub.add_argument("--weather", metavar="FILE", help="EPW or TMY file to add, or the word "
                     "pvgis for the typical year PVGIS gives for the place")
    sub.add_argument("--offline", action="store_true", help="answer from the cache alone")
    sub.add_argument("--cache", metavar="FOLDER", help="where answers are kept")
    place_flags(sub)
    output_flag(sub, "GeoPackage to write")

    sub = verb("import", "Make a city from your own files, any column names",
               "citytwin import city.gpkg --buildings b.shp --map height=Height,levels=Floor "
               "--roads r.shp --weather wuhan.epw")
    sub.add_argument("out", metavar="OUT", help="GeoPackage to write")
    layer_flags(sub)
    sub.add_argument("--area", metavar="FILE", help="polygon of the study area")
    sub.add_argument("--terrain", metavar="FILE", help="raster of elevation [m]")
    sub.add_argument("--canopy", metavar="FILE", help="raster of vegetation height [m]")
    sub.add_argument("--weather", metavar="FILE", help="EPW or TMY file, or the word pvgis for the "
                     "typical year PVGIS gives for the place")
    sub.add_argument("--osm", metavar="FILE", help="an .osm.pbf extract or one file with layers")
    sub.add_argument("--crs", metavar="EPSG:N", help="CRS of files that do not say their own")
    sub.add_argument("--control", action="append", default=[], metavar="NAME=TOTAL",
                     help="a known total: vehicle_km=7e7 [km a-1] or fuel_mj=2e8 [MJ a-1]")
    place_flags(sub)

    sub = verb("check", "Say what a city file holds and everything that is wrong with it",
               "citytwin check city.gpkg")
    sub.add_argument("city", metavar="CITY", help="city file, or sample:district")


def _computing(verb: Verb) -> None:
    """Add the verbs that compute."""
    sub = verb("run", "Compute the indicators of a city per cell",
               "citytwin run city.gpkg -o base.twin --cell 50")
    sub.add_argument("city", metavar="CITY", help="city file, or sample:district")
    output_flag(sub, "folder for the twin", needed=False)
    cell_flag(sub)
    choice_flags(sub)
    sub.add_argument("--want", metavar="A,B", help="variables to compute (default all)")

    sub = verb("study", "Run a city as it is and after each recipe, on one grid",
               "citytwin study city.gpkg greener.yaml airier.yaml -o study/")
    sub.add_argument("city", metavar="CITY", help="city file, or sample:district")
    sub.add_argument("recipes", nargs="+", metavar="RECIPE", help="scenario files (YAML)")
    output_flag(sub, "folder for the study")
    cell_flag(sub)
    choice_flags(sub)

    sub = verb("wind", "Compute the wind over a raster of building heights (NetCDF)",
               "citytwin wind heights.tif -o wind.nc --from 270 --speed 5 --at 10")
    wind_flags(sub)
    output_flag(sub, "NetCDF to write")

    sub = verb("weather", "Say whether weather files can be trusted: clock, sums, gaps",
               "citytwin weather wuhan.epw --scale-to-ghi 1285")
    sub.add_argument("files", nargs="+", metavar="FILE", help="EPW, TMY or PVGIS files of one "
                     "place; several tell how far they lie apart")
    scale_flag(sub)

    sub = verb("sun", "Compute the sun of a year over a raster of ground and buildings (NetCDF)",
               "citytwin sun surface.tif -o sun.nc --weather wuhan.epw --scale-to-ghi 1285")
    sun_flags(sub)
    output_flag(sub, "NetCDF to write; with --buildings also a GeoPackage of that name")


def _accounting(verb: Verb) -> None:
    """Add the verbs of the carbon account."""
    sub = verb("carbon", "Tell the carbon account of a twin: one boundary, by sector, scope, cell",
               "citytwin carbon base.twin --boundary supply --by sector --gpc gpc.csv")
    sub.add_argument("twin", metavar="TWIN", help="folder of a twin")
    sub.add_argument("--boundary", default="supply", metavar="NAME",
                     help="territorial, supply (default), consumption or lifecycle")
    sub.add_argument("--by", default="sector", metavar="GROUP",
                     help="sector (default), scope, cell or district")
    sub.add_argument("--districts", metavar="FILE", help="polygons for --by district")
    sub.add_argument("--district-name", metavar="COLUMN", help="column of their names "
                     "(default name)")
    sub.add_argument("--measured", metavar="FILE", help="CSV of measured emissions that replace "
                     "estimates: layer, id, value, unit, provider, document")
    sub.add_argument("--draws", type=int, default=0, metavar="N",
                     help="Monte Carlo draws for the total, and what it hangs on (default none)")
    sub.add_argument("--gpc", metavar="FILE", help="CSV to write: the table of the GPC")
    sub.add_argument("--grades", metavar="FILE", help="CSV to write: each building beside others "
                     "of its use, grades 1 to 5")
    sub.add_argument("--ledger", metavar="FILE", help="Parquet to write: every row of the ledger")
    sub.add_argument("--picture", metavar="FILE", help="maps of each sector per cell to draw (PNG)")
    sub.add_argument("--columns", metavar="FILE", help="columns of each cell in 3D to draw (PNG)")
    sub.add_argument("--city", metavar="CITY", help="city file of the twin, for its water, green "
                     "and edge in pictures")

    sub = verb("drivers", "Say what drove the change of CO2 from one twin to another",
               "citytwin drivers 2020.twin 2025.twin --picture why.png")
    sub.add_argument("a", metavar="A", help="folder of a twin, or of a study")
    sub.add_argument("b", metavar="B", help="folder of a twin, or a scenario of the study")
    sub.add_argument("--by", choices=("use", "class", "district"),
                     help="also by use of buildings, class of roads, or both by district")
    sub.add_argument("--districts", metavar="FILE", help="polygons for --by district")
    sub.add_argument("--district-name", metavar="COLUMN", help="column of their names "
                     "(default name)")
    sub.add_argument("--picture", metavar="FILE", help="waterfall of the drivers to draw (PNG)")

    sub = verb("abatement", "Say what the scenarios of a study save and cost, alone and together",
               "citytwin abatement study/ --picture curve.png")
    sub.add_argument("study", metavar="STUDY", help="folder of a study of 1 to 4 scenarios")
    sub.add_argument("--price", type=number, metavar="P", help="price of a kWh of any energy of "
                     "buildings, in the money of the place (default: electricity alone, as tabled)")
    sub.add_argument("--picture", metavar="FILE", help="abatement curve to draw (PNG)")


def _showing(verb: Verb) -> None:
    """Add the verbs that show and write results."""
    sub = verb("compare", "Say what the scenarios of a study change",
               "citytwin compare study/ --to base")
    sub.add_argument("study", metavar="STUDY", help="folder of a study")
    sub.add_argument("--to", default="base", metavar="NAME", help="compare with (default base)")
    sub.add_argument("--all", action="store_true", help="also what does not change")
    output_flag(sub, "CSV to write", needed=False)

    sub = verb("sheet", "Draw base, scenario and change of one variable in plan (PNG)",
               "citytwin sheet study/ --scenario greener --var crown_share -o greener.png")
    sub.add_argument("study", metavar="STUDY", help="folder of a study")
    sub.add_argument("--scenario", metavar="NAME", help="scenario (default the first)")
    sub.add_argument("--var", default="co2_net", metavar="NAME", help="variable")
    output_flag(sub, "PNG to write")

    sub = verb("still", "Draw a city or the scenarios of a study in 3D (PNG)",
               "citytwin still study/ --scenario airier -o airier.png")
    sub.add_argument("source", metavar="STUDY|TWIN|CITY", help="folder of a study or twin, or a "
                     "city file")
    sub.add_argument("--city", metavar="CITY", help="city file of a twin")
    sub.add_argument("--scenario", metavar="NAME", help="scenario beside the base (default first)")
    sub.add_argument("--var", metavar="NAME", help="variable that colours the ground, or a field "
                     "such as sun.irradiation, heat.utci_hours, wind.mean_ratio")
    output_flag(sub, "PNG to write")

    sub = verb("export", "Write a twin or study for GIS: COG, GeoPackage, NetCDF, CSV",
               "citytwin export study/ -o gis/ --as tif,gpkg")
    sub.add_argument("source", metavar="TWIN|STUDY", help="folder of a twin or study")
    output_flag(sub, "folder to write into")
    sub.add_argument("--as", dest="formats", default="tif,gpkg", metavar="FORMATS",
                     help="tif, gpkg, nc, csv (default tif,gpkg)")
    sub.add_argument("--var", dest="variables", metavar="A,B", help="variables (default all)")


def _telling(verb: Verb) -> None:
    """Add the verbs that tell of the project itself."""
    sub = verb("list", "List layers, indicators, edits, factors or samples",
               "citytwin list indicators")
    sub.add_argument("what", choices=("layers", "indicators", "edits", "factors", "samples"))
    sub.add_argument("stem", nargs="?", default="", help="factors: only those that begin so")

    sub = verb("validate", "Measure our inference against what was surveyed or measured",
               "citytwin validate wind --data cases/")
    sub.add_argument("what", choices=("heights", "wind", "sun", "carbon"))
    sub.add_argument("--seed", type=int, default=0, help="heights: which half is hidden "
                     "(default 0)")
    sub.add_argument("--data", metavar="FOLDER", help="wind: folder of the measured cases")
    sub.add_argument("--only", metavar="NAME", help="wind: only cases with this in their name")
    sub.add_argument("--pictures", metavar="FOLDER", help="wind: folder for the pictures of that "
                     "section (default beside the file)")
    sub.add_argument("--weather", metavar="FILE", help="sun: EPW, TMY or PVGIS file (default the "
                     "typical year of Greensboro that pvlib brings)")
    output_flag(sub, "wind, sun, carbon: Markdown file to write a section of", needed=False)

    sub = verb("bench", "Measure how fast this machine computes", "citytwin bench wind")
    sub.add_argument("what", choices=("wind", "sun", "carbon"))
    sub.add_argument("--size", type=int, metavar="N", help="cells along the side of the city "
                     "(default wind about 2 and 20 million cells, sun 500 and 1000)")

    verb("doctor", "Say what works on this machine", "citytwin doctor")
