"""Leads as JSON."""

from collections.abc import Mapping, Sequence
from typing import Protocol, cast

import msgspec

from leads_adapters.batch_loader import BatchLoader
from leads_adapters.database import Database
from leads_adapters.http.views import lead_view
from leads_domain.lead import Lead, LeadId
from leads_domain.paging import LeadPosition, LeadQuery, Page
from leads_domain.use_cases.find_leads import find_lead, find_leads, list_leads

RenderedPage = tuple[bytes, LeadPosition | None]
"""A JSON array of leads, and where the next page starts."""


class Rendering(Protocol):
    """Answers leads as the JSON of `LeadView`."""

    async def lead(self, id: LeadId) -> tuple[bytes, int]:
        """One lead, and its version; raises `NotFound`."""

    async def page(self, query: LeadQuery) -> RenderedPage:
        """The leads that `query` asks for, as a JSON array, and where the next page starts."""


class RenderedByPython:
    """See `Rendering`; works on any database. What is asked for at the same time is looked up together."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._leads: BatchLoader[LeadId, Lead] = BatchLoader(self._look_leads_up)
        self._pages: BatchLoader[LeadQuery, RenderedPage] = BatchLoader(self._look_pages_up)

    async def lead(self, id: LeadId) -> tuple[bytes, int]:
        """See `Rendering.lead`."""
        lead = await self._leads.load(id)
        if lead is None:
            lead = await self._database.read(find_lead, id)
        return _json(lead), lead.version

    async def _look_leads_up(self, ids: Sequence[LeadId]) -> Mapping[LeadId, Lead]:
        return await self._database.read(find_leads, ids)

    async def page(self, query: LeadQuery) -> RenderedPage:
        """See `Rendering.page`."""
        if not query.is_plain:
            return _rendered(await self._database.read_long(list_leads, query))
        return cast(RenderedPage, await self._pages.load(query))

    async def _look_pages_up(self, queries: Sequence[LeadQuery]) -> Mapping[LeadQuery, RenderedPage]:
        return {query: _rendered(await self._database.read(list_leads, query)) for query in queries}


def _rendered(page: Page[Lead, LeadPosition]) -> RenderedPage:
    return b"[" + b",\n".join(map(_json, page.items)) + b"]", page.next


def _json(lead: Lead) -> bytes:
    return msgspec.json.encode(lead_view(lead))
