"""Where compiled kernels are kept when the package itself cannot be written to.

Numba keeps them beside the source, else in a folder of the user, and refuses to load a module when
it can write to neither. A folder of this process then does: the kernels are compiled again by the
next one, but they run.
"""

from __future__ import annotations

import atexit
import os
import shutil
import sys
import tempfile
from pathlib import Path

from platformdirs import user_cache_path


def find_cache(package: Path | None = None) -> Path | None:
    """Make sure that compiled kernels have a place to be kept, before any is loaded.

    Parameters
    ----------
    package
        Folder of the sources; that of this module when None.

    Returns
    -------
    pathlib.Path or None
        The folder chosen; None where the user's choice or the package itself serves.
    """
    here = Path(__file__).parent if package is None else package
    if os.environ.get("NUMBA_CACHE_DIR") or _takes_files(here / "__pycache__"):
        return None
    folder = user_cache_path("citytwin") / "kernels"
    if not _takes_files(folder):
        folder = Path(tempfile.mkdtemp(prefix="citytwin-kernels-"))
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
    os.environ["NUMBA_CACHE_DIR"] = str(folder)
    if "numba" in sys.modules:
        import numba

        vars(numba.config)["CACHE_DIR"] = str(folder)
    return folder


def _takes_files(folder: Path) -> bool:
    """Try it: permission bits say nothing of read-only disks."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError:
        return False
    return True
