"""Mean radiant temperature of a person standing outdoors, from the radiation of six directions.

One hour at a time: the air and the sun are numbers, the place is arrays. Sky and walls are even,
so that four side directions see the same; the beam is averaged over the way a person faces. One
bounce of sunlight is followed. The ground a person sees is as sunlit as the spot stood on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from twin.heat.parameters import Values, parameter

SIGMA = 5.670374e-8      # of Stefan and Boltzmann [W m-2 K-4]
FREEZING = 273.15        # [K]
SIDE, END = 0.22, 0.06   # share of a standing body that faces each side, up and down; VDI 3787-2
ABSORPTION, EMISSIVITY = 0.7, 0.97  # of clothed people, short- and longwave; VDI 3787-2
Array = NDArray[np.float64]


@dataclass(frozen=True)
class Hour:
    """The air and the sun of an hour.

    Parameters
    ----------
    temp_air
        Air temperature [degC].
    relative_humidity
        Relative humidity [1].
    dni, dhi
        Direct normal and diffuse horizontal irradiance [W m-2].
    elevation
        Height of the sun [degrees].
    cloud
        Share of the sky that radiates as clouds do [1].
    """

    temp_air: float
    relative_humidity: float
    dni: float
    dhi: float
    elevation: float
    cloud: float = 0.0


@dataclass(frozen=True)
class Surfaces:
    """What a person sees besides the sky; numbers, or arrays in the shape of the place.

    Parameters
    ----------
    albedo, emissivity
        Of the ground [1].
    excess
        How much warmer than the air sunlit ground is [K].
    wall_albedo, wall_emissivity
        Of the walls [1].
    wall_excess
        How much warmer than the air sunlit walls are [K].
    """

    albedo: Any
    emissivity: Any
    excess: Any
    wall_albedo: float
    wall_emissivity: float
    wall_excess: float


@dataclass(frozen=True)
class Fluxes:
    """Short- and longwave radiation from above, below and the mean of the sides [W m-2]."""

    short_down: Array
    short_up: Array
    short_side: Array
    long_down: Array
    long_up: Array
    long_side: Array


def sky_emissivity(temp_air: ArrayLike, relative_humidity: ArrayLike,
                   cloud: ArrayLike = 0.0) -> Array:
    """Return the emissivity of the sky [1].

    Parameters
    ----------
    temp_air
        Air temperature [degC].
    relative_humidity
        Relative humidity [1].
    cloud
        Share of the sky that radiates as clouds do [1].

    References
    ----------
    Prata (1996), Q. J. R. Meteorol. Soc. 122:1127, doi:10.1002/qj.49712253306; clouds by Crawford
    & Duchon (1999), J. Appl. Meteorol. 38:474; vapour pressure by Bolton (1980).
    """
    t = np.asarray(temp_air, dtype=float)
    vapour = np.asarray(relative_humidity) * 6.112 * np.exp(17.67 * t / (t + 243.5))  # [hPa]
    water = 46.5 * vapour / (t + FREEZING)
    clear = 1.0 - (1.0 + water) * np.exp(-np.sqrt(1.2 + 3.0 * water))
    part = np.asarray(cloud, dtype=float)
    return np.asarray(clear * (1.0 - part) + part)


def surface_excess(ground: str, *, solar_time: ArrayLike, highest_sun: float, sunrise: float,
                   values: Values | None = None) -> Array:
    """Return how much warmer than the air a sunlit surface is on a clear day [K].

    Parameters
    ----------
    ground
        ``"paved"``, ``"asphalt"``, ``"grass"``, ``"water"`` or ``"wall"``.
    solar_time
        True solar time [h].
    highest_sun
        Height of the sun at noon [degrees].
    sunrise
        Solar time of sunrise [h].
    values
        Numbers in place of those of the table, by stem.

    Notes
    -----
    ``(slope h_max + start) sin(pi/2 (t - rise) / (peak - rise))``, none before sunrise and after
    the sine turns. What a surface remembers of earlier shade is left out.

    References
    ----------
    Lindberg et al. (2008), Int. J. Biometeorol. 52:697, doi:10.1007/s00484-008-0162-7; Lindberg et
    al. (2016), Int. J. Biometeorol. 60:1439, doi:10.1007/s00484-016-1135-x.
    """
    slope, start, peak = (parameter(f"surface.{ground}.{n}", values)
                          for n in ("slope", "start", "peak"))
    most = max(slope * highest_sun + start, 0.0)
    phase = (np.asarray(solar_time, dtype=float) - sunrise) / (peak - sunrise)
    return np.asarray(most * np.sin(np.pi / 2 * np.clip(phase, 0.0, 2.0)))


def surfaces(ground: str | NDArray[np.integer[Any]], *, solar_time: float, highest_sun: float,
             sunrise: float, clearness: float = 1.0, kinds: Sequence[str] = (),
             values: Values | None = None) -> Surfaces:
    """Return the surfaces of an hour by the kind of ground.

    Parameters
    ----------
    ground
        One kind of ground, or the number of the kind of each cell in ``kinds``, -1 for none.
    solar_time, highest_sun, sunrise
        As in `surface_excess`.
    clearness
        Global radiation over that of a clear sky; what the sun warms falls with it [1].
    kinds
        Names of the kinds when ``ground`` is numbers.
    values
        Numbers in place of those of the table, by stem.
    """
    names = [ground] if isinstance(ground, str) else list(kinds)
    when = {"solar_time": solar_time, "highest_sun": highest_sun, "sunrise": sunrise}
    rows = np.array([*([parameter(f"albedo.{n}", values), parameter(f"emissivity.{n}", values),
                        clearness * float(surface_excess(n, values=values, **when))]
                       for n in names), [np.nan] * 3])
    albedo, emissivity, excess = rows[0] if isinstance(ground, str) else np.moveaxis(
        rows[ground], -1, 0)
    return Surfaces(albedo, emissivity, excess, parameter("albedo.wall", values),
                    parameter("emissivity.wall", values),
                    clearness * float(surface_excess("wall", values=values, **when)))


def sunlit_walls(svf: ArrayLike, elevation: float) -> Array:
    """Return how much of the walls that face the sun it reaches [1].

    Parameters
    ----------
    svf
        Sky view factor [1].
    elevation
        Height of the sun [degrees].

    Notes
    -----
    The street is taken as endless, with the sky view factor ``cos(atan(2 H/W))`` on its middle
    line and the sun square to it: walls are lit from the top down to ``W tan h``.
    """
    sky = np.clip(np.asarray(svf, dtype=float), 0.0, 1.0)
    height = np.tan(np.deg2rad(np.clip(elevation, 0.0, 89.9)))
    wide = 2.0 * sky * height  # over H/W times the root below
    deep = np.sqrt(np.maximum(1.0 - sky * sky, 1e-12))
    return np.asarray(np.minimum(wide / deep, 1.0))


def fluxes(hour: Hour, place: Surfaces, sunlit: ArrayLike, svf: ArrayLike) -> Fluxes:
    """Return the radiation a standing person meets from six directions.

    Parameters
    ----------
    hour
        Air and sun.
    place
        Ground and walls.
    sunlit
        Share of the sun's beam that arrives: 0 in the shade of a building, the transmissivity of
        the crown under a tree, 1 in the open [1].
    svf
        Sky view factor; what is not sky is wall [1].

    References
    ----------
    Höppe (1992), Wetter und Leben 44:147; Lindberg et al. (2008), Int. J. Biometeorol. 52:697,
    doi:10.1007/s00484-008-0162-7; VDI 3787 part 2.
    """
    beam, sky = np.asarray(sunlit, dtype=float), np.asarray(svf, dtype=float)
    high = np.deg2rad(max(hour.elevation, 0.0))
    dni = hour.dni if hour.elevation > 0 else 0.0
    rest = 1.0 - sky
    lit = sunlit_walls(sky, hour.elevation)
    # Over all ways a wall or a side may face, 1/pi of the level beam arrives.
    level = dni * np.cos(high) / np.pi
    walls = place.wall_albedo * (lit * level + 0.5 * sky * hour.dhi)
    short_down = beam * dni * np.sin(high) + sky * hour.dhi + rest * walls
    short_up = place.albedo * short_down
    short_side = beam * level + 0.5 * (sky * hour.dhi + rest * walls + short_up)

    air = hour.temp_air + FREEZING
    heaven = SIGMA * air ** 4 * float(
        sky_emissivity(hour.temp_air, hour.relative_humidity, hour.cloud))
    wall = SIGMA * (air + 0.5 * lit * place.wall_excess) ** 4
    given = place.wall_emissivity
    wall = given * wall + (1.0 - given) * (sky * heaven + rest * wall)
    long_down = sky * heaven + rest * wall
    ground = SIGMA * (air + beam * place.excess) ** 4
    long_up = place.emissivity * ground + (1.0 - place.emissivity) * long_down
    return Fluxes(short_down, short_up, short_side, long_down, long_up,
                  0.5 * (long_down + long_up))


def radiant_temperature(met: Fluxes) -> Array:
    """Return the mean radiant temperature of a standing person [degC].

    Parameters
    ----------
    met
        Radiation from six directions.

    References
    ----------
    VDI 3787 part 2; Thorsson et al. (2007), Int. J. Climatol. 27:1983, doi:10.1002/joc.1537.
    """
    short = 4 * SIDE * met.short_side + END * (met.short_down + met.short_up)
    long = 4 * SIDE * met.long_side + END * (met.long_down + met.long_up)
    taken = ABSORPTION * short + EMISSIVITY * long
    return np.asarray((taken / (EMISSIVITY * SIGMA)) ** 0.25 - FREEZING)
