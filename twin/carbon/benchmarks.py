"""The energy of public buildings beside the limits of GB/T 51161."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from layers.errors import CityTwinError, FactorError
from twin.carbon.rows import Pick, own_pick

Floats = NDArray[np.float64]


def energy_limits(use: pd.Series, *, pick: Pick | None = None) -> pd.DataFrame:
    """Return the limit and the guidance value of buildings by their use.

    Parameters
    ----------
    use
        Use of each building, as in the buildings layer.
    pick
        Gives a factor by stem and unit, of the climate zone of the place; those of hot summers and
        cold winters when None.

    Returns
    -------
    pandas.DataFrame
        ``limit`` and ``guide``, energy without heating in kWh of electricity, for buildings whose
        windows open; no number for uses that the table has not [kWh m-2 a-1].

    References
    ----------
    GB/T 51161-2016.
    """
    ask = pick or own_pick("CN-HSCW", "CN")

    def value(what: str, one: object) -> float:
        try:
            return float(ask(f"benchmark.{what}.{one}", "kWh m-2 a-1").value)
        except FactorError:
            return np.nan

    uses = use.dropna().unique()
    return pd.DataFrame({what: use.map({one: value(what, one) for one in uses}).astype(float)
                         for what in ("limit", "guide")}, index=use.index)


def corrected_energy(energy: ArrayLike, *, hours: ArrayLike | None = None,
                     area_per_person: ArrayLike | None = None, pick: Pick | None = None) -> Floats:
    """Return the energy of offices as it would be at the hours and density of the standard.

    Parameters
    ----------
    energy
        Energy without heating, any shape [kWh m-2 a-1].
    hours
        Hours of use; those of the standard when None [h a-1].
    area_per_person
        Floor area per person; that of the standard when None [m2].
    pick
        Gives a factor by stem and unit; the tables when None.

    References
    ----------
    GB/T 51161-2016: ``0.3 + 0.7 (2500 / T)`` and ``0.7 + 0.3 (S / 10)``.
    """
    ask = pick or own_pick("CN")
    out = np.asarray(energy, dtype=float)
    for name, given in (("hours", hours), ("area_per_person", area_per_person)):
        if given is not None and not (np.asarray(given, dtype=float) > 0).all():
            raise CityTwinError(f"{name} of offices must be above zero everywhere",
                                mend="Leave out the buildings that are not used")
    if hours is not None:
        share = ask("benchmark.hours_weight", "1").value
        out = out * (1 - share + share * ask("benchmark.hours", "h a-1").value
                     / np.asarray(hours, dtype=float))
    if area_per_person is not None:
        share = ask("benchmark.person_weight", "1").value
        out = out * (1 - share + share * np.asarray(area_per_person, dtype=float)
                     / ask("benchmark.person_area", "m2 person-1").value)
    return np.asarray(out)
