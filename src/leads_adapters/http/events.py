"""The resource /events."""

from dataclasses import dataclass
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from leads_adapters.database import Database
from leads_adapters.http.answer import Answer
from leads_adapters.http.operation import Call, Reply, operation
from leads_adapters.http.paging import Cursors, list_answer
from leads_adapters.http.schemas import Id, Limit
from leads_adapters.http.views import TimelineEntryView, timeline_entry_view
from leads_domain.access import Permission
from leads_domain.events import TimelineEntry
from leads_domain.paging import LIMIT_DEFAULT
from leads_domain.use_cases.follow_events import find_end, place_events, read_events

_CURSORS = Cursors.of_numbers()


_AFTER = "The last `next_cursor` that was not null. Without it the feed starts at the beginning."
_FROM = "`now`: without `after`, start at the end. The page is empty and has the cursor for what happens from now on."


class EventsQuery(msgspec.Struct):
    """Which part of the feed."""

    limit: Limit = LIMIT_DEFAULT
    after: Annotated[str, Meta(description=_AFTER)] | None = None
    start: Annotated[Literal["now"], Meta(description=_FROM)] | None = msgspec.field(name="from", default=None)


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


@dataclass(frozen=True, slots=True)
class EventRoutes:
    """Tells what happens to all leads."""

    database: Database

    @operation(
        method="GET",
        path="/events",
        tag="Leads",
        permission=Permission.READ,
        query=EventsQuery,
        replies={200: Reply(means="A part of the feed.", schema=EventPageView, headers=("Link",))},
    )
    async def follow(self, call: Call) -> Answer:
        """List events of all leads, oldest first.

        A feed to follow without missing or repeating anything. Every page that has an item has a cursor for
        what follows it, also the last one. An empty page, whose `next_cursor` is null, is the end for now: ask
        again later with the same `after`.
        """
        query: EventsQuery = call.query
        if query.start and query.after is None:
            return list_answer([], _CURSORS.encode(await self._end(), "events"), call, parameter="after")
        after = _CURSORS.decode(query.after, "events")
        page = await self.database.read(read_events, after=after, limit=query.limit)
        if page is None:
            page = await self.database.write(place_events, after=after, limit=query.limit)
        next_cursor = None if page.next is None else _CURSORS.encode(page.next, "events")
        return list_answer([_view(entry) for entry in page.items], next_cursor, call, parameter="after")

    async def _end(self) -> int:
        while (end := await self.database.write(find_end)) is None:
            pass
        return end


def _view(entry: TimelineEntry) -> EventView:
    return EventView(**msgspec.structs.asdict(timeline_entry_view(entry)), lead_id=entry.lead_id)
