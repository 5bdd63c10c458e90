"""Emissions per cell for pictures: the sectors of the ledger, each with its cells and its sum."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from layers.city import City
from layers.errors import MissingInput
from twin.carbon.boundaries import inside, is_sink
from twin.carbon.ledger import Ledger
from twin.carbon.lines import is_built
from twin.carbon.parts import Part
from twin.estimate import Estimate
from twin.fonts import heading
from twin.result import Twin
from twin.scene.figures import number
from twin.views import drawn_city

UNITS = "t ha-1 a-1"  # of what lies in a cell
_TONNE, _HECTARE = 1000.0, 10_000.0  # [kg], [m2]
_HOMES = "residential"
_ALIKE = 0.02  # by how much the areas of a twin and of its city may differ [1]


@dataclass(frozen=True, eq=False)
class Sector:
    """One sector of the ledger over the cells of a twin.

    Parameters
    ----------
    key, words
        Short name, and name in words.
    total
        Its sum over the study area with its range [t a-1]; uptake above zero.
    cells
        What it emits, or takes up, on (y, x), rising; NaN outside the study area [t ha-1 a-1].
    counted
        Whether it is part of the boundary; construction is drawn beside one that leaves it out.
    sink
        Whether it is uptake.
    """

    key: str
    words: str
    total: Estimate
    cells: xr.DataArray
    counted: bool = True
    sink: bool = False


def ledger_of(twin: Twin) -> Ledger:
    """Return the ledger of a twin.

    Raises
    ------
    MissingInput
        When the twin has none.
    """
    if twin.ledger is None:
        raise MissingInput(f"the twin of {twin.record.get('city') or 'this city'} has no carbon "
                           "account to draw",
                           mend='Run it with co2_net: twin.run(city, want=["co2_net"])')
    return twin.ledger


def ground_of(twin: Twin, city: City | None) -> City:
    """Return the city to draw a twin on: the one given, else the twin's own buildings and roads.

    Raises
    ------
    MissingInput
        When the city is not that of the twin, or none is given and the twin keeps no buildings.
    """
    found = drawn_city(twin, city)
    area, half = twin.cells["cell_area"], float(twin.record["cell_size"])
    west, south, east, north = found.area.bounds
    x, y = (twin.cells[axis].to_numpy() for axis in ("x", "y"))
    over = max(west - x.min(), south - y.min(), x.max() - east, y.max() - north)
    if city is not None and (over > half or abs(float(area.sum()) / found.area.area - 1) > _ALIKE):
        raise MissingInput(f"the twin of {twin.record.get('city') or 'this city'} covers "
                           f"{float(area.sum()) / 1e6:.4g} km2, not the study area of "
                           f"{found.name or 'the city'} ({found.area.area / 1e6:.4g} km2)",
                           mend="Give the city of that run, or none")
    return found


def sectors_of(twin: Twin, boundary: str = "supply", *, uses: bool = False) -> list[Sector]:
    """Return the sectors of a boundary, construction beside it where it leaves that out, and green.

    Sectors that emit nothing are left out; green is always there.

    Parameters
    ----------
    twin
        Results with a ledger.
    boundary
        One of `twin.carbon.boundaries.BOUNDARIES`.
    uses
        Whether to part buildings into homes and other uses.

    Raises
    ------
    MissingInput
        When the twin has no ledger, or nothing is emitted inside the boundary.
    CityTwinError
        When there is no such boundary.
    """
    book, counts = ledger_of(twin), inside(boundary)
    # The proxy of consumption holds what is built for households, so it would count twice there.
    beside = boundary in ("territorial", "supply")

    def built(part: Part) -> bool:
        return is_built(part) and (beside or counts(part))

    wanted: list[tuple[str, str, Callable[[Part], bool]]] = [
        ("homes", "homes, operation", lambda p: _of(p, "buildings") and p.sub == _HOMES),
        ("work", "other buildings, operation",
         lambda p: _of(p, "buildings") and p.sub != _HOMES),
    ] if uses else [("buildings", "operation of buildings", lambda p: _of(p, "buildings"))]
    wanted += [("traffic", "road traffic", lambda p: _of(p, "traffic")),
               ("consumption", "consumption of households", lambda p: _of(p, "consumption"))]

    def _of(part: Part, sector: str) -> bool:
        return part.sector == sector and counts(part)

    found = [_sector(twin, book, key, words, want) for key, words, want in wanted]
    found.append(_sector(twin, book, "construction", "construction, per year of life", built,
                         counted=not beside))
    found = [sector for sector in found if sector.total.value]
    if not any(sector.counted for sector in found):
        raise MissingInput(f"nothing is emitted inside the {boundary} boundary of "
                           f"{twin.record.get('city') or 'this city'}",
                           mend='Run it with co2_net: twin.run(city, want=["co2_net"])')
    return [*found, _sector(twin, book, "sinks", "uptake by green", is_sink, sink=True)]


def _sector(twin: Twin, book: Ledger, key: str, words: str, want: Callable[[Part], bool], *,
            counted: bool = True, sink: bool = False) -> Sector:
    """Return one sector, uptake above zero."""
    area, mine = twin.cells["cell_area"], book.where(want)
    value = mine.rows["value"].to_numpy()
    cells: NDArray[np.float64] = np.bincount(mine.rows["cell"].to_numpy(), weights=value,
                                             minlength=book.cells).astype(np.float64)
    total = mine.total()
    ends = total.value, total.low, total.high
    if sink:
        cells, ends = 0.0 - cells, (0.0 - total.value, 0.0 - total.high, 0.0 - total.low)
    told = Estimate(*(end / _TONNE for end in ends))
    held = area.to_numpy()
    dense = np.full(held.shape, np.nan)
    np.divide(cells.reshape(held.shape) * (_HECTARE / _TONNE), held, out=dense, where=held > 0)
    attrs = {"units": UNITS, "long_name": f"CO2 of {words}"}
    spread = area.copy(data=dense).assign_attrs(attrs).transpose("y", "x").sortby(["y", "x"])
    return Sector(key, words, told, spread, counted=counted, sink=sink)


def whole_of(sectors: list[Sector]) -> float:
    """Return the sum of what counts in the boundary [t a-1]."""
    return float(sum(s.total.value for s in sectors if s.counted and not s.sink))


def boundary_total(book: Ledger, boundary: str) -> Estimate:
    """Return the sum of a boundary with its range [t a-1]."""
    total = book.total(inside(boundary))
    return Estimate(total.value / _TONNE, total.low / _TONNE, total.high / _TONNE)


def tonnes(total: Estimate) -> tuple[str, str]:
    """Return a sum and its 95 % range in words, both in t a-1."""
    value = float(total.value)
    ends = [number(float(end), like=value) for end in (total.low, total.high)]
    return f"{number(value)} t/yr", f"95 % range {ends[0]} to {ends[1]}"


def share_words(sector: Sector, whole: float, boundary: str) -> str:
    """Return in words how a sector stands to the sum of the boundary."""
    share = 100 * float(sector.total.value) / whole
    if share == 0:
        return f"none, against a {boundary} total of {number(whole)}"
    size = (f"{share:.0f} %" if share >= 9.5 else f"{share:.2g} %" if share >= 0.001
            else "less than 0.001 %")
    if sector.sink:
        return f"offsets {size} of the {boundary} total"
    if not sector.counted:
        return f"not in the {boundary} total; equals {size} of it"
    return f"{size} of the {boundary} total"


def tenth(cells: xr.DataArray, area: xr.DataArray) -> float:
    """Return the share of a sum that the densest tenth of the area holds [1].

    Parameters
    ----------
    cells
        Values on (y, x) [per area].
    area
        Area of each cell in the study area [m2]; the cell at the edge of the tenth counts in part.
    """
    held: NDArray[np.float64] = area.transpose("y", "x").sortby(["y", "x"]).to_numpy().ravel()
    dense = np.nan_to_num(cells.to_numpy().ravel())
    order = np.argsort(-dense, kind="stable")
    ground = np.concatenate([[0.0], np.cumsum(held[order])])
    mass = np.concatenate([[0.0], np.cumsum((dense * held)[order])])
    return float(np.interp(0.1 * ground[-1], ground, mass) / mass[-1]) if mass[-1] else 0.0


def conditions(twin: Twin, boundary: str, total: Estimate,
               date: str) -> str:
    """Return the line under the title: place, boundary with its sum, cells and date."""
    value, span = tonnes(total)
    step = float(twin.record["cell_size"])
    said = [str(twin.record.get("city", "")), f"{heading(boundary)} boundary: {value} ({span})",
            f"{step:g} m cells", date]
    return "  ·  ".join(part for part in said if part)
