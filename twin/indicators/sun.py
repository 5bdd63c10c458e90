"""The sun: a fine field of the year's light with all shade, walls with it, and means per cell."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from twin.fine import bins
from twin.label import Var, indicator

CELL, DIRECTIONS = 2.0, 72
SPACING = 4.0  # longest patch of wall: the mean of a building is off by 1 % [m]
MOST = 4e8    # cells times directions that are looked along unasked
IN_LEAF = (4, 5, 6, 7, 8, 9, 10)  # months with leaves north of the tropics
NOTE = ("Beam, circumsolar, isotropic and horizon light of Perez (1990) over horizons of ground, "
        "buildings with flat tops and crowns; one reflection. Nothing is known beyond the edge of "
        "the data. Trees beyond the tropics are taken as deciduous. Walls are plain: what juts out "
        "of them shades nothing.")


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
              directions: int = DIRECTIONS, spacing: float = SPACING) -> xr.Dataset:
    """Return the light of the year on ground, roofs and walls, with all shade, on fine cells.

    Parameters
    ----------
    cell
        Side of a fine cell [m].
    directions
        Directions to look to, evenly around the circle.
    spacing
        Longest patch of wall; walls are left out when 0 [m].

    Returns
    -------
    xarray.Dataset
        ``irradiation`` [kWh m-2 a-1], ``irradiation_month`` [kWh m-2], ``sky_view`` [1] and
        ``sun_hours``, direct light over 120 W m-2 [h a-1], as `twin.sun.irradiance.irradiate` gives
        them, per area of the plane; ``building``, row of the building, and ``plane``, that of the
        roof plane, -1 for none. Over ``wall``, one for each storey of each few metres of bare wall
        of the buildings in the study area: what `twin.facade_light.as_walls` gives.

    References
    ----------
    Perez et al. (1990), Sol. Energy 44:271, doi:10.1016/0038-092X(90)90055-H; Dozier & Frew (1990),
    IEEE Trans. Geosci. Remote Sens. 28:963, doi:10.1109/36.58986.
    """
    from twin.facade_light import as_walls, walls_on
    from twin.shading import shading
    from twin.sun.irradiance import irradiate
    from twin.sun.table import SUNSHINE, sun_table
    from twin.weather_year import year_of

    year = year_of(weather, city.lonlat, factors)
    table = sun_table(year.weather, year.latitude, year.longitude, directions=directions,
                      periods="months", least_beam=SUNSHINE)
    scene = shading(city, cell)
    buildings = city.frame("buildings")
    number, tilted = _roofs(city, scene.stands, factors)
    walls, points = walls_on(buildings, city.area, scene.stands, spacing=spacing)
    crowns = scene.crowns(_through(year.latitude, factors))
    # A patch stands for some metres: what is between two directions evens out over a wall.
    found = irradiate(scene.top, cell, table, points=points if len(walls) else None, parts=1,
                      pad=scene.pad, tell=tell, **tilted, **crowns).load().drop_encoding()
    factors.count("patches of wall in gaps narrower than the cells of the sun, light rough",
                  int(found.attrs.pop("buried_points", 0)))
    inner = scene.inner
    beside = ["sunlit", *(n for n in found.data_vars if str(n).startswith("point_"))]
    found = found.drop_vars(beside).assign(as_walls(walls, found).data_vars).assign(
        building=inner["building"].drop_attrs(),
        plane=number.sel(y=inner["y"], x=inner["x"])).assign_coords(
        month=np.arange(1, 13), spatial_ref=xr.DataArray(0, attrs=city.crs.to_cf()))
    for axis in ("x", "y"):
        found[axis].attrs = {"standard_name": f"projection_{axis}_coordinate", "units": "m"}
    return found.assign_attrs(
        Conventions="CF-1.11", title=f"sun over {city.name}", note=NOTE, cell=float(cell),
        directions=int(directions), weather=str(weather.attrs.get("title", "")),
        ghi=float(table.ghi.sum()), closure=float(np.nanmax(np.abs(table.closure))))


def _roofs(city: Any, stands: xr.Dataset, factors: Any) -> tuple[xr.DataArray, dict[str, Any]]:
    """Return the roof plane of each cell, -1 for none, and slope and aspect if any is tilted."""
    from twin.rasters import burn
    from twin.roofs import LEVEL, roof_planes

    buildings = city.frame("buildings")
    planes = roof_planes(buildings, factors, surfaces=city.frame("roofs"))
    rows = planes["building"].to_numpy()
    order = np.argsort(buildings["height"].to_numpy()[rows], kind="stable")
    number = burn(planes.geometry.values[order], order, stands["x"].to_numpy(),
                  stands["y"].to_numpy(), fill=-1)
    number[np.append(rows, -1)[number] != stands["building"].to_numpy()] = -1
    tilt = planes["slope"].to_numpy()
    tilt, aspect = (np.append(a, 0.0)[number] for a in (
        np.where(tilt < LEVEL, 0.0, tilt), planes["aspect"].to_numpy()))
    tilted = {"slope": tilt, "aspect": aspect} if tilt.any() else {}
    return xr.DataArray(number, {"y": stands["y"], "x": stands["x"]}, ("y", "x")), tilted


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
