"""Dry runs of any size: what they would have kept goes to a temporary SQLite file, whatever the database is."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from tempfile import NamedTemporaryFile
from typing import Any

import msgspec

from leads_adapters.sql.sqlite_driver import driver
from leads_domain.errors import Unavailable
from leads_domain.lead import Lead

_BEGINNING = (
    "PRAGMA journal_mode = OFF",
    "PRAGMA locking_mode = EXCLUSIVE",
    "PRAGMA synchronous = OFF",
    "PRAGMA cache_size = -16384",  # in KiB
    "CREATE TABLE leads (email_key TEXT PRIMARY KEY, lead BLOB NOT NULL)",
    "BEGIN",  # and never committed
)
_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Lead)


@contextmanager
def temporary_rehearsal() -> Iterator["TemporaryRehearsal"]:
    """A rehearsal, for as long as it is needed. Raises `Unavailable` if there is no room for it.

    The driver is built to keep SQLite's own temporary files in memory. This one has no name any more when leads come
    into it: whatever happens to the process, they are gone with it.
    """
    try:
        with NamedTemporaryFile(prefix="leads-") as file:
            connection = driver.connect(file.name, isolation_level=None, check_same_thread=False)
            for statement in _BEGINNING:
                connection.execute(statement)
    except (OSError, driver.OperationalError) as error:
        raise _no_room(error) from error
    with closing(connection):
        yield TemporaryRehearsal(connection)


class TemporaryRehearsal:
    """See `Rehearsal`. Beyond 16 MB it needs no more memory, but about 400 bytes of disk for each lead."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def find(self, email_key: str) -> Lead | None:
        """See `Rehearsal.find`."""
        row = self._run("SELECT lead FROM leads WHERE email_key = ?", email_key).fetchone()
        return _decoder.decode(row[0]) if row else None

    def keep(self, lead: Lead) -> None:
        """See `Rehearsal.keep`."""
        self._run("INSERT OR REPLACE INTO leads VALUES (?, ?)", lead.email.key, _encoder.encode(lead))

    def _run(self, statement: str, *parameters: object) -> Any:
        try:
            return self._connection.execute(statement, parameters)
        except driver.OperationalError as error:
            raise _no_room(error) from error


def _no_room(cause: Exception) -> Unavailable:
    return Unavailable(f"There is no room for a dry run in the folder of temporary files: {cause}.")
