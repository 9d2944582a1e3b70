"""Test calendars in the format iCalendar, read by a parser that shares no code with the library that writes them."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from ical.calendar import Calendar as ReadCalendar
from ical.calendar_stream import IcsCalendarStream

from builders import NOON, an_email, an_id
from leads_adapters.http.calendar_feed import write_calendar
from leads_domain.calendar import Calendar, CalendarEntry, CalendarId
from leads_domain.notices import SUBJECT_MAX

CALENDAR = Calendar(id=CalendarId(an_id(1)), owner=an_email("mia@example.com"), digest="", created_at=NOON)
TASK = CalendarEntry(
    id=an_id(2),
    lead_name="Ada Muster",
    text="Call about the quote",
    due_at=NOON + timedelta(days=1),
    created_at=NOON,
    changed_at=NOON + timedelta(seconds=5),
    sequence=7,
)
MESSAGE = replace(TASK, id=an_id(3), text="Shall we talk on Tuesday?", channel="email", recipient="lead")

NAMES = {"VERSION", "PRODID", "NAME", "X-WR-CALNAME", "REFRESH-INTERVAL", "X-PUBLISHED-TTL"}
EVENT_NAMES = {"SUMMARY", "DESCRIPTION", "UID", "SEQUENCE", "TRANSP"} | {
    *("DTSTART", "DURATION", "DTSTAMP", "CREATED", "LAST-MODIFIED"),
}


def read(content: bytes) -> ReadCalendar:
    """Parse a calendar."""
    [calendar] = IcsCalendarStream.from_ics(content.decode()).calendars
    return calendar


def test_a_calendar_is_written_as_rfc_5545_defines() -> None:
    named = replace(CALENDAR, name="Leads, mine")
    assert write_calendar(named, [MESSAGE]).decode().split("\r\n") == [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//leads//leads//EN",
        "NAME:Leads\\, mine",
        "X-WR-CALNAME:Leads\\, mine",
        "REFRESH-INTERVAL;VALUE=DURATION:PT1H",
        "X-PUBLISHED-TTL:PT1H",
        "BEGIN:VEVENT",
        "SUMMARY:Message: Ada Muster: Shall we talk on Tuesday?",
        "DTSTART:20260106T120000Z",
        "DURATION:PT30M",
        "DTSTAMP:20260105T120005Z",
        f"UID:{an_id(3)}",
        "SEQUENCE:7",
        "CREATED:20260105T120000Z",
        "DESCRIPTION:Shall we talk on Tuesday?\\n\\n-- \\nThe service will send this m",
        " essage to the lead on the channel email.",
        "LAST-MODIFIED:20260105T120005Z",
        "TRANSP:TRANSPARENT",
        "END:VEVENT",
        "END:VCALENDAR",
        "",
    ]


def test_another_parser_reads_a_task() -> None:
    [event] = read(write_calendar(CALENDAR, [TASK])).events
    assert (event.uid, event.sequence, event.summary) == (TASK.id, 7, "Ada Muster: Call about the quote")
    assert (event.start, event.duration, event.dtstamp) == (TASK.due_at, timedelta(minutes=30), TASK.changed_at)
    assert event.description == TASK.text


def test_a_calendar_without_entries_has_a_component_because_rfc_5545_requires_one() -> None:
    content = write_calendar(CALENDAR, [])
    calendar = read(content)
    assert (calendar.events, [zone.tz_id for zone in calendar.timezones]) == ([], ["UTC"])
    assert b"VTIMEZONE" not in write_calendar(CALENDAR, [TASK])


def test_a_calendar_without_a_name_is_named_after_its_owner() -> None:
    assert b"\r\nX-WR-CALNAME:Tasks of mia@example.com\r\n" in write_calendar(CALENDAR, [])


@pytest.mark.parametrize(
    ("recipient", "expected"), [("owner", "to the owner on"), ("boss@example.com", "to boss@example.com on")]
)
def test_a_message_names_its_recipient(recipient: str, expected: str) -> None:
    [event] = read(write_calendar(CALENDAR, [replace(MESSAGE, recipient=recipient)])).events
    assert expected in str(event.description)


@pytest.mark.parametrize("due_at", [datetime(1970, 1, 1, tzinfo=UTC), datetime.max.replace(tzinfo=UTC)])
def test_an_entry_can_be_due_at_any_time(due_at: datetime) -> None:
    [event] = read(write_calendar(CALENDAR, [replace(TASK, due_at=due_at)])).events
    assert event.start == due_at.replace(microsecond=0)


HOSTILE = "\r\nEND:VEVENT\r\nBEGIN:VEVENT\r\nSUMMARY:x"
BREAKS = "a\rb\x0bc\x0cd\x1ce\x1df\x1eg\x85h\u2028i\u2029j\tk\0l"
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=1000) | st.sampled_from(
    [HOSTILE, BREAKS, 'ATTACH;X="a":x', "\\n\\;\\,", "a" * 1000, "\U0001f469\U0001f3fd\u200d\U0001f4bb" * 200, "^n^'"]
)


@given(text=TEXTS, name=TEXTS, channel=st.none() | TEXTS, calendar_name=TEXTS)
@example(text=HOSTILE, name=HOSTILE, channel=HOSTILE, calendar_name=HOSTILE)
@example(text=BREAKS, name=BREAKS, channel=BREAKS, calendar_name=BREAKS)
def test_texts_inject_no_line_and_no_property(text: str, name: str, channel: str | None, calendar_name: str) -> None:
    entry = replace(TASK, text=text, lead_name=name, channel=channel, recipient=channel)
    content = write_calendar(replace(CALENDAR, name=calendar_name), [entry, TASK])

    lines = content.decode().split("\r\n")
    assert lines.pop() == ""
    assert max(len(line.encode()) for line in lines) <= 75
    unfolded = content.decode().replace("\r\n ", "").removesuffix("\r\n").split("\r\n")
    names = [re.split("[:;]", line)[0] for line in unfolded]
    assert sorted(names) == sorted([*NAMES, *EVENT_NAMES, *EVENT_NAMES, *["BEGIN", "END"] * 3])
    assert not re.search(r"[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029]", "".join(unfolded))

    first, second = read(content).events
    assert (first.uid, second.uid, second.summary) == (TASK.id, TASK.id, "Ada Muster: Call about the quote")
    assert len(str(first.summary)) <= SUBJECT_MAX + len("Message: ")
    shown = str(first.description or "")
    notice = "" if channel is None else "--Theservicewillsendthismessageto"
    assert _visible(shown).startswith(_visible(text) + notice)


def _visible(text: str) -> str:
    """Return the characters of a text that are neither blank nor control characters."""
    return re.sub(r"[\s\x00-\x1f\x7f-\x9f]", "", text)
