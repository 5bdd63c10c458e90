"""What works on this machine: versions, pictures, fonts, optional parts, the cache."""

from __future__ import annotations

import importlib.util
import sys
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from layers.errors import CityTwinError


@dataclass(frozen=True)
class Finding:
    """One part: whether it works, what is known of it, whether the rest works without it."""

    part: str
    ok: bool
    about: str
    optional: bool = False


def findings() -> list[Finding]:
    """Return what was found, most needed first."""
    import layers
    import twin

    found = [Finding("python", sys.version_info >= (3, 11), sys.version.split()[0])]
    for name in ("layers", "twin", "scenarios"):
        module = importlib.util.find_spec(name)
        where = str(Path(module.origin).parent) if module and module.origin else "not found"
        found.append(Finding(f"import {name}", bool(module), where))
    for name in ("numpy", "geopandas", "shapely", "rasterio", "xarray", "osmnx", "pvlib"):
        found.append(_installed(name))
    try:
        base = twin.run(layers.toy_town(), want=["co2_net"])
        total = base.totals()["value"].to_dict()["co2_net"]
        found.append(Finding("a run of the toy town", True, f"net CO2 {total:.0f} t a-1"))
    except CityTwinError as error:
        found.append(Finding("a run of the toy town", False, str(error)))
    found.append(_drawing())
    found.append(_font())
    found += [_installed("pyrosm", extra="pbf"), _installed("folium", extra="notebook")]
    return found


def _installed(name: str, *, extra: str = "") -> Finding:
    try:
        return Finding(name, True, str(distribution(name).version), bool(extra))
    except PackageNotFoundError:
        mend = f"pip install 'citytwin[{extra}]'" if extra else f"pip install {name}"
        return Finding(name, False, f"not installed: {mend}", bool(extra))


def _drawing() -> Finding:
    from twin.opengl import probe

    try:
        return Finding("3D pictures", True, probe(), True)
    except CityTwinError as error:
        return Finding("3D pictures", False, str(error), True)


def _font() -> Finding:
    from twin.fonts import families, has_cjk

    about = (", ".join(families()) if has_cjk()
             else "no font with Chinese characters: apt-get install fonts-noto-cjk")
    return Finding("Chinese in pictures", has_cjk(), about, True)
