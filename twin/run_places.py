"""Whether a run over a raster can write what it makes, said before anything is read."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path

from layers.errors import SourceError
from twin.arguments import check_output, check_parent


def check_places(args: Namespace, raster: str, inputs: Sequence[str | None],
                 beside: Sequence[str] = ()) -> None:
    """Raise where a result or the summary cannot be written, or would cover what is read.

    Parameters
    ----------
    args
        With ``output``, a NetCDF file, and ``json``, a file name, True or False.
    raster
        What the first word of the command is, for the words of an error.
    inputs
        Files to read; None where one is not given.
    beside
        Suffixes of further results, named like the output.

    Raises
    ------
    SourceError
        When a place will not do.
    """
    check_output(args.output, ".nc")
    results = [Path(args.output), *(Path(args.output).with_suffix(s) for s in beside)]
    for result, suffix in zip(results[1:], beside, strict=True):
        check_output(str(result), suffix)
    taken = {result.absolute() for result in results}
    for given in inputs:
        if given and Path(given).absolute() in taken:
            raise SourceError(f"-o {args.output}: {given} is one of the files to read",
                              mend="Choose another name with -o")
    if isinstance(args.json, str):
        target = Path(args.json)
        if target.suffix.lower() != ".json" or target.is_dir():
            raise SourceError(f"--json {args.json}: expected the name of a file that ends in .json",
                              mend=f"Put --json last, or after the {raster}, for JSON on stdout")
        check_parent(target)
