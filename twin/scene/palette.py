"""Colours by family of variable, and limits that people can read.

Every ramp goes from the tone of the paper to a dark end: darker is more. Light alone goes the
other way, since a bright place is read as one in the sun. Green means vegetation and nothing else,
blue means wind. Change is drawn in ``vik`` with blue as the better end where a
direction is meant, and in purple and orange where none is.

References
----------
F. Crameri, Scientific colour maps, doi:10.5281/zenodo.1243862 (lajolla, lipari, acton, vik), made
even in lightness and readable without colour vision.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from matplotlib import colormaps
from matplotlib.colors import Colormap, LinearSegmentedColormap, ListedColormap, to_rgb
from numpy.typing import ArrayLike, NDArray

if TYPE_CHECKING:
    from twin.label import Var

Better = Literal["more", "less", "neutral"]
Extend = Literal["neither", "min", "max", "both"]

PAPER = "#f4f2ec"
_STEPS = (1.0, 1.2, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0)
_DEAD = 0.05  # half-width of the band of no change, as a share of the limit

_WIND = (PAPER, "#cfe0e8", "#93bfd8", "#5199c4", "#2a6aa6", "#16407f", "#0f2a5e")
_SINKS = (PAPER, "#d5e5c4", "#a3c98e", "#69a868", "#35834a", "#125c36", "#063d26")
_FORM = (PAPER, "#d9d6d3", "#b3b0b4", "#87868f", "#5d5e6b", "#3a3c49", "#1f212b")

# Words in a variable's name -> family and which way is better; the first that matches wins.
_FAMILIES: tuple[tuple[tuple[str, ...], str, Better], ...] = (
    (("sink", "sequest", "uptake", "removal", "stock", "taken_up"), "sinks", "more"),
    (("irradiation", "insolation", "sun_hours", "sunlight", "sunlit", "daylight", "sky_view",
      "svf"), "light", "neutral"),
    (("pv", "solar", "photovoltaic"), "sun", "more"),
    (("co2", "ghg", "emission", "carbon", "energy", "traffic", "heat_demand"), "emissions",
     "less"),
    (("calm", "stagnant", "still"), "wind", "less"),
    (("wind", "speed", "gust", "ventilation", "breeze", "corridor", "lawson",
      "nen"), "wind", "neutral"),
    (("green", "tree", "canopy", "vegetation", "leaf", "grass", "crown"), "sinks", "more"),
    (("cooling",), "sinks", "more"),
    (("utci", "pet", "temperature", "heat", "tmrt"), "heat", "less"),
)


@dataclass(frozen=True)
class Palette:
    """How a variable is coloured and which way is better.

    Parameters
    ----------
    family
        ``emissions``, ``sun``, ``light``, ``sinks``, ``wind``, ``heat`` or ``form``.
    better
        Whether more of it is better, less is, or neither.
    """

    family: str
    better: Better

    def ramp(self, low: float = 0.0, high: float = 1.0) -> Colormap:
        """Return the colours of a value; a family that crosses zero is green below it.

        Parameters
        ----------
        low, high
            Limits the ramp is drawn for [units of the variable].
        """
        if self.family == "emissions" and low < 0 < high:
            below, above = _named("sinks"), _named("emissions")
            reach = max(-low, high)
            values = np.linspace(low, high, 256) / reach
            colours = np.where(values[:, None] < 0, below(-values), above(np.abs(values)))
            return ListedColormap(colours, name="net")
        return _named(self.family)

    def limits(self, *values: ArrayLike) -> tuple[float, float]:
        """Return round limits that hold most of the values.

        Those of light begin near the darkest place, since nothing is wholly dark over a year.
        """
        if self.family != "light":
            return nice_limits(*values)
        flat = np.concatenate([np.asarray(v, dtype=float).ravel() for v in values])
        flat = flat[np.isfinite(flat)]
        if flat.size == 0 or flat.min() < 0 or flat.max() <= 0:
            return nice_limits(flat)
        low, high = np.percentile(flat, [1, 99])
        step = nice_ceil(max(float(high - low), 0.1 * float(high)) / 6)
        return (float(f"{math.floor(low / step) * step:.9g}"),
                float(f"{math.ceil(high / step) * step:.9g}"))

    def change(self) -> Colormap:
        """Return the colours of a change on symmetric limits, no change drawn as paper."""
        import cmcrameri.cm as crameri

        ends: Colormap = {"less": crameri.vik, "more": crameri.vik_r,
                          "neutral": colormaps["PuOr_r"]}[self.better]
        at = np.linspace(-1, 1, 256)
        # The middle of the ramp is stretched over the dead band, so that its edge is a soft step.
        colours = ends(0.5 + 0.5 * np.sign(at) * (0.08 + 0.84 * np.abs(at)))
        colours[np.abs(at) <= _DEAD] = (*to_rgb(PAPER), 1.0)
        return ListedColormap(colours, name=f"change_{self.better}")

    @property
    def good_word(self) -> str:
        """Words for the legend of a change: which colour is better."""
        return "" if self.better == "neutral" else "blue = better, brown = worse"


def palette(variable: str) -> Palette:
    """Return the palette of a result: its family by the words in its name.

    Which way is better is what the indicator that gives it declares, else what is usual for the
    family.
    """
    name = variable.lower()
    parts = set(name.replace("-", "_").replace(".", "_").split("_"))
    found = next((Palette(family, better) for words, family, better in _FAMILIES
                  if any(w in parts or (len(w) > 3 and w in name) for w in words)),
                 Palette("form", "neutral"))
    known = declared(variable)
    ways: dict[int, Better] = {1: "more", -1: "less", 0: "neutral"}
    return found if known is None else Palette(found.family, ways[known.better])


def declared(variable: str) -> Var | None:
    """Return the declaration of a result by the project's own indicators, None for others."""
    from twin.indicators import INDICATORS
    from twin.label import label_of

    return next((v for f in INDICATORS for v in label_of(f).gives if v.name == variable), None)


def dead_band(limit: float) -> float:
    """Return the change below which nothing is drawn, for a symmetric limit [same units]."""
    return _DEAD * limit


def nice_ceil(value: float) -> float:
    """Return the round number at or just above a positive value.

    Examples
    --------
    >>> nice_ceil(0.037), nice_ceil(1.01), nice_ceil(873)
    (0.04, 1.2, 1000.0)
    """
    if not value > 0 or not math.isfinite(value):
        return 1.0
    power = 10.0 ** math.floor(math.log10(value))
    step = next(s for s in _STEPS if s * power >= value * (1 - 1e-9))
    return float(f"{step * power:.6g}")


def nice_limits(*values: ArrayLike, symmetric: bool = False,
                share: float = 98.0) -> tuple[float, float]:
    """Return round limits that hold most of the values.

    Parameters
    ----------
    *values
        Arrays that must share the limits; NaN is left out.
    symmetric
        Whether to return ``(-x, x)``. Cells with no change are then left out of the count, so
        that a small changed spot is not lost in a large unchanged city.
    share
        Percentile of the values that the limits hold [0..100].

    Returns
    -------
    tuple
        Low and high. Low is 0 where no value is negative and the values come near it.
    """
    flat: NDArray[np.float64] = np.concatenate(
        [np.asarray(v, dtype=float).ravel() for v in values] or [np.zeros(0)])
    flat = flat[np.isfinite(flat)]
    if flat.size == 0:
        return (-1.0, 1.0) if symmetric else (0.0, 1.0)
    if symmetric:
        size = np.abs(flat)
        changed = size[size > 1e-9 * max(float(size.max()), 1e-300)]
        top = nice_ceil(float(np.percentile(changed, share))) if changed.size else 1.0
        return -top, top
    low, high = np.percentile(flat, [100 - share, share])
    if high <= 0:
        return (-nice_ceil(-float(low)), 0.0) if low < 0 else (0.0, nice_ceil(float(flat.max())))
    if flat.min() < 0:
        return (-nice_ceil(-float(low)) if low < 0 else 0.0), nice_ceil(float(high))
    if low > 0.7 * high:  # a narrow band far from zero, such as a temperature
        step = nice_ceil(max(float(high - low), 1e-6 * float(high))) / 4
        return float(math.floor(low / step) * step), float(math.ceil(high / step) * step)
    return 0.0, nice_ceil(float(high))


def extend(low: float, high: float, *values: ArrayLike) -> Extend:
    """Return which ends of a legend need an arrow because values lie beyond."""
    flat = np.concatenate([np.asarray(v, dtype=float).ravel() for v in values])
    flat = flat[np.isfinite(flat)]
    slack = 1e-9 * max(abs(low), abs(high))
    below = bool((flat < low - slack).any())
    above = bool((flat > high + slack).any())
    return "both" if below and above else "min" if below else "max" if above else "neither"


def _named(family: str) -> Colormap:
    import cmcrameri.cm as crameri

    if family == "emissions":
        return _cut(crameri.lajolla_r, 0.03, 0.86)
    if family == "sun":
        return _cut(crameri.lipari_r, 0.0, 0.86)
    if family == "light":
        return ListedColormap(crameri.lajolla(np.linspace(0.06, 0.90, 256)), name="light")
    if family == "heat":
        return _cut(crameri.acton_r, 0.0, 0.92)
    stops = {"wind": _WIND, "sinks": _SINKS, "form": _FORM}[family]
    return LinearSegmentedColormap.from_list(family, stops)


def _cut(ramp: Colormap, low: float, high: float) -> Colormap:
    """Return part of a ramp, its first tenth led in from the paper tone."""
    at = np.linspace(0, 1, 256)
    colours = ramp(low + (high - low) * at)
    lead = np.clip(at / 0.10, 0, 1)[:, None]
    colours[:, :3] = lead * colours[:, :3] + (1 - lead) * np.array(to_rgb(PAPER))
    return ListedColormap(colours, name=ramp.name)
