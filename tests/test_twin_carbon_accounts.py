"""The ledger on disk, as a GPC table, and with measured values."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_array

from layers.errors import SourceError
from twin.carbon.entries import entries
from twin.carbon.gpc import gpc_table
from twin.carbon.ledger import Ledger, ledger
from twin.carbon.ledger_files import read_ledger, write_ledger
from twin.carbon.measured import read_measured, replace_measured
from twin.carbon.parts import Cause, Part

POWER = Part("buildings", "buildings", "office", "electricity", 2, "B6", "kWh a-1",
             "grid.CN-Hubei", (Cause("grid.CN-Hubei", -0.1, 0.1),), own=(0.3, 0.4))
GAS = POWER.but(item="gas", scope=1, factor_id="fuel.gas.CN", quality="L", causes=())
HOME = GAS.but(sub="residential", quality="M")
DRIVEN = Part("roads", "traffic", "primary", "petrol", 1, "tailpipe", "km a-1", "fuel.petrol.WORLD")
WOOD = Part("green", "sinks", "forest", "uptake", 1, "removal", "m2", "sink.forest.WORLD")
FEATURES = {"buildings": pd.DataFrame({"id": ["甲", "b", "c"], "inside": [1.0, 0.75, 1.0]}),
            "roads": pd.DataFrame({"id": ["r", "r"], "inside": [1.0, 1.0]})}


@pytest.fixture
def book() -> Ledger:
    """Three buildings, the second a quarter outside, two roads, a wood."""
    houses = entries("buildings", 3, [(POWER, [0, 1], [100.0, 200.0], [4000.0, 8000.0]),
                                      (GAS, [0, 1], [50.0, 10.0], [1000.0, 4000.0]),
                                      (HOME, [2], [5.0], [500.0])])
    roads = entries("roads", 2, [(DRIVEN, [0, 1], [10.0, 10.0], [3000.0, 4000.0])])
    wood = entries("green", 1, [(WOOD, [0], [7.0], [-5000.0])])
    return ledger([houses, roads, wood], {
        "buildings": csr_array([[1.0, 0.5, 1.0], [0.0, 0.25, 0.0]]),
        "roads": csr_array(np.eye(2)), "green": csr_array([[0.0], [1.0]])}, 2)


def test_parquet_keeps_rows_parts_and_ranges(book: Ledger, tmp_path: Path) -> None:
    file = tmp_path / "账本.parquet"
    write_ledger(book, file)
    again = read_ledger(file)
    assert again.parts == book.parts
    assert again.cells == 2
    pd.testing.assert_frame_equal(again.rows, book.rows)
    assert again.total() == book.total()
    plain = pd.read_parquet(file)
    assert plain["value"].sum() == pytest.approx(book.total().value)
    assert set(plain["sector"]) == {"buildings", "traffic", "sinks"}
    (tmp_path / "no.parquet").write_bytes(b"PAR1")
    with pytest.raises(SourceError, match=r"no\.parquet is no ledger"):
        read_ledger(tmp_path / "no.parquet")


def test_gpc_lines_hold_the_whole_ledger(book: Ledger) -> None:
    table = gpc_table(book).set_index("reference")
    assert table["value_t"].sum() == pytest.approx(book.total().value / 1000)
    assert table.loc["I.2.2", "value_t"] == pytest.approx(10.0)
    assert table.loc["I.1.1", "value_t"] == pytest.approx(0.5)
    assert table.loc["II.1.1", "value_t"] == pytest.approx(7.0)
    assert table.loc["V.2.1", "value_t"] == pytest.approx(-5.0)
    assert table.loc["I.2.1", "activity_quality"] == "L"
    assert table.loc["III.1.1", "notation_key"] == "NE"
    assert table.loc["I.3.1", "notation_key"] == "NO"
    filled = table["value_t"].notna()
    assert (table["notation_key"] == "")[filled].all()
    assert (table["notation_key"] != "")[~filled].all()


def measured(file: Path, *lines: str) -> pd.DataFrame:
    """Write and read a table of measured values."""
    file.write_text("\n".join(["layer,id,item,value,unit,provider,document,period", *lines]),
                    encoding="utf-8")
    return read_measured(str(file))


def test_a_meter_replaces_the_estimate_and_says_so(book: Ledger, tmp_path: Path) -> None:
    table = measured(tmp_path / "表.csv", "buildings,甲,electricity,3.5,t a-1,电网,bill 7,2025",
                     "buildings,b,,6000,kg a-1,city,audit.pdf,2025")
    after = replace_measured(book, table, FEATURES)
    told = after.table()
    first = told[(told["layer"] == "buildings") & (told["source"] == 0)]
    assert first.set_index("item")["value"].to_dict() == pytest.approx(
        {"electricity": 3500.0, "gas": 1000.0})
    assert first.set_index("item")["method"].to_dict() == {"electricity": "measured",
                                                         "gas": "factor"}
    assert first.set_index("item")["provider"]["electricity"] == "电网"
    second = told[(told["layer"] == "buildings") & (told["source"] == 1)]
    assert second["value"].sum() == pytest.approx(6000 * 0.75)  # the rest lies outside
    by_item = second.groupby("item", observed=True)["value"].sum()
    assert by_item["electricity"] == pytest.approx(2 * by_item["gas"])  # shared as estimated
    untouched = after.total(lambda p: p.sector != "buildings").value
    assert untouched == pytest.approx(book.total(lambda p: p.sector != "buildings").value)
    # A meter is surer than the estimate: 5 % instead of 30 to 40 %.
    kept = after.total(lambda p: p.method == "measured")
    assert kept.high / kept.value == pytest.approx(1 + 0.05 * np.hypot(3500, 4500) / 8000)


def test_what_comes_with_the_energy_follows_the_meter(tmp_path: Path) -> None:
    wires = POWER.but(stage="losses", scope=3, factor_id="grid_losses.CN")
    house = ledger([entries("buildings", 1, [(POWER, [0], [100.0], [4000.0]),
                                             (wires, [0], [100.0], [200.0])])],
                   {"buildings": csr_array([[1.0]])}, 1)
    table = measured(tmp_path / "m.csv", "buildings,甲,electricity,1000,kg a-1,p,d,")
    told = replace_measured(house, table, {"buildings": FEATURES["buildings"].iloc[:1]}).table()
    assert told.set_index("stage")["value"].to_dict() == pytest.approx(
        {"B6": 1000.0, "losses": 50.0})
    assert told["activity"].tolist() == pytest.approx([25.0, 25.0])


@pytest.mark.parametrize(("line", "words"), [
    ("buildings,x,gas,1,t a-1,p,d,", "row 2: buildings 'x' is unknown"),
    ("roads,r,,1,t a-1,p,d,", "row 2: roads 'r' is the id of several features"),
    ("buildings,c,electricity,1,t a-1,p,d,", "row 2: buildings 'c' has no estimate"),
    ("buildings,c,gas,-1,t a-1,p,d,", "row 2: value is '-1'"),
    ("buildings,c,gas,1,kWh,p,d,", "row 2: unit is 'kWh', expected 'kg'"),
])
def test_bad_measured_rows_are_named(book: Ledger, tmp_path: Path, line: str, words: str) -> None:
    with pytest.raises(SourceError, match=words):
        replace_measured(book, measured(tmp_path / "m.csv", line), FEATURES)


def test_bad_measured_files(tmp_path: Path) -> None:
    file = tmp_path / "m.csv"
    file.write_text("layer,id,value\n", encoding="utf-8")
    with pytest.raises(SourceError, match="lacks unit, provider, document"):
        read_measured(str(file))
    with pytest.raises(SourceError, match=r"none\.csv cannot be read"):
        read_measured(str(tmp_path / "none.csv"))
