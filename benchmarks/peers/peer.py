"""The interface of another server that does the same job."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.figures import Goal
from benchmarks.target import Target


@dataclass(frozen=True)
class Served:
    """The target of loads, a function that counts the leads, and the versions of libraries."""

    target: Target
    count_leads: Callable[[], int]
    versions: Mapping[str, str]


@dataclass(frozen=True)
class Peer:
    """A server that can be filled and run in an empty folder; `goals` limit the ratio of the service to it."""

    name: str
    goals: Mapping[str, Goal]
    serve: Callable[[Path, int], AbstractContextManager[Served]]
