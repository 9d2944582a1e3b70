"""Paginate lists by keyset, with opaque cursors and links to the next page."""

import hashlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Iterable
from datetime import datetime
from operator import attrgetter
from typing import Annotated, Any, Generic, TypeVar
from urllib.parse import quote, unquote_plus

import msgspec
from msgspec import UNSET, Meta, UnsetType

from leads_adapters.http.body import ApiRequest
from leads_adapters.http.decoding import decoder
from leads_adapters.http.problems import MalformedRequest
from leads_adapters.http.responses import JsonResponse
from leads_adapters.http.schemas.views import PageView
from leads_domain.checking import check_storable, check_time
from leads_domain.errors import ValidationFailed
from leads_domain.paging import LeadPosition, LeadSort, Page, Position

PositionT = TypeVar("PositionT")

_FINGERPRINT_BYTES = 8
_Time = Annotated[datetime, Meta(tz=True)]
_Id = Annotated[str, Meta(pattern=r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\Z")]


class Cursors(Generic[PositionT]):
    """Encode positions in a list as cursors, and decode them.

    A cursor is valid only within its `scope`: the list, its filters and its order. `schema` is the type of an encoded
    position. It is strict, because clients can forge cursors.
    """

    def __init__(
        self,
        scope: tuple[object, ...],
        schema: Any,
        write: Callable[[PositionT], Any],
        read: Callable[[Any], PositionT],
    ) -> None:
        self._fingerprint = hashlib.blake2b(msgspec.json.encode(scope), digest_size=_FINGERPRINT_BYTES).digest()
        self._decoder = decoder(tuple[bytes, schema])
        self._write = write
        self._read = read

    @staticmethod
    def of_positions(*scope: object) -> "Cursors[Position]":
        """Return the cursors of a list ordered by a time and an id."""
        return Cursors(
            scope, tuple[_Time, _Id], attrgetter("at", "id"), lambda pair: Position(check_time(pair[0]), pair[1])
        )

    @staticmethod
    def of_numbers(*scope: object) -> "Cursors[int]":
        """Return the cursors of a list ordered by a number."""
        return Cursors(scope, Annotated[int, Meta(ge=0, le=2**63 - 1)], int, int)

    @staticmethod
    def of_leads(sort: LeadSort, *scope: object) -> "Cursors[LeadPosition]":
        """Return the cursors of a list of leads in this order."""
        schema: Any
        match sort:
            case LeadSort.BY_NAME:
                schema = tuple[str, _Id]
            case LeadSort.NEXT_FOLLOW_UP_FIRST:
                schema = tuple[_Time | None, _Id]
            case _:
                schema = tuple[_Time, _Id]
        return Cursors((sort, *scope), schema, attrgetter("value", "id"), _lead_position)

    def encode(self, position: PositionT) -> str:
        """Return the cursor of a position."""
        written = msgspec.json.encode((self._fingerprint, self._write(position)))
        return urlsafe_b64encode(written).decode().rstrip("=")

    def decode(self, cursor: str | None) -> PositionT | None:
        """Return the position. Raises `MalformedRequest` if the cursor is invalid or belongs to another list."""
        if cursor is None:
            return None
        try:
            padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
            fingerprint, written = self._decoder.decode(urlsafe_b64decode(padded))
            position = self._read(written)
        except (ValueError, RecursionError, ValidationFailed):  # includes msgspec's, binascii's and Unicode's errors
            detail = "Invalid cursor. Pass `next_cursor` from the previous page unchanged."
            raise MalformedRequest(detail) from None
        if fingerprint != self._fingerprint:
            raise MalformedRequest(
                "The cursor belongs to another list. Keep the filters and the sort order from page to page."
            )
        return position


def page_response(
    request: ApiRequest,
    cursors: Cursors[PositionT],
    page: Page[bytes, PositionT],
    total: int | UnsetType = UNSET,
) -> JsonResponse[PageView[Any]]:
    """Return a page whose items are JSON, with a link to the next page."""
    next_cursor = None if page.next is None else cursors.encode(page.next)
    return JsonResponse(PageView(json_array(page.items), next_cursor, total), headers=next_link(request, next_cursor))


def json_array(items: Iterable[bytes]) -> Any:
    """Return items that are JSON as an array, for a field of a struct."""
    return msgspec.Raw(b"[%s]" % b",".join(items))


def next_link(request: ApiRequest, next_cursor: str | None, parameter: str = "cursor") -> dict[str, str]:
    """Return the header `Link` to the next page (RFC 8288), with its cursor in this query parameter."""
    if next_cursor is None:
        return {}
    sent = quote(request.scope["query_string"], safe="%&=+").split("&")
    others = [part for part in sent if part and unquote_plus(part.partition("=")[0]) != parameter]
    target = f"{request.scope['path']}?{'&'.join([*others, f'{parameter}={next_cursor}'])}"
    return {"link": f'<{target}>; rel="next"'}


def _lead_position(pair: tuple[Any, str]) -> LeadPosition:
    value, id = pair
    if isinstance(value, str):
        check_storable(value)
    return LeadPosition(check_time(value) if isinstance(value, datetime) else value, id)
