"""Test how times are stored in SQLite."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from sqlalchemy.dialects import sqlite

from builders import NOON
from leads_adapters.sql.types import UtcTime
from strategies import times

DIALECT = sqlite.dialect()
COLUMN = UtcTime()


def stored(at: datetime | None) -> str | None:
    """Return the text that is stored for a time."""
    convert = COLUMN.bind_processor(DIALECT)
    assert convert is not None
    text = convert(at)
    assert text is None or isinstance(text, str)
    return text


def read(text: str | None) -> datetime | None:
    """Return the time that is read from a stored text."""
    convert = COLUMN.result_processor(DIALECT, None)
    assert convert is not None
    return convert(text)


@given(times())
def test_a_time_is_read_as_the_same_time_in_utc(at: datetime) -> None:
    result = read(stored(at))

    assert result == at
    assert result is not None
    assert result.tzinfo is UTC


@given(times(), times())
def test_stored_times_sort_by_time(one: datetime, other: datetime) -> None:
    first, second = stored(one), stored(other)

    assert first is not None
    assert second is not None
    assert (first < second) == (one < other)


def test_a_time_in_another_zone_is_stored_in_utc() -> None:
    assert stored(NOON.astimezone(timezone(timedelta(hours=-8)))) == "2026-01-05T12:00:00.000000Z"


def test_a_time_without_an_offset_is_refused() -> None:
    with pytest.raises(ValueError, match="offset"):
        stored(NOON.replace(tzinfo=None))


def test_none_is_stored_and_read_as_none() -> None:
    assert stored(None) is None
    assert read(None) is None
