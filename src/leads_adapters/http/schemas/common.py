"""Define the fields of request and response bodies.

Lengths and formats (`extra_json_schema`) are documentation only: the domain checks them, for HTTP and for files, and
reports all errors together. `x-one-of` names a list of values that is known when the service starts; the OpenAPI
document has an `enum` instead. `x-or-blank` adds blank text to the alternatives of a field.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

from msgspec import Meta

from leads_domain import details, enquiry, follow_up, task
from leads_domain.access import Role
from leads_domain.control_characters import CONTROL, CONTROL_IN_TEXT
from leads_domain.use_cases import add_note
from leads_domain.use_cases.manage_calendars import CALENDAR_NAME_MAX
from leads_domain.use_cases.manage_keys import KEY_NAME_MAX

FIELDS_MAX = 100
"""The maximum number of fields of an object: a patch can remove all attributes of a lead and add as many."""


NO_NUL = {"not": {"pattern": r"\u0000"}}
"""Applies to filters: PostgreSQL cannot compare the NUL character."""

_NO_CONTROLS = {"not": {"pattern": CONTROL_IN_TEXT.pattern.replace(r"\x", r"\u00")}}
_ONE_LINE = {"not": {"pattern": CONTROL.pattern.replace(r"\x", r"\u00")}}

ADDRESS = {
    "format": "idn-email",
    "maxLength": 254,
    "pattern": r"\.(?!(arpa|invalid|local|localhost|onion|test)\s*$)[^.@]+$",
}
"""Applies to e-mail addresses. The pattern excludes the domains that email-validator refuses."""


def _text(description: str, max_length: int, example: str, allowed: Mapping[str, Any] = _NO_CONTROLS) -> Meta:
    """Describe a text that is not blank."""
    limits = {"minLength": 1, "maxLength": max_length, "pattern": r"[^\s\u001c-\u001f\u0085]", **allowed}
    return Meta(description=description, examples=[example], extra_json_schema=limits)


def _format(limits: Mapping[str, Any], description: str, example: str) -> Meta:
    return Meta(description=description, examples=[example], extra_json_schema=dict(limits))


OR_BLANK = Meta(extra_json_schema={"x-or-blank": True})
"""Marks an optional field: blank text, which forms send for an empty field, means null."""

Id = Annotated[str, Meta(description="A UUIDv7 (RFC 9562).", extra_json_schema={"format": "uuid"})]
Time = Annotated[datetime, Meta(tz=True, description="A time with an offset (RFC 3339).")]
Name = Annotated[
    str, _text("The name of the person. White space around it is removed.", details.NAME_MAX, "John Doe", _ONE_LINE)
]
Email = Annotated[
    str,
    _format(
        ADDRESS,
        'Stored as typed. All spellings of an address identify the same lead. A placeholder such as "N/A" means null.',
        "john@example.com",
    ),
]
Owner = Annotated[
    str, _format(ADDRESS, "The e-mail address of the colleague who is responsible for the lead.", "sales@example.com")
]
DoNotContact = Annotated[
    bool, Meta(description="The person has opted out: no message is sent to the lead, not even by a rule.")
]
_PHONE = (
    "An international phone number, or a national one if the service has a default region. Stored in E.164 form. "
    'It identifies a lead without an e-mail address. A placeholder such as "N/A" means null.'
)
Phone = Annotated[str, _format({"format": "phone", "maxLength": 50}, _PHONE, "+49123456789")]
Source = Annotated[str, _text("Where the lead came from.", details.SOURCE_MAX, "website", _ONE_LINE)]
Reason = Annotated[str, _text("The reason for the status.", details.REASON_MAX, "too expensive")]
_ATTRIBUTE_NAME = {"minLength": 1, "maxLength": details.ATTRIBUTE_NAME_MAX, **_ONE_LINE}
_ATTRIBUTE_TEXT = Meta(extra_json_schema={"maxLength": details.ATTRIBUTE_TEXT_MAX, **_NO_CONTROLS})
Attribute = Annotated[str, _ATTRIBUTE_TEXT] | int | float | bool | None
Attributes = Annotated[
    dict[str, Attribute],
    Meta(
        description=f"Up to {details.ATTRIBUTES_MAX} more values by name. "
        f"A name has up to {details.ATTRIBUTE_NAME_MAX} characters, a text up to {details.ATTRIBUTE_TEXT_MAX}.",
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
        description="The attributes to set, by name. Null removes an attribute.",
        examples=[{"company": "ACME", "fax": None}],
        max_length=FIELDS_MAX,
        extra_json_schema={"propertyNames": _ATTRIBUTE_NAME},
    ),
]
Status = Annotated[str, Meta(description="A status of the pipeline.", extra_json_schema={"x-one-of": "statuses"})]
Note = Annotated[str, _text("The text of the note.", add_note.NOTE_MAX, "Prefers to be called in the morning.")]
Message = Annotated[str, _text("The text of the message.", follow_up.MESSAGE_MAX, "Shall we talk on Tuesday?")]
EnquiryMessage = Annotated[
    str, _text("The message of the person.", enquiry.MESSAGE_MAX, "Do you deliver on Saturdays?")
]
TaskText = Annotated[str, _text("What to do.", task.TEXT_MAX, "Call about the quote")]
Outcome = Annotated[str, _text("What came of the task.", task.OUTCOME_MAX, "Wants a new quote by Friday")]
DueTime = Annotated[
    datetime,
    Meta(tz=True, description="A time with an offset (RFC 3339), from 1970 on. A time in the past is overdue at once."),
]
Assignee = Annotated[str, _format(ADDRESS, "The e-mail address of the colleague who does the task.", "mia@example.com")]
Channel = Annotated[str, Meta(description="The name of a channel.", examples=["log"], extra_json_schema=NO_NUL)]
KeyName = Annotated[
    str,
    _text(
        "The name of the key, shown as `actor` in timelines. It need not be unique.",
        KEY_NAME_MAX,
        "Web form",
        _ONE_LINE,
    ),
]
KeyRole = Annotated[
    Role, Meta(description="The role of the key: it decides what the key permits.", examples=["capture"])
]
CalendarName = Annotated[str, _text("The name that calendar programs show.", CALENDAR_NAME_MAX, "My tasks", _ONE_LINE)]
CalendarOwner = Annotated[
    str, _format(ADDRESS, "The e-mail address of the person whose tasks the calendar shows.", "mia@example.com")
]
ConfiguredChannel = Annotated[
    str, Meta(description="The name of a configured channel.", extra_json_schema={"x-one-of": "channels"})
]

Utc = Annotated[
    str, _format({"format": "date-time"}, "A time in UTC, with microseconds (RFC 3339).", "2030-01-15T09:30:00.123456Z")
]

NULL = Meta(examples=[None])
"""Marks a field that is null in the example."""
