"""Where a picture may be written."""

from __future__ import annotations

from pathlib import Path

from layers.errors import SourceError
from twin.arguments import check_parent

PICTURES = (".png", ".svg", ".pdf")


def check_picture(path: str | None) -> None:
    """Raise where a picture cannot be written, before any work.

    Parameters
    ----------
    path
        File of the picture, None for none.

    Raises
    ------
    SourceError
        When its name ends otherwise, or its place is a directory or cannot be written to.
    """
    if not path:
        return
    if Path(path).suffix.lower() not in PICTURES:
        raise SourceError(f"--picture {path}: expected a name that ends in {', '.join(PICTURES)}")
    if Path(path).is_dir():
        raise SourceError(f"--picture {path} is a directory, expected a file name")
    check_parent(Path(path))
