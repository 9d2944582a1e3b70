"""Distinguish outages of PostgreSQL from errors of a use case."""

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
    """The connection was lost before the commit: nothing was changed."""


class CommitUndecided(Outage):
    """The connection was lost during the commit: either all changes are stored, or none."""


CONFLICTS = (
    errors.UniqueViolation,
    errors.ForeignKeyViolation,  # another unit of work has removed the row that this one refers to
    errors.SerializationFailure,
    errors.DeadlockDetected,
    ConnectionLost,
)
"""Errors after which a unit of work runs again. It then sees the change that it conflicted with."""


def translate_error(error: Exception) -> Exception:
    """Return an `Outage` if the server or the connection failed; else return `error`."""
    if isinstance(error, _FAILURES):
        kind = StorageFull if isinstance(error, errors.DiskFull) else Outage
        return kind(f"The database failed: {error}.")
    return error
