"""What each verb of the command line does. Words and tables go to stdout, progress to stderr."""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
from argparse import Namespace
from dataclasses import fields
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import layers
import twin
from layers.city import City
from layers.errors import CityTwinError, SourceError, nearest
from twin.factors import load as load_factors
from twin.progress import progress

DEMO_VARIABLES = ("building_coverage", "floor_area_ratio", "frontal_area_index",
                  "roughness_length", "crown_share", "green_roof_share", "residents", "pv_yield",
                  "building_co2", "traffic_co2", "carbon_sink", "co2_net")


def demo(args: Namespace) -> None:
    """Load the embedded district, run base and two scenarios, write everything."""
    from scenarios import read_recipe, study
    from twin.result import replaced_folder

    begun = time.perf_counter()
    out = Path(args.output)
    _check_parent(out / "study")
    replaced_folder(out / "study", "study.json")  # refuses a foreign folder before any work
    out.mkdir(parents=True, exist_ok=True)
    with progress("demo", quiet=args.quiet) as tell:
        tell("the embedded city", 0, 6)
        city = layers.sample()
        recipes = files("scenarios") / "data"
        (out / "recipes").mkdir(exist_ok=True)
        plans = []
        for name in ("greener.yaml", "airier.yaml"):
            (out / "recipes" / name).write_bytes((recipes / name).read_bytes())
            plans.append(read_recipe(out / "recipes" / name))
        found = study(city, *plans, cell_size=args.cell, progress=tell)
        tell("writing the city and the study", 1, 6)
        layers.write(city, out / "city.gpkg")
        found.save(out / "study")
        tell("writing maps for GIS", 2, 6)
        for name, one in found.twins.items():
            twin.export(one, out / "gis" / name, variables=DEMO_VARIABLES)
        from twin.writers import export_table

        export_table(found.totals(), out / "totals.csv")
        tell("drawing the sheets", 3, 6)
        pictures = [_sheet(found, "greener", "crown_share", out / "sheet-greener.png"),
                    _sheet(found, "airier", "co2_net", out / "sheet-airier.png")]
        if not args.no_3d:
            tell("drawing in 3D", 4, 6)
            try:
                pictures.append(_still(found, "airier", None, out / "still-airier.png"))
            except layers.errors.MissingExtra as error:
                print(f"citytwin: no 3D picture: {error}", file=sys.stderr)
        tell("done", 6, 6)
    seconds = time.perf_counter() - begun
    if args.json:
        _dump({"seconds": round(seconds, 2), "pictures": [str(p) for p in pictures],
               "totals": {n: _totals(t) for n, t in found.twins.items()},
               "fallbacks": found.twins["base"].record["fallbacks"]})
        return
    print(repr(city))
    print()
    _print_study(found)
    _print_fallbacks(found.twins["base"].record["fallbacks"])
    _print_sources(city)
    print(f"\nWritten to {out} in {seconds:.0f} s: city.gpkg, recipes/, study/, gis/, totals.csv, "
          f"{', '.join(p.name for p in pictures)}")


def sample(args: Namespace) -> None:
    """Write an embedded city."""
    _check_output(args.output, ".gpkg")
    city = layers.sample(args.sample_name)
    layers.write(city, args.output)
    print(repr(city))
    _print_sources(city)


def fetch(args: Namespace) -> None:
    """Load a place from OpenStreetMap."""
    chosen = [bool(args.where), bool(args.bbox), bool(args.polygon)]
    if sum(chosen) != 1:
        raise SystemExit(_usage("give a PLACE, or --bbox W S E N, or --polygon FILE"))
    _check_output(args.output, ".gpkg")
    if args.polygon:
        from layers.vectors import read_vector

        where: Any = read_vector(args.polygon)
    else:
        where = tuple(args.bbox) if args.bbox else args.where
    with progress("fetch", quiet=args.quiet) as tell:
        city = layers.fetch(where, name=args.name, country=args.country, region=args.region,
                            offline=args.offline, cache=args.cache,
                            progress=lambda done, of, what: tell(what, done, of))
    if args.weather:
        city = city.with_layers(f"weather from {Path(args.weather).name}",
                                weather=layers.weather.read_weather(args.weather))
    layers.write(city, args.output)
    _say_city(city)


def import_(args: Namespace) -> None:
    """Make a city from the user's own files."""
    _check_output(args.out, ".gpkg")
    controls = {}
    for pair in args.control:
        name, equal, value = pair.partition("=")
        try:
            controls[name] = float(value)
        except ValueError:
            raise SystemExit(_usage(f"--control {pair}: expected NAME=NUMBER")) from None
        if not equal:
            raise SystemExit(_usage(f"--control {pair}: expected NAME=NUMBER"))
    with progress("import", quiet=args.quiet) as tell:
        tell("reading", 0, 2)
        city = layers.read(args.osm, columns=args.columns, area=args.area, terrain=args.terrain,
                           canopy=args.canopy, weather=args.weather, crs=args.crs, name=args.name,
                           country=args.country, region=args.region, controls=controls,
                           **args.files)
        tell("writing", 1, 2)
        layers.write(city, args.out)
    _say_city(city)


def check(args: Namespace) -> int:
    """Say what a city holds and what is wrong with it."""
    from layers.buildings import height_shares
    from layers.spec import city_faults

    city = _city(args.city)
    found = city_faults(city)
    shares = height_shares(city.frame("buildings"))
    if args.json:
        _dump({"name": city.name, "area_km2": city.area.area / 1e6,
               "layers": {k: len(v) for k, v in city.frames.items()},
               "heights": shares, "faults": [str(f) for f in found]})
    else:
        _say_city(city)
        print("\n".join(f"fault: {f}" for f in found) or "no faults")
    return 1 if found else 0


def run(args: Namespace) -> None:
    """Compute the indicators of a city."""
    if args.output:
        from twin.result import replaced_folder

        _check_parent(Path(args.output))
        replaced_folder(Path(args.output), "manifest.json")
    city = _city(args.city)
    want = _names(args.want, "--want")
    with progress("run", quiet=args.quiet or args.json) as tell:
        found = twin.run(city, cell_size=args.cell, want=want, settings=_settings(args.settings),
                         factors=_factors(args.factors), progress=tell)
    if args.output:
        found.save(args.output)
    if args.json:
        _dump({"cells": int((found.cells["cell_area"] > 0).sum()), "totals": _totals(found),
               "fallbacks": found.record["fallbacks"], "seconds": found.record["seconds"],
               "peak_mb": found.record["peak_mb"]})
        return
    print(repr(found))
    _print_fallbacks(found.record["fallbacks"])
    _print_sources(city)


def study(args: Namespace) -> None:
    """Run a city as it is and after each recipe."""
    from scenarios import read_recipe
    from scenarios import study as make_study
    from twin.result import replaced_folder

    _check_parent(Path(args.output))
    replaced_folder(Path(args.output), "study.json")
    plans = [read_recipe(r) for r in args.recipes]
    city = _city(args.city)
    with progress("study", quiet=args.quiet or args.json) as tell:
        found = make_study(city, *plans, cell_size=args.cell, progress=tell,
                           settings=_settings(args.settings), factors=_factors(args.factors))
        tell("saving", 1, 1)
        found.save(args.output)
    if args.json:
        _dump({"totals": {n: _totals(t) for n, t in found.twins.items()},
               "fallbacks": found.twins["base"].record["fallbacks"]})
        return
    _print_study(found)
    _print_fallbacks(found.twins["base"].record["fallbacks"])


def compare(args: Namespace) -> None:
    """Say what the scenarios of a study change."""
    from scenarios import open_study
    from twin.writers import export_table

    if args.output:
        _check_output(args.output, ".csv")
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
        _dump({n: json.loads(t.to_json(orient="index")) for n, t in tables.items()})
        return
    for name, table in tables.items():
        _print_change(name, args.to, table if args.all else table[table["change"] != 0])


def sheet(args: Namespace) -> None:
    """Draw base, scenario and change of one variable."""
    from scenarios import open_study

    _check_output(args.output, ".png")
    found = open_study(args.study)
    print(_sheet(found, _scenario(found, args.scenario), args.var, Path(args.output)))


def still(args: Namespace) -> None:
    """Draw a city or a study in 3D."""
    from twin.scene.build import build
    from twin.still import draw_still

    _check_output(args.output, ".png")
    if (Path(args.source) / "study.json").is_file():
        from scenarios import open_study

        found = open_study(args.source)
        print(_still(found, _scenario(found, args.scenario), args.var, Path(args.output)))
        return
    city = _city(args.source)
    cells = None
    if args.var:
        if args.var not in twin.run(city, want=[args.var]).variables:
            raise CityTwinError(f"there is no variable {args.var!r}")
        cells = twin.run(city, want=[args.var]).cells
    print(draw_still({city.name or "City": build(city, cells=cells, show=args.var)},
                     Path(args.output)))


def export(args: Namespace) -> None:
    """Write a twin or study for GIS."""
    formats, chosen = _names(args.formats, "--as") or [], _names(args.variables, "--var")
    source, out = Path(args.source), Path(args.output)
    _check_parent(out)
    if (source / "study.json").is_file():
        from scenarios import open_study
        from scenarios.studies import folder_name

        found = open_study(source)
        folders = {folder_name(name).casefold(): name for name in found.names}
        if len(folders) < len(found.names):
            lost = sorted(set(found.names) - set(folders.values()))
            raise CityTwinError(f"scenario {lost[0]!r} would share a folder with another one",
                                mend="Rename it in its recipe and make the study again")
        written = [f for name, one in found.twins.items()
                   for f in twin.export(one, out / folder_name(name), formats=formats,
                                        variables=chosen)]
    else:
        written = twin.export(twin.open(source), out, formats=formats, variables=chosen)
    print(f"{len(written)} files in {out}")


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
        rows = [{"variable": v.name, "units": v.units, "total": v.unit_of_total if v.total else "",
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
        _dump(rows)
    else:
        _print_table(pd.DataFrame(rows))


def validate(args: Namespace) -> None:
    """Hide half of the surveyed heights of Nantes and infer them."""
    from layers.validation import masked_heights

    table = masked_heights(args.seed)
    if args.json:
        _dump(json.loads(table.to_json(orient="records")))
        return
    print("Heights of Nantes, half of them hidden and inferred (BD TOPO, to the eaves)")
    _print_table(table)


def doctor(args: Namespace) -> int:
    """Say what works on this machine."""
    from twin.doctor import findings

    found = findings()
    if args.json:
        _dump([{"part": f.part, "ok": f.ok, "about": f.about} for f in found])
    else:
        for f in found:
            print(f"{'ok  ' if f.ok else 'miss'}  {f.part}: {f.about}")
    return 0 if all(f.ok or f.optional for f in found) else 1


def _city(text: str) -> City:
    if text.startswith("sample:"):
        return layers.sample(text.removeprefix("sample:"))
    return layers.read(text)


def _scenario(found: Any, name: str | None) -> str:
    if len(found.names) < 2:
        raise CityTwinError("the study has no scenario beside the base")
    chosen = name or found.names[1]
    if chosen not in found.names:
        raise CityTwinError(f"there is no scenario {chosen!r}{nearest(chosen, found.names)}")
    return str(chosen)


def _sheet(found: Any, scenario: str, variable: str, path: Path) -> Path:
    from twin.sheet import draw_sheet

    if variable not in found.twins[scenario].variables:
        raise CityTwinError(f"there is no variable {variable!r}"
                            f"{nearest(variable, list(found.twins[scenario].variables))}")
    panels = {n: (found.cities[n], found.twins[n].cells) for n in ("base", scenario)}
    return draw_sheet(panels, variable, path)


def _still(found: Any, scenario: str, variable: str | None, path: Path) -> Path:
    from twin.scene.build import build_study
    from twin.still import draw_still

    panels = {n: (found.cities[n], found.twins[n].cells) for n in ("base", scenario)}
    return draw_still(build_study(panels, show=variable), path)


def _names(text: str | None, flag: str) -> list[str] | None:
    if text is None:
        return None
    names = [n.strip() for n in text.split(",") if n.strip()]
    if not names:
        raise SystemExit(_usage(f"{flag} {text!r} names nothing, expected A,B"))
    return names


def _settings(pairs: list[str]) -> dict[str, dict[str, Any]]:
    chosen: dict[str, dict[str, Any]] = {}
    for pair in pairs:
        name, equal, value = pair.partition("=")
        indicator, point, setting = name.partition(".")
        if not (equal and point and indicator and setting):
            raise SystemExit(_usage(f"--set {pair}: expected INDICATOR.SETTING=VALUE"))
        try:
            plain: Any = float(value)
        except ValueError:
            plain = value
        chosen.setdefault(indicator, {})[setting] = plain
    return chosen


def _factors(path: str | None) -> Any:
    return load_factors(user=Path(path)) if path else None


def _check_output(path: str, suffix: str) -> None:
    target = Path(path)
    if target.suffix.lower() != suffix:
        raise SourceError(f"-o {path}: expected a name that ends in {suffix}")
    if target.is_dir():
        raise SourceError(f"{target} is a directory, expected a file name")
    _check_parent(target)


def _check_parent(target: Path) -> None:
    """Raise where no folder can be made, before any work rather than after it."""
    parent = next((p for p in target.absolute().parents if p.exists()), target)
    if not parent.is_dir():
        raise SourceError(f"{parent} is a file, expected a folder",
                          mend="Choose another place with -o")
    if not os.access(parent, os.W_OK):
        raise SourceError(f"{parent} cannot be written to", mend="Choose another place with -o")


def _usage(text: str) -> int:
    print(f"citytwin: {text}", file=sys.stderr)
    return 2


def _dump(thing: Any) -> None:
    print(json.dumps(thing, ensure_ascii=False, indent=1, default=str, allow_nan=False))


def _totals(found: twin.Twin) -> dict[str, dict[str, Any]]:
    def plain(value: Any) -> float | None:
        return float(value) if np.isfinite(value) else None

    return {str(n): {"value": plain(r["value"]), "unit": r["unit"], "low": plain(r["low"]),
                     "high": plain(r["high"])} for n, r in found.totals().iterrows()}


def _say_city(city: City) -> None:
    from layers.buildings import height_shares

    print(repr(city))
    shares = height_shares(city.frame("buildings"))
    print("heights by source: " + ", ".join(f"{k} {v:.0%}" for k, v in shares.items()))
    for line in city.history:
        print(f"  {line}")
    _print_fallbacks(dict(city.fallbacks))


def _print_study(found: Any) -> None:
    table = found.totals()
    rows = [{"": r["name"], "unit": r["unit"], **{
        n: _range(found.twins[n].totals().loc[str(i)]) for n in found.names}}
        for i, r in table.iterrows()]
    _print_table(pd.DataFrame(rows))


def _print_change(name: str, to: str, table: pd.DataFrame) -> None:
    print(f"\n{name}, against {to}")
    rows = [{"": r["name"], "unit": r["unit"], to: _short(r[to]), name: _short(r[name]),
             "change": _short(r["change"]), "%": _short(r["percent"]),
             "95 % range": f"{_short(r['low'])} to {_short(r['high'])}"
             if np.isfinite(r["low"]) else "",
             "sure": "" if r["distinct"] else "indistinguishable"} for _, r in table.iterrows()]
    _print_table(pd.DataFrame(rows) if rows else pd.DataFrame([{"": "nothing changes"}]))


def _range(row: pd.Series) -> str:
    if not np.isfinite(row["low"]):
        return _short(row["value"])
    return f"{_short(row['value'])} [{_short(row['low'])} to {_short(row['high'])}]"


def _short(value: float) -> str:
    if not np.isfinite(value):
        return "-"
    if value == 0:
        return "0"
    digits = max(0, 2 - int(np.floor(np.log10(abs(value)))))
    return f"{value:,.{min(digits, 6)}f}"


def _print_table(table: pd.DataFrame) -> None:
    """Columns as wide as their widest word; no library draws into a pipe as plainly."""
    words = [[str(c) for c in table.columns],
             *[["" if pd.isna(v) else str(v) for v in row] for row in table.itertuples(False)]]
    widths = [max(_width(row[i]) for row in words) for i in range(len(words[0]))]
    most = shutil.get_terminal_size((200, 40)).columns if sys.stdout.isatty() else 10_000
    for row in words:
        line = "  ".join(w + " " * (widths[i] - _width(w)) for i, w in enumerate(row)).rstrip()
        print(line[:most])


def _width(text: str) -> int:
    """Columns of a terminal; Chinese characters take two."""
    from unicodedata import east_asian_width

    return sum(2 if east_asian_width(c) in "WF" else 1 for c in text)


def _print_fallbacks(fallbacks: dict[str, int]) -> None:
    if fallbacks:
        print("\nassumed, not known:")
        for what, count in fallbacks.items():
            print(f"  {what}: {count:,}")


def _print_sources(city: City) -> None:
    print("\nsources:")
    for line in city.sources:
        print(f"  {line}")
