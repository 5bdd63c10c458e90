"""The indicators, in reading order. A new one is a labelled function and its name here."""

from collections.abc import Callable
from typing import Any

from twin.indicators.buildings import building_account, building_energy, full_roofs
from twin.indicators.carbon import (
    building_co2,
    carbon_ledger,
    co2,
    life_account,
    resident_account,
    traffic_co2,
)
from twin.indicators.form import building_form, ground_cover
from twin.indicators.heat import heat_field, heat_stress
from twin.indicators.people import residents
from twin.indicators.photovoltaic import (
    facade_pv_field,
    policy_pv,
    roof_pv_field,
    roof_pv_means,
    rooftop_pv,
    wall_pv,
    wall_pv_means,
)
from twin.indicators.pv_money import (
    roof_money,
    roof_money_field,
    roof_money_means,
    wall_money,
    wall_money_field,
    wall_money_means,
)
from twin.indicators.roughness import frontal_area, roughness
from twin.indicators.sinks import (
    carbon_stock,
    green_account,
    roof_account,
    share_of_emissions_taken_up,
    tree_account,
    young_sink,
)
from twin.indicators.sun import sun_field, sun_means
from twin.indicators.traffic import road_account, road_traffic, vehicle_km
from twin.indicators.ventilation import ventilation_class
from twin.indicators.wind import wind_field, wind_ratios, wind_year

INDICATORS: tuple[Callable[..., Any], ...] = (
    building_form,
    frontal_area,
    roughness,
    ventilation_class,
    wind_field,
    wind_ratios,
    wind_year,
    ground_cover,
    residents,
    sun_field,
    sun_means,
    roof_pv_field,
    rooftop_pv,
    roof_pv_means,
    policy_pv,
    facade_pv_field,
    wall_pv,
    wall_pv_means,
    roof_money_field,
    roof_money,
    roof_money_means,
    wall_money_field,
    wall_money,
    wall_money_means,
    heat_field,
    heat_stress,
    full_roofs,
    building_account,
    building_energy,
    road_traffic,
    vehicle_km,
    road_account,
    green_account,
    tree_account,
    roof_account,
    life_account,
    resident_account,
    carbon_ledger,
    building_co2,
    traffic_co2,
    co2,
    share_of_emissions_taken_up,
    carbon_stock,
    young_sink,
)
