"""Progress: a bar in a terminal, tqdm in a notebook, plain lines elsewhere. Never on stdout."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Progress = Callable[[str, int, int], None]


@contextmanager
def progress(title: str, *, quiet: bool = False) -> Iterator[Progress]:
    """Give a callback ``(what, done, of)`` that shows how far long work is."""
    if quiet:
        yield _silent
    elif _in_notebook():
        yield from _notebook(title)
    elif sys.stderr.isatty():
        yield from _terminal(title)
    else:
        yield from _lines(title)


def _silent(*_: object) -> None:
    """Show nothing."""


def _in_notebook() -> bool:
    shell = sys.modules.get("IPython")
    if shell is None:
        return False
    found = shell.get_ipython()
    return found is not None and hasattr(found, "kernel")


def _terminal(title: str) -> Iterator[Progress]:
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bar

    columns = (TextColumn("{task.fields[title]}"), BarColumn(), TextColumn("{task.description}"),
               TimeElapsedColumn())
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=None, title=title)

        def show(what: str, done: int, of: int) -> None:
            bar.update(task, description=what.replace("[", "\\["), completed=done, total=of)

        yield show


def _notebook(title: str) -> Iterator[Progress]:
    from tqdm.auto import tqdm

    with tqdm(total=1, desc=title, leave=False) as bar:
        def show(what: str, done: int, of: int) -> None:
            bar.total = of
            bar.n = done
            bar.set_postfix_str(what)

        yield show


def _lines(title: str) -> Iterator[Progress]:
    begun, last = time.monotonic(), ""

    def show(what: str, *_: object) -> None:
        nonlocal last
        group = what.split(":")[0]
        if group != last:
            last = group
            print(f"{title}: {group} ({time.monotonic() - begun:.1f} s)",  # noqa: T201
                  file=sys.stderr, flush=True)

    yield show
