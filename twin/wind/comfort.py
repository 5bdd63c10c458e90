"""What the wind of a year means on the ground: comfort and danger classes, stagnation, air paths.

Everything is read off the ratios of one solve per direction, see `twin.wind.composition`, and a
wind climate: hours that were laid out, or Weibull sectors. Classes are small integers that count
from the calmest class; -1 stands in buildings.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from layers.errors import CityTwinError, MissingInput
from twin.wind.composition import at_hour, exceedance, pieces
from twin.wind.criteria import CRITERIA, Criterion, Values, criterion, threshold
from twin.wind.statistics import Hours, directions_of

Mask = NDArray[np.bool_] | xr.DataArray
NOWHERE = -1  # class of a cell without air


def gem(ratios: xr.Dataset, values: Values | None = None) -> xr.DataArray:
    """Return the gust equivalent mean over the reference speed.

    Parameters
    ----------
    ratios
        ``speed`` over the reference speed and ``k`` over its square.
    values
        Thresholds in place of those of the table, by stem.

    Notes
    -----
    ``max(U, (U + g s) / G)`` with g = 3.5, G = 1.85 and ``s**2 = i k``. The factor i is 2/3 in
    isotropic turbulence; around a measured block (AIJ case A) its median is 0.96 at pedestrian
    height, so 1 is taken.

    References
    ----------
    Lawson (1990), TVL 9025, University of Bristol.
    Meng & Hibi (1998), doi:10.5359/jawe.1998.76_55.
    """
    if not {"speed", "k"} <= set(ratios):
        raise MissingInput("a gust equivalent mean needs 'speed' and 'k' of the solves")
    peak, mean, part = (threshold(f"gust.{n}", values) for n in ("peak", "ratio", "isotropy"))
    speed, k = ratios["speed"], ratios["k"]
    out = ((speed + (k * part) ** 0.5 * peak) / mean).clip(min=speed)
    out.attrs = {"units": "1", "long_name": "gust equivalent mean over the reference wind speed"}
    return out.rename("gem")


def comfort(ratios: xr.Dataset, climate: Hours | xr.Dataset, names: Iterable[str] = CRITERIA, *,
            values: Values | None = None) -> xr.Dataset:
    """Return the classes of every cell by several criteria.

    Parameters
    ----------
    ratios
        One solve per direction: ``speed``, and ``k`` where a criterion needs gusts. Pick the level
        the criteria hold at first: 1.5 to 1.75 m.
    climate
        Hours of a year laid out by `lay_out`, or Weibull sectors of `sector_statistics`.
    names
        Of `CRITERIA`.
    values
        Thresholds in place of those of the table, by stem.
    """
    if "speed" not in ratios:
        raise MissingInput("wind comfort needs 'speed' of the solves")
    directions_of(ratios)
    chosen = [criterion(n, values) for n in names]
    kinds = {c.quantity: sorted({v for o in chosen if o.quantity == c.quantity for v in o.speeds})
             for c in chosen}
    first = ratios["speed"].isel(wind_from=0, drop=True)
    out = {c.name: np.full(first.shape, NOWHERE, dtype=np.int8) for c in chosen}
    for piece in pieces(ratios["speed"]):
        part = ratios[["speed", "k"] if "gem" in kinds else ["speed"]].isel(piece).load()
        place = tuple(piece.get(d, slice(None)) for d in first.dims)
        for kind, speeds in kinds.items():
            ratio = part["speed"] if kind == "speed" else gem(part, values)
            shares_of_time = exceedance(ratio, climate, speeds)
            for c in chosen:
                if c.quantity == kind:
                    out[c.name][place] = classify(shares_of_time, c).to_numpy()
    return xr.Dataset({c.name: (first.dims, out[c.name], _attributes(c)) for c in chosen},
                      coords=first.coords)


def classify(above: xr.DataArray, chosen: Criterion) -> xr.DataArray:
    """Return the class of every cell by one criterion, int8 with flags.

    Parameters
    ----------
    above
        Share of time above the speeds of the criterion, over ``threshold``; see `exceedance` [1].
    chosen
        The criterion.

    Notes
    -----
    Shares are held in single precision, so one within a millionth of a limit is at the limit.
    """
    first = above.isel(threshold=0, drop=True)
    out = np.full(first.shape, len(chosen.speeds), dtype=np.int8)
    near = 1 + 1e-6 if chosen.at_most else 1 - 1e-6
    limits = list(zip(chosen.speeds, chosen.probabilities, strict=True))
    for number, (speed, most) in reversed(list(enumerate(limits))):
        share = above.sel(threshold=speed).to_numpy()
        out[share <= most * near] = number
        out[np.isnan(share)] = NOWHERE
    return xr.DataArray(out, dims=first.dims, coords=first.coords, name=chosen.name,
                        attrs=_attributes(chosen))


def weak_wind(ratio: xr.DataArray, climate: Hours, *, values: Values | None = None) -> xr.Dataset:
    """Return the share of time the air is still, below 0.3 m/s, or weak, below 1 and 1.5 m/s.

    Hours are counted; a Weibull distribution knows nothing below its calm limit.
    """
    names = ("still", "weak", "weak_upper")
    speeds = [threshold(n, values) for n in names]
    above = exceedance(ratio, climate, speeds, or_equal=True)
    return xr.Dataset({
        n: (1 - above.isel(threshold=i, drop=True)).assign_attrs(
            units="1", long_name=f"share of time with wind below {v:g} m s-1")
        for i, (n, v) in enumerate(zip(names, speeds, strict=True))})


def shares(classes: xr.DataArray, ground: Mask) -> xr.DataArray:
    """Return the share of the open ground in each class, over ``class``.

    Parameters
    ----------
    classes
        Classes of cells of one size, with flags; cells without a class are not counted.
    ground
        Which cells are counted, of the same shape.
    """
    names = str(classes.attrs["flag_meanings"]).split()
    counted = classes.to_numpy()[np.broadcast_to(np.asarray(ground, dtype=bool), classes.shape)]
    numbers = np.array([(counted == i).sum() for i in range(len(names))], dtype=float)
    total = numbers.sum()
    return xr.DataArray(numbers / total if total else numbers * np.nan, dims="class",
                        coords={"class": names}, name=classes.name,
                        attrs={"units": "1", "long_name": "share of the open ground"})


def green_building(ratios: xr.Dataset, *, winter: tuple[float, float],
                   summer: tuple[float, float] | None = None, rest: Mask | None = None,
                   undisturbed: float = 1.0, values: Values | None = None) -> xr.Dataset:
    """Return where the outdoor wind meets the Chinese standard for green buildings.

    Parameters
    ----------
    ratios
        ``speed`` of one solve per direction, at 1.5 m.
    winter, summer
        Typical wind of the season: reference speed [m s-1] and direction it comes from [degrees].
    rest
        Rest and play areas, in the shape of one solve; none when None.
    undisturbed
        Speed over open ground at 1.5 m over the reference speed [1].
    values
        Thresholds in place of those of the table, by stem.

    Notes
    -----
    Winter: below 5 m/s, below 2 m/s in rest areas, and less than twice the speed over open ground;
    a cell has the worst class it earns. Summer: no still air. Pressures on walls and vortices are
    not judged here.

    References
    ----------
    GB/T 50378-2019, 8.2.8; JGJ/T 449-2018.
    """
    limit = {n: threshold(f"gbt_50378.{n}", values) for n in ("walking", "rest", "amplification")}
    cold = at_hour(ratios[["speed"]], *winter)["speed"]
    resting = np.broadcast_to(False if rest is None else np.asarray(rest, dtype=bool), cold.shape)
    v = cold.to_numpy()
    faults = {"winter": (v, {
        "amplified": v >= limit["amplification"] * undisturbed * winter[0],
        "rest_area_windy": resting & (v >= limit["rest"]), "too_windy": v >= limit["walking"]})}
    if summer is not None:
        v = at_hour(ratios[["speed"]], *summer)["speed"].to_numpy()
        faults["summer"] = (v, {"still": v < threshold("still", values)})
    out = {}
    for season, (speed, found) in faults.items():
        numbers = np.zeros(speed.shape, dtype=np.int8)
        for number, where in enumerate(found.values(), start=1):
            numbers[where] = number
        numbers[np.isnan(speed)] = NOWHERE
        good = "meets" if season == "winter" else "aired"
        attrs = _flags([good, *found], f"{season} wind outdoors, GB/T 50378-2019")
        out[season] = (cold.dims, numbers, attrs | {
            "standard": "GB/T 50378-2019, 8.2.8", "height": threshold("height.gbt_50378", values)})
    return xr.Dataset(out, coords=cold.coords)


def velocity_ratio(ratio: xr.DataArray, frequency: xr.DataArray, *,
                   aloft: float = 1.0) -> xr.DataArray:
    """Return the speed over that of the free wind, averaged by how often each direction blows.

    Parameters
    ----------
    ratio
        Pedestrian speed over the reference speed for each solve [1].
    frequency
        Share of time of each direction, such as ``frequency`` of `sector_statistics` [1].
    aloft
        Free wind, taken at 500 m, over the reference speed [1]. With 1 it is the plain mean ratio.

    References
    ----------
    Ng (2009), Build. Environ. 44:1478, doi:10.1016/j.buildenv.2008.06.013.
    """
    often, at = frequency.to_numpy(), directions_of(ratio)
    if len(often) != len(at) or not np.allclose(frequency["wind_from"], at):
        raise CityTwinError(f"the frequencies are of {len(often)} directions, the ratios of "
                            f"{len(at)}: expected the same")
    first = ratio.isel(wind_from=0, drop=True)
    total = np.zeros(first.shape, dtype=first.dtype)
    for i, f in enumerate(often):
        total += ratio.isel(wind_from=i).to_numpy() * float(f / (often.sum() * aloft))
    return xr.DataArray(total, dims=first.dims, coords=first.coords, name="velocity_ratio",
                        attrs={"units": "1", "long_name": "wind velocity ratio VRw",
                               "height": threshold("height.ava"),
                               "height_aloft": threshold("ava.aloft")})


def spatial_ratios(ratio: xr.DataArray, site: Mask, ground: Mask, *,
                   mean_speed: xr.DataArray | None = None,
                   spacing: float | None = None) -> xr.Dataset:
    """Return the site and local spatial average velocity ratios of the Hong Kong assessment.

    Parameters
    ----------
    ratio
        Velocity ratio of every cell, over (y, x) [1].
    site
        Cells of the building site, (ny, nx).
    ground
        Cells of the assessment area people can walk on, (ny, nx). The guide reaches as far from
        the site as its highest building is high.
    mean_speed
        Mean speed of the year, over (y, x) [m s-1].
    spacing
        Least distance of test points on the edge of the site, 10 to 50 [m]; ``wind.ava.spacing``
        of the table when None.

    Returns
    -------
    xarray.Dataset
        ``svr``, mean over the test points just outside the site; ``lvr``, mean over the walkable
        cells; the raster ``test_point``; and, with a mean speed, ``target_share`` of the walkable
        cells that reach 1.5 m/s.

    References
    ----------
    Hong Kong, HPLB Technical Circular 1/06 and ETWB Technical Circular 1/06.
    """
    from scipy.ndimage import binary_dilation

    inside, open_ = (np.asarray(m, dtype=bool) for m in (site, ground))
    known = open_ & np.isfinite(ratio.to_numpy())
    edge = binary_dilation(inside, np.ones((3, 3), dtype=bool)) & ~inside & known
    if not edge.any():
        raise MissingInput("the site has no open ground along its edge")
    rows, columns = np.nonzero(edge)
    at = np.column_stack([ratio["y"].to_numpy()[rows], ratio["x"].to_numpy()[columns]])
    apart = threshold("ava.spacing") if spacing is None else spacing
    kept: list[int] = []
    for i, point in enumerate(at):
        if not kept or np.hypot(*(at[kept] - point).T).min() >= apart:
            kept.append(i)
    points = np.zeros(edge.shape, dtype=bool)
    points[rows[kept], columns[kept]] = True
    values = ratio.to_numpy()
    words = {"units": "1", "long_name": "site spatial average velocity ratio"}
    out = xr.Dataset({
        "svr": ((), float(values[points].mean()), words),
        "lvr": ((), float(values[known].mean()),
                words | {"long_name": "local spatial average velocity ratio"}),
        "test_point": (("y", "x"), points, {"long_name": "test points on the edge of the site"})},
        coords={"y": ratio["y"], "x": ratio["x"]})
    if mean_speed is not None:
        reached = mean_speed.to_numpy()[known] >= threshold("ava.target")
        out["target_share"] = ((), float(reached.mean()), words | {
            "long_name": f"share of the ground with a mean of {threshold('ava.target'):g} m s-1"})
    return out


def _flags(names: Iterable[str], title: str) -> dict[str, Any]:
    words = list(names)
    return {"units": "1", "long_name": title, "flag_meanings": " ".join(words),
            "flag_values": np.arange(len(words), dtype=np.int8)}


def _attributes(chosen: Criterion) -> Mapping[str, Any]:
    return _flags(chosen.classes, chosen.title) | {
        "standard": chosen.standard, "height": chosen.height, "factors": " ".join(chosen.factors)}
