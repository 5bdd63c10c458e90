"""What a building is used for: from its own tags, else from the ground it stands on."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

USES = ("residential", "office", "retail", "hotel", "hospital", "education", "industrial",
        "transport", "culture", "other", "unconditioned")

# Words of a building's own tags -> use. Re-derived from the OpenStreetMap wiki's meanings.
WORDS = {
    "residential": ("residential apartments apartment house detached semidetached_house terrace "
                    "dormitory bungalow cabin farm houseboat static_caravan hut villa "
                    "semi-detached ger stilt_house annexe"),
    "office": ("office government civic townhall public commercial_office bank courthouse "
               "police fire_station embassy post_office community_centre"),
    "retail": ("commercial retail supermarket mall kiosk shop store department_store restaurant "
               "cafe fast_food bar pub marketplace market pharmacy fuel"),
    "hotel": "hotel hostel motel guest_house",
    "hospital": "hospital clinic doctors dentist nursing_home",
    "education": "school university college kindergarten library childcare research_institute",
    "industrial": "industrial warehouse factory manufacture works storage_tank hangar",
    "transport": "train_station transportation station terminal bus_station ferry_terminal",
    "culture": ("theatre cinema museum arts_centre gallery stadium sports_hall sports_centre "
                "grandstand swimming_pool exhibition_centre conference_centre"),
    "other": ("church cathedral chapel temple mosque synagogue shrine monastery religious "
              "place_of_worship castle tower ruins_inhabited"),
    "unconditioned": ("garage garages carport shed roof greenhouse construction barn stable "
                      "farm_auxiliary parking ruins container transformer_tower service silo "
                      "cowshed sty bunker gazebo pavilion toilets bridge conservatory "
                      "collapsed demolished abandoned"),
}
# The words of Chinese planning files (GB 50137 and GB/T 51161).
_CHINESE = {
    "residential": "住宅 居住 居民楼 公寓 宿舍 别墅 民居 住宅楼 商住",
    "office": "办公 办公楼 写字楼 行政 行政办公 政府 机关 商务 商务办公 科研",
    "retail": "商业 商场 超市 商铺 零售 餐饮 市场 商业服务 综合体 购物中心",
    "hotel": "酒店 宾馆 旅馆 饭店",
    "hospital": "医院 医疗 卫生 诊所 医疗卫生",
    "education": "学校 教育 小学 中学 大学 幼儿园 图书馆 教学楼",
    "industrial": "工业 厂房 工厂 仓储 仓库 物流",
    "transport": "交通 车站 火车站 地铁站 客运站 机场 码头",
    "culture": "文化 体育 体育馆 剧院 博物馆 展览 会展",
    "other": "宗教 寺庙 教堂 其他",
    "unconditioned": "车库 停车 停车楼 棚 在建 配电房 垃圾站 公厕",
}
USE_OF = {word: use for table in (WORDS, _CHINESE) for use, words in table.items()
          for word in words.split()}

LANDUSE_USE = {"residential": "residential", "commercial": "office", "retail": "retail",
               "industrial": "industrial", "education": "education", "institutional": "office",
               "railway": "transport", "religious": "other", "military": "other",
               "school": "education", "university": "education", "college": "education",
               "hospital": "hospital", "garages": "unconditioned", "farmyard": "unconditioned"}

# Tags that tell more than `building=`, in order of trust; a bare "yes" tells nothing.
_TAGS = ("use", "amenity", "shop", "office", "tourism", "healthcare", "leisure", "aeroway",
         "class", "subtype")
_ANY_VALUE = {"shop": "retail", "office": "office", "healthcare": "hospital"}


def building_use(gdf: gpd.GeoDataFrame,
                 landuse: gpd.GeoDataFrame | None = None) -> gpd.GeoDataFrame:
    """Return ``gdf`` with ``use`` and ``use_from`` filled.

    Order: the explicit tags of the building, its building value, the land-use polygon it stands
    on, residential.
    """
    use = pd.Series("", index=gdf.index, dtype="object")
    for tag in _TAGS:
        if tag not in gdf.columns:
            continue
        word = gdf[tag].astype("object").where(gdf[tag].notna(), "").astype(str).str.lower()
        word = word.str.split(";").str[0].str.strip()
        meaning = word.map(USE_OF).fillna("")
        meaning = meaning.where(~word.isin(USES), word)
        if tag in _ANY_VALUE:
            meaning = meaning.where((meaning != "") | word.isin(["", "no", "vacant"]),
                                    _ANY_VALUE[tag])
        use = use.where(use != "", meaning)
    known = (use != "").to_numpy()
    source = np.where(known, "tag", "default").astype("object")
    if landuse is not None and len(landuse) and not known.all():
        point = shapely.point_on_surface(gdf.geometry.values)
        at, ground = shapely.STRtree(landuse.geometry.values).query(point, predicate="within")
        # Where land-use polygons overlap, the smallest says most.
        order = np.argsort(-shapely.area(landuse.geometry.values)[ground], kind="stable")
        hint = np.full(len(gdf), "", dtype="object")
        hint[at[order]] = landuse["use"].to_numpy(dtype="object")[ground[order]]
        fill = ~known & (hint != "")
        use = use.where(~fill, pd.Series(hint, index=gdf.index))
        source[fill] = "landuse"
    return gdf.assign(use=use.where(use != "", "residential"), use_from=source)
