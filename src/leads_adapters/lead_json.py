"""Pages of leads as JSON, for clients that only pass it on."""

from collections.abc import Callable

import msgspec

from leads_adapters.times import time_text
from leads_domain.paging import LeadPosition, LeadQuery
from leads_domain.ports import UnitOfWork

JsonPage = tuple[bytes, LeadPosition | None]
"""An array of leads, and where the next page starts."""

ReadJsonPage = Callable[[UnitOfWork, LeadQuery], JsonPage]
"""A use case. A database may have a faster one than `read_json_page`, with the same result."""


def read_json_page(work: UnitOfWork, query: LeadQuery) -> JsonPage:
    """Return a page; works on every database."""
    page = work.leads.page(query)
    return msgspec.json.encode([lead.to_dict(time_text) for lead in page.items]), page.next
