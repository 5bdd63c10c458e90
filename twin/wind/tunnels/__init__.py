"""Wind tunnels to hold the wind against: measured cases and the scores of a model."""
