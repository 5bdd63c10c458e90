"""The wind in a city: heights in, a mass-consistent field out. Arrays only, no city needed."""
