"""Column types that mean the same on every database."""

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
"""Text that is compared code point by code point, whatever the language of the database."""


class UtcTime(TypeDecorator[datetime]):
    """A moment: `timestamptz` on PostgreSQL; on SQLite RFC 3339 text of fixed width, which sorts as time does.

    SQLite has no type for times, and SQLAlchemy's own drops the offset without a word.
    """

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """The type that the database stores."""
        return dialect.type_descriptor(TIMESTAMP(timezone=True) if dialect.name == "postgresql" else Text())

    # SQLAlchemy would put two functions around `process_bind_param` and `process_result_value`; these are bare.

    def bind_processor(self, dialect: Dialect) -> Callable[[datetime | None], str | None] | None:
        """To the database; on SQLite a time without an offset is refused."""
        return None if dialect.name == "postgresql" else _to_text

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], datetime | None]:  # noqa: ARG002
        """From the database, in UTC."""
        return _in_utc if dialect.name == "postgresql" else _from_text


@lru_cache(maxsize=16)  # a unit of work writes one moment again and again, an import a thousand times
def _to_text(value: datetime | None) -> str | None:
    return None if value is None else time_text(value)


def _in_utc(value: datetime | None) -> datetime | None:
    return value and value.astimezone(UTC)


def _from_text(value: str | None) -> datetime | None:
    return None if value is None else datetime.fromisoformat(value)
