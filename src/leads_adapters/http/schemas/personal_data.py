"""Everything that is stored about a person."""

from collections.abc import Sequence
from typing import Annotated

import msgspec
from msgspec import Meta

from leads_adapters.http.schemas.common import Id, Utc
from leads_adapters.http.schemas.follow_ups import FollowUpView, follow_up_view
from leads_adapters.http.schemas.leads import LeadView, lead_view
from leads_adapters.http.schemas.timeline import TimelineEntryView, timeline_entry_view
from leads_adapters.times import time_text
from leads_domain.use_cases.export_lead import PersonalData


class PersonalDataView(msgspec.Struct):
    """Everything that is kept about a person."""

    lead: LeadView
    merged_ids: Annotated[Sequence[Id], Meta(description="The ids of leads that were merged into this one.")]
    follow_ups: Annotated[Sequence[FollowUpView], Meta(description="By due time.")]
    timeline: Annotated[Sequence[TimelineEntryView], Meta(description="The newest first.")]
    replied_at: Annotated[
        Sequence[Utc], Meta(description="When the answers were given that are kept for requests that are repeated.")
    ]


def personal_data_view(personal_data: PersonalData) -> PersonalDataView:
    """Everything that is kept about a person, as clients see it."""
    return PersonalDataView(
        lead=lead_view(personal_data.lead),
        merged_ids=personal_data.merged_ids,
        follow_ups=[follow_up_view(each) for each in personal_data.follow_ups],
        timeline=[timeline_entry_view(each) for each in personal_data.timeline],
        replied_at=[time_text(at) for at in personal_data.replied_at],
    )
