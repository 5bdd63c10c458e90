"""The edits a recipe may name. A new one is a frozen dataclass and a line here."""

from scenarios.energy import Retrofit, RooftopPV, SwitchHeating
from scenarios.greening import GreenRoofs, NewPark, PlantTrees
from scenarios.mobility import CutTraffic, ElectrifyFleet, LowEmissionZone
from scenarios.ventilation import CapHeights, OpenCorridor, RemoveBuildings

EDITS: dict[str, type] = {
    cls.__name__: cls
    for cls in (PlantTrees, NewPark, GreenRoofs, OpenCorridor, CapHeights, RemoveBuildings,
                Retrofit, SwitchHeating, RooftopPV, ElectrifyFleet, CutTraffic, LowEmissionZone)
}
