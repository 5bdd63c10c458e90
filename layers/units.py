"""Units at the edge: the only place that talks to pint. Inside, plain floats in declared units."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from layers.errors import UnitsError

MONEY = "currency"  # stands in units for that of the place, which a run knows


@lru_cache(maxsize=1)
def _registry() -> Any:
    import pint

    ureg: Any = pint.UnitRegistry(autoconvert_offset_to_baseunit=True)
    for line in ("vehicle = [vehicle] = veh", "person = [person] = head", "dwelling = [dwelling]",
                 "CNY = [yuan]", "EUR = [euro]",  # no rate of exchange holds for long
                 f"{MONEY} = [{MONEY}]"):
        ureg.define(line)
    return ureg


def parse(units: str) -> Any:
    """Return the pint unit of a UDUNITS string such as ``"kg m-2 a-1"``.

    Raises
    ------
    UnitsError
        When the text is no unit.
    """
    text = units.strip() or "1"
    text = re.sub(r"%", "percent", text)
    text = re.sub(r"(?<![A-Za-z])a(?![A-Za-z])", "year", text)
    text = re.sub(r"([A-Za-z])(-?\d+)", r"\1**\2", text)
    text = re.sub(r"\s+(?!\*|/)", " * ", text).replace("/ *", "/")
    try:
        return _registry().Unit("dimensionless" if text == "1" else text)
    except Exception as error:
        raise UnitsError(f"{units!r} is not a unit", mend='Write it as "kg m-2 a-1"') from error


def factor(have: str, want: str) -> float:
    """Return the number that turns a quantity in ``have`` into one in ``want``.

    Raises
    ------
    UnitsError
        When the two are not of one kind.
    """
    if have == want:
        return 1.0
    try:
        zero, one = (float((n * parse(have)).to(parse(want)).magnitude) for n in (0, 1))
    except UnitsError:
        raise
    except Exception as error:
        raise UnitsError(f"cannot turn {have!r} into {want!r}: not the same kind") from error
    if zero != 0:
        raise UnitsError(f"no number turns {have!r} into {want!r}: their zeros differ",
                         mend="Give temperatures in degC, and differences of them in K")
    return one


def in_currency(units: str, code: str) -> str:
    """Return a unit with the currency of a place in it, such as ``"EUR m-2 a-1"``.

    Parameters
    ----------
    units
        A unit; ``currency`` in it stands for any.
    code
        ISO code such as ``"EUR"``; the unit stays as it is where this is empty.
    """
    return re.sub(rf"\b{MONEY}\b", code, units) if code else units
