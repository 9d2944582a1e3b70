"""Steady traffic with faults for half an hour, on both databases at once: `make soak`."""
