"""The command line: what each verb takes. What it does is in `twin.verbs`."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from typing import Any

LAYER_FLAGS = ("buildings", "roads", "green", "trees", "tree_rows", "water", "squares",
               "corridors")
WIDEST_CELL = 100_000.0  # [m]


def main(argv: Sequence[str] | None = None) -> int:
    """Run one verb and return its exit code: 0 fine, 1 our error, 2 wrong usage."""
    words = list(sys.argv[1:] if argv is None else argv)
    for stream in (sys.stdout, sys.stderr):  # names of any script, on terminals of any encoding
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    parser = build_parser()
    args = parser.parse_args(words)
    args.words = words
    if args.verb is None:
        parser.print_help()
        return 2
    from layers.errors import CityTwinError

    if not args.debug:
        import warnings

        warnings.simplefilter("ignore")
    try:
        from twin import verbs

        return int(getattr(verbs, args.verb.replace("import", "import_").replace("list", "list_"))
                   (args) or 0)
    except CityTwinError as error:
        if args.debug:
            raise
        print(f"citytwin: {_line(error)}", file=sys.stderr)  # noqa: T201
        return 1
    except KeyboardInterrupt:
        print("citytwin: interrupted; nothing half-written was left", file=sys.stderr)  # noqa: T201
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except (OSError, MemoryError) as error:
        if args.debug:
            raise
        reason = "not enough memory" if isinstance(error, MemoryError) else _os_reason(error)
        print(f"citytwin: {reason}", file=sys.stderr)  # noqa: T201
        return 1
    except Exception as error:
        if args.debug:
            raise
        text = " ".join(str(error).split())[:200]
        print(f"citytwin: unexpected {type(error).__name__}: {text} "  # noqa: T201
              "(a fault of ours; run again with --debug and report it)", file=sys.stderr)
        return 1


def _os_reason(error: OSError) -> str:
    name = f"{error.filename}: " if error.filename else ""
    return _line(f"{name}{error.strerror or error}")


def _line(text: object) -> str:
    """One line without control characters: file names and values in it come from outside."""
    return "".join(c if c.isprintable() else " " for c in str(text))


class _OfLayer(argparse.Action):
    """``--roads FILE --map a=b``: a map belongs to the layer named last before it."""

    def __call__(self, parser: argparse.ArgumentParser, namespace: argparse.Namespace,
                 values: Any, option_string: str | None = None) -> None:
        flag = (option_string or "").lstrip("-").replace("-", "_")
        if flag == "map":
            layer = getattr(namespace, "last_layer", None)
            if layer is None:
                parser.error("--map must follow the layer it belongs to, such as --buildings FILE "
                             "--map height=Height")
            for pair in str(values).split(","):
                ours, equal, theirs = pair.partition("=")
                if not (equal and ours.strip() and theirs.strip()):
                    parser.error(f"--map {values}: expected our_name=their_name, got {pair!r}")
                namespace.columns.setdefault(layer, {})[ours.strip()] = theirs.strip()
        else:
            namespace.files[flag] = values
            namespace.last_layer = flag


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

    def output(sub: argparse.ArgumentParser, what: str, *, needed: bool = True) -> None:
        sub.add_argument("-o", "--output", required=needed, metavar="PATH", help=what)

    def cell(sub: argparse.ArgumentParser) -> None:
        sub.add_argument("--cell", type=_cell_size, default=50.0, metavar="M",
                         help="side of a cell [m] (default 50)")
        sub.add_argument("--set", action="append", default=[], metavar="INDICATOR.SETTING=VALUE",
                         dest="settings", help="a setting of an indicator")
        sub.add_argument("--factors", metavar="FILE",
                         help="CSV whose rows replace ours by factor_id")

    def place(sub: argparse.ArgumentParser) -> None:
        sub.add_argument("--name", default="", help="what people call the place, any script")
        sub.add_argument("--country", type=_country, default="", metavar="XX",
                         help="ISO code, such as CN")
        sub.add_argument("--region", default="", help="province or region, such as Hubei")

    sub = verb("demo", "Load the embedded district, run it and two scenarios, write everything",
               "citytwin demo -o out/")
    output(sub, "folder for all results")
    sub.add_argument("--cell", type=_cell_size, default=50.0, metavar="M",
                     help="side of a cell [m] (default 50)")
    sub.add_argument("--no-3d", action="store_true", help="leave out the 3D picture")

    sub = verb("sample", "Write an embedded city as a user's file would be",
               "citytwin sample nantes -o nantes.gpkg")
    sub.add_argument("sample_name", nargs="?", default="district", metavar="NAME",
                     help="district (default) or nantes")
    output(sub, "GeoPackage to write")

    sub = verb("fetch", "Load a place from OpenStreetMap",
               'citytwin fetch "Delft, Netherlands" -o delft.gpkg')
    sub.add_argument("where", nargs="?", default="", metavar="PLACE", help="name of a place")
    sub.add_argument("--bbox", nargs=4, type=_number, metavar=("W", "S", "E", "N"),
                     help="box in degrees instead of a name")
    sub.add_argument("--polygon", metavar="FILE", help="polygon file instead of a name")
    sub.add_argument("--weather", metavar="FILE", help="EPW or TMY file to add")
    sub.add_argument("--offline", action="store_true", help="answer from the cache alone")
    sub.add_argument("--cache", metavar="FOLDER", help="where answers are kept")
    place(sub)
    output(sub, "GeoPackage to write")

    sub = verb("import", "Make a city from your own files, any column names",
               "citytwin import city.gpkg --buildings b.shp --map height=Height,levels=Floor "
               "--roads r.shp --weather wuhan.epw")
    sub.add_argument("out", metavar="OUT", help="GeoPackage to write")
    sub.set_defaults(files={}, columns={}, last_layer=None)
    for layer in LAYER_FLAGS:
        sub.add_argument(f"--{layer.replace('_', '-')}", action=_OfLayer, metavar="FILE",
                         help=f"{layer.replace('_', ' ')} (FILE or FILE:LAYER)")
    sub.add_argument("--map", action=_OfLayer, metavar="OURS=THEIRS,...",
                     help="column names of the layer named before")
    sub.add_argument("--area", metavar="FILE", help="polygon of the study area")
    sub.add_argument("--terrain", metavar="FILE", help="raster of elevation [m]")
    sub.add_argument("--canopy", metavar="FILE", help="raster of vegetation height [m]")
    sub.add_argument("--weather", metavar="FILE", help="EPW or TMY file")
    sub.add_argument("--osm", metavar="FILE", help="an .osm.pbf extract or one file with layers")
    sub.add_argument("--crs", metavar="EPSG:N", help="CRS of files that do not say their own")
    sub.add_argument("--control", action="append", default=[], metavar="NAME=TOTAL",
                     help="a known total, such as vehicle_km=7e7 [km a-1]")
    place(sub)

    sub = verb("check", "Say what a city file holds and everything that is wrong with it",
               "citytwin check city.gpkg")
    sub.add_argument("city", metavar="CITY", help="city file, or sample:district")

    sub = verb("run", "Compute the indicators of a city per cell",
               "citytwin run city.gpkg -o base.twin --cell 50")
    sub.add_argument("city", metavar="CITY", help="city file, or sample:district")
    output(sub, "folder for the twin", needed=False)
    cell(sub)
    sub.add_argument("--want", metavar="A,B", help="variables to compute (default all)")

    sub = verb("study", "Run a city as it is and after each recipe, on one grid",
               "citytwin study city.gpkg greener.yaml airier.yaml -o study/")
    sub.add_argument("city", metavar="CITY", help="city file, or sample:district")
    sub.add_argument("recipes", nargs="+", metavar="RECIPE", help="scenario files (YAML)")
    output(sub, "folder for the study")
    cell(sub)

    sub = verb("wind", "Compute the wind over a raster of building heights (NetCDF)",
               "citytwin wind heights.tif -o wind.nc --from 270 --speed 5 --at 10")
    _wind(sub)
    output(sub, "NetCDF to write")

    sub = verb("weather", "Say whether weather files can be trusted: clock, sums, gaps",
               "citytwin weather wuhan.epw --scale-to-ghi 1285")
    sub.add_argument("files", nargs="+", metavar="FILE", help="EPW, TMY or PVGIS files of one "
                     "place; several tell how far they lie apart")
    _scale(sub)

    sub = verb("sun", "Compute the sun of a year over a raster of ground and buildings (NetCDF)",
               "citytwin sun surface.tif -o sun.nc --weather wuhan.epw --scale-to-ghi 1285")
    _sun(sub)
    output(sub, "NetCDF to write; with --buildings also a GeoPackage of that name")

    sub = verb("compare", "Say what the scenarios of a study change",
               "citytwin compare study/ --to base")
    sub.add_argument("study", metavar="STUDY", help="folder of a study")
    sub.add_argument("--to", default="base", metavar="NAME", help="compare with (default base)")
    sub.add_argument("--all", action="store_true", help="also what does not change")
    output(sub, "CSV to write", needed=False)

    sub = verb("sheet", "Draw base, scenario and change of one variable in plan (PNG)",
               "citytwin sheet study/ --scenario greener --var crown_share -o greener.png")
    sub.add_argument("study", metavar="STUDY", help="folder of a study")
    sub.add_argument("--scenario", metavar="NAME", help="scenario (default the first)")
    sub.add_argument("--var", default="co2_net", metavar="NAME", help="variable")
    output(sub, "PNG to write")

    sub = verb("still", "Draw a city or the scenarios of a study in 3D (PNG)",
               "citytwin still study/ --scenario airier -o airier.png")
    sub.add_argument("source", metavar="STUDY|CITY", help="folder of a study, or a city file")
    sub.add_argument("--scenario", metavar="NAME", help="scenario beside the base (default first)")
    sub.add_argument("--var", metavar="NAME", help="variable that colours the ground")
    output(sub, "PNG to write")

    sub = verb("export", "Write a twin or study for GIS: COG, GeoPackage, NetCDF, CSV",
               "citytwin export study/ -o gis/ --as tif,gpkg")
    sub.add_argument("source", metavar="TWIN|STUDY", help="folder of a twin or study")
    output(sub, "folder to write into")
    sub.add_argument("--as", dest="formats", default="tif,gpkg", metavar="FORMATS",
                     help="tif, gpkg, nc, csv (default tif,gpkg)")
    sub.add_argument("--var", dest="variables", metavar="A,B", help="variables (default all)")

    sub = verb("list", "List layers, indicators, edits, factors or samples",
               "citytwin list indicators")
    sub.add_argument("what", choices=("layers", "indicators", "edits", "factors", "samples"))
    sub.add_argument("stem", nargs="?", default="", help="factors: only those that begin so")

    sub = verb("validate", "Measure our inference against what was surveyed or measured",
               "citytwin validate wind --data cases/")
    sub.add_argument("what", choices=("heights", "wind", "sun"))
    sub.add_argument("--seed", type=int, default=0, help="heights: which half is hidden "
                     "(default 0)")
    sub.add_argument("--data", metavar="FOLDER", help="wind: folder of the measured cases")
    sub.add_argument("--only", metavar="NAME", help="wind: only cases with this in their name")
    sub.add_argument("--pictures", metavar="FOLDER", help="wind: folder for the pictures of that "
                     "section (default beside the file)")
    sub.add_argument("--weather", metavar="FILE", help="sun: EPW, TMY or PVGIS file (default the "
                     "typical year of Greensboro that pvlib brings)")
    output(sub, "wind, sun: Markdown file to write a section of", needed=False)

    sub = verb("bench", "Measure how fast this machine computes", "citytwin bench wind")
    sub.add_argument("what", choices=("wind", "sun"))
    sub.add_argument("--size", type=int, metavar="N", help="cells along the side of the city "
                     "(default wind about 2 and 20 million cells, sun 500 and 1000)")

    sub = verb("doctor", "Say what works on this machine", "citytwin doctor")
    return parser


def _wind(sub: argparse.ArgumentParser) -> None:
    sub.add_argument("heights", metavar="HEIGHTS", help="raster of building heights above ground "
                     "[m], 0 or nodata in the open, in a CRS in metres")
    sub.add_argument("--from", dest="wind_from", type=_number, metavar="DEG",
                     help="direction the wind comes from, clockwise from north [degrees]")
    sub.add_argument("--speed", type=_number, metavar="U",
                     help="speed of the undisturbed wind [m s-1] (default 5, or the profile's own)")
    sub.add_argument("--at", type=_number, metavar="M", help="height of that speed, or of the mast "
                     "of the weather, above ground [m] (default 10)")
    sub.add_argument("--z0", type=_number, metavar="M", help="roughness length upwind [m] (default "
                     "that of the form of the raster's upwind 500 m, taken to go on beyond it; "
                     "0.03 where that is open)")
    sub.add_argument("--profile", metavar="FILE", help="CSV with the measured speed over height, "
                     "in place of the log law; --speed and --at scale it")
    sub.add_argument("--weather", metavar="FILE", help="EPW or TMY file: all directions and the "
                     "year, as ratios to the wind at the mast")
    sub.add_argument("--sectors", type=int, default=16, metavar="N",
                     help="directions of the year: 8, 16 (default) or 32")
    sub.add_argument("--canopy", metavar="FILE", help="raster of tree tops above ground [m]")
    sub.add_argument("--leaf", type=_number, metavar="LAD",
                     help="leaf area density of the crowns [m2 m-3] (default 0.5)")
    sub.add_argument("--terrain", metavar="FILE", help="raster of elevation [m]")
    sub.add_argument("--levels", type=_numbers, default=(1.5, 10.0), metavar="A,B",
                     help="heights above the ground to write [m] (default 1.5,10)")
    sub.add_argument("--tolerance", type=_number, default=1e-3, metavar="T",
                     help="divergence left over that at first (default 0.001)")
    sub.add_argument("--margin", type=int, metavar="N",
                     help="cells of open ground added around the raster (default 80 m, 8 "
                     "at least)")


def _sun(sub: argparse.ArgumentParser) -> None:
    sub.add_argument("surface", metavar="SURFACE", help="raster of the heights of ground and "
                     "buildings together, on any datum [m], in a CRS in metres")
    sub.add_argument("--weather", required=True, metavar="FILE", help="EPW, TMY or PVGIS file; its "
                     "clock is checked and put right")
    sub.add_argument("--canopy", metavar="FILE", help="raster of tree tops above ground [m]")
    sub.add_argument("--through", type=_number, metavar="T", help="share of the light that comes "
                     "through crowns (default 0.1; in leaf 0.03 to 0.2)")
    sub.add_argument("--buildings", metavar="FILE", help="footprints: roofs are fitted as planes "
                     "to the surface, and the yields of modules on them written beside the result")
    sub.add_argument("--directions", type=int, default=72, metavar="N",
                     help="directions looked to (default 72; 36 for a draft)")
    _scale(sub)


def _scale(sub: argparse.ArgumentParser) -> None:
    sub.add_argument("--scale-to-ghi", type=_number, metavar="N", help="scale the light to this "
                     "global irradiation of the year [kWh m-2]")


def _country(text: str) -> str:
    if text and not (len(text) == 2 and text.isascii() and text.isalpha()):
        raise argparse.ArgumentTypeError(f"{text!r} is no country, expected two letters such as CN")
    return text.upper()


def _cell_size(text: str) -> float:
    value = _number(text)
    if not 0 < value <= WIDEST_CELL:
        raise argparse.ArgumentTypeError(f"{text} m is no cell size, expected more than 0 and at "
                                         f"most {WIDEST_CELL:,.0f} m")
    return value


def _numbers(text: str) -> tuple[float, ...]:
    found = tuple(_number(part) for part in text.split(",") if part.strip())
    if not found:
        raise argparse.ArgumentTypeError(f"{text!r} holds no numbers, expected A,B")
    return found


def _number(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no number") from None
    if value != value or value in (float("inf"), float("-inf")):
        raise argparse.ArgumentTypeError(f"{text!r} is no usable number")
    return value
