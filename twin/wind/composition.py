"""From one solve per direction to any hour, season, regime and year.

Neutral flow is linear in the speed: the ratio of the local to the reference wind depends on the
direction only, so one solve per direction serves all speeds. The solves come as a Dataset of ratios
over ``wind_from`` and any further dimensions, such as (wind_from, level, y, x): ``u``, ``v``, ``w``
(components), ``speed``, ``gust`` over the reference speed and ``k`` over its square. Variables of
other names are not carried over. Buildings are NaN and stay so.

Between two directions the response is interpolated, not the vector: ``u`` and ``v`` of both
neighbours are turned with the wind, so that open ground keeps a ratio of one at every direction,
where plain interpolation would cut the chord. ``w``, ``speed``, ``gust`` and ``k`` are interpolated
as they are. At the direction of a solve its result comes back exactly. Between two solves the
length of the vector may fall below ``speed``: where the air turns the other way, the mean vector
passes through zero, but the air does not stand still.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import xarray as xr
from numba import njit
from numpy.typing import ArrayLike, NDArray

from layers.errors import CityTwinError, MissingInput
from twin.wind.statistics import Array, Hours, check, directions_of

_POWER = {"u": 1, "v": 1, "w": 1, "speed": 1, "gust": 1, "k": 2}
_WORDS = {"u": "eastward wind", "v": "northward wind", "w": "upward wind", "speed": "wind speed",
          "gust": "gust", "k": "turbulent kinetic energy"}
_AT_ONCE = 2**22  # ratios held by one piece of work
_SLACK = 1e-9     # relative; hours this near to a threshold are computed, not sorted


def at_hour(ratios: xr.Dataset, speed: ArrayLike, wind_from: ArrayLike) -> xr.Dataset:
    """Return the wind of an hour, or of several over a leading dimension ``hour``.

    Parameters
    ----------
    ratios
        One solve per direction. Points picked from it give a time series of many hours; for whole
        fields of many hours see `hourly`. Solves still on disk are read one at a time.
    speed
        Reference wind speed, one number or (hours,) [m s-1].
    wind_from
        Direction it comes from; it may be NaN where the speed is 0 [degrees clockwise from north].
    """
    at = directions_of(ratios)
    n, width = len(at), 360.0 / len(at)
    v, a = np.broadcast_arrays(np.asarray(speed, dtype=float), np.asarray(wind_from, dtype=float))
    if v.ndim > 1:
        raise CityTwinError(f"the hours are {v.shape}, expected one number or a row of them")
    fast = v.ravel()
    position = ((np.where(fast == 0, at[0], a.ravel()) - at[0]) / width) % n
    known = np.isfinite(position) & np.isfinite(fast)
    floor = np.floor(np.where(known, position, 0.0))
    share = np.where(known, position - floor, np.nan)
    lower = floor.astype(np.int64) % n
    ends = (lower, 1 - share, share), ((lower + 1) % n, share, share - 1)
    out = _zeros(ratios, len(fast))
    for name, winds in out.items():
        for solve in np.unique(np.concatenate([lower, (lower + 1) % n])):
            values = _solve(ratios, name, int(solve))
            for which, part, steps in ends:
                for hour in np.flatnonzero((which == solve) & (part != 0)):
                    scale = fast[hour] ** _POWER[name] * part[hour]
                    angle = np.deg2rad(steps[hour] * width) if name in ("u", "v") else 0.0
                    winds[hour] += _turned(values, scale * np.cos(angle), scale * np.sin(angle))
    if v.ndim == 0:
        return _dressed(ratios, {name: winds[0] for name, winds in out.items()})
    return _dressed(ratios, out, "hour")


def hourly(ratios: xr.Dataset, speed: ArrayLike, wind_from: ArrayLike, *,
           block: int = 24) -> Iterator[xr.Dataset]:
    """Yield the winds of many hours, a block of hours at a time.

    Parameters
    ----------
    ratios
        One solve per direction.
    speed, wind_from
        Reference wind of each hour, (hours,) [m s-1] and [degrees clockwise from north].
    block
        Hours held at once; ``hour`` counts them from 0.
    """
    v, a = np.atleast_1d(np.asarray(speed, float)), np.atleast_1d(np.asarray(wind_from, float))
    for start in range(0, len(v), block):
        some = slice(start, start + block)
        wind = at_hour(ratios, v[some], a[some])
        yield wind.assign_coords(hour=np.arange(start, start + wind.sizes["hour"]))


def mean_over(ratios: xr.Dataset, hours: Hours) -> xr.Dataset:
    """Return the mean wind of the hours: of a season, a regime or a year.

    The mean of ``speed`` is of the speeds, that of ``u``, ``v``, ``w`` is the mean vector. No hour
    is held: the means are sums over the solves.
    """
    check(ratios, hours)
    n, share = len(hours.directions), hours.share
    angle = np.deg2rad(share * 360.0 / n), np.deg2rad((share - 1) * 360.0 / n)
    out = _zeros(ratios, 1)
    for name, total in out.items():
        size = hours.weight * hours.speed ** _POWER[name]
        ends = size * (1 - share), size * share
        cosine, sine = hours.by_solve(*ends), np.zeros(n)
        if name in ("u", "v"):
            cosine, sine = (hours.by_solve(*(e * f(x) for e, x in zip(ends, angle, strict=True)))
                            for f in (np.cos, np.sin))
        for solve in range(n):
            total[0] += _turned(_solve(ratios, name, solve), cosine[solve], sine[solve])
    return _dressed(ratios, {name: total[0] for name, total in out.items()})


def exceedance(ratio: xr.DataArray, climate: Hours | xr.Dataset, thresholds: ArrayLike, *,
               or_equal: bool = False) -> xr.DataArray:
    """Return the share of time the local speed is above each threshold.

    Parameters
    ----------
    ratio
        A speed over the reference speed for each solve: ``speed``, ``gust`` or that of `gem` [1].
    climate
        Hours laid out by `lay_out`, which are counted, or the Weibull sectors of
        `sector_statistics`.
    thresholds
        Speeds above zero, (t,) [m s-1].
    or_equal
        Whether hours just at the threshold count.

    Returns
    -------
    xarray.DataArray
        Over ``threshold`` and the dimensions of one solve [1].

    Notes
    -----
    Hours: in one direction the local speed is the ratio times the reference speed, so a threshold
    is looked up in the sorted speeds. Between two solves with ratios a and b only the hours whose
    speed lies between threshold/max(a, b) and threshold/min(a, b) need computing. Weibull: the sum
    over sectors of ``f exp((c/A)**k - (u/(rA))**k)``, f the share of time with wind and c the calm
    limit; where u/r is below c, all winds count.
    """
    limits = np.atleast_1d(np.asarray(thresholds, dtype=float))
    if limits.ndim != 1 or not (np.isfinite(limits) & (limits > 0)).all():
        raise CityTwinError(f"thresholds are {limits.tolist()}, expected speeds above zero")
    if isinstance(climate, Hours):
        check(ratio, climate)
    elif not np.allclose(climate["wind_from"], directions_of(ratio)):
        raise CityTwinError("the sectors are not those of the ratios")
    elif np.isnan(climate["scale"].where(climate["moving"] > 0, 1.0)).any():
        raise MissingInput("the winds are too few or too alike for a Weibull distribution",
                           mend="Count the hours: lay_out")
    first = ratio.isel(wind_from=0, drop=True)
    out = np.empty((len(limits), *first.shape), dtype=np.float32)
    whole = ratio.transpose("wind_from", *first.dims)
    for piece in pieces(ratio):
        values = whole.isel(piece).to_numpy()
        flat = values.reshape(len(values), -1)
        shares = (_count(flat, climate, limits, or_equal) if isinstance(climate, Hours)
                  else _weibull(flat, climate, limits))
        place = tuple(piece.get(d, slice(None)) for d in first.dims)
        out[(slice(None), *place)] = shares.reshape(len(limits), *values.shape[1:])
    return xr.DataArray(
        out, dims=("threshold", *first.dims),
        coords={"threshold": ("threshold", limits, {"units": "m s-1"}), **first.coords},
        name="exceedance", attrs={"units": "1", "long_name": "share of time above the threshold"})


def pieces(field: xr.DataArray | xr.Dataset) -> Iterator[dict[Any, slice]]:
    """Yield slices of the longest dimension that keep a piece of the ratios small."""
    sizes = {d: s for d, s in field.sizes.items() if d != "wind_from"}
    if not sizes:
        yield {}
        return
    cut = max(sizes, key=lambda d: sizes[d])
    other = int(np.prod([s for d, s in field.sizes.items() if d != cut]))
    step = max(1, _AT_ONCE // max(other, 1))
    for start in range(0, sizes[cut], step):
        yield {cut: slice(start, start + step)}


def _weibull(ratio: NDArray[Any], sectors: xr.Dataset, limits: Array) -> Array:
    out = np.where(np.isnan(ratio).any(axis=0), np.nan, 0.0) * np.ones((len(limits), 1))
    calm = float(sectors["calm_below"])
    columns = (sectors[name].to_numpy() for name in ("moving", "shape", "scale"))
    for often, shape, scale, r in zip(*columns, ratio, strict=True):
        if often <= 0:
            continue
        with np.errstate(divide="ignore"):
            needed = limits[:, None] / r.astype(np.float64)
        out += often * np.exp((calm / scale) ** shape - (np.maximum(needed, calm) / scale) ** shape)
    return out


def _count(ratio: NDArray[Any], hours: Hours, limits: Array, or_equal: bool) -> Array:
    n = len(hours.directions)
    start = np.searchsorted(hours.lower, np.arange(n + 1))
    passed = np.concatenate([[0.0], np.cumsum(hours.weight)])
    return np.asarray(_count_kernel(ratio, start, hours.share, hours.speed, hours.weight, passed,
                                    limits, or_equal))


@njit(cache=True, nogil=True, error_model="numpy")
def _count_kernel(ratio: Any, start: Any, share: Any, speed: Any, weight: Any, passed: Any,
                  limits: Any, or_equal: bool) -> Any:
    n, cells = ratio.shape
    out = np.zeros((len(limits), cells))
    for s in range(n):
        begin, end = start[s], start[s + 1]
        mixed = False
        for h in range(begin, end):
            mixed |= share[h] > 0
        for c in range(cells):
            a = np.float64(ratio[s, c])
            b = np.float64(ratio[(s + 1) % n, c]) if mixed else a
            for t in range(len(limits)):
                if np.isnan(a) or np.isnan(b):
                    out[t, c] = np.nan
                    continue
                least = limits[t] / max(a, b) * (1 - _SLACK)
                sure = limits[t] / min(a, b) * (1 + _SLACK)
                first, last = begin, end
                while first < last:
                    middle = (first + last) // 2
                    if speed[middle] < least:
                        first = middle + 1
                    else:
                        last = middle
                total, h = 0.0, first
                while h < end and speed[h] <= sure:
                    here = speed[h] * ((1 - share[h]) * a + share[h] * b)
                    if here > limits[t] or (or_equal and here == limits[t]):
                        total += weight[h]
                    h += 1
                out[t, c] += total + passed[end] - passed[h]
    return out


def _solve(ratios: xr.Dataset, name: str, solve: int) -> tuple[Any, Any]:
    """Return a variable of a solve, and what a clockwise turn mixes into it."""
    values = ratios[name].isel(wind_from=solve).to_numpy()
    if name not in ("u", "v"):
        return values, None
    other = ratios["v" if name == "u" else "u"].isel(wind_from=solve).to_numpy()
    return values, other if name == "u" else -other


def _turned(values: tuple[Any, Any], cosine: float, sine: float) -> Any:
    scaled = values[0] * float(cosine)
    return scaled if values[1] is None else scaled + values[1] * float(sine)


def _zeros(ratios: xr.Dataset, hours: int) -> dict[str, NDArray[Any]]:
    """Return zeros for every known variable, over hours and the dimensions of one solve."""
    names = [n for n in _POWER if n in ratios]
    if not names or ("u" in names) != ("v" in names):
        raise MissingInput(f"the ratios hold {', '.join(map(str, ratios)) or 'nothing'}, expected "
                           f"some of {', '.join(_POWER)}, and u with v")
    return {n: np.zeros((hours, *ratios[n].isel(wind_from=0).shape), ratios[n].dtype)
            for n in names}


def _dressed(ratios: xr.Dataset, data: dict[str, NDArray[Any]], *leading: str) -> xr.Dataset:
    coords = {k: c for k, c in ratios.coords.items() if "wind_from" not in c.dims}
    return xr.Dataset(
        {name: ((*leading, *ratios[name].isel(wind_from=0).dims), values,
                {"units": "m2 s-2" if name == "k" else "m s-1", "long_name": _WORDS[name]})
         for name, values in data.items()}, coords=coords)
