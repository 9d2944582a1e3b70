"""Define column types with the same meaning on every database."""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import TIMESTAMP, Dialect, Text
from sqlalchemy.dialects.postgresql import UUID
from sqlalchemy.types import TypeDecorator, TypeEngine

from leads_adapters.times import time_text

Identifier = Text().with_variant(UUID(as_uuid=False), "postgresql")
"""A UUID: `uuid` on PostgreSQL, lower-case text on SQLite; text in Python."""

Ordered = Text().with_variant(Text(collation="C"), "postgresql")
"""Text that is compared by code point, whatever the collation of the database."""


class UtcTime(TypeDecorator[datetime]):
    """A point in time: `timestamptz` on PostgreSQL; on SQLite RFC 3339 text of fixed width, which sorts by time.

    SQLite has no type for times, and SQLAlchemy's `DateTime` silently drops the offset.
    """

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Return the type of the column on this database."""
        return dialect.type_descriptor(TIMESTAMP(timezone=True) if dialect.name == "postgresql" else Text())

    # Processors are overridden directly: `process_bind_param` would add two function calls for each value.

    def bind_processor(self, dialect: Dialect) -> Callable[[datetime | None], str | None] | None:
        """Convert a time for the database. On SQLite, a time without an offset raises `ValueError`."""
        return None if dialect.name == "postgresql" else _to_text

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], datetime | None]:  # noqa: ARG002
        """Convert a stored time to UTC."""
        return _in_utc if dialect.name == "postgresql" else _from_text


@lru_cache(maxsize=16)  # a unit of work writes the same time several times, an import a thousand times
def _to_text(value: datetime | None) -> str | None:
    return None if value is None else time_text(value)


def _in_utc(value: datetime | None) -> datetime | None:
    return value and value.astimezone(UTC)


def _from_text(value: str | None) -> datetime | None:
    return None if value is None else datetime.fromisoformat(value)
