"""What clients get: structs made from the domain's objects, alone or in pages."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any, Generic, Self, TypeVar

import msgspec
from msgspec import UNSET, Meta, UnsetType

from leads_adapters.times import time_text

ItemT = TypeVar("ItemT")


class View(msgspec.Struct):
    """An object of the domain as clients see it."""

    @classmethod
    def of(cls, source: object, /, **members: Any) -> Self:
        """Return what `source` has under the names of the members; `members` replace some."""
        names = (name for name in cls.__struct_fields__ if name not in members)
        return cls(**{name: _json(getattr(source, name)) for name in names}, **members)


class PageView(msgspec.Struct, Generic[ItemT]):
    """A page of a list."""

    items: Sequence[ItemT]
    next_cursor: Annotated[str, Meta(description="Send it as `cursor` for the next page.")] | None
    total: Annotated[int, Meta(description="How many items there are on all pages, if asked for.")] | UnsetType = UNSET


def _json(value: Any) -> Any:
    """Return a value as msgspec encodes it, and a time as text with all its microseconds."""
    match value:
        case datetime():
            return time_text(value)
        case timedelta():
            return value.total_seconds()
        case Mapping():
            return dict(value)
    return value
