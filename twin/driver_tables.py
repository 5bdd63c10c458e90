"""What a twin says of the drivers of its emissions: people, floor area, distance, energy and CO2.

All are of the study area, by place (the districts asked for, else one place) and by use of
buildings and class of roads. The sums of CO2 are those of `building_co2` and `traffic_co2`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_array

from layers.buildings import gross_floor_area
from layers.errors import MissingInput
from layers.units import factor as unit_factor
from twin.carbon.chains import building_factors, traffic_factors
from twin.carbon.drivers import Drivers, decompose
from twin.carbon.ledger import Ledger
from twin.carbon.lines import LINES
from twin.carbon.parts import Part
from twin.districts import grid_of
from twin.overlay import overlap
from twin.placing import shares
from twin.result import Twin

Floats = NDArray[np.float64]
Districts = tuple[list[str], csr_array]

EVERYWHERE = "all"
MODULES = "own modules"
RUN = "Run it without --want, or with --want co2_net,residents,vehicle_km"
BUILT, DRIVEN = ("place", "use", "carrier"), ("place", "class")


@dataclass(frozen=True, eq=False)
class State:
    """One twin as the chains of drivers see it.

    Parameters
    ----------
    people
        Residents by place.
    floor
        Floor area by place and use [m2].
    used
        ``energy`` [kWh a-1] and ``co2`` [kg a-1] of buildings by place, use and carrier.
    distance
        Vehicle kilometres by place and class of road [km a-1].
    burnt
        ``energy`` [MJ a-1] and ``co2`` [kg a-1] of traffic by place and class.
    """

    people: pd.Series
    floor: pd.Series
    used: pd.DataFrame
    distance: pd.Series
    burnt: pd.DataFrame


def state_of(found: Twin, path: str, districts: Districts | None = None) -> State:
    """Return what drives the emissions of a twin.

    Parameters
    ----------
    found
        A twin with its ledger.
    path
        Where it is from, for what is said of faults.
    districts
        Their names, and the share of each cell in them.

    Raises
    ------
    MissingInput
        When the twin lacks its account, its residents, or the distances on its roads.
    """
    book = found.ledger
    if book is None or "residents" not in found.cells or "buildings" not in found.features:
        lack = "carbon account" if book is None else "residents"
        raise MissingInput(f"{path} has no {lack}", mend=RUN)
    area = found.cells["cell_area"].to_numpy().ravel()
    names, spread = districts or ([EVERYWHERE], csr_array(np.ones((len(area), 1))))
    heads = np.nan_to_num(found.cells["residents"].to_numpy().ravel()) * area
    people = pd.Series(np.asarray(spread.T @ heads), index=pd.Index(names, name="place"))

    built = found.features["buildings"]
    floor = _of_features(found, built, gross_floor_area(built), built["use"], (names, spread))
    used = _buildings(book, names, spread)
    burnt = _traffic(book, names, spread)
    if not len(burnt):
        none = pd.MultiIndex.from_tuples([], names=list(DRIVEN))
        return State(people, floor, used, pd.Series(dtype=float, index=none), burnt)
    roads = found.features.get("roads")
    if roads is None or "vehicle_km" not in roads:
        raise MissingInput(f"{path} has traffic without its vehicle_km", mend=RUN)
    km = roads["vehicle_km"].to_numpy(dtype=float)
    return State(people, floor, used,
                 _of_features(found, roads, km, roads["class"], (names, spread)), burnt)


def building_drivers(before: State, after: State) -> Drivers | None:
    """Return what drove the CO2 of buildings by place, use and carrier; None without any.

    Parameters
    ----------
    before, after
        The two states.
    """
    if not len(before.used) and not len(after.used):
        return None
    both = before.used.index.union(after.used.index, sort=False)
    uses = before.floor.index.union(after.floor.index, sort=False)
    carriers = list(dict.fromkeys(both.get_level_values("carrier")))
    mine = pd.MultiIndex.from_frame(both.to_frame()[list(BUILT[:2])].drop_duplicates())
    uses = uses.union(mine, sort=False)
    groups = pd.MultiIndex.from_tuples([(*key, c) for key in uses for c in carriers],
                                       names=list(BUILT))
    tables = [s.used.reindex(groups, fill_value=0.0).assign(
        floor_area=s.floor.reindex(groups.droplevel(2)).fillna(0.0).to_numpy())
        for s in (before, after)]
    return _taken_apart(tables, _heads(before, after), building_factors)


def traffic_drivers(before: State, after: State) -> Drivers | None:
    """Return what drove the CO2 of traffic by place and class of road; None without any.

    Parameters
    ----------
    before, after
        The two states.
    """
    if not len(before.burnt) and not len(after.burnt):
        return None
    groups = before.burnt.index.union(after.burnt.index, sort=False)
    for state in (before, after):
        groups = groups.union(state.distance.index[state.distance > 0], sort=False)
    tables = [s.burnt.reindex(groups, fill_value=0.0).assign(
        distance=s.distance.reindex(groups).fillna(0.0)) for s in (before, after)]
    return _taken_apart(tables, _heads(before, after), traffic_factors)


def empty_places(before: State, after: State) -> list[str]:
    """Return the places without residents in one of two states."""
    heads = pd.concat([before.people, after.people], axis=1).fillna(0.0)
    return [str(p) for p in heads.index[(heads <= 0).any(axis=1)]]


def _heads(before: State, after: State) -> list[pd.Series]:
    """Return the people of each place in both states, one where either has none."""
    places = before.people.index.union(after.people.index, sort=False)
    empty = empty_places(before, after)
    return [s.people.reindex(places).mask(places.isin(empty), 1.0) for s in (before, after)]


def _taken_apart(tables: list[pd.DataFrame], people: list[pd.Series], factors: Any) -> Drivers:
    """Return the drivers between two tables of quantities, place by place."""
    states = []
    for table, heads in zip(tables, people, strict=True):
        parts = {str(place): factors(part.droplevel(0), float(heads[str(place)]))
                 for place, part in table.groupby(level="place", sort=False)}
        states.append(pd.concat(parts, names=["place"]))
    return decompose(states[0], states[1].reindex(states[0].index))


def _buildings(book: Ledger, names: list[str], spread: csr_array) -> pd.DataFrame:
    """Return energy and CO2 of buildings; what own modules give is a carrier without emission."""
    mine = book.where(LINES["building_co2"])
    words = pd.DataFrame([(p.sub, p.item) for p in mine.parts], columns=["use", "carrier"])
    table = _placed(mine, "kWh a-1", names, spread, words)
    own = table["energy"] < 0  # electricity of the grid that own modules save
    saved = table[own].assign(carrier="electricity")
    given = table[own].assign(carrier=MODULES, energy=-table.loc[own, "energy"], co2=0.0)
    whole = pd.concat([table[~own], saved, given], ignore_index=True)
    return whole.groupby(list(BUILT), sort=False)[["energy", "co2"]].sum()


def _traffic(book: Ledger, names: list[str], spread: csr_array) -> pd.DataFrame:
    """Return energy and CO2 of traffic, the electricity of vehicles with it where it is told."""
    counts = LINES["traffic_co2"]
    mine = book.where(lambda p: p.sector == "traffic" and (counts(p) or _drives(p)))
    words = pd.DataFrame([(p.sub,) for p in mine.parts], columns=["class"])
    counted = np.array([counts(p) for p in mine.parts], dtype=float)
    table = _placed(mine, "MJ a-1", names, spread, words, counted)
    return table.groupby(list(DRIVEN), sort=False)[["energy", "co2"]].sum()


def _drives(part: Part) -> bool:
    """Return whether a part is electricity that vehicles drive with."""
    return part.item == "electricity" and part.stage not in ("upstream", "losses", "D")


def _placed(book: Ledger, unit: str, names: list[str], spread: csr_array, words: pd.DataFrame,
            counted: Floats | None = None) -> pd.DataFrame:
    """Return rows of a ledger by place, with the words of their parts, energy in a unit."""
    rows, times = book.rows, np.array([unit_factor(p.unit, unit) for p in book.parts], dtype=float)
    row, place, weight = _where(rows["cell"].to_numpy(), spread)
    part = rows["part"].to_numpy()[row]
    co2 = rows["value"].to_numpy()[row] * weight
    out = words.take(part).reset_index(drop=True)
    return out.assign(
        place=np.asarray(names, dtype=object)[place],
        energy=rows["activity"].to_numpy()[row] * weight * times[part],
        co2=co2 if counted is None else co2 * counted[part])


def _where(cell: NDArray[np.int64], spread: csr_array
           ) -> tuple[NDArray[np.int64], NDArray[np.int64], Floats]:
    """Return for each row and place it is in: the row, the place and the share."""
    lengths = np.diff(spread.indptr)[cell]
    row = np.repeat(np.arange(len(cell)), lengths)
    first = np.repeat(spread.indptr[cell] - (np.cumsum(lengths) - lengths), lengths)
    at = first + np.arange(len(row))
    return row, spread.indices[at].astype(np.int64), spread.data[at]


def _of_features(found: Twin, layer: gpd.GeoDataFrame, amount: Floats, kind: pd.Series,
                 districts: Districts) -> pd.Series:
    """Return sums of what features have inside the area, by place and kind."""
    names, spread = districts
    within = amount * layer["inside"].to_numpy(dtype=float)
    if names == [EVERYWHERE]:
        share = csr_array(np.ones((1, len(layer))))
    else:
        on_cells = csr_array(spread.T @ shares(layer, overlap(layer, grid_of(found))))
        whole = np.asarray(on_cells.sum(axis=0)).ravel()
        share = csr_array(on_cells.multiply(np.divide(1.0, whole, out=np.zeros(len(layer)),
                                                      where=whole > 0)[None, :]))
    words, code = np.unique(kind.astype(str).to_numpy(), return_inverse=True)
    of_kind = csr_array((np.ones(len(layer)), (np.arange(len(layer)), code)),
                        shape=(len(layer), len(words)))
    sums = np.asarray((share.multiply(within[None, :]) @ of_kind).todense())
    index = pd.MultiIndex.from_product([names, words], names=["place", str(kind.name)])
    return pd.Series(sums.ravel(), index=index)[sums.ravel() > 0]
