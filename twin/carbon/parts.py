"""What rows of the ledger have in common: a part, and the causes of its uncertainty."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from layers.errors import CityTwinError
from twin.factor import Factor

SECTORS = ("buildings", "traffic", "construction", "consumption", "sinks")
METHODS = ("factor", "mass_balance", "measured")
QUALITY = ("H", "M", "L")
STAGES = ("A1-A3", "A4-A5", "B1-B5", "B6", "C1-C4", "D", "upstream", "losses", "tailpipe", "proxy",
          "removal")
"""Life stages of EN 15978, and those of energy and traffic: making and bringing of fuels, losses of
the grid, driving, a stand-in per head, and uptake."""


@dataclass(frozen=True)
class Cause:
    """Something uncertain, and what the rows of a part become at the ends of its 95 % range.

    Parameters
    ----------
    name
        What is uncertain, such as a factor id. Parts that name the same cause move together.
    low, high
        Relative change of the rows where the cause is at its low and at its high end [1]; change
        per unit of activity where the part says so [kg].
    """

    name: str
    low: float
    high: float

    @classmethod
    def of(cls, factor: Factor, share: float = 1.0) -> Cause:
        """Return the cause that a factor is.

        Parameters
        ----------
        factor
            Its range is taken.
        share
            Share of the rows it moves [1].
        """
        size = abs(factor.value) or 1.0
        return cls(factor.factor_id, share * (factor.low - factor.value) / size,
                   share * (factor.high - factor.value) / size)


@dataclass(frozen=True)
class Part:
    """What many rows of the ledger share: what emits, how it was found, and how sure that is.

    Parameters
    ----------
    layer
        Layer whose features the rows are of.
    sector
        One of ``SECTORS``.
    sub
        Use of buildings, class of roads, cover of green.
    item
        Carrier, fuel, material or other thing.
    scope
        1 inside the area, 2 electricity and heat brought in, 3 elsewhere.
    stage
        One of ``STAGES``.
    unit
        Unit of the activity.
    factor_id
        Factor by which the activity was multiplied.
    causes
        What is uncertain together with other parts and with the same part elsewhere.
    own
        Relative 95 % range that each source has of its own, down and up [1].
    by_activity
        Whether causes change the rows by their activity, as for rates that are near zero.
    gas
        ``"CO2"`` or ``"CO2e"``.
    method
        One of ``METHODS``.
    tier
        1 default, 2 of the country or city, 3 of the source itself.
    year
        Year that the activity is of.
    quality
        Of activity and factor: high, medium or low, as in the GPC.
    provider, document, digest, period
        Who gave a measured value, in what, its SHA-256, and for which time.
    """

    layer: str
    sector: str
    sub: str
    item: str
    scope: int
    stage: str
    unit: str
    factor_id: str
    causes: tuple[Cause, ...] = ()
    own: tuple[float, float] = (0.0, 0.0)
    by_activity: bool = False
    gas: str = "CO2"
    method: str = "factor"
    tier: int = 1
    year: int = 0
    quality: str = "M"
    provider: str = ""
    document: str = ""
    digest: str = ""
    period: str = ""

    def __post_init__(self) -> None:
        """Refuse words that no filter would find.

        Raises
        ------
        CityTwinError
            When sector, stage, scope, method or quality is none of the known ones.
        """
        for name, known in (("sector", SECTORS), ("stage", STAGES), ("scope", (1, 2, 3)),
                            ("method", METHODS), ("quality", QUALITY), ("tier", (1, 2, 3))):
            if getattr(self, name) not in known:
                raise CityTwinError(f"a part of the ledger has {name} {getattr(self, name)!r}, "
                                    f"expected {', '.join(map(str, known))}")

    def but(self, **changes: Any) -> Part:
        """Return the part with some fields changed."""
        return replace(self, **changes)
