"""Many networks: what a run is, how it is stored, how it is computed."""
