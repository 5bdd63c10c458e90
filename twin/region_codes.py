"""Where a factor holds: codes of regions, nearest first, and the climate zones of China."""

from __future__ import annotations

import csv
import re
from functools import lru_cache
from pathlib import Path

from layers.errors import FactorError, nearest
from layers.place import Place

EUROPE = frozenset((
    "AT", "BE", "BG", "CH", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GB", "GR", "HR", "HU",
    "IE", "IS", "IT", "LI", "LT", "LU", "LV", "MT", "NL", "NO", "PL", "PT", "RO", "SE", "SI", "SK"))

_REGION = re.compile(r"WORLD|EU|[A-Z]{2}(-[^.,]+)?")
_OTHER_CODES = {"UK": "GB", "EL": "GR"}  # of Eurostat, not of ISO 3166
_PROVINCE_END = re.compile(r"( province| municipality| sheng| shi|( \w+)? autonomous region"
                           r"|壮族自治区|回族自治区|维吾尔自治区|自治区|省|市)$", re.IGNORECASE)


def regions(place: Place) -> list[str]:
    """Return the region codes to try for a place, nearest first."""
    out = []
    if place.country and place.region:
        english = _province(place.region) if place.country == "CN" else None
        out.append(f"{place.country}-{english or place.region}")
        if english:
            out.append(_zones()[english])
    if place.country:
        out.append(place.country)
    if place.country in EUROPE:
        out.append("EU")
    return [*out, "WORLD"]


def china_zone(region: str) -> str:
    """Return the climate zone of a Chinese province, such as ``"CN-HSCW"`` for Hubei.

    A province is given the one zone most of its people live in: severe cold and cold ``CN-SC``,
    hot-summer cold-winter ``CN-HSCW``, hot-summer warm-winter ``CN-HSWW`` or temperate ``CN-T``.
    Many provinces reach into a second one, told in ``china_zones.csv``.

    Parameters
    ----------
    region
        Province in English or Chinese.

    Raises
    ------
    FactorError
        When there is no such province.

    References
    ----------
    GB 50176-2016, Code for thermal design of civil building.
    """
    english = _province(region)
    if english is None:
        raise FactorError(f"no Chinese province {region!r}{nearest(region, list(_zones()))}")
    return _zones()[english]


def region_mend(region: str) -> str:
    """Return how to write a region that no place would ever find, or an empty string."""
    if not _REGION.fullmatch(region):
        return "FR, CN-Hubei, EU or WORLD"
    country, _, part = region.partition("-")
    if country in _OTHER_CODES:
        return _OTHER_CODES[country] + region[2:]
    if country == "CN" and part and part not in _zones() and region not in _zones().values():
        english = _province(part)
        return f"CN-{english}" if english else f"CN and a province{nearest(part, list(_zones()))}"
    return ""


@lru_cache(maxsize=1)
def _provinces() -> dict[str, tuple[str, str]]:
    """Return the folded English and Chinese names of provinces -> English name and zone."""
    table = Path(__file__).parent / "data" / "china_zones.csv"
    with table.open(encoding="utf-8", newline="") as file:
        return {name.casefold(): (row["province"], row["zone"]) for row in csv.DictReader(file)
                for name in (row["province"], row["province_zh"])}


def _zones() -> dict[str, str]:
    return dict(_provinces().values())


def _province(region: str) -> str | None:
    text = region.strip().casefold()
    found = _provinces().get(text) or _provinces().get(_PROVINCE_END.sub("", text))
    return found[0] if found else None
