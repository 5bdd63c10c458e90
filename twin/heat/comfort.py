"""Heat stress on open ground: radiant temperature, UTCI and PET of every cell and hour of a day."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from layers.errors import CityTwinError, MissingInput
from twin.heat.parameters import Values, given, parameter
from twin.heat.physiological import Index, hold, pet
from twin.heat.radiant import Hour, fluxes, radiant_temperature, surfaces

BODY, MAST = 1.1, 10.0        # heights at which PET and UTCI take the wind [m]
COLDEST, HOTTEST = -50.0, 50.0  # air the UTCI polynomial holds for [degC]
RADIANT = (-30.0, 70.0)       # radiant over air temperature it holds for [K]
WIND = (0.5, 17.0)            # wind at 10 m it holds for [m s-1]
VAPOUR = 5.0                  # highest vapour pressure it holds for [kPa]
Array = NDArray[np.float64]


def wind_at(speed: ArrayLike, *, height: float, to: float, values: Values | None = None) -> Array:
    """Return a wind speed at another height over the ground the UTCI stands on [m s-1].

    Parameters
    ----------
    speed
        Wind speed at ``height`` [m s-1].
    height, to
        Height it holds at and height it is wanted at [m].
    values
        Numbers in place of those of the table, by stem.

    Notes
    -----
    A logarithmic profile over a roughness length of 0.01 m. It turns the wind a person feels into
    the wind at 10 m of the reference climate of the index; it is not the wind 10 m above a street.

    References
    ----------
    Bröde et al. (2012), Int. J. Biometeorol. 56:481, doi:10.1007/s00484-011-0454-1.
    """
    rough = parameter("wind.roughness", values)
    return np.asarray(speed, dtype=float) * float(np.log(to / rough) / np.log(height / rough))


def utci(temp_air: ArrayLike, radiant: ArrayLike, wind: ArrayLike,
         relative_humidity: ArrayLike) -> Index:
    """Return the universal thermal climate index.

    Parameters
    ----------
    temp_air
        Air temperature [degC].
    radiant
        Mean radiant temperature [degC].
    wind
        Wind speed at 10 m [m s-1].
    relative_humidity
        Relative humidity [1].

    Returns
    -------
    Index
        UTCI, NaN where an input is. Inputs beyond what the polynomial holds for are held at its
        limits and counted: air -50 to 50 degC, radiant over air -30 to 70 K, wind 0.5 to 17 m/s,
        humidity 0 to 1, vapour pressure to 5 kPa.

    References
    ----------
    Bröde et al. (2012), Int. J. Biometeorol. 56:481, doi:10.1007/s00484-011-0454-1.
    """
    from pythermalcomfort.models import utci as polynomial

    air, cold = hold(np.asarray(temp_air, dtype=float), COLDEST, HOTTEST)
    over, hot = hold(np.asarray(radiant, dtype=float) - air, *RADIANT)
    speed, windy = hold(np.asarray(wind, dtype=float), *WIND)
    # 5 kPa less a hair: the polynomial works out the pressure by another formula.
    most = np.minimum((VAPOUR - 0.03) / (0.61121 * np.exp((18.678 - air / 234.5) * air
                                                          / (257.14 + air))), 1.0)
    humid, wet = hold(np.asarray(relative_humidity, dtype=float), 0.0, most)
    found = polynomial(tdb=air, tr=air + over, v=speed, rh=100.0 * humid, limit_inputs=False,
                       round_output=False).utci
    return Index(np.asarray(found, dtype=float),
                 {"air": cold, "radiant": hot, "wind": windy, "humidity": wet})


def comfort_day(day: xr.Dataset, sunlit: xr.DataArray, svf: xr.DataArray, wind: xr.DataArray, *,
                wind_height: float = 1.5, ground: str | xr.DataArray = "paved",
                kinds: Sequence[str] = (), indices: Sequence[str] = ("utci", "pet"),
                radiant_offset: ArrayLike = 0.0,
                values: Values | None = None) -> xr.Dataset:
    """Return mean radiant temperature, UTCI and PET of every cell and hour of a day.

    Parameters
    ----------
    day
        Hours as of `twin.heat.day.design_day`.
    sunlit
        Share of the sun's beam that arrives on the ground, over (time, y, x) [1].
    svf
        Sky view factor, over (y, x); NaN under roofs [1].
    wind
        Wind speed near the ground, over (y, x) or (time, y, x) [m s-1].
    wind_height
        Height it holds at [m].
    ground
        One kind of ground, or the number of the kind of each cell in ``kinds``, over (y, x).
    kinds
        Names of the kinds when ``ground`` is numbers.
    indices
        ``"utci"``, ``"pet"`` or both.
    radiant_offset
        Added to the mean radiant temperature, to try its error; a number, or over (time, y, x) [K].
    values
        Numbers in place of those of the table, by stem.

    Returns
    -------
    xarray.Dataset
        ``radiant``, ``utci`` and ``pet`` over (time, y, x) [degC], single precision. The attributes
        ``clipped_...`` of an index tell how many cells and hours were held at its limits.

    Raises
    ------
    MissingInput
        When the fields do not have the hours of the day or one shape.

    Notes
    -----
    Air temperature and humidity are those of the weather everywhere: what a layout does to the air
    of the day is below the skill of such a model.
    """
    hours, shape = day.sizes["time"], svf.shape
    if sunlit.shape != (hours, *shape) or wind.shape[-2:] != shape or (
            wind.ndim == 3 and wind.shape[0] != hours):
        raise MissingInput(f"sunlit is {sunlit.shape}, wind {wind.shape}, expected"
                           f" {(hours, *shape)} for {hours} hours", mend="Lay them on one grid")
    floor = ground if isinstance(ground, str) else ground.to_numpy()
    sky = svf.to_numpy().astype(float)
    numbers = given(values)
    offset = np.broadcast_to(np.asarray(radiant_offset, dtype=float), (hours, *shape))
    at = {name: np.asarray(day[name], dtype=float) for name in (
        "temp_air", "relative_humidity", "dni", "dhi", "elevation", "solar_time", "clearness")}
    fields = {name: np.empty((hours, *shape), dtype=np.float32) for name in ("radiant", *indices)}
    clipped: dict[str, dict[str, int]] = {name: {} for name in indices}
    for i in range(hours):
        now = {name: float(series[i]) for name, series in at.items()}
        place = surfaces(floor, solar_time=now["solar_time"], clearness=now["clearness"],
                         highest_sun=day.attrs["highest_sun"], sunrise=day.attrs["sunrise"],
                         kinds=kinds, values=numbers)
        hour = Hour(now["temp_air"], now["relative_humidity"], now["dni"], now["dhi"],
                    now["elevation"], 1.0 - now["clearness"])
        radiant = offset[i] + radiant_temperature(
            fluxes(hour, place, sunlit[i].to_numpy(), sky))
        fields["radiant"][i] = radiant
        blows = (wind if wind.ndim == 2 else wind[i]).to_numpy().astype(float)
        for name in indices:
            found = _index(name, now, radiant, blows, wind_height, numbers)
            fields[name][i] = found.value
            for what, count in found.clipped.items():
                clipped[name][what] = clipped[name].get(what, 0) + count
    words = {"radiant": "mean radiant temperature", "utci": "universal thermal climate index",
             "pet": "physiological equivalent temperature"}
    dims = ("time", *svf.dims)
    data = {name: (dims, field, {"units": "degC", "long_name": words[name]} | {
        f"clipped_{what}": count for what, count in clipped.get(name, {}).items()})
        for name, field in fields.items()}
    return xr.Dataset(data, coords={**svf.coords, "time": day["time"],
                                    "solar_time": ("time", at["solar_time"])})


def _index(name: str, now: Mapping[str, float], radiant: Array, wind: Array, height: float,
           values: Values | None) -> Index:
    if name not in ("utci", "pet"):
        raise CityTwinError(f"no comfort index {name!r}", mend="Take 'utci' or 'pet'")
    speed = wind_at(wind, height=height, to=MAST if name == "utci" else BODY, values=values)
    which = utci if name == "utci" else pet
    return which(now["temp_air"], radiant, speed, now["relative_humidity"])
