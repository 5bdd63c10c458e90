"""The sun: a fine field of the year's light with all shade, its means per cell, and modules."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import geopandas as gpd
import numpy as np
import xarray as xr
from numpy.typing import NDArray

from twin.estimate import Estimate
from twin.fine import bins
from twin.label import Var, indicator

CELL, DIRECTIONS = 2.0, 72
MOST = 4e8    # cells times directions that are looked along unasked
IN_LEAF = (4, 5, 6, 7, 8, 9, 10)  # months with leaves north of the tropics
AWAY = 112.5  # planes turned further from the equator carry no modules [degrees]
NOTE = ("Beam, circumsolar, isotropic and horizon light of Perez (1990) over horizons of ground, "
        "buildings with flat tops and crowns; one reflection. Nothing is known beyond the edge of "
        "the data. Trees beyond the tropics are taken as deciduous.")


def _too_large(city: Any, settings: Mapping[str, Any]) -> str:
    """Say why the sun is not computed unasked, and which cells would do."""
    west, south, east, north = city.area.bounds
    cell = float(settings.get("cell", CELL))
    ways = int(settings.get("directions", DIRECTIONS))
    work = (east - west) * (north - south) / cell ** 2 * ways if cell > 0 else 0.0
    if work <= MOST:
        return ""
    fit = math.ceil(cell * math.sqrt(work / MOST))
    return (f"{work / 1e9:.1f} thousand million looks at the sky are a long work unasked (fits "
            f"with sun_field.cell={fit}, or ask for it by name)")


@indicator(field="sun", reach=None, unless=_too_large)
def sun_field(city: Any, weather: xr.Dataset, factors: Any, tell: Any, *, cell: float = CELL,
              directions: int = DIRECTIONS) -> xr.Dataset:
    """Return the light of the year on ground and roofs, with all shade, on fine cells.

    Parameters
    ----------
    cell
        Side of a fine cell [m].
    directions
        Directions to look to, evenly around the circle.

    Returns
    -------
    xarray.Dataset
        ``irradiation`` [kWh m-2 a-1], ``irradiation_month`` [kWh m-2], ``sky_view`` [1] and
        ``sun_hours``, direct light over 120 W m-2 [h a-1], as `twin.sun.irradiance.irradiate` gives
        them, per area of the plane; ``building``, row of the building, and ``plane``, that of the
        roof plane, -1 for none.

    References
    ----------
    Perez et al. (1990), Sol. Energy 44:271, doi:10.1016/0038-092X(90)90055-H; Dozier & Frew (1990),
    IEEE Trans. Geosci. Remote Sens. 28:963, doi:10.1109/36.58986.
    """
    from twin.rasters import burn
    from twin.roofs import LEVEL, roof_planes
    from twin.shading import shading
    from twin.sun.irradiance import irradiate
    from twin.sun.table import SUNSHINE, sun_table
    from twin.weather_year import year_of

    year = year_of(weather, city.lonlat, factors)
    table = sun_table(year.weather, year.latitude, year.longitude, directions=directions,
                      periods="months", least_beam=SUNSHINE)
    scene = shading(city, cell)
    stands = scene.stands
    buildings = city.frame("buildings")
    planes = roof_planes(buildings, factors)
    rows = planes["building"].to_numpy()
    order = np.argsort(buildings["height"].to_numpy()[rows], kind="stable")
    number = burn(planes.geometry.values[order], order, stands["x"].to_numpy(),
                  stands["y"].to_numpy(), fill=-1)
    number[np.append(rows, -1)[number] != stands["building"].to_numpy()] = -1
    tilt = planes["slope"].to_numpy()
    tilt, aspect = (np.append(a, 0.0)[number] for a in (
        np.where(tilt < LEVEL, 0.0, tilt), planes["aspect"].to_numpy()))
    tilted = {"slope": tilt, "aspect": aspect} if tilt.any() else {}

    found = irradiate(scene.top, cell, table, pad=scene.pad, tell=tell, **tilted,
                      **scene.crowns(_through(year.latitude, factors))).load().drop_encoding()
    inner = scene.inner
    own = xr.DataArray(number, {"y": stands["y"], "x": stands["x"]}, ("y", "x"))
    found = found.drop_vars("sunlit").assign(
        building=inner["building"].drop_attrs(),
        plane=own.sel(y=inner["y"], x=inner["x"])).assign_coords(
        month=np.arange(1, 13), spatial_ref=xr.DataArray(0, attrs=city.crs.to_cf()))
    for axis in ("x", "y"):
        found[axis].attrs = {"standard_name": f"projection_{axis}_coordinate", "units": "m"}
    return found.assign_attrs(
        Conventions="CF-1.11", title=f"sun over {city.name}", note=NOTE, cell=float(cell),
        directions=int(directions), weather=str(weather.attrs.get("title", "")),
        ghi=float(table.ghi.sum()), closure=float(np.nanmax(np.abs(table.closure))))


def _through(latitude: float, factors: Any) -> NDArray[np.float64]:
    """Return the share of the light that crowns let through in each month, (12,) [1]."""
    leaf_on, leaf_off = (factors.pick(f"outdoor.tree.{n}", "1").value
                         for n in ("leaf_on", "leaf_off"))
    month = np.arange(1, 13) if latitude >= 0 else (np.arange(1, 13) + 5) % 12 + 1
    green = np.isin(month, IN_LEAF) | (abs(latitude) < 23.44)
    return np.asarray(np.where(green, leaf_on, leaf_off), dtype=float)


@indicator(
    Var("sun_ground_share", "1", "Share of ground without buildings, on the cells of the sun",
        total="mean", low=0, high=1),
    Var("sun_roof_share", "1", "Share of ground under roofs, on the cells of the sun",
        total="mean", low=0, high=1),
    Var("ground_irradiation", "kWh m-2 a-1", "Irradiation of open ground, shade counted",
        total="mean", weight="sun_ground_share", low=0),
    Var("ground_sun_hours", "h a-1", "Sunshine on open ground, shade counted", total="mean",
        weight="sun_ground_share", low=0, high=8784),
    Var("roof_irradiation", "kWh m-2 a-1", "Irradiation of roof planes, shade counted",
        total="mean", weight="sun_roof_share", better=1, low=0),
    reach=None,
)
def sun_means(sun: xr.Dataset, grid: Any) -> dict[str, Any]:
    """Mean over the open ground and over the roofs of each cell; NaN where it has none.

    Sunshine is direct light of more than 120 W m-2 that neither buildings nor crowns hold off.
    Roofs count per area of the plane.

    References
    ----------
    WMO-No. 8, Guide to Instruments and Methods of Observation, vol. I, ch. 8 (sunshine).
    """
    cells = bins(sun["x"].to_numpy(), sun["y"].to_numpy(), grid)
    roof = sun["building"].to_numpy() >= 0
    share = cells.mean(roof)
    return {name: grid.field(values) for name, values in {
        "sun_ground_share": 1 - share, "sun_roof_share": share,
        "ground_irradiation": cells.mean(sun["irradiation"], ~roof),
        "ground_sun_hours": cells.mean(sun["sun_hours"], ~roof),
        "roof_irradiation": cells.mean(sun["irradiation"], roof)}.items()}


@indicator(
    Var("pv_capacity", "W m-2", "Rooftop PV capacity", total="sum", total_units="MW",
        estimate=True, better=1, low=0),
    Var("pv_yield", "kWh m-2 a-1", "Rooftop PV yield", total="sum", total_units="GWh a-1",
        estimate=True, better=1, low=0),
    on="buildings",
)
def rooftop_pv(buildings: gpd.GeoDataFrame, weather: xr.Dataset, city: Any, factors: Any,
               sun: xr.Dataset | None = None) -> dict[str, Estimate]:
    """Capacity and yearly yield of modules on the usable part of each roof plane.

    Level planes carry racks towards the equator, rows spaced for the winter solstice; the others
    carry modules flat on them. Planes that face away from the equator, parts of a plane with less
    than 70 % of its open light and pieces below 10 m2 carry none. Racks get the light of their
    level roof times what an open rack gets over open level ground in that month. Without the sun
    field roofs are taken as unshaded.

    Returns
    -------
    dict
        ``pv_capacity`` [W] and ``pv_yield`` [kWh a-1] per building.

    References
    ----------
    GB 50797-2012, 7.2.1 (row spacing); Gagnon et al. (2016), NREL/TP-6A20-65298 (least piece and
    light, no planes facing north-west to north-east); Dobos (2014), NREL/TP-6A20-62641. The chain
    is in `twin.sun.photovoltaic`.
    """
    from twin.roofs import LEVEL, roof_planes
    from twin.sun.photovoltaic import open_planes, row_cover_ratio
    from twin.sun.yields import (
        LEAST_AREA,
        STEEPEST,
        Range,
        modules,
        plane_yields,
        roof_areas,
    )
    from twin.weather_year import year_of

    year = year_of(weather, city.lonlat, factors)

    def of_open(slope: Any, aspect: Any, kind: Any) -> Any:
        return open_planes(year.weather, latitude=year.latitude, longitude=year.longitude,
                           slope=slope, aspect=aspect, chain=kind.chain)

    planes = roof_planes(buildings, factors)
    building = planes["building"].to_numpy()
    slope, aspect = planes["slope"].to_numpy(), planes["aspect"].to_numpy()
    level = slope < LEVEL
    tilt = factors.pick("pv.rack_tilt", "degree").value
    share = {k: factors.pick(f"pv.usable.{k}", "1") for k in planes["kind"].unique()}
    usable = Range(*(np.array([getattr(share[k], end) for k in planes["kind"]], dtype=float)
                     for end in ("value", "low", "high")))
    turned = np.abs((aspect - year.equator + 180.0) % 360.0 - 180.0)
    fits = ((planes["largest"].to_numpy() >= LEAST_AREA) & (slope <= STEEPEST)
            & (level | (turned <= AWAY)))
    cover = np.where(level, row_cover_ratio(city.lonlat[1], tilt), 1.0)

    kinds = {"rack": level, "roof": ~level}
    kit = {name: modules(factors.pick, name) for name, on in kinds.items() if on.any()}
    bare = np.zeros((12, len(planes)))  # light on open roofs
    for name in kit:
        on = kinds[name]
        bare[:, on] = of_open(np.where(level, 0.0, slope)[on], aspect[on], kit[name]).incident
    light, bright = (bare, np.ones(len(planes))) if sun is None else _on_planes(sun, bare)
    if sun is None:
        factors.count("roofs whose shade is not known, taken as unshaded", len(buildings))
    unseen = np.isnan(light).any(axis=0)
    light = np.where(unseen, bare, light)
    missed = planes.geometry.values[unseen & fits].intersects(city.area)
    factors.count("roof planes between the cells of the sun, taken as unshaded", int(missed.sum()))
    areas = roof_areas(planes["area"].to_numpy(), usable,
                       suitable=fits * np.where(unseen, 1.0, bright), cover=cover).modules

    sums = {name: np.zeros((3, len(buildings))) for name in ("capacity", "energy")}
    for name, kind in kit.items():
        on = kinds[name]
        free = of_open(np.where(level, tilt, slope)[on], np.where(level, year.equator, aspect)[on],
                       kind)
        gain = np.divide(free.incident, bare[:, on], out=np.zeros_like(free.incident),
                         where=bare[:, on] > 0)
        found = plane_yields(light[:, on] * gain, Range(*(a[on] for a in areas)), free, kind,
                             light=Range(1.0, planes["low"].to_numpy()[on],
                                         planes["high"].to_numpy()[on]))
        for what, total in sums.items():
            for end, values in enumerate(getattr(found, what)):
                total[end] += np.bincount(building[on], weights=values, minlength=len(buildings))
    factors.count("roofs of unknown shape taken as flat",
                  int((buildings["roof_shape"] == "").sum()))
    return {"pv_capacity": Estimate(*sums["capacity"]), "pv_yield": Estimate(*sums["energy"])}


def _on_planes(sun: xr.Dataset, bare: NDArray[np.float64]) -> tuple[NDArray[np.float64],
                                                                   NDArray[np.float64]]:
    """Return the light of the bright part of each plane by month (12, n), and its share (n,).

    Light is NaN for planes that no cell lies on.
    """
    from twin.sun.yields import LEAST_LIGHT, bright_share, plane_means

    plane = sun["plane"].to_numpy()
    open_light, count = bare.sum(axis=0), bare.shape[1]
    year = sun["irradiation"].to_numpy().astype(float)
    month = sun["irradiation_month"].transpose("month", "y", "x").to_numpy()
    share = bright_share(year, open_light, plane, float(sun.attrs["cell"]))
    good = np.where((plane >= 0) & (year >= LEAST_LIGHT * np.append(open_light, 0.0)[plane]),
                    plane, -1)
    whole = plane_means(month, plane, count)
    light = plane_means(month, good, count)
    return np.where(np.isnan(light), whole, light), share
