"""Measure the service, its limits and its peers: `python -m benchmarks`."""
