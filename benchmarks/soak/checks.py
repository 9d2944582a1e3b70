"""Check that the service is at the end of a run as it was at its start."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import inf
from statistics import median

from benchmarks.soak.client import MAIN
from benchmarks.soak.faults import CYCLE_SECONDS
from benchmarks.soak.record import Exchange, Record
from benchmarks.soak.results import Check, is_at_most, is_steady, percentile
from benchmarks.soak.samples import Sample

COMPARED_SECONDS = 3 * CYCLE_SECONDS
"""The duration from which a run is judged by its thirds: each of them has the same faults."""

WARM_UP_SHARE = 0.05
"""The first part of a run, which is not compared: pools and caches are empty."""

WAL_MIB_MAX = 80.0
"""The size of the write-ahead log from which long reads wait, and some more."""

LONG_OPERATIONS = ("import", "export", "slow export", "slow request", "statistics", "account")
"""Operations that take longer with more leads, or with slow clients."""


@dataclass(frozen=True)
class Part:
    """A part of a run: samples of the main process, its requests, and the short requests outside faults."""

    samples: Sequence[Sample]
    served: int
    short: Sequence[Exchange]

    def median(self, of: Callable[[Sample], float]) -> float:
        """Return the median of a value of the samples."""
        return median(map(of, self.samples)) if self.samples else 0.0

    @property
    def processor_ms(self) -> float:
        """The processor time of the main process for each of its requests."""
        if not self.samples or not self.served:
            return 0.0
        return 1000 * (self.samples[-1].processor_seconds - self.samples[0].processor_seconds) / self.served


def steadiness(record: Record, samples: Sequence[Sample], seconds: float) -> list[Check]:
    """Compare the first third of a run, without its start, with the last third."""
    first = _part(record, samples, seconds * WARM_UP_SHARE, seconds / 3)
    last = _part(record, samples, seconds * 2 / 3, seconds)

    def steady(name: str, of: Callable[[Part], float], factor: float, slack: float) -> Check:
        check = is_steady(name, of(first), of(last), factor, slack)
        return check if seconds >= COMPARED_SECONDS else Check(name, check.result, [])

    return [
        steady("MiB of memory", lambda part: part.median(lambda sample: sample.memory_mib), factor=1.1, slack=5),
        steady("open files", lambda part: part.median(lambda sample: sample.files), factor=1, slack=10),
        steady("threads", lambda part: part.median(lambda sample: sample.threads), factor=1, slack=5),
        steady("p50 ms", lambda part: percentile(part.short, 0.5), factor=1.5, slack=2),
        steady("p99 ms", lambda part: percentile(part.short, 0.99), factor=1.5, slack=5),
        steady("ms of processor time a request", lambda part: part.processor_ms, factor=1.3, slack=0.5),
        is_at_most("MiB of the write-ahead log of SQLite", (sample.wal_mib for sample in samples), WAL_MIB_MAX),
        is_at_most("s that the client itself was late", (sample.late for sample in samples), inf),
    ]


def _part(record: Record, samples: Sequence[Sample], start: float, end: float) -> Part:
    return Part(
        [sample for sample in samples if start < sample.at < end],
        sum(exchange.process == MAIN and start < exchange.at < end for exchange in record.exchanges),
        [
            exchange
            for exchange in record.quiet()
            if start < exchange.at < end and exchange.operation not in LONG_OPERATIONS
        ],
    )
