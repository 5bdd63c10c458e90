"""Weather files as tables: EPW, TMY3, TMY2 and PVGIS, each with its own marks and clock."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from layers.errors import SourceError

_EPW_MISSING = {"ghi": 9999, "dni": 9999, "dhi": 9999, "temp_air": 99.9, "relative_humidity": 999,
                "wind_speed": 999, "wind_direction": 999, "pressure": 999999}
_TMY2_SCALE = {"GHI": ("ghi", 1.0), "DNI": ("dni", 1.0), "DHI": ("dhi", 1.0),
               "DryBulb": ("temp_air", 0.1), "RHum": ("relative_humidity", 1.0),
               "Pressure": ("pressure", 100.0), "Wdir": ("wind_direction", 1.0),
               "Wspd": ("wind_speed", 0.1)}
_NAMES = tuple(_EPW_MISSING)  # those of `layers.weather.VARIABLES`; EPW has them all


@dataclass(frozen=True)
class Hours:
    """The hours of a year as a file gives them.

    Parameters
    ----------
    frame
        A row an hour, columns named as in `layers.weather.VARIABLES` and in their units, but for
        the relative humidity [%]; what the file marks as missing is NaN. Others may be among them.
    begins
        When each hour begins on the clock of the file; the year does not count.
    start
        How much later than the turn of the year in UTC the first hour begins [h].
    about
        What the file tells of itself, for the attributes.
    clock
        What else is to be known of the clock, in words.
    """

    frame: pd.DataFrame
    begins: pd.DatetimeIndex
    start: float
    about: dict[str, str | float]
    clock: str = ""


def _epw(path: Path, raw: bytes) -> Hours:
    from pvlib.iotools import read_epw

    text = _text(raw)
    lines = [line for line in text.splitlines() if line.strip()]
    if not lines[0].upper().startswith("LOCATION,"):
        raise SourceError(f"{path} is no EPW file: it starts with {lines[0][:30]!r}, expected"
                          " 'LOCATION,'", mend="Give an EnergyPlus weather file")
    _whole(max(len(lines) - 8, 0), path)
    frame, meta = read_epw(io.StringIO("\n".join(lines) + "\n"))
    frame = frame.rename(columns={"atmospheric_pressure": "pressure"})
    for name, missing in _EPW_MISSING.items():
        values = pd.to_numeric(frame[name], errors="coerce")
        frame[name] = values.where(values < missing)
    place = ", ".join(_clean(meta[key]) for key in ("city", "country"))
    return Hours(frame, frame.index, -meta["TZ"], {
        "title": f"{place} ({_clean(meta['data_type'])})",
        "source": f"EPW file {path.name}, station {_clean(meta['WMO_code'])}",
        "licence": "not stated in the file; ask its publisher", "latitude": meta["latitude"],
        "longitude": meta["longitude"], "elevation": meta["altitude"], "utc_offset": meta["TZ"]})


def _csv(path: Path, raw: bytes) -> Hours:
    text = _text(raw)
    head = text[:4000]
    if head.lstrip().startswith("Latitude (decimal degrees)"):
        if "G(h)" not in head:
            raise SourceError(f"{path} is a PVGIS series on a tilted plane, expected a typical"
                              " year", mend="Choose TMY in PVGIS")
        return _pvgis(path, raw, len(re.findall(r"^\d{8}:\d{4},", text, re.M)), "csv")
    if "Date (MM/DD/YYYY)" not in head:
        raise SourceError(f"{path} is neither a TMY3 nor a PVGIS table: it starts with"
                          f" {head[:30]!r}", mend="Give an EPW, TMY3 or PVGIS TMY file")
    from pvlib.iotools import read_tmy3

    lines = [line for line in text.splitlines() if line.strip()]
    _whole(max(len(lines) - 2, 0), path)
    frame, meta = read_tmy3(io.StringIO("\n".join(lines) + "\n"))
    values = frame[[name for name in _NAMES if name in frame]].apply(
        pd.to_numeric, errors="coerce")
    values = values.where(values > -9900)
    if "pressure" in values:
        values["pressure"] *= 100
    # Not the index: pvlib moves the midnight of 28 February to March in leap years.
    hour = pd.to_timedelta(frame["Time (HH:MM)"].str[:2].astype("int64") - 1, unit="h")
    begins = pd.DatetimeIndex(pd.to_datetime(frame["Date (MM/DD/YYYY)"], format="%m/%d/%Y") + hour)
    return Hours(values, begins, -meta["TZ"], {
        "title": f"{_clean(meta['Name'])}, {_clean(meta['State'])} (TMY3)",
        "source": f"NREL TMY3 file {path.name}, station {meta['USAF']}",
        "licence": "public domain (NREL)", "latitude": meta["latitude"],
        "longitude": meta["longitude"], "elevation": meta["altitude"], "utc_offset": meta["TZ"]})


def _tm2(path: Path, raw: bytes) -> Hours:
    from pvlib.iotools import read_tmy2

    _whole(len([line for line in raw.splitlines() if line.strip()]) - 1, path)
    frame, meta = read_tmy2(str(path))
    columns = {new: frame[old].where(frame[old] < 9999) * scale
               for old, (new, scale) in _TMY2_SCALE.items()}
    for name in ("relative_humidity", "wind_direction"):
        columns[name] = columns[name].where(columns[name] < 999)
    return Hours(pd.DataFrame(columns), frame.index.tz_localize(None), -float(meta["TZ"]), {
        "title": f"{_clean(meta['City'])}, {_clean(meta['State'])} (TMY2)",
        "source": f"NREL TMY2 file {path.name}, station {_clean(meta['WBAN'])}",
        "licence": "public domain (NREL)", "latitude": float(meta["latitude"]),
        "longitude": float(meta["longitude"]), "elevation": float(meta["altitude"]),
        "utc_offset": float(meta["TZ"])})


def _json(path: Path, raw: bytes) -> Hours:
    found = json.loads(_text(raw))
    outputs = found.get("outputs", {}) if isinstance(found, dict) else {}
    if "tmy_hourly" not in outputs:
        raise SourceError(f"{path} holds no outputs.tmy_hourly, expected a PVGIS typical year",
                          mend="Choose TMY and JSON in PVGIS")
    return _pvgis(path, raw, len(outputs["tmy_hourly"]), "json")


def _pvgis(path: Path, raw: bytes, count: int, form: str) -> Hours:
    from pvlib.iotools import read_pvgis_tmy

    _whole(count, path)
    buffer = io.BytesIO(raw) if form == "csv" else io.StringIO(_text(raw))
    frame, meta = read_pvgis_tmy(buffer, pvgis_format=form)
    place = meta["inputs"].get("location", meta["inputs"])
    late = meta["inputs"].get("irradiance time offset", place.get("irradiance_time_offset"))
    start = 0.0 if late is None else float(late) - 0.5
    note = ("assumed to be the middle of the hour: the file has no irradiance time offset"
            if late is None else f"the moment {float(late):g} h after the hour, from its header")
    return Hours(frame, frame.index.tz_localize(None), start, {
        "title": f"PVGIS typical year at {place['latitude']:g} N {place['longitude']:g} E",
        "source": f"PVGIS TMY file {path.name}",
        "licence": "PVGIS (c) European Union, free reuse with acknowledgement",
        "latitude": float(place["latitude"]), "longitude": float(place["longitude"]),
        "elevation": float(place["elevation"]), "utc_offset": 0.0}, note)


def _text(raw: bytes) -> str:
    for code in ("utf-8-sig", "gb18030" if b"CHN" in raw[:200] else "latin-1"):
        try:
            return raw.decode(code)
        except UnicodeDecodeError:
            continue
    raise ValueError("unknown text encoding")


def _whole(count: int, path: Path) -> None:
    """Raise unless ``count`` hours are a year; pvlib has no clear word for a file cut short."""
    if count not in (8760, 8784):
        raise SourceError(f"{path} holds {count} hours, expected 8760 (8784 in a leap year)",
                          mend="Download it again: it may be cut short")


def _clean(words: object) -> str:
    return " ".join(re.sub(r"[^\w ,.()/-]", " ", str(words)).split())[:120]


READERS: dict[str, Callable[[Path, bytes], Hours]] = {
    ".epw": _epw, ".csv": _csv, ".tm2": _tm2, ".json": _json}
