"""What each verb of the command line does. Words and tables go to stdout, progress to stderr.

Those of studies and of the project itself stand here, the others beside and are named here.
"""

from __future__ import annotations

import json
from argparse import Namespace
from dataclasses import fields
from pathlib import Path
from typing import Any

import pandas as pd

import layers
import twin
from layers.errors import CityTwinError, nearest
from twin.abatement_verb import abatement as abatement
from twin.arguments import check_output, check_parent, city_of, factors_of, names, settings_of
from twin.bench_verb import bench as bench
from twin.carbon_verb import carbon as carbon
from twin.city_verbs import check as check
from twin.city_verbs import fetch as fetch
from twin.city_verbs import import_ as import_
from twin.city_verbs import run as run
from twin.city_verbs import sample as sample
from twin.demo import demo as demo
from twin.drivers_verb import drivers as drivers
from twin.factors import load as load_factors
from twin.pictures import city_still, scenario_of, study_sheet, study_still
from twin.progress import progress
from twin.sun_verb import sun as sun
from twin.sun_verb import weather as weather
from twin.tables import dump, print_change, print_fallbacks, print_study, print_table, totals
from twin.validate_verb import validate as validate
from twin.wind_verb import wind as wind


def study(args: Namespace) -> None:
    """Run a city as it is and after each recipe."""
    from scenarios import read_recipe
    from scenarios import study as make_study
    from twin.result import replaced_folder

    check_parent(Path(args.output))
    replaced_folder(Path(args.output), "study.json")
    plans = [read_recipe(r) for r in args.recipes]
    city = city_of(args.city)
    with progress("study", quiet=args.quiet or args.json) as tell:
        found = make_study(city, *plans, cell_size=args.cell, progress=tell,
                           settings=settings_of(args.settings), factors=factors_of(args.factors))
        tell("saving", 1, 1)
        found.save(args.output)
    if args.json:
        dump({"totals": {n: totals(t) for n, t in found.twins.items()},
               "fallbacks": found.twins["base"].record["fallbacks"]})
        return
    print_study(found)
    print_fallbacks(found.twins["base"].record["fallbacks"])


def compare(args: Namespace) -> None:
    """Say what the scenarios of a study change."""
    from scenarios import open_study
    from twin.writers import export_table

    if args.output:
        check_output(args.output, ".csv")
    found = open_study(args.study)
    others = [n for n in found.names if n != args.to]
    if not others:
        raise CityTwinError(f"{args.study}: the study has nothing beside {args.to!r}")
    tables = {n: found.change(n, to=args.to) for n in others}
    if args.output:
        both = pd.concat({n: t.rename(columns={n: "value"}) for n, t in tables.items()},
                         names=["scenario", "variable"])
        export_table(both.reset_index(level="scenario"), Path(args.output))
    if args.json:
        dump({n: json.loads(t.to_json(orient="index")) for n, t in tables.items()})
        return
    for name, table in tables.items():
        print_change(name, args.to, table if args.all else table[table["change"] != 0])
        _say_retrofits(found, name, args.to)


def _say_retrofits(found: Any, name: str, to: str) -> None:
    """Print what retrofits of a scenario take to make, where it has any."""
    from layers.errors import ScenarioError

    try:
        told = found.retrofits(name, to=to)
    except ScenarioError:
        return
    cost = told.cost_per_m2
    print(f"\nretrofits: {told.buildings:,} buildings, {told.floor_area:,.0f} m2; making them "
          f"emits {told.made.value:,.0f} t CO2e, saved again in {told.payback.value:.1f} a "
          f"({told.payback.low:.1f} to {told.payback.high:.1f})"
          + (f"; {cost.value:g} {told.money} per m2 ({cost.low:g} to {cost.high:g}, {cost.year})"
             if cost else ""))


def sheet(args: Namespace) -> None:
    """Draw base, scenario and change of one variable."""
    from scenarios import open_study

    check_output(args.output, ".png")
    found = open_study(args.study)
    scenario = scenario_of(found, args.scenario)
    _written([study_sheet(found, scenario, args.var, Path(args.output))], args)


def still(args: Namespace) -> None:
    """Draw a city or a study in 3D."""
    check_output(args.output, ".png")
    source, out = Path(args.source), Path(args.output)
    if (source / "study.json").is_file():
        from scenarios import open_study

        found = open_study(source)
        _written([study_still(found, scenario_of(found, args.scenario), args.var, out)], args)
        return
    twin_there = (source / "manifest.json").is_file()
    if twin_there and not args.city:
        raise CityTwinError(f"{source} is a twin, which keeps no buildings to draw",
                            mend="Add --city CITY, or give a study")
    city = city_of(args.city or args.source)
    result = twin.open(source) if twin_there else None
    _written([city_still(city, args.var, out, result=result)], args)


def export(args: Namespace) -> None:
    """Write a twin or study for GIS."""
    formats, chosen = names(args.formats, "--as") or [], names(args.variables, "--var")
    source, out = Path(args.source), Path(args.output)
    check_parent(out)
    if (source / "study.json").is_file():
        from scenarios import open_study

        written = open_study(source).export(out, formats=formats, variables=chosen)
    else:
        written = twin.export(twin.open(source), out, formats=formats, variables=chosen)
    if args.json:
        _written(written, args)
    else:
        print(f"{len(written)} files in {out}")


def _written(written: list[Path], args: Namespace) -> None:
    if args.json:
        dump({"written": [str(p) for p in written]})
    else:
        print("\n".join(map(str, written)))


def list_(args: Namespace) -> None:
    """List what there is."""
    from scenarios.edits import EDITS
    from twin.label import label_of

    rows: list[dict[str, Any]]
    if args.what == "layers":
        rows = [{"layer": s.name, "geometry": s.geometry, "column": c.name, "type": c.kind,
                 "units": c.units, "about": c.about} for s in layers.LAYERS.values()
                for c in s.columns]
    elif args.what == "indicators":
        rows = [{"variable": v.name, "units": v.units,
                 "per feature": f"{v.units.replace(' m-2', '')} per {label_of(f).on.rstrip('s')}"
                 if label_of(f).on else "", "total": v.unit_of_total if v.total else "",
                 "range": "95 %" if v.estimate else "", "settings": ", ".join(
                     f"{f.__name__}.{s}" for s in label_of(f).settings), "about": v.long_name}
                for f in twin.INDICATORS for v in label_of(f).gives]
    elif args.what == "edits":
        rows = [{"edit": n, "fields": ", ".join(f.name for f in fields(c)),
                 "about": (c.__doc__ or "").splitlines()[0]} for n, c in EDITS.items()]
    elif args.what == "samples":
        rows = [{"sample": n, "about": a} for n, a in (
            ("district", "old town of Nantes, 1.5 x 1.5 km"), ("nantes", "centre of Nantes, 5.6 "
                                                               "km2"))]
    else:
        table = load_factors().table(args.stem)
        if table.empty:
            stems = load_factors().stems
            raise CityTwinError(f"there is no factor {args.stem!r}{nearest(args.stem, stems)}")
        rows = [{str(k): v for k, v in r.items()} for r in table.reset_index().to_dict("records")]
    if args.json:
        dump(rows)
    else:
        print_table(pd.DataFrame(rows))


def doctor(args: Namespace) -> int:
    """Say what works on this machine."""
    from twin.doctor import findings

    found = findings()
    if args.json:
        dump([{"part": f.part, "ok": f.ok, "about": f.about} for f in found])
    else:
        for f in found:
            print(f"{'ok  ' if f.ok else 'miss'}  {f.part}: {f.about}")
    return 0 if all(f.ok or f.optional for f in found) else 1
