"""Flags of the command line that several verbs share or one verb has many of; what they hold."""

from __future__ import annotations

import argparse
from typing import Any

LAYER_FLAGS = ("buildings", "roofs", "roads", "green", "trees", "tree_rows", "water", "squares",
               "corridors")
WIDEST_CELL = 100_000.0  # [m]


def output_flag(sub: argparse.ArgumentParser, what: str, *, needed: bool = True) -> None:
    """Add ``-o``, where the result goes."""
    sub.add_argument("-o", "--output", required=needed, metavar="PATH", help=what)


def cell_flag(sub: argparse.ArgumentParser) -> None:
    """Add the side of a cell."""
    sub.add_argument("--cell", type=cell_size, default=50.0, metavar="M",
                     help="side of a cell [m] (default 50)")


def choice_flags(sub: argparse.ArgumentParser) -> None:
    """Add settings of indicators and the user's factors."""
    sub.add_argument("--set", action="append", default=[], metavar="INDICATOR.SETTING=VALUE",
                     dest="settings", help="a setting of an indicator")
    sub.add_argument("--factors", metavar="FILE",
                     help="CSV whose rows replace ours by factor_id")


def place_flags(sub: argparse.ArgumentParser) -> None:
    """Add where a city is and what it is called."""
    sub.add_argument("--name", default="", help="what people call the place, any script")
    sub.add_argument("--country", type=country, default="", metavar="XX",
                     help="ISO code, such as CN")
    sub.add_argument("--region", default="", help="province or region, such as Hubei")


def layer_flags(sub: argparse.ArgumentParser) -> None:
    """Add a file for each layer, and the names of its columns behind it."""
    sub.set_defaults(files={}, columns={}, last_layer=None)
    for layer in LAYER_FLAGS:
        sub.add_argument(f"--{layer.replace('_', '-')}", action=_OfLayer, metavar="FILE",
                         help=f"{layer.replace('_', ' ')} (FILE or FILE:LAYER)")
    sub.add_argument("--map", action=_OfLayer, metavar="OURS=THEIRS,...",
                     help="column names of the layer named before")


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


def wind_flags(sub: argparse.ArgumentParser) -> None:
    """Add what ``citytwin wind`` takes."""
    sub.add_argument("heights", metavar="HEIGHTS", help="raster of building heights above ground "
                     "[m], 0 or nodata in the open, in a CRS in metres")
    sub.add_argument("--from", dest="wind_from", type=number, metavar="DEG",
                     help="direction the wind comes from, clockwise from north [degrees]")
    sub.add_argument("--speed", type=number, metavar="U",
                     help="speed of the undisturbed wind [m s-1] (default 5, or the profile's own)")
    sub.add_argument("--at", type=number, metavar="M", help="height of that speed, or of the mast "
                     "of the weather, above ground [m] (default 10)")
    sub.add_argument("--z0", type=number, metavar="M", help="roughness length upwind [m] (default "
                     "that of the form of the raster's upwind 500 m, taken to go on beyond it; "
                     "0.03 where that is open)")
    sub.add_argument("--profile", metavar="FILE", help="CSV with the measured speed over height, "
                     "in place of the log law; --speed and --at scale it")
    sub.add_argument("--weather", metavar="FILE", help="EPW or TMY file: all directions and the "
                     "year, as ratios to the wind at the mast")
    sub.add_argument("--sectors", type=int, default=16, metavar="N",
                     help="directions of the year: 8, 16 (default) or 32")
    sub.add_argument("--canopy", metavar="FILE", help="raster of tree tops above ground [m]")
    sub.add_argument("--leaf", type=number, metavar="LAD",
                     help="leaf area density of the crowns [m2 m-3] (default 0.5)")
    sub.add_argument("--terrain", metavar="FILE", help="raster of elevation [m]")
    sub.add_argument("--levels", type=numbers, default=(1.5, 10.0), metavar="A,B",
                     help="heights above the ground to write [m] (default 1.5,10)")
    sub.add_argument("--tolerance", type=number, default=1e-3, metavar="T",
                     help="divergence left over that at first (default 0.001)")
    sub.add_argument("--margin", type=int, metavar="N",
                     help="cells of open ground added around the raster (default 80 m, 8 "
                     "at least)")


def sun_flags(sub: argparse.ArgumentParser) -> None:
    """Add what ``citytwin sun`` takes."""
    sub.add_argument("surface", metavar="SURFACE", help="raster of the heights of ground and "
                     "buildings together, on any datum [m], in a CRS in metres")
    sub.add_argument("--weather", required=True, metavar="FILE", help="EPW, TMY or PVGIS file; its "
                     "clock is checked and put right")
    sub.add_argument("--canopy", metavar="FILE", help="raster of tree tops above ground [m]")
    sub.add_argument("--through", type=number, metavar="T", help="share of the light that comes "
                     "through crowns (default 0.1; in leaf 0.03 to 0.2)")
    sub.add_argument("--buildings", metavar="FILE", help="footprints: roofs are fitted as planes "
                     "to the surface, and the yields of modules on them written beside the result")
    sub.add_argument("--directions", type=int, default=72, metavar="N",
                     help="directions looked to (default 72; 36 for a draft)")
    scale_flag(sub)


def scale_flag(sub: argparse.ArgumentParser) -> None:
    """Add the sum that weather is scaled to."""
    sub.add_argument("--scale-to-ghi", type=number, metavar="N", help="scale the light to this "
                     "global irradiation of the year [kWh m-2]")


def country(text: str) -> str:
    """Return a country code in capitals."""
    if text and not (len(text) == 2 and text.isascii() and text.isalpha()):
        raise argparse.ArgumentTypeError(f"{text!r} is no country, expected two letters such as CN")
    return text.upper()


def cell_size(text: str) -> float:
    """Return the side of a cell [m]."""
    value = number(text)
    if not 0 < value <= WIDEST_CELL:
        raise argparse.ArgumentTypeError(f"{text} m is no cell size, expected more than 0 and at "
                                         f"most {WIDEST_CELL:,.0f} m")
    return value


def numbers(text: str) -> tuple[float, ...]:
    """Return the numbers of ``A,B``."""
    found = tuple(number(part) for part in text.split(",") if part.strip())
    if not found:
        raise argparse.ArgumentTypeError(f"{text!r} holds no numbers, expected A,B")
    return found


def number(text: str) -> float:
    """Return a finite number."""
    try:
        value = float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no number") from None
    if value != value or value in (float("inf"), float("-inf")):
        raise argparse.ArgumentTypeError(f"{text!r} is no usable number")
    return value
