"""Write calendars in the format iCalendar (RFC 5545)."""

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

from leads_domain.calendar import Calendar, CalendarEntry
from leads_domain.control_characters import remove_controls
from leads_domain.notices import subject_of

if TYPE_CHECKING:
    from icalendar import Event

MEDIA_TYPE = "text/calendar"

_LENGTH = timedelta(minutes=30)
_REFRESH = timedelta(hours=1)


def write_calendar(calendar: Calendar, entries: Sequence[CalendarEntry]) -> bytes:
    """Return a calendar with an event for each entry. The same entries make the same bytes.

    This takes up to a millisecond for each entry.
    """
    from icalendar import Calendar as Written  # noqa: PLC0415 - slow to import
    from icalendar import Timezone, vDuration, vText  # noqa: PLC0415

    written = Written()
    written.add("version", "2.0")
    written.add("prodid", "-//leads//leads//EN")
    for name in ("name", "x-wr-calname"):  # RFC 7986, and what programs have used before it
        written.add(name, vText(_lines(calendar.name or f"Tasks of {calendar.owner}")))
    written.add("refresh-interval", vDuration(_REFRESH), parameters={"VALUE": "DURATION"})
    written.add("x-published-ttl", vDuration(_REFRESH))
    for entry in entries:
        written.add_component(_event(entry))
    if not entries:  # the format requires a component
        written.add_component(Timezone.from_tzid("UTC"))
    content: bytes = written.to_ical()
    return content


def _event(entry: CalendarEntry) -> "Event":
    from icalendar import Event  # noqa: PLC0415

    event = Event()
    for name, value in {
        "uid": entry.id,
        "sequence": entry.sequence,
        "created": entry.created_at,
        "last-modified": entry.changed_at,
        "dtstamp": entry.changed_at,
        "dtstart": entry.due_at,
        "duration": _LENGTH,  # an end could be after the year 9999
        "transp": "TRANSPARENT",  # the person is not busy
        "summary": _summary(entry),
        "description": _description(entry),
    }.items():
        event.add(name, value)
    return event


def _summary(entry: CalendarEntry) -> str:
    subject = subject_of(entry.text, entry.lead_name)
    return subject if entry.channel is None else f"Message: {subject}"


def _description(entry: CalendarEntry) -> str:
    """Return the text of an entry, and the recipient of a message."""
    if entry.channel is None:
        return _lines(entry.text)
    recipient = f"the {entry.recipient}" if entry.recipient in {"lead", "owner"} else entry.recipient
    notice = f"The service will send this message to {recipient} on the channel {entry.channel}."
    return _lines(f"{entry.text}\n\n-- \n{notice}")


def _lines(text: str) -> str:
    """Return a text whose only control characters are tabs and line feeds, which the library escapes."""
    return remove_controls("\n".join(text.splitlines()))
