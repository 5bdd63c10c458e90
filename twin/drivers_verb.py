"""The verb `drivers`: what drove the change of CO2 from one twin to another."""

from __future__ import annotations

import json
from argparse import Namespace
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

import twin
from layers.errors import CityTwinError, SourceError, nearest
from twin.carbon.chains import BUILDINGS, TRAFFIC_SHORT
from twin.carbon.drivers import Drivers
from twin.districts import districts_of
from twin.driver_tables import (
    EVERYWHERE,
    MODULES,
    State,
    building_drivers,
    empty_places,
    state_of,
    traffic_drivers,
)
from twin.picture_files import check_picture
from twin.result import Twin, in_words
from twin.tables import dump, print_table

TONNE = 1000.0  # [kg]
GROUPS = {"use": ("buildings", "use"), "class": ("traffic", "class"), "district": ("", "place")}
WORDS = {"buildings": BUILDINGS, "traffic": {**TRAFFIC_SHORT, "mix_share": "mix of road classes"}}
NOTHING = 1e-9  # of the emission: less is rounding, and told as nothing [1]
SUBTITLE = ("CO₂ of running buildings and of driving inside the area; the drivers of both are told "
            "apart by LMDI")


def drivers(args: Namespace) -> None:
    """Say what drove the change of CO2 from one twin to another."""
    if args.by == "district" and not args.districts:
        raise CityTwinError("--by district needs the districts",
                            mend="Give a file of polygons with --districts FILE")
    check_picture(args.picture)
    sides = [(path, name, twin.open(path)) for path, name in two_twins(args.a, args.b)]
    places = args.districts if args.by == "district" else None
    states = [state_of(found, path, districts_of(found, places, args.district_name))
              for path, _, found in sides]
    parts = {name: d for name, d in (("buildings", building_drivers(*states)),
                                     ("traffic", traffic_drivers(*states))) if d is not None}
    labels = [name for _, name, _ in sides]
    twins = [found for *_, found in sides]
    told = {"from": labels[0], "to": labels[1], "unit": "t a-1",
            "people": {n: float(s.people.sum()) for n, s in zip(("from", "to"), states,
                                                                strict=True)},
            "sectors": {name: _sector(d, name, args.by) for name, d in parts.items()},
            "notes": notes(twins, states, parts)}
    if args.picture:
        _draw(parts, labels, twins, args)
    if args.json:
        dump(told)
    else:
        _say(told, args)


def two_twins(first: str, second: str) -> list[tuple[str, str]]:
    """Return folder and name of two twins: two folders, or a study and one of its scenarios.

    Parameters
    ----------
    first
        Folder of a twin or of a study.
    second
        Folder of a twin, or the name of a scenario.

    Raises
    ------
    SourceError
        When the study cannot be read.
    CityTwinError
        When it has no such scenario.
    """
    marker = Path(first) / "study.json"
    if not marker.is_file():
        names = [Path(p).resolve().name for p in (first, second)]
        return [(p, n if names[0] != names[1] else str(p))
                for p, n in zip((first, second), names, strict=True)]
    try:
        known = {str(k): str(v) for k, v in
                 json.loads(marker.read_text(encoding="utf-8"))["names"].items()}
        base = known["base"]
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise SourceError(f"{first} is not a study (no readable study.json)",
                          mend="Make one with `citytwin study CITY RECIPE ... -o FOLDER`"
                          ) from error
    if second not in known or second == "base":
        others = [n for n in known if n != "base"]
        raise CityTwinError(f"{first} has no scenario {second!r}{nearest(second, others)}",
                            mend=f"It has {', '.join(others) or 'none'}")
    return [(str(Path(first) / Path(folder).name), name)
            for folder, name in ((base, "base"), (known[second], second))]


def notes(twins: list[Twin], states: list[State], parts: Mapping[str, Drivers]) -> list[str]:
    """Return what could not be told apart, and what else is to be known.

    Parameters
    ----------
    twins, states
        Of both sides.
    parts
        The drivers by sector.
    """
    counted = [str(k) for t in twins for k in t.record.get("fallbacks", {})]
    books = [t.ledger for t in twins if t.ledger is not None]
    out = []
    if any("residents come from floor area" in k for k in counted):
        out.append("People are reckoned from housing floor area where homes are not counted: there "
                   "people and floor area per head are not told apart.")
    if "buildings" in parts and not any(p.method == "measured" for b in books for p in b.parts):
        out.append("Energy per floor area is that of the tables, no meter stands behind it: it "
                   "changes with uses, ages, retrofits and tables only.")
    if "traffic" in parts:
        if any(k.startswith("roads with default traffic") for k in counted):
            out.append("Distances are defaults by class of road, not counts: distance per head "
                       "follows roads and their total, not people.")
        out.append("Energy per distance holds speeds, kinds of vehicles and cold starts together; "
                   "carbon of fuels holds the mix of fuels.")
        if not any(p.sector == "traffic" and p.item == "electricity" for b in books
                   for p in b.parts):
            out.append("Electricity of vehicles is not in the account: more electric driving shows "
                       "as less energy per distance.")
    if any(MODULES in s.used.index.get_level_values("carrier") for s in states if len(s.used)):
        out.append("Electricity of own modules counts as a carrier without emission, so its effect "
                   "is in the mix of carriers.")
    bare = empty_places(*states)
    if bare:
        where = "the area" if bare == [EVERYWHERE] else ", ".join(bare)
        out.append(f"Nobody is known to live in {where} in one of both: there floor area and "
                   "distance stand for those per head.")
    out += [f"There is no CO2 of {name} in either." for name in WORDS if name not in parts]
    areas = [float(t.cells["cell_area"].sum()) / 1e6 for t in twins]
    if abs(areas[1] - areas[0]) > 1e-6 * areas[0]:
        out.append(f"The areas differ: {areas[0]:.4g} and {areas[1]:.4g} km2.")
    return out


def _sector(found: Drivers, name: str, by: str | None) -> dict[str, Any]:
    """Return the drivers of a sector as plain data [t a-1]."""
    sums = found.by_factor / TONNE
    out: dict[str, Any] = {
        "before": float(found.before.sum()) / TONNE, "after": float(found.after.sum()) / TONNE,
        "change": found.change / TONNE, "effects": {k: float(v) for k, v in sums.items()},
        "residual": found.residual / TONNE}
    if by and GROUPS[by][0] in ("", name):
        level = GROUPS[by][1]
        effects = found.effects.groupby(level=level, sort=False).sum() / TONNE
        ends = pd.DataFrame({"before": found.before, "after": found.after}).groupby(
            level=level, sort=False).sum() / TONNE
        ends["change"] = ends["after"] - ends["before"]
        out["by"] = {str(key): {**ends.loc[key].to_dict(), "effects": effects.loc[key].to_dict()}
                     for key in ends.index}
    return out


def _draw(parts: Mapping[str, Drivers], labels: list[str], twins: list[Twin],
          args: Namespace) -> None:
    """Draw the drivers of both sectors as one waterfall."""
    from twin.carbon_pictures import draw_drivers

    if not parts:
        raise CityTwinError("neither twin has CO2 of buildings or traffic, so there is nothing to "
                            "draw")
    names: dict[str, str] = {}
    frames, before, after = [], [], []
    for sector, found in parts.items():
        rename = {c: c if c == "population" else f"{sector}_{c}" for c in found.effects.columns}
        names |= {rename[c]: WORDS[sector][c] for c in rename}
        level = "place" if args.by == "district" else "use" if sector == "buildings" else "class"
        label = found.effects.index.get_level_values(level).astype(str)
        label = label if level == "place" else label + (" roads" if level == "class" else "")
        index = pd.MultiIndex.from_arrays([["change"] * len(label), label], names=["step", "group"])
        frames.append(found.effects.rename(columns=rename).set_axis(index))
        before.append(found.before.set_axis(index))
        after.append(found.after.set_axis(index))
    whole = pd.concat(frames).fillna(0.0).groupby(level=[0, 1], sort=False).sum()
    ends = [pd.concat(s).groupby(level=[0, 1], sort=False).sum() for s in (before, after)]
    whole = whole.where(whole.abs() > NOTHING * max(float(e.sum()) for e in ends), 0.0)
    order = ["population", *(c for c in whole.columns if c != "population")]
    sources = dict.fromkeys(s for t in twins for s in t.record.get("sources", []))
    draw_drivers(Drivers(whole[order], *ends), args.picture, names=names,
                 labels=(labels[0], labels[1]), unit="kg a-1", subtitle=SUBTITLE,
                 sources=list(sources))


def _say(told: dict[str, Any], args: Namespace) -> None:
    print(f"{told['from']} to {told['to']}, t of CO2 a year")  # noqa: T201
    for name, found in told["sectors"].items():
        share = f" ({100 * found['change'] / found['before']:+.1f} %)" if found["before"] else ""
        print(f"\n{name}: {in_words(found['before'])} to "  # noqa: T201
              f"{in_words(found['after'])}, {in_words(found['change'])}{share}")
        least = NOTHING * max(found["before"], found["after"])
        print_table(pd.DataFrame([{"driver": WORDS[name][k], "t a-1": _amount(v, least)}
                                  for k, v in found["effects"].items()]))
        if "by" in found:
            print_table(pd.DataFrame([
                {args.by: key, "change": _amount(one["change"], least),
                 **{WORDS[name][k]: _amount(v, least) for k, v in one["effects"].items()}}
                for key, one in found["by"].items()]))
    print("\nto know:")  # noqa: T201
    print("\n".join(f"  {n}" for n in told["notes"]))  # noqa: T201
    if args.picture:
        print(f"\n{args.picture}")  # noqa: T201


def _amount(value: float, least: float) -> str:
    return in_words(value if abs(value) > least else 0.0)
