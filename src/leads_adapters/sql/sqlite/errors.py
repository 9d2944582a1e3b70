"""Distinguish outages of SQLite from errors of a use case."""

from leads_adapters.database import Outage, StorageFull
from leads_adapters.sql.sqlite.driver import driver

_STATEMENT_ERRORS = (driver.IntegrityError, driver.DataError, driver.ProgrammingError, driver.NotSupportedError)
_DAMAGE = (driver.SQLITE_CORRUPT, driver.SQLITE_NOTADB)
_PRIMARY = 0xFF
"""Masks the primary result code in an extended one."""


def translate_error(error: Exception) -> Exception:
    """Return an `Outage` if the database failed, for example because of a lock or the disk; else return `error`."""
    if isinstance(error, driver.DatabaseError) and not isinstance(error, _STATEMENT_ERRORS):
        return outage_from(error)
    return error


def outage_from(cause: Exception) -> Outage:
    """Return an `Outage` with this cause."""
    if isinstance(cause, Outage):
        return cause
    code = getattr(cause, "sqlite_errorcode", 0) & _PRIMARY
    kind = StorageFull if code == driver.SQLITE_FULL else Outage
    return kind(f"The database failed: {cause}.", permanent=code in _DAMAGE)
