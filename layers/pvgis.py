"""A typical year of weather for any place, asked of PVGIS and kept on disk."""

from __future__ import annotations

import logging
import math
import os
import time
from pathlib import Path

from layers.errors import CityTwinError, LayerError, SourceError
from layers.overpass import PATIENCE, cache_folder

URL = "https://re.jrc.ec.europa.eu/api/v5_3/tmy"

_MEND = "Try again later, use --offline for what was fetched before, or give an EPW file"
_LOG = logging.getLogger(__name__)


def fetch_typical_year(latitude: float, longitude: float, *, cache: str | Path | None = None,
                       offline: bool = False, timeout: float = 60.0, retries: int = 3,
                       backoff: float = 2.0, url: str = URL) -> Path:
    """Return a PVGIS typical year as a file, for `layers.weather.read_weather`.

    Parameters
    ----------
    latitude, longitude
        Place, north and east count up; asked for to a hundredth, a kilometre [degrees].
    cache
        Folder for answers; that of the environment or of the user where not given.
    offline
        Take only what was fetched before.
    timeout
        Longest wait for an answer [s].
    retries
        How often to ask again a server that is busy or away.
    backoff
        Wait before the first of them, doubled each time [s].
    url
        The service.

    Returns
    -------
    Path
        The answer as it came, CSV; it is a whole year that can be read.

    Raises
    ------
    SourceError
        When PVGIS does not answer, knows nothing of the place, or answers with something else.

    Notes
    -----
    PVGIS takes the light from satellites where they see the place and from ERA5 elsewhere, such as
    in China; ERA5 sees too little haze there. Audit the file and scale it to a local sum.

    References
    ----------
    Huld et al. (2012), Sol. Energy 86:1803, doi:10.1016/j.solener.2012.03.006. European Commission,
    Joint Research Centre: PVGIS, data free to reuse with acknowledgement.
    """
    if not (abs(latitude) <= 90 and abs(longitude) <= 180):
        raise CityTwinError(f"{latitude:g} N {longitude:g} E is no place, expected degrees",
                            mend="Give latitude and longitude")
    lat, lon = (f"{round(degrees, 2) + 0.0:.2f}" for degrees in (latitude, longitude))
    question = {"lat": lat, "lon": lon, "outputformat": "csv"}
    label = f"weather at {lat} N {lon} E"
    folder = cache_folder(cache).with_name("pvgis")
    kept = folder / f"pvgis_tmy_v5_3_{lat}_{lon}.csv"
    if kept.is_file():
        return kept
    if offline:
        raise SourceError(f"{label}: the answer of PVGIS is not in the cache {folder}",
                          mend="Fetch it once without --offline, or give an EPW file")
    part = kept.with_suffix(f".{os.getpid()}.part.csv")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        part.write_bytes(_ask(url, question, label, timeout, retries, backoff))
        _check(part, label)
        part.replace(kept)
    except OSError as error:
        raise SourceError(f"{label}: the answer of PVGIS cannot be kept in {folder}"
                          f" ({error.strerror})", mend="Give another cache folder") from error
    finally:
        part.unlink(missing_ok=True)
    return kept


def _ask(url: str, question: dict[str, str], label: str, timeout: float, retries: int,
         backoff: float) -> bytes:
    """Return the body of a good answer, asked for with patience."""
    import requests

    passing = (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError)
    why = ""
    for tried in range(retries + 1):
        wait = backoff * 2**tried
        try:
            answer = requests.get(url, params=question, timeout=timeout)
        except passing as error:
            why = "did not answer in time" if isinstance(error, requests.Timeout) \
                else "cannot be reached"
        except requests.RequestException as error:
            raise SourceError(f"{label}: PVGIS cannot be asked ({type(error).__name__})",
                              mend=_MEND) from error
        else:
            if answer.ok:
                return answer.content
            if answer.status_code != 429 and answer.status_code < 500:
                raise SourceError(f"{label}: PVGIS refuses ({_words(answer)})",
                                  mend="Give a place on land, or an EPW file")
            why = f"is too busy (HTTP {answer.status_code})"
            asked = answer.headers.get("Retry-After", "")
            wait = max(wait, float(asked) if asked.isdecimal() else 0.0)
        if tried < retries:
            wait = min(wait, PATIENCE)
            _LOG.warning("%s: PVGIS %s; asking again in %.0f s", label, why, math.ceil(wait))
            time.sleep(wait)
    raise SourceError(f"{label}: PVGIS {why}, {retries + 1} times", mend=_MEND)


def _words(answer: object) -> str:
    """Return what PVGIS says is wrong, in plain characters."""
    code = getattr(answer, "status_code", 0)
    try:
        said = str(answer.json()["message"])  # type: ignore[attr-defined]
    except (ValueError, KeyError, TypeError):
        return f"HTTP {code}"
    plain = "".join(c if c.isprintable() else " " for c in said)
    return f"HTTP {code}: {' '.join(plain.split())[:120]}"


def _check(path: Path, label: str) -> None:
    """Raise unless the answer is a year of weather."""
    from layers.weather import read_weather

    try:
        read_weather(path)
    except (SourceError, LayerError) as error:
        raise SourceError(f"{label}: PVGIS gave something else than a year of weather",
                          mend=_MEND) from error
