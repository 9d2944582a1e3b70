"""Define the extent of a benchmark, and the steps that its parts share."""

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
    """A working folder and the extent of the measurement.

    `leads`, `few` and `many` are numbers of leads that are stored before a load runs. Most parts use `leads`; parts
    that compare databases of different sizes use `few` and `many`. `rows` is the number of rows of an imported file.
    """

    folder: Path
    workloads: tuple[str, ...]
    rounds: int
    seconds: int
    connections: int
    leads: int
    few: int
    many: int
    rows: int

    def fill(self, name: str, leads: int, database_url: str | None = None, sample_of: Sample = sample.lead) -> Filled:
        """Return a new installation with this number of leads."""
        log(f"Storing {leads:,} leads: {name} ...")
        return Filled.with_leads(Installation.at(self.folder / name, database_url), leads, sample_of)

    def compare(self, name: str, loads: Mapping[str, Load], goals: Mapping[str, Goal] | None = None) -> Compared:
        """Run the loads of one comparison."""
        log(f"Measuring: {name} ...")
        return Comparison(name, loads, goals or {}).measure(self._run, self.rounds)

    def compare_targets(
        self, targets: Mapping[str, Target], goals: Mapping[str, Mapping[str, Goal]]
    ) -> dict[str, Compared]:
        """Run every workload on all targets; `goals` has the goals by workload and target."""
        return {
            workload: self.compare(
                workload, {name: target.load(workload) for name, target in targets.items()}, goals.get(workload)
            )
            for workload in self.workloads
        }

    @staticmethod
    def created(compared: Mapping[str, Compared], name: str) -> int:
        """Return the number of leads that the load `name` has created; 0 if creates were not measured."""
        return compared[CREATE].requests_of(name) if CREATE in compared else 0

    def check_count(self, found: int, stored: int, created: int, loads: int = 1) -> None:
        """Raise `Failed` unless all leads are found: those stored before, that of the check, and those with a 201.

        There may be more: wrk does not count the requests in progress when a round of one of the `loads` ends.
        """
        least = stored + 1 + created
        most = least + loads * self.rounds * self.connections
        if not least <= found <= most:
            raise Failed(f"The database has {found} leads; {least} to {most} are expected.")

    def _run(self, load: Load) -> Measured:
        return wrk.run(load, seconds=self.seconds, connections=self.connections)


def log(progress: str) -> None:
    """Print the progress to standard error."""
    print(progress, file=sys.stderr)
