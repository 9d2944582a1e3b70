"""Loads that take turns, and how they compare."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from benchmarks.wrk import Load, Measured

Measure = Callable[[Load], Measured]
"""Runs one round of a load."""


@dataclass(frozen=True)
class Comparison:
    """One question: the load that is asked about comes first, then what it is held against."""

    name: str
    loads: Mapping[str, Load]

    def measure(self, run: Measure, rounds: int) -> "Compared":
        """Let every load have its turn in every round, so that a busy moment of the machine hits all of them."""
        measured: dict[str, list[Measured]] = {name: [] for name in self.loads}
        for _ in range(rounds):
            for name, load in self.loads.items():
                measured[name].append(run(load))
        return Compared(self.name, measured)


@dataclass(frozen=True)
class Ratio:
    """A ratio in the rounds of a comparison."""

    median: float
    least: float
    most: float


@dataclass(frozen=True)
class Compared:
    """The rounds of a comparison, by load."""

    name: str
    rounds: Mapping[str, Sequence[Measured]]

    def ratios(self) -> Mapping[str, Ratio]:
        """How many requests a second the first load gets for one of each other load, round by round."""
        subject, *others = self.rounds
        return {
            other: spread(
                one.per_second / held_against.per_second
                for one, held_against in zip(self.rounds[subject], self.rounds[other], strict=True)
            )
            for other in others
        }

    def middle(self, name: str) -> Measured:
        """The medians of one load, each figure for itself."""
        rounds = self.rounds[name]
        return Measured(
            requests=sum(each.requests for each in rounds),
            per_second=median(each.per_second for each in rounds),
            p50=median(each.p50 for each in rounds),
            p99=median(each.p99 for each in rounds),
        )


def spread(values: Iterable[float]) -> Ratio:
    """The median, the least and the most of some ratios."""
    ordered = sorted(values)
    return Ratio(median(ordered), ordered[0], ordered[-1])
