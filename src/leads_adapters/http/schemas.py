"""What goes over the wire; the OpenAPI document is made from these.

Lengths and formats stand here for the reader only (`extra_json_schema`): the domain checks them, so
that all faults are told together and hold on every way in. `x-one-of` names a list of values that is
known when the service starts; the document has an `enum` in its place.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Generic, TypeVar

import msgspec
from msgspec import UNSET, Meta, UnsetType

from leads_domain import details, follow_up, paging
from leads_domain.details import Scalar
from leads_domain.events import EventType, TimelineEntry, rfc3339
from leads_domain.follow_up import FollowUp, FollowUpState, Recipient
from leads_domain.lead import Lead
from leads_domain.paging import LeadSort
from leads_domain.pipeline import Pipeline
from leads_domain.use_cases.register_lead import OnDuplicate

Item = TypeVar("Item")


def _text(description: str, most: int, example: str) -> Meta:
    return Meta(description=description, examples=[example], extra_json_schema={"minLength": 1, "maxLength": most})


Id = Annotated[str, Meta(description="A UUIDv7 (RFC 9562).", extra_json_schema={"format": "uuid"})]
Time = Annotated[datetime, Meta(tz=True, description="RFC 3339, with an offset.")]
Utc = Annotated[
    str,
    Meta(
        description="RFC 3339, in UTC, with microseconds.",
        examples=["2026-11-22T06:15:00.123456Z"],
        extra_json_schema={"format": "date-time"},
    ),
]
Name = Annotated[str, _text("Who it is. Outer white space is removed.", details.NAME_MAX, "John Doe")]
Email = Annotated[
    str,
    Meta(
        description="Kept as typed; two spellings of one address are one lead.",
        examples=["john@example.com"],
        extra_json_schema={"format": "idn-email"},
    ),
]
Phone = Annotated[
    str,
    Meta(
        description="International, or national if the service has a default region. Kept in E.164 form.",
        examples=["+49123456789"],
    ),
]
Source = Annotated[str, _text("Where the lead came from.", details.SOURCE_MAX, "website")]
Reason = Annotated[str, _text("Why the lead has its status.", details.REASON_MAX, "too expensive")]
Attributes = Annotated[
    dict[str, Scalar],
    Meta(
        description=f"Up to {details.ATTRIBUTES_MAX} further facts; names of up to {details.ATTRIBUTE_NAME_MAX} "
        f"characters, texts of up to {details.ATTRIBUTE_TEXT_MAX}.",
        examples=[{"company": "ACME"}],
        extra_json_schema={
            "maxProperties": details.ATTRIBUTES_MAX,
            "propertyNames": {"minLength": 1, "maxLength": details.ATTRIBUTE_NAME_MAX},
        },
    ),
]
AttributesPatch = Annotated[
    dict[str, Scalar], Meta(description="Attributes to set, by name; null removes one.", examples=[{"company": None}])
]
Status = Annotated[str, Meta(description="A status of the pipeline.", extra_json_schema={"x-one-of": "statuses"})]
Message = Annotated[str, _text("What to say.", follow_up.MESSAGE_MAX, "Shall we talk on Tuesday?")]
Channel = Annotated[str, Meta(description="The name of a channel.", examples=["log"])]
ConfiguredChannel = Annotated[
    str, Meta(description="The name of a configured channel.", extra_json_schema={"x-one-of": "channels"})
]


class NewLead(msgspec.Struct, forbid_unknown_fields=True):
    """A lead to take in."""

    name: Name
    email: Email
    phone: Phone | None | UnsetType = UNSET
    source: Source | None | UnsetType = UNSET
    owner: Email | None | UnsetType = UNSET
    attributes: Attributes | UnsetType = UNSET


class LeadPatch(msgspec.Struct, forbid_unknown_fields=True):
    """A JSON Merge Patch (RFC 7396): what is left out stays, null empties."""

    name: Name | UnsetType = UNSET
    email: Email | UnsetType = UNSET
    phone: Phone | None | UnsetType = UNSET
    status: Status | UnsetType = UNSET
    status_reason: Reason | None | UnsetType = UNSET
    source: Source | None | UnsetType = UNSET
    owner: Email | None | UnsetType = UNSET
    attributes: AttributesPatch | UnsetType = UNSET


class NewFollowUp(msgspec.Struct, forbid_unknown_fields=True):
    """A follow-up to schedule; everything has a default."""

    channel: ConfiguredChannel | UnsetType = UNSET
    message: Message | UnsetType = UNSET
    due_at: Time | UnsetType = UNSET
    recipient: Recipient | UnsetType = UNSET


class RegisterQuery(msgspec.Struct):
    """How to take a lead in."""

    on_duplicate: Annotated[
        OnDuplicate, Meta(description="What to do if the e-mail address is taken: refuse, return that lead, update it.")
    ] = OnDuplicate.ERROR


Limit = Annotated[int, Meta(ge=1, le=paging.LIMIT_MAX, description="How many items a page has at the most.")]
Cursor = Annotated[str, Meta(description="`next_cursor` of the page before, with the same filters and sort.")]


class PageQuery(msgspec.Struct):
    """Which page of a list."""

    limit: Limit = paging.LIMIT_DEFAULT
    cursor: Cursor | None = None


class LeadListQuery(PageQuery):
    """Which leads, in which order, and which page of them."""

    status: Annotated[tuple[Status, ...], Meta(description="Only leads with one of these statuses.")] = ()
    email: Annotated[str, Meta(description="Only the lead with this address, however it is spelled.")] | None = None
    sort: LeadSort = LeadSort.NEWEST_FIRST


class Nothing(msgspec.Struct):
    """No query parameters."""


class LeadView(msgspec.Struct):
    """A lead."""

    id: Id
    name: Name
    email: Email
    phone: Phone | None
    status: Status
    status_reason: Reason | None
    source: Source | None
    owner: Email | None
    attributes: Attributes
    created_at: Utc
    updated_at: Utc
    contacted_at: Utc | None
    next_follow_up_at: Utc | None
    version: Annotated[int, Meta(description="Grows with every change.")]


class FollowUpView(msgspec.Struct):
    """A follow-up."""

    id: Id
    lead_id: Id
    recipient: Recipient
    channel: Channel
    message: Message
    due_at: Utc
    state: FollowUpState
    attempts: int
    last_error: str | None
    next_attempt_at: Utc | None
    sent_at: Utc | None
    created_at: Utc
    updated_at: Utc


class TimelineEntryView(msgspec.Struct):
    """Something that happened to a lead."""

    id: Id
    type: EventType
    at: Utc
    actor: Annotated[str, Meta(description="The name of the API key, or `dispatcher`.")]
    data: Annotated[dict[str, Any], Meta(description="What happened in particular; depends on the type.")]


class PageView(msgspec.Struct, Generic[Item]):
    """A page of a list."""

    items: Sequence[Item]
    next_cursor: Annotated[str, Meta(description="Send it as `cursor` for the next page.")] | None


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
    """A lead as clients see it."""
    return LeadView(
        id=lead.id,
        name=lead.name,
        email=lead.email.address,
        phone=str(lead.phone) if lead.phone else None,
        status=lead.status,
        status_reason=lead.status_reason,
        source=lead.source,
        owner=lead.owner.address if lead.owner else None,
        attributes=dict(lead.attributes),
        created_at=rfc3339(lead.created_at),
        updated_at=rfc3339(lead.updated_at),
        contacted_at=_utc(lead.contacted_at),
        next_follow_up_at=_utc(lead.next_follow_up_at),
        version=lead.version,
    )


def follow_up_view(follow_up: FollowUp) -> FollowUpView:
    """A follow-up as clients see it: without its lease."""
    return FollowUpView(
        id=follow_up.id,
        lead_id=follow_up.lead_id,
        recipient=follow_up.recipient,
        channel=follow_up.channel,
        message=follow_up.message,
        due_at=rfc3339(follow_up.due_at),
        state=follow_up.state,
        attempts=follow_up.attempts,
        last_error=follow_up.last_error,
        next_attempt_at=_utc(follow_up.next_attempt_at),
        sent_at=_utc(follow_up.sent_at),
        created_at=rfc3339(follow_up.created_at),
        updated_at=rfc3339(follow_up.updated_at),
    )


def timeline_entry_view(entry: TimelineEntry) -> TimelineEntryView:
    """A timeline entry as clients see it."""
    at = rfc3339(entry.at)
    return TimelineEntryView(id=entry.id, type=entry.type, at=at, actor=entry.actor, data=dict(entry.data))


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
    return None if at is None else rfc3339(at)
