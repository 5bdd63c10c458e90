"""The wind climate: hours laid out between the directions of the solves, and what sectors hold."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from layers.errors import CityTwinError, MissingInput
from twin.wind.criteria import threshold

Array = NDArray[np.float64]
Between = Literal["linear", "nearest"]
FEWEST = 30  # hours a sector needs for a shape of its own


@dataclass(frozen=True, eq=False)
class Hours:
    """Hours of wind between the directions of the solves, by direction, then by speed.

    Parameters
    ----------
    directions
        Directions of the solves, (n,) [degrees clockwise from north].
    lower
        Solve at or before the wind of the hour, clockwise, (m,).
    share
        Share of the next solve in the response, (m,) [1].
    speed
        Reference speed, rising within one `lower`, (m,) [m s-1].
    weight
        Share of all time, summing to one, (m,) [1].
    missing
        Share of the hours handed in that had to be left out [1].
    """

    directions: Array = field(repr=False)
    lower: NDArray[np.int64] = field(repr=False)
    share: Array = field(repr=False)
    speed: Array = field(repr=False)
    weight: Array = field(repr=False)
    missing: float = 0.0

    @property
    def rose(self) -> Array:
        """Share of time of each direction, (n,) [1]."""
        return self.by_solve(self.weight * (1 - self.share), self.weight * self.share)

    def by_solve(self, lower: Array, upper: Array) -> Array:
        """Sum what each hour gives its `lower` solve and the next one, (n,)."""
        n = len(self.directions)
        return np.asarray(np.bincount(self.lower, lower, n)
                          + np.bincount((self.lower + 1) % n, upper, n), dtype=np.float64)


def directions_of(ratios: xr.Dataset | xr.DataArray) -> Array:
    """Return the directions of the solves, which must divide the circle evenly.

    Raises
    ------
    CityTwinError
        When they do not, or there are fewer than two.
    """
    if "wind_from" not in ratios.coords or ratios["wind_from"].ndim != 1:
        raise CityTwinError("the ratios have no dimension 'wind_from' with directions in degrees")
    at = ratios["wind_from"].to_numpy().astype(float)
    if len(at) < 2 or not (0 <= at[0] < 360 and np.allclose(np.diff(at), 360 / len(at))):
        raise CityTwinError(f"the solves are for wind from {at.tolist()} degrees, expected two or "
                            "more that rise evenly around the circle, such as 0, 45, 90 ...")
    return at


def lay_out(speed: ArrayLike, wind_from: ArrayLike, directions: ArrayLike, *,
            weight: ArrayLike | None = None, between: Between = "linear", rounding: float = 0.0,
            light: float | None = None) -> Hours:
    """Lay hours out between the directions of the solves.

    Parameters
    ----------
    speed
        Wind speed of each hour, or of each regime, at the reference height of the ratios,
        (hours,) [m s-1].
    wind_from
        Direction it comes from, (hours,) [degrees clockwise from north].
    directions
        Directions of the solves, see `directions_of` [degrees].
    weight
        How often each hour counts, as for typical days or regimes, (hours,); alike when None.
    between
        ``"linear"`` interpolates the response between two solves; ``"nearest"`` takes the whole
        sector as its solve, as most standards do.
    rounding
        Width the directions were rounded to, with ``"nearest"``: each is spread evenly over it
        [degrees]. Reports in tens of degrees fall unevenly into 16 sectors, three into each
        cardinal one and two into the others; ``"linear"`` has no need of it.
    light
        Speed below which an hour without direction is kept and spread by the directions of the
        other light winds [m s-1]; ``wind.light`` of the table when None.

    Notes
    -----
    Hours without speed, or without direction in more than light winds, are left out and told in
    `Hours.missing`.
    """
    at = np.asarray(directions, dtype=float)
    n, width = len(at), 360.0 / len(at)
    v, a = (np.atleast_1d(np.asarray(x, dtype=float)) for x in (speed, wind_from))
    w = np.ones(v.shape) if weight is None else np.atleast_1d(np.asarray(weight, dtype=float))
    if v.ndim != 1 or not v.shape == a.shape == w.shape:
        raise CityTwinError(f"speeds, directions and weights are {v.shape}, {a.shape} and "
                            f"{w.shape}, expected one number an hour each")
    if (v < 0).any() or not (w >= 0).all() or not 0 <= rounding <= width:
        raise CityTwinError("speeds and weights must not be below zero, and the rounding of "
                            f"directions lies between 0 and {width:g} degrees")
    if between not in ("linear", "nearest"):
        raise CityTwinError(f"between is {between!r}, expected 'linear' or 'nearest'")
    below = threshold("light") if light is None else light
    placed = np.isfinite(v) & np.isfinite(a)
    loose = np.isfinite(v) & ~np.isfinite(a) & (v < below)
    total = float(w[placed | loose].sum())
    if total <= 0:
        raise MissingInput("there is no hour with a wind speed and direction",
                           mend="Use a weather file with wind")
    position = ((a[placed] - at[0]) / width) % n
    if between == "linear":
        lower = np.floor(position).astype(np.int64)
        parts = [(lower % n, position - lower, v[placed], w[placed])]
    else:
        half = 0.5 * rounding / width
        first, last = np.floor(position - half + 0.5), np.floor(position + half + 0.5)
        late = np.where(last > first, (position + half + 0.5 - last) / max(2 * half, 1e-300), 0.0)
        zero = np.zeros(len(position))
        parts = [((first % n).astype(np.int64), zero, v[placed], w[placed] * (1 - late)),
                 ((last % n).astype(np.int64), zero, v[placed], w[placed] * late)]
    if loose.any():
        rose = _light_rose(parts, n, below)
        count = int(loose.sum())
        parts.append((np.tile(np.arange(n), count), np.zeros(n * count), np.repeat(v[loose], n),
                      np.outer(w[loose], rose).ravel()))
    low, share, fast, often = (np.concatenate(column) for column in zip(*parts, strict=True))
    kept = np.flatnonzero(often > 0)
    order = kept[np.lexsort((fast[kept], low[kept]))]
    return Hours(at, low[order], share[order], fast[order], often[order] / total,
                 1.0 - total / float(w.sum()))


def _light_rose(parts: list[tuple[Any, ...]], n: int, below: float) -> Array:
    """Return the share of each direction in the light winds, of all winds where there are none."""
    calm = threshold("calm")
    for least, most in ((calm, below), (calm, np.inf)):
        rose = np.zeros(n)
        for lower, share, speed, weight in parts:
            counted = weight * ((speed >= least) & (speed < most))
            rose += np.bincount(lower, counted * (1 - share), n)
            rose += np.bincount((lower + 1) % n, counted * share, n)
        if rose.sum() > 0:
            return np.asarray(rose / rose.sum())
    return np.full(n, 1.0 / n)


def check(ratios: xr.Dataset | xr.DataArray, hours: Hours) -> None:
    """Raise a CityTwinError unless the hours were laid out for the directions of the ratios."""
    at = directions_of(ratios)
    if len(at) != len(hours.directions) or not np.allclose(at, hours.directions):
        raise CityTwinError(f"the hours are laid out for {len(hours.directions)} directions from "
                            f"{hours.directions[0]:g}, the ratios have {len(at)} from {at[0]:g}",
                            mend="Lay them out with directions_of(ratios)")




def sector_statistics(wind_speed: ArrayLike, wind_direction: ArrayLike, sectors: int = 16, *,
                      calm: float | None = None, light: float | None = None,
                      rounding: float = 0.0) -> xr.Dataset:
    """Return how often and how fast the wind blows from each sector, with Weibull parameters.

    Parameters
    ----------
    wind_speed
        Reference wind speed of each hour, (hours,) [m s-1].
    wind_direction
        Direction it comes from, (hours,) [degrees clockwise from north].
    sectors
        Number of sectors; the first is centred on north.
    calm
        Speed below which the air is calm and its direction means nothing [m s-1]; ``wind.calm`` of
        the table when None.
    light
        Calms are spread by the directions of the winds below this speed [m s-1]; ``wind.light``
        of the table when None.
    rounding
        Width the directions were rounded to, 10 for most stations; see `lay_out` [degrees].

    Returns
    -------
    xarray.Dataset
        Over ``wind_from``: ``frequency``, calms included, sums to one; ``moving``, the share of
        time with wind from the sector, sums to one less ``calm``; Weibull ``shape`` and ``scale``
        of the winds that move; ``fitted``, whether they are the sector's own; ``mean_speed``,
        calms included. Scalars: ``calm``, ``calm_below`` and the share ``missing``.

    Notes
    -----
    Maximum likelihood of a Weibull distribution cut off on the left at the calm limit, since the
    anemometer does not tell calms apart; the calms are a share of their own, as in the hybrid
    distribution of Takle & Brown. A sector of fewer than 30 hours takes the shape of all winds,
    and the scale that fits its own hours; an empty one takes both.

    References
    ----------
    Takle & Brown (1978), J. Appl. Meteorol. 17:556.
    """
    limit = threshold("calm") if calm is None else calm
    v, a = np.asarray(wind_speed, dtype=float), np.asarray(wind_direction, dtype=float)
    at = np.arange(sectors) * 360.0 / sectors
    still = v < limit
    below = max(threshold("light") if light is None else light, limit)
    whole = lay_out(v, a, at, between="nearest", light=below)
    calms = float(still.sum()) / (v.size * (1.0 - whole.missing))
    parts = [np.zeros(sectors) for _ in range(6)]
    moving, passing, airs, shape, scale, own = parts
    if calms < 1.0:
        hours = lay_out(np.where(still, np.nan, v), a, at, between="nearest", rounding=rounding,
                        light=below)
        often = hours.weight * (1.0 - calms)
        for total, each in ((moving, often), (passing, often * hours.speed),
                            (airs, often * (hours.speed < below))):
            total += np.bincount(hours.lower, each, sectors)
        everywhere = fit_weibull(hours.speed, often, above=limit)
        for s in range(sectors):
            here = hours.lower == s
            speed, weight = hours.speed[here], often[here]
            found = fit_weibull(speed, weight, above=limit)
            own[s] = here.sum() >= FEWEST and np.isfinite(found[0])
            shape[s], scale[s] = found if own[s] else everywhere
            if len(speed) and not own[s]:
                scale[s] = _scale(speed, weight, everywhere[0], limit)
    rose = next((r / r.sum() for r in (airs, moving) if r.sum() > 0), np.full(sectors, 1 / sectors))
    frequency = moving + calms * rose
    slow = float(v[still].mean()) if calms > 0 else 0.0
    mean = np.divide(passing + calms * rose * slow, frequency, out=np.full(sectors, np.nan),
                     where=frequency > 0)
    table = (("frequency", frequency, "1", "share of time, calms spread by the light winds"),
             ("moving", moving, "1", "share of time with wind from the sector"),
             ("shape", shape, "1", "Weibull shape"), ("scale", scale, "m s-1", "Weibull scale"),
             ("fitted", own > 0, "1", "whether the sector has a shape of its own"),
             ("mean_speed", mean, "m s-1", "mean wind speed"))
    return xr.Dataset(
        {name: ("wind_from", values, {"units": units, "long_name": words})
         for name, values, units, words in table}
        | {"calm": calms, "calm_below": limit, "missing": whole.missing},
        coords={"wind_from": ("wind_from", at, {"units": "degree"})})


def fit_weibull(speed: ArrayLike, weight: ArrayLike | None = None, *,
                above: float = 0.0) -> tuple[float, float]:
    """Return Weibull shape [1] and scale [m s-1] by maximum likelihood, NaN where there is none.

    Parameters
    ----------
    speed
        Wind speeds, none below `above` [m s-1].
    weight
        How often each counts; alike when None.
    above
        Speeds were recorded from here on only [m s-1].

    Notes
    -----
    With the sample cut off at c, ``A**k = mean(u**k - c**k)`` and k solves
    ``1/k + mean(ln u) = mean(u**k ln u - c**k ln c) / mean(u**k - c**k)``, bracketed between 0.2
    and 30. There is none when all speeds are equal, or when the tail is heavier than any Weibull's.

    References
    ----------
    Cohen (1965), Technometrics 7:579, doi:10.1080/00401706.1965.10490300, for c = 0.
    """
    from scipy.optimize import brentq

    v = np.asarray(speed, dtype=float)
    w = np.ones(v.shape) if weight is None else np.asarray(weight, dtype=float)
    kept = (v > 0) & (w > 0)
    v, w = v[kept], w[kept]
    if len(v) < 2:
        return np.nan, np.nan
    w = w / w.sum()
    unit = float(w @ v)
    y, c = v / unit, above / unit
    logs = np.log(y)

    def slope(k: float) -> float:
        powers = y**k
        cut = c**k if c > 0 else 0.0
        rest = float(w @ (powers * logs)) - (cut * np.log(c) if c > 0 else 0.0)
        return 1 / k + float(w @ logs) - rest / (float(w @ powers) - cut)

    low, high = 0.2, 30.0
    if y.max() <= max(y.min(), c) * (1 + 1e-9) or slope(low) <= 0 or slope(high) >= 0:
        return np.nan, np.nan
    k = float(brentq(slope, low, high, xtol=1e-10))
    return k, _scale(v, w, k, above)


def _scale(speed: Array, weight: Array, shape: float, above: float) -> float:
    """Return the scale of greatest likelihood for a given shape [m s-1]."""
    excess = float(weight @ (speed**shape - above**shape)) / float(weight.sum())
    return excess ** (1 / shape) if excess > 0 else np.nan
