"""Leads, as clients send and get them."""

from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

from leads_adapters.http.schemas.common import (
    NULL,
    OR_BLANK,
    Attributes,
    AttributesPatch,
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
from leads_adapters.times import time_text
from leads_domain.lead import Lead


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


class LeadView(msgspec.Struct):
    """A lead."""

    id: Id
    name: Name
    email: Email
    phone: Phone | None
    status: Status
    status_reason: Annotated[Reason | None, NULL]
    source: Source | None
    owner: Owner | None
    attributes: Attributes
    created_at: Utc
    updated_at: Utc
    contacted_at: Annotated[Utc | None, NULL]
    next_follow_up_at: Utc | None
    version: Annotated[int, Meta(description="Grows with every change.", examples=[1])]


class Moved(msgspec.Struct):
    """The lead was merged into another one."""

    merged_into: Id


class Accepted(msgspec.Struct):
    """All that a capture key learns."""

    accepted: bool = True


class NewNote(msgspec.Struct, forbid_unknown_fields=True):
    """A note to write down."""

    text: Note


class NewMerge(msgspec.Struct, forbid_unknown_fields=True):
    """Which lead to merge into the one of the path."""

    duplicate_id: Id


def lead_view(lead: Lead) -> LeadView:
    """Return a lead as clients see it."""
    return LeadView(**lead.to_dict(time_text))
