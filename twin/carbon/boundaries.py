"""The four boundaries of a city's account: filters of one ledger, so that they cannot disagree.

``territorial`` (E1) is what is burnt inside. ``supply`` (E2) adds electricity and heat brought in
and the making and bringing of energy. ``lifecycle`` (E4) adds what is built, kept up and taken
down, spread over the life. ``consumption`` (E3) is the households' own fuel and what they use
wherever it is made; without spending data that is a proxy per head.
"""

from __future__ import annotations

from collections.abc import Callable

from layers.errors import CityTwinError, nearest
from twin.carbon.parts import Part

BOUNDARIES = ("territorial", "supply", "consumption", "lifecycle")
ENERGY = ("B6", "tailpipe", "upstream", "losses")


def is_sink(part: Part) -> bool:
    """Return whether a part is uptake, which stands apart in every boundary."""
    return part.stage == "removal"


def inside(boundary: str) -> Callable[[Part], bool]:
    """Return what says whether the emissions of a part are inside a boundary.

    Parameters
    ----------
    boundary
        One of ``BOUNDARIES``.

    Raises
    ------
    CityTwinError
        When there is no such boundary.

    References
    ----------
    Global Protocol for Community-Scale Greenhouse Gas Inventories 1.1 (2021), chapter 4; PAS
    2070:2013; EN 15978:2011.
    """
    if boundary not in BOUNDARIES:
        hint = nearest(boundary, list(BOUNDARIES))
        raise CityTwinError(f"there is no boundary {boundary!r}{hint}",
                            mend=f"The boundaries are {', '.join(BOUNDARIES)}")
    return {"territorial": _territorial, "supply": _supply, "consumption": _consumption,
            "lifecycle": _lifecycle}[boundary]


def _territorial(part: Part) -> bool:
    return part.scope == 1 and part.stage in ("B6", "tailpipe")


def _supply(part: Part) -> bool:
    return part.stage in ENERGY


def _lifecycle(part: Part) -> bool:
    return part.stage in ENERGY or (part.sector == "construction" and part.stage != "D")


def _consumption(part: Part) -> bool:
    own = part.sector == "buildings" and part.sub == "residential" and part.stage in ENERGY
    return own or part.stage == "proxy"
