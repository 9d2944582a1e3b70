"""Follow-ups, as clients send and get them."""

from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

from leads_adapters.http.schemas.common import NULL, OR_BLANK, Channel, ConfiguredChannel, Id, Message, Time, Utc, utc
from leads_adapters.times import time_text
from leads_domain.follow_up import FollowUp, FollowUpState, Recipient


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
    last_error: Annotated[str | None, NULL]
    next_attempt_at: Utc | None
    sent_at: Annotated[Utc | None, NULL]
    created_at: Utc
    updated_at: Utc
    rule_status: Annotated[
        str | None, Meta(description="The status of the lead whose rule made it, if one did.", examples=[None])
    ]


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
        next_attempt_at=utc(follow_up.next_attempt_at),
        sent_at=utc(follow_up.sent_at),
        created_at=time_text(follow_up.created_at),
        updated_at=time_text(follow_up.updated_at),
        rule_status=follow_up.rule_status,
    )
