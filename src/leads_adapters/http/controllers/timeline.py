"""List the timeline of a lead, create notes on it, and list the events of all leads."""

from collections.abc import Sequence
from typing import Annotated, Literal

from litestar import Controller, Response, get, post
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter
from msgspec import UNSET, Meta

from leads_adapters.database import Database
from leads_adapters.http.authentication import requires
from leads_adapters.http.body import ApiRequest, sent_fields
from leads_adapters.http.idempotency import IdempotentWrites
from leads_adapters.http.pages import json_page, read_page
from leads_adapters.http.pagination import Cursors, json_array, next_link, page_response
from leads_adapters.http.parameters import CURSOR, Count, Cursor, Injected, Limit, PathId, lead_id
from leads_adapters.http.responses import JsonResponse
from leads_adapters.http.schemas.leads import NewNote
from leads_adapters.http.schemas.timeline import EventPageView, EventView, TimelineEntryView
from leads_adapters.http.schemas.views import PageView
from leads_domain.access import Permission
from leads_domain.events import TimelineEntry
from leads_domain.lead import LeadId
from leads_domain.paging import LIMIT_DEFAULT, Page
from leads_domain.ports import UnitOfWork
from leads_domain.use_cases.add_note import AddNote
from leads_domain.use_cases.follow_events import find_end, publish_events, read_events
from leads_domain.use_cases.read_timeline import count_timeline, read_timeline

After = Annotated[
    str,
    CURSOR,
    Meta(description="The last `next_cursor` that was not null. Omit it to start at the beginning of the feed."),
]
_FROM = (
    "`now` starts at the end: the page is empty, and its cursor leads to later events. It has no effect with `after`."
)
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
        """List the timeline of a lead.

        Newest first.
        """
        lead = lead_id(id)
        cursors = Cursors.of_numbers("timeline", lead)
        before = cursors.decode(cursor)

        def read(work: UnitOfWork, bytes_max: int) -> Page[bytes, int]:
            page = read_timeline(work, lead, before=before, limit=limit, bytes_max=bytes_max)
            return json_page(page, TimelineEntryView.of)

        page = await read_page(database, read)
        total = await database.read_long(count_timeline, lead) if count else UNSET
        return page_response(request, cursors, page, total)

    @post("/notes", opt=requires(Permission.CHANGE))
    async def add_note(
        self,
        request: ApiRequest,
        id: FromPath[PathId],
        data: JSONBody[NewNote],
        write: Injected[IdempotentWrites],
        add_note: Injected[AddNote],
    ) -> Response[TimelineEntryView]:
        """Create a note.

        The note becomes an entry of the lead's timeline. The version of the lead does not change.
        """
        return await write(request, _note_response, add_note, lead_id(id), sent_fields(data), actor=request.user.name)


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
        """List events.

        The events of all leads, oldest first: a feed to follow without gaps or repeats. Every page with items has a
        cursor for the events after it, also the last page. An empty page, whose `next_cursor` is null, is the current
        end of the feed: send the request again later with the same `after`.
        """
        cursors = Cursors.of_numbers("events")
        if start and after is None:
            return _events_response(request, [], cursors.encode(await _end_position(database)))
        position = cursors.decode(after)

        def read(work: UnitOfWork, bytes_max: int) -> Page[bytes, int] | None:
            page = read_events(work, after=position, limit=limit, bytes_max=bytes_max)
            return None if page is None else json_page(page, EventView.of)

        while (page := await read_page(database, read)) is None:
            await database.write(publish_events)
        return _events_response(request, page.items, None if page.next is None else cursors.encode(page.next))


async def _end_position(database: Database) -> int:
    while (end := await database.write(find_end)) is None:
        pass
    return end


def _events_response(request: ApiRequest, items: Sequence[bytes], next_cursor: str | None) -> Response[EventPageView]:
    return JsonResponse(EventPageView(json_array(items), next_cursor), headers=next_link(request, next_cursor, "after"))


def _note_response(entry: TimelineEntry) -> JsonResponse[TimelineEntryView]:
    headers = {"location": f"/leads/{entry.lead_id}/timeline"}
    return JsonResponse(TimelineEntryView.of(entry), status_code=201, headers=headers, lead_id=LeadId(entry.lead_id))
