"""Grades of carbon efficiency: of enterprises by value added, of buildings beside their peers.

A grade says how something stands beside others of its kind. It is a benchmark, not a legal rating.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from layers.errors import CityTwinError
from twin.carbon.rows import Pick, own_pick

Floats = NDArray[np.float64]

SAID = "benchmark grade, not a legal rating"
LEVELS = ("low", "medium", "high")
LEAST_PEERS = 20
NETTED = ("own_power", "sink", "ccs")
TOUCH = 1e-12  # relative width within which a ratio lies on a cut, so that 0.72 / 1.2 is 0.6
YUAN = 10_000.0  # value added is told in units of this many [CNY]


def ratio_cuts(pick: Pick | None = None) -> Floats:
    """Return the upper ends of grades 1 to 4 as ratios to the peers [1]."""
    ask = pick or own_pick()
    return np.array([ask(f"grade.ratio_{n}", "1").value for n in (1, 2, 3, 4)], dtype=float)


def level_cuts(pick: Pick | None = None) -> Floats:
    """Return the upper ends of the low and medium level [t per 10,000 CNY]."""
    ask = pick or own_pick("CN")
    return np.array([ask(f"grade.level_{n}", "kg CNY-1").value for n in ("low", "medium")],
                    dtype=float) * YUAN / 1000


def grade_of(ratio: ArrayLike, pick: Pick | None = None) -> NDArray[np.int64]:
    """Return the grade of ratios to the peers, 1 the best of 5, and 0 where there is none.

    Parameters
    ----------
    ratio
        Ratios, any shape [1]. Each grade holds its upper end.
    pick
        Gives a factor by stem and unit; the tables when None.
    """
    values = np.asarray(ratio, dtype=float)
    found = np.searchsorted(ratio_cuts(pick) * (1 + TOUCH), values, side="left") + 1
    return np.where(np.isnan(values), 0, found)


def enterprise_grades(table: pd.DataFrame, *, by: Sequence[str] = ("sector",),
                      sector_mean: pd.Series | None = None,
                      pick: Pick | None = None) -> pd.DataFrame:
    """Return level and grade of enterprises.

    Parameters
    ----------
    table
        One row an enterprise: ``emission`` of all energy [t a-1], ``value_added`` by the income
        method [10,000 CNY a-1], the columns of ``by``; if known, what its own zero-carbon power
        avoids, ``own_power``, and what ``sink`` and ``ccs`` take up [t a-1].
    by
        Columns that say who is compared with whom, such as sector and period.
    sector_mean
        Published means by those columns [t per 10,000 CNY]; those of the table when None, all net
        carbon over all value added.
    pick
        Gives a factor by stem and unit, of a place in China; the tables when None.

    Returns
    -------
    pandas.DataFrame
        ``net`` [t a-1], ``intensity`` [t per 10,000 CNY], ``level``, ``sector_mean``, ``ratio``,
        ``grade`` 1 to 5, ``peers`` and ``note``. Without value added there is neither.

    References
    ----------
    DB33/T 1347-2023, Zhejiang: L at 0.6 and 2.0 t per 10,000 yuan, K at 0.6, 0.8, 1.2 and 2.0.
    """
    _need(table, ("emission", "value_added", *by))
    net, added = _net(table), table["value_added"].to_numpy(dtype=float)
    some = added > 0
    intensity = np.divide(net, added, out=np.full(len(table), np.nan), where=some)
    keys = [table[name] for name in by]
    sums = pd.DataFrame({"net": np.where(some, net, 0.0), "added": np.where(some, added, 0.0),
                         "peers": some}, index=table.index).groupby(keys, sort=False, dropna=False)
    whole = sums.transform("sum")
    if sector_mean is None:
        mean = np.divide(whole["net"].to_numpy(dtype=float), whole["added"].to_numpy(dtype=float),
                         out=np.full(len(table), np.nan), where=whole["added"].to_numpy() > 0)
    else:
        index = (pd.MultiIndex.from_frame(table[list(by)]) if len(by) > 1
                 else pd.Index(table[by[0]]))
        mean = sector_mean.reindex(index).to_numpy(dtype=float)
        if np.isnan(mean).any():
            raise CityTwinError(f"no mean for {index[np.isnan(mean)][0]!r}",
                                mend="Give the mean of every sector of the table")
    ratio = np.divide(intensity, mean, out=np.full(len(table), np.nan), where=mean > 0)
    level = np.searchsorted(level_cuts(pick) * (1 + TOUCH), intensity, side="left")
    grade = grade_of(ratio, pick)
    return pd.DataFrame({
        "net": net, "intensity": intensity,
        "level": np.where(some, np.array(LEVELS)[np.minimum(level, 2)], ""),
        "sector_mean": mean, "ratio": ratio, "grade": _whole(grade),
        "peers": whole["peers"].to_numpy(dtype=int),
        "note": np.where(some, SAID, "no grade: no value added")}, index=table.index)


def building_grades(table: pd.DataFrame, *, by: Sequence[str] = ("use",),
                    least: int = LEAST_PEERS, pick: Pick | None = None) -> pd.DataFrame:
    """Return how buildings stand beside others of their use.

    Parameters
    ----------
    table
        One row a building: ``emission`` [kg a-1], ``floor_area`` [m2], the columns of ``by``; if
        known ``own_power``, ``sink`` and ``ccs``, taken off unless the emission is without them
        already [kg a-1]; ``energy`` without heating in kWh of electricity, and the ``limit`` and
        ``guide`` value for it [kWh m-2 a-1].
    by
        Columns that say who is compared with whom: the use, and where there are several the zone
        and the year.
    least
        Peers needed, with the building itself. With fewer the energy is compared with the limit
        where both are given; else nothing is said.
    pick
        Gives a factor by stem and unit; the tables when None.

    Returns
    -------
    pandas.DataFrame
        ``intensity`` [kg m-2 a-1], ``peers``, ``median`` of theirs [kg m-2 a-1], ``ratio``,
        ``grade`` 1 to 5, ``percentile`` of peers at or below, ties by half [0..100], ``basis``
        (``"peers"``, ``"limit"`` or ``"none"``) and ``note``.

    References
    ----------
    Cuts of DB33/T 1347-2023 on ratios to the median; limits of GB/T 51161-2016.
    """
    _need(table, ("emission", "floor_area", *by))
    area = table["floor_area"].to_numpy(dtype=float)
    intensity = pd.Series(np.divide(_net(table), area, out=np.full(len(table), np.nan),
                                    where=area > 0), index=table.index)
    group = intensity.groupby([table[name] for name in by], sort=False, dropna=False)
    peers, median = group.transform("count").to_numpy(), group.transform("median").to_numpy()
    enough = (peers >= least) & (median > 0) & intensity.notna().to_numpy()
    ratio = np.divide(intensity, median, out=np.full(len(table), np.nan), where=enough)
    below = group.rank(method="average").to_numpy() - 0.5
    percentile = np.divide(100 * below, peers, out=np.full(len(table), np.nan), where=enough)
    energy, limit, guide = (table[c].to_numpy(dtype=float) if c in table.columns
                            else np.full(len(table), np.nan) for c in ("energy", "limit", "guide"))
    told = ~enough & np.isfinite(energy) & np.isfinite(limit)
    size = peers.astype(int).astype(str)
    why = np.where(area > 0, np.char.add(np.char.add("no grade: ", size),
                                         f" peers of its kind, {least} needed"),
                   "no grade: no floor area")
    stands = np.where(energy <= guide, "within the guidance value of energy",
                      np.where(energy <= limit, "within the limit of energy",
                               "above the limit of energy"))
    note = np.where(enough, np.char.add(np.char.add("among ", size), f" peers; {SAID}"),
                    np.where(told, np.char.add(stands, f"; {SAID}"), why))
    return pd.DataFrame({
        "intensity": intensity, "peers": peers.astype(int), "median": median, "ratio": ratio,
        "grade": _whole(grade_of(ratio, pick)), "percentile": percentile,
        "basis": np.where(enough, "peers", np.where(told, "limit", "none")), "note": note},
        index=table.index)


def district_grades(graded: pd.DataFrame, floor_area: pd.Series, district: pd.Series, *,
                    pick: Pick | None = None) -> pd.DataFrame:
    """Return the grades of districts: the ratio of their buildings weighted by floor area.

    Parameters
    ----------
    graded
        From `building_grades`.
    floor_area
        Of each building [m2].
    district
        Of each building.
    pick
        Gives a factor by stem and unit; the tables when None.

    Returns
    -------
    pandas.DataFrame
        ``ratio``, ``grade``, ``graded_share`` of the floor area, ``buildings`` and ``note``.
    """
    area, ratio = floor_area.reindex(graded.index), graded["ratio"]
    known = ratio.notna() & (area > 0)
    sums = pd.DataFrame({
        "weighted": (ratio * area).where(known, 0.0), "known": area.where(known, 0.0),
        "area": area.fillna(0.0), "buildings": 1,
    }).groupby(district.reindex(graded.index), sort=False).sum()
    mean = (sums["weighted"] / sums["known"].where(sums["known"] > 0)).to_numpy(dtype=float)
    return pd.DataFrame({
        "ratio": mean, "grade": _whole(grade_of(mean, pick)),
        "graded_share": sums["known"] / sums["area"].where(sums["area"] > 0),
        "buildings": sums["buildings"],
        "note": np.where(np.isnan(mean), "no grade: no building has one", SAID)},
        index=sums.index)


def neutrality_rate(gross: ArrayLike, *, sink: ArrayLike = 0.0, offsets: ArrayLike = 0.0,
                    green_power: ArrayLike = 0.0) -> Floats:
    """Return the share of gross emissions that sinks, offsets and green power make good [1].

    Parameters
    ----------
    gross
        Emissions before anything is taken off, any shape [t a-1].
    sink, offsets, green_power
        What is taken up, bought as offsets and avoided by green power [t a-1]. Power that is
        counted here must not be taken off the gross emissions too.

    Returns
    -------
    numpy.ndarray
        No number where nothing is emitted.
    """
    whole = np.asarray(gross, dtype=float)
    good = sum(np.asarray(part, dtype=float) for part in (sink, offsets, green_power))
    whole, good = np.broadcast_arrays(whole, good)
    if (whole < 0).any() or (good < 0).any():
        raise CityTwinError("a neutrality rate needs numbers that are not below zero",
                            mend="Give what is taken up as a positive number")
    return np.asarray(np.divide(good, whole, out=np.full(whole.shape, np.nan), where=whole > 0))


def _net(table: pd.DataFrame) -> Floats:
    """Return the emission less own zero-carbon power, sinks and captured carbon."""
    net = table["emission"].to_numpy(dtype=float)
    for name in NETTED:
        if name in table.columns:
            off = table[name].fillna(0.0).to_numpy(dtype=float)
            if (off < 0).any():
                raise CityTwinError(f"{name} is below zero in row "
                                    f"{table.index[int(np.argmax(off < 0))]!r}",
                                    mend="Give what is taken off as a positive number")
            net = net - off
    return net


def _need(table: pd.DataFrame, columns: Sequence[str]) -> None:
    lacking = [c for c in columns if c not in table.columns]
    if lacking:
        raise CityTwinError(f"the table to grade lacks {', '.join(lacking)}",
                            mend=f"It needs {', '.join(columns)}")


def _whole(grade: NDArray[np.int64]) -> pd.arrays.IntegerArray:
    """Return grades as whole numbers that can be missing."""
    return pd.arrays.IntegerArray(grade.astype(np.int64), grade == 0)
