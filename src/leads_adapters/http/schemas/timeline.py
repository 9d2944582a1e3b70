"""Timeline entries and the feed of events."""

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from leads_adapters.http.schemas.common import Id, Utc
from leads_adapters.http.schemas.views import View
from leads_domain.events import EventType


class TimelineEntryView(View):
    """Something that happened to a lead."""

    id: Id
    type: EventType
    at: Utc
    actor: Annotated[str, Meta(description="The name of the API key, or `dispatcher`.")]
    data: Annotated[
        dict[str, Any],
        Meta(description="Details; which ones depends on the type.", examples=[{"status": "new", "source": "website"}]),
    ]


class EventView(TimelineEntryView):
    """Something that happened, and the lead that it happened to."""

    lead_id: Id


class EventPageView(msgspec.Struct):
    """A part of the feed."""

    items: list[EventView]
    next_cursor: (
        Annotated[str, Meta(description="Send it as `after` for what follows, now or later. Null if there is no item.")]
        | None
    )
