"""The sun against exact shapes, own rays, pvlib's planes, the weather's sum and public claims."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from layers.place import Place
from twin.factors import load as load_factors
from twin.progress import Progress
from twin.sun.claims import DAXING, beside
from twin.sun.horizon import horizons
from twin.sun.irradiance import irradiate
from twin.sun.light import light_of_suns
from twin.sun.photovoltaic import open_planes
from twin.sun.points import Points
from twin.sun.ranges import Range
from twin.sun.scenes import ALBEDO, SCENES, computed, computed_cells, reference
from twin.sun.table import SunTable
from twin.sun.transposed import transposed
from twin.sun.yields import modules, plane_yields
from twin.sun_run import Year, year_of

Row = dict[str, Any]
F32 = NDArray[np.float32]

WIDE = 21                # of the canyon [cells of 1 m]
RATIOS = (0.5, 1.0, 2.0)
SLOPES = (0.0, 15.0, 30.0, 60.0, 90.0)
ASPECTS = tuple(22.5 * n for n in range(16))  # a wall along a direction, and one between two
NEAR = 60000.0  # weather from further away than this is told [m]
AIRPORT = (39.5, 116.4)  # latitude and longitude of Daxing [degrees]


def weather_year(path: str | None) -> Year:
    """Return the weather that is validated with; the year that pvlib brings when None."""
    if path is None:
        import pvlib

        path = str(Path(pvlib.__path__[0]) / "data" / "723170TYA.CSV")
    return year_of(path)


def validate_rows(year: Year, *, tell: Progress | None = None) -> list[Row]:
    """Return what was expected and what came, a row a quantity.

    Parameters
    ----------
    year
        The weather.
    tell
        Called with how far it is.

    Returns
    -------
    list of dict
        ``case``, ``quantity``, ``expected``, ``got`` and ``error``, got over expected less one.
    """
    say = tell or (lambda *_: None)
    table = year.table()
    say("shapes", 0, 3)
    rows = _canyons(table) + _pits(table) + _tilted(table) + _shadows()
    say("scenes", 1, 3)
    rows += _scenes(year, table)
    say("planes", 2, 3)
    return rows + _open(year, table)


def _row(case: str, quantity: str, expected: float, got: float) -> Row:
    return {"case": case, "quantity": quantity, "expected": round(float(expected), 4),
            "got": round(float(got), 4), "error": round(float(got) / float(expected) - 1, 5)}


def _canyons(table: SunTable) -> list[Row]:
    """Floor and wall of an endless canyon: cos(atan(2H/W)), and what Hottel's strings give."""
    rows = []
    for ratio in RATIOS:
        deep = ratio * WIDE
        z = np.full((WIDE + 20, 1601), deep, np.float32)
        z[10:-10] = 0
        heights = (np.arange(16) + 0.5) / 16 * deep
        wall = Points(800.5, WIDE + 10.0, np.append(heights, deep / 2), 90.0, 180.0)
        found = irradiate(z, 1.0, table, points=wall)
        floor = found["sky_view"].to_numpy()[10:-10, 800]
        seen = found["point_sky_view"].to_numpy()
        case = f"canyon, H/W {ratio:g}"
        # A wall at depth d below the roof line sees (1 - sin(atan(d / W))) / 2 of the sky.
        middle = (1 - math.sin(math.atan(ratio / 2))) / 2
        mean = (1 + ratio - math.sqrt(1 + ratio**2)) / (2 * ratio)
        rows += [_row(case, "sky view, middle of the floor", math.cos(math.atan(2 * ratio)),
                      floor[WIDE // 2]),
                 _row(case, "sky view, mean of the floor", math.sqrt(1 + ratio**2) - ratio,
                      floor.mean()),
                 _row(case, "sky view, middle of the wall", middle, seen[-1]),
                 _row(case, "sky view, mean of the wall", mean, seen[:-1].mean())]
    return rows


def _pits(table: SunTable) -> list[Row]:
    """Round pits of radius R and depth D: R^2 / (R^2 + D^2), the square cosine of their rim."""
    rows = []
    for radius, depth in ((40.0, 20.0), (40.0, 40.0), (40.0, 80.0)):
        rows.append(_row(f"round pit, R {radius:g} m, D {depth:g} m", "sky view, middle",
                         radius**2 / (radius**2 + depth**2), _pit(table, radius, depth)))
    for angle in (10.0, 30.0, 45.0, 60.0):
        rise = math.radians(angle)
        rows.append(_row(f"horizon of {angle:g} degrees all round", "sky view, level",
                         math.cos(rise)**2, _pit(table, 100.0, 100.0 * math.tan(rise))))
    return rows


def _pit(table: SunTable, radius: float, depth: float) -> float:
    half = int(radius) + 10
    y, x = np.mgrid[-half:half + 1, -half:half + 1]
    z = np.where(np.hypot(x, y) < radius, 0, depth).astype(np.float32)
    return float(irradiate(z, 1.0, table)["sky_view"].to_numpy()[half, half])


def _tilted(table: SunTable) -> list[Row]:
    rows = []
    full = np.ones((4, 5))
    for tilt in (10.0, 30.0, 60.0, 90.0):
        found = irradiate(np.zeros((4, 5), np.float32), 1.0, table, slope=full * tilt,
                          aspect=full * 77.0)
        rows.append(_row(f"open plane, tilt {tilt:g}", "sky view",
                         (1 + math.cos(math.radians(tilt))) / 2,
                         float(found["sky_view"].to_numpy().mean())))
    return rows


def _shadows() -> list[Row]:
    """Length of the shadow of a box, H / tan(height of the sun), to half a cell."""
    rows = []
    z = np.zeros((121, 121), np.float32)
    z[55:66, 55:66] = 20.0
    for elevation in (30.0, 45.0):
        for azimuth in (0, 45, 90, 135, 180, 225, 270, 315):
            found, _ = horizons(z, 1.0, azimuth)
            turn = math.radians(azimuth)
            up, right = round(math.cos(turn)), round(math.sin(turn))
            shaded = sum(bool(found[60 - n * up, 60 - n * right] > elevation)
                         for n in range(6, 55))
            rows.append(_row(f"box of 20 m, sun at {azimuth} degrees, {elevation:g} high",
                             "shadow [m]", 20.0 / math.tan(math.radians(elevation)),
                             shaded * math.hypot(up, right)))
    return rows


def _scenes(year: Year, table: SunTable) -> list[Row]:
    """Seven scenes from a point, and from the cells around it where no wall stands there."""
    light = light_of_suns(year.weather, year.latitude, year.longitude)
    quantity, rows = "light of the year [kWh m-2]", []
    for scene in SCENES:
        rows.append(_row(scene.name, quantity, reference(scene, light),
                         float(computed(scene, table).sum())))
    for scene in SCENES:
        if not scene.boxes or scene.slope == 90:
            continue
        places, found = computed_cells(scene, table)
        exact = np.array([reference(place, light) for place in places])
        worst = int(np.abs(found / exact - 1).argmax())
        rows += [_row(f"{scene.name}: mean of {len(found)} cells", quantity, exact.mean(),
                      found.mean()),
                 _row(f"{scene.name}: worst cell of {len(found)}", quantity, exact[worst],
                      found[worst])]
    return rows


def _open(year: Year, table: SunTable) -> list[Row]:
    """Open planes beside pvlib's transposition, and level ground beside the sum of the weather."""
    w, quantity, rows = year.weather, "light of the year [kWh m-2]", []
    ground, aspect = np.zeros((4, len(ASPECTS)), np.float32), np.array(ASPECTS)
    full = np.ones(ground.shape)
    for tilt in SLOPES:
        exact = transposed(w, year.latitude, year.longitude, slope=tilt, aspect=aspect,
                           albedo=ALBEDO)
        found = irradiate(ground, 1.0, table, slope=full * tilt, aspect=full * aspect,
                          albedo=ALBEDO, sunlit=1.0,
                          points=Points(1.5, 1.5, 0.0, tilt, aspect))
        for kind, got in (("cells", found["irradiation"].to_numpy()[0]),
                          ("points", found["point_irradiation"].to_numpy())):
            worst = int(np.abs(got / exact - 1).argmax())
            rows.append(_row(f"open {kind} of {tilt:g} degrees, facing {aspect[worst]:g} (worst of "
                             f"{len(aspect)}), beside pvlib", quantity, exact[worst], got[worst]))
    level = irradiate(np.zeros((4, 4), np.float32), 1.0, table)
    rows.append(_row("open level ground, beside ghi", quantity, float(table.ghi.sum()),
                     float(level["irradiation"].to_numpy().mean())))
    return rows


def claims(year: Year) -> list[str]:
    """Return a public claim and our yield beside it, in words.

    Parameters
    ----------
    year
        The weather.
    """
    factors, beijing = load_factors(), Place("CN", "Beijing")

    def pick(stem: str, unit: str) -> Any:
        return factors.pick(stem, beijing, unit)

    kind = modules(pick, "rack")
    tilt = np.array([pick("pv.rack_tilt", "degree").value])
    open_air = open_planes(year.weather, latitude=year.latitude, longitude=year.longitude,
                           slope=tilt, aspect=np.array([180.0 if year.latitude >= 0 else 0.0]),
                           chain=kind.chain)
    found = plane_yields(open_air.incident, Range(np.ones(1), np.ones(1), np.ones(1)), open_air,
                         kind).specific
    ours = Range(*(float(getattr(found, end)[0]) for end in ("value", "low", "high")))
    title = str(year.weather.attrs.get("title", "")) or "the weather given"
    away = _metres(year, *AIRPORT)
    where = f"{title}, {year.latitude:.1f} N {year.longitude:.1f} E"
    if away > NEAR:
        where += f", {away / 1000:,.0f} km from the plant"
    return beside(DAXING, ours, factors.pick("grid", beijing, "kg kWh-1"), weather=where,
                  degradation=float(pick("pv.degradation", "a-1").value),
                  life=float(pick("pv_money.life", "a").value))


def _metres(year: Year, latitude: float, longitude: float) -> float:
    from pyproj import Geod

    return float(Geod(ellps="WGS84").inv(year.longitude, year.latitude, longitude, latitude)[2])
