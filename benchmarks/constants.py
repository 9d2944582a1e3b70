"""Handlers that answer a constant: what server, framework, gate, envelope and log cost before any work is done."""

import msgspec

from leads_adapters.http.answer import Answer
from leads_adapters.http.decoding import Body
from leads_adapters.http.operation import Call, operation
from leads_adapters.http.paging import Cursors, filters
from leads_adapters.http.schemas import LeadListQuery, LeadView, NewLead, PageView, lead_view
from leads_domain.access import Permission
from leads_domain.lead import Lead
from leads_domain.paging import Page, Position

LEAD = "/constant/lead"
PAGE = "/constant/page"
CREATE = "/constant/create"


class ConstantRoutes:
    """Answers the first page of leads as it was when the service was started, and its first lead."""

    def __init__(self, page: Page[Lead, Position]) -> None:
        leads = [lead_view(lead) for lead in page.items]
        cursor = Cursors(Position).encode(page.next, "leads", *filters(LeadListQuery())) if page.next else None
        self._lead = msgspec.json.encode(leads[0])
        self._page = msgspec.json.encode(PageView[LeadView](leads, cursor))

    @operation(method="GET", path=LEAD, tag="Constants", permission=Permission.READ, replies={})
    async def lead(self, _: Call) -> Answer:
        """Answer one lead."""
        return Answer(self._lead)

    @operation(method="GET", path=PAGE, tag="Constants", permission=Permission.READ, replies={})
    async def page(self, _: Call) -> Answer:
        """Answer a page of leads."""
        return Answer(self._page)

    @operation(
        method="POST", path=CREATE, tag="Constants", permission=Permission.CAPTURE, replies={}, body=Body(NewLead)
    )
    async def create(self, call: Call) -> Answer:
        """Decode a lead, forget it, and answer another one."""
        await call.body()
        return Answer(self._lead, status=201)
