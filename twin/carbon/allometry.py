"""Allometry: stem, dry mass and yearly gain of a tree, from its height and crown."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from layers.errors import CityTwinError, nearest

Floats = NDArray[np.float64]

EQUATIONS = ("jenkins", "chave")
ANY = "mixed hardwood"

JENKINS: dict[str, tuple[float, float]] = {
    ANY: (-2.4800, 2.4835), "maple, oak or beech": (-2.0127, 2.4342),
    "poplar, willow or alder": (-2.2094, 2.3867), "birch": (-1.9123, 2.3651),
    "pine": (-2.5356, 2.4349), "spruce": (-2.0773, 2.3323), "fir": (-2.5384, 2.4814),
    "cedar or larch": (-2.0336, 2.2592)}
"""Coefficients b0 and b1 of ``ln(mass) = b0 + b1 ln(diameter)`` by group, kg and cm."""

# The first that matches wins: the sign of pines is in the words of deodars and larches too.
_WORDS: tuple[tuple[str, str], ...] = (
    ("cedar or larch", r"\b(?:cedrus|larix|thuja|juniperus|cupressus|platycladus|cedar|larch|cèdre"
     r"|mélèze|lärche)|雪松|落叶松|柏"),
    ("fir", r"\b(?:abies|tsuga|hemlock|sapins?\b|tanne)|冷杉|铁杉"),
    ("spruce", r"\b(?:picea|spruce|épicéa|fichte)|云杉"),
    ("pine", r"\b(?:pinus|pine|pins?|kiefer)\b|松"),
    ("birch", r"\b(?:betula|birch|bouleau|birke)|桦"),
    ("poplar, willow or alder", r"\b(?:populus|salix|alnus|poplar|aspen|willow|alder|peuplier|saule"
     r"|aulne|pappel|weide|erle)|杨树|白杨|[银黑毛]+[白]?杨|柳|桤"),
    ("maple, oak or beech", r"\b(?:acer|quercus|fagus|carya|maple|oak|beech|hickory|érable|chêne"
     r"|hêtre|ahorn|eiche|buche)|枫树|槭|三角枫|五角枫|栎|橡|水青冈"))


def group_of(names: Sequence[str]) -> NDArray[np.object_]:
    """Return the group of ``JENKINS`` of each tree by the words of its name.

    Parameters
    ----------
    names
        Species, genus or common name: Latin, English, French, German or Chinese; others are mixed
        hardwood.

    Returns
    -------
    numpy.ndarray
        Shape (n,).
    """
    words, back = np.unique(np.asarray(names, dtype=str), return_inverse=True)
    told = pd.Series(words, dtype=object).str.lower()
    group = np.full(len(words), ANY, dtype=object)
    for name, pattern in reversed(_WORDS):
        group[told.str.contains(pattern, regex=True).to_numpy(dtype=bool)] = name
    return np.asarray(group[back], dtype=object)


def diameter(height: ArrayLike, crown: ArrayLike) -> Floats:
    """Return the stem diameter at breast height.

    Parameters
    ----------
    height
        Of the tree [m].
    crown
        Diameter of the crown [m].

    Returns
    -------
    numpy.ndarray
        Stem diameters [cm].

    Notes
    -----
    ``D = 0.557 (H CD)^0.809 exp(0.056^2 / 2)``, of 108,753 trees of all forests.

    References
    ----------
    Jucker et al. (2017), Global Change Biology 23:177, doi:10.1111/gcb.13388.
    """
    both = np.asarray(height, dtype=float) * np.asarray(crown, dtype=float)
    return np.asarray(0.557 * both ** 0.809 * np.exp(0.056 ** 2 / 2))


def jenkins(stem: ArrayLike, group: Sequence[str] | NDArray[np.object_]) -> Floats:
    """Return the dry mass of trees above the ground.

    Parameters
    ----------
    stem
        Stem diameters [cm].
    group
        Group of each tree, one of ``JENKINS``.

    Returns
    -------
    numpy.ndarray
        Dry masses [kg].

    References
    ----------
    Jenkins et al. (2003), National-scale biomass estimators for United States tree species, Forest
    Science 49:12, table 4.
    """
    b0, b1 = np.array([JENKINS[str(g)] for g in JENKINS]).T
    at = pd.Index(list(JENKINS)).get_indexer(pd.Index(np.asarray(group, dtype=object)))
    return np.asarray(np.exp(b0[at] + b1[at] * np.log(np.asarray(stem, dtype=float))))


def chave(stem: ArrayLike, height: ArrayLike, density: float) -> Floats:
    """Return the dry mass of trees above the ground, by an equation of tropical trees.

    Parameters
    ----------
    stem
        Stem diameters [cm].
    height
        Tree heights [m].
    density
        Dry mass over green volume of the wood [g cm-3].

    Returns
    -------
    numpy.ndarray
        Dry masses [kg].

    Notes
    -----
    ``AGB = 0.0673 (density D^2 H)^0.976``.

    References
    ----------
    Chave et al. (2014), Global Change Biology 20:3177, doi:10.1111/gcb.12629.
    """
    wide, high = np.asarray(stem, dtype=float), np.asarray(height, dtype=float)
    return np.asarray(0.0673 * (density * wide ** 2 * high) ** 0.976)


def mass_and_gain(height: ArrayLike, crown: ArrayLike, group: Sequence[str] | NDArray[np.object_],
                  step: float, *, equation: str = "jenkins", density: float = 0.55
                  ) -> tuple[Floats, Floats]:
    """Return the dry mass of trees above the ground, and what they gain in a year.

    Parameters
    ----------
    height, crown
        Of the trees [m].
    group
        As in `jenkins`.
    step
        Growth of the stem diameter in a year [cm].
    equation
        One of ``EQUATIONS``.
    density
        As in `chave` [g cm-3].

    Returns
    -------
    tuple
        Dry mass [kg] and its gain [kg a-1], arrays of shape (n,).

    Raises
    ------
    CityTwinError
        When the equation is unknown.

    Notes
    -----
    Height and crown grow alike, so that the height follows the stem to the power 0.5 / 0.809.
    """
    if equation not in EQUATIONS:
        hint = nearest(equation, list(EQUATIONS))
        raise CityTwinError(f"there is no equation {equation!r}{hint}",
                            mend=f"The equations are {', '.join(EQUATIONS)}")
    high = np.asarray(height, dtype=float)
    stem = diameter(high, crown)
    wider = stem + step
    if equation == "jenkins":
        now, then = jenkins(stem, group), jenkins(wider, group)
    else:
        taller = high * (wider / stem) ** (0.5 / 0.809)
        now, then = chave(stem, high, density), chave(wider, taller, density)
    return now, then - now
