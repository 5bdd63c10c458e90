"""The vehicle fleet of a place: shares of vehicle kilometres and their energy at a speed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from twin.factors import emep_curves

NEAR = 1.0  # a pole of a curve is bridged this far to both sides [km h-1]
ANCHOR = "fleet.car_medium.petrol"  # every fleet has it; it tells which region's fleet is meant


@dataclass(frozen=True)
class Fleet:
    """Shares of vehicle kilometres by vehicle and fuel, with what burning a fuel emits.

    Parameters
    ----------
    shares
        By vehicle and fuel; their sum is 1.
    grams_per_mj
        Tailpipe CO2 by fuel [g MJ-1]; electricity has none.
    """

    shares: dict[tuple[str, str], float]
    grams_per_mj: dict[str, float]

    @classmethod
    def of(cls, factors: Any) -> Fleet:
        """Return the fleet of the place the factors are bound to."""
        region = factors.pick(ANCHOR).region
        shares: dict[tuple[str, str], float] = {}
        for factor_id, factor in factors.factors.items():
            first, *words = factor.stem.split(".")
            if first == "fleet" and factor.region == region:
                shares[(words[0], words[1])] = factor.value
                factors.used[factor_id] = factor
        fuels = {fuel for _, fuel in shares} - {"electric"}
        grams = {f: factors.pick(f"fuel.{f}", "kg MJ-1").value * 1000 for f in sorted(fuels)}
        return cls(shares, {**grams, "electric": 0.0})

    def energy(self, speed: np.ndarray,
               times: Mapping[tuple[str, str], float] | None = None) -> dict[str, np.ndarray]:
        """Return the energy of each fuel in a mean vehicle kilometre, electricity left out.

        Parameters
        ----------
        speed
            Mean driven speeds, shape (n,) [km h-1].
        times
            What to multiply the energy of a vehicle and fuel by, such as for cold starts [1].

        Returns
        -------
        dict
            Arrays of shape (n,) by fuel [MJ km-1].
        """
        curves = emep_curves()
        out: dict[str, np.ndarray] = {}
        for (vehicle, fuel), share in self.shares.items():
            if fuel != "electric" and share > 0:
                much = share * (times or {}).get((vehicle, fuel), 1.0)
                mine = much * curve_energy(pd.Series(curves.loc[(vehicle, fuel)]), speed)
                out[fuel] = out.get(fuel, 0.0) + mine
        return out

    def grams(self, speed: np.ndarray) -> np.ndarray:
        """Return the mean tailpipe CO2 of a vehicle kilometre.

        Parameters
        ----------
        speed
            Mean driven speeds, shape (n,) [km h-1].

        Returns
        -------
        numpy.ndarray
            Shape (n,) [g km-1].
        """
        return np.asarray(sum((used * self.grams_per_mj[fuel]
                               for fuel, used in self.energy(speed).items()), np.zeros(len(speed))))


def curve_energy(curve: pd.Series, speed: np.ndarray) -> np.ndarray:
    """Return the energy a vehicle uses per kilometre at a speed [MJ km-1].

    Parameters
    ----------
    curve
        Row of `twin.factors.emep_curves`.
    speed
        Mean speed, held within the range of the curve [km h-1].

    Notes
    -----
    ``EC = (a v^2 + b v + g + d/v) / (e v^2 + z v + h) (1 - RF)``. That of motorcycles has a pole
    at 11.43 km/h, an artefact of its fit: within 1 km/h of a pole the curve is a straight line.

    References
    ----------
    EMEP/EEA air pollutant emission inventory guidebook 2019, 1.A.3.b.i-iv, appendix 4.
    """
    v = np.clip(speed, curve["v_min"], curve["v_max"])
    energy = _fraction(curve, v)
    roots = np.roots([curve[c] for c in ("e", "z", "h")])
    for pole in roots[np.isreal(roots)].real:
        if curve["v_min"] < pole < curve["v_max"]:
            ends = np.clip([pole - NEAR, pole + NEAR], curve["v_min"], curve["v_max"])
            energy = np.where(np.abs(v - pole) < NEAR,
                              np.interp(v, ends, _fraction(curve, ends)), energy)
    return np.asarray(energy, dtype=float)


def _fraction(curve: pd.Series, v: np.ndarray) -> np.ndarray:
    top = curve["a"] * v ** 2 + curve["b"] * v + curve["g"] + curve["d"] / v
    below = curve["e"] * v ** 2 + curve["z"] * v + curve["h"]
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(top / below * (1 - curve["reduction"]), dtype=float)
