"""How soon the service answers, and what it needs while nobody asks."""

import time

from benchmarks.bench import Bench, tell
from benchmarks.figures import Figure, Findings, Goal
from benchmarks.processes import Running
from benchmarks.service import Installation

_REST_SECONDS = 1.0
"""After how long without a request a process is said to be at rest."""


def measure(bench: Bench) -> Findings:
    """Seconds from the start of `leads serve` to its first good answer of /health/ready; memory at rest."""
    filled = bench.filled("started", bench.leads).installation
    tell("Starting and stopping the service ...")
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
    with installation.running() as service:
        time.sleep(_REST_SECONDS)
        return service, service.memory_mb()
