"""Define the parameters that handlers share, and how dependencies are injected."""

from typing import Annotated, Any, TypeAlias, TypeVar

from litestar.di import NamedDependency, Provide
from litestar.params import SkipValidation
from msgspec import Meta

from leads_adapters.http.problems import NotFound
from leads_domain.checking import check_id, truncate
from leads_domain.errors import ValidationFailed
from leads_domain.lead import LeadId
from leads_domain.paging import LIMIT_MAX, LeadSort
from leads_domain.use_cases.register_lead import OnDuplicate as DuplicatePolicy

T = TypeVar("T")

Injected: TypeAlias = NamedDependency[SkipValidation[T]]
"""A dependency by name. Litestar does not check its type, because most of them are protocols."""

PathId = Annotated[str, Meta(description="A UUID (RFC 9562).", extra_json_schema={"format": "uuid"})]
Limit = Annotated[
    int,
    Meta(
        ge=1, le=LIMIT_MAX, description="The maximum number of items on a page. A page of more than 8 MiB ends earlier."
    ),
]
CURSOR = Meta(extra_json_schema={"minLength": 1, "pattern": "^[A-Za-z0-9_-]+$"})
Cursor = Annotated[
    str, CURSOR, Meta(description="The `next_cursor` of the previous page. Keep its filters and sort order.")
]
Count = Annotated[bool, Meta(description="Include `total`, the number of items on all pages.")]
Sort = Annotated[
    LeadSort,
    Meta(description="The field to sort by. Leads with the same value are sorted by id. A minus reverses the order."),
]
OnDuplicate = Annotated[
    DuplicatePolicy,
    Meta(
        description="If the lead exists already: refuse the new one (`error`), return the existing lead unchanged "
        "(`return`), or update it (`update`)."
    ),
]


def provide(value: Any) -> Provide:
    """Return a provider of the same object for all requests."""
    return Provide(lambda: value, sync_to_thread=False)


def checked_id(text: str, kind: str) -> str:
    """Return an id in lower case. Raises `NotFound` if the text is not a UUID."""
    try:
        return check_id(text)
    except ValidationFailed:
        raise NotFound(f"No {kind} has the id {truncate(text)}: ids are UUIDs.") from None


def lead_id(text: str) -> LeadId:
    """Return the id of a lead from a path. Raises `NotFound` if the text is not a UUID."""
    return LeadId(checked_id(text, "lead"))
