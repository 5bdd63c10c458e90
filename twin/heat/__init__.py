"""Shade, comfort and cooling: sun, wind and weather in, heat stress out. Arrays only."""

from twin.kernel_cache import find_cache

find_cache()
