"""Handlers that answer a constant: what server, framework, gate, envelope and log cost before any work is done."""

from dataclasses import dataclass

from leads_adapters.http.answer import Answer
from leads_adapters.http.decoding import Body
from leads_adapters.http.operation import Call, operation
from leads_adapters.http.schemas import NewLead
from leads_domain.access import Permission

LEAD = "/constant/lead"
PAGE = "/constant/page"
CREATE = "/constant/create"


@dataclass(frozen=True)
class ConstantRoutes:
    """Answers the bytes of one lead and of a page of leads."""

    lead_bytes: bytes
    page_bytes: bytes

    @operation(method="GET", path=LEAD, tag="Constants", permission=Permission.READ, replies={})
    async def lead(self, _: Call) -> Answer:
        """Answer one lead."""
        return Answer(self.lead_bytes)

    @operation(method="GET", path=PAGE, tag="Constants", permission=Permission.READ, replies={})
    async def page(self, _: Call) -> Answer:
        """Answer a page of leads."""
        return Answer(self.page_bytes)

    @operation(
        method="POST", path=CREATE, tag="Constants", permission=Permission.CAPTURE, replies={}, body=Body(NewLead)
    )
    async def create(self, call: Call) -> Answer:
        """Decode a lead, forget it, and answer another one."""
        await call.body(lambda _: None)
        return Answer(self.lead_bytes, status=201)
