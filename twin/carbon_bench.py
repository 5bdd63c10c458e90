"""How fast the carbon account is on a machine: the embedded city side by side with itself."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import geopandas as gpd
import pandas as pd
import shapely
from shapely import affinity

import layers
import twin
from layers.city import City
from twin.carbon.boundaries import inside
from twin.carbon.uncertainty import draw
from twin.label import label_of
from twin.planning import plan
from twin.progress import Progress

COPIES = (1, 6)  # 6 of them have about 50,000 buildings
GAP = 500.0      # between the copies [m]
CELL = 50.0      # side of a cell [m]
WANT = ("building_energy", "building_co2", "vehicle_km", "traffic_co2", "carbon_sink",
        "construction_co2", "co2_net", "co2_territorial", "co2_supply", "co2_lifecycle")


def side_by_side(city: City, times: int) -> City:
    """Return a city with copies of itself to the east of it.

    Parameters
    ----------
    city
        The city.
    times
        Number of copies in all.
    """
    west, _, east, _ = city.area.bounds
    steps = [i * (east - west + GAP) for i in range(times)]
    frames = {name: gpd.GeoDataFrame(pd.concat(
        [frame.set_geometry(frame.geometry.translate(step)) for step in steps],
        ignore_index=True), crs=city.crs) for name, frame in city.frames.items()}
    area: Any = shapely.union_all([affinity.translate(city.area, step) for step in steps])
    controls = {name: total * times for name, total in city.controls.items()}
    others = {n: layer for n, layer in city.layers.items() if n == "weather"}
    return replace(city, layers={**frames, **others}, area=area, controls=controls)


def measure(copies: Sequence[int] = COPIES, *, tell: Progress | None = None) -> dict[str, Any]:
    """Return how long the account takes on cities of several sizes, as plain data.

    Parameters
    ----------
    copies
        How often the embedded city stands beside itself.
    tell
        Called with how far it is.

    Returns
    -------
    dict
        ``runs`` with counts and seconds of the account (``account``), of all indicators without
        the fields of wind, sun and heat (``indicators``), of a table by source and cell
        (``table``) and of 1,000 draws (``draws``).
    """
    runs = []
    for number, times in enumerate(copies):
        if tell:
            tell(f"{times} cities", number, len(copies))
        city = side_by_side(layers.sample("nantes"), times)
        begun = time.perf_counter()
        found = twin.run(city, cell_size=CELL, want=WANT)
        seconds = {"account": time.perf_counter() - begun}
        rest = [v.name for f in _without_fields() for v in label_of(f).gives]
        begun = time.perf_counter()
        twin.run(city, cell_size=CELL, want=rest)
        seconds["indicators"] = time.perf_counter() - begun
        assert found.ledger is not None
        begun = time.perf_counter()
        table = found.ledger.table()
        seconds["table"] = time.perf_counter() - begun
        begun = time.perf_counter()
        draw(found.ledger, inside("supply"), count=1000)
        seconds["draws"] = time.perf_counter() - begun
        runs.append({"buildings": len(city.frame("buildings")), "roads": len(city.frame("roads")),
                     "cells": found.ledger.cells, "rows": len(table), "seconds": seconds})
    return {"runs": runs, "cell": CELL}


def rows_of(found: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the numbers of `measure` as a row a city and step."""
    return [{"buildings": f"{run['buildings']:,}", "roads": f"{run['roads']:,}",
             "ledger rows": f"{run['rows']:,}", "step": step, "s": f"{seconds:.2f}"}
            for run in found["runs"] for step, seconds in run["seconds"].items()]


def _without_fields() -> list[Any]:
    """Return the indicators that need no fine field: none of wind, sun, modules or heat."""
    from twin.indicators import INDICATORS

    fields = {label_of(f).field for f in INDICATORS} - {""}
    return [f for f in plan(INDICATORS) if not fields & set(label_of(f).needs)]
