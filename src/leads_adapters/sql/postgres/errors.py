"""Tell failures of PostgreSQL apart from errors of a use case."""

import psycopg
from psycopg import errors

from leads_adapters.database import Outage, StorageFull

_FAILURES = (
    psycopg.OperationalError,
    psycopg.InterfaceError,
    errors.ReadOnlySqlTransaction,
    errors.InsufficientPrivilege,
    errors.UndefinedTable,  # the migrations were not run
    errors.UndefinedColumn,
)


class ConnectionLost(Outage):
    """The connection broke before the commit: nothing was done."""


class CommitUndecided(Outage):
    """The connection broke during the commit: either everything was done, or nothing."""


CONFLICTS = (errors.UniqueViolation, errors.SerializationFailure, errors.DeadlockDetected, ConnectionLost)
"""A unit of work that fails with one of these is run again. Stores look before they write: it then sees the winner."""


def translated(error: Exception) -> Exception:
    """Return an `Outage` if the server, or the way to it, failed; return other errors as they are."""
    if isinstance(error, _FAILURES):
        kind = StorageFull if isinstance(error, errors.DiskFull) else Outage
        return kind(f"The database failed: {error}.")
    return error
