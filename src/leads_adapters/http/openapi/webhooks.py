"""Describe the requests of channels with the adapter `webhook` in the OpenAPI document."""

from collections.abc import Callable
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from leads_adapters.http.openapi.examples import EXAMPLE_TIME
from leads_adapters.http.schemas.common import Channel, Email, Id, Message, Name, Phone
from leads_domain.details import Scalar
from leads_domain.notices import SUBJECT_MAX

_Attempt = Annotated[int, Meta(description="The number of the attempt. The first is 1.", examples=[1])]
_Recipient = Annotated[Name, Meta(description="The name of the recipient.")]
_Subject = Annotated[
    str,
    Meta(
        description="What the message is about, on one line.",
        examples=["John Doe: Call about the quote"],
        extra_json_schema={"maxLength": SUBJECT_MAX},
    ),
]
_Timestamp = Annotated[
    str,
    Meta(
        description="The time of the attempt in UTC (RFC 3339).",
        examples=[EXAMPLE_TIME],
        extra_json_schema={"format": "date-time"},
    ),
]


class DueFollowUp(msgspec.Struct):
    """A follow-up to send."""

    follow_up_id: Id
    lead_id: Id
    attempt: _Attempt
    channel: Channel
    name: _Recipient
    email: Email | None
    phone: Phone | None
    subject: _Subject
    message: Message
    details: Annotated[
        str,
        Meta(
            description="Facts about the lead, one on each line, for colleagues. Empty if the lead is the recipient.",
            examples=["Name: John Doe\nStatus: new"],
        ),
    ]
    unsubscribe_url: Annotated[
        str | None,
        Meta(
            description="Where the lead opts out, for the headers of RFC 8058 and a link. Null if a colleague is the "
            "recipient, or without `LEADS_PUBLIC_URL`.",
            examples=["https://leads.example.com/unsubscribe/" + 32 * "A"],
        ),
    ]
    lead: Annotated[
        dict[str, Scalar],
        Meta(description="Fields of the lead, named as in the API.", examples=[{"name": "John Doe", "status": "new"}]),
    ]


class FollowUpDue(msgspec.Struct):
    """A follow-up is due."""

    type: Literal["follow_up.due"]
    timestamp: _Timestamp
    data: DueFollowUp


class DueDigest(msgspec.Struct):
    """A digest to send to a colleague."""

    digest_id: Id
    attempt: _Attempt
    channel: Channel
    name: _Recipient
    email: Email
    subject: _Subject
    message: Message


class DigestDue(msgspec.Struct):
    """The daily digest of a colleague is due."""

    type: Literal["digest.due"]
    timestamp: _Timestamp
    data: DueDigest


_HEADERS = {
    "webhook-id": "The same for all attempts to send a notice. Use it to recognise repeats.",
    "webhook-timestamp": "The time of the attempt, in Unix seconds.",
    "webhook-signature": "`v1,` and the Base64 of the HMAC-SHA256 of id, timestamp and body, joined by full stops.",
}
_RESPONSES = {
    "2XX": "The follow-up or digest becomes `sent`.",
    "4XX": "The follow-up or digest becomes `failed`. After 401, 407, 408, 409, 425 and 429, the attempt is retried.",
    "default": "The attempt is retried, not before `Retry-After`.",
}


def webhooks(schema_of: Callable[[type], Any]) -> dict[str, Any]:
    """Return the `webhooks` of the document."""
    return {
        "follow_up.due": _webhook("followUpDue", "Receive a due follow-up", schema_of(FollowUpDue)),
        "digest.due": _webhook("digestDue", "Receive a due digest", schema_of(DigestDue)),
    }


def _webhook(id: str, summary: str, schema: Any) -> dict[str, Any]:
    return {
        "post": {
            "operationId": id,
            "summary": summary,
            "description": "Sent by channels with the adapter `webhook`, signed as in Standard Webhooks 1.0.",
            "tags": ["Webhooks"],
            "security": [],
            "parameters": [
                {"name": name, "in": "header", "required": True, "description": text, "schema": {"type": "string"}}
                for name, text in _HEADERS.items()
            ],
            "requestBody": {"required": True, "content": {"application/json": {"schema": schema}}},
            "responses": {status: {"description": text} for status, text in _RESPONSES.items()},
        }
    }
