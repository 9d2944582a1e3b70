"""`leads import` of a CSV file, held against the `csv` module and the driver, which check nothing."""

import csv
import itertools
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks import sample
from benchmarks.bench import Bench, tell
from benchmarks.failure import Failed
from benchmarks.figures import Figure, Findings, Goal, Rate
from benchmarks.service import Installation
from leads_adapters.ids import Uuid7Source

Way = Callable[[Installation, Any, Path], str]
"""Takes the rows of a file into a new database, by the command or by a connection, and answers the table's name."""

_GOAL = Goal(12_000 / 150_000)
_HEAD = ("name", "email", "phone", "source", "owner", "company", "employees")
_NOW = "2026-01-01T00:00:00.000000Z"
_GIVEN = "id, name, email, email_key, phone, source, owner, owner_key, attributes"
_INSERT = (
    f"INSERT INTO leads ({_GIVEN}, status, created_at, updated_at, version) "
    f"VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 'new', '{_NOW}', '{_NOW}', 1)"
)
_new_id = Uuid7Source().new

IMPORT = "leads import"


def measure(bench: Bench) -> Findings:
    """Rows a second from the start of the command to its end, and of the two others, in turns."""
    file = bench.folder / "leads.csv"
    _write(file, bench.rows)
    ways = {
        IMPORT: _import,
        "csv + executemany, same table": _into_same_table,
        "csv + executemany, table without an index": _into_bare_table,
    }
    rates: dict[str, list[float]] = {name: [] for name in ways}
    tell(f"Importing {bench.rows:,} rows ...")
    for number, (name, way) in itertools.product(range(bench.rounds), ways.items()):
        with TemporaryDirectory(dir=bench.folder) as folder:
            rates[name].append(bench.rows / _seconds(way, Path(folder) / str(number), file, bench.rows))
    figures = [
        Figure(f"{IMPORT} / {name}", _ratios(rates[IMPORT], rates[name]), goal)
        for name, goal in zip(list(ways)[1:], (_GOAL, None), strict=True)
    ]
    return Findings(figures, [Rate(f"rows: {name}", median(rate)) for name, rate in rates.items()])


def _write(file: Path, rows: int) -> None:
    with file.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(_HEAD)
        for given in map(sample.lead, range(rows)):
            attributes = given.pop("attributes")
            writer.writerow([*given.values(), *attributes.values()])


def _seconds(way: Way, folder: Path, file: Path, rows: int) -> float:
    installation = Installation.at(folder)
    installation.leads("migrate")
    with installation.engine() as engine, closing(engine.raw_connection()) as connection:
        began = time.perf_counter()
        table = way(installation, connection, file)
        seconds = time.perf_counter() - began
        if (kept := connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]) != rows:
            raise Failed(f"{kept} of {rows} rows were kept.")
    return seconds


def _import(installation: Installation, _: Any, file: Path) -> str:
    installation.leads("import", str(file))
    return "leads"


def _into_same_table(_: Installation, connection: Any, file: Path) -> str:
    with _rows(file) as rows:
        _insert_all(connection, _INSERT, map(_lead, rows))
    return "leads"


def _into_bare_table(_: Installation, connection: Any, file: Path) -> str:
    connection.execute(f"CREATE TABLE bare ({', '.join(_HEAD)})")
    with _rows(file) as rows:
        _insert_all(connection, f"INSERT INTO bare VALUES ({', '.join('?' * len(_HEAD))})", rows)
    return "bare"


@contextmanager
def _rows(file: Path) -> Iterator[Iterator[list[str]]]:
    with file.open(newline="") as stream:
        rows = csv.reader(stream)
        next(rows)
        yield rows


def _insert_all(connection: Any, statement: str, rows: Iterable[Sequence[object]]) -> None:
    connection.execute("BEGIN IMMEDIATE")
    connection.executemany(statement, rows)
    connection.execute("COMMIT")


def _lead(row: list[str]) -> Sequence[object]:
    name, email, phone, source, owner, company, employees = row
    attributes = f'{{"company":"{company}","employees":"{employees}"}}'
    return (_new_id(), name, email, email.lower(), phone, source, owner, owner, attributes)


def _ratios(ours: Iterable[float], theirs: Iterable[float]) -> list[float]:
    return [one / other for one, other in zip(ours, theirs, strict=True)]
