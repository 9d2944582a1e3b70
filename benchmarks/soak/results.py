"""Define the results of a run, which are written as JSON."""

from collections.abc import Iterable, Sequence

import msgspec

from benchmarks.soak.record import Exchange
from benchmarks.soak.samples import Sample

POINTS = 120
"""The number of points of a curve of latencies."""

_LISTED_MAX = 5


class Point(msgspec.Struct):
    """The latencies in milliseconds of the requests in a part of the run, without those during faults."""

    at: float
    requests: int
    p50: float
    p99: float


class InjectedFault(msgspec.Struct):
    """The time of a fault, with the requests that failed because of it."""

    name: str
    began: float
    ended: float
    failed: int


class Operation(msgspec.Struct):
    """The requests of an operation, and the latencies in milliseconds of those outside faults."""

    name: str
    requests: int
    failed: int
    p50: float
    p99: float


class Check(msgspec.Struct):
    """The result of a check. It is passed if there are no problems."""

    name: str
    result: str
    problems: list[str]


class Result(msgspec.Struct):
    """The result of a run on one database. Times are in seconds from its start."""

    database: str
    minutes: float
    rate: float
    points: list[Point]
    samples: list[Sample]
    faults: list[InjectedFault]
    operations: list[Operation]
    checks: list[Check]

    @property
    def has_passed(self) -> bool:
        """Return whether all checks have passed."""
        return not any(check.problems for check in self.checks)


def percentile(exchanges: Sequence[Exchange], share: float) -> float:
    """Return the latency in milliseconds below which this share of the requests is; 0 without requests."""
    latencies = sorted(exchange.seconds for exchange in exchanges)
    return latencies[min(len(latencies) - 1, int(share * len(latencies)))] * 1000 if latencies else 0.0


def points_of(exchanges: Sequence[Exchange], seconds: float) -> list[Point]:
    """Return the latencies over time."""
    width = seconds / POINTS
    parts: dict[int, list[Exchange]] = {}
    for exchange in exchanges:
        parts.setdefault(int(exchange.at / width), []).append(exchange)
    return [
        Point((number + 0.5) * width, len(part), percentile(part, 0.5), percentile(part, 0.99))
        for number, part in sorted(parts.items())
        if number < POINTS
    ]


def is_none(name: str, found: Iterable[object]) -> Check:
    """Return a check that nothing was found."""
    problems = [str(each) for each in found]
    listed = problems[:_LISTED_MAX] + ([f"... {len(problems)} in all"] if len(problems) > _LISTED_MAX else [])
    return Check(name, f"{len(problems)}" if problems else "none", listed)


def is_steady(name: str, before: float, after: float, factor: float, slack: float) -> Check:
    """Return a check that the value `after` is at most `before` times `factor`, plus `slack`."""
    result, most = f"{before:.3g}, then {after:.3g}", before * factor + slack
    return Check(name, result, [] if after <= most else [f"{after:.3g} is more than {most:.3g}."])


def is_at_most(name: str, values: Iterable[float], most: float) -> Check:
    """Return a check that no value is larger than `most`."""
    largest = max(values, default=0.0)
    return Check(name, f"at most {largest:.3g}", [] if largest <= most else [f"{largest:.3g} is more than {most:g}."])
