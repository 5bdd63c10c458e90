"""The verbs of a city: made from a sample, the network or files, checked, and computed."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path
from typing import Any

import layers
import twin
from layers.city import City
from twin.arguments import (
    check_output,
    check_parent,
    city_of,
    factors_of,
    names,
    settings_of,
    usage,
)
from twin.progress import progress
from twin.tables import city_record, dump, print_fallbacks, print_sources, say_city, totals

ONLINE = "pvgis"  # a word in place of a weather file: ask for the typical year of the place


def sample(args: Namespace) -> None:
    """Write an embedded city."""
    check_output(args.output, ".gpkg")
    city = layers.sample(args.sample_name)
    layers.write(city, args.output)
    _say(city, args)
    if not args.json:
        print_sources(city)


def fetch(args: Namespace) -> None:
    """Load a place from OpenStreetMap."""
    from layers.files import with_rasters
    from layers.weather import read_weather

    chosen = [bool(args.where), bool(args.bbox), bool(args.polygon)]
    if sum(chosen) != 1:
        raise SystemExit(usage("give a PLACE, or --bbox W S E N, or --polygon FILE"))
    check_output(args.output, ".gpkg")
    if args.polygon:
        from layers.vectors import read_vector

        where: Any = read_vector(args.polygon)
    else:
        where = tuple(args.bbox) if args.bbox else args.where
    if args.weather and args.weather != ONLINE:
        read_weather(args.weather)  # a wrong file is told before the download
    with progress("fetch", quiet=args.quiet) as tell:
        city = layers.fetch(where, name=args.name, country=args.country, region=args.region,
                            offline=args.offline, cache=args.cache,
                            progress=lambda done, of, what: tell(what, done, of))
        city = with_rasters(city, weather=_weather(args, city, args.cache, offline=args.offline))
    layers.write(city, args.output)
    _say(city, args)


def _weather(args: Namespace, city: City, cache: str | None = None, *,
             offline: bool = False) -> str | Path | None:
    """Return the weather file that was given, or one that PVGIS gives for the place."""
    if args.weather != ONLINE:
        return args.weather if args.weather is None else str(args.weather)
    from layers.pvgis import fetch_typical_year

    longitude, latitude = city.lonlat
    return fetch_typical_year(latitude, longitude, cache=cache, offline=offline)


def import_(args: Namespace) -> None:
    """Make a city from the user's own files."""
    check_output(args.out, ".gpkg")
    controls = {}
    for pair in args.control:
        name, equal, value = pair.partition("=")
        try:
            controls[name] = float(value)
        except ValueError:
            raise SystemExit(usage(f"--control {pair}: expected NAME=NUMBER")) from None
        if not equal:
            raise SystemExit(usage(f"--control {pair}: expected NAME=NUMBER"))
    with progress("import", quiet=args.quiet) as tell:
        tell("reading", 0, 2)
        city = layers.read(args.osm, columns=args.columns, area=args.area, terrain=args.terrain,
                           canopy=args.canopy, crs=args.crs,
                           weather=None if args.weather == ONLINE else args.weather,
                           name=args.name or Path(args.out).stem,
                           country=args.country, region=args.region, controls=controls,
                           **args.files)
        if args.weather == ONLINE:
            from layers.files import with_rasters

            city = with_rasters(city, weather=_weather(args, city))
        tell("writing", 1, 2)
        layers.write(city, args.out)
    _say(city, args)


def check(args: Namespace) -> int:
    """Say what a city holds and what is wrong with it."""
    from layers.checking import city_faults

    city = city_of(args.city)
    found = city_faults(city)
    if args.json:
        dump({**city_record(city), "faults": [str(f) for f in found]})
    else:
        say_city(city)
        print("\n".join(f"fault: {f}" for f in found) or "no faults")  # noqa: T201
    return 1 if found else 0


def run(args: Namespace) -> None:
    """Compute the indicators of a city."""
    if args.output:
        from twin.result import replaced_folder

        check_parent(Path(args.output))
        replaced_folder(Path(args.output), "manifest.json")
    city = city_of(args.city)
    want = names(args.want, "--want")
    with progress("run", quiet=args.quiet or args.json) as tell:
        found = twin.run(city, cell_size=args.cell, want=want, settings=settings_of(args.settings),
                         factors=factors_of(args.factors), progress=tell)
    if args.output:
        found.save(args.output)
    if args.json:
        dump({"cells": int((found.cells["cell_area"] > 0).sum()), "totals": totals(found),
               "fallbacks": found.record["fallbacks"], "seconds": found.record["seconds"],
               "peak_mb": found.record["peak_mb"]})
        return
    print(repr(found))  # noqa: T201
    print_fallbacks(found.record["fallbacks"])
    print_sources(city)


def _say(city: City, args: Namespace) -> None:
    if args.json:
        dump(city_record(city))
    else:
        say_city(city)
