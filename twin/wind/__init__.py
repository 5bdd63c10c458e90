"""The wind in a city: heights in, a mass-consistent field out. Arrays only, no city needed."""

from twin.kernel_cache import find_cache

find_cache()
