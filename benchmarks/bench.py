"""How much is measured, and where: what every part of the benchmark is given."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks import sample, wrk
from benchmarks.comparison import Compared, Comparison
from benchmarks.failure import Failed
from benchmarks.figures import Goal
from benchmarks.fill import Sample
from benchmarks.service import Filled, Installation
from benchmarks.target import CREATE, Target
from benchmarks.wrk import Load, Measured


@dataclass(frozen=True)
class Bench:
    """A folder to work in, and the extent of the measurement.

    `leads` are stored before anything is asked; `few` and `many` where it is asked what their number changes.
    """

    folder: Path
    questions: tuple[str, ...]
    rounds: int
    seconds: int
    connections: int
    leads: int
    few: int
    many: int
    rows: int

    def filled(self, name: str, leads: int, database_url: str | None = None, sample_of: Sample = sample.lead) -> Filled:
        """An installation of that name with so many leads."""
        tell(f"Storing {leads:,} leads: {name} ...")
        return Filled.with_leads(Installation.at(self.folder / name, database_url), leads, sample_of)

    def compare(self, name: str, loads: Mapping[str, Load], goals: Mapping[str, Goal] | None = None) -> Compared:
        """Ask one question."""
        tell(f"Asking: {name} ...")
        return Comparison(name, loads, goals or {}).measure(self._run, self.rounds)

    def compare_targets(
        self, targets: Mapping[str, Target], goals: Mapping[str, Mapping[str, Goal]]
    ) -> dict[str, Compared]:
        """Ask every question of all targets; goals by question and target."""
        return {
            question: self.compare(
                question, {name: target.load(question) for name, target in targets.items()}, goals.get(question)
            )
            for question in self.questions
        }

    @staticmethod
    def created(compared: Mapping[str, Compared], name: str) -> int:
        """How many leads that target has created; none if it was not asked to."""
        return compared[CREATE].answered(name) if CREATE in compared else 0

    def check_kept(self, kept: int, stored: int, created: int) -> None:
        """Raises `Failed` unless all leads are kept: those stored before, that of the check, those answered with 201.

        There may be more: wrk does not see the answers to what is under way when a round ends.
        """
        least = stored + 1 + created
        most = least + self.rounds * self.connections
        if not least <= kept <= most:
            raise Failed(f"{kept} leads are kept; {least} to {most} should be.")

    def _run(self, load: Load) -> Measured:
        return wrk.run(load, seconds=self.seconds, connections=self.connections)


def tell(progress: str) -> None:
    """Tell whoever waits what is being done."""
    print(progress, file=sys.stderr)
