"""The traffic of a week by day and hour, and the speeds it drives at."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from layers.errors import CityTwinError
from twin.carbon.traffic.network import Network
from twin.carbon.traffic.roads_network import Picks

Floats = NDArray[np.float64]

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
HOURS = 24
MONTHS = 12


@dataclass(frozen=True, eq=False)
class Week:
    """How the traffic of a mean week is spread.

    Parameters
    ----------
    shares
        Share of the week's traffic in each hour, Monday to Sunday and from 0 to 1 h local time
        on, shape (7, 24); they sum to 1.
    months
        Traffic of each month over that of the mean month, shape (12,); their mean is 1.
    """

    shares: Floats
    months: Floats

    @property
    def per_day(self) -> Floats:
        """Traffic of an hour over that of a mean day, shape (7, 24) [d h-1]."""
        return self.shares * 7.0

    @property
    def peak(self) -> float:
        """Share of the traffic of a day, Monday to Friday, in its busiest hour."""
        work = self.shares[:5].sum(axis=0)
        return float(work.max() / work.sum())

    @property
    def weekday(self) -> float:
        """Traffic of a mean day over that of a day from Monday to Friday."""
        return float(1.0 / (7.0 * self.shares[:5].sum() / 5.0))


def traffic_week(factors: Picks) -> Week:
    """Return the week of the factors ``traffic_hour``, ``traffic_day`` and ``traffic_month``.

    Every day has the same shape.

    Parameters
    ----------
    factors
        Factor tables bound to a place.

    Raises
    ------
    CityTwinError
        When all weights are 0.

    References
    ----------
    Denier van der Gon H. et al. (2011), TNO report TNO-060-UT-2011-00588.
    """
    hours = np.array([factors.pick(f"traffic_hour.{h:02d}", "1").value for h in range(HOURS)])
    days = np.array([factors.pick(f"traffic_day.{d}", "1").value for d in DAYS])
    months = np.array([factors.pick(f"traffic_month.{m:02d}", "1").value
                       for m in range(1, MONTHS + 1)])
    if min(hours.sum(), days.sum(), months.sum()) <= 0:
        raise CityTwinError("the weights of hours, days or months of traffic are all 0",
                            mend="Look at your factor file")
    both = np.outer(days, hours)
    return Week(both / both.sum(), months / months.mean())


def daily_volumes(hourly: ArrayLike, share: float, weekday_factor: float = 1.0) -> Floats:
    """Return annual mean daily volumes from those of an hour.

    Parameters
    ----------
    hourly
        Volumes of an hour, any shape [vehicle h-1].
    share
        Share of a weekday's traffic in that hour.
    weekday_factor
        Traffic of a mean day over that of a weekday.

    Returns
    -------
    numpy.ndarray
        Shape of ``hourly`` [vehicle d-1].
    """
    if not 0 < share <= 1:
        raise CityTwinError(f"the share of the hour is {share!r}, expected above 0 and at most 1")
    return np.asarray(hourly, dtype=float) / share * weekday_factor


def hourly_speeds(network: Network, daily: ArrayLike, week: Week) -> NDArray[np.float32]:
    """Return the speed on each link in each hour of a mean week.

    Parameters
    ----------
    network
        The network.
    daily
        Annual mean daily volume of each link in its direction, shape (m,) [vehicle d-1].
    week
        How the traffic is spread.

    Returns
    -------
    numpy.ndarray
        Shape (7, 24, m) [km h-1].
    """
    volume = np.asarray(daily, dtype=float)
    out = np.empty((len(DAYS), HOURS, len(volume)), dtype=np.float32)
    for day in range(len(DAYS)):
        out[day] = network.speed(week.per_day[day][:, None] * volume)
    return out


def driven_mean(network: Network, daily: ArrayLike, week: Week,
                of_speed: Callable[[Floats], Floats]) -> Floats:
    """Return the mean over a week's vehicles of something that depends on speed, per link.

    Parameters
    ----------
    network
        The network.
    daily
        Annual mean daily volume of each link in its direction, shape (m,) [vehicle d-1].
    week
        How the traffic is spread.
    of_speed
        Takes speeds, shape (m,) [km h-1], and gives, say, grams per vehicle km of the same shape.

    Returns
    -------
    numpy.ndarray
        Shape (m,), in the unit of ``of_speed``; hours weigh by the vehicles that drive in them.
    """
    volume = np.asarray(daily, dtype=float)
    total = np.zeros(len(volume))
    weights, times = np.unique(np.round(week.per_day, 12), return_counts=True)
    for weight, count in zip(weights, times, strict=True):  # hours of equal traffic are alike
        total += weight * count * of_speed(network.speed(weight * volume))
    return total / float(week.per_day.sum())
