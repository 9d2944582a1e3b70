"""What clients see: the shapes of answers, and how domain values become them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Generic, TypeVar

import msgspec
from msgspec import UNSET, Meta, UnsetType

from leads_adapters.http.schemas import (
    Attributes,
    Channel,
    Email,
    Id,
    KeyName,
    KeyRole,
    Message,
    Name,
    Owner,
    Phone,
    Reason,
    Source,
    Status,
)
from leads_adapters.times import time_text
from leads_domain.access import ApiKey
from leads_domain.events import EventType, TimelineEntry
from leads_domain.follow_up import FollowUp, FollowUpState
from leads_domain.lead import Lead
from leads_domain.pipeline import Pipeline
from leads_domain.use_cases.export_lead import PersonalData

Item = TypeVar("Item")

Utc = Annotated[
    str,
    Meta(
        description="RFC 3339, in UTC, with microseconds.",
        examples=["2030-01-15T09:30:00.123456Z"],
        extra_json_schema={"format": "date-time"},
    ),
]


_NULL = Meta(examples=[None])
"""Marks a member that is null in the example."""


class LeadView(msgspec.Struct):
    """A lead."""

    id: Id
    name: Name
    email: Email
    phone: Phone | None
    status: Status
    status_reason: Annotated[Reason | None, _NULL]
    source: Source | None
    owner: Owner | None
    attributes: Attributes
    created_at: Utc
    updated_at: Utc
    contacted_at: Annotated[Utc | None, _NULL]
    next_follow_up_at: Utc | None
    version: Annotated[int, Meta(description="Grows with every change.", examples=[1])]


class FollowUpView(msgspec.Struct):
    """A follow-up."""

    id: Id
    lead_id: Id
    recipient: Annotated[
        str,
        Meta(description="`lead`, `owner`, or the address that a rule names.", examples=["lead", "sales@example.com"]),
    ]
    channel: Channel
    message: Message
    due_at: Utc
    state: FollowUpState
    attempts: Annotated[int, Meta(description="How many attempts were made.", examples=[0])]
    last_error: Annotated[str | None, _NULL]
    next_attempt_at: Utc | None
    sent_at: Annotated[Utc | None, _NULL]
    created_at: Utc
    updated_at: Utc
    rule_status: Annotated[
        str | None, Meta(description="The status of the lead whose rule made it, if one did.", examples=[None])
    ]


class TimelineEntryView(msgspec.Struct):
    """Something that happened to a lead."""

    id: Id
    type: EventType
    at: Utc
    actor: Annotated[str, Meta(description="The name of the API key, or `dispatcher`.")]
    data: Annotated[
        dict[str, Any],
        Meta(description="Details; which ones depends on the type.", examples=[{"status": "new", "source": "website"}]),
    ]


class ApiKeyView(msgspec.Struct):
    """What is known of an API key; its text is not."""

    id: Id
    name: KeyName
    role: KeyRole
    created_at: Utc
    last_used_at: Annotated[Utc, Meta(description="To the minute or so; null if it never was.")] | None
    revoked_at: Annotated[Utc | None, _NULL]


class NewApiKeyView(ApiKeyView):
    """A new API key, with its text."""

    key: Annotated[
        str,
        Meta(
            description="The text to send as X-API-Key. It is shown this once.",
            examples=["capture_5f0c" + 60 * "0" + "7a3b9d21"],
        ),
    ]


class PersonalDataView(msgspec.Struct):
    """Everything that is kept about a person."""

    lead: LeadView
    merged_ids: Annotated[Sequence[Id], Meta(description="The ids of leads that were merged into this one.")]
    follow_ups: Annotated[Sequence[FollowUpView], Meta(description="By due time.")]
    timeline: Annotated[Sequence[TimelineEntryView], Meta(description="The newest first.")]
    replied_at: Annotated[
        Sequence[Utc], Meta(description="When the answers were given that are kept for requests that are repeated.")
    ]


class Moved(msgspec.Struct):
    """The lead was merged into another one."""

    merged_into: Id


class PageView(msgspec.Struct, Generic[Item]):
    """A page of a list."""

    items: Sequence[Item]
    next_cursor: Annotated[str, Meta(description="Send it as `cursor` for the next page.")] | None
    total: Annotated[int, Meta(description="How many items there are on all pages, if asked for.")] | UnsetType = UNSET


class RowError(msgspec.Struct):
    """What is wrong with a row."""

    line: Annotated[int, Meta(description="Where the row starts in the file, from 1.", examples=[17])]
    pointer: Annotated[
        str, Meta(description="The faulty member (RFC 6901); empty for the whole row.", examples=["/email"])
    ]
    detail: Annotated[str, Meta(description="What to do.", examples=["Give an address such as john@example.com."])]


class ImportView(msgspec.Struct):
    """How many rows of a file came to what."""

    created: int
    updated: int
    unchanged: int
    duplicates: Annotated[int, Meta(description="Rows whose e-mail address is taken, with `on_duplicate=error`.")]
    refused: Annotated[int, Meta(description="Rows that break a rule.")]
    statuses_set: Annotated[int, Meta(description="New leads that have their status from the file.")]
    statuses_kept: Annotated[
        int, Meta(description="Rows that name a status for an existing lead, which keeps its own.")
    ]
    statuses_unknown: Annotated[
        int, Meta(description="Rows that name a status that the pipeline does not have; it becomes an attribute.")
    ]
    unknown_statuses: Annotated[Sequence[str], Meta(description="The first ten different ones of these.")]
    errors: Annotated[Sequence[RowError], Meta(description="Why rows were refused: the first thousand reasons.")]


class PipelineView(msgspec.Struct):
    """The statuses of a lead and the moves between them."""

    initial: Status
    statuses: Sequence[Status]
    transitions: Annotated[dict[str, Sequence[str]], Meta(description="The statuses that can follow each status.")]
    final: Sequence[Status]
    reason_required: Sequence[Status]


class Accepted(msgspec.Struct):
    """All that a capture key learns."""

    accepted: bool = True


class Health(msgspec.Struct):
    """The service is well."""

    status: str = "ok"


def lead_view(lead: Lead) -> LeadView:
    """Return a lead as clients see it."""
    return LeadView(**lead.to_dict(time_text))


def follow_up_view(follow_up: FollowUp) -> FollowUpView:
    """A follow-up as clients see it: without its lease."""
    return FollowUpView(
        id=follow_up.id,
        lead_id=follow_up.lead_id,
        recipient=follow_up.recipient,
        channel=follow_up.channel,
        message=follow_up.message,
        due_at=time_text(follow_up.due_at),
        state=follow_up.state,
        attempts=follow_up.attempts,
        last_error=follow_up.last_error,
        next_attempt_at=_utc(follow_up.next_attempt_at),
        sent_at=_utc(follow_up.sent_at),
        created_at=time_text(follow_up.created_at),
        updated_at=time_text(follow_up.updated_at),
        rule_status=follow_up.rule_status,
    )


def timeline_entry_view(entry: TimelineEntry) -> TimelineEntryView:
    """A timeline entry as clients see it."""
    at = time_text(entry.at)
    return TimelineEntryView(id=entry.id, type=entry.type, at=at, actor=entry.actor, data=dict(entry.data))


def api_key_view(key: ApiKey) -> ApiKeyView:
    """A key as administrators see it: without its digest."""
    return ApiKeyView(
        id=key.id,
        name=key.name,
        role=key.role,
        created_at=time_text(key.created_at),
        last_used_at=_utc(key.last_used_at),
        revoked_at=_utc(key.revoked_at),
    )


def personal_data_view(personal_data: PersonalData) -> PersonalDataView:
    """Everything that is kept about a person, as clients see it."""
    return PersonalDataView(
        lead=lead_view(personal_data.lead),
        merged_ids=personal_data.merged_ids,
        follow_ups=[follow_up_view(each) for each in personal_data.follow_ups],
        timeline=[timeline_entry_view(each) for each in personal_data.timeline],
        replied_at=[time_text(at) for at in personal_data.replied_at],
    )


def pipeline_view(pipeline: Pipeline) -> PipelineView:
    """The pipeline as clients see it, statuses in the order of its declaration."""
    return PipelineView(
        initial=pipeline.initial,
        statuses=pipeline.statuses,
        transitions=dict(pipeline.transitions),
        final=[status for status in pipeline.statuses if status in pipeline.final],
        reason_required=[status for status in pipeline.statuses if status in pipeline.reason_required],
    )


def _utc(at: datetime | None) -> str | None:
    return None if at is None else time_text(at)
