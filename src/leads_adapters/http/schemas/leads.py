"""Define the bodies of leads."""

from collections.abc import Sequence
from typing import Annotated, Self

import msgspec
from msgspec import UNSET, Meta, UnsetType

from leads_adapters.http.schemas.common import (
    NULL,
    OR_BLANK,
    Attributes,
    AttributesPatch,
    DoNotContact,
    Email,
    Id,
    Name,
    Note,
    Owner,
    Phone,
    Reason,
    Source,
    Status,
    Utc,
)
from leads_adapters.http.schemas.follow_ups import FollowUpView
from leads_adapters.http.schemas.submissions import SubmissionView
from leads_adapters.http.schemas.tasks import TaskView
from leads_adapters.http.schemas.timeline import TimelineEntryView
from leads_adapters.times import time_text
from leads_domain.lead import Lead


class NewLead(msgspec.Struct, forbid_unknown_fields=True):
    """A lead to create. It needs an e-mail address or a phone number."""

    name: Name
    email: Annotated[Email | None | UnsetType, OR_BLANK] = UNSET
    phone: Annotated[Phone | None | UnsetType, OR_BLANK] = UNSET
    source: Annotated[Source | None | UnsetType, OR_BLANK] = UNSET
    owner: Annotated[Owner | None | UnsetType, OR_BLANK] = UNSET
    do_not_contact: DoNotContact | UnsetType = UNSET
    attributes: Attributes | UnsetType = UNSET


class LeadPatch(msgspec.Struct, forbid_unknown_fields=True):
    """A JSON Merge Patch (RFC 7396): omitted fields keep their values; null and blank text clear a field.

    An e-mail address or a phone number must remain.
    """

    name: Name | UnsetType = UNSET
    email: Annotated[Email | None | UnsetType, OR_BLANK] = UNSET
    phone: Annotated[Phone | None | UnsetType, OR_BLANK] = UNSET
    status: Status | UnsetType = UNSET
    status_reason: Annotated[Reason | None | UnsetType, OR_BLANK] = UNSET
    source: Annotated[Source | None | UnsetType, OR_BLANK] = UNSET
    owner: Annotated[Owner | None | UnsetType, OR_BLANK] = UNSET
    do_not_contact: DoNotContact | UnsetType = UNSET
    attributes: AttributesPatch | UnsetType = UNSET


class LeadView(msgspec.Struct):
    """A lead."""

    id: Id
    name: Name
    email: Email | None
    phone: Phone | None
    status: Status
    status_reason: Annotated[Reason | None, NULL]
    source: Source | None
    owner: Owner | None
    do_not_contact: DoNotContact
    attributes: Attributes
    created_at: Utc
    updated_at: Utc
    contacted_at: Annotated[Utc | None, NULL]
    next_follow_up_at: Utc | None
    version: Annotated[int, Meta(description="Increases with every change.", examples=[1])]

    @classmethod
    def of(cls, lead: Lead) -> Self:
        """Return the view of a lead."""
        return cls(**lead.to_dict(time_text))


class Moved(msgspec.Struct):
    """The id of the lead that this one was merged into."""

    merged_into: Id


class Accepted(msgspec.Struct):
    """The response to a key with the role `capture`."""

    accepted: bool = True


class NewNote(msgspec.Struct, forbid_unknown_fields=True):
    """A note to create."""

    text: Note


class NewMerge(msgspec.Struct, forbid_unknown_fields=True):
    """The duplicate to merge into the lead of the path."""

    duplicate_id: Id


class PersonalDataView(msgspec.Struct):
    """Everything that the service stores about a person."""

    lead: LeadView
    merged_ids: Annotated[Sequence[Id], Meta(description="The ids of the leads that were merged into this one.")]
    distinct_ids: Annotated[Sequence[Id], Meta(description="The ids of leads that were marked as other people.")]
    follow_ups: Annotated[Sequence[FollowUpView], Meta(description="Ordered by due time.")]
    tasks: Annotated[Sequence[TaskView], Meta(description="Ordered by due time.")]
    timeline: Annotated[Sequence[TimelineEntryView], Meta(description="Newest first.")]
    submissions: Annotated[Sequence[SubmissionView], Meta(description="Newest first.")]
    replied_at: Annotated[
        Sequence[Utc], Meta(description="The times of the stored responses to requests with an `Idempotency-Key`.")
    ]
