"""What the words of a command mean: cities, settings, factors, places to write to."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import layers
from layers.city import City
from layers.errors import SourceError
from twin.factors import load as load_factors


def city_of(text: str) -> City:
    """Return the city of a file, or of ``sample:NAME``."""
    if text.startswith("sample:"):
        return layers.sample(text.removeprefix("sample:"))
    return layers.read(text)


def names(text: str | None, flag: str) -> list[str] | None:
    """Return the words of ``A,B``, None when the flag was not given."""
    if text is None:
        return None
    found = [n.strip() for n in text.split(",") if n.strip()]
    if not found:
        raise SystemExit(usage(f"{flag} {text!r} names nothing, expected A,B"))
    return found


def settings_of(pairs: list[str]) -> dict[str, dict[str, Any]]:
    """Return settings by indicator from ``INDICATOR.SETTING=VALUE``."""
    chosen: dict[str, dict[str, Any]] = {}
    for pair in pairs:
        name, equal, value = pair.partition("=")
        indicator, point, setting = name.partition(".")
        if not (equal and point and indicator and setting):
            raise SystemExit(usage(f"--set {pair}: expected INDICATOR.SETTING=VALUE"))
        try:
            plain: Any = float(value)
        except ValueError:
            plain = value
        chosen.setdefault(indicator, {})[setting] = plain
    return chosen


def factors_of(path: str | None) -> Any:
    """Return the factor tables with a user's file over them, None for our own."""
    return load_factors(user=Path(path)) if path else None


def check_output(path: str, suffix: str) -> None:
    """Raise where a file of that name cannot be written, before any work."""
    target = Path(path)
    if target.suffix.lower() != suffix:
        raise SourceError(f"-o {path}: expected a name that ends in {suffix}")
    if target.is_dir():
        raise SourceError(f"{target} is a directory, expected a file name")
    check_parent(target)


def check_parent(target: Path) -> None:
    """Raise where no folder can be made, before any work rather than after it."""
    parent = next((p for p in target.absolute().parents if p.exists()), target)
    if not parent.is_dir():
        raise SourceError(f"{parent} is a file, expected a folder",
                          mend="Choose another place with -o")
    if not os.access(parent, os.W_OK):
        raise SourceError(f"{parent} cannot be written to", mend="Choose another place with -o")


def usage(text: str) -> int:
    """Say what is wrong with the words of a command and return its exit code."""
    print(f"citytwin: {text}", file=sys.stderr)
    return 2
