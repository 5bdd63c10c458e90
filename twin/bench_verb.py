"""The verb that measures how fast wind, sun and carbon account are on this machine."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable
from typing import Any

import pandas as pd

from layers.errors import CityTwinError
from twin.progress import progress
from twin.tables import dump, print_table


def bench(args: Namespace) -> None:
    """Measure how fast the wind, the sun or the carbon account is on this machine."""
    if args.what == "carbon":
        if args.size is not None:
            raise CityTwinError("--size goes with bench wind and bench sun")
        _carbon(args)
        return
    if args.size is not None and not 32 <= args.size <= 20_000:
        raise CityTwinError(f"--size {args.size}: expected 32 to 20000 cells along a side")
    (_sun if args.what == "sun" else _wind)(args)


def _wind(args: Namespace) -> None:
    from twin.kernel_cache import find_cache

    find_cache()
    from twin.wind_bench import SIZES, measure, rows_of

    found = _measured(args, measure, SIZES, rows_of)
    if args.json:
        return
    print(f"\nthreads {found['threads']}, copying memory "  # noqa: T201
          f"{found['copy_gb_s']:.1f} GB/s, loading and compiling the kernels "
          f"{found['compile_s']:.1f} s")
    for run in found["runs"]:
        print(f"{run['cells'] / 1e6:.1f} M cells: at most "  # noqa: T201
              f"{run['peak_mb']:,.0f} MB, {run['bytes_per_cell']:.0f} bytes a cell")


def _sun(args: Namespace) -> None:
    from twin.sun_bench import SIZES, measure, rows_of

    found = _measured(args, measure, SIZES, rows_of)
    if args.json:
        return
    print(f"\nthreads {found['threads']}, loading and compiling "  # noqa: T201
          f"the kernels {found['compile_s']:.1f} s")


def _carbon(args: Namespace) -> None:
    from twin.carbon_bench import COPIES, measure, rows_of

    _measured(args, measure, COPIES, rows_of)


def _measured(args: Namespace, measure: Callable[..., dict[str, Any]], sizes: tuple[int, ...],
              rows_of: Callable[[dict[str, Any]], list[dict[str, Any]]]) -> dict[str, Any]:
    """Measure and tell the numbers, as JSON or as a table; return them."""
    with progress("bench", quiet=args.quiet or args.json) as tell:
        found = measure((args.size,) if args.size else sizes, tell=tell)
    if args.json:
        dump(found)
    else:
        print_table(pd.DataFrame(rows_of(found)))
    return found
