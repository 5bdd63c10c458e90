"""The errors a user can meet, each saying where, what was expected, what came and the mend."""

from __future__ import annotations


class CityTwinError(ValueError):
    """A fault in what the user handed in, told in one line.

    Parameters
    ----------
    message
        What is wrong, naming the file, layer and row where they are known.
    mend
        What the user can do about it.
    """

    def __init__(self, message: str, *, mend: str = "") -> None:
        self.mend = mend
        stop = "" if message.endswith(("?", ".", "!")) else "."
        super().__init__(f"{message}{stop} {mend}" if mend else message)


class LayerError(CityTwinError):
    """A layer that does not meet its specification."""


class SourceError(CityTwinError):
    """A file or service that cannot be read."""


class GridError(CityTwinError):
    """A grid that cannot be laid over the study area."""


class UnitsError(CityTwinError):
    """A unit that cannot be converted into the one expected."""


class MissingInput(CityTwinError):
    """Something a computation needs and the city does not have."""


class FactorError(CityTwinError):
    """A factor table with a missing, doubled or impossible row."""


class ScenarioError(CityTwinError):
    """A scenario or recipe that cannot be applied."""


class MissingExtra(CityTwinError):
    """An optional part that is not installed on this machine."""


def nearest(name: str, known: list[str]) -> str:
    """Return ", did you mean 'x'?" for the known name closest to ``name``, or an empty string."""
    from difflib import get_close_matches

    close = get_close_matches(str(name).lower(), {k.lower(): k for k in known}, n=1, cutoff=0.5)
    by_lower = {k.lower(): k for k in known}
    return f", did you mean {by_lower[close[0]]!r}?" if close else ""
