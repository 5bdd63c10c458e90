"""What people write about roofs: shape, height, slope and where it falls to."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable

import geopandas as gpd
import pandas as pd

from layers.heights import parse_number
from layers.spec import Column

ROOF_SHAPES = ("flat", "gabled", "hipped", "pyramidal", "mansard", "skillion", "round", "other")
ORIENTATIONS = ("along", "across")
STOREY = 2.5   # height of a storey under a slope where only the storeys in the roof are told [m]
TALLEST, MOST_STOREYS = 200.0, 20.0  # a roof above its eaves [m]; storeys in it

COLUMNS = (
    Column("roof_shape", "str", about="roof shape", choices=ROOF_SHAPES),
    Column("roof_height", "float", "m", "top of the roof above its eaves", low=0, high=TALLEST),
    Column("roof_angle", "float", "degree", "slope of the roof against the level", low=0, high=90),
    Column("roof_direction", "float", "degree", "where the slope looks to, clockwise from north",
           low=0, high=360),
    Column("roof_orientation", "str", about="ridge along or across the long side",
           choices=ORIENTATIONS),
)
# OpenStreetMap's names; Overture's are ours.
ALIASES = {"roof:shape": "roof_shape", "roof:height": "roof_height", "roof:angle": "roof_angle",
           "roof:direction": "roof_direction", "roof:orientation": "roof_orientation",
           "roof:levels": "roof_levels"}

_SHAPES = {"half-hipped": "hipped", "hipped-flat": "hipped", "side-hipped": "hipped",
           "gambrel": "mansard", "dome": "round", "onion": "round", "spherical": "round",
           "cone": "pyramidal", "saltbox": "gabled", "double-saltbox": "gabled",
           "lean-to": "skillion", "shed": "skillion"}
# The words of Chinese planning files, and those for the roofs of old houses.
_CHINESE = {"flat": "平 平顶 平屋顶 平屋面",
            "gabled": "双坡 双坡顶 双坡屋顶 人字形 坡 坡顶 坡屋顶 坡屋面",
            "hipped": "四坡 四坡顶 四坡屋顶", "skillion": "单坡 单坡顶 单坡屋顶",
            "round": "拱 拱顶 拱形 弧形 圆顶 穹顶"}
_OLD = {"gabled": "硬山 硬山顶 悬山 悬山顶 卷棚", "hipped": "庑殿 庑殿顶 歇山 歇山顶",
        "pyramidal": "攒尖 攒尖顶 四角攒尖"}
_SHAPE_OF = _SHAPES | {word: shape for table in (_CHINESE, _OLD) for shape, words in table.items()
                       for word in words.split()}

_COMPASS = ("n", "nne", "ne", "ene", "e", "ese", "se", "sse", "s", "ssw", "sw", "wsw", "w", "wnw",
            "nw", "nnw")
_POINT = {**{word: 22.5 * i for i, word in enumerate(_COMPASS)},
          "en": 45.0, "es": 135.0, "ws": 225.0, "wn": 315.0}  # Chinese says east-north
_LETTERS = {"north": "n", "east": "e", "south": "s", "west": "w",
            "北": "n", "东": "e", "東": "e", "南": "s", "西": "w"}
_ANGLE = re.compile(r"^([-+]?\d+(?:[.,]\d+)?)(?:[-–](\d+(?:[.,]\d+)?))?"
                    r"(?:°|º|deg|degree|degrees|度)?$")


def parse_angle(text: object) -> float:
    """Return an angle in degrees from what people write, NaN when it is none.

    Takes ``30``, ``30°``, ``32,5 deg``, ``30-40`` (the middle).

    Examples
    --------
    >>> parse_angle("32,5°"), parse_angle("30-40")
    (32.5, 35.0)
    """
    found = _ANGLE.match("".join(str(text).lower().split()))
    if not found:
        return float("nan")
    ends = [float(end.replace(",", ".")) for end in found.groups() if end]
    return sum(ends) / len(ends)


def parse_direction(text: object) -> float:
    """Return degrees clockwise from north, 0 to 360, from a number or a compass word, else NaN.

    Examples
    --------
    >>> parse_direction("NNE"), parse_direction("south-west"), parse_direction("朝东南")
    (22.5, 225.0, 135.0)
    """
    word = re.sub(r"[\s_.\-正朝向]", "", str(text).lower())
    for long, letter in _LETTERS.items():
        word = word.replace(long, letter)
    if word in _POINT:
        return _POINT[word]
    number = parse_angle(text) if not re.search(r"\d\s*[-–]", str(text)) else float("nan")
    return number % 360.0 if -360.0 <= number <= 360.0 else float("nan")


def roof_tags(gdf: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return footprints with the columns of `COLUMNS`, empty where nothing usable is told.

    Parameters
    ----------
    gdf
        Footprints; columns named as ours or as in `ALIASES`, numbers or text.

    Returns
    -------
    geopandas.GeoDataFrame
        ``roof_height`` is made from the storeys in the roof, 2.5 m each, where neither it nor the
        slope is told and the roof is not flat.
    """
    shape = _words(gdf, "roof_shape").str.replace("_", "-").map(lambda w: _SHAPE_OF.get(w, w))
    shape = shape.where(shape.isin(ROOF_SHAPES) | shape.eq(""), "other")
    height, angle = _height(gdf), _each(gdf, "roof_angle", parse_angle)
    angle = angle.where((angle >= 0) & (angle < 90))
    storeys = parse_number(_words(gdf, "roof_levels"))
    attic = height.isna() & angle.isna() & storeys.between(0.5, MOST_STOREYS) & (shape != "flat")
    said = _words(gdf, "roof_orientation")
    return gdf.assign(roof_shape=shape, roof_height=height.where(~attic, storeys * STOREY),
                      roof_angle=angle,
                      roof_direction=_each(gdf, "roof_direction", parse_direction),
                      roof_orientation=said.where(said.isin(ORIENTATIONS), ""))


def roof_doubts(raw: gpd.GeoDataFrame, tidied: gpd.GeoDataFrame) -> Counter[str]:
    """Return how many buildings of a source tell what no roof can be, and what was made instead."""
    source = raw.loc[tidied.index]
    read = roof_tags(source)
    known = {"roof_height": _height(source).notna(), "roof_angle": read["roof_angle"].notna(),
             "roof_direction": read["roof_direction"].notna(),
             "roof_orientation": read["roof_orientation"].ne("")}
    counts = Counter({f"{column.replace('_', ' ')}s that cannot be right, left out":
                      int((_words(source, column).ne("") & ~right).sum())
                      for column, right in known.items()})
    counts["roof heights made from the storeys in the roof"] = int(
        (read["roof_height"].notna() & ~known["roof_height"]).sum())
    return counts


def _told(gdf: gpd.GeoDataFrame, column: str) -> pd.Series:
    """Return a column under our name or that of the source, empty where there is none."""
    theirs = next(k for k, v in ALIASES.items() if v == column)
    name = next((n for n in (column, theirs) if n in gdf.columns), None)
    return pd.Series("", index=gdf.index) if name is None else gdf[name]


def _words(gdf: gpd.GeoDataFrame, column: str) -> pd.Series:
    """Return a column as words in small letters, blank where it says nothing."""
    told = _told(gdf, column).astype("object")
    words = told.where(told.notna(), "").astype(str).str.strip().str.lower()
    return words.where(~words.isin(["nan", "none", "null", "<na>"]), "")


def _height(gdf: gpd.GeoDataFrame) -> pd.Series:
    height = parse_number(_told(gdf, "roof_height"))
    return height.where(height.between(0, TALLEST))


def _each(gdf: gpd.GeoDataFrame, column: str, parse: Callable[[str], float]) -> pd.Series:
    """Return a column parsed word by word, each distinct word once."""
    words = _words(gdf, column)
    return words.map({word: parse(word) for word in words.unique()}).astype("float64")
