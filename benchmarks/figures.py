"""What was found: figures, each beside its goal, and rates."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import inf
from statistics import median


@dataclass(frozen=True)
class Goal:
    """Between what the median of a figure has to be."""

    least: float = -inf
    most: float = inf

    def reached(self, value: float) -> bool:
        """Whether that will do."""
        return self.least <= value <= self.most

    def __str__(self) -> str:
        return f"at most {self.most:g}" if self.least == -inf else f"at least {self.least:g}"


@dataclass(frozen=True)
class Figure:
    """One line of the report: its value in every round."""

    name: str
    values: Sequence[float]
    goal: Goal | None = None

    @property
    def median(self) -> float:
        """What is held against the goal."""
        return median(self.values)

    @property
    def verdict(self) -> str:
        """Whether the goal was reached; empty if there is none."""
        if self.goal is None:
            return ""
        return "reached" if self.goal.reached(self.median) else "not reached"


@dataclass(frozen=True)
class Rate:
    """How often a second something was done on this machine; latencies in milliseconds, where they are known."""

    name: str
    per_second: float
    p50: float | None = None
    p99: float | None = None


@dataclass(frozen=True)
class Findings:
    """What one part of the benchmark, or all of it, has found; `versions` of what was held against the service."""

    figures: Sequence[Figure] = ()
    rates: Sequence[Rate] = ()
    versions: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def together(cls, findings: Iterable["Findings"]) -> "Findings":
        """All of them as one."""
        parts = list(findings)
        return cls(
            [figure for part in parts for figure in part.figures],
            [rate for part in parts for rate in part.rates],
            {name: version for part in parts for name, version in part.versions.items()},
        )
