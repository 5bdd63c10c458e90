"""The verb that holds what we compute against what was surveyed or measured."""

from __future__ import annotations

import json
import os
import shlex
from argparse import Namespace
from pathlib import Path
from typing import Any

import pandas as pd

from layers.errors import SourceError
from twin.arguments import check_output, check_parent, usage
from twin.progress import progress
from twin.tables import dump, print_table


def validate(args: Namespace) -> int | None:
    """Hide half of the surveyed heights of Nantes and infer them, or score wind, sun or carbon."""
    if args.weather and args.what != "sun":
        return usage("--weather goes with validate sun")
    if args.what == "wind":
        return _wind(args)
    if args.data or args.only or args.pictures:
        return usage("--data, --only and --pictures go with validate wind")
    if args.what in ("sun", "carbon"):
        (_sun if args.what == "sun" else _carbon)(args)
        return None
    if args.output:
        return usage("-o goes with validate wind, sun and carbon")
    _heights(args)
    return None


def _heights(args: Namespace) -> None:
    """Infer half of the surveyed heights of Nantes from the others."""
    from layers.validation import masked_heights

    table = masked_heights(args.seed)
    if args.json:
        dump(json.loads(table.to_json(orient="records")))
        return
    print("Heights of Nantes, half of them hidden and inferred (BD TOPO, "  # noqa: T201
          "to the eaves)")
    print_table(table)


def _wind(args: Namespace) -> int | None:
    """Score the wind against measured cases."""
    from twin.kernel_cache import find_cache

    if not args.data:
        return usage("validate wind needs --data FOLDER with the measured cases")
    if args.output and args.only:
        return usage("-o writes all cases; leave out --only")
    if args.output:
        check_output(args.output, ".md")
        check_parent(Path(args.pictures or ".") / "a.png")
    find_cache()
    from twin.wind.tunnels.cases import read_cases
    from twin.wind_report import as_markdown, draw_trees, misfits, write_section
    from twin.wind_validation import COLUMNS, as_json, run_case, score_case
    from twin.wind_validation import validate_wind as validated

    command = shlex.join(["citytwin", "validate", "wind", "--data", Path(args.data).name,
                          *(["-o", Path(args.output).name] if args.output else []),
                          *(["--pictures", args.pictures] if args.pictures else [])])
    with progress("validate", quiet=args.quiet or args.json) as tell:
        if args.only:
            cases = read_cases(args.data)
            chosen = [c for c in cases if args.only.casefold() in c.name.casefold()]
            if not chosen:
                raise SourceError(f"no case is called {args.only!r} (cases are "
                                  f"{', '.join(dict.fromkeys(c.name for c in cases))})")
            rows: list[dict[str, Any]] = []
            for n, case in enumerate(chosen):
                tell(f"{case.name}, wind from {case.wind_from:g}", n, len(chosen))
                rows += score_case(case, run_case(case))
            table = pd.DataFrame(rows, columns=COLUMNS)
        else:
            table = validated(args.data, tell=lambda line: tell(line, 0, 1))
        if args.output:
            target = Path(args.output)
            trees = next((c for c in read_cases(args.data) if c.canopy is not None), None)
            picture = ""
            if trees is not None:
                tell("drawing the trees", 0, 1)
                drawn = Path(args.pictures or target.parent) / "wind-behind-trees.png"
                draw_trees(trees, run_case(trees), drawn)
                picture = Path(os.path.relpath(drawn, target.parent)).as_posix()
            write_section(target, "Wind", as_markdown(table, command=command, picture=picture))
    if args.json:
        dump(as_json(table))
        return None
    shown = table.drop(columns="walled").round(2)
    print_table(shown.astype(object).where(shown.notna(), ""))
    print("\n" + "\n".join(misfits(table)))  # noqa: T201
    if args.output:
        print(f"\n{args.output}")  # noqa: T201
    return None


def _sun(args: Namespace) -> None:
    """Score the sun against exact shapes, own rays, pvlib and what others say."""
    if args.output:
        check_output(args.output, ".md")
    from twin.sun_report import as_markdown, misfits
    from twin.sun_run import warm
    from twin.sun_validation import claims, validate_rows, weather_year
    from twin.wind_report import write_section

    with progress("validate", quiet=args.quiet or args.json) as tell:
        year = weather_year(args.weather)
        warm(tell)
        rows = validate_rows(year, tell=tell)
        lines = claims(year)
        if args.output:
            command = shlex.join(["citytwin", "validate", "sun", *(
                ["--weather", Path(args.weather).name] if args.weather else []),
                "-o", Path(args.output).name])
            write_section(args.output, "Sun", as_markdown(rows, lines, year, command=command))
    if args.json:
        dump(rows)
        return
    print_table(pd.DataFrame(rows))
    print("\n" + "\n".join([*misfits(rows), *lines]))  # noqa: T201
    if args.output:
        print(f"\n{args.output}")  # noqa: T201


def _carbon(args: Namespace) -> None:
    """Hold the carbon account against check values, inventories and its own sums."""
    if args.output:
        check_output(args.output, ".md")
    from twin.carbon_report import as_markdown, misfits
    from twin.carbon_validation import validate_rows
    from twin.wind_report import write_section

    with progress("validate", quiet=args.quiet or args.json) as tell:
        rows = validate_rows(tell=tell)
        if args.output:
            command = shlex.join(["citytwin", "validate", "carbon", "-o", Path(args.output).name])
            write_section(args.output, "Carbon", as_markdown(rows, command=command))
    if args.json:
        dump(rows)
        return
    shown = pd.DataFrame(rows)
    print_table(shown.assign(**{c: [f"{v:.4g}" for v in shown[c]]
                                for c in ("expected", "got", "ratio")}))
    print("\n" + "\n".join(misfits(rows)))  # noqa: T201
    if args.output:
        print(f"\n{args.output}")  # noqa: T201
