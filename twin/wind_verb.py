"""The verb of the wind over a raster of heights."""

from __future__ import annotations

import math
import shlex
import time
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from layers.errors import CityTwinError, GridError
from twin.arguments import usage
from twin.progress import Progress, progress
from twin.run_places import check_places
from twin.tables import tell_summary


def wind(args: Namespace) -> int | None:
    """Compute the wind over a raster of heights, from one direction or through a year."""
    from twin.kernel_cache import find_cache

    wrong = _misused(args)
    if wrong:
        return usage(wrong)
    _check_numbers(args)
    check_places(args, "heights", (args.heights, args.canopy, args.terrain, args.profile,
                                   args.weather))
    begun = time.perf_counter()
    find_cache()
    quiet = args.quiet or args.json is True
    with progress("wind", quiet=quiet) as tell:
        summary, notes, words = _computed(args, tell, begun)
    tell_summary(args, summary, notes, words)
    return None


def _computed(args: Namespace, tell: Progress, begun: float
              ) -> tuple[dict[str, Any], tuple[str, ...], list[dict[str, str]]]:
    """Read, solve and write; return the summary, what is to be known, and rows for people."""
    from twin.wind.profile_tables import read_profile
    from twin.wind.warm import warm
    from twin.wind_files import read_canopy, read_ground, read_heights
    from twin.wind_run import Tally, inflow_of, make_site, words_of
    from twin.writers import atomic

    tell("reading", 0, 1)
    heights = read_heights(args.heights)
    crowns = read_canopy(args.canopy, heights) if args.canopy else None
    ground = read_ground(args.terrain, heights) if args.terrain else None
    profile = read_profile(args.profile) if args.profile else None
    site = make_site(heights, crowns=crowns, ground=ground, leaf=args.leaf,
                     levels=np.asarray(sorted(set(args.levels))), margin=args.margin,
                     tolerance=args.tolerance)
    year = None
    if args.wind_from is None:
        from layers.weather import read_weather
        from twin.wind_year import hours_of

        weather = read_weather(args.weather)
        year = weather, hours_of(weather, args.sectors)
    else:
        speed = args.speed if profile is not None else args.speed or SPEED
        inflow_of(site, args.wind_from, speed=speed, at=args.at or HEIGHT, z0=args.z0,
                  profile=profile)  # a wrong number is told before the kernels are loaded
    tally = Tally()
    tell("loading the kernels", 0, 1)
    tally.seconds["compile"] = warm(tell)
    clock = _stopwatch()
    command = shlex.join(["citytwin", *args.words])
    with atomic(Path(args.output)) as partial:
        if year is None:
            notes = _one(args, site, profile, tally, partial, tell, clock, command)
        else:
            notes = _all(args, site, profile, tally, partial, tell, clock, command, *year)
    tally.seconds["write"] += clock()
    tally.seconds["total"] = time.perf_counter() - begun
    summary = tally.summary(site)
    return summary, notes, words_of(summary)


def _one(args: Namespace, site: Any, profile: Any, tally: Any, partial: Path, tell: Progress,
         clock: Callable[[], float], command: str) -> tuple[str, ...]:
    from twin.wind.levels import DIRECTION, at_levels
    from twin.wind_output import about, placed, write_netcdf
    from twin.wind_run import inflow_of

    angle = args.wind_from % 360.0
    speed = args.speed if profile is not None else args.speed or SPEED
    inflow, words = inflow_of(site, angle, speed=speed, at=args.at or HEIGHT, z0=args.z0,
                              profile=profile)
    tell("zones", 0, 1)
    clock()
    flow = site.solve(inflow, angle, tell)
    tally.add(flow)
    clock()
    tell("turbulence", 0, 1)
    data = at_levels(flow, site.levels, x=site.heights.x, y=site.heights.y)
    del flow
    tally.seconds["turbulence"] += clock()
    tell("writing", 0, 1)
    notes = (words, *site.notes, *tally.notes(site.tolerance))
    at = args.at or HEIGHT
    data = placed(data.assign_coords(wind_from=((), angle, DIRECTION)), site.heights)
    data.attrs = about(title=f"Wind over {site.heights.name} from {angle:g} degrees",
                       command=command, reports=tally.reports,
                       seconds=sum(tally.seconds.values()), notes=notes,
                       more={"inflow": words, "reference_height": at,
                             "reference_speed": float(inflow.at(at)),
                             "roughness_length": inflow.z0})
    write_netcdf(data, partial)
    return notes


def _all(args: Namespace, site: Any, profile: Any, tally: Any, partial: Path, tell: Progress,
         clock: Callable[[], float], command: str, weather: Any, hours: Any) -> tuple[str, ...]:
    from twin.wind.sectors import STATION_Z0
    from twin.wind_output import about, add_fields
    from twin.wind_run import REFERENCE, inflow_of
    from twin.wind_year import from_mast, solve_sectors, year_of

    mast = args.at or HEIGHT
    fast, aloft = (REFERENCE, mast) if profile is not None else from_mast(mast)
    rough: dict[float, float] = {}

    def inflow(angle: float) -> Any:
        made, _ = inflow_of(site, angle, speed=fast, at=aloft, z0=args.z0, profile=profile)
        rough[angle] = made.z0
        return made

    solve_sectors(site, hours.directions, partial, inflow, args.at or HEIGHT, tally, tell, clock)
    tell("the year", args.sectors, args.sectors)
    fields, short = year_of(partial, hours)
    tally.seconds["turbulence"] += clock()
    fields["roughness_length"] = ("wind_from", np.asarray([rough[a] for a in hours.directions]),
                                  {"units": "m", "standard_name": "surface_roughness_length",
                                   "long_name": "Roughness length upwind"})
    words = (f"profile {profile.name}, its wind at {mast:g} m that of the weather"
             if profile is not None else
             f"log law, at {aloft:g} m as over open ground "
             f"({STATION_Z0:g} m) with the weather's wind "
             f"at {mast:g} m; roughness length {min(rough.values()):.3g} to "
             f"{max(rough.values()):.3g} m " + ("as given" if args.z0 else
                                                "from the form of the upwind edge"))
    missing = (f"{hours.missing:.1%} of the hours have no wind and are left out",)
    notes = (words, *site.notes, *tally.notes(site.tolerance), *short,
             *(missing if hours.missing > 0 else ()))
    tell("writing", args.sectors, args.sectors)
    attrs = about(title=f"Wind over {site.heights.name} through a year", command=command,
                  reports=tally.reports, seconds=sum(tally.seconds.values()), notes=notes,
                  more={"inflow": words, "reference_height": mast,
                        "weather": str(weather.attrs.get("title", "")),
                        "weather_source": str(weather.attrs.get("source", ""))})
    add_fields(partial, fields, attrs, site.heights)
    return notes


SPEED, HEIGHT = 5.0, 10.0  # of the undisturbed wind when not given [m s-1], [m]


def _misused(args: Namespace) -> str:
    """Return what is wrong with how the flags go together, empty when nothing is."""
    if (args.wind_from is None) == (args.weather is None):
        return "give --from DEGREES for one wind, or --weather FILE for a year"
    if args.wind_from is None and args.speed is not None:
        return "--speed goes with --from; the year has the speeds of its weather"
    if args.wind_from is not None and args.sectors != 16:
        return "--sectors goes with --weather"
    if args.profile and args.z0 is not None:
        return "--z0 and --profile exclude each other"
    if args.profile and args.wind_from is not None and args.at is not None and args.speed is None:
        return "--at with --profile needs --speed to scale the profile to"
    if args.leaf is not None and not args.canopy:
        return "--leaf needs --canopy"
    return ""


def _check_numbers(args: Namespace) -> None:
    """Raise where a number means nothing, before anything is read."""
    limits: tuple[tuple[str, float | None, float, float, str], ...] = (
        ("--speed", args.speed, 0.0, 100.0, "m s-1"), ("--at", args.at, 0.0, 500.0, "m"),
        ("--z0", args.z0, 0.0, 10.0, "m"), ("--leaf", args.leaf, 0.0, 20.0, "m2 m-3"),
        ("--tolerance", args.tolerance, 0.0, 1.0, ""))
    for flag, value, low, high, unit in limits:
        if value is not None and not low < value < high:
            raise CityTwinError(f"{flag} {value:g}: expected more than {low:g} and less than "
                                f"{high:g} {unit}".rstrip())
    if args.wind_from is not None and not 0 <= args.wind_from <= 360:
        raise CityTwinError(f"--from {args.wind_from:g}: expected 0 to 360 degrees, where the wind "
                            "comes from, clockwise from north")
    if args.sectors not in (8, 16, 32):
        raise CityTwinError(f"--sectors {args.sectors}: expected 8, 16 or 32")
    if args.margin is not None and not 0 <= args.margin <= 1000:
        raise CityTwinError(f"--margin {args.margin}: expected 0 to 1000 cells")
    bad = [z for z in args.levels if not (math.isfinite(z) and z > 0)]
    if bad:
        raise GridError(f"--levels {bad[0]:g}: expected heights above the ground, more than 0 m")


def _stopwatch() -> Callable[[], float]:
    last = time.perf_counter()

    def lap() -> float:
        nonlocal last
        before, last = last, time.perf_counter()
        return last - before

    return lap
