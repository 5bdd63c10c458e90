"""Shade, comfort and cooling: sun, wind and weather in, heat stress out. Arrays only."""
