"""Define the bodies of timelines and of the feed of events."""

from collections.abc import Sequence
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from leads_adapters.http.schemas.common import Id, Utc
from leads_adapters.http.schemas.views import View
from leads_domain.events import EventType


class TimelineEntryView(View):
    """An entry in the timeline of a lead."""

    id: Id
    type: EventType
    at: Utc
    actor: Annotated[str, Meta(description="The name of the API key, or `dispatcher`.")]
    data: Annotated[
        dict[str, Any],
        Meta(
            description="The details of the event. Its fields depend on `type`.",
            examples=[{"status": "new", "source": "website"}],
        ),
    ]


class EventView(TimelineEntryView):
    """A timeline entry with the id of its lead."""

    lead_id: Id


class EventPageView(msgspec.Struct):
    """A page of the feed."""

    items: Sequence[EventView]
    next_cursor: (
        Annotated[
            str,
            Meta(
                description="Send it as `after` to get the events that follow, now or later. Null if the page is empty."
            ),
        ]
        | None
    )
