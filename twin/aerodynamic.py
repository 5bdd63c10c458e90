"""Formulas of the flow over rough ground: roughness of a city's form, stability, exponents."""

from __future__ import annotations

from typing import Any

import numpy as np

VON_KARMAN, DRAG, SHEAR, STAGGERED = 0.4, 1.2, 1.0, 4.43


def macdonald(plan: Any, frontal: Any, height: Any) -> tuple[Any, Any]:
    """Return roughness length and displacement height [m] after Macdonald et al. (1998).

    Parameters
    ----------
    plan, frontal
        Plan and frontal area index [1].
    height
        Mean building height [m].

    Notes
    -----
    ``d/H = 1 + A^-p (p - 1)``, ``z0/H = (1 - d/H) exp(-(0.5 b Cd/k^2 (1 - d/H) f)^-0.5)`` with
    the constants of staggered arrays, A 4.43, b 1.0, Cd 1.2.
    """
    d = 1 + STAGGERED ** -plan * (plan - 1)
    drag = 0.5 * SHEAR * DRAG / VON_KARMAN ** 2 * (1 - d) * frontal
    z0 = (1 - d) * np.exp(-(np.maximum(drag, 1e-12) ** -0.5))
    return z0 * height, d * height


def kanda(plan: Any, z0_macdonald: Any, mean: Any, sigma: Any, highest: Any) -> tuple[Any, Any]:
    """Return roughness length and displacement height [m] after Kanda et al. (2013).

    Adds the spread of heights and the highest building to Macdonald's: with
    ``X = (sigma + H)/Hmax`` and ``Y = p sigma/H``, ``d/Hmax = c0 X^2 + (a0 p^b0 - c0) X`` and
    ``z0/z0mac = b1 Y^2 + c1 Y + a1``.
    """
    safe_max, safe_mean = np.maximum(highest, 1e-9), np.maximum(mean, 1e-9)
    x = np.minimum((sigma + mean) / safe_max, 1.0)  # the fit ends where the mean is the highest
    y = plan * sigma / safe_mean
    d = (-0.17 * x ** 2 + (1.29 * plan ** 0.36 + 0.17) * x) * highest
    z0 = z0_macdonald * (20.21 * y ** 2 - 0.77 * y + 0.71)
    return z0, np.minimum(d, highest)


def hanna_britter(frontal: Any, height: Any) -> tuple[Any, Any]:
    """Return roughness length and displacement height [m] after Hanna & Britter (2002).

    Parameters
    ----------
    frontal
        Frontal area index [1]; above 1 it counts as 1.
    height
        Mean building height [m].

    Notes
    -----
    ``z0/H`` is the index up to 0.15 and stays there; ``d/H`` is 3 f up to f 0.05, then
    0.15 + 5.5 (f - 0.05) up to 0.15, then 0.7 + 0.35 (f - 0.15).

    References
    ----------
    Hanna & Britter (2002), Wind Flow and Vapor Cloud Dispersion at Industrial and Urban Sites.
    """
    f = np.clip(frontal, 0.0, 1.0)
    d = np.where(f <= 0.05, 3.0 * f,
                 np.where(f <= 0.15, 0.15 + 5.5 * (f - 0.05), 0.7 + 0.35 * (f - 0.15)))
    return np.minimum(f, 0.15) * height, d * height


def stability_correction(ratio: Any) -> Any:
    """Return what stability adds to the logarithm of the wind profile [1].

    Parameters
    ----------
    ratio
        Height above the displacement over the Obukhov length: positive stable, 0 neutral.

    Notes
    -----
    Stable: ``4.7 r`` up to r 1 and ``4.7 (1 + ln r)`` above, where the linear form fails (Webb).
    Unstable: ``-2 ln((1+x)/2) - ln((1+x^2)/2) + 2 atan x - pi/2`` with ``x = (1 - 15 r)^1/4``.

    References
    ----------
    Businger et al. (1971), J. Atmos. Sci. 28:181; Paulson (1970), J. Appl. Meteorol. 9:857;
    Webb (1970), Q. J. R. Meteorol. Soc. 96:67.
    """
    r = np.asarray(ratio, dtype=float)
    calm = np.maximum(r, 0.0)
    stable = 4.7 * (np.minimum(calm, 1.0) + np.log(np.maximum(calm, 1.0)))
    x = (1.0 - 15.0 * np.minimum(r, 0.0)) ** 0.25
    lively = -2 * np.log((1 + x) / 2) - np.log((1 + x * x) / 2) + 2 * np.arctan(x) - np.pi / 2
    return np.where(r < 0, lively, stable)


def roughness_of_exponent(exponent: float) -> float:
    """Return the roughness length of a power law [m]: Counihan's relation turned round.

    Parameters
    ----------
    exponent
        Exponent of the power law [1]; kept between 0.1 and 0.315, which stand for 3 mm and 5 m.

    Notes
    -----
    ``p = 0.24 + 0.096 log10 z0 + 0.016 (log10 z0)^2`` in neutral flow, for z0 up to 5 m.

    References
    ----------
    Counihan (1975), Atmos. Environ. 9:871.
    """
    p = min(max(exponent, 0.1), 0.315)
    decade = (-0.096 + np.sqrt(0.096 ** 2 - 0.064 * (0.24 - p))) / 0.032
    return float(10.0 ** decade)


def form_indices(height: Any, cell: float, wind_from: float,
                 where: Any = None) -> tuple[float, float, float]:
    """Return plan area index, frontal area index [1] and mean building height [m] of a raster.

    Parameters
    ----------
    height
        Building height above ground, row 0 south, 0 in the open, (ny, nx) [m].
    cell
        Side of a cell [m].
    wind_from
        Direction the wind comes from, clockwise from north [degrees].
    where
        Cells that count, (ny, nx); all when None.

    Notes
    -----
    The frontal area is the sum of the rise of the roofs along the wind. The slope is taken with
    Sobel's weights, since steps from cell to cell would make a wall that stands askew to the
    raster up to twice as wide. For blocks of ten cells and more that leaves 10 %, a third where
    the wind blows along their long walls; gaps of one cell count half.
    """
    h = np.asarray(height, dtype=np.float32)
    inside = np.ones(h.shape, dtype=bool) if where is None else np.asarray(where, dtype=bool)
    wide = np.pad(h, 1, mode="edge")
    along_x = wide[:, 2:] - wide[:, :-2]
    along_y = wide[2:, :] - wide[:-2, :]
    angle = np.radians(wind_from)
    rise = (-np.sin(angle) * (along_x[:-2] + 2 * along_x[1:-1] + along_x[2:])
            - np.cos(angle) * (along_y[:, :-2] + 2 * along_y[:, 1:-1] + along_y[:, 2:]))
    built = inside & (h > 0)
    if not built.any():
        return 0.0, 0.0, 0.0
    frontal = np.maximum(rise[inside], 0.0).sum(dtype=np.float64) / (8.0 * cell * inside.sum())
    return float(built.sum() / inside.sum()), float(frontal), float(h[built].mean(dtype=np.float64))
