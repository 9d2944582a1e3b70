"""The resource /leads."""

from contextlib import suppress
from dataclasses import dataclass
from typing import cast

from leads_adapters.database import Database
from leads_adapters.http.answer import Answer, Header, etag, json_answer
from leads_adapters.http.conditions import conditional
from leads_adapters.http.decoding import MERGE_PATCH, Body
from leads_adapters.http.operation import Call, Reply, operation
from leads_adapters.http.paging import Cursors, page_answer, rendered
from leads_adapters.http.problems import Problem
from leads_adapters.http.rendering import Rendering
from leads_adapters.http.schemas import LeadPatch, NewLead, PageQuery, RegisterQuery
from leads_adapters.http.views import Accepted, LeadView, PageView, TimelineEntryView, lead_view, timeline_entry_view
from leads_domain.access import Permission, Role
from leads_domain.details import ChangesInput, DetailsInput
from leads_domain.errors import DuplicateLead
from leads_domain.lead import Lead, LeadId
from leads_domain.paging import Page
from leads_domain.ports import UnitOfWork
from leads_domain.use_cases.change_lead import ChangeLead
from leads_domain.use_cases.read_timeline import count_timeline, read_timeline
from leads_domain.use_cases.register_lead import OnDuplicate, Outcome, Registered, RegisterLead

_LEAD = Reply(means="The lead.", schema=LeadView, headers=("ETag",))
_CURSORS = Cursors.of_numbers()


@dataclass(frozen=True, slots=True)
class LeadRoutes:
    """Takes leads in, finds them, changes them and tells their story."""

    database: Database
    rendering: Rendering
    register_lead: RegisterLead
    change_lead: ChangeLead

    @operation(
        method="POST",
        path="/leads",
        tag="Leads",
        permission=Permission.CAPTURE,
        query=RegisterQuery,
        body=Body(NewLead),
        replies={
            201: Reply(means="The new lead.", schema=LeadView, headers=("Location", "ETag")),
            200: Reply(means="The lead that was there, as on_duplicate says.", schema=LeadView, headers=("ETag",)),
            202: Reply(means="All that a capture key learns.", schema=Accepted),
        },
        problems=("duplicate-lead",),
    )
    async def register(self, call: Call) -> Answer:
        """Create a lead.

        Its e-mail address decides whether it is there already, however the address is spelled.
        """
        query: RegisterQuery = call.query
        details = cast(DetailsInput, await call.body(self.register_lead.check))
        if call.principal.role is Role.CAPTURE:
            return await self._capture(details, query, call)
        return await call.write(
            self.database,
            _registered,
            self.register_lead,
            details,
            actor=call.principal.name,
            on_duplicate=query.on_duplicate,
        )

    async def _capture(self, details: DetailsInput, query: RegisterQuery, call: Call) -> Answer:
        """Take a lead in without telling whether it was there: a public form must not reveal who is a lead."""
        if query.on_duplicate is not OnDuplicate.ERROR:
            members = {"role": Role.least(Permission.CHANGE)}
            raise Problem("forbidden", "A capture key cannot return or update leads that are there.", members)
        return await call.write(self.database, _accepted, self._register_quietly, details, actor=call.principal.name)

    def _register_quietly(self, work: UnitOfWork, details: DetailsInput, *, actor: str) -> None:
        """A duplicate ends the unit of work as a new lead does: an answer to it is kept as well."""
        with suppress(DuplicateLead):
            self.register_lead(work, details, actor=actor)

    @operation(
        method="GET",
        path="/leads/{id:str}",
        tag="Leads",
        permission=Permission.READ,
        conditional=True,
        replies={200: _LEAD},
        problems=("not-found",),
    )
    async def find(self, call: Call) -> Answer:
        """Get a lead."""
        rendered, version = await self.rendering.lead(LeadId(call.id("lead")))
        return conditional(call.scope, rendered, version)

    @operation(
        method="PATCH",
        path="/leads/{id:str}",
        tag="Leads",
        permission=Permission.CHANGE,
        body=Body(LeadPatch, MERGE_PATCH),
        conditional=True,
        replies={200: _LEAD},
        problems=("not-found", "duplicate-lead", "illegal-transition"),
    )
    async def change(self, call: Call) -> Answer:
        """Update a lead.

        A JSON Merge Patch (RFC 7396), also as `application/merge-patch+json`: members left out stay as they are,
        attributes are merged by name, a `status` moves the lead along the pipeline. All of it is done, or nothing. A
        move to the present status changes nothing.
        """
        id = LeadId(call.id("lead"))
        changes = cast(ChangesInput, await call.body(self.change_lead.check))
        precondition = call.condition().permits
        return _lead_answer(
            await self.database.write(
                self.change_lead, id, changes, actor=call.principal.name, precondition=precondition
            )
        )

    @operation(
        method="GET",
        path="/leads/{id:str}/timeline",
        tag="Leads",
        permission=Permission.READ,
        query=PageQuery,
        replies={200: Reply(means="A page of the timeline.", schema=PageView[TimelineEntryView], headers=("Link",))},
        problems=("not-found",),
    )
    async def timeline(self, call: Call) -> Answer:
        """List the timeline of a lead, newest first."""
        query: PageQuery = call.query
        id = LeadId(call.id("lead"))

        async def page(before: int | None) -> Page[TimelineEntryView, int]:
            found = await self.database.read(read_timeline, id, before=before, limit=query.limit)
            return rendered(found, timeline_entry_view)

        async def total() -> int:
            return await self.database.read_long(count_timeline, id)

        return await page_answer(call, _CURSORS, "timeline", id, page=page, total=total)


def _registered(registered: Registered) -> Answer:
    if registered.outcome is not Outcome.CREATED:
        return _lead_answer(registered.lead)
    location = (b"location", f"/leads/{registered.lead.id}".encode())
    return _lead_answer(registered.lead, status=201, headers=(location,))


def _accepted(_: None) -> Answer:
    return json_answer(Accepted(), status=202)


def _lead_answer(lead: Lead, *, status: int = 200, headers: tuple[Header, ...] = ()) -> Answer:
    return json_answer(lead_view(lead), status=status, headers=(etag(lead.version), *headers), lead_id=lead.id)
