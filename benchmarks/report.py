"""The figures as a table for people, and as JSON for programs."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.comparison import Compared, Ratio, spread
from benchmarks.questions import CREATE, SERVICE


@dataclass(frozen=True)
class Start:
    """Seconds from the start of `leads serve` to its first good answer of /health/ready; its memory in MiB at rest."""

    seconds: float
    memory: float


@dataclass(frozen=True)
class Report:
    """Everything that was measured; `memory_after_load`, in MiB, is that of the server that was asked everything."""

    compared: Sequence[Compared]
    driver: Mapping[str, float]
    first_starts: Sequence[Start]
    later_starts: Sequence[Start]
    memory_after_load: float

    @property
    def tail(self) -> Ratio:
        """How many times its median the 99th percentile of a create takes."""
        create = next(compared for compared in self.compared if compared.name == CREATE)
        return spread(measured.p99 / measured.p50 for measured in create.rounds[SERVICE])

    def as_json(self) -> dict[str, Any]:
        """Every round, and what follows from the rounds."""
        ratios = {
            compared.name: {other: asdict(ratio) for other, ratio in compared.ratios().items()}
            for compared in self.compared
        }
        return {**asdict(self), "ratios": ratios, "p99_to_p50": asdict(self.tail)}

    def show(self) -> None:
        """Print it."""
        console = Console()
        console.print(self._ratios(), self._rates(), self._process(), sep="\n")

    def _ratios(self) -> Table:
        table = _table("Ratios", "median", "least", "most")
        for compared in self.compared:
            for other, ratio in compared.ratios().items():
                _add(table, f"{compared.name} / {other}", ratio)
        _add(table, f"{CREATE}: 99th percentile / median latency", self.tail)
        return table

    def _rates(self) -> Table:
        table = _table("On this machine", "a second", "p50 ms", "p99 ms")
        for compared in self.compared:
            for name in compared.rounds:
                middle = compared.middle(name)
                figures = (f"{middle.per_second:,.0f}", f"{middle.p50:.2f}", f"{middle.p99:.2f}")
                table.add_row(f"{compared.name}, {name}", *figures)
        for name, per_second in self.driver.items():
            table.add_row(f"driver alone: {name}", f"{per_second:,.0f}")
        return table

    def _process(self) -> Table:
        table = _table("The process", "median", "least", "most")
        _add(table, "s to /health/ready, new database", spread(each.seconds for each in self.first_starts))
        _add(table, "s to /health/ready, filled database", spread(each.seconds for each in self.later_starts))
        _add(table, "MiB at rest", spread(each.memory for each in self.later_starts), digits=1)
        _add(table, "MiB after all rounds", spread([self.memory_after_load]), digits=1)
        return table


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left")
    table.add_column(min_width=44)
    for column in columns:
        table.add_column(column, justify="right")
    return table


def _add(table: Table, name: str, ratio: Ratio, digits: int = 2) -> None:
    table.add_row(name, *(f"{figure:.{digits}f}" for figure in (ratio.median, ratio.least, ratio.most)))
