"""Units at the edge: every unit string of the project is one, and wrong kinds do not mix."""

from __future__ import annotations

import csv
import math
from importlib.resources import files

import pytest
from hypothesis import given
from hypothesis import strategies as st

import twin
from layers.errors import UnitsError
from layers.registry import LAYERS
from layers.units import factor, parse
from layers.weather import VARIABLES
from twin.label import Var, label_of

VARS: list[Var] = [v for f in twin.INDICATORS for v in label_of(f).gives]


def units_of_factors() -> set[str]:
    found: set[str] = set()
    for table in (files("twin") / "data").iterdir():
        if table.name.endswith(".csv"):
            rows = list(csv.DictReader(table.read_text(encoding="utf-8").splitlines()))
            found |= {row["unit"] for row in rows if "unit" in row}
    return found


def units_of_columns() -> set[str]:
    return {c.units for spec in LAYERS.values() for c in spec.columns if c.units} \
        | {v[0] for v in VARIABLES.values()}


@pytest.mark.parametrize("units", sorted({u for v in VARS for u in (v.units, v.unit_of_total)}
                                         | units_of_factors() | units_of_columns()))
def test_every_unit_of_the_project_is_a_unit(units: str) -> None:
    unit = parse(units)
    assert parse(f"{unit:~C}" if str(unit) != "dimensionless" else "1").dimensionality \
        == unit.dimensionality
    assert factor(units, units) == 1.0
    assert (str(unit) == "dimensionless") == (units in ("1", "m2 m-2"))


def test_there_are_units_to_test() -> None:
    assert len(VARS) > 20
    assert {"kWh m-2 a-1", "kg kWh-1", "vehicle km person-1 a-1"} <= units_of_factors()
    assert {"m", "km h-1", "vehicle d-1", "W m-2", "degC"} <= units_of_columns()


@pytest.mark.parametrize("var", [v for v in VARS if v.total == "sum"], ids=lambda v: v.name)
def test_the_integral_of_a_density_has_the_unit_of_its_total(var: Var) -> None:
    times = factor(f"{var.units} m2", var.unit_of_total)
    assert 0 < times < math.inf
    assert times * factor(var.unit_of_total, f"{var.units} m2") == pytest.approx(1.0)


@pytest.mark.parametrize(("have", "want", "times"), [
    ("m", "km", 1e-3), ("ha", "m2", 1e4), ("km h-1", "m s-1", 1 / 3.6), ("MJ", "kWh", 1 / 3.6),
    ("kg m-2 a-1", "t km-2 a-1", 1e3), ("kg m-2 a-1", "t ha-1 a-1", 10.0), ("%", "1", 0.01),
    ("t a-1", "kg a-1", 1e3), ("kWh m-2 a-1 m2", "GWh a-1", 1e-6), ("a", "h", 8766.0),
    ("W m-2 m2", "MW", 1e-6), ("g km-1", "kg m-1", 1e-6), ("vehicle d-1", "vehicle h-1", 1 / 24),
    ("kg/m2/a", "kg m-2 a-1", 1.0), ("m²", "m2", 1.0), ("m^2", "m2", 1.0), ("", "1", 1.0),
    ("m2 m-2", "1", 1.0), ("ft", "m", 0.3048), ("kWh m-2 a-1", "W m-2", 1000 / 8766),
    ("K", "K", 1.0), ("W m-2 K-1", "kW m-2 K-1", 1e-3),
])
def test_conversions(have: str, want: str, times: float) -> None:
    assert factor(have, want) == pytest.approx(times, rel=1e-12)
    assert factor(want, have) == pytest.approx(1 / times, rel=1e-12)


@pytest.mark.parametrize(("have", "want"), [
    ("kg", "m"), ("kg m-2", "kg"), ("kWh", "kW"), ("person", "1"), ("vehicle", "person"),
    ("m", "m2"), ("kg a-1", "kg"), ("W m-2", "kWh m-2"), ("dwelling", "1"), ("degree", "degC"),
])
def test_wrong_kinds_do_not_mix(have: str, want: str) -> None:
    with pytest.raises(UnitsError, match=f"cannot turn '{have}' into '{want}': not the same kind"):
        factor(have, want)


@pytest.mark.parametrize(("have", "want"), [("degC", "K"), ("K", "degC"), ("degC", "degF")])
def test_no_number_turns_one_temperature_scale_into_another(have: str, want: str) -> None:
    with pytest.raises(UnitsError, match="their zeros differ"):
        factor(have, want)


def test_money_has_no_fixed_rate() -> None:
    with pytest.raises(UnitsError, match="not the same kind"):
        factor("EUR", "CNY")


@pytest.mark.parametrize("text", ["kg CO2", "metre square", "10", "2 m", "水", "kg m--2", "'; --",
                                  "__import__('os')", "m" * 200])
def test_what_is_no_unit_is_said_to_be_none(text: str) -> None:
    with pytest.raises(UnitsError, match="is not a unit"):
        parse(text)


bases = st.sampled_from(["kg", "g", "t", "m", "km", "ha", "s", "h", "d", "a", "J", "kWh", "W"])
terms = st.lists(st.tuples(bases, st.sampled_from(["", "2", "-1", "-2"])), min_size=1, max_size=4)


@given(terms)
def test_the_order_of_a_product_does_not_matter(parts: list[tuple[str, str]]) -> None:
    words = [f"{base}{power}" for base, power in parts]
    there, back = " ".join(words), " ".join(reversed(words))
    assert factor(there, back) == pytest.approx(1.0)
    assert parse(there).dimensionality == parse(back).dimensionality
