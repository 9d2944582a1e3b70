"""Create, list, get and revoke calendars, and serve them to calendar programs."""

import asyncio
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

from litestar import Controller, Response, delete, get, post
from litestar.params import FromPath, FromQuery, JSONBody
from msgspec import UNSET, Meta

from leads_adapters.database import Database
from leads_adapters.http import problems
from leads_adapters.http.authentication import PUBLIC, requires
from leads_adapters.http.body import ApiRequest, sent_fields
from leads_adapters.http.calendar_feed import MEDIA_TYPE, write_calendar
from leads_adapters.http.client_address import ClientAddresses
from leads_adapters.http.conditional import condition
from leads_adapters.http.idempotency import IdempotentWrites
from leads_adapters.http.pages import json_page
from leads_adapters.http.pagination import Cursors, page_response
from leads_adapters.http.parameters import Count, Cursor, Injected, Limit, PathId, checked_id
from leads_adapters.http.rate_limit import RateLimiter
from leads_adapters.http.responses import JsonResponse, etag
from leads_adapters.http.schemas.calendars import CalendarView, NewCalendar, NewCalendarView
from leads_adapters.http.schemas.views import PageView
from leads_domain.access import Permission
from leads_domain.calendar import Calendar, CalendarId
from leads_domain.errors import VersionMismatch
from leads_domain.paging import LIMIT_DEFAULT
from leads_domain.use_cases.manage_calendars import CreateCalendar, ReadCalendar, RevokeCalendar, find_calendar

Secret = Annotated[str, Meta(description="The secret of the calendar.", examples=[43 * "A"])]
CalendarFile = Annotated[
    str, Meta(description="A calendar.", examples=["BEGIN:VCALENDAR\r\nVERSION:2.0\r\n...\r\nEND:VCALENDAR\r\n"])
]
_EXTENSION = ".ics"


@dataclass(frozen=True, slots=True)
class CalendarServices:
    """The dependencies of the handlers. Without limiters, rates are not limited."""

    database: Database
    write: IdempotentWrites
    create_calendar: CreateCalendar
    revoke_calendar: RevokeCalendar
    read_calendar: ReadCalendar
    public_url: str | None
    addresses: ClientAddresses
    per_address: RateLimiter | None
    per_calendar: RateLimiter | None

    async def find(self, request: ApiRequest, file: str) -> Calendar:
        """Return the calendar with this file name. Raises `RateLimited` or `NotFound`."""
        if self.per_address:
            self.per_address.count(self.addresses.of(request.scope))
        secret = file.removesuffix(_EXTENSION) if file.endswith(_EXTENSION) else ""
        calendar = await self.database.read(find_calendar, secret)
        if calendar is None:
            raise problems.NotFound("No calendar has this URL, or it was revoked. Create one with `POST /calendars`.")
        if self.per_calendar:
            self.per_calendar.count(calendar.id)
        return calendar


class CalendarController(Controller):
    """The resource `/calendars`."""

    path = "/calendars"
    tags = ("Calendars",)

    @post(opt=requires(Permission.CHANGE))
    async def create_calendar(
        self, request: ApiRequest, data: JSONBody[NewCalendar], calendars: Injected[CalendarServices]
    ) -> Response[NewCalendarView]:
        """Create a calendar.

        It shows the open tasks of `owner`, and the scheduled messages of the leads with this owner. Add the `url` to a
        calendar program. Everyone who has it can read the calendar without a key. It is shown only once, because the
        service stores a hash of it.
        """
        respond = _created_at(calendars.public_url or str(request.base_url).rstrip("/"))
        return await calendars.write(request, respond, calendars.create_calendar, sent_fields(data))

    @get(opt=requires(Permission.CHANGE))
    async def list_calendars(
        self,
        request: ApiRequest,
        calendars: Injected[CalendarServices],
        limit: FromQuery[Limit] = LIMIT_DEFAULT,
        cursor: FromQuery[Cursor | None] = None,
        count: FromQuery[Count] = False,
    ) -> Response[PageView[CalendarView]]:
        """List calendars.

        Oldest first, revoked calendars included. Their URLs are not included.
        """
        cursors = Cursors.of_positions("calendars")
        after = cursors.decode(cursor)
        page = await calendars.database.read(lambda work: work.calendars.page(after=after, limit=limit))
        total = await calendars.database.read_long(lambda work: work.calendars.count()) if count else UNSET
        return page_response(request, cursors, json_page(page, CalendarView.of), total)

    @get("/{id:str}", opt=requires(Permission.CHANGE))
    async def get_calendar(self, id: FromPath[PathId], calendars: Injected[CalendarServices]) -> Response[CalendarView]:
        """Get a calendar.

        Its URL is not included.
        """
        calendar_id = _calendar_id(id)
        return JsonResponse(
            CalendarView.of(await calendars.database.read(lambda work: work.calendars.get(calendar_id)))
        )

    @delete("/{id:str}", opt=requires(Permission.CHANGE), response_description="The calendar is revoked.")
    async def revoke_calendar(self, id: FromPath[PathId], calendars: Injected[CalendarServices]) -> None:
        """Revoke a calendar.

        Its URL stops working at once, and the calendar stays in the list. Revoking it again has no effect.
        """
        await calendars.database.write(calendars.revoke_calendar, _calendar_id(id))


class CalendarFeedController(Controller):
    """The resource `/calendar/{secret}.ics`."""

    path = "/calendar"
    tags = ("Calendars",)

    @get(
        "/{secret:str}",
        media_type=MEDIA_TYPE,
        opt={**PUBLIC, "conditional": True, "any_query": True},  # people add ?nocache=1 to make programs read it again
        raises=[problems.RateLimited, problems.Unavailable],
    )
    async def get_calendar_feed(
        self, request: ApiRequest, secret: FromPath[Secret], calendars: Injected[CalendarServices]
    ) -> Response[CalendarFile]:
        """Get a calendar as a file.

        For calendar programs (iCalendar, RFC 5545). The entries are due within the last 30 days or later: up to 1,000,
        the first ones if there are more. Reminders of tasks are left out.
        """
        calendar = await calendars.find(request, secret)
        entries = await calendars.database.read_long(calendars.read_calendar, calendar)
        return _feed_response(request, await asyncio.to_thread(write_calendar, calendar, entries))


def _feed_response(request: ApiRequest, content: bytes) -> Response[Any]:
    """Return the content, or 304 if the client has it. Its hash is its version."""
    version = int.from_bytes(hashlib.sha256(content).digest()[:8]) >> 1 or 1
    required = condition(request)
    if version not in required.accepted:
        raise VersionMismatch(version, "calendar")
    headers = {**etag(version), "cache-control": "private"}
    if version in required.excluded:
        return Response(None, status_code=304, headers=headers)
    return Response(content, media_type=MEDIA_TYPE, headers=headers)


def _created_at(base_url: str) -> Callable[[tuple[Calendar, str]], JsonResponse[NewCalendarView]]:
    def respond(created: tuple[Calendar, str]) -> JsonResponse[NewCalendarView]:
        calendar, secret = created
        content = NewCalendarView.of(calendar, url=f"{base_url}/calendar/{secret}{_EXTENSION}")
        return JsonResponse(content, status_code=201, headers={"location": f"/calendars/{calendar.id}"})

    return respond


def _calendar_id(text: str) -> CalendarId:
    """Return the id of a calendar from a path. Raises `NotFound` if the text is not a UUID."""
    return CalendarId(checked_id(text, "calendar"))
