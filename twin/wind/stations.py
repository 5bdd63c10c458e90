"""The wind between weather stations: their readings at one height, spread by Barnes' scheme."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from layers.errors import CityTwinError
from twin.wind.inflow import Inflow

Floats = NDArray[np.float64]

# Height at which the wind no longer knows the ground of one station [m]; Wieringa (1986),
# Q. J. R. Meteorol. Soc. 112:867.
BLENDING = 60.0
_CLOSENESS = 0.2  # gamma, how much sharper the second pass is; Koch et al. (1983)
_TOGETHER = 1.0  # stations so near are one place [m]
_FASTEST = 120.0  # above any wind at a station: a code for a missing reading [m/s]
_PAIRS = 100_000  # station-to-target pairs held at once; they stay in the cache


@dataclass(frozen=True, eq=False)
class Stations:
    """One reading at each of several stations.

    Parameters
    ----------
    x, y
        Places, (n,) [m].
    height
        Height of the anemometer above ground, (n,) [m].
    speed
        Mean speed, NaN where it is missing, (n,) [m/s].
    wind_from
        Direction it comes from, clockwise from north, (n,) [degrees]. May be NaN in calm air.
    z0
        Roughness length around the station, (n,) [m].
    """

    x: Floats
    y: Floats
    height: Floats
    speed: Floats
    wind_from: Floats
    z0: Floats


@dataclass(frozen=True, eq=False)
class StationWind:
    """What the stations say about the wind at one height.

    Parameters
    ----------
    x, y
        Places, stations at one place joined, (m,) [m].
    u, v
        Wind to the east and to the north there, (m,) [m/s].
    height
        Height it holds for [m].
    used, left_out
        Stations with a whole reading, and without.
    spacing
        Mean distance from a place to its nearest neighbour, infinite for one place [m].
    """

    x: Floats
    y: Floats
    u: Floats
    v: Floats
    height: float
    used: int
    left_out: int
    spacing: float

    @property
    def kappa(self) -> float:
        """Width of the first pass [m2]: weights are exp(-r2 / kappa)."""
        return float(5.052 * (2.0 * self.spacing / np.pi) ** 2)

    def at(self, x: ArrayLike, y: ArrayLike) -> tuple[Floats, Floats]:
        """Return the wind to the east and to the north at points, by Barnes' two passes [m/s].

        Parameters
        ----------
        x, y
            Points, of shapes that broadcast: rows ``x[None, :]`` and columns ``y[:, None]`` give
            a grid [m].

        Notes
        -----
        First pass ``w = exp(-r2/kappa)`` with ``kappa = 5.052 (2 dn/pi)^2`` and dn the spacing;
        the second adds what the first missed at the stations, with kappa 0.2 times as large. Both
        are weighted means, so that an even wind stays even and no value of the first pass leaves
        the range of the readings.

        References
        ----------
        Barnes (1964), J. Appl. Meteorol. 3:396.
        Koch, desJardins & Kocin (1983), J. Clim. Appl. Meteorol. 22:1487.
        """
        place_x, place_y = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
        shape = np.broadcast_shapes(place_x.shape, place_y.shape)
        if len(self.u) == 1:
            return np.full(shape, self.u[0]), np.full(shape, self.v[0])
        wind = np.column_stack([self.u, self.v])
        missed = wind - self._means(self.x, self.y, wind)[0]
        both = np.column_stack([wind, missed])
        flat_x = np.broadcast_to(place_x, shape).reshape(-1)
        flat_y = np.broadcast_to(place_y, shape).reshape(-1)
        out = np.empty((flat_x.size, 2))
        chunk = max(1, _PAIRS // len(self.u))
        for start in range(0, flat_x.size, chunk):
            part = slice(start, start + chunk)
            first, second = self._means(flat_x[part], flat_y[part], both)
            out[part] = first[:, :2] + second[:, 2:]
        return out[:, 0].reshape(shape), out[:, 1].reshape(shape)

    def factors(self, x: ArrayLike, y: ArrayLike, inflow: Inflow) -> tuple[Floats, Floats]:
        """Return what to multiply an inflow's speed with at points, eastward and northward [1]."""
        speed = float(inflow.at(self.height))
        if not speed > 0:
            raise CityTwinError(f"the inflow has no wind at {self.height:g} m, the height of the "
                                "stations' wind", mend="Bring the stations to a higher height")
        u, v = self.at(x, y)
        return u / speed, v / speed

    def _means(self, x: Floats, y: Floats, values: Floats) -> tuple[Floats, Floats]:
        """Return weighted means at points in the widths of both passes, (n, columns) each.

        The nearest place counts 1, so that no point is too far from all.
        """
        far = (x[:, None] - self.x) ** 2 + (y[:, None] - self.y) ** 2
        far -= far.min(axis=1, keepdims=True)
        first = np.exp(far / -self.kappa)
        second = np.exp(far / (-_CLOSENESS * self.kappa))
        return (first @ values / first.sum(axis=1, keepdims=True),
                second @ values / second.sum(axis=1, keepdims=True))


def station_wind(stations: Stations, *, height: float = BLENDING) -> StationWind:
    """Bring the readings of stations to one height, and those at one place together.

    Parameters
    ----------
    stations
        Readings. Those with a number missing are left out and counted.
    height
        Height above ground [m]. At the blending height of 60 m readings over rough and smooth
        ground can be compared; near the ground they cannot.

    Notes
    -----
    Each reading is moved along the neutral log law of its own roughness. Directions go as vectors.

    Raises
    ------
    CityTwinError
        Where no station has a whole reading, or a number that cannot be.
    """
    columns = {name: np.ravel(getattr(stations, name)).astype(np.float64)
               for name in ("x", "y", "height", "speed", "wind_from", "z0")}
    sizes = {name: len(values) for name, values in columns.items()}
    if len(set(sizes.values())) != 1:
        told = ", ".join(f"{count} {name}" for name, count in sizes.items())
        raise CityTwinError(f"the stations have {told}, expected one of each a station")
    if not (np.isfinite(height) and height > 0):
        raise CityTwinError(f"the height is {height:g} m, expected above 0")
    limits = {"height": (0.0, 1000.0), "speed": (0.0, _FASTEST), "wind_from": (0.0, 360.0),
              "z0": (0.0, 20.0)}
    for name, (low, high) in limits.items():
        values = columns[name]
        wrong = (values < low) | (values > high)
        if name in ("height", "z0"):
            wrong |= values == 0
        if wrong.any():
            row = int(np.argmax(wrong))
            raise CityTwinError(f"station {row + 1}: {name} is {values[row]:g}, expected "
                                f"{low:g} to {high:g}", mend="Mark missing readings as NaN")
    calm = columns["speed"] == 0
    columns["wind_from"] = np.where(calm, 0.0, columns["wind_from"])
    whole = np.all([np.isfinite(values) for values in columns.values()], axis=0)
    if not whole.any():
        raise CityTwinError(f"none of {len(whole)} stations has a whole reading, expected one",
                            mend="Take another hour, or give one wind for the whole city")
    x, y, above, speed, wind_from, z0 = (values[whole] for values in columns.values())
    speed = speed * np.log1p(height / z0) / np.log1p(above / z0)
    angle = np.radians(wind_from)
    found = StationWind(x, y, -speed * np.sin(angle), -speed * np.cos(angle), float(height),
                        int(whole.sum()), int((~whole).sum()), np.inf)
    return _joined(found)


def _joined(wind: StationWind) -> StationWind:
    """Average the wind of stations at one place and measure how far apart the places are."""
    places = np.column_stack([wind.x, wind.y])
    pairs = cKDTree(places).query_pairs(_TOGETHER, output_type="ndarray")
    links = coo_array((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(len(places),) * 2)
    count, group = connected_components(links, directed=False)
    size = np.bincount(group, minlength=count)
    x, y, u, v = (np.bincount(group, weights=values, minlength=count) / size
                  for values in (wind.x, wind.y, wind.u, wind.v))
    if count == 1:
        return replace(wind, x=x, y=y, u=u, v=v)
    near, _ = cKDTree(np.column_stack([x, y])).query(np.column_stack([x, y]), k=2)
    return replace(wind, x=x, y=y, u=u, v=v, spacing=float(near[:, 1].mean()))
