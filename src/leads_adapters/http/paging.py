"""Pages and cursors: opaque to clients, and good only for the list that they came from."""

import hashlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Awaitable, Callable
from datetime import datetime
from functools import lru_cache
from operator import attrgetter
from typing import Annotated, Any, Generic, TypeVar
from urllib.parse import quote, unquote_plus

import msgspec
from msgspec import UNSET, Meta, UnsetType

from leads_adapters.http.answer import Answer, json_answer
from leads_adapters.http.operation import Call
from leads_adapters.http.problems import Problem
from leads_adapters.http.schemas import LeadListQuery, PageQuery
from leads_adapters.http.views import PageView
from leads_domain.checking import check_storable, check_time
from leads_domain.errors import ValidationFailed
from leads_domain.paging import LeadPosition, LeadSort, Page, Position

At = TypeVar("At")
Item = TypeVar("Item")

_FINGERPRINT_BYTES = 8
_OF_THE_PAGE = PageQuery.__struct_fields__


_Time = Annotated[datetime, Meta(tz=True)]
_Id = Annotated[str, Meta(pattern=r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\Z")]


class Cursors(Generic[At]):
    """Turns positions of one kind of list into cursors and back.

    `schema` is that of a position as it stands in a cursor; strict, because a client can write one itself.
    """

    def __init__(self, schema: Any, write: Callable[[At], Any], read: Callable[[Any], At]) -> None:
        self._decoder = msgspec.json.Decoder(tuple[bytes, schema])
        self._write = write
        self._read = read

    @staticmethod
    def of_positions() -> "Cursors[Position]":
        """For lists that are ordered by a time and an id."""
        return Cursors(
            tuple[_Time, _Id], attrgetter("at", "id"), lambda place: Position(check_time(place[0]), place[1])
        )

    @staticmethod
    def of_numbers() -> "Cursors[int]":
        """For lists that are ordered by a number."""
        return Cursors(Annotated[int, Meta(ge=0, le=2**63 - 1)], int, int)

    @staticmethod
    def of_leads(sort: LeadSort) -> "Cursors[LeadPosition]":
        """For lists of leads in this order."""
        write, read = attrgetter("value", "id"), _lead_position
        match sort:
            case LeadSort.BY_NAME:
                return Cursors(tuple[str, _Id], write, read)
            case LeadSort.NEXT_FOLLOW_UP_FIRST:
                return Cursors(tuple[_Time | None, _Id], write, read)
            case _:
                return Cursors(tuple[_Time, _Id], write, read)

    def encode(self, position: At, *scope: object) -> str:
        """A cursor that is good only within `scope`: the list, its filters and its order."""
        written = msgspec.json.encode((_fingerprint(scope), self._write(position)))
        return urlsafe_b64encode(written).decode().rstrip("=")

    def decode(self, cursor: str | None, *scope: object) -> At | None:
        """Return the position; raises `Problem` for a cursor that is invalid or of another list."""
        if cursor is None:
            return None
        try:
            padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
            fingerprint, written = self._decoder.decode(urlsafe_b64decode(padded))
            position = self._read(written)
        except (ValueError, RecursionError, ValidationFailed):  # includes msgspec's, binascii's and Unicode's errors
            raise Problem(
                "malformed-request", "Invalid cursor. Pass `next_cursor` from the previous page unchanged."
            ) from None
        if fingerprint != _fingerprint(scope):
            raise Problem("malformed-request", "The cursor is of a list with other filters or another sort.")
        return position


def _lead_position(place: tuple[Any, str]) -> LeadPosition:
    value, id = place
    if isinstance(value, str):
        check_storable(value)
    return LeadPosition(check_time(value) if isinstance(value, datetime) else value, id)


async def page_answer(
    call: Call,
    cursors: Cursors[At],
    *scope: object,
    page: Callable[[At | None], Awaitable[Page[Any, At]]],
    total: Callable[[], Awaitable[int]],
) -> Answer:
    """The page of a list that the query asks for, with a link to the next one (RFC 8288).

    `scope` tells the list from all others; the filters and the order in the query are added to it. `page` gets the
    page after a position, its items ready for JSON; `total` counts the items on all pages, if the client wants it.
    """
    query: PageQuery | LeadListQuery = call.query
    tied = (*scope, *_filters(query))
    found = await page(cursors.decode(query.cursor, *tied))
    next_cursor = None if found.next is None else cursors.encode(found.next, *tied)
    return list_answer(found.items, next_cursor, call, total=await total() if query.count else UNSET)


def list_answer(
    items: Any, next_cursor: str | None, call: Call, *, total: int | UnsetType = UNSET, parameter: str = "cursor"
) -> Answer:
    """The items of a page as JSON, with a link to the next page (RFC 8288), whose cursor goes into `parameter`."""
    view = PageView(items, next_cursor, total)
    if next_cursor is None:
        return json_answer(view)
    sent = quote(call.scope["query_string"], safe="%&=+").split("&")
    others = [part for part in sent if part and unquote_plus(part.partition("=")[0]) != parameter]
    target = f"{call.scope['path']}?{'&'.join([*others, f'{parameter}={next_cursor}'])}"
    return json_answer(view, headers=[(b"link", f'<{target}>; rel="next"'.encode())])


def rendered(page: Page[Item, At], render: Callable[[Item], Any]) -> Page[Any, At]:
    """The page with its items as clients see them."""
    return Page([render(item) for item in page.items], page.next)


def wrong_parameters(invalid: ValidationFailed) -> Problem:
    """The problem of query parameters that a use case refuses."""
    fault = invalid.errors[0]
    return Problem("malformed-request", f"The query parameter {fault.pointer.strip('/')} is wrong. {fault.detail}")


def _filters(query: PageQuery | LeadListQuery) -> tuple[object, ...]:
    """What a cursor of this list is tied to: everything but the page."""
    return tuple(value for name, value in msgspec.structs.asdict(query).items() if name not in _OF_THE_PAGE)


@lru_cache
def _fingerprint(scope: tuple[object, ...]) -> bytes:
    return hashlib.blake2b(msgspec.json.encode(scope), digest_size=_FINGERPRINT_BYTES).digest()
