"""Compare loads that take turns."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from benchmarks.figures import Figure, Findings, Goal, Rate
from benchmarks.wrk import Load, Measured

Measure = Callable[[Load], Measured]
"""A function that runs one round of a load."""


@dataclass(frozen=True)
class Comparison:
    """Compare the first of several loads with each of the others.

    A goal limits the ratio between the first load and another, in requests a second.
    """

    name: str
    loads: Mapping[str, Load]
    goals: Mapping[str, Goal]

    def measure(self, run: Measure, rounds: int) -> "Compared":
        """Run every load in every round, so that a busy moment of the machine affects all of them."""
        measured: dict[str, list[Measured]] = {name: [] for name in self.loads}
        for _ in range(rounds):
            for name, load in self.loads.items():
                measured[name].append(run(load))
        return Compared(self, measured)


@dataclass(frozen=True)
class Compared:
    """The measured rounds of a comparison, by load."""

    comparison: Comparison
    rounds: Mapping[str, Sequence[Measured]]

    @property
    def findings(self) -> Findings:
        """The ratios, and the rates that they compare."""
        return Findings(list(self._ratios()), list(self._rates()))

    def requests_of(self, load: str) -> int:
        """Return the number of requests of a load in all rounds."""
        return sum(each.requests for each in self.rounds[load])

    def ratios(self, load: str, other: str) -> list[float]:
        """Return the requests a second of one load, divided by those of another, in each round."""
        pairs = zip(self.rounds[load], self.rounds[other], strict=True)
        return [one.per_second / another.per_second for one, another in pairs]

    def _ratios(self) -> Iterator[Figure]:
        subject, *others = self.rounds
        for other in others:
            name = f"{self.comparison.name}: {subject} / {other}"
            yield Figure(name, self.ratios(subject, other), self.comparison.goals.get(other))

    def _rates(self) -> Iterator[Rate]:
        for name, rounds in self.rounds.items():
            yield Rate(
                f"{self.comparison.name}: {name}",
                median(each.per_second for each in rounds),
                median(each.p50 for each in rounds),
                median(each.p99 for each in rounds),
            )
