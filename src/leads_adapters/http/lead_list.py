"""The list of leads."""

from dataclasses import dataclass, replace
from typing import Any, cast

import msgspec

from leads_adapters.database import Database
from leads_adapters.http.answer import Answer
from leads_adapters.http.operation import Call, Reply, operation
from leads_adapters.http.paging import Cursors, page_answer, wrong_parameters
from leads_adapters.http.rendering import Rendering
from leads_adapters.http.schemas import LeadFilters, LeadListQuery
from leads_adapters.http.views import LeadView, PageView
from leads_domain.access import Permission
from leads_domain.errors import ValidationFailed
from leads_domain.paging import LeadPosition, LeadQuery, LeadSort, Page
from leads_domain.use_cases.find_leads import AskForLeads, FiltersInput, count_leads

_CURSORS = {sort: Cursors.of_leads(sort) for sort in LeadSort}


def lead_query(ask_for_leads: AskForLeads, filters: LeadFilters, **page: Any) -> LeadQuery:
    """The leads that pass the filters of a query; raises `Problem` for filters that make no sense."""
    given = {name: value for name in LeadFilters.__struct_fields__ if (value := getattr(filters, name)) is not None}
    try:
        return ask_for_leads(cast(FiltersInput, given), **page)
    except ValidationFailed as invalid:
        raise wrong_parameters(invalid) from None


@dataclass(frozen=True, slots=True)
class LeadListRoutes:
    """Finds leads."""

    database: Database
    rendering: Rendering
    ask_for_leads: AskForLeads

    @operation(
        method="GET",
        path="/leads",
        tag="Leads",
        permission=Permission.READ,
        query=LeadListQuery,
        replies={200: Reply(means="A page of leads.", schema=PageView[LeadView], headers=("Link",))},
    )
    async def browse(self, call: Call) -> Answer:
        """List leads.

        The newest come first unless another order is asked for. Filters are combined: leads pass all of them.
        """
        query: LeadListQuery = call.query
        asked = lead_query(self.ask_for_leads, query, sort=query.sort, limit=query.limit)

        async def page(after: LeadPosition | None) -> Page[Any, LeadPosition]:
            items, following = await self.rendering.page(replace(asked, after=after) if after else asked)
            return Page(cast(Any, msgspec.Raw(items)), following)

        async def total() -> int:
            return await self.database.read_long(count_leads, asked)

        return await page_answer(call, _CURSORS[query.sort], "leads", page=page, total=total)
