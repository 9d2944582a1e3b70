"""Create, get, list, update, merge, export and delete leads."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeAlias

from litestar import Controller, Response, delete, get, patch, post
from litestar.openapi import ResponseSpec
from litestar.params import FromPath, FromQuery, JSONBody
from msgspec import UNSET

from leads_adapters.batch_loader import BatchLoader
from leads_adapters.database import Database
from leads_adapters.http import problems
from leads_adapters.http.authentication import requires
from leads_adapters.http.body import ApiRequest, sent_fields
from leads_adapters.http.capture import Captures
from leads_adapters.http.conditional import change_options, conditional_response
from leads_adapters.http.idempotency import IdempotentWrites
from leads_adapters.http.lead_filters import FilteredLeads
from leads_adapters.http.pages import SHORT_BYTES
from leads_adapters.http.pagination import Cursors, page_response
from leads_adapters.http.parameters import Count, Cursor, Injected, Limit, OnDuplicate, PathId, Sort, lead_id
from leads_adapters.http.personal_data import personal_data
from leads_adapters.http.problem_responses import log_error
from leads_adapters.http.responses import JsonResponse, etag
from leads_adapters.http.schemas.leads import Accepted, LeadPatch, LeadView, NewLead, NewMerge, PersonalDataView
from leads_adapters.http.schemas.views import PageView
from leads_adapters.http.streaming import FileResponse, is_head
from leads_domain.access import Permission, Role
from leads_domain.lead import Lead, LeadId
from leads_domain.paging import LIMIT_DEFAULT, LeadSort
from leads_domain.use_cases.change_lead import ChangeLead
from leads_domain.use_cases.erase_lead import EraseLead
from leads_domain.use_cases.merge_leads import MergeLeads
from leads_domain.use_cases.register_lead import OnDuplicate as DuplicatePolicy
from leads_domain.use_cases.register_lead import Outcome, Registered, RegisterLead

LeadResponse: TypeAlias = JsonResponse[LeadView]


@dataclass(frozen=True, slots=True)
class LeadServices:
    """The dependencies of the handlers.

    Injecting one object is faster than several: see `docs/decisions/0025-litestar-as-its-users-know-it.md`.
    """

    database: Database
    loader: BatchLoader[LeadId, Lead]
    write: IdempotentWrites
    register_lead: RegisterLead
    change_lead: ChangeLead
    erase_lead: EraseLead
    merge_leads: MergeLeads
    capture: Captures


class LeadController(Controller):
    """The resource `/leads`."""

    path = "/leads"
    tags = ("Leads",)

    @post(
        opt=requires(Permission.CAPTURE),
        raises=[problems.DuplicateLead],
        responses={
            200: ResponseSpec(LeadView, description="The existing lead, unchanged (`return`) or updated (`update`)."),
            201: ResponseSpec(LeadView, description="The new lead."),
            202: ResponseSpec(
                Accepted,
                description="The response to a key with the role `capture`, whether the lead is new or exists.",
            ),
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

        Give an e-mail address, a phone number or both. The e-mail address identifies the lead, in any spelling; without
        one, the phone number does. `on_duplicate` decides what happens if the lead exists. For a key with the role
        `capture`, the lead is stored as a submission, which is processed soon after the response: it becomes an enquiry
        of the existing lead. `owner` is ignored.
        """
        if request.user.role is not Role.CAPTURE:
            return await leads.write(
                request,
                _registered_response,
                leads.register_lead,
                sent_fields(data),
                actor=request.user.name,
                on_duplicate=on_duplicate,
            )
        if on_duplicate is not DuplicatePolicy.ERROR:
            least = Role.least_privileged(Permission.CHANGE)
            detail = f"The role `{Role.CAPTURE}` does not permit `on_duplicate`. The role `{least}` permits it."
            raise problems.Forbidden(detail, {"role": least})
        return await leads.capture(request, data)

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

        Newest first, unless `sort` says otherwise. A lead must match all filters.
        """
        cursors = Cursors.of_leads(sort, "leads", filtered_leads.filters)
        after = cursors.decode(cursor)
        query = replace(filtered_leads.query, sort=sort, limit=limit, after=after, bytes_max=SHORT_BYTES)
        page = await filtered_leads.page(query)
        total = await filtered_leads.database.read_long(lambda work: work.leads.count(query)) if count else UNSET
        return page_response(request, cursors, page, total)

    @get("/{id:str}", opt=requires(Permission.READ, conditional=True))
    async def get_lead(
        self, request: ApiRequest, id: FromPath[PathId], leads: Injected[LeadServices]
    ) -> Response[LeadView]:
        """Get a lead."""
        wanted = lead_id(id)
        lead = await leads.loader.load(wanted)
        if lead is None:  # find out why: this raises `NotFound` or `Merged`
            lead = await leads.database.read(lambda work: work.leads.get(wanted))
        return conditional_response(request, lead, LeadView.of)

    @patch(
        "/{id:str}",
        opt=requires(Permission.CHANGE, conditional=True),
        raises=[problems.DuplicateLead, problems.IllegalTransition],
    )
    async def update_lead(
        self, request: ApiRequest, id: FromPath[PathId], data: JSONBody[LeadPatch], leads: Injected[LeadServices]
    ) -> Response[LeadView]:
        """Update a lead.

        A JSON Merge Patch (RFC 7396); `application/merge-patch+json` is accepted as well. Omitted fields keep their
        values, and attributes are merged by name. The pipeline must allow the transition to a new `status`; the
        current status has no effect. The request makes all of its changes or none.
        """
        options = change_options(request)
        return lead_response(await leads.database.write(leads.change_lead, lead_id(id), sent_fields(data), **options))

    @delete(
        "/{id:str}",
        opt=requires(Permission.ADMINISTER, conditional=True),
        response_description="All data about the person is erased.",
    )
    async def delete_lead(self, request: ApiRequest, id: FromPath[PathId], leads: Injected[LeadServices]) -> None:
        """Delete a lead.

        Its timeline, follow-ups, tasks and submissions are erased with it. One timeline entry remains, which records
        when and by whom the lead was erased. Its e-mail address and phone number can be used again.
        """
        await leads.database.write(leads.erase_lead, lead_id(id), **change_options(request))

    @post("/{id:str}/merge", status_code=200, opt=requires(Permission.CHANGE, conditional=True))
    async def merge_leads(
        self, request: ApiRequest, id: FromPath[PathId], data: JSONBody[NewMerge], leads: Injected[LeadServices]
    ) -> Response[LeadView]:
        """Merge a duplicate into a lead.

        The lead keeps its fields. Missing fields and further attributes are taken from the duplicate. The timeline,
        follow-ups, tasks and submissions of the duplicate move to the lead, and a timeline entry lists the fields of
        the duplicate. Requests for its id return 301 from then on. Repeating a merge has no effect.
        """
        options = change_options(request)
        return await leads.write(request, lead_response, leads.merge_leads, lead_id(id), sent_fields(data), **options)

    @get("/{id:str}/export", opt=requires(Permission.ADMINISTER))
    async def export_lead(
        self, request: ApiRequest, id: FromPath[PathId], leads: Injected[LeadServices]
    ) -> Response[PersonalDataView]:
        """Export a person's data.

        Returns everything that the service stores about the person, as of one moment.
        """
        wanted = lead_id(id)
        next_piece = partial(anext, personal_data(leads.database, wanted), b"")
        response = FileResponse(next_piece, partial(log_error, request), media_type="application/json", headers={})
        if is_head(request.scope):
            await leads.database.read(lambda work: work.leads.get(wanted))
        else:
            await response.begin()
        return response


def lead_response(lead: Lead, status_code: int = 200, headers: Mapping[str, str] | None = None) -> LeadResponse:
    """Return a lead with its entity tag."""
    headers = {**etag(lead.version), **(headers or {})}
    return JsonResponse(LeadView.of(lead), status_code=status_code, headers=headers, lead_id=lead.id)


def _registered_response(registered: Registered) -> LeadResponse:
    lead = registered.lead
    if registered.outcome is not Outcome.CREATED:
        return lead_response(lead)
    return lead_response(lead, 201, {"location": f"/leads/{lead.id}"})
