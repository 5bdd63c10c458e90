"""Comfort and danger criteria for wind: which speed may be exceeded how often, and who says so.

The numbers lie in ``twin/data/wind.csv`` with unit, range, source and tag; here is how standards
put them together.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from layers.errors import FactorError, nearest
from twin.factor_rows import FOLDER, Row, read_rows

DATA = FOLDER / "wind.csv"
Values = Mapping[str, float]

CHINESE = {
    "lawson_lddc": "Lawson LDDC 风舒适度", "lawson_lddc_safety": "Lawson LDDC 风安全",
    "lawson_2001": "Lawson 2001 风舒适度", "lawson_2001_safety": "Lawson 2001 风安全",
    "nen_8100": "NEN 8100 风舒适度", "nen_8100_danger": "NEN 8100 风危险",
    "gbt_50378_winter": "GB/T 50378-2019 冬季室外风环境",
    "gbt_50378_summer": "GB/T 50378-2019 夏季室外风环境",
    "frequent_sitting": "长时间静坐", "occasional_sitting": "偶尔静坐", "sitting": "静坐",
    "standing": "站立", "walking": "步行", "strolling": "散步", "business_walking": "快步行走",
    "uncomfortable": "不舒适", "safe": "安全", "unsafe": "不安全",
    "unsafe_for_frail": "对体弱者不安全", "unsafe_for_all": "对所有人不安全",
    "A": "A 级", "B": "B 级", "C": "C 级", "D": "D 级", "E": "E 级",
    "no_risk": "无风险", "limited_risk": "有限风险", "dangerous": "危险", "meets": "达标",
    "amplified": "风速放大系数过大", "rest_area_windy": "休息区风速过大", "too_windy": "风速过大",
    "aired": "通风", "still": "静风区"}


@dataclass(frozen=True)
class Criterion:
    """Classes of a place by how often speeds are exceeded there, the calmest class first.

    A place is of the first class whose speed is exceeded no more often than its probability, and
    of the last class when it is of none.

    Parameters
    ----------
    name
        Key, such as ``"nen_8100"``.
    title
        Words for legends.
    standard
        Where the criterion comes from.
    quantity
        ``"speed"`` for the hourly mean, ``"gem"`` for the gust equivalent mean.
    speeds
        Speed of each class but the last [m s-1].
    probabilities
        Share of time that speed may be exceeded, for each class but the last [1].
    classes
        Names of the classes.
    height
        Height above ground the criterion holds at [m].
    at_most
        Whether a place exactly at the probability still is of the class.
    tags
        Evidence of the numbers: ``"V"`` read, ``"D"`` derived, ``"R"`` recalled.
    factors
        Ids of the rows the numbers come from.
    """

    name: str
    title: str
    standard: str
    quantity: Literal["speed", "gem"]
    speeds: tuple[float, ...]
    probabilities: tuple[float, ...]
    classes: tuple[str, ...]
    height: float
    at_most: bool
    tags: tuple[str, ...]
    factors: tuple[str, ...]


@dataclass(frozen=True)
class _Form:
    """A criterion before its numbers: per class the stems of its speed and its probability."""

    title: str
    standard: str
    quantity: Literal["speed", "gem"]
    limits: tuple[tuple[str, str, str], ...]
    last: str
    height: str
    at_most: bool = True


def _activities(group: str, *names: str) -> tuple[tuple[str, str, str], ...]:
    return tuple((n, f"{group}.{n}", f"{group}.probability") for n in names)


_LAWSON = "Lawson (2001), Building Aerodynamics; London Docklands variant"
_FORMS = {
    "lawson_lddc": _Form(
        "pedestrian wind comfort, Lawson LDDC", _LAWSON, "gem",
        _activities("lawson_lddc", "frequent_sitting", "occasional_sitting", "standing", "walking"),
        "uncomfortable", "lawson"),
    "lawson_lddc_safety": _Form(
        "pedestrian wind safety, Lawson LDDC", _LAWSON, "gem",
        (("safe", "lawson_lddc.unsafe", "lawson_lddc.unsafe_probability"),), "unsafe", "lawson"),
    "lawson_2001": _Form(
        "pedestrian wind comfort, Lawson 2001", "Lawson (2001), Building Aerodynamics", "gem",
        _activities("lawson_2001", "sitting", "standing", "strolling", "business_walking"),
        "uncomfortable", "lawson"),
    "lawson_2001_safety": _Form(
        "pedestrian wind safety, Lawson 2001", "Lawson (2001), Building Aerodynamics", "gem",
        (("safe", "lawson_2001.frail", "lawson_2001.unsafe_probability"),
         ("unsafe_for_frail", "lawson_2001.able", "lawson_2001.unsafe_probability")),
        "unsafe_for_all", "lawson"),
    "nen_8100": _Form(
        "pedestrian wind comfort, NEN 8100", "NEN 8100:2006", "speed",
        tuple((c.upper(), "nen_8100.speed", f"nen_8100.{c}") for c in "abcd"), "E", "nen_8100",
        at_most=False),
    "nen_8100_danger": _Form(
        "pedestrian wind danger, NEN 8100", "NEN 8100:2006", "speed",
        (("no_risk", "nen_8100.danger_speed", "nen_8100.limited"),
         ("limited_risk", "nen_8100.danger_speed", "nen_8100.danger")), "dangerous", "nen_8100",
        at_most=False)}
CRITERIA = tuple(_FORMS)


def _rows() -> Mapping[str, Row]:
    return read_rows(DATA, "wind.")


def threshold(name: str, values: Values | None = None) -> float:
    """Return a number of the table of wind thresholds, or of the user's values instead.

    Parameters
    ----------
    name
        Stem of the row without the leading ``wind.``, such as ``"nen_8100.speed"``.
    values
        Numbers by stem that stand in for those of the table, in the unit of the table. A leading
        ``wind.`` is passed over.

    Raises
    ------
    FactorError
        When there is no such row, or the number is not above zero.
    """
    rows = _rows()
    if name not in rows:
        raise FactorError(f"no wind threshold {name!r}{nearest(name, list(rows))}")
    given = {k.removeprefix("wind."): v for k, v in (values or {}).items()}
    strange = sorted(set(given) - set(rows))
    if strange:
        raise FactorError(f"no wind threshold {strange[0]!r}{nearest(strange[0], list(rows))}")
    number = float(given.get(name, rows[name].value))
    if not (math.isfinite(number) and number > 0):
        raise FactorError(f"wind threshold {name!r} is {number:g}, expected a number above zero")
    return number


def criterion(name: str, values: Values | None = None) -> Criterion:
    """Return a criterion with its numbers.

    Parameters
    ----------
    name
        One of `CRITERIA`.
    values
        Thresholds in place of those of the table, by stem.

    Raises
    ------
    FactorError
        When there is no such criterion, or its thresholds do not rise from class to class.
    """
    if name not in _FORMS:
        raise FactorError(f"no wind criterion {name!r}{nearest(name, list(_FORMS))}",
                          mend=f"The criteria are {', '.join(_FORMS)}")
    form = _FORMS[name]
    speeds = tuple(threshold(stem, values) for _, stem, _ in form.limits)
    probabilities = tuple(threshold(stem, values) for _, _, stem in form.limits)
    steps = list(zip(speeds, probabilities, strict=True))
    if max(probabilities) >= 1 or any(
            b[0] < a[0] or b[1] < a[1] or a == b for a, b in pairwise(steps)):
        raise FactorError(f"the thresholds of {name!r} must rise from class to class, with "
                          f"probabilities below 1, got {steps}")
    stems = dict.fromkeys([s for _, a, b in form.limits for s in (a, b)])
    rows = [_rows()[stem] for stem in stems]
    return Criterion(name, form.title, form.standard, form.quantity, speeds, probabilities,
                     (*(c for c, _, _ in form.limits), form.last),
                     threshold(f"height.{form.height}", values), form.at_most,
                     tuple(sorted({r.tag for r in rows})), tuple(r.factor_id for r in rows))
