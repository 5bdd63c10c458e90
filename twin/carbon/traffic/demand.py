"""The demand of a day: trips between zones, to and from the outside, and through the area."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from layers.errors import CityTwinError
from twin.carbon.traffic.gates import through_trips
from twin.carbon.traffic.gravity import balance, fit_deterrence, mean_cost, spread_trips
from twin.carbon.traffic.roads_network import Picks

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Demand:
    """Vehicle trips of a weekday between zones and gates.

    Parameters
    ----------
    trips
        From each zone and then each gate to each, shape (z + g, z + g) [vehicle d-1].
    zones
        Number of zones; the rest are gates.
    deterrence
        How steeply trips fall with time [min-1].
    mean_km
        Mean length of a trip between two ends in the area [km].
    attraction_scale
        Attractions used over those of the jobs: they give way where they do not fit the trips of
        residents and the traffic at the gates [1].
    through_share
        Share of the traffic at the gates that only passes through, as used [1].
    not_placed
        Vehicles at the gates that no way could take [vehicle d-1].
    """

    trips: Floats
    zones: int
    deterrence: float
    mean_km: float
    attraction_scale: float
    through_share: float
    not_placed: float

    @property
    def parts(self) -> dict[str, float]:
        """Trips by kind: ``within`` a zone, ``between`` zones, ``out``, ``in`` and ``through``."""
        z, t = self.zones, self.trips
        within = float(np.trace(t[:z, :z]))
        return {"within": within, "between": float(t[:z, :z].sum()) - within,
                "out": float(t[:z, z:].sum()), "in": float(t[z:, :z].sum()),
                "through": float(t[z:, z:].sum())}

    def __repr__(self) -> str:
        told = ", ".join(f"{value:,.0f} {name}" for name, value in self.parts.items())
        return f"<Demand: {self.trips.sum():,.0f} vehicle trips a day: {told}>"

    def hour(self, share: float) -> Floats:
        """Return the trips of an hour that has ``share`` of the day's, shape of `trips`."""
        return self.trips * share


def daily_demand(ends: pd.DataFrame, gates: pd.DataFrame, times: Floats, lengths: Floats,
                 factors: Picks, *, target_km: float | None = None) -> Demand:
    """Return the trips of a weekday between all zones and gates.

    Parameters
    ----------
    ends
        ``production`` and ``attraction`` of each zone [vehicle d-1], as `trip_ends` gives them.
    gates
        ``entering``, ``leaving``, ``through``, ``x``, ``y`` of each gate, as `gate_traffic` gives
        them; without rows for a closed area.
    times, lengths
        Between zones and then gates, as `measure` gives them, shape (z + g, z + g) [s, m].
    factors
        Factor tables bound to a place.
    target_km
        Mean length of trips that stay in the area, to which the deterrence is fitted [km]; the
        factor ``deterrence`` when None.

    Returns
    -------
    Demand
        As many trips begin in each zone as end there.

    Raises
    ------
    CityTwinError
        When shapes differ, nobody makes a trip, or the target cannot be met.

    Notes
    -----
    With P trips made by residents, A trips attracted by jobs and E vehicles a day that cross the
    border of the area and end or begin inside, ``(P + A - E) / 2`` trips stay inside,
    ``(P - A + E) / 2`` of residents lead out and ``(A - P + E) / 2`` of others lead in. Where this
    gives less than none, more of the traffic at the gates passes through (E > P + A), or the
    attractions give way. Every zone has the same share of trips that stay. Those are spread by a
    doubly constrained gravity model and made symmetric, as everybody comes home again; those in
    and out are balanced with the traffic of the gates. A trip within a zone counts as half as far
    as the way to the nearest other zone.
    """
    z, g = len(ends), len(gates)
    if times.shape != (z + g, z + g) or lengths.shape != times.shape:
        raise CityTwinError(f"times have shape {times.shape}, expected ({z + g}, {z + g}): "
                            f"{z} zones and {g} gates")
    made = ends["production"].to_numpy(dtype=float)
    drawn = ends["attraction"].to_numpy(dtype=float)
    minutes, km = _own_ways(times / 60.0, z), _own_ways(lengths / 1000.0, z)
    total, wanted = float(made.sum()), float(drawn.sum())
    if total + wanted <= 0:
        raise CityTwinError("no zone makes or attracts a trip", mend="Look at the use of buildings")
    open_in = np.isfinite(minutes[z:, :z]).any(axis=1)
    open_out = np.isfinite(minutes[:z, z:]).any(axis=0)
    enter, leave = gates["entering"].to_numpy(float), gates["leaving"].to_numpy(float)
    passing = gates["through"].to_numpy(float)
    ending = float((enter * (1 - passing))[open_in].sum() + (leave * (1 - passing))[open_out].sum())
    if ending > total + wanted:
        passing = 1.0 - (1.0 - passing) * (total + wanted) / ending
    through = through_trips(enter * passing, leave * passing, gates[["x", "y"]].to_numpy(float),
                            np.isfinite(minutes[z:, z:]))
    comes = np.where(open_in, enter - through.sum(axis=1), 0.0).clip(min=0.0)
    goes = np.where(open_out, leave - through.sum(axis=0), 0.0).clip(min=0.0)
    # As much comes as goes, and no more than the zones can make or take.
    half = min(comes.sum(), goes.sum(), (total + wanted) / 2)
    comes, goes = (each * (half / each.sum()) if half > 0 else each * 0.0
                   for each in (comes, goes))
    crossing = 2.0 * float(half)
    if total <= 0:  # nobody lives here: all who come are from elsewhere
        fitted = min(wanted, crossing)
    else:
        fitted = min(max(wanted, total - crossing), total + crossing)
    scale = fitted / wanted if wanted > 0 else 1.0
    drawn = drawn * scale if wanted > 0 else made * (fitted / total)
    stay = max(0.0, (total + fitted - crossing) / 2)
    staying_in = drawn * (stay / fitted) if fitted > 0 else drawn * 0.0
    staying = made * (stay / total) if total > 0 else made * 0.0
    ways, far = minutes[:z, :z], km[:z, :z]
    deterrence = factors.pick("deterrence", "min-1").value
    inside = np.zeros((z, z))
    if stay > 0:
        if target_km is not None:
            deterrence, inside = fit_deterrence(staying, staying_in, ways, target_km, length=far)
        else:
            inside = spread_trips(staying, staying_in, ways, deterrence)
    inside = (inside + inside.T) / 2
    abroad = np.maximum((made - staying) + (drawn - staying_in), 0.0) / 2  # rounding
    trips = np.zeros((z + g, z + g))
    trips[:z, :z], trips[z:, z:] = inside, through
    if half > 0:
        abroad = abroad * (half / abroad.sum())
        trips[:z, z:] = _spread_out(abroad, goes, minutes[:z, z:], deterrence)
        trips[z:, :z] = _spread_out(abroad, comes, minutes[z:, :z].T, deterrence).T
    placed = trips[z:].sum() + trips[:, z:].sum()
    return Demand(trips, z, deterrence, mean_cost(inside, far) if stay > 0 else 0.0, scale,
                  float(through.sum() * 2 / max(enter.sum() + leave.sum(), 1e-12)),
                  float(enter.sum() + leave.sum() - placed))


def _spread_out(zones: Floats, gates: Floats, minutes: Floats, deterrence: float) -> Floats:
    """Return trips between zones and gates; zones with no way to a gate leave theirs to others."""
    seed = np.where(np.isfinite(minutes), np.exp(-deterrence * np.where(np.isfinite(minutes),
                                                                        minutes, 0.0)), 0.0)
    able = seed @ (gates > 0) > 0
    rows = np.where(able, zones, 0.0)
    return balance(seed, rows * (gates.sum() / rows.sum()), gates, tolerance=1e-8, exact=False)


def _own_ways(ways: Floats, zones: int) -> Floats:
    """Return ways with those within a zone set to half the way to the nearest other zone."""
    out = ways.copy()
    np.fill_diagonal(out, np.inf)
    near = out[:zones, :zones].min(axis=1, initial=np.inf)
    at = np.arange(zones)
    out[at, at] = np.where(np.isfinite(near), near / 2.0, 0.0)
    return out
