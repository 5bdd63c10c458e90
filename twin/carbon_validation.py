"""The carbon account held against check values, published inventories and its own sums."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TypedDict

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

import layers
import twin
from layers.city import City
from layers.place import Place
from twin.carbon.boundaries import inside, is_sink
from twin.carbon.lines import LINES, is_operation, is_tailpipe
from twin.carbon.operation import operation
from twin.carbon.parts import Part
from twin.factors import emep_curves
from twin.factors import load as load_factors
from twin.fleet import curve_energy
from twin.pool import Picker
from twin.progress import Progress
from twin.result import Twin

PRAGUE = 3.1   # buildings, t CO2 per head in 2024, from the sectors of the city's report [t a-1]
PRAGUE_SOURCE = "Prague monitoring report 2024 (6.22 Mt, 1.40 M inhabitants), sectors of 2017"
HOMES, SERVICES = 35.0, 15.0  # floor that people use, per head in Prague [m2]
GROSS = 1.2                   # gross floor area over it [1]
# Buildings and road traffic in published inventories: t per head and kt per km2.
INVENTORIES = (
    ("buildings, t per head", "France, homes and services, direct, 2017 (SDES/Citepa)", 1.36),
    ("buildings, t per head", "Berlin 2023, households and services", 2.4),
    ("traffic, kt per km2", "Berlin 2023, road", 4.1),
    ("traffic, kt per km2", "Prague 2017, transport", 4.4),
)
# Shares that the tenth of the cells with most of a sector holds in Los Angeles.
HESTIA: tuple[tuple[str, Callable[[Part], bool], float], ...] = (
    ("industrial buildings", lambda p: is_operation(p) and p.sub == "industrial", 0.936),
    ("services", lambda p: is_operation(p) and p.sub not in ("industrial", "residential"), 0.734),
    ("road traffic", is_tailpipe, 0.662),
    ("homes", lambda p: is_operation(p) and p.sub == "residential", 0.453))
HESTIA_SOURCE = "Los Angeles (Hestia, Gurney et al. 2019, doi:10.5194/essd-11-1309-2019)"
CELL = 50.0  # side of a cell [m]


class Row(TypedDict):
    """One number beside the one it is held to."""

    case: str
    quantity: str
    expected: float
    got: float
    ratio: float
    source: str


def row(case: str, quantity: str, expected: float, got: float, source: str) -> Row:
    """Return one number beside the one it is held to, with their ratio."""
    return Row(case=case, quantity=quantity, expected=expected, got=got,
               ratio=got / expected if expected else float("nan"), source=source)


def validate_rows(*, tell: Progress | None = None) -> list[Row]:
    """Return everything the carbon account is held to."""
    steps = (curves, prague, hubei, nantes)
    rows: list[Row] = []
    for number, step in enumerate(steps):
        if tell:
            tell(step.__name__, number, len(steps))
        rows += step()
    return rows


def curves() -> list[Row]:
    """Return the energy curves in use beside the check values of the guidebook at 15 km/h."""
    table = emep_curves()
    got = [float(curve_energy(pd.Series(table.loc[key]), np.array([15.0]))[0])
           for key in table.index]
    worst = int(np.argmax(np.abs(np.array(got) / table["check_15"].to_numpy() - 1)))
    return [row(f"EMEP/EEA curves, {len(table)} in use, the worst", " ".join(table.index[worst])
                + " at 15 km/h, MJ/km", float(table["check_15"].iloc[worst]), got[worst],
                "EMEP/EEA guidebook 2019, 1.A.3.b, appendix 4")]


def prague() -> list[Row]:
    """Return buildings of Prague per head beside the city's own report."""
    area = [GROSS * HOMES, GROSS * SERVICES]
    shapes = [shapely.box(100 * i, 0, 100 * i + a, 1) for i, a in enumerate(area)]
    empty = layers.toy_town().frame("buildings").iloc[:2].copy()
    houses = gpd.GeoDataFrame(empty.drop(columns="geometry").reset_index(drop=True).assign(
        use=["residential", "office"], floors_from="tag", num_floors=1.0, year=np.nan),
        geometry=shapes, crs="EPSG:32633")
    found = operation(houses, Picker(load_factors(), Place("CZ", "")))
    got = float(found.by_source(LINES["building_co2"]).value.sum()) / 1000
    return [row("Prague, 35 m2 of homes and 15 m2 of services per head, 1.2 gross",
                "buildings, t per head", PRAGUE, got, PRAGUE_SOURCE)]


def hubei() -> list[Row]:
    """Return Hubei's grid beside the Central China grid: a third apart."""
    factors = load_factors()
    got = factors.pick("grid", Place("CN", "Hubei"), "kg kWh-1").value
    return [row("Hubei, electricity of 2023", "kg CO2 per kWh", 0.4044, got,
                "MEE and NBS of China, Notice 47 of 2025")]


def nantes(city: City | None = None) -> list[Row]:
    """Return the embedded city per head and km2 beside inventories, and what its cells hold.

    Parameters
    ----------
    city
        Another city than the centre of Nantes.
    """
    city = city or layers.sample("nantes")
    asked = ["co2_lifecycle", "building_co2", "traffic_co2", "residents"]
    found = twin.run(city, cell_size=CELL, want=asked)
    free = twin.run(replace(city, controls={}), cell_size=CELL, want=asked)
    rows = []
    for when, one in (("scaled to the control total", found), ("uncalibrated", free)):
        per = _per(one)
        rows += [row(f"centre of Nantes, {when}", quantity, value, per[quantity], source)
                 for quantity, source, value in INVENTORIES
                 if when != "uncalibrated" or quantity.startswith("traffic")]
    rows += [row("centre of Nantes", f"{sector}: share of the top tenth of cells", share,
                 concentration(found, want), HESTIA_SOURCE) for sector, want, share in HESTIA]
    return rows + _sums(found)


def concentration(found: Twin, want: Callable[[Part], bool]) -> float:
    """Return the share of some parts that the tenth of the cells with most of them holds [1]."""
    assert found.ledger is not None
    cells = np.sort(found.ledger.by_cell(want).value)[::-1]
    area = found.cells["cell_area"].to_numpy().ravel()
    count = max(1, round((area > 0).sum() / 10))
    return float(cells[:count].sum() / cells.sum())


def _per(found: Twin) -> dict[str, float]:
    total = found.totals()["value"]
    km2 = float(found.cells["cell_area"].sum()) / 1e6
    return {"buildings, t per head": total["building_co2"] / total["residents"],
            "traffic, kt per km2": total["traffic_co2"] / km2 / 1000}


def _sums(found: Twin) -> list[Row]:
    """Return the same totals by different ways."""
    ledger = found.ledger
    assert ledger is not None
    whole, cells = ledger.total().value, float(ledger.by_cell().value.sum())
    table = float(ledger.table()["value"].sum())
    e1, e2, e4 = (ledger.total(inside(b)).value for b in ("territorial", "supply", "lifecycle"))
    own = "its own sums"
    return [row("conservation", "sum of cells, kg", whole, cells, own),
            row("conservation", "sum of rows, kg", whole, table, own),
            row("conservation", "sinks and emissions apart, kg", whole,
                ledger.total(is_sink).value + ledger.total(lambda p: not is_sink(p)).value, own),
            row("nesting", "supply over territorial, at least 1", 1.0, e2 / e1, own),
            row("nesting", "life cycle over supply, at least 1", 1.0, e4 / e2, own)]
