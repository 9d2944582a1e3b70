"""Leads: create, find, list, update, merge, export and delete them."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import msgspec
from litestar import Controller, Response, delete, get, patch, post
from litestar.openapi import ResponseSpec
from litestar.params import FromPath, FromQuery, JSONBody
from msgspec import UNSET

from leads_adapters.batch_loader import BatchLoader
from leads_adapters.database import Database
from leads_adapters.http import problems
from leads_adapters.http.authentication import requires
from leads_adapters.http.body import ApiRequest, sent
from leads_adapters.http.conditional import condition, conditional_response
from leads_adapters.http.idempotency import IdempotentWrites
from leads_adapters.http.lead_filters import FilteredLeads
from leads_adapters.http.pagination import Cursors, items_response
from leads_adapters.http.parameters import Count, Cursor, Injected, Limit, OnDuplicate, PathId, Sort, lead_id
from leads_adapters.http.responses import JsonResponse, etag
from leads_adapters.http.schemas.leads import Accepted, LeadPatch, LeadView, NewLead, NewMerge, PersonalDataView
from leads_adapters.http.schemas.views import PageView
from leads_domain.access import Permission, Role
from leads_domain.details import DetailsInput
from leads_domain.errors import DuplicateLead
from leads_domain.lead import Lead, LeadId
from leads_domain.paging import LIMIT_DEFAULT, LeadSort
from leads_domain.ports import UnitOfWork
from leads_domain.use_cases.change_lead import ChangeLead
from leads_domain.use_cases.erase_lead import EraseLead
from leads_domain.use_cases.export_lead import export_lead
from leads_domain.use_cases.merge_leads import MergeLeads
from leads_domain.use_cases.register_lead import OnDuplicate as DuplicatePolicy
from leads_domain.use_cases.register_lead import Outcome, Registered, RegisterLead

LeadResponse: TypeAlias = JsonResponse[LeadView]


@dataclass(frozen=True, slots=True)
class LeadServices:
    """The dependencies of the handlers, in one: Litestar resolves several in a task group, 60 us a request."""

    database: Database
    loader: BatchLoader[LeadId, Lead]
    write: IdempotentWrites
    register_lead: RegisterLead
    change_lead: ChangeLead
    erase_lead: EraseLead
    merge_leads: MergeLeads


class LeadController(Controller):
    """The resource `/leads`."""

    path = "/leads"
    tags = ("Leads",)

    @post(
        opt=requires(Permission.CAPTURE),
        raises=[problems.DuplicateLead],
        responses={
            200: ResponseSpec(LeadView, description="The existing lead, as on_duplicate says."),
            201: ResponseSpec(LeadView, description="The new lead."),
            202: ResponseSpec(Accepted, description="All that a capture key learns."),
        },
    )
    async def create_lead(
        self,
        request: ApiRequest,
        data: JSONBody[NewLead],
        leads: Injected[LeadServices],
        on_duplicate: FromQuery[OnDuplicate] = DuplicatePolicy.ERROR,
    ) -> Response[LeadView]:
        """Create a lead.

        Its e-mail address decides whether it exists already, however the address is spelled.
        """
        actor = request.user.name
        if request.user.role is not Role.CAPTURE:
            return await leads.write(
                request, _registered, leads.register_lead, sent(data), actor=actor, on_duplicate=on_duplicate
            )
        if on_duplicate is not DuplicatePolicy.ERROR:
            least = Role.least_privileged(Permission.CHANGE)
            detail = f"The role `{Role.CAPTURE}` does not permit `on_duplicate`. The role `{least}` permits it."
            raise problems.Forbidden(detail, {"role": least})
        return await leads.write(request, _accepted, _register_silently, leads.register_lead, sent(data), actor=actor)

    @get(opt=requires(Permission.READ))
    async def list_leads(
        self,
        request: ApiRequest,
        filtered_leads: Injected[FilteredLeads],
        limit: FromQuery[Limit] = LIMIT_DEFAULT,
        cursor: FromQuery[Cursor | None] = None,
        count: FromQuery[Count] = False,
        sort: FromQuery[Sort] = LeadSort.NEWEST_FIRST,
    ) -> Response[PageView[LeadView]]:
        """List leads.

        The newest come first unless another order is asked for. Filters are combined: leads match all of them.
        """
        cursors = Cursors.of_leads(sort, "leads", filtered_leads.filters)
        query = replace(filtered_leads.query, sort=sort, limit=limit, after=cursors.decode(cursor))
        items, following = await filtered_leads.page(query)
        total = await filtered_leads.database.read_long(lambda work: work.leads.count(query)) if count else UNSET
        return items_response(request, cursors, msgspec.Raw(items), following, total)

    @get("/{id:str}", opt=requires(Permission.READ, conditional=True))
    async def get_lead(
        self, request: ApiRequest, id: FromPath[PathId], leads: Injected[LeadServices]
    ) -> Response[LeadView]:
        """Get a lead."""
        wanted = lead_id(id)
        lead = await leads.loader.load(wanted)
        if lead is None:  # raises the error that says why
            lead = await leads.database.read(lambda work: work.leads.get(wanted))
        return conditional_response(request, LeadView.of(lead))

    @patch(
        "/{id:str}",
        opt=requires(Permission.CHANGE, conditional=True),
        raises=[problems.DuplicateLead, problems.IllegalTransition],
    )
    async def update_lead(
        self, request: ApiRequest, id: FromPath[PathId], data: JSONBody[LeadPatch], leads: Injected[LeadServices]
    ) -> Response[LeadView]:
        """Update a lead.

        A JSON Merge Patch (RFC 7396), also as `application/merge-patch+json`: members left out stay as they are,
        attributes are merged by name, a `status` moves the lead along the pipeline. All of it is done, or nothing. A
        move to the present status changes nothing.
        """
        options = _change_options(request)
        return _lead_response(await leads.database.write(leads.change_lead, lead_id(id), sent(data), **options))

    @delete(
        "/{id:str}",
        opt=requires(Permission.ADMINISTER, conditional=True),
        response_description="Nothing is stored about the person any more.",
    )
    async def delete_lead(self, request: ApiRequest, id: FromPath[PathId], leads: Injected[LeadServices]) -> None:
        """Delete a lead, with its timeline and follow-ups.

        Its e-mail address can be used again. The timeline of its id still says that it was erased.
        """
        await leads.database.write(leads.erase_lead, lead_id(id), **_change_options(request))

    @post("/{id:str}/merge", status_code=200, opt=requires(Permission.CHANGE, conditional=True))
    async def merge_leads(
        self, request: ApiRequest, id: FromPath[PathId], data: JSONBody[NewMerge], leads: Injected[LeadServices]
    ) -> Response[LeadView]:
        """Merge a duplicate into a lead.

        The members of this lead win; a phone number, a source, an owner and attributes that it does not have are
        taken from the duplicate. Timeline and follow-ups move over; the timeline lists everything that the duplicate
        was. Its id answers 301 from then on. Repeating a merge has no effect.
        """
        options = _change_options(request)
        return await leads.write(request, _lead_response, leads.merge_leads, lead_id(id), sent(data), **options)

    @get("/{id:str}/export", opt=requires(Permission.ADMINISTER))
    async def export_lead(self, id: FromPath[PathId], leads: Injected[LeadServices]) -> Response[PersonalDataView]:
        """Export a lead.

        Everything that is stored about the person, in one document.
        """
        return JsonResponse(PersonalDataView.of(await leads.database.read_long(export_lead, lead_id(id))))


def _change_options(request: ApiRequest) -> dict[str, Any]:
    return {"actor": request.user.name, "precondition": condition(request).permits}


def _lead_response(lead: Lead, status_code: int = 200, headers: Mapping[str, str] | None = None) -> LeadResponse:
    """Return a lead with its entity tag."""
    headers = {**etag(lead.version), **(headers or {})}
    return JsonResponse(LeadView.of(lead), status_code=status_code, headers=headers, lead_id=lead.id)


def _registered(registered: Registered) -> LeadResponse:
    lead = registered.lead
    if registered.outcome is not Outcome.CREATED:
        return _lead_response(lead)
    return _lead_response(lead, 201, {"location": f"/leads/{lead.id}"})


def _accepted(_: None) -> JsonResponse[Any]:
    return JsonResponse(Accepted(), status_code=202)


def _register_silently(work: UnitOfWork, register_lead: RegisterLead, details: DetailsInput, *, actor: str) -> None:
    """Create a lead, or do nothing if it exists: a public form must not reveal who is a lead."""
    with suppress(DuplicateLead):
        register_lead(work, details, actor=actor)
