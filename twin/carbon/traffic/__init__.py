"""Where a city drives: its road network, trips between zones, user equilibrium, week and scale."""

from twin.kernel_cache import find_cache

find_cache()
