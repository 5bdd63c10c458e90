"""Hourly weather of one year: one plain, checked Dataset, and what its months and winds are."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from layers.errors import LayerError, SourceError
from layers.weather_files import READERS, Hours

VARIABLES: dict[str, tuple[str, str, float, float]] = {
    "ghi": ("W m-2", "global horizontal irradiance", 0, 1500),
    "dni": ("W m-2", "direct normal irradiance", 0, 1500),
    "dhi": ("W m-2", "diffuse horizontal irradiance", 0, 1500),
    "temp_air": ("degC", "air temperature", -90, 60),
    "relative_humidity": ("1", "relative humidity", 0, 1),
    "wind_speed": ("m s-1", "wind speed at the height of the mast", 0, 110),
    "wind_direction": ("degree", "direction the wind comes from, clockwise from north", 0, 360),
    "pressure": ("Pa", "air pressure at the station", 30e3, 120e3),
}
"""Name to units, long name and the lowest and highest value that can be true."""

NEEDED = ("ghi", "temp_air")
MISSING_SHARE = 0.05
_NOMINAL = ("each hour is stamped by its middle, in UTC, in one nominal year ({year}, standard time"
            " of the place): a typical year mixes months of different years")


def read_weather(path: str | Path) -> xr.Dataset:
    """Read a typical or real year of hourly weather.

    Parameters
    ----------
    path
        An EnergyPlus weather file (``.epw``), an NREL TMY3 (``.csv``) or TMY2 (``.tm2``) file, or
        a PVGIS typical year (``.csv`` or ``.json``).

    Returns
    -------
    xr.Dataset
        `VARIABLES` over ``time``, 8760 or 8784 hours. A column the file does not have, and a
        value it marks as missing, is NaN.

    Raises
    ------
    SourceError
        When the file is missing, empty, cut short, or no weather file.
    LayerError
        When the values cannot be true, or more than 5 % of a needed one is missing.

    Notes
    -----
    The hours of EPW, TMY3 and TMY2 are intervals in standard time that end at the hour they name;
    the stamp given here is half an hour earlier. PVGIS values hold for one moment in UTC, the
    hour plus the irradiance time offset of its header; that moment is the stamp.

    References
    ----------
    EnergyPlus, Auxiliary Programs, weather file data dictionary. Wilcox and Marion (2008),
    Users Manual for TMY3 Data Sets, doi:10.2172/928611.
    """
    path = Path(path)
    if path.is_dir():
        raise SourceError(f"{path} is a folder, expected a weather file",
                          mend="Give the .epw, .csv, .tm2 or .json file in it")
    if not path.is_file():
        raise SourceError(f"there is no weather file {path}", mend="Check the path")
    reader = READERS.get(path.suffix.lower())
    if reader is None:
        raise SourceError(f"{path} is a {path.suffix or 'nameless'} file, expected"
                          f" {', '.join(READERS)}", mend="Give an EPW, TMY or PVGIS file")
    raw = path.read_bytes()
    if not raw.strip():
        raise SourceError(f"{path} is empty, expected a year of hourly weather",
                          mend="Download it again")
    try:
        return _dataset(reader(path, raw), path)
    except (SourceError, LayerError):
        raise
    except (ValueError, LookupError, TypeError, AttributeError, ArithmeticError,
            RecursionError) as error:
        why = " ".join(str(error).split())[:80]
        raise SourceError(f"{path} cannot be read as a weather file ({why})",
                          mend="Download it again or give another file") from None


def year_of_hours(hours: int, *, start: float = 0.0) -> pd.DatetimeIndex:
    """Return the middles of ``hours`` hours of a nominal year, ``start`` hours late [h]."""
    year = 2000 if hours == 8784 else 2001
    first = pd.Timestamp(year, 1, 1) + pd.Timedelta(hours=start + 0.5)
    return pd.date_range(first, periods=hours, freq="h", unit="ns")


def as_weather(columns: Mapping[str, ArrayLike], time: pd.DatetimeIndex, *, where: str,
               **attrs: str | float) -> xr.Dataset:
    """Return the weather Dataset, checked.

    Parameters
    ----------
    columns
        Values by the names of `VARIABLES`, in their units. Those left out become NaN.
    time
        Middle of each hour, UTC.
    where
        The file or generator, for the words of an error.
    **attrs
        Attributes of the Dataset.

    Raises
    ------
    LayerError
        When the values cannot be true, or more than 5 % of a needed one is missing.
    """
    data = {}
    for name, (units, words, low, high) in VARIABLES.items():
        values = np.asarray(columns.get(name, np.full(len(time), np.nan)), dtype="float64") + 0.0
        share = float(np.isnan(values).mean())
        if name in NEEDED and share > MISSING_SHARE:
            raise LayerError(f"{where}: {name} is missing in {share:.0%} of the hours, expected at"
                             f" most {MISSING_SHARE:.0%}", mend="Use another weather file")
        bad = (values < low) | (values > high)
        if bad.any():
            at = int(bad.argmax())
            raise LayerError(
                f"{where}: {name} is {values[at]:g} {units} at {time[at]:%m-%d %H:%M} UTC, expected"
                f" {low:g} to {high:g} ({int(bad.sum())} such hours)",
                mend="Correct the file or use another one")
        data[name] = ("time", values, {"units": units, "long_name": words})
    clock = ("time", time, {"standard_name": "time", "long_name": "middle of the hour, UTC"})
    return xr.Dataset(data, coords={"time": clock}, attrs=attrs)


def _dataset(found: Hours, path: Path) -> xr.Dataset:
    """Return the hours of a file as weather, checked to be those of a year in their order."""
    frame, begins, count = found.frame, found.begins, len(found.frame)
    nominal = year_of_hours(count, start=-0.5)
    off = np.logical_or.reduce([np.asarray(getattr(begins, part) != getattr(nominal, part))
                                for part in ("month", "day", "hour")])
    if off.any():
        at = int(off.argmax())
        raise SourceError(f"{path}, hour {at + 1}: {begins[at]:%m-%d %H h}, expected"
                          f" {nominal[at]:%m-%d %H h}", mend="Put the hours of the year in order")
    columns = {name: pd.to_numeric(frame[name], errors="coerce").to_numpy("float64")
               for name in VARIABLES if name in frame}
    if "relative_humidity" in columns:
        # Instruments and EPW allow a little more than saturation.
        share = columns["relative_humidity"] / 100
        columns["relative_humidity"] = np.where(share <= 1.1, np.minimum(share, 1), share)
    if "ghi" not in columns:
        raise SourceError(f"{path} has no global horizontal irradiance (ghi)",
                          mend="Use a file with solar radiation")
    note = _NOMINAL.format(year=nominal[0].year) + (f"; {found.clock}" if found.clock else "")
    return as_weather(columns, year_of_hours(count, start=found.start), where=str(path),
                      synthetic="no", time_note=note, **found.about)


def local_time(ds: xr.Dataset) -> pd.DatetimeIndex:
    """Return the middles of the hours in the standard time of the place."""
    return pd.DatetimeIndex(ds["time"].to_numpy()) + pd.Timedelta(hours=ds.attrs["utc_offset"])


def monthly(ds: xr.Dataset) -> pd.DataFrame:
    """Return sums of radiation [kWh m-2] and means of the rest, a row a month (local time).

    Hours without a value are taken to be like the others of their month.
    """
    month = local_time(ds).month.rename("month")
    frame = pd.DataFrame({name: ds[name].to_numpy() for name in
                          ("ghi", "dni", "dhi", "temp_air", "wind_speed", "relative_humidity")})
    table = frame.groupby(month).mean()
    hours = np.bincount(month, minlength=13)[table.index]
    table[["ghi", "dni", "dhi"]] *= hours[:, None] / 1000
    return table


def annual_ghi(ds: xr.Dataset) -> float:
    """Return the global horizontal irradiation of the year [kWh m-2]."""
    return float(monthly(ds)["ghi"].sum())


def wind_rose(ds: xr.Dataset, sectors: int = 16, calm: float = 0.5) -> xr.Dataset:
    """Return how often, and how fast on average, the wind comes from each sector.

    Parameters
    ----------
    ds
        Weather of a year.
    sectors
        Number of sectors; the first is centred on north.
    calm
        Speed below which the air is calm and its direction not counted [m s-1].

    Returns
    -------
    xr.Dataset
        ``frequency`` [1] and ``mean_speed`` [m s-1] over ``sector`` (its centre, where the wind
        comes from [degree]) and the share ``calm`` [1]; frequencies and calm sum to one.

    Raises
    ------
    LayerError
        When the weather has no wind.
    """
    speed, direction = ds["wind_speed"].to_numpy(), ds["wind_direction"].to_numpy()
    known = ~np.isnan(speed) & (~np.isnan(direction) | (speed < calm))
    if not known.any() or sectors < 1:
        raise LayerError(f"{ds.attrs.get('title', 'the weather')} has {int(known.sum())} hours with"
                         f" wind for {sectors} sectors", mend="Use a weather file with wind")
    blows = known & (speed >= calm)
    width = 360 / sectors
    bins: NDArray[np.int64] = (((direction[blows] + width / 2) % 360) // width).astype("int64")
    count = np.bincount(bins, minlength=sectors)
    total = np.bincount(bins, weights=speed[blows], minlength=sectors)
    mean = np.divide(total, count, out=np.full(sectors, np.nan), where=count > 0)
    units = {"units": "1", "long_name": "share of hours with wind from the sector"}
    return xr.Dataset(
        {"frequency": ("sector", count / known.sum(), units),
         "mean_speed": ("sector", mean, {"units": "m s-1", "long_name": "mean wind speed"}),
         "calm": ((), 1 - blows.sum() / known.sum(),
                  {"units": "1", "long_name": f"share of hours below {calm:g} m s-1"})},
        coords={"sector": ("sector", np.arange(sectors) * width,
                           {"units": "degree", "long_name": VARIABLES["wind_direction"][1]})},
        attrs={"calm_below": calm, "source": ds.attrs.get("source", "")})


def degree_days(ds: xr.Dataset, base_heating: float = 18.0,
                base_cooling: float = 26.0) -> tuple[float, float]:
    """Return the heating and cooling degree days of the year [K d] from daily mean temperatures.

    Parameters
    ----------
    ds
        Weather of a year.
    base_heating
        Days colder than this are heated up to it [degC].
    base_cooling
        Days warmer than this are cooled down to it [degC].

    References
    ----------
    GB 50176-2016, Code for thermal design of civil building: HDD18 and CDD26.
    """
    daily = pd.Series(ds["temp_air"].to_numpy()).groupby(local_time(ds).floor("D")).mean()
    return (float((base_heating - daily).clip(lower=0).sum()),
            float((daily - base_cooling).clip(lower=0).sum()))
