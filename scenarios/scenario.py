"""A scenario: a name and the edits that turn one city into another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from layers.city import City
from layers.errors import CityTwinError, ScenarioError

BASE = "base"


@runtime_checkable
class Edit(Protocol):
    """A decision: a small frozen dataclass that turns a city into another city."""

    def __call__(self, city: City) -> City:
        """Return the changed city; the one handed in stays as it is."""


@dataclass(frozen=True, init=False)
class Scenario:
    """A name and a tuple of edits, applied in order.

    Parameters
    ----------
    name
        What people call it, in any script; not ``"base"``.
    edits
        The edits.

    Examples
    --------
    >>> from scenarios import PlantTrees, Scenario
    >>> Scenario("greener", PlantTrees(along="roads", spacing=8.0)).name
    'greener'
    """

    name: str
    edits: tuple[Edit, ...]

    def __init__(self, name: str, *edits: Edit) -> None:
        if not str(name).strip():
            raise ScenarioError("a scenario needs a name")
        if name == BASE:
            raise ScenarioError(f"{BASE!r} is the city as it is", mend="Use another name")
        for edit in edits:
            if not callable(edit):
                raise ScenarioError(f"scenario {name!r}: {edit!r} is no edit")
        object.__setattr__(self, "name", str(name))
        object.__setattr__(self, "edits", tuple(edits))

    def apply(self, city: City) -> City:
        """Return the city after all edits, in order.

        Raises
        ------
        ScenarioError
            When an edit cannot be applied, naming the scenario and the edit.
        """
        for number, edit in enumerate(self.edits, 1):
            try:
                city = edit(city)
            except CityTwinError as error:
                kind = type(edit).__name__
                raise ScenarioError(f"scenario {self.name!r}, edit {number} ({kind}): {error}"
                                    ) from error
        return city
