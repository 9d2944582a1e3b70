"""How fast the service is, beside what its server, framework and driver, and others, can do: `python -m benchmarks`."""
