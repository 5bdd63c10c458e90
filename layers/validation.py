"""How good the height inference is: hide half of the surveyed heights of Nantes, compare."""

from __future__ import annotations

import numpy as np
import pandas as pd

from layers.samples import nantes_buildings, surveyed_heights


def masked_heights(seed: int = 0) -> pd.DataFrame:
    """Return the error of inferred heights by source, over both halves of the known ones.

    Each known height is hidden once: a random half, then the other. What is left, with storeys
    and use, is what the inference has to go by.

    Parameters
    ----------
    seed
        Seed of the split.

    Returns
    -------
    pandas.DataFrame
        Per source and for all: ``n``, mean absolute error ``mae``, ``bias`` and mean stated
        ``sigma`` [m], and the share of errors within one and 1.96 sigma (``within_68``,
        ``within_95``; a Gaussian has 0.68 and 0.95).
    """
    known = surveyed_heights()
    first = np.zeros(known, dtype=bool)
    first[np.random.default_rng(seed).permutation(known)[: known // 2]] = True
    both = pd.concat([nantes_buildings(masked=first), nantes_buildings(masked=~first)])
    rows = [_row("all", pd.DataFrame(both))]
    rows += [_row(str(source), pd.DataFrame(part))
             for source, part in both.groupby("height_from")]
    return pd.DataFrame(rows)


def _row(source: str, part: pd.DataFrame) -> dict[str, object]:
    error = part["height"] - part["true_height"]
    sigmas = (error / part["height_sigma"]).abs()
    return {"source": source, "n": len(part), "mae": round(float(error.abs().mean()), 2),
            "bias": round(float(error.mean()), 2),
            "sigma": round(float(part["height_sigma"].mean()), 2),
            "within_68": round(float((sigmas < 1).mean()), 3),
            "within_95": round(float((sigmas < 1.96).mean()), 3)}
