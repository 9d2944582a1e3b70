"""Pages and cursors: opaque to clients, and good only for the list that they came from."""

import hashlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from typing import Annotated, Any, Generic, TypeVar
from urllib.parse import quote, unquote_plus

import msgspec
from litestar import Request
from msgspec import Meta

from leads_adapters.http.answer import Answer, json_answer
from leads_adapters.http.problems import Problem
from leads_adapters.http.schemas import PageQuery
from leads_adapters.http.views import PageView
from leads_domain.paging import Page, Position

At = TypeVar("At")
Item = TypeVar("Item")

_FINGERPRINT_BYTES = 8


class _Place(msgspec.Struct, array_like=True):
    """A position as it stands in a cursor; strict, because a client can write one itself."""

    at: Annotated[datetime, Meta(tz=True)]
    id: Annotated[str, Meta(pattern=r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\Z")]

    def position(self) -> Position:
        """The position itself."""
        return Position(self.at.astimezone(UTC), self.id)


class Cursors(Generic[At]):
    """Turns positions of one kind of list into cursors and back: `written` as they stand there, `read` from that."""

    def __init__(self, written: Any, read: Callable[[Any], At]) -> None:
        self._decoder = msgspec.json.Decoder(tuple[bytes, written])
        self._read = read

    @staticmethod
    def of_positions() -> "Cursors[Position]":
        """For lists that are ordered by a time and an id."""
        return Cursors(_Place, _Place.position)

    @staticmethod
    def of_numbers() -> "Cursors[int]":
        """For lists that are ordered by a number."""
        return Cursors(Annotated[int, Meta(ge=0, le=2**63 - 1)], int)

    def encode(self, position: At, *scope: object) -> str:
        """A cursor that is good only within `scope`: the list, its filters and its order."""
        written = (position.at, position.id) if isinstance(position, Position) else position
        return urlsafe_b64encode(msgspec.json.encode((_fingerprint(scope), written))).decode().rstrip("=")

    def decode(self, cursor: str | None, *scope: object) -> At | None:
        """The position; raises `Problem` for a cursor that is garbled or of another list."""
        if cursor is None:
            return None
        try:
            padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
            fingerprint, written = self._decoder.decode(urlsafe_b64decode(padded))
            position = self._read(written)
        except (ValueError, OverflowError, RecursionError):  # includes msgspec's, binascii's and Unicode's errors
            raise Problem("malformed-request", "The cursor is garbled; send one as next_cursor gave it.") from None
        if fingerprint != _fingerprint(scope):
            raise Problem("malformed-request", "The cursor is of a list with other filters or another sort.")
        return position


def page_answer(
    page: Page[Item, At], render: Callable[[Item], Any], cursor: Callable[[At], str], request: Request[Any, Any, Any]
) -> Answer:
    """A page as JSON; see `list_answer`."""
    following = None if page.next is None else cursor(page.next)
    return list_answer([render(item) for item in page.items], following, request)


def list_answer(
    items: Any, next_cursor: str | None, request: Request[Any, Any, Any], *, parameter: str = "cursor"
) -> Answer:
    """The items of a page as JSON, with a link to the next page (RFC 8288), whose cursor goes into `parameter`."""
    view = PageView(items, next_cursor)
    if next_cursor is None:
        return json_answer(view)
    sent = quote(request.scope["query_string"], safe="%&=+").split("&")
    others = [part for part in sent if part and unquote_plus(part.partition("=")[0]) != parameter]
    target = f"{request.scope['path']}?{'&'.join([*others, f'{parameter}={next_cursor}'])}"
    return json_answer(view, headers=[(b"link", f'<{target}>; rel="next"'.encode())])


def filters(query: PageQuery) -> tuple[object, ...]:
    """What a cursor of this list is tied to: everything but the page."""
    return tuple(value for name, value in msgspec.structs.asdict(query).items() if name not in ("limit", "cursor"))


@lru_cache
def _fingerprint(scope: tuple[object, ...]) -> bytes:
    return hashlib.blake2b(msgspec.json.encode(scope), digest_size=_FINGERPRINT_BYTES).digest()
