"""Heat: how long people on open ground are under heat stress on a hot day, and warm nights."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from layers.errors import MissingInput
from twin.fine import Bins, bins
from twin.heat.field import HEAD, KINDS, WATER
from twin.heat.redraw import STRESS
from twin.label import Var, indicator

CELL = 4.0
MOST = 1.5e6     # fine cells that are made unasked
LAWNS = ("park", "grass", "forest", "scrub", "wetland", "cropland")
NOTE = ("A clear day of the hottest week. Air temperature and humidity are those of the weather "
        "file everywhere; what the ground remembers of earlier shade is left out. Compare places "
        "and plans, not degrees.")


def _left_out(city: Any, settings: Mapping[str, Any]) -> str:
    """Say why the heat is not computed unasked."""
    weather = city.layers.get("weather")
    for name in ("wind_speed", "temp_air", "relative_humidity"):
        if weather is None or name not in weather or not np.isfinite(weather[name]).any():
            return f"the weather has no {name}"
    west, south, east, north = city.area.bounds
    cell = float(settings.get("cell", CELL))
    many = (east - west) * (north - south) / cell ** 2 if cell > 0 else 0.0
    if many <= MOST:
        return ""
    fit = math.ceil(cell * math.sqrt(many / MOST))
    return (f"{many / 1e6:.1f} million cells of heat are a long work unasked (fits with "
            f"heat_field.cell={fit}, or ask for it by name)")


@indicator(field="heat", reach=None, unless=_left_out)
def heat_field(city: Any, weather: xr.Dataset, factors: Any, tell: Any,
               wind: xr.Dataset | None = None, *, cell: float = CELL,
               sheltered: float | None = None) -> xr.Dataset:
    """Return the heat people meet on open ground on the design day, and the heat of the nights.

    Parameters
    ----------
    cell
        Side of a fine cell [m].
    sheltered
        Wind at 1.5 m over that of the station, where the wind field is missing; that of the table
        when None [1].

    Returns
    -------
    xarray.Dataset
        ``utci`` and ``pet`` over (time, y, x), nine hours around the afternoon [degC];
        ``sunlit``, the share of the beam that arrives, alike [1]; ``sky_view``, crowns in leaf
        taken off [1]; ``night`` [K]. NaN under roofs and on water. What they stem from is kept so
        that `twin.heat.redraw` can feel them anew: the weather of the hours, ``wind_ratio`` [1],
        ``ground`` (0 paved, 1 grass, 2 water), sun and sky without crowns where there are any, and
        the sky and green of the 500 m around.

    Notes
    -----
    Shade is found for the suns of each hour, ten minutes apart, shared between directions 5 degrees
    apart. The wind of an hour is that of the station times the mean ratio over the directions of
    the year. Green areas are grass, waters water, all else is paved. The sky of the nights is that
    between buildings: trees count as green there, not as walls.

    References
    ----------
    As of `twin.heat.comfort.comfort_day` and `twin.heat.night.heat_island`.
    """
    from twin.heat.day import design_day
    from twin.heat.field import Stand, felt, lay_out
    from twin.heat.night import daily_scale, footprint_mean, heat_island
    from twin.heat.parameters import picked
    from twin.rasters import burn
    from twin.shading import shading
    from twin.sun.irradiance import irradiate
    from twin.sun.table import sun_table
    from twin.weather_year import year_of

    year = year_of(weather, city.lonlat, factors)
    day = design_day(year.weather, latitude=year.latitude, longitude=year.longitude)
    if not np.isfinite(day["wind_speed"]).all():
        raise MissingInput("the weather has no wind on its design day",
                           mend="Use a weather file with wind")
    numbers = picked(factors.pick)
    scene = shading(city, cell)
    beam = np.full(day.sizes["time"], 1000.0)
    bare = day.assign(dni=("time", beam), dhi=("time", 0 * beam),
                      ghi=("time", beam * np.sin(np.deg2rad(day["elevation"].to_numpy()))))
    table = sun_table(bare, year.latitude, year.longitude, periods=np.eye(len(beam)))
    crowns = scene.crowns(numbers["tree.leaf_on"])
    look = {"pad": scene.pad, "albedo": 0.0, "tell": tell}
    seen = irradiate(scene.top, cell, table, **look, **crowns)
    built = irradiate(scene.top, cell, table, **look) if crowns else seen
    full = table.beam[:, :, 0, 2].sum(axis=1, dtype=float)

    def shares(light: xr.Dataset) -> NDArray[np.float64]:
        return np.asarray(np.clip(light["irradiation_month"].to_numpy() / full, 0.0, 1.0))

    inner = scene.inner
    kind, planted = _ground(city, inner)
    roof = inner["building"].to_numpy() >= 0
    walkable = ~roof & (kind != WATER)
    guess = numbers["wind.sheltered"] if sheltered is None else sheltered
    fields = {"sunlit": shares(seen), "sky_view": seen["sky_view"].to_numpy(),
              "wind_ratio": _ratio(wind, inner, walkable, guess, factors)}
    comfort = felt(day, Stand(fields["sunlit"][walkable].T, fields["sky_view"][walkable],
                              fields["wind_ratio"][walkable], kind[walkable]), numbers,
                   guessed=wind is None)
    scale = float(daily_scale(year.weather, latitude=year.latitude, values=numbers)["scale"].mean())
    between = built["sky_view"].to_numpy()
    fields["night_sky"] = footprint_mean(np.where(roof, np.nan, between), cell)
    fields["night_green"] = footprint_mean(planted, cell)
    fields["night"] = heat_island(fields["night_sky"], fields["night_green"], scale, values=numbers)
    if crowns:
        fields |= {"bare_sunlit": shares(built), "bare_sky_view": between}
    found = lay_out(day, comfort, walkable, kind, fields, {
        "x": inner["x"], "y": inner["y"], "spatial_ref": xr.DataArray(0, attrs=city.crs.to_cf())})
    inside = burn([city.area], np.ones(1, dtype=int), inner["x"].to_numpy(), inner["y"].to_numpy(),
                  fill=0) == 1
    found["within"] = (("y", "x"), inside, {"long_name": "centre in the study area"})
    return found.assign_attrs(
        Conventions="CF-1.11", title=f"heat over {city.name}", note=NOTE, cell=float(cell),
        date=str(day.attrs["date"]), week_mean=float(day.attrs["week_mean"]),
        highest_air=float(day["temp_air"].max()), weather=str(weather.attrs.get("title", "")),
        highest_sun=float(day.attrs["highest_sun"]), sunrise=float(day.attrs["sunrise"]),
        night_scale=scale, wind="guessed" if wind is None else "field")


def _ground(city: Any, inner: xr.Dataset) -> tuple[NDArray[Any], NDArray[np.float64]]:
    """Return the kind of ground of each cell, and whether it is vegetated [1]."""
    from twin.rasters import burn

    kind = np.zeros((inner.sizes["y"], inner.sizes["x"]), dtype=int)
    green, water = city.frame("green"), city.frame("water")
    lawns = green[green["class"].isin(LAWNS)]
    for layer, number in ((lawns, KINDS.index("grass")), (water, WATER)):
        shapes = [s for s in layer.geometry.values if s.geom_type.endswith("Polygon")]
        there = burn(shapes, np.ones(len(shapes), dtype=int), inner["x"].to_numpy(),
                     inner["y"].to_numpy(), fill=0) == 1
        kind = np.where(there, number, kind)
    planted = (kind == KINDS.index("grass")) | (inner["canopy"].to_numpy() > 0)
    roof = inner["building"].to_numpy() >= 0
    return kind, np.where(roof, 0.0, planted)


def _ratio(wind: xr.Dataset | None, inner: xr.Dataset, walkable: NDArray[np.bool_],
           sheltered: float, factors: Any) -> NDArray[np.float64]:
    """Return the wind at head height over that of the station [1], (ny, nx)."""
    if wind is None:
        factors.count(f"heat without a wind field: the wind at {HEAD:g} m is {sheltered:g} of that "
                      "of the station everywhere", 1)
        return np.full(walkable.shape, sheltered)
    near = wind["mean_ratio"].sel(level=HEAD).sel(x=inner["x"], y=inner["y"], method="nearest")
    ratio = near.to_numpy().astype(float)
    known = np.isfinite(ratio)
    mean = ratio[known & walkable].mean() if (known & walkable).any() else sheltered
    return np.where(known, ratio, mean)


_WORDS = ("UTCI above 32 °C, strong heat stress", "UTCI above 38 °C, very strong heat stress",
          "PET above 35 °C, strong heat stress", "PET above 41 °C, extreme heat stress")
_LIMITS = {"hours": (0.0, 24.0), "share": (0.0, 1.0)}
_STRESS = tuple((*what, words) for what, words in zip(STRESS, _WORDS, strict=True))


@indicator(
    Var("walkable_share", "1", "Share of ground without buildings and water, on the cells of heat",
        total="mean", low=0, high=1),
    Var("utci_mean", "degC", "Mean UTCI of nine hours of the design day", total="mean",
        weight="walkable_share", better=-1),
    Var("night_heat", "K", "Heat island of summer nights, highest of a night, mean", total="mean",
        weight="walkable_share", better=-1),
    *(Var(f"{index}_{name}_hours", "h", f"Hours of the design day with {words}", total="mean",
          weight="walkable_share", better=-1, low=0, high=24) for index, name, words in _STRESS),
    *(Var(f"{index}_{name}_share", "1", f"Share of walkable ground in the worst hour with {words}",
          total="mean", weight="walkable_share", better=-1, low=0, high=1)
      for index, name, words in _STRESS),
    reach=None,
)
def heat_stress(heat: xr.Dataset, factors: Any, grid: Any, cell_area: Any) -> dict[str, Any]:
    """Mean over the walkable ground of each cell; NaN where it has none.

    The worst hour is that with the highest mean UTCI, or PET, over all walkable ground. The range
    of a total is that of draws of what is uncertain, see `twin.heat.redraw.own_ranges`.

    References
    ----------
    Bröde et al. (2012), doi:10.1007/s00484-011-0454-1 (UTCI classes); VDI 3787 part 2 (PET);
    Theeuwes et al. (2017), Int. J. Climatol. 37:443, doi:10.1002/joc.4717.
    """
    from twin.heat.parameters import picked
    from twin.heat.redraw import own_ranges

    cells: Bins = bins(heat["x"].to_numpy(), heat["y"].to_numpy(), grid)
    walkable = heat["walkable"].to_numpy()
    inside = walkable & (cells.number >= 0)
    out = {"walkable_share": cells.mean(walkable),
           "utci_mean": cells.mean(heat["utci"].to_numpy().mean(axis=0), walkable),
           "night_heat": cells.mean(heat["night"], walkable)}
    for index, name, _ in _STRESS:
        limit = factors.pick(f"outdoor.{index}.{name}", "degC").value
        values = heat[index].to_numpy()
        worst = values[:, inside].mean(axis=1).argmax() if inside.any() else 0
        above = np.where(walkable, values > limit, np.nan)
        out[f"{index}_{name}_hours"] = cells.mean(above.sum(axis=0), walkable)
        out[f"{index}_{name}_share"] = cells.mean(above[worst], walkable)
    found = {name: grid.field(values) for name, values in out.items()}
    weight = np.where(cell_area > 0, cell_area * np.nan_to_num(out["walkable_share"]), 0.0)
    for name, reach in own_ranges(heat, picked(factors.pick)).items():
        known = np.isfinite(out[name]) & (weight > 0)
        if known.any():
            total = float(np.average(out[name][known], weights=weight[known]))
            limits = _LIMITS.get(name.rpartition("_")[2], (-np.inf, np.inf))
            found[name].attrs["total_range"] = np.clip(total + np.array(reach), *limits).tolist()
    return found
