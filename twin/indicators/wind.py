"""The wind: a fine field of every direction, and what it is per cell and over the year.

The field is physics on its own grid and is made once; the indicators are means of it over the open
ground of each cell.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from layers.errors import GridError, MissingInput
from twin.fine import Bins, bins
from twin.label import Var, indicator

CELL, SECTORS = 4.0, 16
LEVELS = (1.5, 22.0)  # heights above the ground that are kept: people, and over most roofs [m]
RATIO_BYTES = 16      # of u, v, speed and k of one direction and level in one column
MOST = 1e9            # cells times directions that are solved unasked
CLEAR = 2.5           # lower openings under buildings are no passage [m]
NOTE = ("Mass-consistent wind with empirical wakes, neutral air, flat ground. Validated on blocks "
        "in wind tunnels, not in this city. Nothing is known beyond the edge of the study area.")
SHARES = {  # good for: calmest class it takes, by criterion
    "lawson_lddc": {"sitting": 1, "standing": 2, "walking": 3},
    "nen_8100": {"sitting": 0, "strolling": 1, "walking": 2}}


def _too_large(city: Any, settings: Mapping[str, Any]) -> str:
    """Say why the wind is not computed unasked, and which cells would do."""
    cell = float(settings.get("cell", CELL))
    rows, columns, levels = _box(city, cell)
    work = float(rows) * columns * levels * int(settings.get("sectors", SECTORS))
    if work <= MOST:
        return ""
    fit = math.ceil(cell * math.sqrt(work / MOST))
    return (f"{work / 1e9:.1f} thousand million cells of wind are a long work unasked (fits with "
            f"wind_field.cell={fit}, or ask for it by name)")


def _box(city: Any, cell: float) -> tuple[int, int, int]:
    """Return rows, columns and levels of the box, margin included, before anything is made."""
    from twin.wind.domain import level_faces
    from twin.wind.flow import margin_cells

    west, south, east, north = city.area.bounds
    if not (math.isfinite(cell) and cell > 0):
        raise GridError(f"wind_field.cell is {cell:g} m, expected a positive number of metres")
    rows, columns = (math.ceil(side / cell) + 2 * margin_cells(cell)
                     for side in (north - south, east - west))
    highest = float(city.frame("buildings")["height"].max()) if len(city.frame("buildings")) else 0
    return rows, columns, len(level_faces(highest)) - 1


@indicator(field="wind", reach=None, unless=_too_large)
def wind_field(city: Any, factors: Any, tell: Any, *, cell: float = CELL, sectors: int = SECTORS,
               roughness: Sequence[float] | None = None) -> xr.Dataset:
    """Return the wind of every direction over the wind a weather station reports, on fine cells.

    Parameters
    ----------
    cell
        Side of a fine cell [m].
    sectors
        Directions to solve, evenly around the circle.
    roughness
        Roughness length of what lies upwind, of each direction, (sectors,) [m]; that of the upwind
        500 m of the city when None. A study holds that of the base for all scenarios.

    Returns
    -------
    xarray.Dataset
        What `twin.wind.sectors.solve_sectors` gives at 1.5 and 22 m; ``mean_ratio``, weighted by
        how often each direction blows, alike without weather; and with weather ``mean_speed``,
        ``still`` and ``weak`` (share of the year below 0.3 and 1 m/s) and the classes
        ``lawson_lddc`` and ``nen_8100``, all three at 1.5 m.

    References
    ----------
    Sasaki (1970), Mon. Weather Rev. 98:875; Röckle (1990), dissertation TH Darmstadt; Wieringa
    (1986), Q. J. R. Meteorol. Soc. 112:867; Ng (2009), doi:10.1016/j.buildenv.2008.06.013.
    """
    from twin.rasters import surface
    from twin.wind.flow import margin_cells
    from twin.wind.sectors import solve_sectors
    from twin.wind_memory import check_memory

    rows, columns, levels = _box(city, cell)
    wide = margin_cells(cell)
    check_memory(rows - 2 * wide, columns - 2 * wide, levels, cell=cell, margin=wide,
                 kept=sectors * len(LEVELS) * RATIO_BYTES,
                 name=f"wind of {city.name or 'the city'}")
    stands = surface(city, cell)
    crowns = stands["canopy"].to_numpy()
    found = solve_sectors(
        stands["height"].to_numpy(), cell, LEVELS, sectors, x=stands["x"], y=stands["y"],
        canopy=crowns if crowns.any() else None, passages=_passages(city, stands),
        roughness=roughness, tell=tell)
    late = int((found["residual"] > 1e-3).sum())
    factors.count("directions whose wind still diverges by more than 0.001 of the guess", late)
    hours = _hours(city, sectors)
    if hours is None and "weather" in city:
        factors.count("the weather has no wind: all directions count alike", 1)
    often = np.full(sectors, 1.0 / sectors) if hours is None else hours.rose
    found["frequency"] = ("wind_from", often, {"units": "1", "long_name": "share of time"})
    found = found.assign(_year(found, often, hours)).assign_coords(
        spatial_ref=xr.DataArray(0, attrs=city.crs.to_cf()))
    for axis in ("x", "y"):
        found[axis].attrs = {"standard_name": f"projection_{axis}_coordinate", "units": "m"}
    return found.assign_attrs(
        Conventions="CF-1.11", title=f"wind over {city.name}", note=NOTE, cell=float(cell),
        sectors=int(sectors), reference="wind at 10 m over open country, as a station reports it",
        weather=str(city["weather"].attrs.get("title", "")) if hours is not None else "none",
        residual=float(found["residual"].max()), divergence=float(found["divergence"].max()),
        iterations=int(found["iterations"].max()), seconds=float(found["seconds"].sum()),
        roughness_low=float(found["roughness"].min()),
        roughness_high=float(found["roughness"].max()))


def _passages(city: Any, stands: xr.Dataset) -> Any:
    """Clear height under buildings that begin above the ground, None where there are none."""
    from twin.rasters import burn

    buildings = city.frame("buildings")
    lift = buildings["min_height"].to_numpy(dtype=float)
    if not (lift >= CLEAR).any():
        return None
    order = np.argsort(-lift, kind="stable")  # what stands lowest closes the way
    clear = burn(buildings.geometry.values[order], lift[order], stands["x"].to_numpy(),
                 stands["y"].to_numpy(), fill=0.0)
    return np.where(clear >= CLEAR, clear, 0.0).astype(np.float32)


def _hours(city: Any, sectors: int) -> Any:
    """Lay the hours of the weather out between the directions, None without wind."""
    from twin.wind.sectors import directions
    from twin.wind.statistics import lay_out

    weather = city.layers.get("weather")
    if not _has_wind(weather):
        return None
    return lay_out(weather["wind_speed"], weather["wind_direction"], directions(sectors))


def _has_wind(weather: Any) -> bool:
    return weather is not None and all(
        name in weather and bool(np.isfinite(weather[name]).any())
        for name in ("wind_speed", "wind_direction"))


def _year(found: xr.Dataset, often: np.ndarray, hours: Any) -> dict[str, Any]:
    """Return what the directions make of a year, on the fine cells."""
    from twin.wind.comfort import comfort, weak_wind
    from twin.wind.composition import mean_over

    dims = ("level", "y", "x")
    ratio = np.tensordot(often, found["speed"].to_numpy(), 1).astype(np.float32)
    out: dict[str, Any] = {"mean_ratio": (dims, ratio, {
        "units": "1", "long_name": "mean wind speed over that of the station, by direction"})}
    if hours is None:
        return out
    speed = mean_over(found[["speed"]], hours)["speed"].to_numpy()
    out["mean_speed"] = (dims, speed, {"units": "m s-1", "long_name": "mean speed of the year"})
    low = found[["speed", "k"]].sel(level=LEVELS[0], drop=True)
    open_ = np.isfinite(ratio[0])
    points = xr.Dataset({n: (("wind_from", "point"), low[n].to_numpy()[:, open_]) for n in low},
                        coords={"wind_from": low["wind_from"]})
    weak = weak_wind(points["speed"], hours)[["still", "weak"]]
    for name, values in {**weak, **comfort(points, hours, SHARES)}.items():
        whole = np.full(open_.shape, -1 if values.dtype.kind == "i" else np.nan, values.dtype)
        whole[open_] = values.to_numpy()
        out[str(name)] = (("y", "x"), whole, values.attrs)
    return out


@indicator(
    Var("open_ground_share", "1", "Share of ground without buildings, on the cells of the wind",
        total="mean", low=0, high=1),
    Var("wind_speed_ratio", "1", "Wind at 1.5 m over that of a weather station in the open",
        total="mean", weight="open_ground_share", low=0),
    Var("wind_speed_ratio_22m", "1", "Wind at 22 m over that of a weather station in the open",
        total="mean", weight="open_ground_share", low=0),
)
def wind_ratios(wind: xr.Dataset, grid: Any) -> dict[str, Any]:
    """Mean over the open ground of each cell, all directions by how often they blow.

    The wind is over that at 10 m in open country, which is what a weather file holds. Cells without
    open ground are NaN. Without weather all directions count alike.

    References
    ----------
    Ng (2009), Build. Environ. 44:1478, doi:10.1016/j.buildenv.2008.06.013 (mean over directions).
    """
    cells, open_ = _open(wind, grid)
    ratio = wind["mean_ratio"].to_numpy()
    return {"open_ground_share": grid.field(cells.mean(open_)),
            "wind_speed_ratio": grid.field(cells.mean(ratio[0], open_)),
            "wind_speed_ratio_22m": grid.field(cells.mean(ratio[1], open_))}


def _good(what: str, criterion: str) -> str:
    return f"Share of open ground where the wind is good for {what}, {criterion}"


def _open(wind: xr.Dataset, grid: Any) -> tuple[Bins, np.ndarray]:
    cells = bins(wind["x"].to_numpy(), wind["y"].to_numpy(), grid)
    return cells, np.isfinite(wind["mean_ratio"].to_numpy()[0])


def _windless(city: Any, _: Mapping[str, Any]) -> str:
    return "" if _has_wind(city.layers.get("weather")) else "the weather has no wind"


@indicator(
    Var("wind_speed", "m s-1", "Mean wind speed of the year at 1.5 m", total="mean",
        weight="open_ground_share", low=0),
    Var("still_air_share", "1", "Share of the year with still air at 1.5 m, below 0.3 m/s",
        total="mean", weight="open_ground_share", better=-1, low=0, high=1),
    Var("weak_wind_share", "1", "Share of the year with weak wind at 1.5 m, below 1 m/s",
        total="mean", weight="open_ground_share", better=-1, low=0, high=1),
    *(Var(f"{short}_{what}_share", "1", _good(what, name), total="mean",
          weight="open_ground_share", better=1, low=0, high=1)
      for short, name, key in (("lawson", "Lawson LDDC", "lawson_lddc"),
                               ("nen", "NEN 8100", "nen_8100")) for what in SHARES[key]),
    unless=_windless,
)
def wind_year(wind: xr.Dataset, weather: xr.Dataset, open_ground_share: Any,
              grid: Any) -> dict[str, Any]:
    """Count the hours of the weather over the open ground of each cell.

    Comfort counts the ground of a class or of a calmer one: sitting takes the classes frequent and
    occasional sitting of Lawson, class A of NEN 8100; standing Lawson's next, strolling NEN's A and
    B; walking Lawson's walking, NEN's A to C. Both are read at 1.5 m.

    References
    ----------
    Lawson (2001), Building Aerodynamics; NEN 8100:2006, Wind comfort and wind danger in the built
    environment. The numbers are in ``twin/data/wind.csv``.
    """
    if not _has_wind(weather):
        raise MissingInput("the weather has no wind speed and direction",
                           mend="Use a weather file with wind")
    cells, open_ = _open(wind, grid)
    out = {"wind_speed": cells.mean(wind["mean_speed"].to_numpy()[0], open_),
           "still_air_share": cells.mean(wind["still"], open_),
           "weak_wind_share": cells.mean(wind["weak"], open_)}
    for short, key in (("lawson", "lawson_lddc"), ("nen", "nen_8100")):
        number = wind[key].to_numpy()
        out |= {f"{short}_{what}_share": cells.mean(number <= worst, open_ & (number >= 0))
                for what, worst in SHARES[key].items()}
    return {name: grid.field(values).where(open_ground_share > 0) for name, values in out.items()}
