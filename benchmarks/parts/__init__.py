"""The parts of the benchmark, one in each file."""
