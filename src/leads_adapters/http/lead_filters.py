"""Define the filters of lists of leads, which the list and the export share."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any

from litestar.di import Provide
from litestar.params import FromQuery
from msgspec import Meta

from leads_adapters.batch_loader import BatchLoader
from leads_adapters.database import Database
from leads_adapters.http.query import invalid_parameter
from leads_adapters.http.schemas.common import ADDRESS, NO_NUL, Status, Time
from leads_adapters.lead_json import JsonPage, ReadJsonPage
from leads_domain.errors import ValidationFailed
from leads_domain.paging import PAGE_BYTES_MAX, LeadQuery
from leads_domain.use_cases.find_leads import Q_MAX, BuildLeadQuery, FiltersInput, FollowedUp

_Q = (
    "Only leads that match every word. A word matches the start of a word in the name, the e-mail address, the phone "
    "number or the source; case, accents, apostrophes and hyphens do not matter. A phone number also matches by its "
    "international form, its national form, or its last 3 or more digits, with any spaces."
)
_FOLLOW_UP = (
    "Only leads with a scheduled follow-up or an open task (`scheduled`), with one whose due time has passed "
    "(`overdue`), or without both (`none`)."
)
_ADDRESS = Meta(extra_json_schema=ADDRESS)
Statuses = Annotated[tuple[Status, ...], Meta(description="Only leads with one of these statuses.")]
FromSource = Annotated[
    str, Meta(description="Only leads with exactly this source.", extra_json_schema={"minLength": 1, **NO_NUL})
]
OfOwner = Annotated[str, _ADDRESS, Meta(description="Only leads whose owner has this e-mail address, in any spelling.")]
WithEmail = Annotated[str, _ADDRESS, Meta(description="Only the lead with this e-mail address, in any spelling.")]
OptedOut = Annotated[bool, Meta(description="Only leads that have opted out, or only those that have not.")]
CreatedFrom = Annotated[Time, Meta(description="Only leads created at this time or later.")]
CreatedTo = Annotated[Time, Meta(description="Only leads created before this time.")]
UpdatedFrom = Annotated[Time, Meta(description="Only leads updated at this time or later.")]
WithFollowUp = Annotated[FollowedUp, Meta(description=_FOLLOW_UP)]
WithWords = Annotated[
    str, Meta(description=_Q, examples=["john exam"], extra_json_schema={"maxLength": Q_MAX, **NO_NUL})
]


@dataclass(frozen=True, slots=True)
class FilteredLeads:
    """The filters of a request, the query for them, and the means to run it.

    Injecting one object is faster than several: see `docs/decisions/0025-litestar-as-its-users-know-it.md`.
    """

    database: Database
    read_json_page: ReadJsonPage
    loader: BatchLoader[LeadQuery, JsonPage]
    filters: FiltersInput
    query: LeadQuery

    async def page(self, query: LeadQuery) -> JsonPage:
        """Return a page of leads. Equal queries of one event-loop turn without filters share a lookup.

        A page with filters, or larger than the query permits, is read in a thread, up to the maximum size.
        """
        if not query.has_filters:
            page: JsonPage | None = await self.loader.load(query)
            assert page is not None  # noqa: S101 - every query has a page
            if not page.is_cut:
                return page
        return await self.database.read_long(self.read_json_page, replace(query, bytes_max=PAGE_BYTES_MAX))


def filtered_leads_provider(
    database: Database, read_json_page: ReadJsonPage, build_lead_query: BuildLeadQuery
) -> Provide:
    """Return the provider of `FilteredLeads`. It raises `MalformedRequest` if a filter is invalid."""

    async def load(queries: Sequence[LeadQuery]) -> Mapping[LeadQuery, JsonPage]:
        return {query: await database.read(read_json_page, query) for query in queries}

    loader = BatchLoader(load)

    def provide(  # noqa: PLR0913, PLR0917 - one parameter for each query parameter
        status: FromQuery[Statuses] = (),
        source: FromQuery[FromSource | None] = None,
        owner: FromQuery[OfOwner | None] = None,
        email: FromQuery[WithEmail | None] = None,
        do_not_contact: FromQuery[OptedOut | None] = None,
        created_from: FromQuery[CreatedFrom | None] = None,
        created_to: FromQuery[CreatedTo | None] = None,
        updated_from: FromQuery[UpdatedFrom | None] = None,
        follow_up: FromQuery[WithFollowUp | None] = None,
        q: FromQuery[WithWords | None] = None,
    ) -> FilteredLeads:
        values = {
            "status": status or None,
            "source": source,
            "owner": owner,
            "email": email,
            "do_not_contact": do_not_contact,
            "created_from": created_from,
            "created_to": created_to,
            "updated_from": updated_from,
            "follow_up": follow_up,
            "q": q,
        }
        filters: Any = {name: value for name, value in values.items() if value is not None}
        try:
            return FilteredLeads(database, read_json_page, loader, filters, build_lead_query(filters))
        except ValidationFailed as invalid:
            raise invalid_parameter(invalid) from None

    return Provide(provide, sync_to_thread=False)
