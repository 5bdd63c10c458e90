"""The layers a city can have. A new one is a module with a SPEC and tidy(), and two lines here."""

from collections.abc import Callable

import geopandas as gpd

from layers import buildings, corridors, green, roads, roofs, squares, water
from layers.spec import LayerSpec

LAYERS: dict[str, LayerSpec] = {
    spec.name: spec
    for spec in (
        buildings.SPEC,
        roofs.SPEC,
        roads.SPEC,
        green.SPEC,
        green.TREES,
        green.TREE_ROWS,
        water.SPEC,
        squares.SPEC,
        corridors.SPEC,
    )
}

# Raw features of a layer -> the typed layer.
TIDY: dict[str, Callable[..., gpd.GeoDataFrame]] = {
    "buildings": buildings.tidy,
    "roofs": roofs.tidy,
    "roads": roads.tidy,
    "green": green.tidy,
    "trees": green.tidy_trees,
    "tree_rows": green.tidy_tree_rows,
    "water": water.tidy,
    "squares": squares.tidy,
    "corridors": corridors.tidy,
}
