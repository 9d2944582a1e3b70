"""What the benchmark needs to know about another server that does the same job."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.figures import Goal
from benchmarks.target import Target


@dataclass(frozen=True)
class Served:
    """Where to ask it, how to learn how many leads it keeps, and what it is made of."""

    target: Target
    kept: Callable[[], int]
    versions: Mapping[str, str]


@dataclass(frozen=True)
class Peer:
    """It serves so many leads from an empty folder; `goals` say how much faster the service should be, by question."""

    name: str
    goals: Mapping[str, Goal]
    serving: Callable[[Path, int], AbstractContextManager[Served]]
