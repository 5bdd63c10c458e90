"""What a picture says of a result in figures: its values on cells, its total, its conditions."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any, NamedTuple

import xarray as xr

from layers.errors import MissingInput, nearest
from twin.fonts import MINUS, pretty_units
from twin.label import Var
from twin.result import Twin
from twin.scene.palette import declared, palette
from twin.sun.tariffs import CURRENCY

FINE = 20.0  # smaller cells are drawn blended [m]
GROUND = {"open_ground_share": "of the open ground", "sun_ground_share": "of the open ground",
          "sun_roof_share": "of the roofs", "walkable_share": "of the walkable ground"}


class Total(NamedTuple):
    """The total or mean of a result over the study area, as `Twin.totals` has it.

    Parameters
    ----------
    value, low, high
        Value and the ends of its 95 % range, NaN without one [units].
    units
        Their units.
    word
        ``"total"`` or ``"mean"``.
    percent
        Whether it is a share that people read in percent.
    where
        Ground it is taken over.
    """

    value: float
    low: float
    high: float
    units: str
    word: str
    percent: bool = False
    where: str = "of the study area"

    @property
    def times(self) -> int:
        """What the value is multiplied by to be read."""
        return 100 if self.percent else 1

    @property
    def words(self) -> str:
        """The value with its unit."""
        units = "%" if self.percent else pretty_units(self.units)
        return f"{number(self.value * self.times)} {units}".strip()

    @property
    def span(self) -> str:
        """The 95 % range in words, empty without one."""
        if not (math.isfinite(self.low) and math.isfinite(self.high)):
            return ""
        low, high = (number(v * self.times) for v in (self.low, self.high))
        return f"95 % range {low} to {high}"

    def change(self, base: Total) -> tuple[str, str]:
        """Return the change from another total in words, and its share of that, else empty."""
        change = (self.value - base.value) * self.times
        if not change:
            return "no change", ""
        units = "points" if self.percent else pretty_units(base.units)
        like = base.value * self.times
        words = f"{number(change, sign=True, like=like)} {units}".strip()
        if self.percent or not base.value or not math.isfinite(change):
            return words, ""
        share = 100 * (self.value / base.value - 1)
        return words, f"{share:{'+.1f' if abs(share) >= 0.05 else '+.1g'}} %".replace("-", MINUS)


def values_of(cells: xr.Dataset | None, show: str) -> xr.DataArray:
    """Return a result on (y, x), rising.

    Raises
    ------
    MissingInput
        When there is none of that name, or it has more dimensions.
    """
    if cells is None or show not in cells:
        known = [str(v) for v in cells.data_vars] if cells is not None else []
        raise MissingInput(f"there is no result {show!r}{nearest(show, known)}",
                           mend=f"Results are {', '.join(known[:8]) or 'none'}")
    values = cells[show]
    if set(values.dims) != {"y", "x"}:
        extra = ", ".join(str(d) for d in values.dims if d not in ("y", "x"))
        raise MissingInput(f"result {show!r} is on {', '.join(map(str, values.dims))}, a picture "
                           "needs (y, x)", mend=f"Choose one of {extra} or take the mean first")
    return values.transpose("y", "x").sortby(["y", "x"])


def plan_view(cells: xr.Dataset, show: str) -> xr.Dataset:
    """Return results in which ``show`` is on (y, x): the mean over directions, if it has any."""
    extra = [d for d in cells[show].dims if d not in ("y", "x")]
    if not extra:
        return cells
    mean = cells[show].mean(extra)
    words = str(cells[show].attrs.get("long_name", show)).removesuffix(", by direction")
    mean.attrs = {**cells[show].attrs, "long_name": f"{words}, mean of all directions"}
    return cells.assign({show: mean})


def cell_step(values: xr.DataArray) -> float:
    """Return the cell size of a result [m]."""
    x, y = values["x"].to_numpy(), values["y"].to_numpy()
    along = x if len(x) > 1 else y
    return float(abs(along[-1] - along[0]) / (len(along) - 1)) if len(along) > 1 else 1.0


def total_of(cells: xr.Dataset, variable: str) -> Total:
    """Return the total or mean of a result over the study area.

    Parameters
    ----------
    cells
        Results with ``cell_area`` [m2], the part of each cell inside the study area; whole cells
        where it is missing. The attribute ``over`` of the result says what ground its mean is
        taken over, where its declaration does not.
    variable
        Name of the result.
    """
    values = values_of(cells, variable)
    if "cell_area" not in cells:
        cells = cells.assign(cell_area=xr.full_like(values, cell_step(values) ** 2, dtype=float))
    units = str(values.attrs.get("units", "1"))
    var = declared(variable)
    if var is None or var.total is None:
        var = Var(variable, units, variable, total="mean", estimate=True)
    for code in CURRENCY.values():  # the results know whose money it is
        if code in units.split():
            var = var.local(code)
    var = replace(var, estimate=var.estimate and {f"{variable}_low", f"{variable}_high"}
                  <= set(cells), weight=var.weight if var.weight in cells else "")
    row: Any = Twin(cells, variables={variable: var}).totals().loc[variable]
    return Total(float(row["value"]), float(row["low"]), float(row["high"]), str(row["unit"]),
                 "total" if var.total == "sum" else "mean", is_share(variable, units),
                 GROUND.get(var.weight, str(values.attrs.get("over", "of the study area"))))


def is_share(variable: str, units: str) -> bool:
    """Return whether a result is a share of one that people read in percent."""
    return units in ("1", "") and variable.endswith(("share", "coverage"))


def legend_units(variable: str, units: str) -> str:
    """Return the units a legend names, percent for shares."""
    return "%" if is_share(variable, units) else pretty_units(units)


def weather_of(cells: xr.Dataset, variable: str) -> str:
    """Return the words for the weather that a result depends on, empty where it does not."""
    if palette(variable).family not in ("sun", "light", "wind", "heat"):
        return ""
    weather = str(cells.attrs.get("weather", ""))
    return "" if weather == "none" else weather


def short(value: float) -> str:
    """Return a number as it stands at a tick."""
    return (f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}").replace("-", MINUS)


def number(value: float, *, sign: bool = False, like: float | None = None) -> str:
    """Return a number with three figures and its thousands apart.

    Parameters
    ----------
    value
        The number.
    sign
        Whether to set a plus before a positive one.
    like
        A number whose last place it does not go beyond by more than one.
    """
    if not math.isfinite(value):
        return "unknown"
    places = 2 - math.floor(math.log10(abs(value))) if value else 0
    if like:
        places = min(places, 3 - math.floor(math.log10(abs(like))))
    rounded = round(value, places)
    text = f"{rounded:{'+' if sign and rounded else ''},.{max(0, places)}f}"
    return text.replace("-", MINUS)
