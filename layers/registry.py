"""The layers a city can have. A new one is a module with a SPEC and a line here."""

from layers import buildings, corridors, green, roads, squares, water
from layers.spec import LayerSpec

LAYERS: dict[str, LayerSpec] = {
    spec.name: spec
    for spec in (
        buildings.SPEC,
        roads.SPEC,
        green.SPEC,
        green.TREES,
        green.TREE_ROWS,
        water.SPEC,
        squares.SPEC,
        corridors.SPEC,
    )
}
