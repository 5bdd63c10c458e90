"""The indicators, in reading order. A new one is a labelled function and its name here."""

from twin.indicators.buildings import building_account, building_energy
from twin.indicators.carbon import building_co2, carbon_ledger, co2, traffic_co2
from twin.indicators.form import building_form, ground_cover
from twin.indicators.heat import heat_field, heat_stress
from twin.indicators.people import residents
from twin.indicators.roughness import frontal_area, roughness
from twin.indicators.sinks import green_account, roof_account, tree_account
from twin.indicators.sun import rooftop_pv, sun_field, sun_means
from twin.indicators.traffic import road_account, road_traffic, vehicle_km
from twin.indicators.ventilation import ventilation_class
from twin.indicators.wind import wind_field, wind_ratios, wind_year

INDICATORS = (
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
    rooftop_pv,
    heat_field,
    heat_stress,
    building_account,
    building_energy,
    road_traffic,
    vehicle_km,
    road_account,
    green_account,
    tree_account,
    roof_account,
    carbon_ledger,
    building_co2,
    traffic_co2,
    co2,
)
