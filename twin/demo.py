"""The demonstration: the embedded district, two plans, everything there is to write."""

from __future__ import annotations

import sys
import time
from argparse import Namespace
from importlib.resources import files
from pathlib import Path

import layers
from layers.errors import MissingExtra
from twin.arguments import check_parent
from twin.heat_picture import draw_heat
from twin.pictures import city_still, study_sheet, study_still
from twin.progress import progress
from twin.tables import dump, print_fallbacks, print_sources, print_study, totals

DEMO_VARIABLES = ("building_coverage", "floor_area_ratio", "frontal_area_index",
                  "roughness_length", "crown_share", "green_roof_share", "residents", "pv_yield",
                  "wind_speed_ratio", "wind_speed_ratio_22m", "wind_speed", "still_air_share",
                  "lawson_sitting_share", "nen_sitting_share", "ventilation_potential",
                  "ground_irradiation", "ground_sun_hours", "roof_irradiation", "utci_mean",
                  "utci_strong_hours", "night_heat",
                  "building_co2", "traffic_co2", "construction_co2", "carbon_sink", "co2_net",
                  "co2_supply")


# Half the directions of a full run and pieces of wall twice as long: the demonstration shows, it
# does not certify.
DEMO_SETTINGS = {"wind_field": {"sectors": 8}, "sun_field": {"directions": 36, "spacing": 8}}


def demo(args: Namespace) -> None:
    """Load the embedded district, run base and two scenarios, write everything."""
    from scenarios import read_recipe, study
    from twin.result import replaced_folder

    begun = time.perf_counter()
    out = Path(args.output)
    check_parent(out / "study")
    replaced_folder(out / "study", "study.json")  # refuses a foreign folder before any work
    out.mkdir(parents=True, exist_ok=True)
    with progress("demo", quiet=args.quiet) as tell:
        tell("the embedded city", 0, 6)
        city = layers.sample()
        recipes = files("scenarios") / "data"
        (out / "recipes").mkdir(exist_ok=True)
        plans = []
        for name in ("greener.yaml", "airier.yaml"):
            (out / "recipes" / name).write_bytes((recipes / name).read_bytes())
            plans.append(read_recipe(out / "recipes" / name))
        found = study(city, *plans, cell_size=args.cell, settings=DEMO_SETTINGS,
                      progress=tell)
        tell("writing the city and the study", 1, 6)
        layers.write(city, out / "city.gpkg")
        found.save(out / "study")
        tell("writing maps for GIS", 2, 6)
        found.export(out / "gis", variables=DEMO_VARIABLES)
        tell("drawing the sheets", 3, 6)
        pictures = [study_sheet(found, "greener", "crown_share", out / "sheet-greener.png"),
                    study_sheet(found, "greener", "utci_strong_hours", out / "sheet-heat.png"),
                    study_sheet(found, "airier", "wind_speed_ratio", out / "sheet-airier.png"),
                    study_sheet(found, "airier", "ground_irradiation", out / "sheet-sun.png"),
                    draw_heat(found.twins["base"], found.twins["greener"], out / "heat-greener.png",
                              cities=(found.cities["base"], found.cities["greener"]),
                              names=("base", "greener"))]
        if not args.no_3d:
            tell("drawing in 3D", 4, 6)
            try:
                pictures.append(study_still(found, "airier", "wind_speed_ratio",
                                            out / "still-airier.png"))
                pictures.append(city_still(city, "sun.irradiation", out / "still-sun.png",
                                           result=found.twins["base"]))
            except MissingExtra as error:
                print(f"citytwin: no 3D picture: {error}", file=sys.stderr)
        tell("done", 6, 6)
    seconds = time.perf_counter() - begun
    if args.json:
        dump({"seconds": round(seconds, 2), "pictures": [str(p) for p in pictures],
               "totals": {n: totals(t) for n, t in found.twins.items()},
               "fallbacks": found.twins["base"].record["fallbacks"]})
        return
    print(repr(city))
    print()
    print_study(found)
    print_fallbacks(found.twins["base"].record["fallbacks"])
    print_sources(city)
    print(f"\nWritten to {out} in {seconds:.0f} s: city.gpkg, recipes/, study/, gis/, "
          f"{', '.join(p.name for p in pictures)}")
