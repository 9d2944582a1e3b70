"""Read pages as JSON: small ones on the event loop, large ones in a thread."""

from collections.abc import Callable
from typing import Any, TypeVar

import msgspec

from leads_adapters.database import Database
from leads_domain.paging import PAGE_BYTES_MAX, Page
from leads_domain.ports import UnitOfWork

ItemT = TypeVar("ItemT")
PositionT = TypeVar("PositionT")
ReadT = TypeVar("ReadT", bound=Page[Any, Any] | None)

SHORT_BYTES = 2**18
"""The size up to which a page is read on the event loop (docs/decisions/0038-bounded-pages.md)."""

_encoder = msgspec.json.Encoder()


async def read_page(database: Database, read: Callable[[UnitOfWork, int], ReadT]) -> ReadT:
    """Return what `read` returns for a unit of work and the maximum size of a page.

    `read` runs with a small size first. If that cuts the page, it runs again in a thread.
    """
    page = await database.read(read, SHORT_BYTES)
    return await database.read_long(read, PAGE_BYTES_MAX) if page is not None and page.is_cut else page


def json_page(page: Page[ItemT, PositionT], view: Callable[[ItemT], object]) -> Page[bytes, PositionT]:
    """Return a page with the views of its items as JSON. In a thread, each item releases the interpreter lock."""
    return Page([_encoder.encode(view(item)) for item in page.items], page.next, page.is_cut)
