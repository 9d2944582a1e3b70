"""Define the bodies of follow-ups."""

from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

from leads_adapters.http.schemas.common import NULL, OR_BLANK, Channel, ConfiguredChannel, Id, Message, Time, Utc
from leads_adapters.http.schemas.views import View
from leads_domain.follow_up import FollowUpState, Recipient


class NewFollowUp(msgspec.Struct, forbid_unknown_fields=True):
    """A follow-up to create. Omitted fields, null and blank text mean the default."""

    channel: Annotated[ConfiguredChannel | None | UnsetType, OR_BLANK] = UNSET
    message: Annotated[Message | None | UnsetType, OR_BLANK] = UNSET
    due_at: Annotated[Time | None | UnsetType, OR_BLANK] = UNSET
    recipient: Annotated[Recipient | None | UnsetType, OR_BLANK] = UNSET


class FollowUpPatch(msgspec.Struct, forbid_unknown_fields=True):
    """A JSON Merge Patch (RFC 7396): omitted fields keep their values."""

    due_at: Time | UnsetType = UNSET
    message: Message | UnsetType = UNSET


class FollowUpView(View):
    """A follow-up."""

    id: Id
    lead_id: Id
    recipient: Annotated[
        str,
        Meta(
            description="`lead`, `owner`, or the address that a follow-up rule names.",
            examples=["lead", "sales@example.com"],
        ),
    ]
    channel: Channel
    message: Message
    due_at: Utc
    state: FollowUpState
    attempts: Annotated[int, Meta(description="The number of attempts so far.", examples=[0])]
    last_error: Annotated[str | None, NULL]
    next_attempt_at: Utc | None
    sent_at: Annotated[Utc | None, NULL]
    created_at: Utc
    updated_at: Utc
    rule_status: Annotated[
        str | None,
        Meta(description="The status whose follow-up rule created it. Null if no rule did.", examples=[None]),
    ]
    task_id: Annotated[Annotated[Id, Meta(description="The task that it reminds of.")] | None, NULL]
