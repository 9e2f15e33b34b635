"""Ours beside the peers, on the work this project exists for: `make bench`."""
