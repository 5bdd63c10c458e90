"""Rooftop photovoltaic potential on flat, unshaded roofs."""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np
import xarray as xr

from twin.estimate import Estimate, relative, spread
from twin.label import Var, indicator
from twin.sun.photovoltaic import row_cover_ratio, specific_yield, split_radiation

FAR = 100.0         # a weather station further away than this is told [km]
LEAST_ROOF = 20.0  # smaller roofs carry no modules [m2]
SUNNY = 0.5         # share of a pitched roof whose planes face the sun well enough [1]
RACK_TILT, ROOF_TILT = 15.0, 30.0  # modules on flat racks and on pitched roofs [degrees]

# Which usable share a flat roof of this use takes.
FLAT_KIND = {"residential": "flat_residential", "hotel": "flat_commercial",
             "retail": "flat_commercial", "office": "flat_commercial",
             "education": "flat_public", "hospital": "flat_public", "culture": "flat_public",
             "transport": "flat_public", "industrial": "flat_industrial"}


@indicator(
    Var("pv_capacity", "W m-2", "Rooftop PV capacity", total="sum", total_units="MW",
        estimate=True, better=1, low=0),
    Var("pv_yield", "kWh m-2 a-1", "Rooftop PV yield", total="sum", total_units="GWh a-1",
        estimate=True, better=1, low=0),
    on="buildings",
)
def rooftop_pv(buildings: gpd.GeoDataFrame, weather: xr.Dataset, city: Any,
               factors: Any) -> dict[str, Estimate]:
    """Capacity and yearly yield of modules on the usable part of each roof.

    Roofs are taken as flat where the shape is unknown (modules on racks towards the equator, rows
    spaced for the winter solstice) and as pitched where it is tagged so (half of the planes, mean
    of east, west and the equator's side). Shade from neighbours and roof parts is not computed; the
    usable share by roof type stands for what else is on the roof.

    Returns
    -------
    dict
        ``pv_capacity`` [W] and ``pv_yield`` [kWh a-1] per building.

    References
    ----------
    GB 50797-2012, 7.2.1 (row spacing); Dobos (2014), NREL/TP-6A20-62641; Perez et al. (1990), Sol.
    Energy 44:271. The chain is in `twin.sun.photovoltaic`.
    """
    lon, lat, year = station(weather, city.lonlat, factors)
    roof = np.where(buildings.area.to_numpy() >= LEAST_ROOF, buildings.area.to_numpy(), 0.0)
    kinds = roof_kinds(buildings)
    shares = {k: factors.pick(f"pv.usable.{k}", "1") for k in np.unique(kinds)}
    usable = np.array([shares[k].value for k in kinds])
    ranges = {k: relative(f) for k, f in shares.items()}
    down, up = (np.array([ranges[k][end] for k in kinds]) for end in (0, 1))

    pitched = kinds == "tilted"
    racks = row_cover_ratio(city.lonlat[1], RACK_TILT)
    modules = roof * usable * np.where(pitched, SUNNY / np.cos(np.deg2rad(ROOF_TILT)), racks)
    density = factors.pick("pv.module_density", "W m-2")
    capacity = modules * density.value

    chain = {"losses": factors.pick("pv.losses", "1").value,
             "temperature_coefficient": factors.pick("pv.temperature_coefficient").value,
             "inverter_efficiency": factors.pick("pv.inverter_efficiency", "1").value}
    equator = 180.0 if lat >= 0 else 0.0
    on_racks = specific_yield(year, latitude=lat, longitude=lon, tilt=RACK_TILT,
                              azimuth=equator, **chain)
    on_roofs = np.mean([specific_yield(year, latitude=lat, longitude=lon, tilt=ROOF_TILT,
                                       azimuth=a, **chain)
                        for a in (90.0, equator, 270.0)]) if pitched.any() else 0.0
    energy = capacity / 1000.0 * np.where(pitched, on_roofs, on_racks)
    sigma = factors.pick("pv.weather_sigma", "1").value
    of_year = (1.96 * sigma, 1.96 * sigma)
    of_modules = relative(density)
    unknown = int((buildings["roof_shape"] == "").sum())
    factors.count("roofs of unknown shape taken as flat", unknown)
    return {"pv_capacity": spread(capacity, (down, up), of_modules),
            "pv_yield": spread(energy, (down, up), of_modules, of_year)}


def roof_kinds(buildings: gpd.GeoDataFrame) -> np.ndarray:
    """Return the roof type of each building, as the usable shares name it."""
    shape = buildings["roof_shape"].to_numpy(dtype="object")
    flat = buildings["use"].map(FLAT_KIND).fillna("unknown").to_numpy(dtype="object")
    return np.asarray(np.where(shape == "", "unknown", np.where(shape == "flat", flat, "tilted")),
                      dtype="object")


def station(weather: xr.Dataset, place: tuple[float, float],
            factors: Any) -> tuple[float, float, xr.Dataset]:
    """Return longitude, latitude and a whole year of the weather.

    The sun is computed where the weather was taken, so that radiation and sun agree; a station
    more than 100 km away is counted. Direct and diffuse radiation that the file does not have are
    split from the global one (Erbs et al. 1982).
    """
    from pyproj import Geod

    lon, lat = (float(weather.attrs.get(k, "nan")) for k in ("longitude", "latitude"))
    if not (np.isfinite(lon) and np.isfinite(lat)):
        lon, lat = place
    away = Geod(ellps="WGS84").inv(lon, lat, *place)[2] / 1000
    if away > FAR:
        factors.count("weather from a station this far away [km]", round(away))
    missing = int((np.isnan(weather["dni"]) | np.isnan(weather["dhi"])).sum())
    if missing:
        factors.count("hours whose direct and diffuse radiation are split from the global one",
                      missing)
        weather = split_radiation(weather, latitude=lat, longitude=lon)
    return lon, lat, weather
