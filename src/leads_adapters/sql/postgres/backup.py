"""Back up and restore a PostgreSQL database with PostgreSQL's own programs."""

import os
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from subprocess import DEVNULL, PIPE, Popen
from tempfile import TemporaryFile
from typing import Any

from sqlalchemy import URL, Engine, func, inspect, select, table

from leads_adapters.backup_files import BackupFailed
from leads_adapters.sql.migrations import lift_time_limits
from leads_adapters.sql.tables import metadata

LOCK_TIMEOUT_SECONDS = 5
"""The time that a restore waits for locks on the tables that it replaces."""

DISCONNECT_SECONDS = 2.0
"""The time that the server may take to notice the end of a connected process."""

_INSTALL = "Install PostgreSQL's client programs (Debian: postgresql-client), not older than the server."

_COPY = re.compile(rb'COPY (?:[^(]*\.)?"?(\w+)"? \((.*)\) FROM stdin;\n')

_OTHER_SESSIONS = """
    SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()
        AND (usename = current_user OR application_name = 'leads')
"""

_TABLES = {*metadata.tables, "replies", "alembic_version"}
"""The tables of this version and of older ones: `replies` was renamed in revision 0101."""


def back_up(engine: Engine, file: Path) -> Mapping[str, int]:
    """Write a snapshot of the database to a new file and return the number of rows in each table."""
    with engine.connect().execution_options(snapshot=True) as connection:
        lift_time_limits(connection)
        snapshot = connection.scalar(select(func.pg_export_snapshot()))
        counts = {
            name: connection.execute(select(func.count()).select_from(table(name))).scalar_one()
            for name in inspect(connection).get_table_names()
        }
        options = ("--format=custom", f"--snapshot={snapshot}", f"--file={file}", *_connection_options(engine.url))
        with _program("pg_dump", *options, url=engine.url):
            pass
    if counts_of(file) != counts:
        raise BackupFailed("The backup did not contain all rows of the database and was deleted. Back up again.")
    return counts


def counts_of(file: Path) -> Mapping[str, int]:
    """Read a whole backup and return the number of rows in each table. Raises `BackupFailed` for a damaged one."""
    counts: dict[str, int] = {}
    for name, _, row in _lines(file):
        counts[name] = counts.get(name, 0) + (row is not None)
    return counts


def rows_of(file: Path, table: str) -> Sequence[Mapping[str, str]]:
    """Return the rows of a table in a backup, with values in PostgreSQL's text format."""
    found = [(columns, row) for _, columns, row in _lines(file, f"--table={table}") if row is not None]
    return [dict(zip(columns.split(", "), row.decode().split("\t"), strict=True)) for columns, row in found]


def _lines(file: Path, *options: str) -> Iterator[tuple[str, str, bytes | None]]:
    """Yield each table of a backup with its columns, followed by its rows."""
    name, columns = "", ""
    with _program("pg_restore", "--data-only", "--file=-", *options, str(file)) as reading:
        for line in reading.stdout or ():
            if not name:
                if header := _COPY.fullmatch(line):
                    name, columns = header[1].decode(), header[2].decode()
                    yield name, columns, None
            elif line == b"\\.\n":
                name = ""
            else:
                yield name, columns, line.removesuffix(b"\n")


def check_unused(engine: Engine) -> None:
    """Raise `BackupFailed` if another process of this user is connected, or if there are tables of other programs."""
    with engine.connect() as connection:
        deadline = time.monotonic() + DISCONNECT_SECONDS
        while connection.exec_driver_sql(_OTHER_SESSIONS).scalar_one():
            if time.monotonic() > deadline:
                raise BackupFailed("Another process is connected to the database. Stop the service first.")
            connection.rollback()  # a transaction would see the same sessions again
            time.sleep(0.05)
        if foreign := {*inspect(connection).get_table_names()} - _TABLES:
            message = f"The database has a table {min(foreign)}, which this version of leads does not have."
            raise BackupFailed(f"{message} Restore into an empty database.")


def replace(engine: Engine, file: Path) -> None:
    """Replace all tables with the tables of a backup, in one transaction.

    The last statement commits. If a program fails or is killed before that, the server rolls back.
    """
    options = ("--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", *_connection_options(engine.url))
    with _program("psql", *options, url=engine.url, stdin=PIPE) as psql:
        script: Any = psql.stdin
        script.write(f"BEGIN; SET LOCAL lock_timeout = '{LOCK_TIMEOUT_SECONDS}s';\n".encode())
        script.write(f"DROP TABLE IF EXISTS {', '.join(sorted(_TABLES))} CASCADE;\n".encode())
        with _program("pg_restore", "--no-owner", "--no-privileges", "--file=-", str(file)) as restoring:
            script.writelines(restoring.stdout or ())
        script.write(b"COMMIT;\n")
        script.close()


def _connection_options(url: URL) -> Sequence[str]:
    """Return the options that name the database, without the password: other users can see arguments."""
    bare = url.set(drivername="postgresql", password=None).difference_update_query(["password"])
    return "--no-password", f"--dbname={bare.render_as_string()}"


def _environment(url: URL | None) -> Mapping[str, str]:
    password = url and (url.password or url.query.get("password"))
    return {**os.environ, "PGPASSWORD": str(password)} if password else os.environ


@contextmanager
def _program(name: str, *arguments: str, url: URL | None = None, stdin: int = DEVNULL) -> Iterator[Popen[bytes]]:
    """Run a program, and kill it if the caller raises. Raises `BackupFailed` if the program is missing or fails."""
    with TemporaryFile() as errors:
        try:
            process = Popen(  # noqa: S603 - constant programs, and no shell
                [name, *arguments], stdin=stdin, stdout=PIPE, stderr=errors, env=_environment(url)
            )
        except FileNotFoundError:
            raise BackupFailed(f"The program {name} is missing. {_INSTALL}") from None
        try:
            # A broken pipe means that the program has ended; its exit code is checked below.
            with suppress(BrokenPipeError) if stdin == PIPE else nullcontext():
                yield process
            process.wait()
        finally:
            _end(process)
        if process.returncode:
            errors.seek(0)
            raise BackupFailed(f"{name} failed: {_reason(errors.read().decode('utf-8', 'replace'))}.")


def _end(process: Popen[bytes]) -> None:
    process.kill()
    process.wait()
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            with suppress(BrokenPipeError):
                stream.close()


def _reason(errors: str) -> str:
    """Return the first lines of an error message: later ones may contain a row."""
    lines = [line for line in errors.splitlines() if line.strip()] or ["no error message"]
    return "; ".join(line for line in lines[:2] if not line.startswith(("DETAIL", "CONTEXT", "LINE"))).rstrip(".")
