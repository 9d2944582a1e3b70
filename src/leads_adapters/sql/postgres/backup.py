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

LOCK_SECONDS = 5
"""How long a restore waits for locks on the tables that it replaces."""

ENDING_SECONDS = 2.0
"""How long the server may take to notice that a connected process has ended."""

_INSTALL = "Install PostgreSQL's client programs (Debian: postgresql-client), not older than the server."

_COPY = re.compile(rb'COPY (?:[^(]*\.)?"?(\w+)"? \((.*)\) FROM stdin;\n')

_OTHERS = """
    SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()
        AND (usename = current_user OR application_name = 'leads')
"""

_OURS = {*metadata.tables, "alembic_version"}


def back_up(engine: Engine, file: Path) -> Mapping[str, int]:
    """Write a snapshot of the database to a new file; return how many rows each table has."""
    with engine.connect().execution_options(snapshot=True) as connection:
        lift_time_limits(connection)
        snapshot = connection.scalar(select(func.pg_export_snapshot()))
        counts = {
            name: connection.execute(select(func.count()).select_from(table(name))).scalar_one()
            for name in inspect(connection).get_table_names()
        }
        options = ("--format=custom", f"--snapshot={snapshot}", f"--file={file}", *_database(engine.url))
        with _program("pg_dump", *options, url=engine.url):
            pass
    if counts_of(file) != counts:
        raise BackupFailed("The backup does not hold what the database holds; it was thrown away.")
    return counts


def counts_of(file: Path) -> Mapping[str, int]:
    """Read a whole backup and return how many rows each table has. Raise `BackupFailed` for a damaged one."""
    counts: dict[str, int] = {}
    for name, _, row in _lines(file):
        counts[name] = counts.get(name, 0) + (row is not None)
    return counts


def rows_of(file: Path, table: str) -> Sequence[Mapping[str, str]]:
    """Return the rows of a table of a backup, with values in PostgreSQL's text format."""
    found = [(columns, row) for _, columns, row in _lines(file, f"--table={table}") if row is not None]
    return [dict(zip(columns.split(", "), row.decode().split("\t"), strict=True)) for columns, row in found]


def _lines(file: Path, *options: str) -> Iterator[tuple[str, str, bytes | None]]:
    """Yield each table of a backup, with its columns, and then each of its rows."""
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
    """Raise `BackupFailed` if a service, or anything else with the same user, is connected, or if others own tables."""
    with engine.connect() as connection:
        give_up = time.monotonic() + ENDING_SECONDS
        while connection.exec_driver_sql(_OTHERS).scalar_one():
            if time.monotonic() > give_up:
                raise BackupFailed("Another process is connected to the database. Stop the service first.")
            connection.rollback()  # within a transaction the server shows the same sessions again
            time.sleep(0.05)
        if others := {*inspect(connection).get_table_names()} - _OURS:
            message = f"The database has a table {min(others)}, which is not of this version of leads."
            raise BackupFailed(f"{message} Restore into an empty database.")


def replace(engine: Engine, file: Path) -> None:
    """Replace all tables by those of a backup, in one transaction.

    The last statement commits. If one of the programs fails or is killed before it, the server undoes everything.
    """
    options = ("--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", *_database(engine.url))
    with _program("psql", *options, url=engine.url, stdin=PIPE) as psql:
        script: Any = psql.stdin
        script.write(f"BEGIN; SET LOCAL lock_timeout = '{LOCK_SECONDS}s';\n".encode())
        script.write(f"DROP TABLE IF EXISTS {', '.join(sorted(_OURS))} CASCADE;\n".encode())
        with _program("pg_restore", "--no-owner", "--no-privileges", "--file=-", str(file)) as restoring:
            script.writelines(restoring.stdout or ())
        script.write(b"COMMIT;\n")
        script.close()


def _database(url: URL) -> Sequence[str]:
    """Name the database, without the password: other users can see the arguments of a program."""
    bare = url.set(drivername="postgresql", password=None).difference_update_query(["password"])
    return "--no-password", f"--dbname={bare.render_as_string()}"


def _environment(url: URL | None) -> Mapping[str, str]:
    password = url and (url.password or url.query.get("password"))
    return {**os.environ, "PGPASSWORD": str(password)} if password else os.environ


@contextmanager
def _program(name: str, *arguments: str, url: URL | None = None, stdin: int = DEVNULL) -> Iterator[Popen[bytes]]:
    """Run a program, and kill it if the caller fails. Raise `BackupFailed` if it is missing or fails."""
    with TemporaryFile() as errors:
        try:
            process = Popen(  # noqa: S603 - a list of our own, and no shell
                [name, *arguments], stdin=stdin, stdout=PIPE, stderr=errors, env=_environment(url)
            )
        except FileNotFoundError:
            raise BackupFailed(f"The program {name} is missing. {_INSTALL}") from None
        try:
            # On a broken pipe the program has ended: its exit code says why. A program that is read would block.
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
    """Return the first lines of an error message: further ones may hold a row."""
    lines = [line for line in errors.splitlines() if line.strip()] or ["it gave no reason"]
    return "; ".join(line for line in lines[:2] if not line.startswith(("DETAIL", "CONTEXT", "LINE"))).rstrip(".")
