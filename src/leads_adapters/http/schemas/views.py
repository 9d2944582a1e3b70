"""Convert domain objects into the structs that clients get, alone or in pages."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any, Generic, Self, TypeVar

import msgspec
from msgspec import UNSET, Meta, UnsetType

from leads_adapters.times import time_text
from leads_domain.contact import EmailAddress

ItemT = TypeVar("ItemT")


class View(msgspec.Struct):
    """A domain object as clients see it."""

    @classmethod
    def of(cls, source: object, /, **values: Any) -> Self:
        """Return the view of `source`: the fields in `values`, and the attributes of `source` for all others."""
        names = (name for name in cls.__struct_fields__ if name not in values)
        return cls(**{name: _json(getattr(source, name)) for name in names}, **values)


class PageView(msgspec.Struct, Generic[ItemT]):
    """A page of a list."""

    items: Sequence[ItemT]
    next_cursor: (
        Annotated[str, Meta(description="Send it as `cursor` to get the next page. Null on the last page.")] | None
    )
    total: Annotated[int, Meta(description="The number of items on all pages. Sent with `count=true`.")] | UnsetType = (
        UNSET
    )


def _json(value: Any) -> Any:
    """Convert a value for msgspec; a time becomes text with microseconds."""
    match value:
        case datetime():
            return time_text(value)
        case timedelta():
            return value.total_seconds()
        case EmailAddress():
            return value.address
        case Mapping():
            return dict(value)
    return value
