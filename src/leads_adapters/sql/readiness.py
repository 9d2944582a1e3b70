"""Check whether the database can do the service's work."""

from collections.abc import Callable
from typing import Protocol

from leads_adapters.sql.migrations import check_schema
from leads_adapters.sql.unit_of_work import SqlUnitOfWork


class CheckedDatabase(Protocol):
    """A database that knows whether writes fail."""

    async def read(self, use_case: Callable[[SqlUnitOfWork], None], /) -> None:
        """See `Database.read`."""

    async def check_writes(self) -> None:
        """Raise `Unavailable` if writes fail. After one has failed, try one."""


async def check_ready(database: CheckedDatabase) -> None:
    """Raise `Unavailable` unless the schema is right, and writes do not fail."""
    await database.read(check_schema)
    await database.check_writes()
