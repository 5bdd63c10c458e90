"""The CO2 variables of a twin as lines of the ledger: each is a sum of it and nothing else."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from twin.carbon.boundaries import inside, is_sink
from twin.carbon.ledger import ROWS, Ledger
from twin.carbon.parts import Part
from twin.estimate import Estimate

Which = Callable[[Part], bool]


def is_operation(part: Part) -> bool:
    """Return whether a part is the energy of buildings, burnt there or brought in."""
    return part.sector == "buildings" and part.stage == "B6"


def is_tailpipe(part: Part) -> bool:
    """Return whether a part is what vehicles burn on the roads inside."""
    return part.stage == "tailpipe" and part.scope == 1


def is_built(part: Part) -> bool:
    """Return whether a part is of making, keeping and taking down buildings."""
    return part.sector == "construction" and part.stage != "D"


def is_net(part: Part) -> bool:
    """Return whether a part counts in the net CO2: operation, driving with its power, uptake."""
    return is_operation(part) or part.stage == "tailpipe" or is_sink(part)


LINES: dict[str, Which] = {
    "building_co2": is_operation, "traffic_co2": is_tailpipe, "construction_co2": is_built,
    "carbon_sink": is_sink, "co2_net": is_net, "co2_territorial": inside("territorial"),
    "co2_supply": inside("supply"), "co2_lifecycle": inside("lifecycle")}
TAKEN = ("carbon_sink",)  # lines told as uptake, above zero


def of_line(name: str, found: Estimate) -> Estimate:
    """Return a sum of the ledger as the variable tells it: uptake above zero."""
    return Estimate(-found.value, -found.high, -found.low) if name in TAKEN else found


def line_total(ledger: Ledger, name: str) -> Estimate:
    """Return the total of a variable with its range [kg a-1]."""
    return of_line(name, ledger.total(LINES[name]))


def difference(before: Ledger, after: Ledger) -> Ledger:
    """Return what a plan changes as a ledger: the rows after it, and those before taken off.

    Its sums, ranges and draws are those of the change, as both sides share their causes, and what
    a source has of its own, too, where it stands on both.

    Parameters
    ----------
    before, after
        The ledgers, on one grid.
    """
    parts: dict[Part, int] = {}
    frames = []
    for one, sign in ((after, 1.0), (before, -1.0)):
        number = np.array([parts.setdefault(p, len(parts)) for p in one.parts], dtype=np.int64)
        part = one.rows["part"].to_numpy()
        frames.append(pd.DataFrame({
            "part": number[part] if len(part) else part, "called": one.called(),
            "cell": one.rows["cell"].to_numpy(),
            "activity": sign * one.rows["activity"].to_numpy(),
            "value": sign * one.rows["value"].to_numpy()}))
    rows = pd.concat(frames, ignore_index=True)
    source, names = pd.factorize(rows["called"])
    rows = rows.drop(columns="called").assign(source=source).groupby(
        ["part", "source", "cell"], as_index=False, sort=False).sum()
    changed = (rows["activity"] != 0) | (rows["value"] != 0)
    layers = dict.fromkeys(p.layer for p in parts)
    return Ledger(tuple(parts), rows.loc[changed, list(ROWS)].reset_index(drop=True), after.cells,
                  dict.fromkeys(layers, np.asarray(names)))
