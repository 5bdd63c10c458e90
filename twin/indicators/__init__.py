"""The indicators, in reading order. A new one is a labelled function and its name here."""

from twin.indicators.balance import co2_net
from twin.indicators.buildings import building_energy
from twin.indicators.form import building_form, ground_cover
from twin.indicators.heat import heat_field, heat_stress
from twin.indicators.people import residents
from twin.indicators.roughness import frontal_area, roughness
from twin.indicators.sinks import carbon_sink
from twin.indicators.sun import rooftop_pv, sun_field, sun_means
from twin.indicators.traffic import road_traffic
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
    building_energy,
    road_traffic,
    carbon_sink,
    co2_net,
)
