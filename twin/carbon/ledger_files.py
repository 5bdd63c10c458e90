"""The ledger on disk: one Parquet table that other programs can read, its parts in the schema."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from layers.errors import SourceError
from twin.carbon.ledger import ROWS, Ledger
from twin.carbon.parts import Cause, Part

KEY = b"citytwin_ledger"


def write_ledger(ledger: Ledger, file: str | Path) -> None:
    """Write the ledger as a Parquet table: every row with its words, low and high.

    Parameters
    ----------
    ledger
        The ledger.
    file
        Parquet file.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = ledger.table().assign(part=ledger.rows["part"].to_numpy())
    arrow = pa.Table.from_pandas(table, preserve_index=False)
    about = {"cells": ledger.cells, "parts": [asdict(p) for p in ledger.parts]}
    words = {KEY: json.dumps(about, ensure_ascii=False).encode()}
    pq.write_table(arrow.replace_schema_metadata({**(arrow.schema.metadata or {}), **words}),
                   file, compression="zstd")


def read_ledger(file: str | Path) -> Ledger:
    """Read a ledger from its Parquet table.

    Parameters
    ----------
    file
        Parquet file of `write_ledger`.

    Raises
    ------
    SourceError
        When the file is no ledger or is damaged.
    """
    import pyarrow.parquet as pq

    try:
        arrow = pq.read_table(file, columns=[*ROWS, "source_id"])
        about = json.loads(pq.read_schema(file).metadata[KEY])
        parts = tuple(
            Part(**{**p, "causes": tuple(Cause(**c) for c in p["causes"]), "own": tuple(p["own"])})
            for p in about["parts"])
        rows: pd.DataFrame = arrow.to_pandas()
        return Ledger(parts, rows[list(ROWS)], int(about["cells"]), _names(parts, rows))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise SourceError(f"{file} is no ledger: {' '.join(str(error).split())[:120]}",
                          mend="Make one with `citytwin run CITY -o FOLDER`") from error


def _names(parts: tuple[Part, ...], rows: pd.DataFrame) -> dict[str, NDArray[Any]]:
    """Return what the sources of each layer are called, those without a row by their number."""
    layer = np.array([p.layer for p in parts], dtype=object)
    out = {}
    for name in dict.fromkeys(p.layer for p in parts):
        mine = rows[layer[rows["part"]] == name].drop_duplicates("source")
        known = np.array([f"row {i}" for i in range(int(mine["source"].max()) + 1)], dtype=object) \
            if len(mine) else np.zeros(0, dtype=object)
        known[mine["source"]] = mine["source_id"]
        out[name] = known
    return out
