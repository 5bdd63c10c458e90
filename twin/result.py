"""The twin: what a run gives, its totals, and how it is kept on disk."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import xarray as xr

from layers.errors import SourceError
from layers.provenance import digest
from layers.units import factor
from twin.carbon.ledger import Ledger
from twin.carbon.ledger_files import read_ledger, write_ledger
from twin.label import Var

FORMAT = 1


@dataclass(frozen=True, eq=False)
class Twin:
    """The result of a run, frozen.

    Parameters
    ----------
    cells
        Dataset on (y, x), row 0 south, densities per m2 of study area, with CF attributes.
    fields
        Physics on its own fine grid by name.
    features
        Layers with their own results per feature and year.
    variables
        The declared variables by name.
    record
        What went in: settings, factors with sources, counted fallbacks, seconds, licences.
    ledger
        The carbon account behind the CO2 variables, None where none was asked for.
    """

    cells: xr.Dataset
    fields: Mapping[str, xr.Dataset] = field(default_factory=dict)
    features: Mapping[str, gpd.GeoDataFrame] = field(default_factory=dict)
    variables: Mapping[str, Var] = field(default_factory=dict)
    record: Mapping[str, Any] = field(default_factory=dict)
    ledger: Ledger | None = None

    def totals(self) -> pd.DataFrame:
        """Return one row a variable: name, value, unit, low, high.

        Sums are integrals over the study area, means are weighed by area or by the variable's
        own weight; they do not depend on the cell size.
        """
        rows: dict[str, dict[str, Any]] = {}
        for var in self.variables.values():
            if var.total is None:
                continue
            ends = ("", "_low", "_high") if var.estimate else ("",)
            value, low, high = ([self._total(var, var.name + e) for e in ends] + [np.nan] * 2)[:3]
            if "total_range" in self.cells[var.name].attrs:
                low, high = self.cells[var.name].attrs["total_range"]
            rows[var.name] = {"name": var.long_name, "value": value, "unit": var.unit_of_total,
                              "low": low, "high": high}
        return pd.DataFrame.from_dict(rows, orient="index",
                                      columns=["name", "value", "unit", "low", "high"])

    def _total(self, var: Var, name: str) -> float:
        area = self.cells["cell_area"].to_numpy()
        data = self.cells[name]
        values = data.mean([d for d in data.dims if d not in ("y", "x")]).to_numpy()
        if var.total == "sum":
            return float(np.nansum(values * area)) * factor(f"{var.units} m2", var.unit_of_total)
        weight = area * (np.nan_to_num(self.cells[var.weight].to_numpy()) if var.weight else 1.0)
        known = np.isfinite(values) & (weight > 0)
        if not known.any():
            return float("nan")
        return float((values[known] * weight[known]).sum() / weight[known].sum())

    def save(self, path: str | Path) -> Path:
        """Write the twin into a folder: Zarr, GeoParquet and a manifest with digests.

        The folder appears whole or not at all; an older twin of that name is replaced.

        Raises
        ------
        SourceError
            When the place holds something that is not a twin.
        """
        target = Path(path)
        with replaced_folder(target, "manifest.json") as folder:
            self.cells.to_zarr(folder / "cells.zarr", zarr_format=2, consolidated=True)
            for name, data in self.fields.items():
                data.to_zarr(folder / "fields" / f"{name}.zarr", zarr_format=2,
                             consolidated=True)
            (folder / "features").mkdir()
            for name, table in self.features.items():
                table.to_parquet(folder / "features" / f"{name}.parquet", compression="zstd",
                                 write_covering_bbox=True)
            if self.ledger is not None:
                write_ledger(self.ledger, folder / "ledger.parquet")
            manifest = {
                "format": FORMAT, "variables": [asdict(v) for v in self.variables.values()],
                "fields": sorted(self.fields), "features": sorted(self.features),
                "record": self.record,
                "digests": {p.relative_to(folder).as_posix(): digest(p)
                            for p in sorted(folder.rglob("*")) if p.is_file()},
            }
            (folder / "manifest.json").write_text(
                json.dumps(manifest, indent=1, ensure_ascii=False), encoding="utf-8")
        return target

    def __repr__(self) -> str:
        ny, nx = self.cells["cell_area"].shape
        lines = [f"Twin of {self.record.get('city', '')!r}, {nx} x {ny} cells of "
                 f"{self.record.get('cell_size', 0):g} m"]
        table = self.totals()
        for name, row in table.iterrows():
            unit = "" if row["unit"] == "1" else f" {row['unit']}"
            lines.append(f"  {name}: {range_in_words(row)}{unit}")
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        from html import escape

        head = escape(repr(self).splitlines()[0])
        return f"<p><b>{head}</b></p>{self.totals().to_html(float_format='{:,.4g}'.format)}"


def in_words(value: float) -> str:
    """Return a number with at most four figures and its thousands apart, ``-`` for none."""
    if not np.isfinite(value):
        return "-"
    if value == 0:
        return "0"
    value = float(f"{value:.4g}")
    digits = max(0, 2 - int(np.floor(np.log10(abs(value)))))
    return f"{value:,.{min(digits, 6)}f}"


def range_in_words(row: Any) -> str:
    """Return ``value [low to high]`` of a row of `Twin.totals`."""
    if not np.isfinite(row["low"]):
        return in_words(row["value"])
    return f"{in_words(row['value'])} [{in_words(row['low'])} to {in_words(row['high'])}]"


def open(path: str | Path) -> Twin:
    """Read a twin from its folder, checking every file against the manifest.

    Raises
    ------
    SourceError
        When the folder is no twin, or a file is missing or damaged.
    """
    folder = Path(path)
    manifest_file = folder / "manifest.json"
    if not manifest_file.is_file():
        raise SourceError(f"{folder} is not a twin (no manifest.json)",
                          mend="Make one with `citytwin run CITY -o FOLDER`")
    try:
        manifest = json.loads(manifest_file.read_text(encoding="utf-8"))
        wanted, kept = dict(manifest["digests"]), manifest["format"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise SourceError(f"{manifest_file} cannot be read: {error}",
                          mend="Run again") from error
    if kept != FORMAT:
        raise SourceError(f"{folder} is a twin of format {kept}, this version reads {FORMAT}",
                          mend="Run again with this version")
    for name, expected in wanted.items():
        file = (folder / name).resolve()
        if not file.is_relative_to(folder.resolve()) or not file.is_file():
            raise SourceError(f"{folder}: {name} is missing", mend="Run again")
        if digest(file) != expected:
            raise SourceError(f"{folder}: {name} is damaged (its digest is not the manifest's)",
                              mend="Run again")
    for name in ("cells.zarr", "fields", "features"):
        for file in sorted((folder / name).rglob("*")):
            if file.is_file() and file.relative_to(folder).as_posix() not in wanted:
                raise SourceError(f"{folder}: {file.relative_to(folder)} is not in the manifest",
                                  mend="Run again")
    try:
        for name in (*manifest["fields"], *manifest["features"]):
            if Path(name).name != name:
                raise ValueError(f"{name!r} is no plain name")
        return Twin(
            cells=xr.open_zarr(folder / "cells.zarr", consolidated=True).load(),
            fields={n: xr.open_zarr(folder / "fields" / f"{n}.zarr", consolidated=True).load()
                    for n in manifest["fields"]},
            features={n: gpd.read_parquet(folder / "features" / f"{n}.parquet")
                      for n in manifest["features"]},
            variables={v["name"]: Var(**v) for v in manifest["variables"]},
            record=dict(manifest["record"]),
            ledger=read_ledger(folder / "ledger.parquet") if "ledger.parquet" in wanted else None,
        )
    except Exception as error:
        raise SourceError(f"{folder} is damaged: {' '.join(str(error).split())[:120]}",
                          mend="Run again") from error


class replaced_folder:
    """A folder written beside its target and renamed to it at the end, or removed on failure.

    Parameters
    ----------
    target
        The folder to make or replace.
    marker
        A file of ours in every folder of this kind; a target without it is never replaced.
    """

    def __init__(self, target: Path, marker: str) -> None:
        self.target, self.marker = target, marker
        if target.exists() and not (target.is_dir() and (_is_ours(target / marker)
                                                         or not any(target.iterdir()))):
            raise SourceError(f"{target} exists and is not ours to replace",
                              mend="Choose another name with -o")
        if target.resolve().name in ("layers", "twin", "scenarios"):
            raise SourceError(f"{target} has the name of one of our packages and would hide it",
                              mend="Choose another name with -o")
        self.partial = target.with_name(f".{target.name}.partial-{os.getpid()}")

    def __enter__(self) -> Path:
        shutil.rmtree(self.partial, ignore_errors=True)
        self.partial.mkdir(parents=True)
        return self.partial

    def __exit__(self, kind: Any, *_: object) -> None:
        if kind is not None:
            shutil.rmtree(self.partial, ignore_errors=True)
            return
        old = self.target.with_name(f".{self.target.name}.old-{os.getpid()}")
        if self.target.exists():
            self.target.rename(old)
        self.partial.rename(self.target)
        shutil.rmtree(old, ignore_errors=True)


_KEYS = {"manifest.json": {"format", "digests"}, "study.json": {"names", "recipes"}}


def _is_ours(marker: Path) -> bool:
    """Whether a marker is one of ours: other programs have a manifest.json too."""
    try:
        about = json.loads(marker.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(about, dict) and _KEYS[marker.name] <= about.keys()
