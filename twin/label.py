"""The label of an indicator: what it gives, hung on a plain function that stays callable."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeVar

from layers.units import in_currency

Function = TypeVar("Function", bound=Callable[..., Any])
Unless = Callable[[Any, Mapping[str, Any]], str]


@dataclass(frozen=True)
class Var:
    """A variable an indicator gives, declared once for stamps, checks, tables and legends.

    Parameters
    ----------
    name
        Name in ``cells``.
    units
        UDUNITS string of the cell value; densities are per m2 of study area.
    long_name
        Words for legends and tables.
    total
        ``"sum"`` integrates over the area, ``"mean"`` averages, None has no total.
    total_units
        Unit of the integral.
    weight
        Variable that weighs a mean; area alone when empty.
    estimate
        Whether it carries a 95 % range in ``<name>_low`` and ``<name>_high``.
    better
        1 when more is better for the city, -1 when less is, 0 when neither.
    low, high
        Physical limits; a value outside is an error of the engine.
    """

    name: str
    units: str
    long_name: str
    total: Literal["sum", "mean"] | None = None
    total_units: str = ""
    weight: str = ""
    estimate: bool = False
    better: Literal[-1, 0, 1] = 0
    low: float | None = None
    high: float | None = None

    def local(self, money: str) -> Var:
        """Return the variable with the currency of a place, such as ``"EUR"``, in its units."""
        return replace(self, units=in_currency(self.units, money),
                       total_units=in_currency(self.total_units, money))

    @property
    def unit_of_total(self) -> str:
        """The unit `Twin.totals` gives this variable in."""
        return (self.total_units or self.units) if self.total == "sum" else self.units


@dataclass(frozen=True)
class Label:
    """What hangs on an indicator function: its variables or field, feature layer and needs.

    Parameters
    ----------
    gives, on, reach, field, unless, account
        As in `indicator`.
    needs
        Parameters without a default: without one of them the function does not run.
    settings
        Keyword-only parameters.
    hopes
        Parameters with a default of None: given where they can be made, else None.
    """

    gives: tuple[Var, ...]
    on: str
    reach: float | None
    needs: tuple[str, ...]
    settings: tuple[str, ...]
    field: str = ""
    unless: Unless | None = None
    hopes: tuple[str, ...] = ()
    account: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        """What others can ask for by name: the variables, the field or the account."""
        alone = self.field or self.account
        return (alone,) if alone else tuple(v.name for v in self.gives)


def indicator(*gives: Var, on: str = "", reach: float | None = 0.0, field: str = "",
              unless: Unless | None = None, account: str = "") -> Callable[[Function], Function]:
    """Label a function with the variables it gives, or with the field.

    Parameters
    ----------
    gives
        The variables. One: the function returns it. Several: it returns a dict by name.
    on
        Layer whose features the values belong to (per feature and year); the engine spreads them
        over the cells by overlap. Empty: the function returns values per cell.
    reach
        How far a cell's surroundings matter [m]; None when the whole area does.
    field
        Name of the field it gives instead of variables: physics on a fine grid of its own, a
        Dataset that other indicators can need and that is kept in `Twin.fields`.
    unless
        Told the city and the settings, says why the function is not run unasked, in words that
        follow "left out, "; empty when it is.
    account
        Name of the entries of the carbon ledger, or of the ledger, that it gives instead of
        variables.
    """

    def hang(function: Function) -> Function:
        signature = inspect.signature(function).parameters.values()
        kinds = inspect.Parameter
        asked = [p for p in signature if p.kind is kinds.POSITIONAL_OR_KEYWORD]
        needs = tuple(p.name for p in asked if p.default is p.empty)
        hopes = tuple(p.name for p in asked if p.default is not p.empty)
        settings = tuple(p.name for p in signature if p.kind is kinds.KEYWORD_ONLY)
        function.label = Label(  # type: ignore[attr-defined]
            gives, on, reach, needs, settings, field, unless, hopes, account)
        return function

    return hang


def label_of(function: Callable[..., Any]) -> Label:
    """Return the label of an indicator function."""
    found = getattr(function, "label", None)
    if not isinstance(found, Label):
        raise TypeError(f"{function} is not labelled with @indicator")
    return found
