"""What the colours on a scene mean: the result, its limits, its means and its conditions."""

from __future__ import annotations

from dataclasses import dataclass

import xarray as xr

from twin.scene.figures import FINE, Total, cell_step, total_of, values_of, weather_of
from twin.scene.palette import Extend, extend, palette
from twin.scene.parts import Part, parts_of
from twin.scene.shown import Shown

_OVER_WATER = ("wind", "sun", "light", "heat")  # families whose values hold over water too


@dataclass(frozen=True)
class Legend:
    """What the colours on the ground mean.

    Parameters
    ----------
    variable, label, units
        Name of the result, its name in words and its units.
    low, high, extend
        Ends of the colours [units] and which of them need an arrow.
    cell
        Size of the cells [m].
    weather
        The weather it depends on, empty where it does not.
    total
        Its total or mean over the study area.
    parts
        What it is over the roofs, the walls and the open ground, where it is on them.
    """

    variable: str
    label: str
    units: str
    low: float
    high: float
    extend: Extend
    cell: float
    weather: str
    total: Total
    parts: tuple[Part, ...] = ()

    @property
    def green(self) -> bool:
        """Whether the result is itself of vegetation."""
        return palette(self.variable).family == "sinks"


def shown_of(cells: xr.Dataset | None, show: str | None, limits: tuple[float, float] | None
             ) -> tuple[Shown | None, Legend | None]:
    """Return a result as it is drawn and what its colours mean, None twice for a plain view.

    Parameters
    ----------
    cells
        Results on (y, x).
    show
        Name of the result.
    limits
        Low and high end of the colours [units of ``show``]; round ones when None.
    """
    if show is None:
        return None, None
    cells = xr.Dataset() if cells is None else cells
    values = values_of(cells, show)
    colours, step = palette(show), cell_step(values)
    low, high = limits or colours.limits(values)
    legend = Legend(show, str(values.attrs.get("long_name", show)),
                    str(values.attrs.get("units", "")), low, high, extend(low, high, values),
                    step, weather_of(cells, show), total_of(cells, show),
                    parts_of(cells, show, (low, high)))
    owner = values_of(cells, "building") if "building" in cells else None
    return Shown(values, colours.ramp(low, high), low, high, smooth=step < FINE,
                 over_water=colours.family in _OVER_WATER, owner=owner), legend
