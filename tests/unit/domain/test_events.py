"""Test timeline entries and the text form of times."""

from datetime import UTC, datetime, timedelta, timezone
from time import tzset

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders import NOON, an_id
from fakes import CountingIds
from leads_domain.events import Event, EventType, TimelineEntry, make_entries, rfc3339
from strategies import times


def test_every_event_becomes_one_entry_with_a_new_id_in_the_order_of_the_events() -> None:
    events = [Event(EventType.LEAD_STATUS_CHANGED, {"to": "lost"}), Event(EventType.FOLLOW_UP_CANCELLED)]
    entries = make_entries(an_id(1), events, at=NOON, actor="ann", ids=CountingIds(given_out=7))
    common = {"lead_id": an_id(1), "at": NOON, "actor": "ann"}
    assert entries == [
        TimelineEntry(id=an_id(8), type=EventType.LEAD_STATUS_CHANGED, data={"to": "lost"}, **common),  # type: ignore[arg-type]
        TimelineEntry(id=an_id(9), type=EventType.FOLLOW_UP_CANCELLED, data={}, **common),  # type: ignore[arg-type]
    ]


def test_without_events_there_are_no_entries() -> None:
    assert make_entries(an_id(), [], at=NOON, actor="ann", ids=CountingIds()) == []


@pytest.mark.parametrize(
    ("at", "text"),
    [
        (datetime(2026, 1, 5, 12, 0, tzinfo=UTC), "2026-01-05T12:00:00.000000Z"),
        (datetime(2026, 1, 5, 12, 0, 0, 1, tzinfo=UTC), "2026-01-05T12:00:00.000001Z"),
        (datetime(2026, 1, 5, 0, 30, tzinfo=timezone(timedelta(hours=1))), "2026-01-04T23:30:00.000000Z"),
        (datetime(2026, 1, 5, 12, 0, tzinfo=timezone(timedelta(hours=-3, minutes=-30))), "2026-01-05T15:30:00.000000Z"),
        (datetime(1, 1, 1, tzinfo=UTC), "0001-01-01T00:00:00.000000Z"),
    ],
)
def test_a_time_is_written_in_utc_with_microseconds(at: datetime, text: str) -> None:
    assert rfc3339(at) == text


@given(times())
def test_every_written_time_has_the_same_length_and_parses_to_the_same_time(at: datetime) -> None:
    assert len(rfc3339(at)) == len("2026-01-05T12:00:00.000000Z")
    assert datetime.fromisoformat(rfc3339(at)) == at


@given(times(), times())
def test_written_times_sort_by_time(one: datetime, other: datetime) -> None:
    assert (rfc3339(one) < rfc3339(other)) == (one < other)


@given(times(), st.integers(min_value=-2_000_000, max_value=2_000_000))
def test_written_times_sort_by_time_within_and_around_a_second(at: datetime, microseconds: int) -> None:
    whole = at.replace(microsecond=0)
    near = whole + timedelta(microseconds=microseconds)
    assert (rfc3339(whole) < rfc3339(near)) == (whole < near)


def test_a_time_without_an_offset_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^A time needs an offset from UTC\.$"):
        rfc3339(NOON.replace(tzinfo=None))


def test_a_time_is_written_in_utc_wherever_the_service_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "Asia/Tokyo")
        tzset()
        text = rfc3339(NOON)
    tzset()
    assert text == "2026-01-05T12:00:00.000000Z"
