"""The timeline of a lead, notes on it, and the feed of all timelines."""

from collections.abc import Sequence
from typing import Annotated, Literal

from litestar import Controller, Response, get, post
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter
from msgspec import UNSET, Meta

from leads_adapters.database import Database
from leads_adapters.http.authentication import requires
from leads_adapters.http.body import ApiRequest, sent
from leads_adapters.http.idempotency import IdempotentWrites
from leads_adapters.http.pagination import Cursors, next_link, page_response
from leads_adapters.http.parameters import CURSOR, Count, Cursor, Injected, Limit, PathId, lead_id
from leads_adapters.http.responses import JsonResponse
from leads_adapters.http.schemas.leads import NewNote
from leads_adapters.http.schemas.timeline import EventPageView, EventView, TimelineEntryView
from leads_adapters.http.schemas.views import PageView
from leads_domain.access import Permission
from leads_domain.events import TimelineEntry
from leads_domain.lead import LeadId
from leads_domain.paging import LIMIT_DEFAULT
from leads_domain.use_cases.add_note import AddNote
from leads_domain.use_cases.follow_events import find_end, publish_events, read_events
from leads_domain.use_cases.read_timeline import count_timeline, read_timeline

After = Annotated[
    str,
    CURSOR,
    Meta(description="The last `next_cursor` that was not null. Without it the feed starts at the beginning."),
]
_FROM = "`now`: without `after`, start at the end. The page is empty and has the cursor for what happens from now on."
From = Annotated[Literal["now"] | None, QueryParameter(name="from", description=_FROM)]


class TimelineController(Controller):
    """The resources `/leads/{id}/timeline` and `/leads/{id}/notes`."""

    path = "/leads/{id:str}"
    tags = ("Leads",)

    @get("/timeline", opt=requires(Permission.READ))
    async def list_timeline(
        self,
        request: ApiRequest,
        id: FromPath[PathId],
        database: Injected[Database],
        limit: FromQuery[Limit] = LIMIT_DEFAULT,
        cursor: FromQuery[Cursor | None] = None,
        count: FromQuery[Count] = False,
    ) -> Response[PageView[TimelineEntryView]]:
        """List the timeline of a lead, newest first."""
        lead = lead_id(id)
        cursors = Cursors.of_numbers("timeline", lead)
        page = await database.read(read_timeline, lead, before=cursors.decode(cursor), limit=limit)
        total = await database.read_long(count_timeline, lead) if count else UNSET
        return page_response(request, cursors, page, TimelineEntryView.of, total)

    @post("/notes", opt=requires(Permission.CHANGE))
    async def add_note(
        self,
        request: ApiRequest,
        id: FromPath[PathId],
        data: JSONBody[NewNote],
        write: Injected[IdempotentWrites],
        add_note: Injected[AddNote],
    ) -> Response[TimelineEntryView]:
        """Create a note on the timeline of a lead.

        The lead itself does not change: its version stays.
        """
        return await write(request, _noted, add_note, lead_id(id), sent(data), actor=request.user.name)


class EventController(Controller):
    """The resource `/events`."""

    path = "/events"
    tags = ("Leads",)

    @get(opt=requires(Permission.READ))
    async def list_events(
        self,
        request: ApiRequest,
        database: Injected[Database],
        limit: FromQuery[Limit] = LIMIT_DEFAULT,
        after: FromQuery[After | None] = None,
        start: From = None,
    ) -> Response[EventPageView]:
        """List events of all leads, oldest first.

        A feed to follow without missing or repeating anything. Every page that has an item has a cursor for
        what follows it, also the last one. An empty page, whose `next_cursor` is null, is the end for now: ask
        again later with the same `after`.
        """
        cursors = Cursors.of_numbers("events")
        if start and after is None:
            return _events(request, [], cursors.encode(await _end(database)))
        position = cursors.decode(after)
        page = await database.read(read_events, after=position, limit=limit)
        if page is None:
            page = await database.write(publish_events, after=position, limit=limit)
        return _events(request, page.items, None if page.next is None else cursors.encode(page.next))


async def _end(database: Database) -> int:
    while (end := await database.write(find_end)) is None:
        pass
    return end


def _events(request: ApiRequest, entries: Sequence[TimelineEntry], next_cursor: str | None) -> Response[EventPageView]:
    content = EventPageView([EventView.of(entry) for entry in entries], next_cursor)
    return JsonResponse(content, headers=next_link(request, next_cursor, "after"))


def _noted(entry: TimelineEntry) -> JsonResponse[TimelineEntryView]:
    headers = {"location": f"/leads/{entry.lead_id}/timeline"}
    return JsonResponse(TimelineEntryView.of(entry), status_code=201, headers=headers, lead_id=LeadId(entry.lead_id))
