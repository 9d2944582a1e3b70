"""Measure the time that the service takes to start, and its memory at rest."""

import time

from benchmarks.bench import Bench, log
from benchmarks.figures import Figure, Findings, Goal
from benchmarks.processes import Running
from benchmarks.service import Installation

_REST_SECONDS = 1.0
"""The time without a request after which a process is at rest."""


def measure(bench: Bench) -> Findings:
    """Measure the seconds from the start of `leads serve` to the first 200 of /health/ready, and the memory at rest."""
    filled = bench.fill("started", bench.leads).installation
    log("Starting and stopping the service ...")
    first_starts, later_starts, memory = [], [], []
    for number in range(bench.rounds):
        first_starts.append(_start(Installation.at(bench.folder / f"new{number}"))[0].start_seconds)
        service, at_rest = _start(filled)
        later_starts.append(service.start_seconds)
        memory.append(at_rest)
    return Findings(
        [
            Figure("s to /health/ready, new database", first_starts, Goal(most=1.0)),
            Figure("s to /health/ready, filled database", later_starts, Goal(most=1.0)),
            Figure("MB of memory at rest", memory, Goal(most=90)),
        ]
    )


def _start(installation: Installation) -> tuple[Running, float]:
    with installation.run_server() as service:
        time.sleep(_REST_SECONDS)
        return service, service.memory_mb()
