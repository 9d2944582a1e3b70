"""How far the service is from what the same server, framework and driver could do: `python -m benchmarks`."""
