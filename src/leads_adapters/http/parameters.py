"""What handlers take: dependencies, by name from the providers that the container makes, and common parameters."""

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
"""A dependency by name. Its type is not checked for each request: most of them are protocols."""

PathId = Annotated[str, Meta(description="A UUID (RFC 9562).", extra_json_schema={"format": "uuid"})]
Limit = Annotated[int, Meta(ge=1, le=LIMIT_MAX, description="How many items a page has at most.")]
CURSOR = Meta(extra_json_schema={"minLength": 1, "pattern": "^[A-Za-z0-9_-]+$"})
Cursor = Annotated[str, CURSOR, Meta(description="`next_cursor` of the page before, with the same filters and sort.")]
Count = Annotated[bool, Meta(description="Whether to count the items on all pages: `total`.")]
Sort = Annotated[LeadSort, Meta(description="The order; within it by id. A minus reverses it.")]
OnDuplicate = Annotated[
    DuplicatePolicy,
    Meta(description="What to do if the e-mail address is taken: refuse, return that lead, update it."),
]


def provide(value: Any) -> Provide:
    """Return the provider of one object for all requests."""
    return Provide(lambda: value, sync_to_thread=False)


def checked_id(text: str, kind: str) -> str:
    """Return an id in lower case; raises `NotFound` for a text that is no UUID."""
    try:
        return check_id(text)
    except ValidationFailed:
        raise NotFound(f"No {kind} has the id {truncate(text)}: ids are UUIDs.") from None


def lead_id(text: str) -> LeadId:
    """Return the id of a lead in a path; raises `NotFound` for a text that is no UUID."""
    return LeadId(checked_id(text, "lead"))
