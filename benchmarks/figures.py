"""Figures with their goals, and rates."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import inf
from statistics import median


@dataclass(frozen=True)
class Goal:
    """The range for the median of a figure."""

    least: float = -inf
    most: float = inf

    def reached(self, value: float) -> bool:
        """Return whether a value is in the range."""
        return self.least <= value <= self.most

    def __str__(self) -> str:
        return f"at most {self.most:g}" if self.least == -inf else f"at least {self.least:g}"


@dataclass(frozen=True)
class Figure:
    """A line of the report, with its value in every round."""

    name: str
    values: Sequence[float]
    goal: Goal | None = None

    @property
    def median(self) -> float:
        """The value that is compared with the goal."""
        return median(self.values)

    @property
    def verdict(self) -> str:
        """The result of the comparison with the goal; empty without a goal."""
        if self.goal is None:
            return ""
        return "reached" if self.goal.reached(self.median) else "not reached"


@dataclass(frozen=True)
class Rate:
    """A number of operations a second, with latencies in milliseconds if they are known."""

    name: str
    per_second: float
    p50: float | None = None
    p99: float | None = None


@dataclass(frozen=True)
class Findings:
    """The result of parts of the benchmark, with the versions of other programs that were measured."""

    figures: Sequence[Figure] = ()
    rates: Sequence[Rate] = ()
    versions: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def merge(cls, findings: Iterable["Findings"]) -> "Findings":
        """Combine several findings into one."""
        parts = list(findings)
        return cls(
            [figure for part in parts for figure in part.figures],
            [rate for part in parts for rate in part.rates],
            {name: version for part in parts for name, version in part.versions.items()},
        )
