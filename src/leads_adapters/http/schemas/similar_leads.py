"""Define the bodies of possible duplicates."""

from collections.abc import Sequence
from typing import Annotated, Self

import msgspec
from msgspec import Meta

from leads_adapters.http.schemas.common import Id
from leads_adapters.http.schemas.leads import LeadView
from leads_domain.similarity import Reason, SimilarLead


class SimilarLeadView(msgspec.Struct):
    """A possible duplicate of a lead."""

    lead: LeadView
    reasons: Annotated[
        Sequence[Reason],
        Meta(
            description="What both have in common: the phone number, the name regardless of case and accents, or the "
            "e-mail address without the dots and the tag of its local part.",
            examples=[["phone", "name"]],
        ),
    ]

    @classmethod
    def of(cls, similar: SimilarLead) -> Self:
        """Return the view of a possible duplicate."""
        return cls(LeadView.of(similar.lead), similar.reasons)


class NewDistinct(msgspec.Struct, forbid_unknown_fields=True):
    """The lead that is another person than the lead of the path."""

    lead_id: Id
