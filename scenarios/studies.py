"""A study: the city as it is and after each scenario, on one grid, and what changed."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
import xarray as xr

import twin
from layers.city import City
from layers.citygpkg import write
from layers.errors import ScenarioError, SourceError, nearest
from layers.files import read
from scenarios.changes import change_table
from scenarios.heat_bands import heat_bands
from scenarios.recipes import read_text, recipe_text
from scenarios.retrofits import Retrofitted, retrofits_of
from scenarios.scenario import BASE, Scenario
from twin.engine import Progress
from twin.factors import Factors
from twin.factors import load as load_factors
from twin.pool import Overlaps
from twin.result import Twin, replaced_folder
from twin.writers import export, export_table

MARKER = "study.json"


@dataclass(frozen=True, eq=False)
class Study:
    """Twins of one city by scenario, the base first, all on one grid.

    Parameters
    ----------
    twins, cities
        By scenario name.
    scenarios
        The scenarios, the base left out.
    """

    twins: Mapping[str, Twin]
    cities: Mapping[str, City] = field(default_factory=dict)
    scenarios: tuple[Scenario, ...] = ()
    _bands: dict[tuple[str, str], pd.DataFrame] = field(default_factory=dict, init=False,
                                                        repr=False)

    @property
    def names(self) -> list[str]:
        """Names of the scenarios, the base first."""
        return list(self.twins)

    @property
    def cells(self) -> xr.Dataset:
        """All cells along a ``scenario`` dimension, on exactly the same grid."""
        parts = [t.cells for t in self.twins.values()]
        index = pd.Index(self.names, name="scenario")
        out = xr.concat(parts, dim=index, join="exact", combine_attrs="override")
        for key in out.data_vars:
            out[key].attrs = _without_range(out[key].attrs)
        return out

    def totals(self) -> pd.DataFrame:
        """Return one row a variable: its name, unit and total in each scenario."""
        tables = {n: t.totals() for n, t in self.twins.items()}
        out = tables[BASE][["name", "unit"]].copy()
        for name, table in tables.items():
            out[name] = table["value"]
        return out

    def change(self, name: str, *, to: str = BASE) -> pd.DataFrame:
        """Return what a scenario changes: value, percent, and the 95 % range of the change.

        Both sides share their factors, so the range is that of the change under a low, middle and
        high factor alike, for each use of buildings and class of roads on its own: their factors
        differ, so the changes of two uses combine by the root of squares. CO2 is that of the
        difference of the two ledgers. The range of heat is that of draws used before and after, see
        `scenarios.heat_bands.heat_bands`.

        ``distinct`` is True where the range leaves out zero, False where it holds it and where
        nothing changes, and missing where there is no range: how sure such a change is, nobody
        knows. The wind is among those. Its errors in a wind tunnel are known, but those of two runs
        at one place are much alike, and how much no pair of measurements before and after tells.
        ``words`` says the same: "less" and "more" are sure, then there are "indistinguishable",
        "unchanged" and "no range".

        Parameters
        ----------
        name
            The scenario.
        to
            What it is compared with.
        """
        found = change_table(self._twin(to), self._twin(name), self._heat(name, to))
        return found.rename(columns={"before": to, "after": name})

    def retrofits(self, name: str, *, to: str = BASE, factors: Factors | None = None
                  ) -> Retrofitted:
        """Return what the retrofits of a scenario save, take to make and cost.

        Parameters
        ----------
        name
            The scenario.
        to
            What it is compared with.
        factors
            Tables; the project's own when None.

        Raises
        ------
        ScenarioError
            When it retrofits nothing, or the study keeps no cities to say where they stand.
        """
        before, after = self._twin(to), self._twin(name)
        if name not in self.cities:
            raise ScenarioError("the study keeps no cities", mend="Make the study again")
        return retrofits_of(before, after, self.cities[name].place, factors or load_factors())

    def _heat(self, name: str, to: str) -> pd.DataFrame:
        """Return the ranges of what changes in heat, found once: they take seconds."""
        if (name, to) not in self._bands:
            self._bands[name, to] = heat_bands(self._twin(to), self._twin(name))
        return self._bands[name, to]

    def change_cells(self, name: str, *, to: str = BASE) -> xr.Dataset:
        """Return the change of every variable per cell, in the same units."""
        names = list(self._twin(name).variables)
        new, old = self._twin(name).cells[names], self._twin(to).cells[names]
        with xr.set_options(arithmetic_join="exact", keep_attrs=False):
            out = new - old
        for key in out.data_vars:
            long_name = str(new[key].attrs.get("long_name", key))
            out[key].attrs = {**_without_range(new[key].attrs),
                              "long_name": f"Change of {long_name}"}
        out["cell_area"] = self._twin(name).cells["cell_area"]
        return out.assign_attrs(new.attrs)

    def save(self, path: str | Path) -> Path:
        """Write all twins, cities and recipes into one folder that appears whole or not at all."""
        target = Path(path)
        with replaced_folder(target, MARKER) as folder:
            names = {n: f"{i:02d}" for i, n in enumerate(self.names)}
            for name, short in names.items():
                self.twins[name].save(folder / short)
                if name in self.cities:
                    write(self.cities[name], folder / short / "city.gpkg")
            about = {"names": names, "recipes": [recipe_text(s) for s in self.scenarios]}
            (folder / MARKER).write_text(json.dumps(about, ensure_ascii=False, indent=1),
                                         encoding="utf-8")
        return target

    def export(self, path: str | Path, *, formats: Iterable[str] = ("tif", "gpkg"),
               variables: Iterable[str] | None = None) -> list[Path]:
        """Write every scenario for GIS into a folder of its name, totals and changes as tables.

        Parameters
        ----------
        path
            Folder to write into.
        formats, variables
            As in `twin.export`.

        Raises
        ------
        ScenarioError
            When two scenarios would share a folder.
        """
        folder = Path(path)
        folders = {folder_name(name).casefold(): name for name in self.names}
        if len(folders) < len(self.names):
            lost = sorted(set(self.names) - set(folders.values()))
            raise ScenarioError(f"scenario {lost[0]!r} would share a folder with another one",
                                mend="Rename it in its recipe and make the study again")
        formats = list(formats)
        chosen = None if variables is None else list(variables)
        written = [file for name, one in self.twins.items()
                   for file in export(one, folder / folder_name(name), formats=formats,
                                      variables=chosen)]
        written.append(export_table(self.totals(), folder / "totals.csv"))
        for name in self.names[1:]:
            file = folder / f"change-{folder_name(name)}.csv"
            written.append(export_table(self.change(name), file))
        return written

    def _twin(self, name: str) -> Twin:
        if name not in self.twins:
            raise ScenarioError(f"there is no scenario {name!r}{nearest(name, self.names)} (the "
                                f"study has {', '.join(self.names)})")
        return self.twins[name]

    def __repr__(self) -> str:
        head = self.twins[BASE]
        return (f"Study of {head.record.get('city', '')!r}: {', '.join(self.names)}; "
                f"{len(head.variables)} variables on {head.cells.sizes['x']} x "
                f"{head.cells.sizes['y']} cells")

    def _repr_html_(self) -> str:
        from html import escape

        return (f"<p><b>{escape(repr(self))}</b></p>"
                f"{self.totals().to_html(float_format='{:,.4g}'.format)}")


def _without_range(attrs: Mapping[Any, Any]) -> dict[Any, Any]:
    """Return attributes without the range of a total, which is that of one twin."""
    return {k: v for k, v in attrs.items() if k != "total_range"}


def study(city: City, *scenarios: Scenario, cell_size: float = 50.0,
          settings: Mapping[str, Mapping[str, Any]] | None = None, factors: Any = None,
          progress: Progress | None = None) -> Study:
    """Run a city as it is and after each scenario, on one grid.

    Layers that an edit leaves alone are the same objects, so their overlaps are made once. The
    wind comes in over the same roughness in all.

    Parameters
    ----------
    city
        The city as it is.
    scenarios
        What to compare it with.
    cell_size
        Side of a cell [m].
    settings, factors
        As in `twin.run`, the same for all.
    progress
        Called with a name, the number done and the number in all.

    Raises
    ------
    ScenarioError
        When two scenarios share a name or an edit cannot be applied.
    """
    names = [s.name for s in scenarios]
    if len(set(names)) < len(names):
        twice = next(n for n in names if names.count(n) > 1)
        raise ScenarioError(f"two scenarios are called {twice!r}")
    grid = twin.Grid.over(city.area, city.crs, cell_size)
    cities = {BASE: city, **{s.name: s.apply(city) for s in scenarios}}
    shared = Overlaps()
    twins = {}
    for name, one in cities.items():
        def tell(step: str, done: int, of: int, name: str = name) -> None:
            if progress:
                progress(f"{name}: {step}", done, of)

        twins[name] = twin.run(one, grid=grid, settings=settings, factors=factors,
                               overlaps=shared, progress=tell)
        if name == BASE:
            settings = _same_surroundings(settings, twins[BASE])
    return Study(twins, cities, scenarios)


def _same_surroundings(settings: Mapping[str, Mapping[str, Any]] | None,
                       base: Twin) -> dict[str, Mapping[str, Any]]:
    """Return the settings with the base's own roughness upwind: a plan does not change that."""
    found = dict(settings or {})
    if "wind" in base.fields:
        upwind = base.fields["wind"]["roughness"].to_numpy().tolist()
        found["wind_field"] = {"roughness": upwind, **found.get("wind_field", {})}
    return found


def open_study(path: str | Path) -> Study:
    """Read a study from its folder.

    Raises
    ------
    SourceError
        When the folder is no study or is damaged.
    """
    folder = Path(path)
    try:
        about = json.loads((folder / MARKER).read_text(encoding="utf-8"))
        names = {str(k): str(v) for k, v in about["names"].items()}
        recipes = [str(r) for r in about["recipes"]]
        names = {BASE: names.pop(BASE), **names}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise SourceError(f"{folder} is not a study (no readable {MARKER})",
                          mend="Make one with `citytwin study CITY RECIPE ... -o FOLDER`"
                          ) from error
    twins = {n: twin.open(folder / Path(short).name) for n, short in names.items()}
    cities = {n: read(folder / Path(s).name / "city.gpkg") for n, s in names.items()
              if (folder / Path(s).name / "city.gpkg").is_file()}
    plans = tuple(read_text(r, f"{folder / MARKER}: a recipe") for r in recipes)
    return Study(twins, cities, plans)


def folder_name(name: str) -> str:
    """Return a scenario's name as a folder name: letters of any script and digits only."""
    safe = "".join(c if c.isalnum() or c in "-_" else "-" for c in name).strip("-")
    return safe[:60] or "scenario"
