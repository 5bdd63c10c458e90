"""Where things come from: time stamps, digests and the licences that travel with results."""

from __future__ import annotations

import hashlib
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
import xarray as xr


def now() -> str:
    """Return the time as ISO text; ``SOURCE_DATE_EPOCH`` fixes it for reruns that are equal."""
    epoch = os.environ.get("SOURCE_DATE_EPOCH")
    moment = datetime.fromtimestamp(int(epoch), UTC) if epoch else datetime.now(UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def digest(thing: Any) -> str:
    """Return a short SHA-256 of a layer, file or plain value."""
    sha = hashlib.sha256()
    _feed(sha, thing)
    return sha.hexdigest()[:16]


def _feed(sha: Any, thing: Any) -> None:
    if isinstance(thing, gpd.GeoDataFrame):
        sha.update(b"".join(shapely.to_wkb(thing.geometry.values).tolist()))
        _feed(sha, pd.DataFrame(thing.drop(columns=thing.geometry.name)))
    elif isinstance(thing, pd.DataFrame):
        sha.update("|".join(map(str, thing.columns)).encode())
        sha.update(pd.util.hash_pandas_object(thing, index=False).to_numpy().tobytes())
    elif isinstance(thing, xr.DataArray):
        sha.update(np.ascontiguousarray(thing.to_numpy()).tobytes())
        for name in sorted(map(str, thing.dims)):
            if name in thing.coords:
                sha.update(np.ascontiguousarray(thing[name].to_numpy()).tobytes())
    elif isinstance(thing, xr.Dataset):
        for name in sorted(map(str, thing.data_vars)):
            sha.update(name.encode())
            _feed(sha, thing[name])
    elif isinstance(thing, Path):
        with thing.open("rb") as file:
            while block := file.read(1 << 20):
                sha.update(block)
    elif isinstance(thing, bytes):
        sha.update(thing)
    elif isinstance(thing, list | tuple):
        for item in thing:
            _feed(sha, item)
    else:
        sha.update(repr(thing).encode())
