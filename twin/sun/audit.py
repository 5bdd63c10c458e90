"""Can a weather file be trusted: its clock, its sums, its share of diffuse light, its gaps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr

from layers.errors import CityTwinError, LayerError, MissingInput
from twin.sun.clock import NEAR_ENOUGH, best_moment, minutes, stamp_lag, sun_sine
from twin.sun.filling import Decomposition, light_of, split_global, whole_light
from twin.sun.position import doubt_units, hour_stamps

SIGMA = 0.08            # between weather files of one place [1], factor pv.weather_sigma
DIFFUSE_DOUBT = 0.10    # share of diffuse light this far from Erbs' is told [1]
DARK_DOUBT = 0.005      # share of the light without a sun that is told [1]


@dataclass(frozen=True)
class Audit:
    """What a year of weather tells of itself.

    Parameters
    ----------
    hours
        Number of hours.
    stamp_minutes
        How long after the hour of the file's clock each stamp lies [min].
    offset_minutes
        The same for the moment whose sun agrees best with the light: 30 where the values are
        means of the hour that begins there, 0 where they hold for its beginning [min].
    closure_rmse
        Root mean square of ``ghi - dhi - dni cos z`` at that moment, sun above 3 degrees; NaN
        where the file has no direct or diffuse light of its own [W m-2].
    ghi, dni, dhi
        Irradiation of the year, gaps filled [kWh m-2].
    diffuse_share
        Of dhi in ghi [1].
    expected_share
        The same if ghi is split after Erbs [1].
    dark
        ghi of the hours without a sun [kWh m-2].
    filled
        Hours without ghi; the mean of the same hour in the month stands for it.
    split
        Hours without direct or diffuse light; they are split from ghi after Erbs.
    sigma
        Relative standard deviation of the irradiation of the year [1].
    flags
        What is doubtful, in words.
    """

    hours: int
    stamp_minutes: float
    offset_minutes: float
    closure_rmse: float
    ghi: float
    dni: float
    dhi: float
    diffuse_share: float
    expected_share: float
    dark: float
    filled: int
    split: int
    sigma: float
    flags: tuple[str, ...]

    def summary(self) -> dict[str, float | list[str] | None]:
        """Return what a reader of JSON wants; what is not known is None."""
        out: dict[str, float | list[str] | None] = {}
        for name, digits in (("offset_minutes", 1), ("closure_rmse", 2), ("ghi", 1), ("dni", 1),
                             ("dhi", 1), ("diffuse_share", 4)):
            value = round(float(getattr(self, name)), digits) + 0.0
            out[name] = value if np.isfinite(value) else None
        return out | {"flags": list(self.flags)}


def audit_weather(weather: xr.Dataset, *, latitude: float | None = None,
                  longitude: float | None = None, others: Sequence[xr.Dataset] = (),
                  sigma: float = SIGMA) -> Audit:
    """Return what a year of weather tells of its clock, its sums and its gaps.

    Parameters
    ----------
    weather
        A year: ghi, dni, dhi [W m-2] over ``time``, UTC, middle of the hour.
    latitude, longitude
        Where it was taken; the attributes of the weather where not given [degrees].
    others
        Other files of the place; the standard deviation of all stands for ``sigma``.
    sigma
        Relative standard deviation between files, where there is one only [1].

    Raises
    ------
    LayerError
        When the hours are not those of a year.
    MissingInput
        When the place is not known.

    Notes
    -----
    The moment is counted from the hour of the file's own clock (attribute ``utc_offset`` ahead of
    UTC) in which the stamp lies: the beginning of the interval in EPW and TMY files, the hour
    itself in PVGIS. Weather that was corrected before says so in ``stamp_minutes``.

    References
    ----------
    Erbs, Klein & Duffie (1982), Sol. Energy 28:293, doi:10.1016/0038-092X(82)90302-4.
    """
    stamps = hour_stamps(weather)
    if len(stamps) not in (8760, 8784):
        raise LayerError(f"the weather has {len(stamps)} hours, expected the 8760 or 8784 of a"
                         " year", mend="Give a whole year")
    place = _place(weather, latitude, longitude)
    lag = stamp_lag(weather, stamps)
    offset, rmse, flags = best_moment(stamps, lag, place, light_of(weather))
    moved = stamps + minutes(offset - lag)
    light, filled, split = whole_light(weather, stamps, moved, place, "erbs")
    ghi, dni, dhi = (float(values.sum()) / 1000 for values in light)
    erbs = split_global(light[0], moved, place, "erbs", weather)[1].sum() / 1000
    share, expected = (x / ghi if ghi > 0 else np.nan for x in (dhi, float(erbs)))
    heights = [sun_sine(moved + minutes(m), place) for m in (-30.0, 0.0, 30.0)]
    dark = float(light[0][np.max(heights, axis=0) <= 0].sum()) / 1000

    wrong = doubt_units(light[0], float(heights[1].max()))
    flags += [f"units: {wrong}"] if wrong else []
    if split < len(stamps) and abs(share - expected) > DIFFUSE_DOUBT:
        flags.append(f"diffuse: {share:.0%} of the light is diffuse, expected about"
                     f" {expected:.0%} for so much light (Erbs 1982)")
    if dark > DARK_DOUBT * ghi:
        flags.append(f"night: {dark:.1f} kWh m-2 while the sun is down")
    if filled:
        flags.append(f"missing: ghi of {filled} hours is the mean of its hour in the month")
    if split:
        flags.append(f"split: dni and dhi of {split} hours are split from ghi")
    if others:
        sums = [ghi, *(float(np.nanmean(o["ghi"].to_numpy())) * len(stamps) / 1000
                       for o in others)]
        sigma = float(np.std(sums, ddof=1) / np.mean(sums))
    return Audit(len(stamps), lag, offset, rmse, ghi, dni, dhi, share, expected, dark, filled,
                 split, sigma, tuple(flags))


def corrected(weather: xr.Dataset, audit: Audit, scale_to_ghi: float | None = None, *,
              latitude: float | None = None, longitude: float | None = None,
              decomposition: Decomposition = "erbs") -> xr.Dataset:
    """Return weather on the clock the audit found, without gaps and scaled to a stated sum.

    Parameters
    ----------
    weather
        The year that was audited.
    audit
        What `audit_weather` said of it. A clock less than 5 minutes off is left alone.
    scale_to_ghi
        Global irradiation of the year that ghi, dni and dhi are scaled to [kWh m-2].
    latitude, longitude
        Where it was taken; the attributes of the weather where not given [degrees].
    decomposition
        How ghi is split where direct or diffuse light is missing: after Erbs, or DIRINT.

    Raises
    ------
    CityTwinError
        When the audit is one of other weather, or the sum is less than half or more than twice
        that of the file.

    References
    ----------
    Erbs, Klein & Duffie (1982), Sol. Energy 28:293, doi:10.1016/0038-092X(82)90302-4. Perez et al.
    (1992), ASHRAE Trans. 98:354 (DIRINT).
    """
    stamps, place = hour_stamps(weather), _place(weather, latitude, longitude)
    lag = stamp_lag(weather, stamps)
    late = audit.offset_minutes - lag
    if abs(late) < NEAR_ENOUGH:
        late = 0.0
    moved = stamps + minutes(late)
    light, _, _ = whole_light(weather, stamps, moved, place, decomposition)
    ghi = float(light[0].sum()) / 1000
    if audit.hours != len(stamps) or not np.isclose(ghi, audit.ghi, rtol=1e-6):
        raise CityTwinError(f"the audit is of {audit.ghi:.0f} kWh m-2 in {audit.hours} hours, the"
                            f" weather has {ghi:.0f} in {len(stamps)}", mend="Audit this weather")
    factor = 1.0
    if scale_to_ghi is not None:
        factor = scale_to_ghi / ghi if ghi > 0 else np.nan
        if not 0.5 <= factor <= 2:
            raise CityTwinError(f"a global irradiation of {scale_to_ghi:g} is asked for, expected"
                                f" {ghi / 2:.0f} to {2 * ghi:.0f} kWh m-2 for this weather",
                                mend="Give the sum of the year in kWh m-2")
    out = weather.assign_coords(time=("time", moved, weather["time"].attrs))
    for name, values in zip(("ghi", "dni", "dhi"), light, strict=True):
        attrs = weather[name].attrs if name in weather else {"units": "W m-2"}
        out[name] = ("time", values * factor, attrs)
    out.attrs |= {"stamp_minutes": lag + late, "ghi_scale": factor, "ghi_sigma": audit.sigma}
    return out


def _place(weather: xr.Dataset, latitude: float | None,
           longitude: float | None) -> tuple[float, float]:
    given = {"latitude": latitude, "longitude": longitude}
    found = [float(weather.attrs.get(k, "nan")) if v is None else v for k, v in given.items()]
    if not np.isfinite(found).all():
        raise MissingInput("the weather does not say where it was taken",
                           mend="Give latitude and longitude")
    return found[0], found[1]
