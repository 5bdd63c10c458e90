"""How well a prediction meets a measurement: the metrics air quality and wind models share."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Mask = NDArray[np.bool_]
SIGNED = 0.1  # share of the sum of magnitudes below zero from which a mean stands for nothing


@dataclass(frozen=True)
class Score:
    """Agreement of predicted with observed values; NaN where a metric means nothing.

    Parameters
    ----------
    n
        Pairs that were scored.
    walled
        Observed points that were left out because the prediction has no value there, such as
        points in a wall of the model.
    q
        Hit rate, 0 to 1.
    fac2
        Share of predictions within a factor of two of the observation, 0 to 1.
    fb
        Fractional bias, -2 to 2; positive when the prediction is too low.
    nmse
        Normalised mean square error.
    r
        Pearson correlation.
    mae
        Mean absolute error, in the unit of the values.
    """

    n: int
    walled: int
    q: float
    fac2: float
    fb: float
    nmse: float
    r: float
    mae: float


def score(observed: ArrayLike, predicted: ArrayLike, *, d: float = 0.25,
          w: float = 0.06) -> Score:
    """Compare predicted with observed values.

    Parameters
    ----------
    observed
        Measured values, any shape; points with NaN were not measured and do not count.
    predicted
        Model values at the same points; NaN where the model has none.
    d
        Relative deviation that still is a hit.
    w
        Absolute deviation that still is a hit, in the unit of the values.

    Returns
    -------
    Score
        The metrics. `fac2`, `fb` and `nmse` are ratios and take values that do not change sign:
        they are NaN where more than a tenth of the sum of magnitudes, observed or predicted,
        lies below zero. `r` is NaN where either side is constant.

    Notes
    -----
    ``q``: share with ``|P - O| <= d |O|`` or ``|P - O| <= w``. ``fac2``: share with
    ``0.5 <= P / O <= 2``; a pair of two zeros counts as met. ``fb = 2 (mean O - mean P) /
    (mean O + mean P)``. ``nmse = mean (O - P)^2 / (mean O mean P)``.

    References
    ----------
    COST Action 732 (2007), Model evaluation guidance and protocol document.
    VDI 3783 Part 9 (2005), Prognostic microscale wind field models: evaluation.
    Hanna & Chang (2012), doi:10.1007/s00703-011-0177-1.
    """
    o, p = (np.asarray(a, dtype=np.float64).ravel() for a in (observed, predicted))
    if o.shape != p.shape:
        raise ValueError(f"{o.size} observed and {p.size} predicted values cannot be paired")
    measured = np.isfinite(o)
    both = measured & np.isfinite(p)
    walled = int(measured.sum() - both.sum())
    o, p = o[both], p[both]
    if o.size == 0:
        return Score(0, walled, *[float("nan")] * 6)
    error = np.abs(p - o)
    fac2, fb, nmse = _ratios(o, p)
    # a bound that is met exactly stays met after the rounding of P - O
    hit = (error <= d * np.abs(o) * (1 + 1e-9)) | (error <= w * (1 + 1e-9))
    return Score(int(o.size), walled, float(hit.mean()), fac2, fb, nmse, _correlation(o, p),
                 float(error.mean()))


def mean_score(scores: list[Score]) -> Score:
    """Return the plain mean of scores of several runs; the bias by its magnitude.

    A bias that is high in one run and low in the next would vanish in a mean with signs.
    """
    if not scores:
        return Score(0, 0, *[float("nan")] * 6)

    def mean(name: str) -> float:
        return float(np.mean([getattr(s, name) for s in scores]))

    fb = float(np.mean([abs(s.fb) for s in scores]))
    return Score(sum(s.n for s in scores), sum(s.walled for s in scores), mean("q"),
                 mean("fac2"), fb, mean("nmse"), mean("r"), mean("mae"))


def _ratios(o: NDArray[np.float64], p: NDArray[np.float64]) -> tuple[float, float, float]:
    """FAC2, fractional bias and normalised mean square error, NaN for values of both signs."""
    nan = float("nan")
    if _changes_sign(o) or _changes_sign(p):
        return nan, nan, nan
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(o == 0, np.where(p == 0, 1.0, np.inf), p / o)
    fac2 = float(((ratio >= 0.5) & (ratio <= 2.0)).mean())
    a, b = float(o.mean()), float(p.mean())
    fb = 2 * (a - b) / (a + b) if a + b > 0 else nan
    nmse = float(((o - p) ** 2).mean()) / (a * b) if a * b > 0 else nan
    return fac2, fb, nmse


def _changes_sign(values: NDArray[np.float64]) -> bool:
    return bool(-values[values < 0].sum() > SIGNED * np.abs(values).sum())


def _correlation(o: NDArray[np.float64], p: NDArray[np.float64]) -> float:
    a, b = o - o.mean(), p - p.mean()
    flat = 1e-12 * np.array([np.abs(o).max(), np.abs(p).max()])
    if np.abs(a).max() <= flat[0] or np.abs(b).max() <= flat[1]:
        return float("nan")
    return float((a * b).sum() / np.sqrt((a * a).sum() * (b * b).sum()))
