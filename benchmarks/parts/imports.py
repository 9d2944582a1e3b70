"""Compare `leads import` of a CSV file with the `csv` module and the driver, which validate nothing."""

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
from benchmarks.bench import Bench, log
from benchmarks.failure import Failed
from benchmarks.figures import Figure, Findings, Goal, Rate
from benchmarks.service import Installation
from leads_adapters.ids import Uuid7Source

ImportMethod = Callable[[Installation, Any, Path], str]
"""A function that imports a file into a new database, and returns the name of the table."""

_GOAL = Goal(12_000 / 150_000)
_HEADER = ("name", "email", "phone", "source", "owner", "company", "employees")
_NOW = "2026-01-01T00:00:00.000000Z"
_COLUMNS = "id, name, email, identity, phone, source, owner, owner_key, attributes"
_INSERT = (
    f"INSERT INTO leads ({_COLUMNS}, status, created_at, updated_at, version) "
    f"VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 'new', '{_NOW}', '{_NOW}', 1)"
)
_new_id = Uuid7Source().new

IMPORT = "leads import"


def measure(bench: Bench) -> Findings:
    """Measure the rows a second of the command, from start to end, and of the two other methods, in turns."""
    file = bench.folder / "leads.csv"
    _write(file, bench.rows)
    methods = {
        IMPORT: _import,
        "csv + executemany, same table": _into_same_table,
        "csv + executemany, table without an index": _into_bare_table,
    }
    rates: dict[str, list[float]] = {name: [] for name in methods}
    log(f"Importing {bench.rows:,} rows ...")
    for number, (name, method) in itertools.product(range(bench.rounds), methods.items()):
        with TemporaryDirectory(dir=bench.folder) as folder:
            rates[name].append(bench.rows / _seconds(method, Path(folder) / str(number), file, bench.rows))
    figures = [
        Figure(f"{IMPORT} / {name}", _ratios(rates[IMPORT], rates[name]), goal)
        for name, goal in zip(list(methods)[1:], (_GOAL, None), strict=True)
    ]
    return Findings(figures, [Rate(f"rows: {name}", median(rate)) for name, rate in rates.items()])


def _write(file: Path, rows: int) -> None:
    with file.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(_HEADER)
        for lead in map(sample.lead, range(rows)):
            attributes = lead.pop("attributes")
            writer.writerow([*lead.values(), *attributes.values()])


def _seconds(method: ImportMethod, folder: Path, file: Path, rows: int) -> float:
    installation = Installation.at(folder)
    installation.leads("migrate")
    with installation.engine() as engine, closing(engine.raw_connection()) as connection:
        began = time.perf_counter()
        table = method(installation, connection, file)
        seconds = time.perf_counter() - began
        if (stored := connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]) != rows:
            raise Failed(f"{stored} of {rows} rows were stored.")
    return seconds


def _import(installation: Installation, _: Any, file: Path) -> str:
    installation.leads("import", str(file))
    return "leads"


def _into_same_table(_: Installation, connection: Any, file: Path) -> str:
    with _rows(file) as rows:
        _insert_all(connection, _INSERT, map(_lead, rows))
    return "leads"


def _into_bare_table(_: Installation, connection: Any, file: Path) -> str:
    connection.execute(f"CREATE TABLE bare ({', '.join(_HEADER)})")
    with _rows(file) as rows:
        _insert_all(connection, f"INSERT INTO bare VALUES ({', '.join('?' * len(_HEADER))})", rows)
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


def _ratios(numerators: Iterable[float], denominators: Iterable[float]) -> list[float]:
    return [one / other for one, other in zip(numerators, denominators, strict=True)]
