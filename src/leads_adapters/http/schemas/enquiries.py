"""Define the bodies of enquiries."""

from typing import Annotated, Self

import msgspec
from msgspec import UNSET, Meta, UnsetType

from leads_adapters.http.schemas.common import (
    OR_BLANK,
    Attributes,
    Email,
    EnquiryMessage,
    Name,
    Owner,
    Phone,
    Source,
)
from leads_adapters.http.schemas.leads import LeadView
from leads_adapters.http.schemas.timeline import TimelineEntryView
from leads_domain.use_cases.add_enquiry import EnquiryOutcome, EnquiryResult

Outcome = Annotated[
    EnquiryOutcome,
    Meta(description="`lead_created`: a new lead with its first enquiry. `enquiry_added`: an existing lead."),
]


class NewEnquiry(msgspec.Struct, forbid_unknown_fields=True):
    """An enquiry to add. It needs an e-mail address or a phone number."""

    name: Annotated[Name | None | UnsetType, OR_BLANK] = UNSET
    email: Annotated[Email | None | UnsetType, OR_BLANK] = UNSET
    phone: Annotated[Phone | None | UnsetType, OR_BLANK] = UNSET
    message: Annotated[EnquiryMessage | None | UnsetType, OR_BLANK] = UNSET
    source: Annotated[Source | None | UnsetType, OR_BLANK] = UNSET
    owner: Annotated[Owner | None | UnsetType, OR_BLANK] = UNSET
    attributes: Attributes | UnsetType = UNSET


class Corrections(NewEnquiry, forbid_unknown_fields=True):
    """The fields of an enquiry that replace those of a submission."""


class EnquiryView(msgspec.Struct):
    """The outcome of an enquiry."""

    outcome: Outcome
    lead: LeadView
    enquiry: TimelineEntryView

    @classmethod
    def of(cls, result: EnquiryResult) -> Self:
        """Return the view of the result of an enquiry."""
        return cls(result.outcome, LeadView.of(result.lead), TimelineEntryView.of(result.enquiry))
