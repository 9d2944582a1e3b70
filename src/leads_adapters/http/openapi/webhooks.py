"""Describe the request of channels with the adapter `webhook` in the OpenAPI document."""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from leads_adapters.http.openapi.examples import EXAMPLE_TIME
from leads_adapters.http.schemas.common import Channel, Email, Id, Message, Name, Phone
from leads_domain.details import Scalar


class DueFollowUp(msgspec.Struct):
    """A follow-up to send."""

    follow_up_id: Id
    lead_id: Id
    attempt: Annotated[int, Meta(description="The number of the attempt. The first is 1.", examples=[1])]
    channel: Channel
    name: Annotated[Name, Meta(description="The name of the recipient.")]
    email: Email | None
    phone: Phone | None
    message: Message
    lead: Annotated[
        dict[str, Scalar],
        Meta(description="Fields of the lead, named as in the API.", examples=[{"name": "John Doe", "status": "new"}]),
    ]


class FollowUpDue(msgspec.Struct):
    """A follow-up is due."""

    type: Literal["follow_up.due"]
    timestamp: Annotated[
        str,
        Meta(
            description="The time of the attempt in UTC (RFC 3339).",
            examples=[EXAMPLE_TIME],
            extra_json_schema={"format": "date-time"},
        ),
    ]
    data: DueFollowUp


_HEADERS = {
    "webhook-id": "The same for all attempts to send a follow-up. Use it to recognise repeats.",
    "webhook-timestamp": "The time of the attempt, in Unix seconds.",
    "webhook-signature": "`v1,` and the Base64 of the HMAC-SHA256 of id, timestamp and body, joined by full stops.",
}
_RESPONSES = {
    "2XX": "The follow-up becomes `sent`.",
    "4XX": "The follow-up becomes `failed`. After 401, 407, 408, 409, 425 and 429, the attempt is retried.",
    "default": "The attempt is retried, not before `Retry-After`.",
}


def webhooks(schema: Any) -> dict[str, Any]:
    """Return the `webhooks` of the document, with the schema of `FollowUpDue`."""
    return {
        "follow_up.due": {
            "post": {
                "operationId": "followUpDue",
                "summary": "Receive a due follow-up",
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
    }
