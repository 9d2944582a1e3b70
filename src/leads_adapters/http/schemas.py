"""What clients send, and the members of which answers consist; the OpenAPI document is made from these.

Lengths and formats stand here for the reader only (`extra_json_schema`): the domain checks them, so
that all faults are told together and hold on every way in. `x-one-of` names a list of values that is
known when the service starts; the document has an `enum` in its place. `x-or-blank` adds blank text to the
alternatives of a member.
"""

from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

from leads_adapters.http.decoding import MEMBERS_MAX
from leads_domain import details, follow_up, paging
from leads_domain.access import Role
from leads_domain.details import Scalar
from leads_domain.follow_up import FollowUpState, Recipient
from leads_domain.paging import LeadSort
from leads_domain.use_cases import add_note
from leads_domain.use_cases.find_leads import FollowedUp
from leads_domain.use_cases.manage_keys import KEY_NAME_MAX
from leads_domain.use_cases.register_lead import OnDuplicate


def _text(description: str, most: int, example: str) -> Meta:
    """A text of which something is left when outer white space is removed."""
    limits = {"minLength": 1, "maxLength": most, "pattern": r"[^\s\u001c-\u001f\u0085]"}
    return Meta(description=description, examples=[example], extra_json_schema=limits)


OR_BLANK = Meta(extra_json_schema={"x-or-blank": True})
"""Marks an optional member: blank text, which forms send for an empty field, is taken as null."""

Id = Annotated[str, Meta(description="A UUIDv7 (RFC 9562).", extra_json_schema={"format": "uuid"})]
Time = Annotated[datetime, Meta(tz=True, description="RFC 3339, with an offset.")]
Name = Annotated[str, _text("Who it is. Outer white space is removed.", details.NAME_MAX, "John Doe")]
Email = Annotated[
    str,
    Meta(
        description="Kept as typed; two spellings of one address are one lead.",
        examples=["john@example.com"],
        extra_json_schema={"format": "idn-email"},
    ),
]
Owner = Annotated[
    str,
    Meta(
        description="The e-mail address of whoever looks after the lead.",
        examples=["sales@example.com"],
        extra_json_schema={"format": "idn-email"},
    ),
]
Phone = Annotated[
    str,
    Meta(
        description="International, or national if the service has a default region. Stored in E.164 form. "
        'A placeholder such as "N/A" means null.',
        examples=["+49123456789"],
        extra_json_schema={"format": "phone"},
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
    dict[str, Scalar],
    Meta(
        description="Attributes to set, by name; null removes one.",
        examples=[{"company": "ACME", "fax": None}],
        max_length=MEMBERS_MAX,
        extra_json_schema={"propertyNames": {"minLength": 1, "maxLength": details.ATTRIBUTE_NAME_MAX}},
    ),
]
Status = Annotated[str, Meta(description="A status of the pipeline.", extra_json_schema={"x-one-of": "statuses"})]
Message = Annotated[str, _text("What to say.", follow_up.MESSAGE_MAX, "Shall we talk on Tuesday?")]
Channel = Annotated[str, Meta(description="The name of a channel.", examples=["log"])]
KeyName = Annotated[
    str, _text("Whose key it is; told in the timeline. Several keys may have one name.", KEY_NAME_MAX, "Web form")
]
KeyRole = Annotated[Role, Meta(description="What the key may do.", examples=["capture"])]
ConfiguredChannel = Annotated[
    str, Meta(description="The name of a configured channel.", extra_json_schema={"x-one-of": "channels"})
]


class NewLead(msgspec.Struct, forbid_unknown_fields=True):
    """A lead to take in."""

    name: Name
    email: Email
    phone: Annotated[Phone | None | UnsetType, OR_BLANK] = UNSET
    source: Annotated[Source | None | UnsetType, OR_BLANK] = UNSET
    owner: Annotated[Owner | None | UnsetType, OR_BLANK] = UNSET
    attributes: Attributes | UnsetType = UNSET


class LeadPatch(msgspec.Struct, forbid_unknown_fields=True):
    """A JSON Merge Patch (RFC 7396): what is left out stays, null and blank text empty."""

    name: Name | UnsetType = UNSET
    email: Email | UnsetType = UNSET
    phone: Annotated[Phone | None | UnsetType, OR_BLANK] = UNSET
    status: Status | UnsetType = UNSET
    status_reason: Annotated[Reason | None | UnsetType, OR_BLANK] = UNSET
    source: Annotated[Source | None | UnsetType, OR_BLANK] = UNSET
    owner: Annotated[Owner | None | UnsetType, OR_BLANK] = UNSET
    attributes: AttributesPatch | UnsetType = UNSET


class NewNote(msgspec.Struct, forbid_unknown_fields=True):
    """A note to write down."""

    text: Annotated[str, _text("What to know.", add_note.NOTE_MAX, "Prefers to be called in the morning.")]


class NewMerge(msgspec.Struct, forbid_unknown_fields=True):
    """Which lead to merge into the one of the path."""

    duplicate_id: Id


class NewFollowUp(msgspec.Struct, forbid_unknown_fields=True):
    """A follow-up to schedule. Every member has a default; null and blank text ask for it."""

    channel: Annotated[ConfiguredChannel | None | UnsetType, OR_BLANK] = UNSET
    message: Annotated[Message | None | UnsetType, OR_BLANK] = UNSET
    due_at: Annotated[Time | None | UnsetType, OR_BLANK] = UNSET
    recipient: Annotated[Recipient | None | UnsetType, OR_BLANK] = UNSET


class FollowUpPatch(msgspec.Struct, forbid_unknown_fields=True):
    """A JSON Merge Patch (RFC 7396): what is left out stays."""

    due_at: Time | UnsetType = UNSET
    message: Message | UnsetType = UNSET


class NewApiKey(msgspec.Struct, forbid_unknown_fields=True):
    """A key to make."""

    name: KeyName
    role: KeyRole


class RegisterQuery(msgspec.Struct):
    """How to take a lead in."""

    on_duplicate: Annotated[
        OnDuplicate, Meta(description="What to do if the e-mail address is taken: refuse, return that lead, update it.")
    ] = OnDuplicate.ERROR


class ImportQuery(RegisterQuery):
    """How to take a file of leads in."""

    dry_run: Annotated[bool, Meta(description="Tell what would become of the rows, and keep nothing.")] = False
    rules: Annotated[bool, Meta(description="Start the follow-up rules of the status that each new lead is in.")] = (
        False
    )


Limit = Annotated[int, Meta(ge=1, le=paging.LIMIT_MAX, description="How many items a page has at the most.")]
Cursor = Annotated[
    str,
    Meta(
        description="`next_cursor` of the page before, with the same filters and sort.",
        extra_json_schema={"format": "cursor"},
    ),
]

_FOLLOW_UP = (
    "Only leads that have a scheduled follow-up (`scheduled`), one whose due time has passed (`overdue`), or none."
)
_Q = (
    "Only leads with these words: each begins a word of the name, the e-mail address, the telephone number or the "
    "source, whatever its case and accents. Apostrophes and hyphens may be left out. A telephone number is found by "
    "its international form, its national form, and its last 3 digits or more, however it is spaced."
)


Count = Annotated[bool, Meta(description="Whether to count the items on all pages: `total`.")]


class PageQuery(msgspec.Struct):
    """Which page of a list."""

    limit: Limit = paging.LIMIT_DEFAULT
    cursor: Cursor | None = None
    count: Count = False


class LeadFilters(msgspec.Struct):
    """Which leads."""

    status: Annotated[tuple[Status, ...], Meta(description="Only leads with one of these statuses.")] = ()
    source: Annotated[str, Meta(description="Only leads from this source, exactly.")] | None = None
    owner: Annotated[str, Meta(description="Only leads of this owner, however the address is spelled.")] | None = None
    email: Annotated[str, Meta(description="Only the lead with this address, however it is spelled.")] | None = None
    created_from: Annotated[Time, Meta(description="Only leads created at this time or later.")] | None = None
    created_to: Annotated[Time, Meta(description="Only leads created before this time.")] | None = None
    updated_from: Annotated[Time, Meta(description="Only leads changed at this time or later.")] | None = None
    follow_up: Annotated[FollowedUp, Meta(description=_FOLLOW_UP)] | None = None
    q: Annotated[str, Meta(description=_Q, examples=["john exam"])] | None = None


class LeadListQuery(LeadFilters):
    """Which leads, in which order, and which page of them (`PageQuery`: a struct has one base)."""

    limit: Limit = paging.LIMIT_DEFAULT
    cursor: Cursor | None = None
    count: Count = False
    sort: Annotated[LeadSort, Meta(description="The order; within it by id. A minus turns it round.")] = (
        LeadSort.NEWEST_FIRST
    )


class LeadExportQuery(LeadFilters):
    """Which leads: the filters of the list. All of them come, in an order that no change disturbs."""


class FollowUpListQuery(PageQuery):
    """Which follow-ups, and which page of them."""

    state: Annotated[tuple[FollowUpState, ...], Meta(description="Only follow-ups in one of these states.")] = ()
    overdue: Annotated[bool, Meta(description="Only those still scheduled whose due time has passed.")] = False
    due_before: Annotated[Time, Meta(description="Only those that are due before this time.")] | None = None
    channel: Channel | None = None


class Nothing(msgspec.Struct):
    """No query parameters."""
