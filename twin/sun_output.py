"""The light as NetCDF that other programs understand: names, coordinates and where it lies."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from layers.provenance import now
from layers.version import VERSION
from twin.sun_run import Year
from twin.wind_files import Raster
from twin.wind_output import CHUNK, placed

EMPTY = 65535  # of a packed month without a result
REFERENCES = (
    "Dozier & Frew (1990), doi:10.1109/36.58986; Perez et al. (1990), "
    "doi:10.1016/0038-092X(90)90055-H; Reda & Andreas (2004), doi:10.1016/j.solener.2003.12.003")
LIMITS = ("Light of the weather file on level cells, and on roof planes where buildings were "
          "given, of the plane and not of the map. One even reflection. Suns below 1 degree "
          "are left out. Sun hours are those of a cloudless sky.")


def as_file(found: xr.Dataset, surface: Raster, year: Year, *, directions: int, command: str,
            seconds: float, notes: Sequence[str]) -> xr.Dataset:
    """Return the light with coordinates and attributes, ready to write.

    Parameters
    ----------
    found
        From `light_over`.
    surface
        The surface.
    year
        Its weather.
    directions
        Number of directions looked to.
    command
        What was typed.
    seconds
        What the computing took [s].
    notes
        What to know of it.
    """
    months = ("month", np.arange(1, 13, dtype=np.int8),
              {"long_name": "Month of the year, standard time of the place", "units": "1"})
    data = placed(found.assign_coords(month=months), surface)
    for name, words in (("sun_hours", "Time with sun on the plane, clouds left out"),
                        ("irradiation", "Irradiation of the plane, year"),
                        ("irradiation_month", "Irradiation of the plane, month"),
                        ("sky_view", "Sky view factor of the plane")):
        data[name].attrs["long_name"] = words
    told = {"Conventions": "CF-1.11", "title": f"Sun over {surface.name}",
            "source": f"citytwin {VERSION}", "history": f"{now()}: {command}",
            "references": REFERENCES,
            "comment": "\n".join([LIMITS, *year.audit.flags, *year.notes, *notes]),
            "weather": str(year.weather.attrs.get("title", "")),
            "weather_source": str(year.weather.attrs.get("source", "")),
            "latitude": year.latitude, "longitude": year.longitude,
            "ghi": round(year.audit.ghi, 2), "directions": directions,
            "seconds": round(seconds, 3),
            "month_unit": found.attrs["month_unit"]}
    data.attrs = {k: v.encode("utf-8", "replace").decode() if isinstance(v, str) else v
                  for k, v in told.items()}
    return data


def write_light(data: xr.Dataset, file: Path) -> None:
    """Write the light, packed; the months stay the 16-bit numbers they are summed as.

    Parameters
    ----------
    data
        From `as_file`.
    file
        To write; the caller moves it where it belongs.
    """
    encoding: dict[str, dict[str, Any]] = {str(n): {"_FillValue": None} for n in data.coords}
    for name, field in data.data_vars.items():
        ny, nx = field.shape[-2:]
        small = min(ny, CHUNK[0]), min(nx, CHUNK[1])
        made = {"zlib": True, "complevel": 1, "shuffle": True, "_FillValue": np.float32("nan"),
                "chunksizes": (*[1] * (field.ndim - 2), *small)}
        if name == "irradiation_month":
            made |= {"dtype": "uint16", "_FillValue": np.uint16(EMPTY),
                     "scale_factor": np.float32(data.attrs["month_unit"])}
        encoding[str(name)] = made
    data.drop_attrs(deep=False).assign_attrs(
        {k: v for k, v in data.attrs.items() if k != "month_unit"}).to_netcdf(
        file, engine="h5netcdf", encoding=encoding)
