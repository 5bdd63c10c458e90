"""What is known of the energy of buildings comes through tidying, in any words."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pytest
import shapely

from layers import buildings, roads
from layers.buildings import HEATING, STRUCTURES
from layers.errors import LayerError
from layers.spec import faults


def _tidied(**columns: object) -> gpd.GeoDataFrame:
    count = max((len(c) for c in columns.values() if isinstance(c, list)), default=1)
    x = np.arange(count) * 30.0
    return buildings.tidy(gpd.GeoDataFrame({"height": [9.0] * count, **columns},
                                           geometry=shapely.box(x, 0, x + 10, 10), crs=32650))


def test_columns_are_there_and_empty_where_nothing_is_told() -> None:
    plain = _tidied()
    assert plain[["metered_electricity", "metered_gas", "metered_heat"]].isna().all(axis=None)
    assert plain[["retrofit", "pv_share"]].to_numpy().tolist() == [[0.0, 0.0]]
    assert plain[["structure", "heating"]].to_numpy().tolist() == [["", ""]]
    assert not faults(plain, buildings.SPEC)
    way = roads.tidy(gpd.GeoDataFrame({"class": ["primary"]},
                                      geometry=[shapely.LineString([(0, 0), (9, 0)])], crs=32650))
    assert way["traffic_factor"].tolist() == [1.0]
    assert way["electric_share"].isna().all()


def test_words_of_structure_and_heating_become_ours() -> None:
    told = ["剪力墙结构", "砖混", "Steel Frame", "wood", "reinforced concrete", "plasma", None,
            "钢"]
    found = _tidied(**{"building:structure": told})
    assert found["structure"].tolist() == ["reinforced concrete", "masonry", "steel", "timber",
                                           "reinforced concrete", "", "", "steel"]
    heat = _tidied(**{"供暖方式": ["集中供热", "空气源热泵", "gas boiler", "heat_pump", "电",
                               "coal"]})
    assert heat["heating"].tolist() == ["district", "heat_pump", "gas", "heat_pump", "electric", ""]
    assert set(found["structure"]) <= {"", *STRUCTURES}
    assert set(heat["heating"]) <= {"", *HEATING}


def test_meters_and_shares_are_read_and_held_to_their_limits() -> None:
    found = _tidied(**{"年用电量": [12000.5, -3.0], "retrofit": ["30%", "0.5"],
                       "pv_share": [1.2, None]})
    assert found["metered_electricity"].tolist() == [12000.5, -3.0]
    assert found["retrofit"].tolist() == pytest.approx([0.3, 0.5])
    told = " ".join(map(str, faults(found, buildings.SPEC)))
    assert "metered_electricity is -3 kWh a-1, expected at least 0" in told
    assert "pv_share is 1.2, expected at most 1" in told
    with pytest.raises(LayerError, match="metered_gas is '12,5 m3', expected a number in kWh a-1"):
        _tidied(metered_gas=["12,5 m3"])
