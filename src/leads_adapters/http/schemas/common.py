"""The members of request and response bodies.

Lengths and formats stand here for the reader only (`extra_json_schema`): the domain checks them, so that all errors
are reported together, and hold on every way in. `x-one-of` names a list of values that is known when the service
starts; the document has an `enum` in its place. `x-or-blank` adds blank text to the alternatives of a member.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

from msgspec import Meta

from leads_domain import details, follow_up
from leads_domain.access import Role
from leads_domain.use_cases import add_note
from leads_domain.use_cases.manage_keys import KEY_NAME_MAX

MEMBERS_MAX = 100
"""How many members an object may have: twice as many as a lead has attributes, so that all can be replaced."""


NO_NUL = {"not": {"pattern": r"\u0000"}}
"""Of all texts: PostgreSQL cannot store the character."""

ADDRESS = {
    "format": "idn-email",
    "maxLength": 254,
    "pattern": r"\.(?!(arpa|invalid|local|localhost|onion|test)\s*$)[^.@]+$",
}
"""Of e-mail addresses: the domains without mail are those that email-validator refuses."""


def _text(description: str, max_length: int, example: str) -> Meta:
    """A text of which something is left when outer white space is removed."""
    limits = {"minLength": 1, "maxLength": max_length, "pattern": r"[^\s\u001c-\u001f\u0085]", **NO_NUL}
    return Meta(description=description, examples=[example], extra_json_schema=limits)


def _format(limits: Mapping[str, Any], description: str, example: str) -> Meta:
    return Meta(description=description, examples=[example], extra_json_schema=dict(limits))


OR_BLANK = Meta(extra_json_schema={"x-or-blank": True})
"""Marks an optional member: blank text, which forms send for an empty field, is taken as null."""

Id = Annotated[str, Meta(description="A UUIDv7 (RFC 9562).", extra_json_schema={"format": "uuid"})]
Time = Annotated[datetime, Meta(tz=True, description="RFC 3339, with an offset.")]
Name = Annotated[str, _text("Who it is. Outer white space is removed.", details.NAME_MAX, "John Doe")]
Email = Annotated[
    str, _format(ADDRESS, "Kept as typed; two spellings of one address are one lead.", "john@example.com")
]
Owner = Annotated[
    str, _format(ADDRESS, "The e-mail address of the colleague who looks after the lead.", "sales@example.com")
]
_PHONE = (
    "International, or national if the service has a default region. Stored in E.164 form. "
    'A placeholder such as "N/A" means null.'
)
Phone = Annotated[str, _format({"format": "phone", "maxLength": 50}, _PHONE, "+49123456789")]
Source = Annotated[str, _text("Where the lead came from.", details.SOURCE_MAX, "website")]
Reason = Annotated[str, _text("Why the lead has its status.", details.REASON_MAX, "too expensive")]
_ATTRIBUTE_NAME = {"minLength": 1, "maxLength": details.ATTRIBUTE_NAME_MAX, **NO_NUL}
_ATTRIBUTE_TEXT = Meta(extra_json_schema={"maxLength": details.ATTRIBUTE_TEXT_MAX, **NO_NUL})
Attribute = Annotated[str, _ATTRIBUTE_TEXT] | int | float | bool | None
Attributes = Annotated[
    dict[str, Attribute],
    Meta(
        description=f"Up to {details.ATTRIBUTES_MAX} further facts; names of up to {details.ATTRIBUTE_NAME_MAX} "
        f"characters, texts of up to {details.ATTRIBUTE_TEXT_MAX}.",
        examples=[{"company": "ACME"}],
        extra_json_schema={
            "maxProperties": details.ATTRIBUTES_MAX,
            "propertyNames": _ATTRIBUTE_NAME,
        },
    ),
]
AttributesPatch = Annotated[
    dict[str, Attribute],
    Meta(
        description="Attributes to set, by name; null removes one.",
        examples=[{"company": "ACME", "fax": None}],
        max_length=MEMBERS_MAX,
        extra_json_schema={"propertyNames": _ATTRIBUTE_NAME},
    ),
]
Status = Annotated[str, Meta(description="A status of the pipeline.", extra_json_schema={"x-one-of": "statuses"})]
Note = Annotated[str, _text("What to know.", add_note.NOTE_MAX, "Prefers to be called in the morning.")]
Message = Annotated[str, _text("What to say.", follow_up.MESSAGE_MAX, "Shall we talk on Tuesday?")]
Channel = Annotated[str, Meta(description="The name of a channel.", examples=["log"], extra_json_schema=NO_NUL)]
KeyName = Annotated[
    str, _text("Whose key it is; told in the timeline. Several keys may have one name.", KEY_NAME_MAX, "Web form")
]
KeyRole = Annotated[Role, Meta(description="What the key may do.", examples=["capture"])]
ConfiguredChannel = Annotated[
    str, Meta(description="The name of a configured channel.", extra_json_schema={"x-one-of": "channels"})
]

Utc = Annotated[
    str, _format({"format": "date-time"}, "RFC 3339, in UTC, with microseconds.", "2030-01-15T09:30:00.123456Z")
]

NULL = Meta(examples=[None])
"""Marks a member that is null in the example."""
