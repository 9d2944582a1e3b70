"""Path and query parameters that several handlers have."""

from typing import Annotated

from msgspec import Meta

from leads_adapters.http.problems import NotFound
from leads_adapters.http.schemas.common import Status, Time
from leads_domain.checking import check_id, truncate
from leads_domain.errors import ValidationFailed
from leads_domain.lead import LeadId
from leads_domain.paging import LIMIT_MAX, LeadSort
from leads_domain.use_cases.find_leads import Q_MAX, FollowedUp
from leads_domain.use_cases.register_lead import OnDuplicate as DuplicatePolicy

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

_Q = (
    "Only leads with these words: each begins a word of the name, the e-mail address, the telephone number or the "
    "source, whatever its case and accents. Apostrophes and hyphens may be left out. A telephone number is found by "
    "its international form, its national form, and its last 3 digits or more, however it is spaced."
)
_FOLLOW_UP = (
    "Only leads that have a scheduled follow-up (`scheduled`), one whose due time has passed (`overdue`), or none."
)
_ADDRESS = Meta(extra_json_schema={"format": "idn-email"})
Statuses = Annotated[tuple[Status, ...], Meta(description="Only leads with one of these statuses.")]
FromSource = Annotated[
    str, Meta(description="Only leads from this source, exactly.", extra_json_schema={"minLength": 1})
]
OfOwner = Annotated[str, _ADDRESS, Meta(description="Only leads of this owner, however the address is spelled.")]
WithEmail = Annotated[str, _ADDRESS, Meta(description="Only the lead with this address, however it is spelled.")]
CreatedFrom = Annotated[Time, Meta(description="Only leads created at this time or later.")]
CreatedTo = Annotated[Time, Meta(description="Only leads created before this time.")]
UpdatedFrom = Annotated[Time, Meta(description="Only leads changed at this time or later.")]
WithFollowUp = Annotated[FollowedUp, Meta(description=_FOLLOW_UP)]
WithWords = Annotated[str, Meta(description=_Q, examples=["john exam"], extra_json_schema={"maxLength": Q_MAX})]


def checked_id(text: str, kind: str) -> str:
    """Return an id in lower case; raises `NotFound` for a text that is no UUID."""
    try:
        return check_id(text)
    except ValidationFailed:
        raise NotFound(f"There is no {kind} with the id {truncate(text)}; an id is a UUID.") from None


def lead_id(text: str) -> LeadId:
    """Return the id of a lead in a path; raises `NotFound` for a text that is no UUID."""
    return LeadId(checked_id(text, "lead"))
