"""The wind at heights above the ground, as rasters with names and units that other programs know.

Rows run from south to north. The velocity is that of the mean wind; what a gust or a probe without
direction sees is made of it and of the turbulence.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from layers.errors import CityTwinError, GridError
from twin.wind.flow import Flow
from twin.wind.turbulence import counted_speed, gust, scalar_speed

# Name to units, CF standard name (table 93) or none, words, and how time is treated.
FIELDS: dict[str, tuple[str, str, str, str]] = {
    "u": ("m s-1", "eastward_wind", "Eastward wind", "mean"),
    "v": ("m s-1", "northward_wind", "Northward wind", "mean"),
    "w": ("m s-1", "upward_air_velocity", "Upward wind", "mean"),
    "speed": ("m s-1", "wind_speed", "Speed of the mean wind, upward part included", "mean"),
    "scalar_speed": ("m s-1", "", "Root mean square speed, turbulence included", "mean"),
    "k": ("m2 s-2", "specific_turbulent_kinetic_energy_of_air", "Turbulent kinetic energy", "mean"),
    "gust": ("m s-1", "wind_speed_of_gust", "Gust of about 3 s", "maximum"),
}
RATIOS = ("u", "v", "w", "speed", "k", "gust")  # what `twin.wind.composition` works with
_AT_ONCE = 2**18  # points read at once


def at_levels(flow: Flow, levels: ArrayLike, *, x: ArrayLike | None = None,
              y: ArrayLike | None = None) -> xr.Dataset:
    """Return the wind over the raster at heights above the ground of each column.

    Parameters
    ----------
    flow
        The wind of one direction.
    levels
        Heights above the ground, rising, (n,) [m].
    x, y
        Coordinates of the columns and rows, rising, (nx,) and (ny,); from the south-west corner
        of the raster when None [m].

    Returns
    -------
    xarray.Dataset
        `FIELDS` over (level, y, x) without the margin, single precision, NaN in buildings.

    Raises
    ------
    GridError
        When a level is not in the box, or coordinates are not as many as the cells.

    References
    ----------
    NetCDF Climate and Forecast (CF) Metadata Conventions 1.11 and standard name table.
    """
    d = flow.domain
    ny, nx = (int(n) - 2 * d.margin for n in d.top.shape)
    heights = check_levels(levels, float(d.faces[-1] - d.faces[d.ground].max()))
    east, north = (d.cell * (np.arange(n) + 0.5) for n in (nx, ny))
    axes = {"y": north if y is None else np.asarray(y, dtype=np.float64),
            "x": east if x is None else np.asarray(x, dtype=np.float64)}
    for axis, count in (("y", ny), ("x", nx)):
        if axes[axis].shape != (count,) or (np.diff(axes[axis]) <= 0).any():
            raise GridError(f"{axis} holds {axes[axis].shape} values, expected {count} that rise")
    out = {name: np.empty((len(heights), ny, nx), np.float32) for name in FIELDS}
    rows = max(1, _AT_ONCE // nx)
    for n, z in enumerate(heights):
        for start in range(0, ny, rows):
            part = slice(start, min(start + rows, ny))
            count = part.stop - start
            found = flow.at(np.tile(east, count), np.repeat(north[part], nx),
                            np.full(count * nx, z))
            for name, values in _derived(found).items():
                out[name][n, part] = values.reshape(count, nx)
    return xr.Dataset(
        {name: (("level", "y", "x"), values, attributes(name)) for name, values in out.items()},
        coords={"level": ("level", heights, {
            "units": "m", "standard_name": "height", "long_name": "Height above the ground",
            "positive": "up", "axis": "Z"}), **axes})


def check_levels(levels: ArrayLike, top: float) -> NDArray[np.float64]:
    """Return heights to read at.

    Parameters
    ----------
    levels
        Heights above the ground, (n,) [m].
    top
        Top of the box above the highest ground [m].

    Raises
    ------
    GridError
        When they do not rise, or lie outside the box.
    """
    heights = np.atleast_1d(np.asarray(levels, dtype=np.float64))
    if heights.ndim != 1 or not len(heights) or (np.diff(heights) <= 0).any():
        raise GridError(f"the levels are {heights.tolist()}, expected heights that rise")
    wrong = heights[~((heights > 0) & (heights < top))]
    if len(wrong):
        raise GridError(f"level {wrong[0]:g} m is not in the box, expected more than 0 and less "
                        f"than its top, {top:.0f} m above the ground")
    return heights


def as_ratios(winds: Mapping[float, xr.Dataset] | Iterable[tuple[float, xr.Dataset]],
              reference: float) -> xr.Dataset:
    """Return the winds of several directions over the reference speed, one after the other.

    Parameters
    ----------
    winds
        Direction the wind comes from [degrees] and what `at_levels` gives for it.
    reference
        Reference speed of all [m s-1].

    Returns
    -------
    xarray.Dataset
        `RATIOS` over (wind_from, level, y, x), by rising direction, as `twin.wind.composition`
        takes them; k is over the square of the speed.
    """
    pairs = sorted(winds.items() if isinstance(winds, Mapping) else winds, key=lambda p: p[0])
    if not pairs:
        raise CityTwinError("there is no wind to take ratios of")
    whole = xr.concat([as_ratio(wind, reference) for _, wind in pairs], "wind_from")
    at = [float(a) for a, _ in pairs]
    return whole.assign_coords(wind_from=("wind_from", at, DIRECTION))


def as_ratio(wind: xr.Dataset, reference: float) -> xr.Dataset:
    """Return the wind of one direction over the reference speed.

    Parameters
    ----------
    wind
        From `at_levels`.
    reference
        Speed that an anemometer counts at the reference; ``speed`` is what one counts here, with
        the fluctuations: in a yard the mean vector is next to nothing while the air moves [m s-1].
    """
    if not (np.isfinite(reference) and reference > 0):
        raise CityTwinError(f"the reference speed is {reference:g} m/s, expected more than 0")
    return xr.Dataset(
        {name: (wind[name].dims,
                (counted_speed(wind["speed"], wind["k"]) if name == "speed"
                 else wind[name].to_numpy()) / np.float32(reference**_power(name)),
                ratio_attributes(name)) for name in RATIOS}, coords=wind.coords)


DIRECTION = {"units": "degree", "standard_name": "wind_from_direction",
             "long_name": "Direction the wind comes from, clockwise from north"}


def attributes(name: str) -> dict[str, Any]:
    """Return the CF attributes of a field of `FIELDS`."""
    units, standard, words, over_time = FIELDS[name]
    named = {"standard_name": standard} if standard else {}
    return {"units": units, **named, "long_name": words,
            "cell_methods": f"area: point time: {over_time}"}


def ratio_attributes(name: str) -> dict[str, Any]:
    """Return the attributes of a field of `RATIOS` over the reference speed."""
    over = "the square of the reference speed" if _power(name) == 2 else "the reference speed"
    words = "Wind speed, fluctuations included," if name == "speed" else FIELDS[name][2]
    return {"units": "1", "long_name": f"{words} over {over}",
            "cell_methods": f"area: point time: {FIELDS[name][3]}"}


def _power(name: str) -> int:
    return 2 if name == "k" else 1


def _derived(found: Mapping[str, NDArray[np.float32]]) -> dict[str, NDArray[np.float32]]:
    u, v, w, k = (found[name] for name in "uvwk")
    speed = np.sqrt(u * u + v * v + w * w)
    return {"u": u, "v": v, "w": w, "speed": speed, "scalar_speed": scalar_speed(speed, k),
            "k": k, "gust": gust(speed, k)}
