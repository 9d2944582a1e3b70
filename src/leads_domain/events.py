"""Events, and the timeline entries that store them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum

from leads_domain.sources import IdSource

Json = str | int | float | bool | None | Mapping[str, "Json"] | list["Json"]


class EventType(StrEnum):
    """The type of an event of a lead, a follow-up or a task."""

    LEAD_CREATED = "lead.created"
    LEAD_UPDATED = "lead.updated"
    LEAD_STATUS_CHANGED = "lead.status_changed"
    LEAD_ENQUIRED = "lead.enquired"
    LEAD_REPLIED = "lead.replied"
    LEAD_NOTE_ADDED = "lead.note_added"
    LEAD_MERGED = "lead.merged"
    LEAD_OPTED_OUT = "lead.opted_out"
    LEAD_OPTED_IN = "lead.opted_in"
    LEAD_ERASED = "lead.erased"
    FOLLOW_UP_SCHEDULED = "follow_up.scheduled"
    FOLLOW_UP_SENT = "follow_up.sent"
    FOLLOW_UP_ATTEMPT_FAILED = "follow_up.attempt_failed"
    FOLLOW_UP_FAILED = "follow_up.failed"
    FOLLOW_UP_BOUNCED = "follow_up.bounced"
    FOLLOW_UP_CANCELLED = "follow_up.cancelled"
    FOLLOW_UP_RESCHEDULED = "follow_up.rescheduled"
    TASK_CREATED = "task.created"
    TASK_CHANGED = "task.changed"
    TASK_DONE = "task.done"
    TASK_CANCELLED = "task.cancelled"


@dataclass(frozen=True, slots=True)
class Event:
    """An event of a lead; `data` can be encoded as JSON and depends on the type."""

    type: EventType
    data: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class TimelineEntry:
    """An event as stored, with its lead, time and actor.

    `actor` is the name of the API key that caused the event, or of a part of the service, such as the dispatcher.
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
    """Format a time as in RFC 3339, in UTC with `Z` and microseconds. The texts sort in the order of their times.

    Raises `ValueError` for a time without an offset from UTC.
    """
    if at.tzinfo is None:
        message = "A time needs an offset from UTC."
        raise ValueError(message)
    return at.astimezone(UTC).isoformat("T", "microseconds").removesuffix("+00:00") + "Z"
