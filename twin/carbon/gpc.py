"""The ledger as the table of the Global Protocol for Community-Scale inventories (GPC)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from twin.carbon.ledger import Ledger
from twin.carbon.parts import QUALITY, Part

Which = Callable[[Part], bool]


def _buildings(*uses: str) -> Which:
    return lambda p: (p.sector == "buildings" and p.sub in uses
                      and p.stage in ("B6", "losses"))


def _traffic(part: Part) -> bool:
    return part.sector == "traffic" and part.stage in ("tailpipe", "losses")


def _elsewhere(part: Part) -> bool:
    return part.stage == "upstream" or (part.sector == "construction" and part.stage != "D")


def _none(_: Part) -> bool:
    return False


SERVICES = ("office", "retail", "hotel", "hospital", "education", "culture", "transport", "other",
            "unconditioned")
NO_FUGITIVE = "no coal is mined, handled or stored in the account"
APART = "not estimated here"
LINES: tuple[tuple[str, str, Which, str], ...] = (
    ("I.1", "Residential buildings", _buildings("residential"), ""),
    ("I.2", "Commercial and institutional buildings and facilities", _buildings(*SERVICES), ""),
    ("I.3", "Manufacturing industries and construction", _buildings("industrial"),
     "building services only, process energy is not in it"),
    ("I.4", "Energy industries", _none, APART),
    ("I.5", "Agriculture, forestry and fishing activities", _none, APART),
    ("I.6", "Non-specified sources", _none, APART),
    ("I.7", "Fugitive emissions from coal", _none, APART),
    ("I.8", "Fugitive emissions from oil and natural gas systems", _none, APART),
    ("II.1", "On-road transportation", _traffic, "driven inside the area"),
    ("II.2", "Railways", _none, APART),
    ("II.3", "Waterborne navigation", _none, APART),
    ("II.4", "Aviation", _none, APART),
    ("II.5", "Off-road transportation", _none, APART),
    ("III.1", "Solid waste disposal", _none, APART),
    ("III.2", "Biological treatment of waste", _none, APART),
    ("III.3", "Incineration and open burning", _none, APART),
    ("III.4", "Wastewater treatment and discharge", _none, APART),
    ("IV.1", "Industrial processes", _none, APART),
    ("IV.2", "Product use", _none, APART),
    ("V.1", "Livestock", _none, APART),
    ("V.2", "Land", lambda p: p.sector == "sinks", "yearly uptake of green"),
    ("V.3", "Aggregate sources and non-CO2 emission sources on land", _none, APART),
    ("VI.1", "Other scope 3", _elsewhere,
     "making and bringing of fuels, and buildings over their life per year of it; what residents "
     "use is another boundary"),
)
COLUMNS = ("reference", "sector", "scope", "gas", "value_t", "low_t", "high_t", "notation_key",
           "activity_quality", "factor_quality", "methods", "explanation")


def gpc_table(ledger: Ledger) -> pd.DataFrame:
    """Return the ledger as a GPC table, one row a line of the protocol and scope.

    Parameters
    ----------
    ledger
        The ledger.

    Returns
    -------
    pandas.DataFrame
        ``COLUMNS``; tonnes a year. A line without a value has a notation key: ``NE`` where it
        occurs or may occur and is not estimated, ``NO`` where nothing of the kind is in the
        area. Quality is that of the least sure part: H, M or L.

    References
    ----------
    WRI, C40 and ICLEI (2021), Global Protocol for Community-Scale Greenhouse Gas Inventories,
    version 1.1, tables 4.2 and 5.2.
    """
    rows = []
    for reference, name, which, words in LINES:
        scopes = (3,) if reference == "VI.1" else (1, 2, 3) if reference[:2] in ("I.", "II") \
            else (1,)
        for scope in scopes:
            rows.append(_line(ledger, reference, name, scope, which, words))
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _line(ledger: Ledger, reference: str, name: str, scope: int, which: Which,
          words: str) -> list[object]:
    mine = ledger.where(lambda p: which(p) and p.scope == scope)
    mark = f"{reference}.{scope}" if reference != "VI.1" else reference
    if not mine.parts:
        told = words or ("nothing of the kind is in the account" if which is not _none else APART)
        key = "NE" if words == APART or scope == 3 else "NO"
        return [mark, name, scope, "", np.nan, np.nan, np.nan, key, "", "", "", told]
    sums = mine.total()
    quality = max((p.quality for p in mine.parts), key=QUALITY.index)
    gases = " and ".join(sorted({p.gas for p in mine.parts}))
    methods = ", ".join(sorted({p.method for p in mine.parts}))
    return [mark, name, scope, gases, sums.value / 1000, sums.low / 1000, sums.high / 1000, "",
            quality, quality, methods, words]
