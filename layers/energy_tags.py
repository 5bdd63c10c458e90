"""What is known of the energy of buildings: meters, structure, heating, retrofit and modules."""

from __future__ import annotations

import geopandas as gpd
import pandas as pd

from layers.spec import Column

STRUCTURES = ("reinforced concrete", "masonry", "steel", "timber")
HEATING = ("heat_pump", "electric", "gas", "district")
METERS = ("metered_electricity", "metered_gas", "metered_heat")

_BEFORE = "before what retrofit, heating and pv_share change; empty when not metered"
COLUMNS = (
    Column("metered_electricity", "float", "kWh a-1", f"electricity of a year, {_BEFORE}", low=0),
    Column("metered_gas", "float", "kWh a-1", f"gas of a year (net calorific), {_BEFORE}", low=0),
    Column("metered_heat", "float", "kWh a-1", f"district heat of a year, {_BEFORE}", low=0),
    Column("structure", "str", about="what carries the building", choices=STRUCTURES),
    Column("retrofit", "float", "1", "share of the energy for heating and cooling that is saved",
           low=0, high=1, default=0.0),
    Column("heating", "str", about="what heats the building, where it is known or changed",
           choices=HEATING),
    Column("pv_share", "float", "1", "share of the modules the roof can carry that stands", low=0,
           high=1, default=0.0),
)
# OpenStreetMap's names, and those of Chinese planning files. Gas in m3 and heat in GJ have none.
ALIASES = {"building:structure": "structure", "结构": "structure", "结构类型": "structure",
           "建筑结构": "structure", "年用电量": "metered_electricity", "采暖方式": "heating",
           "供暖方式": "heating", "供热方式": "heating"}

_STRUCTURES = {
    "reinforced concrete": ("reinforced_concrete concrete rc rcc concrete_frame frame_concrete "
                            "concrete_panel 钢混 钢筋混凝土 钢筋混凝土结构 框架 框架结构 剪力墙 "
                            "剪力墙结构 框剪 框架剪力墙 框筒 砼 混凝土"),
    "masonry": ("brick bricks stone load_bearing_wall load_bearing_walls bearing_wall adobe "
                "confined_masonry unreinforced_masonry solid_brick 砖混 砖混结构 砖木 砖石 砌体 "
                "砌体结构 混合 混合结构 砖结构 石结构"),
    "steel": "steel_frame metal steel_structure 钢 钢结构 轻钢",
    "timber": "wood wooden timber_frame timber_framing half_timbered log 木 木结构",
}
_HEATING = {
    "heat_pump": "heatpump hp 热泵 空气源热泵 地源热泵",
    "electric": "electricity resistance direct_electric 电 电采暖 电供暖 电暖",
    "gas": "gas_boiler natural_gas 燃气 天然气 燃气锅炉 壁挂炉 燃气壁挂炉",
    "district": "district_heating heat district_heat 集中供热 集中供暖 市政供热 热力",
}


def energy_tags(gdf: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return footprints whose structure and heating are our words, empty where none is known.

    Parameters
    ----------
    gdf
        Footprints with columns of `COLUMNS`, as numbers or text; shares may be written as ``30%``.
    """
    made = {}
    for column, known, table in (("structure", STRUCTURES, _STRUCTURES),
                                 ("heating", HEATING, _HEATING)):
        if column in gdf.columns:
            said = gdf[column].astype("object")
            words = said.where(said.notna(), "").astype(str).str.strip().str.lower()
            ours = words.str.replace(r"[\s-]+", "_", regex=True).map(_meanings(known, table))
            made[column] = ours.fillna("")
    for column in ("retrofit", "pv_share"):
        if column in gdf.columns and gdf[column].dtype.kind not in "fiu":
            made[column] = gdf[column].map(_share)
    return gdf.assign(**made)


def _meanings(known: tuple[str, ...], table: dict[str, str]) -> dict[str, str]:
    own = {word.replace(" ", "_"): word for word in known}
    return own | {word: ours for ours, words in table.items() for word in words.split()}


def _share(value: object) -> object:
    """Return a share from what people write; what is none stays, for the check to tell."""
    word = str(value).strip()
    if not word.endswith(("%", "％")):
        return value
    number = pd.to_numeric(word[:-1].strip(), errors="coerce")
    return value if pd.isna(number) else float(number) / 100
