"""Sun and roofs: arrays and weather in, energy out. Knows nothing of layers."""

from twin.kernel_cache import find_cache

find_cache()
