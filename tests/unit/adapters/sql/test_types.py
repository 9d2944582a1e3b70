"""Times on their way to SQLite and back."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from sqlalchemy.dialects import sqlite

from builders import NOON
from leads_adapters.sql.types import UtcTime
from strategies import times

DIALECT = sqlite.dialect()
COLUMN = UtcTime()


def written(at: datetime | None) -> str | None:
    """What is stored."""
    convert = COLUMN.bind_processor(DIALECT)
    assert convert is not None
    text = convert(at)
    assert text is None or isinstance(text, str)
    return text


def read(text: str | None) -> datetime | None:
    """What is got back."""
    convert = COLUMN.result_processor(DIALECT, None)
    assert convert is not None
    return convert(text)


@given(times())
def test_a_time_comes_back_as_the_same_moment_in_utc(at: datetime) -> None:
    back = read(written(at))

    assert back == at
    assert back is not None
    assert back.tzinfo is UTC


@given(times(), times())
def test_texts_sort_as_their_times_do(one: datetime, other: datetime) -> None:
    first, second = written(one), written(other)

    assert first is not None
    assert second is not None
    assert (first < second) == (one < other)


def test_a_time_in_another_zone_is_told_in_utc() -> None:
    assert written(NOON.astimezone(timezone(timedelta(hours=-8)))) == "2026-01-05T12:00:00.000000Z"


def test_a_time_without_an_offset_is_refused() -> None:
    with pytest.raises(ValueError, match="offset"):
        written(NOON.replace(tzinfo=None))


def test_no_time_stays_no_time() -> None:
    assert written(None) is None
    assert read(None) is None
