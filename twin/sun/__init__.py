"""Sun and roofs: arrays and weather in, energy out. Knows nothing of layers."""
