"""Store the leads of a dry run in a temporary SQLite file, whatever the database is."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from tempfile import NamedTemporaryFile
from typing import Any

import msgspec

from leads_adapters.sql.sqlite.driver import driver
from leads_domain.errors import Unavailable
from leads_domain.lead import Lead

_SETUP = (
    "PRAGMA journal_mode = OFF",
    "PRAGMA locking_mode = EXCLUSIVE",
    "PRAGMA synchronous = OFF",
    "PRAGMA cache_size = -16384",  # in KiB
    "CREATE TABLE leads (identity TEXT PRIMARY KEY, lead BLOB NOT NULL)",
    "BEGIN",  # never committed
)
_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Lead)


@contextmanager
def open_dry_run() -> Iterator["SqliteDryRun"]:
    """Open a dry run. Raises `Unavailable` if its temporary file cannot be written.

    The file is unlinked before leads are written to it, so it cannot outlive the process. SQLite's own temporary
    databases are not an option: the driver is built to hold them in memory.
    """
    try:
        with NamedTemporaryFile(prefix="leads-") as file:
            connection = driver.connect(file.name, isolation_level=None, check_same_thread=False)
            for statement in _SETUP:
                connection.execute(statement)
    except (OSError, driver.OperationalError) as error:
        raise _unwritable(error) from error
    with closing(connection):
        yield SqliteDryRun(connection)


class SqliteDryRun:
    """Implements `DryRun` with up to 16 MiB of memory, and about 400 bytes of disk for each lead."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def find(self, identity: str) -> Lead | None:
        """See `DryRun.find`."""
        row = self._run("SELECT lead FROM leads WHERE identity = ?", identity).fetchone()
        return _decoder.decode(row[0]) if row else None

    def store(self, lead: Lead) -> None:
        """See `DryRun.store`."""
        self._run("INSERT OR REPLACE INTO leads VALUES (?, ?)", lead.identity, _encoder.encode(lead))

    def _run(self, statement: str, *parameters: object) -> Any:
        try:
            return self._connection.execute(statement, parameters)
        except driver.OperationalError as error:
            raise _unwritable(error) from error


def _unwritable(cause: Exception) -> Unavailable:
    advice = "Free disk space, or set TMPDIR to another folder."
    return Unavailable(f"The dry run cannot write to the folder for temporary files: {cause}. {advice}")
