"""What each of a few measures adds, from what every combination of them saves."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from layers.errors import CityTwinError

Floats = NDArray[np.float64]


def coalitions(saved: ArrayLike, names: list[str]) -> pd.DataFrame:
    """Return what each measure adds alone, after all others, and on the mean of all orders.

    Parameters
    ----------
    saved
        What each combination saves, shape (2 ** n,): bit ``i`` of its number says whether measure
        ``i`` is in it; the first, of none, is the reference.
    names
        Names of the measures, shape (n,).

    Returns
    -------
    pandas.DataFrame
        ``first_in``, ``last_in`` and ``shapley`` by measure; the last sum to what all save.

    Raises
    ------
    CityTwinError
        When there are not as many numbers as combinations.

    Notes
    -----
    ``shapley_i = sum over S without i of s! (n - s - 1)! / n! (saved(S + i) - saved(S))``. Nothing
    is assumed on how measures work on each other, other than in `twin.carbon.potential`, where they
    multiply.

    References
    ----------
    Shapley (1953), in Contributions to the Theory of Games II, doi:10.1515/9781400881970-018.
    """
    values = np.asarray(saved, dtype=float)
    count = len(names)
    if not count or values.shape != (2 ** count,):
        raise CityTwinError(f"{values.size} numbers for the combinations of {count} measures, "
                            f"expected {2 ** count}")
    subset = np.arange(2 ** count)
    size = ((subset[:, None] >> np.arange(count)) & 1).sum(axis=1)
    weight = np.ones(count)  # of s measures that come before one: s! (n - s - 1)! / n!
    for s in range(1, count):
        weight[s] = weight[s - 1] * s / (count - s)
    weight /= count
    rows = []
    for i in range(count):
        without = subset[(subset >> i) & 1 == 0]
        added = values[without | 1 << i] - values[without]
        rows.append((added[0], added[-1], float(weight[size[without]] @ added)))
    return pd.DataFrame(rows, index=pd.Index(names, name="measure"),
                        columns=["first_in", "last_in", "shapley"])
