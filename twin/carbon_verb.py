"""The verb `carbon`: the account of a twin by boundary and group, as GPC table, with meters."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

import twin
from layers.errors import MissingInput
from twin.arguments import check_parent
from twin.result import Twin, in_words, range_in_words
from twin.tables import dump, print_fallbacks, print_table


def carbon(args: Namespace) -> None:
    """Tell the carbon account of a twin."""
    from twin.carbon.account import account
    from twin.carbon.boundaries import inside
    from twin.carbon.offset import taken_up_in_all
    from twin.districts import districts_of

    inside(args.boundary)
    for path in (args.gpc, args.ledger, args.grades, args.picture, args.columns):
        if path:
            check_parent(Path(path))
    found = with_measured(account_of(args.twin), args.measured)
    assert found.ledger is not None
    told = account(found.ledger, args.boundary, args.by, draws=args.draws,
                   districts=districts_of(found, args.districts, args.district_name))
    told["per"] = _per(found, told)
    share = taken_up_in_all(found.ledger).value
    told["taken_up_share"] = share if share == share else None
    if args.gpc:
        from twin.carbon.gpc import gpc_table

        _write(args.gpc, lambda file: gpc_table(found.ledger).to_csv(file, index=False))  # type: ignore[arg-type]
    if args.ledger:
        from twin.carbon.ledger_files import write_ledger

        _write(args.ledger, lambda file: write_ledger(found.ledger, file))  # type: ignore[arg-type]
    if args.grades:
        from twin.carbon_grades import graded_buildings, grades_told

        graded = graded_buildings(found)
        _write(args.grades, lambda file: graded.to_csv(file, index=False))
        told["grades"] = grades_told(graded, told["total"]["value"], -told["sinks"]["value"])
    _draw(found, args)
    if args.json:
        dump(told)
    else:
        _say(told, found, args)


def _draw(found: Twin, args: Namespace) -> None:
    """Draw the emissions per cell in plan and in 3D, where asked for."""
    if not (args.picture or args.columns):
        return
    from twin.arguments import city_of

    city = city_of(args.city) if args.city else None
    if args.picture:
        from twin.carbon_map import draw_carbon_maps

        draw_carbon_maps(found, args.picture, city=city, boundary=args.boundary)
    if args.columns:
        from twin.carbon_columns import draw_carbon_columns

        draw_carbon_columns(found, args.columns, city=city, boundary=args.boundary)


def account_of(path: str) -> Twin:
    """Return a twin with its ledger.

    Parameters
    ----------
    path
        Folder of a twin.

    Raises
    ------
    MissingInput
        When the twin has no carbon account.
    """
    found = twin.open(path)
    if found.ledger is None:
        raise MissingInput(f"{path} has no carbon account",
                           mend="Run it without --want, or with --want co2_net")
    return found


def with_measured(found: Twin, file: str | None) -> Twin:
    """Return a twin with measured values in place of estimates."""
    if not file:
        return found
    from twin.carbon.measured import read_measured, replace_measured

    assert found.ledger is not None
    features = {name: pd.DataFrame(layer.drop(columns=layer.geometry.name))
                for name, layer in found.features.items()}
    return replace(found, ledger=replace_measured(found.ledger, read_measured(file), features))


def _per(found: Twin, told: dict[str, Any]) -> dict[str, float | None]:
    """Return the total per square kilometre and, where residents are known, per head [t a-1]."""
    area = float(found.cells["cell_area"].sum()) / 1e6
    people = found.totals()["value"].get("residents", 0.0)
    total = told["total"]["value"]
    return {"km2": total / area, "head": total / people if people and people > 0 else None}


def _write(path: str, write: Callable[[Path], None]) -> None:
    from twin.writers import atomic

    with atomic(Path(path)) as partial:
        write(partial)


def _say(told: dict[str, Any], found: Twin, args: Namespace) -> None:
    total, per = told["total"], told["per"]
    print(f"{found.record.get('city', '')}, {told['boundary']} boundary: "  # noqa: T201
          f"{_range(total)} t a-1; {in_words(per['km2'])} t per km2"
          + (f", {in_words(per['head'])} t per head" if per["head"] else ""))
    share = told["taken_up_share"]
    print(f"taken up by green, apart: {_range(told['sinks'])} t a-1"  # noqa: T201
          + ("" if share is None else f", {100 * share:.2g} % of what is emitted"))
    rows = told["by"].items()
    if args.by == "cell":
        rows = sorted(rows, key=lambda r: -r[1]["value"])[:20]
    print_table(pd.DataFrame([{args.by: k, "t a-1": _range(v), "%": in_words(
        100 * v["value"] / total["value"]) if total["value"] else ""} for k, v in rows]))
    if "draws" in told:
        drawn = told["draws"]
        print(f"\n{drawn['count']:,} draws: {in_words(drawn['p50'])} "  # noqa: T201
              f"[{in_words(drawn['p2.5'])} to {in_words(drawn['p97.5'])}] t a-1; least sure:")
        for name, share in drawn["largest"].items():
            print(f"  {name}: {share:.0%} of the variance")  # noqa: T201
    if "grades" in told:
        counts = ", ".join(f"{k}: {v:,}" for k, v in told["grades"]["buildings"].items())
        print(f"\nbuildings by grade, 1 far better to 5 far worse than their use: {counts}; "  # noqa: T201
              f"{told['grades']['not_graded']:,} without. {told['grades']['note']}")
    print_fallbacks(dict(found.record.get("fallbacks", {})))
    for path in (args.gpc, args.ledger, args.picture, args.columns):
        if path:
            print(f"\n{path}")  # noqa: T201


def _range(ends: dict[str, float]) -> str:
    return range_in_words(pd.Series(ends))
