"""Read pages of leads as JSON, for adapters that pass it on unchanged."""

from collections.abc import Callable

import msgspec

from leads_adapters.times import time_text
from leads_domain.paging import LeadPosition, LeadQuery, Page
from leads_domain.ports import UnitOfWork

JsonPage = Page[bytes, LeadPosition]
"""A page of leads, each as JSON."""

ReadJsonPage = Callable[[UnitOfWork, LeadQuery], JsonPage]
"""A use case that reads a page as JSON. A database may have a faster one than `read_json_page`."""


def read_json_page(work: UnitOfWork, query: LeadQuery) -> JsonPage:
    """Return a page of leads as JSON. This works on every database."""
    page = work.leads.page(query)
    items = [msgspec.json.encode(lead.to_dict(time_text)) for lead in page.items]
    return Page(items, page.next, page.is_cut)
