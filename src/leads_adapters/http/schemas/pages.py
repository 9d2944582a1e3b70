"""Pages of lists."""

from collections.abc import Sequence
from typing import Annotated, Generic, TypeVar

import msgspec
from msgspec import UNSET, Meta, UnsetType

ItemT = TypeVar("ItemT")


class PageView(msgspec.Struct, Generic[ItemT]):
    """A page of a list."""

    items: Sequence[ItemT]
    next_cursor: Annotated[str, Meta(description="Send it as `cursor` for the next page.")] | None
    total: Annotated[int, Meta(description="How many items there are on all pages, if asked for.")] | UnsetType = UNSET
