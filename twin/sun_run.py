"""The sun of a year over a surface: the weather checked, the kernels warm, the light summed."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import xarray as xr
from numpy.typing import NDArray

import twin.sun.horizon
from layers.errors import GridError, MissingInput
from layers.weather import read_weather
from twin.kernel_cache import find_cache
from twin.raster_files import Raster
from twin.sun.audit import Audit, audit_weather, corrected
from twin.sun.irradiance import irradiate
from twin.sun.points import REACH, Points
from twin.sun.table import DIRECTIONS, SunTable, sun_table
from twin.sun_files import TURNED, centre_of

Tell = Callable[[str, int, int], None]

THROUGH = 0.1       # share of the light that comes through crowns; 0.03 to 0.2 in leaf [1]
CLOSED = 0.01       # light that closes less well is told [1]
FAR = 100.0         # weather from further away is told [km]


@dataclass(frozen=True, eq=False)
class Year:
    """A year of weather, ready for the sun.

    Parameters
    ----------
    weather
        On the right clock, without gaps, scaled where asked for.
    audit
        What was found of the file.
    latitude, longitude
        Of the sun [degrees].
    notes
        What to know of it.
    """

    weather: xr.Dataset
    audit: Audit
    latitude: float
    longitude: float
    notes: tuple[str, ...]

    def table(self, directions: int = DIRECTIONS) -> SunTable:
        """Return the suns of the months."""
        return sun_table(self.weather, self.latitude, self.longitude, directions=directions,
                         periods="months")


def year_of(path: str | Path, *, scale: float | None = None, site: Raster | None = None,
            others: Sequence[str | Path] = ()) -> Year:
    """Read a year of weather, audit it, and put its clock right.

    Parameters
    ----------
    path
        Weather file.
    scale
        Global irradiation of the year to scale to; none when None [kWh m-2].
    site
        The surface; where it lies stands in for a place the weather does not give.
    others
        Other weather files of the place; their spread is that of the audit.

    Raises
    ------
    MissingInput
        When neither the weather nor the surface says where it is.
    """
    weather = read_weather(path)
    name = Path(path).name
    here = None if site is None else centre_of(site)
    latitude, longitude = (float(weather.attrs.get(k, "nan")) for k in ("latitude", "longitude"))
    notes = []
    if not np.isfinite([latitude, longitude]).all():
        if here is None:
            raise MissingInput(f"{name} does not say where it was taken, and no surface with a "
                               "CRS does", mend="Write latitude and longitude into its header")
        latitude, longitude, _ = here
        notes.append(f"{name} does not say where it was taken: the middle of the surface, "
                     f"{latitude:.2f} N {longitude:.2f} E, is taken")
    elif here is not None:
        away = _kilometres(latitude, longitude, here[0], here[1])
        if away > FAR:
            notes.append(f"the weather is from {latitude:.2f} N {longitude:.2f} E, {away:,.0f} km "
                         "from the surface; the sun stands as it does there")
    if here is not None and abs(here[2]) > TURNED:
        notes.append(f"north of the grid is {here[2]:+.1f} degrees off true north there, which is "
                     "left out")
    audit = audit_weather(weather, latitude=latitude, longitude=longitude,
                          others=[read_weather(o) for o in others])
    fit = corrected(weather, audit, scale, latitude=latitude, longitude=longitude)
    factor = float(fit.attrs["ghi_scale"])
    flags = list(audit.flags)
    if scale is not None:
        flags.append(f"scaled: ghi, dni and dhi times {factor:.3f} to {scale:g} kWh m-2")
    shown = replace(audit, ghi=audit.ghi * factor, dni=audit.dni * factor, dhi=audit.dhi * factor,
                    dark=audit.dark * factor, flags=tuple(flags))
    return Year(fit, shown, latitude, longitude, tuple(notes))


def warm(tell: Tell | None = None, *, all_kinds: bool = True) -> float:
    """Load the kernels of the sun, compile what no earlier run has left; return the time [s].

    Parameters
    ----------
    tell
        Called with a word before.
    all_kinds
        Also those of crowns, tilted planes and points.
    """
    begun = time.perf_counter()
    find_cache(Path(twin.sun.horizon.__file__).parent)
    if tell is not None:
        tell("loading the kernels", 0, 1)
    table = SunTable(("1", "2"), np.ones((2, 4, 9, 3), np.float32), np.ones((2, 4, 9), np.float32),
                     np.ones(2), np.ones(2), np.ones(2))
    surface = np.zeros((6, 7), np.float32)
    surface[2:4, 2:5] = 9.0
    irradiate(surface, 1.0, table)
    if all_kinds:
        spot = Points(np.array([3.5]), np.array([1.5]), np.array([2.0]), 90.0, 180.0)
        slope = np.where(surface > 0, 20.0, 0.0)
        irradiate(surface, 1.0, table, slope=slope, aspect=slope * 9, canopy=surface + 3.0,
                  transmissivity=0.1, points=spot)
    return time.perf_counter() - begun


def light_over(surface: Raster, table: SunTable, *, crowns: Raster | None = None,
               through: float = THROUGH, slope: NDArray[np.float32] | None = None,
               aspect: NDArray[np.float32] | None = None, holes: NDArray[np.bool_] | None = None,
               tell: Tell | None = None) -> tuple[xr.Dataset, tuple[str, ...]]:
    """Return the light on a surface with what to know of it.

    Parameters
    ----------
    surface
        Heights of ground and buildings.
    table
        Suns of the months.
    crowns
        Tree tops above ground on the same grid.
    through
        Share of the light that crowns let through [1].
    slope, aspect
        Of roof planes, (ny, nx) [degrees].
    holes
        Cells that get no result, (ny, nx).
    tell
        Called with how far it is.
    """
    # The sweep works in 32 bits: heights near zero keep their millimetres on any datum.
    z = surface.values - np.float32(np.floor(surface.values.min()))
    tops = None
    if crowns is not None:
        tops = np.where(crowns.values > 0, z + crowns.values, np.float32(np.nan))
    found = irradiate(z, surface.cell, table, slope=slope, aspect=aspect, canopy=tops,
                      transmissivity=None if tops is None else through, tell=tell)
    ny, nx = z.shape
    near = int(found.attrs["short_pad_cells"])
    lit = float(table.ghi.sum())
    off = float(np.nansum(table.closure * table.ghi)) / lit if lit > 0 else 0.0
    notes = [f"open level ground gets {off:+.1%} of light against ghi: the hours around sunrise "
             "and sunset do not fit the sun"] if abs(off) > CLOSED else []
    if near:
        notes.append(f"{near / (ny * nx):.0%} of the cells lie within {REACH:g} m of the edge; "
                     "what stands beyond it shades none of them")
    if tops is not None:
        notes.append(f"crowns let {through:.0%} of the light through all year and reach the ground")
    months = found["irradiation_month"]
    found.attrs["month_unit"] = float(months.encoding["scale_factor"])
    found["irradiation_month"] = months.transpose("month", "y", "x")
    if holes is not None and holes.any():
        for name, field in found.data_vars.items():
            if {"y", "x"} <= set(field.dims):
                found[name] = field.where(~xr.DataArray(holes, dims=("y", "x")))
    return found.drop_vars("sunlit"), tuple(notes)


def check_directions(directions: int) -> None:
    """Raise unless so many directions make sense."""
    if not 8 <= directions <= 720:
        raise GridError(f"--directions {directions}: expected 8 to 720, 72 as a rule")


def _kilometres(south: float, west: float, north: float, east: float) -> float:
    from pyproj import Geod

    return float(Geod(ellps="WGS84").inv(west, south, east, north)[2]) / 1000
