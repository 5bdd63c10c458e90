"""Scenarios as YAML: the constructor calls, nothing more.

::

    name: greener
    edits:
      - PlantTrees: {along: roads, spacing: 8}
      - GreenRoofs: {share: 0.3}
"""

from __future__ import annotations

from dataclasses import MISSING, asdict, fields
from pathlib import Path
from typing import Any

import yaml

from layers.errors import CityTwinError, ScenarioError, SourceError, nearest
from layers.vectors import existing_file
from scenarios.edits import EDITS
from scenarios.scenario import Scenario

MOST_BYTES = 1_000_000
LONGEST_NAME = 80


class _Loader(yaml.SafeLoader):
    """Plain values only: no tags that make objects, no aliases that can grow without end."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.events.AliasEvent):
            event: Any = self.peek_event()  # type: ignore[no-untyped-call]
            raise yaml.composer.ComposerError(None, None, "aliases (*name) are not taken",
                                              event.start_mark)
        return super().compose_node(parent, index)

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        seen: set[Any] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if not isinstance(key, str | int | float | bool):
                raise yaml.constructor.ConstructorError(None, None, "a key is no plain word",
                                                        key_node.start_mark)
            if key in seen:
                raise yaml.constructor.ConstructorError(None, None, f"{key!r} is there twice",
                                                        key_node.start_mark)
            seen.add(key)
        return super().construct_mapping(node, deep=deep)


def read_recipe(path: str | Path) -> Scenario:
    """Return the scenario of a YAML file.

    Raises
    ------
    SourceError
        When the file cannot be read or is no YAML.
    ScenarioError
        When an edit or one of its fields is unknown or has an impossible value, with the nearest
        name.
    """
    file = existing_file(path, "recipe")
    if file.stat().st_size > MOST_BYTES:
        raise SourceError(f"{file} has {file.stat().st_size:,} bytes; a recipe has at most "
                          f"{MOST_BYTES:,}")
    try:
        text = file.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise SourceError(f"{file} is not UTF-8 text") from error
    return read_text(text, str(file), file.stem)


def read_text(text: str, where: str, default_name: str = "") -> Scenario:
    """Return the scenario of a recipe's text; ``where`` names it in errors."""
    try:
        data = yaml.load(text, _Loader)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise SourceError(f"{where} is no YAML: {' '.join(str(error).split())[:200]}") from error
    try:
        return scenario_from(data, default_name)
    except CityTwinError as error:
        raise ScenarioError(f"{where}: {error}") from error


def scenario_from(data: Any, default_name: str = "") -> Scenario:
    """Return a scenario from plain data, as a recipe holds it."""
    if not isinstance(data, dict):
        raise ScenarioError("expected 'name:' and 'edits:', got "
                            f"{type(data).__name__ if data is not None else 'an empty file'}")
    for key in data:
        if key not in ("name", "edits"):
            raise ScenarioError(f"unknown key {key!r}{nearest(key, ['name', 'edits'])}")
    edits = data.get("edits", [])
    if not isinstance(edits, list):
        raise ScenarioError(f"edits is a {type(edits).__name__}, expected a list")
    name = data.get("name") or default_name
    if isinstance(name, bool) or not isinstance(name, str | int | float):
        raise ScenarioError(f"name is {str(name)[:60]!r}, a {type(name).__name__}",
                            mend="Write words, in quotes")
    name = " ".join(str(name).split())
    if len(name) > LONGEST_NAME or not name.isprintable():
        raise ScenarioError(f"name is {name[:60]!r} ({len(name)} characters), expected at most "
                            f"{LONGEST_NAME} characters that can be printed")
    return Scenario(name,
                    *(_edit(entry, number) for number, entry in enumerate(edits, 1)))


def recipe_text(scenario: Scenario) -> str:
    """Return a scenario as the text of its recipe."""
    edits = []
    for edit in scenario.edits:
        kind = type(edit)
        given = {k: _plain(v) for k, v in asdict(edit).items()  # type: ignore[call-overload]
                 if v not in ("", (), None)}
        edits.append({kind.__name__: given})
    return yaml.safe_dump({"name": scenario.name, "edits": edits}, allow_unicode=True,
                          sort_keys=False)


def _edit(entry: Any, number: int) -> Any:
    if isinstance(entry, str):
        entry = {entry: {}}
    if not isinstance(entry, dict) or len(entry) != 1:
        raise ScenarioError(f"edit {number} is {str(entry)[:60]!r}, expected one edit such as "
                            "'PlantTrees: {spacing: 8}'")
    name, given = next(iter(entry.items()))
    if name not in EDITS:
        raise ScenarioError(f"edit {number}: there is no edit {name!r}"
                            f"{nearest(str(name), list(EDITS))} (edits are {', '.join(EDITS)})")
    given = {} if given is None else given
    if not isinstance(given, dict):
        raise ScenarioError(f"edit {number} ({name}): expected fields, got {given!r}")
    known = [f.name for f in fields(EDITS[name])]
    for key in given:
        if key not in known:
            raise ScenarioError(f"edit {number} ({name}): there is no field {key!r}"
                                f"{nearest(str(key), known)} (fields are {', '.join(known)})")
    for one in fields(EDITS[name]):
        if one.default is MISSING and one.name not in given:
            raise ScenarioError(f"edit {number} ({name}): {one.name!r} is missing")
    try:
        return EDITS[name](**{k: _hashable(v) for k, v in given.items()})
    except TypeError as error:
        raise ScenarioError(f"edit {number} ({name}): {error}") from error


def _hashable(value: Any) -> Any:
    return tuple(_hashable(v) for v in value) if isinstance(value, list) else value


def _plain(value: Any) -> Any:
    return [_plain(v) for v in value] if isinstance(value, tuple) else value
