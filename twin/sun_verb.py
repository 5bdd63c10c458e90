"""The verbs of the sun: audit weather, light over a surface."""

from __future__ import annotations

import shlex
import time
from argparse import Namespace
from pathlib import Path
from typing import Any

import pandas as pd

from layers.errors import CityTwinError
from twin.arguments import usage
from twin.progress import Progress, progress
from twin.run_places import check_places
from twin.tables import dump, print_table, tell_summary


def weather(args: Namespace) -> None:
    """Say what weather files tell of themselves."""
    from twin.sun_run import year_of

    found = []
    for path in args.files:
        others = [o for o in args.files if o != path]
        found.append(year_of(path, scale=args.scale_to_ghi, others=others).audit)
    if args.json:
        rows = [{"file": Path(p).name, **a.summary()}
                for p, a in zip(args.files, found, strict=True)]
        dump(found[0].summary() if len(found) == 1 else rows)
        return
    for n, (path, audit) in enumerate(zip(args.files, found, strict=True)):
        if n:
            print()
        print(Path(path).name)
        print_table(pd.DataFrame(_audit_rows(audit)))
        print("\n".join(f"  {flag}" for flag in audit.flags) or "  nothing doubtful")


def _audit_rows(audit: Any) -> list[dict[str, str]]:
    closure = "unknown" if audit.closure_rmse != audit.closure_rmse else \
        f"{audit.closure_rmse:.1f} W m-2 root mean square"
    return [{"": "sun agrees best", "value": f"{audit.offset_minutes:.0f} min after the hour, "
             f"stamps are {audit.stamp_minutes:.0f}"},
            {"": "ghi - dhi - dni cos z", "value": closure},
            {"": "ghi, dni, dhi", "value": f"{audit.ghi:,.0f}, {audit.dni:,.0f}, {audit.dhi:,.0f} "
             "kWh m-2 a-1"},
            {"": "diffuse share", "value": f"{audit.diffuse_share:.0%}, after Erbs "
             f"{audit.expected_share:.0%}"},
            {"": "between files of a place", "value": f"± {audit.sigma:.1%}, standard deviation"}]


def sun(args: Namespace) -> int | None:
    """Compute the light of a year over a surface of ground and buildings."""
    from twin.sun_run import check_directions

    check_directions(args.directions)
    if args.through is not None:
        if not args.canopy:
            return usage("--through needs --canopy")
        if not 0 <= args.through <= 1:
            raise CityTwinError(f"--through {args.through:g}: expected 0 to 1")
    check_places(args, "surface", (args.surface, args.canopy, args.buildings, args.weather),
                 beside=(".gpkg",) if args.buildings else ())
    with progress("sun", quiet=args.quiet or args.json is True) as tell:
        summary, notes, words = _computed(args, tell)
    tell_summary(args, summary, notes, words)
    return None


def _computed(args: Namespace, tell: Progress
              ) -> tuple[dict[str, Any], tuple[str, ...], list[dict[str, str]]]:
    """Read, compute and write; return the summary, what is to be known, and rows for people."""
    from twin.sun_files import read_crowns, read_surface
    from twin.sun_memory import ROOFS, TREES
    from twin.sun_output import as_file, write_light
    from twin.sun_run import THROUGH, light_over, warm, year_of
    from twin.wind_bench import peak_mb
    from twin.writers import atomic

    begun = time.perf_counter()
    tell("reading", 0, 1)
    surface, holes = read_surface(args.surface, more=TREES * bool(args.canopy)
                                  + ROOFS * bool(args.buildings))
    crowns = read_crowns(args.canopy, surface) if args.canopy else None
    roofs = None
    if args.buildings:
        from twin.sun_roofs import read_roofs

        roofs = read_roofs(args.buildings, surface, holes)
    lap = time.perf_counter()
    year = year_of(args.weather, scale=args.scale_to_ghi, site=surface)
    table = year.table(args.directions)
    seconds = {"compile": 0.0, "weather": time.perf_counter() - lap, "horizon": 0.0, "total": 0.0}
    seconds["compile"] = warm(tell)
    lap = time.perf_counter()
    found, more = light_over(
        surface, table, crowns=crowns, holes=holes, tell=tell,
        through=THROUGH if args.through is None else args.through,
        slope=None if roofs is None else roofs.slope,
        aspect=None if roofs is None else roofs.aspect)
    seconds["horizon"] = time.perf_counter() - lap
    notes = (*year.audit.flags, *year.notes, *surface.notes,
             *(crowns.notes if crowns is not None else ()),
             *(roofs.notes if roofs is not None else ()), *more)
    tell("writing", 0, 1)
    data = as_file(found, surface, year, directions=args.directions, notes=notes,
                   command=shlex.join(["citytwin", *args.words]),
                   seconds=time.perf_counter() - begun)
    light = data["irradiation"]
    words = [{"": f"irradiation, {what}", "value": f"{float(number):,.0f} kWh m-2 a-1"}
             for what, number in (("least", light.min()), ("mean", light.mean()),
                                  ("most", light.max()))]
    if roofs is None:
        with atomic(Path(args.output)) as partial:
            write_light(data, partial)
    else:
        from twin.sun_roofs import roof_yields, write_roofs

        table_of = roof_yields(roofs, data, year)
        target = Path(args.output).with_suffix(".gpkg")
        with atomic(target) as beside, atomic(Path(args.output)) as partial:
            write_light(data, partial)
            write_roofs(table_of, beside)
        words.append({"": "roofs", "value": f"{table_of['kwp'].sum():,.0f} kWp, "
                      f"{table_of['kwh'].sum():,.0f} kWh a-1 on {len(table_of):,} buildings, "
                      f"{target.name}"})
    seconds["total"] = time.perf_counter() - begun
    rows, columns = surface.values.shape
    summary = {"cells": rows * columns, "directions": args.directions,
               "seconds": {k: round(v, 4) for k, v in seconds.items()},
               "peak_mb": round(peak_mb(), 1)}
    words = [{"": "cells", "value": f"{rows:,} x {columns:,}"},
             {"": "weather", "value": f"{year.audit.ghi:,.0f} kWh m-2 a-1 on open level ground"},
             *words,
             {"": "seconds", "value": ", ".join(f"{k} {v:.2f}" for k, v in seconds.items())},
             {"": "memory at most", "value": f"{summary['peak_mb']:,.0f} MB"}]
    return summary, notes, words
