"""Events, and the timeline entries that they become."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum

from leads_domain.sources import IdSource

Json = str | int | float | bool | None | Mapping[str, "Json"] | list["Json"]


class EventType(StrEnum):
    """Everything that can happen to a lead or to one of its follow-ups."""

    LEAD_CREATED = "lead.created"
    LEAD_UPDATED = "lead.updated"
    LEAD_STATUS_CHANGED = "lead.status_changed"
    LEAD_NOTE_ADDED = "lead.note_added"
    LEAD_MERGED = "lead.merged"
    LEAD_ERASED = "lead.erased"
    FOLLOW_UP_SCHEDULED = "follow_up.scheduled"
    FOLLOW_UP_SENT = "follow_up.sent"
    FOLLOW_UP_ATTEMPT_FAILED = "follow_up.attempt_failed"
    FOLLOW_UP_FAILED = "follow_up.failed"
    FOLLOW_UP_CANCELLED = "follow_up.cancelled"
    FOLLOW_UP_RESCHEDULED = "follow_up.rescheduled"


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened; `data` is ready for JSON and depends on the type."""

    type: EventType
    data: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class TimelineEntry:
    """An event, fixed to the lead it happened to, to its time and to who caused it.

    `actor` is the name of an API key, or of the part of the service that acted by itself.
    """

    id: str
    lead_id: str
    type: EventType
    at: datetime
    actor: str
    data: Mapping[str, Json]


def make_entries(
    lead_id: str, events: Iterable[Event], *, at: datetime, actor: str, ids: IdSource
) -> list[TimelineEntry]:
    """Return the timeline entries of `events`, in their order."""
    return [
        TimelineEntry(id=ids.new(), lead_id=lead_id, type=event.type, at=at, actor=actor, data=event.data)
        for event in events
    ]


def rfc3339(at: datetime) -> str:
    """Return a time as RFC 3339 text in UTC with `Z` and microseconds: of fixed width, so that it sorts as text.

    Raises `ValueError` for a time without an offset from UTC.
    """
    if at.tzinfo is None:
        message = "A time needs an offset from UTC."
        raise ValueError(message)
    return at.astimezone(UTC).isoformat("T", "microseconds").removesuffix("+00:00") + "Z"
